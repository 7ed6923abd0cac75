/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include <rte_cycles.h>

uint64_t clock_us(void)
{
    static double us_per_cycle;
    if (us_per_cycle == 0)
        us_per_cycle = 1e6 / (double)rte_get_tsc_hz();
    return (uint64_t)((double)rte_rdtsc() * us_per_cycle);
}
