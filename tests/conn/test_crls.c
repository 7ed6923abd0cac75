/* SPDX-License-Identifier: BSD-3-Clause */

/* CRLs: as they are read, where a chain is verified, and where a session of one is resumed. */

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/config.h"
#include "mutual.h"

static X509 *one;  /* the client's leaf */
static X509 *twin; /* a CA with the intermediate's key and another name */

static void begin(void)
{
    mutual_begin();
    X509_free(one);
    one = pki_leaf("one", &(struct pki){.subject = "one", .eku = "clientAuth"}, false);
    X509_free(twin);
    twin = pki_make(&(struct pki){.subject = "twin", .ca = true, .key = PKI_P384}, NULL, PKI_P384);
}

/* Bytes for a source. */
struct text {
    uint8_t data[16384];
    size_t len;
};

static void add_pem(struct text *t, const struct pki_crl *what)
{
    X509_CRL *crl = pki_crl(what);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    CU_ASSERT_EQUAL(PEM_write_bio_X509_CRL(bio, crl), 1);
    const long len = BIO_get_mem_data(bio, &text);
    memcpy(t->data + t->len, text, (size_t)len);
    t->len += (size_t)len;
    BIO_free(bio);
    X509_CRL_free(crl);
}

static struct text der_of(const struct pki_crl *what)
{
    struct text t;
    uint8_t *at = t.data;
    X509_CRL *crl = pki_crl(what);
    t.len = (size_t)i2d_X509_CRL(crl, &at);
    X509_CRL_free(crl);
    return t;
}

static void give(struct lks_config *config, const struct text *t)
{
    struct lks_error err;
    LKS_CHECK(!lks_policy_add_crls(config->policy, lks_from_memory("crls", t->data, t->len), &err),
              "%s", err.text);
}

/* By issuer and what they list; the time is a good one unless it is said. */
static struct pki_crl of_root(X509 *revoked)
{
    return (struct pki_crl){.issuer = pki_root, .key = PKI_P256, .revoked = revoked};
}

static struct pki_crl of_intermediate(X509 *revoked)
{
    return (struct pki_crl){.issuer = pki_intermediate, .key = PKI_P384, .revoked = revoked};
}

static void give_one(struct lks_config *config, struct pki_crl what, int64_t first, int64_t last)
{
    struct text t = {.len = 0};
    what.begin = first;
    what.end = last;
    add_pem(&t, &what);
    give(config, &t);
}

/* What is there when a chain is verified. */
enum kind { LACKS, GOOD, LISTS, ENDED, ENDED_LISTS, FUTURE, FORGED, ENDED_AND_GOOD };

static void give_kind(struct lks_config *config, enum kind kind, struct pki_crl good,
                      struct pki_crl lists)
{
    struct pki_crl forged = good;
    forged.key = good.key == PKI_P256 ? PKI_P384 : PKI_P256;
    if (kind == GOOD || kind == ENDED_AND_GOOD)
        give_one(config, good, 0, 0);
    if (kind == LISTS)
        give_one(config, lists, 0, 0);
    if (kind == ENDED || kind == ENDED_AND_GOOD)
        give_one(config, good, -2 * HOUR, -HOUR);
    if (kind == ENDED_LISTS)
        give_one(config, lists, -2 * HOUR, -HOUR);
    if (kind == FUTURE)
        give_one(config, good, HOUR, 2 * HOUR);
    if (kind == FORGED)
        give_one(config, forged, 0, 0);
}

static const struct row {
    enum kind intermediate, root; /* whose CRL */
    bool missing, expired;        /* that is allowed */
    enum lks_status status;
    const char *reason;
} rows[] = {
    {LACKS, LACKS, false, false, LKS_OK, ""}, /* no CRL at all: nobody asks */
    {GOOD, GOOD, false, false, LKS_OK, ""},
    {LISTS, GOOD, false, false, LKS_ALERT_CERTIFICATE_REVOKED, "was revoked"},
    {GOOD, LISTS, false, false, LKS_ALERT_CERTIFICATE_REVOKED, "was revoked"},
    {LISTS, GOOD, true, true, LKS_ALERT_CERTIFICATE_REVOKED, "was revoked"},
    {GOOD, LACKS, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN, "no CRL is there"},
    {LACKS, GOOD, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN, "no CRL is there"},
    {LACKS, GOOD, true, false, LKS_OK, ""},
    {LACKS, LISTS, true, false, LKS_ALERT_CERTIFICATE_REVOKED, "was revoked"},
    {ENDED, GOOD, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN, "has ended (nextUpdate)"},
    {GOOD, ENDED, true, false, LKS_ALERT_CERTIFICATE_UNKNOWN, "has ended (nextUpdate)"},
    {ENDED, ENDED, false, true, LKS_OK, ""},
    {ENDED_LISTS, GOOD, false, true, LKS_ALERT_CERTIFICATE_REVOKED, "was revoked"},
    {ENDED_AND_GOOD, GOOD, false, false, LKS_OK, ""},
    {FUTURE, GOOD, true, true, LKS_ALERT_CERTIFICATE_UNKNOWN, "of a later time than now"},
    {FORGED, GOOD, true, true, LKS_ALERT_CERTIFICATE_UNKNOWN, "is not signed by that CA"},
};
#define NUM_ROWS (sizeof(rows) / sizeof(rows[0]))

