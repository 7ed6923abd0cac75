/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_record.h"

#include <lockstep/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simd/provider.h"

int main(void)
{
    const struct lks_test_suite suites[] = {
        {"framer", framer_tests},  {"batch", batch_tests},
        {"status", status_tests},  {"vectors", vector_tests},
        {"ccm", ccm_tests},        {"mac", mac_tests},
        {"bad input", bad_tests},  {"order", order_tests},
        {"kernels", kernel_tests}, {0},
    };
    if (lks_test_tier_is_absent("record"))
        return 77;
    const char *provider = getenv("LOCKSTEP_PROVIDER");
    if (provider && *provider && lks_provider_choice() == LKS_PROVIDER_ABSENT) {
        char reason[64];
        snprintf(reason, sizeof(reason), "no %s here", provider);
        return lks_test_skip_all("record", reason);
    }
    char text[4096];
    lks_engine_describe(text, sizeof(text));
    printf("%s", text);
    return lks_test_run("record", suites);
}
