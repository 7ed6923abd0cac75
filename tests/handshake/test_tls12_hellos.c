/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2's hellos, taken from two honest sides and changed on their way, and what is answered. */

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "common/test.h"
#include "talk.h"
#include "test_handshake.h"

#define NONE 0x10000

/* What to do to a hello. */
struct edit {
    const char *what;
    enum kind kind;
    uint16_t version;         /* legacy_version; 0: as it is */
    const char *suites;       /* in front of a ClientHello's own */
    const char *compressions; /* in the place of its own */
    int drop;                 /* an extension, or NONE */
    const char *extensions;   /* behind all others */
    const char *behind;       /* behind the extensions */
    enum lks_status status;
    int reply_has, reply_has_not; /* extensions of the ServerHello, or NONE */
};

static size_t get16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

#define SESSION_AT 38u /* of a hello, behind the header, the version and the random */

/* Where the list of extensions begins, its length included. */
static size_t block_at(const struct item *hello)
{
    size_t at = SESSION_AT + 1 + hello->bytes[SESSION_AT];
    if (hello->bytes[0] == LKS_MSG_SERVER_HELLO)
        return at + 3;
    at += 2 + get16(hello->bytes + at);
    return at + 1 + hello->bytes[at];
}

/* An extension with its header; NULL: it is not there. */
static uint8_t *find(struct item *hello, int type)
{
    size_t at = block_at(hello);
    for (at += 2; at < hello->len; at += 4 + get16(hello->bytes + at + 2))
        if ((int)get16(hello->bytes + at) == type)
            return hello->bytes + at;
    return NULL;
}

/* Puts bytes in the place of old_len bytes. */
static void replace(struct item *hello, size_t at, size_t old_len, const char *hex)
{
    uint8_t bytes[256];
    const size_t len = lks_test_hex(hex, bytes, sizeof(bytes));
    memmove(hello->bytes + at + len, hello->bytes + at + old_len, hello->len - at - old_len);
    memcpy(hello->bytes + at, bytes, len);
    hello->len += len - old_len;
    put16(hello->bytes + 2, hello->len - 4);
}

static void change(struct item *hello, const struct edit *e)
{
    const size_t suites_at = SESSION_AT + 1 + hello->bytes[SESSION_AT];
    if (e->version)
        put16(hello->bytes + 4, e->version);
    if (e->suites) {
        const size_t before = hello->len;
        replace(hello, suites_at + 2, 0, e->suites);
        put16(hello->bytes + suites_at, get16(hello->bytes + suites_at) + (hello->len - before));
    }
    if (e->compressions) {
        const size_t at = suites_at + 2 + get16(hello->bytes + suites_at);
        replace(hello, at, 1u + hello->bytes[at], e->compressions);
    }
    uint8_t *extension = find(hello, e->drop);
    if (extension)
        replace(hello, (size_t)(extension - hello->bytes), 4 + get16(extension + 2), "");
    replace(hello, hello->len, 0, e->extensions ? e->extensions : "");
    put16(hello->bytes + block_at(hello), hello->len - block_at(hello) - 2);
    replace(hello, hello->len, 0, e->behind ? e->behind : "");
}

#define EXTENDED_MASTER_SECRET 23
#define ENCRYPT_THEN_MAC       22
#define SCHEMES                13
#define RENEGOTIATION_INFO     0xff01

