/* SPDX-License-Identifier: BSD-3-Clause */

/* net/tcp.h: what users do with flows. */

#include <rte_mbuf.h>

#include "net/tcp_flow.h"

static bool may_send(const struct flow *flow)
{
    return !(flow->flags & (FLOW_FIN | FLOW_GONE)) &&
           (flow->state == TCP_ESTABLISHED || flow->state == TCP_CLOSE_WAIT);
}

/* 6056's choice of a port, and of one that is in use with this peer only where TIME_WAIT may be cut
 * short: RFC 6191 from the other side, as timestamps go on. */
#define PORTS_TRIED 4096u

/* [6056 3.3-1] */
static bool choose_port(struct tcp *tcp, struct flow_key *key, uint64_t *hash)
{
    uint64_t words[FLOW_KEY_WORDS];
    flow_key_words(words, key);
    words[4] |= tcp->now_us << 20;
    struct port_walk walk = {.random = siphash(&tcp->secret, words, FLOW_KEY_WORDS)};
    struct time_waiting *reusable = NULL;
    for (uint32_t i = 0; i < PORTS_TRIED; i++) {
        if (!port_next(&tcp->ports, key, &walk, &key->local_port))
            break;
        *hash = flow_table_hash(&tcp->table, key);
        const uint32_t handle = flow_table_find(&tcp->table, key, *hash);
        if (handle == FLOW_TABLE_NOTHING)
            return true;
        if (!reusable && flow_handle_kind(handle) == KIND_TIME_WAITING) {
            struct time_waiting *waiting =
                pool_item(&tcp->time_waitings, flow_handle_index(handle));
            reusable = waiting->has_ts ? waiting : NULL;
        }
    }
    if (!reusable)
        return false;
    key->local_port = reusable->waiting.key.local_port;
    *hash = flow_table_hash(&tcp->table, key);
    tcp->counters.time_wait_reused++;
    time_wait_free(tcp, reusable);
    return true;
}

/* [1122 3.3.4.2-1] [9293 3.9.1.1-3 3.9.1.1-4] */
struct flow *flow_connect(struct net *net, const struct net_addr *to, const struct net_ip *from,
                          const struct flow_events *events, void *user)
{
    static const struct net_ip any;
    struct tcp *tcp = net_tcp(net);
    struct flow_key key = {.local = from ? *from : any, .peer = to->ip, .peer_port = to->port};
    uint16_t mtu;
    uint64_t hash;
    if (!ip_route(net, &to->ip, &key.local, &mtu))
        return NULL;
    if (!choose_port(tcp, &key, &hash)) {
        tcp->counters.no_ports++;
        return NULL;
    }
    struct flow *flow = flow_new(tcp, &key, hash);
    if (!flow)
        return NULL;
    flow_set_mtu(flow, mtu);
    flow->state = TCP_SYN_SENT;
    flow->flags |= FLOW_SYN;
    flow->snd_iss = tcp_initial_seq(tcp, &key);
    flow->snd_una = flow->snd_iss;
    flow->snd_nxt = flow->snd_iss + 1;
    flow->rcv_scale = TCP_OUR_SCALE;
    flow->events = events;
    flow->user = user;
    flow->life_at = tcp_ticks(tcp, TCP_RTO_FIRST);
    tcp->counters.opened_active++;
    flow_set_timer(flow);
    flow_ready(flow);
    return flow;
}

/* Half of all buffers are for sending, or two ends that both only send would wait for each other.
 * Of these a fourth is kept for flows that have less than their share of it, so that those that
 * hold much keep nobody waiting; the others are had for the asking, a fourth of what is left at
 * once. A buffer counts for what those queued hold, or for what one of ours would. */
static uint32_t room_in_buffers(const struct flow *flow)
{
    const struct tcp *tcp = flow->tcp;
    const struct flight *flight = flow->flight;
    const uint32_t left = tcp_left_for_sending(tcp), kept = tcp->max_buffers / 8;
    const uint32_t held = flight ? flight->num_buffers : 0, share = tcp_share(tcp);
    uint32_t each = least(TCP_BUFFER_LEN, tcp->piece_room),
             num = left > kept ? (left - kept) / 4 : 0;
    if (held < share)
        num = greatest(num, least(share - held, left));
    if (held >= 8)
        each = (flow->snd_nxt - flow->snd_una + flight->unsent) / held;
    return (uint32_t)least64((uint64_t)num * each, UINT32_MAX);
}

uint32_t flow_send_room(const struct flow *flow)
{
    if (!may_send(flow))
        return 0;
    const uint32_t in_flight = flow->flight ? flow_in_flight(flow) : 0;
    const uint32_t unsent = flow->flight ? flow->flight->unsent : 0;
    const int32_t window = seq_diff(flow->snd_una + flow->snd_wnd, flow->snd_nxt);
    uint32_t open = flow->cwnd > in_flight ? flow->cwnd - in_flight : 0;
    open = least(open, window > 0 ? (uint32_t)window : 0) + FLOW_RECORD_LEN;
    open = least(open, room_in_buffers(flow));
    return open > unsent ? open - unsent : 0;
}

/* Buffers that hold next to nothing (what a peer sends byte by byte and is passed on), and many
 * that hold little, are copied into some of ours: what may be sent is counted in full ones. What is
 * behind the last byte of ours is nobody's yet, so it may be written while frames refer to what is
 * before. */
#define CRUMB_LEN 128u

