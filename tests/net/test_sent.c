/* SPDX-License-Identifier: BSD-3-Clause */

/* The ring of segments in flight against a list that is searched, and CUBIC against its formulas.
 */

#include <math.h>
#include <string.h>

#include "net/tcp_flow.h"
#include "suites.h"

/* ---- the scoreboard ---- */

#define MODEL_MAX 1200u

struct model {
    uint32_t seq, len, order;
    enum segment_state state;
    uint32_t sendings;
};

struct board {
    struct sent sent;
    struct pool rings[SENT_CLASSES];
    struct model model[MODEL_MAX];
    uint32_t num, next_seq, order;
    uint64_t seed;
};

static uint32_t pick(struct board *b, uint32_t num)
{
    return (uint32_t)(lks_test_random(&b->seed) % num);
}

static uint16_t index_of(const struct board *b, uint32_t i)
{
    return (uint16_t)(b->sent.first + i);
}

static bool agrees(const struct board *b)
{
    uint32_t sums[3] = {0}, num_sacked = 0, oldest = MODEL_MAX, lost = MODEL_MAX;
    for (uint32_t i = 0; i < b->num; i++) {
        const struct model *m = &b->model[i];
        const struct segment *s = sent_at(&b->sent, index_of(b, i));
        if (s->seq != m->seq || s->len != m->len || s->state != m->state)
            return false;
        sums[m->state] += m->len;
        num_sacked += m->state == SEGMENT_SACKED;
        if (m->state == SEGMENT_LOST && lost == MODEL_MAX)
            lost = i;
        if (m->state == SEGMENT_FLYING && m->sendings > 1 &&
            (oldest == MODEL_MAX || m->order < b->model[oldest].order))
            oldest = i;
        /* everything before `fresh` is decided */
        if ((uint16_t)(index_of(b, i) - b->sent.first) <
                (uint16_t)(b->sent.fresh - b->sent.first) &&
            m->state == SEGMENT_FLYING && m->sendings == 1)
            return false;
    }
    struct sent copy = b->sent;
    if (copy.ring == b->sent.small)
        copy.ring = copy.small;
    const uint16_t end = b->sent.end;
    return b->num == sent_num(&b->sent) && sums[SEGMENT_FLYING] == b->sent.flying &&
           sums[SEGMENT_LOST] == b->sent.lost && sums[SEGMENT_SACKED] == b->sent.sacked &&
           num_sacked == b->sent.num_sacked &&
           sent_next_lost(&copy) == (lost == MODEL_MAX ? end : index_of(b, lost)) &&
           sent_first_again(&b->sent) == (oldest == MODEL_MAX ? end : index_of(b, oldest));
}

static void push(struct board *b)
{
    const struct segment segment = {.seq = b->next_seq, .len = (uint16_t)(1 + pick(b, 1400))};
    if (b->num == MODEL_MAX || !sent_reserve(&b->sent, 1, b->rings))
        return;
    sent_push(&b->sent, &segment);
    b->model[b->num++] = (struct model){segment.seq, segment.len, b->order++, SEGMENT_FLYING, 1};
    b->next_seq += segment.len;
}

static void pop(struct board *b)
{
    sent_pop(&b->sent);
    memmove(b->model, b->model + 1, --b->num * sizeof(b->model[0]));
}

/* As RACK does: only what is flying is lost, and `fresh` goes on over what is decided. */
static void lose_some(struct board *b)
{
    struct sent *sent = &b->sent;
    for (uint32_t n = pick(b, 20); n && sent->fresh != sent->end; n--) {
        struct model *m = &b->model[(uint16_t)(sent->fresh - sent->first)];
        if (m->state == SEGMENT_FLYING && m->sendings == 1) {
            sent_mark_lost(sent, sent->fresh);
            m->state = SEGMENT_LOST;
        }
        sent->fresh = sent_skip_sacked(sent, sent->fresh);
    }
    const uint16_t again = sent_first_again(sent);
    if (again != sent->end && pick(b, 2)) {
        b->model[(uint16_t)(again - sent->first)].state = SEGMENT_LOST;
        sent_mark_lost(sent, again);
    }
}