/* To a server. */
static const struct edit client_edits[] = {
    {.what = "as it is",
     .drop = NONE,
     .status = LKS_WANT_DATA,
     .reply_has = EXTENDED_MASTER_SECRET,
     .reply_has_not = SCHEMES},
    /* RFC 5246 */
    {.what = "unknown suites",
     .suites = "fafa 1234",
     .drop = NONE,
     .status = LKS_WANT_DATA,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "more compressions",
     .compressions = "02 01 00",
     .drop = NONE,
     .status = LKS_WANT_DATA,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "no null compression",
     .compressions = "01 01",
     .drop = NONE,
     .status = LKS_ALERT_ILLEGAL_PARAMETER,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "a byte behind the extensions",
     .drop = NONE,
     .behind = "00",
     .status = LKS_ALERT_DECODE_ERROR,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "no signature_algorithms",
     .drop = SCHEMES,
     .status = LKS_ALERT_HANDSHAKE_FAILURE,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "no signature_algorithms, and none is needed",
     .kind = KIND_RSA,
     .drop = SCHEMES,
     .status = LKS_WANT_DATA,
     .reply_has = NONE,
     .reply_has_not = SCHEMES},
    {.what = "schemes that our keys have not",
     .drop = SCHEMES,
     .extensions = "000d 0004 0002 0807",
     .status = LKS_ALERT_HANDSHAKE_FAILURE,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "a curve that our key is not on",
     .drop = LKS_EXT_SUPPORTED_GROUPS,
     .extensions = "000a 0004 0002 001d",
     .status = LKS_ALERT_HANDSHAKE_FAILURE,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "an extension twice",
     .drop = NONE,
     .extensions = "0017 0000",
     .status = LKS_ALERT_ILLEGAL_PARAMETER,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "TLS 1.1, with suites of TLS 1.2",
     .version = 0x0302,
     .drop = NONE,
     .status = LKS_ALERT_PROTOCOL_VERSION,
     .reply_has = NONE,
     .reply_has_not = NONE},
    /* RFC 5746 */
    {.what = "no renegotiation_info, but the suite that stands for it",
     .drop = RENEGOTIATION_INFO,
     .suites = "00ff",
     .status = LKS_WANT_DATA,
     .reply_has = RENEGOTIATION_INFO,
     .reply_has_not = NONE},
    {.what = "renegotiation_info",
     .drop = RENEGOTIATION_INFO,
     .extensions = "ff01 0001 00",
     .status = LKS_WANT_DATA,
     .reply_has = RENEGOTIATION_INFO,
     .reply_has_not = NONE},
    {.what = "renegotiation_info of a second handshake",
     .drop = RENEGOTIATION_INFO,
     .extensions = "ff01 000d 0c 000102030405060708090a0b",
     .status = LKS_ALERT_HANDSHAKE_FAILURE,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "unknown extensions and a higher version",
     .version = 0x0305,
     .drop = NONE,
     .extensions = "fafa 0003 010203",
     .status = LKS_WANT_DATA,
     .reply_has = NONE,
     .reply_has_not = 0xfafa},
    /* RFC 7366 */
    {.what = "encrypt-then-MAC with a block cipher",
     .kind = KIND_RSA,
     .drop = NONE,
     .status = LKS_WANT_DATA,
     .reply_has = ENCRYPT_THEN_MAC,
     .reply_has_not = NONE},
    {.what = "no encrypt-then-MAC",
     .kind = KIND_RSA,
     .drop = ENCRYPT_THEN_MAC,
     .status = LKS_WANT_DATA,
     .reply_has = NONE,
     .reply_has_not = ENCRYPT_THEN_MAC},
    {.what = "encrypt-then-MAC without a block cipher",
     .drop = NONE,
     .extensions = "0016 0000",
     .status = LKS_WANT_DATA,
     .reply_has = NONE,
     .reply_has_not = ENCRYPT_THEN_MAC},
    {.what = "encrypt-then-MAC with content",
     .kind = KIND_RSA,
     .drop = ENCRYPT_THEN_MAC,
     .extensions = "0016 0001 00",
     .status = LKS_ALERT_DECODE_ERROR,
     .reply_has = NONE,
     .reply_has_not = NONE},
    /* What TLS 1.3 alone uses is no matter of TLS 1.2's; what it uses itself is. */
    {.what = "a share cut, an empty cookie, no modes beside a cut PSK",
     .drop = NONE,
     .extensions = "0033 0006 0004 001d 0002 002c 0002 0000 0029 0001 00",
     .status = LKS_WANT_DATA,
     .reply_has = EXTENDED_MASTER_SECRET,
     .reply_has_not = LKS_EXT_KEY_SHARE},
    {.what = "extended master secret with content",
     .drop = EXTENDED_MASTER_SECRET,
     .extensions = "0017 0001 00",
     .status = LKS_ALERT_DECODE_ERROR,
     .reply_has = NONE,
     .reply_has_not = NONE},
    {.what = "no point formats",
     .drop = LKS_EXT_EC_POINT_FORMATS,
     .extensions = "000b 0001 00",
     .status = LKS_ALERT_DECODE_ERROR,
     .reply_has = NONE,
     .reply_has_not = NONE},
    /* RFC 8449 */
    {.what = "two ways to limit records",
     .drop = NONE,
     .extensions = "0001 0001 01",
     .status = LKS_WANT_DATA,
     .reply_has = LKS_EXT_RECORD_SIZE_LIMIT,
     .reply_has_not = LKS_EXT_MAX_FRAGMENT_LENGTH},
    {.what = "the older one alone",
     .drop = LKS_EXT_RECORD_SIZE_LIMIT,
     .extensions = "0001 0001 01",
     .status = LKS_WANT_DATA,
     .reply_has = NONE,
     .reply_has_not = LKS_EXT_RECORD_SIZE_LIMIT},
    {.what = "records of less than 64 bytes",
     .drop = LKS_EXT_RECORD_SIZE_LIMIT,
     .extensions = "001c 0002 003f",
     .status = LKS_ALERT_ILLEGAL_PARAMETER,
     .reply_has = NONE,
     .reply_has_not = NONE},
    /* RFC 7627 */
    {.what = "no extended master secret",
     .drop = EXTENDED_MASTER_SECRET,
     .status = LKS_WANT_DATA,
     .reply_has = NONE,
     .reply_has_not = EXTENDED_MASTER_SECRET},
    {.what = "resumed",
     .kind = KIND_RESUMED,
     .drop = NONE,
     .status = LKS_WANT_DATA,
     .reply_has = EXTENDED_MASTER_SECRET,
     .reply_has_not = NONE},
    {.what = "resumed without extended master secret",
     .kind = KIND_RESUMED,
     .drop = EXTENDED_MASTER_SECRET,
     .status = LKS_ALERT_HANDSHAKE_FAILURE,
     .reply_has = NONE,
     .reply_has_not = NONE},
};

