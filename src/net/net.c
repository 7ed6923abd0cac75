/* SPDX-License-Identifier: BSD-3-Clause */

/* An instance: bursts in, bursts out, what is due. */

#include <stdio.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_thash.h>

#include "net/instance.h"

#define ICMP_PER_SECOND 1000u

/* [4443 2.4-6] */
bool rate_limit_take(struct rate_limit *limit, uint64_t now_us)
{
    const uint64_t passed = now_us - limit->last_us;
    const uint64_t earned = passed * limit->per_second / 1000000u;
    if (earned) {
        limit->last_us = now_us;
        limit->tokens = earned >= limit->per_second - limit->tokens
                            ? limit->per_second
                            : limit->tokens + (uint32_t)earned;
    }
    if (!limit->tokens)
        return false;
    limit->tokens--;
    return true;
}

struct rte_mbuf *net_buffer(struct net *net, uint16_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(net->port.buffers);
    if (!m || rte_pktmbuf_data_room_size(net->port.buffers) < NET_HEADROOM + len) {
        rte_pktmbuf_free(m);
        net->counters.rx_no_memory++;
        return NULL;
    }
    m->data_off = NET_HEADROOM;
    m->data_len = len;
    m->pkt_len = len;
    memset(rte_pktmbuf_mtod(m, void *), 0, len);
    return m;
}

struct own_address *net_own_address(struct net *net, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < net->num_addresses; i++)
        if (net_ip_equal(&net->addresses[i].ip, ip))
            return &net->addresses[i];
    return NULL;
}

bool ip_is_ours(const struct net *net, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < net->num_addresses; i++)
        if (net_ip_equal(&net->addresses[i].ip, ip))
            return net->addresses[i].state == ADDRESS_VALID;
    return false;
}

/* Takes the first len bytes off a chain that has more; its segments that become empty go. */
static struct rte_mbuf *drop_front(struct rte_mbuf *m, uint32_t len)
{
    while (m && len >= m->data_len) {
        struct rte_mbuf *next = m->next;
        len -= m->data_len;
        rte_pktmbuf_free_seg(m);
        m = next;
    }
    if (m) {
        m->data_off = (uint16_t)(m->data_off + len);
        m->data_len = (uint16_t)(m->data_len - len);
    }
    return m;
}

/* A header that lies across buffers moves into one of ours, in front of the rest; what was taken
 * off before it (l2_len, l3_len) stays in front of it there, too. */
void *net_pull(struct net *net, struct rte_mbuf **packet, uint16_t len)
{
    struct rte_mbuf *m = *packet, *front;
    if (m->data_len >= len)
        return rte_pktmbuf_mtod(m, void *);
    if (m->pkt_len < len)
        return NULL;
    const uint16_t before = (uint16_t)(m->l2_len + m->l3_len);
    front = net_buffer(net, (uint16_t)(before + len));
    if (!front)
        return NULL;
    uint8_t *to = rte_pktmbuf_mtod(front, uint8_t *);
    memcpy(to, rte_pktmbuf_mtod(m, uint8_t *) - before, before);
    rte_pktmbuf_read(m, 0, len, to + before); /* across buffers, so it copies */
    rte_pktmbuf_adj(front, before);
    front->ol_flags = m->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
    front->vlan_tci = m->vlan_tci;
    front->hash = m->hash;
    front->l2_len = m->l2_len;
    front->l3_len = m->l3_len;
    front->pkt_len = m->pkt_len;
    front->next = drop_front(m, len);
    front->nb_segs = 1;
    for (m = front->next; m; m = m->next)
        front->nb_segs++;
    *packet = front;
    return rte_pktmbuf_mtod(front, void *);
}

