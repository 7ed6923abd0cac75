/* SPDX-License-Identifier: BSD-3-Clause */

/* The one rule for callbacks: what may be done within, <lockstep/callbacks.h>. */

#include <stdlib.h>
#include <string.h>

#include <lockstep/stream.h>

#include "asked.h"
#include "conn/conn.h"

/* Everything that would move the connection says so, and does nothing. */
static void try_all(struct asked *a, struct lks_ask *ask)
{
    struct lks_op op = {0}, ops[2];
    struct lks_span spans[8], span = {(uint8_t[]){1}, 1};
    struct lks_batch batch = {.ops = ops, .spans = spans, .max_ops = 2, .max_spans = 8};
    struct lks_conn *conn = a->conn;
    struct lks_conn_info info;
    enum lks_event event;
    uint8_t bytes[1];
    size_t len;
    op.key = &conn->open_key;
    CU_ASSERT_EQUAL(lks_conn_open(conn, &span, 1, &batch, &len, NULL), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_conn_opened(conn, &op, &event), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_conn_seal_own(conn, &span, 1, &batch), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_conn_seal(conn, &span, 1, &span, 1, &batch), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_conn_sealed(conn, &op), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_conn_update_key(conn, true), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_conn_take_session(conn, bytes, 1, &len), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_conn_allow_half_rtt(conn), LKS_INSIDE);
    CU_ASSERT_PTR_NULL(lks_conn_take_pkey_job(conn));
    CU_ASSERT_EQUAL(lks_conn_pkey_done(conn, NULL, &event), LKS_INSIDE);
    CU_ASSERT_TRUE(!batch.num_ops && !batch.num_spans);
    /* What is allowed. */
    lks_conn_get_info(conn, &info);
    lks_conn_set_user(conn, a);
    CU_ASSERT_PTR_EQUAL(lks_conn_user(conn), a);
    CU_ASSERT_STRING_EQUAL(lks_conn_server_name(conn), "localhost");
    CU_ASSERT_EQUAL(lks_conn_status(conn), LKS_OK);
    a->ask = ask;
}

static void refused_within(void)
{
    struct loopback l;
    struct asked asked = {.within = try_all};
    struct lks_config *client = asked_config("", false, NULL);
    struct lks_config *server = asked_config("ecdsa", true, &asked);
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    CU_ASSERT_EQUAL(asked.num, 1);
    while (answer_signature(&asked, &l.server))
        loopback_run(&l);
    CU_ASSERT_TRUE(l.client.established && l.server.established);
    echo(&l);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

static void free_it(struct asked *a, struct lks_ask *ask)
{
    lks_conn_free(a->conn);
    lks_ask_free(ask);
}

static void close_it(struct asked *a, struct lks_ask *ask)
{
    lks_conn_close(a->conn);
    lks_ask_free(ask);
}

/* To free or close it there is a mistake that the call tells, and the connection is still there. */
static void freed_within(void)
{
    for (int i = 0; i < 2; i++) {
        struct loopback l;
        struct asked asked = {.within = i ? close_it : free_it};
        struct lks_config *client = asked_config("", false, NULL);
        struct lks_config *server = asked_config("ecdsa", true, &asked);
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        CU_ASSERT_EQUAL(asked.num, 1);
        CU_ASSERT_EQUAL(l.server.end, LKS_INSIDE);
        CU_ASSERT_EQUAL(lks_conn_status(l.server.conn), LKS_INSIDE);
        LKS_CHECK(strstr(lks_conn_reason(l.server.conn), "within a callback"), "%s",
                  lks_conn_reason(l.server.conn));
        CU_ASSERT_EQUAL(lks_conn_sent_alert(l.server.conn), 80);
        CU_ASSERT_EQUAL(l.client.end, LKS_PEER_ALERT);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

static struct lks_stream *the_stream;

static void try_stream(struct asked *a, struct lks_ask *ask)
{
    uint8_t bytes[1] = {0};
    size_t len;
    CU_ASSERT_PTR_EQUAL(lks_stream_conn(the_stream), a->conn);
    CU_ASSERT_EQUAL(lks_stream_feed(the_stream, bytes, 1, &len), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_stream_read(the_stream, bytes, 1, &len), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_stream_write(the_stream, bytes, 1, &len), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_stream_drain(the_stream, bytes, 1, &len), LKS_INSIDE);
    CU_ASSERT_EQUAL(lks_stream_end(the_stream, LKS_SEAL), LKS_INSIDE);
    a->ask = ask;
}

static void free_stream(struct asked *a, struct lks_ask *ask)
{
    (void)a;
    lks_stream_free(the_stream);
    lks_ask_free(ask);
}

static enum lks_status carry(struct lks_stream *to, struct lks_stream *from)
{
    uint8_t bytes[8192];
    size_t len, taken;
    if (lks_stream_drain(from, bytes, sizeof(bytes), &len))
        return LKS_WANT_DATA;
    return lks_stream_feed(to, bytes, len, &taken);
}

/* The same of streams, which wait by a status of their own. */
static void streams(void)
{
    for (int i = 0; i < 2; i++) {
        struct asked asked = {.within = i ? free_stream : try_stream};
        struct lks_config *client = asked_config("", false, NULL);
        struct lks_config *server = asked_config("ecdsa", true, &asked);
        struct lks_stream *peer;
        size_t len;
        CU_ASSERT_EQUAL_FATAL(lks_stream_new(&peer, client, LKS_CLIENT, &localhost, NULL), LKS_OK);
        CU_ASSERT_EQUAL_FATAL(lks_stream_new(&the_stream, server, LKS_SERVER, NULL, NULL), LKS_OK);
        const enum lks_status status = carry(the_stream, peer);
        CU_ASSERT_EQUAL(status, i ? LKS_INSIDE : LKS_WANT_ANSWER);
        CU_ASSERT_EQUAL(lks_stream_feed(the_stream, NULL, 0, &len), status);
        if (!i) {
            const uint8_t *sig = signature_of(asked.ask, &len);
            CU_ASSERT_EQUAL(lks_answer_signature(asked.ask, sig, len, NULL), LKS_OK);
            lks_ask_free(asked.ask);
            while (carry(peer, the_stream) != LKS_WANT_DATA)
                ;
            while (carry(the_stream, peer) != LKS_WANT_DATA)
                ;
            CU_ASSERT_TRUE(lks_conn_is_established(lks_stream_conn(the_stream)));
        }
        lks_stream_free(the_stream);
        lks_stream_free(peer);
        lks_config_free(client);
        lks_config_free(server);
    }
}

static const struct lks_test rule_tests[] = {
    {"refused within", refused_within},
    {"freed within", freed_within},
    {"streams", streams},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"rule", rule_tests},
                                                   {"signer", signer_tests},
                                                   {"asked", asked_tests},
                                                   {"store", store_tests},
                                                   {NULL, NULL}};
    int rc = lks_test_run("callbacks", suites);
    test_certificates_remove();
    return rc;
}
