/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_SESSION_CACHE_H
#define LKS_HANDSHAKE_SESSION_CACHE_H

/*
 * A server's sessions by ID, for clients of TLS 1.2 without tickets: RFC 5246 section 7.4.1.2.
 *
 * One memory of fixed size for all cores, and beside it what clients with certificates have shown,
 * as long as their sessions are there. It is cut into buckets of a few sessions; a bucket that
 * another core is at is taken for one without the session, so nobody waits. The oldest of a bucket
 * makes room.
 */

#include <stdbool.h>
#include <stdint.h>

#include <lockstep/status.h>

#include "base/reader.h"
#include "handshake/resumption/shown.h"

#define LKS_CACHE_ID_LEN 32u

struct lks_session_cache;

/* What is kept of a session. All of them have an extended master secret. */
struct lks_cached_session {
    uint8_t id[LKS_CACHE_ID_LEN];
    uint8_t digest[32]; /* of the server's name, and what the session stands on: standing.h */
    uint8_t master[48];
    uint64_t until_ms; /* Unix time */
    uint16_t suite;
    uint16_t shown_len; /* what its client has shown: shown.h */
    uint8_t *shown;     /* NULL: nothing */
};

/* Room for at least num sessions. */
LKS_MUST_CHECK enum lks_status lks_session_cache_new(struct lks_session_cache **out, uint32_t num);
void lks_session_cache_free(struct lks_session_cache *cache);

/* session->shown is copied; what there is no memory for is not kept. */
void lks_session_cache_put(struct lks_session_cache *cache,
                           const struct lks_cached_session *session);
/* False: not there, or its time is over. out->shown points into shown. */
bool lks_session_cache_get(struct lks_session_cache *cache, struct lks_cached_session *out,
                           uint8_t shown[LKS_SHOWN_MAX], struct lks_reader id, uint64_t now_ms);

#endif
