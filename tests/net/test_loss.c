/* SPDX-License-Identifier: BSD-3-Clause */

/* Scripts of loss, congestion and errors: what is sent again, when, and how much else. */

#include "net/net.h"
#include "script.h"
#include "suites.h"

/* ---- RFC 6928, 5681 ---- */

/* [5681 2-1 3.1-3] [6928 2-1] */
static void first_window_of_ten(void)
{
    RUN(NULL, ACCEPT "send 30000\n" TEN_SEGMENTS "+9 nothing\ncwnd 14600\n");
}

/* [9293 3.8.2-1] [9438 4.10-1] */
static void slow_start_doubles(void)
{
    RUN(NULL, ACCEPT "send 14600\n" TEN_SEGMENTS "+8 < . 1:0 14601 win 512\ncwnd 29200\n");
}

/* What the user left unused is no reason to grow. [9438 4.6-2] */
static void unused_window_does_not_grow(void)
{
    RUN(NULL, ACCEPT "send 1460\n> . 1:1460 1\n+8 < . 1:0 1461 win 512\ncwnd 14600\n");
}

/* ---- RFC 8985: RACK ---- */

/* [8985 3.3.2-2 6.2-4 6.2-5] */
static void reordering_is_waited_for(void)
{
    RUN(NULL, ACCEPT "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-2921\n"
                     "+2 nothing\n+1 > . 1:1460 1\n");
}

/* [8985 6.2-4] */
static void reordered_is_not_lost(void)
{
    RUN(NULL, ACCEPT "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-2921\n"
                     "+1 < . 1:0 2921 win 512\n+5 nothing\ncounter retransmits 0\n");
}

/* Three segments' worth of blocks end the wait where nothing was ever reordered (6.2 step 4).
 * [8985 3.3.2-1] [9438 4.6-1] */
static void three_are_enough(void)
{
    RUN(NULL, ACCEPT "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-5841\n"
                     "> . 1:1460 1\nssthresh 10220\n");
}

/* [6675 4-1 4-3] [8985 4-1] */
static void all_holes_are_filled(void)
{
    RUN(NULL,
        ACCEPT "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 4381-5841 sack 7301-14601\n"
               "> . 1:1460 1\n> . 1461:1460 1\n> . 2921:1460 1\n> . 5841:1460 1\n");
}

/* [8985 4-2] */
static void lost_retransmission_goes_again(void)
{
    RUN(NULL, ACCEPT "send 40000\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-5841\n"
                     "> . 1:1460 1\n+1 < . 1:0 1 win 512 sack 1461-7301\n> . 14601:1460 1\n"
                     "+10 < . 1:0 1 win 512 sack 14601-16061 sack 1461-7301\n> . 1:1460 1\n"
                     "> . 7301:1460 1\n> . 8761:1460 1\n");
}

/* 7: the tail is probed after two round trips. [8985 7.2-1 7.2-2 7.3-2 7.3-3] */
static void tail_loss_probe(void)
{
    RUN(NULL, ACCEPT "send 2920\n> . 1:1460 1\n> . 1461:1460 1\n+22 > . 1461:1460 1\n"
                     "counter probes 1\n+210 > . 1:1460 1\ncounter timeouts 1\n");
}

/* 7.4.2: a probe that filled the only hole is congestion all the same. */
static void tail_loss_is_not_hidden(void)
{
    RUN(NULL, ACCEPT "send 2920\n> . 1:1460 1\n> . 1461:1460 1\n+10 < . 1:0 1461 win 512\n"
                     "+210 > . 1461:1460 1\n");
}

/* RFC 8985 7.3: no second probe before a round trip was measured anew; here all that is
 * acknowledged was sent twice. 7.1: recovery forgets the first. [6298 3-1] [8985 7.1-1 7.3-1]
 * [9293 3.8.1-1] */
static void probes_need_a_round_trip(void)
{
    RUN(NULL,
        ACCEPT "send 2920\n> . 1:1460 1\n> . 1461:1460 1\n+22 > . 1461:1460 1\n"
               "+10 < . 1:0 1 win 512 sack 1461-2921\n> . 1:1460 1\n+10 < . 1:0 2921 win 512\n"
               "send 2920\n> . 2921:1460 1\n> . 4381:1460 1\n+210 > . 2921:1460 1\n"
               "counter probes 1\ncounter timeouts 1\n");
}

