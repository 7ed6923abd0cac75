/* SPDX-License-Identifier: BSD-3-Clause */

/* Early data that a server does not take: RFC 8446 section 4.2.10. What an honest client may have
 * sent is skipped, and nothing else. */

#include <string.h>

#include "conn/conn.h"
#include "handshake/config.h"
#include "test_conn.h"

/* Long enough to be early data of one byte, and never right. */
static const uint8_t junk[] = {23, 3, 3,  0,  18, 1,  2,  3,  4,  5,  6, 7,
                               8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
static const uint8_t empty[] = {23, 3, 3, 0,  17, 1,  2,  3,  4,  5,  6,
                                7,  8, 9, 10, 11, 12, 13, 14, 15, 16, 17};

/* A client with a ticket that the server does not know, and so much early data under it; max: what
 * the server's own tickets allow. */
static void begin(struct pair *p, bool retry, uint32_t max, size_t len, size_t record_len)
{
    static uint8_t early[300000];
    const struct client_options options = {.early_data = true,
                                           .groups = retry ? "X448:X25519" : "X25519"};
    pair_init(p, NULL, &options);
    if (max)
        CU_ASSERT_EQUAL(set_early_data(p->config, max, 10000, 1024), LKS_OK);
    for (size_t at = 0, n; at < len; at += n) {
        n = len - at < record_len ? len - at : record_len;
        CU_ASSERT_EQUAL_FATAL(SSL_write_early_data(p->client.ssl, early + at, n, &n), 1);
    }
}

/* Honest clients' records, however long, up to the limit in content; then the handshake goes on.
 * [8446 4.2.10-4 4.2.10-9] */
static void up_to_what_tickets_allowed(void)
{
    static const struct {
        uint32_t max;
        size_t len, record_len;
        bool is_skipped;
    } rows[] = {
        {0, 16384, 16384, true},       /* full records */
        {0, 65536, 16384, true},       /* of tickets that we cannot open: so much */
        {0, 65537, 16384, false},      /* and no more */
        {1000, 65536, 16384, true},    /* though ours allow less, now */
        {200000, 200000, 16384, true}, /* what ours allow */
        {200000, 200001, 16384, false}, {0, 40000, 20, true}, /* more headers than content */
    };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair p;
        const bool retry = i & 1, is_skipped = rows[i / 2].is_skipped;
        begin(&p, retry, rows[i / 2].max, rows[i / 2].len, rows[i / 2].record_len);
        pair_exchange(&p);
        LKS_CHECK(p.side.end == (is_skipped ? LKS_OK : LKS_BAD_TAG), "row %zu, retry %d: %s", i / 2,
                  retry, lks_status_name(p.side.end));
        CU_ASSERT_EQUAL(p.side.established, is_skipped);
        CU_ASSERT_EQUAL(p.side.received.len + p.side.received_early.len, 0);
        if (p.side.established)
            pair_echo(&p, 20000);
        pair_free(&p);
    }
}

/* Records without content use up no limit of content, so they have one of their own. */
static void empty_records(void)
{
    for (int retry = 0; retry < 2; retry++) {
        struct pair p;
        begin(&p, retry, 0, 100, 100);
        client_take(&p.client, &p.side.wire_in);
        for (int i = 0; i < 32; i++)
            pair_inject(&p, empty, sizeof(empty));
        CU_ASSERT_EQUAL(p.side.end, LKS_OK);
        pair_inject(&p, empty, sizeof(empty));
        CU_ASSERT_EQUAL(p.side.end, LKS_ALERT_UNEXPECTED_MESSAGE);
        pair_free(&p);
    }
}

/* Behind the first hello a record that does not open may be early data. Behind the second one there
 * are none: it is a forged one. [8446 4.2.10-4] */
static void none_behind_the_second_hello(void)
{
    for (int retry = 0; retry < 2; retry++) {
        struct pair p;
        begin(&p, retry, 0, 100, 100);
        client_take(&p.client, &p.side.wire_in);
        pair_inject(&p, junk, sizeof(junk));
        CU_ASSERT_EQUAL(p.side.end, LKS_OK);
        if (retry) { /* the second hello */
            client_give(&p.client, &p.side.wire_out);
            client_take(&p.client, &p.side.wire_in);
            pair_inject(&p, NULL, 0);
            CU_ASSERT_TRUE(p.side.conn->open_key.aead != NULL);
        }
        pair_inject(&p, junk, sizeof(junk));
        LKS_CHECK(p.side.end == (retry ? LKS_BAD_TAG : LKS_OK), "retry %d: %s", retry,
                  lks_status_name(p.side.end));
        if (!retry) {
            client_give(&p.client, &p.side.wire_out);
            pair_exchange(&p);
            CU_ASSERT_TRUE(p.side.established);
        }
        pair_free(&p);
    }
}

/* Our client with a ticket for early data, and a server that now takes records up to a limit. */
static void begin_limited(struct loopback *l, struct lks_config *client, struct lks_config *server,
                          size_t len)
{
    static uint8_t session[LKS_SESSION_MAX], data[16384];
    struct lks_conn_options options = localhost;
    loopback_init(l, client, server, &options);
    loopback_run(l);
    CU_ASSERT_TRUE_FATAL(l->client.established && l->client.session_len);
    memcpy(session, l->client.session, l->client.session_len);
    options.session = session;
    options.session_len = l->client.session_len;
    options.early_data = len != 0;
    loopback_free(l);
    loopback_init(l, client, server, &options);
    buffer_add(&l->client.to_send, data, len);
}

