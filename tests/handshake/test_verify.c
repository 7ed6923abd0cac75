/* SPDX-License-Identifier: BSD-3-Clause */

/* A peer's certificates: what is wrong with them, and the alert that it gets. */

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "configs.h"
#include "handshake/certificate/host.h"
#include "handshake/certificate/sign.h"
#include "handshake/certificate/verify.h"
#include "handshake/config.h"
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
    struct lks_config *config = config_new();
    config->policy->trust = lks_trust_new();
    set_verify_time(config, PKI_NOW);
    if (!config->policy->trust || (anchor && !X509_STORE_add_cert(config->policy->trust, anchor)))
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
    enum lks_status status = lks_bare(lks_peer_read(&peer, lks_reader_of(list, len), 0));
    if (!status)
        status = lks_bare(lks_peer_verify(peer, config, role, name));
    lks_peer_free(peer);
    lks_config_free(config);
    return status;
}

#define HOST "a.example.test"

/* RFC 8446 sections 4.4.2.2 and 6.2: each fault has its alert. [8446 4.4.2.2-3 4.4.2.2-6] */
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
        {"P-224",
         {.san = "DNS:" HOST, .key = PKI_P224},
         DIRECT,
         false,
         HOST,
         LKS_OK}, /* strong enough for a chain; no scheme signs a handshake with it */
        {"short RSA key",
         {.san = "DNS:" HOST, .key = PKI_RSA_1024},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_BAD_CERTIFICATE},
        {"explicit curve",
         {.san = "DNS:" HOST, .key = PKI_P256_EXPLICIT},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_BAD_CERTIFICATE},
        {"names twice",
         {.san = "DNS:" HOST, .twice = NID_subject_alt_name},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_BAD_CERTIFICATE},
        {"comment", {.san = "DNS:" HOST, .comment = "x"}, DIRECT, false, HOST, LKS_OK},
        {"comment twice", /* which libcrypto does not look at */
         {.san = "DNS:" HOST, .comment = "x", .twice = NID_netscape_comment},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_BAD_CERTIFICATE},
        {"usage damaged",
         {.san = "DNS:" HOST, .usage = "digitalSignature", .damaged = NID_key_usage},
         DIRECT,
         false,
         HOST,
         LKS_ALERT_BAD_CERTIFICATE},
        {"names damaged",
         {.san = "DNS:" HOST, .damaged = NID_subject_alt_name},
         WHOLE,
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

/* What a CA may not do: each row is an intermediate between root and a good leaf.
 * [8446 4.4.2.4-2 9.1-2] */
static void authorities(void)
{
    static const struct {
        const char *what;
        struct pki ca;
        const char *digest;
        enum lks_status status;
        const char *leaf_digest;
    } rows[] = {
        {"good", {.ca = true}, NULL, LKS_OK},
        {"name permitted", {.ca = true, .constraints = "permitted;DNS:example.test"}, NULL, LKS_OK},
        {"name not permitted",
         {.ca = true, .constraints = "permitted;DNS:other.test"},
         NULL,
         LKS_ALERT_BAD_CERTIFICATE},
        {"name excluded",
         {.ca = true, .constraints = "excluded;DNS:example.test"},
         NULL,
         LKS_ALERT_BAD_CERTIFICATE},
        {"no CA", {.ca = false}, NULL, LKS_ALERT_UNKNOWN_CA},
        {"may not sign certificates",
         {.ca = true, .usage = "digitalSignature"},
         NULL,
         LKS_ALERT_UNKNOWN_CA},
        {"expired", {.ca = true, .begin = -9, .end = -1}, NULL, LKS_ALERT_CERTIFICATE_EXPIRED},
        {"short RSA key", {.ca = true, .key = PKI_RSA_1024}, NULL, LKS_ALERT_BAD_CERTIFICATE},
        {"signed with SHA-1", {.ca = true}, "SHA1", LKS_ALERT_BAD_CERTIFICATE},
        {"signs with MD5",
         {.ca = true, .key = PKI_RSA_2048},
         NULL,
         LKS_ALERT_BAD_CERTIFICATE,
         "MD5"},
        {"RSA", {.ca = true, .key = PKI_RSA_2048}, NULL, LKS_OK},
        {"for clients only",
         {.ca = true, .eku = "clientAuth"},
         NULL,
         LKS_ALERT_UNSUPPORTED_CERTIFICATE},
        {"comment twice",
         {.ca = true, .comment = "x", .twice = NID_netscape_comment},
         NULL,
         LKS_ALERT_BAD_CERTIFICATE},
        {"says twice that it is one",
         {.ca = true, .twice = NID_basic_constraints},
         NULL,
         LKS_ALERT_BAD_CERTIFICATE},
        {"usage damaged",
         {.ca = true, .usage = "keyCertSign", .damaged = NID_key_usage},
         NULL,
         LKS_ALERT_BAD_CERTIFICATE},
    };
    static uint8_t list[LIST_MAX];
    make_cas();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pki ca = rows[i].ca;
        struct lks_peer *peer;
        ca.subject = "CA";
        ca.digest = rows[i].digest ? EVP_get_digestbyname(rows[i].digest) : NULL;
        X509 *middle = pki_make(&ca, root, PKI_P256);
        const struct pki what = {
            .subject = "leaf",
            .san = "DNS:" HOST,
            .digest = rows[i].leaf_digest ? EVP_get_digestbyname(rows[i].leaf_digest) : NULL};
        X509 *leaf = pki_make(&what, middle, ca.key);
        size_t len = pki_entry(list, sizeof(list), leaf);
        len += pki_entry(list + len, sizeof(list) - len, middle);
        struct lks_config *config = config_trusting(root);
        CU_ASSERT_EQUAL(lks_bare(lks_peer_read(&peer, lks_reader_of(list, len), 0)), LKS_OK);
        enum lks_status status = lks_bare(lks_peer_verify(peer, config, LKS_SERVER, HOST));
        LKS_CHECK(status == rows[i].status, "%s: %s, not %s", rows[i].what, lks_status_name(status),
                  lks_status_name(rows[i].status));
        lks_peer_free(peer);
        lks_config_free(config);
        X509_free(middle);
        X509_free(leaf);
    }
}

