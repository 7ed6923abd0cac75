/* SPDX-License-Identifier: BSD-3-Clause */
#include "clients.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/tcp_option.h"
#include "port.h"

#define NUM_MBUFS     32767u
#define FIRST_ADDRESS 0x0a090001u /* behind the gateway */
#define FIRST_PORT    1024u
#define SERVICE       80u

struct clients clients;
static struct port port;

uint64_t resident_bytes(void)
{
    unsigned long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
        fprintf(stderr, "bench: /proc/self/statm cannot be read\n");
    if (f)
        fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool has_hugepages(void)
{
    unsigned long num = 0;
    FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
    if (f && fscanf(f, "%lu", &num) != 1)
        num = 0;
    if (f)
        fclose(f);
    if (num * 2 >= SEGMENTS_MEMORY)
        printf("packet buffers: in hugepages\n");
    else
        printf("packet buffers: in 4 KiB pages, since only %lu hugepages of 2 MB are free "
               "(vm.nr_hugepages; %u do)\n",
               num, SEGMENTS_MEMORY / 2);
    return num * 2 >= SEGMENTS_MEMORY;
}

/* ---- the clients' side ---- */

static bool client_of(uint32_t *at, const struct segment *s)
{
    const uint32_t address = s->peer_ip - FIRST_ADDRESS, number = s->peer_port - FIRST_PORT;
    *at = address * CLIENTS_PER_ADDRESS + number;
    return number < CLIENTS_PER_ADDRESS && address < 256 && *at < clients.max;
}

static void hear(const struct segment *got)
{
    uint32_t at;
    struct tcp_options options;
    if (!client_of(&at, got)) {
        clients.num_others++;
        return;
    }
    struct client *c = &clients.all[at];
    const bool is_syn = got->flags & RTE_TCP_SYN_FLAG;
    const uint32_t end = got->seq + got->len + is_syn;
    if (got->flags & RTE_TCP_RST_FLAG) {
        fprintf(stderr, "bench: a client was reset\n");
        exit(1);
    }
    if (tcp_options_read(&options, got->options, got->options_len, is_syn) && options.has_ts)
        c->ts = options.ts_value;
    if (is_syn || (int32_t)(end - c->ack) > 0) {
        c->ack = end;
        if (clients.heard)
            clients.heard(at);
    }
}

static uint16_t on_transmit(uint16_t id, uint16_t queue, struct rte_mbuf **packets, uint16_t num,
                            void *unused)
{
    (void)id;
    (void)queue;
    (void)unused;
    for (uint16_t i = 0; i < num; i++) {
        struct segment got;
        if (segment_read(packets[i], &got))
            hear(&got);
    }
    return num;
}

struct rte_mbuf *client_segment(uint32_t at, uint8_t flags, uint16_t len, uint64_t now_us)
{
    struct client *c = &clients.all[at];
    const bool is_syn = flags & RTE_TCP_SYN_FLAG;
    const struct tcp_options options = {.has_mss = is_syn,
                                        .mss = 1460,
                                        .has_scale = is_syn,
                                        .has_sack_ok = is_syn,
                                        .has_ts = true,
                                        .ts_value = (uint32_t)(now_us / 1000),
                                        .ts_echo = c->ts};
    uint8_t bytes[TCP_OPTIONS_MAX];
    const struct segment s = {.peer_ip = FIRST_ADDRESS + at / CLIENTS_PER_ADDRESS,
                              .peer_port = (uint16_t)(FIRST_PORT + at % CLIENTS_PER_ADDRESS),
                              .our_port = SERVICE,
                              .seq = c->seq,
                              .ack = c->ack,
                              .window = 65535,
                              .flags = flags,
                              .options_len = (uint8_t)tcp_options_write(bytes, &options),
                              .options = bytes,
                              .len = len};
    c->seq += len + is_syn;
    return segment_make(&port, &s);
}

struct rte_mbuf *client_request(uint32_t at, uint64_t now_us)
{
    clients.all[at].end = clients.all[at].ack + clients.answer_len;
    return client_segment(at, RTE_TCP_ACK_FLAG | RTE_TCP_PSH_FLAG, CLIENTS_REQUEST_LEN, now_us);
}

/* ---- the server's ---- */

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    const struct segment from = {.peer_ip = rte_be_to_cpu_32(net_ip_v4_be(&peer->ip)),
                                 .peer_port = peer->port};
    uint32_t at;
    (void)user;
    (void)local;
    if (!client_of(&at, &from))
        return NULL;
    clients.flows[at] = flow;
    clients.num_accepted++;
    return &clients.flows[at];
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    struct flow *flow = *(struct flow **)user;
    flow_consumed(flow, chain->pkt_len);
    rte_pktmbuf_free(chain);
    for (uint32_t left = clients.answer_len; left;) {
        const uint16_t n = (uint16_t)RTE_MIN(left, (uint32_t)flow_mss(flow));
        struct rte_mbuf *m = rte_pktmbuf_alloc(port.tx_pool);
        if (!m || !rte_pktmbuf_append(m, n)) {
            fprintf(stderr, "bench: no mbufs left for an answer\n");
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
    fprintf(stderr, "bench: a connection ended, %d\n", why);
    exit(1);
}

static const struct flow_events events = {on_accepted, ignore,  on_received,
                                          ignore,      on_sent, on_ended};

bool clients_start(uint32_t max, uint32_t answer_len)
{
    char error[160];
    const struct net_addr addr = {net_ip4(rte_cpu_to_be_32(SEGMENTS_OUR_IP)), SERVICE};
    clients = (struct clients){.max = max,
                               .answer_len = answer_len,
                               .port = &port,
                               .all = calloc(max, sizeof(*clients.all)),
                               .flows = calloc(max, sizeof(*clients.flows))};
    if (clients.all && clients.flows) {
        /* so that what grows later is the stack's */
        memset(clients.all, 1, max * sizeof(*clients.all));
        memset(clients.flows, 1, max * sizeof(*clients.flows));
        clients.net = segments_start(&port, NUM_MBUFS, max, has_hugepages(), 0);
    }
    if (!clients.net || flow_listen(clients.net, &addr, &events, NULL, error, sizeof(error))) {
        printf("SKIP net_bench: EAL does not start here\n");
        return false;
    }
    rte_eth_add_tx_callback(port.id, 0, on_transmit, NULL);
    return true;
}

void clients_stop(void)
{
    net_free(clients.net);
    free(clients.all);
    free(clients.flows);
}

void clients_poll(struct rte_mbuf **burst, uint16_t num, uint64_t now_us)
{
    net_input(clients.net, burst, num, now_us);
    net_timers(clients.net, now_us);
    stack_send(clients.net, &port, now_us);
}

void clients_open_until(uint32_t num, uint64_t *now_us)
{
    for (uint32_t at = clients.num_accepted; at < num; at++) {
        clients.all[at] = (struct client){.seq = at * 77777};
        struct rte_mbuf *m = client_segment(at, RTE_TCP_SYN_FLAG, 0, *now_us);
        clients_poll(&m, 1, ++*now_us);
        m = client_segment(at, RTE_TCP_ACK_FLAG, 0, *now_us);
        clients_poll(&m, 1, *now_us);
        if (clients.num_accepted != at + 1) {
            fprintf(stderr, "bench: connection %u was not accepted\n", at);
            exit(1);
        }
    }
}
