/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_DPDK_EAL_H
#define LKS_TESTS_DPDK_EAL_H

#include <rte_common.h>
#include <rte_eal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TEST_EAL_WORDS_MAX 8u

/* Starts EAL, which leaves nothing behind and finds no device of the machine's; words, NULL behind
 * the last, are what else it is told: memory, lcores, devices. false: it does not start here. */
static inline bool test_eal(const char *const *words)
{
    static const char *const always[] = {"test",           "--no-shconf", "--no-pci",
                                         "--no-telemetry", "--log-level", "*:error"};
    char directory[] = "/tmp/lockstep-eal-XXXXXX", command[64];
    char *args[RTE_DIM(always) + TEST_EAL_WORDS_MAX]; /* EAL changes their order alone */
    int num = 0;
    for (size_t i = 0; i < RTE_DIM(always); i++)
        args[num++] = (char *)(uintptr_t)always[i];
    for (; *words; words++) {
        if (num == (int)RTE_DIM(args))
            return false;
        args[num++] = (char *)(uintptr_t)*words;
    }
    if (!mkdtemp(directory) || setenv("RUNTIME_DIRECTORY", directory, 1))
        return false;
    const bool is_up = rte_eal_init(num, args) >= 0;
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return !system(command) && is_up;
}
#define TEST_EAL(...) test_eal((const char *const[]){__VA_ARGS__, NULL})

#endif
