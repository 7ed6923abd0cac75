/* SPDX-License-Identifier: BSD-3-Clause */

/* What a peer may not do, and the alert that it gets. */

#include "test_conn.h"

#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"

/* One record as the client would seal it under a secret of its own, for the connection to find. */
static void put_sealed(struct pair *p, struct lks_key *key, uint8_t type, const void *content,
                       size_t len)
{
    put_record(&p->loop, &p->side.wire_in, key, type, content, len);
}

/* And lets it act on that. */
static void forge_sealed(struct pair *p, struct lks_key *key, uint8_t type, const void *content,
                         size_t len)
{
    put_sealed(p, key, type, content, len);
    pair_inject(p, NULL, 0);
}

/* An established pair whose client's next records the test makes itself, under *key. */
static void establish_to_forge(struct pair *p, struct lks_key *key)
{
    pair_establish(p);
    struct lks_conn_info info;
    lks_conn_get_info(p->side.conn, &info);
    CU_ASSERT_EQUAL(conn_set_key(key, LKS_SEAL, lks_suite_find(info.suite), p->client.app_secret),
                    LKS_OK);
}

/* The same where the client's Finished is awaited; what the client itself sent is dropped. */
static void await_finished_to_forge(struct pair *p, struct lks_key *key)
{
    struct lks_conn_info info;
    const struct client_options options = {.suites = "TLS_AES_256_GCM_SHA384"};
    pair_init(p, NULL, &options);
    struct side *s = &p->side;
    client_take(&p->client, &s->wire_in);
    while (loop_poll(&p->loop, &s, 1))
        ;
    client_give(&p->client, &s->wire_out);
    struct buffer dropped = {0};
    client_take(&p->client, &dropped);
    buffer_free(&dropped);
    lks_conn_get_info(s->conn, &info);
    CU_ASSERT_EQUAL(
        conn_set_key(key, LKS_SEAL, lks_suite_find(info.suite), p->client.handshake_secret),
        LKS_OK);
}

/* Nothing is sent or received any more. */
static void check_silent(struct pair *p, enum lks_status end)
{
    uint8_t data[] = {23, 3, 3, 0, 1, 0}, out[100];
    const struct lks_span src = {data, sizeof(data)}, dst = {out, sizeof(out)};
    size_t taken;
    CU_ASSERT_TRUE(lks_conn_close_sent(p->side.conn));
    CU_ASSERT_EQUAL(lks_conn_own_len(p->side.conn), 0);
    CU_ASSERT_FALSE(lks_conn_can_seal(p->side.conn));
    lks_batch_reset(&p->loop.seal);
    CU_ASSERT_EQUAL(lks_conn_seal(p->side.conn, &src, 1, &dst, 1, &p->loop.seal), end);
    lks_batch_reset(&p->loop.open);
    CU_ASSERT_EQUAL(lks_conn_open(p->side.conn, &src, 1, &p->loop.open, &taken, NULL), end);
    CU_ASSERT_TRUE(taken == 0 && p->loop.open.num_ops == 0 && p->loop.seal.num_ops == 0);
}

/* The connection ended for this reason, and the client saw that alert. [8446 6-1 6-3 6.2-1 6.2-3]
 [5246 1.2-1] */
static void check_ended(struct pair *p, enum lks_status end, uint8_t alert, const char *what)
{
    client_give(&p->client, &p->side.wire_out);
    LKS_CHECK(p->side.end == end, "%s: %s", what, lks_status_name(p->side.end));
    LKS_CHECK(p->client.alert[0] == 2 && p->client.alert[1] == alert, "%s: alert %u %u", what,
              p->client.alert[0], p->client.alert[1]);
    check_silent(p, end);
    pair_free(p);
}

/* First bytes that are no ClientHello: (bytes, alert in the clear). [8446
 * 5-5 5.1-2 5.1-8 5.1-12 5.4-2 D.5-4 D.5-5] */
