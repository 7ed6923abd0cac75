/* SPDX-License-Identifier: BSD-3-Clause */

/* What both sides make of a handshake: limits of records, exported keying material, a key log. */

#include <string.h>
#include <unistd.h>

#include "conn/conn.h"
#include "handshake/config.h"
#include "test_conn.h"

/* The longest fragment among a side's records that are encrypted, and drops the bytes. */
static size_t longest_sealed(struct buffer *wire)
{
    size_t longest = 0;
    while (wire->len >= LKS_RECORD_HEADER_LEN) {
        size_t len = (size_t)wire->data[3] << 8 | wire->data[4];
        if (wire->data[0] == LKS_TYPE_APPLICATION_DATA && len > longest)
            longest = len;
        buffer_drop(wire, LKS_RECORD_HEADER_LEN + len);
    }
    return longest;
}

/* Like loopback_run(), noting the longest protected record that each side sent. */
static void run_and_measure(struct loopback *l, size_t *from_client, size_t *from_server)
{
    struct side *sides[] = {&l->client, &l->server};
    for (bool moved = true; moved;) {
        moved = loop_poll(&l->loop, sides, 2);
        buffer_add(&l->server.wire_in, l->client.wire_out.data, l->client.wire_out.len);
        buffer_add(&l->client.wire_in, l->server.wire_out.data, l->server.wire_out.len);
        moved |= l->client.wire_out.len || l->server.wire_out.len;
        size_t n = longest_sealed(&l->client.wire_out);
        *from_client = n > *from_client ? n : *from_client;
        n = longest_sealed(&l->server.wire_out);
        *from_server = n > *from_server ? n : *from_server;
    }
}

/* RFC 8449: each side keeps to the other's limit, in the handshake as behind it.
 * [8449 4-4 4-7 4-26] */
static void record_size_limits(void)
{
    static const uint16_t limits[][2] = {{64, 64}, {64, 16385}, {500, 1000}, {16385, 100}};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct loopback l;
        size_t from_client = 0, from_server = 0;
        struct lks_config *client = client_config(NULL, "x25519", NULL);
        struct lks_config *server = server_config("ecdsa", NULL, NULL);
        CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(client->policy, limits[i][0], NULL),
                        LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(server->policy, limits[i][1], NULL),
                        LKS_OK);
        loopback_init(&l, client, server, &localhost);
        run_and_measure(&l, &from_client, &from_server);
        CU_ASSERT_TRUE(l.client.established && l.server.established);
        CU_ASSERT_EQUAL(lks_conn_record_max(l.client.conn), limits[i][1] - 1u);
        CU_ASSERT_EQUAL(lks_conn_record_max(l.server.conn), limits[i][0] - 1u);
        uint8_t data[20000] = {1};
        buffer_add(&l.client.to_send, data, sizeof(data));
        buffer_add(&l.server.to_send, data, sizeof(data));
        run_and_measure(&l, &from_client, &from_server);
        LKS_CHECK(from_client == limits[i][1] + 16u, "client: %zu", from_client);
        LKS_CHECK(from_server == limits[i][0] + 16u, "server: %zu", from_server);
        CU_ASSERT_EQUAL(l.client.received.len, sizeof(data));
        CU_ASSERT_EQUAL(l.server.received.len, sizeof(data));
        struct lks_span src = {data, limits[i][1]}, dst = {data, sizeof(data)};
        CU_ASSERT_EQUAL(lks_conn_seal(l.client.conn, &src, 1, &dst, 1, &l.loop.seal),
                        LKS_BAD_ARGUMENT);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* RFC 6066 section 3, RFC 8446 section 9.2: what becomes of a client that names no host of ours. */
