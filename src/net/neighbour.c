/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Neighbours of both families by RFC 4861's states: ARP's answers are treated as neighbour
 * advertisements are, so a gateway that changes its MAC is noticed within seconds. The table is
 * bounded; those that nobody answers for are the first to go (RFC 6583).
 */

#include <string.h>

#include <rte_jhash.h>
#include <rte_malloc.h>

#include "net/instance.h"

#define WAYS         8u
#define QUEUE_MAX    4u       /* packets that wait for one neighbour (RFC 4861 7.2.2) */
#define RETRANS_US   1000000u /* RFC 4861 10 */
#define REACHABLE_US 30000000u
#define DELAY_US     5000000u
#define ASK_MAX      3u
#define ASKS_A_SECOND                                                           \
    100u /* broadcasts: addresses that somebody invents must not flood the link \
          */

enum neighbour_state {
    NONE,
    INCOMPLETE,
    REACHABLE,
    STALE,
    DELAY,
    PROBE,
};

struct neighbour {
    struct net_ip ip;
    uint64_t due_us; /* INCOMPLETE, DELAY, PROBE: when to act; REACHABLE: until when */
    uint64_t used_us;
    struct rte_ether_addr mac;
    uint8_t state, asked, num_queued;
    struct rte_mbuf *queue[QUEUE_MAX];
};

struct neighbours {
    uint32_t num_sets, seed;
    uint32_t num_active; /* in INCOMPLETE, DELAY or PROBE */
    uint32_t num_queued,
        max_queued;   /* of all: whom we are made to answer does not hold our buffers */
    uint64_t next_us; /* when one of them is due at the earliest */
    struct rate_limit asks;
    struct neighbour table[];
};

struct neighbours *neighbours_new(uint32_t max, uint32_t max_queued, uint32_t seed, int socket)
{
    const uint32_t num_sets = max / WAYS ? max / WAYS : 1;
    struct neighbours *n =
        rte_zmalloc_socket("neighbours", sizeof(*n) + (size_t)num_sets * WAYS * sizeof(n->table[0]),
                           RTE_CACHE_LINE_SIZE, socket);
    if (n) {
        n->num_sets = num_sets;
        n->max_queued = max_queued;
        n->seed = seed;
        n->next_us = NET_NEVER;
        n->asks = (struct rate_limit){ASKS_A_SECOND, ASKS_A_SECOND, 0};
    }
    return n;
}

/* Its packets are the caller's, in queue. Returns how many. */
static uint8_t take_queue(struct neighbours *n, struct neighbour *e, struct rte_mbuf **queue)
{
    const uint8_t num = e->num_queued;
    memcpy(queue, e->queue, num * sizeof(queue[0]));
    n->num_queued -= num;
    e->num_queued = 0;
    return num;
}

static uint8_t drop_queue(struct neighbours *n, struct neighbour *e)
{
    struct rte_mbuf *queue[QUEUE_MAX];
    const uint8_t num = take_queue(n, e, queue);
    for (uint8_t i = 0; i < num; i++)
        rte_pktmbuf_free(queue[i]);
    return num;
}

void neighbours_free(struct neighbours *n)
{
    for (uint32_t i = 0; i < n->num_sets * WAYS; i++)
        drop_queue(n, &n->table[i]);
    rte_free(n);
}

static bool is_active(uint8_t state)
{
    return state == INCOMPLETE || state == DELAY || state == PROBE;
}

static void set_state(struct neighbours *n, struct neighbour *e, enum neighbour_state state,
                      uint64_t due_us)
{
    n->num_active = n->num_active - is_active(e->state) + is_active((uint8_t)state);
    e->state = (uint8_t)state;
    e->due_us = due_us;
    e->asked = 0;
    if (is_active((uint8_t)state) && due_us < n->next_us)
        n->next_us = due_us;
}

static struct neighbour *set_of(struct neighbours *n, const struct net_ip *ip)
{
    return &n->table[rte_jhash(ip->bytes, sizeof(ip->bytes), n->seed) % n->num_sets * WAYS];
}

