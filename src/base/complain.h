/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_BASE_COMPLAIN_H
#define LKS_BASE_COMPLAIN_H

/* Messages about bad configuration, into a struct lks_error that may be missing. */

#include <lockstep/status.h>

/* Returns LKS_BAD_CONFIG. */
enum lks_status lks_complain(struct lks_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same behind what is there already. */
enum lks_status lks_complain_more(struct lks_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* And for a status that is another one; returns it. */
enum lks_status lks_complain_as(enum lks_status status, struct lks_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static inline void lks_complain_not(struct lks_error *err)
{
    if (err)
        err->text[0] = '\0';
}

#endif
