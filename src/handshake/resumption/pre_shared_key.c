/* SPDX-License-Identifier: BSD-3-Clause */

/* pre_shared_key, RFC 8446 section 4.2.11: what a client offers, and what a server takes. */

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "handshake/core.h"
#include "handshake/resumption/psk.h"
#include "handshake/resumption/standing.h"
#include "handshake/resumption/ticket.h"

/* PskKeyExchangeMode, section 4.2.9. */
enum { PSK_KE = 0, PSK_DHE_KE = 1 };

/* So many identities of a ClientHello are looked at: each costs the opening of a ticket. */
#define IDENTITIES_MAX 4u

/* RFC 8446 section 4.2.9: a mode that the client listed. [8446 4.1.1-2 4.2.9-4] */
bool lks_psk_mode_allowed(const struct lks_hs *hs, const struct lks_client_hello *hello,
                          bool *without_dhe)
{
    const struct lks_reader *modes = &hello->psk_modes;
    const struct lks_policy *policy = hs->config->policy;
    *without_dhe = false;
    if (!modes->len)
        return false;
    if (!policy->no_psk_dhe_ke && memchr(modes->data, PSK_DHE_KE, modes->len))
        return true;
    *without_dhe = policy->psk_ke && memchr(modes->data, PSK_KE, modes->len);
    return *without_dhe;
}

/* The suite to use with a PSK of this hash: the one chosen, or else our first that the client has,
 * too. NULL: none. After a HelloRetryRequest it stays. [8446 4.2.11-3 4.6.1-1] */
static const struct lks_suite *suite_for(const struct lks_hs *hs,
                                         const struct lks_client_hello *hello, size_t hash_len)
{
    if (hs->suite->hash_len == hash_len)
        return hs->suite;
    for (const struct lks_suite *const *s = hs->config->policy->suites; *s && !hs->retried; s++)
        if ((*s)->version == LKS_TLS_1_3 && (*s)->hash_len == hash_len &&
            lks_list_has_u16(hello->suites, (*s)->number))
            return *s;
    return NULL;
}

static const struct lks_psk *find_external(const struct lks_hs *hs, struct lks_reader identity)
{
    const struct lks_identities *ids = hs->config->identities;
    for (uint32_t i = 0; i < ids->num_psks; i++)
        if (ids->psks[i].identity_len == identity.len &&
            memcmp(ids->psks[i].identity, identity.data, identity.len) == 0)
            return &ids->psks[i];
    return NULL;
}

static bool same_name(const struct lks_session *session, const char *name)
{
    const size_t len = name ? strlen(name) : 0;
    return len == session->server_name_len && (!len || !memcmp(name, session->server_name, len));
}

static bool open_ticket(const struct lks_hs *hs, struct lks_session *session,
                        uint8_t state[LKS_SESSION_STATE_MAX], struct lks_reader identity)
{
    struct lks_ticket_keys *keys = &hs->config->memory->keys;
    const uint64_t now_ms = lks_policy_now_ms(hs->config->policy);
    const struct lks_ticket_ring *ring = lks_ticket_ring_acquire(keys, now_ms / 1000);
    bool ok = lks_ticket_open(session, state, ring, identity);
    lks_ticket_ring_release(keys, ring);
    return ok && session->kind == LKS_SESSION_TLS13 && lks_standing_holds(hs, session, now_ms) &&
           same_name(session, hs->server_name);
}

static void use(struct lks_hs *hs, const struct lks_suite *suite, const uint8_t *key,
                size_t key_len, const struct lks_psk *external, uint16_t index)
{
    hs->suite = suite;
    hs->psk.used = true;
    hs->psk.external = external != NULL;
    hs->psk.source = external;
    hs->psk.index = index;
    hs->psk.key_len = (uint8_t)key_len;
    memcpy(hs->psk.key, key, key_len);
}

/* Section 4.2.11: whatever age it says; no ticket of ours is that. [8446 4.2.11-1] */
static void take_external(struct lks_hs *hs, const struct lks_client_hello *hello,
                          const struct lks_psk *psk, uint16_t index)
{
    const struct lks_suite *suite = suite_for(hs, hello, psk->hash_len);
    if (!suite)
        return;
    use(hs, suite, psk->key, psk->key_len, psk, index);
    lks_standing_set(hs, psk->digest, UINT64_MAX);
}

