/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-GCM for every x86-64 CPU since 2010: AES-NI, PCLMULQDQ, one block a vector. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "simd/gcm_parts.h"

#define GCM_ISA                aesni
#define VEC                    __m128i
#define VEC_BLOCKS             1u
#define GCM_LANES_MAX          16640u
#define GCM_SHORT_VECS(rounds) 64u /* messages up to here use the key's own powers: measured */
#define GCM_LONG_VECS          9u  /* from here on groups of eight vectors pay: measured */
#define vec_load(p)            _mm_loadu_si128((const __m128i *)(const void *)(p))
#define vec_store(p, v)        _mm_storeu_si128((__m128i *)(void *)(p), v)
#define vec_xor(a, b)          _mm_xor_si128(a, b)
#define vec_xor3(a, b, c)      _mm_xor_si128(a, _mm_xor_si128(b, c))
#define vec_aesenc(v, k)       _mm_aesenc_si128(v, k)
#define vec_aesenclast(v, k)   _mm_aesenclast_si128(v, k)
#define vec_clmul(a, b, imm)   _mm_clmulepi64_si128(a, b, imm)
#define vec_shuffle(v, m)      _mm_shuffle_epi8(v, m)
#define vec_add32(a, b)        _mm_add_epi32(a, b)
#define vec_repeat(block)      (block)
#define vec_first(block)       (block)
#define vec_fold(v)            (v)
#define vec_count()            _mm_setzero_si128()

#define vec_pin(v)          (void)0 /* with two operands an instruction it costs more than it gains */
#define vec_zero()          _mm_setzero_si128()
#define vec_swap(v)         _mm_shuffle_epi32(v, 0x4e)
#define vec_place(block, i) (block)
#define vec_fold_each(v)    ((v)[0])

#define vec_load_head(p, from)         _mm_setzero_si128()
#define vec_store_head(p, v, from)     (void)0
#define vec_load_tail(p, from, to)     block_load_part(p, 0, to)
#define vec_store_tail(p, v, from, to) block_store_part(p, v, 0, to)
#define vec_load_byte(p, at)           block_load_byte(p, at)

static inline __m128i vec_keep(__m128i v, size_t from, size_t to)
{
    return _mm_and_si128(
        v, _mm_and_si128(vec_load(vec_masks + 32 - from), vec_load(vec_masks + 64 - to)));
}

#define GCM_LANES_BLOCKS     8u /* measured */
#define vec_and(a, b)        _mm_and_si128(a, b)
#define vec_shift3(v)        _mm_slli_epi64(v, 3)
#define vec_join(blocks)     ((blocks)[0])
#define vec_split(blocks, v) ((blocks)[0] = (v))

#include "simd/gcm_tmpl.h"
