/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_POST_H
#define LOCKSTEPD_POST_H

/*
 * What a worker and the thread that does its chores have to tell each other; neither waits. The
 * thread asks for counters by a number, the worker writes them and answers with that number. Where
 * there are several workers each has a post of its own.
 */

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "counters.h"

#define POST_LINES 4u

struct post {
    alignas(64) atomic_uint asked;         /* written by the thread */
    alignas(64) atomic_uint answered;      /* from here on by the worker */
    atomic_uint_fast64_t polls;            /* so far */
    const char *_Atomic lines[POST_LINES]; /* constants to be said; NULL: none */
    struct report report;              /* the thread's while answered == asked, else the worker's */
    struct report last;                /* the worker's, which has ended when it is looked at */
    alignas(64) uint64_t polls_before; /* the thread's own */
    uint32_t num_still;
};

/* num of them, to be freed by free(). NULL: no memory. */
struct post *posts_new(uint32_t num);

/* ---- the worker ---- */

/* Whether counters are asked for: then write `report`, and answer with *number. */
bool post_is_asked(const struct post *post, unsigned int *number);
void post_answer(struct post *post, unsigned int number);
/* false: too many are waiting already. */
bool post_say(struct post *post, const char *line);
/* Once a poll: a sign of life. */
void post_polled(struct post *post, uint64_t num_polls);

/* ---- the thread ---- */

void post_ask(struct post *post, unsigned int number);
bool post_has_answered(const struct post *post);
const char *post_take_line(struct post *post); /* NULL: none is left */

/* How a worker does that is looked at once a second. */
enum post_life {
    POST_AS_BEFORE,
    POST_STANDS_STILL, /* it has not polled for POST_STILL_S; said once */
    POST_GOES_ON,      /* again, after that */
};
#define POST_STILL_S 10u
enum post_life post_look(struct post *post);

#endif
