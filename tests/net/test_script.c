/* SPDX-License-Identifier: BSD-3-Clause */

/* A rule a script. */

#include <stdio.h>
#include <string.h>

#include "net/net.h"
#include "script.h"
#include "suites.h"

/* ---- RFC 9293 3.5: opening ---- */

/* [9293 3.7.1-1 3.10.7.2-1] */
static void passive_open(void)
{
    RUN(NULL, ACCEPT "counter half_open 0\ncounter flows 1\n");
}

/* [7323 2.2-1 2.3-1 3.2-1] */
static void options_only_if_offered(void)
{
    RUN(NULL, "listen\n< S 0:0 win 1000\n> S. 0:0 1 -ts -sack win 65535\n+5 < . 1:0 1 win "
              "1000\nup\n");
}

/* [4987 3.3-1] */
static void syn_ack_is_sent_again(void)
{
    RUN(NULL, "listen\n< S 0:0 mss 1460\n> S. 0:0 1\n"
              "+1000 > S. 0:0 1\n+2000 > S. 0:0 1\n+4000 > S. 0:0 1\n"
              "+8010 nothing\ncounter half_open 0\n");
}

static void same_syn_same_answer(void)
{
    RUN(NULL, "listen\n< S 0:0 mss 1460\n> S. 0:0 1\n+100 < S 0:0 mss 1460\n> S. 0:0 1\n"
              "+5 < . 1:0 1\nup\n");
}

/* [7323 2.2-1 3.2-1] [9293 3.7.1-1 3.7.1-3] */
static void active_open(void)
{
    RUN(NULL, "connect\n> S 0:0 win 65535 mss 1460 sackok scale 7 ts\n"
              "+20 < S. 0:0 1 win 65535 mss 1400 sackok scale 5 tsval 7\nup\n> . 1:0 1 ts tsecr 7\n"
              "mss 1388\n");
}

/* [6298 2-1] [9293 3.8.3-5] */
static void syn_is_sent_again_then_given_up(void)
{
    RUN(NULL, "connect\n> S 0:0\n+1000 > S 0:0\n+2000 > S 0:0\n+4000 > S 0:0 -ts -sack\n"
              "+8000 > S 0:0\n+16000 > S 0:0\n+32010 ended unreachable\ncounter flows 0\n");
}

/* [9293 3.10.7.3-1] */
static void refused(void)
{
    RUN(NULL, "connect\n> S 0:0\n+5 < R. 0:0 1\nended refused\n");
}

/* 3.10.7.3: a reset that acknowledges something else is none, an ACK of it is reset.
 * [9293 3.10.7.3-1] */
static void syn_sent_wrong_ack(void)
{
    RUN(NULL, "connect\n> S 0:0\n+5 < R. 0:0 77\n+5 < R 0:0\n+5 < . 50:0 77\n> R 77:0\n"
              "+5 < S. 0:0 1 mss 1460\nup\n> . 1:0 1\n");
}

/* Figure 7. [9293 3.5-1] */
static void simultaneous_open(void)
{
    RUN(NULL, "connect\n> S 0:0\n+5 < S 0:0 mss 1460 sackok\n> S. 0:0 1\n+5 < S. 0:0 1\nup\n"
              "< . 1:0 1\nup\nsend 100\n> . 1:100 1\n");
}

static void data_with_the_handshake_ack(void)
{
    RUN(NULL,
        "listen\n< S 0:0 mss 1460 sackok\n> S. 0:0 1\n+5 < P. 1:300 1\nup\ngot 300\n> . 1:0 301\n");
}

/* [9293 3.10.7.1-1 3.10.7.2-1] */
static void nobody_listens(void)
{
    RUN(NULL,
        "listen\nunlisten\n< S 0:0\n> R. 0:0 1\n< . 5:0 77\n> R 77:0\n< R 5:0\n+10 nothing\n");
}

/* [9293 3.10.7.4-9] */
static void wrong_ack_of_syn_ack(void)
{
    RUN(NULL, "listen\n< S 0:0 mss 1460\n> S. 0:0 1\n+5 < . 1:0 9\n> R 9:0\ncounter half_open 1\n"
              "+5 < . 1:0 1\nup\n");
}

