/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_ADDR_H
#define LKS_NET_ADDR_H

/*
 * Addresses of both families in one shape: 16 bytes, an IPv4 address as ::ffff:a.b.c.d (RFC 4291
 * 2.5.5.2). Tables and flows so have one key; only what writes or reads a header asks which family
 * it is.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

struct net_ip {
    union {
        uint8_t bytes[16]; /* network order */
        uint64_t halves[2];
    };
};

struct net_addr {
    struct net_ip ip;
    uint16_t port; /* host order */
};

static inline struct net_ip net_ip4(uint32_t ip_be)
{
    struct net_ip ip = {{{0}}};
    ip.bytes[10] = ip.bytes[11] = 0xff;
    memcpy(ip.bytes + 12, &ip_be, 4);
    return ip;
}

/* 16 bytes: an address in a header is an array in DPDK 22.11, and a structure from 24.11 on. */
static inline struct net_ip net_ip6(const void *bytes)
{
    struct net_ip ip;
    memcpy(ip.bytes, bytes, 16);
    return ip;
}

static inline bool net_ip_equal(const struct net_ip *a, const struct net_ip *b)
{
    return a->halves[0] == b->halves[0] && a->halves[1] == b->halves[1];
}

static inline bool net_ip_is_v4(const struct net_ip *ip)
{
    static const struct net_ip mapped = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}}};
    return ip->halves[0] == mapped.halves[0] && memcmp(ip->bytes + 8, mapped.bytes + 8, 4) == 0;
}

static inline uint32_t net_ip_v4_be(const struct net_ip *ip)
{
    uint32_t be;
    memcpy(&be, ip->bytes + 12, 4);
    return be;
}

/* Whether the first prefix_len bits agree. An IPv4 prefix counts from the front of the 16 bytes,
 * too: 96 + its own length. */
static inline bool net_ip_in_prefix(const struct net_ip *ip, const struct net_ip *prefix,
                                    uint8_t prefix_len)
{
    const uint64_t front = rte_be_to_cpu_64(ip->halves[0] ^ prefix->halves[0]);
    const uint64_t back = rte_be_to_cpu_64(ip->halves[1] ^ prefix->halves[1]);
    if (prefix_len <= 64)
        return !prefix_len || !(front >> (64 - prefix_len));
    return !front && !(back >> (128 - prefix_len));
}

/* 224.0.0.0/4, ff00::/8 */
static inline bool net_ip_is_multicast(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? (ip->bytes[12] & 0xf0) == 0xe0 : ip->bytes[0] == 0xff;
}

/* 169.254.0.0/16, fe80::/10 */
static inline bool net_ip_is_link_local(const struct net_ip *ip)
{
    if (net_ip_is_v4(ip))
        return ip->bytes[12] == 169 && ip->bytes[13] == 254;
    return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* 0.0.0.0, :: */
static inline bool net_ip_is_unspecified(const struct net_ip *ip)
{
    if (net_ip_is_v4(ip))
        return net_ip_v4_be(ip) == 0;
    return !ip->halves[0] && !ip->halves[1];
}

/* 127.0.0.0/8, ::1 */
static inline bool net_ip_is_loopback(const struct net_ip *ip)
{
    if (net_ip_is_v4(ip))
        return ip->bytes[12] == 127;
    return !ip->halves[0] && ip->halves[1] == rte_cpu_to_be_64(1);
}

#define NET_IP_TEXT_LEN 46u
/* Writes it as people do (RFC 5952; IPv4 dotted); returns text. */
const char *net_ip_text(char text[NET_IP_TEXT_LEN], const struct net_ip *ip);
/* Reads either family. false: it is neither. */
bool net_ip_parse(struct net_ip *out, const char *text);
/* Reads what net_ip_parse() refuses, an IPv4 address in IPv6's clothes: for who says why. */
bool net_ip_parse_mapped(struct net_ip *out, const char *text);

#endif
