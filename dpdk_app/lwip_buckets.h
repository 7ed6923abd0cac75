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

/* lwIP's timers over one in BUCKET_SLICES of the buckets, the next one at each call: call so often
 * that all are through once every TCP_TMR_INTERVAL. A tick at a time over 10,000 connections would
 * hold packets up for a millisecond. */
#define BUCKET_SLICES 16u
void bucket_timers(void);

/* Call after lwIP got a SYN: its own limit of half-open connections, 255, would shut the listener
 * for 20 s after as many forged SYNs. Here the oldest half-open connection gives way to the newest,
 * and only when there are thousands. */
void bucket_note_syn(void);

/* Makes the first retransmission of a new connection come after a second (RFC 6298), not three. */
struct tcp_pcb;
void bucket_hasten(struct tcp_pcb *pcb);

/* Before a listener goes: lwIP would look for its half-open connections in one bucket only. */
struct tcp_pcb_listen;
void bucket_drop_half_open_of(const struct tcp_pcb_listen *listener);

/* Frees what all connections keep of bytes that came out of order: their peers send them again. */
void bucket_free_out_of_order(void);

#endif
