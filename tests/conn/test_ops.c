/* SPDX-License-Identifier: BSD-3-Clause */

/* Ops between a connection and the engine: what comes back must be what went, and must have run. */

#include <string.h>

#include "conn/conn.h"
#include "test_conn.h"
#include "test_memory.h"

#define LEN 100u
#define NUM 3u

/* An established connection with NUM ops under way in a batch of the loop, which has not run: data
 * from the peer, or data to seal in place. */
struct under_way {
    struct pair p;
    struct lks_conn *conn;
    struct lks_batch *batch;
    struct buffer wire;
    uint8_t room[NUM][200];
    bool seals;
};

static void add_seal_op(struct under_way *t, uint32_t i)
{
    struct lks_span src = {t->room[i] + LKS_RECORD_HEADER_LEN, LEN};
    struct lks_span dst = {t->room[i], sizeof(t->room[i])};
    memset(src.data, 'p', LEN);
    CU_ASSERT_EQUAL(lks_conn_seal(t->conn, &src, 1, &dst, 1, t->batch), LKS_OK);
}

static void begin(struct under_way *t, bool seals)
{
    uint8_t data[LEN] = {0};
    memset(t, 0, sizeof(*t));
    pair_establish(&t->p);
    t->conn = t->p.side.conn;
    t->seals = seals;
    t->batch = seals ? &t->p.loop.seal : &t->p.loop.open;
    lks_batch_reset(t->batch);
    for (uint32_t i = 0; i < NUM && seals; i++)
        add_seal_op(t, i);
    if (!seals) {
        size_t taken;
        for (uint32_t i = 0; i < NUM; i++)
            client_write(&t->p.client, data, LEN);
        client_take(&t->p.client, &t->wire);
        struct lks_span in = {t->wire.data, t->wire.len};
        CU_ASSERT_EQUAL(lks_conn_open(t->conn, &in, 1, t->batch, &taken, NULL), LKS_OK);
    }
    CU_ASSERT_EQUAL_FATAL(t->batch->num_ops, NUM);
}

static void end(struct under_way *t)
{
    buffer_free(&t->wire);
    pair_free(&t->p);
}

static void run(struct under_way *t)
{
    CU_ASSERT_EQUAL(lks_engine_process(t->p.loop.engine, t->batch->ops, NUM), NUM);
}

static enum lks_status give_back(struct under_way *t, struct lks_conn *conn,
                                 const struct lks_op *op)
{
    enum lks_event event = LKS_EVENT_NONE;
    enum lks_status status =
        t->seals ? lks_conn_sealed(conn, op) : lks_conn_opened(conn, op, &event);
    LKS_CHECK(t->seals || (event == LKS_EVENT_DATA) == !status, "event %d, %s", event,
              lks_status_name(status));
    return status;
}

/* The connection has ended for good; opening can still say so to the peer. */
static void check_failed(struct under_way *t, enum lks_status status)
{
    struct lks_span in = {t->wire.data, t->wire.len};
    size_t taken;
    CU_ASSERT_FALSE(lks_conn_can_seal(t->conn));
    lks_batch_reset(t->batch);
    LKS_CHECK(lks_conn_seal(t->conn, NULL, 0, NULL, 0, t->batch) == status, "sealing goes on");
    LKS_CHECK(t->seals || lks_conn_open(t->conn, &in, 1, t->batch, &taken, NULL) == status,
              "opening goes on");
    CU_ASSERT_EQUAL(t->batch->num_ops, 0);
    CU_ASSERT_EQUAL(lks_conn_own_len(t->conn) > 0, !t->seals);
}

/* The engine was forgotten. */
static void an_op_that_never_ran(void)
{
    for (int seals = 0; seals < 2; seals++) {
        struct under_way t;
        begin(&t, seals);
        CU_ASSERT_EQUAL(t.batch->ops[0].status, LKS_NOT_RUN);
        CU_ASSERT_EQUAL(give_back(&t, t.conn, &t.batch->ops[0]), LKS_NOT_RUN);
        check_failed(&t, LKS_NOT_RUN);
        end(&t);
    }
}

