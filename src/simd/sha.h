/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_SHA_H
#define LKS_SIMD_SHA_H

/*
 * SHA-1, SHA-256 and SHA-384 (FIPS 180-4) as compression functions, and HMAC (RFC 2104) on top:
 * what the MAC suites of TLS 1.2 need. Plain C whose time depends on the number of blocks alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LKS_SHA_BLOCK_MAX  128u
#define LKS_SHA_DIGEST_MAX 64u

/* A chaining value, in words of the host's byte order. */
union lks_sha_state {
    uint32_t words[8];
    uint64_t long_words[8];
};

struct lks_sha {
    uint8_t block_shift; /* a block has 1 << block_shift bytes */
    uint8_t word_len;    /* 4 or 8; the length field has two words */
    uint8_t state_len;   /* bytes of the chaining value that are used */
    uint8_t digest_len;  /* at most state_len */
    const void *initial; /* state_len bytes */
    void (*compress)(union lks_sha_state *state, const uint8_t *blocks, size_t num_blocks);
};

extern const struct lks_sha lks_sha1, lks_sha256, lks_sha384;

/* The chaining values behind key ^ ipad and key ^ opad (RFC 2104 section 2), state_len bytes each:
 * what a connection's key stores. key_len is at most a block. */
void lks_sha_hmac_init(const struct lks_sha *sha, uint8_t *inner, uint8_t *outer,
                       const uint8_t *key, size_t key_len);

/* The digest_len bytes of HMAC over a text in one piece. */
void lks_sha_hmac(const struct lks_sha *sha, uint8_t *mac, const uint8_t *inner,
                  const uint8_t *outer, const uint8_t *text, size_t len);

/*
 * The same where only the text's greatest length is public: len is len_max or up to 255 less, and
 * neither the blocks compressed nor the memory read depend on which. text has len_max bytes.
 */
void lks_sha_hmac_secret_len(const struct lks_sha *sha, uint8_t *mac, const uint8_t *inner,
                             const uint8_t *outer, const uint8_t *text, uint32_t len,
                             uint32_t len_max);

/* Plain hashing of a text in one piece. */
void lks_sha_digest(const struct lks_sha *sha, uint8_t *digest, const uint8_t *text, size_t len);

#endif
