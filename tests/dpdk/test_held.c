/* SPDX-License-Identifier: BSD-3-Clause */

/* Buffers run low: who goes, who stays, and whether others are served on. */

#include "common/test.h"
#include "peers.h"

/* Peers that ask for much and take nothing hold all buffers: they go, those first who have held
 * theirs for longer, and who reads gets its answer. */
static void hoarders(enum manner manner)
{
    const uint64_t before = counters().ended_for_buffers;
    const uint32_t num = 300;
    for (uint32_t i = 0; i < num; i++) {
        struct peer *p = silent(i);
        p->mss = i % 3 == 0 ? 1 : i % 3 == 1 ? 536 : 1460;
        open_idle(p, manner);
        p->to_send = i % 10 ? 1u << 20 : 100;
        if (i == 60)
            peers_advance(SECOND);
    }
    peers_settle();
    CU_ASSERT_TRUE(counters().buffers > PEER_BUFFERS / 4); /* nearly all for sending */
    struct peer *honest = ordinary(num);
    peer_open(honest);
    CU_ASSERT_PTR_NOT_NULL_FATAL(honest->flow);
    honest->to_send = 3u << 20;
    for (uint32_t tick = 0; tick < 50; tick++) {
        peers_advance(SECOND / 10);
        for (uint32_t i = 0; i < num; i++)
            idle_on(&peers[i], manner);
        if (tick == 7) /* a retransmission may be under way */
            CU_ASSERT_EQUAL(counters().ended_for_buffers, before);
        if (tick == 10)
            CU_ASSERT_TRUE(counters().ended_for_buffers > before);
        for (uint32_t i = 0; tick < 11 && i < num; i++) /* not who came later, or holds a buffer */
            LKS_CHECK(!peers[i].ended || (i <= 60 && i % 10), "peer %u is not the worst", i);
    }
    LKS_CHECK(honest->got == 3u << 20, "%u bytes", honest->got);
    CU_ASSERT_FALSE(honest->ended);
    uint32_t ended = 0;
    for (uint32_t i = 0; i < num; i++) {
        const struct peer *p = &peers[i];
        ended += p->ended;
        if (p->ended) {
            CU_ASSERT_EQUAL(p->why, FLOW_END_NO_MEMORY);
            CU_ASSERT_TRUE(p->got_rst && !p->got_bad_rst);
        }
    }
    CU_ASSERT_TRUE(ended > 0);
    CU_ASSERT_EQUAL(ended, counters().ended_for_buffers - before);
    CU_ASSERT_TRUE(peers_end());
}

static void test_silent_readers(void)
{
    hoarders(SAYS_NOTHING);
}

static void test_dripping_readers(void)
{
    hoarders(DRIPS);
}

static void test_answered_probes(void)
{
    hoarders(ANSWERS_PROBES);
}

/* Many peers, each with five buffers' worth in our hands; first all in order, then none. */
static uint32_t fill_to_receive(bool in_order)
{
    uint32_t num = 0;
    for (; num < 900 && counters().buffers < PEER_BUFFERS / 3; num++) {
        struct peer *p = ordinary(num);
        p->is_unread = true;
        peer_open(p);
        for (uint32_t i = 0; i < 5; i++) {
            if (in_order)
                peer_send(p, ACK | PSH, 1000);
            else
                peer_send_at(p, 10 + 1100 * i, ACK | PSH, 1000);
        }
    }
    return num;
}

static uint32_t num_ended(uint32_t num)
{
    uint32_t ended = 0;
    for (uint32_t i = 0; i < num; i++) {
        ended += peers[i].ended;
        CU_ASSERT_TRUE(!peers[i].ended || peers[i].why == FLOW_END_NO_MEMORY);
        CU_ASSERT_EQUAL(peers[i].ended, peers[i].got_rst);
    }
    return ended;
}

/* What nobody reads holds nearly all that there is to receive with: some go, and all are heard. */
static void test_unread_senders(void)
{
    const uint64_t before = counters().ended_for_buffers;
    const uint32_t num = fill_to_receive(true);
    peers_advance(3 * SECOND / 2);
    CU_ASSERT_EQUAL(num_ended(num), 0);
    peers_advance(3 * SECOND / 2);
    const uint32_t ended = num_ended(num);
    CU_ASSERT_TRUE(ended && ended < num / 2);
    CU_ASSERT_EQUAL(counters().ended_for_buffers, before + ended);
    struct peer *heard = ordinary(num);
    peer_open(heard);
    upload(heard, 1000000);
    CU_ASSERT_TRUE(peers_end());
}

