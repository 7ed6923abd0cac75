/* SPDX-License-Identifier: BSD-3-Clause */
#include "simd/mlkem.h"

#include <stddef.h>

#include "base/cpu.h"
#include "simd/isa.h"
#include "simd/mlkem_rows.h"

static const struct lks_mlkem *const rows[] = {
#ifdef LKS_SIMD_X86
    &lks_mlkem_avx2,
#endif
    &lks_mlkem_portable,
    NULL,
};

const struct lks_mlkem *const *lks_mlkem_rows(void)
{
    return rows;
}

bool lks_mlkem_usable(const struct lks_mlkem *row)
{
    return lks_isa_usable(row->isa);
}

const struct lks_mlkem *lks_mlkem_best(void)
{
    const int cap = lks_isa_cap();
    for (const struct lks_mlkem *const *row = rows; *row; row++)
        if (lks_isa_rank((*row)->isa) <= cap && lks_mlkem_usable(*row))
            return *row;
    return NULL;
}
