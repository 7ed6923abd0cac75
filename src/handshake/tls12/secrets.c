/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2's PRF and what comes of it: RFC 5246 sections 5, 6.3, 7.4.9, 8.1; RFC 7627. */

#include <string.h>

#include "base/ct.h"
#include "handshake/core.h"
#include "handshake/errors.h"
#include "handshake/exchange/hash.h"

/* HMAC's keys are one block at most, pre-master secrets of prime fields are longer: RFC 2104
 * section 2. */
static enum lks_status fit_key(const EVP_MD *md, const uint8_t **key, size_t *key_len,
                               uint8_t room[LKS_HASH_MAX])
{
    if (*key_len <= (size_t)EVP_MD_get_block_size(md))
        return LKS_OK;
    if (!EVP_Digest(*key, *key_len, room, NULL, md, NULL))
        return LKS_NO_MEMORY;
    *key = room;
    *key_len = (size_t)EVP_MD_get_size(md);
    return LKS_OK;
}

/* P_hash of section 5: A(i) = HMAC(secret, A(i-1)), A(0) the seed; output HMAC(secret, A(i) | seed)
 * for i = 1, 2, … */
static enum lks_status p_hash(const EVP_MD *md, const uint8_t *secret, size_t secret_len,
                              const uint8_t *seed, size_t seed_len, uint8_t *out, size_t out_len)
{
    const size_t hash_len = (size_t)EVP_MD_get_size(md);
    uint8_t a[LKS_HASH_MAX], block[LKS_HASH_MAX];
    enum lks_status status = lks_hmac(md, secret, secret_len, seed, seed_len, NULL, 0, a);
    while (!status && out_len) {
        status = lks_hmac(md, secret, secret_len, a, hash_len, seed, seed_len, block);
        size_t n = out_len < hash_len ? out_len : hash_len;
        memcpy(out, block, n);
        out += n;
        out_len -= n;
        if (!status && out_len)
            status = lks_hmac(md, secret, secret_len, a, hash_len, NULL, 0, a);
    }
    lks_wipe(a, sizeof(a));
    lks_wipe(block, sizeof(block));
    return status;
}

/* [5246 5-1] */
enum lks_status lks_tls12_prf(const struct lks_suite *suite, const uint8_t *secret,
                              size_t secret_len, const char *label, struct lks_reader seed,
                              uint8_t *out, size_t out_len)
{
    const EVP_MD *md = lks_hash_of(suite);
    uint8_t bytes[LKS_PRF_SEED_MAX], key[LKS_HASH_MAX];
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    lks_write_bytes(&w, label, strlen(label));
    lks_write_bytes(&w, seed.data, seed.len);
    if (w.failed)
        return LKS_BAD_ARGUMENT;
    enum lks_status status = md ? fit_key(md, &secret, &secret_len, key) : LKS_INTERNAL;
    if (!status)
        status = p_hash(md, secret, secret_len, bytes, w.len, out, out_len);
    lks_wipe(key, sizeof(key));
    return status;
}

/* One random behind the other. */
static struct lks_reader randoms(uint8_t room[64], const uint8_t *first, const uint8_t *second)
{
    memcpy(room, first, 32);
    memcpy(room + 32, second, 32);
    return lks_reader_of(room, 64);
}

/* RFC 5246 section 8.1, or RFC 7627 section 4. [7627 5.1-1 5.2-3] */
enum lks_status lks_tls12_master(struct lks_hs *hs, const uint8_t *premaster, size_t premaster_len)
{
    struct lks_tls12 *t = &hs->tls12;
    uint8_t room[64];
    enum lks_status status;
    if (t->extended_master) {
        status = lks_schedule_hash(&hs->schedule, room);
        if (!status)
            status =
                lks_tls12_prf(hs->suite, premaster, premaster_len, "extended master secret",
                              lks_reader_of(room, hs->suite->hash_len), t->master, LKS_MASTER_LEN);
    } else {
        status = lks_tls12_prf(hs->suite, premaster, premaster_len, "master secret",
                               randoms(room, hs->client_random, t->server_random), t->master,
                               LKS_MASTER_LEN);
    }
    if (!status)
        lks_config_log_secret(hs->config, "CLIENT_RANDOM", hs->client_random, t->master,
                              LKS_MASTER_LEN);
    return status;
}