static void names(void)
{
    static const struct {
        const char *name; /* an address is no name */
        bool required;
        enum lks_status end[2]; /* the server's, by version: 1.3, 1.2 */
    } rows[] = {
        {"localhost", false, {LKS_OK, LKS_OK}},
        {"localhost", true, {LKS_OK, LKS_OK}},
        {"b.example.test", true, {LKS_OK, LKS_OK}},
        {"B.Example.Test.", true, {LKS_OK, LKS_OK}},
        {"127.0.0.1", false, {LKS_OK, LKS_OK}},
        {"127.0.0.1", true, {LKS_ALERT_MISSING_EXTENSION, LKS_ALERT_HANDSHAKE_FAILURE}},
        {"other.test", false, {LKS_PEER_ALERT, LKS_PEER_ALERT}}, /* the client minds */
        {"other.test", true, {LKS_ALERT_UNRECOGNIZED_NAME, LKS_ALERT_UNRECOGNIZED_NAME}},
    };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const struct lks_conn_options options = {.server_name = rows[i / 2].name};
        struct loopback l;
        struct lks_config *client = client_config(NULL, "x25519,secp256r1", NULL);
        struct lks_config *server = server_config("ecdsa", NULL, NULL);
        CU_ASSERT_EQUAL(lks_policy_set_sni_required(server->policy, rows[i / 2].required, NULL),
                        LKS_OK);
        if (i % 2)
            CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                            LKS_OK);
        loopback_init(&l, client, server, &options);
        loopback_run(&l);
        LKS_CHECK(l.server.end == rows[i / 2].end[i % 2], "%s, %zu: %s", rows[i / 2].name, i,
                  lks_status_name(l.server.end));
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* A handshake of more records than a batch has room for goes out in several. */
static void handshake_of_many_records(void)
{
    for (unsigned int tls12 = 0; tls12 < 2; tls12++) {
        struct loopback l;
        struct lks_config *client = client_config(NULL, "x25519,secp256r1", NULL);
        struct lks_config *server = server_config("rsa", NULL, NULL);
        CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(client->policy, 64, NULL), LKS_OK);
        if (tls12)
            CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                            LKS_OK);
        loopback_init(&l, client, server, &localhost);
        l.loop.seal.max_ops = LKS_OWN_RECORDS_MAX;
        CU_ASSERT_TRUE(lks_conn_own_len(l.client.conn) > 0);
        loopback_run(&l);
        CU_ASSERT_TRUE(l.client.established && l.server.established);
        CU_ASSERT_TRUE(lks_conn_can_seal(l.server.conn));
        lks_conn_close(l.server.conn);
        loopback_run(&l);
        CU_ASSERT_TRUE(l.client.closed);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* RFC 8449 section 4: a resumed connection has the limits of its own hellos, smaller or larger ones
 * than the first, and those of a server that speaks another version of it. [8449 4-27] */
static void limits_of_resumed_connections(void)
{
    static const uint16_t limits[][2] = {{500, 16385}, {16385, 500}, {300, 700}};
    static const uint8_t secret[32] = {1};
    for (size_t i = 0; i < 2 * sizeof(limits) / sizeof(limits[0]); i++) {
        struct lks_conn_options options = localhost;
        uint8_t session[LKS_SESSION_MAX];
        for (int again = 0; again < 2; again++) {
            struct loopback l;
            struct lks_config *client = client_config(NULL, NULL, NULL);
            struct lks_config *server = server_config("ecdsa", NULL, NULL);
            const size_t limit = limits[i / 2][again];
            const bool tls12 = i % 2;
            CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(server->memory, secret, 32, 3600, NULL),
                            LKS_OK);
            CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(client->policy, (uint16_t)limit, NULL),
                            LKS_OK);
            CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(server->policy, (uint16_t)limit, NULL),
                            LKS_OK);
            if (tls12)
                CU_ASSERT_EQUAL(
                    lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                    LKS_OK);
            loopback_init(&l, client, server, &options);
            loopback_run(&l);
            CU_ASSERT_TRUE_FATAL(l.client.established && l.client.session_len);
            struct lks_conn_info info;
            lks_conn_get_info(l.client.conn, &info);
            CU_ASSERT_EQUAL(info.resumed, again);
            const size_t most = limit == 16385 ? 16384 : tls12 ? limit : limit - 1;
            LKS_CHECK(lks_conn_record_max(l.client.conn) == most &&
                          lks_conn_record_max(l.server.conn) == most,
                      "case %zu, connection %d: %zu, %zu", i, again,
                      lks_conn_record_max(l.client.conn), lks_conn_record_max(l.server.conn));
            loopback_echo(&l, 20000);
            memcpy(session, l.client.session, l.client.session_len);
            options.session = session;
            options.session_len = l.client.session_len;
            loopback_free(&l);
            lks_config_free(client);
            lks_config_free(server);
        }
    }
}

/* Who sends more than we said we accept gets record_overflow; the header is enough to tell.
 * [8449 4-19] */
