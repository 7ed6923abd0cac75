/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Peers that do not take what they were sent, or send what nobody takes. A flow whose user has gone
 * finishes by itself, but not for ever: within DETACHED_US, and while its peer acknowledges. Flows
 * with users are bounded by buffers alone: when those run short, the worst holder goes.
 *
 * What counts as progress is a buffer that comes back. An answered window probe, or an
 * acknowledgement of a few bytes, gives us nothing.
 */

#include "lwip_flow.h"

#include <stddef.h>

#include "frame.h"

#define DETACHED_US       60000000u
#define DETACHED_STALL_US 20000000u
#define LOOKS             64u

/* None pays whose oldest byte is younger: it may be a retransmission away from being acknowledged.
 */
#define HELD_US 2000000u

static struct {
    struct flow *oldest, *newest;
    struct flow *next; /* to be looked at; NULL: the oldest */
    uint32_t num;
} list;

void detached_add(struct flow *f)
{
    f->is_listed = true;
    f->detached_us = f->progress_us = frame_now_us();
    f->earlier = list.newest;
    f->later = NULL;
    if (list.newest)
        list.newest->later = f;
    else
        list.oldest = f;
    list.newest = f;
    list.num++;
}

void detached_remove(struct flow *f)
{
    if (!f->is_listed)
        return;
    f->is_listed = false;
    if (f->earlier)
        f->earlier->later = f->later;
    else
        list.oldest = f->later;
    if (f->later)
        f->later->earlier = f->earlier;
    else
        list.newest = f->earlier;
    if (list.next == f)
        list.next = f->later;
    list.num--;
}

uint32_t detached_num(void)
{
    return list.num;
}

struct flow *detached_oldest(void)
{
    return list.oldest;
}

struct flow *detached_late(void)
{
    const uint64_t now = frame_now_us();
    for (uint32_t looks = list.num / LOOKS + 1; looks; looks--) {
        struct flow *f = list.next ? list.next : list.oldest;
        if (!f)
            break;
        list.next = f->later;
        /* One that waits for its FIN's acknowledgement alone holds no buffer. */
        const bool is_stalled = f->sent.head && now - f->progress_us >= DETACHED_STALL_US;
        if (is_stalled || now - f->detached_us >= DETACHED_US)
            return f;
    }
    return NULL;
}

/* Bytes that wait for the user: what is shorter than this is joined. */
#define WAIT_A_BUFFER 1024u

static uint32_t buffers_waiting(const struct flow *f)
{
    return (f->unconsumed + WAIT_A_BUFFER - 1) / WAIT_A_BUFFER;
}

uint32_t buffers_held(const struct flow *f, enum held of)
{
    return of == HELD_SENDING ? f->sent.num_buffers : f->sent.num_received + buffers_waiting(f);
}

/* What a flow costs others: buffers times the age of the oldest byte in them, which neither a drip
 * of acknowledgements nor an answered probe makes less. */
static uint64_t cost(uint32_t num_buffers, uint64_t age_us)
{
    return age_us < HELD_US ? 0 : num_buffers * age_us;
}

static uint64_t weight(const struct flow *f, enum held of)
{
    const uint64_t sent_age = sent_age_us(&f->sent);
    if (f->wants_abort)
        return 0;
    if (of == HELD_SENDING)
        return cost(f->sent.num_buffers, sent_age);
    return cost(f->sent.num_received, sent_age) +
           cost(buffers_waiting(f), f->old ? frame_now_us() - f->old_us : 0);
}

struct flow *worst_holder(struct flow *flows, uint32_t num_flows, enum held of)
{
    struct flow *worst = NULL;
    uint64_t most = 0;
    for (uint32_t i = 0; i < num_flows; i++) {
        const uint64_t w = weight(&flows[i], of);
        if (w > most) {
            most = w;
            worst = &flows[i];
        }
    }
    return worst;
}
