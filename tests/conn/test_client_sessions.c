/* SPDX-License-Identifier: BSD-3-Clause */

/* Clients with certificates resume: the server knows who they are as it did in the first handshake,
 * and asks again where that would not come to the same. Both versions, by ticket and by ID. */

#include <stdlib.h>
#include <string.h>

#include <lockstep/callbacks.h>

#include "client.h"
#include "handshake/config.h"
#include "handshake/resumption/shown.h"
#include "mutual.h"

static const uint8_t psk[32] = {2};

static bool same_client(const struct outcome *a, const struct outcome *b)
{
    return a->has_digest && b->has_digest && memcmp(a->digest, b->digest, 32) == 0;
}

/* Who it is stands in the session as the policy says, and in those that come of it. */
static void known_again(void)
{
    mutual_begin();
    for (int i = 0; i < 2 * NUM_WAYS; i++) {
        const bool has_chain = i & 1;
        struct session session = {.len = 0};
        struct lks_config *client = mutual_client("one"),
                          *server = mutual_server((enum way)(i / 2), LKS_CLIENT_AUTH_REQUIRED);
        CU_ASSERT_EQUAL(lks_policy_set_client_sessions(server->policy,
                                                       has_chain ? LKS_CLIENT_SESSIONS_CHAIN
                                                                 : LKS_CLIENT_SESSIONS_DIGEST,
                                                       NULL),
                        LKS_OK);
        const struct outcome first = meet(client, server, &session);
        LKS_CHECK(!first.server && !first.resumed && first.num_chain == 3 && first.leaf_len &&
                      !strcmp(first.name, "one") && session.len,
                  "way %d: %s", i / 2, lks_status_name(first.server));
        for (int k = 0; k < 3; k++) {
            const struct outcome o = meet(client, server, &session);
            LKS_CHECK(o.resumed && same_client(&o, &first) && session.len, "way %d, %d", i / 2, k);
            LKS_CHECK(!strcmp(o.name, has_chain ? "one" : "") && o.num_chain == (has_chain ? 3 : 0),
                      "way %d: %s, %u", i / 2, o.name, o.num_chain);
            if (has_chain)
                CU_ASSERT_TRUE(o.chain_len == first.chain_len && o.leaf_len == first.leaf_len &&
                               !memcmp(o.chain, first.chain, o.chain_len) &&
                               !memcmp(o.leaf, first.leaf, o.leaf_len));
        }
        lks_config_free(client);
        lks_config_free(server);
    }
    uint8_t digest[32];
    CU_ASSERT_FALSE(lks_conn_peer_digest(NULL, digest));
}

