/* SPDX-License-Identifier: BSD-3-Clause */

/* Policy, identities and memory: who holds them, when they may be set, and a reload. */

#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/callbacks.h>

#include "conn/conn.h"
#include "handshake/core.h"
#include "test_conn.h"

struct parts {
    struct lks_policy *policy;
    struct lks_identities *identities;
    struct lks_memory *memory;
};

static void parts_free(struct parts *p)
{
    lks_policy_free(p->policy);
    lks_identities_free(p->identities);
    lks_memory_free(p->memory);
}

static const uint8_t key[32] = {1};

/* Everything that can be set, with a value that is good. */
#define SETTER(name, call)                                              \
    static enum lks_status name(struct parts *p, struct lks_error *err) \
    {                                                                   \
        return call;                                                    \
    }
#define CERT lks_from_file(test_certificates()->ecdsa_cert)
#define KEY  lks_from_file(test_certificates()->ecdsa_key)
static const uint8_t sct[] = {0, 4, 0, 2, 1, 2};
SETTER(versions, lks_policy_set_versions(p->policy, LKS_TLS_1_2, LKS_TLS_1_3, err))
SETTER(suites, lks_policy_set_suites(p->policy, "TLS_AES_128_GCM_SHA256", err))
SETTER(preset, lks_policy_set_preset(p->policy, "intermediate", err))
SETTER(groups, lks_policy_set_groups(p->policy, "x25519", err))
SETTER(schemes, lks_policy_set_signature_schemes(p->policy, "ecdsa_secp256r1_sha256", err))
SETTER(alpn, lks_policy_set_alpn(p->policy, "h2", err))
SETTER(trust, lks_policy_set_trust(p->policy, CERT, err))
SETTER(client_auth, lks_policy_set_client_auth(p->policy, LKS_CLIENT_AUTH_OFF, false, err))
/* One of "CRL", made for this, with a key that is gone. */
static const uint8_t crl[] = {
    0x30, 0x81, 0xa8, 0x30, 0x4f, 0x02, 0x01, 0x01, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x04, 0x03, 0x02, 0x30, 0x0e, 0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c,
    0x03, 0x43, 0x52, 0x4c, 0x17, 0x0d, 0x32, 0x36, 0x31, 0x31, 0x33, 0x30, 0x31, 0x39, 0x31, 0x32,
    0x35, 0x38, 0x5a, 0x18, 0x0f, 0x32, 0x31, 0x32, 0x36, 0x31, 0x31, 0x30, 0x36, 0x31, 0x39, 0x31,
    0x32, 0x35, 0x38, 0x5a, 0xa0, 0x0e, 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x14, 0x04,
    0x03, 0x02, 0x01, 0x01, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
    0x03, 0x49, 0x00, 0x30, 0x46, 0x02, 0x21, 0x00, 0xc2, 0x64, 0x61, 0x0b, 0x62, 0x19, 0xf8, 0x12,
    0x80, 0x60, 0xbb, 0x5d, 0x6e, 0xe5, 0x63, 0xb4, 0xa9, 0x1c, 0xe2, 0x6d, 0x45, 0x0d, 0xf7, 0xb5,
    0x91, 0x94, 0xa6, 0xe1, 0x93, 0x93, 0xfa, 0xc0, 0x02, 0x21, 0x00, 0xae, 0x0b, 0x1b, 0x5a, 0xed,
    0xe7, 0x67, 0x50, 0x84, 0xf4, 0xb5, 0xed, 0x0d, 0x16, 0x66, 0x1f, 0xee, 0x2c, 0x85, 0x38, 0x18,
    0xb9, 0x09, 0x35, 0x0a, 0x9e, 0xf4, 0xe7, 0x69, 0x76, 0xd6, 0xb0};
