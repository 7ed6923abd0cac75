/* SPDX-License-Identifier: BSD-3-Clause */
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "common/test.h"
#include "wire.h"

#define PORT 443u

struct run;

struct end {
    struct run *run;
    struct flow *flow;
    int side;
    uint32_t id;
    uint64_t to_send, sent, acked, to_get, got, read_at_us;
    uint32_t unread;
    bool is_up, fin_sent, fin_got, is_over;
    enum flow_end why;
};

struct run {
    struct transfer *transfer;
    struct link link;
    struct end ends[2][TRANSFER_FLOWS_MAX];
    uint32_t num_accepted;
    uint64_t random, begun_us;
    bool is_wrong;
};

static uint8_t byte_at(const struct end *end, bool outwards, uint64_t offset)
{
    const uint32_t sender = outwards ? (uint32_t)end->side : (uint32_t)!end->side;
    return (uint8_t)(offset * 131 + (offset >> 8) * 17 + (offset >> 16) * 7 + end->id * 29 +
                     sender * 101);
}

static void fail(struct end *end, const char *what)
{
    if (!end->run->is_wrong)
        LKS_CHECK(false, "seed %llu: side %d flow %u: %s (sent %llu of %llu, got %llu of %llu)",
                  (unsigned long long)end->run->transfer->seed, end->side, end->id, what,
                  (unsigned long long)end->sent, (unsigned long long)end->to_send,
                  (unsigned long long)end->got, (unsigned long long)end->to_get);
    end->run->is_wrong = true;
}

/* ---- what the flows call ---- */

static void *on_accepted(void *listener_user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    struct run *run = listener_user;
    (void)local;
    uint32_t id = 0; /* connections may be accepted in another order than they were opened */
    while (id < run->transfer->num_flows) {
        struct flow_info info;
        const struct end *client = &run->ends[0][id];
        if (client->flow && !client->is_over) {
            flow_get_info(client->flow, &info);
            if (info.local.port == peer->port)
                break;
        }
        id++;
    }
    if (id == run->transfer->num_flows)
        return NULL;
    struct end *end = &run->ends[1][id];
    end->flow = flow;
    end->is_up = true;
    return end;
}

static void on_connected(void *user)
{
    ((struct end *)user)->is_up = true;
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    struct end *end = user;
    uint32_t len = 0;
    for (const struct rte_mbuf *m = chain; m; m = m->next) {
        const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);
        for (uint32_t i = 0; i < m->data_len; i++) {
            if (bytes[i] != byte_at(end, false, end->got + i)) {
                fail(end, "a wrong byte arrived");
                break;
            }
        }
        end->got += m->data_len;
        len += m->data_len;
    }
    if (len != chain->pkt_len)
        fail(end, "a chain's length is wrong");
    if (end->got > end->to_get)
        fail(end, "more arrived than was sent");
    end->unread += len;
    rte_pktmbuf_free(chain);
}

static void on_fin(void *user)
{
    struct end *end = user;
    end->fin_got = true;
    if (end->got != end->to_get)
        fail(end, "FIN came before all bytes");
}

static void on_sent(void *user, uint32_t bytes)
{
    ((struct end *)user)->acked += bytes;
}

static const char *const why_ended[FLOW_NUM_ENDS] = {
    "it was reset", "it timed out", "it was refused", "it was unreachable", "it was evicted", NULL,
};

static void on_ended(void *user, enum flow_end why)
{
    struct end *end = user;
    end->is_over = true;
    end->why = why;
    end->flow = NULL;
    if (why != FLOW_END_CLOSED)
        fail(end, why_ended[why]);
}

static const struct flow_events events = {
    on_accepted, on_connected, on_received, on_fin, on_sent, on_ended,
};

/* ---- what users do ---- */

