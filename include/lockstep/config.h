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
 * key may be ECDSA P-256, P-384 or P-521, Ed25519, or RSA (also RSASSA-PSS) of at least 2048 bits.
 * A server chooses by the client's SNI among
 * the leaves' DNS names (exact, then wildcard) and its signature algorithms; the first one added is
 * what a client without SNI, or with an unknown name, gets.
 * LKS_BAD_CONFIG: missing, unreadable or empty file, an encrypted key, a kind of key we do not sign
 * with, or a key that does not belong to the leaf; *err says which.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_add_certificate(struct lks_config *config,
                                                                  const char *cert_file,
                                                                  const char *key_file,
                                                                  struct lks_error *err);

/*
 * Whom to trust: path is a PEM file, a directory of such files, or NULL for the system's directory
 * (/etc/ssl/certs). Read once, now; a later call takes the place of an earlier one. Each
 * certificate there is trusted as the end of a chain, a root or not. Without this call nobody is
 * trusted and a peer that has to show a certificate is refused with unknown_ca. LKS_BAD_CONFIG:
 * missing, unreadable, damaged, or without any certificate; *err says which.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_trust(struct lks_config *config, const char *path, struct lks_error *err);

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

/* Appends every connection's secrets to a file, in the NSS key log format. Whoever has the file can
 * read the traffic: for debugging. Off unless called. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_key_log(struct lks_config *config, const char *file, struct lks_error *err);

#ifdef __cplusplus
}
#endif
#endif
