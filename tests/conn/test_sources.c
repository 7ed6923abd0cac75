/* SPDX-License-Identifier: BSD-3-Clause */

/* Certificates, keys and what belongs to them, from memory as well as from files; and what is said
 * of those that are no good. */

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "pki_files.h"
#include "test_conn.h"

#define ROOM 8192u

struct text {
    char data[ROOM];
    size_t len;
};

static struct text chain, secret, both, root, response;
static const uint8_t scts[] = {0, 4, 0, 2, 1, 2};
static const char ticket_keys[] =
    "# a comment\n"
    "current 00112233445566778899aabbccddeeff "
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

static struct text read_text(const char *name)
{
    struct text t = {.len = 0};
    FILE *f = fopen(pki_path(name), "r");
    CU_ASSERT_FATAL(f != NULL);
    t.len = fread(t.data, 1, ROOM - 1, f);
    fclose(f);
    return t;
}

static void begin(void)
{
    if (chain.len)
        return;
    pki_begin();
    X509 *leaf = pki_leaf("a", &(struct pki){.subject = "a", .san = "DNS:localhost"}, false);
    pki_response("good.ocsp", leaf, V_OCSP_CERTSTATUS_GOOD, -60, 3600, PKI_P384);
    X509_free(leaf);
    chain = read_text("a.pem");
    secret = read_text("a.key");
    root = read_text("root.pem");
    response = read_text("good.ocsp");
    both = chain;
    memcpy(both.data + both.len, secret.data, secret.len);
    both.len += secret.len;
}

static struct lks_source from(const struct text *t, const char *name)
{
    return lks_from_memory(name, t->data, t->len);
}

/* All of it, in memory that is gone when it is used: chain and key in one, as the files would do.
 */
