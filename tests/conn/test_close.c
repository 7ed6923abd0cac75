/* SPDX-License-Identifier: BSD-3-Clause */

/* close_notify at every stage: ours, the peer's, and somebody else's. And what is never sent
 * unasked: a record of application data without any. */

#include <string.h>

#include "conn/conn.h"
#include "test_conn.h"

#define TLS12 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
#define TLS13 "TLS_AES_128_GCM_SHA256"

static const uint8_t plain_close[] = {21, 3, 3, 0, 2, 1, 0};

/* A kind of handshake, and from which turn of loopback_turn() on each role, client and server, */
static const struct handshake {
    const char *what, *suite;
    bool resumed, early, retried;
    int finished[2]; /* has said its Finished: before that, closing gives the handshake up */
    int deaf[2];     /* takes nothing in the clear any more */
} handshakes[] = {
    {"TLS 1.3", TLS13, false, false, false, {4, 2}, {3, 5}},
    {"TLS 1.3, retried", TLS13, false, false, true, {6, 4}, {5, 7}},
    {"TLS 1.3, resumed", TLS13, true, false, false, {4, 2}, {3, 5}},
    {"TLS 1.3, early data", TLS13, true, true, false, {4, 2}, {3, 5}},
    {"TLS 1.2", TLS12, false, false, false, {3, 5}, {7, 5}},
    {"TLS 1.2, resumed", TLS12, true, false, false, {4, 2}, {4, 5}},
};

#define NUM_HANDSHAKES (sizeof(handshakes) / sizeof(handshakes[0]))

/* Both sides before their first turn; the session, if there is one, is the caller's to keep. */
static void begin(struct two *t, const struct handshake *h, uint8_t session[LKS_SESSION_MAX])
{
    struct lks_conn_options options = localhost;
    struct lks_error err;
    two_init(t, h->suite);
    CU_ASSERT_EQUAL(set_early_data(t->server, h->early ? 1000 : 0, 10000, 64), LKS_OK);
    if (h->retried)
        CU_ASSERT_EQUAL(lks_policy_set_groups(t->server->policy, "secp384r1", &err), LKS_OK);
    if (h->resumed) {
        loopback_run(&t->l);
        loopback_echo(&t->l, 1);
        CU_ASSERT_TRUE_FATAL(t->l.client.session_len != 0);
        memcpy(session, t->l.client.session, t->l.client.session_len);
        options.session = session;
        options.session_len = t->l.client.session_len;
    }
    options.early_data = h->early;
    loopback_free(&t->l);
    loopback_init(&t->l, t->client, t->server, &options);
}

/* Nothing is sealed, opened or told any more by who gave up. */
static void check_given_up(struct two *t, struct side *s, const char *what, int turns)
{
    uint8_t bytes[20] = {23, 3, 3, 0, 15};
    struct lks_span in = {bytes, sizeof(bytes)};
    size_t taken;
    LKS_CHECK(!s->established && !lks_conn_is_established(s->conn), "%s, %d: established", what,
              turns);
    CU_ASSERT_FALSE(lks_conn_can_seal(s->conn));
    CU_ASSERT_EQUAL(lks_conn_seal(s->conn, &in, 1, &in, 1, &t->l.loop.seal), LKS_CLOSED);
    CU_ASSERT_EQUAL(lks_conn_own_len(s->conn), 0);
    lks_batch_reset(&t->l.loop.open);
    CU_ASSERT_EQUAL(lks_conn_open(s->conn, &in, 1, &t->l.loop.open, &taken, NULL), LKS_CLOSED);
    CU_ASSERT_TRUE(taken == sizeof(bytes) && t->l.loop.open.num_ops == 0);
}

/* One side closes after so many turns. */
static void close_at(const struct handshake *h, bool client_closes, int turns)
{
    struct two t;
    uint8_t session[LKS_SESSION_MAX];
    begin(&t, h, session);
    struct side *from = client_closes ? &t.l.client : &t.l.server,
                *to = client_closes ? &t.l.server : &t.l.client;
    const bool gives_up = turns < h->finished[!client_closes];
    if (h->early)
        buffer_add(&t.l.client.to_send, "early", 5);
    for (int i = 0; i < turns; i++)
        loopback_turn(&t.l);
    lks_conn_close(from->conn);
    t.l.client.to_send.len = 0;
    loopback_run(&t.l);
    LKS_CHECK(from->end == LKS_OK && to->end == LKS_OK, "%s, %d turns: %s and %s", h->what, turns,
              lks_status_name(from->end), lks_status_name(to->end));
    LKS_CHECK(lks_conn_close_sent(from->conn) && lks_conn_close_received(to->conn),
              "%s, %d turns: no close_notify", h->what, turns);
    LKS_CHECK(to->established == !gives_up && from->established == !gives_up,
              "%s, %s, %d turns: %d and %d established", h->what,
              client_closes ? "client" : "server", turns, from->established, to->established);
    CU_ASSERT_EQUAL(lks_conn_truncated(to->conn), gives_up);
    if (gives_up) {
        check_given_up(&t, from, h->what, turns);
    } else if (from->established) { /* the other direction goes on */
        buffer_add(&to->to_send, "still here", 10);
        from->received.len = 0;
        loopback_run(&t.l);
        CU_ASSERT_EQUAL(from->received.len, 10);
        CU_ASSERT_PTR_NULL(from->conn->handshake); /* also where tickets would have followed */
        lks_conn_close(to->conn);
        loopback_run(&t.l);
        CU_ASSERT_TRUE(from->closed && !lks_conn_truncated(from->conn));
    }
    CU_ASSERT_TRUE(!from->num_empty && !to->num_empty);
    two_free(&t);
}

