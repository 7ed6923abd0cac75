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

#include "base/ct.h"
#include "base/writer.h"
#include "handshake/config.h"
#include "handshake/errors.h"
#include "handshake/pem.h"

/* A CertificateRequest's extensions have 65535 bytes at most, all together. */
#define NAMES_MAX (65535u - 512u)
#define FILE_MAX  ((size_t)4 << 20)

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

/* Whence certificates come, which says what else may be there. */
enum source {
    FROM_FILE,      /* named for this alone */
    FROM_DIRECTORY, /* named, but other things may lie there */
    FROM_SYSTEM,    /* nobody chose what is there: what we don't take is left out */
};

/* What is being read. */
struct loading {
    X509_STORE *store;
    size_t num; /* certificates so far */
    enum source source;
};

/* A file in memory. */
struct text {
    const char *name;
    char *data;
    size_t len;
};

static enum lks_status fail_at(struct lks_error *err, const struct text *text, unsigned int block,
                               const char *what)
{
    snprintf(err->text, sizeof(err->text), "%s: line %u: %s", text->name,
             lks_pem_line(text->data, text->len, block), what);
    return LKS_BAD_CONFIG;
}

#define DAMAGED "a damaged certificate; get the file anew from where it came"

/* Why a block is not taken as it is; NULL: it is, or counts for nothing here. */
static const char *complain_of(enum lks_pem kind, const X509 *x, enum source source)
{
    if (kind == LKS_PEM_CRL)
        return "a CRL, and none is looked at here, so what it revokes would be trusted; take it "
               "out, and ask for OCSP responses where revocation matters";
    if (kind == LKS_PEM_KEY)
        return source == FROM_FILE ? "a private key among the certificates to trust; is it the "
                                     "right file? If it is, take the key out"
                                   : NULL;
    if (kind == LKS_PEM_OTHER)
        return source == FROM_FILE ? "neither a certificate nor known here; take it out" : NULL;
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

static enum lks_status add_block(struct loading *l, enum lks_pem kind, X509 *x,
                                 const struct text *text, unsigned int block, struct lks_error *err)
{
    if (kind == LKS_PEM_CERTIFICATE && !x)
        return fail_at(err, text, block, DAMAGED);
    const char *complaint = complain_of(kind, x, l->source);
    if (complaint)
        return l->source == FROM_SYSTEM ? LKS_OK : fail_at(err, text, block, complaint);
    if (!x)
        return LKS_OK;
    l->num++;
    return X509_STORE_add_cert(l->store, x) ? LKS_OK : LKS_NO_MEMORY;
}

static enum lks_status add_blocks(struct loading *l, BIO *bio, const struct text *text,
                                  struct lks_error *err)
{
    enum lks_status status = LKS_OK;
    enum lks_pem kind = LKS_PEM_OTHER;
    unsigned int block = 0;
    while (!status && kind != LKS_PEM_END) {
        X509 *x;
        kind = lks_pem_next(bio, &x);
        block++;
        if (kind != LKS_PEM_END)
            status = add_block(l, kind, x, text, block, err);
        X509_free(x);
    }
    if (!status && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        status = fail_at(err, text, block, DAMAGED);
    return status;
}

static enum lks_status cannot_read(struct lks_error *err, const char *path)
{
    snprintf(err->text, sizeof(err->text),
             "%s: cannot read the trusted certificates: %s; put them there, readable for this "
             "process",
             path, strerror(errno));
    return LKS_BAD_CONFIG;
}

/* Reads a file whole. */
static enum lks_status read_text(struct text *text, struct lks_error *err)
{
    FILE *f = fopen(text->name, "rbe");
    size_t n = 0;
    if (!f)
        return cannot_read(err, text->name);
    text->data = malloc(FILE_MAX);
    errno = 0;
    while (text->data && text->len < FILE_MAX &&
           (n = fread(text->data + text->len, 1, FILE_MAX - text->len, f)) != 0)
        text->len += n;
    const bool failed = ferror(f) != 0;
    enum lks_status status = text->data ? LKS_OK : LKS_NO_MEMORY;
    if (failed)
        status = cannot_read(err, text->name);
    else if (text->len == FILE_MAX)
        status = fail(err, text->name,
                      "longer than 4 MiB; is it a file of certificates? Make it "
                      "several, in a directory");
    fclose(f);
    return status;
}

/* Adds all certificates of a PEM file. */
static enum lks_status add_file(struct loading *l, const char *file, struct lks_error *err)
{
    LKS_OWN_ERRORS;
    struct text text = {.name = file};
    enum lks_status status = read_text(&text, err);
    BIO *bio = status ? NULL : BIO_new_mem_buf(text.data, (int)text.len);
    if (!status)
        status = bio ? add_blocks(l, bio, &text, err) : LKS_NO_MEMORY;
    BIO_free(bio);
    if (text.data)
        lks_wipe(text.data, text.len); /* there may be a private key in it */
    free(text.data);
    return status;
}

/* All files of a directory; those that hold no certificate count for nothing. */
static enum lks_status add_directory(struct loading *l, const char *path, struct lks_error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return cannot_read(err, path);
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
    struct loading l = {.store = store, .source = path ? FROM_FILE : FROM_SYSTEM};
    if (!path)
        path = X509_get_default_cert_dir();
    if (stat(path, &st) != 0)
        return cannot_read(err, path);
    if (S_ISDIR(st.st_mode) && !l.source)
        l.source = FROM_DIRECTORY;
    enum lks_status status =
        S_ISDIR(st.st_mode) ? add_directory(&l, path, err) : add_file(&l, path, err);
    if (!status && !l.num)
        status = fail(err, path,
                      "no certificate in PEM format (-----BEGIN CERTIFICATE-----) in it; put those "
                      "of your CAs there (openssl x509 -inform DER makes PEM of DER)");
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