static void from_memory(void)
{
    begin();
    struct lks_config *server = config_new(), *client = config_new();
    struct lks_error err;
    struct text *copy = malloc(sizeof(*copy));
    CU_ASSERT_FATAL(copy != NULL);
    set_verify_time(server, PKI_NOW);
    set_verify_time(client, PKI_NOW);
    *copy = both;
    LKS_CHECK(
        !lks_identities_add_certificate(server->identities, from(copy, "a"), from(copy, "a"), &err),
        "%s", err.text);
    *copy = response;
    LKS_CHECK(!lks_identities_set_ocsp_response(server->identities, from(copy, "ocsp"), &err), "%s",
              err.text);
    memcpy(copy->data, scts, sizeof(scts));
    copy->len = sizeof(scts);
    LKS_CHECK(!lks_identities_set_sct(server->identities, from(copy, "scts"), &err), "%s",
              err.text);
    *copy = root;
    LKS_CHECK(!lks_policy_set_trust(client->policy, from(copy, "roots"), &err), "%s", err.text);
    memcpy(copy->data, ticket_keys, sizeof(ticket_keys));
    copy->len = sizeof(ticket_keys) - 1;
    LKS_CHECK(!lks_memory_set_ticket_keys(server->memory, from(copy, "keys"), &err), "%s",
              err.text);
    memset(copy, 0xff, sizeof(*copy));
    free(copy);
    bool changed = true;
    CU_ASSERT_EQUAL(lks_memory_reload_ticket_keys(server->memory, &changed, &err), LKS_OK);
    CU_ASSERT_FALSE(changed);
    CU_ASSERT_EQUAL(lks_policy_set_ocsp(client->policy, LKS_OCSP_REQUIRED, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_sct_wanted(client->policy, true, &err), LKS_OK);
    struct loopback l;
    loopback_init(&l, client, server, &localhost);
    loopback_run(&l);
    LKS_CHECK(l.client.established && l.server.established, "%s, %s", lks_status_name(l.client.end),
              lks_status_name(l.server.end));
    /* A ticket's first bytes are its key's name. */
    const uint8_t *name = memmem(l.client.session, l.client.session_len, "\x00\x11\x22\x33\x44", 5);
    CU_ASSERT_PTR_NOT_NULL(name);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

enum what { CHAIN, KEY, OCSP, SCTS, TRUST, TICKETS, NUM_WHATS };

static enum lks_status give(struct lks_config *config, enum what what, struct lks_source source,
                            struct lks_error *err)
{
    switch (what) {
    case CHAIN:
        return lks_identities_add_certificate(config->identities, source, from(&secret, "key"),
                                              err);
    case KEY:
        return lks_identities_add_certificate(config->identities, from(&chain, "chain"), source,
                                              err);
    case OCSP:
        return lks_identities_set_ocsp_response(config->identities, source, err);
    case SCTS:
        return lks_identities_set_sct(config->identities, source, err);
    case TRUST:
        return lks_policy_set_trust(config->policy, source, err);
    default:
        return lks_memory_set_ticket_keys(config->memory, source, err);
    }
}

/* Refused, with these words; also where nobody wants to hear them. */
static void refused(enum what what, struct lks_source source, const char *wanted)
{
    begin();
    struct lks_config *config = pki_config();
    struct lks_error err;
    if (what == OCSP || what == SCTS)
        pki_add(config, "a");
    const struct lks_certificate *before = config->identities->certificates;
    const X509_STORE *trust = config->policy->trust;
    LKS_CHECK(give(config, what, source, &err) == LKS_BAD_CONFIG && strstr(err.text, wanted),
              "%d: %s, not %s", what, err.text, wanted);
    CU_ASSERT_EQUAL(give(config, what, source, NULL), LKS_BAD_CONFIG);
    CU_ASSERT_PTR_EQUAL(config->identities->certificates, before);
    CU_ASSERT_PTR_EQUAL(config->policy->trust, trust);
    CU_ASSERT(!before || (!before->ocsp && !before->sct));
    lks_config_free(config);
}

/* Sources that have nothing in them, whatever it should be. */
static void nothing_there(void)
{
    for (enum what what = CHAIN; what < NUM_WHATS; what++) {
        char *much = calloc(1, ((size_t)4 << 20) + 1);
        CU_ASSERT_FATAL(much != NULL);
        refused(what, lks_from_memory("bytes of a", "", 0), "bytes of a: ");
        refused(what, lks_from_memory("bytes of a", NULL, 10), "bytes of a: ");
        refused(what, lks_from_memory(NULL, "x", 1), "memory: ");
        refused(what, lks_from_memory("much", much, ((size_t)4 << 20) + 1), "much: longer than");
        refused(what, lks_from_file(pki_path("absent")), "absent: cannot read the");
        fclose(pki_create("empty"));
        refused(what, lks_from_file(pki_path("empty")), "empty: ");
        if (what != TRUST) /* the system's */
            refused(what, lks_from_file(NULL), "is named; name one");
        if (what != TRUST) /* a directory of files */
            refused(what, lks_from_file("/"), "/: cannot read the");
        free(much);
    }
}

static struct text changed(struct text t, const char *at, char to)
{
    char *found = strstr(t.data, at);
    CU_ASSERT_FATAL(found != NULL);
    *found = to;
    return t;
}

/* On which line the n-th block begins. */
static unsigned int line_of(const struct text *t, unsigned int n)
{
    unsigned int line = 1;
    for (const char *at = t->data; *at; at++) {
        if (strncmp(at, "-----BEGIN", 10) == 0 && !n--)
            return line;
        line += *at == '\n';
    }
    return 0;
}

/* Damage is told with its place. */
static void damage(void)
{
    begin();
    char wanted[128];
    struct text t = chain; /* the second's DER */
    char *second = strstr(t.data + 1, "-----BEGIN");
    CU_ASSERT_FATAL(second != NULL);
    second[40] = '!';
    snprintf(wanted, sizeof(wanted), "site a: line %u: certificate 2 is damaged",
             line_of(&chain, 1));
    refused(CHAIN, from(&t, "site a"), wanted);
    FILE *f = pki_create("damaged.pem");
    fwrite(t.data, 1, t.len, f);
    fclose(f);
    snprintf(wanted, sizeof(wanted), "damaged.pem: line %u: certificate 2 is damaged",
             line_of(&chain, 1));
    refused(CHAIN, lks_from_file(pki_path("damaged.pem")), wanted);
    snprintf(wanted, sizeof(wanted), "roots: line %u: a damaged certificate", line_of(&chain, 1));
    refused(TRUST, from(&t, "roots"), wanted);
    t = chain;
    t.len = (size_t)(strstr(t.data, "-----END") - t.data);
    refused(CHAIN, from(&t, "cut"), "cut: line 1: certificate 1 is damaged");
    t = changed(secret, "MI", '!');
    refused(KEY, from(&t, "key of a"), "key of a: line 1: the private key is damaged");
    refused(KEY, from(&chain, "key of a"), "key of a: no private key in PEM format");
    refused(CHAIN, from(&secret, "a"), "a: no certificate in PEM format");
    refused(TRUST, from(&secret, "roots"), "roots: line 1: a private key among");
    refused(OCSP, from(&root, "stapled"), "stapled: no successful OCSP response");
    refused(SCTS, from(&root, "scts"), "scts: no SignedCertificateTimestampList");
    refused(TICKETS, lks_from_memory("keys", "#\nnext 1 2\n", 11), "keys: line 2: the name is not");
    refused(TICKETS, lks_from_file(pki_path("root.pem")), "root.pem: line 1: a line begins with");
}

/* Behind words and carriage returns, as others write PEM. */
static void among_others(void)
{
    begin();
    struct text t = {.len = 0};
    struct lks_config *config = pki_config();
    struct lks_error err;
    t.len = (size_t)snprintf(t.data, ROOM, "subject=a\r\nand more\n");
    for (size_t i = 0; i < both.len; i++) {
        if (both.data[i] == '\n')
            t.data[t.len++] = '\r';
        t.data[t.len++] = both.data[i];
    }
    LKS_CHECK(!lks_identities_add_certificate(config->identities, from(&t, "crlf"),
                                              from(&t, "crlf"), &err),
              "%s", err.text);
    CU_ASSERT_EQUAL(sk_X509_num(config->identities->certificates->chain), 2);
    lks_config_free(config);
    t = changed(t, "MI", '!');
    refused(CHAIN, from(&t, "crlf"), "crlf: line 3: certificate 1 is damaged");
}

/* An editor's byte order mark is no part of the first line, whatever that is. */
static void behind_a_mark(void)
{
    static const char mark[] = "\xef\xbb\xbf", keys[] = "next 1 2\n";
    const struct text *const all[] = {[CHAIN] = &chain, [KEY] = &secret, [TRUST] = &chain};
    struct lks_config *config = pki_config();
    struct lks_error err;
    struct text t = {.len = 3};
    begin();
    for (enum what what = CHAIN; what < NUM_WHATS; what++) {
        if (what == OCSP || what == SCTS)
            continue;
        const char *data = what == TICKETS ? ticket_keys : all[what]->data;
        memcpy(t.data, mark, 3);
        t.len = 3 + (what == TICKETS ? sizeof(ticket_keys) - 1 : all[what]->len);
        memcpy(t.data + 3, data, t.len - 3);
        LKS_CHECK(!give(config, what, from(&t, "marked"), &err), "%d: %s", what, err.text);
    }
    CU_ASSERT_EQUAL(sk_X509_num(config->identities->certificates->chain), 2);
    CU_ASSERT_EQUAL(sk_X509_num(config->policy->anchors), 2); /* none is passed over */
    FILE *f = pki_create("marked");
    fprintf(f, "%s%s", mark, ticket_keys);
    fclose(f);
    LKS_CHECK(!give(config, TICKETS, lks_from_file(pki_path("marked")), &err), "%s", err.text);
    lks_config_free(config);
    refused(CHAIN, lks_from_memory("marked", mark, 3), "marked: is empty");
    snprintf(t.data, ROOM, "%s%s", mark, keys);
    t.len = strlen(t.data);
    refused(TICKETS, from(&t, "marked"), "marked: line 1: the name is not");
    refused(TICKETS, lks_from_memory("marked", mark, 3), "marked: ");
}

/* A warning names the source, too. */
static void warnings(void)
{
    begin();
    struct lks_config *config = pki_config();
    struct lks_error warning;
    CU_ASSERT_EQUAL(give(config, CHAIN, from(&chain, "site a"), NULL), LKS_OK);
    CU_ASSERT_FALSE(lks_identities_warning(config->identities, 0, &warning));
    set_verify_time(config, PKI_NOW + 5 * 86400);
    CU_ASSERT_TRUE(lks_identities_warning(config->identities, 1, &warning));
    LKS_CHECK(strstr(warning.text, "site a: certificate 2 has ended") == warning.text, "%s",
              warning.text);
    CU_ASSERT_TRUE(lks_identities_warning(config->identities, 1, NULL));
    CU_ASSERT_FALSE(lks_identities_warning(config->identities, 2, NULL));
    lks_config_free(config);
}

/* Lists of names: missing, empty, wrong; what was set before stays. */
static void lists(void)
{
    static enum lks_status (*const set[])(struct lks_policy *, const char *, struct lks_error *) = {
        lks_policy_set_alpn,
        lks_policy_set_suites,
        lks_policy_set_groups,
        lks_policy_set_preset,
        lks_policy_set_certificate_compression,
        lks_policy_set_signature_schemes,
        lks_policy_set_key_log};
    struct lks_config *config = config_new();
    struct lks_policy *policy = config->policy;
    CU_ASSERT_EQUAL(lks_policy_set_alpn(policy, "h2,http/1.1", NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_groups(policy, "x25519", NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_suites(policy, "TLS_AES_128_GCM_SHA256", NULL), LKS_OK);
    for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
        struct lks_error err;
        LKS_CHECK(set[i](policy, NULL, &err) == LKS_BAD_CONFIG && err.text[0], "%zu, NULL", i);
        LKS_CHECK(set[i](policy, "", &err) == LKS_BAD_CONFIG && err.text[0], "%zu, empty", i);
        CU_ASSERT_EQUAL(set[i](policy, NULL, NULL), LKS_BAD_CONFIG);
    }
    CU_ASSERT_EQUAL(lks_policy_set_alpn(policy, "a,b,a", NULL), LKS_BAD_CONFIG);
    CU_ASSERT_EQUAL(lks_policy_set_groups(policy, "secp256r1,none", NULL), LKS_BAD_CONFIG);
    CU_ASSERT_EQUAL(lks_policy_set_suites(policy, "TLS_AES_256_GCM_SHA384,x", NULL),
                    LKS_BAD_CONFIG);
    CU_ASSERT(!strcmp(policy->alpn[0], "h2") && !strcmp(policy->alpn[1], "http/1.1") &&
              !policy->alpn[2]);
    CU_ASSERT(!strcmp(policy->groups[0]->name, "x25519") && !policy->groups[1]);
    CU_ASSERT(policy->suites[0]->number == 0x1301 && !policy->suites[1]);
    CU_ASSERT_EQUAL(lks_identities_set_compression(config->identities, NULL, NULL), LKS_BAD_CONFIG);
    lks_config_free(config);
}

static const struct lks_test tests[] = {
    {"from memory", from_memory},
    {"nothing there", nothing_there},
    {"damage", damage},
    {"among others", among_others},
    {"behind a mark", behind_a_mark},
    {"warnings", warnings},
    {"lists", lists},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"sources", tests}, {NULL, NULL}};
    int rc = lks_test_run("sources", suites);
    pki_end();
    return rc;
}
