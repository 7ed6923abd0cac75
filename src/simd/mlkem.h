/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_MLKEM_H
#define LKS_SIMD_MLKEM_H

/*
 * ML-KEM-768 (FIPS 203) on one instruction set, as a const row. The functions are FIPS 203's
 * internal ones (section 6): randomness is the caller's. All are constant time in everything
 * but the encapsulation key and the ciphertext.
 */

#include <stdbool.h>
#include <stdint.h>

#define LKS_MLKEM_EK_LEN     1184u /* encapsulation key */
#define LKS_MLKEM_DK_LEN     2400u /* decapsulation key */
#define LKS_MLKEM_CIPHER_LEN 1088u
#define LKS_MLKEM_SECRET_LEN 32u
#define LKS_MLKEM_SEED_LEN   64u /* of a key: d, then z */
#define LKS_MLKEM_COINS_LEN  32u /* of an encapsulation: m */

struct lks_mlkem {
    const char *name; /* "mlkem768" */
    const char *isa;

    void (*generate)(uint8_t *ek, uint8_t *dk, const uint8_t *seed);

    /* False: ek fails the modulus check of section 7.2, and nothing was written. */
    bool (*encapsulate)(uint8_t *cipher, uint8_t *secret, const uint8_t *ek, const uint8_t *coins);

    /* A ciphertext that was not made for dk gives a secret nobody knows (implicit rejection). */
    void (*decapsulate)(uint8_t *secret, const uint8_t *dk, const uint8_t *cipher);

    /* The hash check of section 7.3, for a decapsulation key that comes from elsewhere: one from
     * generate() need not be checked again. */
    bool (*check_dk)(const uint8_t *dk);
};

/* Every row that was compiled in, best first, NULL at the end. */
const struct lks_mlkem *const *lks_mlkem_rows(void);
bool lks_mlkem_usable(const struct lks_mlkem *row);

/* The best usable row within LOCKSTEP_ISA; NULL if that names nothing known. */
const struct lks_mlkem *lks_mlkem_best(void);

#endif
