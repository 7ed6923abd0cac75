/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_TCP_OPTION_H
#define LKS_NET_TCP_OPTION_H

/* A TCP header's options (RFC 9293 3.2, 7323, 2018), read and written. */

#include <stdbool.h>
#include <stdint.h>

#define TCP_OPTIONS_MAX   40u
#define TCP_SACKS_MAX     4u
#define TCP_SCALE_MAX     14u /* RFC 7323 2.3: a greater shift is taken as this */
#define TCP_OPT_TS_LEN    12u /* with the two NOPs that align it */
#define TCP_OPT_MSS_LEN   4u
#define TCP_OPT_SCALE_LEN 4u

struct tcp_sack {
    uint32_t from, to; /* to is the first sequence number behind it */
};

struct tcp_options {
    bool has_mss, has_scale, has_sack_ok, has_ts;
    uint8_t scale;
    uint8_t num_sacks;
    uint16_t mss;
    uint32_t ts_value, ts_echo;
    struct tcp_sack sacks[TCP_SACKS_MAX];
};

/* False where an option's length is impossible: 0, 1, beyond the header or not its own. Options
 * that belong to a SYN are noted as such only when is_syn. Of `sacks` nothing but num_sacks of them
 * is written. */
bool tcp_options_read(struct tcp_options *options, const uint8_t *bytes, uint32_t len, bool is_syn);

/* Writes those that are there in an order that aligns them, padded to four bytes; returns how many
 * bytes that are. Of SACK blocks it writes as many as fit. */
uint32_t tcp_options_write(uint8_t bytes[TCP_OPTIONS_MAX], const struct tcp_options *options);

#endif
