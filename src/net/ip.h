/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_IP_H
#define LKS_NET_IP_H

/*
 * The border between IP (below: ether, arp, nd, neighbour, ip4, ip6, icmp, reassembly, routes) and
 * TCP (above). Inside of src/net only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/net.h"

#define IP_PROTO_TCP 6u

/* ECN field of the IP header (RFC 3168 5). */
enum ip_ecn {
    IP_ECN_NOT = 0,
    IP_ECN_ECT1 = 1,
    IP_ECN_ECT0 = 2,
    IP_ECN_CE = 3,
};

/* Which way packets to an address go: onto the link, or by a route (IP_WAY_ROUTES and its number).
 * An instance's routes stay as they are, so a flow asks once. */
enum ip_way { IP_WAY_UNKNOWN, IP_WAY_ON_LINK, IP_WAY_ROUTES };

/* What TCP says of a packet it sends. */
struct ip_out {
    struct net_ip from, to;
    uint8_t ecn;
    uint8_t way;          /* IP_WAY_UNKNOWN: is looked up */
    uint16_t segment_len; /* payload bytes a segment where the link segments (TSO); 0: one packet */
};

/* What IP says of a packet it delivers. */
struct ip_in {
    struct net_ip from, to;
    uint8_t ecn;
    bool checksum_known_good; /* TCP's, by the link: need not be computed */
    uint32_t rss_hash;        /* 0 where unknown */
};

/* ---- IP offers ---- */

/* Whether there is a way to `to`; fills *from with the address of ours to use, where it is all
 * zeros, and *mtu with the path's: link MTU, lowered by what ICMP taught (aged out by itself). */
bool ip_route(struct net *net, const struct net_ip *to, struct net_ip *from, uint16_t *mtu);

/* IP_WAY_UNKNOWN: there is none. */
uint8_t ip_way(const struct net *net, const struct net_ip *to);

/* Whether `ip` is one of our addresses (and duplicate address detection let us have it). */
bool ip_is_ours(const struct net *net, const struct net_ip *ip);

/*
 * Sends a packet: `packet` begins with the TCP header, with room in front of it for what comes
 * below (NET_HEADROOM bytes); its TCP checksum field is zero and is filled in here, by software or
 * as the link wants it. Puts it in the instance's output list, or behind a neighbour that is being
 * asked for (bounded: the oldest goes). Takes the mbuf always.
 */
#define NET_HEADROOM 64u
void ip_send(struct net *net, struct rte_mbuf *packet, const struct ip_out *out);

/* The peer at `to` has acknowledged something new: its neighbour is reachable (RFC 4861 7.3.1). */
void ip_confirm(struct net *net, const struct net_ip *to, uint8_t way);

/* What an ICMP error that TCP has checked says of a path (RFC 1191, 8201): kept for ten minutes,
 * not below 552 (IPv4) and 1280 (IPv6) bytes. */
void ip_learn_mtu(struct net *net, const struct net_ip *to, uint16_t mtu);

/* What the last call of net.h said that the time is. */
uint64_t net_now(const struct net *net);

/* Room in the output list, in packets: TCP builds segments only while there is. */
uint16_t ip_output_room(const struct net *net);

/* ---- TCP offers ---- */

struct tcp;
struct tcp *tcp_new(struct net *net, const struct net_config *config, char *error,
                    size_t error_len);
void tcp_free(struct tcp *tcp);

/* Packets for addresses of ours, in the order of their arrival: data at the TCP header, which need
 * not lie in one piece, length trimmed to IP's. All are taken. */
#define NET_BURST_MAX 64u
void tcp_input(struct tcp *tcp, struct rte_mbuf **packets, const struct ip_in *in, uint16_t num,
               uint64_t now_us);

/* An ICMP error that quotes a TCP packet of ours; IP has checked lengths and that `from` is ours,
 * TCP checks the sequence number (RFC 5927) and owns the flow's path MTU. */
enum ip_error {
    IP_ERROR_SOFT,    /* host or network unreachable, time exceeded: noted, not obeyed */
    IP_ERROR_HARD,    /* protocol or port unreachable, prohibited: as soft once established */
    IP_ERROR_TOO_BIG, /* mtu holds */
};
struct ip_error_info {
    struct net_ip from, to; /* of the quoted packet: from is ours */
    uint16_t from_port, to_port;
    uint32_t seq;
    enum ip_error kind;
    uint16_t mtu; /* 0: not told (RFC 1191 5) */
};
void tcp_error(struct tcp *tcp, const struct ip_error_info *error, uint64_t now_us);

/* Runs due timers; returns when the next is. */
uint64_t tcp_timers(struct tcp *tcp, uint64_t now_us);

/* Hands segments that may go now to ip_send() while ip_output_room() lasts. */
void tcp_output(struct tcp *tcp, uint64_t now_us);

struct tcp *net_tcp(const struct net *net);

#endif
