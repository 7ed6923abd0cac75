/* SPDX-License-Identifier: BSD-3-Clause */

/* IPv4 (RFC 791, 1122). */

#include <rte_ip.h>

#include "net/cksum.h"
#include "net/instance.h"

#define OPTION_END          0u
#define OPTION_NOP          1u
#define OPTION_LOOSE_ROUTE  0x83u
#define OPTION_STRICT_ROUTE 0x89u

/* Options are looked at for their form, and for source routes, which turn replies to where their
 * sender likes (RFC 7126 4.3, 4.4); no other one concerns an end host. [9293 3.9.2-2] */
static bool options_are_good(const uint8_t *option, uint32_t len)
{
    while (len) {
        if (option[0] == OPTION_END)
            return true;
        if (option[0] == OPTION_NOP) {
            option++;
            len--;
            continue;
        }
        if (len < 2 || option[1] < 2 || option[1] > len || option[0] == OPTION_LOOSE_ROUTE ||
            option[0] == OPTION_STRICT_ROUTE)
            return false;
        len -= option[1];
        option += option[1];
    }
    return true;
}

/* The header's length, or 0: counted, and the packet is of no use. [1122 3.1-2 3.2.1.1-1 3.2.1.2-1]
 */
static uint16_t check_header(struct net *net, struct rte_mbuf **packet)
{
    const struct rte_ipv4_hdr *ip = net_pull(net, packet, sizeof(*ip));
    uint16_t len;
    if (!ip || (ip->version_ihl >> 4) != 4) {
        net->counters.rx_malformed++;
        return 0;
    }
    len = (ip->version_ihl & 15u) * 4u;
    if (len < sizeof(*ip) || rte_be_to_cpu_16(ip->total_length) < len) {
        net->counters.rx_malformed++;
        return 0;
    }
    if (len > sizeof(*ip))
        ip = net_pull(net, packet, len);
    if (!ip || ((*packet)->pkt_len != rte_be_to_cpu_16(ip->total_length) &&
                !ip_trim(net, *packet, rte_be_to_cpu_16(ip->total_length))))
        return 0;
    const uint64_t sum = cksum_add(0, ip, sizeof(*ip));
    const uint32_t options_len = len - (uint32_t)sizeof(*ip);
    if (cksum_fold(options_len ? cksum_add(sum, ip + 1, options_len) : sum) != 0xffff) {
        net->counters.rx_bad_checksum++;
        return 0;
    }
    if (!options_are_good((const uint8_t *)(ip + 1), options_len)) {
        net->counters.rx_malformed++;
        return 0;
    }
    return len;
}

uint32_t ip4_broadcast(const struct net_ip *ip, uint8_t prefix_len)
{
    if (prefix_len <= 96 || prefix_len >= 127)
        return ~0u;
    return net_ip_v4_be(ip) | rte_cpu_to_be_32(~0u >> (prefix_len - 96));
}

bool ip4_is_broadcast(const struct net *net, const struct net_ip *ip)
{
    const uint32_t be = net_ip_v4_be(ip);
    bool is_one = be == ~0u;
    for (uint32_t i = 0; i < net->num_addresses; i++)
        is_one |= be == net->addresses[i].broadcast;
    return is_one;
}

static void free_counted(struct rte_mbuf *packet, uint64_t *counter)
{
    ++*counter;
    rte_pktmbuf_free(packet);
}

/* [1122 3.1-1 3.2.1.3-2] */
void ip4_input(struct net *net, struct rte_mbuf *packet)
{
    const uint16_t header_len = check_header(net, &packet);
    if (!header_len) {
        rte_pktmbuf_free(packet);
        return;
    }
    const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(packet, const struct rte_ipv4_hdr *);
    const uint16_t where = rte_be_to_cpu_16(ip->fragment_offset);
    struct ip_in in = {.from = net_ip4(ip->src_addr),
                       .to = net_ip4(ip->dst_addr),
                       .ecn = ip->type_of_service & 3u,
                       .rss_hash = packet->hash.rss};
    uint8_t proto = ip->next_proto_id, hop_limit = ip->time_to_live;
    if (!net_has_address(net, &in.to)) {
        free_counted(packet, &net->counters.rx_not_ours);
        return;
    }
    if (!ip_source_is_good(net, &in.from) || net_ip_is_unspecified(&in.from) ||
        ip4_is_broadcast(net, &in.from)) {
        rte_pktmbuf_free(packet);
        return;
    }
    const uint16_t id = ip->packet_id;
    packet->l3_len = header_len;
    rte_pktmbuf_adj(packet, header_len);
    if (where & (RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG)) {
        const struct fragment fragment = {
            .from = in.from,
            .to = in.to,
            .id = id,
            .proto = proto,
            .ecn = in.ecn,
            .offset = (uint16_t)((where & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS),
            .more = (where & RTE_IPV4_HDR_MF_FLAG) != 0,
        };
        packet = reassembly_add(net, packet, &fragment, &proto, &in.ecn);
        if (!packet)
            return;
        packet->l3_len = 0;
    }
    ip_deliver(net, packet, &in, proto, hop_limit);
}

/* [1122 3.2.1.7-1] [1191 2-1] */
void ip4_prepend(struct net *net, struct rte_mbuf *packet, const struct ip_header_info *info)
{
    struct rte_ipv4_hdr *ip = (void *)rte_pktmbuf_prepend(packet, sizeof(*ip));
    const uint16_t where = info->fragment       ? info->fragment
                           : info->may_fragment ? 0
                                                : RTE_IPV4_HDR_DF_FLAG;
    /* The id matters to fragments alone (RFC 6864 4.1); a segmenting link counts up from it. */
    *ip = (struct rte_ipv4_hdr){
        .version_ihl = RTE_IPV4_VHL_DEF,
        .type_of_service = info->ecn,
        .total_length = rte_cpu_to_be_16((uint16_t)packet->pkt_len),
        .packet_id = rte_cpu_to_be_16(info->fragment ? info->fragment_id : net->next_ip_id++),
        .fragment_offset = rte_cpu_to_be_16(where),
        .time_to_live = info->hop_limit,
        .next_proto_id = info->proto,
        .src_addr = net_ip_v4_be(&info->from),
        .dst_addr = net_ip_v4_be(&info->to),
    };
    if (!(packet->ol_flags & RTE_MBUF_F_TX_IP_CKSUM))
        ip->hdr_checksum = (uint16_t)~cksum_fold(cksum_add(0, ip, sizeof(*ip)));
}
