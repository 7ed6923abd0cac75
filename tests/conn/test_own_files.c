/* SPDX-License-Identifier: BSD-3-Clause */

/* What a configuration refuses of our own files, what it warns of, and what it writes. */

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handshake/config.h"
#include "pki_files.h"
#include "test_conn.h"

/* What the library takes for the system's directory. */
static const char *system_folder;
const char *__wrap_X509_get_default_cert_dir(void);
const char *__wrap_X509_get_default_cert_dir(void)
{
    return system_folder;
}

/* cause: part of the line; NULL: the files are taken. */
static void check_files(const char *name, const char *cause)
{
    struct lks_config *config = pki_config();
    struct lks_error err;
    char cert[64], key[64];
    snprintf(cert, sizeof(cert), "%s.pem", name);
    snprintf(key, sizeof(key), "%s.key", name);
    enum lks_status status = lks_identities_add_certificate(
        config->identities, lks_from_file(pki_path(cert)), lks_from_file(pki_path(key)), &err);
    LKS_CHECK(cause ? status == LKS_BAD_CONFIG && strstr(err.text, cause) : !status, "%s: %s", name,
              err.text);
    CU_ASSERT_EQUAL(config->identities->certificates != NULL, !status);
    lks_config_free(config);
}

static void write_key(const char *name, EVP_PKEY *key)
{
    FILE *f = pki_create(name);
    CU_ASSERT_EQUAL(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
}

/* A key that cannot sign would fail each handshake. */
static void keys(void)
{
    static const struct {
        const char *name;
        enum pki_key key;
        const char *cause;
    } rows[] = {
        {"pss", PKI_RSA_PSS, NULL},
        {"pss256", PKI_PSS_SHA256, NULL},
        {"pss384", PKI_PSS_SHA384, NULL},
        {"long_salt", PKI_PSS_LONG_SALT, "RSASSA-PSS parameters"},
        {"mgf1", PKI_PSS_OTHER_MGF1, "RSASSA-PSS parameters"},
        {"sha1", PKI_PSS_SHA1, "RSASSA-PSS parameters"},
        {"explicit", PKI_P256_EXPLICIT, "explicit.key: a key with explicit curve parameters"},
        {"p224", PKI_P224, "this kind of key"},
        {"rsa1024", PKI_RSA_1024, "too short"},
    };
    pki_begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        X509_free(pki_leaf(rows[i].name, &(struct pki){.subject = "x", .key = rows[i].key}, false));
        check_files(rows[i].name, rows[i].cause);
    }
    /* The same key, named: the certificate is what is wrong. */
    write_key("explicit.key", pki_key(PKI_P256));
    check_files("explicit", "explicit.pem: line 1: certificate 1 has explicit curve parameters");
}

