/* SPDX-License-Identifier: BSD-3-Clause */

/* The way out: what a flow may send now, cut into segments when it is sent. */

#include <rte_mbuf.h>

#include "net/tcp_flow.h"

enum outcome { OUT_SENT, OUT_BLOCKED, OUT_NO_BUFFERS };

/* What a frame that the link cuts up may hold, headers aside. */
#define SUPER_SEGMENT_MAX 61440u

/* [7323 3.2-3 3.2-5] */
static struct segment_out segment_of(struct flow *flow, uint32_t seq, uint8_t flags)
{
    struct segment_out out = {.key = &flow->key,
                              .seq = seq,
                              .ack = flow->rcv_nxt,
                              .flags = flags | TCP_ACK,
                              .way = flow->way};
    out.window = flow_window(flow);
    if (flow->flags & FLOW_ECE)
        out.flags |= TCP_ECE;
    if (flow->flags & FLOW_TS) {
        out.options.has_ts = true;
        out.options.ts_value = tcp_timestamp(flow->tcp, flow->ts_offset);
        out.options.ts_echo = flow->ts_recent;
    }
    return out;
}

static void acknowledged(struct flow *flow)
{
    flow->ack_sent = flow->rcv_nxt;
    flow->flags &= ~(uint32_t)(FLOW_ACK_NOW | FLOW_ACK_LATER);
}

/* Builds and sends one frame; payload starts at `offset` of `from`. */
static bool send_frame(struct flow *flow, struct segment_out *out, struct rte_mbuf *from,
                       uint32_t offset, uint32_t len)
{
    struct tcp *tcp = flow->tcp;
    struct rte_mbuf *packet = tcp_packet_make(tcp, out);
    if (!packet)
        return false;
    if (len && !tcp_packet_attach(tcp, packet, from, offset, len)) {
        rte_pktmbuf_free(packet);
        return false;
    }
    tcp_packet_send(tcp, packet, out, len > flow->mss ? flow->mss : 0);
    if (!flow->reassembly) /* blocks go in an acknowledgement of their own */
        acknowledged(flow);
    tcp->counters.bytes_out += len;
    flow->sent_at = tcp->tick;
    return true;
}

/* ---- pacing ---- */

static bool is_paced_out(struct flow *flow)
{
    struct flight *flight = flow->flight;
    if (flight->force || flight->pace_us <= flow->tcp->now_us || !cc_pace(flow))
        return false;
    flow->flags |= FLOW_PACED;
    return true;
}

/* Time that passed unused lets a short burst go, a first one ten segments (RFC 6928). */
static void pace(struct flow *flow, uint32_t len)
{
    struct flight *flight = flow->flight;
    const uint64_t rate = cc_pace(flow);
    if (!rate)
        return;
    const uint64_t credit_us =
        (flight->pace_us ? greatest(2 * flow->mss, (uint32_t)(rate / 1000)) : 10 * flow->mss) *
        (uint64_t)TCP_S / rate;
    const uint64_t since = flow->tcp->now_us > credit_us ? flow->tcp->now_us - credit_us : 0;
    if (flight->pace_us < since)
        flight->pace_us = since;
    flight->pace_us += len * (uint64_t)TCP_S / rate;
}

/* ---- retransmission ---- */

/* A segment that has become too long for the path goes in pieces. [3168 6.1.5-1] */
static enum outcome resend(struct flow *flow, uint16_t index)
{
    struct flight *flight = flow->flight;
    struct segment *segment = sent_at(&flight->sent, index);
    struct rte_mbuf *from = segment->mbuf;
    uint32_t offset = segment->offset, done = 0;
    do {
        const uint32_t len = least(segment->len - done, flow->mss);
        const bool is_last = done + len == segment->len;
        struct segment_out out = segment_of(flow, segment->seq + done, is_last ? TCP_PSH : 0);
        if (is_last && segment->fin)
            out.flags |= TCP_FIN;
        if (!send_frame(flow, &out, from, offset, len))
            return OUT_NO_BUFFERS;
        for (offset += len, done += len; from && from->next && offset >= from->data_len;
             from = from->next)
            offset -= from->data_len;
    } while (done < segment->len);

