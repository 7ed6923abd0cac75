/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include <rte_cycles.h>

uint64_t clock_ns(void)
{
    return (uint64_t)((double)rte_rdtsc() * (1e9 / (double)rte_get_tsc_hz()));
}

uint64_t clock_us(void)
{
    return clock_ns() / 1000;
}