static void junk_at_the_start(void)
{
    static const struct {
        const char *what, *bytes;
        size_t len;
        uint8_t alert;
    } rows[] = {
        {"HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27, 10},
        {"SSH", "SSH-2.0-OpenSSH_9.2\r\n", 21, 10},
        {"SSLv2", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", 11, 10},
        {"SSL 2 in a record", "\x16\x02\x00\x00\x05hello", 10, 10},
        {"oversize", "\x16\x03\x01\x40\x01", 5, 22},
        {"heartbeat", "\x18\x03\x03\x00\x03\x01\x00\x00", 8, 10},
        {"data in the clear", "\x17\x03\x03\x00\x01x", 6, 10},
        {"empty handshake record", "\x16\x03\x03\x00\x00", 5, 10},
        {"change_cipher_spec of two bytes", "\x14\x03\x03\x00\x02\x01\x01", 7, 10},
        {"empty alert", "\x15\x03\x03\x00\x00", 5, 10},
        {"half an alert", "\x15\x03\x03\x00\x01\x02", 6, 50},
        {"alert and a half", "\x15\x03\x03\x00\x03\x02\x28\x02", 8, 50},
        {"Finished first", "\x16\x03\x03\x00\x04\x14\x00\x00\x00", 9, 10},
        {"alert in mid-hello", "\x16\x03\x03\x00\x02\x01\x00\x15\x03\x03\x00\x02\x01\x5a", 14, 10},
        {"data in mid-hello", "\x16\x03\x03\x00\x02\x01\x00\x17\x03\x03\x00\x01x", 13, 10},
        {"CCS in mid-hello", "\x16\x03\x03\x00\x02\x01\x00\x14\x03\x03\x00\x01\x01", 13, 10},
    };
    for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair p;
        pair_init(&p, NULL, NULL);
        pair_inject(&p, rows[i].bytes, rows[i].len);
        LKS_CHECK(p.side.end && lks_status_alert(p.side.end) == rows[i].alert, "%s: %s",
                  rows[i].what, lks_status_name(p.side.end));
        LKS_CHECK(p.side.wire_out.len == 7 &&
                      ends_with_plain_alert(&p.side.wire_out, rows[i].alert),
                  "%s: %zu bytes", rows[i].what, p.side.wire_out.len);
        pair_free(&p);
    }
}

static void random_bytes_at_the_start(void)
{
    uint64_t seed = 3;
    const int num = lks_test_is_quick() ? 200 : 2000;
    for (int i = 0; i < num; i++) {
        struct pair p;
        uint8_t bytes[300];
        pair_init(&p, "ecdsa", NULL);
        lks_test_fill(&seed, bytes, sizeof(bytes));
        if (i & 1)
            memcpy(bytes, "\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03", 11);
        pair_inject(&p, bytes, sizeof(bytes));
        CU_ASSERT_FALSE(p.side.established);
        CU_ASSERT_TRUE(p.side.end != LKS_OK || p.side.wire_out.len == 0);
        pair_free(&p);
    }
}

/* [8446 D.2-3] */
static void older_versions_get_protocol_version(void)
{
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};
    for (int i = 0; i < 3; i++) { /* TLS 1.2, where it is switched off */
        const struct client_options options = {.max_version = versions[i],
                                               .tls12_ciphers = "ALL:@SECLEVEL=0"};
        struct pair p;
        pair_init(&p, NULL, &options);
        if (versions[i] == TLS1_2_VERSION) {
            CU_ASSERT_EQUAL(
                lks_policy_set_versions(p.config->policy, LKS_TLS_1_3, LKS_TLS_1_3, NULL), LKS_OK);
        }
        pair_exchange(&p);
        CU_ASSERT_TRUE(ends_with_plain_alert(&p.side.wire_out, 70) || p.client.alert[1] == 70);
        check_ended(&p, LKS_ALERT_PROTOCOL_VERSION, 70, "old version");
    }
}

