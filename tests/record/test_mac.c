/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2's records with a MAC: lengths, the longest padding, and what must be refused, with one
 * status for all that is wrong behind the header. */

#include <lockstep/engine.h>
#include <string.h>

#include "reference.h"
#include "test_record.h"

static struct reference_key secrets = {.version = LKS_TLS_1_2, .key = {1, 2, 3}};
static struct lks_engine *engine;
static struct lks_key seal, open;
static uint8_t content[17000], record[RECORD_MAX], out[RECORD_MAX];
static struct lks_span pieces[RECORD_MAX];

static void begin(unsigned int aead)
{
    secrets.aead = (enum lks_aead_id)aead;
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, 4), LKS_OK);
    reference_lks_key(&secrets, LKS_SEAL, &seal);
    reference_lks_key(&secrets, LKS_OPEN, &open);
}

static void end(void)
{
    lks_key_wipe(&seal);
    lks_key_wipe(&open);
    lks_engine_free(engine);
}

/* Opens record out of place, in pieces of so many bytes. */
static enum lks_status open_record(size_t len, size_t room, size_t piece, uint32_t *opened)
{
    const struct lks_span dst = {out, room};
    struct lks_op op = {&open, pieces, &dst, 0, 1};
    for (size_t at = 0; at < len; at += piece)
        pieces[op.num_src++] = (struct lks_span){record + at, piece < len - at ? piece : len - at};
    open.seq = 0;
    memset(out, 0, sizeof(out));
    lks_engine_process(engine, &op, 1);
    *opened = op.len;
    return (enum lks_status)op.status;
}

static bool nothing_opened(void)
{
    for (size_t i = 0; i < sizeof(out); i++)
        if (out[i])
            return false;
    return true;
}

static size_t max_padding(size_t len)
{
    for (size_t padding = 255;; padding--) {
        static uint8_t probe[RECORD_MAX];
        size_t n = reference_seal_mac(&secrets, 0, 23, content, len, padding, probe);
        if ((n - 21 - reference_suffix(&secrets)) % 16 == 0)
            return padding;
    }
}

static void check_lengths(unsigned int aead)
{
    uint32_t opened;
    begin(aead);
    const size_t suffix = reference_suffix(&secrets);
    size_t n = reference_seal_mac(&secrets, 0, 23, content, 16384, max_padding(16384), record);
    CU_ASSERT_EQUAL(open_record(n, n - 21 - suffix, 1, &opened), LKS_OK);
    LKS_CHECK(opened == 16384 && !memcmp(out, content, opened), "the longest record, byte by byte");
    CU_ASSERT_EQUAL(open_record(n, n - 22 - suffix, n, &opened), LKS_NO_ROOM);
    CU_ASSERT_EQUAL(open.seq, 0);

    /* RFC 5246 section 6.2.1: at most 2^14 bytes, however well they are authenticated. */
    n = reference_seal_mac(&secrets, 0, 23, content, 16385, max_padding(16385) % 16, record);
    CU_ASSERT_EQUAL(open_record(n, n, n, &opened), LKS_RECORD_OVERFLOW);
    n = reference_seal_mac(&secrets, 0, 23, content, 16800, max_padding(16800) % 16, record);
    CU_ASSERT_EQUAL(open_record(n, n, n, &opened), LKS_RECORD_OVERFLOW);

    /* Lengths that no right record has: not whole blocks, or without room for a MAC. */
    const size_t full = reference_seal(&secrets, 0, 23, content, 100, 0, record);
    for (n = 5; n < full; n++) {
        record[3] = (uint8_t)((n - 5) >> 8);
        record[4] = (uint8_t)(n - 5);
        LKS_CHECK(open_record(n, sizeof(out), n, &opened) == LKS_BAD_TAG && nothing_opened(),
                  "aead %u: cut to %zu", aead, n);
    }
    end();
}

static void test_lengths(void)
{
    uint64_t seed = 1;
    lks_test_fill(&seed, content, sizeof(content));
    for (unsigned int aead = LKS_NUM_AEADS; aead < LKS_NUM_ALGORITHMS; aead++)
        check_lengths(aead);
}

