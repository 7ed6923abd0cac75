/* SPDX-License-Identifier: BSD-3-Clause */
#include "lwip_buckets.h"

#include "lwip/priv/tcp_priv.h"

#define NUM_BUCKETS 4096u

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

/* tcp_slowtmr() advances tcp_ticks at each call, but only one tick passes. */
void bucket_timers(bool slow)
{
    const u32_t now = tcp_ticks;
    for (uint32_t i = 0; i < NUM_BUCKETS; i++) {
        bool is_empty =
            i == entered ? !tcp_active_pcbs && !tcp_tw_pcbs : !active[i] && !time_wait[i];
        if (is_empty)
            continue;
        bucket_enter(i);
        tcp_fasttmr();
        if (!slow)
            continue;
        tcp_ticks = now;
        tcp_slowtmr();
    }
    if (slow)
        tcp_ticks = now + 1;
}