/* RFC 8446 section 6.1: closed is closed. [8446 6.1-3 6.1-4] */
static void close_at_every_stage(void)
{
    for (size_t i = 0; i < NUM_HANDSHAKES; i++)
        for (int turns = 0; turns < 8; turns++)
            for (int client_closes = 0; client_closes < 2; client_closes++)
                close_at(&handshakes[i], client_closes, turns);
}

/* While public-key work is out: its result is dropped, and none is begun. */
static void close_while_a_job_is_out(void)
{
    for (size_t i = 0; i < NUM_HANDSHAKES; i++) {
        for (int when = 0; when < 6; when++) { /* client and server; waiting, taken, done */
            struct two t;
            uint8_t session[LKS_SESSION_MAX];
            enum lks_event event = LKS_EVENT_ESTABLISHED;
            if (handshakes[i].resumed || (handshakes[i].retried && when < 3))
                continue;
            begin(&t, &handshakes[i], session);
            struct side *s = when < 3 ? &t.l.client : &t.l.server;
            CU_ASSERT_EQUAL(
                lks_policy_set_deferred_pkey((when < 3 ? t.client : t.server)->policy, true, NULL),
                LKS_OK);
            loopback_run(&t.l);
            struct lks_pkey_job *job = when % 3 ? lks_conn_take_pkey_job(s->conn) : NULL;
            CU_ASSERT_TRUE(job || when % 3 == 0);
            if (when % 3 == 2)
                lks_pkey_job_run(job);
            lks_conn_close(s->conn);
            CU_ASSERT_PTR_NULL(lks_conn_take_pkey_job(s->conn));
            if (job) {
                CU_ASSERT_EQUAL(lks_conn_pkey_done(s->conn, job, &event), LKS_OK);
                CU_ASSERT_EQUAL(event, LKS_EVENT_NONE);
            }
            loopback_run(&t.l);
            CU_ASSERT_TRUE(lks_conn_close_sent(s->conn) && !s->end);
            check_given_up(&t, s, handshakes[i].what, when);
            two_free(&t);
        }
    }
}

