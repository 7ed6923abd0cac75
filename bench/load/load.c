/* SPDX-License-Identifier: BSD-3-Clause */

/* Who begins what when, and for how long. */

#include "load.h"

#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "batch.h"
#include "clock.h"

#define OPENED_A_TURN 32u /* connections: each makes keys */
#define FREED_A_TURN  256u
#define STARVED_US    5000u
#define LOOK_US       50000u /* at time limits */

/* Without the engine, which says by itself what is wrong. */
static bool make(struct load *l, const struct load_config *config)
{
    const uint32_t num = config->num_clients;
    l->config = *config;
    l->clients = calloc(num, sizeof(*l->clients));
    l->now = calloc(num, sizeof(*l->now));
    l->ready_end = &l->ready;
    l->batch = (struct lks_batch){
        .ops = l->ops, .spans = l->spans, .max_ops = LOAD_BATCH_OPS, .max_spans = LOAD_BATCH_SPANS};
    TAILQ_INIT(&l->free);
    TAILQ_INIT(&l->resting);
    TAILQ_INIT(&l->idle);
    if (!l->clients || !l->now || !tickets_make(&l->tickets, config->resume_percent ? num : 0))
        return false;
    for (uint32_t i = 0; i < num; i++) {
        l->clients[i].load = l;
        TAILQ_INSERT_TAIL(&l->free, &l->clients[i], list);
    }
    return true;
}

struct load *load_new(const struct load_config *config, char *error, unsigned int error_len)
{
    char text[512]; /* one line: what is wrong */
    struct load *l = calloc(1, sizeof(*l));
    const char *wrong = NULL;
    if (!l || !make(l, config)) {
        wrong = "no memory for so many connections; lower --connections";
    } else if (lks_engine_new(&l->engine, LOAD_BATCH_OPS)) {
        lks_engine_describe(text, sizeof(text));
        wrong = text;
    }
    if (!wrong)
        return l;
    snprintf(error, error_len, "%s", wrong);
    load_free(l);
    return NULL;
}

void load_free(struct load *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; l->clients && i < l->config.num_clients; i++)
        if (l->clients[i].tls)
            client_release(l, &l->clients[i]);
    tickets_free(&l->tickets);
    lks_engine_free(l->engine);
    free(l->now);
    free(l->clients);
    free(l);
}

/* ---- time ---- */

static void restart_schedule(struct load *l, uint64_t now_ns)
{
    uint64_t seed = now_ns;
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        seed = now_ns;
    if (l->config.rate)
        schedule_start(&l->schedule, l->config.rate, l->config.is_poisson, seed, now_ns);
}

/* From here on all counts; what has been begun is still to come. */
static void begin_to_count(struct load *l, uint64_t now_ns)
{
    memset(&l->counts, 0, sizeof(l->counts));
    l->counts.begun = l->outstanding;
    l->is_warm = true;
    l->start_ns = now_ns;
    l->end_ns = now_ns + l->config.time_ns;
    l->start_cycles = rte_rdtsc();
    restart_schedule(l, now_ns);
}

void load_start(struct load *l)
{
    l->start_ns = clock_ns();
    l->now_us = clock_us();
    restart_schedule(l, l->start_ns);
    if (!l->config.warmup_ns)
        begin_to_count(l, l->start_ns);
}

static bool has_begun_all(const struct load *l)
{
    return l->all_begun >= l->config.max_operations;
}

void load_stop(struct load *l)
{
    const uint64_t now_ns = clock_ns();
    if (l->is_over)
        return;
    if (!l->is_warm)
        begin_to_count(l, now_ns);
    if (now_ns < l->end_ns)
        l->end_ns = now_ns;
    if (has_begun_all(l) && !l->outstanding && l->done_ns > l->start_ns)
        l->end_ns = l->done_ns;
    l->end_cycles = rte_rdtsc();
    if (l->config.rate && !has_begun_all(l)) {
        const uint64_t rest = schedule_take_rest(&l->schedule, l->end_ns);
        const uint64_t most = l->config.max_operations - l->all_begun;
        l->counts.never_begun = rest < most ? rest : most;
    }
    l->is_over = true;
    for (uint32_t i = 0; i < l->config.num_clients; i++) {
        struct client *c = &l->clients[i];
        if ((c->state == CLIENT_CONNECTING || c->state == CLIENT_SHAKING) && !c->has_operation) {
            c->is_over = true; /* nobody waits for it */
            client_ready(l, c);
        }
    }
}

