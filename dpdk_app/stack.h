/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_STACK_H
#define LOCKSTEPD_STACK_H

/* The TCP/IP instance (src/net) of a worker's queues, and what a poll does with the two. */

#include <rte_mbuf_core.h>
#include <stdatomic.h>

#include "net/net.h"
#include "net/tcp.h"

struct port;

struct stack_config {
    const struct port *port;             /* started */
    const struct net_address *addresses; /* our own */
    uint32_t num_addresses;
    const struct net_ip *gateways; /* one a family at most */
    uint32_t num_gateways;
    uint16_t vlan;      /* of the port's frames; 0: untagged */
    uint32_t max_flows; /* that have users; those closed have places of their own */
    uint64_t now_us;
    const uint8_t
        *secret; /* NET_SECRET_LEN bytes, the same for all workers of a port; NULL: drawn */
};

/* NULL, with one line in error. To be freed by net_free(). */
struct net *stack_new(const struct stack_config *config, char *error, unsigned int error_len);

/* Random bytes for a secret. false: the kernel gives none. */
bool stack_make_secret(uint8_t secret[NET_SECRET_LEN]);

/* When a worker's timers ran last, and whether they may run now. Begins as {.timed_us = now}. */
struct stack_turn {
    uint64_t now_us, timed_us;
    bool has_all;
};

/*
 * Takes what has come, some bursts of it. What would stop a timer may wait behind these, so no
 * timer runs in this turn, unless that was all; but when none has run for so long that peers would
 * notice, after a pause or under a flood, all that waits is taken. Returns how many frames that
 * was.
 */
uint32_t stack_receive(struct net *net, const struct port *port, struct stack_turn *turn,
                       uint64_t now_us);
void stack_timers(struct net *net, struct stack_turn *turn);

/* Puts what may be sent now on the port, as far as the port takes it. Returns whether there may be
 * more. */
bool stack_send(struct net *net, const struct port *port, uint64_t now_us);

#define STACK_SEGMENT_LEN 1460u /* of a peer that names no smaller one */

/* Bytes in each buffer that is filled for this peer: a TCP segment. To one whose segments are tiny
 * it is several, since a buffer is what is paid for; TCP cuts them. More than half of
 * STACK_SEGMENT_LEN at least. */
static inline uint16_t stack_segment_len(const struct flow *flow)
{
    uint32_t mss = flow_mss(flow);
    mss = mss ? mss : 1;
    if (mss < STACK_SEGMENT_LEN)
        mss *= STACK_SEGMENT_LEN / mss;
    return (uint16_t)(mss < RTE_MBUF_DEFAULT_DATAROOM ? mss : RTE_MBUF_DEFAULT_DATAROOM);
}

/*
 * Nobody is to be served before all of our addresses are known to be ours alone, which takes IPv6 a
 * second (RFC 4862 5.4): until then, or until *stop, this takes the turns of all num instances. 0,
 * or -1 with one line in error: another host has one of the addresses.
 */
int stack_settle(struct net *const *nets, const struct port *ports, uint32_t num,
                 const atomic_bool *stop, char *error, unsigned int error_len);

#endif
