/* SPDX-License-Identifier: BSD-3-Clause */
#include "tickets.h"

#include <stdlib.h>
#include <string.h>

bool tickets_make(struct tickets *t, uint32_t max)
{
    *t = (struct tickets){.all = max ? calloc(max, sizeof(*t->all)) : NULL, .max = max};
    return t->all || !max;
}

void tickets_wipe(struct ticket *ticket)
{
    explicit_bzero(ticket->bytes, ticket->len);
    ticket->len = 0;
}

void tickets_free(struct tickets *t)
{
    while (t->num)
        tickets_wipe(tickets_take(t));
    free(t->all);
    *t = (struct tickets){0};
}

void tickets_put(struct tickets *t, struct lks_conn *conn)
{
    size_t len;
    if (!t->max)
        return;
    struct ticket *to = &t->all[(t->first + t->num) % t->max];
    if (t->num == t->max) { /* that is the oldest */
        tickets_wipe(to);
        t->first = (t->first + 1) % t->max;
        t->num--;
    }
    if (lks_conn_take_session(conn, to->bytes, sizeof(to->bytes), &len))
        return;
    to->len = (uint32_t)len;
    t->num++;
}

struct ticket *tickets_take(struct tickets *t)
{
    if (!t->num)
        return NULL;
    t->num--;
    return &t->all[(t->first + t->num) % t->max];
}