/* Segments are counted, whatever their size: RFC 8985 6.2 step 4. [8985 3.3.2-1] */
static void three_small_ones_are_enough(void)
{
    RUN(NULL, ACCEPT "send 100\n> . 1:100 1\nsend 100\n> . 101:100 1\nsend 100\n> . 201:100 1\n"
                     "send 100\n> . 301:100 1\n+10 < . 1:0 1 win 512 sack 101-401\n> . 1:100 1\n");
}

/* ---- RFC 6298 ---- */

/* [5681 3.1-7 3.1-8] [6298 4-1 5-1] [9293 3.8.1-1 3.8.2-1] [9406 4.3-2] */
static void timeouts_back_off(void)
{
    RUN(NULL, ACCEPT "send 1460\n> . 1:1460 1\n+210 > . 1:1460 1\ncwnd 1460\nssthresh 10220\n"
                     "+420 > . 1:1460 1\n+5 < . 1:0 1461 win 512\n"
                     "send 1460\n> . 1461:1460 1\n");
}

/* 5.7: where the SYN was lost nothing was measured, and a second proved short. [6298 5-3] */
static void three_seconds_after_a_lost_syn(void)
{
    RUN(NULL, "connect\n> S 0:0\n+1000 > S 0:0\n+20 < S. 0:0 1 mss 1460 sackok\n> . 1:0 1\n"
              "send 1000\n> . 1:1000 1\n+3000 > . 1:1000 1\n");
}

#define AGAIN "+60000 > . 1:100 1\n"

/* [6298 5-2] [9293 3.8.3-1] */
static void nobody_there_any_more(void)
{
    RUN(NULL, ACCEPT
        "send 100\n> . 1:100 1\n+210 > . 1:100 1\n+420 > . 1:100 1\n+840 > . 1:100 1\n"
        "+1680 > . 1:100 1\n+3360 > . 1:100 1\n+6720 > . 1:100 1\n+13440 > . 1:100 1\n"
        "+26880 > . 1:100 1\n+53760 > . 1:100 1\n" AGAIN AGAIN AGAIN AGAIN AGAIN AGAIN AGAIN AGAIN
        "+60000 > R. 101:0 1\nended timeout\n"
        "counter flows 0\ncounter buffers 0\n");
}

/* RFC 2018 8: a peer may forget what it has said. [6675 4-5 5.1-1] [8985 7.2-1] */
static void reneging(void)
{
    RUN(NULL, ACCEPT "send 4380\n> . 1:1460 1\n> . 1461:1460 1\n> . 2921:1460 1\n"
                     "+10 < . 1:0 1 win 512 sack 1461-4381\n+2.5 > . 1:1460 1\n"
                     "+10 < . 1:0 1461 win 512\n+210 > . 1461:1460 1\n+10 < . 1:0 2921 win 512\n"
                     "> . 2921:1460 1\n");
}

/* ---- RFC 5682 ---- */

#define TIMED_OUT ACCEPT "send 20000\n" TEN_SEGMENTS "+22 > . 14601:1460 1\n+210 > . 1:1460 1\n"

/* [5681 3.1-5] [5682 3.1-3] [8985 7.3-2] */
static void spurious_timeout_at_once(void)
{
    RUN(NULL, TIMED_OUT "+5 < . 1:0 2921 win 512\ncounter spurious 1\nssthresh 4294967295\n"
                        "> . 16061:1460 1\n> . 17521:1460 1\n> . 18981:1020 1\n");
}

/* [5682 3.1-2 3.1-3] */
static void spurious_timeout_by_new_data(void)
{
    RUN(NULL, TIMED_OUT "+5 < . 1:0 1461 win 512\n> . 16061:1460 1\n> . 17521:1460 1\n"
                        "+5 < . 1:0 1461 win 512 sack 1461-2921\ncounter spurious 1\n");
}

/* [5682 3.1-4] */
static void true_timeout(void)
{
    RUN(NULL, TIMED_OUT "+5 < . 1:0 1461 win 512\n> . 16061:1460 1\n> . 17521:1460 1\n"
                        "+10 < . 1:0 1461 win 512 sack 16061-17521\ncounter spurious 0\n"
                        "> . 1461:1460 1\n");
}

/* ---- RFC 9937 ---- */

/* One out for one in, once the window is down: not a burst, not a pause. [5681] [6675 4-2]
 * [8985 9.3-1] */
