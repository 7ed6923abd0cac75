/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_HASH_H
#define LKS_HANDSHAKE_HASH_H

/* Hashes through libcrypto, fetched once a process, and HMAC and HKDF on top of them. */

#include <openssl/evp.h>

#include "handshake/suite.h"

#define LKS_HASH_BLOCK_MAX 128u

/* The suite's hash; NULL if libcrypto lacks it. Static storage. */
const EVP_MD *lks_hash_of(const struct lks_suite *suite);

/* HMAC (RFC 2104) of up to two pieces; out has the hash's length. key_len is at most the hash's
 * block length. */
LKS_MUST_CHECK enum lks_status lks_hmac(const EVP_MD *md, const uint8_t *key, size_t key_len,
                                        const uint8_t *a, size_t a_len, const uint8_t *b,
                                        size_t b_len, uint8_t *out);

/* HKDF-Expand-Label of RFC 8446 section 7.1: label without "tls13 ", context up to 255 bytes, any
 * out_len up to 255 hashes. secret has the hash's length. */
LKS_MUST_CHECK enum lks_status lks_hkdf_expand_label(const EVP_MD *md, const uint8_t *secret,
                                                     const char *label, const uint8_t *context,
                                                     size_t context_len, uint8_t *out,
                                                     size_t out_len);

#endif
