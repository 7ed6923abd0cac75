/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_CONN_CONN_H
#define LKS_CONN_CONN_H

/* Inside a connection. What only a handshake needs is in struct conn_handshake, freed with it. */

#include <lockstep/callbacks.h>
#include <lockstep/conn.h>

#include "conn/ops.h"
#include "handshake/handshake.h"
#include "handshake/resumption/session.h"
#include "handshake/suite.h"
#include "record/key.h"

/* AlertLevel, and the AlertDescriptions that mean the end or nothing: RFC 8446 section 6. */
#define ALERT_WARNING          1u
#define ALERT_FATAL            2u
#define ALERT_CLOSE_NOTIFY     0u
#define ALERT_USER_CANCELED    90u
#define ALERT_NO_RENEGOTIATION 100u /* TLS 1.2, RFC 5246 section 7.2.2 */
#define ALERT_NONE             0xffu

#define HANDSHAKE_HELLO_REQUEST 0u
#define HANDSHAKE_CLIENT_HELLO  1u

#define HANDSHAKE_KEY_UPDATE         24u
#define HANDSHAKE_NEW_SESSION_TICKET 4u
#define HANDSHAKE_HEADER_LEN         4u
#define KEY_UPDATE_LEN               (HANDSHAKE_HEADER_LEN + 1u)

/*
 * How much a peer may send that costs us work and moves nothing. None of these is in the RFC; each
 * is far above what an honest peer does.
 */
#define CCS_MAX          8u  /* compatibility mode sends one or two */
#define IDLE_RECORDS_MAX 32u /* empty records, KeyUpdates, tickets without data between */
#define WARNINGS_MAX     4u  /* alerts that end nothing, without another record between */

/* Bytes of messages to send under one key. */
struct conn_piece {
    struct lks_key *key;
    const uint8_t *data;
    size_t len;
    uint8_t type; /* enum lks_content_type */
};

#define PIECES_MAX 24u

struct conn_handshake {
    struct lks_key plain_key; /* to seal with; those to open with are replaced in place */
    struct lks_key handshake_key;
    struct lks_key early_key; /* a client's, of 0-RTT data */
    struct lks_hs *hs;
    struct lks_key *seal_key; /* now: one of the above or the connection's */
    struct conn_piece pieces[PIECES_MAX];
    uint32_t num_pieces;
    size_t piece_offset; /* so much of the first piece is sealed or being so */
    uint32_t early_data_skipped, early_data_len; /* refused; taken, or sent */
    uint8_t num_ccs;
    uint8_t waits;     /* LKS_WANT_PKEY, LKS_WANT_ANSWER: no input until that has come; LKS_OK */
    bool hello_done;   /* the first ClientHello went through: from here on a CCS may come */
    bool opens_sealed; /* a record under the handshake keys was opened */
    bool keeps_peer;   /* until the caller had time to look at the peer's certificate */
    bool ccs_first;    /* a change_cipher_spec came before any hello */
    bool half_rtt;     /* a server may send data before the client's Finished */
};

/* Of one direction: nothing, waiting for the caller to fetch it, or an op of the caller's batch. */
enum own_state {
    OWN_NONE,
    OWN_QUEUED,
    OWN_SEALING,
};

/* Whether a call is made from within a callback of the connection's, <lockstep/callbacks.h>. */
enum conn_inside {
    CONN_OUTSIDE,
    CONN_INSIDE,
    CONN_MISUSED, /* it was to be freed or closed there */
};

/* A client's tickets, if it wants some: allocated with the handshake, since later nothing is. */
#define TICKET_MESSAGE_MAX 4096u /* servers that put the client's chain into it need as much */

struct conn_tickets {
    struct lks_ticket_base base;
    size_t session_len; /* of the newest; 0: none */
    bool keeps_body;    /* of the NewSessionTicket that comes in: it fits */
    uint32_t body_len;  /* so far */
    uint8_t body[TICKET_MESSAGE_MAX];
    uint8_t session[LKS_SESSION_MAX];
};

/* What it keeps beside itself, once established. */
struct conn_kept {
    struct conn_tickets *tickets; /* NULL: of no interest */
    struct lks_reader own;        /* our leaf, in the configuration */
    uint16_t own_scheme, peer_scheme;
    uint8_t identity_len;
    bool says; /* the policy keeps what follows; else it is empty */
    bool has_digest;
    uint8_t digest[32]; /* SHA-256 of the peer's leaf */
    /* In bytes, one behind the other: the server's name with a zero byte, the pre-shared key's
     * identity, names of the peer, its chain. */
    uint32_t identity_at, names_at, chain_at, len;
    uint8_t bytes[];
};

