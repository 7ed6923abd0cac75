/* SPDX-License-Identifier: BSD-3-Clause */

/* Requirements of RFCs that need a test of their own: states, windows, numbers, timers. */

#include <stdio.h>

#include <rte_mbuf.h>

#include "net/tcp_flow.h"
#include "script.h"
#include "suites.h"
#include "wire.h"

/* ---- numbers, ports, addresses ---- */

static struct net *make_net(struct net_config *config, struct net_address addresses[2],
                            uint8_t secret)
{
    char error[128];
    wire_config(config, addresses, false, 2);
    addresses[1] = (struct net_address){wire_host(false, 3), 96 + 24};
    config->num_addresses = 2;
    config->secret[5] = secret;
    struct net *net = net_new(config, error, sizeof(error));
    LKS_CHECK(net, "net_new: %s", error);
    return net;
}

/* RFC 6528 3: apart by address, port and secret, and on by a clock of four microseconds; so are the
 * offsets of timestamps (7323 7.1), but for the clock. [6528 3-1] [7323 7.1-1] [9293 3.4.1-1] */
static void initial_numbers(void)
{
    struct net_config config;
    struct net_address addresses[2];
    struct net *nets[2] = {make_net(&config, addresses, 1), make_net(&config, addresses, 2)};
    struct flow_key key = {wire_host(false, 2), wire_host(false, 9), 80, 40000}, other = key;
    struct tcp *tcp = wire_tcp(nets[0]);
    const uint32_t first = tcp_initial_seq(tcp, &key), offset = tcp_ts_offset(tcp, &key);
    other.peer_port++;
    const uint32_t apart = tcp_initial_seq(tcp, &other) - first;
    CU_ASSERT(apart + 1000000 > 2000000);
    CU_ASSERT(tcp_ts_offset(tcp, &other) - offset + 1000000 > 2000000);
    CU_ASSERT(tcp_initial_seq(wire_tcp(nets[1]), &key) - first + 1000000 > 2000000);
    CU_ASSERT_NOT_EQUAL(tcp_ts_offset(wire_tcp(nets[1]), &key), offset);
    tcp_set_now(tcp, tcp->now_us + 4000);
    CU_ASSERT_EQUAL(tcp_initial_seq(tcp, &key), first + 1000);
    CU_ASSERT_EQUAL(tcp_ts_offset(tcp, &key), offset);
    net_free(nets[0]);
    net_free(nets[1]);
}

static void *nobody(void *user, struct flow *flow, const struct net_addr *peer,
                    const struct net_addr *local)
{
    (void)user, (void)flow, (void)peer, (void)local;
    return NULL;
}

static const struct flow_events no_events = {.accepted = nobody};

