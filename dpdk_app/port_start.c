/* SPDX-License-Identifier: BSD-3-Clause */

/* A port's start and end. */

#include <errno.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <rte_kvargs.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "pool.h"
#include "port_inside.h"
#include "spread.h"

#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
#define TX_SEGS_MAX    16u
#define RSS_TCP        (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP)
#define RSS_KEY_LEAST  40u /* bytes: as far as an IPv6 flow's hash needs it */
#define NAME_LEN       26u /* of pools: DPDK puts something in front */

static int fail(char *error, unsigned int error_len, const char *what, int code)
{
    snprintf(error, error_len, "%s: %s", what, rte_strerror(code < 0 ? -code : code));
    return -1;
}

static void *new_lines(size_t len)
{
    len = RTE_ALIGN_CEIL(len, PORT_LINE);
    void *made = aligned_alloc(PORT_LINE, len);
    return made ? memset(made, 0, len) : NULL;
}

static struct rte_mempool *new_pool(const struct port *port, const char *what, uint32_t num_mbufs,
                                    uint16_t room, bool is_shared)
{
    char name[NAME_LEN];
    snprintf(name, sizeof(name), "port%u_%s%u", port->id, what, port->rss.queue);
    return pool_new(name, num_mbufs, room, port->socket, is_shared);
}

/* One queue pair's. Where frames are spread in software any worker may hold what came to any queue:
 * they have one pool to receive, as large as all of them. */
static bool make_queue(struct port *port, struct port *first)
{
    const uint32_t num_frames = rte_align32pow2(port->num_mbufs);
    if (!port->rss.is_software) /* others copy into it what they hand on */
        port->rx_pool = new_pool(port, "rx", port->num_mbufs, RTE_MBUF_DEFAULT_BUF_SIZE,
                                 port->rss.num_queues > 1);
    else if (port == first)
        port->rx_pool = new_pool(port, "rx", port->num_mbufs * port->rss.num_queues,
                                 RTE_MBUF_DEFAULT_BUF_SIZE, true);
    else
        port->rx_pool = first->rx_pool;
    port->tx_pool = new_pool(port, "tx", port->num_mbufs, RTE_MBUF_DEFAULT_BUF_SIZE, false);
    port->clones = new_pool(port, "clones", port->num_mbufs, 0, false);
    port->tx = new_lines(sizeof(*port->tx) + num_frames * sizeof(port->tx->frames[0]));
    if (!port->rx_pool || !port->tx_pool || !port->clones || !port->tx)
        return false;
    port->tx->mask = num_frames - 1;
    port->tx->stood = PORT_NOTHING_WAITED;
    return true;
}

static bool make_spread(struct port *ports)
{
    struct rte_mempool *pools[PORT_QUEUES_MAX];
    const uint16_t num = ports->rss.num_queues;
    for (uint16_t i = 0; i < num; i++)
        pools[i] = ports[i].rx_pool;
    ports->link->spread = num > 1 ? spread_new(num, pools, ports->socket) : NULL;
    for (uint16_t i = 0; num > 1 && ports->link->spread && i < num; i++)
        ports[i].spread = spread_end(ports->link->spread, i);
    return num == 1 || ports->link->spread;
}

static void free_queues(struct port *ports)
{
    const uint16_t num = ports->rss.num_queues;
    spread_free(ports->link->spread);
    ports->link->spread = NULL;
    for (uint16_t i = num; i-- > 0;) {
        struct port *port = &ports[i];
        free(port->tx);
        rte_mempool_free(port->clones);
        rte_mempool_free(port->tx_pool);
        if (i == 0 || port->rx_pool != ports->rx_pool)
            rte_mempool_free(port->rx_pool);
        port->tx = NULL;
        port->rx_pool = port->tx_pool = port->clones = NULL;
    }
}

