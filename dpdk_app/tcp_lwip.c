/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * tcp.h over lwIP's raw API.
 *
 * Sent bytes stay in their mbufs, which lwIP refers to, until no segment that lwIP may send again
 * has any of them: a segment is kept whole while part of it is not acknowledged, so what counts is
 * where the oldest kept segment begins, not what was acknowledged.
 *
 * lwIP frees connections behind our back (errors, TIME_WAIT) and does not like to be told to abort
 * one within its callbacks. So flow_close() and flow_abort() only note what is wanted and
 * flow_flush() does it; a flow lets go of its pcb before lwIP can free it silently.
 */

#include "tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/inet.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"

#include "frame.h"
#include "lwip_buckets.h"
#include "lwip_flow.h"
#include "lwip_link.h"
#include "port.h"

#define FIRST_LOCAL_PORT 1024u
#define PORT_TRIES       4096u
#define GRANTED_BY_SYN   0xffffu /* a window in a SYN is not scaled */
#define MIN_SEND_BUFFERS ((FLOW_MIN_ROOM + TCP_MSS - 1) / TCP_MSS)
#define MIN_WINDOW       (8u * 1024u)
#define SLICE_US         (TCP_TMR_INTERVAL * 1000u / BUCKET_SLICES)

#define DETACHED_SHARE 4u /* as many detached flows as one in so many that have users, and one */

#define SHORT_EVERY_US 20000u
#define SHORT_AT_ONCE  16u

struct listener {
    const struct flow_events *events;
    void *user;
    struct tcp_pcb *pcb;
};

static struct {
    struct flow *flows, *free_list, *dirty, *ending;
    uint32_t num_places, num_flows, max_detached;
    uint16_t next_port;
    uint64_t last_slice_us, last_second_us, last_short_us;
    uint64_t ended_for_buffers, ended_detached;
    struct listener listeners[MEMP_NUM_TCP_PCB_LISTEN];
    uint32_t num_listeners;
    const struct port *port;
} stack;

u32_t sys_now(void)
{
    return frame_now_ms();
}

static void mark_dirty(struct flow *f)
{
    if (f->is_dirty)
        return;
    f->is_dirty = true;
    f->next_dirty = stack.dirty;
    stack.dirty = f;
}

static struct flow *new_flow(struct tcp_pcb *pcb, const struct flow_events *events)
{
    struct flow *f = stack.free_list;
    if (!f)
        return NULL;
    stack.free_list = f->next_dirty;
    memset(f, 0, sizeof(*f));
    f->pcb = pcb;
    f->events = events;
    stack.num_flows++;
    return f;
}

static void free_flow(struct flow *f)
{
    f->unconsumed = f->old = 0;
    f->next_dirty = stack.free_list;
    stack.free_list = f;
    stack.num_flows--;
}

/* lwIP forgets us; it may still finish the connection by itself. */
static void let_go(struct flow *f)
{
    tcp_arg(f->pcb, NULL);
    tcp_recv(f->pcb, NULL);
    tcp_sent(f->pcb, NULL);
    tcp_err(f->pcb, NULL);
    tcp_poll(f->pcb, NULL, 0);
    f->pcb = NULL;
    detached_remove(f);
}

/* A peer that did not let it finish. */
static void reset_detached(struct flow *f)
{
    stack.ended_detached++;
    detached_remove(f);
    f->wants_abort = true;
    mark_dirty(f);
}

/* Its user has nothing to do with it any more. Of too many such flows the oldest has had its time.
 */
static void detach(struct flow *f)
{
    if (f->is_detached)
        return;
    f->is_detached = true;
    mark_dirty(f);
    if (!f->pcb || f->wants_abort)
        return;
    detached_add(f);
    if (detached_num() > stack.max_detached)
        reset_detached(detached_oldest());
}

/* Once both FINs are out and all bytes acknowledged, lwIP sees to the rest without a word: it frees
 * the pcb silently when TIME_WAIT ends. */
