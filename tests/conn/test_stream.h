/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_TEST_STREAM_H
#define LKS_TESTS_CONN_TEST_STREAM_H

#include "client.h"
#include "common/test.h"
#include "streams.h"

/* Two streams of one version, and their configurations. */
struct streams {
    struct duct duct;
    struct lks_config *config[2]; /* by role */
};

struct lks_config *stream_config(enum lks_role role, uint16_t version);
void streams_begin(struct streams *s, uint16_t version);
void streams_end(struct streams *s);

extern const struct lks_test stream_bounds_tests[];

#endif
