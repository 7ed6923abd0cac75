/* SPDX-License-Identifier: BSD-3-Clause */

/* Which server of a pool gets a connection. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

#define LINE 64u /* bytes that no two workers share */

struct view *view_new(struct snapshot *snapshot)
{
    const size_t size = sizeof(struct view) + snapshot->num_servers * sizeof(struct view_server);
    struct view *view = aligned_alloc(LINE, (size + LINE - 1) / LINE * LINE);
    if (!view)
        return NULL;
    memset(view, 0, size);
    view->snapshot = snapshot;
    return view;
}

void view_free(struct view *view)
{
    free(view);
}

void view_done(struct view_slot *slot, struct view *view)
{
    view->next = atomic_load(&slot->done);
    while (!atomic_compare_exchange_weak(&slot->done, &view->next, view))
        continue;
}

/* Of a pool, those that were not tried. */
struct choice {
    struct view *view;
    const struct snapshot_pool *pool;
    uint64_t tried;
};

static bool may_have(const struct choice *c, uint32_t i)
{
    return !(c->tried >> i & 1);
}

/* Whether a has fewer connections than b, each for its weight. */
static bool is_less_busy(const struct choice *c, uint32_t a, uint32_t b)
{
    const struct snapshot_server *servers = c->view->snapshot->servers + c->pool->first;
    const struct view_server *use = c->view->servers + c->pool->first;
    return (uint64_t)use[a].connections * servers[b].weight <
           (uint64_t)use[b].connections * servers[a].weight;
}

/* Each gets credit by its weight, whoever has most takes the turn and pays for all: turns of heavy
 * servers lie apart. only_idlest: among those that have fewest connections. */
static uint32_t in_turn(const struct choice *c, bool only_idlest)
{
    const struct snapshot_server *servers = c->view->snapshot->servers + c->pool->first;
    struct view_server *use = c->view->servers + c->pool->first;
    uint32_t idlest = VIEW_NO_SERVER, chosen = VIEW_NO_SERVER;
    int64_t sum = 0;
    for (uint32_t i = 0; i < c->pool->num; i++)
        if (may_have(c, i) && (idlest == VIEW_NO_SERVER || is_less_busy(c, i, idlest)))
            idlest = i;
    for (uint32_t i = 0; i < c->pool->num; i++) {
        if (!may_have(c, i) || (only_idlest && is_less_busy(c, idlest, i)))
            continue;
        use[i].credit += servers[i].weight;
        sum += servers[i].weight;
        if (chosen == VIEW_NO_SERVER || use[i].credit > use[chosen].credit)
            chosen = i;
    }
    if (chosen != VIEW_NO_SERVER)
        use[chosen].credit -= sum;
    return chosen;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Each server draws a lot of client and server, weighted (-weight / ln of it), and the highest
 * wins: where one is taken away, its clients alone go elsewhere. */
static uint32_t by_source(const struct choice *c, const struct net_ip *client)
{
    const struct snapshot_server *servers = c->view->snapshot->servers + c->pool->first;
    uint32_t chosen = VIEW_NO_SERVER;
    double most = 0;
    for (uint32_t i = 0; i < c->pool->num; i++) {
        const struct net_addr *to = &servers[i].addr;
        const uint64_t drawn =
            mix(client->halves[0] ^
                mix(client->halves[1] ^ mix(to->ip.halves[0] ^ mix(to->ip.halves[1] ^ to->port))));
        const double lot = ((double)(drawn >> 11) + 0.5) / (double)(UINT64_C(1) << 53);
        const double score = -(double)servers[i].weight / log(lot);
        if (may_have(c, i) && (chosen == VIEW_NO_SERVER || score > most)) {
            chosen = i;
            most = score;
        }
    }
    return chosen;
}

uint32_t view_choose(struct view *view, uint32_t pool, const struct net_ip *client, uint64_t tried)
{
    const struct choice c = {view, &view->snapshot->pools[pool], tried};
    const uint32_t i = c.pool->balance == BALANCE_SOURCE
                           ? by_source(&c, client)
                           : in_turn(&c, c.pool->balance == BALANCE_LEAST_CONNECTIONS);
    if (i == VIEW_NO_SERVER)
        return i;
    view->servers[c.pool->first + i].connections++;
    return c.pool->first + i;
}

void view_leave(struct view *view, uint32_t server)
{
    if (server != VIEW_NO_SERVER)
        view->servers[server].connections--;
}