static void let_go_if_finished(struct flow *f)
{
    if (!f->pcb || !f->fin_sent || !f->fin_received || f->sent.head)
        return;
    let_go(f);
    if (f->is_detached)
        return;
    f->must_end = true;
    f->why = FLOW_END_CLOSED;
    mark_dirty(f);
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct flow *f = arg;
    if (sent_free_acknowledged(&f->sent, pcb, stack.port))
        f->progress_us = frame_now_us();
    if (f->sent.unwritten || f->wants_fin || f->is_detached)
        mark_dirty(f);
    if (!f->is_detached)
        f->events->sent(f->user, len);
    let_go_if_finished(f);
    return ERR_OK;
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct flow *f = arg;
    (void)err;
    if (!p) {
        f->fin_received = true;
        if (!f->is_detached)
            f->events->received_fin(f->user);
        else
            mark_dirty(f);
        let_go_if_finished(f);
        return ERR_OK;
    }
    uint16_t len = p->tot_len;
    if (f->is_detached) {
        pbuf_free(p);
        tcp_recved(pcb, len);
        return ERR_OK;
    }
    struct rte_mbuf *chain = link_take_mbufs(p);
    if (!chain) { /* bytes that TCP has acknowledged are lost: the connection must end */
        stack.ended_for_buffers++;
        f->events->ended(f->user, FLOW_END_NO_MEMORY);
        f->wants_abort = true;
        detach(f);
        return ERR_OK;
    }
    if (!f->old) {
        f->old = len;
        f->old_us = frame_now_us();
    }
    f->unconsumed += len;
    f->events->received(f->user, chain);
    return ERR_OK;
}

static enum flow_end why_ended(const struct flow *f, err_t err)
{
    switch (err) {
    case ERR_RST:
        return f->is_connecting ? FLOW_END_REFUSED : FLOW_END_RESET;
    case ERR_CLSD:
        return FLOW_END_CLOSED;
    default:
        return f->is_connecting ? FLOW_END_UNREACHABLE : FLOW_END_TIMEOUT;
    }
}

/* The pcb is gone, or will be when this returns. A detached flow is still in the dirty list if it
 * was marked; flow_flush() frees it. */
static void on_error(void *arg, err_t err)
{
    struct flow *f = arg;
    f->pcb = NULL;
    detached_remove(f);
    sent_free(&f->sent);
    if (!f->is_detached)
        f->events->ended(f->user, why_ended(f, err));
    detach(f);
    mark_dirty(f);
}

/*
 * One flow's fair share of a pool's buffers: a quarter of them is shared out. Received and not
 * consumed, all flows together must fit into their pool, or connections that wait for each other
 * would keep out the acknowledgements that they wait for; what waits to be acknowledged must leave
 * buffers for those that send next.
 */
static uint32_t fair_buffers(void)
{
    return stack.port->num_mbufs / 4 / (stack.num_flows ? stack.num_flows : 1);
}

static uint32_t clamp(uint32_t value, uint32_t least, uint32_t most)
{
    if (value < least)
        return least;
    return value < most ? value : most;
}

/* Bytes: what a peer sends in small pieces is joined by whoever queues it. */
static uint32_t receive_limit(const struct tcp_pcb *pcb)
{
    return clamp(fair_buffers() * TCP_MSS, MIN_WINDOW, TCP_WND_MAX(pcb));
}

static void set_callbacks(struct flow *f)
{
    tcp_arg(f->pcb, f);
    tcp_recv(f->pcb, on_received);
    tcp_sent(f->pcb, on_sent);
    tcp_err(f->pcb, on_error);
    tcp_nagle_disable(f->pcb);
}

static err_t on_accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct listener *l = arg;
    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    struct flow *f = new_flow(pcb, l->events);
    if (!f)
        return ERR_MEM; /* lwIP sends RST */
    struct flow_addr peer = {ip4_addr_get_u32(ip_2_ip4(&pcb->remote_ip)), pcb->remote_port};
    f->bucket = bucket_of(pcb->remote_ip, pcb->remote_port, pcb->local_port);
    f->sent.head_seq = pcb->snd_lbb;
    if (receive_limit(pcb) < GRANTED_BY_SYN) /* which cannot be taken back */
        pcb->rcv_wnd = pcb->rcv_ann_wnd = GRANTED_BY_SYN;
    set_callbacks(f);
    f->user = l->events->accepted(l->user, f, &peer);
    if (!f->user) {
        let_go(f);
        free_flow(f);
        return ERR_MEM;
    }
    return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct flow *f = arg;
    (void)err; /* always ERR_OK: failures come by on_error() */
    f->is_connecting = false;
    /* The acknowledgement of SYN+ACK, sent behind this, is the last one that may take back what our
     * SYN has granted: nothing is on its way yet. */
    pcb->rcv_wnd = pcb->rcv_ann_wnd = receive_limit(pcb);
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_wnd;
    if (!f->is_detached)
        f->events->connected(f->user);
    return ERR_OK;
}

