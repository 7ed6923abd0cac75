/* SPDX-License-Identifier: BSD-3-Clause */

/* What must be refused, each cause with its own status, and others in the burst unharmed. */

#include <lockstep/engine.h>
#include <string.h>

#include "base/ct.h"
#include "record/protection.h"
#include "reference.h"
#include "simd/aead.h"
#include "test_record.h"

static struct reference_key secrets = {
    .version = LKS_TLS_1_3, .aead = LKS_AES_128_GCM, .key = {1, 2, 3}, .iv = {4, 5}};
static struct lks_engine *engine;
static struct lks_key seal, open;
static uint8_t memory[3 * RECORD_MAX], record[RECORD_MAX];

static void begin(void)
{
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, 8), LKS_OK);
    reference_lks_key(&secrets, LKS_SEAL, &seal);
    reference_lks_key(&secrets, LKS_OPEN, &open);
    memset(memory, 0xa5, sizeof(memory));
}

static void end(void)
{
    lks_key_wipe(&seal);
    lks_key_wipe(&open);
    lks_engine_free(engine);
}

static enum lks_status seal_once(struct lks_span src, struct lks_span dst, uint8_t type,
                                 uint16_t pad_len)
{
    struct lks_op op = {&seal,
                        &src,
                        &dst,
                        1,
                        1,
                        .len = 77,
                        .type = type,
                        .pad_len = pad_len,
                        .status = LKS_DEFERRED};
    const uint64_t seq = seal.seq;
    uint32_t num_ok = lks_engine_process(engine, &op, 1);
    LKS_CHECK(num_ok == (op.status == LKS_OK) && seal.seq == seq + num_ok &&
                  (op.len != 0) == num_ok,
              "count, length and sequence number go with the status");
    return (enum lks_status)op.status;
}

static bool untouched(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != 0xa5)
            return false;
    return true;
}

/* RFC 8446 sections 5 and 5.4 among others. [8446 5-4 5.4-5] [5246 6-1 6.2.1-1] */
static void test_seal_refused(void)
{
    begin();
    const struct lks_span content = {memory, 100};
    uint8_t *out = memory + RECORD_MAX;
    CU_ASSERT_EQUAL(seal_once(content, (struct lks_span){out, 121}, 23, 0), LKS_NO_ROOM);
    CU_ASSERT_EQUAL(seal_once(content, (struct lks_span){out, 131}, 23, 10), LKS_NO_ROOM);
    CU_ASSERT_EQUAL(
        seal_once((struct lks_span){memory, 16385}, (struct lks_span){out, 2 * RECORD_MAX}, 23, 0),
        LKS_RECORD_OVERFLOW);
    CU_ASSERT_EQUAL(seal_once(content, (struct lks_span){out, 2 * RECORD_MAX}, 23, 16285),
                    LKS_RECORD_OVERFLOW);
    for (unsigned int type = 0; type < 256; type++)
        if (type < 20 || type > 23)
            CU_ASSERT_EQUAL(seal_once(content, (struct lks_span){out, 122}, (uint8_t)type, 0),
                            LKS_BAD_ARGUMENT);
    CU_ASSERT(untouched(memory, sizeof(memory)));
    CU_ASSERT_EQUAL(seal_once(content, (struct lks_span){out, 122}, 23, 0), LKS_OK);
    CU_ASSERT(untouched(out + 122, 100));
    end();
}

