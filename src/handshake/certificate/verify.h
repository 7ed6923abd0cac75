/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_VERIFY_H
#define LKS_HANDSHAKE_VERIFY_H

/* The peer's certificates: read from a CertificateEntry list, verified by libcrypto's X.509. */

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <lockstep/conn.h>

#include "base/reader.h"
#include "base/writer.h"
#include "handshake/extensions.h"

struct lks_config;

/* CAs between a leaf and what is trusted, and how many certificates a chain of our own has; a peer
 * may send others beside those that are used, as many as fit into its message. */
#define LKS_PEER_CHAIN_MAX 10u

/* Keys and digests of 112 bits of security and more: RSA from 2048 bits, no SHA-1. */
#define LKS_PEER_AUTH_LEVEL 2u

/* Extensions of a CertificateEntry that are asked for: RFC 8446 section 4.4.2.1. */
#define LKS_PEER_ASKED_STATUS 1u /* status_request */
#define LKS_PEER_ASKED_SCT    2u /* signed_certificate_timestamp */
#define LKS_PEER_ASKED_NUM    4u /* combinations of these */

struct lks_peer {
    X509 *leaf;                /* the chain's first */
    STACK_OF(X509) * chain;    /* as sent, the leaf included */
    STACK_OF(X509) * verified; /* from the leaf to what is trusted; NULL until that is done */
    EVP_PKEY *key;             /* the leaf's */
    /* The leaf as it came; from its entry an OCSPResponse in DER and a
     * SignedCertificateTimestampList, NULL: none. */
    uint8_t *der, *ocsp, *sct;
    size_t der_len, ocsp_len, sct_len;
    uint8_t digest[32]; /* SHA-256 of the leaf */
    /* Of a chain that was verified: SHA-256 of its end, until when all of it is good, and until
     * when the CRLs are that said so. */
    uint8_t anchor_digest[32];
    uint64_t until_ms, crls_until_ms;
    bool stapled, must_staple; /* a good OCSP response came; the leaf says that one must */
    bool decrypts; /* the key is for RSA key exchange, not for signatures: set before verifying */
};

/*
 * Reads certificate_list of a Certificate message (what is in its vector). offered: the
 * extensions that may be in it. An empty list is not for here. Keeps no pointer into list.
 * decode_error: the structure; bad_certificate: no X.509; unsupported_certificate: a kind of key
 * that we don't know; unsupported_extension, illegal_parameter: extensions.
 */
LKS_MUST_CHECK enum lks_status lks_peer_read(struct lks_peer **out, struct lks_reader list,
                                             lks_extension_set offered);
/* Whom to trust: nobody yet, and how well chains must be made. NULL: no memory. */
X509_STORE *lks_trust_new(void);

/* The same of TLS 1.2's, which has no extensions: RFC 5246 section 7.4.2. */
LKS_MUST_CHECK enum lks_status lks_peer_read_tls12(struct lks_peer **out, struct lks_reader list);
/* Keeps what came of the leaf in other messages, TLS 1.2's: CertificateStatus (RFC 6066 section 8,
 * the message's body), and a SignedCertificateTimestampList. */
LKS_MUST_CHECK enum lks_status lks_peer_set_status(struct lks_peer *peer, struct lks_reader body);
LKS_MUST_CHECK enum lks_status lks_peer_set_sct(struct lks_peer *peer, struct lks_reader list);

void lks_peer_free(struct lks_peer *peer);

/* OCSP's verdict on a verified chain, which may shorten peer->until_ms: lks_peer_verify() asks for
 * it. */
LKS_MUST_CHECK enum lks_status lks_peer_verify_status(struct lks_peer *peer,
                                                      const struct lks_config *config);

/* Whether a client is content with a server that staples nothing. */
bool lks_peer_may_do_without(enum lks_ocsp ocsp, bool must_staple);

/* Whether an extension of a certificate does not parse, or is there twice. */
bool lks_certificate_is_malformed(X509 *certificate);

/* verify_name.c. Has a chain verified for a name; and whether no CA's name constraints are against
 * that name itself, of a chain that was verified. */
bool lks_verify_set_name(X509_VERIFY_PARAM *param, const char *name);
bool lks_verify_constraints(STACK_OF(X509) * chain, const char *name);

/* A certificate in DER behind its uint24 length, whose room is the caller's to look at. */
LKS_MUST_CHECK enum lks_status lks_certificate_write_der(struct lks_writer *w, const X509 *x509);

/* Unix time of an ASN1_TIME, in milliseconds; 0 where it is none. */
uint64_t lks_asn1_time_ms(const ASN1_TIME *time);

/*
 * Verifies the peer's chain against what the configuration trusts: signatures, time, purpose, and
 * (role LKS_SERVER) that the leaf is for name, a DNS name or an IP address as text; as a client's
 * (role LKS_CLIENT) name is NULL; of a server also the stapled OCSP response, as the configuration
 * says. role is the peer's. Gives the alert that RFC 8446 section 6.2
 * has for what is wrong; a configuration that trusts nobody gives unknown_ca.
 */
LKS_MUST_CHECK enum lks_status lks_peer_verify(struct lks_peer *peer,
                                               const struct lks_config *config, enum lks_role role,
                                               const char *name);

#endif
