/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Two instances of one port on two lcores: proxies that accept and connect, as lockstepd's workers
 * would. The port between them and the world spreads by a known key and table, computed here by
 * the letter of the specification.
 *
 * The lcores run as the machine lets them; TCP's time is theirs together, and goes on when each has
 * taken a turn. By the machine's, an lcore that is kept waiting would have its peers send again,
 * and an acknowledgement that is sent again for that finds a connection that is over: a reset.
 */

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "common/test.h"
#include "dpdk/eal.h"
#include "net/instance.h"
#include "net/tcp.h"
#include "spread.h"

#define WORKERS      2u
#define SESSIONS     100u /* of each family */
#define MESSAGE_LEN  600u
#define BUFFERS      8192u
#define TABLE_LEN    128u
#define SERVICE_PORT 443u
#define BACKEND_PORT 8080u
#define WORLD        9u    /* last byte of the addresses of clients and backend, and of their MAC */
#define PORT         2u    /* of the port */
#define TICK_US      4000u /* a fraction of what a retransmission waits for */
#define PATIENCE_S   300u

static const uint8_t rss_key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

/* What an lcore has: an instance, and what leads to it. */
struct host {
    struct net *net;
    struct rte_mempool *buffers, *clones;
    struct rte_ring *in;
    struct spread_end *spread; /* to the other worker */
    struct net_counters below;
    struct flow_counters tcp;
    uint32_t num_tcp_handed;  /* that it handed on */
    uint32_t num_failed;      /* calls that should have worked */
    _Atomic uint64_t turn_us; /* its last turn was at that time */
};

static struct {
    struct host workers[WORKERS], world;
    struct spread *spread;
    struct rte_mempool *frames; /* on their way */
    struct rte_ring *out;       /* to the world */
    uint16_t table[TABLE_LEN];
    bool is_software;
    _Atomic uint32_t num_ready;
    _Atomic bool must_stop;
    _Atomic uint64_t now_us; /* set by the world alone */
} port = {.now_us = 1000000};

struct end { /* of a client or backend */
    struct flow *flow;
    uint8_t got[MESSAGE_LEN];
    uint32_t num_got, id;
    bool is_over;
};

struct session { /* of a worker */
    struct host *host;
    struct flow *front, *back;
    struct rte_mbuf *early; /* before the backend has answered */
    bool is_up, has_fin;
};

static struct end clients[2 * SESSIONS], backends[2 * SESSIONS];
static uint32_t num_backends;

static uint64_t machine_s(void)
{
    return rte_get_timer_cycles() / rte_get_timer_hz();
}

static struct net_ip address(bool is_v6, uint8_t host)
{
    const struct net_ip v6 = {{{0xfd, [15] = host}}};
    return is_v6 ? v6 : net_ip4(rte_cpu_to_be_32(0x0a000000u | host));
}

static uint32_t chain_copy(uint8_t *to, uint32_t room, struct rte_mbuf *chain)
{
    const uint32_t len = RTE_MIN(room, chain->pkt_len);
    const void *at = rte_pktmbuf_read(chain, 0, len, to);
    if (at != to)
        memcpy(to, at, len);
    rte_pktmbuf_free(chain);
    return len;
}

static bool send_bytes(struct host *host, struct flow *flow, const uint8_t *bytes)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(host->buffers);
    if (!m || flow_send_room(flow) < MESSAGE_LEN) {
        rte_pktmbuf_free(m);
        return false;
    }
    memcpy(rte_pktmbuf_append(m, MESSAGE_LEN), bytes, MESSAGE_LEN);
    flow_send(flow, m);
    return true;
}

static void sent(void *user, uint32_t bytes)
{
    (void)user;
    (void)bytes;
}

/* ---- the world: clients, and a backend that answers with what it got ---- */

static uint8_t byte_at(uint32_t id, uint32_t at)
{
    return (uint8_t)(id * 29 + at * 131 + (at >> 8));
}

static void client_connected(void *user)
{
    struct end *end = user;
    uint8_t bytes[MESSAGE_LEN];
    for (uint32_t i = 0; i < MESSAGE_LEN; i++)
        bytes[i] = byte_at(end->id, i);
    port.world.num_failed += !send_bytes(&port.world, end->flow, bytes);
    flow_shutdown(end->flow);
}

static void end_received(void *user, struct rte_mbuf *chain)
{
    struct end *end = user;
    const uint32_t len = chain_copy(end->got + end->num_got, MESSAGE_LEN - end->num_got, chain);
    end->num_got += len;
    flow_consumed(end->flow, len);
}

