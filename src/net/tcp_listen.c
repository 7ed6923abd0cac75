/* SPDX-License-Identifier: BSD-3-Clause */

/* Listening: half-open connections in a queue of their own, cookies when it is full (RFC 4987). */

#include <stdio.h>

#include "net/tcp_flow.h"

static bool is_any(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? !net_ip_v4_be(ip) : !(ip->halves[0] | ip->halves[1]);
}

static int listener_at(const struct tcp *tcp, const struct net_ip *ip, uint16_t port)
{
    for (uint32_t i = 0; i < tcp->num_listeners; i++) {
        const struct net_addr *addr = &tcp->listeners[i].addr;
        if (addr->port == port && net_ip_equal(&addr->ip, ip))
            return (int)i;
    }
    return -1;
}

/* Who listens on the address, or on all of its family; -1: nobody. */
/* [9293 3.9.1.1-2] */
int tcp_find_listener(const struct tcp *tcp, const struct flow_key *key)
{
    const int exact = listener_at(tcp, &key->local, key->local_port);
    if (exact >= 0)
        return exact;
    const struct net_ip any = net_ip_is_v4(&key->local) ? net_ip4(0) : (struct net_ip){{{0}}};
    return listener_at(tcp, &any, key->local_port);
}

/* [9293 3.9.1.1-1] */
int flow_listen(struct net *net, const struct net_addr *addr, const struct flow_events *events,
                void *listener_user, char *error, size_t error_len)
{
    struct tcp *tcp = net_tcp(net);
    const char *why = NULL;
    if (tcp->num_listeners == TCP_LISTENERS_MAX)
        why = "too many listeners";
    else if (listener_at(tcp, &addr->ip, addr->port) >= 0)
        why = "somebody listens there already";
    else if (!is_any(&addr->ip) && !ip_is_ours(net, &addr->ip))
        why = "not an address of ours";
    if (why) {
        snprintf(error, error_len, "port %u: %s", addr->port, why);
        return -1;
    }
    tcp->listeners[tcp->num_listeners++] = (struct listener){*addr, events, listener_user};
    return 0;
}

void flow_unlisten_all(struct net *net)
{
    struct tcp *tcp = net_tcp(net);
    for (uint32_t i = 0; i < TCP_HALF_OPEN_TRIES; i++) {
        while (tcp->half_open_lists[i].first != POOL_NONE)
            half_open_free(tcp, pool_item(&tcp->half_opens, tcp->half_open_lists[i].first));
    }
    tcp->num_listeners = 0;
    tcp->cookie_sent_us = 0;
}

/* ---- half-open connections ---- */

static uint32_t half_open_handle(const struct tcp *tcp, const struct half_open *half)
{
    return flow_handle(KIND_HALF_OPEN, pool_index(&tcp->half_opens, half));
}

void half_open_free(struct tcp *tcp, struct half_open *half)
{
    const uint64_t hash = flow_table_hash(&tcp->table, &half->waiting.key);
    flow_table_remove(&tcp->table, hash, half_open_handle(tcp, half));
    waiting_remove(&tcp->half_opens, &tcp->half_open_lists[half->tries], &half->waiting);
    pool_put(&tcp->half_opens, half);
}

/* What a SYN asks for, and our answer's numbers. [3168 6.1.1-1 6.1.1-2] [7323 2.2-1 3.2-1 3.2-4] */
void half_open_from_syn(struct tcp *tcp, struct half_open *half, const struct segment_in *in)
{
    const struct tcp_options *options = &in->options;
    const uint8_t both = TCP_ECE | TCP_CWR;
    *half = (struct half_open){
        .waiting.key = in->key,
        .irs = in->seq,
        .iss = tcp_initial_seq(tcp, &in->key),
        .ts_recent = options->ts_value,
        .ts_offset = tcp_ts_offset(tcp, &in->key),
        .mss = (uint16_t)greatest(options->has_mss ? options->mss : tcp_default_mss(&in->key),
                                  TCP_MSS_MIN),
        .window = in->window,
        .our_window = tcp_first_window(tcp),
        .challenge_at = tcp_never_challenged(tcp),
        .scale = options->scale,
        .flags = (uint8_t)((options->has_sack_ok ? FLOW_SACK : 0) |
                           (options->has_ts ? FLOW_TS : 0) | (options->has_scale ? FLOW_SCALE : 0) |
                           ((in->flags & both) == both ? FLOW_ECN : 0)),
    };
}

