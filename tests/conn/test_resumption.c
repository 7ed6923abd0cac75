/* SPDX-License-Identifier: BSD-3-Clause */

/* The server's tickets and pre-shared keys, with OpenSSL's client. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handshake/config.h"
#include "test_conn.h"

static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                     "TLS_CHACHA20_POLY1305_SHA256"};

/* One connection with a configuration, which stays the caller's. Returns whether it was
 * established; *session, if there, becomes that of the connection's last ticket. */
struct visit {
    struct lks_conn_info info;
    enum lks_status end;
    bool reused;
};

static bool visit(struct visit *v, struct lks_config *config, const struct client_options *options,
                  SSL_SESSION **session)
{
    struct pair p = {.config = config};
    loop_init(&p.loop, 64, 8192);
    side_init(&p.side, config);
    client_init(&p.client, options);
    pair_exchange(&p);
    const bool ok = p.side.established && SSL_is_init_finished(p.client.ssl);
    memset(v, 0, sizeof(*v));
    v->end = p.side.end;
    if (ok) {
        lks_conn_get_info(p.side.conn, &v->info);
        v->reused = SSL_session_reused(p.client.ssl);
        pair_echo(&p, 5000);
        if (session) {
            SSL_SESSION_free(*session);
            *session = SSL_get1_session(p.client.ssl);
            CU_ASSERT_TRUE(SSL_SESSION_is_resumable(*session));
            /* OpenSSL forgets a session whose connection was not shut down. */
            SSL_set_shutdown(p.client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        }
    }
    client_free(&p.client);
    side_free(&p.side);
    loop_free(&p.loop);
    return ok;
}

static struct lks_config *with_groups(const char *kind, const char *groups)
{
    struct lks_config *config = config_with(kind);
    struct lks_error err;
    if (groups)
        CU_ASSERT_EQUAL(lks_policy_set_groups(config->policy, groups, &err), LKS_OK);
    return config;
}

/* Each suite, also through a HelloRetryRequest, and again from a resumed one. */
static void resumed_with_each_suite(void)
{
    for (unsigned int i = 0; i < 6; i++) {
        struct lks_config *config = with_groups(NULL, i & 1 ? "secp384r1" : NULL);
        SSL_SESSION *session = NULL;
        struct visit v;
        struct client_options o = {.suites = suites[i / 2], .server_name = "localhost"};
        LKS_CHECK(visit(&v, config, &o, &session) && !v.reused && !v.info.resumed, "%u", i);
        for (unsigned int again = 0; again < 3; again++) {
            o.session = session;
            bool ok = visit(&v, config, &o, &session);
            LKS_CHECK(ok && v.reused && v.info.resumed && !v.info.external_psk &&
                          v.info.hello_retried == (i & 1),
                      "%u, again %u: %s", i, again, lks_status_name(v.end));
            CU_ASSERT_STRING_EQUAL(v.info.suite_name, suites[i / 2]);
            CU_ASSERT_STRING_EQUAL(v.info.group_name, i & 1 ? "secp384r1" : "x25519");
        }
        SSL_SESSION_free(session);
        lks_config_free(config);
    }
}

/* A session from one configuration, tried with another one and other options. */
static void check_resumes(struct lks_config *from, struct lks_config *to,
                          const struct client_options *then, bool wanted, const char *what)
{
    SSL_SESSION *session = NULL;
    struct visit v;
    struct client_options o = {.server_name = "localhost"};
    bool ok = visit(&v, from, &o, &session);
    LKS_CHECK(ok, "%s: %s", what, lks_status_name(v.end));
    if (then)
        o = *then;
    o.session = session;
    ok = visit(&v, to, &o, NULL);
    LKS_CHECK(ok && v.reused == wanted && v.info.resumed == wanted, "%s: %s", what,
              lks_status_name(v.end));
    SSL_SESSION_free(session);
}

static uint64_t fake_now_ms;

static uint64_t fake_clock(void)
{
    return fake_now_ms;
}

static void other_keys_and_names(void)
{
    static const uint8_t secret[32] = {1}, other_secret[32] = {2};
    const struct client_options other_name = {.server_name = "other"}, no_name = {0},
                                upper = {.server_name = "LOCALHOST"},
                                dot = {.server_name = "localhost."};
    struct lks_config *a = config_with("ecdsa"), *b = config_with("rsa"), *c = config_with(NULL);
    check_resumes(a, a, NULL, true, "the same");
    check_resumes(a, a, &upper, true, "the same name, in capitals");
    check_resumes(a, a, &dot, true, "the same name, with the dot at its end");
    check_resumes(a, a, &other_name, false, "another name");
    check_resumes(a, a, &no_name, false, "no name");
    check_resumes(a, b, NULL, false, "random keys of another process");
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(a->memory, secret, 32, 3600, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(b->memory, secret, 32, 3600, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(c->memory, other_secret, 32, 3600, NULL), LKS_OK);
    check_resumes(a, b, NULL, true, "one secret");
    check_resumes(b, a, NULL, true, "one secret, the other way");
    check_resumes(a, c, NULL, false, "two secrets");
    lks_config_free(a);
    lks_config_free(b);
    lks_config_free(c);
}

/* A ticket's time, on the server's clock: OpenSSL's client goes by its own. */
static void tickets_in_time(void)
{
    static const uint8_t secret[32] = {1};
    static const struct {
        int64_t later_s;
        bool resumes;
    } rows[] = {{0, true}, {599, true}, {601, false}, {-30, true}, {-120, false}, {86400, false}};
    struct lks_config *a = config_with("ecdsa"), *b = config_with("ecdsa");
    fake_now_ms = a->policy->now_ms();
    CU_ASSERT_EQUAL(lks_policy_set_tickets(a->policy, 1, 600, NULL), LKS_OK);
    set_clock(b, fake_clock);
    const uint64_t start = fake_now_ms;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_now_ms = start + (uint64_t)(rows[i].later_s * 1000);
        CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(a->memory, secret, 32, 604800, NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(b->memory, secret, 32, 604800, NULL), LKS_OK);
        check_resumes(a, b, NULL, rows[i].resumes, rows[i].later_s < 0 ? "before" : "after");
    }
    lks_config_free(a);
    lks_config_free(b);
}

static void number_of_tickets(void)
{
    for (uint32_t num = 0; num <= 4; num += 2) {
        struct lks_config *config = config_with("ecdsa");
        struct pair p = {.config = config};
        static const struct client_options none;
        CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, num, 60, NULL), LKS_OK);
        loop_init(&p.loop, 64, 8192);
        side_init(&p.side, config);
        client_init(&p.client, &none);
        pair_exchange(&p);
        CU_ASSERT_TRUE(p.side.established);
        uint32_t before = p.loop.num_ops;
        pair_echo(&p, 100);
        CU_ASSERT_TRUE(p.loop.num_ops > before);
        SSL_SESSION *session = SSL_get1_session(p.client.ssl);
        CU_ASSERT_EQUAL(SSL_SESSION_is_resumable(session), num != 0);
        if (num)
            CU_ASSERT_EQUAL(SSL_SESSION_get_ticket_lifetime_hint(session), 60);
        SSL_SESSION_free(session);
        pair_free(&p);
    }
}

