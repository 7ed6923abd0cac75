/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_LOAD_SUITES_H
#define LKS_TESTS_LOAD_SUITES_H

#include "common/test.h"

extern const struct lks_test histogram_tests[], schedule_tests[], http_tests[];

#endif
