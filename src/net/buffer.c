/* SPDX-License-Identifier: BSD-3-Clause */

/* Chains of mbufs. Those of a send queue are referred to by frames that the link may still hold, so
 * each is freed by itself and only its reference counts. */

#include <rte_mbuf.h>

#include "net/tcp_flow.h"

void buffer_free(struct rte_mbuf *buffer)
{
#ifdef NET_POISON
    if (rte_mbuf_refcnt_read(buffer) == 1 && RTE_MBUF_DIRECT(buffer))
        memset(buffer->buf_addr, 0xdb, buffer->buf_len);
#endif
    rte_pktmbuf_free_seg(buffer);
}

void chain_free(struct rte_mbuf *chain)
{
    while (chain) {
        struct rte_mbuf *next = chain->next;
        buffer_free(chain);
        chain = next;
    }
}

struct rte_mbuf *chain_cut_front(struct rte_mbuf *chain, uint32_t len)
{
    while (chain->next && len >= chain->data_len) {
        struct rte_mbuf *next = chain->next;
        len -= chain->data_len;
        next->pkt_len = chain->pkt_len - chain->data_len;
        next->nb_segs = (uint16_t)(chain->nb_segs - 1);
        buffer_free(chain);
        chain = next;
    }
    chain->data_off = (uint16_t)(chain->data_off + len);
    chain->data_len = (uint16_t)(chain->data_len - len);
    chain->pkt_len -= len;
    return chain;
}

void chain_cut_back(struct rte_mbuf *chain, uint32_t len)
{
    struct rte_mbuf *last = chain;
    uint32_t keep = chain->pkt_len - len;
    uint16_t num = 1;
    chain->pkt_len = keep;
    for (; keep > last->data_len; num++) {
        keep -= last->data_len;
        last = last->next;
    }
    last->data_len = (uint16_t)keep;
    chain->nb_segs = num;
    chain_free(last->next);
    last->next = NULL;
}

struct rte_mbuf *chain_without_empty(struct rte_mbuf *chain)
{
    struct rte_mbuf *first = NULL, *last = NULL;
    const uint32_t pkt_len = chain->pkt_len;
    uint16_t num = 0;
    if (!chain->next && pkt_len) /* nearly every one */
        return chain;
    while (chain) {
        struct rte_mbuf *next = chain->next;
        if (!chain->data_len) {
            chain->next = NULL;
            buffer_free(chain);
        } else {
            if (last)
                last->next = chain;
            else
                first = chain;
            last = chain;
            num++;
        }
        chain = next;
    }
    if (first) {
        last->next = NULL;
        first->pkt_len = pkt_len;
        first->nb_segs = num;
    }
    return first;
}

struct rte_mbuf *chain_tail(struct rte_mbuf *chain)
{
    while (chain->next)
        chain = chain->next;
    return chain;
}

bool chain_absorb(struct rte_mbuf *tail, struct rte_mbuf *chain)
{
    if (chain->pkt_len > rte_pktmbuf_tailroom(tail) || !RTE_MBUF_DIRECT(tail) ||
        rte_mbuf_refcnt_read(tail) != 1)
        return false;
    for (const struct rte_mbuf *m = chain; m; m = m->next) {
        memcpy(rte_pktmbuf_mtod_offset(tail, char *, tail->data_len),
               rte_pktmbuf_mtod(m, const char *), m->data_len);
        tail->data_len = (uint16_t)(tail->data_len + m->data_len);
    }
    chain_free(chain);
    return true;
}
