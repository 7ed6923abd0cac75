/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where bytes lie and where text is cut makes no difference: every AEAD row that this CPU can run,
 * as streams and as lanes, at every alignment of source, destination and additional data, and with
 * every place of a cut in two and in three pieces. What is expected is the portable row's, made
 * once a message.
 */
#include <lockstep/engine.h>
#include <string.h>

#include "common/test.h"
#include "simd/aead.h"
#include "simd/provider.h"

enum { MAX_LEN = 1100, ALIGN = 64, EDGE = 64, ROOM = EDGE + ALIGN + MAX_LEN + EDGE, JOBS = 9 };
enum { AAD_LEN = 13, UNTOUCHED = 0xa5 };

/* A message, what it becomes, and its key's state in the row under test. */
struct message {
    const struct lks_aead *row;
    size_t len;
    uint8_t nonce[12], aad[AAD_LEN], tag[16];
    uint8_t plain[MAX_LEN], cipher[MAX_LEN];
    _Alignas(64) uint8_t state[LKS_KEY_STATE_MAX];
};

/* Offsets from 64-byte borders, and the ends of the first two pieces. */
struct place {
    size_t src, dst, aad, cut[2];
};

static struct message message;
static _Alignas(64) uint8_t srcs[JOBS][ROOM], dsts[JOBS][ROOM], aads[JOBS][2 * ALIGN];
static struct lks_seg segs[JOBS][3];
static uint8_t tags[JOBS][16];
static struct lks_aead_job jobs[JOBS], *pointers[JOBS];

static void make_message(const struct lks_aead *row, const struct lks_aead *ref, size_t len)
{
    _Alignas(64) uint8_t ref_state[LKS_KEY_STATE_MAX];
    uint64_t seed = len + 1;
    uint8_t key[32];
    struct message *m = &message;
    struct lks_seg whole = {m->plain, m->cipher, len};
    struct lks_aead_job job = {
        .state = ref_state, .aad = m->aad, .aad_len = AAD_LEN, .segs = &whole, .tag = m->tag};

    m->row = row;
    m->len = len;
    lks_test_fill(&seed, key, sizeof(key));
    lks_test_fill(&seed, m->nonce, sizeof(m->nonce));
    lks_test_fill(&seed, m->aad, sizeof(m->aad));
    lks_test_fill(&seed, m->plain, len);
    memcpy(job.nonce, m->nonce, sizeof(job.nonce));
    job.num_segs = len != 0;
    job.len = (uint32_t)len;
    ref->init(ref_state, key);
    ref->seal(&job);
    CU_ASSERT_FATAL(lks_aead_init_state(row, m->state, key));
}

/* Job i of a batch lies i bytes further than the first. */
static void prepare(size_t i, const struct place *p, const uint8_t *text)
{
    const size_t len = message.len;
    const size_t ends[3] = {p->cut[0], p->cut[1], len};
    uint8_t *src = srcs[i] + EDGE + (p->src + i) % ALIGN;
    uint8_t *dst = dsts[i] + EDGE + (p->dst + i) % ALIGN;
    struct lks_aead_job *job = &jobs[i];

    *job = (struct lks_aead_job){.state = message.state,
                                 .aad = aads[i] + (p->aad + i) % ALIGN,
                                 .aad_len = AAD_LEN,
                                 .segs = segs[i],
                                 .len = (uint32_t)len,
                                 .tag = tags[i]};
    memcpy(aads[i] + (p->aad + i) % ALIGN, message.aad, AAD_LEN);
    memcpy(job->nonce, message.nonce, sizeof(job->nonce));
    memcpy(tags[i], message.tag, sizeof(tags[i]));
    memcpy(src, text, len);
    memset(dst - EDGE, UNTOUCHED, len + 2 * EDGE);
    for (size_t s = 0, at = 0; s < 3; at = ends[s++])
        if (ends[s] > at)
            segs[i][job->num_segs++] = (struct lks_seg){src + at, dst + at, ends[s] - at};
    pointers[i] = job;
}

static bool wrote(size_t i, const struct place *p, const uint8_t *text)
{
    static uint8_t edge[EDGE];
    const uint8_t *dst = dsts[i] + EDGE + (p->dst + i) % ALIGN;
    memset(edge, UNTOUCHED, sizeof(edge));
    return memcmp(dst, text, message.len) == 0 && memcmp(dst - EDGE, edge, EDGE) == 0 &&
           memcmp(dst + message.len, edge, EDGE) == 0;
}

