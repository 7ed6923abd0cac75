/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"

#include <netinet/in.h>
#include <string.h>

static struct bed b;
static uint8_t frame[2048];

/* An ICMP message for IPv4 with its checksum; returns the frame's length. */
static uint16_t icmp4(const struct net_ip *from, const struct net_ip *to, uint8_t *m, uint16_t len)
{
    m[2] = m[3] = 0;
    const uint16_t sum = (uint16_t)~rte_raw_cksum(m, len);
    memcpy(m + 2, &sum, 2);
    return bed_ip_frame(frame, from, to, IPPROTO_ICMP, m, len);
}

/* A TCP packet of ours to somebody, as an error would quote it (8 bytes behind the IP header). */
static uint16_t quote(uint8_t *out, const struct net_ip *from, const struct net_ip *to,
                      uint8_t proto)
{
    uint8_t temp[100], tcp[20] = {0x01, 0xbb, 0x9c, 0x40, 0xde, 0xad, 0xbe, 0xef};
    uint16_t len = bed_ip_frame(temp, from, to, proto, tcp, 20);
    len = (uint16_t)(len - 14 - 12);
    memcpy(out, temp + 14, len);
    return len;
}

/* [1122 3.2.2.6-1 3.3.4.2-1] [4443 2.2-1 4.2-1] */
static void answers_echo(void)
{
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++)
        for (uint16_t size = 8; size < 1400; size = (uint16_t)(size * 3 + 1)) {
            uint8_t m[1500] = {is_v4 ? 8 : 128, 0, 0, 0, 0x12, 0x34, 0, 1};
            bed_start(&b, NULL);
            bed_know_peers(&b);
            for (uint16_t i = 8; i < size; i++)
                m[i] = (uint8_t)i;
            uint16_t len = is_v4 ? icmp4(&bed_peer4, &bed_ip4, m, size)
                                 : bed_icmp6_frame(frame, &bed_peer6, &bed_ip6, 64, m, size);
            bed_in(&b, frame, len);
            CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
            uint8_t *r = b.frames[0] + (is_v4 ? 34 : 54);
            CU_ASSERT_EQUAL(b.lens[0], len);
            CU_ASSERT_EQUAL(r[0], is_v4 ? 0 : 129);
            CU_ASSERT_EQUAL(memcmp(r + 4, m + 4, size - 4u), 0);
            if (is_v4) {
                CU_ASSERT_EQUAL(rte_raw_cksum(r, size), 0xffff);
            } else {
                CU_ASSERT_EQUAL(bed_cksum(&bed_ip6, &bed_peer6, IPPROTO_ICMPV6, r, size), 0);
            }
            bed_end(&b);
        }
}

