/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_PORT_H
#define LOCKSTEPD_PORT_H

/* One Ethernet port: any that EAL gives, physical or virtual. */

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;

/* Bytes behind each mbuf's header that the TCP stack uses while the mbuf is received (a pbuf). */
#define PORT_MBUF_PRIVATE 64u

/* What a port may send in one frame: IPv4's least that every host takes, and what a buffer holds.
 */
#define PORT_MTU_MIN 576u
#define PORT_MTU_MAX 1500u

struct port_tx;

struct port {
    uint16_t id;
    uint16_t mtu;                /* of IP packets */
    uint32_t num_mbufs;          /* in each pool */
    uint8_t mac[6];              /* that the stack answers to */
    struct rte_mempool *rx_pool; /* received packets only: what is sent can never starve them */
    struct rte_mempool *tx_pool; /* records and packets to send */
    struct rte_mempool *clones;  /* mbufs without data: references to parts of others */
    struct port_tx *tx;          /* frames that wait to be sent, and what was counted */
};

struct port_counters {
    uint64_t rx_cut;      /* arrived shorter than their IP header says: freed */
    uint64_t tx_waited;   /* frames that ever had to wait, once each */
    uint64_t tx_dropped;  /* frames that the port does not take: see port_second() */
    uint64_t tx_too_long; /* frames beyond the MTU: freed */
};

/* Configures and starts port id with one RX and one TX queue and num_mbufs buffers. mtu 0: what its
 * interface says, PORT_MTU_MAX at most; else no more than that. 0, or -1 with one line in error:
 * nothing is left of it. */
int port_start(struct port *port, uint16_t id, uint32_t num_mbufs, uint16_t mtu, char *error,
               unsigned int error_len);
void port_stop(struct port *port);

/* Up to max received packets. */
uint16_t port_receive(const struct port *port, struct rte_mbuf **packets, uint16_t max);

/* Queues a packet; it now belongs to the port. A full port makes it wait. One that is longer than
 * the MTU is freed and counted. */
void port_send(const struct port *port, struct rte_mbuf *packet);

/* Puts as many queued packets on the port as it takes. Returns how many still wait. */
uint32_t port_flush(const struct port *port);

/* Call once a second. A port that has taken nothing since the last call although packets waited
 * then is dead, or has a packet in front that it never takes: that one is dropped, or all where the
 * link is down or none of the others goes either; TCP sends them again. A memif client whose server
 * has gone is started again. An MTU that has become smaller is kept to: the kernel would drop what
 * is longer without a word. */
void port_second(const struct port *port);

/* A line to be said of the port, in static storage; NULL: none. Each trouble is said once, a link
 * that goes down or up each time. */
const char *port_news(const struct port *port);

/* True while so few buffers are left for sending that only what is under way should get them. */
bool port_is_low(const struct port *port);

/* 0 unless a pool, for sending (then port_is_low()) or for receiving, runs low: then how many of
 * its buffers would have to come back before there are enough for all again. */
uint32_t port_num_short(const struct port *port, const struct rte_mempool *pool);

void port_get_counters(const struct port *port, struct port_counters *counters);

#endif
