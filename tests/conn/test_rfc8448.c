/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The traces of RFC 8448, record for record (but for the version in front of a ClientHello): one
 * side is a connection of ours whose keys, randoms and messages of free choice are the RFC's, the
 * other side is the RFC. What is ours to make (the ServerHello, all keys, Finished, every sealed
 * record, alerts) must come out as printed.
 */

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

#include "client.h"
#include "common/test.h"
#include "conn/conn.h"
#include "handshake/config.h"
#include "handshake/exchange/group_kind.h"
#include "handshake/extensions.h"

#define RECORD_MAX 1024u
#define TEXT_LEN   50u /* of the application data: 00 to 31 */

struct trace {
    json_t *section;
    bool is_server;                /* we are */
    uint8_t plain[4 * RECORD_MAX]; /* our protected handshake messages, one after the other */
    size_t plain_len;
    unsigned int num_hellos, num_randoms;
};

static json_t *load_section(json_t **all, int number)
{
    const char *path = lks_test_vector_path("rfc8448/rfc8448.json");
    *all = path ? json_load_file(path, 0, NULL) : NULL;
    size_t i;
    json_t *section;
    json_array_foreach(json_object_get(*all, "sections"), i,
                       section) if (json_integer_value(json_object_get(section, "section")) ==
                                    number) return section;
    return NULL;
}

static size_t hex_of(json_t *item, uint8_t *out)
{
    return lks_test_hex(json_string_value(json_object_get(item, "hex")), out, RECORD_MAX);
}

static bool ends_with(const char *text, const char *end)
{
    size_t text_len = strlen(text), end_len = strlen(end);
    return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

/* A value by the end of its name: sections differ in how they begin it. */
static size_t value(const struct trace *t, const char *name, uint8_t *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(t->section, "items"), i,
                       item) if (ends_with(json_string_value(json_object_get(item, "name")),
                                           name)) return hex_of(item, out);
    CU_FAIL("a value that is not there");
    return 0;
}

/* The n-th record of one side; its length, or 0. */
static size_t record(const struct trace *t, bool from_server, unsigned int n, uint8_t *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(t->section, "items"), i, item)
    {
        const char *dir = json_string_value(json_object_get(item, "dir"));
        if (dir && (strcmp(dir, "server") == 0) == from_server && n-- == 0)
            return hex_of(item, out);
    }
    return 0;
}

/* Opens a record under keys that the trace prints, and appends its content to t->plain. */
static void open_printed(struct trace *t, const char *key_name, const char *iv_name,
                         const uint8_t *bytes, size_t len)
{
    uint8_t secret_key[RECORD_MAX], iv[RECORD_MAX], copy[RECORD_MAX];
    struct lks_key key;
    struct lks_engine *engine;
    value(t, key_name, secret_key);
    value(t, iv_name, iv);
    memcpy(copy, bytes, len);
    struct lks_span span = {copy, len};
    struct lks_op op = {.key = &key, .src = &span, .num_src = 1};
    memset(&key, 0, sizeof(key));
    CU_ASSERT_EQUAL_FATAL(
        lks_key_init(&key, LKS_TLS_1_3, LKS_AES_128_GCM, LKS_OPEN, secret_key, iv), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, 1), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_engine_process(engine, &op, 1), 1);
    lks_engine_free(engine);
    memcpy(t->plain + t->plain_len, copy + LKS_RECORD_HEADER_LEN, op.len);
    t->plain_len += op.len;
}

/* The messages that our side is to send under handshake keys, and a server's ticket. */
static void open_our_flight(struct trace *t)
{
    uint8_t bytes[RECORD_MAX];
    size_t len;
    unsigned int n = 0;
    while ((len = record(t, t->is_server, n++, bytes)) && bytes[0] != LKS_TYPE_APPLICATION_DATA)
        ;
    open_printed(t, t->is_server ? "handshake_server_key" : "handshake_client_key",
                 t->is_server ? "handshake_server_iv" : "handshake_client_iv", bytes, len);
    len = record(t, t->is_server, n, bytes);
    if (t->is_server && len > 200)
        open_printed(t, "application_server_key", "application_server_iv", bytes, len);
}

static void give_random(void *user, uint8_t *out, size_t len)
{
    struct trace *t = user;
    uint8_t bytes[RECORD_MAX];
    memset(out, 0, len);
    if (len != 32)
        return; /* of a ticket that the trace has another one for */
    /* Behind headers and legacy_version: the random; behind that and a length, the session id. */
    record(t, t->is_server, 0, bytes);
    memcpy(out, bytes + 11 + (t->num_randoms++ ? 33 : 0), len);
}

