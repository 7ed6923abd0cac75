/* SPDX-License-Identifier: BSD-3-Clause */

/* The client's sessions and pre-shared keys: against our own server, and OpenSSL's. */

#include <stdlib.h>
#include <string.h>

#include "base/writer.h"
#include "conn/conn.h"
#include "handshake/config.h"
#include "test_conn.h"

static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                     "TLS_CHACHA20_POLY1305_SHA256"};

static struct lks_config *a_client(const char *suite)
{
    struct lks_config *config;
    struct lks_error err;
    config = config_new();
    LKS_CHECK(
        !lks_policy_set_trust(config->policy, lks_from_file(test_certificates()->both_certs), &err),
        "%s", err.text);
    if (suite)
        CU_ASSERT_EQUAL(lks_policy_set_suites(config->policy, suite, &err), LKS_OK);
    return config;
}

static struct lks_config *a_server(const char *groups)
{
    struct lks_config *config = config_with("ecdsa");
    struct lks_error err;
    if (groups)
        CU_ASSERT_EQUAL(lks_policy_set_groups(config->policy, groups, &err), LKS_OK);
    return config;
}

struct session {
    uint8_t bytes[LKS_SESSION_MAX];
    size_t len;
};

struct outcome {
    bool established;
    enum lks_status client_end, server_end;
    struct lks_conn_info client, server;
};

/* One connection: with a session (or NULL) to a name, whose last ticket becomes *next. */
static void meet(struct outcome *o, struct lks_config *client, struct lks_config *server,
                 const struct session *session, const char *name, struct session *next)
{
    struct loopback l;
    struct lks_conn_options options = {.server_name = name};
    if (session) {
        options.session = session->bytes;
        options.session_len = session->len;
    }
    loopback_init(&l, client, server, &options);
    loopback_run(&l);
    memset(o, 0, sizeof(*o));
    o->established = l.client.established && l.server.established;
    o->client_end = l.client.end;
    o->server_end = l.server.end;
    if (o->established) {
        lks_conn_get_info(l.client.conn, &o->client);
        lks_conn_get_info(l.server.conn, &o->server);
        o->client.alpn = o->server.alpn = NULL;
        buffer_add(&l.client.to_send, "there", 5);
        buffer_add(&l.server.to_send, "back", 4);
        loopback_run(&l);
        CU_ASSERT_TRUE(l.server.received.len == 5 && l.client.received.len == 4);
    }
    if (next) {
        memcpy(next->bytes, l.client.session, l.client.session_len);
        next->len = l.client.session_len;
    }
    loopback_free(&l);
}

