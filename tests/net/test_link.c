/* SPDX-License-Identifier: BSD-3-Clause */

/* Whole transfers over bad links: every byte right, no flow stuck, nothing kept. LKS_NET_SEEDS says
 * how many seeds are tried, LKS_NET_SEED which is the first. */

#include <stdio.h>
#include <stdlib.h>

#include "net/port.h"
#include "suites.h"
#include "transfer.h"

#define SECOND 1000000ull

static double chance(uint64_t *seed)
{
    return (double)(lks_test_random(seed) >> 11) / (double)(1ull << 53);
}

static uint64_t between(uint64_t *seed, uint64_t from, uint64_t to)
{
    return from + lks_test_random(seed) % (to - from + 1);
}

static bool one_in(uint64_t *seed, uint64_t num)
{
    return lks_test_random(seed) % num == 0;
}

/* Each kind of trouble is there in some runs only, or all runs would be alike. */
static struct path_shape any_path(uint64_t *seed)
{
    static const uint32_t delays_us[] = {50, 500, 5000, 25000, 100000};
    struct path_shape path = {
        .loss = one_in(seed, 2) ? chance(seed) * 0.05 : 0,
        .duplicate = one_in(seed, 4) ? chance(seed) * 0.1 : 0,
        .corrupt = one_in(seed, 4) ? chance(seed) * 0.02 : 0,
        .reorder = one_in(seed, 3) ? chance(seed) * 0.3 : 0,
        .mark = one_in(seed, 4) ? chance(seed) * 0.05 : 0,
        .delay_us = delays_us[lks_test_random(seed) % 5],
        .burst_ends = 0.2,
    };
    path.burst = one_in(seed, 5) ? chance(seed) * 0.005 : 0;
    path.reorder_us = (uint32_t)between(seed, 1, path.delay_us);
    path.jitter_us = one_in(seed, 3) ? (uint32_t)between(seed, 0, path.delay_us / 2) : 0;
    if (one_in(seed, 2)) {
        path.rate = between(seed, 100000, 100000000);
        path.queue_bytes = (uint32_t)between(seed, 10000, 500000);
    }
    if (one_in(seed, 5)) {
        path.mtu = (uint16_t)between(seed, 600, 1499);
        path.tells_mtu = one_in(seed, 2);
    }
    return path;
}

static void any_side(uint64_t *seed, struct transfer_side *side)
{
    static const uint32_t offloads[] = {0, NET_TX_MULTI_SEGS,
                                        NET_TX_MULTI_SEGS | NET_TX_SEGMENT | NET_TX_CKSUM};
    side->congestion = one_in(seed, 3) ? "reno" : "cubic";
    side->offloads = offloads[lks_test_random(seed) % 3];
    side->max_tx_segs = (uint16_t)between(seed, 2, 16);
    side->mtu = one_in(seed, 6) ? 9000 : one_in(seed, 6) ? 1280 : 1500;
    side->max_buffers = one_in(seed, 5) ? 2000 : 0;
    side->path = any_path(seed);
}

static struct transfer any_transfer(uint64_t seed)
{
    uint64_t random = seed;
    struct transfer t = {.seed = seed, .limit_us = 3600 * SECOND};
    any_side(&random, &t.sides[0]);
    any_side(&random, &t.sides[1]);
    t.num_flows = (uint32_t)between(&random, 1, one_in(&random, 3) ? 12 : 2);
    t.up = one_in(&random, 3) ? 0 : between(&random, 1, 200000) / t.num_flows;
    t.down = between(&random, 0, one_in(&random, 4) ? 1500000 : 300000) / t.num_flows;
    t.chunk_max = one_in(&random, 5) ? 40 : 2048;
    t.read_us = one_in(&random, 3) ? (uint32_t)between(&random, 1, 50000) : 0;
    if (one_in(&random, 6)) {
        t.stall_us = between(&random, 0, SECOND);
        t.stall_for_us = between(&random, 0, 100 * SECOND);
    }
    t.is_v6 = one_in(&random, 3);
    for (int side = 0; side < 2 && t.is_v6; side++) { /* no link has less (RFC 8200 5) */
        struct path_shape *path = &t.sides[side].path;
        path->mtu = path->mtu ? (uint16_t)(1280 + path->mtu % 200) : 0;
    }
    return t;
}

static void seeds(void)
{
    const char *num = getenv("LKS_NET_SEEDS"), *first = getenv("LKS_NET_SEED");
    const uint64_t from = first ? strtoull(first, NULL, 0) : 1;
    const uint64_t count = num ? strtoull(num, NULL, 0) : lks_test_is_quick() ? 60 : 400;
    uint32_t num_bad = 0;
    for (uint64_t seed = from; seed < from + count && num_bad < 10; seed++) {
        struct transfer t = any_transfer(seed);
        num_bad += !transfer_run(&t);
    }
    CU_ASSERT_EQUAL(num_bad, 0);
}

/* Sixteen fast senders: what their windows let in together fits the buffers, however each grows. */
static void windows_fit_the_pool(void)
{
    struct transfer t = {.seed = 1,
                         .num_flows = TRANSFER_FLOWS_MAX,
                         .up = 2000000,
                         .chunk_max = 2048,
                         .limit_us = 600 * SECOND};
    for (int side = 0; side < 2; side++)
        t.sides[side].path = (struct path_shape){.delay_us = 20000};
    t.sides[1].max_buffers = 2000;
    CU_ASSERT(transfer_run(&t));
    LKS_CHECK(t.promised_max <= 2000 * 1024 + TRANSFER_FLOWS_MAX * 4 * 1460, "promised %llu bytes",
              (unsigned long long)t.promised_max);
    CU_ASSERT(t.promised_max >= 500 * 1024); /* and they are not left unused */
}

const struct lks_test *link_tests(void)
{
    static const struct lks_test tests[] = {
        {"windows fit the pool", windows_fit_the_pool},
        {"seeds of bad links", seeds},
        {0},
    };
    return tests;
}
