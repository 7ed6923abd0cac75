/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/certificate_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ct.h"
#include "base/writer.h"
#include "handshake/host.h"
#include "handshake/pem.h"

#define CHAIN_MAX   (int)LKS_PEER_CHAIN_MAX
#define ENTRIES_MAX ((size_t)1 << 16)
#define FILE_MAX    ((size_t)1 << 20)

/* What is in a file; zeros at first. */
struct file {
    uint8_t *data;
    size_t len;
    BIO *bio; /* over data */
};

static bool fail(struct lks_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct lks_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return false;
}

/* Keys are read without asking anybody for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *asked)
{
    (void)buf, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

static bool cannot_read(struct lks_error *err, const char *name, const char *what, int cause)
{
    return fail(err, "%s: cannot read the %s: %s; put the file there, readable for this process",
                name, what, strerror(cause));
}

/* All of a file; libcrypto's own reading would leave a private key in stdio's buffers. */
static bool read_file(struct file *f, const char *name, const char *what, struct lks_error *err)
{
    ssize_t n = 0;
    const int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cannot_read(err, name, what, errno);
    f->data = malloc(FILE_MAX);
    while (f->data && f->len < FILE_MAX &&
           ((n = read(fd, f->data + f->len, FILE_MAX - f->len)) > 0 || (n < 0 && errno == EINTR)))
        f->len += n > 0 ? (size_t)n : 0;
    const int cause = errno;
    close(fd);
    if (!f->data)
        return fail(err, "%s: out of memory", name);
    if (n < 0)
        return cannot_read(err, name, what, cause);
    if (f->len == FILE_MAX)
        return fail(err, "%s: longer than 1 MiB; is it a %s?", name, what);
    f->bio = BIO_new_mem_buf(f->data, (int)f->len);
    return f->bio || fail(err, "%s: out of memory", name);
}

static void free_file(struct file *f)
{
    BIO_free(f->bio);
    if (f->data)
        lks_wipe(f->data, f->len);
    free(f->data);
}

/* Of what a key fits, the certificate may allow less: none of it is a line of its own. */
static bool signs_with_something(const struct lks_certificate *c)
{
    for (const struct lks_sign_scheme *row = lks_sign_schemes(); row->name; row++)
        if (c->chain ? lks_certificate_signs(c, row) : lks_sign_fits(row, c->key))
            return true;
    return false;
}

#define PSS_REMEDY                                                                             \
    "its RSASSA-PSS parameters (hash, MGF1, salt) suit no signature of TLS; use the same one " \
    "of SHA-256, SHA-384 and SHA-512 for both hashes, with a salt of its length or less"

static bool check_key(const struct lks_certificate *c, const char *file, struct lks_error *err)
{
    const bool is_pss = EVP_PKEY_is_a(c->key, "RSA-PSS"), is_rsa = EVP_PKEY_is_a(c->key, "RSA");
    const int bits = EVP_PKEY_get_bits(c->key);
    if ((is_rsa || is_pss) && bits < 2048)
        return fail(err, "%s: an RSA key of %d bits is too short; use 2048 or more", file, bits);
    if ((is_rsa || is_pss) && bits > (int)(8 * LKS_SIGNATURE_MAX))
        return fail(err, "%s: an RSA key of %d bits is too long; use %u or less", file, bits,
                    8 * LKS_SIGNATURE_MAX);
    if (lks_has_explicit_curve(c->key))
        return fail(err,
                    "%s: a key with explicit curve parameters; make it of a named curve "
                    "(openssl: -pkeyopt ec_param_enc:named_curve)",
                    file);
    if (signs_with_something(c))
        return true;
    return is_pss ? fail(err, "%s: %s", file, PSS_REMEDY)
                  : fail(err,
                         "%s: cannot sign with this kind of key; use ECDSA P-256, P-384 or "
                         "P-521, Ed25519 or RSA",
                         file);
}