static struct neighbour *find(struct net *net, const struct net_ip *ip)
{
    struct neighbour *set = set_of(net->neighbours, ip);
    for (uint32_t i = 0; i < WAYS; i++)
        if (set[i].state != NONE && net_ip_equal(&set[i].ip, ip))
            return &set[i];
    return NULL;
}

/* Who goes first when a set is full: nobody who answers, for somebody who may not. */
static uint32_t worth(const struct net *net, const struct neighbour *e)
{
    switch (e->state) {
    case NONE:
        return 0;
    case INCOMPLETE:
        return 1;
    case REACHABLE:
        return e->due_us > net->now_us ? 3 : 2;
    default:
        return 2;
    }
}

/* A place in the table; NULL: all of its set are worth more. */
static struct neighbour *make(struct net *net, const struct net_ip *ip)
{
    struct neighbours *n = net->neighbours;
    struct neighbour *set = set_of(n, ip), *place = &set[0];
    for (uint32_t i = 1; i < WAYS; i++) {
        const uint32_t a = worth(net, &set[i]), b = worth(net, place);
        if (a < b || (a == b && set[i].used_us < place->used_us))
            place = &set[i];
    }
    if (worth(net, place) == 3) {
        net->counters.neighbours_full++;
        return NULL;
    }
    net->counters.neighbour_queue_dropped += drop_queue(n, place);
    set_state(n, place, NONE, 0);
    place->ip = *ip;
    place->used_us = net->now_us;
    return place;
}

/* Asks for e; without its MAC everybody. */
/* [1122 2.3.2.1-1] */
static void ask(struct net *net, struct neighbour *e)
{
    const struct rte_ether_addr *mac = e->state == PROBE ? &e->mac : NULL;
    if (!mac && !rate_limit_take(&net->neighbours->asks, net->now_us))
        return; /* its turn comes again when it is due */
    net->counters.neighbours_asked++;
    if (net_ip_is_v4(&e->ip))
        arp_ask(net, &e->ip, mac);
    else
        nd_ask(net, &e->ip, mac);
}

/* Where one neighbour's place or that of all is full, the oldest goes: TCP sends it again, or has
 * given up. [1122 2.3.2.2-1] [4861 7.2.2-2] */
static void enqueue(struct net *net, struct neighbour *e, struct rte_mbuf *packet)
{
    struct neighbours *n = net->neighbours;
    if (e->num_queued == QUEUE_MAX || n->num_queued >= n->max_queued) {
        net->counters.neighbour_queue_dropped++;
        if (!e->num_queued) {
            rte_pktmbuf_free(packet);
            return;
        }
        rte_pktmbuf_free(e->queue[0]);
        e->num_queued--;
        n->num_queued--;
        memmove(&e->queue[0], &e->queue[1], e->num_queued * sizeof(e->queue[0]));
    }
    e->queue[e->num_queued++] = packet;
    n->num_queued++;
}

static uint16_t ether_type_of(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
}

/* [4861 7.3.3-1] */
void neighbour_send(struct net *net, const struct net_ip *next_hop, struct rte_mbuf *packet)
{
    struct neighbours *n = net->neighbours;
    if (net_ip_is_multicast(next_hop)) {
        const struct rte_ether_addr mac = nd_group_mac(next_hop);
        ether_send(net, packet, &mac, ether_type_of(next_hop));
        return;
    }
    struct neighbour *e = find(net, next_hop);
    if (!e) {
        e = make(net, next_hop);
        if (!e) {
            rte_pktmbuf_free(packet);
            return;
        }
        set_state(n, e, INCOMPLETE, net->now_us + RETRANS_US);
        e->asked = 1;
        ask(net, e);
    }
    e->used_us = net->now_us;
    if (e->state == INCOMPLETE) {
        enqueue(net, e, packet);
        return;
    }
    if (e->state == REACHABLE && e->due_us <= net->now_us)
        set_state(n, e, STALE, 0);
    if (e->state == STALE)
        set_state(n, e, DELAY, net->now_us + DELAY_US);
    ether_send(net, packet, &e->mac, ether_type_of(next_hop));
}

