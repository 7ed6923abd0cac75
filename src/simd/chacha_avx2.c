/* SPDX-License-Identifier: BSD-3-Clause */

/* ChaCha20-Poly1305 on AVX2: 8 blocks a pass, Poly1305 with 26-bit limbs; short records in lanes.
 */

#include <immintrin.h>
#include <string.h>

#include <lockstep/engine.h>

#include "base/ct.h"
#include "simd/aead.h"
#include "simd/aead_rows.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

#define VEC              __m256i
#define VEC_LANES        8u
#define vec_load(p)      _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define vec_store(p, v)  _mm256_storeu_si256((__m256i *)(void *)(p), v)
#define vec_add32(a, b)  _mm256_add_epi32(a, b)
#define vec_xor(a, b)    _mm256_xor_si256(a, b)
#define vec_set32(x)     _mm256_set1_epi32((int)(x))
#define vec_count()      _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0)
#define vec_low32(a, b)  _mm256_unpacklo_epi32(a, b)
#define vec_high32(a, b) _mm256_unpackhi_epi32(a, b)
#define vec_low64(a, b)  _mm256_unpacklo_epi64(a, b)
#define vec_high64(a, b) _mm256_unpackhi_epi64(a, b)

/* By whole bytes a rotation is one shuffle. */
INLINE __m256i vec_rotate(__m256i v, int n)
{
    const __m256i by16 = _mm256_set_epi64x(0x0d0c0f0e09080b0a, 0x0504070601000302,
                                           0x0d0c0f0e09080b0a, 0x0504070601000302);
    const __m256i by8 = _mm256_set_epi64x(0x0e0d0c0f0a09080b, 0x0605040702010003,
                                          0x0e0d0c0f0a09080b, 0x0605040702010003);
    if (n == 16)
        return _mm256_shuffle_epi8(v, by16);
    if (n == 8)
        return _mm256_shuffle_epi8(v, by8);
    return _mm256_or_si256(_mm256_slli_epi32(v, n), _mm256_srli_epi32(v, 32 - n));
}

INLINE void vec_gather_blocks(__m256i *x)
{
    __m256i out[16];
    UNROLL for (int i = 0; i < 4; i++)
    {
        out[2 * i] = _mm256_permute2x128_si256(x[i], x[4 + i], 0x20);
        out[2 * i + 1] = _mm256_permute2x128_si256(x[8 + i], x[12 + i], 0x20);
        out[8 + 2 * i] = _mm256_permute2x128_si256(x[i], x[4 + i], 0x31);
        out[8 + 2 * i + 1] = _mm256_permute2x128_si256(x[8 + i], x[12 + i], 0x31);
    }
    UNROLL for (int i = 0; i < 16; i++) x[i] = out[i];
}

#include "simd/poly1305_scalar.h"

#include "simd/chacha_tmpl.h"

#include "simd/chacha_lanes_avx2.h"

const struct lks_aead lks_chacha20_poly1305_avx2 = {
    .name = "chacha20_poly1305",
    .isa = "avx2",
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
