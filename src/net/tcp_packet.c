/* SPDX-License-Identifier: BSD-3-Clause */

/* Packets: a header of ours in front of references to what is sent. A few bytes are copied behind
 * the header, and a link that takes few or single mbufs gets copies of all. */

#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "net/tcp_flow.h"

struct rte_mbuf *tcp_packet_make(struct tcp *tcp, const struct segment_out *out)
{
    struct rte_mbuf *packet = rte_pktmbuf_alloc(tcp->header_pool);
    if (!packet)
        return NULL;
    struct rte_tcp_hdr *tcp_header = rte_pktmbuf_mtod(packet, struct rte_tcp_hdr *);
    const uint32_t options_len = tcp_options_write((uint8_t *)(tcp_header + 1), &out->options);
    *tcp_header = (struct rte_tcp_hdr){
        .src_port = rte_cpu_to_be_16(out->key->local_port),
        .dst_port = rte_cpu_to_be_16(out->key->peer_port),
        .sent_seq = rte_cpu_to_be_32(out->seq),
        .recv_ack = rte_cpu_to_be_32(out->ack),
        .data_off = (uint8_t)((sizeof(*tcp_header) + options_len) / 4 << 4),
        .tcp_flags = out->flags,
        .rx_win = rte_cpu_to_be_16(out->window),
    };
    packet->data_len = (uint16_t)(sizeof(*tcp_header) + options_len);
    packet->pkt_len = packet->data_len;
    return packet;
}

static bool refer(struct tcp *tcp, struct rte_mbuf *packet, struct rte_mbuf *from, uint32_t offset,
                  uint32_t len)
{
    struct rte_mbuf *last = packet;
    for (; len; from = from->next, offset = 0) {
        const uint32_t piece = least(len, from->data_len - offset);
        if (!piece)
            continue;
        struct rte_mbuf *clone = rte_pktmbuf_alloc(tcp->clone_pool);
        if (!clone)
            return false;
        rte_pktmbuf_attach(clone, from);
        clone->data_off = (uint16_t)(from->data_off + offset);
        clone->data_len = (uint16_t)piece;
        last->next = clone;
        last = clone;
        packet->nb_segs++;
        packet->pkt_len += piece;
        len -= piece;
    }
    return true;
}

static bool copy(struct tcp *tcp, struct rte_mbuf *packet, const struct rte_mbuf *from,
                 uint32_t offset, uint32_t len)
{
    struct rte_mbuf *last = packet;
    while (len) {
        if (offset == from->data_len) {
            from = from->next;
            offset = 0;
            continue;
        }
        if (!rte_pktmbuf_tailroom(last)) {
            last->next = rte_pktmbuf_alloc(tcp->header_pool);
            if (!last->next)
                return false;
            last = last->next;
            packet->nb_segs++;
        }
        const uint32_t piece =
            least(least(len, from->data_len - offset), rte_pktmbuf_tailroom(last));
        memcpy(rte_pktmbuf_mtod_offset(last, char *, last->data_len),
               rte_pktmbuf_mtod_offset(from, const char *, offset), piece);
        last->data_len = (uint16_t)(last->data_len + piece);
        packet->pkt_len += piece;
        offset += piece;
        len -= piece;
    }
    return true;
}

/* Up to here a copy costs less than a reference does until it is given back, and the link a second
 * buffer. */
#define COPIED_MAX 256u

bool tcp_packet_attach(struct tcp *tcp, struct rte_mbuf *packet, struct rte_mbuf *from,
                       uint32_t offset, uint32_t len)
{
    uint32_t pieces = 0, covered = 0;
    if (len <= COPIED_MAX && len <= rte_pktmbuf_tailroom(packet))
        return copy(tcp, packet, from, offset, len);
    for (const struct rte_mbuf *m = from; covered < len + offset; m = m->next, pieces++)
        covered += m->data_len;
    return pieces < tcp->max_pieces ? refer(tcp, packet, from, offset, len)
                                    : copy(tcp, packet, from, offset, len);
}

void tcp_packet_send(struct tcp *tcp, struct rte_mbuf *packet, const struct segment_out *out,
                     uint16_t segment_len)
{
    const struct ip_out ip = {.from = out->key->local,
                              .to = out->key->peer,
                              .ecn = out->ecn,
                              .way = out->way,
                              .segment_len = segment_len};
    tcp->counters.segments_out++;
    ip_send(tcp->net, packet, &ip);
}

/* A segment without payload; false where there is no buffer or room for it. */
/* [3168 6.1.1-3 6.1.4-1] */
bool tcp_send_control(struct tcp *tcp, const struct segment_out *out)
{
    struct rte_mbuf *packet = ip_output_room(tcp->net) ? tcp_packet_make(tcp, out) : NULL;
    if (!packet)
        return false;
    tcp_packet_send(tcp, packet, out, 0);
    return true;
}

/* At most so many resets a second to whom we know nothing of. */
#define RESETS_MAX 1000u

static bool reset_is_allowed(struct tcp *tcp)
{
    if (tcp->now_us - tcp->reset_window_us >= TCP_S) {
        tcp->reset_window_us = tcp->now_us;
        tcp->resets_in_window = 0;
    }
    if (tcp->resets_in_window >= RESETS_MAX) {
        tcp->counters.resets_limited++;
        return false;
    }
    tcp->resets_in_window++;
    return true;
}

/* RFC 9293 3.10.7.1: such that the peer finds it acceptable. [7323 5.2-2] [9293 3.10.7.1-1] */
void tcp_send_reset(struct tcp *tcp, const struct segment_in *in)
{
    if (in->flags & TCP_RST || !reset_is_allowed(tcp))
        return;
    struct segment_out out = {
        .key = &in->key,
        .flags = TCP_RST,
        .options = {.has_ts = in->options.has_ts, .ts_echo = in->options.ts_value}};
    if (in->flags & TCP_ACK) {
        out.seq = in->ack;
    } else {
        out.flags |= TCP_ACK;
        out.ack = in->seq + in->len + !!(in->flags & TCP_SYN) + !!(in->flags & TCP_FIN);
    }
    if (tcp_send_control(tcp, &out))
        tcp->counters.resets_out++;
}

/* [7323 3.2-5] */
void flow_send_reset(struct flow *flow)
{
    const struct segment_out out = {
        .key = &flow->key,
        .seq = flow->snd_nxt,
        .ack = flow->rcv_nxt,
        .flags = TCP_RST | TCP_ACK,
        .options = {.has_ts = flow->flags & FLOW_TS,
                    .ts_value = tcp_timestamp(flow->tcp, flow->ts_offset),
                    .ts_echo = flow->ts_recent}};
    if (flow->state != TCP_SYN_SENT && tcp_send_control(flow->tcp, &out))
        flow->tcp->counters.resets_out++;
}