static enum lks_status take_ticket(struct lks_hs *hs, const struct lks_client_hello *hello,
                                   struct lks_reader identity, uint32_t age, uint16_t index)
{
    struct lks_session session;
    uint8_t state[LKS_SESSION_STATE_MAX];
    enum lks_status status = LKS_OK;
    const bool ok = open_ticket(hs, &session, state, identity);
    const struct lks_suite *suite = ok ? suite_for(hs, hello, session.secret_len) : NULL;
    if (suite) {
        use(hs, suite, session.secret, session.secret_len, NULL, index);
        lks_early_data_note(hs, &session, age);
        status = lks_standing_inherit(hs, &session);
    }
    lks_wipe(&session, sizeof(session));
    lks_wipe(state, sizeof(state));
    return status;
}

enum lks_status lks_psk_choose(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    struct lks_reader list = hello->psk_identities, identity;
    enum lks_status status = LKS_OK;
    uint32_t age;
    lks_wipe(&hs->psk, sizeof(hs->psk));
    lks_standing_forget_client(hs);
    if (!hello->has_psk || !lks_psk_mode_allowed(hs, hello, &hs->psk.without_dhe))
        return LKS_OK;
    for (uint16_t i = 0; i < IDENTITIES_MAX && !status && !hs->psk.used &&
                         lks_read_vec16(&list, &identity) && lks_read_u32(&list, &age);
         i++) {
        const struct lks_psk *psk = find_external(hs, identity);
        if (psk)
            take_external(hs, hello, psk, i);
        else
            status = take_ticket(hs, hello, identity, age, i);
    }
    return status;
}

enum lks_status lks_psk_begin(struct lks_hs *hs, const struct lks_client_hello *hello,
                              const struct lks_incoming *in)
{
    const size_t hash_len = hs->suite->hash_len;
    struct lks_reader list = hello->psk_binders, binder;
    uint8_t wanted[LKS_HASH_MAX];
    if (!hs->psk.used)
        return lks_psk_set_none(&hs->schedule);
    for (uint16_t i = 0; i <= hs->psk.index; i++)
        if (!lks_read_vec8(&list, &binder))
            return LKS_INTERNAL; /* it was parsed before */
    /* What is bound ends in front of the list of binders and its length. */
    size_t bound_len = (size_t)(hello->psk_binders.data - in->message.data) - 2;
    enum lks_status status = lks_psk_set(&hs->schedule, hs->psk.key, hs->psk.key_len);
    if (!status)
        status =
            lks_psk_binder(&hs->schedule, hs->psk.external, in->message.data, bound_len, wanted);
    if (status)
        return status;
    /* Section 4.2.11: the server MUST check it before it takes the PSK. [8446 4.2.11-4] */
    return binder.len == hash_len && lks_ct_memeq(binder.data, wanted, hash_len)
               ? LKS_OK
               : lks_because(LKS_ALERT_DECRYPT_ERROR, LKS_WHY_BINDER_WRONG);
}

/* A key that the client offers. */
struct offer {
    const struct lks_suite *suite; /* one with its hash */
    struct lks_reader identity, key;
    const struct lks_psk *external; /* NULL: of a session */
    uint32_t obfuscated_age;
};

/* After a HelloRetryRequest only keys for the suite's hash are left, section 4.1.2. [8446 4.6.1-1]
 */
static const struct lks_suite *own_suite_for(const struct lks_hs *hs, size_t hash_len)
{
    if (hs->retried)
        return hs->suite->hash_len == hash_len ? hs->suite : NULL;
    for (const struct lks_suite *const *s = hs->config->policy->suites; *s; s++)
        if ((*s)->version == LKS_TLS_1_3 && (*s)->hash_len == hash_len)
            return *s;
    return NULL;
}

