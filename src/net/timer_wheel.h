/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_TIMER_WHEEL_H
#define LKS_NET_TIMER_WHEEL_H

/*
 * Timers of items in an array, one each, set, moved, stopped and found due in O(1).
 *
 * Time is a count of ticks, read as digits of six bits. A timer lies at the level of the highest
 * digit in which its tick differs from now, in the slot that this digit of its tick names. So
 * everything at a level is due before everything at the levels above, the first occupied slot of
 * the lowest occupied level is what comes next, and time jumps there whatever lies between. A timer
 * found at its slot is due, at level 0, or goes down a level: ten times at most in its life.
 */

#include <stdbool.h>
#include <stdint.h>

#define TIMER_NONE   0xffffffffu
#define TIMER_LEVELS 11u
#define TIMER_SLOTS  64u

struct timer { /* a part of the item */
    uint32_t next, prev;
    uint32_t due; /* the tick's low bits: not more than 2^31 from now */
};

struct timer_wheel {
    char *timers; /* the first item's timer */
    uint32_t stride;
    uint64_t now;
    uint64_t next; /* no slot with something in it begins before this tick */
    uint64_t occupied[TIMER_LEVELS];
    uint32_t
        slots[TIMER_LEVELS * TIMER_SLOTS + 1]; /* first item of each; the last one: found due */
};

void timer_wheel_init(struct timer_wheel *wheel, void *first_timer, uint32_t stride, uint64_t now);

static inline void timer_init(struct timer *timer)
{
    *timer = (struct timer){TIMER_NONE, TIMER_NONE, 0};
}

static inline bool timer_is_set(const struct timer *timer)
{
    return timer->prev != TIMER_NONE;
}

/* Sets or moves item's timer; a tick that has passed is the next one. */
void timer_set(struct timer_wheel *wheel, uint32_t item, uint64_t due);
void timer_stop(struct timer_wheel *wheel, uint32_t item);

/* Goes on to `now` where nothing is in the way: no slot with something in it has been reached, and
 * all that was found due is dealt with. Else it does nothing, and says so. */
static inline bool timer_wheel_passes(struct timer_wheel *wheel, uint64_t now)
{
    if (now >= wheel->next || wheel->slots[TIMER_LEVELS * TIMER_SLOTS] != TIMER_NONE)
        return false;
    if (now > wheel->now)
        wheel->now = now;
    return true;
}

/* Goes on to `now`, at the most: returns an item whose timer was due and is now stopped, or
 * TIMER_NONE when `now` is reached. */
uint32_t timer_wheel_expired(struct timer_wheel *wheel, uint64_t now);

/* No timer is due before this tick. UINT64_MAX: none was set when all that was due had been found,
 * and none since. */
uint64_t timer_wheel_next(const struct timer_wheel *wheel);

#endif
