/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_RECORD_RECORD_H
#define LKS_RECORD_RECORD_H

/* Inside the record layer: one op on its way through a burst. */

#include <stdbool.h>

#include <lockstep/engine.h>

#include "record/protection.h"
#include "record/spans.h"
#include "simd/aead.h"

/* The op's side of a job: what the kernel does not need. Lives from prepare to finish. */
struct lks_work {
    struct lks_aead_job job;
    uint8_t aad[16]; /* LKS_AAD_MAX of them are used */
    union {
        struct lks_seg piece[2]; /* piece.h's: the job's segments */
        struct {
            uint8_t tag[16];         /* the job's, on its way */
            struct span_walk tag_at; /* sealing: where it goes */
        };
    };
    uint16_t next; /* opening: the next op of this key, index + 1; 0: none */
    uint8_t type;  /* sealing: the inner type byte, as the kernel's source */
    bool is_piece; /* opening: piece.h made the job */
};

/* Whether LOCKSTEP_ISA and LOCKSTEP_PROVIDER are unset or name something known that is here. */
bool lks_kernels_are_known(void);

/* How many ops its bursts may have. */
uint32_t lks_engine_max_ops(const struct lks_engine *engine);

/* At most so many segments has one record: none is empty. The longest text to open is one with a
 * MAC and as much padding as there may be. */
#define LKS_SEGS_MAX (LKS_RECORD_CIPHERTEXT_MAX + LKS_MAC_LEN_MAX)

/*
 * Checks an op and makes its job: nonce, additional data, segments (into segs, which has room for
 * LKS_SEGS_MAX). side belongs to the job if it has a MAC. Takes the sequence number. What LKS_OK
 * says is that the job must now run, unless the key has no AEAD, and that lks_op_finish() follows;
 * anything else is the op's final status, and nothing was touched. Plaintext ops are done here
 * wholly.
 */
enum lks_status lks_op_prepare(const struct lks_op *op, struct lks_work *work,
                               struct lks_mac_side *side, struct lks_seg *segs);

/* Ends an op whose job ran (or a plaintext op): writes the tag, finds the type, sets op's results.
 */
enum lks_status lks_op_finish(struct lks_op *op, struct lks_work *work);

#endif
