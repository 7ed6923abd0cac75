/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Which kernel a key has, and which of its functions the engine calls: keys are given a row that
 * counts its calls and then does what the real one does.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simd/aead.h"
#include "simd/isa.h"
#include "simd/provider.h"
#include "slots.h"
#include "test_record.h"

enum { RECORDS = 12, SHAPES_MAX = 64 };

/* Of each direction. */
static struct calls {
    uint32_t num_streams, num_batches, num_in_lanes;
    bool are_sorted; /* within each batch */
} calls[2];
static const struct lks_aead *real;

static void count_seal(struct lks_aead_job *job)
{
    calls[LKS_SEAL].num_streams++;
    real->seal(job);
}

static void count_open(struct lks_aead_job *job)
{
    calls[LKS_OPEN].num_streams++;
    real->open(job);
}

/* Long ones need no order. */
static uint32_t blocks_of(const struct lks_aead_job *job)
{
    return job->len < 1000 ? (job->len + 15) / 16 : 63;
}

static void count_lanes(struct calls *c, struct lks_aead_job *const *jobs, size_t num_jobs)
{
    c->num_batches++;
    c->num_in_lanes += (uint32_t)num_jobs;
    for (size_t i = 1; i < num_jobs; i++)
        if (blocks_of(jobs[i]) < blocks_of(jobs[i - 1]))
            c->are_sorted = false;
}

static void count_seal_lanes(struct lks_aead_job *const *jobs, size_t num_jobs)
{
    count_lanes(&calls[LKS_SEAL], jobs, num_jobs);
    real->seal_lanes(jobs, num_jobs);
}

static void count_open_lanes(struct lks_aead_job *const *jobs, size_t num_jobs)
{
    count_lanes(&calls[LKS_OPEN], jobs, num_jobs);
    real->open_lanes(jobs, num_jobs);
}

static struct lks_aead counting_row(const struct lks_aead *row)
{
    struct lks_aead counting = *row;
    real = row;
    counting.seal = count_seal;
    counting.open = count_open;
    if (row->lanes_max_len) {
        counting.seal_lanes = count_seal_lanes;
        counting.open_lanes = count_open_lanes;
    }
    return counting;
}

/* The best row that LOCKSTEP_ISA allows and this CPU runs, from scratch: no other is as good. */
static bool is_best(const struct lks_aead *row, unsigned int id)
{
    static const char *const order[] = {"portable", "aesni",  "avx2",
                                        "vaes256",  "avx512", "vaes512"};
    const char *cap = getenv("LOCKSTEP_ISA");
    const struct lks_aead *best = NULL;
    for (size_t tier = 0; tier < sizeof(order) / sizeof(order[0]); tier++) {
        for (const struct lks_aead *const *r = lks_aead_rows(id); *r; r++)
            if (!strcmp((*r)->isa, order[tier]) && lks_aead_usable(*r))
                best = *r;
        if (cap && !strcmp(cap, order[tier]))
            break;
    }
    return row == best;
}

/* Every key has the best row within LOCKSTEP_ISA, or the provider's where that is asked for, and
 * what the engine says of itself names it. */
static void test_which_row(void)
{
    char text[4096], line[128];
    const char *provider = getenv("LOCKSTEP_PROVIDER");
    const char *isa = getenv("LOCKSTEP_ISA");
    const bool is_asked_for = provider && !strcmp(provider, "ipsec_mb");
    const bool is_refused = provider && !strcmp(provider, "lockstep");
    const bool is_portable = isa && !strcmp(isa, "portable");
    const size_t num_formats = formats_init();
    lks_engine_describe(text, sizeof(text));
    for (size_t f = 0; f < num_formats; f++) {
        struct lks_key key;
        reference_lks_key(&formats[f], LKS_SEAL, &key);
        if (!key.aead) {
            CU_ASSERT_EQUAL(formats[f].aead, LKS_AEAD_NULL);
            continue;
        }
        const struct lks_aead *theirs = lks_provider_row(formats[f].aead);
        const bool wants_theirs =
            theirs && (is_asked_for || (theirs->has_mac && !is_refused && !is_portable));
        LKS_CHECK(wants_theirs ? key.aead == theirs : is_best(key.aead, formats[f].aead), "%s: %s",
                  format_name(&formats[f]), key.aead->isa);
        snprintf(line, sizeof(line), "%s: %s%s", key.aead->name, key.aead->isa,
                 key.aead->num_lanes ? "," : "\n");
        LKS_CHECK(strstr(text, line) != NULL, "\"%s\" is not in what runs:\n%s", line, text);
        lks_key_wipe(&key);
    }
}

