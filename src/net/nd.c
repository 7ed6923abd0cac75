/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Neighbour discovery (RFC 4861), duplicate address detection (RFC 4862 5.4) and the reports that
 * keep snooping switches sending us our groups (RFC 3810). Router advertisements and redirects are
 * not for us: routes are configured.
 */

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_jhash.h>

#include "net/cksum.h"
#include "net/instance.h"

#define HOP_LIMIT       255u /* RFC 4861 3.1: nothing from beyond the link has it */
#define DAD_WAIT_US     1000000u
#define REPORTS         2u /* RFC 3810 9.1: robustness */
#define REPORT_EVERY_US 1000000u
#define MLD2_REPORT     143u
#define MLD_QUERY       130u
#define TO_EXCLUDE_NONE 4u /* a record that says: all sources of this group */

struct solicitation { /* or advertisement, with one link-layer address behind it */
    uint8_t type, code;
    rte_be16_t cksum;
    uint8_t flags, reserved[3];
    uint8_t target[16];
    uint8_t option_type, option_len;
    uint8_t mac[6];
};

#define NA_SOLICITED 0x40u
#define NA_OVERRIDE  0x20u

struct rte_ether_addr nd_group_mac(const struct net_ip *group)
{
    return (struct rte_ether_addr){
        {0x33, 0x33, group->bytes[12], group->bytes[13], group->bytes[14], group->bytes[15]}};
}

struct net_ip nd_solicited_node(const struct net_ip *ip)
{
    return (struct net_ip){{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ip->bytes[13],
                             ip->bytes[14], ip->bytes[15]}}};
}

/* len: without the option where our address may not be told. mac NULL: as the neighbour table has
 * it (RFC 4861 7.2.4: a solicitation to one host alone may leave its sender's out). */
static void send_message(struct net *net, struct solicitation *message, uint16_t len,
                         const struct net_ip *from, const struct net_ip *to,
                         const struct rte_ether_addr *mac)
{
    struct rte_mbuf *packet = net_buffer(net, len);
    if (!packet)
        return;
    const struct ip_header_info info = {*from, *to, IPPROTO_ICMPV6, 0, HOP_LIMIT, false};
    memcpy(rte_pktmbuf_mtod(packet, void *), message, len);
    rte_pktmbuf_mtod(packet, struct solicitation *)->cksum =
        cksum_upper(packet, from, to, IPPROTO_ICMPV6);
    if (!mac) {
        ip_output(net, packet, &info);
        return;
    }
    ip6_prepend(packet, &info);
    ether_send(net, packet, mac, RTE_ETHER_TYPE_IPV6);
}

void nd_ask(struct net *net, const struct net_ip *ip, const struct rte_ether_addr *mac)
{
    struct solicitation message = {.type = ND_NEIGHBOR_SOLICIT, .option_type = 1, .option_len = 1};
    struct net_ip from, to = mac ? *ip : nd_solicited_node(ip);
    if (!route_source(net, ip, &from))
        return;
    const struct rte_ether_addr group = nd_group_mac(&to);
    memcpy(message.target, ip->bytes, 16);
    memcpy(message.mac, net->port.mac, 6);
    send_message(net, &message, sizeof(message), &from, &to, mac ? mac : &group);
}

/* Whether anybody else has it (RFC 4862 5.4.2). */
static void ask_for_duplicate(struct net *net, const struct net_ip *ip)
{
    struct solicitation message = {.type = ND_NEIGHBOR_SOLICIT};
    const struct net_ip from = {{{0}}}, to = nd_solicited_node(ip);
    const struct rte_ether_addr mac = nd_group_mac(&to);
    memcpy(message.target, ip->bytes, 16);
    send_message(net, &message, offsetof(struct solicitation, option_type), &from, &to, &mac);
}

/* [4861 4.4-1] */
static void advertise(struct net *net, const struct net_ip *ip, const struct net_ip *to,
                      const struct rte_ether_addr *mac, uint8_t flags)
{
    struct solicitation message = {
        .type = ND_NEIGHBOR_ADVERT, .flags = flags, .option_type = 2, .option_len = 1};
    memcpy(message.target, ip->bytes, 16);
    memcpy(message.mac, net->port.mac, 6);
    send_message(net, &message, sizeof(message), ip, to, mac);
}

