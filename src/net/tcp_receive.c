/* SPDX-License-Identifier: BSD-3-Clause */

/* Bytes that arrive: in order they go to the user, out of order they wait, and either way the
 * window says what may come next. */

#include <rte_mbuf.h>

#include "net/tcp_flow.h"

/* ---- what waits ---- */

static struct reassembly *reassembly_of(struct flow *flow)
{
    if (flow->reassembly)
        return flow->reassembly;
    struct reassembly *r = pool_get(&flow->tcp->reassemblies);
    if (r)
        memset(r, 0, offsetof(struct reassembly, ranges));
    flow->reassembly = r;
    return r;
}

static void put_back(struct flow *flow)
{
    struct reassembly *r = flow->reassembly;
    if (r && !r->num_ranges && !r->has_fin && !r->has_dsack) {
        pool_put(&flow->tcp->reassemblies, r);
        flow->reassembly = NULL;
    }
}

uint32_t flow_received_buffers(const struct flow *flow)
{
    return flow->rcv_buffers + (flow->reassembly ? flow->reassembly->num_buffers : 0u);
}

/* Before a flow takes its first buffer: how long it has held some counts from now. */
static void note_first(struct flow *flow)
{
    if (!flow_received_buffers(flow))
        flow->read_at = tcp_now_16(flow->tcp);
}

static void count(struct flow *flow, int32_t more)
{
    note_first(flow);
    flow->reassembly->num_buffers = (uint16_t)(flow->reassembly->num_buffers + more);
    flow_count_buffers(flow, more);
}

static void remove_range(struct reassembly *r, uint32_t i)
{
    memmove(&r->ranges[i], &r->ranges[i + 1], (--r->num_ranges - i) * sizeof(r->ranges[0]));
}

void flow_receive_release(struct flow *flow)
{
    flow_count_buffers(flow, -(int32_t)flow->rcv_buffers);
    flow->rcv_buffers = 0;
    flow_set_aside(flow);
    flow_drop_out_of_order(flow);
}

void flow_drop_out_of_order(struct flow *flow)
{
    struct reassembly *r = flow->reassembly;
    if (!r)
        return;
    flow_count_buffers(flow, -(int32_t)r->num_buffers);
    for (uint32_t i = 0; i < r->num_ranges; i++)
        chain_free(r->ranges[i].head);
    pool_put(&flow->tcp->reassemblies, r);
    flow->reassembly = NULL;
}

/* RFC 2883: bytes that came twice are told of once. */
void flow_came_twice(struct flow *flow, uint32_t from, uint32_t to)
{
    if (!(flow->flags & FLOW_SACK) || from == to || !seq_before(from, flow->rcv_edge))
        return;
    struct reassembly *r = reassembly_of(flow);
    if (!r)
        return;
    r->has_dsack = true;
    r->dsack = (struct tcp_sack){from, to};
}

