/* SPDX-License-Identifier: BSD-3-Clause */

/* The way in: a burst is parsed and its flows are fetched ahead, then each segment goes through the
 * checks of RFC 9293 3.10.7.4 in their order, as RFC 5961 and 7323 have changed them. */

#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "net/cksum.h"
#include "net/tcp_flow.h"

/* ---- bursts ---- */

/* Reads the header and cuts it off. NULL or why the packet is dropped. */
static uint64_t *parse(struct tcp *tcp, struct segment_in *in, struct rte_mbuf *packet,
                       const struct ip_in *ip)
{
    uint8_t bytes[sizeof(struct rte_tcp_hdr) + TCP_OPTIONS_MAX];
    struct rte_tcp_hdr header;
    const void *at = rte_pktmbuf_read(packet, 0, sizeof(header), bytes);
    if (!at)
        return &tcp->counters.bad_segments;
    memcpy(&header, at, sizeof(header));
    const uint32_t header_len = (uint32_t)(header.data_off >> 4) * 4;
    if (header_len < sizeof(header) || header_len > packet->pkt_len)
        return &tcp->counters.bad_segments;
    if (!ip->checksum_known_good && cksum_upper(packet, &ip->from, &ip->to, IP_PROTO_TCP))
        return &tcp->counters.bad_checksum;
    /* one by one: to clear what blocks there may be takes as long as all the rest */
    in->ip = ip;
    in->key.local = ip->to;
    in->key.peer = ip->from;
    in->key.local_port = rte_be_to_cpu_16(header.dst_port);
    in->key.peer_port = rte_be_to_cpu_16(header.src_port);
    in->seq = rte_be_to_cpu_32(header.sent_seq);
    in->ack = rte_be_to_cpu_32(header.recv_ack);
    in->len = in->largest = packet->pkt_len - header_len;
    in->window = rte_be_to_cpu_16(header.rx_win);
    in->flags = header.tcp_flags;
    in->likely = FLOW_TABLE_NOTHING;
    at = rte_pktmbuf_read(packet, 0, header_len, bytes);
    if (!tcp_options_read(&in->options, (const uint8_t *)at + sizeof(header),
                          header_len - (uint32_t)sizeof(header), in->flags & TCP_SYN))
        return &tcp->counters.bad_segments;
    in->packet = chain_cut_front(packet, header_len);
    in->hash = flow_table_hash(&tcp->table, &in->key);
    flow_table_prefetch_bucket(&tcp->table, in->hash);
    return NULL;
}

/* Whether `next` says nothing but a few bytes more than `in` does. */
static bool continues(const struct segment_in *in, const struct segment_in *next)
{
    const uint8_t only = TCP_ACK | TCP_PSH;
    return in->len && next->len && next->len <= TCP_CRUMB_MAX && next->seq == in->seq + in->len &&
           next->hash == in->hash && flow_key_equal(&next->key, &in->key) &&
           ((in->flags | next->flags) & ~only) == 0 && in->flags & next->flags & TCP_ACK &&
           next->ack == in->ack && next->window == in->window && next->ip->ecn == in->ip->ecn &&
           next->options.has_ts == in->options.has_ts &&
           next->options.ts_value == in->options.ts_value &&
           next->options.ts_echo == in->options.ts_echo && !in->options.num_sacks &&
           !next->options.num_sacks;
}

/* A peer that sends byte by byte would have its reader hold a buffer a byte: what of it a burst
 * brings goes into one, where there is room behind the first. False: there is none. */
static bool join_crumb(struct segment_in *in, const struct segment_in *next)
{
    if (!chain_absorb(chain_tail(in->packet), next->packet))
        return false;
    in->packet->pkt_len += next->len;
    in->len += next->len;
    in->largest = greatest(in->largest, next->len);
    in->flags |= next->flags;
    return true;
}

static void deal(struct tcp *tcp, struct segment_in *in)
{
    const uint32_t handle = flow_table_find(&tcp->table, &in->key, in->hash);
    const uint32_t index = flow_handle_index(handle);
    if (handle == FLOW_TABLE_NOTHING) {
        tcp_listen_segment(tcp, in);
    } else if (flow_handle_kind(handle) == KIND_FLOW) {
        struct flow *flow = pool_item(&tcp->flows, index);
        flow_begin(flow);
        flow_segment(flow, in);
        if (!(flow->flags & FLOW_GONE))
            flow_set_timer(flow);
        flow_done(flow);
    } else if (flow_handle_kind(handle) == KIND_HALF_OPEN) {
        half_open_segment(tcp, pool_item(&tcp->half_opens, index), in);
    } else {
        time_wait_segment(tcp, pool_item(&tcp->time_waitings, index), in);
    }
    if (in->packet)
        chain_free(in->packet);
}

