/* SPDX-License-Identifier: BSD-3-Clause */

/* Records sealed and opened in chains, through the public headers only, as an application would. */

#include <lockstep/dpdk.h>
#include <lockstep/engine.h>
#include <string.h>

#include "chains.h"
#include "common/test.h"
#include "suites.h"

#define MAX_SPANS 128u

static const uint8_t secret[32] = {1, 2, 3}, iv[12] = {4, 5, 6};
static uint8_t flat[CHAIN_MAX];

struct pair {
    struct lks_key seal, open;
    struct lks_engine *engine;
};

static bool pair_start(struct pair *p, enum lks_aead_id aead)
{
    memset(p, 0, sizeof(*p));
    return lks_key_init(&p->seal, LKS_TLS_1_3, aead, LKS_SEAL, secret, iv) == LKS_OK &&
           lks_key_init(&p->open, LKS_TLS_1_3, aead, LKS_OPEN, secret, iv) == LKS_OK &&
           lks_engine_new(&p->engine, 16) == LKS_OK;
}

static void pair_end(struct pair *p)
{
    lks_key_wipe(&p->seal);
    lks_key_wipe(&p->open);
    lks_engine_free(p->engine);
}

static enum lks_status run(struct pair *p, struct lks_op *op)
{
    lks_engine_process(p->engine, op, 1);
    return (enum lks_status)op->status;
}

/* Seals a chain's bytes where they are; the chain becomes the record. */
static enum lks_status seal_in_place(struct pair *p, struct rte_mbuf **chain)
{
    struct lks_span src[MAX_SPANS], dst[MAX_SPANS];
    const uint32_t len = (*chain)->pkt_len;
    enum lks_status status =
        lks_mbuf_wrap(chain, pools.data, LKS_RECORD_HEADER_LEN,
                      (uint16_t)(lks_key_record_len(&p->seal, len) - LKS_RECORD_HEADER_LEN - len));
    struct lks_op op = {.key = &p->seal, .src = src, .dst = dst, .type = LKS_TYPE_APPLICATION_DATA};
    op.num_src = lks_mbuf_spans(*chain, LKS_RECORD_HEADER_LEN, len, src, MAX_SPANS);
    op.num_dst = lks_mbuf_spans(*chain, 0, (*chain)->pkt_len, dst, MAX_SPANS);
    return status ? status : run(p, &op);
}

/* Opens a chain that is one record; the chain becomes the content. */
static enum lks_status open_in_place(struct pair *p, struct rte_mbuf **chain)
{
    struct lks_span src[MAX_SPANS];
    struct lks_op op = {.key = &p->open, .src = src};
    op.num_src = lks_mbuf_spans(*chain, 0, (*chain)->pkt_len, src, MAX_SPANS);
    enum lks_status status = run(p, &op);
    if (status == LKS_OK)
        *chain = lks_mbuf_trim(*chain, LKS_RECORD_HEADER_LEN, op.len);
    return status;
}

static void check_round_trip(struct pair *p, uint64_t seed, uint32_t len, uint16_t num_segs)
{
    static uint8_t record[CHAIN_MAX];
    struct rte_mbuf *m = chain_random(&seed, flat, len, num_segs);
    LKS_CHECK(seal_in_place(p, &m) == LKS_OK, "seal %u bytes in %u segments", len, num_segs);
    const uint32_t record_len = m->pkt_len;
    uint32_t at = 0;
    for (struct rte_mbuf *s = m; s; s = s->next) {
        memcpy(record + at, rte_pktmbuf_mtod(s, uint8_t *), s->data_len);
        at += s->data_len;
    }
    LKS_CHECK(rte_mbuf_check(m, 1, &(const char *){NULL}) == 0 && record[0] == 23 &&
                  (uint32_t)(record[3] << 8 | record[4]) + 5 == record_len,
              "the record's header, %u bytes in %u segments", len, num_segs);
    rte_pktmbuf_free(m);
    /* The same record as another chain has it. */
    m = chain_random(&seed, record, record_len, (uint16_t)(9 + num_segs % 17));
    LKS_CHECK(open_in_place(p, &m) == LKS_OK, "open %u bytes", len);
    LKS_CHECK(len ? m && chain_is(m, flat, len) : !m, "content, %u bytes in %u segments", len,
              num_segs);
    rte_pktmbuf_free(m);
}