/* The link-layer address in a message's options: 1 found, 0 none, -1 malformed (4.6: an option of
 * length 0 ends the whole message). [4861 4.6-1 4.6-2] */
static int find_mac(const uint8_t *options, uint16_t len, uint8_t type, struct rte_ether_addr *mac)
{
    int found = 0;
    while (len) {
        if (len < 8 || !options[1] || options[1] * 8u > len)
            return -1;
        if (options[0] == type && options[1] == 1) {
            memcpy(mac, options + 2, 6);
            if (!rte_is_valid_assigned_ether_addr(mac))
                return -1;
            found = 1;
        }
        len = (uint16_t)(len - options[1] * 8u);
        options += options[1] * 8u;
    }
    return found;
}

static void is_duplicate(struct net *net, struct own_address *own)
{
    if (own->state != ADDRESS_TENTATIVE)
        return;
    own->state = ADDRESS_DUPLICATE;
    net->counters.duplicate_addresses++;
}

/* [4861 7.2.4-1] */
static void solicited(struct net *net, struct own_address *own, const struct ip_in *in,
                      const struct rte_ether_addr *mac, int has_mac)
{
    static const struct net_ip all_nodes = {{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
    const bool for_detection = net_ip_is_unspecified(&in->from);
    if (own->state == ADDRESS_TENTATIVE && for_detection)
        is_duplicate(net, own);
    if (own->state != ADDRESS_VALID || net->is_handed)
        return;
    if (for_detection) {
        const struct rte_ether_addr group = nd_group_mac(&all_nodes);
        advertise(net, &own->ip, &all_nodes, &group, NA_OVERRIDE);
        return;
    }
    if (!route_is_on_link(net, &in->from))
        return;
    if (has_mac)
        neighbour_heard(net, &in->from, mac,
                        (struct neighbour_news){.override = true, .create = true});
    advertise(net, &own->ip, &in->from, has_mac ? mac : NULL, NA_SOLICITED | NA_OVERRIDE);
}

/* 7.1.1, 7.1.2: what is valid. [4861 7.1.2-1] */
static bool is_valid(const struct solicitation *m, uint16_t len, const struct ip_in *in,
                     uint8_t hop_limit)
{
    struct net_ip target;
    if (hop_limit != HOP_LIMIT || len < offsetof(struct solicitation, option_type) || m->code)
        return false;
    target = net_ip6(m->target);
    if (net_ip_is_multicast(&target) || net_ip_is_v4(&target))
        return false;
    if (m->type == ND_NEIGHBOR_ADVERT)
        return !(net_ip_is_multicast(&in->to) && (m->flags & NA_SOLICITED)) &&
               !net_ip_is_unspecified(&in->from);
    if (net_ip_is_unspecified(&in->from)) { /* to the solicited-node group */
        const struct net_ip group = nd_solicited_node(&target);
        return net_ip_equal(&group, &in->to);
    }
    return true;
}

static void schedule(struct net *net, uint64_t due_us)
{
    if (due_us < net->nd_due_us)
        net->nd_due_us = due_us;
}

/* [4861 7.2.3-1] */
void nd_input(struct net *net, const uint8_t *icmp, uint16_t len, const struct ip_in *in,
              uint8_t hop_limit)
{
    struct solicitation m = {0};
    struct rte_ether_addr mac;
    const uint16_t fixed = offsetof(struct solicitation, option_type);
    memcpy(&m, icmp, len < fixed ? len : fixed);
    if (m.type == MLD_QUERY) { /* RFC 3810 5.1.14: from the link, to be answered before long */
        if (hop_limit == 1 && net_ip_is_link_local(&in->from) && net->num_reports_due < REPORTS) {
            net->num_reports_due = 1;
            schedule(net, net->now_us + REPORT_EVERY_US / 2);
        }
        return;
    }
    const int has_mac = is_valid(&m, len, in, hop_limit)
                            ? find_mac(icmp + fixed, (uint16_t)(len - fixed),
                                       m.type == ND_NEIGHBOR_SOLICIT ? 1 : 2, &mac)
                            : -1;
    /* who has no address yet has no link-layer address to tell either */
    if (has_mac < 0 || (has_mac && net_ip_is_unspecified(&in->from))) {
        net->counters.rx_malformed++;
        return;
    }
    const struct net_ip target = net_ip6(m.target);
    struct own_address *own = net_own_address(net, &target);
    if (m.type == ND_NEIGHBOR_SOLICIT) {
        if (own)
            solicited(net, own, in, &mac, has_mac);
        return;
    }
    if (own) {
        is_duplicate(net, own);
        return;
    }
    if (route_is_on_link(net, &target))
        neighbour_heard(net, &target, has_mac ? &mac : NULL,
                        (struct neighbour_news){.solicited = m.flags & NA_SOLICITED,
                                                .override = m.flags & NA_OVERRIDE});
}

static bool address_comes_first(const struct net *net, uint32_t i)
{
    const struct net_ip group = nd_solicited_node(&net->addresses[i].ip);
    for (uint32_t j = 0; j < i; j++) {
        const struct net_ip other = nd_solicited_node(&net->addresses[j].ip);
        if (!net_ip_is_v4(&net->addresses[j].ip) && net_ip_equal(&group, &other))
            return false;
    }
    return !net_ip_is_v4(&net->addresses[i].ip);
}

/* All our groups in one report (RFC 3810 5.2), behind a router alert (5). From :: while our
 * link-local address is not valid yet (RFC 3590). [4861 7.2.1-1] */
static void report_groups(struct net *net)
{
    static const struct net_ip routers = {{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16}}};
    static const uint8_t alert[8] = {IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
    const uint16_t most = (uint16_t)(8 + 20 * net->num_addresses);
    struct rte_mbuf *packet = net_buffer(net, most);
    struct net_ip from = {{{0}}};
    uint16_t num = 0;
    if (!packet)
        return;
    uint8_t *p = rte_pktmbuf_mtod(packet, uint8_t *);
    p[0] = MLD2_REPORT;
    for (uint32_t i = 0; i < net->num_addresses; i++) {
        if (net->addresses[i].state == ADDRESS_VALID &&
            net_ip_is_link_local(&net->addresses[i].ip) && !net_ip_is_v4(&net->addresses[i].ip))
            from = net->addresses[i].ip;
        if (!address_comes_first(net, i))
            continue;
        const struct net_ip group = nd_solicited_node(&net->addresses[i].ip);
        p[8 + 20 * num] = TO_EXCLUDE_NONE;
        memcpy(p + 8 + 20 * num + 4, group.bytes, 16);
        num++;
    }
    p[7] = (uint8_t)num;
    rte_pktmbuf_trim(packet, (uint16_t)(most - 8 - 20 * num));
    const uint16_t cksum = cksum_upper(packet, &from, &routers, IPPROTO_ICMPV6);
    memcpy(p + 2, &cksum, 2);
    memcpy(rte_pktmbuf_prepend(packet, sizeof(alert)), alert, sizeof(alert));
    const struct ip_header_info info = {from, routers, IPPROTO_HOPOPTS, 0, 1, false};
    ip6_prepend(packet, &info);
    const struct rte_ether_addr mac = nd_group_mac(&routers);
    ether_send(net, packet, &mac, RTE_ETHER_TYPE_IPV6);
}

void nd_start(struct net *net)
{
    bool has_v6 = false;
    for (uint32_t i = 0; i < net->num_addresses; i++) {
        if (net->addresses[i].state != ADDRESS_TENTATIVE)
            continue;
        has_v6 = true;
        ask_for_duplicate(net, &net->addresses[i].ip);
    }
    if (!has_v6)
        return;
    report_groups(net);
    net->num_reports_due = REPORTS;
    net->nd_due_us = net->now_us;
}

void nd_timers(struct net *net)
{
    /* The questions leave when the link is polled: what its user did before is no time to answer.
     */
    if (!net->nd_begun) {
        net->nd_begun = true;
        net->nd_due_us = net->now_us + DAD_WAIT_US;
        return;
    }
    for (uint32_t i = 0; i < net->num_addresses; i++)
        if (net->addresses[i].state == ADDRESS_TENTATIVE)
            net->addresses[i].state = ADDRESS_VALID;
    net->nd_due_us = NET_NEVER;
    if (!net->num_reports_due)
        return;
    report_groups(net);
    if (--net->num_reports_due)
        net->nd_due_us = net->now_us + REPORT_EVERY_US;
}
