/* SPDX-License-Identifier: BSD-3-Clause */
#include "test_conn.h"
const struct lks_test memory_tests[] = {{NULL, NULL}};
