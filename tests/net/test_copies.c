/* SPDX-License-Identifier: BSD-3-Clause */

/* Which bytes are copied between a user and the port: by where they lie, at both ends. */

#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "net/port.h"
#include "net/tcp.h"
#include "suites.h"
#include "wire.h"

#define NUM_PIECES 60u
#define PIECE      1400u /* no segment's length, so that segments take parts of two */
#define TOTAL      (NUM_PIECES * PIECE)
#define COPIED_MAX 256u /* payload that may lie behind its header */
#define FRAMES_MAX 4096u
#define TURN_US    1000u
#define TURNS_MAX  10000u

struct place {
    const char *at;
    uint32_t len;
};

static struct net *hosts[2]; /* 0 sends */
static uint64_t now_us;
static struct flow *sender, *receiver;
static struct place given[NUM_PIECES], arrived[FRAMES_MAX]; /* to the stack: by user and port */
static uint32_t num_given, num_arrived, num_frames, lost_frame;
static uint32_t sent, sent_by_reference, sent_as_few, received, received_by_reference;
static struct rte_mbuf *held[FRAMES_MAX]; /* frames that the port has not sent yet */
static uint32_t num_held;
static bool holds;

static bool is_in(const struct place *places, uint32_t num, const char *at, uint32_t len)
{
    for (uint32_t i = 0; i < num; i++)
        if (at >= places[i].at && at + len <= places[i].at + places[i].len)
            return true;
    return false;
}

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    (void)peer;
    (void)local;
    receiver = flow;
    return user;
}

static void ignore(void *user)
{
    (void)user;
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    (void)user;
    for (const struct rte_mbuf *m = chain; m; m = m->next) {
        received += m->data_len;
        if (is_in(arrived, num_arrived, rte_pktmbuf_mtod(m, const char *), m->data_len))
            received_by_reference += m->data_len;
    }
    flow_consumed(receiver, chain->pkt_len);
    rte_pktmbuf_free(chain);
}

static void on_sent(void *user, uint32_t bytes)
{
    (void)user;
    (void)bytes;
}

static void on_ended(void *user, enum flow_end why)
{
    (void)user;
    LKS_CHECK(false, "a flow ended, %d", why);
}

static const struct flow_events events = {on_accepted, ignore,  on_received,
                                          ignore,      on_sent, on_ended};

/* Bytes of headers of a TCP frame; 0: it is another. */
static uint32_t headers_of(const struct rte_mbuf *frame)
{
    const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(frame, const struct rte_ether_hdr *);
    const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(ether + 1);
    const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(ip + 1);
    if (ether->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || ip->next_proto_id != IPPROTO_TCP)
        return 0;
    return (uint32_t)(sizeof(*ether) + sizeof(*ip)) + (tcp->data_off >> 4) * 4u;
}

static void look_at_payload(const struct rte_mbuf *frame)
{
    uint32_t headers = headers_of(frame);
    const bool is_small = frame->pkt_len - headers <= COPIED_MAX;
    for (const struct rte_mbuf *m = headers ? frame : NULL; m; m = m->next) {
        const uint32_t skip = RTE_MIN(headers, (uint32_t)m->data_len), len = m->data_len - skip;
        headers -= skip;
        sent += len;
        if (len && is_in(given, num_given, rte_pktmbuf_mtod_offset(m, const char *, skip), len))
            sent_by_reference += len;
        else if (is_small)
            sent_as_few += len;
    }
}

/* A frame goes over the wire, which copies it, or is lost. */
static void carry(int from, struct rte_mbuf *frame)
{
    static uint8_t bytes[WIRE_FRAME_MAX];
    if (from == 0)
        look_at_payload(frame);
    const size_t len = wire_bytes(bytes, frame, 0);
    if (holds)
        held[num_held++] = frame;
    else
        rte_pktmbuf_free(frame);
    if (from == 0 && len > 1000 && ++num_frames == lost_frame)
        return;
    struct rte_mbuf *copy = wire_frame(wire_pools.received, bytes, len);
    arrived[num_arrived++ % FRAMES_MAX] =
        (struct place){rte_pktmbuf_mtod(copy, const char *), copy->data_len};
    net_input(hosts[!from], &copy, 1, now_us);
}

static void turn(void)
{
    now_us += TURN_US;
    for (int from = 0; from < 2; from++) {
        struct rte_mbuf *frames[32];
        net_timers(hosts[from], now_us);
        const uint16_t num = net_output(hosts[from], frames, 32, now_us);
        for (uint16_t i = 0; i < num; i++)
            carry(from, frames[i]);
    }
}