static struct rte_mbuf *make_chain(struct end *end, uint32_t len)
{
    struct rte_mbuf *first = NULL, **next = &first;
    uint32_t left = len;
    uint16_t num = 0;
    while (left) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(wire_pools.app);
        if (!m)
            break;
        uint32_t piece =
            1 + (uint32_t)(lks_test_random(&end->run->random) % end->run->transfer->chunk_max);
        piece = RTE_MIN(RTE_MIN(piece, left), (uint32_t)rte_pktmbuf_tailroom(m));
        uint8_t *bytes = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)piece);
        for (uint32_t i = 0; i < piece; i++)
            bytes[i] = byte_at(end, true, end->sent + i);
        end->sent += piece;
        left -= piece;
        *next = m;
        next = &m->next;
        num++;
    }
    if (first) {
        first->pkt_len = len - left;
        first->nb_segs = num;
    }
    return first;
}

static void write_some(struct end *end)
{
    const uint32_t room = flow_send_room(end->flow);
    const uint64_t left = end->to_send - end->sent;
    const uint32_t len = (uint32_t)RTE_MIN((uint64_t)room, left);
    struct rte_mbuf *chain = len ? make_chain(end, len) : NULL;
    if (chain)
        flow_send(end->flow, chain);
    if (end->sent == end->to_send && !end->fin_sent) {
        if (end->side == 1 && end->id == 0)
            flow_get_info(end->flow, &end->run->transfer->info);
        flow_shutdown(end->flow);
        end->fin_sent = true;
    }
}

static bool may_read(const struct end *end)
{
    const struct transfer *transfer = end->run->transfer;
    const uint64_t since = end->run->link.now_us - end->run->begun_us;
    return end->side != 1 || since < transfer->stall_us ||
           since >= transfer->stall_us + transfer->stall_for_us;
}

static void poll_end(struct end *end)
{
    if (!end->is_up || end->is_over)
        return;
    if (end->unread && may_read(end) && end->run->link.now_us >= end->read_at_us) {
        flow_consumed(end->flow, end->unread);
        end->unread = 0;
        end->read_at_us = end->run->link.now_us + end->run->transfer->read_us;
    }
    write_some(end);
}

/* ---- the run ---- */

static bool is_done(const struct run *run)
{
    for (uint32_t i = 0; i < run->transfer->num_flows; i++) {
        if (!run->ends[0][i].is_over || !run->ends[1][i].is_over)
            return false;
    }
    return true;
}

/* When a user has something to do next. */
static uint64_t next_read(const struct run *run, uint64_t limit)
{
    const struct transfer *transfer = run->transfer;
    uint64_t next = limit;
    for (int side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < transfer->num_flows; i++) {
            const struct end *end = &run->ends[side][i];
            if (end->unread && !end->is_over && end->read_at_us > run->link.now_us)
                next = RTE_MIN(next, end->read_at_us);
        }
    }
    const uint64_t stall_ends = run->begun_us + transfer->stall_us + transfer->stall_for_us;
    if (stall_ends > run->link.now_us)
        next = RTE_MIN(next, stall_ends);
    return next;
}

static struct net *make_host(const struct transfer *transfer, int side)
{
    struct net_config config;
    struct net_address address;
    char error[128];
    const struct transfer_side *from = &transfer->sides[side];
    wire_config(&config, &address, transfer->is_v6, (uint8_t)(side + 1));
    config.congestion = from->congestion;
    config.port.offloads |= from->offloads;
    config.port.mtu = from->mtu ? from->mtu : 1500;
    if (from->max_tx_segs)
        config.port.max_tx_segs = (uint8_t)from->max_tx_segs;
    if (from->max_buffers)
        config.max_buffers = from->max_buffers;
    struct net *net = net_new(&config, error, sizeof(error));
    LKS_CHECK(net, "net_new: %s", error);
    return net;
}

