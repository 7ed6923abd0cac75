/* SPDX-License-Identifier: BSD-3-Clause */

/* What moves between the two flows, whatever TCP and the pools of buffers say to it. */

#include <rte_mbuf.h>
#include <stdio.h>
#include <unistd.h>

#include "bed.h"
#include "common/test.h"
#include "conn/client.h"

#define TLS12 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"

static void both_ways(const char *suites)
{
    struct peer p;
    bed_start(suites);
    peer_establish(&p, NULL);
    buffer_add(&p.tls.to_send, pattern(50000), 50000);
    peer_run(&p);
    is_pattern(&p.backend->sent, 50000);
    flow_says(p.backend, pattern(300000), 300000, 1460);
    peer_run(&p);
    is_pattern(&p.tls.received, 300000);
    CU_ASSERT_EQUAL(p.client->unconsumed, 0);
    CU_ASSERT_EQUAL(p.backend->unconsumed, 0);
    CU_ASSERT_EQUAL(bed_busy_polls(), 0);
    peer_free(&p);
    bed_stop();
}

/* What the client said reaches the backend's flow in the buffers that it came in, opened where it
 * lay; what goes to the client was sealed into others. */
static void only_sealing_copies(void)
{
    struct peer p;
    bed_start(NULL);
    peer_establish(&p, NULL);
    const uint64_t handshake = p.client->num_sent;
    buffer_add(&p.tls.to_send, pattern(50000), 50000);
    peer_run(&p);
    is_pattern(&p.backend->sent, 50000);
    /* but for the ends of records, where short pieces are joined */
    const uint64_t copied = 50000 - p.backend->num_received;
    LKS_CHECK(copied <= 50000 / 16384 * 1024u, "%llu bytes copied", (unsigned long long)copied);
    flow_says(p.backend, pattern(100000), 100000, 1460);
    peer_run(&p);
    is_pattern(&p.tls.received, 100000);
    CU_ASSERT(p.client->num_sent > handshake + 100000);
    CU_ASSERT_EQUAL(p.client->num_received, 0);
    peer_free(&p);
    bed_stop();
}

static void moves_both_ways(void)
{
    both_ways(NULL);
    both_ways(TLS12);
}

/* close_notify and FIN leave in the poll that sends the last byte: nothing waits for the client's
 * acknowledgement. */
static void end_goes_with_the_last_byte(const char *suites)
{
    struct peer p;
    bed_start(suites);
    peer_establish(&p, NULL);
    flow_says(p.backend, pattern(20000), 20000, 1460);
    flow_says_fin(p.backend);
    bed_poll();
    CU_ASSERT_TRUE(p.client->is_shut);
    CU_ASSERT_EQUAL(p.client->sent_in_poll, bed.num_polls);
    CU_ASSERT_EQUAL(p.client->shut_in_poll, bed.num_polls);
    p.is_mute = true;
    peer_run(&p);
    is_pattern(&p.tls.received, 20000);
    CU_ASSERT_TRUE(p.tls.closed);
    peer_free(&p);
    bed_stop();
}

static void closes_without_waiting(void)
{
    end_goes_with_the_last_byte(NULL);
    end_goes_with_the_last_byte(TLS12);
}

/* Whatever the peer names as its segment: all arrives, a buffer holds what is worth one, and no
 * poll takes more of them than it needs. */
