/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What is lost. RACK (RFC 8985) alone says so: a segment is, when one sent later has arrived and
 * more than a reordering window has passed since. A tail loss probe brings the acknowledgement that
 * this needs at a tail; the retransmission timer is for when nothing comes back at all. Peers
 * without SACK get RFC 5681 and 6582's counting instead.
 */

#include "net/tcp_flow.h"

#define DUP_THRESHOLD 3u

static uint32_t now32(const struct flow *flow)
{
    return (uint32_t)flow->tcp->now_us;
}

/* ---- what arrived ---- */

static bool sent_after(uint32_t a_us, uint32_t a_end, uint32_t b_us, uint32_t b_end)
{
    return seq_after(a_us, b_us) || (a_us == b_us && seq_after(a_end, b_end));
}

/* RFC 8985 6.2, steps 1 to 3. [6298 3-1 3-2] [8985 6.2-2 6.2-3] [9293 3.8.1-1] */
void loss_segment_arrived(struct flow *flow, const struct segment *segment, struct loss_news *news,
                          const struct segment_in *in)
{
    struct flight *flight = flow->flight;
    const uint32_t rtt_us = greatest(now32(flow) - segment->sent_us, 1);
    const uint32_t end = segment_end(segment);
    const bool sent_again = segment->sendings > 1;
    news->cc.delivered += segment_size(segment);
    if (!sent_again) {
        news->rtt_first_us = greatest(news->rtt_first_us, rtt_us);
        news->cc.rtt_us = news->cc.rtt_us ? least(news->cc.rtt_us, rtt_us) : rtt_us;
        if (flight->recovery == RECOVERY_RTO && seq_before(segment->seq, flight->recover))
            news->original_arrived = true;
        if (seq_before(end, flight->rack_fack))
            flow->flags |= FLOW_REORDERS;
    } else {
        /* an acknowledgement of an earlier sending says nothing of this one */
        const uint32_t sent_ts = segment->sent_us / TCP_MS; /* compared as differences below */
        const uint32_t age_ms = now32(flow) / TCP_MS - sent_ts;
        if (in->options.has_ts && flow->flags & FLOW_TS &&
            seq_before(in->options.ts_echo, tcp_timestamp(flow->tcp, flow->ts_offset) - age_ms))
            return;
        if (rtt_us < flow->min_rtt_us)
            return;
    }
    flight->rack_fack = seq_max(flight->rack_fack, end);
    if (!flight->rack_valid ||
        sent_after(segment->sent_us, end, flight->rack_sent_us, flight->rack_end)) {
        flight->rack_valid = true;
        flight->rack_rtt_us = rtt_us;
        flight->rack_sent_us = segment->sent_us;
        flight->rack_end = end;
    }
}

/* RFC 2883 4: the first block tells of bytes that came twice if it lies before the acknowledgement
 * or in the second block. */
static bool is_dsack(const struct segment_in *in)
{
    const struct tcp_sack *first = &in->options.sacks[0], *second = &in->options.sacks[1];
    if (!seq_before(first->from, first->to))
        return false;
    if (!seq_after(first->to, in->ack))
        return true;
    return in->options.num_sacks > 1 && !seq_before(first->from, second->from) &&
           !seq_after(first->to, second->to);
}

/* [8985 3.3.2-3] */
static void on_dsack(struct flow *flow, const struct segment_in *in, struct loss_news *news)
{
    struct flight *flight = flow->flight;
    const struct tcp_sack *block = &in->options.sacks[0];
    flow->tcp->counters.dsacks_in++;
    news->dsack = *block;
    news->has_dsack = true;
    if (flight->undo_resent)
        flight->undo_resent--;
    /* RFC 8985 6.2 step 4: reordering is wider than was thought */
    if (!seq_before(flow->snd_una, flight->dsack_round)) {
        flight->dsack_round = flow->snd_nxt;
        flight->reorder_mult += flight->reorder_mult < 64;
        flight->reorder_persist = 16;
    }
}

