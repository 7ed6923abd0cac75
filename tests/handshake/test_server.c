/* SPDX-License-Identifier: BSD-3-Clause */

/* The server's side alone: which message may come when, and what a ClientHello may not say. */

#include <string.h>

#include "base/writer.h"
#include "client.h"
#include "handshake/certificate/certificate.h"
#include "handshake/cookie.h"
#include "handshake/core.h"
#include "handshake/server_hello.h"
#include "rfc8448.h"
#include "test_handshake.h"

#define HELLO_CAP            1024u
#define COOKIE_EXTENSION_MAX 256u

/* Everything in front of the extensions of RFC 8448's ClientHello, header included: 4 + 2 + 32
 * bytes, no session id, three suites, the null compression. */
#define FRONT_LEN 49u

static size_t real_hello(uint8_t *out)
{
    return lks_test_hex(RFC8448_CLIENT_HELLO, out, HELLO_CAP);
}

/* The same with one extension dropped (or -1), and another one put in front of or behind the rest.
 */
static size_t hello_with(uint8_t *out, int drop, const uint8_t *first, size_t first_len,
                         const uint8_t *last, size_t last_len)
{
    uint8_t hello[HELLO_CAP];
    struct lks_reader all = lks_reader_of(hello + FRONT_LEN, real_hello(hello) - FRONT_LEN);
    struct lks_reader list = {0}, body;
    struct lks_writer w = lks_writer_of(out, HELLO_CAP);
    lks_write_u8(&w, LKS_MSG_CLIENT_HELLO);
    size_t message = lks_write_open(&w, 3);
    lks_write_bytes(&w, hello + 4, FRONT_LEN - 4);
    size_t extensions = lks_write_open(&w, 2);
    lks_write_bytes(&w, first, first_len);
    CU_ASSERT_TRUE(lks_read_vec16(&all, &list));
    while (list.len) {
        const uint8_t *begin = list.data;
        uint16_t type = 0;
        CU_ASSERT_TRUE_FATAL(lks_read_u16(&list, &type) && lks_read_vec16(&list, &body));
        if (type != drop)
            lks_write_bytes(&w, begin, (size_t)(list.data - begin));
    }
    lks_write_bytes(&w, last, last_len);
    lks_write_close(&w, extensions, 2);
    lks_write_close(&w, message, 3);
    CU_ASSERT_FALSE(w.failed);
    return w.len;
}

static enum lks_status give(struct lks_config *config, const uint8_t *data, size_t len)
{
    struct lks_hs *hs;
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&hs, config, LKS_SERVER, NULL), LKS_OK);
    enum lks_status status = lks_hs_input(hs, data, len);
    lks_hs_free(hs);
    return status;
}

static void check_given(struct lks_config *config, const uint8_t *data, size_t len,
                        enum lks_status wanted, const char *what)
{
    enum lks_status got = give(config, data, len);
    LKS_CHECK(got == wanted, "%s: %s, not %s", what, lks_status_name(got), lks_status_name(wanted));
}

/* Puts a handshake into a state by honest means; *hs is new. */
static struct lks_hs *in_state(struct lks_config *config, enum lks_hs_state state)
{
    struct lks_hs *hs;
    uint8_t hello[HELLO_CAP];
    static const uint8_t no_shares[] = {0, 51, 0, 2, 0, 0};
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&hs, config, LKS_SERVER, NULL), LKS_OK);
    size_t len = 0;
    if (state == LKS_STATE_SECOND_CLIENT_HELLO)
        len = hello_with(hello, 51, NULL, 0, no_shares, sizeof(no_shares));
    else if (state == LKS_STATE_FINISHED)
        len = real_hello(hello);
    if (len)
        CU_ASSERT_EQUAL(lks_hs_input(hs, hello, len), LKS_WANT_DATA);
    CU_ASSERT_EQUAL_FATAL(hs->state, state);
    return hs;
}

/* What the table does not name is refused from its first byte; what it names waits for more. [8446
 * 4-2 6.2-3 B-1] */
static void every_message_in_every_state(void)
{
    static const struct {
        enum lks_hs_state state;
        uint8_t expected;
    } rows[] = {
        {LKS_STATE_CLIENT_HELLO, 1}, {LKS_STATE_SECOND_CLIENT_HELLO, 1}, {LKS_STATE_FINISHED, 20}};
    struct lks_config *config = config_with("ecdsa");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned int type = 0; type < 256; type++) {
            struct lks_hs *hs = in_state(config, rows[i].state);
            const uint8_t first = (uint8_t)type;
            enum lks_status status = lks_hs_input(hs, &first, 1);
            LKS_CHECK(status ==
                          (type == rows[i].expected ? LKS_WANT_DATA : LKS_ALERT_UNEXPECTED_MESSAGE),
                      "state %d, message %u: %s", rows[i].state, type, lks_status_name(status));
            lks_hs_free(hs);
        }
    }
    lks_config_free(config);
}