    flow->tcp->counters.retransmits++;
    flow->retransmits++;
    if (flight->recovery != RECOVERY_NO) {
        if (!flight->undo_resent++ && flight->undo_possible)
            flight->resent_ts = tcp_timestamp(flow->tcp, flow->ts_offset);
        flight->cc.prr.out += segment_size(segment);
    }
    sent_mark_resent(&flight->sent, index, (uint32_t)flow->tcp->now_us);
    pace(flow, segment->len);
    return OUT_SENT;
}

/* [8985 9.3-1] [9293 3.8.6-2] */
static enum outcome send_lost(struct flow *flow)
{
    struct flight *flight = flow->flight;
    const uint16_t index = sent_next_lost(&flight->sent);
    if (index == flight->sent.end)
        return OUT_BLOCKED;
    const struct segment *segment = sent_at(&flight->sent, index);
    const uint32_t in_flight = flow_in_flight(flow);
    if (in_flight && in_flight + segment_size(segment) > flow->cwnd)
        return OUT_BLOCKED;
    /* A window that was shrunk lets the first go only, which asks for it. */
    if (index != flight->sent.first &&
        seq_after(segment_end(segment), flow->snd_una + flow->snd_wnd))
        return OUT_BLOCKED;
    return resend(flow, index);
}

/* ---- new data ---- */

/* How much of the queue goes into the next frame: full segments, or all that there is, or what the
 * peer's window takes where that is worth it (RFC 9293 3.8.6.2.1). [5681 2-1] [7323 2.4-3]
 * [9293 3.8.6-2 3.8.6.2.1-1 3.9.1.2-2] */
static uint32_t new_len(struct flow *flow)
{
    struct flight *flight = flow->flight;
    const int32_t left = seq_diff(flow->snd_una + flow->snd_wnd, flow->snd_nxt);
    const uint32_t window = left > 0 ? (uint32_t)left : 0;
    const uint32_t in_flight = flow_in_flight(flow);
    const uint32_t len = least(flight->unsent, flow->mss);
    if (len > window) {
        const uint32_t greatest_window = (uint32_t)flow->snd_wnd_max << flow->snd_scale;
        const bool is_worth = window && (window >= greatest_window / 2 || flight->force);
        return is_worth && in_flight + window <= flow->cwnd ? window : 0;
    }
    if (in_flight + len > flow->cwnd && !flight->force) {
        flight->cc.limited = true;
        return 0;
    }
    if (!(flow->tcp->offloads & NET_TX_SEGMENT) || flight->force)
        return len;
    uint32_t most = least(least(flight->unsent, window), flow->cwnd - in_flight);
    most = least(most, SUPER_SEGMENT_MAX);
    if (most < flight->unsent)
        most -= most % flow->mss;
    /* as much of it as the link's number of pieces holds */
    uint32_t held = flight->unsent_mbuf->data_len - flight->unsent_offset, pieces = 2;
    for (const struct rte_mbuf *m = flight->unsent_mbuf->next;
         m && held < most && pieces < flow->tcp->max_pieces; m = m->next, pieces++)
        held += m->data_len;
    if (held < most)
        most = held - held % flow->mss;
    return greatest(most, len);
}

static void advance_unsent(struct flight *flight, uint32_t len)
{
    flight->unsent -= len;
    flight->unsent_offset += len;
    while (flight->unsent_mbuf && flight->unsent_offset >= flight->unsent_mbuf->data_len) {
        flight->unsent_offset -= flight->unsent_mbuf->data_len;
        flight->unsent_mbuf = flight->unsent_mbuf->next;
    }
}

static void note_sent(struct flow *flow, uint32_t len, bool fin)
{
    struct flight *flight = flow->flight;
    const uint32_t before = flow->snd_nxt;
    do {
        const uint32_t piece = least(len, flow->mss);
        const struct segment segment = {
            .mbuf = piece ? flight->unsent_mbuf : NULL,
            .seq = flow->snd_nxt,
            .sent_us = (uint32_t)flow->tcp->now_us,
            .offset = (uint16_t)flight->unsent_offset,
            .len = (uint16_t)piece,
            .fin = fin && piece == len,
        };
        sent_push(&flight->sent, &segment);
        flow->snd_nxt += segment_size(&segment);
        advance_unsent(flight, piece);
        len -= piece;
    } while (len);
    if (flow->snd_nxt < before)
        flow->snd_wraps++;
    flow->flags |= fin ? FLOW_FIN_SENT : 0u;
    if (flight->recovery == RECOVERY_FAST || flight->recovery == RECOVERY_ECN)
        flight->cc.prr.out += flow->snd_nxt - before;
    pace(flow, flow->snd_nxt - before);
}

