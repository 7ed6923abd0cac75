/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_IPSEC_MB_H
#define LKS_SIMD_IPSEC_MB_H

/* Intel's ipsec-mb behind rows (aead_rows.h). Only src/simd/ipsec_mb*.c know its header. */

#include <stdbool.h>

/* Whether the library finds its way about this CPU. */
bool lks_ipsec_mb_usable(void);

/*
 * The library's manager has two sides. Its direct functions (AES-GCM, ChaCha20-Poly1305, key
 * expansion) only need the table of functions: one manager for the process, made once and never
 * changed, serves all threads. Its multi-buffer jobs (AES-CBC with HMAC) wait in the manager for
 * each other: each engine has one of its own. NULL: no memory.
 */
void *lks_ipsec_mb_manager_new(void);
void lks_ipsec_mb_manager_free(void *manager);

#endif
