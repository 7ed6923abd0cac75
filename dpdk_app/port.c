/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <net/if.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <rte_kvargs.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net/port.h"
#include "pool.h"

#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
#define TX_BURST       128u
#define TX_WAITING     512u /* frames that wait, at most: more are not asked for */
#define TX_SEGS_MAX    16u
#define NOTHING_WAITED UINT64_MAX

/* Frames that wait to be sent, a ring with room for all buffers that there are to send. The numbers
 * of frames only go up: head is sent next. */
struct port_tx {
    uint64_t head, tail;
    uint64_t counted; /* those before it are in tx_waited already */
    uint64_t stood;   /* the head at the last look, NOTHING_WAITED if none was there */
    uint32_t mask;
    uint32_t mtu;          /* the interface's at the last look, if below what it was at the start */
    unsigned int if_index; /* 0: no interface of the kernel's is behind the port */
    bool is_stopped;       /* between two servers of a memif client */
    bool is_memif_client;
    bool is_down, is_stuck;
    bool said_down, said_stuck, said_cut, said_too_long;
    struct port_counters count;
    struct rte_mbuf *frames[];
};

static int fail(char *error, unsigned int error_len, const char *what, int code)
{
    snprintf(error, error_len, "%s: %s", what, rte_strerror(code < 0 ? -code : code));
    return -1;
}

static int make_pools(struct port *port, uint32_t num_mbufs, int socket, char *error,
                      unsigned int error_len)
{
    char name[32];
    uint32_t num_frames = rte_align32pow2(num_mbufs);
    port->num_mbufs = num_mbufs;
    port->socket = socket;
    snprintf(name, sizeof(name), "port%u_rx", port->id);
    port->rx_pool = pool_new(name, num_mbufs, RTE_MBUF_DEFAULT_BUF_SIZE, socket);
    snprintf(name, sizeof(name), "port%u_tx", port->id);
    port->tx_pool = pool_new(name, num_mbufs, RTE_MBUF_DEFAULT_BUF_SIZE, socket);
    snprintf(name, sizeof(name), "port%u_clones", port->id);
    port->clones = pool_new(name, num_mbufs, 0, socket);
    port->tx = calloc(1, sizeof(*port->tx) + num_frames * sizeof(port->tx->frames[0]));
    if (port->rx_pool && port->tx_pool && port->clones && port->tx) {
        port->tx->mask = num_frames - 1;
        port->tx->stood = NOTHING_WAITED;
        return 0;
    }
    snprintf(error, error_len,
             "no memory for %u packet buffers; give EAL more (-m or hugepages) or ask for fewer "
             "(--mbufs)",
             num_mbufs);
    return -1;
}

static void free_pools(struct port *port)
{
    free(port->tx);
    rte_mempool_free(port->clones);
    rte_mempool_free(port->tx_pool);
    rte_mempool_free(port->rx_pool);
}

/* net_tap sums in software, and wrongly where a piece of a frame begins at an odd offset. */
static bool sums_badly(const struct rte_eth_dev_info *info)
{
    return strcmp(info->driver_name, "net_tap") == 0;
}

/* What the port does for the stack: all that it can of what the stack can use. */
static void choose_offloads(struct port *port, const struct rte_eth_dev_info *info,
                            struct rte_eth_conf *conf)
{
    static const struct {
        uint64_t tx, rx;
        uint32_t offload;
    } all[] = {
        {RTE_ETH_TX_OFFLOAD_MULTI_SEGS, 0, NET_TX_MULTI_SEGS},
        {RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM, 0, NET_TX_CKSUM},
        {0, RTE_ETH_RX_OFFLOAD_TCP_CKSUM, NET_RX_CKSUM},
    };
    for (size_t i = 0; i < RTE_DIM(all); i++) {
        if ((info->tx_offload_capa & all[i].tx) != all[i].tx ||
            (info->rx_offload_capa & all[i].rx) != all[i].rx ||
            (all[i].offload != NET_TX_MULTI_SEGS && sums_badly(info)))
            continue;
        conf->txmode.offloads |= all[i].tx;
        conf->rxmode.offloads |= all[i].rx;
        port->offloads |= all[i].offload;
    }
    const uint16_t segs = info->tx_desc_lim.nb_mtu_seg_max;
    port->max_tx_segs = (uint8_t)(segs >= 2 && segs < TX_SEGS_MAX ? segs : TX_SEGS_MAX);
}

