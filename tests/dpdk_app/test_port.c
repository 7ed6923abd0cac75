/* SPDX-License-Identifier: BSD-3-Clause */

/* The port's queue, over DPDK's port that is a ring: full when nobody takes what is in it. */

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/test.h"
#include "dpdk/eal.h"
#include "port.h"

#define FRAMES 1500u /* more than the ring holds */

static struct port port;

static struct port_counters counted(void)
{
    struct port_counters c;
    port_get_counters(&port, &c);
    return c;
}

static bool news_has(const char *what)
{
    const char *line = port_news(&port);
    return line && strstr(line, what);
}

static bool watch_has(const char *what)
{
    const char *line = port_watch(&port);
    return line && strstr(line, what);
}

static uint64_t num_waited(void)
{
    return counted().tx_waited;
}

/* A frame that waits is counted once, however often the port is tried. */
static void waiting_frames(void)
{
    struct rte_mbuf *back[256];
    uint32_t waiting = 0, num_back = 0;
    for (uint32_t i = 0; i < FRAMES; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(port.tx_pool);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        CU_ASSERT_PTR_NOT_NULL_FATAL(rte_pktmbuf_append(m, 60));
        port_send(&port, m);
    }
    for (int i = 0; i < 10; i++)
        waiting = port_flush(&port);
    LKS_CHECK(waiting > 0 && waiting < FRAMES, "%u", waiting);
    LKS_CHECK(num_waited() == waiting, "%u counted, %u wait", (unsigned int)num_waited(), waiting);
    for (int i = 0; i < 100 && num_back < FRAMES; i++) {
        uint16_t num = port_receive(&port, back, 256);
        num_back += num;
        rte_pktmbuf_free_bulk(back, num);
        port_flush(&port);
    }
    CU_ASSERT_EQUAL(num_back, FRAMES);
    CU_ASSERT_EQUAL(port_flush(&port), 0);
    LKS_CHECK(num_waited() == waiting, "%u counted, %u waited", (unsigned int)num_waited(),
              waiting);
}

