/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CLOCK_H
#define LOCKSTEPD_CLOCK_H

#include <stdint.h>

/* Nanoseconds, and microseconds, that only go up. */
uint64_t clock_ns(void);
uint64_t clock_us(void);

#endif
