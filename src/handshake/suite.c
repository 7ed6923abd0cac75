/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/suite.h"

#include <string.h>

#include "base/ct.h"
#include "handshake/hash.h"

static const struct lks_suite rows[] = {
    {0x1301, "TLS_AES_128_GCM_SHA256", LKS_TLS_1_3, LKS_AES_128_GCM, 16, 32, "SHA256", true},
    {0x1302, "TLS_AES_256_GCM_SHA384", LKS_TLS_1_3, LKS_AES_256_GCM, 32, 48, "SHA384", true},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", LKS_TLS_1_3, LKS_CHACHA20_POLY1305, 32, 32, "SHA256",
     true},
    {0x1304, "TLS_AES_128_CCM_SHA256", LKS_TLS_1_3, LKS_AES_128_CCM, 16, 32, "SHA256", true},
    {0x1305, "TLS_AES_128_CCM_8_SHA256", LKS_TLS_1_3, LKS_AES_128_CCM_8, 16, 32, "SHA256", false},
    {0},
};

const struct lks_suite *lks_suite_rows(void)
{
    return rows;
}

const struct lks_suite *lks_suite_find(uint16_t number)
{
    for (const struct lks_suite *row = rows; row->name; row++)
        if (row->number == number)
            return row;
    return NULL;
}

enum lks_status lks_tls13_traffic_key(const struct lks_suite *suite, const uint8_t *secret,
                                      uint8_t *key, uint8_t *iv)
{
    const EVP_MD *md = lks_hash_of(suite);
    if (!md)
        return LKS_INTERNAL;
    enum lks_status status = lks_hkdf_expand_label(md, secret, "key", NULL, 0, key, suite->key_len);
    return status ? status : lks_hkdf_expand_label(md, secret, "iv", NULL, 0, iv, 12);
}

enum lks_status lks_tls13_next_secret(const struct lks_suite *suite, uint8_t *secret)
{
    const EVP_MD *md = lks_hash_of(suite);
    if (!md)
        return LKS_INTERNAL;
    return lks_hkdf_expand_label(md, secret, "traffic upd", NULL, 0, secret, suite->hash_len);
}

enum lks_status lks_tls13_exporter(const struct lks_suite *suite, const uint8_t *secret,
                                   uint8_t *out, size_t out_len, const char *label,
                                   const uint8_t *context, size_t context_len)
{
    uint8_t hash[LKS_HASH_MAX], derived[LKS_HASH_MAX];
    const EVP_MD *md = lks_hash_of(suite);
    const size_t hash_len = suite->hash_len;
    if (strlen(label) > 249 || out_len > 255 * hash_len)
        return LKS_BAD_ARGUMENT;
    if (!md || !EVP_Digest("", 0, hash, NULL, md, NULL))
        return LKS_INTERNAL;
    enum lks_status status =
        lks_hkdf_expand_label(md, secret, label, hash, hash_len, derived, hash_len);
    if (!status && !EVP_Digest(context, context_len, hash, NULL, md, NULL))
        status = LKS_INTERNAL;
    if (!status)
        status = lks_hkdf_expand_label(md, derived, "exporter", hash, hash_len, out, out_len);
    lks_wipe(derived, sizeof(derived));
    return status;
}
