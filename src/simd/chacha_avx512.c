/* SPDX-License-Identifier: BSD-3-Clause */

/* ChaCha20-Poly1305 on zmm: 16 blocks a pass, Poly1305 with IFMA; short records in lanes. */

#include <immintrin.h>
#include <string.h>

#include <lockstep/engine.h>

#include "base/ct.h"
#include "simd/aead.h"
#include "simd/aead_rows.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

#define VEC              __m512i
#define VEC_LANES        16u
#define vec_load(p)      _mm512_loadu_si512((const void *)(p))
#define vec_store(p, v)  _mm512_storeu_si512((void *)(p), v)
#define vec_add32(a, b)  _mm512_add_epi32(a, b)
#define vec_xor(a, b)    _mm512_xor_si512(a, b)
#define vec_rotate(v, n) _mm512_rol_epi32(v, n)
#define vec_set32(x)     _mm512_set1_epi32((int)(x))
#define vec_count()      _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define vec_low32(a, b)  _mm512_unpacklo_epi32(a, b)
#define vec_high32(a, b) _mm512_unpackhi_epi32(a, b)
#define vec_low64(a, b)  _mm512_unpacklo_epi64(a, b)
#define vec_high64(a, b) _mm512_unpackhi_epi64(a, b)

INLINE void vec_gather_blocks(__m512i *x)
{
    __m512i out[16];
    UNROLL for (int i = 0; i < 4; i++)
    {
        __m512i even01 = _mm512_shuffle_i32x4(x[i], x[4 + i], 0x88);
        __m512i odd01 = _mm512_shuffle_i32x4(x[i], x[4 + i], 0xdd);
        __m512i even23 = _mm512_shuffle_i32x4(x[8 + i], x[12 + i], 0x88);
        __m512i odd23 = _mm512_shuffle_i32x4(x[8 + i], x[12 + i], 0xdd);
        out[i] = _mm512_shuffle_i32x4(even01, even23, 0x88);
        out[4 + i] = _mm512_shuffle_i32x4(odd01, odd23, 0x88);
        out[8 + i] = _mm512_shuffle_i32x4(even01, even23, 0xdd);
        out[12 + i] = _mm512_shuffle_i32x4(odd01, odd23, 0xdd);
    }
    UNROLL for (int i = 0; i < 16; i++) x[i] = out[i];
}

#include "simd/poly1305_ifma.h"

#include "simd/chacha_tmpl.h"

#include "simd/chacha_lanes.h"

const struct lks_aead lks_chacha20_poly1305_avx512 = {
    .name = "chacha20_poly1305",
    .isa = "avx512",
    .id = LKS_CHACHA20_POLY1305,
    .key_len = KEY_LEN,
    .tag_len = 16,
    .state_len = KEY_LEN,
    .max_records = LKS_CHACHA_MAX_RECORDS,
    .init = init,
    .seal = seal,
    .open = open,
    .lanes_max_len = LANES_MAX_LEN,
    .num_lanes = LANES,
    .seal_lanes = seal_lanes,
    .open_lanes = open_lanes,
};
