/* SPDX-License-Identifier: BSD-3-Clause */

/* record_size_limit, RFC 8449: what each side says, and what it makes of the other's word. How long
 * records then are: tests/conn. */

#include <string.h>

#include "client.h"
#include "duo.h"
#include "test_handshake.h"

/* Both sides with the same limit, the client's hello given to the server, its answer to the client;
 * what comes behind ServerHello and EncryptedExtensions is of no matter here. */
static void talk_limits(struct lks_hs **client, struct lks_hs **server, struct lks_config *ours[2],
                        uint16_t hello_limit)
{
    uint8_t hello[4096];
    struct lks_hs_event event;
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(client, ours[LKS_CLIENT], LKS_CLIENT, &localhost), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(server, ours[LKS_SERVER], LKS_SERVER, NULL), LKS_OK);
    CU_ASSERT_TRUE_FATAL(lks_hs_next_event(*client, &event) && event.kind == LKS_HS_SEND &&
                         event.len <= sizeof(hello));
    memcpy(hello, event.data, event.len);
    for (size_t i = 0; hello_limit && i + 6 <= event.len; i++) {
        if (memcmp(hello + i, "\0\x1c\0\2", 4) == 0) {
            hello[i + 4] = (uint8_t)(hello_limit >> 8);
            hello[i + 5] = (uint8_t)hello_limit;
        }
    }
    CU_ASSERT_EQUAL(lks_hs_input(*server, hello, event.len), LKS_WANT_DATA);
    enum lks_status status = LKS_WANT_DATA;
    while (status == LKS_WANT_DATA && lks_hs_next_event(*server, &event))
        if (event.kind == LKS_HS_SEND)
            status = lks_hs_input(*client, event.data, event.len);
}

static void configs_of(struct lks_config *ours[2], enum lks_version client_max,
                       enum lks_version server_max, uint16_t limit)
{
    ours[LKS_CLIENT] = config_new();
    ours[LKS_SERVER] = config_with("ecdsa");
    CU_ASSERT_EQUAL(
        lks_policy_set_versions(ours[LKS_CLIENT]->policy, LKS_TLS_1_2, client_max, NULL), LKS_OK);
    CU_ASSERT_EQUAL(
        lks_policy_set_versions(ours[LKS_SERVER]->policy, LKS_TLS_1_2, server_max, NULL), LKS_OK);
    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(lks_policy_set_record_size_limit(ours[i]->policy, limit, NULL), LKS_OK);
}

static void check_limits(const struct lks_hs *hs, uint16_t said, uint16_t send, uint16_t accept,
                         size_t row)
{
    uint16_t got[2];
    lks_hs_record_size_limits(hs, &got[0], &got[1]);
    LKS_CHECK(hs->peer_record_size_limit == said && got[0] == send && got[1] == accept,
              "row %zu, role %d: %u said, to send %u, to accept %u", row, hs->role,
              hs->peer_record_size_limit, got[0], got[1]);
}

/* Section 4: 2^14 under TLS 1.2, a byte more with TLS 1.3, even where the other side then speaks
 * TLS 1.2 only. A side that has no limit says so, too. [8449 4-7 4-8 4-13 4-20 4-24] */
static void what_is_said(void)
{
    static const struct {
        enum lks_version client, server;
        uint16_t limit, client_says, server_says, counted;
    } rows[] = {
        {LKS_TLS_1_3, LKS_TLS_1_3, 16385, 16385, 16385, 16385},
        {LKS_TLS_1_3, LKS_TLS_1_3, 16384, 16384, 16384, 16384},
        {LKS_TLS_1_3, LKS_TLS_1_3, 64, 64, 64, 64},
        {LKS_TLS_1_3, LKS_TLS_1_2, 16385, 16385, 16384, 16385},
        {LKS_TLS_1_2, LKS_TLS_1_3, 16385, 16384, 16384, 16385},
        {LKS_TLS_1_2, LKS_TLS_1_2, 16384, 16384, 16384, 16385},
        {LKS_TLS_1_2, LKS_TLS_1_3, 512, 512, 512, 513},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *ours[2];
        struct lks_hs *client, *server;
        configs_of(ours, rows[i].client, rows[i].server, rows[i].limit);
        talk_limits(&client, &server, ours, 0);
        check_limits(server, rows[i].client_says, rows[i].counted, rows[i].counted, i);
        check_limits(client, rows[i].server_says, rows[i].counted, rows[i].counted, i);
        lks_hs_free(client);
        lks_hs_free(server);
        lks_config_free(ours[LKS_CLIENT]);
        lks_config_free(ours[LKS_SERVER]);
    }
}

/* Section 4: a client may know a version with longer records; ours get no longer.
 * [8449 4-14 4-16] */
static void more_than_there_is(void)
{
    static const uint16_t limits[] = {16385, 16386, 0xffff};
    for (size_t i = 0; i < 2 * sizeof(limits) / sizeof(limits[0]); i++) {
        struct lks_config *ours[2];
        struct lks_hs *client, *server;
        configs_of(ours, LKS_TLS_1_3, i % 2 ? LKS_TLS_1_2 : LKS_TLS_1_3, 16385);
        talk_limits(&client, &server, ours, limits[i / 2]);
        check_limits(server, limits[i / 2], 16385, 16385, i);
        lks_hs_free(client);
        lks_hs_free(server);
        lks_config_free(ours[LKS_CLIENT]);
        lks_config_free(ours[LKS_SERVER]);
    }
    struct duo d;
    uint8_t message[] = {LKS_MSG_ENCRYPTED_EXTENSIONS, 0, 0, 8, 0, 6, 0, 28, 0, 2, 0xff, 0xff};
    duo_init(&d, "x25519");
    give_honest(&d, ENCRYPTED_EXTENSIONS);
    CU_ASSERT_EQUAL(lks_hs_input(d.client, message, sizeof(message)), LKS_WANT_DATA);
    check_limits(d.client, 0xffff, 16385, 16385, 0);
    duo_free(&d);
}

const struct lks_test record_size_tests[] = {
    {"what is said", what_is_said},
    {"more than there is", more_than_there_is},
    {NULL, NULL},
};
