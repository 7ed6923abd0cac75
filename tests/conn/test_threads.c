/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Several threads whose connections share policies, identities and a memory, as the lcores of a
 * server do: what is frozen is not written to, and what changes in a memory does so for one at a
 * time. ./dev test runs this with ThreadSanitizer, too, which sees what only happens to go well.
 */

#include <openssl/ocsp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "handshake/config.h"
#include "mutual.h"

#define THREADS 3
#define VISITS  (lks_test_is_quick() ? 9 : 24)

static const uint8_t secret[32] = {3};

/* A policy's clock. What threads do moves it, so that ticket keys end and are made anew. */
static atomic_uint_least64_t now_ms;

static uint64_t clock_ms(void *user)
{
    (void)user;
    return atomic_load(&now_ms);
}

static void add_crl(struct lks_config *config, X509 *issuer, enum pki_key key, X509 *revoked)
{
    X509_CRL *crl = pki_crl(&(struct pki_crl){.issuer = issuer, .key = key, .revoked = revoked});
    uint8_t der[4096], *at = der;
    const int len = i2d_X509_CRL(crl, &at);
    CU_ASSERT_FATAL(len > 0 && (size_t)len <= sizeof(der));
    CU_ASSERT_EQUAL(
        lks_policy_add_crls(config->policy, lks_from_memory("crl", der, (size_t)len), NULL),
        LKS_OK);
    X509_CRL_free(crl);
}

