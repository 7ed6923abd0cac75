/* SPDX-License-Identifier: BSD-3-Clause */

/* Certificates of both sides over whole connections: who gets which, and what becomes of bad ones.
 */

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/certificate/certificate.h"
#include "handshake/certificate/file.h"
#include "handshake/config.h"
#include "handshake/core.h"
#include "pki_files.h"
#include "test_conn.h"

#define SERVER_LEAF                                                      \
    {                                                                    \
        .subject = "server", .san = "DNS:localhost", .eku = "serverAuth" \
    }
#define CLIENT_LEAF                              \
    {                                            \
        .subject = "client", .eku = "clientAuth" \
    }

static bool der_is(const uint8_t *der, size_t len, X509 *cert)
{
    uint8_t *own = NULL;
    int own_len = i2d_X509(cert, &own);
    bool same = own_len > 0 && (size_t)own_len == len && memcmp(der, own, len) == 0;
    OPENSSL_free(own);
    return same;
}

/* Runs a handshake to its end and says what each side came to. */
static void run(struct lks_config *client, struct lks_config *server, enum lks_status client_end,
                enum lks_status server_end, const char *what)
{
    struct loopback l;
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    LKS_CHECK(l.client.end == client_end && l.server.end == server_end, "%s: client %s, server %s",
              what, lks_status_name(l.client.end), lks_status_name(l.server.end));
    if (!server_end)
        CU_ASSERT_TRUE(l.client.established && l.server.established);
    if (!client_end && !server_end) {
        buffer_add(&l.client.to_send, "ping", 4);
        buffer_add(&l.server.to_send, "pong", 4);
        loopback_run(&l);
        CU_ASSERT_TRUE(l.client.received.len == 4 && l.server.received.len == 4);
    }
    loopback_free(&l);
}

/* RFC 8446 sections 4.3.2 and 4.4.2.
 * [8446 4.3.2-1 4.3.2-2 4.3.2-4 4.4.2-2 4.4.2-3 4.4.2-4 4.4.2-5 4.4.3-1] */
