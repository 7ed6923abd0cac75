/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_TCP_SENT_H
#define LKS_NET_TCP_SENT_H

/*
 * What a flow has in flight: a ring of segments in order of their sequence numbers, each in one of
 * three states, whose bytes are summed as they change. A segment stays what was cut when it was
 * first sent: the unit of acknowledgement, loss and retransmission.
 *
 * RACK asks in order of *time*. Segments sent once are in that order already, so it walks them with
 * an index that only advances (`fresh`); those sent again are in a list in order of their last
 * sending (`again`). Either is left at the first segment that is too young to be judged.
 *
 * SACK blocks mark a range again and again. Of a run of sacked segments the first knows how many
 * follow (`skip`, a lower bound that each walk brings up to date), so nobody who repeats blocks
 * makes us walk a window.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/pool.h"
#include "net/tcp_seq.h"

struct rte_mbuf;

enum segment_state {
    SEGMENT_FLYING, /* sent, not heard of */
    SEGMENT_LOST,   /* to be sent again */
    SEGMENT_SACKED, /* arrived, says a block */
};

#define SENT_NONE 0xffffu

struct segment {
    struct rte_mbuf *mbuf; /* where its payload starts in the send queue */
    uint32_t seq;
    uint32_t sent_us; /* last */
    uint16_t offset;  /* in mbuf's data */
    uint16_t len;     /* payload */
    uint16_t skip;
    uint16_t again_next, again_prev; /* flying and sent more than once: places in the ring */
    uint8_t state;
    uint8_t sendings : 7; /* saturates */
    uint8_t fin : 1;
};
_Static_assert(sizeof(struct segment) == 32, "two segments a cache line");

#define SENT_SMALL   16u
#define SENT_CLASSES 5u /* of rings beyond that, each four times the one below */
#define SENT_MAX     (SENT_SMALL << 2 * SENT_CLASSES)
_Static_assert(SENT_MAX <= 32768, "indices are differences in 16 bits");

struct sent {
    struct segment *ring;
    uint16_t mask;
    uint16_t first, end;              /* indices, counted on: & mask gives the place */
    uint16_t fresh;                   /* before it nothing is flying for the first time */
    uint16_t lost_hint;               /* before it nothing is lost */
    uint16_t again_first, again_last; /* places; SENT_NONE: none */
    uint8_t ring_class;               /* 0: small */
    uint16_t num_sacked;              /* segments */
    uint32_t flying, lost, sacked;    /* bytes, a FIN being one */
    struct segment small[SENT_SMALL];
};

static inline struct segment *sent_at(const struct sent *sent, uint16_t index)
{
    return &sent->ring[index & sent->mask];
}

static inline uint16_t sent_num(const struct sent *sent)
{
    return (uint16_t)(sent->end - sent->first);
}

static inline uint32_t segment_size(const struct segment *segment)
{
    return segment->len + (uint32_t)segment->fin;
}

static inline uint32_t segment_end(const struct segment *segment)
{
    return segment->seq + segment_size(segment);
}

void sent_init(struct sent *sent);
/* Gives a larger ring back. */
void sent_release(struct sent *sent, struct pool rings[SENT_CLASSES]);

/* Takes a larger ring; false: there is none. */
bool sent_grow(struct sent *sent, struct pool rings[SENT_CLASSES]);
/* Makes room for `num` more; false: neither there nor to be had now. */
static inline bool sent_reserve(struct sent *sent, uint16_t num, struct pool rings[SENT_CLASSES])
{
    while ((uint32_t)sent_num(sent) + num > (uint32_t)sent->mask + 1) {
        if (!sent_grow(sent, rings))
            return false;
    }
    return true;
}

/* Appends a segment, flying; there is room. */
static inline void sent_push(struct sent *sent, const struct segment *segment)
{
    struct segment *s = sent_at(sent, sent->end++);
    *s = *segment;
    s->state = SEGMENT_FLYING;
    s->sendings = 1;
    s->skip = 0;
    s->again_next = s->again_prev = SENT_NONE;
    sent->flying += segment_size(s);
}

static inline bool segment_is_again(const struct segment *s)
{
    return s->state == SEGMENT_FLYING && s->sendings > 1;
}

/* Where the bytes of its state are summed. */
static inline uint32_t *sent_sum_of(struct sent *sent, const struct segment *s)
{
    return s->state == SEGMENT_FLYING ? &sent->flying
           : s->state == SEGMENT_LOST ? &sent->lost
                                      : &sent->sacked;
}

void sent_unlink_again(struct sent *sent, const struct segment *s);

/* The first is acknowledged. */
static inline void sent_pop(struct sent *sent)
{
    const struct segment *s = sent_at(sent, sent->first);
    if (segment_is_again(s))
        sent_unlink_again(sent, s);
    *sent_sum_of(sent, s) -= segment_size(s);
    sent->num_sacked -= s->state == SEGMENT_SACKED;
    if (sent->fresh == sent->first)
        sent->fresh++;
    if (sent->lost_hint == sent->first)
        sent->lost_hint++;
    sent->first++;
}

/* The first `len` bytes of the first segment are acknowledged; where its payload goes on is the
 * caller's to say. */
void sent_trim(struct sent *sent, uint32_t len);

/* First index whose segment begins at seq or later; sent->end where there is none. */
uint16_t sent_find(const struct sent *sent, uint32_t seq);

/* Changes of state. */
void sent_mark_lost(struct sent *sent, uint16_t index);
void sent_mark_resent(struct sent *sent, uint16_t index, uint32_t now_us);
void sent_mark_sacked(struct sent *sent, uint16_t index);
/* It was not lost after all: flying as it was. */
void sent_mark_found(struct sent *sent, uint16_t index);
/* The peer took back what it had sacked (RFC 2018 8): all of it is lost. */
void sent_forget_sacked(struct sent *sent);

/* The first lost segment; the one that was sent again longest ago and is flying; or sent->end. */
uint16_t sent_next_lost(struct sent *sent);
uint16_t sent_first_again(const struct sent *sent);
/* The next segment after `index` that is not in the run of sacked ones which starts there. */
uint16_t sent_skip_sacked(struct sent *sent, uint16_t index);

#endif
