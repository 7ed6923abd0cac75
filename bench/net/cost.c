/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What a request of 120 bytes and its answer cost the stack, without a kernel in the way, by the
 * number of connections (clients.h). The cycles are the time stamp counter's: making and reading
 * the clients' segments is outside the clock; taking the answer's buffer is inside. An answer is
 * acknowledged with the next request, or, in a column of its own, by a segment that says nothing
 * else: the only way where there are more connections than buffers for unacknowledged answers.
 *
 *     net_cost [ANSWER_LEN [REQUESTS [CONNECTIONS]]]     250, 50,000 and 1,000,000 at most
 */

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients.h"

#define BURST       32u
#define REPEATS     5
#define UNACKED_MAX 10000u
#define STEP        7919u /* from one connection asked to the next: prime to all numbers of them */

static uint64_t now_us = 1000000;

static uint64_t timed_poll(struct rte_mbuf **burst, uint16_t num)
{
    now_us += 10;
    const uint64_t begin = rte_rdtsc_precise();
    clients_poll(burst, num, now_us);
    return rte_rdtsc_precise() - begin;
}

/* A burst of requests, and acknowledgements until all is answered; one more where nothing is to be
 * left to the next request. */
static uint64_t ask(uint32_t *at, uint16_t num, uint32_t num_flows, bool acks_all)
{
    struct rte_mbuf *burst[BURST];
    uint32_t asked[BURST];
    for (uint16_t i = 0; i < num; i++) {
        *at = (*at + STEP) % num_flows;
        asked[i] = *at;
        burst[i] = client_request(*at, now_us);
    }
    uint64_t cycles = timed_poll(burst, num);
    for (;;) {
        uint16_t left = 0;
        for (uint16_t i = 0; i < num; i++)
            if (clients.all[asked[i]].ack != clients.all[asked[i]].end)
                burst[left++] = client_segment(asked[i], RTE_TCP_ACK_FLAG, 0, now_us);
        if (!left)
            break;
        cycles += timed_poll(burst, left);
    }
    if (!acks_all)
        return cycles;
    for (uint16_t i = 0; i < num; i++)
        burst[i] = client_segment(asked[i], RTE_TCP_ACK_FLAG, 0, now_us);
    return cycles + timed_poll(burst, num);
}

/* Cycles a request: the least of the repetitions, since what disturbs only adds. */
static double measure(uint32_t num, uint32_t num_requests, bool acks_all)
{
    const uint16_t burst = (uint16_t)RTE_MIN(num, BURST);
    double best = 1e30;
    uint32_t at = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        uint64_t cycles = 0;
        uint32_t done = 0;
        for (; done < num_requests; done += burst)
            cycles += ask(&at, burst, num, acks_all);
        best = RTE_MIN(best, (double)cycles / done);
    }
    return best;
}

/* Anonymous memory that the kernel has put into huge pages by itself. */
static unsigned long transparent_mb(void)
{
    char line[128];
    unsigned long kb = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "AnonHugePages: %lu", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb / 1024;
}

int main(int argc, char **argv)
{
    static const uint32_t nums[] = {1, 32, 100, 1000, 10000, 100000, 1000000};
    const uint32_t answer_len = argc > 1 ? (uint32_t)atoi(argv[1]) : 250;
    const uint32_t num_requests = argc > 2 ? (uint32_t)atoi(argv[2]) : 50000;
    const uint32_t max = argc > 3 ? (uint32_t)atoi(argv[3]) : 1000000;
    if (!answer_len || !num_requests || !max || !clients_start(max, answer_len))
        return 77;
    printf("%u bytes asked, %u answered\n%11s %18s %18s %16s %18s\n", CLIENTS_REQUEST_LEN,
           answer_len, "connections", "cycles a request", "with its own ACK", "bytes resident",
           "MB in huge pages");
    const uint64_t empty = resident_bytes();
    for (size_t i = 0; i < RTE_DIM(nums) && nums[i] <= max; i++) {
        clients_open_until(nums[i], &now_us);
        const double each = (double)(resident_bytes() - empty) / nums[i];
        char piggybacked[32] = "-";
        if (nums[i] <= UNACKED_MAX)
            snprintf(piggybacked, sizeof(piggybacked), "%.0f",
                     measure(nums[i], num_requests, false));
        printf("%11u %18s %18.0f %16.0f %18lu\n", nums[i], piggybacked,
               measure(nums[i], num_requests, true), each, transparent_mb());
        fflush(stdout);
    }
    clients_stop();
    return 0;
}
