/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What AES-GCM's kernels leave on the stack: no round key, no power of H, no key stream. A call
 * runs, then the stack below is searched for them.
 */
#include <lockstep/engine.h>
#include <string.h>

#include "common/test.h"
#include "simd/aead.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

enum { BELOW = 16384, LEN_MAX = 5000, LANES_MAX = 4, TAG = 16 };

static _Alignas(64) uint8_t state[LKS_KEY_STATE_MAX];
static uint8_t plain[LEN_MAX], text[LEN_MAX + TAG], stack[BELOW];
static uint8_t beside[LANES_MAX][LEN_MAX + TAG];

/* The stack as the last call left it, copied before anything else runs on it. */
static __attribute__((noinline)) void copy_stack(void)
{
    uint8_t below[BELOW];
    __asm__ volatile("" : "=m"(below)); /* for the compiler, it is written here */
    for (size_t i = 0; i < BELOW; i++)
        stack[i] = below[i];
}

static bool holds(const uint8_t *secret)
{
    for (size_t i = 0; i + 16 <= BELOW; i++)
        if (memcmp(stack + i, secret, 16) == 0)
            return true;
    return false;
}

/* The same message in all lanes of a vector, the others elsewhere. */
static __attribute__((noinline)) void run_lanes(const struct lks_aead *row,
                                                struct lks_aead_job *job, bool opening)
{
    struct lks_aead_job jobs[LANES_MAX], *pointers[LANES_MAX];
    struct lks_seg segs[LANES_MAX][2];
    for (uint32_t i = 0; i < row->num_lanes; i++) {
        const uint32_t len = opening ? job->len : job->len - 1;
        jobs[i] = *job;
        memcpy(beside[i], text, job->len);
        segs[i][0] = (struct lks_seg){i ? beside[i] : text, i ? beside[i] : text, len};
        segs[i][1] = (struct lks_seg){beside[i] + len, segs[i][0].dst + len, 1};
        jobs[i].segs = segs[i];
        jobs[i].num_segs = opening ? 1 : 2;
        pointers[i] = &jobs[i];
    }
    if (opening)
        row->open_lanes(pointers, row->num_lanes);
    else
        row->seal_lanes(pointers, row->num_lanes);
    job->ok = jobs[0].ok;
}

static __attribute__((noinline)) void run(const struct lks_aead *row, struct lks_aead_job *job,
                                          bool opening)
{
    if (job->is_record)
        run_lanes(row, job, opening);
    else if (opening)
        row->open(job);
    else
        row->seal(job);
}

static void check(const struct lks_aead *row, uint32_t len, bool opening, bool in_pieces,
                  bool is_record)
{
    const uint8_t aad[16] = {23, 3, 3};
    uint8_t tag[16], stream[16];
    const uint32_t cut = in_pieces ? len / 2 : len - 1;
    const struct lks_seg segs[] = {{text, text, cut}, {text + cut, text + cut, len - cut}};
    struct lks_aead_job job = {.state = state,
                               .aad = aad,
                               .segs = segs,
                               .num_segs = 2,
                               .len = len,
                               .aad_len = 5,
                               .is_record = is_record,
                               .tag = tag};
    memcpy(text, plain, len);
    if (opening) {
        row->seal(&job);
        run(row, &job, true);
    } else {
        run(row, &job, false);
    }
    copy_stack();
    if (opening) {
        CU_ASSERT_TRUE(job.ok);
        row->seal(&job);
    }
    for (uint32_t at = 0; at + 16 <= len; at += 16) {
        for (uint32_t i = 0; i < 16; i++)
            stream[i] = plain[at + i] ^ text[at + i];
        if (!LKS_CHECK(!holds(stream), "%s %s length %u: key stream at %u", row->name, row->isa,
                       len, at))
            return;
    }
    for (uint32_t at = 0; at < row->state_len; at += 16)
        LKS_CHECK(!holds(state + at), "%s %s length %u: round key or power of H at %u of the state",
                  row->name, row->isa, len, at);
}

static void test_stack(void)
{
    static const uint32_t lens[] = {65, 257, 501, 1401, 4097};
    uint64_t seed = 7;
    uint32_t num = 0;
#if defined(SANITIZED) || defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
    LKS_SKIP("frames are larger with a sanitizer, or not optimized");
#elif defined(LKS_EMULATED_512)
    LKS_SKIP("frames are larger, and more of them, where functions stand for instructions");
#endif
    for (unsigned int id = LKS_AES_128_GCM; id <= LKS_AES_256_GCM; id++) {
        for (const struct lks_aead *const *row = lks_aead_rows(id); *row; row++) {
            uint8_t key[32];
            if (!lks_aead_usable(*row) || !(*row)->seal_lanes)
                continue;
            lks_test_fill(&seed, key, sizeof(key));
            lks_test_fill(&seed, plain, sizeof(plain));
            (*row)->init(state, key);
            for (uint32_t i = 0; i < 6 * sizeof(lens) / sizeof(lens[0]); i++)
                check(*row, lens[i / 6], i & 1, i % 6 / 2 == 1, i % 6 / 2 == 2);
            num++;
        }
    }
    if (!num)
        LKS_SKIP("no vector kernel runs here");
}

int main(void)
{
    static const struct lks_test tests[] = {{"stack after AES-GCM", test_stack}, {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"stack", tests}, {NULL, NULL}};
    return lks_test_run("simd-stack", suites);
}
