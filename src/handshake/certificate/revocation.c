/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/certificate/revocation.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/certificate/verify.h"
#include "handshake/errors.h"
#include "handshake/policy.h"

void lks_revocation_free(struct lks_revocation *r)
{
    for (size_t i = 0; i < r->num; i++)
        free(r->crls[i].source);
    free(r->crls);
    sk_X509_CRL_pop_free(r->all, X509_CRL_free);
}

/* What names a CA: its key. */
static bool key_of(const X509 *issuer, uint8_t key[LKS_ISSUER_KEY_LEN])
{
    uint8_t digest[32];
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(issuer);
    if (!bits || EVP_Digest(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), digest,
                            NULL, EVP_sha256(), NULL) != 1)
        return false;
    memcpy(key, digest, LKS_ISSUER_KEY_LEN);
    return true;
}

/* A CRL that covers less than all of its CA's certificates, or has what must be understood, in
 * itself or an entry, is libcrypto's to judge: RFC 5280 section 5.2. */
static bool is_plain(X509_CRL *crl)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    bool plain = X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) < 0 &&
                 X509_CRL_get_ext_by_critical(crl, 1, -1) < 0;
    for (int i = 0; plain && i < sk_X509_REVOKED_num(entries); i++)
        plain = X509_REVOKED_get_ext_by_critical(sk_X509_REVOKED_value(entries, i), 1, -1) < 0;
    return plain;
}

/* Whether a CRL that says which of its CA's certificates it goes with, RFC 5280 section 5.2.1, says
 * that one: libcrypto looks. */
static bool names_key(X509_CRL *crl, X509 *anchor)
{
    AUTHORITY_KEYID *id = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    const bool names = X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1) < 0 ||
                       (id && X509_check_akid(anchor, id) == X509_V_OK);
    AUTHORITY_KEYID_free(id);
    return names;
}

static enum lks_status settle_one(struct lks_crl *crl, const STACK_OF(X509) * anchors)
{
    LKS_OWN_ERRORS;
    crl->by_serial = crl->is_strange = false;
    for (int i = 0; i < sk_X509_num(anchors) && !crl->by_serial; i++) {
        X509 *anchor = sk_X509_value(anchors, i);
        EVP_PKEY *key = X509_get0_pubkey(anchor);
        if (!key || X509_NAME_cmp(X509_get_subject_name(anchor), X509_CRL_get_issuer(crl->crl)))
            continue;
        if (X509_get_key_usage(anchor) & X509v3_KU_CRL_SIGN && names_key(crl->crl, anchor) &&
            X509_CRL_verify(crl->crl, key) == 1 && key_of(anchor, crl->key))
            crl->by_serial = true;
        else if (lks_errors_cause(LKS_INTERNAL) == LKS_NO_MEMORY)
            return LKS_NO_MEMORY;
        crl->is_strange = !crl->by_serial;
    }
    crl->by_serial &= is_plain(crl->crl);
    return LKS_OK;
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

static enum lks_status digest_all(const struct lks_revocation *r, bool bound, uint8_t digest[32])
{
    uint8_t(*sorted)[32] = calloc(r->num + 1, sizeof(*sorted));
    size_t num = 0;
    if (!sorted)
        return LKS_NO_MEMORY;
    for (size_t i = 0; i < r->num; i++)
        if (!bound || !r->crls[i].by_serial)
            memcpy(sorted[num++], r->crls[i].digest, sizeof(*sorted));
    qsort(sorted, num, sizeof(*sorted), compare_digests);
    const bool ok =
        EVP_Digest(sorted, num * sizeof(*sorted), digest, NULL, EVP_sha256(), NULL) == 1;
    free(sorted);
    return ok ? LKS_OK : LKS_NO_MEMORY;
}

enum lks_status lks_revocation_settle(struct lks_policy *policy)
{
    struct lks_revocation *r = &policy->revocation;
    enum lks_status status = LKS_OK;
    for (size_t i = 0; i < r->num && !status; i++)
        status = settle_one(&r->crls[i], policy->anchors);
    if (!status)
        status = digest_all(r, false, r->digest);
    return status ? status : digest_all(r, true, r->bound);
}

static bool is_about_crls(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_REVOKED:
        return true;
    default:
        return false;
    }
}