static void give_row(struct lks_config *config, const struct row *row, X509 *leaf)
{
    give_kind(config, row->intermediate, of_intermediate(NULL), of_intermediate(leaf));
    give_kind(config, row->root, of_root(NULL), of_root(pki_intermediate));
    CU_ASSERT_EQUAL(lks_policy_allow_crl_lack(config->policy, row->missing, row->expired, NULL),
                    LKS_OK);
}

static void clients(void)
{
    begin();
    for (size_t i = 0; i < 2 * NUM_ROWS; i++) {
        const struct row *row = &rows[i / 2];
        struct session session = {.len = 0};
        struct lks_config *client = mutual_client("one"),
                          *server = mutual_server(i & 1 ? TICKET_12 : TICKET_13,
                                                  LKS_CLIENT_AUTH_OPTIONAL);
        give_row(server, row, one);
        const struct outcome o = meet(client, server, &session);
        LKS_CHECK(o.server == row->status && strstr(o.server_reason, row->reason),
                  "row %zu: %s, %s", i / 2, lks_status_name(o.server), o.server_reason);
        LKS_CHECK(!row->status || o.peer_alert == lks_status_alert(row->status), "row %zu: %u",
                  i / 2, o.peer_alert);
        lks_config_free(client);
        lks_config_free(server);
    }
}

static void servers(void)
{
    begin();
    X509 *leaf =
        pki_leaf("server", &(struct pki){.subject = "server", .san = "DNS:localhost"}, false);
    for (size_t i = 0; i < 2 * NUM_ROWS; i++) {
        const struct row *row = &rows[i / 2];
        struct session session = {.len = 0};
        struct lks_config *client = mutual_client(NULL),
                          *server =
                              mutual_server(i & 1 ? TICKET_12 : TICKET_13, LKS_CLIENT_AUTH_OFF);
        give_row(client, row, leaf);
        const struct outcome o = meet(client, server, &session);
        LKS_CHECK(o.client == row->status && strstr(o.client_reason, row->reason),
                  "row %zu: %s, %s", i / 2, lks_status_name(o.client), o.client_reason);
        lks_config_free(client);
        lks_config_free(server);
    }
    X509_free(leaf);
}

