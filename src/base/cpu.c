/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/cpu.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* XCR0: which registers the operating system saves. */
#define XCR0_YMM 0x06u /* SSE and AVX state */
#define XCR0_ZMM 0xe6u /* and opmask, upper halves of zmm0-15, zmm16-31 */

struct bit {
    uint32_t feature;
    uint8_t at;
};

static uint32_t pick(uint32_t reg, const struct bit *bits, unsigned int num_bits)
{
    uint32_t found = 0;
    for (unsigned int i = 0; i < num_bits; i++)
        if (reg >> bits[i].at & 1)
            found |= bits[i].feature;
    return found;
}
#define PICK(reg, bits) pick(reg, bits, sizeof(bits) / sizeof((bits)[0]))

static const struct bit leaf1_ecx[] = {
    {LKS_CPU_PCLMUL, 1}, {LKS_CPU_SSSE3, 9}, {LKS_CPU_SSE41, 19}, {LKS_CPU_AESNI, 25}};
static const struct bit leaf1_ecx_ymm[] = {{LKS_CPU_AVX, 28}};
static const struct bit leaf7_ebx[] = {{LKS_CPU_BMI2, 8}};
static const struct bit leaf7_ebx_ymm[] = {{LKS_CPU_AVX2, 5}};
static const struct bit leaf7_ecx[] = {{LKS_CPU_GFNI, 8}};
static const struct bit leaf7_ecx_ymm[] = {{LKS_CPU_VAES, 9}, {LKS_CPU_VPCLMUL, 10}};
static const struct bit leaf7_ebx_zmm[] = {{LKS_CPU_AVX512F, 16},
                                           {LKS_CPU_AVX512DQ, 17},
                                           {LKS_CPU_AVX512IFMA, 21},
                                           {LKS_CPU_AVX512BW, 30},
                                           {LKS_CPU_AVX512VL, 31}};
static const struct bit leaf7_ecx_zmm[] = {{LKS_CPU_AVX512VBMI, 1}};

/*
 * Intel's cores before Ice Lake lower their clock for everybody on the package when one of them
 * runs heavy 512-bit code. VAES came with Ice Lake and Zen 4, neither of which pays that price, so
 * its presence on top of AVX-512 is the test.
 */
static bool is_wide512_good(uint32_t features)
{
    const uint32_t needed = LKS_CPU_AVX512F | LKS_CPU_AVX512VL | LKS_CPU_VAES;
    return (features & needed) == needed;
}

uint32_t lks_cpu_features_from(const struct lks_cpuid_leaves *leaves)
{
    if (leaves->max_leaf < 1)
        return 0;
    bool ymm = (leaves->xcr0 & XCR0_YMM) == XCR0_YMM;
    bool zmm = (leaves->xcr0 & XCR0_ZMM) == XCR0_ZMM;
    uint32_t found = PICK(leaves->leaf1_ecx, leaf1_ecx);
    if (ymm)
        found |= PICK(leaves->leaf1_ecx, leaf1_ecx_ymm);
    if (leaves->max_leaf < 7)
        return found;
    found |= PICK(leaves->leaf7_ebx, leaf7_ebx) | PICK(leaves->leaf7_ecx, leaf7_ecx);
    if (ymm)
        found |= PICK(leaves->leaf7_ebx, leaf7_ebx_ymm) | PICK(leaves->leaf7_ecx, leaf7_ecx_ymm);
    if (zmm)
        found |= PICK(leaves->leaf7_ebx, leaf7_ebx_zmm) | PICK(leaves->leaf7_ecx, leaf7_ecx_zmm);
    if (is_wide512_good(found))
        found |= LKS_CPU_WIDE512;
    return found;
}

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static uint64_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static uint32_t detect(void)
{
    struct lks_cpuid_leaves leaves = {0};
    uint32_t eax, ebx, edx; /* not looked at */
    leaves.max_leaf = __get_cpuid_max(0, NULL);
    if (leaves.max_leaf >= 1) {
        __cpuid(1, eax, ebx, leaves.leaf1_ecx, edx);
        if (leaves.leaf1_ecx >> 27 & 1) /* OSXSAVE: xgetbv exists */
            leaves.xcr0 = read_xcr0();
    }
    if (leaves.max_leaf >= 7) {
        __cpuid_count(7, 0, eax, leaves.leaf7_ebx, leaves.leaf7_ecx, edx);
    }
    (void)eax, (void)ebx, (void)edx;
    return lks_cpu_features_from(&leaves);
}
#else
static uint32_t detect(void)
{
    return 0;
}
#endif

uint32_t lks_cpu_features(void)
{
    static _Atomic uint64_t cached; /* features, and bit 32 once they are known */
    uint64_t v = atomic_load_explicit(&cached, memory_order_relaxed);
    if (!v) {
        v = (uint64_t)1 << 32 | detect();
        atomic_store_explicit(&cached, v, memory_order_relaxed);
    }
    return (uint32_t)v;
}

int lks_isa_rank(const char *name)
{
    static const char *const tiers[] = {"portable", "aesni",  "avx2",
                                        "vaes256",  "avx512", "vaes512"};
    for (int i = 0; i < (int)(sizeof(tiers) / sizeof(tiers[0])); i++)
        if (strcmp(name, tiers[i]) == 0)
            return i;
    return -1;
}

int lks_isa_cap(void)
{
    static _Atomic int cached; /* the cap's place + 2, so that 0 means "not read yet" */
    int v = atomic_load_explicit(&cached, memory_order_relaxed);
    if (!v) {
        const char *name = getenv("LOCKSTEP_ISA");
        v = name && *name ? lks_isa_rank(name) + 2 : INT_MAX;
        atomic_store_explicit(&cached, v, memory_order_relaxed);
    }
    return v == INT_MAX ? INT_MAX : v - 2;
}
