/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONFIGS_H
#define LKS_TESTS_CONFIGS_H

/*
 * Configurations whose parts stay open: tests set something between one connection and the next,
 * through config->policy, ->identities and ->memory, which lks_config_new() forbids to others.
 */

#include "handshake/config.h"

struct lks_config *config_new(void);

/* All parts' clock; and what certificates are held against instead, 0: nothing. */
void set_clock(struct lks_config *config, uint64_t (*now_ms)(void));
void set_verify_time(struct lks_config *config, time_t now_s);

/* What is in two parts. */
LKS_MUST_CHECK enum lks_status set_early_data(struct lks_config *config, uint32_t max_bytes,
                                              uint32_t window_ms, uint32_t num_hellos);
LKS_MUST_CHECK enum lks_status set_compression(struct lks_config *config, const char *algorithms,
                                               struct lks_error *err);

#endif
