/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-CCM on ymm, without AVX-512: VAES, two messages a vector. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define CCM_ISA               vaes256
#define VEC                   __m256i
#define VEC_BLOCKS            2u
#define CCM_VECS              4u
#define CCM_LANES_MAX         16640u
#define vec_load(p)           _mm256_load_si256(p)
#define vec_load_blocks(p)    _mm256_loadu2_m128i((const __m128i *)(p) + 1, (const __m128i *)(p))
#define vec_store(p, v)       _mm256_store_si256(p, v)
#define vec_gather(p, at)     gather(p, at)
#define vec_scatter(p, at, v) scatter(p, at, v)
#define vec_xor(a, b)         _mm256_xor_si256(a, b)
#define vec_and(a, b)         _mm256_and_si256(a, b)
#define vec_add32(a, b)       _mm256_add_epi32(a, b)
#define vec_repeat(block)     _mm256_broadcastsi128_si256(block)
#define vec_zero()            _mm256_setzero_si256()
#define vec_aesenc(v, k)      _mm256_aesenc_epi128(v, k)
#define vec_aesenclast(v, k)  _mm256_aesenclast_epi128(v, k)
#define vec_shuffle(v, m)     _mm256_shuffle_epi8(v, m)

static inline __attribute__((always_inline)) __m256i gather(const uint8_t *const *p, size_t at)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(p[0] + at));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low),
                                   _mm_loadu_si128((const __m128i *)(const void *)(p[1] + at)), 1);
}

static inline __attribute__((always_inline)) void scatter(uint8_t *const *p, size_t at, __m256i v)
{
    _mm_storeu_si128((__m128i *)(void *)(p[0] + at), _mm256_castsi256_si128(v));
    _mm_storeu_si128((__m128i *)(void *)(p[1] + at), _mm256_extracti128_si256(v, 1));
}

#include "simd/ccm_tmpl.h"