/* RFC 8446 section 5.2: what is behind it does not count. [8446 5.2-3 6-1 6.2-1] */
static void forged_record_in_mid_stream(void)
{
    struct pair p;
    uint8_t data[5000] = {0};
    pair_establish(&p);
    pair_echo(&p, 1000);
    p.side.received.len = 0;
    for (int i = 0; i < 5; i++) {
        client_write(&p.client, data, 1000);
        client_take(&p.client, &p.side.wire_in);
        if (i == 2)
            p.side.wire_in.data[p.side.wire_in.len - 500] ^= 4;
    }
    pair_inject(&p, NULL, 0);
    CU_ASSERT_EQUAL(p.side.received.len, 2000);
    check_ended(&p, LKS_BAD_TAG, 20, "forged");
}

/* Records in the clear, or that cannot be, behind the keys. [8446 5-3 5-5 5.2-1 5.2-3 6.2-3] */
static void bad_headers_once_established(void)
{
    static const struct {
        const char *what, *bytes;
        size_t len;
        enum lks_status end;
        uint8_t alert;
    } rows[] = {
        {"oversize", "\x17\x03\x03\x41\x01", 5, LKS_RECORD_OVERFLOW, 22},
        {"too short", "\x17\x03\x03\x00\x05hello", 10, LKS_BAD_TAG, 20},
        {"empty", "\x17\x03\x03\x00\x00", 5, LKS_BAD_TAG, 20},
        {"handshake", "\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"alert", "\x15\x03\x03\x00\x02\x01\x00", 7, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"CCS", "\x14\x03\x03\x00\x01\x01", 6, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"HTTP", "GET / HTTP/1.1", 14, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"version 4", "\x17\x04\x03\x00\x15record of 4 and a tag", 26, LKS_BAD_TAG, 20},
    };
    for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair p;
        pair_establish(&p);
        /* Behind a good record in the same delivery, which must still arrive. */
        client_write(&p.client, "good", 4);
        client_take(&p.client, &p.side.wire_in);
        pair_inject(&p, rows[i].bytes, rows[i].len);
        LKS_CHECK(p.side.received.len == 4, "%s: %zu", rows[i].what, p.side.received.len);
        check_ended(&p, rows[i].end, rows[i].alert, rows[i].what);
    }
}

/* Closing between the error and its alert does not put a close_notify in that one's place.
 * [8446 6.1-3] */
static void close_behind_an_error(void)
{
    uint8_t oversize[] = {23, 3, 3, 0x41, 1};
    const struct lks_span in = {oversize, sizeof(oversize)};
    size_t taken;
    struct pair p;
    pair_establish(&p);
    lks_batch_reset(&p.loop.open);
    p.side.end = lks_conn_open(p.side.conn, &in, 1, &p.loop.open, &taken, NULL);
    lks_conn_close(p.side.conn);
    pair_inject(&p, NULL, 0);
    check_ended(&p, LKS_RECORD_OVERFLOW, 22, "close behind an error");
}

/* Content that a client can seal and may not send once established. [8446 4.1.2-3 4.6.3-4
 * 5-2 5.1-4 5.1-8 5.4-2] */