/* A certificate that is trusted itself is its own chain; of none nothing is known. */
static void alone_or_nobody(void)
{
    mutual_begin();
    for (int i = 0; i < 2 * NUM_WAYS; i++) {
        const bool is_nobody = i & 1;
        struct session session = {.len = 0};
        struct lks_config *client = mutual_client(is_nobody ? NULL : "alone"),
                          *server = mutual_server((enum way)(i / 2), LKS_CLIENT_AUTH_OPTIONAL);
        CU_ASSERT_EQUAL(
            lks_policy_set_trust(server->policy, lks_from_file(pki_path("alone.pem")), NULL),
            LKS_OK);
        const struct outcome first = meet(client, server, &session),
                             o = meet(client, server, &session);
        LKS_CHECK(!first.server && o.resumed, "way %d, %s", i / 2, lks_status_name(first.server));
        if (is_nobody) {
            CU_ASSERT_TRUE(!o.has_digest && !o.leaf_len && !o.num_chain && !o.name[0]);
        } else {
            CU_ASSERT_TRUE(same_client(&o, &first) && o.num_chain == 1 &&
                           o.chain_len == first.chain_len && first.num_chain == 1 &&
                           !memcmp(o.chain, first.chain, o.chain_len));
        }
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* How a server asks: what it asks for, what it keeps, which signatures it takes. */
struct asking {
    enum lks_client_auth mode;
    enum lks_client_sessions sessions;
    const char *schemes; /* NULL: all */
};

static void set_asking(struct lks_config *server, const struct asking *how)
{
    ask(server, how->mode);
    CU_ASSERT_EQUAL(lks_policy_set_client_sessions(server->policy, how->sessions, NULL), LKS_OK);
    if (how->schemes)
        CU_ASSERT_EQUAL(lks_policy_set_signature_schemes(server->policy, how->schemes, NULL),
                        LKS_OK);
}

#define OFF      LKS_CLIENT_AUTH_OFF
#define OPTIONAL LKS_CLIENT_AUTH_OPTIONAL
#define REQUIRED LKS_CLIENT_AUTH_REQUIRED
#define CHAIN    LKS_CLIENT_SESSIONS_CHAIN
#define DIGEST   LKS_CLIENT_SESSIONS_DIGEST
#define NONE     LKS_CLIENT_SESSIONS_OFF

static void asked_otherwise(void)
{
    static const struct {
        const char *certificate;
        struct asking then, now;
        bool resumes;
    } rows[] = {
        {"one", {REQUIRED, CHAIN, NULL}, {REQUIRED, CHAIN, NULL}, true},
        {"one", {OPTIONAL, CHAIN, NULL}, {OPTIONAL, CHAIN, NULL}, true},
        {NULL, {OPTIONAL, CHAIN, NULL}, {OPTIONAL, CHAIN, NULL}, true},
        {"one", {OFF, CHAIN, NULL}, {OFF, CHAIN, NULL}, true},
        {"one", {OFF, CHAIN, NULL}, {OFF, DIGEST, NULL}, true}, /* nobody is asked */
        {"one", {OFF, CHAIN, NULL}, {OPTIONAL, CHAIN, NULL}, false},
        {"one", {OFF, CHAIN, NULL}, {REQUIRED, CHAIN, NULL}, false},
        {"one", {OPTIONAL, CHAIN, NULL}, {OFF, CHAIN, NULL}, false},
        {"one", {OPTIONAL, CHAIN, NULL}, {REQUIRED, CHAIN, NULL}, false},
        {"one", {REQUIRED, CHAIN, NULL}, {OPTIONAL, CHAIN, NULL}, false},
        {"one", {REQUIRED, CHAIN, NULL}, {OFF, CHAIN, NULL}, false},
        {"one", {REQUIRED, CHAIN, NULL}, {REQUIRED, DIGEST, NULL}, false},
        {"one", {REQUIRED, DIGEST, NULL}, {REQUIRED, CHAIN, NULL}, false},
        {"one", {REQUIRED, CHAIN, NULL}, {REQUIRED, NONE, NULL}, false},
        {"one", {REQUIRED, NONE, NULL}, {REQUIRED, NONE, NULL}, false},
        {"one", {REQUIRED, NONE, NULL}, {REQUIRED, CHAIN, NULL}, false},
        {NULL, {OPTIONAL, NONE, NULL}, {OPTIONAL, NONE, NULL}, false},
        {"one", {OFF, NONE, NULL}, {OFF, NONE, NULL}, true},
        {"one", {REQUIRED, CHAIN, NULL}, {REQUIRED, CHAIN, "ecdsa_secp256r1_sha256"}, false},
    };
    mutual_begin();
    for (size_t i = 0; i < NUM_WAYS * sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t at = i / NUM_WAYS;
        const enum way way = (enum way)(i % NUM_WAYS);
        struct session session = {.len = 0};
        struct lks_config *client = mutual_client(rows[at].certificate),
                          *server = mutual_server(way, OFF);
        set_asking(server, &rows[at].then);
        const struct outcome first = meet(client, server, &session);
        set_asking(server, &rows[at].now);
        const struct outcome o = meet(client, server, &session);
        LKS_CHECK(!first.server && !o.server && !o.client && o.resumed == rows[at].resumes,
                  "row %zu, way %d: %s, %s, resumed %d", at, way, lks_status_name(first.server),
                  lks_status_name(o.server), o.resumed);
        LKS_CHECK(o.has_digest == (rows[at].certificate && rows[at].now.mode != OFF),
                  "row %zu, way %d: known %d", at, way, o.has_digest);
        lks_config_free(client);
        lks_config_free(server);
    }
    struct lks_config *config = pki_config();
    struct lks_error err;
    CU_ASSERT_EQUAL(
        lks_policy_set_client_sessions(config->policy, (enum lks_client_sessions)3, &err),
        LKS_BAD_ARGUMENT);
    LKS_CHECK(strstr(err.text, "no way 3"), "%s", err.text);
    lks_config_free(config);
}

/* What showed no certificate is none where one is required, whoever asked. */
static void nobody_where_somebody_has_to_be(void)
{
    mutual_begin();
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct session session = {.len = 0};
        struct lks_config *client = mutual_client(NULL), *server = mutual_server(way, OPTIONAL);
        CU_ASSERT_TRUE(!meet(client, server, &session).server && session.len);
        ask(server, REQUIRED);
        const struct outcome o = meet(client, server, &session);
        LKS_CHECK(!o.resumed && o.server == (way == TICKET_13 ? LKS_ALERT_CERTIFICATE_REQUIRED
                                                              : LKS_ALERT_HANDSHAKE_FAILURE),
                  "way %d: %s", way, lks_status_name(o.server));
        lks_config_free(client);
        lks_config_free(server);
    }
    /* Nor does an external key stand for a certificate longer than it is shown. */
    for (int i = 0; i < 2; i++) {
        struct session session = {.len = 0};
        struct lks_config *all[] = {mutual_client(NULL),
                                    mutual_server(TICKET_13, i ? REQUIRED : OPTIONAL)};
        for (int k = 0; k < 2; k++)
            CU_ASSERT_EQUAL(lks_identities_add_psk(all[k]->identities, (const uint8_t *)"me", 2,
                                                   psk, 32, "SHA256", NULL),
                            LKS_OK);
        CU_ASSERT_TRUE(!meet(all[0], all[1], &session).server && !session.len == (i == 1));
        CU_ASSERT_EQUAL(meet(all[0], all[1], &session).resumed, i == 0);
        lks_config_free(all[0]);
        lks_config_free(all[1]);
    }
}

/* Who trusts others asks again; who trusts the same, wherever it read that, does not. */
static void trust_that_changed(void)
{
    mutual_begin();
    char one[8192], all[3 * 8192];
    FILE *f = fopen(pki_path("root.pem"), "r");
    CU_ASSERT_FATAL(f != NULL);
    one[fread(one, 1, sizeof(one) - 1, f)] = '\0';
    fclose(f);
    f = fopen(pki_path("alone.pem"), "r");
    CU_ASSERT_FATAL(f != NULL);
    const size_t at = strlen(one);
    one[at + fread(one + at, 1, sizeof(one) - 1 - at, f)] = '\0';
    fclose(f);
    snprintf(all, sizeof(all), "%s\n%.*s", one + at, (int)at, one); /* the other way round */
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct session session = {.len = 0}, again;
        struct lks_config *client = mutual_client("one"), *server = mutual_server(way, REQUIRED);
        CU_ASSERT_TRUE(!meet(client, server, &session).server && session.len);
        again = session;
        CU_ASSERT_TRUE(meet(client, server, &again).resumed);
        CU_ASSERT_EQUAL(
            lks_policy_set_trust(server->policy, lks_from_memory("two", one, strlen(one)), NULL),
            LKS_OK);
        const struct outcome o = meet(client, server, &session);
        LKS_CHECK(!o.server && !o.resumed && o.has_digest && session.len, "way %d: one more", way);
        CU_ASSERT_EQUAL(
            lks_policy_set_trust(server->policy, lks_from_memory("two", all, strlen(all)), NULL),
            LKS_OK);
        LKS_CHECK(meet(client, server, &session).resumed && session.len, "way %d: the same", way);
        CU_ASSERT_EQUAL(
            lks_policy_set_trust(server->policy, lks_from_file(pki_path("alone.pem")), NULL),
            LKS_OK);
        LKS_CHECK(meet(client, server, &session).server == LKS_ALERT_UNKNOWN_CA, "way %d: one less",
                  way);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* The first end in the client's chain is the session's, however often it is resumed. */
static void chain_that_ends(void)
{
    mutual_begin();
    const struct pki what = {.subject = "ends", .eku = "clientAuth", .begin = -60, .end = HOUR};
    X509_free(pki_leaf("ends", &what, false));
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct session first = {.len = 0}, last;
        struct lks_config *client = mutual_client("ends"), *server = mutual_server(way, REQUIRED);
        mutual_now_s = 0;
        CU_ASSERT_EQUAL(meet(client, server, &first).server, LKS_OK);
        last = first;
        for (mutual_now_s = HOUR / 2; mutual_now_s < HOUR; mutual_now_s += HOUR / 2 - 1) {
            const struct outcome o = meet(client, server, &last);
            LKS_CHECK(o.resumed && last.len, "way %d, %lld s", way, (long long)mutual_now_s);
        }
        for (int i = 0; i < 2; i++) {
            mutual_now_s = HOUR + 1;
            const struct outcome o = meet(client, server, i ? &last : &first);
            LKS_CHECK(!o.resumed && o.server == LKS_ALERT_CERTIFICATE_EXPIRED, "way %d: %s", way,
                      lks_status_name(o.server));
        }
        lks_config_free(client);
        lks_config_free(server);
    }
}

static size_t der_len(X509 *x)
{
    const int len = i2d_X509(x, NULL);
    return len > 0 ? (size_t)len : 0;
}

/* What is asked of CRLs for it: name and key of its issuer, and its serial number. */
static size_t id_len(const X509 *x)
{
    const int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), NULL);
    return 4 + 16 + 1 + (len > 0 ? (size_t)len : 0);
}

