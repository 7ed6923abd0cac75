/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"

#include <rte_arp.h>
#include <string.h>

static struct bed b;

static const struct rte_ether_addr everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct arp_frame {
    struct rte_ether_hdr ether;
    struct rte_arp_hdr arp;
}; /* both even in length and alignment: no gaps */

static struct arp_frame make(uint16_t opcode, const struct rte_ether_addr *to,
                             const struct rte_ether_addr *sender_mac, const struct net_ip *sender,
                             const struct net_ip *target)
{
    struct arp_frame f = {.ether = {.dst_addr = *to,
                                    .src_addr = *sender_mac,
                                    .ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)},
                          .arp = {.arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
                                  .arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
                                  .arp_hlen = 6,
                                  .arp_plen = 4,
                                  .arp_opcode = rte_cpu_to_be_16(opcode),
                                  .arp_data = {.arp_sha = *sender_mac,
                                               .arp_sip = net_ip_v4_be(sender),
                                               .arp_tip = net_ip_v4_be(target)}}};
    return f;
}

static void says(uint16_t opcode, const struct rte_ether_addr *to,
                 const struct rte_ether_addr *sender_mac, const struct net_ip *sender)
{
    struct arp_frame f = make(opcode, to, sender_mac, sender, &bed_ip4);
    bed_in(&b, &f, sizeof(f));
}

/* Whether frame i asks for ip, of everybody or of `mac` alone. */
static bool asks(unsigned int i, const struct net_ip *ip, const struct rte_ether_addr *mac)
{
    struct arp_frame f;
    memcpy(&f, b.frames[i], sizeof(f));
    return b.lens[i] >= sizeof(f) && f.ether.ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP) &&
           f.arp.arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) &&
           f.arp.arp_data.arp_tip == net_ip_v4_be(ip) &&
           f.arp.arp_data.arp_sip == net_ip_v4_be(&bed_ip4) &&
           rte_is_same_ether_addr(&f.ether.dst_addr, mac ? mac : &everybody);
}

static bool goes_to(unsigned int i, const struct rte_ether_addr *mac)
{
    return i < b.num_frames && memcmp(b.frames[i], mac, 6) == 0 &&
           memcmp(b.frames[i] + 6, &bed_mac, 6) == 0 &&
           bed_get16(b.frames[i] + 12) == RTE_ETHER_TYPE_IPV4;
}

static void answers_for_ours(void)
{
    bed_start(&b, NULL);
    says(RTE_ARP_OP_REQUEST, &everybody, &bed_peer_mac, &bed_peer4);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    struct arp_frame f;
    memcpy(&f, b.frames[0], sizeof(f));
    CU_ASSERT_TRUE(rte_is_same_ether_addr(&f.ether.dst_addr, &bed_peer_mac));
    CU_ASSERT_EQUAL(f.arp.arp_opcode, rte_cpu_to_be_16(RTE_ARP_OP_REPLY));
    CU_ASSERT_TRUE(rte_is_same_ether_addr(&f.arp.arp_data.arp_sha, &bed_mac));
    CU_ASSERT_EQUAL(f.arp.arp_data.arp_sip, net_ip_v4_be(&bed_ip4));
    CU_ASSERT_EQUAL(f.arp.arp_data.arp_tip, net_ip_v4_be(&bed_peer4));
    /* who asked is known: what goes to it leaves at once */
    bed_send(&b, &bed_peer4, 5);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_peer_mac));
    /* others' addresses are not ours to tell */
    f = make(RTE_ARP_OP_REQUEST, &everybody, &bed_peer_mac, &bed_peer4, &bed_router4);
    bed_in(&b, &f, sizeof(f));
    CU_ASSERT_EQUAL(bed_out(&b), 0);
    bed_end(&b);
}

/* [1122 2.3.2.2-1 2.3.3-1 3.3.1.1-1] [4861 7.2.2-2] */
static void asks_and_sends_what_waited(void)
{
    bed_start(&b, NULL);
    for (uint16_t i = 0; i < 6; i++) /* four may wait: the oldest two go */
        bed_send(&b, &bed_far4, i);
    CU_ASSERT(bed_out(&b) == 1 && asks(0, &bed_router4, NULL));
    CU_ASSERT_EQUAL(bed_counters(&b).neighbour_queue_dropped, 2);
    says(RTE_ARP_OP_REPLY, &bed_mac, &bed_router_mac, &bed_router4);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 4);
    for (unsigned int i = 0; i < 4; i++) {
        CU_ASSERT_TRUE(goes_to(i, &bed_router_mac));
        CU_ASSERT_EQUAL(b.lens[i], 14 + 20 + 20 + 2 + i);
    }
    bed_end(&b);
}

static void has_room_for_few(struct net_config *config)
{
    config->max_buffers = 16 * 5;
}

