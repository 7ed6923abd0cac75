/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_conn.h"

#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "test_memory.h"

void pair_init(struct pair *p, const char *kind, const struct client_options *options)
{
    static const struct client_options none;
    memset(p, 0, sizeof(*p));
    p->config = config_with(kind);
    loop_init(&p->loop, 64, 8192);
    side_init(&p->side, p->config);
    client_init(&p->client, options ? options : &none);
}

void pair_free(struct pair *p)
{
    client_free(&p->client);
    side_free(&p->side);
    loop_free(&p->loop);
    lks_config_free(p->config);
}

void pair_establish(struct pair *p)
{
    pair_init(p, NULL, NULL);
    pair_exchange(p);
    CU_ASSERT_TRUE(p->side.established);
    CU_ASSERT_TRUE(SSL_is_init_finished(p->client.ssl));
}

void pair_echo(struct pair *p, size_t len)
{
    uint8_t *there = malloc(len), *back = malloc(len);
    lks_test_fill(&p->loop.random, there, len);
    lks_test_fill(&p->loop.random, back, len);
    p->side.received.len = p->client.received.len = 0;
    for (size_t at = 0; at < len;) {
        size_t n = 1 + lks_test_random(&p->loop.random) % 20000;
        n = n < len - at ? n : len - at;
        client_write(&p->client, there + at, n);
        at += n;
    }
    buffer_add(&p->side.to_send, back, len);
    pair_exchange(p);
    LKS_CHECK(p->side.received.len == len && memcmp(p->side.received.data, there, len) == 0,
              "server got %zu of %zu", p->side.received.len, len);
    LKS_CHECK(p->client.received.len == len && memcmp(p->client.received.data, back, len) == 0,
              "client got %zu of %zu", p->client.received.len, len);
    free(there);
    free(back);
}

void pair_inject(struct pair *p, const void *bytes, size_t len)
{
    struct side *s = &p->side;
    buffer_add(&s->wire_in, bytes, len);
    while (loop_poll(&p->loop, &s, 1))
        ;
}

void two_init(struct two *t, const char *suite)
{
    t->client = client_config(suite, NULL, NULL);
    t->server = server_config(NULL, NULL, NULL);
    set_suites(t->server, suite);
    loopback_init(&t->l, t->client, t->server, &localhost);
}

void two_free(struct two *t)
{
    loopback_free(&t->l);
    lks_config_free(t->client);
    lks_config_free(t->server);
}

void put_record(struct poll_loop *loop, struct buffer *wire, struct lks_key *key, uint8_t type,
                const void *content, size_t len)
{
    uint8_t bytes[300], record[400];
    memcpy(bytes, content, len);
    struct lks_span src = {bytes, len}, dst = {record, sizeof(record)};
    struct lks_op op = {
        .key = key, .src = &src, .num_src = 1, .dst = &dst, .num_dst = 1, .type = type};
    CU_ASSERT_EQUAL(lks_engine_process(loop->engine, &op, 1), 1);
    buffer_add(wire, record, op.len);
}

void say(struct two *t, struct side *from, uint8_t type, const void *content, size_t len)
{
    put_record(&t->l.loop, &from->wire_out, &from->conn->seal_key, type, content, len);
}

bool ends_with_plain_alert(const struct buffer *wire, uint8_t alert)
{
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};
    return wire->len >= sizeof(record) &&
           memcmp(wire->data + wire->len - sizeof(record), record, sizeof(record)) == 0;
}

static const struct lks_test_suite suites[] = {{"exchange", exchange_tests},
                                               {"ops", ops_tests},
                                               {"client", client_tests},
                                               {"public-key jobs", pkey_tests},
                                               {"what was agreed", agreed_tests},
                                               {"TLS 1.2", tls12_tests},
                                               {"TLS 1.2, bad", tls12_bad_tests},
                                               {"warnings", warning_tests},
                                               {"close", close_tests},
                                               {"TLS 1.2 with OpenSSL", tls12_openssl_tests},
                                               {"key update", key_update_tests},
                                               {"bad input", bad_input_tests},
                                               {"resumption", resumption_tests},
                                               {"client resumption", client_resumption_tests},
                                               {"early data", early_data_tests},
                                               {"early data, refused", early_refused_tests},
                                               {"memory", memory_tests},
                                               {"about", about_tests},
                                               {NULL, NULL}};

int main(void)
{
    if (lks_test_tier_is_absent("conn"))
        return 77;
    test_memory_begin();
    int rc = lks_test_run("conn", suites);
    test_certificates_remove();
    return rc;
}
