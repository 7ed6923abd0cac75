/* SPDX-License-Identifier: BSD-3-Clause */

/* What both versions of IP have in common: delivery to the upper layer, the way out. */

#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "net/cksum.h"
#include "net/instance.h"

#define TCP_HOP_LIMIT 64u

/* [1122 3.2.1.3-2] [9293 3.9.2.3-1] */
bool ip_source_is_good(struct net *net, const struct net_ip *from)
{
    if (!net_ip_is_multicast(from) && !net_ip_is_loopback(from) && !net_has_address(net, from))
        return true;
    net->counters.rx_bad_source++;
    return false;
}

bool ip_trim(struct net *net, struct rte_mbuf *packet, uint32_t len)
{
    if (packet->pkt_len < len) {
        net->counters.rx_cut++;
        return false;
    }
    while (packet->pkt_len > len) { /* padding may lie in a segment of its own */
        struct rte_mbuf *last = rte_pktmbuf_lastseg(packet);
        const uint32_t over = packet->pkt_len - len;
        const uint16_t cut = over < last->data_len ? (uint16_t)over : last->data_len;
        if (cut == last->data_len && last != packet) {
            struct rte_mbuf *before = packet;
            while (before->next != last)
                before = before->next;
            before->next = NULL;
            packet->nb_segs--;
            packet->pkt_len -= cut;
            rte_pktmbuf_free_seg(last);
        } else {
            last->data_len = (uint16_t)(last->data_len - cut);
            packet->pkt_len -= cut;
        }
    }
    return true;
}

/* What the link says of the TCP checksum. NONE and UNKNOWN are not the same: the first says that
 * there is nothing to check (a neighbour on the same machine), the second that nobody looked. */
static bool link_knows_cksum(const struct net *net, const struct rte_mbuf *packet)
{
    const uint64_t flags = packet->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    return (net->port.offloads & NET_RX_CKSUM) && packet->l3_len &&
           (flags == RTE_MBUF_F_RX_L4_CKSUM_GOOD || flags == RTE_MBUF_F_RX_L4_CKSUM_NONE);
}

/* A packet in one piece belongs to the queue that the link brought it to; one that was in fragments
 * came by addresses alone. Software spreads where the link does not. */
