/* SPDX-License-Identifier: BSD-3-Clause */

/* What a connection says about itself: whose it is, and why it ended. */

#include <string.h>

#include <lockstep/callbacks.h>

#include "base/reason.h"
#include "conn/conn.h"
#include "handshake/config.h"
#include "test_conn.h"

/* A connection made of another one's keys. */
static struct lks_conn *import(const struct lks_conn *from, struct lks_config *config,
                               enum lks_role role)
{
    struct lks_traffic_keys open, seal;
    struct lks_conn *out = NULL;
    CU_ASSERT_EQUAL_FATAL(lks_conn_export(from, LKS_OPEN, &open), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_conn_export(from, LKS_SEAL, &seal), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_conn_import(&out, config, role, &open, &seal), LKS_OK);
    return out;
}

static void a_pointer_of_the_applications(void)
{
    struct loopback l;
    int ours, theirs;
    struct lks_config *client = client_config(NULL, NULL, NULL),
                      *server = server_config("ecdsa", NULL, NULL);
    loopback_init(&l, client, server, &localhost);
    CU_ASSERT_PTR_NULL(lks_conn_user(l.client.conn));
    lks_conn_set_user(l.client.conn, &ours);
    lks_conn_set_user(l.server.conn, &theirs);
    loopback_run(&l);
    CU_ASSERT_TRUE(lks_conn_user(l.client.conn) == &ours &&
                   lks_conn_user(l.server.conn) == &theirs);

    /* Two connections' ops in one batch: each leads to its own. */
    uint8_t text[5] = "hallo", out[2][64];
    struct lks_span src = {text, sizeof(text)}, dst[] = {{out[0], 64}, {out[1], 64}};
    lks_batch_reset(&l.loop.seal);
    CU_ASSERT_EQUAL(lks_conn_seal(l.client.conn, &src, 1, &dst[0], 1, &l.loop.seal), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_seal(l.server.conn, &src, 1, &dst[1], 1, &l.loop.seal), LKS_OK);
    lks_engine_process(l.loop.engine, l.loop.seal.ops, 2);
    CU_ASSERT_PTR_EQUAL(lks_op_user(&l.loop.seal.ops[0]), &ours);
    CU_ASSERT_PTR_EQUAL(lks_op_user(&l.loop.seal.ops[1]), &theirs);
    CU_ASSERT_EQUAL(lks_conn_sealed(l.client.conn, &l.loop.seal.ops[0]), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_sealed(l.server.conn, &l.loop.seal.ops[1]), LKS_OK);
    dst[0].len = l.loop.seal.ops[0].len;
    lks_batch_reset(&l.loop.open);
    size_t taken;
    CU_ASSERT_EQUAL(lks_conn_open(l.server.conn, &dst[0], 1, &l.loop.open, &taken, NULL), LKS_OK);
    lks_engine_process(l.loop.engine, l.loop.open.ops, 1);
    CU_ASSERT_PTR_EQUAL(lks_op_user(&l.loop.open.ops[0]), &theirs);
    enum lks_event event;
    CU_ASSERT_EQUAL(lks_conn_opened(l.server.conn, &l.loop.open.ops[0], &event), LKS_OK);

    struct lks_conn *other = import(l.client.conn, client, LKS_CLIENT);
    CU_ASSERT_PTR_NULL(lks_conn_user(other)); /* the keys went on, and not who had them */
    lks_conn_set_user(other, &theirs);
    CU_ASSERT_PTR_EQUAL(lks_conn_user(other), &theirs);
    lks_conn_free(other);
    lks_conn_close(l.client.conn);
    loopback_run(&l);
    CU_ASSERT_PTR_EQUAL(lks_conn_user(l.client.conn), &ours);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

static void no_connection_has_no_pointer(void)
{
    struct lks_op op = LKS_OP_NOT_RUN;
    lks_conn_set_user(NULL, &op);
    CU_ASSERT_PTR_NULL(lks_conn_user(NULL));
    CU_ASSERT_PTR_NULL(lks_op_user(NULL));
    CU_ASSERT_PTR_NULL(lks_op_user(&op));
    CU_ASSERT_STRING_EQUAL(lks_conn_reason(NULL), "");
}

/* Runs a handshake that fails; the sentences of both sides. */
static void check_reasons(const char *what, struct lks_config *client, struct lks_config *server,
                          const char *of_client, const char *of_server)
{
    struct loopback l;
    loopback_init(&l, client, server, &localhost);
    CU_ASSERT_STRING_EQUAL(lks_conn_reason(l.client.conn), "");
    loopback_run(&l);
    LKS_CHECK(strstr(lks_conn_reason(l.client.conn), of_client), "%s, client: %s", what,
              lks_conn_reason(l.client.conn));
    LKS_CHECK(strstr(lks_conn_reason(l.server.conn), of_server), "%s, server: %s", what,
              lks_conn_reason(l.server.conn));
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

/* One alert, several causes: handshake_failure and unknown_ca, and what the peer makes of them. */
static void the_reason_of_each_side(void)
{
    struct lks_config *c = client_config("TLS_AES_128_GCM_SHA256", NULL, NULL),
                      *s = server_config("ecdsa", NULL, NULL);
    set_suites(s, "TLS_AES_256_GCM_SHA384");
    check_reasons("suites", c, s, "handshake_failure", "no cipher suite in common");
    c = client_config(NULL, "x25519", NULL);
    s = server_config("ecdsa", "secp256r1", NULL);
    check_reasons("groups", c, s, "handshake_failure", "no key exchange group in common");
    c = client_config(NULL, NULL, "h2");
    s = server_config("ecdsa", NULL, "http/1.1");
    check_reasons("ALPN", c, s, "no_application_protocol", "no application protocol (ALPN)");
    c = config_with("ecdsa");
    s = server_config("ecdsa", NULL, NULL);
    check_reasons("trust", c, s, "lks_policy_set_trust()", "unknown_ca");
    c = client_config(NULL, NULL, NULL);
    s = server_config("ecdsa", NULL, NULL);
    CU_ASSERT_EQUAL(lks_policy_set_client_auth(s->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL),
                    LKS_OK);
    check_reasons("client's certificate", c, s, "certificate_required",
                  "the client showed no certificate");
}

/* What is behind the handshake has reasons, too; closing is none. */
static void the_reason_of_a_forged_record(void)
{
    static const uint8_t forged[5 + 32] = {23, 3, 3, 0, 32};
    struct pair p;
    pair_establish(&p);
    pair_inject(&p, forged, sizeof(forged));
    CU_ASSERT_EQUAL(lks_conn_status(p.side.conn), LKS_BAD_TAG);
    CU_ASSERT_PTR_NOT_NULL(strstr(lks_conn_reason(p.side.conn), "changed on its way"));
    pair_free(&p);
    pair_establish(&p);
    lks_conn_close(p.side.conn);
    pair_exchange(&p);
    CU_ASSERT_TRUE(lks_conn_close_sent(p.side.conn));
    CU_ASSERT_STRING_EQUAL(lks_conn_reason(p.side.conn), "");
    pair_free(&p);
    pair_init(&p, NULL, NULL);
    pair_inject(&p, "GET / HTTP/1.1\r\n\r\n", 18);
    CU_ASSERT_PTR_NOT_NULL(strstr(lks_conn_reason(p.side.conn), "may not be TLS at all"));
    pair_free(&p);
}

/* Each has a sentence of its own, for a line of a log; each alert that a peer may send, too. */
static void sentences_differ(void)
{
    for (unsigned int i = 1; i < LKS_NUM_REASONS; i++) {
        const char *text = lks_reason_text((enum lks_reason)i);
        LKS_CHECK(strlen(text) > 15 && text[strlen(text) - 1] != '.' && !strchr(text, '\n'), "%s",
                  text);
        for (unsigned int k = 1; k < i; k++)
            LKS_CHECK(strcmp(text, lks_reason_text((enum lks_reason)k)), "%s", text);
    }
    CU_ASSERT_STRING_EQUAL(lks_reason_text(LKS_WHY_NONE), "");
    CU_ASSERT_STRING_EQUAL(lks_reason_text(LKS_NUM_REASONS), "");
    for (unsigned int status = LKS_ALERT_BASE; status < LKS_ALERT_BASE + 256; status++) {
        const char *name = lks_status_name((enum lks_status)status);
        const char *text = lks_reason_of_peer_alert((uint8_t)status);
        if (strcmp(name, "unknown"))
            LKS_CHECK(strstr(text, name + strlen("alert_")), "%s: %s", name, text);
        else
            CU_ASSERT_TRUE(strlen(text) > 15);
    }
}

/* A client with a certificate, and a server that wants one; both keep what keep says. */
static void mutual_configs(struct lks_config **client, struct lks_config **server,
                           enum lks_version version, enum lks_keep keep)
{
    const struct test_certificates *files = test_certificates();
    struct lks_error err;
    *client = client_config(NULL, NULL, NULL);
    *server = server_config("ecdsa", NULL, NULL);
    LKS_CHECK(!lks_identities_add_certificate((*client)->identities, lks_from_file(files->rsa_cert),
                                              lks_from_file(files->rsa_key), &err),
              "%s", err.text);
    LKS_CHECK(!lks_policy_set_trust((*server)->policy, lks_from_file(files->both_certs), &err),
              "%s", err.text);
    CU_ASSERT_EQUAL(
        lks_policy_set_client_auth((*server)->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL),
        LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_versions((*client)->policy, version, version, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_keep((*client)->policy, keep, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_keep((*server)->policy, keep, NULL), LKS_OK);
}

static bool same_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    return a && b && a_len == b_len && !memcmp(a, b, a_len);
}

/* Of one side: its own certificate is the one that the other side has at the front of its chain. */
static void check_shown(const struct lks_conn *conn, const struct lks_conn *other)
{
    size_t own_len, seen_len, none_len = 1;
    const uint8_t *own = lks_conn_own_certificate(conn, &own_len);
    const uint8_t *seen = lks_conn_peer_chain(other, 0, &seen_len);
    CU_ASSERT_TRUE(same_bytes(own, own_len, seen, seen_len));
    CU_ASSERT_PTR_NULL(lks_conn_peer_chain(other, 1, &none_len)); /* it is trusted itself */
    CU_ASSERT_EQUAL(none_len, 0);
    CU_ASSERT_STRING_EQUAL(lks_conn_server_name(conn), "localhost");
    CU_ASSERT_PTR_NOT_NULL_FATAL(lks_conn_peer_name(conn, LKS_NAME_DNS, 0));
    CU_ASSERT_STRING_EQUAL(lks_conn_peer_name(conn, LKS_NAME_DNS, 0), "localhost");
    CU_ASSERT_PTR_NULL(lks_conn_peer_name(conn, LKS_NAME_DNS, 99));
    CU_ASSERT_STRING_EQUAL(lks_conn_peer_name(conn, LKS_NAME_COMMON, 0), "localhost");
    CU_ASSERT_PTR_NOT_NULL(strstr(lks_conn_peer_name(conn, LKS_NAME_SUBJECT, 0), "CN=localhost"));
    CU_ASSERT_STRING_EQUAL(lks_conn_peer_name(conn, LKS_NAME_SUBJECT, 0),
                           lks_conn_peer_name(conn, LKS_NAME_ISSUER, 0));
    CU_ASSERT_PTR_NULL(lks_conn_peer_name(conn, LKS_NAME_EMAIL, 0));
    CU_ASSERT_PTR_NULL(lks_conn_peer_name(conn, (enum lks_name_kind)99, 0));
}

/* Nothing that was to be kept. */
static void check_kept_nothing(const struct lks_conn *conn)
{
    size_t len[3] = {1, 1, 1};
    CU_ASSERT_STRING_EQUAL(lks_conn_server_name(conn), "");
    CU_ASSERT_PTR_NULL(lks_conn_own_certificate(conn, &len[0]));
    CU_ASSERT_PTR_NULL(lks_conn_psk_identity(conn, &len[1]));
    CU_ASSERT_PTR_NULL(lks_conn_peer_chain(conn, 0, &len[2]));
    CU_ASSERT_TRUE(!len[0] && !len[1] && !len[2]);
    CU_ASSERT_PTR_NULL(lks_conn_peer_name(conn, LKS_NAME_SUBJECT, 0));
    CU_ASSERT_EQUAL(lks_conn_signature_scheme(conn, LKS_SERVER), 0);
    CU_ASSERT_EQUAL(lks_conn_signature_scheme(conn, LKS_CLIENT), 0);
}

static void both_sides_know_each_other(void)
{
    for (unsigned int version = LKS_TLS_1_2; version <= LKS_TLS_1_3; version++) {
        struct lks_config *client, *server;
        struct loopback l;
        mutual_configs(&client, &server, (enum lks_version)version, LKS_KEEP_CHAIN);
        loopback_init(&l, client, server, &localhost);
        check_kept_nothing(l.server.conn); /* nothing came yet */
        loopback_run(&l);
        CU_ASSERT_TRUE_FATAL(l.client.established && l.server.established);
        loopback_echo(&l, 1000);
        lks_conn_close(l.client.conn);
        lks_conn_close(l.server.conn);
        loopback_run(&l);
        check_shown(l.client.conn, l.server.conn);
        check_shown(l.server.conn, l.client.conn);
        const uint16_t ecdsa = lks_conn_signature_scheme(l.client.conn, LKS_SERVER);
        const uint16_t rsa = lks_conn_signature_scheme(l.client.conn, LKS_CLIENT);
        LKS_CHECK(ecdsa == 0x0403 && rsa >= 0x0401 && rsa != ecdsa, "%#x %#x", ecdsa, rsa);
        CU_ASSERT_EQUAL(lks_conn_signature_scheme(l.server.conn, LKS_SERVER), ecdsa);
        CU_ASSERT_EQUAL(lks_conn_signature_scheme(l.server.conn, LKS_CLIENT), rsa);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* LKS_KEEP_NAMES is all but the chain; without it nothing stays, nor goes on with the keys. */
static void what_is_kept(void)
{
    static const enum lks_keep levels[] = {LKS_KEEP_NOTHING, LKS_KEEP_NAMES};
    for (size_t i = 0; i < 2; i++) {
        struct lks_config *client, *server;
        struct loopback l;
        size_t len;
        mutual_configs(&client, &server, LKS_TLS_1_3, levels[i]);
        loopback_init(&l, client, server, &localhost);
        CU_ASSERT_STRING_EQUAL(lks_conn_server_name(l.client.conn), "localhost");
        loopback_run(&l);
        loopback_echo(&l, 10);
        CU_ASSERT_PTR_NULL(lks_conn_peer_chain(l.server.conn, 0, &len));
        if (levels[i] == LKS_KEEP_NAMES) {
            CU_ASSERT_STRING_EQUAL(lks_conn_server_name(l.server.conn), "localhost");
            CU_ASSERT_PTR_NOT_NULL(lks_conn_peer_name(l.server.conn, LKS_NAME_SUBJECT, 0));
        } else {
            check_kept_nothing(l.client.conn);
            check_kept_nothing(l.server.conn);
        }
        struct lks_conn *imported = import(l.client.conn, client, LKS_CLIENT);
        check_kept_nothing(imported);
        lks_conn_free(imported);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
    check_kept_nothing(NULL);
}

/* A log wants to know for whom it was, where it fails, too. */
static void a_failed_handshake_has_a_name(void)
{
    struct loopback l;
    struct lks_config *client = client_config(NULL, "x25519", NULL),
                      *server = server_config("ecdsa", "secp256r1", NULL);
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    CU_ASSERT_TRUE(l.server.end != LKS_OK);
    CU_ASSERT_STRING_EQUAL(lks_conn_server_name(l.server.conn), "localhost");
    CU_ASSERT_EQUAL(lks_conn_sent_alert(l.server.conn), 40);
    CU_ASSERT_EQUAL(lks_conn_sent_alert(l.client.conn), 0xff);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

static void whose_pre_shared_key(void)
{
    static const uint8_t key[32] = {7};
    struct loopback l;
    size_t len;
    struct lks_config *client = client_config(NULL, NULL, NULL),
                      *server = server_config("ecdsa", NULL, NULL);
    struct lks_config *const both[] = {client, server};
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(lks_identities_add_psk(both[i]->identities,
                                               (const uint8_t *)"sensor\0"
                                                                "7",
                                               8, key, 32, "SHA256", NULL),
                        LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_keep(both[i]->policy, LKS_KEEP_NAMES, NULL), LKS_OK);
    }
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    loopback_echo(&l, 10);
    const struct lks_conn *const sides[] = {l.client.conn, l.server.conn};
    for (size_t i = 0; i < 2; i++) {
        const uint8_t *identity = lks_conn_psk_identity(sides[i], &len);
        CU_ASSERT_TRUE(same_bytes(identity, len,
                                  (const uint8_t *)"sensor\0"
                                                   "7",
                                  8));
        CU_ASSERT_PTR_NULL(lks_conn_own_certificate(sides[i], &len));
        CU_ASSERT_EQUAL(lks_conn_signature_scheme(sides[i], LKS_SERVER), 0);
    }
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

static void counts_and_alerts(void)
{
    struct lks_conn_counts counts, other;
    struct pair p;
    pair_establish(&p);
    lks_conn_get_counts(p.side.conn, &counts);
    CU_ASSERT_TRUE(!counts.records_opened && !counts.bytes_sealed && !counts.records_sealed);
    p.side.record_max = 1000;
    pair_echo(&p, 5500);
    CU_ASSERT_EQUAL(lks_conn_update_key(p.side.conn, true), LKS_OK); /* no data of ours */
    pair_echo(&p, 5500);
    lks_conn_get_counts(p.side.conn, &counts);
    CU_ASSERT_EQUAL(counts.bytes_opened, 11000);
    CU_ASSERT_EQUAL(counts.bytes_sealed, 11000);
    CU_ASSERT_EQUAL(counts.records_sealed, 12);
    CU_ASSERT_TRUE(counts.records_opened >= 2 && counts.records_opened < 12);
    struct lks_conn *imported = import(p.side.conn, p.config, LKS_SERVER);
    lks_conn_get_counts(imported, &other);
    CU_ASSERT_TRUE(!other.bytes_opened && !other.records_opened && !other.bytes_sealed);
    CU_ASSERT_EQUAL(lks_conn_sent_alert(imported), 0xff);
    lks_conn_free(imported);
    CU_ASSERT_EQUAL(lks_conn_sent_alert(p.side.conn), 0xff);
    lks_conn_close(p.side.conn);
    CU_ASSERT_EQUAL(lks_conn_sent_alert(p.side.conn), 0xff); /* only queued */
    pair_exchange(&p);
    CU_ASSERT_EQUAL(lks_conn_sent_alert(p.side.conn), 0);
    lks_conn_get_counts(p.side.conn, &other);
    CU_ASSERT_EQUAL(memcmp(&other, &counts, sizeof(counts)), 0); /* alerts are no data */
    pair_free(&p);
    memset(&counts, 1, sizeof(counts));
    lks_conn_get_counts(NULL, &counts);
    CU_ASSERT_TRUE(!counts.bytes_opened && !counts.records_opened && !counts.bytes_sealed);
    CU_ASSERT_EQUAL(lks_conn_sent_alert(NULL), 0xff);
    CU_ASSERT_EQUAL(lks_conn_early_data_left(NULL), 0);
}

/* The newest session of sends_half_rtt()'s client, offered to the next server. */
static uint8_t session[LKS_SESSION_MAX];
static size_t session_len;

/* Whether the server's data leave with its first flight. */
static bool sends_half_rtt(struct lks_config *client, struct lks_config *server, bool allowed)
{
    struct loopback l;
    const struct lks_conn_options options = {.server_name = "localhost",
                                             .session = session_len ? session : NULL,
                                             .session_len = session_len};
    loopback_init(&l, client, server, &options);
    buffer_add(&l.server.to_send, "hello", 5);
    CU_ASSERT_FALSE(lks_conn_can_seal(l.server.conn));
    if (allowed)
        CU_ASSERT_EQUAL(lks_conn_allow_half_rtt(l.server.conn), LKS_OK);
    CU_ASSERT_FALSE(lks_conn_can_seal(l.server.conn)); /* nothing came yet */
    while (!l.server.wire_out.len && !l.server.established && !l.client.wire_in.len)
        loopback_turn(&l);
    const bool went = !l.server.established && !l.server.to_send.len;
    loopback_run(&l);
    CU_ASSERT_TRUE(l.client.established && l.server.established);
    CU_ASSERT_TRUE(l.client.received.len == 5 && !memcmp(l.client.received.data, "hello", 5));
    loopback_echo(&l, 3000);
    CU_ASSERT_EQUAL(lks_conn_allow_half_rtt(l.server.conn), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_conn_allow_half_rtt(l.client.conn), LKS_BAD_ARGUMENT);
    struct lks_conn_info info;
    lks_conn_get_info(l.server.conn, &info);
    CU_ASSERT_EQUAL(info.resumed, session_len != 0);
    session_len = l.client.session_len;
    memcpy(session, l.client.session, session_len);
    loopback_free(&l);
    return went;
}

/* RFC 8446 section 4.4.4: behind its own Finished, with the keys for application data. */
static void data_of_a_server_before_the_clients_finished(void)
{
    struct lks_config *client = client_config(NULL, NULL, NULL),
                      *server = server_config("ecdsa", NULL, NULL);
    session_len = 0;
    CU_ASSERT_TRUE(sends_half_rtt(client, server, true));
    CU_ASSERT_TRUE(sends_half_rtt(client, server, true)); /* resumed, too */
    CU_ASSERT_FALSE(sends_half_rtt(client, server, false));
    session_len = 0;
    CU_ASSERT_EQUAL(lks_policy_set_versions(client->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                    LKS_OK);
    CU_ASSERT_FALSE(sends_half_rtt(client, server, true));
    CU_ASSERT_FALSE(sends_half_rtt(client, server, true)); /* though its Finished goes first */
    lks_config_free(client);
    lks_config_free(server);
    CU_ASSERT_EQUAL(lks_conn_allow_half_rtt(NULL), LKS_BAD_ARGUMENT);
    struct pair p;
    pair_init(&p, NULL, NULL);
    pair_inject(&p, "GET / HTTP/1.1\r\n\r\n", 18);
    CU_ASSERT_EQUAL(lks_conn_allow_half_rtt(p.side.conn), lks_conn_status(p.side.conn));
    pair_free(&p);
    pair_establish(&p);
    struct lks_conn *imported = import(p.side.conn, p.config, LKS_SERVER);
    CU_ASSERT_EQUAL(lks_conn_allow_half_rtt(imported), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_conn_early_data_left(imported), 0);
    lks_conn_free(imported);
    pair_free(&p);
}

#define EARLY_MAX 2000u

/* A client has room for so much, and its server answers before anything else of it has come. */
static void early_data_and_their_answer(void)
{
    struct loopback l;
    struct lks_config *client = client_config(NULL, NULL, NULL),
                      *server = server_config("ecdsa", NULL, NULL);
    CU_ASSERT_EQUAL(set_early_data(server, EARLY_MAX, 10000, 64), LKS_OK);
    session_len = 0;
    CU_ASSERT_FALSE(sends_half_rtt(client, server, false));
    const struct lks_conn_options options = {.server_name = "localhost",
                                             .session = session,
                                             .session_len = session_len,
                                             .early_data = true};
    loopback_init(&l, client, server, &options);
    CU_ASSERT_EQUAL(lks_conn_allow_half_rtt(l.server.conn), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_early_data_left(l.client.conn), EARLY_MAX);
    buffer_add(&l.client.to_send, "question", 8);
    loopback_turn(&l);
    CU_ASSERT_EQUAL(lks_conn_early_data_left(l.client.conn), EARLY_MAX - 8);
    buffer_add(&l.server.to_send, "answer", 6);
    for (int i = 0; i < 10 && !l.client.received.len; i++) {
        CU_ASSERT_FALSE(l.server.established);
        loopback_turn(&l);
    }
    CU_ASSERT_TRUE(l.client.received.len == 6 && l.server.received_early.len == 8);
    loopback_run(&l);
    CU_ASSERT_TRUE(l.client.established && l.server.established);
    CU_ASSERT_EQUAL(lks_conn_early_data_left(l.client.conn), 0);
    CU_ASSERT_EQUAL(lks_conn_early_data_left(l.server.conn), 0);
    struct lks_conn_counts counts;
    lks_conn_get_counts(l.server.conn, &counts);
    CU_ASSERT_TRUE(counts.records_opened == 1 && counts.bytes_opened == 8);
    CU_ASSERT_TRUE(counts.records_sealed == 1 && counts.bytes_sealed == 6);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

/* A hello's callback: whatever came, this configuration. */
static void choose(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    (void)conn;
    CU_ASSERT_EQUAL(lks_answer_hello(ask, user, NULL), LKS_OK);
    lks_ask_free(ask);
}

static void no_data_before_the_client_is_known(void)
{
    struct lks_config *client, *server, *first = server_config("ecdsa", NULL, NULL);
    struct lks_conn *conn;
    mutual_configs(&client, &server, LKS_TLS_1_3, LKS_KEEP_NOTHING);
    CU_ASSERT_EQUAL_FATAL(lks_conn_new(&conn, server, LKS_SERVER, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_allow_half_rtt(conn), LKS_UNSUPPORTED);
    lks_conn_free(conn);
    session_len = 0;
    CU_ASSERT_FALSE(sends_half_rtt(client, server, false));
    /* Nor where it was allowed, and a configuration that asks was chosen behind that. */
    CU_ASSERT_EQUAL(lks_policy_set_hello(first->policy, choose, server, NULL), LKS_OK);
    session_len = 0;
    CU_ASSERT_FALSE(sends_half_rtt(client, first, true));
    CU_ASSERT_FALSE(sends_half_rtt(client, first, true)); /* resumed, too */
    CU_ASSERT_EQUAL(lks_policy_set_client_auth(server->policy, LKS_CLIENT_AUTH_OFF, false, NULL),
                    LKS_OK);
    session_len = 0;
    CU_ASSERT_TRUE(sends_half_rtt(client, first, true));
    lks_config_free(client);
    lks_config_free(server);
    lks_config_free(first);
}

/* What a server's messages have of RFC 8701, by HandshakeType. */
static unsigned int num_greased[256];

static void look_for_grease(void *user, struct lks_writer *w, size_t begin)
{
    const uint8_t type = w->data[begin];
    struct lks_reader in = lks_reader_of(w->data + begin + 4, w->len - begin - 4), skipped, list;
    uint64_t times;
    uint16_t extension;
    (void)user;
    if (type == 4 && (!lks_read_uint(&in, &times, 8) || !lks_read_vec8(&in, &skipped) ||
                      !lks_read_vec16(&in, &skipped)))
        return;
    if (type == 13 && !lks_read_vec8(&in, &skipped))
        return;
    if ((type != 4 && type != 13) || !lks_read_vec16(&in, &list))
        return;
    while (lks_read_u16(&list, &extension) && lks_read_vec16(&list, &skipped))
        num_greased[type] += (extension & 0x0f0f) == 0x0a0a && extension >> 8 == (extension & 0xff);
}

/* RFC 8701 section 4: in tickets and requests; a client does as if they were not there. */
static void a_servers_grease(void)
{
    static const struct lks_hooks hooks = {.message = look_for_grease};
    for (int on = 0; on < 2; on++) {
        struct lks_config *client, *server;
        struct loopback l;
        memset(num_greased, 0, sizeof(num_greased));
        mutual_configs(&client, &server, LKS_TLS_1_3, LKS_KEEP_NOTHING);
        for (int mutual = 0; mutual < 2; mutual++) {
            CU_ASSERT_EQUAL(
                lks_policy_set_client_auth(server->policy,
                                           mutual ? LKS_CLIENT_AUTH_REQUIRED : LKS_CLIENT_AUTH_OFF,
                                           false, NULL),
                LKS_OK);
            CU_ASSERT_EQUAL(lks_policy_set_grease(server->policy, on, NULL), LKS_OK);
            server->policy->hooks = &hooks;
            loopback_init(&l, client, server, &localhost);
            loopback_run(&l);
            CU_ASSERT_TRUE(l.client.established && l.server.established);
            CU_ASSERT_TRUE(l.client.session_len != 0);
            loopback_free(&l);
        }
        CU_ASSERT_EQUAL(num_greased[4], on ? 4 : 0); /* one a ticket */
        CU_ASSERT_EQUAL(num_greased[13], on ? 1 : 0);
        lks_config_free(client);
        lks_config_free(server);
    }
}

const struct lks_test about_tests[] = {
    {"a pointer of the application's", a_pointer_of_the_applications},
    {"no connection has no pointer", no_connection_has_no_pointer},
    {"the reason of each side", the_reason_of_each_side},
    {"the reason of a forged record", the_reason_of_a_forged_record},
    {"sentences differ", sentences_differ},
    {"both sides know each other", both_sides_know_each_other},
    {"what is kept", what_is_kept},
    {"a failed handshake has a name", a_failed_handshake_has_a_name},
    {"whose pre-shared key", whose_pre_shared_key},
    {"counts and alerts", counts_and_alerts},
    {"data of a server before the client's Finished", data_of_a_server_before_the_clients_finished},
    {"early data and their answer", early_data_and_their_answer},
    {"no data before the client is known", no_data_before_the_client_is_known},
    {"a server's GREASE", a_servers_grease},
    {NULL, NULL},
};