int flow_init(const struct flow_config *config, char *error, unsigned int error_len)
{
    stack.max_detached = config->max_flows / DETACHED_SHARE + 1;
    stack.num_places = config->max_flows + stack.max_detached;
    stack.flows = calloc(stack.num_places, sizeof(*stack.flows));
    if (!stack.flows) {
        snprintf(error, error_len, "no memory for %u connections; ask for fewer",
                 config->max_flows);
        return -1;
    }
    for (uint32_t i = 0; i < stack.num_places; i++) {
        stack.flows[i].next_dirty = stack.free_list;
        stack.free_list = &stack.flows[i];
    }
    stack.next_port = (uint16_t)(FIRST_LOCAL_PORT + LWIP_RAND() % 32768);
    stack.port = config->port;
    lwip_init();
    link_start(config);
    stack.last_slice_us = stack.last_second_us = frame_now_us();
    return 0;
}

int flow_listen(const struct flow_addr *addr, const struct flow_events *events, void *user,
                char *error, unsigned int error_len)
{
    ip_addr_t ip;
    err_t err = ERR_MEM;
    ip_addr_set_ip4_u32(&ip, addr->ip_be);
    struct tcp_pcb *pcb = tcp_new(), *listening = NULL;
    if (pcb && stack.num_listeners < MEMP_NUM_TCP_PCB_LISTEN) {
        err = tcp_bind(pcb, &ip, addr->port);
        if (err == ERR_OK)
            listening = tcp_listen_with_backlog_and_err(pcb, 255, &err);
    }
    if (!listening) {
        snprintf(error, error_len, "cannot listen on port %u: %s", addr->port,
                 err == ERR_USE ? "it is named twice" : "no memory");
        return -1;
    }
    struct listener *l = &stack.listeners[stack.num_listeners++];
    *l = (struct listener){events, user, listening};
    tcp_arg(listening, l);
    tcp_accept(listening, on_accepted);
    return 0;
}

void flow_unlisten_all(void)
{
    while (stack.num_listeners) {
        struct tcp_pcb *pcb = stack.listeners[--stack.num_listeners].pcb;
        bucket_drop_half_open_of((struct tcp_pcb_listen *)(void *)pcb);
        tcp_close(pcb);
    }
}

/* A local port whose connection to that address is free, with its bucket switched in. 0: none. */
static uint16_t choose_port(ip_addr_t ip, uint16_t remote_port, uint32_t *bucket)
{
    for (unsigned int i = 0; i < PORT_TRIES; i++) {
        uint16_t local = stack.next_port;
        stack.next_port = local == 65535 ? FIRST_LOCAL_PORT : (uint16_t)(local + 1);
        *bucket = bucket_of(ip, remote_port, local);
        bucket_enter(*bucket);
        if (!bucket_has(ip, remote_port, local))
            return local;
    }
    return 0;
}

struct flow *flow_connect(const struct flow_addr *to, const struct flow_events *events, void *user)
{
    ip_addr_t ip;
    uint32_t bucket;
    ip_addr_set_ip4_u32(&ip, to->ip_be);
    uint16_t local = choose_port(ip, to->port, &bucket);
    struct tcp_pcb *pcb = local ? tcp_new() : NULL;
    struct flow *f = pcb ? new_flow(pcb, events) : NULL;
    if (!f) {
        if (pcb)
            tcp_close(pcb);
        return NULL;
    }
    f->user = user;
    f->bucket = bucket;
    f->is_connecting = true;
    /* tcp_bind() would look for the port in lists that the buckets hide from it, and refuse one
     * that is in use towards another address. */
    pcb->local_port = local;
    set_callbacks(f);
    bucket_hasten(pcb);
    if (tcp_connect(pcb, &ip, to->port, on_connected) == ERR_OK) {
        f->sent.head_seq = pcb->snd_lbb;
        return f;
    }
    pcb->local_port = 0;
    let_go(f);
    tcp_close(pcb);
    free_flow(f);
    return NULL;
}

void flow_input(struct rte_mbuf **packets, uint16_t num_packets)
{
    for (uint16_t i = 0; i < num_packets; i++)
        link_input(packets[i]);
}