static enum lks_status crls(struct parts *p, struct lks_error *err)
{
    return lks_policy_add_crls(p->policy, lks_from_memory("crl", crl, sizeof(crl)), err);
}
SETTER(crl_lack, lks_policy_allow_crl_lack(p->policy, false, false, err))
SETTER(client_sessions, lks_policy_set_client_sessions(p->policy, LKS_CLIENT_SESSIONS_DIGEST, err))
SETTER(ocsp, lks_policy_set_ocsp(p->policy, LKS_OCSP_OFF, err))
SETTER(sct_wanted, lks_policy_set_sct_wanted(p->policy, false, err))
SETTER(sni_required, lks_policy_set_sni_required(p->policy, false, err))
SETTER(decompression, lks_policy_set_certificate_compression(p->policy, "all", err))
SETTER(tickets, lks_policy_set_tickets(p->policy, 1, 3600, err))
SETTER(psk_modes, lks_policy_set_psk_modes(p->policy, true, false, err))
SETTER(early_data, lks_policy_set_early_data(p->policy, 0, err))
SETTER(deferred_pkey, lks_policy_set_deferred_pkey(p->policy, false, err))
SETTER(signer, lks_policy_set_signer(p->policy, NULL, NULL, err))
SETTER(hello, lks_policy_set_hello(p->policy, NULL, NULL, err))
SETTER(verifier, lks_policy_set_verifier(p->policy, LKS_VERIFY_AFTER, NULL, NULL, err))
SETTER(clock_set, lks_policy_set_clock(p->policy, NULL, NULL, err))
SETTER(trace, lks_policy_set_trace(p->policy, NULL, NULL, err))
SETTER(store, lks_memory_set_session_store(p->memory, NULL, NULL, NULL, NULL, err))
SETTER(keep, lks_policy_set_keep(p->policy, LKS_KEEP_NAMES, err))
SETTER(grease, lks_policy_set_grease(p->policy, false, err))
SETTER(compatibility, lks_policy_set_compatibility(p->policy, true, err))
SETTER(record_size, lks_policy_set_record_size_limit(p->policy, 16385, err))
SETTER(padding, lks_policy_set_padding(p->policy, LKS_PADDING_NONE, 0, err))
SETTER(key_log, lks_policy_set_key_log(p->policy, "/dev/null", err))
SETTER(key_log_queue, lks_policy_queue_key_log(p->policy, NULL, NULL, err))
SETTER(certificate, lks_identities_add_certificate(p->identities, CERT, KEY, err))
SETTER(timestamps, lks_identities_set_sct(p->identities, lks_from_memory("scts", sct, 6), err))
SETTER(compression, lks_identities_set_compression(p->identities, "all", err))
SETTER(psk, lks_identities_add_psk(p->identities, key, 1, key, 32, "SHA256", err))
SETTER(session_cache, lks_memory_set_session_cache(p->memory, 64, err))
SETTER(replay, lks_memory_set_replay(p->memory, 60000, 64, err))
SETTER(cookie_key, lks_memory_set_cookie_key(p->memory, key, err))
/* These are for a living memory, too. */
SETTER(ticket_secret, lks_memory_set_ticket_secret(p->memory, key, 32, 3600, err))
SETTER(ticket_random, lks_memory_set_ticket_random(p->memory, 3600, err))
SETTER(reload, lks_memory_reload_ticket_keys(p->memory, NULL, err))

static const struct setter {
    const char *name;
    enum lks_status (*set)(struct parts *p, struct lks_error *err);
    bool lives;
} setters[] = {
    {"versions", versions, false},
    {"suites", suites, false},
    {"preset", preset, false},
    {"groups", groups, false},
    {"signature schemes", schemes, false},
    {"ALPN", alpn, false},
    {"trust", trust, false},
    {"client authentication", client_auth, false},
    {"CRLs", crls, false},
    {"lack of CRLs", crl_lack, false},
    {"clients' sessions", client_sessions, false},
    {"OCSP", ocsp, false},
    {"timestamps wanted", sct_wanted, false},
    {"SNI", sni_required, false},
    {"the peer's compression", decompression, false},
    {"tickets", tickets, false},
    {"PSK modes", psk_modes, false},
    {"early data", early_data, false},
    {"deferred", deferred_pkey, false},
    {"signer", signer, false},
    {"hello", hello, false},
    {"verifier", verifier, false},
    {"clock", clock_set, false},
    {"trace", trace, false},
    {"session store", store, false},
    {"what is kept", keep, false},
    {"GREASE", grease, false},
    {"compatibility", compatibility, false},
    {"record size", record_size, false},
    {"padding", padding, false},
    {"key log", key_log, false},
    {"key log's queue", key_log_queue, false},
    {"certificate", certificate, false},
    {"timestamps", timestamps, false},
    {"compression", compression, false},
    {"PSK", psk, false},
    {"session cache", session_cache, false},
    {"replay", replay, false},
    {"cookie key", cookie_key, false},
    {"ticket secret", ticket_secret, true},
    {"random ticket keys", ticket_random, true},
    {"reload", reload, true},
};
#define NUM_SETTERS (sizeof(setters) / sizeof(setters[0]))

