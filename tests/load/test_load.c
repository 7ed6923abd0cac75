/* SPDX-License-Identifier: BSD-3-Clause */
#include "suites.h"

static const struct lks_test_suite suites[] = {
    {"histogram", histogram_tests},
    {"schedule", schedule_tests},
    {"http", http_tests},
    {NULL, NULL},
};

int main(void)
{
    return lks_test_run("load", suites);
}
