/* SPDX-License-Identifier: BSD-3-Clause */

/* What is told of connections, <lockstep/callbacks.h>: a row where one succeeds, fails or changes.
 */

#include <string.h>

#include "asked.h"

#define ROWS_MAX 16u

/* Of one connection. */
struct told {
    struct lks_trace rows[ROWS_MAX];
    unsigned int num;
    char reason[200]; /* the last one's */
};

static void on_trace(void *user, const struct lks_conn *conn, const struct lks_trace *row)
{
    struct told *t = lks_conn_user(conn);
    CU_ASSERT_STRING_EQUAL(user, "traced");
    CU_ASSERT_FATAL(t && t->num < ROWS_MAX);
    snprintf(t->reason, sizeof(t->reason), "%s", row->reason);
    t->rows[t->num++] = *row;
}

static void trace_it(struct lks_config *config)
{
    static char user[] = "traced";
    CU_ASSERT_EQUAL(lks_policy_set_trace(config->policy, on_trace, user, NULL), LKS_OK);
}

/* What was told, in that order and no more; ended by LKS_TRACED_FREED. */
static void check(const char *name, const struct told *t, const enum lks_traced *wanted)
{
    unsigned int num = 0;
    while (wanted[num++] != LKS_TRACED_FREED)
        ;
    LKS_CHECK(t->num == num, "%s: %u rows, wanted %u", name, t->num, num);
    for (unsigned int i = 0; i < num && i < t->num; i++)
        LKS_CHECK(t->rows[i].what == wanted[i], "%s: row %u: %d", name, i, (int)t->rows[i].what);
}

/* With OpenSSL's client: it succeeds, gets new keys, is closed and freed. */
static void succeeds(void)
{
    static const enum lks_traced wanted[] = {LKS_TRACED_ESTABLISHED, LKS_TRACED_TICKETS_SENT,
                                             LKS_TRACED_OPEN_UPDATE, LKS_TRACED_SEAL_UPDATE,
                                             LKS_TRACED_CLOSED,      LKS_TRACED_FREED};
    struct lks_config *config = asked_config("ecdsa", false, NULL);
    const struct client_options options = {.server_name = "localhost"};
    struct poll_loop loop;
    struct side side;
    struct client peer;
    struct told t = {.num = 0};
    trace_it(config);
    loop_init(&loop, 64, 8192);
    side_init(&side, config);
    lks_conn_set_user(side.conn, &t);
    client_init(&peer, &options);
    exchange(&loop, &side, &peer);
    SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED);
    client_write(&peer, "hello", 5);
    exchange(&loop, &side, &peer);
    SSL_shutdown(peer.ssl);
    exchange(&loop, &side, &peer);
    side_free(&side);
    check("succeeds", &t, wanted);
    for (unsigned int i = 0; i < t.num; i++) {
        const struct lks_trace *row = &t.rows[i];
        LKS_CHECK(row->role == LKS_SERVER && !row->status && row->version == LKS_TLS_1_3 &&
                      row->suite && row->group == 0x001d && row->time_ms && !row->hello_retried,
                  "row %u", i);
    }
    CU_ASSERT_EQUAL(t.rows[1].num_tickets, 2);
    CU_ASSERT_TRUE(t.rows[2].num_updates == 1 && t.rows[3].num_updates == 1);
    CU_ASSERT_EQUAL(t.rows[5].counts.bytes_opened, 5);
    client_free(&peer);
    loop_free(&loop);
    lks_config_free(config);
}

