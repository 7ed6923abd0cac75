/* SPDX-License-Identifier: BSD-3-Clause */

/* What else connections ask and tell, <lockstep/callbacks.h>: ClientHello, the peer's certificates,
 * time, key log. Mostly with OpenSSL at the other end. */

#include <stdlib.h>
#include <string.h>

#include "asked.h"
#include "conn/conn.h"
#include "handshake/config.h"
#include "handshake/ja4.h"

/* A callback that keeps its question, or (at_once) answers by what the test put here. */
static struct {
    struct asked a;
    struct lks_config *config;
    enum lks_status refusal; /* LKS_OK: yes */
    uint64_t until_ms;
} app;

static enum lks_status answer(struct lks_ask *ask, enum lks_event *event)
{
    if (app.refusal)
        return lks_answer_failure(ask, app.refusal, event);
    return lks_ask_hello(ask) ? lks_answer_hello(ask, app.config, event)
                              : lks_answer_peer(ask, app.until_ms, event);
}

static void on_ask(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    CU_ASSERT_PTR_EQUAL(user, &app);
    CU_ASSERT_PTR_EQUAL(lks_ask_conn(ask), conn);
    app.a.num++;
    if (app.a.within)
        app.a.within(&app.a, ask);
    CU_ASSERT_PTR_NULL(app.a.ask);
    if (!app.a.at_once) {
        app.a.ask = ask;
        return;
    }
    CU_ASSERT_EQUAL(answer(ask, NULL), LKS_OK);
    lks_ask_free(ask);
}

static bool answer_later(struct side *s)
{
    struct lks_ask *ask = app.a.ask;
    enum lks_event event;
    if (!ask)
        return false;
    app.a.ask = NULL;
    enum lks_status status = answer(ask, &event);
    lks_ask_free(ask);
    if (status)
        s->end = status;
    s->established |= event == LKS_EVENT_ESTABLISHED;
    return true;
}

static void app_begin(bool at_once)
{
    memset(&app, 0, sizeof(app));
    app.until_ms = UINT64_MAX;
    app.a.at_once = at_once;
}

static void pair_run(struct poll_loop *loop, struct side *side, struct client *peer)
{
    do
        exchange(loop, side, peer);
    while (answer_later(side));
}

static bool has(const uint16_t *list, size_t num, uint16_t wanted)
{
    while (num && list[num - 1] != wanted)
        num--;
    return num;
}

static void look_at_hello(struct asked *a, struct lks_ask *ask)
{
    const struct lks_hello *h = lks_ask_hello(ask);
    (void)a;
    CU_ASSERT_STRING_EQUAL(h->server_name, "localhost");
    CU_ASSERT_TRUE(h->alpn_len == 3 && !memcmp(h->alpn, "\2h2", 3));
    CU_ASSERT_TRUE(has(h->versions, h->num_versions, LKS_TLS_1_2));
    CU_ASSERT_TRUE(has(h->suites, h->num_suites, 0xc02b));
    CU_ASSERT_TRUE(has(h->groups, h->num_groups, 0x001d));
    CU_ASSERT_TRUE(has(h->schemes, h->num_schemes, 0x0403));
    LKS_CHECK(h->ja4[0] == 't' && h->ja4[3] == 'd' && !strncmp(h->ja4 + 8, "h2_", 3) &&
                  strlen(h->ja4) == LKS_JA4_LEN,
              "%s", h->ja4);
    CU_ASSERT_TRUE(h->message_len > 100 && h->message[0] == 3 && h->message[1] == 3);
}

/* By its hello a client gets another certificate and protocol, at once or later, after a
 * HelloRetryRequest, too, for which nobody is asked again. */
