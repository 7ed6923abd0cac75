/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_COUNTS_H
#define LOCKSTEP_LOAD_COUNTS_H

#include <lockstep/conn.h>

#include "histogram.h"

/* How an operation, or a connection that had none, failed. */
enum load_error {
    LOAD_REFUSED,     /* RST to our SYN */
    LOAD_UNREACHABLE, /* nobody answers our SYN, or no way leads there */
    LOAD_RESET,       /* RST, or nothing is acknowledged any more */
    LOAD_TLS,         /* what the server said is wrong, and we end it */
    LOAD_ALERT,       /* the server sent a fatal alert */
    LOAD_CUT,         /* it ended the connection before the answer was whole */
    LOAD_HTTP,        /* the answer makes no sense */
    LOAD_TIMEOUT,
    LOAD_OWN, /* ports, buffers or memory of ours are used up */
    LOAD_NUM_ERRORS,
};

/* Its name, as "reset". */
const char *load_error_name(enum load_error error);

#define COUNTS_REASONS  64u
#define COUNTS_AGREED   16u
#define COUNTS_STATUSES 1000u

struct reason {
    enum load_error error;
    const char *why; /* static */
    uint64_t num;
};

struct agreed { /* what handshakes came to */
    char text[128];
    uint64_t num;
};

struct counts {
    /* Operations: requests, or where none are made connections up to the end of the handshake. All
     * that were begun are done, late, failed or still outstanding. */
    uint64_t begun, done;
    uint64_t late;        /* done after the end of the time that is measured */
    uint64_t failed;      /* and errors[] has what of */
    uint64_t never_begun; /* due at their rate, but all connections were busy until the end */
    uint64_t requests;    /* sent whole */
    uint64_t connections, connected;
    uint64_t full, resumed, retried;  /* handshakes, by what lks_conn says that they were */
    uint64_t late_full, late_resumed; /* of these, after the end of the time that is measured */
    uint64_t offered;                 /* sessions; those not resumed were refused */
    uint64_t closed_idle;             /* connections that the server ended between two requests */
    uint64_t errors[LOAD_NUM_ERRORS];
    struct reason reasons[COUNTS_REASONS];
    uint32_t num_reasons;
    uint64_t statuses[COUNTS_STATUSES]; /* answers by status */
    struct agreed agreed[COUNTS_AGREED];
    uint32_t num_agreed;
    uint64_t body_bytes;                 /* of answers */
    uint64_t opened_bytes, sealed_bytes; /* plaintext, in the time that is measured */
    uint64_t open_batches, open_ops, seal_batches, seal_ops;
    uint64_t polls, busy_polls, busy_cycles;
    /* Nanoseconds: SYN to its answer; TLS behind that; an operation from when it was due. */
    struct histogram connect, full_handshake, resumed_handshake, operation;
};

void counts_error(struct counts *c, enum load_error error, const char *why);
void counts_handshake(struct counts *c, const struct lks_conn_info *info, bool is_late);

#endif
