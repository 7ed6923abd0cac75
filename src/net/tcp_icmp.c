/* SPDX-License-Identifier: BSD-3-Clause */

/* ICMP errors that quote a segment of ours. Anybody can send one, so it must name a sequence number
 * that is in flight (RFC 5927 4.1), and is a hint at most once a connection is open (6.1). */

#include "net/tcp_flow.h"

static uint8_t minute(const struct tcp *tcp)
{
    return (uint8_t)(tcp->now_us / (60 * (uint64_t)TCP_S));
}

/* RFC 1191 5: the next of common sizes where the router did not say. [1191 3-6] */
static uint16_t plateau(uint16_t mtu)
{
    static const uint16_t plateaus[] = {4352, 2002, 1492, 1280, 1006, 576};
    for (uint32_t i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++) {
        if (plateaus[i] < mtu)
            return plateaus[i];
    }
    return TCP_MTU_MIN_4;
}

/* [1191 3-1 3-2 3-3 3-4] [7323 5.7-1] [8201 4-1 4-2] */
static void lower_mtu(struct flow *flow, uint16_t mtu)
{
    const bool is_v4 = net_ip_is_v4(&flow->key.peer);
    if (!is_v4 && mtu < TCP_MTU_MIN_6) /* a lie: RFC 8201 4 */
        return;
    if (!mtu)
        mtu = plateau(flow->mtu);
    mtu = (uint16_t)greatest(mtu, is_v4 ? TCP_MTU_MIN_4 : TCP_MTU_MIN_6);
    if (mtu >= flow->mtu)
        return;
    ip_learn_mtu(flow->tcp->net, &flow->key.peer, mtu);
    flow->mtu = mtu;
    flow->mtu_at = minute(flow->tcp);
    flow->flags |= FLOW_LOW_MTU;
    flow->tcp->counters.path_mtu_lowered++;
    flow_update_mss(flow);
    if (flow->flight)
        loss_too_big(flow);
}

void flow_set_mtu(struct flow *flow, uint16_t mtu)
{
    flow->mtu = mtu;
    flow->mtu_at = minute(flow->tcp);
    flow->flags &= ~(uint32_t)FLOW_LOW_MTU;
    flow->flags |= mtu < flow->tcp->link_mtu ? FLOW_LOW_MTU : 0u;
}

/* What was learned is forgotten after ten minutes (RFC 1191 6.3), at the first data after. [1191
 * 3-5] [8201 4-3] */
void flow_age_mtu(struct flow *flow)
{
    struct net_ip local = flow->key.local;
    uint16_t mtu;
    if (!(flow->flags & FLOW_LOW_MTU) ||
        (uint8_t)(minute(flow->tcp) - flow->mtu_at) < TCP_MTU_AGE ||
        !ip_route(flow->tcp->net, &flow->key.peer, &local, &mtu))
        return;
    flow_set_mtu(flow, mtu);
    flow_update_mss(flow);
}

/* A half-open connection is as a SYN-ACK that was lost, or, where the peer cannot be reached at
 * all, nothing. [9293 3.9.2.2-4] */
static void half_open_error(struct tcp *tcp, struct half_open *half,
                            const struct ip_error_info *error)
{
    if (error->seq != half->iss)
        return;
    if (error->kind == IP_ERROR_HARD) {
        tcp->counters.hard_errors++;
        half_open_free(tcp, half);
    } else if (error->kind == IP_ERROR_SOFT) {
        tcp->counters.soft_errors++;
    }
}

/* [9293 3.9.1.8-1 3.9.2.2-3 3.9.2.2-4] */
static void flow_error(struct flow *flow, const struct ip_error_info *error)
{
    if (error->kind == IP_ERROR_TOO_BIG) {
        lower_mtu(flow, error->mtu);
    } else if (error->kind == IP_ERROR_HARD && flow->state <= TCP_SYN_RECEIVED) {
        flow->tcp->counters.hard_errors++;
        flow_finish(flow, FLOW_END_UNREACHABLE);
    } else {
        flow->tcp->counters.soft_errors++;
        flow->flags |= FLOW_SOFT_ERROR;
    }
}

/* [8201 6-1] [9293 3.9.2.2-1] */
void tcp_error(struct tcp *tcp, const struct ip_error_info *error, uint64_t now_us)
{
    const struct flow_key key = {error->from, error->to, error->from_port, error->to_port};
    tcp_set_now(tcp, now_us);
    const uint32_t handle = flow_table_find(&tcp->table, &key, flow_table_hash(&tcp->table, &key));
    if (handle == FLOW_TABLE_NOTHING)
        return;
    if (flow_handle_kind(handle) == KIND_HALF_OPEN)
        half_open_error(tcp, pool_item(&tcp->half_opens, flow_handle_index(handle)), error);
    if (flow_handle_kind(handle) != KIND_FLOW)
        return;
    struct flow *flow = pool_item(&tcp->flows, flow_handle_index(handle));
    if (error->seq - flow->snd_una >= flow->snd_nxt - flow->snd_una)
        return;
    flow_begin(flow);
    flow_error(flow, error);
    flow_done(flow);
}
