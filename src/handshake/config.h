/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CONFIG_H
#define LKS_HANDSHAKE_CONFIG_H

/* Inside struct lks_config, which never changes: its parts, and what is asked of them together. */

#include <lockstep/config.h>

#include "base/reader.h"
#include "handshake/certificate/sign.h"
#include "handshake/identities.h"
#include "handshake/memory.h"
#include "handshake/policy.h"

struct lks_config {
    atomic_uint num_refs;
    struct lks_policy *policy;
    struct lks_identities *identities;
    struct lks_memory *memory; /* NULL: none, of a client */
};

/* Whether a version is within what was configured, and there is a suite for it. */
bool lks_config_speaks(const struct lks_config *config, enum lks_version version);

/* The row of a suite that is configured, of a version that is spoken; NULL: none. */
const struct lks_suite *lks_config_suite(const struct lks_config *config, uint16_t number);

/* What a peer says about the certificate that it would like. Lists are without their length
 * prefix, and empty where there is none. */
struct lks_wish {
    struct lks_reader name;         /* of SNI */
    struct lks_reader schemes;      /* signature_algorithms */
    struct lks_reader cert_schemes; /* signature_algorithms_cert */
    struct lks_reader authorities;  /* DistinguishedNames of CAs */
    bool name_must_match;           /* no other certificate will do */
    bool chain_must_suit;           /* a client's, RFC 8446 section 4.4.2.3 */
    /* In TLS 1.2: */
    bool is_tls12;
    unsigned int kinds;       /* enum lks_auth: of which one the key has to be */
    struct lks_reader curves; /* NamedGroups for keys on elliptic curves; empty: any */
    bool signs_nothing;       /* schemes do not matter: RSA key exchange */
    /* Of a client that resumes and names no schemes: */
    bool any_scheme;
};

/*
 * The first certificate that matches the name (exact before wildcard, RFC 6125 section 6.4.3), may
 * and can sign with one of the schemes, and whose chain was signed with what the peer knows; where
 * there is none and the chain need not suit, whatever it was signed with, but SHA-1 last, and only
 * where the peer knows it; else, for any name. Only the authorities' own where they are named.
 * NULL: none. *scheme is the peer's first that fits.
 */
const struct lks_certificate *lks_config_choose(const struct lks_config *config,
                                                const struct lks_wish *wish,
                                                const struct lks_sign_scheme **scheme);

/* Finds out what a certificate can be used for, whose leaf may restrict its key further. */
void lks_certificate_describe(struct lks_certificate *certificate, X509 *leaf);

/* Whether a canonical host name is one of its leaf's, wildcards included. */
bool lks_certificate_answers(const struct lks_certificate *certificate, const char *host);

/* The alert where that is NULL: unrecognized_name (RFC 6066 section 3) if the name is why. */
enum lks_status lks_no_certificate(const struct lks_config *config, struct lks_reader name);

/* Whether it has an OCSP response that is still good. */
bool lks_certificate_staples(const struct lks_certificate *certificate, uint64_t now_ms);

/* What certificates are held against: the time, or the tests'. */
uint64_t lks_config_now_ms(const struct lks_config *config);

/* What kind of TLS 1.2's suites a key is for; 0: none. */
unsigned int lks_auth_of(const EVP_PKEY *key);

/* Writes one line of the NSS key log format, if that is on. */
void lks_config_log_secret(const struct lks_config *config, const char *label,
                           const uint8_t random[32], const uint8_t *secret, size_t secret_len);

#endif