static bool is_elsewhere(struct net *net, struct rte_mbuf *packet, const struct ip_in *in)
{
    const struct rte_tcp_hdr *tcp;
    if (net->port.rss.num_queues < 2 || (packet->l3_len && !net->port.rss.is_software))
        return false;
    tcp = rte_pktmbuf_mtod(packet, const struct rte_tcp_hdr *);
    const struct net_addr from = {in->from, rte_be_to_cpu_16(tcp->src_port)};
    const struct net_addr to = {in->to, rte_be_to_cpu_16(tcp->dst_port)};
    const uint16_t queue = net_home_queue(net, &from, &to);
    if (queue == net->port.rss.queue || !net->hand_on || net->is_handed)
        return false;
    if (!packet->l3_len) { /* whole again, but without headers: the other takes them off anew */
        const struct ip_header_info info = {in->from, in->to, IP_PROTO_TCP, in->ecn, 1, true};
        if (net_ip_is_v4(&in->from))
            ip4_prepend(net, packet, &info);
        else
            ip6_prepend(packet, &info);
    } else {
        rte_pktmbuf_prepend(packet, (uint16_t)packet->l3_len);
    }
    struct rte_ether_hdr *ether = (void *)rte_pktmbuf_prepend(packet, sizeof(*ether));
    if (!ether) {
        net->counters.rx_no_memory++;
        rte_pktmbuf_free(packet);
        return true;
    }
    memset(ether, 0, sizeof(*ether));
    memcpy(&ether->dst_addr, net->port.mac, 6);
    ether->ether_type =
        rte_cpu_to_be_16(net_ip_is_v4(&in->from) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
    packet->ol_flags |= RTE_MBUF_F_RX_VLAN_STRIPPED;
    packet->vlan_tci = net->port.vlan;
    return net_hand(net, queue, packet);
}

/* [1122 3.3.6-1] [9293 3.9.2.3-2] */
void ip_deliver(struct net *net, struct rte_mbuf *packet, struct ip_in *in, uint8_t proto,
                uint8_t hop_limit)
{
    const bool is_v4 = net_ip_is_v4(&in->from);
    if (proto == IP_PROTO_TCP) {
        if (net->is_to_many || net_ip_is_multicast(&in->to) || net_ip_is_unspecified(&in->from)) {
            net->counters.rx_not_ours++; /* RFC 9293 3.9.2.3: TCP speaks to one alone */
            rte_pktmbuf_free(packet);
            return;
        }
        if (!net_pull(net, &packet, sizeof(struct rte_tcp_hdr))) {
            net->counters.rx_malformed++;
            rte_pktmbuf_free(packet);
            return;
        }
        if (is_elsewhere(net, packet, in))
            return;
        in->checksum_known_good = link_knows_cksum(net, packet);
        net_to_tcp(net, packet, in);
    } else if (is_v4 && proto == IPPROTO_ICMP) {
        icmp4_input(net, packet, in);
    } else if (!is_v4 && proto == IPPROTO_ICMPV6) {
        icmp6_input(net, packet, in, hop_limit);
    } else {
        net->counters.rx_not_ours++;
        icmp_unreachable(net, packet, in, proto);
        rte_pktmbuf_free(packet);
    }
}

void ip_output(struct net *net, struct rte_mbuf *packet, const struct ip_header_info *info)
{
    const struct net_ip *next_hop = route_next_hop(net, &info->to, info->way);
    if (!next_hop) {
        net->counters.no_route++;
        rte_pktmbuf_free(packet);
        return;
    }
    if (net_ip_is_v4(&info->to))
        ip4_prepend(net, packet, info);
    else
        ip6_prepend(packet, info);
    neighbour_send(net, next_hop, packet);
}

/* The checksum by the link: it wants the pseudo header's sum in the field, and to know where the
 * headers lie. */
static void ask_for_cksum(struct net *net, struct rte_mbuf *packet, struct rte_tcp_hdr *tcp,
                          const struct ip_out *out)
{
    const bool segments = out->segment_len && (net->port.offloads & NET_TX_SEGMENT);
    const uint32_t summed = segments ? 0 : packet->pkt_len;
    packet->l4_len = (tcp->data_off >> 4) * 4u;
    packet->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
    if (net_ip_is_v4(&out->to)) {
        packet->l3_len = sizeof(struct rte_ipv4_hdr);
        packet->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
    } else {
        packet->l3_len = sizeof(struct rte_ipv6_hdr);
        packet->ol_flags |= RTE_MBUF_F_TX_IPV6;
    }
    if (segments) {
        packet->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
        packet->tso_segsz = out->segment_len;
    }
    tcp->cksum = cksum_fold(cksum_pseudo(&out->from, &out->to, IP_PROTO_TCP, summed));
}

/* [9293 3.1-2] */
void ip_send(struct net *net, struct rte_mbuf *packet, const struct ip_out *out)
{
    struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod(packet, struct rte_tcp_hdr *);
    const struct ip_header_info info = {.from = out->from,
                                        .to = out->to,
                                        .proto = IP_PROTO_TCP,
                                        .ecn = out->ecn,
                                        .hop_limit = TCP_HOP_LIMIT,
                                        .way = out->way};
    if (net->port.offloads & (NET_TX_CKSUM | NET_TX_SEGMENT))
        ask_for_cksum(net, packet, tcp, out);
    else
        tcp->cksum = cksum_upper(packet, &out->from, &out->to, IP_PROTO_TCP);
    ip_output(net, packet, &info);
}

void ip_confirm(struct net *net, const struct net_ip *to, uint8_t way)
{
    const struct net_ip *next_hop = route_next_hop(net, to, way);
    if (next_hop)
        neighbour_confirm(net, next_hop);
}
