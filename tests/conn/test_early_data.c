/* SPDX-License-Identifier: BSD-3-Clause */

/* 0-RTT data that a server takes, with OpenSSL's client: once, in time, and not too much. */

#include <string.h>

#include "base/writer.h"
#include "conn/conn.h"
#include "handshake/config.h"
#include "handshake/core.h"
#include "handshake/resumption/psk.h"
#include "test_conn.h"

#define MAX 16384u

static struct lks_config *taking(void)
{
    struct lks_config *config = config_with("ecdsa");
    CU_ASSERT_EQUAL(set_early_data(config, MAX, 10000, 1024), LKS_OK);
    return config;
}

static void begin(struct pair *p, struct lks_config *config, const struct client_options *options)
{
    memset(p, 0, sizeof(*p));
    p->config = config;
    loop_init(&p->loop, 64, 8192);
    side_init(&p->side, config);
    client_init(&p->client, options);
}

/* All but the configuration. */
static void end(struct pair *p)
{
    client_free(&p->client);
    side_free(&p->side);
    loop_free(&p->loop);
}

static SSL_SESSION *a_session(struct lks_config *config, const char *suite, const char *alpn)
{
    struct pair p;
    const struct client_options o = {.suites = suite, .alpn = alpn, .server_name = "localhost"};
    begin(&p, config, &o);
    pair_exchange(&p);
    CU_ASSERT_TRUE_FATAL(p.side.established && SSL_is_init_finished(p.client.ssl));
    pair_echo(&p, 100);
    SSL_SESSION *session = SSL_get1_session(p.client.ssl);
    CU_ASSERT_TRUE_FATAL(SSL_SESSION_is_resumable(session));
    SSL_set_shutdown(p.client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    end(&p);
    return session;
}

/* A client that has written len bytes of early data, which are on their way. */
static void begin_early(struct pair *p, struct lks_config *config, SSL_SESSION *session,
                        const char *alpn, size_t len)
{
    static uint8_t data[60000];
    const struct client_options o = {
        .alpn = alpn, .server_name = "localhost", .session = session, .waits = true};
    begin(p, config, &o);
    memset(data, 'e', sizeof(data));
    for (size_t n; len; len -= n)
        CU_ASSERT_EQUAL_FATAL(
            SSL_write_early_data(p->client.ssl, data, len < 5000 ? len : 5000, &n), 1);
}

static void check_outcome(struct pair *p, bool taken, size_t len, const char *what)
{
    struct lks_conn_info info;
    pair_exchange(p);
    lks_conn_get_info(p->side.conn, &info);
    LKS_CHECK(p->side.established && SSL_is_init_finished(p->client.ssl), "%s: %s", what,
              lks_status_name(p->side.end));
    LKS_CHECK(info.early_data == taken && info.resumed, "%s: taken %d, resumed %d", what,
              info.early_data, info.resumed);
    LKS_CHECK(SSL_get_early_data_status(p->client.ssl) ==
                  (taken ? SSL_EARLY_DATA_ACCEPTED : SSL_EARLY_DATA_REJECTED),
              "%s", what);
    LKS_CHECK(p->side.received_early.len == (taken ? len : 0), "%s: %zu bytes", what,
              p->side.received_early.len);
    for (size_t i = 0; i < p->side.received_early.len; i++)
        if (!LKS_CHECK(p->side.received_early.data[i] == 'e', "%s: byte %zu", what, i))
            break;
    if (p->side.established)
        pair_echo(p, 3000);
}

/* The client's EndOfEarlyData waits for the server's Finished. [8446 4.2.11.3-1] */
static void taken_with_each_suite(void)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    static const size_t lens[] = {1, 5000, MAX};
    struct lks_config *config = taking();
    for (unsigned int i = 0; i < 9; i++) {
        struct pair p;
        SSL_SESSION *session = a_session(config, suites[i / 3], NULL);
        CU_ASSERT_EQUAL(SSL_SESSION_get_max_early_data(session), MAX);
        /* The server would choose its first suite, were it not for the ticket's: so only that. */
        struct lks_error err;
        CU_ASSERT_EQUAL(lks_policy_set_suites(config->policy, suites[i / 3], &err), LKS_OK);
        begin_early(&p, config, session, NULL, lens[i % 3]);
        check_outcome(&p, true, lens[i % 3], suites[i / 3]);
        end(&p);
        CU_ASSERT_EQUAL(lks_policy_set_suites(config->policy,
                                              "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384,"
                                              "TLS_CHACHA20_POLY1305_SHA256",
                                              &err),
                        LKS_OK);
        SSL_SESSION_free(session);
    }
    lks_config_free(config);
}

