/* SPDX-License-Identifier: BSD-3-Clause */
#include <lockstep/dpdk.h>
#include <string.h>

#include "chains.h"
#include "common/test.h"
#include "suites.h"

#define MAX_SPANS 256u

static uint8_t flat[CHAIN_MAX];

static bool spans_are(const struct lks_span *spans, uint32_t num, const uint8_t *want, uint32_t len)
{
    for (uint32_t i = 0; i < num; i++) {
        if (!spans[i].len || spans[i].len > len || memcmp(spans[i].data, want, spans[i].len) != 0)
            return false;
        want += spans[i].len;
        len -= (uint32_t)spans[i].len;
    }
    return len == 0;
}

static void test_spans_of_every_range(void)
{
    struct lks_span spans[MAX_SPANS];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t s = seed;
        const uint32_t len = (uint32_t)(lks_test_random(&s) % 120);
        struct rte_mbuf *m = chain_random(&s, flat, len, (uint16_t)(1 + lks_test_random(&s) % 12));
        for (uint32_t from = 0; from <= len; from++)
            for (uint32_t n = 0; n <= len - from; n++) {
                uint32_t num = lks_mbuf_spans(m, from, n, spans, MAX_SPANS);
                LKS_CHECK((n == 0) == (num == 0) && spans_are(spans, num, flat + from, n),
                          "seed %u, from %u, %u bytes", (unsigned int)seed, from, n);
            }
        LKS_CHECK(lks_mbuf_spans(m, 0, len + 1, spans, MAX_SPANS) == 0, "a byte too many");
        LKS_CHECK(lks_mbuf_spans(m, len + 5, 1, spans, MAX_SPANS) == 0, "behind the end");
        rte_pktmbuf_free(m);
    }
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

static void test_spans_of_a_short_array(void)
{
    struct lks_span spans[5] = {{flat, 77}, {flat, 77}, {flat, 77}, {flat, 77}, {flat, 77}};
    uint64_t seed = 3;
    struct rte_mbuf *m = chain_random(&seed, flat, 4 * 2048, 4); /* four full segments */
    CU_ASSERT_EQUAL(lks_mbuf_spans(m, 1, 4 * 2048 - 2, spans, 2), 4);
    CU_ASSERT(spans[1].len == 2048 && spans[2].len == 77);
    CU_ASSERT_EQUAL(lks_mbuf_spans(m, 1, 4 * 2048 - 2, NULL, 0), 4);
    CU_ASSERT_EQUAL(lks_mbuf_spans(m, 1, 4 * 2048 - 2, spans, 5), 4);
    CU_ASSERT(spans_are(spans, 4, flat + 1, 4 * 2048 - 2) && spans[4].len == 77);
    rte_pktmbuf_free(m);
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

static void test_alloc(void)
{
    static const uint32_t lens[] = {0, 1, 21, 1459, 1460, 1461, 2920, 16406, 65536};
    for (size_t i = 0; i < RTE_DIM(lens); i++) {
        struct rte_mbuf *m = lks_mbuf_alloc(pools.data, lens[i], 1460);
        if (!LKS_CHECK(m != NULL, "%u bytes", lens[i]))
            continue;
        CU_ASSERT_EQUAL(m->pkt_len, lens[i]);
        CU_ASSERT_EQUAL(m->nb_segs, lens[i] ? (lens[i] + 1459) / 1460 : 1);
        CU_ASSERT_EQUAL(rte_mbuf_check(m, 1, &(const char *){NULL}), 0);
        for (struct rte_mbuf *at = m; at; at = at->next) {
            CU_ASSERT_EQUAL(rte_pktmbuf_headroom(at), RTE_PKTMBUF_HEADROOM);
            CU_ASSERT(at->data_len == 1460 || !at->next);
        }
        rte_pktmbuf_free(m);
    }
    CU_ASSERT_PTR_NULL(lks_mbuf_alloc(pools.data, 1, 0));
    CU_ASSERT_PTR_NULL(lks_mbuf_alloc(pools.data, 65536, 1));
    CU_ASSERT_PTR_NULL(lks_mbuf_alloc(pools.small, 400, 161));
    CU_ASSERT_PTR_NULL(lks_mbuf_alloc(pools.data, 2048 * 2048, 2048)); /* more than the pool has */
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

/* Wraps a chain, fills the new room, and sees that nothing else changed. */
static void check_wrap(struct rte_mbuf *m, uint32_t len, uint16_t head, uint16_t tail)
{
    static uint8_t want[CHAIN_MAX + 600];
    struct lks_span spans[MAX_SPANS];
    memset(want, 0xa5, head);
    memcpy(want + head, flat, len);
    memset(want + head + len, 0x5a, tail);
    CU_ASSERT_EQUAL(lks_mbuf_wrap(&m, pools.data, head, tail), LKS_OK);
    uint32_t num = lks_mbuf_spans(m, 0, head, spans, MAX_SPANS);
    for (uint32_t i = 0; i < num; i++)
        memset(spans[i].data, 0xa5, spans[i].len);
    num = lks_mbuf_spans(m, head + len, tail, spans, MAX_SPANS);
    for (uint32_t i = 0; i < num; i++)
        memset(spans[i].data, 0x5a, spans[i].len);
    LKS_CHECK(chain_is(m, want, head + len + tail), "%u bytes + %u + %u", len, head, tail);
    rte_pktmbuf_free(m);
}

static void test_wrap_random(void)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        uint64_t s = seed;
        const uint32_t len = (uint32_t)(lks_test_random(&s) % 3000);
        struct rte_mbuf *m = chain_random(&s, flat, len, (uint16_t)(2 + lks_test_random(&s) % 9));
        check_wrap(m, len, (uint16_t)(lks_test_random(&s) % 40),
                   (uint16_t)(lks_test_random(&s) % 40));
    }
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

/* Bytes around a segment that another chain shows must stay. */
static void test_wrap_leaves_shared_bytes(void)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pools.data), *front;
    memcpy(rte_pktmbuf_append(m, 100), flat, 100);
    CU_ASSERT_EQUAL_FATAL(lks_mbuf_cut(&m, 60, pools.clones, &front), LKS_OK);
    CU_ASSERT_EQUAL(lks_mbuf_wrap(&m, pools.data, 5, 17), LKS_OK);
    memset(rte_pktmbuf_mtod(m, void *), 0xff, m->data_len < 5 ? m->data_len : 5);
    LKS_CHECK(chain_is(front, flat, 60), "the header went over the other chain's bytes");
    CU_ASSERT_EQUAL(m->pkt_len, 40 + 5 + 17);
    rte_pktmbuf_free(front);
    rte_pktmbuf_free(m);
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

