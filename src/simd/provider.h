/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_PROVIDER_H
#define LKS_SIMD_PROVIDER_H

/*
 * Whose kernels are used: our own or those of Intel's ipsec-mb, which are rows like ours. Where
 * that library is not built in, it has no row and no manager.
 */

#include "simd/aead.h"

enum lks_provider {
    LKS_PROVIDER_DEFAULT, /* ours; ipsec-mb for algorithms with a MAC */
    LKS_PROVIDER_LOCKSTEP,
    LKS_PROVIDER_IPSEC_MB,
    LKS_PROVIDER_UNKNOWN, /* LOCKSTEP_PROVIDER names nothing known, */
    LKS_PROVIDER_ABSENT,  /* or ipsec_mb, which is not built in or cannot run here */
};

/* What LOCKSTEP_PROVIDER asks for; read once. */
enum lks_provider lks_provider_choice(void);

/* ipsec-mb's row of an algorithm; NULL if it has none here, whatever LOCKSTEP_PROVIDER says. */
const struct lks_aead *lks_provider_row(unsigned int id);

/* The multi-buffer manager that rows with a MAC need, and their scratch memory: one an engine,
 * since it keeps jobs between calls. NULL, and true, where there is none to have. */
bool lks_provider_manager_new(void **out);
void lks_provider_manager_free(void *manager);

#endif