/* One that came in fragments, or is as long, leaves in fragments. [1122 3.2.2.6-1] */
static void answers_long_echo(void)
{
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++) {
        const struct net_ip *from = is_v4 ? &bed_peer4 : &bed_peer6,
                            *to = is_v4 ? &bed_ip4 : &bed_ip6;
        const uint16_t headers = is_v4 ? 34 : 62, size = 4008, each = 1200;
        uint8_t m[4008] = {is_v4 ? 8 : 128, 0, 0, 0, 0x12, 0x34, 0, 1}, got[4008], part[1300];
        uint32_t len = 0;
        bed_start(&b, NULL);
        bed_know_peers(&b);
        for (uint16_t i = 8; i < size; i++)
            m[i] = (uint8_t)(i * 7 + (i >> 8));
        bed_put16(m + 2, bed_cksum(from, to, IPPROTO_ICMPV6, m, size));
        if (is_v4) {
            bed_put16(m + 2, 0);
            const uint16_t sum = (uint16_t)~rte_raw_cksum(m, size);
            memcpy(m + 2, &sum, 2);
        }
        for (uint16_t at = 0; at < size; at = (uint16_t)(at + each)) {
            const uint16_t n = (uint16_t)RTE_MIN(each, size - at);
            const bool more = at + n < size;
            uint16_t frame_len;
            if (is_v4) {
                frame_len = bed_ip_frame(frame, from, to, IPPROTO_ICMP, m + at, n);
                bed_put16(frame + 20, (uint16_t)(at / 8 | (more ? 0x2000 : 0)));
                bed_fix_ip4(frame);
            } else {
                memset(part, 0, 8);
                part[0] = IPPROTO_ICMPV6;
                bed_put16(part + 2, (uint16_t)(at | more));
                memcpy(part + 8, m + at, n);
                frame_len =
                    bed_ip_frame(frame, from, to, IPPROTO_FRAGMENT, part, (uint16_t)(n + 8));
            }
            bed_in(&b, frame, frame_len);
        }
        CU_ASSERT_EQUAL_FATAL(bed_out(&b), 3);
        for (unsigned int i = 0; i < b.num_frames; i++) {
            const uint8_t *f = b.frames[i];
            const uint16_t n = (uint16_t)(b.lens[i] - headers);
            const uint16_t where = bed_get16(f + (is_v4 ? 20 : 56));
            CU_ASSERT_EQUAL_FATAL(is_v4 ? (where & 0x1fffu) * 8 : where & 0xfff8u, len);
            CU_ASSERT_EQUAL(!!(where & (is_v4 ? 0x2000 : 1)), i < 2);
            CU_ASSERT(b.lens[i] <= 1514 && len + n <= size);
            memcpy(got + len, f + headers, n);
            len += n;
        }
        CU_ASSERT_EQUAL(len, size);
        CU_ASSERT_EQUAL(got[0], is_v4 ? 0 : 129);
        CU_ASSERT_EQUAL(memcmp(got + 4, m + 4, size - 4u), 0);
        if (is_v4) {
            CU_ASSERT_EQUAL(rte_raw_cksum(got, size), 0xffff);
        } else {
            CU_ASSERT_EQUAL(bed_cksum(to, from, IPPROTO_ICMPV6, got, size), 0);
        }
        bed_end(&b);
    }
}

/* [1122 2.4-1 3.2.2-1] */
static void no_answer(void)
{
    uint8_t m[64] = {8};
    bed_start(&b, NULL);
    bed_know_peers(&b);
    uint16_t len = icmp4(&bed_peer4, &bed_ip4, m, 64);
    frame[40] ^= 1; /* checksum */
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_bad_checksum, 1);
    len = icmp4(&bed_peer4, &bed_ip4, m, 64);
    memset(frame, 0xff, 6); /* to everybody: RFC 1122 3.2.2.6 lets us be silent */
    bed_in(&b, frame, len);
    m[0] = 0; /* an answer that nobody asked for */
    bed_in(&b, frame, icmp4(&bed_peer4, &bed_ip4, m, 64));
    m[0] = 5; /* a redirect */
    bed_in(&b, frame, icmp4(&bed_peer4, &bed_ip4, m, 64));
    m[0] = 128;
    len = bed_icmp6_frame(frame, &bed_peer6, &bed_ip6, 64, m, 64);
    frame[80] ^= 1;
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_bad_checksum, 2);
    const struct net_ip all = {{{0xff, 2, [15] = 1}}};
    bed_in(&b, frame, bed_icmp6_frame(frame, &bed_peer6, &all, 64, m, 64));
    CU_ASSERT_EQUAL(bed_out(&b), 0);
    bed_end(&b);
}