/* Without a key exchange, by the client's wish; else with one, which the server prefers. */
static void set_modes(struct lks_config *client, struct lks_config *server, bool psk_only)
{
    CU_ASSERT_EQUAL(lks_policy_set_psk_modes(client->policy, !psk_only, true, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_psk_modes(server->policy, true, true, NULL), LKS_OK);
}

/* Both modes of section 4.2.9. [8446 4.2.9-1 4.2.9-6 4.2.9-7] */
static void resumed_with_each_suite(void)
{
    for (unsigned int i = 0; i < 12; i++) {
        const bool retried = i & 1, psk_only = i & 2;
        struct lks_config *client = a_client(suites[i / 4]);
        struct lks_config *server = a_server(retried ? "secp384r1" : NULL);
        struct session session;
        struct outcome o;
        meet(&o, client, server, NULL, "localhost", &session);
        LKS_CHECK(o.established && !o.client.resumed && session.len, "%u: %s", i,
                  lks_status_name(o.client_end));
        set_modes(client, server, psk_only);
        for (unsigned int again = 0; again < 3; again++) {
            struct session now = session;
            meet(&o, client, server, &now, "localhost", &session);
            LKS_CHECK(o.established && o.client.resumed && o.server.resumed &&
                          o.client.hello_retried == (retried && !psk_only) &&
                          (o.client.group == 0) == psk_only && (o.server.group == 0) == psk_only,
                      "%u, again %u: %s, %s", i, again, lks_status_name(o.client_end),
                      lks_status_name(o.server_end));
            if (o.established)
                CU_ASSERT_STRING_EQUAL(o.client.suite_name, suites[i / 4]);
        }
        lks_config_free(client);
        lks_config_free(server);
    }
}

static uint64_t fake_now_ms;

static uint64_t fake_clock(void)
{
    return fake_now_ms;
}

/* What is not offered, and what is offered in vain: a full handshake each.
 * [8446 4.2.11.1-1 4.6.1-1 4.6.1-2] */
static void not_resumed(void)
{
    struct lks_config *client = a_client(NULL), *server = a_server(NULL), *other = a_server(NULL);
    struct lks_config *sha384 = a_client(suites[1]);
    struct session session, cut;
    struct outcome o;
    fake_now_ms = client->policy->now_ms();
    set_clock(client, fake_clock);
    meet(&o, client, server, NULL, "localhost", &session);
    CU_ASSERT_TRUE_FATAL(o.established && session.len);
    meet(&o, client, other, &session, "localhost", NULL);
    CU_ASSERT_TRUE(o.established && !o.client.resumed && !o.server.resumed);
    meet(&o, client, server, &session, "LOCALHOST", NULL);
    CU_ASSERT_TRUE(o.established && o.client.resumed);
    meet(&o, client, server, &session, "127.0.0.1", NULL);
    CU_ASSERT_FALSE(o.established && o.client.resumed);
    meet(&o, sha384, server, &session, "localhost", NULL);
    CU_ASSERT_TRUE(o.established && !o.client.resumed);
    for (size_t len = 0; len < session.len; len += 7) {
        cut = session;
        cut.len = len;
        meet(&o, client, server, &cut, "localhost", NULL);
        LKS_CHECK(o.established && !o.client.resumed, "%zu bytes", len);
    }
    cut = session; /* its ticket's last byte: the server cannot open it */
    cut.bytes[cut.len - 1] ^= 1;
    meet(&o, client, server, &cut, "localhost", NULL);
    CU_ASSERT_TRUE(o.established && !o.client.resumed);
    fake_now_ms += UINT64_C(7199) * 1000;
    meet(&o, client, server, &session, "localhost", NULL);
    CU_ASSERT_TRUE(o.established && o.client.resumed);
    fake_now_ms += 2000;
    meet(&o, client, server, &session, "localhost", NULL);
    CU_ASSERT_TRUE(o.established && !o.client.resumed);
    lks_config_free(client);
    lks_config_free(sha384);
    lks_config_free(server);
    lks_config_free(other);
}

/* Handshake bytes in records of at most so many, as the server would seal them, to its client. */
static void put_sealed(struct loopback *l, struct lks_key *key, const uint8_t *bytes, size_t len,
                       size_t record_max)
{
    for (size_t at = 0, n; at < len; at += n) {
        uint8_t src_bytes[4096], record[4096 + 64];
        n = len - at < record_max ? len - at : record_max;
        memcpy(src_bytes, bytes + at, n);
        struct lks_span src = {src_bytes, n}, dst = {record, sizeof(record)};
        struct lks_op op = {.key = key,
                            .src = &src,
                            .num_src = 1,
                            .dst = &dst,
                            .num_dst = 1,
                            .type = LKS_TYPE_HANDSHAKE};
        CU_ASSERT_EQUAL(lks_engine_process(l->loop.engine, &op, 1), 1);
        buffer_add(&l->client.wire_in, record, op.len);
    }
}

/* A NewSessionTicket is kept up to 4 KiB and skipped beyond, in however many records it comes; the
 * connection goes on, and a ticket behind it is taken. */
static void long_tickets(void)
{
    static const size_t lens[] = {2049, 3000, 4096, 4097, 5000, 65535, 200000};
    static const size_t record_lens[] = {4096, 1000, 300};
    struct lks_config *client = a_client(NULL), *server = a_server(NULL);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(server->policy, 0, 60, NULL), LKS_OK);
    for (size_t i = 0; i < 3 * sizeof(lens) / sizeof(lens[0]); i++) {
        const size_t len = lens[i / 3], record_len = record_lens[i % 3];
        uint8_t *message = calloc(1, 4 + len);
        struct lks_writer w = lks_writer_of(message, 4 + len);
        struct loopback l;
        struct lks_key key;
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        CU_ASSERT_TRUE_FATAL(l.client.established && message);
        CU_ASSERT_EQUAL(
            conn_set_key(&key, LKS_SEAL, conn_suite(l.server.conn), l.server.conn->seal_secret),
            LKS_OK);
        lks_write_u8(&w, HANDSHAKE_NEW_SESSION_TICKET);
        lks_write_uint(&w, len, 3);
        lks_write_u32(&w, 3600);
        lks_write_u32(&w, 0);
        lks_write_u16(&w, 0x0100); /* nonce */
        lks_write_u16(&w, (uint16_t)(len - 4 - 4 - 2 - 2 - 2));
        put_sealed(&l, &key, message, 4 + len, record_len);
        loopback_run(&l);
        LKS_CHECK(!l.client.end && (l.client.session_len > len) == (len <= 4096),
                  "%zu bytes, records of %zu: %s, session of %zu", len, record_len,
                  lks_status_name(l.client.end), l.client.session_len);
        static const uint8_t small[] = {4, 0, 0, 16, 0, 0, 0, 60, 0, 0,
                                        0, 0, 1, 1,  0, 2, 8, 9,  0, 0};
        l.client.session_len = 0;
        put_sealed(&l, &key, small, sizeof(small), record_len);
        loopback_run(&l);
        LKS_CHECK(!l.client.end && l.client.session_len, "behind %zu bytes: %s", len,
                  lks_status_name(l.client.end));
        lks_key_wipe(&key);
        loopback_free(&l);
        free(message);
    }
    lks_config_free(client);
    lks_config_free(server);
}

