/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AES-GCM streams over vectors of any width: one message at a time, made for long ones.
 *
 * The file that includes this defines, besides including <immintrin.h>:
 *   GCM_ISA        name of the tier, unquoted                     aesni    vaes256    vaes512
 *   VEC            vector type                                    __m128i  __m256i    __m512i
 *   VEC_BLOCKS     AES blocks in a vector                         1        2          4
 *   vec_load/vec_store(p[, v])   unaligned
 *   vec_xor(a, b), vec_aesenc(v, k), vec_aesenclast(v, k), vec_clmul(a, b, imm)
 *   vec_shuffle(v, m)   bytes within each block, by the vector m
 *   vec_add32(a, b)     32-bit lanes
 *   vec_repeat(block)   the __m128i in every block
 *   vec_fold(v)         xor of all blocks, as __m128i
 *   vec_count()         the vector with block i's last word (byte-reversed form) i, else 0
 *   vec_xor3(a, b, c)
 *   vec_first(block)    the __m128i in the first block, zero in the others
 * and is compiled with AES-NI, PCLMULQDQ, SSSE3 and SSE4.1, plus for ymm AVX2, VAES and VPCLMULQDQ,
 * plus for zmm AVX-512F and -BW. It defines the rows lks_aes_{128,256}_gcm_<GCM_ISA>.
 *
 * Mathematics. GHASH numbers the bits of a block from the other end than clmul does. Reversing the
 * bytes of each block turns it into POLYVAL (RFC 8452, appendix A):
 *     GHASH(H, X1, …) = rev(POLYVAL(x rev(H), rev(X1), …)),
 * whose product a b x^-128 is a Montgomery multiplication and needs no shift: two clmul by the
 * constant 0xc2 << 56 fold the lower half of a 256-bit product into the upper one. "Powers of H"
 * are those of x rev(H) under that product. n blocks are summed as X1 H^n + X2 H^n-1 + … + Xn H
 * with one reduction in the end.
 *
 * Key state: round keys, then H^4, H^3, H^2, H^1. Descending, so that n blocks multiply with n
 * neighbours, and last, so that "the end of the powers" names them all. Long messages need more
 * powers than a small key should hold, so they make their own table on the stack.
 */

#include <string.h>

#include <lockstep/engine.h>

#include "simd/aead.h"
#include "simd/aead_rows.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

#define STATE_POWERS      4u
#define KEYS_LEN(rounds)  (16u * ((rounds) + 1u))
#define STATE_LEN(rounds) (KEYS_LEN(rounds) + 16u * STATE_POWERS)
#define GROUP             8u /* vectors in flight */
#define GROUP_BLOCKS      (GROUP * VEC_BLOCKS)
#define GROUP_LEN         (16u * GROUP_BLOCKS)

#define block_load(p)     _mm_loadu_si128((const __m128i *)(const void *)(p))
#define block_store(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)

INLINE __m128i reverse_mask(void)
{
    return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/* A product before reduction: 256 bits as low, high and the two middle terms' sum. */
struct product {
    __m128i low, mid, high;
};

INLINE __m128i reduce(struct product p)
{
    const __m128i poly = _mm_set_epi64x((long long)0xc200000000000000u, 1);
    __m128i low = _mm_xor_si128(p.low, _mm_slli_si128(p.mid, 8));
    __m128i high = _mm_xor_si128(p.high, _mm_srli_si128(p.mid, 8));
    for (int i = 0; i < 2; i++)
        low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, poly, 0x10));
    return _mm_xor_si128(high, low);
}

INLINE struct product multiply(__m128i a, __m128i b)
{
    return (struct product){
        _mm_clmulepi64_si128(a, b, 0x00),
        _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)),
        _mm_clmulepi64_si128(a, b, 0x11)};
}

/* Products of whole vectors, added up. */
struct vec_product {
    VEC low, mid, high;
};

INLINE struct vec_product vec_multiply(VEC a, VEC b)
{
    return (struct vec_product){vec_clmul(a, b, 0x00),
                                vec_xor(vec_clmul(a, b, 0x01), vec_clmul(a, b, 0x10)),
                                vec_clmul(a, b, 0x11)};
}

INLINE void vec_multiply_add(struct vec_product *sum, VEC a, VEC b)
{
    sum->low = vec_xor(sum->low, vec_clmul(a, b, 0x00));
    sum->mid = vec_xor3(sum->mid, vec_clmul(a, b, 0x01), vec_clmul(a, b, 0x10));
    sum->high = vec_xor(sum->high, vec_clmul(a, b, 0x11));
}

