/* SPDX-License-Identifier: BSD-3-Clause */
#include "simd/cbc_hmac.h"

#include <string.h>

#include <lockstep/engine.h>

#include "base/ct.h"
#include "simd/aes_portable.h"

#define ALG_OF_20 &lks_sha1
#define ALG_OF_32 &lks_sha256
#define ALG_OF_48 &lks_sha384
#define ALG(suite, ID, cipher_len, mac_len, keys_len, sha_state_len, inside) \
    [(ID)-LKS_AES_128_CBC_SHA] = {                                           \
        .sha = ALG_OF_##mac_len,                                             \
        .cipher_key_len = (cipher_len),                                      \
        .is_raw_key = (keys_len) == (cipher_len),                            \
        .mac_inside = (inside),                                              \
        .inner_at = (keys_len),                                              \
        .outer_at = (keys_len) + (sha_state_len),                            \
        .mask_at = (keys_len) + 2 * (sha_state_len),                         \
    },
static const struct cbc_hmac algs[LKS_NUM_ALGORITHMS - LKS_AES_128_CBC_SHA] = {LKS_CBC_ROWS(ALG)};

const struct cbc_hmac *lks_cbc_hmac_of(unsigned int id)
{
    return &algs[id - LKS_AES_128_CBC_SHA];
}

/* [5246 6.2.3.2-1] */
void lks_cbc_hmac_init(const struct cbc_hmac *alg, uint8_t *state, const uint8_t *key)
{
    static const uint8_t mask_text[] = "IV mask"; /* shorter than what any record hashes */
    const uint8_t *mac_key = key + alg->cipher_key_len;
    uint8_t *inner = state + alg->inner_at, *outer = state + alg->outer_at;
    uint8_t mac[LKS_SHA_DIGEST_MAX];
    if (alg->is_raw_key)
        memcpy(state, key, alg->cipher_key_len);
    else
        lks_aes_portable_expand(state, key, alg->cipher_key_len);
    lks_sha_hmac_init(alg->sha, inner, outer, mac_key, alg->sha->digest_len);
    lks_sha_hmac(alg->sha, mac, inner, outer, mask_text, sizeof(mask_text) - 1);
    memcpy(state + alg->mask_at, mac, LKS_BLOCK_LEN);
    lks_wipe(mac, sizeof(mac));
}

const uint8_t *lks_cbc_hmac_round_keys(const struct cbc_hmac *alg, const uint8_t *state,
                                       uint8_t room[CBC_ROUND_KEYS_MAX])
{
    if (!alg->is_raw_key)
        return state;
    lks_aes_portable_expand(room, state, alg->cipher_key_len);
    return room;
}

uint32_t lks_cbc_hmac_enc_len(const struct cbc_hmac *alg, uint32_t len)
{
    const uint32_t inside = alg->mac_inside ? alg->sha->digest_len : 0;
    return (len + inside) / LKS_BLOCK_LEN * LKS_BLOCK_LEN + LKS_BLOCK_LEN;
}

/* Zeros, sequence number, type, version, and a length: a block. */
static void put_aad(uint8_t *block, const struct lks_aead_job *job, uint32_t len)
{
    memset(block, 0, CBC_AAD_AT);
    memcpy(block + CBC_AAD_AT, job->aad, CBC_AAD_LEN - 2);
    block[LKS_BLOCK_LEN - 2] = (uint8_t)(len >> 8);
    block[LKS_BLOCK_LEN - 1] = (uint8_t)len;
}

static void gather(uint8_t *to, const struct lks_aead_job *job)
{
    for (uint32_t i = 0; i < job->num_segs; i++) {
        memcpy(to, job->segs[i].src, job->segs[i].len);
        to += job->segs[i].len;
    }
}

static void scatter(const struct lks_aead_job *job, const uint8_t *from, size_t len)
{
    for (uint32_t i = 0; len; i++) {
        const size_t n = job->segs[i].len < len ? job->segs[i].len : len;
        memcpy(job->segs[i].dst, from, n);
        from += n;
        len -= n;
    }
}

/* As little padding as there may be. [5246 6.2.3.2-2 6.2.3.2-4] [8449 4.1-6] */
void lks_cbc_hmac_begin_seal(const struct cbc_hmac *alg, uint8_t *scratch,
                             const struct lks_aead_job *job)
{
    const uint32_t enc_len = lks_cbc_hmac_enc_len(alg, job->len);
    const uint32_t payload = job->len + (alg->mac_inside ? alg->sha->digest_len : 0);
    put_aad(scratch, job, LKS_BLOCK_LEN + enc_len);
    put_aad(scratch + LKS_BLOCK_LEN, job, job->len);
    gather(scratch + CBC_TEXT_AT, job);
    memset(scratch + CBC_TEXT_AT + payload, (int)(enc_len - payload - 1), enc_len - payload);
}

void lks_cbc_hmac_end_seal(const struct cbc_hmac *alg, const uint8_t *scratch,
                           struct lks_aead_job *job)
{
    const uint32_t outside = alg->mac_inside ? 0 : alg->sha->digest_len;
    const uint32_t tail_len = lks_cbc_hmac_enc_len(alg, job->len) + outside - job->len;
    memcpy(job->side->iv, scratch + LKS_BLOCK_LEN, LKS_BLOCK_LEN);
    scatter(job, scratch + CBC_TEXT_AT, job->len);
    memcpy(job->side->tail, scratch + CBC_TEXT_AT + job->len, tail_len);
}

