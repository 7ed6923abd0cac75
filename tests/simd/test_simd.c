/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every row of every AEAD that this CPU can run, ipsec-mb's among them: printed vectors, then
 * random input beside the portable row. Text ends at a page that faults; a canary lies before it.
 */
#include <lockstep/engine.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cpu.h"
#include "common/test.h"
#include "simd/aead.h"
#include "simd/provider.h"

enum { AREA = 32768, MAX_SEGS = 1200, CANARY = 64 };

struct vector {
    unsigned int id;
    const char *key, *nonce, *aad, *plain, *cipher, *tag;
};

#define GCM_KEY "feffe9928665731c6d6a8f9467308308"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_PLAIN                                                      \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define ZERO16 "00000000000000000000000000000000"
#define ZERO12 "000000000000000000000000"

/* McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: cases 1, 2, 4, 13, 14, 16.
 */
static const struct vector vectors[] = {
    {LKS_AES_128_GCM, ZERO16, ZERO12, "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {LKS_AES_128_GCM, ZERO16, ZERO12, "", ZERO16, "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {LKS_AES_128_GCM, GCM_KEY, "cafebabefacedbaddecaf888", GCM_AAD, GCM_PLAIN,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {LKS_AES_256_GCM, ZERO16 ZERO16, ZERO12, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {LKS_AES_256_GCM, ZERO16 ZERO16, ZERO12, "", ZERO16, "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {LKS_AES_256_GCM, GCM_KEY GCM_KEY, "cafebabefacedbaddecaf888", GCM_AAD, GCM_PLAIN,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    /* RFC 8439, section 2.8.2: "Ladies and Gentlemen of the class of '99: If I could …" */
    {LKS_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
     "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
     "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
    /* NIST SP 800-38C, appendix C.3: of those printed there and in RFC 3610 the one with 12 bytes
     * of nonce. */
    {LKS_AES_128_CCM_8, "404142434445464748494a4b4c4d4e4f", "101112131415161718191a1b",
     "000102030405060708090a0b0c0d0e0f10111213", "202122232425262728292a2b2c2d2e2f3031323334353637",
     "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5", "484392fbc1b09951"},
};

static uint8_t *guarded; /* AREA bytes; the ones before and behind fault */
static struct lks_seg segs[MAX_SEGS];

static bool same(const void *a, const void *b, size_t len)
{
    return len == 0 || memcmp(a, b, len) == 0;
}

/* Cuts len bytes at text into pieces of at most piece bytes (0: one piece), in place. */
static void cut(struct lks_aead_job *job, uint8_t *text, size_t len, size_t piece)
{
    job->num_segs = 0;
    job->len = (uint32_t)len;
    job->segs = segs;
    for (size_t at = 0; at < len;) {
        size_t n = piece && piece < len - at ? piece : len - at;
        if (job->num_segs == MAX_SEGS - 1)
            n = len - at;
        segs[job->num_segs++] = (struct lks_seg){text + at, text + at, n};
        at += n;
    }
}

static void check_vector(const struct lks_aead *row, const struct vector *v)
{
    _Alignas(64) uint8_t state[LKS_KEY_STATE_MAX];
    uint8_t key[32], aad[64], text[128], cipher[128], tag[16], got[16];
    struct lks_aead_job job = {.state = state, .aad = aad, .tag = got};

    lks_test_hex(v->key, key, sizeof(key));
    lks_test_hex(v->nonce, job.nonce, sizeof(job.nonce));
    job.aad_len = (uint32_t)lks_test_hex(v->aad, aad, sizeof(aad));
    size_t len = lks_test_hex(v->plain, text, sizeof(text));
    lks_test_hex(v->cipher, cipher, sizeof(cipher));
    lks_test_hex(v->tag, tag, sizeof(tag));
    CU_ASSERT_FATAL(lks_aead_init_state(row, state, key));
    cut(&job, text, len, 0);
    row->seal(&job);
    LKS_CHECK(same(text, cipher, len) && same(got, tag, row->tag_len), "%s %s", row->name,
              row->isa);
    row->open(&job);
    LKS_CHECK(job.ok, "%s %s does not open its own", row->name, row->isa);
}

static void test_vectors(void)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        for (const struct lks_aead *const *row = lks_aead_rows(vectors[i].id); *row; row++)
            if (lks_aead_usable(*row))
                check_vector(*row, &vectors[i]);
}

/* One random message of len bytes: row and reference must agree, open, and refuse a forgery. By
 * turns it lies at the page that faults in front or at the one behind, with canaries on the other
 * side. */
static bool compare(const struct lks_aead *row, const struct lks_aead *ref, size_t len,
                    size_t piece)
{
    static uint8_t plain[AREA], expected[AREA];
    _Alignas(64) uint8_t state[LKS_KEY_STATE_MAX], ref_state[LKS_KEY_STATE_MAX];
    uint64_t seed = len * 8191 + piece;
    uint8_t key[32], aad[40], tag[16], got[16];
    const bool at_front = (len + piece) % 2 != 0;
    uint8_t *text = at_front ? guarded : guarded + AREA - len;
    uint8_t *canary = at_front ? text + len : text - CANARY;
    struct lks_aead_job job = {
        .state = ref_state, .aad = aad, .aad_len = (uint32_t)(len % 41), .tag = tag};

    lks_test_fill(&seed, key, sizeof(key));
    lks_test_fill(&seed, aad, sizeof(aad));
    lks_test_fill(&seed, job.nonce, sizeof(job.nonce));
    lks_test_fill(&seed, plain, len);
    memcpy(expected, plain, len);
    ref->init(ref_state, key);
    cut(&job, expected, len, 0);
    ref->seal(&job);

    CU_ASSERT_FATAL(lks_aead_init_state(row, state, key));
    job.state = state;
    job.tag = got;
    memset(canary, 0xa5, CANARY);
    memcpy(text, plain, len);
    cut(&job, text, len, piece);
    row->seal(&job);
    bool ok = same(text, expected, len) && same(got, tag, row->tag_len);
    row->open(&job);
    ok = ok && job.ok && same(text, plain, len);
    got[len % row->tag_len] ^= 0x10;
    memcpy(text, expected, len);
    row->open(&job);
    ok = ok && !job.ok;
    for (size_t i = 0; i < len; i++)
        ok = ok && text[i] == 0;
    for (size_t i = 0; i < CANARY; i++)
        ok = ok && canary[i] == 0xa5;
    lks_aead_wipe_state(row, state);
    return LKS_CHECK(ok, "%s %s: length %zu, pieces of %zu", row->name, row->isa, len, piece);
}

static void compare_row(const struct lks_aead *row, const struct lks_aead *ref)
{
    static const size_t pieces[] = {0, 1, 7, 15, 16, 17, 63, 129};
    static const size_t longs[] = {4095, 4096, 4097, 16383, 16384, 16385, 16400};
    for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
        for (size_t len = 0; len <= 1100; len += lks_test_is_quick() && len > 300 ? 13 : 1)
            if (!compare(row, ref, len, pieces[p]))
                return;
        for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++)
            if (!compare(row, ref, longs[i], pieces[p]))
                return;
    }
}

static void test_rows(void)
{
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        const struct lks_aead *const *rows = lks_aead_rows(id), *ref = NULL;
        for (size_t i = 0; rows[i]; i++)
            ref = rows[i];
        for (; *rows; rows++)
            if (lks_aead_usable(*rows))
                compare_row(*rows, ref);
        if (lks_provider_row(id))
            compare_row(lks_provider_row(id), ref);
    }
}

/* Cuts at random places; what is read and what is written never share a byte, and what is read
 * ends at the page that faults. */
static void cut_randomly(struct lks_aead_job *job, const uint8_t *src, uint8_t *dst, size_t len,
                         uint64_t *seed)
{
    static const size_t most[] = {3, 40, 300, AREA};
    job->num_segs = 0;
    job->len = (uint32_t)len;
    job->segs = segs;
    for (size_t at = 0; at < len;) {
        size_t n = 1 + lks_test_random(seed) % most[lks_test_random(seed) % 4];
        if (n > len - at || job->num_segs == MAX_SEGS - 1)
            n = len - at;
        segs[job->num_segs++] = (struct lks_seg){src + at, dst + at, n};
        at += n;
    }
}

static bool compare_out_of_place(const struct lks_aead *row, const struct lks_aead *ref,
                                 uint64_t first_seed)
{
    static uint8_t plain[AREA], expected[AREA], out[AREA + CANARY];
    _Alignas(64) uint8_t state[LKS_KEY_STATE_MAX], ref_state[LKS_KEY_STATE_MAX];
    uint64_t seed = first_seed;
    size_t len = lks_test_random(&seed) % (first_seed % 4 ? 700 : 17000);
    uint8_t key[32], aad[16], tag[16], got[16], *src = guarded + AREA - len;
    struct lks_aead_job job = {
        .state = ref_state, .aad = aad, .aad_len = first_seed % 17, .tag = tag};

    lks_test_fill(&seed, key, sizeof(key));
    lks_test_fill(&seed, aad, sizeof(aad));
    lks_test_fill(&seed, job.nonce, sizeof(job.nonce));
    lks_test_fill(&seed, plain, len);
    memcpy(expected, plain, len);
    ref->init(ref_state, key);
    cut(&job, expected, len, 0);
    ref->seal(&job);

    CU_ASSERT_FATAL(lks_aead_init_state(row, state, key));
    job.state = state;
    job.tag = got;
    memcpy(src, plain, len);
    memset(out, 0x5a, sizeof(out));
    cut_randomly(&job, src, out, len, &seed);
    row->seal(&job);
    bool ok = same(out, expected, len) && same(got, tag, row->tag_len) && same(src, plain, len);
    memcpy(src, expected, len);
    cut_randomly(&job, src, out, len, &seed);
    row->open(&job);
    ok = ok && job.ok && same(out, plain, len) && same(src, expected, len);
    for (size_t i = 0; i < CANARY; i++)
        ok = ok && out[len + i] == 0x5a;
    lks_aead_wipe_state(row, state);
    return LKS_CHECK(ok, "%s %s: length %zu, seed %llu", row->name, row->isa, len,
                     (unsigned long long)first_seed);
}

static void test_out_of_place(void)
{
    const uint64_t num_seeds = lks_test_is_quick() ? 200 : 1500;
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        const struct lks_aead *const *rows = lks_aead_rows(id), *ref = NULL;
        for (size_t i = 0; rows[i]; i++)
            ref = rows[i];
        for (; *rows; rows++)
            for (uint64_t seed = 0; lks_aead_usable(*rows) && seed < num_seeds; seed++)
                if (!compare_out_of_place(*rows, ref, seed))
                    break;
        for (uint64_t seed = 0; lks_provider_row(id) && seed < num_seeds; seed++)
            if (!compare_out_of_place(lks_provider_row(id), ref, seed))
                break;
    }
}