/* What is not the SYN again, or a reset that is one, is asked about: RFC 5961 3.2, 4.2.
 * [5961 3.2-1 3.2-2] [9293 3.5-2] */
static void half_open_is_challenged(void)
{
    RUN(NULL, "listen\n< S 0:0 mss 1460\n> S. 0:0 1\n< R 100:0\n> . 1:0 1\ncounter challenges 1\n"
              "< S 5:0\n+5 nothing\n+600 < S 5:0\n> . 1:0 1\ncounter half_open 1\n"
              "< R 1:0\ncounter half_open 0\n");
    RUN(NULL, "listen\n< S 0:0 mss 1460 tsval 7\n> S. 0:0 1\n< S 5:0 tsval 8\n"
              "> . 1:0 1 ts tsecr 7\n");
}

/* ---- 3.6: closing ---- */

/* [9293 3.6-1 3.10.7.4-12] */
static void peer_closes(void)
{
    RUN(NULL,
        ACCEPT "+5 < F. 1:0 1 win 512\nfin\n> . 1:0 2\nshutdown\n> F. 1:0 2\n+5 < . 2:0 2 win 512\n"
               "ended closed\ncounter time_wait 0\ncounter flows 0\n");
}

/* A FIN that was sent again is acknowledged again: the second acknowledgement finds nobody, and the
 * reset that it gets is no concern of the peer's, which waits in TIME_WAIT. */
static void last_ack_comes_twice(void)
{
    RUN(NULL,
        ACCEPT "+5 < F. 1:0 1 win 512\nfin\n> . 1:0 2\nshutdown\n> F. 1:0 2\n+210 > F. 1:0 2\n"
               "+5 < . 2:0 2 win 512\nended closed\ncounter flows 0\n+1 < . 2:0 2 win 512\n"
               "> R 2:0\n");
}

/* [9293 3.6.1-2 3.10.7.4-12] */
static void we_close(void)
{
    RUN(NULL, ACCEPT
        "shutdown\n> F. 1:0 1\n+5 < . 1:0 2 win 512\n+5 < F. 1:0 2 win 512\nfin\nended closed\n"
        "> . 2:0 2\ncounter time_wait 1\n+60010 counter time_wait 0\n");
}

static void half_close_receives_on(void)
{
    RUN(NULL,
        ACCEPT "shutdown\n> F. 1:0 1\n+5 < . 1:0 2 win 512\n+5 < P. 1:500 2 win 512\ngot 500\n"
               "> . 2:0 501\n+5 < F. 501:0 2 win 512\nended closed\n> . 2:0 502\n");
}

static void half_close_sends_on(void)
{
    RUN(NULL,
        ACCEPT "+5 < F. 1:0 1 win 512\n> . 1:0 2\nsend 700\n> . 1:700 2\n+5 < . 2:0 701 win 512\n"
               "shutdown\n> F. 701:0 2\n+5 < . 2:0 702 win 512\nended closed\n");
}

/* Figure 13. [9293 3.10.7.4-12] */
static void simultaneous_close(void)
{
    RUN(NULL,
        ACCEPT "shutdown\n> F. 1:0 1\n+5 < F. 1:0 1 win 512\n> . 2:0 2\n+5 < . 2:0 2 win 512\n"
               "ended closed\ncounter time_wait 1\n");
}

/* [9293 3.9.1.2-2] */
static void fin_goes_with_the_last_data(void)
{
    RUN(NULL, ACCEPT "send 2000 fin\n> . 1:1460 1\n> F. 1461:540 1\n+5 < . 1:0 2002 win 512\n");
}

static void fin_is_sent_again(void)
{
    RUN(NULL,
        ACCEPT "shutdown\n> F. 1:0 1\n+210 > F. 1:0 1\n+420 > F. 1:0 1\n+5 < . 1:0 2 win 512\n");
}

/* 3.6.1: who has closed and gets more says that it is lost. [9293 3.6.1-1] */
static void closed_and_data_come(void)
{
    RUN(NULL, ACCEPT "close\n> F. 1:0 1\ncounter detached 1\n+5 < P. 1:100 2 win 512\n> R. 2:0 1\n"
                     "counter flows 0\ncounter detached 0\n");
}