/* RFC 8446 sections 4.2.9 and 4.2.11. [8446 4.1.1-2 4.2.9-4 4.2.9-6 4.2.11-2 4.2.11-3 4.4.2-12] */
static void external_keys(void)
{
    const struct client_psk good = {"somebody", {1, 2, 3}, 0x1301},
                            good384 = {"somebody", {1, 2, 3}, 0x1302},
                            unknown = {"nobody", {1, 2, 3}, 0x1301},
                            wrong = {"somebody", {1, 2, 4}, 0x1301};
    struct visit v;
    struct lks_config *config;
    config = config_new();
    CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, (const uint8_t *)"somebody", 8,
                                           good.key, 32, "SHA256", NULL),
                    LKS_OK);
    struct client_options o = {.psk = &good};
    CU_ASSERT_TRUE(visit(&v, config, &o, NULL) && v.info.external_psk && !v.info.resumed);
    CU_ASSERT_STRING_EQUAL(v.info.group_name, "x25519");
    /* OpenSSL offers psk_dhe_ke, too, and that is better. */
    CU_ASSERT_EQUAL(lks_policy_set_psk_modes(config->policy, true, true, NULL), LKS_OK);
    o.psk_only = true;
    CU_ASSERT_TRUE(visit(&v, config, &o, NULL) && v.info.external_psk);
    CU_ASSERT_STRING_EQUAL(v.info.group_name, "x25519");
    CU_ASSERT_EQUAL(lks_policy_set_psk_modes(config->policy, false, true, NULL), LKS_OK);
    CU_ASSERT_TRUE(visit(&v, config, &o, NULL) && v.info.external_psk);
    CU_ASSERT_STRING_EQUAL(v.info.group_name, "");
    o.psk_only = false; /* it would want a key exchange */
    CU_ASSERT_FALSE(visit(&v, config, &o, NULL));
    CU_ASSERT_EQUAL(lks_policy_set_psk_modes(config->policy, true, false, NULL), LKS_OK);
    o.psk = &unknown; /* and there is no certificate */
    CU_ASSERT_FALSE(visit(&v, config, &o, NULL));
    CU_ASSERT_EQUAL(v.end, LKS_ALERT_HANDSHAKE_FAILURE);
    o.psk = &wrong;
    CU_ASSERT_FALSE(visit(&v, config, &o, NULL));
    CU_ASSERT_EQUAL(v.end, LKS_ALERT_DECRYPT_ERROR);
    o.psk = &good384; /* its suites go on with a hash that the key is not for */
    o.suites = suites[1];
    CU_ASSERT_FALSE(visit(&v, config, &o, NULL));
    lks_config_free(config);

    /* With a certificate, who has no key is served, too; the key's hash chooses the suite. Beside a
     * PSK no certificate is shown. [8446 E.1-1] */
    config = config_with("ecdsa");
    CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, (const uint8_t *)"somebody", 8,
                                           good.key, 32, "SHA384", NULL),
                    LKS_OK);
    o = (struct client_options){.psk = &good384};
    CU_ASSERT_TRUE(visit(&v, config, &o, NULL) && v.info.external_psk);
    CU_ASSERT_EQUAL(v.info.suite, 0x1302);
    o.psk = &unknown;
    CU_ASSERT_TRUE(visit(&v, config, &o, NULL) && !v.info.external_psk);
    CU_ASSERT_EQUAL(v.info.suite, 0x1301);
    lks_config_free(config);
}