static void test_wrap_failures_change_nothing(void)
{
    uint64_t seed = 9;
    struct rte_mbuf *m = chain_random(&seed, flat, 4096, 2), *was = m; /* no room at all */
    CU_ASSERT_EQUAL(lks_mbuf_wrap(&m, pools.small, 300, 300), LKS_BAD_ARGUMENT);
    CU_ASSERT(m == was && chain_is(m, flat, 4096));
    struct rte_mbuf *all[4096];
    unsigned int num = 0;
    while (num < RTE_DIM(all) && (all[num] = rte_pktmbuf_alloc(pools.small)))
        num++;
    CU_ASSERT_EQUAL(lks_mbuf_wrap(&m, pools.small, 200, 200), LKS_NO_MEMORY);
    CU_ASSERT(m == was && chain_is(m, flat, 4096));
    rte_pktmbuf_free(all[--num]); /* one is not enough for two */
    CU_ASSERT_EQUAL(lks_mbuf_wrap(&m, pools.small, 200, 200), LKS_NO_MEMORY);
    CU_ASSERT(m == was && chain_is(m, flat, 4096));
    rte_pktmbuf_free_bulk(all, num);
    rte_pktmbuf_free(m);
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

static void test_trim_every_range(void)
{
    const uint32_t len = 40;
    for (uint64_t seed = 1; seed <= 8; seed++)
        for (uint32_t from = 0; from <= len; from++)
            for (uint32_t n = 0; n <= len - from; n++) {
                uint64_t s = seed;
                struct rte_mbuf *m = chain_random(&s, flat, len, (uint16_t)(2 * seed));
                m = lks_mbuf_trim(m, from, n);
                LKS_CHECK(n ? m && chain_is(m, flat + from, n) : !m, "seed %u, from %u, %u bytes",
                          (unsigned int)seed, from, n);
                rte_pktmbuf_free(m);
            }
    uint64_t s = 1;
    CU_ASSERT_PTR_NULL(lks_mbuf_trim(chain_random(&s, flat, len, 3), 1, len));
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

static void test_cut_everywhere(void)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint64_t s = seed;
        const uint32_t len = 1 + (uint32_t)(lks_test_random(&s) % 200);
        const uint16_t num_segs = (uint16_t)(1 + lks_test_random(&s) % 10);
        for (uint32_t n = 1; n <= len; n++) {
            struct rte_mbuf *rest = chain_random(&s, flat, len, num_segs), *front = NULL;
            CU_ASSERT_EQUAL(lks_mbuf_cut(&rest, n, pools.clones, &front), LKS_OK);
            LKS_CHECK(chain_is(front, flat, n) &&
                          (n == len ? !rest : rest && chain_is(rest, flat + n, len - n)),
                      "seed %u, %u of %u", (unsigned int)seed, n, len);
            /* whichever goes first, the other stays whole */
            if (seed & 1) {
                rte_pktmbuf_free(front);
                LKS_CHECK(!rest || chain_is(rest, flat + n, len - n), "the rest, alone");
                rte_pktmbuf_free(rest);
            } else {
                rte_pktmbuf_free(rest);
                LKS_CHECK(chain_is(front, flat, n), "the front, alone");
                rte_pktmbuf_free(front);
            }
        }
    }
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

/* A segment cut again and again: clones of clones' buffers, freed in random order. */
static void test_cut_to_crumbs(void)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint64_t s = seed;
        struct rte_mbuf *rest = chain_random(&s, flat, 6000, 5), *crumb[200];
        uint32_t at[200], num = 0, from = 0;
        while (rest && num < RTE_DIM(crumb)) {
            uint32_t n = 1 + (uint32_t)(lks_test_random(&s) % 100);
            n = n < 6000 - from ? n : 6000 - from;
            at[num] = from;
            CU_ASSERT_EQUAL_FATAL(lks_mbuf_cut(&rest, n, pools.clones, &crumb[num++]), LKS_OK);
            from += n;
        }
        rte_pktmbuf_free(rest);
        while (num) {
            uint32_t i = (uint32_t)(lks_test_random(&s) % num);
            LKS_CHECK(chain_is(crumb[i], flat + at[i], crumb[i]->pkt_len), "seed %u, crumb at %u",
                      (unsigned int)seed, at[i]);
            rte_pktmbuf_free(crumb[i]);
            crumb[i] = crumb[--num];
            at[i] = at[num];
        }
    }
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

