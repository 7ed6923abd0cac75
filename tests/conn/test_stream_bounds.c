/* SPDX-License-Identifier: BSD-3-Clause */

/* lockstep/stream.h, called as it should not be, and at its limits: misuse, calls for nothing, no
 * memory, what stays in memory, and what a stream does not do. The linker wraps the allocator's
 * functions for the library's objects (see meson.build). */

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "test_stream.h"

static bool armed; /* allocations count, and may fail */
static unsigned long num_allocations, first_to_fail;
static long num_live;
static const uint8_t *watched; /* what no block that is freed may hold */
static size_t watched_len;
static unsigned int num_leaks;

void *__real_malloc(size_t len);
void *__real_calloc(size_t num, size_t len);
void *__real_realloc(void *p, size_t len);
void *__real_aligned_alloc(size_t alignment, size_t len);
void __real_free(void *p);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t num, size_t len);
void *__wrap_realloc(void *p, size_t len);
void *__wrap_aligned_alloc(size_t alignment, size_t len);
char *__wrap_strdup(const char *text);
void __wrap_free(void *p);

static bool is_refused(void)
{
    return armed && num_allocations++ >= first_to_fail;
}

static void *count(void *p)
{
    num_live += p != NULL;
    return p;
}

void *__wrap_malloc(size_t len)
{
    return is_refused() ? NULL : count(__real_malloc(len));
}

void *__wrap_calloc(size_t num, size_t len)
{
    return is_refused() ? NULL : count(__real_calloc(num, len));
}

void *__wrap_aligned_alloc(size_t alignment, size_t len)
{
    return is_refused() ? NULL : count(__real_aligned_alloc(alignment, len));
}

void *__wrap_realloc(void *p, size_t len)
{
    if (!p)
        return __wrap_malloc(len);
    return is_refused() ? NULL : __real_realloc(p, len);
}

