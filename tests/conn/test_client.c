/* SPDX-License-Identifier: BSD-3-Clause */

/* The client's role: against our own server in the same process, and against OpenSSL's. */

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "handshake/exchange/group.h"
#include "test_conn.h"

static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                     "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256"};

void set_suites(struct lks_config *config, const char *list)
{
    struct lks_error err;
    LKS_CHECK(!lks_policy_set_suites(config->policy, list, &err), "%s", err.text);
}

/* A client's configuration; lists may be NULL. */
struct lks_config *client_config(const char *suite_list, const char *groups, const char *alpn)
{
    struct lks_config *config;
    struct lks_error err;
    config = config_new();
    LKS_CHECK(
        !lks_policy_set_trust(config->policy, lks_from_file(test_certificates()->both_certs), &err),
        "%s", err.text);
    if (suite_list)
        set_suites(config, suite_list);
    if (groups)
        LKS_CHECK(!lks_policy_set_groups(config->policy, groups, &err), "%s", err.text);
    if (alpn)
        LKS_CHECK(!lks_policy_set_alpn(config->policy, alpn, &err), "%s", err.text);
    return config;
}

struct lks_config *server_config(const char *kind, const char *groups, const char *alpn)
{
    struct lks_config *config = config_with(kind);
    struct lks_error err;
    if (groups)
        LKS_CHECK(!lks_policy_set_groups(config->policy, groups, &err), "%s", err.text);
    if (alpn)
        LKS_CHECK(!lks_policy_set_alpn(config->policy, alpn, &err), "%s", err.text);
    return config;
}

static const struct lks_conn_options address = {.server_name = "127.0.0.1"};

/* len random bytes each way, checked. */
void loopback_echo(struct loopback *l, size_t len)
{
    static uint8_t there[100000], back[100000];
    lks_test_fill(&l->loop.random, there, len);
    lks_test_fill(&l->loop.random, back, len);
    l->client.received.len = l->server.received.len = 0;
    buffer_add(&l->client.to_send, there, len);
    buffer_add(&l->server.to_send, back, len);
    loopback_run(l);
    LKS_CHECK(l->server.received.len == len && !memcmp(l->server.received.data, there, len),
              "server got %zu of %zu", l->server.received.len, len);
    LKS_CHECK(l->client.received.len == len && !memcmp(l->client.received.data, back, len),
              "client got %zu of %zu", l->client.received.len, len);
}

static void check_alike(const struct loopback *l, const char *suite, const char *group,
                        const char *alpn, bool retried)
{
    const struct side *sides[] = {&l->client, &l->server};
    for (int i = 0; i < 2; i++) {
        struct lks_conn_info info;
        lks_conn_get_info(sides[i]->conn, &info);
        LKS_CHECK(sides[i]->established, "%s: %s %s: %s", i ? "server" : "client", suite, group,
                  lks_status_name(sides[i]->end));
        CU_ASSERT_EQUAL(info.version, LKS_TLS_1_3);
        CU_ASSERT_STRING_EQUAL(info.suite_name, suite);
        CU_ASSERT_STRING_EQUAL(info.group_name, group);
        CU_ASSERT_STRING_EQUAL(info.alpn, alpn);
        CU_ASSERT_EQUAL(info.hello_retried, retried);
    }
}

/* RFC 8446 section 2: whole handshakes, asked again or not, both sides as strict as they are. [8446
 * 4-1 4.1.1-3 4.1.4-8 4.3.1-1 4.4.2-1 4.4.3-1 4.4.4-2 5.1-7 9.1-1 9.1-3 9.3-3] */