INLINE __m128i vec_reduce(struct vec_product p)
{
    return reduce((struct product){vec_fold(p.low), vec_fold(p.mid), vec_fold(p.high)});
}

struct gcm {
    __m128i sum;     /* of GHASH, reversed bytes */
    __m128i counter; /* of the next block, reversed bytes: a 32-bit add counts */
    const uint8_t *round_keys;
    const uint8_t *powers_end; /* H^k lies 16 k bytes before */
    uint32_t fill;             /* bytes of a block that a segment's end cut through */
    uint8_t key_stream[16];    /* that block's */
    uint8_t cipher[16];        /* that block's ciphertext so far */
};

INLINE __m128i encrypt_block(const uint8_t *round_keys, unsigned int rounds, __m128i block)
{
    block = _mm_xor_si128(block, block_load(round_keys));
    for (unsigned int i = 1; i < rounds; i++)
        block = _mm_aesenc_si128(block, block_load(round_keys + 16 * i));
    return _mm_aesenclast_si128(block, block_load(round_keys + 16 * rounds));
}

INLINE __m128i next_key_stream_block(struct gcm *g, unsigned int rounds)
{
    __m128i block = _mm_shuffle_epi8(g->counter, reverse_mask());
    g->counter = _mm_add_epi32(g->counter, _mm_set_epi32(0, 0, 0, 1));
    return encrypt_block(g->round_keys, rounds, block);
}

/* One block in reversed bytes. */
INLINE void ghash_block(struct gcm *g, __m128i block)
{
    g->sum = reduce(multiply(_mm_xor_si128(g->sum, block), block_load(g->powers_end - 16)));
}

/* Any number of bytes, zero-padded to whole blocks. */
INLINE void ghash_padded(struct gcm *g, const uint8_t *bytes, size_t len)
{
    for (; len >= 16; bytes += 16, len -= 16)
        ghash_block(g, _mm_shuffle_epi8(block_load(bytes), reverse_mask()));
    if (len) {
        uint8_t last[16] = {0};
        memcpy(last, bytes, len);
        ghash_block(g, _mm_shuffle_epi8(block_load(last), reverse_mask()));
    }
}

/* num_vecs vectors of ciphertext, the sum so far added to the first block. */
INLINE void ghash_vecs(struct gcm *g, const uint8_t *cipher, unsigned int num_vecs)
{
    const VEC reverse = vec_repeat(reverse_mask());
    const uint8_t *power = g->powers_end - 16 * VEC_BLOCKS * num_vecs;
    VEC first = vec_xor(vec_shuffle(vec_load(cipher), reverse), vec_first(g->sum));
    struct vec_product sum = vec_multiply(first, vec_load(power));
    UNROLL for (unsigned int i = 1; i < num_vecs; i++)
        vec_multiply_add(&sum, vec_shuffle(vec_load(cipher + 16 * VEC_BLOCKS * i), reverse),
                         vec_load(power + 16 * VEC_BLOCKS * i));
    g->sum = vec_reduce(sum);
}

/* num_vecs vectors through the cipher, and in the same breath (if hash) GHASH over as many vectors
 * of ciphertext at `hash`: two chains of instructions that do not wait for each other. */
INLINE void crypt_vecs(struct gcm *g, unsigned int rounds, const uint8_t *src, uint8_t *dst,
                       const uint8_t *hash, unsigned int num_vecs)
{
    const VEC reverse = vec_repeat(reverse_mask());
    const VEC step = vec_repeat(_mm_set_epi32(0, 0, 0, VEC_BLOCKS));
    VEC counter = vec_add32(vec_repeat(g->counter), vec_count()), block[GROUP];
    VEC key = vec_repeat(block_load(g->round_keys));
    UNROLL for (unsigned int i = 0; i < num_vecs; i++)
    {
        block[i] = vec_xor(vec_shuffle(counter, reverse), key);
        counter = vec_add32(counter, step);
    }
    g->counter = _mm_add_epi32(g->counter, _mm_set_epi32(0, 0, 0, (int)(num_vecs * VEC_BLOCKS)));

    const uint8_t *power = g->powers_end - 16 * VEC_BLOCKS * num_vecs;
    struct vec_product sum;
    UNROLL for (unsigned int round = 1; round < rounds; round++)
    {
        key = vec_repeat(block_load(g->round_keys + 16 * round));
        UNROLL for (unsigned int i = 0; i < num_vecs; i++) block[i] = vec_aesenc(block[i], key);
        if (hash && round == 1)
            sum = vec_multiply(vec_xor(vec_shuffle(vec_load(hash), reverse), vec_first(g->sum)),
                               vec_load(power));
        else if (hash && round <= num_vecs)
            vec_multiply_add(&sum,
                             vec_shuffle(vec_load(hash + 16 * VEC_BLOCKS * (round - 1)), reverse),
                             vec_load(power + 16 * VEC_BLOCKS * (round - 1)));
        if (hash && round == num_vecs)
            g->sum = vec_reduce(sum);
    }
    key = vec_repeat(block_load(g->round_keys + 16 * rounds));
    UNROLL for (unsigned int i = 0; i < num_vecs; i++)
    {
        const unsigned int at = 16 * VEC_BLOCKS * i;
        vec_store(dst + at, vec_aesenclast(block[i], vec_xor(key, vec_load(src + at))));
    }
}

