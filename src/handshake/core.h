/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CORE_H
#define LKS_HANDSHAKE_CORE_H

/* The state machine inside one handshake. Its messages are in the rooms below, a header each:
 * certificate/, exchange/, resumption/, tls12/. */

#include "base/writer.h"
#include "handshake/ask.h"
#include "handshake/certificate/verify.h"
#include "handshake/client_hello.h"
#include "handshake/config.h"
#include "handshake/exchange/schedule.h"
#include "handshake/extensions.h"
#include "handshake/handshake.h"
#include "handshake/pkey.h"
#include "handshake/resumption/resumption.h"
#include "handshake/tls12/tls12.h"

/* HandshakeType, RFC 8446 section 4. */
enum lks_message {
    LKS_MSG_HELLO_REQUEST = 0, /* TLS 1.2, RFC 5246 section 7.4 */
    LKS_MSG_CLIENT_HELLO = 1,
    LKS_MSG_SERVER_HELLO = 2,
    LKS_MSG_NEW_SESSION_TICKET = 4,
    LKS_MSG_END_OF_EARLY_DATA = 5,
    LKS_MSG_ENCRYPTED_EXTENSIONS = 8,
    LKS_MSG_CERTIFICATE = 11,
    LKS_MSG_SERVER_KEY_EXCHANGE = 12, /* TLS 1.2 */
    LKS_MSG_CERTIFICATE_REQUEST = 13,
    LKS_MSG_SERVER_HELLO_DONE = 14, /* TLS 1.2 */
    LKS_MSG_CERTIFICATE_VERIFY = 15,
    LKS_MSG_CLIENT_KEY_EXCHANGE = 16, /* TLS 1.2 */
    LKS_MSG_FINISHED = 20,
    LKS_MSG_CERTIFICATE_STATUS = 22, /* TLS 1.2, RFC 6066 section 8 */
    LKS_MSG_KEY_UPDATE = 24,
    LKS_MSG_COMPRESSED_CERTIFICATE = 25,
};

#define LKS_MSG_HEADER_LEN 4u

/* What is awaited. The role tells the rest: both may wait for a Certificate. */
enum lks_hs_state {
    LKS_STATE_CLIENT_HELLO,        /* server: nothing came yet */
    LKS_STATE_SECOND_CLIENT_HELLO, /* server: HelloRetryRequest is sent */
    LKS_STATE_SERVER_HELLO,        /* client: the ClientHello is sent */
    LKS_STATE_SECOND_SERVER_HELLO, /* client: the second ClientHello is sent */
    LKS_STATE_ENCRYPTED_EXTENSIONS,
    LKS_STATE_CERTIFICATE_REQUEST, /* client: that, or the Certificate at once */
    LKS_STATE_CERTIFICATE,
    LKS_STATE_CERTIFICATE_VERIFY,
    LKS_STATE_END_OF_EARLY_DATA, /* server: its own Finished is sent, early data are taken */
    LKS_STATE_FINISHED,          /* server: its own Finished is sent */
    /* TLS 1.2's. A client also waits for what may be left out before the one that is named. */
    LKS_STATE_12_CERTIFICATE,
    LKS_STATE_12_CERTIFICATE_STATUS, /* client: that, or what comes next */
    LKS_STATE_12_SERVER_KEY_EXCHANGE,
    LKS_STATE_12_CERTIFICATE_REQUEST, /* client: that, or ServerHelloDone */
    LKS_STATE_12_SERVER_HELLO_DONE,
    LKS_STATE_12_CLIENT_KEY_EXCHANGE,
    LKS_STATE_12_CERTIFICATE_VERIFY,
    LKS_STATE_12_NEW_SESSION_TICKET,
    LKS_STATE_12_CHANGE_CIPHER_SPEC, /* no message, but that record */
    LKS_STATE_12_FINISHED,
    LKS_STATE_DONE,
    LKS_STATE_FAILED,
    LKS_NUM_STATES,
};

#define LKS_EVENTS_MAX     24u
#define LKS_KEY_SHARES_MAX 4u

/* Bytes to send. They stay where they are, since events name them; so when a buffer is full,
 * another one is put in front of it. */
struct lks_hs_buffer {
    struct lks_hs_buffer *next;
    uint8_t data[];
};

struct lks_hs {
    struct lks_config *config;
    struct lks_conn *conn; /* whose it is: callbacks are told */
    enum lks_role role;
    enum lks_hs_state state;
    enum lks_status failure; /* in LKS_STATE_FAILED, bare; and why */
    enum lks_reason reason;

    /* Messages that come in, as far as they are there, from in_at on. */
    uint8_t *in;
    size_t in_at, in_len, in_cap;

