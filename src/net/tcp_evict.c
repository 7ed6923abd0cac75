/* SPDX-License-Identifier: BSD-3-Clause */

/* When buffers run low, who holds the most of them for the longest goes: a reader that does not
 * read keeps what it was sent, a sender whose service does not read what it sent, and so many of
 * them would keep everybody else waiting. */

#include "net/tcp_flow.h"

#define SCANNED_A_TURN 256u
#define TURN_US        (4 * TCP_MS)
#define AGE_MIN_US     (2 * TCP_S) /* younger than that, a retransmission may be under way */

/* Shares are being used up: soon nobody could send. */
static bool is_low_for_sending(const struct tcp *tcp)
{
    return tcp_left_for_sending(tcp) < tcp->max_buffers / 16;
}

/* Soon nobody would be heard. */
static bool is_low_for_receiving(const struct tcp *tcp)
{
    return tcp_left_for_receiving(tcp) < tcp->max_buffers / 16;
}

/* Buffers by the time for which none came back. Nobody goes for a share. */
static uint64_t weigh(const struct tcp *tcp, uint32_t buffers, uint64_t age_us)
{
    return buffers <= tcp_share(tcp) || age_us < AGE_MIN_US ? 0 : buffers * age_us;
}

static uint64_t score(const struct flow *flow)
{
    const struct tcp *tcp = flow->tcp;
    const struct flight *flight = flow->flight;
    uint64_t sum = 0;
    if (flight && is_low_for_sending(tcp))
        sum += weigh(tcp, flight->num_buffers,
                     (uint64_t)(tcp->tick - flight->freed_at) << TCP_TICK_SHIFT);
    if (is_low_for_receiving(tcp))
        sum += weigh(tcp, flow_received_buffers(flow),
                     (uint64_t)(uint16_t)(tcp_now_16(tcp) - flow->read_at) << 16);
    return sum;
}

static bool is_live(const struct flow *flow)
{
    return timer_is_set(&flow->timer) && !(flow->flags & FLOW_GONE);
}

/* What came out of order may come again, and nothing is lost by it but time (RFC 2018 8). */
static void evict(struct tcp *tcp, struct flow *flow)
{
    if (is_low_for_receiving(tcp) && flow->reassembly && flow->reassembly->num_buffers) {
        tcp->counters.out_of_order_dropped += flow->reassembly->num_buffers;
        flow_drop_out_of_order(flow);
        return;
    }
    tcp->counters.ended_for_buffers++;
    flow_begin(flow);
    flow_send_reset(flow);
    flow_finish(flow, FLOW_END_NO_MEMORY);
    flow_done(flow);
}

/* Looks at a part of the flows a turn, and at the end of each round ends the worst. */
uint32_t tcp_evict(struct tcp *tcp)
{
    if (!is_low_for_sending(tcp) && !is_low_for_receiving(tcp)) {
        tcp->evict_next = 0;
        tcp->evict_worst = POOL_NONE;
        return TCP_NO_DEADLINE;
    }
    for (uint32_t i = 0; i < SCANNED_A_TURN && tcp->evict_next < tcp->flows.touched; i++) {
        const uint32_t index = tcp->evict_next++;
        const struct flow *flow = pool_item(&tcp->flows, index);
        if (is_live(flow) && score(flow) > (tcp->evict_worst == POOL_NONE
                                                ? 0
                                                : score(pool_item(&tcp->flows, tcp->evict_worst))))
            tcp->evict_worst = index;
    }
    if (tcp->evict_next >= tcp->flows.touched) {
        if (tcp->evict_worst != POOL_NONE && is_live(pool_item(&tcp->flows, tcp->evict_worst)))
            evict(tcp, pool_item(&tcp->flows, tcp->evict_worst));
        tcp->evict_next = 0;
        tcp->evict_worst = POOL_NONE;
    }
    return TURN_US >> TCP_TICK_SHIFT;
}
