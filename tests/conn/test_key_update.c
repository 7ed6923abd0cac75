/* SPDX-License-Identifier: BSD-3-Clause */

/* KeyUpdate: RFC 8446 section 4.6.3. */

#include "test_conn.h"

#include <string.h>

#include "conn/conn.h"

/* RFC 8446 section 4.6.3. [8446 4.6.3-3 4.6.3-5] */
static void client_updates(void)
{
    struct pair p;
    pair_establish(&p);
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_TRUE(SSL_key_update(p.client.ssl, i & 1 ? SSL_KEY_UPDATE_REQUESTED
                                                          : SSL_KEY_UPDATE_NOT_REQUESTED));
        pair_echo(&p, 5000);
    }
    CU_ASSERT_EQUAL(p.side.end, LKS_OK);
    pair_free(&p);
}

/* OpenSSL opens the KeyUpdate with the old keys and what follows with the next.
 * [8446 4.6.3-2 4.6.3-6] */
static void we_update(void)
{
    struct pair p;
    pair_establish(&p);
    for (int i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(lks_conn_update_key(p.side.conn, i & 1), LKS_OK);
        CU_ASSERT_EQUAL(lks_conn_update_key(p.side.conn, false), LKS_WANT_ROOM);
        CU_ASSERT_FALSE(lks_conn_can_seal(p.side.conn));
        pair_exchange(&p);
        pair_echo(&p, 5000);
    }
    CU_ASSERT_FALSE(p.side.conn->update_asked);
    pair_free(&p);
}

/* KeyUpdates in a burst of data records that all arrive in one batch: what is behind them must come
 * back and open under the next key. */
static void update_in_a_burst(void)
{
    struct pair p;
    uint8_t data[30000];
    pair_establish(&p);
    lks_test_fill(&p.loop.random, data, sizeof(data));
    for (size_t at = 0; at < sizeof(data); at += 1000) {
        if (at % 7000 == 3000)
            SSL_key_update(p.client.ssl, SSL_KEY_UPDATE_REQUESTED);
        client_write(&p.client, data + at, 1000);
    }
    p.loop.span_max = 3000;
    pair_exchange(&p);
    LKS_CHECK(p.side.received.len == sizeof(data) &&
                  memcmp(p.side.received.data, data, sizeof(data)) == 0,
              "%zu", p.side.received.len);
    CU_ASSERT_TRUE(p.side.num_deferred > 5);
    CU_ASSERT_TRUE(p.loop.max_fill > 20);
    pair_echo(&p, 20000);
    pair_free(&p);
}

/* A key cannot be worn out in a test; what is asked here is what happens when its counter says so.
 * [8446 5.5-3] */
static void update_by_itself_before_the_limit(void)
{
    struct pair p;
    uint8_t secret[LKS_HASH_MAX];
    pair_establish(&p);
    struct lks_conn *conn = p.side.conn;
    memcpy(secret, conn->seal_secret, sizeof(secret));
    struct lks_op op = {.key = &conn->seal_key, .type = LKS_TYPE_APPLICATION_DATA, .number = 1};
    uint64_t seq = conn->seal_key.seq;
    conn->sealing = (struct conn_ops){.num_out = 2, .num_under_way = 2};
    CU_ASSERT_EQUAL(lks_conn_sealed(conn, &op), LKS_OK);
    CU_ASSERT_TRUE(lks_conn_can_seal(conn));
    conn->seal_key.seq = UINT64_C(1) << 60;
    op.number = 2;
    CU_ASSERT_EQUAL(lks_conn_sealed(conn, &op), LKS_OK);
    CU_ASSERT_FALSE(lks_conn_can_seal(conn));
    conn->seal_key.seq = seq;
    pair_echo(&p, 3000);
    CU_ASSERT_EQUAL(conn->seal_key.seq, 1); /* of a new key */
    CU_ASSERT_NOT_EQUAL(memcmp(secret, conn->seal_secret, sizeof(secret)), 0);
    pair_free(&p);
}

