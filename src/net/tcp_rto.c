/* SPDX-License-Identifier: BSD-3-Clause */

/* The one timer of a flow with data on their way: it waits for reordered segments, probes the tail,
 * or, when all else is silent, takes everything for lost; or it asks a peer for its window. */

#include "net/tcp_flow.h"

/* RFC 6298 2.3 with the minimum where Linux has it, on the variance: a peer may hold back its
 * acknowledgement for as long, whatever the distance. [6298 2-1 2-2 4-1 5-3] */
uint32_t flow_rto_us(const struct flow *flow)
{
    if (!flow->srtt_us)
        return flow->flags & FLOW_SYN_LOST ? TCP_RTO_AFTER_SYN : TCP_RTO_FIRST;
    return least(flow->srtt_us + greatest(4 * flow->rttvar_us, TCP_RTO_MIN), TCP_RTO_MAX);
}

/* [6298 5-2] [9293 3.8.2-1] */
static uint32_t backed_off(uint32_t us, uint32_t times)
{
    return times < 16 && us << times >> times == us ? least(us << times, TCP_RTO_MAX) : TCP_RTO_MAX;
}

static void set(struct flow *flow, enum flight_timer timer, uint32_t us)
{
    flow->flight->timer = (uint8_t)timer;
    flow->flight->timer_at = tcp_ticks(flow->tcp, us);
}

/* RFC 8985 7.2. 0: no probe now. [8985 7.2-1 7.2-2 7.3-1] */
static uint32_t tail_probe_us(const struct flow *flow)
{
    const struct flight *flight = flow->flight;
    if (!(flow->flags & FLOW_SACK) || flow->flags & FLOW_PROBED ||
        flight->recovery != RECOVERY_NO || flight->probe_out || flight->backoff ||
        flight->sent.sacked || flight->sent.lost || !flow->srtt_us)
        return 0;
    return 2 * flow->srtt_us + (sent_num(&flight->sent) == 1 ? TCP_PEER_ACK_DELAY : 2 * TCP_MS);
}

/* The window is not shut, but too small to be worth a segment (RFC 9293 3.8.6.2.1). */
static bool window_is_small(const struct flow *flow)
{
    return flow->flight->unsent && seq_after(flow->snd_una + flow->snd_wnd, flow->snd_nxt);
}

/* A window that is shut is asked for ever more seldom; what fits into a small one has waited long
 * enough after a second (RFC 9293 3.8.6.2.1), however long it was shut before. */
static void arm_window_timer(struct flow *flow, bool restart)
{
    struct flight *flight = flow->flight;
    const bool is_small = window_is_small(flow);
    const uint32_t us = is_small ? least(flow_rto_us(flow), TCP_OVERRIDE)
                                 : backed_off(flow_rto_us(flow), flight->probes);
    if (flight->timer != TIMER_WINDOW_PROBE || restart ||
        (is_small && seq_before(tcp_ticks(flow->tcp, us), flight->timer_at)))
        set(flow, TIMER_WINDOW_PROBE, us);
}

/* [6298 5-1] [6928 9-1] [9293 3.8.6.1-1] */
void flow_arm_loss_timer(struct flow *flow, bool restart)
{
    struct flight *flight = flow->flight;
    if (!sent_num(&flight->sent)) {
        const bool waits = flight->unsent || (flow->flags & (FLOW_FIN | FLOW_FIN_SENT)) == FLOW_FIN;
        if (!waits || flow->flags & FLOW_PACED)
            flight->timer = TIMER_NO;
        else
            arm_window_timer(flow, restart);
        return;
    }
    if (flight->timer == TIMER_REORDER)
        return;
    const uint32_t rto_us = backed_off(flow_rto_us(flow), flight->backoff);
    const uint32_t probe_us = tail_probe_us(flow);
    if (probe_us && probe_us < rto_us) {
        if (flight->timer != TIMER_TAIL_PROBE || restart || flow->sent_at == flow->tcp->tick)
            set(flow, TIMER_TAIL_PROBE, probe_us);
    } else if (flight->timer != TIMER_RTO || restart) {
        set(flow, TIMER_RTO, rto_us);
    }
}

/* Large segments that vanish one after the other, where small ones might pass: RFC 2923 2.1. There
 * is no search upwards. */
static void suspect_black_hole(struct flow *flow)
{
    struct flight *flight = flow->flight;
    const bool is_v4 = net_ip_is_v4(&flow->key.peer);
    const uint16_t floor = is_v4 ? TCP_MTU_MIN_4 : TCP_MTU_MIN_6;
    const uint32_t headers = (is_v4 ? 40u : 60u) + (flow->flags & FLOW_TS ? TCP_OPT_TS_LEN : 0);
    const uint32_t sent_len =
        least(sent_at(&flight->sent, flight->sent.first)->len, flow->mss) + headers;
    if (flight->backoff < 3 || sent_len <= floor || !flow->snd_wnd) /* or there is no room there */
        return;
    flow->mtu = sent_len > TCP_MTU_MIN_6 ? TCP_MTU_MIN_6 : floor;
    flow->mtu_at = (uint8_t)(flow->tcp->now_us / (60 * (uint64_t)TCP_S));
    flow->flags |= FLOW_LOW_MTU;
    flow->tcp->counters.black_holes++;
    flow_update_mss(flow);
}