/* The batch is longer than the engine's bursts. Content in place stays in the clear, and is said to
 * be that. */
static void a_batch_longer_than_a_burst(void)
{
    for (int seals = 0; seals < 2; seals++) {
        struct under_way t;
        struct lks_engine *engine;
        CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, NUM - 1), LKS_OK);
        begin(&t, seals);
        CU_ASSERT_EQUAL(lks_engine_process(engine, t.batch->ops, NUM), NUM - 1);
        for (uint32_t i = 0; i < NUM; i++) {
            const enum lks_status status = give_back(&t, t.conn, &t.batch->ops[i]);
            LKS_CHECK(status == (i < NUM - 1 ? LKS_OK : LKS_NOT_RUN), "seals %d, op %u: %s", seals,
                      i, lks_status_name(status));
        }
        if (seals)
            CU_ASSERT_EQUAL(t.room[NUM - 1][LKS_RECORD_HEADER_LEN], 'p');
        check_failed(&t, LKS_NOT_RUN);
        lks_engine_free(engine);
        end(&t);
    }
}

/* One that an application made itself, of zeros or nearly, was never the connection's. */
static void an_op_of_zeros(void)
{
    for (int i = 0; i < 4; i++) {
        struct under_way t;
        begin(&t, i & 1);
        struct lks_op op = {0};
        if (i & 2)
            op.key = t.batch->ops[0].key;
        op.type = LKS_TYPE_APPLICATION_DATA;
        op.src = t.batch->ops[0].src;
        CU_ASSERT_EQUAL(give_back(&t, t.conn, &op), LKS_BAD_ARGUMENT);
        check_failed(&t, LKS_BAD_ARGUMENT);
        end(&t);
    }
}

/* In another order, twice, and not at all. */
static void ops_that_come_back_wrongly(void)
{
    static const struct {
        uint32_t order[4], num_ok;
    } rows[] = {
        {{0, 1, 2, 2}, 3}, {{0, 0, 1, 2}, 1}, {{0, 2, 1, 0}, 1},
        {{1, 0, 2, 0}, 0}, {{2, 2, 2, 2}, 0}, {{0, 1, 1, 2}, 2},
    };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct under_way t;
        begin(&t, i & 1);
        run(&t);
        for (uint32_t k = 0; k < 4; k++) {
            const enum lks_status status =
                give_back(&t, t.conn, &t.batch->ops[rows[i / 2].order[k]]);
            if (!LKS_CHECK(status == (k < rows[i / 2].num_ok ? LKS_OK : LKS_BAD_ARGUMENT),
                           "seals %zu, row %zu, %u: %s", i & 1, i / 2, k, lks_status_name(status)))
                break;
        }
        check_failed(&t, LKS_BAD_ARGUMENT);
        end(&t);
    }
}

static void an_op_of_another_connection(void)
{
    for (int seals = 0; seals < 2; seals++) {
        struct under_way t, other;
        begin(&t, seals);
        begin(&other, seals);
        run(&t);
        run(&other);
        CU_ASSERT_EQUAL(give_back(&t, t.conn, &other.batch->ops[0]), LKS_BAD_ARGUMENT);
        check_failed(&t, LKS_BAD_ARGUMENT);
        for (uint32_t i = 0; i < NUM; i++)
            CU_ASSERT_EQUAL(give_back(&other, other.conn, &other.batch->ops[i]), LKS_OK);
        end(&t);
        end(&other);
    }
}

/* Ops that are in one batch keep the connection out of another, full of others' ops or empty; this
 * one goes on. */
