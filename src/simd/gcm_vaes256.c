/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-GCM with VAES and VPCLMULQDQ on ymm: two blocks a vector, no AVX-512. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define GCM_ISA              vaes256
#define VEC                  __m256i
#define VEC_BLOCKS           2u
#define GCM_LANES_MAX        2048u
#define GCM_SHORT_VECS       12u /* messages up to here use the key's own powers: measured */
#define GCM_LONG_VECS        17u /* from here on groups of eight vectors pay: measured */
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

#define vec_zero()          _mm256_setzero_si256()
#define vec_swap(v)         _mm256_shuffle_epi32(v, 0x4e)
#define vec_place(block, i) vec_keep(vec_repeat(block), 16 * (i), 16 * (i) + 16)
#define vec_fold_each(v)                                              \
    _mm256_xor_si256(_mm256_permute2x128_si256((v)[0], (v)[1], 0x20), \
                     _mm256_permute2x128_si256((v)[0], (v)[1], 0x31))

static inline __m256i vec_keep(__m256i v, size_t from, size_t to)
{
    const __m256i index =
        _mm256_set_epi8(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,
                        12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m256i before = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)from), index);
    __m256i until = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)to), index);
    return _mm256_and_si256(v, _mm256_andnot_si256(before, until));
}

static __attribute__((noinline)) __m256i load_short(const uint8_t *p, size_t from, size_t len)
{
    uint8_t bytes[32] = {0};
    copy_below_32(bytes + from, p, len);
    return vec_load(bytes);
}

static __attribute__((noinline)) void store_short(uint8_t *p, __m256i v, size_t from, size_t len)
{
    uint8_t bytes[32];
    vec_store(bytes, v);
    copy_below_32(p, bytes + from, len);
}

static inline __m256i vec_load_part(const uint8_t *p, size_t from, size_t to)
{
    return to - from == 32 ? vec_load(p) : load_short(p, from, to - from);
}

static inline void vec_store_part(uint8_t *p, __m256i v, size_t from, size_t to)
{
    if (to - from == 32)
        vec_store(p, v);
    else
        store_short(p, v, from, to - from);
}

#include "simd/gcm_tmpl.h"
