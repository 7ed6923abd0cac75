/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_LEN 16384u
#define ALIGNMENT _Alignof(max_align_t)

struct arena_chunk {
    struct arena_chunk *next;
    size_t len;
    _Alignas(max_align_t) unsigned char bytes[];
};

void *arena_alloc(struct arena *arena, size_t len)
{
    const size_t whole = (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (whole < len)
        return NULL;
    if (whole > arena->left) {
        const size_t chunk_len = whole > CHUNK_LEN ? whole : CHUNK_LEN;
        struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + chunk_len);
        if (!chunk)
            return NULL;
        chunk->next = arena->chunks;
        chunk->len = arena->left = chunk_len;
        arena->chunks = chunk;
    }
    void *at = arena->chunks->bytes + arena->chunks->len - arena->left;
    arena->left -= whole;
    return at;
}

char *arena_text(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    arena->left = 0;
}
