/* SPDX-License-Identifier: BSD-3-Clause */

/* For how long a NewSessionTicket is, both versions: neither for no time (Java 17 and 21 then trip
 * over our close_notify) nor for more than seven days. */

#include <time.h>

#include "client.h"
#include "handshake/core.h"
#include "handshake/resumption/session.h"
#include "talk.h"
#include "test_handshake.h"

static uint64_t clock_ms;

static uint64_t test_clock(void)
{
    return clock_ms;
}

/* What went out; len 0: empty. */
struct sent {
    uint32_t num, lifetime_s, len;
};

static struct sent read_one(struct lks_reader body, bool tls13)
{
    struct sent sent = {.num = 1};
    struct lks_reader nonce, ticket = {0};
    uint32_t age_add;
    CU_ASSERT_TRUE_FATAL(lks_read_u32(&body, &sent.lifetime_s));
    CU_ASSERT_TRUE_FATAL(!tls13 || (lks_read_u32(&body, &age_add) && lks_read_vec8(&body, &nonce)));
    CU_ASSERT_TRUE_FATAL(lks_read_vec16(&body, &ticket));
    sent.len = (uint32_t)ticket.len;
    return sent;
}

/* A server's clock is put forward by so many milliseconds, or back, between hello and ticket; keys
 * may be gone then, too. */
struct turn {
    uint32_t lifetime_s; /* as configured */
    int64_t jump_ms;
    bool loses_keys;
};

static void change(struct lks_config *config, const struct turn *turn)
{
    clock_ms += (uint64_t)turn->jump_ms;
    if (turn->loses_keys) {
        lks_ticket_keys_wipe(&config->memory->keys);
        lks_ticket_keys_init(&config->memory->keys);
    }
}

static void set_up(struct lks_config *config, const struct turn *turn)
{
    clock_ms = (uint64_t)time(NULL) * 1000;
    set_clock(config, test_clock);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, 1, turn->lifetime_s, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_random(config->memory, 3600, NULL), LKS_OK);
}

static struct sent send_tls12(const struct turn *turn)
{
    struct talk t;
    struct sent sent = {0};
    talk_init(&t, KIND_ECDHE);
    struct lks_config *config = t.config[LKS_SERVER];
    set_up(config, turn); /* no hello has come yet */
    CU_ASSERT_TRUE_FATAL(talk_go_on(&t, LKS_SERVER, 1));
    change(config, turn);
    talk_go_on(&t, LKS_SERVER, ITEMS_MAX);
    CU_ASSERT_TRUE(talk_done(&t));
    for (size_t i = 0; i < t.num[LKS_SERVER]; i++) {
        const struct item *item = &t.items[LKS_SERVER][i];
        if (item->len && item->bytes[0] == LKS_MSG_NEW_SESSION_TICKET)
            sent = read_one(lks_reader_of(item->bytes + 4, item->len - 4), false);
    }
    talk_free(&t);
    return sent;
}

/* Hands on what one side has to send; the last of it is *last. */
static void hand_on(struct lks_hs *from, struct lks_hs *to, struct lks_reader *last)
{
    struct lks_hs_event event;
    while (lks_hs_next_event(from, &event)) {
        if (event.kind != LKS_HS_SEND)
            continue;
        *last = lks_reader_of(event.data, event.len);
        if (event.data[0] != LKS_MSG_NEW_SESSION_TICKET)
            (void)!lks_hs_input(to, event.data, event.len);
    }
}

static struct sent send_tls13(const struct turn *turn)
{
    struct lks_config *client_config, *config = config_with("ecdsa");
    struct lks_hs *client, *server;
    struct lks_error err;
    struct lks_reader last = {0};
    struct sent sent = {0};
    client_config = config_new();
    CU_ASSERT_EQUAL(lks_policy_set_trust(client_config->policy,
                                         lks_from_file(test_certificates()->both_certs), &err),
                    LKS_OK);
    set_up(config, turn);
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&client, client_config, LKS_CLIENT, &localhost), LKS_OK);
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&server, config, LKS_SERVER, NULL), LKS_OK);
    hand_on(client, server, &last);
    hand_on(server, client, &last);
    change(config, turn);
    hand_on(client, server, &last);
    CU_ASSERT_TRUE(server->state == LKS_STATE_DONE && client->state == LKS_STATE_DONE);
    hand_on(server, client, &last);
    if (last.data[0] == LKS_MSG_NEW_SESSION_TICKET)
        sent = read_one(lks_reader_of(last.data + 4, last.len - 4), true);
    lks_hs_free(client);
    lks_hs_free(server);
    lks_config_free(client_config);
    lks_config_free(config);
    return sent;
}

#define WEEK_MS (INT64_C(1000) * LKS_TICKET_LIFETIME_MAX)

/* RFC 8446 section 4.6.1, RFC 5077 section 3.3: what a session stands on ends a week after the
 * hello, so nothing is left where the clock says more than that has gone by: no ticket then, and
 * where TLS 1.2 has promised one, an empty one for no time. [8446 4.6.1-4] */
static void never_for_no_time_nor_for_too_long(void)
{
    static const uint32_t configured[] = {1, 3600, LKS_TICKET_LIFETIME_MAX};
    static const int64_t jumps[] = {0,
                                    1,
                                    1000,
                                    WEEK_MS - 1001,
                                    WEEK_MS - 1000,
                                    WEEK_MS - 1,
                                    WEEK_MS,
                                    WEEK_MS + 1,
                                    100 * WEEK_MS,
                                    -1,
                                    -WEEK_MS,
                                    -100 * WEEK_MS};
    for (size_t i = 0; i < sizeof(configured) / sizeof(configured[0]); i++) {
        for (size_t k = 0; k < 2 * sizeof(jumps) / sizeof(jumps[0]); k++) {
            const struct turn turn = {configured[i], jumps[k / 2], k & 1};
            const int64_t left_ms = WEEK_MS - turn.jump_ms;
            const uint64_t left_s = left_ms > 0 ? (uint64_t)(left_ms + 999) / 1000 : 0;
            uint32_t expected_s = left_s < turn.lifetime_s ? (uint32_t)left_s : turn.lifetime_s;
            if (turn.loses_keys)
                expected_s = 0;
            const struct sent tls12 = send_tls12(&turn), tls13 = send_tls13(&turn);
            LKS_CHECK(tls12.num == 1 && tls12.lifetime_s == expected_s && !tls12.len == !expected_s,
                      "TLS 1.2, %u s, %lld ms, keys %d: %u s, %u bytes", turn.lifetime_s,
                      (long long)turn.jump_ms, !turn.loses_keys, tls12.lifetime_s, tls12.len);
            LKS_CHECK(tls13.num == (expected_s != 0) && tls13.lifetime_s == expected_s &&
                          !tls13.len == !expected_s,
                      "TLS 1.3, %u s, %lld ms, keys %d: %u tickets, %u s, %u bytes",
                      turn.lifetime_s, (long long)turn.jump_ms, !turn.loses_keys, tls13.num,
                      tls13.lifetime_s, tls13.len);
        }
    }
    talk_settings_free();
}

const struct lks_test ticket_lifetime_tests[] = {
    {"never for no time nor for too long", never_for_no_time_nor_for_too_long},
    {NULL, NULL},
};
