/* SPDX-License-Identifier: BSD-3-Clause */

/* ARP (RFC 826) for Ethernet and IPv4. */

#include <string.h>

#include <rte_arp.h>

#include "net/instance.h"

static const struct rte_ether_addr everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void send_arp(struct net *net, uint16_t opcode, const struct rte_ether_addr *to,
                     const struct rte_arp_ipv4 *data)
{
    struct rte_mbuf *packet = net_buffer(net, sizeof(struct rte_arp_hdr));
    if (!packet)
        return;
    struct rte_arp_hdr *arp = rte_pktmbuf_mtod(packet, struct rte_arp_hdr *);
    arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
    arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
    arp->arp_hlen = RTE_ETHER_ADDR_LEN;
    arp->arp_plen = 4;
    arp->arp_opcode = rte_cpu_to_be_16(opcode);
    arp->arp_data = *data;
    memcpy(&arp->arp_data.arp_sha, net->port.mac, 6);
    ether_send(net, packet, to, RTE_ETHER_TYPE_ARP);
}

/* [1122 2.3.3-1] */
void arp_ask(struct net *net, const struct net_ip *ip, const struct rte_ether_addr *mac)
{
    struct net_ip from;
    if (!route_source(net, ip, &from))
        return;
    const struct rte_arp_ipv4 data = {.arp_sip = net_ip_v4_be(&from), .arp_tip = net_ip_v4_be(ip)};
    send_arp(net, RTE_ARP_OP_REQUEST, mac ? mac : &everybody, &data);
}

void arp_announce(struct net *net, const struct net_ip *ip)
{
    const struct rte_arp_ipv4 data = {.arp_sip = net_ip_v4_be(ip), .arp_tip = net_ip_v4_be(ip)};
    send_arp(net, RTE_ARP_OP_REQUEST, &everybody, &data); /* RFC 5227 2.3 */
}

/* An answer that came to this instance alone concerns all of the port's. */
static void share(struct net *net, const struct rte_mbuf *frame)
{
    if (!net->hand_on || net->is_handed || net->port.rss.num_queues < 2)
        return;
    struct rte_mbuf *copy = rte_pktmbuf_copy(frame, net->port.buffers, 0, UINT32_MAX);
    if (copy)
        net_hand(net, NET_EVERY_QUEUE, copy);
    else
        net->counters.rx_no_memory++;
}

void arp_input(struct net *net, struct rte_mbuf *frame)
{
    const uint16_t at = (uint16_t)frame->l2_len;
    struct rte_arp_hdr arp;
    const struct rte_arp_hdr *p = rte_pktmbuf_read(frame, at, sizeof(arp), &arp);
    if (p && p != &arp)
        memcpy(&arp, p, sizeof(arp));
    if (!p || arp.arp_hardware != rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) ||
        arp.arp_protocol != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) ||
        arp.arp_hlen != RTE_ETHER_ADDR_LEN || arp.arp_plen != 4 ||
        !rte_is_valid_assigned_ether_addr(&arp.arp_data.arp_sha)) {
        net->counters.rx_malformed++;
        rte_pktmbuf_free(frame);
        return;
    }
    const struct net_ip sender = net_ip4(arp.arp_data.arp_sip);
    const struct net_ip target = net_ip4(arp.arp_data.arp_tip);
    const bool is_request = arp.arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);
    const bool to_us = net_has_address(net, &target);
    if (net_has_address(net, &sender)) {
        if (memcmp(&arp.arp_data.arp_sha, net->port.mac, 6) != 0)
            net->counters.duplicate_addresses++; /* RFC 5227 2.4: said, and defended by going on */
    } else if (!net_ip_is_unspecified(&sender) && route_is_on_link(net, &sender)) {
        neighbour_heard(net, &sender, &arp.arp_data.arp_sha,
                        (struct neighbour_news){
                            .solicited = !is_request && to_us && !net->is_to_many,
                            .override = true,
                            .create = is_request && to_us,
                        });
    }
    if (is_request && to_us && !net->is_handed) {
        const struct rte_arp_ipv4 data = {.arp_sip = arp.arp_data.arp_tip,
                                          .arp_tha = arp.arp_data.arp_sha,
                                          .arp_tip = arp.arp_data.arp_sip};
        send_arp(net, RTE_ARP_OP_REPLY, &arp.arp_data.arp_sha, &data);
    }
    share(net, frame);
    rte_pktmbuf_free(frame);
}