    /* Messages to send and what else is to happen, in order. */
    struct lks_hs_buffer *buffers;
    struct lks_writer out; /* into buffers->data */
    size_t out_marked;     /* up to where events name it */
    bool out_lacks_memory; /* why it has failed */
    uint32_t num_tickets;  /* written by a server */
    struct lks_hs_event events[LKS_EVENTS_MAX];
    uint32_t num_events, next_event;

    bool hello_asked;       /* the application has had its say about the first hello */
    bool session_asked;     /* the memory's store was asked, and */
    struct lks_ask *stored; /* gave something; NULL: nothing */
    bool repeats;           /* the message at hand is to come again, once there is an answer */
    struct lks_ask *ask;    /* the application, and nothing goes on before it has answered */
    /* Public-key work under way: here, or (only compared with) in the caller's hands. */
    struct lks_pkey_job *job;
    const struct lks_pkey_job *job_taken;
    enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job);

    uint16_t version; /* enum lks_version, once it is chosen; 0 before */
    struct lks_tls12 tls12;
    struct lks_schedule schedule;
    const struct lks_suite *suite;
    const struct lks_group *group;
    const struct lks_certificate *certificate;
    const struct lks_sign_scheme *scheme;
    uint16_t peer_scheme; /* that the other side signed with; 0: nothing yet */
    const char *alpn;
    struct lks_peer *peer;                     /* the other side's certificates */
    const struct lks_compression *compression; /* of ours; NULL: none */
    unsigned int entry_extensions;             /* that the peer asked for: LKS_PEER_ASKED_… */
    bool retried, compat, skip_early_data;
    bool names_server; /* the certificate answers to the name, and the client is told so */
    uint16_t peer_record_size_limit; /* 0: not negotiated */
    uint8_t session_id[32];          /* the client's legacy_session_id */
    uint8_t session_id_len;
    uint8_t client_random[32];
    uint8_t client_handshake_secret[LKS_HASH_MAX];
    uint8_t server_handshake_secret[LKS_HASH_MAX];
    uint8_t client_app_secret[LKS_HASH_MAX];
    uint8_t server_app_secret[LKS_HASH_MAX];
    uint8_t exporter_secret[LKS_HASH_MAX];
    char *server_name; /* canonical: a client's for SNI, the name a server was asked for; NULL: none
                        */
    struct lks_hs_psk psk;
    struct lks_hs_early early;
    uint8_t basis[32]; /* what its sessions stand on, and until when: standing.h */
    uint64_t until_ms;
    struct lks_verified verified;
    struct lks_reader
        shown; /* a server's: what its client has shown, now or then: shown.h; owned */
    uint8_t client_early_secret[LKS_HASH_MAX];

    /* A server's. */
    bool wants_tickets; /* the client does */

    /* A client's. */
    char *peer_name; /* canonical, or an address: that the certificate must be for; NULL: nobody */
    struct lks_hs_session *session; /* to resume; NULL: none */
    uint64_t hello_ms;              /* when it was looked at */
    struct lks_reader hello;        /* the last ClientHello, in a buffer */
    lks_extension_set offered;      /* in it */
    struct {
        const struct lks_group *group;
        struct lks_group_key *key;
    } shares[LKS_KEY_SHARES_MAX]; /* that it has, ended by one without a group */
    struct lks_reader key_shares; /* the list as it was sent; empty: to be made */
    uint8_t *cookie;              /* of a HelloRetryRequest; NULL: none */
    size_t cookie_len;
    bool certificate_requested;
};

/* A message's handler. message is all of it, header included; body what is behind the header. */
struct lks_incoming {
    struct lks_reader message;
    struct lks_reader body;
};

/* The transcript: of a whole message, header included. */
LKS_MUST_CHECK enum lks_status lks_transcript_add(struct lks_hs *hs, const uint8_t *message,
                                                  size_t len);

/* Makes room for len more bytes in hs->out, whose messages stay where they are. */
LKS_MUST_CHECK enum lks_status lks_message_reserve(struct lks_hs *hs, size_t len);

/* Opens a message in hs->out, with room for that and what was reserved beyond it; lks_message_end()
 * closes it and adds it to the transcript, once there is one. */
#define LKS_MESSAGE_LEN 2048u
size_t lks_message_begin(struct lks_hs *hs, enum lks_message type);
LKS_MUST_CHECK enum lks_status lks_message_end(struct lks_hs *hs, size_t mark);

/* Events. Messages written so far become one SEND event before each. */
void lks_event_send(struct lks_hs *hs);
void lks_event_ccs(struct lks_hs *hs);
/* RFC 8446 section 5.1: unexpected_message where a key to open with comes in mid-record. */
LKS_MUST_CHECK enum lks_status lks_event_key(struct lks_hs *hs, enum lks_hs_event_kind kind,
                                             enum lks_level level, const uint8_t *secret);
