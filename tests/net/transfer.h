/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_NET_TRANSFER_H
#define LKS_TESTS_NET_TRANSFER_H

/* Flows that carry known bytes over a simulated link, and look at each that arrives. */

#include "link.h"
#include "net/tcp.h"

#define TRANSFER_FLOWS_MAX 16u

struct transfer_side {
    const char *congestion;
    uint32_t offloads;
    uint32_t max_buffers;
    uint16_t mtu, max_tx_segs;
    struct path_shape path; /* from here */
};

struct transfer {
    uint64_t seed;
    bool is_v6;
    struct transfer_side sides[2]; /* 0 connects */
    uint32_t num_flows;
    uint64_t up, down;               /* bytes of each flow */
    uint32_t chunk_max;              /* of a buffer */
    uint32_t read_us;                /* pause between reads of all that is there; 0: at once */
    uint64_t stall_us, stall_for_us; /* side 1 does not read from then on, for so long */
    uint64_t limit_us;               /* it must be over by then */
    void (*tap)(void *user, int from, const uint8_t *bytes, size_t len, uint64_t now_us);
    void *tap_user;

    /* what came of it */
    uint64_t took_us;
    uint64_t promised_max; /* the sum of side 1's windows when it was greatest */
    struct flow_counters counters[2];
    struct flow_info info; /* of side 1's first flow, when its last byte was sent */
};

/* False, and CUnit knows why, where a byte was wrong or missing, a flow hung, or something was not
 * given back. */
bool transfer_run(struct transfer *transfer);

#endif
