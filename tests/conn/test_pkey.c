/* SPDX-License-Identifier: BSD-3-Clause */

/* Public-key work that the caller runs: on another thread, in any order, or never. */

#include <pthread.h>
#include <string.h>

#include "conn/conn.h"
#include "test_conn.h"

static struct lks_config *deferred(struct lks_config *config)
{
    CU_ASSERT_EQUAL(lks_policy_set_deferred_pkey(config->policy, true, NULL), LKS_OK);
    return config;
}

static void *run_job(void *job)
{
    lks_pkey_job_run(job);
    return NULL;
}

enum where { HERE, ON_A_THREAD, WHEN_BACK };

/* Takes the side's job, if it has one, and brings it back. */
static bool do_job(struct side *s, enum where where)
{
    enum lks_event event;
    struct lks_pkey_job *job = lks_conn_take_pkey_job(s->conn);
    if (!job)
        return false;
    CU_ASSERT_PTR_NULL(lks_conn_take_pkey_job(s->conn));
    if (where == HERE)
        lks_pkey_job_run(job);
    if (where == ON_A_THREAD) {
        pthread_t thread;
        CU_ASSERT_EQUAL(pthread_create(&thread, NULL, run_job, job), 0);
        pthread_join(thread, NULL);
    }
    enum lks_status status = lks_conn_pkey_done(s->conn, job, &event);
    if (status)
        s->end = status;
    s->established |= event == LKS_EVENT_ESTABLISHED;
    return true;
}

static void every_role_and_place(void)
{
    for (int who = 1; who < 4; who++) {
        for (int where = HERE; where <= WHEN_BACK; where++) {
            for (int retried = 0; retried < 2; retried++) {
                struct loopback l;
                struct lks_config *client = client_config(NULL, NULL, NULL);
                struct lks_config *server = server_config(NULL, retried ? "secp384r1" : NULL, NULL);
                int num_client = 0, num_server = 0;
                CU_ASSERT_EQUAL(lks_policy_set_deferred_pkey(client->policy, who & 1, NULL),
                                LKS_OK);
                CU_ASSERT_EQUAL(lks_policy_set_deferred_pkey(server->policy, who & 2, NULL),
                                LKS_OK);
                loopback_init(&l, client, server, &localhost);
                for (bool moved = true; moved;) {
                    loopback_run(&l);
                    bool by_client = do_job(&l.client, (enum where)where);
                    bool by_server = do_job(&l.server, (enum where)where);
                    num_client += by_client;
                    num_server += by_server;
                    moved = by_client || by_server;
                }
                LKS_CHECK(l.client.established && l.server.established, "%d %d: %s, %s", who, where,
                          lks_status_name(l.client.end), lks_status_name(l.server.end));
                CU_ASSERT_EQUAL(num_client, who & 1 ? 1 : 0); /* agreement */
                CU_ASSERT_EQUAL(num_server, who & 2 ? 2 : 0); /* and a signature */
                loopback_echo(&l, 10000);
                loopback_free(&l);
                lks_config_free(client);
                lks_config_free(server);
            }
        }
    }
}

#define NUM_CONNS 8

/* Jobs of many connections come back in another order than they went; while they are out, no input
 * is taken, and what is to be sent leaves. */
static void jobs_in_odd_order(void)
{
    struct lks_config *client = client_config(NULL, NULL, NULL);
    struct lks_config *server = deferred(server_config("ecdsa", NULL, NULL));
    struct loopback l[NUM_CONNS];
    enum lks_event event;
    for (int i = 0; i < NUM_CONNS; i++)
        loopback_init(&l[i], client, server, &localhost);
    for (int round = 0; round < 2; round++) {
        struct lks_pkey_job *jobs[NUM_CONNS];
        for (int i = 0; i < NUM_CONNS; i++) {
            loopback_run(&l[i]);
            jobs[i] = lks_conn_take_pkey_job(l[i].server.conn);
            CU_ASSERT_PTR_NOT_NULL_FATAL(jobs[i]);
            /* The ServerHello leaves as soon as there is one: the client has answered by alerts at
             * most, so nothing else moves. */
            CU_ASSERT_FALSE(l[i].client.established);
            const uint8_t byte = 22;
            struct lks_span in = {(uint8_t[]){byte}, 1};
            size_t taken;
            lks_batch_reset(&l[i].loop.open);
            CU_ASSERT_EQUAL(lks_conn_open(l[i].server.conn, &in, 1, &l[i].loop.open, &taken, NULL),
                            LKS_WANT_PKEY);
            CU_ASSERT_EQUAL(taken, 0);
        }
        for (int i = NUM_CONNS - 1; i >= 0; i--)
            lks_pkey_job_run(jobs[i]);
        for (int k = 0; k < NUM_CONNS; k++) {
            int i = (3 * k + 1) % NUM_CONNS;
            CU_ASSERT_EQUAL(lks_conn_pkey_done(l[i].server.conn, jobs[i], &event), LKS_OK);
            CU_ASSERT_EQUAL(event, round ? LKS_EVENT_NONE : LKS_EVENT_PKEY);
        }
    }
    for (int i = 0; i < NUM_CONNS; i++) {
        loopback_run(&l[i]);
        CU_ASSERT_TRUE(l[i].client.established && l[i].server.established);
        loopback_echo(&l[i], 100);
        loopback_free(&l[i]);
    }
    lks_config_free(client);
    lks_config_free(server);
}

