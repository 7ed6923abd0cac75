/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which records share a vector is the kernel's to choose, so no choice may show: small batches in
 * every mix of lengths and of valid and forged records, larger ones in every mix of valid and
 * forged. What is expected was made by the portable row, once a key and length; guards around each
 * text are compared, too.
 */
#include <lockstep/engine.h>
#include <string.h>

#include "common/test.h"
#include "simd/aead.h"

enum { KEYS = 9, LEN_MAX = 720, GUARD = 16, TAG = 16, ROOM = GUARD + LEN_MAX + TAG + GUARD };
enum { UNTOUCHED = 0xa5 };

/* How a message is handed over. */
enum form {
    ALONE,        /* text in place, its tag elsewhere */
    RECORD,       /* a record, in place */
    RECORD_APART, /* a record from one place to another */
    MIXED,        /* one of these each */
    NUM_FORMS,
};

static const struct lks_aead *row;
static _Alignas(64) uint8_t states[KEYS][LKS_KEY_STATE_MAX];
static uint8_t nonces[KEYS][12], aads[KEYS][16], plain[KEYS][LEN_MAX];
static uint8_t cipher[KEYS][LEN_MAX], made_tags[KEYS][LEN_MAX + 1][TAG];
static bool tag_is_made[KEYS][LEN_MAX + 1];
static _Alignas(64) uint8_t ref_states[KEYS][LKS_KEY_STATE_MAX];
static const struct lks_aead *ref;

static uint8_t src[KEYS][ROOM], dst[KEYS][ROOM], want[ROOM], tags[KEYS][TAG];
static struct lks_seg segs[KEYS][2];
static struct lks_aead_job jobs[KEYS], *pointers[KEYS];
static enum form forms[KEYS];

static void describe(unsigned int i, struct lks_aead_job *job, uint32_t len)
{
    *job = (struct lks_aead_job){.aad = aads[i], .aad_len = i % 2 ? 13 : 5, .len = len};
    memcpy(job->nonce, nonces[i], sizeof(job->nonce));
}

/* The wanted tag of a message. Ciphertexts of one key and nonce are each other's beginnings. */
static const uint8_t *tag_of(unsigned int i, uint32_t len)
{
    static uint8_t out[LEN_MAX];
    struct lks_seg seg = {plain[i], len == LEN_MAX ? cipher[i] : out, len};
    struct lks_aead_job job;
    if (tag_is_made[i][len])
        return made_tags[i][len];
    describe(i, &job, len);
    job.state = ref_states[i];
    job.segs = &seg;
    job.num_segs = len != 0;
    job.tag = made_tags[i][len];
    ref->seal(&job);
    tag_is_made[i][len] = true;
    return made_tags[i][len];
}

static void make_keys(void)
{
    uint64_t seed = row->id;
    memset(tag_is_made, 0, sizeof(tag_is_made));
    for (unsigned int i = 0; i < KEYS; i++) {
        uint8_t key[32];
        lks_test_fill(&seed, key, sizeof(key));
        lks_test_fill(&seed, nonces[i], sizeof(nonces[i]));
        lks_test_fill(&seed, aads[i], i % 2 ? 13 : 5);
        lks_test_fill(&seed, plain[i], sizeof(plain[i]));
        row->init(states[i], key);
        ref->init(ref_states[i], key);
        tag_of(i, LEN_MAX);
    }
}

/* Message i of a batch, before the kernel runs. */
static void prepare(unsigned int i, uint32_t len, enum form form, bool opening, bool forged)
{
    struct lks_aead_job *job = &jobs[i];
    const bool is_record = form != ALONE && len;
    uint8_t *from = src[i] + GUARD, *to = form == RECORD_APART ? dst[i] + GUARD : from;
    forms[i] = form;
    describe(i, job, len);
    memset(src[i], UNTOUCHED, 2 * GUARD + TAG + len);
    memset(dst[i], UNTOUCHED, 2 * GUARD + TAG + len);
    memcpy(from, opening ? cipher[i] : plain[i], len);
    job->state = states[i];
    job->is_record = is_record;
    job->tag = !is_record ? tags[i] : opening ? from + len : to + len;
    if (opening)
        memcpy(job->tag, tag_of(i, len), row->tag_len);
    if (forged)
        job->tag[(i + len) % row->tag_len] ^= 0x10;
    const uint32_t first = is_record && !opening && len > 1 ? len - 1 : len;
    segs[i][0] = (struct lks_seg){from, to, first};
    segs[i][1] = (struct lks_seg){plain[i] + first, to + first, len - first};
    job->segs = segs[i];
    job->num_segs = !len ? 0 : first == len ? 1 : 2;
    pointers[i] = job;
}

