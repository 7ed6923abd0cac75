/* SPDX-License-Identifier: BSD-3-Clause */

/* Handshakes and data with OpenSSL's client, cut in every way. */

#include "test_conn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conn/conn.h"

static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                     "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256"};

static const struct {
    const char *name;
    uint16_t id;
} groups_of_openssl[] = {{"P-256", 0x17}, {"X25519", 0x1d}, {"X25519MLKEM768", 0x11ec}};

static void one_of_the_matrix(const char *suite, unsigned int group, const char *kind, bool retry,
                              bool extensions)
{
    char groups[64];
    struct lks_conn_info info;
    /* A share of a group that only the client has makes the server ask for another. */
    snprintf(groups, sizeof(groups), "%s%s", retry ? "X448:" : "", groups_of_openssl[group].name);
    const struct test_certificates *t = test_certificates();
    const struct client_options options = {.suites = suite,
                                           .groups = groups,
                                           .ca_file =
                                               strcmp(kind, "rsa") ? t->ecdsa_cert : t->rsa_cert,
                                           .server_name = extensions ? "localhost" : NULL,
                                           .alpn = extensions ? "\x08http/1.1" : NULL};
    struct pair p;
    struct lks_error err;
    pair_init(&p, kind, &options);
    if (extensions)
        CU_ASSERT_EQUAL(lks_policy_set_alpn(p.config->policy, "h2,http/1.1", &err), LKS_OK);
    pair_exchange(&p);
    LKS_CHECK(p.side.established && SSL_is_init_finished(p.client.ssl),
              "%s %s %s retry %d extensions %d: %s", suite, groups, kind, retry, extensions,
              lks_status_name(p.side.end));
    if (p.side.established) {
        pair_echo(&p, 40000);
        lks_conn_get_info(p.side.conn, &info);
        CU_ASSERT_STRING_EQUAL(info.suite_name, suite);
        CU_ASSERT_EQUAL(info.version, LKS_TLS_1_3);
        CU_ASSERT_EQUAL(info.hello_retried, retry);
        CU_ASSERT_STRING_EQUAL(info.alpn, extensions ? "http/1.1" : "");
        CU_ASSERT_EQUAL(info.group, groups_of_openssl[group].id);
        CU_ASSERT_EQUAL(SSL_get_verify_result(p.client.ssl), X509_V_OK);
    }
    pair_free(&p);
}

/* OpenSSL's client checks order, signatures and their salt. [8446
 * 4-1 4.1.1-3 4.2.3-4 4.4.2-1 4.4.3-1] */
static void every_kind_of_handshake(void)
{
    for (unsigned int suite = 0; suite < 4; suite++)
        for (unsigned int bits = 0; bits < 16; bits++)
            one_of_the_matrix(suites[suite], bits & 1, bits & 2 ? "rsa" : "ecdsa", bits & 4,
                              bits & 8);
}

/* Another ML-KEM than ours takes what we encapsulate. */
static void the_hybrid_group(void)
{
    if (!openssl_has_group("X25519MLKEM768"))
        LKS_SKIP("this OpenSSL has no X25519MLKEM768 (3.5 is the first)");
    for (unsigned int suite = 0; suite < 4; suite++)
        for (unsigned int retry = 0; retry < 2; retry++)
            one_of_the_matrix(suites[suite], 2, "ecdsa", retry, false);
}

/* Tags of 8 bytes: only where the configuration asks for them. */
static void ccm_8_when_named(void)
{
    /* OpenSSL 3.2 and newer want level 0 for such tags. */
    const struct client_options options = {.suites = "TLS_AES_128_CCM_8_SHA256", .any_level = true};
    for (int named = 0; named < 2; named++) {
        struct pair p;
        struct lks_error err;
        pair_init(&p, "ecdsa", &options);
        if (named)
            CU_ASSERT_EQUAL(lks_policy_set_suites(p.config->policy,
                                                  "TLS_AES_128_GCM_SHA256,TLS_AES_128_CCM_8_SHA256",
                                                  &err),
                            LKS_OK);
        pair_exchange(&p);
        CU_ASSERT_EQUAL(p.side.established, named);
        if (p.side.established)
            pair_echo(&p, 40000);
        else
            CU_ASSERT_EQUAL(p.side.end, LKS_ALERT_HANDSHAKE_FAILURE);
        pair_free(&p);
    }
}