/* [5246 7.4.1.2-2 7.4.1.2-5 7.4.1.2-6 7.4.2-13 7.4.3-2 7.4.1.4-1 7.4.1.4-3 7.4.1.4.1-3 7.4.1.4.1-5 7.4.1.4.1-6
 * 7.4.3-3] [5288 4-1] [7905 2-4] [5746 3.6-1 3.6-3 3.6-4 3.6-5 4.3-1] [7366 2-1 2-2 3-1]
 * [7627 5.2-2 5.2-3 5.3-3 5.3-4] [8449 4-25 5-2] */
static void client_hellos(void)
{
    for (size_t i = 0; i < sizeof(client_edits) / sizeof(client_edits[0]); i++) {
        const struct edit *e = &client_edits[i];
        struct talk t;
        talk_init(&t, e->kind);
        struct item hello = t.items[LKS_CLIENT][0];
        change(&hello, e);
        enum lks_status status = talk_give(&t, LKS_SERVER, &hello);
        LKS_CHECK(status == e->status, "%s: %s", e->what, lks_status_name(status));
        if (status == LKS_WANT_DATA) {
            struct item *reply = &t.items[LKS_SERVER][0];
            LKS_CHECK(e->reply_has == NONE || find(reply, e->reply_has), "%s: no answer", e->what);
            LKS_CHECK(!find(reply, e->reply_has_not), "%s: an answer", e->what);
        }
        talk_free(&t);
    }
    talk_settings_free();
}