static void begin(struct run *run)
{
    struct transfer *transfer = run->transfer;
    const struct net_addr server = {wire_host(transfer->is_v6, 2), PORT},
                          any = {transfer->is_v6 ? (struct net_ip){{{0}}} : net_ip4(0), PORT};
    char error[128];
    run->begun_us = run->link.now_us;
    CU_ASSERT(!flow_listen(run->link.hosts[1], &any, &events, run, error, sizeof(error)));
    for (uint32_t i = 0; i < transfer->num_flows; i++) {
        for (int side = 0; side < 2; side++) {
            run->ends[side][i] = (struct end){.run = run,
                                              .side = side,
                                              .id = i,
                                              .to_send = side ? transfer->down : transfer->up,
                                              .to_get = side ? transfer->up : transfer->down};
        }
        struct end *end = &run->ends[0][i];
        end->flow = flow_connect(run->link.hosts[0], &server, NULL, &events, end);
        if (!end->flow)
            fail(end, "no flow to connect with");
    }
}

static void check_end(struct run *run, uint64_t limit)
{
    struct transfer *transfer = run->transfer;
    if (!is_done(run)) {
        for (uint32_t i = 0; i < transfer->num_flows; i++) {
            for (int side = 0; side < 2; side++) {
                if (!run->ends[side][i].is_over)
                    fail(&run->ends[side][i], "it hangs");
            }
        }
    }
    /* TIME_WAIT ends, too, and then nothing is left */
    while (link_step(&run->link, limit + 130000000))
        ;
    for (int side = 0; side < 2; side++) {
        flow_get_counters(run->link.hosts[side], &transfer->counters[side]);
        const struct flow_counters *c = &transfer->counters[side];
        if (!run->is_wrong && !LKS_CHECK(!c->flows && !c->half_open && !c->time_wait && !c->buffers,
                                         "seed %llu: side %d keeps %u flows, %u half-open, %u in "
                                         "TIME_WAIT, %u buffers",
                                         (unsigned long long)transfer->seed, side, c->flows,
                                         c->half_open, c->time_wait, c->buffers))
            run->is_wrong = true;
    }
}

static void note_promised(struct run *run)
{
    struct flow_info info;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < run->transfer->num_flows; i++) {
        const struct end *end = &run->ends[1][i];
        if (end->is_up && !end->is_over && !end->fin_got) {
            flow_get_info(end->flow, &info);
            sum += info.our_window;
        }
    }
    run->transfer->promised_max = RTE_MAX(run->transfer->promised_max, sum);
}

bool transfer_run(struct transfer *transfer)
{
    struct run *run = calloc(1, sizeof(*run));
    if (!run)
        abort();
    const unsigned int in_use = wire_in_use();
    run->transfer = transfer;
    run->random = transfer->seed * 7919;
    link_init(&run->link, make_host(transfer, 0), make_host(transfer, 1), transfer->seed, 1000000);
    run->link.tap = transfer->tap;
    run->link.tap_user = transfer->tap_user;
    for (int side = 0; side < 2; side++)
        run->link.paths[side].shape = transfer->sides[side].path;
    begin(run);
    transfer->promised_max = 0;
    const uint64_t limit = run->begun_us + transfer->limit_us;
    while (!run->is_wrong && !is_done(run) && link_step(&run->link, next_read(run, limit))) {
        for (int side = 0; side < 2; side++) {
            for (uint32_t i = 0; i < transfer->num_flows; i++)
                poll_end(&run->ends[side][i]);
        }
        note_promised(run);
    }
    transfer->took_us = run->link.now_us - run->begun_us;
    check_end(run, run->link.now_us);
    net_free(run->link.hosts[0]);
    net_free(run->link.hosts[1]);
    link_free(&run->link);
    bool ok = !run->is_wrong;
    if (ok)
        ok = LKS_CHECK(wire_in_use() == in_use, "seed %llu: %u mbufs were not given back",
                       (unsigned long long)transfer->seed, wire_in_use() - in_use);
    free(run);
    return ok;
}