/* RFC 8449 section 4: our limit is in EncryptedExtensions, which the client has not seen when it
 * sends early data. They come in full records, taken or not; what follows keeps to the limit.
 * [8449 4-28] */
static void a_limit_that_the_client_cannot_know(void)
{
    static const uint8_t secret[32] = {1};
    for (int i = 0; i < 6; i++) {
        const bool taken = i & 1;
        struct loopback l;
        struct lks_config *client = client_config(NULL, NULL, NULL);
        struct lks_config *server = server_config(NULL, NULL, NULL);
        struct lks_config *other = server_config(NULL, i & 2 ? "secp384r1" : NULL, NULL);
        struct lks_config *servers[] = {server, other};
        for (int k = 0; k < 2; k++)
            CU_ASSERT_TRUE(
                !set_early_data(servers[k], 16384, 10000, 1024) &&
                !lks_memory_set_ticket_secret(servers[k]->memory, secret, 32, 3600, NULL) &&
                !lks_policy_set_record_size_limit(servers[k]->policy, i & 4 ? 64 : 512, NULL));
        begin_limited(&l, client, server, 16384);
        if (!taken) { /* by another machine with the same keys */
            side_free(&l.server);
            side_init(&l.server, other);
        }
        loopback_run(&l);
        LKS_CHECK(l.server.established && l.client.established, "%d: %s", i,
                  lks_status_name(l.server.end));
        LKS_CHECK(l.server.received_early.len == (taken ? 16384 : 0), "%d: %zu bytes", i,
                  l.server.received_early.len);
        CU_ASSERT_EQUAL(lks_conn_record_max(l.client.conn), i & 4 ? 63 : 511);
        loopback_echo(&l, 2000);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
        lks_config_free(other);
    }
}

/* While early data are skipped a record's length says nothing; one that opens under the handshake's
 * keys is held to the limit as ever. */
static void the_limit_holds_for_the_handshake(void)
{
    for (int early = 0; early < 2; early++) {
        struct loopback l;
        struct lks_config *client = client_config(NULL, NULL, NULL);
        struct lks_config *server = server_config(NULL, NULL, NULL);
        struct lks_config *other = server_config(NULL, NULL, NULL);
        CU_ASSERT_EQUAL(set_early_data(server, 16384, 10000, 1024), LKS_OK);
        begin_limited(&l, client, server, early ? 1000 : 0);
        side_free(&l.server);
        side_init(&l.server, other); /* which cannot open the ticket */
        loopback_turn(&l);
        loopback_turn(&l);
        CU_ASSERT_TRUE_FATAL(l.server.conn->open_key.aead && !l.server.established);
        l.server.conn->accept_limit = 30; /* a Finished is longer */
        loopback_run(&l);
        LKS_CHECK(l.server.end == LKS_RECORD_OVERFLOW, "early data %d: %s", early,
                  lks_status_name(l.server.end));
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
        lks_config_free(other);
    }
}

/* Early data wait for the hello, and may share its batch. */
static void behind_our_hello(void)
{
    struct loopback l;
    uint8_t hello[2000], data[100] = {0}, record[200];
    struct lks_config *client = client_config(NULL, NULL, NULL);
    struct lks_config *server = server_config(NULL, NULL, NULL);
    CU_ASSERT_EQUAL(set_early_data(server, 16384, 10000, 1024), LKS_OK);
    begin_limited(&l, client, server, 1);
    struct lks_conn *conn = l.client.conn;
    struct lks_batch *batch = &l.loop.seal;
    struct lks_span src = {data, sizeof(data)}, dst = {record, sizeof(record)},
                    own = {hello, sizeof(hello)};
    lks_batch_reset(batch);
    CU_ASSERT_FALSE(lks_conn_can_seal(conn));
    CU_ASSERT_EQUAL(lks_conn_seal(conn, &src, 1, &dst, 1, batch), LKS_WANT_ROOM);
    CU_ASSERT_EQUAL(lks_conn_seal_own(conn, &own, 1, batch), LKS_OK);
    CU_ASSERT_TRUE(lks_conn_can_seal(conn));
    CU_ASSERT_EQUAL(lks_conn_seal(conn, &src, 1, &dst, 1, batch), LKS_OK);
    lks_engine_process(l.loop.engine, batch->ops, batch->num_ops);
    for (uint32_t i = 0; i < batch->num_ops; i++) {
        const struct lks_op *op = &batch->ops[i];
        const bool is_data = op->type == LKS_TYPE_APPLICATION_DATA;
        CU_ASSERT_EQUAL(lks_conn_sealed(conn, op), LKS_OK);
        /* The hello and a change_cipher_spec lie one behind the other. */
        if (is_data)
            buffer_add(&l.server.wire_in, record, op->len);
        else
            buffer_add(&l.server.wire_in, op->dst->data, op->len);
    }
    l.client.to_send.len = 0;
    loopback_run(&l);
    CU_ASSERT_EQUAL(l.server.received_early.len, sizeof(data));
    CU_ASSERT_TRUE(l.server.established);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

const struct lks_test early_refused_tests[] = {
    {"up to what tickets allowed", up_to_what_tickets_allowed},
    {"empty records", empty_records},
    {"none behind the second hello", none_behind_the_second_hello},
    {"a limit that the client cannot know", a_limit_that_the_client_cannot_know},
    {"the limit holds for the handshake", the_limit_holds_for_the_handshake},
    {"behind our hello", behind_our_hello},
    {NULL, NULL},
};
