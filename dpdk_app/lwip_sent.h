/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_LWIP_SENT_H
#define LOCKSTEPD_LWIP_SENT_H

/*
 * What a flow has been given to send and must keep: mbufs that lwIP refers to until no segment that
 * it may send again has any of their bytes, and behind them those that lwIP's queue has no place
 * for yet. A buffer is what is paid, so buffers of the pool for sending are counted, and each knows
 * when it came: the age of the oldest unacknowledged byte tells a peer that reads from one that
 * only answers.
 */

#include <stdbool.h>
#include <stdint.h>

struct port;
struct rte_mbuf;
struct tcp_pcb;

struct sent {
    struct rte_mbuf *head, *tail; /* linked segments */
    struct rte_mbuf *unwritten;   /* the first that lwIP has not taken; NULL: it has all */
    uint32_t head_seq;            /* sequence number of head's first byte */
    uint32_t num_bytes;
    uint32_t num_buffers;  /* of the pool for sending */
    uint32_t num_received; /* of the pool for receiving */
};

/* Takes a chain. Many small segments would each hold a buffer of 2 KiB: they are copied into few,
 * where there are buffers to copy them into. */
void sent_append(struct sent *s, struct rte_mbuf *chain, const struct port *port);

/* Gives lwIP what it takes now. */
void sent_write(struct sent *s, struct tcp_pcb *pcb);

/* Frees the mbufs that lie wholly before what lwIP still keeps. Whether there were any. */
bool sent_free_acknowledged(struct sent *s, const struct tcp_pcb *pcb, const struct port *port);

/* Frees all, once lwIP has let go of it. */
void sent_free(struct sent *s);

/* Microseconds since the oldest byte that is kept was appended; 0: none is. */
uint64_t sent_age_us(const struct sent *s);

#endif
