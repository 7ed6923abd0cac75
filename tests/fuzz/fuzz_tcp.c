/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Segments, ICMP errors, time and users' calls in any order against an instance with a listener and
 * live flows. An input is a list of steps; numbers count from what the flow awaits, so that many
 * segments are near enough to matter. What must hold: what users and peers make it keep is bounded,
 * every packet is well formed, bytes arrive once each, and all mbufs come back.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "net/tcp.h"
#include "net/wire.h"

#define PORT        443u
#define MAX_BUFFERS 300u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct input {
    const uint8_t *at, *end;
};

struct fuzz {
    struct net *net;
    struct flow *flow;
    uint64_t now_us, got, unread;
    uint32_t their_nxt, our_nxt; /* as the last packet of ours has them */
    uint16_t our_port, peer_port;
};

static void must(bool cond, const char *what)
{
    if (cond)
        return;
    fprintf(stderr, "fuzz_tcp: %s\n", what);
    abort();
}

static uint32_t take(struct input *input, uint32_t len)
{
    uint32_t value = 0;
    while (len-- && input->at < input->end)
        value = value << 8 | *input->at++;
    return value;
}

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    struct fuzz *f = user;
    (void)peer;
    (void)local;
    if (f->flow)
        return NULL;
    f->flow = flow;
    f->unread = 0;
    return f;
}

static void on_connected(void *user)
{
    (void)user;
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    struct fuzz *f = user;
    uint32_t len = 0;
    uint16_t num = 0;
    for (const struct rte_mbuf *m = chain; m; m = m->next, num++) {
        must(m->data_len, "an empty buffer was handed over");
        len += m->data_len;
    }
    must(len == chain->pkt_len && num == chain->nb_segs, "a chain's lengths are wrong");
    f->got += len;
    f->unread += len;
    must(f->unread <= 8u << 20, "more is unread than any window");
    rte_pktmbuf_free(chain);
}

static void on_fin(void *user)
{
    (void)user;
}

static void on_sent(void *user, uint32_t bytes)
{
    (void)user;
    (void)bytes;
}

static void on_ended(void *user, enum flow_end why)
{
    must(why < FLOW_NUM_ENDS, "no such end");
    ((struct fuzz *)user)->flow = NULL;
}

static const struct flow_events events = {
    on_accepted, on_connected, on_received, on_fin, on_sent, on_ended,
};

static void look_at(struct fuzz *f, const uint8_t *bytes, size_t len)
{
    struct rte_tcp_hdr tcp;
    must(len >= sizeof(struct wire_header) + sizeof(tcp), "a packet without a header");
    memcpy(&tcp, bytes + sizeof(struct wire_header), sizeof(tcp));
    const uint32_t tcp_len = (tcp.data_off >> 4) * 4u;
    must(tcp_len >= sizeof(tcp) && sizeof(struct wire_header) + tcp_len <= len, "a bad header");
    must(len - sizeof(struct wire_header) - tcp_len <= 1460, "more than the MTU");
    if (tcp.tcp_flags & RTE_TCP_RST_FLAG)
        return;
    f->our_port = rte_be_to_cpu_16(tcp.src_port);
    f->our_nxt = rte_be_to_cpu_32(tcp.sent_seq) +
                 (uint32_t)(len - sizeof(struct wire_header) - tcp_len) +
                 !!(tcp.tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG));
    if (tcp.tcp_flags & RTE_TCP_ACK_FLAG)
        f->their_nxt = rte_be_to_cpu_32(tcp.recv_ack);
}

static void fetch_output(struct fuzz *f)
{
    static uint8_t bytes[WIRE_FRAME_MAX];
    struct rte_mbuf *frames[32];
    struct flow_counters counters;
    uint16_t num;
    while ((num = net_output(f->net, frames, 32, f->now_us))) {
        for (uint16_t i = 0; i < num; i++) {
            size_t len;
            for (uint32_t cut = 0; (len = wire_bytes(bytes, frames[i], cut)); cut++)
                look_at(f, bytes, len);
            rte_pktmbuf_free(frames[i]);
        }
    }
    flow_get_counters(f->net, &counters);
    must(counters.buffers <= MAX_BUFFERS + 16, "more buffers are held than allowed");
}