/* Seals and opens the message at a place: one stream, or lanes and one record more. */
static bool run(const struct place *p, bool lanes)
{
    const struct lks_aead *row = message.row;
    const size_t num = lanes ? JOBS : 1;
    bool ok = true;
    for (size_t i = 0; i < num; i++)
        prepare(i, p, message.plain);
    if (lanes)
        row->seal_lanes(pointers, num);
    else
        row->seal(&jobs[0]);
    for (size_t i = 0; i < num; i++)
        ok = ok && wrote(i, p, message.cipher) && memcmp(tags[i], message.tag, row->tag_len) == 0;
    for (size_t i = 0; i < num; i++)
        prepare(i, p, message.cipher);
    if (lanes)
        row->open_lanes(pointers, num);
    else
        row->open(&jobs[0]);
    for (size_t i = 0; i < num; i++)
        ok = ok && jobs[i].ok && wrote(i, p, message.plain);
    return LKS_CHECK(ok, "%s %s, %s: length %zu, source %zu, destination %zu, aad %zu, cut %zu %zu",
                     row->name, row->isa, lanes ? "lanes" : "stream", message.len, p->src, p->dst,
                     p->aad, p->cut[0], p->cut[1]);
}

static bool run_both(const struct place *p)
{
    const bool lanes = message.row->lanes_max_len >= message.len && message.row->seal_lanes;
    return run(p, false) && (!lanes || run(p, true));
}

/* Each side through all alignments while the others keep theirs, then all three at once. */
static bool align(void)
{
    for (size_t a = 0; a < ALIGN; a++) {
        const size_t whole = message.len;
        const struct place places[] = {{a, ALIGN - 1 - a, a * 5 % ALIGN, {whole, whole}},
                                       {a, 0, 0, {whole, whole}},
                                       {0, a, 0, {whole, whole}},
                                       {0, 0, a, {whole, whole}},
                                       {a, a, a, {whole, whole}}};
        for (size_t i = 0; i < (lks_test_is_quick() ? 4 : 5); i++)
            if (!run_both(&places[i]))
                return false;
    }
    return true;
}

/* Every pair of cuts where the message is short, every single one otherwise. */
static bool split(void)
{
    const size_t len = message.len;
    for (size_t first = 0; first <= len; first++)
        for (size_t second = len <= 50 ? first : len; second <= len; second++)
            if (!run_both(&(struct place){first % ALIGN, len % ALIGN, 0, {first, second}}))
                return false;
    return true;
}

static void each_length(const struct lks_aead *row, const struct lks_aead *ref, const size_t *lens,
                        bool (*check)(void))
{
    bool ok = true;
    for (; ok && *lens; lens++) {
        make_message(row, ref, *lens);
        ok = check();
        lks_aead_wipe_state(row, message.state);
    }
}

static void each_row(const size_t *lens, bool (*check)(void))
{
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        const struct lks_aead *const *rows = lks_aead_rows(id), *ref = NULL;
        for (size_t i = 0; rows[i]; i++)
            ref = rows[i];
        for (; *rows; rows++)
            if (lks_aead_usable(*rows))
                each_length(*rows, ref, lens, check);
        if (lks_provider_row(id))
            each_length(lks_provider_row(id), ref, lens, check);
    }
}

static void test_alignment(void)
{
    static const size_t quick[] = {1, 16, 65, 257, 0};
    static const size_t all[] = {1,   15,  16,  17,  63,  64,  65,   127,  128, 129,
                                 255, 256, 257, 511, 512, 513, 1023, 1024, 0};
    each_row(lks_test_is_quick() ? quick : all, align);
}

static void test_cuts(void)
{
    static const size_t quick[] = {1, 17, 33, 65, 129, 0};
    static const size_t all[] = {1,   2,   16,  17,  33,  50,  64,  65,   128,  129,
                                 143, 255, 257, 300, 511, 513, 777, 1025, 1100, 0};
    each_row(lks_test_is_quick() ? quick : all, split);
}

int main(void)
{
    static const struct lks_test tests[] = {
        {"every alignment", test_alignment}, {"every cut", test_cuts}, {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"align", tests}, {NULL, NULL}};
    return lks_test_run("simd-align", suites);
}
