/* SPDX-License-Identifier: BSD-3-Clause */

/* libcrypto's queue of errors is the application's: whatever we do, what it had there stays, and
 * nothing of ours comes behind it. */

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "handshake/config.h"
#include "pki_files.h"
#include "test_conn.h"

#define LEFT_MAX 3

/* Reasons of the application's own. */
static void leave(int num)
{
    ERR_clear_error();
    for (int i = 0; i < num; i++)
        ERR_raise(ERR_LIB_USER, 101 + i);
}

static void check_left(int num, const char *what)
{
    int found = 0;
    for (unsigned long e; (e = ERR_get_error()) != 0; found++)
        LKS_CHECK(ERR_GET_LIB(e) == ERR_LIB_USER && ERR_GET_REASON(e) == 101 + found,
                  "%s, %d left: %s", what, num, ERR_error_string(e, NULL));
    LKS_CHECK(found == num, "%s: %d found, %d left", what, found, num);
}

enum fault { NONE, UNKNOWN_CA, OTHER_NAME, OTHER_KEY, JUNK_CERTIFICATE, CUT_FLIGHT, NUM_FAULTS };

/* Another key than the certificate's: the signature is wrong. */
static void swap_key(struct lks_config *server)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    EVP_PKEY_free(server->identities->certificates->key);
    server->identities->certificates->key = other;
}

static void spoil(struct lks_config *client, struct lks_config *server, enum fault fault)
{
    if (fault == UNKNOWN_CA) {
        X509_STORE_free(client->policy->trust);
        client->policy->trust = lks_trust_new();
    } else if (fault == OTHER_KEY) {
        swap_key(server);
    } else if (fault == JUNK_CERTIFICATE) {
        memset(server->identities->certificates->entries + 8, 0xff, 32);
    }
}

static void one_handshake(enum fault fault, bool tls12, bool client_certificate, int num)
{
    struct lks_conn_options options = {.server_name = fault == OTHER_NAME ? "b.test" : "localhost"};
    struct lks_config *client = pki_config(), *server = pki_config();
    struct loopback l;
    struct lks_error err;
    char what[64];
    snprintf(what, sizeof(what), "fault %d, TLS 1.2 %d, client's %d", fault, tls12,
             client_certificate);
    pki_add(server, "rsa");
    if (client_certificate) {
        pki_add(client, "old");
        CU_ASSERT_EQUAL(
            lks_policy_set_client_auth(server->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL),
            LKS_OK);
    }
    spoil(client, server, fault);
    if (tls12) {
        CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                        LKS_OK);
        CU_ASSERT_EQUAL(
            lks_policy_set_suites(server->policy, "TLS_RSA_WITH_AES_128_GCM_SHA256", &err), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_preset(client->policy, "old", &err), LKS_OK);
    }
    leave(num);
    loopback_init(&l, client, server, &options);
    if (fault == CUT_FLIGHT) {
        loopback_turn(&l);
        memset(l.server.wire_in.data + l.server.wire_in.len / 2, 0x55, 20);
    }
    loopback_run(&l);
    if (fault == NONE && !client_certificate)
        CU_ASSERT_TRUE(l.client.established && l.server.established);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
    check_left(num, what);
}

static void handshakes(void)
{
    pki_begin();
    X509_free(pki_leaf(
        "rsa", &(struct pki){.subject = "x", .san = "DNS:localhost", .key = PKI_RSA_2048}, false));
    X509_free(pki_leaf("old", &(struct pki){.subject = "c", .begin = -9000, .end = -1}, false));
    for (int i = 0; i < 4 * NUM_FAULTS; i++)
        for (int num = 0; num <= LEFT_MAX; num += LEFT_MAX)
            one_handshake((enum fault)(i / 4), i & 1, i & 2, num);
}

/* Key exchange and early keys, KeyUpdate, exporters, tickets, import. */
static void connections(void)
{
    pki_begin();
    X509_free(pki_leaf("a", &(struct pki){.subject = "x", .san = "DNS:localhost"}, false));
    struct lks_config *client = pki_config(), *server = pki_config();
    struct lks_traffic_keys keys[2];
    struct lks_conn *imported;
    struct loopback l;
    uint8_t out[32];
    pki_add(server, "a");
    leave(1);
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    CU_ASSERT_EQUAL(lks_conn_update_key(l.client.conn, true), LKS_OK);
    loopback_run(&l);
    CU_ASSERT_EQUAL(
        lks_conn_export_keying_material(l.client.conn, out, sizeof(out), "label", NULL, 0), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_export(l.client.conn, LKS_OPEN, &keys[0]), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_export(l.client.conn, LKS_SEAL, &keys[1]), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_import(&imported, client, LKS_CLIENT, &keys[0], &keys[1]), LKS_OK);
    lks_conn_free(imported);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
    check_left(1, "connection");
}

/* Files that are wrong in ways that libcrypto has much to say about. */
static void files(void)
{
    struct lks_error err;
    pki_begin();
    X509_free(pki_leaf("a", &(struct pki){.subject = "x", .san = "DNS:localhost"}, false));
    FILE *f = pki_create("junk.pem");
    for (int i = 0; i < 40; i++)
        fputs("-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n", f);
    fclose(f);
    for (int num = 0; num <= LEFT_MAX; num += LEFT_MAX) {
        leave(num);
        struct lks_config *config = pki_config();
        const char *junk = pki_path("junk.pem");
        pki_add(config, "a");
        CU_ASSERT_EQUAL(lks_identities_add_certificate(config->identities, lks_from_file(junk),
                                                       lks_from_file(pki_path("a.key")), &err),
                        LKS_BAD_CONFIG);
        CU_ASSERT_EQUAL(lks_identities_add_certificate(config->identities,
                                                       lks_from_file(pki_path("a.pem")),
                                                       lks_from_file(junk), &err),
                        LKS_BAD_CONFIG);
        CU_ASSERT_EQUAL(lks_policy_set_trust(config->policy, lks_from_file(junk), &err),
                        LKS_BAD_CONFIG);
        CU_ASSERT_EQUAL(
            lks_identities_set_ocsp_response(config->identities, lks_from_file(junk), &err),
            LKS_BAD_CONFIG);
        CU_ASSERT_EQUAL(
            lks_policy_set_trust(config->policy, lks_from_file(pki_path("root.pem")), &err),
            LKS_OK);
        lks_config_free(config);
        check_left(num, "files");
    }
}

static const struct lks_test tests[] = {
    {"handshakes", handshakes},
    {"connections", connections},
    {"files", files},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"errors", tests}, {NULL, NULL}};
    int rc = lks_test_run("errors", suites);
    pki_end();
    return rc;
}