/* Makes "long", with a comment of that length; what of its chain stands in a session. */
static size_t make_long(size_t comment_len)
{
    char comment[4096];
    CU_ASSERT_FATAL(comment_len < sizeof(comment));
    memset(comment, 'c', comment_len);
    comment[comment_len] = '\0';
    X509 *leaf = pki_leaf(
        "long", &(struct pki){.subject = "long", .eku = "clientAuth", .comment = comment}, false);
    const size_t len = 32 + 32 + 2 + 2 + 3 + 3 + der_len(pki_intermediate) + der_len(leaf) +
                       id_len(leaf) + id_len(pki_intermediate);
    X509_free(leaf);
    return len;
}

/* A comment that just fits, give or take what signatures differ in. */
static size_t longest_comment(void)
{
    return 100 + LKS_SHOWN_MAX - make_long(100);
}

/* A chain that has no room in 4 KiB of ticket makes no session; its digest does. */
static void chain_that_is_long(void)
{
    uint32_t num_fit = 0, num_not = 0;
    mutual_begin();
    const size_t about = longest_comment();
    for (size_t len = about - 12; len < about + 8; len++) {
        struct session session = {.len = 0}, digest = {.len = 0};
        const bool fits = make_long(len) <= LKS_SHOWN_MAX;
        num_fit += fits;
        num_not += !fits;
        const enum way way = (enum way)(len % NUM_WAYS);
        struct lks_config *client = mutual_client("long"), *server = mutual_server(way, REQUIRED);
        CU_ASSERT_EQUAL(meet(client, server, &session).server, LKS_OK);
        const struct outcome o = meet(client, server, &session);
        LKS_CHECK(!o.server && o.resumed == fits && o.num_chain == 3, "way %d, %zu: resumed %d",
                  way, len, o.resumed);
        CU_ASSERT_EQUAL(lks_policy_set_client_sessions(server->policy, DIGEST, NULL), LKS_OK);
        CU_ASSERT_EQUAL(meet(client, server, &digest).server, LKS_OK);
        CU_ASSERT_TRUE(meet(client, server, &digest).resumed);
        lks_config_free(client);
        lks_config_free(server);
    }
    LKS_CHECK(num_fit && num_not, "%u fit, %u don't", num_fit, num_not);
}

