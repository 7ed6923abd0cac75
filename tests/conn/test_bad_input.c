/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_conn.h"
const struct lks_test bad_input_tests[] = {{NULL, NULL}};
