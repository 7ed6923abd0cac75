/* SPDX-License-Identifier: BSD-3-Clause */

/* lockstep/stream.h: what two streams say to each other arrives, however the bytes are cut, and
 * whatever ends it is told. */

#include "test_stream.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct lks_config *stream_config(enum lks_role role, uint16_t version)
{
    struct lks_error err;
    struct lks_config *config = config_with("ecdsa"); /* a client shows it when asked */
    CU_ASSERT_EQUAL(lks_policy_set_versions(config->policy, version, version, NULL), LKS_OK);
    if (role == LKS_CLIENT)
        LKS_CHECK(!lks_policy_set_trust(config->policy,
                                        lks_from_file(test_certificates()->both_certs), &err),
                  "%s", err.text);
    return config;
}

void streams_begin(struct streams *s, uint16_t version)
{
    s->config[LKS_CLIENT] = stream_config(LKS_CLIENT, version);
    s->config[LKS_SERVER] = stream_config(LKS_SERVER, version);
    duct_begin(&s->duct, s->config[LKS_CLIENT], s->config[LKS_SERVER], &localhost, NULL);
}

void streams_end(struct streams *s)
{
    duct_end(&s->duct);
    lks_config_free(s->config[LKS_CLIENT]);
    lks_config_free(s->config[LKS_SERVER]);
}

#define LEN_MAX 100000u

/* len bytes each way and close_notify behind them, from the first byte of the handshake on. */
static void whole_talk(struct duct *d, size_t len)
{
    static uint8_t there[LEN_MAX], back[LEN_MAX];
    duct_fill(d, &d->client, len);
    duct_fill(d, &d->server, len);
    memcpy(there, d->client.to_send.data, len);
    memcpy(back, d->server.to_send.data, len);
    d->client.ends_when_sent = d->server.ends_when_sent = true;
    duct_run(d);
    LKS_CHECK(duct_arrived(&d->server, there, len) && duct_arrived(&d->client, back, len),
              "chunks of %zu%s: %zu and %zu of %zu bytes", d->chunk, d->random ? " at most" : "",
              d->server.received.len, d->client.received.len, len);
    const struct stream_end *ends[] = {&d->client, &d->server};
    for (int i = 0; i < 2; i++)
        LKS_CHECK(ends[i]->read == LKS_CLOSED && ends[i]->drain == LKS_CLOSED &&
                      stream_waits(ends[i]->write),
                  "chunks of %zu: read %s, drain %s", d->chunk, lks_status_name(ends[i]->read),
                  lks_status_name(ends[i]->drain));
}

/* One by one where the handshake's records and those of few bytes begin and end; then around the
 * longest record. */
static void every_chunk(void)
{
    static const size_t others[] = {63,    64,    65,    255,   256,   1000,  1448,
                                    4096,  16383, 16384, 16385, 16405, 16406, 16407,
                                    16411, 18436, 18437, 18438, 20000, 32768, 65536};
    const size_t num_others = sizeof(others) / sizeof(others[0]);
    const size_t num_small = lks_test_is_quick() ? 8 : 40;
    const uint16_t versions[] = {LKS_TLS_1_3, LKS_TLS_1_2};
    for (int v = 0; v < 2; v++) {
        struct lks_config *client = stream_config(LKS_CLIENT, versions[v]);
        struct lks_config *server = stream_config(LKS_SERVER, versions[v]);
        for (size_t i = 1; i <= num_small + num_others; i++) {
            struct duct d;
            duct_begin(&d, client, server, &localhost, NULL);
            d.chunk = i <= num_small ? i : others[i - num_small - 1];
            whole_talk(&d, d.chunk < 1000 ? 50 * d.chunk : LEN_MAX);
            duct_end(&d);
        }
        lks_config_free(client);
        lks_config_free(server);
    }
}