/* A visit of OpenSSL's client with that certificate, for a name and a protocol that are as long as
 * can be. Whether it was resumed; *session is the next one. */
static bool openssl_visits(struct lks_config *server, int version, SSL_SESSION **session)
{
    char host[254], alpn[257];
    memset(host, 'h', sizeof(host));
    host[63] = host[127] = host[191] = '.';
    host[253] = '\0';
    memset(alpn, 'p', sizeof(alpn));
    alpn[0] = (char)255;
    alpn[256] = '\0';
    CU_ASSERT_EQUAL(lks_policy_set_alpn(server->policy, alpn + 1, NULL), LKS_OK);
    const struct client_options options = {.max_version = version,
                                           .server_name = host,
                                           .alpn = alpn,
                                           .session = *session,
                                           .waits = true};
    struct poll_loop loop;
    struct side side;
    struct client peer;
    uint8_t digest[32];
    loop_init(&loop, 64, 8192);
    side_init(&side, server);
    client_init(&peer, &options);
    CU_ASSERT_EQUAL(SSL_use_certificate_chain_file(peer.ssl, pki_path("long.pem")), 1);
    CU_ASSERT_EQUAL(SSL_use_PrivateKey_file(peer.ssl, pki_path("long.key"), SSL_FILETYPE_PEM), 1);
    client_step(&peer);
    exchange(&loop, &side, &peer);
    LKS_CHECK(side.established && SSL_is_init_finished(peer.ssl), "%s", lks_conn_reason(side.conn));
    CU_ASSERT_TRUE(lks_conn_peer_digest(side.conn, digest));
    const bool resumed = SSL_session_reused(peer.ssl);
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(peer.ssl);
    SSL_shutdown(peer.ssl);
    client_free(&peer);
    side_free(&side);
    loop_free(&loop);
    return resumed;
}

