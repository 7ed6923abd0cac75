/* SPDX-License-Identifier: BSD-3-Clause */

/* A session is resumed only while a full handshake would come to the same: on both sides, in both
 * versions, by ticket and by ID. */

#include <openssl/ocsp.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/config.h"
#include "pki_files.h"
#include "test_conn.h"

#define HOUR 3600
#define DAY  (24 * HOUR)

static int64_t client_now_s, server_now_s;

static uint64_t client_clock(void)
{
    return UINT64_C(1000) * (uint64_t)(PKI_NOW + client_now_s);
}

static uint64_t server_clock(void)
{
    return UINT64_C(1000) * (uint64_t)(PKI_NOW + server_now_s);
}

static const uint8_t secret[32] = {1}, psk[32] = {2};
static const struct lks_hooks any_peer = {.takes_any_peer = true};

/* How a session is kept. */
enum way { TICKET_13, TICKET_12, ID_12, NUM_WAYS };

/* Servers share their tickets' keys. certificates: names of files, the rest NULL. */
static struct lks_config *a_server(enum way way, const char *first, const char *second)
{
    struct lks_config *config = pki_config();
    set_clock(config, server_clock);
    if (first)
        pki_add(config, first);
    if (second)
        pki_add(config, second);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(config->memory, secret, 32, 604800, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, way != ID_12, 604800, NULL), LKS_OK);
    if (way != TICKET_13)
        CU_ASSERT_EQUAL(lks_policy_set_versions(config->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                        LKS_OK);
    return config;
}

static struct lks_config *a_client(void)
{
    struct lks_config *config = pki_config();
    set_clock(config, client_clock);
    return config;
}

struct session {
    uint8_t bytes[LKS_SESSION_MAX];
    size_t len;
};

struct outcome {
    enum lks_status client, server;
    bool resumed, external;
};

/* With a session (len 0: none), whose place a new one takes. */
static struct outcome meet(struct lks_config *client, struct lks_config *server,
                           struct session *session, const char *name)
{
    const struct lks_conn_options options = {.server_name = name,
                                             .session = session->len ? session->bytes : NULL,
                                             .session_len = session->len};
    struct loopback l;
    struct lks_conn_info infos[2];
    set_verify_time(client, PKI_NOW + client_now_s);
    loopback_init(&l, client, server, &options);
    loopback_run(&l);
    lks_conn_get_info(l.client.conn, &infos[0]);
    lks_conn_get_info(l.server.conn, &infos[1]);
    const bool both = l.client.established && l.server.established;
    const struct outcome o = {l.client.end, l.server.end, both && infos[0].resumed,
                              both && infos[0].external_psk};
    CU_ASSERT_EQUAL(o.resumed, both && infos[1].resumed);
    memcpy(session->bytes, l.client.session, l.client.session_len);
    session->len = l.client.session_len;
    loopback_free(&l);
    return o;
}

static void begin(void)
{
    client_now_s = server_now_s = 0;
    pki_begin();
    X509_free(pki_leaf("a", &(struct pki){.subject = "a", .san = "DNS:a.test"}, false));
    X509_free(pki_leaf("b", &(struct pki){.subject = "b", .san = "DNS:b.test"}, false));
    X509_free(pki_leaf("b2", &(struct pki){.subject = "b2", .san = "DNS:*.test"}, false));
    X509_free(pki_leaf(
        "rsa", &(struct pki){.subject = "rsa", .san = "DNS:b.test", .key = PKI_RSA_2048}, false));
    X509_free(pki_leaf("ip", &(struct pki){.subject = "ip", .san = "IP:192.0.2.1"}, false));
    X509_free(
        pki_leaf("ip2", &(struct pki){.subject = "ip2", .san = "IP:192.0.2.1,DNS:c.test"}, false));
}

