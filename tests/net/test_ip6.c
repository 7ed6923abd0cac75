/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"

#include <netinet/in.h>
#include <string.h>

static struct bed b;
static uint8_t frame[2048];

/* A TCP segment behind extension headers, the first of which is `first`. */
static uint16_t with_extensions(uint8_t first, const uint8_t *headers, uint16_t headers_len,
                                const struct net_ip *to)
{
    uint8_t payload[1200];
    memcpy(payload, headers, headers_len);
    uint16_t len = bed_segment(payload + headers_len, &bed_peer6, to, 10);
    return bed_ip_frame(frame, &bed_peer6, to, first, payload, (uint16_t)(headers_len + len));
}

static void delivers(void)
{
    bed_start(&b, NULL);
    uint16_t len = bed_tcp_frame(frame, false, 200);
    frame[14 + 1] = IP_ECN_ECT0 << 4;
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(b.tcp.num, 1);
    CU_ASSERT_EQUAL(b.tcp.len, 220);
    CU_ASSERT_EQUAL(memcmp(b.tcp.bytes, frame + 54, 220), 0);
    CU_ASSERT_TRUE(net_ip_equal(&b.tcp.in.from, &bed_peer6));
    CU_ASSERT_EQUAL(b.tcp.in.ecn, IP_ECN_ECT0);
    bed_end(&b);
}

/* What extension headers do to a packet; an answer is ICMPv6 parameter problem with code and
 * pointer. [4443 2.2-1 2.4-2 3.4-1] [4861 8.3-1] [8200 4-1 4-2 4-3 4.2-1 4.2-2 4.4-1 4.5-1 4.7-1]
 */
