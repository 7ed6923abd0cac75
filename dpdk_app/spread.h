/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_SPREAD_H
#define LOCKSTEPD_SPREAD_H

/*
 * Frames on their way between the workers of a port: what came to one worker's queue and belongs to
 * another's instance, or to all (net_set_hand_on()). A ring leads from each worker to each other
 * one, so a ring has one that puts and one that takes, and neither waits for the other: a frame
 * that finds its ring full is lost and counted, as by any link.
 */

#include "net/net.h"

struct rte_mempool;
struct spread;
struct spread_end; /* a worker's */

/* Between num workers. What is handed to one lies in pools[its number], so each holds buffers of
 * its own alone; frames of other pools are copied. socket: NUMA node. NULL: no memory. */
struct spread *spread_new(uint16_t num, struct rte_mempool *const *pools, int socket);
/* Frees what is still on its way, too. NULL: nothing. */
void spread_free(struct spread *all);
struct spread_end *spread_end(struct spread *all, uint16_t worker);

/* For net_set_hand_on(); user is the worker's end. Frames wait until spread_flush(). */
void spread_hand_on(void *user, uint16_t queue, struct rte_mbuf *frame);
void spread_flush(struct spread_end *from);

/* Gives an instance what others have handed to it, some max frames of each at most. Returns how
 * many; *has_more is set where there may be more. */
uint32_t spread_receive(struct spread_end *to, struct net *net, uint32_t max, bool *has_more,
                        uint64_t now_us);

/* Frames that this worker could not hand on. */
uint64_t spread_lost(const struct spread_end *from);

#endif
