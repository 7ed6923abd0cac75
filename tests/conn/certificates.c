/* SPDX-License-Identifier: BSD-3-Clause */
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

const struct lks_conn_options localhost = {.server_name = "localhost"};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    must(extension && X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
}

/* A self-signed certificate for "localhost", and its key, as PEM files. usage: KeyUsage as in
 * openssl.cnf, or NULL; comment_len: how much longer than need be. */
static void make(EVP_PKEY *key, const char *cert_path, const char *key_path, const char *usage,
                 size_t comment_len)
{
    X509 *cert = X509_new();
    must(key && cert && X509_set_version(cert, 2));
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_NAME *name = X509_get_subject_name(cert);
    const char *kind = EVP_PKEY_get0_type_name(key); /* so that each has a name of its own */
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)kind, -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(cert, name);
    extend(cert, NID_subject_alt_name, "DNS:localhost,DNS:*.example.test,IP:127.0.0.1");
    if (usage)
        extend(cert, NID_key_usage, usage);
    if (comment_len) {
        char *text = calloc(1, comment_len + 1);
        must(text);
        memset(text, 'x', comment_len);
        extend(cert, NID_netscape_comment, text);
        free(text);
    }
    must(X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256()));
    FILE *f = fopen(cert_path, "w");
    must(f && PEM_write_X509(f, cert) && fclose(f) == 0);
    f = fopen(key_path, "w");
    must(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) && fclose(f) == 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static struct test_certificates made;

static void append(const char *path, const char *from)
{
    char text[8192];
    FILE *in = fopen(from, "r"), *out = fopen(path, "a");
    must(in && out);
    size_t len = fread(text, 1, sizeof(text), in);
    must(fwrite(text, 1, len, out) == len && fclose(out) == 0);
    fclose(in);
}

const struct test_certificates *test_certificates(void)
{
    if (made.dir[0])
        return &made;
    strcpy(made.dir, "/tmp/lockstep-conn-XXXXXX");
    must(mkdtemp(made.dir));
    snprintf(made.ecdsa_cert, sizeof(made.ecdsa_cert), "%s/ecdsa.pem", made.dir);
    snprintf(made.ecdsa_key, sizeof(made.ecdsa_key), "%s/ecdsa.key", made.dir);
    snprintf(made.rsa_cert, sizeof(made.rsa_cert), "%s/rsa.pem", made.dir);
    snprintf(made.rsa_key, sizeof(made.rsa_key), "%s/rsa.key", made.dir);
    make(EVP_EC_gen("P-256"), made.ecdsa_cert, made.ecdsa_key, NULL, 0);
    make(EVP_RSA_gen(2048), made.rsa_cert, made.rsa_key, NULL, 0);
    snprintf(made.both_certs, sizeof(made.both_certs), "%s/both.pem", made.dir);
    append(made.both_certs, made.ecdsa_cert);
    append(made.both_certs, made.rsa_cert);
    return &made;
}

void test_certificate_long(const char *cert_path, const char *key_path, size_t comment_len)
{
    make(EVP_EC_gen("P-256"), cert_path, key_path, NULL, comment_len);
}

void test_certificate_usage(const char *cert_path, const char *key_path, const char *usage)
{
    make(EVP_RSA_gen(2048), cert_path, key_path, usage, 0);
}

void test_certificates_remove(void)
{
    if (!made.dir[0])
        return;
    unlink(made.ecdsa_cert);
    unlink(made.ecdsa_key);
    unlink(made.rsa_cert);
    unlink(made.rsa_key);
    unlink(made.both_certs);
    rmdir(made.dir);
    made.dir[0] = 0;
}

struct lks_config *config_with(const char *kind)
{
    const struct test_certificates *t = test_certificates();
    struct lks_config *config;
    struct lks_error err;
    config = config_new();
    if (!kind || strcmp(kind, "ecdsa") == 0)
        must(!lks_identities_add_certificate(config->identities, lks_from_file(t->ecdsa_cert),
                                             lks_from_file(t->ecdsa_key), &err));
    if (!kind || strcmp(kind, "rsa") == 0)
        must(!lks_identities_add_certificate(config->identities, lks_from_file(t->rsa_cert),
                                             lks_from_file(t->rsa_key), &err));
    return config;
}
