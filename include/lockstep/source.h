/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_SOURCE_H
#define LOCKSTEP_SOURCE_H

/* Where the bytes of a certificate, a key and the like come from: a file, or memory. They are read
 * in the call that is given a source, and copied: nothing of it has to outlive that call. */

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lks_source {
    const char *name; /* a path, or what messages call the bytes */
    const void *data; /* if in_memory */
    size_t len;
    bool in_memory;
};

static inline struct lks_source lks_from_file(const char *path)
{
    struct lks_source source = {path, NULL, 0, false};
    return source;
}

/* name: "certificate of site a", say; NULL: "memory". */
static inline struct lks_source lks_from_memory(const char *name, const void *data, size_t len)
{
    struct lks_source source = {name, data, len, true};
    return source;
}

#ifdef __cplusplus
}
#endif
#endif
