/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_ISA_H
#define LKS_SIMD_ISA_H

#include <stdbool.h>

/* Whether this CPU has what a tier's rows need, whatever LOCKSTEP_ISA says; false for an unknown
 * name. */
bool lks_isa_usable(const char *isa);

#endif