/* Also on engines that take few ops, with KeyUpdates anywhere, and a wire that is often full. */
static void random_chunks(void)
{
    const unsigned int num = lks_test_is_quick() ? 40 : 400;
    for (uint64_t seed = 1; seed <= num; seed++) {
        struct streams s;
        struct lks_engine *engine = NULL;
        uint64_t random = seed;
        streams_begin(&s, seed & 1 ? LKS_TLS_1_3 : LKS_TLS_1_2);
        if (seed % 4) {
            duct_end(&s.duct);
            CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, (uint32_t)(seed % 4)), LKS_OK);
            duct_begin(&s.duct, s.config[LKS_CLIENT], s.config[LKS_SERVER], &localhost, engine);
        }
        s.duct.random = true;
        s.duct.seed = seed;
        s.duct.chunk = 1 + lks_test_random(&random) % (seed % 3 ? 40000 : 40);
        s.duct.wire_max = 1 + lks_test_random(&random) % 40000;
        for (unsigned int i = 0; i < 100; i++) {
            duct_turn(&s.duct);
            if (lks_test_random(&random) % 10 == 0) /* refused while there are no keys */
                (void)!lks_conn_update_key(
                    lks_stream_conn(i & 1 ? s.duct.client.stream : s.duct.server.stream), i & 2);
        }
        s.duct.client.received.len = s.duct.server.received.len = 0;
        whole_talk(&s.duct, s.duct.chunk * 20 < LEN_MAX ? s.duct.chunk * 20 : LEN_MAX);
        streams_end(&s);
        lks_engine_free(engine);
        if (CU_get_number_of_failures() != 0) {
            LKS_CHECK(false, "seed %llu", (unsigned long long)seed);
            return;
        }
    }
}

/* A flight of many records goes out one record at a time, at most: certificates that fill some of
 * the longest, or a peer that takes small ones only. */
static void long_flights(void)
{
    char cert[160], key[160];
    const struct test_certificates *t = test_certificates();
    snprintf(cert, sizeof(cert), "%s/long.pem", t->dir);
    snprintf(key, sizeof(key), "%s/long.key", t->dir);
    test_certificate_long(cert, key, 50000);
    for (int is_small = 0; is_small < 2; is_small++) {
        struct lks_error err;
        struct duct d;
        struct lks_config *client, *server;
        client = config_new();
        server = config_new();
        LKS_CHECK(!lks_policy_set_trust(client->policy, lks_from_file(cert), &err) &&
                      !lks_identities_add_certificate(server->identities, lks_from_file(cert),
                                                      lks_from_file(key), &err),
                  "%s", err.text);
        if (is_small)
            CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(client->policy, 64, NULL), LKS_OK);
        duct_begin(&d, client, server, &localhost, NULL);
        whole_talk(&d, 20000);
        duct_end(&d);
        lks_config_free(client);
        lks_config_free(server);
    }
    unlink(cert);
    unlink(key);
}

/* RFC 8446 section 4.6.3: what was said under each key arrives; the peer asked answers. */
static void key_updates(void)
{
    struct streams s;
    streams_begin(&s, LKS_TLS_1_3);
    duct_establish(&s.duct);
    for (unsigned int i = 1; i <= 5; i++) {
        uint32_t open, seal;
        struct lks_conn *conn = lks_stream_conn(s.duct.client.stream);
        duct_fill(&s.duct, &s.duct.client, 1000);
        duct_fill(&s.duct, &s.duct.server, 1000);
        CU_ASSERT_EQUAL(lks_conn_update_key(conn, true), LKS_OK);
        duct_run(&s.duct);
        lks_conn_key_updates(conn, &open, &seal);
        CU_ASSERT_TRUE(open == i && seal == i);
        CU_ASSERT_EQUAL(s.duct.server.received.len, 1000 * i);
        CU_ASSERT_EQUAL(s.duct.client.received.len, 1000 * i);
    }
    streams_end(&s);
}