/* Whoever makes us answer to addresses at which nobody is does not get all buffers for it. */
static void bounds_all_that_wait(void)
{
    struct net_ip nobody = bed_peer4;
    bed_start(&b, has_room_for_few);
    for (uint16_t i = 0; i < 20; i++) {
        nobody.bytes[15] = (uint8_t)(100 + i);
        bed_send(&b, &nobody, i);
    }
    CU_ASSERT_EQUAL(bed_out(&b), 20); /* each is asked for */
    CU_ASSERT_EQUAL(bed_counters(&b).neighbour_queue_dropped, 15);
    /* what waits already makes room for what is newer of its own */
    nobody.bytes[15] = 100;
    bed_send(&b, &nobody, 30);
    CU_ASSERT_EQUAL(bed_counters(&b).neighbour_queue_dropped, 16);
    says(RTE_ARP_OP_REPLY, &bed_mac, &bed_peer_mac, &nobody);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    CU_ASSERT_EQUAL(b.lens[0], 14 + 20 + 20 + 30);
    /* and its place is free for another's */
    nobody.bytes[15] = 119;
    bed_send(&b, &nobody, 7);
    CU_ASSERT_EQUAL(bed_counters(&b).neighbour_queue_dropped, 16);
    bed_end(&b);
}

/* [4861 7.2.2-3] */
static void gives_up_after_three(void)
{
    bed_start(&b, NULL);
    bed_send(&b, &bed_peer4, 0);
    CU_ASSERT(bed_out(&b) == 1 && asks(0, &bed_peer4, NULL));
    CU_ASSERT_EQUAL(bed_wait(&b, 999999), 0);
    CU_ASSERT_EQUAL(bed_wait(&b, 1), 1);
    CU_ASSERT_EQUAL(bed_wait(&b, 1000000), 1);
    CU_ASSERT_EQUAL(bed_wait(&b, 1000000), 0);
    CU_ASSERT_EQUAL(bed_counters(&b).neighbours_failed, 1);
    CU_ASSERT_EQUAL(bed_counters(&b).neighbour_queue_dropped, 1);
    bed_end(&b);
}

/* Who waits for it hears that nobody is there (RFC 4861 7.2.2). [4861 7.2.2-4] */
static void tcp_hears_of_nobody(void)
{
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++) {
        const struct net_ip *to = is_v4 ? &bed_peer4 : &bed_peer6;
        bed_start(&b, NULL);
        bed_send(&b, to, 0);
        bed_send(&b, to, 0);
        bed_wait(&b, 1000000);
        bed_wait(&b, 1000000);
        bed_wait(&b, 999999);
        CU_ASSERT_EQUAL(b.tcp.num_errors, 0);
        bed_wait(&b, 1);
        CU_ASSERT_EQUAL(b.tcp.num_errors, 2);
        CU_ASSERT(b.tcp.error.kind == IP_ERROR_HARD && b.tcp.error.seq == 77 &&
                  b.tcp.error.from_port == 40000 && b.tcp.error.to_port == 443 &&
                  net_ip_equal(&b.tcp.error.to, to));
        bed_end(&b);
    }
}

/* A gateway that changes its MAC without a word is missed within DELAY and three probes.
 * [1122 2.3.2.1-1 3.3.1.4-1] [4861 7.3.3-1] */
static void a_gateway_that_changes(void)
{
    static const struct rte_ether_addr fresh = {{0x02, 0, 0, 0, 0, 0x77}};
    bed_start(&b, NULL);
    bed_know_peers(&b);
    bed_send(&b, &bed_far4, 0);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_router_mac));
    CU_ASSERT(bed_wait(&b, 5000000) == 1 && asks(0, &bed_router4, &bed_router_mac));
    CU_ASSERT(bed_wait(&b, 1000000) == 1 && asks(0, &bed_router4, &bed_router_mac));
    CU_ASSERT(bed_wait(&b, 1000000) == 1 && asks(0, &bed_router4, &bed_router_mac));
    CU_ASSERT_EQUAL(bed_wait(&b, 1000000), 0);
    bed_send(&b, &bed_far4, 0);
    CU_ASSERT(bed_out(&b) == 1 && asks(0, &bed_router4, NULL));
    says(RTE_ARP_OP_REPLY, &bed_mac, &fresh, &bed_router4);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &fresh));
    bed_end(&b);
}

/* TCP's acknowledgements say that it is there: nobody is asked. [4861 7.3.1-1] */
static void confirmed_by_tcp(void)
{
    bed_start(&b, NULL);
    bed_know_peers(&b);
    for (unsigned int i = 0; i < 20; i++) {
        bed_send(&b, &bed_far4, 0);
        CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_router_mac));
        ip_confirm(b.net, &bed_far4, i % 2 ? ip_way(b.net, &bed_far4) : IP_WAY_UNKNOWN);
        CU_ASSERT_EQUAL(bed_wait(&b, 10000000), 0);
    }
    bed_end(&b);
}

