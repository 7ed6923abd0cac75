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

static struct net *make_stack(const struct options *o, const struct port *port, char *error,
                              unsigned int error_len)
{
    const struct stack_config config = {
        .port = port,
        .addresses = o->addresses,
        .num_addresses = o->num_addresses,
        .gateways = o->gateways,
        .num_gateways = o->num_gateways,
        .vlan = o->vlan,
        .max_flows = 2 * o->max_connections,
        .now_us = clock_us(),
    };
    return stack_new(&config, error, error_len);
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

static int listen_all(const struct options *o, struct net *net, struct worker *w, char *error,
                      unsigned int error_len)
{
    for (uint32_t i = 0; i < o->num_listen; i++) {
        if (flow_listen(net, &o->listen[i], &session_client_events, worker_sessions(w), error,
                        error_len))
            return -1;
    }
    return 0;
}

static void announce(const struct options *o)
{
    char text[4096], ip[NET_IP_TEXT_LEN];
    lks_engine_describe(text, sizeof(text));
    printf("lockstepd: listening on");
    for (uint32_t i = 0; i < o->num_listen; i++) {
        const struct net_addr *addr = &o->listen[i];
        const bool is_v4 = net_ip_is_v4(&addr->ip);
        printf("%s %s%s%s:%u", i ? "," : "", is_v4 ? "" : "[", net_ip_text(ip, &addr->ip),
               is_v4 ? "" : "]", addr->port);
    }
    printf("\n%s", text);
    fflush(stdout);
}

/* One worker on a port that has been started. *last: the counters at the end, if it began. */
static int work(const struct options *o, struct lks_config *tls, struct port *port,
                struct report *last)
{
    char error[512];
    struct net *net = make_stack(o, port, error, sizeof(error));
    const struct worker_config config = {
        .sessions = {.tls = tls,
                     .port = port,
                     .net = net,
                     .backend = o->backend,
                     .max_sessions = o->max_connections,
                     .handshake_timeout_s = o->handshake_timeout_s,
                     .idle_timeout_s = o->idle_timeout_s},
        .idle = o->idle,
        .idle_us = o->idle_us,
    };
    struct worker *w = net ? worker_new(&config, error, sizeof(error)) : NULL;
    const bool begins = w && !settle(net, port, error, sizeof(error)) &&
                        !listen_all(o, net, w, error, sizeof(error));
    if (begins) {
        announce(o);
        worker_run(w, &signals, chores);
        worker_get_report(w, last);
    }
    worker_free(w);
    net_free(net);
    return begins ? EXIT_SUCCESS : complain(error);
}

static int serve(const struct options *o, struct lks_config *tls, bool asks_for_device,
                 struct report *last)
{
    char error[512];
    struct port port;
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
    if (port_start(&port, o->port_id, o->num_mbufs, o->mtu, error, sizeof(error)))
        return complain(error);
    const int status = work(o, tls, &port, last);
    port_stop(&port);
    return status;
}

/* Our own options come first, so that mistakes in them are told before EAL says its lines; they
 * stand behind "--". Where there is none: 0 if a word asks what this is, -1 if one is ours, else
 * all of them are EAL's. */
static int own_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            return i;
    if (argc == 2 &&
        (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "--version")))
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
    return complain(error);
}

int main(int argc, char **argv)
{
    struct options o;
    struct tls tls = {0};
    struct lks_error err;
    struct report last = {0};
    char error[512];
    int own = own_options(argc, argv), status;
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
    catch_signals();
    chores = chores_start(tls.policy, tls.memory, stdout, stderr);
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
    if (chores)
        chores_stop(atomic_exchange(&chores, NULL), &last);
    if (status == EXIT_SUCCESS) /* last: whoever reads it may be slow */
        counters_print(stdout, &last);
    tls_free(&tls);
    return status;
}
