/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_FRAME_H
#define LOCKSTEPD_FRAME_H

/* What the lwIP side needs of mbufs. DPDK's headers clash with lwIP's over struct ip6_hdr, so the
 * two meet here: frame.c sees DPDK, tcp_lwip.c sees lwIP, both see this. */

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct port;

/* PORT_MBUF_PRIVATE bytes that belong to whoever holds the segment. */
void *frame_private(struct rte_mbuf *segment);

uint8_t *frame_data(const struct rte_mbuf *segment);
uint16_t frame_len(const struct rte_mbuf *segment); /* of this segment */
uint32_t frame_chain_len(const struct rte_mbuf *chain);
uint16_t frame_num_segments(const struct rte_mbuf *chain);
struct rte_mbuf *frame_next(const struct rte_mbuf *segment);

/* Takes the segment out of whatever chain it headed: alone, with these bytes of its buffer. */
void frame_set(struct rte_mbuf *segment, uint8_t *data, uint16_t len);
/* Links two segments, without counting: for queues that the chain's lengths do not matter to. */
void frame_link(struct rte_mbuf *segment, struct rte_mbuf *next);
/* Appends a chain to a chain that has room for its segments. Returns false (tail untouched) if not.
 */
int frame_append(struct rte_mbuf *head, struct rte_mbuf *tail);
void frame_free_segment(struct rte_mbuf *segment);
void frame_free_chain(struct rte_mbuf *chain);

/* Whether the segment has its bytes in a buffer of the pool for sending. */
bool frame_is_of_sending(const struct port *port, const struct rte_mbuf *segment);

/* A frame of len bytes to send, one segment; *data where they go. NULL: no buffers. */
struct rte_mbuf *frame_new(const struct port *port, uint16_t len, uint8_t **data);

/* A copy of a chain in as few segments of seg_len bytes as hold it. NULL: no buffers. */
struct rte_mbuf *frame_compact(const struct port *port, const struct rte_mbuf *chain,
                               uint16_t seg_len);

/* Milliseconds and microseconds that only go up. */
uint32_t frame_now_ms(void);
uint64_t frame_now_us(void);
/* Another clock, in microseconds: for tests, whose time is not the machine's. */
void frame_set_clock(uint64_t (*now_us)(void));

#endif
