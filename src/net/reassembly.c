/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Packets that come in fragments (RFC 791, 815, 8200 4.5, 5722). A source hashes to one set of a
 * table, and has half of its ways at most: whoever sends first pieces alone drives only its own
 * out, the oldest first, since a fragment that was lost must not keep out what comes after it.
 * What waits lies in buffers of the link: when they are as many as may be, the packet goes that has
 * the most. Overlaps end the whole packet, but for an exact copy of a fragment.
 *
 * librte_ip_frag would do the joining, but takes at most eight fragments a packet, counts bytes
 * where it should look for holes, and its table knows no sources.
 */

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include <rte_jhash.h>
#include <rte_malloc.h>

#include "net/instance.h"

#define TIMEOUT_US     (60u * 1000000ull) /* RFC 1122 3.3.2, 8200 4.5 */
#define CHECK_EVERY_US 1000000u
#define MAX_FRAGMENTS  64u
#define WAYS           16u
#define SOURCE_WAYS    8u
#define PACKET_MAX     65515u /* with the shortest header no more than 65535 */

struct part {
    struct rte_mbuf *mbuf;
    uint16_t offset, len;
};

struct packet {
    struct net_ip from, to;
    uint32_t id;
    uint8_t proto, ecn;
    bool is_used;
    bool is_dead;         /* overlapped: what still comes goes, too, until its time is over */
    uint16_t num;         /* of parts, sorted by offset */
    uint32_t num_mbufs;   /* that they lie in */
    uint32_t have, total; /* bytes; total 0: the last has not come */
    uint64_t until_us;
    struct part parts[MAX_FRAGMENTS];
};

struct reassembly {
    uint32_t num_sets, seed, num_used;
    uint32_t num_mbufs, max_mbufs;
    uint64_t next_check_us;
    struct packet packets[];
};

struct reassembly *reassembly_new(uint32_t max, uint32_t max_mbufs, uint32_t seed, int socket)
{
    const uint32_t num_sets = max / WAYS ? max / WAYS : 1;
    struct reassembly *r = rte_zmalloc_socket(
        "reassembly", sizeof(*r) + (size_t)num_sets * WAYS * sizeof(r->packets[0]),
        RTE_CACHE_LINE_SIZE, socket);
    if (r) {
        r->num_sets = num_sets;
        r->max_mbufs = max_mbufs;
        r->seed = seed;
    }
    return r;
}

static void hold(struct reassembly *r, struct packet *p, uint32_t num_mbufs)
{
    r->num_mbufs += num_mbufs;
    p->num_mbufs += num_mbufs;
}

/* Its parts are freed, or somebody else's. */
static void has_none(struct reassembly *r, struct packet *p)
{
    r->num_mbufs -= p->num_mbufs;
    p->num_mbufs = 0;
    p->num = 0;
}

static void free_parts(struct reassembly *r, struct packet *p)
{
    for (uint16_t i = 0; i < p->num; i++)
        rte_pktmbuf_free(p->parts[i].mbuf);
    has_none(r, p);
}

static void forget(struct reassembly *r, struct packet *p)
{
    free_parts(r, p);
    p->is_used = false;
    r->num_used--;
}

void reassembly_free(struct reassembly *r)
{
    for (uint32_t i = 0; i < r->num_sets * WAYS; i++)
        free_parts(r, &r->packets[i]);
    rte_free(r);
}

/* IPv6 sources count by their /64: a host has all of one. */
static bool is_same_source(const struct net_ip *a, const struct net_ip *b)
{
    return a->halves[0] == b->halves[0] && (!net_ip_is_v4(a) || a->halves[1] == b->halves[1]);
}

static struct packet *set_of(struct reassembly *r, const struct net_ip *from)
{
    const uint32_t len = net_ip_is_v4(from) ? 16 : 8;
    return &r->packets[rte_jhash(from->bytes, len, r->seed) % r->num_sets * WAYS];
}

static bool goes_before(const struct packet *p, const struct packet *place)
{
    return !place || (place->is_used && (!p->is_used || p->until_us < place->until_us));
}