struct lks_conn {
    struct lks_key open_key;
    struct lks_key seal_key;          /* of application data */
    struct conn_handshake *handshake; /* NULL once established and all of its bytes are sealed */
    struct lks_config *config;
    struct conn_kept *kept;                      /* NULL: nothing */
    void *user;                                  /* the application's */
    struct conn_ops opening, sealing;            /* in the caller's batches */
    uint32_t num_open_updates, num_seal_updates; /* KeyUpdates so far */
    union {
        struct { /* TLS 1.3's application traffic secrets, for KeyUpdate */
            uint8_t open_secret[LKS_HASH_MAX];
            uint8_t seal_secret[LKS_HASH_MAX];
        };
        struct { /* TLS 1.2's randoms, for the exporter */
            uint8_t client_random[32];
            uint8_t server_random[32];
        };
    };
    uint8_t exporter_secret[LKS_HASH_MAX]; /* of TLS 1.2 the master secret */
    union {                                /* a message behind the handshake, as far as it came: */
        uint8_t message[HANDSHAKE_HEADER_LEN]; /* message_len bytes of its header, or (0) */
        uint32_t skip_len;                     /* bytes of its body that are still to come */
    };
    uint16_t send_limit, accept_limit; /* RFC 8449's, of a protected record */
    uint16_t failed;                   /* enum lks_status that ended the connection, */
    uint8_t reason;                    /* and enum lks_reason */
    uint8_t inside;                    /* enum conn_inside */
    uint16_t num_earned; /* records that the peer may still send without moving anything */
    uint8_t alert_message[2];
    uint8_t peer_alert; /* AlertDescription that ended the peer's side, or ALERT_NONE */
    /* Rows of their tables, the latter two from 1 on; 0: none. See conn_suite() and so on. */
    uint8_t suite_row, group_row, alpn_row;
    unsigned int role : 1;
    unsigned int alert : 2;        /* enum own_state of alert_message */
    unsigned int update : 2;       /* enum own_state of conn_update_message() */
    unsigned int message_len : 3;  /* bytes in message */
    unsigned int num_idle : 6;     /* records in a row that moved nothing */
    unsigned int num_warnings : 3; /* alerts in a row that ended nothing */
    bool established : 1;
    bool tls12 : 1; /* TLS 1.2 was chosen */
    bool hello_retried : 1;
    bool resumed : 1;
    bool external_psk : 1;
    bool early_data : 1;
    bool has_exporter : 1;
    bool close_received : 1;
    bool close_wanted : 1; /* lks_conn_close() was called */
    bool close_sent : 1;   /* an alert that ends our side was sealed */
    bool given_up : 1;     /* closed before our part of the handshake was said */
    bool seal_failed : 1;  /* what failed is a record of ours: nothing may come behind it */
    bool update_asks : 1;  /* our KeyUpdate is a request, */
    bool update_asked : 1; /* which the peer has not answered yet */
    bool one_by_one : 1;   /* the handshake's records: no two in one go */
};

_Static_assert(sizeof(struct lks_conn) <= 1024, "an established connection fits in 1 KiB");
_Static_assert(LKS_NUM_REASONS <= UINT8_MAX, "reasons fit");
_Static_assert(IDLE_RECORDS_MAX < 63 && WARNINGS_MAX < 7, "they fit, and one more");

/* Its suite, once there are keys for application data. */
static inline const struct lks_suite *conn_suite(const struct lks_conn *conn)
{
    return lks_suite_rows() + conn->suite_row;
}

static inline struct conn_tickets *conn_tickets(const struct lks_conn *conn)
{
    return conn->kept ? conn->kept->tickets : NULL;
}

/* Around what may call back. conn_leave(): the status, or LKS_INSIDE where the callback did what it
 * must not. */
static inline void conn_enter(struct lks_conn *conn)
{
    conn->inside = CONN_INSIDE;
}
static inline enum lks_status conn_leave(struct lks_conn *conn, enum lks_status status)
{
    const bool misused = conn->inside == CONN_MISUSED;
    conn->inside = CONN_OUTSIDE;
    return misused ? LKS_INSIDE : status;
}
/* From within nothing is done; whether that is so. */
static inline bool conn_is_misused(struct lks_conn *conn)
{
    if (conn->inside)
        conn->inside = CONN_MISUSED;
    return conn->inside;
}

/* trace.c: tells who wants to know. num: of tickets, or of KeyUpdates in that direction. */
void conn_trace(struct lks_conn *conn, enum lks_traced what, uint32_t num);