/* The same for a key that is ready, TLS 1.2's. */
LKS_MUST_CHECK enum lks_status lks_event_record_key(struct lks_hs *hs, enum lks_hs_event_kind kind,
                                                    const struct lks_record_key *key);
void lks_event_plain(struct lks_hs *hs); /* from here on seal nothing */
void lks_event_done(struct lks_hs *hs);
/* For who watches: LKS_HS_RETRIED, LKS_HS_TICKETS. */
void lks_event_told(struct lks_hs *hs, enum lks_hs_event_kind kind, size_t num);

/* Reads a server's extensions one by one, each of them an answer to one in our hello; stops at the
 * first that is not right. */
LKS_MUST_CHECK enum lks_status lks_hs_read_answers(
    struct lks_hs *hs, struct lks_reader list, enum lks_extension_place place,
    enum lks_status (*read)(struct lks_hs *hs, uint16_t type, struct lks_reader body));

/* Our first protocol that a client's list has, into hs->alpn: RFC 7301 section 3.2; and a server's
 * answer to our own. */
LKS_MUST_CHECK enum lks_status lks_alpn_choose(struct lks_hs *hs,
                                               const struct lks_client_hello *hello);
LKS_MUST_CHECK enum lks_status lks_alpn_read(struct lks_hs *hs, struct lks_reader body);
void lks_alpn_write(struct lks_hs *hs);
void lks_record_size_limit_write(struct lks_hs *hs, enum lks_version version);
/* What a ClientHello asks for, and a server's answer. */
LKS_MUST_CHECK enum lks_status lks_record_size_limit_asked(struct lks_hs *hs,
                                                           const struct lks_client_hello *hello);
LKS_MUST_CHECK enum lks_status lks_record_size_limit_read(struct lks_hs *hs,
                                                          struct lks_reader body);

/* What a handler returns that ends in public-key work: resume runs when the job is done, now or
 * later; if the job failed it does not run. The job is the handshake's from here on. */
LKS_MUST_CHECK enum lks_status
lks_hs_start_job(struct lks_hs *hs, struct lks_pkey_job *job,
                 enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job));

LKS_MUST_CHECK enum lks_status lks_hs_random(struct lks_hs *hs, uint8_t *out, size_t len);
/* RFC 8701 section 4: an extension that means nothing, of 0 to 3 bytes, if the configuration says
 * so; a server's. */
LKS_MUST_CHECK enum lks_status lks_hs_grease(struct lks_hs *hs);
void lks_hs_log_secret(const struct lks_hs *hs, const char *label, const uint8_t *secret);

/* server.c: whether a client named something that no host can be called; nothing is kept for it. */
bool lks_hs_name_is_odd(const struct lks_hs *hs, const struct lks_client_hello *hello);

/* Messages, each in its own file. *_write() writes one to hs->out. */
LKS_MUST_CHECK enum lks_status lks_client_hello_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_server_hello_write(struct lks_hs *hs, const uint8_t *share);
LKS_MUST_CHECK enum lks_status lks_hello_retry_request_write(struct lks_hs *hs,
                                                             struct lks_reader cookie);
LKS_MUST_CHECK enum lks_status lks_encrypted_extensions_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_finished_write(struct lks_hs *hs, const uint8_t *traffic_secret);
/* Checks a Finished against the messages before it; decrypt_error if it is wrong. */
LKS_MUST_CHECK enum lks_status lks_finished_verify(struct lks_hs *hs, struct lks_reader body,
                                                   const uint8_t *traffic_secret);
/* Reads EncryptedExtensions, and keeps what the server chose. */
LKS_MUST_CHECK enum lks_status lks_encrypted_extensions_read(struct lks_hs *hs,
                                                             struct lks_reader body);
/* The server's handlers, server.c. */
LKS_MUST_CHECK enum lks_status lks_server_client_hello(struct lks_hs *hs,
                                                       const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_server_certificate(struct lks_hs *hs,
                                                      const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_server_certificate_verify(struct lks_hs *hs,
                                                             const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_server_finished(struct lks_hs *hs,
                                                   const struct lks_incoming *in);

/* The client's, client.c. It begins with lks_client_start(). */
LKS_MUST_CHECK enum lks_status lks_client_start(struct lks_hs *hs,
                                                const struct lks_conn_options *options);
LKS_MUST_CHECK enum lks_status lks_client_server_hello(struct lks_hs *hs,
                                                       const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_client_encrypted_extensions(struct lks_hs *hs,
                                                               const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_client_certificate_request(struct lks_hs *hs,
                                                              const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_client_certificate(struct lks_hs *hs,
                                                      const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_client_certificate_verify(struct lks_hs *hs,
                                                             const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_client_finished(struct lks_hs *hs,
                                                   const struct lks_incoming *in);

#endif
