/* SPDX-License-Identifier: BSD-3-Clause */

/* What a connection says about itself: whose it is, and why it ended. */

#include <string.h>

#include "base/reason.h"
#include "conn/conn.h"
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
    check_reasons("trust", c, s, "lks_config_set_trust()", "unknown_ca");
    c = client_config(NULL, NULL, NULL);
    s = server_config("ecdsa", NULL, NULL);
    lks_config_set_client_auth(s, LKS_CLIENT_AUTH_REQUIRED, false);
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

const struct lks_test about_tests[] = {
    {"a pointer of the application's", a_pointer_of_the_applications},
    {"no connection has no pointer", no_connection_has_no_pointer},
    {"the reason of each side", the_reason_of_each_side},
    {"the reason of a forged record", the_reason_of_a_forged_record},
    {"sentences differ", sentences_differ},
    {NULL, NULL},
};
