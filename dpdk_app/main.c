/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/config.h>

#include "options.h"
#include "own_options.h"
#include "service.h"
#include "workers.h"

#define EXIT_USAGE 2

/* What signals reach. */
static struct stop stop;
static struct chores *_Atomic chores;
static pthread_t main_thread;

/* Each signal hurries more than the one before it. Who asked lockstepd to stop, now, and thinks
 * that this takes too long kills it. */
static void stop_by(int number)
{
    if (stop.now) {
        signal(number, SIG_DFL);
        raise(number);
    }
    stop.now = stop.asked || number == SIGINT || number == SIGXCPU;
    stop.asked = true;
}

/* The chores are the main thread's to end, so it alone gives them some. */
static void on_signal(int number)
{
    const int before = errno;
    struct chores *c = chores;
    if (number != SIGUSR1 && number != SIGHUP)
        stop_by(number);
    else if (!pthread_equal(pthread_self(), main_thread))
        pthread_kill(main_thread, number);
    else if (number == SIGUSR1 && c)
        chores_print(c);
    else if (c)
        chores_hang_up(c);
    errno = before;
}

/*
 * No signal ends lockstepd without its connections being told, but those that say that the program
 * is broken. What was handled before main(), by a profiler say, stays so.
 */
static void catch_signals(void)
{
    static const int told[] = {SIGUSR1, SIGHUP};
    static const int stopping[] = {SIGINT, SIGTERM, SIGQUIT, SIGXCPU};
    static const int ignored[] = {SIGPIPE, SIGUSR2, SIGALRM,   SIGVTALRM, SIGPROF,
                                  SIGIO,   SIGPWR,  SIGSTKFLT, SIGXFSZ};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        sigaction(told[i], &action, NULL);
    for (size_t i = 0; i < sizeof(stopping) / sizeof(stopping[0]); i++)
        sigaction(stopping[i], &action, NULL);
    action = (struct sigaction){.sa_handler = SIG_IGN};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        if (!sigaction(ignored[i], NULL, &before) && before.sa_handler == SIG_DFL)
            sigaction(ignored[i], &action, NULL);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
        if (!sigaction(number, NULL, &before) && before.sa_handler == SIG_DFL)
            sigaction(number, &action, NULL);
}

static int complain_line(const char *text)
{
    fprintf(stderr, "lockstepd: %s\n", text);
    return EXIT_USAGE;
}

static int complain_of_all(struct complaints *c)
{
    complaints_print(stderr, c, "lockstepd: ");
    return EXIT_USAGE;
}

/* What is served, and what that needs. */
struct serving {
    const struct snapshot *first; /* of no use once reloads may come */
    struct lks_policy *key_log;   /* whose file all key logs go to */
    struct lks_memory *memory;
    struct snapshot_key_log key_queue;
    struct snapshot_needs needs;
    struct service *service;
    struct chores_reload reload;
    struct view_slot slots[WORKERS_MAX];
};

static void serving_free(struct serving *s)
{
    service_free(s->service);
    lks_policy_free(s->key_log);
    lks_memory_free(s->memory);
}

static bool reload(void *service, FILE *out, FILE *err)
{
    return service_reload(service, out, err);
}

static void collect(void *service)
{
    service_collect(service);
}

/* What is made before there are chores, which it is for. 0, or -1: complained about. */
static int begin_serving(struct serving *s, const struct conf *conf, bool opens_key_log,
                         struct complaints *c)
{
    struct lks_error err;
    s->memory = snapshot_memory_new(conf, c);
    s->needs = (struct snapshot_needs){.memory = s->memory, .warnings = stderr};
    if (lks_policy_new(&s->key_log))
        complain_of_memory(c);
    else if (conf->key_log && opens_key_log &&
             lks_policy_set_key_log(s->key_log, conf->key_log, &err))
        complain(c, conf_place(&conf->head, offsetof(struct conf, key_log)), "key-log", NULL, "%s",
                 err.text);
    return c->num ? -1 : 0;
}

/* The first snapshot; conf belongs to it. path NULL: the command line. 0, or -1: complained about.
 */
