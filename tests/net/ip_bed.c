/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"

#include <netinet/in.h>
#include <string.h>

#define POOL_SIZE   4095u
#define CLONES_SIZE 255u

const struct rte_ether_addr bed_mac = {{BED_MAC}}, bed_peer_mac = {{0x02, 0, 0, 0, 0, 0x09}},
                            bed_router_mac = {{0x02, 0, 0, 0, 0, 0x01}};
#define IP4(...)                               \
    {                                          \
        {                                      \
            {                                  \
                [10] = 0xff, 0xff, __VA_ARGS__ \
            }                                  \
        }                                      \
    }
#define IP6(net, host)                                      \
    {                                                       \
        {                                                   \
            {                                               \
                0x20, 0x01, 0x0d, 0xb8, 0, net, [15] = host \
            }                                               \
        }                                                   \
    }
const struct net_ip bed_ip4 = IP4(10, 9, 0, 2), bed_peer4 = IP4(10, 9, 0, 9),
                    bed_router4 = IP4(10, 9, 0, 1), bed_far4 = IP4(192, 0, 2, 7);
const struct net_ip bed_ip6 = IP6(0, 2), bed_peer6 = IP6(0, 9), bed_router6 = IP6(0, 1),
                    bed_far6 = IP6(0xf, 7);

static struct rte_mempool *pool, *clones;
static struct bed *current; /* the double's */

/* ---- the double ---- */

struct tcp {
    int unused;
};

struct tcp *tcp_new(struct net *net, const struct net_config *config, char *error, size_t error_len)
{
    static struct tcp the_one;
    (void)net, (void)config, (void)error, (void)error_len;
    return &the_one;
}

void tcp_free(struct tcp *tcp)
{
    (void)tcp;
}

void tcp_input(struct tcp *tcp, struct rte_mbuf **packets, const struct ip_in *in, uint16_t num,
               uint64_t now_us)
{
    struct heard *h = &current->tcp;
    (void)tcp;
    CU_ASSERT_EQUAL(now_us, current->now_us);
    for (uint16_t i = 0; i < num; i++) {
        struct rte_mbuf *packet = packets[i];
        CU_ASSERT_FATAL(packet->pkt_len <= sizeof(h->bytes));
        h->in = in[i];
        h->len = packet->pkt_len;
        h->num++;
        const void *p = rte_pktmbuf_read(packet, 0, packet->pkt_len, h->bytes);
        if (p != h->bytes)
            memcpy(h->bytes, p, packet->pkt_len);
        rte_pktmbuf_free(packet);
    }
}

void tcp_error(struct tcp *tcp, const struct ip_error_info *error, uint64_t now_us)
{
    (void)tcp, (void)now_us;
    current->tcp.error = *error;
    current->tcp.num_errors++;
}

uint64_t tcp_timers(struct tcp *tcp, uint64_t now_us)
{
    (void)tcp, (void)now_us;
    return NET_NEVER;
}

void tcp_output(struct tcp *tcp, uint64_t now_us)
{
    (void)tcp, (void)now_us;
}

/* ---- the bed ---- */

static void on_handed(void *user, uint16_t queue, struct rte_mbuf *frame)
{
    struct bed *b = user;
    b->handed_len = (uint16_t)RTE_MIN(frame->pkt_len, sizeof(b->handed));
    const void *p = rte_pktmbuf_read(frame, 0, b->handed_len, b->handed);
    if (p != b->handed)
        memcpy(b->handed, p, b->handed_len);
    b->handed_queue = queue;
    b->num_handed++;
    rte_pktmbuf_free(frame);
}

