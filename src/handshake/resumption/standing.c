/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/resumption/standing.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/certificate/verify.h"
#include "handshake/errors.h"
#include "handshake/exchange/hash.h"
#include "handshake/resumption/shown.h"

static const uint8_t named[32]; /* the certificate answers to the name */

void lks_standing_set(struct lks_hs *hs, const uint8_t basis[32], uint64_t until_ms)
{
    const uint64_t last_ms =
        lks_policy_now_ms(hs->config->policy) + UINT64_C(1000) * LKS_TICKET_LIFETIME_MAX;
    memcpy(hs->basis, basis, sizeof(hs->basis));
    hs->until_ms = until_ms < last_ms ? until_ms : last_ms;
    memset(&hs->verified, 0, sizeof(hs->verified));
}

static const uint8_t *basis_of_certificate(const struct lks_hs *hs)
{
    return hs->names_server ? named : hs->certificate->digest;
}

void lks_standing_on_certificate(struct lks_hs *hs)
{
    lks_standing_set(hs, basis_of_certificate(hs), UINT64_MAX);
}

void lks_standing_forget_client(struct lks_hs *hs)
{
    free((uint8_t *)(uintptr_t)hs->shown.data);
    hs->shown = lks_reader_of(NULL, 0);
}

enum lks_status lks_standing_inherit_client(struct lks_hs *hs, struct lks_reader shown)
{
    lks_standing_forget_client(hs);
    if (!shown.len)
        return LKS_OK;
    uint8_t *copy = malloc(shown.len);
    if (!copy)
        return LKS_NO_MEMORY;
    memcpy(copy, shown.data, shown.len);
    hs->shown = lks_reader_of(copy, shown.len);
    return LKS_OK;
}

enum lks_status lks_standing_on_client(struct lks_hs *hs)
{
    LKS_OWN_ERRORS;
    const enum lks_client_sessions how = hs->config->policy->client_sessions;
    if (hs->config->policy->verifier.ask) /* which is to have its say each time */
        return LKS_OK;
    uint8_t bytes[LKS_SHOWN_MAX];
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    if (hs->peer->until_ms < hs->until_ms)
        hs->until_ms = hs->peer->until_ms;
    if (how == LKS_CLIENT_SESSIONS_OFF)
        return LKS_OK;
    enum lks_status status = lks_shown_write(&w, hs->peer, how == LKS_CLIENT_SESSIONS_CHAIN);
    if (status || w.failed) /* no room: then no session */
        return status;
    return lks_standing_inherit_client(hs, lks_reader_of(bytes, w.len));
}

enum lks_status lks_standing_inherit(struct lks_hs *hs, const struct lks_session *session)
{
    lks_standing_set(hs, session->basis, session->until_ms);
    hs->verified = session->verified;
    return lks_standing_inherit_client(hs, session->shown);
}

static bool is_psk(const struct lks_hs *hs, const uint8_t basis[32])
{
    const struct lks_identities *ids = hs->config->identities;
    for (uint32_t i = 0; i < ids->num_psks; i++)
        if (memcmp(ids->psks[i].digest, basis, sizeof(ids->psks[i].digest)) == 0)
            return true;
    return false;
}

/* What the application has a say in stands on that, too: a session that was made without it, or
 * where it alone had verified, is another one. */
static bool basis_of_anchor(const struct lks_policy *policy, const uint8_t anchor[32],
                            uint8_t basis[32])
{
    uint8_t bytes[33] = {0};
    bytes[0] = (uint8_t)(1 + policy->verifies);
    if (!policy->verifier.ask || policy->verifies == LKS_VERIFY_AFTER)
        memcpy(bytes + 1, anchor, 32);
    if (!policy->verifier.ask)
        memcpy(basis, anchor, 32);
    return !policy->verifier.ask ||
           EVP_Digest(bytes, sizeof(bytes), basis, NULL, EVP_sha256(), NULL) == 1;
}

