/* SPDX-License-Identifier: BSD-3-Clause */

/* Who ends what, and how: each row of "How a session ends" in docs/ARCHITECTURE.md, in both
 * versions of TLS. */

#include <stdio.h>
#include <string.h>

#include "bed.h"
#include "common/test.h"
#include "conn/client.h"
#include "conn/conn.h"
#include "ends.h"

#define UPLOAD 30000u

static void uploads(struct peer *p, uint32_t len)
{
    buffer_add(&p->tls.to_send, pattern(len), len);
    peer_run(p);
}

/* A few more records, which need not arrive. */
static void uploads_more(struct peer *p)
{
    buffer_add(&p->tls.to_send, pattern(5000), 5000);
    peer_run(p);
}

/* The client's close_notify before, with or behind the answer, FIN with it or not. */
static void client_says_all(struct peer *p)
{
    uploads(p, UPLOAD);
    lks_conn_close(p->tls.conn);
    peer_run(p);
    CU_ASSERT_TRUE(p->backend->is_shut);
    is_pattern(&p->backend->sent, UPLOAD);
    answers(p, ANSWER);
    peer_run(p);
    still_there();
    flow_says_fin(p->backend);
    peer_run(p);
    got_all(p);
    CU_ASSERT_TRUE(p->backend->is_closed);
    ended(END_CLEAN, 1);
}

static void client_says_all_and_fin(struct peer *p)
{
    uploads(p, UPLOAD);
    lks_conn_close(p->tls.conn);
    peer_turn(p);
    peer_speaks(p);
    flow_says_fin(p->client);
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    peer_run(p);
    is_pattern(&p->backend->sent, UPLOAD);
    got_all(p);
    CU_ASSERT_TRUE(p->backend->is_shut && p->backend->is_closed);
    ended(END_CLEAN, 1);
}

/* The same where close_notify cannot leave at once. */
static void client_fin_and_no_room(struct peer *p)
{
    lks_conn_close(p->tls.conn);
    peer_turn(p);
    p->is_mute = true;
    peer_speaks(p);
    flow_says_fin(p->client);
    p->client->room = ANSWER / 2;
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    peer_run(p);
    CU_ASSERT_FALSE(p->client->is_shut);
    still_there();
    p->is_mute = false;
    flow_acks(p->client, 1);
    peer_run(p);
    got_all(p);
    ended(END_CLEAN, 1);
}

/* The backend is still read to while its own end is long known. */
static void backend_half_closes(struct peer *p)
{
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    peer_run(p);
    got_all(p);
    uploads(p, UPLOAD);
    is_pattern(&p->backend->sent, UPLOAD);
    CU_ASSERT_FALSE(p->backend->is_shut);
    bed_wait(5);
    still_there();
    lks_conn_close(p->tls.conn);
    peer_run(p);
    CU_ASSERT_TRUE(p->backend->is_shut && p->backend->is_closed);
    ended(END_CLEAN, 1);
}

/* It has not taken all when both sides have said all. */
static void backend_half_closes_and_is_slow(struct peer *p)
{
    p->backend->room = 1000;
    p->is_deaf = true;
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    uploads(p, UPLOAD);
    lks_conn_close(p->tls.conn);
    peer_turn(p);
    peer_speaks(p);
    flow_says_fin(p->client);
    peer_run(p);
    got_all(p);
    still_there();
    p->is_deaf = false;
    flow_acks(p->backend, 1);
    peer_run(p);
    is_pattern(&p->backend->sent, UPLOAD);
    CU_ASSERT_TRUE(p->backend->is_shut && p->backend->is_closed);
    ended(END_CLEAN, 1);
}

/* 413 and the like: a reset behind the backend's FIN says only that it takes no more. */
static void begin_drain(struct peer *p)
{
    uploads(p, UPLOAD);
    p->client->room = 20000; /* so the answer is not gone yet when the reset comes */
    p->is_mute = true;
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    peer_run(p);
    flow_ends(p->backend, FLOW_END_RESET);
    uploads_more(p);
    CU_ASSERT_EQUAL(p->client->unconsumed, 0);
    still_there();
    p->is_mute = false;
    flow_acks(p->client, 1);
    peer_run(p);
    got_all(p);
    uploads_more(p);
    CU_ASSERT_EQUAL(p->client->unconsumed, 0);
    still_there();
}

