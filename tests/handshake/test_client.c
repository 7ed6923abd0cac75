/* SPDX-License-Identifier: BSD-3-Clause */

/* The client's side alone: which message may come when, and what a server may not say. */

#include <string.h>

#include "client.h"
#include "duo.h"
#include "test_handshake.h"

/* What the table does not name is refused from its first byte; what it names waits for more. [8446
 * 4-2 4.3.1-1 4.3.2-1 4.4.3-1 4.5-3 4.6.3-1 B-1] */
static void every_message_in_every_state(void)
{
    static const uint8_t expected[FLIGHT_NUM + 1][3] = {
        [SERVER_HELLO] = {LKS_MSG_SERVER_HELLO},
        [ENCRYPTED_EXTENSIONS] = {LKS_MSG_ENCRYPTED_EXTENSIONS},
        [CERTIFICATE] = {LKS_MSG_CERTIFICATE, LKS_MSG_CERTIFICATE_REQUEST,
                         LKS_MSG_COMPRESSED_CERTIFICATE},
        [CERTIFICATE_VERIFY] = {LKS_MSG_CERTIFICATE_VERIFY},
        [FINISHED] = {LKS_MSG_FINISHED},
        [FLIGHT_NUM] = {LKS_MSG_SERVER_HELLO}, /* the second one */
    };
    for (size_t state = 0; state <= FLIGHT_NUM; state++) {
        for (unsigned int type = 0; type < 256; type++) {
            struct duo d;
            duo_init(&d, state == FLIGHT_NUM ? "secp256r1" : "x25519");
            give_honest(&d, state == FLIGHT_NUM ? 1 : state);
            const uint8_t first = (uint8_t)type;
            const bool fits = type && memchr(expected[state], (int)type, sizeof(expected[state]));
            enum lks_status status = lks_hs_input(d.client, &first, 1);
            LKS_CHECK(status == (fits ? LKS_WANT_DATA : LKS_ALERT_UNEXPECTED_MESSAGE),
                      "state %zu, message %u: %s", state, type, lks_status_name(status));
            duo_free(&d);
        }
    }
}

/* Each message of the flight cut to any length, and with a byte more, headers alike. [8446 6-5] */
static void cut_and_extended(void)
{
    for (size_t which = 0; which < FLIGHT_NUM; which++) {
        size_t body_len = 1;
        for (size_t len = 0; len <= body_len + 1; len++) {
            struct duo d;
            uint8_t message[FLIGHT_MAX] = {0};
            duo_init(&d, "x25519");
            give_honest(&d, which);
            body_len = d.at[which + 1] - d.at[which] - 4;
            memcpy(message, d.flight + d.at[which], 4 + body_len);
            message[2] = (uint8_t)(len >> 8);
            message[3] = (uint8_t)len;
            enum lks_status status = lks_hs_input(d.client, message, 4 + len);
            const bool whole = len == body_len;
            LKS_CHECK(whole ? status == LKS_WANT_DATA || status == LKS_OK : status > LKS_ALERT_BASE,
                      "message %zu, %zu of %zu bytes: %s", which, len, body_len,
                      lks_status_name(status));
            /* A ServerHello without extensions is one of TLS 1.2; a chain in DER may be cut where
             * its own lengths are wrong. */
            if (!whole && which != SERVER_HELLO)
                LKS_CHECK(status == LKS_ALERT_DECODE_ERROR, "message %zu, %zu of %zu bytes: %s",
                          which, len, body_len, lks_status_name(status));
            duo_free(&d);
        }
    }
}

/* Any bit of the flight that a client checks: nothing goes through to the end; in the signature and
 * in Finished's hash it is decrypt_error. [8446 4.4.3-9 4.4.4-1] */
