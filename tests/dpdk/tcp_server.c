/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Small TCP services on lockstepd's stack, for tcp_peer.py to try from the kernel's side:
 *
 *     tcp_server EAL... -- LOSE SWAP REPEAT FINS   (see struct faults)
 *
 * As 10.8.0.2/24 it echoes (7), takes and drops (9), sends SOURCE_LEN bytes and FIN and goes on
 * receiving (19) or lets go of the connection (25), keeps what comes until
 * it is stopped (26), connects on
 * to 10.8.0.1:2000 (20), :2001 (21) or 10.8.0.99:2000 (22), closes (23) or resets (24) at the first
 * bytes. SIGTERM: it waits until all connections are gone and says whether all mbufs are back.
 */

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "clock.h"
#include "port.h"
#include "stack.h"
#include "tcp_faults.h"

#define MAX_FLOWS  4096u
#define SOURCE_LEN (1u << 20)
#define CLOSE_LEN  16000u /* a flow takes so much at once */
#define BURST      32u
#define OUR_IP     0x0a080002u

enum service {
    ECHO = 7,
    DISCARD = 9,
    SOURCE = 19,
    SPLICE = 20,
    SPLICE_REFUSED = 21,
    SPLICE_UNREACHABLE = 22,
    CLOSE = 23,
    RESET = 24,
    SOURCE_CLOSE = 25,
    HOLD = 26,
};

/* One flow and what is to be sent on it; peer is whose bytes these are (echo: its own). */
struct end {
    struct flow *flow;
    struct end *peer;
    struct chain out;
    uint32_t to_make; /* bytes that SOURCE has still to send */
    bool fin_received, is_shut, is_connected, is_touched, in_use;
    enum service service;
};

static struct end ends[MAX_FLOWS];
static struct port port;
static struct net *net;
static volatile sig_atomic_t must_stop;
static uint64_t num_ended[FLOW_NUM_ENDS];

static struct end *new_end(enum service service)
{
    for (uint32_t i = 0; i < MAX_FLOWS; i++)
        if (!ends[i].in_use) {
            ends[i] = (struct end){.in_use = true, .service = service, .is_touched = true};
            return &ends[i];
        }
    return NULL;
}

static const struct flow_events events;

static bool is_splice(const struct end *e)
{
    return e->service >= SPLICE && e->service <= SPLICE_UNREACHABLE;
}

static void start_splice(struct end *e)
{
    struct net_addr to = {net_ip4(rte_cpu_to_be_32(0x0a080001)), 2000};
    if (e->service == SPLICE_REFUSED)
        to.port = 2001;
    if (e->service == SPLICE_UNREACHABLE)
        to.ip = net_ip4(rte_cpu_to_be_32(0x0a080063));
    struct end *other = new_end(e->service);
    if (!other)
        return;
    other->peer = e;
    e->peer = other;
    other->flow = flow_connect(net, &to, NULL, &events, other);
}

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    struct end *e = new_end((enum service)(uintptr_t)user);
    (void)peer;
    (void)local;
    if (!e)
        return NULL;
    e->flow = flow;
    e->is_connected = true;
    if (e->service == ECHO)
        e->peer = e;
    if (e->service == SOURCE)
        e->to_make = SOURCE_LEN;
    if (e->service == SOURCE_CLOSE)
        e->to_make = CLOSE_LEN;
    if (is_splice(e))
        start_splice(e);
    return e;
}

static void on_connected(void *user)
{
    struct end *e = user;
    e->is_connected = e->is_touched = true;
}

static void drop(struct end *e)
{
    chain_free(&e->out);
    e->flow = NULL;
    e->in_use = false;
}

static void on_received(void *user, struct rte_mbuf *bytes)
{
    struct end *e = user;
    if (e->service == CLOSE || e->service == RESET) {
        rte_pktmbuf_free(bytes);
        (e->service == CLOSE ? flow_close : flow_abort)(e->flow);
        drop(e);
    } else if (e->service == HOLD) {
        if (!chain_append_received(&e->out, bytes))
            abort();
    } else if (!e->peer) {
        flow_consumed(e->flow, bytes->pkt_len);
        rte_pktmbuf_free(bytes);
    } else if (chain_append(&e->peer->out, bytes)) {
        e->peer->is_touched = true;
    } else {
        abort(); /* a window has no room for so many segments */
    }
}

static void on_fin(void *user)
{
    struct end *e = user;
    e->fin_received = e->is_touched = true;
    if (e->peer)
        e->peer->is_touched = true;
}

static void on_sent(void *user, uint32_t bytes)
{
    (void)bytes;
    ((struct end *)user)->is_touched = true;
}

/* Why a connection could not be made goes to the client as a letter. */
static void say_why(struct end *e, enum flow_end why)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(port.tx_pool);
    *rte_pktmbuf_append(m, 1) = "RTFUNC"[why];
    chain_append(&e->out, m);
    e->peer = NULL;
    e->is_touched = true;
}

static void on_ended(void *user, enum flow_end why)
{
    struct end *e = user, *peer = e->peer;
    num_ended[why]++;
    if (peer && peer != e && !e->is_connected) {
        say_why(peer, why);
    } else if (peer && peer != e) {
        peer->peer = NULL;
        if (why != FLOW_END_CLOSED && peer->flow) {
            flow_abort(peer->flow);
            drop(peer);
        }
    }
    drop(e);
}

static const struct flow_events events = {on_accepted, on_connected, on_received,
                                          on_fin,      on_sent,      on_ended};

