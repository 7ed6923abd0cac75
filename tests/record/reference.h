/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_RECORD_REFERENCE_H
#define LKS_TESTS_RECORD_REFERENCE_H

/* Records as the RFCs spell them out, made with libcrypto's EVP and nothing of Lockstep's. */

#include <lockstep/engine.h>

#define RECORD_MAX (LKS_RECORD_HEADER_LEN + LKS_RECORD_CIPHERTEXT_MAX + 1024u)

struct reference_key {
    enum lks_version version;
    enum lks_aead_id aead;
    uint8_t key[80]; /* the cipher's, then the MAC's */
    uint8_t iv[12];
};

/* The record number seq with len bytes of content and pad_len zeros behind the type (TLS 1.3 only).
 * Returns its length. No length is refused, so that tests can make records that are too long. */
size_t reference_seal(const struct reference_key *key, uint64_t seq, uint8_t type,
                      const uint8_t *content, size_t len, size_t pad_len, uint8_t *record);

/* Bytes before the encrypted text, and those behind it that are not opened but checked: of an AEAD,
 * the tag. */
size_t reference_prefix(const struct reference_key *key);
size_t reference_suffix(const struct reference_key *key);
size_t reference_tag_len(const struct reference_key *key);

/* A record with a MAC whose padding is so long, its length byte aside: 0 … 255, what fits. The IV
 * is made as src/simd/cbc_hmac.h says. */
size_t reference_seal_mac(const struct reference_key *key, uint64_t seq, uint8_t type,
                          const uint8_t *content, size_t len, size_t padding, uint8_t *record);

/* A Lockstep key of the same secrets; fails the test if there is none. */
void reference_lks_key(const struct reference_key *key, enum lks_dir dir, struct lks_key *out);

#endif