/* [4443 2.4-6] */
static void is_rate_limited(void)
{
    uint8_t m[16] = {8};
    unsigned int answers = 0;
    bed_start(&b, NULL);
    bed_know_peers(&b);
    for (unsigned int i = 0; i < 3000; i++) {
        bed_in(&b, frame, icmp4(&bed_peer4, &bed_ip4, m, 16));
        answers += bed_out(&b);
    }
    CU_ASSERT_EQUAL(answers, 1000);
    CU_ASSERT_EQUAL(bed_counters(&b).icmp_limited, 2000);
    b.now_us += 100000; /* a tenth of a second earns a tenth */
    for (unsigned int i = 0; i < 3000; i++) {
        bed_in(&b, frame, icmp4(&bed_peer4, &bed_ip4, m, 16));
        answers += bed_out(&b);
    }
    CU_ASSERT_EQUAL(answers, 1100);
    bed_end(&b);
}

/* What TCP hears of errors, by type and code. [1122 3.2.2.1-2 3.2.2.4-1] [4443 2.4-1 3.1-2]
 * [9293 3.9.2.2-2] */
static void errors_for_tcp(void)
{
    static const struct {
        bool is_v4;
        uint8_t type, code;
        int kind; /* -1: TCP hears nothing */
        uint32_t rest;
        uint16_t mtu;
    } rows[] = {
        {true, 3, 0, IP_ERROR_SOFT, 0, 0},
        {true, 3, 1, IP_ERROR_SOFT, 0, 0},
        {true, 3, 2, IP_ERROR_HARD, 0, 0},
        {true, 3, 3, IP_ERROR_HARD, 0, 0},
        {true, 3, 4, IP_ERROR_TOO_BIG, 1400, 1400},
        {true, 3, 4, IP_ERROR_TOO_BIG, 0, 0},
        {true, 3, 13, IP_ERROR_HARD, 0, 0},
        {true, 11, 0, IP_ERROR_SOFT, 0, 0},
        {true, 12, 0, IP_ERROR_SOFT, 0, 0},
        {true, 4, 0, -1, 0, 0}, /* source quench */
        {false, 1, 0, IP_ERROR_SOFT, 0, 0},
        {false, 1, 1, IP_ERROR_HARD, 0, 0},
        {false, 1, 3, IP_ERROR_SOFT, 0, 0},
        {false, 1, 4, IP_ERROR_HARD, 0, 0},
        {false, 2, 0, IP_ERROR_TOO_BIG, 1300, 1300},
        {false, 2, 0, IP_ERROR_TOO_BIG, 0x10500, 0xffff}, /* does not wrap to something small */
        {false, 3, 0, IP_ERROR_SOFT, 0, 0},
        {false, 4, 1, IP_ERROR_SOFT, 0, 0},
        {false, 99, 0, IP_ERROR_SOFT, 0, 0}, /* RFC 4443 2.4: whatever it says */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (unsigned int split = 0; split < 2; split++) {
            const bool is_v4 = rows[i].is_v4;
            uint8_t m[128] = {rows[i].type, rows[i].code};
            bed_start(&b, NULL);
            b.split = split;
            bed_put16(m + 4, (uint16_t)(rows[i].rest >> 16));
            bed_put16(m + 6, (uint16_t)rows[i].rest);
            uint16_t len = (uint16_t)(8 + quote(m + 8, is_v4 ? &bed_ip4 : &bed_ip6,
                                                is_v4 ? &bed_far4 : &bed_far6, IPPROTO_TCP));
            len = is_v4 ? icmp4(&bed_router4, &bed_ip4, m, len)
                        : bed_icmp6_frame(frame, &bed_router6, &bed_ip6, 64, m, len);
            bed_in(&b, frame, len);
            const struct ip_error_info *e = &b.tcp.error;
            LKS_CHECK(b.tcp.num_errors == (rows[i].kind >= 0), "row %zu", i);
            if (rows[i].kind >= 0)
                LKS_CHECK((int)e->kind == rows[i].kind && e->mtu == rows[i].mtu &&
                              e->seq == 0xdeadbeef && e->from_port == 443 && e->to_port == 40000 &&
                              net_ip_equal(&e->from, is_v4 ? &bed_ip4 : &bed_ip6) &&
                              net_ip_equal(&e->to, is_v4 ? &bed_far4 : &bed_far6),
                          "row %zu: kind %d mtu %u", i, e->kind, e->mtu);
            LKS_CHECK(bed_out(&b) == 0, "row %zu: an error was answered", i);
            bed_end(&b);
        }
}

/* Quotes that are not of a TCP packet of ours. [1122 3.2.2-3] [4443 2.4-3] [8201 6-1] */
static void quotes_that_lie(void)
{
    uint8_t m[128];
    bed_start(&b, NULL);
    for (unsigned int which = 0; which < 7; which++) {
        memset(m, 0, sizeof(m));
        m[0] = 3;
        m[1] = 3;
        uint16_t len = (uint16_t)(8 + quote(m + 8, &bed_ip4, &bed_far4, IPPROTO_TCP));
        switch (which) {
        case 0: /* somebody else's packet */
            m[8 + 15] = 99;
            break;
        case 1: /* UDP */
            m[8 + 9] = 17;
            break;
        case 2: /* a fragment that has no ports */
            m[8 + 7] = 9;
            break;
        case 3: /* cut before the sequence number */
            len--;
            break;
        case 4: /* a header that is too short */
            m[8] = 0x43;
            break;
        case 5: /* or longer than the quote */
            m[8] = 0x4f;
            break;
        default: /* IPv6 within IPv4's */
            m[8] = 0x60;
        }
        bed_in(&b, frame, icmp4(&bed_router4, &bed_ip4, m, len));
        LKS_CHECK(b.tcp.num_errors == 0, "case %u", which);
    }
    CU_ASSERT_EQUAL(bed_counters(&b).icmp_errors_ignored, 7);
    /* nothing of a quote at all */
    for (uint16_t len = 1; len < 28; len++)
        bed_in(&b, frame, icmp4(&bed_router4, &bed_ip4, m, len));
    CU_ASSERT_EQUAL(b.tcp.num_errors, 0);
    bed_end(&b);
}

/* Upper layers that we do not speak are told so (RFC 1122 3.2.2.1, 8200 4).
 * [1122 3.2.2-2 3.2.2-4 3.2.2.1-1] [4443 2.4-5 3.1-1] */
static void unknown_protocols(void)
{
    static const struct {
        bool is_v4;
        uint8_t proto, type, code;
    } rows[] = {{true, 17, 3, 3}, {true, 47, 3, 2}, {false, 17, 1, 4}, {false, 47, 4, 1}};
    uint8_t payload[100] = {1, 2, 3};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const bool is_v4 = rows[i].is_v4;
        const uint16_t header_len = is_v4 ? 34 : 54;
        bed_start(&b, NULL);
        bed_know_peers(&b);
        uint16_t len = bed_ip_frame(frame, is_v4 ? &bed_peer4 : &bed_peer6,
                                    is_v4 ? &bed_ip4 : &bed_ip6, rows[i].proto, payload, 100);
        bed_in(&b, frame, len);
        CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
        LKS_CHECK(b.frames[0][header_len] == rows[i].type &&
                      b.frames[0][header_len + 1] == rows[i].code &&
                      memcmp(b.frames[0] + header_len + 8, frame + 14, len - 14u) == 0,
                  "row %zu", i);
        frame[0] = 0xff; /* to a group of hosts: not a word */
        bed_in(&b, frame, len);
        LKS_CHECK(bed_out(&b) == 0, "row %zu", i);
        bed_end(&b);
    }
}

const struct lks_test icmp_tests[] = {
    {"answers_echo", answers_echo},
    {"answers_long_echo", answers_long_echo},
    {"no_answer", no_answer},
    {"is_rate_limited", is_rate_limited},
    {"errors_for_tcp", errors_for_tcp},
    {"quotes_that_lie", quotes_that_lie},
    {"unknown_protocols", unknown_protocols},
    {NULL, NULL},
};