/* Who is not read from, or not drained, takes a record's worth and no more, and goes on later. */
static void back_pressure(void)
{
    struct streams s;
    streams_begin(&s, LKS_TLS_1_3);
    duct_establish(&s.duct);
    struct stream_end *client = &s.duct.client, *server = &s.duct.server;
    for (size_t chunk = 1; chunk <= LEN_MAX; chunk *= 7) {
        static uint8_t bytes[LEN_MAX];
        const size_t len = chunk < 1000 ? 3000 * chunk : 1000000;
        server->received.len = 0;
        server->is_deaf = true;
        s.duct.chunk = chunk;
        s.duct.wire_max = 1;
        duct_fill(&s.duct, client, len);
        memcpy(bytes, client->to_send.data, sizeof(bytes) < len ? sizeof(bytes) : len);
        duct_run(&s.duct);
        const size_t held = len - client->to_send.len;
        LKS_CHECK(held <= 40000 + chunk && client->to_send.len, "%zu bytes held, chunks of %zu",
                  held, chunk);
        CU_ASSERT_EQUAL(client->write, LKS_WANT_ROOM);
        CU_ASSERT_EQUAL(server->feed, LKS_WANT_ROOM);
        server->is_deaf = false;
        duct_run(&s.duct);
        CU_ASSERT_EQUAL(client->to_send.len, 0);
        LKS_CHECK(server->received.len == len &&
                      memcmp(server->received.data, bytes,
                             sizeof(bytes) < len ? sizeof(bytes) : len) == 0,
                  "%zu of %zu", server->received.len, len);
    }
    streams_end(&s);
}

/* A direction of its own: who has said all is still told, whole. */
static void half_close(void)
{
    struct streams s;
    streams_begin(&s, LKS_TLS_1_3);
    duct_establish(&s.duct);
    size_t taken;
    CU_ASSERT_EQUAL(lks_stream_end(s.duct.client.stream, LKS_SEAL), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_end(s.duct.client.stream, LKS_SEAL), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_write(s.duct.client.stream, (const uint8_t *)"x", 1, &taken),
                    LKS_CLOSED);
    CU_ASSERT_EQUAL(taken, 0);
    CU_ASSERT_EQUAL(lks_stream_write(s.duct.client.stream, NULL, 0, &taken), LKS_CLOSED);
    duct_run(&s.duct);
    CU_ASSERT_EQUAL(s.duct.client.drain, LKS_CLOSED);
    CU_ASSERT_EQUAL(s.duct.server.read, LKS_CLOSED);
    /* And what comes behind it counts no more. */
    CU_ASSERT_EQUAL(lks_stream_feed(s.duct.server.stream, (const uint8_t *)"junk", 4, &taken),
                    LKS_CLOSED);
    CU_ASSERT_EQUAL(taken, 4);
    duct_fill(&s.duct, &s.duct.server, 50000);
    s.duct.server.ends_when_sent = true;
    duct_run(&s.duct);
    CU_ASSERT_EQUAL(s.duct.client.received.len, 50000);
    CU_ASSERT_EQUAL(s.duct.client.read, LKS_CLOSED);
    CU_ASSERT_EQUAL(s.duct.server.drain, LKS_CLOSED);
    streams_end(&s);
}

/* The transport's end, after each byte of an answer: all of it only behind close_notify, before it
 * truncated, whatever was in the handshake. [8446 6.1-4] */
