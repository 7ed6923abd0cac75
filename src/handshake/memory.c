/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/memory.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/complain.h"
#include "base/ct.h"
#include "handshake/errors.h"
#include "handshake/policy.h"
#include "handshake/resumption/session.h"

#define PERIOD_MIN_S 60u
#define PERIOD_MAX_S LKS_TICKET_LIFETIME_MAX
#define SESSIONS_MAX (UINT32_C(1) << 24)
#define HELLOS_MIN   64u
#define HELLOS_MAX   (UINT32_C(1) << 24)
#define WINDOW_MIN   1000u /* ms */
#define WINDOW_MAX   60000u

enum lks_status lks_memory_new(struct lks_memory **out)
{
    LKS_OWN_ERRORS;
    struct lks_memory *memory = calloc(1, sizeof(*memory));
    *out = memory;
    if (!memory)
        return LKS_NO_MEMORY;
    lks_part_init(&memory->part, "memory");
    memory->now_ms = lks_system_time_ms;
    lks_ticket_keys_init(&memory->keys);
    enum lks_status status = lks_session_cache_new(&memory->cache, 1024);
    if (!status)
        status = lks_ticket_keys_random(&memory->keys, 7200, memory->now_ms() / 1000);
    if (!status && RAND_bytes(memory->cookie_key, sizeof(memory->cookie_key)) != 1)
        status = LKS_INTERNAL;
    if (status) {
        lks_memory_free(memory);
        *out = NULL;
    }
    return status;
}

void lks_memory_free(struct lks_memory *memory)
{
    LKS_OWN_ERRORS;
    if (!memory || !lks_part_unref(&memory->part))
        return;
    lks_ticket_keys_wipe(&memory->keys);
    lks_replay_free(memory->replay);
    lks_session_cache_free(memory->cache);
    lks_wipe(memory->cookie_key, sizeof(memory->cookie_key));
    free(memory);
}

static enum lks_status check_period(uint32_t period_s, struct lks_error *err)
{
    if (period_s >= PERIOD_MIN_S && period_s <= PERIOD_MAX_S)
        return LKS_OK;
    return lks_complain_as(LKS_BAD_ARGUMENT, err, "ticket keys for %u seconds: %u to %u", period_s,
                           PERIOD_MIN_S, PERIOD_MAX_S);
}

/* Keys of tickets have a lock of their own: these calls are for a frozen memory, too. */
static enum lks_status say(enum lks_status status, struct lks_error *err)
{
    if (status == LKS_WANT_ROOM)
        lks_complain(err, "ticket keys: another thread is changing them; try again");
    return lks_part_say(status, err);
}

enum lks_status lks_memory_set_ticket_random(struct lks_memory *memory, uint32_t period_s,
                                             struct lks_error *err)
{
    LKS_OWN_ERRORS;
    lks_complain_not(err);
    enum lks_status status = check_period(period_s, err);
    if (!status)
        status = lks_ticket_keys_random(&memory->keys, period_s, memory->now_ms() / 1000);
    return say(status, err);
}

enum lks_status lks_memory_set_ticket_secret(struct lks_memory *memory, const uint8_t *secret,
                                             size_t secret_len, uint32_t period_s,
                                             struct lks_error *err)
{
    LKS_OWN_ERRORS;
    lks_complain_not(err);
    enum lks_status status = check_period(period_s, err);
    if (!status && (secret_len < 32 || secret_len > 64))
        status = lks_complain_as(LKS_BAD_ARGUMENT, err, "a ticket secret of %zu bytes: 32 to 64",
                                 secret_len);
    if (!status)
        status = lks_ticket_keys_derive(&memory->keys, secret, secret_len, period_s,
                                        memory->now_ms() / 1000);
    return say(status, err);
}

enum lks_status lks_memory_set_ticket_keys(struct lks_memory *memory, struct lks_source keys,
                                           struct lks_error *err)
{
    LKS_OWN_ERRORS;
    lks_complain_not(err);
    return say(lks_ticket_keys_load(&memory->keys, &keys, err), err);
}

enum lks_status lks_memory_reload_ticket_keys(struct lks_memory *memory, bool *changed,
                                              struct lks_error *err)
{
    LKS_OWN_ERRORS;
    bool ignored;
    lks_complain_not(err);
    return say(lks_ticket_keys_reload(&memory->keys, changed ? changed : &ignored, err), err);
}

static enum lks_status set_cache(struct lks_memory *memory, uint32_t num_sessions,
                                 struct lks_error *err)
{
    struct lks_session_cache *cache = NULL;
    if (num_sessions > SESSIONS_MAX)
        return lks_complain_as(LKS_BAD_ARGUMENT, err, "room for %u sessions: 0 to %u", num_sessions,
                               SESSIONS_MAX);
    enum lks_status status = num_sessions ? lks_session_cache_new(&cache, num_sessions) : LKS_OK;
    if (!status) {
        lks_session_cache_free(memory->cache);
        memory->cache = cache;
    }
    return status;
}

enum lks_status lks_memory_set_session_cache(struct lks_memory *memory, uint32_t num_sessions,
                                             struct lks_error *err)
{
    LKS_OWN_ERRORS;
    enum lks_status status = lks_part_begin(&memory->part, err);
    if (status)
        return status;
    return lks_part_end(&memory->part, set_cache(memory, num_sessions, err), err);
}

static enum lks_status set_replay(struct lks_memory *memory, uint32_t window_ms,
                                  uint32_t num_hellos, struct lks_error *err)
{
    struct lks_replay *replay;
    if (window_ms < WINDOW_MIN || window_ms > WINDOW_MAX || num_hellos < HELLOS_MIN ||
        num_hellos > HELLOS_MAX)
        return lks_complain_as(LKS_BAD_ARGUMENT, err,
                               "replay: a window of %u ms for %u hellos: %u to %u ms, and %u to %u "
                               "hellos",
                               window_ms, num_hellos, WINDOW_MIN, WINDOW_MAX, HELLOS_MIN,
                               HELLOS_MAX);
    enum lks_status status = lks_replay_new(&replay, window_ms, num_hellos);
    if (!status) {
        lks_replay_free(memory->replay);
        memory->replay = replay;
    }
    return status;
}

enum lks_status lks_memory_set_replay(struct lks_memory *memory, uint32_t window_ms,
                                      uint32_t num_hellos, struct lks_error *err)
{
    LKS_OWN_ERRORS;
    enum lks_status status = lks_part_begin(&memory->part, err);
    if (status)
        return status;
    return lks_part_end(&memory->part, set_replay(memory, window_ms, num_hellos, err), err);
}

enum lks_status lks_memory_set_cookie_key(struct lks_memory *memory, const uint8_t key[32],
                                          struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&memory->part, err);
    if (status)
        return status;
    memcpy(memory->cookie_key, key, sizeof(memory->cookie_key));
    return lks_part_end(&memory->part, LKS_OK, err);
}

enum lks_status lks_memory_set_session_store(
    struct lks_memory *memory, void (*get)(void *user, struct lks_conn *conn, struct lks_ask *ask),
    void (*put)(void *user, const uint8_t *id, size_t id_len, const uint8_t *bytes, size_t len,
                uint64_t until_ms),
    void (*remove)(void *user, const uint8_t *id, size_t id_len), void *user, struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&memory->part, err);
    if (status)
        return status;
    if (get && (!put || !remove))
        status = lks_complain_as(LKS_BAD_ARGUMENT, err,
                                 "a session store needs all of get, put and remove");
    else
        memory->store = (struct lks_store){{get, user}, put, remove};
    return lks_part_end(&memory->part, status, err);
}
