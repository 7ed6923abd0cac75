/* SPDX-License-Identifier: BSD-3-Clause */
#include "lwip_sent.h"

#include "lwip/inet.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

#include "frame.h"
#include "port.h"
#include "tcp.h"

#define MAX_CRUMBS 4u    /* segments: so few are never too many, */
#define MIN_CRUMB  1024u /* nor are those of so many bytes on average */
#define BUFFER_LEN 2048u

/* In an mbuf's private area, while we hold it. */
struct note {
    uint64_t since_us;
};

_Static_assert(sizeof(struct note) <= PORT_MBUF_PRIVATE, "the note fits beside the mbuf");

static struct note *note_of(struct rte_mbuf *segment)
{
    return frame_private(segment);
}

static struct rte_mbuf *compacted(struct rte_mbuf *chain, const struct port *port)
{
    const uint32_t num = frame_num_segments(chain);
    if (num <= MAX_CRUMBS || frame_chain_len(chain) / num >= MIN_CRUMB)
        return chain;
    struct rte_mbuf *whole = frame_compact(port, chain, BUFFER_LEN);
    if (!whole)
        return chain; /* none left: it goes as it is */
    frame_free_chain(chain);
    return whole;
}

static void count(struct sent *s, bool is_of_sending, int by)
{
    *(is_of_sending ? &s->num_buffers : &s->num_received) += (uint32_t)by;
}

void sent_append(struct sent *s, struct rte_mbuf *chain, const struct port *port)
{
    const uint64_t now = frame_now_us();
    chain = compacted(chain, port);
    while (chain) {
        struct rte_mbuf *m = chain;
        chain = frame_next(m);
        if (!frame_len(m)) {
            frame_free_segment(m);
            continue;
        }
        frame_link(m, NULL);
        note_of(m)->since_us = now;
        if (s->tail)
            frame_link(s->tail, m);
        else
            s->head = m;
        s->tail = m;
        if (!s->unwritten)
            s->unwritten = m;
        s->num_bytes += frame_len(m);
        count(s, frame_is_of_sending(port, m), 1);
    }
}

/* What lwIP has no room or memory for stays here, and loses nothing: it takes an mbuf whole or not
 * at all. It cuts segments to half the largest window that it has seen, so a peer whose windows are
 * a few bytes would make each byte a segment; not below the MSS that we believe. */
void sent_write(struct sent *s, struct tcp_pcb *pcb)
{
    if (pcb->snd_wnd_max < 2 * FLOW_MIN_MSS)
        pcb->snd_wnd_max = 2 * FLOW_MIN_MSS;
    while (s->unwritten) {
        struct rte_mbuf *next = frame_next(s->unwritten);
        if (tcp_write(pcb, frame_data(s->unwritten), frame_len(s->unwritten),
                      next ? TCP_WRITE_FLAG_MORE : 0) != ERR_OK)
            return;
        s->unwritten = next;
    }
}

bool sent_free_acknowledged(struct sent *s, const struct tcp_pcb *pcb, const struct port *port)
{
    const struct rte_mbuf *was = s->head;
    /* a segment that waits to be sent again may be older than all that are on their way */
    uint32_t kept = pcb->unsent ? lwip_ntohl(pcb->unsent->tcphdr->seqno) : pcb->snd_lbb;
    if (pcb->unacked && TCP_SEQ_LT(lwip_ntohl(pcb->unacked->tcphdr->seqno), kept))
        kept = lwip_ntohl(pcb->unacked->tcphdr->seqno);
    while (s->head != s->unwritten &&
           (int32_t)(kept - s->head_seq) >= (int32_t)frame_len(s->head)) {
        struct rte_mbuf *m = s->head;
        s->head = frame_next(m);
        s->head_seq += frame_len(m);
        s->num_bytes -= frame_len(m);
        count(s, frame_is_of_sending(port, m), -1);
        frame_free_segment(m);
    }
    if (!s->head)
        s->tail = NULL;
    return s->head != was;
}

void sent_free(struct sent *s)
{
    while (s->head) {
        struct rte_mbuf *next = frame_next(s->head);
        frame_free_segment(s->head);
        s->head = next;
    }
    *s = (struct sent){.head_seq = s->head_seq};
}

uint64_t sent_age_us(const struct sent *s)
{
    return s->head ? frame_now_us() - note_of(s->head)->since_us : 0;
}