static void start(uint32_t offloads)
{
    char error[160];
    const struct net_addr to = {wire_host(false, 2), 443};
    now_us = 1000000;
    num_given = num_arrived = num_frames = lost_frame = num_held = 0;
    sent = sent_by_reference = sent_as_few = received = received_by_reference = 0;
    holds = false;
    for (int i = 0; i < 2; i++) {
        struct net_config config;
        struct net_address address;
        wire_config(&config, &address, false, (uint8_t)(i + 1));
        config.port.offloads = offloads;
        hosts[i] = net_new(&config, error, sizeof(error));
        LKS_CHECK(hosts[i], "%s", error);
    }
    receiver = NULL;
    CU_ASSERT_EQUAL(flow_listen(hosts[1], &to, &events, hosts, error, sizeof(error)), 0);
    sender = flow_connect(hosts[0], &to, NULL, &events, hosts);
    for (uint32_t i = 0; !receiver && i < TURNS_MAX; i++)
        turn();
    CU_ASSERT_PTR_NOT_NULL_FATAL(receiver);
}

static void give_len(uint16_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(wire_pools.app);
    memset(rte_pktmbuf_append(m, len), 'x', len);
    given[num_given++] = (struct place){rte_pktmbuf_mtod(m, const char *), len};
    flow_send(sender, m);
}

static void give(void)
{
    give_len(PIECE);
}

static void transfer(void)
{
    for (uint32_t i = 0; received < TOTAL && i < TURNS_MAX; i++) {
        while (num_given < NUM_PIECES && flow_send_room(sender) >= PIECE)
            give();
        turn();
    }
    CU_ASSERT_EQUAL(received, TOTAL);
    for (uint32_t i = 0; i < 200; i++) /* the last acknowledgement */
        turn();
}

static void end(void)
{
    net_free(hosts[0]);
    net_free(hosts[1]);
    CU_ASSERT_EQUAL(wire_in_use(), 0);
}

/* What is sent lies in the frames where the user has put it, a retransmission, too; what was
 * received lies with the user where the port has put it, also what came behind a hole. */
static void nothing_is_copied(void)
{
    static const uint32_t offloads[] = {NET_TX_MULTI_SEGS, NET_TX_MULTI_SEGS | NET_TX_CKSUM};
    for (uint32_t i = 0; i < 2; i++) {
        struct flow_counters c;
        start(offloads[i]);
        lost_frame = 7;
        transfer();
        flow_get_counters(hosts[0], &c);
        CU_ASSERT(c.retransmits > 0);
        CU_ASSERT(sent > TOTAL);
        CU_ASSERT(sent_as_few <= COPIED_MAX); /* the last of all */
        CU_ASSERT_EQUAL(sent_by_reference + sent_as_few, sent);
        CU_ASSERT_EQUAL(received_by_reference, TOTAL);
        end();
    }
}

/* What is small goes behind its header, and no further than there is room. */
static void a_few_bytes(void)
{
    static const struct {
        uint16_t len;
        bool is_copied;
    } rows[] = {{1, true}, {200, true}, {COPIED_MAX, false}, {COPIED_MAX + 1, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(NET_TX_MULTI_SEGS);
        give_len(rows[i].len);
        for (uint32_t turns = 0; turns < 200; turns++)
            turn();
        CU_ASSERT_EQUAL(received, rows[i].len);
        LKS_CHECK(sent_as_few == (rows[i].is_copied ? rows[i].len : 0u), "%u of %u bytes",
                  sent_as_few, rows[i].len);
        CU_ASSERT_EQUAL(sent_by_reference + sent_as_few, sent);
        end();
    }
}

/* A port that takes one buffer a frame gets a copy, and only there: the counting counts. */
static void one_buffer_a_frame(void)
{
    start(0);
    transfer();
    CU_ASSERT(sent >= TOTAL);
    CU_ASSERT_EQUAL(sent_by_reference, 0);
    CU_ASSERT_EQUAL(received_by_reference, TOTAL);
    end();
}

/* The user's buffers are kept as long as one of them is not acknowledged, or a port has it. */
static void kept_until_acknowledged(void)
{
    start(NET_TX_MULTI_SEGS);
    holds = true;
    give();
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(wire_pools.app), 1);
    for (uint32_t i = 0; i < 200; i++)
        turn();
    CU_ASSERT_EQUAL(received, PIECE);
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(wire_pools.app), 1); /* acknowledged, but held */
    for (uint32_t i = 0; i < num_held; i++)
        rte_pktmbuf_free(held[i]);
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(wire_pools.app), 0);
    holds = false;
    lost_frame = num_frames + 1;
    give();
    turn();
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(wire_pools.app), 1); /* sent, but not acknowledged */
    for (uint32_t i = 0; i < 2000; i++)
        turn();
    CU_ASSERT_EQUAL(received, 2 * PIECE);
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(wire_pools.app), 0);
    end();
}

const struct lks_test *copies_tests(void)
{
    static const struct lks_test tests[] = {
        {"nothing is copied", nothing_is_copied},
        {"a few bytes go with their header", a_few_bytes},
        {"one buffer a frame", one_buffer_a_frame},
        {"buffers are kept until acknowledged", kept_until_acknowledged},
        {0}};
    return tests;
}
