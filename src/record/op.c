/* SPDX-License-Identifier: BSD-3-Clause */
#include "record/record.h"

#include <string.h>

#include "base/ct.h"

/* Longest content with its type, RFC 8446 section 5.4. [8446 5.4-5] */
#define INNER_MAX (LKS_RECORD_PLAINTEXT_MAX + 1u)

/* A block cipher's padding with its length byte, RFC 5246 section 6.2.3.2. */
#define PADDING_MAX 256u

/* The lowest and, at the end, the highest address of a list's bytes. */
static void bounds_of(const struct lks_span *spans, uint32_t num, uintptr_t *low, uintptr_t *high)
{
    *low = UINTPTR_MAX;
    *high = 0;
    for (uint32_t i = 0; i < num; i++) {
        const uintptr_t begin = (uintptr_t)spans[i].data, end = begin + spans[i].len;
        if (begin == end)
            continue;
        *low = begin < *low ? begin : *low;
        *high = end > *high ? end : *high;
    }
}

/*
 * Whether a source and a destination overlap otherwise than by being the same bytes. *_pos is the
 * place of each list's first byte in the text, so that bytes of the same place have the same
 * difference of address and place.
 */
static bool overlaps_badly(const struct lks_op *op, ptrdiff_t src_pos, ptrdiff_t dst_pos)
{
    uintptr_t src_low, src_high, dst_low, dst_high;
    bounds_of(op->src, op->num_src, &src_low, &src_high);
    bounds_of(op->dst, op->num_dst, &dst_low, &dst_high);
    if (src_high <= dst_low || dst_high <= src_low)
        return false; /* long lists from different pools need not be compared pair by pair */
    for (uint32_t s = 0; s < op->num_src; src_pos += (ptrdiff_t)op->src[s++].len) {
        uintptr_t src = (uintptr_t)op->src[s].data, src_end = src + op->src[s].len;
        ptrdiff_t pos = dst_pos;
        for (uint32_t d = 0; d < op->num_dst; pos += (ptrdiff_t)op->dst[d++].len) {
            uintptr_t dst = (uintptr_t)op->dst[d].data, dst_end = dst + op->dst[d].len;
            bool meet = src < dst_end && dst < src_end && src != src_end && dst != dst_end;
            if (meet && src - (uintptr_t)src_pos != dst - (uintptr_t)pos)
                return true;
        }
    }
    return false;
}

/* Cuts the next len bytes of both walks into segments: a piece ends where either side's span does.
 */
static struct lks_seg *make_segs(struct lks_seg *seg, struct span_walk *src, struct span_walk *dst,
                                 size_t len)
{
    while (len) {
        uint8_t *from = NULL, *to = NULL;
        size_t n = span_walk_piece(src, &from), n_dst = span_walk_piece(dst, &to);
        n = n < n_dst ? n : n_dst;
        n = n < len ? n : len;
        *seg++ = (struct lks_seg){from, to, n};
        span_walk_step(src, n);
        span_walk_step(dst, n);
        len -= n;
    }
    return seg;
}

/* RFC 8446 section 5.4: zeros. [8446 5.4-1] */
static struct lks_seg *make_padding_segs(struct lks_seg *seg, struct span_walk *dst, size_t len)
{
    static const uint8_t zeros[256];
    while (len) {
        uint8_t *to = NULL;
        size_t n = span_walk_piece(dst, &to);
        n = n < len ? n : len;
        n = n < sizeof(zeros) ? n : sizeof(zeros);
        *seg++ = (struct lks_seg){zeros, to, n};
        span_walk_step(dst, n);
        len -= n;
    }
    return seg;
}

static void begin_job(struct lks_work *work, const struct lks_key *key, const uint8_t *header,
                      const uint8_t *explicit_nonce, uint32_t text_len)
{
    struct lks_aead_job *job = &work->job;
    lks_protection_nonce(key->protection, key->iv, key->seq, explicit_nonce, job->nonce);
    job->state = key->state;
    job->aad = work->aad;
    job->aad_len = lks_protection_aad(key->protection, header, key->seq, text_len, work->aad);
    job->len = text_len;
    job->tag = work->tag;
    job->is_record = false;
    job->ok = false;
}

