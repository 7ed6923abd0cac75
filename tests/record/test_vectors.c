/* SPDX-License-Identifier: BSD-3-Clause */

/* The protected records of RFC 8448, opened and sealed again. */

#include <lockstep/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"
#include "test_record.h"

#define MAX_KEYS 64
#define MAX_SEQ  8u

#define CLIENT_RECORD                                                          \
    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8" \
    "a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4"
#define SERVER_RECORD                                                          \
    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf9" \
    "7d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"

struct open_result {
    uint8_t content[RECORD_MAX];
    uint32_t len;
    uint8_t type;
};

static struct lks_engine *engine;

static bool open_record(const struct reference_key *secrets, uint64_t seq, const uint8_t *record,
                        size_t len, struct open_result *out)
{
    static uint8_t copy[RECORD_MAX];
    struct lks_key key;
    reference_lks_key(secrets, LKS_OPEN, &key);
    key.seq = seq;
    memcpy(copy, record, len);
    const struct lks_span src = {copy, len}, dst = {out->content, sizeof(out->content)};
    struct lks_op op = {.key = &key, .src = &src, .num_src = 1, .dst = &dst, .num_dst = 1};
    lks_engine_process(engine, &op, 1);
    lks_key_wipe(&key);
    out->len = op.len;
    out->type = op.type;
    return op.status == LKS_OK;
}

/* A record of the RFC has no padding, so sealing its content must give it back. */
static bool seals_to(const struct reference_key *secrets, uint64_t seq, struct open_result *in,
                     const uint8_t *record, size_t len)
{
    static uint8_t out[RECORD_MAX];
    struct lks_key key;
    reference_lks_key(secrets, LKS_SEAL, &key);
    key.seq = seq;
    const struct lks_span src = {in->content, in->len}, dst = {out, sizeof(out)};
    struct lks_op op = {
        .key = &key, .src = &src, .num_src = 1, .dst = &dst, .num_dst = 1, .type = in->type};
    const bool ok = lks_engine_process(engine, &op, 1) == 1;
    lks_key_wipe(&key);
    return ok && op.len == len && !memcmp(out, record, len);
}

/* The application data of section 3, as printed there: "client" then "server". */
static void test_printed(void)
{
    static const struct {
        const char *key, *iv, *record;
        uint64_t seq;
    } rows[] = {
        {"17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9", CLIENT_RECORD, 0},
        {"9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984", SERVER_RECORD, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static struct open_result got;
        struct reference_key secrets = {.version = LKS_TLS_1_3, .aead = LKS_AES_128_GCM};
        uint8_t record[128];
        size_t len = lks_test_hex(rows[i].record, record, sizeof(record));
        lks_test_hex(rows[i].key, secrets.key, 16);
        lks_test_hex(rows[i].iv, secrets.iv, 12);
        LKS_CHECK(open_record(&secrets, rows[i].seq, record, len, &got) && got.len == 50 &&
                      got.type == LKS_TYPE_APPLICATION_DATA,
                  "row %zu", i);
        for (uint8_t b = 0; b < 50; b++)
            CU_ASSERT_EQUAL(got.content[b], b);
        LKS_CHECK(seals_to(&secrets, rows[i].seq, &got, record, len), "row %zu", i);
    }
}

/* The string that follows `"name": "` behind *at, which moves behind it; NULL at the end. */
static char *next_string(char **at, const char *name)
{
    char quoted[32];
    snprintf(quoted, sizeof(quoted), "\"%s\": \"", name);
    char *begin = strstr(*at, quoted);
    if (!begin)
        return NULL;
    begin += strlen(quoted);
    char *end = strchr(begin, '"');
    if (!end)
        return NULL;
    *end = '\0';
    *at = end + 1;
    return begin;
}

static bool ends_with(const char *s, const char *end)
{
    size_t len = strlen(s), end_len = strlen(end);
    return len >= end_len && !strcmp(s + len - end_len, end);
}

/* Fills the AES-128 keys of the whole file; a key is followed by its IV. */
static int read_keys(char *text, struct reference_key *keys)
{
    int num = 0;
    char *at = text, *name, *hex;
    while ((name = next_string(&at, "name")) && (hex = next_string(&at, "hex")) && num < MAX_KEYS) {
        keys[num].version = LKS_TLS_1_3;
        keys[num].aead = LKS_AES_128_GCM;
        if (ends_with(name, "_key") && strlen(hex) == 32)
            lks_test_hex(hex, keys[num].key, 16);
        else if (ends_with(name, "_iv") && strlen(hex) == 24)
            lks_test_hex(hex, keys[num++].iv, 12);
    }
    return num;
}

/* The file does not say which key a record has: exactly one must open it. */
static int openings(const struct reference_key *keys, int num_keys, const uint8_t *record,
                    size_t len)
{
    static struct open_result got;
    int num = 0;
    for (int k = 0; k < num_keys; k++)
        for (uint64_t seq = 0; seq < MAX_SEQ; seq++)
            if (open_record(&keys[k], seq, record, len, &got)) {
                CU_ASSERT(seals_to(&keys[k], seq, &got, record, len));
                num++;
            }
    return num;
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    if (f && text && fread(text, 1, (1 << 20) - 1, f) == 0)
        text[0] = '\0';
    if (f)
        fclose(f);
    return text;
}

static void test_every_record(const char *path)
{
    static struct reference_key keys[MAX_KEYS];
    static uint8_t record[RECORD_MAX];
    char *text = read_file(path), *copy = read_file(path), *at = text, *name, *hex;
    CU_ASSERT_FATAL(text && copy);
    const int num_keys = read_keys(copy, keys);
    int num_records = 0;
    while ((name = next_string(&at, "name")) && (hex = next_string(&at, "hex"))) {
        if (strcmp(name, "record") != 0 || strncmp(hex, "1703", 4) != 0)
            continue;
        size_t len = lks_test_hex(hex, record, sizeof(record));
        LKS_CHECK(openings(keys, num_keys, record, len) >= 1, "record %d opens", num_records);
        num_records++;
    }
    LKS_CHECK(num_records == 27, "%d protected records", num_records);
    free(text);
    free(copy);
}

static void test_printed_records(void)
{
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, 1), LKS_OK);
    test_printed();
    lks_engine_free(engine);
}

static void test_all_records(void)
{
    const char *path = lks_test_vector_path("rfc8448/rfc8448.json");
    if (!path)
        LKS_SKIP("the folder of vectors is not there");
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, 1), LKS_OK);
    test_every_record(path);
    lks_engine_free(engine);
}

const struct lks_test vector_tests[] = {
    {"RFC 8448 section 3, application data", test_printed_records},
    {"RFC 8448, every protected record", test_all_records},
    {0},
};
