/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ML-KEM-768, FIPS 203, over the arithmetic and the Keccak of an instruction set.
 *
 * Polynomials have 256 coefficients modulo q = 3329 in int16_t. "Small" is between -q/2 and q/2,
 * "least" between 0 and q - 1. A polynomial in the transform's domain lies in an order of the
 * instruction set's own, "lane order", between poly_ntt() or poly_to_lanes() and poly_inverse() or
 * poly_from_lanes(). Products carry a factor of 2^-16 (Montgomery).
 *
 * Who includes this defines
 *     MLKEM_ROW, MLKEM_ISA      the row's name and its instruction set
 *     KECCAK_LANES              how many states keccak_lanes() permutes at once
 *     keccak_lanes(words)       on uint64_t words[25][KECCAK_LANES], aligned for it
 * and, over struct poly,
 *     poly_ntt(p)               natural order, |c| < q, to the transform in lane order, small
 *     poly_inverse(p)           and back: from small to |c| < q, times 2^16
 *     poly_to_lanes(p), poly_from_lanes(p)   the order alone
 *     poly_dot(r, a, b)         r = sum of a[i] * b[i] over three, in the transform's domain, times
 *                               2^-16; |a| < 2^12, b small; r small
 *     poly_lift(p)              times 2^16; small
 *     poly_small(p)             any to small
 *     poly_noise(p, bytes)      SamplePolyCBD_2 of 128 bytes
 */

#include <string.h>

#include "base/ct.h"
#include "simd/keccak.h"
#include "simd/mlkem.h"

#define K        3u
#define POLY_LEN 384u /* ByteEncode_12 */
#define VEC_LEN  (K * POLY_LEN)
#define U_LEN    320u /* a polynomial of u, ten bits a coefficient */
#define V_OFFSET (K * U_LEN)
#define EK_RHO   VEC_LEN
#define DK_EK    VEC_LEN
#define DK_HASH  (DK_EK + LKS_MLKEM_EK_LEN)
#define DK_Z     (DK_HASH + 32u)

/* --- Sampling, section 4.2.2 --- */

struct sponges {
    _Alignas(32) uint64_t words[25][KECCAK_LANES];
};

/* One short message a lane (at most 40 bytes, zeros behind its end), and the padding. */
static void sponges_begin(struct sponges *s, const uint8_t (*messages)[40], size_t len, size_t rate)
{
    memset(s, 0, sizeof(*s));
    for (size_t lane = 0; lane < KECCAK_LANES; lane++) {
        for (size_t i = 0; i < 5; i++)
            s->words[i][lane] = load_le64(messages[lane] + 8 * i);
        s->words[len / 8][lane] ^= (uint64_t)KECCAK_SHAKE << 8 * (len % 8);
        s->words[rate / 8 - 1][lane] ^= UINT64_C(1) << 63;
    }
}

static void sponges_squeeze(struct sponges *s, uint8_t *out, size_t stride, size_t len)
{
    keccak_lanes(s->words);
    for (size_t i = 0; i < len / 8; i++)
        for (size_t lane = 0; lane < KECCAK_LANES; lane++)
            store_le64(out + lane * stride + 8 * i, s->words[i][lane]);
}

/* SampleNTT: takes len bytes (a multiple of 3); p has num coefficients before and as many as are
 * returned afterwards. The bytes come of a public seed, but a branch a coefficient would also be
 * slow. */
static unsigned int take_uniform(struct poly *p, unsigned int num, const uint8_t *bytes, size_t len)
{
    int16_t out[256 + 2];
    const unsigned int before = num;
    for (size_t i = 0; i < len && num < 256; i += 3) {
        int16_t a = (int16_t)(bytes[i] | (bytes[i + 1] & 15) << 8);
        int16_t b = (int16_t)(bytes[i + 1] >> 4 | bytes[i + 2] << 4);
        out[num] = a;
        num += a < MLKEM_Q;
        out[num] = b;
        num += b < MLKEM_Q;
    }
    num = num < 256 ? num : 256;
    memcpy(p->c + before, out + before, (num - before) * sizeof(out[0]));
    return num;
}

