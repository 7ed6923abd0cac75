/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_RECORD_TEST_RECORD_H
#define LKS_TESTS_RECORD_TEST_RECORD_H

#include <stdbool.h>

#include "common/test.h"

extern const struct lks_test framer_tests[], batch_tests[], status_tests[], vector_tests[],
    ccm_tests[], mac_tests[], bad_tests[], order_tests[], kernel_tests[];

#endif
