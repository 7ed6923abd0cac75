/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_DPDK_PEERS_H
#define LKS_TESTS_DPDK_PEERS_H

/* TCP peers in this process, of any manners, for the stack to talk to; a server on top of the
 * stack for them; and a time that goes on only when a test says so. */

#include <rte_tcp.h>

#include "port.h"
#include "segments.h"

#define NUM_PEERS    1024u
#define PEER_PORT    20000u /* of the first */
#define SERVICE      80u
#define SECOND       1000000u
#define PEER_BUFFERS 4095u /* in each pool */
#define MAX_FLOWS    512u

struct peer {
    /* Manners: set before peer_open(). */
    uint16_t mss; /* that its SYN says; 0: none */
    bool scales;  /* its windows, by 0 bits: it takes the stack's scale */
    uint16_t window;
    bool reads;         /* acknowledges all that comes, at once; one that does not is silent */
    uint32_t lose_fins; /* so many frames with FIN do not come */
    bool is_unread;     /* the server consumes nothing of what comes from it */

    /* The stack's side. */
    struct flow *flow;
    uint32_t to_send;     /* bytes that the server still has for it */
    bool close_when_sent; /* flow_close(), else flow_shutdown() */
    uint32_t received;    /* bytes that the server got */
    bool fin_received, connected, ended, is_shut;
    enum flow_end why;

    /* What came from the stack. */
    uint16_t our_port;
    uint32_t seq;  /* the next byte to send */
    uint32_t next; /* the next expected */
    uint32_t ack;  /* what is acknowledged: one that reads keeps it at next */
    uint32_t edge; /* behind the last byte that the windows have let come */
    uint32_t got;  /* bytes, in order */
    uint32_t num_segments;
    uint16_t longest, last_window;
    bool got_fin, owes_ack;
    bool got_rst;     /* where RFC 5961 3.2 believes it: at `next` */
    bool got_bad_rst; /* elsewhere */
};

extern struct peer peers[NUM_PEERS];
extern struct port peers_port;
extern struct net *peers_net;

#define ACK RTE_TCP_ACK_FLAG
#define FIN RTE_TCP_FIN_FLAG
#define PSH RTE_TCP_PSH_FLAG
#define SYN RTE_TCP_SYN_FLAG

bool peers_start(void);

/* All peers' connections reset, all times over: between tests. Whether stack and pools are as they
 * were at the start. */
bool peers_end(void);

/* SYN alone. */
void peer_begin(struct peer *p);

/* SYN, and ACK to the answer. */
void peer_open(struct peer *p);

/* The stack connects to the peer, whose SYN+ACK is as peer_open()'s SYN. */
void peer_accept(struct peer *p);

/* A frame comes in now. */
void peers_receive(struct rte_mbuf *frame);

/* A segment from the peer, with its window. */
void peer_send(struct peer *p, uint8_t flags, uint16_t len);

/* An acknowledgement of all that has come, and of what will come, with this window. */
void peer_read_on(struct peer *p, uint16_t window);

/* A segment that begins so far from where the peer is, and leaves it there. */
void peer_send_at(struct peer *p, uint32_t away, uint8_t flags, uint16_t len);

/* A segment with options, in whole words. */
void peer_send_options(struct peer *p, uint8_t flags, const uint8_t *options, uint8_t options_len);

/* Lets server, stack and reading peers go on until nothing more happens. */
void peers_settle(void);

/* As time passes, 20 ms a step. */
void peers_advance(uint64_t us);

/* A peer as most are, not connected yet. */
struct peer *ordinary(uint32_t at);
/* It acknowledges nothing by itself. */
struct peer *silent(uint32_t at);

struct flow_counters counters(void);

/* So many bytes from the peer, in segments of 1000; all that it has sent must have come. */
void upload(struct peer *p, uint32_t len);

/* Peers that take nothing, each in its way. */
enum manner {
    SAYS_NOTHING,
    DRIPS,          /* acknowledges a few bytes now and then, of what it has got */
    ANSWERS_PROBES, /* of a window that is shut after 1000 bytes */
};

void open_idle(struct peer *p, enum manner manner);
void idle_on(struct peer *p, enum manner manner);

/* test_held.c: who holds buffers when they run low */
const struct lks_test *held_tests(void);

#endif
