/* SPDX-License-Identifier: BSD-3-Clause */

/* lockstepd is to stop: what becomes of a connection, in both versions of TLS. */

#include "common/test.h"
#include "conn/client.h"
#include "conn/conn.h"
#include "ends.h"

static void stops(bool now)
{
    bed.stop.num_left = 1;
    bed.stop.now = now;
    bed.stop.asked = true;
    for (int i = 0; i < 4; i++) /* a step each */
        bed_poll();
}

/* Connections that there are go on to their own end, and lockstepd's follows at once. */
static void stop_waits(struct peer *p)
{
    stops(false);
    bed_wait(4);
    CU_ASSERT_FALSE(bed.has_unlistened);
    bed_wait(1);
    CU_ASSERT_TRUE(bed.has_unlistened);
    bed_wait(25);
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    peer_run(p);
    still_there();
    CU_ASSERT_EQUAL(bed.drain.stage, DRAIN_WAIT);
    lks_conn_close(p->tls.conn);
    peer_run(p);
    got_all(p);
    ended(END_CLEAN, 1);
    bed_settle();
    CU_ASSERT_TRUE(drain_is_over(&bed.drain, &bed.stop));
}

/* Nothing waits: close_notify and FIN. */
static void stop_in_silence(struct peer *p, bool now)
{
    answers(p, ANSWER);
    peer_run(p);
    stops(now);
    bed_wait(now ? 0 : 34);
    CU_ASSERT_FALSE(p->tls.closed);
    bed_wait(now ? 0 : 1);
    peer_run(p);
    got_all(p);
    CU_ASSERT_TRUE(p->backend->is_aborted);
    still_there();
    flow_says_fin(p->client);
    bed_settle();
    CU_ASSERT_TRUE(p->client->is_closed);
    ended(END_SHUTDOWN, 1);
    CU_ASSERT_TRUE(drain_is_over(&bed.drain, &bed.stop));
}

static void stop_after_all(struct peer *p)
{
    stop_in_silence(p, false);
}

static void stop_now(struct peer *p)
{
    stop_in_silence(p, true);
}

/* It has been told, and says nothing. */
static void stop_and_client_stays(struct peer *p)
{
    stops(true);
    peer_run(p);
    CU_ASSERT_TRUE(p->tls.closed);
    bed_wait(1);
    still_there();
    bed_wait(1);
    CU_ASSERT_TRUE(p->client->is_closed && !p->client->is_aborted);
    ended(END_SHUTDOWN, 1);
}

/* What there is of an answer arrives, and does not pass for the whole. */
static void stop_in_an_answer(struct peer *p)
{
    p->is_mute = true;
    p->client->room = 20000;
    answers(p, ANSWER);
    peer_run(p);
    stops(true);
    peer_run(p);
    still_there();
    p->is_mute = false;
    flow_acks(p->client, 1);
    peer_run(p);
    is_pattern(&p->tls.received, ANSWER);
    CU_ASSERT_FALSE(p->tls.closed);
    CU_ASSERT_TRUE(p->client->is_closed && !p->client->is_aborted && p->backend->is_aborted);
    ended(END_SHUTDOWN, 1);
}

/* Its client takes no more: nothing but a reset says that. */
static void stop_and_client_stuck(struct peer *p)
{
    p->is_mute = true;
    answers(p, ANSWER);
    peer_run(p);
    bed_end_sessions();
    CU_ASSERT_TRUE(p->client->is_aborted && p->backend->is_aborted);
    ended(END_SHUTDOWN, 1);
}

static const struct end_row rows[] = {
    {"stop: what there is goes on", stop_waits},
    {"stop: silence", stop_after_all},
    {"stop: now", stop_now},
    {"stop: now, and the client stays", stop_and_client_stays},
    {"stop: now, in an answer", stop_in_an_answer},
    {"stop: now, client stuck", stop_and_client_stuck},
    {0},
};

static void rows_in_tls13(void)
{
    each_row(rows, NULL);
}

static void rows_in_tls12(void)
{
    each_row(rows, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
}

const struct lks_test *drain_tests(void)
{
    static const struct lks_test tests[] = {
        {"TLS 1.3", rows_in_tls13}, {"TLS 1.2", rows_in_tls12}, {0}};
    return tests;
}
