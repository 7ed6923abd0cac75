/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_DPDK_SEGMENTS_H
#define LKS_TESTS_DPDK_SEGMENTS_H

/* lockstepd's TCP without a kernel in the way: a port that swallows what is sent (net_null), and
 * TCP segments made and read by hand, which go straight into the stack. */

#include <stdbool.h>
#include <stdint.h>

#include "stack.h"

#define SEGMENTS_OUR_IP  0x0a080002u
#define SEGMENTS_PEER_IP 0x0a080001u

struct port;

/* One segment between a peer and the stack; from the peer's side where it is made, from the
 * stack's where it is read. */
struct segment {
    uint32_t peer_ip; /* 0: SEGMENTS_PEER_IP */
    uint16_t peer_port, our_port;
    uint32_t seq, ack;
    uint16_t window;
    uint8_t flags;
    uint8_t options_len; /* whole words */
    const uint8_t *options;
    uint16_t len; /* of the payload: zeros */
};

/* EAL, the port with so many mbufs in each pool, the stack, which has its buffers, and the peer's
 * address in its ARP table, who is the gateway to all others, too. With hugepages SEGMENTS_MEMORY
 * of them are needed. NULL: EAL does not start here. */
#define SEGMENTS_MEMORY 512u /* MB */
struct net *segments_start(struct port *port, uint32_t num_mbufs, uint32_t max_flows,
                           bool with_hugepages, uint64_t now_us);

/* An ARP request of the peer's, which tells the stack its address; or an answer to one. */
void segments_introduce(struct net *net, const struct port *port, bool is_answer, uint64_t now_us);
bool segments_is_asked(const struct rte_mbuf *frame); /* it is such a request */

/* A frame for net_input(). */
struct rte_mbuf *segment_make(const struct port *port, const struct segment *s);

/* false: the frame is no TCP segment. */
bool segment_read(const struct rte_mbuf *frame, struct segment *s);

#endif
