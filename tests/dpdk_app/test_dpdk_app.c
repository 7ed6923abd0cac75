/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "bed.h"
#include "common/test.h"
#include "conn/client.h"

int main(void)
{
    if (!bed_eal())
        return lks_test_skip_all("dpdk_app", "EAL does not start here");
    const struct lks_test_suite suites[] = {
        {"move", move_tests()},
        {"end", end_tests()},
        {"drain", drain_tests()},
        {"counters", counter_tests()},
        {0},
    };
    int rc = lks_test_run("dpdk_app", suites);
    test_certificates_remove();
    return rc;
}
