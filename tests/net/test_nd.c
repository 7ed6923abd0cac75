/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"

#include <netinet/in.h>
#include <string.h>

static struct bed b;
static uint8_t frame[2048];

#define SOLICIT   135u
#define ADVERTISE 136u

static const struct net_ip all_nodes = {{{0xff, 2, [15] = 1}}};

/* A solicitation or advertisement; mac NULL: without the option. */
static void says(uint8_t type, uint8_t flags, const struct net_ip *from, const struct net_ip *to,
                 const struct net_ip *target, const struct rte_ether_addr *mac, uint8_t hop_limit)
{
    uint8_t m[32] = {type, 0, 0, 0, flags};
    memcpy(m + 8, target->bytes, 16);
    m[24] = type == SOLICIT ? 1 : 2;
    m[25] = 1;
    if (mac)
        memcpy(m + 26, mac, 6);
    uint16_t len = bed_icmp6_frame(frame, from, to, hop_limit, m, mac ? 32 : 24);
    bed_in(&b, frame, len);
}

/* Whether frame i is such a message of ours. */
static bool said(unsigned int i, uint8_t type, const struct net_ip *to, const struct net_ip *target)
{
    const uint8_t *f = b.frames[i];
    struct net_ip from = net_ip6(f + 22);
    return i < b.num_frames && f[20] == IPPROTO_ICMPV6 && f[21] == 255 && f[54] == type &&
           memcmp(f + 38, to->bytes, 16) == 0 && memcmp(f + 62, target->bytes, 16) == 0 &&
           bed_cksum(&from, to, IPPROTO_ICMPV6, f + 54, (uint16_t)(b.lens[i] - 54)) == 0;
}

static bool goes_to(unsigned int i, const struct rte_ether_addr *mac)
{
    return i < b.num_frames && memcmp(b.frames[i], mac, 6) == 0 && b.frames[i][20] == IPPROTO_TCP;
}

/* [4861 7.2.5-2] */
static void resolves(void)
{
    const struct net_ip group = nd_solicited_node(&bed_router6);
    bed_start(&b, NULL);
    bed_send(&b, &bed_far6, 1);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    CU_ASSERT_TRUE(said(0, SOLICIT, &group, &bed_router6));
    const uint8_t group_mac[6] = {0x33, 0x33, 0xff, 0, 0, 1};
    CU_ASSERT_EQUAL(memcmp(b.frames[0], group_mac, 6), 0);
    CU_ASSERT_EQUAL(memcmp(b.frames[0] + 54 + 26, &bed_mac, 6), 0); /* our MAC is told */
    says(ADVERTISE, 0x60, &bed_router6, &bed_ip6, &bed_router6, &bed_router_mac, 255);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_router_mac));
    bed_end(&b);
}

/* [4861 4.4-1 7.2.4-1] */
static void answers_for_ours(void)
{
    const struct net_ip group = nd_solicited_node(&bed_ip6);
    bed_start(&b, NULL);
    says(SOLICIT, 0, &bed_peer6, &group, &bed_ip6, &bed_peer_mac, 255);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    CU_ASSERT_TRUE(said(0, ADVERTISE, &bed_peer6, &bed_ip6));
    CU_ASSERT_EQUAL(b.frames[0][58], 0x60); /* solicited, override */
    CU_ASSERT_EQUAL(memcmp(b.frames[0], &bed_peer_mac, 6), 0);
    bed_send(&b, &bed_peer6, 1); /* and who asked is known */
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_peer_mac));
    /* a probe without its sender's MAC goes back by what we know */
    says(SOLICIT, 0, &bed_peer6, &bed_ip6, &bed_ip6, NULL, 255);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    CU_ASSERT_TRUE(said(0, ADVERTISE, &bed_peer6, &bed_ip6));
    CU_ASSERT_EQUAL(memcmp(b.frames[0], &bed_peer_mac, 6), 0);
    /* somebody who looks for duplicates gets told by all */
    says(SOLICIT, 0, &(struct net_ip){{{0}}}, &group, &bed_ip6, NULL, 255);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    CU_ASSERT_TRUE(said(0, ADVERTISE, &all_nodes, &bed_ip6));
    CU_ASSERT_EQUAL(b.frames[0][58], 0x20);
    bed_end(&b);
}

