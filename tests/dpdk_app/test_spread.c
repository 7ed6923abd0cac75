/* SPDX-License-Identifier: BSD-3-Clause */

/* Frames between workers, whose instances are doubles that note what is handed to them. */

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/test.h"
#include "dpdk/eal.h"
#include "spread.h"

#define WORKERS  3u
#define BUFFERS  4095u
#define TOO_MANY 3000u  /* more than a ring holds */
#define WHOLE    65536u /* more than there are */

static struct rte_mempool *pools[WORKERS], *others;
static struct spread *all;

static struct {
    uint32_t num, num_bursts, last_marks;
    const struct rte_mempool *pool; /* of what came last */
    uint64_t ol_flags;
    uint16_t vlan;
    bool in_order;
} got[WORKERS];

void net_input_handed(struct net *net, struct rte_mbuf **frames, uint16_t num, uint64_t now_us)
{
    const uintptr_t worker = (uintptr_t)net - 1;
    CU_ASSERT_EQUAL(now_us, 77);
    got[worker].num_bursts += num != 0;
    for (uint16_t i = 0; i < num; i++) {
        uint32_t mark;
        const void *bytes = rte_pktmbuf_read(frames[i], 0, sizeof(mark), &mark);
        memcpy(&mark, bytes, sizeof(mark));
        got[worker].in_order &= mark > got[worker].last_marks;
        got[worker].last_marks = mark;
        got[worker].pool = frames[i]->pool;
        got[worker].ol_flags = frames[i]->ol_flags;
        got[worker].vlan = frames[i]->vlan_tci;
        got[worker].num++;
        rte_pktmbuf_free(frames[i]);
    }
}

static uint32_t receive(uint16_t worker, uint32_t max, bool *has_more)
{
    return spread_receive(spread_end(all, worker), (struct net *)(uintptr_t)(worker + 1u), max,
                          has_more, 77);
}

static uint32_t receive_all(uint16_t worker)
{
    bool has_more = false;
    const uint32_t num = receive(worker, WHOLE, &has_more);
    CU_ASSERT_FALSE(has_more);
    return num;
}

static struct rte_mbuf *frame(struct rte_mempool *pool, uint32_t mark)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    memcpy(rte_pktmbuf_append(m, 60), &mark, sizeof(mark));
    return m;
}

static void begin(void)
{
    memset(got, 0, sizeof(got));
    for (uint32_t i = 0; i < WORKERS; i++)
        got[i].in_order = true;
    all = spread_new(WORKERS, pools, -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
}

static void end(void)
{
    spread_free(all);
    for (uint32_t i = 0; i < WORKERS; i++)
        CU_ASSERT_EQUAL(rte_mempool_in_use_count(pools[i]), 0);
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(others), 0);
}

/* In their order, to whom they are handed alone, in bursts, once they are flushed. */
static void to_one(void)
{
    begin();
    for (uint32_t i = 1; i <= 10; i++)
        spread_hand_on(spread_end(all, 0), 2, frame(pools[2], i));
    spread_hand_on(spread_end(all, 1), 2, frame(pools[2], 11));
    CU_ASSERT_EQUAL(receive_all(2), 0);
    spread_flush(spread_end(all, 0));
    spread_flush(spread_end(all, 1));
    CU_ASSERT_EQUAL(receive_all(0) + receive_all(1), 0);
    CU_ASSERT_EQUAL(receive_all(2), 11);
    CU_ASSERT(got[2].num == 11 && got[2].in_order && got[2].num_bursts == 2);
    CU_ASSERT_EQUAL(spread_lost(spread_end(all, 0)), 0);
    end();
}

/* Everybody but who hands on, each in a buffer of its own pool. */
static void to_everybody(void)
{
    begin();
    spread_hand_on(spread_end(all, 1), NET_EVERY_QUEUE, frame(others, 5));
    spread_flush(spread_end(all, 1));
    for (uint16_t i = 0; i < WORKERS; i++) {
        CU_ASSERT_EQUAL(receive_all(i), i != 1);
        CU_ASSERT_TRUE(i == 1 || (got[i].last_marks == 5 && got[i].pool == pools[i]));
    }
    end();
}