static void reduction_is_proportional(void)
{
    RUN(NULL, ACCEPT "send 18980\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-5841\n"
                     "> . 1:1460 1\ncwnd 10220\n+1 < . 1:0 1 win 512 sack 1461-7301\n"
                     "> . 14601:1460 1\n+1 < . 1:0 1 win 512 sack 1461-8761\n> . 16061:1460 1\n"
                     "+1 < . 1:0 1 win 512 sack 1461-10221\n> . 17521:1460 1\n"
                     "+8 < . 1:0 14601 win 512\ncwnd 10220\n");
}

/* ---- RFC 6582: peers without SACK ---- */

/* [5681 3.2-2] [8985 4-1] */
static void three_duplicates(void)
{
    RUN(NULL,
        ACCEPT_PLAIN "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1\n< . 1:0 1\n+1 nothing\n< . 1:0 1\n"
                     "> . 1:1460 1\n+10 < . 1:0 2921\n> . 2921:1460 1\n+5 < . 1:0 14601\n"
                     "cwnd 10220\ncounter retransmits 2\n");
}

/* Something new ends their count: these are four, but never three in a row. [5681 3.2-2] */
static void duplicates_in_a_row(void)
{
    RUN(NULL,
        ACCEPT_PLAIN "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1\n+1 < . 1:0 1\n+1 < . 1:0 2921\n"
                     "+1 < . 1:0 2921\n+1 < . 1:0 2921\n+1 nothing\ncounter retransmits 0\n");
}

/* ---- RFC 2883, 3522: it was not lost ---- */

/* [9438 4.9.2-1] */
static void undone_by_dsack(void)
{
    RUN(NULL,
        ACCEPT "send 14600\n" TEN_SEGMENTS "+10 < . 1:0 1 win 512 sack 1461-5841\n> . 1:1460 1\n"
               "ssthresh 10220\n+1 < . 1:0 5841 win 512\n"
               "+5 < . 1:0 5841 win 512 sack 1-1461\nssthresh 4294967295\n");
}

/* [7323 4.1-1 5.4-1] [8985 6.2-2] */
static void undone_by_timestamp(void)
{
    RUN(NULL,
        "listen\n< S 0:0 win 65535 mss 1460 sackok scale 7 tsval 1\n> S. 0:0 1\n"
        "+10 < . 1:0 1 win 512 tsval 2\nsend 14480\n"
        "> . 1:1448 1\n> . 1449:1448 1\n> . 2897:1448 1\n> . 4345:1448 1\n> . 5793:1448 1\n"
        "> . 7241:1448 1\n> . 8689:1448 1\n> . 10137:1448 1\n> . 11585:1448 1\n> . 13033:1448 1\n"
        "+10 < . 1:0 1 win 512 tsval 3 sack 1449-5793\n> . 1:1448 1\nssthresh 10136\n"
        "+1 < . 1:0 5793 win 512 tsval 4 tsecr -10\nssthresh 4294967295\n");
}

/* ---- RFC 3168 ---- */

/* [3168 5-1 5-2 6.1.1-2 6.1.2-1] [9293 3.8.2-2] */
static void ecn_slows_down(void)
{
    RUN(NULL,
        ACCEPT_ECN "send 1460\n> . 1:1460 1 ect\n+10 < E. 1:0 1461 win 512\nssthresh 10220\n"
                   "send 1460\n> C. 1461:1460 1 ect\n+10 < . 1:0 2921 win 512\nssthresh 10220\n"
                   "send 100\n> . 2921:100 1\n");
}

/* Acknowledgements that say nothing of it are a reduction's all the same, until all that was in
 * flight when it began has arrived. [3168 6.1.2-1] */
static void ecn_reduction_ends(void)
{
    RUN(NULL, ACCEPT_ECN "send 14600\n" TEN_SEGMENTS "+10 < E. 1:0 1461 win 512\nssthresh 10220\n"
                         "+1 < . 1:0 7301 win 512\n+1 < . 1:0 14601 win 512\ncwnd 10220\n");
}

/* 6.1.2: a timeout is told of, too. [3168 6.1.2-1] */
static void timeout_is_told_by_cwr(void)
{
    RUN(NULL, ACCEPT_ECN "send 1460\n> . 1:1460 1 ect\n+210 > . 1:1460 1\n+5 < . 1:0 1461 win 512\n"
                         "send 100\n> C. 1461:100 1\n");
}

/* [3168 6.1.3-1] [9293 3.8.2-2] */
static void ecn_is_echoed(void)
{
    RUN(NULL,
        ACCEPT_ECN "< P. 1:100 1 win 512 ce\n> E. 1:0 101\n< P. 101:100 1 win 512\n> E. 1:0 201\n"
                   "< PC. 201:100 1 win 512\n> . 1:0 301\n");
}