/* Content at every distance from the record: only distance 5 is in place. */
static void test_overlap(void)
{
    begin();
    uint8_t *out = memory + 1000;
    for (int shift = -100; shift <= 122; shift++) {
        memset(memory, 0xa5, 2000);
        enum lks_status status =
            seal_once((struct lks_span){out + shift, 100}, (struct lks_span){out, 122}, 23, 0);
        const bool apart = shift == -100 || shift == 122;
        LKS_CHECK(status == (apart || shift == 5 ? LKS_OK : LKS_BAD_OVERLAP), "shift %d: %s", shift,
                  lks_status_name(status));
        if (status)
            CU_ASSERT(untouched(memory, 2000));
    }
    for (int shift = -100; shift <= 122; shift++) {
        open.seq = 0;
        size_t len = reference_seal(&secrets, 0, 23, memory, 100, 0, out);
        struct lks_span src = {out, len}, dst = {out + shift, 101};
        struct lks_op op = {&open, &src, &dst, 1, 1};
        lks_engine_process(engine, &op, 1);
        const bool apart = shift == 122;
        LKS_CHECK(shift <= -100 || op.status == (apart || shift == 5 ? LKS_OK : LKS_BAD_OVERLAP),
                  "open, shift %d: %s", shift, lks_status_name((enum lks_status)op.status));
        memset(memory, 0xa5, 2000);
    }
    /* An empty span has no bytes that could overlap. */
    const struct lks_span src[] = {{out + 50, 0}, {memory, 100}}, dst = {out, 122};
    struct lks_op op = {&seal, src, &dst, 2, 1, .type = 23};
    LKS_CHECK(lks_engine_process(engine, &op, 1) == 1, "an empty span inside the other side");
    end();
}

static enum lks_status open_bytes(const uint8_t *bytes, size_t len)
{
    static uint8_t copy[2 * RECORD_MAX];
    memcpy(copy, bytes, len);
    const struct lks_span src = {copy, len};
    struct lks_op op = {&open, &src, NULL, 1, 0, .len = 77, .status = LKS_DEFERRED};
    lks_engine_process(engine, &op, 1);
    LKS_CHECK(op.status == LKS_OK || op.status >= LKS_ALERT_BASE || op.len == 0,
              "a refused op has no length");
    return (enum lks_status)op.status;
}

/* RFC 8446 section 5.4 among others. [8446 5.4-3 5.4-4 5.4-5] */
static void test_open_refused(void)
{
    static const uint8_t zeros[RECORD_MAX];
    begin();
    size_t len = reference_seal(&secrets, 0, 23, memory, 100, 0, record);
    for (size_t n = 0; n < len; n++)
        CU_ASSERT_EQUAL(open_bytes(record, n), LKS_BAD_RECORD);
    CU_ASSERT_EQUAL(open_bytes(record, len + 1), LKS_BAD_RECORD);
    record[0] = 22;
    CU_ASSERT_EQUAL(open_bytes(record, len), LKS_BAD_RECORD);
    record[0] = 23;
    record[2] = 4; /* the header is additional data */
    CU_ASSERT_EQUAL(open_bytes(record, len), LKS_BAD_TAG);
    record[2] = 3;
    CU_ASSERT_EQUAL(open.seq, 0);
    CU_ASSERT_EQUAL(open_bytes(record, len), LKS_OK);
    /* Too short for a tag and a type. */
    CU_ASSERT_EQUAL(open_bytes((const uint8_t[]){23, 3, 3, 0, 0}, 5), LKS_BAD_TAG);
    memcpy(record, (const uint8_t[]){23, 3, 3, 0, 16}, 5);
    CU_ASSERT_EQUAL(open_bytes(record, 21), LKS_BAD_TAG);
    /* RFC 8446 section 5.4: the encoded inner text must not be longer than 2^14 + 1. */
    len = reference_seal(&secrets, 1, 23, zeros, 16385, 0, record);
    CU_ASSERT_EQUAL(open_bytes(record, len), LKS_RECORD_OVERFLOW);
    len = reference_seal(&secrets, 1, 23, zeros, 16000, 385, record);
    CU_ASSERT_EQUAL(open_bytes(record, len), LKS_RECORD_OVERFLOW);
    len = reference_seal(&secrets, 1, 23, zeros, 16000, 384, record);
    CU_ASSERT_EQUAL(open_bytes(record, len), LKS_OK);
    len = reference_seal(&secrets, 2, 0, zeros, 16384, 0, record);
    CU_ASSERT_EQUAL(open_bytes(record, len), LKS_ALERT_UNEXPECTED_MESSAGE);
    end();
}

/* Every single bit of a short record, and every byte of its neighbours' results. */
static void test_every_bit(void)
{
    begin();
    const size_t len = reference_seal(&secrets, 0, 23, memory, 33, 2, record);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum lks_status status = open_bytes(record, len);
        LKS_CHECK(status == LKS_BAD_TAG || status == LKS_BAD_RECORD, "bit %zu: %s", bit,
                  lks_status_name(status));
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CU_ASSERT_EQUAL(open_bytes(record, len), LKS_OK);
    end();
}

