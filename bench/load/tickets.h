/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_TICKETS_H
#define LOCKSTEP_LOAD_TICKETS_H

/* Sessions that connections have left behind, each to be resumed once; the newest goes first, and
 * where there is no room the oldest goes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/conn.h>

struct ticket { /* as secret as a connection's keys */
    uint32_t len;
    uint8_t bytes[LKS_SESSION_MAX];
};

struct tickets {
    struct ticket *all;
    uint32_t max, first, num;
};

/* false: no memory. max may be 0: then nothing is kept. */
bool tickets_make(struct tickets *t, uint32_t max);
/* Wipes and frees them. */
void tickets_free(struct tickets *t);

/* Takes what the connection has, if it has one. */
void tickets_put(struct tickets *t, struct lks_conn *conn);
/* The newest, good until the next call; NULL: none is left. tickets_wipe() when it was used. */
struct ticket *tickets_take(struct tickets *t);
void tickets_wipe(struct ticket *ticket);

#endif