static void every_suite_and_group(void)
{
    for (size_t s = 0; s < 4; s++) {
        for (const struct lks_group *g = lks_group_rows(); g->name; g++) {
            for (int retried = 0; retried < 2; retried++) {
                char groups[64];
                struct loopback l;
                /* Without a share of the server's only group it has to ask. */
                snprintf(groups, sizeof(groups), "%s%s", retried ? "secp384r1,x25519," : "",
                         g->name);
                if (retried && (g->number == 0x18 || g->number == 0x1d))
                    continue;
                struct lks_config *client = client_config(suites[s], groups, NULL);
                struct lks_config *server = server_config(s & 1 ? "rsa" : "ecdsa", g->name, NULL);
                loopback_init(&l, client, server, &localhost);
                loopback_run(&l);
                check_alike(&l, suites[s], g->name, "", retried);
                if (l.client.established && l.server.established)
                    loopback_echo(&l, 20000);
                loopback_free(&l);
                lks_config_free(client);
                lks_config_free(server);
            }
        }
    }
}

/* Everything that a client may add to its hello, and leave out.
 * [8446 4.1.2-1 4.2-1 4.2.8-1 4.2.8-3 4.2.9-5] */
static void every_kind_of_hello(void)
{
    for (unsigned int bits = 0; bits < 32; bits++) {
        struct loopback l;
        struct lks_config *client = client_config(NULL, NULL, bits & 1 ? "h2,http/1.1" : NULL);
        struct lks_config *server =
            server_config(NULL, bits & 2 ? "secp384r1" : NULL, "http/1.1,h2");
        CU_ASSERT_EQUAL(lks_policy_set_grease(client->policy, bits & 4, NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_compatibility(client->policy, bits & 8, NULL), LKS_OK);
        loopback_init(&l, client, server, bits & 16 ? &localhost : &address);
        loopback_run(&l);
        check_alike(&l, suites[0], bits & 2 ? "secp384r1" : "x25519mlkem768",
                    bits & 1 ? "http/1.1" : "", bits & 2);
        if (l.client.established && l.server.established)
            loopback_echo(&l, 100);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* A hello with ML-KEM's share, in two records and two deliveries, split at every byte. */
static void long_hello_in_two_records(void)
{
    struct lks_config *client = client_config(NULL, "x25519mlkem768,x25519", NULL);
    struct lks_config *server = server_config("ecdsa", NULL, NULL);
    const size_t step = lks_test_is_quick() ? 19 : 1;
    size_t len = 2;
    for (size_t at = 1; at < len; at += step) {
        struct loopback l;
        loopback_init(&l, client, server, &localhost);
        loopback_turn(&l);
        struct buffer *wire = &l.server.wire_in, two = {0};
        len = wire->len - 5;
        const uint8_t first[5] = {22, 3, 1, (uint8_t)(at >> 8), (uint8_t)at};
        const uint8_t second[5] = {22, 3, 3, (uint8_t)((len - at) >> 8), (uint8_t)(len - at)};
        buffer_add(&two, first, 5);
        buffer_add(&two, wire->data + 5, at);
        buffer_add(&two, second, 5);
        buffer_add(&two, wire->data + 5 + at, len - at);
        wire->len = 0;
        buffer_add(wire, two.data, two.len);
        buffer_free(&two);
        l.server.delivered = 5 + at;
        while (loopback_turn(&l))
            ;
        CU_ASSERT_EQUAL(l.server.wire_out.len + l.client.wire_in.len, 0);
        l.server.delivered = SIZE_MAX;
        loopback_run(&l);
        LKS_CHECK(l.client.established && l.server.established, "split at %zu of %zu: %s", at, len,
                  lks_status_name(l.server.end));
        struct lks_conn_info info;
        lks_conn_get_info(l.server.conn, &info);
        CU_ASSERT_EQUAL(info.group, 0x11ec);
        loopback_free(&l);
    }
    LKS_CHECK(len > 1300, "a hello of %zu bytes", len);
    lks_config_free(client);
    lks_config_free(server);
}

/* The server's bytes arrive in two parts, split at each place: first its hello, then the flight. */
static void server_flight_split_at_every_byte(void)
{
    struct lks_config *client = client_config(NULL, "x25519", NULL);
    struct lks_config *server = server_config("ecdsa", NULL, NULL);
    size_t flight_len = 2;
    for (size_t at = 1; at < flight_len; at++) {
        struct loopback l;
        loopback_init(&l, client, server, &localhost);
        loopback_turn(&l);
        loopback_turn(&l);
        flight_len = l.client.wire_in.len; /* signatures differ in length */
        l.client.delivered = at < flight_len ? at : flight_len - 1;
        while (loopback_turn(&l))
            ;
        CU_ASSERT_TRUE(!l.client.established || at >= flight_len); /* signatures differ in length */
        l.client.delivered = SIZE_MAX;
        loopback_run(&l);
        LKS_CHECK(l.client.established && l.server.established, "split at %zu of %zu: %s", at,
                  flight_len, lks_status_name(l.client.end));
        loopback_free(&l);
    }
    CU_ASSERT_TRUE(flight_len > 500);
    lks_config_free(client);
    lks_config_free(server);
}

/* Each of a client's hellos reaches a server that has not seen the other: RFC 8446 section 4.2.2.
 * The second comes behind a change_cipher_spec. [8446 4.1.4-8 4.2.2-1 4.2.2-3 4.2.8-7]
 */
static void stateless_retry(void)
{
    for (int compatible = 0; compatible < 2; compatible++) {
        struct loopback l;
        struct lks_config *client = client_config(NULL, NULL, NULL);
        struct lks_config *server = server_config("ecdsa", "secp384r1", NULL);
        CU_ASSERT_EQUAL(lks_policy_set_compatibility(client->policy, compatible, NULL), LKS_OK);
        loopback_init(&l, client, server, &localhost);
        loopback_turn(&l);
        loopback_turn(&l);
        CU_ASSERT_TRUE(l.client.wire_in.len && !l.server.wire_in.len); /* it was asked */
        side_free(&l.server);
        side_init(&l.server, server);
        loopback_run(&l);
        check_alike(&l, suites[0], "secp384r1", "", true);
        loopback_echo(&l, 1000);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* Gives the records that a side is to read next, which all say 0x0303, another version, as far as
 * they are in the clear: under TLS 1.2 until a change_cipher_spec came. */
static void set_versions(struct side *s, uint16_t version, bool tls12, bool *sealed)
{
    for (size_t at = 0; at < s->wire_in.len;) {
        uint8_t *header = s->wire_in.data + at;
        const uint16_t got = (uint16_t)(header[1] << 8 | header[2]);
        CU_ASSERT_TRUE(got == 0x0303 || got == version); /* not taken yet, and changed before */
        if (!*sealed && header[0] != LKS_TYPE_APPLICATION_DATA) {
            header[1] = (uint8_t)(version >> 8);
            header[2] = (uint8_t)version;
        }
        *sealed |= tls12 && header[0] == LKS_TYPE_CHANGE_CIPHER_SPEC;
        at += LKS_RECORD_HEADER_LEN + (size_t)(header[3] << 8 | header[4]);
    }
}

/* RFC 8446 section 5.1, appendix D: nothing is known by it. [8446 5.1-10 5.1-11] */
static void versions_of_records_are_ignored(void)
{
    static const uint16_t versions[] = {0, 2, 0x0200, 0x0300, 0x0304, 0x0403, 0x7f1c, 0xffff};
    for (unsigned int i = 0; i < 2 * sizeof(versions) / sizeof(versions[0]); i++) {
        struct loopback l;
        struct lks_config *client = client_config(NULL, NULL, NULL);
        struct lks_config *server = server_config("ecdsa", "secp384r1", NULL); /* asks again */
        const bool tls12 = i & 1;
        bool sealed[2] = {false, false};
        if (tls12)
            CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                            LKS_OK);
        loopback_init(&l, client, server, &localhost);
        while (loopback_turn(&l)) {
            set_versions(&l.server, versions[i / 2], tls12, &sealed[0]);
            set_versions(&l.client, versions[i / 2], tls12, &sealed[1]);
        }
        LKS_CHECK(l.client.established && l.server.established, "%04x: %s, %s", versions[i / 2],
                  lks_status_name(l.client.end), lks_status_name(l.server.end));
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* RFC 8446 appendix D.4: a change_cipher_spec behind the server's first hello, if the client's
 * hello asks for it by a session id. [8446 D.4-1] */
static void ccs_behind_the_first_hello(void)
{
    for (unsigned int bits = 0; bits < 4; bits++) {
        const bool compatible = bits & 1, retried = bits & 2;
        struct loopback l;
        struct lks_config *client = client_config(NULL, NULL, NULL);
        struct lks_config *server = server_config("ecdsa", retried ? "secp384r1" : NULL, NULL);
        CU_ASSERT_EQUAL(lks_policy_set_compatibility(client->policy, compatible, NULL), LKS_OK);
        loopback_init(&l, client, server, &localhost);
        loopback_turn(&l);
        loopback_turn(&l);
        const struct buffer *wire = &l.client.wire_in;
        CU_ASSERT_TRUE_FATAL(wire->len > 100 && wire->data[0] == LKS_TYPE_HANDSHAKE);
        const size_t second = 5 + (size_t)(wire->data[3] << 8 | wire->data[4]);
        const bool there =
            wire->len >= second + 6 && !memcmp(wire->data + second, "\x14\x03\x03\x00\x01\x01", 6);
        LKS_CHECK(there == compatible && (wire->len > second + 6) == !retried,
                  "compatible %d, retried %d", compatible, retried);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* A change_cipher_spec in front of a hello that has no cookie. [8446 5-3] */
static void ccs_before_the_first_hello(void)
{
    struct loopback l;
    struct lks_config *client = client_config(NULL, NULL, NULL);
    struct lks_config *server = server_config("ecdsa", NULL, NULL);
    static const uint8_t ccs[] = {20, 3, 3, 0, 1, 1};
    loopback_init(&l, client, server, &localhost);
    buffer_add(&l.server.wire_in, ccs, sizeof(ccs));
    loopback_run(&l);
    CU_ASSERT_EQUAL(l.server.end, LKS_ALERT_UNEXPECTED_MESSAGE);
    CU_ASSERT_EQUAL(l.client.conn->peer_alert, 10);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

/* A byte a turn, in spans of a few bytes. */
static void everything_in_one_byte_pieces(void)
{
    struct loopback l;
    struct lks_config *client = client_config(NULL, NULL, NULL);
    struct lks_config *server = server_config("ecdsa", "secp256r1", NULL);
    loopback_init(&l, client, server, &localhost);
    l.loop.span_max = 3;
    l.client.delivered = l.server.delivered = 0;
    for (int turn = 0; turn < 20000; turn++) {
        l.client.delivered += l.client.delivered < l.client.wire_in.len;
        l.server.delivered += l.server.delivered < l.server.wire_in.len;
        loopback_turn(&l);
    }
    check_alike(&l, suites[0], "secp256r1", "", true);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

/* OpenSSL's server, to be driven like its client. */
void openssl_server(struct client *c, const char *kind, const char *suite, const char *groups,
                    bool asks_certificate)
{
    const struct test_certificates *t = test_certificates();
    const bool rsa = strcmp(kind, "rsa") == 0;
    memset(c, 0, sizeof(*c));
    c->ctx = SSL_CTX_new(TLS_server_method());
    CU_ASSERT_FATAL(c->ctx != NULL);
    CU_ASSERT_EQUAL(SSL_CTX_use_certificate_chain_file(c->ctx, rsa ? t->rsa_cert : t->ecdsa_cert),
                    1);
    CU_ASSERT_EQUAL(
        SSL_CTX_use_PrivateKey_file(c->ctx, rsa ? t->rsa_key : t->ecdsa_key, SSL_FILETYPE_PEM), 1);
    CU_ASSERT_EQUAL(SSL_CTX_set_ciphersuites(c->ctx, suite), 1);
    LKS_CHECK(SSL_CTX_set1_groups_list(c->ctx, groups) == 1, "%s", groups);
    if (asks_certificate)
        SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    c->ssl = SSL_new(c->ctx);
    SSL_set_app_data(c->ssl, c);
    SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(c->ssl), -1);
    SSL_set_accept_state(c->ssl);
}

/* OpenSSL checks the salt of RSASSA-PSS, and asks for a KeyUpdate. [8446 4.2.3-4 4.6.3-5 6.1-3] */
static void one_with_openssl(const char *kind, const char *suite, const char *group, bool retried,
                             bool asks)
{
    struct poll_loop loop;
    struct side side;
    struct client peer;
    struct lks_conn_info info;
    char data[3000];
    struct lks_config *config = client_config(NULL, NULL, NULL);
    loop_init(&loop, 64, 8192);
    side_init_as(&side, config, LKS_CLIENT, &localhost);
    openssl_server(&peer, kind, suite, group, asks);
    exchange(&loop, &side, &peer);
    lks_conn_get_info(side.conn, &info);
    LKS_CHECK(side.established && SSL_is_init_finished(peer.ssl), "%s %s %s %d: %s", kind, suite,
              group, asks, lks_status_name(side.end));
    CU_ASSERT_STRING_EQUAL(info.suite_name, suite);
    CU_ASSERT_EQUAL(info.hello_retried, retried);
    if (side.established && SSL_is_init_finished(peer.ssl)) {
        CU_ASSERT_STRING_EQUAL(SSL_get_servername(peer.ssl, TLSEXT_NAMETYPE_host_name),
                               "localhost");
        lks_test_fill(&loop.random, data, sizeof(data));
        buffer_add(&side.to_send, data, sizeof(data));
        client_write(&peer, data, sizeof(data));
        exchange(&loop, &side, &peer);
        LKS_CHECK(side.received.len == sizeof(data) &&
                      !memcmp(side.received.data, data, sizeof(data)),
                  "%zu", side.received.len);
        LKS_CHECK(peer.received.len == sizeof(data) &&
                      !memcmp(peer.received.data, data, sizeof(data)),
                  "%zu", peer.received.len);
        SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED);
        client_write(&peer, "x", 1);
        exchange(&loop, &side, &peer);
        lks_conn_close(side.conn);
        exchange(&loop, &side, &peer);
        CU_ASSERT_TRUE(peer.saw_close);
        SSL_shutdown(peer.ssl);
        exchange(&loop, &side, &peer);
        CU_ASSERT_TRUE(side.closed);
        CU_ASSERT_FALSE(lks_conn_truncated(side.conn));
    }
    client_free(&peer);
    side_free(&side);
    loop_free(&loop);
    lks_config_free(config);
}

static void every_kind_with_openssl(void)
{
    static const char *const groups[] = {"X25519", "P-256", "P-384"};
    for (unsigned int suite = 0; suite < 4; suite++)
        for (unsigned int group = 0; group < 3; group++)
            for (unsigned int bits = 0; bits < 4; bits++)
                one_with_openssl(bits & 1 ? "rsa" : "ecdsa", suites[suite], groups[group],
                                 group != 0, bits & 2);
}

/* Another ML-KEM than ours encapsulates for us. */
static void the_hybrid_group_with_openssl(void)
{
    if (!openssl_has_group("X25519MLKEM768"))
        LKS_SKIP("this OpenSSL has no X25519MLKEM768 (3.5 is the first)");
    for (unsigned int suite = 0; suite < 4; suite++)
        one_with_openssl("ecdsa", suites[suite], "X25519MLKEM768", false, false);
}

/* A server whose certificate the client has no reason to believe, and the alert that it gets.
 * [8446 C.5-1] */
static void wrong_servers_are_refused(void)
{
    static const struct {
        const char *name;
        bool trusted;
        enum lks_status status;
    } rows[] = {{"localhost", false, LKS_ALERT_UNKNOWN_CA},
                {"localhost.", true, LKS_OK},
                {"elsewhere.test", true, LKS_ALERT_BAD_CERTIFICATE},
                {"127.0.0.2", true, LKS_ALERT_BAD_CERTIFICATE},
                {"a.example.test", true, LKS_OK},
                {NULL, true, LKS_ALERT_BAD_CERTIFICATE}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loopback l;
        struct lks_conn_info info;
        struct lks_config *client = client_config(NULL, NULL, NULL), *nobody;
        struct lks_config *server = server_config("ecdsa", NULL, NULL);
        const struct lks_conn_options options = {.server_name = rows[i].name};
        nobody = config_new();
        loopback_init(&l, rows[i].trusted ? client : nobody, server, &options);
        loopback_run(&l);
        LKS_CHECK(l.client.end == rows[i].status, "%s: %s", rows[i].name,
                  lks_status_name(l.client.end));
        CU_ASSERT_EQUAL(l.client.established, !rows[i].status);
        CU_ASSERT_EQUAL(l.server.established, !rows[i].status);
        lks_conn_get_info(l.server.conn, &info);
        CU_ASSERT_EQUAL(info.peer_alert, rows[i].status ? lks_status_alert(rows[i].status) : 0xff);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(nobody);
        lks_config_free(server);
    }
}

static void bad_names(void)
{
    static const struct {
        const char *name;
        bool good;
    } rows[] = {
        {"", false},
        {".", false},
        {"a..", false},
        {".example.test", false}, /* libcrypto would take any host below it */
        {"a..test", false},
        {"*.example.test", false},
        {"a b.test", false},
        {"a.test/", false},
        {"a.test:443", false},
        {"b\xc3\xbc.test", false}, /* xn--b-xha, or whatever an application makes of it */
        {"fe80::1%eth0", false},
        {"[::1]", false},
        {"192.0.2.1.", false},
        {"192.0.2", false},
        {"192.0.2.256", false},
        {"a.1", false},
        {"1.a", true},
        {"a_b.-c-.test", true},
        {"A.test.", true},
        {"localhost", true},
        {"192.0.2.1", true},
        {"::1", true},
        {"::ffff:192.0.2.1", true},
    };
    struct lks_conn *conn;
    struct lks_config *config = client_config(NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct lks_conn_options options = {.server_name = rows[i].name};
        const enum lks_status status = lks_conn_new(&conn, config, LKS_CLIENT, &options);
        LKS_CHECK(status == (rows[i].good ? LKS_OK : LKS_BAD_ARGUMENT), "\"%s\": %s", rows[i].name,
                  lks_status_name(status));
        CU_ASSERT_EQUAL(conn != NULL, rows[i].good);
        lks_conn_free(conn);
    }
    /* 63 bytes a label, 253 a name, and a dot. */
    for (size_t label = 62; label <= 64; label++) {
        for (size_t len = 252; len <= 255; len++) {
            char name[256] = "";
            for (size_t at = 0; at < len; at++)
                name[at] = (at + 1) % (label + 1) ? 'a' : '.';
            const struct lks_conn_options options = {.server_name = name};
            const bool good = label < 64 && (len < 254 || (len == 254 && name[253] == '.'));
            const enum lks_status status = lks_conn_new(&conn, config, LKS_CLIENT, &options);
            LKS_CHECK(status == (good ? LKS_OK : LKS_BAD_ARGUMENT), "%zu, labels of %zu", len,
                      label);
            lks_conn_free(conn);
        }
    }
    lks_config_free(config);
}

const struct lks_test client_tests[] = {
    {"every suite and group", every_suite_and_group},
    {"every kind of hello", every_kind_of_hello},
    {"long hello in two records", long_hello_in_two_records},
    {"server's flight split at every byte", server_flight_split_at_every_byte},
    {"stateless retry", stateless_retry},
    {"versions of records are ignored", versions_of_records_are_ignored},
    {"CCS before the first hello", ccs_before_the_first_hello},
    {"CCS behind the first hello", ccs_behind_the_first_hello},
    {"everything in one-byte pieces", everything_in_one_byte_pieces},
    {"every kind with OpenSSL's server", every_kind_with_openssl},
    {"X25519MLKEM768 with OpenSSL", the_hybrid_group_with_openssl},
    {"wrong servers are refused", wrong_servers_are_refused},
    {"bad names", bad_names},
    {NULL, NULL},
};