static void keep_time(struct load *l)
{
    const uint64_t now_ns = clock_ns();
    if (!l->is_warm && now_ns >= l->start_ns + l->config.warmup_ns)
        begin_to_count(l, now_ns);
    if (l->is_warm && !l->is_over && (now_ns >= l->end_ns || (has_begun_all(l) && !l->outstanding)))
        load_stop(l);
}

void load_count_poll(struct load *l, uint64_t cycles, bool was_busy)
{
    if (!l->is_warm || l->is_over)
        return;
    l->counts.polls++;
    if (was_busy) {
        l->counts.busy_polls++;
        l->counts.busy_cycles += cycles;
    }
}

bool load_is_done(const struct load *l)
{
    return l->is_over && !l->num_open;
}

/* ---- who begins ---- */

/* Whether a connection is made for an operation, not for those that will be due some time. If it
 * fails so does the operation: where nothing succeeds all of them end. */
static bool connects_when_due(const struct load *l)
{
    return !l->config.rate || l->config.per_connection <= 1;
}

static bool is_due(const struct load *l, uint64_t now_ns)
{
    return !l->config.rate || schedule_is_due(&l->schedule, now_ns);
}

static uint64_t take_due(struct load *l, uint64_t now_ns)
{
    return l->config.rate ? schedule_take(&l->schedule) : now_ns;
}

static void wake_resting(struct load *l)
{
    struct client *c;
    while ((c = TAILQ_FIRST(&l->resting)) && c->until_us <= l->now_us) {
        TAILQ_REMOVE(&l->resting, c, list);
        c->state = CLIENT_FREE;
        TAILQ_INSERT_TAIL(&l->free, c, list);
    }
}

static bool may_begin(const struct load *l)
{
    return !l->is_over && !has_begun_all(l);
}

static void begin_all(struct load *l)
{
    const uint64_t now_ns = clock_ns();
    const bool when_due = connects_when_due(l);
    struct client *c;
    wake_resting(l);
    while ((c = TAILQ_FIRST(&l->idle)) && !may_begin(l))
        client_end(l, c);
    while ((c = TAILQ_FIRST(&l->idle)) && may_begin(l) && is_due(l, now_ns))
        client_begin(l, c, take_due(l, now_ns));
    for (uint32_t i = 0; i < OPENED_A_TURN && (c = TAILQ_FIRST(&l->free)) && may_begin(l); i++) {
        if (when_due && !is_due(l, now_ns))
            break;
        client_connect(l, c, when_due, when_due ? take_due(l, now_ns) : 0);
    }
}

/* ---- a turn ---- */

static void take_ready(struct load *l)
{
    l->num_now = 0;
    for (struct client *c = l->ready; c; c = c->next_ready) {
        c->is_ready = false;
        l->now[l->num_now++] = c;
    }
    l->ready = NULL;
    l->ready_end = &l->ready;
}

/* Not so many at once that TCP has no room to tell their peers. */
static void release_over(struct load *l)
{
    uint32_t num = 0;
    for (uint32_t i = 0; i < l->num_now; i++) {
        struct client *c = l->now[i];
        if (!c->is_over || c->is_ready)
            continue;
        if (num++ < FREED_A_TURN)
            client_release(l, c);
        else
            client_ready(l, c);
    }
}

/* Those that had to wait for buffers. */
static void feed_starved(struct load *l)
{
    if (!l->any_starved || l->now_us - l->fed_us < STARVED_US)
        return;
    l->fed_us = l->now_us;
    l->any_starved = false;
    for (uint32_t i = 0; i < l->config.num_clients; i++) {
        if (l->clients[i].is_starved)
            client_ready(l, &l->clients[i]);
        l->clients[i].is_starved = false;
    }
}

static void look_at_limits(struct load *l)
{
    if (l->now_us - l->looked_us < LOOK_US)
        return;
    l->looked_us = l->now_us;
    for (uint32_t i = 0; i < l->config.num_clients; i++) {
        struct client *c = &l->clients[i];
        if (c->state >= CLIENT_CONNECTING && c->state != CLIENT_IDLE && !c->is_over &&
            c->until_us <= l->now_us)
            client_late(l, c);
    }
}

bool load_turn(struct load *l, uint64_t now_us)
{
    l->now_us = now_us;
    keep_time(l);
    begin_all(l);
    take_ready(l);
    batch_open(l);
    for (uint32_t i = 0; i < l->num_now; i++)
        client_move(l, l->now[i]);
    batch_seal(l);
    for (uint32_t i = 0; i < l->num_now; i++)
        client_move(l, l->now[i]);
    release_over(l);
    feed_starved(l);
    look_at_limits(l);
    return l->num_now;
}