/* To a client. */
static const struct edit server_edits[] = {
    {.what = "as it is", .drop = NONE, .status = LKS_WANT_DATA},
    {.what = "an extension that was not asked for",
     .drop = NONE,
     .extensions = "0010 0005 0003 02 6832",
     .status = LKS_ALERT_UNSUPPORTED_EXTENSION},
    {.what = "one that nobody knows",
     .drop = NONE,
     .extensions = "fafa 0000",
     .status = LKS_ALERT_UNSUPPORTED_EXTENSION},
    {.what = "an extension twice",
     .drop = NONE,
     .extensions = "0017 0000",
     .status = LKS_ALERT_ILLEGAL_PARAMETER},
    {.what = "no renegotiation_info",
     .drop = RENEGOTIATION_INFO,
     .status = LKS_ALERT_HANDSHAKE_FAILURE},
    {.what = "renegotiation_info that is not empty",
     .drop = RENEGOTIATION_INFO,
     .extensions = "ff01 0002 01 00",
     .status = LKS_ALERT_HANDSHAKE_FAILURE},
    {.what = "encrypt-then-MAC for an AEAD",
     .kind = KIND_SHA384,
     .drop = NONE,
     .extensions = "0016 0000",
     .status = LKS_ALERT_UNSUPPORTED_EXTENSION},
    {.what = "no encrypt-then-MAC",
     .kind = KIND_RSA,
     .drop = ENCRYPT_THEN_MAC,
     .status = LKS_WANT_DATA},
    {.what = "no extended master secret", .drop = EXTENDED_MASTER_SECRET, .status = LKS_WANT_DATA},
    {.what = "resumed", .kind = KIND_RESUMED, .drop = NONE, .status = LKS_WANT_DATA},
    {.what = "resumed without extended master secret",
     .kind = KIND_RESUMED,
     .drop = EXTENDED_MASTER_SECRET,
     .status = LKS_ALERT_HANDSHAKE_FAILURE},
    {.what = "TLS 1.1", .version = 0x0302, .drop = NONE, .status = LKS_ALERT_PROTOCOL_VERSION},
    {.what = "two limits of records",
     .drop = NONE,
     .extensions = "0001 0001 01",
     .status = LKS_ALERT_UNSUPPORTED_EXTENSION},
    {.what = "records of less than 64 bytes",
     .drop = LKS_EXT_RECORD_SIZE_LIMIT,
     .extensions = "001c 0002 003f",
     .status = LKS_ALERT_ILLEGAL_PARAMETER},
    /* RFC 8422 has it in no ServerHello; some servers do. */
    {.what = "supported_groups",
     .drop = NONE,
     .extensions = "000a 0004 0002 0017",
     .status = LKS_WANT_DATA},
};

/* [5246 7.4.1.4-2 7.4.1.4-3] [5746 3.4-2 3.4-3 4.1-1] [7366 2-2] [7627 5.3-6] [5288 4-1] [7905 2-4]
 * [8449 4-25 5-3] */
static void server_hellos(void)
{
    for (size_t i = 0; i < sizeof(server_edits) / sizeof(server_edits[0]); i++) {
        const struct edit *e = &server_edits[i];
        struct talk t;
        talk_init(&t, e->kind);
        talk_go_on(&t, LKS_CLIENT, 0);
        struct item hello = t.items[LKS_SERVER][0];
        change(&hello, e);
        enum lks_status status = talk_give(&t, LKS_CLIENT, &hello);
        LKS_CHECK(status == e->status, "%s: %s", e->what, lks_status_name(status));
        talk_free(&t);
    }
    talk_settings_free();
}

/* What ours says: RFC 5246 section 7.4.1, and what later documents have always said.
 * [5246 7.4.1.2-3 7.4.1.2-5 7.4.1.4.1-1 7.4.1.4.1-2] [5288 4-1] [7905 2-4] [5746 3.4-1] [7366 2-1]
 * [7627 5.2-1 5.3-1] */
