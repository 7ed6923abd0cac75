/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_SIGN_H
#define LKS_HANDSHAKE_SIGN_H

/* Signature schemes (RFC 8446 section 4.2.3), as const rows over libcrypto. */

#include <openssl/evp.h>
#include <stdbool.h>

#include <lockstep/status.h>

#include "base/writer.h"

#define LKS_SIGNATURE_MAX 1024u /* RSA with 8192 bits */

struct lks_sign_scheme {
    uint16_t number;
    const char *name;
    int key_type;      /* libcrypto's EVP_PKEY_… */
    const char *curve; /* NULL: any */
    const char *hash;  /* NULL: the scheme has its own */
    bool is_pss;
};

/* All rows in our order of preference, ended by one whose name is NULL. */
const struct lks_sign_scheme *lks_sign_schemes(void);

/* TLS 1.2's, the same way: those, and RSASSA-PKCS1-v1_5. */
const struct lks_sign_scheme *lks_sign_tls12_schemes(void);

/* The row of a number; NULL: none that may sign a handshake. */
const struct lks_sign_scheme *lks_sign_find(uint16_t number);

/* The same for TLS 1.2, which has RSASSA-PKCS1-v1_5, too, and where ECDSA's schemes name a hash but
 * no curve (RFC 8446 section 4.2.3). Nothing with SHA-1. */
const struct lks_sign_scheme *lks_sign_find_tls12(uint16_t number);

/* Writes the SignatureSchemeList of signature_algorithms: those of a list (NULL at the end) that
 * are TLS 1.3's, or (with_pkcs1) all. */
void lks_sign_write_schemes(struct lks_writer *w, const struct lks_sign_scheme *const *list,
                            bool with_pkcs1);

/* The one of signature_algorithms_cert: all that there are. */
void lks_sign_write_cert_schemes(struct lks_writer *w);

/* Whether a private or public key can be used under a scheme. */
bool lks_sign_fits(const struct lks_sign_scheme *scheme, const EVP_PKEY *key);

/* A set of schemes: a bit for each row, TLS 1.3's below TLS 1.2's; and all that a key can be used
 * under. */
#define LKS_SIGN_TLS13_BITS 0xffffu
uint32_t lks_sign_bit(const struct lks_sign_scheme *scheme);
uint32_t lks_sign_fitting(const EVP_PKEY *key);

/* Signs; *sig_len is sig's room and then its length. */
LKS_MUST_CHECK enum lks_status lks_sign(const struct lks_sign_scheme *scheme, EVP_PKEY *key,
                                        const uint8_t *message, size_t message_len, uint8_t *sig,
                                        size_t *sig_len);

/* Verifies a peer's signature. illegal_parameter: the scheme is not for this key; decrypt_error:
 * the signature is wrong. */
LKS_MUST_CHECK enum lks_status lks_sign_verify(const struct lks_sign_scheme *scheme, EVP_PKEY *key,
                                               const uint8_t *message, size_t message_len,
                                               const uint8_t *sig, size_t sig_len);

#endif
