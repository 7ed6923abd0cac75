/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/certificate/file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/complain.h"
#include "base/writer.h"
#include "handshake/certificate/host.h"
#include "handshake/certificate/pem.h"
#include "handshake/source.h"

#define CHAIN_MAX   (int)LKS_PEER_CHAIN_MAX
#define ENTRIES_MAX ((size_t)1 << 16)
#define SOURCE_MAX  ((size_t)1 << 20)

/* Keys are read without asking anybody for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *asked)
{
    (void)buf, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* What is being read. */
struct loading {
    struct lks_certificate *c;
    const char *name, *key_name; /* of the chain's source and the key's */
    struct lks_pem pem;
    struct lks_writer w; /* c->entries */
    struct lks_error *err;
};

#define PSS_REMEDY                                                                             \
    "its RSASSA-PSS parameters (hash, MGF1, salt) suit no signature of TLS; use the same one " \
    "of SHA-256, SHA-384 and SHA-512 for both hashes, with a salt of its length or less"

static enum lks_status check_key(const struct lks_certificate *c, const char *name,
                                 struct lks_error *err)
{
    const int type = EVP_PKEY_get_id(c->key);
    const bool is_pss = type == EVP_PKEY_RSA_PSS, is_rsa = type == EVP_PKEY_RSA;
    const int bits = EVP_PKEY_get_bits(c->key);
    if ((is_rsa || is_pss) && bits < 2048)
        return lks_complain(err, "%s: an RSA key of %d bits is too short; use 2048 or more", name,
                            bits);
    if ((is_rsa || is_pss) && bits > (int)(8 * LKS_SIGNATURE_MAX))
        return lks_complain(err, "%s: an RSA key of %d bits is too long; use %u or less", name,
                            bits, 8 * LKS_SIGNATURE_MAX);
    if (lks_has_explicit_curve(c->key))
        return lks_complain(err,
                            "%s: a key with explicit curve parameters; make it of a named curve "
                            "(openssl: -pkeyopt ec_param_enc:named_curve)",
                            name);
    if (lks_sign_fitting(c->key) & LKS_SIGN_TLS13_BITS)
        return LKS_OK;
    return is_pss ? lks_complain(err, "%s: %s", name, PSS_REMEDY)
                  : lks_complain(err,
                                 "%s: cannot sign with this kind of key; use ECDSA P-256, P-384 "
                                 "or P-521, Ed25519 or RSA",
                                 name);
}

/* Why there is no key. */
static enum lks_status complain_of_key(struct lks_reader all, const char *name, bool asked,
                                       struct lks_error *err)
{
    const unsigned int line = lks_pem_find(all, "PRIVATE KEY-----");
    if (asked)
        return lks_complain(
            err, "%s: line %u: the private key is encrypted; store it without a passphrase", name,
            line);
    if (!line)
        return lks_complain(err,
                            "%s: no private key in PEM format (-----BEGIN PRIVATE KEY-----) in it; "
                            "openssl pkey -inform DER makes PEM of DER",
                            name);
    return lks_complain(err,
                        "%s: line %u: the private key is damaged, or of a kind that is not known; "
                        "copy it again",
                        name, line);
}

static enum lks_status load_key(struct lks_certificate *c, const struct lks_source *source,
                                struct lks_error *err)
{
    const char *name = lks_source_name(source);
    struct lks_source_bytes bytes;
    struct lks_pem pem = {0};
    bool asked = false;
    enum lks_status status = lks_source_read(&bytes, source, "private key", SOURCE_MAX, err);
    if (!status && !lks_pem_open(&pem, bytes.all))
        status = LKS_NO_MEMORY;
    if (!status)
        c->key = PEM_read_bio_PrivateKey(pem.bio, NULL, no_passphrase, &asked);
    if (!status && !c->key)
        status = complain_of_key(bytes.all, name, asked, err);
    lks_pem_close(&pem);
    lks_source_free(&bytes);
    return status ? status : check_key(c, name, err);
}

/* What no name of a host can match is left out. */
static bool collect_names(struct lks_certificate *c, X509 *leaf)
{
    int critical;
    GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, &critical, NULL);
    int num = all ? sk_GENERAL_NAME_num(all) : 0, used = 0;
    bool ok = all || critical == -1; /* none that there is, for want of memory */
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

/* The leaf's own key stands in for one that is elsewhere. */
static enum lks_status take_public_key(struct loading *l, X509 *x)
{
    l->c->key = X509_get_pubkey(x);
    if (l->c->key)
        return check_key(l->c, l->name, l->err);
    return lks_complain(l->err,
                        "%s: line %u: the certificate's key is damaged, or of a kind that is not "
                        "known; use one for ECDSA P-256, P-384 or P-521, Ed25519 or RSA",
                        l->name, l->pem.line);
}

