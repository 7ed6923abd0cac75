/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * lockstep-load: loads an HTTPS server through a DPDK port, with Lockstep's own client on its own
 * TCP/IP stack; and answers in plaintext for what stands behind a terminator.
 */

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "own_options.h"
#include "report.h"
#include "setup.h"

#define EXIT_SOME_FAILED 1
#define EXIT_NO_START    2
#define EMPTY_POLLS      64u
#define LAST_POLLS       64u /* for what is left at the end, on a port that takes it */

static atomic_bool must_stop;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&must_stop, true);
}

static int complain(const char *text)
{
    fprintf(stderr, "lockstep-load: %s\n", text);
    return EXIT_NO_START;
}

/* One port, and what works on it. */
struct run {
    const struct options *options;
    struct port port;
    struct net *net;
    struct stack_turn turn;
    struct load *load;       /* NULL: no --target */
    struct backend *backend; /* NULL: no --serve */
    uint64_t now_us, second_us;
};

/* ---- a poll ---- */

static bool poll_once(struct run *r)
{
    const uint64_t begin = rte_rdtsc();
    r->now_us = clock_us();
    bool was_busy = stack_receive(r->net, &r->port, &r->turn, r->now_us);
    if (r->backend)
        was_busy |= backend_turn(r->backend, r->now_us);
    if (r->load)
        was_busy |= load_turn(r->load, r->now_us);
    stack_timers(r->net, &r->turn);
    was_busy |= stack_send(r->net, &r->port, r->now_us);
    if (r->now_us - r->second_us >= 1000000) {
        r->second_us = r->now_us;
        port_second(&r->port);
        const char *link = port_watch(&r->port);
        if (link)
            complain(link);
        for (const char *news; (news = port_news(&r->port));)
            complain(news);
    }
    if (r->load)
        load_count_poll(r->load, rte_rdtsc() - begin, was_busy);
    return was_busy;
}

static void wait_a_little(const struct options *o)
{
    if (o->idle == LOAD_IDLE_YIELD)
        sched_yield();
    else if (o->idle == LOAD_IDLE_SLEEP)
        usleep((useconds_t)o->idle_us);
}

/* A backend alone runs until it is stopped, or for its time. */
static bool is_done(const struct run *r, uint64_t start_us)
{
    if (r->load)
        return load_is_done(r->load);
    const uint64_t time_us = r->options->duration_s * 1000000;
    return must_stop || (time_us && r->now_us - start_us >= time_us);
}

static void work(struct run *r)
{
    const uint64_t start_us = clock_us();
    uint32_t num_empty = 0;
    if (r->load)
        load_start(r->load);
    while (!is_done(r, start_us)) {
        num_empty = poll_once(r) ? 0 : num_empty + 1;
        if (num_empty > EMPTY_POLLS)
            wait_a_little(r->options);
        if (must_stop && r->load)
            load_stop(r->load);
    }
    for (uint32_t i = 0; i < LAST_POLLS; i++)
        poll_once(r);
}

/* ---- before and after ---- */

static struct net *make_stack(const struct options *o, const struct port *port, char *error,
                              unsigned int error_len)
{
    const uint64_t num =
        (o->target.port ? o->connections : 0) + (o->serve.port ? o->serve_connections : 0);
    const struct stack_config config = {.port = port,
                                        .addresses = o->addresses,
                                        .num_addresses = o->num_addresses,
                                        .gateways = o->gateways,
                                        .num_gateways = o->num_gateways,
                                        .vlan = (uint16_t)o->vlan,
                                        .max_flows = (uint32_t)num + 64,
                                        .now_us = clock_us()};
    return stack_new(&config, error, error_len);
}

static int make_load(struct run *r, const struct setup *s, char *error, unsigned int error_len)
{
    static struct net_ip sources[OPTIONS_ADDRESSES];
    const struct options *o = r->options;
    uint32_t num = 0;
    for (uint32_t i = 0; i < o->num_addresses; i++)
        if (net_ip_is_v4(&o->addresses[i].ip) == net_ip_is_v4(&o->target.ip))
            sources[num++] = o->addresses[i].ip;
    const struct load_config config = {
        .tls = s->tls,
        .port = &r->port,
        .net = r->net,
        .target = o->target,
        .sources = sources,
        .num_sources = num,
        .server_name = s->server_name,
        .head = s->head,
        .head_len = s->head_len,
        .body_len = o->body_len,
        .is_head = strcmp(o->method, "HEAD") == 0,
        .num_clients = (uint32_t)o->connections,
        .per_connection = o->per_connection,
        .resume_percent = (uint32_t)o->resume_percent,
        .rate = o->rate,
        .is_poisson = o->is_poisson,
        .max_operations = o->max_requests,
        .warmup_ns = o->warmup_s * 1000000000,
        .time_ns = o->duration_s * 1000000000,
        .timeout_us = o->timeout_s * 1000000,
    };
    r->load = load_new(&config, error, error_len);
    return r->load ? 0 : -1;
}