/* What RSASSA-PSS parameters allow, and no more, is signed: over connections of both versions. */
static void pss_handshakes(void)
{
    static const enum pki_key kinds[] = {PKI_PSS_SHA256, PKI_PSS_SHA384};
    pki_begin();
    for (int i = 0; i < 4; i++) {
        struct lks_config *client = pki_config(), *server = pki_config();
        struct loopback l;
        X509_free(pki_leaf(
            "pss", &(struct pki){.subject = "x", .san = "DNS:localhost", .key = kinds[i / 2]},
            false));
        pki_add(server, "pss");
        if (i % 2)
            CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                            LKS_OK);
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        LKS_CHECK(l.client.established && l.server.established, "%d: %s, %s", i,
                  lks_status_name(l.client.end), lks_status_name(l.server.end));
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

static void certificates(void)
{
    static const struct {
        const char *name;
        struct pki what;
        const char *cause;
    } rows[] = {
        {"twice",
         {.subject = "x", .san = "DNS:a.test", .twice = NID_subject_alt_name},
         "certificate 1 has a malformed extension, or one twice"},
        {"damaged",
         {.subject = "x", .usage = "digitalSignature", .damaged = NID_key_usage},
         "certificate 1 has a malformed extension, or one twice"},
        {"v1", {.subject = "x", .v1 = true}, "version 1"},
    };
    pki_begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        X509_free(pki_leaf(rows[i].name, &rows[i].what, false));
        check_files(rows[i].name, rows[i].cause);
    }
    X509 *leaf = pki_leaf("trusted", &(struct pki){.subject = "x"}, false);
    FILE *f = pki_create("trusted.pem");
    CU_ASSERT_EQUAL(PEM_write_X509_AUX(f, leaf), 1);
    fclose(f);
    check_files("trusted", "trusted.pem: line 1: a TRUSTED CERTIFICATE");
    /* Key and certificate in one file; other blocks are nobody's business. */
    f = pki_create("trusted.pem");
    CU_ASSERT_EQUAL(PEM_write_PrivateKey(f, pki_key(PKI_P256), NULL, NULL, 0, NULL, NULL), 1);
    CU_ASSERT_TRUE(PEM_write(f, "EC PARAMETERS", "", (const unsigned char *)"x", 1) > 0);
    CU_ASSERT_EQUAL(PEM_write_X509(f, leaf), 1);
    fclose(f);
    check_files("trusted", NULL);
    f = pki_create("trusted.pem");
    CU_ASSERT_EQUAL(PEM_write_X509(f, leaf), 1);
    fputs("-----BEGIN CERTIFICATE-----\nMIIB\n", f);
    fclose(f);
    check_files("trusted", "damaged");
    X509_free(leaf);
}

/* Lines that come with LKS_OK, and with the time. */
/* Whom to trust: files, and folders of them. */
static void trusted_files(void)
{
    struct lks_error err;
    struct lks_config *config;
    pki_begin();
    config = config_new();
    X509 *named = pki_leaf("root2", &(struct pki){.subject = "r", .ca = true}, true);
    X509 *odd =
        pki_leaf("odd", &(struct pki){.subject = "r", .ca = true, .key = PKI_P256_EXPLICIT}, true);
    static const struct {
        bool aux, odd;
        const char *cause;
    } rows[] = {{false, false, NULL},
                {true, false, "a TRUSTED CERTIFICATE"},
                {false, true, "explicit curve parameters"}};
    CU_ASSERT_EQUAL_FATAL(mkdir(pki_path("folder"), 0700), 0);
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const char *file = i & 1 ? "folder/all.pem" : "all.pem";
        FILE *f = pki_create(file);
        CU_ASSERT_EQUAL(PEM_write_X509(f, named), 1);
        fputs("# text is nobody's business\n", f);
        if (rows[i / 2].aux)
            CU_ASSERT_EQUAL(PEM_write_X509_AUX(f, named), 1);
        if (rows[i / 2].odd)
            CU_ASSERT_EQUAL(PEM_write_X509(f, odd), 1);
        fclose(f);
        const char *cause = rows[i / 2].cause;
        enum lks_status status = lks_policy_set_trust(
            config->policy, lks_from_file(pki_path(i & 1 ? "folder" : file)), &err);
        LKS_CHECK(status == (cause ? LKS_BAD_CONFIG : LKS_OK) &&
                      (!cause || (strstr(err.text, cause) && strstr(err.text, file) &&
                                  strstr(err.text, ": line "))),
                  "row %zu: %s, %s", i, lks_status_name(status), err.text);
        CU_ASSERT_EQUAL(sk_X509_num(config->policy->anchors),
                        1); /* what was trusted before still is */
    }
    /* Nobody chose what lies in the system's directory: what is not taken is left out. */
    FILE *f = pki_create("folder/all.pem");
    CU_ASSERT_EQUAL(PEM_write_X509_AUX(f, pki_root), 1);
    CU_ASSERT_EQUAL(PEM_write_X509(f, odd), 1);
    CU_ASSERT_EQUAL(PEM_write_X509(f, named), 1);
    CU_ASSERT_EQUAL(PEM_write_X509(f, pki_intermediate), 1);
    fclose(f);
    system_folder = pki_path("folder");
    LKS_CHECK(!lks_policy_set_trust(config->policy, lks_from_file(NULL), &err), "%s", err.text);
    CU_ASSERT_EQUAL(sk_X509_num(config->policy->anchors), 2);
    system_folder = NULL;
    unlink(pki_path("folder/all.pem"));
    rmdir(pki_path("folder"));
    X509_free(named);
    X509_free(odd);
    lks_config_free(config);
}

