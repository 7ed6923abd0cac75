/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_HANDSHAKE_H
#define LKS_HANDSHAKE_HANDSHAKE_H

/*
 * A handshake without I/O and without records. Bytes of handshake messages go in; out come, in
 * order, events: bytes to send at a level, keys to install, and that it is done. The connection
 * (src/conn) cuts bytes into records and owns the record keys.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/conn.h>

#include "base/reader.h"
#include "base/reason.h"
#include "base/writer.h"
#include "handshake/certificate/verify.h"
#include "handshake/suite.h"

/* Which keys protect handshake bytes. */
enum lks_level {
    LKS_LEVEL_PLAIN,
    LKS_LEVEL_EARLY,
    LKS_LEVEL_HANDSHAKE,
    LKS_LEVEL_APPLICATION,
};

enum lks_hs_event_kind {
    LKS_HS_SEND,     /* data, len: handshake messages to send under the current seal key */
    LKS_HS_CCS,      /* send a change_cipher_spec record now, unprotected: TLS 1.2, or RFC 8446
                        appendix D.4 */
    LKS_HS_SEAL_KEY, /* from here on seal with `key` (level says which one it is) */
    LKS_HS_OPEN_KEY, /* from here on open with `key` */
    LKS_HS_DONE, /* the handshake is complete, both Finished are verified or sent; `secret` is the
                    exporter's, of TLS 1.2 the master secret */
    LKS_HS_RETRIED, /* what was sent last is a HelloRetryRequest, or a client's answer to one */
    LKS_HS_TICKETS, /* a server: among what was sent last are `len` tickets */
};

struct lks_hs_event {
    enum lks_hs_event_kind kind;
    enum lks_level level;
    const struct lks_suite *suite; /* with the keys */
    const uint8_t *data;           /* valid until lks_hs_free() */
    size_t len;
    uint8_t secret[LKS_HASH_MAX]; /* TLS 1.3's traffic secret, suite->hash_len bytes; wipe both */
    struct lks_record_key key;
};

struct lks_hs;

/* options may be NULL. A client's first events are there at once. */
LKS_MUST_CHECK enum lks_status lks_hs_new(struct lks_hs **out, struct lks_config *config,
                                          enum lks_role role,
                                          const struct lks_conn_options *options);
void lks_hs_free(struct lks_hs *hs);
/* Whose it is, for callbacks. */
void lks_hs_set_conn(struct lks_hs *hs, struct lks_conn *conn);

/*
 * Takes the contents of one handshake record (len > 0) at the current open level and goes as far as
 * possible. LKS_OK, LKS_WANT_… but for LKS_WANT_ROOM: fetch the events. Anything else: the
 * handshake failed, and lks_status_alert() says with which alert. Memory is bounded: a message
 * longer than the state allows is refused from its header.
 */
LKS_MUST_CHECK enum lks_status lks_hs_input(struct lks_hs *hs, const uint8_t *data, size_t len);

/* After LKS_WANT_PKEY: the work that the handshake waits for; it takes no input meanwhile. NULL:
 * none, or it was taken. lks_hs_job_done() gives it back, also without it having run, and goes on
 * as lks_hs_input() does; LKS_BAD_ARGUMENT: not this handshake's. */