/* A ClientHello with a ticket, changed on its way. */
static enum lks_status give_changed(struct lks_config *config, SSL_SESSION *session,
                                    void (*change)(struct buffer *hello, size_t arg), size_t arg)
{
    struct pair p = {.config = config};
    const struct client_options o = {.server_name = "localhost", .session = session};
    loop_init(&p.loop, 64, 8192);
    side_init(&p.side, config);
    client_init(&p.client, &o);
    client_take(&p.client, &p.side.wire_in);
    change(&p.side.wire_in, arg);
    pair_inject(&p, NULL, 0);
    enum lks_status end = p.side.end;
    client_free(&p.client);
    side_free(&p.side);
    loop_free(&p.loop);
    return end;
}

static void flip_from_end(struct buffer *hello, size_t arg)
{
    hello->data[hello->len - 1 - arg] ^= 1;
}

static void flip_from_front(struct buffer *hello, size_t arg)
{
    hello->data[arg] ^= 1;
}

static SSL_SESSION *a_session(struct lks_config *config)
{
    SSL_SESSION *session = NULL;
    struct visit v;
    const struct client_options o = {.server_name = "localhost"};
    CU_ASSERT_TRUE_FATAL(visit(&v, config, &o, &session));
    return session;
}

/* What a ticket does not say has to be asked again: who the client is. */
static void clients_with_certificates(void)
{
    struct lks_config *config = config_with("ecdsa");
    SSL_SESSION *session = a_session(config);
    struct client_options o = {.server_name = "localhost", .session = session};
    struct visit v;
    CU_ASSERT_EQUAL(
        lks_policy_set_client_auth(config->policy, LKS_CLIENT_AUTH_OPTIONAL, false, NULL), LKS_OK);
    CU_ASSERT_TRUE(visit(&v, config, &o, NULL) && !v.reused && !v.info.resumed);
    SSL_SESSION_free(session);
    lks_config_free(config);
}

/* The second ClientHello comes to a server that has not seen the first: the cookie tells it enough,
 * and the ticket is for the right name. */