static void any_byte_changed(void)
{
    struct duo d;
    duo_init(&d, "x25519");
    const size_t len = d.at[d.num];
    duo_free(&d);
    for (size_t at = 0; at < len; at += 1 + at / 64) {
        enum lks_status status = LKS_WANT_DATA;
        struct lks_hs_event event;
        duo_init(&d, "x25519");
        if (at >= d.at[d.num])
            at = d.at[d.num] - 1; /* signatures differ in length */
        d.flight[at] ^= 0x10;
        for (size_t i = 0; i < d.num && status == LKS_WANT_DATA; i++) {
            status = lks_hs_input(d.client, d.flight + d.at[i], d.at[i + 1] - d.at[i]);
            while (lks_hs_next_event(d.client, &event))
                ;
        }
        LKS_CHECK(status != LKS_OK, "byte %zu", at);
        const bool signature = at >= d.at[CERTIFICATE_VERIFY] + 8 && at < d.at[FINISHED];
        if (signature || at >= d.at[FINISHED] + 4)
            LKS_CHECK(status == LKS_ALERT_DECRYPT_ERROR, "byte %zu: %s", at,
                      lks_status_name(status));
        duo_free(&d);
    }
}

static void check_hellos(const struct hello_parts *rows, size_t num, bool retry)
{
    for (size_t i = 0; i < num; i++) {
        struct duo d;
        uint8_t message[FLIGHT_MAX];
        duo_init(&d, "x25519");
        size_t len = write_hello(message, &rows[i], d.client, retry);
        enum lks_status status = lks_hs_input(d.client, message, len);
        LKS_CHECK(status == rows[i].status, "%s: %s", rows[i].what, lks_status_name(status));
        duo_free(&d);
    }
}

/* RFC 8446 sections 4.1.3, 4.2, 4.2.1, 4.2.8.
 * [8446 4.1.3-4 4.1.3-5 4.1.3-6 4.1.3-13 4.2-2 4.2-3 4.2-5 4.2.1-9 4.2.1-10 4.2.1-11 6-6 D.1-1
 * D.5-3 D.5-8] */
static void bad_server_hellos(void)
{
    const enum lks_status illegal = LKS_ALERT_ILLEGAL_PARAMETER;
    const struct hello_parts rows[] = {
        {"right", 0, 0, 0, 0, NULL, GOOD, LKS_WANT_DATA},
        {"legacy_version of TLS 1.3", 0x0304, 0, 0, 0, NULL, GOOD, LKS_WANT_DATA},
        {"another session id", 0, 0, 0, 1, NULL, GOOD, illegal},
        {"no session id", 0, 0, 0, 2, NULL, GOOD, illegal},
        {"a suite not offered", 0, 0x1305, 0, 0, NULL, GOOD, illegal},
        {"a suite of TLS 1.2", 0, 0xc02f, 0, 0, NULL, GOOD, illegal},
        {"GREASE for a suite", 0, 0x0a0a, 0, 0, NULL, GOOD, illegal},
        {"compression", 0, 0, 1, 0, NULL, GOOD, illegal},
        {"chosen TLS 1.2", 0, 0, 0, 0, NULL, "002b 0002 0303" EXTENSION_SHARE, illegal},
        {"chosen TLS 1.4", 0, 0, 0, 0, NULL, "002b 0002 0305" EXTENSION_SHARE, illegal},
        {"two versions", 0, 0, 0, 0, NULL, "002b 0004 0304 0304", LKS_ALERT_DECODE_ERROR},
        {"TLS 1.2 with a suite of TLS 1.3", 0, 0, 0, 0, NULL, "", illegal},
        {"TLS 1.1", 0x0302, 0, 0, 0, NULL, "", LKS_ALERT_PROTOCOL_VERSION},
        {"SSL 3.0", 0x0300, 0, 0, 0, NULL, "", LKS_ALERT_PROTOCOL_VERSION},
        {"legacy_version of SSL 3.0", 0x0300, 0, 0, 0, NULL, GOOD, LKS_ALERT_PROTOCOL_VERSION},
        {"TLS 1.2", 0, 0xc02f, 0, 2, NULL, "ff01 0001 00", LKS_WANT_DATA},
        {"downgrade to TLS 1.2", 0, 0xc02f, 0, 2, "444f574e47524401", "ff01 0001 00", illegal},
        {"downgrade to TLS 1.1", 0x0302, 0, 0, 0, "444f574e47524400", "", illegal},
        {"no share", 0, 0, 0, 0, NULL, EXTENSION_VERSION, LKS_ALERT_MISSING_EXTENSION},
        {"a share not asked for", 0, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0006 0018 0002 0101",
         illegal},
        {"a share that is short", 0, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0006 001d 0002 0101",
         illegal},
        {"an empty share", 0, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0004 001d 0000",
         LKS_ALERT_DECODE_ERROR},
        {"a share as in a retry", 0, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0002 001d",
         LKS_ALERT_DECODE_ERROR},
        {"an unknown extension", 0, 0, 0, 0, NULL, GOOD "fafa 0000",
         LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"one for another message", 0, 0, 0, 0, NULL, GOOD "0010 0005 0003 02 6832", illegal},
        {"a cookie", 0, 0, 0, 0, NULL, GOOD "002c 0003 0001 01", illegal},
        {"a PSK that was not offered", 0, 0, 0, 0, NULL, GOOD "0029 0002 0000",
         LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"versions twice", 0, 0, 0, 0, NULL, GOOD EXTENSION_VERSION, illegal},
        {"shares twice", 0, 0, 0, 0, NULL, GOOD EXTENSION_SHARE, illegal},
        {"an extension cut", 0, 0, 0, 0, NULL, GOOD "002b 0002 03", LKS_ALERT_DECODE_ERROR},
    };
    check_hellos(rows, sizeof(rows) / sizeof(rows[0]), false);
}