static void test_in_place_over_1_to_64_segments(void)
{
    static const enum lks_aead_id aeads[] = {LKS_AES_128_GCM, LKS_AES_256_GCM,
                                             LKS_CHACHA20_POLY1305};
    for (size_t a = 0; a < RTE_DIM(aeads); a++) {
        struct pair p;
        CU_ASSERT_FATAL(pair_start(&p, aeads[a]));
        for (uint16_t segs = 1; segs <= 64; segs++) {
            uint64_t s = segs;
            const uint32_t max = segs * 1800u < 16384 ? segs * 1800u : 16384;
            check_round_trip(&p, s, max, segs);
            check_round_trip(&p, s, (uint32_t)(lks_test_random(&s) % (max + 1)), segs);
            check_round_trip(&p, s, segs, segs);
            check_round_trip(&p, s, 0, segs);
        }
        pair_end(&p);
    }
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

/* Several records in one chain of received segments, cut off one by one and opened in place where
 * neighbours share a segment; some parts are freed before the next is looked at. */
static void test_stream_of_records(void)
{
    struct pair p;
    static uint8_t stream[CHAIN_MAX];
    CU_ASSERT_FATAL(pair_start(&p, LKS_AES_128_GCM));
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t s = seed;
        uint32_t lens[20], total = 0;
        for (int i = 0; i < 20; i++) {
            lens[i] = (uint32_t)(lks_test_random(&s) % (seed % 2 ? 100 : 2500));
            struct lks_span src = {flat + total, lens[i]}, dst = {stream + total, 4096};
            struct lks_op op = {.key = &p.seal,
                                .src = &src,
                                .dst = &dst,
                                .num_src = 1,
                                .num_dst = 1,
                                .type = LKS_TYPE_APPLICATION_DATA};
            CU_ASSERT_EQUAL_FATAL(run(&p, &op), LKS_OK);
            total += op.len;
        }
        struct rte_mbuf *rest =
            chain_random(&s, stream, total, (uint16_t)(total / 1000 + 1 + seed % 7));
        uint32_t at = 0;
        for (int i = 0; i < 20; i++) {
            struct rte_mbuf *record = NULL;
            const uint32_t record_len = (uint32_t)lks_key_record_len(&p.open, lens[i]);
            CU_ASSERT_EQUAL_FATAL(lks_mbuf_cut(&rest, record_len, pools.clones, &record), LKS_OK);
            CU_ASSERT_EQUAL(open_in_place(&p, &record), LKS_OK);
            LKS_CHECK(lens[i] ? record && chain_is(record, flat + at, lens[i]) : !record,
                      "seed %u, record %d", (unsigned int)seed, i);
            at += record_len;
            LKS_CHECK(rest ? chain_is(rest, stream + at, total - at) : at == total,
                      "seed %u: record %d spoilt what follows", (unsigned int)seed, i);
            rte_pktmbuf_free(record);
        }
    }
    pair_end(&p);
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

/* Copy-and-seal into segments of a TCP segment's size: what the terminator does. */
static void test_seal_into_fresh_segments(void)
{
    struct pair p;
    struct lks_span src[MAX_SPANS], dst[MAX_SPANS];
    CU_ASSERT_FATAL(pair_start(&p, LKS_AES_128_GCM));
    for (uint32_t len = 0; len <= 16384; len += len < 64 ? 1 : 997) {
        uint64_t s = len;
        struct rte_mbuf *from = chain_random(&s, flat, len, (uint16_t)(9 + len % 5));
        struct rte_mbuf *to =
            lks_mbuf_alloc(pools.data, (uint32_t)lks_key_record_len(&p.seal, len), 1460);
        CU_ASSERT_PTR_NOT_NULL_FATAL(to);
        struct lks_op op = {
            .key = &p.seal, .src = src, .dst = dst, .type = LKS_TYPE_APPLICATION_DATA};
        op.num_src = lks_mbuf_spans(from, 0, len, src, MAX_SPANS);
        op.num_dst = lks_mbuf_spans(to, 0, to->pkt_len, dst, MAX_SPANS);
        LKS_CHECK(run(&p, &op) == LKS_OK && op.len == to->pkt_len, "seal %u bytes", len);
        CU_ASSERT(chain_is(from, flat, len));
        LKS_CHECK(open_in_place(&p, &to) == LKS_OK && (len ? chain_is(to, flat, len) : !to),
                  "open %u bytes", len);
        rte_pktmbuf_free(from);
        rte_pktmbuf_free(to);
    }
    pair_end(&p);
    CU_ASSERT_EQUAL(chains_in_use(), 0);
}

static const struct lks_test tests[] = {
    {"in place over 1 to 64 segments", test_in_place_over_1_to_64_segments},
    {"a stream of records, cut and opened", test_stream_of_records},
    {"copy-and-seal into fresh segments", test_seal_into_fresh_segments},
    {0},
};

const struct lks_test *engine_tests(void)
{
    uint64_t seed = 43;
    lks_test_fill(&seed, flat, sizeof(flat));
    return tests;
}
