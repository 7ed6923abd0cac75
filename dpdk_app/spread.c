/* SPDX-License-Identifier: BSD-3-Clause */
#include "spread.h"

#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdlib.h>

#define RING_LEN 2048u /* frames on their way from one worker to one other */
#define BURST    64u

/* Frames for one worker that go together. */
struct waiting {
    struct rte_mbuf *frames[BURST];
    uint32_t num;
};

struct spread_end {
    struct spread *all;
    uint16_t worker;
    struct rte_mempool *pool;
    uint64_t lost;
    struct waiting waiting[];
};

struct spread {
    uint16_t num;
    int socket;
    struct rte_ring **rings; /* from f to t: number t * num + f; NULL where these are the same */
    struct spread_end **ends;
};

static struct rte_ring *new_ring(int socket)
{
    struct rte_ring *ring = rte_zmalloc_socket("spread", (size_t)rte_ring_get_memsize(RING_LEN),
                                               RTE_CACHE_LINE_SIZE, socket);
    if (ring && rte_ring_init(ring, "spread", RING_LEN, RING_F_SP_ENQ | RING_F_SC_DEQ)) {
        rte_free(ring);
        return NULL;
    }
    return ring;
}

static struct spread_end *new_end(struct spread *all, uint16_t worker, struct rte_mempool *pool)
{
    struct spread_end *end =
        rte_zmalloc_socket("spread", sizeof(*end) + all->num * sizeof(end->waiting[0]),
                           RTE_CACHE_LINE_SIZE, all->socket);
    if (end) {
        end->all = all;
        end->worker = worker;
        end->pool = pool;
    }
    return end;
}

struct spread *spread_new(uint16_t num, struct rte_mempool *const *pools, int socket)
{
    struct spread *all = calloc(1, sizeof(*all));
    if (!all)
        return NULL;
    all->num = num;
    all->socket = socket;
    all->rings = calloc((size_t)num * num, sizeof(struct rte_ring *));
    all->ends = calloc(num, sizeof(struct spread_end *));
    bool is_whole = all->rings && all->ends;
    for (uint32_t i = 0; is_whole && i < (uint32_t)num * num; i++)
        if (i / num != i % num)
            is_whole = (all->rings[i] = new_ring(socket)) != NULL;
    for (uint16_t i = 0; is_whole && i < num; i++)
        is_whole = (all->ends[i] = new_end(all, i, pools[i])) != NULL;
    if (is_whole)
        return all;
    spread_free(all);
    return NULL;
}

static void free_ring(struct rte_ring *ring)
{
    struct rte_mbuf *frame;
    while (ring && rte_ring_sc_dequeue(ring, (void **)&frame) == 0)
        rte_pktmbuf_free(frame);
    rte_free(ring);
}

static void free_end(struct spread_end *end)
{
    for (uint16_t to = 0; end && to < end->all->num; to++)
        rte_pktmbuf_free_bulk(end->waiting[to].frames, end->waiting[to].num);
    rte_free(end);
}

void spread_free(struct spread *all)
{
    if (!all)
        return;
    for (uint32_t i = 0; all->rings && i < (uint32_t)all->num * all->num; i++)
        free_ring(all->rings[i]);
    for (uint16_t i = 0; all->ends && i < all->num; i++)
        free_end(all->ends[i]);
    free(all->rings);
    free(all->ends);
    free(all);
}

struct spread_end *spread_end(struct spread *all, uint16_t worker)
{
    return all->ends[worker];
}

static void flush(struct spread_end *from, uint16_t to)
{
    struct waiting *w = &from->waiting[to];
    struct rte_ring *ring = from->all->rings[(uint32_t)to * from->all->num + from->worker];
    const uint32_t num = rte_ring_sp_enqueue_burst(ring, (void *const *)w->frames, w->num, NULL);
    from->lost += w->num - num;
    rte_pktmbuf_free_bulk(w->frames + num, w->num - num);
    w->num = 0;
}

void spread_flush(struct spread_end *from)
{
    for (uint16_t to = 0; to < from->all->num; to++)
        if (from->waiting[to].num)
            flush(from, to);
}

/* Takes the frame; NULL: lost. */
static void put(struct spread_end *from, uint16_t to, struct rte_mbuf *frame)
{
    struct waiting *w = &from->waiting[to];
    if (!frame) {
        from->lost++;
        return;
    }
    w->frames[w->num++] = frame;
    if (w->num == BURST)
        flush(from, to);
}

static bool lies_in(const struct rte_mbuf *frame, const struct rte_mempool *pool)
{
    for (; frame; frame = frame->next)
        if (frame->pool != pool || !RTE_MBUF_DIRECT(frame))
            return false;
    return true;
}

static void put_copy(struct spread_end *from, uint16_t to, const struct rte_mbuf *frame)
{
    put(from, to, rte_pktmbuf_copy(frame, from->all->ends[to]->pool, 0, UINT32_MAX));
}

void spread_hand_on(void *user, uint16_t queue, struct rte_mbuf *frame)
{
    struct spread_end *from = user;
    if (queue != NET_EVERY_QUEUE && lies_in(frame, from->all->ends[queue]->pool)) {
        put(from, queue, frame);
        return;
    }
    for (uint16_t to = 0; to < from->all->num; to++)
        if (to != from->worker && (queue == NET_EVERY_QUEUE || queue == to))
            put_copy(from, to, frame);
    rte_pktmbuf_free(frame);
}

/* What one has handed to an instance. */
static uint32_t receive_from(struct rte_ring *ring, struct net *net, uint32_t max, bool *has_more,
                             uint64_t now_us)
{
    struct rte_mbuf *frames[BURST];
    uint32_t num = BURST, num_all = 0;
    while (num == BURST && num_all < max) {
        num = rte_ring_sc_dequeue_burst(ring, (void **)frames, BURST, NULL);
        net_input_handed(net, frames, (uint16_t)num, now_us);
        num_all += num;
    }
    *has_more |= num == BURST;
    return num_all;
}

uint32_t spread_receive(struct spread_end *to, struct net *net, uint32_t max, bool *has_more,
                        uint64_t now_us)
{
    const struct spread *all = to->all;
    uint32_t num = 0;
    for (uint16_t from = 0; from < all->num; from++)
        if (from != to->worker)
            num += receive_from(all->rings[(uint32_t)to->worker * all->num + from], net, max,
                                has_more, now_us);
    return num;
}

uint64_t spread_lost(const struct spread_end *from)
{
    return from->lost;
}
