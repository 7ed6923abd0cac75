/* SPDX-License-Identifier: BSD-3-Clause */

/* Which way a packet goes, and from which address of ours. */

#include "net/instance.h"

bool route_is_on_link(const struct net *net, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < net->num_addresses; i++) {
        const struct own_address *a = &net->addresses[i];
        if (net_ip_in_prefix(ip, &a->ip, a->prefix_len) && net_ip_is_v4(ip) == net_ip_is_v4(&a->ip))
            return true;
    }
    for (uint32_t i = 0; i < net->num_routes; i++) /* of an address without a subnet */
        if (net_ip_equal(ip, &net->routes[i].gateway))
            return true;
    return false;
}

/* [1122 3.3.1.1-1] */
uint8_t ip_way(const struct net *net, const struct net_ip *to)
{
    if (net_ip_is_multicast(to) || route_is_on_link(net, to))
        return IP_WAY_ON_LINK;
    if (net_ip_is_link_local(to))
        return IP_WAY_UNKNOWN; /* RFC 4291 2.5.6: never behind a router */
    for (uint32_t i = 0; i < net->num_routes; i++) {
        const struct net_route *r = &net->routes[i];
        if (net_ip_in_prefix(to, &r->prefix, r->prefix_len) &&
            net_ip_is_v4(to) == net_ip_is_v4(&r->prefix))
            return (uint8_t)(IP_WAY_ROUTES + i);
    }
    return IP_WAY_UNKNOWN;
}

static uint8_t common_bits(const struct net_ip *a, const struct net_ip *b)
{
    uint8_t bits = 0;
    while (bits < 128 && net_ip_in_prefix(a, b, (uint8_t)(bits + 1)))
        bits++;
    return bits;
}

/* RFC 6724's rules as far as they tell our few addresses apart: the same scope, then the subnet
 * that the next hop is in, then the longest common prefix. [1122 3.2.1.3-1] */
bool route_source(const struct net *net, const struct net_ip *to, struct net_ip *from)
{
    const struct net_ip *hop = route_next_hop(net, to, IP_WAY_UNKNOWN);
    uint32_t best = 0;
    if (!hop)
        return false;
    for (uint32_t i = 0; i < net->num_addresses; i++) {
        const struct own_address *a = &net->addresses[i];
        uint32_t score;
        if (a->state != ADDRESS_VALID || net_ip_is_v4(&a->ip) != net_ip_is_v4(to))
            continue;
        score = 1u + common_bits(&a->ip, to);
        if (net_ip_in_prefix(hop, &a->ip, a->prefix_len))
            score += 256;
        if (net_ip_is_link_local(&a->ip) == net_ip_is_link_local(to))
            score += 512;
        if (score > best) {
            best = score;
            *from = a->ip;
        }
    }
    return best != 0;
}

/* [1122 3.3.3-1] [9293 3.9.1.1-5] */
bool ip_route(struct net *net, const struct net_ip *to, struct net_ip *from, uint16_t *mtu)
{
    if (net_ip_is_multicast(to) || net_ip_is_loopback(to) || net_ip_is_unspecified(to) ||
        (net_ip_is_v4(to) && ip4_is_broadcast(net, to)) || ip_way(net, to) == IP_WAY_UNKNOWN)
        return false;
    if (net_ip_is_unspecified(from) && !route_source(net, to, from))
        return false;
    *mtu = path_mtu_get(net, to);
    return true;
}
