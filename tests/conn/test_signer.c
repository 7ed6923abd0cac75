/* SPDX-License-Identifier: BSD-3-Clause */

/* Signatures that are made elsewhere: <lockstep/callbacks.h>. */

#include <stdlib.h>
#include <string.h>

#include "asked.h"
#include "conn/conn.h"

/* Two sides, whose certificates (if any) are signed with elsewhere, or not. */
struct couple {
    struct loopback l;
    struct asked client_asked, server_asked;
    struct lks_config *client, *server;
};

static void couple_init(struct couple *c, const char *kind, bool remote_client, bool asks,
                        uint16_t version)
{
    memset(c, 0, sizeof(*c));
    c->client = asked_config(asks ? kind : "", remote_client, &c->client_asked);
    c->server = asked_config(kind, true, &c->server_asked);
    only_version(c->client, version);
    if (asks)
        CU_ASSERT_EQUAL(
            lks_policy_set_client_auth(c->server->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL),
            LKS_OK);
}

static void couple_begin(struct couple *c)
{
    loopback_init(&c->l, c->client, c->server, &localhost);
}

static void couple_free(struct couple *c)
{
    loopback_free(&c->l);
    lks_ask_free(c->client_asked.ask);
    lks_ask_free(c->server_asked.ask);
    lks_config_free(c->client);
    lks_config_free(c->server);
}

static bool couple_answer(struct couple *c)
{
    const bool client = answer_signature(&c->client_asked, &c->l.client),
               server = answer_signature(&c->server_asked, &c->l.server);
    return client || server;
}

static void couple_run(struct couple *c)
{
    do
        loopback_run(&c->l);
    while (couple_answer(c));
}

/* The signatures of the handshake are made by who is asked, at once or later. [8446 4.4.3-1] */
static void every_role_and_version(void)
{
    for (unsigned int bits = 0; bits < 16; bits++) {
        const char *kind = bits & 1 ? "rsa" : "ecdsa";
        const uint16_t version = bits & 2 ? LKS_TLS_1_2 : LKS_TLS_1_3;
        const bool asks = bits & 4;
        struct couple c;
        couple_init(&c, kind, true, asks, version);
        c.client_asked.at_once = c.server_asked.at_once = bits & 8;
        couple_begin(&c);
        couple_run(&c);
        LKS_CHECK(c.l.client.established && c.l.server.established, "%u: %s, %s", bits,
                  lks_conn_reason(c.l.client.conn), lks_conn_reason(c.l.server.conn));
        CU_ASSERT_EQUAL(c.server_asked.num, 1);
        CU_ASSERT_EQUAL(c.client_asked.num, asks ? 1 : 0);
        CU_ASSERT_EQUAL(c.l.server.peer_certificate, asks);
        echo(&c.l);
        couple_free(&c);
    }
}

/* While an answer is awaited no input is taken, and what there is to be sent leaves. */
static void waits(void)
{
    struct couple c;
    size_t taken, len;
    couple_init(&c, "ecdsa", false, false, LKS_TLS_1_3);
    couple_begin(&c);
    loopback_run(&c.l);
    struct lks_ask *ask = c.server_asked.ask;
    CU_ASSERT_PTR_NOT_NULL_FATAL(ask);
    struct lks_span in = {(uint8_t[]){22}, 1};
    lks_batch_reset(&c.l.loop.open);
    CU_ASSERT_EQUAL(lks_conn_open(c.l.server.conn, &in, 1, &c.l.loop.open, &taken, NULL),
                    LKS_WANT_ANSWER);
    CU_ASSERT_EQUAL(taken, 0);
    /* The ServerHello has left: the client has the handshake's keys. */
    CU_ASSERT_PTR_NOT_NULL(c.l.client.conn->open_key.aead);
    /* TLS 1.3's content, whose form RFC 8446 section 4.4.3 gives. */
    const uint8_t *content = lks_ask_content(ask, &len);
    CU_ASSERT_TRUE(len == 64 + 34 + 32 && !memcmp(content + 64, "TLS 1.3, server ", 16));
    CU_ASSERT_EQUAL(lks_ask_scheme(ask), 0x0403);
    CU_ASSERT_STRING_EQUAL(lks_ask_key(ask), "ecdsa");
    CU_ASSERT_PTR_NOT_NULL(lks_ask_certificate(ask, &len));
    couple_run(&c);
    CU_ASSERT_TRUE(c.l.client.established && c.l.server.established);
    couple_free(&c);
    CU_ASSERT_PTR_NULL(lks_ask_conn(NULL));
    CU_ASSERT_PTR_NULL(lks_ask_content(NULL, &len));
    CU_ASSERT_PTR_NULL(lks_ask_certificate(NULL, &len));
    CU_ASSERT_EQUAL(lks_ask_scheme(NULL), 0);
}

