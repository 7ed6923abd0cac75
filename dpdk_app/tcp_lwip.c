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
#include "lwip_link.h"
#include "port.h"

#define FIRST_LOCAL_PORT 1024u
#define PORT_TRIES       4096u
#define MAX_CRUMBS       128u          /* segments: fewer are never too many, */
#define MIN_CRUMB        1024u         /* nor are those of so many bytes on average */
#define GRANTED_BY_SYN   0xffffu       /* a window in a SYN is not scaled */
#define MIN_SEND         (32u * 1024u) /* a record, and one under way */
#define MIN_WINDOW       (8u * 1024u)
#define SLICE_US         (TCP_TMR_INTERVAL * 1000u / BUCKET_SLICES)

struct flow {
    struct tcp_pcb *pcb; /* NULL: lwIP is done with it */
    const struct flow_events *events;
    void *user;
    struct rte_mbuf *head, *tail; /* sent and not yet let go, linked segments */
    uint32_t head_seq;            /* sequence number of head's first byte */
    uint32_t unconsumed;          /* received bytes that keep the window closed */
    uint32_t bucket;
    bool is_detached; /* the user has closed or aborted it, or been told of its end */
    bool wants_abort;
    bool must_end; /* the user is to be told of its end, why, by flow_timers() */
    enum flow_end why;
    bool fin_sent, fin_received, is_connecting;
    bool is_dirty;           /* in the list of those that flow_flush() looks at */
    struct flow *next_dirty; /* or next free one */
};

struct listener {
    const struct flow_events *events;
    void *user;
    struct tcp_pcb *pcb;
};

static struct {
    struct flow *flows, *free_list, *dirty, *ending;
    uint32_t num_flows;
    uint16_t next_port;
    uint64_t last_slice_us, last_second_us;
    uint64_t resets_for_memory;
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
    f->next_dirty = stack.free_list;
    stack.free_list = f;
    stack.num_flows--;
}

static void free_sent(struct flow *f)
{
    while (f->head) {
        struct rte_mbuf *next = frame_next(f->head);
        frame_free_segment(f->head);
        f->head = next;
    }
    f->tail = NULL;
}

/* lwIP forgets us; it may still finish the connection by itself. */
static void let_go(struct flow *f)
{
    tcp_arg(f->pcb, NULL);
    tcp_recv(f->pcb, NULL);
    tcp_sent(f->pcb, NULL);
    tcp_err(f->pcb, NULL);
    f->pcb = NULL;
}

/* Frees the mbufs that lie wholly before what lwIP still keeps. */
static void free_acknowledged(struct flow *f)
{
    const struct tcp_pcb *pcb = f->pcb;
    /* a segment that waits to be sent again may be older than all that are on their way */
    uint32_t kept = pcb->unsent ? lwip_ntohl(pcb->unsent->tcphdr->seqno) : pcb->snd_lbb;
    if (pcb->unacked && TCP_SEQ_LT(lwip_ntohl(pcb->unacked->tcphdr->seqno), kept))
        kept = lwip_ntohl(pcb->unacked->tcphdr->seqno);
    while (f->head && (int32_t)(kept - f->head_seq) >= (int32_t)frame_len(f->head)) {
        struct rte_mbuf *next = frame_next(f->head);
        f->head_seq += frame_len(f->head);
        frame_free_segment(f->head);
        f->head = next;
    }
    if (!f->head)
        f->tail = NULL;
}

/* Once both FINs are out and all bytes acknowledged, lwIP sees to the rest without a word: it frees
 * the pcb silently when TIME_WAIT ends. */
