/* SPDX-License-Identifier: BSD-3-Clause */
#include "chores.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "key_queue.h"

#define LINES_MAX        4u
#define KEY_LOG_AGAIN_MS 10   /* how often a FIFO without room is tried again */
#define KEY_LOG_LAST_MS  1000 /* and for how long at the end */

struct chores {
    pthread_t thread;
    sem_t wake;
    struct lks_policy *policy;
    struct lks_memory *memory;
    FILE *out, *err;
    struct report report;
    atomic_bool has_report;               /* the report is the thread's until this is false again */
    const char *_Atomic lines[LINES_MAX]; /* NULL: none */
    atomic_bool hung_up, stop;
    const struct chores_reload *_Atomic reload; /* NULL: none yet */
    uint64_t reloads, reloads_failed;
    struct key_queue *keys;
    bool said_dropped;
};

/* Writes what there is of the key log. false: its FIFO has no room. */
static bool write_keys(struct chores *c)
{
    const char *line;
    size_t len;
    while ((line = key_queue_first(c->keys, &len)) != NULL) {
        const enum lks_status status = lks_policy_write_key_log(c->policy, line, len);
        if (status == LKS_WANT_ROOM)
            return false;
        key_queue_take(c->keys, status == LKS_OK);
    }
    return true;
}

static void say_dropped(struct chores *c)
{
    if (c->said_dropped || !key_queue_dropped(c->keys))
        return;
    c->said_dropped = true;
    fprintf(c->err, "lockstepd: --key-log: the file is full or too slow, and lines are lost; "
                    "key_log_dropped counts them\n");
    fflush(c->err);
}

/* At the end a reader that does not read gets no more than a moment. */
static void write_last_keys(struct chores *c)
{
    const struct timespec pause = {.tv_nsec = KEY_LOG_AGAIN_MS * 1000000};
    size_t len;
    for (int ms = 0; !write_keys(c) && ms < KEY_LOG_LAST_MS; ms += KEY_LOG_AGAIN_MS)
        nanosleep(&pause, NULL);
    while (key_queue_first(c->keys, &len))
        key_queue_take(c->keys, false);
    say_dropped(c);
}

/* A bad file is complained about once, and the keys stay. */
static void reload_ticket_keys(struct chores *c)
{
    struct lks_error err;
    bool changed;
    enum lks_status status = lks_memory_reload_ticket_keys(c->memory, &changed, &err);
    if (status == LKS_BAD_CONFIG) {
        fprintf(c->err, "lockstepd: --ticket-keys: %s\n", err.text);
        fflush(c->err);
    } else if (changed) {
        fprintf(c->out, "lockstepd: ticket keys read again\n");
        fflush(c->out);
    }
}

/* What only the thread counts. */
static void add_own_counts(const struct chores *c, struct report *report)
{
    report->key_log_dropped = key_queue_dropped(c->keys);
    report->reloads = c->reloads;
    report->reloads_failed = c->reloads_failed;
}

static void do_what_was_asked(struct chores *c)
{
    const struct chores_reload *r = atomic_load(&c->reload);
    if (r && atomic_exchange(&c->hung_up, false)) {
        const bool is_served = r->reload(r->user, c->out, c->err);
        *(is_served ? &c->reloads : &c->reloads_failed) += 1;
    }
    for (uint32_t i = 0; i < LINES_MAX; i++) {
        const char *line = atomic_exchange(&c->lines[i], NULL);
        if (line) {
            fprintf(c->err, "lockstepd: %s\n", line);
            fflush(c->err);
        }
    }
    if (atomic_load(&c->has_report)) {
        add_own_counts(c, &c->report);
        counters_print(c->out, &c->report);
        atomic_store(&c->has_report, false);
    }
}

static struct timespec in_ms(long ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static bool is_past(const struct timespec *t)
{
    const struct timespec now = in_ms(0);
    return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

static void *work(void *arg)
{
    struct chores *c = arg;
    struct timespec look = in_ms(1000);
    bool is_written = true;
    while (!atomic_load(&c->stop)) {
        const struct timespec again = in_ms(KEY_LOG_AGAIN_MS);
        sem_clockwait(&c->wake, CLOCK_MONOTONIC, is_written ? &look : &again);
        if (is_past(&look)) {
            const struct chores_reload *r = atomic_load(&c->reload);
            reload_ticket_keys(c);
            if (r)
                r->collect(r->user);
            look = in_ms(1000);
        }
        do_what_was_asked(c);
        is_written = write_keys(c);
        say_dropped(c);
    }
    return NULL;
}

/* In the poll loop. */
void chores_queue_keys(void *chores, const char *line, size_t len)
{
    struct chores *c = chores;
    key_queue_put(c->keys, line, len);
    sem_post(&c->wake);
}

static void free_chores(struct chores *c)
{
    key_queue_free(c->keys);
    sem_destroy(&c->wake);
    free(c);
}

struct chores *chores_start(struct lks_policy *policy, struct lks_memory *memory, FILE *out,
                            FILE *err)
{
    sigset_t all, before;
    struct chores *c = calloc(1, sizeof(*c));
    if (!c || !(c->keys = key_queue_new()) ||
        lks_policy_queue_key_log(policy, chores_queue_keys, c, NULL)) {
        if (c)
            key_queue_free(c->keys);
        free(c);
        return NULL;
    }
    c->policy = policy;
    c->memory = memory;
    c->out = out;
    c->err = err;
    sem_init(&c->wake, 0, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&c->thread, NULL, work, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc)
        return c;
    free_chores(c);
    return NULL;
}

bool chores_print(struct chores *c, const struct report *report)
{
    if (atomic_load(&c->has_report))
        return false;
    c->report = *report;
    atomic_store(&c->has_report, true);
    sem_post(&c->wake);
    return true;
}

bool chores_say(struct chores *c, const char *line)
{
    for (uint32_t i = 0; i < LINES_MAX; i++)
        if (!atomic_load(&c->lines[i])) {
            atomic_store(&c->lines[i], line);
            sem_post(&c->wake);
            return true;
        }
    return false;
}

void chores_set_reload(struct chores *c, const struct chores_reload *reload)
{
    atomic_store(&c->reload, reload);
}

void chores_hang_up(struct chores *c)
{
    atomic_store(&c->hung_up, true);
    sem_post(&c->wake);
}

void chores_stop(struct chores *c, struct report *report)
{
    atomic_store(&c->stop, true);
    sem_post(&c->wake);
    pthread_join(c->thread, NULL);
    do_what_was_asked(c);
    write_last_keys(c);
    add_own_counts(c, report);
    free_chores(c);
}
