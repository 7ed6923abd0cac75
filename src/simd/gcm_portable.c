/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AES-GCM (NIST SP 800-38D) in constant time and plain C: what every other kernel is compared with.
 *
 * GHASH calls the first bit of a block the coefficient of x^0, so that a block loaded as a
 * big-endian number is a polynomial with its bits reversed. Multiplying two reversed polynomials
 * gives the reversed product, one bit too far right: hence the shift by one in ghash_multiply().
 * Carry-less products come from integer multiplications of numbers that use only every fourth bit:
 * sums of up to 15 ones stay within the gap (the idea is Thomas Pornin's, "Constant-time mul" in
 * BearSSL's notes). This is constant time wherever the CPU's 64-bit multiplication is.
 */

#include <string.h>

#include <lockstep/engine.h>

#include "base/bytes.h"
#include "base/ct.h"
#include "simd/aead.h"
#include "simd/aead_rows.h"
#include "simd/aes_portable.h"

/* Key state: the round keys, then H. */
#define STATE_LEN(key_len)  (16u * ((key_len) / 4u + 7u) + 16u)
#define NUM_ROUNDS(key_len) ((key_len) / 4u + 6u)

struct u128 {
    uint64_t high, low;
};

/* Low 64 bits of the carry-less product. */
static uint64_t clmul_low(uint64_t a, uint64_t b)
{
    const uint64_t every4 = 0x1111111111111111u;
    uint64_t product = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t sum = 0;
        for (int j = 0; j < 4; j++)
            sum ^= (a & every4 << j) * (b & every4 << ((i - j) & 3));
        product |= sum & every4 << i;
    }
    return product;
}

static uint64_t reverse_bits(uint64_t x)
{
    x = (x >> 1 & 0x5555555555555555u) | (x & 0x5555555555555555u) << 1;
    x = (x >> 2 & 0x3333333333333333u) | (x & 0x3333333333333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0fu) | (x & 0x0f0f0f0f0f0f0f0fu) << 4;
    return __builtin_bswap64(x);
}

/* The whole carry-less product of 64 by 64 bits: its upper half is the lower half of the product of
 * the reversed factors. */
static struct u128 clmul(uint64_t a, uint64_t b)
{
    return (struct u128){reverse_bits(clmul_low(reverse_bits(a), reverse_bits(b))) >> 1,
                         clmul_low(a, b)};
}

/* Folds a 64-bit word that stands 128 degrees too high: x^128 = x^7 + x^2 + x + 1. */
static void fold(uint64_t word, uint64_t *same, uint64_t *next)
{
    *same ^= word ^ word >> 1 ^ word >> 2 ^ word >> 7;
    *next ^= word << 63 ^ word << 62 ^ word << 57;
}

static struct u128 ghash_multiply(struct u128 a, struct u128 b)
{
    struct u128 high = clmul(a.high, b.high), low = clmul(a.low, b.low);
    struct u128 mid = clmul(a.high ^ a.low, b.high ^ b.low); /* Karatsuba */
    uint64_t w3 = high.high, w2 = high.low ^ mid.high ^ high.high ^ low.high;
    uint64_t w1 = low.high ^ mid.low ^ high.low ^ low.low, w0 = low.low;
    w3 = w3 << 1 | w2 >> 63;
    w2 = w2 << 1 | w1 >> 63;
    w1 = w1 << 1 | w0 >> 63;
    w0 <<= 1;
    fold(w0, &w2, &w1);
    fold(w1, &w3, &w2);
    return (struct u128){w3, w2};
}

struct ghash {
    struct u128 h, sum;
    uint8_t block[16]; /* bytes that wait for the rest of their block */
    unsigned int fill;
};

static void ghash_block(struct ghash *g, const uint8_t *block)
{
    g->sum.high ^= load_be64(block);
    g->sum.low ^= load_be64(block + 8);
    g->sum = ghash_multiply(g->sum, g->h);
}

static void ghash_update(struct ghash *g, const uint8_t *bytes, size_t len)
{
    while (len) {
        size_t n = 16 - g->fill < len ? 16 - g->fill : len;
        memcpy(g->block + g->fill, bytes, n);
        bytes += n;
        len -= n;
        g->fill = (unsigned int)(g->fill + n) % 16;
        if (!g->fill)
            ghash_block(g, g->block);
    }
}

/* Zero bytes up to the next block border. */
static void ghash_pad(struct ghash *g)
{
    if (!g->fill)
        return;
    memset(g->block + g->fill, 0, 16 - g->fill);
    g->fill = 0;
    ghash_block(g, g->block);
}

struct gcm {
    struct lks_aes_planes aes;
    struct ghash ghash;
    uint8_t counter[16];  /* the next block's */
    uint8_t tag_mask[16]; /* E(K, J0) */
    uint8_t key_stream[64];
    unsigned int used; /* of key_stream */
};