static struct flow_info connected_from(struct net *net, const struct net_ip *from)
{
    const struct net_addr to = {wire_host(false, 9), 443};
    struct flow_info info = {0};
    struct flow *flow = flow_connect(net, &to, from, &no_events, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(flow);
    flow_get_info(flow, &info);
    return info;
}

/* RFC 6056 3.3: with another secret other ports, in no order. [6056 3.3-1] */
static void ports_are_not_guessed(void)
{
    struct net_config config;
    struct net_address addresses[2];
    struct net *nets[2] = {make_net(&config, addresses, 1), make_net(&config, addresses, 2)};
    uint32_t num_same = 0, num_next = 0;
    uint16_t last = 0;
    for (uint32_t i = 0; i < 30; i++) {
        const uint16_t port = connected_from(nets[0], NULL).local.port;
        num_same += port == connected_from(nets[1], NULL).local.port;
        num_next += port == last + 1;
        last = port;
    }
    CU_ASSERT(num_same < 3 && num_next < 3);
    net_free(nets[0]);
    net_free(nets[1]);
}

/* RFC 9293 3.9.1.1: the address given, or the one that IP chooses. [1122 3.3.4.2-1]
 * [9293 3.9.1.1-3 3.9.1.1-4] */
static void from_an_address(void)
{
    struct net_config config;
    struct net_address addresses[2];
    struct net *net = make_net(&config, addresses, 1);
    const struct flow_info chosen = connected_from(net, NULL),
                           given = connected_from(net, &addresses[1].ip);
    CU_ASSERT(net_ip_equal(&chosen.local.ip, &addresses[0].ip));
    CU_ASSERT(net_ip_equal(&given.local.ip, &addresses[1].ip));
    net_free(net);
}

/* [9293 3.9.1.1-1] */
static void listening_twice(void)
{
    struct net_config config;
    struct net_address addresses[2];
    struct net *net = make_net(&config, addresses, 1);
    const struct net_addr at = {addresses[0].ip, 80};
    char error[128];
    CU_ASSERT_EQUAL(flow_listen(net, &at, &no_events, NULL, error, sizeof(error)), 0);
    CU_ASSERT_EQUAL(flow_listen(net, &at, &no_events, NULL, error, sizeof(error)), -1);
    CU_ASSERT_STRING_EQUAL(error, "port 80: somebody listens there already");
    net_free(net);
}

/* ---- MSS ---- */

static void mss_of(const char *syn, const char *expected)
{
    char text[512];
    snprintf(text, sizeof(text), "listen\n< S 0:0 win 65535 %s\n> S. 0:0 1\n+1 < . 1:0 1\n%s", syn,
             expected);
    CU_ASSERT(script_run(syn, NULL, text));
}

/* [1191 3-7] [9293 3.7.1-3] */
static void mss_of_all_sizes(void)
{
    mss_of("mss 1", "mss 48\nsend 60\n> . 1:48 1\n> . 49:12 1\n");
    mss_of("mss 88", "mss 88\nsend 100\n> . 1:88 1\n> . 89:12 1\n");
    mss_of("mss 536", "mss 536\n");
    mss_of("mss 1460", "mss 1460\n");
    mss_of("mss 8960", "mss 1460\n");
    mss_of("mss 65535", "mss 1460\n");
}

/* 3.7.1: each family has its own default. [9293 3.7.1-2] */
static void mss_of_who_says_nothing(void)
{
    static const struct script_setup v4 = {.is_v4_only = true}, v6 = {.is_v6_only = true};
    RUN(&v4, "listen\n< S 0:0 sackok\n> S. 0:0 1\n+1 < . 1:0 1\nmss 536\nsend 600\n> . 1:536 1\n"
             "> . 537:64 1\n");
    RUN(&v6, "listen\n< S 0:0 sackok\n> S. 0:0 1\n+1 < . 1:0 1\nmss 1220\n");
    RUN(&v6, "connect\n> S 0:0\n+1 < S. 0:0 1\n> . 1:0 1\nmss 1220\n");
}

static void jumbo(struct net_config *config)
{
    config->port.mtu = 9000;
    config->port.max_tx_segs = 64;
}

/* [1191 3.1-1] [9293 3.7.1-4] */
static void jumbo_frames(void)
{
    const struct script_setup setup = {jumbo};
    RUN(&setup, "listen\n< S 0:0 mss 8960 sackok\n> S. 0:0 1 mss 8960\n+1 < . 1:0 1\nmss "
                "8960\nsend 9000\n> . 1:8960 1\n> . 8961:40 1\n");
}

/* ---- keepalive ---- */

static void keepalive_of_a_minute(struct net_config *config)
{
    config->keepalive_s = 60;
}

/* [9293 3.8.4-2 3.8.4-4 3.8.4-5] */
static void keepalive(void)
{
    const struct script_setup setup = {keepalive_of_a_minute};
    RUN(&setup, ACCEPT "+60000 > . 0:0 1\n+10 < . 1:0 1 win 512\n+60000 > . 0:0 1\n"
                       "+75000 > . 0:0 1\n+75000 > . 0:0 1\n+75000 > . 0:0 1\n+75000 > . 0:0 1\n"
                       "+75000 > . 0:0 1\n+75000 > . 0:0 1\n+75000 > . 0:0 1\n+75000 > . 0:0 1\n"
                       "+75000 > R. 1:0 1\nended timeout\ncounter flows 0\n");
}

/* [9293 3.10.7.4-3] */
static void old_number_is_answered(void)
{
    RUN(NULL, ACCEPT "+5000 < . 0:0 1 win 512\n> . 1:0 1\n+5000 < . 0:1 1 win 512\n> . 1:0 1\n");
}

/* [9293 3.1-3] */
static void checksum_is_looked_at(void)
{
    RUN(NULL, ACCEPT "< P. 1:100 1 win 512 bad\n+5 nothing\ngot 0\ncounter bad_checksum 1\n");
}

/* ---- RFC 9293: segments that come in ---- */

/* [9293 3.8.4-3] */
static void keepalive_after_two_hours(void)
{
    RUN(NULL, ACCEPT "+7000000 nothing\n+200000 > . 0:0 1\n");
}

/* 3.8.6: the right edge has moved left. Nothing new goes, the first segment asks, and nobody is
 * given up. [7323 2.4-3] [9293 3.8.6-2] */
static void window_that_shrinks(void)
{
    RUN(NULL, "listen\n< S 0:0 win 65535 mss 1460 sackok\n> S. 0:0 1\n+10 < . 1:0 1 win 5840\n"
              "send 14600\n> . 1:1460 1\n> . 1461:1460 1\n> . 2921:1460 1\n> . 4381:1460 1\n"
              "+10 < . 1:0 1461 win 1460\n+22 > . 4381:1460 1\n+210 > . 1461:1460 1\n"
              "+10 < . 1:0 2921 win 0\n> . 2921:1460 1\n+100 nothing\n+10 < . 1:0 2921 win "
              "14600\n> . 4381:1460 1\n");
}

/* Nothing that is in flight fits any more, for minutes; as long as the peer says so it is alive.
 * [9293 3.8.6-3] */
static void shrunk_window_is_waited_for(void)
{
#define SAYS_SO "+10 < . 1:0 1 win 0\n"
    RUN(NULL, ACCEPT "send 1460\n> . 1:1460 1\n" SAYS_SO "+205 > . 1:1460 1\n" SAYS_SO
                     "+415 > . 1:1460 1\n" SAYS_SO "+840 > . 1:1460 1\n" SAYS_SO
                     "+1680 > . 1:1460 1\n" SAYS_SO "+3360 > . 1:1460 1\n" SAYS_SO
                     "+6740 > . 1:1460 1\n" SAYS_SO "+13500 > . 1:1460 1\n" SAYS_SO
                     "+27000 > . 1:1460 1\n" SAYS_SO "+54000 > . 1:1460 1\n" SAYS_SO
                     "+60000 > . 1:1460 1\n" SAYS_SO
                     "+60000 > . 1:1460 1\n+10 < . 1:0 1461 win 512\ncounter flows 1\n");
}

/* [9293 3.9.1.2-1] */
static void last_segment_is_pushed(void)
{
    RUN(NULL, ACCEPT "send 3000\n> . 1:1460 1 -psh\n> . 1461:1460 1 -psh\n> . 2921:80 1 psh\n");
}

/* 3.10.7.4: data are refused, what acknowledges ours is not. [9293 3.10.7.4-4] */
static void shut_window_takes_acknowledgements(void)
{
    RUN(NULL, SHUT "send 100\n> . 1:100 65536\n+5 < P. 65536:10 101\n> . 101:0 65536 win 0\n"
                   "+500 nothing\ncounter retransmits 0\n");
}

/* [9293 3.10.7.4-8] */
static void no_acknowledgement_no_data(void)
{
    RUN(NULL, ACCEPT "< P 1:10 win 512\n+50 nothing\ngot 0\n");
}

/* A segment that was sent earlier arrives later: its window is an old one. [9293 3.10.7.4-11] */
static void old_windows_do_not_count(void)
{
    RUN(NULL, ACCEPT "< P. 101:10 1 win 80\n> . 1:0 1 sack 101-111\n< P. 1:10 1 win 512\n"
                     "> . 1:0 11 sack 101-111\nsend 14600\n> . 1:1460 11\n> . 1461:1460 11\n"
                     "> . 2921:1460 11\n> . 4381:1460 11\n> . 5841:1460 11\n> . 7301:1460 11\n"
                     "> . 8761:1460 11\n+5 nothing\n");
}

/* [7323 2.3-2] */
static void our_window_is_scaled(void)
{
    RUN(NULL, ACCEPT "< P. 1:1280 1 win 512\n> . 1:0 1281 win 502\n");
}

/* ---- RFC 7323 ---- */

/* [7323 3.2-2] */
static void first_echo_is_zero(void)
{
    RUN(NULL, "connect\n> S 0:0 ts tsecr 0\n");
}

/* 4.3: of two segments that one acknowledgement answers the first one's; of one out of order the
 * last in order. [7323 4.3-1] */
static void echo_of_the_earliest(void)
{
    RUN(NULL, ACCEPT_TS "< P. 1:600 1 win 512 tsval 120 more\n< P. 601:600 1 win 512 tsval 121\n"
                        "> . 1:0 1201 tsecr 120\n< P. 2201:600 1 win 512 tsval 122\n"
                        "> . 1:0 1201 tsecr 120\n");
}

/* [7323 5.2-3] */
static void old_reset_counts(void)
{
    RUN(NULL, ACCEPT_TS "< R 1:0 tsval 5\nended reset\n");
}

/* ---- RFC 8985 ---- */

/* 6.2 step 4: a D-SACK a round trip widens the window by a quarter of the least round trip, up to a
 * whole one. [8985 3.3.2-3 3.3.2-4] */
static void reordering_window_grows(void)
{
    static struct flow flow;
    static struct flight flight;
    RUN(NULL,
        ACCEPT "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-2921\n"
               "+2.5 > . 1:1460 1\n+0.5 < . 1:0 2921 win 512\n< . 1:0 2921 win 512 sack 1-1461\n"
               "< . 1:0 2921 win 512 sack 4381-5841\n+4 nothing\n+1 > . 2921:1460 1\n");
    flow = (struct flow){
        .flight = &flight, .flags = FLOW_REORDERS, .min_rtt_us = 10000, .srtt_us = 12000};
    flight.reorder_mult = 4;
    CU_ASSERT_EQUAL(loss_reordering_window(&flow), 10000);
    flight.reorder_mult = 20;
    CU_ASSERT_EQUAL(loss_reordering_window(&flow), 12000);
}

/* 6.2 step 3: three blocks do not end the wait any more, nor do three duplicates.
 * [8985 6.2-3 9.2-1] */
static void reordering_is_remembered(void)
{
    RUN(NULL, ACCEPT "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-2921\n"
                     "+1 < . 1:0 2921 win 512\n< . 1:0 2921 win 512 sack 4381-5841\n< . 1:0 2921 "
                     "win 512 sack 4381-7301\n"
                     "< . 1:0 2921 win 512 sack 4381-8761\n+1 nothing\n"
                     "+0.5 > . 2921:1460 1\n");
}

/* [8985 6.2-1] */
static void least_round_trip_is_forgotten(void)
{
    static struct tcp tcp;
    static struct flow flow;
    flow = (struct flow){.tcp = &tcp};
    tcp_set_now(&tcp, 1000000);
    flow_rtt_sample(&flow, 10000);
    flow_rtt_sample(&flow, 50000);
    CU_ASSERT_EQUAL(flow.min_rtt_us, 10000);
    tcp_set_now(&tcp, 302000000);
    flow_rtt_sample(&flow, 50000);
    CU_ASSERT_EQUAL(flow.min_rtt_us, 50000);
}

/* 7.4.2: a probe filled the only hole. That was congestion, unless a D-SACK says that there was no
 * hole. */
#define PROBED                                                               \
    ACCEPT "send 2920\n> . 1:1460 1\n> . 1461:1460 1\n+22 > . 1461:1460 1\n" \
           "+3 < . 1:0 1461 win 512\n"
/* [8985 7.4.2-1 7.4.2-2] */
static void repaired_by_a_probe(void)
{
    RUN(NULL, PROBED "< . 1:0 2921 win 512\nsend 1460\n> . 2921:1460 1\nssthresh 4294967295\n"
                     "+10 < . 1:0 4381 win 512\nssthresh 10220\n");
    RUN(NULL, PROBED "< . 1:0 2921 win 512 sack 1461-2921\nsend 1460\n> . 2921:1460 1\n"
                     "+10 < . 1:0 4381 win 512\nssthresh 4294967295\n");
}

/* ---- RFC 6675, 5681, 5682, 6298, 6928 ---- */

/* [6675 5-2] */
static void blocks_survive_recovery(void)
{
    RUN(NULL, ACCEPT "send 18980\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-5841\n"
                     "> . 1:1460 1\n+1 < . 1:0 1 win 512 sack 1461-7301\n> . 14601:1460 1\n"
                     "+1 < . 1:0 1 win 512 sack 1461-8761\n> . 16061:1460 1\n"
                     "+1 < . 1:0 1 win 512 sack 1461-10221\n> . 17521:1460 1\n"
                     "+8 < . 1:0 14601 win 512 sack 16061-18981\n+2.5 > . 14601:1460 1\n"
                     "+5 < . 1:0 18981 win 512\n+300 nothing\n");
}

/* [6675 5.1-1] */
static void blocks_survive_timeouts(void)
{
    RUN(NULL, ACCEPT "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-14601\n"
                     "> . 1:1460 1\n+210 > . 1:1460 1\n+5 < . 1:0 14601 win 512\n+300 nothing\n"
                     "counter retransmits 2\n");
}

/* [5681 3.1-2] [6928 2-2] */
static void one_segment_after_a_lost_syn(void)
{
    RUN(NULL, "connect\n> S 0:0\n+1000 > S 0:0\n+20 < S. 0:0 1 mss 1460 sackok\n> . 1:0 1\n"
              "send 4380\n> . 1:1460 1\n+5 nothing\n+15 < . 1:0 1461\n> . 1461:1460 1\n"
              "> . 2921:1460 1\n");
}

/* Each of two duplicates lets a new segment go. [5681 3.2-3] */
static void limited_transmit(void)
{
    RUN(NULL, ACCEPT_PLAIN "send 20000\n" TEN_SEGMENTS "+10 < . 1:0 1\n> . 14601:1460 1\n"
                           "< . 1:0 1\n> . 16061:1460 1\n");
}

/* [5681 4.1-1] */
static void window_after_a_pause(void)
{
    RUN(NULL, ACCEPT "send 14600\n" TEN_SEGMENTS "+8 < . 1:0 14601 win 512\ncwnd 29200\n"
                     "+150 send 100\n> . 14601:100 1\n+8 < . 1:0 14701 win 512\ncwnd 29200\n"
                     "+300 send 100\n> . 14701:100 1\ncwnd 14600\n");
}

/* RFC 6298 2.2, 2.3; and every segment is a measurement. */
/* [6298 2-2 3-2] */
static void round_trips_are_smoothed(void)
{
    static struct tcp tcp;
    static struct flow flow;
    flow = (struct flow){.tcp = &tcp};
    flow_rtt_sample(&flow, 100000);
    CU_ASSERT_EQUAL(flow_rto_us(&flow), 100000 + 4 * 50000);
    flow_rtt_sample(&flow, 200000);
    CU_ASSERT_EQUAL(flow.srtt_us, 112500);
    CU_ASSERT_EQUAL(flow.rttvar_us, 62500);
    CU_ASSERT_EQUAL(flow_rto_us(&flow), 112500 + 4 * 62500);
    RUN(NULL, ACCEPT "send 1460\n> . 1:1460 1\n+100 < . 1:0 1461 win 512\nsend 1460\n"
                     "> . 1461:1460 1\n+221 > . 1461:1460 1\n");
}

/* Losses were being repaired already: acknowledgements prove nothing of the timeout. [5682 3.1-1]
 */
static void no_frto_in_recovery(void)
{
    RUN(NULL, ACCEPT "send 30000\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-5841\n"
                     "> . 1:1460 1\n+210 > . 1:1460 1\n+5 < . 1:0 5841 win 512\n> . 5841:1460 1\n"
                     "> . 7301:1460 1\n> . 8761:1460 1\n> . 10221:1460 1\n> . 11681:1460 1\n"
                     "counter spurious 0\n");
}

/* What was sent just before a timeout is not lost by it. [8985 6.3-1] */
static void young_segments_survive_a_timeout(void)
{
    RUN(NULL, ACCEPT_PLAIN "send 1460\n> . 1:1460 1\n+205 send 1460\n> . 1461:1460 1\n"
                           "+5 > . 1:1460 1\n+3 < . 1:0 1461\n+5 nothing\n+2 < . 1:0 2921\n"
                           "counter retransmits 1\n");
}

/* A mark and a loss in the same window reduce it once. [5681 4.3-1] */
static void one_reduction_a_window(void)
{
    RUN(NULL, ACCEPT_ECN "send 14600\n" TEN_SEGMENTS "+10 < E. 1:0 1461 win 512\nssthresh 10220\n"
                         "+1 < . 1:0 4381 win 512\n< . 1:0 4381 win 512 sack 5841-10221\n"
                         "> . 4381:1460 1\nssthresh 10220\n");
}

/* A retransmission is lost after a timeout: the window was reduced for that data already.
 * [6675 5.1-2] */
static void no_reduction_after_a_timeout(void)
{
    RUN(NULL, ACCEPT "send 14600\n" TEN_SEGMENTS "+22 > . 13141:1460 1\n+210 > . 1:1460 1\n"
                     "ssthresh 10220\n+10 < . 1:0 1461 win 512\n> . 1461:1460 1\n> . 2921:1460 1\n"
                     "+10 < . 1:0 1461 win 512 sack 2921-4381\n> . 1461:1460 1\nssthresh 10220\n"
                     "> . 4381:1460 1\n");
}

/* [6928 9-1] */
static void timer_is_restarted(void)
{
    RUN(NULL, "listen\n< S 0:0 win 65535 mss 1460\n> S. 0:0 1\n+10 < . 1:0 1\nsend 2920\n"
              "> . 1:1460 1\n> . 1461:1460 1\n+100 < . 1:0 1461\n+221 > . 1461:1460 1\n");
}

/* ---- RFC 3168 ---- */

/* [3168 6.1.1-3 6.1.4-1 6.1.5-1 6.1.5-2 6.1.6-1] */
static void what_is_not_ect(void)
{
    RUN(NULL, "listen\n< SEC 0:0 win 65535 mss 1460 sackok scale 7\n> SE. 0:0 1 -ect\n"
              "+10 < . 1:0 1 win 512\n< P. 1:100 1 win 512\n> . 1:0 101 -ect\n"
              "send 1460\n> . 1:1460 101 ect\n+210 > . 1:1460 101 -ect\n"
              "< P. 90000:10 1 win 512 ce\n> . 1461:0 101 -ect\n"
              "+5 < . 101:0 1461 win 0\nsend 100\n+210 > . 1460:0 101 -ect\n");
}

const struct lks_test *states_tests(void)
{
#define STATE(function)     \
    {                       \
#function, function \
    }
    static const struct lks_test tests[] = {
        STATE(initial_numbers),
        STATE(ports_are_not_guessed),
        STATE(from_an_address),
        STATE(listening_twice),
        STATE(mss_of_all_sizes),
        STATE(mss_of_who_says_nothing),
        STATE(jumbo_frames),
        STATE(keepalive),
        STATE(old_number_is_answered),
        STATE(checksum_is_looked_at),
        STATE(keepalive_after_two_hours),
        STATE(window_that_shrinks),
        STATE(shrunk_window_is_waited_for),
        STATE(last_segment_is_pushed),
        STATE(shut_window_takes_acknowledgements),
        STATE(no_acknowledgement_no_data),
        STATE(old_windows_do_not_count),
        STATE(our_window_is_scaled),
        STATE(first_echo_is_zero),
        STATE(echo_of_the_earliest),
        STATE(old_reset_counts),
        STATE(reordering_window_grows),
        STATE(reordering_is_remembered),
        STATE(least_round_trip_is_forgotten),
        STATE(repaired_by_a_probe),
        STATE(blocks_survive_recovery),
        STATE(blocks_survive_timeouts),
        STATE(one_segment_after_a_lost_syn),
        STATE(limited_transmit),
        STATE(window_after_a_pause),
        STATE(round_trips_are_smoothed),
        STATE(no_frto_in_recovery),
        STATE(young_segments_survive_a_timeout),
        STATE(one_reduction_a_window),
        STATE(no_reduction_after_a_timeout),
        STATE(timer_is_restarted),
        STATE(what_is_not_ect),
        {0},
    };
    return tests;
}
