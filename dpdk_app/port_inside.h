/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_PORT_INSIDE_H
#define LOCKSTEPD_PORT_INSIDE_H

/* What port_start.c makes and port.c works with. */

#include <stdalign.h>
#include <stdatomic.h>

#include "port.h"

struct rte_mbuf;

#define PORT_LINE 64u /* bytes that no two workers write into */

/* A worker's: frames that wait to be sent, a ring with room for all buffers that there are to send.
 * The numbers of frames only go up: head is sent next. */
struct port_tx {
    uint64_t head, tail;
    uint64_t counted; /* those before it are in tx_waited already */
    uint64_t stood;   /* the head at the last look, PORT_NOTHING_WAITED if none was there */
    uint32_t mask;
    bool is_stuck;
    bool said_stuck, said_cut, said_too_long;
    struct port_counters count;
    atomic_uint turn_seen; /* of the link: the worker keeps to it */
    struct rte_mbuf *frames[];
};

#define PORT_NOTHING_WAITED UINT64_MAX

/* What all queues of a port share: port_watch() writes, workers read. */
struct port_link {
    alignas(PORT_LINE) atomic_uint mtu; /* the interface's, if below what it was at the start */
    atomic_bool is_down;
    atomic_uint turn; /* odd: workers keep off the port, which is being started again */
    /* The watch's own. */
    alignas(PORT_LINE) unsigned int if_index; /* 0: no interface of the kernel's is behind it */
    bool is_memif_client;
    bool is_stopped; /* between two servers of a memif client */
    bool said_down;
    struct spread *spread; /* NULL: one queue */
};

/* What the kernel says of the interface behind a port; UINT32_MAX: there is none. */
uint32_t port_kernel_mtu(unsigned int if_index);

/* Takes the first num waiting frames off and frees them. */
void port_drop(struct port_tx *tx, uint64_t num);

#endif
