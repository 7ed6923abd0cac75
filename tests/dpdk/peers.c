/* SPDX-License-Identifier: BSD-3-Clause */
#include "peers.h"
#include "common/test.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#define STEP_US 20000u
#define RECORD  16384u

struct peer peers[NUM_PEERS];
struct port peers_port;
struct net *peers_net;
static uint64_t now_us = SECOND;
static unsigned int free_at_start;
static bool is_asked; /* for its MAC */

static struct peer *peer_at(uint16_t port)
{
    const uint32_t at = (uint32_t)port - PEER_PORT;
    return at < NUM_PEERS ? &peers[at] : NULL;
}

static uint16_t port_of(const struct peer *p)
{
    return (uint16_t)(PEER_PORT + (uint32_t)(p - peers));
}

/* Takes what is in order and within the window; the rest is lost. */
static void take_bytes(struct peer *p, const struct segment *s, bool fin)
{
    uint32_t end = s->seq + s->len;
    if ((int32_t)(end - p->edge) > 0) {
        end = p->edge;
        fin = false;
    }
    if ((int32_t)(s->seq - p->next) > 0 || (int32_t)(end - p->next) < 0 || p->got_fin)
        return;
    p->got += end - p->next;
    p->got_fin = fin;
    p->next = end + fin;
}

static void take(struct peer *p, const struct segment *s)
{
    const bool fin = s->flags & RTE_TCP_FIN_FLAG;
    p->last_window = s->window;
    if (s->flags & RTE_TCP_RST_FLAG) {
        *(s->seq == p->next ? &p->got_rst : &p->got_bad_rst) = true;
    } else if (s->flags & RTE_TCP_SYN_FLAG) {
        p->next = p->ack = s->seq + 1;
        p->edge = p->next + p->window;
        p->our_port = s->our_port;
    } else if (fin && p->lose_fins) {
        p->lose_fins--;
    } else if (!s->len && !fin) {
        p->owes_ack |= (int32_t)(s->seq - p->next) < 0; /* a probe */
    } else {
        p->longest = s->len > p->longest ? s->len : p->longest;
        p->num_segments++;
        p->owes_ack = true;
        take_bytes(p, s, fin);
    }
}

static uint16_t on_transmit(uint16_t id, uint16_t queue, struct rte_mbuf **packets, uint16_t num,
                            void *unused)
{
    (void)id;
    (void)queue;
    (void)unused;
    for (uint16_t i = 0; i < num; i++) {
        struct segment s;
        is_asked |= segments_is_asked(packets[i]);
        if (!segment_read(packets[i], &s) || s.peer_ip != SEGMENTS_PEER_IP)
            continue;
        struct peer *p = peer_at(s.peer_port);
        if (p)
            take(p, &s);
    }
    return num;
}

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *addr,
                         const struct net_addr *local)
{
    struct peer *p = peer_at(addr->port);
    (void)user;
    (void)local;
    if (p)
        p->flow = flow;
    return p;
}

static void on_connected(void *user)
{
    ((struct peer *)user)->connected = true;
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    struct peer *p = user;
    p->received += chain->pkt_len;
    if (!p->is_unread)
        flow_consumed(p->flow, chain->pkt_len);
    rte_pktmbuf_free(chain);
}

static void on_fin(void *user)
{
    ((struct peer *)user)->fin_received = true;
}

static void on_sent(void *user, uint32_t bytes)
{
    (void)user;
    (void)bytes;
}

static void on_ended(void *user, enum flow_end why)
{
    struct peer *p = user;
    p->flow = NULL;
    p->ended = true;
    p->why = why;
}

static const struct flow_events events = {
    on_accepted, on_connected, on_received, on_fin, on_sent, on_ended, FLOW_UNREAD_RECORD,
};

/* Zeros in buffers that are worth one, as lockstepd lays out its records. NULL: no mbufs. */
static struct rte_mbuf *record(const struct peer *p, uint32_t len)
{
    const uint16_t mss = flow_mss(p->flow), each = mss < 1460 ? (uint16_t)(1460 / mss * mss) : mss;
    struct rte_mbuf *chain = NULL;
    while (len) {
        const uint16_t n = len < each ? (uint16_t)len : each;
        struct rte_mbuf *m = rte_pktmbuf_alloc(peers_port.tx_pool);
        if (!m) {
            rte_pktmbuf_free(chain);
            return NULL;
        }
        memset(rte_pktmbuf_append(m, n), 0, n);
        if (!chain)
            chain = m;
        else if (rte_pktmbuf_chain(chain, m))
            abort();
        len -= n;
    }
    return chain;
}

static void serve(struct peer *p)
{
    while (p->flow && p->to_send && !port_is_low(&peers_port)) {
        uint32_t len = flow_send_room(p->flow);
        len = len < p->to_send ? len : p->to_send;
        len = len < RECORD ? len : RECORD;
        struct rte_mbuf *chain = len ? record(p, len) : NULL;
        if (!chain)
            return;
        flow_send(p->flow, chain);
        p->to_send -= len;
    }
    if (!p->flow || p->to_send || p->is_shut || !p->close_when_sent)
        return;
    p->is_shut = true;
    flow_close(p->flow);
    p->flow = NULL;
}

void peers_receive(struct rte_mbuf *frame)
{
    net_input(peers_net, &frame, 1, now_us);
}

void peers_settle(void)
{
    bool again = true;
    for (int i = 0; again && i < 10000; i++) {
        again = false;
        for (uint32_t k = 0; k < NUM_PEERS; k++)
            serve(&peers[k]);
        net_timers(peers_net, now_us);
        again |= stack_send(peers_net, &peers_port, now_us);
        if (is_asked) {
            is_asked = false;
            segments_introduce(peers_net, &peers_port, true, now_us);
            again = true;
        }
        for (uint32_t k = 0; k < NUM_PEERS; k++) {
            if (!peers[k].reads || !peers[k].owes_ack)
                continue;
            peer_read_on(&peers[k], peers[k].window);
            again = true;
        }
    }
}