static int finish_serving(struct serving *s, struct conf *conf, const char *path,
                          struct complaints *c)
{
    if (conf->key_log && chores) {
        s->key_queue = (struct snapshot_key_log){chores_queue_keys, chores};
        s->needs.key_log = &s->key_queue;
    }
    struct snapshot *first = snapshot_new(conf, &s->needs, c);
    if (!first)
        return -1;
    s->first = first;
    s->service = service_new(first, path, &s->needs);
    if (!s->service) {
        complain_of_memory(c);
        return -1;
    }
    s->reload = (struct chores_reload){reload, collect, s->service};
    return 0;
}

/* The thread ends before what it attends to is gone. *last: the sum of all counters. */
static void end_chores(struct report *last)
{
    struct chores *c = atomic_exchange(&chores, NULL);
    if (c)
        chores_stop(c, last);
}

/* On a port that has queues for num workers. */
static int work(uint32_t num, struct serving *s, struct port *ports, struct report *last)
{
    char error[512];
    const struct workers_config config = {.num = num,
                                          .first = s->first,
                                          .service = s->service,
                                          .slots = s->slots,
                                          .reload = &s->reload,
                                          .ports = ports,
                                          .posts = posts_new(num),
                                          .chores = chores,
                                          .stop = &stop};
    int rc = -1;
    if (!config.posts)
        snprintf(error, sizeof(error), "no memory for %u workers", num);
    else
        rc = workers_run(&config, error, sizeof(error));
    end_chores(last);
    free(config.posts);
    return rc ? complain_line(error) : EXIT_SUCCESS;
}

static const char *number_text(char text[16], uint32_t number)
{
    snprintf(text, 16, "%u", number);
    return text;
}

static int serve(struct serving *s, bool asks_for_device, struct report *last, struct complaints *c)
{
    static struct port ports[WORKERS_MAX];
    char error[512], asked[16];
    uint32_t num;
    const struct conf_device *device = &s->first->conf->device;
    const uint16_t port_id = (uint16_t)device->port;
    if (!rte_eth_dev_count_avail())
        return complain_line(asks_for_device
                                 ? "DPDK made no port of the device that it was given; its own "
                                   "lines above say why"
                                 : "DPDK has no port; give EAL a device in front of \"--\" (-a or "
                                   "--vdev)");
    if (!rte_eth_dev_is_valid_port(port_id)) {
        complain(c, conf_place(&device->head, offsetof(struct conf_device, port)), "port",
                 number_text(asked, device->port),
                 "no such DPDK port; there are %u, the first is %u", rte_eth_dev_count_avail(),
                 (unsigned int)rte_eth_find_next(0));
        return complain_of_all(c);
    }
    num = workers_choose(device->workers, rte_lcore_count(), port_max_queues(port_id), error,
                         sizeof(error));
    if (!num) {
        complain(c, conf_place(&device->head, offsetof(struct conf_device, workers)), "workers",
                 number_text(asked, device->workers), "%s", error);
        return complain_of_all(c);
    }
    if (port_start(ports, (uint16_t)num, port_id, device->buffers, (uint16_t)device->mtu, error,
                   sizeof(error)))
        return complain_line(error);
    const int status = work(num, s, ports, last);
    port_stop(ports);
    return status;
}

/* Our own options come first, so that mistakes in them are told before EAL says its lines; they
 * stand behind "--". Where there is none: 0 if the first asks what this is or names a file, -1 if
 * one is ours, else all of them are EAL's. */
static int ours_begin_at(int argc, char **argv)
{
    const int own = own_options(argc, argv);
    if (own >= 0)
        return own;
    if (argc > 1 && options_is_file(argv[1]))
        return 0;
    for (int i = 1; i < argc; i++)
        if (options_is_ours(argv[i]))
            return -1;
    return argc - 1;
}

static bool has_word(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return true;
    return false;
}

/* Whether EAL was given a device. */
static bool asks_for_device(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "-a", 2) == 0 || strncmp(argv[i], "--allow", 7) == 0 ||
            strncmp(argv[i], "--vdev", 6) == 0)
            return true;
    return false;
}