static struct parts new_parts(void)
{
    struct parts p;
    CU_ASSERT_EQUAL_FATAL(lks_policy_new(&p.policy), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_identities_new(&p.identities), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_memory_new(&p.memory), LKS_OK);
    return p;
}

static struct lks_config *join(struct parts *p)
{
    struct lks_config *config = NULL;
    struct lks_error err;
    LKS_CHECK(!lks_config_new(&config, p->policy, p->identities, p->memory, &err), "%s", err.text);
    return config;
}

/* Before a configuration is made of them parts can be set, afterwards not; and a thread that comes
 * while another one sets something is told so. With and without a place for the message. */
static void frozen(void)
{
    struct parts p = new_parts();
    for (size_t i = 0; i < NUM_SETTERS; i++) {
        struct lks_error err = {"before"};
        LKS_CHECK(!setters[i].set(&p, &err) && !err.text[0], "%s: %s", setters[i].name, err.text);
    }
    struct lks_part *const all[] = {&p.policy->part, &p.identities->part, &p.memory->part};
    for (size_t k = 0; k < 3; k++)
        atomic_store(&all[k]->state, LKS_PART_TAKEN);
    for (size_t i = 0; i < NUM_SETTERS; i++) {
        struct lks_error err = {""};
        LKS_CHECK(setters[i].lives || (setters[i].set(&p, &err) == LKS_BAD_ARGUMENT &&
                                       strstr(err.text, "another thread")),
                  "%s, taken: %s", setters[i].name, err.text);
    }
    for (size_t k = 0; k < 3; k++) {
        struct lks_config *none = NULL;
        struct lks_error err;
        for (size_t i = 0; i < 3; i++)
            atomic_store(&all[i]->state, i == k ? LKS_PART_TAKEN : LKS_PART_OPEN);
        CU_ASSERT_EQUAL(lks_config_new(&none, p.policy, p.identities, p.memory, &err),
                        LKS_BAD_ARGUMENT);
        LKS_CHECK(!none && strstr(err.text, all[k]->name) == err.text, "%s", err.text);
        atomic_store(&all[k]->state, LKS_PART_OPEN);
    }
    struct lks_config *config = join(&p);
    for (size_t i = 0; i < NUM_SETTERS; i++) {
        struct lks_error err = {""};
        const enum lks_status wanted = setters[i].lives ? LKS_OK : LKS_FROZEN;
        LKS_CHECK(setters[i].set(&p, &err) == wanted &&
                      (!wanted || strstr(err.text, "in a new one")),
                  "%s, frozen: %s", setters[i].name, err.text);
        LKS_CHECK(setters[i].set(&p, NULL) == wanted, "%s without a place for it", setters[i].name);
    }
    lks_config_free(config);
    CU_ASSERT_EQUAL(versions(&p, NULL), LKS_FROZEN); /* others may have seen it */
    parts_free(&p);
}

/* What a connection says of itself stands in the parts that it was made with. */
static void check_names(const struct lks_conn *conn)
{
    struct lks_conn_info info;
    size_t len;
    FILE *f = fopen(test_certificates()->ecdsa_cert, "r");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    uint8_t *der = NULL;
    const int der_len = i2d_X509(x, &der);
    const uint8_t *own = lks_conn_own_certificate(conn, &len);
    CU_ASSERT_TRUE(own && der_len > 0 && len == (size_t)der_len && !memcmp(own, der, len));
    lks_conn_get_info(conn, &info);
    CU_ASSERT_STRING_EQUAL(info.alpn, "h2");
    OPENSSL_free(der);
    X509_free(x);
    if (f)
        fclose(f);
}

