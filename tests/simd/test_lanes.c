/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lanes beside the portable row's streams: any number of records, keys, lengths, pieces and forged
 * tags at once. Every text ends at a page that faults and begins behind a canary.
 */
#include <lockstep/engine.h>
#include <string.h>
#include <sys/mman.h>

#include "common/test.h"
#include "simd/aead.h"

enum { JOBS = 37, PAGE = 4096, MAX_SEGS = 64, CANARY = 64, SHORT = 600, TAG = 16 };

static uint8_t *area; /* JOBS times a page and one that faults */
static uint8_t plain[JOBS][PAGE], expected[JOBS][PAGE], aads[JOBS][LKS_AEAD_LANES_AAD_MAX];
static uint8_t tags[JOBS][16], got[JOBS][16]; /* wanted; sealed or to open */
static _Alignas(64) uint8_t states[JOBS][LKS_KEY_STATE_MAX];
static struct lks_seg segs[JOBS][MAX_SEGS];
static struct lks_aead_job jobs[JOBS], *pointers[JOBS];

static bool same(const void *a, const void *b, size_t len)
{
    return len == 0 || memcmp(a, b, len) == 0;
}

static uint32_t below(uint64_t *seed, uint32_t n)
{
    uint32_t x;
    lks_test_fill(seed, (uint8_t *)&x, sizeof(x));
    return x % n;
}

/* A record's tag stands between its text and the page that faults. */
static uint8_t *text_of(unsigned int i)
{
    return area + (size_t)(2 * i + 1) * PAGE - jobs[i].len - (jobs[i].is_record ? TAG : 0);
}

/* Text as the engine's usual record has it: in one piece; sealing, the last byte from elsewhere. */
static void lay_out_record(unsigned int i, bool opening, bool has_type)
{
    struct lks_aead_job *job = &jobs[i];
    const uint32_t cut = !opening && has_type && job->len > 1 ? job->len - 1 : job->len;
    segs[i][0] = (struct lks_seg){text_of(i), text_of(i), cut};
    segs[i][1] = (struct lks_seg){plain[i] + cut, text_of(i) + cut, 1};
    job->num_segs = cut == job->len ? 1 : 2;
    memset(text_of(i) + cut, 0x5a, job->len - cut + TAG);
}

/* A job of its own key, its text in place in random pieces; what portable makes of it. */
static void prepare(unsigned int i, const struct lks_aead *row, const struct lks_aead *ref,
                    uint64_t *seed, uint32_t len, bool is_record)
{
    _Alignas(64) uint8_t ref_state[LKS_KEY_STATE_MAX];
    uint8_t key[32];
    struct lks_aead_job *job = &jobs[i];
    struct lks_seg whole = {plain[i], expected[i], len};

    lks_test_fill(seed, key, sizeof(key));
    lks_test_fill(seed, plain[i], len);
    lks_test_fill(seed, aads[i], sizeof(aads[i]));
    *job = (struct lks_aead_job){.aad = aads[i], .len = len, .aad_len = below(seed, 17)};
    job->is_record = is_record;
    if (is_record)
        memset(aads[i] + job->aad_len, 0, sizeof(aads[i]) - job->aad_len);
    lks_test_fill(seed, job->nonce, sizeof(job->nonce));
    ref->init(ref_state, key);
    job->state = ref_state;
    job->segs = &whole;
    job->tag = tags[i];
    job->num_segs = len != 0;
    ref->seal(job);

    row->init(states[i], key);
    job->state = states[i];
    job->segs = segs[i];
    job->tag = got[i];
    job->num_segs = 0;
    for (uint32_t at = 0, n; at < len; at += n) {
        n = below(seed, 2) ? len - at : 1 + below(seed, len - at);
        if (job->num_segs == MAX_SEGS - 1)
            n = len - at;
        segs[i][job->num_segs++] = (struct lks_seg){text_of(i) + at, text_of(i) + at, n};
    }
    memcpy(text_of(i), plain[i], len);
    if (is_record)
        lay_out_record(i, false, below(seed, 4));
    memset(text_of(i) - CANARY, 0xa5, CANARY);
    pointers[i] = job;
}

static bool check_opened(unsigned int i, bool forged)
{
    const uint8_t *text = text_of(i);
    bool ok = jobs[i].ok == !forged;
    for (size_t at = 0; at < jobs[i].len; at++)
        ok = ok && text[at] == (forged ? 0 : plain[i][at]);
    for (size_t at = 1; at <= CANARY; at++)
        ok = ok && text[-(ptrdiff_t)at] == 0xa5;
    for (size_t at = 0; jobs[i].is_record && at < TAG; at++)
        ok = ok && text[jobs[i].len + at] == 0x5a;
    return ok;
}

static bool run(const struct lks_aead *row, const struct lks_aead *ref, uint64_t seed)
{
    const uint64_t start = seed;
    unsigned int num = 1 + below(&seed, JOBS);
    uint64_t forged = UINT64_C(1) << below(&seed, num); /* a bit a record, one or more */
    uint32_t max = start % 16 ? SHORT : PAGE - CANARY - TAG;
    max = max < row->lanes_max_len ? max : row->lanes_max_len;
    if (below(&seed, 2))
        max = 1 + below(&seed, max);
    /* Records: all of them or some, of as many blocks or not. */
    const uint32_t records = below(&seed, 3), blocks = below(&seed, 2) ? max / 16 : 0;
    for (unsigned int i = 0; i < num; i++) {
        const uint32_t len =
            blocks && below(&seed, 16) ? blocks * 16 - below(&seed, 16) : below(&seed, max + 1);
        prepare(i, row, ref, &seed, len, len && (records == 1 || (records && below(&seed, 8))));
    }
    row->seal_lanes(pointers, num);
    bool ok = true;
    for (unsigned int i = 0; i < num; i++)
        ok =
            ok && same(text_of(i), expected[i], jobs[i].len) && same(got[i], tags[i], row->tag_len);
    if (below(&seed, 2))
        forged |= lks_test_random(&seed);
    for (unsigned int i = 0; i < num; i++)
        got[i][start % row->tag_len] ^= (forged >> i & 1) << 6;
    for (unsigned int i = 0; i < num; i++)
        if (jobs[i].is_record)
            lay_out_record(i, true, false);
    row->open_lanes(pointers, num);
    for (unsigned int i = 0; i < num; i++)
        ok = ok && check_opened(i, forged >> i & 1);
    return LKS_CHECK(ok, "%s %s: seed %llu, %u records", row->name, row->isa,
                     (unsigned long long)start, num);
}

static void test_lanes(void)
{
    unsigned int num = 0;
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        const struct lks_aead *const *rows = lks_aead_rows(id), *ref = NULL;
        for (size_t i = 0; rows[i]; i++)
            ref = rows[i];
        for (; *rows; rows++)
            for (uint64_t seed = 0; (*rows)->lanes_max_len && seed < 2000; seed++) {
                if (!lks_aead_usable(*rows) || !run(*rows, ref, seed))
                    break;
                num++;
            }
    }
    if (!num)
        LKS_SKIP("no row with lanes that this CPU can run");
}

int main(void)
{
    static const struct lks_test tests[] = {{"lanes beside portable", test_lanes}, {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"lanes", tests}, {NULL, NULL}};
    area = mmap(NULL, (size_t)2 * JOBS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    if (area == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < JOBS; i++)
        if (mprotect(area + (2 * i + 1) * PAGE, PAGE, PROT_NONE) != 0)
            return 1;
    return lks_test_run("simd-lanes", suites);
}
