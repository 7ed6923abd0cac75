/* SPDX-License-Identifier: BSD-3-Clause */

/* Which of our certificates a peer gets: RFC 8446 sections 4.4.2.2 and 4.4.2.3. */

#include <openssl/x509v3.h>
#include <string.h>

#include "handshake/certificate/host.h"
#include "handshake/config.h"

static bool certificate_covers(const struct lks_certificate *c, const char *host, bool wildcards)
{
    for (char **name = c->names; *name; name++)
        if (lks_host_covers(*name, host, wildcards))
            return true;
    return false;
}

/* RFC 8422 section 2: Ed25519 goes with the suites of ECDSA. */
unsigned int lks_auth_of(const EVP_PKEY *key)
{
    switch (EVP_PKEY_get_id(key)) {
    case EVP_PKEY_EC:
    case EVP_PKEY_ED25519:
        return LKS_AUTH_ECDSA;
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return LKS_AUTH_RSA;
    default:
        return 0;
    }
}

static bool has_u16(struct lks_reader list, uint16_t wanted)
{
    uint16_t number;
    while (lks_read_u16(&list, &number))
        if (number == wanted)
            return true;
    return false;
}

/* The curve of a key that signs with something: one of these, or none. */
static uint16_t curve_of(uint32_t schemes)
{
    static const struct {
        uint16_t scheme, curve;
    } rows[] = {{0x0403, 0x0017}, {0x0503, 0x0018}, {0x0603, 0x0019}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (schemes & lks_sign_bit(lks_sign_find(rows[i].scheme)))
            return rows[i].curve;
    return 0;
}

void lks_certificate_describe(struct lks_certificate *c, X509 *leaf)
{
    const uint32_t usage = X509_get_key_usage(leaf);
    c->schemes = lks_sign_fitting(c->key) & lks_sign_fitting(X509_get0_pubkey(leaf));
    c->auth = lks_auth_of(c->key);
    c->curve = curve_of(c->schemes);
    c->may_sign = usage & X509v3_KU_DIGITAL_SIGNATURE;
    c->decrypts = usage & X509v3_KU_KEY_ENCIPHERMENT && !c->is_remote &&
                  EVP_PKEY_get_id(c->key) == EVP_PKEY_RSA;
}

/* Whether the key may be used as it has to be: signing, or, in TLS 1.2, also (RSASSA-PSS keys
 * cannot) decrypting; and on a curve that the client has.
 * [8446 4.4.2.2-3] [5246 7.4.2-2 7.4.2-7 7.4.2-8 7.4.2-13] */
static bool key_suits(const struct lks_certificate *c, const struct lks_wish *wish)
{
    if (wish->signs_nothing)
        return c->decrypts;
    if (!c->may_sign)
        return false;
    return !wish->is_tls12 || (c->auth & wish->kinds &&
                               (!wish->curves.len || !c->curve || has_u16(wish->curves, c->curve)));
}

/* RFC 8446 section 4.4.3: the peer's first that we allow and our key fits.
 * [8446 4.2.3-1 4.4.2.2-2 4.4.3-4 4.4.3-5] [5246 7.4.1.4.1-6] */
static const struct lks_sign_scheme *scheme_for(const struct lks_policy *policy,
                                                const struct lks_certificate *c,
                                                const struct lks_wish *wish)
{
    struct lks_reader schemes = wish->schemes;
    uint16_t number;
    while (lks_read_u16(&schemes, &number)) {
        const struct lks_sign_scheme *row =
            lks_policy_scheme(policy, number, wish->is_tls12 ? LKS_TLS_1_2 : LKS_TLS_1_3);
        if (row && c->schemes & lks_sign_bit(row))
            return row;
    }
    return NULL;
}

/* SignatureSchemes that a certificate's signature is of: two for RSASSA-PSS, whose signer's kind of
 * key does not show. The curve of ECDSA's signer does not show either; the hash decides. */
static bool signed_as_wished(X509 *cert, struct lks_reader schemes)
{
    static const struct {
        int nid;
        uint16_t number;
    } rows[] = {
        {NID_ecdsa_with_SHA256, 0x0403},
        {NID_ecdsa_with_SHA384, 0x0503},
        {NID_ecdsa_with_SHA512, 0x0603},
        {NID_sha256WithRSAEncryption, 0x0401},
        {NID_sha384WithRSAEncryption, 0x0501},
        {NID_sha512WithRSAEncryption, 0x0601},
        {NID_sha1WithRSAEncryption, 0x0201},
        {NID_ecdsa_with_SHA1, 0x0203},
        {NID_ED25519, 0x0807},
        {NID_ED448, 0x0808},
    };
    static const struct {
        int hash;
        uint16_t rsae, pss;
    } pss_rows[] = {
        {NID_sha256, 0x0804, 0x0809}, {NID_sha384, 0x0805, 0x080a}, {NID_sha512, 0x0806, 0x080b}};
    const int nid = X509_get_signature_nid(cert);
    int hash = NID_undef;
    uint32_t flags;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].nid == nid)
            return has_u16(schemes, rows[i].number);
    /* Section 4.2.3: MGF1 has the same hash, and the salt is as long as that. */
    if (nid != NID_rsassaPss || !X509_get_signature_info(cert, &hash, NULL, NULL, &flags) ||
        !(flags & X509_SIG_INFO_TLS))
        return false;
    for (size_t i = 0; i < sizeof(pss_rows) / sizeof(pss_rows[0]); i++)
        if (pss_rows[i].hash == hash)
            return has_u16(schemes, pss_rows[i].rsae) || has_u16(schemes, pss_rows[i].pss);
    return false;
}