static void bad_content_once_established(void)
{
    static const struct {
        const char *what;
        uint8_t type;
        const char *content;
        size_t len;
        enum lks_status end;
        uint8_t alert;
    } rows[] = {
        {"sealed CCS", 20, "\x01", 1, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"empty handshake", 22, "", 0, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"empty alert", 21, "", 0, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"half an alert", 21, "\x02", 1, LKS_ALERT_DECODE_ERROR, 50},
        {"two alerts", 21, "\x01\x5a\x01\x00", 4, LKS_ALERT_DECODE_ERROR, 50},
        {"KeyUpdate and more", 22, "\x18\0\0\1\0\x18", 6, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"two KeyUpdates", 22, "\x18\0\0\1\0\x18\0\0\1\0", 10, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"KeyUpdate of 2", 22, "\x18\0\0\1\2", 5, LKS_ALERT_ILLEGAL_PARAMETER, 47},
        {"empty KeyUpdate", 22, "\x18\0\0\0", 4, LKS_ALERT_DECODE_ERROR, 50},
        {"long KeyUpdate", 22, "\x18\0\0\2\0\0", 6, LKS_ALERT_DECODE_ERROR, 50},
        {"huge KeyUpdate", 22, "\x18\xff\xff\xff", 4, LKS_ALERT_DECODE_ERROR, 50},
        {"ClientHello", 22, "\x01\0\0\x04....", 8, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"NewSessionTicket", 22, "\x04\0\0\x04....", 8, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"Finished again", 22, "\x14\0\0\x20....", 8, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"hello_request", 22, "\0\0\0\0", 4, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
    };
    for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair p;
        struct lks_key key;
        establish_to_forge(&p, &key);
        forge_sealed(&p, &key, 23, "good", 4);
        CU_ASSERT_EQUAL(p.side.received.len, 4);
        forge_sealed(&p, &key, rows[i].type, rows[i].content, rows[i].len);
        check_ended(&p, rows[i].end, rows[i].alert, rows[i].what);
    }
}

/* All 256 types of message; only KeyUpdate may come. */
static void every_type_of_message_once_established(void)
{
    for (unsigned int type = 0; type < 256; type++) {
        struct pair p;
        struct lks_key key;
        establish_to_forge(&p, &key);
        const uint8_t message[] = {(uint8_t)type, 0, 0, 1, 0};
        forge_sealed(&p, &key, 22, message, sizeof(message));
        LKS_CHECK(p.side.end == (type == 24 ? LKS_OK : LKS_ALERT_UNEXPECTED_MESSAGE), "%u: %s",
                  type, lks_status_name(p.side.end));
        pair_free(&p);
    }
}

static void key_update_over_several_records(void)
{
    struct pair p;
    struct lks_key key;
    const char *message = "\x18\0\0\1\1";
    establish_to_forge(&p, &key);
    for (int i = 0; i < 5; i++)
        forge_sealed(&p, &key, 22, message + i, 1);
    CU_ASSERT_EQUAL(p.side.end, LKS_OK);
    CU_ASSERT_EQUAL(p.side.conn->open_key.seq, 0); /* the next key */
    pair_free(&p);

    /* Nothing may come in between: RFC 8446 section 5.1. [8446 5.1-2] */
    establish_to_forge(&p, &key);
    forge_sealed(&p, &key, 22, message, 3);
    forge_sealed(&p, &key, 23, "data", 4);
    check_ended(&p, LKS_ALERT_UNEXPECTED_MESSAGE, 10, "data in a KeyUpdate");
    establish_to_forge(&p, &key);
    forge_sealed(&p, &key, 22, message, 3);
    forge_sealed(&p, &key, 21, "\x01\x5a", 2);
    check_ended(&p, LKS_ALERT_UNEXPECTED_MESSAGE, 10, "alert in a KeyUpdate");
}

/* A record under the next key, in front of the KeyUpdate that would bring it. RFC 8446 section
 * 4.6.3. [8446 4.6.3-7] */
static void next_key_before_its_update(void)
{
    struct pair p;
    struct lks_key key;
    struct lks_conn_info info;
    uint8_t secret[LKS_HASH_MAX];
    establish_to_forge(&p, &key);
    lks_conn_get_info(p.side.conn, &info);
    const struct lks_suite *suite = lks_suite_find(info.suite);
    memcpy(secret, p.client.app_secret, suite->hash_len);
    CU_ASSERT_EQUAL(lks_tls13_next_secret(suite, secret), LKS_OK);
    CU_ASSERT_EQUAL(conn_set_key(&key, LKS_SEAL, suite, secret), LKS_OK);
    forge_sealed(&p, &key, 23, "data", 4);
    CU_ASSERT_EQUAL(p.side.received.len, 0);
    check_ended(&p, LKS_BAD_TAG, 20, "the next key");
}

