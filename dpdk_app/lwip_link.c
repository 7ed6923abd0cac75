/* SPDX-License-Identifier: BSD-3-Clause */
#include "lwip_link.h"

#include <string.h>

#include "lwip/etharp.h"
#include "lwip/ip4_frag.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/tcp.h"
#include "netif/ethernet.h"

#include "frame.h"
#include "lwip_buckets.h"
#include "port.h"

/* A received segment's pbuf, in the mbuf's private area. */
struct rx_pbuf {
    struct pbuf_custom pbuf;
    struct rte_mbuf *mbuf;
};

_Static_assert(sizeof(struct rx_pbuf) <= PORT_MBUF_PRIVATE, "the pbuf fits beside the mbuf");

static struct netif netif;
static const struct port *port;
static struct {
    uint64_t rx_packets, rx_bytes, rx_dropped, tx_packets, tx_bytes, tx_no_route;
} count;

static void free_rx(struct pbuf *p)
{
    frame_free_segment(((struct rx_pbuf *)(void *)p)->mbuf);
}

static struct pbuf *wrap(struct rte_mbuf *segment)
{
    struct rx_pbuf *rx = frame_private(segment);
    rx->mbuf = segment;
    rx->pbuf.custom_free_function = free_rx;
    return pbuf_alloced_custom(PBUF_RAW, frame_len(segment), PBUF_REF, &rx->pbuf,
                               frame_data(segment), frame_len(segment));
}

enum frame_kind {
    FRAME_OTHER,
    FRAME_TCP,
    FRAME_TCP_SYN,
    FRAME_TCP_FRAGMENT, /* which connection's is known too late; TCP forbids fragments as a rule */
};

/* Switches in the bucket that a TCP segment's connection is in. Lengths are checked by lwIP later;
 * here only what is read is. */
static enum frame_kind enter_bucket_of(const uint8_t *frame, uint16_t len)
{
    const uint8_t *ip = frame + SIZEOF_ETH_HDR;
    if (len < SIZEOF_ETH_HDR + IP_HLEN || frame[12] != 8 || frame[13] != 0 || ip[9] != IP_PROTO_TCP)
        return FRAME_OTHER;
    if ((ip[6] & 0x3f) | ip[7])
        return FRAME_TCP_FRAGMENT;
    uint16_t ip_len = (uint16_t)((ip[0] & 0x0f) * 4);
    if (ip_len < IP_HLEN || len < SIZEOF_ETH_HDR + ip_len + TCP_HLEN)
        return FRAME_OTHER;
    const uint8_t *tcp = ip + ip_len;
    ip_addr_t remote;
    u32_t source;
    memcpy(&source, ip + 12, 4);
    ip_addr_set_ip4_u32(&remote, source);
    bucket_enter(
        bucket_of(remote, (uint16_t)(tcp[0] << 8 | tcp[1]), (uint16_t)(tcp[2] << 8 | tcp[3])));
    return (tcp[13] & (TCP_SYN | TCP_ACK)) == TCP_SYN ? FRAME_TCP_SYN : FRAME_TCP;
}

void link_input(struct rte_mbuf *frame)
{
    count.rx_packets++;
    count.rx_bytes += frame_chain_len(frame);
    const enum frame_kind kind = enter_bucket_of(frame_data(frame), frame_len(frame));
    if (kind == FRAME_TCP_FRAGMENT) {
        count.rx_dropped++;
        frame_free_chain(frame);
        return;
    }
    struct pbuf *all = NULL;
    while (frame) {
        struct rte_mbuf *next = frame_next(frame);
        frame_set(frame, frame_data(frame), frame_len(frame));
        struct pbuf *p = wrap(frame);
        if (all)
            pbuf_cat(all, p);
        else
            all = p;
        frame = next;
    }
    if (ethernet_input(all, &netif) != ERR_OK) {
        count.rx_dropped++;
        pbuf_free(all);
    }
    if (kind == FRAME_TCP_SYN)
        bucket_note_syn();
}

static struct rte_mbuf *copy_of(const struct pbuf *p)
{
    uint8_t *data;
    struct rte_mbuf *m = frame_new(port, p->len, &data);
    if (m)
        memcpy(data, p->payload, p->len);
    return m;
}

struct rte_mbuf *link_take_mbufs(struct pbuf *p)
{
    struct rte_mbuf *chain = NULL;
    while (p) {
        struct pbuf *next = p->next;
        struct rte_mbuf *m;
        p->next = NULL;
        if (p->flags & PBUF_FLAG_IS_CUSTOM && p->ref == 1) {
            /* the pbuf lives in the mbuf and is not needed any more */
            m = ((struct rx_pbuf *)(void *)p)->mbuf;
            frame_set(m, p->payload, p->len);
        } else {
            m = copy_of(p);
            pbuf_free(p);
        }
        if (m && !chain) {
            chain = m;
        } else if (!m || !frame_append(chain, m)) {
            if (m)
                frame_free_chain(m);
            if (chain)
                frame_free_chain(chain);
            if (next)
                pbuf_free(next);
            return NULL;
        }
        p = next;
    }
    return chain;
}

static err_t link_output(struct netif *to, struct pbuf *p)
{
    uint8_t *data;
    (void)to;
    struct rte_mbuf *m = frame_new(port, p->tot_len, &data);
    if (!m)
        return ERR_MEM;
    pbuf_copy_partial(p, data, p->tot_len, 0);
    count.tx_packets++;
    count.tx_bytes += p->tot_len;
    port_send(port, m);
    return ERR_OK;
}

static err_t route(struct netif *to, struct pbuf *p, const ip4_addr_t *ip)
{
    const err_t err = etharp_output(to, p, ip);
    count.tx_no_route += err == ERR_RTE;
    return err;
}

static err_t init_netif(struct netif *n)
{
    n->name[0] = 'l';
    n->name[1] = 's';
    n->mtu = port->mtu;
    n->hwaddr_len = 6;
    memcpy(n->hwaddr, port->mac, 6);
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    n->output = route;
    n->linkoutput = link_output;
    return ERR_OK;
}

void link_start(const struct flow_config *config)
{
    ip4_addr_t ip = {config->ip_be}, mask = {config->netmask_be}, gateway = {config->gateway_be};
    port = config->port;
    netif_add(&netif, &ip, &mask, &gateway, NULL, init_netif, ethernet_input);
    netif_set_default(&netif);
    netif_set_up(&netif); /* announces us by ARP */
}

void link_second(void)
{
    etharp_tmr();
    ip_reass_tmr();
}

void link_add_counters(struct flow_counters *c)
{
    c->rx_packets = count.rx_packets;
    c->rx_bytes = count.rx_bytes;
    c->rx_dropped = count.rx_dropped;
    c->tx_packets = count.tx_packets;
    c->tx_bytes = count.tx_bytes;
    c->tx_no_route = count.tx_no_route;
}
