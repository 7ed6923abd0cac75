/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_HOST_H
#define LKS_HANDSHAKE_HOST_H

/* Names of hosts: one form for all that compares them, keeps them or sends them. */

#include <stdbool.h>
#include <stdint.h>

#include "base/reader.h"

#define LKS_HOST_MAX 253u /* bytes of a DNS name, without the dot at its end */

/* The canonical form of whatever came as a name: ASCII letters in lower case, one dot at the end
 * dropped. False, and empty: longer than LKS_HOST_MAX, or with a zero byte. */
bool lks_host_fold(char out[LKS_HOST_MAX + 1], struct lks_reader name);

/* Whether a canonical name is a host's: labels of 1 to 63 letters, digits, '-' and '_' (which is in
 * use), the last one not a number: that would be an address, or half of one. RFC 1123 section
 * 2.1. */
bool lks_host_is_valid(const char *host);

/* Whether a name in a certificate, canonical or with "*." in front, covers a canonical host: equal,
 * or (wildcards) with "*" for the host's first label, RFC 9525 section 6.3. */
bool lks_host_covers(const char *pattern, const char *host, bool wildcards);

/* The bytes of an IP address, 4 or 16 of them, and its canonical text; 0: it is none. */
#define LKS_ADDRESS_TEXT_MAX 46u
uint8_t lks_host_address(uint8_t out[16], char text[LKS_ADDRESS_TEXT_MAX], const char *name);

#endif