static void change_one(struct board *b, uint32_t i)
{
    struct model *m = &b->model[i];
    switch (pick(b, 4)) {
    case 0:
        if (m->state == SEGMENT_LOST) {
            sent_mark_resent(&b->sent, index_of(b, i), 0);
            m->state = SEGMENT_FLYING;
            m->sendings++;
            m->order = b->order++;
        }
        break;
    case 1:
        if (m->state == SEGMENT_LOST) {
            sent_mark_found(&b->sent, index_of(b, i));
            m->state = SEGMENT_FLYING;
            m->order = b->order++;
        }
        break;
    case 2: /* a block, marked as loss_sacks() does */
        for (uint16_t at = index_of(b, i), to = index_of(b, i + pick(b, b->num - i));
             at != b->sent.end && seq_before(at, to);) {
            struct model *marked = &b->model[(uint16_t)(at - b->sent.first)];
            if (marked->state != SEGMENT_SACKED)
                sent_mark_sacked(&b->sent, at);
            marked->state = SEGMENT_SACKED;
            at = sent_skip_sacked(&b->sent, at);
        }
        break;
    default:
        if (m->len > 1 && i == 0) {
            sent_trim(&b->sent, 1);
            m->seq++;
            m->len--;
        }
    }
}

/* [6675 4-1 4-2] */
static void scoreboard(void)
{
    static struct board b;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        memset(&b, 0, sizeof(b));
        b.seed = seed;
        b.next_seq = 0u - 100000;
        sent_init(&b.sent);
        b.sent.first = b.sent.end = b.sent.fresh = b.sent.lost_hint = 65000; /* indices wrap */
        for (uint32_t i = 0; i < SENT_CLASSES; i++)
            CU_ASSERT(pool_make(&b.rings[i],
                                (SENT_SMALL << 2 * (i + 1)) * (uint32_t)sizeof(struct segment), 1));
        for (uint32_t step = 0; step < 6000; step++) {
            const uint32_t what = pick(&b, 10);
            if (what < (step / 1500 % 2 ? 2u : 5u) || !b.num)
                push(&b);
            else if (what == 6)
                pop(&b);
            else if (what == 7)
                lose_some(&b);
            else
                change_one(&b, pick(&b, 3) ? pick(&b, b.num) : 0);
            if (!LKS_CHECK(agrees(&b), "seed %u step %u", (unsigned int)seed, step))
                return;
        }
        sent_forget_sacked(&b.sent);
        CU_ASSERT_EQUAL(b.sent.sacked, 0);
        for (uint32_t i = 0; i < b.num; i++)
            CU_ASSERT_EQUAL(sent_find(&b.sent, b.model[i].seq - (i ? b.model[i - 1].len - 1 : 0)),
                            index_of(&b, i));
        sent_release(&b.sent, b.rings);
        for (uint32_t i = 0; i < SENT_CLASSES; i++) {
            CU_ASSERT_EQUAL(b.rings[i].in_use, 0);
            pool_release(&b.rings[i]);
        }
    }
}

/* ---- RFC 9438 ---- */

struct cubic_flow {
    struct tcp tcp;
    struct flow flow;
    struct flight flight;
};

static struct flow *cubic_flow(struct cubic_flow *f, uint32_t cwnd)
{
    memset(f, 0, sizeof(*f));
    f->tcp.cc = &cc_cubic;
    f->flow = (struct flow){
        .tcp = &f->tcp, .flight = &f->flight, .mss = 1000, .cwnd = cwnd, .srtt_us = 100000};
    return &f->flow;
}

/* 4.2: at K the window is W_max again, before it less, after it more, and K is as the formula has
 * it: cbrt(W_max (1 - beta) / C) after a first loss. [9438 4.2-1 4.6-1 5.1-1] */
