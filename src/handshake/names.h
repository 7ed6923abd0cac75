/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_NAMES_H
#define LKS_HANDSHAKE_NAMES_H

/* Lists of names, separated by commas, as people write them. */

#include <stdbool.h>
#include <stddef.h>

#include <lockstep/status.h>

/* The next one, without the blanks around it; false at the end, and where there is no list. */
bool lks_next_name(const char **list, const char **name, size_t *len);

enum lks_status lks_complain_twice(struct lks_error *err, const char *what, const char *name,
                                   size_t len);

#endif
