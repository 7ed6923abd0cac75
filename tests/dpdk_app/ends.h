/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_DPDK_APP_ENDS_H
#define LKS_TESTS_DPDK_APP_ENDS_H

/* What tests of ends have in common. */

#include "bed.h"

#define ANSWER 60000u

struct end_row {
    const char *name;
    void (*run)(struct peer *p); /* begins with an established session */
};
/* Each on a bed of its own; a row without a name is the last. */
void each_row(const struct end_row *rows, const char *suites);

/* So many sessions have ended, all of them so, and none is left. */
void ended(enum session_end why, uint32_t num);
void still_there(void);
/* A session that is over is freed in the poll behind that. */
void bed_settle(void);
/* The backend does, with the pattern. */
void answers(struct peer *p, uint32_t len);
/* The client has all of ANSWER, close_notify and FIN. */
void got_all(struct peer *p);

#endif
