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
#include "worker.h"

_Static_assert(CONF_WORKERS_MAX == PORT_QUEUES_MAX && CONF_MTU_MIN == PORT_MTU_MIN &&
                   CONF_MTU_MAX == PORT_MTU_MAX,
               "a configuration may ask for what a port may have");

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
                 "that takes %u lcores, one of them to do what is no worker's, and EAL has %u; "
                 "give it more (-l 0-%u; where CPUs are few, --lcores '(0-%u)@0' has them share "
                 "one)",
                 num + 1, num_lcores, num, num);
        return 0;
    }
    if (num > 1 && num > max_queues) {
        snprintf(error, error_len,
                 "the port has queues for %u; ask for no more, or give the device more "
                 "(net_af_packet: qpairs=%u)",
                 max_queues, num);
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

/* What each instance gets; the addresses are to be freed. NULL: no memory. */
static struct net_address *own_addresses(const struct conf *conf)
{
    struct net_address *addresses = calloc(conf->num_own + 1, sizeof(*addresses));
    for (uint32_t i = 0; addresses && i < conf->num_own; i++)
        addresses[i] =
            (struct net_address){.ip = conf->own[i].addr.ip, .prefix_len = conf->own[i].prefix_len};
    return addresses;
}

static int make_stacks(struct workers *w, char *error, unsigned int error_len)
{
    const struct conf *conf = w->config->first->conf;
    struct net_address *addresses = own_addresses(conf);
    struct net_ip gateways[2];
    uint8_t secret[NET_SECRET_LEN];
    struct stack_config config = {
        .addresses = addresses,
        .num_addresses = conf->num_own,
        .gateways = gateways,
        .num_gateways = conf->gateways.num,
        .vlan = (uint16_t)conf->device.vlan,
        .max_flows = 2 * conf->limits.connections,
        .now_us = clock_us(),
        .secret = secret,
    };
    const bool has_secret = stack_make_secret(secret);
    uint32_t num = 0;
    for (uint32_t i = 0; i < conf->gateways.num; i++)
        gateways[i] = conf->gateways.all[i].addr.ip;
    if (!addresses || !has_secret)
        snprintf(error, error_len, "%s",
                 addresses ? "the kernel gives no random numbers" : "out of memory");
    for (; addresses && has_secret && num < w->num; num++) {
        config.port = &w->ports[num];
        w->nets[num] = stack_new(&config, error, error_len);
        if (!w->nets[num])
            break;
    }
    free(addresses);
    return num == w->num ? 0 : -1;
}

static int make_workers(struct workers *w, char *error, unsigned int error_len)
{
    const struct conf *conf = w->config->first->conf;
    struct worker_config config = {
        .sessions = {.max_sessions = conf->limits.connections},
        .idle = conf->device.idle,
        .idle_us = conf->device.idle_us,
    };
    for (uint32_t i = 0; i < w->num; i++) {
        config.sessions.slot = &w->config->slots[i];
        config.sessions.port = &w->ports[i];
        config.sessions.net = w->nets[i];
        config.post = &w->config->posts[i];
        if (service_join(w->config->service, config.sessions.slot))
            w->all[i] = worker_new(&config, error, error_len);
        else
            snprintf(error, error_len, "out of memory");
        if (!w->all[i])
            return -1;
    }
    return 0;
}

static int listen_all(const struct workers *w, char *error, unsigned int error_len)
{
    const struct snapshot *first = w->config->first;
    for (uint32_t n = 0; n < w->num; n++)
        for (uint32_t i = 0; i < first->num_listens; i++)
            if (flow_listen(w->nets[n], &first->listens[i].addr, &session_client_events,
                            worker_sessions(w->all[n]), error, error_len))
                return -1;
    return 0;
}

static void announce(const struct workers *w)
{
    const struct snapshot *first = w->config->first;
    char text[4096], ip[NET_IP_TEXT_LEN];
    lks_engine_describe(text, sizeof(text));
    printf("lockstepd: listening on");
    for (uint32_t i = 0; i < first->num_listens; i++) {
        const struct net_addr *addr = &first->listens[i].addr;
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

/* Who is asked to stop before anybody was served has nothing to wait for. */
static void run(struct workers *w)
{
    struct start starts[WORKERS_MAX];
    struct stop *stop = w->config->stop;
    atomic_store(&stop->num_left, w->num);
    if (atomic_load(&stop->asked))
        atomic_store(&stop->now, true);
    if (w->num == 1) {
        worker_run(w->all[0], stop);
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
        !stack_settle(w->nets, w->ports, w->num, &config->stop->asked, error, error_len) &&
        !listen_all(w, error, error_len)) {
        announce(w);
        chores_attend(config->chores, config->posts, w->num, w->ports);
        chores_set_reload(config->chores, config->reload);
        run(w);
        rc = 0;
    }
    free_all(w);
    return rc;
}
