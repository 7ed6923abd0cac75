/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"
#include "net/cksum.h"

#include <netinet/in.h>
#include <string.h>

static struct bed b;
static uint8_t frame[2048];

static void delivers(void)
{
    bed_start(&b, NULL);
    uint16_t len = bed_tcp_frame(frame, true, 200);
    frame[14 + 1] = IP_ECN_CE;
    bed_fix_ip4(frame);
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(b.tcp.num, 1);
    CU_ASSERT_EQUAL(b.tcp.len, 220);
    CU_ASSERT_EQUAL(memcmp(b.tcp.bytes, frame + 34, 220), 0);
    CU_ASSERT_TRUE(net_ip_equal(&b.tcp.in.from, &bed_peer4));
    CU_ASSERT_TRUE(net_ip_equal(&b.tcp.in.to, &bed_ip4));
    CU_ASSERT_EQUAL(b.tcp.in.ecn, IP_ECN_CE);
    CU_ASSERT_FALSE(b.tcp.in.checksum_known_good);
    bed_end(&b);
}

/* Each of these changes one thing of a good header; the checksum is made right again but where it
 * is the point. [1122 3.1-1 3.1-2 3.2.1.1-1 3.2.1.2-1 3.2.1.3-2] */
static void bad_headers(void)
{
    static const struct {
        const char *what;
        uint8_t at, value;
        bool keep_cksum;
        size_t counter; /* offset in struct net_counters */
    } rows[] = {
#define C(name) offsetof(struct net_counters, name)
        {"version 5", 0, 0x55, false, C(rx_malformed)},
        {"header of 16 bytes", 0, 0x44, false, C(rx_malformed)},
        {"header longer than the packet", 0, 0x4f, false, C(rx_malformed)},
        {"shorter than its header", 3, 19, false, C(rx_malformed)},
        {"longer than the frame", 3, 200, false, C(rx_cut)},
        {"checksum", 10, 0xaa, true, C(rx_bad_checksum)},
        {"somebody else's", 19, 77, false, C(rx_not_ours)},
        {"from a group", 12, 224, false, C(rx_bad_source)},
        {"from loopback", 12, 127, false, C(rx_bad_source)},
#undef C
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bed_start(&b, NULL);
        uint16_t len = bed_tcp_frame(frame, true, 10);
        frame[14 + rows[i].at] = rows[i].value;
        if (!rows[i].keep_cksum)
            bed_fix_ip4(frame);
        bed_in(&b, frame, len);
        const struct net_counters c = bed_counters(&b);
        LKS_CHECK(b.tcp.num == 0, "%s", rows[i].what);
        LKS_CHECK(*(const uint64_t *)((const uint8_t *)&c + rows[i].counter) == 1, "%s",
                  rows[i].what);
        LKS_CHECK(bed_out(&b) == 0, "%s: answered", rows[i].what);
        bed_end(&b);
    }
}

/* Nobody is one of these (RFC 1122 3.2.1.3). [1122 3.2.1.3-2] [9293 3.9.2.3-1] */
static void impossible_sources(void)
{
    static const uint8_t sources[][4] = {
        {10, 9, 0, 255}, {255, 255, 255, 255}, {0, 0, 0, 0}, {10, 9, 0, 2}, {239, 1, 1, 1}};
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        bed_start(&b, NULL);
        uint16_t len = bed_tcp_frame(frame, true, 10);
        memcpy(frame + 14 + 12, sources[i], 4);
        bed_fix_ip4(frame);
        bed_in(&b, frame, len);
        LKS_CHECK(b.tcp.num == 0 && bed_out(&b) == 0, "row %zu", i);
        bed_end(&b);
    }
}