uint16_t net_home_queue(const struct net *net, const struct net_addr *from,
                        const struct net_addr *to)
{
    const struct net_rss *rss = &net->port.rss;
    union {
        struct rte_ipv4_tuple v4;
        struct rte_ipv6_tuple v6;
    } tuple;
    uint32_t len, hash;
    if (rss->num_queues < 2)
        return rss->queue;
    if (net_ip_is_v4(&from->ip)) {
        tuple.v4 = (struct rte_ipv4_tuple){.src_addr = rte_be_to_cpu_32(net_ip_v4_be(&from->ip)),
                                           .dst_addr = rte_be_to_cpu_32(net_ip_v4_be(&to->ip))};
        tuple.v4.sport = from->port;
        tuple.v4.dport = to->port;
        len = RTE_THASH_V4_L4_LEN;
    } else {
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t word;
            memcpy(&word, from->ip.bytes + 4 * i, 4);
            word = rte_be_to_cpu_32(word);
            memcpy(tuple.v6.src_addr + 4 * i, &word, 4);
            memcpy(&word, to->ip.bytes + 4 * i, 4);
            word = rte_be_to_cpu_32(word);
            memcpy(tuple.v6.dst_addr + 4 * i, &word, 4);
        }
        tuple.v6.sport = from->port;
        tuple.v6.dport = to->port;
        len = RTE_THASH_V6_L4_LEN;
    }
    hash = rte_softrss((uint32_t *)&tuple, len, rss->key);
    return rss->table[hash & (rss->table_len - 1u)];
}

bool net_hand(struct net *net, uint16_t queue, struct rte_mbuf *frame)
{
    if (!net->hand_on || net->is_handed || queue == net->port.rss.queue ||
        net->port.rss.num_queues < 2)
        return false;
    net->counters.handed_on++;
    net->hand_on(net->hand_on_user, queue, frame);
    return true;
}

void net_set_hand_on(struct net *net, net_hand_on_fn *hand_on, void *user)
{
    net->hand_on = hand_on;
    net->hand_on_user = user;
}

struct tcp *net_tcp(const struct net *net)
{
    return net->tcp;
}

uint64_t net_now(const struct net *net)
{
    return net->now_us;
}

static bool check_ip(const struct net_ip *ip, char *error, size_t error_len)
{
    char text[NET_IP_TEXT_LEN];
    if (!net_ip_is_unspecified(ip) && !net_ip_is_multicast(ip) && !net_ip_is_loopback(ip))
        return true;
    snprintf(error, error_len, "%s is no address of a host", net_ip_text(text, ip));
    return false;
}

/* [8200 5-1] */
static bool add_address(struct net *net, const struct net_ip *ip, uint8_t prefix_len, char *error,
                        size_t error_len)
{
    char text[NET_IP_TEXT_LEN];
    const bool is_v4 = net_ip_is_v4(ip);
    if (!check_ip(ip, error, error_len))
        return false;
    if (net_own_address(net, ip)) {
        snprintf(error, error_len, "address %s is given twice", net_ip_text(text, ip));
        return false;
    }
    if (prefix_len > 128 || (is_v4 && prefix_len < 96)) {
        snprintf(error, error_len, "address %s: a prefix of %d bits is impossible",
                 net_ip_text(text, ip), prefix_len - (is_v4 ? 96 : 0));
        return false;
    }
    if (!is_v4 && net->port.mtu < 1280) {
        snprintf(error, error_len, "address %s: IPv6 needs an MTU of 1280 bytes, the port has %u",
                 net_ip_text(text, ip), net->port.mtu);
        return false;
    }
    if (net->num_addresses == NET_MAX_ADDRESSES) {
        snprintf(error, error_len, "more than %u addresses", NET_MAX_ADDRESSES);
        return false;
    }
    net->addresses[net->num_addresses++] =
        (struct own_address){*ip, prefix_len, is_v4 ? ADDRESS_VALID : ADDRESS_TENTATIVE};
    return true;
}

/* fe80:: and the MAC as EUI-64 (RFC 4291 appendix A): neighbour discovery is spoken from it. */
static bool add_link_local(struct net *net, char *error, size_t error_len)
{
    const uint8_t *mac = net->port.mac;
    const struct net_ip ip = {{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2u, mac[1], mac[2], 0xff,
                                0xfe, mac[3], mac[4], mac[5]}}};
    bool has_v6 = false;
    for (uint32_t i = 0; i < net->num_addresses; i++)
        has_v6 |= !net_ip_is_v4(&net->addresses[i].ip);
    return !has_v6 || net_own_address(net, &ip) || add_address(net, &ip, 64, error, error_len);
}

