/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CHORES_H
#define LOCKSTEPD_CHORES_H

/*
 * What may block: files, and standard output when nobody reads it. A thread of its own does it, so
 * the poll loop never waits for either.
 */

#include <stdbool.h>
#include <stdio.h>

#include <lockstep/memory.h>
#include <lockstep/policy.h>

#include "counters.h"

struct chores;

/* What SIGHUP asks for, and what is done once a second beside. On the thread. */
struct chores_reload {
    bool (*reload)(void *user, FILE *out, FILE *err); /* whether it is served now */
    void (*collect)(void *user);
    void *user;
};

/* Starts the thread, which looks once a second whether the memory's file of ticket keys has
 * changed, and writes the policy's key log: lines wait in a queue and are lost, and counted, where
 * that is full. The policy is not frozen yet. It runs where the caller may run now: start it before
 * EAL pins the caller to a core. Signals go to other threads. NULL: the system gives none. */
struct chores *chores_start(struct lks_policy *policy, struct lks_memory *memory, FILE *out,
                            FILE *err);

/* Has counters printed; from one thread only. false: earlier ones are still being written. */
bool chores_print(struct chores *c, const struct report *report);

/* Has a line said on standard error; it stays the caller's and must not change (a constant). From
 * one thread only. false: too many wait already. */
bool chores_say(struct chores *c, const char *line);

/* Says what SIGHUP asks for from now on; it has to live until chores_stop(). */
void chores_set_reload(struct chores *c, const struct chores_reload *reload);

/* Has the configuration read again. Callable from a signal handler. */
void chores_hang_up(struct chores *c);

/* For lks_policy_queue_key_log(), its user being the chores: other policies' lines go the same way.
 */
void chores_queue_keys(void *chores, const char *line, size_t len);

/* Ends the thread when it has written what it was given; a key log that is a FIFO without room gets
 * a second. The policy's connections are gone. *report gets what only the thread counts. */
void chores_stop(struct chores *c, struct report *report);

#endif
