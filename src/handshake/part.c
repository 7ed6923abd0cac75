/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/part.h"

#include "base/complain.h"

void lks_part_init(struct lks_part *part, const char *name)
{
    part->name = name;
    atomic_init(&part->num_refs, 1);
    atomic_init(&part->state, LKS_PART_OPEN);
}

static enum lks_status taken(const struct lks_part *part, struct lks_error *err)
{
    return lks_complain_as(LKS_BAD_ARGUMENT, err,
                           "%s: another thread is setting it; one thread makes it, then any number "
                           "may use it",
                           part->name);
}

enum lks_status lks_part_begin(struct lks_part *part, struct lks_error *err)
{
    unsigned int state = LKS_PART_OPEN;
    lks_complain_not(err);
    if (atomic_compare_exchange_strong_explicit(&part->state, &state, LKS_PART_TAKEN,
                                                memory_order_acquire, memory_order_relaxed))
        return LKS_OK;
    if (state == LKS_PART_TAKEN)
        return taken(part, err);
    return lks_complain_as(LKS_FROZEN, err,
                           "%s: a configuration uses it, and it cannot change any more; set this "
                           "in a new one, and make a new configuration with it",
                           part->name);
}

enum lks_status lks_part_say(enum lks_status status, struct lks_error *err)
{
    if (status && err && !err->text[0])
        lks_complain(err, "%s",
                     status == LKS_NO_MEMORY ? "out of memory" : lks_status_name(status));
    return status;
}

enum lks_status lks_part_end(struct lks_part *part, enum lks_status status, struct lks_error *err)
{
    atomic_store_explicit(&part->state, LKS_PART_OPEN, memory_order_release);
    return lks_part_say(status, err);
}

enum lks_status lks_part_freeze(struct lks_part *part, struct lks_error *err)
{
    unsigned int state = LKS_PART_OPEN;
    if (!atomic_compare_exchange_strong_explicit(&part->state, &state, LKS_PART_FROZEN,
                                                 memory_order_acq_rel, memory_order_acquire) &&
        state == LKS_PART_TAKEN)
        return taken(part, err);
    return LKS_OK;
}
