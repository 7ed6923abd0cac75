/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Random bursts beside a model: mixed versions, algorithms, directions, keys, lengths, splits, in
 * place or not, forged records between good ones. The model knows what every op must give; every
 * byte that no op may write must stay.
 */

#include <lockstep/engine.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"
#include "test_record.h"

#define ARENA_LEN  (6u << 20)
#define MAX_OPS    150u
#define MAX_KEYS   12u
#define MAX_SPANS  40000u
#define CANARY_GAP 3u

enum kind { GOOD, NOT_DATA, FORGED, ALL_ZERO };

struct model_key {
    struct reference_key secrets;
    struct lks_key *key;
    uint64_t seq;
    bool stopped; /* opening: an op ended the key's turn */
};

struct model_op {
    struct model_key *key;
    const struct lks_span *out; /* where the result lies: the record, or the content */
    uint32_t num_out;
    uint8_t *content, *record; /* content as it was, record as the reference has it */
    size_t len, record_len, out_len;
    uint8_t type;
    enum lks_status status;
};

static struct {
    uint64_t random;
    uint8_t *memory, *before, *may_change;
    size_t used;
    struct lks_span *spans;
    uint32_t num_spans;
    uint8_t *heap; /* contents and records as they should be */
    size_t heap_used;
    struct model_key keys[MAX_KEYS];
    struct lks_key lks_keys[MAX_KEYS];
    struct model_op model[MAX_OPS];
    struct lks_op ops[MAX_OPS];
} t;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(lks_test_random(&t.random) % n);
}

static uint8_t *take(size_t len)
{
    uint8_t *p = t.heap + t.heap_used;
    t.heap_used += len;
    if (t.heap_used > ARENA_LEN)
        abort();
    return p;
}

/* How long the next span is: a list has one, two, about twelve or very many of them. */
static size_t next_cut(size_t len, uint32_t style)
{
    size_t n = len;
    if (style == 1)
        n = below((uint32_t)len + 1);
    else if (style == 2)
        n = below((uint32_t)len / 6 + 2);
    else if (style == 3)
        n = below(3);
    return n < len ? n : len;
}

static uint32_t pick_style(size_t len)
{
    uint32_t style = below(4);
    return style == 3 && len > 600 && below(12) ? 2 : style;
}

/* Room for len bytes in spans that lie apart, from the arena. */
static const struct lks_span *scatter(size_t len, uint32_t *num)
{
    const struct lks_span *first = &t.spans[t.num_spans];
    uint32_t style = pick_style(len);
    *num = 0;
    t.used += below(64);
    for (size_t left = len; left;) {
        size_t n = next_cut(left, style);
        if (*num == 200 && n < left / 2)
            style = 2;
        t.spans[t.num_spans++] = (struct lks_span){t.memory + t.used, n};
        memset(t.may_change + t.used, 1, n);
        t.used += n + CANARY_GAP;
        left -= n;
        ++*num;
    }
    if (t.used > ARENA_LEN || t.num_spans > MAX_SPANS)
        abort();
    return first;
}

/* The same bytes from skip on, len of them, cut anew. */
static const struct lks_span *recut(const struct lks_span *spans, uint32_t num_spans, size_t skip,
                                    size_t len, uint32_t *num)
{
    const struct lks_span *first = &t.spans[t.num_spans];
    const uint32_t style = below(3);
    *num = 0;
    for (uint32_t i = 0; i < num_spans && len; i++) {
        size_t at = skip < spans[i].len ? skip : spans[i].len;
        skip -= at;
        while (at < spans[i].len && len) {
            size_t most = spans[i].len - at < len ? spans[i].len - at : len;
            size_t n = next_cut(most, style);
            t.spans[t.num_spans++] = (struct lks_span){spans[i].data + at, n};
            at += n;
            len -= n;
            ++*num;
        }
    }
    return first;
}

static void scatter_write(const struct lks_span *spans, uint32_t num, const uint8_t *in, size_t len)
{
    for (uint32_t i = 0; i < num && len; i++) {
        size_t n = spans[i].len < len ? spans[i].len : len;
        memcpy(spans[i].data, in, n);
        in += n;
        len -= n;
    }
}