/* A worker holds buffers of its own pool alone: what lies elsewhere, or only in part, is copied,
 * with what the link has said of it. */
static void of_other_pools(void)
{
    begin();
    struct rte_mbuf *m = frame(pools[0], 1), *tail = frame(others, 0);
    m->ol_flags |= RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    m->vlan_tci = 7;
    spread_hand_on(spread_end(all, 0), 1, m);
    spread_flush(spread_end(all, 0));
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(pools[0]), 0);
    CU_ASSERT_EQUAL(receive_all(1), 1);
    CU_ASSERT(got[1].pool == pools[1] && got[1].vlan == 7);
    CU_ASSERT_EQUAL(got[1].ol_flags, RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_L4_CKSUM_GOOD);
    m = frame(pools[1], 2);
    CU_ASSERT_EQUAL(rte_pktmbuf_chain(m, tail), 0);
    spread_hand_on(spread_end(all, 0), 1, m);
    spread_flush(spread_end(all, 0));
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(others), 0);
    CU_ASSERT_EQUAL(receive_all(1), 1);
    end();
}

/* Whoever does not take what is handed to it loses that, and nobody else anything. */
static void to_one_that_stands(void)
{
    begin();
    for (uint32_t i = 1; i <= TOO_MANY; i++)
        spread_hand_on(spread_end(all, 0), 1, frame(pools[1], i));
    spread_hand_on(spread_end(all, 0), 2, frame(pools[2], 1));
    spread_flush(spread_end(all, 0));
    CU_ASSERT_EQUAL(receive_all(2), 1);
    const uint64_t lost = spread_lost(spread_end(all, 0));
    CU_ASSERT_TRUE(lost > 0);
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(pools[1]), TOO_MANY - lost);
    bool has_more = false;
    const uint32_t some = receive(1, 100, &has_more);
    CU_ASSERT(has_more && some >= 100 && some < 200);
    CU_ASSERT_EQUAL(some + receive_all(1), TOO_MANY - lost);
    CU_ASSERT_TRUE(got[1].in_order);
    /* without a buffer to copy into it is lost, too */
    struct rte_mbuf *hoard[BUFFERS];
    CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(pools[1], hoard, BUFFERS), 0);
    spread_hand_on(spread_end(all, 0), 1, frame(others, 1));
    CU_ASSERT_EQUAL(spread_lost(spread_end(all, 0)), lost + 1);
    rte_pktmbuf_free_bulk(hoard, BUFFERS);
    end();
}

/* What is on its way at the end is freed: flushed, and not. */
static void left_over(void)
{
    begin();
    spread_hand_on(spread_end(all, 0), 1, frame(pools[1], 1));
    spread_flush(spread_end(all, 0));
    spread_hand_on(spread_end(all, 0), 1, frame(pools[1], 2));
    end();
}

static bool start(void)
{
    char name[16];
    bool is_up = TEST_EAL("--no-huge", "-m", "96", "--lcores", "0@(0-1)");
    for (uint32_t i = 0; is_up && i <= WORKERS; i++) {
        snprintf(name, sizeof(name), "pool%u", i);
        struct rte_mempool *pool = rte_pktmbuf_pool_create(name, BUFFERS, 0, 0, 256, -1);
        *(i < WORKERS ? &pools[i] : &others) = pool;
        is_up = pool != NULL;
    }
    return is_up;
}

int main(void)
{
    if (!start())
        return lks_test_skip_all("spread", "EAL does not start here");
    const struct lks_test tests[] = {{"to one", to_one},
                                     {"to everybody", to_everybody},
                                     {"of other pools", of_other_pools},
                                     {"to one that stands", to_one_that_stands},
                                     {"left over", left_over},
                                     {0}};
    const struct lks_test_suite suites[] = {{"spread", tests}, {0}};
    return lks_test_run("spread", suites);
}
