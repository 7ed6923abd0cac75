/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What a connection costs in memory. The linker wraps the allocator's functions for the library's
 * objects (see meson.build), and libcrypto is given functions that count.
 */

#include "test_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "handshake/core.h"
#include "simd/aead.h"
#include "test_conn.h"

static bool counting;
static unsigned long num_calls; /* that allocate, while counting */
static unsigned long num_crypto_calls, num_crypto_frees;
static size_t live; /* bytes allocated and not freed by wrapped calls, all the time */

void *__real_malloc(size_t len);
void *__real_calloc(size_t num, size_t len);
void *__real_realloc(void *p, size_t len);
void *__real_aligned_alloc(size_t alignment, size_t len);
void __real_free(void *p);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t num, size_t len);
void *__wrap_realloc(void *p, size_t len);
void *__wrap_aligned_alloc(size_t alignment, size_t len);
void __wrap_free(void *p);

static void *count(void *p)
{
    num_calls += counting;
    live += malloc_usable_size(p);
    return p;
}

void *__wrap_malloc(size_t len)
{
    return count(__real_malloc(len));
}

void *__wrap_calloc(size_t num, size_t len)
{
    return count(__real_calloc(num, len));
}

void *__wrap_realloc(void *p, size_t len)
{
    live -= malloc_usable_size(p);
    return count(__real_realloc(p, len));
}

void *__wrap_aligned_alloc(size_t alignment, size_t len)
{
    return count(__real_aligned_alloc(alignment, len));
}

bool __real_lks_aead_init_state(const struct lks_aead *row, uint8_t *state, const uint8_t *key);
void __real_lks_aead_wipe_state(const struct lks_aead *row, uint8_t *state);
bool __wrap_lks_aead_init_state(const struct lks_aead *row, uint8_t *state, const uint8_t *key);
void __wrap_lks_aead_wipe_state(const struct lks_aead *row, uint8_t *state);

static int live_keys; /* set up and not wiped: what a provider allocates for one would leak */

static bool key_fails;

void fail_next_key(bool fails)
{
    key_fails = fails;
}

bool __wrap_lks_aead_init_state(const struct lks_aead *row, uint8_t *state, const uint8_t *key)
{
    const bool ok = !key_fails && __real_lks_aead_init_state(row, state, key);
    key_fails = false;
    live_keys += ok;
    return ok;
}

void __wrap_lks_aead_wipe_state(const struct lks_aead *row, uint8_t *state)
{
    live_keys--;
    __real_lks_aead_wipe_state(row, state);
}

/* A secret that no block that is freed may hold. */
static const uint8_t *watched;
static size_t watched_len;
static unsigned int num_leaks;

static void look_for_secret(void *p)
{
    if (watched && p)
        num_leaks += memmem(p, malloc_usable_size(p), watched, watched_len) != NULL;
}

void __wrap_free(void *p)
{
    live -= malloc_usable_size(p);
    look_for_secret(p);
    __real_free(p);
}

static void *crypto_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    num_crypto_calls += counting;
    return __real_malloc(len);
}

static void *crypto_realloc(void *p, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    num_crypto_calls += counting && !p;
    return __real_realloc(p, len);
}

static void crypto_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    num_crypto_frees += counting && p;
    look_for_secret(p);
    __real_free(p);
}

void test_memory_begin(void)
{
    CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
}

static void reset_counts(void)
{
    num_calls = num_crypto_calls = num_crypto_frees = 0;
}

static void connection_with_both_keys_fits_in_1_kib(void)
{
    CU_ASSERT_TRUE(sizeof(struct lks_conn) <= 1024);
    CU_ASSERT_TRUE(2 * sizeof(struct lks_key) <= sizeof(struct lks_conn));
}

#define NUM_IDLE 50

/* All that is left of the library's allocations once connections are established, for each; their
 * clients have shown a certificate, or not. */
