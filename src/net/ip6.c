/* SPDX-License-Identifier: BSD-3-Clause */

/* IPv6 (RFC 8200). */

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "net/instance.h"

#define EXTENSIONS_MAX     8u   /* headers of a packet, */
#define EXTENSIONS_LEN_MAX 448u /* and bytes: more is somebody's game (RFC 8504 5.3) */
#define PAD1               0u
#define HEADER_CHAIN_CUT   3u /* code of a parameter problem */

/* The walk over a packet's extension headers. */
struct walk {
    struct rte_mbuf *packet; /* NULL: taken */
    struct ip_in *in;
    uint16_t at;      /* where the next header begins, from the IPv6 header on */
    uint8_t next;     /* what it is */
    uint16_t next_at; /* where that was said, for parameter problems */
    bool has_fragment_header;
};

enum verdict {
    GO_ON,
    DROP,
    UPPER, /* what comes next is not IPv6's */
};

/* Options of a hop-by-hop or destination header: unknown ones say themselves what to do (4.2).
 * [8200 4.2-1 4.2-2] */
static enum verdict check_options(struct net *net, const struct walk *w, const uint8_t *header,
                                  uint16_t len)
{
    for (uint16_t at = 2; at < len;) {
        const uint8_t type = header[at];
        if (type == PAD1) {
            at++;
            continue;
        }
        if (at + 2 > len || at + 2 + header[at + 1] > len)
            return DROP;
        switch (type >> 6) {
        case 0:
            break;
        case 3:
            if (net->is_to_many || net_ip_is_multicast(&w->in->to))
                return DROP;
            /* fall through */
        case 2:
            icmp_error(net, w->packet, w->in, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_OPTION,
                       (uint32_t)(w->at + at));
            return DROP;
        default:
            return DROP;
        }
        at = (uint16_t)(at + 2 + header[at + 1]);
    }
    return GO_ON;
}

/* One extension header that is not a fragment's. [4443 3.4-1] [8200 4-2 4.4-1] */
static enum verdict step(struct net *net, struct walk *w)
{
    const uint8_t *header;
    enum verdict verdict = GO_ON;
    uint16_t len;
    if (w->next != IPPROTO_HOPOPTS && w->next != IPPROTO_DSTOPTS && w->next != IPPROTO_ROUTING)
        return UPPER;
    if (w->next == IPPROTO_HOPOPTS && w->at != sizeof(struct rte_ipv6_hdr)) {
        icmp_error(net, w->packet, w->in, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_NEXTHEADER, w->next_at);
        return DROP;
    }
    if (!net_pull(net, &w->packet, (uint16_t)(w->at + 8)))
        return DROP;
    len = (uint16_t)((rte_pktmbuf_mtod(w->packet, const uint8_t *)[w->at + 1] + 1) * 8);
    if (w->at + len > (int)(EXTENSIONS_LEN_MAX + sizeof(struct rte_ipv6_hdr)) ||
        !net_pull(net, &w->packet, (uint16_t)(w->at + len)))
        return DROP;
    header = rte_pktmbuf_mtod(w->packet, const uint8_t *) + w->at;
    if (w->next != IPPROTO_ROUTING) {
        verdict = check_options(net, w, header, len);
    } else if (header[3]) { /* segments left: we are no router (4.4, RFC 5095 3) */
        icmp_error(net, w->packet, w->in, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_HEADER, w->at + 2u);
        verdict = DROP;
    }
    w->next = header[0];
    w->next_at = w->at;
    w->at = (uint16_t)(w->at + len);
    return verdict;
}

/* Takes headers up to `at` off; l3_len remembers them for errors that quote. */
static void strip(struct walk *w)
{
    w->packet->l3_len = w->at;
    rte_pktmbuf_adj(w->packet, w->at);
}

/* What of it the first fragment must have (RFC 8200 4.5). */
static uint32_t upper_header_len(uint8_t proto)
{
    return proto == IPPROTO_TCP ? sizeof(struct rte_tcp_hdr) : 8; /* ICMP's, UDP's */
}

/* A fragment header: true, and the walk stands behind it, where the packet is whole now.
 * [8200 4.5-1 4.5-4 4.5-5 4.5-6] */
static bool take_fragment(struct net *net, struct walk *w)
{
    struct {
        uint8_t next, reserved;
        rte_be16_t offset_flags;
        rte_be32_t id;
    } header;
    struct ip_in *in = w->in;
    if (!net_pull(net, &w->packet, (uint16_t)(w->at + sizeof(header)))) {
        net->counters.rx_malformed++;
        return false;
    }
    memcpy(&header, rte_pktmbuf_mtod(w->packet, uint8_t *) + w->at, sizeof(header));
    const uint16_t where = rte_be_to_cpu_16(header.offset_flags);
    const struct fragment fragment = {.from = in->from,
                                      .to = in->to,
                                      .id = header.id,
                                      .proto = header.next,
                                      .ecn = in->ecn,
                                      .offset = (uint16_t)(where & ~7u),
                                      .more = where & 1u};
    const uint32_t payload = w->packet->pkt_len - w->at - (uint32_t)sizeof(header);
    w->has_fragment_header = true;
    if (fragment.more && payload % 8) { /* 4.5 */
        icmp_error(net, w->packet, in, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_HEADER,
                   (uint32_t)offsetof(struct rte_ipv6_hdr, payload_len));
        net->counters.rx_fragments_dropped++;
        return false;
    }
    if (w->at - sizeof(struct rte_ipv6_hdr) + fragment.offset + payload > UINT16_MAX) {
        icmp_error(net, w->packet, in, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_HEADER, w->at + 2u);
        net->counters.rx_fragments_dropped++;
        return false;
    }
    if (!fragment.offset && fragment.more && payload < upper_header_len(header.next)) {
        icmp_error(net, w->packet, in, ICMP6_PARAM_PROB, HEADER_CHAIN_CUT, 0);
        net->counters.rx_fragments_dropped++;
        return false;
    }
    w->next_at = w->at;
    w->at = (uint16_t)(w->at + sizeof(header));
    w->next = header.next;
    if (!fragment.offset && !fragment.more)
        return true; /* atomic: whole as it is (RFC 6946) */
    strip(w);
    w->packet = reassembly_add(net, w->packet, &fragment, &w->next, &in->ecn);
    if (!w->packet)
        return false;
    w->packet->l3_len = 0;
    w->at = 0;
    return true;
}

