/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-GCM for every x86-64 CPU since 2010: AES-NI, PCLMULQDQ, one block a vector. */

#include <immintrin.h>

#define GCM_ISA              aesni
#define VEC                  __m128i
#define VEC_BLOCKS           1u
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

#include "simd/gcm_tmpl.h"