/* NULL: most likely it is none's. */
static const struct flow *likely_flow(const struct tcp *tcp, const struct segment_in *in)
{
    if (flow_handle_kind(in->likely) != KIND_FLOW)
        return NULL;
    return pool_item(&tcp->flows, flow_handle_index(in->likely));
}

static void prefetch_flight(const struct tcp *tcp, const struct segment_in *in)
{
    const struct flow *flow = likely_flow(tcp, in);
    if (flow && flow->flight)
        pool_prefetch(flow->flight, offsetof(struct flight, sent.small));
}

/* The oldest segment in flight, and its buffer. */
static void prefetch_sent(const struct tcp *tcp, const struct segment_in *in)
{
    const struct flow *flow = likely_flow(tcp, in);
    const struct flight *flight = flow ? flow->flight : NULL;
    if (!flight)
        return;
    __builtin_prefetch(sent_at(&flight->sent, flight->sent.first), 1);
    if (flight->head)
        pool_prefetch(flight->head, sizeof(*flight->head));
}

/* Each step of what is fetched ahead says where the next one lies: bucket, flow, what it has in
 * flight, the oldest of that. One segment alone has nothing to wait beside. */
static void prefetch_burst(const struct tcp *tcp, struct segment_in *in, uint16_t num)
{
    if (num < 2)
        return;
    for (uint16_t i = 0; i < num; i++)
        in[i].likely = flow_table_prefetch_item(&tcp->table, in[i].hash);
    for (uint16_t i = 0; i < num; i++)
        prefetch_flight(tcp, &in[i]);
    for (uint16_t i = 0; i < num; i++)
        prefetch_sent(tcp, &in[i]);
}

void tcp_input(struct tcp *tcp, struct rte_mbuf **packets, const struct ip_in *ip, uint16_t num,
               uint64_t now_us)
{
    struct segment_in in[NET_BURST_MAX];
    uint16_t num_in = 0;
    tcp_set_now(tcp, now_us);
    for (uint16_t i = 0; i < num; i++) {
        tcp->counters.segments_in++;
        uint64_t *why_not = parse(tcp, &in[num_in], packets[i], &ip[i]);
        if (why_not) {
            ++*why_not;
            chain_free(packets[i]);
        } else if (!num_in || !continues(&in[num_in - 1], &in[num_in]) ||
                   !join_crumb(&in[num_in - 1], &in[num_in])) {
            num_in++;
        }
    }
    prefetch_burst(tcp, in, num_in);
    for (uint16_t i = 0; i < num_in; i++)
        deal(tcp, &in[i]);
}

/* ---- a flow's segment ---- */

/* RFC 9293 3.4: the four cases of what is acceptable. [9293 3.4-1] */
bool tcp_seq_acceptable(uint32_t seq, uint32_t len, uint32_t nxt, uint32_t edge)
{
    const uint32_t window = edge - nxt;
    if (!len)
        return window ? seq - nxt < window : seq == nxt;
    return window && (seq - nxt < window || seq + len - 1 - nxt < window);
}

/* A reset's data are none: it counts where the window is shut, too (RFC 9293 3.4).
 * [9293 3.4-2 3.5.3-1] */
static uint32_t sequence_len(const struct segment_in *in)
{
    if (in->flags & TCP_RST)
        return 0;
    return in->len + !!(in->flags & TCP_SYN) + !!(in->flags & TCP_FIN);
}

/* RFC 7323 5.3. With a keepalive every two hours no timestamp gets so old that it must be doubted.
 * False: the segment is dropped. [5961 4.2-1] [7323 3.2-6 5.2-1 5.2-3 5.3-1] */
static bool check_timestamp(struct flow *flow, const struct segment_in *in)
{
    if (!(flow->flags & FLOW_TS) || in->flags & (TCP_RST | TCP_SYN))
        return true; /* a SYN is challenged whatever it says (RFC 5961 4.2) */
    if (!in->options.has_ts)
        return false;
    if (seq_before(in->options.ts_value, flow->ts_recent)) {
        flow->tcp->counters.paws_dropped++;
        if (in->len)
            flow->flags |= FLOW_ACK_NOW;
        else
            flow_challenge(flow);
        flow_ready(flow);
        return false;
    }
    return true;
}

/* It is answered with what we await; bytes that came again are told of. */
/* [5961 3.2-3] [9293 3.10.7.4-3] */
static void not_acceptable(struct flow *flow, struct segment_in *in)
{
    if (in->flags & TCP_RST)
        return;
    if (in->flags & TCP_SYN || !sequence_len(in)) {
        flow_challenge(flow);
        return;
    }
    flow->tcp->counters.window_dropped++;
    flow_came_twice(flow, in->seq, in->seq + in->len);
    flow->flags |= FLOW_ACK_NOW;
    flow_ready(flow);
}

