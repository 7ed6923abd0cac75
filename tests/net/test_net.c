/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "suites.h"
#include "wire.h"

int main(void)
{
    if (!wire_start())
        return lks_test_skip_all("net", "EAL does not start here");
    const struct lks_test_suite suites[] = {
        {"tables", tables_tests()},   {"sent", sent_tests()},
        {"script", script_tests()},   {"states", states_tests()},
        {"loss", loss_tests()},       {"link", link_tests()},
        {"goodput", goodput_tests()}, {0},
    };
    return lks_test_run("net", suites);
}
