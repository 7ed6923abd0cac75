/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_NET_H
#define LKS_NET_NET_H

/*
 * One TCP/IP instance: addresses, routes, neighbours, flows, timers and counters of one lcore. It
 * shares nothing with other instances, allocates nothing after net_new(), reads no clock and does
 * no I/O: frames come in by net_input(), go out by net_output(), and each call says what time it
 * is (microseconds, never going back; a jump forward is taken as a stall). A poll is
 *
 *     num = rx_burst(frames);
 *     net_input(net, frames, num, now);      // callbacks of net/tcp.h happen in here
 *     ... work, flow_send() ...
 *     next = net_timers(net, now);           // and in here
 *     while ((num = net_output(net, frames, room_of_the_link, now))) tx_burst(frames);
 *
 * After a stall drain the link's receive queue by several net_input() before net_timers(), or
 * acknowledgements that wait there come too late for timers that they would have stopped.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/port.h"

struct net;
struct rte_mbuf;

struct net_address { /* one of ours */
    struct net_ip ip;
    uint8_t prefix_len; /* of the subnet on this link, counted in the 16 bytes: 96 + 24 for a /24 */
};

struct net_route {
    struct net_ip prefix;
    uint8_t prefix_len; /* as above */
    struct net_ip
        gateway; /* of the same family, on this link: in a subnet of ours, if we have any */
};

#define NET_SECRET_LEN 16u

struct net_config {
    struct net_port port;
    const struct net_address *addresses;
    uint32_t num_addresses;
    const struct net_route *routes;
    uint32_t num_routes;
    uint32_t max_flows;     /* connections of all states but the two below */
    uint32_t max_half_open; /* beyond it SYNs are answered with cookies */
    uint32_t max_detached;  /* flows whose user has closed them, data or FIN unacknowledged */
    uint32_t max_time_wait;
    uint32_t max_neighbours;  /* of each family */
    uint32_t max_reassembled; /* packets that wait for fragments */
    uint32_t max_fragments;   /* received mbufs that these may hold together, beside max_buffers */
    /* mbufs that flows may hold together, sending and receiving: what is left of them bounds what
     * is taken from users and promised to peers. A sixteenth as many packets wait for neighbours'
     * answers. */
    uint32_t max_buffers;
    uint32_t keepalive_s;   /* a peer silent for so long is asked; 0: two hours */
    const char *congestion; /* "cubic" or "reno"; NULL: cubic */
    /* Keys of all hashes, of initial sequence numbers, timestamps' offsets, ports and cookies: from
     * the kernel's generator. Instances that share a port's addresses share it, too. */
    uint8_t secret[NET_SECRET_LEN];
    uint64_t now_us;
};

/* NULL, with one line in error, where the configuration or memory does not do. */
struct net *net_new(const struct net_config *config, char *error, size_t error_len);
/* Duplicate address detection (RFC 4862) takes the first second where there are IPv6 addresses,
 * which are not used meanwhile; one that another host has is never used. */
bool net_is_detecting(const struct net *net);
bool net_get_duplicate(const struct net *net, struct net_ip *ip); /* false: there is none */
/* Frees everything that it holds; flows end without a word to their peers or users. */
void net_free(struct net *net);

/* Takes all of the frames. */
void net_input(struct net *net, struct rte_mbuf **frames, uint16_t num_frames, uint64_t now_us);

/* Runs what is due. Returns when to call again at the latest, in microseconds of the same clock. */
uint64_t net_timers(struct net *net, uint64_t now_us);

/* Builds up to `max` frames of what may be sent now. They belong to the caller, who sends all of
 * them: ask only for as many as the link takes. */
uint16_t net_output(struct net *net, struct rte_mbuf **frames, uint16_t max, uint64_t now_us);

/* Frames that are of the same interest to every instance of a port (ARP and ND answers) or belong
 * to another one (ICMP errors, reassembled packets, frames spread in software) are handed to this
 * function, when it is set, with the queue that they belong to (NET_EVERY_QUEUE: all others; the
 * callee copies). The mbuf is the callee's. It hands them to net_input() there. */
#define NET_EVERY_QUEUE 0xffffu
typedef void net_hand_on_fn(void *user, uint16_t queue, struct rte_mbuf *frame);
/* Takes all of the frames, which other instances have handed on. */
void net_input_handed(struct net *net, struct rte_mbuf **frames, uint16_t num_frames,
                      uint64_t now_us);
void net_set_hand_on(struct net *net, net_hand_on_fn *hand_on, void *user);

/* Why received frames were dropped, and what else happened below TCP. */
struct net_counters {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
    uint64_t rx_not_ours;  /* other MAC, VLAN, protocol or address */
    uint64_t rx_malformed; /* lengths that contradict each other, impossible headers */
    uint64_t rx_bad_checksum;
    uint64_t rx_cut;        /* shorter than their IP header says: cut by the link */
    uint64_t rx_bad_source; /* multicast, loopback, our own, unspecified */
    uint64_t rx_fragments, rx_reassembled, rx_fragments_dropped;
    uint64_t rx_no_memory;
    uint64_t icmp_in, icmp_errors_taken, icmp_errors_ignored, icmp_out, icmp_limited;
    uint64_t neighbours_asked, neighbours_failed, neighbours_full, neighbour_queue_dropped;
    uint64_t no_route;
    uint64_t tx_no_room; /* answers and errors that found the output list full */
    uint64_t duplicate_addresses;
    uint64_t handed_on;
};
void net_get_counters(const struct net *net, struct net_counters *counters);

#endif
