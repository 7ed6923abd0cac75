/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"

#include <netinet/in.h>
#include <string.h>

static struct bed b;
static uint8_t frame[2048], whole[70000];

/* Sends bytes [from, to) of `whole` as a fragment of packet id; the last one is `is_last`. */
static void send_part(bool is_v4, uint32_t id, const struct net_ip *source, uint32_t from,
                      uint32_t to, bool is_last)
{
    uint16_t len = (uint16_t)(to - from);
    if (is_v4) {
        len = bed_ip_frame(frame, source, &bed_ip4, IPPROTO_TCP, whole + from, len);
        bed_put16(frame + 14 + 4, (uint16_t)id);
        bed_put16(frame + 14 + 6, (uint16_t)(from / 8 | (is_last ? 0 : 0x2000)));
        bed_fix_ip4(frame);
    } else {
        uint8_t payload[1600] = {IPPROTO_TCP};
        bed_put16(payload + 2, (uint16_t)(from | !is_last));
        bed_put16(payload + 6, (uint16_t)id);
        memcpy(payload + 8, whole + from, len);
        len = bed_ip_frame(frame, source, &bed_ip6, IPPROTO_FRAGMENT, payload, (uint16_t)(len + 8));
    }
    bed_in(&b, frame, len);
}

static const struct net_ip *peer(bool is_v4)
{
    return is_v4 ? &bed_peer4 : &bed_peer6;
}

static void fill(uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        whole[i] = (uint8_t)(i * 7 + i / 256);
}

static bool got(uint32_t len)
{
    return b.tcp.num == 1 && b.tcp.len == len && memcmp(b.tcp.bytes, whole, len) == 0;
}

/* Five fragments in each of their 120 orders. [8200 4.5-2] */
static void any_order(void)
{
    static const uint32_t cuts[] = {0, 64, 72, 400, 1000, 1111};
    fill(1111);
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++)
        for (unsigned int order = 0; order < 120; order++) {
            unsigned int left[5] = {0, 1, 2, 3, 4}, n = order;
            bed_start(&b, NULL);
            for (unsigned int num = 5; num; num--) {
                const unsigned int pick = n % num, part = left[pick];
                n /= num;
                left[pick] = left[num - 1];
                CU_ASSERT_EQUAL(b.tcp.num, 0);
                send_part(is_v4, 9, peer(is_v4), cuts[part], cuts[part + 1], part == 4);
            }
            LKS_CHECK(got(1111), "order %u", order);
            CU_ASSERT_EQUAL(bed_counters(&b).rx_reassembled, 1);
            bed_end(&b);
        }
}

/* [1122 3.3.2-1] [8200 5-2] */
static void largest(void)
{
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++) {
        bed_start(&b, NULL);
        fill(65512);
        for (uint32_t at = 0; at < 65512; at += 1448)
            send_part(is_v4, 1, peer(is_v4), at, at + 1448 < 65512 ? at + 1448 : 65512,
                      at + 1448 >= 65512);
        CU_ASSERT_TRUE(got(65512));
        bed_end(&b);
    }
}

/* RFC 5722: an overlap ends all of the packet, also what comes afterwards. [5722 4-2] [8200 4.5-7]
 */
static void overlaps(void)
{
    static const struct {
        const char *what;
        uint32_t from, to;
        bool is_last;
    } rows[] = {
        {"begins inside", 8, 24, false},
        {"ends inside", 24, 40, false},
        {"covers", 24, 56, false},
        {"lies inside", 40, 48, false},
        {"same begin, shorter", 32, 40, false},
        {"same begin, longer", 32, 56, false},
        {"a last one that is not", 64, 80, true},
        {"beyond the last", 104, 112, false},
    };
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            bed_start(&b, NULL);
            fill(200);
            send_part(is_v4, 5, peer(is_v4), 0, 16, false);
            send_part(is_v4, 5, peer(is_v4), 32, 48, false);
            send_part(is_v4, 5, peer(is_v4), 96, 104, true);
            send_part(is_v4, 5, peer(is_v4), rows[i].from, rows[i].to, rows[i].is_last);
            send_part(is_v4, 5, peer(is_v4), 16, 32, false);
            send_part(is_v4, 5, peer(is_v4), 48, 96, false);
            LKS_CHECK(b.tcp.num == 0, "%s", rows[i].what);
            /* the same id is free again after its time */
            bed_wait(&b, 61000000);
            send_part(is_v4, 5, peer(is_v4), 0, 96, false);
            send_part(is_v4, 5, peer(is_v4), 96, 104, true);
            LKS_CHECK(got(104), "%s: afterwards", rows[i].what);
            bed_end(&b);
        }
}