/* Of a certificate in PEM. */
static unsigned int lines_of(X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    unsigned int num = 0;
    CU_ASSERT_EQUAL(PEM_write_bio_X509(bio, x), 1);
    for (long len = BIO_get_mem_data(bio, &text); len; len--)
        num += *text++ == '\n';
    BIO_free(bio);
    return num;
}

/* What is no certificate to trust, behind three lines and one certificate: refused with its line in
 * a file, a CRL in a directory, too; nothing of it in the system's. */
static void other_blocks_among_trusted(void)
{
    static const struct {
        const char *name, *cause;
        bool in_directory, in_system; /* refused there, too */
    } rows[] = {{"X509 CRL", "a CRL among the certificates to trust", true, false},
                {"PRIVATE KEY", "a private key among", false, false},
                {"EC PRIVATE KEY", "a private key among", false, false},
                {"ENCRYPTED PRIVATE KEY", "a private key among", false, false},
                {"CERTIFICATE REQUEST", "neither a certificate nor known", false, false},
                {"EC PARAMETERS", "neither a certificate nor known", false, false},
                {"CERTIFICATE", "a damaged certificate", true, true}};
    struct lks_error err;
    pki_begin();
    CU_ASSERT_EQUAL_FATAL(mkdir(pki_path("folder"), 0700), 0);
    char folder[128], file[160];
    snprintf(folder, sizeof(folder), "%s", pki_path("folder"));
    snprintf(file, sizeof(file), "%s/all.pem", folder);
    const char *const paths[] = {file, folder, NULL};
    system_folder = folder;
    for (size_t i = 0; i < 3 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *config;
        const size_t row = i / 3, where = i % 3;
        char line[64];
        config = config_new();
        FILE *f = pki_create("folder/all.pem");
        fputs("# Our CAs\n\n-----BEGINNERS: read on-----\n", f);
        CU_ASSERT_EQUAL(PEM_write_X509(f, pki_root), 1);
        CU_ASSERT_TRUE(PEM_write(f, rows[row].name, "", (const unsigned char *)"x", 1) > 0);
        fclose(f);
        enum lks_status status =
            lks_policy_set_trust(config->policy, lks_from_file(paths[where]), &err);
        const bool refused =
            where == 0 || (where == 1 ? rows[row].in_directory : rows[row].in_system);
        snprintf(line, sizeof(line), "folder/all.pem: line %u: ", lines_of(pki_root) + 4);
        LKS_CHECK(status == (refused ? LKS_BAD_CONFIG : LKS_OK), "%s, %zu: %s", rows[row].name,
                  where, lks_status_name(status));
        LKS_CHECK(!refused || (strstr(err.text, line) && strstr(err.text, rows[row].cause) &&
                               strchr(err.text, ';')),
                  "%s, %zu: %s", rows[row].name, where, err.text);
        lks_config_free(config);
    }
    system_folder = NULL;
    unlink(pki_path("folder/all.pem"));
    rmdir(pki_path("folder"));
}

