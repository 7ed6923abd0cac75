/* SPDX-License-Identifier: BSD-3-Clause */

/* lockstepd's TCP and peers that a terminator on the internet's edge meets: without options, with
 * absurd ones, silent, slow, greedy. In one process and in virtual time, by raw segments on one
 * side and net/tcp.h on the other: whatever stack is between the two has to pass. */

#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>

#include "common/test.h"
#include "peers.h"

/* Without the option windows have 16 bits: to wait for more goes on for ever. */
static void test_no_window_scaling(void)
{
    struct peer *client = ordinary(0), *backend = ordinary(1);
    client->scales = backend->scales = false;
    peer_open(client);
    peer_accept(backend);
    CU_ASSERT_PTR_NOT_NULL(client->flow);
    CU_ASSERT_TRUE(backend->connected);
    upload(client, 200000);
    upload(backend, 200000);
    CU_ASSERT_TRUE(client->last_window > 60000);
    CU_ASSERT_TRUE(backend->last_window > 60000);
    CU_ASSERT_TRUE(peers_end());
}

static void test_small_mss(void)
{
    static const uint16_t all[] = {1, 2, 3, 47, 48, 88, 215, 216, 360, 536, 1460, 65535};
    for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct peer *p = ordinary(i);
        p->mss = all[i];
        peer_open(p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p->flow);
        uint16_t expected = all[i] < FLOW_MIN_MSS ? FLOW_MIN_MSS : all[i] < 1460 ? all[i] : 1460;
        LKS_CHECK(flow_mss(p->flow) == expected, "MSS %u: %u", all[i], flow_mss(p->flow));
        p->to_send = 300000;
        peers_settle();
        LKS_CHECK(p->got == 300000 && !p->ended, "MSS %u: %u bytes, ended %d", all[i], p->got,
                  p->ended);
        LKS_CHECK(p->longest == expected, "MSS %u: a segment of %u", all[i], p->longest);
    }
    struct peer *mute = ordinary(100), *backend = ordinary(101);
    mute->mss = 0;
    backend->mss = 1;
    peer_open(mute);
    peer_accept(backend);
    CU_ASSERT_EQUAL(flow_mss(mute->flow), 536);
    CU_ASSERT_EQUAL(flow_mss(backend->flow), FLOW_MIN_MSS);
    CU_ASSERT_TRUE(peers_end());
}

/* An MSS that changes under segments that are cut already: the option belongs to SYNs only. */
static void test_mss_after_syn(void)
{
    static const uint8_t small[] = {1, 2, 4, 0, 9, 0, 0, 0}, doubled[] = {2, 4, 0, 1, 2, 4, 0, 2},
                         broken[] = {2, 4, 0, 1, 77, 1, 2, 4};
    struct peer *p = silent(0);
    peer_open(p);
    p->to_send = 20000;
    peers_settle();
    peer_send_options(p, ACK, small, sizeof(small));
    peer_send_options(p, ACK, doubled, sizeof(doubled));
    peer_send_options(p, ACK, broken, sizeof(broken));
    CU_ASSERT_EQUAL(flow_mss(p->flow), 1460);
    p->to_send = 5000;
    peer_read_on(p, 65535);
    peers_advance(10 * SECOND);
    CU_ASSERT_EQUAL(p->got, 25000);
    CU_ASSERT_TRUE(p->longest == 1460);
    CU_ASSERT_TRUE(peers_end());
}

/* Windows of a few bytes do not make each byte a segment, neither the first nor one behind a shut
 * one. */
static void test_tiny_windows(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct peer *p = silent(i);
        p->window = i ? 0 : 3;
        peer_open(p);
        p->to_send = 100000;
        peers_advance(5 * SECOND);
        p->window = 3;
        peer_send(p, ACK, 0);
        peers_advance(5 * SECOND);
        CU_ASSERT_EQUAL(p->got, 3);
        CU_ASSERT_FALSE(p->ended);
        peer_read_on(p, 65535);
        peers_advance(10 * SECOND);
        LKS_CHECK(p->got == 100000 && !p->ended, "window %u: %u bytes", i ? 0 : 3, p->got);
        LKS_CHECK(p->num_segments < 1000, "window %u: %u segments", i ? 0 : 3, p->num_segments);
    }
    CU_ASSERT_TRUE(peers_end());
}

/* A chain of num segments of len bytes each. */
static struct rte_mbuf *chain_of(uint32_t num, uint16_t len)
{
    struct rte_mbuf *head = NULL, *last = NULL;
    for (uint32_t i = 0; i < num; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(peers_port.tx_pool);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        memset(rte_pktmbuf_append(m, len), 0, len);
        if (last) {
            last->next = m;
            head->nb_segs++;
            head->pkt_len += len;
        } else {
            head = m;
        }
        last = m;
    }
    return head;
}

