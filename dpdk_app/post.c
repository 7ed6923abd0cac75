/* SPDX-License-Identifier: BSD-3-Clause */
#include "post.h"

#include <stdlib.h>
#include <string.h>

struct post *posts_new(uint32_t num)
{
    struct post *posts = aligned_alloc(alignof(struct post), num * sizeof(*posts));
    return posts ? memset(posts, 0, num * sizeof(*posts)) : NULL;
}

bool post_is_asked(const struct post *post, unsigned int *number)
{
    *number = atomic_load_explicit(&post->asked, memory_order_acquire);
    return *number != atomic_load_explicit(&post->answered, memory_order_relaxed);
}

void post_answer(struct post *post, unsigned int number)
{
    atomic_store_explicit(&post->answered, number, memory_order_release);
}

bool post_say(struct post *post, const char *line)
{
    for (uint32_t i = 0; i < POST_LINES; i++)
        if (!atomic_load_explicit(&post->lines[i], memory_order_relaxed)) {
            atomic_store_explicit(&post->lines[i], line, memory_order_release);
            return true;
        }
    return false;
}

void post_polled(struct post *post, uint64_t num_polls)
{
    atomic_store_explicit(&post->polls, num_polls, memory_order_relaxed);
}

void post_ask(struct post *post, unsigned int number)
{
    atomic_store_explicit(&post->asked, number, memory_order_release);
}

bool post_has_answered(const struct post *post)
{
    return atomic_load_explicit(&post->answered, memory_order_acquire) ==
           atomic_load_explicit(&post->asked, memory_order_relaxed);
}

const char *post_take_line(struct post *post)
{
    for (uint32_t i = 0; i < POST_LINES; i++)
        if (atomic_load_explicit(&post->lines[i], memory_order_relaxed))
            return atomic_exchange_explicit(&post->lines[i], NULL, memory_order_acquire);
    return NULL;
}

enum post_life post_look(struct post *post)
{
    const uint64_t polls = atomic_load_explicit(&post->polls, memory_order_relaxed);
    const bool was_still = post->num_still >= POST_STILL_S;
    if (polls != post->polls_before) {
        post->polls_before = polls;
        post->num_still = 0;
        return was_still ? POST_GOES_ON : POST_AS_BEFORE;
    }
    post->num_still += !was_still;
    return !was_still && post->num_still == POST_STILL_S ? POST_STANDS_STILL : POST_AS_BEFORE;
}
