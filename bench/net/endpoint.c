/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Lockstepd's stack at one end of a bulk transfer:
 *
 *     net_endpoint EAL... -- BYTES
 *
 * As 10.8.0.2/24 it takes and drops (port 9), and closes once the client has; or sends BYTES and
 * FIN (port 19). SIGTERM: it says what it counted, and ends.
 */

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "port.h"
#include "stack.h"

#define OUR_IP    0x0a080002u
#define NUM_MBUFS 32768u /* lockstepd's default */
#define MAX_ENDS  64u
#define PORT_TAKE 9u
#define PORT_GIVE 19u

struct end {
    struct flow *flow; /* NULL: not in use */
    uint64_t left;     /* to send */
    bool gives, is_shut;
};

static struct end ends[MAX_ENDS];
static struct port port;
static struct net *net;
static uint64_t to_give;
static volatile sig_atomic_t must_stop;

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    (void)user;
    (void)peer;
    for (uint32_t i = 0; i < MAX_ENDS; i++) {
        if (!ends[i].flow) {
            const bool gives = local->port == PORT_GIVE;
            ends[i] = (struct end){.flow = flow, .gives = gives, .left = gives ? to_give : 0};
            return &ends[i];
        }
    }
    return NULL;
}

/* All that there is room for, in buffers of a segment each. */
static void give(struct end *e)
{
    const uint16_t mss = flow_mss(e->flow);
    uint32_t room = flow_send_room(e->flow);
    while (e->left && room >= RTE_MIN((uint64_t)mss, e->left)) {
        const uint16_t len = (uint16_t)RTE_MIN((uint64_t)mss, e->left);
        struct rte_mbuf *m = rte_pktmbuf_alloc(port.tx_pool);
        if (!m)
            return;
        rte_pktmbuf_append(m, len);
        flow_send(e->flow, m);
        e->left -= len;
        room -= len;
    }
    if (!e->left && !e->is_shut) {
        flow_shutdown(e->flow);
        e->is_shut = true;
    }
}

static void on_received(void *user, struct rte_mbuf *bytes)
{
    flow_consumed(((struct end *)user)->flow, bytes->pkt_len);
    rte_pktmbuf_free(bytes);
}

static void on_fin(void *user)
{
    struct end *e = user;
    if (!e->gives)
        flow_shutdown(e->flow);
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
    (void)why;
    ((struct end *)user)->flow = NULL;
}

static const struct flow_events events = {on_accepted, ignore,  on_received,
                                          on_fin,      on_sent, on_ended};

static void on_signal(int number)
{
    (void)number;
    must_stop = 1;
}

static bool start(void)
{
    char error[160];
    const struct net_address address = {net_ip4(rte_cpu_to_be_32(OUR_IP)), 96 + 24};
    if (port_start(&port, 1, 0, NUM_MBUFS, 0, error, sizeof(error))) {
        fprintf(stderr, "net_endpoint: %s\n", error);
        return false;
    }
    const struct stack_config config = {.port = &port,
                                        .addresses = &address,
                                        .num_addresses = 1,
                                        .max_flows = MAX_ENDS,
                                        .now_us = clock_us()};
    net = stack_new(&config, error, sizeof(error));
    for (uint16_t service = PORT_TAKE; net && service <= PORT_GIVE;
         service += PORT_GIVE - PORT_TAKE) {
        const struct net_addr at = {address.ip, service};
        if (flow_listen(net, &at, &events, NULL, error, sizeof(error)))
            return false;
    }
    return net;
}

int main(int argc, char **argv)
{
    const int used = rte_eal_init(argc, argv);
    if (used < 0 || argc - used != 2)
        return 2;
    to_give = strtoull(argv[used + 1], NULL, 10);
    if (!start())
        return 2;
    struct stack_turn turn = {.timed_us = clock_us()};
    signal(SIGTERM, on_signal);
    printf("ready\n");
    fflush(stdout);
    while (!must_stop) {
        const uint64_t now_us = clock_us();
        const uint32_t num = stack_receive(net, &port, &turn, now_us);
        for (uint32_t i = 0; i < MAX_ENDS; i++)
            if (ends[i].flow && ends[i].gives)
                give(&ends[i]);
        stack_timers(net, &turn);
        stack_send(net, &port, now_us);
        if (!num)
            sched_yield();
    }
    struct flow_counters c;
    flow_get_counters(net, &c);
    printf("retransmits=%llu timeouts=%llu spurious=%llu probes=%llu\n",
           (unsigned long long)c.retransmits, (unsigned long long)c.timeouts,
           (unsigned long long)c.spurious_timeouts, (unsigned long long)c.tail_probes);
    net_free(net);
    return 0;
}
