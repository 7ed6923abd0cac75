/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lks_frame_next() over any bytes in any split, against a reference that reads flat bytes. The
 * first eight bytes of an input seed the split, the ninth chooses the longest fragment allowed;
 * the stream is the rest.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/engine.h>

#include "common/test.h"

#define PREFIX_LEN 9u
#define SPANS_MAX  64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max_len);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed);

static const size_t limits[] = {LKS_RECORD_PLAINTEXT_MAX, LKS_RECORD_CIPHERTEXT_MAX, 255, 0};

/* The stream once flat and once cut up, each piece in a block of its own: a read past one end is
 * then a read that the sanitizer sees. */
struct stream {
    const uint8_t *flat;
    size_t len;
    struct lks_span spans[SPANS_MAX];
    uint32_t num_spans;
};

static void cut(struct stream *s, uint64_t seed)
{
    size_t at = 0;
    size_t longest = 1 + lks_test_random(&seed) % (s->len + 1);
    while (s->num_spans < SPANS_MAX) {
        size_t n = lks_test_random(&seed) % (longest + 1);
        if (n > s->len - at || s->num_spans == SPANS_MAX - 1)
            n = s->len - at;
        uint8_t *block = malloc(n);
        if (n && !block)
            abort();
        if (n)
            memcpy(block, s->flat + at, n);
        s->spans[s->num_spans++] = (struct lks_span){block, n};
        at += n;
        if (at == s->len && lks_test_random(&seed) % 4)
            return; /* else some empty spans behind the end */
    }
}

static size_t flat_offset(const struct stream *s, const struct lks_frame_pos *pos)
{
    size_t offset = pos->offset;
    for (uint32_t i = 0; i < pos->span; i++)
        offset += s->spans[i].len;
    return offset;
}

/* What the header says about itself, RFC 8446 section 5.1, one byte after the other. */
static enum lks_status expect(const uint8_t *p, size_t len, size_t max_fragment,
                              struct lks_frame *frame)
{
    *frame = (struct lks_frame){.len = 5};
    if (len < 1)
        return LKS_WANT_DATA;
    if (p[0] != 20 && p[0] != 21 && p[0] != 22 && p[0] != 23)
        return LKS_ALERT_UNEXPECTED_MESSAGE;
    if (len < 5)
        return LKS_WANT_DATA;
    size_t fragment = p[3] * 256u + p[4];
    if (fragment > max_fragment)
        return LKS_RECORD_OVERFLOW;
    *frame = (struct lks_frame){
        .len = 5 + fragment, .type = p[0], .version = (uint16_t)(p[1] * 256 + p[2])};
    return len < 5 + fragment ? LKS_WANT_DATA : LKS_OK;
}

static void check(bool cond, const char *what, size_t offset)
{
    if (cond)
        return;
    fprintf(stderr, "fuzz_framer: %s of the record at byte %zu\n", what, offset);
    abort();
}

/* One record; returns whether another may follow. */
static bool step(const struct stream *s, size_t max_fragment, struct lks_frame_pos *pos,
                 size_t *offset)
{
    struct lks_frame got, wanted;
    const struct lks_frame_pos before = *pos;
    enum lks_status expected = expect(s->flat + *offset, s->len - *offset, max_fragment, &wanted);
    enum lks_status status = lks_frame_next(s->spans, s->num_spans, max_fragment, pos, &got);

    check(status == expected, "status", *offset);
    if (status == LKS_OK || status == LKS_WANT_DATA)
        check(got.len == wanted.len, "length", *offset);
    if (status != LKS_OK) {
        check(pos->span == before.span && pos->offset == before.offset, "position", *offset);
        return false;
    }
    check(got.type == wanted.type && got.version == wanted.version, "header", *offset);
    *offset += wanted.len;
    check(pos->span <= s->num_spans && flat_offset(s, pos) == *offset, "position", *offset);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < PREFIX_LEN)
        return 0;
    uint64_t seed;
    memcpy(&seed, data, sizeof(seed));
    struct stream s = {.flat = data + PREFIX_LEN, .len = len - PREFIX_LEN};
    size_t max_fragment = limits[data[8] % 4], offset = 0;
    struct lks_frame_pos pos = {0};

    cut(&s, seed);
    while (step(&s, max_fragment, &pos, &offset))
        ;
    for (uint32_t i = 0; i < s.num_spans; i++)
        free(s.spans[i].data);
    return 0;
}

/* Mostly gives the mutated stream good headers, or it would end at its first byte. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
    uint64_t random = seed;
    len = LLVMFuzzerMutate(data, len, max_len);
    size_t at = PREFIX_LEN;
    while (at + 5 <= len && lks_test_random(&random) % 16) {
        data[at] = (uint8_t)(20 + data[at] % 4);
        data[at + 1] = 3;
        if (lks_test_random(&random) % 4)
            data[at + 3] = 0;
        at += 5 + (data[at + 3] * 256u + data[at + 4]);
    }
    return len;
}