/* [8446 5.5-3] */
static void we_ask_before_the_peers_limit(void)
{
    struct pair p;
    uint8_t secret[LKS_HASH_MAX];
    pair_establish(&p);
    memcpy(secret, p.side.conn->open_secret, sizeof(secret));
    /* An op of data that was opened, with the key at its limit. */
    struct lks_op op = {
        .key = &p.side.conn->open_key, .type = LKS_TYPE_APPLICATION_DATA, .len = 1, .number = 1};
    enum lks_event event;
    uint64_t seq = p.side.conn->open_key.seq;
    p.side.conn->open_key.seq = UINT64_C(1) << 60;
    p.side.conn->opening = (struct conn_ops){.num_out = 2, .num_under_way = 2};
    CU_ASSERT_EQUAL(lks_conn_opened(p.side.conn, &op, &event), LKS_OK);
    op.number = 2;
    CU_ASSERT_EQUAL(lks_conn_opened(p.side.conn, &op, &event), LKS_OK);
    CU_ASSERT_EQUAL(event, LKS_EVENT_DATA);
    CU_ASSERT_TRUE(p.side.conn->update_asked);
    p.side.conn->open_key.seq = seq;
    pair_exchange(&p);
    pair_echo(&p, 10);
    CU_ASSERT_FALSE(p.side.conn->update_asked);
    CU_ASSERT_NOT_EQUAL(memcmp(secret, p.side.conn->open_secret, sizeof(secret)), 0);
    pair_free(&p);
}

/* Requests that pile up while we are silent get one answer. [8446 4.6.3-5] */
static void many_requests_one_answer(void)
{
    struct pair p;
    struct buffer wire = {0};
    pair_establish(&p);
    for (int i = 0; i < 5; i++) {
        SSL_key_update(p.client.ssl, SSL_KEY_UPDATE_REQUESTED);
        client_write(&p.client, "x", 1);
    }
    client_take(&p.client, &wire);
    /* Only opened, nothing sealed in between. */
    while (wire.len) {
        struct lks_span in = {wire.data, wire.len};
        size_t taken;
        enum lks_event event;
        lks_batch_reset(&p.loop.open);
        CU_ASSERT_EQUAL(lks_conn_open(p.side.conn, &in, 1, &p.loop.open, &taken, NULL), LKS_OK);
        lks_engine_process(p.loop.engine, p.loop.open.ops, p.loop.open.num_ops);
        size_t done = 0;
        for (uint32_t i = 0; i < p.loop.open.num_ops; i++) {
            CU_ASSERT_EQUAL(lks_conn_opened(p.side.conn, &p.loop.open.ops[i], &event), LKS_OK);
            done += event == LKS_EVENT_DEFERRED ? 0 : p.loop.open.ops[i].src->len;
        }
        buffer_drop(&wire, done);
    }
    CU_ASSERT_EQUAL(lks_conn_own_len(p.side.conn),
                    lks_conn_record_len(p.side.conn, KEY_UPDATE_LEN));
    pair_exchange(&p);
    pair_echo(&p, 1000);
    buffer_free(&wire);
    pair_free(&p);
}

static const uint8_t *queued_update(const struct pair *p)
{
    return conn_update_message(p->side.conn).data;
}

static void one_request_and_one_update_at_a_time(void)
{
    struct pair p;
    pair_establish(&p);
    struct lks_conn *conn = p.side.conn;
    struct side *s = &p.side;
    CU_ASSERT_EQUAL(lks_conn_update_key(conn, true), LKS_OK);
    conn_queue_update(conn, false); /* as the answer to the peer: the queued one is that, too */
    CU_ASSERT_EQUAL(queued_update(&p)[HANDSHAKE_HEADER_LEN], 1);
    loop_poll(&p.loop, &s, 1);
    /* The peer has not answered: no second request. */
    CU_ASSERT_EQUAL(lks_conn_update_key(conn, true), LKS_OK);
    CU_ASSERT_EQUAL(queued_update(&p)[HANDSHAKE_HEADER_LEN], 0);
    pair_exchange(&p);
    pair_echo(&p, 1000);
    CU_ASSERT_EQUAL(lks_conn_update_key(conn, true), LKS_OK);
    CU_ASSERT_EQUAL(queued_update(&p)[HANDSHAKE_HEADER_LEN], 1);
    pair_echo(&p, 1000);
    pair_free(&p);
}