static void floods_of_nothing(void)
{
    static const struct {
        uint8_t type;
        const char *content;
        size_t len;
        int max;
    } rows[] = {{23, "", 0, 32}, {21, "\x01\x5a", 2, 4}};
    for (int i = 0; i < 2; i++) {
        struct pair p;
        struct lks_key key;
        establish_to_forge(&p, &key);
        for (int n = 0; n < 100; n++) { /* with data between them they may go on */
            forge_sealed(&p, &key, rows[i].type, rows[i].content, rows[i].len);
            forge_sealed(&p, &key, 23, "x", 1);
        }
        CU_ASSERT_EQUAL(p.side.end, LKS_OK);
        for (int n = 0; n < rows[i].max; n++)
            forge_sealed(&p, &key, rows[i].type, rows[i].content, rows[i].len);
        CU_ASSERT_EQUAL(p.side.end, LKS_OK);
        forge_sealed(&p, &key, rows[i].type, rows[i].content, rows[i].len);
        check_ended(&p, LKS_ALERT_UNEXPECTED_MESSAGE, 10, "flood");
    }
}

/* Records of one batch, good ones, behind the one that ends the connection. [8446 6-1 6.2-1] */
static void nothing_is_taken_behind_an_error(void)
{
    struct pair p;
    struct lks_key key;
    establish_to_forge(&p, &key);
    for (int n = 0; n < 33; n++)
        put_sealed(&p, &key, 23, "", 0);
    put_sealed(&p, &key, 23, "data", 4);
    pair_inject(&p, NULL, 0);
    CU_ASSERT_EQUAL(p.loop.max_fill, 34);
    CU_ASSERT_EQUAL(p.side.received.len, 0);
    check_ended(&p, LKS_ALERT_UNEXPECTED_MESSAGE, 10, "flood in a batch");
}

/* RFC 8446 section 6: whatever its level, an alert that is no closure alert is the end, and none is
 * sent back. [8446 6-1 6-3 6-4 6.2-1] */
static void alerts_from_the_peer(void)
{
    for (unsigned int description = 0; description < 256; description++) {
        struct pair p;
        struct lks_key key;
        struct lks_conn_info info;
        establish_to_forge(&p, &key);
        p.side.wire_out.len = 0;
        const uint8_t alert[] = {(uint8_t)(1 + description % 2), (uint8_t)description};
        forge_sealed(&p, &key, 21, alert, sizeof(alert));
        lks_conn_get_info(p.side.conn, &info);
        bool closure = description == 0 || description == 90;
        LKS_CHECK(p.side.end == (closure ? LKS_OK : LKS_PEER_ALERT), "%u: %s", description,
                  lks_status_name(p.side.end));
        CU_ASSERT_EQUAL(info.peer_alert, closure ? 0xff : description);
        CU_ASSERT_EQUAL(p.side.closed, description == 0);
        CU_ASSERT_EQUAL(p.side.wire_out.len, 0);
        CU_ASSERT_EQUAL(lks_conn_truncated(p.side.conn), description == 90);
        pair_free(&p);
    }
}

/* RFC 8446 section 5. [8446 5-1 5-2] */
static void change_cipher_spec_while_the_handshake_runs(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        int num;
        bool bad;
    } rows[] = {{"\x14\x03\x03\x00\x01\x01", 6, 8, false},
                {"\x14\x03\x03\x00\x01\x01", 6, 9, true},
                {"\x14\x03\x03\x00\x01\x02", 6, 1, true},
                {"\x14\x03\x03\x00\x02\x01\x01", 7, 1, true},
                {"\x14\x03\x03\x00\x00", 5, 1, true}};
    for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair p;
        struct lks_key key;
        await_finished_to_forge(&p, &key);
        for (int n = 0; n < rows[i].num; n++)
            pair_inject(&p, rows[i].bytes, rows[i].len);
        if (rows[i].bad) {
            check_ended(&p, LKS_ALERT_UNEXPECTED_MESSAGE, 10, "CCS");
            continue;
        }
        CU_ASSERT_EQUAL(p.side.end, LKS_OK);
        pair_free(&p);
    }
}

