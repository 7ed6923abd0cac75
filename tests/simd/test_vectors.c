/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The vectors folder's AEAD tests (Wycheproof's JSON, and KEY/NONCE/IN/AD/CT/TAG text) through
 * every row that this CPU can run, ipsec-mb's too, as streams and as lanes. Those with nonces of
 * other lengths than 12 bytes or tags shorter than ours are not TLS's and are counted as passed
 * over.
 */

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <lockstep/engine.h>

#include "common/test.h"
#include "simd/aead.h"
#include "simd/provider.h"

#define TEXT_MAX  4096u
#define LANES_MAX 32u

struct vector {
    const char *source;
    int number;
    uint8_t key[32], nonce[512], aad[TEXT_MAX], text[TEXT_MAX], cipher[TEXT_MAX], tag[64];
    size_t key_len, nonce_len, aad_len, text_len, cipher_len, tag_len;
    bool is_valid;
};

static unsigned int num_run, num_passed_over;

/* The message beside as many copies as fill the lanes, which must come out like it: a kernel may
 * well stream one that comes alone. */
static void run_lanes(const struct lks_aead *row, struct lks_aead_job *job, bool opening)
{
    static uint8_t outs[LANES_MAX][TEXT_MAX], tags[LANES_MAX][16];
    struct lks_seg segs[LANES_MAX];
    struct lks_aead_job copies[LANES_MAX], *jobs[LANES_MAX] = {job};
    size_t num = row->num_lanes < LANES_MAX ? row->num_lanes : LANES_MAX;
    for (size_t i = 1; i < num; i++) {
        segs[i] = (struct lks_seg){job->segs->src, outs[i], job->len};
        copies[i] = *job;
        copies[i].segs = &segs[i];
        copies[i].tag = tags[i];
        memcpy(tags[i], job->tag, 16);
        jobs[i] = &copies[i];
    }
    (opening ? row->open_lanes : row->seal_lanes)(jobs, num);
    for (size_t i = 1; i < num; i++)
        LKS_CHECK(copies[i].ok == job->ok && memcmp(tags[i], job->tag, 16) == 0 &&
                      memcmp(outs[i], job->segs->dst, job->len) == 0,
                  "%s/%s: lane %zu differs", row->name, row->isa, i);
}

/* One message in one segment, by lanes where the row has them for it. */
static void run(const struct lks_aead *row, struct lks_aead_job *job, bool opening, bool lanes)
{
    if (lanes)
        run_lanes(row, job, opening);
    else if (opening)
        row->open(job);
    else
        row->seal(job);
}

static void check_shape(const struct lks_aead *row, const struct vector *v, bool lanes)
{
    uint8_t state[LKS_KEY_STATE_MAX] __attribute__((aligned(64))), out[TEXT_MAX], tag[16];
    struct lks_seg seg = {v->text, out, v->text_len};
    struct lks_aead_job job = {.state = state,
                               .aad = v->aad,
                               .segs = &seg,
                               .num_segs = v->text_len != 0,
                               .len = (uint32_t)v->text_len,
                               .aad_len = (uint32_t)v->aad_len,
                               .tag = tag};
    CU_ASSERT_FATAL(lks_aead_init_state(row, state, v->key));
    memcpy(job.nonce, v->nonce, 12);
    if (v->is_valid) {
        run(row, &job, false, lanes);
        LKS_CHECK(memcmp(out, v->cipher, v->cipher_len) == 0 && memcmp(tag, v->tag, 16) == 0,
                  "%s/%s seals %s %d wrongly", row->name, row->isa, v->source, v->number);
    }
    seg.src = v->cipher;
    memcpy(tag, v->tag, 16);
    run(row, &job, true, lanes);
    LKS_CHECK(job.ok == v->is_valid, "%s/%s opens %s %d: %d", row->name, row->isa, v->source,
              v->number, job.ok);
    for (size_t i = 0; i < v->text_len; i++)
        if (out[i] != (v->is_valid ? v->text[i] : 0)) {
            LKS_CHECK(false, "%s/%s leaves the wrong text of %s %d", row->name, row->isa, v->source,
                      v->number);
            break;
        }
    lks_aead_wipe_state(row, state);
    num_run++;
}

static void check_row(const struct lks_aead *row, const struct vector *v)
{
    if (v->key_len != row->key_len || v->nonce_len != 12 || v->tag_len != 16) {
        num_passed_over++;
        return;
    }
    check_shape(row, v, false);
    if (row->seal_lanes && v->text_len <= row->lanes_max_len &&
        v->aad_len <= LKS_AEAD_LANES_AAD_MAX)
        check_shape(row, v, true);
}

static void check_vector(unsigned int id, const struct vector *v)
{
    for (const struct lks_aead *const *row = lks_aead_rows(id); *row; row++)
        if (lks_aead_usable(*row))
            check_row(*row, v);
    if (lks_provider_row(id))
        check_row(lks_provider_row(id), v);
}

