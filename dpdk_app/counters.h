/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_COUNTERS_H
#define LOCKSTEPD_COUNTERS_H

#include <stdint.h>
#include <stdio.h>

#include "port.h"
#include "stack.h"

/* Why a session ended. */
enum session_end {
    END_CLEAN,            /* the client got all that the backend said, and close_notify */
    END_CLIENT_RESET,     /* RST or no more acknowledgements from the client */
    END_CLIENT_TRUNCATED, /* FIN without close_notify, before the backend had said all */
    END_CLIENT_ALERT,     /* the client sent a fatal alert */
    END_TLS_ERROR,        /* its TLS was wrong: we sent a fatal alert, or would have */
    END_HANDSHAKE_TIMEOUT,
    END_IDLE_TIMEOUT,
    END_BACKEND_UNREACHABLE, /* refused or no answer */
    END_BACKEND_RESET,       /* in the middle */
    END_NO_MEMORY,
    END_SHUTDOWN, /* lockstepd itself stopped */
    NUM_ENDS,
};

/* Where sessions count what happens. */
struct counters {
    uint64_t connections, refused, handshakes, handshakes_resumed, handshake_failures;
    uint64_t hello_retries;
    uint64_t ended[NUM_ENDS];
    uint64_t alerts_sent[256]; /* given to TCP */
    uint64_t records_opened, bytes_opened, records_sealed, bytes_sealed;
    uint64_t open_batches, open_ops, seal_batches, seal_ops;
    uint64_t deferred;
    uint64_t bad_records; /* that did not open, or were none */
    uint64_t polls, busy_polls;
    uint64_t sessions; /* now */
};

/* All that is counted, at one moment. */
struct report {
    struct counters app;
    struct flow_counters tcp;
    struct net_counters net;
    struct port_counters port;
    uint64_t key_log_dropped; /* lines of the key log that were lost */
    uint64_t reloads, reloads_failed;
};

/* Adds what another worker has counted. */
void counters_add(struct report *sum, const struct report *report);

/* All of it, one "name value" a line, for people and scripts. Where it is the sum of several
 * workers, `each` has theirs, of which a few are printed as well; NULL: unknown. num_each 0: none
 * is. */
void counters_print(FILE *to, const struct report *report, const struct report *const *each,
                    uint32_t num_each);

#endif
