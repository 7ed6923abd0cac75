/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_DPDK_SUITES_H
#define LKS_TESTS_DPDK_SUITES_H

#include "common/test.h"

const struct lks_test *mbuf_tests(void);
const struct lks_test *engine_tests(void);
extern const struct lks_test pool_tests[];

#endif