/* First range that ends at seq or later. */
static uint32_t find_range(const struct reassembly *r, uint32_t seq)
{
    uint32_t low = 0, high = r->num_ranges;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (seq_before(r->ranges[middle].to, seq))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void note_recent(struct reassembly *r, uint32_t seq)
{
    r->num_recent += r->num_recent < TCP_SACKS_MAX;
    memmove(&r->recent[1], &r->recent[0], (r->num_recent - 1u) * sizeof(r->recent[0]));
    r->recent[0] = seq;
}

static void append(struct flow *flow, struct range *range, struct rte_mbuf *chain)
{
    struct rte_mbuf *tail = range->tail;
    const uint32_t len = chain->pkt_len;
    range->to += len;
    range->head->pkt_len += len;
    if (len <= TCP_CRUMB_MAX && chain_absorb(tail, chain))
        return;
    count(flow, chain->nb_segs);
    range->head->nb_segs = (uint16_t)(range->head->nb_segs + chain->nb_segs);
    tail->next = chain;
    range->tail = chain_tail(chain);
}

static void join_with_next(struct reassembly *r, uint32_t i)
{
    struct range *range = &r->ranges[i], *next = range + 1;
    if (i + 1 >= r->num_ranges || next->from != range->to)
        return;
    range->head->pkt_len += next->head->pkt_len;
    range->head->nb_segs = (uint16_t)(range->head->nb_segs + next->head->nb_segs);
    range->tail->next = next->head;
    range->tail = next->tail;
    range->to = next->to;
    remove_range(r, i + 1);
}

/* Ranges from i on that the segment covers go, one that it laps over shortens it. */
static void clear_way(struct flow *flow, uint32_t i, struct segment_in *in)
{
    struct reassembly *r = flow->reassembly;
    while (i < r->num_ranges && seq_before(r->ranges[i].from, in->seq + in->len)) {
        struct range *range = &r->ranges[i];
        if (seq_after(range->to, in->seq + in->len)) {
            const uint32_t lap = in->seq + in->len - range->from;
            flow_came_twice(flow, range->from, range->from + lap);
            chain_cut_back(in->packet, lap);
            in->len -= lap;
            return;
        }
        flow_came_twice(flow, range->from, range->to);
        count(flow, -(int32_t)range->head->nb_segs);
        chain_free(range->head);
        remove_range(r, i);
    }
}

/* Buffers are what out of order bytes cost, however few bytes are in each. */
static bool may_wait(const struct flow *flow, const struct rte_mbuf *packet)
{
    const uint32_t held = flow->reassembly->num_buffers + packet->nb_segs;
    return held < tcp_left_for_receiving(flow->tcp) / 4 && held < UINT16_MAX / 2;
}

/* [9293 3.10.7.4-2] */
static void keep_out_of_order(struct flow *flow, struct segment_in *in)
{
    struct reassembly *r = reassembly_of(flow);
    flow->tcp->counters.out_of_order++;
    if (!r || !may_wait(flow, in->packet))
        return;
    uint32_t i = find_range(r, in->seq);
    struct range *range = &r->ranges[i];
    const bool laps = i < r->num_ranges && !seq_after(range->from, in->seq);
    if (laps && seq_after(range->to, in->seq)) {
        const uint32_t lap = least(range->to - in->seq, in->len);
        flow_came_twice(flow, in->seq, in->seq + lap);
        note_recent(r, in->seq);
        if (lap == in->len)
            return;
        in->packet = chain_cut_front(in->packet, lap);
        in->seq += lap;
        in->len -= lap;
    }
    clear_way(flow, laps ? i + 1 : i, in);
    if (!laps && r->num_ranges == REASSEMBLY_RANGES)
        return;
    struct rte_mbuf *chain = chain_without_empty(in->packet);
    in->packet = NULL;
    note_recent(r, in->seq);
    if (laps) {
        append(flow, range, chain);
    } else {
        memmove(range + 1, range, (r->num_ranges++ - i) * sizeof(*range));
        *range = (struct range){in->seq, in->seq + in->len, chain, chain_tail(chain)};
        count(flow, chain->nb_segs);
    }
    join_with_next(r, i);
}

void flow_fill_sacks(struct flow *flow, struct tcp_options *options)
{
    struct reassembly *r = flow->reassembly;
    if (!r)
        return;
    if (r->has_dsack) {
        options->sacks[options->num_sacks++] = r->dsack;
        r->has_dsack = false;
        flow->tcp->counters.dsacks_out++;
    }
    const uint32_t first = options->num_sacks;
    for (uint32_t k = 0; k < r->num_recent && options->num_sacks < TCP_SACKS_MAX; k++) {
        const uint32_t i = find_range(r, r->recent[k] + 1);
        if (i == r->num_ranges || seq_after(r->ranges[i].from, r->recent[k]))
            continue;
        const struct tcp_sack block = {r->ranges[i].from, r->ranges[i].to};
        bool is_told = false;
        for (uint32_t j = first; j < options->num_sacks; j++)
            is_told |= options->sacks[j].from == block.from && options->sacks[j].to == block.to;
        if (!is_told)
            options->sacks[options->num_sacks++] = block;
    }
    put_back(flow);
}

/* ---- in order ---- */

/* RFC 9293 3.8.6.3, 5681 4.2: every second full segment, at once where something was missing.
 * [5681 3.2-1 4.2-1] [9293 3.8.6.3-1 3.8.6.3-2] */
static void owe_ack(struct flow *flow, bool filled_hole)
{
    if (filled_hole || flow->quick_acks || flow->rcv_nxt - flow->ack_sent >= 2u * flow->rcv_mss) {
        flow->quick_acks -= flow->quick_acks > 0;
        flow->flags |= FLOW_ACK_NOW;
        flow_ready(flow);
    } else if (!(flow->flags & (FLOW_ACK_NOW | FLOW_ACK_LATER))) {
        flow->flags |= FLOW_ACK_LATER;
        flow->delayed_ack_at = tcp_ticks(flow->tcp, TCP_DELAYED_ACK);
    }
}

/* What is unread holds the buffers that brought it, but who keeps it joins crumbs: then no more
 * than these. */
static void count_unread(struct flow *flow, uint32_t brought)
{
    const uint32_t most = flow->rcv_unread / TCP_CRUMB_MAX + 1;
    const uint32_t buffers = least(flow->rcv_buffers + brought, most);
    flow_count_buffers(flow, (int32_t)buffers - flow->rcv_buffers);
    flow->rcv_buffers = (uint16_t)buffers;
}

static void hand_over(struct flow *flow, struct rte_mbuf *chain)
{
    const uint32_t len = chain->pkt_len;
    note_first(flow);
    flow->rcv_nxt += len;
    flow->rcv_wraps += flow->rcv_nxt < len;
    flow->rcv_unread += len;
    flow->tcp->counters.bytes_in += len;
    count_unread(flow, chain->nb_segs);
    flow_set_aside(flow);
    flow->events->received(flow->user, chain);
}

/* What waited and is in order now; bytes of it that have come by other means are dropped. */
static void hand_over_waiting(struct flow *flow)
{
    while (!(flow->flags & FLOW_GONE) && flow->events && flow->reassembly &&
           flow->reassembly->num_ranges) {
        struct range range = flow->reassembly->ranges[0];
        if (seq_after(range.from, flow->rcv_nxt))
            break;
        count(flow, -(int32_t)range.head->nb_segs);
        remove_range(flow->reassembly, 0);
        if (seq_after(range.to, flow->rcv_nxt))
            hand_over(flow, chain_cut_front(range.head, flow->rcv_nxt - range.from));
        else
            chain_free(range.head);
    }
}

/* [9293 3.10.7.4-12] */
static void receive_fin(struct flow *flow)
{
    flow->rcv_nxt++;
    flow->flags |= FLOW_FIN_RECEIVED | FLOW_ACK_NOW;
    if (seq_before(flow->rcv_edge, flow->rcv_nxt))
        flow->rcv_edge = flow->rcv_nxt;
    flow_set_aside(flow);
    flow_ready(flow);
    const bool ours_acked = flow->flags & FLOW_FIN_SENT && flow->snd_una == flow->snd_nxt;
    if (flow->state == TCP_ESTABLISHED)
        flow->state = TCP_CLOSE_WAIT;
    else if (flow->state == TCP_FIN_WAIT_1)
        flow->state = TCP_CLOSING;
    if (flow->events)
        flow->events->received_fin(flow->user);
    if (!(flow->flags & FLOW_GONE) && flow->state == TCP_FIN_WAIT_2 && ours_acked)
        time_wait_enter(flow);
}

/* Who has closed wants no more: RFC 9293 3.6.1. But a reset would overtake what the peer has yet to
 * take: until then what comes is thrown away. [9293 3.6.1-1] */
static bool refuses(struct flow *flow)
{
    const bool has_all = flow->flags & FLOW_FIN_SENT && flow->snd_una == flow->snd_nxt;
    if (!(flow->flags & FLOW_DETACHED) || !has_all)
        return false;
    flow_send_reset(flow);
    flow_free(flow);
    return true;
}

static bool can_hold(struct flow *flow, const struct segment_in *in)
{
    return in->packet->nb_segs <= tcp_free_buffers(flow->tcp) &&
           flow->rcv_buffers + in->packet->nb_segs < UINT16_MAX / 2;
}

/* One that has come stays where it is, and none comes before bytes that are here. */
static bool is_fin(const struct flow *flow, const struct segment_in *in)
{
    const struct reassembly *r = flow->reassembly;
    const uint32_t end = in->seq + in->len;
    if (!(in->flags & TCP_FIN))
        return false;
    if (r && r->has_fin)
        return end == r->fin_seq;
    return !r || !r->num_ranges || !seq_before(end, r->ranges[r->num_ranges - 1].to);
}

/* Cuts off what came before and what lies beyond our window, or a FIN. False: nothing is left. */
static bool trim(struct flow *flow, struct segment_in *in)
{
    const struct reassembly *r = flow->reassembly;
    if (!is_fin(flow, in))
        in->flags &= (uint8_t)~TCP_FIN;
    if (seq_before(in->seq, flow->rcv_nxt)) {
        const uint32_t old = least(flow->rcv_nxt - in->seq, in->len);
        flow_came_twice(flow, in->seq, in->seq + old);
        flow->flags |= FLOW_ACK_NOW;
        flow_ready(flow);
        in->packet = chain_cut_front(in->packet, old);
        in->seq += old;
        in->len -= old;
    }
    const uint32_t edge = r && r->has_fin ? r->fin_seq : flow->rcv_edge;
    const int32_t beyond = seq_diff(in->seq + in->len, edge);
    if (beyond > 0) {
        const uint32_t cut = least((uint32_t)beyond, in->len);
        chain_cut_back(in->packet, cut);
        in->len -= cut;
        in->flags &= (uint8_t)~TCP_FIN;
    }
    return in->len || (in->flags & TCP_FIN && !seq_before(in->seq, flow->rcv_nxt));
}

/* [5681 3.2-1] */
static void receive_out_of_order(struct flow *flow, struct segment_in *in)
{
    const uint32_t end = in->seq + in->len;
    flow->dup_acks_owed += flow->dup_acks_owed < 15;
    flow->flags |= FLOW_ACK_NOW;
    flow_ready(flow);
    if (in->flags & TCP_FIN && reassembly_of(flow)) {
        flow->reassembly->has_fin = true;
        flow->reassembly->fin_seq = end;
    }
    if (in->len && !(flow->flags & FLOW_DETACHED))
        keep_out_of_order(flow, in);
}

/* Nearly every segment: what comes next, with nothing else waiting and room for all of it. There is
 * nothing to trim of it, and a flow that has its user refuses none. */
static bool is_next(const struct flow *flow, const struct segment_in *in)
{
    return in->seq == flow->rcv_nxt && in->len && in->len <= flow->rcv_edge - flow->rcv_nxt &&
           !flow->reassembly && !(in->flags & TCP_FIN) &&
           !(flow->flags & (FLOW_FIN_RECEIVED | FLOW_DETACHED));
}

void flow_receive(struct flow *flow, struct segment_in *in)
{
    if (!is_next(flow, in)) {
        if (flow->flags & FLOW_FIN_RECEIVED || !trim(flow, in))
            return;
        if (in->len && refuses(flow))
            return;
    }
    if (in->largest > flow->rcv_mss)
        flow->rcv_mss = (uint16_t)least(in->largest, flow->tcp->link_mtu);
    if (in->seq != flow->rcv_nxt) {
        receive_out_of_order(flow, in);
        return;
    }
    const bool filled_hole = flow->reassembly && flow->reassembly->num_ranges;
    bool fin = in->flags & TCP_FIN;
    if (in->len && flow->flags & FLOW_DETACHED) {
        flow->rcv_nxt += in->len;
        owe_ack(flow, false);
    } else if (in->len) {
        if (!can_hold(flow, in)) {
            flow->tcp->counters.window_dropped++;
            return;
        }
        struct rte_mbuf *chain = chain_without_empty(in->packet);
        in->packet = NULL;
        hand_over(flow, chain);
        hand_over_waiting(flow);
        if (flow->flags & (FLOW_GONE | FLOW_DETACHED))
            return;
        owe_ack(flow, filled_hole);
    }
    if (flow->reassembly && flow->reassembly->has_fin && flow->reassembly->fin_seq == flow->rcv_nxt)
        fin = true;
    if (fin) {
        if (flow->reassembly)
            flow->reassembly->has_fin = false;
        receive_fin(flow);
    }
    put_back(flow);
}

/* ---- the window ---- */

#define PROMISE_LEN 1024u /* payload that a buffer of an open window is taken to bring */

void flow_set_aside(struct flow *flow)
{
    const bool is_over = flow->flags & (FLOW_GONE | FLOW_DETACHED | FLOW_FIN_RECEIVED);
    const uint32_t open = is_over ? 0 : flow->rcv_edge - flow->rcv_nxt;
    const uint16_t buffers = (uint16_t)((open + PROMISE_LEN - 1) / PROMISE_LEN);
    flow->tcp->num_promised += buffers - (uint32_t)flow->rcv_promised;
    flow->rcv_promised = buffers;
}

/* Bytes that may be promised beyond what `promised` buffers are set aside for. */
static uint64_t unpromised(const struct tcp *tcp, uint32_t promised)
{
    const uint32_t free = tcp_left_for_receiving(tcp);
    return free > promised ? (uint64_t)(free - promised) * PROMISE_LEN : 0;
}

/* The more is promised, the less is for each: the last ones still get a few segments. */
uint16_t tcp_first_window(const struct tcp *tcp)
{
    const uint64_t share = unpromised(tcp, tcp->num_promised) / 64;
    return (uint16_t)greatest((uint32_t)least64(share, TCP_WINDOW_FIRST), TCP_WINDOW_LEAST);
}

/* What the user may have to have before it reads any. */
static uint32_t unread_least(const struct flow *flow)
{
    return greatest(flow->events ? flow->events->unread_least : 0, TCP_WINDOW_LEAST);
}

struct window {
    /* What is let in of every flow while there are buffers at all: its user may have to have that
     * much before it reads any, and would wait for the peer, and the peer for it. */
    uint32_t floor;
    /* What may be unread at once. Buffers that hold little count for more than they hold, and no
     * flow is promised more than half of what is neither held nor promised to others, so that the
     * sum of all windows fits the pool; but for the floor. */
    uint32_t limit;
};

static struct window window_of(const struct flow *flow)
{
    const struct tcp *tcp = flow->tcp;
    const uint64_t share = unpromised(tcp, tcp->num_promised - flow->rcv_promised) / 2;
    const uint64_t floor = least64(unpromised(tcp, 0) / 2, unread_least(flow));
    return (struct window){
        .floor = (uint32_t)floor,
        .limit = (uint32_t)least64(share > floor ? share : floor, flow->rcv_limit),
    };
}

/* Whether the right edge could move by what is worth telling, if there were buffers without end: a
 * window is never more than this, and never worth telling for less. */
static bool may_gain(const struct flow *flow)
{
    const uint32_t open = flow->rcv_edge - flow->rcv_nxt;
    const uint32_t worth = least(open, TCP_WINDOW_FIRST) / 2;
    const uint32_t most = greatest(flow->rcv_limit, unread_least(flow));
    return most >= flow->rcv_unread + open + least(worth, flow->rcv_mss);
}

/* How far the right edge could move; 0 where that is not worth telling (RFC 9293 3.8.6.2.2). */
/* [9293 3.8.6.2.2-1] */
static uint32_t window_gain(const struct flow *flow, const struct window *most)
{
    const uint32_t limit = most->limit, floor = most->floor, unread = flow->rcv_unread;
    const uint32_t used = greatest(unread, flow->rcv_buffers * (TCP_BUFFER_LEN / 4));
    const uint32_t window =
        greatest(limit > used ? limit - used : 0, floor > unread ? floor - unread : 0);
    const int32_t gain = seq_diff(flow->rcv_nxt + window, flow->rcv_edge);
    return gain > 0 && (uint32_t)gain >= least(limit / 2, flow->rcv_mss) ? (uint32_t)gain : 0;
}

/* The edge never moves left: it is rounded up to what the scale can say. But not beyond what may be
 * unread, or it would move on with each acknowledgement of less than the scale's unit, and never be
 * reached: then the window is told less, and what was let in once is taken. [7323 2.3-2 2.4-1]
 * [9293 3.8.6-1] */
uint16_t flow_window(struct flow *flow)
{
    const struct window most = window_of(flow);
    if (may_gain(flow))
        flow->rcv_edge += window_gain(flow, &most);
    const uint32_t unit = 1u << flow->rcv_scale, open = flow->rcv_edge - flow->rcv_nxt;
    uint32_t shown = (open + unit - 1) >> flow->rcv_scale;
    if (flow->rcv_unread + (shown << flow->rcv_scale) > most.limit + unit)
        shown = open >> flow->rcv_scale;
    shown = least(shown, UINT16_MAX);
    flow->rcv_edge = seq_max(flow->rcv_edge, flow->rcv_nxt + (shown << flow->rcv_scale));
    if (shown == UINT16_MAX)
        flow->rcv_edge = flow->rcv_nxt + (shown << flow->rcv_scale);
    flow_set_aside(flow);
    return (uint16_t)shown;
}

/* A window of twice what was read in a round trip never holds back a sender that fills it: either
 * it doubles each round trip, or the path is what limits. The round trip may be the handshake's,
 * when queues were empty: at twice that the bottleneck's queue is as long as the path, and full. */
static void tune_window(struct flow *flow)
{
    const uint32_t now = flow->tcp->tick;
    if (!flow->srtt_us || (uint64_t)(now - flow->tune_at) << TCP_TICK_SHIFT < flow->srtt_us)
        return;
    const uint32_t read_seq = flow->rcv_nxt - flow->rcv_unread;
    const uint32_t wanted = 2 * (read_seq - flow->tune_seq) + 16 * flow->rcv_mss;
    if (wanted > flow->rcv_limit && wanted < 1u << 30)
        flow->rcv_limit = least(wanted, TCP_WINDOW_MAX);
    flow->tune_seq = read_seq;
    flow->tune_at = now;
}

void flow_consumed(struct flow *flow, uint32_t bytes)
{
    bytes = least(bytes, flow->rcv_unread);
    if (!bytes)
        return;
    const uint32_t left = flow->rcv_unread - bytes;
    const uint32_t buffers =
        left ? (uint32_t)(((uint64_t)flow->rcv_buffers * left + flow->rcv_unread - 1) /
                          flow->rcv_unread)
             : 0;
    if (buffers < flow->rcv_buffers)
        flow->read_at = tcp_now_16(flow->tcp);
    flow_count_buffers(flow, (int32_t)buffers - flow->rcv_buffers);
    flow->rcv_buffers = (uint16_t)buffers;
    flow->rcv_unread = left;
    if (flow->state > TCP_FIN_WAIT_2 || flow->flags & (FLOW_GONE | FLOW_FIN_RECEIVED))
        return;
    tune_window(flow);
    if (!may_gain(flow))
        return;
    const struct window most = window_of(flow);
    const uint32_t gain = window_gain(flow, &most), shown = flow->rcv_edge - flow->rcv_nxt;
    if (gain && (gain >= most.limit / 4 || shown < 2u * flow->rcv_mss)) {
        flow->flags |= FLOW_ACK_NOW;
        flow_ready(flow);
    }
}
