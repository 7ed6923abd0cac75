/* SPDX-License-Identifier: BSD-3-Clause */

/* A stapled OCSP response, RFC 6960, about a chain that was verified: RFC 8446 section 4.4.2.1. */

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "handshake/certificate/verify.h"
#include "handshake/config.h"
#include "handshake/errors.h"

#define CLOCK_SKEW 300 /* seconds that the responder's clock may be off */

static enum lks_status bad(enum lks_reason reason)
{
    return lks_because(LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE, reason);
}

/* What the response says of the leaf. The responder chose the hash that names it. */
static bool find(OCSP_BASICRESP *basic, const struct lks_peer *peer, X509 *issuer, int *status,
                 ASN1_GENERALIZEDTIME **from, ASN1_GENERALIZEDTIME **until)
{
    const EVP_MD *const hashes[] = {EVP_sha1(), EVP_sha256()};
    bool found = false;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]) && !found; i++) {
        OCSP_CERTID *id = OCSP_cert_to_id(hashes[i], peer->leaf, issuer);
        found = id && OCSP_resp_find_status(basic, id, status, NULL, NULL, from, until) == 1;
        OCSP_CERTID_free(id);
    }
    return found;
}

/* Without nextUpdate a response could be shown forever. */
static bool is_current(const ASN1_GENERALIZEDTIME *from, const ASN1_GENERALIZEDTIME *until,
                       time_t now)
{
    time_t latest = now + CLOCK_SKEW, earliest = now - CLOCK_SKEW;
    return from && until && X509_cmp_time(from, &latest) < 0 && X509_cmp_time(until, &earliest) > 0;
}

/* The responder's certificate is verified at the policy's time, which libcrypto takes from the
 * store alone. The policy's store is every core's, and is not written to: so with one that has
 * nothing but the end of the chain. */
static bool verify_signer(OCSP_BASICRESP *basic, const struct lks_peer *peer,
                          const struct lks_config *config)
{
    X509_STORE *trust = lks_trust_new();
    X509 *end = sk_X509_value(peer->verified, sk_X509_num(peer->verified) - 1);
    bool ok = trust && X509_STORE_add_cert(trust, end);
    if (ok) {
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(trust),
                                   (time_t)(lks_config_now_ms(config) / 1000));
        ok = OCSP_basic_verify(basic, peer->verified, trust, 0) > 0;
    }
    X509_STORE_free(trust);
    return ok;
}

static enum lks_status check(OCSP_BASICRESP *basic, struct lks_peer *peer,
                             const struct lks_config *config)
{
    int status;
    ASN1_GENERALIZEDTIME *from, *until;
    const bool alone = sk_X509_num(peer->verified) < 2; /* trusted itself */
    X509 *issuer = sk_X509_value(peer->verified, alone ? 0 : 1);
    if (!verify_signer(basic, peer, config) || !find(basic, peer, issuer, &status, &from, &until))
        return bad(LKS_WHY_OCSP_SIGNER);
    /* Before the time: what was revoked once does not become good. */
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return lks_because(LKS_ALERT_CERTIFICATE_REVOKED, LKS_WHY_OCSP_REVOKED);
    const time_t now = (time_t)(lks_config_now_ms(config) / 1000);
    if (status != V_OCSP_CERTSTATUS_GOOD)
        return bad(LKS_WHY_OCSP_UNKNOWN);
    if (!is_current(from, until, now))
        return bad(LKS_WHY_OCSP_TIME);
    const uint64_t end_ms = lks_asn1_time_ms(until);
    if (end_ms < peer->until_ms)
        peer->until_ms = end_ms;
    peer->stapled = true;
    return LKS_OK;
}

static enum lks_status check_response(struct lks_peer *peer, const struct lks_config *config)
{
    LKS_OWN_ERRORS;
    enum lks_status status = bad(LKS_WHY_OCSP_MALFORMED);
    const uint8_t *end = peer->ocsp;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &end, (long)peer->ocsp_len);
    OCSP_BASICRESP *basic = NULL;
    if (response && end == peer->ocsp + peer->ocsp_len &&
        OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(response);
    if (basic)
        status = check(basic, peer, config);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return status;
}

/* RFC 7633: the certificate says itself that a response comes with it. */
static enum lks_status must_staple(X509 *leaf, bool *out)
{
    int critical;
    TLS_FEATURE *features = X509_get_ext_d2i(leaf, NID_tlsfeature, &critical, NULL);
    bool found = false;
    if (!features && critical != -1) /* there is one, and nobody knows what it says */
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_MUST_STAPLE_MALFORMED);
    for (int i = 0; features && i < sk_ASN1_INTEGER_num(features); i++)
        found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == 5; /* status_request */
    sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
    *out = found;
    return LKS_OK;
}

bool lks_peer_may_do_without(enum lks_ocsp ocsp, bool must_staple)
{
    return ocsp == LKS_OCSP_OFF || (ocsp == LKS_OCSP_CHECKED && !must_staple);
}

enum lks_status lks_peer_verify_status(struct lks_peer *peer, const struct lks_config *config)
{
    enum lks_status status = must_staple(peer->leaf, &peer->must_staple);
    if (status)
        return status;
    if (config->policy->ocsp != LKS_OCSP_OFF && peer->ocsp)
        return check_response(peer, config);
    return lks_peer_may_do_without(config->policy->ocsp, peer->must_staple)
               ? LKS_OK
               : bad(LKS_WHY_OCSP_MISSING);
}
