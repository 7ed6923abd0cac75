/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMP for both families (RFC 792, 4443): echo, errors that TCP hears of, errors that we send. */

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include <rte_ip.h>

#include "net/cksum.h"
#include "net/instance.h"

#define HOP_LIMIT     64u
#define QUOTE_IP4_MAX (576u - 28u) /* RFC 1812 4.3.2.3 */
#define QUOTE_IP6_MAX (1280u - 48u)
#define QUOTED_L4     8u /* ports and sequence number */

struct header {
    uint8_t type, code;
    rte_be16_t cksum;
    rte_be32_t rest;
} __rte_packed __rte_aligned(2); /* behind Ethernet's 14 bytes */

static void finish(struct net *net, struct rte_mbuf *packet, const struct net_ip *from,
                   const struct net_ip *to)
{
    struct header *h = rte_pktmbuf_mtod(packet, struct header *);
    const bool is_v4 = net_ip_is_v4(to);
    const struct ip_header_info info = {*from, *to,       is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
                                        0,     HOP_LIMIT, true};
    h->cksum = 0;
    if (is_v4) {
        h->cksum = (uint16_t)~cksum_fold(cksum_packet(packet));
    } else {
        h->cksum = cksum_upper(packet, from, to, IPPROTO_ICMPV6);
    }
    net->counters.icmp_out++;
    ip_output(net, packet, &info);
}

/* [4443 2.4-6] */
static bool is_within_limit(struct net *net)
{
    if (rate_limit_take(&net->icmp_limit, net->now_us))
        return true;
    net->counters.icmp_limited++;
    return false;
}

/* The answer to an echo request: the message with another type, in as many fragments as the link
 * needs. [1122 3.2.2.6-1 3.3.4.2-1] [4443 2.2-1 4.2-1] */
struct echo {
    const struct rte_mbuf *request;
    struct net_ip from, to;
    rte_be16_t type_code, cksum; /* as they are sent */
    uint16_t id;                 /* of the fragments */
};

static struct echo make_echo(struct net *net, const struct rte_mbuf *packet, const struct ip_in *in,
                             uint8_t reply_type)
{
    struct header h;
    rte_be16_t was;
    const void *at = rte_pktmbuf_read(packet, 0, sizeof(h), &h);
    if (at != &h)
        memcpy(&h, at, sizeof(h));
    memcpy(&was, &h, 2);
    struct echo e = {.request = packet, .from = in->to, .to = in->from, .id = net->next_ip_id++};
    e.type_code = rte_cpu_to_be_16((uint16_t)(reply_type << 8 | h.code));
    /* RFC 1624 3: the rest of what is summed stays */
    e.cksum = (rte_be16_t)~cksum_fold((uint64_t)(uint16_t)~h.cksum + (uint16_t)~was + e.type_code);
    return e;
}

/* `len` bytes at `at`; false: no buffer. */
static bool send_echo(struct net *net, const struct echo *e, uint32_t at, uint32_t len, bool whole)
{
    const bool is_v4 = net_ip_is_v4(&e->to), more = at + len < e->request->pkt_len;
    const uint16_t extension = is_v4 || whole ? 0 : 8;
    struct ip_header_info info = {e->from, e->to,     is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
                                  0,       HOP_LIMIT, true};
    struct rte_mbuf *reply = net_buffer(net, (uint16_t)(extension + len));
    if (!reply)
        return false;
    uint8_t *to = rte_pktmbuf_mtod_offset(reply, uint8_t *, extension);
    const void *from = rte_pktmbuf_read(e->request, at, len, to);
    if (from != to)
        memcpy(to, from, len);
    if (!at) {
        memcpy(to, &e->type_code, 2);
        memcpy(to + 2, &e->cksum, 2);
    }
    if (extension) {
        struct rte_ipv6_fragment_ext *fragment = rte_pktmbuf_mtod(reply, void *);
        *fragment =
            (struct rte_ipv6_fragment_ext){.next_header = IPPROTO_ICMPV6,
                                           .frag_data = rte_cpu_to_be_16((uint16_t)(at | more)),
                                           .id = rte_cpu_to_be_32(e->id)};
        info.proto = IPPROTO_FRAGMENT;
    } else if (!whole) {
        info.fragment =
            (uint16_t)(at / RTE_IPV4_HDR_OFFSET_UNITS | (more ? RTE_IPV4_HDR_MF_FLAG : 0));
        info.fragment_id = e->id;
    }
    net->counters.icmp_out++;
    ip_output(net, reply, &info);
    return true;
}

