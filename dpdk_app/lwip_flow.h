/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_LWIP_FLOW_H
#define LOCKSTEPD_LWIP_FLOW_H

/* A flow as the files that know lwIP see it: tcp_lwip.c makes, moves and ends them, lwip_detached.c
 * says who has had his time. */

#include "lwip_sent.h"
#include "tcp.h"

struct tcp_pcb;

struct flow {
    struct tcp_pcb *pcb; /* NULL: lwIP is done with it */
    const struct flow_events *events;
    void *user;
    struct sent sent;
    uint32_t unconsumed; /* received bytes that keep the window closed */
    uint32_t old;        /* of them, those that were there at old_us: the oldest is no younger */
    uint64_t old_us;
    uint32_t bucket;
    bool is_detached; /* the user has closed or aborted it, or been told of its end */
    bool wants_abort;
    bool must_end; /* the user is to be told of its end, why, by flow_timers() */
    enum flow_end why;
    bool wants_fin; /* behind all that was sent */
    bool fin_sent, fin_received, is_connecting;
    bool is_dirty;           /* in the list of those that flow_flush() looks at */
    struct flow *next_dirty; /* or next free one */

    /* Detached, and not finished: in a list in the order of detaching. */
    bool is_listed;
    struct flow *earlier, *later;
    uint64_t detached_us;
    uint64_t progress_us; /* when the last buffer was acknowledged */
};

/* Lists a flow whose user has gone; takes it out if it is in, once it is finished. */
void detached_add(struct flow *f);
void detached_remove(struct flow *f);
uint32_t detached_num(void);
struct flow *detached_oldest(void);

/* One whose time is up, to be reset; NULL: none. Looks at a few only, the next ones at each call:
 * at all of them within 64 calls. */
struct flow *detached_late(void);

/* Of which pool: what was sealed and waits for acknowledgements; what was received and waits for
 * the user, or for the acknowledgements of whom it is passed on to. */
enum held {
    HELD_SENDING,
    HELD_RECEIVED,
};
uint32_t buffers_held(const struct flow *f, enum held of);

/* The flow that holds most for longest, of those that hold it for too long; NULL: none. */
struct flow *worst_holder(struct flow *flows, uint32_t num_flows, enum held of);

#endif
