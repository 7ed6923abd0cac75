/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "chains.h"
#include "suites.h"

int main(void)
{
    if (!chains_start()) {
        printf("SKIP dpdk: EAL does not start here\ndpdk: 0 passed, 0 failed, 1 skipped\n");
        return 77;
    }
    const struct lks_test_suite suites[] = {
        {"mbuf", mbuf_tests()},
        {"engine", engine_tests()},
        {"pool", pool_tests},
        {0},
    };
    return lks_test_run("dpdk", suites);
}
