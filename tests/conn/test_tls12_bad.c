/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2's records where they should not be, and what is asked for after the handshake. */

#include <stdio.h>
#include <string.h>

#include "conn/conn.h"
#include "handshake/config.h"
#include "test_conn.h"

static const uint8_t ccs_record[] = {20, 3, 3, 0, 1, 1};

#define GCM "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"

/* A change_cipher_spec to the server or the client after so many turns: never is it early in a way
 * that matters. CVE-2014-0224. [5246 7.1-1] */
static void early_change_cipher_spec(void)
{
    for (int to_client = 0; to_client < 2; to_client++) {
        for (int turns = 0; turns < 6; turns++) {
            struct two t;
            two_init(&t, GCM);
            for (int i = 0; i < turns; i++)
                loopback_turn(&t.l);
            struct side *s = to_client ? &t.l.client : &t.l.server;
            buffer_add(&s->wire_in, ccs_record, sizeof(ccs_record));
            loopback_run(&t.l);
            LKS_CHECK(s->end == LKS_ALERT_UNEXPECTED_MESSAGE || s->end == LKS_BAD_TAG ||
                          s->end == LKS_PEER_ALERT,
                      "%s after %d turns: %s", to_client ? "client" : "server", turns,
                      lks_status_name(s->end));
            CU_ASSERT_FALSE(t.l.client.received.len || t.l.server.received.len);
            two_free(&t);
        }
    }
}