/* Other work that the caller runs goes beside it. */
static void deferred_too(void)
{
    struct couple c;
    enum lks_event event;
    unsigned int num_jobs = 0;
    couple_init(&c, "rsa", false, false, LKS_TLS_1_2);
    CU_ASSERT_EQUAL(lks_policy_set_deferred_pkey(c.server->policy, true, NULL), LKS_OK);
    couple_begin(&c);
    for (;;) {
        couple_run(&c);
        struct lks_pkey_job *job = lks_conn_take_pkey_job(c.l.server.conn);
        if (!job)
            break;
        num_jobs++;
        CU_ASSERT_EQUAL(lks_conn_pkey_done(c.l.server.conn, job, &event), LKS_OK);
    }
    CU_ASSERT_TRUE(c.l.client.established && c.l.server.established);
    CU_ASSERT_EQUAL(num_jobs, 1); /* the agreement */
    CU_ASSERT_EQUAL(c.server_asked.num, 1);
    couple_free(&c);
}

/* Our server, OpenSSL's client; then our client, OpenSSL's server that wants a certificate. */
static void with_openssl(void)
{
    for (unsigned int bits = 0; bits < 8; bits++) {
        const int version = bits & 1 ? TLS1_2_VERSION : TLS1_3_VERSION;
        const char *kind = bits & 2 ? "rsa" : "ecdsa";
        struct asked asked = {.at_once = bits & 4};
        struct lks_config *config = asked_config(kind, true, &asked);
        const struct client_options options = {.max_version = version,
                                               .server_name = "localhost",
                                               .ca_file = test_certificates()->both_certs};
        for (int role = LKS_SERVER; role <= LKS_CLIENT; role++) {
            struct poll_loop loop;
            struct side side;
            struct client peer;
            asked.num = 0;
            loop_init(&loop, 64, 8192);
            side_init_as(&side, config, (enum lks_role)role, role ? &localhost : NULL);
            if (role == LKS_SERVER)
                client_init(&peer, &options);
            else
                peer_server(&peer, version, true);
            do
                exchange(&loop, &side, &peer);
            while (answer_signature(&asked, &side));
            LKS_CHECK(side.established && SSL_is_init_finished(peer.ssl), "%u %d: %s", bits, role,
                      lks_conn_reason(side.conn));
            CU_ASSERT_EQUAL(asked.num, 1);
            CU_ASSERT_EQUAL(SSL_get_verify_result(peer.ssl), X509_V_OK);
            buffer_add(&side.to_send, "ours", 4);
            exchange(&loop, &side, &peer);
            CU_ASSERT_TRUE(peer.received.len == 4 && !memcmp(peer.received.data, "ours", 4));
            client_free(&peer);
            side_free(&side);
            loop_free(&loop);
        }
        lks_config_free(config);
    }
}