/* Behind a KeyUpdate in the batch nothing can be sealed before the next key is there. */
static void close_behind_an_update(void)
{
    struct pair p;
    uint8_t out[100];
    pair_establish(&p);
    struct lks_conn *conn = p.side.conn;
    struct lks_batch *batch = &p.loop.seal;
    CU_ASSERT_EQUAL(lks_conn_update_key(conn, false), LKS_OK);
    struct lks_span dst = {out, lks_conn_own_len(conn)};
    lks_batch_reset(batch);
    CU_ASSERT_EQUAL(lks_conn_seal_own(conn, &dst, 1, batch), LKS_OK);
    CU_ASSERT_EQUAL(batch->num_ops, 1);
    CU_ASSERT_EQUAL(lks_conn_seal(conn, NULL, 0, NULL, 0, batch), LKS_WANT_ROOM);
    lks_conn_close(conn);
    CU_ASSERT_EQUAL(lks_conn_own_len(conn), 0);
    CU_ASSERT_EQUAL(lks_engine_process(p.loop.engine, batch->ops, 1), 1);
    CU_ASSERT_EQUAL(lks_conn_sealed(conn, &batch->ops[0]), LKS_OK);
    CU_ASSERT_TRUE(lks_conn_own_len(conn) > 0);
    buffer_add(&p.side.wire_out, out, dst.len);
    pair_exchange(&p);
    CU_ASSERT_TRUE(p.client.saw_close);
    pair_free(&p);
}

