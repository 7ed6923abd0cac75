/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include <rte_cycles.h>

uint64_t clock_us(void)
{
    return (uint64_t)((double)rte_rdtsc() * (1e6 / (double)rte_get_tsc_hz()));
}