/* What a source is refused for, in so many words; what was there before stays. */
static void sources(void)
{
    static const char begun[] = "-----BEGIN X509 CRL-----\nMIIB\n";
    struct text texts[8] = {{.len = 0}};
    begin();
    struct pki_crl what = of_root(NULL), delta = what, endless = what;
    delta.is_delta = true;
    endless.begin = -HOUR;
    endless.end = -1;
    add_pem(&texts[0], &delta);
    add_pem(&texts[1], &what);
    const size_t first_len = texts[1].len;
    add_pem(&texts[1], &endless);
    add_pem(&texts[2], &what);
    memcpy(texts[2].data + texts[2].len, begun, sizeof(begun) - 1);
    texts[2].len += sizeof(begun) - 1;
    texts[3] = der_of(&what);
    texts[3].data[texts[3].len++] = 0;
    texts[4] = der_of(&what);
    texts[4].len--;
    FILE *f = fopen(pki_path("root.pem"), "r");
    texts[5].len = fread(texts[5].data, 1, sizeof(texts[5].data), f);
    fclose(f);
    f = fopen(pki_path("one.key"), "r");
    texts[6].len = fread(texts[6].data, 1, sizeof(texts[6].data), f);
    fclose(f);
    char second[64];
    unsigned int line = 1;
    for (size_t i = 0; i < first_len; i++)
        line += texts[1].data[i] == '\n';
    snprintf(second, sizeof(second), "x: line %u: a CRL without an end", line);
    const char *const causes[] = {"x: line 1: a delta CRL",
                                  second,
                                  "a damaged CRL",
                                  "x: no CRL, in PEM",
                                  "x: no CRL, in PEM",
                                  "x: line 1: no CRL; certificates to trust",
                                  "x: line 1: a private key",
                                  "x: is empty"};
    struct lks_config *config = mutual_client(NULL);
    give_one(config, of_intermediate(NULL), 0, 0);
    for (size_t i = 0; i < 8; i++) {
        struct lks_error err;
        const struct lks_source source = lks_from_memory("x", texts[i].data, texts[i].len);
        LKS_CHECK(lks_policy_add_crls(config->policy, source, &err) == LKS_BAD_CONFIG &&
                      strstr(err.text, causes[i]) && strstr(err.text, "x: "),
                  "%zu: %s", i, err.text);
        CU_ASSERT_EQUAL(lks_policy_add_crls(config->policy, source, NULL), LKS_BAD_CONFIG);
        CU_ASSERT_EQUAL(config->policy->revocation.num, 1);
    }
    struct lks_error err;
    CU_ASSERT_EQUAL(lks_policy_add_crls(config->policy, lks_from_file(pki_path("none")), &err),
                    LKS_BAD_CONFIG);
    LKS_CHECK(strstr(err.text, "none: cannot read the CRLs"), "%s", err.text);
    /* Good ones: two in PEM, the same again in DER, from a file. */
    struct text both = {.len = 0}, der = der_of(&what);
    X509_CRL *again = NULL;
    const uint8_t *at = der.data;
    again = d2i_X509_CRL(NULL, &at, (long)der.len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    CU_ASSERT_EQUAL(PEM_write_bio_X509_CRL(bio, again), 1);
    both.len = (size_t)BIO_get_mem_data(bio, &pem);
    memcpy(both.data, pem, both.len);
    add_pem(&both, &what);
    give(config, &both);
    const size_t num = config->policy->revocation.num;
    CU_ASSERT_EQUAL(num, 3);
    f = pki_create("crl.der");
    CU_ASSERT_EQUAL(fwrite(der.data, 1, der.len, f), der.len);
    fclose(f);
    LKS_CHECK(!lks_policy_add_crls(config->policy, lks_from_file(pki_path("crl.der")), &err), "%s",
              err.text);
    CU_ASSERT_EQUAL(config->policy->revocation.num, num);
    BIO_free(bio);
    X509_CRL_free(again);
    /* Certificates to trust are another matter. */
    CU_ASSERT_EQUAL(
        lks_policy_set_trust(config->policy, lks_from_memory("t", both.data, both.len), &err),
        LKS_BAD_CONFIG);
    LKS_CHECK(strstr(err.text, "t: line 1: a CRL") && strstr(err.text, "lks_policy_add_crls()"),
              "%s", err.text);
    lks_config_free(config);
}

/* What a policy says of CRLs that it has taken all the same. */
static void warnings(void)
{
    struct lks_error warning;
    begin();
    struct lks_config *config = mutual_client(NULL);
    struct pki_crl forged = of_root(NULL);
    forged.key = PKI_P384;
    CU_ASSERT_FALSE(lks_policy_warning(config->policy, 0, &warning));
    give_one(config, of_root(NULL), -HOUR, HOUR);
    give_one(config, of_intermediate(NULL), -2 * HOUR, -HOUR);
    give_one(config, of_intermediate(NULL), HOUR, 2 * HOUR);
    give_one(config, forged, 0, 0);
    static const char *const causes[] = {"crls: line 1: the CRL has ended (nextUpdate)",
                                         "is of a later time than now", "was signed by none"};
    for (uint32_t i = 0; i < 3; i++)
        LKS_CHECK(lks_policy_warning(config->policy, i, &warning) &&
                      strstr(warning.text, causes[i]),
                  "%u: %s", i, warning.text);
    CU_ASSERT_FALSE(lks_policy_warning(config->policy, 3, &warning));
    set_verify_time(config, PKI_NOW + HOUR + 1); /* the first has ended, the third begun */
    LKS_CHECK(lks_policy_warning(config->policy, 0, NULL), "none");
    LKS_CHECK(lks_policy_warning(config->policy, 1, &warning) && strstr(warning.text, "has ended"),
              "%s", warning.text);
    lks_config_free(config);
}

/* Trusts the intermediate CA and its twin, too, so that their CRLs can be checked without a chain.
 */
static void trust_both(struct lks_config *config)
{
    struct lks_error err;
    FILE *f = pki_create("both.pem");
    CU_ASSERT_TRUE(PEM_write_X509(f, pki_root) && PEM_write_X509(f, pki_intermediate) &&
                   PEM_write_X509(f, twin));
    fclose(f);
    LKS_CHECK(!lks_policy_set_trust(config->policy, lks_from_file(pki_path("both.pem")), &err),
              "%s", err.text);
}

static void swap_policies(struct lks_config *a, struct lks_config *b)
{
    struct lks_policy *policy = a->policy;
    a->policy = b->policy;
    b->policy = policy;
}

/* What has become of the CRLs when a client comes back. */
enum later {
    SAME,
    NEWER,
    REVOKED,
    OTHER_REVOKED,
    TOO_OLD,
    NO_CRL,
    NO_LONGER_SIGNED,
    ODD,
    ODD_ENTRY,
    OF_TWIN,
    NAMES_OTHER
};

static const struct {
    bool trusts_intermediate;
    enum later later;
    bool expired; /* is allowed */
    bool resumes;
    enum lks_status status;
} comings[] = {
    {true, SAME, false, true, LKS_OK},
    {true, NEWER, false, true, LKS_OK},
    {true, OTHER_REVOKED, false, true, LKS_OK},
    {true, REVOKED, false, false, LKS_ALERT_CERTIFICATE_REVOKED},
    {true, REVOKED, true, false, LKS_ALERT_CERTIFICATE_REVOKED},
    {true, TOO_OLD, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN},
    {true, TOO_OLD, true, true, LKS_OK},
    {true, NO_CRL, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN},
    {true, NO_LONGER_SIGNED, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN},
    {true, ODD, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN},
    {true, ODD_ENTRY, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN},
    {true, OF_TWIN, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN},
    {true, NAMES_OTHER, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN},
    {false, SAME, false, true, LKS_OK},
    {false, NEWER, false, false, LKS_OK},
    {false, REVOKED, false, false, LKS_ALERT_CERTIFICATE_REVOKED},
    {false, TOO_OLD, false, false, LKS_ALERT_CERTIFICATE_UNKNOWN},
    {false, TOO_OLD, true, true, LKS_OK},
};

/* A policy's CRLs at first: the intermediate's, which is the same bytes for all, for four hours. */
static void give_first(struct lks_config *config, const struct text *first, bool expired)
{
    struct text root = {.len = 0};
    struct pki_crl what = of_root(NULL);
    add_pem(&root, &what);
    give(config, &root);
    give(config, first);
    CU_ASSERT_EQUAL(lks_policy_allow_crl_lack(config->policy, false, expired, NULL), LKS_OK);
}

static void give_later(struct lks_config *config, const struct text *first, enum later later,
                       bool expired, X509 *other)
{
    struct pki_crl forged = of_intermediate(NULL), what = of_root(NULL), odd = forged,
                   odd_entry = of_intermediate(other), of_twin = forged, names_other = forged;
    struct text root = {.len = 0};
    forged.key = PKI_P256;
    odd.is_odd = odd_entry.has_odd_entry = true;
    of_twin.issuer = twin;
    names_other.names_other = true;
    add_pem(&root, &what);
    give(config, &root);
    if (later == SAME || later == TOO_OLD)
        give(config, first);
    if (later == NEWER)
        give_one(config, of_intermediate(NULL), 0, 0);
    if (later == REVOKED)
        give_one(config, of_intermediate(one), 0, 0);
    if (later == OTHER_REVOKED)
        give_one(config, of_intermediate(other), 0, 0);
    if (later == NO_LONGER_SIGNED)
        give_one(config, forged, 0, 0);
    if (later == ODD)
        give_one(config, odd, 0, 0);
    if (later == ODD_ENTRY)
        give_one(config, odd_entry, 0, 0);
    if (later == OF_TWIN)
        give_one(config, of_twin, 0, 0);
    if (later == NAMES_OTHER)
        give_one(config, names_other, 0, 0);
    CU_ASSERT_EQUAL(lks_policy_allow_crl_lack(config->policy, false, expired, NULL), LKS_OK);
}

/* The serial numbers in a session are looked up in the CRLs of now, which new policies bring. */
static void sessions(void)
{
    begin();
    X509 *other = pki_leaf("two", &(struct pki){.subject = "two", .eku = "clientAuth"}, false);
    for (size_t i = 0; i < 2 * NUM_WAYS * sizeof(comings) / sizeof(comings[0]); i++) {
        const size_t at = i / (2 * NUM_WAYS);
        const enum way way = (enum way)(i / 2 % NUM_WAYS);
        struct session session = {.len = 0};
        struct lks_config *client = mutual_client("one"),
                          *server = mutual_server(way, LKS_CLIENT_AUTH_REQUIRED),
                          *next = mutual_server(way, LKS_CLIENT_AUTH_REQUIRED);
        struct pki_crl what = of_intermediate(NULL);
        struct text first = {.len = 0};
        what.begin = -HOUR;
        what.end = 4 * HOUR;
        add_pem(&first, &what);
        if (comings[at].trusts_intermediate) {
            trust_both(server);
            trust_both(next);
        }
        for (int k = 0; k < 2; k++)
            CU_ASSERT_EQUAL(lks_policy_set_client_sessions((k ? next : server)->policy,
                                                           i & 1 ? LKS_CLIENT_SESSIONS_DIGEST
                                                                 : LKS_CLIENT_SESSIONS_CHAIN,
                                                           NULL),
                            LKS_OK);
        /* The root's CRL is signed anew, which changes nothing. */
        give_first(server, &first, comings[at].expired);
        give_later(next, &first, comings[at].later, comings[at].expired, other);
        mutual_now_s = 0;
        CU_ASSERT_EQUAL(meet(client, server, &session).server, LKS_OK);
        CU_ASSERT_TRUE(meet(client, server, &session).resumed);
        swap_policies(server, next);
        mutual_now_s = comings[at].later == TOO_OLD ? 5 * HOUR : HOUR;
        const struct outcome o = meet(client, server, &session);
        LKS_CHECK(o.resumed == comings[at].resumes && o.server == comings[at].status,
                  "%zu, way %d, digest %d: resumed %d, %s", at, way, (int)(i & 1), o.resumed,
                  lks_status_name(o.server));
        lks_config_free(client);
        lks_config_free(server);
        lks_config_free(next);
    }
    X509_free(other);
}

/* A client's session ends with its CRLs, and with others in their place. */
static void sessions_of_clients(void)
{
    begin();
    for (int i = 0; i < 3 * NUM_WAYS; i++) {
        const int what = i / NUM_WAYS; /* 0: goes on, 1: the CRL ends, 2: a newer one */
        struct session session = {.len = 0};
        struct lks_config *client = mutual_client(NULL), *next = mutual_client(NULL),
                          *server = mutual_server((enum way)(i % NUM_WAYS), LKS_CLIENT_AUTH_OFF);
        struct text crls = {.len = 0};
        struct pki_crl root = of_root(NULL), intermediate = of_intermediate(NULL);
        intermediate.begin = -HOUR;
        intermediate.end = 4 * HOUR;
        add_pem(&crls, &root);
        add_pem(&crls, &intermediate);
        give(client, &crls);
        give(next, &crls);
        if (what == 2)
            give_one(next, intermediate, -HOUR, 5 * HOUR);
        CU_ASSERT_EQUAL(meet(client, server, &session).client, LKS_OK);
        CU_ASSERT_TRUE(meet(client, server, &session).resumed);
        mutual_now_s = what == 1 ? 4 * HOUR + 1 : HOUR;
        const struct outcome o = meet(next, server, &session);
        LKS_CHECK(o.resumed == (what == 0) &&
                      o.client == (what == 1 ? LKS_ALERT_CERTIFICATE_UNKNOWN : LKS_OK),
                  "%d, way %d: resumed %d, %s", what, i % NUM_WAYS, o.resumed,
                  lks_status_name(o.client));
        mutual_now_s = 0;
        lks_config_free(client);
        lks_config_free(next);
        lks_config_free(server);
    }
}

static const struct lks_test tests[] = {
    {"clients", clients},   {"servers", servers},   {"sources", sources},
    {"warnings", warnings}, {"sessions", sessions}, {"sessions of clients", sessions_of_clients},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"CRLs", tests}, {NULL, NULL}};
    int rc = lks_test_run("crls", suites);
    X509_free(one);
    X509_free(twin);
    pki_end();
    return rc;
}