/* Whatever a policy can make a handshake look at. */
static void set_policy(struct lks_config *config)
{
    set_verify_time(config, 0);
    CU_ASSERT_EQUAL(lks_policy_set_clock(config->policy, clock_ms, NULL, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_keep(config->policy, LKS_KEEP_CHAIN, NULL), LKS_OK);
    add_crl(config, pki_root, PKI_P256, NULL);
    add_crl(config, pki_intermediate, PKI_P384, NULL);
}

/* An OCSP response by a responder of the intermediate's, which itself is good until then. */
static void make_response(X509 *leaf, int64_t until)
{
    const struct pki what = {
        .subject = "responder", .eku = "OCSPSigning", .begin = -60, .end = until};
    X509 *responder = pki_make(&what, pki_intermediate, PKI_P384);
    pki_response_of("good.ocsp", leaf, V_OCSP_CERTSTATUS_GOOD, -60, 7200, responder, PKI_P256,
                    true);
    X509_free(responder);
}

static void staple(struct lks_config *config)
{
    set_verify_time(config, PKI_NOW);
    CU_ASSERT_EQUAL(lks_identities_set_ocsp_response(config->identities,
                                                     lks_from_file(pki_path("good.ocsp")), NULL),
                    LKS_OK);
}

static X509 *leaf;

static void begin(void)
{
    mutual_begin();
    atomic_store(&now_ms, UINT64_C(1000) * PKI_NOW);
    X509_free(leaf);
    leaf = pki_leaf("server", &(struct pki){.subject = "server", .san = "DNS:localhost"}, false);
}

static struct lks_config *a_client(void)
{
    struct lks_config *config = mutual_client("one");
    CU_ASSERT_EQUAL(lks_policy_set_ocsp(config->policy, LKS_OCSP_REQUIRED, NULL), LKS_OK);
    set_policy(config);
    return config;
}

static struct lks_config *a_server(enum way way)
{
    struct lks_config *config = mutual_server(way, LKS_CLIENT_AUTH_OPTIONAL);
    staple(config);
    set_policy(config);
    return config;
}

/* libcrypto has verified with it, the responder's certificate, too, which is held against the
 * policy's time; and it is what it was. */
static void store_is_untouched(void)
{
    for (int ends = 0; ends < 2; ends++) {
        begin();
        make_response(leaf, ends ? 60 : 7200);
        struct lks_config *client = a_client(), *server = a_server(TICKET_13);
        const X509_VERIFY_PARAM *param = X509_STORE_get0_param(client->policy->trust);
        const unsigned long flags = X509_VERIFY_PARAM_get_flags(param);
        const time_t time = X509_VERIFY_PARAM_get_time(param);
        struct lks_conn_options options = {.server_name = "localhost"};
        struct loopback l;
        atomic_fetch_add(&now_ms, 120000);
        loopback_init(&l, client, server, &options);
        loopback_run(&l);
        LKS_CHECK(l.client.end == (ends ? LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE : LKS_OK) &&
                      l.client.established == !ends,
                  "%s", lks_conn_reason(l.client.conn));
        CU_ASSERT_EQUAL(X509_VERIFY_PARAM_get_flags(param), flags);
        CU_ASSERT_EQUAL(X509_VERIFY_PARAM_get_time(param), time);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* libcrypto would sort them when one is looked for, wherever that is. */
static void crls_are_sorted(void)
{
    begin();
    struct lks_config *config = a_client();
    add_crl(config, pki_intermediate, PKI_P384, leaf);
    STACK_OF(X509_CRL) *all = config->policy->revocation.all;
    for (int i = 0; i < sk_X509_CRL_num(all); i++) {
        STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(sk_X509_CRL_value(all, i));
        CU_ASSERT_TRUE(!list || sk_X509_REVOKED_is_sorted(list));
    }
    CU_ASSERT_EQUAL(sk_X509_CRL_num(all), 3);
    lks_config_free(config);
}

static struct {
    struct lks_config *client, *servers[NUM_WAYS]; /* with one memory and identities */
    atomic_uint num_failed, num_done, num_rows;
} shared;

static void on_trace(void *user, const struct lks_conn *conn, const struct lks_trace *row)
{
    (void)user, (void)conn;
    atomic_fetch_add(&shared.num_rows, row->what == LKS_TRACED_FREED);
}

/* With a session (len 0: none), whose place a new one takes. Whether it was resumed. */
static bool visit(enum way way, struct session *session)
{
    const struct lks_conn_options options = {.server_name = "localhost",
                                             .session = session->len ? session->bytes : NULL,
                                             .session_len = session->len};
    struct loopback l;
    struct lks_conn_info info;
    loopback_init(&l, shared.client, shared.servers[way], &options);
    loopback_run(&l);
    lks_conn_get_info(l.server.conn, &info);
    atomic_fetch_add(&shared.num_failed, !l.client.established || !l.server.established);
    memcpy(session->bytes, l.client.session, l.client.session_len);
    session->len = l.client.session_len;
    loopback_free(&l);
    return info.resumed;
}

static void *work(void *arg)
{
    struct session sessions[NUM_WAYS] = {{.len = 0}};
    unsigned int way = (unsigned int)(uintptr_t)arg;
    for (int i = 0; i < VISITS; i++) {
        way = (way + 1) % NUM_WAYS;
        (void)visit((enum way)way, &sessions[way]);
        atomic_fetch_add(&now_ms, 7000);
    }
    atomic_fetch_add(&shared.num_done, 1);
    return NULL;
}

/* What may be asked, and set, while connections use it. */
static void beside(void)
{
    struct lks_memory *memory = shared.servers[0]->memory;
    struct lks_error err;
    bool changed;
    static unsigned int turn;
    const enum lks_status status =
        turn++ % 2 ? lks_memory_set_ticket_secret(memory, secret, sizeof(secret), 60, &err)
                   : lks_memory_reload_ticket_keys(memory, &changed, &err);
    LKS_CHECK(!status || status == LKS_WANT_ROOM, "%s", lks_status_name(status));
    CU_ASSERT_FALSE(lks_policy_warning(shared.client->policy, 0, &err));
    (void)lks_identities_warning(shared.client->identities, 0, &err);
    CU_ASSERT_EQUAL(lks_config_check(shared.servers[0], LKS_SERVER, &err), LKS_OK);
    lks_config_free(lks_config_ref(shared.client));
}

static void share(void)
{
    begin();
    make_response(leaf, 7200);
    struct lks_config *first = a_server(TICKET_13);
    struct lks_memory *memory = first->memory;
    CU_ASSERT_EQUAL(lks_memory_set_session_cache(memory, 4, NULL), LKS_OK); /* all want the same */
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(memory, secret, sizeof(secret), 60, NULL), LKS_OK);
    shared.client = a_client();
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct lks_config *config = way ? a_server(way) : first;
        if (way == TICKET_13)
            CU_ASSERT_EQUAL(lks_policy_set_groups(config->policy, "secp384r1", NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_trace(config->policy, on_trace, NULL, NULL), LKS_OK);
        CU_ASSERT_EQUAL_FATAL(
            lks_config_new(&shared.servers[way], config->policy, first->identities, memory, NULL),
            LKS_OK);
        if (way)
            lks_config_free(config);
    }
    lks_config_free(first);
}

/* Handshakes of all kinds, while the ring of ticket keys turns and somebody looks on: each comes to
 * its end, and what was resumable on one core is on another. */
static void cores(void)
{
    pthread_t threads[THREADS];
    struct session session = {.len = 0};
    share();
    for (uintptr_t i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    while (atomic_load(&shared.num_done) < THREADS)
        beside();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    LKS_CHECK(atomic_load(&shared.num_failed) == 0, "%u of %d", shared.num_failed,
              THREADS * VISITS);
    CU_ASSERT_EQUAL(atomic_load(&shared.num_rows), (unsigned int)(THREADS * VISITS));
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        CU_ASSERT_FALSE(visit(way, &session));
        CU_ASSERT_TRUE(visit(way, &session));
        lks_config_free(shared.servers[way]);
        session.len = 0;
    }
    lks_config_free(shared.client);
}

/* One client's first flight, with early data, that comes to all cores at once. */
static struct {
    struct lks_config *server;
    struct buffer flight;
    pthread_barrier_t all_there;
    atomic_uint num_taken;
} replayed;

static void *replay(void *arg)
{
    struct poll_loop loop;
    struct side side, *sides[] = {&side};
    (void)arg;
    loop_init(&loop, 64, 8192);
    side_init(&side, replayed.server);
    buffer_add(&side.wire_in, replayed.flight.data, replayed.flight.len);
    pthread_barrier_wait(&replayed.all_there);
    while (loop_poll(&loop, sides, 1))
        ;
    atomic_fetch_add(&replayed.num_taken, side.received_early.len != 0);
    side_free(&side);
    loop_free(&loop);
    return NULL;
}

/* A session that allows early data, and the flight that uses it. */
static void make_flight(struct lks_config *client)
{
    struct lks_conn_options options = {.server_name = "localhost", .early_data = true};
    struct loopback l;
    loopback_init(&l, client, replayed.server, &options);
    loopback_run(&l);
    CU_ASSERT_FATAL(l.client.session_len != 0);
    options.session = l.client.session;
    options.session_len = l.client.session_len;
    struct side side, *sides[] = {&side};
    side_init_as(&side, client, LKS_CLIENT, &options);
    buffer_add(&side.to_send, "again", 5);
    while (loop_poll(&l.loop, sides, 1))
        ;
    CU_ASSERT_FATAL(side.to_send.len == 0);
    buffer_drop(&replayed.flight, replayed.flight.len);
    buffer_add(&replayed.flight, side.wire_out.data, side.wire_out.len);
    side_free(&side);
    loopback_free(&l);
}

static void early_data_once(void)
{
    pthread_t threads[THREADS];
    begin();
    make_response(leaf, 7200);
    struct lks_config *client = a_client();
    replayed.server = a_server(TICKET_13);
    CU_ASSERT_EQUAL(set_early_data(replayed.server, 1000, 10000, 64), LKS_OK);
    CU_ASSERT_EQUAL(
        lks_policy_set_client_auth(replayed.server->policy, LKS_CLIENT_AUTH_OFF, false, NULL),
        LKS_OK);
    for (unsigned int round = 1; round <= 8; round++) {
        make_flight(client);
        pthread_barrier_init(&replayed.all_there, NULL, THREADS);
        for (int i = 0; i < THREADS; i++)
            CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, replay, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        pthread_barrier_destroy(&replayed.all_there);
        LKS_CHECK(atomic_load(&replayed.num_taken) == round, "%u in %u rounds", replayed.num_taken,
                  round);
    }
    buffer_free(&replayed.flight);
    lks_config_free(client);
    lks_config_free(replayed.server);
}

static const struct lks_test tests[] = {
    {"the store is untouched", store_is_untouched},
    {"CRLs are sorted", crls_are_sorted},
    {"cores", cores},
    {"early data once", early_data_once},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"threads", tests}, {NULL, NULL}};
    int rc = lks_test_run("threads", suites);
    X509_free(leaf);
    pki_end();
    return rc;
}
