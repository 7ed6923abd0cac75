/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_MEMORY_H
#define LKS_HANDSHAKE_MEMORY_H

/* Inside struct lks_memory. What changes while connections use it takes care of that by itself:
 * ticket_keys.h, session_cache.h, replay.h. The rest is read-only once it is frozen. */

#include <lockstep/memory.h>

#include "handshake/part.h"
#include "handshake/policy.h"
#include "handshake/resumption/replay.h"
#include "handshake/resumption/session_cache.h"
#include "handshake/resumption/ticket_keys.h"

/* An external store of sessions by ID, in the place of the cache: callbacks.h. */
struct lks_store {
    struct lks_asker get; /* ask NULL: none */
    void (*put)(void *user, const uint8_t *id, size_t id_len, const uint8_t *bytes, size_t len,
                uint64_t until_ms);
    void (*remove)(void *user, const uint8_t *id, size_t id_len);
};

struct lks_memory {
    struct lks_part part;
    struct lks_store store;
    struct lks_ticket_keys keys;
    struct lks_session_cache *cache; /* TLS 1.2's session IDs; NULL: none */
    struct lks_replay *replay;       /* NULL: no early data */
    uint64_t (*now_ms)(void);        /* Unix time in milliseconds, for the first keys */
    uint8_t cookie_key[32];
};

#endif