struct lks_pkey_job *lks_hs_take_job(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_hs_job_done(struct lks_hs *hs, struct lks_pkey_job *job);

/* After LKS_WANT_ANSWER: the question was answered (ask.h); goes on as lks_hs_input() does. */
LKS_MUST_CHECK enum lks_status lks_hs_go_on(struct lks_hs *hs);

/* TLS 1.2: a change_cipher_spec record came. LKS_OK: now was its time, fetch the events. */
LKS_MUST_CHECK enum lks_status lks_hs_change_cipher_spec(struct lks_hs *hs);

/* The configuration now, which an answer may have put in the place of the first one. */
struct lks_config *lks_hs_config(const struct lks_hs *hs);

/* Why it failed; LKS_WHY_NONE: it did not. */
enum lks_reason lks_hs_reason(const struct lks_hs *hs);

/* Which version was chosen, enum lks_version; 0: none yet. */
uint16_t lks_hs_version(const struct lks_hs *hs);

/* After LKS_HS_DONE under TLS 1.2: whether there is an exporter (RFC 7627 section 5.4), and both
 * randoms, which it needs. */
bool lks_hs_tls12_exporter(const struct lks_hs *hs, uint8_t client_random[32],
                           uint8_t server_random[32]);

/* After a client's LKS_HS_DONE under TLS 1.2: the session for the application to keep, if there is
 * one. */
void lks_hs_tls12_session(const struct lks_hs *hs, struct lks_writer *out);

/* The next event, oldest first; false when there is none. */
bool lks_hs_next_event(struct lks_hs *hs, struct lks_hs_event *event);

/* Whether a message has begun and not ended: then no other content type may come in between, and no
 * key may change (RFC 8446 section 5.1). */
bool lks_hs_mid_message(const struct lks_hs *hs);

/* How many bytes of early data the client may have sent behind its ClientHello that we have
 * refused: what our tickets may have allowed. Records that do not open are then skipped until one
 * does, RFC 8446 section 4.2.10. 0: there are none. */
uint32_t lks_hs_early_data_to_skip(const struct lks_hs *hs);

/* What is known of the other side's certificate, once the handshake is done; of one that resumes,
 * what its session says. The leaf in DER and its timestamps, which are the handshake's; empty:
 * none. Its SHA-256; false: none. */
struct lks_reader lks_hs_peer_certificate(const struct lks_hs *hs);
struct lks_reader lks_hs_peer_scts(const struct lks_hs *hs);
LKS_MUST_CHECK bool lks_hs_peer_digest(const struct lks_hs *hs, uint8_t digest[32]);

/* Who it is with, as far as it has come; all of it points into the handshake, or the configuration.
 */
struct lks_about {
    const char *server_name;             /* canonical, or an address; "" */
    struct lks_reader own, psk_identity; /* our leaf in DER, if it was shown; an external key's */
    uint16_t own_scheme, peer_scheme;    /* SignatureScheme; 0: none */
};
void lks_hs_about(const struct lks_hs *hs, struct lks_about *about);

/* Each name of a leaf that fits: kind, uint16 length, text, and a zero byte. The same of the other
 * side's; then its verified chain, each certificate behind its uint24 length, in so many bytes at
 * most. Nothing, where nothing is known. */
LKS_MUST_CHECK enum lks_status lks_leaf_write_names(struct lks_writer *w, X509 *leaf);
LKS_MUST_CHECK enum lks_status lks_hs_write_peer_names(struct lks_writer *w,
                                                       const struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_hs_write_peer_chain(struct lks_writer *w,
                                                       const struct lks_hs *hs);
size_t lks_hs_peer_chain_room(const struct lks_hs *hs);
/* The chain alone, as it was verified, or (where the application does that alone) as it came. */
LKS_MUST_CHECK enum lks_status lks_peer_write_chain(struct lks_writer *w,
                                                    const struct lks_peer *peer);
size_t lks_peer_chain_room(const struct lks_peer *peer);

/* Whether a HelloRetryRequest was answered, here or (a server's that the cookie tells) elsewhere.
 */
bool lks_hs_is_retried(const struct lks_hs *hs);

/* RFC 8449 as negotiated: how long a protected record's content, its type included, may be that we
 * send and that we accept. */
void lks_hs_record_size_limits(const struct lks_hs *hs, uint16_t *send, uint16_t *accept);

/* After a client's LKS_HS_DONE: what its tickets will have in common. */
struct lks_ticket_base;
LKS_MUST_CHECK enum lks_status lks_ticket_base(const struct lks_hs *hs,
                                               struct lks_ticket_base *base);

/* While 0-RTT data may come, or if a client offered some: how many bytes of them in all; else 0. */
uint32_t lks_hs_early_data_max(const struct lks_hs *hs);

/* What was negotiated so far: fills version, suite, group, alpn, hello_retried and the names. */
void lks_hs_get_info(const struct lks_hs *hs, struct lks_conn_info *info);

#endif
