/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_NET_SCRIPT_H
#define LKS_TESTS_NET_SCRIPT_H

/*
 * A peer played from text against one instance, in virtual time. A script is lines; `+N` in front
 * of one lets N milliseconds pass first (0 where it is left out).
 *
 *     < FLAGS SEQ:LEN [ACK] [win N] [mss N] [sackok] [scale N] [ts N] [sack A-B …] [ce] [bad]
 * [more] > FLAGS SEQ:LEN [ACK] [win N] [mss N] [sackok] [scale N] [ts] [tsecr N] [sack A-B …] [ect]
 * [psh] nothing                  until then no packet came listen | connect | send N [fin] | read N
 * | shutdown | close | abort | unlisten toobig SEQ MTU | hard SEQ | soft SEQ | mtu N | learned N |
 * troubled | untroubled got N | handed N | fin | up | ended WHY | cwnd N | ssthresh N | mss N |
 * counter NAME N
 *
 * `<` is what the peer sends, `>` what it must get next, N milliseconds after the line before (give
 * or take two, or a fiftieth). Flags are letters: S F R P E C and . for ACK; P is not compared. The
 * peer's sequence numbers count from its SYN, ours from ours; options that a line with > names are
 * compared, and `-ts` and the like want one absent. A peer with timestamps echoes the latest of
 * ours; `more` has a packet come in one burst with the next. `handed` counts the buffers that the
 * user got since it was asked last. A comment begins with #.
 *
 * A script is played over IPv4 and then over IPv6, where the link's MTU is greater by as much as
 * the header is.
 */

#include <stdbool.h>

struct net_config;

struct script_setup {
    void (*configure)(struct net_config *config);
    bool is_v4_only, is_v6_only;
};

/* False, and CUnit knows the line, where something was otherwise. */
bool script_run(const char *name, const struct script_setup *setup, const char *text);

/* ---- how scripts begin ---- */

#define RUN(setup, text) CU_ASSERT(script_run(__func__, setup, text))

/* The peer opens; timestamps off, so that numbers are round: 1460 bytes a segment. */
#define ACCEPT                                       \
    "listen\n"                                       \
    "< S 0:0 win 65535 mss 1460 sackok scale 7\n"    \
    "> S. 0:0 1 win 65535 mss 1460 sackok scale 7\n" \
    "+10 < . 1:0 1 win 512\n"                        \
    "up\n"
#define ACCEPT_PLAIN               \
    "listen\n"                     \
    "< S 0:0 win 65535 mss 1460\n" \
    "> S. 0:0 1\n"                 \
    "+10 < . 1:0 1\n"              \
    "up\n"
#define ACCEPT_TS                                                 \
    "listen\n"                                                    \
    "< S 0:0 win 65535 mss 1460 sackok scale 7 tsval 100\n"       \
    "> S. 0:0 1 win 65535 mss 1460 sackok scale 7 ts tsecr 100\n" \
    "+10 < . 1:0 1 win 512 tsval 110\n"                           \
    "up\n"
#define ACCEPT_ECN                                  \
    "listen\n"                                      \
    "< SEC 0:0 win 65535 mss 1460 sackok scale 7\n" \
    "> SE. 0:0 1\n"                                 \
    "+10 < . 1:0 1 win 512\n"

/* The first window. */
#define TEN_SEGMENTS                                                                     \
    "> . 1:1460 1\n> . 1461:1460 1\n> . 2921:1460 1\n> . 4381:1460 1\n> . 5841:1460 1\n" \
    "> . 7301:1460 1\n> . 8761:1460 1\n> . 10221:1460 1\n> . 11681:1460 1\n"             \
    "> . 13141:1460 1\n"

/* Our window, shut by a reader that does not read. */
#define SHUT                                                                                 \
    "listen\n< S 0:0 mss 8960 sackok\n> S. 0:0 1 win 65535\n< . 1:0 1\n"                     \
    "< . 1:8960 1\n> . 1:0 8961 win 56575\n< . 8961:8960 1\n> . 1:0 17921 win 47615\n"       \
    "< . 17921:8960 1\n> . 1:0 26881 win 38655\n< . 26881:8960 1\n> . 1:0 35841 win 29695\n" \
    "< . 35841:8960 1\n> . 1:0 44801 win 20735\n< . 44801:8960 1\n> . 1:0 53761 win 11775\n" \
    "< . 53761:8960 1\n> . 1:0 62721 win 2815\n< . 62721:8960 1\n> . 1:0 65536 win 0\n"

#endif
