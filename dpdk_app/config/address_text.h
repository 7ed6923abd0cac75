/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_ADDRESS_TEXT_H
#define LOCKSTEPD_CONFIG_ADDRESS_TEXT_H

/* Numbers and addresses as people write them, for lockstep-load, too. */

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

/* Each returns NULL, or what is wrong with the text. Prefixes are counted in the 16 bytes of an
 * address; people count IPv4's in four. */
const char *address_parse_ip(const char *text, struct net_ip *ip);

/* IPv4[/prefix]:port or [IPv6[/prefix]]:port. prefix_len: 0 where none was said; NULL: none is
 * allowed. */
const char *address_parse(const char *text, struct net_addr *addr, uint8_t *prefix_len);

/* IPv4[/prefix] or IPv6[/prefix], IPv6 in brackets or not. */
const char *address_parse_own(const char *text, struct net_ip *ip, uint8_t *prefix_len);

/* What holds for an address that no prefix was said with: 24 or 64. */
uint8_t address_usual_prefix(const struct net_ip *ip);

/* A whole decimal number from low to high; no sign, no zeros in front. */
bool number_parse(const char *text, uint64_t low, uint64_t high, uint64_t *out);

#endif
