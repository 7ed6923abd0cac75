/* SPDX-License-Identifier: BSD-3-Clause */

/* Resumption in TLS 1.2: by ticket (RFC 5077), whose keys are those of TLS 1.3's tickets, and by
 * session ID. Only sessions with an extended master secret: RFC 7627 section 5.4. */

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "handshake/exchange/hash.h"
#include "handshake/resumption/standing.h"
#include "handshake/resumption/ticket.h"

/* Where the server does not say how long: RFC 5246 section F.1.4 has a day at most. */
#define LIFETIME_S 86400u

/* What has to be the same for a session by ID. */
static bool digest_of(const struct lks_hs *hs, uint8_t digest[32])
{
    uint8_t bytes[32 + 32 + LKS_SESSION_NAME_MAX], len;
    memcpy(bytes, hs->basis, 32);
    return lks_standing_auth(hs, bytes + 32) &&
           lks_session_set_name(bytes + 64, &len, hs->server_name) &&
           EVP_Digest(bytes, 64u + len, digest, NULL, lks_hash_of(lks_suite_find(0x1301)), NULL);
}

static bool open_ticket(struct lks_hs *hs, const struct lks_client_hello *hello,
                        struct lks_session *session, uint8_t state[LKS_SESSION_STATE_MAX])
{
    struct lks_ticket_keys *keys = &hs->config->memory->keys;
    const uint64_t now_ms = lks_policy_now_ms(hs->config->policy);
    const struct lks_ticket_ring *ring = lks_ticket_ring_acquire(keys, now_ms / 1000);
    bool ok = lks_ticket_open(session, state, ring, hello->session_ticket);
    lks_ticket_ring_release(keys, ring);
    const size_t len = hs->server_name ? strlen(hs->server_name) : 0;
    return ok && session->kind == LKS_SESSION_TLS12 && session->extended_master &&
           lks_standing_holds(hs, session, now_ms) && len == session->server_name_len &&
           (!len || !memcmp(session->server_name, hs->server_name, len));
}

/* What is in the cache was made with this memory, if with other certificates. */
static bool find_cached(struct lks_hs *hs, const struct lks_client_hello *hello,
                        struct lks_session *session, uint8_t shown[LKS_SHOWN_MAX])
{
    struct lks_session_cache *cache = hs->config->memory->cache;
    struct lks_cached_session cached;
    uint8_t digest[32];
    lks_standing_on_certificate(hs);
    bool ok = cache &&
              lks_session_cache_get(cache, &cached, shown, hello->session_id,
                                    lks_policy_now_ms(hs->config->policy)) &&
              digest_of(hs, digest) && memcmp(digest, cached.digest, sizeof(digest)) == 0 &&
              lks_standing_admits(hs, lks_reader_of(cached.shown, cached.shown_len));
    if (ok) {
        session->suite = cached.suite;
        session->shown = lks_reader_of(cached.shown, cached.shown_len);
        memcpy(session->secret, cached.master, LKS_MASTER_LEN);
    }
    lks_wipe(&cached, sizeof(cached));
    return ok;
}

/* Half of the ID stands where a ticket has what TLS 1.2 does not use: so no ticket is taken for
 * what is stored, and nothing for what is stored under another ID. */
static void bind_id(struct lks_session *session, const uint8_t *id)
{
    memcpy(&session->origin, id, 8);
    memcpy(&session->age_add, id + 8, 4);
    memcpy(&session->max_early, id + 12, 4);
}

static bool is_bound(const struct lks_session *session, const uint8_t *id)
{
    struct lks_session wanted = {0};
    bind_id(&wanted, id);
    return session->origin == wanted.origin && session->age_add == wanted.age_add &&
           session->max_early == wanted.max_early;
}

/* What the store gave; it is trusted with nothing. */
static bool open_stored(const struct lks_hs *hs, struct lks_session *session,
                        uint8_t state[LKS_SESSION_STATE_MAX])
{
    const struct lks_store *store = &hs->config->memory->store;
    const uint8_t *id = hs->stored->session.id;
    struct lks_ticket_keys *keys = &hs->config->memory->keys;
    const uint64_t now_ms = lks_policy_now_ms(hs->config->policy);
    const struct lks_ticket_ring *ring = lks_ticket_ring_acquire(keys, now_ms / 1000);
    const bool ok =
        lks_ticket_open(session, state, ring,
                        lks_reader_of(hs->stored->session.bytes, hs->stored->session.len)) &&
        session->kind == LKS_SESSION_TLS12 && session->extended_master && is_bound(session, id);
    lks_ticket_ring_release(keys, ring);
    const size_t len = hs->server_name ? strlen(hs->server_name) : 0;
    if (!ok || lks_session_expired(session, now_ms))
        store->remove(store->get.user, id, LKS_CACHE_ID_LEN);
    return ok && lks_standing_holds(hs, session, now_ms) && len == session->server_name_len &&
           (!len || !memcmp(session->server_name, hs->server_name, len));
}