static bool offer_session(const struct lks_hs *hs, struct offer *o)
{
    const struct lks_hs_session *s = hs->session;
    if (!s || s->session.kind != LKS_SESSION_TLS13)
        return false;
    const uint64_t age_ms =
        hs->hello_ms > s->session.issued_ms ? hs->hello_ms - s->session.issued_ms : 0;
    *o = (struct offer){.suite = own_suite_for(hs, s->session.secret_len),
                        .identity = lks_reader_of(s->ticket, s->ticket_len),
                        .key = lks_reader_of(s->session.secret, s->session.secret_len),
                        .obfuscated_age = (uint32_t)age_ms + s->session.age_add};
    return o->suite;
}

/* The n-th key on offer: the session's, then the external ones. False at the end. [8446 4.2.10-2]
 */
static bool nth_offer(const struct lks_hs *hs, uint32_t n, struct offer *o)
{
    const struct lks_identities *ids = hs->config->identities;
    if (offer_session(hs, o) && n-- == 0)
        return true;
    for (uint32_t i = 0; i < ids->num_psks; i++) {
        const struct lks_psk *psk = &ids->psks[i];
        *o = (struct offer){.suite = own_suite_for(hs, psk->hash_len),
                            .identity = lks_reader_of(psk->identity, psk->identity_len),
                            .key = lks_reader_of(psk->key, psk->key_len),
                            .external = psk};
        if (o->suite && n-- == 0)
            return true;
    }
    return false;
}

size_t lks_psk_offer_room(const struct lks_hs *hs)
{
    struct offer o;
    size_t len = 0;
    for (uint32_t i = 0; nth_offer(hs, i, &o); i++)
        len += o.identity.len + o.suite->hash_len + 16;
    return len;
}

bool lks_psk_offer_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    struct offer o;
    if (!nth_offer(hs, 0, &o))
        return false;
    hs->offered |= lks_extension_bit(LKS_EXT_PRE_SHARED_KEY);
    lks_write_u16(w, LKS_EXT_PRE_SHARED_KEY);
    size_t extension = lks_write_open(w, 2);
    size_t list = lks_write_open(w, 2);
    for (uint32_t i = 0; nth_offer(hs, i, &o); i++) {
        lks_write_u16(w, (uint16_t)o.identity.len);
        lks_write_bytes(w, o.identity.data, o.identity.len);
        lks_write_u32(w, o.obfuscated_age);
    }
    lks_write_close(w, list, 2);
    list = lks_write_open(w, 2);
    for (uint32_t i = 0; nth_offer(hs, i, &o); i++) {
        lks_write_u8(w, o.suite->hash_len);
        lks_write_room(w, o.suite->hash_len); /* for lks_psk_offer_bind() */
    }
    lks_write_close(w, list, 2);
    lks_write_close(w, extension, 2);
    return true;
}

/* A binder under a key of one hash; the transcript so far is of that hash, or still empty. */
static enum lks_status bind(struct lks_hs *hs, const struct offer *o, struct lks_reader bound,
                            uint8_t *out)
{
    struct lks_schedule fresh = {0}, *s = hs->retried ? &hs->schedule : &fresh;
    enum lks_status status = hs->retried ? LKS_OK : lks_schedule_begin(s, o->suite);
    if (!status)
        status = lks_psk_set(s, o->key.data, o->key.len);
    if (!status)
        status = lks_psk_binder(s, o->external, bound.data, bound.len, out);
    lks_schedule_wipe(&fresh);
    return status;
}

enum lks_status lks_psk_offer_bind(struct lks_hs *hs, uint8_t *hello, size_t hello_len)
{
    struct offer o;
    size_t binders_len = 0;
    enum lks_status status = LKS_OK;
    for (uint32_t i = 0; nth_offer(hs, i, &o); i++)
        binders_len += 1u + o.suite->hash_len;
    uint8_t *out = hello + hello_len - binders_len;
    const struct lks_reader bound = lks_reader_of(hello, hello_len - binders_len - 2);
    for (uint32_t i = 0; !status && nth_offer(hs, i, &o); i++) {
        status = bind(hs, &o, bound, out + 1);
        out += 1u + o.suite->hash_len;
    }
    return status;
}

