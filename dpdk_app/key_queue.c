/* SPDX-License-Identifier: BSD-3-Clause */
#include "key_queue.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/config.h>

/* Lines have numbers, which only go up; number n lies at n % KEY_QUEUE_LINES. */
struct line {
    atomic_uint_fast64_t turn; /* n: it is line n's to write; n + 1: line n is there */
    uint16_t len;
    char text[LKS_KEY_LOG_LINE_MAX];
};

struct key_queue {
    alignas(64) atomic_uint_fast64_t tail; /* the next to be written */
    alignas(64) uint64_t head;             /* and taken */
    atomic_uint_fast64_t dropped;
    struct line lines[KEY_QUEUE_LINES];
};

struct key_queue *key_queue_new(void)
{
    struct key_queue *q = aligned_alloc(alignof(struct key_queue), sizeof(*q));
    if (!q)
        return NULL;
    memset(q, 0, sizeof(*q));
    for (uint64_t i = 0; i < KEY_QUEUE_LINES; i++)
        atomic_init(&q->lines[i].turn, i);
    return q;
}

void key_queue_free(struct key_queue *q)
{
    if (q)
        explicit_bzero(q, sizeof(*q));
    free(q);
}

/* A number of one's own and its place; NULL: the place is still taken. */
static struct line *claim(struct key_queue *q, uint64_t *number)
{
    uint_fast64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    for (;;) {
        struct line *line = &q->lines[tail % KEY_QUEUE_LINES];
        const uint64_t turn = atomic_load_explicit(&line->turn, memory_order_acquire);
        if (turn < tail)
            return NULL;
        if (turn > tail) { /* another thread has it already */
            tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak_explicit(
                       &q->tail, &tail, tail + 1, memory_order_relaxed, memory_order_relaxed)) {
            *number = tail;
            return line;
        }
    }
}

void key_queue_put(struct key_queue *q, const char *line, size_t len)
{
    uint64_t number = 0;
    struct line *to = len > LKS_KEY_LOG_LINE_MAX ? NULL : claim(q, &number);
    if (!to) {
        atomic_fetch_add(&q->dropped, 1);
        return;
    }
    memcpy(to->text, line, len);
    to->len = (uint16_t)len;
    atomic_store_explicit(&to->turn, number + 1, memory_order_release);
}

const char *key_queue_first(const struct key_queue *q, size_t *len)
{
    const struct line *line = &q->lines[q->head % KEY_QUEUE_LINES];
    if (atomic_load_explicit(&line->turn, memory_order_acquire) != q->head + 1)
        return NULL;
    *len = line->len;
    return line->text;
}

void key_queue_take(struct key_queue *q, bool is_written)
{
    struct line *line = &q->lines[q->head % KEY_QUEUE_LINES];
    explicit_bzero(line->text, sizeof(line->text));
    if (!is_written)
        atomic_fetch_add(&q->dropped, 1);
    atomic_store_explicit(&line->turn, q->head + KEY_QUEUE_LINES, memory_order_release);
    q->head++;
}

uint64_t key_queue_dropped(const struct key_queue *q)
{
    return atomic_load(&q->dropped);
}