static void detached_has_a_deadline(void)
{
    RUN(NULL,
        ACCEPT "close\n> F. 1:0 1\n+5 < . 1:0 2 win 512\n+59995 > R. 2:0 1\ncounter flows 0\n");
}

static void few_detached(struct net_config *config)
{
    config->max_detached = 0;
}

static void detached_has_a_limit(void)
{
    const struct script_setup setup = {.configure = few_detached};
    RUN(&setup, ACCEPT "close\n> R. 1:0 1\ncounter flows 0\n");
}

static void abort_resets(void)
{
    RUN(NULL, ACCEPT "abort\n> R. 1:0 1\ncounter flows 0\n");
}

/* ---- TIME_WAIT ---- */

#define TO_TIME_WAIT                                                     \
    ACCEPT_TS                                                            \
    "shutdown\n> F. 1:0 1\n+5 < F. 1:0 2 win 512 tsval 115\n> . 2:0 2\n" \
    "counter time_wait 1\n"

/* [9293 3.6.1-2 3.10.7.4-13] */
static void time_wait_answers_fin(void)
{
    RUN(NULL, TO_TIME_WAIT
        "+30000 < F. 1:0 2 win 512 tsval 115\n> . 2:0 2 ts\n+31000 counter time_wait 1\n"
        "+29100 counter time_wait 0\n");
}

/* RFC 1337. */
static void time_wait_ignores_resets(void)
{
    RUN(NULL, TO_TIME_WAIT "+10 < R 2:0\n+10 nothing\ncounter time_wait 1\n");
}

/* RFC 6191. [7323 3.2-4] [9293 3.6.1-3] */
static void time_wait_is_reused(void)
{
    RUN(NULL, TO_TIME_WAIT
        "+10 < S 500:0 mss 1460 tsval 116\n> S. 0:0 501\ncounter time_wait 0\ncounter reused 1\n");
}

/* [9293 3.6.1-3] */
static void time_wait_is_not_reused_by_old_syn(void)
{
    RUN(NULL, TO_TIME_WAIT "+10 < S 500:0 mss 1460 tsval 90\n> . 2:0 2\ncounter time_wait 1\n");
}

/* Only the FIN that we have acknowledged, sent again, says that our acknowledgement was lost.
 * [9293 3.10.7.4-13] */
static void time_wait_is_not_prolonged(void)
{
    RUN(NULL, TO_TIME_WAIT "+30000 < F. 500:0 2 win 512 tsval 115\n> . 2:0 2\n"
                           "+30100 counter time_wait 0\n");
}

/* ---- RFC 5961: blind attacks ---- */

/* [5961 3.2-1] [9293 3.6-1 3.10.7.4-5] */
static void reset_at_the_number_awaited(void)
{
    RUN(NULL, ACCEPT "+5 < R 1:0\nended reset\n");
}

/* [5961 3.2-2 7-1] [9293 3.10.7.4-5] */
static void reset_in_window_is_challenged(void)
{
    RUN(NULL, ACCEPT
        "+5 < R 100:0\n> . 1:0 1\ncounter challenges 1\ncounter flows 1\n+5 < R 101:0\n+5 nothing\n"
        "+600 < R 102:0\n> . 1:0 1\ncounter challenges 2\n");
}

/* [5961 3.2-3] [9293 3.4-1 3.10.7.4-3] */
static void reset_out_of_window_is_ignored(void)
{
    RUN(NULL, ACCEPT "+5 < R 70000:0\n+5 < R 0:0\n+5 nothing\ncounter flows 1\n");
}

/* [5961 4.2-1] [9293 3.10.7.4-6] */
static void syn_is_challenged(void)
{
    RUN(NULL, ACCEPT "+5 < S 1:0\n> . 1:0 1\ncounter challenges 1\ncounter flows 1\n");
}

/* [5961 5.2-1 5.2-2] [9293 3.10.7.4-10] */
static void ack_of_the_future_is_challenged(void)
{
    RUN(NULL, ACCEPT "+5 < P. 1:10 5000 win 512\n> . 1:0 1\ngot 0\n");
}