static void truncation(void)
{
    for (int version = LKS_TLS_1_2; version <= LKS_TLS_1_3; version++) {
        struct streams s;
        struct buffer flight = {0};
        streams_begin(&s, (uint16_t)version);
        duct_establish(&s.duct);
        streams_end(&s);
        for (size_t cut = 0; cut <= flight.len || !cut; cut++) {
            uint8_t data[600];
            size_t n, len;
            streams_begin(&s, (uint16_t)version);
            duct_establish(&s.duct);
            struct stream_end *server = &s.duct.server;
            struct lks_stream *client = s.duct.client.stream;
            CU_ASSERT_EQUAL(lks_stream_write(server->stream, (const uint8_t *)"whole", 5, &n), 0);
            CU_ASSERT_EQUAL(lks_stream_write(server->stream, (const uint8_t *)"answer", 6, &n), 0);
            CU_ASSERT_EQUAL(lks_stream_end(server->stream, LKS_SEAL), LKS_OK);
            CU_ASSERT_EQUAL(lks_stream_drain(server->stream, data, sizeof(data), &len), LKS_OK);
            flight.len = len;
            (void)!lks_stream_feed(client, data, cut < len ? cut : len, &n);
            CU_ASSERT_EQUAL(lks_stream_end(client, LKS_OPEN), LKS_OK);
            CU_ASSERT_EQUAL(lks_stream_feed(client, data, len, &n), LKS_CLOSED);
            CU_ASSERT_EQUAL(n, len);
            enum lks_status status;
            for (len = 0; !(status = lks_stream_read(client, data + len, 600 - len, &n)); len += n)
                ;
            LKS_CHECK(status == (cut < flight.len ? LKS_TRUNCATED : LKS_CLOSED),
                      "%zu of %zu bytes: %s", cut, flight.len, lks_status_name(status));
            CU_ASSERT_TRUE(len == 0 || len == 5 || len == 11);
            CU_ASSERT_TRUE(cut < flight.len || len == 11);
            LKS_CHECK((strstr(lks_conn_reason(lks_stream_conn(client)), "cut short") != NULL) ==
                          (cut < flight.len),
                      "%s", lks_conn_reason(lks_stream_conn(client)));
            /* It may still be written to: a peer that has ended its half. */
            CU_ASSERT_EQUAL(lks_stream_write(client, (const uint8_t *)"x", 1, &n), LKS_OK);
            streams_end(&s);
        }
        CU_ASSERT_TRUE(flight.len > 50);
    }
}

/* Before the handshake is done there is nobody to write to, either. */
static void truncated_handshake(void)
{
    struct streams s;
    size_t n;
    uint8_t byte;
    streams_begin(&s, LKS_TLS_1_3);
    CU_ASSERT_EQUAL(lks_stream_write(s.duct.client.stream, (const uint8_t *)"x", 1, &n),
                    LKS_WANT_ROOM);
    CU_ASSERT_EQUAL(lks_stream_end(s.duct.client.stream, LKS_OPEN), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_write(s.duct.client.stream, (const uint8_t *)"x", 1, &n),
                    LKS_TRUNCATED);
    CU_ASSERT_EQUAL(lks_stream_read(s.duct.client.stream, &byte, 1, &n), LKS_TRUNCATED);
    CU_ASSERT_PTR_NOT_NULL(strstr(lks_conn_reason(lks_stream_conn(s.duct.client.stream)),
                                  "before the handshake was done"));
    streams_end(&s);
}

