/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_TCP_CC_H
#define LKS_NET_TCP_CC_H

/*
 * Congestion control. What all algorithms share is done once: slow start with HyStart++, PRR while
 * the window is being reduced, the window after a pause, the rate that segments are paced at. A row
 * says how the window grows in congestion avoidance and by how much it shrinks. Windows are bytes.
 */

#include <stdbool.h>
#include <stdint.h>

struct flow;

struct cc_cubic {              /* RFC 9438; windows in bytes, times in seconds */
    double k, estimate, carry; /* carry: bytes of growth that have not made one yet */
    uint64_t epoch_us;         /* 0: congestion avoidance has not begun since the last reduction */
    uint64_t seen_us;          /* the last acknowledgement */
    uint32_t prior_cwnd;       /* when it was reduced */
    uint32_t w_max;            /* of a saved one: the flow's */
};

struct cc_hystart {     /* RFC 9406 */
    uint32_t round_end; /* the round is over when this is acknowledged */
    uint32_t last_min_us, this_min_us, css_baseline_us;
    uint8_t num_samples, css_rounds; /* css_rounds 0: not in conservative slow start */
};

struct cc_prr { /* RFC 9937 */
    uint32_t delivered, out, recover_fs;
};

struct cc_state {
    struct cc_cubic cubic, cubic_undo;
    struct cc_hystart hystart;
    struct cc_prr prr;
    uint32_t carry; /* Reno: bytes acknowledged that have not made a segment of growth yet */
    bool limited;   /* the window was all that held back the last data */
};

struct cc_row {
    const char *name;
    /* `acked` bytes were acknowledged in congestion avoidance; 0: the window was not what held the
     * flow back, so it does not grow. */
    void (*grow)(struct flow *flow, uint32_t acked, uint64_t now_us);
    /* The network is congested: the slow start threshold to go on from. */
    uint32_t (*reduce)(struct flow *flow);
    /* A timeout has followed: what was known of the path is worth less. */
    void (*timed_out)(struct flow *flow);
    /* It was not: what reduce() changed beside the threshold is as it was. */
    void (*undo)(struct flow *flow);
};

extern const struct cc_row cc_cubic, cc_reno;
/* RFC 9438's W_cubic, in bytes, t seconds into the epoch. */
double cubic_window(const struct flow *flow, double t);
/* NULL: no such row. */
const struct cc_row *cc_row_named(const char *name);

/* What an acknowledgement brought. */
struct cc_ack {
    uint32_t delivered; /* bytes newly acknowledged, by number or block */
    uint32_t acked;     /* by number alone */
    uint32_t rtt_us;    /* of the youngest segment; 0: none measured */
    bool lost_more;     /* it also told of losses */
};

/* Of a new flight. What there is to undo is written when there is. */
static inline void cc_begin(struct cc_state *cc, uint32_t snd_nxt)
{
    cc->cubic = (struct cc_cubic){0};
    cc->hystart = (struct cc_hystart){.round_end = snd_nxt};
    cc->prr = (struct cc_prr){0};
    cc->carry = 0;
    cc->limited = false;
}

uint32_t cc_initial_window(uint32_t mss);
void cc_start(struct flow *flow);                         /* a flow's first window */
void cc_after_pause(struct flow *flow, uint64_t idle_us); /* all was acknowledged for a while */
void cc_acked(struct flow *flow, const struct cc_ack *ack, uint64_t now_us);
void cc_enter_reduction(struct flow *flow, uint32_t delivered);
void cc_reducing(struct flow *flow, const struct cc_ack *ack);
void cc_timeout(struct flow *flow, bool is_first);
void cc_undo(struct flow *flow);
/* Bytes a second to be sent at; 0: as fast as the window lets. */
uint64_t cc_pace(const struct flow *flow);

#endif
