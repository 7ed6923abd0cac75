/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_AEAD_ROWS_H
#define LKS_SIMD_AEAD_ROWS_H

/* Every kernel's row; src/simd/aead.c lists those that are compiled in. */

#include "simd/aead.h"

/* RFC 8446 section 5.5: 2^24.5 full-size records under one AES-GCM key. 2^24 leaves what is under
 * way room to end. */
#define LKS_GCM_MAX_RECORDS (UINT64_C(1) << 24)

/* ChaCha20-Poly1305 has no limit below the sequence number's, RFC 8446 section 5.5; a few records
 * are kept in hand for the KeyUpdate itself. */
#define LKS_CHACHA_MAX_RECORDS (UINT64_MAX - (UINT64_C(1) << 16))

/* RFC 9147 section 4.5.3 and appendix B: 2^23 records of full size keep an attacker's advantage
 * over AES-CCM's confidentiality below 2^-60; RFC 8446 section 5.5 names no figure for CCM. The tag
 * does not enter into that. It does into the integrity limit, 2^23.5 forgeries tried, or 2^7 under
 * CCM_8: TLS ends a connection at the first (RFC 8446 section 5.2). */
#define LKS_CCM_MAX_RECORDS (UINT64_C(1) << 23)

/* A block cipher's birthday bound: 2^48 blocks, in records of 2^11 at most, leave a chance of 2^-32
 * that two of them are the same. */
#define LKS_CBC_MAX_RECORDS (UINT64_C(1) << 37)

extern const struct lks_aead lks_aes_128_gcm_portable, lks_aes_256_gcm_portable;
extern const struct lks_aead lks_aes_128_gcm_aesni, lks_aes_256_gcm_aesni;
extern const struct lks_aead lks_aes_128_gcm_vaes256, lks_aes_256_gcm_vaes256;
extern const struct lks_aead lks_aes_128_gcm_vaes512, lks_aes_256_gcm_vaes512;
extern const struct lks_aead lks_chacha20_poly1305_portable, lks_chacha20_poly1305_avx2;
extern const struct lks_aead lks_chacha20_poly1305_avx512;
extern const struct lks_aead lks_aes_128_ccm_aesni, lks_aes_128_ccm_8_aesni;
extern const struct lks_aead lks_aes_256_ccm_aesni, lks_aes_256_ccm_8_aesni;
extern const struct lks_aead lks_aes_128_ccm_vaes256, lks_aes_128_ccm_8_vaes256;
extern const struct lks_aead lks_aes_256_ccm_vaes256, lks_aes_256_ccm_8_vaes256;
extern const struct lks_aead lks_aes_128_ccm_portable, lks_aes_128_ccm_8_portable;
extern const struct lks_aead lks_aes_256_ccm_portable, lks_aes_256_ccm_8_portable;

extern const struct lks_aead lks_aes_128_cbc_sha_portable, lks_aes_256_cbc_sha_portable;
extern const struct lks_aead lks_aes_128_cbc_sha256_portable, lks_aes_256_cbc_sha256_portable;
extern const struct lks_aead lks_aes_256_cbc_sha384_portable;
extern const struct lks_aead lks_aes_128_cbc_sha_etm_portable, lks_aes_256_cbc_sha_etm_portable;
extern const struct lks_aead lks_aes_128_cbc_sha256_etm_portable;
extern const struct lks_aead lks_aes_256_cbc_sha256_etm_portable;
extern const struct lks_aead lks_aes_256_cbc_sha384_etm_portable;

/* Of ipsec-mb; src/simd/provider.c lists them where it is built in. */
extern const struct lks_aead lks_aes_128_gcm_ipsec_mb, lks_aes_256_gcm_ipsec_mb;
extern const struct lks_aead lks_chacha20_poly1305_ipsec_mb;
extern const struct lks_aead lks_aes_128_cbc_sha_ipsec_mb, lks_aes_256_cbc_sha_ipsec_mb;
extern const struct lks_aead lks_aes_128_cbc_sha256_ipsec_mb, lks_aes_256_cbc_sha256_ipsec_mb;
extern const struct lks_aead lks_aes_256_cbc_sha384_ipsec_mb;
extern const struct lks_aead lks_aes_128_cbc_sha_etm_ipsec_mb, lks_aes_256_cbc_sha_etm_ipsec_mb;
extern const struct lks_aead lks_aes_128_cbc_sha256_etm_ipsec_mb;
extern const struct lks_aead lks_aes_256_cbc_sha256_etm_ipsec_mb;
extern const struct lks_aead lks_aes_256_cbc_sha384_etm_ipsec_mb;

#endif