/* Cut anywhere, a ClientHello is not done before its last byte, and then it is. */
static void split_at_every_byte(void)
{
    struct lks_config *config = config_with("ecdsa");
    uint8_t hello[HELLO_CAP];
    size_t len = real_hello(hello);
    for (size_t at = 1; at < len; at++) {
        struct lks_hs *hs;
        CU_ASSERT_EQUAL_FATAL(lks_hs_new(&hs, config, LKS_SERVER, NULL), LKS_OK);
        enum lks_status status = lks_hs_input(hs, hello, at);
        LKS_CHECK(status == LKS_WANT_DATA && lks_hs_mid_message(hs), "first %zu bytes", at);
        status = lks_hs_input(hs, hello + at, len - at);
        LKS_CHECK(status == LKS_WANT_DATA && hs->state == LKS_STATE_FINISHED, "cut at %zu: %s", at,
                  lks_status_name(status));
        lks_hs_free(hs);
    }
    lks_config_free(config);
}

/* A body that ends early, at any byte, with a header that says so, or a byte late, be the hello one
 * of TLS 1.3 or an older one. [8446 4.1.2-14 6-5] */
static void truncated_at_every_byte(void)
{
    struct lks_config *config = config_with("ecdsa");
    uint8_t hello[HELLO_CAP];
    size_t len = real_hello(hello);
    for (size_t body = 0; body < len - 4; body++) {
        hello[2] = (uint8_t)(body >> 8);
        hello[3] = (uint8_t)body;
        enum lks_status status = give(config, hello, 4 + body);
        /* Without any extensions it is a well-formed hello of TLS 1.2, whose suites it lacks. */
        enum lks_status wanted =
            body == FRONT_LEN - 4 ? LKS_ALERT_HANDSHAKE_FAILURE : LKS_ALERT_DECODE_ERROR;
        LKS_CHECK(status == wanted, "%zu bytes: %s", body, lks_status_name(status));
    }
    for (int old = 0; old < 2; old++) {
        len = hello_with(hello, old ? LKS_EXT_SUPPORTED_VERSIONS : -1, NULL, 0, NULL, 0);
        hello[2] = (uint8_t)((len - 3) >> 8);
        hello[3] = (uint8_t)(len - 3);
        hello[len] = 0;
        check_given(config, hello, len + 1, LKS_ALERT_DECODE_ERROR, "a byte more");
    }
    lks_config_free(config);
}

/* RFC 8446 sections 4.2.1 and 9.2, appendices D.2 and D.5.
 * [8446 4.2.1-2 4.2.3-3 9.2-12 D.2-2 D.2-3 D.5-3 D.5-8] */
static void missing_extensions(void)
{
    static const struct {
        int drop;
        enum lks_status status;
    } rows[] = {{LKS_EXT_SUPPORTED_VERSIONS, LKS_ALERT_HANDSHAKE_FAILURE},
                {LKS_EXT_SUPPORTED_GROUPS, LKS_ALERT_MISSING_EXTENSION},
                {LKS_EXT_KEY_SHARE, LKS_ALERT_MISSING_EXTENSION},
                {LKS_EXT_SIGNATURE_ALGORITHMS, LKS_ALERT_MISSING_EXTENSION},
                {LKS_EXT_SERVER_NAME, LKS_WANT_DATA},
                {LKS_EXT_PSK_KEY_EXCHANGE_MODES, LKS_WANT_DATA}};
    struct lks_config *config = config_with("ecdsa");
    uint8_t hello[HELLO_CAP];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_given(config, hello, hello_with(hello, rows[i].drop, NULL, 0, NULL, 0),
                    rows[i].status, "extension missing");
    /* Without supported_versions also a legacy_version of TLS 1.3 means TLS 1.2, whose suites are
     * not there; one of SSL 3.0 or TLS 1.1 means no version of ours. */
    for (uint8_t minor = 0; minor < 6; minor++) {
        size_t len = hello_with(hello, LKS_EXT_SUPPORTED_VERSIONS, NULL, 0, NULL, 0);
        hello[5] = minor;
        check_given(config, hello, len,
                    minor < 3 ? LKS_ALERT_PROTOCOL_VERSION : LKS_ALERT_HANDSHAKE_FAILURE,
                    "legacy_version alone");
    }
    lks_config_free(config);
}

/* Section 9.2: beside a PSK without a key exchange there may be neither groups nor shares, but not
 * one of them; what is right fails by its binder, which nobody made. [8446 9.2-12] */