static size_t measure_idle(enum lks_keep keep, bool shown)
{
    const struct test_certificates *t = test_certificates();
    static struct pair pairs[NUM_IDLE];
    struct poll_loop loop;
    struct lks_config *config = config_with(NULL);
    static const struct client_options none = {.server_name = "localhost"};
    CU_ASSERT_EQUAL(lks_policy_set_keep(config->policy, keep, NULL), LKS_OK);
    if (shown)
        CU_ASSERT_TRUE(
            !lks_policy_set_trust(config->policy, lks_from_file(t->both_certs), NULL) &&
            !lks_policy_set_client_auth(config->policy, LKS_CLIENT_AUTH_REQUIRED, false, NULL));
    loop_init(&loop, 64, 1024);
    pair_establish(&pairs[0]); /* whatever is made once a process */
    pair_free(&pairs[0]);
    for (int i = 0; i < NUM_IDLE; i++) {
        client_init(&pairs[i].client, &none);
        if (shown)
            CU_ASSERT_TRUE(
                SSL_use_certificate_chain_file(pairs[i].client.ssl, t->ecdsa_cert) == 1 &&
                SSL_use_PrivateKey_file(pairs[i].client.ssl, t->ecdsa_key, SSL_FILETYPE_PEM) == 1);
        memset(&pairs[i].side, 0, sizeof(pairs[i].side));
    }
    /* The test's own buffers are wrapped, too: they are freed before the balance is struck. */
    size_t before = live;
    for (int i = 0; i < NUM_IDLE; i++) {
        side_init(&pairs[i].side, config);
        size_t with_handshake = live - before;
        LKS_CHECK(with_handshake <= (shown ? 2200u : 1100u) * (unsigned)(i + 1) + 24u * 1024u,
                  "%zu", with_handshake);
        exchange(&loop, &pairs[i].side, &pairs[i].client);
        CU_ASSERT_TRUE(pairs[i].side.established);
        client_write(&pairs[i].client, "x",
                     shown); /* the handshake's end, if there is one to see */
        exchange(&loop, &pairs[i].side, &pairs[i].client);
        buffer_free(&pairs[i].side.received);
        buffer_free(&pairs[i].side.wire_in);
        buffer_free(&pairs[i].side.wire_out);
    }
    size_t each = (live - before) / NUM_IDLE;
    for (int i = 0; i < NUM_IDLE; i++) {
        side_free(&pairs[i].side);
        client_free(&pairs[i].client);
    }
    loop_free(&loop);
    lks_config_free(config);
    return each;
}

static void established_connection_takes_1_kib_in_all(void)
{
    const size_t bare = measure_idle(LKS_KEEP_NOTHING, false),
                 names = measure_idle(LKS_KEEP_NAMES, false),
                 shown = measure_idle(LKS_KEEP_NOTHING, true),
                 chain = measure_idle(LKS_KEEP_CHAIN, true);
    LKS_CHECK(bare <= 1024 + 16, "%zu bytes a connection", bare); /* 16: the allocator's rounding */
    LKS_CHECK(names > bare && names <= bare + 128, "%zu bytes with names", names);
    LKS_CHECK(shown <= 1024 + 16, "%zu bytes of a client that is known", shown);
    LKS_CHECK(chain > names && chain <= bare + 1024, "%zu bytes with a chain", chain);
    printf("an established connection: %zu bytes, struct lks_conn %zu; with its names %zu, with a "
           "client's certificate and its names %zu\n",
           bare, sizeof(struct lks_conn), names, chain);
}

static uint8_t out[70000];