/* The longest tickets that there are have nearly 4 KiB, which others take. */
static void ticket_of_4_kib(void)
{
    mutual_begin();
    (void)make_long(longest_comment() - 32); /* signatures differ in length */
    for (enum way way = TICKET_13; way <= TICKET_12; way++) {
        const int version = way == TICKET_13 ? TLS1_3_VERSION : TLS1_2_VERSION;
        struct lks_config *server = mutual_server(way, REQUIRED);
        SSL_SESSION *session = NULL;
        const unsigned char *ticket;
        size_t len;
        set_verify_time(server, PKI_NOW);
        CU_ASSERT_FALSE(openssl_visits(server, version, &session));
        SSL_SESSION_get0_ticket(session, &ticket, &len);
        LKS_CHECK(len > 3900 && len <= 4096, "way %d: a ticket of %zu bytes", way, len);
        CU_ASSERT_TRUE(openssl_visits(server, version, &session));
        SSL_SESSION_free(session);
        lks_config_free(server);
    }
}

/* A client that is somebody else now, or nobody, shows itself. */
static void other_identity(void)
{
    mutual_begin();
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct session session = {.len = 0}, again;
        struct lks_config *server = mutual_server(way, OPTIONAL), *one = mutual_client("one"),
                          *two = mutual_client("two"), *nobody = mutual_client(NULL);
        const struct outcome first = meet(one, server, &session);
        again = session;
        const struct outcome second = meet(two, server, &again);
        LKS_CHECK(!second.resumed && second.has_digest && !same_client(&first, &second),
                  "way %d: %s", way, second.name);
        again = session;
        const struct outcome third = meet(nobody, server, &again);
        CU_ASSERT_TRUE(!third.server && !third.resumed && !third.has_digest);
        CU_ASSERT_TRUE(meet(one, server, &session).resumed);
        lks_config_free(server);
        lks_config_free(one);
        lks_config_free(two);
        lks_config_free(nobody);
    }
}