/* What is no signature of that key ends the connection before anything of it is sent. */
static void garbage(void)
{
    static const uint8_t junk[LKS_SIGNATURE_MAX + 1];
    static const size_t lens[] = {0,       1, 70, 256, LKS_SIGNATURE_MAX, LKS_SIGNATURE_MAX + 1,
                                  SIZE_MAX};
    for (size_t i = 0; i < 2 * (sizeof(lens) / sizeof(lens[0]) + 3); i++) {
        const uint16_t version = i & 1 ? LKS_TLS_1_2 : LKS_TLS_1_3;
        const size_t n = i / 2;
        uint8_t bytes[LKS_SIGNATURE_MAX + 1];
        const uint8_t *sig = junk;
        size_t len;
        enum lks_event event;
        struct couple c;
        couple_init(&c, "rsa", false, false, version);
        couple_begin(&c);
        loopback_run(&c.l);
        CU_ASSERT_PTR_NOT_NULL_FATAL(c.server_asked.ask);
        const uint8_t *good = signature_of(c.server_asked.ask, &len);
        memcpy(bytes, good, len);
        if (n == 0) {
            bytes[len / 2] ^= 1;
            sig = bytes;
        } else if (n == 1) {
            bytes[len++] = 0;
            sig = bytes;
        } else if (n == 2) {
            sig = NULL; /* and a length */
        } else {
            len = lens[n - 3];
        }
        CU_ASSERT_EQUAL(lks_answer_signature(c.server_asked.ask, sig, len, &event), LKS_INTERNAL);
        LKS_CHECK(strstr(lks_conn_reason(c.l.server.conn), "no signature of it"), "%s",
                  lks_conn_reason(c.l.server.conn));
        c.l.server.end = LKS_INTERNAL;
        loopback_run(&c.l);
        CU_ASSERT_EQUAL(lks_conn_sent_alert(c.l.server.conn), 80);
        CU_ASSERT_EQUAL(c.l.client.end, LKS_PEER_ALERT);
        CU_ASSERT_EQUAL(lks_conn_signature_scheme(c.l.client.conn, LKS_SERVER), 0);
        couple_free(&c);
    }
}

/* A signer that cannot, and one whose question is thrown away. */
static void no_answer(void)
{
    for (int i = 0; i < 3; i++) {
        struct couple c;
        enum lks_event event = LKS_EVENT_DATA;
        couple_init(&c, "ecdsa", false, false, LKS_TLS_1_3);
        couple_begin(&c);
        loopback_run(&c.l);
        struct lks_ask *ask = c.server_asked.ask;
        CU_ASSERT_EQUAL(lks_answer_failure(ask, LKS_WANT_DATA, &event), LKS_BAD_ARGUMENT);
        CU_ASSERT_EQUAL(lks_answer_failure(ask, LKS_ALERT_BASE + 1, &event), LKS_BAD_ARGUMENT);
        CU_ASSERT_EQUAL(lks_answer_failure(NULL, LKS_INTERNAL, &event), LKS_BAD_ARGUMENT);
        if (i < 2) /* no fault of the client's, whatever is said */
            CU_ASSERT_EQUAL(
                lks_answer_failure(ask, i ? LKS_INTERNAL : LKS_ALERT_BAD_CERTIFICATE, &event),
                LKS_INTERNAL);
        lks_ask_free(ask);
        c.server_asked.ask = NULL;
        CU_ASSERT_EQUAL(lks_conn_status(c.l.server.conn), LKS_INTERNAL);
        LKS_CHECK(strstr(lks_conn_reason(c.l.server.conn), "has not done so"), "%s",
                  lks_conn_reason(c.l.server.conn));
        c.l.server.end = LKS_INTERNAL;
        loopback_run(&c.l);
        CU_ASSERT_EQUAL(c.l.client.end, LKS_PEER_ALERT);
        CU_ASSERT_EQUAL(lks_conn_sent_alert(c.l.server.conn), 80);
        couple_free(&c);
    }
    lks_ask_free(NULL);
}