uint32_t flow_send_room(const struct flow *f)
{
    const struct sent *sent = &f->sent;
    if (!f->pcb || f->wants_fin || f->is_connecting)
        return 0;
    const uint32_t share = clamp(fair_buffers(), MIN_SEND_BUFFERS, TCP_SND_BUF / TCP_MSS);
    const uint32_t buffers = sent->num_buffers < share ? share - sent->num_buffers : 0;
    const uint32_t most = sent->num_bytes < TCP_SND_BUF ? TCP_SND_BUF - sent->num_bytes : 0;
    return clamp(buffers * TCP_MSS, 0, most);
}

bool flow_send(struct flow *f, struct rte_mbuf *chain)
{
    if (!f->pcb || f->wants_fin || f->is_connecting)
        return false;
    sent_append(&f->sent, chain, stack.port);
    mark_dirty(f);
    return true;
}

/* The window is what the limit leaves beside the bytes that still wait; it never takes back what it
 * has granted, but does not grant it again either where the limit has sunk meanwhile. */
void flow_consumed(struct flow *f, uint32_t bytes)
{
    f->unconsumed -= bytes;
    f->old -= bytes < f->old ? bytes : f->old;
    if (!f->old && f->unconsumed) { /* what is left came later */
        f->old = f->unconsumed;
        f->old_us = frame_now_us();
    }
    if (!f->pcb)
        return;
    uint32_t limit = receive_limit(f->pcb); /* no more than lwIP will ever have */
    uint32_t window = limit > f->unconsumed ? limit - f->unconsumed : 0;
    while (window > f->pcb->rcv_wnd) {
        uint32_t grant = window - f->pcb->rcv_wnd;
        tcp_recved(f->pcb, grant > 0xffff ? 0xffff : (u16_t)grant);
    }
}

/* The FIN goes once lwIP has sent all that is before it, in a segment of its own: one that is split
 * for a small window would send it with its first part. Till then on_sent() asks again. */
static void send_fin(struct flow *f)
{
    if (f->fin_sent || f->sent.unwritten || f->pcb->unsent)
        return;
    f->fin_sent = tcp_shutdown(f->pcb, 0, 1) == ERR_OK;
    if (f->fin_sent)
        let_go_if_finished(f);
    else
        mark_dirty(f); /* no memory now: flow_flush() tries again */
}

void flow_shutdown(struct flow *f)
{
    f->wants_fin = true;
    mark_dirty(f);
}

void flow_close(struct flow *f)
{
    flow_consumed(f, f->unconsumed); /* a window left closed would make lwIP send RST */
    f->wants_fin = true;
    detach(f);
}

void flow_abort(struct flow *f)
{
    f->wants_abort = true;
    detach(f);
}

uint16_t flow_mss(const struct flow *f)
{
    const uint16_t mss = f->pcb ? tcp_mss(f->pcb) : TCP_MSS;
    return mss > FLOW_MIN_MSS ? mss : FLOW_MIN_MSS;
}

/* Leaves the pcb to lwIP, to end by itself or at once. */
static void leave(struct flow *f, bool at_once)
{
    struct tcp_pcb *pcb = f->pcb;
    let_go(f);
    pcb->rcv_wnd = TCP_WND_MAX(pcb); /* all was read, or lwIP would send RST */
    if (!at_once && tcp_close(pcb) == ERR_OK)
        return;
    /* A RST beyond the peer's window is no RST to it (RFC 5961 3.2): a probe of a shut one has gone
     * there. */
    if (pcb->snd_nxt - pcb->lastack > pcb->snd_wnd)
        pcb->snd_nxt = pcb->lastack + pcb->snd_wnd;
    tcp_abort(pcb);
}

static err_t look_again(void *arg, struct tcp_pcb *pcb)
{
    (void)pcb;
    mark_dirty(arg);
    return ERR_OK;
}

/* Ends a flow that its user has let go of, as far as that goes now. What the peer sends before it
 * has acknowledged our FIN is nothing to reset it for: it may not know yet. lwIP does not tell of
 * that acknowledgement, so it is looked for. */
static void finish_detached(struct flow *f)
{
    if (f->pcb && (f->wants_abort || f->is_connecting))
        leave(f, f->wants_abort);
    if (f->pcb && f->fin_sent && !f->sent.head) {
        if (f->pcb->state == FIN_WAIT_1)
            tcp_poll(f->pcb, look_again, 1);
        else
            leave(f, false);
    }
    if (f->pcb)
        return; /* its mbufs wait for acknowledgement: on_sent() marks it again */
    sent_free(&f->sent);
    free_flow(f);
}

