/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What established connections feel of a flood of SYNs from random sources (clients.h).
 *
 *     net_flood [SECONDS [SYNS_A_SECOND]]
 *
 * The clock is a virtual one: it goes on by what the stack's polls take, as the time stamp counter
 * has it, and jumps to the next arrival where there is nothing to do. So frames arrive at their
 * times whatever making them costs here, wait for the poll before to end as they would at a port,
 * and a request's time is from its arrival to the end of the poll that answers it. A machine that
 * takes the core away for long makes frames get lost, as it would at a port.
 */

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients.h"
#include "net/tcp.h"
#include "net/tcp_option.h"
#include "port.h"

#define FLOWS             1000u
#define STEP              379u /* from one that asks to the next: prime to their number */
#define REQUESTS_A_SECOND 50000u
#define PHASES            5u
#define RING              1024u /* frames that wait at the port; more are lost */
#define SECOND            1000000000ull

static uint64_t now_ns = SECOND;
static double ns_per_cycle;
static uint64_t random_state = 1;
static uint64_t asked_ns[FLOWS];               /* 0: it waits for no answer */
static uint32_t answered[FLOWS], num_answered; /* in this poll */
static uint32_t *times_ns, num_times, max_times;
static uint64_t num_asked, num_lost;

static uint64_t random_64(void)
{
    uint64_t x = random_state += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static struct rte_mbuf *random_syn(void)
{
    static const struct tcp_options options = {.has_mss = true,
                                               .mss = 1460,
                                               .has_scale = true,
                                               .scale = 7,
                                               .has_sack_ok = true,
                                               .has_ts = true};
    uint8_t bytes[TCP_OPTIONS_MAX];
    const uint64_t r = random_64();
    const struct segment s = {.peer_ip = 0x20000000u | (uint32_t)(r & 0x1fffffffu),
                              .peer_port = (uint16_t)(r >> 32) | 1024u,
                              .our_port = 80,
                              .seq = (uint32_t)random_64(),
                              .window = 65535,
                              .flags = RTE_TCP_SYN_FLAG,
                              .options_len = (uint8_t)tcp_options_write(bytes, &options),
                              .options = bytes};
    return segment_make(clients.port, &s);
}

/* NULL: that client still waits for an answer, or there is no room for its request. */
static struct rte_mbuf *next_request(uint64_t at_ns, bool has_room)
{
    static uint32_t at;
    at = (at + STEP) % FLOWS;
    num_asked++;
    if (asked_ns[at] || !has_room) {
        num_lost++;
        return NULL;
    }
    asked_ns[at] = at_ns;
    return client_request(at, now_ns / 1000);
}

static void on_heard(uint32_t at)
{
    if (at < FLOWS && asked_ns[at] && clients.all[at].ack == clients.all[at].end)
        answered[num_answered++] = at;
}

static void poll_once(struct rte_mbuf **frames, uint16_t num)
{
    num_answered = 0;
    const uint64_t begin = rte_rdtsc_precise();
    clients_poll(frames, num, now_ns / 1000);
    now_ns += (uint64_t)((double)(rte_rdtsc_precise() - begin) * ns_per_cycle) + 1;
    for (uint32_t i = 0; i < num_answered; i++) {
        const uint32_t at = answered[i];
        if (num_times < max_times)
            times_ns[num_times++] = (uint32_t)RTE_MIN(now_ns - asked_ns[at], UINT32_MAX);
        asked_ns[at] = 0;
    }
}

/* So long, with so many SYNs a second. */
static void run(uint64_t ns, uint32_t syns)
{
    static struct rte_mbuf *frames[RING];
    const uint64_t end = now_ns + ns, ask_gap = SECOND / REQUESTS_A_SECOND;
    const uint64_t syn_gap = syns ? SECOND / syns : 0;
    uint64_t ask_at = now_ns, syn_at = syns ? now_ns + 1 : UINT64_MAX;
    while (RTE_MIN(ask_at, syn_at) < end) {
        uint16_t num = 0;
        if (RTE_MIN(ask_at, syn_at) > now_ns)
            now_ns = RTE_MIN(ask_at, syn_at);
        while (RTE_MIN(ask_at, syn_at) <= now_ns) {
            const bool is_syn = syn_at < ask_at, has_room = num < RING;
            if (is_syn && has_room)
                frames[num++] = random_syn();
            struct rte_mbuf *request = is_syn ? NULL : next_request(ask_at, has_room);
            if (request)
                frames[num++] = request;
            *(is_syn ? &syn_at : &ask_at) += is_syn ? syn_gap : ask_gap;
        }
        poll_once(frames, num);
    }
}

static int compare(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static double median(double *values)
{
    for (uint32_t i = 1; i < PHASES; i++)
        for (uint32_t j = i; j && values[j] < values[j - 1]; j--) {
            const double kept = values[j];
            values[j] = values[j - 1];
            values[j - 1] = kept;
        }
    return values[PHASES / 2];
}

/* The median p99 of some phases, in microseconds. */
static double measure(const char *name, uint64_t ns, uint32_t syns)
{
    double p50[PHASES], p99[PHASES];
    run(ns / 2, syns); /* until it is as it stays */
    const uint64_t asked = num_asked, lost = num_lost;
    for (uint32_t phase = 0; phase < PHASES; phase++) {
        num_times = 0;
        run(ns, syns);
        qsort(times_ns, num_times, sizeof(*times_ns), compare);
        p50[phase] = num_times ? times_ns[num_times / 2] / 1e3 : 0;
        p99[phase] = num_times ? times_ns[num_times / 100 * 99] / 1e3 : 0;
    }
    const double half = median(p50), most = median(p99);
    printf("%-24s %12.2f %12.2f %14llu %6llu\n", name, half, most,
           (unsigned long long)(num_asked - asked), (unsigned long long)(num_lost - lost));
    return most;
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? atof(argv[1]) : 2;
    const uint32_t syns = argc > 2 ? (uint32_t)atoi(argv[2]) : 100000;
    uint64_t now_us = now_ns / 1000;
    char name[64];
    if (seconds <= 0 || !syns || !clients_start(FLOWS, 250))
        return 77;
    ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
    max_times = (uint32_t)(seconds * REQUESTS_A_SECOND * 1.1) + 1000;
    times_ns = calloc(max_times, sizeof(*times_ns));
    if (!times_ns)
        return 1;
    clients_open_until(FLOWS, &now_us);
    now_ns = now_us * 1000;
    clients.heard = on_heard;
    snprintf(name, sizeof(name), "%u SYNs a second", syns);
    printf("%u connections, %u requests a second of all together\n%-24s %12s %12s %14s %6s\n",
           FLOWS, REQUESTS_A_SECOND, "", "p50, us", "p99, us", "requests", "lost");
    const uint64_t ns = (uint64_t)(seconds * 1e9);
    const double calm = measure("calm", ns, 0), flood = measure(name, ns, syns);
    printf("p99 in the flood by that in the calm: %.2f\n", flood / calm);
    struct flow_counters c;
    flow_get_counters(clients.net, &c);
    printf("cookies sent %llu, half-open %u, established %u\n",
           (unsigned long long)c.syn_cookies_sent, c.half_open, c.flows);
    const bool all_are_there = c.flows == FLOWS;
    clients_stop();
    free(times_ns);
    return !all_are_there;
}
