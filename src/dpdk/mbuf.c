/* SPDX-License-Identifier: BSD-3-Clause */
#include <lockstep/dpdk.h>

#include <rte_mbuf.h>

uint32_t lks_mbuf_spans(const struct rte_mbuf *chain, uint32_t offset, uint32_t len,
                        struct lks_span *spans, uint32_t max_spans)
{
    uint32_t num = 0;
    for (; chain && len; chain = chain->next) {
        uint32_t have = chain->data_len;
        if (offset >= have) {
            offset -= have;
            continue;
        }
        uint32_t n = have - offset < len ? have - offset : len;
        if (num < max_spans)
            spans[num] = (struct lks_span){rte_pktmbuf_mtod_offset(chain, uint8_t *, offset), n};
        num++;
        len -= n;
        offset = 0;
    }
    return len ? 0 : num;
}

struct rte_mbuf *lks_mbuf_alloc(struct rte_mempool *pool, uint32_t len, uint16_t seg_len)
{
    struct rte_mbuf *head = NULL, *last = NULL;
    if (!seg_len || (len + (uint64_t)seg_len - 1) / seg_len > UINT16_MAX)
        return NULL;
    do {
        uint16_t n = len < seg_len ? (uint16_t)len : seg_len;
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        if (!m || rte_pktmbuf_tailroom(m) < n) {
            rte_pktmbuf_free(m);
            rte_pktmbuf_free(head);
            return NULL;
        }
        m->data_len = n;
        if (!head) {
            head = m;
            head->nb_segs = 0;
        } else {
            last->next = m;
        }
        head->pkt_len += n;
        head->nb_segs++;
        last = m;
        len -= n;
    } while (len);
    return head;
}

/* Whether bytes of the segment's buffer outside its data are ours to write. */
static bool is_ours(const struct rte_mbuf *m)
{
    return RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1;
}

enum lks_status lks_mbuf_wrap(struct rte_mbuf **chain, struct rte_mempool *pool, uint16_t head,
                              uint16_t tail)
{
    struct rte_mbuf *first = *chain, *last = rte_pktmbuf_lastseg(first);
    struct rte_mbuf *new_first = NULL, *new_last = NULL;
    bool head_fits = is_ours(first) && rte_pktmbuf_headroom(first) >= head;
    bool tail_fits = is_ours(last) && rte_pktmbuf_tailroom(last) >= tail;
    if ((!head_fits && !(new_first = rte_pktmbuf_alloc(pool))) ||
        (!tail_fits && !(new_last = rte_pktmbuf_alloc(pool)))) {
        rte_pktmbuf_free(new_first);
        return LKS_NO_MEMORY;
    }
    if ((new_first && rte_pktmbuf_tailroom(new_first) < head) ||
        (new_last && rte_pktmbuf_tailroom(new_last) < tail)) {
        rte_pktmbuf_free(new_first);
        rte_pktmbuf_free(new_last);
        return LKS_BAD_ARGUMENT;
    }
    if (new_last) {
        new_last->data_len = tail;
        last->next = new_last;
        first->nb_segs++;
    } else {
        last->data_len = (uint16_t)(last->data_len + tail);
    }
    first->pkt_len += tail;
    if (!new_first) {
        rte_pktmbuf_prepend(first, head);
        return LKS_OK;
    }
    new_first->data_len = head;
    new_first->pkt_len = first->pkt_len + head;
    new_first->nb_segs = (uint16_t)(first->nb_segs + 1);
    new_first->next = first;
    *chain = new_first;
    return LKS_OK;
}

struct rte_mbuf *lks_mbuf_trim(struct rte_mbuf *chain, uint32_t offset, uint32_t len)
{
    if (!len || (uint64_t)offset + len > chain->pkt_len) {
        rte_pktmbuf_free(chain);
        return NULL;
    }
    while (offset >= chain->data_len) {
        struct rte_mbuf *next = chain->next;
        offset -= chain->data_len;
        chain->next = NULL;
        chain->nb_segs = 1;
        rte_pktmbuf_free_seg(chain);
        chain = next;
    }
    chain->data_off = (uint16_t)(chain->data_off + offset);
    chain->data_len = (uint16_t)(chain->data_len - offset);
    chain->pkt_len = len;
    chain->nb_segs = 1;
    struct rte_mbuf *last = chain;
    while (last->data_len < len) {
        len -= last->data_len;
        last = last->next;
        chain->nb_segs++;
    }
    last->data_len = (uint16_t)len;
    struct rte_mbuf *rest = last->next;
    last->next = NULL;
    while (rest) {
        struct rte_mbuf *next = rest->next;
        rest->next = NULL;
        rest->nb_segs = 1;
        rte_pktmbuf_free_seg(rest);
        rest = next;
    }
    return chain;
}

enum lks_status lks_mbuf_cut(struct rte_mbuf **chain, uint32_t len, struct rte_mempool *clones,
                             struct rte_mbuf **front)
{
    struct rte_mbuf *first = *chain, *before = NULL, *at = first, *clone = NULL;
    const uint32_t total = first->pkt_len;
    const uint16_t num_segs = first->nb_segs;
    if (!len || len > total)
        return LKS_BAD_ARGUMENT;
    if (len == total) {
        *front = first;
        *chain = NULL;
        return LKS_OK;
    }
    uint32_t left = len;
    uint16_t num_before = 0; /* segments wholly in front */
    while (at->data_len <= left) {
        left -= at->data_len;
        before = at;
        at = at->next;
        num_before++;
    }
    if (left) {
        clone = rte_pktmbuf_alloc(clones);
        if (!clone)
            return LKS_NO_MEMORY;
        rte_pktmbuf_attach(clone, at);
        clone->data_len = (uint16_t)left;
        clone->pkt_len = left;
        clone->nb_segs = 1;
        clone->next = NULL;
        at->data_off = (uint16_t)(at->data_off + left);
        at->data_len = (uint16_t)(at->data_len - left);
    }
    at->pkt_len = total - len;
    at->nb_segs = (uint16_t)(num_segs - num_before);
    *chain = at;
    if (!before) {
        *front = clone;
        return LKS_OK;
    }
    before->next = clone;
    first->pkt_len = len;
    first->nb_segs = (uint16_t)(num_before + (clone ? 1 : 0));
    *front = first;
    return LKS_OK;
}
