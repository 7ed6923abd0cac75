/* SPDX-License-Identifier: BSD-3-Clause */

/* Several instances on the queues of one port: what comes to the wrong one. */

#include "ip_bed.h"

#include <netinet/in.h>
#include <rte_arp.h>
#include <string.h>

static struct bed b;
static uint8_t frame[2048];

/* The key of the verification suite that the RSS specification prints. */
static const uint8_t known_key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                      0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                      0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                      0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static void two_queues(struct net_config *config)
{
    struct net_rss *rss = &config->port.rss;
    rss->num_queues = 2;
    rss->table_len = 128;
    for (uint16_t i = 0; i < rss->table_len; i++)
        rss->table[i] = i % 2;
    memcpy(rss->key, known_key, sizeof(known_key));
    rss->key_len = sizeof(known_key);
}

static void software(struct net_config *config)
{
    two_queues(config);
    config->port.rss.is_software = true;
}

/* The same specification's rows: source, destination, hash with ports; the low bit is our queue. */
static void home_queue(void)
{
    static const struct {
        const char *from, *to;
        uint16_t from_port, to_port;
        uint32_t hash;
    } rows[] = {
        {"66.9.149.187", "161.142.100.80", 2794, 1766, 0x51ccc178},
        {"199.92.111.2", "65.69.140.83", 14230, 4739, 0xc626b0ea},
        {"24.19.198.95", "12.22.207.184", 12898, 38024, 0x5c2b394a},
        {"38.27.205.30", "209.142.163.6", 48228, 2217, 0xafc7327f},
        {"153.39.163.191", "202.188.127.2", 44251, 1303, 0x10e828a2},
        {"3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x40207d3d},
        {"3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0xdde51bbf},
        {"3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024,
         0x02d1feef},
    };
    bed_start(&b, two_queues);
    for (uint16_t i = 0; i < 128; i++) /* so that the queue tells seven bits */
        b.net->port.rss.table[i] = i;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct net_addr from = {.port = rows[i].from_port}, to = {.port = rows[i].to_port};
        CU_ASSERT_FATAL(net_ip_parse(&from.ip, rows[i].from) && net_ip_parse(&to.ip, rows[i].to));
        const uint16_t queue = net_home_queue(b.net, &from, &to);
        LKS_CHECK(queue == (rows[i].hash & 127), "row %zu: %x", i, queue);
    }
    bed_end(&b);
}

/* The source port that makes the peer's packets come home to `queue`. */
static uint16_t port_for(uint16_t queue, bool is_v4)
{
    struct net_addr from = {is_v4 ? bed_peer4 : bed_peer6, 40000},
                    to = {is_v4 ? bed_ip4 : bed_ip6, 443};
    while (net_home_queue(b.net, &from, &to) != queue)
        from.port++;
    return from.port;
}

static uint16_t tcp_from(uint16_t port, bool is_v4)
{
    uint16_t len = bed_tcp_frame(frame, is_v4, 10);
    bed_put16(frame + (is_v4 ? 34 : 54), port);
    return len;
}

/* A link that spreads is believed; where it does not, software hands on by the same hash, whole. */
static void software_spread(void)
{
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++) {
        bed_start(&b, two_queues);
        bed_in(&b, frame, tcp_from(port_for(1, is_v4), is_v4));
        CU_ASSERT(b.tcp.num == 1 && b.num_handed == 0);
        bed_end(&b);
        bed_start(&b, software);
        bed_in(&b, frame, tcp_from(port_for(0, is_v4), is_v4));
        CU_ASSERT(b.tcp.num == 1 && b.num_handed == 0);
        uint16_t len = tcp_from(port_for(1, is_v4), is_v4);
        bed_in(&b, frame, len);
        CU_ASSERT(b.tcp.num == 1 && b.num_handed == 1 && b.handed_queue == 1);
        CU_ASSERT_EQUAL(b.handed_len, len);
        CU_ASSERT_EQUAL(memcmp(b.handed + 14, frame + 14, len - 14u), 0);
        /* there it is taken, wherever the hash says that it belongs */
        struct rte_mbuf *m = rte_pktmbuf_alloc(b.net->port.buffers);
        memcpy(rte_pktmbuf_append(m, b.handed_len), b.handed, b.handed_len);
        net_input_handed(b.net, &m, 1, b.now_us);
        CU_ASSERT(b.tcp.num == 2 && b.num_handed == 1);
        bed_end(&b);
    }
}

