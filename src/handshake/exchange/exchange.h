/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_EXCHANGE_H
#define LKS_HANDSHAKE_EXCHANGE_H

/*
 * The room of key exchange and hashes. It knows groups, hybrid ones too (group.h), hashes, HMAC and
 * HKDF (hash.h), TLS 1.3's key schedule over a transcript (schedule.h); and, here, the secrets of a
 * handshake at its two turns.
 */

#include "handshake/exchange/schedule.h"

struct lks_hs;

/* The traffic secrets after ServerHello, and after the server's Finished. */
LKS_MUST_CHECK enum lks_status lks_secrets_handshake(struct lks_hs *hs, const uint8_t *shared,
                                                     size_t shared_len);
LKS_MUST_CHECK enum lks_status lks_secrets_application(struct lks_hs *hs);

#endif
