/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/callbacks.h>

#include "snapshot_tls.h"

/* A ClientHello has come: the connection goes on with its site's configuration. Its user pointer
 * says where to note which that is. */
static void on_hello(void *frontend, struct lks_conn *conn, struct lks_ask *ask)
{
    const struct snapshot_frontend *f = frontend;
    const struct snapshot_site **site = lks_conn_user(conn);
    *site = snapshot_site(f, lks_ask_hello(ask)->server_name);
    if (lks_answer_hello(ask, *site == f->sites ? NULL : (*site)->tls, NULL))
        *site = f->sites; /* the connection has failed, or goes on as the first site's */
    lks_ask_free(ask);
}

/* ---- making it ---- */

static bool add_names(struct snapshot_frontend *f, const struct conf_frontend *from,
                      struct arena *arena)
{
    uint32_t num = 0;
    for (uint32_t i = 0; i < from->sites.num; i++)
        num += CONF_ITEM(struct conf_site, &from->sites, i)->names.num;
    for (f->num_names = 2; f->num_names < 2 * num + 2; f->num_names *= 2)
        continue;
    f->names = arena_alloc(arena, f->num_names * sizeof(*f->names));
    for (uint32_t i = 0; f->names && i < from->sites.num; i++) {
        const struct conf_site *site = CONF_ITEM(struct conf_site, &from->sites, i);
        for (uint32_t k = 0; k < site->names.num; k++)
            *snapshot_name(f, site->names.all[k].text) =
                (struct snapshot_name){site->names.all[k].text, i};
    }
    return f->names;
}

/* ---- connections that browsers share ---- */

static bool offers_h2(const struct conf_site *site)
{
    for (uint32_t i = 0; i < site->alpn.num; i++)
        if (strcmp(site->alpn.all[i].text, "h2") == 0)
            return true;
    return false;
}

/* Where a's certificates are good for a name of b's, a browser that is connected to a sends b's
 * requests there: RFC 9113 section 9.1.1. */
static void warn_of_shared(const struct conf_site *a, const struct lks_identities *of_a,
                           const struct conf_site *b, FILE *to)
{
    uint32_t i = 0;
    if (a->pool == b->pool || !offers_h2(a) || !offers_h2(b))
        return;
    while (i < b->names.num && !lks_identities_cover(of_a, b->names.all[i].text))
        i++;
    if (i == b->names.num)
        return;
    const struct place *place = &b->names.all[i].place;
    fprintf(to,
            "lockstepd: warning: %s:%u:%u: names: %s: a certificate of the site in line %u has "
            "this name, too, and both offer h2: browsers send requests for the one over "
            "connections to the other, whose pool differs; have certificates made that have "
            "their own names alone\n",
            place->file ? place->file : "", place->line, place->column, b->names.all[i].text,
            a->head.place.line);
}

static void warn_of_all_shared(const struct conf_frontend *from,
                               struct lks_identities *const *identities, FILE *to)
{
    for (uint32_t i = 0; i < from->sites.num; i++)
        for (uint32_t k = 0; k < from->sites.num; k++)
            warn_of_shared(CONF_ITEM(struct conf_site, &from->sites, i), identities[i],
                           CONF_ITEM(struct conf_site, &from->sites, k), to);
}

/* ---- frontends ---- */

/* Sites that cannot be made are complained about, and the next ones tried. */
static bool add_sites(struct snapshot *s, struct snapshot_frontend *f,
                      const struct conf_frontend *from, const struct snapshot_needs *needs,
                      struct complaints *c)
{
    const struct conf_pool *pools = s->conf->pools.all;
    const uint32_t before = c->num;
    struct lks_identities **identities =
        calloc(from->sites.num + 1, sizeof(struct lks_identities *));
    if (!identities)
        return false;
    f->sites = arena_alloc(&s->conf->arena, from->sites.num * sizeof(*f->sites));
    for (uint32_t i = 0; f->sites && i < from->sites.num; i++) {
        const struct conf_site *site = CONF_ITEM(struct conf_site, &from->sites, i);
        const struct site_parts parts = {
            .conf = site,
            .needs = needs,
            .hello = i || from->sites.num == 1 ? NULL : on_hello,
            .hello_user = f,
        };
        f->num_sites = i + 1;
        f->sites[i].pool = (uint32_t)(site->pool - pools);
        f->sites[i].tls = site_make(&parts, &identities[i], &s->conf->arena, c);
    }
    if (needs->is_test && needs->warnings && f->sites && c->num == before)
        warn_of_all_shared(from, identities, needs->warnings);
    for (uint32_t i = 0; i < from->sites.num; i++)
        lks_identities_free(identities[i]);
    free(identities);
    return f->sites && add_names(f, from, &s->conf->arena);
}

