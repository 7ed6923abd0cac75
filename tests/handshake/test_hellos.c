/* SPDX-License-Identifier: BSD-3-Clause */

/* What our own hellos and tickets say, and what a client reads in a ticket. */

#include <string.h>

#include "base/writer.h"
#include "client.h"
#include "handshake/config.h"
#include "handshake/core.h"
#include "handshake/resumption/psk.h"
#include "handshake/server_hello.h"
#include "test_handshake.h"

static struct lks_config *a_client(bool with_psk)
{
    static const uint8_t key[32] = {1};
    struct lks_config *config;
    struct lks_error err;
    config = config_new();
    CU_ASSERT_EQUAL(
        lks_policy_set_trust(config->policy, lks_from_file(test_certificates()->ecdsa_cert), &err),
        LKS_OK);
    if (with_psk)
        CU_ASSERT_EQUAL(lks_identities_add_psk(config->identities, key, 1, key, 32, "SHA256", NULL),
                        LKS_OK);
    return config;
}

static struct lks_hs *start(struct lks_config *config, enum lks_role role)
{
    struct lks_hs *hs;
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&hs, config, role, role == LKS_CLIENT ? &localhost : NULL),
                          LKS_OK);
    return hs;
}

/* RFC 8446 section 4.2.8: of listed groups, in their order, one share each. */
static void check_shares(const struct lks_client_hello *hello)
{
    struct lks_reader groups = hello->groups, list = hello->key_shares, share;
    struct lks_reader hybrid = {0}, x25519 = {0};
    uint16_t number, group = 0;
    while (lks_read_u16(&list, &number) && lks_read_vec16(&list, &share)) {
        do {
            if (!lks_read_u16(&groups, &group))
                break;
        } while (group != number);
        CU_ASSERT_EQUAL(group, number);
        if (number == 0x11ec)
            hybrid = share;
        if (number == 0x001d)
            x25519 = share;
    }
    CU_ASSERT_TRUE_FATAL(hybrid.len == 1216 && x25519.len == 32);
    CU_ASSERT_NOT_EQUAL(memcmp(hybrid.data + 1184, x25519.data, 32), 0);
}

/* secp256r1 is there, and no group that section B.3.1.4 calls obsolete. */
static void check_groups(struct lks_reader list, bool greases)
{
    uint16_t number;
    CU_ASSERT_TRUE(lks_list_has_u16(list, 0x0017));
    while (lks_read_u16(&list, &number))
        LKS_CHECK((number >= 0x0017 && number <= 0x0019) || number == 0x001d ||
                      (number >= 0x0100 && number <= 0x0104) || number == 0x11ec ||
                      (greases && (number & 0x0f0f) == 0x0a0a),
                  "group %04x", number);
}

/* Neither MD5, SHA-1 and SHA-224 nor DSA, section 4.2.3. */
static void check_schemes(struct lks_reader list)
{
    uint16_t number;
    CU_ASSERT_TRUE(list.len > 0);
    while (lks_read_u16(&list, &number))
        LKS_CHECK(number >= 0x0400 && (number & 0xff) != 2, "scheme %04x", number);
}

/* RFC 8446 sections 4.1.2 and 4.2. The parser itself insists on the null compression alone, and on
 * pre_shared_key as the last one, beside its modes. [8446 4.1.2-6 4.1.2-7 4.1.2-8 4.1.2-10 4.2-4
 * 4.2.1-1 4.2.2-2 4.2.3-2 4.2.3-10 4.2.3-13 4.2.8-1 4.2.8-2 4.2.8-3 4.2.9-1 4.2.11-10 9.1-3 9.2-1 9.2-9
 * 9.2-10 9.2-13 B.3.1.4-1 D.5-5 D.5-7] */
