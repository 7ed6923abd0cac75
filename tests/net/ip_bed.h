/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_NET_IP_BED_H
#define LKS_TESTS_NET_IP_BED_H

/*
 * An instance's IP half with a double for TCP: tests put frames in, look at what TCP heard and at
 * what would go out, at virtual times. Every test ends with all buffers home again.
 */

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "common/test.h"
#include "net/instance.h"

#define BED_FRAMES 64u

struct heard { /* by TCP */
    struct ip_in in;
    struct ip_error_info error;
    uint8_t bytes[70000];
    uint32_t len;
    unsigned int num, num_errors;
};

struct bed {
    struct net *net;
    uint64_t now_us;
    struct heard tcp;
    /* What went out since the last bed_out(). */
    uint8_t frames[BED_FRAMES][2048];
    uint16_t lens[BED_FRAMES];
    uint64_t ol_flags[BED_FRAMES];
    unsigned int num_frames;
    /* What net_set_hand_on()'s function got last. */
    uint8_t handed[2048];
    uint16_t handed_len, handed_queue;
    unsigned int num_handed;
    bool split; /* frames go in with each byte in a segment of its own */
};

#define BED_MAC 0x02, 0, 0, 0, 0, 0x02
extern const struct rte_ether_addr bed_mac, bed_peer_mac, bed_router_mac;
extern const struct net_ip bed_ip4, bed_peer4, bed_router4, bed_far4;
extern const struct net_ip bed_ip6, bed_peer6, bed_router6, bed_far6;

/* Both families, no neighbour known, duplicate address detection over, nothing left to send.
 * `change`, where it is not NULL, changes the configuration. */
void bed_start(struct bed *b, void (*change)(struct net_config *config));
/* Ends it and checks that no buffer is missing. */
void bed_end(struct bed *b);

/* A frame of these bytes comes in. */
void bed_in(struct bed *b, const void *frame, uint16_t len);
void bed_in_flags(struct bed *b, const void *frame, uint16_t len, uint64_t ol_flags, uint16_t tci);
/* Collects what goes out; returns how many frames. */
unsigned int bed_out(struct bed *b);
/* Time passes, timers run, frames are collected. */
unsigned int bed_wait(struct bed *b, uint64_t us);

/* An Ethernet and IP header in front of len bytes; returns the frame's length. */
uint16_t bed_ip_frame(uint8_t *frame, const struct net_ip *from, const struct net_ip *to,
                      uint8_t proto, const void *payload, uint16_t len);
/* Makes an IPv4 header's checksum right again. */
void bed_fix_ip4(uint8_t *frame);
/* A TCP segment of 20 bytes and len more, checksum right; returns its length. */
uint16_t bed_segment(uint8_t *segment, const struct net_ip *from, const struct net_ip *to,
                     uint16_t len);
/* A frame with such a segment from the peer's address to ours, of either family. */
uint16_t bed_tcp_frame(uint8_t *frame, bool is_v4, uint16_t len);
/* An ICMPv6 message with its checksum; returns the frame's length. */
uint16_t bed_icmp6_frame(uint8_t *frame, const struct net_ip *from, const struct net_ip *to,
                         uint8_t hop_limit, void *message, uint16_t len);
/* Our neighbours become known, so that packets to them leave at once. */
void bed_know_peers(struct bed *b);
/* TCP sends a segment to somebody. */
void bed_send(struct bed *b, const struct net_ip *to, uint16_t len);

/* RFC 1071, word by word, over pseudo header and bytes: 0 where the checksum among them is right.
 */
uint16_t bed_cksum(const struct net_ip *from, const struct net_ip *to, uint8_t proto,
                   const uint8_t *bytes, uint16_t len);
uint16_t bed_get16(const uint8_t *p);
void bed_put16(uint8_t *p, uint16_t value);
struct net_counters bed_counters(const struct bed *b);

extern const struct lks_test addr_tests[], arp_tests[], ether_tests[], icmp_tests[], ip4_tests[],
    ip6_tests[], nd_tests[], reassembly_tests[], spread_tests[];

#endif
