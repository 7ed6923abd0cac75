/* SPDX-License-Identifier: BSD-3-Clause */
#include "drain.h"

#define LAST_US   UINT64_C(2000000) /* for clients that have been told */
#define SECOND_US UINT64_C(1000000)

static void begin(struct drain *d, enum drain_stage stage, uint64_t until_us)
{
    *d = (struct drain){stage, until_us};
}

void drain_step(struct drain *d, struct sessions *all, struct stop *stop, uint64_t now_us)
{
    const struct snapshot *snapshot = all->view->snapshot;
    const bool is_now = atomic_load_explicit(&stop->now, memory_order_relaxed);
    const bool is_past = now_us >= d->until_us, is_empty = !all->counters->sessions;
    switch (d->stage) {
    case DRAIN_NOT:
        if (atomic_load_explicit(&stop->asked, memory_order_relaxed))
            begin(d, DRAIN_DELAY, now_us + snapshot->drain_delay_s * SECOND_US);
        break;
    case DRAIN_DELAY:
        if (is_past || is_now) {
            flow_unlisten_all(all->config.net);
            begin(d, DRAIN_WAIT, now_us + snapshot->drain_timeout_s * SECOND_US);
        }
        break;
    case DRAIN_WAIT:
        if (is_past || is_now || is_empty) {
            sessions_dismiss(all);
            begin(d, DRAIN_LAST, now_us + LAST_US);
        }
        break;
    case DRAIN_LAST:
        if (is_past || is_empty) {
            sessions_end(all);
            begin(d, DRAIN_OVER, 0);
            atomic_fetch_sub(&stop->num_left, 1);
        }
        break;
    case DRAIN_OVER:
        break;
    }
}

bool drain_is_over(const struct drain *d, const struct stop *stop)
{
    return d->stage == DRAIN_OVER && !atomic_load_explicit(&stop->num_left, memory_order_relaxed);
}
