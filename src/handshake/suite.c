/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/suite.h"

#include <string.h>

#include "base/ct.h"
#include "handshake/errors.h"
#include "handshake/exchange/hash.h"

#define TLS13(number, name, cipher, key_len, hash_len, by_default)                      \
    {                                                                                   \
        number, "TLS_" name, LKS_TLS_1_3, cipher, key_len, hash_len,                    \
            hash_len == 48 ? "SHA384" : "SHA256", by_default, LKS_KX_NONE, LKS_AUTH_ANY \
    }
/* [5246 5-1] [5288 3-3 4-1] [7905 2-3 2-4] */
#define TLS12(number, kx, auth, name, cipher, key_len, hash_len, by_default) \
    {                                                                        \
        number, "TLS_" name, LKS_TLS_1_2, cipher, key_len, hash_len,         \
            hash_len == 48 ? "SHA384" : "SHA256", by_default, kx, auth       \
    }
#define ECDHE_ECDSA(number, name, ...) \
    TLS12(number, LKS_KX_ECDHE, LKS_AUTH_ECDSA, "ECDHE_ECDSA_WITH_" name, __VA_ARGS__)
#define ECDHE_RSA(number, name, ...) \
    TLS12(number, LKS_KX_ECDHE, LKS_AUTH_RSA, "ECDHE_RSA_WITH_" name, __VA_ARGS__)
#define DHE_RSA(number, name, ...) \
    TLS12(number, LKS_KX_DHE, LKS_AUTH_RSA, "DHE_RSA_WITH_" name, __VA_ARGS__)
#define RSA(number, name, ...) \
    TLS12(number, LKS_KX_RSA, LKS_AUTH_RSA, "RSA_WITH_" name, __VA_ARGS__)

/* TLS 1.3 first; then what has forward secrecy, AEADs before MACs, elliptic curves before prime
 * fields, whose work is ten times as much. [8446 9.1-1 D.5-1 D.5-2] */
static const struct lks_suite rows[] = {
    TLS13(0x1301, "AES_128_GCM_SHA256", LKS_AES_128_GCM, 16, 32, true),
    TLS13(0x1302, "AES_256_GCM_SHA384", LKS_AES_256_GCM, 32, 48, true),
    TLS13(0x1303, "CHACHA20_POLY1305_SHA256", LKS_CHACHA20_POLY1305, 32, 32, true),
    TLS13(0x1304, "AES_128_CCM_SHA256", LKS_AES_128_CCM, 16, 32, true),
    TLS13(0x1305, "AES_128_CCM_8_SHA256", LKS_AES_128_CCM_8, 16, 32, false),

    /* RFC 5289, RFC 7905, RFC 5288 */
    ECDHE_ECDSA(0xc02b, "AES_128_GCM_SHA256", LKS_AES_128_GCM, 16, 32, true),
    ECDHE_RSA(0xc02f, "AES_128_GCM_SHA256", LKS_AES_128_GCM, 16, 32, true),
    ECDHE_ECDSA(0xc02c, "AES_256_GCM_SHA384", LKS_AES_256_GCM, 32, 48, true),
    ECDHE_RSA(0xc030, "AES_256_GCM_SHA384", LKS_AES_256_GCM, 32, 48, true),
    ECDHE_ECDSA(0xcca9, "CHACHA20_POLY1305_SHA256", LKS_CHACHA20_POLY1305, 32, 32, true),
    ECDHE_RSA(0xcca8, "CHACHA20_POLY1305_SHA256", LKS_CHACHA20_POLY1305, 32, 32, true),
    DHE_RSA(0x009e, "AES_128_GCM_SHA256", LKS_AES_128_GCM, 16, 32, true),
    DHE_RSA(0x009f, "AES_256_GCM_SHA384", LKS_AES_256_GCM, 32, 48, true),
    DHE_RSA(0xccaa, "CHACHA20_POLY1305_SHA256", LKS_CHACHA20_POLY1305, 32, 32, true),
    /* RFC 7251 */
    ECDHE_ECDSA(0xc0ac, "AES_128_CCM", LKS_AES_128_CCM, 16, 32, false),
    ECDHE_ECDSA(0xc0ad, "AES_256_CCM", LKS_AES_256_CCM, 32, 32, false),
    ECDHE_ECDSA(0xc0ae, "AES_128_CCM_8", LKS_AES_128_CCM_8, 16, 32, false),
    ECDHE_ECDSA(0xc0af, "AES_256_CCM_8", LKS_AES_256_CCM_8, 32, 32, false),
    /* RFC 5289, RFC 8422 */
    ECDHE_ECDSA(0xc023, "AES_128_CBC_SHA256", LKS_AES_128_CBC_SHA256, 16, 32, false),
    ECDHE_RSA(0xc027, "AES_128_CBC_SHA256", LKS_AES_128_CBC_SHA256, 16, 32, false),
    ECDHE_ECDSA(0xc024, "AES_256_CBC_SHA384", LKS_AES_256_CBC_SHA384, 32, 48, false),
    ECDHE_RSA(0xc028, "AES_256_CBC_SHA384", LKS_AES_256_CBC_SHA384, 32, 48, false),
    ECDHE_ECDSA(0xc009, "AES_128_CBC_SHA", LKS_AES_128_CBC_SHA, 16, 32, false),
    ECDHE_RSA(0xc013, "AES_128_CBC_SHA", LKS_AES_128_CBC_SHA, 16, 32, false),
    ECDHE_ECDSA(0xc00a, "AES_256_CBC_SHA", LKS_AES_256_CBC_SHA, 32, 32, false),
    ECDHE_RSA(0xc014, "AES_256_CBC_SHA", LKS_AES_256_CBC_SHA, 32, 32, false),
    /* RFC 5246 */
    DHE_RSA(0x0067, "AES_128_CBC_SHA256", LKS_AES_128_CBC_SHA256, 16, 32, false),
    DHE_RSA(0x006b, "AES_256_CBC_SHA256", LKS_AES_256_CBC_SHA256, 32, 32, false),
    DHE_RSA(0x0033, "AES_128_CBC_SHA", LKS_AES_128_CBC_SHA, 16, 32, false),
    DHE_RSA(0x0039, "AES_256_CBC_SHA", LKS_AES_256_CBC_SHA, 32, 32, false),
    RSA(0x009c, "AES_128_GCM_SHA256", LKS_AES_128_GCM, 16, 32, false),
    RSA(0x009d, "AES_256_GCM_SHA384", LKS_AES_256_GCM, 32, 48, false),
    RSA(0x003c, "AES_128_CBC_SHA256", LKS_AES_128_CBC_SHA256, 16, 32, false),
    RSA(0x003d, "AES_256_CBC_SHA256", LKS_AES_256_CBC_SHA256, 32, 32, false),
    RSA(0x002f, "AES_128_CBC_SHA", LKS_AES_128_CBC_SHA, 16, 32, false), /* [5246 9-1] */
    RSA(0x0035, "AES_256_CBC_SHA", LKS_AES_256_CBC_SHA, 32, 32, false),
    {0},
};