void bed_start(struct bed *b, void (*change)(struct net_config *config))
{
    const struct net_address addresses[] = {{bed_ip4, 96 + 24}, {bed_ip6, 64}};
    const struct net_route routes[] = {{net_ip4(0), 96, bed_router4}, {{{{0}}}, 0, bed_router6}};
    struct net_config config = {
        .port = {.mac = {BED_MAC}, .mtu = 1500, .max_tx_segs = 8, .socket = -1},
        .addresses = addresses,
        .num_addresses = 2,
        .routes = routes,
        .num_routes = 2,
        .max_neighbours = 64,
        .max_buffers = 1024,
        .max_reassembled = 64,
        .max_fragments = 2048,
        .secret = "not so secret",
        .now_us = 1000000,
    };
    char error[256] = "";
    if (!pool) {
        pool = rte_pktmbuf_pool_create("bed", POOL_SIZE, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, -1);
        clones = rte_pktmbuf_pool_create("bed_clones", CLONES_SIZE, 0, 0, 0, -1);
        CU_ASSERT_FATAL(pool && clones);
    }
    memset(b, 0, sizeof(*b));
    current = b;
    config.port.buffers = pool;
    config.port.clones = clones;
    if (change)
        change(&config);
    b->now_us = config.now_us;
    b->net = net_new(&config, error, sizeof(error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(b->net);
    net_set_hand_on(b->net, on_handed, b);
    for (unsigned int i = 0; i < 4; i++)
        bed_wait(b, 1000000);
    b->num_frames = 0;
}

void bed_end(struct bed *b)
{
    net_free(b->net);
    CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), POOL_SIZE);
    CU_ASSERT_EQUAL(rte_mempool_avail_count(clones), CLONES_SIZE);
}

static struct rte_mbuf *crumbs(const uint8_t *bytes, uint16_t len)
{
    struct rte_mbuf *head = NULL;
    for (uint16_t i = 0; i < len; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        *(uint8_t *)rte_pktmbuf_append(m, 1) = bytes[i];
        if (!head)
            head = m;
        else
            CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(head, m), 0);
    }
    return head;
}

void bed_in_flags(struct bed *b, const void *frame, uint16_t len, uint64_t ol_flags, uint16_t tci)
{
    struct rte_mbuf *m;
    if (b->split) {
        m = crumbs(frame, len);
    } else {
        m = rte_pktmbuf_alloc(pool);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        memcpy(rte_pktmbuf_append(m, len), frame, len);
    }
    m->ol_flags |= ol_flags;
    m->vlan_tci = tci;
    net_input(b->net, &m, 1, b->now_us);
}

void bed_in(struct bed *b, const void *frame, uint16_t len)
{
    bed_in_flags(b, frame, len, 0, 0);
}

unsigned int bed_out(struct bed *b)
{
    struct rte_mbuf *m;
    b->num_frames = 0;
    while (net_output(b->net, &m, 1, b->now_us)) {
        CU_ASSERT_FATAL(b->num_frames < BED_FRAMES && m->pkt_len <= sizeof(b->frames[0]));
        uint8_t *to = b->frames[b->num_frames];
        const void *p = rte_pktmbuf_read(m, 0, m->pkt_len, to);
        if (p != to)
            memcpy(to, p, m->pkt_len);
        b->lens[b->num_frames] = (uint16_t)m->pkt_len;
        b->ol_flags[b->num_frames++] = m->ol_flags;
        rte_pktmbuf_free(m);
    }
    return b->num_frames;
}

unsigned int bed_wait(struct bed *b, uint64_t us)
{
    b->now_us += us;
    net_timers(b->net, b->now_us);
    return bed_out(b);
}

uint16_t bed_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

