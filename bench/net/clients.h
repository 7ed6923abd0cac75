/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_BENCH_NET_CLIENTS_H
#define LKS_BENCH_NET_CLIENTS_H

/*
 * Many TCP clients in the same process, which put their segments straight into lockstepd's stack
 * and read its answers from a port that swallows them (net_null, by a transmit callback). They
 * offer what clients of today do: MSS 1460, SACK, timestamps, a window scale (of 0). Each request
 * is answered by so many bytes from fresh buffers, in flow's own callback.
 */

#include <stdbool.h>
#include <stdint.h>

#include "segments.h"

#define CLIENTS_PER_ADDRESS 62500u /* so a million have 16 addresses */
#define CLIENTS_REQUEST_LEN 120u

struct client {
    uint32_t seq, ack;
    uint32_t end; /* of the answer: what ack must become */
    uint32_t ts;  /* the stack's last timestamp */
};

struct clients {
    struct client *all;
    struct flow **flows;
    uint32_t max, num_accepted, answer_len;
    struct port *port;
    struct net *net;
    /* Called for each segment that carries something new for a client; NULL: nobody wants to know.
     */
    void (*heard)(uint32_t at);
    uint64_t num_others; /* segments to nobody of ours */
};
extern struct clients clients;

/* Port, stack and listener; false, and a line says why: EAL does not start here. Says whether there
 * are hugepages for packet buffers. */
bool clients_start(uint32_t max, uint32_t answer_len);
void clients_stop(void);

struct rte_mbuf *client_segment(uint32_t at, uint8_t flags, uint16_t len, uint64_t now_us);
/* A client's next request, whose answer it then waits for. */
struct rte_mbuf *client_request(uint32_t at, uint64_t now_us);
/* One poll of the stack, with a burst. */
void clients_poll(struct rte_mbuf **burst, uint16_t num, uint64_t now_us);
/* Opens connections until there are num; one that fails ends the program. The clock goes on by a
 * microsecond each. */
void clients_open_until(uint32_t num, uint64_t *now_us);

uint64_t resident_bytes(void); /* of this process */

#endif