static bool is_crumbs(const struct rte_mbuf *chain)
{
    const uint32_t each = chain->pkt_len / chain->nb_segs;
    return each < CRUMB_LEN || (chain->nb_segs > 1 && each < TCP_CRUMB_MAX);
}

static struct rte_mbuf *join_crumbs(struct flow *flow, struct rte_mbuf *chain)
{
    struct flight *flight = flow->flight;
    struct rte_mbuf *tail = flight->tail_is_ours ? flight->tail : NULL, *first = NULL;
    uint32_t copied = 0;
    while (chain) {
        const uint32_t len = chain->data_len;
        if (!tail || rte_pktmbuf_tailroom(tail) < len) {
            struct rte_mbuf *more =
                len <= flow->tcp->piece_room ? rte_pktmbuf_alloc(flow->tcp->header_pool) : NULL;
            if (!more)
                break;
            if (first)
                tail->next = more;
            else
                first = more;
            tail = more;
        }
        memcpy(rte_pktmbuf_mtod_offset(tail, char *, tail->data_len),
               rte_pktmbuf_mtod(chain, const char *), len);
        tail->data_len = (uint16_t)(tail->data_len + len);
        if (!first) { /* it went into what is queued already */
            copied += len;
            if (!flight->unsent_mbuf) {
                flight->unsent_mbuf = tail;
                flight->unsent_offset = tail->data_len - len;
            }
        }
        struct rte_mbuf *next = chain->next;
        buffer_free(chain);
        chain = next;
    }
    flight->unsent += copied;
    if (first)
        tail->next = chain;
    return first ? first : chain;
}

static void queue(struct flow *flow, struct rte_mbuf *chain)
{
    struct flight *flight = flow->flight;
    if (flight->tail)
        flight->tail->next = chain;
    else
        flight->head = chain;
    if (!flight->unsent_mbuf) {
        flight->unsent_mbuf = chain;
        flight->unsent_offset = 0;
    }
    for (; chain; chain = chain->next) {
        flight->unsent += chain->data_len;
        flight->num_buffers++;
        flow_count_sending(flow, 1);
        flight->tail = chain;
    }
    flight->tail_is_ours = flight->tail->pool == flow->tcp->header_pool;
}

void flow_send(struct flow *flow, struct rte_mbuf *chain)
{
    chain = chain_without_empty(chain);
    if (!chain)
        return;
    if (!may_send(flow) || !flow_flight(flow)) {
        chain_free(chain);
        return;
    }
    if (is_crumbs(chain))
        chain = join_crumbs(flow, chain);
    if (chain)
        queue(flow, chain);
    flow_ready(flow);
}

void flow_shutdown(struct flow *flow)
{
    if (!may_send(flow))
        return;
    flow->flags |= FLOW_FIN;
    flow->state = flow->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT_1;
    flow_flight(flow);
    flow_ready(flow);
}

void flow_abort(struct flow *flow)
{
    flow_send_reset(flow);
    flow_free(flow);
}

void flow_close(struct flow *flow)
{
    if (flow->flags & FLOW_GONE)
        return;
    if (flow->state <= TCP_SYN_RECEIVED) {
        flow_abort(flow);
        return;
    }
    flow_shutdown(flow);
    flow_detach(flow);
}

uint16_t flow_mss(const struct flow *flow)
{
    return flow->mss;
}

void flow_get_info(const struct flow *flow, struct flow_info *info)
{
    const struct flight *flight = flow->flight;
    *info = (struct flow_info){
        .local = {flow->key.local, flow->key.local_port},
        .peer = {flow->key.peer, flow->key.peer_port},
        .srtt_us = flow->srtt_us,
        .rttvar_us = flow->rttvar_us,
        .min_rtt_us = flow->min_rtt_us,
        .rto_us = flow_rto_us(flow),
        .cwnd = flow->cwnd,
        .ssthresh = flow->ssthresh,
        .in_flight = flight ? flow_in_flight(flow) : 0,
        .peer_window = flow->snd_wnd,
        .our_window = flow->rcv_edge - flow->rcv_nxt,
        .queued = flow->snd_nxt - flow->snd_una + (flight ? flight->unsent : 0),
        .buffers = flow_received_buffers(flow) + (flight ? flight->num_buffers : 0),
        .bytes_sent = ((uint64_t)flow->snd_wraps << 32) + flow->snd_nxt - flow->snd_iss - 1,
        .bytes_received = ((uint64_t)flow->rcv_wraps << 32) + flow->rcv_nxt - flow->rcv_first -
                          !!(flow->flags & FLOW_FIN_RECEIVED),
        .retransmits = flow->retransmits,
        .timeouts = flow->timeouts,
        .mss = flow->mss,
        .state = flow->state,
        .has_sack = flow->flags & FLOW_SACK,
        .has_timestamps = flow->flags & FLOW_TS,
        .has_scale = flow->flags & FLOW_SCALE,
        .has_ecn = flow->flags & FLOW_ECN,
        .has_soft_error = flow->flags & FLOW_SOFT_ERROR,
    };
}

void flow_get_counters(const struct net *net, struct flow_counters *counters)
{
    const struct tcp *tcp = net_tcp(net);
    *counters = tcp->counters;
    counters->flows = tcp->flows.in_use;
    counters->half_open = tcp->half_opens.in_use;
    counters->detached = tcp->num_detached;
    counters->time_wait = tcp->time_waitings.in_use;
    counters->buffers = tcp->num_buffers;
}
