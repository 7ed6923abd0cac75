/* SPDX-License-Identifier: BSD-3-Clause */

/* A policy's CRLs as they are read, and what is to be said of them. */

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/complain.h"
#include "handshake/certificate/pem.h"
#include "handshake/certificate/verify.h"
#include "handshake/errors.h"
#include "handshake/policy.h"
#include "handshake/source.h"

#define SOURCE_MAX ((size_t)64 << 20)

/* What is being read: rows are added behind those that there are. */
struct loading {
    struct lks_revocation *r;
    const char *name;
    size_t num; /* of CRLs in the source */
    struct lks_error *err;
};

static enum lks_status complain_at(const struct loading *l, unsigned int line, const char *what)
{
    return line ? lks_complain(l->err, "%s: line %u: %s", l->name, line, what)
                : lks_complain(l->err, "%s: %s", l->name, what);
}

/* Why a CRL is not taken; NULL: it is. */
static const char *complain_of(X509_CRL *crl)
{
    if (!crl)
        return "a damaged CRL; get it anew from its CA";
    if (!X509_CRL_get0_nextUpdate(crl))
        return "a CRL without an end (nextUpdate), which would be believed for ever; get one of "
               "its CA that has";
    return X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0
               ? "a delta CRL, which says only what has changed since another one; get the whole "
                 "one of its CA"
               : NULL;
}

static bool fill(struct lks_crl *row, X509_CRL *crl, const char *source, unsigned int line)
{
    int ok;
    *row = (struct lks_crl){.crl = crl,
                            .line = line,
                            .from_ms = lks_asn1_time_ms(X509_CRL_get0_lastUpdate(crl)),
                            .until_ms = lks_asn1_time_ms(X509_CRL_get0_nextUpdate(crl))};
    row->name = (uint32_t)X509_NAME_hash_ex(X509_CRL_get_issuer(crl), NULL, NULL, &ok);
    if (!ok || X509_CRL_digest(crl, EVP_sha256(), row->digest, NULL) != 1)
        return false;
    /* libcrypto would sort the entries where one is first looked for, for all cores at once. */
    sk_X509_REVOKED_sort(X509_CRL_get_REVOKED(crl));
    row->source = strdup(source);
    return row->source != NULL;
}

static bool is_there(const struct lks_revocation *r, const struct lks_crl *row)
{
    for (size_t i = 0; i < r->num; i++)
        if (memcmp(r->crls[i].digest, row->digest, sizeof(row->digest)) == 0)
            return true;
    return false;
}

/* Takes crl over. */
static enum lks_status add_crl(struct loading *l, X509_CRL *crl, unsigned int line)
{
    struct lks_revocation *r = l->r;
    struct lks_crl row = {0};
    const char *complaint = complain_of(crl);
    if (complaint) {
        X509_CRL_free(crl);
        return complain_at(l, line, complaint);
    }
    l->num++;
    struct lks_crl *grown = realloc(r->crls, (r->num + 1) * sizeof(*grown));
    if (grown)
        r->crls = grown;
    if (!r->all)
        r->all = sk_X509_CRL_new_null();
    bool ok = grown && r->all && fill(&row, crl, l->name, line);
    if (ok && !is_there(r, &row)) {
        ok = sk_X509_CRL_push(r->all, crl) > 0;
        if (ok) {
            r->crls[r->num++] = row;
            return LKS_OK;
        }
    }
    free(row.source);
    X509_CRL_free(crl);
    return ok ? LKS_OK : LKS_NO_MEMORY;
}

static enum lks_status add_block(struct loading *l, enum lks_pem_kind kind, struct lks_pem *pem)
{
    if (kind == LKS_PEM_CRL) {
        X509_CRL *crl = pem->crl;
        pem->crl = NULL;
        return add_crl(l, crl, pem->line);
    }
    if (kind == LKS_PEM_KEY)
        return complain_at(l, pem->line,
                           "a private key among the CRLs; is it the right file? If it is, take the "
                           "key out");
    return complain_at(l, pem->line,
                       "no CRL; certificates to trust go to lks_policy_set_trust(), the rest "
                       "nowhere: take it out");
}

