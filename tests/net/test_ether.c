/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"

#include <string.h>

static struct bed b;
static uint8_t frame[2048];

static void on_vlan_7(struct net_config *config)
{
    config->port.vlan = 7;
}

/* Puts a tag into a frame; returns the new length. */
static uint16_t tag(uint16_t len, uint16_t type, uint16_t tci)
{
    memmove(frame + 16, frame + 12, len - 12u);
    bed_put16(frame + 12, type);
    bed_put16(frame + 14, tci);
    return (uint16_t)(len + 4);
}

/* [1122 3.3.6-1] */
static void takes_what_is_ours(void)
{
    static const struct {
        uint8_t mac[6];
        uint16_t type;
        bool is_taken;
    } rows[] = {
        {{BED_MAC}, RTE_ETHER_TYPE_IPV4, true},
        {{0x02, 0, 0, 0, 0, 0x03}, RTE_ETHER_TYPE_IPV4, false},
        /* TCP that was broadcast is nobody's: RFC 1122 4.2.3.10 */
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, RTE_ETHER_TYPE_IPV4, false},
        {{0x01, 0, 0x5e, 0, 0, 1}, RTE_ETHER_TYPE_IPV4, false},
        {{BED_MAC}, 0x88cc, false},
    };
    bed_start(&b, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint16_t len = bed_tcp_frame(frame, true, 100);
        uint64_t before = bed_counters(&b).rx_not_ours;
        b.tcp.num = 0;
        memcpy(frame, rows[i].mac, 6);
        bed_put16(frame + 12, rows[i].type);
        bed_in(&b, frame, len);
        LKS_CHECK(b.tcp.num == rows[i].is_taken, "row %zu", i);
        LKS_CHECK(bed_counters(&b).rx_not_ours - before == !rows[i].is_taken, "row %zu", i);
    }
    bed_end(&b);
}

static void short_frames_are_malformed(void)
{
    bed_start(&b, NULL);
    uint16_t len = bed_tcp_frame(frame, true, 0);
    for (uint16_t cut = 1; cut < len; cut++)
        bed_in(&b, frame, cut);
    struct net_counters c = bed_counters(&b);
    CU_ASSERT_EQUAL(c.rx_malformed + c.rx_cut, len - 1u);
    CU_ASSERT_EQUAL(b.tcp.num, 0);
    bed_in(&b, frame, len);
    CU_ASSERT_EQUAL(b.tcp.num, 1);
    bed_end(&b);
}

/* Behind the packet there may be as much as it likes. */
static void padding_is_cut(void)
{
    bed_start(&b, NULL);
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++)
        for (unsigned int split = 0; split < 2; split++) {
            uint16_t len = bed_tcp_frame(frame, is_v4, 1);
            memset(frame + len, 0xee, 100);
            b.split = split;
            b.tcp.num = 0;
            bed_in(&b, frame, (uint16_t)(len + 100));
            CU_ASSERT_EQUAL(b.tcp.num, 1);
            CU_ASSERT_EQUAL(b.tcp.len, 21);
        }
    bed_end(&b);
}

static void vlan_tags(void)
{
    static const struct {
        bool configured;
        uint16_t type, tci; /* in the bytes; type 0: no tag there */
        uint64_t ol_flags;
        uint16_t offload_tci; /* told by the link */
        bool is_taken;
    } rows[] = {
        {false, 0, 0, 0, 0, true},
        {false, 0x8100, 0x6000, 0, 0, true}, /* a priority, and no VLAN */
        {false, 0x8100, 7, 0, 0, false},
        {true, 0x8100, 7, 0, 0, true},
        {true, 0x8100, 0xe007, 0, 0, true},
        {true, 0x8100, 8, 0, 0, false},
        {true, 0x88a8, 7, 0, 0, false}, /* a provider's tag */
        {true, 0, 0, 0, 0, false},
        {true, 0, 0, RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED, 7, true},
        {true, 0, 0, RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED, 9, false},
        {true, 0x8100, 7, RTE_MBUF_F_RX_VLAN, 7, true}, /* af_packet: told, and in the bytes */
        {true, 0, 0, RTE_MBUF_F_RX_VLAN, 7, false},     /* told, but it was not there */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bed_start(&b, rows[i].configured ? on_vlan_7 : NULL);
        uint16_t len = bed_tcp_frame(frame, i % 2, 30);
        if (rows[i].type)
            len = tag(len, rows[i].type, rows[i].tci);
        bed_in_flags(&b, frame, len, rows[i].ol_flags, rows[i].offload_tci);
        LKS_CHECK(b.tcp.num == rows[i].is_taken, "row %zu", i);
        bed_end(&b);
    }
}

static void sends_its_tag(void)
{
    bed_start(&b, on_vlan_7);
    bed_know_peers(&b);
    bed_send(&b, &bed_peer4, 10);
    CU_ASSERT_EQUAL_FATAL(bed_out(&b), 1);
    CU_ASSERT_EQUAL(bed_get16(b.frames[0] + 12), 0x8100);
    CU_ASSERT_EQUAL(bed_get16(b.frames[0] + 14), 7);
    CU_ASSERT_EQUAL(bed_get16(b.frames[0] + 16), RTE_ETHER_TYPE_IPV4);
    CU_ASSERT_EQUAL(b.lens[0], 14 + 4 + 20 + 30);
    bed_end(&b);
}

/* No header needs to lie in one piece. */
static void split_into_single_bytes(void)
{
    bed_start(&b, NULL);
    b.split = true;
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++) {
        uint16_t len = bed_tcp_frame(frame, is_v4, 300);
        bed_in(&b, frame, len);
        CU_ASSERT_EQUAL(b.tcp.num, 1 + is_v4);
        CU_ASSERT_EQUAL(b.tcp.len, 320);
        CU_ASSERT_EQUAL(memcmp(b.tcp.bytes, frame + len - 320, 320), 0);
    }
    bed_end(&b);
}

/* What comes when the output list is full has no place; nothing is overwritten, nothing lost count
 * of. */
static void a_full_output_list(void)
{
    const uint32_t many = NET_OUT_RING + 50;
    bed_start(&b, NULL);
    bed_know_peers(&b);
    for (uint32_t i = 0; i < many; i++)
        bed_send(&b, &bed_peer4, 0);
    CU_ASSERT_EQUAL(ip_output_room(b.net), 0);
    CU_ASSERT_EQUAL(bed_counters(&b).tx_no_room, 50);
    struct rte_mbuf *m;
    uint32_t num = 0;
    while (net_output(b.net, &m, 1, b.now_us)) {
        rte_pktmbuf_free(m);
        num++;
    }
    CU_ASSERT_EQUAL(num, NET_OUT_RING);
    CU_ASSERT_EQUAL(ip_output_room(b.net), NET_OUT_RING);
    bed_end(&b);
}

const struct lks_test ether_tests[] = {
    {"takes_what_is_ours", takes_what_is_ours},
    {"short_frames_are_malformed", short_frames_are_malformed},
    {"padding_is_cut", padding_is_cut},
    {"vlan_tags", vlan_tags},
    {"sends_its_tag", sends_its_tag},
    {"split_into_single_bytes", split_into_single_bytes},
    {"a_full_output_list", a_full_output_list},
    {NULL, NULL},
};
