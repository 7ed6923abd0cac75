/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_SOURCE_H
#define LKS_HANDSHAKE_SOURCE_H

/* The bytes of a struct lks_source, whole and in one piece. */

#include <lockstep/source.h>
#include <lockstep/status.h>

#include "base/reader.h"

/* Zeros at first. */
struct lks_source_bytes {
    struct lks_reader all;
    uint8_t *own; /* of a file; NULL: they are the caller's */
    size_t own_cap;
};

/* What messages call it; never NULL. */
const char *lks_source_name(const struct lks_source *source);

/* Reads it, for longer than max bytes complains; what: "private key", say. Free the bytes in any
 * case: they are wiped. */
LKS_MUST_CHECK enum lks_status lks_source_read(struct lks_source_bytes *bytes,
                                               const struct lks_source *source, const char *what,
                                               size_t max, struct lks_error *err);
void lks_source_free(struct lks_source_bytes *bytes);

/* A text without the byte order mark (UTF-8's) that some editors put in front of it, lest the line
 * behind it be taken for another one. Nothing binary that is read here begins like it. */
struct lks_reader lks_source_skip_mark(struct lks_reader text);

#endif
