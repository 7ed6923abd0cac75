/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_TCP_SEQ_H
#define LKS_NET_TCP_SEQ_H

/* Comparisons of what wraps at 2^32: sequence numbers, timestamps, times in 32 bits. */

#include <stdbool.h>
#include <stdint.h>

static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static inline bool seq_before(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) > 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_after(a, b) ? a : b;
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint64_t least64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint32_t greatest(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

#endif
