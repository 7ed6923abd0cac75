/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/standing.h"

#include <openssl/evp.h>
#include <string.h>

#include "handshake/verify.h"

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

void lks_standing_inherit(struct lks_hs *hs, const struct lks_session *session)
{
    lks_standing_set(hs, session->basis, session->until_ms);
    hs->verified = session->verified;
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
    uint8_t basis[32];
    if (!basis_of_anchor(policy, hs->peer->anchor_digest, basis))
        return LKS_INTERNAL;
    lks_standing_set(hs, basis, instead ? UINT64_MAX : hs->peer->until_ms);
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
    for (size_t i = 0; i < policy->num_anchors && !instead; i++)
        if (basis_of_anchor(policy, policy->anchors[i], known) && memcmp(known, basis, 32) == 0)
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
    if (!instead && !v->stapled &&
        !lks_peer_may_do_without(hs->config->policy->ocsp, v->must_staple))
        return false;
    return !v->own_asked ||
           (own_digest(hs->config, own) && memcmp(own, v->own_digest, sizeof(own)) == 0);
}

bool lks_standing_holds(const struct lks_hs *hs, const struct lks_session *session, uint64_t now_ms)
{
    if (lks_session_expired(session, now_ms))
        return false;
    if (is_psk(hs, session->basis))
        return true;
    if (hs->role == LKS_CLIENT)
        return is_anchor(hs, session->basis) && is_verified(hs, &session->verified);
    return hs->certificate &&
           memcmp(basis_of_certificate(hs), session->basis, sizeof(session->basis)) == 0;
}

bool lks_standing_describe(const struct lks_hs *hs, struct lks_session *session)
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
    if (hs->certificate_requested) {
        session->verified.own_asked = true;
        if (!own_digest(hs->config, session->verified.own_digest))
            return false;
    }
    /* RFC 8446 section 4.6.1: what was verified once does not live on by being resumed. */
    const uint64_t left_ms =
        hs->until_ms > session->issued_ms ? hs->until_ms - session->issued_ms : 0;
    session->lifetime_s = left_ms < UINT64_C(1000) * policy->lifetime_s
                              ? (uint32_t)((left_ms + 999) / 1000)
                              : policy->lifetime_s;
    return lks_session_set_name(session->server_name, &session->server_name_len, name) &&
           lks_session_set_name(session->alpn, &session->alpn_len, hs->alpn);
}