/* The session's suite, if both sides still have it. [5246 7.4.1.2-3] */
static const struct lks_suite *suite_for(const struct lks_hs *hs,
                                         const struct lks_client_hello *hello, uint16_t number)
{
    for (const struct lks_suite *const *s = hs->config->policy->suites; *s; s++)
        if ((*s)->number == number && lks_list_has_u16(hello->suites, number))
            return *s;
    return NULL;
}

/* [7627 5.3-2 5.3-3]: sessions without an extended master secret are never kept. */
static enum lks_status take_up(struct lks_hs *hs, const struct lks_client_hello *hello,
                               const struct lks_session *session)
{
    struct lks_tls12 *t = &hs->tls12;
    hs->suite = suite_for(hs, hello, session->suite);
    if (!hs->suite)
        return LKS_OK; /* then in full */
    if (!t->extended_master)
        return lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_RESUMED_WITHOUT_EMS);
    t->resumed = true;
    memcpy(t->master, session->secret, LKS_MASTER_LEN);
    /* RFC 5077 section 3.4: the client's own ID tells it that its ticket was taken. */
    memcpy(t->session_id, hello->session_id.data, hello->session_id.len);
    t->session_id_len = (uint8_t)hello->session_id.len;
    return lks_standing_inherit_client(hs, session->shown);
}

enum lks_status lks_tls12_resume(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    struct lks_session session = {0};
    uint8_t state[LKS_SESSION_STATE_MAX]; /* of a ticket, or what a client has shown */
    if (!hs->certificate || lks_hs_name_is_odd(hs, hello))
        return LKS_OK;
    bool found;
    enum lks_status status = LKS_OK;
    if (hello->session_ticket.len) {
        found = open_ticket(hs, hello, &session, state);
    } else if (hs->config->memory->store.get.ask) {
        status = lks_hs_ask_session(hs, hello->session_id);
        found = !status && hs->stored && open_stored(hs, &session, state);
    } else {
        found = find_cached(hs, hello, &session, state);
    }
    if (!status)
        status = found ? take_up(hs, hello, &session) : LKS_OK;
    lks_wipe(&session, sizeof(session));
    lks_wipe(state, sizeof(state));
    return status;
}

static bool has_ticket_keys(const struct lks_hs *hs)
{
    struct lks_ticket_keys *keys = &hs->config->memory->keys;
    const struct lks_ticket_ring *ring =
        lks_ticket_ring_acquire(keys, lks_policy_now_ms(hs->config->policy) / 1000);
    bool has = ring->num_keys != 0;
    lks_ticket_ring_release(keys, ring);
    return has;
}

/* How the session to come can be taken up again: by a ticket, or else by its ID. [5246 7.4.1.2-1]
 */
enum lks_status lks_tls12_begin_session(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    struct lks_tls12 *t = &hs->tls12;
    const struct lks_policy *policy = hs->config->policy;
    if (!t->extended_master || lks_hs_name_is_odd(hs, hello) ||
        (policy->client_auth && policy->client_sessions == LKS_CLIENT_SESSIONS_OFF))
        return LKS_OK;
    t->sends_ticket = hello->has_session_ticket && policy->num_tickets && has_ticket_keys(hs);
    if (t->sends_ticket || !(hs->config->memory->cache || hs->config->memory->store.get.ask))
        return LKS_OK;
    t->session_id_len = LKS_CACHE_ID_LEN;
    return lks_hs_random(hs, t->session_id, t->session_id_len);
}

static enum lks_status describe(const struct lks_hs *hs, struct lks_session *session)
{
    enum lks_status status = lks_standing_describe(hs, session);
    if (status)
        return status;
    session->extended_master = true;
    session->secret_len = LKS_MASTER_LEN;
    memcpy(session->secret, hs->tls12.master, LKS_MASTER_LEN);
    return LKS_OK;
}

/* RFC 5077 section 3.3: one that was promised comes, if only empty, as where what it would stand on
 * has ended meanwhile (a clock that was put forward, say), or it would not say who the client is. A
 * lifetime of 0 leaves it to the client, so only an empty one has that: nothing is for no time. */
enum lks_status lks_tls12_ticket_write(struct lks_hs *hs)
{
    struct lks_ticket_keys *keys = &hs->config->memory->keys;
    struct lks_writer *w = &hs->out;
    struct lks_session session;
    if (!hs->tls12.sends_ticket)
        return LKS_OK;
    enum lks_status status = describe(hs, &session);
    const struct lks_ticket_ring *ring =
        lks_ticket_ring_acquire(keys, lks_policy_now_ms(hs->config->policy) / 1000);
    const bool is_empty =
        status || !ring->num_keys || !session.lifetime_s || !lks_standing_is_kept(hs);
    if (!status)
        status = lks_ticket_reserve(hs, &session);
    size_t message = lks_message_begin(hs, LKS_MSG_NEW_SESSION_TICKET);
    lks_write_u32(w, is_empty ? 0 : session.lifetime_s);
    size_t ticket = lks_write_open(w, 2);
    if (!is_empty && !status)
        status = lks_ticket_seal(w, ring, &session);
    lks_ticket_ring_release(keys, ring);
    lks_write_close(w, ticket, 2);
    lks_wipe(&session, sizeof(session));
    hs->num_tickets += !is_empty;
    return status ? status : lks_message_end(hs, message);
}

