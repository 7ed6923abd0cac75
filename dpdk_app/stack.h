/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_STACK_H
#define LOCKSTEPD_STACK_H

/* The TCP/IP instance (src/net) of a port, and what a poll does with the two. */

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
};

/* NULL, with one line in error. To be freed by net_free(). */
struct net *stack_new(const struct stack_config *config, char *error, unsigned int error_len);

/* Takes what has come, some bursts of it; all of it after a pause so long that timers would fire
 * for want of what waits at the port. Returns how many frames that was. */
uint32_t stack_receive(struct net *net, const struct port *port, bool after_pause, uint64_t now_us);

/* Puts what may be sent now on the port, as far as the port takes it. Returns whether there may be
 * more. */
bool stack_send(struct net *net, const struct port *port, uint64_t now_us);

#endif