static enum lks_status add_pem(struct loading *l, struct lks_reader all)
{
    struct lks_pem pem;
    enum lks_status status = lks_pem_open(&pem, all) ? LKS_OK : LKS_NO_MEMORY;
    enum lks_pem_kind kind = LKS_PEM_OTHER;
    while (!status && kind != LKS_PEM_END) {
        X509 *x;
        kind = lks_pem_next(&pem, &x);
        X509_free(x);
        if (kind != LKS_PEM_END)
            status = add_block(l, kind, &pem);
    }
    if (!status && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        status = complain_at(l, pem.line, complain_of(NULL));
    lks_pem_close(&pem);
    return status;
}

static enum lks_status add_der(struct loading *l, struct lks_reader all)
{
    const uint8_t *end = all.data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &end, (long)all.len);
    if (crl && end == all.data + all.len)
        return add_crl(l, crl, 0);
    X509_CRL_free(crl);
    return lks_errors_cause(LKS_INTERNAL) == LKS_NO_MEMORY ? LKS_NO_MEMORY : LKS_OK;
}

static void forget_from(struct lks_revocation *r, size_t num)
{
    while (r->num > num) {
        free(r->crls[--r->num].source);
        X509_CRL_free(sk_X509_CRL_pop(r->all));
    }
}

static enum lks_status add_crls(struct lks_policy *policy, const struct lks_source *source,
                                struct lks_error *err)
{
    struct lks_revocation *r = &policy->revocation;
    struct loading l = {.r = r, .name = lks_source_name(source), .err = err};
    const size_t num = r->num;
    struct lks_source_bytes bytes;
    enum lks_status status = lks_source_read(&bytes, source, "CRLs", SOURCE_MAX, err);
    if (!status)
        status = memmem(bytes.all.data, bytes.all.len, "-----BEGIN ", 11) ? add_pem(&l, bytes.all)
                                                                          : add_der(&l, bytes.all);
    if (!status && !l.num)
        status = lks_complain(err,
                              "%s: no CRL, in PEM (-----BEGIN X509 CRL-----) or DER, in it; name "
                              "the file that your CA publishes",
                              l.name);
    if (status)
        forget_from(r, num);
    else
        status = lks_revocation_settle(policy);
    lks_source_free(&bytes);
    return status;
}

enum lks_status lks_policy_add_crls(struct lks_policy *policy, struct lks_source crls,
                                    struct lks_error *err)
{
    LKS_OWN_ERRORS;
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    return lks_part_end(&policy->part, add_crls(policy, &crls, err), err);
}

enum lks_status lks_policy_allow_crl_lack(struct lks_policy *policy, bool missing, bool expired,
                                          struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->revocation.takes_missing = missing;
    policy->revocation.takes_expired = expired;
    return lks_part_end(&policy->part, LKS_OK, err);
}

/* What is wrong with a CRL, one of three things; NULL: that is not. */
static const char *wrong_with(const struct lks_crl *crl, unsigned int which, bool takes_expired,
                              uint64_t now_ms)
{
    if (which == 0 && crl->until_ms <= now_ms)
        return takes_expired
                   ? "has ended (nextUpdate), and what was revoked since is not known; get a newer "
                     "one of its CA"
                   : "has ended (nextUpdate), and peers of its CA are refused; get a newer one of "
                     "its CA";
    if (which == 1 && crl->from_ms > now_ms)
        return "is of a later time than now (lastUpdate), and peers of its CA are refused; is the "
               "clock right?";
    return which == 2 && crl->is_strange
               ? "was signed by none of the trusted certificates that have its issuer's name, or "
                 "none that may sign CRLs; get it anew from its CA"
               : NULL;
}

bool lks_policy_warning(const struct lks_policy *policy, uint32_t n, struct lks_error *warning)
{
    const struct lks_revocation *r = &policy->revocation;
    const uint64_t now_ms = lks_policy_verify_ms(policy);
    for (size_t i = 0; i < 3 * r->num; i++) {
        const struct lks_crl *crl = &r->crls[i / 3];
        const char *what = wrong_with(crl, i % 3, r->takes_expired, now_ms);
        if (!what || n--)
            continue;
        if (crl->line)
            lks_complain(warning, "%s: line %u: the CRL %s", crl->source, crl->line, what);
        else
            lks_complain(warning, "%s: the CRL %s", crl->source, what);
        return true;
    }
    return false;
}
