/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CHORES_H
#define LOCKSTEPD_CHORES_H

/*
 * What may block: files, system calls, and standard output when nobody reads it. A thread of its
 * own does it, so no poll loop ever waits for any of these.
 */

#include <stdbool.h>
#include <stdio.h>

#include <lockstep/memory.h>
#include <lockstep/policy.h>

#include "post.h"

struct chores;

/* What SIGHUP asks for, and what is done once a second beside. On the thread. */
struct chores_reload {
    bool (*reload)(void *user, FILE *out, FILE *err); /* whether it is served now */
    void (*collect)(void *user);
    void *user;
};

/* Starts the thread, which looks once a second whether the memory's file of ticket keys has
 * changed, and writes what chores_queue_keys() gets to the policy's key log. It runs where the
 * caller may run now: start it before EAL pins the caller to a core. Signals go to other threads.
 * NULL: the system gives none. */
struct chores *chores_start(const struct lks_policy *policy, struct lks_memory *memory, FILE *out,
                            FILE *err);

/* From now on there are num workers, PORT_QUEUES_MAX at most: what they say is said, whether they
 * still poll is looked at once a second, and the port that they share is watched (port_watch();
 * NULL: none is). Call it once. All of it stays the caller's until chores_stop(). */
void chores_attend(struct chores *c, struct post *posts, uint32_t num, const struct port *ports);

/* Has the sum of the workers' counters printed, of this moment or a later one. Callable from a
 * signal handler, also while others are being printed. */
void chores_print(struct chores *c);

/* Says what SIGHUP asks for from now on; it has to live until chores_stop(). */
void chores_set_reload(struct chores *c, const struct chores_reload *reload);

/* Has the configuration read again. Callable from a signal handler. */
void chores_hang_up(struct chores *c);

/* For lks_policy_queue_key_log(), its user being the chores. Any number of threads; lines wait in a
 * queue and are lost, and counted, where that is full. */
void chores_queue_keys(void *chores, const char *line, size_t len);

/* Ends the thread when it has written what it was given; a key log that is a FIFO without room gets
 * a second. Nobody queues lines any more, and the workers have ended: *report is the sum of
 * their last counters, and of what only the thread counts. */
void chores_stop(struct chores *c, struct report *report);

#endif
