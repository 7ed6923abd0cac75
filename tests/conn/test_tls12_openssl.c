/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2 with OpenSSL's client and server. */

#include <stdio.h>
#include <string.h>

#include "handshake/config.h"
#include "test_conn.h"

/* RFC 7627 section 5.4: keying material only where the master secret is an extended one.
 * [7627 5.4-1] */
static void check_exporter(const struct side *s, uint64_t ssl_options)
{
    uint8_t out[16];
    enum lks_status status =
        lks_conn_export_keying_material(s->conn, out, sizeof(out), "EXPERIMENTAL x", NULL, 0);
    const bool extended = !(ssl_options & SSL_OP_NO_EXTENDED_MASTER_SECRET);
    LKS_CHECK(status == (extended ? LKS_OK : LKS_UNSUPPORTED), "extended %d: %s", extended,
              lks_status_name(status));
}

/* Our server, OpenSSL's client: one connection, resumed if *session is one; leaves the next. */
static void serve(const char *suite, uint64_t ssl_options, SSL_SESSION **session)
{
    const struct client_options options = {.max_version = TLS1_2_VERSION,
                                           .tls12_ciphers = OPENSSL_cipher_name(suite),
                                           .server_name = "localhost",
                                           .ssl_options = ssl_options,
                                           .session = *session};
    static struct lks_config *config; /* whose ticket keys go on */
    struct pair p;
    pair_init(&p, NULL, &options);
    if (!*session) {
        lks_config_free(config);
        config = lks_config_ref(p.config);
        set_suites(config, suite);
    } else {
        side_free(&p.side);
        side_init(&p.side, config);
    }
    pair_exchange(&p);
    const bool may_resume = !(ssl_options & SSL_OP_NO_EXTENDED_MASTER_SECRET);
    check_tls12(&p.side, suite, *session != NULL && may_resume);
    CU_ASSERT_EQUAL(SSL_session_reused(p.client.ssl), *session != NULL && may_resume);
    check_exporter(&p.side, ssl_options);
    pair_echo(&p, 50000);
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(p.client.ssl);
    SSL_shutdown(p.client.ssl);
    pair_exchange(&p);
    CU_ASSERT_TRUE(p.side.closed);
    pair_free(&p);
}

static void serve_twice(const char *suite, uint64_t ssl_options)
{
    SSL_SESSION *session = NULL;
    serve(suite, ssl_options, &session);
    serve(suite, ssl_options, &session);
    SSL_SESSION_free(session);
}

/* OpenSSL's client takes no supported_versions from TLS 1.2. [8446 4.2.1-6]
 * [5246 6.1-1 6.2.1-2 7.4.2-2 7.4.3-2 7.4.9-2] [5288 3-1] [7627 5.1-1 5.2-3] [7905 2-1 2-2] */
static void every_suite_as_server(void)
{
    for (const struct lks_suite *row = lks_suite_rows(); row->name; row++) {
        if (row->version != LKS_TLS_1_2)
            continue;
        serve_twice(row->name, 0);
        serve_twice(row->name, SSL_OP_NO_TICKET);
        serve_twice(row->name, SSL_OP_NO_EXTENDED_MASTER_SECRET);
        if (lks_suite_has_mac(row))
            serve_twice(row->name, SSL_OP_NO_ENCRYPT_THEN_MAC);
    }
}

/* A server of OpenSSL's that speaks TLS 1.2 with one suite. */
static void server_init(struct client *c, const char *kind, const char *suite, uint64_t ssl_options,
                        bool asks_certificate)
{
    openssl_server(c, kind, "TLS_AES_128_GCM_SHA256", "X25519:P-256", asks_certificate);
    SSL_set_security_level(c->ssl, 0);
    SSL_set_options(c->ssl, ssl_options);
    CU_ASSERT_EQUAL(SSL_set_max_proto_version(c->ssl, TLS1_2_VERSION), 1);
    LKS_CHECK(SSL_set_cipher_list(c->ssl, OPENSSL_cipher_name(suite)) == 1, "%s", suite);
    SSL_set_dh_auto(c->ssl, 1);
}

