/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_SESSION_H
#define LKS_HANDSHAKE_SESSION_H

/*
 * What a later handshake needs of an earlier one. A server seals it into a ticket (ticket.h) and
 * keeps nothing; a client's application keeps it, with the ticket, as opaque bytes.
 */

#include <stdbool.h>

#include "base/reader.h"
#include "base/writer.h"
#include "handshake/resumption/shown.h"
#include "handshake/suite.h"

#define LKS_SESSION_NAME_MAX 255u
#define LKS_SESSION_ID_MAX   32u
/* RFC 8446 section 4.6.1: no ticket lives longer than seven days. */
#define LKS_TICKET_LIFETIME_MAX 604800u

/*
 * Resumed is only what would be agreed on in full now, and for as long as that holds: until_ms is
 * the end of the certificates (of a client's peer) and at most seven days from the first handshake,
 * and a session that is made by resuming inherits it. basis is, by role and first handshake:
 *
 *     client, certificates    SHA-256 of the trusted certificate that the chain ended in
 *     server, certificate     zeros where it answered to the client's name; else its SHA-256
 *     external PSK            struct lks_psk's digest
 *
 * auth is how its peer had to show who it is, zeros where there was nothing to say: standing.c.
 */
enum lks_session_kind {
    LKS_SESSION_TLS13 = 1, /* secret: the ticket's PSK, section 4.6.1 */
    LKS_SESSION_TLS12 = 2, /* secret: the master secret, 48 bytes */
};

/* What else a client's full handshake would ask for now, and had then; zeros of a server's. */
struct lks_verified {
    bool stapled;           /* a good OCSP response came */
    bool must_staple;       /* the server's certificate says that one must: RFC 7633 */
    bool own_asked;         /* the server wanted the client's certificate, */
    uint8_t own_digest[32]; /* which was chosen among these: standing.c */
};

struct lks_session {
    uint8_t kind;         /* enum lks_session_kind */
    uint16_t suite;       /* TLS cipher suite number */
    uint64_t issued_ms;   /* Unix time in milliseconds: a client's of receiving it */
    uint64_t until_ms;    /* Unix time: the end of what the first handshake verified, see below */
    uint32_t lifetime_s;  /* at most LKS_TICKET_LIFETIME_MAX */
    uint32_t age_add;     /* ticket_age_add, TLS 1.3 */
    uint32_t max_early;   /* max_early_data_size; 0: none */
    uint64_t origin;      /* whose replay window takes the early data: replay.h */
    uint8_t basis[32];    /* what it stands on */
    uint8_t auth[32];     /* digest of how peers had to show who they are */
    bool extended_master; /* RFC 7627, TLS 1.2 */
    struct lks_verified verified;
    uint8_t secret_len;
    uint8_t secret[LKS_HASH_MAX];
    uint8_t server_name_len, alpn_len;
    uint8_t server_name[LKS_SESSION_NAME_MAX]; /* canonical: host.h */
    uint8_t alpn[LKS_SESSION_NAME_MAX];
    /* A server's: what its client has shown, of at most LKS_SHOWN_MAX bytes (shown.h), which are
     * not the session's; empty: nothing. */
    struct lks_reader shown;
};

/* The longest that lks_session_write() writes. */
#define LKS_SESSION_STATE_MAX \
    (116u + 1u + LKS_HASH_MAX + 32u + 2u * (1u + LKS_SESSION_NAME_MAX) + 2u + LKS_SHOWN_MAX)

/* The writer's error is the caller's to look at. */
void lks_session_write(struct lks_writer *w, const struct lks_session *session);

/* False for what is no session of a version that we know, or goes on behind its end; *session is
 * empty then. session->shown points into in. */
bool lks_session_read(struct lks_session *session, struct lks_reader in);

/* Whether its time is over, or has not begun by more than clocks may differ. */
bool lks_session_expired(const struct lks_session *session, uint64_t now_ms);

/* What all of a client's tickets of one connection have in common. */
struct lks_ticket_base {
    struct lks_session session;
    uint8_t resumption_master[LKS_HASH_MAX];
};

/* A client's: reads the body of a NewSessionTicket and writes the session for the application to
 * keep; nothing, if it is to be thrown away. Fails with the alert to send. */
LKS_MUST_CHECK enum lks_status lks_new_session_ticket_read(struct lks_writer *out,
                                                           const struct lks_ticket_base *base,
                                                           struct lks_reader body, uint64_t now_ms);

/* Sets a name; NULL: none. False if it is too long. */
bool lks_session_set_name(uint8_t *out, uint8_t *out_len, const char *name);

#endif
