/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_BACKEND_H
#define LOCKSTEP_LOAD_BACKEND_H

/*
 * A server of plaintext HTTP/1.1 on the generator's own stack, for what stands behind a terminator:
 * each request, whatever it asks for, is answered by so many bytes.
 */

#include "port.h"
#include "stack.h"

struct backend_config {
    const struct port *port;
    struct net *net;
    uint64_t answer_len; /* of its body */
    uint32_t max_connections;
};

struct backend_counts {
    uint64_t connections, refused; /* for want of room */
    uint64_t requests;             /* that were answered whole, or are being so */
    uint64_t bad_requests;         /* each ends its connection */
    uint64_t bytes;                /* of answers, their heads included, given to TCP */
};

struct backend;

/* NULL: no memory. */
struct backend *backend_new(const struct backend_config *config);
void backend_free(struct backend *b); /* NULL: nothing */

/* 0, or -1 with one line in error. */
int backend_listen(struct backend *b, const struct net_addr *addr, char *error,
                   unsigned int error_len);

/* Reads requests and sends answers. Returns whether there was anything to do. */
bool backend_turn(struct backend *b, uint64_t now_us);

const struct backend_counts *backend_counts(const struct backend *b);

#endif