static inline size_t record_len_of(const struct lks_key *key, size_t len)
{
    const struct lks_protection *row = key->protection;
    if (!key->aead) /* plaintext, or a key that is not set up yet */
        return LKS_RECORD_HEADER_LEN + len;
    return LKS_RECORD_HEADER_LEN + row->explicit_nonce_len + len + row->hides_type +
           lks_aead_tail_len(key->aead, len);
}

size_t lks_key_record_len(const struct lks_key *key, size_t len)
{
    return record_len_of(key, len);
}

static enum lks_status seal_plaintext(const struct lks_op *op, const uint8_t *header, size_t len)
{
    struct span_walk src = span_walk_of(op->src, op->num_src);
    struct span_walk dst = span_walk_of(op->dst, op->num_dst);
    span_walk_write(&dst, header, LKS_RECORD_HEADER_LEN);
    while (len) {
        uint8_t *from = NULL, *to = NULL;
        size_t n = span_walk_piece(&src, &from), n_dst = span_walk_piece(&dst, &to);
        n = n < n_dst ? n : n_dst;
        memmove(to, from, n);
        span_walk_step(&src, n);
        span_walk_step(&dst, n);
        len -= n;
    }
    return LKS_OK;
}

/* Writes what stands in front of the text and cuts the text into segments. Returns their end. */
static struct lks_seg *lay_out(const struct lks_op *op, struct lks_work *work, struct lks_seg *seg,
                               const uint8_t *header, const uint8_t *explicit_nonce)
{
    const struct lks_protection *row = op->key->protection;
    struct span_walk src = span_walk_of(op->src, op->num_src);
    struct span_walk dst = span_walk_of(op->dst, op->num_dst);
    span_walk_write(&dst, header, LKS_RECORD_HEADER_LEN);
    span_walk_write(&dst, explicit_nonce, row->explicit_nonce_len);
    seg = make_segs(seg, &src, &dst, spans_len(op->src, op->num_src));
    if (row->hides_type) {
        struct lks_span type = {&work->type, 1};
        struct span_walk type_walk = span_walk_of(&type, 1);
        seg = make_segs(seg, &type_walk, &dst, 1);
        seg = make_padding_segs(seg, &dst, op->pad_len);
    }
    work->tag_at = dst;
    return seg;
}

static enum lks_status prepare_seal(const struct lks_op *op, struct lks_work *work,
                                    struct lks_mac_side *side, struct lks_seg *segs)
{
    struct lks_key *key = op->key;
    const struct lks_protection *row = key->protection;
    size_t len = spans_len(op->src, op->num_src);
    /* RFC 8446 section 5: no other types are sent. [8446 5-4] [5246 6-1] */
    if (op->type < LKS_TYPE_CHANGE_CIPHER_SPEC || op->type > LKS_TYPE_APPLICATION_DATA ||
        (op->pad_len && !row->hides_type))
        return LKS_BAD_ARGUMENT;
    /* RFC 8446 section 5.4: padding counts. [8446 5.4-5] [5246 6.2.1-1] */
    if (len + op->pad_len > LKS_RECORD_PLAINTEXT_MAX)
        return LKS_RECORD_OVERFLOW;
    size_t record_len = record_len_of(key, len + op->pad_len);
    if (spans_len(op->dst, op->num_dst) < record_len)
        return LKS_NO_ROOM;
    const uint32_t prefix = LKS_RECORD_HEADER_LEN + row->explicit_nonce_len;
    if (overlaps_badly(op, 0, -(ptrdiff_t)prefix))
        return LKS_BAD_OVERLAP;
    size_t fragment = record_len - LKS_RECORD_HEADER_LEN;
    /* RFC 8446 section 5.1: legacy_record_version is 0x0303. [8446 5.1-10] */
    const uint8_t header[LKS_RECORD_HEADER_LEN] = {
        row->hides_type ? LKS_TYPE_APPLICATION_DATA : op->type, 3, 3, (uint8_t)(fragment >> 8),
        (uint8_t)fragment};
    work->job.len = (uint32_t)len;
    work->job.num_segs = 0;
    if (row->is_plaintext)
        return seal_plaintext(op, header, len);
    /* RFC 8446 section 5.3: long before the number would wrap. [8446 5.3-2] */
    if (key->seq >= key->aead->max_records)
        return LKS_SEQ_EXHAUSTED;

