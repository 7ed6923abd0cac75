/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_BASE_CT_H
#define LKS_BASE_CT_H

/*
 * Constant-time helpers. None of them branches on, or indexes by, the values it is given.
 * lks_ct_secret() and lks_ct_public() tell valgrind's memcheck which bytes are secret, so that a
 * test under it sees every branch and address that depends on one; they compile to nothing
 * elsewhere.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef LKS_CT_CHECK
#include <valgrind/memcheck.h>
#define lks_ct_secret(p, len) ((void)VALGRIND_MAKE_MEM_UNDEFINED(p, len))
/* reason: why it may be known, for the reader. */
#define lks_ct_public(p, len, reason) ((void)VALGRIND_MAKE_MEM_DEFINED(p, len))
#else
#define lks_ct_secret(p, len)         ((void)0)
#define lks_ct_public(p, len, reason) ((void)0)
#endif

/* Hides a value from the optimizer, lest it finds a branch that does the same. */
static inline uint32_t lks_ct_barrier(uint32_t v)
{
    __asm__("" : "+r"(v));
    return v;
}

/* All ones if a == 0, else 0. */
static inline uint32_t lks_ct_is_zero(uint32_t a)
{
    a = lks_ct_barrier(a);
    return (uint32_t)0 - (((~a & (a - 1)) >> 31) & 1);
}

static inline uint32_t lks_ct_eq(uint32_t a, uint32_t b)
{
    return lks_ct_is_zero(a ^ b);
}

/* All ones if a < b, else 0; both below 2^31. */
static inline uint32_t lks_ct_lt(uint32_t a, uint32_t b)
{
    return (uint32_t)0 - (lks_ct_barrier(a - b) >> 31);
}

/* mask ? a : b, mask all ones or 0. */
static inline uint32_t lks_ct_select(uint32_t mask, uint32_t a, uint32_t b)
{
    return (mask & a) | (~mask & b);
}

/* Whether two strings of len bytes are the same; only that answer may become known. */
static inline bool lks_ct_memeq(const void *a, const void *b, size_t len)
{
    const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;
    uint64_t diff = 0;
    for (; len >= 8; x += 8, y += 8, len -= 8) {
        uint64_t u, v;
        memcpy(&u, x, 8);
        memcpy(&v, y, 8);
        diff |= u ^ v;
    }
    for (; len; x++, y++, len--)
        diff |= (uint64_t)(*x ^ *y);
    uint32_t equal = lks_ct_is_zero((uint32_t)(diff | diff >> 32));
    lks_ct_public(&equal, sizeof(equal), "whether a comparison held is what its caller acts on");
    return equal != 0;
}

/* Overwrites memory in a way that the compiler may not leave out. */
void lks_wipe(void *p, size_t len);

#endif
