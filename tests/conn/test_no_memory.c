/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Memory runs out, at each allocation of a handshake in turn: ours, for which the linker wraps the
 * allocator's functions (see meson.build), and libcrypto's, which is given functions. What fails
 * then is said to be for want of memory, nobody is blamed for it, nothing leaks, and nobody is let
 * in. The peers carry their bytes in static buffers, so that only the library finds no memory.
 */

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>

#include "handshake/config.h"
#include "pki_files.h"
#include "test_conn.h"

/* How memory runs out. */
enum lack { ONCE, FROM_THEN_ON, NUM_LACKS };

#define ALLOCATIONS_MAX 16384

static bool armed;                   /* allocations count, and may fail */
static bool is_own[ALLOCATIONS_MAX]; /* which of them are ours */
static enum lack lack;
static unsigned long num_allocations, first_to_fail;
static long num_live;        /* blocks of ours, allocated and not freed */
static long num_live_crypto; /* and of libcrypto's */

static bool is_refused(bool own)
{
    if (!armed)
        return false;
    const unsigned long n = num_allocations++;
    if (n < ALLOCATIONS_MAX)
        is_own[n] = own;
    return lack == ONCE ? n == first_to_fail : n >= first_to_fail;
}

void *__real_malloc(size_t len);
void *__real_calloc(size_t num, size_t len);
void *__real_realloc(void *p, size_t len);
void *__real_aligned_alloc(size_t alignment, size_t len);
char *__real_strdup(const char *text);
void __real_free(void *p);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t num, size_t len);
void *__wrap_realloc(void *p, size_t len);
void *__wrap_aligned_alloc(size_t alignment, size_t len);
char *__wrap_strdup(const char *text);
void __wrap_free(void *p);

static void *count(void *p)
{
    num_live += p != NULL;
    return p;
}

void *__wrap_malloc(size_t len)
{
    return is_refused(true) ? NULL : count(__real_malloc(len));
}

void *__wrap_calloc(size_t num, size_t len)
{
    return is_refused(true) ? NULL : count(__real_calloc(num, len));
}

void *__wrap_aligned_alloc(size_t alignment, size_t len)
{
    return is_refused(true) ? NULL : count(__real_aligned_alloc(alignment, len));
}

char *__wrap_strdup(const char *text)
{
    char *copy = __wrap_malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

void *__wrap_realloc(void *p, size_t len)
{
    if (!p)
        return __wrap_malloc(len);
    return is_refused(true) ? NULL : __real_realloc(p, len);
}

void __wrap_free(void *p)
{
    num_live -= p != NULL;
    __real_free(p);
}

static void *crypto_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    if (!len || is_refused(false))
        return NULL;
    num_live_crypto++;
    return __real_malloc(len);
}

static void crypto_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    num_live_crypto -= p != NULL;
    __real_free(p);
}

static void *crypto_realloc(void *p, size_t len, const char *file, int line)
{
    if (!p)
        return crypto_malloc(len, file, line);
    if (len)
        return is_refused(false) ? NULL : __real_realloc(p, len);
    crypto_free(p, file, line);
    return NULL;
}

/* One of the two, with what has come for it. */
struct end {
    struct lks_conn *conn;
    uint8_t in[1u << 15];
    size_t in_len;
    enum lks_status status; /* that ended it */
    bool established;
    uint8_t session[LKS_SESSION_MAX];
    size_t session_len;
};

static struct end client, server;
static struct lks_engine *engine;
static struct lks_op ops[64];
static struct lks_span spans[256];
static struct lks_batch batch = {.ops = ops, .spans = spans, .max_ops = 64, .max_spans = 256};

static void note(struct end *e, enum lks_status status)
{
    const bool goes_on = status == LKS_OK || status == LKS_WANT_DATA || status == LKS_WANT_ROOM;
    if (!e->status && !goes_on)
        e->status = status;
}

static void take_event(struct end *e, enum lks_event event)
{
    size_t len;
    e->established |= event == LKS_EVENT_ESTABLISHED;
    if ((event == LKS_EVENT_ESTABLISHED || event == LKS_EVENT_SESSION) &&
        !lks_conn_take_session(e->conn, e->session, sizeof(e->session), &len))
        e->session_len = len;
}