static void echo(struct net *net, const struct rte_mbuf *packet, const struct ip_in *in,
                 uint8_t reply_type)
{
    const uint32_t len = packet->pkt_len, headers = net_ip_is_v4(&in->from) ? 20 : 40;
    const uint32_t room = rte_pktmbuf_data_room_size(net->port.buffers) - NET_HEADROOM;
    const uint32_t most = RTE_MIN(net->port.mtu - headers, room);
    const uint32_t each = len <= most ? len : (most - 8) & ~7u; /* 8: the fragment header */
    if (net->is_to_many || net_ip_is_multicast(&in->to) || net_ip_is_unspecified(&in->from))
        return;
    const struct echo e = make_echo(net, packet, in, reply_type);
    for (uint32_t at = 0; at < len; at += each)
        if (!is_within_limit(net) || !send_echo(net, &e, at, RTE_MIN(each, len - at), len <= most))
            return;
}

/* RFC 1122 3.2.2, 4443 2.4 (e): never about a group, a fragment that is not the first, an error, or
 * to somebody who is not one host. [1122 3.2.2-2 3.2.2-4] [4443 2.2-1 2.4-2 2.4-5] [4861 8.3-1] */
void icmp_error(struct net *net, const struct rte_mbuf *quoted, const struct ip_in *in,
                uint8_t type, uint8_t code, uint32_t value)
{
    const bool is_v4 = net_ip_is_v4(&in->from);
    const uint32_t most = is_v4 ? QUOTE_IP4_MAX : QUOTE_IP6_MAX;
    uint32_t room = rte_pktmbuf_data_room_size(net->port.buffers) - NET_HEADROOM -
                    (uint32_t)sizeof(struct header);
    const bool asks_about_option =
        !is_v4 && type == ICMP6_PARAM_PROB && code == ICMP6_PARAMPROB_OPTION;
    if (((net->is_to_many || net_ip_is_multicast(&in->to)) && !asks_about_option) ||
        net_ip_is_unspecified(&in->from) || net_ip_is_multicast(&in->from) || !is_within_limit(net))
        return;
    struct net_ip from = in->to;
    if (net_ip_is_multicast(&from) && !route_source(net, &in->from, &from))
        return;
    room = room < most ? room : most;
    const uint16_t len = (uint16_t)(quoted->pkt_len < room ? quoted->pkt_len : room);
    struct rte_mbuf *packet = net_buffer(net, (uint16_t)(sizeof(struct header) + len));
    if (!packet)
        return;
    struct header *h = rte_pktmbuf_mtod(packet, struct header *);
    h->type = type;
    h->code = code;
    h->rest = rte_cpu_to_be_32(value);
    const void *p = rte_pktmbuf_read(quoted, 0, len, h + 1);
    if (p != h + 1)
        memcpy(h + 1, p, len);
    finish(net, packet, &from, &in->from);
}

/* [1122 3.2.2.1-1] [4443 3.1-1] */
void icmp_unreachable(struct net *net, struct rte_mbuf *packet, const struct ip_in *in,
                      uint8_t proto)
{
    const uint16_t header_len = (uint16_t)packet->l3_len;
    if (!header_len || !rte_pktmbuf_prepend(packet, header_len))
        return;
    if (net_ip_is_v4(&in->from))
        icmp_error(net, packet, in, ICMP_DEST_UNREACH,
                   proto == IPPROTO_UDP ? ICMP_PORT_UNREACH : ICMP_PROT_UNREACH, 0);
    else /* what is not UDP was seen by who read the header that names it */
        icmp_error(net, packet, in, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, 0);
}

/* Reads the quoted packet of an error: true if it is a TCP packet of ours, whose beginning is there
 * (RFC 5927 4: what TCP checks its sequence number by). `quote` is in one piece. [1122 3.2.2-3]
 * [4443 2.4-3] [8201 6-1] */