char *__wrap_strdup(const char *text)
{
    char *copy = __wrap_malloc(strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static bool holds_watched(const void *p)
{
    return memmem(p, malloc_usable_size((void *)(uintptr_t)p), watched, watched_len) != NULL;
}

void __wrap_free(void *p)
{
    num_live -= p != NULL;
    num_leaks += watched && p && holds_watched(p);
    __real_free(p);
}

/* What each call says to a pointer that it cannot use, or a value that is none. It ends nothing. */
static void misuse(void)
{
    struct streams s;
    uint8_t bytes[4] = {0};
    size_t n = 99;
    streams_begin(&s, LKS_TLS_1_3);
    duct_establish(&s.duct);
    struct lks_stream *stream = s.duct.client.stream, *made = stream;
    struct lks_config *config = s.config[LKS_SERVER];

    CU_ASSERT_EQUAL(lks_stream_new(NULL, config, LKS_SERVER, NULL, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_new(&made, NULL, LKS_SERVER, NULL, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_PTR_NULL(made);
    CU_ASSERT_EQUAL(lks_stream_new(&made, config, (enum lks_role)2, NULL, NULL), LKS_BAD_ARGUMENT);
    const struct lks_conn_options no_name = {.server_name = "not a name"};
    CU_ASSERT_EQUAL(lks_stream_new(&made, config, LKS_CLIENT, &no_name, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_PTR_NULL(made);
    lks_stream_free(NULL);
    CU_ASSERT_PTR_NULL(lks_stream_conn(NULL));

    CU_ASSERT_EQUAL(lks_stream_feed(NULL, bytes, 1, &n), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_feed(stream, NULL, 1, &n), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_feed(stream, bytes, 1, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_read(NULL, bytes, 1, &n), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_read(stream, NULL, 1, &n), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_read(stream, bytes, 1, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_write(NULL, bytes, 1, &n), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_write(stream, NULL, 1, &n), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_write(stream, bytes, 1, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_drain(NULL, bytes, 1, &n), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_drain(stream, NULL, 1, &n), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_drain(stream, bytes, 1, NULL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_end(NULL, LKS_SEAL), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_stream_end(stream, (enum lks_dir)2), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(n, 99);

    duct_fill(&s.duct, &s.duct.client, 5000);
    duct_run(&s.duct);
    CU_ASSERT_EQUAL(s.duct.server.received.len, 5000);
    streams_end(&s);
}

/* Of 0 bytes: what a call would say to more, and nothing moves. */
static void zero_lengths(void)
{
    struct streams s;
    uint8_t wire[100];
    size_t n, len;
    streams_begin(&s, LKS_TLS_1_3);
    struct lks_stream *client = s.duct.client.stream, *server = s.duct.server.stream;
    CU_ASSERT_EQUAL(lks_stream_feed(server, NULL, 0, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(server, NULL, 0, &n), LKS_WANT_DATA);
    CU_ASSERT_EQUAL(lks_stream_drain(client, NULL, 0, &n), LKS_OK); /* its hello */
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT_EQUAL(lks_stream_write(client, NULL, 0, &n), LKS_OK);
    duct_establish(&s.duct);
    CU_ASSERT_EQUAL(lks_stream_read(server, NULL, 0, &n), LKS_WANT_DATA);
    CU_ASSERT_EQUAL(lks_stream_write(client, NULL, 0, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(client, wire, sizeof(wire), &n), LKS_WANT_DATA);
    CU_ASSERT_EQUAL(lks_stream_write(client, (const uint8_t *)"some", 4, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(client, wire, sizeof(wire), &len), LKS_OK);
    CU_ASSERT_EQUAL(len, LKS_RECORD_OVERHEAD + 4);
    CU_ASSERT_EQUAL(lks_stream_feed(server, wire, len, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_read(server, NULL, 0, &n), LKS_OK);
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT_EQUAL(lks_stream_read(server, wire, sizeof(wire), &n), LKS_OK);
    CU_ASSERT_EQUAL(n, 4);
    streams_end(&s);
}

/* Neither offered nor taken. */
static void early_data(void)
{
    struct streams s;
    struct lks_conn_options options = localhost;
    struct lks_stream *made;
    streams_begin(&s, LKS_TLS_1_3);
    options.early_data = true;
    CU_ASSERT_EQUAL(lks_stream_new(&made, s.config[LKS_CLIENT], LKS_CLIENT, &options, NULL),
                    LKS_UNSUPPORTED);
    CU_ASSERT_PTR_NULL(made);
    CU_ASSERT_EQUAL(set_early_data(s.config[LKS_SERVER], 1000, 10000, 64), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_new(&made, s.config[LKS_SERVER], LKS_SERVER, NULL, NULL),
                    LKS_UNSUPPORTED);
    CU_ASSERT_PTR_NULL(made);
    streams_end(&s);
}

static unsigned int num_asked;

/* A hello's callback: what takes early data is refused, and the question stays open. */
static void choose_early(void *early, struct lks_conn *conn, struct lks_ask *ask)
{
    (void)conn;
    num_asked++;
    CU_ASSERT_EQUAL(lks_answer_hello(ask, early, NULL), LKS_UNSUPPORTED);
    CU_ASSERT_EQUAL(lks_answer_hello(ask, NULL, NULL), LKS_OK);
    lks_ask_free(ask);
}

/* Nor by a configuration that is chosen for a hello. */
static void early_data_chosen(void)
{
    struct lks_config *client = stream_config(LKS_CLIENT, LKS_TLS_1_3),
                      *server = stream_config(LKS_SERVER, LKS_TLS_1_3),
                      *early = stream_config(LKS_SERVER, LKS_TLS_1_3);
    struct duct d;
    CU_ASSERT_EQUAL(set_early_data(early, 1000, 10000, 64), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_hello(server->policy, choose_early, early, NULL), LKS_OK);
    duct_begin(&d, client, server, &localhost, NULL);
    num_asked = 0;
    duct_establish(&d);
    CU_ASSERT_EQUAL(num_asked, 1);
    duct_end(&d);
    lks_config_free(client);
    lks_config_free(server);
    lks_config_free(early);
}

/* The peer's certificate is there when the connection is established; its session resumes. */
static void certificate_and_session(void)
{
    uint8_t session[LKS_SESSION_MAX];
    struct lks_conn_options options = localhost;
    for (int is_resumed = 0; is_resumed < 2; is_resumed++) {
        struct streams s;
        static struct lks_config *server;
        bool seen = false, had_certificate = false;
        size_t len;
        struct lks_conn_info info;
        s.config[LKS_CLIENT] = stream_config(LKS_CLIENT, LKS_TLS_1_3);
        if (!is_resumed)
            server = stream_config(LKS_SERVER, LKS_TLS_1_3);
        duct_begin(&s.duct, s.config[LKS_CLIENT], server, &options, NULL);
        /* All that comes is fed at once, tickets behind the Finished included. */
        while (duct_turn(&s.duct)) {
            struct lks_conn *conn = lks_stream_conn(s.duct.client.stream);
            if (!seen && lks_conn_is_established(conn)) {
                seen = true;
                had_certificate = lks_conn_peer_certificate(conn, &len) != NULL;
            }
        }
        struct lks_conn *conn = lks_stream_conn(s.duct.client.stream);
        lks_conn_get_info(conn, &info);
        CU_ASSERT_EQUAL(info.resumed, is_resumed);
        CU_ASSERT_TRUE(seen && had_certificate == !is_resumed);
        CU_ASSERT_EQUAL(lks_conn_take_session(conn, session, sizeof(session), &len), LKS_OK);
        options.session = session;
        options.session_len = len;
        duct_end(&s.duct);
        lks_config_free(s.config[LKS_CLIENT]);
        if (is_resumed)
            lks_config_free(server);
    }
}

/* A client's, too, whose first data come with its Finished. */
static void certificate_of_client(void)
{
    struct streams s;
    struct lks_error err;
    uint8_t wire[5000];
    size_t len, n;
    s.config[LKS_CLIENT] = stream_config(LKS_CLIENT, LKS_TLS_1_3);
    s.config[LKS_SERVER] = stream_config(LKS_SERVER, LKS_TLS_1_3);
    CU_ASSERT_EQUAL(lks_policy_set_client_auth(s.config[LKS_SERVER]->policy,
                                               LKS_CLIENT_AUTH_REQUIRED, false, NULL),
                    LKS_OK);
    LKS_CHECK(!lks_policy_set_trust(s.config[LKS_SERVER]->policy,
                                    lks_from_file(test_certificates()->both_certs), &err),
              "%s", err.text);
    duct_begin(&s.duct, s.config[LKS_CLIENT], s.config[LKS_SERVER], &localhost, NULL);
    struct lks_stream *client = s.duct.client.stream, *server = s.duct.server.stream;
    CU_ASSERT_EQUAL(lks_stream_drain(client, wire, sizeof(wire), &len), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_feed(server, wire, len, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(server, wire, sizeof(wire), &len), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_feed(client, wire, len, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_write(client, (const uint8_t *)"data", 4, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(client, wire, sizeof(wire), &len), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_feed(server, wire, len, &n), LKS_OK);
    CU_ASSERT_TRUE(lks_conn_is_established(lks_stream_conn(server)));
    CU_ASSERT_PTR_NOT_NULL(lks_conn_peer_certificate(lks_stream_conn(server), &n));
    CU_ASSERT_EQUAL(lks_stream_read(server, wire, sizeof(wire), &n), LKS_OK);
    CU_ASSERT_EQUAL(n, 4);
    streams_end(&s);
}

/* A handshake that stops for its public-key work, with what comes behind it in the stream. */
static void deferred_pkey(void)
{
    struct streams s;
    unsigned int num_jobs = 0;
    s.config[LKS_CLIENT] = stream_config(LKS_CLIENT, LKS_TLS_1_3);
    s.config[LKS_SERVER] = stream_config(LKS_SERVER, LKS_TLS_1_3);
    CU_ASSERT_EQUAL(lks_policy_set_deferred_pkey(s.config[LKS_CLIENT]->policy, true, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_deferred_pkey(s.config[LKS_SERVER]->policy, true, NULL), LKS_OK);
    duct_begin(&s.duct, s.config[LKS_CLIENT], s.config[LKS_SERVER], &localhost, NULL);
    duct_fill(&s.duct, &s.duct.client, 30000);
    duct_fill(&s.duct, &s.duct.server, 30000);
    for (bool moved = true; moved;) {
        struct stream_end *ends[] = {&s.duct.client, &s.duct.server};
        duct_run(&s.duct);
        moved = false;
        for (int i = 0; i < 2; i++) {
            enum lks_event event;
            size_t n;
            struct lks_conn *conn = lks_stream_conn(ends[i]->stream);
            struct lks_pkey_job *job = lks_conn_take_pkey_job(conn);
            if (!job)
                continue;
            CU_ASSERT_EQUAL(lks_stream_feed(ends[i]->stream, NULL, 0, &n), LKS_WANT_PKEY);
            CU_ASSERT_EQUAL(lks_conn_pkey_done(conn, job, &event), LKS_OK);
            moved = true;
            num_jobs++;
        }
    }
    CU_ASSERT_TRUE(num_jobs >= 3);
    CU_ASSERT_EQUAL(s.duct.client.received.len, 30000);
    CU_ASSERT_EQUAL(s.duct.server.received.len, 30000);
    streams_end(&s);
}

/* Each allocation of making a stream in turn, and of its handshake: then it is for want of memory
 * that it ends. */
static void no_memory(void)
{
    struct streams s;
    enum lks_status status = LKS_NO_MEMORY;
    s.config[LKS_CLIENT] = stream_config(LKS_CLIENT, LKS_TLS_1_3);
    s.config[LKS_SERVER] = stream_config(LKS_SERVER, LKS_TLS_1_3);
    for (first_to_fail = 0; status; first_to_fail++) {
        struct lks_stream *stream;
        const long before = num_live;
        num_allocations = 0;
        armed = true;
        status = lks_stream_new(&stream, s.config[LKS_CLIENT], LKS_CLIENT, &localhost, NULL);
        armed = false;
        LKS_CHECK(status == (stream ? LKS_OK : LKS_NO_MEMORY), "allocation %lu: %s", first_to_fail,
                  lks_status_name(status));
        lks_stream_free(stream);
        CU_ASSERT_EQUAL(num_live, before);
    }
    CU_ASSERT_TRUE(first_to_fail > 10);
    for (first_to_fail = 0;; first_to_fail++) {
        const long before = num_live;
        uint8_t wire[2000];
        size_t len, n;
        duct_begin(&s.duct, s.config[LKS_CLIENT], s.config[LKS_SERVER], &localhost, NULL);
        CU_ASSERT_EQUAL(lks_stream_drain(s.duct.client.stream, wire, sizeof(wire), &len), LKS_OK);
        num_allocations = 0;
        armed = true;
        status = lks_stream_feed(s.duct.server.stream, wire, len, &n);
        armed = false;
        CU_ASSERT_TRUE(status == LKS_OK || status == LKS_NO_MEMORY);
        if (status) { /* and the peer is told: internal_error */
            duct_run(&s.duct);
            CU_ASSERT_EQUAL(s.duct.server.drain, LKS_NO_MEMORY);
            CU_ASSERT_EQUAL(s.duct.client.read, LKS_PEER_ALERT);
        }
        duct_end(&s.duct);
        CU_ASSERT_EQUAL(num_live, before);
        if (!status)
            break;
    }
    CU_ASSERT_TRUE(first_to_fail > 0);
    lks_config_free(s.config[LKS_CLIENT]);
    lks_config_free(s.config[LKS_SERVER]);
}

/* Once established it allocates nothing. */
static void allocates_no_more(void)
{
    struct streams s;
    uint8_t wire[1000];
    size_t len, n;
    streams_begin(&s, LKS_TLS_1_3);
    duct_establish(&s.duct);
    duct_fill(&s.duct, &s.duct.client, 1);
    duct_run(&s.duct);
    struct lks_stream *from = s.duct.client.stream, *to = s.duct.server.stream;
    num_allocations = 0;
    first_to_fail = ~0ul;
    armed = true;
    CU_ASSERT_EQUAL(lks_stream_write(from, (const uint8_t *)"some", 4, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_conn_update_key(lks_stream_conn(from), true), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(from, wire, sizeof(wire), &len), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_end(from, LKS_SEAL), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_drain(from, wire + len, sizeof(wire) - len, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_feed(to, wire, len + n, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_read(to, wire, sizeof(wire), &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_read(to, wire, sizeof(wire), &n), LKS_CLOSED);
    CU_ASSERT_EQUAL(lks_stream_drain(to, wire, sizeof(wire), &n), LKS_OK);
    armed = false;
    CU_ASSERT_EQUAL(num_allocations, 0);
    streams_end(&s);
}

/* What was read is nowhere in the stream; what was not, nowhere in memory once it is freed. */
static void plaintext_is_wiped(void)
{
    static const char said[] = "a secret of thirty-two bytes....",
                      also[] = "another that nobody reads.";
    struct streams s;
    uint8_t wire[1000], data[100];
    size_t len, n;
    streams_begin(&s, LKS_TLS_1_3);
    duct_establish(&s.duct);
    struct lks_stream *from = s.duct.client.stream, *to = s.duct.server.stream;
    watched = (const uint8_t *)said;
    watched_len = 16;
    CU_ASSERT_EQUAL(lks_stream_write(from, (const uint8_t *)said, 32, &n), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_write(from, (const uint8_t *)also, 26, &n), LKS_OK);
    CU_ASSERT_FALSE(holds_watched(from));
    CU_ASSERT_EQUAL(lks_stream_drain(from, wire, sizeof(wire), &len), LKS_OK);
    CU_ASSERT_EQUAL(lks_stream_feed(to, wire, len, &n), LKS_OK);
    CU_ASSERT_TRUE(holds_watched(to));
    CU_ASSERT_EQUAL(lks_stream_read(to, data, 16, &n), LKS_OK);
    CU_ASSERT_FALSE(holds_watched(to));
    watched = (const uint8_t *)also;
    CU_ASSERT_TRUE(holds_watched(to));
    num_leaks = 0;
    streams_end(&s);
    CU_ASSERT_EQUAL(num_leaks, 0);
    watched = NULL;
}

const struct lks_test stream_bounds_tests[] = {
    {"misuse", misuse},
    {"zero lengths", zero_lengths},
    {"early data", early_data},
    {"early data, chosen", early_data_chosen},
    {"certificate and session", certificate_and_session},
    {"certificate of a client", certificate_of_client},
    {"deferred public-key work", deferred_pkey},
    {"no memory", no_memory},
    {"allocates no more", allocates_no_more},
    {"plaintext is wiped", plaintext_is_wiped},
    {NULL, NULL},
};
