/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_ASKED_H
#define LKS_TESTS_CONN_ASKED_H

/* Applications that are asked, for tests of <lockstep/callbacks.h>. */

#include <lockstep/callbacks.h>

#include "client.h"
#include "common/test.h"

/* Who is asked keeps the question, or (at_once) answers within the callback. */
struct asked {
    struct lks_ask *ask; /* the last one, which is the test's to free; NULL: none */
    struct lks_conn *conn;
    unsigned int num;
    bool at_once;
    void (*within)(struct asked *a, struct lks_ask *ask); /* in place of both */
};

/* Signs with the private key of the tests' certificates that lks_ask_key() names ("ecdsa", "rsa"):
 * a signer's callback, whose user is a struct asked. */
void signer(void *user, struct lks_conn *conn, struct lks_ask *ask);
/* The signature, made here; in static storage. */
const uint8_t *signature_of(const struct lks_ask *ask, size_t *len);
/* Answers what is kept, as lks_answer_signature() says, and frees it; the side notes what follows.
 * False: there was nothing. */
bool answer_signature(struct asked *a, struct side *s);

/* Configurations that trust the tests' certificates; kind NULL: both, "": none. remote: their keys
 * are elsewhere. */
struct lks_config *asked_config(const char *kind, bool remote, struct asked *a);
void only_version(struct lks_config *config, uint16_t version);

/* OpenSSL's server. */
void peer_server(struct client *c, int max_version, bool asks_certificate);

/* Both ways, some bytes, checked. */
void echo(struct loopback *l);

extern const struct lks_test signer_tests[], asked_tests[], store_tests[], trace_tests[];

#endif