/* The connection and its configuration go while its job is out, or before it was taken. */
static void connection_freed(void)
{
    for (int taken = 0; taken < 2; taken++) {
        for (int step = 1; step <= 2; step++) {
            struct loopback l;
            struct lks_config *client = client_config(NULL, NULL, NULL);
            struct lks_config *server = deferred(server_config("ecdsa", NULL, NULL));
            loopback_init(&l, client, server, &localhost);
            loopback_run(&l);
            if (step == 2)
                CU_ASSERT_TRUE(do_job(&l.server, HERE));
            struct lks_pkey_job *job = taken ? lks_conn_take_pkey_job(l.server.conn) : NULL;
            CU_ASSERT_EQUAL(job != NULL, taken);
            loopback_free(&l);
            lks_config_free(client);
            lks_config_free(server);
            if (job && step == 1)
                lks_pkey_job_run(job);
            lks_pkey_job_free(job);
        }
    }
    lks_pkey_job_free(NULL);
}

/* A job that belongs to another connection, or comes when it has failed. */
static void jobs_astray(void)
{
    struct lks_config *client = client_config(NULL, NULL, NULL);
    struct lks_config *server = deferred(server_config("ecdsa", NULL, NULL));
    struct loopback a, b;
    enum lks_event event;
    loopback_init(&a, client, server, &localhost);
    loopback_init(&b, client, server, &localhost);
    loopback_run(&a);
    loopback_run(&b);
    struct lks_pkey_job *of_a = lks_conn_take_pkey_job(a.server.conn);
    struct lks_pkey_job *of_b = lks_conn_take_pkey_job(b.server.conn);
    CU_ASSERT_EQUAL(lks_conn_pkey_done(b.server.conn, of_a, &event), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_conn_pkey_done(b.server.conn, NULL, &event), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_conn_pkey_done(b.server.conn, of_b, &event), LKS_OK);
    while (do_job(&b.server, HERE))
        loopback_run(&b);
    CU_ASSERT_TRUE(b.server.established);
    loopback_free(&a);
    loopback_free(&b);
    lks_config_free(client);
    lks_config_free(server);
}

/* What is wrong about a share shows when the job is back. */
static void bad_share(void)
{
    struct pair p;
    const struct client_options options = {.groups = "P-256"};
    pair_init(&p, "ecdsa", &options);
    CU_ASSERT_EQUAL(lks_policy_set_deferred_pkey(p.config->policy, true, NULL), LKS_OK);
    struct side *s = &p.side;
    client_take(&p.client, &s->wire_in);
    /* The share is the only string of 65 bytes that begins with 4. */
    uint8_t *share = memmem(s->wire_in.data, s->wire_in.len, "\0\x41\4", 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(share);
    share[10] ^= 1;
    while (loop_poll(&p.loop, &s, 1))
        ;
    CU_ASSERT_EQUAL(s->end, LKS_OK);
    CU_ASSERT_TRUE(do_job(s, ON_A_THREAD));
    CU_ASSERT_EQUAL(s->end, LKS_ALERT_ILLEGAL_PARAMETER);
    CU_ASSERT_PTR_NULL(lks_conn_take_pkey_job(s->conn));
    pair_inject(&p, NULL, 0);
    CU_ASSERT_TRUE(ends_with_plain_alert(&s->wire_out, 47));
    pair_free(&p);
}

const struct lks_test pkey_tests[] = {
    {"every role and place", every_role_and_place},
    {"jobs in odd order", jobs_in_odd_order},
    {"connection freed", connection_freed},
    {"jobs astray", jobs_astray},
    {"bad share", bad_share},
    {NULL, NULL},
};
