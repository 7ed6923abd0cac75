/* SPDX-License-Identifier: BSD-3-Clause */

/* Names of hosts in their one form, and what a server says of them. */

#include "handshake/certificate/host.h"

#include <locale.h>
#include <string.h>

#include "client.h"
#include "handshake/core.h"
#include "test_handshake.h"

static struct lks_reader reader_of(const char *text)
{
    return lks_reader_of((const uint8_t *)text, strlen(text));
}

static void folded(void)
{
    static const char *const rows[][2] = {{"A.Example.TEST", "a.example.test"},
                                          {"a.test.", "a.test"},
                                          {"a.test..", "a.test."},
                                          {".", ""},
                                          {"", ""},
                                          {"[\\]^_`{|}~@", "[\\]^_`{|}~@"},
                                          {"\xc4\xd6\xdc.test", "\xc4\xd6\xdc.test"}};
    char host[LKS_HOST_MAX + 1], longest[LKS_HOST_MAX + 3];
    setlocale(LC_ALL, "tr_TR.ISO-8859-9"); /* where it is there: its tolower('I') is another's */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        LKS_CHECK(lks_host_fold(host, reader_of(rows[i][0])) && !strcmp(host, rows[i][1]), "%s: %s",
                  rows[i][0], host);
    setlocale(LC_ALL, "C");
    CU_ASSERT_FALSE(lks_host_fold(host, lks_reader_of((const uint8_t *)"a\0b", 3)) || host[0]);
    memset(longest, 'a', sizeof(longest));
    CU_ASSERT_TRUE(lks_host_fold(host, lks_reader_of((uint8_t *)longest, LKS_HOST_MAX)));
    CU_ASSERT_FALSE(lks_host_fold(host, lks_reader_of((uint8_t *)longest, LKS_HOST_MAX + 1)));
    CU_ASSERT_STRING_EQUAL(host, "");
    longest[LKS_HOST_MAX] = '.';
    CU_ASSERT_TRUE(lks_host_fold(host, lks_reader_of((uint8_t *)longest, LKS_HOST_MAX + 1)));
}

static void addresses(void)
{
    static const struct {
        const char *name, *text;
        uint8_t len;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", 4},
        {"2001:DB8:0::0:1", "2001:db8::1", 16},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1", 16},
        {"192.0.2.01", NULL, 0},
        {"192.0.2", NULL, 0},
        {"192.0.2.1.", NULL, 0},
        {"[::1]", NULL, 0},
        {"fe80::1%eth0", NULL, 0},
        {"", NULL, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bytes[16];
        char text[LKS_ADDRESS_TEXT_MAX] = "";
        const uint8_t len = lks_host_address(bytes, text, rows[i].name);
        LKS_CHECK(len == rows[i].len && (!len || !strcmp(text, rows[i].text)), "%s: %u %s",
                  rows[i].name, len, text);
    }
}

/* What one hello makes of a fresh server. */
static struct lks_hs *server_after_hello(struct lks_config *client_config,
                                         struct lks_config *server_config, const char *name)
{
    const struct lks_conn_options options = {.server_name = name};
    struct lks_hs *client, *server;
    struct lks_hs_event event;
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&client, client_config, LKS_CLIENT, &options), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&server, server_config, LKS_SERVER, NULL), LKS_OK);
    CU_ASSERT_TRUE_FATAL(lks_hs_next_event(client, &event) && event.kind == LKS_HS_SEND);
    CU_ASSERT_EQUAL(lks_hs_input(server, event.data, event.len), LKS_WANT_DATA);
    lks_hs_free(client);
    return server;
}

/* RFC 6066 section 3: a name is acknowledged by the server that has it. */
static void acknowledged(void)
{
    static const struct {
        const char *name;
        bool acknowledged;
    } rows[] = {{"localhost", true},         {"LOCALHOST.", true},  {"a.example.test", true},
                {"b.a.example.test", false}, {"other.test", false}, {"example.test", false},
                {"127.0.0.1", false}};
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct lks_config *client, *server = config_with("ecdsa");
        client = config_new();
        if (i % 2)
            CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                            LKS_OK);
        struct lks_hs *hs = server_after_hello(client, server, rows[i / 2].name);
        LKS_CHECK(hs->names_server == rows[i / 2].acknowledged, "%s, row %zu", rows[i / 2].name, i);
        lks_hs_free(hs);
        lks_config_free(client);
        lks_config_free(server);
    }
}

const struct lks_test host_tests[] = {
    {"folded", folded},
    {"addresses", addresses},
    {"acknowledged", acknowledged},
    {NULL, NULL},
};
