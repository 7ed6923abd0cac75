/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_ARENA_H
#define LOCKSTEPD_CONFIG_ARENA_H

/* Memory that is freed as a whole: all of a configuration lies in one. */

#include <stddef.h>

struct arena {
    struct arena_chunk *chunks;
    size_t left; /* of the first one */
};

/* Zeros, aligned for anything; NULL: no memory. */
void *arena_alloc(struct arena *arena, size_t len);
/* A copy of len bytes, with a zero byte behind them; NULL: no memory. */
char *arena_text(struct arena *arena, const char *text, size_t len);
void arena_free(struct arena *arena);

#endif
