/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_CKSUM_H
#define LKS_NET_CKSUM_H

/*
 * The internet's checksum (RFC 1071). DPDK has one over chains, which loses carries of a segment
 * that begins at an odd offset (rte_raw_cksum_mbuf() of 22.11,
 * findings/dpdk-checksum-of-odd-pieces.sh); what we send lies at any.
 */

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include "net/addr.h"

/* A sum of words and what carried out of it. */
struct cksum_part {
    uint64_t sum, carries;
};

static inline void cksum_word(struct cksum_part *part, const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    part->sum += word;
    part->carries += part->sum < word;
}

/* Sums are of 32-bit words as they lie in memory, folded at the end. They are added by two at a
 * time, whose carry counts for as much as one (RFC 1071 2), in two sums that do not wait for each
 * other. */
static inline uint64_t cksum_add(uint64_t sum, const void *bytes, uint32_t len)
{
    const uint8_t *at = bytes;
    struct cksum_part a = {0, 0}, b = {0, 0};
    for (; len >= 32; len -= 32, at += 32) {
        cksum_word(&a, at);
        cksum_word(&b, at + 8);
        cksum_word(&a, at + 16);
        cksum_word(&b, at + 24);
    }
    for (; len >= 8; len -= 8, at += 8)
        cksum_word(&a, at);
    sum +=
        (uint32_t)a.sum + (a.sum >> 32) + (uint32_t)b.sum + (b.sum >> 32) + a.carries + b.carries;
    for (uint32_t size = 4; size; at += len & size, size /= 2) {
        uint32_t word = 0;
        if (len & size)
            memcpy(&word, at, size);
        sum += word;
    }
    return sum;
}

static inline uint16_t cksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Of all bytes of a packet. */
static inline uint64_t cksum_packet(const struct rte_mbuf *packet)
{
    uint64_t sum = 0;
    bool is_odd = false;
    for (const struct rte_mbuf *m = packet; m; m = m->next) {
        const uint16_t part = cksum_fold(cksum_add(0, rte_pktmbuf_mtod(m, void *), m->data_len));
        sum += is_odd ? rte_bswap16(part) : part;
        is_odd ^= m->data_len & 1;
    }
    return sum;
}

/* RFC 9293 3.1, 8200 8.1. [8200 8.1-1] [9293 3.1-3] */
static inline uint64_t cksum_pseudo(const struct net_ip *from, const struct net_ip *to,
                                    uint8_t proto, uint32_t len)
{
    const uint64_t sum = (uint64_t)rte_cpu_to_be_32(len) + rte_cpu_to_be_32(proto);
    if (net_ip_is_v4(from))
        return sum + net_ip_v4_be(from) + net_ip_v4_be(to);
    return cksum_add(cksum_add(sum, from->bytes, 16), to->bytes, 16);
}

/* Over pseudo header and packet; 0 in a received packet that has its checksum right. */
static inline uint16_t cksum_upper(const struct rte_mbuf *packet, const struct net_ip *from,
                                   const struct net_ip *to, uint8_t proto)
{
    return (uint16_t)~cksum_fold(cksum_pseudo(from, to, proto, packet->pkt_len) +
                                 cksum_packet(packet));
}

#endif
