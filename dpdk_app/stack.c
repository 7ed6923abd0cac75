/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack.h"

#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "port.h"
#include "spread.h"

#define RX_BURST     128u   /* a poll: more would not stay in the cache until it is sent on */
#define RX_ALL       512u   /* bursts: more than any ring holds */
#define STALL_US     20000u /* without timers */
#define SETTLE_US    1000u
#define TX_BURST     64u
#define TX_FRAMES    1024u /* a poll: what is received meanwhile is looked at in between */
#define HALF_OPEN    4096u
#define TIME_WAITING 65536u
#define NEIGHBOURS   1024u
#define REASSEMBLED  256u
#define FAMILIES     2u

static void describe_port(struct net_port *to, const struct port *port)
{
    *to = (struct net_port){.mtu = port->mtu,
                            .offloads = port->offloads,
                            .max_tx_segs = port->max_tx_segs,
                            .rss = port->rss,
                            .buffers = port->tx_pool,
                            .clones = port->clones,
                            .socket = port->socket};
    memcpy(to->mac, port->mac, sizeof(to->mac));
}

static struct net_route default_route(const struct net_ip *gateway)
{
    if (net_ip_is_v4(gateway))
        return (struct net_route){net_ip4(0), 96, *gateway};
    return (struct net_route){.gateway = *gateway};
}

bool stack_make_secret(uint8_t secret[NET_SECRET_LEN])
{
    return getrandom(secret, NET_SECRET_LEN, 0) == NET_SECRET_LEN;
}

/* Of the pool for receiving flows hold three fourths at most, and fragments half of the rest; of
 * that for sending three fourths as well: there are always buffers for what comes next, and for
 * headers. */
struct net *stack_new(const struct stack_config *config, char *error, unsigned int error_len)
{
    struct net_route routes[FAMILIES] = {0};
    const uint32_t num_routes = RTE_MIN(config->num_gateways, FAMILIES);
    struct net_config net = {
        .addresses = config->addresses,
        .num_addresses = config->num_addresses,
        .routes = routes,
        .num_routes = num_routes,
        .max_flows = config->max_flows + config->max_flows / 4,
        .max_half_open = HALF_OPEN,
        .max_detached = config->max_flows / 4,
        .max_time_wait = TIME_WAITING,
        .max_neighbours = NEIGHBOURS,
        .max_reassembled = REASSEMBLED,
        .max_fragments = config->port->num_mbufs / 8,
        .max_buffers = config->port->num_mbufs / 4 * 3,
        .now_us = config->now_us,
    };
    describe_port(&net.port, config->port);
    net.port.vlan = config->vlan;
    for (uint32_t i = 0; i < num_routes; i++)
        routes[i] = default_route(&config->gateways[i]);
    if (config->secret) {
        memcpy(net.secret, config->secret, sizeof(net.secret));
    } else if (!stack_make_secret(net.secret)) {
        snprintf(error, error_len, "the kernel gives no random numbers");
        return NULL;
    }
    struct net *made = net_new(&net, error, error_len);
    if (made && config->port->spread)
        net_set_hand_on(made, spread_hand_on, config->port->spread);
    return made;
}

/* What came to our queue, to others' and to ours. */
static uint32_t receive(struct net *net, const struct port *port, uint32_t max_bursts,
                        bool *has_more, uint64_t now_us)
{
    struct rte_mbuf *frames[RX_BURST];
    uint32_t num_all = 0;
    uint16_t num = RX_BURST;
    for (uint32_t i = 0; num == RX_BURST && i < max_bursts; i++) {
        num = port_receive(port, frames, RX_BURST);
        net_input(net, frames, num, now_us);
        num_all += num;
    }
    *has_more = num == RX_BURST;
    if (port->spread) {
        spread_flush(port->spread);
        num_all += spread_receive(port->spread, net, max_bursts * RX_BURST, has_more, now_us);
    }
    return num_all;
}

uint32_t stack_receive(struct net *net, const struct port *port, struct stack_turn *turn,
                       uint64_t now_us)
{
    const bool is_late = now_us - turn->timed_us >= STALL_US;
    bool has_more;
    const uint32_t num = receive(net, port, is_late ? RX_ALL : 1, &has_more, now_us);
    turn->now_us = now_us;
    turn->has_all = is_late || !has_more;
    return num;
}

void stack_timers(struct net *net, struct stack_turn *turn)
{
    if (!turn->has_all)
        return;
    turn->timed_us = turn->now_us;
    net_timers(net, turn->now_us);
}

bool stack_send(struct net *net, const struct port *port, uint64_t now_us)
{
    struct rte_mbuf *frames[TX_BURST];
    uint32_t room, num = 1, num_all = 0;
    while (num && num_all < TX_FRAMES && (room = port_room(port))) {
        num = net_output(net, frames, (uint16_t)RTE_MIN(room, TX_BURST), now_us);
        for (uint32_t i = 0; i < num; i++)
            port_send(port, frames[i]);
        num_all += num;
    }
    port_flush(port);
    return num != 0;
}

/* A turn of each; whether one of them is still not sure of its addresses. */
static bool take_turns(struct net *const *nets, const struct port *ports, uint32_t num,
                       struct stack_turn *turns)
{
    bool is_detecting = false;
    for (uint32_t i = 0; i < num; i++) {
        const uint64_t now_us = clock_us();
        stack_receive(nets[i], &ports[i], &turns[i], now_us);
        stack_timers(nets[i], &turns[i]);
        stack_send(nets[i], &ports[i], now_us);
        is_detecting |= net_is_detecting(nets[i]);
    }
    return is_detecting;
}

int stack_settle(struct net *const *nets, const struct port *ports, uint32_t num,
                 const atomic_bool *stop, char *error, unsigned int error_len)
{
    struct stack_turn turns[PORT_QUEUES_MAX];
    char text[NET_IP_TEXT_LEN];
    struct net_ip ip;
    for (uint32_t i = 0; i < num; i++)
        turns[i] = (struct stack_turn){.timed_us = clock_us()};
    while (!atomic_load_explicit(stop, memory_order_relaxed) && take_turns(nets, ports, num, turns))
        usleep(SETTLE_US);
    for (uint32_t i = 0; i < num; i++) {
        if (!net_get_duplicate(nets[i], &ip))
            continue;
        snprintf(error, error_len, "%s: another host on the link has this address",
                 net_ip_text(text, &ip));
        return -1;
    }
    return 0;
}