/* Byte by byte: who keeps them joins them, so that they hold few buffers and nobody goes. */
static void test_unread_crumbs(void)
{
    const uint64_t before = counters().ended_for_buffers;
    const uint32_t num = 8, each = PEER_BUFFERS / 8;
    for (uint32_t i = 0; i < num; i++) {
        ordinary(i)->is_unread = true;
        peer_open(&peers[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(peers[i].flow);
    }
    for (uint32_t byte = 0; byte < each; byte++) {
        for (uint32_t i = 0; i < num; i++)
            peer_send(&peers[i], ACK | PSH, 1);
        peers_settle();
    }
    LKS_CHECK(counters().buffers <= num * (each / 512 + 1), "%u buffers", counters().buffers);
    peers_advance(3 * SECOND);
    CU_ASSERT_EQUAL(num_ended(num), 0);
    CU_ASSERT_EQUAL(counters().ended_for_buffers, before);
    for (uint32_t i = 0; i < num; i++) {
        CU_ASSERT_EQUAL(peers[i].received, each);
        if (peers[i].flow)
            flow_consumed(peers[i].flow, each);
    }
    CU_ASSERT_EQUAL(counters().buffers, 0);
    CU_ASSERT_TRUE(peers_end());
}

/* Bytes out of order go before those who sent them, and may come again. */
static void test_out_of_order_senders(void)
{
    const struct flow_counters before = counters();
    const uint32_t num = fill_to_receive(false);
    CU_ASSERT_EQUAL(counters().out_of_order_dropped, before.out_of_order_dropped);
    peers_advance(3 * SECOND);
    CU_ASSERT_TRUE(counters().out_of_order_dropped > before.out_of_order_dropped);
    CU_ASSERT_EQUAL(counters().ended_for_buffers, before.ended_for_buffers);
    CU_ASSERT_EQUAL(num_ended(num), 0);
    struct peer *heard = ordinary(num);
    peer_open(heard);
    upload(heard, 1000000);
    for (uint32_t i = 0; i < num; i++) {
        peers[i].is_unread = false;
        upload(&peers[i], 6000);
    }
    CU_ASSERT_TRUE(peers_end());
}

/* However many others do nothing but could send, a TLS record comes whole before any of it is read,
 * also in small pieces: or who sends and who reads would wait for each other. */
static void test_a_record_among_many(void)
{
    static const uint16_t pieces[] = {1000, 100};
    const uint32_t num = 500;
    struct flow_info info;
    for (uint32_t i = 0; i < num; i++)
        peer_open(ordinary(i));
    for (uint32_t i = 0; i < 2; i++) {
        struct peer *p = ordinary(num + i);
        p->is_unread = true;
        peer_open(p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p->flow);
        flow_get_info(p->flow, &info);
        CU_ASSERT_TRUE(info.our_window < FLOW_UNREAD_RECORD); /* little is left to promise */
        uint32_t len = 0;
        for (; len < FLOW_UNREAD_RECORD && info.our_window; len += pieces[i]) {
            peer_send(p, ACK | PSH, pieces[i]);
            peers_settle();
            if (p->received == 5000) { /* a record ends within what has come */
                flow_consumed(p->flow, 4000);
                len -= 4000;
            }
            flow_get_info(p->flow, &info);
        }
        LKS_CHECK(len >= FLOW_UNREAD_RECORD, "pieces of %u: %u bytes", pieces[i], len);
    }
    CU_ASSERT_TRUE(peers_end());
}

/* Pieces of less than a unit of the window's scale do not push its edge before them. */
static void test_small_pieces_fill_the_window(void)
{
    static const uint16_t pieces[] = {1, 100, 127, 128};
    for (uint32_t i = 0; i < 4; i++) {
        struct peer *p = ordinary(i);
        struct flow_info info;
        p->is_unread = true;
        peer_open(p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p->flow);
        do {
            peer_send(p, ACK | PSH, 1000);
            peers_settle();
            flow_get_info(p->flow, &info);
        } while (info.our_window > 2000);
        const uint32_t edge = p->received + info.our_window;
        for (uint32_t num = 0; num < 3000; num++) {
            peer_send(p, ACK | PSH, pieces[i]);
            peer_send_at(p, (uint32_t)-1000, ACK | PSH, 1); /* old, so that all are acknowledged */
            peers_settle();
        }
        LKS_CHECK(p->received >= edge - 256 && p->received <= edge + 256,
                  "pieces of %u: %u bytes of %u", pieces[i], p->received, edge);
        CU_ASSERT_TRUE(peers_end());
    }
}

const struct lks_test *held_tests(void)
{
    static const struct lks_test tests[] = {
        {"silent readers", test_silent_readers},
        {"dripping readers", test_dripping_readers},
        {"answered probes", test_answered_probes},
        {"unread senders", test_unread_senders},
        {"unread crumbs", test_unread_crumbs},
        {"out of order senders", test_out_of_order_senders},
        {"a record among many", test_a_record_among_many},
        {"small pieces fill the window", test_small_pieces_fill_the_window},
        {0},
    };
    return tests;
}
