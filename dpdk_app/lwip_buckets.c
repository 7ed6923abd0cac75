/* SPDX-License-Identifier: BSD-3-Clause */
#include "lwip_buckets.h"

#include "lwip/priv/tcp_priv.h"

#define NUM_BUCKETS   4096u
#define FIN_RETRIES   8u
#define MAX_HALF_OPEN 8192u

static struct tcp_pcb *active[NUM_BUCKETS], *time_wait[NUM_BUCKETS];
static uint32_t entered;

uint32_t bucket_of(ip_addr_t remote_ip, uint16_t remote_port, uint16_t local_port)
{
    uint64_t key =
        (uint64_t)ip4_addr_get_u32(&remote_ip) << 32 | (uint32_t)remote_port << 16 | local_port;
    return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32) % NUM_BUCKETS;
}

void bucket_enter(uint32_t bucket)
{
    if (bucket == entered)
        return;
    active[entered] = tcp_active_pcbs;
    time_wait[entered] = tcp_tw_pcbs;
    tcp_active_pcbs = active[bucket];
    tcp_tw_pcbs = time_wait[bucket];
    entered = bucket;
}

static bool list_has(const struct tcp_pcb *list, ip_addr_t remote_ip, uint16_t remote_port,
                     uint16_t local_port)
{
    for (; list; list = list->next)
        if (list->remote_port == remote_port && list->local_port == local_port &&
            ip_addr_cmp(&list->remote_ip, &remote_ip))
            return true;
    return false;
}

bool bucket_has(ip_addr_t remote_ip, uint16_t remote_port, uint16_t local_port)
{
    return list_has(tcp_active_pcbs, remote_ip, remote_port, local_port) ||
           list_has(tcp_tw_pcbs, remote_ip, remote_port, local_port);
}

/* lwIP marks a connection that a timer has seen with a count of 8 bits, to skip it if a callback
 * makes it start over. Each bucket's call advances the count, so that after 256 calls a mark from
 * the last round would look like one of this: make every mark the count's value before the call. */
static void unmark(uint8_t count)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        pcb->last_timer = count;
}

/* lwIP forgets a connection that waits for its FIN's acknowledgement after twice TCP_MSL, which is
 * short here: a FIN lost twice would leave the peer waiting for the end for ever. It goes after as
 * many retransmissions instead (RFC 9293 3.10.8). */
static void keep_last_acks(void)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->state == LAST_ACK && pcb->nrtx < FIN_RETRIES)
            pcb->tmr = tcp_ticks;
}

void bucket_timers(void)
{
    static uint32_t slice;
    static uint8_t calls; /* lwIP's count */
    static bool slow;
    const u32_t now = tcp_ticks;
    for (uint32_t i = slice; i < NUM_BUCKETS; i += BUCKET_SLICES) {
        bool is_empty =
            i == entered ? !tcp_active_pcbs && !tcp_tw_pcbs : !active[i] && !time_wait[i];
        if (is_empty)
            continue;
        bucket_enter(i);
        unmark(calls++);
        tcp_fasttmr();
        if (!slow)
            continue;
        keep_last_acks();
        unmark(calls++);
        tcp_slowtmr();
        tcp_ticks = now; /* it advanced them */
    }
    slice = (slice + 1) % BUCKET_SLICES;
    if (slice)
        return;
    if (slow)
        tcp_ticks = now + 1;
    slow = !slow;
}

/* Half-open connections in the order of their SYNs; some are long open or gone. */
static struct half_open {
    ip_addr_t remote_ip;
    uint16_t remote_port, local_port;
} half_open[MAX_HALF_OPEN];
static uint32_t num_syns;

static void drop_if_half_open(const struct half_open *h)
{
    const uint32_t was = entered;
    bucket_enter(bucket_of(h->remote_ip, h->remote_port, h->local_port));
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->state == SYN_RCVD && pcb->remote_port == h->remote_port &&
            pcb->local_port == h->local_port && ip_addr_cmp(&pcb->remote_ip, &h->remote_ip)) {
            tcp_abandon(pcb, 0);
            break;
        }
    bucket_enter(was);
}

void bucket_hasten(struct tcp_pcb *pcb)
{
    pcb->rto = pcb->sv = 1000 / TCP_SLOW_INTERVAL;
}

void bucket_note_syn(void)
{
    struct tcp_pcb *pcb = tcp_active_pcbs;
    if (!pcb || !(pcb->flags & TF_BACKLOGPEND))
        return; /* refused, or a SYN that came twice */
    tcp_backlog_accepted(pcb);
    bucket_hasten(pcb);
    struct half_open *h = &half_open[num_syns++ % MAX_HALF_OPEN];
    if (num_syns > MAX_HALF_OPEN)
        drop_if_half_open(h);
    *h = (struct half_open){pcb->remote_ip, pcb->remote_port, pcb->local_port};
}

void bucket_drop_half_open_of(const struct tcp_pcb_listen *listener)
{
    for (uint32_t i = 0; i < NUM_BUCKETS; i++) {
        struct tcp_pcb *next;
        bucket_enter(i);
        for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = next) {
            next = pcb->next;
            if (pcb->listener == listener && pcb->state == SYN_RCVD)
                tcp_abandon(pcb, 0);
            else if (pcb->listener == listener)
                pcb->listener = NULL;
        }
    }
}

void bucket_free_out_of_order(void)
{
    for (uint32_t i = 0; i < NUM_BUCKETS; i++)
        for (struct tcp_pcb *pcb = i == entered ? tcp_active_pcbs : active[i]; pcb; pcb = pcb->next)
            tcp_free_ooseq(pcb);
}