enum lks_status lks_standing_on_peer(struct lks_hs *hs)
{
    const struct lks_policy *policy = hs->config->policy;
    const bool instead = policy->verifier.ask && policy->verifies == LKS_VERIFY_INSTEAD;
    /* What a server has shown does not stand in our session, so CRLs cannot be asked again. */
    const uint64_t until_ms =
        hs->peer->until_ms < hs->peer->crls_until_ms ? hs->peer->until_ms : hs->peer->crls_until_ms;
    uint8_t basis[32];
    if (!basis_of_anchor(policy, hs->peer->anchor_digest, basis))
        return LKS_NO_MEMORY;
    lks_standing_set(hs, basis, instead ? UINT64_MAX : until_ms);
    hs->verified.stapled = hs->peer->stapled;
    hs->verified.must_staple = hs->peer->must_staple;
    return LKS_OK;
}

static bool is_anchor(const struct lks_hs *hs, const uint8_t basis[32])
{
    if (hs->config->policy->hooks && hs->config->policy->hooks->takes_any_peer)
        return true;
    const struct lks_policy *policy = hs->config->policy;
    const bool instead = policy->verifier.ask && policy->verifies == LKS_VERIFY_INSTEAD;
    uint8_t known[32];
    for (int i = 0; i < sk_X509_num(policy->anchors) && !instead; i++)
        if (basis_of_anchor(policy, policy->anchor_digests[i], known) &&
            memcmp(known, basis, 32) == 0)
            return true;
    return instead && basis_of_anchor(policy, named, known) && memcmp(known, basis, 32) == 0;
}

/* SHA-256 over that of each, in their order; zeros: none. */
static bool own_digest(const struct lks_config *config, uint8_t digest[32])
{
    uint8_t both[64] = {0};
    bool ok = true;
    for (const struct lks_certificate *c = config->identities->certificates; c && ok; c = c->next) {
        memcpy(both + 32, c->digest, 32);
        ok = EVP_Digest(both, sizeof(both), both, NULL, EVP_sha256(), NULL) == 1;
    }
    memcpy(digest, both, 32);
    return ok;
}

/* Whether a client would ask for no more now than was verified, and would show the same of itself:
 * a server may go by the session for who the client is. */
static bool is_verified(const struct lks_hs *hs, const struct lks_verified *v)
{
    const struct lks_policy *policy = hs->config->policy;
    const bool instead = policy->verifier.ask && policy->verifies == LKS_VERIFY_INSTEAD;
    uint8_t own[32];
    if (!instead && !v->stapled && !lks_peer_may_do_without(policy->ocsp, v->must_staple))
        return false;
    return !v->own_asked ||
           (own_digest(hs->config, own) && memcmp(own, v->own_digest, sizeof(own)) == 0);
}

#define SCHEMES_MAX (2u * (LKS_LIST_MAX + 1u))

bool lks_standing_auth(const struct lks_hs *hs, uint8_t auth[32])
{
    const struct lks_policy *policy = hs->config->policy;
    const struct lks_revocation *r = &policy->revocation;
    uint8_t bytes[16 + SCHEMES_MAX + sizeof(policy->trust_digest) + sizeof(r->bound)];
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    memset(auth, 0, 32);
    if (hs->role == LKS_CLIENT ? !r->num : !policy->client_auth)
        return true;
    lks_write_u8(&w, (uint8_t)hs->role);
    lks_write_u8(&w, r->num != 0);
    lks_write_u8(&w, r->takes_missing);
    lks_write_u8(&w, r->takes_expired);
    /* A client's sessions have nothing that a newer CRL could be asked for. */
    lks_write_bytes(&w, hs->role == LKS_CLIENT ? r->digest : r->bound, sizeof(r->bound));
    lks_write_u8(&w, (uint8_t)policy->client_auth);
    lks_write_u8(&w, (uint8_t)policy->client_sessions);
    lks_write_u8(&w, policy->verifier.ask ? 1 + (uint8_t)policy->verifies : 0);
    lks_write_u8(&w, LKS_PEER_CHAIN_MAX);
    lks_write_u8(&w, LKS_PEER_AUTH_LEVEL);
    for (const struct lks_sign_scheme *const *s = policy->schemes; *s; s++)
        lks_write_u16(&w, (*s)->number);
    lks_write_u16(&w, 0);
    lks_write_bytes(&w, policy->trust_digest, sizeof(policy->trust_digest));
    return !w.failed &&
           EVP_Digest(w.data, w.len, auth, NULL, lks_hash_of(lks_suite_find(0x1301)), NULL) == 1;
}

