/* SPDX-License-Identifier: BSD-3-Clause */

/* An instance and its flows: made, timed, ended. */

#include <stdio.h>

#include <rte_mbuf.h>

#include "net/tcp_flow.h"

/* ---- numbers that strangers do not guess ---- */

enum purpose { FOR_SEQUENCE = 1, FOR_TIMESTAMP };

static uint64_t keyed(const struct tcp *tcp, const struct flow_key *key, enum purpose purpose)
{
    uint64_t words[FLOW_KEY_WORDS];
    flow_key_words(words, key);
    words[FLOW_KEY_WORDS - 1] |= (uint64_t)purpose << 32;
    return siphash(&tcp->secret, words, FLOW_KEY_WORDS);
}

/* RFC 7323 7.1: nobody learns how long we are up, and NATed peers nothing of each other.
 * [7323 7.1-1] */
uint32_t tcp_ts_offset(const struct tcp *tcp, const struct flow_key *key)
{
    return (uint32_t)keyed(tcp, key, FOR_TIMESTAMP);
}

/* RFC 6528 3: a clock of 4 us, from where only we know. [6528 3-1] [9293 3.4.1-1] */
uint32_t tcp_initial_seq(const struct tcp *tcp, const struct flow_key *key)
{
    return (uint32_t)(tcp->now_us / 4) + (uint32_t)keyed(tcp, key, FOR_SEQUENCE);
}

/* ---- buffers ---- */

uint32_t tcp_share(const struct tcp *tcp)
{
    return greatest(tcp->max_buffers / 8 / greatest(tcp->flows.in_use, 1), 1);
}

/* ---- challenges ---- */

uint16_t tcp_never_challenged(const struct tcp *tcp)
{
    return (uint16_t)(tcp_now_16(tcp) - 0x8000);
}

/* RFC 5961 7, but for each flow: a limit that flows share tells strangers of them. [5961 7-1] */
bool tcp_may_challenge(struct tcp *tcp, uint16_t *at)
{
    const uint16_t now = tcp_now_16(tcp);
    if ((uint16_t)(now - *at) < TCP_CHALLENGE_GAP >> 16)
        return false;
    *at = now;
    tcp->counters.challenge_acks++;
    return true;
}

/* ---- flows ---- */

/* [5681 3.1-5] */
struct flow *flow_new(struct tcp *tcp, const struct flow_key *key, uint64_t hash)
{
    struct flow *flow = pool_get(&tcp->flows);
    if (!flow)
        return NULL;
    *flow = (struct flow){
        .key = *key,
        .tcp = tcp,
        .ts_offset = tcp_ts_offset(tcp, key),
        .rcv_limit = TCP_WINDOW_FIRST,
        .quick_acks = 15,
        .ssthresh = UINT32_MAX,
        .peer_mss = tcp_default_mss(key),
        .rcv_mss = TCP_MSS_DEFAULT_4,
        .mtu = tcp->link_mtu,
        .way = ip_way(tcp->net, &key->peer),
        .heard_at = tcp->tick,
        .sent_at = tcp->tick,
        .challenge_at = tcp_never_challenged(tcp),
        .life_at = tcp->tick + tcp->keepalive_ticks,
        .next_ready = POOL_NONE,
    };
    timer_init(&flow->timer);
    const uint32_t index = pool_index(&tcp->flows, flow);
    flow_table_add(&tcp->table, hash, flow_handle(KIND_FLOW, index));
    return flow;
}

static void release(struct flow *flow)
{
    struct tcp *tcp = flow->tcp;
    const uint32_t index = pool_index(&tcp->flows, flow);
    timer_stop(&tcp->wheel, index);
    if (flow->flags & FLOW_READY) {
        /* Its place in the list is kept: tcp_output() puts it back. */
        flow->state = TCP_STATE_NONE;
        return;
    }
    pool_put(&tcp->flows, flow);
}

/* Out of the table at once; the memory stays while its segment or timer is being dealt with. */
void flow_free(struct flow *flow)
{
    struct tcp *tcp = flow->tcp;
    if (flow->flags & FLOW_GONE)
        return;
    flow->flags |= FLOW_GONE;
    flow->events = NULL;
    if (flow->flags & FLOW_DETACHED)
        detached_remove(flow);
    flow_table_remove(&tcp->table, flow_table_hash(&tcp->table, &flow->key),
                      flow_handle(KIND_FLOW, pool_index(&tcp->flows, flow)));
    flow_receive_release(flow);
    if (flow->flight) {
        flow_count_sending(flow, -(int32_t)flow->flight->num_buffers);
        chain_free(flow->flight->head);
        sent_release(&flow->flight->sent, tcp->rings);
        pool_put(&tcp->flights, flow->flight);
        flow->flight = NULL;
    }
    if (tcp->current != flow)
        release(flow);
}

