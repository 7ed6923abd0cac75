/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CORE_H
#define LKS_HANDSHAKE_CORE_H

/* Inside one handshake: what the files of the messages share. */

#include "base/writer.h"
#include "handshake/client_hello.h"
#include "handshake/config.h"
#include "handshake/handshake.h"
#include "handshake/schedule.h"

/* HandshakeType, RFC 8446 section 4. */
enum lks_message {
    LKS_MSG_CLIENT_HELLO = 1,
    LKS_MSG_SERVER_HELLO = 2,
    LKS_MSG_ENCRYPTED_EXTENSIONS = 8,
    LKS_MSG_CERTIFICATE = 11,
    LKS_MSG_CERTIFICATE_VERIFY = 15,
    LKS_MSG_FINISHED = 20,
    LKS_MSG_KEY_UPDATE = 24,
};

#define LKS_MSG_HEADER_LEN 4u

enum lks_hs_state {
    LKS_STATE_CLIENT_HELLO,        /* server: nothing came yet */
    LKS_STATE_SECOND_CLIENT_HELLO, /* server: HelloRetryRequest is sent */
    LKS_STATE_FINISHED,            /* server: its Finished is sent, the client's awaited */
    LKS_STATE_DONE,
    LKS_STATE_FAILED,
    LKS_NUM_STATES,
};

#define LKS_EVENTS_MAX 12u

struct lks_hs {
    struct lks_config *config;
    enum lks_role role;
    enum lks_hs_state state;
    enum lks_status failure; /* in LKS_STATE_FAILED */

    /* The message that comes in, as far as it is there. */
    uint8_t *in;
    size_t in_len, in_cap;

    /* Messages to send and what else is to happen, in order. */
    struct lks_writer out;
    size_t out_marked; /* up to where events name it */
    struct lks_hs_event events[LKS_EVENTS_MAX];
    uint32_t num_events, next_event;

    struct lks_schedule schedule;
    const struct lks_suite *suite;
    const struct lks_group *group;
    const struct lks_certificate *certificate;
    const struct lks_sign_scheme *scheme;
    const char *alpn;
    bool retried, compat, skip_early_data;
    uint8_t session_id[32];
    uint8_t session_id_len;
    uint8_t client_random[32];
    uint8_t hello_digest[32]; /* of the first ClientHello, after a HelloRetryRequest */
    uint8_t client_handshake_secret[LKS_HASH_MAX];
    uint8_t server_handshake_secret[LKS_HASH_MAX];
    uint8_t client_app_secret[LKS_HASH_MAX];
};

/* A message's handler. message is all of it, header included; body what is behind the header. */
struct lks_incoming {
    struct lks_reader message;
    struct lks_reader body;
};

/* Opens a message in hs->out; lks_message_end() closes it and adds it to the transcript. */
size_t lks_message_begin(struct lks_hs *hs, enum lks_message type);
LKS_MUST_CHECK enum lks_status lks_message_end(struct lks_hs *hs, size_t mark);

/* Events. Messages written so far become one SEND event before each. */
void lks_event_send(struct lks_hs *hs);
void lks_event_ccs(struct lks_hs *hs);
void lks_event_key(struct lks_hs *hs, enum lks_hs_event_kind kind, enum lks_level level,
                   const uint8_t *secret);
void lks_event_done(struct lks_hs *hs);

/* The server's messages, each in its own file. They write one message to hs->out. */
LKS_MUST_CHECK enum lks_status lks_server_hello_write(struct lks_hs *hs, const uint8_t *share);
LKS_MUST_CHECK enum lks_status lks_hello_retry_request_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_encrypted_extensions_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_certificate_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_certificate_verify_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_finished_write(struct lks_hs *hs, const uint8_t *traffic_secret);
/* Checks a Finished against the messages before it; decrypt_error if it is wrong. */
LKS_MUST_CHECK enum lks_status lks_finished_verify(struct lks_hs *hs, struct lks_reader body,
                                                   const uint8_t *traffic_secret);

/* The server's handlers, server.c. */
LKS_MUST_CHECK enum lks_status lks_server_client_hello(struct lks_hs *hs,
                                                       const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_server_finished(struct lks_hs *hs,
                                                   const struct lks_incoming *in);

#endif