/* RFC 5280 section 4.2.1.10: the name asked for is itself within what each CA may sign, not only
 * the name in the leaf that covers it. */
static void name_constraints(void)
{
    static const struct {
        const char *constraints, *san, *name;
        bool good;
    } rows[] = {
        {"excluded;DNS:bad.example.test", "DNS:*.example.test", "good.example.test", true},
        {"excluded;DNS:bad.example.test", "DNS:*.example.test", "BAD.example.test", false},
        {"excluded;DNS:Bad.Example.Test", "DNS:*.example.test", "bad.example.test.", false},
        {"excluded;DNS:ad.example.test", "DNS:*.example.test", "bad.example.test", true},
        {"excluded;DNS:.example.test", "DNS:example.test", "example.test", true},
        {"excluded;DNS:x.test,excluded;DNS:bad.example.test", "DNS:*.example.test",
         "bad.example.test", false},
        {"permitted;DNS:example.test,excluded;DNS:bad.example.test", "DNS:*.example.test",
         "bad.example.test", false},
        {"permitted;DNS:example.test", "DNS:*.example.test", "a.example.test", true},
        {"permitted;DNS:other.test,permitted;DNS:example.test", "DNS:example.test", "example.test",
         true},
        {"permitted;email:example.test", "DNS:example.test", "example.test", true},
        {"permitted;IP:192.0.2.0/255.255.255.0", "IP:192.0.2.1", "192.0.2.1", true},
        {"excluded;IP:192.0.2.0/255.255.255.254", "IP:192.0.2.1", "192.0.2.1", false},
        {"excluded;IP:192.0.2.0/255.255.255.255", "IP:192.0.2.1", "192.0.2.1", true},
        {"permitted;DNS:example.test", "IP:192.0.2.1", "192.0.2.1", true},
        {"excluded;IP:2001:db8::/ffff:ffff::", "IP:2001:db8::1", "2001:db8::1", false},
    };
    static uint8_t list[LIST_MAX];
    make_cas();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_peer *peer;
        char host[LKS_HOST_MAX + 1];
        X509 *ca =
            pki_make(&(struct pki){.subject = "CA", .ca = true, .constraints = rows[i].constraints},
                     root, PKI_P256);
        X509 *leaf = pki_make(&(struct pki){.subject = "leaf", .san = rows[i].san}, ca, PKI_P256);
        size_t len = pki_entry(list, sizeof(list), leaf);
        len += pki_entry(list + len, sizeof(list) - len, ca);
        struct lks_config *config = config_trusting(root);
        CU_ASSERT_EQUAL_FATAL(lks_bare(lks_peer_read(&peer, lks_reader_of(list, len), 0)), LKS_OK);
        CU_ASSERT_TRUE(lks_host_fold(
            host, lks_reader_of((const uint8_t *)rows[i].name, strlen(rows[i].name))));
        enum lks_status status = lks_bare(lks_peer_verify(peer, config, LKS_SERVER, host));
        LKS_CHECK(status == (rows[i].good ? LKS_OK : LKS_ALERT_BAD_CERTIFICATE), "%s for %s: %s",
                  rows[i].constraints, rows[i].name, lks_status_name(status));
        lks_peer_free(peer);
        lks_config_free(config);
        X509_free(ca);
        X509_free(leaf);
    }
}

