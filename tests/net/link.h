/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_NET_LINK_H
#define LKS_TESTS_NET_LINK_H

/*
 * Two instances and a path between them, all in virtual time. Frames are copied; what happens to
 * each is decided by a generator of one seed, so a run is the same every time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/net.h"

struct path_shape {           /* one direction */
    double loss;              /* of frames */
    double burst, burst_ends; /* a run of losses begins, and ends, with a frame */
    double duplicate, corrupt;
    double reorder; /* a frame is held back by up to reorder_us */
    double mark;    /* of ECN-capable frames: congestion experienced */
    uint32_t reorder_us, delay_us, jitter_us;
    uint64_t rate;        /* bytes a second; 0: no limit */
    uint32_t queue_bytes; /* longer than that, it drops its tail */
    uint16_t mtu;         /* of packets (wire_packet_len()); larger ones vanish */
    bool tells_mtu;       /* or are answered with "too big" */
};

struct path {
    struct path_shape shape;
    uint64_t busy_until_us, owed, burst_began_us;
    bool in_burst;
    uint64_t num_frames, num_dropped, bytes;
};

struct flying; /* a frame on its way */

struct link {
    uint64_t now_us, seed, order;
    struct net *hosts[2];
    struct path paths[2]; /* from that host */
    struct flying *heap;
    uint32_t num_flying, max_flying;
    uint64_t due_us[2]; /* what net_timers() said */
    void (*tap)(void *user, int from, const uint8_t *bytes, size_t len, uint64_t now_us);
    void *tap_user;
};

void link_init(struct link *link, struct net *a, struct net *b, uint64_t seed, uint64_t now_us);
void link_free(struct link *link);
/* Does all that is due, goes on to the next event, but not beyond `until`, and lets that happen:
 * false when `until` was reached before. */
bool link_step(struct link *link, uint64_t until_us);
double link_chance(struct link *link); /* 0 to 1 */

/* Bytes of the IP packet that a frame stands for. */
uint32_t wire_packet_len(const uint8_t *frame, size_t frame_len);

#endif
