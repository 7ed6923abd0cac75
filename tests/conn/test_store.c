/* SPDX-License-Identifier: BSD-3-Clause */

/* A store of sessions of the application's, <lockstep/callbacks.h>, with OpenSSL's client. */

#include <string.h>

#include "asked.h"
#include "configs.h"
#include "conn/conn.h"
#include "handshake/config.h"

#define STORED_MAX 4

static struct {
    struct {
        uint8_t id[32], bytes[LKS_STORED_MAX];
        size_t len;
    } rows[STORED_MAX];
    unsigned int num, num_removed, num_asked;
    bool at_once;
    struct lks_ask *ask;
    /* What is told in place of the truth; NULL: nothing. */
    void (*lie)(uint8_t *bytes, size_t *len);
    const char *server_name; /* that is asked for */
    uint64_t now_ms;
} store;

static void on_put(void *user, const uint8_t *id, size_t id_len, const uint8_t *bytes, size_t len,
                   uint64_t until_ms)
{
    CU_ASSERT_PTR_EQUAL(user, &store);
    CU_ASSERT_FATAL(store.num < STORED_MAX && id_len == 32 && len && len <= LKS_STORED_MAX);
    CU_ASSERT_TRUE(until_ms > lks_system_time_ms());
    memcpy(store.rows[store.num].id, id, id_len);
    memcpy(store.rows[store.num].bytes, bytes, len);
    store.rows[store.num++].len = len;
}

static void on_remove(void *user, const uint8_t *id, size_t id_len)
{
    CU_ASSERT_TRUE(user == &store && id && id_len == 32);
    store.num_removed++;
}

static enum lks_status answer(struct lks_ask *ask, enum lks_event *event)
{
    uint8_t bytes[70000] = {0};
    size_t len = 0, id_len;
    const uint8_t *id = lks_ask_session_id(ask, &id_len);
    CU_ASSERT_EQUAL_FATAL(id_len, 32);
    for (unsigned int i = 0; i < store.num; i++) {
        if (memcmp(store.rows[i].id, id, 32) == 0) {
            len = store.rows[i].len;
            memcpy(bytes, store.rows[i].bytes, len);
        }
    }
    if (store.lie)
        store.lie(bytes, &len);
    return lks_answer_session(ask, bytes, len, event);
}

static void on_get(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    CU_ASSERT_TRUE(user == &store && lks_ask_conn(ask) == conn);
    store.num_asked++;
    if (!store.at_once) {
        store.ask = ask;
        return;
    }
    CU_ASSERT_EQUAL(answer(ask, NULL), LKS_OK);
    lks_ask_free(ask);
}

static uint64_t now_ms(void)
{
    return store.now_ms;
}

static struct lks_config *store_config_with(const char *kind)
{
    static const uint8_t secret[32] = {7};
    struct lks_config *config = asked_config(kind, false, NULL);
    set_clock(config, now_ms);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(config->memory, secret, 32, 3600, NULL), LKS_OK);
    CU_ASSERT_EQUAL(
        lks_memory_set_session_store(config->memory, on_get, on_put, on_remove, &store, NULL),
        LKS_OK);
    return config;
}

static struct lks_config *store_config(void)
{
    return store_config_with("ecdsa");
}

/* One visit; whether it was resumed. Leaves the next session in *session. */
static bool visit(struct lks_config *config, SSL_SESSION **session)
{
    const struct client_options options = {.max_version = TLS1_2_VERSION,
                                           .server_name = store.server_name,
                                           .ssl_options = SSL_OP_NO_TICKET,
                                           .session = *session};
    struct poll_loop loop;
    struct side side;
    struct client peer;
    struct lks_conn_info info;
    loop_init(&loop, 64, 8192);
    side_init(&side, config);
    client_init(&peer, &options);
    exchange(&loop, &side, &peer);
    if (store.ask) {
        CU_ASSERT_EQUAL(answer(store.ask, NULL), LKS_OK);
        lks_ask_free(store.ask);
        store.ask = NULL;
        exchange(&loop, &side, &peer);
    }
    LKS_CHECK(side.established && SSL_is_init_finished(peer.ssl), "%s", lks_conn_reason(side.conn));
    lks_conn_get_info(side.conn, &info);
    CU_ASSERT_EQUAL(SSL_session_reused(peer.ssl), info.resumed);
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(peer.ssl);
    SSL_shutdown(peer.ssl);
    client_free(&peer);
    side_free(&side);
    loop_free(&loop);
    return info.resumed;
}

static void begin(bool at_once)
{
    memset(&store, 0, sizeof(store));
    store.at_once = at_once;
    store.server_name = "localhost";
    store.now_ms = lks_system_time_ms();
}

/* A session is taken up from the store, at once or later, by another server with the same keys and
 * store, too; and not without. */
static void resumes(void)
{
    static const uint8_t secret[32] = {8};
    for (int at_once = 0; at_once < 2; at_once++) {
        struct lks_config *a, *b, *other;
        SSL_SESSION *session = NULL;
        begin(at_once);
        a = store_config();
        b = store_config();
        other = store_config();
        CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(other->memory, secret, 32, 3600, NULL),
                        LKS_OK);
        CU_ASSERT_FALSE(visit(a, &session));
        CU_ASSERT_TRUE(store.num == 1 && store.num_asked == 0);
        CU_ASSERT_TRUE(visit(a, &session));
        CU_ASSERT_TRUE(visit(b, &session));
        CU_ASSERT_TRUE(store.num == 1 && store.num_asked == 2 && !store.num_removed);
        CU_ASSERT_FALSE(visit(other, &session)); /* keys of its own: it cannot open this one */
        CU_ASSERT_TRUE(store.num == 2 && store.num_removed == 1);
        SSL_SESSION_free(session);
        lks_config_free(a);
        lks_config_free(b);
        lks_config_free(other);
    }
}

