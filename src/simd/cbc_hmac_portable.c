/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AES-CBC with HMAC in constant time and plain C: where ipsec-mb is not, and what it is compared
 * with. One record at a time; a chain is encrypted a block after the other.
 */

#include <string.h>

#include <lockstep/engine.h>

#include "base/ct.h"
#include "simd/aead_rows.h"
#include "simd/aes_portable.h"
#include "simd/cbc_hmac.h"

static void load_cipher(const struct cbc_hmac *alg, struct lks_aes_planes *planes,
                        const uint8_t *state)
{
    uint8_t room[CBC_ROUND_KEYS_MAX];
    lks_aes_portable_load(planes, lks_cbc_hmac_round_keys(alg, state, room),
                          alg->cipher_key_len / 4u + 6u);
    if (alg->is_raw_key)
        lks_wipe(room, sizeof(room));
}

static void cbc_encrypt(const struct lks_aes_planes *planes, const uint8_t *iv, uint8_t *text,
                        size_t len)
{
    uint8_t blocks[64] = {0}; /* three of the four are idle: each block waits for the one before */
    memcpy(blocks, iv, LKS_BLOCK_LEN);
    for (; len; len -= LKS_BLOCK_LEN, text += LKS_BLOCK_LEN) {
        for (unsigned int i = 0; i < LKS_BLOCK_LEN; i++)
            blocks[i] ^= text[i];
        lks_aes_portable_encrypt4(planes, blocks);
        memcpy(text, blocks, LKS_BLOCK_LEN);
    }
}

/* iv lies in front of the text, as every block's predecessor does. */
static void cbc_decrypt(const struct lks_aes_planes *planes, uint8_t *text, size_t len)
{
    uint8_t before[64], blocks[64] = {0};
    uint8_t iv[LKS_BLOCK_LEN];
    memcpy(iv, text - LKS_BLOCK_LEN, LKS_BLOCK_LEN);
    while (len) {
        const size_t n = len < sizeof(blocks) ? len : sizeof(blocks);
        memcpy(blocks, text, n);
        memcpy(before, iv, LKS_BLOCK_LEN);
        memcpy(before + LKS_BLOCK_LEN, text, n - LKS_BLOCK_LEN);
        memcpy(iv, text + n - LKS_BLOCK_LEN, LKS_BLOCK_LEN);
        lks_aes_portable_decrypt4(planes, blocks);
        for (size_t i = 0; i < n; i++)
            text[i] = blocks[i] ^ before[i];
        text += n;
        len -= n;
    }
    lks_wipe(blocks, sizeof(blocks));
}

static void seal(struct lks_aead_job *job, unsigned int id)
{
    const struct cbc_hmac *alg = lks_cbc_hmac_of(id);
    const uint8_t *state = job->state, *inner = state + alg->inner_at;
    const uint8_t *outer = state + alg->outer_at;
    const uint32_t enc_len = lks_cbc_hmac_enc_len(alg, job->len);
    uint8_t scratch[CBC_SCRATCH], *text = scratch + CBC_TEXT_AT;
    struct lks_aes_planes planes;
    load_cipher(alg, &planes, state);
    lks_cbc_hmac_begin_seal(alg, scratch, job);
    if (alg->mac_inside)
        lks_sha_hmac(alg->sha, text + job->len, inner, outer, scratch + LKS_BLOCK_LEN + CBC_AAD_AT,
                     CBC_AAD_LEN + job->len);
    cbc_encrypt(&planes, state + alg->mask_at, scratch + LKS_BLOCK_LEN, LKS_BLOCK_LEN + enc_len);
    if (!alg->mac_inside)
        lks_sha_hmac(alg->sha, text + enc_len, inner, outer, scratch + CBC_AAD_AT,
                     CBC_AAD_LEN + LKS_BLOCK_LEN + enc_len);
    lks_cbc_hmac_end_seal(alg, scratch, job);
    lks_wipe(&planes, sizeof(planes));
}

static void open(struct lks_aead_job *job, unsigned int id)
{
    const struct cbc_hmac *alg = lks_cbc_hmac_of(id);
    const uint8_t *state = job->state;
    const uint32_t len = job->len;
    uint8_t scratch[CBC_SCRATCH], mac[LKS_MAC_LEN_MAX];
    bool mac_ok = true;
    lks_cbc_hmac_begin_open(alg, scratch, job);
    if (!alg->mac_inside) {
        lks_sha_hmac(alg->sha, mac, state + alg->inner_at, state + alg->outer_at,
                     scratch + CBC_AAD_AT, CBC_AAD_LEN + LKS_BLOCK_LEN + len);
        mac_ok = lks_ct_memeq(mac, job->side->tail, alg->sha->digest_len);
    }
    if (mac_ok) {
        struct lks_aes_planes planes;
        load_cipher(alg, &planes, state);
        cbc_decrypt(&planes, scratch + CBC_TEXT_AT, len);
        lks_wipe(&planes, sizeof(planes));
    }
    lks_cbc_hmac_end_open(alg, scratch, job, mac_ok);
    lks_wipe(scratch + CBC_TEXT_AT, len);
}

/* A row: functions that know their algorithm, and its sizes. */
#define ROW(suite, ID, cipher_len, mac_len, keys_len, sha_state_len, inside) \
    static void init_##suite(uint8_t *state, const uint8_t *key)             \
    {                                                                        \
        lks_cbc_hmac_init(lks_cbc_hmac_of(ID), state, key);                  \
    }                                                                        \
    static void seal_##suite(struct lks_aead_job *job)                       \
    {                                                                        \
        seal(job, ID);                                                       \
    }                                                                        \
    static void open_##suite(struct lks_aead_job *job)                       \
    {                                                                        \
        open(job, ID);                                                       \
    }                                                                        \
    const struct lks_aead lks_##suite##_portable = {                         \
        .name = #suite,                                                      \
        .isa = "portable",                                                   \
        .id = (ID),                                                          \
        .key_len = (cipher_len) + (mac_len),                                 \
        .tag_len = (mac_len),                                                \
        .mac_key_len = (mac_len),                                            \
        .has_mac = true,                                                     \
        .mac_inside = (inside),                                              \
        .state_len = (keys_len) + 2 * (sha_state_len) + LKS_BLOCK_LEN,       \
        .max_records = LKS_CBC_MAX_RECORDS,                                  \
        .init = init_##suite,                                                \
        .seal = seal_##suite,                                                \
        .open = open_##suite,                                                \
    };

LKS_CBC_ROWS(ROW)
