/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_RECORD_PIECE_H
#define LKS_RECORD_PIECE_H

/*
 * The usual record, in a hurry: TLS 1.3, content and record in one span each, no padding, nothing
 * wrong with it. For all else these functions answer false, having done nothing, and op.c decides.
 * A short record costs the engine less than half of what the walks over lists would.
 */

#include <string.h>

#include "base/bytes.h"
#include "record/record.h"

#define PIECE_TAG_LEN 16u

/* A TLS 1.3 record's header, RFC 8446 section 5.2, as the first five of eight bytes. */
static inline uint64_t piece_header(size_t fragment)
{
    return LKS_TYPE_APPLICATION_DATA | 0x0303u << 8 |
           (uint64_t)__builtin_bswap16((uint16_t)fragment) << 24;
}

/* Whether two stretches share no byte. */
static inline bool are_apart(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    return (uintptr_t)a + a_len <= (uintptr_t)b || (uintptr_t)b + b_len <= (uintptr_t)a;
}

static inline void piece_begin_job(const struct lks_key *key, struct lks_work *work,
                                   uint32_t num_segs, uint64_t header, size_t text_len,
                                   uint8_t *tag)
{
    struct lks_aead_job *job = &work->job;
    job->state = key->state;
    job->aad = work->aad;
    job->is_record = true;
    job->segs = work->piece;
    job->num_segs = num_segs;
    job->len = (uint32_t)text_len;
    job->aad_len = LKS_RECORD_HEADER_LEN;
    job->tag = tag;
    memcpy(job->nonce, key->iv, 4);
    store_be64(job->nonce + 4, load_be64(key->iv + 4) ^ key->seq);
    store_le64(work->aad, header);
    store_le64(work->aad + 8, 0);
}

/* As lks_op_prepare(), where that would say LKS_OK. The op's results are there already: nothing
 * that follows can fail, and there is nothing to finish. */
static inline bool lks_piece_prepare_seal(struct lks_op *op, struct lks_work *work)
{
    struct lks_key *key = op->key;
    if (!key->makes_pieces || op->num_src != 1 || op->num_dst != 1)
        return false;
    uint8_t *src = op->src->data, *dst = op->dst->data, *text = dst + LKS_RECORD_HEADER_LEN;
    const size_t len = op->src->len, room = op->dst->len;
    const size_t fragment = len + 1 + PIECE_TAG_LEN;
    if (op->pad_len || len - 1 >= LKS_RECORD_PLAINTEXT_MAX ||
        room < LKS_RECORD_HEADER_LEN + fragment || key->seq >= key->aead->max_records ||
        (uint8_t)(op->type - LKS_TYPE_CHANGE_CIPHER_SPEC) > 3 ||
        (src != text && !are_apart(src, len, dst, room)))
        return false;
    const uint64_t header = piece_header(fragment);
    store_le32(dst, (uint32_t)header);
    dst[4] = (uint8_t)(header >> 32);
    work->type = op->type;
    work->piece[0] = (struct lks_seg){src, text, len};
    work->piece[1] = (struct lks_seg){&work->type, text + len, 1};
    piece_begin_job(key, work, 2, header, len + 1, text + len + 1);
    key->seq++;
    op->len = (uint32_t)(LKS_RECORD_HEADER_LEN + fragment);
    op->status = LKS_OK;
    return true;
}

/* As lks_op_prepare(), where that would say LKS_OK. */
static inline bool lks_piece_prepare_open(const struct lks_op *op, struct lks_work *work)
{
    const struct lks_key *key = op->key;
    if (!key->makes_pieces || op->num_src != 1 || op->num_dst > 1)
        return false;
    uint8_t *src = op->src->data, *text = src + LKS_RECORD_HEADER_LEN, *dst = text;
    const size_t len = op->src->len, fragment = len - LKS_RECORD_HEADER_LEN;
    const size_t text_len = fragment - PIECE_TAG_LEN;
    if (len < LKS_RECORD_HEADER_LEN + 1 + PIECE_TAG_LEN ||
        text_len > LKS_RECORD_PLAINTEXT_MAX + 1 || key->seq == UINT64_MAX ||
        src[0] != LKS_TYPE_APPLICATION_DATA || ((size_t)src[3] << 8 | src[4]) != fragment)
        return false;
    if (op->num_dst) {
        dst = op->dst->data;
        if (op->dst->len < text_len || (dst != text && !are_apart(src, len, dst, op->dst->len)))
            return false;
    }
    work->is_piece = true;
    work->piece[0] = (struct lks_seg){text, dst, text_len};
    piece_begin_job(key, work, 1, load_le32(src) | (uint64_t)src[LKS_RECORD_HEADER_LEN - 1] << 32,
                    text_len, text + text_len);
    return true;
}

/* Opening: as lks_op_finish() for what lks_piece_prepare_open() began, where that would say LKS_OK.
 */
static inline bool lks_piece_finish(struct lks_op *op, const struct lks_work *work)
{
    const struct lks_aead_job *job = &work->job;
    if (!work->is_piece || !job->ok)
        return false;
    const uint8_t type = work->piece->dst[job->len - 1];
    if (!type) /* padded */
        return false;
    op->key->seq++;
    op->type = type;
    op->len = job->len - 1;
    op->status = LKS_OK;
    return true;
}

#endif
