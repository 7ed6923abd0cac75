/* SPDX-License-Identifier: BSD-3-Clause */

/* Reno (RFC 5681 3.1), its acknowledgements counted in bytes (RFC 3465). */

#include "net/tcp_flow.h"

/* [5681 3.1-6] */
static void grow(struct flow *flow, uint32_t acked, uint64_t now_us)
{
    uint32_t *carry = &flow->flight->cc.carry;
    (void)now_us;
    *carry += acked;
    if (*carry >= flow->cwnd) {
        *carry -= flow->cwnd;
        flow->cwnd += flow->mss;
    }
}

/* [5681 3.1-7] */
static uint32_t reduce(struct flow *flow)
{
    flow->flight->cc.carry = 0;
    return (flow->snd_nxt - flow->snd_una) / 2;
}

static void timed_out(struct flow *flow)
{
    (void)flow;
}

static void undo(struct flow *flow)
{
    (void)flow;
}

const struct cc_row cc_reno = {"reno", grow, reduce, timed_out, undo};