/* [8446 E.5-3] */
static void off_unless_asked_for(void)
{
    struct lks_config *config = config_with("ecdsa");
    SSL_SESSION *session = a_session(config, NULL, NULL);
    struct pair p;
    CU_ASSERT_EQUAL(SSL_SESSION_get_max_early_data(session), 0);
    SSL_SESSION_set_max_early_data(session, MAX);
    begin_early(&p, config, session, NULL, 1000);
    check_outcome(&p, false, 1000, "off");
    end(&p);
    SSL_SESSION_free(session);
    lks_config_free(config);
}

/* The same bytes twice: the second time the server goes on without them. [8446 8-2 8.2-1] */
static void replayed(void)
{
    struct lks_config *config = taking();
    SSL_SESSION *session = a_session(config, "TLS_AES_128_GCM_SHA256", NULL);
    struct pair p, again;
    struct buffer bytes = {0};
    begin_early(&p, config, session, NULL, 1000);
    client_take(&p.client, &bytes);
    buffer_add(&p.side.wire_in, bytes.data, bytes.len);
    const struct client_options none = {0};
    begin(&again, config, &none);
    check_outcome(&p, true, 1000, "the first time");
    for (int i = 0; i < 3; i++) {
        side_free(&again.side);
        side_init(&again.side, config);
        pair_inject(&again, bytes.data, bytes.len);
        LKS_CHECK(again.side.received_early.len == 0 && !again.side.end &&
                      !again.side.established && again.side.wire_out.len > 200,
                  "replayed: %zu bytes, %s", again.side.received_early.len,
                  lks_status_name(again.side.end));
    }
    end(&p);
    end(&again);
    buffer_free(&bytes);
    /* The same ticket in a new hello is no replay. */
    begin_early(&p, config, session, NULL, 1000);
    check_outcome(&p, true, 1000, "the ticket again");
    end(&p);
    SSL_SESSION_free(session);
    lks_config_free(config);
}

static uint64_t fake_now_ms;

static uint64_t fake_clock(void)
{
    return fake_now_ms;
}

