/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_RECORD_SPANS_H
#define LKS_RECORD_SPANS_H

/* Walking lists of spans as one string of bytes. */

#include <stdbool.h>
#include <string.h>

#include <lockstep/span.h>

/* A place in a list of spans. Zero-sized spans are stepped over. */
struct span_walk {
    const struct lks_span *span;
    uint32_t num_left; /* spans, *span included */
    size_t offset;     /* in *span */
};

static inline size_t spans_len(const struct lks_span *spans, uint32_t num_spans)
{
    size_t len = 0;
    for (uint32_t i = 0; i < num_spans; i++)
        len += spans[i].len;
    return len;
}

static inline struct span_walk span_walk_of(const struct lks_span *spans, uint32_t num_spans)
{
    return (struct span_walk){spans, num_spans, 0};
}

/* Bytes in one piece at this place; 0 only at the end of the list. */
static inline size_t span_walk_piece(struct span_walk *w, uint8_t **data)
{
    while (w->num_left && w->offset == w->span->len) {
        w->span++;
        w->num_left--;
        w->offset = 0;
    }
    if (!w->num_left)
        return 0;
    *data = w->span->data + w->offset;
    return w->span->len - w->offset;
}

/* len: at most what span_walk_piece() said. */
static inline void span_walk_step(struct span_walk *w, size_t len)
{
    w->offset += len;
}

/* Copies len bytes out of the list, or into it, and moves on. The list must have them. */
static inline void span_walk_read(struct span_walk *w, uint8_t *out, size_t len)
{
    if (w->num_left && w->span->len - w->offset >= len) { /* the usual case, and len is constant */
        memcpy(out, w->span->data + w->offset, len);
        w->offset += len;
        return;
    }
    uint8_t *data = NULL;
    while (len) {
        size_t n = span_walk_piece(w, &data);
        n = n < len ? n : len;
        memcpy(out, data, n);
        out += n;
        len -= n;
        span_walk_step(w, n);
    }
}

static inline void span_walk_write(struct span_walk *w, const uint8_t *in, size_t len)
{
    if (w->num_left && w->span->len - w->offset >= len) { /* the usual case, and len is constant */
        memcpy(w->span->data + w->offset, in, len);
        w->offset += len;
        return;
    }
    uint8_t *data = NULL;
    while (len) {
        size_t n = span_walk_piece(w, &data);
        n = n < len ? n : len;
        memcpy(data, in, n);
        in += n;
        len -= n;
        span_walk_step(w, n);
    }
}

static inline void span_walk_skip(struct span_walk *w, size_t len)
{
    while (len) {
        uint8_t *data = NULL;
        size_t n = span_walk_piece(w, &data);
        n = n < len ? n : len;
        len -= n;
        span_walk_step(w, n);
    }
}

#endif