static void end_fin(void *user)
{
    struct end *end = user;
    flow_close(end->flow);
    end->is_over = true;
}

static void world_ended(void *user, enum flow_end why)
{
    struct end *end = user;
    port.world.num_failed += why != FLOW_END_CLOSED;
    end->is_over = true;
}

static void *backend_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                              const struct net_addr *local)
{
    (void)user;
    (void)peer;
    (void)local;
    if (num_backends == RTE_DIM(backends))
        return NULL;
    backends[num_backends].flow = flow;
    return &backends[num_backends++];
}

static void backend_received(void *user, struct rte_mbuf *chain)
{
    struct end *end = user;
    end_received(end, chain);
    if (end->num_got == MESSAGE_LEN)
        port.world.num_failed += !send_bytes(&port.world, end->flow, end->got);
}

static const struct flow_events client_events = {.connected = client_connected,
                                                 .received = end_received,
                                                 .received_fin = end_fin,
                                                 .sent = sent,
                                                 .ended = world_ended};
static const struct flow_events backend_events = {.accepted = backend_accepted,
                                                  .received = backend_received,
                                                  .received_fin = end_fin,
                                                  .sent = sent,
                                                  .ended = world_ended};

/* ---- a worker's sessions ---- */

static void pass_on(struct session *s, struct flow *from, struct flow *to, struct rte_mbuf *chain)
{
    const uint32_t len = chain->pkt_len;
    if (flow_send_room(to) < len) {
        s->host->num_failed++;
        rte_pktmbuf_free(chain);
        return;
    }
    flow_send(to, chain);
    flow_consumed(from, len);
}

static void front_received(void *user, struct rte_mbuf *chain)
{
    struct session *s = user;
    if (s->is_up)
        pass_on(s, s->front, s->back, chain);
    else if (!s->early)
        s->early = chain;
    else if (rte_pktmbuf_chain(s->early, chain))
        s->host->num_failed++;
}

static void front_fin(void *user)
{
    struct session *s = user;
    s->has_fin = true;
    if (s->is_up)
        flow_shutdown(s->back);
}

static void back_connected(void *user)
{
    struct session *s = user;
    s->is_up = true;
    if (s->early)
        pass_on(s, s->front, s->back, s->early);
    s->early = NULL;
    if (s->has_fin)
        flow_shutdown(s->back);
}

static void back_received(void *user, struct rte_mbuf *chain)
{
    struct session *s = user;
    pass_on(s, s->back, s->front, chain);
}

static void back_fin(void *user)
{
    struct session *s = user;
    flow_close(s->front);
    flow_close(s->back);
    free(s);
}

/* What ends otherwise has failed; the runs are few, so a session that is left over is, too. */
static void worker_ended(void *user, enum flow_end why)
{
    struct session *s = user;
    (void)why;
    s->host->num_failed++;
}

static const struct flow_events back_events = {.connected = back_connected,
                                               .received = back_received,
                                               .received_fin = back_fin,
                                               .sent = sent,
                                               .ended = worker_ended};

static void *front_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                            const struct net_addr *local)
{
    struct session *s = calloc(1, sizeof(*s));
    const struct net_addr backend = {address(!net_ip_is_v4(&local->ip), WORLD), BACKEND_PORT};
    (void)peer;
    s->host = user;
    s->front = flow;
    s->back = flow_connect(s->host->net, &backend, NULL, &back_events, s);
    if (s->back)
        return s;
    s->host->num_failed++;
    free(s);
    return NULL;
}

static const struct flow_events front_events = {.accepted = front_accepted,
                                                .received = front_received,
                                                .received_fin = front_fin,
                                                .sent = sent,
                                                .ended = worker_ended};

/* ---- the port ---- */

/* The hash of the specification, bit by bit: of source, destination, source port, destination
 * port. */
static uint32_t hash_of(const uint8_t *bytes, uint32_t len)
{
    uint32_t hash = 0;
    for (uint32_t bit = 0; bit < len * 8; bit++) {
        uint32_t window = 0;
        if (!(bytes[bit / 8] >> (7 - bit % 8) & 1))
            continue;
        for (uint32_t i = bit; i < bit + 32; i++)
            window = window << 1 | (rss_key[i / 8] >> (7 - i % 8) & 1);
        hash ^= window;
    }
    return hash;
}