static void extension_headers(void)
{
    static const struct {
        const char *what;
        uint8_t first;
        uint8_t bytes[32];
        uint8_t len;
        bool is_good;
        int code; /* of the parameter problem; -1: none */
        uint8_t pointer;
    } rows[] = {
        {"destination options", 60, {6, 0, 1, 4, 0, 0, 0, 0}, 8, true, -1, 0},
        {"hop-by-hop first", 0, {6, 0, 1, 4, 0, 0, 0, 0}, 8, true, -1, 0},
        {"only paddings of one", 60, {6, 0, 0, 0, 0, 0, 0, 0}, 8, true, -1, 0},
        {"both", 0, {60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0}, 16, true, -1, 0},
        {"unknown option to skip", 60, {6, 0, 0x3e, 4, 0, 0, 0, 0}, 8, true, -1, 0},
        {"unknown option to drop for", 60, {6, 0, 0x7e, 4, 0, 0, 0, 0}, 8, false, -1, 0},
        {"unknown option to tell of", 60, {6, 0, 0xbe, 4, 0, 0, 0, 0}, 8, false, 2, 42},
        {"unknown option to tell of, not to groups",
         60,
         {6, 0, 0xfe, 4, 0, 0, 0, 0},
         8,
         false,
         2,
         42},
        {"option longer than its header", 60, {6, 0, 1, 5, 0, 0, 0, 0}, 8, false, -1, 0},
        {"header longer than the packet", 60, {6, 9, 1, 4, 0, 0, 0, 0}, 8, false, -1, 0},
        {"hop-by-hop not first",
         60,
         {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0},
         16,
         false,
         1,
         40},
        {"routing, none left", 43, {6, 0, 0, 0, 0, 0, 0, 0}, 8, true, -1, 0},
        {"routing, one left", 43, {6, 0, 0, 1, 0, 0, 0, 0}, 8, false, 0, 42},
        {"no next header", 60, {59, 0, 1, 4, 0, 0, 0, 0}, 8, false, -1, 0},
        {"unknown next header", 60, {99, 0, 1, 4, 0, 0, 0, 0}, 8, false, 1, 40},
        {"unknown behind two",
         0,
         {60, 0, 1, 4, 0, 0, 0, 0, 99, 0, 1, 4, 0, 0, 0, 0},
         16,
         false,
         1,
         48},
        {"atomic fragment", 44, {6, 0, 0, 0, 0, 0, 0, 9}, 8, true, -1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (unsigned int split = 0; split < 2; split++) {
            bed_start(&b, NULL);
            bed_know_peers(&b);
            b.split = split;
            uint16_t len = with_extensions(rows[i].first, rows[i].bytes, rows[i].len, &bed_ip6);
            bed_in(&b, frame, len);
            LKS_CHECK(b.tcp.num == rows[i].is_good, "%s", rows[i].what);
            if (rows[i].is_good)
                LKS_CHECK(b.tcp.len == 30 && memcmp(b.tcp.bytes, frame + len - 30, 30) == 0, "%s",
                          rows[i].what);
            const unsigned int num = bed_out(&b);
            LKS_CHECK(num == (rows[i].code >= 0), "%s: %u answers", rows[i].what, num);
            if (num && rows[i].code >= 0) {
                const uint8_t *icmp = b.frames[0] + 54;
                LKS_CHECK(icmp[0] == 4 && icmp[1] == rows[i].code && icmp[7] == rows[i].pointer,
                          "%s: type %u code %u pointer %u", rows[i].what, icmp[0], icmp[1],
                          icmp[7]);
                /* the quoted packet is the whole one */
                LKS_CHECK(b.lens[0] == 54 + 8 + len - 14 &&
                              memcmp(icmp + 8, frame + 14, len - 14u) == 0,
                          "%s: quote", rows[i].what);
                LKS_CHECK(bed_cksum(&bed_ip6, &bed_peer6, IPPROTO_ICMPV6, icmp,
                                    (uint16_t)(b.lens[0] - 54)) == 0,
                          "%s: checksum", rows[i].what);
            }
            bed_end(&b);
        }
}

/* So many headers, or bytes of them, are somebody's game. [8200 4.1-1] */
static void too_many_extensions(void)
{
    uint8_t headers[600];
    for (unsigned int num = 1; num <= 12; num++) {
        bed_start(&b, NULL);
        for (unsigned int i = 0; i < num; i++) {
            memset(headers + 8 * i, 0, 8);
            headers[8 * i] = i + 1 == num ? 6 : 60;
        }
        uint16_t len = with_extensions(60, headers, (uint16_t)(8 * num), &bed_ip6);
        bed_in(&b, frame, len);
        LKS_CHECK(b.tcp.num == (num <= 7), "%u headers", num);
        bed_end(&b);
    }
    for (unsigned int units = 50; units <= 60; units++) { /* one long header */
        bed_start(&b, NULL);
        memset(headers, 0, sizeof(headers));
        headers[0] = 6;
        headers[1] = (uint8_t)(units - 1);
        uint16_t len = with_extensions(60, headers, (uint16_t)(8 * units), &bed_ip6);
        bed_in(&b, frame, len);
        LKS_CHECK(b.tcp.num == (units * 8 <= 448), "%u bytes", units * 8);
        bed_end(&b);
    }
}

/* [9293 3.9.2.3-1 3.9.2.3-2] */
static void who_may_speak(void)
{
    static const struct {
        const char *from, *to;
        bool is_taken;
    } rows[] = {
        {"2001:db8::9", "2001:db8::2", true},
        {"2001:db8:f::7", "2001:db8::2", true},
        {"2001:db8::9", "2001:db8::3", false},
        {"ff02::9", "2001:db8::2", false},
        {"::1", "2001:db8::2", false},
        {"::", "2001:db8::2", false},
        {"2001:db8::2", "2001:db8::2", false},
        {"2001:db8::9", "ff02::1", false}, /* TCP to a group */
        {"fe80::9", "fe80::ff:fe00:2", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct net_ip from, to;
        uint8_t segment[64];
        CU_ASSERT_FATAL(net_ip_parse(&from, rows[i].from) && net_ip_parse(&to, rows[i].to));
        bed_start(&b, NULL);
        uint16_t len = bed_segment(segment, &from, &to, 4);
        len = bed_ip_frame(frame, &from, &to, IPPROTO_TCP, segment, len);
        bed_in(&b, frame, len);
        LKS_CHECK(b.tcp.num == rows[i].is_taken, "%s to %s", rows[i].from, rows[i].to);
        LKS_CHECK(bed_out(&b) == 0, "%s to %s: answered", rows[i].from, rows[i].to);
        bed_end(&b);
    }
}

/* ::ffff:10.9.0.2 on a wire is IPv4 in disguise. */
static void mapped_addresses_are_malformed(void)
{
    bed_start(&b, NULL);
    for (unsigned int which = 0; which < 2; which++) {
        uint16_t len = bed_tcp_frame(frame, false, 4);
        memcpy(frame + 14 + (which ? 24 : 8), which ? bed_ip4.bytes : bed_peer4.bytes, 16);
        bed_in(&b, frame, len);
    }
    CU_ASSERT_EQUAL(bed_counters(&b).rx_malformed, 2);
    CU_ASSERT_EQUAL(b.tcp.num, 0);
    bed_end(&b);
}

static void lengths_that_lie(void)
{
    bed_start(&b, NULL);
    uint16_t len = bed_tcp_frame(frame, false, 4);
    bed_put16(frame + 14 + 4, 25);
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_cut, 1);
    bed_put16(frame + 14 + 4, 19); /* a TCP header needs more */
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_malformed, 1);
    bed_put16(frame + 14 + 4, 0);
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_malformed, 2);
    CU_ASSERT_EQUAL(b.tcp.num, 0);
    bed_end(&b);
}

const struct lks_test ip6_tests[] = {
    {"delivers", delivers},
    {"extension_headers", extension_headers},
    {"too_many_extensions", too_many_extensions},
    {"who_may_speak", who_may_speak},
    {"mapped_addresses_are_malformed", mapped_addresses_are_malformed},
    {"lengths_that_lie", lengths_that_lie},
    {NULL, NULL},
};