/* A client that wants no tickets gets none, and keeps no memory for them. */
static void no_tickets_wanted(void)
{
    struct lks_config *client = a_client(NULL), *server = a_server(NULL);
    struct session session;
    struct outcome o;
    CU_ASSERT_EQUAL(lks_policy_set_tickets(client->policy, 0, 60, NULL), LKS_OK);
    meet(&o, client, server, NULL, "localhost", &session);
    CU_ASSERT_TRUE(o.established && !session.len);
    lks_config_free(client);
    lks_config_free(server);
}

static void external_keys(void)
{
    static const uint8_t key[32] = {1}, wrong[32] = {2};
    for (unsigned int i = 0; i < 8; i++) {
        const bool second = i & 1, psk_only = i & 2, sha384 = i & 4;
        struct lks_config *client = a_client(NULL), *server;
        struct outcome o;
        server = config_new();
        if (second)
            CU_ASSERT_EQUAL(lks_identities_add_psk(client->identities, (const uint8_t *)"a", 1, key,
                                                   32, "SHA256", NULL),
                            LKS_OK);
        CU_ASSERT_EQUAL(lks_identities_add_psk(client->identities, (const uint8_t *)"b", 1, key, 32,
                                               sha384 ? "SHA384" : "SHA256", NULL),
                        LKS_OK);
        CU_ASSERT_EQUAL(lks_identities_add_psk(server->identities, (const uint8_t *)"b", 1, key, 32,
                                               sha384 ? "SHA384" : "SHA256", NULL),
                        LKS_OK);
        set_modes(client, server, psk_only);
        /* Section 4.3.2: a server that has a PSK asks for no certificate. [8446 4.3.2-6] */
        CU_ASSERT_EQUAL(lks_policy_set_client_auth(
                            server->policy, sha384 ? LKS_CLIENT_AUTH_REQUIRED : LKS_CLIENT_AUTH_OFF,
                            false, NULL),
                        LKS_OK);
        meet(&o, client, server, NULL, NULL, NULL);
        LKS_CHECK(o.established && o.client.external_psk && o.server.external_psk &&
                      (o.server.group == 0) == psk_only,
                  "%u: %s, %s", i, lks_status_name(o.client_end), lks_status_name(o.server_end));
        lks_config_free(client);
        client = a_client(NULL);
        CU_ASSERT_EQUAL(lks_identities_add_psk(client->identities, (const uint8_t *)"b", 1, wrong,
                                               32, sha384 ? "SHA384" : "SHA256", NULL),
                        LKS_OK);
        meet(&o, client, server, NULL, NULL, NULL);
        CU_ASSERT_EQUAL(o.server_end, LKS_ALERT_DECRYPT_ERROR);
        CU_ASSERT_EQUAL(o.client_end, LKS_PEER_ALERT);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* ServerHello's last two bytes are the selected identity. [8446 4.2.11-6] */
static void identity_that_was_not_offered(void)
{
    struct lks_config *client = a_client(NULL), *server = a_server(NULL);
    struct session session;
    struct outcome o;
    meet(&o, client, server, NULL, "localhost", &session);
    for (unsigned int bit = 0; bit < 16; bit++) {
        struct lks_conn_options options = {"localhost", session.bytes, session.len};
        struct loopback l;
        loopback_init(&l, client, server, &options);
        loopback_turn(&l);
        loopback_turn(&l);
        uint8_t *hello = l.client.wire_in.data;
        CU_ASSERT_TRUE_FATAL(l.client.wire_in.len > 100 && hello[0] == 22);
        size_t end = 5u + (size_t)(hello[3] << 8 | hello[4]);
        hello[end - 1 - bit / 8] ^= (uint8_t)(1 << bit % 8);
        loopback_run(&l);
        CU_ASSERT_EQUAL(l.client.end, LKS_ALERT_ILLEGAL_PARAMETER);
        loopback_free(&l);
    }
    lks_config_free(client);
    lks_config_free(server);
}

/* What OpenSSL's server knows beside its own tickets. */
static int find_psk(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session)
{
    static const uint8_t key[32] = {1}, suite[] = {0x13, 0x01};
    *session = NULL;
    if (id_len != 1 || id[0] != 'b')
        return 1;
    *session = SSL_SESSION_new();
    return SSL_SESSION_set1_master_key(*session, key, sizeof(key)) &&
           SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(ssl, suite)) &&
           SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION);
}