static void open_records(struct end *e)
{
    const struct lks_span in = {e->in, e->in_len};
    size_t taken = 0;
    lks_batch_reset(&batch);
    note(e, lks_conn_open(e->conn, &in, 1, &batch, &taken, NULL));
    lks_engine_process(engine, ops, batch.num_ops);
    for (uint32_t i = 0; i < batch.num_ops; i++) {
        enum lks_event event;
        note(e, lks_conn_opened(e->conn, &ops[i], &event));
        take_event(e, event);
    }
    e->in_len -= taken;
    memmove(e->in, e->in + taken, e->in_len);
}

static void seal_records(struct end *e, struct end *peer)
{
    const struct lks_span dst = {peer->in + peer->in_len, lks_conn_own_len(e->conn)};
    CU_ASSERT_FATAL(dst.len <= sizeof(peer->in) - peer->in_len);
    lks_batch_reset(&batch);
    note(e, lks_conn_seal_own(e->conn, &dst, 1, &batch));
    lks_engine_process(engine, ops, batch.num_ops);
    peer->in_len += batch.num_ops ? dst.len : 0;
    for (uint32_t i = 0; i < batch.num_ops; i++)
        note(e, lks_conn_sealed(e->conn, &ops[i]));
}

static void turn(struct end *e, struct end *peer)
{
    if (!e->conn)
        return;
    if (!e->status)
        open_records(e);
    seal_records(e, peer);
}

/* As many as any handshake takes, one record each at least. */
#define TURNS_MAX 16

static void turns(void)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        turn(&client, &server);
        turn(&server, &client);
    }
}

/* What allocates behind the handshake. */
static void after_handshake(void)
{
    uint8_t out[32];
    if (!client.established || client.status)
        return;
    note(&client, lks_conn_export_keying_material(client.conn, out, sizeof(out), "label", NULL, 0));
    const enum lks_status status = lks_conn_update_key(client.conn, true);
    if (status != LKS_UNSUPPORTED) /* TLS 1.2 */
        note(&client, status);
    turns();
}

struct scenario {
    const char *name;
    const char *leaf;            /* the server's */
    const char *own_leaf;        /* the client's; NULL: none */
    const char *suites, *groups; /* the server's */
    bool tls12, resumes;
    bool by_id;            /* it resumes by that, */
    bool asked;            /* out of the application's store; which is asked all else, too */
    enum lks_status blame; /* that the client finds with the server */
};

/* The application, which has memory. */
static struct {
    uint8_t id[32], bytes[LKS_STORED_MAX]; /* the first session that was put */
    size_t len;
    enum pki_key key; /* the server's */
    unsigned int num_asked;
} app;

static enum lks_status answer(struct lks_ask *ask)
{
    static uint8_t sig[LKS_SIGNATURE_MAX];
    size_t len, sig_len = sizeof(sig);
    const uint8_t *id = lks_ask_session_id(ask, &len),
                  *content = id ? NULL : lks_ask_content(ask, &len);
    if (id)
        return lks_answer_session(ask, app.bytes, memcmp(id, app.id, 32) ? 0 : app.len, NULL);
    if (lks_ask_hello(ask))
        return lks_answer_hello(ask, NULL, NULL);
    if (!content)
        return lks_answer_peer(ask, UINT64_MAX, NULL);
    armed = false;
    CU_ASSERT_EQUAL(lks_sign(lks_sign_find_tls12(lks_ask_scheme(ask)), pki_key(app.key), content,
                             len, sig, &sig_len),
                    LKS_OK);
    armed = true;
    return lks_answer_signature(ask, sig, sig_len, NULL);
}

static void on_ask(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    (void)user, (void)conn;
    app.num_asked++;
    CU_ASSERT_EQUAL(answer(ask), LKS_OK);
    lks_ask_free(ask);
}

static void on_put(void *user, const uint8_t *id, size_t id_len, const uint8_t *bytes, size_t len,
                   uint64_t until_ms)
{
    (void)user, (void)until_ms;
    if (app.len)
        return;
    memcpy(app.id, id, id_len);
    memcpy(app.bytes, bytes, len);
    app.len = len;
}