/* Whether the first len bytes of spans are those of want; all zero where want is NULL. */
static bool gathers_to(const struct lks_span *spans, uint32_t num, const uint8_t *want, size_t len)
{
    for (uint32_t i = 0; i < num && len; i++)
        for (size_t b = 0; b < spans[i].len && len; b++, len--)
            if (spans[i].data[b] != (want ? *want++ : 0))
                return false;
    return !len;
}

static size_t pick_len(void)
{
    switch (below(12)) {
    case 0:
        return 0;
    case 1:
        return below(16384 + 1);
    case 2:
        return 16384;
    case 3:
        return below(2000);
    default:
        return below(300);
    }
}

/* Content with zeros at its end now and then, which must not be taken for padding. */
static uint8_t *make_content(size_t len)
{
    uint8_t *content = take(len + 8);
    lks_test_fill(&t.random, content, len);
    if (!below(4))
        memset(content + len / 2, 0, len - len / 2);
    return content;
}

static void plan_seal(struct lks_op *op, struct model_op *m, size_t pad_len)
{
    const size_t prefix = reference_prefix(&m->key->secrets);
    m->record_len = reference_seal(&m->key->secrets, m->key->seq, m->type, m->content, m->len,
                                   pad_len, m->record);
    m->key->seq++;
    m->out_len = m->record_len;
    m->out = scatter(m->record_len + below(2) * below(40), &m->num_out);
    op->dst = m->out;
    op->num_dst = m->num_out;
    op->type = m->type;
    op->pad_len = (uint16_t)pad_len;
    op->src = below(2) ? scatter(m->len, &op->num_src)
                       : recut(m->out, m->num_out, prefix, m->len, &op->num_src);
    scatter_write(op->src, op->num_src, m->content, m->len);
}

static void plan_status(struct model_op *m, enum kind kind)
{
    if (m->key->stopped)
        m->status = LKS_DEFERRED;
    else if (kind == FORGED)
        m->status = LKS_BAD_TAG;
    else if (kind == ALL_ZERO)
        m->status = LKS_ALERT_UNEXPECTED_MESSAGE;
    m->key->stopped |= kind != GOOD;
}

static enum kind pick_kind(const struct reference_key *secrets)
{
    const uint32_t pick = below(12);
    if (pick == 0 || pick == 1)
        return NOT_DATA;
    if (pick == 2 && secrets->aead != LKS_AEAD_NULL)
        return FORGED;
    if (pick == 3 && secrets->aead != LKS_AEAD_NULL && secrets->version == LKS_TLS_1_3)
        return ALL_ZERO;
    return GOOD;
}

static void plan_open(struct lks_op *op, struct model_op *m, size_t pad_len)
{
    const struct reference_key *secrets = &m->key->secrets;
    const size_t prefix = reference_prefix(secrets);
    const size_t tag_len = reference_suffix(secrets);
    const enum kind kind = pick_kind(secrets);
    m->type = kind == NOT_DATA ? LKS_TYPE_HANDSHAKE : LKS_TYPE_APPLICATION_DATA;
    if (kind == ALL_ZERO)
        memset(m->content, 0, m->len);
    m->record_len = reference_seal(secrets, m->key->seq, kind == ALL_ZERO ? 0 : m->type, m->content,
                                   m->len, pad_len, m->record);
    /* Forged: in the text or the tag. A zeroed type byte alone would still be a right record. */
    if (kind == FORGED)
        m->record[prefix + below((uint32_t)(m->record_len - prefix))] ^= (uint8_t)(1 + below(255));
    if (!m->key->stopped && kind != FORGED)
        m->key->seq++;
    plan_status(m, kind);
    m->out_len = m->record_len - prefix - tag_len;
    op->src = scatter(m->record_len, &op->num_src);
    scatter_write(op->src, op->num_src, m->record, m->record_len);
    if (below(2)) { /* in place */
        m->out = recut(op->src, op->num_src, prefix, m->out_len, &m->num_out);
        if (below(2))
            return;
    } else {
        m->out = scatter(m->out_len + below(2) * below(40), &m->num_out);
    }
    op->dst = m->out_len ? m->out : NULL;
    op->num_dst = m->out_len ? m->num_out : 0;
}