static void connect_once(const char *suite, const char *kind, uint64_t ssl_options, bool asks,
                         const char *own_kind)
{
    struct poll_loop loop;
    struct side side;
    struct client peer;
    struct lks_error err;
    const struct test_certificates *t = test_certificates();
    struct lks_config *config = client_config(suite, NULL, NULL);
    uint8_t data[3000];
    if (own_kind) {
        const bool rsa = strcmp(own_kind, "rsa") == 0;
        CU_ASSERT_EQUAL(lks_identities_add_certificate(
                            config->identities, lks_from_file(rsa ? t->rsa_cert : t->ecdsa_cert),
                            lks_from_file(rsa ? t->rsa_key : t->ecdsa_key), &err),
                        LKS_OK);
    }
    loop_init(&loop, 64, 8192);
    side_init_as(&side, config, LKS_CLIENT, &localhost);
    server_init(&peer, kind, suite, ssl_options, asks);
    if (own_kind) {
        CU_ASSERT_EQUAL(SSL_CTX_load_verify_file(peer.ctx, t->both_certs), 1);
    }
    exchange(&loop, &side, &peer);
    check_tls12(&side, suite, false);
    CU_ASSERT_EQUAL(side.session_len != 0, !(ssl_options & SSL_OP_NO_EXTENDED_MASTER_SECRET));
    check_exporter(&side, ssl_options);
    if (own_kind) {
        X509 *ours = SSL_get1_peer_certificate(peer.ssl);
        CU_ASSERT_PTR_NOT_NULL(ours);
        CU_ASSERT_EQUAL(SSL_get_verify_result(peer.ssl), X509_V_OK);
        X509_free(ours);
    }
    lks_test_fill(&loop.random, data, sizeof(data));
    client_write(&peer, data, sizeof(data));
    buffer_add(&side.to_send, data, sizeof(data));
    exchange(&loop, &side, &peer);
    CU_ASSERT_TRUE(side.received.len == sizeof(data) &&
                   !memcmp(side.received.data, data, sizeof(data)));
    CU_ASSERT_TRUE(peer.received.len == sizeof(data) &&
                   !memcmp(peer.received.data, data, sizeof(data)));
    lks_conn_close(side.conn);
    exchange(&loop, &side, &peer);
    CU_ASSERT_TRUE(peer.saw_close);
    client_free(&peer);
    side_free(&side);
    loop_free(&loop);
    lks_config_free(config);
}

static const char *kind_of(const struct lks_suite *suite)
{
    return suite->auth == LKS_AUTH_RSA ? "rsa" : "ecdsa";
}

/* [5246 6.1-1 6.2.1-2 7.4.7.1-1 7.4.9-2] [5288 3-1] [7627 5.1-1 5.2-3] [7905 2-1 2-2] */
static void every_suite_as_client(void)
{
    for (const struct lks_suite *row = lks_suite_rows(); row->name; row++) {
        if (row->version != LKS_TLS_1_2)
            continue;
        connect_once(row->name, kind_of(row), 0, false, NULL);
        connect_once(row->name, kind_of(row), SSL_OP_NO_EXTENDED_MASTER_SECRET, false, NULL);
        if (lks_suite_has_mac(row))
            connect_once(row->name, kind_of(row), SSL_OP_NO_ENCRYPT_THEN_MAC, false, NULL);
    }
}

static void client_certificates(void)
{
    for (const struct lks_suite *row = lks_suite_rows(); row->name; row++) {
        if (row->version != LKS_TLS_1_2 || !row->by_default)
            continue;
        connect_once(row->name, kind_of(row), 0, true, "rsa");
        connect_once(row->name, kind_of(row), 0, true, "ecdsa");
        connect_once(row->name, kind_of(row), 0, true, NULL);
    }
}