/* A list cut at any byte is no list, but for a cut between two entries. */
static void lists(void)
{
    static uint8_t list[LIST_MAX], longer[2048];
    struct lks_peer *peer;
    make_cas();
    const size_t first = pki_entry(list, sizeof(list), root);
    const size_t len = first + pki_entry(list + first, sizeof(list) - first, intermediate);
    for (size_t cut = 0; cut <= len; cut++) {
        enum lks_status status = lks_bare(lks_peer_read(&peer, lks_reader_of(list, cut), 0));
        const bool whole = cut == first || cut == len;
        LKS_CHECK(status == (whole ? LKS_OK : LKS_ALERT_DECODE_ERROR), "%zu of %zu: %s", cut, len,
                  lks_status_name(status));
        lks_peer_free(peer);
    }
    /* One byte behind the certificate, inside cert_data. */
    memcpy(longer, list, first);
    memset(longer + first - 2, 0, 3);
    longer[1] = (uint8_t)((first - 4) >> 8);
    longer[2] = (uint8_t)(first - 4);
    CU_ASSERT_EQUAL(lks_bare(lks_peer_read(&peer, lks_reader_of(longer, first + 1), 0)),
                    LKS_ALERT_BAD_CERTIFICATE);
    /* As many as there is room for. */
    size_t all = 0, num = 0;
    for (; all + first <= sizeof(list); num++)
        all += pki_entry(list + all, sizeof(list) - all, root);
    CU_ASSERT_EQUAL(lks_bare(lks_peer_read(&peer, lks_reader_of(list, all), 0)), LKS_OK);
    CU_ASSERT_TRUE_FATAL(num > 20 && peer && sk_X509_num(peer->chain) == (int)num);
    lks_peer_free(peer);
    static const uint8_t no_der[] = {0, 0, 3, 1, 2, 3, 0, 0}, empty[] = {0, 0, 0, 0, 0};
    CU_ASSERT_EQUAL(lks_bare(lks_peer_read(&peer, lks_reader_of(no_der, sizeof(no_der)), 0)),
                    LKS_ALERT_BAD_CERTIFICATE);
    CU_ASSERT_EQUAL(lks_bare(lks_peer_read(&peer, lks_reader_of(empty, sizeof(empty)), 0)),
                    LKS_ALERT_DECODE_ERROR);
}

