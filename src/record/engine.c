/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A burst: ops are checked and made into jobs (op.c), jobs of one kernel are grouped, short ones
 * sorted by length into lanes and long ones streamed, and each op is finished. All ops to seal are
 * in the first round. Ops to open under one key wait for each other, since one may end the key:
 * round r opens the r-th op of each key.
 */

#include <lockstep/engine.h>

#include <stdlib.h>
#include <string.h>

#include "record/record.h"

#define GROUPS_MAX     16u
#define LENGTH_CLASSES 64u
#define PREFETCH_AHEAD 8u

/* Short jobs of one kernel and direction, as far as this round has them. */
struct group {
    const struct lks_aead *aead;
    uint8_t dir;
    uint32_t num_jobs;
};

struct lks_engine {
    uint32_t max_ops;
    struct lks_work *works;      /* one an op, same index */
    struct lks_aead_job **lanes; /* short jobs, in the order they came */
    struct lks_aead_job **sorted;
    uint8_t *group_of;            /* of lanes[i] */
    uint16_t *round, *next_round; /* indices of ops */
    uint16_t *running;            /* of those, the ones to finish */
    struct lks_seg *segs;
    uint32_t num_segs;
    struct group groups[GROUPS_MAX];
};

enum lks_status lks_engine_new(struct lks_engine **out, uint32_t max_ops)
{
    *out = NULL;
    if (!max_ops || max_ops > 65535)
        return LKS_BAD_ARGUMENT;
    if (!lks_isa_is_known())
        return LKS_BAD_CONFIG;
    struct lks_engine *e = calloc(1, sizeof(*e));
    if (!e)
        return LKS_NO_MEMORY;
    e->max_ops = max_ops;
    e->num_segs = LKS_SEGS_MAX + 4 * max_ops;
    e->works = calloc(max_ops, sizeof(*e->works));
    e->lanes = calloc(max_ops, sizeof(*e->lanes));
    e->sorted = calloc(max_ops, sizeof(*e->sorted));
    e->group_of = calloc(max_ops, sizeof(*e->group_of));
    e->round = calloc(max_ops, sizeof(*e->round));
    e->next_round = calloc(max_ops, sizeof(*e->next_round));
    e->running = calloc(max_ops, sizeof(*e->running));
    e->segs = calloc(e->num_segs, sizeof(*e->segs));
    if (!e->works || !e->lanes || !e->sorted || !e->group_of || !e->round || !e->next_round ||
        !e->running || !e->segs) {
        lks_engine_free(e);
        return LKS_NO_MEMORY;
    }
    *out = e;
    return LKS_OK;
}

