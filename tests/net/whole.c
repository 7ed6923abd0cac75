/* SPDX-License-Identifier: BSD-3-Clause */

/* wire.h for both halves of an instance: frames are Ethernet's, as a port would carry them. */

#include <stdio.h>
#include <stdlib.h>

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "dpdk/eal.h"
#include "net/instance.h"
#include "wire.h"

#define ROUTER 0xfeu /* host and last byte of the MAC of who tells what a path takes */

struct wire_pools wire_pools;

bool wire_start(void)
{
    if (!TEST_EAL("--no-huge", "-m", "144", "--lcores", "0@(0-1)"))
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
        .port = {.mac = {2, 0, 0, 0, 0, host},
                 .mtu = 1500,
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
        .max_neighbours = 16,
        .max_reassembled = 64,
        .max_fragments = 1024,
        .max_buffers = 10000,
        .now_us = 1000000,
    };
    memcpy(config->secret, "sixteen secrets!", NET_SECRET_LEN);
    config->secret[0] = host;
}

struct tcp *wire_tcp(struct net *net)
{
    return net->tcp;
}

/* ---- where things are in a frame ---- */

struct layers {
    size_t ip, upper; /* offsets; upper 0: neither IPv4 nor IPv6 */
    bool is_v4, is_fragment;
    uint8_t proto;
};

static struct layers layers_of(const uint8_t *bytes)
{
    struct layers l = {.ip = RTE_ETHER_HDR_LEN};
    uint32_t type = (uint32_t)bytes[12] << 8 | bytes[13];
    if (type == RTE_ETHER_TYPE_VLAN) {
        type = (uint32_t)bytes[16] << 8 | bytes[17];
        l.ip += 4;
    }
    const uint8_t *ip = bytes + l.ip;
    if (type == RTE_ETHER_TYPE_IPV4) {
        l.is_v4 = true;
        l.upper = l.ip + (ip[0] & 15u) * 4;
        l.proto = ip[9];
        l.is_fragment = (ip[6] & 0x3f) | ip[7];
    } else if (type == RTE_ETHER_TYPE_IPV6) {
        l.upper = l.ip + sizeof(struct rte_ipv6_hdr);
        l.proto = ip[6];
        l.is_fragment = l.proto == IPPROTO_FRAGMENT;
    }
    return l;
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static void fix_ip4(uint8_t *ip)
{
    put16(ip + 10, 0);
    const uint16_t sum = (uint16_t)~rte_raw_cksum(ip, (ip[0] & 15u) * 4);
    memcpy(ip + 10, &sum, 2);
}

static void set_ip_len(uint8_t *bytes, const struct layers *l, size_t frame_len)
{
    if (l->is_v4) {
        put16(bytes + l->ip + 2, frame_len - l->ip);
        fix_ip4(bytes + l->ip);
    } else {
        put16(bytes + l->ip + 4, frame_len - l->upper);
    }
}

uint32_t wire_packet_len(const uint8_t *frame, size_t frame_len)
{
    const struct layers l = layers_of(frame);
    return l.upper ? (uint32_t)(frame_len - l.ip) : 0; /* ARP is of the link alone */
}

size_t wire_covered_at(const uint8_t *bytes, size_t frame_len)
{
    const struct layers l = layers_of(bytes);
    return l.proto == IPPROTO_TCP && !l.is_fragment ? l.upper : frame_len;
}

void wire_mark(uint8_t *bytes, size_t frame_len)
{
    const struct layers l = layers_of(bytes);
    uint8_t *ip = bytes + l.ip;
    (void)frame_len;
    if (l.upper && l.is_v4 && (ip[1] & 3) == IP_ECN_ECT0) {
        ip[1] |= IP_ECN_CE;
        fix_ip4(ip);
    } else if (l.upper && !l.is_v4 && (ip[1] >> 4 & 3) == IP_ECN_ECT0) {
        ip[1] |= IP_ECN_CE << 4;
    }
}

/* ---- what a port would do for us ---- */

static void copy_out(uint8_t *bytes, const struct rte_mbuf *frame, uint32_t offset, uint32_t len)
{
    const void *at = rte_pktmbuf_read(frame, offset, len, bytes);
    if (at != bytes)
        memcpy(bytes, at, len);
}

/* Sums over what the stack has left of the pseudo header in the field; a port that segments adds
 * the length to that. */
static void finish_tcp(uint8_t *segment, size_t len, bool was_cut)
{
    struct rte_tcp_hdr tcp;
    if (was_cut) {
        memcpy(&tcp, segment, sizeof(tcp));
        tcp.cksum = __rte_raw_cksum_reduce((uint32_t)tcp.cksum + rte_cpu_to_be_16((uint16_t)len));
        memcpy(segment, &tcp, sizeof(tcp));
    }
    const uint16_t sum = (uint16_t)~rte_raw_cksum(segment, len);
    memcpy(segment + offsetof(struct rte_tcp_hdr, cksum), &sum, 2);
}

size_t wire_bytes(uint8_t *bytes, const struct rte_mbuf *frame, uint32_t cut)
{
    const bool is_cut = frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG;
    const uint32_t headers =
        is_cut ? (uint32_t)(frame->l2_len + frame->l3_len + frame->l4_len) : frame->pkt_len;
    const uint32_t payload = frame->pkt_len - headers;
    const uint32_t each = is_cut ? frame->tso_segsz : 1, from = cut * each;
    if (cut && from >= payload)
        return 0;
    const uint32_t len = RTE_MIN(each, payload - from);
    copy_out(bytes, frame, 0, headers);
    if (len)
        copy_out(bytes + headers, frame, headers + from, len);
    if (!(frame->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM))
        return headers + len;
    const struct layers l = layers_of(bytes);
    struct rte_tcp_hdr tcp;
    memcpy(&tcp, bytes + l.upper, sizeof(tcp));
    tcp.sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp.sent_seq) + from);
    if (from + len < payload)
        tcp.tcp_flags &= (uint8_t) ~(RTE_TCP_FIN_FLAG | RTE_TCP_PSH_FLAG);
    if (cut)
        tcp.tcp_flags &= (uint8_t)~RTE_TCP_CWR_FLAG;
    memcpy(bytes + l.upper, &tcp, sizeof(tcp));
    set_ip_len(bytes, &l, headers + len);
    finish_tcp(bytes + l.upper, headers + len - l.upper, is_cut);
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