/* Whoever is freed last, and others in their place or not; the memory outlives what it was joined
 * with. */
static void references(void)
{
    struct parts p = new_parts();
    CU_ASSERT_EQUAL(certificate(&p, NULL), LKS_OK);
    CU_ASSERT_EQUAL(trust(&p, NULL), LKS_OK);
    CU_ASSERT_EQUAL(alpn(&p, NULL), LKS_OK);
    CU_ASSERT_EQUAL(keep(&p, NULL), LKS_OK);
    struct lks_config *config = join(&p);
    CU_ASSERT_PTR_EQUAL(lks_config_ref(config), config);
    struct loopback l;
    loopback_init(&l, config, config, &localhost);
    lks_policy_free(p.policy);
    lks_identities_free(p.identities);
    lks_config_free(config);
    lks_config_free(config);
    loopback_run(&l);
    CU_ASSERT_TRUE(l.client.established && l.server.established);
    check_names(l.server.conn);
    struct parts next = new_parts();
    lks_memory_free(next.memory);
    next.memory = p.memory;
    CU_ASSERT_EQUAL(lks_policy_set_alpn(next.policy, "other", NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_identities_add_certificate(
                        next.identities, lks_from_file(test_certificates()->rsa_cert),
                        lks_from_file(test_certificates()->rsa_key), NULL),
                    LKS_OK);
    config = join(&next);
    check_names(l.server.conn);
    loopback_free(&l);
    parts_free(&next);
    lks_config_free(config);
    lks_policy_free(NULL);
    lks_identities_free(NULL);
    lks_memory_free(NULL);
    lks_config_free(NULL);
}

/* What a role lacks is said when asked, and refused in any case. */
static void lacking(void)
{
    static const struct {
        bool certificate, memory, early_data, replay;
        const char *cause; /* NULL: nothing lacks */
    } rows[] = {
        {false, true, false, false, "lks_identities_add_certificate()"},
        {true, false, false, false, "lks_memory_new()"},
        {true, true, true, false, "lks_memory_set_replay()"},
        {true, true, true, true, NULL},
        {true, true, false, false, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct parts p = new_parts();
        struct lks_config *config;
        struct lks_conn *conn;
        struct lks_error err = {""};
        if (rows[i].certificate)
            CU_ASSERT_EQUAL(certificate(&p, &err), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_early_data(p.policy, rows[i].early_data, &err), LKS_OK);
        if (rows[i].replay)
            CU_ASSERT_EQUAL(replay(&p, &err), LKS_OK);
        CU_ASSERT_EQUAL_FATAL(lks_config_new(&config, p.policy,
                                             rows[i].certificate ? p.identities : NULL,
                                             rows[i].memory ? p.memory : NULL, &err),
                              LKS_OK);
        const enum lks_status wanted = rows[i].cause ? LKS_BAD_CONFIG : LKS_OK;
        CU_ASSERT_EQUAL(lks_config_check(config, LKS_SERVER, &err), wanted);
        LKS_CHECK(!rows[i].cause || strstr(err.text, rows[i].cause), "%s", err.text);
        CU_ASSERT_EQUAL(lks_config_check(config, LKS_SERVER, NULL), wanted);
        CU_ASSERT_EQUAL(lks_conn_new(&conn, config, LKS_SERVER, NULL), wanted);
        lks_conn_free(conn);
        CU_ASSERT_EQUAL(lks_config_check(config, LKS_CLIENT, &err), LKS_OK);
        CU_ASSERT_EQUAL(lks_conn_new(&conn, config, LKS_CLIENT, NULL), LKS_OK);
        lks_conn_free(conn);
        lks_config_free(config);
        parts_free(&p);
    }
    struct lks_config *none;
    struct lks_error err;
    CU_ASSERT_EQUAL(lks_config_new(&none, NULL, NULL, NULL, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_config_new(&none, NULL, NULL, NULL, &err), LKS_BAD_ARGUMENT);
    LKS_CHECK(!none && strstr(err.text, "lks_policy_new()"), "%s", err.text);
}

/* A server's, of a memory that there is or a new one. */
static struct lks_config *a_server(struct lks_memory *memory, uint32_t num_tickets,
                                   uint32_t max_early, uint16_t max, const char *groups_of)
{
    struct parts p = new_parts();
    struct lks_config *config = NULL;
    CU_ASSERT_EQUAL(certificate(&p, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_early_data(p.policy, max_early, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(p.policy, num_tickets, 3600, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_versions(p.policy, LKS_TLS_1_2, max, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_groups(p.policy, groups_of, NULL), LKS_OK);
    CU_ASSERT_EQUAL(replay(&p, NULL), LKS_OK);
    CU_ASSERT_EQUAL(
        lks_config_new(&config, p.policy, p.identities, memory ? memory : p.memory, NULL), LKS_OK);
    parts_free(&p);
    return config;
}

static struct lks_config *a_client(void)
{
    struct lks_policy *policy;
    struct lks_config *config = NULL;
    CU_ASSERT_EQUAL_FATAL(lks_policy_new(&policy), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_trust(policy, CERT, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_groups(policy, "x25519,secp256r1", NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_config_new(&config, policy, NULL, NULL, NULL), LKS_OK);
    lks_policy_free(policy);
    return config;
}

/* Tickets of TLS 1.3 and 1.2 and sessions by ID of before are taken behind a reload, which makes a
 * policy and identities anew, while the old configuration goes on; not with another memory. */
static void reload_resumes(void)
{
    for (int i = 0; i < 6; i++) {
        const uint16_t max = i / 2 ? LKS_TLS_1_2 : LKS_TLS_1_3;
        const bool same = i & 1;
        const uint32_t num = i / 2 < 2; /* tickets */
        struct lks_config *client = a_client(), *server = a_server(NULL, num, 0, max, "x25519");
        struct lks_config *next = a_server(same ? server->memory : NULL, num, 0, max, "x25519");
        uint8_t session[LKS_SESSION_MAX], again[LKS_SESSION_MAX];
        size_t len = 0, again_len;
        CU_ASSERT_FALSE(loopback_visit(client, server, &localhost, session, &len, NULL));
        CU_ASSERT_TRUE(len > 0);
        memcpy(again, session, len);
        again_len = len;
        LKS_CHECK(loopback_visit(client, next, &localhost, session, &len, NULL) == same,
                  "way %d, same memory %d", i / 2, same);
        lks_config_free(next);
        CU_ASSERT_TRUE(loopback_visit(client, server, &localhost, again, &again_len, NULL));
        lks_config_free(server);
        lks_config_free(client);
    }
}

/* Another server, which is sent these bytes. */
static void replace_server(struct loopback *l, struct lks_config *config,
                           const struct buffer *bytes)
{
    side_free(&l->server);
    side_init(&l->server, config);
    buffer_add(&l->server.wire_in, bytes->data, bytes->len);
}

/* Early data that were taken before a reload are not taken again behind it; and those of old
 * tickets only where the new policy allows as many. */
static void reload_remembers_early_data(void)
{
    static const struct {
        uint32_t max;
        bool fresh; /* another hello */
        bool taken;
    } rows[] = {{1000, false, false},
                {1000, true, true},
                {1001, true, true},
                {999, true, false},
                {0, true, false}};
    static const uint8_t bytes[100];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *client = a_client();
        struct lks_config *server = a_server(NULL, 1, 1000, LKS_TLS_1_3, "x25519");
        struct lks_config *next = a_server(server->memory, 1, rows[i].max, LKS_TLS_1_3, "x25519");
        uint8_t session[LKS_SESSION_MAX];
        size_t len = 0;
        CU_ASSERT_FALSE(loopback_visit(client, server, &localhost, session, &len, NULL));
        struct lks_conn_options options = localhost;
        options.session = session;
        options.session_len = len;
        options.early_data = true;
        struct loopback l;
        struct buffer flight = {0};
        loopback_init(&l, client, server, &options);
        buffer_add(&l.client.to_send, bytes, sizeof(bytes));
        loopback_turn(&l);
        buffer_add(&flight, l.server.wire_in.data, l.server.wire_in.len);
        if (!rows[i].fresh) {
            loopback_run(&l);
            CU_ASSERT_EQUAL(l.server.received_early.len, sizeof(bytes));
        }
        replace_server(&l, next, &flight);
        while (loop_poll(&l.loop, &(struct side *){&l.server}, 1))
            ;
        LKS_CHECK(!l.server.end &&
                      l.server.received_early.len == (rows[i].taken ? sizeof(bytes) : 0),
                  "row %zu: %s, %zu bytes", i, lks_status_name(l.server.end),
                  l.server.received_early.len);
        buffer_free(&flight);
        loopback_free(&l);
        lks_config_free(next);
        lks_config_free(server);
        lks_config_free(client);
    }
}

/* A client that was asked again before a reload is known behind it. */
static void reload_knows_cookies(void)
{
    for (int same = 0; same < 2; same++) {
        struct lks_config *client = a_client();
        struct lks_config *server = a_server(NULL, 1, 0, LKS_TLS_1_3, "secp256r1");
        struct lks_config *next =
            a_server(same ? server->memory : NULL, 1, 0, LKS_TLS_1_3, "secp256r1");
        struct lks_conn_info info;
        struct buffer hello = {0};
        struct loopback l;
        loopback_init(&l, client, server, &localhost);
        for (int turn = 0; turn < 3; turn++) /* hello, HelloRetryRequest, hello */
            loopback_turn(&l);
        buffer_add(&hello, l.server.wire_in.data, l.server.wire_in.len);
        replace_server(&l, next, &hello);
        buffer_free(&hello);
        loopback_run(&l);
        lks_conn_get_info(l.server.conn, &info);
        LKS_CHECK(info.hello_retried || !same, "same memory %d", same);
        LKS_CHECK(l.server.established == same &&
                      l.server.end == (same ? LKS_OK : LKS_ALERT_ILLEGAL_PARAMETER),
                  "same memory %d: %s", same, lks_status_name(l.server.end));
        loopback_free(&l);
        lks_config_free(next);
        lks_config_free(server);
        lks_config_free(client);
    }
}

/* What is no role, and no configuration. */
static void no_such_role(void)
{
    struct lks_config *config = a_client();
    struct lks_conn *conn;
    struct lks_error err;
    const struct lks_traffic_keys keys = {.suite = 0x1301, .key_len = 16, .secret_len = 32};
    for (int role = -1; role <= 2; role++) {
        const bool is_one = role == LKS_SERVER || role == LKS_CLIENT;
        const enum lks_role r = (enum lks_role)role;
        if (!is_one) {
            CU_ASSERT_EQUAL(lks_config_check(config, r, &err), LKS_BAD_ARGUMENT);
            LKS_CHECK(strstr(err.text, "no role"), "%s", err.text);
            CU_ASSERT_EQUAL(lks_conn_new(&conn, config, r, &localhost), LKS_BAD_ARGUMENT);
        }
        CU_ASSERT_EQUAL(lks_conn_import(&conn, config, r, &keys, &keys),
                        is_one ? LKS_OK : LKS_BAD_ARGUMENT);
        lks_conn_free(conn);
        CU_ASSERT_EQUAL(lks_conn_new(&conn, NULL, r, &localhost), LKS_BAD_ARGUMENT);
        CU_ASSERT_EQUAL(lks_conn_import(&conn, NULL, r, &keys, &keys), LKS_BAD_ARGUMENT);
        CU_ASSERT_PTR_NULL(conn);
    }
    lks_config_free(config);
}

#define THREADS 3
#define VISITS  8

/* What threads share: each takes the configuration that there is at the time, and the session that
 * any of them got last. */
static struct {
    pthread_mutex_t lock;
    struct lks_config *client, *server;
    uint8_t session[LKS_SESSION_MAX];
    size_t session_len;
    atomic_uint num_resumed, num_failed, num_done;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct lks_config *current(void)
{
    pthread_mutex_lock(&shared.lock);
    struct lks_config *config = lks_config_ref(shared.server);
    pthread_mutex_unlock(&shared.lock);
    return config;
}

static void *work(void *arg)
{
    (void)arg;
    for (unsigned int i = 0; i < VISITS; i++) {
        struct lks_config *server = current();
        struct lks_conn_options options = localhost;
        uint8_t session[LKS_SESSION_MAX];
        struct lks_conn_info info;
        struct loopback l;
        pthread_mutex_lock(&shared.lock);
        memcpy(session, shared.session, shared.session_len);
        options.session = shared.session_len ? session : NULL;
        options.session_len = shared.session_len;
        pthread_mutex_unlock(&shared.lock);
        loopback_init(&l, shared.client, server, &options);
        lks_config_free(server);
        loopback_run(&l);
        lks_conn_get_info(l.server.conn, &info);
        atomic_fetch_add(&shared.num_resumed, info.resumed);
        atomic_fetch_add(&shared.num_failed, !l.client.established || !l.server.established);
        pthread_mutex_lock(&shared.lock);
        if (l.client.session_len) {
            memcpy(shared.session, l.client.session, l.client.session_len);
            shared.session_len = l.client.session_len;
        }
        pthread_mutex_unlock(&shared.lock);
        loopback_free(&l);
    }
    atomic_fetch_add(&shared.num_done, 1);
    return NULL;
}

/* Cores shake hands while another one reloads, changes ticket keys and tries what it may not; each
 * resumes what others have begun. */
static void share(uint32_t num_tickets, uint16_t max)
{
    pthread_t thread[THREADS];
    unsigned int num_frozen = 0, num_tries = 0;
    shared.client = a_client();
    shared.server = a_server(NULL, num_tickets, 0, max, "x25519");
    shared.session_len = 0;
    shared.num_resumed = shared.num_failed = shared.num_done = 0;
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, work, NULL), 0);
    do {
        struct lks_config *next = a_server(shared.server->memory, num_tickets, 0, max, "x25519"),
                          *before;
        struct parts of_next = {next->policy, next->identities, next->memory};
        for (size_t i = 0; i < NUM_SETTERS; i++) {
            num_tries += !setters[i].lives;
            num_frozen += setters[i].set(&of_next, NULL) == LKS_FROZEN;
        }
        const enum lks_status status = ticket_secret(&of_next, NULL); /* as the last time */
        LKS_CHECK(!status || status == LKS_WANT_ROOM, "%s", lks_status_name(status));
        pthread_mutex_lock(&shared.lock);
        before = shared.server;
        shared.server = next;
        pthread_mutex_unlock(&shared.lock);
        lks_config_free(before);
    } while (atomic_load(&shared.num_done) < THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    CU_ASSERT_EQUAL(num_frozen, num_tries);
    CU_ASSERT_EQUAL(atomic_load(&shared.num_failed), 0);
    CU_ASSERT_TRUE(atomic_load(&shared.num_resumed) > 0);
    lks_config_free(shared.client);
    lks_config_free(shared.server);
}

static void threads(void)
{
    share(1, LKS_TLS_1_3);
}

static void threads_of_tls12(void)
{
    share(1, LKS_TLS_1_2);
    share(0, LKS_TLS_1_2); /* by session ID */
}

static const struct lks_test tests[] = {
    {"frozen", frozen},
    {"references", references},
    {"lacking", lacking},
    {"no such role", no_such_role},
    {"reload resumes", reload_resumes},
    {"reload remembers early data", reload_remembers_early_data},
    {"reload knows cookies", reload_knows_cookies},
    {"threads", threads},
    {"threads of TLS 1.2", threads_of_tls12},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites_of[] = {{"parts", tests}, {NULL, NULL}};
    int rc = lks_test_run("parts", suites_of);
    test_certificates_remove();
    return rc;
}
