/* SPDX-License-Identifier: BSD-3-Clause */
#include <lockstep/engine.h>
#include <string.h>

#include "test_record.h"

#define STREAM_MAX 400u

/* Records of several lengths, 0 among them, back to back. */
static size_t make_stream(uint8_t *stream, size_t *ends, size_t *num_records)
{
    static const uint8_t lens[] = {3, 0, 17, 1, 60};
    size_t at = 0;
    *num_records = sizeof(lens);
    for (size_t i = 0; i < sizeof(lens); i++) {
        const uint8_t header[] = {(uint8_t)(20 + i % 4), 3, (uint8_t)(i % 5), 0, lens[i]};
        memcpy(stream + at, header, 5);
        memset(stream + at + 5, 0xee, lens[i]);
        at += 5u + lens[i];
        ends[i] = at;
    }
    return at;
}

/* Finds every record, then the end. */
static void check_frames(const struct lks_span *spans, uint32_t num_spans, const uint8_t *stream,
                         const size_t *ends, size_t num_records, const char *what, size_t arg)
{
    struct lks_frame_pos pos = {0};
    struct lks_frame frame;
    size_t start = 0;
    for (size_t i = 0; i < num_records; start = ends[i++]) {
        enum lks_status status = lks_frame_next(spans, num_spans, 16384, &pos, &frame);
        if (!LKS_CHECK(status == LKS_OK && frame.len == ends[i] - start &&
                           frame.type == stream[start] &&
                           frame.version == (0x300 | stream[start + 2]),
                       "record %zu, %s %zu: %s", i, what, arg, lks_status_name(status)))
            return;
    }
    const struct lks_frame_pos before = pos;
    LKS_CHECK(lks_frame_next(spans, num_spans, 16384, &pos, &frame) == LKS_WANT_DATA &&
                  frame.len == LKS_RECORD_HEADER_LEN && !memcmp(&pos, &before, sizeof(pos)),
              "the end, %s %zu", what, arg);
}

static void test_every_split(void)
{
    uint8_t stream[STREAM_MAX];
    size_t ends[8], num_records, len = make_stream(stream, ends, &num_records);
    for (size_t a = 0; a <= len; a++)
        for (size_t b = a; b <= len; b++) {
            const struct lks_span spans[] = {
                {stream, a}, {stream + a, b - a}, {NULL, 0}, {stream + b, len - b}};
            check_frames(spans, 4, stream, ends, num_records, "split at", a * 1000 + b);
        }
}

static void test_one_byte_spans(void)
{
    uint8_t stream[STREAM_MAX];
    struct lks_span spans[2 * STREAM_MAX] = {0};
    size_t ends[8], num_records, len = make_stream(stream, ends, &num_records);
    for (size_t i = 0; i < len; i++)
        spans[i] = (struct lks_span){stream + i, 1};
    check_frames(spans, (uint32_t)len, stream, ends, num_records, "single bytes", len);
    for (size_t i = 0; i < len; i++) {
        spans[2 * i] = (struct lks_span){NULL, 0};
        spans[2 * i + 1] = (struct lks_span){stream + i, 1};
    }
    check_frames(spans, (uint32_t)(2 * len), stream, ends, num_records, "with empty ones", len);
}

/* Cut short anywhere: nothing is found, nothing moves, and what is asked for is right. */
static void test_truncated(void)
{
    uint8_t record[5 + 60] = {23, 3, 3, 0, 60};
    for (size_t have = 0; have < sizeof(record); have++)
        for (size_t cut = 0; cut <= have; cut++) {
            const struct lks_span spans[] = {{record, cut}, {record + cut, have - cut}};
            struct lks_frame_pos pos = {0};
            struct lks_frame frame;
            LKS_CHECK(lks_frame_next(spans, 2, 16384, &pos, &frame) == LKS_WANT_DATA &&
                          frame.len == (have < 5 ? 5 : sizeof(record)) && !pos.span && !pos.offset,
                      "%zu bytes, cut at %zu", have, cut);
        }
}

static enum lks_status judge(const uint8_t *bytes, size_t len, size_t max_fragment)
{
    uint8_t copy[8];
    memcpy(copy, bytes, len);
    const struct lks_span span = {copy, len};
    struct lks_frame_pos pos = {0};
    struct lks_frame frame;
    enum lks_status status = lks_frame_next(&span, 1, max_fragment, &pos, &frame);
    LKS_CHECK(status == LKS_OK || (!pos.span && !pos.offset), "moved without a record");
    return status;
}

/* RFC 8446 section 5: judged from the header alone. [8446 5-5] [5246 6-2] */
static void test_bad_headers(void)
{
    for (unsigned int type = 0; type < 256; type++) {
        const uint8_t byte = (uint8_t)type;
        LKS_CHECK(judge(&byte, 1, 16384) ==
                      (type >= 20 && type <= 23 ? LKS_WANT_DATA : LKS_ALERT_UNEXPECTED_MESSAGE),
                  "type %u from its byte alone", type);
        /* RFC 8446 section 5.1: the version is ignored. [8446 5.1-11] */
        const uint8_t major[] = {22, byte, 3, 0, 1}, minor[] = {22, 3, byte, 0, 1};
        LKS_CHECK(judge(major, 2, 16384) == LKS_WANT_DATA &&
                      judge(major, 5, 16384) == LKS_WANT_DATA,
                  "major version %u is ignored", type);
        LKS_CHECK(judge(minor, 5, 16384) == LKS_WANT_DATA, "minor version %u is ignored", type);
    }
    /* 2^14 and one more; 2^14 + 256 and one more. RFC 8446 sections 5.1 and 5.2.
     * [8446 5.1-12 5.2-1] */
    CU_ASSERT_EQUAL(judge((const uint8_t[]){22, 3, 3, 0x40, 0}, 5, 16384), LKS_WANT_DATA);
    CU_ASSERT_EQUAL(judge((const uint8_t[]){22, 3, 3, 0x40, 1}, 5, 16384), LKS_RECORD_OVERFLOW);
    CU_ASSERT_EQUAL(judge((const uint8_t[]){23, 3, 3, 0x41, 0}, 5, 16640), LKS_WANT_DATA);
    CU_ASSERT_EQUAL(judge((const uint8_t[]){23, 3, 3, 0x41, 1}, 5, 16640), LKS_RECORD_OVERFLOW);
    CU_ASSERT_EQUAL(judge((const uint8_t[]){23, 3, 3, 0xff, 0xff}, 5, 16640), LKS_RECORD_OVERFLOW);
}

const struct lks_test framer_tests[] = {
    {"records at every split into three spans", test_every_split},
    {"one byte a span, empty spans between", test_one_byte_spans},
    {"records cut short", test_truncated},
    {"bad headers", test_bad_headers},
    {0},
};