static int configure(struct port *port, const struct rte_eth_dev_info *info, char *error,
                     unsigned int error_len)
{
    struct rte_eth_conf conf = {0};
    choose_offloads(port, info, &conf);
    int rc = rte_eth_dev_configure(port->id, 1, 1, &conf);
    if (rc)
        return fail(error, error_len, "cannot configure the port", rc);
    uint16_t num_rx = RX_DESCRIPTORS, num_tx = TX_DESCRIPTORS;
    rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &num_rx, &num_tx);
    int socket = rte_eth_dev_socket_id(port->id);
    rc = rte_eth_rx_queue_setup(port->id, 0, num_rx, (unsigned int)socket, NULL, port->rx_pool);
    if (!rc)
        rc = rte_eth_tx_queue_setup(port->id, 0, num_tx, (unsigned int)socket, NULL);
    return rc ? fail(error, error_len, "cannot set up the port's queues", rc) : 0;
}

/* A tap's kernel end has the port's own address, so the stack needs another: locally administered,
 * and different from it in the last byte. */
static void choose_mac(struct port *port, const char *driver)
{
    struct rte_ether_addr mac;
    rte_eth_macaddr_get(port->id, &mac);
    memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
    if (strcmp(driver, "net_tap") == 0) {
        port->mac[0] |= 2;
        port->mac[5] ^= 1;
    }
}

/* What the kernel says of the interface behind a port; UINT32_MAX: there is none. */
static uint32_t kernel_mtu(unsigned int if_index)
{
    struct ifreq request = {0};
    int s = if_index ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (s < 0)
        return UINT32_MAX;
    bool known = if_indextoname(if_index, request.ifr_name) && !ioctl(s, SIOCGIFMTU, &request);
    close(s);
    return known ? (uint32_t)request.ifr_mtu : UINT32_MAX;
}

/* Drivers of kernel interfaces do not know their MTU (net_af_packet says 1500 of any), and the
 * kernel drops larger frames without a word. */
static int choose_mtu(struct port *port, unsigned int if_index, uint16_t wanted, char *error,
                      unsigned int error_len)
{
    uint16_t of_driver;
    uint32_t mtu = kernel_mtu(if_index);
    if (!rte_eth_dev_get_mtu(port->id, &of_driver) && of_driver < mtu)
        mtu = of_driver;
    if (mtu < PORT_MTU_MIN) {
        snprintf(error, error_len, "the port's interface has an MTU of %u; it takes %u at least",
                 mtu, PORT_MTU_MIN);
        return -1;
    }
    if (wanted > mtu) {
        snprintf(error, error_len,
                 "--mtu %u: the port's interface has an MTU of %u and would drop larger packets; "
                 "raise it there, or ask for less",
                 wanted, mtu);
        return -1;
    }
    mtu = wanted ? wanted : mtu;
    port->mtu = (uint16_t)(mtu < PORT_MTU_MAX ? mtu : PORT_MTU_MAX);
    port->tx->mtu = port->mtu;
    port->tx->if_index = if_index;
    return 0;
}

/* Without a role= it is one, too. */
static bool is_memif_client(const struct rte_eth_dev_info *info)
{
    const struct rte_devargs *args = rte_dev_devargs(info->device);
    if (strcmp(info->driver_name, "net_memif") != 0 || !args || !args->args)
        return false;
    struct rte_kvargs *list = rte_kvargs_parse(args->args, NULL);
    const char *role = list ? rte_kvargs_get(list, "role") : NULL;
    const bool is_client = !role || strcmp(role, "client") == 0 || strcmp(role, "slave") == 0;
    rte_kvargs_free(list);
    return is_client;
}

static int start(struct port *port, char *error, unsigned int error_len)
{
    int rc = rte_eth_dev_start(port->id);
    if (rc && port->tx->is_memif_client) { /* the code it gives says something else */
        snprintf(error, error_len, "cannot start the port: no memif server answers at its socket");
        return -1;
    }
    if (rc)
        return fail(error, error_len, "cannot start the port", rc);
    rte_eth_promiscuous_enable(port->id); /* some virtual ports cannot, and do not need it */
    return 0;
}

