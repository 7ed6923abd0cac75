/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_DPDK_CHAINS_H
#define LKS_TESTS_DPDK_CHAINS_H

/* Chains for tests, and the flat model that they are compared with. */

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#define CHAIN_MAX 65536u /* bytes in a test's chain */

struct pools {
    struct rte_mempool *data;   /* ordinary buffers of 2 KiB and headroom */
    struct rte_mempool *small;  /* 160 bytes behind the headroom */
    struct rte_mempool *clones; /* no buffers */
};

extern struct pools pools;

/* Starts EAL without huge pages, devices and files, and makes the pools. False: it does not start
 * here (it has said why). */
bool chains_start(void);

/* Mbufs that are not in their pools now. */
unsigned int chains_in_use(void);

/*
 * A chain of flat[0..len) in num_segs segments of random sizes, some empty, with random headroom.
 * About one in four is of another kind: a clone of a larger mbuf, or attached to external memory.
 * Aborts when the pools are empty.
 */
struct rte_mbuf *chain_random(uint64_t *seed, const uint8_t *flat, uint32_t len, uint16_t num_segs);

/* Whether the chain is sound (counts and lengths agree with its segments) and has these bytes. */
bool chain_is(const struct rte_mbuf *chain, const uint8_t *flat, uint32_t len);

#endif