/* The packet that a fragment belongs to, or a place for it. [8200 4.5-2] */
static struct packet *find(struct net *net, struct packet *set, const struct fragment *f)
{
    struct packet *place = NULL, *oldest = NULL; /* that of its own source */
    uint32_t of_source = 0;
    for (uint32_t i = 0; i < WAYS; i++) {
        struct packet *p = &set[i];
        if (p->is_used && p->id == f->id && net_ip_equal(&p->from, &f->from) &&
            net_ip_equal(&p->to, &f->to) && (!net_ip_is_v4(&f->from) || p->proto == f->proto))
            return p; /* in IPv6 the next header of the first fragment counts alone */
        if (goes_before(p, place))
            place = p;
        if (!p->is_used || !is_same_source(&p->from, &f->from))
            continue;
        of_source++;
        if (goes_before(p, oldest))
            oldest = p;
    }
    if (of_source >= SOURCE_WAYS)
        place = oldest;
    if (place->is_used) {
        net->counters.rx_fragments_dropped += place->num;
        forget(net->reassembly, place);
    }
    net->reassembly->num_used++;
    place->is_used = true;
    place->is_dead = false;
    place->from = f->from;
    place->to = f->to;
    place->id = f->id;
    place->proto = f->proto;
    place->ecn = f->ecn;
    place->have = place->total = 0;
    place->until_us = net->now_us + TIMEOUT_US;
    return place;
}

enum fit {
    FITS,
    COPY,
    CONTRADICTS,
};

/* Where a fragment goes among those that are there. [5722 4-2] [8200 4.5-7] */
static enum fit find_gap(const struct packet *p, const struct fragment *f, uint32_t len,
                         uint16_t *at)
{
    const uint32_t end = f->offset + len;
    uint16_t i = p->num;
    if (end > PACKET_MAX || !len || (f->more && len % 8))
        return CONTRADICTS;
    if (p->total && (end > p->total || (!f->more && end != p->total)))
        return CONTRADICTS;
    while (i && p->parts[i - 1].offset >= f->offset)
        i--;
    *at = i;
    if (i < p->num && p->parts[i].offset == f->offset && p->parts[i].len == len)
        return COPY;
    if (i < p->num && end > p->parts[i].offset)
        return CONTRADICTS;
    if (i && p->parts[i - 1].offset + p->parts[i - 1].len > f->offset)
        return CONTRADICTS;
    if (!f->more && i < p->num) /* the last one, and something lies behind it */
        return CONTRADICTS;
    return p->num == MAX_FRAGMENTS ? CONTRADICTS : FITS;
}

/* All parts as one chain. */
static struct rte_mbuf *join(struct reassembly *r, struct packet *p)
{
    struct rte_mbuf *whole = p->parts[0].mbuf;
    for (uint16_t i = 1; i < p->num; i++)
        if (rte_pktmbuf_chain(whole, p->parts[i].mbuf)) { /* more segments than a chain can have */
            for (; i < p->num; i++)
                rte_pktmbuf_free(p->parts[i].mbuf);
            rte_pktmbuf_free(whole);
            whole = NULL;
        }
    has_none(r, p);
    return whole;
}

/* The packet that holds most, the oldest of several. */
static struct packet *largest(struct reassembly *r)
{
    struct packet *most = &r->packets[0];
    for (uint32_t i = 1; i < r->num_sets * WAYS; i++) {
        struct packet *p = &r->packets[i];
        if (p->num_mbufs > most->num_mbufs ||
            (p->num_mbufs == most->num_mbufs && p->until_us < most->until_us))
            most = p;
    }
    return most;
}

/* Room for so many mbufs more. It is found quickly: the largest holds no less than all do on
 * average. */
static void make_room(struct net *net, uint32_t num_mbufs)
{
    struct reassembly *r = net->reassembly;
    while (r->num_mbufs && r->num_mbufs + num_mbufs > r->max_mbufs) {
        struct packet *p = largest(r);
        net->counters.rx_fragments_dropped += p->num;
        free_parts(r, p);
        p->is_dead = true;
    }
}

