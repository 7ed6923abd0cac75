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

#define LOOK_MS          1000
#define ANSWER_AGAIN_MS  1    /* how often workers are asked whether they have answered */
#define ANSWER_MAX_MS    2000 /* and for how long: their idle policy may have them sleep a second */
#define KEY_LOG_AGAIN_MS 10   /* how often a FIFO without room is tried again */
#define KEY_LOG_LAST_MS  1000 /* and for how long at the end */

struct chores {
    pthread_t thread;
    sem_t wake;
    const struct lks_policy *policy;
    struct lks_memory *memory;
    FILE *out, *err;
    struct post *posts;
    const struct port *ports;
    atomic_uint num_workers; /* 0: none yet, and the two above are not to be looked at */
    atomic_bool wants_counters, hung_up, stop;
    unsigned int asked; /* the number of the last question for counters */
    bool is_asking;
    struct timespec ask_until;
    const struct chores_reload *_Atomic reload; /* NULL: none yet */
    uint64_t reloads, reloads_failed;
    struct key_queue *keys;
    bool said_dropped;
};

static uint32_t num_workers(const struct chores *c)
{
    return atomic_load_explicit(&c->num_workers, memory_order_acquire);
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

/* A line for people; which worker it is of, where there are several. */
static void say(struct chores *c, uint32_t worker, const char *line)
{
    if (num_workers(c) > 1)
        fprintf(c->err, "lockstepd: worker %u: %s\n", worker, line);
    else
        fprintf(c->err, "lockstepd: %s\n", line);
    fflush(c->err);
}

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

/* Asks all workers for their counters, if somebody wants them: once more for who asks meanwhile. */
static void ask(struct chores *c)
{
    const uint32_t num = num_workers(c);
    if (!num || c->is_asking || !atomic_exchange(&c->wants_counters, false))
        return;
    c->asked++;
    for (uint32_t i = 0; i < num; i++)
        post_ask(&c->posts[i], c->asked);
    c->is_asking = true;
    c->ask_until = in_ms(ANSWER_MAX_MS);
}

/* Prints the sum once all have answered; one that does not is left out of it, and named. */
static void print_answers(struct chores *c, bool is_last)
{
    const struct report *each[PORT_QUEUES_MAX] = {NULL};
    const uint32_t num = num_workers(c);
    uint32_t num_answers = 0;
    struct report sum = {0};
    if (!c->is_asking)
        return;
    for (uint32_t i = 0; i < num; i++)
        num_answers += post_has_answered(&c->posts[i]);
    if (num_answers < num && !is_last && !is_past(&c->ask_until))
        return;
    c->is_asking = false;
    if (num_answers < num && is_last)
        return; /* those at the end have all of it */
    for (uint32_t i = 0; i < num; i++) {
        if (post_has_answered(&c->posts[i]))
            counters_add(&sum, each[i] = &c->posts[i].report);
        else
            say(c, i, "no counters of it, since it does not poll");
    }
    add_own_counts(c, &sum);
    counters_print(c->out, &sum, each, num > 1 ? num : 0);
}

static void do_what_was_asked(struct chores *c)
{
    const struct chores_reload *r = atomic_load(&c->reload);
    if (r && atomic_exchange(&c->hung_up, false)) {
        const bool is_served = r->reload(r->user, c->out, c->err);
        *(is_served ? &c->reloads : &c->reloads_failed) += 1;
    }
    for (uint32_t i = 0; i < num_workers(c); i++) {
        const char *line;
        while ((line = post_take_line(&c->posts[i])) != NULL)
            say(c, i, line);
    }
}

/* Once a second. */
static void look(struct chores *c)
{
    const uint32_t num = num_workers(c);
    const struct chores_reload *r = atomic_load(&c->reload);
    reload_ticket_keys(c);
    if (r)
        r->collect(r->user);
    const char *line = num && c->ports ? port_watch(c->ports) : NULL;
    if (line) {
        fprintf(c->err, "lockstepd: %s\n", line);
        fflush(c->err);
    }
    for (uint32_t i = 0; i < num; i++) {
        const enum post_life life = post_look(&c->posts[i]);
        if (life == POST_STANDS_STILL)
            say(c, i, "its poll loop has stood still for ten seconds, and so do its connections");
        else if (life == POST_GOES_ON)
            say(c, i, "its poll loop goes on");
    }
}

static void *work(void *arg)
{
    struct chores *c = arg;
    struct timespec next_look = in_ms(LOOK_MS);
    bool is_written = true;
    while (!atomic_load(&c->stop)) {
        const struct timespec again = in_ms(c->is_asking ? ANSWER_AGAIN_MS : KEY_LOG_AGAIN_MS);
        const bool is_idle = is_written && !c->is_asking;
        sem_clockwait(&c->wake, CLOCK_MONOTONIC, is_idle ? &next_look : &again);
        if (is_past(&next_look)) {
            look(c);
            next_look = in_ms(LOOK_MS);
        }
        do_what_was_asked(c);
        print_answers(c, false);
        ask(c);
        is_written = write_keys(c);
        say_dropped(c);
    }
    return NULL;
}

/* In the poll loops. */
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

struct chores *chores_start(const struct lks_policy *policy, struct lks_memory *memory, FILE *out,
                            FILE *err)
{
    sigset_t all, before;
    struct chores *c = calloc(1, sizeof(*c));
    if (!c || !(c->keys = key_queue_new())) {
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

void chores_attend(struct chores *c, struct post *posts, uint32_t num, const struct port *ports)
{
    c->posts = posts;
    c->ports = ports;
    atomic_store_explicit(&c->num_workers, num, memory_order_release);
}

void chores_print(struct chores *c)
{
    atomic_store(&c->wants_counters, true);
    sem_post(&c->wake);
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
    print_answers(c, true);
    write_last_keys(c);
    for (uint32_t i = 0; i < num_workers(c); i++)
        counters_add(report, &c->posts[i].last);
    add_own_counts(c, report);
    free_chores(c);
}