static bool read_quote(const struct net *net, const uint8_t *quote, uint32_t len, bool is_v4,
                       struct ip_error_info *info)
{
    uint32_t header_len = sizeof(struct rte_ipv6_hdr);
    if (is_v4) {
        struct rte_ipv4_hdr ip;
        if (len < sizeof(ip))
            return false;
        memcpy(&ip, quote, sizeof(ip));
        header_len = (ip.version_ihl & 15u) * 4u;
        if ((ip.version_ihl >> 4) != 4 || header_len < sizeof(ip) ||
            ip.next_proto_id != IP_PROTO_TCP ||
            (ip.fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)))
            return false;
        info->from = net_ip4(ip.src_addr);
        info->to = net_ip4(ip.dst_addr);
    } else {
        struct rte_ipv6_hdr ip;
        if (len < sizeof(ip))
            return false;
        memcpy(&ip, quote, sizeof(ip));
        if (ip.proto != IP_PROTO_TCP) /* what we send has no extension headers */
            return false;
        info->from = net_ip6(&ip.src_addr);
        info->to = net_ip6(&ip.dst_addr);
    }
    if (len < header_len + QUOTED_L4 || !net_has_address(net, &info->from))
        return false;
    const uint8_t *tcp = quote + header_len;
    info->from_port = (uint16_t)(tcp[0] << 8 | tcp[1]);
    info->to_port = (uint16_t)(tcp[2] << 8 | tcp[3]);
    info->seq = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
    return true;
}

/* An error comes to the queue that its sender's address hashes to, the flow may live elsewhere. */
static bool is_elsewhere(struct net *net, struct rte_mbuf *packet, const struct ip_error_info *info)
{
    const struct net_addr from = {info->to, info->to_port}, to = {info->from, info->from_port};
    const uint16_t queue = net_home_queue(net, &from, &to);
    if (net->port.rss.num_queues < 2 || queue == net->port.rss.queue || !net->hand_on ||
        net->is_handed || !packet->l3_len)
        return false;
    rte_pktmbuf_prepend(packet, (uint16_t)(packet->l3_len + packet->l2_len));
    return net_hand(net, queue, packet);
}

/* A packet of ours, from the IP header on, that no neighbour takes: to a flow that is being opened
 * as good as refused. [4861 7.2.2-4] */
void icmp_undeliverable(struct net *net, const struct rte_mbuf *packet, bool is_v4)
{
    struct ip_error_info info = {.kind = IP_ERROR_HARD};
    if (read_quote(net, rte_pktmbuf_mtod(packet, const uint8_t *), packet->data_len, is_v4, &info))
        tcp_error(net->tcp, &info, net->now_us);
}

/* Takes the packet: an error whose kind TCP shall know, or kind < 0: not for it. */
static void take_error(struct net *net, struct rte_mbuf *packet, bool is_v4, int kind, uint16_t mtu)
{
    struct ip_error_info info = {.mtu = mtu};
    uint8_t room[128];
    uint32_t len = packet->pkt_len - (uint32_t)sizeof(struct header);
    len = len < sizeof(room) ? len : (uint32_t)sizeof(room);
    const uint8_t *quote = rte_pktmbuf_read(packet, sizeof(struct header), len, room);
    if (kind < 0 || !quote || !read_quote(net, quote, len, is_v4, &info)) {
        net->counters.icmp_errors_ignored++;
        rte_pktmbuf_free(packet);
        return;
    }
    if (is_elsewhere(net, packet, &info))
        return;
    info.kind = (enum ip_error)kind;
    net->counters.icmp_errors_taken++;
    rte_pktmbuf_free(packet);
    net_flush_to_tcp(net); /* what came before it is heard before it */
    tcp_error(net->tcp, &info, net->now_us);
}

/* [1122 3.2.2.1-2] */
static int unreachable_kind4(uint8_t code)
{
    switch (code) { /* RFC 1122 3.2.2.1, 4.2.3.9 */
    case ICMP_PROT_UNREACH:
    case ICMP_PORT_UNREACH:
    case ICMP_PKT_FILTERED:
        return IP_ERROR_HARD;
    case ICMP_FRAG_NEEDED:
        return IP_ERROR_TOO_BIG;
    default:
        return IP_ERROR_SOFT;
    }
}