void lks_engine_free(struct lks_engine *e)
{
    if (!e)
        return;
    free(e->works);
    free(e->lanes);
    free(e->sorted);
    free(e->group_of);
    free(e->round);
    free(e->next_round);
    free(e->running);
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

/* The group of a kernel and direction; GROUPS_MAX if there are too many kinds in one burst, whose
 * short jobs then stream. */
static uint32_t find_group(struct lks_engine *e, uint32_t *num_groups, const struct lks_key *key)
{
    for (uint32_t i = 0; i < *num_groups; i++)
        if (e->groups[i].aead == key->aead && e->groups[i].dir == key->dir)
            return i;
    if (*num_groups == GROUPS_MAX)
        return GROUPS_MAX;
    e->groups[*num_groups] = (struct group){key->aead, key->dir, 0};
    return (*num_groups)++;
}

/* Counting sort of a group's jobs by length, so that lanes beside each other end together. */
static void run_group(struct lks_engine *e, uint32_t which, uint32_t num_lanes)
{
    const struct group *g = &e->groups[which];
    const uint32_t width = g->aead->lanes_max_len / LENGTH_CLASSES + 1;
    uint32_t start[LENGTH_CLASSES + 1] = {0};
    for (uint32_t i = 0; i < num_lanes; i++)
        if (e->group_of[i] == which)
            start[e->lanes[i]->len / width + 1]++;
    for (uint32_t c = 1; c <= LENGTH_CLASSES; c++)
        start[c] += start[c - 1];
    for (uint32_t i = 0; i < num_lanes; i++)
        if (e->group_of[i] == which)
            e->sorted[start[e->lanes[i]->len / width]++] = e->lanes[i];
    if (g->dir == LKS_SEAL)
        g->aead->seal_lanes(e->sorted, g->num_jobs);
    else
        g->aead->open_lanes(e->sorted, g->num_jobs);
}

/* Runs the jobs of the ops in running[]. */
static void run_jobs(struct lks_engine *e, const struct lks_op *ops, uint32_t num_running)
{
    uint32_t num_groups = 0, num_lanes = 0;
    for (uint32_t i = 0; i < num_running; i++) {
        const struct lks_key *key = ops[e->running[i]].key;
        struct lks_aead_job *job = &e->works[e->running[i]].job;
        if (!key->aead)
            continue; /* plaintext: done while it was prepared */
        uint32_t group = GROUPS_MAX;
        if (key->aead->lanes_max_len && job->len <= key->aead->lanes_max_len)
            group = find_group(e, &num_groups, key);
        if (group == GROUPS_MAX) {
            run_stream(key, job);
            continue;
        }
        e->lanes[num_lanes] = job;
        e->group_of[num_lanes++] = (uint8_t)group;
        e->groups[group].num_jobs++;
    }
    for (uint32_t i = 0; i < num_groups; i++)
        run_group(e, i, num_lanes);
}

/* What comes after an op to open: its key's next op joins the next round, or all of them are
 * deferred because this one may have ended the key. Returns how many ops the next round then has.
 */
static uint32_t follow(struct lks_engine *e, struct lks_op *ops, uint16_t at, uint32_t num_next)
{
    struct lks_op *op = &ops[at];
    uint16_t next = e->works[at].next;
    if (!next) {
        op->key->engine_count = 0;
        return num_next;
    }
    if (op->status == LKS_OK && op->type == LKS_TYPE_APPLICATION_DATA) {
        e->next_round[num_next] = (uint16_t)(next - 1);
        return num_next + 1;
    }
    op->key->engine_count = 0;
    for (; next; next = e->works[next - 1].next)
        ops[next - 1].status = LKS_DEFERRED;
    return num_next;
}

static uint32_t finish_ops(struct lks_engine *e, struct lks_op *ops, uint32_t num_running,
                           uint32_t num_next)
{
    for (uint32_t i = 0; i < num_running; i++) {
        uint16_t at = e->running[i];
        struct lks_op *op = &ops[at];
        op->status = (uint16_t)lks_op_finish(op, &e->works[at]);
        if (op->key->dir == LKS_OPEN)
            num_next = follow(e, ops, at, num_next);
    }
    return num_next;
}

/* One round, in as many pieces as the segments' memory asks for. Returns the next round's size. */
static uint32_t run_round(struct lks_engine *e, struct lks_op *ops, uint32_t num_round)
{
    struct lks_seg *seg = e->segs;
    uint32_t num_running = 0, num_next = 0;
    for (uint32_t i = 0; i < num_round; i++) {
        uint16_t at = e->round[i];
        struct lks_op *op = &ops[at];
        bool runs;
        if ((size_t)(e->segs + e->num_segs - seg) < LKS_SEGS_MAX) {
            run_jobs(e, ops, num_running);
            num_next = finish_ops(e, ops, num_running, num_next);
            num_running = 0;
            seg = e->segs;
        }
        op->len = 0;
        op->status = (uint16_t)lks_op_prepare(op, &e->works[at], &seg, &runs);
        if (op->status == LKS_OK)
            e->running[num_running++] = at;
        else if (op->key && op->key->dir == LKS_OPEN)
            num_next = follow(e, ops, at, num_next);
    }
    run_jobs(e, ops, num_running);
    return finish_ops(e, ops, num_running, num_next);
}

/* Puts ops into the first round, or behind the earlier op of their key. */
static uint32_t first_round(struct lks_engine *e, struct lks_op *ops, uint32_t num_ops)
{
    uint32_t num_round = 0;
    for (uint32_t i = 0; i < num_ops && i < PREFETCH_AHEAD; i++)
        __builtin_prefetch(ops[i].key, 1);
    for (uint32_t i = 0; i < num_ops; i++) {
        struct lks_key *key = ops[i].key;
        if (i + PREFETCH_AHEAD < num_ops)
            __builtin_prefetch(ops[i + PREFETCH_AHEAD].key, 1);
        e->works[i].next = 0;
        if (key && key->aead)
            for (uint32_t line = 16; line < key->aead->state_len; line += 64)
                __builtin_prefetch(key->state + line);
        if (key && key->dir == LKS_OPEN) {
            uint16_t last = key->engine_count; /* index + 1 of this key's op before */
            key->engine_count = (uint16_t)(i + 1);
            if (last) {
                e->works[last - 1].next = (uint16_t)(i + 1);
                continue;
            }
        }
        e->round[num_round++] = (uint16_t)i;
    }
    return num_round;
}

uint32_t lks_engine_process(struct lks_engine *e, struct lks_op *ops, uint32_t num_ops)
{
    if (num_ops > e->max_ops)
        num_ops = e->max_ops; /* the contract is broken; the rest stays as it was */
    uint32_t num_round = first_round(e, ops, num_ops), num_ok = 0;
    while (num_round) {
        uint32_t num_next = run_round(e, ops, num_round);
        uint16_t *swap = e->round;
        e->round = e->next_round;
        e->next_round = swap;
        num_round = num_next;
    }
    for (uint32_t i = 0; i < num_ops; i++)
        num_ok += ops[i].status == LKS_OK;
    return num_ok;
}