    uint32_t text_len = (uint32_t)len + (row->hides_type ? 1u + op->pad_len : 0);
    uint8_t explicit_nonce[LKS_EXPLICIT_NONCE_MAX] = {0};
    /* [5288 3-2] */
    store_be64(explicit_nonce, key->seq);
    begin_job(work, key, header, explicit_nonce, text_len);
    if (row->has_mac)
        work->job.side = side; /* its IV takes the place of the explicit nonce when it is there */
    key->seq++;

    work->type = op->type;
    work->job.segs = segs;
    work->job.num_segs = (uint32_t)(lay_out(op, work, segs, header, explicit_nonce) - segs);
    return LKS_OK;
}

static enum lks_status open_plaintext(const struct lks_op *op, struct span_walk src, size_t len)
{
    if (!op->num_dst)
        return LKS_OK;
    if (spans_len(op->dst, op->num_dst) < len)
        return LKS_NO_ROOM;
    if (overlaps_badly(op, -(ptrdiff_t)LKS_RECORD_HEADER_LEN, 0))
        return LKS_BAD_OVERLAP;
    struct span_walk dst = span_walk_of(op->dst, op->num_dst);
    while (len) {
        uint8_t *from = NULL;
        size_t n = span_walk_piece(&src, &from);
        n = n < len ? n : len;
        span_walk_write(&dst, from, n);
        span_walk_step(&src, n);
        len -= n;
    }
    return LKS_OK;
}

/* How much of a fragment is text to the kernel; negative if no such fragment can be right. */
static int64_t text_len_of(const struct lks_key *key, size_t fragment)
{
    const size_t prefix = key->protection->explicit_nonce_len;
    return fragment < prefix ? -1 : lks_aead_text_len(key->aead, fragment - prefix);
}

/* What the header alone tells. */
static enum lks_status check_record(const struct lks_key *key, const uint8_t *header, size_t len)
{
    const struct lks_protection *row = key->protection;
    size_t fragment = (size_t)header[3] << 8 | header[4];
    if (fragment != len - LKS_RECORD_HEADER_LEN)
        return LKS_BAD_RECORD;
    if (row->is_plaintext)
        return fragment > LKS_RECORD_PLAINTEXT_MAX ? LKS_RECORD_OVERFLOW : LKS_OK;
    if (row->hides_type && header[0] != LKS_TYPE_APPLICATION_DATA)
        return LKS_BAD_RECORD;
    const int64_t text_len = text_len_of(key, fragment);
    if (text_len < row->hides_type)
        return LKS_BAD_TAG; /* there is no room for a right one */
    int64_t text_max = row->hides_type ? INNER_MAX : LKS_RECORD_PLAINTEXT_MAX;
    if (row->has_mac) /* MAC and padding are still among the text */
        text_max += (key->aead->mac_inside ? key->aead->tag_len : 0) + PADDING_MAX;
    return text_len > text_max ? LKS_RECORD_OVERFLOW : LKS_OK;
}

static enum lks_status prepare_open(const struct lks_op *op, struct lks_work *work,
                                    struct lks_mac_side *side, struct lks_seg *segs)
{
    struct lks_key *key = op->key;
    const struct lks_protection *row = key->protection;
    struct span_walk src = span_walk_of(op->src, op->num_src);
    size_t len = spans_len(op->src, op->num_src);
    uint8_t header[LKS_RECORD_HEADER_LEN], explicit_nonce[LKS_EXPLICIT_NONCE_MAX];
    if (len < LKS_RECORD_HEADER_LEN)
        return LKS_BAD_RECORD;
    span_walk_read(&src, header, sizeof(header));
    enum lks_status status = check_record(key, header, len);
    if (status)
        return status;
    work->type = header[0];
    work->job.len = (uint32_t)(len - LKS_RECORD_HEADER_LEN);
    work->job.num_segs = 0;
    if (row->is_plaintext)
        return open_plaintext(op, src, len - LKS_RECORD_HEADER_LEN);

    uint32_t prefix = LKS_RECORD_HEADER_LEN + row->explicit_nonce_len;
    uint32_t text_len = (uint32_t)text_len_of(key, len - LKS_RECORD_HEADER_LEN);
    if (op->num_dst && spans_len(op->dst, op->num_dst) < text_len)
        return LKS_NO_ROOM;
    if (op->num_dst && overlaps_badly(op, -(ptrdiff_t)prefix, 0))
        return LKS_BAD_OVERLAP;
    /* RFC 8446 section 5.3: the next one would wrap. [8446 5.3-2] */
    if (key->seq == UINT64_MAX)
        return LKS_SEQ_EXHAUSTED;
    span_walk_read(&src, explicit_nonce, row->explicit_nonce_len);
    begin_job(work, key, header, explicit_nonce, text_len);