static void fails(void)
{
    static const enum lks_traced wanted[] = {LKS_TRACED_FAILED, LKS_TRACED_FREED};
    struct lks_config *config = asked_config("ecdsa", false, NULL);
    const struct client_options old = {.max_version = TLS1_2_VERSION};
    struct poll_loop loop;
    struct side side;
    struct client peer;
    struct told t = {.num = 0};
    trace_it(config);
    only_version(config, LKS_TLS_1_3);
    loop_init(&loop, 64, 8192);
    side_init(&side, config);
    lks_conn_set_user(side.conn, &t);
    client_init(&peer, &old);
    exchange(&loop, &side, &peer);
    CU_ASSERT_TRUE(t.num == 1 && t.rows[0].status == LKS_ALERT_PROTOCOL_VERSION && t.reason[0]);
    client_free(&peer);
    side_free(&side);
    check("fails", &t, wanted);
    CU_ASSERT_TRUE(t.rows[1].sent_alert == 70 && t.reason[0]);
    loop_free(&loop);
    lks_config_free(config);
}

/* Both sides of a handshake that goes to its end. */
struct both {
    const char *name;
    uint16_t version;
    const char *groups;       /* the server's */
    unsigned int num_tickets; /* 0: TLS 1.2's go by ID */
    enum lks_traced client[6], server[6];
};

static void run_both(const struct both *b)
{
    struct lks_config *client = asked_config("", false, NULL);
    struct lks_config *server = asked_config("ecdsa", false, NULL);
    struct told told[2] = {{.num = 0}, {.num = 0}};
    struct loopback l;
    trace_it(client);
    trace_it(server);
    only_version(client, b->version);
    CU_ASSERT_EQUAL(lks_policy_set_groups(server->policy, b->groups, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(server->policy, b->num_tickets, 7200, NULL), LKS_OK);
    loopback_init(&l, client, server, &localhost);
    lks_conn_set_user(l.client.conn, &told[LKS_CLIENT]);
    lks_conn_set_user(l.server.conn, &told[LKS_SERVER]);
    loopback_run(&l);
    CU_ASSERT_TRUE(l.client.established && l.server.established);
    loopback_free(&l);
    check(b->name, &told[LKS_CLIENT], b->client);
    check(b->name, &told[LKS_SERVER], b->server);
    for (unsigned int i = 0; i < told[LKS_SERVER].num; i++) {
        const struct lks_trace *row = &told[LKS_SERVER].rows[i];
        LKS_CHECK(row->num_tickets == (row->what == LKS_TRACED_TICKETS_SENT ? b->num_tickets : 0),
                  "%s: %u tickets", b->name, row->num_tickets);
        LKS_CHECK(row->hello_retried == (b->server[0] == LKS_TRACED_RETRIED), "%s: row %u", b->name,
                  i);
    }
    lks_config_free(client);
    lks_config_free(server);
}

#define DONE    LKS_TRACED_ESTABLISHED
#define FREED   LKS_TRACED_FREED
#define RETRIED LKS_TRACED_RETRIED
#define SENT    LKS_TRACED_TICKETS_SENT
#define CAME    LKS_TRACED_SESSION_CAME

/* HelloRetryRequests, and what may be resumed, as it leaves and as it comes. */
static void retries_and_tickets(void)
{
    static const struct both all[] = {
        {"TLS 1.3", LKS_TLS_1_3, "x25519", 3, {DONE, CAME, CAME, CAME, FREED}, {DONE, SENT, FREED}},
        {"retried",
         LKS_TLS_1_3,
         "secp384r1",
         1,
         {RETRIED, DONE, CAME, FREED},
         {RETRIED, DONE, SENT, FREED}},
        {"none", LKS_TLS_1_3, "x25519", 0, {DONE, FREED}, {DONE, FREED}},
        {"TLS 1.2", LKS_TLS_1_2, "x25519", 1, {DONE, CAME, FREED}, {DONE, SENT, FREED}},
        {"by ID", LKS_TLS_1_2, "x25519", 0, {DONE, CAME, FREED}, {DONE, FREED}},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        run_both(&all[i]);
}

const struct lks_test trace_tests[] = {
    {"succeeds", succeeds},
    {"fails", fails},
    {"retries and tickets", retries_and_tickets},
    {NULL, NULL},
};