/* [5961 5.2-1] [9293 3.10.7.4-10] */
static void ack_of_the_past_is_challenged(void)
{
    RUN(NULL, ACCEPT "+5 < P. 1:10 -100000 win 512\n> . 1:0 1\ngot 0\n");
}

/* ---- RFC 7323 ---- */

/* [7323 3.2-3 5.2-1 5.3-1] */
static void paws(void)
{
    RUN(NULL, ACCEPT_TS "+5 < P. 1:10 1 win 512 tsval 109\n> . 1:0 1\ngot 0\ncounter paws 1\n"
                        "< P. 1:10 1 win 512 tsval 111\ngot 10\n> . 1:0 11 tsecr 111\n");
}

/* 3.2: who has negotiated them and leaves them out is not heard. [7323 3.2-6] */
static void timestamps_are_required(void)
{
    RUN(NULL, ACCEPT_TS "+5 < P. 1:10 1 win 512\ngot 0\n+50 nothing\n");
}

/* 5.2. [7323 3.2-5 5.2-2] */
static void resets_have_timestamps(void)
{
    RUN(NULL, ACCEPT_TS "abort\n> R. 1:0 1 ts tsecr 110\n");
    RUN(NULL,
        "listen\nunlisten\n< . 5:0 77 tsval 9\n> R 77:0 ts tsecr 9\n< . 5:0 77\n> R 77:0 -ts\n");
}

/* RFC 5961 4.2 before 3.2 here: a peer that has begun anew may not offer them any more.
 * [5961 4.2-1] */
static void syn_without_timestamps_is_challenged(void)
{
    RUN(NULL, ACCEPT_TS "+5 < S 1:0\n> . 1:0 1 ts\ncounter challenges 1\n");
}

/* [5681 2-1] [7323 2.2-3 2.3-1] [9293 3.1-1] */
static void window_scale_counts(void)
{
    RUN(NULL,
        "listen\n< S 0:0 win 10 mss 1460 sackok scale 0\n> S. 0:0 1\n+5 < . 1:0 1 win 3000\n"
        "send 6000\n> . 1:1460 1\n> . 1461:1460 1\n+10 < . 1:0 2921 win 1460\n> . 2921:1460 1\n");
}

/* ---- acknowledgements ---- */

#define SIXTEEN_READ /* past the segments that a young flow acknowledges at once */        \
    "< P. 1:1460 1 win 512\n> . 1:0 1461\n< P. 1461:1460 1 win 512\n> . 1:0 2921\n"        \
    "< P. 2921:1460 1 win 512\n> . 1:0 4381\n< P. 4381:1460 1 win 512\n> . 1:0 5841\n"     \
    "< P. 5841:1460 1 win 512\n> . 1:0 7301\n< P. 7301:1460 1 win 512\n> . 1:0 8761\n"     \
    "< P. 8761:1460 1 win 512\n> . 1:0 10221\n< P. 10221:1460 1 win 512\n> . 1:0 11681\n"  \
    "< P. 11681:1460 1 win 512\n> . 1:0 13141\n< P. 13141:1460 1 win 512\n> . 1:0 14601\n" \
    "< P. 14601:1460 1 win 512\n> . 1:0 16061\n< P. 16061:1460 1 win 512\n> . 1:0 17521\n" \
    "< P. 17521:1460 1 win 512\n> . 1:0 18981\n< P. 18981:1460 1 win 512\n> . 1:0 20441\n" \
    "< P. 20441:1460 1 win 512\n> . 1:0 21901\nread 21900\n> . 1:0 21901\n"

#define FIFTEEN_SMALL                                                                            \
    "< . 1:300 1\n> . 1:0 301\n< . 301:300 1\n> . 1:0 601\n< . 601:300 1\n> . 1:0 901\n"         \
    "< . 901:300 1\n> . 1:0 1201\n< . 1201:300 1\n> . 1:0 1501\n< . 1501:300 1\n> . 1:0 1801\n"  \
    "< . 1801:300 1\n> . 1:0 2101\n< . 2101:300 1\n> . 1:0 2401\n< . 2401:300 1\n> . 1:0 2701\n" \
    "< . 2701:300 1\n> . 1:0 3001\n< . 3001:300 1\n> . 1:0 3301\n< . 3301:300 1\n> . 1:0 3601\n" \
    "< . 3601:300 1\n> . 1:0 3901\n< . 3901:300 1\n> . 1:0 4201\n< . 4201:300 1\n> . 1:0 4501\n" \
    "handed 15\n"

