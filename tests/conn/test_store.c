/* SPDX-License-Identifier: BSD-3-Clause */

/* A store of sessions of the application's, <lockstep/callbacks.h>, with OpenSSL's client. */

#include <string.h>

#include "asked.h"
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

static struct lks_config *store_config(void)
{
    struct lks_config *config = asked_config("ecdsa", false, NULL);
    CU_ASSERT_EQUAL(
        lks_memory_set_session_store(config->memory, on_get, on_put, on_remove, &store, NULL),
        LKS_OK);
    return config;
}

/* One visit; whether it was resumed. Leaves the next session in *session. */
static bool visit(struct lks_config *config, SSL_SESSION **session)
{
    const struct client_options options = {.max_version = TLS1_2_VERSION,
                                           .server_name = "localhost",
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
}

/* A session is taken up from the store, at once or later, by another server with the same keys and
 * store, too; and not without. */
static void resumes(void)
{
    static const uint8_t secret[32] = {7};
    for (int at_once = 0; at_once < 2; at_once++) {
        struct lks_config *a = store_config(), *b = store_config(), *other = store_config();
        SSL_SESSION *session = NULL;
        begin(at_once);
        CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(a->memory, secret, 32, 3600, NULL), LKS_OK);
        CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(b->memory, secret, 32, 3600, NULL), LKS_OK);
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
        struct lks_config *config = store_config();
        SSL_SESSION *session = NULL, *second = NULL;
        begin(i & 1);
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
    {"resumes", resumes},
    {"lies", lies},
    {"settings", settings},
    {NULL, NULL},
};