/* [3168 6.1.1-1] */
static void no_ecn_unless_offered(void)
{
    RUN(NULL, ACCEPT "< P. 1:100 1 win 512 ce\n> . 1:0 101\n");
}

/* ---- RFC 1191, 5927 ---- */

static const struct script_setup v4_only = {.is_v4_only = true}, v6_only = {.is_v6_only = true};

/* [1191 3-1 3-2 3-5 6.4-1] [7323 5.7-1] */
static void path_mtu_is_lowered(void)
{
    RUN(&v4_only, ACCEPT "send 2920\n> . 1:1460 1\n> . 1461:1460 1\ntoobig 1 1000\nmss 960\n"
                         "> . 1:960 1\n> . 961:500 1\n> . 1461:960 1\n> . 2421:500 1\n"
                         "+10 < . 1:0 2921 win 512\ncwnd 14600\ncounter lowered 1\n"
                         "+600000 send 2000\n> . 2921:1460 1\n> . 4381:540 1\n");
}

/* The link's MTU is 1520 where scripts are played over IPv6. [8200 8.3-1] [8201 4-2 4-3 5.4-1] */
static void path_mtu_is_lowered_v6(void)
{
    RUN(&v6_only, ACCEPT "send 2920\n> . 1:1460 1\n> . 1461:1460 1\ntoobig 1 1400\nmss 1340\n"
                         "> . 1:1340 1\n> . 1341:120 1\n> . 1461:1340 1\n> . 2801:120 1\n"
                         "+10 < . 1:0 2921 win 512\ncwnd 14600\ncounter lowered 1\n"
                         "+600000 send 2000\n> . 2921:1460 1\n> . 4381:540 1\n");
}

/* [1191 3-3 3-4] [8201 6-1] */
static void path_mtu_lies(void)
{
    RUN(&v4_only,
        ACCEPT "toobig 1 1000\nmss 1460\nsend 1460\n> . 1:1460 1\ntoobig 1461 1000\nmss 1460\n"
               "toobig 0 1000\nmss 1460\ntoobig 1 1500\nmss 1460\ntoobig 1 68\nmss 512\n"
               "> . 1:512 1\n> . 513:512 1\n> . 1025:436 1\n");
}

/* [1191 3-6] */
static void path_mtu_not_told(void)
{
    RUN(&v4_only,
        ACCEPT "send 1460\n> . 1:1460 1\ntoobig 1 0\nmss 1452\n> . 1:1452 1\n> . 1453:8 1\n");
}

/* RFC 8201 4: less than 1280 bytes, or nothing, is not believed. [8201 4-1 4-2] */
static void path_mtu_lies_v6(void)
{
    RUN(&v6_only, ACCEPT "send 1460\n> . 1:1460 1\ntoobig 1 1279\nmss 1460\ntoobig 1 0\nmss 1460\n"
                         "learned 0\ntoobig 1 1280\nmss 1220\nlearned 1280\n> . 1:1220 1\n"
                         "> . 1221:240 1\n");
}

/* What was known before the flow began is forgotten, too. [1191 3-5] */
static void path_mtu_of_before_is_forgotten(void)
{
    RUN(&v4_only, "mtu 1000\n" ACCEPT "mss 960\n+600000 send 960\n> . 1:960 1\n+5 < . 1:0 961\n"
                  "mtu 0\n+600000 send 1460\n> . 961:1460 1\n");
}

static void black_hole_is_found(void)
{
    RUN(&v6_only, ACCEPT "send 1460\n> . 1:1460 1\n+210 > . 1:1460 1\n+420 > . 1:1460 1\n"
                         "+840 > . 1:1220 1\n> . 1221:240 1\ncounter black_holes 1\n"
                         "+1680 > . 1:1220 1\n> . 1221:240 1\ncounter black_holes 1\n");
    RUN(&v4_only,
        ACCEPT "send 1460\n> . 1:1460 1\n+210 > . 1:1460 1\n+420 > . 1:1460 1\n"
               "+840 > . 1:1240 1\n> . 1241:220 1\ncounter black_holes 1\n"
               "+1680 > . 1:512 1\n> . 513:512 1\n> . 1025:436 1\ncounter black_holes 2\n");
    /* timestamps are part of what does not fit */
    RUN(&v6_only, "listen\n< S 0:0 win 65535 mss 1232 scale 7 tsval 100\n> S. 0:0 1\n"
                  "+10 < . 1:0 1 win 512 tsval 110\nsend 1220\n> . 1:1220 1\n+210 > . 1:1220 1\n"
                  "+420 > . 1:1220 1\n+840 > . 1:1208 1\n> . 1209:12 1\ncounter black_holes 1\n");
}

