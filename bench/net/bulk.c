/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Bytes a cycle of bulk data between two instances in one process, in frames of 1500 bytes, sums in
 * software. The link between them copies each frame, as a port would; what that costs is timed by
 * itself, where it happens, and subtracted. What is left is both ends: the sender with the buffers
 * that it fills (not their bytes), the receiver with those that it frees.
 *
 *     net_bulk [MEGABYTES [FLOWS]]
 */

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eal.h"
#include "net/net.h"
#include "net/port.h"
#include "net/tcp.h"

#define FLOWS_MAX 1000u
#define BURST     32u
#define MBUFS     16383u
#define CACHE     256u
#define PIECE     1448u
#define TURN_US   10u
#define REPEATS   5

static struct rte_mempool *received, *filled, *headers, *clones;
static struct net *hosts[2]; /* 0 sends */
static uint64_t now_us = 1000000;
static uint32_t num_connected, num_accepted;
static struct flow *senders[FLOWS_MAX], *receivers[FLOWS_MAX];
static uint64_t num_arrived, left_to_send;
static uint64_t link_cycles;

static void die(const char *what)
{
    fprintf(stderr, "net_bulk: %s\n", what);
    exit(1);
}

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    (void)user;
    (void)peer;
    (void)local;
    receivers[num_accepted] = flow;
    return &receivers[num_accepted++];
}

static void on_connected(void *user)
{
    (void)user;
    num_connected++;
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    num_arrived += chain->pkt_len;
    flow_consumed(*(struct flow **)user, chain->pkt_len);
    rte_pktmbuf_free(chain);
}

static void on_fin(void *user)
{
    (void)user;
}

static void fill(struct flow *flow)
{
    uint32_t room = flow_send_room(flow);
    while (room >= PIECE && left_to_send) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(filled);
        if (!m || !rte_pktmbuf_append(m, PIECE))
            die("no mbuf to fill");
        flow_send(flow, m);
        room -= PIECE;
        left_to_send -= PIECE;
    }
}

static void on_sent(void *user, uint32_t bytes)
{
    (void)bytes;
    fill(*(struct flow **)user);
}

static void on_ended(void *user, enum flow_end why)
{
    (void)user;
    (void)why;
    die("a connection ended");
}

static const struct flow_events events = {on_accepted, on_connected, on_received,
                                          on_fin,      on_sent,      on_ended};

static struct net *host_new(uint8_t host, uint32_t offloads)
{
    char error[160];
    const struct net_address address = {net_ip4(rte_cpu_to_be_32(0x0a000000u | host)), 96 + 24};
    struct net_config config = {.port = {.mac = {2, 0, 0, 0, 0, host},
                                         .mtu = 1500,
                                         .offloads = offloads,
                                         .max_tx_segs = 8,
                                         .buffers = headers,
                                         .clones = clones,
                                         .socket = -1},
                                .addresses = &address,
                                .num_addresses = 1,
                                .max_flows = FLOWS_MAX,
                                .max_half_open = FLOWS_MAX,
                                .max_detached = FLOWS_MAX,
                                .max_time_wait = 64,
                                .max_neighbours = 16,
                                .max_reassembled = 16,
                                .max_fragments = 64,
                                .max_buffers = MBUFS / 4 * 3,
                                .secret = {host},
                                .now_us = now_us};
    struct net *net = net_new(&config, error, sizeof(error));
    if (!net)
        die(error);
    return net;
}

/* ---- the link ---- */

static struct rte_mbuf *copy_of(const struct rte_mbuf *frame)
{
    struct rte_mbuf *copy = rte_pktmbuf_alloc(received);
    char *to = copy ? rte_pktmbuf_append(copy, (uint16_t)frame->pkt_len) : NULL;
    if (!to)
        die("no mbuf for a received frame");
    for (; frame; frame = frame->next) {
        memcpy(to, rte_pktmbuf_mtod(frame, const char *), frame->data_len);
        to += frame->data_len;
    }
    return copy;
}