/* RFC 4861 6.3.2: between a half and one and a half, so that hosts do not ask in step. */
static uint64_t reachable_until(const struct net *net, const struct neighbour *e)
{
    const uint32_t spread = rte_jhash_3words((uint32_t)net->now_us, (uint32_t)(net->now_us >> 32),
                                             e->mac.addr_bytes[5], net->neighbours->seed);
    return net->now_us + REACHABLE_US / 2 + spread % REACHABLE_US;
}

static void send_queue(struct net *net, struct neighbour *e)
{
    struct rte_mbuf *queue[QUEUE_MAX];
    const uint8_t num = take_queue(net->neighbours, e, queue);
    for (uint8_t i = 0; i < num; i++)
        ether_send(net, queue[i], &e->mac, ether_type_of(&e->ip));
}

/* RFC 4861 appendix C, with ARP's answers counted as overriding. mac NULL: it is not said, so the
 * one we know is still right (7.2.5). [4861 7.2.5-1 7.2.5-2 7.2.5-3 7.2.5-4 7.3.1-2] */
void neighbour_heard(struct net *net, const struct net_ip *ip, const struct rte_ether_addr *mac,
                     struct neighbour_news news)
{
    struct neighbours *n = net->neighbours;
    struct neighbour *e = find(net, ip);
    if (!mac && (!e || e->state == INCOMPLETE))
        return;
    if (!e) {
        if (!news.create || !(e = make(net, ip)))
            return;
        e->mac = *mac;
        set_state(n, e, STALE, 0);
        return;
    }
    const bool differs = mac && e->state != INCOMPLETE && !rte_is_same_ether_addr(&e->mac, mac);
    if (e->state == INCOMPLETE) {
        e->mac = *mac;
        set_state(n, e, news.solicited ? REACHABLE : STALE, reachable_until(net, e));
        send_queue(net, e);
        return;
    }
    if (differs && !news.override) {
        if (e->state == REACHABLE)
            set_state(n, e, STALE, 0);
        return;
    }
    if (mac)
        e->mac = *mac;
    if (news.solicited)
        set_state(n, e, REACHABLE, reachable_until(net, e));
    else if (differs)
        set_state(n, e, STALE, 0);
}

/* [4861 7.3.1-1] */
void neighbour_confirm(struct net *net, const struct net_ip *ip)
{
    struct neighbour *e = find(net, ip);
    if (e && e->state != INCOMPLETE)
        set_state(net->neighbours, e, REACHABLE, reachable_until(net, e));
}

/* Nobody is there: who waits for an answer hears of it (RFC 4861 7.2.2). What it does then may
 * change the table. [4861 7.2.2-4] */
static void give_up(struct net *net, struct neighbour *e)
{
    struct rte_mbuf *queue[QUEUE_MAX];
    const uint8_t num = take_queue(net->neighbours, e, queue);
    const bool is_v4 = net_ip_is_v4(&e->ip);
    net->counters.neighbours_failed++;
    net->counters.neighbour_queue_dropped += num;
    set_state(net->neighbours, e, NONE, 0);
    for (uint8_t i = 0; i < num; i++) {
        icmp_undeliverable(net, queue[i], is_v4);
        rte_pktmbuf_free(queue[i]);
    }
}

/* What is due of one neighbour. [1122 2.3.2.1-1 3.3.1.4-1] [4861 7.2.2-3 7.3.3-1] */
static void act(struct net *net, struct neighbour *e)
{
    struct neighbours *n = net->neighbours;
    if (e->state == DELAY) {
        set_state(n, e, PROBE, net->now_us);
    } else if (e->asked == ASK_MAX) {
        give_up(net, e);
        return;
    }
    e->asked++;
    e->due_us = net->now_us + RETRANS_US;
    ask(net, e);
}

uint64_t neighbour_timers(struct net *net)
{
    struct neighbours *n = net->neighbours;
    if (!n->num_active || n->next_us > net->now_us)
        return n->num_active ? n->next_us : NET_NEVER;
    n->next_us = NET_NEVER;
    for (uint32_t i = 0; i < n->num_sets * WAYS; i++) {
        struct neighbour *e = &n->table[i];
        if (is_active(e->state) && e->due_us <= net->now_us)
            act(net, e);
        if (is_active(e->state) && e->due_us < n->next_us)
            n->next_us = e->due_us;
    }
    return n->next_us;
}
