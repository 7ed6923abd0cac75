/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_KECCAK_H
#define LKS_SIMD_KECCAK_H

/* The hashes of FIPS 202 over whole messages: SHA3-256, SHA3-512, SHAKE256. */

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/ct.h"

#define KECCAK_F            keccak_f
#define KECCAK_WORD         uint64_t
#define KECCAK_XOR(a, b)    ((a) ^ (b))
#define KECCAK_ANDNOT(a, b) (~(a) & (b))
#define KECCAK_ROTATE(a, n) ((a) << (n) | (a) >> (64 - (n)))
#define KECCAK_ALL(c)       (c)
#include "simd/keccak_tmpl.h"

#define KECCAK_RATE_128 168u /* bytes a block, by security strength; SHAKE128 */
#define KECCAK_RATE_256 136u /* SHAKE256, SHA3-256 */
#define KECCAK_RATE_512 72u  /* SHA3-512 */
#define KECCAK_SHA3     0x06 /* domain and the first bit of padding */
#define KECCAK_SHAKE    0x1f

/* One message while it is taken in. */
struct keccak {
    uint64_t state[25];
    uint8_t block[KECCAK_RATE_128];
    size_t rate, len; /* of a block; of what waits in it */
};

static inline void keccak_absorb_block(struct keccak *k, const uint8_t *block)
{
    for (size_t i = 0; i < k->rate / 8; i++)
        k->state[i] ^= load_le64(block + 8 * i);
    keccak_f(k->state);
}

static inline void keccak_absorb(struct keccak *k, const uint8_t *data, size_t len)
{
    while (k->len + len >= k->rate) {
        size_t n = k->rate - k->len;
        memcpy(k->block + k->len, data, n);
        keccak_absorb_block(k, k->block);
        data += n;
        len -= n;
        k->len = 0;
    }
    if (len)
        memcpy(k->block + k->len, data, len);
    k->len += len;
}

/* out_len: at most a block. */
static inline void keccak_finish(struct keccak *k, uint8_t padding, uint8_t *out, size_t out_len)
{
    memset(k->block + k->len, 0, k->rate - k->len);
    k->block[k->len] = padding;
    k->block[k->rate - 1] |= 0x80;
    keccak_absorb_block(k, k->block);
    for (size_t i = 0; i < out_len / 8; i++)
        store_le64(out + 8 * i, k->state[i]);
    lks_wipe(k, sizeof(*k));
}

/* The hash of a and b, one behind the other; out_len a multiple of 8. */
static inline void keccak_hash(uint8_t *out, size_t out_len, size_t rate, uint8_t padding,
                               const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    struct keccak k = {.rate = rate};
    keccak_absorb(&k, a, a_len);
    keccak_absorb(&k, b, b_len);
    keccak_finish(&k, padding, out, out_len);
}

#endif
