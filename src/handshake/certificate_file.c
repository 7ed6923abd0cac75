/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/certificate_file.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/writer.h"
#include "handshake/host.h"

#define CHAIN_MAX   (int)LKS_PEER_CHAIN_MAX
#define ENTRIES_MAX ((size_t)1 << 16)

static bool fail(struct lks_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct lks_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    ERR_clear_error();
    return false;
}

/* Keys are read without asking anybody for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *asked)
{
    (void)buf, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

static bool open_file(BIO **bio, const char *file, const char *what, struct lks_error *err)
{
    errno = 0;
    *bio = BIO_new_file(file, "r");
    if (*bio)
        return true;
    return fail(err, "%s: cannot read the %s: %s", file, what,
                errno ? strerror(errno) : "out of memory");
}

static bool load_key(struct lks_certificate *c, const char *file, struct lks_error *err)
{
    BIO *bio;
    bool asked = false;
    if (!open_file(&bio, file, "private key", err))
        return false;
    c->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
    BIO_free(bio);
    if (asked)
        return fail(err, "%s: the private key is encrypted; store it without a passphrase", file);
    if (!c->key)
        return fail(err, "%s: no private key in PEM format (-----BEGIN PRIVATE KEY-----) in it",
                    file);
    if ((EVP_PKEY_is_a(c->key, "RSA") || EVP_PKEY_is_a(c->key, "RSA-PSS")) &&
        EVP_PKEY_get_bits(c->key) < 2048)
        return fail(err, "%s: an RSA key of %d bits is too short; use 2048 or more", file,
                    EVP_PKEY_get_bits(c->key));
    for (const struct lks_sign_scheme *row = lks_sign_schemes(); row->name; row++)
        if (lks_sign_fits(row, c->key))
            return true;
    return fail(err,
                "%s: cannot sign with this kind of key; use ECDSA P-256, P-384 or "
                "P-521, Ed25519 or RSA",
                file);
}

/* What no name of a host can match is left out. */
static bool collect_names(struct lks_certificate *c, X509 *leaf)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    int num = all ? sk_GENERAL_NAME_num(all) : 0, used = 0;
    bool ok = true;
    c->names = calloc((size_t)num + 1, sizeof(*c->names));
    for (int i = 0; c->names && i < num && ok; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        char host[LKS_HOST_MAX + 1];
        if (name->type != GEN_DNS ||
            !lks_host_fold(host, lks_reader_of(ASN1_STRING_get0_data(name->d.dNSName),
                                               (size_t)ASN1_STRING_length(name->d.dNSName))) ||
            !host[0])
            continue;
        c->names[used] = strdup(host);
        ok = c->names[used++] != NULL;
    }
    GENERAL_NAMES_free(all);
    return c->names && ok;
}

/* Appends a CertificateEntry: cert_data and no extensions. */
static bool add_entry(struct lks_writer *w, X509 *x509)
{
    int der_len = i2d_X509(x509, NULL);
    size_t mark = lks_write_open(w, 3);
    uint8_t *room = der_len > 0 ? lks_write_room(w, (size_t)der_len) : NULL;
    if (!room || i2d_X509(x509, &room) != der_len)
        return false;
    lks_write_close(w, mark, 3);
    lks_write_u16(w, 0);
    return !w->failed;
}

/* Keeps x509, whose reference is the chain's from here on. */
static bool keep(struct lks_certificate *c, X509 *x509)
{
    if (!c->chain)
        c->chain = sk_X509_new_null();
    if (c->chain && sk_X509_push(c->chain, x509))
        return true;
    X509_free(x509);
    return false;
}

static bool read_chain(struct lks_certificate *c, BIO *bio, const char *cert_file,
                       const char *key_file, struct lks_error *err)
{
    struct lks_writer w = lks_writer_of(malloc(ENTRIES_MAX), ENTRIES_MAX);
    bool ok = w.data != NULL;
    int num = 0;
    c->entries = w.data;
    for (X509 *x; ok && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)); num++) {
        if (!keep(c, x))
            ok = false;
        else if (num == CHAIN_MAX || !add_entry(&w, x))
            ok = fail(err, "%s: more than %d certificates or 64 KiB; keep the leaf and its chain",
                      cert_file, CHAIN_MAX);
        else if (num == 0 && X509_get_version(x) != X509_VERSION_3)
            /* RFC 8446 sections 4.4.2.2 and 4.4.2.3. [8446 4.4.2.2-1 4.4.2.3-1] */
            ok = fail(err, "%s: an X.509 certificate of version %ld; have one made with extensions",
                      cert_file, X509_get_version(x) + 1);
        else if (num == 0 && X509_check_private_key(x, c->key) != 1)
            ok = fail(err, "%s: this private key does not belong to the first certificate in %s",
                      key_file, cert_file);
        else if (num == 0)
            ok = collect_names(c, x) && X509_digest(x, EVP_sha256(), c->digest, NULL);
        if (num == 0)
            c->leaf_len = w.len - 2;
    }
    if (!ok)
        return false;
    if (!num || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return fail(err, "%s: %s", cert_file,
                    num ? "one of the certificates is damaged"
                        : "no certificate in PEM format (-----BEGIN CERTIFICATE-----) in it");
    ERR_clear_error();
    c->entries_len = w.len;
    return true;
}

enum lks_status lks_certificate_load(struct lks_certificate **out, const char *cert_file,
                                     const char *key_file, struct lks_error *err)
{
    struct lks_certificate *c = calloc(1, sizeof(*c));
    BIO *bio = NULL;
    snprintf(err->text, sizeof(err->text), "%s: out of memory", cert_file);
    ERR_clear_error();
    if (!c)
        return LKS_NO_MEMORY;
    bool ok = load_key(c, key_file, err) && open_file(&bio, cert_file, "certificate", err) &&
              read_chain(c, bio, cert_file, key_file, err);
    BIO_free(bio);
    if (!ok) {
        lks_certificate_free(c);
        return LKS_BAD_CONFIG;
    }
    err->text[0] = '\0';
    *out = c;
    return LKS_OK;
}

void lks_certificate_free(struct lks_certificate *c)
{
    for (char **name = c->names; name && *name; name++)
        free(*name);
    free(c->names);
    free(c->entries);
    free(c->ocsp);
    free(c->sct);
    sk_X509_pop_free(c->chain, X509_free);
    lks_certificate_compress(c, NULL);
    EVP_PKEY_free(c->key);
    free(c);
}
