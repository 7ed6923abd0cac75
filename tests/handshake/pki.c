/* SPDX-License-Identifier: BSD-3-Clause */
#include "pki.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

static EVP_PKEY *keys[PKI_NUM_KEYS];

static EVP_PKEY *make_pss(const EVP_MD *md, const EVP_MD *mgf1, int salt_len)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    must(ctx && EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) > 0);
    if (md)
        must(EVP_PKEY_CTX_set_rsa_pss_keygen_md(ctx, md) > 0 &&
             EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(ctx, mgf1) > 0 &&
             EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, salt_len) > 0);
    must(EVP_PKEY_generate(ctx, &key) > 0);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* The same key as P256's, said otherwise. */
static EVP_PKEY *make_explicit(void)
{
    EVP_PKEY *key = EVP_PKEY_dup(pki_key(PKI_P256));
    must(key && EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"));
    return key;
}

static EVP_PKEY *make_key(enum pki_key kind)
{
    size_t bits = 2048;
    switch (kind) {
    case PKI_P256:
        return EVP_EC_gen("P-256");
    case PKI_P384:
        return EVP_EC_gen("P-384");
    case PKI_P521:
        return EVP_EC_gen("P-521");
    case PKI_P224:
        return EVP_EC_gen("P-224");
    case PKI_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case PKI_RSA_1024:
        bits = 1024;
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
    case PKI_RSA_2048:
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
    case PKI_RSA_PSS:
        return make_pss(NULL, NULL, 0);
    case PKI_PSS_SHA256:
        return make_pss(EVP_sha256(), EVP_sha256(), 32);
    case PKI_PSS_SHA384:
        return make_pss(EVP_sha384(), EVP_sha384(), 20);
    case PKI_PSS_LONG_SALT:
        return make_pss(EVP_sha256(), EVP_sha256(), 33);
    case PKI_PSS_OTHER_MGF1:
        return make_pss(EVP_sha256(), EVP_sha1(), 20);
    case PKI_PSS_SHA1:
        return make_pss(EVP_sha1(), EVP_sha1(), 20);
    case PKI_P256_EXPLICIT:
        return make_explicit();
    case PKI_NUM_KEYS:
        break;
    }
    return NULL;
}

EVP_PKEY *pki_key(enum pki_key kind)
{
    if (!keys[kind])
        keys[kind] = make_key(kind);
    must(keys[kind] != NULL);
    return keys[kind];
}

void pki_free(void)
{
    for (int i = 0; i < PKI_NUM_KEYS; i++) {
        EVP_PKEY_free(keys[i]);
        keys[i] = NULL;
    }
}

static void extend(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
    if (!value)
        return;
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    must(ext && X509_add_ext(cert, ext, -1));
    X509_EXTENSION_free(ext);
}

static void spoil(X509 *cert, const struct pki *what)
{
    if (what->twice) {
        int at = X509_get_ext_by_NID(cert, what->twice, -1);
        must(at >= 0 && X509_add_ext(cert, X509_get_ext(cert, at), -1));
    }
    if (what->damaged) {
        int at = X509_get_ext_by_NID(cert, what->damaged, -1);
        ASN1_OCTET_STRING *junk = ASN1_OCTET_STRING_new();
        must(at >= 0 && junk && ASN1_OCTET_STRING_set(junk, (const uint8_t *)"\x30\x05", 2) &&
             X509_EXTENSION_set_data(X509_get_ext(cert, at), junk));
        ASN1_OCTET_STRING_free(junk);
    }
}

X509 *pki_make(const struct pki *what, X509 *issuer, enum pki_key issuer_key)
{
    static long serial;
    bool any_time = what->begin || what->end;
    time_t now = PKI_NOW;
    X509 *cert = X509_new();
    must(cert && X509_set_version(cert, what->v1 ? 0 : 2) &&
         ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial));
    X509_time_adj(X509_getm_notBefore(cert), any_time ? (long)what->begin : -3600, &now);
    X509_time_adj(X509_getm_notAfter(cert), any_time ? (long)what->end : 86400, &now);
    must(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                    (const unsigned char *)what->subject, -1, -1, 0));
    must(X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert)) &&
         X509_set_pubkey(cert, pki_key(what->key)));
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer ? issuer : cert, cert, NULL, NULL, 0);
    if (what->ca)
        extend(cert, &ctx, NID_basic_constraints, "critical,CA:TRUE");
    extend(cert, &ctx, NID_subject_alt_name, what->san);
    extend(cert, &ctx, NID_ext_key_usage, what->eku);
    extend(cert, &ctx, NID_key_usage, what->usage);
    extend(cert, &ctx, NID_name_constraints, what->constraints);
    extend(cert, &ctx, NID_netscape_comment, what->comment);
    extend(cert, &ctx, NID_tlsfeature, what->feature);
    spoil(cert, what);
    enum pki_key signer = issuer ? issuer_key : what->key;
    const EVP_MD *digest = what->digest;
    if (!digest && signer != PKI_ED25519)
        digest = EVP_sha256();
    must(X509_sign(cert, pki_key(signer), digest) > 0);
    return cert;
}