/* What is bounded is how deep a chain goes, not what comes beside it. */
static void depth(void)
{
    static uint8_t list[LIST_MAX];
    make_cas();
    for (unsigned int num = LKS_PEER_CHAIN_MAX - 1; num <= LKS_PEER_CHAIN_MAX + 1; num++) {
        X509 *ca[LKS_PEER_CHAIN_MAX + 1];
        struct lks_config *config = config_trusting(root);
        struct lks_peer *peer;
        size_t len = 0;
        for (unsigned int i = 0; i < num; i++) {
            char name[16];
            snprintf(name, sizeof(name), "CA %u", i);
            ca[i] = pki_make(&(struct pki){.subject = name, .ca = true}, i ? ca[i - 1] : root,
                             PKI_P256);
        }
        X509 *leaf =
            pki_make(&(struct pki){.subject = "leaf", .san = "DNS:" HOST}, ca[num - 1], PKI_P256);
        len += pki_entry(list, sizeof(list), leaf);
        for (unsigned int i = 0; i < 6; i++) /* of no use */
            len += pki_entry(list + len, sizeof(list) - len, intermediate);
        for (unsigned int i = 0; i < num; i++) {
            len += pki_entry(list + len, sizeof(list) - len, ca[i]);
            X509_free(ca[i]);
        }
        CU_ASSERT_EQUAL_FATAL(lks_bare(lks_peer_read(&peer, lks_reader_of(list, len), 0)), LKS_OK);
        enum lks_status status = lks_bare(lks_peer_verify(peer, config, LKS_SERVER, HOST));
        LKS_CHECK(status == (num > LKS_PEER_CHAIN_MAX ? LKS_ALERT_UNKNOWN_CA : LKS_OK),
                  "%u CAs: %s", num, lks_status_name(status));
        X509_free(leaf);
        lks_peer_free(peer);
        lks_config_free(config);
    }
}