/* [6675 4-1] [8985 4-1] */
void loss_sacks(struct flow *flow, const struct segment_in *in, struct loss_news *news)
{
    struct sent *sent = &flow->flight->sent;
    uint32_t i = 0;
    flow->tcp->counters.sacks_in++;
    if (is_dsack(in)) {
        on_dsack(flow, in, news);
        i = 1;
    }
    for (; i < in->options.num_sacks; i++) {
        const struct tcp_sack *block = &in->options.sacks[i];
        if (!seq_before(block->from, block->to) || seq_before(block->from, flow->snd_una) ||
            seq_after(block->to, flow->snd_nxt))
            continue;
        uint16_t at = sent_find(sent, block->from);
        while (at != sent->end) {
            const struct segment *segment = sent_at(sent, at);
            if (seq_after(segment_end(segment), block->to))
                break;
            if (segment->state != SEGMENT_SACKED) {
                loss_segment_arrived(flow, segment, news, in);
                sent_mark_sacked(sent, at);
            }
            at = sent_skip_sacked(sent, at);
        }
    }
}

/* ---- what is lost ---- */

/* RFC 8985 6.2 step 4. [8985 3.3.2-1 3.3.2-2 3.3.2-4] */
uint32_t loss_reordering_window(const struct flow *flow)
{
    const struct flight *flight = flow->flight;
    if (!(flow->flags & FLOW_REORDERS) &&
        (flight->recovery >= RECOVERY_FAST || flight->sent.num_sacked >= DUP_THRESHOLD))
        return 0;
    return least(flow->min_rtt_us / 4 * flight->reorder_mult, flow->srtt_us);
}

/* Whether the segment is lost by now; *wait_us is lowered to when that will be known. */
/* [8985 6.2-4] */
static bool is_lost(const struct flow *flow, const struct segment *segment, uint32_t window,
                    uint32_t *wait_us)
{
    const struct flight *flight = flow->flight;
    if (!sent_after(flight->rack_sent_us, flight->rack_end, segment->sent_us, segment_end(segment)))
        return false;
    const int32_t left = seq_diff(segment->sent_us + flight->rack_rtt_us + window, now32(flow));
    if (left > 0)
        *wait_us = least(*wait_us, (uint32_t)left);
    return left <= 0;
}

/* RFC 8985 6.2 step 5, in the two orders of time that tcp_sent.h keeps. Returns the bytes found
 * lost. [8985 4-1] */
static uint32_t detect_losses(struct flow *flow)
{
    struct flight *flight = flow->flight;
    struct sent *sent = &flight->sent;
    const uint32_t window = loss_reordering_window(flow), lost_before = sent->lost;
    uint32_t wait_us = UINT32_MAX;
    if (!flight->rack_valid || !(flow->flags & FLOW_SACK))
        return 0;
    while (sent->fresh != sent->end) {
        const struct segment *segment = sent_at(sent, sent->fresh);
        if (segment->state == SEGMENT_FLYING && segment->sendings == 1) {
            if (!is_lost(flow, segment, window, &wait_us))
                break;
            sent_mark_lost(sent, sent->fresh);
        }
        sent->fresh = sent_skip_sacked(sent, sent->fresh);
    }
    uint16_t index;
    while ((index = sent_first_again(sent)) != sent->end &&
           is_lost(flow, sent_at(sent, index), window, &wait_us))
        sent_mark_lost(sent, index);
    if (wait_us != UINT32_MAX) {
        flight->timer = TIMER_REORDER;
        flight->timer_at = tcp_ticks(flow->tcp, wait_us);
    } else if (flight->timer == TIMER_REORDER) {
        flight->timer = TIMER_NO;
    }
    return sent->lost - lost_before;
}

/* RFC 6582 for peers without SACK: three duplicates, and then each partial acknowledgement, say
 * that the first segment is lost. [5681 3.2-2] [8985 9.2-1] */