/* ClientHellos are records of their own, everything else is found by its type. */
static void put_message(void *user, struct lks_writer *w, size_t begin)
{
    struct trace *t = user;
    const uint8_t type = w->data[begin];
    uint8_t bytes[RECORD_MAX];
    if (type == 20 || type == 2 || type == 5)
        return; /* Finished, ServerHello and EndOfEarlyData are ours to get right */
    if (type == 1) {
        size_t len = record(t, false, t->num_hellos++, bytes);
        w->len = begin;
        lks_write_bytes(w, bytes + LKS_RECORD_HEADER_LEN, len - LKS_RECORD_HEADER_LEN);
        return;
    }
    for (size_t at = 0; at < t->plain_len;) {
        size_t len = 4u + ((size_t)t->plain[at + 2] << 8 | t->plain[at + 3]);
        if (t->plain[at] == type) {
            w->len = begin;
            lks_write_bytes(w, t->plain + at, len);
            return;
        }
        at += len;
    }
    CU_FAIL("a message that the trace does not have");
}

static EVP_PKEY *p256_key(const uint8_t *priv, const uint8_t *pub)
{
    EVP_PKEY *key = NULL;
    BIGNUM *d = BN_bin2bn(priv, 32, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, pub, 65);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    CU_ASSERT_TRUE(EVP_PKEY_fromdata_init(ctx) > 0 &&
                   EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) > 0);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(d);
    return key;
}

/* The trace's key pairs come in the order client, server; of P-256 they are called otherwise. */
static enum lks_status give_key(void *user, const struct lks_group *group,
                                struct lks_group_key **key, uint8_t *share)
{
    const struct trace *t = user;
    const bool p256 = group->number == 0x17;
    uint8_t private_key[RECORD_MAX], public_key[RECORD_MAX];
    unsigned int skip_private = t->is_server, skip_public = t->is_server;
    size_t i;
    json_t *item;
    *key = NULL;
    json_array_foreach(json_object_get(t->section, "items"), i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (strcmp(name, p256 ? "priv" : "d") == 0 && skip_private-- == 0)
            hex_of(item, private_key);
        if (strcmp(name, p256 ? "pub" : "x") == 0 && skip_public-- == 0)
            hex_of(item, public_key);
    }
    enum lks_status status = lks_group_generate(group, key, share);
    if (status)
        return status;
    EVP_PKEY_free((*key)->pkey);
    (*key)->pkey = p256 ? p256_key(private_key, public_key)
                        : EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, 32);
    memcpy(share, public_key, p256 ? 65 : 32);
    return (*key)->pkey ? LKS_OK : LKS_INTERNAL;
}

static struct lks_config *trace_config(const struct trace *t, int section)
{
    struct lks_config *config = config_with("ecdsa");
    struct lks_error err;
    CU_ASSERT_EQUAL(
        lks_policy_set_groups(config->policy, section == 5 ? "x25519,secp256r1" : "x25519", &err),
        LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_compatibility(config->policy, section == 7, NULL), LKS_OK);
    config->policy->num_tickets = section == 3;
    if (section == 6 && t->is_server)
        CU_ASSERT_EQUAL(
            lks_policy_set_client_auth(config->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL),
            LKS_OK);
    return config;
}

/* The side must have sent this next; if it has sent nothing, it is made to. RFC 8446 section 5.1
 * lets the record of a first ClientHello say TLS 1.0, as the trace does, and wants it ignored; ours
 * says TLS 1.2. */
static void expect_record(struct poll_loop *loop, struct side *s, uint8_t *bytes, size_t len,
                          const char *what)
{
    uint8_t text[TEXT_LEN];
    if (bytes[0] == LKS_TYPE_HANDSHAKE)
        bytes[2] = 3;
    while (loop_poll(loop, &s, 1))
        ;
    if (!s->wire_out.len && len == LKS_RECORD_HEADER_LEN + TEXT_LEN + 17) {
        for (uint8_t i = 0; i < TEXT_LEN; i++)
            text[i] = i;
        buffer_add(&s->to_send, text, sizeof(text));
    } else if (!s->wire_out.len && !s->established) {
        buffer_add(&s->to_send, "ABCDEF", 6); /* early data */
    } else if (!s->wire_out.len) {
        lks_conn_close(s->conn);
    }
    while (loop_poll(loop, &s, 1))
        ;
    bool same = s->wire_out.len >= len && memcmp(s->wire_out.data, bytes, len) == 0;
    LKS_CHECK(same, "%s: a record of %zu bytes; %zu are there", what, len, s->wire_out.len);
    if (same)
        buffer_drop(&s->wire_out, len);
}