static void record_over_the_limit(void)
{
    struct loopback l;
    uint8_t data[600] = {0};
    struct lks_config *client = client_config(NULL, NULL, NULL);
    struct lks_config *server = server_config("ecdsa", NULL, NULL);
    CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(server->policy, 500, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(server->policy, 63, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(server->policy, 16386, NULL),
                    LKS_BAD_ARGUMENT);
    for (uint16_t len = 499; len <= 500; len++) {
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        l.client.conn->send_limit = 1000; /* a client that does not keep its word */
        buffer_add(&l.client.to_send, data, len);
        loopback_run(&l);
        CU_ASSERT_EQUAL(l.server.end, len == 500 ? LKS_RECORD_OVERFLOW : LKS_OK);
        CU_ASSERT_EQUAL(l.client.conn->peer_alert, len == 500 ? 22 : ALERT_NONE);
        loopback_free(&l);
    }
    lks_config_free(client);
    lks_config_free(server);
}

static void exporter_of_both_sides(void)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};
    struct lks_config *server = server_config("ecdsa", NULL, NULL);
    for (int i = 0; i < 2; i++) {
        struct loopback l;
        uint8_t a[300], b[300], other[300];
        struct lks_config *client = client_config(suites[i], NULL, NULL);
        loopback_init(&l, client, server, &localhost);
        CU_ASSERT_EQUAL(
            lks_conn_export_keying_material(l.client.conn, a, 32, "EXPORTER-x", NULL, 0),
            LKS_WANT_ROOM);
        loopback_run(&l);
        CU_ASSERT_EQUAL(lks_conn_export_keying_material(l.client.conn, a, sizeof(a), "EXPORTER-x",
                                                        (const uint8_t *)"context", 7),
                        LKS_OK);
        CU_ASSERT_EQUAL(lks_conn_export_keying_material(l.server.conn, b, sizeof(b), "EXPORTER-x",
                                                        (const uint8_t *)"context", 7),
                        LKS_OK);
        CU_ASSERT_EQUAL(memcmp(a, b, sizeof(a)), 0);
        CU_ASSERT_EQUAL(lks_conn_export_keying_material(l.server.conn, other, sizeof(other),
                                                        "EXPORTER-x", NULL, 0),
                        LKS_OK);
        CU_ASSERT_NOT_EQUAL(memcmp(a, other, 16), 0);
        char label[251];
        memset(label, 'l', 250);
        label[250] = 0;
        CU_ASSERT_EQUAL(lks_conn_export_keying_material(l.server.conn, other, 1, label, NULL, 0),
                        LKS_BAD_ARGUMENT);
        CU_ASSERT_EQUAL(
            lks_conn_export_keying_material(l.server.conn, other, 1, label + 1, NULL, 0), LKS_OK);
        loopback_free(&l);
        lks_config_free(client);
    }
    lks_config_free(server);
}

/* RFC 8446 section 7.5. [8446 7.5-1] */
static void exporter_as_openssl_has_it(void)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};
    for (int i = 0; i < 2; i++) {
        struct pair p;
        uint8_t ours[80], theirs[80];
        const struct client_options options = {.suites = suites[i]};
        pair_init(&p, NULL, &options);
        pair_exchange(&p);
        CU_ASSERT_TRUE_FATAL(p.side.established);
        CU_ASSERT_EQUAL(lks_conn_export_keying_material(p.side.conn, ours, sizeof(ours),
                                                        "EXPORTER-test", (const uint8_t *)"abc", 3),
                        LKS_OK);
        CU_ASSERT_EQUAL(SSL_export_keying_material(p.client.ssl, theirs, sizeof(theirs),
                                                   "EXPORTER-test", 13, (const uint8_t *)"abc", 3,
                                                   1),
                        1);
        CU_ASSERT_EQUAL(memcmp(ours, theirs, sizeof(ours)), 0);
        pair_free(&p);
    }
}