/* Extensions of the leaf's entry. [8446 4.2-2 4.2-3 4.2-5 4.4.2-6 4.4.2.1-1] */
static void entry_extensions(void)
{
    static const struct {
        const char *what, *hex;
        bool offered;
        enum lks_status status;
    } rows[] = {
        {"unknown", "fafa 0000", true, LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"of another message", "0033 0000", true, LKS_ALERT_ILLEGAL_PARAMETER},
        {"status not asked for", "0005 0005 01 000001 30", false, LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"status", "0005 0005 01 000001 30", true, LKS_OK},
        {"status twice", "0005 0005 01 000001 30 0005 0005 01 000001 30", true,
         LKS_ALERT_ILLEGAL_PARAMETER},
        {"status of another type", "0005 0005 02 000001 30", true,
         LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE},
        {"status empty", "0005 0004 01 000000", true, LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE},
        {"status cut", "0005 0005 01 000002 30", true, LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE},
        {"status and a byte", "0005 0006 01 000001 30 00", true,
         LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE},
        {"timestamps", "0012 0005 0003 0001 09", true, LKS_OK},
        {"timestamps not asked for", "0012 0005 0003 0001 09", false,
         LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"timestamps empty", "0012 0002 0000", true, LKS_ALERT_DECODE_ERROR},
        {"timestamp empty", "0012 0004 0002 0000", true, LKS_ALERT_DECODE_ERROR},
        {"timestamps cut", "0012 0005 0004 0001 09", true, LKS_ALERT_DECODE_ERROR},
        {"extension cut", "0012 0006 0003 0001 09", true, LKS_ALERT_DECODE_ERROR},
        {"half a type", "00", true, LKS_ALERT_DECODE_ERROR},
    };
    static uint8_t list[LIST_MAX];
    make_cas();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_peer *peer;
        size_t len = pki_entry(list, sizeof(list), root);
        const size_t added = lks_test_hex(rows[i].hex, list + len, 64);
        list[len - 1] = (uint8_t)added;
        enum lks_status status = lks_bare(lks_peer_read(
            &peer, lks_reader_of(list, len + added),
            rows[i].offered ? lks_extension_bit(LKS_EXT_STATUS_REQUEST) |
                                  lks_extension_bit(LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP)
                            : 0));
        LKS_CHECK(status == rows[i].status, "%s: %s, not %s", rows[i].what, lks_status_name(status),
                  lks_status_name(rows[i].status));
        lks_peer_free(peer);
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

/* Each scheme under the keys it is for, and under others.
 * [8446 4.2.3-1 4.2.3-5 4.2.3-7 4.4.3-6 4.4.3-7 4.4.3-9 9.1-2] */
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
                CU_ASSERT_EQUAL(
                    lks_bare(lks_sign_verify(row, key, message, sizeof(message), sig, 64)),
                    LKS_ALERT_ILLEGAL_PARAMETER);
                continue;
            }
            used++;
            CU_ASSERT_EQUAL(lks_sign(row, key, message, sizeof(message), sig, &len), LKS_OK);
            CU_ASSERT_EQUAL(lks_bare(lks_sign_verify(row, key, message, sizeof(message), sig, len)),
                            LKS_OK);
            CU_ASSERT_EQUAL(
                lks_bare(lks_sign_verify(row, key, message, sizeof(message) - 1, sig, len)),
                LKS_ALERT_DECRYPT_ERROR);
            CU_ASSERT_EQUAL(
                lks_bare(lks_sign_verify(row, key, message, sizeof(message), sig, len - 1)),
                LKS_ALERT_DECRYPT_ERROR);
            CU_ASSERT_EQUAL(lks_bare(lks_sign_verify(row, key, message, sizeof(message), sig, 0)),
                            LKS_ALERT_DECRYPT_ERROR);
            sig[len / 2] ^= 1;
            CU_ASSERT_EQUAL(lks_bare(lks_sign_verify(row, key, message, sizeof(message), sig, len)),
                            LKS_ALERT_DECRYPT_ERROR);
        }
    }
    CU_ASSERT_EQUAL(used, 10);
    CU_ASSERT_TRUE(lks_sign_find(0x0403) && lks_sign_find(0x0804)); /* section 9.1 wants these */
    CU_ASSERT_PTR_NULL(lks_sign_find(0x0401)); /* RSASSA-PKCS1-v1_5 signs certificates only */
    /* Neither MD5, SHA-1 and SHA-224 nor DSA, under either version. [8446 4.2.3-13 4.4.3-8] */
    for (unsigned int number = 0; number < 65536; number++)
        if (number < 0x0400 || (number < 0x0700 && (number & 0xff) == 2))
            CU_ASSERT_TRUE(!lks_sign_find((uint16_t)number) &&
                           !lks_sign_find_tls12((uint16_t)number));
}

/* RFC 4055 section 1.2: what a key's parameters allow; RFC 8446 section 4.2.3 wants one hash, and a
 * salt as long as that. What does not fit is neither signed nor verified with. */