bool lks_suite_has_mac(const struct lks_suite *suite)
{
    return suite->aead >= LKS_NUM_AEADS;
}

enum lks_aead_id lks_suite_encrypt_then_mac(const struct lks_suite *suite)
{
    _Static_assert(LKS_AES_256_CBC_SHA384_ETM - LKS_AES_256_CBC_SHA384 ==
                       LKS_AES_128_CBC_SHA_ETM - LKS_AES_128_CBC_SHA,
                   "both halves in one order");
    return (enum lks_aead_id)(suite->aead + LKS_AES_128_CBC_SHA_ETM - LKS_AES_128_CBC_SHA);
}

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
    LKS_OWN_ERRORS;
    const EVP_MD *md = lks_hash_of(suite);
    if (!md)
        return LKS_INTERNAL;
    enum lks_status status = lks_hkdf_expand_label(md, secret, "key", NULL, 0, key, suite->key_len);
    return status ? status : lks_hkdf_expand_label(md, secret, "iv", NULL, 0, iv, 12);
}

enum lks_status lks_tls13_next_secret(const struct lks_suite *suite, uint8_t *secret)
{
    LKS_OWN_ERRORS;
    const EVP_MD *md = lks_hash_of(suite);
    if (!md)
        return LKS_INTERNAL;
    return lks_hkdf_expand_label(md, secret, "traffic upd", NULL, 0, secret, suite->hash_len);
}

enum lks_status lks_tls13_exporter(const struct lks_suite *suite, const uint8_t *secret,
                                   uint8_t *out, size_t out_len, const char *label,
                                   const uint8_t *context, size_t context_len)
{
    LKS_OWN_ERRORS;
    uint8_t hash[LKS_HASH_MAX], derived[LKS_HASH_MAX];
    const EVP_MD *md = lks_hash_of(suite);
    const size_t hash_len = suite->hash_len;
    if (strlen(label) > 249 || out_len > 255 * hash_len)
        return LKS_BAD_ARGUMENT;
    if (!md)
        return LKS_INTERNAL;
    if (!EVP_Digest("", 0, hash, NULL, md, NULL))
        return LKS_NO_MEMORY;
    enum lks_status status =
        lks_hkdf_expand_label(md, secret, label, hash, hash_len, derived, hash_len);
    if (!status && !EVP_Digest(context, context_len, hash, NULL, md, NULL))
        status = LKS_NO_MEMORY;
    if (!status)
        status = lks_hkdf_expand_label(md, derived, "exporter", hash, hash_len, out, out_len);
    lks_wipe(derived, sizeof(derived));
    return status;
}
