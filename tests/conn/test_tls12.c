/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2 between our own two roles. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handshake/config.h"
#include "test_conn.h"

/* Two configurations with the same suites; a server has both kinds of certificate. */
static void configs(struct lks_config **client, struct lks_config **server, const char *suites)
{
    *client = client_config(suites, NULL, NULL);
    *server = server_config(NULL, NULL, NULL);
    if (suites)
        set_suites(*server, suites);
}

void check_tls12(const struct side *s, const char *suite, bool resumed)
{
    struct lks_conn_info info;
    lks_conn_get_info(s->conn, &info);
    LKS_CHECK(s->established, "%s: %s", suite, lks_status_name(s->end));
    CU_ASSERT_EQUAL(info.version, LKS_TLS_1_2);
    CU_ASSERT_STRING_EQUAL(info.suite_name, suite);
    LKS_CHECK(info.resumed == resumed, "%s: resumed %d", suite, info.resumed);
}

static void check_both(const struct loopback *l, const char *suite, bool resumed)
{
    check_tls12(&l->client, suite, resumed);
    check_tls12(&l->server, suite, resumed);
}

static void close_both(struct loopback *l)
{
    lks_conn_close(l->client.conn);
    loopback_run(l);
    lks_conn_close(l->server.conn);
    loopback_run(l);
    CU_ASSERT_TRUE(l->client.closed && l->server.closed);
}

/* Full, then resumed, each with data of many lengths both ways. */
static void one_suite(const char *suite)
{
    struct loopback l;
    struct lks_config *client, *server;
    configs(&client, &server, suite);
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    check_both(&l, suite, false);
    for (size_t len = 1; len < 100; len += 13)
        loopback_echo(&l, len);
    loopback_echo(&l, 100000);
    close_both(&l);
    LKS_CHECK(l.client.session_len, "%s: no session", suite);
    struct lks_conn_options again = localhost;
    uint8_t session[LKS_SESSION_MAX];
    memcpy(session, l.client.session, l.client.session_len);
    again.session = session;
    again.session_len = l.client.session_len;
    loopback_free(&l);
    loopback_init(&l, client, server, &again);
    loopback_run(&l);
    check_both(&l, suite, true);
    loopback_echo(&l, 5000);
    close_both(&l);
    LKS_CHECK(l.client.session_len, "%s: no session once more", suite);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

/* [5246 7.4.2-1 9-1] */
static void every_suite(void)
{
    for (const struct lks_suite *row = lks_suite_rows(); row->name; row++)
        if (row->version == LKS_TLS_1_2)
            one_suite(row->name);
}

/* By session ID, where the server has no tickets. [5246 7.4.1.3-2] */
static void by_session_id(void)
{
    struct loopback l;
    struct lks_config *client, *server;
    const char *suite = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    configs(&client, &server, suite);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(server->policy, 0, 3600, NULL), LKS_OK);
    struct lks_conn_options options = localhost;
    uint8_t session[LKS_SESSION_MAX];
    for (int i = 0; i < 3; i++) {
        /* The third time the server has forgotten it. */
        if (i == 2) {
            CU_ASSERT_EQUAL(lks_memory_set_session_cache(server->memory, 16, NULL), LKS_OK);
        }
        loopback_init(&l, client, server, &options);
        loopback_run(&l);
        check_both(&l, suite, i == 1);
        loopback_echo(&l, 1000);
        CU_ASSERT_FATAL(l.client.session_len != 0);
        memcpy(session, l.client.session, l.client.session_len);
        options.session = session;
        options.session_len = l.client.session_len;
        loopback_free(&l);
    }
    lks_config_free(client);
    lks_config_free(server);
}

