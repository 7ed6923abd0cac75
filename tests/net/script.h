/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_NET_SCRIPT_H
#define LKS_TESTS_NET_SCRIPT_H

/*
 * A peer played from text against one instance, in virtual time. A script is lines; `+N` in front
 * of one lets N milliseconds pass first (0 where it is left out).
 *
 *     < FLAGS SEQ:LEN [ACK] [win N] [mss N] [sackok] [scale N] [ts N] [sack A-B …] [ce] [bad]
 * [more] > FLAGS SEQ:LEN [ACK] [win N] [mss N] [sackok] [scale N] [ts] [tsecr N] [sack A-B …] [ect]
 *     nothing                  until then no packet came
 *     listen | connect | send N [fin] | read N | shutdown | close | abort | unlisten
 *     toobig SEQ MTU | hard SEQ | soft SEQ | mtu N | learned N | troubled | untroubled
 *     got N | handed N | fin | up | ended WHY | cwnd N | ssthresh N | mss N | counter NAME N
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

#endif
