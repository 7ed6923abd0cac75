/* SPDX-License-Identifier: BSD-3-Clause */
#include <variant.h>

struct lks_conn {
    int x;
#ifdef OPAQUE_LONGER
    int y;
#endif
    void (*row)(const struct lks_trace *trace);
};

result lks_run(struct lks_conn *conn, struct lks_op *op, enum lks_kind kind)
{
    return conn->x + op->a + (int)kind;
}

#ifndef REMOVED
void lks_watch(struct lks_conn *conn, void (*row)(const struct lks_trace *trace))
{
    conn->row = row;
}
#endif

#ifdef ADDED
void lks_more(void)
{
}
#endif
