/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ChaCha20-Poly1305 (RFC 8439) in constant time and plain C: what every other kernel is compared
 * with. Poly1305 works on five limbs of 26 bits, so that every product fits into 64 bits without
 * 128-bit arithmetic.
 */

#include <string.h>

#include <lockstep/engine.h>

#include "base/bytes.h"
#include "base/ct.h"
#include "simd/aead.h"
#include "simd/aead_rows.h"

#define KEY_LEN   32u
#define LIMB_BITS 26
#define LIMB_MASK 0x3ffffffu

static uint32_t rotate_left(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = rotate_left(*d ^ *a, 16);
    *c += *d, *b = rotate_left(*b ^ *c, 12);
    *a += *b, *d = rotate_left(*d ^ *a, 8);
    *c += *d, *b = rotate_left(*b ^ *c, 7);
}

/* RFC 8439 section 2.3. */
static void chacha_block(const uint32_t input[16], uint8_t out[64])
{
    uint32_t x[16];
    memcpy(x, input, sizeof(x));
    for (int i = 0; i < 10; i++) {
        for (int col = 0; col < 4; col++)
            quarter_round(&x[col], &x[4 + col], &x[8 + col], &x[12 + col]);
        for (int col = 0; col < 4; col++)
            quarter_round(&x[col], &x[4 + (col + 1) % 4], &x[8 + (col + 2) % 4],
                          &x[12 + (col + 3) % 4]);
    }
    for (int i = 0; i < 16; i++)
        store_le32(out + 4 * i, x[i] + input[i]);
    lks_wipe(x, sizeof(x));
}

struct poly1305 {
    uint32_t r[5], sum[5];
    uint8_t pad[16]; /* s of RFC 8439, added at the end */
    uint8_t block[16];
    unsigned int fill;
};

static void poly_begin(struct poly1305 *p, const uint8_t one_time_key[32])
{
    const uint8_t *k = one_time_key;
    memset(p, 0, sizeof(*p));
    /* Limbs of r at bits 0, 26, 52, 78, 104, clamped (RFC 8439 section 2.5). */
    p->r[0] = load_le32(k) & 0x3ffffff;
    p->r[1] = load_le32(k + 3) >> 2 & 0x3ffff03;
    p->r[2] = load_le32(k + 6) >> 4 & 0x3ffc0ff;
    p->r[3] = load_le32(k + 9) >> 6 & 0x3f03fff;
    p->r[4] = load_le32(k + 12) >> 8 & 0x00fffff;
    memcpy(p->pad, k + 16, 16);
}

/* sum = (sum + block + 2^128) r mod 2^130 - 5, with limbs left a little over 26 bits. All blocks
 * are whole in the AEAD construction. */
static void poly_block(struct poly1305 *p, const uint8_t *block)
{
    uint32_t *h = p->sum;
    const uint32_t *r = p->r;
    uint64_t d[5], carry = 0;
    h[0] += load_le32(block) & LIMB_MASK;
    h[1] += load_le32(block + 3) >> 2 & LIMB_MASK;
    h[2] += load_le32(block + 6) >> 4 & LIMB_MASK;
    h[3] += load_le32(block + 9) >> 6 & LIMB_MASK;
    h[4] += load_le32(block + 12) >> 8 | 1u << 24;
    for (int i = 0; i < 5; i++) {
        d[i] = 0;
        for (int j = 0; j < 5; j++) /* 2^130 = 5: what leaves at the top comes in below, times 5 */
            d[i] += (uint64_t)h[j] * (j <= i ? r[i - j] : 5 * r[5 + i - j]);
    }
    for (int i = 0; i < 5; i++) {
        d[i] += carry;
        h[i] = (uint32_t)d[i] & LIMB_MASK;
        carry = d[i] >> LIMB_BITS;
    }
    carry = h[0] + carry * 5;
    h[0] = (uint32_t)carry & LIMB_MASK;
    h[1] += (uint32_t)(carry >> LIMB_BITS);
}

static void poly_update(struct poly1305 *p, const uint8_t *bytes, size_t len)
{
    while (len) {
        size_t n = 16 - p->fill < len ? 16 - p->fill : len;
        memcpy(p->block + p->fill, bytes, n);
        bytes += n;
        len -= n;
        p->fill = (unsigned int)(p->fill + n) % 16;
        if (!p->fill)
            poly_block(p, p->block);
    }
}

static void poly_pad(struct poly1305 *p)
{
    if (!p->fill)
        return;
    memset(p->block + p->fill, 0, 16 - p->fill);
    p->fill = 0;
    poly_block(p, p->block);
}

