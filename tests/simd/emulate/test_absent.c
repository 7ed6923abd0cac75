/* SPDX-License-Identifier: BSD-3-Clause */
/* In place of the emulated tiers' tests, where the processor is no x86-64. */
#include "common/test.h"

static void test_absent(void)
{
    LKS_SKIP("AVX-512's kernels are emulated by x86-64's 128-bit instructions, which are not here");
}

int main(void)
{
    static const struct lks_test tests[] = {{"AVX-512 emulated", test_absent}, {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"intrinsics", tests}, {NULL, NULL}};
    return lks_test_run("emulate", suites);
}
