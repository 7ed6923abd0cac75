/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_RESUMPTION_H
#define LKS_HANDSHAKE_RESUMPTION_H

/*
 * The room of resumption. It knows what a session is (session.h), what it stands on and until when
 * (standing.h), tickets and the ring of keys that seals them (ticket.h, ticket_keys.h), sessions by
 * ID (session_cache.h), which early data came before (replay.h), what a pre-shared key does to the
 * schedule (psk.h); and, here, what a handshake of TLS 1.3 does with them.
 */

#include "handshake/client_hello.h"
#include "handshake/resumption/session.h"

struct lks_hs;
struct lks_incoming;

/* The pre-shared key that a handshake uses, external or of a ticket. */
struct lks_hs_psk {
    bool used, external;
    bool without_dhe;             /* psk_ke */
    const struct lks_psk *source; /* an external one's */
    uint16_t index;               /* of its identity in the ClientHello */
    uint8_t key_len;
    uint8_t key[64];
};

/* Early data: what a server's ticket says of them, and whether they are taken. */
struct lks_hs_early {
    bool taken;
    bool offered; /* a client's */
    uint16_t suite;
    uint32_t max;
    uint64_t origin, sent_ms;
    uint8_t alpn_len;
    uint8_t alpn[LKS_SESSION_NAME_MAX];
};

/* A client's, of an earlier connection. */
struct lks_hs_session {
    struct lks_session session;
    bool by_id; /* TLS 1.2: what stands in ticket is a session ID */
    size_t ticket_len;
    uint8_t ticket[];
};

/* pre_shared_key.c. Whether a client's modes and our settings let us use PSKs, and how. */
bool lks_psk_mode_allowed(const struct lks_hs *hs, const struct lks_client_hello *hello,
                          bool *without_dhe);
/* The server's choice, into hs->psk; hs->suite, chosen before, changes to one with the PSK's hash.
 * Nothing of it may be trusted before lks_psk_begin(), which checks the binder and sets the early
 * secret, once the schedule has begun. */
LKS_MUST_CHECK enum lks_status lks_psk_choose(struct lks_hs *hs,
                                              const struct lks_client_hello *hello);
LKS_MUST_CHECK enum lks_status lks_psk_begin(struct lks_hs *hs,
                                             const struct lks_client_hello *hello,
                                             const struct lks_incoming *in);
/*
 * The client's offer: hs->session, then external keys. _write() puts the extension behind all
 * others (false: there is nothing to offer), with room for the binders, which _bind() fills in once
 * the ClientHello's lengths are right. _taken(): the server chose one; sets the early secret.
 */
size_t lks_psk_offer_room(const struct lks_hs *hs);
bool lks_psk_offer_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_psk_offer_bind(struct lks_hs *hs, uint8_t *hello,
                                                  size_t hello_len);
LKS_MUST_CHECK enum lks_status lks_psk_offer_taken(struct lks_hs *hs, uint16_t index);
/* psk_key_exchange_modes, if tickets are welcome or keys are on offer. */
void lks_psk_modes_write(struct lks_hs *hs);
/* The bytes that an application keeps: written, and taken again if they are of use now. */
void lks_client_session_write(struct lks_writer *w, const struct lks_session *session,
                              struct lks_reader ticket, bool by_id);
LKS_MUST_CHECK enum lks_status lks_client_session_keep(struct lks_hs *hs, const uint8_t *bytes,
                                                       size_t len);

/* early_data.c. What the ticket of the PSK in use says; then, once the rest is chosen and the
 * ClientHello is in the transcript, whether its early data are taken. */
void lks_early_data_note(struct lks_hs *hs, const struct lks_session *session,
                         uint32_t obfuscated_age);
LKS_MUST_CHECK enum lks_status lks_early_data_decide(struct lks_hs *hs,
                                                     const struct lks_client_hello *hello);
/* A client's: whether its session allows what the application wants; then the key, once the hello
 * is written, and the server's word; and the end, in front of the handshake keys. */
bool lks_early_data_may_offer(const struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_early_data_begin(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_early_data_taken(struct lks_hs *hs);
/* Whether the server stays with the session's protocol, as it must if it takes them. */
bool lks_early_data_fits_alpn(const struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_early_data_end(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_server_end_of_early_data(struct lks_hs *hs,
                                                            const struct lks_incoming *in);

/* As many as are configured, if the client wants some; the client's Finished has to be in the
 * transcript. */
LKS_MUST_CHECK enum lks_status lks_new_session_tickets_write(struct lks_hs *hs);
/* Room for a session's ticket, before its message is begun. */
LKS_MUST_CHECK enum lks_status lks_ticket_reserve(struct lks_hs *hs,
                                                  const struct lks_session *session);

#endif