static void client_authentication(void)
{
    pki_begin();
    X509_free(pki_leaf("server", &(struct pki)SERVER_LEAF, false));
    X509_free(pki_leaf("client", &(struct pki)CLIENT_LEAF, false));
    X509_free(pki_leaf("ed25519", &(struct pki){.subject = "c", .key = PKI_ED25519}, false));
    X509_free(pki_leaf("rsa", &(struct pki){.subject = "c", .key = PKI_RSA_2048}, false));
    X509_free(pki_leaf("pss", &(struct pki){.subject = "c", .key = PKI_RSA_PSS}, false));
    X509_free(pki_leaf("p521", &(struct pki){.subject = "c", .key = PKI_P521}, false));
    X509_free(pki_leaf("stranger", &(struct pki)CLIENT_LEAF, true));
    X509_free(pki_leaf(
        "old", &(struct pki){.subject = "c", .eku = "clientAuth", .begin = -9000, .end = -1},
        false));
    static const struct {
        const char *certificate;
        enum lks_client_auth mode;
        bool authorities;
        enum lks_status status; /* the server's */
    } rows[] = {
        {NULL, LKS_CLIENT_AUTH_OFF, false, LKS_OK},
        {"client", LKS_CLIENT_AUTH_OFF, false, LKS_OK},
        {NULL, LKS_CLIENT_AUTH_OPTIONAL, false, LKS_OK},
        {NULL, LKS_CLIENT_AUTH_REQUIRED, false, LKS_ALERT_CERTIFICATE_REQUIRED},
        {"client", LKS_CLIENT_AUTH_OPTIONAL, false, LKS_OK},
        {"client", LKS_CLIENT_AUTH_REQUIRED, false, LKS_OK},
        {"ed25519", LKS_CLIENT_AUTH_REQUIRED, false, LKS_OK},
        {"rsa", LKS_CLIENT_AUTH_REQUIRED, false, LKS_OK},
        {"pss", LKS_CLIENT_AUTH_REQUIRED, false, LKS_OK},
        {"p521", LKS_CLIENT_AUTH_REQUIRED, false, LKS_OK},
        {"client", LKS_CLIENT_AUTH_REQUIRED, true, LKS_OK},
        {"stranger", LKS_CLIENT_AUTH_REQUIRED, false, LKS_ALERT_UNKNOWN_CA},
        {"stranger", LKS_CLIENT_AUTH_OPTIONAL, false, LKS_ALERT_UNKNOWN_CA},
        /* Told whom the server trusts, it knows better than to show this one. */
        {"stranger", LKS_CLIENT_AUTH_OPTIONAL, true, LKS_OK},
        {"stranger", LKS_CLIENT_AUTH_REQUIRED, true, LKS_ALERT_CERTIFICATE_REQUIRED},
        {"old", LKS_CLIENT_AUTH_REQUIRED, false, LKS_ALERT_CERTIFICATE_EXPIRED},
        {"server", LKS_CLIENT_AUTH_REQUIRED, false, LKS_ALERT_UNSUPPORTED_CERTIFICATE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *client = pki_config(), *server = pki_config();
        pki_add(server, "server");
        CU_ASSERT_EQUAL(
            lks_policy_set_client_auth(server->policy, rows[i].mode, rows[i].authorities, NULL),
            LKS_OK);
        if (rows[i].certificate)
            pki_add(client, rows[i].certificate);
        /* The client is done before the server has looked. */
        run(client, server, rows[i].status ? LKS_PEER_ALERT : LKS_OK, rows[i].status,
            rows[i].certificate ? rows[i].certificate : "none");
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* Both see whom they talk to, until input comes after the handshake. [8446 4.4.2-8] */
static void peer_certificates(void)
{
    struct loopback l;
    size_t len;
    pki_begin();
    X509 *server_leaf = pki_leaf("server", &(struct pki)SERVER_LEAF, false);
    X509 *client_leaf = pki_leaf("client", &(struct pki)CLIENT_LEAF, false);
    struct lks_config *client = pki_config(), *server = pki_config();
    pki_add(server, "server");
    pki_add(client, "client");
    CU_ASSERT_EQUAL(
        lks_policy_set_client_auth(server->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL), LKS_OK);
    loopback_init(&l, client, server, &localhost);
    CU_ASSERT_PTR_NULL(lks_conn_peer_certificate(l.client.conn, &len));
    CU_ASSERT_EQUAL(len, 0);
    while (!l.server.established && loopback_turn(&l))
        ;
    CU_ASSERT_TRUE(l.server.established);
    const uint8_t *der = lks_conn_peer_certificate(l.server.conn, &len);
    CU_ASSERT_TRUE(der && der_is(der, len, client_leaf));
    der = lks_conn_peer_certificate(l.client.conn, &len);
    CU_ASSERT_TRUE(der && der_is(der, len, server_leaf));
    CU_ASSERT_PTR_NULL(lks_conn_peer_scts(l.client.conn, &len));
    struct lks_traffic_keys keys;
    CU_ASSERT_EQUAL(lks_conn_export(l.server.conn, LKS_OPEN, &keys), LKS_OK);
    buffer_add(&l.client.to_send, "x", 1);
    buffer_add(&l.server.to_send, "y", 1);
    loopback_run(&l);
    CU_ASSERT_PTR_NULL(lks_conn_peer_certificate(l.server.conn, &len));
    CU_ASSERT_PTR_NULL(lks_conn_peer_certificate(l.client.conn, &len));
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
    X509_free(server_leaf);
    X509_free(client_leaf);
}

/* Which certificate a server shows: its leaf's common name. [8446 4.4.2.2-2 4.4.2.2-3 4.4.3-4
 * 9.2-13] */
static void choice(void)
{
    static const struct {
        const char *name;
        struct pki what;
    } leaves[] = {
        {"first", {.subject = "first", .san = "DNS:first.test"}},
        {"wild", {.subject = "wild", .san = "DNS:*.example.test"}},
        {"exact-rsa", {.subject = "exact-rsa", .san = "DNS:a.example.test", .key = PKI_RSA_2048}},
        {"exact-ec", {.subject = "exact-ec", .san = "DNS:a.example.test"}},
        {"exact-ed", {.subject = "exact-ed", .san = "DNS:a.example.test", .key = PKI_ED25519}},
        {"dot", {.subject = "dot", .san = "DNS:DOT.Test."}},
        {"decrypts",
         {.subject = "decrypts",
          .san = "DNS:c.example.test",
          .usage = "keyEncipherment",
          .key = PKI_RSA_2048}},
    };
    static const struct {
        const char *name, *schemes, *cert_schemes, *wanted;
    } rows[] = {
        {"a.example.test", "0403 0807 0804", "", "exact-rsa"}, /* as added: all can sign */
        {"A.Example.TEST", "0403", "", "exact-ec"},
        {"a.example.test.", "0403", "", "exact-ec"}, /* as Chromium sends it */
        {"B.example.test.", "0403", "", "wild"},
        {"a.example.test..", "0403", "", "first"},
        {"dot.test", "0403", "", "dot"},
        {"dot.test.", "0403", "", "dot"},
        {"a.example.test", "0807", "", "exact-ed"},
        {"a.example.test", "0804", "", "exact-rsa"},
        {"a.example.test", "0503", "", NULL}, /* nobody has a P-384 key */
        {"b.example.test", "0403 0804", "", "wild"},
        {"b.example.test", "0804", "", "exact-rsa"}, /* no better name can sign */
        {"b.a.example.test", "0403", "", "first"},
        {"example.test", "0403", "", "first"},
        {"", "0403 0804", "", "first"},
        {"c.example.test", "0804 0403", "", "wild"}, /* the exact one may not sign */
        {"first.test", "0403", "0503", "first"},
        {"first.test", "0403", "0401", "first"}, /* the chain does not suit; the name does */
    };
    struct lks_config *config = pki_config();
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        X509_free(pki_leaf(leaves[i].name, &leaves[i].what, false));
        pki_add(config, leaves[i].name);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t schemes[16], cert_schemes[16];
        size_t len = lks_test_hex(rows[i].schemes, schemes, sizeof(schemes));
        size_t cert_len = lks_test_hex(rows[i].cert_schemes, cert_schemes, sizeof(cert_schemes));
        const struct lks_wish wish = {
            lks_reader_of((const uint8_t *)rows[i].name, strlen(rows[i].name)),
            lks_reader_of(schemes, len),
            lks_reader_of(cert_schemes, cert_len),
            {0}};
        const struct lks_sign_scheme *scheme = NULL;
        const struct lks_certificate *c = lks_config_choose(config, &wish, &scheme);
        char got[64] = "none";
        if (c)
            X509_NAME_get_text_by_NID(X509_get_subject_name(sk_X509_value(c->chain, 0)),
                                      NID_commonName, got, sizeof(got));
        LKS_CHECK(strcmp(got, rows[i].wanted ? rows[i].wanted : "none") == 0, "\"%s\" %s: %s",
                  rows[i].name, rows[i].schemes, got);
        CU_ASSERT_TRUE(!c || lks_sign_fits(scheme, c->key));
    }
    lks_config_free(config);
}

/* Two chains for a name: the one whose signatures the client knows. [8446 4.4.2.2-4]
 * [5246 7.4.2-14] */
static void choice_by_chain(void)
{
    const struct lks_sign_scheme *scheme;
    struct lks_config *config = pki_config();
    pki_begin();
    const struct pki what = {.subject = "a", .san = "DNS:a.test"};
    X509 *rsa_root =
        pki_make(&(struct pki){.subject = "rsa root", .ca = true, .key = PKI_RSA_2048}, NULL, 0);
    X509 *rsa_leaf = pki_make(&what, rsa_root, PKI_RSA_2048);
    X509_free(pki_leaf("by-ecdsa", &what, false));
    FILE *f = pki_create("by-rsa.pem");
    PEM_write_X509(f, rsa_leaf);
    fclose(f);
    f = pki_create("by-rsa.key");
    PEM_write_PrivateKey(f, pki_key(PKI_P256), NULL, NULL, 0, NULL, NULL);
    fclose(f);
    pki_add(config, "by-ecdsa");
    pki_add(config, "by-rsa");
    static const uint8_t sign[] = {4, 3}, rsa[] = {4, 1}, both[] = {4, 1, 4, 3, 5, 3},
                         ed25519[] = {8, 7};
    struct lks_wish wish = {.name = lks_reader_of((const uint8_t *)"a.test", 6),
                            .schemes = lks_reader_of(sign, 2),
                            .cert_schemes = lks_reader_of(rsa, 2)};
    CU_ASSERT_PTR_EQUAL(lks_config_choose(config, &wish, &scheme),
                        config->identities->certificates->next);
    wish.cert_schemes = lks_reader_of(both, 6);
    CU_ASSERT_PTR_EQUAL(lks_config_choose(config, &wish, &scheme),
                        config->identities->certificates);
    /* A chain of neither kind is better than none; a client's MUST suit. */
    wish.cert_schemes = lks_reader_of(ed25519, 2);
    CU_ASSERT_PTR_EQUAL(lks_config_choose(config, &wish, &scheme),
                        config->identities->certificates);
    wish.chain_must_suit = true;
    CU_ASSERT_PTR_NULL(lks_config_choose(config, &wish, &scheme));
    X509_free(rsa_root);
    X509_free(rsa_leaf);
    lks_config_free(config);
}

/* SHA-1 only where nothing else has the name, and where the client lists it: sections 4.2.3 and
 * 4.4.2.2. [8446 4.2.3-11 4.4.2.2-5] */
static void choice_by_sha1(void)
{
    static const uint8_t good[] = {4, 3}, good_and_sha1[] = {2, 3, 4, 3};
    static const struct {
        const char *name;
        bool lists_sha1;
        const char *wanted;
    } rows[] = {
        {"a.sha.test", true, "wild"},  {"a.sha.test", false, "wild"},
        {"b.old.test", true, "old"},   {"b.old.test", false, "wild"}, /* better another's */
        {"c.wild.test", true, "wild"}, {"", true, "wild"},
    };
    const struct lks_sign_scheme *scheme;
    struct lks_config *config = pki_config();
    pki_begin();
    X509_free(pki_leaf("old",
                       &(struct pki){.subject = "old",
                                     .san = "DNS:a.sha.test,DNS:b.old.test",
                                     .digest = EVP_sha1()},
                       false));
    X509_free(pki_leaf("wild", &(struct pki){.subject = "wild", .san = "DNS:*.sha.test"}, false));
    pki_add(config, "old");
    pki_add(config, "wild");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct lks_wish wish = {
            .name = lks_reader_of((const uint8_t *)rows[i].name, strlen(rows[i].name)),
            .schemes = lks_reader_of(good, 2),
            .cert_schemes =
                rows[i].lists_sha1 ? lks_reader_of(good_and_sha1, 4) : lks_reader_of(good, 2)};
        const struct lks_certificate *c = lks_config_choose(config, &wish, &scheme);
        LKS_CHECK(c == (strcmp(rows[i].wanted, "old") ? config->identities->certificates->next
                                                      : config->identities->certificates),
                  "\"%s\", SHA-1 %d", rows[i].name, rows[i].lists_sha1);
    }
    /* Alone it is shown to nobody who does not list it. */
    struct lks_config *alone = pki_config();
    struct lks_wish wish = {.schemes = lks_reader_of(good, 2)};
    pki_add(alone, "old");
    CU_ASSERT_PTR_NULL(lks_config_choose(alone, &wish, &scheme));
    wish.cert_schemes = lks_reader_of(good_and_sha1, 4);
    CU_ASSERT_PTR_EQUAL(lks_config_choose(alone, &wish, &scheme), alone->identities->certificates);
    lks_config_free(alone);
    lks_config_free(config);
}

/* What a CertificateRequest says of signatures of certificates holds for all of a client's chain.
 * [8446 4.4.2.3-1] */
static void request_by_chain(void)
{
    static const struct {
        const char *hex; /* signature_algorithms and signature_algorithms_cert */
        bool shows_one;
    } rows[] = {{"00 0008 000d 0004 0002 0403", true},
                {"00 0012 000d 0004 0002 0403 0032 0006 0004 0804 0403", true},
                {"00 0010 000d 0004 0002 0403 0032 0004 0002 0804", false}};
    pki_begin();
    X509_free(pki_leaf("client", &(struct pki)CLIENT_LEAF, false));
    struct lks_config *config = pki_config();
    pki_add(config, "client");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_hs *hs;
        uint8_t body[32];
        CU_ASSERT_EQUAL_FATAL(lks_hs_new(&hs, config, LKS_CLIENT, &localhost), LKS_OK);
        const size_t len = lks_test_hex(rows[i].hex, body, sizeof(body));
        CU_ASSERT_EQUAL(lks_certificate_request_read(hs, lks_reader_of(body, len)), LKS_OK);
        LKS_CHECK((hs->certificate != NULL) == rows[i].shows_one, "row %zu", i);
        lks_hs_free(hs);
    }
    lks_config_free(config);
}

