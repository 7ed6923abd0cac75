/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_RSA_PREMASTER_H
#define LKS_HANDSHAKE_RSA_PREMASTER_H

/* TLS 1.2's EncryptedPreMasterSecret, RFC 5246 section 7.4.7.1: RSA with the padding of PKCS #1
 * v1.5. */

#include <openssl/evp.h>

#include <lockstep/status.h>

#define LKS_RSA_MAX 1024u /* bytes of a modulus */
/* libcrypto blinds so often, and a bit, before it makes another blinding. */
#define LKS_BLINDING_USES 40u

#define LKS_PREMASTER_LEN 48u

/* Makes a pre-master secret of a version and encrypts it for a server's key. *len: the room in
 * encrypted, then what it has. */
LKS_MUST_CHECK enum lks_status lks_rsa_encrypt(uint8_t premaster[LKS_PREMASTER_LEN],
                                               uint8_t *encrypted, size_t *len, EVP_PKEY *key,
                                               uint16_t version);

/* Decrypts one. What does not decrypt to a pre-master secret of the version gives a random one, in
 * the same time and also as LKS_OK. */
LKS_MUST_CHECK enum lks_status lks_rsa_decrypt(uint8_t premaster[LKS_PREMASTER_LEN], EVP_PKEY *key,
                                               uint16_t version, const uint8_t *encrypted,
                                               size_t encrypted_len);

/* Of that, the part behind RSA: takes the secret out of a block of k bytes, as long as the modulus,
 * or leaves premaster as it is. Constant time in all but k. */
void lks_rsa_unpad(uint8_t premaster[LKS_PREMASTER_LEN], const uint8_t *block, size_t k,
                   uint16_t version);

#endif
