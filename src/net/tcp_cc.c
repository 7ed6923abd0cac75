/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/tcp_cc.h"

#include <string.h>

#include "net/tcp_flow.h"

const struct cc_row *cc_row_named(const char *name)
{
    return !strcmp(name, "cubic") ? &cc_cubic : !strcmp(name, "reno") ? &cc_reno : NULL;
}

/* RFC 6928 2. [6928 2-1] */
uint32_t cc_initial_window(uint32_t mss)
{
    return least(10 * mss, greatest(2 * mss, 14600));
}

/* [5681 3.1-3] */
void cc_start(struct flow *flow)
{
    flow->cwnd = cc_initial_window(flow->mss);
}

/* RFC 2861 2: a window that was not used for a while says less and less of the path. [5681 4.1-1]
 */
void cc_after_pause(struct flow *flow, uint64_t idle_us)
{
    const uint32_t least_window = least(cc_initial_window(flow->mss), flow->cwnd);
    const uint32_t rto_us = flow_rto_us(flow);
    if (idle_us <= rto_us)
        return;
    flow->ssthresh =
        flow->ssthresh == UINT32_MAX ? UINT32_MAX : greatest(flow->ssthresh, flow->cwnd / 4 * 3);
    while (idle_us > rto_us && flow->cwnd > least_window) {
        flow->cwnd /= 2;
        idle_us -= rto_us;
    }
    flow->cwnd = greatest(flow->cwnd, least_window);
}

/* ---- slow start: HyStart++, RFC 9406 4 ---- */

#define MIN_RTT_THRESH (4 * TCP_MS)
#define MAX_RTT_THRESH (16 * TCP_MS)
#define RTT_DIVISOR    8u
#define RTT_SAMPLES    8u
#define CSS_GROWTH     4u
#define CSS_ROUNDS     5u
#define BURST_LIMIT    8u /* segments an acknowledgement may add, unless they are paced */

/* [9406 4.2-1 4.2-4] */
static void next_round(struct flow *flow, struct cc_hystart *hystart)
{
    if (seq_before(flow->snd_una, hystart->round_end))
        return;
    hystart->round_end = flow->snd_nxt;
    hystart->last_min_us = hystart->this_min_us;
    hystart->this_min_us = 0;
    hystart->num_samples = 0;
    if (hystart->css_rounds && hystart->css_rounds++ == CSS_ROUNDS)
        flow->ssthresh = flow->cwnd;
}

/* [9406 4.2-1 4.2-2 4.2-3] */
static void watch_rtt(struct cc_hystart *hystart, uint32_t rtt_us)
{
    if (!rtt_us)
        return;
    hystart->this_min_us = hystart->this_min_us ? least(hystart->this_min_us, rtt_us) : rtt_us;
    hystart->num_samples += hystart->num_samples < RTT_SAMPLES;
    if (hystart->num_samples < RTT_SAMPLES)
        return;
    if (hystart->css_rounds) {
        if (hystart->this_min_us < hystart->css_baseline_us)
            hystart->css_rounds = 0;
        return;
    }
    const uint32_t thresh =
        greatest(MIN_RTT_THRESH, least(hystart->last_min_us / RTT_DIVISOR, MAX_RTT_THRESH));
    if (hystart->last_min_us && hystart->this_min_us >= hystart->last_min_us + thresh) {
        hystart->css_baseline_us = hystart->this_min_us;
        hystart->css_rounds = 1;
    }
}

/* [9406 4.3-1 4.3-2] [9438 4.10-1] */
static void slow_start(struct flow *flow, const struct cc_ack *ack)
{
    struct cc_hystart *hystart = &flow->flight->cc.hystart;
    uint32_t more = ack->acked;
    if (!cc_pace(flow))
        more = least(more, BURST_LIMIT * flow->mss);
    if (flow->ssthresh == UINT32_MAX) {
        watch_rtt(hystart, ack->rtt_us); /* what ends a round is the round's */
        next_round(flow, hystart);
        if (hystart->css_rounds)
            more /= CSS_GROWTH;
    }
    flow->cwnd += more;
}

/* [9293 3.8.2-1] [9438 4.6-2] */
void cc_acked(struct flow *flow, const struct cc_ack *ack, uint64_t now_us)
{
    const bool limited = flow->flight->cc.limited;
    if (flow->cwnd >= flow->ssthresh)
        flow->tcp->cc->grow(flow, limited ? ack->acked : 0, now_us);
    else if (limited)
        slow_start(flow, ack);
    flow->cwnd = least(flow->cwnd, 1u << 30);
}

/* ---- reduction: PRR, RFC 9937 6 ---- */

void cc_enter_reduction(struct flow *flow, uint32_t delivered)
{
    struct flight *flight = flow->flight;
    flow->ssthresh = greatest(flow->tcp->cc->reduce(flow), 2 * flow->mss);
    flight->cc.prr = (struct cc_prr){
        .recover_fs = greatest(flow->snd_nxt - flow->snd_una - flight->sent.sacked + delivered, 1),
    };
}

/* [8985 9.3-1] */
void cc_reducing(struct flow *flow, const struct cc_ack *ack)
{
    struct flight *flight = flow->flight;
    struct cc_prr *prr = &flight->cc.prr;
    const uint32_t in_flight = flow_in_flight(flow);
    int64_t more;
    if (!ack->delivered && !ack->lost_more)
        return;
    prr->delivered += ack->delivered;
    if (in_flight > flow->ssthresh) {
        const uint64_t due = (uint64_t)prr->delivered * flow->ssthresh + prr->recover_fs - 1;
        more = (int64_t)(due / prr->recover_fs) - prr->out;
    } else {
        const bool is_safe = ack->acked && !ack->lost_more;
        more = (int64_t)prr->delivered - prr->out;
        if (more < (int64_t)ack->delivered)
            more = ack->delivered;
        if (is_safe)
            more += flow->mss;
        if (more > (int64_t)flow->ssthresh - in_flight)
            more = (int64_t)flow->ssthresh - in_flight;
    }
    if (!prr->out && more < flow->mss) /* the first retransmission goes at once */
        more = flow->mss;
    flow->cwnd = greatest(in_flight + (more > 0 ? (uint32_t)more : 0), flow->mss);
}

/* ---- timeouts ---- */

/* [5681 3.1-7 3.1-8] */
void cc_timeout(struct flow *flow, bool is_first)
{
    if (is_first)
        flow->ssthresh = greatest(flow->tcp->cc->reduce(flow), 2 * flow->mss);
    flow->tcp->cc->timed_out(flow);
    flow->cwnd = flow_in_flight(flow) + flow->mss;
    flow->flight->cc.limited = true;
}

/* ---- pacing ---- */

#define PACED_FROM TCP_MS

/* While the window is being reduced PRR counts segments out against segments in; what is in flight
 * then, and so the window, may be next to nothing for a moment. */
uint64_t cc_pace(const struct flow *flow)
{
    if (flow->srtt_us < PACED_FROM)
        return 0;
    const bool is_reducing = flow->flight && (flow->flight->recovery == RECOVERY_FAST ||
                                              flow->flight->recovery == RECOVERY_ECN);
    const uint32_t window = is_reducing ? greatest(flow->cwnd, flow->ssthresh) : flow->cwnd;
    const uint64_t rate = (uint64_t)window * TCP_S / flow->srtt_us;
    return flow->cwnd < flow->ssthresh ? rate * 2 : rate + rate / 4;
}
