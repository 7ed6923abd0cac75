/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_SOURCE_H
#define LOCKSTEP_SOURCE_H

/* Bytes of certificates, keys and the like, from a file or from memory. */

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where they come from; lks_from_file() and lks_from_memory() make one. They are read in the call
 * that is given a source, and copied: nothing of it has to outlive that call. A byte order mark
 * (UTF-8's) in front of a text is passed over. */
struct lks_source {
    const char *name; /* a path, or what messages call the bytes */
    const void *data; /* if in_memory */
    size_t len;
    bool in_memory;
};

/* A file's, all of it. */
static inline struct lks_source lks_from_file(const char *path)
{
    struct lks_source source = {path, NULL, 0, false};
    return source;
}

/* len bytes at data. name is for messages: "certificate of site a", say; NULL: "memory". */
static inline struct lks_source lks_from_memory(const char *name, const void *data, size_t len)
{
    struct lks_source source = {name, data, len, true};
    return source;
}

#ifdef __cplusplus
}
#endif
#endif
