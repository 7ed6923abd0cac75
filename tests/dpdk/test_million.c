/* SPDX-License-Identifier: BSD-3-Clause */

/* A million connections at once: what they hold while idle, and that each is still served. */

#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "clients.h"
#include "common/test.h"
#include "net/tcp.h"

#define BURST      32u
#define IDLE_BYTES 256u

static uint32_t num_clients;

static void idle_flows(void)
{
    uint64_t now_us = 1000000;
    struct flow_counters c;
    num_clients = lks_test_is_quick() ? 50000 : 1000000;
    if (!clients_start(num_clients, 250))
        LKS_SKIP("EAL does not start here");
    const uint64_t before = resident_bytes();
    clients_open_until(num_clients, &now_us);
    flow_get_counters(clients.net, &c);
    CU_ASSERT_EQUAL(c.flows, num_clients);
    CU_ASSERT_EQUAL(c.buffers, 0);
    for (uint32_t at = 0; at < num_clients; at += BURST) {
        struct rte_mbuf *burst[BURST];
        for (uint32_t i = 0; i < BURST; i++)
            burst[i] = client_request((at + i) % num_clients, now_us);
        clients_poll(burst, BURST, ++now_us);
        for (uint32_t i = 0; i < BURST; i++)
            burst[i] = client_segment((at + i) % num_clients, RTE_TCP_ACK_FLAG, 0, now_us);
        clients_poll(burst, BURST, ++now_us);
    }
    uint32_t num_answered = 0;
    for (uint32_t at = 0; at < num_clients; at++)
        num_answered += clients.all[at].ack == clients.all[at].end;
    CU_ASSERT_EQUAL(num_answered, num_clients);
    flow_get_counters(clients.net, &c);
    CU_ASSERT_EQUAL(c.flows, num_clients);
    CU_ASSERT_EQUAL(c.buffers, 0);
    /* all that the process grew by; a sanitizer's own memory would count, too */
    const uint64_t each = (resident_bytes() - before) / num_clients;
    if (!lks_test_is_quick())
        LKS_CHECK(each <= IDLE_BYTES, "%llu bytes an idle flow", (unsigned long long)each);
    clients_stop();
}

static const struct lks_test tests[] = {{"a million idle flows", idle_flows}, {0}};

int main(void)
{
    static const struct lks_test_suite suites[] = {{"million", tests}, {0}};
    return lks_test_run("tcp_million", suites);
}