void lks_cbc_hmac_begin_open(const struct cbc_hmac *alg, uint8_t *scratch,
                             const struct lks_aead_job *job)
{
    (void)alg;
    put_aad(scratch, job, LKS_BLOCK_LEN + job->len);
    memcpy(scratch + LKS_BLOCK_LEN, job->side->iv, LKS_BLOCK_LEN);
    gather(scratch + CBC_TEXT_AT, job);
}

/*
 * RFC 5246 section 6.2.3.2: every byte of the padding is the padding's length, and whether that is
 * so may not show. Looks at all bytes that padding of any length could take. Returns all ones if it
 * is right; *content_len is what is left then, and what padding of no length would leave otherwise.
 * [5246 6.2.3.2-3] */
static uint32_t check_padding(const uint8_t *text, uint32_t len, uint32_t mac_len,
                              uint32_t *content_len)
{
    const uint32_t room = len - mac_len - 1, pad = text[len - 1];
    uint32_t good = ~lks_ct_lt(room, pad), diff = 0;
    for (uint32_t i = 1; i <= room && i <= 255; i++)
        diff |= ~lks_ct_lt(pad, i) & (text[len - 1 - i] ^ pad);
    good &= lks_ct_is_zero(diff);
    *content_len = room - (good & pad);
    return good;
}

/*
 * Copies the MAC from a secret place. Each byte of the stretch in which it must lie goes by a ring
 * of mac_len bytes, which keeps those of the MAC; the ring is then turned, by a power of two at a
 * time, so that its first byte comes first.
 */
static void extract_mac(uint8_t *mac, const uint8_t *text, uint32_t len, uint32_t mac_len,
                        uint32_t mac_at)
{
    const uint32_t most = mac_len + 256; /* the MAC, and padding with its length */
    uint8_t turned[LKS_MAC_LEN_MAX];
    uint32_t turn = 0, place = 0;
    memset(mac, 0, mac_len);
    for (uint32_t i = len > most ? len - most : 0; i < len; i++) {
        const uint32_t inside = ~lks_ct_lt(i, mac_at) & lks_ct_lt(i, mac_at + mac_len);
        turn |= lks_ct_eq(i, mac_at) & place;
        mac[place] |= (uint8_t)(text[i] & inside);
        place = place + 1 == mac_len ? 0 : place + 1;
    }
    for (uint32_t step = 1; step < mac_len; step <<= 1) {
        const uint32_t mask = ~lks_ct_is_zero(turn & step);
        for (uint32_t i = 0, from = step; i < mac_len; i++) {
            turned[i] = (uint8_t)lks_ct_select(mask, mac[from], mac[i]);
            from = from + 1 == mac_len ? 0 : from + 1;
        }
        memcpy(mac, turned, mac_len);
    }
}

/*
 * MAC-then-encrypt, after "Lucky Thirteen" (AlFardan and Paterson, 2013): padding's length,
 * content's length and the MAC's place stay secret until the one verdict over all of them.
 * [5246 6.2.3.2-5 7.2.2-5] */
static bool check_inside(const struct cbc_hmac *alg, uint8_t *scratch, struct lks_aead_job *job)
{
    const uint8_t *text = scratch + CBC_TEXT_AT, *state = job->state;
    const uint32_t mac_len = alg->sha->digest_len, len = job->len;
    uint8_t found[LKS_MAC_LEN_MAX], mac[LKS_MAC_LEN_MAX];
    uint32_t content_len, diff = 0;
    uint32_t good = check_padding(text, len, mac_len, &content_len);
    extract_mac(found, text, len, mac_len, content_len);
    put_aad(scratch + LKS_BLOCK_LEN, job, content_len);
    lks_sha_hmac_secret_len(alg->sha, mac, state + alg->inner_at, state + alg->outer_at,
                            scratch + LKS_BLOCK_LEN + CBC_AAD_AT, CBC_AAD_LEN + content_len,
                            CBC_AAD_LEN + len - mac_len - 1);
    for (uint32_t i = 0; i < mac_len; i++)
        diff |= found[i] ^ mac[i];
    good &= lks_ct_is_zero(diff);
    lks_ct_public(&good, sizeof(good), "padding and MAC are right, or something of them is not");
    if (good) {
        lks_ct_public(&content_len, sizeof(content_len), "the content's length, once authentic");
        job->len = content_len;
    }
    lks_wipe(found, sizeof(found));
    lks_wipe(mac, sizeof(mac));
    return good != 0;
}

/* Encrypt-then-MAC: the padding is authentic. [7366 3-2] */
static bool check_outside(const uint8_t *scratch, struct lks_aead_job *job)
{
    uint32_t content_len;
    uint32_t good = check_padding(scratch + CBC_TEXT_AT, job->len, 0, &content_len);
    lks_ct_public(&good, sizeof(good), "only the peer can have made it wrong");
    if (good) {
        lks_ct_public(&content_len, sizeof(content_len), "the content's length, authentic");
        job->len = content_len;
    }
    return good != 0;
}

void lks_cbc_hmac_end_open(const struct cbc_hmac *alg, uint8_t *scratch, struct lks_aead_job *job,
                           bool mac_ok)
{
    const bool ok =
        alg->mac_inside ? check_inside(alg, scratch, job) : mac_ok && check_outside(scratch, job);
    if (ok)
        scatter(job, scratch + CBC_TEXT_AT, job->len);
    lks_aead_end_open(job, ok);
}