/* Room that was promised is there, however it is filled, also where no buffer is left to copy
 * crumbs into; a FIN stays behind them. */
static void test_room_is_taken(void)
{
    static const uint16_t all[] = {216, 536, 1460};
    for (uint32_t i = 0; i < 3; i++) {
        struct peer *p = silent(i);
        p->mss = all[i];
        peer_open(p);
        CU_ASSERT_TRUE(flow_send_room(p->flow) >= FLOW_RECORD_LEN);
        uint32_t sent = 3000;
        struct rte_mbuf *crumbs = chain_of(3000, 1), *hoard[PEER_BUFFERS];
        const unsigned int num = rte_mempool_avail_count(peers_port.tx_pool);
        CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_alloc_bulk(peers_port.tx_pool, hoard, num), 0);
        flow_send(p->flow, crumbs);
        CU_ASSERT_EQUAL(flow_send_room(p->flow), 0);
        rte_pktmbuf_free_bulk(hoard, num);
        peer_read_on(p, 65535);
        peers_advance(5 * SECOND);
        LKS_CHECK(p->got == sent, "MSS %u: %u of the crumbs", all[i], p->got);
        CU_ASSERT_TRUE(flow_send_room(p->flow) >= FLOW_RECORD_LEN);

        /* longer than any queue, in one piece: as an own flight may be */
        flow_send(p->flow, chain_of(1300, 216));
        flow_send(p->flow, chain_of(20, 1));
        sent += 1300 * 216 + 20;
        flow_shutdown(p->flow);
        CU_ASSERT_EQUAL(flow_send_room(p->flow), 0);
        peers_advance(5 * SECOND);
        LKS_CHECK(p->got == sent && p->got_fin && !p->ended, "MSS %u: %u of %u bytes, FIN %d",
                  all[i], p->got, sent, p->got_fin);
    }
    CU_ASSERT_TRUE(peers_end());
}

/* What is held is what is paid: a small MSS holds no more buffers than a large one. */
static void test_buffers_of_small_mss(void)
{
    for (uint32_t i = 0; i < 60; i++) {
        struct peer *p = silent(i);
        p->mss = i % 2 ? 1 : 536;
        peer_open(p);
    }
    const unsigned int before = rte_mempool_in_use_count(peers_port.tx_pool);
    for (uint32_t i = 0; i < 60; i++)
        peers[i].to_send = 1u << 20;
    peers_settle();
    const unsigned int each = (rte_mempool_in_use_count(peers_port.tx_pool) - before) / 60;
    LKS_CHECK(each <= FLOW_RECORD_LEN / 1072 + 3, "%u buffers each", each);
    CU_ASSERT_TRUE(peers_end());
}

/* A byte in a buffer of its own costs a buffer, however few bytes there are in all. */
static void test_buffers_of_crumbs(void)
{
    struct peer *p = silent(0);
    uint32_t num = 0;
    peer_open(p);
    const unsigned int before = rte_mempool_in_use_count(peers_port.tx_pool);
    for (; num < 1000 && flow_send_room(p->flow); num++)
        flow_send(p->flow, chain_of(1, 1));
    const unsigned int held = rte_mempool_in_use_count(peers_port.tx_pool) - before;
    LKS_CHECK(num >= FLOW_RECORD_LEN / 1460 && held < 50, "%u buffers for %u bytes", held, num);
    peers_settle();
    peer_read_on(p, 65535);
    peers_advance(SECOND);
    CU_ASSERT_EQUAL(p->got, num);
    CU_ASSERT_TRUE(flow_send_room(p->flow) >= FLOW_RECORD_LEN);
    CU_ASSERT_TRUE(peers_end());
}

/* Closed, and bytes left: the time to take them ends, and the RST is one to the peer, although a
 * probe has gone beyond its window. */
