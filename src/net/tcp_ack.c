/* SPDX-License-Identifier: BSD-3-Clause */

/* What an acknowledgement does to what we have sent. */

#include <rte_mbuf.h>

#include "net/tcp_flow.h"

#define MIN_RTT_AGE (300u * (TCP_S >> TCP_TICK_SHIFT)) /* a path may become longer */

/* RFC 6298 2. [6298 2-2] [8985 6.2-1] [9293 3.8.1-1] */
void flow_rtt_sample(struct flow *flow, uint32_t rtt_us)
{
    rtt_us = greatest(rtt_us, 1);
    flow->flags &= ~(uint32_t)FLOW_PROBED;
    if (!flow->srtt_us) {
        flow->srtt_us = rtt_us;
        flow->rttvar_us = rtt_us / 2;
    } else {
        const uint32_t off =
            rtt_us > flow->srtt_us ? rtt_us - flow->srtt_us : flow->srtt_us - rtt_us;
        flow->rttvar_us = flow->rttvar_us - flow->rttvar_us / 4 + off / 4;
        flow->srtt_us = greatest(flow->srtt_us - flow->srtt_us / 8 + rtt_us / 8, 1);
    }
    if (!flow->min_rtt_us || rtt_us <= flow->min_rtt_us ||
        flow->tcp->tick - flow->min_rtt_at > MIN_RTT_AGE) {
        flow->min_rtt_us = rtt_us;
        flow->min_rtt_at = flow->tcp->tick;
    }
}

/* A window that was shut swallowed what was in flight: that goes again at once, and the time that
 * it was shut is not held against the peer. */
static void window_opened(struct flow *flow)
{
    struct flight *flight = flow->flight;
    flight->progress_at = flow->tcp->tick;
    flight->probes = 0;
    if (!sent_num(&flight->sent) || !flight->backoff)
        return;
    flight->backoff = 0;
    if (sent_at(&flight->sent, flight->sent.first)->state == SEGMENT_FLYING)
        sent_mark_lost(&flight->sent, flight->sent.first);
}

/* Whether the segment's window is newer than the one we know: RFC 9293 3.10.7.4, and where it
 * acknowledges more it is, though it were a retransmission of something old. Of two that were sent
 * in the same place the larger is. [9293 3.10.7.4-11] */
static bool window_is_newer(const struct flow *flow, const struct segment_in *in)
{
    if (seq_after(in->ack, flow->snd_una) || seq_after(in->seq, flow->snd_wl1))
        return true;
    const uint32_t window = (uint32_t)in->window << flow->snd_scale;
    return in->seq == flow->snd_wl1 && (window > flow->snd_wnd || !window);
}

/* [7323 2.3-2] [9293 3.1-1] */
static void update_window(struct flow *flow, const struct segment_in *in)
{
    if (!window_is_newer(flow, in))
        return;
    const uint32_t window = (uint32_t)in->window << flow->snd_scale;
    if (window && !flow->snd_wnd && flow->flight)
        window_opened(flow);
    if (window > flow->snd_wnd && flow->flight)
        flow_ready(flow);
    flow->snd_wnd = window;
    flow->snd_wl1 = in->seq;
    if (in->window > flow->snd_wnd_max)
        flow->snd_wnd_max = in->window;
}

/* Frees `len` bytes from the front of the send queue. [6675 4-5] */
static void release_sent(struct flow *flow, uint32_t len)
{
    struct flight *flight = flow->flight;
    len += flight->head_offset;
    while (flight->head && len >= flight->head->data_len) {
        struct rte_mbuf *next = flight->head->next;
        len -= flight->head->data_len;
        buffer_free(flight->head);
        flow_count_sending(flow, -1);
        flight->num_buffers--;
        flight->freed_at = flow->tcp->tick;
        flight->head = next;
    }
    flight->head_offset = len;
    if (!flight->head)
        flight->tail = NULL;
}

/* Where a segment's payload goes on when its front is acknowledged. */
static void trim_segment(struct sent *sent, uint32_t len)
{
    struct segment *segment = sent_at(sent, sent->first);
    uint32_t offset = segment->offset + len;
    sent_trim(sent, len);
    while (segment->mbuf && offset >= segment->mbuf->data_len) {
        offset -= segment->mbuf->data_len;
        segment->mbuf = segment->mbuf->next;
    }
    segment->offset = (uint16_t)offset;
}

/* Everything before in->ack has arrived. */
static void ack_segments(struct flow *flow, const struct segment_in *in, struct loss_news *news)
{
    struct sent *sent = &flow->flight->sent;
    uint32_t payload = in->ack - flow->snd_una;
    news->cc.acked = payload;
    news->new_data_acked = true;
    while (sent->first != sent->end) {
        const struct segment *segment = sent_at(sent, sent->first);
        if (seq_after(segment_end(segment), in->ack)) {
            if (seq_after(in->ack, segment->seq)) {
                const uint32_t part = in->ack - segment->seq;
                news->cc.delivered += segment->state == SEGMENT_SACKED ? 0 : part;
                trim_segment(sent, part);
            }
            break;
        }
        if (segment->state != SEGMENT_SACKED)
            loss_segment_arrived(flow, segment, news, in);
        payload -= segment->fin;
        sent_pop(sent);
    }
    flow->snd_una = in->ack;
    release_sent(flow, payload);
}

/* Whether all that is in flight was sent once, in order, and nothing has cast doubt on it: no
 * block, timeout, probe or congestion. */
