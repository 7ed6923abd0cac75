/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-CCM for every x86-64 CPU since 2010: AES-NI, a message a vector. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define CCM_ISA               aesni
#define VEC                   __m128i
#define VEC_BLOCKS            1u
#define CCM_VECS              4u
#define CCM_LANES_MAX         16640u
#define vec_load(p)           _mm_load_si128(p)
#define vec_load_blocks(p)    _mm_load_si128(p)
#define vec_store(p, v)       _mm_store_si128(p, v)
#define vec_gather(p, at)     _mm_loadu_si128((const __m128i *)(const void *)((p)[0] + (at)))
#define vec_scatter(p, at, v) _mm_storeu_si128((__m128i *)(void *)((p)[0] + (at)), v)
#define vec_xor(a, b)         _mm_xor_si128(a, b)
#define vec_and(a, b)         _mm_and_si128(a, b)
#define vec_add32(a, b)       _mm_add_epi32(a, b)
#define vec_repeat(block)     (block)
#define vec_zero()            _mm_setzero_si128()
#define vec_aesenc(v, k)      _mm_aesenc_si128(v, k)
#define vec_aesenclast(v, k)  _mm_aesenclast_si128(v, k)
#define vec_shuffle(v, m)     _mm_shuffle_epi8(v, m)

#include "simd/ccm_tmpl.h"