static void data_in_spans_and_records_of_all_sizes(void)
{
    struct pair p;
    pair_establish(&p);
    static const size_t span_max[] = {0, 7, 100, 1460, 5000};
    p.side.record_max = 0;
    for (unsigned int i = 0; i < sizeof(span_max) / sizeof(span_max[0]); i++) {
        p.loop.span_max = span_max[i];
        pair_echo(&p, 1);
        pair_echo(&p, 100000);
    }
    pair_free(&p);
}

/* The client's bytes arrive in two parts, split at each place. */
static void hello_split_at_every_byte(void)
{
    struct pair p;
    size_t hello_len = 2;
    for (size_t at = 1; at < hello_len; at++) {
        pair_init(&p, "ecdsa", NULL);
        struct side *s = &p.side;
        client_take(&p.client, &s->wire_in);
        hello_len = s->wire_in.len;
        s->delivered = at;
        loop_poll(&p.loop, &s, 1);
        CU_ASSERT_EQUAL(s->wire_out.len, 0);
        s->delivered = SIZE_MAX;
        pair_exchange(&p);
        LKS_CHECK(p.side.established, "split at %zu", at);
        pair_free(&p);
    }
}

/* A ClientHello over several records, all of them in one delivery: RFC 8446 section 5.1. A batch
 * takes one of them while the handshake runs, so none comes back. */
static void hello_over_several_records(void)
{
    for (size_t fragment = 1; fragment < 400; fragment += 1 + fragment / 3) {
        struct pair p;
        struct buffer hello = {0};
        pair_init(&p, NULL, NULL);
        client_take(&p.client, &hello);
        for (size_t at = LKS_RECORD_HEADER_LEN; at < hello.len; at += fragment) {
            size_t n = fragment < hello.len - at ? fragment : hello.len - at;
            const uint8_t header[] = {22, 3, 1, (uint8_t)(n >> 8), (uint8_t)n};
            buffer_add(&p.side.wire_in, header, sizeof(header));
            buffer_add(&p.side.wire_in, hello.data + at, n);
        }
        pair_exchange(&p);
        LKS_CHECK(p.side.established, "fragments of %zu: %s", fragment,
                  lks_status_name(p.side.end));
        CU_ASSERT_EQUAL(p.side.num_deferred, 0);
        CU_ASSERT_EQUAL(p.loop.max_fill, 1);
        buffer_free(&hello);
        pair_free(&p);
    }
}

static void everything_in_one_byte_pieces(void)
{
    struct pair p;
    pair_init(&p, NULL, NULL);
    struct side *s = &p.side;
    s->delivered = 0;
    uint8_t data[3000];
    bool written = false;
    lks_test_fill(&p.loop.random, data, sizeof(data));
    for (unsigned int turn = 0; turn < 30000; turn++) {
        client_take(&p.client, &s->wire_in);
        if (s->delivered < s->wire_in.len)
            s->delivered++;
        loop_poll(&p.loop, &s, 1);
        struct buffer byte = {0};
        if (s->wire_out.len) {
            buffer_add(&byte, s->wire_out.data, 1);
            buffer_drop(&s->wire_out, 1);
            client_give(&p.client, &byte);
        }
        buffer_free(&byte);
        if (!written && SSL_is_init_finished(p.client.ssl) && s->established) {
            client_write(&p.client, data, sizeof(data));
            buffer_add(&s->to_send, data, sizeof(data));
            written = true;
        }
    }
    LKS_CHECK(s->received.len == sizeof(data) && !memcmp(s->received.data, data, sizeof(data)),
              "%zu", s->received.len);
    LKS_CHECK(p.client.received.len == sizeof(data) &&
                  !memcmp(p.client.received.data, data, sizeof(data)),
              "%zu", p.client.received.len);
    pair_free(&p);
}

#define NUM_SHARED 20

