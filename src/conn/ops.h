/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_CONN_OPS_H
#define LKS_CONN_OPS_H

/*
 * The ops of one direction of a connection, from the batch through the engine and back. Each has a
 * number, and they come back in turn: one that is missing, doubled or another connection's is
 * noticed when the next one comes, and so is a batch that was emptied with some of them in it.
 */

#include <stdbool.h>

#include <lockstep/conn.h>

struct conn_ops {
    uint64_t num_bytes, num_records; /* application data that went through */
    uint32_t num_out;                /* so many were put into batches, */
    uint16_t num_under_way;          /* of which so many have not come back */
    uint16_t newest;                 /* its index in the batch */
};

static inline bool conn_ops_under_way(const struct conn_ops *ops)
{
    return ops->num_under_way;
}

/* No engine takes more ops at a time than conn_ops can count. */
static inline bool conn_batch_is_full(const struct lks_batch *batch)
{
    return batch->num_ops == batch->max_ops || batch->num_ops == UINT16_MAX;
}

/* The op at the end of a batch goes on its way: it has not run. */
static inline void conn_ops_send(struct conn_ops *ops, struct lks_batch *batch)
{
    struct lks_op *op = &batch->ops[batch->num_ops];
    ops->newest = (uint16_t)batch->num_ops++;
    ops->num_under_way++;
    op->number = ++ops->num_out;
    op->status = LKS_NOT_RUN;
}

/* A record of application data went through. */
static inline void conn_ops_count(struct conn_ops *ops, size_t len)
{
    ops->num_records++;
    ops->num_bytes += len;
}

/* Of ops that are under way the newest, if it is in this batch; else NULL. Whose it is, its key
 * tells. */
static inline const struct lks_op *conn_ops_newest(const struct conn_ops *ops,
                                                   const struct lks_batch *batch)
{
    const struct lks_op *op = batch->ops + ops->newest;
    return ops->newest < batch->num_ops && op->number == ops->num_out ? op : NULL;
}

/* An op came back: whether it is the one whose turn it is. */
static inline bool conn_ops_take_back(struct conn_ops *ops, const struct lks_op *op)
{
    if (!conn_ops_under_way(ops) || op->number != ops->num_out - ops->num_under_way + 1)
        return false;
    ops->num_under_way--;
    return true;
}

/* The engine reads a source and never writes it; struct lks_span serves both. */
static inline struct lks_span conn_source(const uint8_t *data, size_t len)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } p = {data};
    return (struct lks_span){p.out, len};
}

#endif