/* What is not TCP goes to the first queue, as ports do with what they have no hash for. */
static uint32_t queue_of(const uint8_t *frame)
{
    const uint32_t type = (uint32_t)frame[12] << 8 | frame[13];
    if (type == RTE_ETHER_TYPE_IPV4 && frame[23] == IPPROTO_TCP)
        return port.table[hash_of(frame + 26, 12) % TABLE_LEN];
    if (type == RTE_ETHER_TYPE_IPV6 && frame[20] == IPPROTO_TCP)
        return port.table[hash_of(frame + 22, 36) % TABLE_LEN];
    return 0;
}

static void put(struct rte_ring *ring, struct rte_mbuf *frame)
{
    if (rte_ring_enqueue(ring, frame))
        rte_pktmbuf_free(frame); /* lost, as by any link */
}

static void on_handed(void *user, uint16_t queue, struct rte_mbuf *frame)
{
    struct host *host = user;
    const uint8_t *bytes = rte_pktmbuf_mtod(frame, const uint8_t *);
    const uint32_t other = host == &port.workers[0];
    const bool is_v4 = bytes[12] == 0x08 && bytes[13] == 0x00, is_v6 = bytes[12] == 0x86;
    host->num_tcp_handed +=
        (is_v4 && bytes[23] == IPPROTO_TCP) || (is_v6 && bytes[20] == IPPROTO_TCP);
    host->num_failed += queue != NET_EVERY_QUEUE && queue != other;
    spread_hand_on(host->spread, queue, frame);
}

/* What a host has to send, copied, since its buffers are its own. */
static bool drain(struct host *host, uint64_t now)
{
    struct rte_mbuf *frames[32];
    const uint16_t num = net_output(host->net, frames, RTE_DIM(frames), now);
    for (uint16_t i = 0; i < num; i++) {
        struct rte_mbuf *copy = rte_pktmbuf_copy(frames[i], port.frames, 0, UINT32_MAX);
        rte_pktmbuf_free(frames[i]);
        if (!copy)
            continue;
        copy->ol_flags = 0;
        if (host != &port.world)
            put(port.out, copy);
        else if (port.is_software)
            put(port.workers[0].in, copy);
        else
            put(port.workers[queue_of(rte_pktmbuf_mtod(copy, uint8_t *))].in, copy);
    }
    return num != 0;
}

/* A turn at `now` is over. */
static void turned(struct host *host, uint64_t now)
{
    host->turn_us = now;
    if (host != &port.world)
        return;
    for (uint32_t i = 0; i < WORKERS; i++)
        if (port.workers[i].turn_us != now)
            return;
    port.now_us = now + TICK_US;
}

/* One turn of a poll loop, which takes all that has come. */
static void poll_once(struct host *host)
{
    struct rte_mbuf *frames[32];
    const uint64_t now = port.now_us;
    bool is_busy = false, has_more = false;
    for (unsigned int num = RTE_DIM(frames); num == RTE_DIM(frames);) {
        num = rte_ring_dequeue_burst(host->in, (void **)frames, RTE_DIM(frames), NULL);
        net_input(host->net, frames, (uint16_t)num, now);
        is_busy |= num != 0;
    }
    if (host->spread) {
        spread_flush(host->spread);
        is_busy |= spread_receive(host->spread, host->net, UINT32_MAX, &has_more, now) != 0;
    }
    net_timers(host->net, now);
    while (drain(host, now))
        is_busy = true;
    turned(host, now);
    if (!is_busy)
        usleep(100);
}

static int work(void *user)
{
    struct host *host = user;
    bool is_ready = false;
    while (!port.must_stop) {
        poll_once(host);
        if (!is_ready && !net_is_detecting(host->net)) {
            is_ready = true;
            port.num_ready++;
        }
    }
    net_get_counters(host->net, &host->below);
    flow_get_counters(host->net, &host->tcp);
    return 0;
}

/* ---- a run ---- */

