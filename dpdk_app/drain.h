/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_DRAIN_H
#define LOCKSTEPD_DRAIN_H

/*
 * How a worker stops: it serves on for a while, then takes no new connections, then waits for those
 * that it has, and tells those that are left that this is the end.
 */

#include "session.h"

/* What signals ask of all workers. */
struct stop {
    atomic_bool asked, now; /* now: without waiting; asked is set, too */
    atomic_uint num_left;   /* workers that are not through: the others poll on, for who needs the
                             * frames that come to them */
};

struct drain {
    enum drain_stage {
        DRAIN_NOT,
        DRAIN_DELAY, /* all is as before: who spreads connections is to look elsewhere first */
        DRAIN_WAIT,  /* nothing new */
        DRAIN_LAST,  /* everybody has been told */
        DRAIN_OVER,
    } stage;
    uint64_t until_us; /* it ends by then */
};

/* To be called at each poll. */
void drain_step(struct drain *d, struct sessions *all, struct stop *stop, uint64_t now_us);

/* Whether all workers are through. */
bool drain_is_over(const struct drain *d, const struct stop *stop);

#endif