int port_start(struct port *port, uint16_t id, uint32_t num_mbufs, uint16_t mtu, char *error,
               unsigned int error_len)
{
    struct rte_eth_dev_info info;
    memset(port, 0, sizeof(*port));
    port->id = id;
    int rc = rte_eth_dev_info_get(id, &info);
    if (rc)
        return fail(error, error_len, "no such port", rc);
    if (make_pools(port, num_mbufs, rte_eth_dev_socket_id(id), error, error_len) ||
        configure(port, &info, error, error_len))
        goto failed;
    port->tx->is_memif_client = is_memif_client(&info);
    choose_mac(port, info.driver_name);
    if (choose_mtu(port, info.if_index, mtu, error, error_len) || start(port, error, error_len))
        goto failed;
    return 0;
failed:
    rte_eth_dev_close(id);
    free_pools(port);
    return -1;
}

/* Takes the first num waiting frames off and frees them. */
static void drop(struct port_tx *tx, uint64_t num)
{
    tx->count.tx_dropped += num;
    while (num--)
        rte_pktmbuf_free(tx->frames[tx->head++ & tx->mask]);
}

void port_stop(struct port *port)
{
    drop(port->tx, port->tx->tail - port->tx->head);
    rte_eth_dev_stop(port->id);
    rte_eth_dev_close(port->id);
    free_pools(port);
}

/* Bytes of a frame in front of the IP packet, an 802.1Q tag included; *type is what they say. */
static uint32_t ether_len(const struct rte_mbuf *m, uint32_t *type)
{
    const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = RTE_ETHER_HDR_LEN;
    *type = (uint32_t)frame[12] << 8 | frame[13];
    if (*type == RTE_ETHER_TYPE_VLAN) {
        *type = (uint32_t)frame[16] << 8 | frame[17];
        len += RTE_VLAN_HLEN;
    }
    return len;
}

/* Whether an IP packet is longer than what came of it: what some ports make of frames that do not
 * fit their buffers. Nothing else is judged here. */
static bool is_cut(const struct rte_mbuf *m)
{
    uint32_t type, len = 0;
    if (m->data_len < RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + 6)
        return false;
    const uint32_t before = ether_len(m, &type);
    const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *) + before;
    if (type == RTE_ETHER_TYPE_IPV4)
        len = (uint32_t)ip[2] << 8 | ip[3];
    else if (type == RTE_ETHER_TYPE_IPV6)
        len = 40 + ((uint32_t)ip[4] << 8 | ip[5]);
    return before + len > m->pkt_len;
}

uint16_t port_receive(const struct port *port, struct rte_mbuf **packets, uint16_t max)
{
    uint16_t kept = 0;
    if (port->tx->is_stopped)
        return 0;
    const uint16_t num = rte_eth_rx_burst(port->id, 0, packets, max);
    for (uint16_t i = 0; i < num; i++) {
        if (i + 4 < num)
            rte_prefetch0(rte_pktmbuf_mtod(packets[i + 4], void *));
        if (is_cut(packets[i])) {
            port->tx->count.rx_cut++;
            rte_pktmbuf_free(packets[i]);
        } else {
            packets[kept++] = packets[i];
        }
    }
    return kept;
}

uint32_t port_room(const struct port *port)
{
    const uint64_t waiting = port->tx->tail - port->tx->head;
    return waiting < TX_WAITING ? (uint32_t)(TX_WAITING - waiting) : 0;
}

void port_send(const struct port *port, struct rte_mbuf *packet)
{
    struct port_tx *tx = port->tx;
    uint32_t type;
    if (tx->tail - tx->head >= TX_BURST)
        port_flush(port);
    const bool is_too_long = packet->pkt_len > tx->mtu + ether_len(packet, &type);
    if (is_too_long || tx->tail - tx->head > tx->mask) {
        if (is_too_long)
            tx->count.tx_too_long++;
        else
            tx->count.tx_dropped++;
        rte_pktmbuf_free(packet);
        return;
    }
    tx->frames[tx->tail++ & tx->mask] = packet;
}

