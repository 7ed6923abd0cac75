/* SPDX-License-Identifier: BSD-3-Clause */
#include <lockstep/version.h>

uint32_t lks_version(void)
{
    return LKS_VERSION_NUMBER;
}
