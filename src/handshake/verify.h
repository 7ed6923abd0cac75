/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_VERIFY_H
#define LKS_HANDSHAKE_VERIFY_H

/* The peer's certificates: read from a CertificateEntry list, verified by libcrypto's X.509. */

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <lockstep/conn.h>

#include "base/reader.h"

struct lks_config;

#define LKS_PEER_CHAIN_MAX 10u /* certificates that a peer may send */

/* Extensions of a CertificateEntry (RFC 8446 section 4.4.2.1) that we asked for. */
#define LKS_PEER_ASKED_STATUS 1u /* status_request */
#define LKS_PEER_ASKED_SCT    2u /* signed_certificate_timestamp */

struct lks_peer {
    X509 *leaf;             /* the chain's first */
    STACK_OF(X509) * chain; /* as sent, the leaf included */
    EVP_PKEY *key;          /* the leaf's */
    /* From the leaf's entry: an OCSPResponse in DER, a SignedCertificateTimestampList; NULL: none
     */
    uint8_t *ocsp, *sct;
    size_t ocsp_len, sct_len;
};

/*
 * Reads certificate_list of a Certificate message (what is in its vector). asked: LKS_PEER_ASKED_…,
 * other extensions are refused. An empty list is not for here. Keeps no pointer into list.
 * decode_error: the structure; bad_certificate: no X.509, or too many; unsupported_certificate: a
 * kind of key that we don't know; unsupported_extension, illegal_parameter: extensions.
 */
LKS_MUST_CHECK enum lks_status lks_peer_read(struct lks_peer **out, struct lks_reader list,
                                             unsigned int asked);
void lks_peer_free(struct lks_peer *peer);

/*
 * Verifies the peer's chain against what the configuration trusts: signatures, time, purpose, and
 * (role LKS_SERVER) that the leaf is for name, a DNS name or an IP address as text; as a client's
 * (role LKS_CLIENT) name is NULL. role is the peer's. Gives the alert that RFC 8446 section 6.2
 * has for what is wrong; a configuration that trusts nobody gives unknown_ca.
 */
LKS_MUST_CHECK enum lks_status lks_peer_verify(const struct lks_peer *peer,
                                               const struct lks_config *config, enum lks_role role,
                                               const char *name);

#endif
