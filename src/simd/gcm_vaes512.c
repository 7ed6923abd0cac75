/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-GCM with VAES and VPCLMULQDQ on zmm: four blocks a vector. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "simd/gcm_parts.h"

#define GCM_ISA                vaes512
#define VEC                    __m512i
#define VEC_BLOCKS             4u
#define GCM_LANES_MAX          2048u
#define GCM_SHORT_VECS(rounds) 8u  /* messages up to here use the key's own powers: measured */
#define GCM_LONG_VECS          33u /* from here on groups of eight vectors pay: measured */
#define vec_load(p)            _mm512_loadu_si512((const void *)(p))
#define vec_store(p, v)        _mm512_storeu_si512((void *)(p), v)
#define vec_xor(a, b)          _mm512_xor_si512(a, b)
#define vec_xor3(a, b, c)      _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define vec_aesenc(v, k)       _mm512_aesenc_epi128(v, k)
#define vec_aesenclast(v, k)   _mm512_aesenclast_epi128(v, k)
#define vec_clmul(a, b, imm)   _mm512_clmulepi64_epi128(a, b, imm)
#define vec_shuffle(v, m)      _mm512_shuffle_epi8(v, m)
#define vec_add32(a, b)        _mm512_add_epi32(a, b)
#define vec_repeat(block)      _mm512_broadcast_i32x4(block)
#define vec_first(block)       _mm512_inserti32x4(_mm512_setzero_si512(), block, 0)
#define vec_count()            _mm512_set_epi32(0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0)

static inline __m128i vec_fold(__m512i v)
{
    __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}
#define vec_pin(v)  (void)0
#define vec_zero()  _mm512_setzero_si512()
#define vec_swap(v) _mm512_shuffle_epi32(v, 0x4e)
#define vec_load_part(p, from, to) \
    _mm512_maskz_loadu_epi8(part_mask(from, to), (const void *)((uintptr_t)(p) - (from)))
#define vec_store_part(p, v, from, to) \
    _mm512_mask_storeu_epi8((void *)((uintptr_t)(p) - (from)), part_mask(from, to), v)
#define vec_load_head(p, from)         vec_load_part(p, from, 64)
#define vec_store_head(p, v, from)     vec_store_part(p, v, from, 64)
#define vec_load_tail(p, from, to)     vec_load_part(p, from, to)
#define vec_store_tail(p, v, from, to) vec_store_part(p, v, from, to)
#define vec_load_byte(p, at)           vec_load_part(p, at, (at) + 1)
#define vec_keep(v, from, to)          _mm512_maskz_mov_epi8(part_mask(from, to), v)
#define vec_place(block, i)            _mm512_maskz_broadcast_i32x4((__mmask16)(0xfu << 4 * (i)), block)

/* Bits from … to, of 64. */
static inline __mmask64 part_mask(size_t from, size_t to)
{
    return _bzhi_u64(~UINT64_C(0), (unsigned int)(to - from)) << from % 64;
}

/* Four vectors become one whose block i is the xor of v[i]'s blocks. */
static inline __m512i vec_fold_each(const __m512i v[4])
{
    __m512i a = _mm512_xor_si512(_mm512_shuffle_i64x2(v[0], v[1], 0x88),
                                 _mm512_shuffle_i64x2(v[0], v[1], 0xdd));
    __m512i b = _mm512_xor_si512(_mm512_shuffle_i64x2(v[2], v[3], 0x88),
                                 _mm512_shuffle_i64x2(v[2], v[3], 0xdd));
    return _mm512_xor_si512(_mm512_shuffle_i64x2(a, b, 0x88), _mm512_shuffle_i64x2(a, b, 0xdd));
}

/*
 * Not measured on such a CPU. What a record saves as a lane, in setting up and at its ends, is the
 * same whatever the width; what it pays is joining and splitting: two blocks take one insertion,
 * four take three, half as much again for each block. So it stops at two thirds of vaes256's
 * measured 40. That is within GCM_SHORT_VECS, where vectors of its own would be reduced every eight
 * blocks or four.
 */
#define GCM_LANES_BLOCKS 26u
#define vec_and(a, b)    _mm512_and_si512(a, b)
#define vec_shift3(v)    _mm512_slli_epi64(v, 3)
#define vec_join(blocks)                                                                   \
    _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i((blocks)[1], (blocks)[0])), \
                       _mm256_set_m128i((blocks)[3], (blocks)[2]), 1)
#define vec_split(blocks, v)                                                                 \
    ((blocks)[0] = _mm512_castsi512_si128(v), (blocks)[1] = _mm512_extracti32x4_epi32(v, 1), \
     (blocks)[2] = _mm512_extracti32x4_epi32(v, 2), (blocks)[3] = _mm512_extracti32x4_epi32(v, 3))

#include "simd/gcm_tmpl.h"
