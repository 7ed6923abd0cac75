/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_INSTANCE_H
#define LKS_NET_INSTANCE_H

/* The inside of an instance below TCP. */

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "net/ip.h"
#include "net/net.h"

#define NET_MAX_ADDRESSES 32u
#define NET_MAX_ROUTES    64u
#define NET_OUT_RING      1024u /* frames ready to leave; a power of two */
#define NET_NEVER         UINT64_MAX

struct neighbours;
struct reassembly;
struct path_mtus;

/* What duplicate address detection knows of an address (RFC 4862 5.4). IPv4's begin as valid. */
enum address_state {
    ADDRESS_TENTATIVE,
    ADDRESS_VALID,
    ADDRESS_DUPLICATE,
};

struct own_address {
    struct net_ip ip;
    uint8_t prefix_len;
    uint8_t state; /* enum address_state */
};

/* A number of events a second, saved up for one second at most. */
struct rate_limit {
    uint32_t per_second, tokens;
    uint64_t last_us;
};

struct net {
    struct net_port port;
    uint64_t now_us;
    uint32_t secret[4]; /* NET_SECRET_LEN bytes, as hashes take them */
    struct own_address addresses[NET_MAX_ADDRESSES];
    uint32_t num_addresses;
    struct net_route routes[NET_MAX_ROUTES]; /* longest prefix first */
    uint32_t num_routes;
    struct neighbours *neighbours;
    struct reassembly *reassembly;
    struct path_mtus *path_mtus;
    struct tcp *tcp;
    struct rate_limit icmp_limit;
    bool nd_begun;
    uint64_t nd_due_us; /* duplicate address detection, reports of groups; NET_NEVER: nothing */
    uint8_t num_reports_due; /* of groups */
    uint16_t next_ip_id;
    struct rte_mbuf *out[NET_OUT_RING];
    uint32_t out_head, out_tail; /* [tail, head) wait */
    net_hand_on_fn *hand_on;
    void *hand_on_user;
    struct rte_mbuf *for_tcp[NET_BURST_MAX]; /* of the burst that is being taken */
    struct ip_in for_tcp_in[NET_BURST_MAX];
    uint16_t num_for_tcp;
    bool is_to_many; /* the frame that is being taken went to a group, or to everybody */
    bool is_handed;  /* what is being taken came from another instance: not handed on again */
    struct net_counters counters;
};

/* Of a header to write. */
struct ip_header_info {
    struct net_ip from, to;
    uint8_t proto, ecn, hop_limit;
    bool may_fragment; /* IPv4: DF is not set */
    /* IPv4, of a packet that is sent in fragments: offset in units and MF, never 0; their id. */
    uint16_t fragment, fragment_id;
};

/* ---- net.c ---- */

/* Whether one more event is within the limit at net->now_us. */
bool rate_limit_take(struct rate_limit *limit, uint64_t now_us);

/* A fresh single mbuf with NET_HEADROOM in front of len zeroed bytes; NULL: no buffers (counted).
 */
struct rte_mbuf *net_buffer(struct net *net, uint16_t len);

/* The state of an address that is ours; NULL: it is not. */
struct own_address *net_own_address(struct net *net, const struct net_ip *ip);

/* The first len bytes of a packet in one piece, which stay in it; NULL: it is shorter, or no
 * buffer for joining them. */
void *net_pull(struct net *net, struct rte_mbuf **packet, uint16_t len);

/* Which queue a TCP packet from `from` to `to` comes home to. */
uint16_t net_home_queue(const struct net *net, const struct net_addr *from,
                        const struct net_addr *to);

/* TCP gets its packets of a burst together, in their order. */
void net_to_tcp(struct net *net, struct rte_mbuf *packet, const struct ip_in *in);
void net_flush_to_tcp(struct net *net);

/* Hands a frame or packet on; true: it is gone. */
bool net_hand(struct net *net, uint16_t queue, struct rte_mbuf *frame);

/* ---- ether.c ---- */

void ether_input(struct net *net, struct rte_mbuf *frame);

/* Puts an Ethernet header (and our VLAN tag) in front and the frame into the output list. */
void ether_send(struct net *net, struct rte_mbuf *packet, const struct rte_ether_addr *to,
                uint16_t ether_type);

/* ---- arp.c (RFC 826) ---- */

void arp_input(struct net *net, struct rte_mbuf *packet);
/* Asks who has ip: to everybody, or to the one who had it (mac not NULL). */
void arp_ask(struct net *net, const struct net_ip *ip, const struct rte_ether_addr *mac);
/* Tells everybody who we are. */
void arp_announce(struct net *net, const struct net_ip *ip);

/* ---- nd.c (RFC 4861, 4862, 3810) ---- */

/* A neighbour solicitation or advertisement, or a group query; the checksum is right, `packet` at
 * the ICMP header, in one piece. */
void nd_input(struct net *net, const uint8_t *icmp, uint16_t len, const struct ip_in *in,
              uint8_t hop_limit);
