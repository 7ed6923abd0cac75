/* SPDX-License-Identifier: BSD-3-Clause */
#include "chains.h"

#include <rte_eal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/test.h"
#include "dpdk/eal.h"

#define NUM_MBUFS 2047u

struct pools pools;

static unsigned int num_external; /* buffers that mbufs refer to now */

bool chains_start(void)
{
    const bool is_up = TEST_EAL("--no-huge", "-m", "64", "--lcores", "0@(0-1)");
    if (is_up) {
        pools.data = rte_pktmbuf_pool_create("data", NUM_MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
        pools.small =
            rte_pktmbuf_pool_create("small", NUM_MBUFS, 0, 0, RTE_PKTMBUF_HEADROOM + 160, 0);
        pools.clones = rte_pktmbuf_pool_create("clones", NUM_MBUFS, 0, 0, 0, 0);
    }
    return is_up && pools.data && pools.small && pools.clones;
}

unsigned int chains_in_use(void)
{
    return rte_mempool_in_use_count(pools.data) + rte_mempool_in_use_count(pools.small) +
           rte_mempool_in_use_count(pools.clones) + num_external;
}

static struct rte_mbuf *alloc(struct rte_mempool *pool)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    if (!m) {
        fprintf(stderr, "a test wants more mbufs than its pool has\n");
        abort();
    }
    return m;
}

static void free_external(void *buffer, void *unused)
{
    (void)unused;
    free(buffer);
    num_external--;
}

static struct rte_mbuf *external(uint16_t len)
{
    const uint16_t size = (uint16_t)(len + 64);
    struct rte_mbuf *m = alloc(pools.clones);
    uint8_t *buffer = malloc(size + sizeof(struct rte_mbuf_ext_shared_info) + 16);
    uint16_t room = (uint16_t)(size + sizeof(struct rte_mbuf_ext_shared_info) + 8);
    if (!buffer)
        abort();
    struct rte_mbuf_ext_shared_info *shared =
        rte_pktmbuf_ext_shinfo_init_helper(buffer, &room, free_external, NULL);
    rte_pktmbuf_attach_extbuf(m, buffer, RTE_BAD_IOVA, room, shared);
    num_external++;
    m->data_off = 16;
    m->data_len = len;
    return m;
}

/* A clone of an mbuf that nobody else holds any more: it is freed with the clone. */
static struct rte_mbuf *clone_of(struct rte_mbuf *m)
{
    struct rte_mbuf *clone = alloc(pools.clones);
    rte_pktmbuf_attach(clone, m);
    rte_pktmbuf_free(m);
    return clone;
}

static struct rte_mbuf *segment_of(uint64_t *seed, const uint8_t *flat, uint16_t len)
{
    struct rte_mbuf *m;
    uint64_t kind = lks_test_random(seed) % 8;
    if (kind == 0) {
        m = external(len);
    } else {
        m = alloc(len <= 160 && kind < 4 ? pools.small : pools.data);
        uint16_t room = (uint16_t)(m->buf_len - len);
        m->data_off = (uint16_t)(lks_test_random(seed) % (room + 1u));
        m->data_len = len;
        if (kind == 1)
            m = clone_of(m);
    }
    memcpy(rte_pktmbuf_mtod(m, uint8_t *), flat, len);
    m->pkt_len = len;
    return m;
}

struct rte_mbuf *chain_random(uint64_t *seed, const uint8_t *flat, uint32_t len, uint16_t num_segs)
{
    struct rte_mbuf *head = NULL;
    for (uint16_t left = num_segs; left; left--) {
        uint32_t n = left == 1 ? len : (uint32_t)(lks_test_random(seed) % (2 * len / left + 1));
        n = n > len ? len : n;
        n = n > 2048 ? 2048 : n;
        if (len - n > 2048u * (left - 1u)) /* the segments behind must be able to take the rest */
            n = len - 2048u * (left - 1u);
        struct rte_mbuf *m = segment_of(seed, flat, (uint16_t)n);
        if (!head)
            head = m;
        else if (rte_pktmbuf_chain(head, m))
            abort();
        flat += n;
        len -= n;
    }
    return head;
}

bool chain_is(const struct rte_mbuf *chain, const uint8_t *flat, uint32_t len)
{
    const char *why = NULL;
    if (rte_mbuf_check(chain, 1, &why)) {
        printf("unsound chain: %s\n", why);
        return false;
    }
    if (chain->pkt_len != len)
        return false;
    for (; chain; chain = chain->next) {
        if (memcmp(rte_pktmbuf_mtod(chain, uint8_t *), flat, chain->data_len) != 0)
            return false;
        flat += chain->data_len;
    }
    return true;
}
