/* SPDX-License-Identifier: BSD-3-Clause */

/* Flows whose users have closed them. They finish by themselves, but not for ever: within a minute,
 * and while their peers take what they were sent; and of too many the oldest goes. */

#include "net/tcp_flow.h"

static struct flow *flow_at(struct tcp *tcp, uint32_t index)
{
    return pool_item(&tcp->flows, index);
}

static void end(struct flow *flow)
{
    flow_send_reset(flow);
    flow_free(flow);
}

/* What counts is a buffer that comes back: an answered probe gives us nothing. Who holds none, but
 * has not heard of our FIN, has the whole time. */
static uint32_t deadline(const struct flow *flow)
{
    const uint32_t tick_us = 1u << TCP_TICK_SHIFT;
    const uint32_t last = flow->detached_at + TCP_DETACHED / tick_us;
    const uint32_t since =
        flow->flight ? seq_max(flow->flight->freed_at, flow->detached_at) : flow->detached_at;
    const uint32_t stalled = since + TCP_DETACHED_STALL / tick_us;
    const bool holds = flow->flight && flow->flight->num_buffers;
    return holds && seq_before(stalled, last) ? stalled : last;
}

void flow_detach(struct flow *flow)
{
    struct tcp *tcp = flow->tcp;
    const uint32_t index = pool_index(&tcp->flows, flow);
    flow_receive_release(flow); /* what was given to the user is no longer counted as held */
    flow->flags |= FLOW_DETACHED;
    flow->rcv_unread = 0;
    flow->events = NULL;
    flow->detached_at = tcp->tick;
    flow->detached.next = POOL_NONE;
    flow->detached.prev = tcp->detached_last;
    if (tcp->detached_last == POOL_NONE)
        tcp->detached_first = index;
    else
        flow_at(tcp, tcp->detached_last)->detached.next = index;
    tcp->detached_last = index;
    tcp->num_detached++;
    flow->life_at = deadline(flow);
    flow_set_timer(flow);
    if (tcp->num_detached > tcp->max_detached) {
        tcp->counters.detached_limit++;
        end(flow_at(tcp, tcp->detached_first));
    }
}

void detached_remove(struct flow *flow)
{
    struct tcp *tcp = flow->tcp;
    if (flow->detached.prev == POOL_NONE)
        tcp->detached_first = flow->detached.next;
    else
        flow_at(tcp, flow->detached.prev)->detached.next = flow->detached.next;
    if (flow->detached.next == POOL_NONE)
        tcp->detached_last = flow->detached.prev;
    else
        flow_at(tcp, flow->detached.next)->detached.prev = flow->detached.prev;
    tcp->num_detached--;
}

void detached_timer(struct flow *flow)
{
    flow->life_at = deadline(flow);
    if (seq_after(flow->life_at, flow->tcp->tick))
        return;
    flow->tcp->counters.ended_detached_deadline++;
    end(flow);
}