/* Each group that TLS 1.2 can use, and prime fields by what the client lists. */
static void every_group(void)
{
    static const struct {
        const char *suite, *client, *server, *chosen;
    } rows[] = {
        {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "x25519,secp256r1", "x25519", "x25519"},
        {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "secp256r1", "x25519mlkem768,secp256r1",
         "secp256r1"},
        {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "secp384r1", "secp384r1", "secp384r1"},
        {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "secp521r1", "secp521r1", "secp521r1"},
        {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "x25519", "secp521r1", NULL},
        {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ffdhe2048", "ffdhe2048", NULL},
        {"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "ffdhe3072", "ffdhe2048,ffdhe3072", "ffdhe3072"},
        {"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "x25519", "ffdhe2048", "ffdhe2048"},
        {"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "ffdhe3072", "ffdhe2048", NULL},
        {"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "x25519,ffdhe2048", "x25519", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loopback l;
        struct lks_error err;
        struct lks_config *client, *server;
        struct lks_conn_info info;
        configs(&client, &server, rows[i].suite);
        CU_ASSERT_EQUAL(lks_policy_set_groups(client->policy, rows[i].client, &err), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_groups(server->policy, rows[i].server, &err), LKS_OK);
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        lks_conn_get_info(l.client.conn, &info);
        if (rows[i].chosen) {
            check_both(&l, rows[i].suite, false);
            CU_ASSERT_STRING_EQUAL(info.group_name, rows[i].chosen);
        } else {
            LKS_CHECK(l.server.end == LKS_ALERT_HANDSHAKE_FAILURE, "row %zu: %s", i,
                      lks_status_name(l.server.end));
        }
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

static void versions_and_presets(void)
{
    static const struct {
        const char *client, *server;
        uint16_t version;
    } rows[] = {
        {"intermediate", "intermediate", LKS_TLS_1_3},
        {"old", "intermediate", LKS_TLS_1_3},
        {"modern", "old", LKS_TLS_1_3},
        {NULL, "12", LKS_TLS_1_2},
        {"12", "old", LKS_TLS_1_2},
        {"modern", "12", 0},
        {"12", "modern", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loopback l;
        struct lks_error err;
        struct lks_config *c[2];
        struct lks_conn_info info;
        configs(&c[0], &c[1], NULL);
        for (int k = 0; k < 2; k++) {
            const char *preset = k ? rows[i].server : rows[i].client;
            enum lks_status status = LKS_OK;
            if (preset && strcmp(preset, "12") == 0)
                status = lks_policy_set_versions(c[k]->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL);
            else if (preset)
                status = lks_policy_set_preset(c[k]->policy, preset, &err);
            CU_ASSERT_EQUAL(status, LKS_OK);
        }
        loopback_init(&l, c[0], c[1], &localhost);
        loopback_run(&l);
        lks_conn_get_info(l.client.conn, &info);
        if (rows[i].version)
            LKS_CHECK(l.client.established && info.version == rows[i].version, "row %zu: %04x", i,
                      info.version);
        else
            LKS_CHECK(l.server.end == LKS_ALERT_PROTOCOL_VERSION, "row %zu: %s", i,
                      lks_status_name(l.server.end));
        loopback_free(&l);
        lks_config_free(c[0]);
        lks_config_free(c[1]);
    }
}

static void unknown_names(void)
{
    struct lks_error err;
    struct lks_config *config = client_config(NULL, NULL, NULL);
    CU_ASSERT_EQUAL(lks_policy_set_preset(config->policy, "ancient", &err), LKS_BAD_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "modern, intermediate, old"));
    CU_ASSERT_EQUAL(lks_policy_set_suites(config->policy, "TLS_RSA_WITH_RC4_128_SHA", &err),
                    LKS_BAD_CONFIG);
    for (const struct lks_suite *row = lks_suite_rows(); row->name; row++)
        LKS_CHECK(strstr(err.text, row->name) != NULL, "%s", row->name);
    CU_ASSERT_EQUAL(lks_policy_set_versions(config->policy, 0x0302, LKS_TLS_1_3, NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_policy_set_versions(config->policy, LKS_TLS_1_3, LKS_TLS_1_2, NULL),
                    LKS_BAD_ARGUMENT);
    lks_config_free(config);
}

/* [5246 1.2-2 7.3-2 7.4.6-1] */
static void client_certificates(void)
{
    static const char *const kinds[] = {"ecdsa", "rsa", NULL};
    for (int i = 0; i < 3; i++) {
        for (int required = 0; required < 2; required++) {
            struct loopback l;
            struct lks_error err;
            struct lks_config *client, *server;
            const struct test_certificates *t = test_certificates();
            const char *suite = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
            configs(&client, &server, suite);
            CU_ASSERT_EQUAL(lks_policy_set_client_auth(server->policy,
                                                       required ? LKS_CLIENT_AUTH_REQUIRED
                                                                : LKS_CLIENT_AUTH_OPTIONAL,
                                                       true, NULL),
                            LKS_OK);
            CU_ASSERT_EQUAL(
                lks_policy_set_trust(server->policy, lks_from_file(t->both_certs), &err), LKS_OK);
            if (kinds[i]) {
                CU_ASSERT_EQUAL(lks_identities_add_certificate(
                                    client->identities,
                                    lks_from_file(i ? t->rsa_cert : t->ecdsa_cert),
                                    lks_from_file(i ? t->rsa_key : t->ecdsa_key), &err),
                                LKS_OK);
            }
            loopback_init(&l, client, server, &localhost);
            loopback_run(&l);
            if (kinds[i] || !required) {
                check_both(&l, suite, false);
                CU_ASSERT_EQUAL(l.server.peer_certificate, kinds[i] != NULL);
                CU_ASSERT_TRUE(l.client.session_len != 0);
                loopback_echo(&l, 1000);
            } else {
                CU_ASSERT_EQUAL(l.server.end, LKS_ALERT_HANDSHAKE_FAILURE);
            }
            loopback_free(&l);
            lks_config_free(client);
            lks_config_free(server);
        }
    }
}

/* RFC 5705 section 4: an empty context is another one than none, as OpenSSL has it. */
static void contexts_of_exporters(void)
{
    struct pair p;
    uint8_t ours[2][32], theirs[2][32];
    const struct client_options options = {.max_version = TLS1_2_VERSION};
    pair_init(&p, NULL, &options);
    pair_exchange(&p);
    CU_ASSERT_TRUE_FATAL(p.side.established);
    for (int has = 0; has < 2; has++) {
        CU_ASSERT_EQUAL(lks_conn_export_keying_material(p.side.conn, ours[has], 32, "EXPERIMENTAL",
                                                        has ? theirs[0] : NULL, 0),
                        LKS_OK);
        CU_ASSERT_EQUAL(SSL_export_keying_material(p.client.ssl, theirs[has], 32, "EXPERIMENTAL",
                                                   12, theirs[0], 0, has),
                        1);
        CU_ASSERT_EQUAL(memcmp(ours[has], theirs[has], 32), 0);
    }
    CU_ASSERT_NOT_EQUAL(memcmp(ours[0], ours[1], 32), 0);
    CU_ASSERT_EQUAL(
        lks_conn_export_keying_material(p.side.conn, ours[0], 32, "EXPERIMENTAL", NULL, 1),
        LKS_BAD_ARGUMENT);
    pair_free(&p);
}

/* Both have the same keying material, and traffic keys stay where they are. */
static void exporters(void)
{
    struct loopback l;
    struct lks_config *client, *server;
    struct lks_traffic_keys keys;
    uint8_t a[64], b[64], c[64];
    configs(&client, &server, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    static const uint8_t context[] = {1, 2, 3};
    CU_ASSERT_EQUAL(
        lks_conn_export_keying_material(l.client.conn, a, 64, "EXPERIMENTAL x", context, 3),
        LKS_OK);
    CU_ASSERT_EQUAL(
        lks_conn_export_keying_material(l.server.conn, b, 64, "EXPERIMENTAL x", context, 3),
        LKS_OK);
    CU_ASSERT_EQUAL(
        lks_conn_export_keying_material(l.server.conn, c, 64, "EXPERIMENTAL x", context, 2),
        LKS_OK);
    CU_ASSERT_EQUAL(memcmp(a, b, 64), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a, c, 64), 0);
    CU_ASSERT_EQUAL(lks_conn_export(l.client.conn, LKS_SEAL, &keys), LKS_UNSUPPORTED);
    CU_ASSERT_EQUAL(lks_conn_update_key(l.client.conn, true), LKS_UNSUPPORTED);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

/* RFC 5246 section 7.4.2: a certificate that may not sign is for RSA key exchange only, whatever
 * else both sides would rather have; and the other way round. [5246 7.4.2-7 7.4.2-8] */
static void key_usage_decides(void)
{
    static const struct {
        const char *usage, *suite;
    } cases[] = {{"keyEncipherment", "TLS_RSA_WITH_AES_128_GCM_SHA256"},
                 {"digitalSignature", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}};
    const char *suites[] = {
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"};
    for (size_t i = 0; i < 4; i++) {
        char dir[] = "/tmp/lockstep-usage-XXXXXX", cert[64], key[64];
        struct loopback l;
        struct lks_error err;
        struct lks_config *server, *client;
        CU_ASSERT_FATAL(mkdtemp(dir) != NULL);
        server = config_new();
        client = config_new();
        snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
        snprintf(key, sizeof(key), "%s/key.pem", dir);
        test_certificate_usage(cert, key, cases[i / 2].usage);
        CU_ASSERT_EQUAL(lks_identities_add_certificate(server->identities, lks_from_file(cert),
                                                       lks_from_file(key), &err),
                        LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_trust(client->policy, lks_from_file(cert), &err), LKS_OK);
        set_suites(server, suites[i % 2]);
        set_suites(client, suites[i % 2]);
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        check_both(&l, cases[i / 2].suite, false);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
        unlink(cert);
        unlink(key);
        rmdir(dir);
    }
}

const struct lks_test tls12_tests[] = {
    {"key usage decides", key_usage_decides},
    {"every suite, full and resumed", every_suite},
    {"by session ID", by_session_id},
    {"every group", every_group},
    {"versions and presets", versions_and_presets},
    {"unknown names", unknown_names},
    {"client certificates", client_certificates},
    {"exporters", exporters},
    {"contexts of exporters", contexts_of_exporters},
    {NULL, NULL},
};
