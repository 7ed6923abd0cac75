/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_BASE_WRITER_H
#define LKS_BASE_WRITER_H

/*
 * Appends to a buffer of fixed capacity. The error is sticky: after a write that did not fit, or a
 * length prefix that its contents overflow, nothing more is written and `failed` stays set, so that
 * the code that builds a message checks once, at its end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct lks_writer {
    uint8_t *data;
    size_t cap;
    size_t len; /* written so far */
    bool failed;
};

static inline struct lks_writer lks_writer_of(uint8_t *data, size_t cap)
{
    return (struct lks_writer){data, cap, 0, false};
}

/* Whether len bytes more fit; if not, the writer has failed. */
static inline bool lks_write_fits(struct lks_writer *w, size_t len)
{
    if (w->cap - w->len < len)
        w->failed = true;
    return !w->failed;
}

/* Room for len bytes that the caller fills, or NULL. */
static inline uint8_t *lks_write_room(struct lks_writer *w, size_t len)
{
    if (!lks_write_fits(w, len))
        return NULL;
    uint8_t *p = w->data + w->len;
    w->len += len;
    return p;
}

static inline void lks_write_bytes(struct lks_writer *w, const void *bytes, size_t len)
{
    if (!lks_write_fits(w, len) || !len)
        return;
    uint8_t *p = w->data + w->len;
    w->len += len;
    memcpy(p, bytes, len);
}

static inline void lks_write_uint(struct lks_writer *w, uint64_t value, unsigned int num_bytes)
{
    if (!lks_write_fits(w, num_bytes))
        return;
    uint8_t *p = w->data + w->len;
    w->len += num_bytes;
    for (unsigned int i = 0; i < num_bytes; i++)
        p[i] = (uint8_t)(value >> 8 * (num_bytes - 1 - i));
}

static inline void lks_write_u8(struct lks_writer *w, uint8_t value)
{
    lks_write_uint(w, value, 1);
}

static inline void lks_write_u16(struct lks_writer *w, uint16_t value)
{
    lks_write_uint(w, value, 2);
}

static inline void lks_write_u24(struct lks_writer *w, uint32_t value)
{
    lks_write_uint(w, value, 3);
}

static inline void lks_write_u32(struct lks_writer *w, uint32_t value)
{
    lks_write_uint(w, value, 4);
}

/* Opens a vector with a length prefix of num_bytes; give what it returns to lks_write_close(). */
static inline size_t lks_write_open(struct lks_writer *w, unsigned int num_bytes)
{
    lks_write_uint(w, 0, num_bytes);
    return w->len;
}

static inline void lks_write_close(struct lks_writer *w, size_t opened, unsigned int num_bytes)
{
    if (w->failed)
        return;
    size_t len = w->len - opened;
    if (len >> 8 * num_bytes) {
        w->failed = true;
        return;
    }
    for (unsigned int i = 0; i < num_bytes; i++)
        w->data[opened - num_bytes + i] = (uint8_t)(len >> 8 * (num_bytes - 1 - i));
}

#endif
