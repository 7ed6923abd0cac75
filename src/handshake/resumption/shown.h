/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_SHOWN_H
#define LKS_HANDSHAKE_SHOWN_H

/*
 * What a server's session says of a client that showed a certificate, which was verified. Bytes,
 * that go as they are from the first handshake into tickets and cache, and from there into the
 * handshakes that resume:
 *
 *     SHA-256 of the client's certificate (32) | SHA-256 of the trusted one, its chain's end (32)
 *     | ids (uint16 length): what is asked of CRLs again (revocation.h)
 *     | chain (uint16 length): each certificate in DER (uint24 length), or nothing
 *
 * The one that is trusted is left out of the chain, unless it is the only one: the policy has it,
 * as long as the session may be resumed. The whole is bounded so that a NewSessionTicket with it
 * stays within 4 KiB, which our own clients keep, whatever names stand beside it.
 */

#include "handshake/certificate/verify.h"

#define LKS_SHOWN_MAX 3264u

struct lks_shown {
    uint8_t digest[32], anchor_digest[32];
    struct lks_reader ids;
    struct lks_reader chain; /* empty: the policy has it left out */
};

/* LKS_OK, and the writer has failed: it has no room for the chain. */
LKS_MUST_CHECK enum lks_status lks_shown_write(struct lks_writer *w, const struct lks_peer *peer,
                                               bool with_chain);

/* False: that is none. */
bool lks_shown_read(struct lks_shown *shown, struct lks_reader bytes);

#endif