void peers_advance(uint64_t us)
{
    for (uint64_t end = now_us + us; now_us < end; now_us += STEP_US) {
        peers_settle();
    }
}

static void send_one(struct peer *p, uint8_t flags, const uint8_t *options, uint8_t options_len,
                     uint16_t len)
{
    const struct segment s = {.peer_port = port_of(p),
                              .our_port = p->our_port,
                              .seq = p->seq,
                              .ack = p->ack,
                              .window = p->window,
                              .flags = flags,
                              .options = options,
                              .options_len = options_len,
                              .len = len};
    p->owes_ack = false;
    if ((int32_t)(p->ack + p->window - p->edge) > 0)
        p->edge = p->ack + p->window;
    p->seq += len + (flags & (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG) ? 1u : 0u);
    peers_receive(segment_make(&peers_port, &s));
}

void peer_send(struct peer *p, uint8_t flags, uint16_t len)
{
    send_one(p, flags, NULL, 0, len);
}

void peer_send_at(struct peer *p, uint32_t away, uint8_t flags, uint16_t len)
{
    const uint32_t seq = p->seq;
    p->seq += away;
    peer_send(p, flags, len);
    p->seq = seq;
}

void peer_read_on(struct peer *p, uint16_t window)
{
    p->reads = true;
    p->ack = p->next;
    p->window = window;
    peer_send(p, RTE_TCP_ACK_FLAG, 0);
}

void peer_send_options(struct peer *p, uint8_t flags, const uint8_t *options, uint8_t options_len)
{
    send_one(p, flags, options, options_len, 0);
}

static void send_syn(struct peer *p, uint8_t flags)
{
    uint8_t options[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    if (p->mss)
        memcpy(options, (uint8_t[]){2, 4, (uint8_t)(p->mss >> 8), (uint8_t)p->mss}, 4);
    if (p->scales)
        memcpy(options + 4, (uint8_t[]){1, 3, 3, 0}, 4);
    peer_send_options(p, flags, options, sizeof(options));
}

void peer_begin(struct peer *p)
{
    p->our_port = SERVICE;
    p->seq = 0x1000u * port_of(p);
    send_syn(p, RTE_TCP_SYN_FLAG);
    peers_settle();
}

void peer_open(struct peer *p)
{
    peer_begin(p);
    peer_send(p, RTE_TCP_ACK_FLAG, 0);
    peers_settle();
}

void peer_accept(struct peer *p)
{
    const struct net_addr to = {net_ip4(rte_cpu_to_be_32(SEGMENTS_PEER_IP)), port_of(p)};
    p->seq = 0x1000u * port_of(p);
    p->flow = flow_connect(peers_net, &to, NULL, &events, p);
    peers_settle();
    send_syn(p, RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG);
    peers_settle();
}

static unsigned int free_mbufs(void)
{
    return rte_mempool_avail_count(peers_port.rx_pool) +
           rte_mempool_avail_count(peers_port.tx_pool) + rte_mempool_avail_count(peers_port.clones);
}

bool peers_start(void)
{
    char error[160];
    const struct net_addr addr = {net_ip4(rte_cpu_to_be_32(SEGMENTS_OUR_IP)), SERVICE};
    peers_net = segments_start(&peers_port, PEER_BUFFERS, MAX_FLOWS, false, now_us);
    if (!peers_net || flow_listen(peers_net, &addr, &events, NULL, error, sizeof(error)))
        return false;
    rte_eth_add_tx_callback(peers_port.id, 0, on_transmit, NULL);
    free_at_start = free_mbufs();
    return true;
}

bool peers_end(void)
{
    struct flow_counters c;
    for (uint32_t i = 0; i < NUM_PEERS; i++) {
        struct peer *p = &peers[i];
        if (p->flow)
            flow_abort(p->flow);
        *p = (struct peer){0};
    }
    peers_advance(100 * (uint64_t)SECOND);
    flow_get_counters(peers_net, &c);
    return c.flows == 0 && c.detached == 0 && free_mbufs() == free_at_start;
}

/* ---- peers as they are ---- */

#define DRIP 8u

struct peer *ordinary(uint32_t at)
{
    peers[at] = (struct peer){.mss = 1460, .scales = true, .window = 65535, .reads = true};
    return &peers[at];
}

struct peer *silent(uint32_t at)
{
    struct peer *p = ordinary(at);
    p->reads = false;
    return p;
}

struct flow_counters counters(void)
{
    struct flow_counters c;
    flow_get_counters(peers_net, &c);
    return c;
}

void upload(struct peer *p, uint32_t len)
{
    for (uint32_t sent = 0; sent < len; sent += 1000) {
        peer_send(p, ACK | PSH, 1000);
        peers_settle();
    }
    CU_ASSERT_EQUAL(p->received, len);
}

void open_idle(struct peer *p, enum manner manner)
{
    if (manner == ANSWERS_PROBES)
        p->window = 1000;
    peer_open(p);
}

void idle_on(struct peer *p, enum manner manner)
{
    if (manner == SAYS_NOTHING || p->got_rst)
        return;
    if (manner == DRIPS) {
        p->ack += p->next - p->ack < DRIP ? p->next - p->ack : DRIP;
    } else {
        p->ack = p->next;
        p->window = (uint16_t)(p->edge - p->next); /* opens no further */
    }
    peer_send(p, ACK, 0);
}
