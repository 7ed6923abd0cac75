/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_HANDSHAKE_TEST_HANDSHAKE_H
#define LKS_TESTS_HANDSHAKE_TEST_HANDSHAKE_H

#include "common/test.h"

extern const struct lks_test group_tests[];
extern const struct lks_test schedule_tests[];
extern const struct lks_test server_tests[], client_tests[], client_psk_tests[], hello_tests[],
    bounds_tests[], tls12_tests[], tls12_hello_tests[];
extern const struct lks_test psk_tests[], record_size_tests[], ticket_tests[],
    ticket_lifetime_tests[], replay_tests[];
extern const struct lks_test verify_tests[], about_tests[], host_tests[];

#endif
