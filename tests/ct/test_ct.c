/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Constant time: keys and plaintext are marked as undefined memory, so memcheck reports every
 * branch and every address that depends on them. valgrind ends the runner at the first one
 * (--error-exitcode, --exit-on-first-error). That the marks do travel is tested too: what comes
 * out of a secret must be marked itself.
 */

#include <string.h>
#include <valgrind/memcheck.h>

#include <lockstep/engine.h>

#include "base/ct.h"
#include "common/test.h"
#include "simd/aead.h"
#include "test_ct.h"

#define TEXT_MAX  1300u
#define LANES_MAX 32u

static uint64_t random_state = 1;

size_t num_secret(void *p, size_t len)
{
    uint8_t vbits[TEXT_MAX];
    size_t num = 0;
    if (VALGRIND_GET_VBITS(p, vbits, len) != 1)
        return 0;
    for (size_t i = 0; i < len; i++)
        num += vbits[i] != 0;
    VALGRIND_MAKE_MEM_DEFINED(p, len);
    return num;
}

/* One message sealed and opened in place, whose text lies in two segments. */
struct message {
    _Alignas(64) uint8_t state[LKS_KEY_STATE_MAX];
    uint8_t text[TEXT_MAX], before[TEXT_MAX];
    uint8_t aad[5], tag[16];
    struct lks_seg segs[2];
    struct lks_aead_job job;
};

static void message_init(struct message *m, const struct lks_aead *row, uint32_t len)
{
    uint8_t key[32];
    memset(m, 0, sizeof(*m));
    lks_test_fill(&random_state, key, sizeof(key));
    lks_test_fill(&random_state, m->text, len);
    memcpy(m->before, m->text, len);
    lks_ct_secret(key, sizeof(key));
    lks_ct_secret(m->text, len);
    row->init(m->state, key);

    uint32_t cut = len / 3, num = 0;
    if (cut)
        m->segs[num++] = (struct lks_seg){m->text, m->text, cut};
    if (len > cut)
        m->segs[num++] = (struct lks_seg){m->text + cut, m->text + cut, len - cut};
    m->job = (struct lks_aead_job){.state = m->state,
                                   .aad = m->aad,
                                   .segs = m->segs,
                                   .num_segs = num,
                                   .len = len,
                                   .aad_len = sizeof(m->aad),
                                   .tag = m->tag};
}

/* The ciphertext and the tag are public once they are sent. */
static void check_sealed(const struct lks_aead *row, struct message *m)
{
    size_t num_text = num_secret(m->text, m->job.len), num_tag = num_secret(m->tag, row->tag_len);
    LKS_CHECK(num_text == m->job.len && num_tag == row->tag_len,
              "%s/%s len %u: %zu and %zu bytes marked", row->name, row->isa, m->job.len, num_text,
              num_tag);
}

static void check_opened(const struct lks_aead *row, struct message *m, bool ok)
{
    uint32_t len = m->job.len;
    size_t num_text = num_secret(m->text, len);
    LKS_CHECK(m->job.ok == ok, "%s/%s len %u", row->name, row->isa, len);
    if (ok) {
        LKS_CHECK(num_text == len, "%s/%s len %u: %zu bytes marked", row->name, row->isa, len,
                  num_text);
        LKS_CHECK(memcmp(m->text, m->before, len) == 0, "%s/%s len %u", row->name, row->isa, len);
    }
}

/* Beside others of its length, so that the lanes are full: a kernel may stream one that is alone.
 * Opening takes the others as sealing left them. */
static void run_lanes(const struct lks_aead *row, struct message *m, bool seal)
{
    static struct message others[LANES_MAX];
    struct lks_aead_job *jobs[LANES_MAX] = {&m->job};
    size_t num = row->num_lanes < LANES_MAX ? row->num_lanes : LANES_MAX;
    for (size_t i = 1; i < num; i++) {
        if (seal)
            message_init(&others[i], row, m->job.len);
        jobs[i] = &others[i].job;
    }
    (seal ? row->seal_lanes : row->open_lanes)(jobs, num);
    for (size_t i = 1; i < num; i++)
        LKS_CHECK(seal || others[i].job.ok, "%s/%s: lane %zu", row->name, row->isa, i);
}

static void run(const struct lks_aead *row, struct message *m, bool lanes, bool seal)
{
    struct lks_aead_job *job = &m->job;
    if (lanes)
        run_lanes(row, m, seal);
    else
        (seal ? row->seal : row->open)(job);
}

static void test_row(const struct lks_aead *row, bool lanes)
{
    static const uint32_t lens[] = {0, 1, 15, 16, 17, 64, 129, 300, 1024, TEXT_MAX};
    static struct message m;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        if (lanes && lens[i] > row->lanes_max_len)
            break;
        message_init(&m, row, lens[i]);
        run(row, &m, lanes, true);
        check_sealed(row, &m);
        run(row, &m, lanes, false);
        check_opened(row, &m, true);

        message_init(&m, row, lens[i]);
        run(row, &m, lanes, true);
        check_sealed(row, &m);
        m.tag[i % row->tag_len] ^= 1;
        run(row, &m, lanes, false);
        check_opened(row, &m, false);
    }
}

/* MAC-then-encrypt and encrypt-then-MAC: key, content and with them padding and the MAC's place are
 * secret; every padding that fits, and what must not be told apart: a wrong MAC, wrong padding,
 * padding longer than the record. */