/* RFC 8446 sections 4.1.4, 4.2.2, 4.2.8. [8446 4.1.3-9 4.1.4-3 4.1.4-4 4.1.4-7 4.2-2 4.2-3 4.2.8-5]
 */
static void bad_retries(void)
{
    const enum lks_status illegal = LKS_ALERT_ILLEGAL_PARAMETER;
    const struct hello_parts rows[] = {
        {"a group", 0, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0002 0017", LKS_WANT_DATA},
        {"a cookie", 0, 0, 0, 0, NULL, EXTENSION_VERSION "002c 0003 0001 01", LKS_WANT_DATA},
        {"nothing", 0, 0, 0, 0, NULL, EXTENSION_VERSION, illegal},
        {"a group that has a share", 0, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0002 001d", illegal},
        {"a group not offered", 0, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0002 0018", illegal},
        {"an empty cookie", 0, 0, 0, 0, NULL, EXTENSION_VERSION "002c 0002 0000",
         LKS_ALERT_DECODE_ERROR},
        {"no version", 0, 0, 0, 0, NULL, "0033 0002 0017", illegal},
        {"another session id", 0, 0, 0, 1, NULL, EXTENSION_VERSION "0033 0002 0017", illegal},
        {"legacy_version of TLS 1.3", 0x0304, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0002 0017",
         illegal},
        {"compression", 0, 0, 1, 0, NULL, EXTENSION_VERSION "0033 0002 0017", illegal},
        {"a suite not offered", 0, 0x1305, 0, 0, NULL, EXTENSION_VERSION "0033 0002 0017", illegal},
        {"a share", 0, 0, 0, 0, NULL, GOOD, LKS_ALERT_DECODE_ERROR},
        {"an unknown extension", 0, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0002 0017 fafa 0000",
         LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"a PSK", 0, 0, 0, 0, NULL, EXTENSION_VERSION "0033 0002 0017 0029 0002 0000", illegal},
    };
    check_hellos(rows, sizeof(rows) / sizeof(rows[0]), true);
}

/* What comes behind a HelloRetryRequest. [8446 4.1.4-5 4.1.4-9 4.1.4-10 4.2.8-10] */
static void behind_a_retry(void)
{
    static const struct hello_parts retry = {.extensions = EXTENSION_VERSION "0033 0002 0017"};
    /* The share stays, so that a ServerHello for it would be right. */
    static const struct hello_parts for_cookie = {.extensions =
                                                      EXTENSION_VERSION "002c 0003 0001 01"};
    static const struct {
        struct hello_parts parts;
        bool retry, keeps_share;
    } rows[] = {
        {{.what = "another one",
          .extensions = EXTENSION_VERSION "0033 0002 0017",
          .status = LKS_ALERT_UNEXPECTED_MESSAGE},
         true},
        {{.what = "one for a cookie",
          .extensions = EXTENSION_VERSION "002c 0003 0001 01",
          .status = LKS_ALERT_UNEXPECTED_MESSAGE},
         true},
        {{.what = "another suite",
          .suite = 0x1302,
          .extensions = GOOD,
          .status = LKS_ALERT_ILLEGAL_PARAMETER},
         false,
         true},
        {{.what = "the same suite", .extensions = GOOD, .status = LKS_WANT_DATA}, false, true},
        {{.what = "the old share", .extensions = GOOD, .status = LKS_ALERT_ILLEGAL_PARAMETER},
         false},
        {{.what = "TLS 1.2",
          .suite = 0xc02f,
          .extensions = "",
          .status = LKS_ALERT_ILLEGAL_PARAMETER},
         false},
        {{.what = "TLS 1.1",
          .version = 0x0302,
          .suite = 0xc013,
          .extensions = "",
          .status = LKS_ALERT_ILLEGAL_PARAMETER},
         false},
        {{.what = "TLS 1.4",
          .extensions = "002b 0002 0305" EXTENSION_SHARE,
          .status = LKS_ALERT_ILLEGAL_PARAMETER},
         false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct duo d;
        uint8_t message[FLIGHT_MAX];
        duo_init(&d, "x25519");
        size_t len =
            write_hello(message, rows[i].keeps_share ? &for_cookie : &retry, d.client, true);
        CU_ASSERT_EQUAL(lks_hs_input(d.client, message, len), LKS_WANT_DATA);
        len = write_hello(message, &rows[i].parts, d.client, rows[i].retry);
        enum lks_status status = lks_hs_input(d.client, message, len);
        LKS_CHECK(status == rows[i].parts.status, "%s: %s", rows[i].parts.what,
                  lks_status_name(status));
        duo_free(&d);
    }
}

/* A hello's body but for the extensions that a second one may change, RFC 8446 section 4.1.2. */
static size_t unchanging(uint8_t *out, struct lks_reader body)
{
    static const uint16_t may_change[] = {LKS_EXT_KEY_SHARE, LKS_EXT_EARLY_DATA, LKS_EXT_COOKIE,
                                          LKS_EXT_PRE_SHARED_KEY, LKS_EXT_PADDING};
    struct lks_writer w = lks_writer_of(out, FLIGHT_MAX);
    struct lks_reader rest = body, skipped, list = {0};
    const uint8_t *begin;
    CU_ASSERT_TRUE_FATAL(lks_read_bytes(&rest, &begin, 34) && lks_read_vec8(&rest, &skipped) &&
                         lks_read_vec16(&rest, &skipped) && lks_read_vec8(&rest, &skipped));
    lks_write_bytes(&w, body.data, (size_t)(rest.data - body.data));
    CU_ASSERT_TRUE_FATAL(lks_read_vec16(&rest, &list) && !rest.len);
    while (list.len) {
        uint16_t type = 0;
        bool changes = false;
        begin = list.data;
        CU_ASSERT_TRUE_FATAL(lks_read_u16(&list, &type) && lks_read_vec16(&list, &skipped));
        for (size_t i = 0; i < sizeof(may_change) / sizeof(may_change[0]); i++)
            changes |= may_change[i] == type;
        if (!changes)
            lks_write_bytes(&w, begin, (size_t)(list.data - begin));
    }
    CU_ASSERT_FALSE(w.failed);
    return w.len;
}

/* A second hello differs from the first by its share or its cookie, and by nothing else.
 * [8446 4.1.2-2 4.1.4-6 4.2.2-1 4.2.8-7 9.2-1] */
static void second_hello_repeats_the_first(void)
{
    static const char *const retries[] = {EXTENSION_VERSION "0033 0002 0017",
                                          EXTENSION_VERSION "002c 0003 0001 01"};
    for (size_t i = 0; i < 2; i++) {
        struct duo d;
        uint8_t message[FLIGHT_MAX], same[2][FLIGHT_MAX];
        size_t same_len[2];
        struct lks_client_hello hello[2];
        const struct hello_parts retry = {.extensions = retries[i]};
        duo_init(&d, "x25519");
        d.client_config->policy->greases = true;
        lks_hs_free(d.client);
        CU_ASSERT_EQUAL_FATAL(lks_hs_new(&d.client, d.client_config, LKS_CLIENT, NULL), LKS_OK);
        struct lks_reader first = d.client->hello;
        size_t len = write_hello(message, &retry, d.client, true);
        CU_ASSERT_EQUAL(lks_hs_input(d.client, message, len), LKS_WANT_DATA);
        struct lks_reader both[2] = {first, d.client->hello};
        for (int k = 0; k < 2; k++) {
            struct lks_reader body = lks_reader_of(both[k].data + 4, both[k].len - 4);
            CU_ASSERT_EQUAL(lks_client_hello_parse(&hello[k], body), LKS_OK);
            same_len[k] = unchanging(same[k], body);
        }
        CU_ASSERT_TRUE(same_len[0] == same_len[1] && !memcmp(same[0], same[1], same_len[0]));
        const bool same_shares =
            hello[0].key_shares.len == hello[1].key_shares.len &&
            !memcmp(hello[0].key_shares.data, hello[1].key_shares.data, hello[0].key_shares.len);
        CU_ASSERT_EQUAL(same_shares, i == 1);
        if (i == 0) { /* one share, of the group that was named */
            struct lks_reader list = hello[1].key_shares, share = {0};
            uint16_t group = 0;
            CU_ASSERT_TRUE(lks_read_u16(&list, &group) && lks_read_vec16(&list, &share));
            CU_ASSERT_TRUE(group == 0x0017 && share.len == 65 && !list.len);
        }
        CU_ASSERT_EQUAL(hello[1].cookie.len, i);
        duo_free(&d);
    }
}

/* RFC 6066 section 3: that the name was used is said, and not where none came. */
static void names_are_acknowledged(void)
{
    struct lks_reader extensions = {0}, body;
    struct duo d;
    uint16_t type;
    duo_init(&d, "x25519");
    struct lks_reader message = {d.flight + d.at[ENCRYPTED_EXTENSIONS] + 4,
                                 d.at[CERTIFICATE] - d.at[ENCRYPTED_EXTENSIONS] - 4};
    bool found = false;
    CU_ASSERT_TRUE(lks_read_vec16(&message, &extensions) && !message.len);
    while (lks_read_u16(&extensions, &type) && lks_read_vec16(&extensions, &body))
        found |= type == LKS_EXT_SERVER_NAME && !body.len;
    CU_ASSERT_TRUE(found);
    CU_ASSERT_TRUE(d.server->names_server);
    duo_free(&d);
}

/* RFC 8446 section 4.3.1: what was not asked, and what is not for here.
 * [8446 4.2-2 4.2-3 4.2.7-1 4.3.1-2] [8449 4-25 4-26 5-3] */
static void bad_encrypted_extensions(void)
{
    static const struct {
        const char *what, *extensions;
        enum lks_status status;
    } rows[] = {
        {"nothing", "", LKS_WANT_DATA},
        {"server_name", "0000 0000", LKS_WANT_DATA},
        {"server_name with content", "0000 0001 00", LKS_ALERT_DECODE_ERROR},
        {"server_name twice", "0000 0000 0000 0000", LKS_ALERT_ILLEGAL_PARAMETER},
        {"groups", "000a 0004 0002 0017", LKS_WANT_DATA},
        {"groups, none", "000a 0002 0000", LKS_ALERT_DECODE_ERROR},
        {"ALPN unasked", "0010 0005 0003 02 6832", LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"early data unasked", "002a 0000", LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"max_fragment_length unasked", "0001 0001 01", LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"unknown", "fafa 0000", LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"a share", "0033 0002 001d", LKS_ALERT_ILLEGAL_PARAMETER},
        {"versions", "002b 0002 0304", LKS_ALERT_ILLEGAL_PARAMETER},
        {"signature schemes", "000d 0004 0002 0403", LKS_ALERT_ILLEGAL_PARAMETER},
        {"record_size_limit", "001c 0002 0040", LKS_WANT_DATA},
        {"record_size_limit of more than there is", "001c 0002 ffff", LKS_WANT_DATA},
        {"record_size_limit of 63", "001c 0002 003f", LKS_ALERT_ILLEGAL_PARAMETER},
        {"record_size_limit and max_fragment_length", "001c 0002 0200 0001 0001 01",
         LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"the same, turned", "0001 0001 01 001c 0002 0200", LKS_ALERT_UNSUPPORTED_EXTENSION},
        {"record_size_limit of a byte", "001c 0001 40", LKS_ALERT_DECODE_ERROR},
        {"an extension cut", "001c 0002 40", LKS_ALERT_DECODE_ERROR},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct duo d;
        uint8_t message[64] = {LKS_MSG_ENCRYPTED_EXTENSIONS};
        duo_init(&d, "x25519");
        give_honest(&d, ENCRYPTED_EXTENSIONS);
        size_t len = lks_test_hex(rows[i].extensions, message + 6, sizeof(message) - 6);
        message[3] = (uint8_t)(len + 2);
        message[5] = (uint8_t)len;
        enum lks_status status = lks_hs_input(d.client, message, 6 + len);
        LKS_CHECK(status == rows[i].status, "%s: %s", rows[i].what, lks_status_name(status));
        duo_free(&d);
    }
}

/* A message with this body in the place of the server's which-th. */
static enum lks_status give_instead(struct duo *d, size_t which, uint8_t type, const char *hex)
{
    uint8_t message[64] = {type};
    give_honest(d, which);
    const size_t len = lks_test_hex(hex, message + 4, sizeof(message) - 4);
    message[3] = (uint8_t)len;
    return lks_hs_input(d->client, message, 4 + len);
}

/* RFC 8446 sections 4.3.2, 4.2.5 and 4.4.3: our client's key is of P-256. No filter is known, so
 * all are skipped. [8446 4.2-3 4.2-5 4.2.5-2 4.3.2-2 4.3.2-4 4.3.2-5 4.4.2-3 4.4.3-5] */
static void certificate_requests(void)
{
    static const struct {
        const char *what, *hex;
        enum lks_status status;
        bool has_one;
    } rows[] = {
        {"right", "00 000a 000d 0006 0004 0807 0403", LKS_WANT_DATA, true},
        {"schemes of other keys", "00 000a 000d 0006 0004 0807 0503", LKS_WANT_DATA, false},
        {"no extensions", "00 0000", LKS_ALERT_MISSING_EXTENSION, false},
        {"no schemes", "00 0004 fafa 0000", LKS_ALERT_MISSING_EXTENSION, false},
        {"an unknown extension", "00 000d fafa 0001 09 000d 0004 0002 0403", LKS_WANT_DATA, true},
        {"a filter", "00 0013 000d 0004 0002 0403 0030 0007 0005 02 2a03 0000", LKS_WANT_DATA,
         true},
        {"a context", "01 07 0008 000d 0004 0002 0403", LKS_ALERT_ILLEGAL_PARAMETER, false},
        {"an extension of another message", "00 000c 0033 0000 000d 0004 0002 0403",
         LKS_ALERT_ILLEGAL_PARAMETER, false},
        {"schemes twice", "00 0010 000d 0004 0002 0403 000d 0004 0002 0403",
         LKS_ALERT_ILLEGAL_PARAMETER, false},
        {"empty schemes", "00 0006 000d 0002 0000", LKS_ALERT_DECODE_ERROR, false},
        {"a byte behind", "00 0008 000d 0004 0002 0403 00", LKS_ALERT_DECODE_ERROR, false},
        {"a context cut", "02 07", LKS_ALERT_DECODE_ERROR, false},
        {"a list of extensions cut", "00 0009 000d 0004 0002 0403", LKS_ALERT_DECODE_ERROR, false},
        {"half a scheme", "00 0009 000d 0005 0003 0403 08", LKS_ALERT_DECODE_ERROR, false},
        {"a byte behind the schemes", "00 0009 000d 0005 0002 0403 00", LKS_ALERT_DECODE_ERROR,
         false},
        {"schemes for certificates, none", "00 000e 000d 0004 0002 0403 0032 0002 0000",
         LKS_ALERT_DECODE_ERROR, false},
        {"authorities, none", "00 000e 000d 0004 0002 0403 002f 0002 0000", LKS_ALERT_DECODE_ERROR,
         false},
        {"an empty authority", "00 0010 000d 0004 0002 0403 002f 0004 0002 0000",
         LKS_ALERT_DECODE_ERROR, false},
        {"an authority cut", "00 0011 000d 0004 0002 0403 002f 0005 0003 0002 30",
         LKS_ALERT_DECODE_ERROR, false},
    };
    const struct test_certificates *t = test_certificates();
    struct lks_error err;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct duo d;
        duo_init(&d, "x25519");
        CU_ASSERT_EQUAL(lks_identities_add_certificate(d.client_config->identities,
                                                       lks_from_file(t->ecdsa_cert),
                                                       lks_from_file(t->ecdsa_key), &err),
                        LKS_OK);
        enum lks_status status =
            give_instead(&d, CERTIFICATE, LKS_MSG_CERTIFICATE_REQUEST, rows[i].hex);
        LKS_CHECK(status == rows[i].status, "%s: %s", rows[i].what, lks_status_name(status));
        if (status == LKS_WANT_DATA)
            LKS_CHECK((d.client->certificate != NULL) == rows[i].has_one, "%s", rows[i].what);
        duo_free(&d);
    }
}

/* RFC 8446 sections 4.4.2 and 4.4.2.4. [8446 4.4.2-5 4.4.2.4-1] */
static void certificates_that_are_none(void)
{
    static const struct {
        const char *what, *hex;
        enum lks_status status;
    } rows[] = {
        {"an empty list", "00 000000", LKS_ALERT_DECODE_ERROR},
        {"a context", "01 07 000000", LKS_ALERT_ILLEGAL_PARAMETER},
        {"an empty certificate", "00 000005 000000 0000", LKS_ALERT_DECODE_ERROR},
        {"no certificate", "00 000008 000003 010203 0000", LKS_ALERT_BAD_CERTIFICATE},
        {"a context cut", "01", LKS_ALERT_DECODE_ERROR},
        {"a list cut", "00 000009 000003 010203 0000", LKS_ALERT_DECODE_ERROR},
        {"a byte behind the list", "00 000008 000003 010203 0000 00", LKS_ALERT_DECODE_ERROR},
        {"a certificate cut", "00 000006 000004 010203", LKS_ALERT_DECODE_ERROR},
        {"no extensions' length", "00 000006 000003 010203", LKS_ALERT_DECODE_ERROR},
        {"extensions cut", "00 000008 000003 010203 0001", LKS_ALERT_DECODE_ERROR},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct duo d;
        duo_init(&d, "x25519");
        enum lks_status status = give_instead(&d, CERTIFICATE, LKS_MSG_CERTIFICATE, rows[i].hex);
        LKS_CHECK(status == rows[i].status, "%s: %s", rows[i].what, lks_status_name(status));
        duo_free(&d);
    }
}

/* RFC 8446 section 4.4.3: the framing, and schemes that are not for here. */
static void bad_certificate_verifies(void)
{
    static const struct {
        const char *what, *hex;
        enum lks_status status;
    } rows[] = {
        {"nothing", "", LKS_ALERT_DECODE_ERROR},
        {"half a scheme", "04", LKS_ALERT_DECODE_ERROR},
        {"no signature's length", "0403", LKS_ALERT_DECODE_ERROR},
        {"a signature cut", "0403 0003 0102", LKS_ALERT_DECODE_ERROR},
        {"a byte behind", "0403 0002 0102 03", LKS_ALERT_DECODE_ERROR},
        {"no signature", "0403 0000", LKS_ALERT_DECRYPT_ERROR},
        {"no signature of the scheme", "0403 0002 0102", LKS_ALERT_DECRYPT_ERROR},
        {"a scheme of another key", "0807 0002 0102", LKS_ALERT_ILLEGAL_PARAMETER},
        {"a scheme of PKCS #1", "0401 0002 0102", LKS_ALERT_ILLEGAL_PARAMETER},
        {"SHA-1", "0203 0002 0102", LKS_ALERT_ILLEGAL_PARAMETER},
        {"an unknown scheme", "fafa 0002 0102", LKS_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct duo d;
        duo_init(&d, "x25519");
        enum lks_status status =
            give_instead(&d, CERTIFICATE_VERIFY, LKS_MSG_CERTIFICATE_VERIFY, rows[i].hex);
        LKS_CHECK(status == rows[i].status, "%s: %s", rows[i].what, lks_status_name(status));
        duo_free(&d);
    }
}

/* RFC 7301 section 3.1: one of ours. */
static void bad_alpn(void)
{
    static const struct {
        const char *what, *extensions;
        enum lks_status status;
    } rows[] = {
        {"ours", "0010 0005 0003 02 6832", LKS_WANT_DATA},
        {"not ours", "0010 0005 0003 02 6833", LKS_ALERT_ILLEGAL_PARAMETER},
        {"two", "0010 0008 0006 02 6832 02 6832", LKS_ALERT_DECODE_ERROR},
        {"none", "0010 0002 0000", LKS_ALERT_DECODE_ERROR},
        {"an empty name", "0010 0003 0001 00", LKS_ALERT_DECODE_ERROR},
    };
    struct lks_error err;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct duo d;
        uint8_t body[64];
        duo_init(&d, "x25519");
        CU_ASSERT_EQUAL(lks_policy_set_alpn(d.client_config->policy, "http/1.1,h2", &err), LKS_OK);
        d.client->offered |= lks_extension_bit(LKS_EXT_ALPN);
        size_t len = lks_test_hex(rows[i].extensions, body + 2, sizeof(body) - 2);
        body[0] = 0;
        body[1] = (uint8_t)len;
        enum lks_status status =
            lks_bare(lks_encrypted_extensions_read(d.client, lks_reader_of(body, 2 + len)));
        LKS_CHECK((status ? status : LKS_WANT_DATA) == rows[i].status, "%s: %s", rows[i].what,
                  lks_status_name(status));
        duo_free(&d);
    }
}

/* RFC 8446 section 5.1: where keys change a record ends. [8446 5.1-4] */
static void messages_across_a_change_of_keys(void)
{
    struct duo d;
    uint8_t bytes[FLIGHT_MAX];
    duo_init(&d, "x25519");
    size_t len = d.at[1];
    memcpy(bytes, d.flight, len + 1); /* the ServerHello, and a byte of what must be encrypted */
    CU_ASSERT_EQUAL(lks_hs_input(d.client, bytes, len + 1), LKS_ALERT_UNEXPECTED_MESSAGE);
    duo_free(&d);
    duo_init(&d, "x25519");
    give_honest(&d, FINISHED);
    len = d.at[FINISHED + 1] - d.at[FINISHED];
    memcpy(bytes, d.flight + d.at[FINISHED], len);
    bytes[len] = LKS_MSG_NEW_SESSION_TICKET;
    CU_ASSERT_EQUAL(lks_hs_input(d.client, bytes, len + 1), LKS_ALERT_UNEXPECTED_MESSAGE);
    duo_free(&d);
}

const struct lks_test client_tests[] = {
    {"every message in every state", every_message_in_every_state},
    {"cut and extended", cut_and_extended},
    {"any byte changed", any_byte_changed},
    {"bad ServerHellos", bad_server_hellos},
    {"bad HelloRetryRequests", bad_retries},
    {"behind a HelloRetryRequest", behind_a_retry},
    {"second hello repeats the first", second_hello_repeats_the_first},
    {"names are acknowledged", names_are_acknowledged},
    {"bad EncryptedExtensions", bad_encrypted_extensions},
    {"CertificateRequests", certificate_requests},
    {"bad CertificateVerifies", bad_certificate_verifies},
    {"Certificates that are none", certificates_that_are_none},
    {"bad ALPN", bad_alpn},
    {"messages across a change of keys", messages_across_a_change_of_keys},
    {NULL, NULL},
};