static void warnings(void)
{
    static const struct {
        const char *name;
        struct pki what;
        const char *warning;
    } rows[] = {
        {"good", {.subject = "x", .san = "DNS:a.test"}, NULL},
        {"address", {.subject = "x", .san = "IP:192.0.2.1"}, NULL},
        {"ended", {.subject = "x", .san = "DNS:a.test", .begin = -9, .end = -1}, "has ended"},
        {"early", {.subject = "x", .san = "DNS:a.test", .begin = 9, .end = 99}, "not valid yet"},
        {"nobody", {.subject = "a.test"}, "names no host"},
        {"email", {.subject = "x", .san = "email:a@a.test"}, "names no host"},
    };
    struct lks_error warning;
    uint32_t num = 0;
    pki_begin();
    struct lks_config *all = pki_config();
    CU_ASSERT_FALSE(lks_identities_warning(all->identities, 0, &warning));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *config = pki_config();
        X509_free(pki_leaf(rows[i].name, &rows[i].what, false));
        pki_add(config, rows[i].name);
        const bool warns = lks_identities_warning(config->identities, 0, &warning);
        LKS_CHECK(warns == (rows[i].warning != NULL) &&
                      (!warns || (strstr(warning.text, rows[i].warning) &&
                                  strstr(warning.text, rows[i].name))),
                  "%s: %s", rows[i].name, warning.text);
        CU_ASSERT_FALSE(lks_identities_warning(config->identities, 1, &warning));
        set_verify_time(config, config->policy->verify_time +
                                    2 * 86400); /* the end of leaf and intermediate */
        LKS_CHECK(lks_identities_warning(config->identities, 1, &warning), "%s", rows[i].name);
        lks_config_free(config);
        pki_add(all, rows[i].name);
        num += warns;
    }
    CU_ASSERT_TRUE(lks_identities_warning(all->identities, num - 1, &warning) &&
                   strstr(warning.text, "email"));
    CU_ASSERT_FALSE(lks_identities_warning(all->identities, num, &warning));
    lks_config_free(all);
}

/* Refused are responses that clients would refuse. */
static void responses(void)
{
    static const struct {
        const char *what;
        int status;
        long begin, end;
        const char *cause;
    } rows[] = {
        {"good", V_OCSP_CERTSTATUS_GOOD, -60, 600, NULL},
        {"revoked", V_OCSP_CERTSTATUS_REVOKED, -60, 600, "revoked"},
        {"unknown", V_OCSP_CERTSTATUS_UNKNOWN, -60, 600, "does not know"},
        {"ended", V_OCSP_CERTSTATUS_GOOD, -60, -1, "has ended"},
        {"of the future", V_OCSP_CERTSTATUS_GOOD, 301, 600, "later time"},
        {"a little early", V_OCSP_CERTSTATUS_GOOD, 299, 600, NULL},
        {"without an end", V_OCSP_CERTSTATUS_GOOD, -60, 0, "no end"},
    };
    struct lks_error err;
    pki_begin();
    X509 *leaf = pki_leaf("server", &(struct pki){.subject = "x", .san = "DNS:localhost"}, false);
    X509 *other = pki_leaf("alone", &(struct pki){.subject = "y"}, false);
    FILE *f = pki_create("alone.pem"); /* without its issuer there is its serial number */
    CU_ASSERT_EQUAL(PEM_write_X509(f, other), 1);
    fclose(f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *config = pki_config(), *alone = pki_config();
        pki_add(config, "server");
        pki_add(alone, "alone");
        pki_response("ocsp.der", leaf, rows[i].status, rows[i].begin, rows[i].end, PKI_P384);
        pki_response("alone.der", other, rows[i].status, rows[i].begin, rows[i].end, PKI_P384);
        enum lks_status status = lks_identities_set_ocsp_response(
            config->identities, lks_from_file(pki_path("ocsp.der")), &err);
        LKS_CHECK(rows[i].cause ? status == LKS_BAD_CONFIG && strstr(err.text, rows[i].cause)
                                : !status,
                  "%s: %s", rows[i].what, err.text);
        CU_ASSERT_EQUAL(config->identities->certificates->ocsp != NULL, !status);
        CU_ASSERT_EQUAL(lks_identities_set_ocsp_response(
                            alone->identities, lks_from_file(pki_path("alone.der")), &err),
                        status);
        CU_ASSERT_EQUAL(lks_identities_set_ocsp_response(alone->identities,
                                                         lks_from_file(pki_path("ocsp.der")), &err),
                        LKS_BAD_CONFIG);
        lks_config_free(config);
        lks_config_free(alone);
    }
    X509_free(leaf);
    X509_free(other);
}

