/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/resumption/replay.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/ct.h"
#include "handshake/exchange/hash.h"

/* A slot: 40 bits of the hash (the first of them set), then 24 of the epoch. 0 was never used. */
#define EPOCH_BITS 24u
#define EPOCH_MASK 0xffffffu

enum lks_status lks_replay_new(struct lks_replay **out, uint32_t window_ms, uint32_t num_hellos)
{
    uint32_t num_buckets = 1;
    *out = NULL;
    if (!window_ms || num_hellos > UINT32_C(1) << 30)
        return LKS_BAD_ARGUMENT;
    while ((uint64_t)num_buckets * LKS_REPLAY_WAYS < num_hellos)
        num_buckets *= 2;
    struct lks_replay *r = calloc(1, sizeof(*r));
    const size_t len = (size_t)num_buckets * LKS_REPLAY_WAYS * sizeof(*r->slots);
    if (r)
        r->slots = aligned_alloc(64, len);
    if (!r || !r->slots) {
        free(r);
        return LKS_NO_MEMORY;
    }
    for (size_t i = 0; i < (size_t)num_buckets * LKS_REPLAY_WAYS; i++)
        atomic_init(&r->slots[i], 0);
    r->window_ms = window_ms;
    r->num_buckets = num_buckets;
    atomic_init(&r->latest_ms, 0);
    if (RAND_priv_bytes(r->key, sizeof(r->key)) != 1 ||
        RAND_bytes((uint8_t *)&r->origin, sizeof(r->origin)) != 1) {
        lks_replay_free(r);
        return LKS_INTERNAL;
    }
    *out = r;
    return LKS_OK;
}

void lks_replay_free(struct lks_replay *r)
{
    if (!r)
        return;
    free(r->slots);
    lks_wipe(r, sizeof(*r));
    free(r);
}

/* Now, or the latest time asked about if a clock has gone back since: were it believed, hellos
 * would be fresh again that are remembered no more. */
static uint64_t move_time(struct lks_replay *r, uint64_t now_ms)
{
    uint64_t latest = atomic_load(&r->latest_ms);
    while (latest < now_ms)
        if (atomic_compare_exchange_weak(&r->latest_ms, &latest, now_ms))
            return now_ms;
    return latest;
}

static uint64_t epoch_of(const struct lks_replay *r, uint64_t ms)
{
    return ms / (2 * (uint64_t)r->window_ms) + 1;
}

/*
 * Whether a slot's value is of this epoch, the one before, or a later one: a core that slept may
 * ask long after it looked at the clock, and must not free what others remember since. A value that
 * is 2^23 epochs old looks later, too (after half a year, for a window of a second); that may
 * refuse somebody, no more.
 */
static bool is_live(uint64_t value, uint64_t epoch)
{
    const uint64_t age = (epoch - value) & EPOCH_MASK;
    return value && (age <= 1 || age > EPOCH_MASK / 2);
}

static bool same_hash(uint64_t a, uint64_t b)
{
    return a >> EPOCH_BITS == b >> EPOCH_BITS;
}

/* Puts a value into the first free slot of its bucket. */
static enum lks_replay_answer insert(atomic_uint_least64_t *bucket, uint64_t value, uint64_t epoch,
                                     unsigned int *slot)
{
    for (unsigned int i = 0; i < LKS_REPLAY_WAYS;) {
        uint64_t was = atomic_load(&bucket[i]);
        if (is_live(was, epoch)) {
            if (same_hash(was, value))
                return LKS_REPLAY_SEEN;
            i++;
        } else if (atomic_compare_exchange_strong(&bucket[i], &was, value)) {
            *slot = i;
            return LKS_REPLAY_NEW;
        } /* else another core took it: look again */
    }
    return LKS_REPLAY_FULL;
}

/*
 * Two cores with the same hello may have found different slots free, at the turn of an epoch; and a
 * slot behind the one that was taken may hold it. All accesses are in one order, so at least the
 * later of the two sees the other here. Both may refuse.
 */
static bool is_elsewhere(const atomic_uint_least64_t *bucket, uint64_t value, uint64_t epoch,
                         unsigned int slot)
{
    for (unsigned int i = 0; i < LKS_REPLAY_WAYS; i++) {
        uint64_t other = atomic_load(&bucket[i]);
        if (i != slot && same_hash(other, value) && is_live(other, epoch))
            return true;
    }
    return false;
}

enum lks_replay_answer lks_replay_ask(struct lks_replay *r, const uint8_t *unique,
                                      size_t unique_len, uint64_t sent_ms, uint64_t now_ms)
{
    uint8_t hash[LKS_HASH_MAX];
    const EVP_MD *md = lks_hash_of(lks_suite_find(0x1301));
    const uint64_t now = move_time(r, now_ms);
    const uint64_t apart = now > sent_ms ? now - sent_ms : sent_ms - now;
    /* RFC 8446 section 4.2.10: the age that the client told. [8446 4.2.10-3] */
    if (apart > r->window_ms)
        return LKS_REPLAY_STALE;
    if (!md || lks_hmac(md, r->key, sizeof(r->key), unique, unique_len, NULL, 0, hash))
        return LKS_REPLAY_FULL;
    const uint64_t epoch = epoch_of(r, now);
    const uint64_t value =
        UINT64_C(1) << 63 | load_le64(hash) << EPOCH_BITS | (epoch & EPOCH_MASK); /* never 0 */
    atomic_uint_least64_t *bucket =
        r->slots + (load_le64(hash + 8) & (r->num_buckets - 1)) * LKS_REPLAY_WAYS;
    unsigned int slot;
    enum lks_replay_answer answer = insert(bucket, value, epoch, &slot);
    if (answer == LKS_REPLAY_NEW && is_elsewhere(bucket, value, epoch, slot))
        return LKS_REPLAY_SEEN;
    /* This core may have slept since it asked what time it is, while another one needed the slot in
     * which this hello stood. */
    if (answer == LKS_REPLAY_NEW && epoch_of(r, atomic_load(&r->latest_ms)) != epoch)
        return LKS_REPLAY_STALE;
    return answer;
}