static void fragments_go_to_the_owner_of_the_whole(void)
{
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++) {
        uint8_t segment[120], part[200] = {IPPROTO_TCP};
        bed_start(&b, two_queues);
        bed_segment(segment, is_v4 ? &bed_peer4 : &bed_peer6, is_v4 ? &bed_ip4 : &bed_ip6, 80);
        bed_put16(segment, port_for(1, is_v4));
        for (unsigned int i = 0; i < 2; i++) {
            uint16_t len;
            if (is_v4) {
                len = bed_ip_frame(frame, &bed_peer4, &bed_ip4, IPPROTO_TCP, segment + 48 * i,
                                   i ? 52 : 48);
                bed_put16(frame + 14 + 6, i ? 6 : 0x2000);
                bed_fix_ip4(frame);
            } else {
                bed_put16(part + 2, i ? 48 : 1);
                memcpy(part + 8, segment + 48 * i, 52);
                len =
                    bed_ip_frame(frame, &bed_peer6, &bed_ip6, IPPROTO_FRAGMENT, part, i ? 60 : 56);
            }
            bed_in(&b, frame, len);
        }
        CU_ASSERT(b.tcp.num == 0 && b.num_handed == 1 && b.handed_queue == 1);
        struct rte_mbuf *m = rte_pktmbuf_alloc(b.net->port.buffers);
        memcpy(rte_pktmbuf_append(m, b.handed_len), b.handed, b.handed_len);
        net_input_handed(b.net, &m, 1, b.now_us);
        CU_ASSERT(b.tcp.num == 1 && b.tcp.len == 100 && memcmp(b.tcp.bytes, segment, 100) == 0);
        bed_end(&b);
    }
}

/* An error from a router hashes by the router's address; the flow is elsewhere. */
static void errors_go_to_the_owner_of_the_quoted_flow(void)
{
    bed_start(&b, two_queues);
    for (uint16_t queue = 0; queue < 2; queue++) {
        uint8_t m[36] = {3, 1}, temp[100], tcp[8] = {0x01, 0xbb};
        bed_put16(tcp + 2, port_for(queue, true));
        bed_ip_frame(temp, &bed_ip4, &bed_peer4, IPPROTO_TCP, tcp, 8);
        memcpy(m + 8, temp + 14, 28);
        const uint16_t sum = (uint16_t)~rte_raw_cksum(m, 36);
        memcpy(m + 2, &sum, 2);
        uint16_t len = bed_ip_frame(frame, &bed_router4, &bed_ip4, IPPROTO_ICMP, m, 36);
        bed_in(&b, frame, len);
        CU_ASSERT_EQUAL(b.tcp.num_errors, 1);
        CU_ASSERT_EQUAL(b.num_handed, queue);
        if (queue) {
            CU_ASSERT_EQUAL(b.handed_len, len);
            CU_ASSERT_EQUAL(memcmp(b.handed, frame, len), 0);
        }
    }
    bed_end(&b);
}

/* ARP's and ND's answers come to one queue, and every instance waits for them. */
static void answers_go_to_all(void)
{
    struct {
        struct rte_ether_hdr ether;
        struct rte_arp_hdr arp;
    } f = {.ether = {.dst_addr = bed_mac,
                     .src_addr = bed_router_mac,
                     .ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)},
           .arp = {.arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
                   .arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
                   .arp_hlen = 6,
                   .arp_plen = 4,
                   .arp_opcode = rte_cpu_to_be_16(RTE_ARP_OP_REPLY),
                   .arp_data = {.arp_sha = bed_router_mac,
                                .arp_sip = net_ip_v4_be(&bed_router4),
                                .arp_tha = bed_mac,
                                .arp_tip = net_ip_v4_be(&bed_ip4)}}};
    bed_start(&b, two_queues);
    bed_in(&b, &f, sizeof(f));
    CU_ASSERT(b.num_handed == 1 && b.handed_queue == NET_EVERY_QUEUE);
    CU_ASSERT(b.handed_len == sizeof(f) && memcmp(b.handed, &f, sizeof(f)) == 0);
    uint8_t m[32] = {136, 0, 0, 0, 0x60};
    memcpy(m + 8, bed_router6.bytes, 16);
    m[24] = 2;
    m[25] = 1;
    memcpy(m + 26, &bed_router_mac, 6);
    uint16_t len = bed_icmp6_frame(frame, &bed_router6, &bed_ip6, 255, m, 32);
    bed_in(&b, frame, len);
    CU_ASSERT(b.num_handed == 2 && b.handed_queue == NET_EVERY_QUEUE);
    CU_ASSERT(b.handed_len == len && memcmp(b.handed, frame, len) == 0);
    /* an instance that gets one handed on uses it, and hands it no further */
    bed_send(&b, &bed_far4, 0);
    CU_ASSERT_EQUAL(bed_out(&b), 1); /* asks */
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(b.net->port.buffers);
    memcpy(rte_pktmbuf_append(mbuf, sizeof(f)), &f, sizeof(f));
    net_input_handed(b.net, &mbuf, 1, b.now_us);
    CU_ASSERT(bed_out(&b) == 1 && memcmp(b.frames[0], &bed_router_mac, 6) == 0);
    CU_ASSERT_EQUAL(b.num_handed, 2);
    bed_end(&b);
}

const struct lks_test spread_tests[] = {
    {"home_queue", home_queue},
    {"software_spread", software_spread},
    {"fragments_go_to_the_owner_of_the_whole", fragments_go_to_the_owner_of_the_whole},
    {"errors_go_to_the_owner_of_the_quoted_flow", errors_go_to_the_owner_of_the_quoted_flow},
    {"answers_go_to_all", answers_go_to_all},
    {NULL, NULL},
};