static struct rte_mbuf *frame(uint16_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(port.tx_pool);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    char *data = rte_pktmbuf_append(m, len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    memset(data, 0, len);
    return m;
}

static void take_all(void)
{
    struct rte_mbuf *back[256];
    uint16_t num;
    do {
        port_flush(&port);
        num = port_receive(&port, back, 256);
        rte_pktmbuf_free_bulk(back, num);
    } while (num);
}

/* Nobody takes anything for a second: what stands behind it goes, and one line says so. A port that
 * moves, however slowly, is left alone. */
static void port_that_takes_nothing(void)
{
    struct rte_mbuf *back[8];
    const uint64_t before = counted().tx_dropped;
    for (uint32_t i = 0; i < FRAMES; i++)
        port_send(&port, frame(60));
    port_second(&port);
    for (int i = 0; i < 5; i++) {
        uint16_t num = port_receive(&port, back, 8);
        rte_pktmbuf_free_bulk(back, num);
        CU_ASSERT(num && port_flush(&port));
        port_second(&port);
        CU_ASSERT_PTR_NULL(port_news(&port));
    }
    CU_ASSERT_EQUAL(counted().tx_dropped, before);
    const uint32_t waiting = port_flush(&port);
    port_second(&port);
    CU_ASSERT_TRUE(news_has("took no frame for a second"));
    CU_ASSERT_PTR_NULL(port_news(&port));
    CU_ASSERT_EQUAL(port_flush(&port), 0);
    LKS_CHECK(counted().tx_dropped - before == waiting, "%u of %u",
              (unsigned int)(counted().tx_dropped - before), waiting);
    take_all();
    port_send(&port, frame(60)); /* and it is used again */
    CU_ASSERT_EQUAL(port_flush(&port), 0);
    CU_ASSERT_EQUAL(port_receive(&port, back, 8), 1);
    rte_pktmbuf_free(back[0]);
}

/* Longer than the interface takes: it would stand in front of all others for ever. */
static void frame_over_the_mtu(void)
{
    const struct port_counters before = counted();
    port_send(&port, frame((uint16_t)(port.mtu + 14)));
    CU_ASSERT_EQUAL(counted().tx_too_long, before.tx_too_long);
    port_send(&port, frame((uint16_t)(port.mtu + 14 + 1)));
    CU_ASSERT_EQUAL(counted().tx_too_long, before.tx_too_long + 1);
    for (uint16_t over = 0; over < 2; over++) { /* a VLAN tag comes on top of it */
        struct rte_mbuf *tagged = frame((uint16_t)(port.mtu + 18 + over));
        memcpy(rte_pktmbuf_mtod_offset(tagged, uint8_t *, 12), "\x81\0\0\7\x86\xdd", 6);
        port_send(&port, tagged);
        CU_ASSERT_EQUAL(counted().tx_too_long, before.tx_too_long + 1 + over);
    }
    CU_ASSERT_EQUAL(counted().tx_dropped, before.tx_dropped);
    take_all();
    CU_ASSERT_TRUE(news_has("tx_too_long counts these frames"));
    CU_ASSERT_PTR_NULL(port_news(&port));
}

/* The port's transmit function, replaced: takes `room` frames, and none that begins with 'x'. */
static struct {
    eth_tx_burst_t real;
    uint32_t room, calls, taken;
} picky;

static uint16_t take(void *queue, struct rte_mbuf **frames, uint16_t num)
{
    uint16_t n = 0;
    (void)queue;
    picky.calls++;
    while (n < num && picky.room && *rte_pktmbuf_mtod(frames[n], char *) != 'x') {
        picky.room--;
        picky.taken++;
        rte_pktmbuf_free(frames[n++]);
    }
    return n;
}

static void be_picky(uint32_t room)
{
    picky.real = rte_eth_fp_ops[port.id].tx_pkt_burst;
    picky.room = room;
    picky.calls = picky.taken = 0;
    rte_eth_fp_ops[port.id].tx_pkt_burst = take;
}

static void be_a_ring_again(void)
{
    rte_eth_fp_ops[port.id].tx_pkt_burst = picky.real;
    CU_ASSERT_EQUAL(port_flush(&port), 0);
    port_second(&port);
    while (port_news(&port))
        ;
}

static void send_marked(const char *marks)
{
    for (; *marks; marks++) {
        struct rte_mbuf *m = frame(60);
        *rte_pktmbuf_mtod(m, char *) = *marks;
        port_send(&port, m);
    }
}

/* What the port never takes goes when it has stood in front for a second; the others are sent. */
static void frame_that_never_goes(void)
{
    const uint64_t before = counted().tx_dropped;
    be_picky(1000);
    send_marked("axbxc");
    CU_ASSERT_EQUAL(port_flush(&port), 4);
    port_second(&port); /* it may have come this moment */
    CU_ASSERT_EQUAL(port_flush(&port), 4);
    port_second(&port);
    CU_ASSERT_EQUAL(counted().tx_dropped, before + 1);
    CU_ASSERT_EQUAL(port_flush(&port), 2);
    port_second(&port); /* another one stands there, for less than a second */
    CU_ASSERT_EQUAL(port_flush(&port), 0);
    CU_ASSERT_EQUAL(counted().tx_dropped, before + 2);
    CU_ASSERT_EQUAL(picky.taken, 3);
    be_a_ring_again();
}

/* Also one that came while the one before it was still going. */
static void each_frame_gets_its_second(void)
{
    const uint64_t before = counted().tx_dropped;
    be_picky(2);
    send_marked("aaa");
    port_flush(&port);
    port_second(&port);
    picky.room = 1;
    CU_ASSERT_EQUAL(port_flush(&port), 0);
    send_marked("a");
    port_flush(&port);
    port_second(&port);
    CU_ASSERT_EQUAL(counted().tx_dropped, before);
    port_second(&port);
    CU_ASSERT_EQUAL(counted().tx_dropped, before + 1);
    be_a_ring_again();
}

/* Without trying each frame on a port that takes none: that could be a system call each. */
static void dead_port_is_emptied(void)
{
    const uint64_t before = counted().tx_dropped;
    const unsigned int free_ones = rte_mempool_avail_count(port.tx_pool);
    be_picky(0);
    for (int i = 0; i < 1000; i++)
        send_marked("a");
    port_second(&port);
    CU_ASSERT_EQUAL(port_flush(&port), 1000);
    picky.calls = 0;
    port_second(&port);
    CU_ASSERT_TRUE(picky.calls < 200);
    CU_ASSERT_EQUAL(counted().tx_dropped, before + 1000);
    CU_ASSERT_EQUAL(rte_mempool_avail_count(port.tx_pool), free_ones);
    be_a_ring_again();
}

/* A link that is down is said, and tried no more; up again, too. */
static void link_that_is_down(void)
{
    const uint64_t before = counted().tx_dropped;
    be_picky(0);
    CU_ASSERT_EQUAL(rte_eth_dev_set_link_down(port.id), 0);
    send_marked("ab");
    CU_ASSERT_TRUE(watch_has("link is down"));
    CU_ASSERT_PTR_NULL(port_watch(&port));
    port_second(&port);
    picky.calls = 0;
    port_second(&port);
    CU_ASSERT_EQUAL(picky.calls, 0);
    CU_ASSERT_EQUAL(counted().tx_dropped, before + 2);
    CU_ASSERT_EQUAL(rte_eth_dev_set_link_up(port.id), 0);
    CU_ASSERT_TRUE(watch_has("up again"));
    CU_ASSERT_PTR_NULL(port_watch(&port));
    be_a_ring_again();
}

/* Buffers of other pools could be more than the queue holds. */
static void queue_has_an_end(void)
{
    const uint64_t before = counted().tx_dropped;
    be_picky(0);
    for (int i = 0; i < 4000; i++)
        port_send(&port, frame(60));
    for (int i = 0; i < 200; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(port.rx_pool);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        CU_ASSERT_PTR_NOT_NULL_FATAL(rte_pktmbuf_append(m, 60));
        port_send(&port, m);
    }
    CU_ASSERT_EQUAL(port_flush(&port), 4096);
    CU_ASSERT_EQUAL(counted().tx_dropped, before + 104);
    picky.room = 5000;
    port_flush(&port);
    be_a_ring_again();
}

/* Whole frames around cut ones stay in order. */
static void order_around_cut_frames(void)
{
    struct rte_mbuf *got[32];
    const uint64_t before = counted().rx_cut;
    for (uint8_t i = 0; i < 12; i++) {
        struct rte_mbuf *m = frame(100);
        uint8_t *bytes = rte_pktmbuf_mtod(m, uint8_t *);
        bytes[0] = i;
        bytes[12] = 8;
        bytes[17] = i % 3 ? 86 : 87;
        port_send(&port, m);
    }
    port_flush(&port);
    CU_ASSERT_EQUAL_FATAL(port_receive(&port, got, 32), 8);
    for (uint8_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(*rte_pktmbuf_mtod(got[i], uint8_t *), i / 2 * 3 + i % 2 + 1);
    rte_pktmbuf_free_bulk(got, 8);
    CU_ASSERT_EQUAL(counted().rx_cut, before + 4);
    while (port_news(&port))
        ;
}

/* An IP packet that says that it is longer than what came. */
static void frames_that_came_cut(void)
{
    static const struct {
        uint16_t type, said, len;
        bool is_cut, is_tagged;
    } rows[] = {
        {0x0800, 86, 100, false},       {0x0800, 87, 100, true},
        {0x0800, 20, 100, false},       {0x86dd, 46, 100, false},
        {0x86dd, 47, 100, true},        {0x0806, 9000, 60, false},
        {0x0800, 9000, 23, false}, /* too short to tell: TCP's to judge */
        {0x0800, 82, 100, false, true}, {0x0800, 83, 100, true, true},
        {0x86dd, 42, 100, false, true}, {0x86dd, 43, 100, true, true},
    };
    for (size_t i = 0; i < RTE_DIM(rows); i++) {
        const uint64_t before = counted().rx_cut;
        struct rte_mbuf *m = frame(rows[i].len), *back[2];
        uint8_t *bytes = rte_pktmbuf_mtod(m, uint8_t *);
        if (rows[i].is_tagged) {
            memcpy(bytes + 12, "\x81\0\0\7", 4);
            bytes += 4;
        }
        const uint16_t at = rows[i].type == 0x86dd ? 18 : 16;
        bytes[12] = (uint8_t)(rows[i].type >> 8);
        bytes[13] = (uint8_t)rows[i].type;
        bytes[at] = (uint8_t)(rows[i].said >> 8);
        bytes[at + 1] = (uint8_t)rows[i].said;
        port_send(&port, m);
        port_flush(&port);
        const uint16_t num = port_receive(&port, back, 2);
        LKS_CHECK(num == !rows[i].is_cut, "row %zu", i);
        LKS_CHECK(counted().rx_cut - before == rows[i].is_cut, "row %zu", i);
        rte_pktmbuf_free_bulk(back, num);
    }
    CU_ASSERT_TRUE(news_has("ethtool -K INTERFACE gro off"));
    CU_ASSERT_PTR_NULL(port_news(&port)); /* once */
}

static bool start(void)
{
    char error[256];
    return TEST_EAL("--no-huge", "-m", "96", "--lcores", "0@(0-1)") &&
           !rte_eal_hotplug_add("vdev", "net_ring0", "") &&
           !port_start(&port, 1, 0, 4095, 0, error, sizeof(error));
}

int main(void)
{
    if (!start())
        return lks_test_skip_all("port", "EAL or its net_ring does not start here");
    const struct lks_test tests[] = {{"frames that wait", waiting_frames},
                                     {"port that takes nothing", port_that_takes_nothing},
                                     {"frame over the MTU", frame_over_the_mtu},
                                     {"frames that came cut", frames_that_came_cut},
                                     {"order around cut frames", order_around_cut_frames},
                                     {"frame that never goes", frame_that_never_goes},
                                     {"each frame gets its second", each_frame_gets_its_second},
                                     {"dead port is emptied", dead_port_is_emptied},
                                     {"link that is down", link_that_is_down},
                                     {"queue has an end", queue_has_an_end},
                                     {0}};
    const struct lks_test_suite suites[] = {{"queue", tests}, {0}};
    int rc = lks_test_run("port", suites);
    port_stop(&port);
    return rc;
}
