/* SPDX-License-Identifier: BSD-3-Clause */
#include "cases.h"

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

/* What a result is made of, so that one macro suits all. */
static void put_512(uint8_t *out, __m512i v)
{
    _mm512_storeu_si512(out, v);
}

static void put_128(uint8_t *out, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)out, v);
}

static void put_256(uint8_t *out, __m256i v)
{
    put_128(out, _mm256_castsi256_si128(v));
    put_128(out + 16, _mm256_extracti128_si256(v, 1));
}

static void put_64(uint8_t *out, uint64_t v)
{
    memcpy(out, &v, sizeof(v));
}

static __m128i get_128(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static __m256i get_256(const uint8_t *p)
{
    return _mm256_set_m128i(get_128(p + 16), get_128(p));
}

#define A    _mm512_loadu_si512(in->a)
#define B    _mm512_loadu_si512(in->b)
#define C    _mm512_loadu_si512(in->c)
#define A1   get_128(in->a)
#define B1   get_128(in->b)
#define A2   get_256(in->a)
#define B2   get_256(in->b)
#define K8   (__mmask8) in->mask
#define K16  (__mmask16) in->mask
#define K64  (__mmask64) in->mask
#define N    in->number
#define W(i) (int)word(in, i)

static uint32_t word(const struct emulate_input *in, int i)
{
    uint32_t w;
    memcpy(&w, in->a + 4 * i, sizeof(w));
    return w;
}

/* X(result, intrinsic, its arguments); Y(result, intrinsic, its constant, the arguments before it);
 * Z(result, intrinsic, a whole expression); S(intrinsic, arguments) has no result. */
#define LIST(X, Y, Z, S)                                                                       \
    X(512, _mm512_xor_si512, A, B)                                                             \
    X(512, _mm512_and_si512, A, B)                                                             \
    X(512, _mm512_or_si512, A, B)                                                              \
    X(512, _mm512_add_epi32, A, B)                                                             \
    X(512, _mm512_add_epi64, A, B)                                                             \
    X(512, _mm512_sub_epi64, A, B)                                                             \
    X(512, _mm512_shuffle_epi8, A, B)                                                          \
    X(512, _mm512_unpacklo_epi32, A, B)                                                        \
    X(512, _mm512_unpackhi_epi32, A, B)                                                        \
    X(512, _mm512_unpacklo_epi64, A, B)                                                        \
    X(512, _mm512_unpackhi_epi64, A, B)                                                        \
    X(512, _mm512_aesenc_epi128, A, B)                                                         \
    X(512, _mm512_aesenclast_epi128, A, B)                                                     \
    Y(512, _mm512_clmulepi64_epi128, 0x00, A, B)                                               \
    Y(512, _mm512_clmulepi64_epi128, 0x01, A, B)                                               \
    Y(512, _mm512_clmulepi64_epi128, 0x10, A, B)                                               \
    Y(512, _mm512_clmulepi64_epi128, 0x11, A, B)                                               \
    Y(512, _mm512_ternarylogic_epi64, 0x96, A, B, C)                                           \
    Y(512, _mm512_ternarylogic_epi64, 0xca, A, B, C)                                           \
    Y(512, _mm512_ternarylogic_epi64, 0x12, A, B, C)                                           \
    Y(512, _mm512_slli_epi64, 0, A)                                                            \
    Y(512, _mm512_slli_epi64, 3, A)                                                            \
    Y(512, _mm512_slli_epi64, 44, A)                                                           \
    Y(512, _mm512_slli_epi64, 64, A)                                                           \
    Y(512, _mm512_srli_epi64, 0, A)                                                            \
    Y(512, _mm512_srli_epi64, 20, A)                                                           \
    Y(512, _mm512_srli_epi64, 63, A)                                                           \
    Y(512, _mm512_srli_epi64, 64, A)                                                           \
    Y(512, _mm512_rol_epi32, 0, A)                                                             \
    Y(512, _mm512_rol_epi32, 7, A)                                                             \
    Y(512, _mm512_rol_epi32, 16, A)                                                            \
    Y(512, _mm512_rol_epi32, 31, A)                                                            \
    X(512, _mm512_madd52lo_epu64, A, B, C)                                                     \
    X(512, _mm512_madd52hi_epu64, A, B, C)                                                     \
    Y(512, _mm512_shuffle_epi32, 0x4e, A)                                                      \
    Y(512, _mm512_shuffle_epi32, 0x1b, A)                                                      \
    Y(512, _mm512_shuffle_epi32, 0x93, A)                                                      \
    Y(512, _mm512_shuffle_i64x2, 0x88, A, B)                                                   \
    Y(512, _mm512_shuffle_i64x2, 0xdd, A, B)                                                   \
    Y(512, _mm512_shuffle_i64x2, 0x4e, A, B)                                                   \
    Y(512, _mm512_shuffle_i64x2, 0xb1, A, B)                                                   \
    Y(512, _mm512_shuffle_i64x2, 0x63, A, B)                                                   \
    Y(512, _mm512_shuffle_i32x4, 0x88, A, B)                                                   \
    Y(512, _mm512_shuffle_i32x4, 0xdd, A, B)                                                   \
    Y(512, _mm512_shuffle_i32x4, 0x63, A, B)                                                   \
    Y(512, _mm512_permutex_epi64, 0xb1, A)                                                     \
    Y(512, _mm512_permutex_epi64, 0x63, A)                                                     \
    X(512, _mm512_permutexvar_epi32, A, B)                                                     \
    X(512, _mm512_permutexvar_epi64, A, B)                                                     \
    X(512, _mm512_setzero_si512, )                                                             \
    X(512, _mm512_set1_epi32, (int)N)                                                          \
    X(512, _mm512_set1_epi64, (long long)N)                                                    \
    X(512, _mm512_set_epi32, W(15), W(14), W(13), W(12), W(11), W(10), W(9), W(8), W(7), W(6), \
      W(5), W(4), W(3), W(2), W(1), W(0))                                                      \
    X(512, _mm512_broadcast_i32x4, A1)                                                         \
    Z(128, _mm512_castsi128_si512, _mm512_castsi512_si128(_mm512_castsi128_si512(A1)))         \
    X(128, _mm512_castsi512_si128, A)                                                          \
    Z(256, _mm512_castsi256_si512, _mm512_castsi512_si256(_mm512_castsi256_si512(A2)))         \
    X(256, _mm512_castsi512_si256, A)                                                          \
    Y(128, _mm512_extracti32x4_epi32, 0, A)                                                    \
    Y(128, _mm512_extracti32x4_epi32, 1, A)                                                    \
    Y(128, _mm512_extracti32x4_epi32, 2, A)                                                    \
    Y(128, _mm512_extracti32x4_epi32, 3, A)                                                    \
    Y(256, _mm512_extracti64x4_epi64, 0, A)                                                    \
    Y(256, _mm512_extracti64x4_epi64, 1, A)                                                    \
    Y(512, _mm512_inserti32x4, 0, A, B1)                                                       \
    Y(512, _mm512_inserti32x4, 1, A, B1)                                                       \
    Y(512, _mm512_inserti32x4, 2, A, B1)                                                       \
    Y(512, _mm512_inserti32x4, 3, A, B1)                                                       \
    Y(512, _mm512_inserti64x4, 0, A, B2)                                                       \
    Y(512, _mm512_inserti64x4, 1, A, B2)                                                       \
    X(256, _mm256_xor_si256, A2, B2)                                                           \
    X(256, _mm256_set_m128i, A1, B1)                                                           \
    X(128, _mm256_castsi256_si128, A2)                                                         \
    Y(128, _mm256_extracti128_si256, 0, A2)                                                    \
    Y(128, _mm256_extracti128_si256, 1, A2)                                                    \
    X(64, _bzhi_u64, in->mask, (unsigned int)N)                                                \
    X(512, _mm512_mask_mov_epi64, A, K8, B)                                                    \
    X(512, _mm512_maskz_mov_epi64, K8, A)                                                      \
    X(512, _mm512_maskz_mov_epi8, K64, A)                                                      \
    X(512, _mm512_maskz_and_epi64, K8, A, B)                                                   \
    X(512, _mm512_mask_add_epi64, A, K8, B, C)                                                 \
    X(512, _mm512_maskz_set1_epi64, K8, (long long)N)                                          \
    X(512, _mm512_maskz_broadcast_i32x4, K16, A1)                                              \
    X(64, _mm512_cmplt_epu64_mask, A, B)                                                       \
    X(64, _mm512_cmpge_epu64_mask, A, B)                                                       \
    X(64, _mm512_cmple_epu64_mask, A, B)                                                       \
    X(64, _mm512_test_epi64_mask, A, B)                                                        \
    X(512, _mm512_loadu_si512, in->load)                                                       \
    X(512, _mm512_maskz_loadu_epi8, K64, in->load)                                             \
    X(128, _mm_maskz_loadu_epi8, K16, in->load)                                                \
    X(512, _mm512_maskz_expandloadu_epi64, K8, in->load)                                       \
    S(_mm512_storeu_si512, in->store, A)                                                       \
    S(_mm512_mask_storeu_epi8, in->store, K64, A)

#define FUNCTION(id, statement)                                        \
    static void run_##id(uint8_t *out, const struct emulate_input *in) \
    {                                                                  \
        (void)out, (void)in;                                           \
        statement;                                                     \
    }
#define X(kind, name, ...)      FUNCTION(name, put_##kind(out, name(__VA_ARGS__)))
#define Y(kind, name, imm, ...) FUNCTION(name##_##imm, put_##kind(out, name(__VA_ARGS__, imm)))
#define Z(kind, name, value)    FUNCTION(name, put_##kind(out, value))
#define S(name, ...)            FUNCTION(name, name(__VA_ARGS__))
LIST(X, Y, Z, S)
#undef X
#undef Y
#undef Z
#undef S

#define X(kind, name, ...)      {#name, 0, run_##name},
#define Y(kind, name, imm, ...) {#name, imm, run_##name##_##imm},
#define Z(kind, name, value)    {#name, 0, run_##name},
#define S(name, ...)            {#name, 0, run_##name},
const struct emulate_case CASES[] = {LIST(X, Y, Z, S){NULL, 0, NULL}};
