/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lockstep/config.h>

#include "clock.h"
#include "options.h"
#include "service.h"
#include "worker.h"

#define EXIT_USAGE 2
#define SETTLE_US  1000u

static struct worker_signals signals;
static struct chores *_Atomic chores;

static void on_signal(int number)
{
    const int before = errno;
    struct chores *c = chores;
    if (number == SIGUSR1)
        signals.print = 1;
    else if (number == SIGHUP && c)
        chores_hang_up(c);
    else if (number != SIGHUP)
        signals.stop = 1;
    errno = before;
}

/*
 * No signal ends lockstepd without its connections being told, but those that say that the program
 * is broken. Who asked it to stop and thinks that it takes too long can ask once more, which kills.
 * What was handled before main(), by a profiler say, stays so.
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
    action.sa_flags |= (int)SA_RESETHAND;
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
    const struct conf *conf;    /* that it begins with: of no use once reloads may come */
    struct lks_policy *key_log; /* whose file all key logs go to */
    struct lks_memory *memory;
    struct snapshot_key_log key_queue;
    struct snapshot_needs needs;
    struct service *service;
    struct chores_reload reload;
    struct view_slot slot; /* the worker's */
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
    s->conf = conf;
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
    s->service = service_new(first, path, &s->needs);
    if (!s->service) {
        complain_of_memory(c);
        return -1;
    }
    s->reload = (struct chores_reload){reload, collect, s->service};
    return 0;
}

static struct net *make_stack(const struct conf *conf, const struct port *port, char *error,
                              unsigned int error_len)
{
    struct net_address *addresses = calloc(conf->num_own + 1, sizeof(*addresses));
    struct net_ip gateways[2];
    const struct stack_config config = {
        .port = port,
        .addresses = addresses,
        .num_addresses = conf->num_own,
        .gateways = gateways,
        .num_gateways = conf->gateways.num,
        .vlan = (uint16_t)conf->device.vlan,
        .max_flows = 2 * conf->limits.connections,
        .now_us = clock_us(),
    };
    if (!addresses) {
        snprintf(error, error_len, "out of memory");
        return NULL;
    }
    for (uint32_t i = 0; i < conf->num_own; i++)
        addresses[i] =
            (struct net_address){.ip = conf->own[i].addr.ip, .prefix_len = conf->own[i].prefix_len};
    for (uint32_t i = 0; i < conf->gateways.num; i++)
        gateways[i] = conf->gateways.all[i].addr.ip;
    struct net *net = stack_new(&config, error, error_len);
    free(addresses);
    return net;
}

/* Nobody is served before all of our addresses are known to be ours alone, which takes IPv6 a
 * second (RFC 4862 5.4): a service of which a part is never reached should not look as if it ran.
 */
static int settle(struct net *net, const struct port *port, char *error, unsigned int error_len)
{
    char text[NET_IP_TEXT_LEN];
    struct net_ip ip;
    while (!signals.stop && net_is_detecting(net)) {
        const uint64_t now_us = clock_us();
        stack_receive(net, port, false, now_us);
        net_timers(net, now_us);
        stack_send(net, port, now_us);
        usleep(SETTLE_US);
    }
    if (!net_get_duplicate(net, &ip))
        return 0;
    snprintf(error, error_len, "%s: another host on the link has this address",
             net_ip_text(text, &ip));
    return -1;
}

static int listen_all(const struct snapshot *snapshot, struct net *net, struct worker *w,
                      char *error, unsigned int error_len)
{
    for (uint32_t i = 0; i < snapshot->num_listens; i++) {
        if (flow_listen(net, &snapshot->listens[i].addr, &session_client_events, worker_sessions(w),
                        error, error_len))
            return -1;
    }
    return 0;
}

static void announce(const struct snapshot *snapshot)
{
    char text[4096], ip[NET_IP_TEXT_LEN];
    lks_engine_describe(text, sizeof(text));
    printf("lockstepd: listening on");
    for (uint32_t i = 0; i < snapshot->num_listens; i++) {
        const struct net_addr *addr = &snapshot->listens[i].addr;
        const bool is_v4 = net_ip_is_v4(&addr->ip);
        printf("%s %s%s%s:%u", i ? "," : "", is_v4 ? "" : "[", net_ip_text(ip, &addr->ip),
               is_v4 ? "" : "]", addr->port);
    }
    printf("\n%s", text);
    fflush(stdout);
}

/* One worker on a port that has been started. *last: the counters at the end, if it began. */
static int work(struct serving *s, struct port *port, struct report *last)
{
    char error[512] = "out of memory";
    const struct conf *conf = s->conf;
    struct view *view = service_join(s->service, &s->slot);
    const struct snapshot *first = view ? view->snapshot : NULL;
    struct net *net = view ? make_stack(conf, port, error, sizeof(error)) : NULL;
    const struct worker_config config = {
        .sessions = {.view = view,
                     .slot = &s->slot,
                     .port = port,
                     .net = net,
                     .max_sessions = conf->limits.connections},
        .idle = conf->device.idle,
        .idle_us = conf->device.idle_us,
    };
    struct worker *w = net ? worker_new(&config, error, sizeof(error)) : NULL;
    const bool begins = w && !settle(net, port, error, sizeof(error)) &&
                        !listen_all(first, net, w, error, sizeof(error));
    if (begins) {
        announce(first);
        chores_set_reload(chores, &s->reload);
        worker_run(w, &signals, chores);
        worker_get_report(w, last);
    }
    worker_free(w);
    net_free(net);
    return begins ? EXIT_SUCCESS : complain_line(error);
}

static int serve(struct serving *s, bool asks_for_device, struct report *last)
{
    char error[512];
    struct port port;
    const struct conf_device *device = &s->conf->device;
    if (!rte_eth_dev_count_avail())
        return complain_line(asks_for_device
                                 ? "DPDK made no port of the device that it was given; its own "
                                   "lines above say why"
                                 : "DPDK has no port; give EAL a device in front of \"--\" (-a or "
                                   "--vdev)");
    if (!rte_eth_dev_is_valid_port((uint16_t)device->port)) {
        snprintf(error, sizeof(error),
                 "--port %u: no such DPDK port; there are %u, the first is %u", device->port,
                 rte_eth_dev_count_avail(), rte_eth_find_next(0));
        return complain_line(error);
    }
    if (port_start(&port, (uint16_t)device->port, device->buffers, (uint16_t)device->mtu, error,
                   sizeof(error)))
        return complain_line(error);
    const int status = work(s, &port, last);
    port_stop(&port);
    return status;
}

/* Our own options come first, so that mistakes in them are told before EAL says its lines; they
 * stand behind "--". Where there is none: 0 if the first asks what this is or names a file, -1 if
 * one is ours, else all of them are EAL's. */
static int own_options(int argc, char **argv)
{
    static const char *const alone[] = {"--help", "-h", "--version"};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            return i;
    for (size_t i = 0; argc == 2 && i < sizeof(alone) / sizeof(alone[0]); i++)
        if (strcmp(argv[1], alone[i]) == 0)
            return 0;
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
        status = serve(&s, has_device, &last);
        rte_eal_cleanup();
    }
    if (chores)
        chores_stop(atomic_exchange(&chores, NULL), &last);
    if (status == EXIT_SUCCESS) /* last: whoever reads it may be slow */
        counters_print(stdout, &last);
    serving_free(&s);
    free(words);
    return status;
}

int main(int argc, char **argv)
{
    static struct complaints c;
    struct options o;
    const int own = own_options(argc, argv);
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
