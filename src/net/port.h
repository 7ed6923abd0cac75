/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_PORT_H
#define LKS_NET_PORT_H

/*
 * What an instance knows of the link below it. It does no I/O: whoever owns the link (a DPDK port's
 * queue pair, a simulated link, a fuzzer) hands received frames to net_input() and fetches frames
 * to send with net_output(), as many as the link takes.
 */

#include <stdbool.h>
#include <stdint.h>

struct rte_mempool;

/* What the link does for us. What it does not, is done in software. */
enum net_offload {
    NET_TX_CKSUM = 1u << 0,      /* IPv4 header and TCP, both families */
    NET_TX_SEGMENT = 1u << 1,    /* TSO, both families; implies NET_TX_CKSUM */
    NET_TX_MULTI_SEGS = 1u << 2, /* frames of more than one mbuf */
    NET_RX_CKSUM = 1u << 3,      /* ol_flags tell GOOD, BAD, NONE or UNKNOWN */
};

#define NET_RSS_KEY_MAX   52u
#define NET_RSS_TABLE_MAX 512u

/* How the link spreads received frames over the instances of its queues: which instance an address
 * pair and port pair comes home to. num_queues 1: everything comes here. */
struct net_rss {
    uint16_t num_queues, queue; /* this instance's */
    uint16_t table_len;         /* a power of two */
    uint16_t table[NET_RSS_TABLE_MAX];
    uint8_t key[NET_RSS_KEY_MAX];
    uint8_t key_len;
    bool is_software; /* the link does not spread: one instance reads and hands on by the same hash
                       */
};

struct net_port {
    uint8_t mac[6];
    uint16_t mtu;        /* bytes of an IP packet; at least 1280 where IPv6 is spoken */
    uint16_t vlan;       /* 802.1Q id of all our frames; 0: untagged */
    uint32_t offloads;   /* enum net_offload */
    uint8_t max_tx_segs; /* mbufs a frame may have (nb_mtu_seg_max); at least 2 */
    struct net_rss rss;
    /* Buffers to write into (headers, control packets, joined crumbs): single-segment room of at
     * least 256 bytes behind the headroom; and mbufs without room of their own that refer to parts
     * of others. Both belong to this instance's lcore. */
    struct rte_mempool *buffers, *clones;
    int socket; /* NUMA node of its tables; -1: any */
};

#endif