static void groups_and_shares_go_together(void)
{
    static const char base[] = "002b 0003 02 0304 002d 0002 01 00";
    static const char psk[] = "0029 002c 0007 0001 78 00000000 0021 20"
                              "0000000000000000000000000000000000000000000000000000000000000000";
    static const struct {
        const char *hex;
        enum lks_status status;
    } rows[] = {{"", LKS_ALERT_DECRYPT_ERROR},
                {"000a 0004 0002 001d 0033 0002 0000", LKS_ALERT_DECRYPT_ERROR},
                {"000a 0004 0002 001d", LKS_ALERT_MISSING_EXTENSION},
                {"0033 0002 0000", LKS_ALERT_MISSING_EXTENSION}};
    const uint8_t key[32] = {1};
    struct lks_config *config = config_with("ecdsa");
    CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, (const uint8_t *)"x", 1, key, 32,
                                           "SHA256", NULL),
                    LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_psk_modes(config->policy, false, true, NULL), LKS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t hello[HELLO_CAP];
        (void)real_hello(hello);
        size_t len = FRONT_LEN + 2;
        len += lks_test_hex(base, hello + len, 64);
        len += lks_test_hex(rows[i].hex, hello + len, 64);
        len += lks_test_hex(psk, hello + len, 64);
        hello[2] = (uint8_t)((len - 4) >> 8);
        hello[3] = (uint8_t)(len - 4);
        hello[FRONT_LEN] = 0;
        hello[FRONT_LEN + 1] = (uint8_t)(len - FRONT_LEN - 2);
        check_given(config, hello, len, rows[i].status, rows[i].hex);
    }
    lks_config_free(config);
}

/* Each row is one extension in place of the real one of its type.
 * [8446 4.1.1-4 4.1.2-13 4.2-3 4.2.1-4 4.2.1-5 4.2.8-1 4.2.8-9 4.4.2.1-2 6-6] [8449 4-25 5-2] */
static void bad_extensions(void)
{
    static const struct {
        const char *what, *hex;
        enum lks_status status;
    } rows[] = {
        {"unknown", "fafa0000", LKS_WANT_DATA},
        {"unknown with content", "fafa0003010203", LKS_WANT_DATA},
        {"name empty", "0000 0005 0003 00 0000", LKS_ALERT_DECODE_ERROR},
        {"name list empty", "0000 0002 0000", LKS_ALERT_DECODE_ERROR},
        /* RFC 6066 section 3: whatever a type to come will be, it begins with its length. */
        {"name of another type", "0000 0006 0004 01 0001 61", LKS_WANT_DATA},
        {"name of another type, empty", "0000 0005 0003 ff 0000", LKS_WANT_DATA},
        {"half a name of another type", "0000 0006 0004 01 0002 61", LKS_ALERT_DECODE_ERROR},
        {"name behind one of another type", "0000 000a 0008 01 0001 61 00 0001 62", LKS_WANT_DATA},
        {"name with a zero behind it", "0000 000a 0008 01 0001 61 00 0001 00",
         LKS_ALERT_ILLEGAL_PARAMETER},
        {"two names around it", "0000 000e 000c 00 0001 61 01 0001 61 00 0001 62",
         LKS_ALERT_ILLEGAL_PARAMETER},
        {"name with a zero", "0000 0007 0005 00 0002 6100", LKS_ALERT_ILLEGAL_PARAMETER},
        {"two names", "0000 000a 0008 00 0001 61 00 0001 62", LKS_ALERT_ILLEGAL_PARAMETER},
        {"a name and half of one", "0000 0009 0007 00 0001 61 00 0001", LKS_ALERT_DECODE_ERROR},
        {"name and a byte", "0000 0007 0004 00 0001 61 00", LKS_ALERT_DECODE_ERROR},
        {"name unknown", "0000 0006 0004 00 0001 61", LKS_WANT_DATA},
        {"groups empty", "000a 0002 0000", LKS_ALERT_DECODE_ERROR},
        {"groups odd", "000a 0005 0003 001d00", LKS_ALERT_DECODE_ERROR},
        {"groups and a byte", "000a 0005 0002 001d 00", LKS_ALERT_DECODE_ERROR},
        {"groups without the share's", "000a 0004 0002 0017", LKS_ALERT_ILLEGAL_PARAMETER},
        {"schemes empty", "000d 0002 0000", LKS_ALERT_DECODE_ERROR},
        {"schemes not ours", "000d 0004 0002 0201", LKS_ALERT_HANDSHAKE_FAILURE},
        {"ALPN empty", "0010 0002 0000", LKS_ALERT_DECODE_ERROR},
        {"ALPN with an empty name", "0010 0003 0001 00", LKS_ALERT_DECODE_ERROR},
        {"ALPN without ours", "0010 0005 0003 02 6832", LKS_ALERT_NO_APPLICATION_PROTOCOL},
        {"ALPN with ours", "0010 000b 0009 08 687474702f312e31", LKS_WANT_DATA},
        {"versions empty", "002b 0001 00", LKS_ALERT_DECODE_ERROR},
        {"versions odd", "002b 0004 03 030400", LKS_ALERT_DECODE_ERROR},
        {"versions without 1.3", "002b 0003 02 0303", LKS_ALERT_HANDSHAKE_FAILURE},
        {"versions without ours", "002b 0003 02 0302", LKS_ALERT_PROTOCOL_VERSION},
        {"versions with GREASE", "002b 0005 04 aaaa0304", LKS_WANT_DATA},
        {"share cut", "0033 0006 0004 001d 0002", LKS_ALERT_DECODE_ERROR},
        {"share empty", "0033 0006 0004 001d 0000", LKS_ALERT_DECODE_ERROR},
        {"share short", "0033 0007 0005 001d 0001 09", LKS_ALERT_ILLEGAL_PARAMETER},
        {"share of an unnamed group", "0033 0007 0005 1a1a 0001 00", LKS_ALERT_ILLEGAL_PARAMETER},
        {"share zero",
         "0033 0026 0024 001d 0020 "
         "0000000000000000000000000000000000000000000000000000000000000000",
         LKS_ALERT_ILLEGAL_PARAMETER},
        {"no share", "0033 0002 0000", LKS_WANT_DATA},
        {"psk modes empty", "002d 0001 00", LKS_ALERT_DECODE_ERROR},
        {"early data with content", "002a 0001 00", LKS_ALERT_DECODE_ERROR},
        {"early data", "002a 0000", LKS_WANT_DATA},
        {"cookie empty", "002c 0002 0000", LKS_ALERT_DECODE_ERROR},
        {"one of CertificateRequest", "0030 0002 0000", LKS_ALERT_ILLEGAL_PARAMETER},
        /* What TLS 1.2 alone uses is no matter of TLS 1.3's. */
        {"no point formats", "000b 0001 00", LKS_WANT_DATA},
        {"renegotiation_info cut", "ff01 0001 05", LKS_WANT_DATA},
        {"extended_master_secret with content", "0017 0001 00", LKS_WANT_DATA},
        {"encrypt_then_mac with content", "0016 0001 00", LKS_WANT_DATA},
        {"compressions odd", "001b 0004 03 000200", LKS_ALERT_DECODE_ERROR},
        {"limit of 63", "001c 0002 003f", LKS_ALERT_ILLEGAL_PARAMETER},
        {"limit of 64", "001c 0002 0040", LKS_WANT_DATA},
        {"limit of a byte", "001c 0001 40", LKS_ALERT_DECODE_ERROR},
        {"limit in two ways", "001c 0002 0040 0001 0001 01", LKS_WANT_DATA},
        {"limit of 63 in two ways", "001c 0002 003f 0001 0001 01", LKS_ALERT_ILLEGAL_PARAMETER},
        {"limit, and an old one that is none", "001c 0002 0040 0001 0002 0902", LKS_WANT_DATA},
        {"status_request_v2", "0011 0002 0000", LKS_WANT_DATA},
    };
    struct lks_config *config = config_with("ecdsa");
    struct lks_error err;
    CU_ASSERT_EQUAL(lks_policy_set_alpn(config->policy, "http/1.1", &err), LKS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t hello[HELLO_CAP], extension[64];
        size_t len = lks_test_hex(rows[i].hex, extension, sizeof(extension));
        int type = extension[0] << 8 | extension[1];
        len = hello_with(hello, type, NULL, 0, extension, len);
        check_given(config, hello, len, rows[i].status, rows[i].what);
    }
    lks_config_free(config);
}