/* 7.2.3: others' addresses are not ours to tell, and who asks for them is nobody to remember.
 * [4861 7.2.3-1] */
static void not_our_target(void)
{
    const struct net_ip group = nd_solicited_node(&bed_router6);
    bed_start(&b, NULL);
    says(SOLICIT, 0, &bed_peer6, &bed_ip6, &bed_router6, &bed_peer_mac, 255);
    says(SOLICIT, 0, &bed_peer6, &group, &bed_router6, &bed_peer_mac, 255);
    CU_ASSERT_EQUAL(bed_out(&b), 0);
    bed_send(&b, &bed_peer6, 1);
    CU_ASSERT(bed_out(&b) == 1 && !goes_to(0, &bed_peer_mac));
    bed_end(&b);
}

/* RFC 4861 7.1: none of these is believed. [4861 4.6-1 7.1.2-1] */
static void bad_messages(void)
{
    static const struct rte_ether_addr everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    const struct net_ip group = nd_solicited_node(&bed_ip6), nobody = {{{0}}};
    bed_start(&b, NULL);
    says(SOLICIT, 0, &bed_peer6, &group, &bed_ip6, &bed_peer_mac, 254); /* from beyond the link */
    says(SOLICIT, 0, &bed_peer6, &group, &group, &bed_peer_mac, 255);   /* about a group */
    says(SOLICIT, 0, &nobody, &bed_ip6, &bed_ip6, NULL, 255);           /* to us alone, from :: */
    says(SOLICIT, 0, &nobody, &group, &bed_ip6, &bed_peer_mac, 255);    /* from ::, with a MAC */
    says(ADVERTISE, 0x40, &bed_peer6, &all_nodes, &bed_peer6, &bed_peer_mac, 255);
    says(SOLICIT, 0, &bed_peer6, &group, &bed_ip6, &everybody, 255);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_malformed, 6);
    uint8_t m[40] = {SOLICIT};
    memcpy(m + 8, bed_ip6.bytes, 16);
    for (uint16_t len = 8; len < 24; len++) /* too short */
        bed_in(&b, frame, bed_icmp6_frame(frame, &bed_peer6, &group, 255, m, len));
    CU_ASSERT_EQUAL(bed_counters(&b).rx_malformed, 6 + 16);
    m[24] = 1;
    m[25] = 0; /* an option of no length */
    bed_in(&b, frame, bed_icmp6_frame(frame, &bed_peer6, &group, 255, m, 32));
    m[25] = 2; /* longer than the message */
    bed_in(&b, frame, bed_icmp6_frame(frame, &bed_peer6, &group, 255, m, 32));
    CU_ASSERT_EQUAL(bed_counters(&b).rx_malformed, 6 + 16 + 2);
    CU_ASSERT_EQUAL(bed_out(&b), 0);
    bed_end(&b);
}

/* Without override a known MAC stays, but is doubted; with it it goes (RFC 4861 7.2.5). */
/* [4861 7.2.5-3 7.2.5-4] */
static void overriding(void)
{
    static const struct rte_ether_addr fresh = {{0x02, 0, 0, 0, 0, 0x66}};
    bed_start(&b, NULL);
    bed_know_peers(&b);
    says(ADVERTISE, 0x40, &bed_peer6, &bed_ip6, &bed_peer6, &bed_peer_mac, 255);
    says(ADVERTISE, 0, &bed_peer6, &all_nodes, &bed_peer6, &fresh, 255);
    bed_send(&b, &bed_peer6, 1);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_peer_mac));
    CU_ASSERT(bed_wait(&b, 5000000) == 1 && said(0, SOLICIT, &bed_peer6, &bed_peer6));
    says(ADVERTISE, 0x20, &bed_peer6, &all_nodes, &bed_peer6, &fresh, 255);
    bed_send(&b, &bed_peer6, 1);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &fresh));
    bed_end(&b);
}

/* 7.2.5, 4.4: who is asked alone may leave its MAC out, and is there all the same.
 * [4861 7.2.5-1 7.2.5-2 7.2.5-4] */