static void test_mac_row(const struct lks_aead *row)
{
    static const uint32_t lens[] = {0, 1, 47, 64, 250, 700};
    static struct message m;
    static struct lks_mac_side side;
    static uint8_t text[TEXT_MAX];
    static const uint8_t aad[13] = {0, 0, 0, 0, 0, 0, 0, 1, 23, 3, 3};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (int forge = 0; forge < 4; forge++) {
            uint8_t key[80];
            const uint32_t len = lens[i], tail_len = lks_aead_tail_len(row, len);
            memset(&m, 0, sizeof(m));
            lks_test_fill(&random_state, key, sizeof(key));
            lks_test_fill(&random_state, m.text, len);
            memcpy(m.before, m.text, len);
            lks_ct_secret(key, sizeof(key));
            lks_ct_secret(m.text, len);
            row->init(m.state, key);
            m.segs[0] = (struct lks_seg){m.text, m.text, len};
            m.job = (struct lks_aead_job){.state = m.state,
                                          .aad = aad,
                                          .segs = m.segs,
                                          .num_segs = len != 0,
                                          .len = len,
                                          .aad_len = sizeof(aad)};
            m.job.side = &side;
            row->seal(&m.job);
            LKS_CHECK(num_secret(m.text, len) == len && num_secret(side.iv, 16) == 16 &&
                          num_secret(side.tail, tail_len) == tail_len,
                      "%s len %u: all of a record comes from secrets", row->name, len);
            memcpy(text, m.text, len);
            memcpy(text + len, side.tail, tail_len);
            const uint32_t text_len = (uint32_t)lks_aead_text_len(row, len + tail_len);
            memcpy(side.tail, text + text_len, len + tail_len - text_len);
            if (forge == 1)
                text[text_len - 1] ^= 1; /* all of the last block, padding with it */
            else if (forge == 2)
                text[text_len > 32 ? text_len - 17 : 0] ^= 0x40; /* the padding's length */
            else if (forge == 3)
                side.iv[0] ^= 1; /* the content */
            m.segs[0] = (struct lks_seg){text, text, text_len};
            m.job.num_segs = 1;
            m.job.len = text_len;
            row->open(&m.job);
            LKS_CHECK(m.job.ok == !forge, "%s len %u forgery %d", row->name, len, forge);
            if (!forge)
                LKS_CHECK(m.job.len == len && num_secret(text, len) == len &&
                              !memcmp(text, m.before, len),
                          "%s len %u", row->name, len);
        }
    }
}

/* [5246 6.2.3.2-5] */
static void test_macs(void)
{
    if (!RUNNING_ON_VALGRIND)
        LKS_SKIP("not under valgrind");
    for (unsigned int id = LKS_NUM_AEADS; id < LKS_NUM_ALGORITHMS; id++)
        test_mac_row(*lks_aead_rows(id));
}

/* valgrind's CPU has AVX2, but neither VAES nor AVX-512. */
static void test_tier(const char *isa)
{
    uint32_t num_rows = 0, num_run = 0;
    if (!RUNNING_ON_VALGRIND)
        LKS_SKIP("not under valgrind");
    for (unsigned int id = LKS_AES_128_GCM; id < LKS_NUM_AEADS; id++) {
        for (const struct lks_aead *const *row = lks_aead_rows(id); *row; row++) {
            if (strcmp((*row)->isa, isa) != 0)
                continue;
            num_rows++;
            if (!lks_aead_usable(*row))
                continue;
            test_row(*row, false);
            if ((*row)->lanes_max_len)
                test_row(*row, true);
            num_run++;
        }
    }
    if (!num_rows)
        LKS_SKIP("no kernel of this name was built");
    if (!num_run)
        LKS_SKIP("valgrind's CPU lacks it");
    LKS_CHECK(num_run == num_rows, "%u of %u kernels ran", num_run, num_rows);
}

static void test_portable(void)
{
    test_tier("portable");
}

static void test_aesni(void)
{
    test_tier("aesni");
}

static void test_avx2(void)
{
    test_tier("avx2");
}

static void test_vaes256(void)
{
    test_tier("vaes256");
}

static void test_avx512(void)
{
    test_tier("avx512");
}

static void test_vaes512(void)
{
    test_tier("vaes512");
}

static void test_helpers(void)
{
    if (!RUNNING_ON_VALGRIND)
        LKS_SKIP("not under valgrind");
    uint8_t a[33], b[33];
    memset(a, 7, sizeof(a));
    memset(b, 7, sizeof(b));
    for (size_t i = 0; i <= sizeof(a); i++) {
        if (i < sizeof(a))
            b[i] ^= 0x80;
        lks_ct_secret(a, sizeof(a));
        lks_ct_secret(b, sizeof(b));
        bool equal = lks_ct_memeq(a, b, sizeof(a));
        LKS_CHECK(equal == (i == sizeof(a)), "difference at %zu", i);
        LKS_CHECK(num_secret(a, sizeof(a)) == sizeof(a), "the compared bytes stay secret");
        lks_ct_public(b, sizeof(b), "the test's own");
        if (i < sizeof(a))
            b[i] ^= 0x80;
    }
    uint32_t secret = 5;
    lks_ct_secret(&secret, sizeof(secret));
    uint32_t chosen = lks_ct_select(lks_ct_eq(secret, 5), 1, 2);
    LKS_CHECK(num_secret(&chosen, sizeof(chosen)) > 0, "a choice by a secret is one");
    CU_ASSERT_EQUAL(chosen, 1);
}

static const struct lks_test tests[] = {
    {"helpers", test_helpers}, {"portable", test_portable}, {"MACs, portable", test_macs},
    {"aesni", test_aesni},     {"avx2", test_avx2},         {"vaes256", test_vaes256},
    {"avx512", test_avx512},   {"vaes512", test_vaes512},   {NULL, NULL},
};

static const struct lks_test_suite suites[] = {
    {"ct", tests}, {"mlkem", mlkem_tests}, {"rsa", rsa_tests}, {NULL, NULL}};

int main(void)
{
    return lks_test_run("ct", suites);
}