/* RFC 8446 sections 4.2, 4.2.9 and 4.2.11. [8446 4.2-5 4.2.9-3 4.2.11-11 6-6] */
static void order_of_extensions(void)
{
    static const uint8_t unknown[] = {0xfa, 0xfa, 0, 0};
    /* One identity of one byte, one binder of 32. */
    static const uint8_t psk[48] = {0, 41, 0, 44, 0, 7, 0, 1, 'x', 0, 0, 0, 0, 0, 33, 32};
    uint8_t hello[HELLO_CAP];
    struct lks_config *config = config_with("ecdsa");
    check_given(config, hello,
                hello_with(hello, -1, unknown, sizeof(unknown), unknown, sizeof(unknown)),
                LKS_ALERT_ILLEGAL_PARAMETER, "twice");
    check_given(config, hello, hello_with(hello, -1, NULL, 0, psk, sizeof(psk)), LKS_WANT_DATA,
                "PSK last");
    check_given(config, hello, hello_with(hello, -1, psk, sizeof(psk), NULL, 0),
                LKS_ALERT_ILLEGAL_PARAMETER, "PSK first");
    check_given(config, hello,
                hello_with(hello, LKS_EXT_PSK_KEY_EXCHANGE_MODES, NULL, 0, psk, sizeof(psk)),
                LKS_ALERT_MISSING_EXTENSION, "PSK without modes");
    static const char *const uneven[] = {"0007 0001 78 00000000 0042", "000e 0001 78 00000000 "
                                                                       "0001 79 00000000 0021"};
    for (size_t i = 0; i < 2; i++) { /* two binders, two identities */
        uint8_t extension[128] = {0, 41};
        size_t len = 4 + lks_test_hex(uneven[i], extension + 4, sizeof(extension) - 4);
        extension[len] = 32;
        len += 33;
        if (i == 0) {
            extension[len] = 32;
            len += 33;
        }
        extension[3] = (uint8_t)(len - 4);
        check_given(config, hello, hello_with(hello, -1, NULL, 0, extension, len),
                    LKS_ALERT_ILLEGAL_PARAMETER, uneven[i]);
    }
    lks_config_free(config);
}

