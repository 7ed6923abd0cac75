/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/resumption/session_cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"

#define WAYS 4u

struct bucket {
    atomic_flag busy;
    uint32_t next; /* the oldest, to be written over */
    struct lks_cached_session sessions[WAYS];
};

struct lks_session_cache {
    uint32_t num_buckets; /* a power of two */
    struct bucket buckets[];
};

enum lks_status lks_session_cache_new(struct lks_session_cache **out, uint32_t num)
{
    uint32_t num_buckets = 1;
    while (num_buckets * WAYS < num)
        num_buckets *= 2;
    struct lks_session_cache *cache =
        calloc(1, sizeof(*cache) + num_buckets * sizeof(cache->buckets[0]));
    *out = cache;
    if (!cache)
        return LKS_NO_MEMORY;
    cache->num_buckets = num_buckets; /* a flag of zeros is clear, as gcc and clang have it */
    return LKS_OK;
}

void lks_session_cache_free(struct lks_session_cache *cache)
{
    if (!cache)
        return;
    for (uint32_t i = 0; i < cache->num_buckets * WAYS; i++)
        free(cache->buckets[i / WAYS].sessions[i % WAYS].shown);
    lks_wipe(cache->buckets, cache->num_buckets * sizeof(cache->buckets[0]));
    free(cache);
}

/* IDs are random where they are ours; others find nothing wherever they look. */
static struct bucket *bucket_of(struct lks_session_cache *cache, const uint8_t *id)
{
    uint32_t at;
    memcpy(&at, id, sizeof(at));
    return &cache->buckets[at & (cache->num_buckets - 1)];
}

void lks_session_cache_put(struct lks_session_cache *cache,
                           const struct lks_cached_session *session)
{
    struct bucket *b = bucket_of(cache, session->id);
    uint8_t *shown = session->shown_len ? malloc(session->shown_len) : NULL;
    if (session->shown_len && !shown)
        return;
    if (shown)
        memcpy(shown, session->shown, session->shown_len);
    if (!atomic_flag_test_and_set_explicit(&b->busy, memory_order_acquire)) {
        struct lks_cached_session *oldest = &b->sessions[b->next++ % WAYS];
        uint8_t *gone = oldest->shown;
        *oldest = *session;
        oldest->shown = shown;
        shown = gone;
        atomic_flag_clear_explicit(&b->busy, memory_order_release);
    }
    free(shown);
}

bool lks_session_cache_get(struct lks_session_cache *cache, struct lks_cached_session *out,
                           uint8_t shown[LKS_SHOWN_MAX], struct lks_reader id, uint64_t now_ms)
{
    bool found = false;
    if (id.len != LKS_CACHE_ID_LEN)
        return false;
    struct bucket *b = bucket_of(cache, id.data);
    if (atomic_flag_test_and_set_explicit(&b->busy, memory_order_acquire))
        return false;
    for (uint32_t i = 0; i < WAYS && !found; i++) {
        found = b->sessions[i].until_ms > now_ms &&
                lks_ct_memeq(b->sessions[i].id, id.data, LKS_CACHE_ID_LEN);
        if (!found)
            continue;
        *out = b->sessions[i];
        if (out->shown_len)
            memcpy(shown, out->shown, out->shown_len);
        out->shown = shown;
    }
    atomic_flag_clear_explicit(&b->busy, memory_order_release);
    return found;
}