/* [9293 3.6-1] */
void flow_finish(struct flow *flow, enum flow_end why)
{
    const struct flow_events *events = flow->events;
    void *user = flow->user;
    if (flow->flags & FLOW_GONE)
        return;
    flow_free(flow);
    if (events)
        events->ended(user, why);
}

void flow_done(struct flow *flow)
{
    flow->tcp->current = NULL;
    if (flow->flags & FLOW_GONE)
        release(flow);
}

void tcp_output(struct tcp *tcp, uint64_t now_us)
{
    tcp_set_now(tcp, now_us);
    /* Each flow that is ready now has one turn. */
    const uint32_t last = tcp->ready_last;
    for (bool is_last = last == POOL_NONE; !is_last;) {
        struct flow *flow = pool_item(&tcp->flows, tcp->ready_first);
        is_last = tcp->ready_first == last;
        if (flow->state != TCP_STATE_NONE && !ip_output_room(tcp->net))
            return;
        tcp->ready_first = flow->next_ready;
        if (tcp->ready_first == POOL_NONE)
            tcp->ready_last = POOL_NONE;
        flow->flags &= ~(uint32_t)FLOW_READY;
        if (flow->state == TCP_STATE_NONE)
            pool_put(&tcp->flows, flow);
        else if (flow_output(flow))
            flow_ready(flow);
    }
}

struct flight *flow_flight(struct flow *flow)
{
    if (flow->flight)
        return flow->flight;
    struct flight *flight = pool_get(&flow->tcp->flights);
    if (!flight)
        return NULL;
    memset(flight, 0, offsetof(struct flight, cc));
    cc_begin(&flight->cc, flow->snd_nxt);
    sent_init(&flight->sent);
    flight->reorder_mult = 1;
    flight->progress_at = flow->tcp->tick;
    flight->freed_at = flow->tcp->tick;
    flight->rack_fack = flow->snd_una;
    flight->dsack_round = flow->snd_una;
    flight->probe_out = flight->probe_resent = flow->flags & FLOW_REPAIRED;
    flight->probe_end = flow->snd_una;
    flow->flags &= ~(uint32_t)FLOW_REPAIRED;
    flow->flight = flight;
    const uint64_t idle_us = (uint64_t)(flow->tcp->tick - flow->sent_at) << TCP_TICK_SHIFT;
    cc_after_pause(flow, idle_us);
    flow_age_mtu(flow);
    return flight;
}

void flow_drop_flight(struct flow *flow)
{
    struct flight *flight = flow->flight;
    if (!flight || flight->head || sent_num(&flight->sent) || flight->recovery != RECOVERY_NO ||
        flight->force)
        return;
    if (flow->flags & FLOW_FIN && !(flow->flags & FLOW_FIN_SENT))
        return;
    flow->flags &= ~(uint32_t)FLOW_PACED;
    flow->flags |= flight->probe_out && flight->probe_resent ? FLOW_REPAIRED : 0u;
    flow->flight = NULL;
    sent_release(&flight->sent, flow->tcp->rings);
    pool_put(&flow->tcp->flights, flight);
}

/* [1191 3-7] [8200 8.3-1] [9293 3.7.1-3] */
void flow_update_mss(struct flow *flow)
{
    const uint32_t headers = (net_ip_is_v4(&flow->key.peer) ? 20u : 40u) + 20u;
    uint32_t mss = least(flow->peer_mss, flow->mtu - headers);
    if (flow->flags & FLOW_TS)
        mss = mss > TCP_OPT_TS_LEN ? mss - TCP_OPT_TS_LEN : 0;
    flow->mss = (uint16_t)greatest(least(mss, flow->tcp->mss_max), TCP_MSS_MIN);
}

/* ---- timers ---- */

static void earliest(uint32_t *due, uint32_t at)
{
    *due = seq_before(at, *due) ? at : *due;
}

/* A deadline that moves away leaves the timer where it is: it fires early, once, and is moved on.
 */
void flow_set_timer(struct flow *flow)
{
    struct tcp *tcp = flow->tcp;
    uint32_t due = flow->life_at;
    if (flow->flags & FLOW_ACK_LATER)
        earliest(&due, flow->delayed_ack_at);
    if (flow->flight && flow->flight->timer != TIMER_NO)
        earliest(&due, flow->flight->timer_at);
    if (flow->flags & FLOW_PACED)
        earliest(&due, (uint32_t)((flow->flight->pace_us >> TCP_TICK_SHIFT) + 1));
    if (timer_is_set(&flow->timer) && !seq_before(due, flow->timer.due))
        return;
    const uint64_t now = tcp->now_us >> TCP_TICK_SHIFT;
    timer_set(&tcp->wheel, pool_index(&tcp->flows, flow),
              now + (uint64_t)(int64_t)seq_diff(due, tcp->tick));
}