/* Whether an address of the family has neighbours, so that a gateway is one of them. Our link-local
 * one does not count: it is of our own making. */
static bool has_subnet(const struct net *net, bool is_v4)
{
    for (uint32_t i = 0; i < net->num_addresses; i++) {
        const struct own_address *a = &net->addresses[i];
        if (net_ip_is_v4(&a->ip) == is_v4 && a->prefix_len < 128 && !net_ip_is_link_local(&a->ip))
            return true;
    }
    return false;
}

static bool add_route(struct net *net, const struct net_route *route, char *error, size_t error_len)
{
    char text[NET_IP_TEXT_LEN];
    uint32_t at;
    if (!check_ip(&route->gateway, error, error_len))
        return false;
    if (net_ip_is_v4(&route->prefix) != net_ip_is_v4(&route->gateway) || route->prefix_len > 128 ||
        (net_ip_is_v4(&route->prefix) && route->prefix_len < 96)) {
        snprintf(error, error_len, "route by %s: prefix and gateway do not fit together",
                 net_ip_text(text, &route->gateway));
        return false;
    }
    if (!route_is_on_link(net, &route->gateway) && has_subnet(net, net_ip_is_v4(&route->gateway))) {
        snprintf(error, error_len, "gateway %s is in no subnet of our addresses",
                 net_ip_text(text, &route->gateway));
        return false;
    }
    if (net->num_routes == NET_MAX_ROUTES) {
        snprintf(error, error_len, "more than %u routes", NET_MAX_ROUTES);
        return false;
    }
    for (at = net->num_routes; at && net->routes[at - 1].prefix_len < route->prefix_len; at--)
        net->routes[at] = net->routes[at - 1];
    net->routes[at] = *route;
    net->num_routes++;
    return true;
}

static bool check_port(const struct net_port *port, char *error, size_t error_len)
{
    const struct net_rss *rss = &port->rss;
    if (port->mtu < 576 || port->vlan > 4094) {
        snprintf(error, error_len, "a port with MTU %u and VLAN %u is impossible", port->mtu,
                 port->vlan);
        return false;
    }
    if (rss->num_queues > 1 &&
        (!rss->key_len || !rss->table_len || (rss->table_len & (rss->table_len - 1)) ||
         rss->table_len > NET_RSS_TABLE_MAX || rss->queue >= rss->num_queues)) {
        snprintf(error, error_len, "several queues need an RSS key and a table");
        return false;
    }
    return true;
}

static bool configure(struct net *net, const struct net_config *config, char *error,
                      size_t error_len)
{
    if (!check_port(&config->port, error, error_len))
        return false;
    for (uint32_t i = 0; i < config->num_addresses; i++)
        if (!add_address(net, &config->addresses[i].ip, config->addresses[i].prefix_len, error,
                         error_len))
            return false;
    if (!add_link_local(net, error, error_len))
        return false;
    for (uint32_t i = 0; i < config->num_routes; i++)
        if (!add_route(net, &config->routes[i], error, error_len))
            return false;
    return true;
}

struct net *net_new(const struct net_config *config, char *error, size_t error_len)
{
    struct net *net =
        rte_zmalloc_socket("net", sizeof(*net), RTE_CACHE_LINE_SIZE, config->port.socket);
    if (!net) {
        snprintf(error, error_len, "no memory for a TCP/IP instance");
        return NULL;
    }
    net->port = config->port;
    net->now_us = config->now_us;
    memcpy(net->secret, config->secret, sizeof(net->secret));
    net->icmp_limit = (struct rate_limit){ICMP_PER_SECOND, ICMP_PER_SECOND, config->now_us};
    net->nd_due_us = NET_NEVER;
    if (!configure(net, config, error, error_len)) {
        net_free(net);
        return NULL;
    }
    net->neighbours = neighbours_new(config->max_neighbours, config->max_buffers / 16,
                                     net->secret[0], config->port.socket);
    net->reassembly = reassembly_new(config->max_reassembled, config->max_fragments, net->secret[1],
                                     config->port.socket);
    net->path_mtus = path_mtus_new(net->secret[2], config->port.socket);
    if (!net->neighbours || !net->reassembly || !net->path_mtus) {
        snprintf(error, error_len, "no memory for %u neighbours and %u packets in fragments",
                 config->max_neighbours, config->max_reassembled);
        net_free(net);
        return NULL;
    }
    net->tcp = tcp_new(net, config, error, error_len);
    if (!net->tcp) {
        net_free(net);
        return NULL;
    }
    for (uint32_t i = 0; i < net->num_addresses; i++)
        if (net_ip_is_v4(&net->addresses[i].ip))
            arp_announce(net, &net->addresses[i].ip);
    nd_start(net);
    return net;
}

