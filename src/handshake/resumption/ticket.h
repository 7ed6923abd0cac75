/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_TICKET_H
#define LKS_HANDSHAKE_TICKET_H

/*
 * A session sealed for the server's own later use:
 *
 *     key name (16) | salt (16) | AES-256-GCM of the session's state | tag (16)
 *
 * The AES key is HMAC-SHA256(ring key, salt), so each ticket has a key of its own and its nonce can
 * be zero: with 96 random bits of nonce under one key, a busy fleet would have to change keys after
 * 2^32 tickets. Everything in front of the ciphertext is additional data.
 */

#include "handshake/resumption/session.h"
#include "handshake/resumption/ticket_keys.h"

#define LKS_TICKET_SALT_LEN 16u
#define LKS_TICKET_OVERHEAD (LKS_TICKET_NAME_LEN + LKS_TICKET_SALT_LEN + 16u)
#define LKS_TICKET_MAX      (LKS_TICKET_OVERHEAD + LKS_SESSION_STATE_MAX)

/* Seals with the ring's first key into the writer (its error is the caller's to look at).
 * LKS_WANT_ROOM: the ring has no keys. */
LKS_MUST_CHECK enum lks_status lks_ticket_seal(struct lks_writer *w,
                                               const struct lks_ticket_ring *ring,
                                               const struct lks_session *session);

/* Opens what one of the ring's keys sealed. False for anything else; it is the client's right to
 * send us anything as an identity. state is where: session->shown points into it, and the caller
 * wipes it. */
bool lks_ticket_open(struct lks_session *session, uint8_t state[LKS_SESSION_STATE_MAX],
                     const struct lks_ticket_ring *ring, struct lks_reader ticket);

#endif