static void drain_ends_by_fin(struct peer *p)
{
    begin_drain(p);
    flow_says_fin(p->client);
    peer_run(p);
    CU_ASSERT_TRUE(p->client->is_closed && !p->client->is_aborted);
    ended(END_CLEAN, 1);
}

static void drain_ends_by_silence(struct peer *p)
{
    begin_drain(p);
    bed_wait(3);
    still_there();
    bed_wait(2);
    CU_ASSERT_TRUE(p->client->is_closed);
    ended(END_CLEAN, 1);
}

static void drain_ends_by_time(struct peer *p)
{
    begin_drain(p);
    for (int i = 0; i < 28; i++) {
        bed_wait(1);
        uploads_more(p);
    }
    CU_ASSERT_EQUAL(p->client->unconsumed, 0);
    still_there();
    for (int i = 0; i < 2; i++) {
        bed_wait(1);
        uploads_more(p);
    }
    CU_ASSERT_TRUE(p->client->is_closed);
    ended(END_CLEAN, 1);
}

/* It sends for ever and reads nothing: what is thrown away is no sign of life. */
static void drain_without_reading(struct peer *p)
{
    p->is_mute = true;
    p->client->room = 20000;
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    peer_run(p);
    flow_ends(p->backend, FLOW_END_RESET);
    for (int i = 0; i < 101; i++) {
        bed_wait(1);
        uploads_more(p);
    }
    ended(END_IDLE_TIMEOUT, 1);
}

/* In the middle of an answer: what there was arrives, and does not pass for the whole. */
static void backend_resets(struct peer *p)
{
    p->client->room = 20000;
    answers(p, ANSWER);
    flow_ends(p->backend, FLOW_END_RESET);
    uploads_more(p);
    is_pattern(&p->tls.received, ANSWER);
    CU_ASSERT_FALSE(p->tls.closed);
    CU_ASSERT_TRUE(p->client->is_aborted && !p->client->is_shut);
    ended(END_BACKEND_RESET, 1);
}

static void backend_resets_at_once(struct peer *p)
{
    uploads(p, UPLOAD);
    flow_ends(p->backend, FLOW_END_RESET);
    bed_settle();
    CU_ASSERT_TRUE(p->client->is_aborted && !p->client->is_shut);
    ended(END_BACKEND_RESET, 1);
}

static void backend_resets_a_stuck_client(struct peer *p)
{
    p->is_mute = true;
    answers(p, ANSWER);
    flow_ends(p->backend, FLOW_END_RESET);
    peer_run(p);
    still_there();
    bed_wait(10);
    CU_ASSERT_TRUE(p->client->is_aborted);
    ended(END_BACKEND_RESET, 1);
}

static void backend_flow_without_memory(struct peer *p)
{
    flow_ends(p->backend, FLOW_END_NO_MEMORY);
    peer_run(p);
    CU_ASSERT_TRUE(p->client->is_aborted);
    ended(END_NO_MEMORY, 1);
}

/* FIN alone: whether it said all nobody knows, so the backend must not think so. */
static void client_is_cut(struct peer *p)
{
    uploads(p, UPLOAD);
    flow_says_fin(p->client);
    peer_run(p);
    CU_ASSERT_TRUE(p->backend->is_aborted && !p->backend->is_shut);
    ended(END_CLIENT_TRUNCATED, 1);
}

static void client_is_cut_behind_the_answer(struct peer *p)
{
    p->is_mute = true;
    p->client->room = 20000;
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    peer_run(p);
    flow_says_fin(p->client);
    peer_run(p);
    still_there();
    p->is_mute = false;
    flow_acks(p->client, 1);
    peer_run(p);
    got_all(p);
    CU_ASSERT_TRUE(p->backend->is_aborted && !p->backend->is_shut);
    ended(END_CLEAN, 1);
}

static void client_resets(struct peer *p)
{
    uploads(p, UPLOAD);
    answers(p, ANSWER);
    flow_ends(p->client, FLOW_END_RESET);
    bed_settle();
    CU_ASSERT_TRUE(p->backend->is_aborted && !p->backend->is_shut);
    ended(END_CLIENT_RESET, 1);
}