/* [9293 3.9.2-2] */
static void options(void)
{
    static const struct {
        const char *what;
        uint8_t bytes[8];
        bool is_good;
    } rows[] = {
        {"no-operations", {1, 1, 1, 1, 1, 1, 1, 0}, true},
        {"router alert", {0x94, 4, 0, 0, 0, 0, 0, 0}, true},
        {"record route", {7, 7, 4, 0, 0, 0, 0, 0}, true},
        {"loose source route", {0x83, 7, 4, 10, 9, 0, 1, 0}, false},
        {"strict source route", {0x89, 7, 4, 10, 9, 0, 1, 0}, false},
        {"length 0", {7, 0, 0, 0, 0, 0, 0, 0}, false},
        {"length 1", {7, 1, 0, 0, 0, 0, 0, 0}, false},
        {"longer than the header", {7, 9, 0, 0, 0, 0, 0, 0}, false},
        {"cut at its length", {1, 1, 1, 1, 1, 1, 1, 7}, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bed_start(&b, NULL);
        uint16_t len = bed_tcp_frame(frame, true, 10);
        memmove(frame + 42, frame + 34, 30);
        memcpy(frame + 34, rows[i].bytes, 8);
        frame[14] = 0x47;
        bed_put16(frame + 16, 28 + 30);
        bed_fix_ip4(frame);
        bed_in(&b, frame, (uint16_t)(len + 8));
        LKS_CHECK(b.tcp.num == rows[i].is_good, "%s", rows[i].what);
        LKS_CHECK(bed_counters(&b).rx_malformed == !rows[i].is_good, "%s", rows[i].what);
        if (rows[i].is_good)
            LKS_CHECK(b.tcp.len == 30, "%s", rows[i].what);
        bed_end(&b);
    }
}

/* RFC 1122 3.2.1.7, 8200 3: for who is the destination it says nothing. [1122 3.2.1.7-1] [8200 3-1]
 */
static void hop_limit_zero(void)
{
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++)
        for (uint8_t limit = 0; limit < 2; limit++) {
            bed_start(&b, NULL);
            bed_know_peers(&b);
            uint16_t len = bed_tcp_frame(frame, is_v4, 10);
            frame[14 + (is_v4 ? 8 : 7)] = limit;
            if (is_v4)
                bed_fix_ip4(frame);
            bed_in(&b, frame, len);
            CU_ASSERT_EQUAL(b.tcp.num, 1);
            bed_send(&b, is_v4 ? &bed_peer4 : &bed_peer6, 1);
            CU_ASSERT(bed_out(&b) == 1 && b.frames[0][14 + (is_v4 ? 8 : 7)] == 64);
            bed_end(&b);
        }
}

static void with_tx_cksum(struct net_config *config)
{
    config->port.offloads = NET_TX_CKSUM;
}

static void with_rx_cksum(struct net_config *config)
{
    config->port.offloads = NET_RX_CKSUM;
}

/* Both checksums of what goes out are right, whatever the length. [1191 2-1] [8200 8.1-1]
 * [9293 3.1-2] */
static void sends_with_checksums(void)
{
    bed_start(&b, NULL);
    bed_know_peers(&b);
    for (uint16_t len = 0; len < 40; len++) {
        for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++) {
            const struct net_ip *to = is_v4 ? &bed_peer4 : &bed_peer6;
            const struct net_ip *from = is_v4 ? &bed_ip4 : &bed_ip6;
            const uint16_t header_len = is_v4 ? 20 : 40;
            bed_send(&b, to, len);
            CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
            uint8_t *ip = b.frames[0] + 14;
            CU_ASSERT_EQUAL(b.lens[0], 14 + header_len + 20 + len);
            CU_ASSERT_EQUAL(bed_cksum(from, to, IPPROTO_TCP, ip + header_len, (uint16_t)(20 + len)),
                            0);
            if (is_v4) {
                CU_ASSERT_EQUAL(rte_raw_cksum(ip, 20), 0xffff);
                CU_ASSERT_EQUAL(bed_get16(ip + 6), 0x4000); /* DF: paths are to tell their MTU */
                CU_ASSERT_EQUAL(bed_get16(ip + 2), 40 + len);
            } else {
                CU_ASSERT_EQUAL(bed_get16(ip + 4), 20 + len);
            }
        }
    }
    bed_end(&b);
}

/* With a link that sums, the field holds the pseudo header's sum, and flags say what to do. */
static void leaves_checksums_to_the_link(void)
{
    bed_start(&b, with_tx_cksum);
    bed_know_peers(&b);
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++) {
        const struct net_ip *to = is_v4 ? &bed_peer4 : &bed_peer6;
        const struct net_ip *from = is_v4 ? &bed_ip4 : &bed_ip6;
        const uint16_t header_len = is_v4 ? 20 : 40;
        bed_send(&b, to, 33);
        CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
        const uint64_t family =
            is_v4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6;
        CU_ASSERT_EQUAL(b.ol_flags[0], family | RTE_MBUF_F_TX_TCP_CKSUM);
        /* what the link would do: sum from the TCP header on, the field included */
        uint8_t *tcp = b.frames[0] + 14 + header_len;
        const uint16_t sum = (uint16_t)~rte_raw_cksum(tcp, 53);
        memcpy(tcp + 16, &sum, 2);
        CU_ASSERT_EQUAL(bed_cksum(from, to, IPPROTO_TCP, tcp, 53), 0);
        if (is_v4)
            CU_ASSERT_EQUAL(bed_get16(b.frames[0] + 14 + 10), 0);
    }
    bed_end(&b);
}