/* [1191 3.1-1] [3168 6.1.1-2] [9293 3.7.1-1 3.7.1-4] */
bool half_open_send_syn_ack(struct tcp *tcp, struct half_open *half)
{
    const struct flow_key *key = &half->waiting.key;
    struct segment_out out = {
        .key = key,
        .seq = half->iss,
        .ack = half->irs + 1,
        .window = half->our_window,
        .flags = (uint8_t)(TCP_SYN | TCP_ACK | (half->flags & FLOW_ECN ? TCP_ECE : 0)),
        .options = {.has_mss = true,
                    .mss = (uint16_t)(tcp->link_mtu - (net_ip_is_v4(&key->peer) ? 40 : 60)),
                    .has_sack_ok = half->flags & FLOW_SACK,
                    .has_scale = half->flags & FLOW_SCALE,
                    .scale = TCP_OUR_SCALE,
                    .has_ts = half->flags & FLOW_TS,
                    .ts_value = tcp_timestamp(tcp, half->ts_offset),
                    .ts_echo = half->ts_recent}};
    half->sent_us = (uint32_t)tcp->now_us;
    return tcp_send_control(tcp, &out);
}

static void wait_for_ack(struct tcp *tcp, struct half_open *half)
{
    half->waiting.due = tcp_ticks(tcp, (uint64_t)TCP_RTO_FIRST << half->tries);
    waiting_push(&tcp->half_opens, &tcp->half_open_lists[half->tries], &half->waiting);
}

/* A flow in place of the half-open connection, which is no longer in any list or table.
 * [7323 2.3-1] */
static struct flow *to_flow(struct tcp *tcp, const struct half_open *half,
                            const struct segment_in *in)
{
    struct net_ip local = half->waiting.key.local;
    uint16_t mtu;
    if (!ip_route(tcp->net, &half->waiting.key.peer, &local, &mtu))
        return NULL;
    struct flow *flow = flow_new(tcp, &half->waiting.key, in->hash);
    if (!flow)
        return NULL;
    flow->flags |= half->flags;
    flow->ts_offset = half->ts_offset;
    flow_set_mtu(flow, mtu);
    flow->peer_mss = half->mss;
    flow->snd_scale = half->flags & FLOW_SCALE ? half->scale : 0;
    flow->rcv_scale = half->flags & FLOW_SCALE ? TCP_OUR_SCALE : 0;
    flow->snd_iss = half->iss;
    flow->snd_una = half->iss;
    flow->snd_nxt = half->iss + 1;
    flow->rcv_first = half->irs + 1;
    flow->rcv_nxt = flow->rcv_first;
    flow->rcv_edge = flow->rcv_nxt + half->our_window;
    flow_set_aside(flow);
    flow->ack_sent = flow->rcv_nxt;
    flow->ts_recent = half->ts_recent;
    flow->snd_wnd = half->window;
    flow->snd_wnd_max = half->window >> flow->snd_scale;
    flow->snd_wl1 = half->irs;
    flow->tune_at = half->sent_us;
    flow->tries = (uint8_t)(half->tries + 1);
    flow_update_mss(flow);
    flow_established(flow, in);
    return flow;
}

/* The handshake is done. With the table full the acknowledgement is as if it had been lost. */
void half_open_accept(struct tcp *tcp, const struct half_open *half, struct segment_in *in)
{
    const struct listener *listener = &tcp->listeners[half->listener];
    struct flow *flow = to_flow(tcp, half, in);
    if (!flow) {
        tcp->counters.syns_dropped++;
        return;
    }
    const struct net_addr peer = {flow->key.peer, flow->key.peer_port},
                          local = {flow->key.local, flow->key.local_port};
    flow_begin(flow);
    flow->events = listener->events;
    tcp->counters.opened_passive++;
    void *user = listener->events->accepted(listener->user, flow, &peer, &local);
    if (!user && !(flow->flags & FLOW_GONE))
        flow_abort(flow);
    if (!(flow->flags & (FLOW_GONE | FLOW_DETACHED)))
        flow->user = user;
    if (!(flow->flags & FLOW_GONE))
        flow_segment(flow, in);
    if (!(flow->flags & FLOW_GONE))
        flow_set_timer(flow);
    flow_done(flow);
}

