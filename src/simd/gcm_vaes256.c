/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-GCM with VAES and VPCLMULQDQ on ymm: two blocks a vector, no AVX-512. */

#include <immintrin.h>

#define GCM_ISA              vaes256
#define VEC                  __m256i
#define VEC_BLOCKS           2u
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

#include "simd/gcm_tmpl.h"
