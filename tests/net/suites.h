/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_NET_SUITES_H
#define LKS_TESTS_NET_SUITES_H

#include "common/test.h"

const struct lks_test *tables_tests(void);
const struct lks_test *link_tests(void);
const struct lks_test *script_tests(void);
const struct lks_test *states_tests(void);
const struct lks_test *loss_tests(void);
const struct lks_test *sent_tests(void);
const struct lks_test *goodput_tests(void);
const struct lks_test *whole_tests(void);
const struct lks_test *copies_tests(void);

#endif
