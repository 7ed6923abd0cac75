/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "chains.h"
#include "suites.h"

int main(void)
{
    if (!chains_start())
        return lks_test_skip_all("dpdk", "EAL does not start here");
    const struct lks_test_suite suites[] = {
        {"mbuf", mbuf_tests()},
        {"engine", engine_tests()},
        {"pool", pool_tests},
        {0},
    };
    return lks_test_run("dpdk", suites);
}
