/* SPDX-License-Identifier: BSD-3-Clause */

/* The port's queue, over DPDK's port that is a ring: full when nobody takes what is in it. */

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/test.h"
#include "port.h"

#define FRAMES 1500u /* more than the ring holds */

static struct port port;

/* A frame that waits is counted once, however often the port is tried. */
static void waiting_frames(void)
{
    struct rte_mbuf *back[256];
    uint32_t waiting = 0, num_back = 0;
    for (uint32_t i = 0; i < FRAMES; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(port.tx_pool);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        CU_ASSERT_PTR_NOT_NULL_FATAL(rte_pktmbuf_append(m, 60));
        port_send(&port, m);
    }
    for (int i = 0; i < 10; i++)
        waiting = port_flush(&port);
    LKS_CHECK(waiting > 0 && waiting < FRAMES, "%u", waiting);
    LKS_CHECK(port_num_waited() == waiting, "%u counted, %u wait", (unsigned int)port_num_waited(),
              waiting);
    for (int i = 0; i < 100 && num_back < FRAMES; i++) {
        uint16_t num = port_receive(&port, back, 256);
        num_back += num;
        rte_pktmbuf_free_bulk(back, num);
        port_flush(&port);
    }
    CU_ASSERT_EQUAL(num_back, FRAMES);
    CU_ASSERT_EQUAL(port_flush(&port), 0);
    LKS_CHECK(port_num_waited() == waiting, "%u counted, %u waited",
              (unsigned int)port_num_waited(), waiting);
}

static bool start(void)
{
    char directory[] = "/tmp/lockstep-eal-XXXXXX", command[128], error[256];
    char *args[] = {(char[]){"test_port"},   (char[]){"--no-huge"}, (char[]){"-m"},
                    (char[]){"96"},          (char[]){"--no-pci"},  (char[]){"--no-telemetry"},
                    (char[]){"--lcores"},    (char[]){"0@(0-1)"},   (char[]){"--no-shconf"},
                    (char[]){"--log-level"}, (char[]){"*:error"}};
    if (!mkdtemp(directory) || setenv("RUNTIME_DIRECTORY", directory, 1))
        return false;
    bool is_up = rte_eal_init((int)RTE_DIM(args), args) >= 0;
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return !system(command) && is_up && !rte_eal_hotplug_add("vdev", "net_ring0", "") &&
           !port_start(&port, 0, 4095, error, sizeof(error));
}

int main(void)
{
    if (!start()) {
        printf("SKIP port: EAL or its net_ring does not start here\n");
        printf("port: 0 passed, 0 failed, 1 skipped\n");
        return 77;
    }
    const struct lks_test tests[] = {{"frames that wait", waiting_frames}, {0}};
    const struct lks_test_suite suites[] = {{"queue", tests}, {0}};
    int rc = lks_test_run("port", suites);
    port_stop(&port);
    return rc;
}
