/* SPDX-License-Identifier: BSD-3-Clause */
#include "bed.h"

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "common/test.h"
#include "conn/client.h"
#include "dpdk/eal.h"

#define FLOWS_MAX 640u

struct bed bed;
uint32_t bed_max_sessions = 8;
static struct snapshot_site site;
static struct snapshot_frontend frontend = {.sites = &site, .num_sites = 1};
static struct snapshot_listen listen_at = {.addr = {.port = 443}};
static struct snapshot_pool pool_of_one = {.num = 1};
static struct snapshot_server server = {.weight = 1};
static struct snapshot snapshot = {.listens = &listen_at,
                                   .frontends = &frontend,
                                   .pools = &pool_of_one,
                                   .servers = &server,
                                   .num_listens = 1,
                                   .num_frontends = 1,
                                   .num_pools = 1,
                                   .num_servers = 1,
                                   .handshake_timeout_s = 20,
                                   .idle_timeout_s = 100,
                                   .drain_delay_s = 5,
                                   .drain_timeout_s = 30};
static struct view_slot slot;
static struct flow flows[FLOWS_MAX];
static uint32_t num_flows;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "dpdk_app's bed: %s\n", what);
    abort();
}

/* --- the double --- */

uint64_t clock_us(void)
{
    return bed.now_us;
}

void port_second(const struct port *port)
{
    (void)port;
}

const char *port_news(const struct port *port)
{
    (void)port;
    const char *line = bed.port_news;
    bed.port_news = NULL;
    return line;
}

bool port_is_low(const struct port *port)
{
    return rte_mempool_avail_count(port->tx_pool) < port->num_mbufs / 4;
}

const char *port_watch(const struct port *ports)
{
    (void)ports;
    return NULL;
}

static void ask_to_stop(void)
{
    bed.stop.asked = bed.stop.now = true;
    bed.seconds_to_run = 3; /* and some more for what comes then */
}

uint32_t stack_receive(struct net *net, const struct port *port, struct stack_turn *turn,
                       uint64_t now_us)
{
    (void)net, (void)port, (void)turn, (void)now_us;
    return 0; /* the tests call the flows' events themselves */
}

bool stack_send(struct net *net, const struct port *port, uint64_t now_us)
{
    (void)net, (void)port, (void)now_us;
    bed.most_ended = RTE_MAX(bed.most_ended, bed.num_ended);
    bed.num_ended = 0;
    return false;
}

void stack_timers(struct net *net, struct stack_turn *turn)
{
    (void)net, (void)turn;
    if (bed.seconds_to_run) {
        bed.now_us += 1000000;
        if (--bed.seconds_to_run == 0)
            ask_to_stop();
    }
}

void net_get_counters(const struct net *net, struct net_counters *counters)
{
    (void)net;
    *counters = bed.net;
}

void flow_get_counters(const struct net *net, struct flow_counters *counters)
{
    (void)net;
    *counters = bed.tcp;
    if (bed.asks_again && bed.post->asked != bed.post->answered) {
        chores_print(bed.asks_again);
        bed.asks_again = NULL;
    }
}

void flow_unlisten_all(struct net *net)
{
    (void)net;
    bed.has_unlistened = true;
}

void port_get_counters(const struct port *port, struct port_counters *counters)
{
    (void)port;
    *counters = bed.counted;
}

static struct flow *flow_new(const struct flow_events *events, void *user)
{
    must(num_flows < FLOWS_MAX, "a test wants more flows than there are");
    struct flow *f = &flows[num_flows++];
    *f = (struct flow){.events = events, .user = user, .mss = 1460, .room = 65536};
    return f;
}

static bool is_over(const struct flow *f)
{
    return f->is_closed || f->is_aborted;
}

struct flow *flow_connect(struct net *net, const struct net_addr *to, const struct net_ip *from,
                          const struct flow_events *events, void *user)
{
    (void)net, (void)to, (void)from;
    if (bed.no_connect)
        return NULL;
    bed.connected = flow_new(events, user);
    bed.connected->is_connecting = true;
    return bed.connected;
}

