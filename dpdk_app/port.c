/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <string.h>

#include "port_inside.h"
#include "spread.h"

#define TX_BURST   128u
#define TX_WAITING 512u /* frames that wait, at most: more are not asked for */

void port_drop(struct port_tx *tx, uint64_t num)
{
    tx->count.tx_dropped += num;
    while (num--)
        rte_pktmbuf_free(tx->frames[tx->head++ & tx->mask]);
}

/* Bytes of a frame in front of the IP packet, an 802.1Q tag included; *type is what they say. */
static uint32_t ether_len(const struct rte_mbuf *m, uint32_t *type)
{
    const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = RTE_ETHER_HDR_LEN;
    *type = (uint32_t)frame[12] << 8 | frame[13];
    if (*type == RTE_ETHER_TYPE_VLAN) {
        *type = (uint32_t)frame[16] << 8 | frame[17];
        len += RTE_VLAN_HLEN;
    }
    return len;
}

/* Whether an IP packet is longer than what came of it: what some ports make of frames that do not
 * fit their buffers. Nothing else is judged here. */
static bool is_cut(const struct rte_mbuf *m)
{
    uint32_t type, len = 0;
    if (m->data_len < RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + 6)
        return false;
    const uint32_t before = ether_len(m, &type);
    const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *) + before;
    if (type == RTE_ETHER_TYPE_IPV4)
        len = (uint32_t)ip[2] << 8 | ip[3];
    else if (type == RTE_ETHER_TYPE_IPV6)
        len = 40 + ((uint32_t)ip[4] << 8 | ip[5]);
    return before + len > m->pkt_len;
}

/* Whether the queues may be used now. What the worker keeps to, the watch hears. */
static bool may_use(const struct port *port)
{
    const unsigned int turn = atomic_load_explicit(&port->link->turn, memory_order_acquire);
    if (turn != atomic_load_explicit(&port->tx->turn_seen, memory_order_relaxed))
        atomic_store_explicit(&port->tx->turn_seen, turn, memory_order_release);
    return turn % 2 == 0;
}

uint16_t port_receive(const struct port *port, struct rte_mbuf **packets, uint16_t max)
{
    uint16_t kept = 0;
    if (!may_use(port))
        return 0;
    const uint16_t num = rte_eth_rx_burst(port->id, port->rss.queue, packets, max);
    for (uint16_t i = 0; i < num; i++) {
        if (i + 4 < num)
            rte_prefetch0(rte_pktmbuf_mtod(packets[i + 4], void *));
        if (is_cut(packets[i])) {
            port->tx->count.rx_cut++;
            rte_pktmbuf_free(packets[i]);
        } else {
            packets[kept++] = packets[i];
        }
    }
    return kept;
}

uint32_t port_room(const struct port *port)
{
    const uint64_t waiting = port->tx->tail - port->tx->head;
    return waiting < TX_WAITING ? (uint32_t)(TX_WAITING - waiting) : 0;
}

void port_send(const struct port *port, struct rte_mbuf *packet)
{
    struct port_tx *tx = port->tx;
    uint32_t type;
    if (tx->tail - tx->head >= TX_BURST)
        port_flush(port);
    const uint32_t mtu = atomic_load_explicit(&port->link->mtu, memory_order_relaxed);
    const bool is_too_long = packet->pkt_len > mtu + ether_len(packet, &type);
    if (is_too_long || tx->tail - tx->head > tx->mask) {
        if (is_too_long)
            tx->count.tx_too_long++;
        else
            tx->count.tx_dropped++;
        rte_pktmbuf_free(packet);
        return;
    }
    tx->frames[tx->tail++ & tx->mask] = packet;
}

/* How many of the frames are fit to be sent. */
static uint16_t prepare(const struct port *port, struct rte_mbuf **frames, uint16_t num)
{
    return port->offloads & NET_TX_CKSUM
               ? rte_eth_tx_prepare(port->id, port->rss.queue, frames, num)
               : num;
}

uint32_t port_flush(const struct port *port)
{
    struct port_tx *tx = port->tx;
    while (tx->head != tx->tail && may_use(port)) {
        const uint32_t at = (uint32_t)tx->head & tx->mask, to_end = tx->mask + 1 - at;
        uint64_t num = tx->tail - tx->head;
        num = RTE_MIN(num, RTE_MIN(to_end, TX_BURST));
        const uint16_t good = prepare(port, tx->frames + at, (uint16_t)num);
        if (!good) {
            port_drop(tx, 1); /* no such frame goes through this port */
            continue;
        }
        uint16_t sent = rte_eth_tx_burst(port->id, port->rss.queue, tx->frames + at, good);
        tx->head += sent;
        if (sent < good)
            break;
    }
    if (tx->head != tx->tail) {
        tx->count.tx_waited += tx->tail - RTE_MAX(tx->counted, tx->head);
        tx->counted = tx->tail;
    }
    return (uint32_t)(tx->tail - tx->head);
}

/* Frames go until the port takes one. If it takes none of a burst, it is as good as down. */
static void unblock(const struct port *port)
{
    struct port_tx *tx = port->tx;
    for (uint32_t i = 0; i < TX_BURST && tx->head != tx->tail; i++) {
        port_drop(tx, 1);
        const uint64_t head = tx->head;
        port_flush(port);
        if (tx->head != head)
            return;
    }
    port_drop(tx, tx->tail - tx->head);
}

void port_second(const struct port *port)
{
    struct port_tx *tx = port->tx;
    const bool stands = tx->head != tx->tail && tx->head == tx->stood;
    if (stands && atomic_load_explicit(&port->link->is_down, memory_order_relaxed)) {
        port_drop(tx, tx->tail - tx->head);
    } else if (stands) {
        tx->is_stuck = true;
        unblock(port);
    }
    tx->stood = tx->head != tx->tail ? tx->head : PORT_NOTHING_WAITED;
}

/* Whether it is time to say something, the only one. */
static bool say_once(bool is_so, bool *said)
{
    const bool now = is_so && !*said;
    *said |= now;
    return now;
}

const char *port_news(const struct port *port)
{
    struct port_tx *tx = port->tx;
    if (say_once(tx->is_stuck, &tx->said_stuck))
        return "the port took no frame for a second; tx_dropped counts what goes for that";
    if (say_once(tx->count.rx_cut, &tx->said_cut))
        return "frames come in cut, longer than the port's buffers, and are lost: switch off GRO "
               "where they come in and TSO at the peer (ethtool -K INTERFACE gro off tso off), and "
               "let no MTU be larger than 1500; rx_cut counts them";
    if (say_once(tx->count.tx_too_long, &tx->said_too_long))
        return "the interface's MTU is smaller than when lockstepd started, and what is longer is "
               "lost: raise it again, or start lockstepd again; tx_too_long counts these frames";
    return NULL;
}

bool port_is_low(const struct port *port)
{
    return rte_mempool_avail_count(port->tx_pool) < port->num_mbufs / 4;
}

void port_get_counters(const struct port *port, struct port_counters *counters)
{
    *counters = port->tx->count;
    counters->hand_lost = port->spread ? spread_lost(port->spread) : 0;
}