/* [5681 4.2-1] [9293 3.8.6.3-2] */
static void every_second_segment(void)
{
    RUN(NULL, ACCEPT SIXTEEN_READ
        "< P. 21901:1460 1 win 512\n+5 nothing\n< P. 23361:1460 1 win 512\n> . 1:0 24821\n");
}

/* [5681 4.2-1] [9293 3.8.6.3-1] */
static void after_forty_milliseconds(void)
{
    RUN(NULL, ACCEPT SIXTEEN_READ "< P. 21901:100 1 win 512\n+40 > . 1:0 22001\n");
}

/* [5681 3.2-1] [9293 3.10.7.4-2] */
static void at_once_when_out_of_order(void)
{
    RUN(NULL, ACCEPT SIXTEEN_READ "< P. 23361:1460 1 win 512\n> . 1:0 21901 sack 23361-24821\n"
                                  "< P. 21901:1460 1 win 512\n> . 1:0 24821\ngot 24820\n");
}

static void data_carry_acknowledgements(void)
{
    RUN(NULL, ACCEPT SIXTEEN_READ "< P. 21901:100 1 win 512\n+5 send 50\n> . 1:50 22001\n+50 < . "
                                  "22001:0 51 win 512\n+50 nothing\n");
}

/* ---- RFC 2018, 2883: blocks that we send ---- */

/* [5681 4.2-2] */
static void blocks_latest_first(void)
{
    RUN(NULL, ACCEPT "< P. 101:100 1 win 512\n> . 1:0 1 sack 101-201\n"
                     "< P. 301:100 1 win 512\n> . 1:0 1 sack 301-401 sack 101-201\n"
                     "< P. 501:100 1 win 512\n> . 1:0 1 sack 501-601 sack 301-401 sack 101-201\n"
                     "< P. 201:100 1 win 512\n> . 1:0 1 sack 101-401 sack 501-601\n"
                     "< P. 1:100 1 win 512\n> . 1:0 401 sack 501-601\n"
                     "< P. 401:100 1 win 512\n> . 1:0 601\ngot 600\n");
}

static void duplicate_is_told(void)
{
    RUN(NULL,
        ACCEPT "< P. 1:100 1 win 512\n> . 1:0 101\n< P. 1:100 1 win 512\n> . 1:0 101 sack 1-101\n"
               "< P. 201:100 1 win 512\n> . 1:0 101 sack 201-301\n"
               "< P. 201:100 1 win 512\n> . 1:0 101 sack 201-301 sack 201-301\n");
}

static void overlaps_are_cut(void)
{
    RUN(NULL, ACCEPT "< P. 101:100 1 win 512\n> . 1:0 1 sack 101-201\n"
                     "< P. 301:100 1 win 512\n> . 1:0 1 sack 301-401 sack 101-201\n"
                     "< P. 151:200 1 win 512\n> . 1:0 1 sack 301-351 sack 101-401\n"
                     "< P. 1:500 1 win 512\n> . 1:0 501\ngot 500\n");
}

static void fin_out_of_order(void)
{
    RUN(NULL, ACCEPT "< F. 101:100 1 win 512\n> . 1:0 1 sack 101-201\n< P. 1:100 1 win 512\ngot "
                     "200\nfin\n> . 1:0 202\n");
}

/* It stays where it came first: neither bytes behind it nor one in front of it count, and none
 * counts in front of bytes that are here. */
static void fin_stays_where_it_is(void)
{
    RUN(NULL, ACCEPT "< F. 101:100 1 win 512\n> . 1:0 1 sack 101-201\n< F. 51:20 1 win 512\n"
                     "> . 1:0 1 sack 51-71 sack 101-201\n< P. 151:450 1 win 512\n"
                     "> . 1:0 1 sack 151-201 sack 101-201 sack 51-71\n< P. 1:500 1 win 512\n"
                     "got 200\nfin\n> . 1:0 202\n");
    RUN(NULL, ACCEPT "< P. 101:100 1 win 512\n> . 1:0 1 sack 101-201\n< F. 1:50 1 win 512\n"
                     "> . 1:0 51 sack 101-201\n< F. 51:50 1 win 512\n> . 1:0 201\ngot 200\n"
                     "< F. 201:0 1 win 512\nfin\n> . 1:0 202\n");
}