static void nothing(uint8_t *bytes, size_t *len)
{
    (void)bytes;
    *len = 0;
}
static void one_bit(uint8_t *bytes, size_t *len)
{
    bytes[*len / 2] ^= 1;
}
static void too_short(uint8_t *bytes, size_t *len)
{
    (void)bytes;
    *len -= 1;
}
static void one_byte(uint8_t *bytes, size_t *len)
{
    (void)bytes;
    *len = 1;
}
static void too_long(uint8_t *bytes, size_t *len)
{
    (void)bytes;
    *len = 70000;
}
static void full(uint8_t *bytes, size_t *len)
{
    (void)bytes;
    *len = LKS_STORED_MAX;
}
/* Good in itself, but put under another ID. */
static void another(uint8_t *bytes, size_t *len)
{
    *len = store.rows[1].len;
    memcpy(bytes, store.rows[1].bytes, *len);
}

/* Whatever the store says, a client gets its connection, if in full. */
static void lies(void)
{
    void (*const all[])(uint8_t * bytes, size_t * len) = {nothing,  one_bit, too_short, one_byte,
                                                          too_long, full,    another};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct lks_config *config;
        SSL_SESSION *session = NULL, *second = NULL;
        begin(i & 1);
        config = store_config();
        CU_ASSERT_FALSE(visit(config, &session));
        CU_ASSERT_FALSE(visit(config, &second));
        store.lie = all[i];
        LKS_CHECK(!visit(config, &session), "lie %zu", i);
        CU_ASSERT_EQUAL(store.num_removed, i ? 1 : 0);
        store.lie = NULL;
        CU_ASSERT_TRUE(visit(config, &second));
        SSL_SESSION_free(session);
        SSL_SESSION_free(second);
        lks_config_free(config);
    }
}

/* A session of one configuration, and whether another takes it up from the same store with the same
 * keys. */
static bool taken_up_by(struct lks_config *then)
{
    struct lks_config *first = store_config();
    SSL_SESSION *session = NULL;
    CU_ASSERT_EQUAL(lks_policy_set_tickets(first->policy, 0, 60, NULL), LKS_OK);
    CU_ASSERT_FALSE(visit(first, &session));
    const bool is_resumed = visit(then, &session);
    SSL_SESSION_free(session);
    lks_config_free(first);
    lks_config_free(then);
    return is_resumed;
}

/* What the store gave, unchanged, is looked at like a ticket. */
static void stands(void)
{
    struct lks_config *asks;
    begin(true);
    CU_ASSERT_TRUE(taken_up_by(store_config()));
    begin(true);
    CU_ASSERT_TRUE(taken_up_by(store_config_with("rsa"))); /* another of the same name */
    begin(true);
    store.server_name = NULL;
    CU_ASSERT_TRUE(taken_up_by(store_config()));
    begin(true);
    store.server_name = NULL;
    CU_ASSERT_FALSE(
        taken_up_by(store_config_with("rsa"))); /* who asked for none was shown the other */
    CU_ASSERT_TRUE(store.num_asked == 1 && !store.num_removed); /* who has that still may */
    begin(true);
    asks = store_config();
    CU_ASSERT_EQUAL(lks_policy_set_client_auth(asks->policy, LKS_CLIENT_AUTH_OPTIONAL, true, NULL),
                    LKS_OK);
    CU_ASSERT_FALSE(taken_up_by(asks));
    CU_ASSERT_TRUE(store.num_asked == 1 && !store.num_removed);
}

/* For another host, and too late: then it goes. */
static void other_host_and_time(void)
{
    struct lks_config *config;
    SSL_SESSION *session = NULL;
    begin(true);
    config = store_config();
    CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, 0, 60, NULL), LKS_OK);
    store.server_name = "a.example"; /* the certificate is for neither */
    CU_ASSERT_FALSE(visit(config, &session));
    store.server_name = "b.example";
    CU_ASSERT_FALSE(visit(config, &session));
    CU_ASSERT_TRUE(store.num_asked == 1 && !store.num_removed);
    store.now_ms += 59000;
    CU_ASSERT_TRUE(visit(config, &session));
    store.now_ms += 2000;
    CU_ASSERT_FALSE(visit(config, &session));
    CU_ASSERT_TRUE(store.num_asked == 3 && store.num_removed == 1);
    SSL_SESSION_free(session);
    lks_config_free(config);
}

static void settings(void)
{
    struct lks_config *config = store_config();
    struct lks_error err;
    CU_ASSERT_EQUAL(
        lks_memory_set_session_store(config->memory, on_get, NULL, on_remove, NULL, &err),
        LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_answer_session(NULL, NULL, 0, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_memory_set_session_store(config->memory, NULL, NULL, NULL, NULL, &err),
                    LKS_OK);
    lks_config_free(config);
}

const struct lks_test store_tests[] = {
    {"resumes", resumes},          {"lies", lies},
    {"what it stands on", stands}, {"other host, other time", other_host_and_time},
    {"settings", settings},        {NULL, NULL},
};
