/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * CUBIC (RFC 9438). After a reduction the window grows along
 *
 *     W(t) = C (t - K)^3 + W_max,    K = cbrt((W_max - W_epoch) / C),
 *
 * in segments and seconds: fast towards where loss was met, slowly around it, then ever faster. The
 * window that Reno would have (4.3) is a lower bound, which is what counts at short round trips.
 */

#include <math.h>

#include "net/tcp_flow.h"

#define CUBIC_C    0.4
#define CUBIC_BETA 0.7
#define RENO_ALPHA (3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA))

static void begin_epoch(struct flow *flow, struct cc_cubic *cubic, uint64_t now_us)
{
    cubic->epoch_us = now_us;
    cubic->estimate = flow->cwnd;
    if (flow->w_max < flow->cwnd) { /* left slow start without a loss: 4.10 */
        flow->w_max = flow->cwnd;
        cubic->k = 0;
    } else {
        cubic->k = cbrt((double)(flow->w_max - flow->cwnd) / flow->mss / CUBIC_C);
    }
}

/* [9438 5.1-1] */
double cubic_window(const struct flow *flow, double t)
{
    const double since = t - flow->flight->cc.cubic.k;
    return CUBIC_C * since * since * since * flow->mss + flow->w_max;
}

/* [9438 4.2-1 4.2-2 4.3-1] */
static void grow(struct flow *flow, uint32_t acked, uint64_t now_us)
{
    struct cc_cubic *cubic = &flow->flight->cc.cubic;
    if (!cubic->epoch_us)
        begin_epoch(flow, cubic, now_us);
    else if (!acked) /* 4.2: that time does not count */
        cubic->epoch_us += now_us - cubic->seen_us;
    cubic->seen_us = now_us;
    if (!acked)
        return;
    const double cwnd = flow->cwnd, t = (double)(now_us - cubic->epoch_us) / TCP_S;

    const double alpha = cubic->estimate >= cubic->prior_cwnd ? 1 : RENO_ALPHA;
    cubic->estimate += alpha * acked / cwnd * flow->mss;
    if (cubic_window(flow, t) < cubic->estimate) { /* 4.3 */
        if (cubic->estimate > cwnd)
            flow->cwnd = (uint32_t)cubic->estimate;
        return;
    }
    double target = cubic_window(flow, t + (double)flow->srtt_us / TCP_S); /* 4.2 */
    target = target < cwnd ? cwnd : target > 1.5 * cwnd ? 1.5 * cwnd : target;
    cubic->carry += (target - cwnd) / cwnd * acked;
    flow->cwnd += (uint32_t)cubic->carry;
    cubic->carry -= (uint32_t)cubic->carry;
}

/* 4.6 and 4.7. [9438 4.6-1 4.7-1] */
static uint32_t reduce(struct flow *flow)
{
    struct cc_cubic *cubic = &flow->flight->cc.cubic;
    flow->flight->cc.cubic_undo = *cubic;
    flow->flight->cc.cubic_undo.w_max = flow->w_max;
    cubic->prior_cwnd = flow->cwnd;
    cubic->epoch_us = 0;
    cubic->carry = 0;
    flow->w_max =
        flow->cwnd < flow->w_max ? (uint32_t)(flow->cwnd * (1 + CUBIC_BETA) / 2) : flow->cwnd;
    return (uint32_t)(flow->cwnd * CUBIC_BETA);
}

/* 4.8: the next epoch begins at its plateau. [9438 4.8-1] */
static void timed_out(struct flow *flow)
{
    flow->w_max = 0;
    flow->flight->cc.cubic.epoch_us = 0;
}

/* 4.9. [9438 4.9.2-1] */
static void undo(struct flow *flow)
{
    flow->flight->cc.cubic = flow->flight->cc.cubic_undo;
    flow->w_max = flow->flight->cc.cubic_undo.w_max;
}

const struct cc_row cc_cubic = {"cubic", grow, reduce, timed_out, undo};