static void many_share_the_batches(uint32_t max_ops, uint32_t max_spans, uint32_t expected_fill)
{
    struct poll_loop loop;
    struct side sides[NUM_SHARED], *all[NUM_SHARED];
    struct client clients[NUM_SHARED];
    uint8_t data[50000];
    struct lks_config *config = config_with(NULL);
    uint64_t seed = 7;
    lks_test_fill(&seed, data, sizeof(data));
    loop_init(&loop, max_ops, max_spans);
    loop.span_max = 9000;
    for (unsigned int i = 0; i < NUM_SHARED; i++) {
        const struct client_options options = {.suites = suites[i % 4]};
        side_init(all[i] = &sides[i], config);
        client_init(&clients[i], &options);
        buffer_add(&sides[i].to_send, data, sizeof(data));
    }
    for (unsigned int turn = 0; turn < 4000; turn++) {
        bool moved = false;
        for (unsigned int i = 0; i < NUM_SHARED; i++) {
            client_take(&clients[i], &sides[i].wire_in);
            if (turn == 200)
                client_write(&clients[i], data, sizeof(data) - i);
        }
        moved = loop_poll(&loop, all, NUM_SHARED);
        for (unsigned int i = 0; i < NUM_SHARED; i++)
            client_give(&clients[i], &sides[i].wire_out);
        if (!moved && turn > 200)
            break;
    }
    for (unsigned int i = 0; i < NUM_SHARED; i++) {
        LKS_CHECK(sides[i].received.len == sizeof(data) - i &&
                      !memcmp(sides[i].received.data, data, sizeof(data) - i),
                  "%u got %zu", i, sides[i].received.len);
        LKS_CHECK(clients[i].received.len == sizeof(data) &&
                      !memcmp(clients[i].received.data, data, sizeof(data)),
                  "%u got %zu", i, clients[i].received.len);
        client_free(&clients[i]);
        side_free(&sides[i]);
    }
    LKS_CHECK(loop.max_fill >= expected_fill, "%u", loop.max_fill);
    loop_free(&loop);
    lks_config_free(config);
}

static void many_connections_share_one_batch(void)
{
    many_share_the_batches(256, 8192, NUM_SHARED);
}

/* Room for hardly more than one flight: everything still gets through. */
static void small_batches(void)
{
    many_share_the_batches(3, 64, 3);
}

/* The fragments of the records in wire bytes: how many, and the longest. */
static uint32_t count_records(const struct buffer *wire, size_t *longest)
{
    uint32_t num = 0;
    *longest = 0;
    for (size_t at = 0; at + LKS_RECORD_HEADER_LEN <= wire->len; num++) {
        size_t len = (size_t)wire->data[at + 3] << 8 | wire->data[at + 4];
        *longest = len > *longest ? len : *longest;
        at += LKS_RECORD_HEADER_LEN + len;
    }
    return num;
}

/* A Certificate message that no record holds: RFC 8446 section 5.1. [8446 4.4.2-8 5.1-6] */
static void flight_longer_than_a_record(void)
{
    const struct test_certificates *t = test_certificates();
    char path[160], key_path[160];
    struct buffer pem = {0};
    struct lks_config *config;
    struct lks_error err;
    struct poll_loop loop;
    struct side side, *s = &side;
    struct client client;
    static const struct client_options none;
    uint8_t bytes[8192];
    size_t longest;

    snprintf(path, sizeof(path), "%s/long.pem", t->dir);
    snprintf(key_path, sizeof(key_path), "%s/long.key", t->dir);
    test_certificate_long(path, key_path, 4000);
    FILE *f = fopen(path, "r");
    buffer_add(&pem, bytes, fread(bytes, 1, sizeof(bytes), f));
    fclose(f);
    f = fopen(path, "w");
    for (int i = 0; i < 10; i++)
        fwrite(pem.data, 1, pem.len, f);
    fclose(f);
    config = config_new();
    LKS_CHECK(!lks_identities_add_certificate(config->identities, lks_from_file(path),
                                              lks_from_file(key_path), &err),
              "%s", err.text);
    loop_init(&loop, 8, 64);
    side_init(s, config);
    client_init(&client, &none);
    client_take(&client, &s->wire_in);
    while (loop_poll(&loop, &s, 1))
        ;
    uint32_t num = count_records(&s->wire_out, &longest);
    LKS_CHECK(num == 5, "%u records", num); /* ServerHello, CCS, three for some 40 KB */
    CU_ASSERT_EQUAL(longest, LKS_RECORD_PLAINTEXT_MAX + 1 + 16);
    client_give(&client, &s->wire_out);
    exchange(&loop, s, &client);
    CU_ASSERT_TRUE(s->established && SSL_is_init_finished(client.ssl));
    CU_ASSERT_EQUAL(sk_X509_num(SSL_get_peer_cert_chain(client.ssl)), 10);
    client_free(&client);
    side_free(s);
    loop_free(&loop);
    lks_config_free(config);
    buffer_free(&pem);
    unlink(path);
    unlink(key_path);
}

