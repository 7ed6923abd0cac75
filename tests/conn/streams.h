/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_STREAMS_H
#define LKS_TESTS_CONN_STREAMS_H

/* Two streams back to back (lockstep/stream.h), with a wire of each direction between them. How
 * many bytes a call may move is the test's to choose. */

#include <lockstep/stream.h>

#include "side.h"

struct stream_end {
    struct lks_stream *stream;
    struct buffer wire; /* to the other one, on its way */
    struct buffer to_send, received;
    bool ends_when_sent; /* says close_notify behind to_send */
    bool is_deaf;        /* reads nothing */
    /* What each call said last; the first one that was more than a reason to wait stays. */
    enum lks_status feed, read, write, drain;
};

struct duct {
    struct stream_end client, server;
    size_t chunk; /* the most that a call may move */
    bool random;  /* 0 to chunk */
    uint64_t seed;
    size_t wire_max; /* bytes on their way, beyond which nothing is drained */
};

/* Whether that is no end, but a reason to wait. */
bool stream_waits(enum lks_status status);

/* engine NULL: each end has its own. */
void duct_begin(struct duct *d, struct lks_config *client, struct lks_config *server,
                const struct lks_conn_options *options, struct lks_engine *engine);
void duct_end(struct duct *d);

/* Each call once at both ends, in a random order. Returns whether a byte moved. */
bool duct_turn(struct duct *d);
/* Until nothing moves any more. */
void duct_run(struct duct *d);
/* The handshake, checked. */
void duct_establish(struct duct *d);
/* Random bytes to be sent, and whether the other end has got all of them. */
void duct_fill(struct duct *d, struct stream_end *from, size_t len);
bool duct_arrived(const struct stream_end *to, const uint8_t *bytes, size_t len);

#endif
