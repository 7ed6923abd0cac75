/* SPDX-License-Identifier: BSD-3-Clause */

/* Ethernet frames and their VLAN tag (IEEE 802.1Q). */

#include <string.h>

#include "net/instance.h"

#define VLAN_ID_MASK 0x0fffu

/* Whether a frame's tag is ours; tag_len is what the bytes have of it. A link that took the tag off
 * says so; one that only tells of it (af_packet) has it in the bytes as well, so those come first.
 */
static bool is_our_vlan(const struct net *net, const struct rte_mbuf *frame,
                        const struct rte_ether_hdr *ether, uint16_t *tag_len)
{
    uint16_t id = 0;
    *tag_len = 0;
    if (ether->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN)) {
        const struct rte_vlan_hdr *tag = (const struct rte_vlan_hdr *)(ether + 1);
        id = rte_be_to_cpu_16(tag->vlan_tci) & VLAN_ID_MASK;
        *tag_len = sizeof(*tag);
    } else if (frame->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) {
        id = frame->vlan_tci & VLAN_ID_MASK;
    }
    return id == net->port.vlan; /* id 0 is a priority alone: as good as no tag */
}

static bool is_for_us(const struct net *net, const struct rte_ether_hdr *ether)
{
    return rte_is_multicast_ether_addr(&ether->dst_addr) ||
           memcmp(&ether->dst_addr, net->port.mac, 6) == 0;
}

/* [1122 2.4-1] */
void ether_input(struct net *net, struct rte_mbuf *frame)
{
    const struct rte_ether_hdr *ether;
    uint16_t tag_len;
    frame->l2_len = frame->l3_len = 0; /* the link leaves them as they were */
    ether = net_pull(net, &frame, sizeof(struct rte_ether_hdr) + sizeof(struct rte_vlan_hdr));
    if (!ether) {
        net->counters.rx_malformed++;
        rte_pktmbuf_free(frame);
        return;
    }
    if (!is_for_us(net, ether) || !is_our_vlan(net, frame, ether, &tag_len)) {
        net->counters.rx_not_ours++;
        rte_pktmbuf_free(frame);
        return;
    }
    rte_be16_t type = ether->ether_type;
    if (tag_len)
        type = ((const struct rte_vlan_hdr *)(ether + 1))->eth_proto;
    net->is_to_many = rte_is_multicast_ether_addr(&ether->dst_addr);
    frame->l2_len = sizeof(*ether) + tag_len;
    if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)) {
        rte_pktmbuf_adj(frame, (uint16_t)frame->l2_len);
        ip4_input(net, frame);
    } else if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
        rte_pktmbuf_adj(frame, (uint16_t)frame->l2_len);
        ip6_input(net, frame);
    } else if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)) {
        arp_input(net, frame);
    } else {
        net->counters.rx_not_ours++;
        rte_pktmbuf_free(frame);
    }
}

/* [1122 2.3.3-1] */
void ether_send(struct net *net, struct rte_mbuf *packet, const struct rte_ether_addr *to,
                uint16_t ether_type)
{
    const uint16_t tag_len = net->port.vlan ? sizeof(struct rte_vlan_hdr) : 0;
    struct rte_ether_hdr *ether = NULL;
    if (ip_output_room(net))
        ether = (void *)rte_pktmbuf_prepend(packet, (uint16_t)(sizeof(*ether) + tag_len));
    if (!ether) { /* only what nobody waits for comes here unasked: answers, errors */
        net->counters.tx_no_room++;
        rte_pktmbuf_free(packet);
        return;
    }
    ether->dst_addr = *to;
    memcpy(&ether->src_addr, net->port.mac, 6);
    ether->ether_type = rte_cpu_to_be_16(ether_type);
    if (tag_len) {
        struct rte_vlan_hdr *tag = (struct rte_vlan_hdr *)(ether + 1);
        tag->vlan_tci = rte_cpu_to_be_16(net->port.vlan);
        tag->eth_proto = ether->ether_type;
        ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
    }
    packet->l2_len = sizeof(*ether) + tag_len;
    net->out[net->out_head++ % NET_OUT_RING] = packet;
}