static void host_start(struct host *host, uint8_t last, uint16_t queue, uint16_t num_queues)
{
    const struct net_address addresses[] = {{address(false, last), 96 + 24},
                                            {address(true, last), 64}};
    struct net_config config = {
        .port = {.mac = {2, 0, 0, 0, 0, last},
                 .mtu = 1500,
                 .offloads = NET_TX_MULTI_SEGS,
                 .max_tx_segs = 8,
                 .buffers = host->buffers,
                 .clones = host->clones,
                 .rss = {.num_queues = num_queues,
                         .queue = queue,
                         .table_len = TABLE_LEN,
                         .key_len = sizeof(rss_key),
                         .is_software = port.is_software},
                 .socket = -1},
        .addresses = addresses,
        .num_addresses = RTE_DIM(addresses),
        .max_flows = 1024,
        .max_half_open = 512,
        .max_detached = 1024,
        .max_time_wait = 1024,
        .max_neighbours = 16,
        .max_reassembled = 16,
        .max_buffers = BUFFERS / 2,
        .now_us = port.now_us,
    };
    char error[160] = "";
    memcpy(config.port.rss.key, rss_key, sizeof(rss_key));
    memcpy(config.port.rss.table, port.table, sizeof(port.table));
    memcpy(config.secret, "sixteen secrets!", NET_SECRET_LEN);
    host->net = net_new(&config, error, sizeof(error));
    LKS_CHECK(host->net != NULL, "%s", error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host->net);
    host->num_tcp_handed = host->num_failed = 0;
    net_set_hand_on(host->net, on_handed, host);
}

static void listen_on(struct host *host, uint16_t service, const struct flow_events *events)
{
    char error[160];
    for (unsigned int is_v6 = 0; is_v6 < 2; is_v6++) {
        const struct net_addr any = {is_v6 ? (struct net_ip){{{0}}} : net_ip4(0), service};
        CU_ASSERT_EQUAL(flow_listen(host->net, &any, events, host, error, sizeof(error)), 0);
    }
}

static void connect_all(void)
{
    memset(clients, 0, sizeof(clients));
    memset(backends, 0, sizeof(backends));
    num_backends = 0;
    for (uint32_t i = 0; i < RTE_DIM(clients); i++) {
        const struct net_addr service = {address(i & 1, PORT), SERVICE_PORT};
        clients[i].id = i;
        clients[i].flow = flow_connect(port.world.net, &service, NULL, &client_events, &clients[i]);
        CU_ASSERT_PTR_NOT_NULL(clients[i].flow);
    }
}

static bool all_over(void)
{
    for (uint32_t i = 0; i < RTE_DIM(clients); i++)
        if (!clients[i].is_over)
            return false;
    return true;
}

static void check_clients(void)
{
    for (uint32_t i = 0; i < RTE_DIM(clients); i++) {
        uint32_t good = 0;
        while (good < clients[i].num_got && clients[i].got[good] == byte_at(i, good))
            good++;
        LKS_CHECK(clients[i].is_over && good == MESSAGE_LEN, "client %u: %u bytes of %u, over %d",
                  i, good, clients[i].num_got, clients[i].is_over);
    }
}

/* Runs until all clients are served; then the counters are there. */
static void run(void)
{
    const uint64_t end = machine_s() + PATIENCE_S;
    unsigned int lcore, next = 0;
    host_start(&port.world, WORLD, 0, 1);
    listen_on(&port.world, BACKEND_PORT, &backend_events);
    port.spread = spread_new(WORKERS, (struct rte_mempool *[]){port.frames, port.frames}, -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(port.spread);
    for (uint16_t i = 0; i < WORKERS; i++) {
        port.workers[i].spread = spread_end(port.spread, i);
        host_start(&port.workers[i], PORT, i, WORKERS);
        listen_on(&port.workers[i], SERVICE_PORT, &front_events);
    }
    port.num_ready = 0;
    port.must_stop = false;
    RTE_LCORE_FOREACH_WORKER(lcore)
    rte_eal_remote_launch(work, &port.workers[next++], lcore);
    CU_ASSERT_EQUAL_FATAL(next, WORKERS);
    while ((port.num_ready < WORKERS || net_is_detecting(port.world.net)) && machine_s() < end)
        poll_once(&port.world);
    connect_all();
    while (!all_over() && machine_s() < end)
        poll_once(&port.world);
    port.must_stop = true;
    rte_eal_mp_wait_lcore();
    flow_get_counters(port.world.net, &port.world.tcp);
    check_clients();
}

static void empty(struct rte_ring *ring)
{
    struct rte_mbuf *frame;
    while (ring && !rte_ring_dequeue(ring, (void **)&frame))
        rte_pktmbuf_free(frame);
}

static void finish(void)
{
    struct host *const all[] = {&port.world, &port.workers[0], &port.workers[1]};
    for (size_t i = 0; i < RTE_DIM(all); i++) {
        net_free(all[i]->net);
        empty(all[i]->in);
    }
    spread_free(port.spread);
    for (size_t i = 0; i < RTE_DIM(all); i++) {
        CU_ASSERT_EQUAL(rte_mempool_in_use_count(all[i]->buffers), 0);
        CU_ASSERT_EQUAL(rte_mempool_in_use_count(all[i]->clones), 0);
    }
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(port.frames), 0);
}

