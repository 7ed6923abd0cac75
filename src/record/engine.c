/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A burst: ops are checked and made into jobs (piece.h, op.c), jobs of one kernel are grouped,
 * short ones sorted by blocks into lanes and long ones streamed, and each op is finished. All ops
 * to seal run with the first round. Ops to open under one key wait for each other, since one may
 * end the key: round r opens the r-th op of each key.
 */

#include <lockstep/engine.h>

#include <stdlib.h>
#include <string.h>

#include "record/piece.h"
#include "record/record.h"
#include "simd/provider.h"

#define GROUPS_MAX     16u
#define LENGTH_CLASSES 128u
#define PREFETCH_AHEAD 8u

_Static_assert(offsetof(struct lks_work, job) == 0, "group_lanes() finds a job's work");

/* Short jobs of one kernel and direction. */
struct group {
    const struct lks_aead *aead;
    uint8_t dir;
    uint32_t num_jobs;
};

struct lks_engine {
    uint32_t max_ops;
    struct lks_work *works;     /* one an op, same index */
    struct lks_mac_side *sides; /* likewise, for those with a MAC */
    void *manager;              /* the provider's, for them; NULL if it has none */
    struct lks_seg *segs;
    uint16_t *round, *next_round; /* indices of ops */

    /* What waits to run. */
    uint16_t *streams; /* indices of ops that go alone */
    uint16_t *ending;  /* of those that lks_op_finish() or lks_piece_finish() must end */
    struct lks_aead_job **lanes, **sorted;
    uint8_t *group_of; /* of lanes[i], if they are not alike */
    uint32_t num_segs, num_next, num_streams, num_ending, num_lanes, num_groups;
    uint32_t max_segs;
    uint32_t num_ok;
    struct group groups[GROUPS_MAX];
    /* How lanes[] compare with the first of them. */
    const struct lks_key *first_key;
    uint32_t first_blocks;
    bool are_mixed; /* kernels, directions or numbers of blocks differ */
};

enum lks_status lks_engine_new(struct lks_engine **out, uint32_t max_ops)
{
    *out = NULL;
    if (!max_ops || max_ops > 65535)
        return LKS_BAD_ARGUMENT;
    if (!lks_kernels_are_known())
        return LKS_BAD_CONFIG;
    struct lks_engine *e = calloc(1, sizeof(*e));
    if (!e)
        return LKS_NO_MEMORY;
    e->max_ops = max_ops;
    e->max_segs = LKS_SEGS_MAX + 4 * max_ops;
    e->works = calloc(max_ops, sizeof(*e->works));
    e->sides = calloc(max_ops, sizeof(*e->sides));
    e->lanes = calloc(max_ops, sizeof(*e->lanes));
    e->sorted = calloc(max_ops, sizeof(*e->sorted));
    e->group_of = calloc(max_ops, sizeof(*e->group_of));
    e->round = calloc(max_ops, sizeof(*e->round));
    e->next_round = calloc(max_ops, sizeof(*e->next_round));
    e->ending = calloc(max_ops, sizeof(*e->ending));
    e->streams = calloc(max_ops, sizeof(*e->streams));
    e->segs = calloc(e->max_segs, sizeof(*e->segs));
    if (!e->works || !e->sides || !e->lanes || !e->sorted || !e->group_of || !e->round ||
        !e->next_round || !e->ending || !e->streams || !e->segs ||
        !lks_provider_manager_new(&e->manager)) {
        lks_engine_free(e);
        return LKS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < max_ops; i++)
        e->sides[i].manager = e->manager;
    *out = e;
    return LKS_OK;
}

uint32_t lks_engine_max_ops(const struct lks_engine *e)
{
    return e->max_ops;
}

void lks_engine_free(struct lks_engine *e)
{
    if (!e)
        return;
    lks_provider_manager_free(e->manager);
    free(e->works);
    free(e->sides);
    free(e->lanes);
    free(e->sorted);
    free(e->group_of);
    free(e->round);
    free(e->next_round);
    free(e->ending);
    free(e->streams);
    free(e->segs);
    free(e);
}

static void run_stream(const struct lks_key *key, struct lks_aead_job *job)
{
    if (key->dir == LKS_SEAL)
        key->aead->seal(job);
    else
        key->aead->open(job);
}

static inline uint32_t blocks_of(const struct lks_aead_job *job)
{
    return (job->len + LKS_BLOCK_LEN - 1) / LKS_BLOCK_LEN;
}

/* A job joins those that wait. */
static inline void queue_job(struct lks_engine *e, const struct lks_key *key, uint32_t at)
{
    struct lks_aead_job *job = &e->works[at].job;
    if (job->len - 1 >= key->aead->lanes_max_len) { /* also if that is 0, or there is no text */
        e->streams[e->num_streams++] = (uint16_t)at;
        return;
    }
    if (!e->num_lanes) {
        e->first_key = key;
        e->first_blocks = blocks_of(job);
        e->are_mixed = false;
    }
    e->lanes[e->num_lanes++] = job;
    if (key->aead != e->first_key->aead || key->dir != e->first_key->dir ||
        blocks_of(job) != e->first_blocks)
        e->are_mixed = true;
}

