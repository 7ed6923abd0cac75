/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/tcp_ports.h"

#include <string.h>

#include "net/flow_table.h"

/* Where our port's two bytes stand in what is hashed: behind both addresses and the peer's port. */
static uint32_t port_offset(bool is_v4)
{
    return (is_v4 ? 8 : 32) + 2;
}

static uint32_t key_window(const uint8_t key[NET_RSS_KEY_MAX], uint32_t bit)
{
    uint64_t five = 0;
    for (uint32_t i = 0; i < 5; i++)
        five = five << 8 | (bit / 8 + i < NET_RSS_KEY_MAX ? key[bit / 8 + i] : 0);
    return (uint32_t)(five >> (8 - bit % 8));
}

uint32_t toeplitz(const uint8_t key[NET_RSS_KEY_MAX], const uint8_t *bytes, uint32_t len,
                  uint32_t offset)
{
    uint32_t hash = 0;
    for (uint32_t bit = 0; bit < len * 8; bit++) {
        if (bytes[bit / 8] & 0x80 >> bit % 8)
            hash ^= key_window(key, offset * 8 + bit);
    }
    return hash;
}

static uint32_t hash_but_port(const uint8_t key[NET_RSS_KEY_MAX], const struct flow_key *flow)
{
    const bool is_v4 = net_ip_is_v4(&flow->peer);
    const uint32_t skip = is_v4 ? 12 : 0, len = 16 - skip;
    const uint8_t port[2] = {(uint8_t)(flow->peer_port >> 8), (uint8_t)flow->peer_port};
    return toeplitz(key, flow->peer.bytes + skip, len, 0) ^
           toeplitz(key, flow->local.bytes + skip, len, len) ^ toeplitz(key, port, 2, 2 * len);
}

uint32_t toeplitz_flow(const uint8_t key[NET_RSS_KEY_MAX], const struct flow_key *flow)
{
    const uint8_t port[2] = {(uint8_t)(flow->local_port >> 8), (uint8_t)flow->local_port};
    return hash_but_port(key, flow) ^
           toeplitz(key, port, 2, port_offset(net_ip_is_v4(&flow->peer)));
}

/* Low bytes by the bits that they contribute: a counting sort. */
static void sort_low_bytes(struct port_picker *picker, uint32_t family)
{
    struct port_low_bytes *low = &picker->low[family];
    for (uint32_t byte = 0; byte < 256; byte++)
        low->start[picker->low_bits[family][byte] + 1]++;
    for (uint32_t i = 0; i <= picker->mask; i++)
        low->start[i + 1] = (uint16_t)(low->start[i + 1] + low->start[i]);
    uint16_t at[NET_RSS_TABLE_MAX];
    memcpy(at, low->start, sizeof(at));
    for (uint32_t byte = 0; byte < 256; byte++)
        low->bytes[at[picker->low_bits[family][byte]]++] = (uint8_t)byte;
}

void port_picker_init(struct port_picker *picker, const struct net_rss *rss)
{
    memset(picker, 0, sizeof(*picker));
    if (rss->num_queues <= 1 || !rss->key_len || !rss->table_len)
        return;
    picker->is_hashed = true;
    memcpy(picker->key, rss->key, rss->key_len);
    picker->mask = (uint16_t)(rss->table_len - 1);
    for (uint16_t i = 0; i < rss->table_len; i++) {
        if (rss->table[i] == rss->queue)
            picker->ours[picker->num_ours++] = i;
    }
    for (uint32_t family = 0; family < 2; family++) {
        const uint32_t offset = port_offset(family == 0);
        for (uint32_t value = 0; value < 256; value++) {
            const uint8_t byte = (uint8_t)value;
            picker->high_bits[family][value] =
                (uint16_t)(toeplitz(picker->key, &byte, 1, offset) & picker->mask);
            picker->low_bits[family][value] =
                (uint16_t)(toeplitz(picker->key, &byte, 1, offset + 1) & picker->mask);
        }
        sort_low_bytes(picker, family);
    }
}

/* Steps of an odd number in a power of two visit all; the same number decides where they begin. */
static uint32_t permuted(uint64_t random, uint32_t step, uint32_t num)
{
    return (uint32_t)((random >> 32) + step * (random | 1)) & (num - 1);
}

/* Without hashing each step is a port. */
static bool next_of_all(struct port_walk *walk, uint16_t *port)
{
    while (walk->step < 65536) {
        const uint32_t candidate = permuted(walk->random, walk->step++, 65536);
        if (candidate >= PORT_FIRST) {
            *port = (uint16_t)candidate;
            return true;
        }
    }
    return false;
}

/* Each step is a high byte and an entry of the table, and names the low bytes that lead there. */
bool port_next(const struct port_picker *picker, const struct flow_key *key, struct port_walk *walk,
               uint16_t *port)
{
    if (!picker->is_hashed)
        return next_of_all(walk, port);
    const uint32_t family = net_ip_is_v4(&key->peer) ? 0 : 1;
    const struct port_low_bytes *low = &picker->low[family];
    if (!walk->step && !walk->index)
        walk->base = hash_but_port(picker->key, key);
    for (; walk->step < 256u * picker->num_ours; walk->step++, walk->index = 0) {
        const uint32_t high = permuted(walk->random, walk->step, 256);
        const uint32_t entry =
            picker->ours[(walk->step / 256 + (walk->random >> 16)) % picker->num_ours];
        const uint32_t wanted =
            (entry ^ walk->base ^ picker->high_bits[family][high]) & picker->mask;
        const uint32_t num = (uint32_t)(low->start[wanted + 1] - low->start[wanted]);
        if (high < PORT_FIRST >> 8 || walk->index >= num)
            continue;
        const uint32_t i = (uint32_t)(walk->index + (walk->random >> 40)) % num;
        *port = (uint16_t)(high << 8 | low->bytes[low->start[wanted] + i]);
        walk->index++;
        return true;
    }
    return false;
}