/* A forged record: what came before it is read, then the reason; and the peer is told. */
static void bad_record(void)
{
    struct streams s;
    size_t n, len;
    uint8_t wire[1000], data[100];
    streams_begin(&s, LKS_TLS_1_3);
    duct_establish(&s.duct);
    struct lks_stream *client = s.duct.client.stream, *server = s.duct.server.stream;
    CU_ASSERT_EQUAL(lks_stream_write(server, (const uint8_t *)"before", 6, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_write(server, (const uint8_t *)"forged", 6, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_write(server, (const uint8_t *)"behind", 6, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(server, wire, sizeof(wire), &len), LKS_OK);
    wire[len / 2] ^= 1;
    CU_ASSERT_EQUAL(lks_stream_write(client, (const uint8_t *)"said", 4, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_feed(client, wire, len, &n), LKS_BAD_TAG);
    CU_ASSERT_EQUAL(n, len);
    CU_ASSERT_EQUAL(lks_stream_feed(client, wire, len, &n), LKS_BAD_TAG);
    CU_ASSERT_EQUAL(n, len);
    CU_ASSERT_EQUAL(lks_stream_read(client, data, 4, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_read(client, data + 4, 96, &n), LKS_OK);
    CU_ASSERT_TRUE(n == 2 && memcmp(data, "before", 6) == 0);
    CU_ASSERT_EQUAL(lks_stream_read(client, data, 100, &n), LKS_BAD_TAG);
    CU_ASSERT_EQUAL(lks_stream_write(client, (const uint8_t *)"x", 1, &n), LKS_BAD_TAG);
    CU_ASSERT_EQUAL(lks_stream_write(client, NULL, 0, &n), LKS_BAD_TAG);
    CU_ASSERT_EQUAL(lks_stream_end(client, LKS_SEAL), LKS_OK);
    /* Sealed before, then the alert, then the reason. */
    CU_ASSERT_EQUAL(lks_stream_drain(client, wire, 1, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(client, wire + 1, sizeof(wire) - 1, &len), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(client, wire, 1, &n), LKS_BAD_TAG);
    CU_ASSERT_EQUAL(lks_stream_feed(server, wire, 1 + len, &n), LKS_PEER_ALERT);
    CU_ASSERT_EQUAL(lks_stream_read(server, data, sizeof(data), &n), LKS_OK);
    CU_ASSERT_TRUE(n == 4 && memcmp(data, "said", 4) == 0);
    CU_ASSERT_EQUAL(lks_stream_read(server, data, sizeof(data), &n), LKS_PEER_ALERT);
    CU_ASSERT_EQUAL(lks_stream_drain(server, data, sizeof(data), &n), LKS_PEER_ALERT);
    struct lks_conn_info info;
    lks_conn_get_info(lks_stream_conn(server), &info);
    CU_ASSERT_EQUAL(info.peer_alert, 20);
    streams_end(&s);
}

/* A handshake that fails: the reason here, its alert there. */
static void refused(void)
{
    struct streams s;
    struct lks_conn_info info;
    s.config[LKS_SERVER] = stream_config(LKS_SERVER, LKS_TLS_1_3);
    s.config[LKS_CLIENT] = config_new(); /* trusts nobody */
    for (size_t chunk = 1; chunk < 20000; chunk *= 5) {
        duct_begin(&s.duct, s.config[LKS_CLIENT], s.config[LKS_SERVER], &localhost, NULL);
        s.duct.chunk = chunk;
        duct_fill(&s.duct, &s.duct.client, 10);
        duct_run(&s.duct);
        CU_ASSERT_EQUAL(s.duct.client.read, LKS_ALERT_UNKNOWN_CA);
        CU_ASSERT_EQUAL(s.duct.client.write, LKS_ALERT_UNKNOWN_CA);
        CU_ASSERT_EQUAL(s.duct.client.drain, LKS_ALERT_UNKNOWN_CA);
        CU_ASSERT_EQUAL(s.duct.server.read, LKS_PEER_ALERT);
        lks_conn_get_info(lks_stream_conn(s.duct.server.stream), &info);
        CU_ASSERT_EQUAL(info.peer_alert, 48);
        CU_ASSERT_EQUAL(s.duct.server.received.len, 0);
        duct_end(&s.duct);
    }
    lks_config_free(s.config[LKS_CLIENT]);
    lks_config_free(s.config[LKS_SERVER]);
}

static const struct lks_test tests[] = {
    {"every chunk", every_chunk},
    {"random chunks", random_chunks},
    {"long flights", long_flights},
    {"key updates", key_updates},
    {"back pressure", back_pressure},
    {"half close", half_close},
    {"truncation", truncation},
    {"truncated handshake", truncated_handshake},
    {"bad record", bad_record},
    {"refused", refused},
    {NULL, NULL},
};

int main(void)
{
    static const struct lks_test_suite suites[] = {
        {"stream", tests}, {"stream's bounds", stream_bounds_tests}, {NULL, NULL}};
    const int rc = lks_test_run("stream", suites);
    test_certificates_remove();
    return rc;
}
