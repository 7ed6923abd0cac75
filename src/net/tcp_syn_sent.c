/* SPDX-License-Identifier: BSD-3-Clause */

/* Opening from our side: RFC 9293 3.10.7.3, and what a handshake negotiates. */

#include "net/tcp_flow.h"

/* [7323 2.2-3 2.3-1] */
static void negotiate(struct flow *flow, const struct segment_in *in)
{
    const struct tcp_options *options = &in->options;
    if (options->has_mss)
        flow->peer_mss = (uint16_t)greatest(options->mss, TCP_MSS_MIN);
    if (options->has_scale) {
        flow->flags |= FLOW_SCALE;
        flow->snd_scale = options->scale;
    } else {
        flow->rcv_scale = 0;
    }
    flow->flags |= options->has_sack_ok ? FLOW_SACK : 0u;
    if (options->has_ts) {
        flow->flags |= FLOW_TS;
        flow->ts_recent = options->ts_value;
    }
    flow->rcv_edge += in->seq + 1 - flow->rcv_nxt; /* as much as our SYN said */
    flow->rcv_first = in->seq + 1;
    flow->rcv_nxt = flow->rcv_first;
    flow->snd_wnd = in->window; /* a SYN's window is not scaled: RFC 7323 2.2 */
    flow->snd_wnd_max = in->window >> flow->snd_scale;
    flow->snd_wl1 = in->seq;
    flow_update_mss(flow);
}

/* [5681 3.1-2] [6928 2-2] */
void flow_established(struct flow *flow, const struct segment_in *in)
{
    const uint32_t sent_us = flow->tune_at;
    flow->state = TCP_ESTABLISHED;
    flow->flags &= ~(uint32_t)(FLOW_SYN | FLOW_SOFT_ERROR);
    flow->snd_una = in->ack;
    /* A SYN that was sent again is not measured (Karn), and a path that lost it is begun with less:
     * RFC 5681 3.1, 6298 5.7. */
    if (flow->tries <= 1)
        flow_rtt_sample(flow, (uint32_t)flow->tcp->now_us - sent_us);
    cc_start(flow);
    if (flow->tries > 1) {
        flow->cwnd = flow->mss;
        flow->flags |= FLOW_SYN_LOST;
    }
    flow->tries = 0;
    flow->tune_at = flow->tcp->tick;
    flow->tune_seq = flow->rcv_nxt;
    flow->life_at = flow->tcp->tick + flow->tcp->keepalive_ticks;
}

/* Both sides have opened at once: 3.5, figure 7. [9293 3.5-1] */
static void simultaneous(struct flow *flow, const struct segment_in *in)
{
    negotiate(flow, in);
    flow->state = TCP_SYN_RECEIVED;
    flow->flags |= FLOW_SYN;
    flow_ready(flow);
}

/* [9293 3.10.7.3-1] */
void flow_syn_sent_segment(struct flow *flow, struct segment_in *in)
{
    if (in->flags & TCP_ACK && in->ack != flow->snd_nxt) {
        tcp_send_reset(flow->tcp, in);
        return;
    }
    if (in->flags & TCP_RST) {
        if (in->flags & TCP_ACK) {
            flow->tcp->counters.resets_in++;
            flow->tcp->counters.refused++;
            flow_finish(flow, FLOW_END_REFUSED);
        }
        return;
    }
    if (!(in->flags & TCP_SYN))
        return;
    flow->heard_at = flow->tcp->tick;
    if (!(in->flags & TCP_ACK)) {
        simultaneous(flow, in);
        return;
    }
    negotiate(flow, in);
    flow_established(flow, in);
    flow->flags |= FLOW_ACK_NOW;
    flow_ready(flow);
    flow->events->connected(flow->user);
    if (!(flow->flags & FLOW_GONE) && (in->len || in->flags & TCP_FIN)) {
        in->seq++;
        flow_receive(flow, in);
    }
}
