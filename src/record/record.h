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
    uint8_t aad[LKS_AAD_MAX];
    uint8_t type;         /* sealing: the inner type byte, as the kernel's source */
    uint16_t next;        /* opening: the next op of this key, index + 1; 0: none */
    struct span_walk tag; /* sealing: where the tag goes */
};

/* Whether LOCKSTEP_ISA is unset or names something known. */
bool lks_isa_is_known(void);

/* At most so many segments has one record: none is empty. */
#define LKS_SEGS_MAX (LKS_RECORD_CIPHERTEXT_MAX)

/*
 * Checks an op and makes its job: nonce, additional data, segments (from *segs on, which moves).
 * Takes the sequence number. What LKS_OK says is that the job must now run and lks_op_finish()
 * follow; anything else is the op's final status, and nothing was touched. Plaintext ops are done
 * here wholly: *runs tells.
 */
enum lks_status lks_op_prepare(const struct lks_op *op, struct lks_work *work,
                               struct lks_seg **segs, bool *runs);

/* Ends an op whose job ran (or a plaintext op): writes the tag, finds the type, sets op's results.
 */
enum lks_status lks_op_finish(struct lks_op *op, struct lks_work *work);

#endif