static void plan_op(uint32_t i, uint32_t num_keys)
{
    struct model_op *m = &t.model[i];
    struct lks_op *op = &t.ops[i];
    memset(m, 0, sizeof(*m));
    memset(op, 0, sizeof(*op));
    m->key = &t.keys[below(num_keys)];
    m->len = pick_len();
    m->content = make_content(m->len);
    m->record = take(m->len + 1024);
    m->type = (uint8_t)(20 + below(4));
    op->key = m->key->key;
    size_t pad_len = 0;
    const struct reference_key *secrets = &m->key->secrets;
    if (secrets->version == LKS_TLS_1_3 && secrets->aead != LKS_AEAD_NULL && !below(4)) {
        pad_len = below(600);
        if (m->len + pad_len > LKS_RECORD_PLAINTEXT_MAX)
            pad_len = LKS_RECORD_PLAINTEXT_MAX - m->len;
    }
    if (op->key->dir == LKS_SEAL)
        plan_seal(op, m, pad_len);
    else
        plan_open(op, m, pad_len);
}

static void make_keys(uint32_t num_keys, bool one_direction)
{
    for (uint32_t k = 0; k < num_keys; k++) {
        struct model_key *m = &t.keys[k];
        memset(m, 0, sizeof(*m));
        lks_test_fill(&t.random, m->secrets.key, sizeof(m->secrets.key));
        lks_test_fill(&t.random, m->secrets.iv, 12);
        m->secrets.version = below(3) ? LKS_TLS_1_3 : LKS_TLS_1_2;
        m->secrets.aead = (enum lks_aead_id)below(LKS_NUM_AEADS);
        if (!below(3)) {
            m->secrets.version = LKS_TLS_1_2;
            m->secrets.aead =
                (enum lks_aead_id)(LKS_NUM_AEADS + below(LKS_NUM_ALGORITHMS - LKS_NUM_AEADS));
        }
        m->key = &t.lks_keys[k];
        m->seq = below(2) ? 0 : below(100000);
        reference_lks_key(&m->secrets, one_direction || below(2) ? LKS_OPEN : LKS_SEAL, m->key);
        m->key->seq = m->seq;
    }
}

static void check_op(uint32_t i, uint64_t seed)
{
    const struct model_op *m = &t.model[i];
    const struct lks_op *op = &t.ops[i];
    const int aead = (int)m->key->secrets.aead;
    if (!LKS_CHECK(op->status == m->status, "seed %llu op %u aead %d len %zu: %s, not %s",
                   (unsigned long long)seed, i, aead, m->len,
                   lks_status_name((enum lks_status)op->status), lks_status_name(m->status)))
        return;
    if (m->status == LKS_BAD_TAG)
        LKS_CHECK(gathers_to(m->out, m->num_out, NULL, m->out_len),
                  "seed %llu op %u: plaintext remains", (unsigned long long)seed, i);
    if (m->status == LKS_DEFERRED)
        LKS_CHECK(gathers_to(op->src, op->num_src, m->record, m->record_len),
                  "seed %llu op %u: deferred but touched", (unsigned long long)seed, i);
    if (m->status)
        return;
    const bool seals = m->key->key->dir == LKS_SEAL;
    const size_t len = seals ? m->record_len : m->len;
    LKS_CHECK(op->len == len && op->type == m->type && m->out_len >= len &&
                  gathers_to(m->out, m->num_out, seals ? m->record : m->content, len),
              "seed %llu op %u aead %d len %zu in %u to %u spans: wrong bytes",
              (unsigned long long)seed, i, aead, m->len, op->num_src, op->num_dst);
}

static void check_burst(uint32_t num_ops, uint32_t num_keys, uint32_t num_ok, uint64_t seed)
{
    uint32_t expected = 0;
    for (uint32_t i = 0; i < num_ops; i++) {
        expected += t.model[i].status == LKS_OK;
        check_op(i, seed);
    }
    LKS_CHECK(num_ok == expected, "seed %llu: %u of %u", (unsigned long long)seed, num_ok,
              expected);
    for (uint32_t k = 0; k < num_keys; k++)
        LKS_CHECK(
            (t.keys[k].secrets.aead == LKS_AEAD_NULL || t.keys[k].key->seq == t.keys[k].seq) &&
                !t.keys[k].key->engine_count,
            "seed %llu key %u: sequence number", (unsigned long long)seed, k);
    for (size_t b = 0; b < ARENA_LEN; b++)
        if (t.memory[b] != t.before[b] && !t.may_change[b]) {
            LKS_CHECK(false, "seed %llu: byte %zu outside all spans", (unsigned long long)seed, b);
            return;
        }
}