static uint32_t count_duplicates(struct flow *flow, struct loss_news *news)
{
    struct flight *flight = flow->flight;
    struct sent *sent = &flight->sent;
    if (flow->flags & FLOW_SACK)
        return 0;
    if (news->is_duplicate) {
        flight->dup_acks++;
        news->cc.delivered += flow->mss;
    } else if (news->new_data_acked) {
        /* one of those acknowledged filled the hole, the others had been counted as duplicates */
        const uint32_t others = (news->cc.acked - 1) / flow->mss;
        const uint32_t counted = least(flight->dup_acks, others);
        news->cc.delivered -= least(news->cc.delivered, counted * flow->mss);
        flight->dup_acks = flight->recovery == RECOVERY_FAST ? flight->dup_acks - counted : 0;
    }
    const bool partial = flight->recovery == RECOVERY_FAST && news->new_data_acked;
    if (!sent_num(sent) || sent_at(sent, sent->first)->state != SEGMENT_FLYING ||
        !(partial || (flight->dup_acks == DUP_THRESHOLD && flight->recovery <= RECOVERY_ECN)))
        return 0;
    sent_mark_lost(sent, sent->first);
    return flow->mss;
}

/* ---- recovery ---- */

static void remember_for_undo(struct flow *flow)
{
    struct flight *flight = flow->flight;
    flight->undo_cwnd = flow->cwnd;
    flight->undo_ssthresh = flow->ssthresh;
    flight->undo_resent = 0;
    flight->undo_possible = true;
}

/* [3168 6.1.2-1] [5681 4.3-1] [8985 7.1-1] */
static void enter_reduction(struct flow *flow, enum recovery why, uint32_t delivered)
{
    struct flight *flight = flow->flight;
    if (flight->recovery == RECOVERY_NO) {
        remember_for_undo(flow);
        cc_enter_reduction(flow, delivered);
        flow->flags |= FLOW_CWR;
    }
    if (why == RECOVERY_FAST)
        flight->probe_out = false; /* RFC 8985 7.1 */
    flight->recovery = (uint8_t)why;
    flight->recover = flow->snd_nxt;
}

/* [6675 5-2] */
static void leave_recovery(struct flow *flow)
{
    struct flight *flight = flow->flight;
    if (flight->recovery != RECOVERY_RTO)
        flow->cwnd = greatest(flow->ssthresh, flow->mss);
    if (flight->recovery >= RECOVERY_FAST && flight->reorder_persist &&
        --flight->reorder_persist == 0)
        flight->reorder_mult = 1;
    flight->recovery = RECOVERY_NO;
    flight->frto = false;
    flight->frto_new = 0;
    flight->dup_acks = 0;
    flight->undo_possible = false;
}

/* Nothing was lost: the windows are as if nothing had happened. */
static void undo(struct flow *flow)
{
    struct flight *flight = flow->flight;
    flow->cwnd = greatest(flow->cwnd, flight->undo_cwnd);
    flow->ssthresh = flight->undo_ssthresh;
    flow->tcp->cc->undo(flow);
    flow->flags |= FLOW_REORDERS;
    flight->recovery = RECOVERY_NO;
    flight->frto = false;
    flight->frto_new = 0;
    flight->dup_acks = 0;
    flight->undo_possible = false;
}

/* RFC 5682 3.1, where RFC 2018's blocks let it see every segment: something that was sent once only
 * and before the timeout has arrived, so its acknowledgement was late, not lost.
 * [5682 3.1-2 3.1-3 3.1-4] */
static void check_spurious_timeout(struct flow *flow, const struct loss_news *news)
{
    struct flight *flight = flow->flight;
    struct sent *sent = &flight->sent;
    if (!flight->frto)
        return;
    if (news->original_arrived) {
        flow->tcp->counters.spurious_timeouts++;
        for (uint16_t i = sent->first; i != sent->end; i++) {
            if (sent_at(sent, i)->state == SEGMENT_LOST)
                sent_mark_found(sent, i);
        }
        undo(flow);
    } else if (news->new_data_acked && !flight->frto_asked) {
        flight->frto_asked = true;
        flight->frto_new = 2;
    } else if (news->new_data_acked || news->cc.delivered || news->is_duplicate) {
        flight->frto = false;
        flight->frto_new = 0;
    }
}

/* Two other ways to learn that a retransmission was needless: its original is echoed by a timestamp
 * older than it (RFC 3522), or every one of them came twice (RFC 2883, 3708). */