/* What was changed on its way, or is another server's, is nobody's session. */
static void changed(void)
{
    mutual_begin();
    for (enum way way = TICKET_13; way < NUM_WAYS; way++) {
        struct session session = {.len = 0}, bad;
        struct lks_config *client = mutual_client("one"), *server = mutual_server(way, REQUIRED),
                          *other = mutual_server(way, REQUIRED);
        CU_ASSERT_EQUAL(meet(client, server, &session).server, LKS_OK);
        /* The client keeps the ticket, or the ID, at the end. */
        for (size_t from_end = 1; from_end <= 32; from_end += 8) {
            bad = session;
            bad.bytes[bad.len - from_end] ^= 1;
            const struct outcome o = meet(client, server, &bad);
            LKS_CHECK(!o.server && !o.resumed && o.has_digest, "way %d, %zu", way, from_end);
        }
        CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(other->memory, psk, 32, 604800, NULL), LKS_OK);
        bad = session;
        CU_ASSERT_FALSE(meet(client, other, &bad).resumed);
        CU_ASSERT_TRUE(meet(client, server, &session).resumed);
        lks_config_free(client);
        lks_config_free(server);
        lks_config_free(other);
    }
}

/* Sessions by ID make room for each other, with what their clients have shown. */
static void many_by_id(void)
{
    mutual_begin();
    struct lks_config *client = mutual_client("one"), *server = mutual_server(ID_12, REQUIRED);
    CU_ASSERT_EQUAL(lks_memory_set_session_cache(server->memory, 4, NULL), LKS_OK);
    struct session sessions[6] = {{.len = 0}};
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(meet(client, server, &sessions[i]).server, LKS_OK);
    for (int i = 0; i < 6; i++) {
        struct session s = sessions[i];
        const struct outcome o = meet(client, server, &s);
        if (o.resumed)
            CU_ASSERT_TRUE(i >= 2 && !strcmp(o.name, "one"));
        if (i == 5)
            CU_ASSERT_FALSE(!strcmp(o.name, ""));
    }
    lks_config_free(client);
    lks_config_free(server);
}

static void accepts(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    (void)conn;
    ++*(unsigned int *)user;
    CU_ASSERT_EQUAL(lks_answer_peer(ask, UINT64_MAX, NULL), LKS_OK);
    lks_ask_free(ask);
}

/* An application that verifies clients has its say about each connection: nothing is resumed, not
 * by a session either that was made before it wanted that. Who shows nothing resumes. */
static void asked_of_the_application(void)
{
    mutual_begin();
    for (int i = 0; i < 6 * NUM_WAYS; i++) {
        const enum way way = (enum way)(i / 6);
        const bool before = i & 1;
        const int how = i % 6 / 2; /* after us, instead of us, nobody to verify */
        const enum lks_verify verify = how == 1 ? LKS_VERIFY_INSTEAD : LKS_VERIFY_AFTER;
        struct session session = {.len = 0};
        unsigned int num = 0;
        struct lks_config *client = mutual_client(how == 2 ? NULL : "one"),
                          *server = mutual_server(way, OPTIONAL);
        for (int k = 0; k < 3; k++) {
            if (k == before)
                CU_ASSERT_EQUAL(
                    lks_policy_set_verifier(server->policy, verify, accepts, &num, NULL), LKS_OK);
            const struct outcome o = meet(client, server, &session);
            const bool resumes = how == 2 && k > before;
            LKS_CHECK(!o.server && !o.client && o.resumed == resumes && o.has_digest == (how != 2),
                      "way %d, how %d, %d: %s, resumed %d", way, how, k, lks_status_name(o.server),
                      o.resumed);
        }
        LKS_CHECK(num == (how == 2 ? 0u : 3u - before), "way %d, how %d: asked %u", way, how, num);
        lks_config_free(client);
        lks_config_free(server);
    }
}

static const struct lks_test tests[] = {
    {"known again", known_again},
    {"alone, or nobody", alone_or_nobody},
    {"asked otherwise", asked_otherwise},
    {"nobody where somebody has to be", nobody_where_somebody_has_to_be},
    {"trust that changed", trust_that_changed},
    {"chain that ends", chain_that_ends},
    {"chain that is long", chain_that_is_long},
    {"ticket of 4 KiB", ticket_of_4_kib},
    {"other identity", other_identity},
    {"changed", changed},
    {"many by ID", many_by_id},
    {"asked of the application", asked_of_the_application},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"client sessions", tests}, {NULL, NULL}};
    int rc = lks_test_run("client_sessions", suites);
    pki_end();
    return rc;
}