static bool add_frontends(struct snapshot *s, const struct snapshot_needs *needs,
                          struct complaints *c)
{
    struct conf *conf = s->conf;
    uint32_t num_listens = 0;
    for (uint32_t i = 0; i < conf->frontends.num; i++)
        num_listens += CONF_ITEM(struct conf_frontend, &conf->frontends, i)->listen.num;
    s->listens = arena_alloc(&conf->arena, num_listens * sizeof(*s->listens));
    s->frontends = arena_alloc(&conf->arena, conf->frontends.num * sizeof(*s->frontends));
    for (uint32_t i = 0; s->listens && s->frontends && i < conf->frontends.num; i++) {
        const struct conf_frontend *from = CONF_ITEM(struct conf_frontend, &conf->frontends, i);
        s->num_frontends++;
        if (!add_sites(s, &s->frontends[i], from, needs, c))
            return false;
        for (uint32_t k = 0; k < from->listen.num; k++)
            s->listens[s->num_listens++] = (struct snapshot_listen){from->listen.all[k].addr, i};
    }
    return s->listens && s->frontends;
}

static bool add_pools(struct snapshot *s)
{
    struct conf *conf = s->conf;
    uint32_t num_servers = 0;
    for (uint32_t i = 0; i < conf->pools.num; i++)
        num_servers += CONF_ITEM(struct conf_pool, &conf->pools, i)->servers.num;
    s->pools = arena_alloc(&conf->arena, conf->pools.num * sizeof(*s->pools));
    s->servers = arena_alloc(&conf->arena, num_servers * sizeof(*s->servers));
    for (uint32_t i = 0; s->pools && s->servers && i < conf->pools.num; i++) {
        const struct conf_pool *from = CONF_ITEM(struct conf_pool, &conf->pools, i);
        s->pools[s->num_pools++] = (struct snapshot_pool){
            s->num_servers, from->servers.num, from->balance, from->retries, from->proxy_protocol};
        for (uint32_t k = 0; k < from->servers.num; k++) {
            const struct conf_server *server = CONF_ITEM(struct conf_server, &from->servers, k);
            s->servers[s->num_servers++] = (struct snapshot_server){server->addr, server->weight};
        }
    }
    return s->pools && s->servers;
}

struct snapshot *snapshot_new(struct conf *conf, const struct snapshot_needs *needs,
                              struct complaints *c)
{
    const uint32_t before = c->num;
    struct snapshot *s = calloc(1, sizeof(*s));
    if (!s) {
        complain_of_memory(c);
        conf_free(conf);
        return NULL;
    }
    s->conf = conf;
    s->handshake_timeout_s = conf->timeouts.handshake_s;
    s->idle_timeout_s = conf->timeouts.idle_s;
    s->drain_delay_s = conf->timeouts.drain_delay_s;
    s->drain_timeout_s = conf->timeouts.drain_s;
    if (!add_pools(s) || !add_frontends(s, needs, c))
        complain_of_memory(c);
    if (c->num == before)
        return s;
    snapshot_free(s);
    return NULL;
}

void snapshot_free(struct snapshot *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->num_frontends; i++)
        for (uint32_t k = 0; k < s->frontends[i].num_sites; k++)
            lks_config_free(s->frontends[i].sites[k].tls);
    conf_free(s->conf);
    free(s);
}
