/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_CONFIG_H
#define LOCKSTEP_CONFIG_H

/*
 * What the connections of one listener have in common. Build it, then share it read-only between
 * any number of connections and cores: nothing in it changes after the first lks_conn_new().
 * Calls that read files fill *err with one line that names the file and the remedy.
 */

#include <stdbool.h>
#include <stddef.h>

#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lks_config;

/* An empty configuration: every supported AEAD suite, group and signature; no certificate, no ALPN,
 * no key log. References are counted: lks_config_free() gives up the caller's, and each connection
 * holds one of its own. */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_new(struct lks_config **out);
LKS_API void lks_config_free(struct lks_config *config);

/*
 * Adds a certificate chain and its private key, both PEM files: leaf first, then intermediates. The
 * key may be ECDSA P-256 or RSA of at least 2048 bits. A server chooses by the client's SNI among
 * the leaves' DNS names (exact, then wildcard) and its signature algorithms; the first one added is
 * what a client without SNI, or with an unknown name, gets.
 * LKS_BAD_CONFIG: missing, unreadable or empty file, an encrypted key, a kind of key we do not sign
 * with, or a key that does not belong to the leaf; *err says which.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_add_certificate(struct lks_config *config,
                                                                  const char *cert_file,
                                                                  const char *key_file,
                                                                  struct lks_error *err);

/* The application protocols in order of preference, separated by commas ("http/1.1" or
 * "h2,http/1.1"): RFC 7301. A server whose client offers ALPN with none of them ends the handshake
 * with no_application_protocol; without this call it ignores the extension. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_alpn(struct lks_config *config, const char *protocols, struct lks_error *err);

/* The AEAD suites in order of the server's preference, by the names of RFC 8446 appendix B.4,
 * separated by commas. An unknown name is LKS_BAD_CONFIG and *err lists the known ones. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_suites(struct lks_config *config, const char *suites, struct lks_error *err);

/* The key exchange groups in order of the server's preference ("x25519,secp256r1"). */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_groups(struct lks_config *config, const char *groups, struct lks_error *err);

/* Whether a handshake stops for its public-key work, which the caller then runs where it likes
 * (lks_conn_take_pkey_job()). Off unless called: the work is done inline. */
LKS_API void lks_config_set_deferred_pkey(struct lks_config *config, bool deferred);

/* Whether a client puts values into its hello that mean nothing, so that servers do not get used to
 * there being none: RFC 8701. Off unless called. */
LKS_API void lks_config_set_grease(struct lks_config *config, bool grease);

/* Whether a client's handshake looks like TLS 1.2's to boxes on its way: RFC 8446 appendix D.4. On
 * unless called. A server does what its client does. */
LKS_API void lks_config_set_compatibility(struct lks_config *config, bool compatible);

/* Appends every connection's secrets to a file, in the NSS key log format. Whoever has the file can
 * read the traffic: for debugging. Off unless called. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_key_log(struct lks_config *config, const char *file, struct lks_error *err);

#ifdef __cplusplus
}
#endif
#endif