static bool is_due(const struct flow *flow, uint32_t at)
{
    return !seq_after(at, flow->tcp->tick);
}

/* The user's silence is no concern of ours, the peer's is: RFC 9293 3.8.4.
 * [9293 3.8.3-5 3.8.4-2 3.8.4-4] */
static void life_timer(struct flow *flow)
{
    struct tcp *tcp = flow->tcp;
    if (flow->flags & FLOW_DETACHED) {
        detached_timer(flow);
        return;
    }
    if (flow->state <= TCP_SYN_RECEIVED) {
        if (flow->tries >= TCP_CONNECT_TRIES) {
            flow_finish(flow, FLOW_END_UNREACHABLE);
            return;
        }
        flow->flags |= FLOW_SYN;
        flow->life_at = tcp_ticks(tcp, (uint64_t)TCP_RTO_FIRST << flow->tries);
        flow_ready(flow);
        return;
    }
    const uint32_t silent = tcp->tick - flow->heard_at;
    if (flow->tries == 0 && silent < tcp->keepalive_ticks) {
        flow->life_at = flow->heard_at + tcp->keepalive_ticks;
    } else if (flow->tries >= TCP_KEEPALIVE_TRIES) {
        tcp->counters.timeouts++;
        flow_send_reset(flow);
        flow_finish(flow, FLOW_END_TIMEOUT);
    } else {
        flow->life_at = tcp_ticks(tcp, TCP_KEEPALIVE_GAP);
        if (!flow->flight) { /* else the retransmission timer asks */
            flow->tries++;
            tcp->counters.keepalives++;
            flow->flags |= FLOW_PROBE;
            flow_ready(flow);
        }
    }
}

static void flow_timer(struct flow *flow)
{
    flow_begin(flow);
    if (is_due(flow, flow->life_at))
        life_timer(flow);
    if (flow->flags & FLOW_ACK_LATER && is_due(flow, flow->delayed_ack_at)) {
        flow->flags = (flow->flags & ~(uint32_t)FLOW_ACK_LATER) | FLOW_ACK_NOW;
        flow_ready(flow);
    }
    if (flow->flags & FLOW_PACED && flow->flight && flow->flight->pace_us <= flow->tcp->now_us) {
        flow->flags &= ~(uint32_t)FLOW_PACED;
        flow_ready(flow);
    }
    if (flow->flight && flow->flight->timer != TIMER_NO && is_due(flow, flow->flight->timer_at))
        flow_loss_timer(flow);
    if (!(flow->flags & FLOW_GONE))
        flow_set_timer(flow);
    flow_done(flow);
}

uint64_t tcp_timers(struct tcp *tcp, uint64_t now_us)
{
    tcp_set_now(tcp, now_us);
    const uint64_t tick = now_us >> TCP_TICK_SHIFT;
    if (!timer_wheel_passes(&tcp->wheel, tick)) {
        for (uint32_t index; (index = timer_wheel_expired(&tcp->wheel, tick)) != TIMER_NONE;)
            flow_timer(pool_item(&tcp->flows, index));
    }
    uint64_t next = timer_wheel_next(&tcp->wheel);
    uint32_t others = TCP_NO_DEADLINE;
    if (tcp->half_opens.in_use)
        others = least(others, half_open_timers(tcp));
    if (tcp->time_waitings.in_use)
        others = least(others, time_wait_timers(tcp));
    if (tcp_must_evict(tcp))
        others = least(others, tcp_evict(tcp));
    if (others != TCP_NO_DEADLINE && tick + others < next)
        next = tick + others;
    return next == UINT64_MAX ? now_us + TCP_S : next << TCP_TICK_SHIFT;
}

/* ---- the instance ---- */

static bool make_pools(struct tcp *tcp, const struct net_config *config)
{
    const uint32_t flows = config->max_flows;
    bool ok = pool_make(&tcp->flows, sizeof(struct flow), flows) &&
              pool_make(&tcp->half_opens, sizeof(struct half_open), config->max_half_open) &&
              pool_make(&tcp->time_waitings, sizeof(struct time_waiting), config->max_time_wait) &&
              pool_make(&tcp->flights, sizeof(struct flight), flows) &&
              pool_make(&tcp->reassemblies, sizeof(struct reassembly), flows);
    for (uint32_t i = 0; i < SENT_CLASSES; i++) {
        const uint32_t segments = SENT_SMALL << 2 * (i + 1);
        ok = ok && pool_make(&tcp->rings[i], segments * (uint32_t)sizeof(struct segment),
                             least(greatest(flows >> 2 * i, 64), flows));
    }
    return ok && flow_table_make(&tcp->table, flows + config->max_half_open + config->max_time_wait,
                                 &tcp->secret);
}