/* [8200 4.5-7] */
static void exact_copies_are_harmless(void)
{
    bed_start(&b, NULL);
    fill(100);
    for (unsigned int twice = 0; twice < 2; twice++)
        send_part(true, 5, &bed_peer4, 32, 64, false);
    for (unsigned int twice = 0; twice < 2; twice++)
        send_part(true, 5, &bed_peer4, 64, 100, true);
    send_part(true, 5, &bed_peer4, 0, 32, false);
    CU_ASSERT_TRUE(got(100));
    bed_end(&b);
}

/* [8200 4.5-4] */
static void impossible_fragments(void)
{
    bed_start(&b, NULL);
    fill(200);
    send_part(true, 1, &bed_peer4, 0, 13, false); /* more to come, and no multiple of 8 */
    send_part(true, 2, &bed_peer4, 8, 8, true);   /* nothing in it */
    CU_ASSERT_EQUAL(bed_counters(&b).rx_fragments_dropped, 2);
    uint16_t len = bed_ip_frame(frame, &bed_peer4, &bed_ip4, IPPROTO_TCP, whole, 100);
    bed_put16(frame + 14 + 6, 0x1fff); /* ends beyond 65535 */
    bed_fix_ip4(frame);
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_fragments_dropped, 3);
    CU_ASSERT_EQUAL(b.tcp.num, 0);
    /* IPv6 tells (RFC 8200 4.5), IPv4 does not */
    bed_know_peers(&b);
    send_part(false, 1, &bed_peer6, 0, 13, false);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    CU_ASSERT_EQUAL(b.frames[0][54], 4);
    CU_ASSERT_EQUAL(b.frames[0][54 + 7], 4); /* the payload length is at fault */
    bed_end(&b);
}

/* [1122 3.3.2-1] [8200 4.5-3] */
static void ends_after_its_time(void)
{
    bed_start(&b, NULL);
    fill(100);
    send_part(true, 5, &bed_peer4, 0, 32, false);
    bed_wait(&b, 59000000);
    send_part(true, 5, &bed_peer4, 32, 64, false);
    bed_wait(&b, 2000000);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_fragments_dropped, 2);
    send_part(true, 5, &bed_peer4, 64, 100, true);
    CU_ASSERT_EQUAL(b.tcp.num, 0);
    bed_end(&b);
}

/* Its sender is told, if the first fragment has come: RFC 1122 3.3.2, 8200 4.5. [1122 3.3.2-2]
 * [8200 4.5-3] */
static void its_end_is_told(void)
{
    fill(200);
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++)
        for (unsigned int has_first = 0; has_first < 2; has_first++) {
            bed_start(&b, NULL);
            bed_know_peers(&b);
            send_part(is_v4, 5, peer(is_v4), 64, 96, false);
            const uint16_t first = has_first ? 0 : 8;
            send_part(is_v4, 5, peer(is_v4), first, first + 32, false);
            CU_ASSERT_EQUAL(bed_wait(&b, 59000000), 0);
            CU_ASSERT_EQUAL_FATAL(bed_wait(&b, 2000000), has_first);
            if (!has_first) {
                bed_end(&b);
                continue;
            }
            const uint8_t *icmp = b.frames[0] + (is_v4 ? 34 : 54);
            const uint16_t quoted = (uint16_t)(is_v4 ? 20 + 32 : 40 + 8 + 32);
            CU_ASSERT(icmp[0] == (is_v4 ? 11 : 3) && icmp[1] == 1);
            CU_ASSERT_EQUAL(b.lens[0], (is_v4 ? 34 : 54) + 8 + quoted);
            CU_ASSERT_EQUAL(memcmp(icmp + 8, frame + 14, quoted), 0); /* the fragment sent last */
            bed_end(&b);
        }
}

/* RFC 8200 4.5: what is dropped at once, and told. [8200 4.5-5 4.5-6] */
static void fragments_that_are_refused(void)
{
    bed_start(&b, NULL);
    bed_know_peers(&b);
    fill(64);
    uint8_t payload[8 + 64] = {IPPROTO_TCP};
    bed_put16(payload + 2, 65528); /* would end beyond 65535 */
    uint16_t len = bed_ip_frame(frame, &bed_peer6, &bed_ip6, IPPROTO_FRAGMENT, payload, 8 + 16);
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    CU_ASSERT(b.frames[0][54] == 4 && b.frames[0][55] == 0 && b.frames[0][54 + 7] == 42);
    bed_put16(payload + 2, 1); /* a first one that cuts TCP's header */
    len = bed_ip_frame(frame, &bed_peer6, &bed_ip6, IPPROTO_FRAGMENT, payload, 8 + 16);
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    CU_ASSERT(b.frames[0][54] == 4 && b.frames[0][55] == 3 && b.frames[0][54 + 7] == 0);
    CU_ASSERT_EQUAL(bed_counters(&b).rx_fragments_dropped, 2);
    bed_end(&b);
}