void nd_ask(struct net *net, const struct net_ip *ip, const struct rte_ether_addr *mac);
void nd_start(struct net *net);
void nd_timers(struct net *net);
/* 33:33 and the last four bytes (RFC 2464 7). */
struct rte_ether_addr nd_group_mac(const struct net_ip *group);
/* ff02::1:ff and the last three bytes (RFC 4291 2.7.1). */
struct net_ip nd_solicited_node(const struct net_ip *ip);

/* ---- neighbour.c ---- */

struct neighbours *neighbours_new(uint32_t max, uint32_t max_queued, uint32_t seed, int socket);
void neighbours_free(struct neighbours *n);

/* Sends an IP packet to a next hop on the link, or keeps it while the next hop is asked for. */
void neighbour_send(struct net *net, const struct net_ip *next_hop, struct rte_mbuf *packet);

/* What ARP and ND hear (RFC 4861 7.2.3, 7.2.5); mac NULL: an advertisement without it. `solicited`:
 * it answers a question of ours; `override`: a known MAC may be replaced; `create`: they asked us
 * something, so an entry is worth its place. */
struct neighbour_news {
    bool solicited, override, create;
};
void neighbour_heard(struct net *net, const struct net_ip *ip, const struct rte_ether_addr *mac,
                     struct neighbour_news news);

/* Something of a higher layer shows that it is there. */
void neighbour_confirm(struct net *net, const struct net_ip *ip);

uint64_t neighbour_timers(struct net *net);

/* ---- route.c ---- */

/* The neighbour that a packet to `to` goes to; false: no way there. */
bool route_next_hop(const struct net *net, const struct net_ip *to, struct net_ip *next_hop);
bool route_is_on_link(const struct net *net, const struct net_ip *ip);
/* Our best address for a destination; false: none of that family is valid. */
bool route_source(const struct net *net, const struct net_ip *to, struct net_ip *from);

/* ---- path_mtu.c ---- */

struct path_mtus *path_mtus_new(uint32_t seed, int socket);
void path_mtus_free(struct path_mtus *p);
uint16_t path_mtu_get(struct net *net, const struct net_ip *to);
void path_mtu_learn(struct net *net, const struct net_ip *to, uint16_t mtu);

/* ---- ip4.c, ip6.c, ip.c ---- */

void ip4_input(struct net *net, struct rte_mbuf *packet);
void ip4_prepend(struct net *net, struct rte_mbuf *packet, const struct ip_header_info *info);
bool ip4_is_broadcast(const struct net *net, const struct net_ip *ip);
void ip6_input(struct net *net, struct rte_mbuf *packet);
void ip6_prepend(struct rte_mbuf *packet, const struct ip_header_info *info);

/* Whether a packet may come from there: no group, no loopback, not us (counted). */
bool ip_source_is_good(struct net *net, const struct net_ip *from);

/* Cuts what is behind the IP packet (Ethernet's padding); false: it is shorter than it says. */
bool ip_trim(struct net *net, struct rte_mbuf *packet, uint32_t len);

/* A whole packet, at the upper layer's header; l3_len bytes of IP headers are still in front of it
 * (0 where it was in fragments). */
void ip_deliver(struct net *net, struct rte_mbuf *packet, struct ip_in *in, uint8_t proto,
                uint8_t hop_limit);

/* Puts an IP header in front of what begins with the upper layer's and sends it. */
void ip_output(struct net *net, struct rte_mbuf *packet, const struct ip_header_info *info);

/* ---- icmp.c ---- */

void icmp4_input(struct net *net, struct rte_mbuf *packet, const struct ip_in *in);
void icmp6_input(struct net *net, struct rte_mbuf *packet, const struct ip_in *in,
                 uint8_t hop_limit);
/* Answers a packet with an error that quotes it, rate-limited. `quoted` begins with its IP header
 * and stays the caller's. `value` is the message's second word: a pointer, or nothing. */
void icmp_error(struct net *net, const struct rte_mbuf *quoted, const struct ip_in *in,
                uint8_t type, uint8_t code, uint32_t value);
/* TCP hears of a packet of its own, from the IP header on, that no neighbour takes. */
void icmp_undeliverable(struct net *net, const struct rte_mbuf *packet, bool is_v4);
/* The error for an upper layer that we do not speak; packet at its header, l3_len before it. */
void icmp_unreachable(struct net *net, struct rte_mbuf *packet, const struct ip_in *in,
                      uint8_t proto);

/* ---- reassembly.c ---- */

struct reassembly *reassembly_new(uint32_t max, uint32_t max_mbufs, uint32_t seed, int socket);
void reassembly_free(struct reassembly *r);

struct fragment {
    struct net_ip from, to;
    uint32_t id;
    uint8_t proto, ecn;
    uint16_t offset; /* bytes */
    bool more;
};
/* Takes a fragment (packet at its payload). Returns the whole packet (its payload, with the first
 * fragment's protocol in *proto and the ECN field of all in *ecn), or NULL. */
struct rte_mbuf *reassembly_add(struct net *net, struct rte_mbuf *packet,
                                const struct fragment *fragment, uint8_t *proto, uint8_t *ecn);
uint64_t reassembly_timers(struct net *net);

#endif