/* How a chain is signed. */
struct signatures {
    bool suit;   /* all of them are ones that the peer knows */
    bool sha1;   /* one is of SHA-1, */
    bool banned; /* which the peer does not know */
};

/* Section 4.4.2.2; signatures that nobody looks at because the certificate is its own issuer do not
 * count. [8446 4.4.2.2-4 4.4.2.2-5] [5246 7.4.2-14] */
static struct signatures signatures_of(const struct lks_certificate *c, const struct lks_wish *wish)
{
    const struct lks_reader schemes = wish->cert_schemes.len ? wish->cert_schemes : wish->schemes;
    struct signatures s = {.suit = true};
    for (int i = 0; i < sk_X509_num(c->chain); i++) {
        X509 *cert = sk_X509_value(c->chain, i);
        int hash = NID_undef;
        if (X509_get_extension_flags(cert) & EXFLAG_SS)
            continue;
        const bool suits = signed_as_wished(cert, schemes);
        const bool sha1 =
            X509_get_signature_info(cert, &hash, NULL, NULL, NULL) && hash == NID_sha1;
        s.suit &= suits;
        s.sha1 |= sha1;
        s.banned |= sha1 && !suits && schemes.len;
    }
    return s;
}

static bool is_listed(const X509_NAME *name, struct lks_reader authorities)
{
    struct lks_reader one;
    const unsigned char *der;
    size_t len;
    if (!X509_NAME_get0_der(name, &der, &len))
        return false;
    while (lks_read_vec16(&authorities, &one))
        if (one.len == len && memcmp(one.data, der, len) == 0)
            return true;
    return false;
}

/* Section 4.2.4: some certificate of the chain was issued by one of the authorities. */
static bool issued_as_wished(const struct lks_certificate *c, const struct lks_wish *wish)
{
    bool found = !wish->authorities.len;
    for (int i = 0; i < sk_X509_num(c->chain) && !found; i++)
        found = is_listed(X509_get_issuer_name(sk_X509_value(c->chain, i)), wish->authorities);
    return found;
}

/* What is looked for, one after the other. Names count for more than the chain's signatures, which
 * the peer may not even look at; but SHA-1 only where nothing else has the name. [8446 4.2.3-11] */
static const struct pass {
    enum { EXACT, WILDCARD, ANY } names;
    bool must_suit, sha1;
} passes[] = {
    {EXACT, true, false},     {EXACT, false, false}, {WILDCARD, true, false},
    {WILDCARD, false, false}, {EXACT, false, true},  {WILDCARD, false, true},
    {ANY, true, false},       {ANY, false, false},   {ANY, false, true},
};

static bool certificate_fits(const struct lks_certificate *c, const struct pass *pass,
                             const char *host, const struct lks_wish *wish)
{
    if ((pass->names != ANY && !certificate_covers(c, host, pass->names == WILDCARD)) ||
        !key_suits(c, wish) || !issued_as_wished(c, wish))
        return false;
    const struct signatures s = signatures_of(c, wish);
    return !s.banned && s.sha1 == pass->sha1 &&
           (s.suit || !(pass->must_suit || wish->chain_must_suit));
}

const struct lks_certificate *lks_config_choose(const struct lks_config *config,
                                                const struct lks_wish *wish,
                                                const struct lks_sign_scheme **scheme)
{
    char host[LKS_HOST_MAX + 1];
    lks_host_fold(host, wish->name);
    for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
        if (passes[i].names == ANY ? wish->name_must_match : !host[0])
            continue;
        for (const struct lks_certificate *c = config->identities->certificates; c; c = c->next) {
            if (!certificate_fits(c, &passes[i], host, wish))
                continue;
            const bool any = wish->signs_nothing || wish->any_scheme;
            *scheme = any ? NULL : scheme_for(config->policy, c, wish);
            if (*scheme || any)
                return c;
        }
    }
    return NULL;
}

bool lks_certificate_staples(const struct lks_certificate *c, uint64_t now_ms)
{
    return c->ocsp && now_ms < c->ocsp_until_ms;
}

bool lks_certificate_answers(const struct lks_certificate *c, const char *host)
{
    return certificate_covers(c, host, false) || certificate_covers(c, host, true);
}

bool lks_identities_cover(const struct lks_identities *identities, const char *name)
{
    const struct lks_reader bytes = {(const uint8_t *)name, strlen(name)};
    char host[LKS_HOST_MAX + 1];
    if (!lks_host_fold(host, bytes))
        return false;
    for (const struct lks_certificate *c = identities->certificates; c; c = c->next)
        if (lks_certificate_answers(c, host))
            return true;
    return false;
}

enum lks_status lks_no_certificate(const struct lks_config *config, struct lks_reader name)
{
    char host[LKS_HOST_MAX + 1];
    lks_host_fold(host, name);
    for (const struct lks_certificate *c = config->identities->certificates; c; c = c->next)
        if (lks_certificate_answers(c, host))
            return lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_NO_CERTIFICATE);
    return config->policy->sni_required && name.len
               ? lks_because(LKS_ALERT_UNRECOGNIZED_NAME, LKS_WHY_NAME_UNKNOWN)
               : lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_NO_CERTIFICATE);
}
