/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_BASE_READER_H
#define LKS_BASE_READER_H

/*
 * A value that reads bytes from the front of a buffer. Every length that comes from the network
 * goes through it: a read either succeeds whole, or returns false and leaves the reader as it was.
 * Parsing code chains reads with && and reads like the RFC's struct.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct lks_reader {
    const uint8_t *data;
    size_t len; /* bytes left */
};

static inline struct lks_reader lks_reader_of(const uint8_t *data, size_t len)
{
    return (struct lks_reader){data, len};
}

static inline bool lks_read_bytes(struct lks_reader *r, const uint8_t **out, size_t len)
{
    if (r->len < len)
        return false;
    *out = r->data;
    r->data += len;
    r->len -= len;
    return true;
}

static inline bool lks_read_copy(struct lks_reader *r, uint8_t *out, size_t len)
{
    const uint8_t *p;
    if (!lks_read_bytes(r, &p, len))
        return false;
    memcpy(out, p, len);
    return true;
}

static inline bool lks_read_uint(struct lks_reader *r, uint64_t *out, unsigned int num_bytes)
{
    const uint8_t *p;
    if (!lks_read_bytes(r, &p, num_bytes))
        return false;
    *out = 0;
    for (unsigned int i = 0; i < num_bytes; i++)
        *out = *out << 8 | p[i];
    return true;
}

static inline bool lks_read_u8(struct lks_reader *r, uint8_t *out)
{
    return lks_read_copy(r, out, 1);
}

static inline bool lks_read_u16(struct lks_reader *r, uint16_t *out)
{
    uint64_t v;
    if (!lks_read_uint(r, &v, 2))
        return false;
    *out = (uint16_t)v;
    return true;
}

static inline bool lks_read_u24(struct lks_reader *r, uint32_t *out)
{
    uint64_t v;
    if (!lks_read_uint(r, &v, 3))
        return false;
    *out = (uint32_t)v;
    return true;
}

static inline bool lks_read_u32(struct lks_reader *r, uint32_t *out)
{
    uint64_t v;
    if (!lks_read_uint(r, &v, 4))
        return false;
    *out = (uint32_t)v;
    return true;
}

/* A vector with a length prefix of num_bytes: opaque v<0..2^(8*num_bytes)-1>. */
static inline bool lks_read_vec(struct lks_reader *r, struct lks_reader *out,
                                unsigned int num_bytes)
{
    struct lks_reader at = *r;
    uint64_t len;
    const uint8_t *p;
    if (!lks_read_uint(&at, &len, num_bytes) || !lks_read_bytes(&at, &p, (size_t)len))
        return false;
    *out = lks_reader_of(p, (size_t)len);
    *r = at;
    return true;
}

static inline bool lks_read_vec8(struct lks_reader *r, struct lks_reader *out)
{
    return lks_read_vec(r, out, 1);
}

static inline bool lks_read_vec16(struct lks_reader *r, struct lks_reader *out)
{
    return lks_read_vec(r, out, 2);
}

static inline bool lks_read_vec24(struct lks_reader *r, struct lks_reader *out)
{
    return lks_read_vec(r, out, 3);
}

#endif
