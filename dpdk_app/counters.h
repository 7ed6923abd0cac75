/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_COUNTERS_H
#define LOCKSTEPD_COUNTERS_H

#include <stdint.h>
#include <stdio.h>

/* Why a session ended. */
enum session_end {
    END_CLEAN,            /* both sides said that they were done */
    END_CLIENT_RESET,     /* RST or no more acknowledgements from the client */
    END_CLIENT_TRUNCATED, /* FIN without close_notify */
    END_CLIENT_ALERT,     /* the client sent a fatal alert */
    END_TLS_ERROR,        /* we sent a fatal alert */
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
    uint64_t connections, refused, handshakes, handshake_failures, hello_retries;
    uint64_t ended[NUM_ENDS];
    uint64_t alerts_sent[256];
    uint64_t records_opened, bytes_opened, records_sealed, bytes_sealed;
    uint64_t open_batches, open_ops, seal_batches, seal_ops;
    uint64_t deferred, bad_records;
    uint64_t polls, busy_polls;
    uint32_t sessions; /* now */
};

/* All of it, one "name value" a line, for people and scripts. */
void counters_print(FILE *to, const struct counters *c);

#endif
