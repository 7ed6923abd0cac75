/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include <rte_cycles.h>

uint64_t clock_ns(void)
{
    static double ns_per_cycle;
    if (ns_per_cycle == 0)
        ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
    return (uint64_t)((double)rte_rdtsc() * ns_per_cycle);
}

uint64_t clock_us(void)
{
    return clock_ns() / 1000;
}