static void make_some(struct end *e)
{
    const uint32_t room = flow_send_room(e->flow);
    while (e->to_make && chain_len(&e->out) < room) {
        uint16_t n = e->to_make < 1460 ? (uint16_t)e->to_make : 1460;
        struct rte_mbuf *m = rte_pktmbuf_alloc(port.tx_pool);
        if (!m)
            return;
        memset(rte_pktmbuf_append(m, n), 's', n);
        chain_append(&e->out, m);
        e->to_make -= n;
    }
}

static void move(struct end *e)
{
    e->is_touched = false;
    if (!e->flow || !e->is_connected || e->service == HOLD)
        return;
    make_some(e);
    uint32_t room = flow_send_room(e->flow), n = chain_len(&e->out);
    n = n < room ? n : room;
    struct rte_mbuf *front = n ? chain_cut(&e->out, n, port.clones) : NULL;
    if (front)
        flow_send(e->flow, front);
    else if (e->out.head) /* nothing may be under way that would tell when there is room */
        e->is_touched = true;
    if (front && e->peer && e->peer->flow)
        flow_consumed(e->peer->flow, n);
    if (e->service == SOURCE_CLOSE && !e->to_make && !e->out.head) {
        flow_close(e->flow);
        drop(e);
        return;
    }
    bool no_more = e->service == SOURCE ? !e->to_make
                   : e->peer            ? e->peer->fin_received
                                        : e->fin_received || is_splice(e);
    if (no_more && !e->out.head && !e->is_shut) {
        flow_shutdown(e->flow);
        e->is_shut = true;
    }
}

static void poll_once(void)
{
    struct rte_mbuf *packets[BURST + 1];
    const uint64_t now_us = clock_us();
    uint16_t num = port_receive(&port, packets, BURST);
    net_input(net, packets, faults_received(packets, num, BURST + 1), now_us);
    for (uint32_t i = 0; i < MAX_FLOWS; i++)
        if (ends[i].in_use && ends[i].is_touched)
            move(&ends[i]);
    net_timers(net, now_us);
    stack_send(net, &port, now_us);
    if (!num)
        sched_yield();
}

static unsigned int mbufs_in_use(void)
{
    return rte_mempool_in_use_count(port.rx_pool) + rte_mempool_in_use_count(port.tx_pool) +
           rte_mempool_in_use_count(port.clones);
}

static bool listen_to_all(void)
{
    static const enum service all[] = {
        ECHO,  DISCARD, SOURCE,       SPLICE, SPLICE_REFUSED, SPLICE_UNREACHABLE,
        CLOSE, RESET,   SOURCE_CLOSE, HOLD};
    char error[160];
    for (size_t i = 0; i < RTE_DIM(all); i++) {
        struct net_addr addr = {net_ip4(rte_cpu_to_be_32(OUR_IP)), (uint16_t)all[i]};
        if (flow_listen(net, &addr, &events, (void *)(uintptr_t)all[i], error, sizeof(error))) {
            printf("%s\n", error);
            return false;
        }
    }
    return true;
}

static void stop_holding(void)
{
    for (uint32_t i = 0; i < MAX_FLOWS; i++)
        if (ends[i].in_use && ends[i].service == HOLD) {
            flow_abort(ends[i].flow);
            drop(&ends[i]);
        }
}

static void on_signal(int number)
{
    (void)number;
    must_stop = 1;
}

static int report(unsigned int in_use_at_start)
{
    struct flow_counters c;
    struct net_counters n;
    flow_get_counters(net, &c);
    net_get_counters(net, &n);
    unsigned int left = mbufs_in_use() - in_use_at_start;
    printf("tcp_server: flows=%u mbufs=%u faults=%llu retransmits=%llu rx=%llu tx=%llu "
           "for_buffers=%llu "
           "detached=%llu\n",
           c.flows, left, (unsigned long long)faults_made(), (unsigned long long)c.retransmits,
           (unsigned long long)n.rx_frames, (unsigned long long)n.tx_frames,
           (unsigned long long)c.ended_for_buffers,
           (unsigned long long)(c.ended_detached_deadline + c.detached_limit));
    return c.flows || left;
}

int main(int argc, char **argv)
{
    char error[160];
    int used = rte_eal_init(argc, argv);
    if (used < 0 || argc - used != 5)
        return 2;
    if (port_start(&port, 1, 0, 16383, 0, error, sizeof(error))) {
        printf("%s\n", error);
        return 2;
    }
    const unsigned int in_use_at_start = mbufs_in_use();
    const struct faults faults = {(uint32_t)atoi(argv[used + 1]), (uint32_t)atoi(argv[used + 2]),
                                  (uint32_t)atoi(argv[used + 3]), (uint32_t)atoi(argv[used + 4])};
    const struct net_address address = {net_ip4(rte_cpu_to_be_32(OUR_IP)), 96 + 24};
    const struct stack_config config = {.port = &port,
                                        .addresses = &address,
                                        .num_addresses = 1,
                                        .max_flows = MAX_FLOWS,
                                        .now_us = clock_us()};
    net = stack_new(&config, error, sizeof(error));
    if (!net || !listen_to_all())
        return 2;
    faults_start(&port, &faults);
    signal(SIGTERM, on_signal);
    printf("tcp_server: ready\n");
    fflush(stdout);
    while (!must_stop)
        poll_once();
    flow_unlisten_all(net);
    stop_holding();
    /* TIME_WAIT holds no mbufs; what is left finishes, or runs into its deadline of a minute, and
     * neighbours that do not answer are given up */
    struct flow_counters c = {.flows = 1};
    for (uint64_t end = clock_us() + 90000000;
         (c.flows || mbufs_in_use() > in_use_at_start) && clock_us() < end;) {
        poll_once();
        flow_get_counters(net, &c);
    }
    const int status = report(in_use_at_start);
    net_free(net);
    return status;
}