static void run_burst(uint64_t seed, bool one_direction)
{
    struct lks_engine *engine;
    t.random = seed;
    t.used = t.heap_used = 0;
    t.num_spans = 0;
    memset(t.may_change, 0, ARENA_LEN);
    memset(t.memory, 0xc5, ARENA_LEN);
    const uint32_t num_keys = 1 + below(MAX_KEYS), num_ops = 1 + below(MAX_OPS);
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, num_ops), LKS_OK);
    make_keys(num_keys, one_direction);
    for (uint32_t i = 0; i < num_ops; i++)
        plan_op(i, num_keys);
    memcpy(t.before, t.memory, ARENA_LEN);
    check_burst(num_ops, num_keys, lks_engine_process(engine, t.ops, num_ops), seed);
    for (uint32_t k = 0; k < num_keys; k++)
        lks_key_wipe(&t.lks_keys[k]);
    lks_engine_free(engine);
}

static void run_bursts(uint64_t first_seed, bool one_direction)
{
    t.memory = malloc(ARENA_LEN);
    t.before = malloc(ARENA_LEN);
    t.may_change = malloc(ARENA_LEN);
    t.heap = malloc(ARENA_LEN);
    t.spans = malloc((MAX_SPANS + 20000) * sizeof(*t.spans));
    CU_ASSERT_FATAL(t.memory && t.before && t.may_change && t.heap && t.spans);
    for (uint64_t seed = first_seed; seed < first_seed + (lks_test_is_quick() ? 8 : 60); seed++)
        run_burst(seed, one_direction);
    free(t.memory);
    free(t.before);
    free(t.may_change);
    free(t.heap);
    free(t.spans);
}

/* [5246 6.2.1-3] */
static void test_mixed(void)
{
    run_bursts(1, false);
}

/* Fewer kinds, so that one key has many ops and the order among them matters. */
static void test_opening_only(void)
{
    run_bursts(1000, true);
}

/* Every length up to two of any kernel's blocks and beyond, both ways, beside each other. */
static void test_every_length(void)
{
    static uint8_t content[1100], record[1100][1200], want[1200];
    static struct lks_span src[1100], dst[1100];
    static struct lks_op ops[1100];
    static struct lks_key seal, open;
    struct lks_engine *engine;
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, 1100), LKS_OK);
    t.random = 5;
    lks_test_fill(&t.random, content, sizeof(content));
    for (unsigned int aead = 0; aead < LKS_NUM_ALGORITHMS; aead++) {
        struct reference_key secrets = {.version = aead < LKS_NUM_AEADS ? LKS_TLS_1_3 : LKS_TLS_1_2,
                                        .aead = (enum lks_aead_id)aead};
        const size_t prefix = reference_prefix(&secrets);
        lks_test_fill(&t.random, secrets.key, sizeof(secrets.key));
        lks_test_fill(&t.random, secrets.iv, 12);
        reference_lks_key(&secrets, LKS_SEAL, &seal);
        reference_lks_key(&secrets, LKS_OPEN, &open);
        for (uint32_t len = 0; len < 1100; len++) {
            src[len] = (struct lks_span){content, len};
            dst[len] = (struct lks_span){record[len], sizeof(record[len])};
            ops[len] = (struct lks_op){&seal, &src[len], &dst[len], 1, 1, .type = 23};
        }
        CU_ASSERT_EQUAL(lks_engine_process(engine, ops, 1100), 1100);
        for (uint32_t len = 0; len < 1100; len++) {
            size_t n = reference_seal(&secrets, len, 23, content, len, 0, want);
            LKS_CHECK(ops[len].len == n && !memcmp(want, record[len], n), "aead %u seal %u", aead,
                      len);
            dst[len].len = n;
            ops[len] = (struct lks_op){&open, &dst[len], NULL, 1, 0};
        }
        CU_ASSERT_EQUAL(lks_engine_process(engine, ops, 1100), 1100);
        for (uint32_t len = 0; len < 1100; len++)
            LKS_CHECK(ops[len].len == len && !memcmp(content, record[len] + prefix, len),
                      "aead %u open %u", aead, len);
        lks_key_wipe(&seal);
        lks_key_wipe(&open);
    }
    lks_engine_free(engine);
}

const struct lks_test batch_tests[] = {
    {"every length to 1100, sealed and opened", test_every_length},
    {"random bursts beside the model", test_mixed},
    {"random bursts, opening only", test_opening_only},
    {0},
};
