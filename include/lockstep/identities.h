/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_IDENTITIES_H
#define LOCKSTEP_IDENTITIES_H

/*
 * Who we are: certificates with their keys and what belongs to them, and external pre-shared keys.
 * <lockstep/config.h> says how they are used and which errors all of these calls have in common. A
 * call that fails, but for want of memory, changes nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/source.h>
#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lks_identities;

/* None at first. lks_identities_free() gives up the caller's reference; configurations hold their
 * own. NULL is allowed. */
LKS_API LKS_MUST_CHECK enum lks_status lks_identities_new(struct lks_identities **out);
LKS_API void lks_identities_free(struct lks_identities *identities);

/*
 * Adds a certificate chain and its private key, both PEM, which may be in one file: leaf first,
 * then intermediates. The key may be ECDSA P-256, P-384 or P-521, Ed25519, or RSA (also RSASSA-PSS)
 * of at least 2048 bits. A server chooses by the client's SNI among the leaves' DNS names (exact,
 * then wildcard; whatever the case, and with or without a dot at the end) and its signature
 * algorithms; the first one added is what a client without SNI, or with an unknown name, gets. A
 * leaf whose key usage forbids signatures serves TLS 1.2's RSA key exchange only; a chain signed
 * with SHA-1 only clients that list it, for names that no other certificate has. LKS_BAD_CONFIG:
 * missing, unreadable, empty or damaged, longer than 1 MiB, an encrypted key, a key that cannot
 * sign (an RSASSA-PSS one whose parameters suit no scheme, too) or has its curve's parameters in
 * place of its name, a leaf that is not X.509v3, a malformed extension or one twice, a TRUSTED
 * CERTIFICATE, or a key that does not belong to the leaf; *err says which. See
 * lks_identities_warning().
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_identities_add_certificate(struct lks_identities *identities, struct lks_source chain,
                               struct lks_source key, struct lks_error *err);

/*
 * The same of a certificate whose private key is elsewhere: each signature is asked for, by
 * lks_policy_set_signer() of <lockstep/callbacks.h>, where lks_ask_key() is key, any pointer that
 * tells which key it is. It must outlive the identities.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_identities_add_remote(struct lks_identities *identities,
                                                                 struct lks_source chain, void *key,
                                                                 struct lks_error *err);

/*
 * A stapled OCSP response for the certificate that was added last: an OCSPResponse in DER (RFC
 * 6960) of at most 32 KiB, sent to peers that ask (RFC 8446 section 4.4.2.1) until its nextUpdate
 * and no longer: lks_identities_warning() tells. A newer response goes into new identities for the
 * connections to come. LKS_BAD_CONFIG: no certificate was added, unreadable, no successful
 * response, one about another certificate, that says revoked or unknown, that has no nextUpdate or
 * ended then, or that is of the future; *err says which.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_identities_set_ocsp_response(struct lks_identities *identities, struct lks_source response,
                                 struct lks_error *err);

/* Signed certificate timestamps for the certificate that was added last: a
 * SignedCertificateTimestampList (RFC 6962 section 3.3) of at most 32 KiB, passed on to peers that
 * ask. LKS_BAD_CONFIG: no certificate was added, unreadable, or no such list. */
LKS_API LKS_MUST_CHECK enum lks_status lks_identities_set_sct(struct lks_identities *identities,
                                                              struct lks_source list,
                                                              struct lks_error *err);

/*
 * Sends certificates compressed (RFC 8879) to peers that take that: algorithms in order of
 * preference, separated by commas, of "brotli,zstd,zlib"; "all": what the library was built with,
 * none included. Each certificate is compressed once for all connections, here or when it is added.
 * Off unless called. The peer's: lks_policy_set_certificate_compression(). LKS_BAD_CONFIG: an
 * unknown name; *err lists the known ones.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_identities_set_compression(struct lks_identities *identities, const char *algorithms,
                               struct lks_error *err);

/*
 * Adds an external pre-shared key, for both roles: RFC 8446 section 4.2.11. identity is 1 to 255
 * bytes, sent in the clear; key 16 to 64 bytes of real entropy (no password: RFC 9257), copied;
 * hash "SHA256" or "SHA384", which the suite then has to have. A server with such keys needs no
 * certificate if all its clients have one of them; a client offers all of them. At most 8.
 * LKS_BAD_ARGUMENT: a length, the hash, the same identity twice, or too many.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_identities_add_psk(struct lks_identities *identities, const uint8_t *identity,
                       size_t identity_len, const uint8_t *key, size_t key_len, const char *hash,
                       struct lks_error *err);

/*
 * What is wrong with identities that can be used all the same: a certificate that has ended or is
 * not valid yet, one that names no host, an OCSP response that has ended. Writes the n-th (from 0)
 * such line, which names the source and the remedy; false: there is none. It is the clock that
 * makes some of them, so ask when they were made, and again as often as it matters; from any thread
 * once they are frozen.
 */
LKS_API bool lks_identities_warning(const struct lks_identities *identities, uint32_t n,
                                    struct lks_error *warning);

/* Whether one of the certificates is for a host, as a server finds it by SNI; of a name that begins
 * with "*." whether one has just that. From any thread once they are frozen. */
LKS_API bool lks_identities_cover(const struct lks_identities *identities, const char *name);

#ifdef __cplusplus
}
#endif
#endif
