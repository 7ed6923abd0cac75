/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_SIPHASH_H
#define LKS_NET_SIPHASH_H

/*
 * SipHash (Aumasson and Bernstein, 2012) over whole 64-bit words: the keyed hash of everything that
 * a stranger would like to predict. siphash() is SipHash-2-4, for what leaves the machine (initial
 * sequence numbers, cookies, timestamps' offsets, ports); siphash_table() is SipHash-1-3, for where
 * in a table a flow lies.
 */

#include <stdint.h>

struct siphash_key {
    uint64_t words[2];
};

static inline uint64_t siphash_rotate(uint64_t x, unsigned int by)
{
    return x << by | x >> (64 - by);
}

static inline void siphash_rounds(uint64_t v[4], unsigned int num_rounds)
{
    for (unsigned int i = 0; i < num_rounds; i++) {
        v[0] += v[1];
        v[1] = siphash_rotate(v[1], 13) ^ v[0];
        v[0] = siphash_rotate(v[0], 32);
        v[2] += v[3];
        v[3] = siphash_rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = siphash_rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = siphash_rotate(v[1], 17) ^ v[2];
        v[2] = siphash_rotate(v[2], 32);
    }
}

static inline uint64_t siphash_words(const struct siphash_key *key, const uint64_t *words,
                                     uint32_t num_words, unsigned int each, unsigned int last)
{
    uint64_t v[4] = {key->words[0] ^ 0x736f6d6570736575u, key->words[1] ^ 0x646f72616e646f6du,
                     key->words[0] ^ 0x6c7967656e657261u, key->words[1] ^ 0x7465646279746573u};
    for (uint32_t i = 0; i <= num_words; i++) {
        const uint64_t word = i < num_words ? words[i] : (uint64_t)num_words * 8 << 56;
        v[3] ^= word;
        siphash_rounds(v, each);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    siphash_rounds(v, last);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* [6528 3-2] */
static inline uint64_t siphash(const struct siphash_key *key, const uint64_t *words,
                               uint32_t num_words)
{
    return siphash_words(key, words, num_words, 2, 4);
}

static inline uint64_t siphash_table(const struct siphash_key *key, const uint64_t *words,
                                     uint32_t num_words)
{
    return siphash_words(key, words, num_words, 1, 3);
}

#endif