static void hello_chooses(void)
{
    for (unsigned int bits = 0; bits < 8; bits++) {
        const bool tls12 = bits & 2, retried = bits & 4;
        struct lks_config *first = asked_config("ecdsa", false, NULL);
        struct client_options options = {.max_version = tls12 ? TLS1_2_VERSION : TLS1_3_VERSION,
                                         .server_name = "localhost",
                                         .alpn = "\2h2"};
        struct poll_loop loop;
        struct side side;
        struct client peer;
        const unsigned char *alpn;
        unsigned int alpn_len;
        struct lks_conn_info info;
        app_begin(bits & 1);
        app.a.within = look_at_hello;
        app.config = asked_config("rsa", false, NULL);
        CU_ASSERT_EQUAL(lks_policy_set_hello(first->policy, on_ask, &app, NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_alpn(app.config->policy, "http/1.1,h2", NULL), LKS_OK);
        CU_ASSERT_EQUAL(
            lks_policy_set_groups(app.config->policy, retried ? "secp384r1" : "x25519", NULL),
            LKS_OK);
        loop_init(&loop, 64, 8192);
        side_init(&side, first);
        lks_config_free(first);
        client_init(&peer, &options);
        pair_run(&loop, &side, &peer);
        LKS_CHECK(side.established && SSL_is_init_finished(peer.ssl), "%u: %s", bits,
                  lks_conn_reason(side.conn));
        CU_ASSERT_EQUAL(app.a.num, 1);
        X509 *x = SSL_get1_peer_certificate(peer.ssl);
        CU_ASSERT_TRUE(x && EVP_PKEY_is_a(X509_get0_pubkey(x), "RSA"));
        X509_free(x);
        SSL_get0_alpn_selected(peer.ssl, &alpn, &alpn_len);
        CU_ASSERT_TRUE(alpn_len == 2 && !memcmp(alpn, "h2", 2));
        lks_conn_get_info(side.conn, &info);
        CU_ASSERT_STRING_EQUAL(info.alpn, "h2");
        CU_ASSERT_EQUAL(info.hello_retried, retried && !tls12);
        lks_config_free(app.config);
        buffer_add(&side.to_send, "ours", 4);
        exchange(&loop, &side, &peer);
        CU_ASSERT_EQUAL(peer.received.len, 4);
        client_free(&peer);
        side_free(&side);
        loop_free(&loop);
    }
}

/* Refused with the alert that was named; answers that are none leave the question open. */
static void hello_refused(void)
{
    for (int at_once = 0; at_once < 2; at_once++) {
        struct lks_config *server = asked_config("ecdsa", false, NULL);
        struct lks_config *client = asked_config("", false, NULL),
                          *bare = asked_config("", false, NULL);
        struct loopback l;
        app_begin(at_once);
        app.refusal = LKS_ALERT_ACCESS_DENIED;
        CU_ASSERT_EQUAL(lks_policy_set_hello(server->policy, on_ask, &app, NULL), LKS_OK);
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        if (!at_once) {
            CU_ASSERT_EQUAL(lks_answer_hello(app.a.ask, bare, NULL), LKS_BAD_CONFIG);
            CU_ASSERT_EQUAL(lks_answer_peer(app.a.ask, 0, NULL), LKS_BAD_ARGUMENT);
            CU_ASSERT_EQUAL(lks_answer_signature(app.a.ask, NULL, 0, NULL), LKS_BAD_ARGUMENT);
            CU_ASSERT_TRUE(answer_later(&l.server));
            loopback_run(&l);
        }
        CU_ASSERT_EQUAL(l.server.end, LKS_ALERT_ACCESS_DENIED);
        CU_ASSERT_PTR_NOT_NULL(strstr(lks_conn_reason(l.server.conn), "does not want"));
        CU_ASSERT_EQUAL(l.client.end, LKS_PEER_ALERT);
        loopback_free(&l);
        lks_config_free(server);
        lks_config_free(client);
        lks_config_free(bare);
    }
}

static bool answer_both(struct loopback *l)
{
    const bool client = answer_later(&l->client), server = answer_later(&l->server);
    return client || server;
}

static bool resumes(struct lks_config *client, struct lks_config *server, uint8_t *session,
                    size_t *len)
{
    return loopback_visit(client, server, &localhost, session, len, answer_both);
}

/* What is resumed is decided under the configuration that was chosen: its memory opens tickets. */
static void hello_and_sessions(void)
{
    uint8_t session[LKS_SESSION_MAX];
    size_t len = 0;
    struct lks_config *client = asked_config("", false, NULL);
    struct lks_config *server = asked_config("ecdsa", false, NULL);
    struct lks_config *a = asked_config("ecdsa", false, NULL);
    struct lks_config *b = asked_config("ecdsa", false, NULL);
    app_begin(false);
    CU_ASSERT_EQUAL(lks_policy_set_hello(server->policy, on_ask, &app, NULL), LKS_OK);
    app.config = a;
    CU_ASSERT_FALSE(resumes(client, server, session, &len));
    CU_ASSERT_TRUE(resumes(client, server, session, &len));
    app.config = b;
    CU_ASSERT_FALSE(resumes(client, server, session, &len));
    CU_ASSERT_TRUE(resumes(client, server, session, &len));
    app.config = NULL;
    CU_ASSERT_FALSE(resumes(client, server, session, &len));
    lks_config_free(client);
    lks_config_free(server);
    lks_config_free(a);
    lks_config_free(b);
}

static void put_u16(struct lks_writer *w, const uint16_t *list, size_t num, unsigned int prefix)
{
    size_t at = lks_write_open(w, prefix);
    for (size_t i = 0; i < num; i++)
        lks_write_u16(w, list[i]);
    lks_write_close(w, at, prefix);
}

/* The example of JA4's own description: a browser's hello. */
static void ja4(void)
{
    static const uint16_t suites[] = {0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f,
                                      0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
                                      0x009c, 0x009d, 0x002f, 0x0035};
    static const uint16_t extensions[] = {0x5a5a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469,
                                          0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
                                          0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0xeaea};
    static const uint16_t schemes[] = {0x0403, 0x0804, 0x0401, 0x0503,
                                       0x0805, 0x0501, 0x0806, 0x0601};
    uint8_t bytes[1024];
    char out[LKS_JA4_LEN + 1];
    struct lks_client_hello h = {.legacy_version = 0x0303, .has_versions = true};
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    const uint8_t zeros[34] = {3, 3};
    lks_write_bytes(&w, zeros, 34);
    lks_write_u8(&w, 0);
    const size_t at_suites = w.len + 2;
    put_u16(&w, suites, 16, 2);
    lks_write_u16(&w, 0x0100);
    const size_t list = lks_write_open(&w, 2);
    for (size_t i = 0; i < 18; i++) {
        lks_write_u16(&w, extensions[i]);
        lks_write_u16(&w, 0);
    }
    lks_write_close(&w, list, 2);
    const struct lks_reader body = lks_reader_of(bytes, w.len);
    const size_t at = w.len;
    put_u16(&w, schemes, 8, 2);
    h.suites = lks_reader_of(bytes + at_suites, 32);
    h.schemes = lks_reader_of(bytes + at + 2, 16);
    h.versions = lks_reader_of((const uint8_t *)"\x2a\x2a\x03\x04\x03\x03", 6);
    h.alpn = lks_reader_of((const uint8_t *)"\2h2\10http/1.1", 12);
    h.server_name = lks_reader_of((const uint8_t *)"x", 1);
    CU_ASSERT_EQUAL(lks_ja4(out, &h, body), LKS_OK);
    CU_ASSERT_STRING_EQUAL(out, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    struct lks_client_hello none = {.legacy_version = 0x0302};
    CU_ASSERT_EQUAL(lks_ja4(out, &none, lks_reader_of(bytes, 0)), LKS_OK);
    CU_ASSERT_STRING_EQUAL(out, "t11i000000_000000000000_000000000000");
}

static void look_at_peer(struct asked *a, struct lks_ask *ask)
{
    size_t len;
    (void)a;
    CU_ASSERT_TRUE(lks_ask_peer_chain(ask, 0, &len) && len > 200);
    CU_ASSERT_PTR_NULL(lks_ask_peer_chain(ask, 9, &len));
    CU_ASSERT_STRING_EQUAL(lks_ask_peer_name(ask), "localhost");
    CU_ASSERT_PTR_NULL(lks_ask_ocsp_response(ask, &len));
    CU_ASSERT_PTR_NULL(lks_ask_hello(ask));
}

/* OpenSSL's server, verified by the application after us or instead of us: yes and no. */
static void server_verified(void)
{
    for (unsigned int bits = 0; bits < 16; bits++) {
        const int version = bits & 2 ? TLS1_2_VERSION : TLS1_3_VERSION;
        const bool instead = bits & 4, refuses = bits & 8;
        struct lks_config *config = instead ? config_new() : asked_config("", false, NULL);
        struct poll_loop loop;
        struct side side;
        struct client peer;
        app_begin(bits & 1);
        app.a.within = look_at_peer;
        app.refusal = refuses ? LKS_ALERT_CERTIFICATE_REVOKED : LKS_OK;
        CU_ASSERT_EQUAL(lks_policy_set_verifier(config->policy,
                                                instead ? LKS_VERIFY_INSTEAD : LKS_VERIFY_AFTER,
                                                on_ask, &app, NULL),
                        LKS_OK);
        loop_init(&loop, 64, 8192);
        side_init_as(&side, config, LKS_CLIENT, &localhost);
        peer_server(&peer, version, false);
        pair_run(&loop, &side, &peer);
        exchange(&loop, &side, &peer);
        CU_ASSERT_EQUAL(app.a.num, 1);
        LKS_CHECK(side.established == !refuses && SSL_is_init_finished(peer.ssl) == !refuses,
                  "%u: %s", bits, lks_conn_reason(side.conn));
        if (refuses) {
            CU_ASSERT_EQUAL(side.end, LKS_ALERT_CERTIFICATE_REVOKED);
            CU_ASSERT_PTR_NOT_NULL(strstr(lks_conn_reason(side.conn), "does not accept"));
            CU_ASSERT_EQUAL(lks_conn_sent_alert(side.conn), 44);
        }
        client_free(&peer);
        side_free(&side);
        loop_free(&loop);
        lks_config_free(config);
    }
}

/* A server that promises a CertificateStatus and does not send it, as it may. */
static void drop_status(void *user, struct lks_writer *w, size_t begin)
{
    (void)user;
    if (w->data[begin] == 22)
        w->len = begin;
}

static struct lks_config *promising_server(const char *kind)
{
    static const struct lks_hooks hooks = {.message = drop_status};
    struct lks_config *config = asked_config(kind, false, NULL);
    struct lks_certificate *c = config->identities->certificates;
    c->ocsp = calloc(1, 1);
    c->ocsp_len = 1;
    c->ocsp_until_ms = UINT64_MAX;
    config->policy->hooks = &hooks;
    return config;
}

/* The message that comes in its place waits for the answer, whichever it is: ServerKeyExchange,
 * CertificateRequest or ServerHelloDone. RFC 6066 section 8. */
static void status_that_never_comes(void)
{
    for (unsigned int i = 0; i < 12; i++) {
        const bool refuses = i & 2, rsa = i >= 4;
        struct lks_config *client = asked_config("ecdsa", false, NULL),
                          *server = promising_server(rsa ? "rsa" : "ecdsa");
        struct loopback l;
        app_begin(i & 1);
        app.refusal = refuses ? LKS_ALERT_CERTIFICATE_REVOKED : LKS_OK;
        only_version(client, LKS_TLS_1_2);
        CU_ASSERT_EQUAL(lks_policy_set_preset(client->policy, "old", NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_preset(server->policy, "old", NULL), LKS_OK);
        only_version(server, LKS_TLS_1_2);
        if (rsa)
            CU_ASSERT_EQUAL(
                lks_policy_set_suites(server->policy, "TLS_RSA_WITH_AES_128_GCM_SHA256", NULL),
                LKS_OK);
        if (i >= 8)
            CU_ASSERT_EQUAL(
                lks_policy_set_client_auth(server->policy, LKS_CLIENT_AUTH_OPTIONAL, false, NULL),
                LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_ocsp(client->policy, LKS_OCSP_CHECKED, NULL), LKS_OK);
        CU_ASSERT_EQUAL(
            lks_policy_set_verifier(client->policy, LKS_VERIFY_AFTER, on_ask, &app, NULL), LKS_OK);
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        if (!app.a.at_once) {
            CU_ASSERT_TRUE(app.a.ask && !l.client.end && !lks_conn_own_len(l.client.conn));
            CU_ASSERT_TRUE(answer_later(&l.client));
            loopback_run(&l);
        }
        LKS_CHECK(app.a.num == 1 && l.client.established == !refuses &&
                      l.server.established == !refuses &&
                      l.client.end == (refuses ? LKS_ALERT_CERTIFICATE_REVOKED : LKS_OK),
                  "%u: asked %u, %s, %s", i, app.a.num, lks_conn_reason(l.client.conn),
                  lks_conn_reason(l.server.conn));
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* What we find wrong ourselves is nobody's to accept, unless it is all the application's. */
static void ours_first(void)
{
    for (int instead = 0; instead < 2; instead++) {
        struct lks_config *client = config_new(); /* trusts nobody */
        struct lks_config *server = asked_config("ecdsa", false, NULL);
        struct loopback l;
        app_begin(true);
        CU_ASSERT_EQUAL(
            lks_policy_set_verifier(client->policy, (enum lks_verify)instead, on_ask, &app, NULL),
            LKS_OK);
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        CU_ASSERT_EQUAL(app.a.num, (unsigned int)instead);
        CU_ASSERT_EQUAL(l.client.established, instead);
        CU_ASSERT_EQUAL(l.client.end, instead ? LKS_OK : LKS_ALERT_UNKNOWN_CA);
        CU_ASSERT_EQUAL(
            lks_policy_set_verifier(client->policy, (enum lks_verify)2, on_ask, NULL, NULL),
            LKS_BAD_ARGUMENT);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* A server that has its client verified, which shows a certificate in either version. */
static void client_verified(void)
{
    for (unsigned int bits = 0; bits < 8; bits++) {
        struct lks_config *client = asked_config("ecdsa", false, NULL);
        struct lks_config *server = asked_config("ecdsa", false, NULL);
        struct loopback l;
        app_begin(bits & 1);
        app.refusal = bits & 4 ? LKS_ALERT_ACCESS_DENIED : LKS_OK;
        only_version(client, bits & 2 ? LKS_TLS_1_2 : LKS_TLS_1_3);
        CU_ASSERT_EQUAL(
            lks_policy_set_client_auth(server->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL),
            LKS_OK);
        CU_ASSERT_EQUAL(
            lks_policy_set_verifier(server->policy, LKS_VERIFY_AFTER, on_ask, &app, NULL), LKS_OK);
        loopback_init(&l, client, server, &localhost);
        do
            loopback_run(&l);
        while (answer_later(&l.server));
        CU_ASSERT_EQUAL(app.a.num, 1);
        CU_ASSERT_EQUAL(l.server.established, !(bits & 4));
        CU_ASSERT_EQUAL(l.server.end, bits & 4 ? LKS_ALERT_ACCESS_DENIED : LKS_OK);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* A session is resumed by who would have verified in the same way, and as long as was said. */
static void verified_sessions(void)
{
    struct lks_config *server = asked_config("ecdsa", false, NULL), *clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = asked_config("", false, NULL);
        if (i)
            CU_ASSERT_EQUAL(lks_policy_set_verifier(clients[i]->policy, (enum lks_verify)(i - 1),
                                                    on_ask, &app, NULL),
                            LKS_OK);
    }
    for (int from = 0; from < 3; from++) {
        for (int to = 0; to < 3; to++) {
            uint8_t session[LKS_SESSION_MAX];
            size_t len = 0;
            app_begin(false);
            CU_ASSERT_FALSE(resumes(clients[from], server, session, &len));
            CU_ASSERT_TRUE(len != 0);
            LKS_CHECK(resumes(clients[to], server, session, &len) == (from == to), "%d to %d", from,
                      to);
        }
        uint8_t session[LKS_SESSION_MAX];
        size_t len = 0;
        app_begin(false);
        app.until_ms = 0;
        CU_ASSERT_FALSE(resumes(clients[from], server, session, &len));
        CU_ASSERT_EQUAL(resumes(clients[from], server, session, &len), from == 0);
    }
    for (int i = 0; i < 3; i++)
        lks_config_free(clients[i]);
    lks_config_free(server);
}

static uint64_t clock_of(void *user)
{
    return *(uint64_t *)user;
}

/* The certificate has ended, or is of the future, where the policy's clock says so. */
static void clocks(void)
{
    static const long days[] = {0, -4000, 40000};
    for (size_t i = 0; i < 3; i++) {
        struct lks_config *config = asked_config("", false, NULL);
        uint64_t now = lks_system_time_ms() + (uint64_t)(days[i] * INT64_C(86400000));
        struct poll_loop loop;
        struct side side;
        struct client peer;
        CU_ASSERT_EQUAL(lks_policy_set_clock(config->policy, clock_of, &now, NULL), LKS_OK);
        loop_init(&loop, 64, 8192);
        side_init_as(&side, config, LKS_CLIENT, &localhost);
        peer_server(&peer, TLS1_3_VERSION, false);
        exchange(&loop, &side, &peer);
        CU_ASSERT_EQUAL(side.established, !i);
        CU_ASSERT_EQUAL(side.end, i ? LKS_ALERT_CERTIFICATE_EXPIRED : LKS_OK);
        client_free(&peer);
        side_free(&side);
        loop_free(&loop);
        lks_config_free(config);
    }
}

/* Tickets end by it, too. */
static void clock_of_tickets(void)
{
    struct lks_config *client = asked_config("", false, NULL);
    struct lks_config *server = asked_config("ecdsa", false, NULL);
    uint64_t now = lks_system_time_ms();
    uint8_t session[LKS_SESSION_MAX], copy[LKS_SESSION_MAX];
    size_t len = 0, copy_len;
    CU_ASSERT_EQUAL(lks_policy_set_clock(client->policy, clock_of, &now, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_clock(server->policy, clock_of, &now, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(server->policy, 1, 100, NULL), LKS_OK);
    CU_ASSERT_FALSE(resumes(client, server, session, &len));
    memcpy(copy, session, len);
    copy_len = len;
    now += 99000;
    CU_ASSERT_TRUE(resumes(client, server, copy, &copy_len));
    now += 2000;
    CU_ASSERT_FALSE(resumes(client, server, session, &len));
    lks_config_free(client);
    lks_config_free(server);
}

static char logged[4096];

static void on_line(void *user, const char *line, size_t len)
{
    CU_ASSERT_PTR_EQUAL(user, logged);
    strncat(logged, line, len);
}

/* Without a file; OpenSSL's client has logged the same secrets. */
static void key_log(void)
{
    struct lks_config *config = asked_config("ecdsa", false, NULL);
    const struct client_options options = {.server_name = "localhost"};
    struct poll_loop loop;
    struct side side;
    struct client peer;
    char hex[97] = "";
    logged[0] = 0;
    CU_ASSERT_EQUAL(lks_policy_queue_key_log(config->policy, on_line, logged, NULL), LKS_OK);
    loop_init(&loop, 64, 8192);
    side_init(&side, config);
    client_init(&peer, &options);
    exchange(&loop, &side, &peer);
    CU_ASSERT_TRUE(side.established);
    for (size_t i = 0; i < 32; i++)
        sprintf(hex + 2 * i, "%02x", peer.app_secret[i]);
    const char *line = strstr(logged, "CLIENT_TRAFFIC_SECRET_0 ");
    LKS_CHECK(line && strstr(line, hex), "%s", logged);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "EXPORTER_SECRET "));
    client_free(&peer);
    side_free(&side);
    loop_free(&loop);
    lks_config_free(config);
}

const struct lks_test asked_tests[] = {
    {"hello chooses", hello_chooses},
    {"hello refused", hello_refused},
    {"hello and sessions", hello_and_sessions},
    {"JA4", ja4},
    {"server verified", server_verified},
    {"status that never comes", status_that_never_comes},
    {"ours first", ours_first},
    {"client verified", client_verified},
    {"verified sessions", verified_sessions},
    {"clock", clocks},
    {"clock of tickets", clock_of_tickets},
    {"key log", key_log},
    {NULL, NULL},
};
