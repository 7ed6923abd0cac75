/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_RESUMPTION_H
#define LKS_HANDSHAKE_RESUMPTION_H

/* What a configuration says of tickets, pre-shared keys and early data. */

#include "handshake/replay.h"
#include "handshake/session_cache.h"
#include "handshake/ticket_keys.h"

/* An external pre-shared key. */
struct lks_psk {
    uint8_t identity_len, key_len, hash_len;
    uint8_t identity[255];
    uint8_t key[64];
    uint8_t digest[32]; /* of identity and key: names it in sessions */
};

#define LKS_PSKS_MAX    8u
#define LKS_TICKETS_MAX 4u

struct lks_resumption {
    uint64_t (*now_ms)(void);    /* Unix time in milliseconds */
    struct lks_ticket_keys keys; /* change while connections look at them */
    uint32_t num_tickets, lifetime_s;
    bool no_psk_dhe_ke, psk_ke;
    uint32_t max_early; /* bytes of early data; 0: none */
    struct lks_replay *replay;
    struct lks_session_cache *cache; /* TLS 1.2's session IDs; NULL: none */
    uint32_t num_psks;
    struct lks_psk *psks; /* LKS_PSKS_MAX, or NULL */
};

/* As config.h says it is at first; free with lks_resumption_end(), also after a failure. */
LKS_MUST_CHECK enum lks_status lks_resumption_begin(struct lks_resumption *r);
void lks_resumption_end(struct lks_resumption *r);

#endif
