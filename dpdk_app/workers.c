/* SPDX-License-Identifier: BSD-3-Clause */
#include "workers.h"

#include <errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

struct workers {
    const struct workers_config *config;
    uint32_t num;
    struct port *ports;
    struct net *nets[WORKERS_MAX];
    struct worker *all[WORKERS_MAX];
    unsigned int lcores[WORKERS_MAX];
    sem_t ended; /* once for each worker that has */
};

uint32_t workers_choose(uint32_t asked, uint32_t num_lcores, uint32_t max_queues, char *error,
                        unsigned int error_len)
{
    const uint32_t others = num_lcores > 2 ? num_lcores - 1 : 1;
    uint32_t num = asked;
    if (!asked) {
        num = others < max_queues ? others : max_queues;
        return num ? num : 1;
    }
    if (num > others) {
        snprintf(error, error_len,
                 "--workers %u: that takes %u lcores, one of them to do what is no worker's, and "
                 "EAL has %u; give it more in front of \"--\" (-l 0-%u; where CPUs are few, "
                 "--lcores '(0-%u)@0' has them share one)",
                 num, num + 1, num_lcores, num, num);
        return 0;
    }
    if (num > 1 && num > max_queues) {
        snprintf(error, error_len,
                 "--workers %u: the port has queues for %u; ask for no more, or give the device "
                 "more (net_af_packet: qpairs=%u)",
                 num, max_queues, num);
        return 0;
    }
    return num;
}

static void choose_lcores(struct workers *w)
{
    unsigned int lcore, i = 0;
    w->lcores[0] = rte_get_main_lcore();
    if (w->num == 1)
        return;
    RTE_LCORE_FOREACH_WORKER(lcore)
    if (i < w->num)
        w->lcores[i++] = lcore;
}

static int make_stacks(struct workers *w, char *error, unsigned int error_len)
{
    const struct options *o = w->config->options;
    uint8_t secret[NET_SECRET_LEN];
    struct stack_config config = {
        .addresses = o->addresses,
        .num_addresses = o->num_addresses,
        .gateways = o->gateways,
        .num_gateways = o->num_gateways,
        .vlan = o->vlan,
        .max_flows = 2 * o->max_connections,
        .now_us = clock_us(),
        .secret = secret,
    };
    if (!stack_make_secret(secret)) {
        snprintf(error, error_len, "the kernel gives no random numbers");
        return -1;
    }
    for (uint32_t i = 0; i < w->num; i++) {
        config.port = &w->ports[i];
        w->nets[i] = stack_new(&config, error, error_len);
        if (!w->nets[i])
            return -1;
    }
    return 0;
}

static int make_workers(struct workers *w, char *error, unsigned int error_len)
{
    const struct options *o = w->config->options;
    struct worker_config config = {
        .sessions = {.tls = w->config->tls,
                     .backend = o->backend,
                     .max_sessions = o->max_connections,
                     .handshake_timeout_s = o->handshake_timeout_s,
                     .idle_timeout_s = o->idle_timeout_s},
        .idle = o->idle,
        .idle_us = o->idle_us,
    };
    for (uint32_t i = 0; i < w->num; i++) {
        config.sessions.port = &w->ports[i];
        config.sessions.net = w->nets[i];
        config.post = &w->config->posts[i];
        w->all[i] = worker_new(&config, error, error_len);
        if (!w->all[i])
            return -1;
    }
    return 0;
}

static int listen_all(const struct workers *w, char *error, unsigned int error_len)
{
    const struct options *o = w->config->options;
    for (uint32_t n = 0; n < w->num; n++)
        for (uint32_t i = 0; i < o->num_listen; i++)
            if (flow_listen(w->nets[n], &o->listen[i], &session_client_events,
                            worker_sessions(w->all[n]), error, error_len))
                return -1;
    return 0;
}

static void announce(const struct workers *w)
{
    const struct options *o = w->config->options;
    char text[4096], ip[NET_IP_TEXT_LEN];
    lks_engine_describe(text, sizeof(text));
    printf("lockstepd: listening on");
    for (uint32_t i = 0; i < o->num_listen; i++) {
        const struct net_addr *addr = &o->listen[i];
        const bool is_v4 = net_ip_is_v4(&addr->ip);
        printf("%s %s%s%s:%u", i ? "," : "", is_v4 ? "" : "[", net_ip_text(ip, &addr->ip),
               is_v4 ? "" : "]", addr->port);
    }
    printf("\n");
    if (w->num > 1) {
        printf("lockstepd: %u workers, on lcores", w->num);
        for (uint32_t i = 0; i < w->num; i++)
            printf("%s %u", i ? "," : "", w->lcores[i]);
        printf("; frames are spread by %s\n", w->ports->rss.is_software ? "software" : "the port");
    }
    printf("lockstepd: packet buffers%s: %u to receive, %u to send\n",
           w->num > 1 ? " of each worker" : "", w->ports->num_mbufs, w->ports->num_mbufs);
    printf("%s", text);
    fflush(stdout);
}

struct start { /* of a worker on an lcore */
    struct workers *workers;
    struct worker *worker;
};

static int run_one(void *user)
{
    const struct start *start = user;
    worker_run(start->worker, start->workers->config->stop);
    sem_post(&start->workers->ended);
    return 0;
}

static void run(struct workers *w)
{
    struct start starts[WORKERS_MAX];
    if (w->num == 1) {
        worker_run(w->all[0], w->config->stop);
        return;
    }
    for (uint32_t i = 0; i < w->num; i++) {
        starts[i] = (struct start){w, w->all[i]};
        rte_eal_remote_launch(run_one, &starts[i], w->lcores[i]);
    }
    for (uint32_t i = 0; i < w->num; i++) /* asleep, but for signals */
        while (sem_wait(&w->ended) && errno == EINTR)
            continue;
    rte_eal_mp_wait_lcore();
}

static void free_all(struct workers *w)
{
    for (uint32_t i = 0; i < w->num; i++) {
        worker_free(w->all[i]);
        net_free(w->nets[i]);
    }
    sem_destroy(&w->ended);
    free(w);
}

int workers_run(const struct workers_config *config, char *error, unsigned int error_len)
{
    struct workers *w = calloc(1, sizeof(*w));
    int rc = -1;
    if (!w) {
        snprintf(error, error_len, "no memory for %u workers", config->num);
        return -1;
    }
    w->config = config;
    w->num = config->num;
    w->ports = config->ports;
    sem_init(&w->ended, 0, 0);
    choose_lcores(w);
    if (!make_stacks(w, error, error_len) && !make_workers(w, error, error_len) &&
        !stack_settle(w->nets, w->ports, w->num, config->stop, error, error_len) &&
        !listen_all(w, error, error_len)) {
        announce(w);
        chores_attend(config->chores, config->posts, w->num, w->ports);
        run(w);
        rc = 0;
    }
    free_all(w);
    return rc;
}
