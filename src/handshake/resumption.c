/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/resumption.h"

#include <openssl/evp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ct.h"
#include "handshake/config.h"
#include "handshake/errors.h"
#include "handshake/session.h"

#define PERIOD_MIN_S 60u
#define PERIOD_MAX_S LKS_TICKET_LIFETIME_MAX

static uint64_t system_time_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t now_s(const struct lks_config *config)
{
    return config->resumption.now_ms() / 1000;
}

enum lks_status lks_resumption_begin(struct lks_resumption *r)
{
    r->now_ms = system_time_ms;
    r->num_tickets = 2;
    r->lifetime_s = 7200;
    lks_ticket_keys_init(&r->keys);
    enum lks_status status = lks_session_cache_new(&r->cache, 1024);
    if (status)
        return status;
    return lks_ticket_keys_random(&r->keys, 7200, r->now_ms() / 1000);
}

void lks_resumption_end(struct lks_resumption *r)
{
    lks_ticket_keys_wipe(&r->keys);
    lks_replay_free(r->replay);
    lks_session_cache_free(r->cache);
    if (r->psks)
        lks_wipe(r->psks, LKS_PSKS_MAX * sizeof(*r->psks));
    free(r->psks);
}

enum lks_status lks_config_set_ticket_random(struct lks_config *config, uint32_t period_s)
{
    LKS_OWN_ERRORS;
    if (period_s < PERIOD_MIN_S || period_s > PERIOD_MAX_S)
        return LKS_BAD_ARGUMENT;
    return lks_ticket_keys_random(&config->resumption.keys, period_s, now_s(config));
}

enum lks_status lks_config_set_ticket_secret(struct lks_config *config, const uint8_t *secret,
                                             size_t secret_len, uint32_t period_s)
{
    LKS_OWN_ERRORS;
    if (period_s < PERIOD_MIN_S || period_s > PERIOD_MAX_S || secret_len < 32 || secret_len > 64)
        return LKS_BAD_ARGUMENT;
    return lks_ticket_keys_derive(&config->resumption.keys, secret, secret_len, period_s,
                                  now_s(config));
}

enum lks_status lks_config_set_ticket_key_file(struct lks_config *config, const char *file,
                                               struct lks_error *err)
{
    LKS_OWN_ERRORS;
    return lks_ticket_keys_load(&config->resumption.keys, file, err);
}

enum lks_status lks_config_reload_ticket_keys(struct lks_config *config, bool *changed,
                                              struct lks_error *err)
{
    LKS_OWN_ERRORS;
    return lks_ticket_keys_reload(&config->resumption.keys, changed, err);
}

enum lks_status lks_config_set_tickets(struct lks_config *config, uint32_t num, uint32_t lifetime_s)
{
    /* RFC 8446 section 4.6.1: seven days at most. [8446 4.6.1-4] */
    if (num > LKS_TICKETS_MAX || lifetime_s < 1 || lifetime_s > LKS_TICKET_LIFETIME_MAX)
        return LKS_BAD_ARGUMENT;
    config->resumption.num_tickets = num;
    config->resumption.lifetime_s = lifetime_s;
    return LKS_OK;
}

enum lks_status lks_config_set_session_cache(struct lks_config *config, uint32_t num_sessions)
{
    struct lks_session_cache *cache = NULL;
    if (num_sessions > UINT32_C(1) << 24)
        return LKS_BAD_ARGUMENT;
    enum lks_status status = num_sessions ? lks_session_cache_new(&cache, num_sessions) : LKS_OK;
    if (status)
        return status;
    lks_session_cache_free(config->resumption.cache);
    config->resumption.cache = cache;
    return LKS_OK;
}

enum lks_status lks_config_set_psk_modes(struct lks_config *config, bool psk_dhe_ke, bool psk_ke)
{
    if (!psk_dhe_ke && !psk_ke)
        return LKS_BAD_ARGUMENT;
    config->resumption.no_psk_dhe_ke = !psk_dhe_ke;
    config->resumption.psk_ke = psk_ke;
    return LKS_OK;
}

static bool has_identity(const struct lks_config *config, const uint8_t *identity, size_t len)
{
    for (uint32_t i = 0; i < config->resumption.num_psks; i++)
        if (config->resumption.psks[i].identity_len == len &&
            memcmp(config->resumption.psks[i].identity, identity, len) == 0)
            return true;
    return false;
}

enum lks_status lks_config_add_psk(struct lks_config *config, const uint8_t *identity,
                                   size_t identity_len, const uint8_t *key, size_t key_len,
                                   const char *hash)
{
    LKS_OWN_ERRORS;
    const bool sha384 = strcmp(hash, "SHA384") == 0;
    struct lks_psk psk = {.identity_len = (uint8_t)identity_len, .key_len = (uint8_t)key_len};
    if (!identity_len || identity_len > sizeof(psk.identity) || key_len < 16 ||
        key_len > sizeof(psk.key) || (!sha384 && strcmp(hash, "SHA256") != 0) ||
        config->resumption.num_psks == LKS_PSKS_MAX || has_identity(config, identity, identity_len))
        return LKS_BAD_ARGUMENT;
    if (!config->resumption.psks)
        config->resumption.psks = calloc(LKS_PSKS_MAX, sizeof(*config->resumption.psks));
    if (!config->resumption.psks)
        return LKS_NO_MEMORY;
    /* RFC 8446 section 4.2.11: it has its hash from the start. [8446 4.2.11-2] */
    psk.hash_len = sha384 ? 48 : 32;
    memcpy(psk.identity, identity, identity_len);
    memcpy(psk.key, key, key_len);
    const bool ok =
        EVP_Digest(&psk, offsetof(struct lks_psk, digest), psk.digest, NULL, EVP_sha256(), NULL);
    if (ok)
        config->resumption.psks[config->resumption.num_psks++] = psk;
    lks_wipe(&psk, sizeof(psk));
    return ok ? LKS_OK : LKS_INTERNAL;
}

enum lks_status lks_config_set_early_data(struct lks_config *config, uint32_t max_bytes,
                                          uint32_t window_ms, uint32_t num_hellos)
{
    LKS_OWN_ERRORS;
    struct lks_replay *replay = NULL;
    if (max_bytes && (window_ms < 1000 || window_ms > 60000 || num_hellos < 64 ||
                      num_hellos > UINT32_C(1) << 24))
        return LKS_BAD_ARGUMENT;
    enum lks_status status = max_bytes ? lks_replay_new(&replay, window_ms, num_hellos) : LKS_OK;
    if (status)
        return status;
    /* RFC 8446 appendix E.5: nothing else sets it. [8446 E.5-3] */
    lks_replay_free(config->resumption.replay);
    config->resumption.replay = replay;
    config->resumption.max_early = max_bytes;
    return LKS_OK;
}