/* RFC 8446 section 5.1: nothing comes in the middle of a message, a CCS neither. [8446 5.1-2] */
static void records_in_the_middle_of_finished(void)
{
    for (int i = 0; i < 3; i++) {
        struct pair p;
        struct lks_key key;
        await_finished_to_forge(&p, &key);
        forge_sealed(&p, &key, 22, "\x14\0\0\x30", 3 + (size_t)i % 2);
        CU_ASSERT_EQUAL(p.side.end, LKS_OK);
        if (i == 0)
            pair_inject(&p, "\x14\x03\x03\x00\x01\x01", 6);
        else
            forge_sealed(&p, &key, i == 1 ? 21 : 23, "\x01\x5a", 2);
        check_ended(&p, LKS_ALERT_UNEXPECTED_MESSAGE, 10, "in the middle of Finished");
    }
}

/* RFC 8446 sections 4.4.4, 4.6.3 and 5. [8446 4.4.4-1 4.6.3-1 5-2 5.1-4 5.4-2] */
static void bad_content_instead_of_finished(void)
{
    static const char finished[4 + 48] = "\x14\0\0\x30"; /* of SHA-384 */
    static const char longer[4 + 48 + 1] = "\x14\0\0\x30";
    static const struct {
        const char *what;
        uint8_t type;
        const char *content;
        size_t len;
        enum lks_status end;
        uint8_t alert;
    } rows[] = {
        {"wrong Finished", 22, finished, sizeof(finished), LKS_ALERT_DECRYPT_ERROR, 51},
        {"Finished and more", 22, longer, sizeof(longer), LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"ClientHello", 22, "\x01\0\0\x04....", 8, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"KeyUpdate", 22, "\x18\0\0\1\0", 5, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"data", 23, "early", 5, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"sealed CCS", 20, "\x01", 1, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
        {"empty handshake", 22, "", 0, LKS_ALERT_UNEXPECTED_MESSAGE, 10},
    };
    for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair p;
        struct lks_key key;
        await_finished_to_forge(&p, &key);
        forge_sealed(&p, &key, rows[i].type, rows[i].content, rows[i].len);
        check_ended(&p, rows[i].end, rows[i].alert, rows[i].what);
    }
}

static void plain_alert_while_finished_is_awaited(void)
{
    const char *alert = "\x15\x03\x03\x00\x02\x02\x28";
    struct pair p;
    struct lks_key key;
    struct lks_conn_info info;
    await_finished_to_forge(&p, &key);
    pair_inject(&p, alert, 7);
    lks_conn_get_info(p.side.conn, &info);
    CU_ASSERT_EQUAL(p.side.end, LKS_PEER_ALERT);
    CU_ASSERT_EQUAL(info.peer_alert, 40);
    CU_ASSERT_EQUAL(p.side.wire_out.len, 0);
    pair_free(&p);
    /* Once the client has the keys, an alert in the clear is not the client's. */
    await_finished_to_forge(&p, &key);
    forge_sealed(&p, &key, 22, "\x14", 1);
    pair_inject(&p, alert, 7);
    check_ended(&p, LKS_ALERT_UNEXPECTED_MESSAGE, 10, "late alert in the clear");
}

/* RFC 8446 section 4.2.10: the server does not take the early data and must find its way past it.
 * [8446 4.2.10-4 4.2.10-9]
 */