static void check_each_row_ran(void)
{
    printf("%u checks, %u vectors passed over (nonce, tag or key of another length)\n", num_run,
           num_passed_over);
    CU_ASSERT_TRUE(num_run > 60);
    num_run = num_passed_over = 0;
}

static size_t json_hex(json_t *object, const char *name, uint8_t *out, size_t cap)
{
    return lks_test_hex(json_string_value(json_object_get(object, name)), out, cap);
}

static void check_wycheproof(const char *file, unsigned int id)
{
    static struct vector v;
    const char *path = lks_test_vector_path(file);
    if (!path)
        LKS_SKIP("the vectors folder is not there");
    json_t *all = json_load_file(path, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    size_t i, j;
    json_t *group, *test;
    json_array_foreach(json_object_get(all, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            v.source = file;
            v.number = (int)json_integer_value(json_object_get(test, "tcId"));
            v.key_len = json_hex(test, "key", v.key, sizeof(v.key));
            v.nonce_len = json_hex(test, "iv", v.nonce, sizeof(v.nonce));
            v.aad_len = json_hex(test, "aad", v.aad, sizeof(v.aad));
            v.text_len = json_hex(test, "msg", v.text, sizeof(v.text));
            v.cipher_len = json_hex(test, "ct", v.cipher, sizeof(v.cipher));
            v.tag_len = json_hex(test, "tag", v.tag, sizeof(v.tag));
            v.is_valid = strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;
            check_vector(id, &v);
        }
    }
    json_decref(all);
    check_each_row_ran();
}

static void wycheproof_aes_128_gcm(void)
{
    check_wycheproof("wycheproof/aes_gcm_test.json", LKS_AES_128_GCM);
}

static void wycheproof_aes_256_gcm(void)
{
    check_wycheproof("wycheproof/aes_gcm_test.json", LKS_AES_256_GCM);
}

static void wycheproof_chacha20_poly1305(void)
{
    check_wycheproof("wycheproof/chacha20_poly1305_test.json", LKS_CHACHA20_POLY1305);
}

/* A value: hex, or text in double quotes. */
static size_t text_value(char *value, uint8_t *out, size_t cap)
{
    size_t len = strlen(value);
    while (len && isspace((unsigned char)value[len - 1]))
        value[--len] = '\0';
    if (value[0] != '"')
        return lks_test_hex(value, out, cap);
    memcpy(out, value + 1, len - 2);
    return len - 2;
}

static void check_text_file(const char *file, unsigned int id)
{
    static struct vector v;
    static char line[4 * TEXT_MAX];
    const char *path = lks_test_vector_path(file);
    if (!path)
        LKS_SKIP("the vectors folder is not there");
    FILE *in = fopen(path, "re");
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    memset(&v, 0, sizeof(v));
    v.source = file;
    v.is_valid = true;
    while (fgets(line, sizeof(line), in)) {
        char *value = strchr(line, ':');
        if (line[0] == '#' || !value)
            continue;
        *value++ = '\0';
        value += strspn(value, " ");
        if (strcmp(line, "KEY") == 0)
            v.key_len = text_value(value, v.key, sizeof(v.key));
        else if (strcmp(line, "NONCE") == 0)
            v.nonce_len = text_value(value, v.nonce, sizeof(v.nonce));
        else if (strcmp(line, "IN") == 0)
            v.text_len = text_value(value, v.text, sizeof(v.text));
        else if (strcmp(line, "AD") == 0)
            v.aad_len = text_value(value, v.aad, sizeof(v.aad));
        else if (strcmp(line, "CT") == 0)
            v.cipher_len = text_value(value, v.cipher, sizeof(v.cipher));
        else if (strcmp(line, "TAG") == 0) {
            v.tag_len = text_value(value, v.tag, sizeof(v.tag));
            v.number++;
            check_vector(id, &v);
        }
    }
    fclose(in);
    check_each_row_ran();
}

static void text_aes_128_gcm(void)
{
    check_text_file("aead_text/aes_128_gcm_tests.txt", LKS_AES_128_GCM);
}

static void text_aes_256_gcm(void)
{
    check_text_file("aead_text/aes_256_gcm_tests.txt", LKS_AES_256_GCM);
}

static void text_chacha20_poly1305(void)
{
    check_text_file("aead_text/chacha20_poly1305_tests.txt", LKS_CHACHA20_POLY1305);
}

static const struct lks_test vector_tests[] = {
    {"Wycheproof AES-128-GCM", wycheproof_aes_128_gcm},
    {"Wycheproof AES-256-GCM", wycheproof_aes_256_gcm},
    {"Wycheproof ChaCha20-Poly1305", wycheproof_chacha20_poly1305},
    {"text vectors AES-128-GCM", text_aes_128_gcm},
    {"text vectors AES-256-GCM", text_aes_256_gcm},
    {"text vectors ChaCha20-Poly1305", text_chacha20_poly1305},
    {NULL, NULL},
};

static const struct lks_test_suite suites[] = {{"vectors", vector_tests}, {NULL, NULL}};

int main(void)
{
    return lks_test_run("simd-vectors", suites);
}
