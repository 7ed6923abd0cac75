/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_AES_PORTABLE_H
#define LKS_SIMD_AES_PORTABLE_H

/*
 * AES in constant time and in plain C: four blocks at once, bitsliced. No table is indexed and no
 * branch taken by a secret.
 *
 * Plane k (of 8) holds bit k of every byte. Byte p of block b is bit 4p + b of each plane, so a
 * nibble is one byte position of the four blocks, 16 bits are a column of the state and ShiftRows
 * rotates the nibbles of row r by r columns, i.e. a masked plane by 16 r bits, MixColumns  needs
 * the rows of a column rotated by one: 4 bits within each 16. The S-box is the circuit of Boyar and
 * Peralta, "A small depth-16 circuit for the AES S-box" (2012): 128 gates over the eight planes.
 */

#include <stdint.h>

#define AES_ROUND_KEYS_MAX 15u

/* Expands a key of 16 or 32 bytes (FIPS 197 section 5.2) into 11 or 15 round keys of 16 bytes: the
 * form in which a connection's key stores them. */
void lks_aes_portable_expand(uint8_t *round_keys, const uint8_t *key, unsigned int key_len);

/* Round keys as planes, for one call's use: big, on the stack, and to be wiped. */
struct lks_aes_planes {
    uint64_t key[AES_ROUND_KEYS_MAX][8];
    unsigned int num_rounds;
};
void lks_aes_portable_load(struct lks_aes_planes *planes, const uint8_t *round_keys,
                           unsigned int num_rounds);

/* Encrypts four blocks, 64 bytes, in place; or decrypts them, with the same round keys. */
void lks_aes_portable_encrypt4(const struct lks_aes_planes *planes, uint8_t *blocks);
void lks_aes_portable_decrypt4(const struct lks_aes_planes *planes, uint8_t *blocks);

#endif