static int make_backend(struct run *r, char *error, unsigned int error_len)
{
    const struct backend_config config = {.port = &r->port,
                                          .net = r->net,
                                          .answer_len = r->options->serve_size,
                                          .max_connections =
                                              (uint32_t)r->options->serve_connections};
    r->backend = backend_new(&config);
    if (!r->backend)
        return options_fail(error, error_len, "no memory for so many; lower --serve-connections");
    return backend_listen(r->backend, &r->options->serve, error, error_len);
}

/* Says that it begins, to whoever waits for that; not where JSON alone is to come. */
static void announce(const struct options *o)
{
    char text[NET_IP_TEXT_LEN];
    FILE *to = o->json && strcmp(o->json, "-") == 0 ? stderr : stdout;
    if (o->serve.port)
        fprintf(to, "lockstep-load: serving at %s port %u\n", net_ip_text(text, &o->serve.ip),
                o->serve.port);
    if (o->target.port)
        fprintf(to, "lockstep-load: loading %s port %u\n", net_ip_text(text, &o->target.ip),
                o->target.port);
    fflush(to);
}

static int tell(struct run *r)
{
    const char *json = r->options->json;
    const bool is_alone = json && strcmp(json, "-") == 0;
    struct report report = {.load = r->load,
                            .backend = r->backend ? backend_counts(r->backend) : NULL};
    flow_get_counters(r->net, &report.tcp);
    net_get_counters(r->net, &report.net);
    port_get_counters(&r->port, &report.port);
    if (!is_alone)
        report_print(stdout, &report);
    FILE *to = is_alone ? stdout : json ? fopen(json, "w") : NULL;
    if (to)
        report_json(to, &report);
    if (json && (!to || (is_alone ? fflush(to) : fclose(to)))) {
        complain("--json: the file cannot be written");
        return EXIT_SOME_FAILED;
    }
    return report_is_good(&report) ? EXIT_SUCCESS : EXIT_SOME_FAILED;
}

static int run_on_port(struct run *r, const struct setup *s)
{
    char error[512];
    int status = EXIT_NO_START;
    r->net = make_stack(r->options, &r->port, error, sizeof(error));
    if (r->net && !stack_settle(&r->net, &r->port, 1, &must_stop, error, sizeof(error)) &&
        (!r->options->serve.port || !make_backend(r, error, sizeof(error))) &&
        (!r->options->target.port || !make_load(r, s, error, sizeof(error)))) {
        announce(r->options);
        work(r);
        status = tell(r);
    } else {
        complain(error);
    }
    load_free(r->load);
    backend_free(r->backend);
    net_free(r->net);
    return status;
}

static int run_all(const struct options *o, const struct setup *s)
{
    char error[512];
    static struct run r;
    r.options = o;
    if (!rte_eth_dev_is_valid_port((uint16_t)o->port_id))
        return complain("DPDK has no such port; give EAL a device in front of \"--\" (-a or "
                        "--vdev), and see --port");
    if (port_start(&r.port, 1, (uint16_t)o->port_id, (uint32_t)o->mbufs, (uint16_t)o->mtu, error,
                   sizeof(error)))
        return complain(error);
    const int status = run_on_port(&r, s);
    port_stop(&r.port);
    return status;
}

int main(int argc, char **argv)
{
    static struct options o;
    static struct setup s;
    char error[512];
    int status;
    const int own = own_options(argc, argv);
    if (own < 0)
        return complain("its own options stand behind \"--\": lockstep-load [EAL options] -- "
                        "--target ... (--help)");
    argv[own] = argv[0];
    if (options_parse(&o, argc - own, argv + own, error, sizeof(error)))
        return complain(error);
    if (o.help) {
        options_help(argv[0]);
        return EXIT_SUCCESS;
    }
    if (o.version) {
        printf("lockstep-load " LOAD_VERSION "\n");
        return EXIT_SUCCESS;
    }
    if (o.target.port && setup_make(&s, &o, error, sizeof(error))) {
        setup_free(&s);
        return complain(error);
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGPIPE, SIG_IGN);
    if (rte_eal_init(own ? own : 1, argv) < 0) {
        fprintf(stderr,
                "lockstep-load: DPDK's EAL does not start: %s; its own lines above say more "
                "(without hugepages: --no-huge -m 512)\n",
                rte_strerror(rte_errno));
        status = EXIT_NO_START;
    } else {
        status = run_all(&o, &s);
        rte_eal_cleanup();
    }
    setup_free(&s);
    return status;
}
