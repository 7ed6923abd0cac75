/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_PROXY_H
#define LOCKSTEPD_PROXY_H

/*
 * The PROXY protocol, version 2, as a pool's servers get it: who the client is and where it
 * connected. In the one form that all receivers take: PROXY, TCP over IPv4 or IPv6, no TLVs.
 */

#include <stddef.h>

#include "net/addr.h"

#define PROXY_HEADER_MAX 52u

/* Writes a header and returns its length. Both addresses are of one family. */
size_t proxy_header(uint8_t out[PROXY_HEADER_MAX], const struct net_addr *client,
                    const struct net_addr *local);

#endif
