/* SPDX-License-Identifier: BSD-3-Clause */

/* Whom a configuration trusts: certificates of a file, a directory or the system, loaded once. */

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/writer.h"
#include "handshake/config.h"
#include "handshake/errors.h"
#include "handshake/pem.h"

/* A CertificateRequest's extensions have 65535 bytes at most, all together. */
#define NAMES_MAX (65535u - 512u)

/* Keys and digests of 112 bits of security and more: RSA from 2048 bits, no SHA-1. */
#define AUTH_LEVEL 2

static enum lks_status fail(struct lks_error *err, const char *file, const char *what)
{
    snprintf(err->text, sizeof(err->text), "%s: %s", file, what);
    return LKS_BAD_CONFIG;
}

X509_STORE *lks_trust_new(void)
{
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return NULL;
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
    X509_VERIFY_PARAM_set_depth(param, LKS_PEER_CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    /* What is in the trust file is trusted, a root or not. */
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

/* What is being read. */
struct loading {
    X509_STORE *store;
    size_t num;     /* certificates so far */
    bool is_system; /* nobody chose what is there: what we don't take is left out */
};

/* Why a block is not taken as it is; NULL: it is. */
static const char *complain_of(enum lks_pem kind, const X509 *x)
{
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

static enum lks_status add_block(struct loading *l, enum lks_pem kind, X509 *x, const char *file,
                                 struct lks_error *err)
{
    if (kind == LKS_PEM_OTHER)
        return LKS_OK;
    if (kind == LKS_PEM_CERTIFICATE && !x)
        return fail(err, file, "one of the trusted certificates is damaged");
    const char *complaint = complain_of(kind, x);
    if (complaint)
        return l->is_system ? LKS_OK : fail(err, file, complaint);
    l->num++;
    return X509_STORE_add_cert(l->store, x) ? LKS_OK : LKS_NO_MEMORY;
}

/* Adds all certificates of a PEM file. */
static enum lks_status add_file(struct loading *l, const char *file, struct lks_error *err)
{
    LKS_OWN_ERRORS;
    errno = 0;
    BIO *bio = BIO_new_file(file, "r");
    if (!bio)
        return fail(err, file, errno ? strerror(errno) : "out of memory");
    enum lks_status status = LKS_OK;
    enum lks_pem kind = LKS_PEM_OTHER;
    while (!status && kind != LKS_PEM_END) {
        X509 *x;
        kind = lks_pem_next(bio, &x);
        if (kind != LKS_PEM_END)
            status = add_block(l, kind, x, file, err);
        X509_free(x);
    }
    if (!status && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        status = fail(err, file, "one of the trusted certificates is damaged");
    BIO_free(bio);
    return status;
}

/* All files of a directory; those that hold no certificate count for nothing. */
static enum lks_status add_directory(struct loading *l, const char *path, struct lks_error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return fail(err, path, strerror(errno));
    enum lks_status status = LKS_OK;
    for (const struct dirent *entry; !status && (entry = readdir(dir));) {
        char file[4096];
        struct stat st;
        int len = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        if (len > 0 && (size_t)len < sizeof(file) && stat(file, &st) == 0 && S_ISREG(st.st_mode))
            status = add_file(l, file, err);
    }
    closedir(dir);
    return status;
}

static enum lks_status load(X509_STORE *store, const char *path, struct lks_error *err)
{
    struct stat st;
    struct loading l = {.store = store, .is_system = !path};
    if (!path)
        path = X509_get_default_cert_dir();
    if (stat(path, &st) != 0)
        return fail(err, path, strerror(errno));
    enum lks_status status =
        S_ISDIR(st.st_mode) ? add_directory(&l, path, err) : add_file(&l, path, err);
    if (!status && !l.num)
        status =
            fail(err, path, "no certificate in PEM format (-----BEGIN CERTIFICATE-----) in it");
    return status;
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
    if (ok)
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

static bool names_fit(const struct lks_config *config, size_t len)
{
    return !config->client_auth || !config->sends_authorities || len <= NAMES_MAX;
}

bool lks_config_authorities_fit(const struct lks_config *config)
{
    return names_fit(config, config->authorities_len);
}

/* What a configuration keeps of whom it trusts, beside the store. */
static enum lks_status keep(struct lks_config *config, const STACK_OF(X509) * all, const char *path,
                            struct lks_error *err)
{
    uint8_t(*digests)[32] = digests_of(all);
    uint8_t *names = malloc(NAMES_MAX);
    struct lks_writer w = lks_writer_of(names, names ? NAMES_MAX : 0);
    const size_t names_len = write_names(&w, all);
    enum lks_status status = digests && names ? LKS_OK : LKS_NO_MEMORY;
    if (!status && !names_fit(config, names_len))
        status =
            fail(err, path ? path : "the system's certificates",
                 "more than 65023 bytes of names, which no CertificateRequest can carry; trust "
                 "fewer, or do not send the names");
    if (status) {
        free(digests);
        free(names);
        return status;
    }
    free(config->anchors);
    config->anchors = digests;
    config->num_anchors = (size_t)sk_X509_num(all);
    free(config->authorities);
    config->authorities = names;
    config->authorities_len = names_len;
    return LKS_OK;
}

enum lks_status lks_config_set_trust(struct lks_config *config, const char *path,
                                     struct lks_error *err)
{
    LKS_OWN_ERRORS;
    X509_STORE *store = lks_trust_new();
    STACK_OF(X509) *all = NULL;
    err->text[0] = '\0';
    enum lks_status status = store ? load(store, path, err) : LKS_NO_MEMORY;
    if (!status)
        status =
            (all = X509_STORE_get1_all_certs(store)) ? keep(config, all, path, err) : LKS_NO_MEMORY;
    sk_X509_pop_free(all, X509_free);
    if (status) {
        X509_STORE_free(store);
        return status;
    }
    X509_STORE_free(config->trust);
    config->trust = store;
    return LKS_OK;
}