/* What a burst brings byte by byte is one buffer's worth; nothing else is joined to it. */
/* [9293 3.10.7.4-1] */
static void crumbs_of_a_burst_are_joined(void)
{
    RUN(NULL, ACCEPT "< P. 1:1 1 win 512 more\n< P. 2:1 1 win 512 more\n< P. 3:500 1 win 512 more\n"
                     "< P. 503:1 1 win 512\ngot 503\nhanded 1\n> . 1:0 504\n"
                     "< P. 504:1 1 win 512 more\n< P. 506:1 1 win 512 more\n"
                     "< P. 505:1 1 win 512\ngot 506\nhanded 3\n> . 1:0 507\n"
                     "< P. 507:1 1 win 512 more\n< P. 508:513 1 win 512 more\n"
                     "< F. 1021:1 1 win 512\ngot 1021\nfin\nhanded 3\n> . 1:0 1023\n");
}

/* A segment stays what it was where full ones are counted. */
static void joined_segments_are_not_full_ones(void)
{
    RUN(NULL, "listen\n< S 0:0 mss 300 sackok\n> S. 0:0 1\n+5 < . 1:0 1\n" FIFTEEN_SMALL
              "< P. 4501:300 1 more\n< P. 4801:300 1 more\n< P. 5101:300 1 more\n"
              "< P. 5401:300 1\n> . 1:0 5701\nhanded 1\n");
}

/* ---- windows ---- */

/* 3.8.6.2.2: small gains are not told, large ones are, at once. [7323 2.4-1]
 * [9293 3.4-1 3.8.6-1 3.8.6.2.2-1] [7323 2.3-1] */
static void window_of_ours_shuts_and_opens(void)
{
    RUN(NULL, SHUT "got 65535\nread 500\n+5 nothing\n< . 65536:1 1\n> . 1:0 65536 win 0\n"
                   "read 10000\n> . 1:0 65536 win 10500\n");
}

/* 3.4: a reset counts though no data would, with or without data of its own (3.5.3).
 * [9293 3.4-2 3.5.3-1] */
static void reset_counts_when_our_window_is_shut(void)
{
    RUN(NULL, SHUT "< R. 65536:10 1\nended reset\n");
    RUN(NULL, ACCEPT "< R. 1:10 1\nended reset\n");
}

/* 3.8.6.1. [7323 2.3-2] [9293 3.8.6.1-1] */
static void window_of_theirs_is_probed(void)
{
    RUN(NULL, ACCEPT
        "send 1000\n> . 1:1000 1\n+10 < . 1:0 1001 win 0\nsend 1000\n+212 > . 1000:0 1\n"
        "+10 < . 1:0 1001 win 0\n+415 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n+835 > . 1000:0 1\n"
        "+10 < . 1:0 1001 win 512\n> . 1001:1000 1\n");
}

/* [9293 3.8.6.1-2] */
static void shut_window_is_waited_for(void)
{
    RUN(NULL, ACCEPT
        "send 1000\n> . 1:1000 1\n+10 < . 1:0 1001 win 0\nsend 100\n"
        "+212 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n+415 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n"
        "+835 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n+1670 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n"
        "+3370 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n+6740 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n"
        "+13500 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n+27000 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n"
        "+54000 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n+60000 > . 1000:0 1\n+10 < . 1:0 1001 win 0\n"
        "+60000 > . 1000:0 1\n+10 < . 1:0 1001 win 512\n> . 1001:100 1\n");
}

/* 3.8.6.2.1: a window that is too small to be worth it waits, but not for ever. [9293 3.8.6.2.1-1]
 */
static void silly_window_is_not_filled(void)
{
    RUN(NULL, "listen\n< S 0:0 win 20000 mss 1460 sackok\n> S. 0:0 1\n+10 < . 1:0 1 win 20000\n"
              "send 2000\n> . 1:1460 1\n> . 1461:540 1\n+10 < . 1:0 2001 win 100\nsend 3000\n+100 "
              "nothing\n"
              "+110 > . 2001:100 1\n");
}

