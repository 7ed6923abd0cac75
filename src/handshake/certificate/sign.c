/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/certificate/sign.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <string.h>

#include "handshake/errors.h"

/* What both versions have, each with the kind of key it is for, and the curve. */
#define SCHEMES(p256, p384, p521)                                               \
    {0x0403, "ecdsa_secp256r1_sha256", EVP_PKEY_EC, p256, "SHA256", false},     \
        {0x0503, "ecdsa_secp384r1_sha384", EVP_PKEY_EC, p384, "SHA384", false}, \
        {0x0603, "ecdsa_secp521r1_sha512", EVP_PKEY_EC, p521, "SHA512", false}, \
        {0x0807, "ed25519", EVP_PKEY_ED25519, NULL, NULL, false},               \
        {0x0804, "rsa_pss_rsae_sha256", EVP_PKEY_RSA, NULL, "SHA256", true},    \
        {0x0805, "rsa_pss_rsae_sha384", EVP_PKEY_RSA, NULL, "SHA384", true},    \
        {0x0806, "rsa_pss_rsae_sha512", EVP_PKEY_RSA, NULL, "SHA512", true},    \
        {0x0809, "rsa_pss_pss_sha256", EVP_PKEY_RSA_PSS, NULL, "SHA256", true}, \
        {0x080a, "rsa_pss_pss_sha384", EVP_PKEY_RSA_PSS, NULL, "SHA384", true}, \
    {                                                                           \
        0x080b, "rsa_pss_pss_sha512", EVP_PKEY_RSA_PSS, NULL, "SHA512", true    \
    }

/* RFC 8446 section 4.2.3: what is offered and taken.
 * [8446 4.2.3-5 4.2.3-7 4.2.3-10 4.2.3-13 4.4.3-7 4.4.3-8 9.1-2] */
static const struct lks_sign_scheme rows[] = {SCHEMES("prime256v1", "secp384r1", "secp521r1"), {0}};

/* TLS 1.2's: RSASSA-PSS, too, and ECDSA with any of our curves. [8446 4.2.3-13 4.2.3-15 4.2.3-16]
 */
static const struct lks_sign_scheme tls12_rows[] = {
    SCHEMES(NULL, NULL, NULL),
    /* RSASSA-PKCS1-v1_5: RFC 8446 section 4.2.3 has it in certificates only. */
    {0x0401, "rsa_pkcs1_sha256", EVP_PKEY_RSA, NULL, "SHA256", false},
    {0x0501, "rsa_pkcs1_sha384", EVP_PKEY_RSA, NULL, "SHA384", false},
    {0x0601, "rsa_pkcs1_sha512", EVP_PKEY_RSA, NULL, "SHA512", false},
    {0},
};

const struct lks_sign_scheme *lks_sign_schemes(void)
{
    return rows;
}

const struct lks_sign_scheme *lks_sign_tls12_schemes(void)
{
    return tls12_rows;
}

const struct lks_sign_scheme *lks_sign_find(uint16_t number)
{
    for (const struct lks_sign_scheme *row = rows; row->name; row++)
        if (row->number == number)
            return row;
    return NULL;
}

const struct lks_sign_scheme *lks_sign_find_tls12(uint16_t number)
{
    for (const struct lks_sign_scheme *row = tls12_rows; row->name; row++)
        if (row->number == number)
            return row;
    return NULL;
}

void lks_sign_write_schemes(struct lks_writer *w, const struct lks_sign_scheme *const *list,
                            bool with_pkcs1)
{
    size_t mark = lks_write_open(w, 2);
    for (; *list; list++)
        if (with_pkcs1 || lks_sign_find((*list)->number))
            lks_write_u16(w, (*list)->number);
    lks_write_close(w, mark, 2);
}

void lks_sign_write_cert_schemes(struct lks_writer *w)
{
    size_t mark = lks_write_open(w, 2);
    for (const struct lks_sign_scheme *row = tls12_rows; row->name; row++)
        lks_write_u16(w, row->number);
    lks_write_close(w, mark, 2);
}

/* RFC 4055 section 1.2: an RSASSA-PSS key may be for one hash, for the same or another one in MGF1,
 * and for salts of some length at least. libcrypto tells parameters only where there are some, the
 * salt's always among them, and leaves out a hash that is SHA-1. */
static bool pss_allows(const struct lks_sign_scheme *scheme, const EVP_PKEY *key)
{
    char hash[32] = "SHA1", mgf1[32] = "SHA1";
    int salt_len;
    if (!EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &salt_len))
        return true;
    EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_RSA_DIGEST, hash, sizeof(hash), NULL);
    EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, mgf1, sizeof(mgf1), NULL);
    const EVP_MD *md = EVP_get_digestbyname(scheme->hash);
    return md && EVP_MD_is_a(md, hash) && EVP_MD_is_a(md, mgf1) && salt_len <= EVP_MD_get_size(md);
}

