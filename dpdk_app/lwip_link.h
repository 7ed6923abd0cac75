/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_LWIP_LINK_H
#define LOCKSTEPD_LWIP_LINK_H

/* lwIP's network interface over a port: frames in as mbufs, uncopied; frames out by copy. */

#include "tcp.h"

struct pbuf;

void link_start(const struct flow_config *config);

/* Gives a frame to lwIP, which now owns it. */
void link_input(struct rte_mbuf *frame);

/* The mbufs behind a received chain of pbufs, as one chain of the bytes the pbufs show; the pbufs
 * are gone afterwards. NULL: no memory; everything is freed. */
struct rte_mbuf *link_take_mbufs(struct pbuf *p);

/* ARP, reassembly and the port: call every second. */
void link_second(void);

void link_add_counters(struct flow_counters *counters);

#endif