/* A, or its transpose, from a seed that is public. */
static void sample_matrix(struct poly a[K][K], const uint8_t rho[32], bool transposed)
{
    enum { BLOCKS = 3, LEN = BLOCKS * KECCAK_RATE_128 }; /* enough but for once in a hundred */
    uint8_t bytes[KECCAK_LANES][LEN];
    for (unsigned int first = 0; first < K * K; first += KECCAK_LANES) {
        struct sponges s;
        uint8_t messages[KECCAK_LANES][40] = {0};
        for (unsigned int lane = 0; lane < KECCAK_LANES; lane++) {
            unsigned int row = (first + lane) / K, column = (first + lane) % K;
            memcpy(messages[lane], rho, 32);
            messages[lane][32] = (uint8_t)(transposed ? row : column);
            messages[lane][33] = (uint8_t)(transposed ? column : row);
        }
        sponges_begin(&s, (const uint8_t(*)[40])messages, 34, KECCAK_RATE_128);
        for (size_t i = 0; i < BLOCKS; i++)
            sponges_squeeze(&s, bytes[0] + i * KECCAK_RATE_128, LEN, KECCAK_RATE_128);
        unsigned int num[KECCAK_LANES] = {0}, num_full = 0;
        for (size_t len = LEN;; len = KECCAK_RATE_128) {
            num_full = 0;
            for (unsigned int lane = 0; lane < KECCAK_LANES && first + lane < K * K; lane++) {
                struct poly *p = &a[(first + lane) / K][(first + lane) % K];
                if (num[lane] < 256)
                    num[lane] = take_uniform(p, num[lane], bytes[lane], len);
                num_full += num[lane] == 256;
            }
            if (num_full == KECCAK_LANES || first + num_full == K * K)
                break;
            sponges_squeeze(&s, bytes[0], LEN, KECCAK_RATE_128);
        }
    }
    for (unsigned int i = 0; i < K * K; i++)
        poly_to_lanes(&a[i / K][i % K]);
}

/* num polynomials of noise with eta = 2, from nonce 0 on. */
static void sample_noise(struct poly *const *p, unsigned int num, const uint8_t seed[32])
{
    uint8_t messages[KECCAK_LANES][40], bytes[KECCAK_LANES][128];
    struct sponges s;
    for (unsigned int first = 0; first < num; first += KECCAK_LANES) {
        memset(messages, 0, sizeof(messages));
        for (unsigned int lane = 0; lane < KECCAK_LANES; lane++) {
            memcpy(messages[lane], seed, 32);
            messages[lane][32] = (uint8_t)(first + lane);
        }
        sponges_begin(&s, (const uint8_t(*)[40])messages, 33, KECCAK_RATE_256);
        sponges_squeeze(&s, bytes[0], sizeof(bytes[0]), sizeof(bytes[0]));
        for (unsigned int lane = 0; lane < KECCAK_LANES && first + lane < num; lane++)
            poly_noise(p[first + lane], bytes[lane]);
    }
    lks_wipe(messages, sizeof(messages));
    lks_wipe(bytes, sizeof(bytes));
    lks_wipe(&s, sizeof(s));
}

/* --- Bytes, section 4.2.1. Lossy ones round by multiplication: a division's time would tell. ---
 */

static void add(struct poly *r, const struct poly *a)
{
    for (unsigned int i = 0; i < 256; i++)
        r->c[i] = (int16_t)(r->c[i] + a->c[i]);
}

static void make_least(struct poly *p)
{
    poly_small(p);
    for (unsigned int i = 0; i < 256; i++)
        p->c[i] = (int16_t)(p->c[i] + (p->c[i] >> 15 & MLKEM_Q));
}

static void encode_12(uint8_t *out, const struct poly *p)
{
    for (unsigned int i = 0; i < 128; i++, out += 3) {
        unsigned int a = (uint16_t)p->c[2 * i], b = (uint16_t)p->c[2 * i + 1];
        out[0] = (uint8_t)a;
        out[1] = (uint8_t)(a >> 8 | b << 4);
        out[2] = (uint8_t)(b >> 4);
    }
}

static void decode_12(struct poly *p, const uint8_t *in)
{
    for (unsigned int i = 0; i < 128; i++, in += 3) {
        p->c[2 * i] = (int16_t)(in[0] | (in[1] & 15) << 8);
        p->c[2 * i + 1] = (int16_t)(in[1] >> 4 | in[2] << 4);
    }
}

/* Compress_d of least coefficients: round(2^d / q * c) modulo 2^d. scale and half, found by trying
 * all q values, make 2^22 times that; what overflows is a multiple of 2^d. */
static inline __attribute__((always_inline)) void
compress(uint32_t out[256], const struct poly *p, unsigned int d, uint32_t scale, uint32_t half)
{
    for (unsigned int i = 0; i < 256; i++)
        out[i] = (((uint32_t)p->c[i] * scale + half) >> 22) & ((1u << d) - 1);
}

static void encode_10(uint8_t *out, const struct poly *p)
{
    uint32_t c[256];
    compress(c, p, 10, 1290167, (1u << 21) + 450);
    for (unsigned int i = 0; i < 256; i += 4, out += 5) {
        uint64_t bits =
            c[i] | (uint64_t)c[i + 1] << 10 | (uint64_t)c[i + 2] << 20 | (uint64_t)c[i + 3] << 30;
        store_le32(out, (uint32_t)bits);
        out[4] = (uint8_t)(bits >> 32);
    }
}