/* Full carry; then sum - p if that is not negative, chosen without a branch; then + s mod 2^128. */
static void poly_end(struct poly1305 *p, uint8_t tag[16])
{
    uint32_t *h = p->sum, g[5], carry = 0;
    for (int pass = 0; pass < 2; pass++) {
        carry = 0;
        for (int i = 0; i < 5; i++) {
            h[i] += carry;
            carry = h[i] >> LIMB_BITS;
            h[i] &= LIMB_MASK;
        }
        h[0] += carry * 5;
    }
    carry = 5;
    for (int i = 0; i < 5; i++) {
        g[i] = h[i] + carry;
        carry = g[i] >> LIMB_BITS;
        g[i] &= LIMB_MASK;
    }
    uint32_t reached = lks_ct_barrier(0u - carry); /* all ones if sum >= p */
    for (int i = 0; i < 5; i++)
        h[i] = lks_ct_select(reached, g[i], h[i]);
    uint64_t words[4] = {h[0] | (uint64_t)h[1] << 26, h[1] >> 6 | (uint64_t)h[2] << 20,
                         h[2] >> 12 | (uint64_t)h[3] << 14, h[3] >> 18 | (uint64_t)h[4] << 8};
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (uint64_t)(uint32_t)words[i] + load_le32(p->pad + 4 * i);
        store_le32(tag + 4 * i, (uint32_t)sum);
        sum >>= 32;
    }
}

struct chapoly {
    uint32_t input[16];
    struct poly1305 poly;
    uint8_t key_stream[64];
    unsigned int used; /* of key_stream */
};

static void next_key_stream(struct chapoly *c)
{
    chacha_block(c->input, c->key_stream);
    c->input[12]++;
    c->used = 0;
}

/* RFC 8439 section 2.8: block 0 gives the one-time key, the text starts with block 1. */
static void chapoly_begin(struct chapoly *c, const struct lks_aead_job *job)
{
    static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(c->input, constants, sizeof(constants));
    for (int i = 0; i < 8; i++)
        c->input[4 + i] = load_le32(job->state + 4 * i);
    c->input[12] = 0;
    for (int i = 0; i < 3; i++)
        c->input[13 + i] = load_le32(job->nonce + 4 * i);
    next_key_stream(c);
    poly_begin(&c->poly, c->key_stream);
    c->used = sizeof(c->key_stream);
    poly_update(&c->poly, job->aad, job->aad_len);
    poly_pad(&c->poly);
}

static void chapoly_segment(struct chapoly *c, const struct lks_seg *seg, bool opening)
{
    for (size_t at = 0; at < seg->len;) {
        if (c->used == sizeof(c->key_stream))
            next_key_stream(c);
        size_t n = sizeof(c->key_stream) - c->used;
        if (n > seg->len - at)
            n = seg->len - at;
        if (opening)
            poly_update(&c->poly, seg->src + at, n);
        for (size_t i = 0; i < n; i++)
            seg->dst[at + i] = seg->src[at + i] ^ c->key_stream[c->used + i];
        if (!opening)
            poly_update(&c->poly, seg->dst + at, n);
        c->used += (unsigned int)n;
        at += n;
    }
}

static void chapoly_end(struct chapoly *c, const struct lks_aead_job *job, uint8_t tag[16])
{
    uint8_t lengths[16];
    poly_pad(&c->poly);
    store_le64(lengths, job->aad_len);
    store_le64(lengths + 8, job->len);
    poly_block(&c->poly, lengths);
    poly_end(&c->poly, tag);
    lks_wipe(c, sizeof(*c));
}

static void init(uint8_t *state, const uint8_t *key)
{
    memcpy(state, key, KEY_LEN);
}

static void seal(struct lks_aead_job *job)
{
    struct chapoly c;
    chapoly_begin(&c, job);
    for (uint32_t i = 0; i < job->num_segs; i++)
        chapoly_segment(&c, &job->segs[i], false);
    chapoly_end(&c, job, job->tag);
}

static void open(struct lks_aead_job *job)
{
    struct chapoly c;
    uint8_t tag[16];
    chapoly_begin(&c, job);
    for (uint32_t i = 0; i < job->num_segs; i++)
        chapoly_segment(&c, &job->segs[i], true);
    chapoly_end(&c, job, tag);
    lks_aead_finish_open(job, tag, 16);
}

const struct lks_aead lks_chacha20_poly1305_portable = {
    .name = "chacha20_poly1305",
    .isa = "portable",
    .id = LKS_CHACHA20_POLY1305,
    .key_len = KEY_LEN,
    .tag_len = 16,
    .state_len = KEY_LEN,
    .max_records = LKS_CHACHA_MAX_RECORDS,
    .init = init,
    .seal = seal,
    .open = open,
};
