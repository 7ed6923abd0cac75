/* SPDX-License-Identifier: BSD-3-Clause */

/* What a connection is looked up by in a snapshot: its address, and its client's SNI. */

#include "snapshot.h"

#include <string.h>

static uint32_t hash_name(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h ^ h >> 15;
}

struct snapshot_name *snapshot_name(const struct snapshot_frontend *f, const char *name)
{
    uint32_t i = hash_name(name);
    for (;; i++) {
        struct snapshot_name *at = &f->names[i & (f->num_names - 1)];
        if (!at->name || strcmp(at->name, name) == 0)
            return at;
    }
}

const struct snapshot_site *snapshot_site(const struct snapshot_frontend *f, const char *name)
{
    char wildcard[256] = "*";
    const char *dot = strchr(name, '.');
    const struct snapshot_name *found = snapshot_name(f, name);
    if (!found->name && dot && strlen(dot) < sizeof(wildcard) - 1) {
        strcpy(wildcard + 1, dot);
        found = snapshot_name(f, wildcard);
    }
    return &f->sites[found->name ? found->site : 0];
}

const struct snapshot_frontend *snapshot_frontend(const struct snapshot *s,
                                                  const struct net_addr *local)
{
    for (uint32_t i = 0; i < s->num_listens; i++)
        if (s->listens[i].addr.port == local->port &&
            net_ip_equal(&s->listens[i].addr.ip, &local->ip))
            return &s->frontends[s->listens[i].frontend];
    return NULL;
}