static void any_mss(void)
{
    static const uint16_t sizes[] = {1,   2,   3,   7,    20,   64,   360,
                                     536, 730, 731, 1459, 1460, 9000, 65535};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct peer p;
        bed_start(NULL);
        peer_start(&p, NULL);
        p.client->mss = sizes[i];
        peer_run(&p);
        if (LKS_CHECK(p.tls.established && p.backend, "MSS %u", sizes[i])) {
            flow_connects(p.backend);
            flow_says(p.backend, pattern(200000), 200000, 1460);
            peer_run(&p);
        }
        if (!is_pattern(&p.tls.received, 200000))
            printf("  with MSS %u\n", sizes[i]);
        LKS_CHECK(p.client->longest_segment <= 2048, "MSS %u", sizes[i]);
        LKS_CHECK(p.client->num_segments <= 200000 / 700 + 50, "MSS %u: %u segments", sizes[i],
                  p.client->num_segments);
        if (sizes[i] > 730 && sizes[i] <= 1460) /* a segment a buffer */
            LKS_CHECK(p.client->longest_segment == sizes[i], "%u", p.client->longest_segment);
        peer_free(&p);
        bed_stop();
    }
}

/* As little room as there is: records become as short as it. */
static void any_room(void)
{
    static const uint32_t rooms[] = {23, 24, 100, 1000, 4000, 17000, 32768};
    static const char *const suites[] = {NULL, TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
            const uint32_t len = rooms[i] < 100 ? 50 : 20000, room = rooms[i] + (k ? 100 : 0);
            struct lks_error err;
            struct peer p;
            bed_start(suites[k]);
            if (k == 2)
                CU_ASSERT_EQUAL(lks_policy_set_preset(bed.server->policy, "old", &err), LKS_OK);
            peer_establish(&p, NULL);
            p.client->room = room;
            flow_says(p.backend, pattern(len), len, 1460);
            flow_says_fin(p.backend);
            peer_run(&p);
            if (!is_pattern(&p.tls.received, len) || !p.tls.closed)
                printf("  with room %u\n", room);
            CU_ASSERT_TRUE(p.tls.closed);
            CU_ASSERT_TRUE(p.client->is_shut);
            peer_free(&p);
            bed_stop();
        }
    }
}

/* A flight of our own that is longer than the room and than any count of tiny segments. */
static void long_flight(void)
{
    char cert[128], key[128];
    const char *dir = test_certificates()->dir;
    snprintf(cert, sizeof(cert), "%s/long.pem", dir);
    snprintf(key, sizeof(key), "%s/long.key", dir);
    test_certificate_long(cert, key, 30000);
    for (uint16_t mss = 1; mss <= 4; mss++) {
        struct lks_error err;
        struct peer p;
        bed_start(NULL);
        lks_config_free(bed.server);
        bed.server = config_new();
        LKS_CHECK(!lks_identities_add_certificate(bed.server->identities, lks_from_file(cert),
                                                  lks_from_file(key), &err),
                  "%s", err.text);
        CU_ASSERT_EQUAL(lks_policy_set_trust(bed.client->policy, lks_from_file(cert), &err),
                        LKS_OK);
        bed_serve(bed.server);
        peer_start(&p, NULL);
        p.client->mss = mss;
        p.client->room = 1000;
        peer_run(&p);
        CU_ASSERT_TRUE(p.tls.established);
        LKS_CHECK(p.client->num_sent > 30000, "%u bytes", (unsigned int)p.client->num_sent);
        peer_free(&p);
        bed_stop();
    }
    unlink(cert);
    unlink(key);
}

/* A server that expects a PROXY header gets it first, in one segment, and once; the client's bytes
 * follow. */
static void proxy_header_first(void)
{
    static const uint8_t header[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49,
                                     0x54, 0x0a, 0x21, 0x11, 0x00, 0x0c, 2,    0,    0,    0,
                                     3,    0,    0,    0,    0x04, 0xd2, 0x01, 0xbb};
    struct peer p;
    bed_start(NULL);
    bed_introduce();
    peer_establish(&p, NULL);
    CU_ASSERT(p.backend->sent.len == sizeof(header) && p.backend->num_sends == 1);
    CU_ASSERT(!memcmp(p.backend->sent.data, header, sizeof(header)));
    buffer_add(&p.tls.to_send, "hello", 5);
    peer_run(&p);
    CU_ASSERT_EQUAL_FATAL(p.backend->sent.len, sizeof(header) + 5);
    CU_ASSERT(!memcmp(p.backend->sent.data + sizeof(header), "hello", 5));
    CU_ASSERT(!p.client->unconsumed && !p.backend->unacked);
    peer_free(&p);
    bed_stop();
}