void bed_put16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static uint16_t sum_words(uint32_t sum, const uint8_t *bytes, uint16_t len)
{
    for (uint16_t i = 0; i < len; i = (uint16_t)(i + 2))
        sum += (uint32_t)bytes[i] << 8 | (i + 1 < len ? bytes[i + 1] : 0u);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint16_t bed_cksum(const struct net_ip *from, const struct net_ip *to, uint8_t proto,
                   const uint8_t *bytes, uint16_t len)
{
    uint32_t sum = (uint32_t)len + proto;
    for (uint8_t i = net_ip_is_v4(from) ? 12 : 0; i < 16; i = (uint8_t)(i + 2))
        sum += (uint32_t)bed_get16(from->bytes + i) + bed_get16(to->bytes + i);
    return sum_words(sum, bytes, len);
}

void bed_fix_ip4(uint8_t *frame)
{
    uint8_t *ip = frame + 14;
    bed_put16(ip + 10, 0);
    bed_put16(ip + 10, sum_words(0, ip, (uint16_t)((ip[0] & 15) * 4)));
}

uint16_t bed_ip_frame(uint8_t *frame, const struct net_ip *from, const struct net_ip *to,
                      uint8_t proto, const void *payload, uint16_t len)
{
    const bool is_v4 = net_ip_is_v4(from);
    const uint16_t header_len = is_v4 ? 20 : 40;
    const struct rte_ether_addr group = nd_group_mac(to);
    uint8_t *ip = frame + 14;
    memcpy(frame, !is_v4 && net_ip_is_multicast(to) ? &group : &bed_mac, 6);
    memcpy(frame + 6, &bed_peer_mac, 6);
    bed_put16(frame + 12, is_v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
    memset(ip, 0, header_len);
    if (is_v4) {
        ip[0] = 0x45;
        bed_put16(ip + 2, (uint16_t)(20 + len));
        ip[8] = 64;
        ip[9] = proto;
        memcpy(ip + 12, from->bytes + 12, 4);
        memcpy(ip + 16, to->bytes + 12, 4);
        bed_fix_ip4(frame);
    } else {
        ip[0] = 0x60;
        bed_put16(ip + 4, len);
        ip[6] = proto;
        ip[7] = 64;
        memcpy(ip + 8, from->bytes, 16);
        memcpy(ip + 24, to->bytes, 16);
    }
    memcpy(ip + header_len, payload, len);
    return (uint16_t)(14 + header_len + len);
}

uint16_t bed_segment(uint8_t *segment, const struct net_ip *from, const struct net_ip *to,
                     uint16_t len)
{
    memset(segment, 0, 20);
    bed_put16(segment, 40000);
    bed_put16(segment + 2, 443);
    bed_put16(segment + 6, 77); /* sequence number */
    segment[12] = 5 << 4;
    segment[13] = 0x10;
    for (uint16_t i = 0; i < len; i++)
        segment[20 + i] = (uint8_t)i;
    len = (uint16_t)(len + 20);
    bed_put16(segment + 16, bed_cksum(from, to, IPPROTO_TCP, segment, len));
    return len;
}

uint16_t bed_tcp_frame(uint8_t *frame, bool is_v4, uint16_t len)
{
    const struct net_ip *from = is_v4 ? &bed_peer4 : &bed_peer6, *to = is_v4 ? &bed_ip4 : &bed_ip6;
    uint8_t segment[1500];
    len = bed_segment(segment, from, to, len);
    return bed_ip_frame(frame, from, to, IPPROTO_TCP, segment, len);
}

uint16_t bed_icmp6_frame(uint8_t *frame, const struct net_ip *from, const struct net_ip *to,
                         uint8_t hop_limit, void *message, uint16_t len)
{
    uint8_t *m = message;
    bed_put16(m + 2, 0);
    bed_put16(m + 2, bed_cksum(from, to, IPPROTO_ICMPV6, m, len));
    len = bed_ip_frame(frame, from, to, IPPROTO_ICMPV6, m, len);
    frame[14 + 7] = hop_limit;
    return len;
}

void bed_know_peers(struct bed *b)
{
    const struct neighbour_news news = {.create = true, .override = true};
    neighbour_heard(b->net, &bed_peer4, &bed_peer_mac, news);
    neighbour_heard(b->net, &bed_peer6, &bed_peer_mac, news);
    neighbour_heard(b->net, &bed_router4, &bed_router_mac, news);
    neighbour_heard(b->net, &bed_router6, &bed_router_mac, news);
}

void bed_send(struct bed *b, const struct net_ip *to, uint16_t len)
{
    struct ip_out out = {.to = *to};
    struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
    uint8_t segment[1500];
    uint16_t mtu;
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    if (net_ip_is_v4(to))
        out.from = net_ip4(0);
    CU_ASSERT_TRUE_FATAL(ip_route(b->net, to, &out.from, &mtu));
    len = bed_segment(segment, &out.from, to, len);
    bed_put16(segment + 16, 0);
    memcpy(rte_pktmbuf_append(m, len), segment, len);
    ip_send(b->net, m, &out);
}

struct net_counters bed_counters(const struct bed *b)
{
    struct net_counters c;
    net_get_counters(b->net, &c);
    return c;
}