static uint32_t room(const struct flow *f)
{
    if (f->is_connecting || f->is_shut || f->room < f->unacked)
        return 0;
    return f->room - f->unacked;
}

uint32_t flow_send_room(const struct flow *asked)
{
    struct flow *f = &flows[asked - flows];
    must(!is_over(f), "a flow that is over was asked for room");
    if (f->refusals && f->refused_in_poll != bed.num_polls) {
        f->refusals--;
        f->refused_in_poll = bed.num_polls;
    }
    return f->refused_in_poll == bed.num_polls ? 0 : room(f);
}

void flow_send(struct flow *f, struct rte_mbuf *chain)
{
    must(chain->pkt_len <= room(f), "more was sent than there is room for");
    for (const struct rte_mbuf *m = chain; m; m = m->next) {
        buffer_add(&f->sent, rte_pktmbuf_mtod(m, const void *), m->data_len);
        f->num_segments++;
        const struct rte_mbuf *buffer =
            RTE_MBUF_CLONED(m) ? rte_mbuf_from_indirect((struct rte_mbuf *)(uintptr_t)m) : m;
        f->num_received += buffer->pool == bed.port.rx_pool ? m->data_len : 0;
        if (m->data_len > f->longest_segment)
            f->longest_segment = m->data_len;
    }
    f->unacked += chain->pkt_len;
    f->num_sent += chain->pkt_len;
    f->num_sends++;
    f->sent_in_poll = bed.num_polls;
    if (!f->holds) {
        rte_pktmbuf_free(chain);
    } else {
        rte_pktmbuf_lastseg(chain)->next = f->held;
        f->held = chain;
    }
}

void flow_consumed(struct flow *f, uint32_t bytes)
{
    must(bytes <= f->unconsumed, "more was consumed than came");
    f->unconsumed -= bytes;
}

void flow_shutdown(struct flow *f)
{
    must(!is_over(f), "FIN on a flow that is over");
    if (f->is_shut)
        return;
    f->is_shut = true;
    f->shut_in_poll = bed.num_polls;
}

static void let_go(struct flow *f)
{
    bed.num_ended++;
    while (f->held) {
        struct rte_mbuf *next = f->held->next;
        rte_pktmbuf_free_seg(f->held);
        f->held = next;
    }
}

void flow_close(struct flow *f)
{
    must(!is_over(f), "a flow was closed that is over");
    f->is_closed = true;
    let_go(f);
}

void flow_abort(struct flow *f)
{
    must(!is_over(f), "a flow was aborted that is over");
    f->is_aborted = true;
    let_go(f);
}

uint16_t flow_mss(const struct flow *f)
{
    return f->mss;
}

/* --- the other ends --- */

void flow_says(struct flow *f, const void *data, size_t len, uint16_t seg_len)
{
    const uint8_t *p = data;
    while (len && !is_over(f)) {
        uint16_t n = len < seg_len ? (uint16_t)len : seg_len;
        struct rte_mbuf *m = rte_pktmbuf_alloc(bed.port.rx_pool);
        must(m, "no buffers to receive with");
        memcpy(rte_pktmbuf_append(m, n), p, n);
        f->unconsumed += n;
        f->events->received(f->user, m);
        p += n;
        len -= n;
    }
}

void flow_says_fin(struct flow *f)
{
    if (!is_over(f))
        f->events->received_fin(f->user);
}

void flow_ends(struct flow *f, enum flow_end why)
{
    if (is_over(f))
        return;
    f->is_closed = true;
    let_go(f);
    f->events->ended(f->user, why);
}

void flow_acks(struct flow *f, uint32_t bytes)
{
    bytes = bytes < f->unacked ? bytes : f->unacked;
    if (!bytes || is_over(f))
        return;
    f->unacked -= bytes;
    if (!f->unacked)
        let_go(f);
    f->events->sent(f->user, bytes);
}