static SSL_CTX *openssl_context(const char *suite, const char *groups)
{
    const struct test_certificates *t = test_certificates();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    CU_ASSERT_FATAL(ctx != NULL);
    CU_ASSERT_EQUAL(SSL_CTX_use_certificate_chain_file(ctx, t->ecdsa_cert), 1);
    CU_ASSERT_EQUAL(SSL_CTX_use_PrivateKey_file(ctx, t->ecdsa_key, SSL_FILETYPE_PEM), 1);
    CU_ASSERT_EQUAL(SSL_CTX_set_ciphersuites(ctx, suite), 1);
    CU_ASSERT_EQUAL(SSL_CTX_set1_groups_list(ctx, groups), 1);
    SSL_CTX_set_psk_find_session_callback(ctx, find_psk);
    return ctx;
}

static bool meet_openssl(struct lks_config *config, SSL_CTX *ctx, struct session *session,
                         bool resumed, bool external)
{
    struct poll_loop loop;
    struct side side;
    struct client peer = {0};
    struct lks_conn_info info;
    const struct lks_conn_options options = {"localhost", session->bytes, session->len};
    loop_init(&loop, 64, 8192);
    side_init_as(&side, config, LKS_CLIENT, &options);
    SSL_CTX_up_ref(ctx);
    peer.ctx = ctx;
    peer.ssl = SSL_new(ctx);
    SSL_set_app_data(peer.ssl, &peer);
    SSL_set_bio(peer.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(peer.ssl), -1);
    SSL_set_accept_state(peer.ssl);
    exchange(&loop, &side, &peer);
    bool ok = side.established && SSL_is_init_finished(peer.ssl);
    if (ok) {
        lks_conn_get_info(side.conn, &info);
        ok = info.resumed == resumed && info.external_psk == external &&
             (SSL_session_reused(peer.ssl) == 1) == (resumed || external);
        buffer_add(&side.to_send, "there", 5);
        client_write(&peer, "back", 4);
        exchange(&loop, &side, &peer);
        ok = ok && side.received.len == 4 && peer.received.len == 5;
        memcpy(session->bytes, side.session, side.session_len);
        session->len = side.session_len;
    }
    client_free(&peer);
    side_free(&side);
    loop_free(&loop);
    return ok;
}

