/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_TICKET_KEYS_H
#define LKS_HANDSHAKE_TICKET_KEYS_H

/*
 * The keys that seal tickets, of one memory: a ring of which the first seals and all open.
 *
 * Any number of cores look at the ring while one changes it. Nobody waits: a look takes one atomic
 * addition, and a change fills another slot and swaps it in. The word that names the current slot
 * also counts the looks it was taken for, so that taking it and being counted are one step; the one
 * that swaps learns from it how many looks have to end before the old slot may be used again.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/source.h>
#include <lockstep/status.h>

#define LKS_TICKET_NAME_LEN 16u
#define LKS_TICKET_KEY_LEN  32u
#define LKS_TICKET_RING_MAX 8u
#define LKS_TICKET_SLOTS    4u
#define LKS_TICKET_FILE_MAX 16384u

struct lks_ticket_key {
    uint8_t name[LKS_TICKET_NAME_LEN]; /* stands in front of the ticket, for all to see */
    uint8_t key[LKS_TICKET_KEY_LEN];
};

struct lks_ticket_ring {
    uint32_t num_keys; /* 0: no tickets, in neither direction */
    uint64_t until_s;  /* Unix time: from then on another ring is due; UINT64_MAX: never */
    struct lks_ticket_key keys[LKS_TICKET_RING_MAX];
};

enum lks_ticket_source {
    LKS_TICKETS_NONE,    /* they stay as they are */
    LKS_TICKETS_RANDOM,  /* made here, a new one each period */
    LKS_TICKETS_DERIVED, /* from a secret and the time */
    LKS_TICKETS_FILE,
};

/* What tells one state of a file from another, so that it is only read where it differs. */
struct lks_file_mark {
    uint64_t device, inode, size, seconds, nanoseconds;
};

struct lks_ticket_slot {
    struct lks_ticket_ring ring;
    atomic_int_least64_t to_come; /* looks that have to end; counts while current below 0 */
};

struct lks_ticket_keys {
    atomic_uint_least64_t now; /* current slot << 48 | looks taken at it */
    struct lks_ticket_slot slots[LKS_TICKET_SLOTS];
    atomic_flag changing; /* somebody is: the others go on with what there is */
    /* What follows is the changer's. */
    enum lks_ticket_source source;
    uint32_t period_s;
    uint8_t secret[32]; /* pseudorandom, of a derived ring */
    char *file;
    struct lks_file_mark mark;
};

void lks_ticket_keys_init(struct lks_ticket_keys *keys);
void lks_ticket_keys_wipe(struct lks_ticket_keys *keys);

/* A look at the ring as it is at a time, for one call's length: between it and release there is
 * nothing to wait for. A ring whose time is over is replaced on the way, unless another core is at
 * it; then this one gets the old ring for the last time. */
const struct lks_ticket_ring *lks_ticket_ring_acquire(struct lks_ticket_keys *keys, uint64_t now_s);
void lks_ticket_ring_release(struct lks_ticket_keys *keys, const struct lks_ticket_ring *ring);

/* The three sources; each replaces what was there. */
LKS_MUST_CHECK enum lks_status lks_ticket_keys_random(struct lks_ticket_keys *keys,
                                                      uint32_t period_s, uint64_t now_s);
LKS_MUST_CHECK enum lks_status lks_ticket_keys_derive(struct lks_ticket_keys *keys,
                                                      const uint8_t *secret, size_t secret_len,
                                                      uint32_t period_s, uint64_t now_s);
LKS_MUST_CHECK enum lks_status lks_ticket_keys_load(struct lks_ticket_keys *keys,
                                                    const struct lks_source *source,
                                                    struct lks_error *err);
/* Reads the file again if it has changed. On LKS_BAD_CONFIG the ring stays as it was. */
LKS_MUST_CHECK enum lks_status lks_ticket_keys_reload(struct lks_ticket_keys *keys, bool *changed,
                                                      struct lks_error *err);

/* Puts a ring in place of the current one. LKS_WANT_ROOM: looks at all of the earlier ones are
 * still going on; try again later. For this layer's own files; the caller holds `changing`. */
LKS_MUST_CHECK enum lks_status lks_ticket_ring_publish(struct lks_ticket_keys *keys,
                                                       const struct lks_ticket_ring *ring);

/* ticket_key_file.c: parses a file's text. name is for messages. */
LKS_MUST_CHECK enum lks_status lks_ticket_file_parse(struct lks_ticket_ring *ring, const char *text,
                                                     size_t len, const char *name,
                                                     struct lks_error *err);
/* Reads it from the disk, unless it is in a state that is known: then *same. *mark: what was read.
 */
LKS_MUST_CHECK enum lks_status lks_ticket_file_read(struct lks_ticket_ring *ring,
                                                    struct lks_file_mark *mark, bool *same,
                                                    const struct lks_file_mark *known,
                                                    const char *file, struct lks_error *err);

#endif