/* RFC 8446 section 4.2.10: the ticket's age. [8446 4.2.10-3] */
static void out_of_the_window(void)
{
    static const struct {
        int64_t later_ms;
        bool taken;
    } rows[] = {{0, true}, {8000, true}, {-8000, true}, {12000, false}, {-12000, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *config = taking();
        struct pair p;
        const uint64_t now = config->policy->now_ms();
        SSL_SESSION *session = a_session(config, "TLS_AES_128_GCM_SHA256", NULL);
        fake_now_ms = now + (uint64_t)rows[i].later_ms;
        set_clock(config, fake_clock);
        begin_early(&p, config, session, NULL, 1000);
        check_outcome(&p, rows[i].taken, 1000, "window");
        end(&p);
        SSL_SESSION_free(session);
        lks_config_free(config);
    }
}

/* RFC 8446 section 4.2.10: what does not fit, and is skipped.
 * [8446 4.2.10-4 4.2.10-7 4.2.10-9] */
static void refused(void)
{
    static const uint8_t secret[32] = {1};
    struct lks_config *config = taking(), *other = taking(), *retrying = taking();
    struct lks_config *all[] = {config, other, retrying};
    struct lks_error err;
    struct pair p;
    for (unsigned int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(all[i]->memory, secret, 32, 3600, NULL),
                        LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_groups(retrying->policy, "secp384r1", &err), LKS_OK);
    SSL_SESSION *session = a_session(config, "TLS_AES_128_GCM_SHA256", NULL);
    begin_early(&p, other, session, NULL, 1000);
    check_outcome(&p, false, 1000, "another machine with the same keys");
    end(&p);
    SSL_SESSION_free(session);
    session = a_session(retrying, "TLS_AES_128_GCM_SHA256", NULL);
    begin_early(&p, retrying, session, NULL, 10000);
    check_outcome(&p, false, 10000, "HelloRetryRequest");
    end(&p);
    SSL_SESSION_free(session);
    session = a_session(config, "TLS_AES_256_GCM_SHA384", NULL);
    begin_early(&p, config, session, NULL, 1000);
    check_outcome(&p, true, 1000, "the ticket's hash chooses the suite");
    end(&p);
    SSL_SESSION_free(session);
    session = a_session(config, "TLS_CHACHA20_POLY1305_SHA256", NULL);
    begin_early(&p, config, session, NULL, 1000);
    check_outcome(&p, false, 1000, "another suite");
    end(&p);
    SSL_SESSION_free(session);
    CU_ASSERT_EQUAL(lks_policy_set_alpn(config->policy, "h2,h3,http/1.1", &err), LKS_OK);
    session = a_session(config, "TLS_AES_128_GCM_SHA256", "\x02h3");
    begin_early(&p, config, session, "\x02h2\x02h3", 1000);
    check_outcome(&p, false, 1000, "another protocol of the same length");
    end(&p);
    SSL_SESSION_free(session);
    session = a_session(config, "TLS_AES_128_GCM_SHA256", "\x08http/1.1");
    begin_early(&p, config, session, "\x08http/1.1", 1000);
    check_outcome(&p, true, 1000, "the same protocol");
    end(&p);
    begin_early(&p, config, session, "\x02h2\x08http/1.1", 1000);
    check_outcome(&p, false, 1000, "another protocol");
    end(&p);
    SSL_SESSION_free(session);
    for (unsigned int i = 0; i < 3; i++)
        lks_config_free(all[i]);
}

static void too_much(void)
{
    struct lks_config *config = taking();
    SSL_SESSION *session = a_session(config, "TLS_AES_128_GCM_SHA256", NULL);
    struct pair p;
    SSL_SESSION_set_max_early_data(session, 3 * MAX);
    begin_early(&p, config, session, NULL, MAX + 1);
    pair_exchange(&p);
    CU_ASSERT_EQUAL(p.side.end, LKS_ALERT_UNEXPECTED_MESSAGE);
    CU_ASSERT_TRUE(p.side.received_early.len <= MAX);
    end(&p);
    SSL_SESSION_free(session);
    lks_config_free(config);
}

/* RFC 8446 section 4.2.10: once early data are taken, a record that does not open is no longer one
 * to skip. [8446 4.2.10-10] */
static void forged(void)
{
    struct lks_config *config = taking();
    SSL_SESSION *session = a_session(config, "TLS_AES_128_GCM_SHA256", NULL);
    struct pair p;
    begin_early(&p, config, session, NULL, 1000);
    client_take(&p.client, &p.side.wire_in);
    p.side.wire_in.data[p.side.wire_in.len - 1] ^= 1;
    pair_inject(&p, NULL, 0);
    LKS_CHECK(p.side.end == LKS_BAD_TAG && !p.side.received_early.len, "%s, %zu bytes",
              lks_status_name(p.side.end), p.side.received_early.len);
    end(&p);
    SSL_SESSION_free(session);
    lks_config_free(config);
}

/* Bytes arrive one by one, in short spans, and are there before the handshake has completed.
 * [8446 E.5-4] */
static void in_pieces(void)
{
    struct lks_config *config = taking();
    SSL_SESSION *session = a_session(config, "TLS_AES_128_GCM_SHA256", NULL);
    struct pair p;
    struct side *s = &p.side;
    begin_early(&p, config, session, NULL, 300);
    p.loop.span_max = 3;
    s->delivered = 0;
    client_take(&p.client, &s->wire_in);
    while (s->delivered < s->wire_in.len) {
        s->delivered++;
        while (loop_poll(&p.loop, &s, 1))
            ;
    }
    LKS_CHECK(s->received_early.len == 300 && !s->established, "%zu bytes", s->received_early.len);
    s->delivered = SIZE_MAX;
    client_give(&p.client, &s->wire_out);
    check_outcome(&p, true, 300, "in pieces");
    end(&p);
    SSL_SESSION_free(session);
    lks_config_free(config);
}

/* Our own client. */
static struct lks_config *a_client(void)
{
    struct lks_config *config;
    struct lks_error err;
    config = config_new();
    CU_ASSERT_EQUAL(
        lks_policy_set_trust(config->policy, lks_from_file(test_certificates()->both_certs), &err),
        LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_alpn(config->policy, "h2,http/1.1", &err), LKS_OK);
    return config;
}

/* Fills *options with a session of a first connection, for early data. */
static void first_visit(struct lks_conn_options *options, uint8_t session[LKS_SESSION_MAX],
                        struct lks_config *client, struct lks_config *server)
{
    struct loopback l;
    *options = (struct lks_conn_options){.server_name = "localhost"};
    loopback_init(&l, client, server, options);
    loopback_run(&l);
    CU_ASSERT_TRUE_FATAL(l.client.established && l.client.session_len);
    memcpy(session, l.client.session, l.client.session_len);
    options->session = session;
    options->session_len = l.client.session_len;
    options->early_data = true;
    loopback_free(&l);
}

static void check_client(struct lks_config *client, struct lks_config *server,
                         const struct lks_conn_options *options, bool taken, size_t len,
                         const char *what)
{
    static uint8_t data[20000];
    struct lks_conn_info at_client, at_server;
    struct loopback l;
    memset(data, 'e', sizeof(data));
    loopback_init(&l, client, server, options);
    l.client.record_max = 5000;
    buffer_add(&l.client.to_send, data, len);
    loopback_run(&l);
    lks_conn_get_info(l.client.conn, &at_client);
    lks_conn_get_info(l.server.conn, &at_server);
    LKS_CHECK(l.client.established && l.server.established, "%s: %s, %s", what,
              lks_status_name(l.client.end), lks_status_name(l.server.end));
    LKS_CHECK(at_client.early_data == taken && at_server.early_data == taken, "%s: %d, %d", what,
              at_client.early_data, at_server.early_data);
    LKS_CHECK(l.server.received_early.len == (taken ? len : 0) && !l.client.to_send.len,
              "%s: %zu bytes", what, l.server.received_early.len);
    CU_ASSERT_TRUE(l.server.received.len == 0);
    buffer_add(&l.client.to_send, data, 3000);
    buffer_add(&l.server.to_send, data, 2000);
    loopback_run(&l);
    LKS_CHECK(l.server.received.len == 3000 && l.client.received.len == 2000, "%s", what);
    loopback_free(&l);
}

/* RFC 8446 section 4.2.10: taken and refused; what was refused is not sent again.
 * [8446 4.2.10-1 4.2.10-2 4.2.10-12 4.5-1 E.5-3] */
static void our_client(void)
{
    static const uint8_t secret[32] = {1};
    uint8_t session[LKS_SESSION_MAX];
    struct lks_conn_options options;
    struct lks_error err;
    struct lks_config *client = a_client(), *server = taking(), *other = taking();
    CU_ASSERT_EQUAL(lks_policy_set_alpn(server->policy, "http/1.1", &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(server->memory, secret, 32, 3600, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(other->memory, secret, 32, 3600, NULL), LKS_OK);
    for (unsigned int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(lks_policy_set_compatibility(client->policy, i & 1, NULL), LKS_OK);
        first_visit(&options, session, client, server);
        check_client(client, server, &options, true, 1, "one byte");
        check_client(client, server, &options, true, 10000, "more");
        check_client(client, other, &options, false, 10000, "another machine");
        options.early_data = false;
        check_client(client, server, &options, false, 0, "none offered");
        if (i == 1) /* and now without a key exchange */
            CU_ASSERT_TRUE(!lks_policy_set_psk_modes(client->policy, false, true, NULL) &&
                           !lks_policy_set_psk_modes(server->policy, true, true, NULL) &&
                           !lks_policy_set_psk_modes(other->policy, true, true, NULL));
    }
    lks_config_free(client);
    lks_config_free(server);
    lks_config_free(other);
}

/* The ClientHello in front of a server with one more identity, which nobody knows, before or behind
 * the client's ticket, whose binder is made anew. */
static void add_identity(struct buffer *wire, const struct lks_hs *client, bool before)
{
    static const uint8_t unknown[] = {0, 4, 'n', 'o', 'n', 'e', 0, 0, 0, 0}, no_binder[33] = {32};
    const struct lks_session *session = &client->session->session;
    struct lks_client_hello hello;
    struct lks_schedule schedule;
    uint8_t bytes[4096], binder[LKS_HASH_MAX];
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    const uint8_t *old = wire->data + LKS_RECORD_HEADER_LEN;
    const size_t old_len = client->hello.len;
    CU_ASSERT_EQUAL_FATAL(lks_client_hello_parse(&hello, lks_reader_of(old + 4, old_len - 4)),
                          LKS_OK);
    CU_ASSERT_EQUAL_FATAL(hello.psk_binders.len, 33);
    /* Lengths are mended below: of the record, the message, the extensions, this extension. */
    const size_t added = sizeof(unknown) + sizeof(no_binder);
    lks_write_bytes(&w, old, (size_t)(hello.psk_identities.data - 2 - old));
    size_t list = lks_write_open(&w, 2);
    lks_write_bytes(&w, unknown, before ? sizeof(unknown) : 0);
    lks_write_bytes(&w, hello.psk_identities.data, hello.psk_identities.len);
    lks_write_bytes(&w, unknown, before ? 0 : sizeof(unknown));
    lks_write_close(&w, list, 2);
    const size_t bound_len = w.len, psk_len_at = list - 4;
    struct lks_reader front = lks_reader_of(old + 4 + 34, 600), part;
    CU_ASSERT_TRUE_FATAL(lks_read_vec8(&front, &part) && lks_read_vec16(&front, &part) &&
                         lks_read_vec8(&front, &part));
    const size_t len_at[] = {2, (size_t)(front.data - old), psk_len_at};
    for (size_t i = 0; i < 3; i++) {
        const size_t len = (size_t)(bytes[len_at[i]] << 8 | bytes[len_at[i] + 1]) + added;
        bytes[len_at[i]] = (uint8_t)(len >> 8);
        bytes[len_at[i] + 1] = (uint8_t)len;
    }
    CU_ASSERT_EQUAL(lks_schedule_begin(&schedule, lks_suite_find(session->suite)), LKS_OK);
    CU_ASSERT_EQUAL(lks_psk_set(&schedule, session->secret, session->secret_len), LKS_OK);
    CU_ASSERT_EQUAL(lks_psk_binder(&schedule, false, bytes, bound_len, binder), LKS_OK);
    lks_schedule_wipe(&schedule);
    list = lks_write_open(&w, 2);
    lks_write_bytes(&w, no_binder, before ? sizeof(no_binder) : 0);
    lks_write_u8(&w, 32);
    lks_write_bytes(&w, binder, 32);
    lks_write_bytes(&w, no_binder, before ? 0 : sizeof(no_binder));
    lks_write_close(&w, list, 2);
    CU_ASSERT_FALSE_FATAL(w.failed);
    const uint8_t header[] = {LKS_TYPE_HANDSHAKE, 3, 3, (uint8_t)(w.len >> 8), (uint8_t)w.len};
    wire->len = 0;
    buffer_add(wire, header, sizeof(header));
    buffer_add(wire, bytes, w.len);
}

/* RFC 8446 section 4.2.10: early data are taken under the first identity only. The binder of
 * another one, which nobody looks at, does not make a hello a new one: section 8.2.
 * [8446 4.2.10-6 8.2-2] */
static void under_the_first_identity(void)
{
    for (int before = 0; before < 2; before++) {
        uint8_t session[LKS_SESSION_MAX];
        struct lks_conn_options options;
        struct loopback l;
        struct lks_config *client = a_client(), *server = taking();
        first_visit(&options, session, client, server);
        loopback_init(&l, client, server, &options);
        loopback_turn(&l);
        add_identity(&l.server.wire_in, l.client.conn->handshake->hs, before);
        struct buffer replay = {0};
        buffer_add(&replay, l.server.wire_in.data, l.server.wire_in.len);
        loopback_turn(&l);
        const struct lks_hs *hs = l.server.conn->handshake->hs;
        LKS_CHECK(!l.server.end && hs->psk.used && hs->psk.index == before &&
                      hs->early.taken == !before,
                  "%s: index %u, taken %d", lks_status_name(l.server.end), hs->psk.index,
                  hs->early.taken);
        side_free(&l.server);
        side_init(&l.server, server);
        if (!before)
            replay.data[replay.len - 1] ^= 1; /* of the second binder */
        buffer_add(&l.server.wire_in, replay.data, replay.len);
        loopback_turn(&l);
        hs = l.server.conn->handshake->hs;
        LKS_CHECK(!l.server.end && hs->psk.used && !hs->early.taken, "%s: taken again %d",
                  lks_status_name(l.server.end), hs->early.taken);
        buffer_free(&replay);
        loopback_free(&l);
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* A server that gets early_data again refuses it. [8446 4.2.10-5] */
static void our_client_asked_again(void)
{
    uint8_t session[LKS_SESSION_MAX];
    struct lks_conn_options options;
    struct lks_error err;
    struct lks_config *client = a_client(), *server = taking();
    CU_ASSERT_EQUAL(lks_policy_set_groups(server->policy, "secp384r1", &err), LKS_OK);
    for (unsigned int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(lks_policy_set_compatibility(client->policy, i & 1, NULL), LKS_OK);
        first_visit(&options, session, client, server);
        check_client(client, server, &options, false, 10000, "HelloRetryRequest");
    }
    lks_config_free(client);
    lks_config_free(server);
}

/* A client stops where the server would. */
static void our_client_stops(void)
{
    static uint8_t data[MAX + 100];
    uint8_t session[LKS_SESSION_MAX];
    struct lks_conn_options options;
    struct lks_config *client = a_client(), *server = taking();
    struct loopback l;
    first_visit(&options, session, client, server);
    loopback_init(&l, client, server, &options);
    l.client.record_max = 1000;
    buffer_add(&l.client.to_send, data, sizeof(data));
    loopback_run(&l);
    CU_ASSERT_TRUE(l.client.established && l.server.established);
    LKS_CHECK(l.server.received_early.len == MAX / 1000 * 1000 &&
                  l.server.received_early.len + l.server.received.len == sizeof(data),
              "%zu early, then %zu", l.server.received_early.len, l.server.received.len);
    loopback_free(&l);
    lks_config_free(client);
    lks_config_free(server);
}

/* OpenSSL's server, which reads early data only if it is asked to. */
static size_t read_early(SSL *ssl)
{
    static uint8_t bytes[LKS_RECORD_PLAINTEXT_MAX];
    size_t n, sum = 0;
    while (SSL_read_early_data(ssl, bytes, sizeof(bytes), &n) == SSL_READ_EARLY_DATA_SUCCESS)
        sum += n;
    return sum;
}

/* RFC 8446 sections 4.2.10 and 4.5, as OpenSSL's server reads them. [8446 4.2.10-1 4.2.10-2 4.5-1]
 */
static void openssl_takes_it(void)
{
    const struct test_certificates *t = test_certificates();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    CU_ASSERT_FATAL(ctx && SSL_CTX_use_certificate_chain_file(ctx, t->ecdsa_cert) == 1 &&
                    SSL_CTX_use_PrivateKey_file(ctx, t->ecdsa_key, SSL_FILETYPE_PEM) == 1 &&
                    SSL_CTX_set_max_early_data(ctx, MAX) == 1);
    SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY);
    uint8_t session[LKS_SESSION_MAX], data[9000];
    struct lks_conn_options options = {.server_name = "localhost"};
    struct lks_config *config = a_client();
    memset(data, 'e', sizeof(data));
    for (unsigned int i = 0; i < 4; i++) { /* first without, taken, asked again, taken */
        const bool offers = i > 0, retried = i == 2;
        struct poll_loop loop;
        struct side side;
        struct client peer = {0};
        struct lks_conn_info info;
        size_t early = 0;
        loop_init(&loop, 64, 8192);
        side_init_as(&side, config, LKS_CLIENT, &options);
        CU_ASSERT_TRUE(SSL_CTX_up_ref(ctx) &&
                       SSL_CTX_set1_groups_list(ctx, retried ? "P-384" : "X25519:P-384"));
        peer.ctx = ctx;
        peer.ssl = SSL_new(ctx);
        SSL_set_app_data(peer.ssl, &peer);
        SSL_set_bio(peer.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        BIO_set_mem_eof_return(SSL_get_rbio(peer.ssl), -1);
        SSL_set_accept_state(peer.ssl);
        if (offers)
            buffer_add(&side.to_send, data, sizeof(data));
        struct side *s = &side;
        for (unsigned int turn = 0; turn < 4; turn++) {
            client_take(&peer, &side.wire_in);
            while (loop_poll(&loop, &s, 1))
                ;
            BIO_write(SSL_get_rbio(peer.ssl), side.wire_out.data, (int)side.wire_out.len);
            side.wire_out.len = 0;
            if (!SSL_is_init_finished(peer.ssl))
                early += read_early(peer.ssl);
        }
        client_step(&peer); /* what it has not looked at while it read early data */
        exchange(&loop, &side, &peer);
        lks_conn_get_info(side.conn, &info);
        LKS_CHECK(side.established && SSL_is_init_finished(peer.ssl), "%u: %s", i,
                  lks_status_name(side.end));
        LKS_CHECK(info.early_data == (offers && !retried) && info.hello_retried == retried &&
                      early == (info.early_data ? sizeof(data) : 0) && info.resumed == offers,
                  "%u: %zu bytes, taken %d, resumed %d", i, early, info.early_data, info.resumed);
        buffer_add(&side.to_send, data, 10);
        client_write(&peer, data, 20);
        exchange(&loop, &side, &peer);
        CU_ASSERT_TRUE(side.received.len == 20 && peer.received.len == 10);
        memcpy(session, side.session, side.session_len);
        options = (struct lks_conn_options){"localhost", session, side.session_len, true};
        client_free(&peer);
        side_free(&side);
        loop_free(&loop);
    }
    SSL_CTX_free(ctx);
    lks_config_free(config);
}

const struct lks_test early_data_tests[] = {
    {"taken with each suite", taken_with_each_suite},
    {"off unless asked for", off_unless_asked_for},
    {"replayed", replayed},
    {"out of the window", out_of_the_window},
    {"refused", refused},
    {"too much", too_much},
    {"forged", forged},
    {"in pieces", in_pieces},
    {"our client", our_client},
    {"under the first identity", under_the_first_identity},
    {"our client, asked again", our_client_asked_again},
    {"our client stops", our_client_stops},
    {"OpenSSL takes it", openssl_takes_it},
    {NULL, NULL},
};