/* Header, IV, text, MAC, padding: one answer, and no byte of the content. */
static void test_every_byte(void)
{
    uint32_t opened;
    for (unsigned int aead = LKS_NUM_AEADS; aead < LKS_NUM_ALGORITHMS; aead++) {
        begin(aead);
        const size_t n = reference_seal_mac(&secrets, 0, 23, content, 50, max_padding(50), record);
        for (size_t i = 0; i < n; i++) {
            if (i >= 3 && i < 5)
                continue; /* the length */
            record[i] ^= i ? 1 : 2;
            LKS_CHECK(open_record(n, n, n, &opened) == LKS_BAD_TAG && nothing_opened() && !open.seq,
                      "aead %u: byte %zu", aead, i);
            record[i] ^= i ? 1 : 2;
        }
        CU_ASSERT_EQUAL(open_record(n, n, n, &opened), LKS_OK);
        open.seq = 1;
        const struct lks_span src = {record, n};
        struct lks_op op = {&open, &src, NULL, 1, 0};
        CU_ASSERT_EQUAL(lks_engine_process(engine, &op, 1), 0); /* its number is another */
        CU_ASSERT_EQUAL(op.status, LKS_BAD_TAG);
        end();
    }
}

static void test_keys(void)
{
    struct lks_key_sizes sizes;
    CU_ASSERT_EQUAL(lks_key_sizes(&sizes, LKS_AES_256_CBC_SHA384), LKS_OK);
    CU_ASSERT(sizes.mac_key == 48 && sizes.cipher_key == 32 && sizes.fixed_iv == 0);
    CU_ASSERT_EQUAL(lks_key_sizes(&sizes, LKS_AES_128_CBC_SHA_ETM), LKS_OK);
    CU_ASSERT(sizes.mac_key == 20 && sizes.cipher_key == 16 && sizes.fixed_iv == 0);
    CU_ASSERT_EQUAL(lks_key_sizes(&sizes, LKS_AES_256_GCM), LKS_OK);
    CU_ASSERT(sizes.mac_key == 0 && sizes.cipher_key == 32 && sizes.fixed_iv == 4);
    CU_ASSERT_EQUAL(lks_key_sizes(&sizes, LKS_CHACHA20_POLY1305), LKS_OK);
    CU_ASSERT(sizes.mac_key == 0 && sizes.cipher_key == 32 && sizes.fixed_iv == 12);
    CU_ASSERT_EQUAL(lks_key_sizes(&sizes, LKS_AEAD_NULL), LKS_OK);
    CU_ASSERT(sizes.mac_key == 0 && sizes.cipher_key == 0 && sizes.fixed_iv == 0);
    CU_ASSERT_EQUAL(lks_key_sizes(&sizes, LKS_NUM_ALGORITHMS), LKS_BAD_ARGUMENT);

    CU_ASSERT_EQUAL(
        lks_key_init(&seal, LKS_TLS_1_3, LKS_AES_128_CBC_SHA, LKS_SEAL, secrets.key, NULL),
        LKS_UNSUPPORTED);
    CU_ASSERT_EQUAL(lks_key_init(&seal, LKS_TLS_1_2, LKS_AES_128_CBC_SHA, LKS_SEAL, NULL, NULL),
                    LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(
        lks_key_init(&seal, LKS_TLS_1_2, LKS_AES_128_CBC_SHA, LKS_SEAL, secrets.key, NULL), LKS_OK);
    lks_key_wipe(&seal);
}

/* IVs are never the same, and a record's number alone does not tell the next one's.
 * [5246 6.2.3.2-1] */
static void test_ivs(void)
{
    begin(LKS_AES_128_CBC_SHA256);
    uint8_t before[16] = {0};
    for (int i = 0; i < 100; i++) {
        const struct lks_span src = {content, 0}, dst = {out, sizeof(out)};
        struct lks_op op = {&seal, &src, &dst, 1, 1, .type = 23};
        CU_ASSERT_EQUAL_FATAL(lks_engine_process(engine, &op, 1), 1);
        CU_ASSERT(op.len == lks_key_record_len(&seal, 0));
        int same = 0;
        for (int b = 0; b < 16; b++)
            same += out[5 + b] == before[b];
        LKS_CHECK(same < 6, "record %d: %d of 16 bytes are the last one's", i, same);
        memcpy(before, out + 5, 16);
    }
    end();
}

const struct lks_test mac_tests[] = {
    {"lengths", test_lengths},
    {"every byte of a record changed", test_every_byte},
    {"keys", test_keys},
    {"IVs", test_ivs},
    {0},
};