/* One byte of the front, changed. [8446 4.1.1-4 4.1.2-9 4.1.2-11 4.2.1-3 5.1-4 6-5] */
static void bad_front(void)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
        enum lks_status status;
    } rows[] = {
        {"too long", 1, 2, LKS_ALERT_DECODE_ERROR},
        {"session id of 33", 38, 33, LKS_ALERT_DECODE_ERROR},
        {"suites odd", 40, 5, LKS_ALERT_DECODE_ERROR},
        {"no suites", 40, 0, LKS_ALERT_DECODE_ERROR},
        {"no compression methods", 47, 0, LKS_ALERT_DECODE_ERROR},
        {"deflate", 48, 1, LKS_ALERT_ILLEGAL_PARAMETER},
        {"one suite unknown", 41, 0xfa, LKS_WANT_DATA},
        {"legacy_version of SSL 3.0", 5, 0, LKS_ALERT_PROTOCOL_VERSION},
        {"legacy_version of TLS 1.0", 5, 1, LKS_WANT_DATA},
        {"legacy_version of TLS 1.3", 5, 4, LKS_WANT_DATA},
    };
    struct lks_config *config = config_with("ecdsa");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t hello[HELLO_CAP];
        size_t len = real_hello(hello);
        hello[rows[i].at] = rows[i].value;
        check_given(config, hello, len, rows[i].status, rows[i].what);
    }
    uint8_t hello[HELLO_CAP];
    size_t len = real_hello(hello);
    memset(hello + 41, 0xfa, 6);
    check_given(config, hello, len, LKS_ALERT_HANDSHAKE_FAILURE, "no suite of ours");
    hello[len] = 1;
    check_given(config, hello, len + 1, LKS_ALERT_UNEXPECTED_MESSAGE, "bytes behind it");
    lks_config_free(config);
}

/* RFC 8446 section 4.1.1: the client's groups and the server's are others. [8446 4.1.1-1] */
static void no_group_in_common(void)
{
    static const uint8_t groups[] = {0, 10, 0, 4, 0, 2, 0, 0x1d};
    struct lks_config *config = config_with("ecdsa");
    struct lks_error err;
    uint8_t hello[HELLO_CAP];
    const size_t len = hello_with(hello, LKS_EXT_SUPPORTED_GROUPS, NULL, 0, groups, sizeof(groups));
    check_given(config, hello, len, LKS_WANT_DATA, "x25519");
    CU_ASSERT_EQUAL(lks_policy_set_groups(config->policy, "secp384r1,ffdhe2048", &err), LKS_OK);
    check_given(config, hello, len, LKS_ALERT_HANDSHAKE_FAILURE, "no group in common");
    lks_config_free(config);
}

/* RFC 8446 section 4.1.2: under TLS 1.2 other compression methods may stand beside the null one,
 * and what fails here is only that there is no suite. [8446 4.1.2-11 4.1.2-12] */
static void more_compression_methods(void)
{
    struct lks_config *config = config_with("ecdsa");
    for (int old = 0; old < 2; old++) {
        uint8_t hello[HELLO_CAP + 1];
        size_t len = hello_with(hello, old ? LKS_EXT_SUPPORTED_VERSIONS : -1, NULL, 0, NULL, 0);
        memmove(hello + FRONT_LEN + 1, hello + FRONT_LEN, len - FRONT_LEN);
        hello[FRONT_LEN - 2] = 2; /* methods: null, DEFLATE */
        hello[FRONT_LEN] = 1;
        hello[2] = (uint8_t)((len - 3) >> 8);
        hello[3] = (uint8_t)(len - 3);
        check_given(config, hello, len + 1,
                    old ? LKS_ALERT_HANDSHAKE_FAILURE : LKS_ALERT_ILLEGAL_PARAMETER, "two methods");
    }
    lks_config_free(config);
}