/* RFC 5961 3.2: only a reset at the very number that is awaited is one. [5961 3.2-1 3.2-2]
 * [9293 3.10.7.4-5] */
static void on_reset(struct flow *flow, const struct segment_in *in)
{
    if (in->seq != flow->rcv_nxt) {
        flow_challenge(flow);
        return;
    }
    flow->tcp->counters.resets_in++;
    if (flow->state >= TCP_ESTABLISHED)
        flow->tcp->counters.established_resets++;
    flow_finish(flow, flow->state == TCP_SYN_RECEIVED ? FLOW_END_REFUSED : FLOW_END_RESET);
}

/* [3168 6.1.3-1] [9293 3.8.2-2] */
static void note_ecn(struct flow *flow, const struct segment_in *in)
{
    if (!(flow->flags & FLOW_ECN))
        return;
    if (in->flags & TCP_CWR)
        flow->flags &= ~(uint32_t)FLOW_ECE;
    if (in->ip->ecn == IP_ECN_CE && in->len)
        flow->flags |= FLOW_ECE | FLOW_ACK_NOW;
}

/* Our FIN is acknowledged: RFC 9293 3.10.7.4, fifth. False: the flow is gone. [9293 3.10.7.4-12] */
static bool fin_acked(struct flow *flow)
{
    if (!(flow->flags & FLOW_FIN_SENT) || flow->snd_una != flow->snd_nxt)
        return true;
    if (flow->state == TCP_FIN_WAIT_1) {
        flow->state = TCP_FIN_WAIT_2;
    } else if (flow->state == TCP_CLOSING) {
        time_wait_enter(flow);
        return false;
    } else if (flow->state == TCP_LAST_ACK) {
        flow_finish(flow, FLOW_END_CLOSED);
        return false;
    }
    return true;
}

/* Figure 7 of RFC 9293 3.5: a SYN that we have, with the acknowledgement that we want. */
static bool answers_both_opens(const struct flow *flow, const struct segment_in *in)
{
    const uint8_t both = TCP_SYN | TCP_ACK;
    return (in->flags & both) == both && in->seq + 1 == flow->rcv_nxt && in->ack == flow->snd_nxt;
}

/* The last step of a simultaneous open. False: not acceptable. [9293 3.10.7.4-9] */
static bool syn_acked(struct flow *flow, const struct segment_in *in)
{
    if (!seq_after(in->ack, flow->snd_una) || seq_after(in->ack, flow->snd_nxt)) {
        tcp_send_reset(flow->tcp, in);
        return false;
    }
    flow_established(flow, in);
    flow->events->connected(flow->user);
    return !(flow->flags & FLOW_GONE);
}

/* [3168 6.1.5-2] [5961 4.2-1] [7323 4.3-1] [9293 3.10.7.4-4 3.10.7.4-6 3.10.7.4-8] */
void flow_segment(struct flow *flow, struct segment_in *in)
{
    if (flow->state == TCP_SYN_SENT) {
        flow_syn_sent_segment(flow, in);
        return;
    }
    if (!check_timestamp(flow, in))
        return;
    if (flow->state == TCP_SYN_RECEIVED && answers_both_opens(flow, in)) {
        in->flags &= (uint8_t)~TCP_SYN;
        in->seq++;
    }
    if (!tcp_seq_acceptable(in->seq, sequence_len(in), flow->rcv_nxt, flow->rcv_edge)) {
        not_acceptable(flow, in);
        /* A window of ours that is shut holds back data, not acknowledgements (3.10.7.4). */
        if (in->seq != flow->rcv_nxt || in->flags & (TCP_RST | TCP_SYN))
            return;
        in->len = 0;
        in->flags &= (uint8_t)~TCP_FIN;
    }
    if (in->flags & TCP_RST) {
        on_reset(flow, in);
        return;
    }
    if (in->flags & TCP_SYN) { /* RFC 5961 4.2 */
        if (flow->state == TCP_SYN_RECEIVED) {
            flow->flags |= FLOW_SYN;
            flow_ready(flow);
        } else {
            flow_challenge(flow);
        }
        return;
    }
    if (!(in->flags & TCP_ACK))
        return;
    flow->heard_at = flow->tcp->tick;
    if (flow->state == TCP_SYN_RECEIVED && !syn_acked(flow, in))
        return;
    if (flow->tries) { /* a keepalive was answered */
        flow->tries = 0;
        if (!(flow->flags & FLOW_DETACHED))
            flow->life_at = flow->tcp->tick + flow->tcp->keepalive_ticks;
    }
    if (in->options.has_ts && !seq_after(in->seq, flow->ack_sent))
        flow->ts_recent = in->options.ts_value;
    if (!flow_acked(flow, in) || !fin_acked(flow))
        return;
    note_ecn(flow, in);
    if (in->len || in->flags & TCP_FIN)
        flow_receive(flow, in);
}
