/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_DPDK_H
#define LOCKSTEP_DPDK_H

/*
 * liblockstep-dpdk: mbuf chains as the engine's spans, without copying. A chain is what DPDK calls
 * a packet: segments linked by next, of any number, pkt_len and nb_segs right in the first. Records
 * need not begin or end with a segment.
 *
 * Clones share their bytes: opening or sealing in place writes where the spans point, so through an
 * indirect mbuf (rte_pktmbuf_clone(), or the border that lks_mbuf_cut() makes) it changes the
 * original and every other clone of it, and a record that fails to open is wiped in all of them.
 * Nothing here looks for that. Who still needs the bytes as they came (a capture, a mirror, TCP's
 * copy for sending again) opens into other memory, or a chain of rte_pktmbuf_copy().
 */

#include <stdbool.h>

#include <lockstep/span.h>
#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rte_mbuf;
struct rte_mempool;

/*
 * The spans of len bytes of a chain, from byte offset on; at most max_spans are written. Returns
 * how many there are, which may be more than max_spans (call again with more room), or 0 if the
 * chain ends before (or len is 0). Empty segments give no span. They are where the bytes are, in a
 * clone the original's: see above before using them as a destination.
 */
LKS_API uint32_t lks_mbuf_spans(const struct rte_mbuf *chain, uint32_t offset, uint32_t len,
                                struct lks_span *spans, uint32_t max_spans);

/*
 * A chain of len fresh bytes to seal into: segments of seg_len bytes (a TCP segment's payload; the
 * last may be shorter), each with the pool's headroom for lower headers. The bytes are not
 * initialised. The chain is the caller's. NULL: the pool is empty, seg_len is 0 or more than its
 * mbufs hold, or more than 65535 segments would be needed.
 */
LKS_API struct rte_mbuf *lks_mbuf_alloc(struct rte_mempool *pool, uint32_t len, uint16_t seg_len);

/*
 * Makes room around a chain's bytes for sealing them in place: head more bytes in front (in the
 * first segment's headroom, else in a new first segment) and tail more behind (in the last
 * segment's tailroom, else in a further segment). A segment that others refer to too is not written
 * beyond its data. *chain may change. LKS_NO_MEMORY: as it was. LKS_BAD_ARGUMENT: head or tail is
 * more than an mbuf of the pool holds.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_mbuf_wrap(struct rte_mbuf **chain, struct rte_mempool *pool, uint16_t head, uint16_t tail);

/* Keeps len bytes of a chain from byte offset on and frees what lies wholly outside: what remains
 * of a record opened in place once header, type, padding and tag are gone. Takes the chain, returns
 * the new one; NULL (all freed) if len is 0 or the chain is shorter than that. */
LKS_API struct rte_mbuf *lks_mbuf_trim(struct rte_mbuf *chain, uint32_t offset, uint32_t len);

/*
 * Cuts the first len bytes off a chain. *front gets them; *chain becomes the rest, NULL if there is
 * none. Where the border lies within a segment, *front ends in an indirect mbuf from `clones` that
 * refers to the first part of that segment. LKS_NO_MEMORY, LKS_BAD_ARGUMENT (the chain is shorter
 * than len, or len is 0): nothing changed.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_mbuf_cut(struct rte_mbuf **chain, uint32_t len,
                                                    struct rte_mempool *clones,
                                                    struct rte_mbuf **front);

#ifdef __cplusplus
}
#endif
#endif