static void run_lanes(const struct lks_aead *aead, uint8_t dir, struct lks_aead_job **jobs,
                      uint32_t num_jobs)
{
    if (dir == LKS_SEAL)
        aead->seal_lanes(jobs, num_jobs);
    else
        aead->open_lanes(jobs, num_jobs);
}

/* The group of a kernel and direction; GROUPS_MAX if there are too many kinds in one burst. */
static uint32_t find_group(struct lks_engine *e, const struct lks_key *key)
{
    for (uint32_t i = 0; i < e->num_groups; i++)
        if (e->groups[i].aead == key->aead && e->groups[i].dir == key->dir)
            return i;
    if (e->num_groups == GROUPS_MAX)
        return GROUPS_MAX;
    e->groups[e->num_groups] = (struct group){.aead = key->aead, .dir = key->dir};
    return e->num_groups++;
}

/* Finds each lane's group. Those without one run at once. */
static void group_lanes(struct lks_engine *e, const struct lks_op *ops)
{
    uint32_t num = 0;
    e->num_groups = 0;
    for (uint32_t i = 0; i < e->num_lanes; i++) {
        struct lks_aead_job *job = e->lanes[i];
        const struct lks_key *key = ops[(struct lks_work *)(void *)job - e->works].key;
        const uint32_t which = find_group(e, key);
        if (which == GROUPS_MAX) {
            run_stream(key, job);
            continue;
        }
        e->groups[which].num_jobs++;
        e->group_of[num] = (uint8_t)which;
        e->lanes[num++] = job;
    }
    e->num_lanes = num;
}

/* Up to 1 KiB a number of blocks is a class of its own: jobs of as many blocks may share vectors.
 */
static inline uint32_t length_class(const struct lks_aead_job *job)
{
    const uint32_t blocks = blocks_of(job);
    return blocks < 64 ? blocks : 60 + blocks / 16;
}

_Static_assert(60 + (LKS_RECORD_CIPHERTEXT_MAX + LKS_BLOCK_LEN) / LKS_BLOCK_LEN / 16 <
                   LENGTH_CLASSES,
               "the longest job has a class");

/* Counting sort of a group's jobs by length, so that lanes beside each other end together. */
static void sort_group(struct lks_engine *e, uint32_t which)
{
    uint32_t start[LENGTH_CLASSES + 1] = {0};
    for (uint32_t i = 0; i < e->num_lanes; i++)
        if (e->group_of[i] == which)
            start[length_class(e->lanes[i]) + 1]++;
    for (uint32_t c = 1; start[c - 1] < e->groups[which].num_jobs; c++)
        start[c] += start[c - 1];
    for (uint32_t i = 0; i < e->num_lanes; i++)
        if (e->group_of[i] == which)
            e->sorted[start[length_class(e->lanes[i])]++] = e->lanes[i];
}

static void run_jobs(struct lks_engine *e, const struct lks_op *ops)
{
    for (uint32_t i = 0; i < e->num_streams; i++)
        run_stream(ops[e->streams[i]].key, &e->works[e->streams[i]].job);
    if (!e->num_lanes)
        return;
    if (!e->are_mixed) {
        run_lanes(e->first_key->aead, e->first_key->dir, e->lanes, e->num_lanes);
        return;
    }
    group_lanes(e, ops);
    for (uint32_t i = 0; i < e->num_groups; i++) {
        sort_group(e, i);
        run_lanes(e->groups[i].aead, e->groups[i].dir, e->sorted, e->groups[i].num_jobs);
    }
}

/* What comes after an op to open: its key's next op joins the next round, or all of them are
 * deferred because this one may have ended the key. [5246 6.2.1-3] */
static inline void follow(struct lks_engine *e, struct lks_op *ops, uint32_t at)
{
    struct lks_op *op = &ops[at];
    uint16_t next = e->works[at].next;
    if (!next) {
        op->key->engine_count = 0;
        return;
    }
    if (op->status == LKS_OK && op->type == LKS_TYPE_APPLICATION_DATA) {
        e->next_round[e->num_next++] = (uint16_t)(next - 1);
        return;
    }
    op->key->engine_count = 0;
    for (; next; next = e->works[next - 1].next) {
        ops[next - 1].status = LKS_DEFERRED;
        ops[next - 1].len = 0;
    }
}

/* Runs all that waits, and ends its ops. */
static void flush(struct lks_engine *e, struct lks_op *ops)
{
    run_jobs(e, ops);
    for (uint32_t i = 0; i < e->num_ending; i++) {
        const uint32_t at = e->ending[i];
        struct lks_op *op = &ops[at];
        if (!lks_piece_finish(op, &e->works[at]))
            op->status = (uint16_t)lks_op_finish(op, &e->works[at]);
        e->num_ok += op->status == LKS_OK;
        if (op->key->dir == LKS_OPEN)
            follow(e, ops, at);
    }
    e->num_segs = e->num_streams = e->num_ending = e->num_lanes = 0;
}

