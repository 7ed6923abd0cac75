/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_DPDK_APP_SAID_H
#define LKS_TESTS_DPDK_APP_SAID_H

#include "common/test.h"
#include "config/complaints.h"

/* All that was said, a line each; in static storage. */
static inline const char *all_said(struct complaints *c)
{
    static char text[65536];
    FILE *to = fmemopen(text, sizeof(text), "w");
    text[0] = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    complaints_print(to, c, "");
    fclose(to);
    return text;
}

#endif