static void parameters_of_pss(void)
{
    static const struct {
        enum pki_key key;
        uint16_t fits; /* 0: nothing */
    } rows[] = {{PKI_PSS_SHA256, 0x0809},
                {PKI_PSS_SHA384, 0x080a},
                {PKI_PSS_LONG_SALT, 0},
                {PKI_PSS_OTHER_MGF1, 0},
                {PKI_PSS_SHA1, 0}};
    static const uint8_t message[] = "what is signed";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (const struct lks_sign_scheme *row = lks_sign_schemes(); row->name; row++) {
            uint8_t sig[LKS_SIGNATURE_MAX] = {0};
            size_t len = sizeof(sig);
            EVP_PKEY *key = pki_key(rows[i].key);
            const bool fits = row->number == rows[i].fits;
            LKS_CHECK(lks_sign_fits(row, key) == fits, "row %zu, %s", i, row->name);
            if (fits)
                CU_ASSERT_EQUAL(lks_sign(row, key, message, sizeof(message), sig, &len), LKS_OK);
            enum lks_status status = lks_bare(lks_bare(lks_bare(
                lks_sign_verify(row, key, message, sizeof(message), sig, fits ? len : 256))));
            LKS_CHECK(status == (fits ? LKS_OK : LKS_ALERT_ILLEGAL_PARAMETER), "row %zu, %s: %s", i,
                      row->name, lks_status_name(status));
        }
    }
}

/* A salt of another length than the hash's is no signature. RFC 8446 section 4.2.3. [8446 4.2.3-4]
 */
static void length_of_salt(void)
{
    static const uint8_t message[] = "what is signed";
    static const int lens[] = {32, 0, 20, 31, 33, 64};
    const struct lks_sign_scheme *scheme = lks_sign_find(0x0804);
    EVP_PKEY *key = pki_key(PKI_RSA_2048);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        uint8_t sig[LKS_SIGNATURE_MAX];
        size_t len = sizeof(sig);
        EVP_PKEY_CTX *pctx = NULL;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        CU_ASSERT_TRUE(EVP_DigestSignInit_ex(ctx, &pctx, "SHA256", NULL, NULL, key, NULL) > 0 &&
                       EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                       EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, lens[i]) > 0 &&
                       EVP_DigestSign(ctx, sig, &len, message, sizeof(message)) > 0);
        EVP_MD_CTX_free(ctx);
        LKS_CHECK(lks_bare(lks_sign_verify(scheme, key, message, sizeof(message), sig, len)) ==
                      (lens[i] == 32 ? LKS_OK : LKS_ALERT_DECRYPT_ERROR),
                  "%d bytes", lens[i]);
    }
}

/* Under TLS 1.2 the curve does not go with the hash, and RSASSA-PSS is there, too. RFC 8446 section
 * 4.2.3. [8446 4.2.3-15 4.2.3-16] */
static void signatures_of_tls12(void)
{
    static const struct {
        uint16_t number;
        enum pki_key key;
    } rows[] = {{0x0403, PKI_P256},     {0x0403, PKI_P384},    {0x0403, PKI_P521},
                {0x0503, PKI_P256},     {0x0603, PKI_P384},    {0x0804, PKI_RSA_2048},
                {0x0806, PKI_RSA_2048}, {0x0809, PKI_RSA_PSS}, {0x080b, PKI_RSA_PSS}};
    static const uint8_t message[] = "what is signed";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct lks_sign_scheme *scheme = lks_sign_find_tls12(rows[i].number);
        EVP_PKEY *key = pki_key(rows[i].key);
        uint8_t sig[LKS_SIGNATURE_MAX];
        size_t len = sizeof(sig);
        CU_ASSERT_PTR_NOT_NULL_FATAL(scheme);
        LKS_CHECK(!lks_sign(scheme, key, message, sizeof(message), sig, &len) &&
                      !lks_bare(lks_sign_verify(scheme, key, message, sizeof(message), sig, len)),
                  "%04x, row %zu", rows[i].number, i);
    }
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
    {"authorities", authorities},
    {"name constraints", name_constraints},
    {"lists", lists},
    {"depth", depth},
    {"extensions of an entry", entry_extensions},
    {"a client's", clients},
    {"signatures", signatures},
    {"length of the salt", length_of_salt},
    {"parameters of RSASSA-PSS", parameters_of_pss},
    {"signatures of TLS 1.2", signatures_of_tls12},
    {"all keys freed", finish},
    {NULL, NULL},
};
