/* SPDX-License-Identifier: BSD-3-Clause */
#include "schedule.h"

#include <math.h>

#define SECOND_NS 1000000000u

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Between two of the same average rate whose times know nothing of each other. */
static double random_interval_ns(struct schedule *s)
{
    const double u = (double)(next_random(&s->random) >> 11) / 9007199254740992.0; /* [0, 1) */
    return -log1p(-u) * SECOND_NS / (double)s->rate;
}

/* Even intervals are not added up, lest what is rounded off add up, too. */
static void set_next(struct schedule *s)
{
    if (s->is_poisson) {
        s->exact_ns += random_interval_ns(s);
        s->next_ns = s->start_ns + (uint64_t)s->exact_ns;
        return;
    }
    s->next_ns = s->start_ns + s->num_taken / s->rate * SECOND_NS +
                 s->num_taken % s->rate * SECOND_NS / s->rate;
}

void schedule_start(struct schedule *s, uint64_t rate, bool is_poisson, uint64_t seed,
                    uint64_t now_ns)
{
    *s = (struct schedule){
        .start_ns = now_ns, .rate = rate, .is_poisson = is_poisson, .random = seed};
    set_next(s);
}

bool schedule_is_due(const struct schedule *s, uint64_t now_ns)
{
    return s->next_ns <= now_ns;
}

uint64_t schedule_take(struct schedule *s)
{
    const uint64_t due_ns = s->next_ns;
    s->num_taken++;
    set_next(s);
    return due_ns;
}

uint64_t schedule_take_rest(struct schedule *s, uint64_t end_ns)
{
    uint64_t num = 0;
    for (; s->next_ns < end_ns; num++)
        schedule_take(s);
    return num;
}
