/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What ICMP has taught of paths (RFC 1191, 8201). TCP tells it only what it has checked against a
 * flow's sequence numbers. A set of a table holds the newest WAYS paths that hash there; what is
 * forgotten is learnt again.
 */

#include <rte_jhash.h>
#include <rte_malloc.h>

#include "net/instance.h"

#define SETS        1024u
#define WAYS        4u
#define LIFETIME_US (10u * 60u * 1000000ull) /* RFC 1191 6.3 */
#define LEAST_IP4   552u                     /* what Linux takes for the least that is no lie */
#define LEAST_IP6   1280u                    /* RFC 8200 5 */

struct path {
    struct net_ip to;
    uint64_t until_us; /* 0: free */
    uint16_t mtu;
};

struct path_mtus {
    uint32_t seed;
    struct path sets[SETS][WAYS];
};

struct path_mtus *path_mtus_new(uint32_t seed, int socket)
{
    struct path_mtus *p = rte_zmalloc_socket("path_mtus", sizeof(*p), RTE_CACHE_LINE_SIZE, socket);
    if (p)
        p->seed = seed;
    return p;
}

void path_mtus_free(struct path_mtus *p)
{
    rte_free(p);
}

static struct path *set_of(struct path_mtus *p, const struct net_ip *to)
{
    return p->sets[rte_jhash(to->bytes, sizeof(to->bytes), p->seed) % SETS];
}

/* [8201 5.2-1] */
uint16_t path_mtu_get(struct net *net, const struct net_ip *to)
{
    struct path *set = set_of(net->path_mtus, to);
    for (uint32_t i = 0; i < WAYS; i++)
        if (set[i].until_us > net->now_us && net_ip_equal(&set[i].to, to))
            return set[i].mtu;
    return net->port.mtu;
}

/* [1191 3-2] [8201 5.2-1] */
void path_mtu_learn(struct net *net, const struct net_ip *to, uint16_t mtu)
{
    const uint16_t least = net_ip_is_v4(to) ? LEAST_IP4 : LEAST_IP6;
    struct path *set = set_of(net->path_mtus, to), *into = &set[0];
    if (mtu < least)
        mtu = least;
    if (mtu >= net->port.mtu)
        return;
    for (uint32_t i = 0; i < WAYS; i++) {
        if (net_ip_equal(&set[i].to, to)) {
            into = &set[i];
            break;
        }
        if (set[i].until_us < into->until_us)
            into = &set[i];
    }
    *into = (struct path){*to, net->now_us + LIFETIME_US, mtu};
}

void ip_learn_mtu(struct net *net, const struct net_ip *to, uint16_t mtu)
{
    path_mtu_learn(net, to, mtu);
}