/* A session of one server, shown to another with the same keys. */
static void move(enum way way, const char *from_first, const char *from_second,
                 const char *to_first, bool strict, const char *name, bool resumes,
                 enum lks_status client_end, enum lks_status server_end)
{
    struct session session = {.len = 0};
    struct lks_config *client = a_client(), *from = a_server(way, from_first, from_second),
                      *to = a_server(way, to_first, NULL);
    CU_ASSERT_EQUAL(lks_policy_set_sni_required(to->policy, strict, NULL), LKS_OK);
    struct outcome o = meet(client, from, &session, name);
    LKS_CHECK(!o.client && !o.server && !o.resumed && session.len, "%s: %s", name,
              lks_status_name(o.client));
    struct session again = session;
    o = meet(client, from, &again, name);
    LKS_CHECK(o.resumed, "way %d, %s: not even there", way, name);
    o = meet(client, to, &session, name);
    LKS_CHECK(o.resumed == resumes && o.client == client_end && o.server == server_end,
              "way %d, %s from %s to %s: resumed %d, client %s, server %s", way, name, from_first,
              to_first, o.resumed, lks_status_name(o.client), lks_status_name(o.server));
    lks_config_free(client);
    lks_config_free(from);
    lks_config_free(to);
}

static void other_sites(void)
{
    begin();
    for (enum way way = TICKET_13; way <= TICKET_12; way++) {
        move(way, "a", "b", "b", false, "b.test", true, LKS_OK, LKS_OK);
        move(way, "a", "b", "rsa", false, "b.test", true, LKS_OK, LKS_OK);
        move(way, "a", "b", "b2", true, "b.test", true, LKS_OK, LKS_OK);
        /* Nobody answers to the name there, or any more. */
        move(way, "b", "a", "b", false, "a.test", false, LKS_ALERT_BAD_CERTIFICATE, LKS_PEER_ALERT);
        move(way, "b", "a", "b", true, "a.test", false, LKS_PEER_ALERT,
             LKS_ALERT_UNRECOGNIZED_NAME);
        /* Without a name the certificate that stands in is what counts. */
        move(way, "ip", "a", "ip", false, "192.0.2.1", true, LKS_OK, LKS_OK);
        move(way, "ip", NULL, "ip2", false, "192.0.2.1", false, LKS_OK, LKS_OK);
        move(way, "ip", NULL, "a", false, "192.0.2.1", false, LKS_ALERT_BAD_CERTIFICATE,
             LKS_PEER_ALERT);
    }
}

/* A server that has become strict, or has lost what the client can use: by ID, too. */
static void server_that_would_refuse(void)
{
    begin();
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct session session = {.len = 0}, again;
        struct lks_config *client = a_client(), *server = a_server(way, "a", NULL);
        client->policy->hooks = &any_peer;
        /* Under TLS 1.2 a client verifies, hooks or not. */
        const char *name = way == TICKET_13 ? "nobody.test" : "a.test";
        struct outcome o = meet(client, server, &session, name);
        CU_ASSERT_TRUE(!o.client && !o.resumed && session.len);
        again = session;
        o = meet(client, server, &again, name);
        CU_ASSERT_TRUE(o.resumed);
        struct lks_certificate *kept = server->identities->certificates;
        struct lks_config *other = a_server(way, "b", NULL);
        if (way == TICKET_13) {
            CU_ASSERT_EQUAL(lks_policy_set_sni_required(server->policy, true, NULL), LKS_OK);
        } else {
            server->identities->certificates =
                other->identities->certificates; /* as no application can */
            CU_ASSERT_EQUAL(lks_policy_set_sni_required(server->policy, true, NULL), LKS_OK);
        }
        o = meet(client, server, &session, name);
        LKS_CHECK(!o.resumed && o.server == LKS_ALERT_UNRECOGNIZED_NAME, "way %d: %s", way,
                  lks_status_name(o.server));
        server->identities->certificates = kept;
        lks_config_free(client);
        lks_config_free(server);
        lks_config_free(other);
    }
}

