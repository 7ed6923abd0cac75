/* SPDX-License-Identifier: BSD-3-Clause */

/* pre_shared_key, RFC 8446 section 4.2.11: what a client offers, and what a server takes. */

#include <string.h>

#include "base/ct.h"
#include "handshake/core.h"
#include "handshake/psk.h"
#include "handshake/ticket.h"

/* PskKeyExchangeMode, section 4.2.9. */
enum { PSK_KE = 0, PSK_DHE_KE = 1 };

/* So many identities of a ClientHello are looked at: each costs the opening of a ticket. */
#define IDENTITIES_MAX 4u

bool lks_psk_mode_allowed(const struct lks_hs *hs, const struct lks_client_hello *hello,
                          bool *without_dhe)
{
    const struct lks_reader *modes = &hello->psk_modes;
    *without_dhe = false;
    if (modes->len && memchr(modes->data, PSK_DHE_KE, modes->len))
        return true;
    *without_dhe = modes->len && memchr(modes->data, PSK_KE, modes->len);
    return *without_dhe && hs->config->resumption.psk_only;
}

/* The suite to use with a PSK of this hash: the one chosen, or else our first that the client has,
 * too. NULL: none. After a HelloRetryRequest it stays. */
static const struct lks_suite *suite_for(const struct lks_hs *hs,
                                         const struct lks_client_hello *hello, size_t hash_len)
{
    if (hs->suite->hash_len == hash_len)
        return hs->suite;
    for (const struct lks_suite *const *s = hs->config->suites; *s && !hs->retried; s++)
        if ((*s)->version == LKS_TLS_1_3 && (*s)->hash_len == hash_len &&
            lks_list_has_u16(hello->suites, (*s)->number))
            return *s;
    return NULL;
}

static const struct lks_psk *find_external(const struct lks_hs *hs, struct lks_reader identity)
{
    const struct lks_resumption *r = &hs->config->resumption;
    for (uint32_t i = 0; i < r->num_psks; i++)
        if (r->psks[i].identity_len == identity.len &&
            memcmp(r->psks[i].identity, identity.data, identity.len) == 0)
            return &r->psks[i];
    return NULL;
}

static bool same_name(const struct lks_session *session, struct lks_reader name)
{
    uint8_t lower[LKS_SESSION_NAME_MAX], len;
    return lks_session_set_name(lower, &len, name, true) && len == session->server_name_len &&
           memcmp(lower, session->server_name, len) == 0;
}

static bool open_ticket(const struct lks_hs *hs, struct lks_session *session,
                        const struct lks_client_hello *hello, struct lks_reader identity)
{
    struct lks_resumption *r = &hs->config->resumption;
    const uint64_t now_ms = r->now_ms();
    if (hs->config
            ->client_auth) /* a ticket does not say who the client is; its keys may be shared */
        return false;
    const struct lks_ticket_ring *ring = lks_ticket_ring_acquire(&r->keys, now_ms / 1000);
    bool ok = lks_ticket_open(session, ring, identity);
    lks_ticket_ring_release(&r->keys, ring);
    return ok && session->kind == LKS_SESSION_TLS13 && !lks_session_expired(session, now_ms) &&
           same_name(session, hello->server_name);
}

static void use(struct lks_hs *hs, const struct lks_suite *suite, const uint8_t *key,
                size_t key_len, bool external, uint16_t index)
{
    hs->suite = suite;
    hs->psk.used = true;
    hs->psk.external = external;
    hs->psk.index = index;
    hs->psk.key_len = (uint8_t)key_len;
    memcpy(hs->psk.key, key, key_len);
}

static bool take_identity(struct lks_hs *hs, const struct lks_client_hello *hello,
                          struct lks_reader identity, uint16_t index)
{
    struct lks_session session;
    const struct lks_suite *suite;
    const struct lks_psk *psk = find_external(hs, identity);
    if (psk) {
        suite = suite_for(hs, hello, psk->hash_len);
        if (suite)
            use(hs, suite, psk->key, psk->key_len, true, index);
        return suite;
    }
    bool ok = open_ticket(hs, &session, hello, identity);
    suite = ok ? suite_for(hs, hello, session.secret_len) : NULL;
    if (suite)
        use(hs, suite, session.secret, session.secret_len, false, index);
    lks_wipe(&session, sizeof(session));
    return suite;
}

void lks_psk_choose(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    struct lks_reader list = hello->psk_identities, identity;
    uint32_t age;
    lks_wipe(&hs->psk, sizeof(hs->psk));
    if (!hello->has_psk || !lks_psk_mode_allowed(hs, hello, &hs->psk.without_dhe))
        return;
    for (uint16_t i = 0;
         i < IDENTITIES_MAX && lks_read_vec16(&list, &identity) && lks_read_u32(&list, &age); i++)
        if (take_identity(hs, hello, identity, i))
            return;
}

enum lks_status lks_psk_begin(struct lks_hs *hs, const struct lks_client_hello *hello,
                              const struct lks_incoming *in)
{
    static const uint8_t zeros[LKS_HASH_MAX];
    const size_t hash_len = hs->suite->hash_len;
    struct lks_reader list = hello->psk_binders, binder;
    uint8_t wanted[LKS_HASH_MAX];
    if (!hs->psk.used)
        return lks_psk_set(&hs->schedule, zeros, hash_len);
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
    /* Section 4.2.11: the server MUST check it before it takes the PSK. */
    return binder.len == hash_len && lks_ct_memeq(binder.data, wanted, hash_len)
               ? LKS_OK
               : LKS_ALERT_DECRYPT_ERROR;
}
