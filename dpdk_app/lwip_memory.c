/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lwIP's memory: a handful of small sizes (segments, their headers, connections), asked for and
 * given back at each packet. One list of free blocks a size is all that takes; a block that has
 * been made stays in its list, so the most that was ever in use is what is held.
 */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cc.h"

#define GRAIN     32u
#define MAX_SMALL 512u
#define CHUNK     65536u

/* In front of each block, as long as lwIP's alignment. */
union block {
    struct {
        union block *next; /* while free */
        size_t size_class; /* 0: from the C library */
    } head;
    max_align_t align;
};

_Static_assert(sizeof(union block) % 16 == 0, "blocks stay aligned");

static union block *free_blocks[MAX_SMALL / GRAIN + 1];

static union block *refill(size_t size_class)
{
    const size_t size = sizeof(union block) + size_class * GRAIN;
    uint8_t *chunk = malloc(CHUNK);
    if (!chunk)
        return NULL;
    for (size_t at = 0; at + size <= CHUNK; at += size) {
        union block *b = (union block *)(void *)(chunk + at);
        b->head.size_class = size_class;
        b->head.next = free_blocks[size_class];
        free_blocks[size_class] = b;
    }
    return free_blocks[size_class];
}

void *lockstepd_malloc(size_t len)
{
    const size_t size_class = (len + GRAIN - 1) / GRAIN;
    union block *b;
    if (len == 0 || len > MAX_SMALL) {
        b = len < SIZE_MAX - sizeof(*b) ? malloc(sizeof(*b) + len) : NULL;
        if (b)
            b->head.size_class = 0;
    } else {
        b = free_blocks[size_class];
        if (!b)
            b = refill(size_class);
        if (b)
            free_blocks[size_class] = b->head.next;
    }
    return b ? b + 1 : NULL;
}

void *lockstepd_calloc(size_t num, size_t len)
{
    if (len && num > SIZE_MAX / len)
        return NULL;
    void *p = lockstepd_malloc(num * len);
    return p ? memset(p, 0, num * len) : NULL;
}

void lockstepd_free(void *p)
{
    if (!p)
        return;
    union block *b = (union block *)p - 1;
    if (!b->head.size_class) {
        free(b);
        return;
    }
    b->head.next = free_blocks[b->head.size_class];
    free_blocks[b->head.size_class] = b;
}