void flow_connects(struct flow *f)
{
    f->is_connecting = false;
    f->events->connected(f->user);
}

/* --- the bed --- */

bool bed_eal(void)
{
    return TEST_EAL("--no-huge", "-m", "96", "--lcores", "0@(0-1)");
}

static struct rte_mempool *pool(const char *name, uint16_t room)
{
    struct rte_mempool *made = rte_pktmbuf_pool_create(name, BED_MBUFS, 0, 0, room, 0);
    must(made, "no memory for a pool");
    return made;
}

struct view *bed_publish(void)
{
    struct view *view = view_new(&snapshot);
    must(view, "no memory for a view");
    atomic_store(&slot.newer, view);
    return view;
}

struct view *bed_views_back(void)
{
    return atomic_exchange(&slot.done, NULL);
}

void bed_start(const char *suites)
{
    char error[512];
    struct lks_error err;
    memset(&bed, 0, sizeof(bed));
    num_flows = 0;
    bed.now_us = 5000000;
    bed.port.num_mbufs = BED_MBUFS;
    bed.port.rx_pool = pool("rx", RTE_MBUF_DEFAULT_BUF_SIZE);
    bed.port.tx_pool = pool("tx", RTE_MBUF_DEFAULT_BUF_SIZE);
    bed.port.clones = pool("clones", 0);
    bed.server = config_with("ecdsa");
    bed.client = config_new();
    must(!lks_policy_set_trust(bed.client->policy, lks_from_file(test_certificates()->both_certs),
                               &err) &&
             (!suites || (!lks_policy_set_suites(bed.client->policy, suites, &err))),
         "configuration");
    loop_init(&bed.loop, 64, 8192);
    bed_serve(bed.server);
    listen_at.addr.ip = net_ip4(3);
    server.addr = (struct net_addr){net_ip4(1), 80};
    bed_publish();
    must((bed.post = posts_new(1)), "no memory for a post");
    struct worker_config config = {
        .sessions = {.slot = &slot, .port = &bed.port, .max_sessions = bed_max_sessions},
        .post = bed.post};
    bed.worker = worker_new(&config, error, sizeof(error));
    must(bed.worker, error);
}

void bed_serve(struct lks_config *config)
{
    site.tls = config;
}

void bed_introduce(void)
{
    pool_of_one.proxy_protocol = PROXY_V2;
}

void bed_stop(void)
{
    pool_of_one.proxy_protocol = PROXY_OFF;
    bed_end_sessions();
    worker_free(bed.worker);
    view_free(bed_views_back());
    for (uint32_t i = 0; i < num_flows; i++) {
        CU_ASSERT_TRUE(is_over(&flows[i]));
        let_go(&flows[i]);
        buffer_free(&flows[i].sent);
    }
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(bed.port.rx_pool), 0);
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(bed.port.tx_pool), 0);
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(bed.port.clones), 0);
    rte_mempool_free(bed.port.rx_pool);
    rte_mempool_free(bed.port.tx_pool);
    rte_mempool_free(bed.port.clones);
    loop_free(&bed.loop);
    free(bed.post);
    lks_config_free(bed.client);
    lks_config_free(bed.server);
}

void bed_poll(void)
{
    bed.num_polls++;
    worker_poll(bed.worker);
    drain_step(&bed.drain, worker_sessions(bed.worker), &bed.stop, bed.now_us);
}

void bed_wait(uint32_t seconds)
{
    while (seconds--) {
        bed.now_us += 1000000;
        bed_poll(); /* notes the time, and frees in the next one */
        bed_poll();
    }
}

void bed_run(uint32_t seconds)
{
    bed.stop = (struct stop){.num_left = 1};
    bed.seconds_to_run = seconds;
    worker_run(bed.worker, &bed.stop);
    bed.seconds_to_run = 0;
}

struct report bed_report(void)
{
    struct report report;
    worker_get_report(bed.worker, &report);
    return report;
}

