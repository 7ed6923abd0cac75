/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_KEY_QUEUE_H
#define LOCKSTEPD_KEY_QUEUE_H

/*
 * Lines of the key log on their way from the poll loops to the thread that writes them. Any number
 * of threads put, one takes; none waits for another. Secrets are wiped when they are taken.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_QUEUE_LINES 2048u

struct key_queue;

struct key_queue *key_queue_new(void); /* NULL: no memory */
void key_queue_free(struct key_queue *q);

/* A line that finds no room is dropped and counted. */
void key_queue_put(struct key_queue *q, const char *line, size_t len);

/* The first line, which stays until key_queue_take(); NULL: none. */
const char *key_queue_first(const struct key_queue *q, size_t *len);
void key_queue_take(struct key_queue *q, bool is_written);

/* Lines that found no room, or were taken unwritten. */
uint64_t key_queue_dropped(const struct key_queue *q);

#endif