/* ---- what routers do ---- */

size_t wire_fragment(uint8_t *fragment, const uint8_t *bytes, size_t frame_len, uint16_t mtu,
                     uint32_t which)
{
    static uint32_t ids;
    const struct layers l = layers_of(bytes);
    const size_t header_len = l.upper - l.ip + (l.is_v4 ? 0 : 8);
    const size_t each = (mtu - header_len) & ~(size_t)7, from = which * each;
    if (from >= frame_len - l.upper)
        return 0;
    const size_t len = RTE_MIN(each, frame_len - l.upper - from);
    const bool more = l.upper + from + len < frame_len;
    uint8_t *ip = fragment + l.ip;
    memcpy(fragment, bytes, l.upper);
    memcpy(ip + header_len, bytes + l.upper + from, len);
    ids += which == 0;
    if (l.is_v4) {
        put16(ip + 2, header_len + len);
        put16(ip + 4, ids & 0xffff);
        put16(ip + 6, from / 8 | (more ? 0x2000u : 0));
        fix_ip4(ip);
    } else {
        uint8_t *extension = ip + sizeof(struct rte_ipv6_hdr);
        put16(ip + 4, 8 + len);
        ip[6] = IPPROTO_FRAGMENT;
        extension[0] = l.proto;
        extension[1] = 0;
        put16(extension + 2, from | more);
        put32(extension + 4, ids);
    }
    return l.ip + header_len + len;
}

#define QUOTED 64u

static size_t too_big4(uint8_t *frame, const struct layers *l, const uint8_t *packet, uint16_t mtu)
{
    const struct net_ip router = wire_host(false, ROUTER);
    uint8_t *ip = frame + l->ip, *icmp = ip + 20;
    memset(ip, 0, 20 + 8);
    ip[0] = 0x45;
    ip[8] = 64;
    ip[9] = IPPROTO_ICMP;
    memcpy(ip + 12, router.bytes + 12, 4);
    memcpy(ip + 16, packet + 12, 4);
    icmp[0] = ICMP_DEST_UNREACH;
    icmp[1] = ICMP_FRAG_NEEDED;
    put16(icmp + 6, mtu);
    memcpy(icmp + 8, packet, QUOTED);
    const uint16_t sum = (uint16_t)~rte_raw_cksum(icmp, 8 + QUOTED);
    memcpy(icmp + 2, &sum, 2);
    put16(ip + 2, 20 + 8 + QUOTED);
    fix_ip4(ip);
    return l->ip + 20 + 8 + QUOTED;
}

static size_t too_big6(uint8_t *frame, const struct layers *l, const uint8_t *packet, uint16_t mtu)
{
    const struct net_ip router = wire_host(true, ROUTER);
    struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(void *)(frame + l->ip);
    uint8_t *icmp = (uint8_t *)(ip + 1);
    *ip = (struct rte_ipv6_hdr){.vtc_flow = rte_cpu_to_be_32(6u << 28),
                                .payload_len = rte_cpu_to_be_16(8 + QUOTED),
                                .proto = IPPROTO_ICMPV6,
                                .hop_limits = 64};
    memcpy(ip->src_addr, router.bytes, 16);
    memcpy(ip->dst_addr, packet + 8, 16);
    memset(icmp, 0, 8);
    icmp[0] = ICMP6_PACKET_TOO_BIG;
    put32(icmp + 4, mtu);
    memcpy(icmp + 8, packet, QUOTED);
    const uint16_t sum = (uint16_t)~__rte_raw_cksum_reduce(rte_raw_cksum(icmp, 8 + QUOTED) +
                                                           (uint32_t)rte_ipv6_phdr_cksum(ip, 0));
    memcpy(icmp + 2, &sum, 2);
    return l->ip + sizeof(*ip) + 8 + QUOTED;
}

void wire_too_big(struct net *net, const uint8_t *bytes, size_t frame_len, uint16_t mtu,
                  uint64_t now_us)
{
    uint8_t frame[256];
    const struct layers l = layers_of(bytes);
    if (frame_len < l.ip + QUOTED)
        return;
    memcpy(frame, bytes + 6, 6);
    memcpy(frame + 6, ((uint8_t[]){2, 0, 0, 0, 0, ROUTER}), 6);
    memcpy(frame + 12, bytes + 12, l.ip - 12);
    const size_t len = (l.is_v4 ? too_big4 : too_big6)(frame, &l, bytes + l.ip, mtu);
    struct rte_mbuf *m = wire_frame(wire_pools.received, frame, len);
    if (m)
        net_input(net, &m, 1, now_us);
}
