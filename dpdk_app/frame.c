/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <string.h>
#include <sys/random.h>

#include "port.h"

/* lwIP's arch/cc.h names these two. */
uint16_t lockstepd_checksum(const void *data, int len);
uint32_t lockstepd_random(void);

uint16_t lockstepd_checksum(const void *data, int len)
{
    return rte_raw_cksum(data, (size_t)len);
}

/* From the kernel, a page at a time: initial sequence numbers must not be guessed (RFC 6528). */
uint32_t lockstepd_random(void)
{
    static uint32_t page[256];
    static unsigned int left;
    if (!left) {
        if (getrandom(page, sizeof(page), 0) != sizeof(page))
            rte_panic("the kernel gives no random numbers\n");
        left = sizeof(page) / sizeof(page[0]);
    }
    return page[--left];
}

void *frame_private(struct rte_mbuf *segment)
{
    return rte_mbuf_to_priv(segment);
}

uint8_t *frame_data(const struct rte_mbuf *segment)
{
    return rte_pktmbuf_mtod(segment, uint8_t *);
}

uint16_t frame_len(const struct rte_mbuf *segment)
{
    return segment->data_len;
}

uint32_t frame_chain_len(const struct rte_mbuf *chain)
{
    return chain->pkt_len;
}

uint16_t frame_num_segments(const struct rte_mbuf *chain)
{
    return chain->nb_segs;
}

struct rte_mbuf *frame_next(const struct rte_mbuf *segment)
{
    return segment->next;
}

void frame_set(struct rte_mbuf *segment, uint8_t *data, uint16_t len)
{
    segment->data_off = (uint16_t)(data - (uint8_t *)segment->buf_addr);
    segment->data_len = len;
    segment->pkt_len = len;
    segment->nb_segs = 1;
    segment->next = NULL;
}

void frame_link(struct rte_mbuf *segment, struct rte_mbuf *next)
{
    segment->next = next;
}

int frame_append(struct rte_mbuf *head, struct rte_mbuf *tail)
{
    return rte_pktmbuf_chain(head, tail) == 0;
}

/* A segment of a queue made by frame_link() heads no chain any more, whatever its count says. */
void frame_free_segment(struct rte_mbuf *segment)
{
    segment->next = NULL;
    segment->nb_segs = 1;
    rte_pktmbuf_free_seg(segment);
}

void frame_free_chain(struct rte_mbuf *chain)
{
    rte_pktmbuf_free(chain);
}

struct rte_mbuf *frame_new(const struct port *port, uint16_t len, uint8_t **data)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(port->tx_pool);
    if (!m)
        return NULL;
    *data = (uint8_t *)rte_pktmbuf_append(m, len);
    if (*data)
        return m;
    rte_pktmbuf_free(m);
    return NULL;
}

struct rte_mbuf *frame_compact(const struct port *port, const struct rte_mbuf *chain,
                               uint16_t seg_len)
{
    struct rte_mbuf *head = NULL, *last = NULL;
    for (uint32_t at = 0; at < chain->pkt_len; at += last->data_len) {
        const uint32_t left = chain->pkt_len - at, n = left < seg_len ? left : seg_len;
        uint8_t *data;
        struct rte_mbuf *m = frame_new(port, (uint16_t)n, &data);
        if (!m) {
            rte_pktmbuf_free(head);
            return NULL;
        }
        const void *bytes = rte_pktmbuf_read(chain, at, n, data);
        if (bytes != data) /* they lay in one segment */
            memcpy(data, bytes, n);
        if (head) {
            last->next = m;
            head->nb_segs++;
            head->pkt_len += n;
        } else {
            head = m;
        }
        last = m;
    }
    return head;
}

uint32_t frame_now_ms(void)
{
    return (uint32_t)(frame_now_us() / 1000);
}

static uint64_t (*clock_us)(void); /* NULL: the time stamp counter */

void frame_set_clock(uint64_t (*now_us)(void))
{
    clock_us = now_us;
}

uint64_t frame_now_us(void)
{
    static double us_per_cycle;
    if (clock_us)
        return clock_us();
    if (us_per_cycle == 0)
        us_per_cycle = 1e6 / (double)rte_get_tsc_hz();
    return (uint64_t)((double)rte_rdtsc() * us_per_cycle);
}

bool frame_is_of_sending(const struct port *port, const struct rte_mbuf *segment)
{
    return segment->pool == port->tx_pool ||
           (RTE_MBUF_CLONED(segment) &&
            rte_mbuf_from_indirect((struct rte_mbuf *)(uintptr_t)segment)->pool == port->tx_pool);
}
