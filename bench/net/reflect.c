/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The least that a terminator on a DPDK port can do: receive, copy nothing, send.
 *
 *     net_reflect EAL... -- ADDRESS
 *
 * An IPv4 packet to ADDRESS goes back to where it came from with its two addresses swapped, those
 * of Ethernet, too, which leaves all checksums right. So a connection of a host to ADDRESS is one
 * with that host itself, each byte of which crosses the port twice, as through lockstepd. Whoever
 * asks by ARP gets no answer: the host is told a MAC for ADDRESS. SIGTERM ends it.
 */

#include <arpa/inet.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include "port.h"

#define BURST     256u
#define NUM_MBUFS 65536u /* as the terminator's bench gives lockstepd */

static volatile sig_atomic_t must_stop;

static void on_signal(int number)
{
    (void)number;
    must_stop = 1;
}

/* Whether the frame goes back. */
static bool reflect(const struct rte_mbuf *frame, uint32_t address_be)
{
    struct rte_ether_hdr *ether = rte_pktmbuf_mtod(frame, struct rte_ether_hdr *);
    struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
    if (ether->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || ip->dst_addr != address_be)
        return false;
    const struct rte_ether_addr mac = ether->dst_addr;
    ether->dst_addr = ether->src_addr;
    ether->src_addr = mac;
    ip->dst_addr = ip->src_addr;
    ip->src_addr = address_be;
    return true;
}

int main(int argc, char **argv)
{
    char error[160];
    struct port port;
    struct in_addr address;
    const int used = rte_eal_init(argc, argv);
    if (used < 0 || argc - used != 2 || inet_pton(AF_INET, argv[used + 1], &address) != 1)
        return 2;
    if (port_start(&port, 1, 0, NUM_MBUFS, 0, error, sizeof(error))) {
        fprintf(stderr, "net_reflect: %s\n", error);
        return 2;
    }
    signal(SIGTERM, on_signal);
    printf("listening\n");
    fflush(stdout);
    while (!must_stop) {
        struct rte_mbuf *frames[BURST];
        uint16_t kept = 0, sent = 0;
        const uint16_t num = rte_eth_rx_burst(port.id, 0, frames, BURST);
        for (uint16_t i = 0; i < num; i++) {
            if (reflect(frames[i], address.s_addr))
                frames[kept++] = frames[i];
            else
                rte_pktmbuf_free(frames[i]);
        }
        while (sent < kept && !must_stop)
            sent = (uint16_t)(sent +
                              rte_eth_tx_burst(port.id, 0, frames + sent, (uint16_t)(kept - sent)));
        if (!num)
            sched_yield();
    }
    return 0;
}
