/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * SYN cookies (RFC 4987 3.6): the state of a half-open connection in the numbers that its peer
 * sends back. Our initial sequence number is
 *
 *     minute (5 bits) | MSS, an index (3 bits) | keyed hash (24 bits)
 *
 * and where the peer has timestamps the low bits of ours say what else it offered: window scale
 * (4 bits, 15: none), SACK, ECN. The hash covers all of these, the addresses, the ports and the
 * peer's initial sequence number.
 */

#include "net/tcp_flow.h"

#define MINUTE_US   (64 * (uint64_t)TCP_S)
#define MINUTES_OLD 2u /* a cookie's greatest age, so at least one of them */
#define NO_SCALE    15u
#define OFFER_BITS  6u
#define OFFER_TS    (1u << OFFER_BITS) /* known to the hash alone */
#define FOR_COOKIE  3u

static const uint16_t mss_table[8] = {88, 216, 536, 1200, 1360, 1440, 1460, 8940};

static uint32_t index_of_mss(uint16_t mss)
{
    uint32_t i = 7;
    while (i && mss_table[i] > mss)
        i--;
    return i;
}

/* [4987 3.6-3] */
static uint32_t offer_of(const struct half_open *half)
{
    return OFFER_TS | (half->flags & FLOW_SCALE ? half->scale : NO_SCALE) |
           (half->flags & FLOW_SACK) << 4 | (half->flags & FLOW_ECN ? 1u << 5 : 0);
}

static uint32_t cookie_of(const struct tcp *tcp, const struct flow_key *key, uint32_t irs,
                          uint32_t minute, uint32_t mss_index, uint32_t offer)
{
    uint64_t words[FLOW_KEY_WORDS + 1];
    flow_key_words(words, key);
    words[FLOW_KEY_WORDS - 1] |= (uint64_t)FOR_COOKIE << 32;
    words[FLOW_KEY_WORDS] = (uint64_t)irs << 32 | (minute & 31) << 16 | mss_index << 8 | offer;
    return (minute & 31) << 27 | mss_index << 24 |
           (siphash(&tcp->secret, words, FLOW_KEY_WORDS + 1) & 0xffffff);
}

static uint32_t minute_now(const struct tcp *tcp)
{
    return (uint32_t)(tcp->now_us / MINUTE_US);
}

/* Answers a SYN and remembers nothing of it. [4987 3.6-1] */
void cookie_answer(struct tcp *tcp, uint8_t listener, const struct segment_in *in)
{
    struct half_open half;
    half_open_from_syn(tcp, &half, in);
    half.listener = listener;
    if (!(half.flags & FLOW_TS))
        half.flags = 0;                 /* nowhere to keep it */
    half.our_window = TCP_WINDOW_LEAST; /* what was said is not remembered either */
    const uint32_t offer = half.flags & FLOW_TS ? offer_of(&half) : 0;
    half.iss = cookie_of(tcp, &in->key, in->seq, minute_now(tcp), index_of_mss(half.mss), offer);
    /* the latest time that has the low bits wanted and has passed */
    const uint32_t now = tcp_timestamp(tcp, half.ts_offset);
    uint32_t with_offer = now >> OFFER_BITS << OFFER_BITS | (offer & ~OFFER_TS);
    if (seq_after(with_offer, now))
        with_offer -= 1u << OFFER_BITS;
    half.ts_offset += with_offer - now;
    if (half_open_send_syn_ack(tcp, &half)) {
        tcp->counters.syn_cookies_sent++;
        tcp->cookie_sent_us = tcp->now_us;
    }
}

/* False: the acknowledgement is of nothing we have said. [4987 3.6-2] [7323 3.2-7] */
bool cookie_accept(struct tcp *tcp, uint8_t listener, struct segment_in *in)
{
    const uint32_t cookie = in->ack - 1, irs = in->seq - 1;
    const uint32_t mss_index = cookie >> 24 & 7, age = (minute_now(tcp) - (cookie >> 27)) & 31;
    bool has_ts = in->options.has_ts && in->options.ts_echo;
    if (!tcp->cookie_sent_us || tcp->now_us - tcp->cookie_sent_us > (MINUTES_OLD + 1) * MINUTE_US)
        return false;
    const uint32_t ts_offset = tcp_ts_offset(tcp, &in->key);
    uint32_t offer = has_ts ? OFFER_TS | (in->options.ts_echo & (OFFER_TS - 1)) : 0;
    if (has_ts && cookie_of(tcp, &in->key, irs, cookie >> 27, mss_index, offer) != cookie) {
        has_ts = false; /* sent without having been asked: ignored (RFC 7323 3.2) */
        offer = 0;
    }
    if (age > MINUTES_OLD ||
        cookie_of(tcp, &in->key, irs, cookie >> 27, mss_index, offer) != cookie) {
        tcp->counters.syn_cookies_bad++;
        return false;
    }
    tcp->counters.syn_cookies_good++;
    struct half_open half = {.waiting.key = in->key,
                             .irs = irs,
                             .iss = cookie,
                             .ts_recent = in->options.ts_value,
                             .ts_offset = ts_offset,
                             .mss = mss_table[mss_index],
                             .window = in->window,
                             .our_window = TCP_WINDOW_LEAST,
                             .tries = 1, /* nothing was measured */
                             .listener = listener};
    if (has_ts) {
        half.scale = offer & 15;
        half.flags = (uint8_t)(FLOW_TS | ((offer & 15) == NO_SCALE ? 0 : FLOW_SCALE) |
                               (offer & 1 << 4 ? FLOW_SACK : 0) | (offer & 1 << 5 ? FLOW_ECN : 0));
    }
    half_open_accept(tcp, &half, in);
    return true;
}