/* RFC 3168 5.3: congestion seen by one fragment was seen by the packet. [3168 5.3-1] */
static uint8_t join_ecn(uint8_t a, uint8_t b)
{
    if (a == b)
        return a;
    if (a == IP_ECN_NOT || b == IP_ECN_NOT)
        return IP_ECN_NOT;
    return a == IP_ECN_CE || b == IP_ECN_CE ? IP_ECN_CE : IP_ECN_ECT0;
}

/* [1122 3.3.2-1] [5722 4-2] [8200 5-2] */
struct rte_mbuf *reassembly_add(struct net *net, struct rte_mbuf *packet,
                                const struct fragment *fragment, uint8_t *proto, uint8_t *ecn)
{
    struct reassembly *r = net->reassembly;
    struct packet *p = find(net, set_of(r, &fragment->from), fragment);
    const uint32_t len = packet->pkt_len;
    uint16_t at = 0;
    net->counters.rx_fragments++;
    const enum fit fit = !p->is_dead ? find_gap(p, fragment, len, &at) : COPY;
    if (fit == FITS)
        make_room(net, packet->nb_segs);
    if (fit != FITS || p->is_dead || packet->nb_segs > r->max_mbufs) {
        if (fit == CONTRADICTS) {
            net->counters.rx_fragments_dropped += p->num;
            free_parts(r, p);
            p->is_dead = true;
        }
        net->counters.rx_fragments_dropped++;
        rte_pktmbuf_free(packet);
        return NULL;
    }
    memmove(&p->parts[at + 1], &p->parts[at], (size_t)(p->num - at) * sizeof(p->parts[0]));
    p->parts[at] = (struct part){packet, fragment->offset, (uint16_t)len};
    p->num++;
    hold(r, p, packet->nb_segs);
    p->have += len;
    p->ecn = join_ecn(p->ecn, fragment->ecn);
    if (!fragment->offset)
        p->proto = fragment->proto;
    if (!fragment->more)
        p->total = fragment->offset + len;
    if (!p->total || p->have != p->total) /* no overlaps: as many bytes as there are places */
        return NULL;
    *proto = p->proto;
    *ecn = p->ecn;
    struct rte_mbuf *whole = join(r, p);
    forget(r, p);
    if (whole)
        net->counters.rx_reassembled++;
    else
        net->counters.rx_no_memory++;
    return whole;
}

/* Who sent the first fragment hears that others did not come (RFC 1122 3.3.2, 8200 4.5).
 * [1122 3.3.2-2] [8200 4.5-3] */
static void tell_timeout(struct net *net, struct packet *p)
{
    const struct ip_in in = {.from = p->from, .to = p->to};
    const bool is_v4 = net_ip_is_v4(&p->from);
    struct rte_mbuf *first = p->num && !p->parts[0].offset ? p->parts[0].mbuf : NULL;
    if (!first || !rte_pktmbuf_prepend(first, (uint16_t)first->l3_len))
        return;
    net->is_to_many = false;
    icmp_error(net, first, &in, is_v4 ? ICMP_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED,
               is_v4 ? ICMP_EXC_FRAGTIME : ICMP6_TIME_EXCEED_REASSEMBLY, 0);
}

/* [1122 3.3.2-1] [8200 4.5-3] */
uint64_t reassembly_timers(struct net *net)
{
    struct reassembly *r = net->reassembly;
    if (!r->num_used)
        return NET_NEVER;
    if (r->next_check_us > net->now_us)
        return r->next_check_us;
    r->next_check_us = net->now_us + CHECK_EVERY_US;
    for (uint32_t i = 0; i < r->num_sets * WAYS; i++) {
        struct packet *p = &r->packets[i];
        if (p->is_used && p->until_us <= net->now_us) {
            net->counters.rx_fragments_dropped += p->num;
            tell_timeout(net, p);
            forget(r, p);
        }
    }
    return r->next_check_us;
}