static bool is_right(unsigned int i, bool opening, bool forged)
{
    const struct lks_aead_job *job = &jobs[i];
    const uint32_t len = job->len, tag_at = GUARD + len;
    const uint8_t *tag = tag_of(i, len);
    memset(want, UNTOUCHED, 2 * GUARD + TAG + len);
    memcpy(want + GUARD, opening ? plain[i] : cipher[i], len);
    if (forged)
        memset(want + GUARD, 0, len);
    if (job->is_record && (!opening || forms[i] == RECORD)) {
        memcpy(want + tag_at, tag, row->tag_len);
        want[tag_at + (i + len) % row->tag_len] ^= forged ? 0x10 : 0;
    }
    if (!opening && memcmp(job->tag, tag, row->tag_len) != 0)
        return false;
    if (forms[i] == RECORD_APART &&
        memcmp(src[i] + GUARD, opening ? cipher[i] : plain[i], len) != 0)
        return false;
    /* Where a tag of 8 bytes ends, as many more may be written. */
    const uint8_t *out = forms[i] == RECORD_APART ? dst[i] : src[i];
    const uint32_t end = tag_at + row->tag_len;
    return (!opening || job->ok == !forged) && memcmp(out, want, end) == 0 &&
           memcmp(out + tag_at + TAG, want + tag_at + TAG, GUARD) == 0;
}

static bool run(const uint32_t *lens, unsigned int num, enum form form, bool opening, uint32_t mask)
{
    bool ok = true;
    for (unsigned int i = 0; i < num; i++)
        prepare(i, lens[i], form == MIXED ? (enum form)((i + lens[0]) % MIXED) : form, opening,
                mask >> i & 1);
    (opening ? row->open_lanes : row->seal_lanes)(pointers, num);
    for (unsigned int i = 0; i < num; i++)
        ok = ok && is_right(i, opening, mask >> i & 1);
    if (ok)
        return true;
    return LKS_CHECK(ok, "%s %s: %s %u of %u %u %u %u %u %u %u %u %u bytes, form %d, forged %03x",
                     row->name, row->isa, opening ? "open" : "seal", num, lens[0], lens[1], lens[2],
                     lens[3], lens[4], lens[5], lens[6], lens[7], lens[8], (int)form, mask);
}

/* Sealed, and opened with every mask of forged ones. */
static bool run_masks(const uint32_t *lens, unsigned int num, enum form form)
{
    bool ok = run(lens, num, form, false, 0);
    for (uint32_t mask = 0; ok && mask < 1u << num; mask++)
        ok = run(lens, num, form, true, mask);
    return ok;
}

static uint32_t most(uint32_t len)
{
    return len < row->lanes_max_len ? len : row->lanes_max_len;
}

/* Every two lengths up to five blocks; beyond, every length beside all of its number of blocks, in
 * two and three. */
static bool pairs(void)
{
    uint64_t seed = 1;
    const uint32_t end = most(lks_test_is_quick() ? 36 : 81);
    uint32_t lens[KEYS] = {0};
    for (lens[0] = 0; lens[0] < end; lens[0]++)
        for (lens[1] = 0; lens[1] < end; lens[1]++)
            if (!run_masks(lens, 2, (enum form)((lens[0] ^ lens[1] / 2) % NUM_FORMS)) ||
                !run_masks(lens, 2, RECORD))
                return false;
    for (uint32_t len = 1; len <= most(LEN_MAX); len += lks_test_is_quick() ? 7 : 1) {
        const uint32_t block = (len - 1) / 16 * 16;
        for (uint32_t other = block + 1; other <= block + 16 && other <= most(LEN_MAX); other++) {
            const uint32_t three[KEYS] = {len, other,
                                          most(block + 1 + (uint32_t)lks_test_random(&seed) % 16)};
            if (!run_masks(three, 2, RECORD) ||
                !run_masks(three, 3, (enum form)(other % NUM_FORMS)))
                return false;
        }
    }
    return true;
}