/* [9293 3.9.2.2-1 3.9.2.2-4] */
static void errors_while_connecting(void)
{
    RUN(NULL, "connect\n> S 0:0\nsoft 0\nhard 1\n+10 nothing\nhard 0\nended unreachable\n");
}

/* [9293 3.9.2.2-1] */
static void errors_while_half_open(void)
{
    RUN(NULL, "listen\n< S 0:0 mss 1460\n> S. 0:0 1\nsoft 0\nhard 1\ncounter half_open 1\n"
              "counter soft_errors 1\nhard 0\ncounter half_open 0\ncounter hard_errors 1\n");
    RUN(NULL, "connect\n> S 0:0\n+5 < S 0:0 mss 1460\n> S. 0:0 1\nhard 0\nended unreachable\n");
}

/* RFC 9293 3.9.2.2: they are told of, until something arrives after all. [9293 3.9.1.8-1 3.9.2.2-3]
 */
static void soft_errors_are_told(void)
{
    RUN(NULL, "connect\n> S 0:0\nuntroubled\nsoft 0\ntroubled\n+5 < S. 0:0 1 mss 1460\n> . 1:0 1\n"
              "untroubled\nsend 100\n> . 1:100 1\nsoft 1\ntroubled\n+5 < . 1:0 101\nuntroubled\n"
              "counter soft_errors 2\n");
}

/* [9293 3.9.2.2-4] */
static void errors_when_open(void)
{
    RUN(NULL, ACCEPT "send 100\n> . 1:100 1\nhard 1\nsoft 1\ncounter flows 1\n");
}

/* ---- RFC 4987 ---- */

static void no_queue(struct net_config *config)
{
    config->max_half_open = 0;
}

static const struct script_setup cookies = {no_queue};

/* [4987 3.6-1 3.6-3] */
static void cookie_keeps_options(void)
{
    RUN(&cookies,
        "listen\n< S 0:0 win 65535 mss 1460 sackok scale 6 tsval 9\n"
        "> S. 0:0 1 mss 1460 sackok scale 7 ts tsecr 9\ncounter half_open 0\ncounter flows 0\n"
        "+10 < P. 1:200 1 win 512 tsval 10\nup\ngot 200\n> . 1:0 201 ts\ncounter cookies_good 1\n"
        "mss 1448\nsend 1448\n> . 1:1448 201\n"
        "< P. 301:100 1 win 512 tsval 11\n> . 1449:0 201 sack 301-401\n");
}

/* [4987 3.6-3] */
static void cookie_without_timestamps(void)
{
    RUN(&cookies, "listen\n< S 0:0 win 65535 mss 1400 sackok scale 6\n> S. 0:0 1 -sack\n"
                  "+10 < . 1:0 1 win 5000\nup\nmss 1360\n");
}

/* Timestamps that nobody asked for are not read as an offer (RFC 7323 3.2). [7323 3.2-7] */
static void cookie_with_stray_timestamps(void)
{
    RUN(&cookies,
        "listen\n< S 0:0 win 65535 mss 1400\n> S. 0:0 1 -ts\n"
        "+10 < . 1:0 1 win 5000 tsval 5 tsecr 64\nup\nmss 1360\nsend 10\n> . 1:10 1 -ts\n");
}

/* [4987 3.6-2] */
static void cookie_must_be_right(void)
{
    RUN(&cookies, "listen\n< S 0:0 mss 1460\n> S. 0:0 1\n< . 1:0 2\n> R 2:0\n< . 2:0 1\n> R 1:0\n"
                  "counter cookies_bad 2\n< . 1:0 1\nup\n");
}

/* [4987 3.6-2] */
static void cookie_grows_old(void)
{
    RUN(&cookies,
        "listen\n< S 0:0 mss 1460\n> S. 0:0 1\n+200000 < . 1:0 1\n> R 1:0\ncounter flows 0\n");
}

/* ---- limits ---- */

static void one_flow(struct net_config *config)
{
    config->max_flows = 1;
}

