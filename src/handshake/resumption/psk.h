/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_PSK_H
#define LKS_HANDSHAKE_PSK_H

/* What a pre-shared key does to the key schedule: RFC 8446 sections 4.2.11.2, 4.6.1 and 7.1. */

#include "handshake/exchange/schedule.h"

/* Early secret of a schedule that has just begun, with a PSK in place of zeros. */
LKS_MUST_CHECK enum lks_status lks_psk_set(struct lks_schedule *s, const uint8_t *psk,
                                           size_t psk_len);

/* Back to zeros: none is used after all. */
LKS_MUST_CHECK enum lks_status lks_psk_set_none(struct lks_schedule *s);

/* The binder of the PSK that was set: for the messages so far (ClientHello1 and HelloRetryRequest,
 * if there was one) and the first hello_len bytes of a ClientHello, which end in front of the list
 * of binders. out has the hash's length. */
LKS_MUST_CHECK enum lks_status lks_psk_binder(const struct lks_schedule *s, bool external,
                                              const uint8_t *hello, size_t hello_len, uint8_t *out);

/* The PSK of a ticket from the resumption master secret and the ticket's nonce. */
LKS_MUST_CHECK enum lks_status lks_psk_of_ticket(const struct lks_suite *suite,
                                                 const uint8_t *resumption_master,
                                                 const uint8_t *nonce, size_t nonce_len,
                                                 uint8_t *out);

#endif