/* Of an algorithm: what is short goes to lanes, in one call a direction, the shortest first; what
 * is longer, and text of no length, streams. */
static void check_shapes(const struct reference_key *format, struct lks_engine *engine)
{
    static struct slot slots[2 * RECORDS];
    static struct lks_key keys[2 * RECORDS];
    struct slot *burst[2 * RECORDS];
    struct lks_aead counting;
    uint32_t num_short = 0;
    for (uint32_t i = 0; i < 2 * RECORDS; i++) {
        reference_lks_key(format, i % 2 ? LKS_OPEN : LKS_SEAL, &keys[i]);
        if (!i)
            counting = counting_row(keys[i].aead);
        keys[i].aead = &counting;
    }
    /* Text is content, TLS 1.3's type, or, opening with a MAC, all that is encrypted. */
    const uint32_t crossover =
        counting.lanes_max_len < 16000 ? counting.lanes_max_len : LKS_RECORD_PLAINTEXT_MAX;
    const uint32_t type_len = format->version == LKS_TLS_1_3;
    const size_t lens[RECORDS] = {
        40,  1, 200, 17, crossover - type_len, crossover - type_len + 1, crossover + 100, 16,
        300, 5, 33,  100};
    for (uint32_t i = 0; i < 2 * RECORDS; i++) {
        const size_t len = lens[i / 2] < LKS_RECORD_PLAINTEXT_MAX ? lens[i / 2] : 64;
        slot_make(&slots[i], format, &keys[i], 0, len, 0, LKS_TYPE_APPLICATION_DATA,
                  (enum layout)(i % NUM_LAYOUTS));
        num_short += i % 2 && slots[i].text_len <= counting.lanes_max_len && slots[i].text_len;
        burst[i] = &slots[i];
    }
    memset(calls, 0, sizeof(calls));
    calls[0].are_sorted = calls[1].are_sorted = true;
    slots_run(engine, burst, 2 * RECORDS, format_name(format));
    const struct calls *opened = &calls[LKS_OPEN], *sealed = &calls[LKS_SEAL];
    LKS_CHECK(opened->num_in_lanes == num_short && opened->num_streams == RECORDS - num_short,
              "%s %s: %u of %u to open went to lanes", format_name(format), counting.isa,
              opened->num_in_lanes, num_short);
    LKS_CHECK(counting.has_mac ||
                  (sealed->num_in_lanes == num_short && sealed->num_streams == RECORDS - num_short),
              "%s %s: %u of %u to seal went to lanes", format_name(format), counting.isa,
              sealed->num_in_lanes, num_short);
    for (int dir = 0; dir < 2; dir++)
        LKS_CHECK(calls[dir].num_batches == (calls[dir].num_in_lanes != 0) && calls[dir].are_sorted,
                  "%s %s: %u calls", format_name(format), counting.isa, calls[dir].num_batches);
    for (uint32_t i = 0; i < 2 * RECORDS; i++) {
        keys[i].aead = real;
        lks_key_wipe(&keys[i]);
    }
}

static void test_shapes(void)
{
    struct lks_engine *engine;
    const size_t num_formats = formats_init();
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, 2 * RECORDS), LKS_OK);
    for (size_t f = 0; f < num_formats; f++)
        if (formats[f].aead != LKS_AEAD_NULL)
            check_shapes(&formats[f], engine);
    lks_engine_free(engine);
}

const struct lks_test kernel_tests[] = {
    {"which row a key has", test_which_row},
    {"lanes and streams", test_shapes},
    {0},
};