/* Bytes up to the end of a block that an earlier segment began, or the first of a new one. Returns
 * how many. */
static __attribute__((noinline)) size_t finish_block(struct gcm *g, const uint8_t *src,
                                                     uint8_t *dst, size_t len, bool opening)
{
    size_t at = g->fill, end = at + len < 16 ? at + len : 16;
    for (size_t i = at; i < end; i++) {
        uint8_t in = src[i - at], out = in ^ g->key_stream[i];
        g->cipher[i] = opening ? in : out;
        dst[i - at] = out;
    }
    g->fill = end & 15;
    if (end == 16)
        ghash_block(g, _mm_shuffle_epi8(block_load(g->cipher), reverse_mask()));
    return end - at;
}

INLINE void crypt_block(struct gcm *g, unsigned int rounds, const uint8_t *src, uint8_t *dst,
                        bool opening)
{
    __m128i in = block_load(src), out = _mm_xor_si128(in, next_key_stream_block(g, rounds));
    block_store(dst, out);
    ghash_block(g, _mm_shuffle_epi8(opening ? in : out, reverse_mask()));
}

/* Whole vectors, num_vecs of them. */
INLINE void crypt_and_hash(struct gcm *g, unsigned int rounds, const uint8_t *src, uint8_t *dst,
                           unsigned int num_vecs, bool opening)
{
    if (opening) {
        crypt_vecs(g, rounds, src, dst, src, num_vecs);
    } else {
        crypt_vecs(g, rounds, src, dst, NULL, num_vecs);
        ghash_vecs(g, dst, num_vecs);
    }
}

/* The long middle: groups of vectors, where sealing hashes each group while it encrypts the next.
 */
INLINE size_t crypt_groups(struct gcm *g, unsigned int rounds, const uint8_t *src, uint8_t *dst,
                           size_t len, bool opening)
{
    size_t at = 0;
    if (opening) {
        for (; len - at >= GROUP_LEN; at += GROUP_LEN)
            crypt_vecs(g, rounds, src + at, dst + at, src + at, GROUP);
        return at;
    }
    if (len < GROUP_LEN)
        return 0;
    crypt_vecs(g, rounds, src, dst, NULL, GROUP);
    for (at = GROUP_LEN; len - at >= GROUP_LEN; at += GROUP_LEN)
        crypt_vecs(g, rounds, src + at, dst + at, dst + at - GROUP_LEN, GROUP);
    ghash_vecs(g, dst + at - GROUP_LEN, GROUP);
    return at;
}

INLINE void crypt_segment(struct gcm *g, unsigned int rounds, const struct lks_seg *seg,
                          bool opening)
{
    const uint8_t *src = seg->src;
    uint8_t *dst = seg->dst;
    size_t len = seg->len, n;
    if (g->fill) {
        n = finish_block(g, src, dst, len, opening);
        src += n, dst += n, len -= n;
    }
    n = crypt_groups(g, rounds, src, dst, len, opening);
    src += n, dst += n, len -= n;
    for (unsigned int num_vecs = GROUP / 2; num_vecs; num_vecs /= 2) {
        n = (size_t)16 * VEC_BLOCKS * num_vecs;
        if (len < n)
            continue;
        if (num_vecs == 4)
            crypt_and_hash(g, rounds, src, dst, 4, opening);
        else if (num_vecs == 2)
            crypt_and_hash(g, rounds, src, dst, 2, opening);
        else
            crypt_and_hash(g, rounds, src, dst, 1, opening);
        src += n, dst += n, len -= n;
    }
    for (; len >= 16; src += 16, dst += 16, len -= 16) /* a wide vector's rest */
        crypt_block(g, rounds, src, dst, opening);
    if (len) { /* the block that the end cuts through */
        block_store(g->key_stream, next_key_stream_block(g, rounds));
        finish_block(g, src, dst, len, opening);
    }
}

