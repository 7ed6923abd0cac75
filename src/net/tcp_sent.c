/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/tcp_sent.h"

/* Indices count on and wrap at 2^16; they are compared as seen from the first. */
static bool index_before(const struct sent *sent, uint16_t a, uint16_t b)
{
    return (uint16_t)(a - sent->first) < (uint16_t)(b - sent->first);
}

void sent_init(struct sent *sent)
{
    sent->ring = sent->small;
    sent->mask = SENT_SMALL - 1;
    sent->first = sent->end = sent->fresh = sent->lost_hint = 0;
    sent->again_first = sent->again_last = SENT_NONE;
    sent->ring_class = 0;
    sent->flying = sent->lost = sent->sacked = 0;
    sent->num_sacked = 0;
}

void sent_release(struct sent *sent, struct pool rings[SENT_CLASSES])
{
    if (sent->ring_class)
        pool_put(&rings[sent->ring_class - 1], sent->ring);
    sent->ring = sent->small;
    sent->ring_class = 0;
}

static uint16_t index_of_place(const struct sent *sent, uint16_t place)
{
    return (uint16_t)(sent->first + ((place - sent->first) & sent->mask));
}

static uint16_t place_in_larger(const struct sent *sent, uint16_t place, uint16_t mask)
{
    return place == SENT_NONE ? SENT_NONE : index_of_place(sent, place) & mask;
}

bool sent_grow(struct sent *sent, struct pool rings[SENT_CLASSES])
{
    if (sent->ring_class == SENT_CLASSES)
        return false;
    struct segment *larger = pool_get(&rings[sent->ring_class]);
    if (!larger)
        return false;
    const uint16_t mask = (uint16_t)((sent->mask + 1) * 4 - 1);
    for (uint16_t i = sent->first; i != sent->end; i++) {
        struct segment *s = &larger[i & mask];
        *s = *sent_at(sent, i);
        s->again_next = place_in_larger(sent, s->again_next, mask);
        s->again_prev = place_in_larger(sent, s->again_prev, mask);
    }
    sent->again_first = place_in_larger(sent, sent->again_first, mask);
    sent->again_last = place_in_larger(sent, sent->again_last, mask);
    const uint8_t ring_class = sent->ring_class;
    sent_release(sent, rings);
    sent->ring = larger;
    sent->mask = mask;
    sent->ring_class = (uint8_t)(ring_class + 1);
    return true;
}

void sent_unlink_again(struct sent *sent, const struct segment *s)
{
    if (s->again_prev == SENT_NONE)
        sent->again_first = s->again_next;
    else
        sent_at(sent, s->again_prev)->again_next = s->again_next;
    if (s->again_next == SENT_NONE)
        sent->again_last = s->again_prev;
    else
        sent_at(sent, s->again_next)->again_prev = s->again_prev;
}

static void again_append(struct sent *sent, uint16_t index)
{
    const uint16_t place = index & sent->mask;
    struct segment *s = sent_at(sent, index);
    s->again_next = SENT_NONE;
    s->again_prev = sent->again_last;
    if (sent->again_last == SENT_NONE)
        sent->again_first = place;
    else
        sent_at(sent, sent->again_last)->again_next = place;
    sent->again_last = place;
}

static void set_state(struct sent *sent, struct segment *s, enum segment_state state)
{
    if (segment_is_again(s))
        sent_unlink_again(sent, s);
    *sent_sum_of(sent, s) -= segment_size(s);
    sent->num_sacked -= s->state == SEGMENT_SACKED;
    s->state = state;
    sent->num_sacked += state == SEGMENT_SACKED;
    *sent_sum_of(sent, s) += segment_size(s);
}

void sent_trim(struct sent *sent, uint32_t len)
{
    struct segment *s = sent_at(sent, sent->first);
    *sent_sum_of(sent, s) -= len;
    s->seq += len;
    s->len = (uint16_t)(s->len - len);
}

uint16_t sent_find(const struct sent *sent, uint32_t seq)
{
    uint16_t low = 0, high = sent_num(sent);
    while (low < high) {
        const uint16_t middle = (uint16_t)((low + high) / 2);
        if (seq_before(sent_at(sent, (uint16_t)(sent->first + middle))->seq, seq))
            low = (uint16_t)(middle + 1);
        else
            high = middle;
    }
    return (uint16_t)(sent->first + low);
}

void sent_mark_lost(struct sent *sent, uint16_t index)
{
    set_state(sent, sent_at(sent, index), SEGMENT_LOST);
    if (index_before(sent, index, sent->lost_hint))
        sent->lost_hint = index;
}

/* [8985 4-2] */
void sent_mark_resent(struct sent *sent, uint16_t index, uint32_t now_us)
{
    struct segment *s = sent_at(sent, index);
    set_state(sent, s, SEGMENT_FLYING);
    s->sent_us = now_us;
    if (s->sendings < 127)
        s->sendings++;
    again_append(sent, index);
}

void sent_mark_sacked(struct sent *sent, uint16_t index)
{
    struct segment *s = sent_at(sent, index);
    set_state(sent, s, SEGMENT_SACKED);
    s->skip = 0;
}

void sent_mark_found(struct sent *sent, uint16_t index)
{
    struct segment *s = sent_at(sent, index);
    set_state(sent, s, SEGMENT_FLYING);
    if (s->sendings > 1)
        again_append(sent, index);
    else if (index_before(sent, index, sent->fresh))
        sent->fresh = index;
}

void sent_forget_sacked(struct sent *sent)
{
    for (uint16_t i = sent->first; i != sent->end; i++) {
        if (sent_at(sent, i)->state == SEGMENT_SACKED)
            sent_mark_lost(sent, i);
    }
}

uint16_t sent_first_again(const struct sent *sent)
{
    return sent->again_first == SENT_NONE ? sent->end : index_of_place(sent, sent->again_first);
}

uint16_t sent_next_lost(struct sent *sent)
{
    if (!sent->lost)
        return sent->end;
    uint16_t i = sent->lost_hint;
    while (sent_at(sent, i)->state != SEGMENT_LOST)
        i = sent_skip_sacked(sent, i);
    sent->lost_hint = i;
    return i;
}

uint16_t sent_skip_sacked(struct sent *sent, uint16_t index)
{
    uint16_t next = (uint16_t)(index + 1);
    struct segment *s = sent_at(sent, index);
    if (s->state != SEGMENT_SACKED)
        return next;
    next = (uint16_t)(next + s->skip);
    while (next != sent->end && sent_at(sent, next)->state == SEGMENT_SACKED)
        next = (uint16_t)(next + 1 + sent_at(sent, next)->skip);
    s->skip = (uint16_t)(next - index - 1);
    return next;
}