/* [3168 5-1 6.1.2-1] [9293 3.9.1.2-1] */
static enum outcome send_new(struct flow *flow)
{
    struct flight *flight = flow->flight;
    struct sent *sent = &flight->sent;
    const bool fin_due = (flow->flags & (FLOW_FIN | FLOW_FIN_SENT)) == FLOW_FIN;
    uint32_t len = 0;
    if (flight->unsent && !(len = new_len(flow)))
        return OUT_BLOCKED;
    if (!flight->unsent && !fin_due)
        return OUT_BLOCKED;
    if (!sent_reserve(sent, (uint16_t)(len / flow->mss + 1), flow->tcp->rings)) {
        const uint32_t places = (uint32_t)sent->mask + 1 - sent_num(sent);
        len = least(len, places * flow->mss);
        if (!places)
            return OUT_BLOCKED; /* acknowledgements make room */
    }
    const bool is_last = len == flight->unsent;
    const bool fin = fin_due && is_last;
    struct segment_out out = segment_of(flow, flow->snd_nxt, is_last ? TCP_PSH : 0);
    if (fin)
        out.flags |= TCP_FIN;
    if (flow->flags & FLOW_ECN) {
        out.ecn = IP_ECN_ECT0;
        out.flags |= flow->flags & FLOW_CWR ? TCP_CWR : 0;
    }
    if (!send_frame(flow, &out, flight->unsent_mbuf, flight->unsent_offset, len))
        return OUT_NO_BUFFERS;
    flow->flags &= ~(uint32_t)FLOW_CWR;
    note_sent(flow, len, fin);
    return OUT_SENT;
}

/* ---- a flow's turn ---- */

/* RFC 8985 7.3: something new if the window lets, or else the last segment again. [8985 7.3-2] */
static enum outcome send_tail_probe(struct flow *flow)
{
    struct flight *flight = flow->flight;
    enum outcome outcome = send_new(flow);
    flight->probe_resent = false;
    if (outcome == OUT_BLOCKED && sent_num(&flight->sent)) {
        outcome = resend(flow, (uint16_t)(flight->sent.end - 1));
        flight->probe_resent = true;
    }
    if (outcome != OUT_NO_BUFFERS)
        flight->force = false;
    if (outcome == OUT_SENT) {
        flight->probe_out = true;
        flight->probe_end = flow->snd_nxt;
        flow->flags |= FLOW_PROBED;
        flow->tcp->counters.tail_probes++;
    }
    return outcome;
}

/* [5682 3.1-2] [6675 4-3] */
static enum outcome send_one(struct flow *flow)
{
    struct flight *flight = flow->flight;
    if (flight->force)
        return send_tail_probe(flow);
    /* RFC 5682 3.1 step 2b: what was never sent tells whether the timeout was spurious */
    if (flight->frto_new) {
        const enum outcome outcome = send_new(flow);
        if (outcome == OUT_SENT)
            flight->frto_new--;
        else if (outcome == OUT_BLOCKED)
            flight->frto_new = 0;
        return outcome == OUT_BLOCKED ? send_lost(flow) : outcome;
    }
    if (flight->sent.lost)
        return send_lost(flow);
    return send_new(flow);
}

/* Whether the window was what held the flow back: only then may it grow. In slow start a flow that
 * has nothing more to send is allowed twice what it sent; one that the peer's window holds back is
 * not, or the congestion window is no measure of the path when that opens. [9438 4.6-2] */
static void judge_limit(struct flow *flow)
{
    struct flight *flight = flow->flight;
    const uint32_t in_flight = flow_in_flight(flow);
    if (in_flight + 2 * flow->mss > flow->cwnd ||
        (flow->cwnd < flow->ssthresh && in_flight * 2 >= flow->cwnd && !flight->unsent))
        flight->cc.limited = true;
    else if (!flight->unsent || seq_after(flow->snd_nxt + flow->mss, flow->snd_una + flow->snd_wnd))
        flight->cc.limited = false;
}

