/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_ADDRESSES_H
#define LOCKSTEPD_CONFIG_ADDRESSES_H

/* Addresses as people write them, and how a configuration's fit together. */

#include "conf.h"

/* Each returns NULL, or what is wrong with the text. */
const char *address_parse_ip(const char *text, struct net_ip *ip);

/* IPv4[/prefix]:port or [IPv6[/prefix]]:port. prefix_len: 0 where none was said; NULL: none is
 * allowed. */
const char *address_parse(const char *text, struct net_addr *addr, uint8_t *prefix_len);

/* IPv4[/prefix] or IPv6[/prefix], IPv6 in brackets or not. */
const char *address_parse_own(const char *text, struct net_ip *ip, uint8_t *prefix_len);

/* A whole decimal number from low to high; no sign, no zeros in front. */
bool number_parse(const char *text, uint64_t low, uint64_t high, uint64_t *out);

/* Finds config->own, makes ":443" what it stands for, and complains of what does not fit. */
void addresses_check(struct conf *config, struct complaints *c);

#endif
