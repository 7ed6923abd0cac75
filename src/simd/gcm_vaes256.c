/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-GCM with VAES and VPCLMULQDQ on ymm: two blocks a vector, no AVX-512. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "simd/gcm_parts.h"

#define GCM_ISA       vaes256
#define VEC           __m256i
#define VEC_BLOCKS    2u
#define GCM_LANES_MAX 16640u
#define GCM_SHORT_VECS(rounds) \
    ((rounds) == 10u ? 64u : 24u) /* messages up to here use the key's own powers: measured */
#define GCM_LONG_VECS        17u  /* from here on groups of eight vectors pay: measured */
#define vec_load(p)          _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define vec_store(p, v)      _mm256_storeu_si256((__m256i *)(void *)(p), v)
#define vec_xor(a, b)        _mm256_xor_si256(a, b)
#define vec_xor3(a, b, c)    _mm256_xor_si256(a, _mm256_xor_si256(b, c))
#define vec_aesenc(v, k)     _mm256_aesenc_epi128(v, k)
#define vec_aesenclast(v, k) _mm256_aesenclast_epi128(v, k)
#define vec_clmul(a, b, imm) _mm256_clmulepi64_epi128(a, b, imm)
#define vec_shuffle(v, m)    _mm256_shuffle_epi8(v, m)
#define vec_add32(a, b)      _mm256_add_epi32(a, b)
#define vec_repeat(block)    _mm256_broadcastsi128_si256(block)
#define vec_first(block)     _mm256_inserti128_si256(_mm256_setzero_si256(), block, 0)
#define vec_fold(v)          _mm_xor_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1))
#define vec_count()          _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0)

#define vec_pin(v)          __asm__ volatile("" : "+x"(v))
#define vec_zero()          _mm256_setzero_si256()
#define vec_swap(v)         _mm256_shuffle_epi32(v, 0x4e)
#define vec_place(block, i) vec_keep(vec_repeat(block), 16 * (i), 16 * (i) + 16)
#define vec_fold_each(v)                                              \
    _mm256_xor_si256(_mm256_permute2x128_si256((v)[0], (v)[1], 0x20), \
                     _mm256_permute2x128_si256((v)[0], (v)[1], 0x31))

#define vec_load_tail(p, from, to)     _mm256_zextsi128_si256(block_load_part(p, 0, to))
#define vec_store_tail(p, v, from, to) block_store_part(p, _mm256_castsi256_si128(v), 0, to)
#define vec_load_byte(p, at)           _mm256_zextsi128_si256(block_load_byte(p, at))

static inline __m256i vec_load_head(const uint8_t *p, size_t from)
{
    if (from == 32)
        return _mm256_setzero_si256();
    return _mm256_set_m128i(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_setzero_si128());
}

static inline void vec_store_head(uint8_t *p, __m256i v, size_t from)
{
    if (from != 32)
        _mm_storeu_si128((__m128i *)(void *)p, _mm256_extracti128_si256(v, 1));
}

static inline __m256i vec_keep(__m256i v, size_t from, size_t to)
{
    return _mm256_and_si256(
        v, _mm256_and_si256(vec_load(vec_masks + 32 - from), vec_load(vec_masks + 64 - to)));
}

#define GCM_LANES_BLOCKS 40u /* measured */
#define vec_and(a, b)    _mm256_and_si256(a, b)
#define vec_shift3(v)    _mm256_slli_epi64(v, 3)
#define vec_join(blocks) _mm256_set_m128i((blocks)[1], (blocks)[0])
#define vec_split(blocks, v) \
    ((blocks)[0] = _mm256_castsi256_si128(v), (blocks)[1] = _mm256_extracti128_si256(v, 1))

#include "simd/gcm_tmpl.h"