static void segment(struct fuzz *f, struct input *input)
{
    uint8_t bytes[sizeof(struct wire_header) + 60 + 2048] = {0};
    const struct wire_header header = {wire_host(false, 9), wire_host(false, 2),
                                       take(input, 1) & 3};
    const uint8_t flags = (uint8_t)take(input, 1);
    const uint32_t seq = f->their_nxt + (uint32_t)(int16_t)take(input, 2);
    const uint32_t ack = f->our_nxt + (uint32_t)(int16_t)take(input, 2);
    const uint32_t shape = take(input, 1), payload = take(input, 1) * 8;
    uint32_t options_len = shape % 11 * 4;
    const struct rte_tcp_hdr tcp = {
        .src_port = rte_cpu_to_be_16(f->peer_port),
        .dst_port = rte_cpu_to_be_16(f->our_port),
        .sent_seq = rte_cpu_to_be_32(seq),
        .recv_ack = rte_cpu_to_be_32(ack),
        .data_off = (uint8_t)(shape == 255 ? take(input, 1) : (5 + options_len / 4) << 4),
        .tcp_flags = flags,
        .rx_win = rte_cpu_to_be_16((uint16_t)take(input, 2)),
    };
    size_t at = sizeof(header) + sizeof(tcp);
    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + sizeof(header), &tcp, sizeof(tcp));
    for (; options_len; options_len--)
        bytes[at++] = (uint8_t)take(input, 1);
    at += payload;
    if (tcp.data_off >> 4 >= 5 && sizeof(header) + (tcp.data_off >> 4) * 4u <= at)
        wire_checksum(bytes, at);
    struct rte_mbuf *frame = wire_frame(wire_pools.received, bytes, at);
    net_input(f->net, &frame, 1, f->now_us);
}

static void user(struct fuzz *f, struct input *input)
{
    const uint32_t what = take(input, 1);
    if (!f->flow) {
        const struct net_addr peer = {wire_host(false, 9), PORT};
        f->flow = flow_connect(f->net, &peer, NULL, &events, f);
        f->unread = 0;
        f->peer_port = PORT;
    } else if (what % 8 == 7) {
        if (what & 8)
            flow_close(f->flow);
        else
            flow_abort(f->flow);
        f->flow = NULL;
    } else if (what % 8 == 6) {
        flow_shutdown(f->flow);
    } else if (what % 8 > 3) {
        flow_consumed(f->flow, (uint32_t)f->unread);
        f->unread = 0;
    } else {
        const uint32_t room = flow_send_room(f->flow), num = take(input, 1) % 16;
        const uint16_t len = (uint16_t)(1 + take(input, 1) * 7);
        for (uint32_t i = 0; i < num && (i + 1) * len <= room; i++) {
            struct rte_mbuf *m = rte_pktmbuf_alloc(wire_pools.app);
            memset(rte_pktmbuf_append(m, len), 'x', len);
            flow_send(f->flow, m);
        }
    }
}

static void error(struct fuzz *f, struct input *input)
{
    const struct ip_error_info info = {.from = wire_host(false, 2),
                                       .to = wire_host(false, 9),
                                       .from_port = f->our_port,
                                       .to_port = f->peer_port,
                                       .seq = f->our_nxt - take(input, 2),
                                       .kind = take(input, 1) % 3,
                                       .mtu = (uint16_t)take(input, 2)};
    tcp_error(wire_tcp(f->net), &info, f->now_us);
}

static void step(struct fuzz *f, struct input *input)
{
    const uint32_t what = take(input, 1);
    if (what < 160) {
        segment(f, input);
    } else if (what < 200) {
        user(f, input);
    } else if (what < 210) {
        error(f, input);
    } else if (what < 216) {
        f->our_port = PORT; /* a peer of the listener's again */
        f->peer_port = (uint16_t)(40000 + take(input, 1) % 8);
    } else {
        f->now_us += (uint64_t)take(input, 1) << (what - 216) / 2;
        net_timers(f->net, f->now_us);
    }
    fetch_output(f);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    must(wire_start(), "EAL does not start here");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct net_config config;
    struct net_address address;
    const struct net_addr ours = {wire_host(false, 2), PORT};
    struct input input = {data, data + len};
    char why[128];
    wire_config(&config, &address, false, 2);
    config.max_flows = 4;
    config.max_half_open = take(&input, 1) % 3;
    config.max_time_wait = 2;
    config.max_buffers = MAX_BUFFERS;
    struct fuzz f = {.net = net_new(&config, why, sizeof(why)),
                     .now_us = config.now_us,
                     .our_port = PORT,
                     .peer_port = 40000};
    must(f.net && !flow_listen(f.net, &ours, &events, &f, why, sizeof(why)), "no instance");
    while (input.at < input.end)
        step(&f, &input);
    net_free(f.net);
    must(!wire_in_use(), "mbufs were not given back");
    return 0;
}