/* In place of the client's: two bytes, another value, none, or twice. */
static void odd_change_cipher_specs(void)
{
    static const struct {
        const char *what, *bytes;
        size_t len;
    } rows[] = {
        {"two bytes", "\x14\x03\x03\x00\x02\x01\x01", 7},
        {"another value", "\x14\x03\x03\x00\x01\x02", 6},
        {"empty", "\x14\x03\x03\x00\x00", 5},
        {"twice", "\x14\x03\x03\x00\x01\x01\x14\x03\x03\x00\x01\x01", 12},
        {"none", "", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct two t;
        two_init(&t, GCM);
        while (!t.l.server.end && loopback_turn(&t.l)) {
            struct buffer *in = &t.l.server.wire_in;
            for (size_t at = 0; at + 6 <= in->len; at++) {
                if (memcmp(in->data + at, ccs_record, sizeof(ccs_record)) != 0)
                    continue;
                struct buffer rest = {0};
                buffer_add(&rest, in->data + at + 6, in->len - at - 6);
                in->len = at;
                buffer_add(in, rows[i].bytes, rows[i].len);
                buffer_add(in, rest.data, rest.len);
                buffer_free(&rest);
                break;
            }
        }
        LKS_CHECK(t.l.server.end == LKS_ALERT_UNEXPECTED_MESSAGE, "%s: %s", rows[i].what,
                  lks_status_name(t.l.server.end));
        two_free(&t);
    }
}

/* A server that is asked to begin again says no and goes on, and so does a client; storms end it.
 * [5746 4.2-1] */
static void renegotiation_is_refused(void)
{
    static const uint8_t client_hello[64] = {1, 0, 0, 60}, hello_request[4] = {0};
    for (int by_client = 0; by_client < 2; by_client++) {
        struct two t;
        two_init(&t, GCM);
        loopback_run(&t.l);
        struct side *from = by_client ? &t.l.client : &t.l.server,
                    *to = by_client ? &t.l.server : &t.l.client;
        CU_ASSERT_TRUE(from->established && to->established);
        for (int i = 0; i < 100; i++) {
            if (by_client)
                say(&t, from, LKS_TYPE_HANDSHAKE, client_hello, sizeof(client_hello));
            else
                say(&t, from, LKS_TYPE_HANDSHAKE, hello_request, sizeof(hello_request));
            if (i % 4 == 3) /* so many warnings in a row may come */
                loopback_echo(&t.l, 100);
            else
                loopback_run(&t.l);
        }
        CU_ASSERT_EQUAL(to->end, LKS_OK);
        CU_ASSERT_EQUAL(from->end, LKS_OK); /* the warnings did no harm */
        for (int i = 0; i < 40; i++)
            say(&t, from, LKS_TYPE_HANDSHAKE, by_client ? client_hello : hello_request,
                by_client ? sizeof(client_hello) : sizeof(hello_request));
        loopback_run(&t.l);
        CU_ASSERT_EQUAL(to->end, LKS_ALERT_UNEXPECTED_MESSAGE);
        two_free(&t);
    }
}

/* Messages after the handshake that nobody may send. */
static void no_other_message_comes_later(void)
{
    for (unsigned int type = 0; type < 33; type++) {
        for (int by_client = 0; by_client < 2; by_client++) {
            struct two t;
            const uint8_t message[4] = {(uint8_t)type};
            two_init(&t, GCM);
            loopback_run(&t.l);
            struct side *from = by_client ? &t.l.client : &t.l.server,
                        *to = by_client ? &t.l.server : &t.l.client;
            say(&t, from, LKS_TYPE_HANDSHAKE, message, sizeof(message));
            loopback_run(&t.l);
            const bool may = type == (by_client ? 1 : 0);
            LKS_CHECK(to->end == (may ? LKS_OK : LKS_ALERT_UNEXPECTED_MESSAGE),
                      "message %u to the %s: %s", type, by_client ? "server" : "client",
                      lks_status_name(to->end));
            two_free(&t);
        }
    }
}

/* A warning is not the end, a fatal alert is, another level is nothing. */
static void alerts_have_levels(void)
{
    static const struct {
        uint8_t alert[2];
        enum lks_status end;
    } rows[] = {
        {{1, 112}, LKS_OK},         {{1, 100}, LKS_OK},
        {{1, 90}, LKS_OK},          {{2, 40}, LKS_PEER_ALERT},
        {{2, 112}, LKS_PEER_ALERT}, {{3, 40}, LKS_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct two t;
        two_init(&t, GCM);
        loopback_run(&t.l);
        say(&t, &t.l.client, LKS_TYPE_ALERT, rows[i].alert, 2);
        loopback_run(&t.l);
        LKS_CHECK(t.l.server.end == rows[i].end, "%u %u: %s", rows[i].alert[0], rows[i].alert[1],
                  lks_status_name(t.l.server.end));
        if (rows[i].end == LKS_OK)
            loopback_echo(&t.l, 100);
        two_free(&t);
    }
    /* Also in front of ServerHello: unrecognized_name, say. */
    static const uint8_t warning[] = {21, 3, 3, 0, 2, 1, 112};
    struct two t;
    two_init(&t, GCM);
    buffer_add(&t.l.client.wire_in, warning, sizeof(warning));
    loopback_run(&t.l);
    CU_ASSERT_TRUE(t.l.client.established);
    two_free(&t);
}

/* What a padding oracle asks for: whatever is wrong with a CBC record, padding, MAC or length, the
 * answer is the same. [5246 6.2.3.2-3 7.2.2-5] [7366 3-3] [5246 7.2.2-3] */
static void broken_cbc_records_are_alike(void)
{
    for (int etm = 0; etm < 2; etm++) {
        for (size_t from_end = 1; from_end < 80; from_end++) {
            const struct client_options options = {.max_version = TLS1_2_VERSION,
                                                   .tls12_ciphers = "AES128-SHA:@SECLEVEL=0",
                                                   .ssl_options =
                                                       etm ? 0 : SSL_OP_NO_ENCRYPT_THEN_MAC};
            struct pair p;
            pair_init(&p, "rsa", &options);
            set_suites(p.config, "TLS_RSA_WITH_AES_128_CBC_SHA");
            pair_exchange(&p);
            CU_ASSERT_TRUE_FATAL(p.side.established);
            client_write(&p.client, "0123456789012345678901234567890123456789", 40);
            client_take(&p.client, &p.side.wire_in);
            p.side.wire_in.data[p.side.wire_in.len - from_end] ^= 0x41;
            pair_exchange(&p);
            LKS_CHECK(p.side.end == LKS_BAD_TAG, "%zu: %s", from_end, lks_status_name(p.side.end));
            CU_ASSERT_EQUAL(p.client.alert[0], 2);
            CU_ASSERT_EQUAL(p.client.alert[1], 20);
            CU_ASSERT_EQUAL(p.side.received.len, 0);
            pair_free(&p);
        }
    }
}

/* A record that does not open, and one that claims more than RFC 5246 section 6.2.3 allows.
 * [5246 6.2.3-1 6.2.3.3-3 7.2.2-3] [5288 3-4] */
static void forged_and_oversize(void)
{
    static const char *const suites[] = {GCM, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"};
    static const uint8_t too_long[] = {23, 3, 3, 0x48, 0x01}, longest[] = {23, 3, 3, 0x48, 0x00};
    for (size_t i = 0; i < 6; i++) {
        struct two t;
        two_init(&t, suites[i % 2]);
        loopback_run(&t.l);
        CU_ASSERT_TRUE_FATAL(t.l.server.established);
        struct buffer *in = &t.l.server.wire_in;
        if (i < 2) {
            say(&t, &t.l.client, LKS_TYPE_APPLICATION_DATA, "data", 4);
            buffer_add(in, t.l.client.wire_out.data, t.l.client.wire_out.len);
            t.l.client.wire_out.len = 0;
            in->data[in->len - 1] ^= 1;
        } else {
            buffer_add(in, i < 4 ? too_long : longest, sizeof(too_long));
        }
        const enum lks_status want = i < 2 ? LKS_BAD_TAG : i < 4 ? LKS_RECORD_OVERFLOW : 0;
        loopback_run(&t.l);
        LKS_CHECK(t.l.server.end == want, "%zu: %s", i, lks_status_name(t.l.server.end));
        struct lks_conn_info info;
        lks_conn_get_info(t.l.client.conn, &info);
        LKS_CHECK(info.peer_alert == (want ? lks_status_alert(want) : 0xff), "%zu: alert %u", i,
                  info.peer_alert);
        CU_ASSERT_EQUAL(t.l.server.received.len, 0);
        two_free(&t);
    }
}

/* RFC 5288 section 3: no two records under one key have an explicit nonce in common. [5288 3-2] */
static void explicit_nonces_differ(void)
{
    enum { NUM = 20, RECORD_LEN = 5 + 8 + 1 + 16 };
    struct two t;
    two_init(&t, GCM);
    loopback_run(&t.l);
    struct buffer *out = &t.l.client.wire_out;
    for (int i = 0; i < NUM; i++)
        say(&t, &t.l.client, LKS_TYPE_APPLICATION_DATA, "d", 1);
    CU_ASSERT_EQUAL_FATAL(out->len, (size_t)NUM * RECORD_LEN);
    for (int i = 0; i < NUM; i++)
        for (int k = 0; k < i; k++)
            CU_ASSERT_NOT_EQUAL(
                memcmp(out->data + i * RECORD_LEN + 5, out->data + k * RECORD_LEN + 5, 8), 0);
    two_free(&t);
}

/* Every record the handshake and the data have, in one-byte pieces. */
static void everything_in_one_byte_pieces(void)
{
    static const char *const suites[] = {GCM, "TLS_RSA_WITH_AES_256_CBC_SHA256",
                                         "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"};
    for (size_t i = 0; i < 3; i++) {
        struct two t;
        two_init(&t, suites[i]);
        t.l.loop.span_max = 1;
        loopback_run(&t.l);
        CU_ASSERT_TRUE(t.l.client.established && t.l.server.established);
        loopback_echo(&t.l, 3000);
        two_free(&t);
    }
}

/* Public-key work by jobs, both roles, each way to exchange keys. */
static void work_by_jobs(void)
{
    static const char *const suites[] = {GCM, "TLS_RSA_WITH_AES_128_GCM_SHA256",
                                         "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"};
    for (size_t i = 0; i < 3; i++) {
        struct two t;
        two_init(&t, suites[i]);
        CU_ASSERT_EQUAL(lks_policy_set_deferred_pkey(t.client->policy, true, NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_deferred_pkey(t.server->policy, true, NULL), LKS_OK);
        int num_jobs = 0;
        for (bool moved = true; moved;) {
            struct side *sides[] = {&t.l.client, &t.l.server};
            moved = loopback_turn(&t.l);
            for (int k = 0; k < 2; k++) {
                struct lks_pkey_job *job = lks_conn_take_pkey_job(sides[k]->conn);
                enum lks_event event;
                if (!job)
                    continue;
                lks_pkey_job_run(job);
                CU_ASSERT_EQUAL(lks_conn_pkey_done(sides[k]->conn, job, &event), LKS_OK);
                num_jobs++;
                moved = true;
            }
        }
        CU_ASSERT_TRUE(t.l.client.established && t.l.server.established);
        LKS_CHECK(num_jobs == (i == 1 ? 1 : 3), "%s: %d jobs", suites[i], num_jobs);
        loopback_echo(&t.l, 1000);
        two_free(&t);
    }
}

/* A limit is for what a record carries, its type not counted. RFC 8449 section 4.
 * [8449 4-4 4-8 4-19] */
static void record_size_limits(void)
{
    struct two t;
    two_init(&t, GCM);
    loopback_free(&t.l);
    CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(t.client->policy, 512, NULL), LKS_OK);
    loopback_init(&t.l, t.client, t.server, &localhost);
    loopback_run(&t.l);
    CU_ASSERT_EQUAL(lks_conn_record_max(t.l.server.conn), 512);
    CU_ASSERT_EQUAL(lks_conn_record_max(t.l.client.conn), LKS_RECORD_PLAINTEXT_MAX);
    loopback_echo(&t.l, 5000);
    t.l.server.conn->send_limit = 600; /* it forgets */
    uint8_t text[513] = {0};
    buffer_add(&t.l.server.to_send, text, sizeof(text));
    loopback_run(&t.l);
    CU_ASSERT_EQUAL(t.l.client.end, LKS_RECORD_OVERFLOW);
    two_free(&t);
}

/* Established, and the client's key is to be replaced soon. */
static void two_near_the_limit(struct two *t)
{
    two_init(t, GCM);
    loopback_run(&t->l);
    while (!lks_key_wants_update(&t->l.client.conn->seal_key))
        t->l.client.conn->seal_key.seq += 1u << 12;
    t->l.server.conn->open_key.seq = t->l.client.conn->seal_key.seq;
}

/* Near a key's limit there is no new one: what is being sent is cut, and neither side takes it for
 * whole. The alert is fatal internal_error, and no close_notify. [5246 6.1-5] */
static void key_limit_is_an_error(void)
{
    struct two t;
    two_near_the_limit(&t);
    CU_ASSERT_EQUAL(lks_conn_status(t.l.client.conn), LKS_OK);
    buffer_add(&t.l.client.to_send, "last words", 10);
    loopback_run(&t.l);
    CU_ASSERT_EQUAL(t.l.server.received.len, 10); /* what was sealed is good */
    CU_ASSERT_EQUAL(t.l.server.end, LKS_PEER_ALERT);
    struct lks_conn_info info;
    lks_conn_get_info(t.l.server.conn, &info);
    CU_ASSERT_EQUAL(info.peer_alert, 80); /* internal_error */
    CU_ASSERT_TRUE(!t.l.server.closed && !lks_conn_close_received(t.l.server.conn));
    struct lks_conn *conn = t.l.client.conn;
    CU_ASSERT_EQUAL(lks_conn_status(conn), LKS_SEQ_EXHAUSTED);
    CU_ASSERT_FALSE(lks_conn_can_seal(conn));
    CU_ASSERT_EQUAL(lks_conn_seal(conn, NULL, 0, NULL, 0, &t.l.loop.seal), LKS_SEQ_EXHAUSTED);
    lks_conn_close(conn); /* too late for good order */
    CU_ASSERT_EQUAL(lks_conn_own_len(conn), 0);
    two_free(&t);
}

/* Several records of one batch beyond the mark: all of them are good, the alert is behind them.
 * [5246 6.1-5] */
static void key_limit_in_a_batch(void)
{
    struct two t;
    two_near_the_limit(&t);
    uint8_t bytes[50000] = {0};
    buffer_add(&t.l.client.to_send, bytes, sizeof(bytes));
    loopback_run(&t.l);
    LKS_CHECK(t.l.server.received.len >= LKS_RECORD_PLAINTEXT_MAX &&
                  t.l.server.received.len <= sizeof(bytes),
              "%zu", t.l.server.received.len);
    CU_ASSERT_EQUAL(t.l.server.end, LKS_PEER_ALERT);
    CU_ASSERT_EQUAL(lks_conn_status(t.l.client.conn), LKS_SEQ_EXHAUSTED);
    two_free(&t);
}

/* The peer's limit is the peer's to keep: near it our answer is not cut. What lies beyond does not
 * open: tests/record/test_bad.c. [5246 6.1-5] */
static void key_limit_of_the_peer(void)
{
    struct two t;
    uint8_t text[] = "from a peer without a limit", record[100];
    two_init(&t, GCM);
    loopback_run(&t.l);
    struct lks_conn *conn = t.l.server.conn;
    while (!lks_key_wants_update(&conn->open_key))
        conn->open_key.seq += 1u << 12;
    t.l.client.conn->seal_key.seq = conn->open_key.seq;
    struct lks_span src = {text, sizeof(text)}, dst = {record, sizeof(record)};
    struct lks_op op = LKS_OP_NOT_RUN;
    op.key = &t.l.client.conn->seal_key;
    op.type = LKS_TYPE_APPLICATION_DATA;
    op.src = &src;
    op.dst = &dst;
    op.num_src = op.num_dst = 1;
    CU_ASSERT_EQUAL(lks_engine_process(t.l.loop.engine, &op, 1), 1);
    buffer_add(&t.l.server.wire_in, record, op.len);
    loopback_run(&t.l);
    CU_ASSERT_EQUAL(t.l.server.received.len, sizeof(text));
    CU_ASSERT_TRUE(lks_key_wants_update(&conn->open_key) && lks_conn_can_seal(conn));
    CU_ASSERT_EQUAL(lks_conn_status(conn), LKS_OK);
    buffer_add(&t.l.server.to_send, "answer", 6);
    loopback_run(&t.l);
    CU_ASSERT_TRUE(t.l.client.received.len == 6 && !t.l.client.closed && !t.l.client.end);
    two_free(&t);
}

const struct lks_test tls12_bad_tests[] = {
    {"early change_cipher_spec", early_change_cipher_spec},
    {"odd change_cipher_specs", odd_change_cipher_specs},
    {"renegotiation is refused", renegotiation_is_refused},
    {"no other message comes later", no_other_message_comes_later},
    {"alerts have levels", alerts_have_levels},
    {"broken CBC records are alike", broken_cbc_records_are_alike},
    {"forged and oversize", forged_and_oversize},
    {"explicit nonces differ", explicit_nonces_differ},
    {"everything in one-byte pieces", everything_in_one_byte_pieces},
    {"work by jobs", work_by_jobs},
    {"record size limits", record_size_limits},
    {"key limit is an error", key_limit_is_an_error},
    {"key limit in a batch", key_limit_in_a_batch},
    {"key limit of the peer", key_limit_of_the_peer},
    {NULL, NULL},
};