    struct span_walk dst = op->num_dst ? span_walk_of(op->dst, op->num_dst) : src;
    work->job.segs = segs;
    work->job.num_segs = (uint32_t)(make_segs(segs, &src, &dst, text_len) - segs);
    if (!row->has_mac) {
        span_walk_read(&src, work->tag, key->aead->tag_len);
        return LKS_OK;
    }
    work->job.side = side;
    memcpy(side->iv, explicit_nonce, sizeof(side->iv));
    if (!key->aead->mac_inside)
        span_walk_read(&src, side->tail, key->aead->tag_len);
    return LKS_OK;
}

enum lks_status lks_op_prepare(const struct lks_op *op, struct lks_work *work,
                               struct lks_mac_side *side, struct lks_seg *segs)
{
    if (!op->key || !op->key->protection)
        return LKS_BAD_ARGUMENT;
    return op->key->dir == LKS_SEAL ? prepare_seal(op, work, side, segs)
                                    : prepare_open(op, work, side, segs);
}

/*
 * RFC 8446 section 5.4: the type is the last byte that is not zero. The scan stops there: how long
 * it takes tells the length of the padding and nothing of the content, of which one byte at most is
 * looked at, and that one is the type. Returns the length of the content, or -1 if all is zero.
 * [8446 5.4-3]
 */
static int64_t find_type(const struct lks_aead_job *job, uint8_t *type)
{
    uint32_t left = job->len;
    for (uint32_t i = job->num_segs; i-- > 0;) {
        const struct lks_seg *seg = &job->segs[i];
        for (size_t at = seg->len; at-- > 0;) {
            left--;
            if (seg->dst[at]) {
                *type = seg->dst[at];
                return left;
            }
        }
    }
    return -1;
}

static enum lks_status finish_open(struct lks_op *op, const struct lks_work *work)
{
    struct lks_key *key = op->key;
    op->type = work->type;
    op->len = 0;
    if (!key->protection->is_plaintext && !work->job.ok)
        return LKS_BAD_TAG;
    if (!key->protection->is_plaintext)
        key->seq++;
    if (!key->protection->hides_type) {
        if (work->job.len > LKS_RECORD_PLAINTEXT_MAX) {
            lks_aead_wipe_text(&work->job); /* a MAC's record shows its length only now */
            return LKS_RECORD_OVERFLOW;
        }
        op->len = work->job.len;
        return LKS_OK;
    }
    int64_t len = find_type(&work->job, &op->type);
    if (len < 0) {
        op->type = 0;
        return LKS_ALERT_UNEXPECTED_MESSAGE; /* RFC 8446 section 5.4: no type under the padding
                                                [8446 5.4-4] */
    }
    op->len = (uint32_t)len;
    return LKS_OK;
}

enum lks_status lks_op_finish(struct lks_op *op, struct lks_work *work)
{
    const struct lks_key *key = op->key;
    if (key->dir == LKS_OPEN)
        return finish_open(op, work);
    if (!key->aead) {
        op->len = LKS_RECORD_HEADER_LEN + work->job.len;
        return LKS_OK;
    }
    const uint32_t tail_len = lks_aead_tail_len(key->aead, work->job.len);
    const uint8_t *tail = work->tag;
    if (key->protection->has_mac) {
        struct span_walk iv = span_walk_of(op->dst, op->num_dst);
        span_walk_skip(&iv, LKS_RECORD_HEADER_LEN);
        span_walk_write(&iv, work->job.side->iv, key->protection->explicit_nonce_len);
        tail = work->job.side->tail;
    }
    span_walk_write(&work->tag_at, tail, tail_len);
    op->len =
        LKS_RECORD_HEADER_LEN + key->protection->explicit_nonce_len + work->job.len + tail_len;
    return LKS_OK;
}

size_t lks_op_content_at(const struct lks_op *op)
{
    return LKS_RECORD_HEADER_LEN + op->key->protection->explicit_nonce_len;
}