static void decode_10(struct poly *p, const uint8_t *in)
{
    for (unsigned int i = 0; i < 256; i += 4, in += 5) {
        uint64_t bits = load_le32(in) | (uint64_t)in[4] << 32;
        for (unsigned int j = 0; j < 4; j++, bits >>= 10)
            p->c[i + j] = (int16_t)(((uint32_t)(bits & 1023) * MLKEM_Q + 512) >> 10);
    }
}

static void encode_4(uint8_t *out, const struct poly *p)
{
    uint32_t c[256];
    compress(c, p, 4, 20159, 1u << 21);
    for (unsigned int i = 0; i < 128; i++)
        out[i] = (uint8_t)(c[2 * i] | c[2 * i + 1] << 4);
}

static void decode_4(struct poly *p, const uint8_t *in)
{
    for (unsigned int i = 0; i < 128; i++) {
        p->c[2 * i] = (int16_t)(((in[i] & 15) * MLKEM_Q + 8) >> 4);
        p->c[2 * i + 1] = (int16_t)(((in[i] >> 4) * MLKEM_Q + 8) >> 4);
    }
}

static void encode_1(uint8_t out[32], const struct poly *p)
{
    uint32_t c[256];
    compress(c, p, 1, 2520, 1u << 21);
    for (unsigned int i = 0; i < 32; i++) {
        out[i] = 0;
        for (unsigned int j = 0; j < 8; j++)
            out[i] |= (uint8_t)(c[8 * i + j] << j);
    }
    lks_wipe(c, sizeof(c));
}

/* The barrier keeps compilers from branching on a bit of the message. */
static void add_message(struct poly *p, const uint8_t in[32])
{
    for (unsigned int i = 0; i < 256; i++) {
        uint32_t mask = lks_ct_barrier((uint32_t)0 - (in[i / 8] >> i % 8 & 1u));
        p->c[i] = (int16_t)(p->c[i] + (int16_t)(mask & (MLKEM_Q + 1) / 2));
    }
}

/* --- K-PKE, section 5 --- */

static void pke_generate(uint8_t *ek, uint8_t *dk, const uint8_t d[32])
{
    struct {
        uint8_t seed[64]; /* rho, sigma */
        struct poly s[K], e[K];
    } w;
    struct poly a[K][K], t;
    static const uint8_t k[1] = {K};
    keccak_hash(w.seed, 64, KECCAK_RATE_512, KECCAK_SHA3, d, 32, k, 1);
    lks_ct_public(w.seed, 32, "rho is part of the encapsulation key");
    sample_matrix(a, w.seed, false);
    sample_noise((struct poly *const[]){&w.s[0], &w.s[1], &w.s[2], &w.e[0], &w.e[1], &w.e[2]}, 6,
                 w.seed + 32);
    for (unsigned int i = 0; i < K; i++) {
        poly_ntt(&w.s[i]);
        poly_ntt(&w.e[i]);
    }
    for (unsigned int i = 0; i < K; i++) {
        poly_dot(&t, a[i], w.s);
        poly_lift(&t);
        add(&t, &w.e[i]);
        make_least(&t);
        poly_from_lanes(&t);
        encode_12(ek + i * POLY_LEN, &t);
    }
    memcpy(ek + EK_RHO, w.seed, 32);
    for (unsigned int i = 0; i < K; i++) {
        make_least(&w.s[i]);
        poly_from_lanes(&w.s[i]);
        encode_12(dk + i * POLY_LEN, &w.s[i]);
    }
    lks_wipe(&w, sizeof(w));
}

static void pke_encrypt(uint8_t *cipher, const uint8_t *ek, const uint8_t m[32],
                        const uint8_t coins[32])
{
    struct {
        struct poly y[K], e1[K], e2, u, v;
    } w;
    struct poly at[K][K], t[K];
    sample_matrix(at, ek + EK_RHO, true);
    for (unsigned int i = 0; i < K; i++) {
        decode_12(&t[i], ek + i * POLY_LEN);
        poly_to_lanes(&t[i]);
    }
    sample_noise(
        (struct poly *const[]){&w.y[0], &w.y[1], &w.y[2], &w.e1[0], &w.e1[1], &w.e1[2], &w.e2}, 7,
        coins);
    for (unsigned int i = 0; i < K; i++)
        poly_ntt(&w.y[i]);
    for (unsigned int i = 0; i < K; i++) {
        poly_dot(&w.u, at[i], w.y);
        poly_inverse(&w.u);
        add(&w.u, &w.e1[i]);
        make_least(&w.u);
        encode_10(cipher + i * U_LEN, &w.u);
    }
    poly_dot(&w.v, t, w.y);
    poly_inverse(&w.v);
    add(&w.v, &w.e2);
    add_message(&w.v, m);
    make_least(&w.v);
    encode_4(cipher + V_OFFSET, &w.v);
    lks_wipe(&w, sizeof(w));
}

