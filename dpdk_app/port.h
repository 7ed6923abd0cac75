/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_PORT_H
#define LOCKSTEPD_PORT_H

/* One Ethernet port, any that EAL gives, physical or virtual; and of it the queues of one worker.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/port.h"

struct rte_mbuf;
struct rte_mempool;
struct spread_end;

/* What a port may send in one frame: IPv4's least that every host takes, and what a buffer holds.
 */
#define PORT_MTU_MIN 576u
#define PORT_MTU_MAX 1500u

#define PORT_QUEUES_MAX 64u

struct port_tx;
struct port_link;

/* A worker's pair of queues, one to receive and one to send, and the buffers that belong to it.
 * Nothing in it changes between port_start() and port_stop(). */
struct port {
    uint16_t id;
    uint16_t mtu;                /* of IP packets */
    uint32_t num_mbufs;          /* in each pool, a worker's share of one that all have */
    uint32_t offloads;           /* enum net_offload */
    uint8_t max_tx_segs;         /* mbufs that a frame may have */
    int socket;                  /* NUMA node */
    uint8_t mac[6];              /* that the stack answers to */
    struct net_rss rss;          /* how frames are spread over the queues, and which is this one */
    struct rte_mempool *rx_pool; /* received packets only: what is sent can never starve them */
    struct rte_mempool *tx_pool; /* records and packets to send */
    struct rte_mempool *clones;  /* mbufs without data: references to parts of others */
    struct port_tx *tx;          /* frames that wait to be sent, and what was counted */
    struct port_link *link;      /* what the queues have in common */
    struct spread_end *spread;   /* to the other workers; NULL: there are none */
};

struct port_counters {
    uint64_t rx_cut;      /* arrived shorter than their IP header says: freed */
    uint64_t tx_waited;   /* frames that ever had to wait, once each */
    uint64_t tx_dropped;  /* frames that the port does not take: see port_second() */
    uint64_t tx_too_long; /* frames beyond the MTU: freed */
    uint64_t hand_lost;   /* frames for another worker that did not get there */
};

/* How many workers a port has queues for. */
uint16_t port_max_queues(uint16_t id);

/* Configures and starts port id with num_queues pairs of queues, each with num_mbufs buffers. Where
 * the port spreads frames (RSS) and tells by which key and table, ports[i] gets what is queue i's;
 * else each worker hands on what is another's, by a key and table of our own, and all queues
 * receive into one pool. mtu 0: what its interface says, PORT_MTU_MAX at most; else no more than
 * that. 0, or -1 with one line in error: nothing is left of it. */
int port_start(struct port *ports, uint16_t num_queues, uint16_t id, uint32_t num_mbufs,
               uint16_t mtu, char *error, unsigned int error_len);
void port_stop(struct port *ports);

/* For the worker that has the queues. Up to max received packets. */
uint16_t port_receive(const struct port *port, struct rte_mbuf **packets, uint16_t max);

/* How many frames to queue at once: none while as many wait for the port as it is worth. */
uint32_t port_room(const struct port *port);

/* Queues a packet; it now belongs to the port. A full port makes it wait. One that is longer than
 * the MTU is freed and counted. */
void port_send(const struct port *port, struct rte_mbuf *packet);

/* Puts as many queued packets on the port as it takes. Returns how many still wait. */
uint32_t port_flush(const struct port *port);

/* Call once a second. A port that has taken nothing since the last call although packets waited
 * then is dead, or has a packet in front that it never takes: that one is dropped, or all where the
 * link is down or none of the others goes either; TCP sends them again. */
void port_second(const struct port *port);

/* A line to be said of the queues, in static storage; NULL: none. Each trouble is said once. */
const char *port_news(const struct port *port);

/* True while so few buffers are left for sending that only what is under way should get them. */
bool port_is_low(const struct port *port);

void port_get_counters(const struct port *port, struct port_counters *counters);

/*
 * For whoever may wait, once a second: asks for the link and for the interface's MTU. One that has
 * become smaller is kept to from then on: the kernel would drop what is longer without a word. A
 * memif client whose server has gone is started again once all workers keep off the port. Returns
 * a line to be said, or NULL: a link that goes down or up is said each time.
 */
const char *port_watch(const struct port *ports);

#endif
