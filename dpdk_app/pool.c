/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"

#include <rte_mbuf.h>

#if defined(__SANITIZE_ADDRESS__)
#define POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif

#ifndef POISONS

#define CACHE 256

struct rte_mempool *pool_new(const char *name, uint32_t num_mbufs, uint16_t room, int socket,
                             bool is_shared)
{
    return rte_pktmbuf_pool_create_by_ops(name, num_mbufs, CACHE, 0, room, socket,
                                          is_shared ? "ring_mt_rts" : NULL);
}

#else

#include <rte_ring.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>

/* DPDK's own kind of pool, a ring, that poisons what is put into it. What a new pool is filled with
 * is written once more first. */
static bool is_filling;

static int poisoned_alloc(struct rte_mempool *pool)
{
    static unsigned int num;
    char name[RTE_RING_NAMESIZE];
    snprintf(name, sizeof(name), "poisoned_%u", num++);
    pool->pool_data = rte_ring_create(name, rte_align32pow2(pool->size + 1), pool->socket_id,
                                      RING_F_MP_RTS_ENQ | RING_F_MC_RTS_DEQ);
    return pool->pool_data ? 0 : -ENOMEM;
}

static void poisoned_free(struct rte_mempool *pool)
{
    rte_ring_free(pool->pool_data);
}

static void poison(struct rte_mempool *pool, void *arg, void *buffer, unsigned int index)
{
    (void)arg;
    (void)index;
    ASAN_POISON_MEMORY_REGION(buffer, pool->elt_size);
}

static int poisoned_put(struct rte_mempool *pool, void *const *buffers, unsigned int num)
{
    for (unsigned int i = 0; !is_filling && i < num; i++)
        poison(pool, NULL, buffers[i], i);
    return rte_ring_enqueue_bulk(pool->pool_data, buffers, num, NULL) ? 0 : -ENOBUFS;
}

static int poisoned_get(struct rte_mempool *pool, void **buffers, unsigned int num)
{
    if (!rte_ring_dequeue_bulk(pool->pool_data, buffers, num, NULL))
        return -ENOBUFS;
    for (unsigned int i = 0; i < num; i++)
        ASAN_UNPOISON_MEMORY_REGION(buffers[i], pool->elt_size);
    return 0;
}

static unsigned int poisoned_count(const struct rte_mempool *pool)
{
    return rte_ring_count(pool->pool_data);
}

static const struct rte_mempool_ops poisoned_ops = {
    .name = "lockstepd_poisoned",
    .alloc = poisoned_alloc,
    .free = poisoned_free,
    .enqueue = poisoned_put,
    .dequeue = poisoned_get,
    .get_count = poisoned_count,
};
RTE_MEMPOOL_REGISTER_OPS(poisoned_ops)

/* Without a cache, in which freed buffers would lie as they are. */
struct rte_mempool *pool_new(const char *name, uint32_t num_mbufs, uint16_t room, int socket,
                             bool is_shared)
{
    (void)is_shared; /* all of this kind may be */
    is_filling = true;
    struct rte_mempool *pool =
        rte_pktmbuf_pool_create_by_ops(name, num_mbufs, 0, 0, room, socket, poisoned_ops.name);
    is_filling = false;
    if (pool)
        rte_mempool_obj_iter(pool, poison, NULL);
    return pool;
}

#endif