/* Opens all of in (changing it) and seals num_records of 1000 bytes; counts what is allocated. */
static void counted_turn(struct pair *p, struct buffer *in, uint32_t num_records)
{
    struct lks_batch *open = &p->loop.open, *seal = &p->loop.seal;
    static uint8_t data[1000];
    size_t taken = 0, at = 0;
    enum lks_event event;
    lks_batch_reset(open);
    lks_batch_reset(seal);
    counting = true;
    struct lks_span span = {in->data, in->len};
    enum lks_status status = lks_conn_open(p->side.conn, &span, 1, open, &taken, NULL);
    lks_engine_process(p->loop.engine, open->ops, open->num_ops);
    for (uint32_t i = 0; !status && i < open->num_ops; i++)
        status = lks_conn_opened(p->side.conn, &open->ops[i], &event);
    at = lks_conn_own_len(p->side.conn);
    struct lks_span own = {out, at};
    if (!status)
        status = lks_conn_seal_own(p->side.conn, &own, 1, seal);
    for (uint32_t i = 0; i < num_records && !status; i++) {
        size_t len = lks_conn_record_len(p->side.conn, sizeof(data));
        struct lks_span src = {data, sizeof(data)}, dst = {out + at, len};
        status = lks_conn_seal(p->side.conn, &src, 1, &dst, 1, seal);
        at += len;
    }
    lks_engine_process(p->loop.engine, seal->ops, seal->num_ops);
    for (uint32_t i = 0; i < seal->num_ops && !status; i++)
        status = lks_conn_sealed(p->side.conn, &seal->ops[i]);
    counting = false;
    LKS_CHECK(!status && taken == in->len, "%s, %zu of %zu", lks_status_name(status), taken,
              in->len);
    in->len = 0;
    buffer_add(in, out, at);
    client_give(&p->client, in);
}

static void nothing_is_allocated_once_established(void)
{
    struct pair p;
    struct buffer wire = {0};
    uint8_t data[1000] = {0};
    pair_establish(&p);
    CU_ASSERT_PTR_NULL(p.side.conn->handshake);
    reset_counts();
    for (int turn = 0; turn < 20; turn++) {
        for (int i = 0; i < 20; i++)
            client_write(&p.client, data, sizeof(data));
        client_take(&p.client, &wire);
        counted_turn(&p, &wire, 20);
    }
    LKS_CHECK(num_calls == 0 && num_crypto_calls == 0, "%lu of ours, %lu of libcrypto", num_calls,
              num_crypto_calls);
    CU_ASSERT_EQUAL(p.client.received.len, 20 * 20 * 1000);
    lks_conn_close(p.side.conn);
    counted_turn(&p, &wire, 0);
    LKS_CHECK(num_calls == 0 && num_crypto_calls == 0, "%lu of ours, %lu of libcrypto", num_calls,
              num_crypto_calls);
    CU_ASSERT_TRUE(p.client.saw_close);
    buffer_free(&wire);
    pair_free(&p);
}

/* The next keys come from libcrypto's hash, whose contexts it allocates and frees; nothing stays.
 */
static void key_update_keeps_nothing(void)
{
    struct pair p;
    struct buffer wire = {0};
    pair_establish(&p);
    reset_counts();
    for (int i = 0; i < 5; i++) {
        SSL_key_update(p.client.ssl, SSL_KEY_UPDATE_REQUESTED);
        client_write(&p.client, NULL, 0);
        SSL_do_handshake(p.client.ssl);
        client_take(&p.client, &wire);
        counted_turn(&p, &wire, 0);
    }
    LKS_CHECK(num_calls == 0, "%lu", num_calls);
    LKS_CHECK(num_crypto_calls == num_crypto_frees, "%lu, %lu", num_crypto_calls, num_crypto_frees);
    buffer_free(&wire);
    pair_free(&p);
}

/* RFC 8446 section 6: a connection that failed, once established or before, leaves no secret
 * behind. [8446 6-2] [5246 7.2.2-1] */