/* Nothing is lost, and nobody is too late: whatever is sent again, or ends badly, is a fault. */
static void check_calm(const char *who, const struct host *host)
{
    const struct flow_counters *tcp = &host->tcp;
    const unsigned long long resets = tcp->resets_out + tcp->resets_in,
                             again = tcp->retransmits + tcp->timeouts;
    LKS_CHECK(!resets && !again && !host->num_failed, "%s: %llu resets, %llu sent again, %u failed",
              who, resets, again, host->num_failed);
}

/* Each session's two connections live on one lcore, and no segment ever comes to another. */
static void check_workers(bool is_software)
{
    uint64_t accepted = 0;
    for (uint32_t i = 0; i < WORKERS; i++) {
        const struct host *w = &port.workers[i];
        LKS_CHECK(w->tcp.opened_passive > 0, "worker %u", i);
        CU_ASSERT_EQUAL(w->tcp.opened_active, w->tcp.opened_passive);
        check_calm(i ? "worker 1" : "worker 0", w);
        CU_ASSERT_EQUAL(w->below.duplicate_addresses + w->below.neighbours_failed, 0);
        accepted += w->tcp.opened_passive;
    }
    CU_ASSERT_EQUAL(accepted, RTE_DIM(clients));
    CU_ASSERT_EQUAL(num_backends, RTE_DIM(clients));
    check_calm("the world", &port.world);
    /* neighbours' answers come to the first queue, for all */
    CU_ASSERT(port.workers[0].below.handed_on > port.workers[0].num_tcp_handed);
    CU_ASSERT_EQUAL(port.workers[0].num_tcp_handed != 0, is_software);
    CU_ASSERT_EQUAL(port.workers[1].below.handed_on, 0);
}

static void the_port_spreads(void)
{
    port.is_software = false;
    run();
    check_workers(false);
    finish();
}

/* A port that does not: one lcore reads all, and hands on by the same hash. */
static void software_spreads(void)
{
    port.is_software = true;
    run();
    check_workers(true);
    finish();
}

static bool make_pools(void)
{
    struct host *const all[] = {&port.world, &port.workers[0], &port.workers[1]};
    char name[32];
    bool is_good = true;
    for (size_t i = 0; i < RTE_DIM(all); i++) {
        snprintf(name, sizeof(name), "buffers%zu", i);
        all[i]->buffers =
            rte_pktmbuf_pool_create(name, BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
        snprintf(name, sizeof(name), "clones%zu", i);
        all[i]->clones = rte_pktmbuf_pool_create(name, BUFFERS, 0, 0, 0, -1);
        is_good = is_good && all[i]->buffers && all[i]->clones;
    }
    /* what several lcores put into, such that none spins until one that the machine has stopped
     * goes on */
    port.frames = rte_pktmbuf_pool_create_by_ops("frames", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                                 -1, "ring_mt_rts");
    port.out = rte_ring_create("out", BUFFERS, -1, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
    port.world.in = port.out;
    for (uint32_t i = 0; i < WORKERS; i++) {
        snprintf(name, sizeof(name), "in%u", i);
        port.workers[i].in = rte_ring_create(name, BUFFERS, -1, RING_F_SP_ENQ | RING_F_SC_DEQ);
        is_good = is_good && port.workers[i].in;
    }
    for (uint16_t i = 0; i < TABLE_LEN; i++) /* in no pattern that a wrong bit order would keep */
        port.table[i] = (i * 37 >> 4 ^ i) & 1;
    return is_good && port.frames && port.out;
}

int main(void)
{
    static const struct lks_test tests[] = {
        {"the port spreads", the_port_spreads}, {"software spreads", software_spreads}, {0}};
    static const struct lks_test_suite suites[] = {{"two lcores", tests}, {0}};
    if (!TEST_EAL("--no-huge", "-m", "256", "--lcores", "(0-2)@(0-1)"))
        return lks_test_skip_all("net_lcores", "EAL does not start here");
    if (!make_pools()) {
        printf("net_lcores: no memory for its pools\n");
        return 1;
    }
    return lks_test_run("net_lcores", suites);
}
