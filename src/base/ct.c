/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/ct.h"

#include <string.h>

void lks_wipe(void *p, size_t len)
{
    if (!len)
        return;
    memset(p, 0, len);
    /* The bytes are now "read", so the memset cannot be a dead store. */
    __asm__ volatile("" : : "r"(p) : "memory");
}