static int64_t now_s;

static uint64_t fake_clock(void)
{
    return UINT64_C(1000) * (uint64_t)(PKI_NOW + now_s);
}

/* At 0 a full handshake, at 300 it is resumed, at 600 the response has ended, with the session that
 * stands on it. */
static void meet_until_it_ends(struct lks_config *client, struct lks_config *server)
{
    uint8_t session[LKS_SESSION_MAX];
    struct lks_conn_options options = localhost;
    struct lks_error warning;
    for (now_s = 0; now_s <= 600; now_s += 300) {
        struct loopback l;
        struct lks_conn_info info;
        set_verify_time(client, PKI_NOW + now_s);
        set_verify_time(server, PKI_NOW + now_s);
        loopback_init(&l, client, server, &options);
        loopback_run(&l);
        lks_conn_get_info(l.client.conn, &info);
        /* The client would take it for five minutes more. */
        LKS_CHECK(l.client.end ==
                      (now_s < 600 ? LKS_OK : LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE),
                  "%d s: %s", (int)now_s, lks_status_name(l.client.end));
        CU_ASSERT_EQUAL(info.resumed, now_s == 300);
        if (!now_s) {
            memcpy(session, l.client.session, l.client.session_len);
            options.session = session;
            options.session_len = l.client.session_len;
        }
        CU_ASSERT_EQUAL(lks_identities_warning(server->identities, 0, &warning), now_s == 600);
        loopback_free(&l);
    }
    LKS_CHECK(strstr(warning.text, "server.pem: its OCSP response has ended") != NULL, "%s",
              warning.text);
}

/* Both versions; under TLS 1.3 also where the message was compressed beforehand. */
static void response_that_ends(void)
{
    struct lks_error err;
    pki_begin();
    X509 *leaf = pki_leaf("server", &(struct pki){.subject = "x", .san = "DNS:localhost"}, false);
    pki_response("ocsp.der", leaf, V_OCSP_CERTSTATUS_GOOD, -60, 600, PKI_P384);
    for (int i = 0; i < 3; i++) {
        struct lks_config *client = pki_config(), *server = pki_config();
        pki_add(server, "server");
        CU_ASSERT_EQUAL(lks_identities_set_ocsp_response(server->identities,
                                                         lks_from_file(pki_path("ocsp.der")), &err),
                        LKS_OK);
        if (i == 1) {
            CU_ASSERT_EQUAL(set_compression(server, "all", &err), LKS_OK);
            CU_ASSERT_EQUAL(set_compression(client, "all", &err), LKS_OK);
        }
        if (i == 2)
            CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                            LKS_OK);
        now_s = 0;
        set_clock(client, fake_clock);
        set_clock(server, fake_clock);
        CU_ASSERT_EQUAL(lks_memory_set_ticket_random(server->memory, 7200, NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_ocsp(client->policy, LKS_OCSP_REQUIRED, NULL), LKS_OK);
        meet_until_it_ends(client, server);
        lks_config_free(client);
        lks_config_free(server);
    }
    X509_free(leaf);
}

static unsigned int lines_of_log(void)
{
    char line[512];
    unsigned int num = 0;
    FILE *f = fopen(pki_path("keys"), "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (; fgets(line, sizeof(line), f); num++) {
        char label[64], random[65], secret[97];
        CU_ASSERT_EQUAL(sscanf(line, "%63s %64s %96s", label, random, secret), 3);
        CU_ASSERT_TRUE(strlen(random) == 64 && strlen(secret) == 64);
    }
    fclose(f);
    return num;
}

