/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/exchange/schedule.h"

#include <string.h>

#include "base/ct.h"
#include "handshake/exchange/hash.h"

enum lks_status lks_schedule_begin(struct lks_schedule *s, const struct lks_suite *suite)
{
    const uint8_t zeros[LKS_HASH_MAX] = {0};
    s->suite = suite;
    s->md = lks_hash_of(suite);
    s->transcript = EVP_MD_CTX_new();
    s->scratch = EVP_MD_CTX_new();
    if (!s->transcript || !s->scratch)
        return LKS_NO_MEMORY;
    if (!s->md)
        return LKS_INTERNAL;
    if (!EVP_DigestInit_ex2(s->transcript, s->md, NULL))
        return LKS_NO_MEMORY;
    return lks_hmac(s->md, zeros, suite->hash_len, zeros, suite->hash_len, NULL, 0, s->secret);
}

void lks_schedule_wipe(struct lks_schedule *s)
{
    EVP_MD_CTX_free(s->transcript);
    EVP_MD_CTX_free(s->scratch);
    lks_wipe(s, sizeof(*s));
}

enum lks_status lks_schedule_add(struct lks_schedule *s, const uint8_t *message, size_t len)
{
    return EVP_DigestUpdate(s->transcript, message, len) ? LKS_OK : LKS_INTERNAL;
}

enum lks_status lks_schedule_hash(const struct lks_schedule *s, uint8_t *out)
{
    return EVP_MD_CTX_copy_ex(s->scratch, s->transcript) &&
                   EVP_DigestFinal_ex(s->scratch, out, NULL)
               ? LKS_OK
               : LKS_NO_MEMORY;
}

enum lks_status lks_schedule_retry(struct lks_schedule *s, const uint8_t *hash)
{
    const size_t hash_len = s->suite->hash_len;
    uint8_t message[4 + LKS_HASH_MAX] = {254, 0, 0, (uint8_t)hash_len};
    memcpy(message + 4, hash, hash_len);
    if (!EVP_DigestInit_ex2(s->transcript, s->md, NULL))
        return LKS_NO_MEMORY;
    return lks_schedule_add(s, message, 4 + hash_len);
}

enum lks_status lks_schedule_advance(struct lks_schedule *s, const uint8_t *input, size_t input_len)
{
    const uint8_t zeros[LKS_HASH_MAX] = {0};
    uint8_t empty_hash[LKS_HASH_MAX], salt[LKS_HASH_MAX];
    const size_t hash_len = s->suite->hash_len;
    if (!EVP_DigestInit_ex2(s->scratch, s->md, NULL) ||
        !EVP_DigestFinal_ex(s->scratch, empty_hash, NULL))
        return LKS_NO_MEMORY;
    enum lks_status status =
        lks_hkdf_expand_label(s->md, s->secret, "derived", empty_hash, hash_len, salt, hash_len);
    if (!status)
        status = lks_hmac(s->md, salt, hash_len, input ? input : zeros,
                          input ? input_len : hash_len, NULL, 0, s->secret);
    lks_wipe(salt, sizeof(salt));
    return status;
}

enum lks_status lks_schedule_derive(const struct lks_schedule *s, const char *label, uint8_t *out)
{
    uint8_t hash[LKS_HASH_MAX];
    enum lks_status status = lks_schedule_hash(s, hash);
    if (status)
        return status;
    return lks_hkdf_expand_label(s->md, s->secret, label, hash, s->suite->hash_len, out,
                                 s->suite->hash_len);
}

enum lks_status lks_schedule_finished(const struct lks_schedule *s, const uint8_t *traffic_secret,
                                      uint8_t *out)
{
    uint8_t key[LKS_HASH_MAX], hash[LKS_HASH_MAX];
    const size_t hash_len = s->suite->hash_len;
    enum lks_status status =
        lks_hkdf_expand_label(s->md, traffic_secret, "finished", NULL, 0, key, hash_len);
    if (!status)
        status = lks_schedule_hash(s, hash);
    if (!status)
        status = lks_hmac(s->md, key, hash_len, hash, hash_len, NULL, 0, out);
    lks_wipe(key, sizeof(key));
    return status;
}