bool lks_standing_admits(const struct lks_hs *hs, struct lks_reader shown)
{
    const struct lks_policy *policy = hs->config->policy;
    struct lks_shown s;
    if (hs->role == LKS_CLIENT || !policy->client_auth)
        return !shown.len;
    if (policy->client_sessions == LKS_CLIENT_SESSIONS_OFF || (shown.len && policy->verifier.ask))
        return false;
    if (!shown.len)
        return policy->client_auth != LKS_CLIENT_AUTH_REQUIRED;
    return lks_shown_read(&s, shown) &&
           lks_revocation_admits(&policy->revocation, s.ids, lks_config_now_ms(hs->config));
}

bool lks_standing_is_kept(const struct lks_hs *hs)
{
    return hs->role == LKS_CLIENT ||
           (lks_standing_admits(hs, hs->shown) && (!hs->peer || hs->shown.len));
}

/* What is known of the peer, and how that was asked for. */
static bool knows_peer(const struct lks_hs *hs, const struct lks_session *session)
{
    uint8_t auth[32];
    return lks_standing_auth(hs, auth) && memcmp(auth, session->auth, sizeof(auth)) == 0 &&
           lks_standing_admits(hs, session->shown);
}

bool lks_standing_holds(const struct lks_hs *hs, const struct lks_session *session, uint64_t now_ms)
{
    if (lks_session_expired(session, now_ms) || !knows_peer(hs, session))
        return false;
    if (is_psk(hs, session->basis))
        return true;
    if (hs->role == LKS_CLIENT)
        return is_anchor(hs, session->basis) && is_verified(hs, &session->verified);
    return hs->certificate &&
           memcmp(basis_of_certificate(hs), session->basis, sizeof(session->basis)) == 0;
}

enum lks_status lks_standing_describe(const struct lks_hs *hs, struct lks_session *session)
{
    const struct lks_policy *policy = hs->config->policy;
    const char *name = hs->role == LKS_CLIENT ? hs->peer_name : hs->server_name;
    memset(session, 0, sizeof(*session));
    session->kind = hs->version == LKS_TLS_1_2 ? LKS_SESSION_TLS12 : LKS_SESSION_TLS13;
    session->suite = hs->suite->number;
    session->issued_ms = lks_policy_now_ms(policy);
    session->until_ms = hs->until_ms;
    memcpy(session->basis, hs->basis, sizeof(session->basis));
    session->verified = hs->verified;
    session->shown = hs->shown;
    if (!lks_standing_auth(hs, session->auth))
        return LKS_NO_MEMORY;
    if (hs->certificate_requested) {
        session->verified.own_asked = true;
        if (!own_digest(hs->config, session->verified.own_digest))
            return LKS_NO_MEMORY;
    }
    /* RFC 8446 section 4.6.1: what was verified once does not live on by being resumed. */
    const uint64_t left_ms =
        hs->until_ms > session->issued_ms ? hs->until_ms - session->issued_ms : 0;
    session->lifetime_s = left_ms < UINT64_C(1000) * policy->lifetime_s
                              ? (uint32_t)((left_ms + 999) / 1000)
                              : policy->lifetime_s;
    return lks_session_set_name(session->server_name, &session->server_name_len, name) &&
                   lks_session_set_name(session->alpn, &session->alpn_len, hs->alpn)
               ? LKS_OK
               : LKS_INTERNAL;
}