static void openssl_resumes(void)
{
    for (unsigned int i = 0; i < 6; i++) {
        SSL_CTX *ctx = openssl_context(suites[i / 2], i & 1 ? "P-384" : "X25519");
        struct lks_config *config = a_client(NULL);
        struct session session = {.len = 0};
        LKS_CHECK(meet_openssl(config, ctx, &session, false, false) && session.len, "%u", i);
        for (unsigned int again = 0; again < 2; again++)
            LKS_CHECK(meet_openssl(config, ctx, &session, true, false) && session.len,
                      "%u, again %u", i, again);
        SSL_CTX_free(ctx);
        lks_config_free(config);
    }
}

static int take_any(int ok, X509_STORE_CTX *ctx)
{
    (void)ok, (void)ctx;
    return 1;
}

static struct lks_config *a_client_called(const char *kind)
{
    const struct test_certificates *t = test_certificates();
    struct lks_config *config = a_client(NULL);
    struct lks_error err;
    const bool rsa = kind && strcmp(kind, "rsa") == 0;
    if (kind)
        LKS_CHECK(!lks_identities_add_certificate(
                      config->identities, lks_from_file(rsa ? t->rsa_cert : t->ecdsa_cert),
                      lks_from_file(rsa ? t->rsa_key : t->ecdsa_key), &err),
                  "%s", err.text);
    return config;
}

/* A server may go by a session for who the client is: one that was asked for a certificate goes on
 * with the session only while it would show the same one. */
static void own_certificate_that_changed(void)
{
    static const struct {
        const char *first, *then;
        bool asked, resumes;
    } rows[] = {
        {"rsa", "rsa", true, true},   {"rsa", "ecdsa", true, false}, {"rsa", NULL, true, false},
        {NULL, "rsa", true, false},   {NULL, NULL, true, true},      {"rsa", "ecdsa", false, true},
        {NULL, "ecdsa", false, true},
    };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t at = i / 2;
        SSL_CTX *ctx = openssl_context(suites[0], "X25519:P-256");
        struct session session = {.len = 0};
        struct lks_config *first = a_client_called(rows[at].first);
        struct lks_config *then = a_client_called(rows[at].then);
        CU_ASSERT_EQUAL(SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"s", 1), 1);
        if (i & 1)
            CU_ASSERT_EQUAL(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
        if (rows[at].asked)
            SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, take_any);
        CU_ASSERT_TRUE(meet_openssl(first, ctx, &session, false, false));
        LKS_CHECK(meet_openssl(first, ctx, &session, true, false) && session.len, "%zu: not there",
                  i);
        LKS_CHECK(meet_openssl(then, ctx, &session, rows[at].resumes, false), "%zu", i);
        SSL_CTX_free(ctx);
        lks_config_free(first);
        lks_config_free(then);
    }
}

static void openssl_and_external_keys(void)
{
    static const uint8_t key[32] = {1};
    for (unsigned int i = 0; i < 4; i++) {
        SSL_CTX *ctx = openssl_context(suites[0], i & 1 ? "P-384" : "X25519");
        struct lks_config *config = a_client(NULL);
        struct session session = {.len = 0};
        if (i & 2)
            CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, (const uint8_t *)"c", 1, key,
                                                   32, "SHA384", NULL),
                            LKS_OK);
        CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, (const uint8_t *)"b", 1, key, 32,
                                               "SHA256", NULL),
                        LKS_OK);
        LKS_CHECK(meet_openssl(config, ctx, &session, false, true), "%u", i);
        SSL_CTX_free(ctx);
        lks_config_free(config);
    }
}

const struct lks_test client_resumption_tests[] = {
    {"resumed with each suite", resumed_with_each_suite},
    {"not resumed", not_resumed},
    {"long tickets", long_tickets},
    {"no tickets wanted", no_tickets_wanted},
    {"external keys", external_keys},
    {"identity that was not offered", identity_that_was_not_offered},
    {"OpenSSL resumes", openssl_resumes},
    {"own certificate that changed", own_certificate_that_changed},
    {"OpenSSL and external keys", openssl_and_external_keys},
    {NULL, NULL},
};