/* How many of the frames are fit to be sent. */
static uint16_t prepare(const struct port *port, struct rte_mbuf **frames, uint16_t num)
{
    return port->offloads & NET_TX_CKSUM ? rte_eth_tx_prepare(port->id, 0, frames, num) : num;
}

uint32_t port_flush(const struct port *port)
{
    struct port_tx *tx = port->tx;
    while (tx->head != tx->tail && !tx->is_stopped) {
        const uint32_t at = (uint32_t)tx->head & tx->mask, to_end = tx->mask + 1 - at;
        uint64_t num = tx->tail - tx->head;
        num = RTE_MIN(num, RTE_MIN(to_end, TX_BURST));
        const uint16_t good = prepare(port, tx->frames + at, (uint16_t)num);
        if (!good) {
            drop(tx, 1); /* no such frame goes through this port */
            continue;
        }
        uint16_t sent = rte_eth_tx_burst(port->id, 0, tx->frames + at, good);
        tx->head += sent;
        if (sent < good)
            break;
    }
    if (tx->head != tx->tail) {
        tx->count.tx_waited += tx->tail - RTE_MAX(tx->counted, tx->head);
        tx->counted = tx->tail;
    }
    return (uint32_t)(tx->tail - tx->head);
}

static bool is_down(const struct port *port)
{
    struct rte_eth_link link;
    if (port->tx->is_stopped)
        return true;
    return rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN;
}

/* Frames go until the port takes one. If it takes none of a burst, it is as good as down. */
static void unblock(const struct port *port)
{
    struct port_tx *tx = port->tx;
    for (uint32_t i = 0; i < TX_BURST && tx->head != tx->tail; i++) {
        drop(tx, 1);
        const uint64_t head = tx->head;
        port_flush(port);
        if (tx->head != head)
            return;
    }
    drop(tx, tx->tail - tx->head);
}

/* A memif client that has lost its server does not look for it again by itself. */
static void restart(const struct port *port)
{
    if (!port->tx->is_stopped)
        rte_eth_dev_stop(port->id);
    port->tx->is_stopped = rte_eth_dev_start(port->id) != 0;
}

void port_second(const struct port *port)
{
    struct port_tx *tx = port->tx;
    const bool stands = tx->head != tx->tail && tx->head == tx->stood;
    tx->mtu = RTE_MIN(port->mtu, kernel_mtu(tx->if_index));
    tx->is_down = is_down(port);
    if (stands && tx->is_down) {
        drop(tx, tx->tail - tx->head);
    } else if (stands) {
        tx->is_stuck = true;
        unblock(port);
    }
    tx->stood = tx->head != tx->tail ? tx->head : NOTHING_WAITED;
    if (tx->is_down && tx->is_memif_client)
        restart(port);
}

/* Whether it is time to say something, the only one. */
static bool say_once(bool is_so, bool *said)
{
    const bool now = is_so && !*said;
    *said |= now;
    return now;
}

const char *port_news(const struct port *port)
{
    struct port_tx *tx = port->tx;
    if (tx->is_down != tx->said_down) {
        tx->said_down = tx->is_down;
        return tx->is_down ? "the port's link is down" : "the port's link is up again";
    }
    if (say_once(tx->is_stuck, &tx->said_stuck))
        return "the port took no frame for a second; tx_dropped counts what goes for that";
    if (say_once(tx->count.rx_cut, &tx->said_cut))
        return "frames come in cut, longer than the port's buffers, and are lost: switch off GRO "
               "where they come in and TSO at the peer (ethtool -K INTERFACE gro off tso off), and "
               "let no MTU be larger than 1500; rx_cut counts them";
    if (say_once(tx->count.tx_too_long, &tx->said_too_long))
        return "the interface's MTU is smaller than when lockstepd started, and what is longer is "
               "lost: raise it again, or start lockstepd again; tx_too_long counts these frames";
    return NULL;
}

bool port_is_low(const struct port *port)
{
    return rte_mempool_avail_count(port->tx_pool) < port->num_mbufs / 4;
}

void port_get_counters(const struct port *port, struct port_counters *counters)
{
    *counters = port->tx->count;
}