bool net_is_detecting(const struct net *net)
{
    for (uint32_t i = 0; i < net->num_addresses; i++)
        if (net->addresses[i].state == ADDRESS_TENTATIVE)
            return true;
    return false;
}

bool net_get_duplicate(const struct net *net, struct net_ip *ip)
{
    for (uint32_t i = 0; i < net->num_addresses; i++)
        if (net->addresses[i].state == ADDRESS_DUPLICATE) {
            *ip = net->addresses[i].ip;
            return true;
        }
    return false;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    if (net->tcp)
        tcp_free(net->tcp);
    while (net->out_tail != net->out_head)
        rte_pktmbuf_free(net->out[net->out_tail++ % NET_OUT_RING]);
    if (net->neighbours)
        neighbours_free(net->neighbours);
    if (net->reassembly)
        reassembly_free(net->reassembly);
    if (net->path_mtus)
        path_mtus_free(net->path_mtus);
    rte_free(net);
}

void net_flush_to_tcp(struct net *net)
{
    const uint16_t num = net->num_for_tcp;
    net->num_for_tcp = 0;
    if (num)
        tcp_input(net->tcp, net->for_tcp, net->for_tcp_in, num, net->now_us);
}

void net_to_tcp(struct net *net, struct rte_mbuf *packet, const struct ip_in *in)
{
    net->for_tcp[net->num_for_tcp] = packet;
    net->for_tcp_in[net->num_for_tcp++] = *in;
    if (net->num_for_tcp == NET_BURST_MAX)
        net_flush_to_tcp(net);
}

void net_input(struct net *net, struct rte_mbuf **frames, uint16_t num_frames, uint64_t now_us)
{
    net->now_us = now_us;
    net->counters.rx_frames += num_frames;
    for (uint16_t i = 0; i < num_frames; i++) {
        net->counters.rx_bytes += frames[i]->pkt_len;
        ether_input(net, frames[i]);
    }
    net_flush_to_tcp(net);
}

void net_input_handed(struct net *net, struct rte_mbuf **frames, uint16_t num_frames,
                      uint64_t now_us)
{
    net->now_us = now_us;
    net->is_handed = true;
    for (uint16_t i = 0; i < num_frames; i++)
        ether_input(net, frames[i]);
    net_flush_to_tcp(net);
    net->is_handed = false;
}

uint64_t net_timers(struct net *net, uint64_t now_us)
{
    uint64_t next, due;
    net->now_us = now_us;
    due = neighbour_timers(net); /* TCP hears of those that are not there */
    next = tcp_timers(net->tcp, now_us);
    next = due < next ? due : next;
    due = reassembly_timers(net);
    next = due < next ? due : next;
    if (net->nd_due_us <= now_us)
        nd_timers(net);
    return net->nd_due_us < next ? net->nd_due_us : next;
}

uint16_t ip_output_room(const struct net *net)
{
    return (uint16_t)(NET_OUT_RING - (net->out_head - net->out_tail));
}

uint16_t net_output(struct net *net, struct rte_mbuf **frames, uint16_t max, uint64_t now_us)
{
    uint16_t num = 0;
    net->now_us = now_us;
    if (net->out_head - net->out_tail < max)
        tcp_output(net->tcp, now_us);
    while (num < max && net->out_tail != net->out_head) {
        struct rte_mbuf *frame = net->out[net->out_tail++ % NET_OUT_RING];
        net->counters.tx_bytes += frame->pkt_len;
        frames[num++] = frame;
    }
    net->counters.tx_frames += num;
    return num;
}

void net_get_counters(const struct net *net, struct net_counters *counters)
{
    *counters = net->counters;
}
