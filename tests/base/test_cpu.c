/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The CPU's features, from made-up answers of cpuid: a register set counts only if the operating
 * system saves it, and no bit stands for another.
 */
#include "base/cpu.h"

#include "test_base.h"

#define BIT(n) (UINT32_C(1) << (n))

enum { XCR0_ALL = 0xe7, XCR0_NO_ZMM = 0x07, XCR0_SSE = 0x03 };

/* Leaf 1 ECX: PCLMULQDQ, SSSE3, SSE4.1, AES, OSXSAVE, AVX. */
#define LEAF1 (BIT(1) | BIT(9) | BIT(19) | BIT(25) | BIT(27) | BIT(28))
/* Leaf 7 EBX: AVX2, BMI2; and AVX-512 F, DQ, IFMA, BW, VL. */
#define LEAF7_EBX_YMM (BIT(5) | BIT(8))
#define LEAF7_EBX     (LEAF7_EBX_YMM | BIT(16) | BIT(17) | BIT(21) | BIT(30) | BIT(31))
/* Leaf 7 ECX: GFNI, VAES, VPCLMULQDQ; and AVX-512 VBMI. */
#define LEAF7_ECX_YMM (BIT(8) | BIT(9) | BIT(10))
#define LEAF7_ECX     (LEAF7_ECX_YMM | BIT(1))

#define HAS_XMM (LKS_CPU_SSSE3 | LKS_CPU_SSE41 | LKS_CPU_AESNI | LKS_CPU_PCLMUL)
/* General registers and xmm: need no XCR0. */
#define HAS_NO_STATE (HAS_XMM | LKS_CPU_BMI2 | LKS_CPU_GFNI)
#define HAS_YMM      (HAS_NO_STATE | LKS_CPU_AVX | LKS_CPU_AVX2 | LKS_CPU_VAES | LKS_CPU_VPCLMUL)
#define HAS_ZMM                                                                           \
    (HAS_YMM | LKS_CPU_AVX512F | LKS_CPU_AVX512BW | LKS_CPU_AVX512VL | LKS_CPU_AVX512DQ | \
     LKS_CPU_AVX512IFMA | LKS_CPU_AVX512VBMI | LKS_CPU_WIDE512)

static const struct {
    const char *what;
    struct lks_cpuid_leaves leaves;
    uint32_t features;
} cpus[] = {
    {"nothing at all", {0, 0, 0, 0, 0}, 0},
    {"no leaf 1: what stands there is not looked at",
     {0, LEAF1, LEAF7_EBX, LEAF7_ECX, XCR0_ALL},
     0},
    {"no bits", {0x20, 0, 0, 0, XCR0_ALL}, 0},
    {"everything", {0x20, LEAF1, LEAF7_EBX, LEAF7_ECX, XCR0_ALL}, HAS_ZMM},
    {"every bit set", {0x20, ~0u, ~0u, ~0u, ~UINT64_C(0)}, HAS_ZMM},
    {"AVX without OSXSAVE", {0x20, LEAF1 & ~BIT(27), LEAF7_EBX, LEAF7_ECX, 0}, HAS_NO_STATE},
    {"xmm saved, ymm not", {0x20, LEAF1, LEAF7_EBX, LEAF7_ECX, XCR0_SSE}, HAS_NO_STATE},
    {"ymm without xmm", {0x20, LEAF1, LEAF7_EBX, LEAF7_ECX, 0x05}, HAS_NO_STATE},
    {"zmm not saved", {0x20, LEAF1, LEAF7_EBX, LEAF7_ECX, XCR0_NO_ZMM}, HAS_YMM},
    {"opmask not saved", {0x20, LEAF1, LEAF7_EBX, LEAF7_ECX, XCR0_ALL & ~BIT(5)}, HAS_YMM},
    {"halves of zmm0-15 not saved",
     {0x20, LEAF1, LEAF7_EBX, LEAF7_ECX, XCR0_ALL & ~BIT(6)},
     HAS_YMM},
    {"zmm16-31 not saved", {0x20, LEAF1, LEAF7_EBX, LEAF7_ECX, XCR0_ALL & ~BIT(7)}, HAS_YMM},
    {"leaf 6 is the last", {6, LEAF1, LEAF7_EBX, LEAF7_ECX, XCR0_ALL}, HAS_XMM | LKS_CPU_AVX},
    {"VAES without VPCLMULQDQ",
     {7, LEAF1, LEAF7_EBX_YMM, LEAF7_ECX_YMM & ~BIT(10), XCR0_NO_ZMM},
     HAS_YMM & ~(uint32_t)LKS_CPU_VPCLMUL},
    {"VPCLMULQDQ without VAES",
     {7, LEAF1, LEAF7_EBX_YMM, LEAF7_ECX_YMM & ~BIT(9), XCR0_NO_ZMM},
     HAS_YMM & ~(uint32_t)LKS_CPU_VAES},
    {"AVX-512 without VAES, as before Ice Lake",
     {0x16, LEAF1, LEAF7_EBX, 0, XCR0_ALL},
     HAS_ZMM & ~(uint32_t)(LKS_CPU_VAES | LKS_CPU_VPCLMUL | LKS_CPU_GFNI | LKS_CPU_AVX512VBMI |
                           LKS_CPU_WIDE512)},
    {"AVX-512 without VL",
     {0x20, LEAF1, LEAF7_EBX & ~BIT(31), LEAF7_ECX, XCR0_ALL},
     HAS_ZMM & ~(uint32_t)(LKS_CPU_AVX512VL | LKS_CPU_WIDE512)},
    {"AES-NI without PCLMULQDQ",
     {6, LEAF1 & ~BIT(1), 0, 0, 0},
     HAS_XMM & ~(uint32_t)LKS_CPU_PCLMUL},
};

static void features_follow_cpuid_and_xcr0(void)
{
    for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
        uint32_t found = lks_cpu_features_from(&cpus[i].leaves);
        LKS_CHECK(found == cpus[i].features, "%s: %#x instead of %#x", cpus[i].what, found,
                  cpus[i].features);
    }
}

static void this_cpu_answers_the_same_twice(void)
{
    CU_ASSERT_EQUAL(lks_cpu_features(), lks_cpu_features());
    CU_ASSERT_TRUE(lks_cpu_has(0));
    CU_ASSERT_FALSE(lks_cpu_has(BIT(31))); /* no feature */
}

static void tiers_rise_and_unknown_ones_are_refused(void)
{
    static const char *const rising[] = {"portable", "aesni",  "avx2",
                                         "vaes256",  "avx512", "vaes512"};
    static const char *const unknown[] = {"",       "avx",      "vaes",  "VAES512",
                                          "aesni ", "vaes5120", "vaes51"};
    for (int i = 0; i < 6; i++)
        LKS_CHECK(lks_isa_rank(rising[i]) == i, "%s", rising[i]);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        LKS_CHECK(lks_isa_rank(unknown[i]) == -1, "\"%s\"", unknown[i]);
}

const struct lks_test lks_cpu_tests[] = {
    {"features follow cpuid and XCR0", features_follow_cpuid_and_xcr0},
    {"this CPU answers the same twice", this_cpu_answers_the_same_twice},
    {"tiers rise and unknown ones are refused", tiers_rise_and_unknown_ones_are_refused},
    {NULL, NULL},
};
