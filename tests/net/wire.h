/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_NET_WIRE_H
#define LKS_TESTS_NET_WIRE_H

/*
 * What stands in for IP while TCP is tested by itself: net/net.h and the "IP offers" half of
 * net/ip.h, over frames that are a wire_header and a TCP segment, flat, copied from one instance to
 * the other. Every address is on the link, and an instance has those of its configuration.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

struct rte_mempool;

struct wire_header {
    struct net_ip from, to;
    uint32_t ecn;
};

#define WIRE_FRAME_MAX (sizeof(struct wire_header) + 65536u)

/* A frame's bytes, its TCP checksum right. A frame that the link is to cut up gives several: `cut`
 * says which, from 0; returns 0 where there are no more. */
size_t wire_bytes(uint8_t *bytes, const struct rte_mbuf *frame, uint32_t cut);
struct rte_mbuf *wire_frame(struct rte_mempool *pool, const uint8_t *bytes, size_t len);
/* Fills in the TCP checksum of a frame's bytes. */
void wire_checksum(uint8_t *bytes, size_t len);

/* EAL and pools, once a process. */
struct wire_pools {
    struct rte_mempool *received, *app, *buffers, *clones;
};
extern struct wire_pools wire_pools;
bool wire_start(void);
/* mbufs of all pools that are in use. */
unsigned int wire_in_use(void);

/* 10.0.0.`host`, or fd00::`host`. */
struct net_ip wire_host(bool is_v6, uint8_t host);
/* A configuration to start from, with that address alone. */
void wire_config(struct net_config *config, struct net_address *address, bool is_v6, uint8_t host);

/* The path's MTU that ip_route() tells; the port's where it is 0. */
void wire_set_mtu(struct net *net, uint16_t mtu);
/* What ip_learn_mtu() heard last; 0: nothing. */
uint16_t wire_learned_mtu(const struct net *net);
struct tcp *wire_tcp(struct net *net);

#endif
