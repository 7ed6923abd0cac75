/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_TEST_MEMORY_H
#define LKS_TESTS_CONN_TEST_MEMORY_H

#include <stdbool.h>

/* Before anything else of libcrypto is called: its allocations are counted from here on. */
void test_memory_begin(void);

/* Whether the next key that is set up finds no memory. */
void fail_next_key(bool fails);

#endif
