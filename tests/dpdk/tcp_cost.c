/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What lockstepd's TCP costs, without a kernel in the way: a client in the same process puts
 * segments straight into the stack and reads its answers from a port that swallows them
 * (net_null, by a transmit callback). Prints cycles of the time stamp counter for one request with
 * its answer (stack only: making and reading the client's segments is outside the clock), and bytes
 * of heap an idle connection.
 *
 *     tcp_cost [ANSWER_LEN [REQUESTS]]        meson test --benchmark
 */

#include <malloc.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "port.h"
#include "segments.h"

#define MAX_FLOWS   10000u
#define FIRST_PORT  20000u
#define REQUEST_LEN 120u
#define BURST       32u

/* The client's side of a connection. */
static struct client {
    uint32_t seq, ack;
    uint32_t end; /* of the answer: what ack must become */
} clients[MAX_FLOWS];

static struct port port;
static struct net *net;
static uint32_t answer_len = 250;
static uint64_t num_accepted;
static struct flow *flows[MAX_FLOWS];

static uint16_t on_transmit(uint16_t id, uint16_t queue, struct rte_mbuf **packets, uint16_t num,
                            void *unused)
{
    (void)id;
    (void)queue;
    (void)unused;
    for (uint16_t i = 0; i < num; i++) {
        struct segment got;
        if (!segment_read(packets[i], &got))
            continue;
        uint32_t at = (uint32_t)got.peer_port - FIRST_PORT;
        uint32_t len = got.len + (got.flags & RTE_TCP_SYN_FLAG ? 1u : 0u);
        if (at >= MAX_FLOWS || !len)
            continue;
        uint32_t end = got.seq + len;
        if ((int32_t)(end - clients[at].ack) > 0 || got.flags & RTE_TCP_SYN_FLAG)
            clients[at].ack = end;
    }
    return num;
}

static struct rte_mbuf *segment(uint32_t at, uint8_t flags, uint16_t len)
{
    struct client *c = &clients[at];
    const struct segment s = {.peer_port = (uint16_t)(FIRST_PORT + at),
                              .our_port = 80,
                              .seq = c->seq,
                              .ack = c->ack,
                              .window = 65535,
                              .flags = flags,
                              .len = len};
    c->seq += len + (flags & RTE_TCP_SYN_FLAG ? 1 : 0);
    return segment_make(&port, &s);
}

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    (void)user;
    (void)local;
    flows[peer->port - FIRST_PORT] = flow;
    num_accepted++;
    return &flows[peer->port - FIRST_PORT];
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    struct flow *flow = *(struct flow **)user;
    flow_consumed(flow, chain->pkt_len);
    rte_pktmbuf_free(chain);
    for (uint32_t left = answer_len; left;) {
        uint16_t n = left < 1460 ? (uint16_t)left : 1460;
        struct rte_mbuf *m = rte_pktmbuf_alloc(port.tx_pool);
        if (!m || !rte_pktmbuf_append(m, n)) {
            fprintf(stderr, "tcp_cost: no mbufs left for an answer\n");
            exit(1);
        }
        flow_send(flow, m);
        left -= n;
    }
}

static void ignore(void *user)
{
    (void)user;
}

static void on_sent(void *user, uint32_t bytes)
{
    (void)user;
    (void)bytes;
}

static void on_ended(void *user, enum flow_end why)
{
    (void)user;
    fprintf(stderr, "tcp_cost: a connection ended, %d\n", why);
    exit(1);
}

static const struct flow_events events = {on_accepted, ignore,  on_received,
                                          ignore,      on_sent, on_ended};

/* Gives a burst to the stack and lets it answer; returns the cycles. */
static uint64_t run(struct rte_mbuf **burst, uint16_t num)
{
    uint64_t begin = rte_rdtsc_precise();
    const uint64_t now_us = clock_us();
    net_input(net, burst, num, now_us);
    net_timers(net, now_us);
    stack_send(net, &port, now_us);
    return rte_rdtsc_precise() - begin;
}

static void open_until(uint32_t num)
{
    const uint32_t from = (uint32_t)num_accepted;
    const size_t before = mallinfo2().uordblks;
    uint64_t cycles = 0;
    for (uint32_t at = from; at < num; at++) {
        clients[at].seq = at * 77777;
        struct rte_mbuf *m = segment(at, RTE_TCP_SYN_FLAG, 0);
        cycles += run(&m, 1);
        m = segment(at, RTE_TCP_ACK_FLAG, 0);
        cycles += run(&m, 1);
    }
    if (num_accepted != num) {
        fprintf(stderr, "tcp_cost: %llu of %u connections\n", (unsigned long long)num_accepted,
                num);
        exit(1);
    }
    if (num > from)
        printf("%6u connections: %6.0f cycles to open one, %zu bytes of heap each\n", num,
               (double)cycles / (num - from), (mallinfo2().uordblks - before) / (num - from));
}

/* A burst of requests on num connections from *at on, and acknowledgements until all is answered.
 */
static uint64_t ask(uint32_t *at, uint16_t num, uint32_t num_flows)
{
    struct rte_mbuf *burst[BURST];
    uint32_t asked[BURST];
    for (uint16_t i = 0; i < num; i++) {
        *at = (*at + 7919) % num_flows;
        asked[i] = *at;
        burst[i] = segment(*at, RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG, REQUEST_LEN);
        clients[*at].end = clients[*at].ack + answer_len;
    }
    uint64_t cycles = run(burst, num);
    for (;;) {
        uint16_t left = 0;
        for (uint16_t i = 0; i < num; i++)
            if (clients[asked[i]].ack != clients[asked[i]].end)
                burst[left++] = segment(asked[i], RTE_TCP_ACK_FLAG, 0);
        if (!left)
            return cycles;
        cycles += run(burst, left);
    }
}

static void measure(uint32_t num, uint32_t num_requests)
{
    double best = 1e30;
    uint32_t at = 0;
    for (int repeat = 0; repeat < 5; repeat++) {
        uint64_t cycles = 0;
        uint32_t done = 0;
        for (; done < num_requests; done += num < BURST ? num : BURST)
            cycles += ask(&at, (uint16_t)(num < BURST ? num : BURST), num);
        if ((double)cycles / done < best)
            best = (double)cycles / done;
    }
    printf("%6u connections: %6.0f cycles a request, %u bytes answered\n", num, best, answer_len);
}

static bool start(void)
{
    char error[160];
    const struct net_addr addr = {net_ip4(rte_cpu_to_be_32(SEGMENTS_OUR_IP)), 80};
    net = segments_start(&port, 32767, MAX_FLOWS, clock_us());
    if (!net || flow_listen(net, &addr, &events, NULL, error, sizeof(error)))
        return false;
    rte_eth_add_tx_callback(port.id, 0, on_transmit, NULL);
    return true;
}

int main(int argc, char **argv)
{
    static const uint32_t nums[] = {1, 32, 100, 1000, 10000};
    if (argc > 1)
        answer_len = (uint32_t)atoi(argv[1]);
    const uint32_t num_requests = argc > 2 ? (uint32_t)atoi(argv[2]) : 50000;
    if (!start()) {
        printf("SKIP tcp_cost: EAL does not start here\n");
        return 77;
    }
    for (size_t i = 0; i < RTE_DIM(nums); i++) {
        open_until(nums[i]);
        measure(nums[i], num_requests);
    }
    net_free(net);
    return 0;
}
