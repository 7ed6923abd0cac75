/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_REPLAY_H
#define LKS_HANDSHAKE_REPLAY_H

/*
 * Single use of early data: RFC 8446 section 8.2 (what hellos were seen) with 8.3 (only fresh ones
 * are asked about), in fixed memory, for all cores that share it, without locks.
 *
 * A hello says when it was sent: the ticket's time of issue and its age. It is taken only if that
 * lies within the window W around now, so the same hello can be fresh for no longer than 2 W. Time
 * is cut into epochs of 2 W, and a hello is remembered in the epoch in which it was taken and the
 * next. What is remembered is a keyed hash of its binder, in a bucket of a few slots that it also
 * chooses; slots of older epochs are free. When a bucket is full, or anything is in doubt, early
 * data is refused, and the handshake goes on without.
 *
 * What is promised: the early data of one hello is taken at most once, whatever the order of the
 * cores, and on whatever machine: tickets carry the number of the window that they were issued
 * beside (origin), and another window, be it another machine's, another process's or that of the
 * time before a restart, refuses their early data.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/status.h>

#define LKS_REPLAY_WAYS 8u

struct lks_replay {
    uint64_t origin; /* random */
    uint32_t window_ms;
    uint32_t num_buckets; /* a power of two */
    uint8_t key[32];
    atomic_uint_least64_t latest_ms; /* the latest time that was asked about: none is earlier */
    atomic_uint_least64_t *slots;    /* num_buckets × LKS_REPLAY_WAYS */
};

enum lks_replay_answer {
    LKS_REPLAY_NEW,   /* taken, and remembered */
    LKS_REPLAY_STALE, /* outside of the window */
    LKS_REPLAY_SEEN,  /* taken before */
    LKS_REPLAY_FULL,  /* no room to remember it */
};

/* num_hellos: room, rounded up to a power of two. Free with lks_replay_free(), NULL allowed. */
LKS_MUST_CHECK enum lks_status lks_replay_new(struct lks_replay **out, uint32_t window_ms,
                                              uint32_t num_hellos);
void lks_replay_free(struct lks_replay *replay);

/* Asks for a hello that was sent, as it says, at sent_ms: to be taken only if LKS_REPLAY_NEW.
 * unique: at least 32 bytes that an attacker cannot change without spoiling the hello. Times are
 * Unix times in milliseconds. */
enum lks_replay_answer lks_replay_ask(struct lks_replay *replay, const uint8_t *unique,
                                      size_t unique_len, uint64_t sent_ms, uint64_t now_ms);

#endif