/* The cookie of the HelloRetryRequest that a handshake has to send, as an extension. */
static size_t cookie_of(struct lks_hs *hs, uint8_t *out)
{
    struct lks_hs_event event;
    struct lks_server_hello retry;
    CU_ASSERT_TRUE_FATAL(lks_hs_next_event(hs, &event) && event.kind == LKS_HS_SEND);
    struct lks_reader body =
        lks_reader_of(event.data + LKS_MSG_HEADER_LEN, event.len - LKS_MSG_HEADER_LEN);
    CU_ASSERT_EQUAL_FATAL(lks_server_hello_read(&retry, body,
                                                lks_extension_bit(LKS_EXT_SUPPORTED_VERSIONS) |
                                                    lks_extension_bit(LKS_EXT_KEY_SHARE)),
                          LKS_OK);
    CU_ASSERT_TRUE(retry.is_retry && retry.cookie.len);
    struct lks_writer w = lks_writer_of(out, COOKIE_EXTENSION_MAX);
    lks_write_u16(&w, LKS_EXT_COOKIE);
    lks_write_u16(&w, (uint16_t)(2 + retry.cookie.len));
    lks_write_u16(&w, (uint16_t)retry.cookie.len);
    lks_write_bytes(&w, retry.cookie.data, retry.cookie.len);
    return w.len;
}

static size_t join(uint8_t *out, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    if (a_len)
        memcpy(out, a, a_len);
    if (b_len)
        memcpy(out + a_len, b, b_len);
    return a_len + b_len;
}

/* The second ClientHello, to the connection that asked for it or to a fresh one, and the Finished
 * that nobody made. What we don't know, and TLS 1.2's, may change: encrypted_client_hello does.
 * [8446 4.1.2-2 4.1.2-13 4.2.8-7 4.2.10-5 4.4.4-1 9.2-12] */
static void second_flight(void)
{
    struct lks_config *config = config_with("ecdsa");
    uint8_t hello[HELLO_CAP], cookie[COOKIE_EXTENSION_MAX], added[COOKIE_EXTENSION_MAX + 16];
    static const uint8_t no_shares[] = {0, 51, 0, 2, 0, 0};
    static const uint8_t unknown[] = {0xfa, 0xfa, 0, 0}, padding[] = {0, 21, 0, 1, 0};
    static const uint8_t early[] = {0, 42, 0, 0}, alpn[] = {0, 16, 0, 5, 0, 3, 2, 'h', '2'};
    static const uint8_t moved[] = {0, 45, 0, 2, 1, 1}, other_modes[] = {0, 45, 0, 2, 1, 0};
    /* Shares that would do, were they asked for: the generator of P-256, and of X25519. */
    uint8_t p256[75], two[47];
    lks_test_hex("0033 0047 0045 0017 0041 04"
                 "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                 "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
                 p256, sizeof(p256));
    lks_test_hex("0033 002b 0029 001d 0020 09"
                 "00000000000000000000000000000000000000000000000000000000000000 0017 0001 04",
                 two, sizeof(two));
    const struct {
        const char *what;
        const uint8_t *added;
        size_t added_len;
        int drop;
        enum lks_status status;
    } rows[] = {
        {"an honest one", NULL, 0, -1, LKS_WANT_DATA},
        {"padded", padding, sizeof(padding), -1, LKS_WANT_DATA},
        {"an unknown extension more", unknown, sizeof(unknown), -1, LKS_WANT_DATA},
        {"a known one more", alpn, sizeof(alpn), -1, LKS_ALERT_ILLEGAL_PARAMETER},
        {"one of TLS 1.2's less", NULL, 0, LKS_EXT_SESSION_TICKET, LKS_WANT_DATA},
        {"one in another place", moved, sizeof(moved), LKS_EXT_PSK_KEY_EXCHANGE_MODES,
         LKS_WANT_DATA},
        {"one changed", other_modes, sizeof(other_modes), LKS_EXT_PSK_KEY_EXCHANGE_MODES,
         LKS_ALERT_ILLEGAL_PARAMETER},
        {"early data", early, sizeof(early), -1, LKS_ALERT_ILLEGAL_PARAMETER},
        {"one extension less", NULL, 0, LKS_EXT_SERVER_NAME, LKS_ALERT_ILLEGAL_PARAMETER},
        {"no key_share", NULL, 0, LKS_EXT_KEY_SHARE, LKS_ALERT_MISSING_EXTENSION},
        {"no share again", no_shares, sizeof(no_shares), LKS_EXT_KEY_SHARE,
         LKS_ALERT_ILLEGAL_PARAMETER},
        {"a share of another group", p256, sizeof(p256), LKS_EXT_KEY_SHARE,
         LKS_ALERT_ILLEGAL_PARAMETER},
        {"two shares", two, sizeof(two), LKS_EXT_KEY_SHARE, LKS_ALERT_ILLEGAL_PARAMETER},
    };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_hs *hs = in_state(config, LKS_STATE_SECOND_CLIENT_HELLO);
        size_t cookie_len = cookie_of(hs, cookie);
        if (i & 1) {
            lks_hs_free(hs);
            hs = in_state(config, LKS_STATE_CLIENT_HELLO);
        }
        size_t added_len =
            join(added, rows[i / 2].added, rows[i / 2].added_len, cookie, cookie_len);
        size_t len = hello_with(hello, rows[i / 2].drop, NULL, 0, added, added_len);
        enum lks_status status = lks_hs_input(hs, hello, len);
        LKS_CHECK(status == rows[i / 2].status, "%s%s: %s", rows[i / 2].what,
                  i & 1 ? ", to a fresh connection" : "", lks_status_name(status));
        lks_hs_free(hs);
    }
    uint8_t finished[36] = {LKS_MSG_FINISHED, 0, 0, 32};
    struct lks_hs *hs = in_state(config, LKS_STATE_FINISHED);
    CU_ASSERT_EQUAL(lks_hs_input(hs, finished, sizeof(finished)), LKS_ALERT_DECRYPT_ERROR);
    CU_ASSERT_EQUAL(lks_hs_input(hs, finished, 1), LKS_ALERT_DECRYPT_ERROR);
    lks_hs_free(hs);
    lks_config_free(config);
}