/* What a client verified ends, with leaf or CA; resuming does not make it live longer. */
static void certificate_that_ends(void)
{
    static const struct {
        int64_t leaf_end;
        int64_t end; /* the CAs' is a day away */
    } rows[] = {{HOUR, HOUR}, {30 * DAY, DAY}};
    begin();
    for (size_t i = 0; i < NUM_WAYS * sizeof(rows) / sizeof(rows[0]); i++) {
        const enum way way = (enum way)(i % NUM_WAYS);
        const int64_t end = rows[i / NUM_WAYS].end;
        const struct pki leaf = {.subject = "ends",
                                 .san = "DNS:a.test",
                                 .begin = -60,
                                 .end = rows[i / NUM_WAYS].leaf_end};
        X509_free(pki_leaf("ends", &leaf, false));
        struct session first = {.len = 0}, last;
        struct lks_config *client = a_client(), *server = a_server(way, "ends", NULL);
        client_now_s = server_now_s = 0;
        CU_ASSERT_EQUAL(meet(client, server, &first, "a.test").client, LKS_OK);
        last = first;
        for (int64_t t = end / 2; t < end; t += end / 2 - 1) {
            client_now_s = server_now_s = t;
            struct outcome o = meet(client, server, &last, "a.test");
            LKS_CHECK(o.resumed && last.len, "way %d, %lld of %lld s", way, (long long)t,
                      (long long)end);
        }
        /* The CA's end is the last moment, here; the client would notice nothing if it asked. */
        client_now_s = server_now_s = end + 1;
        struct outcome o = meet(client, server, &first, "a.test");
        LKS_CHECK(!o.resumed && o.client == LKS_ALERT_CERTIFICATE_EXPIRED, "way %d: %s", way,
                  lks_status_name(o.client));
        o = meet(client, server, &last, "a.test");
        LKS_CHECK(!o.resumed && o.client == LKS_ALERT_CERTIFICATE_EXPIRED, "way %d, renewed: %s",
                  way, lks_status_name(o.client));
        lks_config_free(client);
        lks_config_free(server);
    }
}

static void authority_that_left(void)
{
    struct lks_error err;
    begin();
    X509_free(pki_leaf("stranger", &(struct pki){.subject = "s", .san = "DNS:a.test"}, true));
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct session session = {.len = 0}, again;
        struct lks_config *client = a_client(), *server = a_server(way, "a", NULL);
        CU_ASSERT_EQUAL(meet(client, server, &session, "a.test").client, LKS_OK);
        again = session;
        struct lks_config *other = a_client();
        CU_ASSERT_TRUE(meet(other, server, &again, "a.test").resumed);
        CU_ASSERT_EQUAL(
            lks_policy_set_trust(other->policy, lks_from_file(pki_path("stranger.pem")), &err),
            LKS_OK);
        struct outcome o = meet(other, server, &session, "a.test");
        LKS_CHECK(!o.resumed && o.client == LKS_ALERT_UNKNOWN_CA, "way %d: %s", way,
                  lks_status_name(o.client));
        lks_config_free(client);
        lks_config_free(other);
        lks_config_free(server);
    }
}

static struct lks_config *with_psk(struct lks_config *config)
{
    CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, (const uint8_t *)"me", 2, psk, 32,
                                           "SHA256", NULL),
                    LKS_OK);
    return config;
}

/* Seven days from the first handshake, on the server's clock as well, however often it is resumed.
 * RFC 8446 section 4.6.1. */