static void test_closed_flows_end(void)
{
    const struct flow_counters before = counters();
    for (uint32_t i = 0; i < 30; i++) {
        struct peer *p = silent(i);
        p->to_send = 16000;
        p->close_when_sent = true;
        p->mss = i % 3 == DRIPS ? FLOW_MIN_MSS : 1460; /* whole segments, but no buffer */
        open_idle(p, i % 3);
    }
    for (uint32_t tick = 0; tick < 18 * 5; tick++) {
        peers_advance(SECOND / 5);
        for (uint32_t i = 0; i < 30; i++)
            idle_on(&peers[i], i % 3);
    }
    CU_ASSERT_EQUAL(counters().detached, 30);
    CU_ASSERT_EQUAL(counters().ended_detached_deadline, before.ended_detached_deadline);
    peers_advance(4 * SECOND);
    CU_ASSERT_EQUAL(counters().detached, 0);
    CU_ASSERT_EQUAL(counters().flows, 0);
    CU_ASSERT_EQUAL(counters().ended_detached_deadline, before.ended_detached_deadline + 30);
    for (uint32_t i = 0; i < 30; i++)
        LKS_CHECK(peers[i].got_rst && !peers[i].got_bad_rst, "peer %u", i);
    CU_ASSERT_TRUE(peers_end());
}

static void test_rst_beyond_shut_window(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct peer *p = silent(i);
        open_idle(p, ANSWERS_PROBES);
        p->to_send = 20000;
        peers_settle();
        CU_ASSERT_EQUAL(p->got, 1000);
        idle_on(p, ANSWERS_PROBES);
        CU_ASSERT_FALSE(p->owes_ack);
        peers_advance(10 * SECOND);
        CU_ASSERT_TRUE(p->owes_ack); /* a probe came */
        if (i)
            idle_on(p, ANSWERS_PROBES);
        flow_abort(p->flow);
        p->flow = NULL;
        peers_settle();
        CU_ASSERT_TRUE(p->got_rst);
        CU_ASSERT_FALSE(p->got_bad_rst);
    }
    CU_ASSERT_TRUE(peers_end());
}

/* One that reads slowly is let read, for a minute. */
static void test_closed_slow_reader(void)
{
    struct peer *p = silent(0);
    p->to_send = 17000;
    p->close_when_sent = true;
    p->window = 1000;
    peer_open(p);
    for (uint32_t second = 0; second < 70; second += 5) {
        p->ack = p->next;
        peer_send(p, ACK, 0);
        peers_advance(5 * SECOND);
        if (second < 55)
            CU_ASSERT_EQUAL(counters().detached, 1);
    }
    CU_ASSERT_TRUE(p->got_rst);
    CU_ASSERT_EQUAL(counters().detached, 0);
    LKS_CHECK(p->got > 5000, "%u bytes", p->got);
    CU_ASSERT_TRUE(peers_end());
}

/* All acknowledged but no FIN of its own: it is not kept either. One that sends goes at once, since
 * nobody reads it. */
static void test_closed_without_fin(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct peer *p = ordinary(i);
        p->to_send = 20000;
        p->close_when_sent = true;
        peer_open(p);
        peers_settle();
        CU_ASSERT_TRUE(p->got_fin);
    }
    peer_send(&peers[1], ACK | PSH, 100);
    peers_settle();
    CU_ASSERT_TRUE(peers[1].got_rst);
    for (uint32_t second = 0; second < 62; second++) {
        peers_advance(SECOND);
        peer_send(&peers[0], ACK, 0); /* keepalives are no progress */
        if (second < 15)
            CU_ASSERT_FALSE(peers[0].got_rst);
    }
    CU_ASSERT_TRUE(peers[0].got_rst); /* there is no such connection any more */
    CU_ASSERT_EQUAL(counters().flows, 0);
    CU_ASSERT_TRUE(peers_end());
}

static void test_closed_flows_limit(void)
{
    const uint64_t before = counters().detached_limit;
    const uint32_t limit = MAX_FLOWS / 4;
    for (uint32_t i = 0; i < limit + 20; i++) {
        struct peer *p = silent(i);
        p->to_send = 1000;
        p->close_when_sent = true;
        peer_open(p);
        CU_ASSERT_TRUE(counters().detached <= limit);
    }
    CU_ASSERT_EQUAL(counters().detached, limit);
    CU_ASSERT_EQUAL(counters().detached_limit, before + 20);
    for (uint32_t i = 0; i < limit + 20; i++) /* the oldest */
        LKS_CHECK(peers[i].got_rst == (i < 20), "peer %u", i);

    /* they take no place of those that are open */
    for (uint32_t i = 0; i < MAX_FLOWS; i++) {
        struct peer *p = ordinary(limit + 20 + i);
        peer_open(p);
        CU_ASSERT_PTR_NOT_NULL(p->flow);
    }
    CU_ASSERT_TRUE(peers_end());
}