/* A source that only ever begins packets keeps nobody out, not even what it sends whole. */
static void a_source_has_its_share(void)
{
    bed_start(&b, NULL);
    fill(200);
    for (uint32_t id = 0; id < 500; id++)
        send_part(true, id, &bed_peer4, 0, 32, false);
    CU_ASSERT(bed_counters(&b).rx_fragments_dropped >= 500 - 8);
    send_part(true, 1000, &bed_peer4, 0, 64, false);
    send_part(true, 1000, &bed_peer4, 64, 128, true);
    CU_ASSERT_TRUE(got(128));
    for (uint32_t host = 20; host < 60; host++) {
        struct net_ip source = bed_peer4;
        source.bytes[15] = (uint8_t)host;
        b.tcp.num = 0;
        send_part(true, 3, &source, 0, 64, false);
        send_part(true, 3, &source, 64, 128, true);
        LKS_CHECK(got(128), "host %u", host);
    }
    /* a whole /64 counts as one */
    for (uint32_t id = 0; id < 500; id++) {
        struct net_ip source = bed_peer6;
        source.bytes[14] = (uint8_t)id;
        source.bytes[13] = (uint8_t)(id >> 8);
        send_part(false, 1, &source, 0, 32, false);
    }
    CU_ASSERT(bed_counters(&b).rx_fragments_dropped >= 2 * (500 - 8));
    bed_end(&b);
}

static void few_buffers(struct net_config *config)
{
    config->max_fragments = 256;
}

static struct net_ip host(uint32_t number)
{
    struct net_ip source = bed_peer4;
    source.bytes[15] = (uint8_t)number;
    return source;
}

/* However many sources begin packets of however many pieces, so many buffers wait and no more, and
 * the largest go first. */
static void buffers_are_bounded(void)
{
    bed_start(&b, few_buffers);
    const uint32_t free = rte_mempool_avail_count(b.net->port.buffers);
    fill(8 * 64);
    struct net_ip small = host(200);
    send_part(true, 1, &small, 0, 16, false);
    for (uint32_t n = 20; n < 60; n++) {
        const struct net_ip source = host(n);
        for (uint32_t part = 1; part < 64; part++) {
            send_part(true, 1, &source, 8 * part, 8 * part + 8, false);
            LKS_CHECK(rte_mempool_avail_count(b.net->port.buffers) >= free - 256, "host %u", n);
        }
    }
    CU_ASSERT(bed_counters(&b).rx_fragments_dropped >= 40 * 63 - 256);
    send_part(true, 1, &small, 16, 32, true);
    CU_ASSERT_TRUE(got(32));
    bed_wait(&b, 62000000);
    CU_ASSERT_EQUAL(rte_mempool_avail_count(b.net->port.buffers), free);
    bed_end(&b);
}

static void many_small_ones(void)
{
    bed_start(&b, NULL);
    fill(8 * 70);
    for (uint32_t i = 0; i < 64; i++)
        send_part(true, 1, &bed_peer4, 8 * i, 8 * i + 8, i == 63);
    CU_ASSERT_TRUE(got(512));
    b.tcp.num = 0;
    for (uint32_t i = 0; i < 65; i++) /* one more than anybody needs */
        send_part(true, 2, &bed_peer4, 8 * i, 8 * i + 8, i == 64);
    CU_ASSERT_EQUAL(b.tcp.num, 0);
    bed_end(&b);
}

/* RFC 3168 5.3 [3168 5.3-1] */
static void congestion_seen_by_one(void)
{
    static const uint8_t rows[][3] = {/* of two fragments, and of the packet */
                                      {0, 0, 0}, {2, 2, 2}, {2, 3, 3}, {3, 2, 3},
                                      {1, 2, 2}, {0, 3, 0}, {3, 3, 3}};
    fill(64);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bed_start(&b, NULL);
        for (unsigned int part = 0; part < 2; part++) {
            uint16_t len =
                bed_ip_frame(frame, &bed_peer4, &bed_ip4, IPPROTO_TCP, whole + 32 * part, 32);
            frame[14 + 1] = rows[i][part];
            bed_put16(frame + 14 + 6, part ? 4 : 0x2000);
            bed_fix_ip4(frame);
            bed_in(&b, frame, len);
        }
        LKS_CHECK(got(64) && b.tcp.in.ecn == rows[i][2], "row %zu: %u", i, b.tcp.in.ecn);
        bed_end(&b);
    }
}

const struct lks_test reassembly_tests[] = {
    {"any_order", any_order},
    {"largest", largest},
    {"overlaps", overlaps},
    {"exact_copies_are_harmless", exact_copies_are_harmless},
    {"impossible_fragments", impossible_fragments},
    {"ends_after_its_time", ends_after_its_time},
    {"its_end_is_told", its_end_is_told},
    {"fragments_that_are_refused", fragments_that_are_refused},
    {"a_source_has_its_share", a_source_has_its_share},
    {"buffers_are_bounded", buffers_are_bounded},
    {"many_small_ones", many_small_ones},
    {"congestion_seen_by_one", congestion_seen_by_one},
    {NULL, NULL},
};
