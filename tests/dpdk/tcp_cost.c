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
#include <rte_arp.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"
#include "tcp.h"

#define MAX_FLOWS   10000u
#define FIRST_PORT  20000u
#define OUR_IP      0x0a080002u
#define CLIENT_IP   0x0a080001u
#define REQUEST_LEN 120u
#define BURST       32u
#define HEADERS     (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_tcp_hdr))

/* The client's side of a connection. */
static struct client {
    uint32_t seq, ack;
    uint32_t end; /* of the answer: what ack must become */
} clients[MAX_FLOWS];

static struct port port;
static uint32_t answer_len = 250;
static uint64_t num_accepted;
static struct flow *flows[MAX_FLOWS];
static const struct rte_ether_addr client_mac = {{2, 0, 0, 0, 0, 1}};

static uint16_t on_transmit(uint16_t id, uint16_t queue, struct rte_mbuf **packets, uint16_t num,
                            void *unused)
{
    (void)id;
    (void)queue;
    (void)unused;
    for (uint16_t i = 0; i < num; i++) {
        const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(packets[i], struct rte_ether_hdr *);
        if (eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
            continue;
        const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);
        const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(ip + 1);
        uint32_t at = rte_be_to_cpu_16(tcp->dst_port) - FIRST_PORT;
        uint32_t len = rte_be_to_cpu_16(ip->total_length) - 20u - (tcp->data_off >> 4) * 4u;
        if (tcp->tcp_flags & RTE_TCP_SYN_FLAG)
            len++;
        if (at >= MAX_FLOWS || !len)
            continue;
        uint32_t end = rte_be_to_cpu_32(tcp->sent_seq) + len;
        if ((int32_t)(end - clients[at].ack) > 0 || tcp->tcp_flags & RTE_TCP_SYN_FLAG)
            clients[at].ack = end;
    }
    return num;
}

static struct rte_mbuf *segment(uint32_t at, uint8_t flags, uint16_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(port.rx_pool);
    struct client *c = &clients[at];
    struct rte_ether_hdr *eth =
        m ? (struct rte_ether_hdr *)rte_pktmbuf_append(m, (uint16_t)(HEADERS + len)) : NULL;
    if (!eth) {
        fprintf(stderr, "tcp_cost: no mbufs left\n");
        exit(1);
    }
    struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
    struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);
    memset(eth, 0, HEADERS + len);
    memcpy(&eth->dst_addr, port.mac, 6);
    eth->src_addr = client_mac;
    eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
    *ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
                                .total_length = rte_cpu_to_be_16((uint16_t)(40 + len)),
                                .time_to_live = 64,
                                .next_proto_id = IPPROTO_TCP,
                                .src_addr = rte_cpu_to_be_32(CLIENT_IP),
                                .dst_addr = rte_cpu_to_be_32(OUR_IP)};
    *tcp = (struct rte_tcp_hdr){.src_port = rte_cpu_to_be_16((uint16_t)(FIRST_PORT + at)),
                                .dst_port = RTE_BE16(80),
                                .sent_seq = rte_cpu_to_be_32(c->seq),
                                .recv_ack = rte_cpu_to_be_32(c->ack),
                                .data_off = 5 << 4,
                                .tcp_flags = flags,
                                .rx_win = RTE_BE16(65535)};
    tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
    ip->hdr_checksum = rte_ipv4_cksum(ip);
    c->seq += len + (flags & RTE_TCP_SYN_FLAG ? 1 : 0);
    return m;
}

static void *on_accepted(void *user, struct flow *flow, const struct flow_addr *peer)
{
    (void)user;
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
        if (!m || !rte_pktmbuf_append(m, n) || !flow_send(flow, m)) {
            fprintf(stderr, "tcp_cost: the stack does not take an answer\n");
            exit(1);
        }
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
    flow_input(burst, num);
    flow_flush();
    flow_timers();
    return rte_rdtsc_precise() - begin;
}

/* An ARP request of ours tells the stack the client's address. */
static void introduce(void)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(port.rx_pool);
    struct rte_ether_hdr *eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, 60);
    if (!eth)
        exit(1);
    struct rte_arp_hdr *arp = (struct rte_arp_hdr *)(eth + 1);
    memset(eth, 0, 60);
    memset(&eth->dst_addr, 0xff, 6);
    eth->src_addr = client_mac;
    eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_ARP);
    *arp = (struct rte_arp_hdr){
        RTE_BE16(RTE_ARP_HRD_ETHER),
        RTE_BE16(RTE_ETHER_TYPE_IPV4),
        6,
        4,
        RTE_BE16(RTE_ARP_OP_REQUEST),
        {client_mac, rte_cpu_to_be_32(CLIENT_IP), {{0}}, rte_cpu_to_be_32(OUR_IP)}};
    run(&m, 1);
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

static int start(void)
{
    char *args[] = {(char[]){"tcp_cost"},
                    (char[]){"--no-huge"},
                    (char[]){"--no-shconf"},
                    (char[]){"-m"},
                    (char[]){"512"},
                    (char[]){"--no-pci"},
                    (char[]){"--no-telemetry"},
                    (char[]){"--log-level"},
                    (char[]){"*:error"},
                    (char[]){"--vdev=net_null0,no-rx=1"}};
    char directory[] = "/tmp/lockstep-eal-XXXXXX", error[160];
    if (!mkdtemp(directory) || setenv("RUNTIME_DIRECTORY", directory, 1))
        return -1;
    int used = rte_eal_init((int)RTE_DIM(args), args);
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    if (system(command) || used < 0)
        return -1;
    const struct flow_config config = {&port, rte_cpu_to_be_32(OUR_IP),
                                       rte_cpu_to_be_32(0xffff0000), 0, MAX_FLOWS};
    const struct flow_addr addr = {rte_cpu_to_be_32(OUR_IP), 80};
    if (port_start(&port, 0, 32767, 0, error, sizeof(error)) ||
        flow_init(&config, error, sizeof(error)) ||
        flow_listen(&addr, &events, NULL, error, sizeof(error))) {
        printf("%s\n", error);
        return -1;
    }
    rte_eth_add_tx_callback(port.id, 0, on_transmit, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    static const uint32_t nums[] = {1, 32, 100, 1000, 10000};
    if (argc > 1)
        answer_len = (uint32_t)atoi(argv[1]);
    const uint32_t num_requests = argc > 2 ? (uint32_t)atoi(argv[2]) : 50000;
    if (start()) {
        printf("SKIP tcp_cost: EAL does not start here\n");
        return 77;
    }
    introduce();
    for (size_t i = 0; i < RTE_DIM(nums); i++) {
        open_until(nums[i]);
        measure(nums[i], num_requests);
    }
    return 0;
}