static void seven_days(void)
{
    begin();
    for (int whose = 0; whose < 2; whose++) {
        struct session session = {.len = 0};
        struct lks_config *client = with_psk(a_client());
        struct lks_config *server = with_psk(a_server(TICKET_13, NULL, NULL));
        client_now_s = server_now_s = 0;
        CU_ASSERT_TRUE(meet(client, server, &session, NULL).external && session.len);
        /* Where one clock stands still it is the other side that refuses. */
        for (int64_t t = DAY; t < 7 * DAY; t += DAY) {
            *(whose ? &server_now_s : &client_now_s) = t;
            if (!whose)
                CU_ASSERT_EQUAL(
                    lks_memory_set_ticket_secret(server->memory, secret, 32, 604800, NULL), LKS_OK);
            struct outcome o = meet(client, server, &session, NULL);
            LKS_CHECK(o.resumed && session.len, "day %d", (int)(t / DAY));
        }
        *(whose ? &server_now_s : &client_now_s) = 7 * DAY;
        struct outcome o = meet(client, server, &session, NULL);
        LKS_CHECK(!o.resumed && o.external, "whose %d", whose);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* A session that stands on an external key ends with it, on either side. */
static void external_key_that_left(void)
{
    begin();
    for (int whose = 0; whose < 2; whose++) {
        struct session session = {.len = 0}, again;
        struct lks_config *client = with_psk(a_client());
        struct lks_config *server = with_psk(a_server(TICKET_13, "a", NULL));
        struct lks_config *less = whose ? a_server(TICKET_13, "a", NULL) : a_client();
        CU_ASSERT_TRUE(meet(client, server, &session, "a.test").external && session.len);
        again = session;
        CU_ASSERT_TRUE(meet(client, server, &again, "a.test").resumed);
        struct outcome o =
            whose ? meet(client, less, &session, "a.test") : meet(less, server, &session, "a.test");
        CU_ASSERT_TRUE(!o.client && !o.resumed && !o.external);
        lks_config_free(client);
        lks_config_free(server);
        lks_config_free(less);
    }
}

/* A good response for a server's only certificate, which is loaded by the machine's clock. */
static void staple(struct lks_config *server, X509 *leaf, long end)
{
    struct lks_certificate *c = server->identities->certificates;
    pki_response("ocsp.der", leaf, V_OCSP_CERTSTATUS_GOOD, -60, end, PKI_P384);
    FILE *f = fopen(pki_path("ocsp.der"), "r");
    c->ocsp = malloc(4096);
    CU_ASSERT_FATAL(f && c->ocsp);
    c->ocsp_len = fread(c->ocsp, 1, 4096, f);
    c->ocsp_until_ms = UINT64_MAX;
    fclose(f);
}

/* A client that wants more of OCSP than it did when the session was made shakes hands in full. */
static void staple_that_was_not_asked_for(void)
{
    static const struct {
        bool must_staple, staples;
        enum lks_ocsp first, then;
        bool resumes;
        enum lks_status end;
    } rows[] = {
        {false, true, LKS_OCSP_REQUIRED, LKS_OCSP_REQUIRED, true, LKS_OK},
        {false, true, LKS_OCSP_CHECKED, LKS_OCSP_REQUIRED, true, LKS_OK},
        {false, true, LKS_OCSP_REQUIRED, LKS_OCSP_OFF, true, LKS_OK},
        {false, true, LKS_OCSP_OFF, LKS_OCSP_REQUIRED, false, LKS_OK},
        {false, false, LKS_OCSP_OFF, LKS_OCSP_CHECKED, true, LKS_OK},
        {false, false, LKS_OCSP_OFF, LKS_OCSP_REQUIRED, false,
         LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE},
        {false, false, LKS_OCSP_CHECKED, LKS_OCSP_REQUIRED, false,
         LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE},
        {true, true, LKS_OCSP_OFF, LKS_OCSP_CHECKED, false, LKS_OK},
        {true, false, LKS_OCSP_OFF, LKS_OCSP_CHECKED, false,
         LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE},
        {true, true, LKS_OCSP_CHECKED, LKS_OCSP_CHECKED, true, LKS_OK},
    };
    begin();
    X509 *plain = pki_leaf("plain", &(struct pki){.subject = "a", .san = "DNS:a.test"}, false);
    X509 *must = pki_leaf(
        "must", &(struct pki){.subject = "a", .san = "DNS:a.test", .feature = "status_request"},
        false);
    for (size_t i = 0; i < NUM_WAYS * sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t at = i / NUM_WAYS;
        const enum way way = (enum way)(i % NUM_WAYS);
        struct session session = {.len = 0};
        struct lks_config *client = a_client();
        struct lks_config *server = a_server(way, rows[at].must_staple ? "must" : "plain", NULL);
        if (rows[at].staples)
            staple(server, rows[at].must_staple ? must : plain, HOUR);
        CU_ASSERT_EQUAL(lks_policy_set_ocsp(client->policy, rows[at].first, NULL), LKS_OK);
        CU_ASSERT_EQUAL(meet(client, server, &session, "a.test").client, LKS_OK);
        /* Resumed once more, it stands on no more than it did. */
        struct outcome o = meet(client, server, &session, "a.test");
        CU_ASSERT_TRUE(o.resumed && session.len);
        CU_ASSERT_EQUAL(lks_policy_set_ocsp(client->policy, rows[at].then, NULL), LKS_OK);
        o = meet(client, server, &session, "a.test");
        LKS_CHECK(o.resumed == rows[at].resumes && o.client == rows[at].end,
                  "row %zu, way %d: resumed %d, %s", at, way, o.resumed, lks_status_name(o.client));
        lks_config_free(client);
        lks_config_free(server);
    }
    X509_free(plain);
    X509_free(must);
}

/* Nor does a session outlive the response that it was made with. */
static void staple_that_ends(void)
{
    begin();
    X509 *leaf = pki_leaf("plain", &(struct pki){.subject = "a", .san = "DNS:a.test"}, false);
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct session session = {.len = 0};
        struct lks_config *client = a_client(), *server = a_server(way, "plain", NULL);
        client_now_s = server_now_s = 0;
        staple(server, leaf, HOUR);
        CU_ASSERT_EQUAL(lks_policy_set_ocsp(client->policy, LKS_OCSP_REQUIRED, NULL), LKS_OK);
        CU_ASSERT_EQUAL(meet(client, server, &session, "a.test").client, LKS_OK);
        client_now_s = server_now_s = HOUR - 1;
        CU_ASSERT_TRUE(meet(client, server, &session, "a.test").resumed);
        client_now_s = server_now_s = HOUR + 301; /* the responder's clock may be off */
        struct outcome o = meet(client, server, &session, "a.test");
        LKS_CHECK(!o.resumed && o.client == LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE, "way %d: %s",
                  way, lks_status_name(o.client));
        lks_config_free(client);
        lks_config_free(server);
    }
    X509_free(leaf);
}

/* A server that has begun to ask for certificates takes nobody's session in place of one. */
static void client_that_is_asked_now(void)
{
    begin();
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct session session = {.len = 0};
        struct lks_config *client = a_client(), *server = a_server(way, "a", NULL);
        CU_ASSERT_EQUAL(meet(client, server, &session, "a.test").client, LKS_OK);
        CU_ASSERT_EQUAL(
            lks_policy_set_client_auth(server->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL),
            LKS_OK);
        struct outcome o = meet(client, server, &session, "a.test");
        LKS_CHECK(!o.resumed && o.server == (way == TICKET_13 ? LKS_ALERT_CERTIFICATE_REQUIRED
                                                              : LKS_ALERT_HANDSHAKE_FAILURE),
                  "way %d: resumed %d, %s", way, o.resumed, lks_status_name(o.server));
        lks_config_free(client);
        lks_config_free(server);
    }
}

static const struct lks_test tests[] = {
    {"staple that was not asked for", staple_that_was_not_asked_for},
    {"staple that ends", staple_that_ends},
    {"client that is asked now", client_that_is_asked_now},
    {"other sites", other_sites},
    {"server that would refuse", server_that_would_refuse},
    {"certificate that ends", certificate_that_ends},
    {"authority that left", authority_that_left},
    {"seven days", seven_days},
    {"external key that left", external_key_that_left},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"standing", tests}, {NULL, NULL}};
    int rc = lks_test_run("standing", suites);
    pki_end();
    return rc;
}