static void ticket_behind_a_cookie(void)
{
    struct lks_config *config = with_groups("ecdsa", "secp384r1");
    struct pair p = {.config = config};
    struct client_options o = {.server_name = "localhost"};
    struct visit v;
    loop_init(&p.loop, 64, 8192);
    side_init(&p.side, config);
    client_init(&p.client, &o);
    client_take(&p.client, &p.side.wire_in);
    pair_inject(&p, NULL, 0);
    client_give(&p.client, &p.side.wire_out);
    side_free(&p.side);
    side_init(&p.side, config);
    pair_exchange(&p);
    CU_ASSERT_TRUE_FATAL(p.side.established && SSL_is_init_finished(p.client.ssl));
    SSL_SESSION *session = SSL_get1_session(p.client.ssl);
    SSL_set_shutdown(p.client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    o.session = session;
    CU_ASSERT_TRUE(visit(&v, config, &o, NULL) && v.reused && v.info.hello_retried);
    SSL_SESSION_free(session);
    client_free(&p.client);
    side_free(&p.side);
    loop_free(&p.loop);
    lks_config_free(config);
}

/* A binder that is wrong, or belongs to another hello, ends the handshake. [8446 4.2.11-4] */
static void wrong_binder(void)
{
    struct lks_config *config = config_with("ecdsa");
    SSL_SESSION *session = a_session(config);
    CU_ASSERT_EQUAL(SSL_SESSION_get_protocol_version(session), TLS1_3_VERSION);
    /* 48 bytes under SHA-384, which OpenSSL prefers and we do not: the suite is 0x1301. */
    for (size_t i = 0; i < 32; i++)
        CU_ASSERT_EQUAL(give_changed(config, session, flip_from_end, i), LKS_ALERT_DECRYPT_ERROR);
    /* Record header, message header, version: the random, and the session id. */
    CU_ASSERT_EQUAL(give_changed(config, session, flip_from_front, 5 + 4 + 2),
                    LKS_ALERT_DECRYPT_ERROR);
    CU_ASSERT_EQUAL(give_changed(config, session, flip_from_front, 5 + 4 + 2 + 32 + 1),
                    LKS_ALERT_DECRYPT_ERROR);
    SSL_SESSION_free(session);
    lks_config_free(config);
}

/* Lists of identities and binders that are no lists, and as many of the one as of the other. */
static void set_len(struct buffer *hello, size_t at_from_end, int change)
{
    uint8_t *p = hello->data + hello->len - at_from_end;
    uint16_t len = (uint16_t)((p[0] << 8 | p[1]) + change);
    p[0] = (uint8_t)(len >> 8);
    p[1] = (uint8_t)len;
}

static void binders_longer(struct buffer *hello, size_t arg)
{
    (void)arg;
    set_len(hello, 35, 1);
}

static void binder_longer(struct buffer *hello, size_t arg)
{
    hello->data[hello->len - 33] = (uint8_t)(32 + arg);
}

/* The hello with what is behind the identities replaced, all lengths in front of it right. */
static void replace_binders(struct buffer *hello, const uint8_t *list, size_t list_len)
{
    const int change = (int)list_len - 33;
    /* The extension's length stands in front of the identities' list. */
    size_t at = hello->len - 35, identities_len = 0, i;
    for (i = at; i > 50; i--) {
        identities_len = (size_t)(hello->data[i - 2] << 8 | hello->data[i - 1]);
        if (i + identities_len == at && hello->data[i - 6] == 0 && hello->data[i - 5] == 41)
            break;
    }
    set_len(hello, hello->len - (i - 4), change);
    hello->len = at;
    uint8_t len[2] = {(uint8_t)(list_len >> 8), (uint8_t)list_len};
    buffer_add(hello, len, 2);
    buffer_add(hello, list, list_len);
    set_len(hello, hello->len - 3, change); /* record */
    set_len(hello, hello->len - 7, change); /* message, its low bytes */
    size_t extensions = 5 + 4 + 2 + 32;
    extensions += 1u + hello->data[extensions];
    extensions += 2u + (size_t)(hello->data[extensions] << 8 | hello->data[extensions + 1]);
    extensions += 1u + hello->data[extensions];
    set_len(hello, hello->len - extensions, change);
}

static void binders_of(struct buffer *hello, size_t arg)
{
    static const uint8_t lists[][100] = {{31}, {33}, {32}, {32}};
    static const size_t lens[] = {32, 34, 66, 0};
    uint8_t list[100];
    memcpy(list, lists[arg], sizeof(list));
    if (arg == 2)
        list[33] = 32;
    replace_binders(hello, list, lens[arg]);
}

static void bad_lists(void)
{
    struct lks_config *config = config_with("ecdsa");
    SSL_SESSION *session = a_session(config);
    CU_ASSERT_EQUAL(give_changed(config, session, binders_longer, 0), LKS_ALERT_DECODE_ERROR);
    CU_ASSERT_EQUAL(give_changed(config, session, binder_longer, 1), LKS_ALERT_DECODE_ERROR);
    CU_ASSERT_EQUAL(give_changed(config, session, binder_longer, (size_t)-1),
                    LKS_ALERT_DECODE_ERROR);
    CU_ASSERT_EQUAL(give_changed(config, session, binders_of, 0), LKS_ALERT_DECODE_ERROR);
    CU_ASSERT_EQUAL(give_changed(config, session, binders_of, 1), LKS_ALERT_DECRYPT_ERROR);
    CU_ASSERT_EQUAL(give_changed(config, session, binders_of, 2), LKS_ALERT_ILLEGAL_PARAMETER);
    CU_ASSERT_EQUAL(give_changed(config, session, binders_of, 3), LKS_ALERT_DECODE_ERROR);
    SSL_SESSION_free(session);
    lks_config_free(config);
}

#define NAME_A "00112233445566778899aabbccddeeff "
#define NAME_B "10112233445566778899aabbccddeeff "
#define KEY_A  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
#define KEY_B  "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"

static void put_file(const char *file, const char *text)
{
    char new_file[128];
    snprintf(new_file, sizeof(new_file), "%s.new", file);
    FILE *f = fopen(new_file, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_TRUE(fputs(text, f) >= 0);
    CU_ASSERT_EQUAL(fclose(f), 0);
    CU_ASSERT_EQUAL(rename(new_file, file), 0);
}

/* Two machines share a file, whose keys change under connections, as its description says. */
static void key_file_rolls(void)
{
    static const struct {
        const char *text;
        bool opens_first; /* the session of the first row */
    } rows[] = {{"current " NAME_A KEY_A, true},
                {"current " NAME_A KEY_A "next " NAME_B KEY_B, true},
                {"current " NAME_B KEY_B "previous " NAME_A KEY_A, true},
                {"nonsense", true},
                {"current " NAME_B KEY_B, false}};
    char dir[] = "/tmp/lks-rolls-XXXXXX", file[64];
    struct lks_error err;
    struct visit v;
    bool changed;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/keys", dir);
    put_file(file, rows[0].text);
    struct lks_config *a = config_with("ecdsa"), *b = config_with("ecdsa");
    CU_ASSERT_EQUAL(lks_memory_set_ticket_keys(a->memory, lks_from_file(file), &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_keys(b->memory, lks_from_file(file), &err), LKS_OK);
    SSL_SESSION *first = a_session(a), *latest = a_session(a);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct client_options o = {.server_name = "localhost", .session = first};
        put_file(file, rows[i].text);
        enum lks_status status = lks_memory_reload_ticket_keys(b->memory, &changed, &err);
        LKS_CHECK(status == (i == 3 ? LKS_BAD_CONFIG : LKS_OK) && changed == (i != 3), "row %zu",
                  i);
        LKS_CHECK(visit(&v, b, &o, NULL) && v.reused == rows[i].opens_first, "row %zu", i);
        /* What this machine has issued, the other one opens, though it is a step behind. */
        SSL_SESSION_free(latest);
        latest = a_session(b);
        o.session = latest;
        LKS_CHECK(visit(&v, a, &o, NULL) && v.reused, "row %zu, the other machine", i);
        (void)!lks_memory_reload_ticket_keys(a->memory, &changed, &err);
    }
    SSL_SESSION_free(first);
    SSL_SESSION_free(latest);
    lks_config_free(a);
    lks_config_free(b);
    unlink(file);
    rmdir(dir);
}

const struct lks_test resumption_tests[] = {
    {"resumed with each suite", resumed_with_each_suite},
    {"other keys and names", other_keys_and_names},
    {"tickets in time", tickets_in_time},
    {"number of tickets", number_of_tickets},
    {"external keys", external_keys},
    {"clients with certificates", clients_with_certificates},
    {"ticket behind a cookie", ticket_behind_a_cookie},
    {"wrong binder", wrong_binder},
    {"bad lists", bad_lists},
    {"key file rolls", key_file_rolls},
    {NULL, NULL},
};
