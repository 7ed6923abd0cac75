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

struct port {
    uint16_t id;
    uint16_t mtu;
    uint32_t num_mbufs;          /* in each pool */
    uint8_t mac[6];              /* that the stack answers to */
    struct rte_mempool *rx_pool; /* received packets only: what is sent can never starve them */
    struct rte_mempool *tx_pool; /* records and packets to send */
    struct rte_mempool *clones;  /* mbufs without data: references to parts of others */
};

/* Configures and starts port id with one RX and one TX queue and num_mbufs buffers. 0, or -1 with
 * one line in error. */
int port_start(struct port *port, uint16_t id, uint32_t num_mbufs, char *error,
               unsigned int error_len);
void port_stop(struct port *port);

/* Up to max received packets. */
uint16_t port_receive(const struct port *port, struct rte_mbuf **packets, uint16_t max);

/* Queues a packet; it now belongs to the port. A full port makes it wait, never drops it. */
void port_send(const struct port *port, struct rte_mbuf *packet);

/* Puts as many queued packets on the port as it takes. Returns how many still wait. */
uint32_t port_flush(const struct port *port);

/* True while so few buffers are left for sending that only what is under way should get them. */
bool port_is_low(const struct port *port);

/* How many buffers for sending would have to come back before there are enough for everybody: asked
 * before port_is_low() stops all who send. */
uint32_t port_num_short(const struct port *port);

/* Packets that ever had to wait. */
uint64_t port_num_waited(void);

#endif