/* An answer that comes twice, or too late: the connection closed, failed or freed meanwhile. */
static void answers_astray(void)
{
    for (int i = 0; i < 4; i++) {
        struct couple c;
        struct lks_event_pair {
            enum lks_event first, second;
        } event = {LKS_EVENT_DATA, LKS_EVENT_DATA};
        size_t len;
        couple_init(&c, "ecdsa", false, false, LKS_TLS_1_3);
        couple_begin(&c);
        loopback_run(&c.l);
        struct lks_ask *ask = c.server_asked.ask;
        const uint8_t *sig = signature_of(ask, &len);
        c.server_asked.ask = NULL;
        if (i == 0) {
            CU_ASSERT_EQUAL(lks_answer_signature(ask, sig, len, NULL), LKS_OK);
            CU_ASSERT_PTR_NULL(lks_ask_conn(ask));
            CU_ASSERT_EQUAL(lks_answer_signature(ask, sig, len, &event.first), LKS_BAD_ARGUMENT);
            CU_ASSERT_EQUAL(lks_answer_failure(ask, LKS_INTERNAL, NULL), LKS_BAD_ARGUMENT);
            loopback_run(&c.l);
            CU_ASSERT_TRUE(c.l.client.established && c.l.server.established);
        } else if (i == 1) {
            lks_conn_close(c.l.server.conn);
            loopback_run(&c.l);
            CU_ASSERT_TRUE(lks_conn_close_sent(c.l.server.conn) && c.l.client.closed);
        } else if (i == 2) {
            (void)conn_fail(c.l.server.conn, LKS_INTERNAL);
        } else {
            lks_conn_free(c.l.server.conn);
            c.l.server.conn = NULL;
            CU_ASSERT_PTR_NULL(lks_ask_conn(ask));
            CU_ASSERT_TRUE(lks_ask_content(ask, &len) && len == 64 + 34 + 32);
        }
        if (i)
            CU_ASSERT_EQUAL(lks_answer_signature(ask, sig, 70, &event.first), LKS_CLOSED);
        CU_ASSERT_EQUAL(event.first, LKS_EVENT_NONE);
        CU_ASSERT_EQUAL(lks_answer_signature(NULL, sig, 70, &event.second), LKS_BAD_ARGUMENT);
        CU_ASSERT_EQUAL(event.second, LKS_EVENT_NONE);
        lks_ask_free(ask);
        couple_free(&c);
    }
}

/* Nobody ever answers: the connection goes in good order, before and after the question. */
static void never_answered(void)
{
    for (int i = 0; i < 2; i++) {
        struct couple c;
        couple_init(&c, "ecdsa", false, false, LKS_TLS_1_3);
        couple_begin(&c);
        loopback_run(&c.l);
        if (i) {
            lks_conn_free(c.l.server.conn);
            c.l.server.conn = NULL;
        }
        lks_ask_free(c.server_asked.ask);
        c.server_asked.ask = NULL;
        couple_free(&c);
    }
}

/* RSA key exchange decrypts, which nobody is asked for; so it is not offered. */
static void decrypts_nothing(void)
{
    struct couple c;
    couple_init(&c, "rsa", false, false, LKS_TLS_1_2);
    CU_ASSERT_EQUAL(
        lks_policy_set_suites(c.client->policy, "TLS_RSA_WITH_AES_128_GCM_SHA256", NULL), LKS_OK);
    CU_ASSERT_EQUAL(
        lks_policy_set_suites(c.server->policy, "TLS_RSA_WITH_AES_128_GCM_SHA256", NULL), LKS_OK);
    couple_begin(&c);
    couple_run(&c);
    CU_ASSERT_EQUAL(c.l.server.end, LKS_ALERT_HANDSHAKE_FAILURE);
    couple_free(&c);
}

/* What a configuration lacks, and what is no certificate. */
static void configuration(void)
{
    struct asked a = {0};
    struct lks_error err;
    struct lks_conn *conn;
    struct lks_config *config = asked_config(NULL, true, &a);
    CU_ASSERT_EQUAL(lks_config_check(config, LKS_SERVER, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_signer(config->policy, NULL, NULL, NULL), LKS_OK);
    for (int role = LKS_SERVER; role <= LKS_CLIENT; role++) {
        CU_ASSERT_EQUAL(lks_config_check(config, (enum lks_role)role, &err), LKS_BAD_CONFIG);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "lks_policy_set_signer()"));
        CU_ASSERT_EQUAL(lks_conn_new(&conn, config, (enum lks_role)role, &localhost),
                        LKS_BAD_CONFIG);
    }
    CU_ASSERT_EQUAL(
        lks_identities_add_remote(config->identities, lks_from_memory("x", "y", 1), NULL, &err),
        LKS_BAD_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "x: no certificate"));
    CU_ASSERT_EQUAL(
        lks_identities_add_remote(config->identities, lks_from_file("/nowhere"), NULL, &err),
        LKS_BAD_CONFIG);
    lks_config_free(config);
}

const struct lks_test signer_tests[] = {
    {"every role and version", every_role_and_version},
    {"waits", waits},
    {"deferred, too", deferred_too},
    {"with OpenSSL", with_openssl},
    {"garbage", garbage},
    {"no answer", no_answer},
    {"answers astray", answers_astray},
    {"never answered", never_answered},
    {"decrypts nothing", decrypts_nothing},
    {"configuration", configuration},
    {NULL, NULL},
};
