/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_BASE_H
#define LKS_TESTS_BASE_H

#include "common/test.h"

extern const struct lks_test lks_cpu_tests[];

#endif
