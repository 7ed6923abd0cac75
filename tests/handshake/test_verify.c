/* SPDX-License-Identifier: BSD-3-Clause */

/* A peer's certificates: what is wrong with them, and the alert that it gets. */

#include <stdlib.h>
#include <string.h>

#include "handshake/config.h"
#include "handshake/sign.h"
#include "handshake/verify.h"
#include "pki.h"
#include "test_handshake.h"

#define LIST_MAX 16384

/* root → intermediate → leaf, unless the row says otherwise. */
static X509 *root, *intermediate;

static void make_cas(void)
{
    if (root)
        return;
    root = pki_make(&(struct pki){.subject = "root", .ca = true}, NULL, 0);
    intermediate = pki_make(&(struct pki){.subject = "intermediate", .ca = true, .key = PKI_P384},
                            root, PKI_P256);
}

static struct lks_config *config_trusting(X509 *anchor)
{
    struct lks_config *config;
    if (lks_config_new(&config))
        abort();
    config->trust = lks_trust_new();
    config->verify_time = PKI_NOW;
    if (!config->trust || (anchor && !X509_STORE_add_cert(config->trust, anchor)))
        abort();
    return config;
}

enum chain { DIRECT, WHOLE, NO_INTERMEDIATE, SELF_SIGNED, OTHER_ORDER };

static enum lks_status verify(const struct pki *leaf, enum chain chain, X509 *anchor,
                              enum lks_role role, const char *name)
{
    static uint8_t list[LIST_MAX];
    size_t len = 0;
    X509 *issuer = chain == SELF_SIGNED ? NULL : chain == DIRECT ? root : intermediate;
    X509 *cert = pki_make(leaf, issuer, issuer == root ? PKI_P256 : PKI_P384);
    len += pki_entry(list, sizeof(list), cert);
    X509_free(cert);
    if (chain == OTHER_ORDER)
        len += pki_entry(list + len, sizeof(list) - len, root);
    if (chain == WHOLE || chain == OTHER_ORDER)
        len += pki_entry(list + len, sizeof(list) - len, intermediate);
    struct lks_config *config = config_trusting(anchor);
    struct lks_peer *peer;
    enum lks_status status = lks_peer_read(&peer, lks_reader_of(list, len), 0);
    if (!status)
        status = lks_peer_verify(peer, config, role, name);
    lks_peer_free(peer);
    lks_config_free(config);
    return status;
}

#define HOST "a.example.test"

static void chains(void)
{
    static const struct {
        const char *what;
        struct pki leaf;
        enum chain chain;
        bool unknown;
        const char *name;
        enum lks_status status;
    } rows[] = {
        {"good", {.san = "DNS:" HOST}, DIRECT, false, HOST, LKS_OK},
        {"good, intermediate", {.san = "DNS:" HOST}, WHOLE, false, HOST, LKS_OK},
        {"good, sent in another order", {.san = "DNS:" HOST}, OTHER_ORDER, false, HOST, LKS_OK},
        {"case of the name", {.san = "DNS:A.Example.Test"}, DIRECT, false, HOST, LKS_OK},
        {"wildcard", {.san = "DNS:*.example.test"}, DIRECT, false, HOST, LKS_OK},
        {"IPv4", {.san = "IP:192.0.2.1"}, DIRECT, false, "192.0.2.1", LKS_OK},
        {"IPv6", {.san = "IP:2001:db8::1"}, DIRECT, false, "2001:db8::1", LKS_OK},
        {"Ed25519", {.san = "DNS:" HOST, .key = PKI_ED25519}, DIRECT, false, HOST, LKS_OK},
        {"RSA", {.san = "DNS:" HOST, .key = PKI_RSA_2048}, DIRECT, false, HOST, LKS_OK},
        {"server's purpose",
         {.san = "DNS:" HOST, .eku = "serverAuth", .usage = "digitalSignature"},
         DIRECT,
         false,
         HOST,
         LKS_OK},
        {"expired",
         {.san = "DNS:" HOST, .begin = -7200, .end = -1},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_CERTIFICATE_EXPIRED},
        {"not yet valid",
         {.san = "DNS:" HOST, .begin = 60, .end = 7200},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_CERTIFICATE_EXPIRED},
        {"another name",
         {.san = "DNS:b.example.test"},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_BAD_CERTIFICATE},
        {"no names", {0}, DIRECT, false, HOST, LKS_ALERT_BAD_CERTIFICATE},
        {"name in the subject only",
         {.subject = HOST},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_BAD_CERTIFICATE},
        {"wildcard over two labels",
         {.san = "DNS:*.test"},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_BAD_CERTIFICATE},
        {"wildcard for a part",
         {.san = "DNS:a*.example.test"},
         DIRECT,
         false,
         "ab.example.test",
         LKS_ALERT_BAD_CERTIFICATE},
        {"another address",
         {.san = "IP:192.0.2.2"},
         DIRECT,
         false,
         "192.0.2.1",
         LKS_ALERT_BAD_CERTIFICATE},
        {"address as a DNS name",
         {.san = "DNS:192.0.2.1"},
         DIRECT,
         false,
         "192.0.2.1",
         LKS_ALERT_BAD_CERTIFICATE},
        {"no name asked for", {.san = "DNS:" HOST}, DIRECT, false, "", LKS_ALERT_BAD_CERTIFICATE},
        {"unknown CA", {.san = "DNS:" HOST}, WHOLE, true, HOST, LKS_ALERT_UNKNOWN_CA},
        {"no intermediate",
         {.san = "DNS:" HOST},
         NO_INTERMEDIATE,
         false,
         HOST,
         LKS_ALERT_UNKNOWN_CA},
        {"self-signed", {.san = "DNS:" HOST}, SELF_SIGNED, false, HOST, LKS_ALERT_UNKNOWN_CA},
        {"client's purpose",
         {.san = "DNS:" HOST, .eku = "clientAuth"},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_UNSUPPORTED_CERTIFICATE},
        {"key for encipherment",
         {.san = "DNS:" HOST, .usage = "keyEncipherment"},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_UNSUPPORTED_CERTIFICATE},
        {"short RSA key",
         {.san = "DNS:" HOST, .key = PKI_RSA_1024},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_BAD_CERTIFICATE},
    };
    make_cas();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pki leaf = rows[i].leaf;
        if (!leaf.subject)
            leaf.subject = "leaf";
        enum lks_status status =
            verify(&leaf, rows[i].chain, rows[i].unknown ? NULL : root, LKS_SERVER, rows[i].name);
        LKS_CHECK(status == rows[i].status, "%s: %s, not %s", rows[i].what, lks_status_name(status),
                  lks_status_name(rows[i].status));
    }
}