static void cubic_shape(void)
{
    static struct cubic_flow f;
    struct flow *flow = cubic_flow(&f, 1000000);
    CU_ASSERT_EQUAL(cc_cubic.reduce(flow), 700000);
    CU_ASSERT_EQUAL(flow->w_max, 1000000);
    flow->cwnd = 700000;
    cc_cubic.grow(flow, 1, 1000000);
    const double k = cbrt(1000 * 0.3 / 0.4);
    CU_ASSERT_DOUBLE_EQUAL(f.flight.cc.cubic.k, k, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(cubic_window(flow, 0), 700000, 1);
    CU_ASSERT_DOUBLE_EQUAL(cubic_window(flow, k), 1000000, 1);
    CU_ASSERT_DOUBLE_EQUAL(cubic_window(flow, k + 5), 1000000 + 0.4 * 125 * 1000, 1);

    /* and the window follows it, an acknowledged window a round trip */
    uint64_t now_us = 1000000;
    for (; now_us < 1000000 + (uint64_t)(k * 1e6); now_us += 100000)
        cc_cubic.grow(flow, flow->cwnd, now_us);
    CU_ASSERT_DOUBLE_EQUAL(flow->cwnd, 1000000, 3000);
}

/* 4.2: time in which the window was not what held the flow back moves the curve along. [9438 4.2-2]
 */
static void cubic_time_unused(void)
{
    static struct cubic_flow f;
    struct flow *flow = cubic_flow(&f, 1000000);
    flow->cwnd = cc_cubic.reduce(flow);
    cc_cubic.grow(flow, 1, 1000000);
    cc_cubic.grow(flow, flow->cwnd, 1100000);
    const uint32_t cwnd = flow->cwnd;
    for (uint32_t i = 1; i <= 600; i++)
        cc_cubic.grow(flow, 0, 1100000 + i * 100000);
    CU_ASSERT_EQUAL(flow->cwnd, cwnd);
    CU_ASSERT_EQUAL(f.flight.cc.cubic.epoch_us, 1000000 + 60000000);
    cc_cubic.grow(flow, flow->cwnd, 61200000);
    CU_ASSERT(flow->cwnd < 760000);
}

/* 4.8: after a timeout the curve begins at its plateau, whatever was reached before. [9438 4.8-1]
 */
static void cubic_timeout(void)
{
    static struct cubic_flow f;
    struct flow *flow = cubic_flow(&f, 1000000);
    flow->ssthresh = cc_cubic.reduce(flow);
    cc_cubic.timed_out(flow);
    flow->cwnd = flow->ssthresh;
    cc_cubic.grow(flow, 1, 1000000);
    CU_ASSERT_EQUAL(f.flight.cc.cubic.k, 0);
    CU_ASSERT_EQUAL(flow->w_max, 700000);
    CU_ASSERT_DOUBLE_EQUAL(f.flight.cc.cubic.estimate, 700000, 10);
}

/* 4.7: a loss below the last one's window gives way. 4.9: undone, it is as it was.
 * [9438 4.7-1 4.9.2-1] */
static void cubic_fast_convergence(void)
{
    static struct cubic_flow f;
    struct flow *flow = cubic_flow(&f, 800000);
    flow->w_max = 1000000;
    CU_ASSERT_EQUAL(cc_cubic.reduce(flow), 560000);
    CU_ASSERT_EQUAL(flow->w_max, 680000);
    cc_cubic.undo(flow);
    CU_ASSERT_EQUAL(flow->w_max, 1000000);
    cc_cubic.grow(flow, 1, 5000000);
    const struct cc_cubic before = f.flight.cc.cubic;
    cc_cubic.reduce(flow);
    cc_cubic.undo(flow);
    CU_ASSERT_EQUAL(f.flight.cc.cubic.epoch_us, before.epoch_us);
    CU_ASSERT_EQUAL(f.flight.cc.cubic.k, before.k);
    CU_ASSERT_EQUAL(f.flight.cc.cubic.estimate, before.estimate);
    CU_ASSERT_EQUAL(f.flight.cc.cubic.prior_cwnd, before.prior_cwnd);
}

/* 4.3: with a short round trip Reno would be faster: alpha segments a round trip until the window
 * is what it was, one after. [9438 4.3-1] */
static void cubic_is_reno_friendly(void)
{
    static struct cubic_flow f;
    struct flow *flow = cubic_flow(&f, 100000);
    flow->srtt_us = 1000;
    flow->cwnd = cc_cubic.reduce(flow);
    for (uint32_t round = 0; round < 40; round++)
        cc_cubic.grow(flow, flow->cwnd, 1000000 + round * 1000);
    CU_ASSERT_DOUBLE_EQUAL(flow->cwnd, 70000 + 40 * 1000 * (3 * 0.3 / 1.7), 1000);
    for (uint32_t round = 40; round < 80; round++)
        cc_cubic.grow(flow, flow->cwnd, 1000000 + round * 1000);
    CU_ASSERT(flow->cwnd > 110000 && flow->cwnd < 125000);
}

/* [5681 3.1-6 3.1-7] */
static void reno_grows_by_a_segment(void)
{
    static struct cubic_flow f;
    struct flow *flow = cubic_flow(&f, 10000);
    flow->snd_nxt = 8000;
    CU_ASSERT_EQUAL(cc_reno.reduce(flow), 4000);
    for (uint32_t i = 0; i < 10; i++)
        cc_reno.grow(flow, 1000, 0);
    CU_ASSERT_EQUAL(flow->cwnd, 11000);
}

/* ---- RFC 9406 ---- */

/* A round of acknowledgements of a segment each, as many as there are in the window; every one
 * measures the same round trip. */
static void round_of(struct flow *flow, uint32_t rtt_us)
{
    const uint32_t end = flow->snd_nxt;
    flow->snd_nxt += flow->cwnd;
    while (seq_before(flow->snd_una, end)) {
        const struct cc_ack ack = {.delivered = 1000, .acked = 1000, .rtt_us = rtt_us};
        flow->snd_una += 1000;
        cc_acked(flow, &ack, 0);
    }
}

static struct flow *in_slow_start(struct cubic_flow *f)
{
    struct flow *flow = cubic_flow(f, 20000);
    flow->ssthresh = UINT32_MAX;
    flow->snd_nxt = 20000;
    f->flight.cc.limited = true;
    f->flight.cc.hystart.round_end = 20000;
    return flow;
}

/* 4.2: a round trip longer by an eighth slows growth to a fourth, and five such rounds end it.
 * [9406 4.2-1 4.2-2 4.2-4] */
static void hystart(void)
{
    static struct cubic_flow f;
    struct flow *flow = in_slow_start(&f);
    round_of(flow, 100000);
    CU_ASSERT_EQUAL(flow->cwnd, 40000);
    round_of(flow, 112000);
    CU_ASSERT_EQUAL(f.flight.cc.hystart.css_rounds, 0);
    round_of(flow, 127000);
    CU_ASSERT(f.flight.cc.hystart.css_rounds);
    uint32_t rounds = 0;
    while (flow->ssthresh == UINT32_MAX && rounds < 10) {
        const uint32_t before = flow->cwnd, acked = flow->snd_nxt - flow->snd_una;
        round_of(flow, 127000);
        CU_ASSERT(flow->cwnd <= before + acked / 4 + 1000);
        rounds++;
    }
    CU_ASSERT(rounds >= 4 && rounds <= 6);
    CU_ASSERT(flow->ssthresh <= flow->cwnd);
}

/* What was jitter is forgotten, and the window grows as before. [9406 4.2-3] */
static void hystart_was_wrong(void)
{
    static struct cubic_flow f;
    struct flow *flow = in_slow_start(&f);
    round_of(flow, 100000);
    round_of(flow, 125000);
    CU_ASSERT(f.flight.cc.hystart.css_rounds);
    round_of(flow, 100000);
    CU_ASSERT_EQUAL(f.flight.cc.hystart.css_rounds, 0);
    const uint32_t before = flow->cwnd, acked = flow->snd_nxt - flow->snd_una;
    round_of(flow, 100000);
    CU_ASSERT(flow->cwnd >= before + acked);
}

/* 4.3: an acknowledgement of much lets eight segments more go, unless they are paced. [9406 4.3-1]
 */
static void unpaced_growth(void)
{
    static struct cubic_flow f;
    struct flow *flow = in_slow_start(&f);
    const struct cc_ack ack = {.delivered = 20000, .acked = 20000, .rtt_us = 500};
    cc_acked(flow, &ack, 0);
    CU_ASSERT_EQUAL(flow->cwnd, 40000);
    flow->srtt_us = 500;
    cc_acked(flow, &ack, 0);
    CU_ASSERT_EQUAL(flow->cwnd, 48000);
}

/* [6928 2-1] */
static void first_windows(void)
{
    CU_ASSERT_EQUAL(cc_initial_window(1448), 14480); /* RFC 6928 2 */
    CU_ASSERT_EQUAL(cc_initial_window(536), 5360);
    CU_ASSERT_EQUAL(cc_initial_window(1500), 14600);
    CU_ASSERT_EQUAL(cc_initial_window(8948), 17896);
}

const struct lks_test *sent_tests(void)
{
    static const struct lks_test tests[] = {
        {"scoreboard against a list", scoreboard},
        {"cubic: the shape", cubic_shape},
        {"cubic: fast convergence, undo", cubic_fast_convergence},
        {"cubic: time unused", cubic_time_unused},
        {"cubic: after a timeout", cubic_timeout},
        {"cubic: no slower than Reno", cubic_is_reno_friendly},
        {"reno: a segment a window", reno_grows_by_a_segment},
        {"hystart: five slow rounds", hystart},
        {"hystart: it was jitter", hystart_was_wrong},
        {"hystart: without pacing", unpaced_growth},
        {"first windows", first_windows},
        {0},
    };
    return tests;
}
