/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_PKI_FILES_H
#define LKS_TESTS_CONN_PKI_FILES_H

/* Certificates made in the test, as files for configurations, in a temporary folder. */

#include <stdio.h>

#include "../handshake/pki.h"
#include "configs.h"

/* What leaves are issued by, once there is a folder. root.pem is there from the start. */
extern X509 *pki_root, *pki_intermediate;
void pki_begin(void);
void pki_end(void);

/* Static storage, for some calls. */
const char *pki_path(const char *name);
FILE *pki_create(const char *name);

/* Writes name.pem (leaf and intermediate, or self-signed) and name.key; returns the leaf. */
X509 *pki_leaf(const char *name, const struct pki *what, bool self_signed);

/* Writes an OCSP response about a leaf of the intermediate's: begin and end in seconds from
 * PKI_NOW, end 0: without. */
void pki_response(const char *name, X509 *leaf, int status, long begin, long end,
                  enum pki_key signer);
/* The same by any signer, whose certificate the response has in it, or not. */
void pki_response_of(const char *name, X509 *leaf, int status, long begin, long end, X509 *signer,
                     enum pki_key key, bool shows_signer);

/* A configuration of PKI_NOW that trusts the root. */
struct lks_config *pki_config(void);
void pki_add(struct lks_config *config, const char *name);

#endif