/* Cuts one direction's parts out of the key block, which has each kind for the client, then for
 * the server. */
static void cut_keys(struct lks_record_key *out, const struct lks_key_sizes *sizes,
                     const uint8_t *block, bool server)
{
    const uint8_t *mac_keys = block, *cipher_keys = mac_keys + (size_t)2 * sizes->mac_key,
                  *ivs = cipher_keys + (size_t)2 * sizes->cipher_key;
    memcpy(out->key, cipher_keys + (server ? sizes->cipher_key : 0), sizes->cipher_key);
    memcpy(out->key + sizes->cipher_key, mac_keys + (server ? sizes->mac_key : 0), sizes->mac_key);
    memcpy(out->iv, ivs + (server ? sizes->fixed_iv : 0), sizes->fixed_iv);
}

enum lks_status lks_tls12_keys(struct lks_hs *hs)
{
    struct lks_tls12 *t = &hs->tls12;
    const enum lks_aead_id aead =
        t->encrypt_then_mac ? lks_suite_encrypt_then_mac(hs->suite) : hs->suite->aead;
    struct lks_key_sizes sizes;
    uint8_t room[64], block[2 * (LKS_HASH_MAX + LKS_TRAFFIC_KEY_MAX + 12)];
    enum lks_status status = lks_key_sizes(&sizes, aead);
    if (!status)
        status = lks_tls12_prf(hs->suite, t->master, LKS_MASTER_LEN, "key expansion",
                               randoms(room, t->server_random, hs->client_random), block,
                               (size_t)2 * (sizes.mac_key + sizes.cipher_key + sizes.fixed_iv));
    if (!status) {
        t->seal.aead = t->open.aead = aead;
        cut_keys(&t->seal, &sizes, block, hs->role == LKS_SERVER);
        cut_keys(&t->open, &sizes, block, hs->role == LKS_CLIENT);
    }
    lks_wipe(block, sizeof(block));
    return status;
}

/* Section 7.4.9. [5246 7.4.9-2] */
enum lks_status lks_tls12_verify_data(const struct lks_hs *hs, enum lks_role role,
                                      uint8_t out[LKS_VERIFY_DATA_LEN])
{
    uint8_t hash[LKS_HASH_MAX];
    enum lks_status status = lks_schedule_hash(&hs->schedule, hash);
    return status
               ? status
               : lks_tls12_prf(hs->suite, hs->tls12.master, LKS_MASTER_LEN,
                               role == LKS_SERVER ? "server finished" : "client finished",
                               lks_reader_of(hash, hs->suite->hash_len), out, LKS_VERIFY_DATA_LEN);
}

/* RFC 5705 section 4: an empty context is one, too; NULL is none. */
enum lks_status lks_tls12_exporter(const struct lks_suite *suite, const uint8_t *master,
                                   const uint8_t client_random[32], const uint8_t server_random[32],
                                   uint8_t *out, size_t out_len, const char *label,
                                   const uint8_t *context, size_t context_len)
{
    LKS_OWN_ERRORS;
    uint8_t seed[LKS_PRF_SEED_MAX];
    struct lks_writer w = lks_writer_of(seed, sizeof(seed));
    lks_write_bytes(&w, client_random, 32);
    lks_write_bytes(&w, server_random, 32);
    if (context) {
        lks_write_u16(&w, (uint16_t)context_len);
        lks_write_bytes(&w, context, context_len);
    }
    if (w.failed)
        return LKS_BAD_ARGUMENT;
    return lks_tls12_prf(suite, master, LKS_MASTER_LEN, label, lks_reader_of(seed, w.len), out,
                         out_len);
}