static void clients(void)
{
    make_cas();
    struct pki leaf = {.subject = "somebody", .eku = "clientAuth"};
    CU_ASSERT_EQUAL(verify(&leaf, WHOLE, root, LKS_CLIENT, NULL), LKS_OK);
    CU_ASSERT_EQUAL(verify(&leaf, WHOLE, NULL, LKS_CLIENT, NULL), LKS_ALERT_UNKNOWN_CA);
    leaf.eku = "serverAuth";
    CU_ASSERT_EQUAL(verify(&leaf, WHOLE, root, LKS_CLIENT, NULL),
                    LKS_ALERT_UNSUPPORTED_CERTIFICATE);
}

/* Each scheme under the keys it is for, and under others. */
static void signatures(void)
{
    static const uint8_t message[] = "what is signed";
    static const enum pki_key kinds[] = {PKI_P256,    PKI_P384,     PKI_P521,
                                         PKI_ED25519, PKI_RSA_2048, PKI_RSA_PSS};
    size_t used = 0;
    for (const struct lks_sign_scheme *row = lks_sign_schemes(); row->name; row++) {
        CU_ASSERT_PTR_EQUAL(lks_sign_find(row->number), row);
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            EVP_PKEY *key = pki_key(kinds[k]);
            uint8_t sig[LKS_SIGNATURE_MAX] = {0};
            size_t len = sizeof(sig);
            if (!lks_sign_fits(row, key)) {
                CU_ASSERT_EQUAL(lks_sign_verify(row, key, message, sizeof(message), sig, 64),
                                LKS_ALERT_ILLEGAL_PARAMETER);
                continue;
            }
            used++;
            CU_ASSERT_EQUAL(lks_sign(row, key, message, sizeof(message), sig, &len), LKS_OK);
            CU_ASSERT_EQUAL(lks_sign_verify(row, key, message, sizeof(message), sig, len), LKS_OK);
            CU_ASSERT_EQUAL(lks_sign_verify(row, key, message, sizeof(message) - 1, sig, len),
                            LKS_ALERT_DECRYPT_ERROR);
            CU_ASSERT_EQUAL(lks_sign_verify(row, key, message, sizeof(message), sig, len - 1),
                            LKS_ALERT_DECRYPT_ERROR);
            CU_ASSERT_EQUAL(lks_sign_verify(row, key, message, sizeof(message), sig, 0),
                            LKS_ALERT_DECRYPT_ERROR);
            sig[len / 2] ^= 1;
            CU_ASSERT_EQUAL(lks_sign_verify(row, key, message, sizeof(message), sig, len),
                            LKS_ALERT_DECRYPT_ERROR);
        }
    }
    CU_ASSERT_EQUAL(used, 10);
    CU_ASSERT_PTR_NULL(lks_sign_find(0x0401)); /* RSASSA-PKCS1-v1_5 signs certificates only */
}

static void finish(void)
{
    CU_ASSERT_PTR_NOT_NULL(root);
    X509_free(root);
    X509_free(intermediate);
    root = intermediate = NULL;
    pki_free();
}

const struct lks_test verify_tests[] = {
    {"chains", chains},
    {"a client's", clients},
    {"signatures", signatures},
    {"all keys freed", finish},
    {NULL, NULL},
};
