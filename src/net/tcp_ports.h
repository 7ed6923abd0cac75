/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_TCP_PORTS_H
#define LKS_NET_TCP_PORTS_H

/*
 * Source ports of connections that we open: unpredictable (RFC 6056), and such that the link's
 * receive-side scaling brings the answers to this instance.
 *
 * The Toeplitz hash is linear: that of (addresses, ports) is the exclusive or of what each byte
 * contributes where it stands. So what is left to choose, the two bytes of our port, are two tables
 * of 256 values; and as only the bits that index the indirection table matter, low bytes are kept
 * sorted by theirs. For a high byte and an entry of the table that is ours the low bytes that lead
 * to it are then found, not searched.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/port.h"

struct flow_key;

/* [6056 3.2-1] */
#define PORT_FIRST 16384u /* up to 65535: RFC 6056 3.2 would have it large */

struct port_picker {
    bool is_hashed; /* false: every port comes here */
    uint8_t key[NET_RSS_KEY_MAX];
    uint16_t mask; /* of the bits that index the table */
    uint16_t num_ours;
    uint16_t ours[NET_RSS_TABLE_MAX]; /* entries that lead to us */
    /* by family: what each byte contributes, and low bytes sorted by that */
    uint16_t high_bits[2][256], low_bits[2][256];
    struct port_low_bytes {
        uint16_t start[NET_RSS_TABLE_MAX + 1];
        uint8_t bytes[256];
    } low[2];
};

/* Toeplitz hash of `len` bytes at `offset` of the input under key. */
uint32_t toeplitz(const uint8_t key[NET_RSS_KEY_MAX], const uint8_t *bytes, uint32_t len,
                  uint32_t offset);
/* Of a received segment of the flow. */
uint32_t toeplitz_flow(const uint8_t key[NET_RSS_KEY_MAX], const struct flow_key *key_of_flow);

void port_picker_init(struct port_picker *picker, const struct net_rss *rss);

/* Ports of ours for key (its local_port aside) in an order that `random` decides: false when all
 * were named. A walk begins with nothing but `random` set. */
struct port_walk {
    uint64_t random;
    uint32_t step, index, base;
};
bool port_next(const struct port_picker *picker, const struct flow_key *key, struct port_walk *walk,
               uint16_t *port);

#endif
