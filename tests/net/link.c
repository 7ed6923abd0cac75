/* SPDX-License-Identifier: BSD-3-Clause */
#include "link.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "common/test.h"
#include "wire.h"

struct flying {
    uint64_t at_us, order; /* frames of the same time keep theirs */
    uint8_t *bytes;
    size_t len;
    int to;
};

void link_init(struct link *link, struct net *a, struct net *b, uint64_t seed, uint64_t now_us)
{
    *link = (struct link){.now_us = now_us, .seed = seed, .hosts = {a, b}};
}

void link_free(struct link *link)
{
    for (uint32_t i = 0; i < link->num_flying; i++)
        free(link->heap[i].bytes);
    free(link->heap);
}

double link_chance(struct link *link)
{
    return (double)(lks_test_random(&link->seed) >> 11) / (double)(1ull << 53);
}

uint32_t wire_packet_len(const uint8_t *frame, size_t frame_len)
{
    struct wire_header header;
    memcpy(&header, frame, sizeof(header));
    return (uint32_t)(frame_len - sizeof(header) + (net_ip_is_v4(&header.from) ? 20 : 40));
}

/* ---- the heap ---- */

static bool comes_before(const struct flying *a, const struct flying *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void heap_swap(struct link *link, uint32_t a, uint32_t b)
{
    const struct flying kept = link->heap[a];
    link->heap[a] = link->heap[b];
    link->heap[b] = kept;
}

static void heap_push(struct link *link, const struct flying *flying)
{
    if (link->num_flying == link->max_flying) {
        link->max_flying = link->max_flying ? link->max_flying * 2 : 256;
        link->heap = realloc(link->heap, link->max_flying * sizeof(link->heap[0]));
        if (!link->heap)
            abort();
    }
    uint32_t i = link->num_flying++;
    link->heap[i] = *flying;
    for (; i && comes_before(&link->heap[i], &link->heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap_swap(link, i, (i - 1) / 2);
}

static struct flying heap_pop(struct link *link)
{
    const struct flying first = link->heap[0];
    link->heap[0] = link->heap[--link->num_flying];
    for (uint32_t i = 0;;) {
        uint32_t child = 2 * i + 1;
        if (child >= link->num_flying)
            return first;
        if (child + 1 < link->num_flying &&
            comes_before(&link->heap[child + 1], &link->heap[child]))
            child++;
        if (!comes_before(&link->heap[child], &link->heap[i]))
            return first;
        heap_swap(link, i, child);
        i = child;
    }
}

/* ---- what happens to a frame ---- */

#define BURST_MAX_US 500000u

static bool is_dropped(struct link *link, struct path *path, size_t len)
{
    const struct path_shape *shape = &path->shape;
    if (path->in_burst) {
        path->in_burst = link_chance(link) >= shape->burst_ends &&
                         link->now_us < path->burst_began_us + BURST_MAX_US;
    } else {
        path->in_burst = link_chance(link) < shape->burst;
        path->burst_began_us = link->now_us;
    }
    if (path->in_burst || link_chance(link) < shape->loss)
        return true;
    if (!shape->rate || path->busy_until_us <= link->now_us)
        return false;
    const uint64_t queued = (path->busy_until_us - link->now_us) * shape->rate / 1000000;
    return queued + len > shape->queue_bytes;
}

static void too_big(struct link *link, int from, const uint8_t *bytes)
{
    const struct path_shape *shape = &link->paths[from].shape;
    struct wire_header header;
    struct rte_tcp_hdr tcp;
    memcpy(&header, bytes, sizeof(header));
    memcpy(&tcp, bytes + sizeof(header), sizeof(tcp));
    const struct ip_error_info error = {.from = header.from,
                                        .to = header.to,
                                        .from_port = rte_be_to_cpu_16(tcp.src_port),
                                        .to_port = rte_be_to_cpu_16(tcp.dst_port),
                                        .seq = rte_be_to_cpu_32(tcp.sent_seq),
                                        .kind = IP_ERROR_TOO_BIG,
                                        .mtu = shape->mtu};
    if (shape->tells_mtu)
        tcp_error(wire_tcp(link->hosts[from]), &error, link->now_us);
}

static void fly(struct link *link, int from, const uint8_t *bytes, size_t len, uint64_t departs_us)
{
    const struct path_shape *shape = &link->paths[from].shape;
    struct flying flying = {
        .at_us = departs_us + shape->delay_us, .order = link->order++, .len = len, .to = !from};
    if (shape->jitter_us)
        flying.at_us += (uint64_t)(link_chance(link) * shape->jitter_us);
    if (link_chance(link) < shape->reorder)
        flying.at_us += (uint64_t)(link_chance(link) * shape->reorder_us);
    flying.bytes = malloc(len);
    if (!flying.bytes)
        abort();
    memcpy(flying.bytes, bytes, len);
    if (link_chance(link) < shape->corrupt) {
        const size_t at = sizeof(struct wire_header) +
                          (size_t)(link_chance(link) * (double)(len - sizeof(struct wire_header)));
        flying.bytes[at] ^= (uint8_t)(1u << (unsigned int)(link_chance(link) * 8));
    }
    if (((struct wire_header *)(void *)flying.bytes)->ecn == IP_ECN_ECT0 &&
        link_chance(link) < shape->mark)
        ((struct wire_header *)(void *)flying.bytes)->ecn = IP_ECN_CE;
    heap_push(link, &flying);
}

static void transmit(struct link *link, int from, const uint8_t *bytes, size_t len)
{
    struct path *path = &link->paths[from];
    const struct path_shape *shape = &path->shape;
    const uint32_t packet_len = wire_packet_len(bytes, len);
    if (link->tap)
        link->tap(link->tap_user, from, bytes, len, link->now_us);
    path->num_frames++;
    if (shape->mtu && packet_len > shape->mtu) {
        path->num_dropped++;
        too_big(link, from, bytes);
        return;
    }
    if (is_dropped(link, path, packet_len)) {
        path->num_dropped++;
        return;
    }
    path->bytes += packet_len;
    if (path->busy_until_us < link->now_us)
        path->busy_until_us = link->now_us;
    if (shape->rate) { /* parts of a microsecond are kept in the sum of bytes */
        path->owed += packet_len * 1000000ull;
        path->busy_until_us += path->owed / shape->rate;
        path->owed %= shape->rate;
    }
    fly(link, from, bytes, len, path->busy_until_us);
    if (link_chance(link) < shape->duplicate)
        fly(link, from, bytes, len, path->busy_until_us);
}

/* ---- time ---- */

static void send_all(struct link *link, int host)
{
    static uint8_t bytes[WIRE_FRAME_MAX];
    struct rte_mbuf *frames[32];
    uint16_t num;
    while ((num = net_output(link->hosts[host], frames, 32, link->now_us))) {
        for (uint16_t i = 0; i < num; i++) {
            size_t len;
            for (uint32_t cut = 0; (len = wire_bytes(bytes, frames[i], cut)); cut++)
                transmit(link, host, bytes, len);
            rte_pktmbuf_free(frames[i]);
        }
    }
}

static void receive_all(struct link *link, int host)
{
    struct rte_mbuf *frames[32];
    uint16_t num = 0;
    while (link->num_flying && link->heap[0].at_us <= link->now_us && num < 32) {
        if (link->heap[0].to != host)
            break;
        struct flying flying = heap_pop(link);
        struct rte_mbuf *frame = wire_frame(wire_pools.received, flying.bytes, flying.len);
        if (frame)
            frames[num++] = frame;
        free(flying.bytes);
    }
    if (num)
        net_input(link->hosts[host], frames, num, link->now_us);
}

/* What is due now is done before time goes on: users may have sent something since the last step.
 */
static void settle(struct link *link)
{
    for (int host = 0; host < 2; host++) {
        net_timers(link->hosts[host], link->now_us);
        send_all(link, host);
        link->due_us[host] = net_timers(link->hosts[host], link->now_us);
    }
}

bool link_step(struct link *link, uint64_t until_us)
{
    settle(link);
    if (link->now_us >= until_us)
        return false;
    uint64_t next = RTE_MIN(RTE_MIN(link->due_us[0], link->due_us[1]), until_us);
    if (link->num_flying)
        next = RTE_MIN(next, link->heap[0].at_us);
    if (next > link->now_us)
        link->now_us = next;
    while (link->num_flying && link->heap[0].at_us <= link->now_us)
        receive_all(link, link->heap[0].to);
    settle(link);
    return true;
}