static void our_hello(void)
{
    for (int kind = 0; kind < NUM_KINDS; kind++) {
        struct talk t;
        talk_init(&t, (enum kind)kind);
        struct item *hello = &t.items[LKS_CLIENT][0];
        const size_t suites_at = SESSION_AT + 1 + hello->bytes[SESSION_AT];
        const size_t suites_len = get16(hello->bytes + suites_at);
        CU_ASSERT_EQUAL(memcmp(hello->bytes + suites_at + 2 + suites_len, "\1\0", 2), 0);
        CU_ASSERT_EQUAL(get16(hello->bytes + 4), LKS_TLS_1_2);
        /* RFC 5246 section 7.4.1.2: empty, unless there is a session to be known by. */
        CU_ASSERT_EQUAL(hello->bytes[SESSION_AT], kind == KIND_RESUMED ? 32 : 0);
        const uint8_t *info = find(hello, RENEGOTIATION_INFO);
        CU_ASSERT_TRUE(info && memcmp(info + 2, "\0\1\0", 3) == 0);
        const uint8_t *ems = find(hello, EXTENDED_MASTER_SECRET);
        CU_ASSERT_TRUE(ems && get16(ems + 2) == 0);
        const uint8_t *etm = find(hello, ENCRYPT_THEN_MAC);
        CU_ASSERT_TRUE(kind == KIND_RSA ? etm && get16(etm + 2) == 0 : !etm);
        const uint8_t *schemes = find(hello, SCHEMES);
        CU_ASSERT_PTR_NOT_NULL_FATAL(schemes);
        for (size_t i = 0; i < get16(schemes + 4); i += 2) /* anonymous: SignatureAlgorithm 0 */
            CU_ASSERT_TRUE(schemes[6 + i + 1] != 0);
        if (kind == KIND_RESUMED) {
            const struct lks_reader suites = {hello->bytes + suites_at + 2, suites_len};
            CU_ASSERT_TRUE(lks_list_has_u16(suites, t.hs[LKS_CLIENT]->session->session.suite));
        }
        talk_free(&t);
    }
    talk_settings_free();
}

/* RFC 7627: a handshake without it ends well, and leaves no session behind: neither a ticket nor an
 * ID to come back with. RFC 5246 section 7.4.1.3: two servers' randoms for one hello differ.
 * [5246 7.4.1.3-1] [7627 5.2-3 5.3-2 5.4-1] */
static void without_extended_master_secret(void)
{
    static const struct edit drop = {.drop = EXTENDED_MASTER_SECRET};
    for (int with = 0; with < 2; with++) {
        struct talk t, other;
        struct lks_hs_event event;
        talk_init(&t, KIND_ECDHE);
        struct item hello = t.items[LKS_CLIENT][0];
        if (!with)
            change(&hello, &drop);
        CU_ASSERT_EQUAL(talk_give(&t, LKS_SERVER, &hello), LKS_WANT_DATA);
        const struct item *reply = &t.items[LKS_SERVER][0];
        CU_ASSERT_EQUAL(find(&t.items[LKS_SERVER][0], LKS_EXT_SESSION_TICKET) != NULL, with);
        CU_ASSERT_TRUE(with || reply->bytes[SESSION_AT] == 0);
        talk_init(&other, KIND_ECDHE);
        CU_ASSERT_EQUAL(talk_give(&other, LKS_SERVER, &hello), LKS_WANT_DATA);
        CU_ASSERT_NOT_EQUAL(memcmp(reply->bytes + 6, other.items[LKS_SERVER][0].bytes + 6, 24), 0);
        CU_ASSERT_FALSE(lks_hs_next_event(t.hs[LKS_SERVER], &event));
        talk_free(&t);
        talk_free(&other);
    }
    talk_settings_free();
}

