/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_FLOW_TABLE_H
#define LKS_NET_FLOW_TABLE_H

/*
 * From a connection's addresses and ports to its state. A bucket is one cache line: ten entries,
 * each 16 bits of the hash beside a handle, and the next bucket where ten did not do. So a lookup
 * costs two lines, the bucket's and the flow's, and a burst of them can have both fetched ahead.
 *
 * A handle names an array (a kind of state) and an item in it; each item begins with its key.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/siphash.h"

struct flow_key {
    struct net_ip local, peer;
    uint16_t local_port, peer_port;
};

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
    return a->local_port == b->local_port && a->peer_port == b->peer_port &&
           net_ip_equal(&a->peer, &b->peer) && net_ip_equal(&a->local, &b->local);
}

#define FLOW_KEY_WORDS 5u
static inline void flow_key_words(uint64_t words[FLOW_KEY_WORDS], const struct flow_key *key)
{
    words[0] = key->local.halves[0];
    words[1] = key->local.halves[1];
    words[2] = key->peer.halves[0];
    words[3] = key->peer.halves[1];
    words[4] = (uint64_t)key->local_port << 16 | key->peer_port;
}

#define FLOW_TABLE_KINDS   4u
#define FLOW_TABLE_NOTHING 0xffffffffu
#define FLOW_HANDLE_KIND   30u /* bits of the item's index */

static inline uint32_t flow_handle(uint32_t kind, uint32_t index)
{
    return kind << FLOW_HANDLE_KIND | index;
}

static inline uint32_t flow_handle_kind(uint32_t handle)
{
    return handle >> FLOW_HANDLE_KIND;
}

static inline uint32_t flow_handle_index(uint32_t handle)
{
    return handle & ((1u << FLOW_HANDLE_KIND) - 1);
}

#define FLOW_BUCKET_ENTRIES 10u
struct flow_bucket {
    uint16_t tags[FLOW_BUCKET_ENTRIES]; /* 0: nothing there, nor behind it */
    uint32_t handles[FLOW_BUCKET_ENTRIES];
    uint32_t next; /* a spare bucket; 0: none */
};
_Static_assert(sizeof(struct flow_bucket) == 64, "a bucket is a cache line");

struct flow_table {
    struct flow_bucket *buckets; /* the hashed ones, then the spare ones */
    uint32_t num_hashed;
    uint32_t spare; /* first free one; 0: all those touched so far are in use */
    uint32_t spare_touched;
    uint32_t num_buckets; /* of both sorts */
    struct siphash_key secret;
    struct {
        const char *items;
        uint32_t item_size;
    } kinds[FLOW_TABLE_KINDS];
};

/* Items of a hashed bucket in the mean when the table is full, and so bytes of the table an item:
 * with a keyed hash one bucket in twenty-five then needs a spare one. */
#define FLOW_BUCKET_MEAN    6u
#define FLOW_TABLE_ITEM_LEN 12u

bool flow_table_make(struct flow_table *table, uint32_t max_items,
                     const struct siphash_key *secret);
void flow_table_release(struct flow_table *table);
void flow_table_set_kind(struct flow_table *table, uint32_t kind, const void *items,
                         uint32_t item_size);

/* Of IPv4 addresses what tells them apart. */
static inline uint64_t flow_table_hash(const struct flow_table *table, const struct flow_key *key)
{
    uint64_t words[FLOW_KEY_WORDS];
    flow_key_words(words, key);
    if (net_ip_is_v4(&key->local) && net_ip_is_v4(&key->peer)) {
        words[0] = (uint64_t)net_ip_v4_be(&key->local) << 32 | net_ip_v4_be(&key->peer);
        return siphash_table(&table->secret, (uint64_t[]){words[0], words[4]}, 2);
    }
    return siphash_table(&table->secret, words, FLOW_KEY_WORDS);
}

/* The upper half of the hash says where, the lower bits tell apart. */
static inline struct flow_bucket *flow_bucket_of(const struct flow_table *table, uint64_t hash)
{
    return &table->buckets[(hash >> 32) * table->num_hashed >> 32];
}

/* First fetch, then, some lookups later, the second: the bucket's line, the likely item's. Its
 * handle, or FLOW_TABLE_NOTHING. */
static inline void flow_table_prefetch_bucket(const struct flow_table *table, uint64_t hash)
{
    __builtin_prefetch(flow_bucket_of(table, hash));
}
uint32_t flow_table_prefetch_item(const struct flow_table *table, uint64_t hash);

/* The handle, or FLOW_TABLE_NOTHING. */
uint32_t flow_table_find(const struct flow_table *table, const struct flow_key *key, uint64_t hash);
/* The item is not there yet, and there are fewer than max_items. */
void flow_table_add(struct flow_table *table, uint64_t hash, uint32_t handle);
void flow_table_remove(struct flow_table *table, uint64_t hash, uint32_t handle);
/* Another handle stands for the same key. */
void flow_table_replace(struct flow_table *table, uint64_t hash, uint32_t from, uint32_t to);

#endif