/* The leaf, whose certificate goes with the key. */
static enum lks_status check_leaf(struct loading *l, X509 *x)
{
    struct lks_certificate *c = l->c;
    enum lks_status status = c->is_remote ? take_public_key(l, x) : LKS_OK;
    if (status)
        return status;
    /* RFC 8446 sections 4.4.2.2 and 4.4.2.3. [8446 4.4.2.2-1 4.4.2.3-1] */
    if (X509_get_version(x) != X509_VERSION_3)
        return lks_complain(l->err,
                            "%s: line %u: an X.509 certificate of version %ld; have one made with "
                            "extensions",
                            l->name, l->pem.line, X509_get_version(x) + 1);
    if (X509_check_private_key(x, c->key) != 1)
        return lks_complain(l->err,
                            "%s: this private key does not belong to the first certificate in %s; "
                            "name the key that this one was made for, and put the leaf first",
                            l->key_name, l->name);
    lks_certificate_describe(c, x);
    if (!(c->schemes & LKS_SIGN_TLS13_BITS)) /* of what a key fits, the leaf may allow less */
        return lks_complain(l->err, "%s: %s", l->name, PSS_REMEDY);
    return collect_names(c, x) && X509_digest(x, EVP_sha256(), c->digest, NULL) ? LKS_OK
                                                                                : LKS_NO_MEMORY;
}

static enum lks_status check_certificate(const struct loading *l, X509 *x, int number)
{
    if (lks_certificate_is_malformed(x))
        return lks_complain(l->err,
                            "%s: line %u: certificate %d has a malformed extension, or one twice; "
                            "have it made anew",
                            l->name, l->pem.line, number);
    const EVP_PKEY *key = X509_get0_pubkey(x);
    if (key && lks_has_explicit_curve(key))
        return lks_complain(l->err,
                            "%s: line %u: certificate %d has explicit curve parameters; have one "
                            "made for a key of a named curve",
                            l->name, l->pem.line, number);
    return LKS_OK;
}

/* Takes one certificate, whose reference becomes the chain's. */
static enum lks_status take_certificate(struct loading *l, X509 *x)
{
    if (!keep(l->c, x))
        return LKS_NO_MEMORY;
    const int num = sk_X509_num(l->c->chain);
    if (num > CHAIN_MAX || !add_entry(&l->w, x))
        return lks_complain(l->err,
                            "%s: line %u: more than %d certificates or 64 KiB; keep the leaf and "
                            "its chain",
                            l->name, l->pem.line, CHAIN_MAX);
    if (num == 1)
        l->c->leaf_len = l->w.len - 2;
    enum lks_status status = check_certificate(l, x, num);
    return status || num > 1 ? status : check_leaf(l, x);
}

static enum lks_status complain_of_damage(const struct loading *l)
{
    return lks_complain(l->err,
                        "%s: line %u: certificate %d is damaged; get it anew from where it came",
                        l->name, l->pem.line, (l->c->chain ? sk_X509_num(l->c->chain) : 0) + 1);
}

static enum lks_status read_chain(struct loading *l)
{
    X509 *x;
    for (enum lks_pem_kind kind; (kind = lks_pem_next(&l->pem, &x)) != LKS_PEM_END;) {
        if (kind == LKS_PEM_TRUSTED)
            return lks_complain(l->err,
                                "%s: line %u: a TRUSTED CERTIFICATE, which is OpenSSL's own; "
                                "store it as a CERTIFICATE (openssl x509 -in … -out …)",
                                l->name, l->pem.line);
        if (kind == LKS_PEM_CERTIFICATE && !x)
            return complain_of_damage(l);
        enum lks_status status = x ? take_certificate(l, x) : LKS_OK;
        if (status)
            return status;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return complain_of_damage(l);
    if (!l->c->chain)
        return lks_complain(l->err,
                            "%s: no certificate in PEM format (-----BEGIN CERTIFICATE-----) in it; "
                            "openssl x509 -inform DER makes PEM of DER",
                            l->name);
    l->c->entries_len = l->w.len;
    return LKS_OK;
}

static enum lks_status load_chain(struct loading *l, const struct lks_source *source)
{
    struct lks_source_bytes bytes;
    enum lks_status status = lks_source_read(&bytes, source, "certificate", SOURCE_MAX, l->err);
    l->c->entries = status ? NULL : malloc(ENTRIES_MAX);
    l->w = lks_writer_of(l->c->entries, ENTRIES_MAX);
    if (!status && (!l->c->entries || !lks_pem_open(&l->pem, bytes.all)))
        status = LKS_NO_MEMORY;
    if (!status)
        status = read_chain(l);
    lks_pem_close(&l->pem);
    lks_source_free(&bytes);
    return status;
}

enum lks_status lks_certificate_load(struct lks_certificate **out, const struct lks_source *chain,
                                     const struct lks_source *key, struct lks_error *err)
{
    struct lks_certificate *c = calloc(1, sizeof(*c));
    struct loading l = {.c = c, .name = lks_source_name(chain), .err = err};
    if (!c)
        return LKS_NO_MEMORY;
    l.key_name = key ? lks_source_name(key) : "";
    c->is_remote = !key;
    c->source = strdup(l.name);
    enum lks_status status = c->source ? LKS_OK : LKS_NO_MEMORY;
    if (!status && key)
        status = load_key(c, key, err);
    if (!status)
        status = load_chain(&l, chain);
    if (status)
        lks_certificate_free(c);
    else
        *out = c;
    return status;
}

void lks_certificate_free(struct lks_certificate *c)
{
    for (char **name = c->names; name && *name; name++)
        free(*name);
    free(c->names);
    free(c->entries);
    free(c->source);
    free(c->ocsp);
    free(c->sct);
    sk_X509_pop_free(c->chain, X509_free);
    lks_certificate_compress(c, NULL);
    EVP_PKEY_free(c->key);
    free(c);
}
