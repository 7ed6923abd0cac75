/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_POOL_H
#define LKS_NET_POOL_H

/*
 * A fixed number of items of one size, named by index. The memory of all of them is reserved when
 * the pool is made, and touched as items are first used: the one put back last is given out first,
 * so the pages in use are those of the most items ever in use at once, and first touched by the
 * lcore that uses them (which is what places them on its NUMA node).
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define POOL_NONE 0xffffffffu

#define POOL_LINE      64u
#define POOL_HUGE_PAGE (2u << 20)

/* Memory for many items, to be freed with free(); what is large comes in huge pages where the
 * kernel has any, since flows are touched all over and their pages' addresses are not cached. */
static inline void *pool_memory(size_t len)
{
    const size_t unit = len < POOL_HUGE_PAGE ? POOL_LINE : POOL_HUGE_PAGE;
    void *memory = NULL;
    len = (len + unit - 1) & ~(unit - 1);
    if (posix_memalign(&memory, unit, len))
        return NULL;
    if (unit == POOL_HUGE_PAGE)
        madvise(memory, len, MADV_HUGEPAGE);
    return memory;
}

/* All of its lines, to be written. */
static inline void pool_prefetch(const void *item, size_t size)
{
    const char *at = item;
    for (size_t i = 0; i < size; i += POOL_LINE)
        __builtin_prefetch(at + i, 1);
    __builtin_prefetch(at + size - 1, 1);
}

struct pool {
    char *items;
    uint32_t item_size, num_items;
    uint32_t size_shift, size_inverse; /* item_size is an odd number << size_shift */
    uint32_t free;    /* the item put back last; its first word names the one before */
    uint32_t touched; /* items from here on were never used */
    uint32_t in_use;
};

/* Of an odd number, modulo 2^32: each step doubles the bits that are right, of which any odd number
 * is its own inverse in three. */
static inline uint32_t pool_inverse(uint32_t odd)
{
    uint32_t inverse = odd;
    for (uint32_t bits = 3; bits < 32; bits *= 2)
        inverse *= 2 - odd * inverse;
    return inverse;
}

static inline bool pool_make(struct pool *pool, uint32_t item_size, uint32_t num_items)
{
    *pool = (struct pool){.item_size = item_size,
                          .num_items = num_items,
                          .size_shift = (uint32_t)__builtin_ctz(item_size),
                          .free = POOL_NONE};
    pool->size_inverse = pool_inverse(item_size >> pool->size_shift);
    pool->items = pool_memory((size_t)item_size * num_items);
    return pool->items || !num_items;
}

static inline void pool_release(struct pool *pool)
{
    free(pool->items);
    pool->items = NULL;
}

static inline void *pool_item(const struct pool *pool, uint32_t index)
{
    return pool->items + (size_t)index * pool->item_size;
}

/* A division that leaves no rest is a product, and several times as fast. */
static inline uint32_t pool_index(const struct pool *pool, const void *item)
{
    const size_t offset = (size_t)((const char *)item - pool->items);
    return (uint32_t)(offset >> pool->size_shift) * pool->size_inverse;
}

/* What is in it is not defined. NULL: all are in use. */
static inline void *pool_get(struct pool *pool)
{
    uint32_t index = pool->free;
    if (index != POOL_NONE)
        memcpy(&pool->free, pool_item(pool, index), sizeof(pool->free));
    else if (pool->touched < pool->num_items)
        index = pool->touched++;
    else
        return NULL;
    pool->in_use++;
    return pool_item(pool, index);
}

static inline void pool_put(struct pool *pool, void *item)
{
#ifdef NET_POISON
    memset(item, 0xdb, pool->item_size);
#endif
    memcpy(item, &pool->free, sizeof(pool->free));
    pool->free = pool_index(pool, item);
    pool->in_use--;
}

#endif
