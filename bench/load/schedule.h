/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_SCHEDULE_H
#define LOCKSTEP_LOAD_SCHEDULE_H

/*
 * When the operations of an open loop are due: at a rate that nobody's slowness changes. Who takes
 * one late still gets the time at which it was due, and counts from there; those not taken wait
 * here, however many they are, for nothing is stored of them.
 */

#include <stdbool.h>
#include <stdint.h>

struct schedule {
    uint64_t start_ns, rate; /* a second */
    uint64_t num_taken;
    uint64_t next_ns;
    double exact_ns; /* of next_ns, from the start; for random intervals */
    uint64_t random;
    bool is_poisson;
};

/* rate is at least 1. is_poisson: the intervals are random (exponential, from seed), as those of
 * clients that know nothing of each other; else all are the same. */
void schedule_start(struct schedule *s, uint64_t rate, bool is_poisson, uint64_t seed,
                    uint64_t now_ns);

/* Whether one is due now: schedule_take() then says since when. */
bool schedule_is_due(const struct schedule *s, uint64_t now_ns);
uint64_t schedule_take(struct schedule *s);

/* How many were due before end_ns and have not been taken; they are taken now. */
uint64_t schedule_take_rest(struct schedule *s, uint64_t end_ns);

#endif