/* A record is in the engine when the application closes. */
static void close_while_a_record_is_opened(void)
{
    struct two t;
    enum lks_event event;
    size_t taken;
    two_init(&t, TLS13);
    for (int i = 0; i < 3; i++)
        loopback_turn(&t.l); /* the server's Finished is next */
    struct lks_batch *batch = &t.l.loop.open;
    struct side *s = &t.l.client;
    struct lks_span in = {s->wire_in.data, s->wire_in.len};
    lks_batch_reset(batch);
    CU_ASSERT_EQUAL(lks_conn_open(s->conn, &in, 1, batch, &taken, NULL), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(batch->num_ops, 1);
    lks_engine_process(t.l.loop.engine, batch->ops, batch->num_ops);
    lks_conn_close(s->conn);
    CU_ASSERT_EQUAL(lks_conn_opened(s->conn, &batch->ops[0], &event), LKS_OK);
    CU_ASSERT_EQUAL(event, LKS_EVENT_NONE);
    s->wire_in.len = 0;
    loopback_run(&t.l);
    check_given_up(&t, s, "in the engine", 3);
    two_free(&t);
}

/*
 * Who is on the path says close_notify in the clear, where that can still come: the connection ends
 * without a handshake, and it does not pass for an end that the peer meant. [8446 6.1-4]
 */
static void close_by_somebody_else(void)
{
    for (size_t i = 0; i < NUM_HANDSHAKES; i++) {
        for (int k = 0; k < 16; k++) {
            struct two t;
            uint8_t session[LKS_SESSION_MAX];
            struct lks_conn_info info;
            const int turns = k / 2;
            begin(&t, &handshakes[i], session);
            struct side *s = k & 1 ? &t.l.server : &t.l.client;
            for (int turn = 0; turn < turns; turn++)
                loopback_turn(&t.l);
            s->wire_in.len = 0; /* in front of all that is on its way, early data, too */
            buffer_add(&s->wire_in, plain_close, sizeof(plain_close));
            while (loop_poll(&t.l.loop, &s, 1))
                ;
            const bool taken = turns < handshakes[i].deaf[k & 1];
            lks_conn_get_info(s->conn, &info);
            LKS_CHECK(!s->end == taken && lks_conn_close_received(s->conn) == taken,
                      "%s, %s, %d turns: %s", handshakes[i].what, k & 1 ? "server" : "client",
                      turns, lks_status_name(s->end));
            CU_ASSERT_EQUAL(lks_conn_truncated(s->conn), taken); /* or it has failed */
            CU_ASSERT_TRUE(!taken || !lks_conn_is_established(s->conn));
            CU_ASSERT_TRUE(info.peer_alert == 0xff && !s->received.len && !s->received_early.len);
            two_free(&t);
        }
    }
}

/* Who made the keys of a handshake with us, and is nobody: nor does that pass for an end. */
static void close_under_the_handshake_keys(void)
{
    struct two t;
    two_init(&t, TLS13);
    for (int i = 0; i < 2; i++)
        loopback_turn(&t.l);
    struct buffer *wire = &t.l.client.wire_in;
    struct lks_key *key = &t.l.server.conn->handshake->handshake_key;
    const size_t hello = 5u + ((size_t)wire->data[3] << 8 | wire->data[4]);
    wire->len = hello;
    key->seq = 0;
    put_record(&t.l.loop, wire, key, LKS_TYPE_ALERT, "\x01\x00", 2);
    loopback_run(&t.l);
    CU_ASSERT_TRUE(t.l.client.closed && !t.l.client.end && !t.l.client.established);
    CU_ASSERT_TRUE(lks_conn_truncated(t.l.client.conn));
    two_free(&t);
}

/* A record of no bytes where the application asks for one. */
static void seal_empty(struct loopback *l, struct side *s)
{
    uint8_t record[100];
    struct lks_batch *batch = &l->loop.seal;
    struct lks_span dst = {record, lks_conn_record_len(s->conn, 0)};
    lks_batch_reset(batch);
    CU_ASSERT_EQUAL(lks_conn_seal(s->conn, NULL, 0, &dst, 1, batch), LKS_OK);
    CU_ASSERT_EQUAL(lks_engine_process(l->loop.engine, batch->ops, batch->num_ops), 1);
    CU_ASSERT_EQUAL(lks_conn_sealed(s->conn, &batch->ops[0]), LKS_OK);
    buffer_add(&s->wire_out, record, dst.len);
}

/* Both sides do all that makes records of the connection itself, early data and their end among
 * it: none of these is an empty one of application data. */
static void no_empty_record_unasked(void)
{
    for (size_t i = 0; i < NUM_HANDSHAKES; i++) {
        for (enum lks_padding padding = LKS_PADDING_NONE; padding <= LKS_PADDING_AT_LEAST;
             padding++) {
            struct two t;
            uint8_t session[LKS_SESSION_MAX];
            begin(&t, &handshakes[i], session);
            struct side *const sides[] = {&t.l.client, &t.l.server};
            CU_ASSERT_EQUAL(lks_policy_set_padding(t.client->policy, padding, 64, NULL), LKS_OK);
            CU_ASSERT_EQUAL(lks_policy_set_padding(t.server->policy, padding, 64, NULL), LKS_OK);
            if (handshakes[i].early)
                buffer_add(&t.l.client.to_send, "early", 5);
            loopback_run(&t.l);
            CU_ASSERT_TRUE(t.l.client.established && t.l.server.established);
            for (int k = 0; k < 2; k++) {
                if (!sides[k]->conn->tls12)
                    CU_ASSERT_EQUAL(lks_conn_update_key(sides[k]->conn, true), LKS_OK);
                loopback_run(&t.l);
                loopback_echo(&t.l, 1);
            }
            for (int k = 0; k < 2; k++) {
                LKS_CHECK(!sides[k]->num_empty, "%s: %u", handshakes[i].what, sides[k]->num_empty);
                seal_empty(&t.l, sides[!k]);
                loopback_run(&t.l);
                CU_ASSERT_EQUAL(sides[k]->num_empty, 1); /* it would have been seen */
                lks_conn_close(sides[!k]->conn);
                loopback_run(&t.l);
                CU_ASSERT_TRUE(sides[k]->num_empty == 1 && sides[k]->closed);
            }
            two_free(&t);
        }
    }
}

const struct lks_test close_tests[] = {
    {"close at every stage", close_at_every_stage},
    {"close while a job is out", close_while_a_job_is_out},
    {"close while a record is opened", close_while_a_record_is_opened},
    {"close by somebody else", close_by_somebody_else},
    {"close under the handshake keys", close_under_the_handshake_keys},
    {"no empty record unasked", no_empty_record_unasked},
    {NULL, NULL},
};