static void two_batches(void)
{
    struct under_way t, other;
    struct lks_op ops[8];
    struct lks_span spans[16];
    struct lks_batch second = {.ops = ops, .spans = spans, .max_ops = 8, .max_spans = 16};
    begin(&t, true);
    begin(&other, true);
    struct lks_span src = {t.room[0] + LKS_RECORD_HEADER_LEN, LEN}, dst = {t.room[0], 200};
    memset(ops, 0, sizeof(ops));
    CU_ASSERT_EQUAL(lks_conn_seal(t.conn, &src, 1, &dst, 1, &second), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_conn_seal_own(t.conn, &dst, 1, &second), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_conn_seal(t.conn, &src, 1, &dst, 1, other.batch), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(second.num_ops, 0);
    CU_ASSERT_EQUAL(other.batch->num_ops, NUM);
    run(&t);
    for (uint32_t i = 0; i < NUM; i++)
        CU_ASSERT_EQUAL(give_back(&t, t.conn, &t.batch->ops[i]), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_seal(t.conn, &src, 1, &dst, 1, &second), LKS_OK);
    lks_batch_reset(other.batch); /* not run: it may be freed all the same */
    end(&t);
    end(&other);
}

/* A batch that is emptied before its ops came back: the connection says so and waits no more. */
static void a_batch_that_was_lost(void)
{
    struct under_way t;
    size_t taken;
    begin(&t, false);
    struct lks_span in = {t.wire.data, t.wire.len};
    CU_ASSERT_EQUAL(lks_engine_process(t.p.loop.engine, t.batch->ops, NUM), NUM);
    CU_ASSERT_EQUAL(give_back(&t, t.conn, &t.batch->ops[0]), LKS_OK);
    lks_batch_reset(t.batch);
    CU_ASSERT_EQUAL(lks_conn_open(t.conn, &in, 1, t.batch, &taken, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(taken, 0);
    check_failed(&t, LKS_BAD_ARGUMENT);
    end(&t);

    /* During a handshake one op is under way at a time. */
    pair_init(&t.p, NULL, NULL);
    t.conn = t.p.side.conn;
    t.wire = (struct buffer){0};
    client_take(&t.p.client, &t.wire);
    in = (struct lks_span){t.wire.data, t.wire.len};
    lks_batch_reset(&t.p.loop.open);
    CU_ASSERT_EQUAL(lks_conn_open(t.conn, &in, 1, &t.p.loop.open, &taken, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_open(t.conn, &in, 1, &t.p.loop.open, &taken, NULL), LKS_WANT_ROOM);
    lks_batch_reset(&t.p.loop.open);
    CU_ASSERT_EQUAL(lks_conn_open(t.conn, &in, 1, &t.p.loop.open, &taken, NULL), LKS_BAD_ARGUMENT);
    end(&t);
}

/* A number that is about to be used is told to nobody, in either direction. */
static void no_export_while_ops_are_under_way(void)
{
    for (int seals = 0; seals < 2; seals++) {
        struct under_way t;
        struct lks_traffic_keys keys;
        begin(&t, seals);
        for (uint32_t i = 0; i < NUM; i++) {
            for (int dir = LKS_SEAL; dir <= LKS_OPEN; dir++) {
                CU_ASSERT_EQUAL(lks_conn_export(t.conn, (enum lks_dir)dir, &keys), LKS_WANT_ROOM);
                CU_ASSERT_EQUAL(keys.secret_len, 0);
            }
            if (!i)
                run(&t);
            CU_ASSERT_EQUAL(give_back(&t, t.conn, &t.batch->ops[i]), LKS_OK);
        }
        CU_ASSERT_EQUAL(lks_conn_export(t.conn, seals ? LKS_SEAL : LKS_OPEN, &keys), LKS_OK);
        const struct lks_key *key = t.batch->ops[0].key;
        LKS_CHECK(keys.seq == key->seq && key->seq >= NUM, "%lu", (unsigned long)keys.seq);
        end(&t);
    }
}

/* What is queued while records are under way goes behind them, in the same batch. */
static void queueing_while_ops_are_under_way(void)
{
    struct under_way t;
    uint8_t own[100];
    begin(&t, true);
    CU_ASSERT_EQUAL(lks_conn_update_key(t.conn, true), LKS_OK);
    struct lks_span dst = {own, lks_conn_own_len(t.conn)};
    CU_ASSERT_EQUAL(lks_conn_seal_own(t.conn, &dst, 1, t.batch), LKS_OK);
    lks_conn_close(t.conn);
    CU_ASSERT_EQUAL(lks_conn_own_len(t.conn), 0); /* its key is not there yet */
    CU_ASSERT_EQUAL(lks_engine_process(t.p.loop.engine, t.batch->ops, NUM + 1), NUM + 1);
    for (uint32_t i = 0; i < NUM + 1; i++) {
        CU_ASSERT_EQUAL(lks_conn_sealed(t.conn, &t.batch->ops[i]), LKS_OK);
        buffer_add(&t.p.side.wire_out, t.batch->ops[i].dst->data, t.batch->ops[i].len);
    }
    pair_exchange(&t.p);
    CU_ASSERT_EQUAL(t.p.client.received.len, NUM * LEN);
    CU_ASSERT_TRUE(t.p.client.saw_close);
    end(&t);
}

/* A record of data and a KeyUpdate in a batch that has run; in the direction to open a record under
 * the next key behind them, which is deferred. */
static void begin_update(struct under_way *t, bool seals)
{
    memset(t, 0, sizeof(*t));
    pair_establish(&t->p);
    t->conn = t->p.side.conn;
    t->seals = seals;
    t->batch = seals ? &t->p.loop.seal : &t->p.loop.open;
    lks_batch_reset(t->batch);
    if (seals) {
        add_seal_op(t, 0);
        CU_ASSERT_EQUAL(lks_conn_update_key(t->conn, false), LKS_OK);
        struct lks_span own = {t->room[1], lks_conn_own_len(t->conn)};
        CU_ASSERT_EQUAL(lks_conn_seal_own(t->conn, &own, 1, t->batch), LKS_OK);
    } else {
        uint8_t data[LEN] = {0};
        size_t taken;
        client_write(&t->p.client, data, LEN);
        CU_ASSERT_EQUAL(SSL_key_update(t->p.client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        client_write(&t->p.client, data, LEN);
        client_take(&t->p.client, &t->wire);
        struct lks_span in = {t->wire.data, t->wire.len};
        CU_ASSERT_EQUAL(lks_conn_open(t->conn, &in, 1, t->batch, &taken, NULL), LKS_OK);
    }
    CU_ASSERT_EQUAL_FATAL(t->batch->num_ops, seals ? 2 : 3);
    CU_ASSERT_EQUAL(lks_engine_process(t->p.loop.engine, t->batch->ops, t->batch->num_ops), 2);
}

static uint32_t num_updates(const struct under_way *t)
{
    uint32_t open, seal;
    lks_conn_key_updates(t->conn, &open, &seal);
    return t->seals ? seal : open;
}

/* In another order, twice, with one missing: the key is replaced once, when it is the KeyUpdate's
 * turn, or not at all, and nothing comes behind what went wrong. */
static void updates_that_come_back_wrongly(void)
{
    static const struct {
        bool seals;
        uint32_t order[3], num_ok, num_updates;
    } rows[] = {
        {true, {1, 0, 1}, 0, 0},  {true, {0, 1, 1}, 2, 1},  {true, {0, 0, 1}, 1, 0},
        {true, {1, 1, 0}, 0, 0},  {false, {1, 0, 2}, 0, 0}, {false, {0, 1, 1}, 2, 1},
        {false, {0, 2, 1}, 1, 0}, {false, {2, 1, 0}, 0, 0}, {false, {0, 0, 1}, 1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct under_way t;
        begin_update(&t, rows[i].seals);
        for (uint32_t k = 0; k < 3; k++) {
            enum lks_event event;
            const struct lks_op *op = &t.batch->ops[rows[i].order[k]];
            const enum lks_status status =
                t.seals ? lks_conn_sealed(t.conn, op) : lks_conn_opened(t.conn, op, &event);
            LKS_CHECK(status == (k < rows[i].num_ok ? LKS_OK : LKS_BAD_ARGUMENT), "row %zu, %u: %s",
                      i, k, lks_status_name(status));
        }
        LKS_CHECK(num_updates(&t) == rows[i].num_updates, "row %zu: %u updates", i,
                  num_updates(&t));
        check_failed(&t, LKS_BAD_ARGUMENT);
        end(&t);
    }
}

/* The batch is emptied before the KeyUpdate came back. */
static void an_update_that_was_lost(void)
{
    struct under_way t;
    struct lks_traffic_keys keys;
    uint8_t room[200];
    struct lks_span dst = {room, sizeof(room)};
    begin_update(&t, true);
    CU_ASSERT_EQUAL(lks_conn_sealed(t.conn, &t.batch->ops[0]), LKS_OK);
    const uint64_t seq = t.conn->seal_key.seq;
    lks_batch_reset(t.batch);
    /* Neither the old key nor the next is used: not for data, not for an answer to the peer's
     * request, not for close_notify. */
    CU_ASSERT_EQUAL(SSL_key_update(t.p.client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    client_write(&t.p.client, "x", 1);
    pair_exchange(&t.p);
    CU_ASSERT_EQUAL(t.p.side.received.len, 1);
    lks_conn_close(t.conn);
    CU_ASSERT_TRUE(!lks_conn_can_seal(t.conn) && !lks_conn_own_len(t.conn));
    lks_batch_reset(t.batch);
    CU_ASSERT_EQUAL(lks_conn_seal_own(t.conn, &dst, 1, t.batch), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_conn_export(t.conn, LKS_SEAL, &keys), LKS_WANT_ROOM);
    CU_ASSERT_TRUE(num_updates(&t) == 0 && t.conn->seal_key.seq == seq);
    CU_ASSERT_EQUAL(t.p.side.wire_out.len, 0);
    end(&t);

    begin_update(&t, false);
    enum lks_event event;
    size_t taken;
    CU_ASSERT_EQUAL(lks_conn_opened(t.conn, &t.batch->ops[0], &event), LKS_OK);
    lks_batch_reset(t.batch);
    struct lks_span in = {t.wire.data, t.wire.len};
    CU_ASSERT_EQUAL(lks_conn_open(t.conn, &in, 1, t.batch, &taken, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(num_updates(&t), 0);
    check_failed(&t, LKS_BAD_ARGUMENT);
    end(&t);
}

/* The engine was forgotten, or refused it: the old key stays, and nothing is sealed by it. */
static void an_update_that_never_ran(void)
{
    struct under_way t;
    begin_update(&t, true);
    t.batch->ops[1].status = LKS_NOT_RUN;
    CU_ASSERT_EQUAL(lks_conn_sealed(t.conn, &t.batch->ops[0]), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_sealed(t.conn, &t.batch->ops[1]), LKS_NOT_RUN);
    CU_ASSERT_EQUAL(num_updates(&t), 0);
    check_failed(&t, LKS_NOT_RUN);
    end(&t);
}

/* There is no next key: no alert either, which would go under none, or a wrong one. */
static void an_update_without_a_next_key(void)
{
    for (int seals = 0; seals < 2; seals++) {
        struct under_way t;
        enum lks_event event;
        begin_update(&t, seals);
        for (uint32_t i = 0; i < 2; i++) {
            fail_next_key(i == 1);
            const struct lks_op *op = &t.batch->ops[i];
            const enum lks_status status =
                seals ? lks_conn_sealed(t.conn, op) : lks_conn_opened(t.conn, op, &event);
            LKS_CHECK(status == (i ? LKS_NO_MEMORY : LKS_OK), "%d, %u: %s", seals, i,
                      lks_status_name(status));
        }
        CU_ASSERT_EQUAL(lks_conn_status(t.conn), LKS_NO_MEMORY);
        check_failed(&t, LKS_NO_MEMORY);
        end(&t);
    }
}

const struct lks_test ops_tests[] = {
    {"an op that never ran", an_op_that_never_ran},
    {"a batch longer than a burst", a_batch_longer_than_a_burst},
    {"an op of zeros", an_op_of_zeros},
    {"ops that come back wrongly", ops_that_come_back_wrongly},
    {"an op of another connection", an_op_of_another_connection},
    {"two batches", two_batches},
    {"a batch that was lost", a_batch_that_was_lost},
    {"updates that come back wrongly", updates_that_come_back_wrongly},
    {"an update that was lost", an_update_that_was_lost},
    {"an update that never ran", an_update_that_never_ran},
    {"an update without a next key", an_update_without_a_next_key},
    {"no export while ops are under way", no_export_while_ops_are_under_way},
    {"queueing while ops are under way", queueing_while_ops_are_under_way},
    {NULL, NULL},
};
