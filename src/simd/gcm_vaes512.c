/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-GCM with VAES and VPCLMULQDQ on zmm: four blocks a vector. */

#include <immintrin.h>

#define GCM_ISA              vaes512
#define VEC                  __m512i
#define VEC_BLOCKS           4u
#define vec_load(p)          _mm512_loadu_si512((const void *)(p))
#define vec_store(p, v)      _mm512_storeu_si512((void *)(p), v)
#define vec_xor(a, b)        _mm512_xor_si512(a, b)
#define vec_xor3(a, b, c)    _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define vec_aesenc(v, k)     _mm512_aesenc_epi128(v, k)
#define vec_aesenclast(v, k) _mm512_aesenclast_epi128(v, k)
#define vec_clmul(a, b, imm) _mm512_clmulepi64_epi128(a, b, imm)
#define vec_shuffle(v, m)    _mm512_shuffle_epi8(v, m)
#define vec_add32(a, b)      _mm512_add_epi32(a, b)
#define vec_repeat(block)    _mm512_broadcast_i32x4(block)
#define vec_first(block)     _mm512_inserti32x4(_mm512_setzero_si512(), block, 0)
#define vec_count()          _mm512_set_epi32(0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0)
#define vec_fold(v)                                                                          \
    _mm_xor_si128(_mm_xor_si128(_mm512_castsi512_si128(v), _mm512_extracti32x4_epi32(v, 1)), \
                  _mm_xor_si128(_mm512_extracti32x4_epi32(v, 2), _mm512_extracti32x4_epi32(v, 3)))

#include "simd/gcm_tmpl.h"
