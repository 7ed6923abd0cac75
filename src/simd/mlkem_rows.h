/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_MLKEM_ROWS_H
#define LKS_SIMD_MLKEM_ROWS_H

/* What the files of ML-KEM's rows share: the rows, the ring, and one polynomial. */

#include "simd/mlkem.h"

extern const struct lks_mlkem lks_mlkem_portable, lks_mlkem_avx2;

#define MLKEM_Q 3329

/* 2^-16 / q and the like, for Montgomery's and Barrett's reductions. */
#define MLKEM_Q_INVERSE (-3327) /* q^-1 mod 2^16 */
#define MLKEM_LIFT      1353    /* 2^32 mod q: a product with it multiplies by 2^16 */
#define MLKEM_UNSCALE   1441    /* 2^32 / 128 mod q */
#define MLKEM_BARRETT   20159   /* 2^26 / q */

struct poly {
    _Alignas(32) int16_t c[256];
};

#endif
