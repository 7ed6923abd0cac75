/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_LWIP_BUCKETS_H
#define LOCKSTEPD_LWIP_BUCKETS_H

/*
 * lwIP looks every segment's connection up in linear lists, 125,000 cycles at 10,000 connections.
 * The lists' heads are public, so we keep one pair of lists (active, TIME_WAIT) a hash bucket and
 * switch a bucket in before lwIP touches a connection of it. One is always switched in.
 */

#include <stdbool.h>
#include <stdint.h>

#include "lwip/ip_addr.h"

/* The bucket of a connection, by what tells connections apart on this machine. */
uint32_t bucket_of(ip_addr_t remote_ip, uint16_t remote_port, uint16_t local_port);

/* Switches a bucket in. Must precede any call that may add or remove a connection of it. */
void bucket_enter(uint32_t bucket);

/* Whether the bucket that is in has a connection, in whatever state, of this address pair. */
bool bucket_has(ip_addr_t remote_ip, uint16_t remote_port, uint16_t local_port);

/* Runs lwIP's fast (and, if slow, slow) TCP timers over all buckets, as one tick each. */
void bucket_timers(bool slow);

#endif
