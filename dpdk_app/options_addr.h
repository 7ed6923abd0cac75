/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_OPTIONS_ADDR_H
#define LOCKSTEPD_OPTIONS_ADDR_H

/* The addresses among the options. As in options.h: 0, or -1 with one line in error. */

#include "options.h"

/* Each takes one option's value. */
int options_add_listen(struct options *o, const char *value, char *error, unsigned int error_len);
int options_set_backend(struct options *o, const char *value, char *error, unsigned int error_len);
int options_add_gateway(struct options *o, const char *value, char *error, unsigned int error_len);

/* Once all are there: networks without a prefix get the usual one, and what does not fit together
 * is found. */
int options_check_addresses(struct options *o, char *error, unsigned int error_len);

/* A whole decimal number from low to high. */
bool options_parse_number(const char *text, uint32_t low, uint32_t high, uint32_t *out);

int options_fail(char *error, unsigned int error_len, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