/* Every three and every four of some lengths. */
static bool triples(void)
{
    static const uint32_t some[] = {0, 1, 16, 17, 48, 63, 112, 113, 240, 700};
    enum { NUM = sizeof(some) / sizeof(some[0]) };
    for (uint32_t n = 0; n < (lks_test_is_quick() ? NUM * NUM : NUM * NUM * NUM * NUM); n++) {
        const uint32_t lens[KEYS] = {most(some[n % NUM]), most(some[n / NUM % NUM]),
                                     most(some[n / NUM / NUM % NUM]), most(some[n / 1000])};
        if (!run_masks(lens, n < 1000 ? 3 : 4, (enum form)(n % 7 % NUM_FORMS)))
            return false;
    }
    return true;
}

/* Each of up to nine records has one of two lengths, in every way to deal them. */
static bool two_lengths(void)
{
    static const uint32_t two[][2] = {{16, 17}, {1, 64}, {33, 48}, {0, 40}, {100, 128}, {17, 260}};
    for (uint32_t t = 0; t < sizeof(two) / sizeof(two[0]); t++)
        for (unsigned int num = 5; num <= KEYS; num++)
            for (uint32_t deal = 0; deal < 1u << num; deal += lks_test_is_quick() ? 37 : 1) {
                uint32_t lens[KEYS] = {0};
                for (unsigned int i = 0; i < num; i++)
                    lens[i] = most(two[t][deal >> i & 1]);
                const enum form form = (enum form)((t + deal) % NUM_FORMS);
                if (!run(lens, num, form, false, 0) || !run(lens, num, form, true, deal * 5 >> 1))
                    return false;
            }
    return true;
}

/* Nine records, forged in every combination: a few blocks and a part each, at random. */
static bool masks(void)
{
    const uint64_t num_seeds = lks_test_is_quick() ? 2 : 24;
    for (uint64_t seed = 0; seed < num_seeds; seed++) {
        uint64_t random = seed;
        uint32_t lens[KEYS];
        const uint32_t blocks = 1 + (uint32_t)lks_test_random(&random) % 9;
        for (unsigned int i = 0; i < KEYS; i++)
            lens[i] = most((uint32_t)lks_test_random(&random) % (16 * blocks + 1));
        for (unsigned int i = 0; seed % 2 && i < KEYS; i++) /* of one number of blocks */
            lens[i] = most(16 * blocks - lens[i] % 16);
        if (!run_masks(lens, KEYS, (enum form)(seed / 2 % NUM_FORMS)))
            return false;
    }
    return true;
}

static void each_row(bool (*check)(void))
{
    unsigned int num = 0;
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        const struct lks_aead *const *rows = lks_aead_rows(id);
        for (size_t i = 0; rows[i]; i++)
            ref = rows[i];
        for (; *rows; rows++) {
            row = *rows;
            if (!row->lanes_max_len || !lks_aead_usable(row))
                continue;
            make_keys();
            CU_ASSERT_TRUE(check());
            num++;
        }
    }
    if (!num)
        LKS_SKIP("no row with lanes that this CPU can run");
}

static void test_pairs(void)
{
    each_row(pairs);
}

static void test_triples(void)
{
    each_row(triples);
}

static void test_two_lengths(void)
{
    each_row(two_lengths);
}

static void test_masks(void)
{
    each_row(masks);
}

int main(void)
{
    static const struct lks_test tests[] = {{"every pair of lengths", test_pairs},
                                            {"three and four of some lengths", test_triples},
                                            {"two lengths, dealt in every way", test_two_lengths},
                                            {"nine, forged in every combination", test_masks},
                                            {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"mixes", tests}, {NULL, NULL}};
    return lks_test_run("simd-mixes", suites);
}