/* A hello that offers the session of this ID, and whether the server takes it up. */
static bool is_taken_up(const uint8_t id[32])
{
    struct talk t;
    char hex[2 * 33 + 1] = "20";
    talk_init(&t, KIND_RSA);
    struct item hello = t.items[LKS_CLIENT][0];
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 + 2 * i, 3, "%02x", id[i]);
    replace(&hello, SESSION_AT, 1u + hello.bytes[SESSION_AT], hex);
    CU_ASSERT_EQUAL(talk_give(&t, LKS_SERVER, &hello), LKS_WANT_DATA);
    const bool taken = memcmp(t.items[LKS_SERVER][0].bytes + SESSION_AT + 1, id, 32) == 0;
    talk_free(&t);
    return taken;
}

/* RFC 5246 section 7.2: only what ended well can be resumed. Session IDs are chance, no more.
 * [5246 7.2-1 7.4.1.2-1] */
static void sessions_of_failed_handshakes(void)
{
    uint8_t ids[2][32];
    for (int fails = 0; fails < 2; fails++) {
        struct talk t;
        talk_init(&t, KIND_RSA);
        if (!fails) {
            CU_ASSERT_EQUAL(lks_policy_set_tickets(t.config[LKS_SERVER]->policy, 0, 3600, NULL),
                            LKS_OK);
            CU_ASSERT_EQUAL(lks_memory_set_session_cache(t.config[LKS_SERVER]->memory, 16, NULL),
                            LKS_OK);
        }
        /* ClientHello, ClientKeyExchange, change_cipher_spec, Finished */
        CU_ASSERT_TRUE_FATAL(talk_go_on(&t, LKS_SERVER, 3));
        CU_ASSERT_EQUAL_FATAL(t.items[LKS_SERVER][0].bytes[SESSION_AT], 32);
        memcpy(ids[fails], t.items[LKS_SERVER][0].bytes + SESSION_AT + 1, 32);
        struct item *finished = &t.items[LKS_CLIENT][3];
        CU_ASSERT_EQUAL(finished->bytes[0], LKS_MSG_FINISHED);
        finished->bytes[4] ^= (uint8_t)fails;
        talk_go_on(&t, LKS_SERVER, ITEMS_MAX);
        CU_ASSERT_EQUAL(talk_done(&t), !fails);
        talk_free(&t);
        CU_ASSERT_EQUAL(is_taken_up(ids[fails]), !fails);
    }
    CU_ASSERT_NOT_EQUAL(memcmp(ids[0], ids[1], 32), 0);
    talk_settings_free();
}

/* RFC 7366 section 3: a server must not choose it with an AEAD, though the client had offered both.
 * [7366 3-1] */
static void encrypt_then_mac_with_an_aead(void)
{
    static const char both[] = "TLS_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA";
    static const struct edit add = {.drop = NONE, .extensions = "0016 0000"};
    for (int added = 0; added < 2; added++) {
        struct talk t;
        struct lks_error err;
        talk_init(&t, KIND_RSA);
        for (int i = 0; i < 2; i++)
            CU_ASSERT_EQUAL(lks_policy_set_suites(t.config[i]->policy, both, &err), LKS_OK);
        talk_free(&t);
        talk_init(&t, KIND_RSA);
        CU_ASSERT_PTR_NOT_NULL(find(&t.items[LKS_CLIENT][0], ENCRYPT_THEN_MAC));
        talk_go_on(&t, LKS_CLIENT, 0);
        struct item *hello = &t.items[LKS_SERVER][0];
        CU_ASSERT_PTR_NULL(find(hello, ENCRYPT_THEN_MAC));
        if (added)
            change(hello, &add);
        CU_ASSERT_EQUAL(talk_give(&t, LKS_CLIENT, hello),
                        added ? LKS_ALERT_ILLEGAL_PARAMETER : LKS_WANT_DATA);
        talk_free(&t);
        talk_settings_free();
    }
}

/* RFC 7919 section 3: a prime field that nobody vouches for is refused, one that was not configured
 * is not, since servers that are older choose by themselves. */
