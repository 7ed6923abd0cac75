/* SPDX-License-Identifier: BSD-3-Clause */

/* Whom a policy trusts: certificates of a file, a directory, the system or memory, loaded once. */

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/complain.h"
#include "base/writer.h"
#include "handshake/certificate/pem.h"
#include "handshake/certificate/verify.h"
#include "handshake/errors.h"
#include "handshake/policy.h"
#include "handshake/source.h"

/* A CertificateRequest's extensions have 65535 bytes at most, all together. */
#define NAMES_MAX (65535u - 512u)

#define SOURCE_MAX ((size_t)4 << 20)

X509_STORE *lks_trust_new(void)
{
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return NULL;
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
    X509_VERIFY_PARAM_set_depth(param, LKS_PEER_CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, LKS_PEER_AUTH_LEVEL);
    /* What is in the trust file is trusted, a root or not. */
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

/* Whence certificates come, which says what else may be there. */
enum whence {
    FROM_SOURCE,    /* a file or memory, named for this alone */
    FROM_DIRECTORY, /* named, but other things may lie there */
    FROM_SYSTEM,    /* nobody chose what is there: what we don't take is left out */
};

/* What is being read. */
struct loading {
    X509_STORE *store;
    size_t num; /* certificates so far */
    enum whence whence;
    struct lks_error *err;
};

static enum lks_status complain_at(const struct loading *l, const char *name,
                                   const struct lks_pem *pem, const char *complaint)
{
    return lks_complain(l->err, "%s: line %u: %s", name, pem->line, complaint);
}

#define DAMAGED "a damaged certificate; get the file anew from where it came"

/* Why a block is not taken as it is; NULL: it is, or counts for nothing here. */
static const char *complain_of(enum lks_pem_kind kind, const X509 *x, enum whence whence)
{
    if (kind == LKS_PEM_CRL)
        return "a CRL among the certificates to trust; give it to lks_policy_add_crls() in a "
               "source of its own";
    if (kind == LKS_PEM_KEY)
        return whence == FROM_SOURCE ? "a private key among the certificates to trust; is it the "
                                       "right file? If it is, take the key out"
                                     : NULL;
    if (kind == LKS_PEM_OTHER)
        return whence == FROM_SOURCE ? "neither a certificate nor known here; take it out" : NULL;
    if (kind == LKS_PEM_TRUSTED)
        return "a TRUSTED CERTIFICATE, which is OpenSSL's own, whose settings (trusted or rejected "
               "for what) nobody here looks at; store it as a CERTIFICATE (openssl x509 -in … -out "
               "…), or leave it out";
    const EVP_PKEY *key = X509_get0_pubkey(x);
    return key && lks_has_explicit_curve(key)
               ? "a certificate with explicit curve parameters; trust one for a key of a named "
                 "curve"
               : NULL;
}

static enum lks_status add_block(struct loading *l, enum lks_pem_kind kind, X509 *x,
                                 const char *name, const struct lks_pem *pem)
{
    if (kind == LKS_PEM_CERTIFICATE && !x)
        return complain_at(l, name, pem, DAMAGED);
    const char *complaint = complain_of(kind, x, l->whence);
    if (complaint)
        return l->whence == FROM_SYSTEM ? LKS_OK : complain_at(l, name, pem, complaint);
    if (!x)
        return LKS_OK;
    l->num++;
    return X509_STORE_add_cert(l->store, x) ? LKS_OK : LKS_NO_MEMORY;
}

static enum lks_status add_all(struct loading *l, struct lks_reader all, const char *name)
{
    struct lks_pem pem;
    enum lks_status status = lks_pem_open(&pem, all) ? LKS_OK : LKS_NO_MEMORY;
    enum lks_pem_kind kind = LKS_PEM_OTHER;
    while (!status && kind != LKS_PEM_END) {
        X509 *x;
        kind = lks_pem_next(&pem, &x);
        if (kind != LKS_PEM_END)
            status = add_block(l, kind, x, name, &pem);
        X509_free(x);
    }
    if (!status && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        status = complain_at(l, name, &pem, DAMAGED);
    lks_pem_close(&pem);
    return status;
}

/* Adds all certificates of one source that is no directory; one without any counts for nothing. */
static enum lks_status add_source(struct loading *l, const struct lks_source *source)
{
    LKS_OWN_ERRORS;
    struct lks_source_bytes bytes;
    enum lks_status status =
        lks_source_read(&bytes, source, "trusted certificates", SOURCE_MAX, l->err);
    if (!status)
        status = add_all(l, bytes.all, lks_source_name(source));
    lks_source_free(&bytes);
    return status;
}

static enum lks_status cannot_read(const struct loading *l, const char *path)
{
    return lks_complain(l->err,
                        "%s: cannot read the trusted certificates: %s; put them there, readable "
                        "for this process",
                        path, strerror(errno));
}

static enum lks_status add_directory(struct loading *l, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return cannot_read(l, path);
    enum lks_status status = LKS_OK;
    for (const struct dirent *entry; !status && (entry = readdir(dir));) {
        char file[4096];
        struct stat st;
        int len = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        const struct lks_source source = lks_from_file(file);
        if (len > 0 && (size_t)len < sizeof(file) && stat(file, &st) == 0 && S_ISREG(st.st_mode) &&
            st.st_size)
            status = add_source(l, &source);
    }
    closedir(dir);
    return status;
}

static enum lks_status load(X509_STORE *store, const struct lks_source *trusted,
                            struct lks_error *err)
{
    struct stat st;
    struct lks_source source = *trusted;
    struct loading l = {.store = store, .err = err};
    if (!source.in_memory && !source.name) {
        l.whence = FROM_SYSTEM;
        source.name = X509_get_default_cert_dir();
    }
    if (!source.in_memory && stat(source.name, &st) != 0)
        return cannot_read(&l, source.name);
    const bool is_directory = !source.in_memory && S_ISDIR(st.st_mode);
    if (is_directory && l.whence != FROM_SYSTEM)
        l.whence = FROM_DIRECTORY;
    enum lks_status status =
        is_directory ? add_directory(&l, source.name) : add_source(&l, &source);
    if (!status && !l.num)
        status = lks_complain(
            err,
            "%s: no certificate in PEM format (-----BEGIN CERTIFICATE-----) in it; put those of "
            "your CAs there (openssl x509 -inform DER makes PEM of DER)",
            lks_source_name(&source));
    return status;
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* Wherever they lay, and however often; sorted is a copy of the digests. */
static bool digest_all(uint8_t (*sorted)[32], size_t num, uint8_t digest[32])
{
    qsort(sorted, num, sizeof(*sorted), compare_digests);
    return EVP_Digest(sorted, num * sizeof(*sorted), digest, NULL, EVP_sha256(), NULL) == 1;
}

/* The digests that sessions name them by; NULL: no memory. */
static uint8_t (*digests_of(const STACK_OF(X509) * all))[32]
{
    uint8_t(*digests)[32] = calloc((size_t)sk_X509_num(all) + 1, sizeof(*digests));
    bool ok = digests != NULL;
    for (int i = 0; i < sk_X509_num(all) && ok; i++)
        ok = X509_digest(sk_X509_value(all, i), EVP_sha256(), digests[i], NULL) == 1;
    /* libcrypto looks at a certificate's extensions once: now, where memory is not yet scarce. */
    for (int i = 0; i < sk_X509_num(all) && ok; i++)
        (void)X509_get_extension_flags(sk_X509_value(all, i));
    if (ok && lks_errors_cause(LKS_INTERNAL) != LKS_NO_MEMORY)
        return digests;
    free(digests);
    return NULL;
}

/* DistinguishedName authorities<3..2^16-1>, RFC 8446 section 4.2.4; written where there is room.
 * What it takes, all names together. */
static size_t write_names(struct lks_writer *w, const STACK_OF(X509) * all)
{
    size_t total = 0;
    for (int i = 0; i < sk_X509_num(all); i++) {
        const unsigned char *der;
        size_t len;
        if (!X509_NAME_get0_der(X509_get_subject_name(sk_X509_value(all, i)), &der, &len))
            continue;
        lks_write_u16(w, (uint16_t)len);
        lks_write_bytes(w, der, len);
        total += 2 + len;
    }
    return total;
}

X509 *lks_policy_find_anchor(const struct lks_policy *policy, const uint8_t digest[32])
{
    for (int i = 0; i < sk_X509_num(policy->anchors); i++)
        if (memcmp(policy->anchor_digests[i], digest, 32) == 0)
            return sk_X509_value(policy->anchors, i);
    return NULL;
}

bool lks_authorities_fit(enum lks_client_auth mode, bool send_authorities, size_t len)
{
    return !mode || !send_authorities || len <= NAMES_MAX;
}

void lks_policy_forget_trust(struct lks_policy *policy)
{
    X509_STORE_free(policy->trust);
    sk_X509_pop_free(policy->anchors, X509_free);
    free(policy->anchor_digests);
    free(policy->authorities);
}

/* Puts a store, and what is kept of it beside it, in the place of the earlier one. */
static enum lks_status keep(struct lks_policy *policy, X509_STORE *store, STACK_OF(X509) * all,
                            const char *name, struct lks_error *err)
{
    uint8_t(*digests)[32] = digests_of(all), (*sorted)[32] = digests_of(all), digest[32];
    uint8_t *names = malloc(NAMES_MAX);
    struct lks_writer w = lks_writer_of(names, names ? NAMES_MAX : 0);
    const size_t names_len = write_names(&w, all);
    const bool ok =
        digests && sorted && names && digest_all(sorted, (size_t)sk_X509_num(all), digest);
    enum lks_status status = ok ? LKS_OK : LKS_NO_MEMORY;
    free(sorted);
    if (!status && !lks_authorities_fit(policy->client_auth, policy->sends_authorities, names_len))
        status = lks_complain(err, "%s: %s", name, LKS_AUTHORITIES_REMEDY);
    if (status) {
        free(digests);
        free(names);
        return status;
    }
    lks_policy_forget_trust(policy);
    policy->trust = store;
    policy->anchors = all;
    policy->anchor_digests = digests;
    memcpy(policy->trust_digest, digest, sizeof(digest));
    policy->authorities = names;
    policy->authorities_len = names_len;
    return lks_revocation_settle(policy);
}

static enum lks_status set_trust(struct lks_policy *policy, const struct lks_source *trusted,
                                 struct lks_error *err)
{
    const bool is_system = !trusted->in_memory && !trusted->name;
    X509_STORE *store = lks_trust_new();
    enum lks_status status = store ? load(store, trusted, err) : LKS_NO_MEMORY;
    STACK_OF(X509) *all = status ? NULL : X509_STORE_get1_all_certs(store);
    if (!status)
        status = all ? keep(policy, store, all,
                            is_system ? "the system's certificates" : lks_source_name(trusted), err)
                     : LKS_NO_MEMORY;
    if (status && policy->trust != store) {
        sk_X509_pop_free(all, X509_free);
        X509_STORE_free(store);
    }
    return status;
}

enum lks_status lks_policy_set_trust(struct lks_policy *policy, struct lks_source trusted,
                                     struct lks_error *err)
{
    LKS_OWN_ERRORS;
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    return lks_part_end(&policy->part, set_trust(policy, &trusted, err), err);
}
