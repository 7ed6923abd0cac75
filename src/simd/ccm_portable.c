/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AES-CCM (NIST SP 800-38C, RFC 3610) in constant time and plain C: what every other kernel is
 * compared with. Nonces have 12 bytes, so a message's length and its counter have 3 (RFC 5116
 * section 5.3).
 *
 * The bitsliced AES makes four blocks at a time, and CBC-MAC has but one to give. So the other
 * three are key stream, whenever there is none left: three blocks of it serve three blocks of text,
 * and both run out at the same byte.
 */

#include <string.h>

#include <lockstep/engine.h>

#include "base/bytes.h"
#include "base/ct.h"
#include "simd/aead.h"
#include "simd/aead_rows.h"
#include "simd/aes_portable.h"
#include "simd/ccm_blocks.h"

/* Key state: the round keys. */
#define STATE_LEN(key_len)  (16u * ((key_len) / 4u + 7u))
#define NUM_ROUNDS(key_len) ((key_len) / 4u + 6u)

#define KEY_STREAM_LEN 48u

struct ccm {
    struct lks_aes_planes aes;
    uint8_t blocks[16 + KEY_STREAM_LEN]; /* the MAC, then the key stream */
    unsigned int fill;                   /* bytes that the MAC's next block has so far */
    unsigned int used;                   /* of the key stream */
    uint32_t number;                     /* of the key stream's next block */
    uint8_t tag_mask[16];
    const uint8_t *nonce;
};

/* Ends a block of the MAC; what its block lacks is zero. */
static void mac_block(struct ccm *c)
{
    uint8_t *key_stream = c->blocks + 16;
    c->fill = 0;
    if (c->used == KEY_STREAM_LEN) {
        for (uint32_t i = 0; i < 3; i++)
            ccm_counter_block(key_stream + 16 * i, c->nonce, c->number + i);
        lks_aes_portable_encrypt4(&c->aes, c->blocks);
        c->number += 3;
        c->used = 0;
        return;
    }
    uint8_t blocks[64] = {0};
    memcpy(blocks, c->blocks, 16);
    lks_aes_portable_encrypt4(&c->aes, blocks);
    memcpy(c->blocks, blocks, 16);
    lks_wipe(blocks, sizeof(blocks));
}

static void mac_update(struct ccm *c, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        c->blocks[c->fill++] ^= bytes[i];
        if (c->fill == 16)
            mac_block(c);
    }
}

static void ccm_begin(struct ccm *c, const struct lks_aead_job *job, unsigned int key_len,
                      unsigned int tag_len)
{
    uint8_t prefix[CCM_AAD_PREFIX_MAX];
    lks_aes_portable_load(&c->aes, job->state, NUM_ROUNDS(key_len));
    c->nonce = job->nonce;
    c->number = 0;
    c->used = KEY_STREAM_LEN;
    ccm_first_block(c->blocks, job, tag_len);
    mac_block(c);
    memcpy(c->tag_mask, c->blocks + 16, 16);
    c->used = 16;
    if (!job->aad_len)
        return;
    mac_update(c, prefix, ccm_aad_prefix(prefix, job->aad_len));
    mac_update(c, job->aad, job->aad_len);
    if (c->fill)
        mac_block(c);
}

static void ccm_segment(struct ccm *c, const struct lks_seg *seg, bool opening)
{
    for (size_t at = 0; at < seg->len; at++) {
        uint8_t in = seg->src[at], out = in ^ c->blocks[16 + c->used++];
        seg->dst[at] = out;
        mac_update(c, opening ? &out : &in, 1);
    }
}

static void ccm_end(struct ccm *c, uint8_t *tag, unsigned int tag_len)
{
    if (c->fill)
        mac_block(c);
    for (unsigned int i = 0; i < tag_len; i++)
        tag[i] = c->blocks[i] ^ c->tag_mask[i];
    lks_wipe(c, sizeof(*c));
}

static void seal(struct lks_aead_job *job, unsigned int key_len, unsigned int tag_len)
{
    struct ccm c;
    ccm_begin(&c, job, key_len, tag_len);
    for (uint32_t i = 0; i < job->num_segs; i++)
        ccm_segment(&c, &job->segs[i], false);
    ccm_end(&c, job->tag, tag_len);
}

static void open(struct lks_aead_job *job, unsigned int key_len, unsigned int tag_len)
{
    struct ccm c;
    uint8_t tag[16];
    ccm_begin(&c, job, key_len, tag_len);
    for (uint32_t i = 0; i < job->num_segs; i++)
        ccm_segment(&c, &job->segs[i], true);
    ccm_end(&c, tag, tag_len);
    lks_aead_finish_open(job, tag, tag_len);
}

/* The functions and the row of one key and tag length. */
#define CCM_ROW(bits, suffix, SUFFIX, tag_length)                       \
    static void init_##bits##suffix(uint8_t *state, const uint8_t *key) \
    {                                                                   \
        lks_aes_portable_expand(state, key, bits / 8);                  \
    }                                                                   \
    static void seal_##bits##suffix(struct lks_aead_job *job)           \
    {                                                                   \
        seal(job, bits / 8, tag_length);                                \
    }                                                                   \
    static void open_##bits##suffix(struct lks_aead_job *job)           \
    {                                                                   \
        open(job, bits / 8, tag_length);                                \
    }                                                                   \
    const struct lks_aead lks_aes_##bits##_##suffix##_portable = {      \
        .name = "aes_" #bits "_" #suffix,                               \
        .isa = "portable",                                              \
        .id = LKS_AES_##bits##_##SUFFIX,                                \
        .key_len = bits / 8,                                            \
        .tag_len = tag_length,                                          \
        .state_len = STATE_LEN(bits / 8),                               \
        .max_records = LKS_CCM_MAX_RECORDS,                             \
        .init = init_##bits##suffix,                                    \
        .seal = seal_##bits##suffix,                                    \
        .open = open_##bits##suffix,                                    \
    };

CCM_ROW(128, ccm, CCM, 16)
CCM_ROW(128, ccm_8, CCM_8, 8)
CCM_ROW(256, ccm, CCM, 16)
CCM_ROW(256, ccm_8, CCM_8, 8)