/* A leaf is X.509v3. [8446 4.4.2.2-1 4.4.2.3-1] */
static void old_format(void)
{
    struct lks_error err;
    struct lks_config *config = pki_config();
    pki_begin();
    X509_free(pki_leaf("v1", &(struct pki){.subject = "v1", .v1 = true}, false));
    CU_ASSERT_EQUAL(lks_identities_add_certificate(config->identities,
                                                   lks_from_file(pki_path("v1.pem")),
                                                   lks_from_file(pki_path("v1.key")), &err),
                    LKS_BAD_CONFIG);
    LKS_CHECK(strstr(err.text, "v1.pem: line 1: an X.509 certificate of version 1") != NULL, "%s",
              err.text);
    CU_ASSERT_PTR_NULL(config->identities->certificates);
    lks_config_free(config);
}

#define BAD LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE

/* Whatever it says, as no configuration would. */
static void staple(struct lks_config *config, const char *name)
{
    struct lks_certificate *c = config->identities->certificates;
    FILE *f = fopen(pki_path(name), "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    c->ocsp = malloc(4096);
    c->ocsp_len = fread(c->ocsp, 1, 4096, f);
    c->ocsp_until_ms = UINT64_MAX;
    fclose(f);
}

/* RFC 8446 section 4.4.2.1. [8446 4.4.2.1-1] */
static void stapling(void)
{
    pki_begin();
    X509 *leaf = pki_leaf("server", &(struct pki)SERVER_LEAF, false);
    X509 *other = pki_leaf("other", &(struct pki){.subject = "other"}, false);
    struct lks_error err;
    static const struct {
        const char *what;
        int status;
        long begin, end;
        enum pki_key signer;
        enum lks_ocsp mode;
        enum lks_status wanted;
    } rows[] = {
        {"none", -1, 0, 0, PKI_P384, LKS_OCSP_OFF, LKS_OK},
        {"none", -1, 0, 0, PKI_P384, LKS_OCSP_CHECKED, LKS_OK},
        {"none", -1, 0, 0, PKI_P384, LKS_OCSP_REQUIRED, BAD},
        {"good", V_OCSP_CERTSTATUS_GOOD, -60, 3600, PKI_P384, LKS_OCSP_CHECKED, LKS_OK},
        {"good", V_OCSP_CERTSTATUS_GOOD, -60, 3600, PKI_P384, LKS_OCSP_REQUIRED, LKS_OK},
        {"revoked", V_OCSP_CERTSTATUS_REVOKED, -60, 3600, PKI_P384, LKS_OCSP_CHECKED,
         LKS_ALERT_CERTIFICATE_REVOKED},
        {"revoked, not asked", V_OCSP_CERTSTATUS_REVOKED, -60, 3600, PKI_P384, LKS_OCSP_OFF,
         LKS_OK},
        {"unknown", V_OCSP_CERTSTATUS_UNKNOWN, -60, 3600, PKI_P384, LKS_OCSP_CHECKED, BAD},
        {"old", V_OCSP_CERTSTATUS_GOOD, -7200, -3600, PKI_P384, LKS_OCSP_CHECKED, BAD},
        {"of tomorrow", V_OCSP_CERTSTATUS_GOOD, 7200, 9000, PKI_P384, LKS_OCSP_CHECKED, BAD},
        {"another responder", V_OCSP_CERTSTATUS_GOOD, -60, 3600, PKI_P256, LKS_OCSP_CHECKED, BAD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *client = pki_config(), *server = pki_config();
        pki_add(server, "server");
        if (rows[i].status >= 0) {
            pki_response("ocsp.der", leaf, rows[i].status, rows[i].begin, rows[i].end,
                         rows[i].signer);
            staple(server, "ocsp.der");
        }
        CU_ASSERT_EQUAL(lks_policy_set_ocsp(client->policy, rows[i].mode, NULL), LKS_OK);
        run(client, server, rows[i].wanted, rows[i].wanted ? LKS_PEER_ALERT : LKS_OK, rows[i].what);
        lks_config_free(client);
        lks_config_free(server);
    }
    struct lks_config *server = pki_config();
    CU_ASSERT_EQUAL(lks_identities_set_ocsp_response(server->identities,
                                                     lks_from_file(pki_path("ocsp.der")), &err),
                    LKS_BAD_CONFIG); /* no certificate yet */
    pki_add(server, "server");
    pki_response("ocsp.der", other, V_OCSP_CERTSTATUS_GOOD, -60, 3600, PKI_P384);
    CU_ASSERT_EQUAL(lks_identities_set_ocsp_response(server->identities,
                                                     lks_from_file(pki_path("ocsp.der")), &err),
                    LKS_BAD_CONFIG);
    CU_ASSERT_EQUAL(lks_identities_set_ocsp_response(server->identities,
                                                     lks_from_file(pki_path("root.pem")), &err),
                    LKS_BAD_CONFIG);
    CU_ASSERT_EQUAL(lks_identities_set_ocsp_response(server->identities,
                                                     lks_from_file(pki_path("absent")), &err),
                    LKS_BAD_CONFIG);
    LKS_CHECK(strstr(err.text, "absent") != NULL, "%s", err.text);
    CU_ASSERT_EQUAL(lks_identities_set_ocsp_response(server->identities, lks_from_file(NULL), &err),
                    LKS_BAD_CONFIG);
    lks_config_free(server);
    X509_free(leaf);
    X509_free(other);
}

/* Timestamps go through as they are. [8446 4.4.2-6] */
static void timestamps(void)
{
    static const uint8_t list[] = {0, 7, 0, 2, 1, 2, 0, 1, 9};
    struct lks_error err;
    pki_begin();
    X509_free(pki_leaf("server", &(struct pki)SERVER_LEAF, false));
    X509_free(pki_leaf("client", &(struct pki)CLIENT_LEAF, false));
    FILE *f = pki_create("sct");
    fwrite(list, 1, sizeof(list), f);
    fclose(f);
    for (int asks = 0; asks < 2; asks++) {
        struct loopback l;
        size_t len;
        struct lks_config *client = pki_config(), *server = pki_config();
        pki_add(server, "server");
        LKS_CHECK(!lks_identities_set_sct(server->identities, lks_from_file(pki_path("sct")), &err),
                  "%s", err.text);
        CU_ASSERT_EQUAL(lks_policy_set_sct_wanted(client->policy, asks, NULL), LKS_OK);
        /* The server asks the client for none, and would refuse them. [8446 4.4.2-7] */
        pki_add(client, "client");
        LKS_CHECK(!lks_identities_set_sct(client->identities, lks_from_file(pki_path("sct")), &err),
                  "%s", err.text);
        CU_ASSERT_EQUAL(
            lks_policy_set_client_auth(server->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL),
            LKS_OK);
        loopback_init(&l, client, server, &localhost);
        while (!l.client.established && loopback_turn(&l))
            ;
        const uint8_t *got = lks_conn_peer_scts(l.client.conn, &len);
        CU_ASSERT_EQUAL(got != NULL, asks);
        CU_ASSERT_TRUE(!asks || (len == sizeof(list) && !memcmp(got, list, len)));
        loopback_run(&l);
        CU_ASSERT_TRUE(l.server.established);
        loopback_free(&l);
        CU_ASSERT_EQUAL(
            lks_identities_set_sct(server->identities, lks_from_file(pki_path("root.pem")), &err),
            LKS_BAD_CONFIG);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* Each algorithm, each way; the Certificate messages are seen to be compressed by their length. */
static void compression(void)
{
    const struct lks_compression *rows = lks_compression_rows();
    struct lks_error err;
    if (!rows[0].name)
        LKS_SKIP("built without zlib, brotli and zstd");
    pki_begin();
    X509_free(pki_leaf("server", &(struct pki)SERVER_LEAF, false));
    X509_free(pki_leaf("client", &(struct pki)CLIENT_LEAF, false));
    for (const struct lks_compression *row = rows; row->name; row++) {
        struct lks_config *client = pki_config(), *server = pki_config();
        struct lks_reader body;
        LKS_CHECK(!set_compression(server, row->name, &err), "%s", err.text);
        pki_add(server, "server");
        pki_add(client, "client");
        LKS_CHECK(!set_compression(client, "all", &err), "%s", err.text);
        CU_ASSERT_EQUAL(
            lks_policy_set_client_auth(server->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL),
            LKS_OK);
        CU_ASSERT_TRUE(lks_certificate_find_compressed(server->identities->certificates,
                                                       row->number, 3, &body));
        LKS_CHECK(body.len < lks_certificate_body_max(server->identities->certificates), "%s",
                  row->name);
        run(client, server, LKS_OK, LKS_OK, row->name);
        lks_config_free(client);
        lks_config_free(server);
    }
    struct lks_config *config = pki_config();
    CU_ASSERT_EQUAL(set_compression(config, "brotli,lzma", &err), LKS_BAD_CONFIG);
    LKS_CHECK(strstr(err.text, "\"lzma\"") != NULL, "%s", err.text);
    lks_config_free(config);
}

/* CompressedCertificate, RFC 8879: what it may not be. */
static void bad_compression(void)
{
    const struct lks_compression *rows = lks_compression_rows();
    if (!rows[0].name)
        LKS_SKIP("built without zlib, brotli and zstd");
    static uint8_t plain[LKS_CERTIFICATE_MAX + 1], made[8 + 4096];
    for (const struct lks_compression *row = rows; row->name; row++) {
        const struct lks_compression *offered[] = {row, NULL};
        size_t len = 4096, out_len;
        uint8_t *out;
        CU_ASSERT_TRUE_FATAL(row->compress(made + 8, &len, plain, 5000));
        const struct {
            const char *what;
            uint32_t number, plain_len, len, given;
            enum lks_status status;
        } cases[] = {
            {"good", row->number, 5000, (uint32_t)len, 8 + (uint32_t)len, LKS_OK},
            {"not offered", 77, 5000, (uint32_t)len, 8 + (uint32_t)len,
             LKS_ALERT_ILLEGAL_PARAMETER},
            {"shorter than said", row->number, 5001, (uint32_t)len, 8 + (uint32_t)len,
             LKS_ALERT_BAD_CERTIFICATE},
            {"longer than said", row->number, 4999, (uint32_t)len, 8 + (uint32_t)len,
             LKS_ALERT_BAD_CERTIFICATE},
            {"of no length", row->number, 0, (uint32_t)len, 8 + (uint32_t)len,
             LKS_ALERT_BAD_CERTIFICATE},
            {"too long", row->number, LKS_CERTIFICATE_MAX + 1, (uint32_t)len, 8 + (uint32_t)len,
             LKS_ALERT_BAD_CERTIFICATE},
            {"huge", row->number, 0xffffff, (uint32_t)len, 8 + (uint32_t)len,
             LKS_ALERT_BAD_CERTIFICATE},
            {"cut", row->number, 5000, (uint32_t)len - 1, 7 + (uint32_t)len,
             LKS_ALERT_BAD_CERTIFICATE},
            {"a byte more", row->number, 5000, (uint32_t)len + 1, 9 + (uint32_t)len,
             LKS_ALERT_BAD_CERTIFICATE},
            {"a byte behind", row->number, 5000, (uint32_t)len, 9 + (uint32_t)len,
             LKS_ALERT_DECODE_ERROR},
            {"empty", row->number, 5000, 0, 8, LKS_ALERT_DECODE_ERROR},
            {"ends early", row->number, 5000, (uint32_t)len, 7 + (uint32_t)len,
             LKS_ALERT_DECODE_ERROR},
            {"no length", row->number, 5000, (uint32_t)len, 7, LKS_ALERT_DECODE_ERROR},
        };
        made[8 + len] = 0;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct lks_writer w = lks_writer_of(made, 8);
            lks_write_u16(&w, (uint16_t)cases[i].number);
            lks_write_u24(&w, cases[i].plain_len);
            lks_write_u24(&w, cases[i].len);
            enum lks_status status = lks_bare(
                lks_compression_undo(&out, &out_len, lks_reader_of(made, cases[i].given), offered));
            LKS_CHECK(status == cases[i].status, "%s %s: %s", row->name, cases[i].what,
                      lks_status_name(status));
            if (!status) {
                CU_ASSERT_TRUE(out_len == 5000 && !memcmp(out, plain, 5000));
                free(out);
            }
        }
        /* Damaged anywhere it fails or gives the length that it said. */
        for (size_t at = 0; at < len; at++) {
            struct lks_writer w = lks_writer_of(made, 8);
            lks_write_u16(&w, row->number);
            lks_write_u24(&w, 5000);
            lks_write_u24(&w, (uint32_t)len);
            made[8 + at] ^= 0x55;
            if (!lks_bare(
                    lks_compression_undo(&out, &out_len, lks_reader_of(made, 8 + len), offered))) {
                CU_ASSERT_EQUAL(out_len, 5000);
                free(out);
            }
            made[8 + at] ^= 0x55;
        }
    }
}

static const struct lks_test tests[] = {
    {"client authentication", client_authentication},
    {"peer certificates", peer_certificates},
    {"choice", choice},
    {"choice by chain", choice_by_chain},
    {"choice by SHA-1", choice_by_sha1},
    {"request by chain", request_by_chain},
    {"old format", old_format},
    {"stapling", stapling},
    {"timestamps", timestamps},
    {"compression", compression},
    {"bad compression", bad_compression},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"certificate", tests}, {NULL, NULL}};
    int rc = lks_test_run("certificate", suites);
    pki_end();
    return rc;
}