static bool is_untroubled(const struct flow *flow)
{
    const struct flight *flight = flow->flight;
    const struct sent *sent = &flight->sent;
    return !(flight->recovery | (uint32_t)flight->probe_out | flight->dup_acks | sent->lost |
             sent->sacked) &&
           sent->again_first == SENT_NONE && flight->timer != TIMER_REORDER &&
           !seq_after(flight->rack_fack, flow->snd_una);
}

/* Nearly every acknowledgement: of an untroubled flight that has no FIN in it, without blocks or
 * ECE. It comes to what the long way does. Of the segments that arrived the first was on its way
 * the longest, and the last is RACK's and was so the shortest; what was sent after that cannot be
 * lost by it; so nothing but congestion control wants to know more. */
static void ack_untroubled(struct flow *flow, const struct segment_in *in)
{
    struct flight *flight = flow->flight;
    struct sent *sent = &flight->sent;
    const uint32_t now = (uint32_t)flow->tcp->now_us, acked = in->ack - flow->snd_una;
    const uint32_t first_us = sent_at(sent, sent->first)->sent_us;
    struct cc_ack ack = {.delivered = acked, .acked = acked};
    const struct segment *segment = NULL;
    while (sent->first != sent->end) {
        segment = sent_at(sent, sent->first);
        if (seq_after(segment_end(segment), in->ack)) {
            if (seq_after(in->ack, segment->seq))
                trim_segment(sent, in->ack - segment->seq);
            break;
        }
        flight->rack_valid = true;
        flight->rack_sent_us = segment->sent_us;
        flight->rack_end = flight->rack_fack = segment_end(segment);
        flight->rack_rtt_us = ack.rtt_us = greatest(now - segment->sent_us, 1);
        sent_pop(sent);
    }
    flow->snd_una = in->ack;
    release_sent(flow, acked);
    if (ack.rtt_us)
        flow_rtt_sample(flow, now - first_us);
    flight->backoff = 0;
    flight->progress_at = flow->tcp->tick;
    cc_acked(flow, &ack, flow->tcp->now_us);
    flow_drop_flight(flow);
    if (flow->flight)
        flow_arm_loss_timer(flow, true);
}

/* RFC 5961 5.2: acknowledgements of what was never sent, or long ago, are not believed.
 * [5961 5.2-1 5.2-2] [9293 3.10.7.4-10] */
static bool ack_is_plausible(struct flow *flow, const struct segment_in *in)
{
    if (seq_after(in->ack, flow->snd_nxt)) {
        flow->tcp->counters.too_new_acks++;
        flow_challenge(flow);
        return false;
    }
    const uint32_t greatest_window = (uint32_t)flow->snd_wnd_max << flow->snd_scale;
    if (seq_before(in->ack, flow->snd_una - greatest_window)) {
        flow->tcp->counters.old_acks++;
        flow_challenge(flow);
        return false;
    }
    return true;
}

/* RFC 5681 2: one that says nothing but that something arrived. */
static bool is_duplicate(const struct flow *flow, const struct segment_in *in)
{
    return in->ack == flow->snd_una && !in->len && !(in->flags & TCP_FIN) &&
           sent_num(&flow->flight->sent) &&
           (uint32_t)in->window << flow->snd_scale == flow->snd_wnd;
}

/* Something new has arrived at the peer, payload or a FIN. False: the flow is gone. [4861 7.3.1-1]
 */
static bool on_progress(struct flow *flow, uint32_t payload)
{
    flow->flags &= ~(uint32_t)FLOW_SOFT_ERROR;
    ip_confirm(flow->tcp->net, &flow->key.peer, flow->way);
    if (flow->flight)
        flow_ready(flow);
    if (payload && flow->events)
        flow->events->sent(flow->user, payload);
    return !(flow->flags & FLOW_GONE);
}

bool flow_acked(struct flow *flow, const struct segment_in *in)
{
    if (!ack_is_plausible(flow, in))
        return false;
    if (seq_before(in->ack, flow->snd_una)) {
        flow->tcp->counters.old_acks++;
        return true; /* but its data are looked at */
    }
    const uint32_t acked = in->ack - flow->snd_una;
    const bool ece = in->flags & TCP_ECE && flow->flags & FLOW_ECN;
    const bool is_dup = flow->flight && is_duplicate(flow, in);
    update_window(flow, in);
    if (!flow->flight) {
        if (in->options.num_sacks) /* a D-SACK: the probe was needless */
            flow->flags &= ~(uint32_t)FLOW_REPAIRED;
        return true;
    }
    if (acked && !in->options.num_sacks && !ece && !(flow->flags & FLOW_FIN_SENT) &&
        is_untroubled(flow)) {
        ack_untroubled(flow, in);
        return on_progress(flow, acked);
    }
    struct loss_news news = {.is_duplicate = is_dup, .ece = ece};
    if (acked)
        ack_segments(flow, in, &news);
    if (in->options.num_sacks && flow->flags & FLOW_SACK)
        loss_sacks(flow, in, &news);
    if (news.rtt_first_us)
        flow_rtt_sample(flow, news.rtt_first_us);
    loss_acked(flow, in, &news);
    if (news.cc.delivered)
        flow_ready(flow);
    if (!news.new_data_acked)
        return true;
    flow_drop_flight(flow);
    return on_progress(flow,
                       acked - (flow->flags & FLOW_FIN_SENT && flow->snd_una == flow->snd_nxt));
}
