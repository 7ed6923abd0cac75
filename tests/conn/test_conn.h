/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_TEST_CONN_H
#define LKS_TESTS_CONN_TEST_CONN_H

#include "client.h"
#include "common/test.h"

/* Configurations of a client that trusts the tests' certificates, and of a server; lists may be
 * NULL. */
struct lks_config *client_config(const char *suites, const char *groups, const char *alpn);
struct lks_config *server_config(const char *kind, const char *groups, const char *alpn);
void set_suites(struct lks_config *config, const char *suites); /* checked */
/* An established side of TLS 1.2 with this suite. */
void check_tls12(const struct side *s, const char *suite, bool resumed);
/* len random bytes each way, checked. At most 100000. */
void loopback_echo(struct loopback *l, size_t len);
/* OpenSSL's server, to be driven like its client. */
void openssl_server(struct client *c, const char *kind, const char *suite, const char *groups,
                    bool asks_certificate);

/* A connection and its client, with a loop for the two. */
struct pair {
    struct poll_loop loop;
    struct side side;
    struct client client;
    struct lks_config *config;
};

void pair_init(struct pair *p, const char *kind, const struct client_options *options);
void pair_free(struct pair *p);
/* pair_init() and the handshake, checked. */
void pair_establish(struct pair *p);
static inline void pair_exchange(struct pair *p)
{
    exchange(&p->loop, &p->side, &p->client);
}
/* len random bytes each way, checked. */
void pair_echo(struct pair *p, size_t len);

/* Bytes to the connection, as they are, and then turns until it rests. */
void pair_inject(struct pair *p, const void *bytes, size_t len);

/* Both of our roles, with one suite and its version. */
struct two {
    struct loopback l;
    struct lks_config *client, *server;
};

void two_init(struct two *t, const char *suite);
void two_free(struct two *t);
/* A record under any key, behind what is on the wire: at most 300 bytes. */
void put_record(struct poll_loop *loop, struct buffer *wire, struct lks_key *key, uint8_t type,
                const void *content, size_t len);
/* To the peer, such a record under the side's key of application data. */
void say(struct two *t, struct side *from, uint8_t type, const void *content, size_t len);

/* What the peer sees in the clear behind the connection's end: the record of a fatal alert. */
bool ends_with_plain_alert(const struct buffer *wire, uint8_t alert);

extern const struct lks_test exchange_tests[], bad_input_tests[], key_update_tests[],
    memory_tests[], resumption_tests[], client_resumption_tests[], early_data_tests[],
    client_tests[], pkey_tests[], agreed_tests[], tls12_tests[], tls12_bad_tests[],
    tls12_openssl_tests[], ops_tests[], early_refused_tests[], warning_tests[], close_tests[],
    about_tests[];

#endif