static void test_cut_failures_change_nothing(void)
{
    uint64_t seed = 4;
    struct rte_mbuf *m = chain_random(&seed, flat, 100, 1), *was = m, *front = NULL, *all[4096];
    unsigned int num = 0;
    CU_ASSERT_EQUAL(lks_mbuf_cut(&m, 0, pools.clones, &front), LKS_BAD_ARGUMENT);
    CU_ASSERT_EQUAL(lks_mbuf_cut(&m, 101, pools.clones, &front), LKS_BAD_ARGUMENT);
    while (num < RTE_DIM(all) && (all[num] = rte_pktmbuf_alloc(pools.clones)))
        num++;
    CU_ASSERT_EQUAL(lks_mbuf_cut(&m, 50, pools.clones, &front), LKS_NO_MEMORY);
    CU_ASSERT(m == was && !front && chain_is(m, flat, 100));
    rte_pktmbuf_free_bulk(all, num);
    rte_pktmbuf_free(m);
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

static const struct lks_test tests[] = {
    {"spans of every range", test_spans_of_every_range},
    {"spans into a short array", test_spans_of_a_short_array},
    {"alloc", test_alloc},
    {"wrap, random chains", test_wrap_random},
    {"wrap leaves shared bytes", test_wrap_leaves_shared_bytes},
    {"wrap that fails changes nothing", test_wrap_failures_change_nothing},
    {"trim to every range", test_trim_every_range},
    {"cut everywhere", test_cut_everywhere},
    {"cut to crumbs", test_cut_to_crumbs},
    {"cut that fails changes nothing", test_cut_failures_change_nothing},
    {0},
};

const struct lks_test *mbuf_tests(void)
{
    uint64_t seed = 42;
    lks_test_fill(&seed, flat, sizeof(flat));
    return tests;
}
