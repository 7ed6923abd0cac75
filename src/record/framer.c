/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <lockstep/engine.h>

#include "record/spans.h"

/* As much of a header as the spans have. Returns how many bytes. */
static size_t peek_header(struct span_walk at, uint8_t header[LKS_RECORD_HEADER_LEN])
{
    size_t have = 0;
    while (have < LKS_RECORD_HEADER_LEN) {
        uint8_t *data;
        size_t n = span_walk_piece(&at, &data);
        if (!n)
            break;
        if (n > LKS_RECORD_HEADER_LEN - have)
            n = LKS_RECORD_HEADER_LEN - have;
        memcpy(header + have, data, n);
        have += n;
        span_walk_step(&at, n);
    }
    return have;
}

/* Moves len bytes ahead, or returns false if the spans end before. */
static bool skip(struct span_walk *at, size_t len)
{
    while (len) {
        uint8_t *data;
        size_t n = span_walk_piece(at, &data);
        if (!n)
            return false;
        n = n < len ? n : len;
        len -= n;
        span_walk_step(at, n);
    }
    return true;
}

enum lks_status lks_frame_next(const struct lks_span *spans, uint32_t num_spans,
                               size_t max_fragment, struct lks_frame_pos *pos,
                               struct lks_frame *frame)
{
    struct span_walk at = {spans + pos->span, num_spans - pos->span, pos->offset};
    uint8_t header[LKS_RECORD_HEADER_LEN];
    size_t have = peek_header(at, header);

    memset(frame, 0, sizeof(*frame));
    frame->len = LKS_RECORD_HEADER_LEN;
    /* RFC 8446 section 5: no such record. What is not TLS is known by it: text, and SSL 2. Section
     * 5.1: the version is no reason to refuse one. [8446 5-5 5.1-11 D.5-4 D.5-5] [5246 6-2] */
    if (have >= 1 &&
        (header[0] < LKS_TYPE_CHANGE_CIPHER_SPEC || header[0] > LKS_TYPE_APPLICATION_DATA))
        return LKS_ALERT_UNEXPECTED_MESSAGE;
    if (have < LKS_RECORD_HEADER_LEN)
        return LKS_WANT_DATA;

    size_t fragment = (size_t)header[3] << 8 | header[4];
    /* RFC 8446 sections 5.1 and 5.2. [8446 5.1-12 5.2-1] */
    if (fragment > max_fragment)
        return LKS_RECORD_OVERFLOW;
    frame->len = LKS_RECORD_HEADER_LEN + fragment;
    frame->type = header[0];
    frame->version = (uint16_t)(header[1] << 8 | header[2]);
    if (!skip(&at, frame->len))
        return LKS_WANT_DATA;
    pos->span = num_spans - at.num_left;
    pos->offset = at.offset;
    return LKS_OK;
}