static void failed_connections_leave_no_secrets(void)
{
    static const uint8_t forged[5 + 32] = {23, 3, 3, 0, 32};
    for (unsigned int i = 0; i < 4; i++) {
        struct pair p;
        uint8_t secret[LKS_HASH_MAX];
        pair_init(&p, "ecdsa", NULL);
        struct side *s = &p.side;
        if (i < 2) {
            pair_exchange(&p);
            CU_ASSERT_TRUE(s->established);
            memcpy(secret, i ? s->conn->seal_secret : s->conn->open_secret, 32);
        } else { /* the client's Finished does not come */
            client_take(&p.client, &s->wire_in);
            while (loop_poll(&p.loop, &s, 1))
                ;
            const struct lks_hs *hs = s->conn->handshake->hs;
            memcpy(secret, i == 2 ? hs->client_handshake_secret : hs->server_app_secret, 32);
        }
        watched = secret;
        watched_len = 32;
        num_leaks = 0;
        pair_inject(&p, forged, sizeof(forged));
        CU_ASSERT_EQUAL(s->end, LKS_BAD_TAG);
        lks_conn_free(s->conn);
        s->conn = NULL;
        watched = NULL;
        LKS_CHECK(num_leaks == 0, "case %u: %u blocks", i, num_leaks);
        pair_free(&p);
    }
}

/* Two visits, the second one with early data, which a third machine may have to refuse; each ends
 * after so many turns, with a KeyUpdate if it gets that far. */
static void visit_and_end(struct lks_config *client, struct lks_config *server,
                          struct lks_config *other, int max_turns)
{
    uint8_t session[LKS_SESSION_MAX];
    struct lks_conn_options options = localhost;
    for (int visit = 0; visit < 3; visit++) {
        struct loopback l;
        loopback_init(&l, client, visit == 2 ? other : server, &options);
        if (options.early_data)
            buffer_add(&l.client.to_send, "early", 5);
        const int turns = visit ? max_turns : 20;
        for (int i = 0; i < turns && loopback_turn(&l); i++)
            if (l.client.established && !lks_conn_update_key(l.client.conn, true))
                loopback_turn(&l);
        if (!visit) {
            CU_ASSERT_TRUE_FATAL(l.client.session_len > 0);
            memcpy(session, l.client.session, l.client.session_len);
            options.session = session;
            options.session_len = l.client.session_len;
            options.early_data = true;
        }
        loopback_free(&l);
        LKS_CHECK(live_keys == 0, "visit %d, %d turns: %d keys are left", visit, turns, live_keys);
        live_keys = 0;
    }
}

/* Whenever a connection ends, of the keys that it had none is left. */
static void every_key_is_wiped(void)
{
    struct lks_config *client = client_config(NULL, NULL, NULL);
    struct lks_config *server = server_config(NULL, NULL, NULL);
    struct lks_config *other = server_config(NULL, "secp384r1", NULL);
    CU_ASSERT_EQUAL(set_early_data(server, 16384, 10000, 1024), LKS_OK);
    CU_ASSERT_EQUAL(set_early_data(other, 16384, 10000, 1024), LKS_OK);
    live_keys = 0; /* other tests set keys up themselves */
    for (int turns = 0; turns < 8; turns++)
        visit_and_end(client, server, other, turns);
    CU_ASSERT_EQUAL(lks_policy_set_versions(server->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                    LKS_OK);
    for (int turns = 0; turns < 6; turns++) {
        struct loopback l;
        loopback_init(&l, client, server, &localhost);
        for (int i = 0; i < turns; i++)
            loopback_turn(&l);
        loopback_free(&l);
        LKS_CHECK(live_keys == 0, "TLS 1.2, %d turns: %d keys are left", turns, live_keys);
    }
    lks_config_free(client);
    lks_config_free(server);
    lks_config_free(other);
}

const struct lks_test memory_tests[] = {
    {"connection with both keys fits in 1 KiB", connection_with_both_keys_fits_in_1_kib},
    {"established connection takes 1 KiB in all", established_connection_takes_1_kib_in_all},
    {"nothing is allocated once established", nothing_is_allocated_once_established},
    {"KeyUpdate keeps nothing", key_update_keeps_nothing},
    {"failed connections leave no secrets", failed_connections_leave_no_secrets},
    {"every key is wiped", every_key_is_wiped},
    {NULL, NULL},
};