enum lks_status lks_psk_offer_taken(struct lks_hs *hs, uint16_t index)
{
    struct offer o;
    /* Section 4.2.11: one of those that were offered, with a suite of its hash. [8446 4.2.11-6] */
    if (!nth_offer(hs, index, &o) || o.suite->hash_len != hs->suite->hash_len)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_PSK_NOT_OFFERED);
    use(hs, hs->suite, o.key.data, o.key.len, o.external, index);
    enum lks_status status = LKS_OK;
    if (o.external)
        lks_standing_set(hs, o.external->digest, UINT64_MAX);
    else
        status = lks_standing_inherit(hs, &hs->session->session);
    return status ? status : lks_psk_set(&hs->schedule, o.key.data, o.key.len);
}

/* RFC 8446 section 4.2.9: wherever a PSK is on offer. [8446 4.2.9-1] */
void lks_psk_modes_write(struct lks_hs *hs)
{
    const struct lks_policy *policy = hs->config->policy;
    struct lks_writer *w = &hs->out;
    if (!policy->num_tickets && !hs->config->identities->num_psks && !hs->session)
        return;
    hs->offered |= lks_extension_bit(LKS_EXT_PSK_KEY_EXCHANGE_MODES);
    lks_write_u16(w, LKS_EXT_PSK_KEY_EXCHANGE_MODES);
    size_t extension = lks_write_open(w, 2);
    size_t list = lks_write_open(w, 1);
    if (!policy->no_psk_dhe_ke)
        lks_write_u8(w, PSK_DHE_KE);
    if (policy->psk_ke)
        lks_write_u8(w, PSK_KE);
    lks_write_close(w, list, 1);
    lks_write_close(w, extension, 2);
}

/* What the application keeps of a session, a client's: the ticket, or TLS 1.2's session ID, behind
 * the state. */
#define CLIENT_FORMAT_TICKET 1u
#define CLIENT_FORMAT_ID     2u

void lks_client_session_write(struct lks_writer *w, const struct lks_session *session,
                              struct lks_reader ticket, bool by_id)
{
    lks_write_u8(w, by_id ? CLIENT_FORMAT_ID : CLIENT_FORMAT_TICKET);
    size_t state = lks_write_open(w, 2);
    lks_session_write(w, session);
    lks_write_close(w, state, 2);
    size_t list = lks_write_open(w, 2);
    lks_write_bytes(w, ticket.data, ticket.len);
    lks_write_close(w, list, 2);
}

enum lks_status lks_client_session_keep(struct lks_hs *hs, const uint8_t *bytes, size_t len)
{
    struct lks_reader in = lks_reader_of(bytes, len), state, ticket;
    struct lks_session session;
    uint8_t version;
    hs->hello_ms = lks_policy_now_ms(hs->config->policy);
    if (len > LKS_SESSION_MAX || !lks_read_u8(&in, &version) ||
        (version != CLIENT_FORMAT_TICKET && version != CLIENT_FORMAT_ID) ||
        !lks_read_vec16(&in, &state) || !lks_read_vec16(&in, &ticket) || in.len || !ticket.len ||
        !lks_session_read(&session, state))
        return LKS_OK; /* of another version, say: then without */
    enum lks_status status = LKS_OK;
    const bool by_id = version == CLIENT_FORMAT_ID;
    const bool fits = session.kind == LKS_SESSION_TLS12
                          ? session.extended_master &&
                                (!by_id || ticket.len <= LKS_SESSION_ID_MAX) &&
                                lks_config_suite(hs->config, session.suite)
                          : !by_id;
    /* RFC 8446 sections 4.2.11.1 and 4.6.1: in its time, for its name, and while we would believe
     * the server what it showed. [8446 4.2.11.1-1 4.6.1-2] */
    if (fits && lks_standing_holds(hs, &session, hs->hello_ms) &&
        same_name(&session, hs->peer_name)) {
        hs->session = malloc(sizeof(*hs->session) + ticket.len);
        if (hs->session) {
            hs->session->session = session; /* a client's has nothing shown */
            hs->session->by_id = by_id;
            hs->session->ticket_len = ticket.len;
            memcpy(hs->session->ticket, ticket.data, ticket.len);
        } else {
            status = LKS_NO_MEMORY;
        }
    }
    lks_wipe(&session, sizeof(session));
    return status;
}