static void on_remove(void *user, const uint8_t *id, size_t id_len)
{
    (void)user, (void)id, (void)id_len;
}

static void begin_end(struct end *e, struct lks_config *config, enum lks_role role,
                      const struct lks_conn_options *options)
{
    memset(e, 0, sizeof(*e));
    note(e, lks_conn_new(&e->conn, config, role, options));
}

static void run(struct lks_config *const configs[2], const struct lks_conn_options *options)
{
    begin_end(&client, configs[LKS_CLIENT], LKS_CLIENT, options);
    begin_end(&server, configs[LKS_SERVER], LKS_SERVER, NULL);
    turns();
    after_handshake();
}

static void end_run(void)
{
    lks_conn_free(client.conn);
    lks_conn_free(server.conn);
    ERR_clear_error();
}

/* An end's own error is for want of memory, or what is wrong with the other in any case; and of
 * the other it hears no more. */
static bool is_true(const struct end *e, enum lks_status own, enum lks_status peers)
{
    if (!e->status || e->status == LKS_NO_MEMORY || e->status == own)
        return true;
    struct lks_conn_info info;
    if (e->status != LKS_PEER_ALERT)
        return false;
    lks_conn_get_info(e->conn, &info);
    return info.peer_alert == lks_status_alert(LKS_NO_MEMORY) ||
           (peers && info.peer_alert == lks_status_alert(peers));
}

static void check(const struct scenario *s)
{
    const bool ok = is_true(&client, s->blame, LKS_OK) && is_true(&server, LKS_OK, s->blame);
    LKS_CHECK(ok, "%s, %s from allocation %lu on: client %s, server %s", s->name,
              lack == ONCE ? "once" : "none", first_to_fail, lks_status_name(client.status),
              lks_status_name(server.status));
    size_t len;
    if (client.established && !client.status && !s->resumes)
        LKS_CHECK(lks_conn_peer_name(client.conn, LKS_NAME_SUBJECT, 0) &&
                      lks_conn_peer_name(client.conn, LKS_NAME_DNS, 0) &&
                      lks_conn_peer_chain(client.conn, 1, &len),
                  "%s, allocation %lu: established, and not all is kept", s->name, first_to_fail);
    LKS_CHECK(!s->blame || !client.established, "%s, allocation %lu: let in", s->name,
              first_to_fail);
}

/* When the certificates are good. */
static uint64_t now_ms(void)
{
    return UINT64_C(1000) * PKI_NOW;
}