static void prime_fields(void)
{
    for (int changed = 0; changed < 2; changed++) {
        struct talk t;
        struct lks_error err;
        talk_init(&t, KIND_DHE);
        CU_ASSERT_EQUAL(lks_policy_set_groups(t.config[LKS_SERVER]->policy, "ffdhe3072", &err),
                        LKS_OK);
        talk_go_on(&t, LKS_CLIENT, 0);
        CU_ASSERT_EQUAL(lks_policy_set_groups(t.config[LKS_CLIENT]->policy, "x25519", &err),
                        LKS_OK);
        enum lks_status status = LKS_WANT_DATA;
        for (size_t i = 0; i < t.num[LKS_SERVER] && status == LKS_WANT_DATA; i++) {
            struct item *item = &t.items[LKS_SERVER][i];
            const bool has_params = item->bytes[0] == LKS_MSG_SERVER_KEY_EXCHANGE;
            CU_ASSERT_TRUE(!has_params || get16(item->bytes + 4) == 3072 / 8);
            if (has_params && changed)
                item->bytes[4 + 2 + 100] ^= 1;
            status = talk_give(&t, LKS_CLIENT, item);
        }
        LKS_CHECK(status == (changed ? LKS_ALERT_INSUFFICIENT_SECURITY : LKS_WANT_DATA), "%s",
                  lks_status_name(status));
        CU_ASSERT_TRUE(changed || t.num[LKS_CLIENT] > 1); /* its answer is there */
        talk_free(&t);
        talk_settings_free();
    }
}

/* RFC 5246 section 7.4.4: a client with a key on P-256 is asked for that, or for something else.
 * [5246 1.2-2 7.4.4-1 7.4.6-1 7.4.8-2] */
static void certificate_requests(void)
{
    static const struct {
        const char *what, *body;
        bool has_one;
    } rows[] = {
        {"right", "01 40 0002 0403 0000", true},
        {"more than that", "02 01 40 0004 0401 0403 0000", true},
        {"another type of key", "01 01 0002 0403 0000", false},
        {"schemes of other keys", "01 40 0004 0401 0804 0000", false},
        {"a stranger's authority", "01 40 0002 0403 0004 0002 3000", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct talk t;
        talk_init(&t, KIND_CLIENT_CERTIFICATE);
        talk_go_on(&t, LKS_CLIENT, 0);
        for (size_t k = 0; k < t.num[LKS_SERVER]; k++) {
            struct item *item = &t.items[LKS_SERVER][k];
            if (item->bytes[0] == LKS_MSG_CERTIFICATE_REQUEST)
                replace(item, 4, item->len - 4, rows[i].body);
            CU_ASSERT_EQUAL(talk_give(&t, LKS_CLIENT, item), LKS_WANT_DATA);
        }
        bool proves = false;
        const struct item *answer = &t.items[LKS_CLIENT][1];
        CU_ASSERT_EQUAL(answer->bytes[0], LKS_MSG_CERTIFICATE);
        for (size_t k = 1; k < t.num[LKS_CLIENT]; k++) {
            const struct item *item = &t.items[LKS_CLIENT][k];
            if (item->len && item->bytes[0] == LKS_MSG_CERTIFICATE_VERIFY) {
                proves = true;
                CU_ASSERT_EQUAL(get16(item->bytes + 4), 0x0403);
            }
        }
        LKS_CHECK((answer->len > 7) == rows[i].has_one && proves == rows[i].has_one, "%s",
                  rows[i].what);
        talk_free(&t);
    }
    talk_settings_free();
}

const struct lks_test tls12_hello_tests[] = {
    {"ClientHellos", client_hellos},
    {"ServerHellos", server_hellos},
    {"our ClientHello", our_hello},
    {"without extended master secret", without_extended_master_secret},
    {"encrypt-then-MAC with an AEAD", encrypt_then_mac_with_an_aead},
    {"prime fields", prime_fields},
    {"CertificateRequests", certificate_requests},
    {"sessions of failed handshakes", sessions_of_failed_handshakes},
    {NULL, NULL},
};
