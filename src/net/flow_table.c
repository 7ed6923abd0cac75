/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/flow_table.h"

#include <assert.h>
#include <stdlib.h>

#include "net/pool.h"

/* A spare bucket only exists behind full ones, so max_items / 10 of them always do. */
bool flow_table_make(struct flow_table *table, uint32_t max_items, const struct siphash_key *secret)
{
    const uint32_t num_hashed = max_items / FLOW_BUCKET_MEAN + 1;
    *table = (struct flow_table){
        .num_hashed = num_hashed,
        .num_buckets = num_hashed + max_items / FLOW_BUCKET_ENTRIES + 1,
        .spare_touched = num_hashed,
        .secret = *secret,
    };
    table->buckets = pool_memory(sizeof(struct flow_bucket) * table->num_buckets);
    if (!table->buckets)
        return false;
    memset(table->buckets, 0, sizeof(struct flow_bucket) * num_hashed);
    return true;
}

void flow_table_release(struct flow_table *table)
{
    free(table->buckets);
    table->buckets = NULL;
}

void flow_table_set_kind(struct flow_table *table, uint32_t kind, const void *items,
                         uint32_t item_size)
{
    table->kinds[kind].items = items;
    table->kinds[kind].item_size = item_size;
}

static uint16_t tag_of(uint64_t hash)
{
    return (uint16_t)hash | 1;
}

static const void *item_of(const struct flow_table *table, uint32_t handle)
{
    const uint32_t kind = flow_handle_kind(handle);
    return table->kinds[kind].items +
           (size_t)flow_handle_index(handle) * table->kinds[kind].item_size;
}

uint32_t flow_table_prefetch_item(const struct flow_table *table, uint64_t hash)
{
    const struct flow_bucket *bucket = flow_bucket_of(table, hash);
    for (uint32_t i = 0; i < FLOW_BUCKET_ENTRIES; i++) {
        if (bucket->tags[i] != tag_of(hash))
            continue;
        const uint32_t handle = bucket->handles[i];
        pool_prefetch(item_of(table, handle), table->kinds[flow_handle_kind(handle)].item_size);
        return handle;
    }
    return FLOW_TABLE_NOTHING;
}

uint32_t flow_table_find(const struct flow_table *table, const struct flow_key *key, uint64_t hash)
{
    const struct flow_bucket *bucket = flow_bucket_of(table, hash);
    for (;; bucket = &table->buckets[bucket->next]) {
        for (uint32_t i = 0; i < FLOW_BUCKET_ENTRIES; i++) {
            if (bucket->tags[i] == tag_of(hash) &&
                flow_key_equal(item_of(table, bucket->handles[i]), key))
                return bucket->handles[i];
        }
        if (!bucket->next)
            return FLOW_TABLE_NOTHING;
    }
}

static uint32_t take_spare(struct flow_table *table)
{
    uint32_t index = table->spare;
    if (index)
        table->spare = table->buckets[index].next;
    else
        index = table->spare_touched++;
    assert(index < table->num_buckets);
    table->buckets[index] = (struct flow_bucket){0};
    return index;
}

void flow_table_add(struct flow_table *table, uint64_t hash, uint32_t handle)
{
    struct flow_bucket *bucket = flow_bucket_of(table, hash);
    while (bucket->tags[FLOW_BUCKET_ENTRIES - 1]) {
        if (!bucket->next)
            bucket->next = take_spare(table);
        bucket = &table->buckets[bucket->next];
    }
    uint32_t i = 0;
    while (bucket->tags[i])
        i++;
    bucket->tags[i] = tag_of(hash);
    bucket->handles[i] = handle;
}

static uint32_t *handle_at(struct flow_table *table, uint64_t hash, uint32_t handle, uint16_t **tag)
{
    struct flow_bucket *bucket = flow_bucket_of(table, hash);
    for (;; bucket = &table->buckets[bucket->next]) {
        for (uint32_t i = 0; i < FLOW_BUCKET_ENTRIES; i++) {
            if (bucket->tags[i] && bucket->handles[i] == handle) {
                *tag = &bucket->tags[i];
                return &bucket->handles[i];
            }
        }
        assert(bucket->next);
    }
}

void flow_table_replace(struct flow_table *table, uint64_t hash, uint32_t from, uint32_t to)
{
    uint16_t *tag;
    *handle_at(table, hash, from, &tag) = to;
}

/* The last entry of the last bucket fills the hole, so that all buckets but the last stay full. */
void flow_table_remove(struct flow_table *table, uint64_t hash, uint32_t handle)
{
    uint16_t *tag;
    uint32_t *hole = handle_at(table, hash, handle, &tag);
    struct flow_bucket *last = flow_bucket_of(table, hash), *before = NULL;
    while (last->next) {
        before = last;
        last = &table->buckets[last->next];
    }
    uint32_t i = FLOW_BUCKET_ENTRIES - 1;
    while (!last->tags[i])
        i--;
    *hole = last->handles[i];
    *tag = last->tags[i];
    last->tags[i] = 0;
    if (i == 0 && before) {
        last->next = table->spare;
        table->spare = before->next;
        before->next = 0;
    }
}
