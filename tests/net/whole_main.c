/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "suites.h"
#include "wire.h"

int main(void)
{
    if (!wire_start())
        return lks_test_skip_all("net_whole", "EAL does not start here");
    const struct lks_test_suite suites[] = {
        {"whole", whole_tests()},
        {"copies", copies_tests()},
        {"link", link_tests()},
        {0},
    };
    return lks_test_run("net_whole", suites);
}
