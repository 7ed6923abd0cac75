/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CERTIFICATE_FILE_H
#define LKS_HANDSHAKE_CERTIFICATE_FILE_H

#include <lockstep/source.h>

#include "base/writer.h"
#include "handshake/config.h"

/* Reads a chain and its key, as lks_identities_add_certificate() says; key NULL: it is elsewhere.
 */
LKS_MUST_CHECK enum lks_status lks_certificate_load(struct lks_certificate **out,
                                                    const struct lks_source *chain,
                                                    const struct lks_source *key,
                                                    struct lks_error *err);
void lks_certificate_free(struct lks_certificate *certificate);

/* Bytes that the body of a Certificate message has at most. */
size_t lks_certificate_body_max(const struct lks_certificate *certificate);

/* Writes the body of a Certificate message: an empty context, the chain, and of the leaf's
 * extensions those that were asked for (LKS_PEER_ASKED_…) and are there. */
void lks_certificate_write_body(struct lks_writer *w, const struct lks_certificate *certificate,
                                unsigned int asked);

/* Makes the bodies of CompressedCertificate messages anew, for each algorithm of a list that ends
 * with NULL; NULL: none. One that would not save anything is left out. */
bool lks_certificate_compress(struct lks_certificate *certificate,
                              const struct lks_compression *const *algorithms);

/* The one for an algorithm, to a peer that asked for these extensions. False: send it as it is. */
bool lks_certificate_find_compressed(const struct lks_certificate *certificate, uint16_t algorithm,
                                     unsigned int asked, struct lks_reader *out);

#endif
