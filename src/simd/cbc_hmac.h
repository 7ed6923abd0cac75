/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_CBC_HMAC_H
#define LKS_SIMD_CBC_HMAC_H

/*
 * TLS 1.2's AES-CBC with HMAC: what is the same whoever computes it.
 *
 * A record is worked on in one piece of scratch memory, so that no kernel has to carry blocks,
 * chaining values and a secret MAC position over the borders of segments; gathering and scattering
 * costs little beside a hash. It lies there so:
 *
 *     at 0                16               32
 *     0 0 0 seq type ver len'| R or the IV  | text, MAC, padding: whole blocks | MAC (outside)
 *
 * Sealing, R is 0 0 0 seq type version length: the MAC's additional data, 13 bytes, in the block in
 * front of the text, where MAC-then-encrypt hashes it. That block is encrypted too, first: what it
 * becomes is the record's IV. It is never the same twice under a key, and a secret mask (of the
 * MAC's key) is what the chain begins with, so the IV is E(K, mask ^ R): no one can tell it
 * beforehand, as RFC 5246 section 6.2.3.2 asks and NIST SP 800-38A appendix C makes it.
 *
 * Encrypt-then-MAC (RFC 7366) hashes from the first block on: its length is that of IV and
 * ciphertext.
 */

#include "simd/aead.h"
#include "simd/sha.h"

#define CBC_TEXT_AT                 32u
#define CBC_TEXT_MAX                (18432u) /* RFC 5246 section 6.2.3: 2^14 + 2048 */
#define CBC_SCRATCH                 (CBC_TEXT_AT + CBC_TEXT_MAX + LKS_MAC_TAIL_MAX)
#define CBC_AAD_LEN                 13u
#define CBC_AAD_AT                  (LKS_BLOCK_LEN - CBC_AAD_LEN) /* in its block */
#define CBC_ROUND_KEYS_LEN(key_len) (16u * ((key_len) / 4u + 7u))
#define CBC_ROUND_KEYS_MAX          CBC_ROUND_KEYS_LEN(32u)

/* What a row's algorithm is made of, and where its key state has what: round keys for encrypting
 * (or the cipher's key alone where they would not fit), HMAC's two chaining values, the mask. */
struct cbc_hmac {
    const struct lks_sha *sha;
    uint8_t cipher_key_len;
    bool is_raw_key;
    bool mac_inside;
    uint16_t inner_at, outer_at, mask_at;
};

/* The ten suites: name, id, lengths of the cipher's key and of the MAC, of keys and of a chaining
 * value in the state, whether the MAC is inside. */
#define LKS_CBC_ROWS(ROW)                                                           \
    ROW(aes_128_cbc_sha, LKS_AES_128_CBC_SHA, 16, 20, 176, 20, true)                \
    ROW(aes_256_cbc_sha, LKS_AES_256_CBC_SHA, 32, 20, 240, 20, true)                \
    ROW(aes_128_cbc_sha256, LKS_AES_128_CBC_SHA256, 16, 32, 176, 32, true)          \
    ROW(aes_256_cbc_sha256, LKS_AES_256_CBC_SHA256, 32, 32, 240, 32, true)          \
    ROW(aes_256_cbc_sha384, LKS_AES_256_CBC_SHA384, 32, 48, 32, 64, true)           \
    ROW(aes_128_cbc_sha_etm, LKS_AES_128_CBC_SHA_ETM, 16, 20, 176, 20, false)       \
    ROW(aes_256_cbc_sha_etm, LKS_AES_256_CBC_SHA_ETM, 32, 20, 240, 20, false)       \
    ROW(aes_128_cbc_sha256_etm, LKS_AES_128_CBC_SHA256_ETM, 16, 32, 176, 32, false) \
    ROW(aes_256_cbc_sha256_etm, LKS_AES_256_CBC_SHA256_ETM, 32, 32, 240, 32, false) \
    ROW(aes_256_cbc_sha384_etm, LKS_AES_256_CBC_SHA384_ETM, 32, 48, 32, 64, false)

/* By the row's id: one for each of the ten. */
const struct cbc_hmac *lks_cbc_hmac_of(unsigned int id);

void lks_cbc_hmac_init(const struct cbc_hmac *alg, uint8_t *state, const uint8_t *key);

/* The round keys for encrypting, in the state or expanded into room. */
const uint8_t *lks_cbc_hmac_round_keys(const struct cbc_hmac *alg, const uint8_t *state,
                                       uint8_t room[CBC_ROUND_KEYS_MAX]);

/* Bytes that are encrypted behind R for len bytes of text. */
uint32_t lks_cbc_hmac_enc_len(const struct cbc_hmac *alg, uint32_t len);

/* Lays a job out in scratch, to be hashed and encrypted; and takes the result apart. */
void lks_cbc_hmac_begin_seal(const struct cbc_hmac *alg, uint8_t *scratch,
                             const struct lks_aead_job *job);
void lks_cbc_hmac_end_seal(const struct cbc_hmac *alg, const uint8_t *scratch,
                           struct lks_aead_job *job);

/* The same for opening: the IV and the ciphertext are laid out, to be decrypted where they lie. */
void lks_cbc_hmac_begin_open(const struct cbc_hmac *alg, uint8_t *scratch,
                             const struct lks_aead_job *job);

/* Judges a decrypted record and ends the job. mac_ok: for encrypt-then-MAC, whether the MAC was
 * right, checked before. For MAC-then-encrypt the MAC is checked here, in a time that tells nothing
 * of the padding. */
void lks_cbc_hmac_end_open(const struct cbc_hmac *alg, uint8_t *scratch, struct lks_aead_job *job,
                           bool mac_ok);

#endif
