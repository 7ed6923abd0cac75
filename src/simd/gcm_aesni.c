/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-GCM for every x86-64 CPU since 2010: AES-NI, PCLMULQDQ, one block a vector. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define GCM_ISA              aesni
#define VEC                  __m128i
#define VEC_BLOCKS           1u
#define GCM_LANES_MAX        0u
#define GCM_SHORT_VECS       16u /* messages up to here use the key's own powers: measured */
#define GCM_LONG_VECS        9u  /* from here on groups of eight vectors pay: measured */
#define vec_load(p)          _mm_loadu_si128((const __m128i *)(const void *)(p))
#define vec_store(p, v)      _mm_storeu_si128((__m128i *)(void *)(p), v)
#define vec_xor(a, b)        _mm_xor_si128(a, b)
#define vec_xor3(a, b, c)    _mm_xor_si128(a, _mm_xor_si128(b, c))
#define vec_aesenc(v, k)     _mm_aesenc_si128(v, k)
#define vec_aesenclast(v, k) _mm_aesenclast_si128(v, k)
#define vec_clmul(a, b, imm) _mm_clmulepi64_si128(a, b, imm)
#define vec_shuffle(v, m)    _mm_shuffle_epi8(v, m)
#define vec_add32(a, b)      _mm_add_epi32(a, b)
#define vec_repeat(block)    (block)
#define vec_first(block)     (block)
#define vec_fold(v)          (v)
#define vec_count()          _mm_setzero_si128()

#define vec_zero()          _mm_setzero_si128()
#define vec_swap(v)         _mm_shuffle_epi32(v, 0x4e)
#define vec_place(block, i) (block)
#define vec_fold_each(v)    ((v)[0])

static inline __m128i vec_keep(__m128i v, size_t from, size_t to)
{
    const __m128i index = _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m128i before = _mm_cmpgt_epi8(_mm_set1_epi8((char)from), index);
    __m128i until = _mm_cmpgt_epi8(_mm_set1_epi8((char)to), index);
    return _mm_and_si128(v, _mm_andnot_si128(before, until));
}

static __attribute__((noinline)) __m128i load_short(const uint8_t *p, size_t from, size_t len)
{
    uint8_t bytes[16] = {0};
    copy_below_16(bytes + from, p, len);
    return vec_load(bytes);
}

static __attribute__((noinline)) void store_short(uint8_t *p, __m128i v, size_t from, size_t len)
{
    uint8_t bytes[16];
    vec_store(bytes, v);
    copy_below_16(p, bytes + from, len);
}

static inline __m128i vec_load_part(const uint8_t *p, size_t from, size_t to)
{
    return to - from == 16 ? vec_load(p) : load_short(p, from, to - from);
}

static inline void vec_store_part(uint8_t *p, __m128i v, size_t from, size_t to)
{
    if (to - from == 16)
        vec_store(p, v);
    else
        store_short(p, v, from, to - from);
}

#include "simd/gcm_tmpl.h"
