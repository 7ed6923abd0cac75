/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"
#include "dpdk/eal.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#define OUTPUT_MAX 64u

struct net {
    struct tcp *tcp;
    struct net_address addresses[8];
    uint32_t num_addresses;
    uint16_t mtu, path_mtu, learned_mtu;
    uint16_t room; /* frames that the link takes now */
    uint16_t num_output;
    struct rte_mbuf *output[OUTPUT_MAX];
    struct net_counters counters;
};

struct wire_pools wire_pools;

bool wire_start(void)
{
    if (!TEST_EAL("--no-huge", "-m", "128", "--lcores", "0@(0-1)"))
        return false;
    wire_pools.received =
        rte_pktmbuf_pool_create("received", 14000, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    wire_pools.app = rte_pktmbuf_pool_create("app", 14000, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    wire_pools.buffers =
        rte_pktmbuf_pool_create("buffers", 8000, 0, 0, RTE_PKTMBUF_HEADROOM + 256, 0);
    wire_pools.clones = rte_pktmbuf_pool_create("clones", 16000, 0, 0, 0, 0);
    return wire_pools.received && wire_pools.app && wire_pools.buffers && wire_pools.clones;
}

unsigned int wire_in_use(void)
{
    return rte_mempool_in_use_count(wire_pools.received) +
           rte_mempool_in_use_count(wire_pools.app) + rte_mempool_in_use_count(wire_pools.buffers) +
           rte_mempool_in_use_count(wire_pools.clones);
}

struct net_ip wire_host(bool is_v6, uint8_t host)
{
    const struct net_ip v6 = {{{0xfd, [15] = host}}};
    return is_v6 ? v6 : net_ip4(rte_cpu_to_be_32(0x0a000000u | host));
}

void wire_config(struct net_config *config, struct net_address *address, bool is_v6, uint8_t host)
{
    *address = (struct net_address){wire_host(is_v6, host), is_v6 ? 64 : 96 + 24};
    *config = (struct net_config){
        .port = {.mtu = 1500,
                 .offloads = NET_TX_MULTI_SEGS,
                 .max_tx_segs = 8,
                 .buffers = wire_pools.buffers,
                 .clones = wire_pools.clones,
                 .socket = -1},
        .addresses = address,
        .num_addresses = 1,
        .max_flows = 64,
        .max_half_open = 16,
        .max_detached = 32,
        .max_time_wait = 32,
        .max_buffers = 10000,
        .now_us = 1000000,
    };
    memcpy(config->secret, "sixteen secrets!", NET_SECRET_LEN);
    config->secret[0] = host;
}

/* ---- net/net.h ---- */

struct net *net_new(const struct net_config *config, char *error, size_t error_len)
{
    struct net *net = calloc(1, sizeof(*net));
    if (!net)
        return NULL;
    net->num_addresses = config->num_addresses;
    memcpy(net->addresses, config->addresses, config->num_addresses * sizeof(net->addresses[0]));
    net->mtu = config->port.mtu;
    net->tcp = tcp_new(net, config, error, error_len);
    if (net->tcp)
        return net;
    free(net);
    return NULL;
}

void net_free(struct net *net)
{
    tcp_free(net->tcp);
    for (uint16_t i = 0; i < net->num_output; i++)
        rte_pktmbuf_free(net->output[i]);
    free(net);
}

void net_input(struct net *net, struct rte_mbuf **frames, uint16_t num_frames, uint64_t now_us)
{
    struct ip_in in[NET_BURST_MAX];
    for (uint16_t i = 0; i < num_frames; i++) {
        struct wire_header header;
        memcpy(&header, rte_pktmbuf_mtod(frames[i], void *), sizeof(header));
        rte_pktmbuf_adj(frames[i], sizeof(header));
        in[i] = (struct ip_in){.from = header.from, .to = header.to, .ecn = (uint8_t)header.ecn};
    }
    tcp_input(net->tcp, frames, in, num_frames, now_us);
}

uint64_t net_timers(struct net *net, uint64_t now_us)
{
    return tcp_timers(net->tcp, now_us);
}

uint16_t net_output(struct net *net, struct rte_mbuf **frames, uint16_t max, uint64_t now_us)
{
    net->room = max < OUTPUT_MAX ? max : OUTPUT_MAX;
    tcp_output(net->tcp, now_us);
    const uint16_t num = RTE_MIN(net->num_output, max);
    memcpy(frames, net->output, num * sizeof(frames[0]));
    net->num_output = (uint16_t)(net->num_output - num);
    memmove(net->output, net->output + num, net->num_output * sizeof(frames[0]));
    net->room = OUTPUT_MAX;
    return num;
}

void net_get_counters(const struct net *net, struct net_counters *counters)
{
    *counters = net->counters;
}

struct tcp *net_tcp(const struct net *net)
{
    return net->tcp;
}

/* ---- what net/ip.h has IP offer ---- */

bool ip_route(struct net *net, const struct net_ip *to, struct net_ip *from, uint16_t *mtu)
{
    (void)to;
    if (!(from->halves[0] | from->halves[1]))
        *from = net->addresses[0].ip;
    *mtu = net->path_mtu ? net->path_mtu : net->mtu;
    return true;
}

bool ip_is_ours(const struct net *net, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < net->num_addresses; i++) {
        if (net_ip_equal(&net->addresses[i].ip, ip))
            return true;
    }
    return false;
}

/* The addresses go in front of the segment, the length to cut at into a field that is free. */
void ip_send(struct net *net, struct rte_mbuf *packet, const struct ip_out *out)
{
    const struct wire_header header = {out->from, out->to, out->ecn};
    memcpy(rte_pktmbuf_prepend(packet, sizeof(header)), &header, sizeof(header));
    packet->tso_segsz = out->segment_len;
    if (net->num_output == OUTPUT_MAX)
        rte_pktmbuf_free(packet);
    else
        net->output[net->num_output++] = packet;
}

void ip_learn_mtu(struct net *net, const struct net_ip *to, uint16_t mtu)
{
    (void)to;
    net->learned_mtu = mtu;
}

void ip_confirm(struct net *net, const struct net_ip *to)
{
    (void)net;
    (void)to;
}

uint16_t ip_output_room(const struct net *net)
{
    return net->num_output < net->room ? (uint16_t)(net->room - net->num_output) : 0;
}

void wire_set_mtu(struct net *net, uint16_t mtu)
{
    net->path_mtu = mtu;
}

uint16_t wire_learned_mtu(const struct net *net)
{
    return net->learned_mtu;
}

struct tcp *wire_tcp(struct net *net)
{
    return net->tcp;
}

/* ---- frames ---- */

uint32_t wire_packet_len(const uint8_t *frame, size_t frame_len)
{
    struct wire_header header;
    memcpy(&header, frame, sizeof(header));
    return (uint32_t)(frame_len - sizeof(header) + (net_ip_is_v4(&header.from) ? 20 : 40));
}

size_t wire_covered_at(const uint8_t *bytes, size_t frame_len)
{
    (void)bytes;
    (void)frame_len;
    return sizeof(struct wire_header);
}

void wire_mark(uint8_t *bytes, size_t frame_len)
{
    struct wire_header *header = (struct wire_header *)(void *)bytes;
    (void)frame_len;
    if (header->ecn == IP_ECN_ECT0)
        header->ecn = IP_ECN_CE;
}

void wire_too_big(struct net *net, const uint8_t *bytes, size_t frame_len, uint16_t mtu,
                  uint64_t now_us)
{
    struct wire_header header;
    struct rte_tcp_hdr tcp;
    (void)frame_len;
    memcpy(&header, bytes, sizeof(header));
    memcpy(&tcp, bytes + sizeof(header), sizeof(tcp));
    const struct ip_error_info error = {.from = header.from,
                                        .to = header.to,
                                        .from_port = rte_be_to_cpu_16(tcp.src_port),
                                        .to_port = rte_be_to_cpu_16(tcp.dst_port),
                                        .seq = rte_be_to_cpu_32(tcp.sent_seq),
                                        .kind = IP_ERROR_TOO_BIG,
                                        .mtu = mtu};
    tcp_error(net->tcp, &error, now_us);
}

size_t wire_fragment(uint8_t *fragment, const uint8_t *bytes, size_t frame_len, uint16_t mtu,
                     uint32_t which)
{
    (void)fragment;
    (void)bytes;
    (void)frame_len;
    (void)mtu;
    (void)which;
    return 0;
}

void wire_checksum(uint8_t *bytes, size_t len)
{
    struct wire_header header;
    struct rte_tcp_hdr tcp;
    uint8_t *segment = bytes + sizeof(header);
    const uint32_t segment_len = (uint32_t)(len - sizeof(header));
    memcpy(&header, bytes, sizeof(header));
    memcpy(&tcp, segment, sizeof(tcp));
    tcp.cksum = 0;
    memcpy(segment, &tcp, sizeof(tcp));
    const uint32_t skip = net_ip_is_v4(&header.from) ? 12 : 0;
    uint32_t sum = rte_raw_cksum(segment, segment_len);
    sum += rte_raw_cksum(header.from.bytes + skip, 16 - skip);
    sum += rte_raw_cksum(header.to.bytes + skip, 16 - skip);
    sum += rte_cpu_to_be_16(IP_PROTO_TCP) + rte_cpu_to_be_16((uint16_t)segment_len);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    tcp.cksum = (uint16_t)~sum;
    memcpy(segment, &tcp, sizeof(tcp));
}

static void copy_out(uint8_t *bytes, const struct rte_mbuf *frame, uint32_t offset, uint32_t len)
{
    const void *at = rte_pktmbuf_read(frame, offset, len, bytes);
    if (at != bytes)
        memcpy(bytes, at, len);
}

size_t wire_bytes(uint8_t *bytes, const struct rte_mbuf *frame, uint32_t cut)
{
    struct rte_tcp_hdr tcp;
    copy_out((uint8_t *)&tcp, frame, sizeof(struct wire_header), sizeof(tcp));
    const uint32_t headers = (uint32_t)(sizeof(struct wire_header) + (tcp.data_off >> 4) * 4u);
    const uint32_t payload = frame->pkt_len - headers;
    const uint32_t each = frame->tso_segsz ? frame->tso_segsz : RTE_MAX(payload, 1u);
    const uint32_t from = cut * each;
    if (cut && from >= payload)
        return 0;
    const uint32_t len = RTE_MIN(each, payload - from);
    copy_out(bytes, frame, 0, headers);
    if (len)
        copy_out(bytes + headers, frame, headers + from, len);
    memcpy(&tcp, bytes + sizeof(struct wire_header), sizeof(tcp));
    tcp.sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp.sent_seq) + from);
    if (from + len < payload)
        tcp.tcp_flags &= (uint8_t) ~(RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG);
    if (cut)
        tcp.tcp_flags &= (uint8_t)~RTE_TCP_CWR_FLAG;
    memcpy(bytes + sizeof(struct wire_header), &tcp, sizeof(tcp));
    wire_checksum(bytes, headers + len);
    return headers + len;
}

struct rte_mbuf *wire_frame(struct rte_mempool *pool, const uint8_t *bytes, size_t len)
{
    struct rte_mbuf *first = NULL, **next = &first, *m;
    for (size_t at = 0; at < len || !first; at += m->data_len) {
        m = rte_pktmbuf_alloc(pool);
        if (!m) {
            rte_pktmbuf_free(first);
            return NULL;
        }
        m->data_len = (uint16_t)RTE_MIN(len - at, (size_t)rte_pktmbuf_tailroom(m));
        memcpy(rte_pktmbuf_mtod(m, void *), bytes + at, m->data_len);
        *next = m;
        next = &m->next;
        first->nb_segs = (uint16_t)(m == first ? 1 : first->nb_segs + 1);
    }
    first->pkt_len = (uint32_t)len;
    return first;
}