/* Both roles write the same lines, but for the order. */
static void key_log_of_both_sides(void)
{
    struct loopback l;
    struct lks_error err;
    char path[160], line[2][5][300];
    const char *const names[] = {"client.log", "server.log"};
    struct lks_config *configs[] = {client_config(NULL, NULL, NULL),
                                    server_config("ecdsa", NULL, NULL)};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", test_certificates()->dir, names[i]);
        CU_ASSERT_EQUAL(lks_policy_set_key_log(configs[i]->policy, path, &err), LKS_OK);
    }
    loopback_init(&l, configs[0], configs[1], &localhost);
    loopback_run(&l);
    CU_ASSERT_TRUE(l.client.established && l.server.established);
    loopback_free(&l);
    for (int i = 0; i < 2; i++) {
        lks_config_free(configs[i]);
        snprintf(path, sizeof(path), "%s/%s", test_certificates()->dir, names[i]);
        FILE *f = fopen(path, "r");
        CU_ASSERT_FATAL(f != NULL);
        for (int k = 0; k < 5; k++)
            CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line[i][k], sizeof(line[i][k]), f));
        fclose(f);
        unlink(path);
    }
    CU_ASSERT_EQUAL(memcmp(line[0][0], "CLIENT_HANDSHAKE_TRAFFIC_SECRET ", 32), 0);
    for (int k = 0; k < 5; k++)
        CU_ASSERT_STRING_EQUAL(line[0][k], line[1][k]);
}

/* Content of len bytes as one record of the client: how long its fragment is; the server must get
 * the content as it was. */
static size_t fragment_of(struct loopback *l, size_t len)
{
    static uint8_t data[LKS_RECORD_PLAINTEXT_MAX];
    size_t from_client = 0, from_server = 0;
    memset(data, 0, sizeof(data)); /* as the padding is */
    l->server.received.len = 0;
    l->client.record_max = len;
    buffer_add(&l->client.to_send, data, len);
    run_and_measure(l, &from_client, &from_server);
    LKS_CHECK(l->server.received.len == len && !memcmp(l->server.received.data, data, len),
              "%zu bytes came as %zu", len, l->server.received.len);
    return from_client;
}