/* Encrypts the next four counter blocks into key_stream. */
static void next_key_stream(struct gcm *g)
{
    uint32_t count = (uint32_t)load_be64(g->counter + 8);
    for (uint32_t i = 0; i < 4; i++) {
        memcpy(g->key_stream + 16 * i, g->counter, 12);
        store_be32(g->key_stream + 16 * i + 12, count + i);
    }
    store_be32(g->counter + 12, count + 4);
    lks_aes_portable_encrypt4(&g->aes, g->key_stream);
    g->used = 0;
}

static void gcm_begin(struct gcm *g, const struct lks_aead_job *job, unsigned int key_len)
{
    const uint8_t *h = job->state + STATE_LEN(key_len) - 16;
    memset(&g->ghash, 0, sizeof(g->ghash));
    g->ghash.h = (struct u128){load_be64(h), load_be64(h + 8)};
    lks_aes_portable_load(&g->aes, job->state, NUM_ROUNDS(key_len));
    memcpy(g->counter, job->nonce, 12);
    store_be32(g->counter + 12, 1); /* J0, section 7.1 for 96-bit nonces */
    next_key_stream(g);
    memcpy(g->tag_mask, g->key_stream, 16);
    g->used = 16;
    ghash_update(&g->ghash, job->aad, job->aad_len);
    ghash_pad(&g->ghash);
}

/* Encrypts or decrypts a segment; the hash always takes the ciphertext, before it is overwritten.
 */
static void gcm_segment(struct gcm *g, const struct lks_seg *seg, bool opening)
{
    for (size_t at = 0; at < seg->len;) {
        if (g->used == sizeof(g->key_stream))
            next_key_stream(g);
        size_t n = sizeof(g->key_stream) - g->used;
        if (n > seg->len - at)
            n = seg->len - at;
        if (opening)
            ghash_update(&g->ghash, seg->src + at, n);
        for (size_t i = 0; i < n; i++)
            seg->dst[at + i] = seg->src[at + i] ^ g->key_stream[g->used + i];
        if (!opening)
            ghash_update(&g->ghash, seg->dst + at, n);
        g->used += (unsigned int)n;
        at += n;
    }
}

static void gcm_end(struct gcm *g, const struct lks_aead_job *job, uint8_t tag[16])
{
    uint8_t lengths[16];
    ghash_pad(&g->ghash);
    store_be64(lengths, (uint64_t)job->aad_len * 8);
    store_be64(lengths + 8, (uint64_t)job->len * 8);
    ghash_block(&g->ghash, lengths);
    store_be64(tag, g->ghash.sum.high);
    store_be64(tag + 8, g->ghash.sum.low);
    for (int i = 0; i < 16; i++)
        tag[i] ^= g->tag_mask[i];
    lks_wipe(g, sizeof(*g));
}

static void init(uint8_t *state, const uint8_t *key, unsigned int key_len)
{
    struct lks_aes_planes aes;
    uint8_t blocks[64] = {0};
    lks_aes_portable_expand(state, key, key_len);
    lks_aes_portable_load(&aes, state, NUM_ROUNDS(key_len));
    lks_aes_portable_encrypt4(&aes, blocks);
    memcpy(state + STATE_LEN(key_len) - 16, blocks, 16);
    lks_wipe(&aes, sizeof(aes));
    lks_wipe(blocks, sizeof(blocks));
}

static void seal(struct lks_aead_job *job, unsigned int key_len)
{
    struct gcm g;
    gcm_begin(&g, job, key_len);
    for (uint32_t i = 0; i < job->num_segs; i++)
        gcm_segment(&g, &job->segs[i], false);
    gcm_end(&g, job, job->tag);
}

static void open(struct lks_aead_job *job, unsigned int key_len)
{
    struct gcm g;
    uint8_t tag[16];
    gcm_begin(&g, job, key_len);
    for (uint32_t i = 0; i < job->num_segs; i++)
        gcm_segment(&g, &job->segs[i], true);
    gcm_end(&g, job, tag);
    lks_aead_finish_open(job, tag, 16);
}

static void init128(uint8_t *state, const uint8_t *key)
{
    init(state, key, 16);
}

static void seal128(struct lks_aead_job *job)
{
    seal(job, 16);
}

static void open128(struct lks_aead_job *job)
{
    open(job, 16);
}

static void init256(uint8_t *state, const uint8_t *key)
{
    init(state, key, 32);
}

static void seal256(struct lks_aead_job *job)
{
    seal(job, 32);
}

static void open256(struct lks_aead_job *job)
{
    open(job, 32);
}

const struct lks_aead lks_aes_128_gcm_portable = {
    .name = "aes_128_gcm",
    .isa = "portable",
    .id = LKS_AES_128_GCM,
    .key_len = 16,
    .tag_len = 16,
    .state_len = STATE_LEN(16),
    .max_records = LKS_GCM_MAX_RECORDS,
    .init = init128,
    .seal = seal128,
    .open = open128,
};

const struct lks_aead lks_aes_256_gcm_portable = {
    .name = "aes_256_gcm",
    .isa = "portable",
    .id = LKS_AES_256_GCM,
    .key_len = 32,
    .tag_len = 16,
    .state_len = STATE_LEN(32),
    .max_records = LKS_GCM_MAX_RECORDS,
    .init = init256,
    .seal = seal256,
    .open = open256,
};