/* Each block of a product reduced by itself: reduce() for whole vectors. */
INLINE VEC vec_reduce_each(struct vec_product p)
{
    const VEC poly = vec_repeat(_mm_set_epi64x((long long)0xc200000000000000u, 1));
    const VEC swap = vec_repeat(_mm_set_epi64x(0x0706050403020100, 0x0f0e0d0c0b0a0908));
    const VEC up = vec_repeat(_mm_set_epi64x(0x0706050403020100, -1));
    const VEC down = vec_repeat(_mm_set_epi64x(-1, 0x0f0e0d0c0b0a0908));
    VEC low = vec_xor(p.low, vec_shuffle(p.mid, up));
    VEC high = vec_xor(p.high, vec_shuffle(p.mid, down));
    for (int i = 0; i < 2; i++)
        low = vec_xor(vec_shuffle(low, swap), vec_clmul(low, poly, 0x10));
    return vec_xor(high, low);
}

/* The powers that a message of len bytes needs, at most H^GROUP_BLOCKS … H^1, up to table's end.
 * Each pass doubles them, a vector at a time. */
INLINE void make_powers(uint8_t *table, const uint8_t *state_end, size_t len)
{
    uint8_t *end = table + GROUP_LEN;
    memcpy(end - 16 * STATE_POWERS, state_end - 16 * STATE_POWERS, 16 * STATE_POWERS);
    for (unsigned int have = STATE_POWERS; have < GROUP_BLOCKS && len >= 32 * have; have *= 2) {
        VEC by = vec_repeat(block_load(end - 16 * have));
        for (unsigned int k = VEC_BLOCKS; k <= have; k += VEC_BLOCKS)
            vec_store(end - 16 * (have + k),
                      vec_reduce_each(vec_multiply(vec_load(end - 16 * k), by)));
    }
}

INLINE void gcm_run(const struct lks_aead_job *job, uint8_t tag[16], unsigned int rounds,
                    bool opening)
{
    struct gcm g = {0};
    uint8_t powers[GROUP_LEN] __attribute__((aligned(64)));
    const uint8_t *state_end = job->state + STATE_LEN(rounds);
    g.round_keys = job->state;
    g.powers_end = state_end;
    if (job->len >= 32 * STATE_POWERS) {
        make_powers(powers, state_end, job->len);
        g.powers_end = powers + GROUP_LEN;
    }
    ghash_padded(&g, job->aad, job->aad_len);

    uint8_t first[16];
    memcpy(first, job->nonce, 12);
    memcpy(first + 12, "\0\0\0\1", 4); /* J0 of SP 800-38D section 7.1 */
    g.counter = _mm_shuffle_epi8(block_load(first), reverse_mask());
    __m128i tag_mask = next_key_stream_block(&g, rounds);
    for (uint32_t i = 0; i < job->num_segs; i++)
        crypt_segment(&g, rounds, &job->segs[i], opening);
    if (g.fill)
        ghash_padded(&g, g.cipher, g.fill);
    ghash_block(&g, _mm_set_epi64x((long long)job->aad_len * 8, (long long)job->len * 8));
    block_store(tag, _mm_xor_si128(_mm_shuffle_epi8(g.sum, reverse_mask()), tag_mask));
}

/* Round keys by aeskeygenassist (Gueron, "Intel AES New Instructions", 2010). */
INLINE __m128i expand_step(__m128i key, __m128i assist)
{
    for (int i = 0; i < 3; i++)
        key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    return _mm_xor_si128(key, assist);
}

#define ASSIST(key, rcon, lane) _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, rcon), lane)

INLINE void expand_128(uint8_t *round_keys, const uint8_t *key)
{
    __m128i k = block_load(key);
    block_store(round_keys, k);
#define STEP(i, rcon)                          \
    k = expand_step(k, ASSIST(k, rcon, 0xff)); \
    block_store(round_keys + 16 * (i), k)
    STEP(1, 0x01);
    STEP(2, 0x02);
    STEP(3, 0x04);
    STEP(4, 0x08);
    STEP(5, 0x10);
    STEP(6, 0x20);
    STEP(7, 0x40);
    STEP(8, 0x80);
    STEP(9, 0x1b);
    STEP(10, 0x36);
#undef STEP
}