/* RFC 8446 section 5.4: what is seen of a record is its padded length. [8446 5.4-1 5.4-5] */
static void padding_hides_lengths(void)
{
    static const struct {
        enum lks_padding padding;
        uint16_t size, limit; /* the server's record_size_limit */
        size_t len, padded;
    } cases[] = {
        {LKS_PADDING_NONE, 0, 16385, 100, 100},
        {LKS_PADDING_MULTIPLE, 256, 16385, 1, 256},
        {LKS_PADDING_MULTIPLE, 256, 16385, 256, 256},
        {LKS_PADDING_MULTIPLE, 256, 16385, 257, 512},
        {LKS_PADDING_MULTIPLE, 10000, 16385, 10001, 16384},
        {LKS_PADDING_MULTIPLE, 300, 500, 301, 499},
        {LKS_PADDING_AT_LEAST, 1000, 16385, 3, 1000},
        {LKS_PADDING_AT_LEAST, 1000, 16385, 1001, 1001},
        {LKS_PADDING_AT_LEAST, 16384, 16385, 7, 16384},
        {LKS_PADDING_AT_LEAST, 1000, 500, 3, 499},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct loopback l;
        size_t from_client = 0, from_server = 0;
        struct lks_config *client = client_config(NULL, "x25519", NULL);
        struct lks_config *server = server_config("ecdsa", NULL, NULL);
        CU_ASSERT_EQUAL(
            lks_policy_set_padding(client->policy, cases[i].padding, cases[i].size, NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(server->policy, cases[i].limit, NULL),
                        LKS_OK);
        loopback_init(&l, client, server, &localhost);
        run_and_measure(&l, &from_client, &from_server);
        size_t fragment = fragment_of(&l, cases[i].len);
        LKS_CHECK(fragment == cases[i].padded + 1 + 16, "case %zu: a fragment of %zu bytes", i,
                  fragment);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
    struct lks_config *config = client_config(NULL, "x25519", NULL);
    CU_ASSERT_EQUAL(lks_policy_set_padding(config->policy, LKS_PADDING_MULTIPLE, 0, NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_policy_set_padding(config->policy, LKS_PADDING_AT_LEAST, 16385, NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_policy_set_padding(config->policy, (enum lks_padding)7, 1, NULL),
                    LKS_BAD_ARGUMENT);
    lks_config_free(config);
}

/* What may sign: the server's certificate goes by it, and what was not offered is not taken. */
static void signature_schemes(void)
{
    static const struct {
        const char *client, *server; /* NULL: all */
        int key;                     /* of the certificate that comes; 0: none does */
        enum lks_status end;         /* the client's */
    } rows[] = {
        {"rsa_pss_rsae_sha256", NULL, EVP_PKEY_RSA, LKS_OK},
        {NULL, "rsa_pss_rsae_sha384,rsa_pss_rsae_sha512", EVP_PKEY_RSA, LKS_OK},
        {"ed25519,ecdsa_secp256r1_sha256", "ecdsa_secp256r1_sha256", EVP_PKEY_EC, LKS_OK},
        {"ed25519", NULL, 0, LKS_PEER_ALERT},
        {"rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256", 0, LKS_PEER_ALERT},
    };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *client = client_config(NULL, NULL, NULL), *server = config_with(NULL);
        const uint16_t version = i & 1 ? LKS_TLS_1_2 : LKS_TLS_1_3;
        const char *lists[] = {rows[i / 2].server, rows[i / 2].client};
        struct lks_config *configs[] = {server, client};
        for (int k = 0; k < 2; k++)
            if (lists[k])
                CU_ASSERT_EQUAL(
                    lks_policy_set_signature_schemes(configs[k]->policy, lists[k], NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, version, version, NULL), LKS_OK);
        struct loopback l;
        size_t len = 0;
        loopback_init(&l, client, server, &localhost);
        while (!l.client.established && loopback_turn(&l))
            ;
        const uint8_t *der = lks_conn_peer_certificate(l.client.conn, &len);
        X509 *x = der ? d2i_X509(NULL, &der, (long)len) : NULL;
        const int key = x ? EVP_PKEY_get_base_id(X509_get0_pubkey(x)) : 0;
        LKS_CHECK(l.client.end == rows[i / 2].end && key == rows[i / 2].key,
                  "row %zu, version %x: %s, key %d", i / 2, version, lks_status_name(l.client.end),
                  key);
        X509_free(x);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* RFC 8446 section 4.4.3: only what was offered is taken, also of what is known. [8446 4.4.3-7] */
static void scheme_not_offered(void)
{
    for (unsigned int tls12 = 0; tls12 < 2; tls12++) {
        const uint16_t version = tls12 ? LKS_TLS_1_2 : LKS_TLS_1_3;
        struct lks_config *client = client_config(NULL, NULL, NULL);
        struct lks_config *server = server_config("ecdsa", NULL, NULL);
        struct loopback l;
        CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, version, version, NULL), LKS_OK);
        loopback_init(&l, client, server, &localhost);
        loopback_turn(&l);
        /* As if the hello had said so. */
        CU_ASSERT_EQUAL(lks_policy_set_signature_schemes(client->policy, "ed25519", NULL), LKS_OK);
        loopback_run(&l);
        LKS_CHECK(l.client.end == LKS_ALERT_ILLEGAL_PARAMETER, "%x: %s", version,
                  lks_status_name(l.client.end));
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* A policy whose schemes are all TLS 1.2's is for TLS 1.2. */
static void schemes_of_tls12(void)
{
    struct lks_config *client = client_config(NULL, NULL, NULL);
    struct lks_config *server = server_config("rsa", NULL, NULL);
    struct lks_error err;
    struct lks_conn *none;
    struct loopback l;
    CU_ASSERT_EQUAL(
        lks_policy_set_signature_schemes(server->policy, "rsa_pkcs1_sha512,rsa_pkcs1_sha256", NULL),
        LKS_OK);
    for (int role = LKS_SERVER; role <= LKS_CLIENT; role++) {
        CU_ASSERT_EQUAL(lks_config_check(server, (enum lks_role)role, &err), LKS_BAD_CONFIG);
        LKS_CHECK(strstr(err.text, "TLS 1.3 is on") == err.text, "%s", err.text);
        CU_ASSERT_EQUAL(lks_conn_new(&none, server, (enum lks_role)role, NULL), LKS_BAD_CONFIG);
    }
    CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                    LKS_OK);
    CU_ASSERT_EQUAL(lks_config_check(server, LKS_SERVER, &err), LKS_OK);
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    LKS_CHECK(l.client.established && l.server.established, "%s", lks_status_name(l.client.end));
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

const struct lks_test agreed_tests[] = {
    {"record size limits", record_size_limits},
    {"names", names},
    {"handshake of many records", handshake_of_many_records},
    {"padding hides lengths", padding_hides_lengths},
    {"record over the limit", record_over_the_limit},
    {"limits of resumed connections", limits_of_resumed_connections},
    {"exporter of both sides", exporter_of_both_sides},
    {"exporter as OpenSSL has it", exporter_as_openssl_has_it},
    {"key log of both sides", key_log_of_both_sides},
    {"signature schemes", signature_schemes},
    {"scheme not offered", scheme_not_offered},
    {"schemes of TLS 1.2", schemes_of_tls12},
    {NULL, NULL},
};
