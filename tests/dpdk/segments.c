/* SPDX-License-Identifier: BSD-3-Clause */
#include "segments.h"

#include <rte_arp.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eal.h"
#include "port.h"

#define HEADERS (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_tcp_hdr))

static const struct rte_ether_addr peer_mac = {{2, 0, 0, 0, 0, 1}};

static struct rte_mbuf *frame(const struct port *port, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(port->rx_pool);
    void *data = m ? rte_pktmbuf_append(m, (uint16_t)len) : NULL;
    if (!data) {
        fprintf(stderr, "no mbufs left for a received frame\n");
        exit(1);
    }
    memset(data, 0, len);
    return m;
}

struct rte_mbuf *segment_make(const struct port *port, const struct segment *s)
{
    struct rte_mbuf *m = frame(port, HEADERS + s->options_len + s->len);
    struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
    struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
    struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);
    memcpy(&eth->dst_addr, port->mac, 6);
    eth->src_addr = peer_mac;
    eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
    *ip = (struct rte_ipv4_hdr){
        .version_ihl = 0x45,
        .total_length = rte_cpu_to_be_16((uint16_t)(40 + s->options_len + s->len)),
        .time_to_live = 64,
        .next_proto_id = IPPROTO_TCP,
        .src_addr = rte_cpu_to_be_32(s->peer_ip ? s->peer_ip : SEGMENTS_PEER_IP),
        .dst_addr = rte_cpu_to_be_32(SEGMENTS_OUR_IP)};
    *tcp = (struct rte_tcp_hdr){.src_port = rte_cpu_to_be_16(s->peer_port),
                                .dst_port = rte_cpu_to_be_16(s->our_port),
                                .sent_seq = rte_cpu_to_be_32(s->seq),
                                .recv_ack = rte_cpu_to_be_32(s->ack),
                                .data_off = (uint8_t)((5 + s->options_len / 4) << 4),
                                .tcp_flags = s->flags,
                                .rx_win = rte_cpu_to_be_16(s->window)};
    if (s->options_len)
        memcpy(tcp + 1, s->options, s->options_len);
    tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
    ip->hdr_checksum = rte_ipv4_cksum(ip);
    return m;
}

bool segment_read(const struct rte_mbuf *m, struct segment *s)
{
    const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
    const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);
    const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(ip + 1);
    if (eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || ip->next_proto_id != IPPROTO_TCP)
        return false;
    const uint16_t header = (uint16_t)((tcp->data_off >> 4) * 4);
    *s = (struct segment){.peer_ip = rte_be_to_cpu_32(ip->dst_addr),
                          .peer_port = rte_be_to_cpu_16(tcp->dst_port),
                          .our_port = rte_be_to_cpu_16(tcp->src_port),
                          .seq = rte_be_to_cpu_32(tcp->sent_seq),
                          .ack = rte_be_to_cpu_32(tcp->recv_ack),
                          .window = rte_be_to_cpu_16(tcp->rx_win),
                          .flags = tcp->tcp_flags,
                          .options_len = (uint8_t)(header - 20),
                          .options = (const uint8_t *)(tcp + 1),
                          .len = (uint16_t)(rte_be_to_cpu_16(ip->total_length) - 20 - header)};
    return true;
}

bool segments_is_asked(const struct rte_mbuf *m)
{
    const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
    const struct rte_arp_hdr *arp = (const struct rte_arp_hdr *)(eth + 1);
    return eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP) &&
           arp->arp_data.arp_tip == rte_cpu_to_be_32(SEGMENTS_PEER_IP);
}

void segments_introduce(struct net *net, const struct port *port, bool is_answer, uint64_t now_us)
{
    struct rte_mbuf *m = frame(port, 60);
    struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
    struct rte_arp_hdr *arp = (struct rte_arp_hdr *)(eth + 1);
    memset(&eth->dst_addr, 0xff, 6);
    eth->src_addr = peer_mac;
    eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_ARP);
    *arp = (struct rte_arp_hdr){
        RTE_BE16(RTE_ARP_HRD_ETHER),
        RTE_BE16(RTE_ETHER_TYPE_IPV4),
        6,
        4,
        rte_cpu_to_be_16(is_answer ? RTE_ARP_OP_REPLY : RTE_ARP_OP_REQUEST),
        {peer_mac, rte_cpu_to_be_32(SEGMENTS_PEER_IP), {{0}}, rte_cpu_to_be_32(SEGMENTS_OUR_IP)}};
    if (is_answer)
        memcpy(&eth->dst_addr, port->mac, 6);
    net_input(net, &m, 1, now_us);
    stack_send(net, port, now_us);
}

struct net *segments_start(struct port *port, uint32_t num_mbufs, uint32_t max_flows,
                           bool with_hugepages, uint64_t now_us)
{
    char error[160];
    if (!TEST_EAL(with_hugepages ? "--in-memory" : "--no-huge", "-m", "512",
                  "--vdev=net_null0,no-rx=1"))
        return NULL;
    const struct net_address address = {net_ip4(rte_cpu_to_be_32(SEGMENTS_OUR_IP)), 96 + 16};
    const struct net_ip gateway = net_ip4(rte_cpu_to_be_32(SEGMENTS_PEER_IP));
    const struct stack_config config = {.port = port,
                                        .addresses = &address,
                                        .num_addresses = 1,
                                        .gateways = &gateway,
                                        .num_gateways = 1,
                                        .max_flows = max_flows,
                                        .now_us = now_us};
    struct net *net = port_start(port, 1, 0, num_mbufs, 0, error, sizeof(error))
                          ? NULL
                          : stack_new(&config, error, sizeof(error));
    if (net)
        segments_introduce(net, port, false, now_us);
    else
        printf("%s\n", error);
    return net;
}
