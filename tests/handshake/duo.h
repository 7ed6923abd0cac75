/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_HANDSHAKE_DUO_H
#define LKS_TESTS_HANDSHAKE_DUO_H

/* A client, and what an honest server would say to it, for tests that say something else. */

#include "configs.h"
#include "handshake/core.h"

#define FLIGHT_MAX   8192u
#define MESSAGES_MAX 8u

/* An honest server's messages to one client, and that client. */
struct duo {
    struct lks_config *client_config, *server_config;
    struct lks_hs *client, *server;
    uint8_t flight[FLIGHT_MAX];
    size_t at[MESSAGES_MAX + 1]; /* where each message begins; the last one's end */
    size_t num;
};

/* groups: the server's; another than x25519 makes it ask again. */
void duo_init(struct duo *d, const char *groups);
void duo_free(struct duo *d);

/* The first num messages, which are right. */
void give_honest(struct duo *d, size_t num);

enum { SERVER_HELLO, ENCRYPTED_EXTENSIONS, CERTIFICATE, CERTIFICATE_VERIFY, FINISHED, FLIGHT_NUM };

#define EXTENSION_VERSION "002b 0002 0304"
#define EXTENSION_SHARE    \
    "0033 0024 001d 0020 " \
    "0900000000000000000000000000000000000000000000000000000000000000"

/* A ServerHello or (random NULL) HelloRetryRequest from its parts. */
struct hello_parts {
    const char *what;
    uint16_t version, suite;
    uint8_t compression;
    uint8_t session; /* what to do to the session id: 0 the right one, 1 another, 2 empty */
    const char *random_end, *extensions;
    enum lks_status status;
};

size_t write_hello(uint8_t *out, const struct hello_parts *p, const struct lks_hs *client,
                   bool retry);

#define GOOD EXTENSION_VERSION EXTENSION_SHARE

#endif