/* */
static void test_limits(void)
{
    begin();
    const uint64_t limit = seal.aead->max_records;
    const struct lks_span src = {memory, 10};
    struct lks_span dst[3];
    struct lks_op ops[3];
    for (int i = 0; i < 3; i++) {
        dst[i] = (struct lks_span){memory + 1000 + 100 * i, 100};
        ops[i] = (struct lks_op){&seal, &src, &dst[i], 1, 1, .type = 23};
    }
    CU_ASSERT_FALSE(lks_key_wants_update(&seal));
    seal.seq = limit - 2;
    CU_ASSERT(lks_key_wants_update(&seal));
    CU_ASSERT_EQUAL(lks_engine_process(engine, ops, 3), 2);
    CU_ASSERT_EQUAL(ops[0].status, LKS_OK);
    CU_ASSERT_EQUAL(ops[1].status, LKS_OK);
    CU_ASSERT_EQUAL(ops[2].status, LKS_SEQ_EXHAUSTED);
    CU_ASSERT_EQUAL(seal.seq, limit);
    CU_ASSERT(untouched(dst[2].data, 100));
    /* RFC 8446 section 5.3: sequence numbers must not wrap. [8446 5.3-2] */
    const size_t len = reference_seal(&secrets, UINT64_MAX, 23, memory, 10, 0, record);
    open.seq = UINT64_MAX;
    CU_ASSERT_EQUAL(open_bytes(record, len), LKS_SEQ_EXHAUSTED);
    end();
}

/* A burst that is longer than the engine's: the rest is not done, and says so. */
static void test_too_many(void)
{
    begin();
    uint8_t text[2][200];
    struct lks_engine *small;
    struct lks_span src[2], dst[2];
    struct lks_op ops[2];
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&small, 1), LKS_OK);
    for (int i = 0; i < 2; i++) {
        memset(text[i], 'p', sizeof(text[i]));
        src[i] = (struct lks_span){text[i] + LKS_RECORD_HEADER_LEN, 100};
        dst[i] = (struct lks_span){text[i], sizeof(text[i])};
        ops[i] = (struct lks_op){&seal, &src[i], &dst[i], 1, 1, .type = 23, .len = 122};
    }
    CU_ASSERT_EQUAL(lks_engine_process(small, ops, 2), 1);
    CU_ASSERT(ops[0].status == LKS_OK && ops[0].len == 122 && text[0][5] != 'p');
    CU_ASSERT(ops[1].status == LKS_NOT_RUN && ops[1].len == 0);
    for (size_t i = 0; i < sizeof(text[1]); i++)
        CU_ASSERT_EQUAL(text[1][i], 'p');
    CU_ASSERT_EQUAL(seal.seq, 1);
    lks_engine_free(small);
    end();
}