static bool load_key(struct lks_certificate *c, const char *name, struct lks_error *err)
{
    struct file f = {0};
    bool asked = false;
    const bool read = read_file(&f, name, "private key", err);
    if (read)
        c->key = PEM_read_bio_PrivateKey(f.bio, NULL, no_passphrase, &asked);
    free_file(&f);
    if (!read)
        return false;
    if (asked)
        return fail(err, "%s: the private key is encrypted; store it without a passphrase", name);
    if (!c->key)
        return fail(err,
                    "%s: no private key in PEM format (-----BEGIN PRIVATE KEY-----) in it; "
                    "openssl pkey -inform DER makes PEM of DER",
                    name);
    return check_key(c, name, err);
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
        c->has_address |= name->type == GEN_IPADD;
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

/* The leaf, whose certificate goes with the key. */
static bool check_leaf(struct lks_certificate *c, X509 *x, const char *cert_file,
                       const char *key_file, struct lks_error *err)
{
    /* RFC 8446 sections 4.4.2.2 and 4.4.2.3. [8446 4.4.2.2-1 4.4.2.3-1] */
    if (X509_get_version(x) != X509_VERSION_3)
        return fail(err, "%s: an X.509 certificate of version %ld; have one made with extensions",
                    cert_file, X509_get_version(x) + 1);
    if (X509_check_private_key(x, c->key) != 1)
        return fail(err,
                    "%s: this private key does not belong to the first certificate in %s; name the "
                    "key that this one was made for, and put the leaf first",
                    key_file, cert_file);
    if (!signs_with_something(c))
        return fail(err, "%s: %s", cert_file, PSS_REMEDY);
    return collect_names(c, x) && X509_digest(x, EVP_sha256(), c->digest, NULL);
}

static bool check_certificate(X509 *x, const char *file, int number, struct lks_error *err)
{
    if (lks_certificate_is_malformed(x))
        return fail(err,
                    "%s: certificate %d has a malformed extension, or one twice; have it made anew",
                    file, number);
    const EVP_PKEY *key = X509_get0_pubkey(x);
    if (key && lks_has_explicit_curve(key))
        return fail(err,
                    "%s: certificate %d has explicit curve parameters; have one made for a "
                    "key of a named curve",
                    file, number);
    return true;
}

/* Takes one certificate, whose reference becomes the chain's. */
static bool take_certificate(struct lks_certificate *c, struct lks_writer *w, X509 *x,
                             const char *cert_file, const char *key_file, struct lks_error *err)
{
    if (!keep(c, x))
        return fail(err, "%s: out of memory", cert_file);
    const int num = sk_X509_num(c->chain);
    if (num > CHAIN_MAX || !add_entry(w, x))
        return fail(err, "%s: more than %d certificates or 64 KiB; keep the leaf and its chain",
                    cert_file, CHAIN_MAX);
    if (num == 1)
        c->leaf_len = w->len - 2;
    return check_certificate(x, cert_file, num, err) &&
           (num > 1 || check_leaf(c, x, cert_file, key_file, err));
}

#define DAMAGED "one of the certificates is damaged; get the file anew from where it came"

static bool read_chain(struct lks_certificate *c, BIO *bio, const char *cert_file,
                       const char *key_file, struct lks_error *err)
{
    struct lks_writer w = lks_writer_of(malloc(ENTRIES_MAX), ENTRIES_MAX);
    X509 *x;
    c->entries = w.data;
    if (!w.data)
        return fail(err, "%s: out of memory", cert_file);
    for (enum lks_pem kind; (kind = lks_pem_next(bio, &x)) != LKS_PEM_END;) {
        if (kind == LKS_PEM_TRUSTED)
            return fail(err,
                        "%s: a TRUSTED CERTIFICATE, which is OpenSSL's own; store it as a "
                        "CERTIFICATE (openssl x509 -in … -out …)",
                        cert_file);
        if (kind == LKS_PEM_CERTIFICATE && !x)
            return fail(err, "%s: %s", cert_file, DAMAGED);
        if (x && !take_certificate(c, &w, x, cert_file, key_file, err))
            return false;
    }
    if (!c->chain || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return fail(err, "%s: %s", cert_file,
                    c->chain ? DAMAGED
                             : "no certificate in PEM format (-----BEGIN CERTIFICATE-----) in it; "
                               "openssl x509 -inform DER makes PEM of DER");
    c->entries_len = w.len;
    return true;
}

enum lks_status lks_certificate_load(struct lks_certificate **out, const char *cert_file,
                                     const char *key_file, struct lks_error *err)
{
    struct lks_certificate *c = calloc(1, sizeof(*c));
    struct file f = {0};
    snprintf(err->text, sizeof(err->text), "%s: out of memory", cert_file);
    if (!c)
        return LKS_NO_MEMORY;
    c->file = strdup(cert_file);
    bool ok = c->file && load_key(c, key_file, err) &&
              read_file(&f, cert_file, "certificate", err) &&
              read_chain(c, f.bio, cert_file, key_file, err);
    free_file(&f);
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
    free(c->file);
    free(c->ocsp);
    free(c->sct);
    sk_X509_pop_free(c->chain, X509_free);
    lks_certificate_compress(c, NULL);
    EVP_PKEY_free(c->key);
    free(c);
}