/* Gives lwIP what it takes, and has it send. */
static void push(struct flow *f)
{
    sent_write(&f->sent, f->pcb);
    if (f->sent.unwritten && !f->pcb->snd_queuelen)
        mark_dirty(f); /* no memory, and no acknowledgement will come that asks again */
    tcp_output(f->pcb);
    if (f->wants_fin)
        send_fin(f);
}

void flow_flush(void)
{
    struct flow *f = stack.dirty;
    stack.dirty = NULL;
    while (f) {
        struct flow *next = f->next_dirty;
        f->is_dirty = false;
        bucket_enter(f->bucket);
        if (f->pcb && !f->wants_abort && !f->is_connecting)
            push(f);
        if (f->is_detached) {
            if (!f->is_dirty)
                finish_detached(f);
        } else if (f->must_end && !f->is_dirty) {
            f->is_dirty = true; /* in a list still */
            f->next_dirty = stack.ending;
            stack.ending = f;
        }
        f = next;
    }
    port_flush(stack.port);
}

/* Tells the users of flows whose end was noticed where no callback may be made. */
static void tell_ends(void)
{
    struct flow *f = stack.ending;
    stack.ending = NULL;
    while (f) {
        struct flow *next = f->next_dirty;
        f->is_dirty = false;
        if (!f->is_detached)
            f->events->ended(f->user, f->why);
        detach(f);
        mark_dirty(f);
        f = next;
    }
}

/* Ends a flow by RST because of what it holds. */
static void evict(struct flow *f)
{
    f->wants_abort = true;
    detached_remove(f);
    if (!f->is_detached)
        f->events->ended(f->user, FLOW_END_NO_MEMORY);
    detach(f);
    mark_dirty(f);
}

static void end_worst(enum held of, uint32_t missing)
{
    for (uint32_t i = 0; i < SHORT_AT_ONCE && missing; i++) {
        struct flow *f = worst_holder(stack.flows, stack.num_places, of);
        if (!f)
            return;
        const uint32_t held = buffers_held(f, of);
        missing -= held < missing ? held : missing;
        stack.ended_for_buffers++;
        evict(f);
    }
}

/* While buffers are short, the worst go; what they hold comes back with flow_flush(). Without
 * buffers to receive with nobody is heard, nor an acknowledgement that would free some. */
static void relieve(uint64_t now)
{
    if (now - stack.last_short_us < SHORT_EVERY_US)
        return;
    stack.last_short_us = now;
    end_worst(HELD_SENDING, port_num_short(stack.port, stack.port->tx_pool));
    const uint32_t missing = port_num_short(stack.port, stack.port->rx_pool);
    if (!missing)
        return;
    bucket_free_out_of_order();
    end_worst(HELD_RECEIVED, missing);
}

uint32_t flow_timers(void)
{
    const uint64_t now = frame_now_us();
    struct flow *late;
    tell_ends();
    for (uint32_t i = 0; i < BUCKET_SLICES && now - stack.last_slice_us >= SLICE_US; i++) {
        stack.last_slice_us += SLICE_US;
        bucket_timers();
        while ((late = detached_late()))
            reset_detached(late);
    }
    if (now - stack.last_slice_us >= SLICE_US) /* polled too seldom: time stands still for TCP */
        stack.last_slice_us = now;
    relieve(now);
    if (now - stack.last_second_us >= 1000000u) {
        stack.last_second_us = now;
        link_second();
    }
    return (uint32_t)(stack.last_slice_us + SLICE_US - now);
}

void flow_get_counters(struct flow_counters *counters)
{
    memset(counters, 0, sizeof(*counters));
    link_add_counters(counters);
    struct port_counters of_port;
    port_get_counters(stack.port, &of_port);
    counters->rx_cut = of_port.rx_cut;
    counters->tx_waited = of_port.tx_waited;
    counters->tx_dropped = of_port.tx_dropped;
    counters->tx_too_long = of_port.tx_too_long;
    counters->retransmits = lwip_stats.mib2.tcpretranssegs;
    counters->ended_for_buffers = stack.ended_for_buffers;
    counters->ended_detached = stack.ended_detached;
    counters->flows = stack.num_flows;
    counters->detached = detached_num();
}