/* libcrypto asks whether to go on in spite of an error. */
static int go_on(int ok, X509_STORE_CTX *ctx)
{
    const struct lks_revocation *r = X509_STORE_CTX_get_app_data(ctx);
    const int error = X509_STORE_CTX_get_error(ctx);
    const bool is_end =
        X509_STORE_CTX_get_error_depth(ctx) == sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;
    if (ok)
        return ok;
    if (!(is_end && is_about_crls(error)) &&
        !(error == X509_V_ERR_UNABLE_TO_GET_CRL && r->takes_missing) &&
        !(error == X509_V_ERR_CRL_HAS_EXPIRED && r->takes_expired))
        return 0;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

void lks_revocation_set_up(X509_STORE_CTX *ctx, const struct lks_revocation *r)
{
    if (!r->num)
        return;
    X509_STORE_CTX_set0_crls(ctx, r->all);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set_verify_cb(ctx, go_on);
    X509_STORE_CTX_set_app_data(ctx, (void *)(uintptr_t)r);
}

static bool write_serial(struct lks_writer *w, const ASN1_INTEGER *serial)
{
    const int len = i2d_ASN1_INTEGER(serial, NULL);
    const size_t mark = lks_write_open(w, 1);
    uint8_t *at = len > 0 ? lks_write_room(w, (size_t)len) : NULL;
    const bool ok = len > 0 && (!at || i2d_ASN1_INTEGER(serial, &at) == len);
    lks_write_close(w, mark, 1);
    return ok;
}

enum lks_status lks_revocation_write_ids(struct lks_writer *w, const STACK_OF(X509) * verified)
{
    for (int i = 0; i < sk_X509_num(verified) - 1; i++) {
        const X509 *x = sk_X509_value(verified, i), *issuer = sk_X509_value(verified, i + 1);
        uint8_t key[LKS_ISSUER_KEY_LEN];
        int ok;
        const unsigned long name = X509_NAME_hash_ex(X509_get_issuer_name(x), NULL, NULL, &ok);
        if (!ok || !key_of(issuer, key))
            return LKS_NO_MEMORY;
        lks_write_u32(w, (uint32_t)name);
        lks_write_bytes(w, key, sizeof(key));
        if (!write_serial(w, X509_get0_serialNumber(x)))
            return LKS_NO_MEMORY;
    }
    return LKS_OK;
}

struct id {
    uint32_t name;
    uint8_t key[LKS_ISSUER_KEY_LEN];
    ASN1_INTEGER *serial;
};

static bool is_of(const struct lks_crl *crl, const struct id *id)
{
    /* CAs of several names may have one key. */
    return crl->name == id->name &&
           (!crl->by_serial || memcmp(crl->key, id->key, sizeof(id->key)) == 0);
}

static bool admits_one(const struct lks_revocation *r, const struct id *id, uint64_t now_ms)
{
    bool found = false, current = false;
    for (size_t i = 0; i < r->num; i++) {
        const struct lks_crl *crl = &r->crls[i];
        X509_REVOKED *entry;
        if (!is_of(crl, id))
            continue;
        found = true;
        current |= crl->from_ms <= now_ms && (now_ms < crl->until_ms || r->takes_expired);
        if (crl->by_serial && X509_CRL_get0_by_serial(crl->crl, &entry, id->serial) == 1)
            return false;
    }
    return found ? current : r->takes_missing;
}

bool lks_revocation_admits(const struct lks_revocation *r, struct lks_reader ids, uint64_t now_ms)
{
    LKS_OWN_ERRORS;
    bool ok = true;
    while (r->num && ids.len && ok) {
        struct id id;
        struct lks_reader serial;
        if (!lks_read_u32(&ids, &id.name) || !lks_read_copy(&ids, id.key, sizeof(id.key)) ||
            !lks_read_vec8(&ids, &serial))
            return false;
        const uint8_t *at = serial.data;
        id.serial = d2i_ASN1_INTEGER(NULL, &at, (long)serial.len);
        ok = id.serial && admits_one(r, &id, now_ms);
        ASN1_INTEGER_free(id.serial);
    }
    return ok;
}

/* The latest of a CA's CRLs is what counts; the first CA that is left without one, for a chain. */
uint64_t lks_revocation_until_ms(const struct lks_revocation *r, const STACK_OF(X509) * verified)
{
    uint64_t until_ms = UINT64_MAX;
    for (int i = 0; i < sk_X509_num(verified) - 1 && !r->takes_expired; i++) {
        const X509_NAME *issuer = X509_get_issuer_name(sk_X509_value(verified, i));
        uint64_t latest_ms = 0;
        for (size_t k = 0; k < r->num; k++)
            if (!X509_NAME_cmp(issuer, X509_CRL_get_issuer(r->crls[k].crl)) &&
                r->crls[k].until_ms > latest_ms)
                latest_ms = r->crls[k].until_ms;
        if (latest_ms && latest_ms < until_ms)
            until_ms = latest_ms;
    }
    return until_ms;
}