static void carry(struct rte_mbuf **frames, uint16_t num)
{
    const uint64_t begin = rte_rdtsc_precise();
    for (uint16_t i = 0; i < num; i++) {
        struct rte_mbuf *frame = frames[i];
        frames[i] = copy_of(frame);
        rte_pktmbuf_free(frame);
    }
    link_cycles += rte_rdtsc_precise() - begin;
}

static bool pass(int from)
{
    struct rte_mbuf *frames[BURST];
    net_timers(hosts[from], now_us);
    const uint16_t num = net_output(hosts[from], frames, BURST, now_us);
    carry(frames, num);
    if (num)
        net_input(hosts[!from], frames, num, now_us);
    return num;
}

/* ---- the work ---- */

static uint64_t transfer(uint64_t bytes, uint32_t num_flows)
{
    left_to_send = bytes / PIECE * PIECE;
    const uint64_t wanted = num_arrived + left_to_send, begin = rte_rdtsc_precise();
    for (bool moved = false; num_arrived < wanted; now_us += TURN_US) {
        for (uint32_t i = 0; !moved && i < num_flows; i++)
            fill(senders[i]);
        moved = pass(0);
        moved |= pass(1);
    }
    return rte_rdtsc_precise() - begin;
}

static void connect_all(uint32_t num_flows)
{
    char error[160];
    const struct net_addr to = {net_ip4(rte_cpu_to_be_32(0x0a000002)), 80};
    if (flow_listen(hosts[1], &to, &events, NULL, error, sizeof(error)))
        die(error);
    for (uint32_t i = 0; i < num_flows; i++) {
        senders[i] = flow_connect(hosts[0], &to, NULL, &events, &senders[i]);
        while (senders[i] && num_connected <= i) {
            now_us += TURN_US;
            pass(0);
            pass(1);
        }
    }
}

/* The least of the repetitions, since what disturbs only adds. */
static void measure(const char *name, uint64_t bytes, uint32_t num_flows)
{
    double stack = 1e30, link = 0;
    transfer(bytes, num_flows); /* warms up */
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        link_cycles = 0;
        const uint64_t all = transfer(bytes, num_flows);
        if ((double)(all - link_cycles) < stack) {
            stack = (double)(all - link_cycles);
            link = (double)link_cycles;
        }
    }
    const double segments = (double)(bytes / PIECE);
    printf("%-28s %6u %14.2f %18.0f %18.0f\n", name, num_flows, segments * PIECE / stack,
           stack / segments, link / segments);
}

static bool start(void)
{
    if (!TEST_EAL("--no-huge", "-m", "256"))
        return false;
    received = rte_pktmbuf_pool_create("received", MBUFS, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    filled = rte_pktmbuf_pool_create("filled", MBUFS, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    headers = rte_pktmbuf_pool_create("headers", MBUFS, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    clones = rte_pktmbuf_pool_create("clones", MBUFS, CACHE, 0, 0, 0);
    return received && filled && headers && clones;
}

int main(int argc, char **argv)
{
    const uint64_t bytes = (argc > 1 ? (uint64_t)atoi(argv[1]) : 200) * 1000000;
    const uint32_t most = argc > 2 ? (uint32_t)atoi(argv[2]) : 100;
    if (bytes < 1000000 || !most || most > FLOWS_MAX || !start()) {
        printf("SKIP net_bulk: EAL does not start here\n");
        return 77;
    }
    static const struct {
        const char *name;
        uint32_t offloads;
    } ports[] = {{"a frame in several mbufs", NET_TX_MULTI_SEGS}, {"a frame in one mbuf", 0}};
    printf("%-28s %6s %14s %18s %18s\n", "what the port takes", "flows", "bytes a cycle",
           "cycles a segment", "and of the link");
    for (size_t i = 0; i < RTE_DIM(ports); i++) {
        num_connected = num_accepted = 0;
        for (int host = 0; host < 2; host++)
            hosts[host] = host_new((uint8_t)(host + 1), ports[i].offloads);
        connect_all(most);
        measure(ports[i].name, bytes, 1);
        measure(ports[i].name, bytes, most);
        net_free(hosts[0]);
        net_free(hosts[1]);
    }
    return 0;
}