static void answers_without_mac(void)
{
    bed_start(&b, NULL);
    bed_know_peers(&b);
    bed_send(&b, &bed_peer6, 1);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_peer_mac));
    CU_ASSERT(bed_wait(&b, 5000000) == 1 && said(0, SOLICIT, &bed_peer6, &bed_peer6));
    says(ADVERTISE, 0x40, &bed_peer6, &bed_ip6, &bed_peer6, NULL, 255);
    CU_ASSERT_EQUAL(bed_wait(&b, 10000000), 0);
    bed_send(&b, &bed_peer6, 1);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_peer_mac));
    /* but nobody is found by that */
    bed_send(&b, &bed_far6, 1);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_router_mac));
    struct net_ip other = bed_peer6;
    other.bytes[15] = 0x44;
    bed_send(&b, &other, 1);
    CU_ASSERT_EQUAL(bed_out(&b), 1);
    says(ADVERTISE, 0x60, &other, &bed_ip6, &other, NULL, 255);
    CU_ASSERT_EQUAL(bed_out(&b), 0);
    bed_end(&b);
}

/* 7.1.1: an option that we do not know (here a nonce, RFC 7527) changes nothing, with or without a
 * source. [4861 4.6-2] */
static void unknown_options_are_skipped(void)
{
    const struct net_ip group = nd_solicited_node(&bed_ip6), nobody = {{{0}}};
    uint8_t m[40] = {SOLICIT};
    memcpy(m + 8, bed_ip6.bytes, 16);
    m[24] = 14;
    m[25] = 1;
    bed_start(&b, NULL);
    bed_in(&b, frame, bed_icmp6_frame(frame, &nobody, &group, 255, m, 32));
    CU_ASSERT(bed_out(&b) == 1 && said(0, ADVERTISE, &all_nodes, &bed_ip6));
    m[32] = 1;
    m[33] = 1;
    memcpy(m + 34, &bed_peer_mac, 6);
    bed_in(&b, frame, bed_icmp6_frame(frame, &bed_peer6, &group, 255, m, 40));
    CU_ASSERT(bed_out(&b) == 1 && said(0, ADVERTISE, &bed_peer6, &bed_ip6));
    CU_ASSERT_EQUAL(memcmp(b.frames[0], &bed_peer_mac, 6), 0);
    bed_end(&b);
}

/* RFC 6980 5: not even where the one fragment is the whole packet. [6980 5-2] */
static void not_behind_a_fragment_header(void)
{
    const struct net_ip group = nd_solicited_node(&bed_ip6);
    uint8_t m[8 + 32] = {IPPROTO_ICMPV6, [8] = SOLICIT, [32] = 1, [33] = 1};
    memcpy(m + 16, bed_ip6.bytes, 16);
    memcpy(m + 34, &bed_peer_mac, 6);
    bed_put16(m + 10, bed_cksum(&bed_peer6, &group, IPPROTO_ICMPV6, m + 8, 32));
    bed_start(&b, NULL);
    uint16_t len = bed_ip_frame(frame, &bed_peer6, &group, IPPROTO_FRAGMENT, m, sizeof(m));
    frame[14 + 7] = 255;
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(bed_out(&b), 0);
    len = bed_ip_frame(frame, &bed_peer6, &group, IPPROTO_ICMPV6, m + 8, 32);
    frame[14 + 7] = 255; /* the same without it */
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(bed_out(&b), 1);
    bed_end(&b);
}

static struct net *start_quietly(uint64_t now_us)
{
    b.now_us = now_us;
    return b.net;
}

