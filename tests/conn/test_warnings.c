/* SPDX-License-Identifier: BSD-3-Clause */

/* Alerts that end nothing: TLS 1.2's warnings, and user_canceled. Four in a row may come, the fifth
 * ends the connection with unexpected_message. */

#include <string.h>

#include "conn/conn.h"
#include "test_conn.h"

#define MAX 4

static const char *const suites[] = {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                     "TLS_AES_128_GCM_SHA256"};

/* Warnings of each kind that the version has: user_canceled at any level is one of TLS 1.3. */
static const struct {
    int tls13;
    uint8_t alert[2];
} rows[] = {{0, {1, 112}}, {0, {1, 100}}, {0, {1, 90}}, {0, {1, 255}}, {1, {1, 90}}, {1, {2, 90}}};

#define NUM_ROWS (sizeof(rows) / sizeof(rows[0]))

/* What stands between warnings; whether they are counted anew behind it. */
enum between {
    NOTHING,
    DATA,
    MESSAGE, /* asked to renegotiate, or a KeyUpdate */
    EMPTY,
    NUM_BETWEEN
};

static void put_between(struct two *t, struct side *from, enum between what)
{
    static const uint8_t client_hello[64] = {1, 0, 0, 60}, hello_request[4] = {0};
    if (what == DATA || what == EMPTY)
        say(t, from, LKS_TYPE_APPLICATION_DATA, "x", what == DATA);
    else if (what == MESSAGE && !from->conn->tls12)
        LKS_CHECK(!lks_conn_update_key(from->conn, false), "a KeyUpdate");
    else if (what == MESSAGE && from == &t->l.client)
        say(t, from, LKS_TYPE_HANDSHAKE, client_hello, sizeof(client_hello));
    else if (what == MESSAGE)
        say(t, from, LKS_TYPE_HANDSHAKE, hello_request, sizeof(hello_request));
    loopback_run(&t->l);
}

static void check_ended(const struct side *to, const struct side *from, const char *what)
{
    struct lks_conn_info info;
    lks_conn_get_info(from->conn, &info);
    LKS_CHECK(to->end == LKS_ALERT_UNEXPECTED_MESSAGE &&
                  lks_conn_status(to->conn) == LKS_ALERT_UNEXPECTED_MESSAGE,
              "%s: %s", what, lks_status_name(to->end));
    LKS_CHECK(from->end == LKS_PEER_ALERT && info.peer_alert == 10, "%s: alert %u", what,
              info.peer_alert);
}

/* One row, in one delivery and so in batches, or each by itself. */
static void once_established(size_t row, bool by_client, enum between what, bool together)
{
    struct two t;
    two_init(&t, suites[rows[row].tls13]);
    loopback_run(&t.l);
    struct side *from = by_client ? &t.l.client : &t.l.server,
                *to = by_client ? &t.l.server : &t.l.client;
    CU_ASSERT_TRUE_FATAL(from->established && to->established);
    const int later = what == DATA || what == MESSAGE ? MAX : MAX - 1;
    for (int i = 0; i < 1 + later; i++) {
        say(&t, from, LKS_TYPE_ALERT, rows[row].alert, 2);
        if (!i)
            put_between(&t, from, what);
        else if (!together)
            loopback_run(&t.l);
    }
    loopback_run(&t.l);
    LKS_CHECK(to->end == LKS_OK && from->end == LKS_OK, "row %zu, %d: %s", row, (int)what,
              lks_status_name(to->end));
    say(&t, from, LKS_TYPE_ALERT, rows[row].alert, 2);
    loopback_run(&t.l);
    check_ended(to, from, "the fifth");
    two_free(&t);
}

static void the_fifth_in_a_row_ends_it(void)
{
    for (size_t row = 0; row < NUM_ROWS; row++)
        for (int bits = 0; bits < 4; bits++)
            for (enum between what = NOTHING; what < NUM_BETWEEN; what++)
                once_established(row, bits & 1, what, bits & 2);
}

/* To a client in front of ServerHello, and a server in front of ClientHello, in the clear. The
 * handshake's messages are progress, too. */
static void in_the_clear(void)
{
    static const struct {
        bool to_client, may; /* whether they are warnings there */
        uint8_t alert[2];
    } plain[] = {{true, true, {1, 112}},
                 {true, true, {1, 90}},
                 {false, true, {1, 90}},
                 {false, true, {2, 90}},
                 {false, false, {1, 112}}};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        for (int num = 1; num <= MAX + 1; num++) {
            struct two t;
            two_init(&t, suites[0]);
            struct side *to = plain[i].to_client ? &t.l.client : &t.l.server,
                        *from = plain[i].to_client ? &t.l.server : &t.l.client;
            const uint8_t record[] = {21, 3, 3, 0, 2, plain[i].alert[0], plain[i].alert[1]};
            for (int k = 0; k < num; k++)
                buffer_add(&to->wire_in, record, sizeof(record));
            loopback_run(&t.l);
            if (!plain[i].may) {
                CU_ASSERT_EQUAL(to->end, LKS_PEER_ALERT);
            } else if (num > MAX) {
                check_ended(to, from, "the fifth in the clear");
            } else {
                LKS_CHECK(to->established, "row %zu, %d: %s", i, num, lks_status_name(to->end));
                for (int k = 0; k < MAX; k++)
                    say(&t, from, LKS_TYPE_ALERT, plain[i].alert, 2);
                loopback_run(&t.l);
                CU_ASSERT_EQUAL(to->end, LKS_OK);
            }
            two_free(&t);
        }
    }
}

/* TLS 1.3 knows no other warning, in front of ServerHello either, unless that may be TLS 1.2's. */
static void what_is_no_warning(void)
{
    static const uint8_t record[] = {21, 3, 3, 0, 2, 1, 112};
    for (int tls13 = 0; tls13 < 2; tls13++) {
        struct two t;
        two_init(&t, suites[tls13]);
        if (tls13) {
            loopback_free(&t.l);
            CU_ASSERT_EQUAL(
                lks_policy_set_versions(t.client->policy, LKS_TLS_1_3, LKS_TLS_1_3, NULL), LKS_OK);
            loopback_init(&t.l, t.client, t.server, &localhost);
        }
        buffer_add(&t.l.client.wire_in, record, sizeof(record));
        loopback_run(&t.l);
        LKS_CHECK(t.l.client.end == (tls13 ? LKS_PEER_ALERT : LKS_OK), "%s",
                  lks_status_name(t.l.client.end));
        two_free(&t);
    }
}

const struct lks_test warning_tests[] = {
    {"the fifth in a row ends it", the_fifth_in_a_row_ends_it},
    {"in the clear", in_the_clear},
    {"what is no warning", what_is_no_warning},
    {NULL, NULL},
};
