/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_BASE_CPU_H
#define LKS_BASE_CPU_H

/*
 * What the CPU can do. The only cpuid in the project is behind this header. A feature counts only
 * if the operating system saves its registers (OSXSAVE, XCR0).
 */

#include <stdbool.h>
#include <stdint.h>

enum lks_cpu_feature {
    LKS_CPU_SSSE3 = 1u << 0,
    LKS_CPU_SSE41 = 1u << 1,
    LKS_CPU_AESNI = 1u << 2,
    LKS_CPU_PCLMUL = 1u << 3,
    LKS_CPU_AVX = 1u << 4,
    LKS_CPU_AVX2 = 1u << 5,
    LKS_CPU_BMI2 = 1u << 6,
    LKS_CPU_VAES = 1u << 7,
    LKS_CPU_VPCLMUL = 1u << 8,
    LKS_CPU_AVX512F = 1u << 9,
    LKS_CPU_AVX512BW = 1u << 10,
    LKS_CPU_AVX512VL = 1u << 11,
    LKS_CPU_AVX512DQ = 1u << 12,
    LKS_CPU_AVX512IFMA = 1u << 13,
    LKS_CPU_AVX512VBMI = 1u << 14,
    LKS_CPU_GFNI = 1u << 15,
    /* Policy, not capability: 512-bit vectors are worth their frequency cost on this CPU. */
    LKS_CPU_WIDE512 = 1u << 16,
};

/* The raw answers the detector works from, so that a test can feed it any CPU. */
struct lks_cpuid_leaves {
    uint32_t max_leaf;
    uint32_t leaf1_ecx;
    uint32_t leaf7_ebx, leaf7_ecx;
    uint64_t xcr0; /* 0 where OSXSAVE is not set */
};

/* Pure: features (enum lks_cpu_feature) that such a CPU may be asked for. */
uint32_t lks_cpu_features_from(const struct lks_cpuid_leaves *leaves);

/* This CPU's features; 0 on machines that are not x86. Cheap after the first call. */
uint32_t lks_cpu_features(void);

static inline bool lks_cpu_has(uint32_t needed)
{
    return (lks_cpu_features() & needed) == needed;
}

/*
 * The instruction-set cap of LOCKSTEP_ISA: the tiers' names in rising order are "portable",
 * "aesni", "avx2", "vaes256", "avx512", "vaes512". lks_isa_rank() gives a name's place (0 …) or -1;
 * lks_isa_cap() the cap's place, INT_MAX when the variable is not set, -1 when it names nothing
 * known (the error is the caller's to report). The variable is read once.
 */
int lks_isa_rank(const char *name);
int lks_isa_cap(void);

#endif
