/* SPDX-License-Identifier: BSD-3-Clause */

/* TIME_WAIT: what is left of a connection is what answers a FIN that comes again (RFC 9293 3.6.1)
 * and tells a new connection from an old segment. Resets are ignored (RFC 1337). */

#include "net/tcp_flow.h"

/* [9293 3.6.1-2] */
static void start_waiting(struct tcp *tcp, struct time_waiting *waiting)
{
    waiting->waiting.due = tcp_ticks(tcp, TCP_TIME_WAIT);
    waiting_push(&tcp->time_waitings, &tcp->time_wait_list, &waiting->waiting);
}

static bool acknowledge(struct tcp *tcp, const struct time_waiting *waiting)
{
    const struct segment_out out = {.key = &waiting->waiting.key,
                                    .seq = waiting->snd_nxt,
                                    .ack = waiting->rcv_nxt,
                                    .window = waiting->window,
                                    .flags = TCP_ACK,
                                    .options = {.has_ts = waiting->has_ts,
                                                .ts_value = tcp_timestamp(tcp, waiting->ts_offset),
                                                .ts_echo = waiting->ts_recent}};
    return tcp_send_control(tcp, &out);
}

void time_wait_free(struct tcp *tcp, struct time_waiting *waiting)
{
    const uint64_t hash = flow_table_hash(&tcp->table, &waiting->waiting.key);
    flow_table_remove(&tcp->table, hash,
                      flow_handle(KIND_TIME_WAITING, pool_index(&tcp->time_waitings, waiting)));
    waiting_remove(&tcp->time_waitings, &tcp->time_wait_list, &waiting->waiting);
    pool_put(&tcp->time_waitings, waiting);
}

/* The flow is over. With too many waiting the one that has waited longest goes. */
void time_wait_enter(struct flow *flow)
{
    struct tcp *tcp = flow->tcp;
    const struct time_waiting now = {.waiting.key = flow->key,
                                     .rcv_nxt = flow->rcv_nxt,
                                     .snd_nxt = flow->snd_nxt,
                                     .ts_recent = flow->ts_recent,
                                     .ts_offset = flow->ts_offset,
                                     .window = flow_window(flow),
                                     .has_ts = flow->flags & FLOW_TS};
    const uint64_t hash = flow_table_hash(&tcp->table, &flow->key);
    const bool owes_ack = flow->flags & FLOW_ACK_NOW;
    flow_finish(flow, FLOW_END_CLOSED);
    if (tcp->time_waitings.in_use == tcp->time_waitings.num_items &&
        tcp->time_wait_list.first != POOL_NONE)
        time_wait_free(tcp, pool_item(&tcp->time_waitings, tcp->time_wait_list.first));
    struct time_waiting *waiting = pool_get(&tcp->time_waitings);
    if (!waiting)
        return;
    *waiting = now;
    flow_table_add(&tcp->table, hash,
                   flow_handle(KIND_TIME_WAITING, pool_index(&tcp->time_waitings, waiting)));
    start_waiting(tcp, waiting);
    if (owes_ack)
        acknowledge(tcp, waiting);
}

/* RFC 6191 2: a SYN that cannot be an old one. [9293 3.6.1-3] */
static bool is_new_connection(const struct time_waiting *waiting, const struct segment_in *in)
{
    if ((in->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
        return false;
    if (waiting->has_ts && in->options.has_ts && in->options.ts_value != waiting->ts_recent)
        return seq_after(in->options.ts_value, waiting->ts_recent);
    return seq_after(in->seq, waiting->rcv_nxt);
}

/* [9293 3.10.7.4-13] */
void time_wait_segment(struct tcp *tcp, struct time_waiting *waiting, struct segment_in *in)
{
    if (in->flags & TCP_RST)
        return;
    if (is_new_connection(waiting, in)) {
        tcp->counters.time_wait_reused++;
        time_wait_free(tcp, waiting);
        tcp_listen_segment(tcp, in);
        return;
    }
    /* our acknowledgement of it was lost: wait as long again */
    if (in->flags & TCP_FIN && in->seq + in->len + 1 == waiting->rcv_nxt) {
        waiting_remove(&tcp->time_waitings, &tcp->time_wait_list, &waiting->waiting);
        start_waiting(tcp, waiting);
    }
    if (in->flags & (TCP_FIN | TCP_SYN) || in->len)
        acknowledge(tcp, waiting);
}

uint32_t time_wait_timers(struct tcp *tcp)
{
    while (tcp->time_wait_list.first != POOL_NONE) {
        struct time_waiting *waiting = pool_item(&tcp->time_waitings, tcp->time_wait_list.first);
        const int32_t left = seq_diff(waiting->waiting.due, tcp->tick);
        if (left > 0)
            return (uint32_t)left;
        time_wait_free(tcp, waiting);
    }
    return TCP_NO_DEADLINE;
}
