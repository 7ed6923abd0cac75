/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_DPDK_TCP_FAULTS_H
#define LKS_TESTS_DPDK_TCP_FAULTS_H

/* A bad network between a port and its peer, since the kernel here has no netem. */

#include <stdint.h>

struct port;
struct rte_mbuf;

/* One frame in so many is lost, changes places with the next, or comes twice; 0: never. Of each
 * connection the first `fins` segments with FIN that are sent are lost. */
struct faults {
    uint32_t lose, swap, repeat, fins;
};

/* Spoils what the port sends (of repeat, nothing) and receives from now on. */
void faults_start(const struct port *port, const struct faults *faults);

/* Spoils received frames, of which there may be one more afterwards; returns how many there are.
 * packets has room for max. */
uint16_t faults_received(struct rte_mbuf **packets, uint16_t num, uint16_t max);

/* Whether any fault was made, so that a test knows that it tested something. */
uint64_t faults_made(void);

#endif
