/* SPDX-License-Identifier: BSD-3-Clause */
#include "key_queue.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/config.h>

struct line {
    uint16_t len;
    char text[LKS_KEY_LOG_LINE_MAX];
};

/* The numbers of lines only go up: head is written next. */
struct key_queue {
    atomic_uint_fast64_t head, tail, dropped;
    struct line lines[KEY_QUEUE_LINES];
};

struct key_queue *key_queue_new(void)
{
    return calloc(1, sizeof(struct key_queue));
}

void key_queue_free(struct key_queue *q)
{
    if (q)
        explicit_bzero(q, sizeof(*q));
    free(q);
}

void key_queue_put(struct key_queue *q, const char *line, size_t len)
{
    const uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    if (tail - atomic_load_explicit(&q->head, memory_order_acquire) == KEY_QUEUE_LINES ||
        len > LKS_KEY_LOG_LINE_MAX) {
        atomic_fetch_add(&q->dropped, 1);
        return;
    }
    struct line *to = &q->lines[tail % KEY_QUEUE_LINES];
    memcpy(to->text, line, len);
    to->len = (uint16_t)len;
    atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
}

const char *key_queue_first(const struct key_queue *q, size_t *len)
{
    const uint64_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
    if (head == atomic_load_explicit(&q->tail, memory_order_acquire))
        return NULL;
    *len = q->lines[head % KEY_QUEUE_LINES].len;
    return q->lines[head % KEY_QUEUE_LINES].text;
}

void key_queue_take(struct key_queue *q, bool is_written)
{
    const uint64_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
    explicit_bzero(&q->lines[head % KEY_QUEUE_LINES], sizeof(struct line));
    if (!is_written)
        atomic_fetch_add(&q->dropped, 1);
    atomic_store_explicit(&q->head, head + 1, memory_order_release);
}

uint64_t key_queue_dropped(const struct key_queue *q)
{
    return atomic_load(&q->dropped);
}