/* RFC 4862 5.4: an address that somebody has is not ours. */
static void duplicate_addresses(void)
{
    for (unsigned int by_advertisement = 0; by_advertisement < 2; by_advertisement++) {
        const struct net_ip group = nd_solicited_node(&bed_ip6), nobody = {{{0}}};
        struct net_config config = {
            .port = {.mac = {BED_MAC}, .mtu = 1500, .socket = -1},
            .addresses = &(struct net_address){bed_ip6, 64},
            .num_addresses = 1,
            .max_neighbours = 8,
            .max_reassembled = 16,
            .max_fragments = 1024,
            .now_us = 5000000,
        };
        char error[256];
        bed_start(&b, NULL);
        config.port.buffers = b.net->port.buffers;
        config.port.clones = b.net->port.clones;
        net_free(b.net);
        b.net = net_new(&config, error, sizeof(error));
        CU_ASSERT_PTR_NOT_NULL_FATAL(start_quietly(config.now_us));
        /* both addresses are asked for, and our groups reported */
        CU_ASSERT_EQUAL_FATAL(bed_out(&b), 3);
        CU_ASSERT_TRUE(said(0, SOLICIT, &group, &bed_ip6));
        CU_ASSERT_EQUAL(b.lens[0], 54 + 24); /* without our MAC */
        CU_ASSERT_FALSE(ip_is_ours(b.net, &bed_ip6));
        struct net_ip other = {{{0}}};
        CU_ASSERT(net_is_detecting(b.net) && !net_get_duplicate(b.net, &other));
        bed_wait(&b, 5000000); /* its user comes to poll it late */
        CU_ASSERT_TRUE(net_is_detecting(b.net));
        if (by_advertisement)
            says(ADVERTISE, 0x20, &bed_ip6, &all_nodes, &bed_ip6, &bed_peer_mac, 255);
        else
            says(SOLICIT, 0, &nobody, &group, &bed_ip6, NULL, 255);
        CU_ASSERT_TRUE(net_is_detecting(b.net)); /* our link-local address */
        bed_wait(&b, 1000000);
        CU_ASSERT_FALSE(ip_is_ours(b.net, &bed_ip6));
        CU_ASSERT_EQUAL(bed_counters(&b).duplicate_addresses, 1);
        CU_ASSERT_FALSE(net_is_detecting(b.net));
        CU_ASSERT(net_get_duplicate(b.net, &other) && net_ip_equal(&other, &bed_ip6));
        uint16_t len = bed_tcp_frame(frame, false, 4);
        bed_in(&b, frame, len);
        CU_ASSERT_EQUAL(b.tcp.num, 0);
        bed_end(&b);
    }
}

/* RFC 3810: snooping switches learn our groups, and again when they ask. [4861 7.2.1-1] */
static void groups_are_reported(void)
{
    static const struct net_ip routers = {{{0xff, 2, [15] = 0x16}}};
    const struct net_ip group = nd_solicited_node(&bed_ip6);
    struct net_ip querier;
    uint8_t query[28] = {130};
    bed_start(&b, NULL);
    CU_ASSERT_FATAL(net_ip_parse(&querier, "fe80::1"));
    bed_in(&b, frame, bed_icmp6_frame(frame, &querier, &all_nodes, 1, query, 28));
    CU_ASSERT_EQUAL(bed_out(&b), 0);
    CU_ASSERT_EQUAL_FATAL(bed_wait(&b, 500000), 1);
    const uint8_t *f = b.frames[0];
    const struct net_ip from = net_ip6(f + 22);
    CU_ASSERT_EQUAL(f[20], 0); /* hop-by-hop: router alert */
    CU_ASSERT_EQUAL(f[21], 1); /* hop limit */
    CU_ASSERT_EQUAL(memcmp(f + 38, routers.bytes, 16), 0);
    CU_ASSERT_TRUE(net_ip_is_link_local(&from));
    CU_ASSERT_EQUAL(f[54 + 2], 5);
    CU_ASSERT_EQUAL(f[62], 143);
    CU_ASSERT_EQUAL(bed_cksum(&from, &routers, IPPROTO_ICMPV6, f + 62, (uint16_t)(b.lens[0] - 62)),
                    0);
    /* our two addresses end alike, so there is one group, and one record */
    CU_ASSERT_EQUAL(bed_get16(f + 62 + 6), 1);
    CU_ASSERT_EQUAL(b.lens[0], 62 + 8 + 20);
    CU_ASSERT_EQUAL(memcmp(f + 62 + 8 + 4, group.bytes, 16), 0);
    bed_end(&b);
}

const struct lks_test nd_tests[] = {
    {"resolves", resolves},
    {"answers_for_ours", answers_for_ours},
    {"not_our_target", not_our_target},
    {"bad_messages", bad_messages},
    {"overriding", overriding},
    {"answers_without_mac", answers_without_mac},
    {"unknown_options_are_skipped", unknown_options_are_skipped},
    {"not_behind_a_fragment_header", not_behind_a_fragment_header},
    {"duplicate_addresses", duplicate_addresses},
    {"groups_are_reported", groups_are_reported},
    {NULL, NULL},
};