/* [9293 3.10.7.4-9] */
static void on_ack(struct tcp *tcp, struct half_open *half, struct segment_in *in)
{
    if (in->ack != half->iss + 1) {
        tcp_send_reset(tcp, in);
        return;
    }
    if (tcp->flows.in_use == tcp->flows.num_items) {
        tcp->counters.syns_dropped++;
        return;
    }
    const struct half_open done = *half;
    half_open_free(tcp, half);
    half_open_accept(tcp, &done, in);
}

/* Whoever has really begun anew, or ended, answers this with a reset that is one (RFC 5961 3.2,
 * 4.2). [5961 3.2-2] */
static void challenge(struct tcp *tcp, struct half_open *half)
{
    const struct segment_out out = {.key = &half->waiting.key,
                                    .seq = half->iss + 1,
                                    .ack = half->irs + 1,
                                    .window = half->our_window,
                                    .flags = TCP_ACK,
                                    .options = {.has_ts = half->flags & FLOW_TS,
                                                .ts_value = tcp_timestamp(tcp, half->ts_offset),
                                                .ts_echo = half->ts_recent}};
    if (tcp_may_challenge(tcp, &half->challenge_at))
        tcp_send_control(tcp, &out);
}

/* [5961 3.2-1] [9293 3.5-2] */
void half_open_segment(struct tcp *tcp, struct half_open *half, struct segment_in *in)
{
    const uint32_t nxt = half->irs + 1;
    if (in->flags & TCP_SYN) {
        if (in->seq == half->irs && !(in->flags & TCP_ACK)) /* again */
            half_open_send_syn_ack(tcp, half);
        else
            challenge(tcp, half);
        return;
    }
    if (half->flags & FLOW_TS && !(in->flags & TCP_RST) &&
        (!in->options.has_ts || seq_before(in->options.ts_value, half->ts_recent)))
        return;
    if (!tcp_seq_acceptable(in->seq, in->len, nxt, nxt + half->our_window))
        return;
    if (in->flags & TCP_RST) {
        if (in->seq != nxt) {
            challenge(tcp, half);
            return;
        }
        tcp->counters.resets_in++;
        half_open_free(tcp, half);
    } else if (in->flags & TCP_ACK) {
        on_ack(tcp, half, in);
    }
}

/* SYN-ACKs again, each list waiting twice as long as the one before. [4987 3.3-1] */
uint32_t half_open_timers(struct tcp *tcp)
{
    uint32_t next = TCP_NO_DEADLINE;
    for (uint32_t i = TCP_HALF_OPEN_TRIES; i-- > 0;) {
        struct waiting_list *list = &tcp->half_open_lists[i];
        while (list->first != POOL_NONE) {
            struct half_open *half = pool_item(&tcp->half_opens, list->first);
            const int32_t left = seq_diff(half->waiting.due, tcp->tick);
            if (left > 0) {
                next = least(next, (uint32_t)left);
                break;
            }
            if (half->tries + 1u == TCP_HALF_OPEN_TRIES) {
                half_open_free(tcp, half);
                continue;
            }
            waiting_remove(&tcp->half_opens, list, &half->waiting);
            half->tries++;
            half_open_send_syn_ack(tcp, half);
            wait_for_ack(tcp, half);
            next = least(next, half->waiting.due - tcp->tick);
        }
    }
    return next;
}

static void on_syn(struct tcp *tcp, uint8_t listener, const struct segment_in *in)
{
    struct half_open *half = pool_get(&tcp->half_opens);
    if (!half) {
        cookie_answer(tcp, listener, in);
        return;
    }
    half_open_from_syn(tcp, half, in);
    half->listener = listener;
    flow_table_add(&tcp->table, in->hash, half_open_handle(tcp, half));
    half_open_send_syn_ack(tcp, half);
    wait_for_ack(tcp, half);
}

/* A segment that belongs to nothing we know: RFC 9293 3.10.7.1 and 3.10.7.2. [9293 3.10.7.2-1] */
void tcp_listen_segment(struct tcp *tcp, struct segment_in *in)
{
    const int listener = tcp_find_listener(tcp, &in->key);
    if (in->flags & TCP_RST)
        return;
    if (listener < 0) {
        tcp->counters.refused += (in->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
        tcp_send_reset(tcp, in);
    } else if (in->flags & TCP_ACK) {
        if (in->flags & TCP_SYN || !cookie_accept(tcp, (uint8_t)listener, in))
            tcp_send_reset(tcp, in);
    } else if (in->flags & TCP_SYN) {
        on_syn(tcp, (uint8_t)listener, in);
    }
}