static void one_flow_no_queue(struct net_config *config)
{
    config->max_flows = 1;
    config->max_half_open = 0;
}

/* The acknowledgement is as if it had been lost: the peer's data bring another one.
 * [9293 3.9.1.1-2] */
static void table_is_full(void)
{
    static const struct script_setup setups[] = {{one_flow}, {one_flow_no_queue}};
    RUN(&setups[0], "connect\n> S 0:0\nlisten\n< S 0:0 mss 1460\n> S. 0:0 1\n+10 < P. 1:10 1\n"
                    "+5 nothing\ncounter syns_dropped 1\ncounter half_open 1\n");
    RUN(&setups[1], "connect\n> S 0:0\nlisten\n< S 0:0 mss 1460\n> S. 0:0 1\n+10 < P. 1:10 1\n"
                    "+5 nothing\ncounter syns_dropped 1\ncounter resets_out 0\n");
}

static void few_buffers(struct net_config *config)
{
    config->max_buffers = 64;
}

/* Who takes nothing and holds nearly all goes, once it has had its time. */
static void silent_reader_is_evicted(void)
{
    const struct script_setup setup = {few_buffers};
    RUN(&setup, "listen\n< S 0:0 win 0 mss 1460 sackok\n> S. 0:0 1\n+10 < . 1:0 1 win 0\n"
                "send 118000\ncounter buffers 58\n+210 > . 0:0 1\n+420 > . 0:0 1\n+840 > . 0:0 1\n"
                "+530 > R. 1:0 1\nended nomemory\ncounter buffers 0\n");
}

static void byte_by_byte_is_joined(void)
{
    RUN(NULL, ACCEPT "send 1\nsend 1\nsend 1\nsend 1\ncounter buffers 1\n> . 1:1 1\n> . 2:1 1\n"
                     "> . 3:1 1\n> . 4:1 1\n+10 < . 1:0 5 win 512\ncounter buffers 0\n");
}

const struct lks_test *loss_tests(void)
{
#define SCRIPT(function)    \
    {                       \
#function, function \
    }
    static const struct lks_test tests[] = {
        SCRIPT(first_window_of_ten),
        SCRIPT(slow_start_doubles),
        SCRIPT(unused_window_does_not_grow),
        SCRIPT(reordering_is_waited_for),
        SCRIPT(reordered_is_not_lost),
        SCRIPT(three_are_enough),
        SCRIPT(all_holes_are_filled),
        SCRIPT(lost_retransmission_goes_again),
        SCRIPT(tail_loss_probe),
        SCRIPT(tail_loss_is_not_hidden),
        SCRIPT(probes_need_a_round_trip),
        SCRIPT(three_small_ones_are_enough),
        SCRIPT(timeouts_back_off),
        SCRIPT(three_seconds_after_a_lost_syn),
        SCRIPT(nobody_there_any_more),
        SCRIPT(reneging),
        SCRIPT(spurious_timeout_at_once),
        SCRIPT(spurious_timeout_by_new_data),
        SCRIPT(true_timeout),
        SCRIPT(reduction_is_proportional),
        SCRIPT(three_duplicates),
        SCRIPT(duplicates_in_a_row),
        SCRIPT(undone_by_dsack),
        SCRIPT(undone_by_timestamp),
        SCRIPT(ecn_slows_down),
        SCRIPT(ecn_reduction_ends),
        SCRIPT(timeout_is_told_by_cwr),
        SCRIPT(ecn_is_echoed),
        SCRIPT(no_ecn_unless_offered),
        SCRIPT(path_mtu_is_lowered),
        SCRIPT(path_mtu_is_lowered_v6),
        SCRIPT(path_mtu_lies),
        SCRIPT(path_mtu_not_told),
        SCRIPT(path_mtu_lies_v6),
        SCRIPT(path_mtu_of_before_is_forgotten),
        SCRIPT(black_hole_is_found),
        SCRIPT(errors_while_connecting),
        SCRIPT(errors_while_half_open),
        SCRIPT(soft_errors_are_told),
        SCRIPT(errors_when_open),
        SCRIPT(cookie_keeps_options),
        SCRIPT(cookie_without_timestamps),
        SCRIPT(cookie_with_stray_timestamps),
        SCRIPT(cookie_must_be_right),
        SCRIPT(cookie_grows_old),
        SCRIPT(table_is_full),
        SCRIPT(silent_reader_is_evicted),
        SCRIPT(byte_by_byte_is_joined),
        {0},
    };
    return tests;
}