static void check_exporter(const struct trace *t, const struct side *s)
{
    uint8_t secret[RECORD_MAX];
    const bool is_long = json_integer_value(json_object_get(t->section, "section")) <= 4;
    CU_ASSERT_EQUAL(value(t, is_long ? "exporter_master" : "exp master", secret), 32);
    CU_ASSERT_EQUAL(memcmp(secret, s->conn->exporter_secret, 32), 0);
}

/* The session of section 3's client, which section 4's resumes. */
static struct buffer session;

/* All records in their order: ours are expected, the others given. [8446
 * 4-1 4.4.4-2 5.1-6 5.1-10 5.3-1 7.5-1] */
static void replay(int section, bool is_server)
{
    json_t *all;
    struct trace t = {.is_server = is_server, .section = load_section(&all, section)};
    if (!t.section)
        LKS_SKIP("the traces of RFC 8448 are not there");
    const struct lks_hooks hooks = {&t, give_random, give_key, put_message, true};
    const struct lks_conn_options options = {.server_name = "server",
                                             .session = section == 4 ? session.data : NULL,
                                             .session_len = section == 4 ? session.len : 0,
                                             .early_data = section == 4};
    struct poll_loop loop;
    struct side side;
    char what[64];
    if (section != 4)
        open_our_flight(&t);
    struct lks_config *config = trace_config(&t, section);
    config->policy->hooks = &hooks;
    loop_init(&loop, 16, 256);
    side_init_as(&side, config, is_server ? LKS_SERVER : LKS_CLIENT, &options);
    struct side *s = &side;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(t.section, "items"), i, item)
    {
        uint8_t bytes[RECORD_MAX];
        const char *dir = json_string_value(json_object_get(item, "dir"));
        if (!dir)
            continue;
        size_t len = hex_of(item, bytes);
        snprintf(what, sizeof(what), "section %d, item %zu", section, i);
        if ((strcmp(dir, "server") == 0) == is_server) {
            expect_record(&loop, s, bytes, len, what);
        } else {
            buffer_add(&s->wire_in, bytes, len);
            while (loop_poll(&loop, &s, 1))
                ;
        }
        LKS_CHECK(s->end == LKS_OK, "%s: %s", what, lks_status_name(s->end));
        if (s->end)
            break;
    }
    CU_ASSERT_TRUE(s->established && s->closed && lks_conn_close_sent(s->conn));
    CU_ASSERT_EQUAL(s->wire_out.len, 0);
    CU_ASSERT_EQUAL(s->received.len, section <= 4 ? TEXT_LEN : 0);
    if (s->established)
        check_exporter(&t, s);
    if (section == 3)
        buffer_add(&session, s->session, s->session_len);
    side_free(s);
    loop_free(&loop);
    lks_config_free(config);
    json_decref(all);
}

static void simple_1rtt_client(void)
{
    replay(3, false);
}

static void simple_1rtt_server(void)
{
    replay(3, true);
}

static void resumed_0rtt_client(void)
{
    if (!lks_test_vector_path("rfc8448/rfc8448.json"))
        LKS_SKIP("the traces of RFC 8448 are not there");
    buffer_free(&session);
    replay(3, false);
    CU_ASSERT_TRUE(session.len > 0);
    replay(4, false);
    buffer_free(&session);
}

static void retry_client(void)
{
    replay(5, false);
}

static void client_auth_client(void)
{
    replay(6, false);
}

static void client_auth_server(void)
{
    replay(6, true);
}

static void compatibility_client(void)
{
    replay(7, false);
}

static void compatibility_server(void)
{
    replay(7, true);
}

static const struct lks_test tests[] = {
    {"simple 1-RTT, client", simple_1rtt_client},
    {"simple 1-RTT, server", simple_1rtt_server},
    {"resumed 0-RTT, client", resumed_0rtt_client},
    {"HelloRetryRequest, client", retry_client},
    {"client authentication, client", client_auth_client},
    {"client authentication, server", client_auth_server},
    {"compatibility mode, client", compatibility_client},
    {"compatibility mode, server", compatibility_server},
    {NULL, NULL},
};

static const struct lks_test_suite suites[] = {{"traces", tests}, {NULL, NULL}};

int main(void)
{
    int rc = lks_test_run("rfc8448", suites);
    test_certificates_remove();
    return rc;
}