static void let_go_if_finished(struct flow *f)
{
    if (!f->pcb || !f->fin_sent || !f->fin_received || f->head)
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
    (void)pcb;
    free_acknowledged(f);
    if (!f->is_detached)
        f->events->sent(f->user, len);
    else
        mark_dirty(f);
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
        stack.resets_for_memory++;
        f->events->ended(f->user, FLOW_END_NO_MEMORY);
        f->is_detached = f->wants_abort = true;
        mark_dirty(f);
        return ERR_OK;
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
    free_sent(f);
    if (!f->is_detached)
        f->events->ended(f->user, why_ended(f, err));
    f->is_detached = true;
    mark_dirty(f);
}

/*
 * One flow's fair share of a pool of buffers, in bytes: a quarter of them is shared out, from
 * `least` to `most`. Received and not consumed, all flows together must fit into their pool, or
 * connections that wait for each other would keep out the acknowledgements that they wait for; what
 * waits to be acknowledged must leave buffers for those that send next.
 */
static uint32_t fair_share(uint32_t least, uint32_t most)
{
    uint32_t share = stack.port->num_mbufs / 4 * TCP_MSS / (stack.num_flows ? stack.num_flows : 1);
    if (share < least)
        return least;
    return share < most ? share : most;
}

static uint32_t receive_limit(void)
{
    return fair_share(MIN_WINDOW, TCP_WND);
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
    f->head_seq = pcb->snd_lbb;
    if (receive_limit() < GRANTED_BY_SYN) /* which cannot be taken back */
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
    pcb->rcv_wnd = pcb->rcv_ann_wnd = receive_limit();
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_wnd;
    if (!f->is_detached)
        f->events->connected(f->user);
    return ERR_OK;
}

