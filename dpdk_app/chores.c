/* SPDX-License-Identifier: BSD-3-Clause */
#include "chores.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define LINES_MAX 4u

struct chores {
    pthread_t thread;
    sem_t wake;
    struct lks_config *tls;
    FILE *out, *err;
    struct report report;
    atomic_bool has_report;               /* the report is the thread's until this is false again */
    const char *_Atomic lines[LINES_MAX]; /* NULL: none */
    atomic_bool hung_up, stop;
};

/* A bad file is complained about once, and the keys stay. */
static void reload_ticket_keys(struct chores *c)
{
    struct lks_error err;
    bool changed;
    enum lks_status status = lks_config_reload_ticket_keys(c->tls, &changed, &err);
    if (status == LKS_BAD_CONFIG) {
        fprintf(c->err, "lockstepd: --ticket-keys: %s\n", err.text);
        fflush(c->err);
    } else if (changed) {
        fprintf(c->out, "lockstepd: ticket keys read again\n");
        fflush(c->out);
    }
}

static void do_what_was_asked(struct chores *c)
{
    if (atomic_exchange(&c->hung_up, false)) {
        fprintf(c->out, "lockstepd: SIGHUP: there is nothing to read again but the file of "
                        "--ticket-keys, which is looked at every second\n");
        fflush(c->out);
    }
    for (uint32_t i = 0; i < LINES_MAX; i++) {
        const char *line = atomic_exchange(&c->lines[i], NULL);
        if (line) {
            fprintf(c->err, "lockstepd: %s\n", line);
            fflush(c->err);
        }
    }
    if (atomic_load(&c->has_report)) {
        counters_print(c->out, &c->report);
        atomic_store(&c->has_report, false);
    }
}

static void *work(void *arg)
{
    struct chores *c = arg;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    next.tv_sec++;
    while (!atomic_load(&c->stop)) {
        if (sem_clockwait(&c->wake, CLOCK_MONOTONIC, &next) && errno == ETIMEDOUT) {
            reload_ticket_keys(c);
            clock_gettime(CLOCK_MONOTONIC, &next);
            next.tv_sec++;
        }
        do_what_was_asked(c);
    }
    return NULL;
}

struct chores *chores_start(struct lks_config *tls, FILE *out, FILE *err)
{
    sigset_t all, before;
    struct chores *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->tls = tls;
    c->out = out;
    c->err = err;
    sem_init(&c->wake, 0, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&c->thread, NULL, work, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc)
        return c;
    sem_destroy(&c->wake);
    free(c);
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

void chores_hang_up(struct chores *c)
{
    atomic_store(&c->hung_up, true);
    sem_post(&c->wake);
}

void chores_stop(struct chores *c)
{
    atomic_store(&c->stop, true);
    sem_post(&c->wake);
    pthread_join(c->thread, NULL);
    do_what_was_asked(c);
    sem_destroy(&c->wake);
    free(c);
}
