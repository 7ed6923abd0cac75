/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_SPAN_H
#define LOCKSTEP_SPAN_H

/* Bytes in the caller's memory. */

#include <stddef.h>
#include <stdint.h>

/* Some bytes in the caller's memory. A list of spans is one logical string of bytes: a record may
 * lie across many spans, and a span may hold many records. Empty spans are allowed. */
struct lks_span {
    uint8_t *data;
    size_t len;
};

#endif