/* A server's key is then elsewhere. */
static void set_asked(struct lks_config *config, const struct scenario *s, enum lks_role role)
{
    struct lks_policy *policy = config->policy;
    char chain[64];
    CU_ASSERT_EQUAL(lks_policy_set_verifier(policy, LKS_VERIFY_AFTER, on_ask, NULL, NULL), LKS_OK);
    if (role == LKS_CLIENT)
        return;
    app.key = strcmp(s->leaf, "rsa") == 0 ? PKI_RSA_2048 : PKI_P256;
    snprintf(chain, sizeof(chain), "%s.pem", s->leaf);
    CU_ASSERT_EQUAL(lks_policy_set_hello(policy, on_ask, NULL, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_signer(policy, on_ask, NULL, NULL), LKS_OK);
    CU_ASSERT_EQUAL(
        lks_memory_set_session_store(config->memory, on_ask, on_put, on_remove, NULL, NULL),
        LKS_OK);
    CU_ASSERT_EQUAL(
        lks_identities_add_remote(config->identities, lks_from_file(pki_path(chain)), NULL, NULL),
        LKS_OK);
}

static struct lks_config *make_config(const struct scenario *s, enum lks_role role)
{
    struct lks_config *config = pki_config();
    struct lks_error err;
    const char *leaf = role == LKS_SERVER ? s->leaf : s->own_leaf;
    set_clock(config, now_ms);
    CU_ASSERT_EQUAL(lks_policy_set_keep(config->policy, LKS_KEEP_CHAIN, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_random(config->memory, 7200, NULL), LKS_OK);
    if (s->asked)
        set_asked(config, s, role);
    if (leaf && !(s->asked && role == LKS_SERVER))
        pki_add(config, leaf);
    if (role == LKS_CLIENT)
        CU_ASSERT_EQUAL(lks_policy_set_preset(config->policy, "old", &err), LKS_OK);
    if (role == LKS_CLIENT && s->blame)
        LKS_CHECK(
            !lks_policy_set_trust(config->policy, lks_from_file(pki_path("stranger.pem")), &err),
            "%s", err.text);
    if (role == LKS_CLIENT)
        return config;
    const enum lks_client_auth auth = s->own_leaf ? LKS_CLIENT_AUTH_REQUIRED : LKS_CLIENT_AUTH_OFF;
    CU_ASSERT_EQUAL(lks_policy_set_client_auth(config->policy, auth, true, NULL), LKS_OK);
    if (!s->own_leaf && strcmp(s->leaf, "ecdsa") == 0)
        LKS_CHECK(!lks_identities_set_ocsp_response(config->identities,
                                                    lks_from_file(pki_path("good.ocsp")), &err),
                  "%s", err.text);
    if (s->tls12)
        CU_ASSERT_EQUAL(lks_policy_set_versions(config->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                        LKS_OK);
    if (s->by_id) {
        CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, 0, 7200, NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_memory_set_session_cache(config->memory, 1u << 16, NULL), LKS_OK);
    }
    if (s->suites)
        LKS_CHECK(!lks_policy_set_suites(config->policy, s->suites, &err), "%s", err.text);
    if (s->groups)
        LKS_CHECK(!lks_policy_set_groups(config->policy, s->groups, &err), "%s", err.text);
    return config;
}

/* Twice without want: what is made once a process or a configuration is there. Returns how many
 * allocations there are, and the session to resume. */
static unsigned long rehearse(const struct scenario *s, struct lks_config *const configs[2],
                              struct lks_conn_options *options)
{
    static uint8_t session[LKS_SESSION_MAX];
    for (int i = 0; i < 2; i++) {
        num_allocations = 0;
        first_to_fail = ~0ul;
        armed = true;
        run(configs, options);
        armed = false;
        LKS_CHECK(client.status == s->blame && client.established == !s->blame, "%s: %s", s->name,
                  lks_status_name(client.status));
        struct lks_conn_info info;
        lks_conn_get_info(client.conn, &info);
        CU_ASSERT_EQUAL(info.resumed, s->resumes && i);
        if (s->resumes && !i) {
            memcpy(session, client.session, client.session_len);
            options->session = session;
            options->session_len = client.session_len;
        }
        end_run();
    }
    CU_ASSERT_EQUAL(app.num_asked != 0, s->asked);
    return num_allocations;
}

/* So many blocks libcrypto 3.0 itself may leak of a certificate for which it finds no memory. */
#define CRYPTO_LEAK_MAX 4

static void fail_one(const struct scenario *s, struct lks_config *const configs[2],
                     const struct lks_conn_options *options)
{
    const long before = num_live, crypto_before = num_live_crypto;
    num_allocations = 0;
    armed = true;
    run(configs, options);
    armed = false;
    check(s);
    end_run();
    LKS_CHECK(num_live == before && num_live_crypto <= crypto_before + CRYPTO_LEAK_MAX,
              "%s, allocation %lu: %ld blocks more, %ld of libcrypto", s->name, first_to_fail,
              num_live - before, num_live_crypto - crypto_before);
}

/* Ours all, and of libcrypto's, which are many, one in so many, others in each scenario; all of
 * them with LKS_TEST_EFFORT=full. */
static void fail_each(const struct scenario *s, unsigned int offset)
{
    struct lks_config *const configs[] = {
        [LKS_SERVER] = make_config(s, LKS_SERVER), [LKS_CLIENT] = make_config(s, LKS_CLIENT)};
    struct lks_conn_options options = localhost;
    const unsigned long num = rehearse(s, configs, &options);
    const unsigned long stride = lks_test_is_full() ? 1 : lks_test_is_quick() ? 199 : 31;
    static bool own[ALLOCATIONS_MAX];
    CU_ASSERT_FATAL(num > 100 && num < ALLOCATIONS_MAX);
    memcpy(own, is_own, sizeof(own));
    for (unsigned long i = 0; i < num; i++) {
        first_to_fail = i;
        for (lack = ONCE; lack < NUM_LACKS && (own[i] || i % stride == offset % stride); lack++)
            fail_one(s, configs, &options);
    }
    lks_config_free(configs[LKS_CLIENT]);
    lks_config_free(configs[LKS_SERVER]);
}

static void make_certificates(void)
{
    const struct pki ecdsa = {.subject = "x", .san = "DNS:localhost"};
    const struct pki rsa = {.subject = "x", .san = "DNS:localhost", .key = PKI_RSA_2048};
    if (pki_root)
        return;
    pki_begin();
    X509 *leaf = pki_leaf("ecdsa", &ecdsa, false);
    pki_response("good.ocsp", leaf, V_OCSP_CERTSTATUS_GOOD, -100, 1000, PKI_P384);
    X509_free(leaf);
    X509_free(pki_leaf("rsa", &rsa, false));
    X509_free(pki_leaf("own", &(struct pki){.subject = "c"}, false));
    X509_free(pki_leaf("stranger", &(struct pki){.subject = "other root", .ca = true}, true));
}

static void fail_all(const struct scenario *s)
{
    make_certificates();
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, 64), LKS_OK);
    for (unsigned int i = 0; s[i].name; i++) {
        memset(&app, 0, sizeof(app));
        fail_each(&s[i], i);
    }
    lks_engine_free(engine);
}

