/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_WORKER_H
#define LOCKSTEPD_WORKER_H

#include "drain.h"
#include "post.h"
#include "session.h"

struct worker_config {
    struct session_config sessions;
    uint32_t idle;    /* enum idle_policy */
    uint32_t idle_us; /* IDLE_SLEEP: how long */
    struct post *post;
};

/* All of one lcore: nothing in it is another's, and nothing of another's is touched. */
struct worker;

/* NULL: *error says why. */
struct worker *worker_new(const struct worker_config *config, char *error, unsigned int error_len);
struct sessions *worker_sessions(struct worker *w);

/* What has been counted so far. */
void worker_get_report(const struct worker *w, struct report *report);

/* One turn of the loop. Returns whether there was anything to do. */
bool worker_poll(struct worker *w);

/* Polls until it is asked to stop and has drained. The post's `last` is what has been counted then.
 */
void worker_run(struct worker *w, struct stop *stop);
void worker_free(struct worker *w); /* NULL: nothing */

#endif
