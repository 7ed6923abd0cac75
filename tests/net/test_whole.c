/* SPDX-License-Identifier: BSD-3-Clause */

/* What takes both halves of an instance: frames, addresses, fragments and paths under TCP. */

#include <stdlib.h>

#include "net/port.h"
#include "suites.h"
#include "transfer.h"

#define SECOND 1000000ull

static struct transfer shape(uint64_t seed, bool is_v6)
{
    struct transfer t = {.seed = seed,
                         .num_flows = 3,
                         .up = 100000,
                         .down = 400000,
                         .chunk_max = 2048,
                         .limit_us = 600 * SECOND,
                         .is_v6 = is_v6};
    t.sides[0].path = t.sides[1].path = (struct path_shape){.delay_us = 2000};
    return t;
}

static void both_families(void)
{
    for (int is_v6 = 0; is_v6 < 2; is_v6++) {
        struct transfer t = shape(1, is_v6);
        CU_ASSERT_TRUE(transfer_run(&t));
        CU_ASSERT_EQUAL(t.counters[1].opened_passive, 3);
        CU_ASSERT_EQUAL(t.counters[0].retransmits + t.counters[1].retransmits, 0);
        CU_ASSERT_EQUAL(t.info.mss, is_v6 ? 1500 - 60 - 12 : 1500 - 40 - 12);
        CU_ASSERT_EQUAL(t.below[0].neighbours_asked, 1);
        CU_ASSERT_EQUAL(t.below[0].rx_malformed + t.below[1].rx_malformed, 0);
        CU_ASSERT_EQUAL(t.counters[0].bad_checksum + t.counters[1].bad_checksum, 0);
    }
}

/* Whatever the port does for us, the bytes on the wire are the same. */
static void offloads(void)
{
    static const uint32_t all[] = {0, NET_TX_CKSUM, NET_TX_CKSUM | NET_TX_MULTI_SEGS,
                                   NET_TX_CKSUM | NET_TX_MULTI_SEGS | NET_TX_SEGMENT};
    for (uint32_t i = 0; i < 8; i++) {
        struct transfer t = shape(i, i & 1);
        t.sides[0].offloads = all[i / 2];
        t.sides[1].offloads = all[i / 2];
        CU_ASSERT_TRUE(transfer_run(&t));
        CU_ASSERT_EQUAL(t.counters[0].bad_checksum + t.counters[1].bad_checksum, 0);
    }
}

static void lossy_links(void)
{
    for (uint64_t seed = 1; seed <= (lks_test_is_quick() ? 4 : 20); seed++) {
        struct transfer t = shape(seed, seed & 1);
        t.vlan = seed & 2 ? 7 : 0;
        t.sides[0].path.loss = t.sides[1].path.loss = 0.02;
        t.sides[0].path.duplicate = t.sides[1].path.duplicate = 0.02;
        t.sides[0].path.corrupt = t.sides[1].path.corrupt = 0.01;
        t.sides[0].path.reorder = t.sides[1].path.reorder = 0.1;
        t.sides[0].path.reorder_us = t.sides[1].path.reorder_us = 3000;
        CU_ASSERT_TRUE(transfer_run(&t));
        CU_ASSERT(t.counters[1].retransmits > 0);
        CU_ASSERT(t.counters[0].bad_checksum > 0);
    }
}

/* A router's word is taken, and holds for connections that come later. */
static void small_path(void)
{
    for (int is_v6 = 0; is_v6 < 2; is_v6++) {
        struct transfer t = shape(3, is_v6);
        t.sides[1].path.mtu = is_v6 ? 1300 : 900;
        t.sides[1].path.tells_mtu = true;
        CU_ASSERT_TRUE(transfer_run(&t));
        CU_ASSERT_EQUAL(t.info.mss, is_v6 ? 1300 - 60 - 12 : 900 - 40 - 12);
        CU_ASSERT(t.below[1].icmp_errors_taken > 0);
        CU_ASSERT(t.counters[1].path_mtu_lowered > 0);
    }
}

static void fragments(void)
{
    for (int is_v6 = 0; is_v6 < 2; is_v6++) {
        struct transfer t = shape(4, is_v6);
        t.vlan = is_v6 ? 0 : 5;
        t.sides[0].path.mtu = t.sides[1].path.mtu = 700;
        t.sides[0].path.fragments = t.sides[1].path.fragments = true;
        t.sides[1].path.loss = 0.005;
        CU_ASSERT_TRUE(transfer_run(&t));
        CU_ASSERT_EQUAL(t.info.mss, is_v6 ? 1500 - 60 - 12 : 1500 - 40 - 12);
        CU_ASSERT(t.below[0].rx_reassembled > 200);
    }
}

const struct lks_test *whole_tests(void)
{
    static const struct lks_test tests[] = {
        {"both families", both_families}, {"offloads", offloads},   {"lossy links", lossy_links},
        {"a small path", small_path},     {"fragments", fragments}, {0},
    };
    return tests;
}