/* RFC 8446 section 4.4.2: its context is that of the request, which is empty. [8446 4.4.2-5] */
static void certificate_of_a_client(void)
{
    static const struct {
        const char *what, *hex;
        enum lks_status status;
    } rows[] = {
        {"empty", "00 000000", LKS_OK},
        {"a context", "01 07 000000", LKS_ALERT_ILLEGAL_PARAMETER},
        {"an empty certificate", "00 000005 000000 0000", LKS_ALERT_DECODE_ERROR},
        {"a byte behind", "00 000000 00", LKS_ALERT_DECODE_ERROR},
        {"an extension not asked for", "00 00000f 000002 3000 0008 0012 0004 0002 0101",
         LKS_ALERT_UNSUPPORTED_EXTENSION},
    };
    struct lks_config *config = config_with("ecdsa");
    CU_ASSERT_EQUAL(
        lks_policy_set_client_auth(config->policy, LKS_CLIENT_AUTH_OPTIONAL, false, NULL), LKS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_hs *hs;
        uint8_t body[64];
        CU_ASSERT_EQUAL_FATAL(lks_hs_new(&hs, config, LKS_SERVER, NULL), LKS_OK);
        const size_t len = lks_test_hex(rows[i].hex, body, sizeof(body));
        enum lks_status status = lks_bare(lks_certificate_read(hs, lks_reader_of(body, len)));
        LKS_CHECK(status == rows[i].status, "%s: %s", rows[i].what, lks_status_name(status));
        lks_hs_free(hs);
    }
    lks_config_free(config);
}

static uint64_t later_ms;

static uint64_t clock_of_test(void)
{
    return UINT64_C(1700000000000) + later_ms;
}