static void drop(struct net *net, struct walk *w)
{
    net->counters.rx_malformed++;
    rte_pktmbuf_free(w->packet);
}

/* From the first extension header to the upper layer. [6980 5-2] [8200 4-1 4-3 4.1-1 4.7-1] */
static void walk_headers(struct net *net, struct walk *w, uint8_t hop_limit)
{
    for (uint32_t i = 0; i < EXTENSIONS_MAX; i++) {
        if (w->next == IPPROTO_FRAGMENT && w->at) {
            if (take_fragment(net, w))
                continue;
            rte_pktmbuf_free(w->packet);
            return;
        }
        const enum verdict verdict = w->at ? step(net, w) : UPPER; /* behind reassembly: no more */
        if (verdict == GO_ON)
            continue;
        if (verdict == DROP || w->next == IPPROTO_NONE)
            break;
        if (w->at && w->next != IPPROTO_TCP && w->next != IPPROTO_ICMPV6 &&
            w->next != IPPROTO_UDP) {
            icmp_error(net, w->packet, w->in, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_NEXTHEADER,
                       w->next_at);
            net->counters.rx_not_ours++;
            rte_pktmbuf_free(w->packet);
            return;
        }
        /* neighbour discovery is not believed behind a fragment header (RFC 6980 5): as if it came
         * from beyond the link */
        if (w->has_fragment_header && w->next == IPPROTO_ICMPV6)
            hop_limit = 0;
        if (w->at)
            strip(w);
        ip_deliver(net, w->packet, w->in, w->next, hop_limit);
        return;
    }
    drop(net, w);
}

/* Groups that concern us: all nodes, and those that neighbours ask in. [4861 7.2.1-1] */
static bool is_our_group(struct net *net, const struct net_ip *to)
{
    static const uint8_t all_nodes[16] = {[0] = 0xff, [1] = 0x02, [15] = 0x01};
    if (memcmp(to->bytes, all_nodes, 16) == 0)
        return true;
    for (uint32_t i = 0; i < net->num_addresses; i++) {
        const struct net_ip group = nd_solicited_node(&net->addresses[i].ip);
        if (!net_ip_is_v4(&net->addresses[i].ip) && net_ip_equal(&group, to))
            return true;
    }
    return false;
}

/* [8200 3-1] */
void ip6_input(struct net *net, struct rte_mbuf *packet)
{
    const struct rte_ipv6_hdr *ip = net_pull(net, &packet, sizeof(*ip));
    if (!ip || (rte_be_to_cpu_32(ip->vtc_flow) >> 28) != 6) {
        net->counters.rx_malformed++;
        rte_pktmbuf_free(packet);
        return;
    }
    struct ip_in in = {.from = net_ip6(&ip->src_addr),
                       .to = net_ip6(&ip->dst_addr),
                       .ecn = (rte_be_to_cpu_32(ip->vtc_flow) >> 20) & 3u,
                       .rss_hash = packet->hash.rss};
    struct walk w = {packet, &in, sizeof(*ip), ip->proto, offsetof(struct rte_ipv6_hdr, proto)};
    const uint8_t hop_limit = ip->hop_limits;
    /* IPv4 in disguise (RFC 4942 2.2) is nobody's address on a wire */
    if (net_ip_is_v4(&in.from) || net_ip_is_v4(&in.to)) {
        drop(net, &w);
        return;
    }
    if (!ip_trim(net, packet, rte_be_to_cpu_16(ip->payload_len) + (uint32_t)sizeof(*ip))) {
        rte_pktmbuf_free(packet);
        return;
    }
    /* a tentative address hears neighbours alone: nd.c sees to that */
    if (!(net_own_address(net, &in.to) ? w.next == IPPROTO_ICMPV6 || net_has_address(net, &in.to)
                                       : is_our_group(net, &in.to))) {
        net->counters.rx_not_ours++;
        rte_pktmbuf_free(packet);
        return;
    }
    if (!ip_source_is_good(net, &in.from)) {
        rte_pktmbuf_free(packet);
        return;
    }
    walk_headers(net, &w, hop_limit);
}

void ip6_prepend(struct rte_mbuf *packet, const struct ip_header_info *info)
{
    const uint16_t payload_len = (uint16_t)packet->pkt_len;
    struct rte_ipv6_hdr *ip = (void *)rte_pktmbuf_prepend(packet, sizeof(*ip));
    *ip = (struct rte_ipv6_hdr){
        .vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)info->ecn << 20),
        .payload_len = rte_cpu_to_be_16(payload_len),
        .proto = info->proto,
        .hop_limits = info->hop_limit,
    };
    memcpy(&ip->src_addr, info->from.bytes, 16);
    memcpy(&ip->dst_addr, info->to.bytes, 16);
}
