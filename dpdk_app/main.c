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

#include "own_options.h"
#include "workers.h"

#define EXIT_USAGE 2

/* What signals reach. */
static atomic_bool must_stop;
static struct chores *_Atomic chores;
static pthread_t main_thread;

/* The chores are the main thread's to end, so it alone gives them some. */
static void on_signal(int number)
{
    const int before = errno;
    struct chores *c = chores;
    if (number != SIGUSR1 && number != SIGHUP)
        must_stop = true;
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

static int complain(const char *text)
{
    fprintf(stderr, "lockstepd: %s\n", text);
    return EXIT_USAGE;
}

/* What its connections are made of. */
struct tls {
    struct lks_policy *policy;
    struct lks_identities *identities;
    struct lks_memory *memory;
    struct lks_config *config; /* of these three */
};

static void tls_free(struct tls *tls)
{
    lks_config_free(tls->config);
    lks_policy_free(tls->policy);
    lks_identities_free(tls->identities);
    lks_memory_free(tls->memory);
}

static enum lks_status make_policy(struct lks_policy *policy, const struct options *o,
                                   const char **option, struct lks_error *err)
{
    const struct {
        const char *option, *value;
        enum lks_status (*set)(struct lks_policy *, const char *, struct lks_error *);
    } rows[] = {{"--alpn", o->alpn, lks_policy_set_alpn},
                {"--tls-preset", o->preset, lks_policy_set_preset},
                {"--suites", o->suites, lks_policy_set_suites},
                {"--groups", o->groups, lks_policy_set_groups},
                {"--key-log", o->key_log, lks_policy_set_key_log}};
    enum lks_status status = lks_policy_set_sni_required(policy, o->strict_sni, err);
    for (size_t i = 0; !status && i < sizeof(rows) / sizeof(rows[0]); i++) {
        *option = rows[i].option;
        status = rows[i].value ? rows[i].set(policy, rows[i].value, err) : LKS_OK;
    }
    return status;
}

/* All parts, but not the configuration yet, which freezes them. 0, or -1: *err begins with the
 * option at fault. */
static int tls_make(struct tls *tls, const struct options *o, struct lks_error *err)
{
    struct lks_error cause = {"out of memory"};
    const char *option = "--cert, --key";
    enum lks_status status = lks_policy_new(&tls->policy);
    if (!status)
        status = lks_identities_new(&tls->identities);
    if (!status)
        status = lks_memory_new(&tls->memory);
    for (uint32_t i = 0; !status && i < o->num_certs; i++)
        status = lks_identities_add_certificate(tls->identities, lks_from_file(o->cert[i]),
                                                lks_from_file(o->key[i]), &cause);
    if (!status)
        status = make_policy(tls->policy, o, &option, &cause);
    if (!status && o->ticket_keys) {
        option = "--ticket-keys";
        status = lks_memory_set_ticket_keys(tls->memory, lks_from_file(o->ticket_keys), &cause);
    }
    snprintf(err->text, sizeof(err->text), "%s: %.2000s", option, cause.text);
    return status ? -1 : 0;
}

static void warn(const struct lks_identities *identities)
{
    struct lks_error warning;
    for (uint32_t n = 0; lks_identities_warning(identities, n, &warning); n++)
        fprintf(stderr, "lockstepd: warning: %s\n", warning.text);
}

/* The thread ends before what it attends to is gone. *last: the sum of all counters. */
static void end_chores(struct report *last)
{
    struct chores *c = atomic_exchange(&chores, NULL);
    if (c)
        chores_stop(c, last);
}

/* On a port that has queues for num workers. */
static int work(uint32_t num, const struct options *o, struct lks_config *tls, struct port *ports,
                struct report *last)
{
    char error[512];
    const struct workers_config config = {.num = num,
                                          .options = o,
                                          .tls = tls,
                                          .ports = ports,
                                          .posts = posts_new(num),
                                          .chores = chores,
                                          .stop = &must_stop};
    int rc = -1;
    if (!config.posts)
        snprintf(error, sizeof(error), "no memory for %u workers", num);
    else
        rc = workers_run(&config, error, sizeof(error));
    end_chores(last);
    free(config.posts);
    return rc ? complain(error) : EXIT_SUCCESS;
}

static int serve(const struct options *o, struct lks_config *tls, bool asks_for_device,
                 struct report *last)
{
    static struct port ports[WORKERS_MAX];
    char error[512];
    if (!rte_eth_dev_count_avail())
        return complain(asks_for_device
                            ? "DPDK made no port of the device that it was given; its own lines "
                              "above say why"
                            : "DPDK has no port; give EAL a device in front of \"--\" (-a or "
                              "--vdev)");
    if (!rte_eth_dev_is_valid_port(o->port_id)) {
        snprintf(error, sizeof(error),
                 "--port %u: no such DPDK port; there are %u, the first is %u", o->port_id,
                 rte_eth_dev_count_avail(), rte_eth_find_next(0));
        return complain(error);
    }
    const uint32_t num = workers_choose(o->workers, rte_lcore_count(), port_max_queues(o->port_id),
                                        error, sizeof(error));
    if (!num ||
        port_start(ports, (uint16_t)num, o->port_id, o->num_mbufs, o->mtu, error, sizeof(error)))
        return complain(error);
    const int status = work(num, o, tls, ports, last);
    port_stop(ports);
    return status;
}

/* Our own options come first, so that mistakes in them are told before EAL says its lines; they
 * stand behind "--". Where there is none: 0 if a word asks what this is, -1 if one is ours, else
 * all of them are EAL's. */
static int ours_begin_at(int argc, char **argv)
{
    const int own = own_options(argc, argv);
    if (own >= 0)
        return own;
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
    return complain(error);
}

int main(int argc, char **argv)
{
    struct options o;
    struct tls tls = {0};
    struct lks_error err;
    struct report last = {0};
    char error[512];
    int own = ours_begin_at(argc, argv), status;
    const bool has_device = asks_for_device(own, argv);
    if (own < 0)
        return complain("lockstepd's own options stand behind \"--\": lockstepd [EAL options] -- "
                        "--listen ... (--help)");
    argv[own] = own ? argv[own] : argv[0];
    if (options_parse(&o, argc - own, argv + own, error, sizeof(error)))
        return complain(error);
    if (o.help) {
        options_help(argv[0]);
        return EXIT_SUCCESS;
    }
    if (o.version) {
        printf("lockstepd " LOCKSTEPD_VERSION "\n");
        return EXIT_SUCCESS;
    }
    if (tls_make(&tls, &o, &err)) {
        tls_free(&tls);
        return complain(err.text);
    }
    warn(tls.identities);
    main_thread = pthread_self();
    catch_signals();
    chores = chores_start(tls.policy, tls.memory, o.key_log, stdout, stderr);
    if (!chores) {
        status = complain("the system gives no thread to read files and to print with");
    } else if (lks_config_new(&tls.config, tls.policy, tls.identities, tls.memory, &err) ||
               lks_config_check(tls.config, LKS_SERVER, &err)) {
        status = complain(err.text);
    } else if (rte_eal_init(own ? own : 1, argv) < 0) {
        status = complain_of_eal(argc, argv);
    } else {
        status = serve(&o, tls.config, has_device, &last);
        rte_eal_cleanup();
    }
    end_chores(&last);
    if (status == EXIT_SUCCESS) /* last: whoever reads it may be slow */
        counters_print(stdout, &last, NULL, 0);
    tls_free(&tls);
    return status;
}