/* Without that it would be asked five seconds behind the first packet after REACHABLE; each one
 * counts, and not the first alone. [4861 7.3.1-1] */
static void confirmed_again_and_again(void)
{
    bed_start(&b, NULL);
    bed_know_peers(&b);
    bed_send(&b, &bed_far4, 0);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_router_mac));
    for (unsigned int i = 0; i < 60; i++) {
        ip_confirm(b.net, &bed_far4, IP_WAY_UNKNOWN);
        CU_ASSERT_EQUAL(bed_wait(&b, 1000000), 0);
    }
    bed_send(&b, &bed_far4, 0);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_router_mac));
    CU_ASSERT_EQUAL(bed_wait(&b, 6000000), 0);
    bed_end(&b);
}

/* [4861 7.3.1-2] */
static void news_of_others(void)
{
    static const struct rte_ether_addr fresh = {{0x02, 0, 0, 0, 0, 0x55}};
    bed_start(&b, NULL);
    /* an announcement of somebody unknown takes no place in the table */
    struct arp_frame f = make(RTE_ARP_OP_REQUEST, &everybody, &fresh, &bed_peer4, &bed_peer4);
    bed_in(&b, &f, sizeof(f));
    bed_send(&b, &bed_peer4, 0);
    CU_ASSERT(bed_out(&b) == 1 && asks(0, &bed_peer4, NULL));
    says(RTE_ARP_OP_REPLY, &bed_mac, &bed_peer_mac, &bed_peer4);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_peer_mac));
    /* of somebody known it replaces the MAC, but proves nothing: it is probed */
    bed_in(&b, &f, sizeof(f));
    bed_send(&b, &bed_peer4, 0);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &fresh));
    CU_ASSERT(bed_wait(&b, 5000000) == 1 && asks(0, &bed_peer4, &fresh));
    bed_end(&b);
}

static void bad_messages(void)
{
    bed_start(&b, NULL);
    struct arp_frame good =
        make(RTE_ARP_OP_REQUEST, &everybody, &bed_peer_mac, &bed_peer4, &bed_ip4);
    struct arp_frame f = good;
    f.arp.arp_hardware = 0;
    bed_in(&b, &f, sizeof(f));
    f = good;
    f.arp.arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
    bed_in(&b, &f, sizeof(f));
    f = good;
    f.arp.arp_hlen = 8;
    bed_in(&b, &f, sizeof(f));
    f = good;
    f.arp.arp_plen = 16;
    bed_in(&b, &f, sizeof(f));
    f = good;
    f.arp.arp_data.arp_sha = everybody; /* a group as somebody's MAC would make us shout */
    bed_in(&b, &f, sizeof(f));
    bed_in(&b, &good, sizeof(good) - 1);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_malformed, 6);
    CU_ASSERT_EQUAL(bed_out(&b), 0);
    /* our own address from another MAC is said, and believed by nobody */
    f = make(RTE_ARP_OP_REQUEST, &everybody, &bed_peer_mac, &bed_ip4, &bed_ip4);
    bed_in(&b, &f, sizeof(f));
    CU_ASSERT_EQUAL(bed_counters(&b).duplicate_addresses, 1);
    bed_end(&b);
}

/* Somebody who scans, or makes us scan, does not push out those who answer. [1122 2.3.2.1-1] */
static void the_table_is_bounded(void)
{
    bed_start(&b, NULL);
    bed_send(&b, &bed_router4, 0);
    bed_out(&b);
    says(RTE_ARP_OP_REPLY, &bed_mac, &bed_router_mac, &bed_router4);
    bed_out(&b);
    for (uint32_t i = 10; i < 250; i++) {
        struct net_ip ip = bed_ip4;
        ip.bytes[15] = (uint8_t)i;
        bed_send(&b, &ip, 0);
        bed_out(&b);
    }
    bed_send(&b, &bed_router4, 0);
    CU_ASSERT(bed_out(&b) == 1 && goes_to(0, &bed_router_mac));
    /* nor is the link flooded by asking */
    CU_ASSERT(bed_counters(&b).neighbours_asked <= 102);
    bed_end(&b);
}

const struct lks_test arp_tests[] = {
    {"answers_for_ours", answers_for_ours},
    {"asks_and_sends_what_waited", asks_and_sends_what_waited},
    {"bounds_all_that_wait", bounds_all_that_wait},
    {"gives_up_after_three", gives_up_after_three},
    {"tcp_hears_of_nobody", tcp_hears_of_nobody},
    {"a_gateway_that_changes", a_gateway_that_changes},
    {"confirmed_by_tcp", confirmed_by_tcp},
    {"confirmed_again_and_again", confirmed_again_and_again},
    {"news_of_others", news_of_others},
    {"bad_messages", bad_messages},
    {"the_table_is_bounded", the_table_is_bounded},
    {NULL, NULL},
};