static void a_storm_of_updates_ends_the_connection(void)
{
    struct pair p;
    pair_establish(&p);
    for (int i = 0; i < 40 && !p.side.end; i++) {
        SSL_key_update(p.client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        SSL_do_handshake(p.client.ssl);
        pair_exchange(&p);
    }
    CU_ASSERT_EQUAL(p.side.end, LKS_ALERT_UNEXPECTED_MESSAGE);
    CU_ASSERT_EQUAL(p.client.alert[1], 10);
    pair_free(&p);
}

/* A client and a server of ours with the same keys. */
static void import_both(struct side *client, struct side *server, struct lks_config *config)
{
    struct lks_traffic_keys there = {.suite = 0x1301, .secret_len = 32, .secret = {1}};
    struct lks_traffic_keys back = {.suite = 0x1301, .secret_len = 32, .secret = {2}};
    memset(client, 0, sizeof(*client));
    memset(server, 0, sizeof(*server));
    client->delivered = server->delivered = SIZE_MAX;
    client->record_max = server->record_max = 500;
    CU_ASSERT_EQUAL_FATAL(lks_conn_import(&client->conn, config, LKS_CLIENT, &back, &there),
                          LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_conn_import(&server->conn, config, LKS_SERVER, &there, &back),
                          LKS_OK);
}

/* A client that only receives and asks for new keys behind each record that it reads, until ours
 * come. All records were on their way before the first of its requests, and so were the answers
 * behind them: Java with a low limit does so. */
static void a_request_for_each_record(void)
{
    struct pair p;
    static uint8_t data[300];
    struct buffer wire = {0}, one = {0};
    pair_establish(&p);
    struct side *s = &p.side;
    s->record_max = 1;
    buffer_add(&s->to_send, data, sizeof(data));
    while (loop_poll(&p.loop, &s, 1))
        ;
    buffer_add(&wire, s->wire_out.data, s->wire_out.len);
    s->wire_out.len = 0;
    for (size_t at = 0, len; at < wire.len && !s->end; at += len) {
        len = LKS_RECORD_HEADER_LEN + (size_t)(wire.data[at + 3] << 8 | wire.data[at + 4]);
        buffer_add(&one, wire.data + at, len);
        client_give(&p.client, &one);
        SSL_key_update(p.client.ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(p.client.ssl);
        client_take(&p.client, &s->wire_in);
        while (loop_poll(&p.loop, &s, 1))
            ;
    }
    LKS_CHECK(s->end == LKS_OK && p.client.received.len == sizeof(data), "%s, %zu bytes",
              lks_status_name(s->end), p.client.received.len);
    pair_echo(&p, 1000);
    buffer_free(&wire);
    buffer_free(&one);
    pair_free(&p);
}

/* Nothing moves but keys, each time because we asked. [8446 4.6.3-5] */
static void answers_that_we_asked_for(void)
{
    struct side client, server, *both[] = {&client, &server};
    struct lks_config *config = config_with("ecdsa");
    struct poll_loop loop;
    loop_init(&loop, 64, 512);
    import_both(&client, &server, config);
    for (int i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL(lks_conn_update_key(server.conn, true), LKS_OK);
        server.conn->num_earned = client.conn->num_earned = 0;
        client.conn->num_idle = 0; /* to the client, it is a storm */
        for (int turn = 0; turn < 4; turn++) {
            loop_poll(&loop, both, 2);
            buffer_add(&client.wire_in, server.wire_out.data, server.wire_out.len);
            buffer_add(&server.wire_in, client.wire_out.data, client.wire_out.len);
            client.wire_out.len = server.wire_out.len = 0;
        }
    }
    uint32_t num_open, num_seal;
    lks_conn_key_updates(server.conn, &num_open, &num_seal);
    LKS_CHECK(!server.end && !client.end && num_open == 100 && num_seal == 100,
              "%s, %u answers, %u requests", lks_status_name(server.end), num_open, num_seal);
    side_free(&client);
    side_free(&server);
    loop_free(&loop);
    lks_config_free(config);
}

/* What was sent earns as many KeyUpdates as there were records, and no more. */
static void a_storm_behind_data(void)
{
    struct pair p;
    uint8_t data[50] = {0};
    int num = 0;
    pair_establish(&p);
    p.side.record_max = 1;
    buffer_add(&p.side.to_send, data, sizeof(data));
    pair_exchange(&p);
    CU_ASSERT_EQUAL(p.client.received.len, sizeof(data));
    for (; num < 200 && !p.side.end; num++) {
        SSL_key_update(p.client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        SSL_do_handshake(p.client.ssl);
        pair_exchange(&p);
    }
    LKS_CHECK(p.side.end == LKS_ALERT_UNEXPECTED_MESSAGE && num == 50 + 33, "%s behind %d",
              lks_status_name(p.side.end), num);
    pair_free(&p);
}

/* Both limits of RFC 8449 go along with the keys. */
static void limits_are_exported(void)
{
    struct lks_config *client = client_config(NULL, NULL, NULL);
    struct lks_config *server = server_config(NULL, NULL, NULL);
    struct lks_traffic_keys open, seal;
    struct loopback l;
    uint8_t data[1000] = {0}, record[1100];
    CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(client->policy, 600, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(server->policy, 800, NULL), LKS_OK);
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    struct lks_conn **conn = &l.server.conn;
    CU_ASSERT_EQUAL(lks_conn_export(*conn, LKS_OPEN, &open), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_export(*conn, LKS_SEAL, &seal), LKS_OK);
    CU_ASSERT_EQUAL(open.record_size_limit, 800);
    CU_ASSERT_EQUAL(seal.record_size_limit, 600);
    lks_conn_free(*conn);
    const uint16_t bad[] = {1, 63, 16386, 65535};
    for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++) {
        uint16_t *limit = i & 1 ? &open.record_size_limit : &seal.record_size_limit;
        const uint16_t good = *limit;
        *limit = bad[i / 2];
        CU_ASSERT_EQUAL(lks_conn_import(conn, server, LKS_SERVER, &open, &seal), LKS_BAD_ARGUMENT);
        *limit = good;
    }
    CU_ASSERT_EQUAL_FATAL(lks_conn_import(conn, server, LKS_SERVER, &open, &seal), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_record_max(*conn), 599);
    loopback_echo(&l, 5000);
    /* A record beyond our limit, under the client's key: from its header alone. */
    struct lks_span src = {data, 800}, dst = {record, sizeof(record)};
    struct lks_op op = {&l.client.conn->seal_key, &src, &dst, 1, 1, .type = 23};
    CU_ASSERT_EQUAL(lks_engine_process(l.loop.engine, &op, 1), 1);
    buffer_add(&l.server.wire_in, record, op.len);
    loopback_run(&l);
    CU_ASSERT_EQUAL(l.server.end, LKS_RECORD_OVERFLOW);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

/* The connection moves into another one, twice, with KeyUpdates in between. [8446 5.3-1] */
static void export_and_import(void)
{
    struct pair p;
    struct lks_traffic_keys open, seal;
    uint32_t num_open, num_seal;
    pair_establish(&p);
    struct side *s = &p.side;
    CU_ASSERT_EQUAL(lks_conn_export(s->conn, LKS_OPEN, &open), LKS_OK);
    CU_ASSERT_EQUAL(open.seq, 0);
    CU_ASSERT_EQUAL(memcmp(open.secret, p.client.app_secret, open.secret_len), 0);
    for (uint32_t round = 0; round < 3; round++) {
        pair_echo(&p, 30000);
        lks_conn_key_updates(s->conn, &num_open, &num_seal);
        CU_ASSERT_TRUE(num_open >= round); /* the client may answer and update in one */
        CU_ASSERT_EQUAL(num_seal, 2 * round);
        CU_ASSERT_EQUAL(lks_conn_export(s->conn, LKS_OPEN, &open), LKS_OK);
        CU_ASSERT_EQUAL(lks_conn_export(s->conn, LKS_SEAL, &seal), LKS_OK);
        CU_ASSERT_EQUAL(seal.num_updates, 2 * round);
        CU_ASSERT_TRUE(open.seq > 0 && seal.seq > 0);
        lks_conn_free(s->conn);
        CU_ASSERT_EQUAL_FATAL(lks_conn_import(&s->conn, p.config, LKS_SERVER, &open, &seal),
                              LKS_OK);
        CU_ASSERT_TRUE(lks_conn_is_established(s->conn));
        pair_echo(&p, 30000);
        CU_ASSERT_EQUAL(lks_conn_update_key(s->conn, true), LKS_OK);
        CU_ASSERT_EQUAL(lks_conn_export(s->conn, LKS_SEAL, &seal), LKS_WANT_ROOM);
        pair_echo(&p, 10);
        SSL_key_update(p.client.ssl, SSL_KEY_UPDATE_REQUESTED);
        pair_echo(&p, 10);
    }
    open.secret_len = 31;
    struct lks_conn *none;
    CU_ASSERT_EQUAL(lks_conn_import(&none, p.config, LKS_SERVER, &open, &seal), LKS_BAD_ARGUMENT);
    lks_conn_close(s->conn);
    pair_exchange(&p);
    CU_ASSERT_TRUE(p.client.saw_close);
    pair_free(&p);
    pair_init(&p, NULL, NULL);
    CU_ASSERT_EQUAL(lks_conn_export(p.side.conn, LKS_SEAL, &seal), LKS_WANT_ROOM);
    pair_free(&p);
}

/* Both ask for an update at the same time, again and again, with data on the way. */
static void requests_that_cross(void)
{
    struct side client, server, *both[] = {&client, &server};
    struct lks_config *config = config_with("ecdsa");
    struct poll_loop loop;
    uint8_t data[20000];
    loop_init(&loop, 64, 512);
    import_both(&client, &server, config);
    lks_test_fill(&loop.random, data, sizeof(data));
    for (int i = 0; i < 50; i++) {
        buffer_add(&client.to_send, data, sizeof(data));
        buffer_add(&server.to_send, data, sizeof(data));
        for (int turn = 0; turn < 30; turn++) {
            if (turn == 0)
                CU_ASSERT_TRUE(!lks_conn_update_key(client.conn, true) &&
                               !lks_conn_update_key(server.conn, true));
            loop_poll(&loop, both, 2);
            buffer_add(&client.wire_in, server.wire_out.data, server.wire_out.len);
            buffer_add(&server.wire_in, client.wire_out.data, client.wire_out.len);
            client.wire_out.len = server.wire_out.len = 0;
        }
        LKS_CHECK(client.received.len == sizeof(data) && server.received.len == sizeof(data) &&
                      !memcmp(client.received.data, data, sizeof(data)) &&
                      !memcmp(server.received.data, data, sizeof(data)),
                  "round %d: %zu, %zu", i, client.received.len, server.received.len);
        client.received.len = server.received.len = 0;
    }
    uint32_t num_open, num_seal;
    lks_conn_key_updates(client.conn, &num_open, &num_seal);
    CU_ASSERT_TRUE(num_seal >= 50 && num_seal <= 100 && num_open >= 50);
    CU_ASSERT_FALSE(client.conn->update_asked || server.conn->update_asked);
    side_free(&client);
    side_free(&server);
    loop_free(&loop);
    lks_config_free(config);
}

static void give_record(struct poll_loop *loop, struct side *s, struct lks_key *key, uint8_t type,
                        const void *content, size_t len)
{
    put_record(loop, &s->wire_in, key, type, content, len);
    while (loop_poll(loop, &s, 1))
        ;
}

/* Tickets to a client: dropped, however they are cut; nothing may come between their pieces. */
static void client_drops_tickets(void)
{
    struct side client, server;
    struct lks_config *config = config_with("ecdsa");
    struct poll_loop loop;
    struct lks_key key;
    const uint8_t secret[32] = {2}, tickets[14] = {4, 0, 0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0};
    loop_init(&loop, 8, 64);
    for (int i = 0; i < 2; i++) {
        import_both(&client, &server, config);
        CU_ASSERT_EQUAL(conn_set_key(&key, LKS_SEAL, lks_suite_find(0x1301), secret), LKS_OK);
        give_record(&loop, &client, &key, 22, tickets, 14);
        give_record(&loop, &client, &key, 22, tickets, 3);
        give_record(&loop, &client, &key, 22, tickets + 3, 4);
        if (i)
            give_record(&loop, &client, &key, 22, tickets + 7, 7);
        give_record(&loop, &client, &key, 23, "data", 4);
        CU_ASSERT_EQUAL(client.end, i ? LKS_OK : LKS_ALERT_UNEXPECTED_MESSAGE);
        CU_ASSERT_EQUAL(client.received.len, i ? 4 : 0);
        side_free(&client);
        side_free(&server);
    }
    loop_free(&loop);
    lks_config_free(config);
}

/* All 256 types of message to a client that did not offer post-handshake authentication; only
 * KeyUpdate and NewSessionTicket may come. RFC 8446 sections 4.5 and 4.6.2. [8446 4.5-3 4.6.2-5] */
static void every_type_of_message_to_a_client(void)
{
    const uint8_t secret[32] = {2};
    struct lks_config *config = config_with("ecdsa");
    struct poll_loop loop;
    loop_init(&loop, 8, 64);
    for (unsigned int type = 0; type < 256; type++) {
        struct side client, server;
        struct lks_key key;
        const uint8_t message[] = {(uint8_t)type, 0, 0, 1, 0};
        import_both(&client, &server, config);
        CU_ASSERT_EQUAL(conn_set_key(&key, LKS_SEAL, lks_suite_find(0x1301), secret), LKS_OK);
        give_record(&loop, &client, &key, 22, message, sizeof(message));
        LKS_CHECK(client.end == (type == 24 || type == 4 ? LKS_OK : LKS_ALERT_UNEXPECTED_MESSAGE),
                  "%u: %s", type, lks_status_name(client.end));
        side_free(&client);
        side_free(&server);
    }
    loop_free(&loop);
    lks_config_free(config);
}

const struct lks_test key_update_tests[] = {
    {"client updates", client_updates},
    {"we update", we_update},
    {"update in a burst", update_in_a_burst},
    {"update by itself before the limit", update_by_itself_before_the_limit},
    {"we ask before the peer's limit", we_ask_before_the_peers_limit},
    {"many requests, one answer", many_requests_one_answer},
    {"one request and one update at a time", one_request_and_one_update_at_a_time},
    {"close behind an update", close_behind_an_update},
    {"a request for each record", a_request_for_each_record},
    {"answers that we asked for", answers_that_we_asked_for},
    {"a storm behind data", a_storm_behind_data},
    {"export and import", export_and_import},
    {"limits are exported", limits_are_exported},
    {"requests that cross", requests_that_cross},
    {"client drops tickets", client_drops_tickets},
    {"every type of message to a client", every_type_of_message_to_a_client},
    {"a storm of updates ends the connection", a_storm_of_updates_ends_the_connection},
    {NULL, NULL},
};
