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

/* The questions beside signatures. */
enum kind { HELLO, PEER, SESSION, NUM_KINDS };

static void keep_ask(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    struct asked *a = user;
    a->num++;
    a->conn = conn;
    a->ask = ask;
}

static void no_put(void *user, const uint8_t *id, size_t id_len, const uint8_t *bytes, size_t len,
                   uint64_t until_ms)
{
    (void)user, (void)id, (void)id_len, (void)bytes, (void)len, (void)until_ms;
}

static void no_remove(void *user, const uint8_t *id, size_t id_len)
{
    (void)user, (void)id, (void)id_len;
}

static enum lks_status yes(enum kind kind, struct lks_ask *ask, enum lks_event *event)
{
    return kind == HELLO  ? lks_answer_hello(ask, NULL, event)
           : kind == PEER ? lks_answer_peer(ask, 0, event)
                          : lks_answer_session(ask, NULL, 0, event);
}

/* What becomes of a question: two answers, or one that comes when its connection was closed, or
 * freed, or none, with the connection there or not. */
enum fate { TWICE, CLOSED, FREED, NONE, NEVER, NUM_FATES };

static void meet_fate(enum kind kind, enum fate fate, struct asked *a, struct side *s)
{
    enum lks_event event = LKS_EVENT_DATA;
    for (int i = 0; i < NUM_KINDS; i++)
        if (i != (int)kind)
            CU_ASSERT_EQUAL(yes((enum kind)i, a->ask, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_answer_signature(a->ask, (const uint8_t *)"x", 1, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_PTR_EQUAL(lks_ask_conn(a->ask), s->conn);
    if (fate == TWICE)
        CU_ASSERT_EQUAL(yes(kind, a->ask, NULL), LKS_OK);
    if (fate == CLOSED)
        lks_conn_close(s->conn);
    if (fate == FREED || fate == NEVER) {
        lks_conn_free(s->conn);
        s->conn = NULL;
        CU_ASSERT_PTR_NULL(lks_ask_conn(a->ask));
    }
    if (fate < NONE) {
        CU_ASSERT_EQUAL(yes(kind, a->ask, &event), fate == TWICE ? LKS_BAD_ARGUMENT : LKS_CLOSED);
        CU_ASSERT_EQUAL(event, LKS_EVENT_NONE);
    }
    lks_ask_free(a->ask);
}

static void questions_astray(void)
{
    for (int i = 0; i < NUM_KINDS * NUM_FATES; i++) {
        const enum kind kind = (enum kind)(i / NUM_FATES);
        const enum fate fate = (enum fate)(i % NUM_FATES);
        struct lks_config *client = asked_config("", false, NULL),
                          *server = asked_config("ecdsa", false, NULL);
        struct asked a = {.num = 0};
        struct loopback l;
        if (kind == HELLO)
            CU_ASSERT_EQUAL(lks_policy_set_hello(server->policy, keep_ask, &a, NULL), LKS_OK);
        if (kind == PEER)
            CU_ASSERT_EQUAL(
                lks_policy_set_verifier(client->policy, LKS_VERIFY_AFTER, keep_ask, &a, NULL),
                LKS_OK);
        if (kind == SESSION) { /* the ID is one for the looks of it */
            only_version(server, LKS_TLS_1_2);
            CU_ASSERT_EQUAL(
                lks_memory_set_session_store(server->memory, keep_ask, no_put, no_remove, &a, NULL),
                LKS_OK);
        }
        loopback_init(&l, client, server, &localhost);
        struct side *s = kind == PEER ? &l.client : &l.server;
        loopback_run(&l);
        CU_ASSERT_TRUE_FATAL(a.ask && a.conn == s->conn);
        meet_fate(kind, fate, &a, s);
        const bool goes_on = fate == TWICE || (fate == NONE && kind == SESSION);
        if (s->conn)
            loopback_run(&l);
        LKS_CHECK(a.num == 1 && (!s->conn || lks_conn_is_established(s->conn) == goes_on),
                  "kind %d, fate %d: %s", kind, fate, lks_conn_reason(s->conn));
        LKS_CHECK(!s->conn || lks_conn_status(s->conn) ==
                                  (fate == NONE && !goes_on ? LKS_INTERNAL : LKS_OK),
                  "kind %d, fate %d: %s", kind, fate, lks_conn_reason(s->conn));
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* Whatever is called back, the n-th time: it frees or closes the connection, and goes on as if
 * nothing had happened. */
static struct {
    struct lks_conn *conn; /* NULL: not made yet */
    unsigned int num, at;
    bool closes, sprung;
} trap;

static void step_on_it(void)
{
    if (!trap.conn || trap.num++ != trap.at)
        return;
    trap.sprung = true;
    if (trap.closes)
        lks_conn_close(trap.conn);
    else
        lks_conn_free(trap.conn);
}

static void trap_ask(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    size_t len;
    enum lks_status status;
    (void)user, (void)conn;
    step_on_it();
    if (lks_ask_hello(ask))
        status = lks_answer_hello(ask, NULL, NULL);
    else if (lks_ask_session_id(ask, &len))
        status = lks_answer_session(ask, NULL, 0, NULL);
    else if (lks_ask_peer_chain(ask, 0, &len))
        status = lks_answer_peer(ask, UINT64_MAX, NULL);
    else {
        const uint8_t *sig = signature_of(ask, &len);
        status = lks_answer_signature(ask, sig, len, NULL);
    }
    CU_ASSERT_EQUAL(status, LKS_OK);
    lks_ask_free(ask);
}

static uint64_t trap_clock(void *user)
{
    (void)user;
    step_on_it();
    return lks_system_time_ms();
}

static void trap_line(void *user, const char *line, size_t len)
{
    (void)user, (void)line, (void)len;
    step_on_it();
}

static void trap_trace(void *user, const struct lks_conn *conn, const struct lks_trace *row)
{
    (void)user, (void)conn, (void)row;
    step_on_it();
}

static void trap_put(void *user, const uint8_t *id, size_t id_len, const uint8_t *bytes, size_t len,
                     uint64_t until_ms)
{
    (void)user, (void)id, (void)id_len, (void)bytes, (void)len, (void)until_ms;
    step_on_it();
}

static void trap_remove(void *user, const uint8_t *id, size_t id_len)
{
    (void)user, (void)id, (void)id_len;
    step_on_it();
}

static struct lks_config *trapped(enum lks_role role)
{
    struct lks_config *config = asked_config("ecdsa", true, NULL);
    struct lks_policy *policy = config->policy;
    CU_ASSERT_EQUAL(lks_policy_set_signer(policy, trap_ask, NULL, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_verifier(policy, LKS_VERIFY_AFTER, trap_ask, NULL, NULL),
                    LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_clock(policy, trap_clock, NULL, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_queue_key_log(policy, trap_line, NULL, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_trace(policy, trap_trace, NULL, NULL), LKS_OK);
    if (role == LKS_SERVER)
        CU_ASSERT_EQUAL(lks_policy_set_hello(policy, trap_ask, NULL, NULL), LKS_OK);
    if (role == LKS_SERVER)
        CU_ASSERT_EQUAL(lks_memory_set_session_store(config->memory, trap_ask, trap_put,
                                                     trap_remove, NULL, NULL),
                        LKS_OK);
    return config;
}

/* One handshake; false: the trap lies behind all that is called. */
static bool trapped_run(enum lks_role role, struct lks_config *const configs[2])
{
    struct loopback l;
    trap.conn = NULL;
    trap.num = 0;
    trap.sprung = false;
    loopback_init(&l, configs[LKS_CLIENT], configs[LKS_SERVER], &localhost);
    trap.conn = role == LKS_SERVER ? l.server.conn : l.client.conn;
    loopback_run(&l);
    const enum lks_status status = lks_conn_status(trap.conn);
    LKS_CHECK(status == (trap.sprung ? LKS_INSIDE : LKS_OK), "%s %u of %s: %s",
              trap.closes ? "close" : "free", trap.at, role == LKS_SERVER ? "server" : "client",
              lks_status_name(status));
    loopback_free(&l);
    return trap.sprung;
}

/* The rule is one for all of them. */
static void misused_anywhere(void)
{
    for (unsigned int bits = 0; bits < 8; bits++) {
        const enum lks_role role = bits & 1 ? LKS_CLIENT : LKS_SERVER;
        struct lks_config *const configs[2] = {
            role == LKS_SERVER ? trapped(role) : asked_config("ecdsa", false, NULL),
            role == LKS_CLIENT ? trapped(role) : asked_config("ecdsa", false, NULL)};
        struct lks_policy *server = configs[LKS_SERVER]->policy;
        only_version(configs[LKS_CLIENT], bits & 2 ? LKS_TLS_1_2 : LKS_TLS_1_3);
        CU_ASSERT_EQUAL(lks_policy_set_client_auth(server, LKS_CLIENT_AUTH_OPTIONAL, false, NULL),
                        LKS_OK);
        if (bits & 2)
            CU_ASSERT_EQUAL(lks_policy_set_tickets(server, 0, 7200, NULL), LKS_OK);
        trap.closes = bits & 4;
        trap.at = 0;
        while (trapped_run(role, configs))
            trap.at++;
        LKS_CHECK(trap.at >= 8, "%u callbacks", trap.at);
        lks_config_free(configs[0]);
        lks_config_free(configs[1]);
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
    {"questions astray", questions_astray},
    {"misused anywhere", misused_anywhere},
    {"streams", streams},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"rule", rule_tests},   {"signer", signer_tests},
                                                   {"asked", asked_tests}, {"store", store_tests},
                                                   {"trace", trace_tests}, {NULL, NULL}};
    int rc = lks_test_run("callbacks", suites);
    test_certificates_remove();
    return rc;
}
