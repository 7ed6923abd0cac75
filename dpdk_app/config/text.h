/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_TEXT_H
#define LOCKSTEPD_CONFIG_TEXT_H

/* Files, read whole and looked at before any parser sees them. */

#include <stdint.h>
#include <sys/types.h>

#include "arena.h"
#include "complaints.h"

/* Bytes of a configuration, its included files too: ten thousand sites. */
#define TEXT_MAX (16u << 20)

struct text {
    const char *bytes; /* a zero byte behind them */
    size_t len;
    dev_t device;
    ino_t inode;
};

/* Reads a regular file of at most *budget bytes, which get less by as many: text in UTF-8 without
 * control characters, and not an empty one. asker: what named the file. -1: complained about. */
int text_read(struct text *out, struct arena *arena, struct complaints *c, const char *path,
              const struct place *asker, size_t *budget);

/* The same check of bytes that are there already. */
int text_check(struct complaints *c, const char *path, const char *bytes, size_t len);

#endif