/* Our FIN is lost twice, and comes in the end; whoever closes first. */
static void test_fin_is_lost(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct peer *p = ordinary(i);
        p->lose_fins = 2;
        peer_open(p);
        p->to_send = 1000;
        peers_settle();
        if (i)
            peer_send(p, ACK | FIN, 0);
        flow_shutdown(p->flow);
        peers_advance(20 * (uint64_t)SECOND);
        CU_ASSERT_TRUE(p->got_fin);
        CU_ASSERT_EQUAL(p->got, 1000);
        if (!i)
            peer_send(p, ACK | FIN, 0);
        peers_advance(SECOND);
        CU_ASSERT_TRUE(p->ended && p->why == FLOW_END_CLOSED);
    }
    CU_ASSERT_TRUE(peers_end());
}

/* Whoever has not heard of our FIN may still send, whatever of ours it has acknowledged. */
static void test_bytes_before_the_fin_is_known(void)
{
    struct peer *p = ordinary(0);
    p->lose_fins = 8; /* longer than a stalled one that holds buffers would have */
    peer_open(p);
    p->to_send = 1000;
    peers_settle();
    CU_ASSERT_EQUAL(p->got, 1000);
    p->close_when_sent = true;
    peers_settle();
    CU_ASSERT_FALSE(p->got_fin);
    peer_send(p, ACK, 10);
    peers_advance(25 * (uint64_t)SECOND);
    CU_ASSERT_FALSE(p->got_fin);
    peers_advance(30 * (uint64_t)SECOND);
    CU_ASSERT_TRUE(p->got_fin);
    CU_ASSERT_FALSE(p->got_rst || p->got_bad_rst);
    CU_ASSERT_TRUE(peers_end());
}

/* A peer that has sent its FIN pauses before it reads the answer. */
static void test_pause_before_the_end(void)
{
    struct peer *p = silent(0);
    p->window = 2000;
    peer_open(p);
    p->to_send = 30000;
    p->close_when_sent = true;
    peer_send(p, ACK | FIN, 0);
    peers_settle();
    p->ack = p->next;
    p->window = 0;
    peer_send(p, ACK, 0);
    peers_advance(15 * SECOND);
    CU_ASSERT_FALSE(p->got_rst);
    peer_read_on(p, 65535);
    peers_advance(5 * SECOND);
    CU_ASSERT_EQUAL(p->got, 30000);
    CU_ASSERT_TRUE(p->got_fin);
    CU_ASSERT_EQUAL(counters().flows, 0);
    CU_ASSERT_TRUE(peers_end());
}

/* Both FINs cross, and nobody is told of TIME_WAIT. */
static void test_simultaneous_close(void)
{
    struct peer *p = silent(0);
    peer_open(p);
    flow_shutdown(p->flow);
    peers_settle();
    CU_ASSERT_TRUE(p->got_fin);
    peer_send(p, ACK | FIN, 0); /* it has not seen ours */
    peers_advance(SECOND / 10);
    p->ack = p->next;
    peer_send(p, ACK, 0);
    peers_advance(5 * SECOND);
    CU_ASSERT_TRUE(p->ended && p->why == FLOW_END_CLOSED);
    CU_ASSERT_EQUAL(counters().flows, 0);
    CU_ASSERT_TRUE(peers_end());
}

static void send_forged(uint32_t ip, uint16_t port)
{
    const struct segment s = {.peer_ip = ip,
                              .peer_port = port,
                              .our_port = SERVICE,
                              .seq = port,
                              .window = 1000,
                              .flags = RTE_TCP_SYN_FLAG};
    peers_receive(segment_make(&peers_port, &s));
}

static void test_syn_flood(void)
{
    for (uint32_t i = 0; i < 10000; i++) {
        send_forged(SEGMENTS_PEER_IP + 1 + i % 200, (uint16_t)(2000 + i));
        if (i % 100 == 0)
            peers_settle();
    }
    struct peer *p = ordinary(0);
    peer_open(p);
    CU_ASSERT_PTR_NOT_NULL(p->flow);
    p->to_send = 100000;
    peers_settle();
    CU_ASSERT_EQUAL(p->got, 100000);
    CU_ASSERT_TRUE(peers_end());
}

/* A peer whose window has room for so many bytes, which the server leaves unread. */
static struct peer *almost_full(uint32_t at, uint16_t room)
{
    struct peer *p = ordinary(at);
    p->scales = false;
    p->is_unread = true;
    peer_open(p);
    while (p->last_window > 2000) {
        peer_send(p, ACK | PSH, 1000);
        peers_advance(SECOND / 10);
    }
    peer_send(p, ACK | PSH, (uint16_t)(p->last_window - room));
    peers_advance(SECOND / 10);
    CU_ASSERT_EQUAL(p->last_window, room);
    return p;
}

