/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_PART_H
#define LKS_HANDSHAKE_PART_H

/*
 * What policy, identities and memory have in common: references, and that they are set by one
 * thread before connections use them and by nobody afterwards. Who sets a part takes it for the
 * length of the call, so that a second one, or a configuration that is being made, finds it taken.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include <lockstep/status.h>

enum lks_part_state {
    LKS_PART_OPEN,
    LKS_PART_TAKEN, /* it is being set */
    LKS_PART_FROZEN,
};

struct lks_part {
    const char *name; /* for messages */
    atomic_uint num_refs;
    atomic_uint state; /* enum lks_part_state */
};

void lks_part_init(struct lks_part *part, const char *name);

static inline void lks_part_ref(struct lks_part *part)
{
    atomic_fetch_add_explicit(&part->num_refs, 1, memory_order_relaxed);
}

/* Whether that was the last one. */
static inline bool lks_part_unref(struct lks_part *part)
{
    return atomic_fetch_sub_explicit(&part->num_refs, 1, memory_order_acq_rel) == 1;
}

/* First and last in each call that sets something: anything but LKS_OK ends the call at once.
 * lks_part_end() hands status on, and gives it words where it has none yet. */
LKS_MUST_CHECK enum lks_status lks_part_begin(struct lks_part *part, struct lks_error *err);
LKS_MUST_CHECK enum lks_status lks_part_end(struct lks_part *part, enum lks_status status,
                                            struct lks_error *err);

/* The words alone. */
LKS_MUST_CHECK enum lks_status lks_part_say(enum lks_status status, struct lks_error *err);

LKS_MUST_CHECK enum lks_status lks_part_freeze(struct lks_part *part, struct lks_error *err);

#endif