/* [1122 3.2.2-1 3.2.2.4-1] [9293 3.9.2.2-2] */
void icmp4_input(struct net *net, struct rte_mbuf *packet, const struct ip_in *in)
{
    const struct header *h = net_pull(net, &packet, sizeof(*h));
    net->counters.icmp_in++;
    if (!h || cksum_fold(cksum_packet(packet)) != 0xffff) {
        net->counters.rx_bad_checksum++;
        rte_pktmbuf_free(packet);
        return;
    }
    switch (h->type) {
    case ICMP_ECHO:
        echo(net, packet, in, ICMP_ECHOREPLY);
        rte_pktmbuf_free(packet);
        break;
    case ICMP_DEST_UNREACH:
        take_error(net, packet, true, unreachable_kind4(h->code),
                   (uint16_t)(rte_be_to_cpu_32(h->rest) & 0xffff));
        break;
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETERPROB:
        take_error(net, packet, true, IP_ERROR_SOFT, 0);
        break;
    default: /* redirects among them: routes are configured (RFC 6633: nor source quench) */
        rte_pktmbuf_free(packet);
    }
}

/* [4443 2.4-1 3.1-2] */
static void icmp6_error_input(struct net *net, struct rte_mbuf *packet, const struct header *h)
{
    const uint32_t rest = rte_be_to_cpu_32(h->rest);
    switch (h->type) {
    case ICMP6_PACKET_TOO_BIG:
        take_error(net, packet, false, IP_ERROR_TOO_BIG, rest > 0xffff ? 0xffff : (uint16_t)rest);
        break;
    case ICMP6_DST_UNREACH:
        take_error(net, packet, false,
                   h->code == ICMP6_DST_UNREACH_ADMIN || h->code == ICMP6_DST_UNREACH_NOPORT
                       ? IP_ERROR_HARD
                       : IP_ERROR_SOFT,
                   0);
        break;
    case ICMP6_TIME_EXCEEDED:
    case ICMP6_PARAM_PROB:
        take_error(net, packet, false, IP_ERROR_SOFT, 0);
        break;
    default: /* of a type unknown (RFC 4443 2.4) */
        take_error(net, packet, false, IP_ERROR_SOFT, 0);
    }
}

/* Advertisements come to one queue only, and concern all. */
static void share(struct net *net, const struct rte_mbuf *packet)
{
    if (!net->hand_on || net->is_handed || net->port.rss.num_queues < 2 || !packet->l3_len)
        return;
    struct rte_mbuf *copy = rte_pktmbuf_copy(packet, net->port.buffers, 0, UINT32_MAX);
    if (!copy) {
        net->counters.rx_no_memory++;
        return;
    }
    const uint16_t front = (uint16_t)(packet->l2_len + packet->l3_len);
    uint8_t *to = (uint8_t *)rte_pktmbuf_prepend(copy, front);
    memcpy(to, rte_pktmbuf_mtod(packet, const uint8_t *) - front, front);
    net_hand(net, NET_EVERY_QUEUE, copy);
}

/* [4443 2.4-1] [6980 5-2] */
void icmp6_input(struct net *net, struct rte_mbuf *packet, const struct ip_in *in,
                 uint8_t hop_limit)
{
    const struct header *h = net_pull(net, &packet, sizeof(*h));
    net->counters.icmp_in++;
    if (!h || cksum_upper(packet, &in->from, &in->to, IPPROTO_ICMPV6)) {
        net->counters.rx_bad_checksum++;
        rte_pktmbuf_free(packet);
        return;
    }
    if (h->type < ICMP6_ECHO_REQUEST) {
        icmp6_error_input(net, packet, h);
        return;
    }
    switch (h->type) {
    case ICMP6_ECHO_REQUEST:
        if (net_has_address(net, &in->to))
            echo(net, packet, in, ICMP6_ECHO_REPLY);
        break;
    case ND_NEIGHBOR_SOLICIT:
    case ND_NEIGHBOR_ADVERT:
    case 130: /* MLD query (RFC 3810) */
        h = packet->l3_len ? net_pull(net, &packet, (uint16_t)RTE_MIN(packet->pkt_len, 512u))
                           : NULL;
        if (h) { /* in fragments it is forbidden (RFC 6980 5) */
            share(net, packet);
            nd_input(net, (const uint8_t *)h, (uint16_t)RTE_MIN(packet->pkt_len, 512u), in,
                     hop_limit);
        }
        break;
    default:
        break;
    }
    rte_pktmbuf_free(packet);
}
