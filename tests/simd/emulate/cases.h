/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_SIMD_EMULATE_CASES_H
#define LKS_TESTS_SIMD_EMULATE_CASES_H

/* Each intrinsic of this folder's <immintrin.h> as a function on bytes. cases.c is compiled twice:
 * with that header, and with the compiler's. */

#include <stdint.h>

struct emulate_input {
    uint8_t a[64], b[64], c[64];
    uint64_t mask;    /* its low bits, where a mask has fewer */
    uint64_t number;  /* where the intrinsic takes one */
    const void *load; /* where to read; may point before what exists */
    void *store;
};

struct emulate_case {
    const char *name; /* the intrinsic's */
    int imm;          /* constant that it is called with; 0 if it takes none */
    /* out: 64 bytes, zero where the result is shorter or not defined */
    void (*run)(uint8_t *out, const struct emulate_input *in);
};

/* Ended by a NULL name. */
extern const struct emulate_case emulate_cases_emulated[], emulate_cases_native[];

#endif