INLINE void expand_256(uint8_t *round_keys, const uint8_t *key)
{
    __m128i even = block_load(key), odd = block_load(key + 16);
    block_store(round_keys, even);
    block_store(round_keys + 16, odd);
#define STEP_EVEN(i, rcon)                             \
    even = expand_step(even, ASSIST(odd, rcon, 0xff)); \
    block_store(round_keys + 16 * (i), even)
#define STEP_ODD(i)                                \
    odd = expand_step(odd, ASSIST(even, 0, 0xaa)); \
    block_store(round_keys + 16 * (i), odd)
    STEP_EVEN(2, 0x01);
    STEP_ODD(3);
    STEP_EVEN(4, 0x02);
    STEP_ODD(5);
    STEP_EVEN(6, 0x04);
    STEP_ODD(7);
    STEP_EVEN(8, 0x08);
    STEP_ODD(9);
    STEP_EVEN(10, 0x10);
    STEP_ODD(11);
    STEP_EVEN(12, 0x20);
    STEP_ODD(13);
    STEP_EVEN(14, 0x40);
#undef STEP_EVEN
#undef STEP_ODD
}

/* H = E(K, 0), times x in POLYVAL's field (RFC 8452 section 3 and appendix A), and its powers. */
INLINE void store_powers(uint8_t *state, unsigned int rounds)
{
    __m128i h = _mm_shuffle_epi8(encrypt_block(state, rounds, _mm_setzero_si128()), reverse_mask());
    __m128i carries = _mm_srli_epi64(h, 63); /* of both halves */
    __m128i out = _mm_shuffle_epi32(carries, 0x4e);
    __m128i has_carry = _mm_sub_epi64(_mm_setzero_si128(), _mm_unpacklo_epi64(out, out));
    h = _mm_or_si128(_mm_add_epi64(h, h), _mm_slli_si128(carries, 8));
    h = _mm_xor_si128(h,
                      _mm_and_si128(has_carry, _mm_set_epi64x((long long)0xc200000000000000u, 1)));
    __m128i power = h;
    for (unsigned int k = 1; k <= STATE_POWERS; k++) {
        block_store(state + STATE_LEN(rounds) - 16 * k, power);
        power = reduce(multiply(power, h));
    }
}

static void init_128(uint8_t *state, const uint8_t *key)
{
    expand_128(state, key);
    store_powers(state, 10);
}

static void seal_128(struct lks_aead_job *job)
{
    gcm_run(job, job->tag, 10, false);
}

static void open_128(struct lks_aead_job *job)
{
    uint8_t tag[16];
    gcm_run(job, tag, 10, true);
    lks_aead_finish_open(job, tag, 16);
}

static void init_256(uint8_t *state, const uint8_t *key)
{
    expand_256(state, key);
    store_powers(state, 14);
}

static void seal_256(struct lks_aead_job *job)
{
    gcm_run(job, job->tag, 14, false);
}

static void open_256(struct lks_aead_job *job)
{
    uint8_t tag[16];
    gcm_run(job, tag, 14, true);
    lks_aead_finish_open(job, tag, 16);
}

#define GCM_PASTE(a, b)    a##b
#define GCM_ROW(name, isa) GCM_PASTE(name, isa)
#define GCM_TEXT(isa)      #isa
#define GCM_NAME(isa)      GCM_TEXT(isa)

const struct lks_aead GCM_ROW(lks_aes_128_gcm_, GCM_ISA) = {
    .name = "aes_128_gcm",
    .isa = GCM_NAME(GCM_ISA),
    .id = LKS_AES_128_GCM,
    .key_len = 16,
    .tag_len = 16,
    .state_len = STATE_LEN(10),
    .max_records = LKS_GCM_MAX_RECORDS,
    .init = init_128,
    .seal = seal_128,
    .open = open_128,
};

const struct lks_aead GCM_ROW(lks_aes_256_gcm_, GCM_ISA) = {
    .name = "aes_256_gcm",
    .isa = GCM_NAME(GCM_ISA),
    .id = LKS_AES_256_GCM,
    .key_len = 32,
    .tag_len = 16,
    .state_len = STATE_LEN(14),
    .max_records = LKS_GCM_MAX_RECORDS,
    .init = init_256,
    .seal = seal_256,
    .open = open_256,
};