static void test_keys(void)
{
    struct lks_key key = {0};
    struct lks_engine *none = NULL;
    const uint8_t bytes[32] = {0};
    begin();
    CU_ASSERT_EQUAL(lks_key_init(&key, LKS_TLS_1_3, LKS_NUM_ALGORITHMS, LKS_SEAL, bytes, bytes),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(
        lks_key_init(&key, (enum lks_version)0x0302, LKS_AES_128_GCM, LKS_SEAL, bytes, bytes),
        LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_key_init(&key, LKS_TLS_1_3, LKS_AES_128_GCM, (enum lks_dir)2, bytes, bytes),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_key_init(&key, LKS_TLS_1_3, LKS_AES_128_GCM, LKS_SEAL, NULL, bytes),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_engine_new(&none, 0), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_engine_new(&none, 65536), LKS_BAD_ARGUMENT);
    lks_engine_free(NULL);
    struct lks_op no_key = {0}, wiped = {.key = &seal};
    lks_engine_process(engine, &no_key, 1);
    CU_ASSERT_EQUAL(no_key.status, LKS_BAD_ARGUMENT);
    lks_key_wipe(&seal);
    lks_key_wipe(&seal);
    for (size_t i = 0; i < sizeof(seal); i++)
        CU_ASSERT_EQUAL(((const uint8_t *)&seal)[i], 0);
    lks_engine_process(engine, &wiped, 1);
    CU_ASSERT_EQUAL(wiped.status, LKS_BAD_ARGUMENT);
    end();
}

/* What TLS 1.3 asks of its AEADs: at most 255 bytes more than content and padding, the type among
 * them, and nonces of 8 bytes or more: all of the 12 count. [8446 5.2-4 5.3-3] [5246 6.2.3.3-1] */
static void test_aeads(void)
{
    static const uint8_t bytes[64];
    static const size_t lens[] = {0, 1, 15, 16, 1000, 16384};
    for (unsigned int aead = LKS_AES_128_GCM; aead < LKS_NUM_ALGORITHMS; aead++) {
        struct lks_key key;
        enum lks_status status =
            lks_key_init(&key, LKS_TLS_1_3, (enum lks_aead_id)aead, LKS_SEAL, bytes, bytes);
        CU_ASSERT_EQUAL(status == LKS_OK, aead < LKS_NUM_AEADS);
        if (status)
            continue;
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
            const size_t more = lks_key_record_len(&key, lens[i]) - LKS_RECORD_HEADER_LEN - lens[i];
            LKS_CHECK(more > 8 && more <= 255, "algorithm %u: %zu bytes more", aead, more);
        }
        const uint8_t iv[12] = {0x10, 0x20, 0x30, 0x40, 0x50};
        static const uint8_t wanted[12] = {0x10, 0x20, 0x30, 0x40, 0x51, 2, 3, 4, 5, 6, 7, 8};
        uint8_t nonce[12];
        CU_ASSERT_EQUAL(key.protection->explicit_nonce_len, 0);
        lks_protection_nonce(key.protection, iv, UINT64_C(0x0102030405060708), NULL, nonce);
        CU_ASSERT_EQUAL(memcmp(nonce, wanted, sizeof(nonce)), 0);
        lks_key_wipe(&key);
    }
}

/* A forged record, a good one and one that does not fit, of three keys: each for itself. */
static void test_neighbours(void)
{
    static uint8_t records[3][200], want[50];
    struct lks_key keys[3];
    struct lks_span src[3];
    struct lks_op ops[3];
    begin();
    memset(want, 7, sizeof(want));
    for (int i = 0; i < 3; i++) {
        reference_lks_key(&secrets, LKS_OPEN, &keys[i]);
        src[i] =
            (struct lks_span){records[i], reference_seal(&secrets, 0, 23, want, 50, 0, records[i])};
        ops[i] = (struct lks_op){&keys[i], &src[i], NULL, 1, 0};
    }
    records[0][70] ^= 1;
    const struct lks_span short_dst = {memory, 50}; /* there is no room for the type */
    ops[2].dst = &short_dst;
    ops[2].num_dst = 1;
    CU_ASSERT_EQUAL(lks_engine_process(engine, ops, 3), 1);
    CU_ASSERT_EQUAL(ops[0].status, LKS_BAD_TAG);
    CU_ASSERT_EQUAL(ops[1].status, LKS_OK);
    CU_ASSERT_EQUAL(ops[2].status, LKS_NO_ROOM);
    CU_ASSERT(ops[1].len == 50 && !memcmp(records[1] + 5, want, 50));
    for (int i = 5; i < 56; i++)
        CU_ASSERT_EQUAL(records[0][i], 0);
    CU_ASSERT(untouched(memory, sizeof(memory)));
    for (int i = 0; i < 3; i++)
        lks_key_wipe(&keys[i]);
    end();
}

const struct lks_test status_tests[] = {
    {"sealing what must not be", test_seal_refused},
    {"every overlap", test_overlap},
    {"opening what must not be", test_open_refused},
    {"every bit of a record flipped", test_every_bit},
    {"sequence numbers end", test_limits},
    {"keys and engines", test_keys},
    {"more ops than a burst has", test_too_many},
    {"AEADs of TLS 1.3", test_aeads},
    {"neighbours of a forged record", test_neighbours},
    {0},
};