static X509_EXTENSION *odd_extension(void)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *type = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    must(value && type && ASN1_OCTET_STRING_set(value, (const uint8_t *)"\5", 1));
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, type, 1, value);
    must(e != NULL);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(type);
    return e;
}

X509_CRL *pki_crl(const struct pki_crl *what)
{
    const bool any_time = what->begin || what->end;
    time_t now = PKI_NOW;
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = X509_time_adj(NULL, any_time ? (long)what->begin : -3600, &now),
              *until = X509_time_adj(NULL, any_time ? (long)what->end : 86400, &now);
    must(crl && X509_CRL_set_version(crl, 1) &&
         X509_CRL_set_issuer_name(crl, X509_get_subject_name(what->issuer)) &&
         X509_CRL_set1_lastUpdate(crl, from));
    if (what->end != -1)
        must(X509_CRL_set1_nextUpdate(crl, until));
    if (what->revoked) {
        X509_REVOKED *entry = X509_REVOKED_new();
        must(entry &&
             X509_REVOKED_set_serialNumber(
                 entry, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(what->revoked)) &&
             X509_REVOKED_set_revocationDate(entry, from));
        if (what->has_odd_entry) {
            X509_EXTENSION *odd = odd_extension();
            must(X509_REVOKED_add_ext(entry, odd, -1));
            X509_EXTENSION_free(odd);
        }
        must(X509_CRL_add0_revoked(crl, entry));
    }
    if (what->is_delta) {
        ASN1_INTEGER *base = ASN1_INTEGER_new();
        must(base && ASN1_INTEGER_set(base, 1) &&
             X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0));
        ASN1_INTEGER_free(base);
    }
    if (what->is_odd) {
        X509_EXTENSION *odd = odd_extension();
        must(X509_CRL_add_ext(crl, odd, -1));
        X509_EXTENSION_free(odd);
    }
    if (what->names_other) {
        AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
        must(id && (id->serial = ASN1_INTEGER_new()) && ASN1_INTEGER_set(id->serial, 4711) &&
             X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, id, 0, 0));
        AUTHORITY_KEYID_free(id);
    }
    must(X509_CRL_sign(crl, pki_key(what->key), EVP_sha256()) > 0);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return crl;
}

size_t pki_entry(uint8_t *out, size_t cap, X509 *cert)
{
    int len = i2d_X509(cert, NULL);
    must(len > 0 && (size_t)len + 5 <= cap);
    uint8_t *at = out + 3;
    out[0] = 0;
    out[1] = (uint8_t)(len >> 8);
    out[2] = (uint8_t)len;
    must(i2d_X509(cert, &at) == len);
    at[0] = at[1] = 0;
    return (size_t)len + 5;
}