/* Nothing is lost, or waits to be sent or to be asked for. */
static bool has_sent_all(const struct flow *flow)
{
    const struct flight *flight = flow->flight;
    return !(flight->unsent | flight->sent.lost | flight->frto_new) &&
           (flow->flags & (FLOW_FIN | FLOW_FIN_SENT)) != FLOW_FIN;
}

static bool send_data(struct flow *flow)
{
    enum outcome outcome = OUT_SENT;
    uint32_t num = 0;
    while (outcome == OUT_SENT && num < TCP_BURST && ip_output_room(flow->tcp->net) &&
           !is_paced_out(flow)) {
        outcome = send_one(flow);
        num += outcome == OUT_SENT;
        if (outcome == OUT_SENT && has_sent_all(flow))
            outcome = OUT_BLOCKED;
    }
    if (num)
        judge_limit(flow);
    flow_arm_loss_timer(flow, false);
    return outcome != OUT_BLOCKED && !(flow->flags & FLOW_PACED);
}

/* [7323 2.2-1 3.2-1 3.2-2] [9293 3.7.1-1] */
static bool send_syn(struct flow *flow)
{
    struct tcp *tcp = flow->tcp;
    const bool is_first = flow->state == TCP_SYN_SENT;
    const bool offers = is_first && flow->tries < TCP_CONNECT_TRIES / 2;
    if (is_first && !flow->tries) {
        flow->rcv_edge = flow->rcv_nxt + tcp_first_window(tcp);
        flow_set_aside(flow);
    }
    struct segment_out out = {.key = &flow->key,
                              .seq = flow->snd_iss,
                              .ack = is_first ? 0 : flow->rcv_nxt,
                              .flags = is_first ? TCP_SYN : TCP_SYN | TCP_ACK,
                              .window = (uint16_t)(flow->rcv_edge - flow->rcv_nxt)};
    struct tcp_options *options = &out.options;
    options->has_mss = true;
    options->mss = (uint16_t)(tcp->link_mtu - (net_ip_is_v4(&flow->key.peer) ? 40 : 60));
    options->has_sack_ok = offers || flow->flags & FLOW_SACK;
    options->has_scale = offers || flow->flags & FLOW_SCALE;
    options->scale = TCP_OUR_SCALE;
    options->has_ts = offers || flow->flags & FLOW_TS;
    options->ts_value = tcp_timestamp(tcp, flow->ts_offset);
    options->ts_echo = flow->ts_recent;
    if (!tcp_send_control(tcp, &out))
        return false;
    flow->flags &= ~(uint32_t)FLOW_SYN;
    if (flow->tries++ == 0)
        flow->tune_at = (uint32_t)tcp->now_us; /* until established: when it was sent */
    flow->ack_sent = flow->rcv_nxt;
    return true;
}

/* Acknowledgements without data: each segment out of order is owed one of its own, since a peer may
 * count them. [5681 4.2-2] */
static bool send_acks(struct flow *flow)
{
    do {
        struct segment_out out = segment_of(flow, flow->snd_nxt, 0);
        if (flow->flags & FLOW_SACK)
            flow_fill_sacks(flow, &out.options);
        if (!tcp_send_control(flow->tcp, &out))
            return false;
        flow->dup_acks_owed -= flow->dup_acks_owed > 0;
    } while (flow->dup_acks_owed);
    acknowledged(flow);
    return true;
}

/* [3168 6.1.6-1] [9293 3.8.4-5] */
bool flow_output(struct flow *flow)
{
    if (flow->flags & FLOW_SYN && !send_syn(flow))
        return true;
    if (flow->state <= TCP_SYN_RECEIVED)
        return false;
    bool more = flow->flight && send_data(flow);
    if (flow->flags & FLOW_PROBE) { /* old, so that it is answered: RFC 9293 3.8.4 */
        const struct segment_out out = segment_of(flow, flow->snd_una - 1, 0);
        if (tcp_send_control(flow->tcp, &out))
            flow->flags &= ~(uint32_t)FLOW_PROBE;
        more |= flow->flags & FLOW_PROBE;
    }
    if (flow->flags & FLOW_ACK_NOW)
        more |= !send_acks(flow);
    flow_set_timer(flow);
    return more;
}

void flow_challenge(struct flow *flow)
{
    if (!tcp_may_challenge(flow->tcp, &flow->challenge_at))
        return;
    flow->flags |= FLOW_ACK_NOW;
    flow_ready(flow);
}