/* Whether a connection can be asked for so. */
static inline bool conn_may_be(const struct lks_config *config, enum lks_role role)
{
    return config && (role == LKS_SERVER || role == LKS_CLIENT);
}
/* An empty connection that holds a reference to its configuration; NULL: no memory. */
struct lks_conn *conn_alloc(struct lks_config *config, enum lks_role role);

/* Remembers that the connection has failed, and why. */
void conn_set_failed(struct lks_conn *conn, enum lks_status status);
/* The same, and queues the alert, if one can still be sent. Returns the bare status. */
enum lks_status conn_fail(struct lks_conn *conn, enum lks_status status);

/* Acts on the content of an alert record: LKS_OK (nothing to do, or the peer closed:
 * close_received), or why the connection ends. */
LKS_MUST_CHECK enum lks_status conn_alert(struct lks_conn *conn, const uint8_t *content,
                                          size_t len);

/* One more record that moved nothing. */
LKS_MUST_CHECK enum lks_status conn_count_idle(struct lks_conn *conn);
/* Application data moved: in, or out. */
static inline void conn_data_came(struct lks_conn *conn)
{
    conn->num_idle = 0;
}
static inline void conn_data_went(struct lks_conn *conn)
{
    conn->num_idle = 0;
    conn->num_earned += conn->num_earned < UINT16_MAX;
}

/* handshaking.c: gives the content of a handshake record to the handshake, and acts on its events.
 */
LKS_MUST_CHECK enum lks_status conn_handshake_input(struct lks_conn *conn, const uint8_t *data,
                                                    size_t len, enum lks_event *event);
/* The same when a question was answered. */
LKS_MUST_CHECK enum lks_status conn_handshake_go_on(struct lks_conn *conn, enum lks_event *event);
/* Fetches the handshake's events: queues its bytes, installs its keys. */
LKS_MUST_CHECK enum lks_status conn_handshake_pump(struct lks_conn *conn);
/* Whether it has nothing to do any more, there or not. */
bool conn_handshake_is_over(const struct lks_conn *conn);
/* Frees the handshake if nothing needs it any more. */
void conn_handshake_release(struct lks_conn *conn);
void conn_handshake_free(struct lks_conn *conn);

/* A change_cipher_spec record came, of TLS 1.2. */
LKS_MUST_CHECK enum lks_status conn_change_cipher_spec(struct lks_conn *conn);

/* What is sent as conn->update says: a KeyUpdate, in TLS 1.2 the alert no_renegotiation. */
struct conn_message {
    const uint8_t *data; /* static, so it is known by where it lies */
    size_t len;
    uint8_t type; /* enum lks_content_type */
};
struct conn_message conn_update_message(const struct lks_conn *conn);

/* Whether a message has come in part. */
bool conn_mid_message(const struct lks_conn *conn);
/* Of a message behind the handshake only the rest of its body is to come: conn->skip_len bytes. */
static inline bool conn_skips_body(const struct lks_conn *conn)
{
    return !conn->message_len && conn->skip_len;
}
static inline void conn_skip_body(struct lks_conn *conn, uint32_t len)
{
    conn->message_len = 0;
    conn->skip_len = len;
}

/* post_handshake.c: handshake messages after the handshake. */
LKS_MUST_CHECK enum lks_status conn_post_handshake(struct lks_conn *conn, const uint8_t *data,
                                                   size_t len, enum lks_event *event);
/* kept.c: at the handshake's end, what the policy says. */
LKS_MUST_CHECK enum lks_status conn_keep(struct lks_conn *conn);
void conn_kept_free(struct lks_conn *conn);

/* tickets.c: a client's. */
LKS_MUST_CHECK enum lks_status conn_tickets_begin(struct lks_conn *conn);
/* A NewSessionTicket's header came, and its body, of conn->skip_len bytes, in pieces. */
void conn_tickets_header(struct lks_conn *conn);
LKS_MUST_CHECK enum lks_status conn_tickets_body(struct lks_conn *conn, const uint8_t *data,
                                                 size_t len, enum lks_event *event);
void conn_tickets_free(struct lks_conn *conn);
/* Queues a KeyUpdate, unless one is on its way or our side is closed. */
void conn_queue_update(struct lks_conn *conn, bool request_peer);
/* Our KeyUpdate was sealed: from here on with the next key. */
LKS_MUST_CHECK enum lks_status conn_update_seal_key(struct lks_conn *conn);

/* Sets a key up from a traffic secret, RFC 8446 section 7.3. One that it replaces is to be wiped
 * before. */
LKS_MUST_CHECK enum lks_status conn_set_key(struct lks_key *key, enum lks_dir dir,
                                            const struct lks_suite *suite, const uint8_t *secret);

#endif
