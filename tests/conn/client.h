/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_CLIENT_H
#define LKS_TESTS_CONN_CLIENT_H

/* OpenSSL's libssl as the client over memory BIOs, against struct side. */

#include <openssl/ssl.h>

#include "side.h"

/* An external pre-shared key. */
struct client_psk {
    const char *identity;
    uint8_t key[32];
    uint16_t suite; /* whose hash it has */
};

/* OpenSSL's groups where a test names none: its own choice changes with its version, and that of
 * 3.5 begins with X25519MLKEM768. */
#define USUAL_GROUPS "X25519:P-256:X448:P-521:P-384:ffdhe2048:ffdhe3072"

/* What a client offers; NULL or 0 is OpenSSL's default. */
struct client_options {
    const char *suites;
    const char *groups; /* the first one gets a key share; NULL: USUAL_GROUPS */
    const char *schemes;
    const char *server_name;
    const char *alpn; /* wire format of one name, length first */
    const char *ca_file;
    int max_version;
    const char *tls12_ciphers; /* also those below OpenSSL's security level */
    bool any_level;            /* suites below it */
    uint64_t ssl_options;      /* SSL_OP_… */
    SSL_SESSION *session;      /* to resume */
    bool waits;                /* sends nothing yet: the test begins, with early data */
    bool psk_only;             /* offers psk_ke, too */
    const struct client_psk *psk;
    bool early_data; /* offers a PSK that the server does not know, and early data under it */
};

struct client {
    const struct client_psk *psk;
    SSL_CTX *ctx;
    SSL *ssl;
    struct buffer received;
    bool saw_close;
    uint8_t alert[2]; /* level and description of the last one received */
    uint8_t handshake_secret[48], app_secret[48]; /* to seal with, as its key log says */
};

/* Whether this OpenSSL knows a group; X25519MLKEM768 came with 3.5. */
bool openssl_has_group(const char *group);
void client_init(struct client *c, const struct client_options *options);
void client_free(struct client *c);

/* Wire bytes that the client has ready, into out. */
void client_take(struct client *c, struct buffer *out);
/* Gives wire bytes to the client, then lets it go on: handshake, read. */
void client_give(struct client *c, struct buffer *in);
void client_step(struct client *c);
void client_write(struct client *c, const void *data, size_t len);

/* Lets both run until nothing moves any more. */
void exchange(struct poll_loop *loop, struct side *s, struct client *c);

/* Certificates for the tests in a temporary folder, made once; *_cert and *_key are paths. */
struct test_certificates {
    char dir[64];
    char ecdsa_cert[128], ecdsa_key[128];
    char rsa_cert[128], rsa_key[128];
    char both_certs[128]; /* one file */
};
const struct test_certificates *test_certificates(void);
extern const struct lks_conn_options localhost; /* a client's: the name that they are for */
void test_certificates_remove(void);
/* One more, that long at least. */
void test_certificate_long(const char *cert_path, const char *key_path, size_t comment_len);
/* An RSA one that may be used for this only (KeyUsage as in openssl.cnf). */
void test_certificate_usage(const char *cert_path, const char *key_path, const char *usage);

/* A configuration with one of the certificates, or both (kind NULL). */
struct lks_config *config_with(const char *kind);

#endif