/* A flow that takes nothing now: the session waits, asks again when there is reason to, and loses
 * nothing. */
static void refused_sends(void)
{
    for (uint32_t refusals = 1; refusals <= 5; refusals++) {
        struct peer p;
        bed_start(NULL);
        peer_start(&p, NULL);
        p.client->refusals = refusals;
        peer_run(&p);
        CU_ASSERT_EQUAL(bed_busy_polls(), 0);
        for (uint32_t i = 0; i <= refusals; i++) {
            bed.now_us += 6000;
            peer_run(&p);
        }
        CU_ASSERT_TRUE_FATAL(p.tls.established && p.backend);
        flow_connects(p.backend);
        p.client->refusals = p.backend->refusals = refusals;
        flow_says(p.backend, pattern(100000), 100000, 1460);
        buffer_add(&p.tls.to_send, pattern(100000), 100000);
        peer_run(&p);
        CU_ASSERT_EQUAL(bed_busy_polls(), 0);
        for (uint32_t i = 0; i <= refusals; i++) {
            bed.now_us += 6000;
            peer_run(&p);
        }
        is_pattern(&p.tls.received, 100000);
        is_pattern(&p.backend->sent, 100000);
        CU_ASSERT_EQUAL(p.client->unconsumed, 0);
        CU_ASSERT_EQUAL(p.backend->unconsumed, 0);
        peer_free(&p);
        bed_stop();
    }
}

/* The same in the middle of an answer of which something is on its way. */
static void refused_while_under_way(void)
{
    struct peer p;
    bed_start(NULL);
    peer_establish(&p, NULL);
    p.is_mute = true;
    flow_says(p.backend, pattern(100000), 30000, 1460);
    peer_run(&p);
    CU_ASSERT_TRUE(p.client->unacked > 0);
    p.client->refusals = 1;
    flow_says(p.backend, pattern(100000) + 30000, 70000, 1460);
    peer_run(&p);
    CU_ASSERT_EQUAL(bed_busy_polls(), 0);
    p.is_mute = false;
    flow_acks(p.client, 1); /* that is reason enough */
    peer_run(&p);
    is_pattern(&p.tls.received, 100000);
    peer_free(&p);
    bed_stop();
}

/* Without buffers of a pool nobody is ended; with them all goes on. */
static void without_buffers(void)
{
    struct rte_mempool *pools[2];
    for (unsigned int k = 0; k < 2; k++) {
        struct peer p;
        unsigned int num;
        bed_start(NULL);
        pools[0] = bed.port.tx_pool;
        pools[1] = bed.port.clones;
        for (unsigned int during = 0; during < 2; during++) {
            peer_start(&p, NULL);
            if (during) {
                peer_run(&p);
                CU_ASSERT_TRUE_FATAL(p.tls.established && p.backend);
                flow_connects(p.backend);
                peer_run(&p);
            }
            struct rte_mbuf **hoard = bed_hoard(pools[k], 0, &num);
            if (during) {
                flow_says(p.backend, pattern(100000), 100000, 1460);
                buffer_add(&p.tls.to_send, pattern(100000), 100000);
            }
            peer_run(&p);
            CU_ASSERT_EQUAL(bed_busy_polls(), 0);
            bed.now_us += 6000;
            peer_run(&p);
            bed_unhoard(hoard, num);
            for (int i = 0; i < 20; i++) {
                bed.now_us += 6000;
                peer_run(&p);
            }
            CU_ASSERT_TRUE(p.tls.established);
            if (during) {
                is_pattern(&p.tls.received, 100000);
                is_pattern(&p.backend->sent, 100000);
            }
            CU_ASSERT_EQUAL(bed_report().app.ended[END_NO_MEMORY], 0);
            peer_free(&p);
        }
        bed_stop();
    }
}