/* [9293 3.8.4-3] */
static const char *configure(struct tcp *tcp, const struct net_config *config)
{
    const struct net_port *port = &config->port;
    const uint32_t room = rte_pktmbuf_data_room_size(port->buffers);
    tcp->cc = config->congestion ? cc_row_named(config->congestion) : &cc_cubic;
    if (!tcp->cc)
        return "congestion: neither cubic nor reno";
    if (room < RTE_PKTMBUF_HEADROOM + 256)
        return "port.buffers: less than 256 bytes behind the headroom";
    if (config->max_flows >> FLOW_HANDLE_KIND || config->max_flows == 0 || config->max_buffers < 16)
        return "max_flows, max_buffers: too few or too many";
    if (config->keepalive_s > 24 * 3600)
        return "keepalive_s: more than a day";
    tcp->header_pool = port->buffers;
    tcp->clone_pool = port->clones;
    tcp->offloads = port->offloads;
    tcp->link_mtu = port->mtu;
    tcp->max_pieces = port->offloads & NET_TX_MULTI_SEGS ? port->max_tx_segs : 1;
    tcp->piece_room = (uint16_t)(room - RTE_PKTMBUF_HEADROOM);
    tcp->mss_max = (uint16_t)least((uint32_t)tcp->piece_room * tcp->max_pieces - 60, UINT16_MAX);
    tcp->max_detached = config->max_detached;
    tcp->max_buffers = config->max_buffers;
    const uint64_t keepalive_us =
        config->keepalive_s ? (uint64_t)config->keepalive_s * TCP_S : TCP_KEEPALIVE;
    tcp->keepalive_ticks = (uint32_t)(keepalive_us >> TCP_TICK_SHIFT);
    memcpy(&tcp->secret, config->secret, sizeof(tcp->secret));
    port_picker_init(&tcp->ports, &port->rss);
    return NULL;
}

struct tcp *tcp_new(struct net *net, const struct net_config *config, char *error, size_t error_len)
{
    struct tcp *tcp = calloc(1, sizeof(*tcp));
    const char *why = tcp ? configure(tcp, config) : "no memory";
    if (!why && !make_pools(tcp, config))
        why = "no memory for as many flows";
    if (why) {
        snprintf(error, error_len, "%s", why);
        tcp_free(tcp);
        return NULL;
    }
    tcp->net = net;
    tcp_set_now(tcp, config->now_us);
    timer_wheel_init(&tcp->wheel, tcp->flows.items + offsetof(struct flow, timer),
                     sizeof(struct flow), config->now_us >> TCP_TICK_SHIFT);
    flow_table_set_kind(&tcp->table, KIND_FLOW, tcp->flows.items, sizeof(struct flow));
    flow_table_set_kind(&tcp->table, KIND_HALF_OPEN, tcp->half_opens.items,
                        sizeof(struct half_open));
    flow_table_set_kind(&tcp->table, KIND_TIME_WAITING, tcp->time_waitings.items,
                        sizeof(struct time_waiting));
    tcp->ready_first = tcp->ready_last = tcp->evict_worst = POOL_NONE;
    tcp->detached_first = tcp->detached_last = POOL_NONE;
    tcp->time_wait_list = (struct waiting_list){POOL_NONE, POOL_NONE};
    for (uint32_t i = 0; i < TCP_HALF_OPEN_TRIES; i++)
        tcp->half_open_lists[i] = (struct waiting_list){POOL_NONE, POOL_NONE};
    return tcp;
}

/* Every flow has a timer set, so the wheel names them all. */
static void free_flows(struct tcp *tcp)
{
    const uint64_t forever = (tcp->now_us >> TCP_TICK_SHIFT) + INT32_MAX;
    for (uint32_t index; (index = timer_wheel_expired(&tcp->wheel, forever)) != TIMER_NONE;)
        flow_free(pool_item(&tcp->flows, index));
}

void tcp_free(struct tcp *tcp)
{
    if (!tcp)
        return;
    if (tcp->table.buckets)
        free_flows(tcp);
    flow_table_release(&tcp->table);
    pool_release(&tcp->flows);
    pool_release(&tcp->half_opens);
    pool_release(&tcp->time_waitings);
    pool_release(&tcp->flights);
    pool_release(&tcp->reassemblies);
    for (uint32_t i = 0; i < SENT_CLASSES; i++)
        pool_release(&tcp->rings[i]);
    free(tcp);
}
