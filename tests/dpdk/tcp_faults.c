/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_faults.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "common/test.h"
#include "port.h"

static struct faults faults;
static const struct port *port;
static uint64_t seed = 1, made;

static bool happens(uint32_t one_in)
{
    if (!one_in || lks_test_random(&seed) % one_in)
        return false;
    made++;
    return true;
}

static void swap_some(struct rte_mbuf **packets, uint16_t num)
{
    for (uint16_t i = 0; i + 1 < num; i++)
        if (happens(faults.swap)) {
            struct rte_mbuf *first = packets[i];
            packets[i] = packets[i + 1];
            packets[i + 1] = first;
        }
}

/* Whether it is a FIN to be lost; connections are told apart by the peer's port. */
static bool is_lost_fin(const struct rte_mbuf *packet)
{
    static uint8_t lost[65536];
    const uint8_t *frame = rte_pktmbuf_mtod(packet, const uint8_t *);
    if (packet->data_len < 54 || frame[12] != 8 || frame[13] != 0 || frame[23] != 6 ||
        !(frame[47] & 1))
        return false;
    uint8_t *num = &lost[frame[36] << 8 | frame[37]];
    if (*num >= faults.fins)
        return false;
    ++*num;
    made++;
    return true;
}

/* A frame that goes to somebody else is lost; the count must stay, or port.c would send the frames
 * at the end twice. */
static uint16_t on_transmit(uint16_t id, uint16_t queue, struct rte_mbuf **packets, uint16_t num,
                            void *unused)
{
    (void)id;
    (void)queue;
    (void)unused;
    swap_some(packets, num);
    for (uint16_t i = 0; i < num; i++)
        if (happens(faults.lose) || is_lost_fin(packets[i]))
            rte_pktmbuf_mtod(packets[i], uint8_t *)[0] ^= 0x0e;
    return num;
}

void faults_start(const struct port *to, const struct faults *which)
{
    port = to;
    faults = *which;
    if (faults.lose || faults.swap || faults.fins)
        rte_eth_add_tx_callback(port->id, 0, on_transmit, NULL);
}

uint16_t faults_received(struct rte_mbuf **packets, uint16_t num, uint16_t max)
{
    uint16_t kept = 0;
    swap_some(packets, num);
    for (uint16_t i = 0; i < num; i++) {
        if (happens(faults.lose))
            rte_pktmbuf_free(packets[i]);
        else
            packets[kept++] = packets[i];
    }
    if (kept && kept < max && happens(faults.repeat)) {
        struct rte_mbuf *copy = rte_pktmbuf_copy(packets[0], port->rx_pool, 0, UINT32_MAX);
        if (copy)
            packets[kept++] = copy;
    }
    return kept;
}

uint64_t faults_made(void)
{
    return made;
}