/* GOOD and NONE need no look; UNKNOWN and BAD do: a link may err on the short side. */
static void four_cases_of_received_checksums(void)
{
    static const struct {
        uint64_t flags;
        bool known, with_offload;
    } rows[] = {
        {RTE_MBUF_F_RX_L4_CKSUM_GOOD, true, true},     {RTE_MBUF_F_RX_L4_CKSUM_NONE, true, true},
        {RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN, false, true}, {RTE_MBUF_F_RX_L4_CKSUM_BAD, false, true},
        {RTE_MBUF_F_RX_L4_CKSUM_GOOD, false, false}, /* not asked for: not believed */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bed_start(&b, rows[i].with_offload ? with_rx_cksum : NULL);
        uint16_t len = bed_tcp_frame(frame, true, 10);
        bed_in_flags(&b, frame, len, rows[i].flags, 0);
        LKS_CHECK(b.tcp.num == 1 && b.tcp.in.checksum_known_good == rows[i].known, "row %zu", i);
        bed_end(&b);
    }
}

/* Frames of any bytes: counted, nothing read beyond them (sanitizers), no buffer lost. */
static void anything_at_all(void)
{
    uint64_t state = 0x1234;
    const unsigned int rounds = lks_test_is_quick() ? 20000 : 200000;
    bed_start(&b, NULL);
    for (unsigned int i = 0; i < rounds; i++) {
        uint16_t len = bed_tcp_frame(frame, i & 1, (uint16_t)(lks_test_random(&state) % 80));
        unsigned int changes = (unsigned int)(lks_test_random(&state) % 6);
        while (changes--) { /* mostly in the headers */
            const uint16_t at = (uint16_t)(lks_test_random(&state) % (len < 80 ? len : 80));
            frame[at] = (uint8_t)lks_test_random(&state);
        }
        if (i & 2)
            bed_fix_ip4(frame);
        if (lks_test_random(&state) % 4 == 0)
            len = (uint16_t)(1 + lks_test_random(&state) % len);
        b.split = i % 16 == 0;
        b.now_us += 10000;
        bed_in(&b, frame, len);
        if (i % 8 == 0)
            bed_wait(&b, 0);
    }
    const struct net_counters c = bed_counters(&b);
    CU_ASSERT(c.rx_malformed && c.rx_not_ours && c.rx_bad_checksum && c.rx_cut && b.tcp.num);
    bed_end(&b);
}

/* Of any length, anywhere, also where each word carries. */
static void sums(void)
{
    uint64_t state = 7;
    for (uint32_t i = 0; i < 4000; i++) {
        const uint32_t at = i % 8, len = (uint32_t)lks_test_random(&state) % 300;
        uint32_t sum = 0;
        for (uint32_t k = 0; k < 308; k++)
            frame[k] = i % 3 ? (uint8_t)lks_test_random(&state) : 0xff;
        for (uint32_t k = 0; k < len; k++)
            sum += k % 2 ? frame[at + k] : (uint32_t)frame[at + k] << 8;
        while (sum >> 16)
            sum = (sum & 0xffff) + (sum >> 16);
        LKS_CHECK(rte_be_to_cpu_16(cksum_fold(cksum_add(0, frame + at, len))) == sum,
                  "%u bytes at %u", len, at);
    }
}

const struct lks_test ip4_tests[] = {
    {"sums", sums},
    {"delivers", delivers},
    {"bad_headers", bad_headers},
    {"impossible_sources", impossible_sources},
    {"options", options},
    {"hop_limit_zero", hop_limit_zero},
    {"sends_with_checksums", sends_with_checksums},
    {"leaves_checksums_to_the_link", leaves_checksums_to_the_link},
    {"four_cases_of_received_checksums", four_cases_of_received_checksums},
    {"anything_at_all", anything_at_all},
    {NULL, NULL},
};
