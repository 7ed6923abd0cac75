/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_SNAPSHOT_H
#define LOCKSTEPD_SNAPSHOT_H

/*
 * What a configuration's connections are made of: for each frontend its sites and how a client's
 * SNI finds one, for each pool its servers. Read-only once it is made; any number of workers use
 * it. What changes while it is used (how many connections a server has) is in a worker's view of
 * it. A reload makes a new snapshot; the memory of sessions is the same.
 */

#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>

#include <lockstep/config.h>
#include <lockstep/conn.h>

#include "config/conf.h"

struct snapshot_site {
    struct lks_config *tls;
    uint32_t pool;
};

struct snapshot_name {
    const char *name; /* NULL: a free place */
    uint32_t site;
};

struct snapshot_frontend {
    struct snapshot_site *sites; /* the first one serves whom no name leads elsewhere */
    uint32_t num_sites;
    struct snapshot_name *names; /* a hash table, of 2^n places */
    uint32_t num_names;
};

struct snapshot_listen {
    struct net_addr addr;
    uint32_t frontend;
};

struct snapshot_server {
    struct net_addr addr;
    uint32_t weight;
};

struct snapshot_pool {
    uint32_t first, num; /* of the servers */
    uint32_t balance;    /* enum conf_balance */
    uint32_t retries;
    uint32_t proxy_protocol; /* enum conf_proxy */
};

struct snapshot {
    struct snapshot_listen *listens;
    struct snapshot_frontend *frontends;
    struct snapshot_pool *pools;
    struct snapshot_server *servers;
    uint32_t num_listens, num_frontends, num_pools, num_servers;
    uint32_t handshake_timeout_s, idle_timeout_s, drain_delay_s, drain_timeout_s;
    struct conf *conf;  /* it was made of, whose memory the above is; NULL: a test's */
    uint32_t num_views; /* of workers; service.c counts them */
};

/* Where key logs go: lks_policy_queue_key_log(). */
struct snapshot_key_log {
    void (*queue)(void *user, const char *line, size_t len);
    void *user;
};

/* What snapshots have in common. */
struct snapshot_needs {
    struct lks_memory *memory;
    const struct snapshot_key_log *key_log; /* NULL: none */
    FILE *warnings; /* for what is odd, though it can be used: a certificate that has ended, say */
    bool is_test;   /* also for what takes long to find among many sites */
};

/* Loads certificates and all else. conf belongs to it from then on. NULL: complained about, and
 * conf is freed. */
struct snapshot *snapshot_new(struct conf *conf, const struct snapshot_needs *needs,
                              struct complaints *c);
void snapshot_free(struct snapshot *s); /* NULL: nothing */

/* The memory that a configuration asks for. NULL: complained about. */
struct lks_memory *snapshot_memory_new(const struct conf *conf, struct complaints *c);

/* Who listens at an address of ours; NULL: nobody. */
const struct snapshot_frontend *snapshot_frontend(const struct snapshot *s,
                                                  const struct net_addr *local);

/* Where a name is, or would go. */
struct snapshot_name *snapshot_name(const struct snapshot_frontend *f, const char *name);

/* The site for a name in its canonical form ("": none was said). */
const struct snapshot_site *snapshot_site(const struct snapshot_frontend *f, const char *name);

/*
 * A worker's view of a snapshot: its servers' connections, as far as that worker made them, and how
 * many sessions use it. A view ends when there is a newer one and no session has it.
 */
struct view {
    struct snapshot *snapshot;
    uint32_t num_sessions;
    struct view *next;
    struct view_server {
        int64_t credit;       /* of its turn */
        uint32_t connections; /* now */
    } servers[];
};

/* NULL: no memory. */
struct view *view_new(struct snapshot *snapshot);
void view_free(struct view *view); /* and not its snapshot */

#define VIEW_NO_SERVER UINT32_MAX

/* The server for a client, counted as connected until view_leave(). tried: a bit for each of the
 * pool's that is out of the question. VIEW_NO_SERVER: all of them. */
uint32_t view_choose(struct view *view, uint32_t pool, const struct net_ip *client, uint64_t tried);
void view_leave(struct view *view, uint32_t server);

/* Where the worker finds newer views, and leaves those that no session has any more. Each poll
 * looks: no two workers' share a cache line. */
struct view_slot {
    alignas(64) struct view *_Atomic newer; /* NULL: none */
    struct view *_Atomic done;              /* a list */
};

/* For the worker: it has no use for a view any more. */
void view_done(struct view_slot *slot, struct view *view);

#endif
