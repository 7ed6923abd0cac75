/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What a peer says of its MSS, bounded before lwIP reads it. lwIP believes any value, and in any
 * segment: an MSS of 1 makes each byte a packet, and one that shrinks under segments already cut
 * fails an assertion. The option belongs to SYNs only (RFC 9293 3.7.1), so elsewhere it is made
 * padding. Below FLOW_MIN_MSS it is raised: no link that carries IP has frames so short (Linux
 * stops at 48, FreeBSD at 216; a host must take datagrams of 576 bytes, RFC 1122 3.3.2), and
 * what is not bounded is paid by us, in buffers, segments and headers.
 *
 * And its place: lwIP asserts what a peer need not keep to, and ends the process. No assertion is
 * left to a peer's bytes.
 */

#include "hooks.h"

#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "lwip/tcp.h"

#include "tcp.h"

#define FARTHEST (1u << 30)

#define OPTION_END     0
#define OPTION_NOP     1
#define OPTION_MSS     2
#define OPTION_MSS_LEN 4

/* The options, which may lie in two pieces. */
struct options {
    u8_t *first, *second;
    u16_t first_len, len;
};

static u8_t *byte_of(const struct options *o, u16_t at)
{
    return at < o->first_len ? o->first + at : o->second + (at - o->first_len);
}

static void bound(const struct options *o, u16_t at, bool is_syn)
{
    if (!is_syn) {
        for (u16_t i = 0; i < OPTION_MSS_LEN; i++)
            *byte_of(o, (u16_t)(at + i)) = OPTION_NOP;
        return;
    }
    u8_t *high = byte_of(o, (u16_t)(at + 2)), *low = byte_of(o, (u16_t)(at + 3));
    if ((u16_t)(*high << 8 | *low) >= FLOW_MIN_MSS)
        return;
    *high = (u8_t)(FLOW_MIN_MSS >> 8);
    *low = (u8_t)(FLOW_MIN_MSS & 0xff);
}

/* lwIP compares by the sign of a difference, and takes a byte that lies half of all numbers away
 * for one that overlaps what it expects. No segment of a window lies a quarter of them away (RFC
 * 7323 2.3). */
static bool is_far_away(const struct tcp_pcb *pcb, const struct tcp_hdr *header)
{
    return header->seqno - pcb->rcv_nxt + FARTHEST > 2 * FARTHEST;
}

/* Bytes behind a FIN that waits for what is before it: lwIP would move the FIN behind them, and
 * out of the window. */
static bool is_behind_fin(const struct tcp_pcb *pcb, u32_t end)
{
    for (const struct tcp_seg *s = pcb->ooseq; s; s = s->next)
        if (TCPH_FLAGS(s->tcphdr) & TCP_FIN)
            return TCP_SEQ_GT(end, s->tcphdr->seqno + s->len);
    return false;
}

/* What reaches beyond the window is cut off. lwIP queues it whole where it comes early, and finds
 * later that it does not fit. */
static void cut_to_window(const struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *p)
{
    const u32_t room = pcb->rcv_nxt + pcb->rcv_wnd - header->seqno;
    if ((s32_t)room <= 0 || p->tot_len < room)
        return;
    TCPH_UNSET_FLAG(header, TCP_FIN);
    if (p->tot_len > room)
        pbuf_realloc(p, (u16_t)room);
}

static bool is_in_place(const struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *p)
{
    if (pcb->state == LISTEN || pcb->state == SYN_SENT)
        return true;
    if (TCPH_FLAGS(header) & TCP_SYN) /* challenged, wherever it lies (RFC 5961 4.2) */
        return pcb->state != SYN_RCVD ||
               (!(TCPH_FLAGS(header) & TCP_ACK) && header->seqno + 1 == pcb->rcv_nxt);
    if (is_far_away(pcb, header) || is_behind_fin(pcb, header->seqno + p->tot_len))
        return false;
    cut_to_window(pcb, header, p);
    return true;
}

err_t lockstepd_check_segment(struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *p,
                              u16_t len, u16_t first_len, u8_t *second)
{
    if (!is_in_place(pcb, header, p))
        return ERR_VAL;
    const struct options o = {(u8_t *)(header + 1), second, first_len, len};
    const bool is_syn = (TCPH_FLAGS(header) & TCP_SYN) != 0;
    u16_t at = 0;
    while (at < len && *byte_of(&o, at) != OPTION_END) {
        if (*byte_of(&o, at) == OPTION_NOP) {
            at++;
            continue;
        }
        if (at + 1 >= len)
            break;
        const u16_t option_len = *byte_of(&o, (u16_t)(at + 1));
        if (option_len < 2 || option_len > len - at)
            break; /* lwIP stops there, too */
        if (*byte_of(&o, at) == OPTION_MSS && option_len == OPTION_MSS_LEN)
            bound(&o, at, is_syn);
        at = (u16_t)(at + option_len);
    }
    return ERR_OK;
}