/* Secrets are their owner's. */
static void key_log(void)
{
    static const mode_t modes[] = {0604, 0640, 0602, 0666};
    struct lks_error err;
    struct stat st;
    pki_begin();
    X509_free(pki_leaf("server", &(struct pki){.subject = "x", .san = "DNS:localhost"}, false));
    struct lks_config *client = pki_config(), *server = pki_config();
    pki_add(server, "server");
    const mode_t mask = umask(0);
    LKS_CHECK(!lks_policy_set_key_log(server->policy, pki_path("keys"), &err), "%s", err.text);
    umask(mask);
    CU_ASSERT_TRUE(stat(pki_path("keys"), &st) == 0 && (st.st_mode & 07777) == 0600);
    for (int i = 0; i < 2; i++) { /* the second time behind what is there */
        struct loopback l;
        loopback_init(&l, client, server, &localhost);
        loopback_run(&l);
        CU_ASSERT_TRUE(l.server.established);
        loopback_free(&l);
        LKS_CHECK(!lks_policy_set_key_log(server->policy, pki_path("keys"), &err), "%s", err.text);
    }
    CU_ASSERT_EQUAL(lines_of_log(), 10);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        CU_ASSERT_EQUAL(chmod(pki_path("keys"), modes[i]), 0);
        CU_ASSERT_EQUAL(lks_policy_set_key_log(client->policy, pki_path("keys"), &err),
                        LKS_BAD_CONFIG);
        LKS_CHECK(strstr(err.text, "chmod 600") != NULL, "%s", err.text);
    }
    CU_ASSERT_EQUAL(lks_policy_set_key_log(client->policy, pki_path("none/keys"), &err),
                    LKS_BAD_CONFIG);
    LKS_CHECK(strstr(err.text, "No such file") != NULL, "%s", err.text);
    CU_ASSERT_EQUAL(lks_policy_set_key_log(client->policy, "/dev/null", &err),
                    LKS_OK); /* keeps nothing */
    lks_config_free(client);
    lks_config_free(server);
}

/* A hello with the same group twice is refused by servers; other lists make as little sense. */
static void names_twice(void)
{
    static const struct {
        enum lks_status (*set)(struct lks_policy *, const char *, struct lks_error *);
        const char *list;
    } rows[] = {
        {lks_policy_set_groups, "x25519,x25519"},
        {lks_policy_set_groups, "secp256r1, x25519 ,secp256r1"},
        {lks_policy_set_suites, "TLS_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256"},
        {lks_policy_set_alpn, "h2,http/1.1,h2"},
    };
    struct lks_error err;
    char both[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *config = pki_config();
        CU_ASSERT_EQUAL(rows[i].set(config->policy, rows[i].list, &err), LKS_BAD_CONFIG);
        LKS_CHECK(strstr(err.text, "twice") != NULL, "%s: %s", rows[i].list, err.text);
        lks_config_free(config);
    }
    for (const struct lks_compression *row = lks_compression_rows(); row->name; row++) {
        struct lks_config *config = pki_config();
        snprintf(both, sizeof(both), "%s,%s", row->name, row->name);
        CU_ASSERT_EQUAL(set_compression(config, both, &err), LKS_BAD_CONFIG);
        LKS_CHECK(strstr(err.text, "twice") != NULL, "%s: %s", both, err.text);
        lks_config_free(config);
    }
}

#define FROM_FILE(name, call)                                                \
    static enum lks_status name(struct lks_config *config, const char *file, \
                                struct lks_error *err)                       \
    {                                                                        \
        return call;                                                         \
    }