/* Says what the other tests went through, and what this CPU could not: a green run on a small
 * machine must not look like one on a big one. */
static void test_says_which_rows_ran(void)
{
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        if (lks_provider_row(id))
            printf("row  %s ipsec_mb\n", lks_provider_row(id)->name);
        for (const struct lks_aead *const *row = lks_aead_rows(id); *row; row++) {
            bool usable = lks_aead_usable(*row);
            printf("%s %s %s%s\n", usable ? "row " : "SKIP", (*row)->name, (*row)->isa,
                   usable ? "" : ": this CPU lacks it");
            LKS_CHECK(usable || strcmp((*row)->isa, "portable") != 0, "%s", (*row)->name);
            LKS_CHECK((*row)->id == id && (*row)->state_len <= LKS_KEY_STATE_MAX, "%s %s",
                      (*row)->name, (*row)->isa);
            LKS_CHECK(lks_isa_rank((*row)->isa) >= 0, "%s has no rank", (*row)->isa);
            LKS_CHECK(!row[1] || lks_isa_rank(row[0]->isa) > lks_isa_rank(row[1]->isa),
                      "%s is not listed best first", (*row)->name);
        }
    }
}

int main(void)
{
    static const struct lks_test tests[] = {{"which rows ran", test_says_which_rows_ran},
                                            {"printed vectors", test_vectors},
                                            {"rows beside portable", test_rows},
                                            {"out of place, cut at random", test_out_of_place},
                                            {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"aead", tests}, {NULL, NULL}};
    uint8_t *map = mmap(NULL, 3 * AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    guarded = map + AREA;
    if (map == MAP_FAILED || mprotect(guarded, AREA, PROT_READ | PROT_WRITE) != 0)
        return 1;
    return lks_test_run("simd", suites);
}
