/* SPDX-License-Identifier: BSD-3-Clause */

/* What is asked about a port by system calls, beside its workers. */

#include <net/if.h>
#include <rte_ethdev.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port_inside.h"

uint32_t port_kernel_mtu(unsigned int if_index)
{
    struct ifreq request = {0};
    int s = if_index ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (s < 0)
        return UINT32_MAX;
    bool known = if_indextoname(if_index, request.ifr_name) && !ioctl(s, SIOCGIFMTU, &request);
    close(s);
    return known ? (uint32_t)request.ifr_mtu : UINT32_MAX;
}

static bool is_down(const struct port *port)
{
    struct rte_eth_link link;
    if (port->link->is_stopped)
        return true;
    return rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status == RTE_ETH_LINK_DOWN;
}

/* Whether all workers keep off the port, or could by now use it again. */
static bool have_seen(const struct port *ports, unsigned int turn)
{
    for (uint16_t i = 0; i < ports->rss.num_queues; i++)
        if (atomic_load_explicit(&ports[i].tx->turn_seen, memory_order_acquire) != turn)
            return false;
    return true;
}

/* A memif client that has lost its server does not look for it again by itself. Its queues are
 * another thread's, so that lets go of them first; who has not yet is asked again a second later.
 */
static void restart(const struct port *ports)
{
    struct port_link *link = ports->link;
    const unsigned int turn = atomic_load_explicit(&link->turn, memory_order_relaxed);
    if (turn % 2 == 0) {
        atomic_store_explicit(&link->turn, turn + 1, memory_order_release);
        return;
    }
    if (!have_seen(ports, turn))
        return;
    if (!link->is_stopped)
        rte_eth_dev_stop(ports->id);
    link->is_stopped = rte_eth_dev_start(ports->id) != 0;
    if (!link->is_stopped)
        atomic_store_explicit(&link->turn, turn + 1, memory_order_release);
}

const char *port_watch(const struct port *ports)
{
    struct port_link *link = ports->link;
    const uint32_t mtu = port_kernel_mtu(link->if_index);
    const bool down = is_down(ports);
    atomic_store_explicit(&link->mtu, RTE_MIN(ports->mtu, mtu), memory_order_relaxed);
    atomic_store_explicit(&link->is_down, down, memory_order_relaxed);
    if (link->is_memif_client && (down || link->turn % 2))
        restart(ports);
    if (down == link->said_down)
        return NULL;
    link->said_down = down;
    return down ? "the port's link is down" : "the port's link is up again";
}