static void client_hello(void)
{
    for (unsigned int bits = 0; bits < 16; bits++) {
        const bool compatible = bits & 1, only_13 = bits & 2, with_psk = bits & 4;
        struct lks_config *config = a_client(with_psk);
        struct lks_client_hello hello[2];
        struct lks_hs *hs[2];
        CU_ASSERT_EQUAL(lks_policy_set_compatibility(config->policy, compatible, NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_grease(config->policy, bits & 8, NULL), LKS_OK);
        if (only_13)
            CU_ASSERT_EQUAL(lks_policy_set_versions(config->policy, LKS_TLS_1_3, LKS_TLS_1_3, NULL),
                            LKS_OK);
        for (int i = 0; i < 2; i++) {
            hs[i] = start(config, LKS_CLIENT);
            struct lks_reader all = hs[i]->hello;
            CU_ASSERT_EQUAL_FATAL(
                lks_client_hello_parse(&hello[i], lks_reader_of(all.data + 4, all.len - 4)),
                LKS_OK);
            CU_ASSERT_EQUAL(hello[i].legacy_version, 0x0303);
            CU_ASSERT_EQUAL(hello[i].session_id.len, compatible ? 32 : 0);
            CU_ASSERT_TRUE(lks_list_has_u16(hello[i].versions, LKS_TLS_1_3));
            CU_ASSERT_EQUAL(lks_list_has_u16(hello[i].versions, LKS_TLS_1_2), !only_13);
            CU_ASSERT_EQUAL(hello[i].cookie.len, 0);
            CU_ASSERT_EQUAL(hello[i].has_psk, with_psk);
            CU_ASSERT_TRUE(hello[i].has_groups && hello[i].has_key_shares && hello[i].has_schemes);
            CU_ASSERT_TRUE(hello[i].server_name.len == 9 &&
                           !memcmp(hello[i].server_name.data, "localhost", 9));
            check_groups(hello[i].groups, bits & 8);
            check_schemes(hello[i].schemes);
            check_schemes(hello[i].cert_schemes);
            check_shares(&hello[i]);
        }
        if (compatible)
            CU_ASSERT_NOT_EQUAL(memcmp(hello[0].session_id.data, hello[1].session_id.data, 32), 0);
        lks_hs_free(hs[0]);
        lks_hs_free(hs[1]);
        lks_config_free(config);
    }
}

/* RFC 8446 appendix D.5: suites of AES with 128 bits or more and ChaCha20, in whatever version.
 * [8446 D.5-1 D.5-2] */
static void suites_of_little_strength(void)
{
    unsigned int num = 0;
    for (unsigned int number = 0; number < 65536; number++) {
        const struct lks_suite *suite = lks_suite_find((uint16_t)number);
        if (!suite)
            continue;
        num++;
        LKS_CHECK((strstr(suite->name, "AES_128") || strstr(suite->name, "AES_256") ||
                   strstr(suite->name, "CHACHA20")) &&
                      suite->key_len >= 16,
                  "%s", suite->name);
    }
    CU_ASSERT_TRUE(num > 5);
    CU_ASSERT_PTR_NULL(lks_suite_find(0x0005)); /* TLS_RSA_WITH_RC4_128_SHA */
    CU_ASSERT_PTR_NULL(lks_suite_find(0x000a)); /* TLS_RSA_WITH_3DES_EDE_CBC_SHA */
    CU_ASSERT_PTR_NULL(lks_suite_find(0x0001)); /* TLS_RSA_WITH_NULL_MD5 */
}

/* The first message that a server has to say to a hello; what is in it may be an answer to
 * supported_versions and key_share only. */
static void answer(struct lks_hs *server, struct lks_reader hello, struct lks_server_hello *out)
{
    struct lks_hs_event event;
    CU_ASSERT_EQUAL_FATAL(lks_hs_input(server, hello.data, hello.len), LKS_WANT_DATA);
    CU_ASSERT_TRUE_FATAL(lks_hs_next_event(server, &event) && event.kind == LKS_HS_SEND);
    CU_ASSERT_EQUAL_FATAL(lks_server_hello_read(out, lks_reader_of(event.data + 4, event.len - 4),
                                                lks_extension_bit(LKS_EXT_SUPPORTED_VERSIONS) |
                                                    lks_extension_bit(LKS_EXT_KEY_SHARE)),
                          LKS_OK);
}

/* RFC 8446 sections 4.1.3 and 4.1.4. [8446 4.1.3-1 4.1.3-2 4.1.3-3 4.1.3-6 4.1.3-7 4.1.3-8 4.1.4-1
 * 4.1.4-2 4.2.1-7 4.2.8-8] */
static void server_hello(void)
{
    for (int retried = 0; retried < 2; retried++) {
        struct lks_config *client_config = a_client(false), *config = config_with("ecdsa");
        struct lks_hs *client = start(client_config, LKS_CLIENT), *server[2];
        struct lks_server_hello hello[2];
        struct lks_error err;
        CU_ASSERT_EQUAL(
            lks_policy_set_groups(config->policy, retried ? "secp384r1" : "x25519,secp384r1", &err),
            LKS_OK);
        for (int i = 0; i < 2; i++) {
            server[i] = start(config, LKS_SERVER);
            answer(server[i], client->hello, &hello[i]);
            CU_ASSERT_EQUAL(hello[i].is_retry, retried);
            CU_ASSERT_EQUAL(hello[i].legacy_version, 0x0303);
            CU_ASSERT_TRUE(hello[i].has_version && hello[i].version == LKS_TLS_1_3);
            CU_ASSERT_EQUAL(hello[i].compression, 0);
            CU_ASSERT_TRUE(hello[i].session_id.len == 32 &&
                           !memcmp(hello[i].session_id.data, client->session_id, 32));
            CU_ASSERT_TRUE(hello[i].has_key_share && hello[i].group == (retried ? 0x18 : 0x1d));
            CU_ASSERT_EQUAL(hello[i].share.len, retried ? 0 : 32);
            CU_ASSERT_EQUAL(hello[i].cookie.len != 0, retried);
            CU_ASSERT_NOT_EQUAL(memcmp(hello[i].random, client->client_random, 32), 0);
        }
        /* All of it is by chance, its end too; a HelloRetryRequest's is none. */
        CU_ASSERT_EQUAL(memcmp(hello[0].random, hello[1].random, 24) != 0, !retried);
        CU_ASSERT_EQUAL(memcmp(hello[0].random + 24, hello[1].random + 24, 8) != 0, !retried);
        lks_hs_free(client);
        lks_hs_free(server[0]);
        lks_hs_free(server[1]);
        lks_config_free(client_config);
        lks_config_free(config);
    }
}

/* Hands on what one side has to send; returns the last status. */
static enum lks_status hand_on(struct lks_hs *from, struct lks_hs *to)
{
    struct lks_hs_event event;
    enum lks_status status = LKS_WANT_DATA;
    while (lks_hs_next_event(from, &event))
        if (event.kind == LKS_HS_SEND)
            status = lks_hs_input(to, event.data, event.len);
    return status;
}

/* RFC 8446 section 4.6.1: each ticket of a connection has a ticket_age_add of its own.
 * [8446 4.6.1-6] */
static void tickets_of_one_connection(void)
{
    struct lks_config *client_config = a_client(false), *config = config_with("ecdsa");
    struct lks_hs *client = start(client_config, LKS_CLIENT), *server = start(config, LKS_SERVER);
    struct lks_hs_event event;
    struct lks_reader list = {0}, body;
    uint32_t lifetime, age_add[2] = {0}, len = 0;
    size_t num = 0;
    uint8_t type;
    CU_ASSERT_EQUAL(hand_on(client, server), LKS_WANT_DATA);
    CU_ASSERT_EQUAL(hand_on(server, client), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(hand_on(client, server), LKS_OK);
    while (lks_hs_next_event(server, &event))
        if (event.kind == LKS_HS_SEND)
            list = lks_reader_of(event.data, event.len);
    for (; list.len && num < 2; num++) {
        CU_ASSERT_TRUE_FATAL(lks_read_u8(&list, &type) && lks_read_u24(&list, &len));
        body = lks_reader_of(list.data, len);
        list = lks_reader_of(list.data + len, list.len - len);
        CU_ASSERT_EQUAL(type, LKS_MSG_NEW_SESSION_TICKET);
        CU_ASSERT_TRUE(lks_read_u32(&body, &lifetime) && lks_read_u32(&body, &age_add[num]));
    }
    CU_ASSERT_EQUAL(num, 2);
    CU_ASSERT_NOT_EQUAL(age_add[0], age_add[1]);
    lks_hs_free(client);
    lks_hs_free(server);
    lks_config_free(client_config);
    lks_config_free(config);
}

/* RFC 8446 section 4.6.1: what a client makes of a ticket. [8446 4.2-3 4.6.1-5 4.6.1-7] */
static void ticket_for_a_client(void)
{
    static const struct {
        const char *what, *hex;
        enum lks_status status;
        uint32_t lifetime_s; /* 0: nothing to keep */
    } rows[] = {
        {"right", "00000e10 01020304 0107 0002aabb 0000", LKS_OK, 3600},
        {"for more than a week", "00093a81 01020304 0107 0002aabb 0000", LKS_OK, 604800},
        {"for ever", "ffffffff 01020304 0107 0002aabb 0000", LKS_OK, 604800},
        {"for no time", "00000000 01020304 0107 0002aabb 0000", LKS_OK, 0},
        {"no nonce", "00000e10 01020304 00 0002aabb 0000", LKS_OK, 3600},
        {"an unknown extension", "00000e10 01020304 0107 0002aabb 0005 fafa 0001 09", LKS_OK, 3600},
        {"early data", "00000e10 01020304 0107 0002aabb 0008 002a 0004 00004000", LKS_OK, 3600},
        {"early data cut", "00000e10 01020304 0107 0002aabb 0007 002a 0003 000040",
         LKS_ALERT_DECODE_ERROR, 0},
        {"early data twice",
         "00000e10 01020304 0107 0002aabb 0010 002a 0004 00004000 002a 0004 00004000",
         LKS_ALERT_ILLEGAL_PARAMETER, 0},
        {"an extension of another message", "00000e10 01020304 0107 0002aabb 0004 0033 0000",
         LKS_ALERT_ILLEGAL_PARAMETER, 0},
        {"an extension cut", "00000e10 01020304 0107 0002aabb 0003 fafa 00", LKS_ALERT_DECODE_ERROR,
         0},
        {"an empty ticket", "00000e10 01020304 0107 0000 0000", LKS_ALERT_DECODE_ERROR, 0},
        {"no extensions", "00000e10 01020304 0107 0002aabb", LKS_ALERT_DECODE_ERROR, 0},
        {"a byte behind", "00000e10 01020304 0107 0002aabb 0000 00", LKS_ALERT_DECODE_ERROR, 0},
    };
    static const struct lks_ticket_base base = {
        .session = {.kind = LKS_SESSION_TLS13, .suite = 0x1301, .secret_len = 32}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t body[64], out[LKS_SESSION_MAX], version;
        struct lks_writer w = lks_writer_of(out, sizeof(out));
        struct lks_session session;
        struct lks_reader state;
        size_t len = lks_test_hex(rows[i].hex, body, sizeof(body));
        enum lks_status status =
            lks_bare(lks_new_session_ticket_read(&w, &base, lks_reader_of(body, len), 1000));
        LKS_CHECK(status == rows[i].status, "%s: %s", rows[i].what, lks_status_name(status));
        LKS_CHECK((w.len != 0) == (rows[i].lifetime_s != 0), "%s: %zu bytes", rows[i].what, w.len);
        if (!w.len)
            continue;
        struct lks_reader kept = lks_reader_of(out, w.len);
        LKS_CHECK(lks_read_u8(&kept, &version) && lks_read_vec16(&kept, &state) &&
                      lks_session_read(&session, state) && session.lifetime_s == rows[i].lifetime_s,
                  "%s: for %u s", rows[i].what, session.lifetime_s);
    }
}

/* RFC 8446 section 4.2.11: an external key's identity comes with an age that says nothing; the
 * binder, which covers it, is made anew. [8446 4.2.11-1] */
static void age_of_an_external_key(void)
{
    static const uint8_t key[32] = {1}; /* as in a_client() */
    static const uint8_t age[4] = {0x12, 0x34, 0x56, 0x78};
    struct lks_config *client_config = a_client(true), *config = a_client(true);
    struct lks_hs *client = start(client_config, LKS_CLIENT), *server = start(config, LKS_SERVER);
    struct lks_client_hello hello;
    struct lks_schedule schedule;
    uint8_t bytes[4096];
    const size_t len = client->hello.len;
    CU_ASSERT_TRUE_FATAL(len <= sizeof(bytes));
    memcpy(bytes, client->hello.data, len);
    CU_ASSERT_EQUAL(lks_client_hello_parse(&hello, lks_reader_of(bytes + 4, len - 4)), LKS_OK);
    const size_t binders = (size_t)(hello.psk_binders.data - bytes);
    const size_t identities = (size_t)(hello.psk_identities.data - bytes);
    memcpy(bytes + identities + 3, age, sizeof(age)); /* behind an identity of one byte */
    CU_ASSERT_EQUAL(lks_schedule_begin(&schedule, lks_suite_find(0x1301)), LKS_OK);
    CU_ASSERT_EQUAL(lks_psk_set(&schedule, key, sizeof(key)), LKS_OK);
    CU_ASSERT_EQUAL(lks_psk_binder(&schedule, true, bytes, binders - 2, bytes + binders + 1),
                    LKS_OK);
    lks_schedule_wipe(&schedule);
    CU_ASSERT_EQUAL(lks_hs_input(server, bytes, len), LKS_WANT_DATA);
    CU_ASSERT_TRUE(server->psk.used && server->psk.external);
    lks_hs_free(client);
    lks_hs_free(server);
    lks_config_free(client_config);
    lks_config_free(config);
}

/* The second hello comes to another machine, which does without a key exchange and so does not need
 * the share that the first one asked for. [8446 4.2.9-6] */
static void retried_by_another_machine(void)
{
    const uint8_t cookie_key[32] = {7};
    struct lks_config *client_config = a_client(true),
                      *config[2] = {a_client(true), a_client(true)};
    struct lks_hs *server[2], *client;
    struct lks_error err;
    CU_ASSERT_EQUAL(lks_policy_set_psk_modes(client_config->policy, true, true, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_psk_modes(config[1]->policy, false, true, NULL), LKS_OK);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(lks_policy_set_groups(config[i]->policy, "secp384r1", &err), LKS_OK);
        CU_ASSERT_EQUAL(lks_memory_set_cookie_key(config[i]->memory, cookie_key, NULL), LKS_OK);
        server[i] = start(config[i], LKS_SERVER);
    }
    client = start(client_config, LKS_CLIENT);
    CU_ASSERT_EQUAL(hand_on(client, server[0]), LKS_WANT_DATA);
    CU_ASSERT_EQUAL(hand_on(server[0], client), LKS_WANT_DATA);
    CU_ASSERT_TRUE(client->retried);
    CU_ASSERT_EQUAL(hand_on(client, server[1]), LKS_WANT_DATA);
    CU_ASSERT_TRUE(server[1]->psk.used && server[1]->retried && !server[1]->group);
    CU_ASSERT_EQUAL(hand_on(server[1], client), LKS_OK);
    CU_ASSERT_EQUAL(hand_on(client, server[1]), LKS_OK);
    for (int i = 0; i < 2; i++) {
        lks_hs_free(server[i]);
        lks_config_free(config[i]);
    }
    lks_hs_free(client);
    lks_config_free(client_config);
}

const struct lks_test hello_tests[] = {
    {"ClientHello", client_hello},
    {"suites of little strength", suites_of_little_strength},
    {"ServerHello", server_hello},
    {"tickets of one connection", tickets_of_one_connection},
    {"ticket for a client", ticket_for_a_client},
    {"age of an external key", age_of_an_external_key},
    {"retried by another machine", retried_by_another_machine},
    {NULL, NULL},
};