FROM_FILE(set_ocsp, lks_identities_set_ocsp_response(config->identities, lks_from_file(file), err))
FROM_FILE(set_sct, lks_identities_set_sct(config->identities, lks_from_file(file), err))
FROM_FILE(set_trust, lks_policy_set_trust(config->policy, lks_from_file(file), err))
FROM_FILE(set_tickets, lks_memory_set_ticket_keys(config->memory, lks_from_file(file), err))
FROM_FILE(set_key_log, lks_policy_set_key_log(config->policy, file, err))

static enum lks_status set_cert(struct lks_config *config, const char *file, struct lks_error *err)
{
    return lks_identities_add_certificate(config->identities, lks_from_file(file),
                                          lks_from_file(pki_path("right.key")), err);
}

static enum lks_status set_key(struct lks_config *config, const char *file, struct lks_error *err)
{
    return lks_identities_add_certificate(config->identities, lks_from_file(pki_path("right.pem")),
                                          lks_from_file(file), err);
}

/* Whatever is wrong with a file, the line names it first, then the cause, then the remedy behind a
 * semicolon or as a question. */
static void lines_have_cause_and_remedy(void)
{
    static const struct {
        enum lks_status (*set)(struct lks_config *, const char *, struct lks_error *);
        const char *missing, *empty, *junk; /* causes; NULL: none */
    } rows[] = {
        {set_cert, ": cannot read the certificate: No such", ": is empty",
         ": no certificate in PEM"},
        {set_key, ": cannot read the private key: No such", ": is empty",
         ": no private key in PEM"},
        {set_ocsp, ": cannot read the OCSP response: No such", ": is empty",
         ": no successful OCSP response"},
        {set_sct, ": cannot read the list of timestamps: No such", ": is empty",
         ": no SignedCertificateTimestampList"},
        {set_trust, ": cannot read the trusted certificates: No such", ": is empty",
         ": no certificate in PEM"},
        {set_tickets, ": cannot read the ticket keys: No such", ": line 0: the file ends",
         ": line 1: a line begins with"},
        {set_key_log, ": cannot append to the key log: No such", NULL, NULL},
    };
    pki_begin();
    X509_free(pki_leaf("right", &(struct pki){.subject = "r", .san = "DNS:r.test"}, false));
    for (size_t i = 0; i < 3 * sizeof(rows) / sizeof(rows[0]); i++) {
        const size_t row = i / 3;
        const char *const causes[] = {rows[row].missing, rows[row].empty, rows[row].junk};
        struct lks_config *config = pki_config();
        struct lks_error err = {""};
        char file[128];
        snprintf(file, sizeof(file), "%s", pki_path(i % 3 ? "file" : "absent/file"));
        if (i % 3) {
            FILE *f = pki_create("file");
            fputs(i % 3 == 1 ? "" : "junk\n", f);
            fclose(f);
        }
        if (rows[row].set != set_cert && rows[row].set != set_key)
            pki_add(config, "right");
        if (causes[i % 3]) {
            enum lks_status status = rows[row].set(config, file, &err);
            const char *cause = strstr(err.text, causes[i % 3]);
            LKS_CHECK(status == LKS_BAD_CONFIG && strstr(err.text, file) == err.text &&
                          cause == err.text + strlen(file) && strpbrk(cause, ";?"),
                      "row %zu: %s: %s", i, lks_status_name(status), err.text);
        }
        lks_config_free(config);
    }
    unlink(pki_path("file"));
}

static const struct lks_test tests[] = {
    {"lines have cause and remedy", lines_have_cause_and_remedy},
    {"keys", keys},
    {"RSASSA-PSS handshakes", pss_handshakes},
    {"certificates", certificates},
    {"trusted files", trusted_files},
    {"other blocks among trusted", other_blocks_among_trusted},
    {"warnings", warnings},
    {"responses", responses},
    {"response that ends", response_that_ends},
    {"key log", key_log},
    {"names twice", names_twice},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"own files", tests}, {NULL, NULL}};
    int rc = lks_test_run("own files", suites);
    pki_end();
    return rc;
}
