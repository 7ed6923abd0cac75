/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_MUTUAL_H
#define LKS_TESTS_CONN_MUTUAL_H

/* Servers that ask their clients for certificates, on a clock of the test's. */

#include "pki_files.h"
#include "test_conn.h"

#define HOUR 3600

extern int64_t mutual_now_s; /* from PKI_NOW */

/* How a session is kept. */
enum way { TICKET_13, TICKET_12, ID_12, NUM_WAYS };

/* Files and clock: leaves "server", "one", "two", and "alone", which is self-signed. */
void mutual_begin(void);
/* Servers share their tickets' keys; all trust the root. */
struct lks_config *mutual_server(enum way way, enum lks_client_auth mode);
struct lks_config *mutual_client(const char *certificate); /* NULL: none */
void ask(struct lks_config *server, enum lks_client_auth mode);

struct session {
    uint8_t bytes[LKS_SESSION_MAX];
    size_t len;
};

#define CHAIN_MAX 4096u

/* What both have come to, and what the server knows of its client. */
struct outcome {
    enum lks_status client, server;
    const char *client_reason, *server_reason;
    bool resumed, has_digest;
    uint8_t peer_alert; /* the client's of the server */
    uint8_t digest[32];
    char name[64];
    uint32_t num_chain;
    size_t chain_len, leaf_len; /* leaf: while it is there without being kept */
    uint8_t chain[CHAIN_MAX], leaf[CHAIN_MAX];
};

/* With a session (len 0: none), whose place a new one takes. */
struct outcome meet(struct lks_config *client, struct lks_config *server, struct session *session);

#endif