/* Whether the kernel has any hugepage reserved. */
static bool has_hugepages(void)
{
    char line[128];
    unsigned long num = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "HugePages_Free: %lu", &num) == 1)
            break;
    if (f)
        fclose(f);
    return num != 0;
}

/* Why EAL does not start, as far as it can be told. */
static int complain_of_eal(int argc, char **argv)
{
    char error[512];
    if (!has_word(argc, argv, "--no-huge") && !has_hugepages())
        snprintf(error, sizeof(error),
                 "DPDK's EAL does not start: no hugepage is free; reserve some "
                 "(sysctl vm.nr_hugepages=512), or try with --no-huge -m 512");
    else
        snprintf(error, sizeof(error),
                 "DPDK's EAL does not start: %s; its own lines above say more (as an ordinary "
                 "user: --no-huge, and RUNTIME_DIRECTORY set to a folder of yours)",
                 rte_strerror(rte_errno));
    return complain_line(error);
}

/* EAL's words: the command line's in front of "--", then the file's. NULL: no memory. */
static char **eal_words(int *num, int own, char **argv, const struct conf *conf)
{
    char **words = calloc((size_t)own + conf->eal.num + 2, sizeof(*words));
    *num = own ? own : 1;
    for (int i = 0; words && i < *num; i++)
        words[i] = argv[i];
    for (uint32_t i = 0; words && i < conf->eal.num; i++)
        words[(*num)++] = conf->eal.all[i].text;
    return words;
}

/* Says what is wrong with a file, or that nothing is. */
static int test(struct conf *conf, const char *path, struct complaints *c)
{
    struct serving s = {0};
    const bool is_bad = begin_serving(&s, conf, false, c);
    s.needs.is_test = true;
    if (is_bad)
        conf_free(conf);
    else
        finish_serving(&s, conf, path, c);
    serving_free(&s);
    if (c->num)
        return complain_of_all(c);
    printf("lockstepd: %s is good\n", path);
    return EXIT_SUCCESS;
}

/* All but the command line is known. */
static int run(struct conf *conf, const char *path, int own, char **argv, struct complaints *c)
{
    struct serving s = {0};
    struct report last = {0};
    int status, num_words;
    char **words = eal_words(&num_words, own, argv, conf);
    const bool has_device = words && asks_for_device(num_words, words);
    if (!words)
        complain_of_memory(c);
    if (!words || begin_serving(&s, conf, true, c)) {
        status = complain_of_all(c);
        conf_free(conf);
        free(words);
        serving_free(&s);
        return status;
    }
    main_thread = pthread_self();
    catch_signals();
    chores = chores_start(s.key_log, s.memory, stdout, stderr);
    if (!chores) {
        conf_free(conf);
        status = complain_line("the system gives no thread to read files and to print with");
    } else if (finish_serving(&s, conf, path, c)) {
        status = complain_of_all(c);
    } else if (rte_eal_init(num_words, words) < 0) {
        status = complain_of_eal(num_words, words);
    } else {
        status = serve(&s, has_device, &last, c);
        rte_eal_cleanup();
    }
    end_chores(&last);
    if (status == EXIT_SUCCESS) /* last: whoever reads it may be slow */
        counters_print(stdout, &last, NULL, 0);
    serving_free(&s);
    free(words);
    return status;
}

int main(int argc, char **argv)
{
    static struct complaints c;
    struct options o;
    const int own = ours_begin_at(argc, argv);
    if (own < 0)
        return complain_line("lockstepd's own options stand behind \"--\": lockstepd [EAL options] "
                             "-- --listen ... (--help)");
    argv[own] = own ? argv[own] : argv[0];
    if (options_parse(&o, argc - own, argv + own, &c))
        return complain_of_all(&c);
    if (o.help) {
        options_help(argv[0]);
        return EXIT_SUCCESS;
    }
    if (o.version) {
        printf("lockstepd " LOCKSTEPD_VERSION "\n");
        return EXIT_SUCCESS;
    }
    return o.test ? test(o.conf, o.file, &c) : run(o.conf, o.file, own, argv, &c);
}
