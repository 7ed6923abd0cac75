/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CT_TEST_CT_H
#define LKS_TESTS_CT_TEST_CT_H

#include "common/test.h"

/* The bytes that memcheck holds for secret, then made known so that the test may look at them.
 * len: at most 1300. */
size_t num_secret(void *p, size_t len);

extern const struct lks_test mlkem_tests[], rsa_tests[];

#endif
