/* SPDX-License-Identifier: BSD-3-Clause */

/* Parts of a block to and from memory, for the kernels that have no masks. No byte outside a part
 * is touched, and nothing takes the way through a buffer: a wide load of bytes just stored in
 * pieces waits until they have left the store queue. */

#include "base/bytes.h"

/* The first len bytes of a block, at most 16; the others are 0. */
static inline __m128i load_short(const uint8_t *p, size_t len)
{
    uint64_t low = 0, high = 0;
    if (len >= 8) {
        const unsigned int half_shift =
            4 * (unsigned int)(16 - len); /* twice, since by 64 is none */
        low = load_le64(p);
        high = load_le64(p + len - 8) >> half_shift >> half_shift;
    } else if (len >= 4) {
        low = load_le32(p) | (uint64_t)load_le32(p + len - 4) << 8 * (len - 4);
    } else if (len) {
        low = p[0] | (uint64_t)p[len / 2] << 8 * (len / 2) | (uint64_t)p[len - 1] << 8 * (len - 1);
    }
    return _mm_set_epi64x((long long)high, (long long)low);
}

static inline void store_short(uint8_t *p, __m128i v, size_t len)
{
    const uint64_t low = (uint64_t)_mm_cvtsi128_si64(v), high = (uint64_t)_mm_extract_epi64(v, 1);
    if (len >= 8) {
        const unsigned int half_shift = 4 * (unsigned int)(len - 8);
        store_le64(p, low);
        store_le64(p + len - 8, low >> half_shift >> half_shift | high << (32 - half_shift)
                                                                       << (32 - half_shift));
    } else if (len >= 4) {
        store_le32(p, (uint32_t)low);
        store_le32(p + len - 4, (uint32_t)(low >> 8 * (len - 4)));
    } else if (len) {
        p[0] = (uint8_t)low;
        p[len / 2] = (uint8_t)(low >> 8 * (len / 2));
        p[len - 1] = (uint8_t)(low >> 8 * (len - 1));
    }
}

/* len bytes, at most 64, to where none of them lies. */
static inline void copy_part(uint8_t *to, const uint8_t *from, size_t len)
{
    if (len >= 16) {
        for (size_t at = 0; at < len - 16; at += 16)
            _mm_storeu_si128((__m128i *)(void *)(to + at),
                             _mm_loadu_si128((const __m128i *)(const void *)(from + at)));
        _mm_storeu_si128((__m128i *)(void *)(to + len - 16),
                         _mm_loadu_si128((const __m128i *)(const void *)(from + len - 16)));
    } else if (len >= 8) {
        const uint64_t head = load_le64(from), tail = load_le64(from + len - 8);
        store_le64(to, head);
        store_le64(to + len - 8, tail);
    } else if (len >= 4) {
        const uint32_t head = load_le32(from), tail = load_le32(from + len - 4);
        store_le32(to, head);
        store_le32(to + len - 4, tail);
    } else if (len) {
        to[0] = from[0];
        to[len / 2] = from[len / 2];
        to[len - 1] = from[len - 1];
    }
}

/* Shuffles that move a block's bytes: by n up those at 16 - n, by n down those at 16 + n. */
static const uint8_t block_moves[48] = {
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15,
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};

static inline __m128i block_move(__m128i v, const uint8_t *move)
{
    return _mm_shuffle_epi8(v, _mm_loadu_si128((const __m128i *)(const void *)move));
}

/* The bytes from … to of a block, p where the first of them lies; the others are 0. */
static inline __m128i block_load_part(const uint8_t *p, size_t from, size_t to)
{
    if (to - from == 16)
        return _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i v = load_short(p, to - from);
    return from ? block_move(v, block_moves + 16 - from) : v;
}

static inline void block_store_part(uint8_t *p, __m128i v, size_t from, size_t to)
{
    if (to - from == 16)
        _mm_storeu_si128((__m128i *)(void *)p, v);
    else
        store_short(p, from ? block_move(v, block_moves + 16 + from) : v, to - from);
}

/* One byte, at that place of a block; the others are 0. */
static inline __m128i block_load_byte(const uint8_t *p, size_t at)
{
    return block_move(_mm_cvtsi32_si128(*p), block_moves + 16 - at);
}

/* At 32 - n a vector whose bytes from n on are kept, at 64 - n one whose first n are. */
#define OF_32(byte)                                                                               \
    byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte,     \
        byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, \
        byte, byte
static const uint8_t vec_masks[96] = {OF_32(0), OF_32(0xff), OF_32(0)};