/* RFC 8446 section 4.2.3: kind of key and curve. [8446 4.2.3-1 4.2.3-5 4.2.3-7 4.4.3-6]
 * [5246 7.4.1.4.1-1] */
bool lks_sign_fits(const struct lks_sign_scheme *scheme, const EVP_PKEY *key)
{
    char curve[64];
    if (EVP_PKEY_get_id(key) != scheme->key_type || EVP_PKEY_get_size(key) > (int)LKS_SIGNATURE_MAX)
        return false;
    if (scheme->key_type == EVP_PKEY_RSA_PSS)
        return pss_allows(scheme, key);
    return !scheme->curve || (EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) &&
                              strcmp(curve, scheme->curve) == 0);
}

#define TLS12_SHIFT 16u
_Static_assert(sizeof(rows) / sizeof(rows[0]) <= TLS12_SHIFT &&
                   sizeof(tls12_rows) / sizeof(tls12_rows[0]) <= 32 - TLS12_SHIFT,
               "a bit each");

uint32_t lks_sign_bit(const struct lks_sign_scheme *scheme)
{
    const bool is_tls13 = lks_sign_find(scheme->number) == scheme;
    return UINT32_C(1) << (is_tls13 ? scheme - rows : TLS12_SHIFT + (scheme - tls12_rows));
}

static uint32_t fitting(const struct lks_sign_scheme *row, const EVP_PKEY *key)
{
    uint32_t bits = 0;
    for (; row->name; row++)
        bits |= lks_sign_fits(row, key) ? lks_sign_bit(row) : 0;
    return bits;
}

uint32_t lks_sign_fitting(const EVP_PKEY *key)
{
    return fitting(rows, key) | fitting(tls12_rows, key);
}

/* RFC 8446 section 4.2.3: the salt is as long as the hash. [8446 4.2.3-4] */
static bool set_pss(const struct lks_sign_scheme *scheme, EVP_PKEY_CTX *ctx)
{
    return !scheme->is_pss || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

enum lks_status lks_sign(const struct lks_sign_scheme *scheme, EVP_PKEY *key,
                         const uint8_t *message, size_t message_len, uint8_t *sig, size_t *sig_len)
{
    LKS_OWN_ERRORS;
    const size_t cap = *sig_len;
    EVP_PKEY_CTX *pctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        return LKS_NO_MEMORY;
    bool ok = EVP_DigestSignInit_ex(ctx, &pctx, scheme->hash, NULL, NULL, key, NULL) > 0 &&
              set_pss(scheme, pctx) && EVP_DigestSign(ctx, sig, sig_len, message, message_len) > 0;
    EVP_MD_CTX_free(ctx);
    /* libcrypto 3.0 takes an ECDSA signature for good that it found no memory to encode: -1 bytes.
     */
    return ok && *sig_len && *sig_len <= cap ? LKS_OK : lks_errors_cause(LKS_INTERNAL);
}

static enum lks_status verify(const struct lks_sign_scheme *scheme, EVP_PKEY *key,
                              const uint8_t *message, size_t message_len, const uint8_t *sig,
                              size_t sig_len)
{
    EVP_PKEY_CTX *pctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new(); /* first, as it tells where there is no memory */
    if (!ctx)
        return LKS_NO_MEMORY;
    const bool fits = lks_sign_fits(scheme, key);
    bool ok =
        fits && EVP_DigestVerifyInit_ex(ctx, &pctx, scheme->hash, NULL, NULL, key, NULL) > 0 &&
        set_pss(scheme, pctx) && EVP_DigestVerify(ctx, sig, sig_len, message, message_len) == 1;
    EVP_MD_CTX_free(ctx);
    /* Section 4.4.3: whatever is wrong with it. [8446 4.4.3-9] */
    return ok ? LKS_OK
              : lks_errors_cause(
                    fits ? lks_because(LKS_ALERT_DECRYPT_ERROR, LKS_WHY_SIGNATURE_WRONG)
                         : lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SCHEME_UNFIT));
}

enum lks_status lks_sign_verify(const struct lks_sign_scheme *scheme, EVP_PKEY *key,
                                const uint8_t *message, size_t message_len, const uint8_t *sig,
                                size_t sig_len)
{
    LKS_OWN_ERRORS;
    enum lks_status status = verify(scheme, key, message, message_len, sig, sig_len);
    if (lks_errors_doubt(status))
        status = lks_errors_settle(status, verify(scheme, key, message, message_len, sig, sig_len));
    return status;
}
