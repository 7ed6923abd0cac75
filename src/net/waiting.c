/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/tcp_flow.h"

void waiting_push(const struct pool *pool, struct waiting_list *list, struct waiting *waiting)
{
    const uint32_t index = pool_index(pool, waiting);
    waiting->next = POOL_NONE;
    waiting->prev = list->last;
    if (list->last == POOL_NONE)
        list->first = index;
    else
        ((struct waiting *)pool_item(pool, list->last))->next = index;
    list->last = index;
}

void waiting_remove(const struct pool *pool, struct waiting_list *list, struct waiting *waiting)
{
    if (waiting->prev == POOL_NONE)
        list->first = waiting->next;
    else
        ((struct waiting *)pool_item(pool, waiting->prev))->next = waiting->next;
    if (waiting->next == POOL_NONE)
        list->last = waiting->prev;
    else
        ((struct waiting *)pool_item(pool, waiting->next))->prev = waiting->prev;
}