static void pke_decrypt(uint8_t m[32], const uint8_t *dk, const uint8_t *cipher)
{
    struct {
        struct poly s[K], us;
    } w;
    struct poly u[K], v;
    for (unsigned int i = 0; i < K; i++) {
        decode_10(&u[i], cipher + i * U_LEN);
        poly_ntt(&u[i]);
        decode_12(&w.s[i], dk + i * POLY_LEN);
        poly_to_lanes(&w.s[i]);
    }
    decode_4(&v, cipher + V_OFFSET);
    poly_dot(&w.us, w.s, u);
    poly_inverse(&w.us);
    for (unsigned int i = 0; i < 256; i++)
        w.us.c[i] = (int16_t)(v.c[i] - w.us.c[i]);
    make_least(&w.us);
    encode_1(m, &w.us);
    lks_wipe(&w, sizeof(w));
}

/* --- ML-KEM, section 6 --- */

static void generate(uint8_t *ek, uint8_t *dk, const uint8_t *seed)
{
    pke_generate(ek, dk, seed);
    memcpy(dk + DK_EK, ek, LKS_MLKEM_EK_LEN);
    keccak_hash(dk + DK_HASH, 32, KECCAK_RATE_256, KECCAK_SHA3, ek, LKS_MLKEM_EK_LEN, NULL, 0);
    memcpy(dk + DK_Z, seed + 32, 32);
}

/* Section 7.2: what ByteDecode_12 takes is what ByteEncode_12 gives. */
static bool ek_is_reduced(const uint8_t *ek)
{
    struct poly p;
    unsigned int num_wrong = 0;
    for (unsigned int i = 0; i < K; i++) {
        decode_12(&p, ek + i * POLY_LEN);
        for (unsigned int j = 0; j < 256; j++)
            num_wrong += p.c[j] >= MLKEM_Q;
    }
    return num_wrong == 0;
}

static bool encapsulate(uint8_t *cipher, uint8_t *secret, const uint8_t *ek, const uint8_t *coins)
{
    uint8_t hash[32], out[64]; /* K, r */
    if (!ek_is_reduced(ek))
        return false;
    keccak_hash(hash, 32, KECCAK_RATE_256, KECCAK_SHA3, ek, LKS_MLKEM_EK_LEN, NULL, 0);
    keccak_hash(out, 64, KECCAK_RATE_512, KECCAK_SHA3, coins, 32, hash, 32);
    pke_encrypt(cipher, ek, coins, out + 32);
    memcpy(secret, out, 32);
    lks_wipe(out, sizeof(out));
    return true;
}

/* All ones if the ciphertexts are the same, else 0; which of them it is, nobody may learn. */
static uint32_t same(const uint8_t *a, const uint8_t *b)
{
    uint64_t diff = 0;
    for (size_t i = 0; i < LKS_MLKEM_CIPHER_LEN; i += 8)
        diff |= load_le64(a + i) ^ load_le64(b + i);
    return lks_ct_is_zero((uint32_t)(diff | diff >> 32));
}

static void decapsulate(uint8_t *secret, const uint8_t *dk, const uint8_t *cipher)
{
    struct {
        uint8_t m[32], out[64], rejected[32], again[LKS_MLKEM_CIPHER_LEN];
    } w;
    const uint8_t *ek = dk + DK_EK;
    lks_ct_public(ek, LKS_MLKEM_EK_LEN, "the encapsulation key lies in the decapsulation key");
    pke_decrypt(w.m, dk, cipher);
    keccak_hash(w.out, 64, KECCAK_RATE_512, KECCAK_SHA3, w.m, 32, dk + DK_HASH, 32);
    keccak_hash(w.rejected, 32, KECCAK_RATE_256, KECCAK_SHAKE, dk + DK_Z, 32, cipher,
                LKS_MLKEM_CIPHER_LEN);
    pke_encrypt(w.again, ek, w.m, w.out + 32);
    uint32_t mask = same(w.again, cipher);
    for (unsigned int i = 0; i < LKS_MLKEM_SECRET_LEN; i++)
        secret[i] = (uint8_t)lks_ct_select(mask, w.out[i], w.rejected[i]);
    lks_wipe(&w, sizeof(w));
}

static bool check_dk(const uint8_t *dk)
{
    uint8_t hash[32];
    keccak_hash(hash, 32, KECCAK_RATE_256, KECCAK_SHA3, dk + DK_EK, LKS_MLKEM_EK_LEN, NULL, 0);
    return lks_ct_memeq(hash, dk + DK_HASH, 32);
}

const struct lks_mlkem MLKEM_ROW = {
    "mlkem768", MLKEM_ISA, generate, encapsulate, decapsulate, check_dk,
};