/* All that it said comes in one burst with the reset, and was meant. */
static void client_says_all_and_resets(struct peer *p)
{
    p->backend->room = 20000;
    p->is_deaf = true;
    buffer_add(&p->tls.to_send, pattern(UPLOAD), UPLOAD);
    struct side *sides[] = {&p->tls};
    while (loop_poll(&bed.loop, sides, 1))
        ;
    lks_conn_close(p->tls.conn);
    while (loop_poll(&bed.loop, sides, 1))
        ;
    peer_speaks(p);
    flow_ends(p->client, FLOW_END_RESET);
    bed_poll();
    still_there();
    answers(p, ANSWER); /* nobody reads it */
    while (p->backend->unacked) {
        flow_acks(p->backend, UINT32_MAX);
        bed_poll();
    }
    is_pattern(&p->backend->sent, UPLOAD);
    CU_ASSERT_TRUE(p->backend->is_shut && p->backend->is_closed);
    ended(END_CLIENT_RESET, 1);
}

static void client_is_gone_and_the_backend_stuck(struct peer *p)
{
    p->backend->room = 1000;
    p->is_deaf = true;
    uploads(p, UPLOAD);
    lks_conn_close(p->tls.conn);
    peer_run(p);
    flow_ends(p->client, FLOW_END_RESET);
    bed_wait(9);
    still_there();
    bed_wait(1);
    CU_ASSERT_TRUE(p->backend->is_aborted && !p->backend->is_shut);
    ended(END_CLIENT_RESET, 1);
}

static void client_alerts(struct peer *p)
{
    uint8_t junk[64] = {LKS_TYPE_APPLICATION_DATA, 3, 3, 0, 59};
    buffer_add(&p->tls.wire_in, junk, sizeof(junk)); /* our client says bad_record_mac */
    peer_run(p);
    CU_ASSERT_TRUE(p->client->is_closed && p->backend->is_aborted);
    CU_ASSERT_EQUAL(bed_report().app.bad_records, 0);
    ended(END_CLIENT_ALERT, 1);
}

/* The alert and FIN, then nothing of ours that could overtake them. */
static void tls_goes_wrong(struct peer *p)
{
    uint8_t junk[64] = {LKS_TYPE_APPLICATION_DATA, 3, 3, 0, 59};
    flow_says(p->client, junk, sizeof(junk), 1460);
    flow_says(p->client, junk, sizeof(junk), 1460);
    bed_poll();
    CU_ASSERT_TRUE(p->client->is_shut && p->backend->is_aborted);
    CU_ASSERT_FALSE(p->client->is_closed);
    flow_says(p->client, junk, sizeof(junk), 1460);
    CU_ASSERT_EQUAL(p->client->unconsumed, 0);
    peer_turn(p);
    CU_ASSERT_EQUAL(p->tls.end, LKS_PEER_ALERT);
    const struct report r = bed_report();
    CU_ASSERT_EQUAL(r.app.bad_records, 1);
    CU_ASSERT_EQUAL(r.app.alerts_sent[20], 1);
    still_there();
    flow_says_fin(p->client);
    bed_settle();
    ended(END_TLS_ERROR, 1);
}

static void tls_goes_wrong_and_client_stays(struct peer *p)
{
    uint8_t junk[64] = {LKS_TYPE_APPLICATION_DATA, 3, 3, 0, 59};
    flow_says(p->client, junk, sizeof(junk), 1460);
    bed_poll();
    still_there();
    bed_wait(5);
    CU_ASSERT_TRUE(p->client->is_closed);
    ended(END_TLS_ERROR, 1);
}

static void idle(struct peer *p)
{
    bed_wait(99);
    still_there();
    bed_wait(1);
    CU_ASSERT_TRUE(p->client->is_closed && p->backend->is_aborted);
    ended(END_IDLE_TIMEOUT, 1);
}

/* It has all, acknowledged it, and says nothing more. */
static void client_stays(struct peer *p)
{
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    peer_run(p);
    bed_wait(9);
    still_there();
    bed_wait(1);
    CU_ASSERT_TRUE(p->backend->is_aborted); /* it never heard that the client had said all */
    ended(END_CLEAN, 1);
}

/* It went away without a word: nobody knows whether it got the end. */
static void client_acknowledges_nothing(struct peer *p)
{
    p->is_mute = true;
    answers(p, 1000);
    flow_says_fin(p->backend);
    peer_run(p);
    bed_wait(10);
    ended(END_IDLE_TIMEOUT, 1);
}