/* RFC 8985 6.3: what was sent too lately to be judged stays in flight. [6675 5.1-1] [8985 6.3-1] */
static void mark_lost_on_timeout(struct flow *flow)
{
    struct flight *flight = flow->flight;
    struct sent *sent = &flight->sent;
    const uint32_t now = (uint32_t)flow->tcp->now_us;
    const uint32_t patience =
        (flight->rack_valid ? flight->rack_rtt_us : flow->srtt_us) + loss_reordering_window(flow);
    /* RFC 2018 8: a peer that holds the first would have acknowledged it */
    if (sent_at(sent, sent->first)->state == SEGMENT_SACKED)
        sent_forget_sacked(sent);
    for (uint16_t i = sent->first; i != sent->end; i++) {
        const struct segment *segment = sent_at(sent, i);
        if (segment->state == SEGMENT_FLYING &&
            (i == sent->first || seq_diff(now, segment->sent_us + patience) >= 0))
            sent_mark_lost(sent, i);
    }
}

static void give_up(struct flow *flow)
{
    flow_send_reset(flow);
    flow_finish(flow, FLOW_END_TIMEOUT);
}

/* [9293 3.8.3-1] */
static bool is_past_hope(const struct flow *flow, uint32_t since)
{
    return flow->tcp->tick - since >= TCP_GIVE_UP >> TCP_TICK_SHIFT;
}

/* RFC 6298 5.4 to 5.6. [3168 6.1.2-1] [5682 3.1-1] [6675 5.1-2] [9293 3.8.6-3] */
static void timeout(struct flow *flow)
{
    struct flight *flight = flow->flight;
    const bool is_first = flight->recovery == RECOVERY_NO;
    /* a peer whose window is shut is alive as long as it says so */
    const uint32_t alive_at = flow->snd_wnd ? flight->progress_at : flow->heard_at;
    if (is_past_hope(flow, alive_at) && flight->backoff >= 4) {
        give_up(flow);
        return;
    }
    flow->tcp->counters.timeouts++;
    flow->timeouts++;
    flight->backoff++;
    if (is_first) {
        flight->undo_cwnd = flow->cwnd;
        flight->undo_ssthresh = flow->ssthresh;
        flight->undo_resent = 0;
        flight->undo_possible = true;
    }
    if (flight->recovery != RECOVERY_RTO) {
        flight->frto = is_first && flow->flags & FLOW_SACK;
        flight->frto_asked = false;
    } else {
        flight->frto = false;
    }
    flight->frto_new = 0;
    flight->probe_out = false;
    flight->dup_acks = 0;
    flight->recovery = RECOVERY_RTO;
    flow->flags |= FLOW_CWR; /* for whatever reason it slows down: RFC 3168 6.1.2 */
    flight->recover = flow->snd_nxt;
    mark_lost_on_timeout(flow);
    suspect_black_hole(flow);
    cc_timeout(flow, is_first);
    set(flow, TIMER_RTO, backed_off(flow_rto_us(flow), flight->backoff));
    flow->flags &= ~(uint32_t)FLOW_PACED;
    flight->pace_us = 0;
    flow_ready(flow);
}

/* RFC 9293 3.8.6.1; into a small window goes what fits, after all. [9293 3.8.6.1-1 3.8.6.1-2] */
static void probe_window(struct flow *flow)
{
    struct flight *flight = flow->flight;
    if (window_is_small(flow)) {
        flight->force = true;
        flow_ready(flow);
        return;
    }
    if (is_past_hope(flow, flow->heard_at) && flight->probes >= 4) {
        give_up(flow);
        return;
    }
    flight->probes += flight->probes < 16;
    flow->tcp->counters.zero_window_probes++;
    flow->flags |= FLOW_PROBE;
    set(flow, TIMER_WINDOW_PROBE, backed_off(flow_rto_us(flow), flight->probes));
    flow_ready(flow);
}

/* [8985 7.3-3] */
void flow_loss_timer(struct flow *flow)
{
    struct flight *flight = flow->flight;
    const enum flight_timer timer = flight->timer;
    flight->timer = TIMER_NO;
    if (timer == TIMER_REORDER) {
        loss_reordering_over(flow);
    } else if (timer == TIMER_TAIL_PROBE) {
        flight->force = true;
        set(flow, TIMER_RTO, flow_rto_us(flow));
        flow_ready(flow);
    } else if (timer == TIMER_WINDOW_PROBE) {
        probe_window(flow);
    } else if (sent_num(&flight->sent)) {
        timeout(flow);
    }
}
