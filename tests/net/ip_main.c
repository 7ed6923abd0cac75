/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"

#include <rte_eal.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    static const struct lks_test_suite suites[] = {
        {"addr", addr_tests}, {"ether", ether_tests}, {"arp", arp_tests},
        {"ip4", ip4_tests},   {"ip6", ip6_tests},     {"reassembly", reassembly_tests},
        {"icmp", icmp_tests}, {"nd", nd_tests},       {"spread", spread_tests},
        {NULL, NULL},
    };
    static char flags[][24] = {"--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",   "-m",
                               "128",       "--lcores", "0",           "--log-level=error"};
    char *eal[1 + RTE_DIM(flags)] = {argv[0]};
    for (size_t i = 0; i < RTE_DIM(flags); i++)
        eal[i + 1] = flags[i];
    (void)argc;
    if (rte_eal_init((int)RTE_DIM(eal), eal) < 0) {
        printf("net_ip: DPDK's EAL does not start\n");
        return 1;
    }
    int code = lks_test_run("net_ip", suites);
    rte_eal_cleanup();
    return code;
}