void bed_end_sessions(void)
{
    bed.stop = (struct stop){.num_left = 1};
    ask_to_stop();
    worker_run(bed.worker, &bed.stop);
    bed.seconds_to_run = 0;
}

uint32_t bed_busy_polls(void)
{
    const uint64_t before = bed_report().app.busy_polls;
    for (int i = 0; i < 100; i++)
        bed_poll();
    return (uint32_t)(bed_report().app.busy_polls - before);
}

struct rte_mbuf **bed_hoard(struct rte_mempool *from, unsigned int leave, unsigned int *num)
{
    struct rte_mbuf **all = calloc(BED_MBUFS, sizeof(struct rte_mbuf *));
    must(all, "no memory");
    *num = 0;
    while (rte_mempool_avail_count(from) > leave)
        must((all[(*num)++] = rte_pktmbuf_alloc(from)), "an empty pool that was not");
    return all;
}

void bed_unhoard(struct rte_mbuf **all, unsigned int num)
{
    while (num--)
        rte_pktmbuf_free(all[num]);
    free(all);
}

/* --- clients --- */

void peer_start(struct peer *p, const struct lks_conn_options *options)
{
    memset(p, 0, sizeof(*p));
    side_init_as(&p->tls, bed.client, LKS_CLIENT, options ? options : &localhost);
    p->client = flow_new(&session_client_events, NULL);
    const struct net_addr from = {net_ip4(2), 1234}, to = {net_ip4(3), 443};
    p->client->user =
        session_client_events.accepted(worker_sessions(bed.worker), p->client, &from, &to);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p->client->user);
}

void peer_free(struct peer *p)
{
    CU_ASSERT_EQUAL(p->tls.num_empty, 0); /* Java ends its connection at the first one */
    side_free(&p->tls);
}

void peer_speaks(struct peer *p)
{
    flow_says(p->client, p->tls.wire_out.data, p->tls.wire_out.len, 1460);
    buffer_drop(&p->tls.wire_out, p->tls.wire_out.len);
}

bool peer_turn(struct peer *p)
{
    struct side *sides[] = {&p->tls};
    bool moved = p->tls.wire_out.len != 0;
    peer_speaks(p);
    bed_poll();
    bed.now_us += 10;
    if (!p->backend && bed.connected && bed.connected->user == p->client->user)
        p->backend = bed.connected;
    moved |= p->client->sent.len != 0;
    buffer_add(&p->tls.wire_in, p->client->sent.data, p->client->sent.len);
    buffer_drop(&p->client->sent, p->client->sent.len);
    moved |= loop_poll(&bed.loop, sides, 1);
    if (!p->is_mute) {
        moved |= p->client->unacked != 0;
        flow_acks(p->client, UINT32_MAX);
    }
    if (p->backend && !p->is_deaf) {
        moved |= p->backend->unacked != 0;
        flow_acks(p->backend, UINT32_MAX);
    }
    return moved;
}

void peer_run(struct peer *p)
{
    for (unsigned int idle = 0, i = 0; idle < 3 && i < 100000; i++)
        idle = peer_turn(p) ? 0 : idle + 1;
}

void peer_establish(struct peer *p, const struct lks_conn_options *options)
{
    peer_start(p, options);
    peer_run(p);
    CU_ASSERT_TRUE_FATAL(p->tls.established && p->backend);
    flow_connects(p->backend);
    peer_run(p);
}

const uint8_t *pattern(size_t len)
{
    static uint8_t bytes[1u << 20];
    uint64_t seed = 1;
    must(len <= sizeof(bytes), "so long is no pattern");
    if (!bytes[0] && !bytes[1] && !bytes[2])
        lks_test_fill(&seed, bytes, sizeof(bytes));
    return bytes;
}

bool is_pattern(const struct buffer *b, size_t len)
{
    return LKS_CHECK(b->len == len, "%zu bytes of %zu", b->len, len) &&
           LKS_CHECK(!memcmp(b->data, pattern(len), len), "other bytes");
}
