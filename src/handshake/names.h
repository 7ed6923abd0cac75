/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_NAMES_H
#define LKS_HANDSHAKE_NAMES_H

/* Lists of names, separated by commas, as people write them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/status.h>

#define LKS_LIST_MAX 48u

/* The next one, without the blanks around it; false at the end, and where there is no list. */
bool lks_next_name(const char **list, const char **name, size_t *len);

/* Of rows, which have names (NULL at the end of them): which ones a list names, by their index. One
 * that is not known, twice there, or missing altogether is LKS_BAD_CONFIG; what: "group", say. */
struct lks_names {
    size_t num;
    uint8_t index[LKS_LIST_MAX];
};
LKS_MUST_CHECK enum lks_status lks_read_names(struct lks_names *out, const char *list,
                                              const char *what, const char *(*name_of)(size_t i),
                                              struct lks_error *err);

enum lks_status lks_complain_twice(struct lks_error *err, const char *what, const char *name,
                                   size_t len);

#endif