/* RFC 8446 section 5.4. */
static void padded_records(void)
{
    struct pair p;
    pair_init(&p, NULL, NULL);
    SSL_set_block_padding(p.client.ssl, 1024);
    pair_exchange(&p);
    CU_ASSERT_TRUE(p.side.established);
    p.loop.span_max = 300;
    pair_echo(&p, 10);
    CU_ASSERT_EQUAL(p.side.conn->open_key.seq, 1);
    pair_echo(&p, 50000);
    pair_free(&p);
}

/* A flight goes into the batch whole or not at all. [8446 5.1-6] */
static void flight_needs_all_of_its_ops(void)
{
    struct pair p;
    uint8_t out[8192];
    pair_init(&p, NULL, NULL);
    struct lks_batch *open = &p.loop.open, *seal = &p.loop.seal;
    client_take(&p.client, &p.side.wire_in);
    struct lks_span in = {p.side.wire_in.data, p.side.wire_in.len};
    size_t taken;
    enum lks_event event;
    lks_batch_reset(open);
    CU_ASSERT_EQUAL(lks_conn_open(p.side.conn, &in, 1, open, &taken, NULL), LKS_OK);
    lks_engine_process(p.loop.engine, open->ops, open->num_ops);
    CU_ASSERT_EQUAL(lks_conn_opened(p.side.conn, &open->ops[0], &event), LKS_OK);
    struct lks_span dst = {out, lks_conn_own_len(p.side.conn)};
    lks_batch_reset(seal);
    for (seal->max_ops = 0; seal->max_ops < 3; seal->max_ops++) {
        CU_ASSERT_EQUAL(lks_conn_seal_own(p.side.conn, &dst, 1, seal), LKS_WANT_ROOM);
        CU_ASSERT_EQUAL(seal->num_ops, 0);
        CU_ASSERT_EQUAL(seal->num_spans, 0);
    }
    CU_ASSERT_EQUAL(lks_conn_own_len(p.side.conn), dst.len);
    dst.len--;
    CU_ASSERT_EQUAL(lks_conn_seal_own(p.side.conn, &dst, 1, seal), LKS_NO_ROOM);
    dst.len++;
    CU_ASSERT_EQUAL(lks_conn_seal_own(p.side.conn, &dst, 1, seal), LKS_OK);
    CU_ASSERT_EQUAL(seal->num_ops, 3); /* ServerHello, CCS, and all that is encrypted in one */
    CU_ASSERT_EQUAL(lks_engine_process(p.loop.engine, seal->ops, 3), 3);
    size_t len = 0;
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(lks_conn_sealed(p.side.conn, &seal->ops[i]), LKS_OK);
        len += seal->ops[i].len;
    }
    CU_ASSERT_EQUAL(len, dst.len);
    pair_free(&p);
}

static void record_in_more_spans_than_the_batch_has(void)
{
    struct pair p;
    pair_establish(&p);
    uint8_t data[100] = {0};
    client_write(&p.client, data, sizeof(data));
    client_take(&p.client, &p.side.wire_in);
    struct lks_span spans[200];
    for (size_t i = 0; i < p.side.wire_in.len; i++)
        spans[i] = (struct lks_span){p.side.wire_in.data + i, 1};
    struct lks_batch *batch = &p.loop.open;
    uint32_t num = (uint32_t)p.side.wire_in.len;
    size_t taken;
    lks_batch_reset(batch);
    batch->max_spans = num - 1;
    CU_ASSERT_EQUAL(lks_conn_open(p.side.conn, spans, num, batch, &taken, NULL), LKS_NO_ROOM);
    CU_ASSERT_EQUAL(taken, 0);
    batch->max_spans = num;
    batch->num_spans = 1;
    CU_ASSERT_EQUAL(lks_conn_open(p.side.conn, spans, num, batch, &taken, NULL), LKS_WANT_ROOM);
    batch->max_spans = 8192;
    lks_batch_reset(batch);
    p.loop.span_max = 1;
    pair_exchange(&p);
    CU_ASSERT_EQUAL(p.side.received.len, sizeof(data));
    pair_free(&p);
}