static void refused_early_data_is_skipped(void)
{
    for (int i = 0; i < 4; i++) {
        const bool retry = i & 1, too_much = i & 2;
        const struct client_options options = {.early_data = true,
                                               .groups = retry ? "X448:X25519" : "X25519"};
        static uint8_t early[90000];
        struct pair p;
        pair_init(&p, NULL, &options);
        for (size_t at = 0, len = too_much ? sizeof(early) : 30000, n; at < len; at += n) {
            CU_ASSERT_TRUE_FATAL(SSL_write_early_data(p.client.ssl, early + at,
                                                      len - at < 16000 ? len - at : 16000, &n));
        }
        pair_exchange(&p);
        if (too_much) {
            CU_ASSERT_EQUAL(p.side.end, LKS_BAD_TAG);
        } else {
            LKS_CHECK(p.side.established, "retry %d: %s", retry, lks_status_name(p.side.end));
            CU_ASSERT_EQUAL(p.side.received.len, 0);
            CU_ASSERT_EQUAL(SSL_get_early_data_status(p.client.ssl), SSL_EARLY_DATA_REJECTED);
            pair_echo(&p, 20000);
        }
        pair_free(&p);
    }
}

/* A client that stops: TCP's end without close_notify is a truncation at every point. [8446 6.1-4]
 */
static void truncation_is_told(void)
{
    struct pair p;
    pair_init(&p, NULL, NULL);
    CU_ASSERT_TRUE(lks_conn_truncated(p.side.conn));
    pair_exchange(&p);
    CU_ASSERT_TRUE(lks_conn_truncated(p.side.conn));
    pair_inject(&p, "\x17\x03\x03\x00\x50half a record", 18);
    CU_ASSERT_EQUAL(p.side.end, LKS_OK);
    CU_ASSERT_TRUE(lks_conn_truncated(p.side.conn));
    pair_free(&p);
}

/* RFC 8446 section 5.1: nothing of the application's leaves before there are keys.
 * [8446 2-2 5.1-15] [5246 7.3-3] */
static void no_data_in_the_clear(void)
{
    struct pair p;
    uint8_t data[100] = {0}, out[200];
    struct lks_span src = {data, sizeof(data)}, dst = {out, sizeof(out)};
    pair_init(&p, NULL, NULL);
    lks_batch_reset(&p.loop.seal);
    CU_ASSERT_FALSE(lks_conn_can_seal(p.side.conn));
    CU_ASSERT_EQUAL(lks_conn_seal(p.side.conn, &src, 1, &dst, 1, &p.loop.seal), LKS_WANT_ROOM);
    CU_ASSERT_EQUAL(p.loop.seal.num_ops, 0);
    pair_exchange(&p);
    CU_ASSERT_TRUE(lks_conn_can_seal(p.side.conn));
    pair_free(&p);
}

const struct lks_test bad_input_tests[] = {
    {"junk at the start", junk_at_the_start},
    {"random bytes at the start", random_bytes_at_the_start},
    {"older versions get protocol_version", older_versions_get_protocol_version},
    {"forged record in mid-stream", forged_record_in_mid_stream},
    {"bad headers once established", bad_headers_once_established},
    {"close behind an error", close_behind_an_error},
    {"bad content once established", bad_content_once_established},
    {"every type of message once established", every_type_of_message_once_established},
    {"KeyUpdate over several records", key_update_over_several_records},
    {"next key before its update", next_key_before_its_update},
    {"floods of nothing", floods_of_nothing},
    {"nothing is taken behind an error", nothing_is_taken_behind_an_error},
    {"alerts from the peer", alerts_from_the_peer},
    {"change_cipher_spec while the handshake runs", change_cipher_spec_while_the_handshake_runs},
    {"records in the middle of Finished", records_in_the_middle_of_finished},
    {"bad content instead of Finished", bad_content_instead_of_finished},
    {"plain alert while Finished is awaited", plain_alert_while_finished_is_awaited},
    {"refused early data is skipped", refused_early_data_is_skipped},
    {"truncation is told", truncation_is_told},
    {"no data in the clear", no_data_in_the_clear},
    {NULL, NULL},
};