static void check_spurious_recovery(struct flow *flow, const struct segment_in *in,
                                    const struct loss_news *news)
{
    struct flight *flight = flow->flight;
    if (!flight->undo_possible || flight->recovery < RECOVERY_FAST)
        return;
    const bool by_ts = news->new_data_acked && flow->flags & FLOW_TS && in->options.has_ts &&
                       flight->undo_resent && seq_before(in->options.ts_echo, flight->resent_ts);
    const bool by_dsack = news->has_dsack && !flight->undo_resent;
    if (by_ts || by_dsack)
        undo(flow);
}

/* RFC 8985 7.4.2: a probe that repaired a loss hid it from congestion control.
 * [8985 7.4.2-1 7.4.2-2] */
static void check_tail_probe(struct flow *flow, const struct segment_in *in,
                             const struct loss_news *news)
{
    struct flight *flight = flow->flight;
    if (!flight->probe_out || seq_before(in->ack, flight->probe_end))
        return;
    if (!flight->probe_resent || (news->has_dsack && news->dsack.to == flight->probe_end)) {
        flight->probe_out = false;
    } else if (seq_after(in->ack, flight->probe_end)) {
        flight->probe_out = false;
        if (flight->recovery == RECOVERY_NO)
            enter_reduction(flow, RECOVERY_ECN, news->cc.delivered);
    } else if (news->is_duplicate && !in->options.num_sacks) {
        flight->probe_out = false;
    }
}

/* [3168 5-2] [6675 5.1-2] */
void loss_acked(struct flow *flow, const struct segment_in *in, struct loss_news *news)
{
    struct flight *flight = flow->flight;
    const bool was_reducing = flight->recovery == RECOVERY_ECN || flight->recovery == RECOVERY_FAST;
    if (news->new_data_acked) {
        flight->backoff = 0;
        flight->progress_at = flow->tcp->tick;
    }
    if (flight->recovery == RECOVERY_RTO)
        check_spurious_timeout(flow, news);
    check_spurious_recovery(flow, in, news);
    check_tail_probe(flow, in, news);
    if (flight->recovery != RECOVERY_NO && !seq_before(flow->snd_una, flight->recover))
        leave_recovery(flow);

    uint32_t found = count_duplicates(flow, news);
    if (news->cc.delivered || news->is_duplicate)
        found += detect_losses(flow);
    news->cc.lost_more = found;
    if (found && flight->recovery <= RECOVERY_ECN)
        enter_reduction(flow, RECOVERY_FAST, news->cc.delivered);
    else if (news->ece && flight->recovery == RECOVERY_NO)
        enter_reduction(flow, RECOVERY_ECN, news->cc.delivered);

    if (flight->recovery == RECOVERY_ECN && !sent_num(&flight->sent))
        leave_recovery(flow); /* nothing is in flight that could be answered */
    if (flight->recovery == RECOVERY_ECN || flight->recovery == RECOVERY_FAST)
        cc_reducing(flow, &news->cc);
    else if (news->cc.acked && !was_reducing)
        cc_acked(flow, &news->cc, flow->tcp->now_us);
    flow_arm_loss_timer(flow, news->cc.delivered);
}

/* The time that reordered segments were given has passed. [8985 6.2-5] */
void loss_reordering_over(struct flow *flow)
{
    struct flight *flight = flow->flight;
    if (detect_losses(flow)) {
        if (flight->recovery <= RECOVERY_ECN) {
            const struct cc_ack nothing = {.lost_more = true};
            enter_reduction(flow, RECOVERY_FAST, 0);
            cc_reducing(flow, &nothing);
        }
        flow_ready(flow);
    }
    flow_arm_loss_timer(flow, true);
}

/* The path takes less than what is in flight: that is no congestion (RFC 8899 3), but lost.
 * [1191 6.4-1] [8201 5.4-1] */
void loss_too_big(struct flow *flow)
{
    struct sent *sent = &flow->flight->sent;
    for (uint16_t i = sent->first; i != sent->end; i++) {
        const struct segment *segment = sent_at(sent, i);
        if (segment->state == SEGMENT_FLYING && segment->len > flow->mss)
            sent_mark_lost(sent, i);
    }
    flow_ready(flow);
}