#define RSA_KX   "TLS_RSA_WITH_AES_128_GCM_SHA256"
#define DHE      "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"
#define STRANGER LKS_ALERT_UNKNOWN_CA

static void in_tls13(void)
{
    static const struct scenario all[] = {
        {.name = "TLS 1.3", .leaf = "ecdsa"},
        {.name = "TLS 1.3, client's", .leaf = "rsa", .own_leaf = "own"},
        {.name = "TLS 1.3, resumed", .leaf = "ecdsa", .resumes = true},
        {.name = "TLS 1.3, client's, resumed", .leaf = "rsa", .own_leaf = "own", .resumes = true},
        {.name = "TLS 1.3, retried", .leaf = "rsa", .groups = "secp384r1"},
        {.name = "TLS 1.3, a stranger", .leaf = "ecdsa", .blame = STRANGER},
        {.name = "TLS 1.3, asked", .leaf = "ecdsa", .own_leaf = "own", .asked = true},
        {0},
    };
    fail_all(all);
}

static void in_tls12(void)
{
    static const struct scenario all[] = {
        {.name = "TLS 1.2", .leaf = "ecdsa", .tls12 = true},
        {.name = "TLS 1.2, RSA", .leaf = "rsa", .tls12 = true, .suites = RSA_KX},
        {.name = "TLS 1.2, client's", .leaf = "ecdsa", .own_leaf = "own", .tls12 = true},
        {.name = "TLS 1.2, client's, resumed",
         .leaf = "rsa",
         .own_leaf = "own",
         .tls12 = true,
         .resumes = true},
        {.name = "TLS 1.2, resumed", .leaf = "ecdsa", .tls12 = true, .resumes = true},
        {.name = "TLS 1.2, a stranger", .leaf = "ecdsa", .tls12 = true, .blame = STRANGER},
        {.name = "TLS 1.2, DHE", .leaf = "rsa", .tls12 = true, .suites = DHE},
        {.name = "TLS 1.2, by ID", .leaf = "ecdsa", .tls12 = true, .resumes = true, .by_id = true},
        {.name = "TLS 1.2, asked", .leaf = "rsa", .own_leaf = "own", .tls12 = true, .asked = true},
        {.name = "TLS 1.2, stored",
         .leaf = "ecdsa",
         .tls12 = true,
         .resumes = true,
         .by_id = true,
         .asked = true},
        {0},
    };
    fail_all(all);
}

static const struct lks_test tests[] = {
    {"in TLS 1.3", in_tls13},
    {"in TLS 1.2", in_tls12},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"no memory", tests}, {NULL, NULL}};
    CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
    int rc = lks_test_run("no-memory", suites);
    pki_end();
    return rc;
}