/* The wait is the same each time, however long the window was shut before. [9293 3.8.6.2.1-1] */
static void silly_windows_one_after_the_other(void)
{
    RUN(NULL,
        "listen\n< S 0:0 win 20000 mss 1460 sackok\n> S. 0:0 1\n+10 < . 1:0 1 win 0\nsend 3000\n"
        "+212 > . 0:0 1\n+10 < . 1:0 1 win 0\n+415 > . 0:0 1\n+10 < . 1:0 1 win 0\n"
        "+835 > . 0:0 1\n+10 < . 1:0 1 win 0\n+1670 > . 0:0 1\n+10 < . 1:0 1 win 100\n"
        "+212 > . 1:100 1\n+10 < . 1:0 101 win 100\n+212 > . 101:100 1\n"
        "+10 < . 1:0 201 win 100\n+212 > . 201:100 1\n");
}

const struct lks_test *script_tests(void)
{
#define SCRIPT(function)    \
    {                       \
#function, function \
    }
    static const struct lks_test tests[] = {
        SCRIPT(passive_open),
        SCRIPT(options_only_if_offered),
        SCRIPT(syn_ack_is_sent_again),
        SCRIPT(same_syn_same_answer),
        SCRIPT(active_open),
        SCRIPT(syn_is_sent_again_then_given_up),
        SCRIPT(refused),
        SCRIPT(syn_sent_wrong_ack),
        SCRIPT(simultaneous_open),
        SCRIPT(data_with_the_handshake_ack),
        SCRIPT(nobody_listens),
        SCRIPT(wrong_ack_of_syn_ack),
        SCRIPT(half_open_is_challenged),
        SCRIPT(peer_closes),
        SCRIPT(last_ack_comes_twice),
        SCRIPT(we_close),
        SCRIPT(half_close_receives_on),
        SCRIPT(half_close_sends_on),
        SCRIPT(simultaneous_close),
        SCRIPT(fin_goes_with_the_last_data),
        SCRIPT(fin_is_sent_again),
        SCRIPT(closed_and_data_come),
        SCRIPT(detached_has_a_deadline),
        SCRIPT(detached_has_a_limit),
        SCRIPT(abort_resets),
        SCRIPT(time_wait_answers_fin),
        SCRIPT(time_wait_ignores_resets),
        SCRIPT(time_wait_is_reused),
        SCRIPT(time_wait_is_not_reused_by_old_syn),
        SCRIPT(time_wait_is_not_prolonged),
        SCRIPT(reset_at_the_number_awaited),
        SCRIPT(reset_in_window_is_challenged),
        SCRIPT(reset_out_of_window_is_ignored),
        SCRIPT(syn_is_challenged),
        SCRIPT(ack_of_the_future_is_challenged),
        SCRIPT(ack_of_the_past_is_challenged),
        SCRIPT(paws),
        SCRIPT(timestamps_are_required),
        SCRIPT(resets_have_timestamps),
        SCRIPT(syn_without_timestamps_is_challenged),
        SCRIPT(window_scale_counts),
        SCRIPT(every_second_segment),
        SCRIPT(after_forty_milliseconds),
        SCRIPT(at_once_when_out_of_order),
        SCRIPT(data_carry_acknowledgements),
        SCRIPT(blocks_latest_first),
        SCRIPT(duplicate_is_told),
        SCRIPT(overlaps_are_cut),
        SCRIPT(fin_out_of_order),
        SCRIPT(fin_stays_where_it_is),
        SCRIPT(crumbs_of_a_burst_are_joined),
        SCRIPT(joined_segments_are_not_full_ones),
        SCRIPT(window_of_ours_shuts_and_opens),
        SCRIPT(reset_counts_when_our_window_is_shut),
        SCRIPT(window_of_theirs_is_probed),
        SCRIPT(shut_window_is_waited_for),
        SCRIPT(silly_window_is_not_filled),
        SCRIPT(silly_windows_one_after_the_other),
        {0},
    };
    return tests;
}
