/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_record.h"

#include <lockstep/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "simd/aead.h"
#include "simd/provider.h"

bool quick_run(void)
{
    const char *effort = getenv("LKS_TEST_EFFORT");
    return effort && !strcmp(effort, "quick");
}

/* Whether any algorithm has a kernel of exactly the tier that LOCKSTEP_ISA names. Otherwise the run
 * would repeat that of a lower tier, and must not count as passed. */
static bool tier_runs(const char *isa)
{
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        const struct lks_aead *row = lks_aead_best(id);
        if (row && !strcmp(row->isa, isa))
            return true;
    }
    return false;
}

int main(void)
{
    const struct lks_test_suite suites[] = {
        {"framer", framer_tests},
        {"batch", batch_tests},
        {"status", status_tests},
        {"vectors", vector_tests},
        {"ccm", ccm_tests},
        {"mac", mac_tests},
        {0},
    };
    const char *isa = getenv("LOCKSTEP_ISA");
    if (isa && *isa && !tier_runs(isa)) {
        printf("SKIP: no kernel of tier %s here\nrecord: 0 passed, 0 failed, 1 skipped\n", isa);
        return 77;
    }
    const char *provider = getenv("LOCKSTEP_PROVIDER");
    if (provider && *provider && lks_provider_choice() == LKS_PROVIDER_ABSENT) {
        printf("SKIP: no %s here\nrecord: 0 passed, 0 failed, 1 skipped\n", provider);
        return 77;
    }
    char text[4096];
    lks_engine_describe(text, sizeof(text));
    printf("%s", text);
    return lks_test_run("record", suites);
}