/* A cookie is good for a minute, for who has the key, and as it was. */
static void cookies(void)
{
    struct lks_config *config = config_with("ecdsa"), *other = config_with("ecdsa");
    struct lks_config *friend = config_with("ecdsa");
    const uint8_t key[32] = {1};
    uint8_t hello[HELLO_CAP], cookie[COOKIE_EXTENSION_MAX];
    set_clock(config, clock_of_test);
    set_clock(friend, clock_of_test);
    CU_ASSERT_EQUAL(lks_memory_set_cookie_key(config->memory, key, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_memory_set_cookie_key(friend->memory, key, NULL), LKS_OK);
    later_ms = 0;
    struct lks_hs *hs = in_state(config, LKS_STATE_SECOND_CLIENT_HELLO);
    size_t cookie_len = cookie_of(hs, cookie);
    size_t len = hello_with(hello, -1, NULL, 0, cookie, cookie_len);
    check_given(friend, hello, len, LKS_WANT_DATA, "another one's with the same key");
    set_clock(other, clock_of_test);
    check_given(other, hello, len, LKS_ALERT_ILLEGAL_PARAMETER, "another key");
    later_ms = 60999;
    check_given(config, hello, len, LKS_WANT_DATA, "in time");
    later_ms = 61000;
    check_given(config, hello, len, LKS_ALERT_ILLEGAL_PARAMETER, "too late");
    later_ms = (uint64_t)-61000;
    check_given(config, hello, len, LKS_ALERT_ILLEGAL_PARAMETER, "before its time");
    later_ms = 0;
    for (size_t at = 6; at < cookie_len; at++) {
        cookie[at] ^= 1;
        len = hello_with(hello, -1, NULL, 0, cookie, cookie_len);
        check_given(config, hello, len, LKS_ALERT_ILLEGAL_PARAMETER, "changed");
        cookie[at] ^= 1;
    }
    for (size_t short_len = 1; short_len < cookie_len - 6; short_len++) {
        cookie[3] = (uint8_t)(short_len + 2);
        cookie[5] = (uint8_t)short_len;
        len = hello_with(hello, -1, NULL, 0, cookie, 6 + short_len);
        check_given(config, hello, len, LKS_ALERT_ILLEGAL_PARAMETER, "cut");
    }
    len = hello_with(hello, -1, NULL, 0, NULL, 0);
    CU_ASSERT_EQUAL(lks_hs_input(hs, hello, len), LKS_ALERT_MISSING_EXTENSION); /* none */
    lks_hs_free(hs);
    lks_config_free(config);
    lks_config_free(other);
    lks_config_free(friend);
}

/* A cookie under a key that other machines have: what it names may be none of ours. The client
 * sends it with a share of that group. [8446 4.1.1-1 4.1.1-4 4.1.4-8] */
static void cookies_of_other_machines(void)
{
    static const struct {
        const char *what;
        uint16_t suite, group;
        uint8_t hash_len;
        enum lks_status status;
    } rows[] = {
        {"ours", 0x1301, 0x001d, 32, LKS_WANT_DATA},
        {"our second suite", 0x1302, 0x001d, 48, LKS_WANT_DATA},
        {"a suite that is not configured", 0x1303, 0x001d, 32, LKS_ALERT_HANDSHAKE_FAILURE},
        {"a suite that nobody knows", 0x13fe, 0x001d, 32, LKS_ALERT_HANDSHAKE_FAILURE},
        {"a suite of TLS 1.2", 0xc02b, 0x001d, 32, LKS_ALERT_HANDSHAKE_FAILURE},
        {"a hash of another length", 0x1301, 0x001d, 48, LKS_ALERT_HANDSHAKE_FAILURE},
        {"a group that is not configured", 0x1301, 0x0018, 32, LKS_ALERT_HANDSHAKE_FAILURE},
        {"a group that nobody knows", 0x1301, 0x1234, 32, LKS_ALERT_HANDSHAKE_FAILURE},
    };
    struct lks_config *config = config_with("ecdsa");
    struct lks_error err;
    CU_ASSERT_EQUAL(lks_policy_set_groups(config->policy, "secp256r1,x25519", &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_suites(config->policy,
                                          "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256,"
                                          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                          &err),
                    LKS_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_client_hello parsed;
        struct lks_cookie cookie = {
            .suite = rows[i].suite, .group = rows[i].group, .hash_len = rows[i].hash_len};
        uint8_t hello[HELLO_CAP], bytes[LKS_COOKIE_MAX], added[COOKIE_EXTENSION_MAX + 64];
        size_t len = hello_with(hello, -1, NULL, 0, NULL, 0);
        CU_ASSERT_EQUAL(lks_client_hello_parse(&parsed, lks_reader_of(hello + 4, len - 4)), LKS_OK);
        CU_ASSERT_EQUAL(lks_client_hello_digest(&parsed, cookie.digest), LKS_OK);
        struct lks_writer made = lks_writer_of(bytes, sizeof(bytes));
        CU_ASSERT_EQUAL(lks_cookie_write(&made, config, &cookie), LKS_OK);
        struct lks_writer w = lks_writer_of(added, sizeof(added));
        lks_write_u16(&w, LKS_EXT_KEY_SHARE);
        lks_write_u16(&w, 2 + 4 + 32);
        lks_write_u16(&w, 4 + 32);
        lks_write_u16(&w, rows[i].group);
        lks_write_u16(&w, 32);
        memset(lks_write_room(&w, 32), 9, 32);
        lks_write_u16(&w, LKS_EXT_COOKIE);
        lks_write_u16(&w, (uint16_t)(2 + made.len));
        lks_write_u16(&w, (uint16_t)made.len);
        lks_write_bytes(&w, bytes, made.len);
        CU_ASSERT_FALSE_FATAL(w.failed);
        len = hello_with(hello, LKS_EXT_KEY_SHARE, NULL, 0, added, w.len);
        struct lks_hs *hs = in_state(config, LKS_STATE_CLIENT_HELLO);
        enum lks_status status = lks_hs_input(hs, hello, len);
        LKS_CHECK(status == rows[i].status, "%s: %s", rows[i].what, lks_status_name(status));
        if (!rows[i].status || rows[i].status == LKS_WANT_DATA)
            LKS_CHECK(hs->suite->number == rows[i].suite && hs->group->number == rows[i].group,
                      "%s: not what the cookie says", rows[i].what);
        lks_hs_free(hs);
    }
    lks_config_free(config);
}

const struct lks_test server_tests[] = {
    {"every message in every state", every_message_in_every_state},
    {"split at every byte", split_at_every_byte},
    {"truncated at every byte", truncated_at_every_byte},
    {"missing extensions", missing_extensions},
    {"groups and shares go together", groups_and_shares_go_together},
    {"bad extensions", bad_extensions},
    {"order of extensions", order_of_extensions},
    {"bad front", bad_front},
    {"no group in common", no_group_in_common},
    {"more compression methods", more_compression_methods},
    {"second flight", second_flight},
    {"a client's Certificate", certificate_of_a_client},
    {"cookies", cookies},
    {"cookies of other machines", cookies_of_other_machines},
    {NULL, NULL},
};