/* What reaches beyond the window is cut to it, also where it comes before what is in front. */
static void test_beyond_the_window(void)
{
    for (uint32_t fin = 0; fin < 2; fin++) {
        struct peer *p = almost_full(fin, 500);
        const uint32_t before = p->received;
        peer_send_at(p, 499, fin ? ACK | FIN : ACK, 1000);
        peer_send(p, ACK | PSH, 499);
        peers_settle();
        CU_ASSERT_TRUE(p->received == before + 499 || p->received == before + 500);
        CU_ASSERT_FALSE(p->fin_received);
        CU_ASSERT_FALSE(p->ended);
    }
    CU_ASSERT_TRUE(peers_end());
}

/* A FIN that has come stays where it is: bytes behind it are none. */
static void test_bytes_behind_the_fin(void)
{
    struct peer *p = almost_full(0, 500);
    const uint32_t before = p->received;
    peer_send_at(p, 100, ACK | FIN, 100);
    peer_send_at(p, 0, ACK | PSH, 500);
    peer_send_at(p, 50, ACK | PSH, 450);
    CU_ASSERT_TRUE(p->received == before || p->received == before + 200);
    peer_send(p, ACK | PSH, 100);
    peers_settle();
    CU_ASSERT_EQUAL(p->received, before + 200);
    CU_ASSERT_TRUE(p->fin_received);
    CU_ASSERT_TRUE(peers_end());
}

/* A handshake's last segment with a SYN, from anywhere: none that opens. */
static void test_syn_for_the_last_ack(void)
{
    static const uint32_t away[] = {0, 1u << 31, (1u << 31) - 1, (1u << 31) + 1, 0u - 1u};
    for (uint32_t i = 0; i < sizeof(away) / sizeof(away[0]); i++) {
        struct peer *p = ordinary(i);
        peer_begin(p);
        peer_send_at(p, away[i], SYN | ACK, 0);
        peer_send_at(p, away[i], SYN | ACK | PSH, 100);
        peers_settle();
        CU_ASSERT_PTR_NULL(p->flow);
        peer_send(p, ACK, 0);
        peers_settle();
        CU_ASSERT_PTR_NOT_NULL_FATAL(p->flow);
        upload(p, 10000);
    }
    CU_ASSERT_TRUE(peers_end());
}

/* A window that ends within the last segment does not bring the FIN forward. */
static void test_fin_behind_a_small_window(void)
{
    struct peer *p = silent(0);
    p->window = 2000;
    peer_open(p);
    p->to_send = 4000;
    p->close_when_sent = true;
    peers_settle();
    CU_ASSERT_TRUE(p->got <= 2000);
    for (uint32_t second = 0; second < 20 && !p->got_fin; second++) {
        p->ack = p->next;
        p->window = 300;
        peer_send(p, ACK, 0);
        peers_advance(2 * SECOND);
    }
    CU_ASSERT_EQUAL(p->got, 4000);
    CU_ASSERT_TRUE(p->got_fin);
    CU_ASSERT_TRUE(peers_end());
}

int main(void)
{
    static const struct lks_test tests[] = {
        {"no window scaling", test_no_window_scaling},
        {"small MSS", test_small_mss},
        {"MSS after the SYN", test_mss_after_syn},
        {"tiny windows", test_tiny_windows},
        {"room is taken", test_room_is_taken},
        {"buffers of a small MSS", test_buffers_of_small_mss},
        {"buffers of crumbs", test_buffers_of_crumbs},
        {"closed flows end", test_closed_flows_end},
        {"RST beyond a shut window", test_rst_beyond_shut_window},
        {"closed slow reader", test_closed_slow_reader},
        {"closed without FIN", test_closed_without_fin},
        {"closed flows' limit", test_closed_flows_limit},
        {"a FIN is lost", test_fin_is_lost},
        {"bytes before the FIN is known", test_bytes_before_the_fin_is_known},
        {"a pause before the end", test_pause_before_the_end},
        {"simultaneous close", test_simultaneous_close},
        {"SYN flood", test_syn_flood},
        {"beyond the window", test_beyond_the_window},
        {"bytes behind the FIN", test_bytes_behind_the_fin},
        {"SYN for the last ACK", test_syn_for_the_last_ack},
        {"a FIN behind a small window", test_fin_behind_a_small_window},
        {0},
    };
    const struct lks_test_suite suites[] = {{"tcp", tests}, {"held", held_tests()}, {0}};
    if (!peers_start())
        return lks_test_skip_all("tcp_segments", "EAL does not start here");
    const int status = lks_test_run("tcp_segments", suites);
    net_free(peers_net);
    return status;
}
