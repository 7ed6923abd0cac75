/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_BASE_BYTES_H
#define LKS_BASE_BYTES_H

/* Loads and stores of fixed byte order at any alignment; compilers make one instruction of each. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_LE32(v) (v)
#define BYTES_LE64(v) (v)
#else
#define BYTES_LE32(v) __builtin_bswap32(v)
#define BYTES_LE64(v) __builtin_bswap64(v)
#endif

static inline uint32_t load_le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return BYTES_LE32(v);
}

static inline uint64_t load_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return BYTES_LE64(v);
}

static inline uint64_t load_be64(const uint8_t *p)
{
    return __builtin_bswap64(load_le64(p));
}

static inline void store_le32(uint8_t *p, uint32_t v)
{
    v = BYTES_LE32(v);
    memcpy(p, &v, sizeof(v));
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
    store_le32(p, __builtin_bswap32(v));
}

static inline void store_le64(uint8_t *p, uint64_t v)
{
    v = BYTES_LE64(v);
    memcpy(p, &v, sizeof(v));
}

static inline void store_be64(uint8_t *p, uint64_t v)
{
    store_le64(p, __builtin_bswap64(v));
}

/* Copies less than 16 bytes with two moves that may overlap, and no loop. */
static inline void copy_below_16(uint8_t *to, const uint8_t *from, size_t len)
{
    if (len >= 8) {
        uint64_t head, tail;
        memcpy(&head, from, 8);
        memcpy(&tail, from + len - 8, 8);
        memcpy(to, &head, 8);
        memcpy(to + len - 8, &tail, 8);
    } else if (len >= 4) {
        uint32_t head, tail;
        memcpy(&head, from, 4);
        memcpy(&tail, from + len - 4, 4);
        memcpy(to, &head, 4);
        memcpy(to + len - 4, &tail, 4);
    } else if (len) {
        uint8_t first = from[0], middle = from[len / 2], last = from[len - 1];
        to[0] = first;
        to[len / 2] = middle;
        to[len - 1] = last;
    }
}

/* Less than 32. */
static inline void copy_below_32(uint8_t *to, const uint8_t *from, size_t len)
{
    struct {
        uint8_t bytes[16];
    } head, tail;
    if (len < 16) {
        copy_below_16(to, from, len);
        return;
    }
    memcpy(&head, from, 16);
    memcpy(&tail, from + len - 16, 16);
    memcpy(to, &head, 16);
    memcpy(to + len - 16, &tail, 16);
}

#endif