/* RFC 7507. */
static void fallback_is_told(void)
{
    static const struct client_options options = {.max_version = TLS1_2_VERSION, .waits = true};
    struct pair p;
    pair_init(&p, NULL, &options);
    SSL_set_mode(p.client.ssl, SSL_MODE_SEND_FALLBACK_SCSV);
    client_step(&p.client);
    pair_exchange(&p);
    CU_ASSERT_EQUAL(p.side.end, LKS_ALERT_INAPPROPRIATE_FALLBACK);
    CU_ASSERT_EQUAL(p.client.alert[1], 86);
    pair_free(&p);
    pair_init(&p, NULL, &options);
    CU_ASSERT_EQUAL(lks_policy_set_versions(p.config->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                    LKS_OK);
    SSL_set_mode(p.client.ssl, SSL_MODE_SEND_FALLBACK_SCSV);
    client_step(&p.client);
    pair_exchange(&p);
    CU_ASSERT_TRUE(p.side.established);
    pair_free(&p);
}

/* A client of TLS 1.3 sees the sentinel where somebody took its supported_versions away; one of TLS
 * 1.2 does not mind. [5746 3.6-4] RFC 8446 section 4.1.3. [8446 4.1.3-2 4.1.3-10] */
static void downgrade_sentinel(void)
{
    static const struct client_options options = {.max_version = TLS1_2_VERSION};
    for (int both = 0; both < 2; both++) {
        struct pair p;
        unsigned char random[32];
        pair_init(&p, NULL, &options);
        if (!both) {
            CU_ASSERT_EQUAL(
                lks_policy_set_versions(p.config->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL), LKS_OK);
        }
        pair_exchange(&p);
        CU_ASSERT_TRUE(p.side.established);
        CU_ASSERT_EQUAL(SSL_get_server_random(p.client.ssl, random, 32), 32);
        CU_ASSERT_EQUAL(memcmp(random + 24, "DOWNGRD\x01", 8) == 0, both);
        CU_ASSERT_EQUAL(SSL_get_secure_renegotiation_support(p.client.ssl), 1);
        pair_free(&p);
    }
}

/* OpenSSL ends the connection when it is refused; ours was told so by an alert of level 1.
 * [8446 4.1.2-4] */
static void renegotiation_by_client(void)
{
    static const struct client_options options = {.max_version = TLS1_2_VERSION};
    struct pair p;
    pair_init(&p, NULL, &options);
    pair_exchange(&p);
    CU_ASSERT_TRUE(p.side.established);
    CU_ASSERT_EQUAL(SSL_renegotiate(p.client.ssl), 1);
    SSL_do_handshake(p.client.ssl);
    pair_exchange(&p);
    CU_ASSERT_EQUAL(p.client.alert[0], 1);
    CU_ASSERT_EQUAL(p.client.alert[1], 100);
    pair_free(&p);
}

static void renegotiation_by_server(void)
{
    struct poll_loop loop;
    struct side side;
    struct client peer;
    const char *suite = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    struct lks_config *config = client_config(suite, NULL, NULL);
    loop_init(&loop, 64, 8192);
    side_init_as(&side, config, LKS_CLIENT, &localhost);
    server_init(&peer, "rsa", suite, 0, false);
    exchange(&loop, &side, &peer);
    check_tls12(&side, suite, false);
    CU_ASSERT_EQUAL(SSL_renegotiate(peer.ssl), 1);
    SSL_do_handshake(peer.ssl);
    client_take(&peer, &side.wire_in);
    struct side *sides[] = {&side};
    while (loop_poll(&loop, sides, 1))
        ;
    CU_ASSERT_EQUAL(side.end, LKS_OK);
    /* A record of one alert, and nothing else. */
    CU_ASSERT_EQUAL(side.wire_out.len, 5 + 8 + 2 + 16);
    CU_ASSERT_EQUAL(side.wire_out.data[0], LKS_TYPE_ALERT);
    client_free(&peer);
    side_free(&side);
    loop_free(&loop);
    lks_config_free(config);
}

const struct lks_test tls12_openssl_tests[] = {
    {"every suite as server", every_suite_as_server},
    {"every suite as client", every_suite_as_client},
    {"client certificates", client_certificates},
    {"fallback is told", fallback_is_told},
    {"downgrade sentinel", downgrade_sentinel},
    {"renegotiation by the client", renegotiation_by_client},
    {"renegotiation by the server", renegotiation_by_server},
    {NULL, NULL},
};