/* Both FINs are acknowledged before the session was looked at again. */
static void client_flow_finishes(struct peer *p)
{
    answers(p, ANSWER);
    flow_says_fin(p->backend);
    peer_run(p);
    got_all(p);
    flow_says_fin(p->client);
    flow_ends(p->client, FLOW_END_CLOSED);
    bed_settle();
    ended(END_CLEAN, 1);
}

static const struct end_row rows[] = {
    {"client: close_notify", client_says_all},
    {"client: close_notify, FIN", client_says_all_and_fin},
    {"client: close_notify, FIN, and no room", client_fin_and_no_room},
    {"client: FIN", client_is_cut},
    {"client: FIN, behind the backend's", client_is_cut_behind_the_answer},
    {"client: RST", client_resets},
    {"client: close_notify, RST", client_says_all_and_resets},
    {"client: close_notify, RST, a stuck backend", client_is_gone_and_the_backend_stuck},
    {"client: alert", client_alerts},
    {"client: forgery", tls_goes_wrong},
    {"client: forgery, and it stays", tls_goes_wrong_and_client_stays},
    {"client: nothing", idle},
    {"client: nothing behind the answer", client_stays},
    {"client: no acknowledgement", client_acknowledges_nothing},
    {"client: both FINs", client_flow_finishes},
    {"backend: FIN, reads on", backend_half_closes},
    {"backend: FIN, reads on slowly", backend_half_closes_and_is_slow},
    {"backend: FIN, RST; client: FIN", drain_ends_by_fin},
    {"backend: FIN, RST; client: silence", drain_ends_by_silence},
    {"backend: FIN, RST; client: no end", drain_ends_by_time},
    {"backend: FIN, RST; client: reads nothing", drain_without_reading},
    {"backend: RST in the middle", backend_resets},
    {"backend: RST before an answer", backend_resets_at_once},
    {"backend: RST, client stuck", backend_resets_a_stuck_client},
    {"backend: no memory", backend_flow_without_memory},
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

/* No backend to begin with: an orderly end, and the upload goes nowhere, but goes. */
static void backend_is_not_there(void)
{
    static const struct {
        enum flow_end how;
        bool at_once;
        enum session_end end;
    } cases[] = {{FLOW_END_REFUSED, false, END_BACKEND_UNREACHABLE},
                 {FLOW_END_UNREACHABLE, false, END_BACKEND_UNREACHABLE},
                 {FLOW_END_NO_MEMORY, true, END_NO_MEMORY}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct peer p;
        bed_start(NULL);
        bed.no_connect = cases[i].at_once;
        peer_start(&p, NULL);
        peer_run(&p);
        uploads(&p, UPLOAD);
        if (p.backend)
            flow_ends(p.backend, cases[i].how);
        peer_run(&p);
        CU_ASSERT_TRUE(p.tls.closed && p.client->is_shut);
        uploads_more(&p);
        CU_ASSERT_EQUAL(p.client->unconsumed, 0);
        still_there();
        flow_says_fin(p.client);
        bed_settle();
        CU_ASSERT_FALSE(p.client->is_aborted);
        ended(cases[i].end, 1);
        peer_free(&p);
        bed_stop();
    }
}

/* Before there is a handshake. */
static void nothing_but_an_end(void)
{
    static const uint8_t close_notify[] = {LKS_TYPE_ALERT, 3, 1, 0, 2, 1, 0};
    static const struct {
        bool says_close, fin, reset;
        enum session_end end;
    } cases[] = {{true, false, false, END_CLEAN},
                 {true, true, false, END_CLEAN},
                 {false, true, false, END_CLIENT_TRUNCATED},
                 {false, false, true, END_CLIENT_RESET},
                 {true, false, true, END_CLIENT_RESET},
                 {false, false, false, END_HANDSHAKE_TIMEOUT}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct peer p;
        bed_start(NULL);
        peer_start(&p, NULL);
        if (cases[i].says_close)
            flow_says(p.client, close_notify, sizeof(close_notify), 1460);
        if (cases[i].fin)
            flow_says_fin(p.client);
        if (cases[i].reset)
            flow_ends(p.client, FLOW_END_RESET);
        bed_settle();
        if (cases[i].end == END_HANDSHAKE_TIMEOUT) {
            still_there();
            bed_wait(20);
        }
        ended(cases[i].end, 1);
        CU_ASSERT_EQUAL(bed_report().app.handshake_failures, 1);
        if (cases[i].end == END_CLEAN) /* an answer in kind */
            LKS_CHECK(p.client->sent.len == 7 && p.client->sent.data[0] == LKS_TYPE_ALERT &&
                          p.client->sent.data[6] == 0 && p.client->is_shut,
                      "%zu bytes", p.client->sent.len);
        peer_free(&p);
        bed_stop();
    }
}

/* In the middle of the handshake: FIN, or close_notify in its keys. */
static void end_within_the_handshake(void)
{
    struct peer p;
    bed_start(NULL);
    peer_start(&p, NULL);
    peer_turn(&p);
    flow_says_fin(p.client);
    bed_settle();
    ended(END_CLIENT_TRUNCATED, 1);
    peer_free(&p);
    peer_start(&p, NULL);
    uint8_t junk[] = {LKS_TYPE_HANDSHAKE, 3, 1, 0, 4, 99, 0, 0, 0};
    flow_says(p.client, junk, sizeof(junk), 1460);
    bed_poll();
    CU_ASSERT_TRUE(p.client->is_shut);
    CU_ASSERT_EQUAL(bed_report().app.bad_records, 0); /* the message was wrong, not the record */
    flow_says_fin(p.client);
    bed_settle();
    CU_ASSERT_EQUAL(bed_report().app.ended[END_TLS_ERROR], 1);
    CU_ASSERT_EQUAL(bed_report().app.handshake_failures, 2);
    peer_free(&p);
    bed_stop();
}

/* TLS 1.2 has no new key when one is used up: the answer is cut, the client told so by a fatal
 * internal_error, the backend reset; and it is no clean end, however the client goes on. */
static void key_is_used_up(void)
{
    struct peer p;
    bed_start("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    peer_establish(&p, NULL);
    struct lks_key *key = &((struct session *)p.client->user)->tls->seal_key;
    while (!lks_key_wants_update(key))
        key->seq += 1u << 12;
    p.tls.conn->open_key.seq = key->seq;
    answers(&p, ANSWER);
    peer_run(&p);
    struct lks_conn_info info;
    lks_conn_get_info(p.tls.conn, &info);
    CU_ASSERT_EQUAL(p.tls.end, LKS_PEER_ALERT);
    CU_ASSERT_EQUAL(info.peer_alert, 80);
    CU_ASSERT_TRUE(p.tls.received.len > 0 && !p.tls.closed);
    is_pattern(&p.tls.received, p.tls.received.len);
    CU_ASSERT_TRUE(p.client->is_shut && p.backend->is_aborted);
    CU_ASSERT_EQUAL(bed_report().app.alerts_sent[80], 1);
    CU_ASSERT_EQUAL(bed_report().app.alerts_sent[0], 0);
    flow_says_fin(p.client);
    bed_settle();
    ended(END_TLS_ERROR, 1);
    peer_free(&p);
    bed_stop();
}

/* So many at a time that TCP has room for all the resets (NET_OUT_RING is 1024), whether they are
 * late or lockstepd stops. */
static void many_at_once(void)
{
    static struct peer peers[600];
    const uint32_t usual = bed_max_sessions;
    bed_max_sessions = 600;
    for (unsigned int stops = 0; stops < 2; stops++) {
        bed_start(NULL);
        for (uint32_t i = 0; i < 600; i++)
            peer_start(&peers[i], NULL);
        bed.num_ended = bed.most_ended = 0;
        if (stops)
            bed_end_sessions();
        else
            bed_wait(22);
        LKS_CHECK(bed.most_ended && bed.most_ended <= 512, "%u flows", bed.most_ended);
        ended(stops ? END_SHUTDOWN : END_HANDSHAKE_TIMEOUT, 600);
        for (uint32_t i = 0; i < 600; i++)
            peer_free(&peers[i]);
        bed_stop();
    }
    bed_max_sessions = usual;
}

const struct lks_test *end_tests(void)
{
    static const struct lks_test tests[] = {
        {"who ends what, TLS 1.3", rows_in_tls13},
        {"who ends what, TLS 1.2", rows_in_tls12},
        {"no backend", backend_is_not_there},
        {"an end and nothing else", nothing_but_an_end},
        {"an end within the handshake", end_within_the_handshake},
        {"a key that is used up", key_is_used_up},
        {"many at once", many_at_once},
        {0},
    };
    return tests;
}
