/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_RECORD_SLOTS_H
#define LKS_TESTS_RECORD_SLOTS_H

/*
 * Ops with everything that belongs to one: a good record is laid out, a test spoils it, and says
 * what must come of it. What is expected is an image of all memory that the op could reach, so a
 * byte too many, a byte of plaintext that remains, or a touched neighbour is a difference.
 */

#include <lockstep/engine.h>
#include <stdbool.h>

#include "reference.h"

/* Where source and destination lie. */
enum layout {
    IN_PLACE,        /* opening: without a destination; sealing: as SAME */
    SAME,            /* in place, with a destination that says so */
    APART,           /* each in one span */
    PIECES,          /* apart, in several spans and empty ones */
    PIECES_IN_PLACE, /* the same bytes, cut differently on each side */
    NUM_LAYOUTS,
};

enum { SLOT_SPANS = 8, SLOT_GUARD = 40, SLOT_ROOM = 2 * RECORD_MAX + 3 * SLOT_GUARD };

/* What an op leaves where its result would be. */
enum leaves { RESULT, NOTHING_DONE, WIPED };

struct slot {
    const struct reference_key *secrets;
    struct lks_key *key;
    uint64_t seq;     /* of the record */
    uint64_t key_seq; /* the key's, after the burst */
    enum layout layout;
    uint8_t type;
    size_t len, pad_len, prefix, record_len;
    size_t text_len;       /* opening: what is decrypted */
    size_t src_at, out_at; /* in memory */
    size_t used;           /* of memory */
    uint8_t content[RECORD_MAX], record[RECORD_MAX];
    uint8_t memory[SLOT_ROOM], before[SLOT_ROOM], want[SLOT_ROOM];
    struct lks_span src[SLOT_SPANS], dst[SLOT_SPANS];
    struct lks_op op;
    enum lks_status status;
};

/* Every version and algorithm that go together; the secrets are random. */
extern struct reference_key formats[];
size_t formats_init(void); /* how many */
const char *format_name(const struct reference_key *secrets);

/* A good op of that key, and its record, number seq. */
void slot_make(struct slot *s, const struct reference_key *secrets, struct lks_key *key,
               uint64_t seq, size_t len, size_t pad_len, uint8_t type, enum layout layout);

/* Says what comes of an op as it is now; key_seq becomes one more than seq if that is a result. */
void slot_expect(struct slot *s, enum lks_status status, enum leaves leaves);

/* Memory and the key's number as they were before, for another burst. */
void slot_reset(struct slot *s);

/* Processes a burst and compares; says what differs, with the words that describe the test. */
bool slots_run(struct lks_engine *engine, struct slot *const *slots, uint32_t num,
               const char *words);

#endif
