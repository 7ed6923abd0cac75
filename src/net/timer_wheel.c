/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/timer_wheel.h"

#include <string.h>

#define DIGIT     6u
#define FOUND_DUE (TIMER_LEVELS * TIMER_SLOTS)
#define IS_SLOT   0x80000000u /* in prev of a slot's first item: the slot */

static struct timer *timer_of(const struct timer_wheel *wheel, uint32_t item)
{
    return (struct timer *)(void *)(wheel->timers + (size_t)item * wheel->stride);
}

void timer_wheel_init(struct timer_wheel *wheel, void *first_timer, uint32_t stride, uint64_t now)
{
    *wheel = (struct timer_wheel){
        .timers = first_timer, .stride = stride, .now = now, .next = UINT64_MAX};
    memset(wheel->slots, 0xff, sizeof(wheel->slots));
}

static void link_to(struct timer_wheel *wheel, uint32_t slot, uint32_t item)
{
    struct timer *timer = timer_of(wheel, item);
    timer->next = wheel->slots[slot];
    timer->prev = IS_SLOT | slot;
    if (timer->next != TIMER_NONE)
        timer_of(wheel, timer->next)->prev = item;
    wheel->slots[slot] = item;
    if (slot != FOUND_DUE)
        wheel->occupied[slot / TIMER_SLOTS] |= 1ull << slot % TIMER_SLOTS;
}

void timer_stop(struct timer_wheel *wheel, uint32_t item)
{
    struct timer *timer = timer_of(wheel, item);
    if (!timer_is_set(timer))
        return;
    if (timer->next != TIMER_NONE)
        timer_of(wheel, timer->next)->prev = timer->prev;
    if (!(timer->prev & IS_SLOT)) {
        timer_of(wheel, timer->prev)->next = timer->next;
    } else {
        const uint32_t slot = timer->prev & ~IS_SLOT;
        wheel->slots[slot] = timer->next;
        if (timer->next == TIMER_NONE && slot != FOUND_DUE)
            wheel->occupied[slot / TIMER_SLOTS] &= ~(1ull << slot % TIMER_SLOTS);
    }
    timer->prev = TIMER_NONE;
}

void timer_set(struct timer_wheel *wheel, uint32_t item, uint64_t due)
{
    timer_stop(wheel, item);
    if (due <= wheel->now)
        due = wheel->now + 1;
    const uint32_t level = (63u - (uint32_t)__builtin_clzll(due ^ wheel->now)) / DIGIT;
    const uint64_t from = due >> level * DIGIT;
    const uint32_t digit = from & (TIMER_SLOTS - 1);
    if (from << level * DIGIT < wheel->next)
        wheel->next = from << level * DIGIT;
    timer_of(wheel, item)->due = (uint32_t)due;
    link_to(wheel, level * TIMER_SLOTS + digit, item);
}

/* The first tick of the first occupied slot; *slot is set where there is one. */
static uint64_t first_slot(const struct timer_wheel *wheel, uint32_t *slot)
{
    for (uint32_t level = 0; level < TIMER_LEVELS; level++) {
        if (!wheel->occupied[level])
            continue;
        const uint32_t digit = (uint32_t)__builtin_ctzll(wheel->occupied[level]);
        const uint32_t shift = level * DIGIT;
        *slot = level * TIMER_SLOTS + digit;
        const uint64_t above = shift + DIGIT >= 64 ? 0 : wheel->now >> (shift + DIGIT) << DIGIT;
        return (above | digit) << shift;
    }
    return UINT64_MAX;
}

uint64_t timer_wheel_next(const struct timer_wheel *wheel)
{
    return wheel->slots[FOUND_DUE] != TIMER_NONE ? wheel->now : wheel->next;
}

uint32_t timer_wheel_expired(struct timer_wheel *wheel, uint64_t now)
{
    for (;;) {
        uint32_t item = wheel->slots[FOUND_DUE];
        if (item != TIMER_NONE) {
            timer_stop(wheel, item);
            return item;
        }
        uint32_t slot = 0;
        const uint64_t tick = wheel->next > now ? wheel->next : first_slot(wheel, &slot);
        wheel->next = tick;
        if (tick > now) {
            if (now > wheel->now)
                wheel->now = now;
            return TIMER_NONE;
        }
        wheel->now = tick;
        while ((item = wheel->slots[slot]) != TIMER_NONE) {
            const int32_t left = (int32_t)(timer_of(wheel, item)->due - (uint32_t)tick);
            if (left > 0) {
                timer_set(wheel, item, tick + (uint32_t)left);
            } else {
                timer_stop(wheel, item);
                link_to(wheel, FOUND_DUE, item);
            }
        }
    }
}