/* Without keys to seal it with nothing is kept. */
static void store_session(struct lks_hs *hs)
{
    const struct lks_store *store = &hs->config->memory->store;
    struct lks_ticket_keys *keys = &hs->config->memory->keys;
    uint8_t bytes[LKS_STORED_MAX];
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    struct lks_session session;
    if (!lks_standing_is_kept(hs) || describe(hs, &session))
        return;
    bind_id(&session, hs->tls12.session_id);
    const struct lks_ticket_ring *ring =
        lks_ticket_ring_acquire(keys, lks_policy_now_ms(hs->config->policy) / 1000);
    const enum lks_status status = lks_ticket_seal(&w, ring, &session);
    lks_ticket_ring_release(keys, ring);
    if (!status && !w.failed && session.lifetime_s)
        store->put(store->get.user, hs->tls12.session_id, LKS_CACHE_ID_LEN, bytes, w.len,
                   session.issued_ms + UINT64_C(1000) * session.lifetime_s);
    lks_wipe(&session, sizeof(session));
}

void lks_tls12_cache_session(struct lks_hs *hs)
{
    if (hs->config->memory->store.get.ask) {
        if (!hs->tls12.resumed && hs->tls12.session_id_len)
            store_session(hs);
        return;
    }
    const struct lks_policy *policy = hs->config->policy;
    const struct lks_tls12 *t = &hs->tls12;
    struct lks_cached_session s = {.until_ms = lks_policy_now_ms(policy) +
                                               (uint64_t)policy->lifetime_s * 1000,
                                   .suite = hs->suite->number,
                                   .shown_len = (uint16_t)hs->shown.len,
                                   .shown = (uint8_t *)(uintptr_t)hs->shown.data};
    if (t->resumed || !t->session_id_len || !lks_standing_is_kept(hs) || !digest_of(hs, s.digest))
        return;
    if (hs->until_ms < s.until_ms)
        s.until_ms = hs->until_ms;
    memcpy(s.id, t->session_id, sizeof(s.id));
    memcpy(s.master, t->master, sizeof(s.master));
    lks_session_cache_put(hs->config->memory->cache, &s);
    lks_wipe(&s, sizeof(s));
}

bool lks_tls12_has_session(const struct lks_hs *hs)
{
    return hs->session && hs->session->session.kind == LKS_SESSION_TLS12;
}

enum lks_status lks_tls12_set_session_id(struct lks_hs *hs)
{
    if (!lks_tls12_has_session(hs))
        return LKS_OK;
    if (hs->session->by_id) {
        hs->session_id_len = (uint8_t)hs->session->ticket_len;
        memcpy(hs->session_id, hs->session->ticket, hs->session->ticket_len);
        return LKS_OK;
    }
    hs->session_id_len = sizeof(hs->session_id);
    return lks_hs_random(hs, hs->session_id, sizeof(hs->session_id));
}

/* RFC 5077 section 3.3. */
enum lks_status lks_tls12_ticket_read(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_tls12 *t = &hs->tls12;
    struct lks_reader ticket;
    if (!lks_read_u32(&body, &t->lifetime_s) || !lks_read_vec16(&body, &ticket) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_TICKET_MALFORMED);
    if (!ticket.len)
        return LKS_OK;
    t->ticket = malloc(ticket.len);
    if (!t->ticket)
        return LKS_NO_MEMORY;
    memcpy(t->ticket, ticket.data, ticket.len);
    t->ticket_len = ticket.len;
    return LKS_OK;
}

static uint32_t lifetime_of(const struct lks_tls12 *t)
{
    const uint32_t lifetime_s = t->lifetime_s ? t->lifetime_s : LIFETIME_S;
    return lifetime_s < LKS_TICKET_LIFETIME_MAX ? lifetime_s : LKS_TICKET_LIFETIME_MAX;
}

/* What the server gave, or what was resumed once more. */
void lks_hs_tls12_session(const struct lks_hs *hs, struct lks_writer *out)
{
    const struct lks_tls12 *t = &hs->tls12;
    struct lks_session session;
    if (!t->extended_master || describe(hs, &session))
        return;
    session.lifetime_s = lifetime_of(t);
    if (t->ticket_len) {
        lks_client_session_write(out, &session, lks_reader_of(t->ticket, t->ticket_len), false);
    } else if (t->resumed) {
        lks_client_session_write(out, &hs->session->session,
                                 lks_reader_of(hs->session->ticket, hs->session->ticket_len),
                                 hs->session->by_id);
    } else if (t->session_id_len) {
        lks_client_session_write(out, &session, lks_reader_of(t->session_id, t->session_id_len),
                                 true);
    }
    lks_wipe(&session, sizeof(session));
}