/* An op that is not the usual record in one piece. */
static __attribute__((noinline)) void begin_other(struct lks_engine *e, struct lks_op *ops,
                                                  uint32_t at)
{
    struct lks_op *op = &ops[at];
    struct lks_work *work = &e->works[at];
    if (e->max_segs - e->num_segs < LKS_SEGS_MAX)
        flush(e, ops);
    work->is_piece = false;
    op->len = 0;
    op->status = (uint16_t)lks_op_prepare(op, work, &e->sides[at], e->segs + e->num_segs);
    if (op->status == LKS_OK) {
        e->num_segs += work->job.num_segs;
        e->ending[e->num_ending++] = (uint16_t)at;
        if (op->key->aead) /* else plaintext, done while it was prepared */
            queue_job(e, op->key, at);
    } else if (op->key && op->key->dir == LKS_OPEN) {
        follow(e, ops, at);
    }
}

static inline void begin_seal(struct lks_engine *e, struct lks_op *ops, uint32_t at)
{
    if (!lks_piece_prepare_seal(&ops[at], &e->works[at])) {
        begin_other(e, ops, at);
        return;
    }
    queue_job(e, ops[at].key, at);
    e->num_ok++;
}

static inline void begin_open(struct lks_engine *e, struct lks_op *ops, uint32_t at)
{
    if (!lks_piece_prepare_open(&ops[at], &e->works[at])) {
        begin_other(e, ops, at);
        return;
    }
    queue_job(e, ops[at].key, at);
    e->ending[e->num_ending++] = (uint16_t)at;
}

/* A key's first two lines, which are what most short records need. */
static inline void prefetch_key(const struct lks_key *key)
{
    __builtin_prefetch(key, 1);
    __builtin_prefetch((const uint8_t *)key + 64);
}

/* What else of the key this op's record needs. To gcc, a function that does nothing else has no
 * effect, and a call of it that it did not make part of the caller early it leaves out. */
static inline __attribute__((always_inline)) void prefetch_state(const struct lks_op *op)
{
    const struct lks_key *key = op->key;
    const uint8_t *line = (const uint8_t *)key + 128;
    if (key->needs_third_line)
        __builtin_prefetch(line);
    if (!op->num_src || op->src->len <= key->near_len)
        return;
    for (uint32_t i = 0; i < sizeof(*key) - 128; i += 64) /* unrolled */
        __builtin_prefetch(line + i);
}

/* Whether an op to open must wait for an earlier one of its key; it then stands behind that. */
static inline bool must_wait(struct lks_engine *e, struct lks_key *key, uint32_t at)
{
    const uint16_t last = key->engine_count; /* index + 1 of this key's op before */
    key->engine_count = (uint16_t)(at + 1);
    e->works[at].next = 0;
    if (last)
        e->works[last - 1].next = (uint16_t)(at + 1);
    return last != 0;
}

/* Begins all ops to seal. Those to open are put off to the first round, or stand behind the earlier
 * op of their key. Returns how many are in that round. */
static uint32_t begin_burst(struct lks_engine *e, struct lks_op *ops, uint32_t num_ops)
{
    uint32_t num_round = 0;
    for (uint32_t i = 0; i < num_ops && i < PREFETCH_AHEAD; i++)
        prefetch_key(ops[i].key);
    for (uint32_t i = 0; i < num_ops; i++) {
        struct lks_key *key = ops[i].key;
        if (i + PREFETCH_AHEAD < num_ops)
            prefetch_key(ops[i + PREFETCH_AHEAD].key);
        if (!key) {
            begin_other(e, ops, i);
            continue;
        }
        prefetch_state(&ops[i]);
        if (key->dir == LKS_SEAL)
            begin_seal(e, ops, i);
        else if (!must_wait(e, key, i))
            e->round[num_round++] = (uint16_t)i;
    }
    return num_round;
}

/* The contract is broken: what does not fit must not look as if it were done. */
static void refuse(struct lks_op *ops, uint32_t num_ops)
{
    for (uint32_t i = 0; i < num_ops; i++) {
        ops[i].status = LKS_NOT_RUN;
        ops[i].len = 0;
    }
}

uint32_t lks_engine_process(struct lks_engine *e, struct lks_op *ops, uint32_t num_ops)
{
    if (num_ops > e->max_ops) {
        refuse(ops + e->max_ops, num_ops - e->max_ops);
        num_ops = e->max_ops;
    }
    e->num_ok = 0;
    uint32_t num_round = begin_burst(e, ops, num_ops);
    do {
        e->num_next = 0;
        for (uint32_t i = 0; i < num_round; i++)
            begin_open(e, ops, e->round[i]);
        flush(e, ops);
        uint16_t *swap = e->round;
        e->round = e->next_round;
        e->next_round = swap;
        num_round = e->num_next;
    } while (num_round);
    return e->num_ok;
}