static int make_queues(struct port *ports, char *error, unsigned int error_len)
{
    bool is_made = true;
    for (uint16_t i = 0; is_made && i < ports->rss.num_queues; i++)
        is_made = make_queue(&ports[i], ports);
    if (is_made && make_spread(ports))
        return 0;
    snprintf(error, error_len,
             "no memory for %u packet buffers%s; give EAL more (-m or hugepages) or ask for fewer "
             "(--mbufs)",
             ports->num_mbufs, ports->rss.num_queues > 1 ? " a worker" : "");
    return -1;
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

/* Whether a port could be asked to spread by the hash of both addresses and ports, and to say how:
 * a length of its key of 0 is one that it does not tell beforehand. */
static bool may_spread(const struct rte_eth_dev_info *info)
{
    return (info->flow_type_rss_offloads & RSS_TCP) == RSS_TCP && info->reta_size &&
           info->reta_size <= NET_RSS_TABLE_MAX && rte_is_power_of_2(info->reta_size) &&
           (!info->hash_key_size ||
            (info->hash_key_size >= RSS_KEY_LEAST && info->hash_key_size <= NET_RSS_KEY_MAX));
}

static bool is_zeros(const uint8_t *bytes, uint32_t len)
{
    while (len && !bytes[len - 1])
        len--;
    return !len;
}

/* The table that leads to all queues alike, if the port takes it; else it keeps the one it has. */
static void set_table(uint16_t id, uint16_t len, uint16_t num_queues)
{
    struct rte_eth_rss_reta_entry64 groups[NET_RSS_TABLE_MAX / RTE_ETH_RETA_GROUP_SIZE];
    for (uint16_t i = 0; i < len; i++) {
        groups[i / RTE_ETH_RETA_GROUP_SIZE].mask = UINT64_MAX;
        groups[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = i % num_queues;
    }
    rte_eth_dev_rss_reta_update(id, groups, len);
}

/* false: the port does not tell, or leaves a queue out. */
static bool read_table(struct net_rss *rss, uint16_t id, uint16_t len)
{
    struct rte_eth_rss_reta_entry64 groups[NET_RSS_TABLE_MAX / RTE_ETH_RETA_GROUP_SIZE];
    bool is_served[PORT_QUEUES_MAX] = {false};
    uint16_t num_served = 0;
    for (size_t i = 0; i < RTE_DIM(groups); i++)
        groups[i].mask = UINT64_MAX;
    if (rte_eth_dev_rss_reta_query(id, groups, len))
        return false;
    rss->table_len = len;
    for (uint16_t i = 0; i < len; i++) {
        const uint16_t queue =
            groups[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
        if (queue >= rss->num_queues)
            return false;
        rss->table[i] = queue;
        num_served += !is_served[queue];
        is_served[queue] = true;
    }
    return num_served == rss->num_queues;
}

/* Key and table of a port that has been started; false: it does not tell. */
static bool read_rss(struct net_rss *rss, uint16_t id, const struct rte_eth_dev_info *info)
{
    struct rte_eth_rss_conf conf = {.rss_key = rss->key, .rss_key_len = NET_RSS_KEY_MAX};
    memset(rss->key, 0, sizeof(rss->key));
    if (rte_eth_dev_rss_hash_conf_get(id, &conf) || is_zeros(rss->key, RSS_KEY_LEAST))
        return false;
    rss->key_len = (uint8_t)(info->hash_key_size ? info->hash_key_size : RSS_KEY_LEAST);
    set_table(id, info->reta_size, rss->num_queues);
    return read_table(rss, id, info->reta_size);
}

/* A key that nobody knows: strangers cannot choose their worker. */
static bool make_rss(struct net_rss *rss)
{
    rss->is_software = true;
    rss->key_len = RSS_KEY_LEAST;
    rss->table_len = NET_RSS_TABLE_MAX;
    for (uint16_t i = 0; i < rss->table_len; i++)
        rss->table[i] = i % rss->num_queues;
    return getrandom(rss->key, RSS_KEY_LEAST, 0) == RSS_KEY_LEAST;
}

static int configure(struct port *ports, const struct rte_eth_dev_info *info, char *error,
                     unsigned int error_len)
{
    struct rte_eth_conf conf = {0};
    const uint16_t num_queues = ports->rss.num_queues;
    ports->offloads = 0;
    choose_offloads(ports, info, &conf);
    if (num_queues > 1 && !ports->rss.is_software) {
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = RSS_TCP;
    }
    int rc = rte_eth_dev_configure(ports->id, num_queues, num_queues, &conf);
    if (rc)
        return fail(error, error_len, "cannot configure the port", rc);
    uint16_t num_rx = RX_DESCRIPTORS, num_tx = TX_DESCRIPTORS;
    rte_eth_dev_adjust_nb_rx_tx_desc(ports->id, &num_rx, &num_tx);
    const unsigned int socket = (unsigned int)ports->socket;
    for (uint16_t i = 0; !rc && i < num_queues; i++) {
        ports[i].offloads = ports->offloads;
        ports[i].max_tx_segs = ports->max_tx_segs;
        rc = rte_eth_rx_queue_setup(ports->id, i, num_rx, socket, NULL, ports[i].rx_pool);
        if (!rc)
            rc = rte_eth_tx_queue_setup(ports->id, i, num_tx, socket, NULL);
    }
    return rc ? fail(error, error_len, "cannot set up the port's queues", rc) : 0;
}

/* A tap's kernel end has the port's own address, so the stack needs another: locally administered,
 * and different from it in the last byte. */
static void choose_mac(struct port *ports, const char *driver)
{
    struct rte_ether_addr mac;
    rte_eth_macaddr_get(ports->id, &mac);
    if (strcmp(driver, "net_tap") == 0) {
        mac.addr_bytes[0] |= 2;
        mac.addr_bytes[5] ^= 1;
    }
    for (uint16_t i = 0; i < ports->rss.num_queues; i++)
        memcpy(ports[i].mac, mac.addr_bytes, sizeof(ports[i].mac));
}

/* Drivers of kernel interfaces do not know their MTU (net_af_packet says 1500 of any), and the
 * kernel drops larger frames without a word. */
static int choose_mtu(struct port *ports, unsigned int if_index, uint16_t wanted, char *error,
                      unsigned int error_len)
{
    uint16_t of_driver;
    uint32_t mtu = port_kernel_mtu(if_index);
    if (!rte_eth_dev_get_mtu(ports->id, &of_driver) && of_driver < mtu)
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
    for (uint16_t i = 0; i < ports->rss.num_queues; i++)
        ports[i].mtu = (uint16_t)(mtu < PORT_MTU_MAX ? mtu : PORT_MTU_MAX);
    atomic_init(&ports->link->mtu, ports->mtu);
    ports->link->if_index = if_index;
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

static int start_device(const struct port *ports, char *error, unsigned int error_len)
{
    int rc = rte_eth_dev_start(ports->id);
    if (rc && ports->link->is_memif_client) { /* the code it gives says something else */
        snprintf(error, error_len, "cannot start the port: no memif server answers at its socket");
        return -1;
    }
    if (rc)
        return fail(error, error_len, "cannot start the port", rc);
    rte_eth_promiscuous_enable(ports->id); /* some virtual ports cannot, and do not need it */
    return 0;
}

/* Of a start: the device, and the MTU that is wanted. */
struct plan {
    struct rte_eth_dev_info info;
    uint16_t mtu;
    char *error;
    unsigned int error_len;
};

static int start(struct port *ports, const struct plan *plan)
{
    const struct rte_eth_dev_info *info = &plan->info;
    if (make_queues(ports, plan->error, plan->error_len) ||
        configure(ports, info, plan->error, plan->error_len) ||
        choose_mtu(ports, info->if_index, plan->mtu, plan->error, plan->error_len))
        return -1;
    return start_device(ports, plan->error, plan->error_len);
}

static void set_rss(struct port *ports, const struct net_rss *rss)
{
    for (uint16_t i = 0; i < rss->num_queues; i++) {
        ports[i].rss = *rss;
        ports[i].rss.queue = i;
    }
}

/* With several queues: as the port spreads, or, where it does not or does not tell how, in
 * software. */
static int start_spreading(struct port *ports, const struct plan *plan)
{
    struct net_rss rss = ports->rss;
    if (rss.num_queues > 1 && may_spread(&plan->info)) {
        if (start(ports, plan))
            return -1;
        if (read_rss(&rss, ports->id, &plan->info)) {
            set_rss(ports, &rss);
            return 0;
        }
        rte_eth_dev_stop(ports->id);
        free_queues(ports);
    }
    if (rss.num_queues > 1 && !make_rss(&rss))
        return fail(plan->error, plan->error_len, "no random numbers for a key", errno);
    set_rss(ports, &rss);
    return start(ports, plan);
}

uint16_t port_max_queues(uint16_t id)
{
    struct rte_eth_dev_info info;
    if (rte_eth_dev_info_get(id, &info))
        return 0;
    return RTE_MIN((uint16_t)PORT_QUEUES_MAX, RTE_MIN(info.max_rx_queues, info.max_tx_queues));
}

static void begin(struct port *ports, uint16_t num_queues, uint16_t id, uint32_t num_mbufs,
                  struct port_link *link)
{
    memset(ports, 0, num_queues * sizeof(*ports));
    for (uint16_t i = 0; i < num_queues; i++) {
        ports[i].id = id;
        ports[i].num_mbufs = num_mbufs;
        ports[i].socket = rte_eth_dev_socket_id(id);
        ports[i].rss = (struct net_rss){.num_queues = num_queues, .queue = i};
        ports[i].link = link;
    }
}

int port_start(struct port *ports, uint16_t num_queues, uint16_t id, uint32_t num_mbufs,
               uint16_t mtu, char *error, unsigned int error_len)
{
    struct plan plan = {.mtu = mtu, .error = error, .error_len = error_len};
    int rc = rte_eth_dev_info_get(id, &plan.info);
    if (rc)
        return fail(error, error_len, "no such port", rc);
    struct port_link *link = new_lines(sizeof(*link));
    if (!link)
        return fail(error, error_len, "no memory for the port", ENOMEM);
    link->is_memif_client = is_memif_client(&plan.info);
    begin(ports, num_queues, id, num_mbufs, link);
    choose_mac(ports, plan.info.driver_name);
    if (!start_spreading(ports, &plan))
        return 0;
    rte_eth_dev_close(id);
    free_queues(ports);
    free(link);
    return -1;
}

void port_stop(struct port *ports)
{
    for (uint16_t i = 0; i < ports->rss.num_queues; i++)
        port_drop(ports[i].tx, ports[i].tx->tail - ports[i].tx->head);
    rte_eth_dev_stop(ports->id);
    rte_eth_dev_close(ports->id);
    free_queues(ports);
    free(ports->link);
}