int flow_init(const struct flow_config *config, char *error, unsigned int error_len)
{
    stack.flows = calloc(config->max_flows, sizeof(*stack.flows));
    if (!stack.flows) {
        snprintf(error, error_len, "no memory for %u connections; ask for fewer",
                 config->max_flows);
        return -1;
    }
    for (uint32_t i = 0; i < config->max_flows; i++) {
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
        f->head_seq = pcb->snd_lbb;
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
    const struct tcp_pcb *pcb = f->pcb;
    if (!pcb || f->fin_sent || f->is_connecting || pcb->snd_queuelen >= TCP_SND_QUEUELEN / 2)
        return 0;
    uint32_t limit = fair_share(MIN_SEND, TCP_SND_BUF), queued = TCP_SND_BUF - pcb->snd_buf;
    return queued < limit ? limit - queued : 0;
}

/* Many small segments would overflow the queue that lwIP counts segments in, and hold a buffer of
 * 2 KiB each: those are copied. With what flow_send_room() leaves free, all others fit. */
static bool is_crumbled(const struct rte_mbuf *chain)
{
    return frame_num_segments(chain) > MAX_CRUMBS &&
           frame_chain_len(chain) / frame_num_segments(chain) < MIN_CRUMB;
}

_Static_assert(3 * MAX_CRUMBS < TCP_SND_QUEUELEN / 2 &&
                   3 * (TCP_SND_BUF / MIN_CRUMB) < TCP_SND_QUEUELEN / 2,
               "what is not crumbled fits into half the queue");

bool flow_send(struct flow *f, struct rte_mbuf *chain)
{
    if (!f->pcb || f->fin_sent || f->is_connecting)
        return false;
    uint32_t left = frame_chain_len(chain);
    if (left > f->pcb->snd_buf)
        return false;
    if (is_crumbled(chain)) {
        struct rte_mbuf *whole = frame_compact(stack.port, chain, TCP_MSS);
        if (!whole)
            return false;
        frame_free_chain(chain);
        chain = whole;
    }
    while (chain) {
        struct rte_mbuf *next = frame_next(chain);
        uint16_t len = frame_len(chain);
        left -= len;
        if (!len) {
            frame_free_segment(chain);
        } else {
            if (tcp_write(f->pcb, frame_data(chain), len, left ? TCP_WRITE_FLAG_MORE : 0) !=
                ERR_OK) {
                /* Part of it may be on its way: the stream cannot go on whole. */
                frame_free_chain(chain);
                stack.resets_for_memory++;
                f->wants_abort = f->must_end = true;
                f->why = FLOW_END_NO_MEMORY;
                mark_dirty(f);
                return true;
            }
            frame_link(chain, NULL);
            if (f->tail)
                frame_link(f->tail, chain);
            else
                f->head = chain;
            f->tail = chain;
        }
        chain = next;
    }
    mark_dirty(f);
    return true;
}

/* The window is what the limit leaves beside the bytes that still wait; it never takes back what it
 * has granted, but does not grant it again either where the limit has sunk meanwhile. */
void flow_consumed(struct flow *f, uint32_t bytes)
{
    f->unconsumed -= bytes;
    if (!f->pcb)
        return;
    uint32_t limit = receive_limit();
    uint32_t window = limit > f->unconsumed ? limit - f->unconsumed : 0;
    while (window > f->pcb->rcv_wnd) {
        uint32_t grant = window - f->pcb->rcv_wnd;
        tcp_recved(f->pcb, grant > 0xffff ? 0xffff : (u16_t)grant);
    }
}

void flow_shutdown(struct flow *f)
{
    if (!f->pcb || f->fin_sent)
        return;
    bucket_enter(f->bucket);
    f->fin_sent = tcp_shutdown(f->pcb, 0, 1) == ERR_OK;
    if (f->fin_sent)
        let_go_if_finished(f);
    else
        mark_dirty(f); /* no memory now: flow_flush() tries again */
}

void flow_close(struct flow *f)
{
    f->is_detached = true;
    flow_consumed(f, f->unconsumed); /* a window left closed would make lwIP send RST */
    mark_dirty(f);
}

void flow_abort(struct flow *f)
{
    f->is_detached = f->wants_abort = true;
    mark_dirty(f);
}

uint16_t flow_mss(const struct flow *f)
{
    return f->pcb ? tcp_mss(f->pcb) : TCP_MSS;
}

/* Leaves the pcb to lwIP, to end by itself or at once. */
static void leave(struct flow *f, bool at_once)
{
    struct tcp_pcb *pcb = f->pcb;
    let_go(f);
    pcb->rcv_wnd = TCP_WND_MAX(pcb); /* all was read, or lwIP would send RST */
    if (at_once || tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
}

/* Ends a flow that its user has let go of, as far as that goes now. */
static void finish_detached(struct flow *f)
{
    if (f->pcb && (f->wants_abort || f->is_connecting))
        leave(f, f->wants_abort);
    if (f->pcb && !f->fin_sent)
        flow_shutdown(f);
    if (f->pcb && f->fin_sent && !f->head)
        leave(f, false);
    if (f->pcb)
        return; /* its mbufs wait for acknowledgement: on_sent() marks it again */
    free_sent(f);
    free_flow(f);
}

void flow_flush(void)
{
    struct flow *f = stack.dirty;
    stack.dirty = NULL;
    while (f) {
        struct flow *next = f->next_dirty;
        f->is_dirty = false;
        bucket_enter(f->bucket);
        if (f->pcb && !f->wants_abort)
            tcp_output(f->pcb);
        if (f->is_detached) {
            finish_detached(f);
        } else if (f->must_end) {
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
        f->is_detached = true;
        mark_dirty(f);
        f = next;
    }
}

uint32_t flow_timers(void)
{
    const uint64_t now = frame_now_us();
    tell_ends();
    for (uint32_t i = 0; i < BUCKET_SLICES && now - stack.last_slice_us >= SLICE_US; i++) {
        stack.last_slice_us += SLICE_US;
        bucket_timers();
    }
    if (now - stack.last_slice_us >= SLICE_US) /* polled too seldom: time stands still for TCP */
        stack.last_slice_us = now;
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
    counters->tx_queued = port_num_waited();
    counters->retransmits = lwip_stats.mib2.tcpretranssegs;
    counters->flows = stack.num_flows;
}