/* A reader that stopped holds what it was sent; the answer waits with the backend. */
static void slow_reader_holds_the_backend(void)
{
    struct peer p;
    bed_start(NULL);
    peer_establish(&p, NULL);
    p.client->holds = p.is_mute = true;
    flow_says(p.backend, pattern(300000), 300000, 1460);
    peer_run(&p);
    CU_ASSERT_TRUE(p.client->unacked <= 65536);
    CU_ASSERT_TRUE(p.backend->unconsumed >= 300000 - 65536);
    CU_ASSERT_EQUAL(bed_busy_polls(), 0);
    while (p.client->unacked) {
        flow_acks(p.client, 1000);
        peer_run(&p);
    }
    is_pattern(&p.tls.received, 300000);
    peer_free(&p);
    bed_stop();
}

/* Crumbs from either side: more buffers than one look at a queue covers. */
static void crumbs(void)
{
    struct peer p;
    bed_start(NULL);
    peer_establish(&p, NULL);
    p.client->room = 0;
    flow_says(p.backend, pattern(30000), 30000, 7);
    peer_run(&p);
    p.client->room = 65536;
    flow_acks(p.client, UINT32_MAX);
    bed.now_us += 6000;
    peer_run(&p);
    is_pattern(&p.tls.received, 30000);
    buffer_add(&p.tls.to_send, pattern(40000), 40000);
    struct side *sides[] = {&p.tls};
    while (loop_poll(&bed.loop, sides, 1))
        ;
    flow_says(p.client, p.tls.wire_out.data, p.tls.wire_out.len, 3);
    p.tls.wire_out.len = 0;
    peer_run(&p);
    is_pattern(&p.backend->sent, 40000);
    peer_free(&p);
    bed_stop();
}

/* A client stays with what was served when it came; then that is given back, or at once where
 * nobody has it. */
static void newer_views(void)
{
    struct peer early, late;
    bed_start(NULL);
    struct view *second = bed_publish();
    CU_ASSERT_PTR_NULL(bed_views_back());
    bed_poll();
    struct view *back = bed_views_back();
    CU_ASSERT_TRUE(back && back != second && !back->next);
    view_free(back);
    peer_establish(&early, NULL);
    struct view *third = bed_publish();
    bed_poll();
    CU_ASSERT_PTR_NULL(bed_views_back());
    peer_establish(&late, NULL);
    CU_ASSERT_TRUE(second->num_sessions == 1 && third->num_sessions == 1);
    flow_ends(early.client, FLOW_END_RESET);
    bed_poll();
    bed_poll();
    back = bed_views_back();
    CU_ASSERT_TRUE(back == second && !back->next && third->num_sessions == 1);
    view_free(back);
    flow_ends(late.client, FLOW_END_RESET);
    bed_poll();
    bed_poll();
    CU_ASSERT_TRUE(!bed_views_back() && !third->num_sessions); /* it is for who comes next */
    peer_free(&early);
    peer_free(&late);
    bed_stop();
}

const struct lks_test *move_tests(void)
{
    static const struct lks_test tests[] = {
        {"both ways", moves_both_ways},
        {"only sealing copies", only_sealing_copies},
        {"close_notify and FIN with the last byte", closes_without_waiting},
        {"any MSS", any_mss},
        {"any room", any_room},
        {"a long flight of our own", long_flight},
        {"refused sends", refused_sends},
        {"refused with bytes under way", refused_while_under_way},
        {"without buffers", without_buffers},
        {"a slow reader", slow_reader_holds_the_backend},
        {"crumbs", crumbs},
        {"a PROXY header first", proxy_header_first},
        {"newer views", newer_views},
        {0},
    };
    return tests;
}