/* RFC 8446 section 6.1. [8446 6.1-1 6.1-4] */
static void client_closes_first(void)
{
    struct pair p;
    pair_establish(&p);
    CU_ASSERT_TRUE(lks_conn_truncated(p.side.conn)); /* if TCP ended here */
    SSL_shutdown(p.client.ssl);
    pair_exchange(&p);
    CU_ASSERT_TRUE(p.side.closed);
    CU_ASSERT_TRUE(lks_conn_close_received(p.side.conn));
    CU_ASSERT_FALSE(lks_conn_truncated(p.side.conn));
    CU_ASSERT_FALSE(lks_conn_close_sent(p.side.conn));
    /* Half-closed: our direction goes on. */
    buffer_add(&p.side.to_send, "still here", 10);
    pair_exchange(&p);
    CU_ASSERT_EQUAL(p.client.received.len, 10);
    lks_conn_close(p.side.conn);
    pair_exchange(&p);
    CU_ASSERT_TRUE(lks_conn_close_sent(p.side.conn));
    CU_ASSERT_TRUE(p.client.saw_close);
    pair_inject(&p, "whatever comes now is ignored", 29);
    CU_ASSERT_EQUAL(p.side.end, LKS_OK);
    CU_ASSERT_EQUAL(p.side.wire_in.len, 0);
    pair_free(&p);
}

/* RFC 8446 section 6.1. [8446 6.1-3] */
static void we_close_first(void)
{
    struct pair p;
    pair_establish(&p);
    lks_conn_close(p.side.conn);
    lks_conn_close(p.side.conn);
    CU_ASSERT_FALSE(lks_conn_can_seal(p.side.conn));
    struct lks_span none = {NULL, 0};
    CU_ASSERT_EQUAL(lks_conn_seal(p.side.conn, &none, 1, &none, 1, &p.loop.seal), LKS_CLOSED);
    CU_ASSERT_EQUAL(lks_conn_update_key(p.side.conn, false), LKS_CLOSED);
    CU_ASSERT_FALSE(lks_conn_close_sent(p.side.conn));
    pair_exchange(&p);
    CU_ASSERT_TRUE(lks_conn_close_sent(p.side.conn));
    CU_ASSERT_TRUE(p.client.saw_close);
    CU_ASSERT_EQUAL(lks_conn_own_len(p.side.conn), 0);
    /* The client's direction goes on. */
    client_write(&p.client, "and I", 5);
    pair_exchange(&p);
    CU_ASSERT_EQUAL(p.side.received.len, 5);
    SSL_shutdown(p.client.ssl);
    pair_exchange(&p);
    CU_ASSERT_TRUE(p.side.closed);
    pair_free(&p);
}

static void close_while_the_handshake_runs(void)
{
    struct pair p;
    pair_init(&p, NULL, NULL);
    lks_conn_close(p.side.conn);
    struct side *s = &p.side;
    loop_poll(&p.loop, &s, 1);
    const uint8_t expected[] = {21, 3, 3, 0, 2, 1, 0};
    CU_ASSERT_EQUAL(s->wire_out.len, sizeof(expected));
    CU_ASSERT_EQUAL(memcmp(s->wire_out.data, expected, sizeof(expected)), 0);
    pair_free(&p);
}

/* What the client sends behind its Finished is in the same delivery, and the close, too. */
static void finished_data_and_close_in_one_delivery(void)
{
    struct pair p;
    pair_init(&p, NULL, NULL);
    struct side *s = &p.side;
    client_take(&p.client, &s->wire_in);
    loop_poll(&p.loop, &s, 1);
    client_give(&p.client, &s->wire_out);
    client_write(&p.client, "GET", 3);
    SSL_shutdown(p.client.ssl);
    pair_exchange(&p);
    CU_ASSERT_TRUE(s->established);
    CU_ASSERT_EQUAL(s->received.len, 3);
    CU_ASSERT_TRUE(s->closed);
    pair_free(&p);
}

const struct lks_test exchange_tests[] = {
    {"every kind of handshake", every_kind_of_handshake},
    {"X25519MLKEM768", the_hybrid_group},
    {"CCM_8 when named", ccm_8_when_named},
    {"data in spans and records of all sizes", data_in_spans_and_records_of_all_sizes},
    {"hello split at every byte", hello_split_at_every_byte},
    {"hello over several records", hello_over_several_records},
    {"everything in one-byte pieces", everything_in_one_byte_pieces},
    {"many connections share one batch", many_connections_share_one_batch},
    {"small batches", small_batches},
    {"flight longer than a record", flight_longer_than_a_record},
    {"padded records", padded_records},
    {"flight needs all of its ops", flight_needs_all_of_its_ops},
    {"record in more spans than the batch has", record_in_more_spans_than_the_batch_has},
    {"client closes first", client_closes_first},
    {"we close first", we_close_first},
    {"close while the handshake runs", close_while_the_handshake_runs},
    {"Finished, data and close in one delivery", finished_data_and_close_in_one_delivery},
    {NULL, NULL},
};
