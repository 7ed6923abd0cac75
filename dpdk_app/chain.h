/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CHAIN_H
#define LOCKSTEPD_CHAIN_H

/* A queue of bytes in mbufs: a chain that knows its end, so that appending does not walk it. */

#include <rte_mbuf.h>
#include <stdbool.h>
#include <string.h>

#include <lockstep/dpdk.h>

struct chain {
    struct rte_mbuf *head, *tail;
};

static inline uint32_t chain_len(const struct chain *c)
{
    return c->head ? c->head->pkt_len : 0;
}

/* Takes a chain. false: the queue would have too many segments; the chain is still the caller's. */
static inline bool chain_append(struct chain *c, struct rte_mbuf *m)
{
    if (!c->head) {
        c->head = m;
    } else {
        if ((uint32_t)c->head->nb_segs + m->nb_segs > RTE_MBUF_MAX_NB_SEGS)
            return false;
        c->head->nb_segs = (uint16_t)(c->head->nb_segs + m->nb_segs);
        c->head->pkt_len += m->pkt_len;
        c->tail->next = m;
    }
    c->tail = rte_pktmbuf_lastseg(m);
    return true;
}

/* The longest segment that chain_append_received() copies. */
#define CHAIN_CRUMB 1024u

/*
 * Takes a received chain. A segment keeps a whole buffer however few bytes it brought, and TCP's
 * window counts bytes: a peer that sends single bytes would own all buffers of the port. So a short
 * segment that fits behind what waits already is copied there, which leaves buffers half full at
 * least. Whole records, and the full segments of long ones, are not touched.
 */
static inline bool chain_append_received(struct chain *c, struct rte_mbuf *m)
{
    struct rte_mbuf *tail = c->tail;
    if (!c->head || m->next || m->data_len > CHAIN_CRUMB || !RTE_MBUF_DIRECT(tail) ||
        rte_mbuf_refcnt_read(tail) != 1 || rte_pktmbuf_tailroom(tail) < m->data_len)
        return chain_append(c, m);
    memcpy(rte_pktmbuf_mtod_offset(tail, uint8_t *, tail->data_len), rte_pktmbuf_mtod(m, uint8_t *),
           m->data_len);
    tail->data_len = (uint16_t)(tail->data_len + m->data_len);
    c->head->pkt_len += m->data_len;
    rte_pktmbuf_free(m);
    return true;
}

/* Takes an opened record. Behind others that still wait, a short one is copied into a buffer of
 * `pool`, for the reason above: each would hold a clone, and the buffer that the clone refers to.
 */
static inline bool chain_append_record(struct chain *c, struct rte_mbuf *m,
                                       struct rte_mempool *pool)
{
    struct rte_mbuf *tail = c->tail, *fresh;
    if (!c->head || m->pkt_len > CHAIN_CRUMB)
        return chain_append(c, m);
    if (!RTE_MBUF_DIRECT(tail) || rte_mbuf_refcnt_read(tail) != 1 ||
        rte_pktmbuf_tailroom(tail) < m->pkt_len) {
        fresh = rte_pktmbuf_alloc(pool);
        if (!fresh || !chain_append(c, fresh)) {
            rte_pktmbuf_free(fresh);
            return chain_append(c, m);
        }
        tail = fresh;
    }
    for (const struct rte_mbuf *from = m; from; from = from->next) {
        memcpy(rte_pktmbuf_mtod_offset(tail, uint8_t *, tail->data_len),
               rte_pktmbuf_mtod(from, uint8_t *), from->data_len);
        tail->data_len = (uint16_t)(tail->data_len + from->data_len);
    }
    c->head->pkt_len += m->pkt_len;
    rte_pktmbuf_free(m);
    return true;
}

/* Takes the first len bytes off; NULL: no buffer for the border's clone. */
static inline struct rte_mbuf *chain_cut(struct chain *c, uint32_t len, struct rte_mempool *clones)
{
    struct rte_mbuf *front;
    if (lks_mbuf_cut(&c->head, len, clones, &front))
        return NULL;
    if (!c->head)
        c->tail = NULL;
    return front;
}

/* Frees the first len bytes. */
static inline void chain_drop(struct chain *c, uint32_t len)
{
    uint32_t left = chain_len(c) - len;
    c->head = lks_mbuf_trim(c->head, len, left);
    if (!c->head)
        c->tail = NULL;
}

static inline void chain_free(struct chain *c)
{
    rte_pktmbuf_free(c->head);
    c->head = c->tail = NULL;
}

#endif
