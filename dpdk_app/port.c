/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>

#include "pool.h"

#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
#define TX_BURST       128
/* More than this many frames waiting for a full port means that the port is dead: TCP's windows
 * bound what can be in flight long before. */
#define TX_QUEUE_MAX 65536

/* Frames that wait to be sent, a ring: head is sent next. */
static struct {
    struct rte_mbuf *frames[TX_QUEUE_MAX];
    uint32_t head, tail;
    uint64_t waited;
} tx;

static int fail(char *error, unsigned int error_len, const char *what, int code)
{
    snprintf(error, error_len, "%s: %s", what, rte_strerror(code < 0 ? -code : code));
    return -1;
}

static int make_pools(struct port *port, uint32_t num_mbufs, int socket, char *error,
                      unsigned int error_len)
{
    char name[32];
    port->num_mbufs = num_mbufs;
    snprintf(name, sizeof(name), "port%u_rx", port->id);
    port->rx_pool = pool_new(name, num_mbufs, PORT_MBUF_PRIVATE, RTE_MBUF_DEFAULT_BUF_SIZE, socket);
    snprintf(name, sizeof(name), "port%u_tx", port->id);
    port->tx_pool = pool_new(name, num_mbufs, PORT_MBUF_PRIVATE, RTE_MBUF_DEFAULT_BUF_SIZE, socket);
    snprintf(name, sizeof(name), "port%u_clones", port->id);
    port->clones = pool_new(name, num_mbufs, PORT_MBUF_PRIVATE, 0, socket);
    if (port->rx_pool && port->tx_pool && port->clones)
        return 0;
    snprintf(error, error_len,
             "no memory for %u packet buffers; give EAL more (-m or hugepages) or ask for fewer "
             "(--mbufs)",
             num_mbufs);
    return -1;
}

static int configure(struct port *port, char *error, unsigned int error_len)
{
    struct rte_eth_dev_info info;
    struct rte_eth_conf conf = {0};
    int rc = rte_eth_dev_info_get(port->id, &info);
    if (rc)
        return fail(error, error_len, "cannot ask the port what it is", rc);
    if (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
        conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    rc = rte_eth_dev_configure(port->id, 1, 1, &conf);
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

int port_start(struct port *port, uint16_t id, uint32_t num_mbufs, char *error,
               unsigned int error_len)
{
    struct rte_eth_dev_info info;
    memset(port, 0, sizeof(*port));
    port->id = id;
    int rc = rte_eth_dev_info_get(id, &info);
    if (rc)
        return fail(error, error_len, "no such port", rc);
    if (make_pools(port, num_mbufs, rte_eth_dev_socket_id(id), error, error_len) ||
        configure(port, error, error_len))
        return -1;
    rc = rte_eth_dev_start(id);
    if (rc)
        return fail(error, error_len, "cannot start the port", rc);
    choose_mac(port, info.driver_name);
    rte_eth_promiscuous_enable(id); /* some virtual ports cannot, and do not need it */
    if (rte_eth_dev_get_mtu(id, &port->mtu) || port->mtu > 1500)
        port->mtu = 1500;
    return 0;
}

void port_stop(struct port *port)
{
    while (tx.head != tx.tail)
        rte_pktmbuf_free(tx.frames[tx.head++ % TX_QUEUE_MAX]);
    rte_eth_dev_stop(port->id);
    rte_eth_dev_close(port->id);
    rte_mempool_free(port->clones);
    rte_mempool_free(port->tx_pool);
    rte_mempool_free(port->rx_pool);
}

uint16_t port_receive(const struct port *port, struct rte_mbuf **packets, uint16_t max)
{
    return rte_eth_rx_burst(port->id, 0, packets, max);
}

void port_send(const struct port *port, struct rte_mbuf *packet)
{
    if (tx.tail - tx.head >= TX_BURST && port_flush(port) >= TX_QUEUE_MAX) {
        rte_pktmbuf_free(packet); /* see TX_QUEUE_MAX: TCP will send it again */
        return;
    }
    tx.frames[tx.tail++ % TX_QUEUE_MAX] = packet;
}

uint32_t port_flush(const struct port *port)
{
    while (tx.head != tx.tail) {
        uint32_t at = tx.head % TX_QUEUE_MAX, num = tx.tail - tx.head;
        if (num > TX_QUEUE_MAX - at)
            num = TX_QUEUE_MAX - at;
        if (num > TX_BURST)
            num = TX_BURST;
        uint16_t sent = rte_eth_tx_burst(port->id, 0, tx.frames + at, (uint16_t)num);
        tx.head += sent;
        if (sent < num) {
            tx.waited += tx.tail - tx.head;
            break;
        }
    }
    return tx.tail - tx.head;
}

bool port_is_low(const struct port *port)
{
    return rte_mempool_avail_count(port->tx_pool) < port->num_mbufs / 4;
}

uint64_t port_num_waited(void)
{
    return tx.waited;
}
