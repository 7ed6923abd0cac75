/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_SIMD_EMULATE_IMMINTRIN_H
#define LKS_TESTS_SIMD_EMULATE_IMMINTRIN_H

/*
 * The AVX-512 that our kernels use, made of 128-bit instructions, for CPUs that have none: tests
 * compile src/simd/gcm_vaes512.c and chacha_avx512.c with this folder before the compiler's own, so
 * that their <immintrin.h> is this one. Needs AES-NI, PCLMULQDQ, SSSE3 and SSE4.1, nothing wider.
 *
 * It shows that a kernel's logic is right, and that it stays within its memory: masked loads and
 * stores touch the bytes whose bit is set and no other. What a compiler makes of the real
 * intrinsics, and their speed, it does not show. tests/simd/emulate/test_emulate.c holds each
 * function here against its definition, and against the real instruction where there is one.
 *
 * An intrinsic that a kernel begins to use is added here and, lest that test fail, to cases.c.
 * Masks choose by arithmetic, not by branches, as the instructions do: they may be secret. What an
 * instruction leaves undefined is filled with UNDEFINED, so that nobody relies on zeros.
 */

#include <smmintrin.h>
#include <stdint.h>
#include <string.h>
#include <wmmintrin.h>

/* The kernels force hundreds of copies of their functions; with calls in place of instructions that
 * takes a compiler minutes, and shows nothing more. */
#define always_inline unused

typedef union {
    __m128i q[4];
    uint64_t u64[8];
    uint32_t u32[16];
    uint8_t u8[64];
} __attribute__((aligned(64))) __m512i;

typedef struct {
    __m128i q[2];
} __attribute__((aligned(32))) __m256i;

typedef unsigned char __mmask8;
typedef unsigned short __mmask16;
typedef unsigned long long __mmask64;

#define UNDEFINED     _mm_set1_epi8(0x5a)
#define EACH(i, n)    for (int i = 0; i < (n); i++)
#define ALL_IF(k, i)  (-(uint64_t)((k) >> (i)&1))
#define TWO(imm, i)   ((imm) >> 2 * (i)&3) /* a shuffle's two bits for place i */
#define INTRINSIC(of) static inline of

/* 128 bits at a time, as the instruction does it. */
#define BY_128(name, of_128)                        \
    INTRINSIC(__m512i) name(__m512i a, __m512i b)   \
    {                                               \
        EACH(i, 4) a.q[i] = of_128(a.q[i], b.q[i]); \
        return a;                                   \
    }
BY_128(_mm512_xor_si512, _mm_xor_si128)
BY_128(_mm512_and_si512, _mm_and_si128)
BY_128(_mm512_or_si512, _mm_or_si128)
BY_128(_mm512_add_epi32, _mm_add_epi32)
BY_128(_mm512_add_epi64, _mm_add_epi64)
BY_128(_mm512_sub_epi64, _mm_sub_epi64)
BY_128(_mm512_shuffle_epi8, _mm_shuffle_epi8)
BY_128(_mm512_unpacklo_epi32, _mm_unpacklo_epi32)
BY_128(_mm512_unpackhi_epi32, _mm_unpackhi_epi32)
BY_128(_mm512_unpacklo_epi64, _mm_unpacklo_epi64)
BY_128(_mm512_unpackhi_epi64, _mm_unpackhi_epi64)
BY_128(_mm512_aesenc_epi128, _mm_aesenc_si128)
BY_128(_mm512_aesenclast_epi128, _mm_aesenclast_si128)
#undef BY_128

/* imm: bit 0 picks a's half, bit 4 b's. */
INTRINSIC(__m512i) _mm512_clmulepi64_epi128(__m512i a, __m512i b, int imm)
{
    EACH(i, 4)
    {
        const __m128i x = imm & 0x01 ? _mm_unpackhi_epi64(a.q[i], a.q[i]) : a.q[i];
        const __m128i y = imm & 0x10 ? _mm_unpackhi_epi64(b.q[i], b.q[i]) : b.q[i];
        a.q[i] = _mm_clmulepi64_si128(x, y, 0x00);
    }
    return a;
}

/* Bit 4 a + 2 b + c of imm is what three bits become. */
INTRINSIC(__m512i) _mm512_ternarylogic_epi64(__m512i a, __m512i b, __m512i c, int imm)
{
    __m512i r;
    EACH(i, 8)
    {
        r.u64[i] = 0;
        EACH(k, 8)
        r.u64[i] |= ALL_IF(imm, k) & (k & 4 ? a.u64[i] : ~a.u64[i]) &
                    (k & 2 ? b.u64[i] : ~b.u64[i]) & (k & 1 ? c.u64[i] : ~c.u64[i]);
    }
    return r;
}

INTRINSIC(__m512i) _mm512_slli_epi64(__m512i a, unsigned int n)
{
    EACH(i, 4) a.q[i] = _mm_sll_epi64(a.q[i], _mm_cvtsi32_si128((int)n));
    return a;
}

INTRINSIC(__m512i) _mm512_srli_epi64(__m512i a, unsigned int n)
{
    EACH(i, 4) a.q[i] = _mm_srl_epi64(a.q[i], _mm_cvtsi32_si128((int)n));
    return a;
}

INTRINSIC(__m512i) _mm512_rol_epi32(__m512i a, int n)
{
    const __m128i up = _mm_cvtsi32_si128(n & 31), down = _mm_cvtsi32_si128(32 - (n & 31));
    EACH(i, 4) a.q[i] = _mm_or_si128(_mm_sll_epi32(a.q[i], up), _mm_srl_epi32(a.q[i], down));
    return a;
}

/* Bits 0 … 51 and 52 … 103 of the product of 52-bit numbers, added. */
__extension__ typedef unsigned __int128 emulate_u128;
#define LOW_52(x) ((x) & ((UINT64_C(1) << 52) - 1))
INTRINSIC(emulate_u128) emulate_product52(uint64_t b, uint64_t c)
{
    return (emulate_u128)LOW_52(b) * LOW_52(c);
}

INTRINSIC(__m512i) _mm512_madd52lo_epu64(__m512i a, __m512i b, __m512i c)
{
    EACH(i, 8) a.u64[i] += LOW_52((uint64_t)emulate_product52(b.u64[i], c.u64[i]));
    return a;
}

INTRINSIC(__m512i) _mm512_madd52hi_epu64(__m512i a, __m512i b, __m512i c)
{
    EACH(i, 8) a.u64[i] += (uint64_t)(emulate_product52(b.u64[i], c.u64[i]) >> 52);
    return a;
}
#undef LOW_52

/* Places. */
INTRINSIC(__m512i) _mm512_shuffle_epi32(__m512i a, int imm)
{
    __m512i r;
    EACH(i, 16) r.u32[i] = a.u32[i / 4 * 4 + TWO(imm, i % 4)];
    return r;
}

INTRINSIC(__m512i) _mm512_shuffle_i64x2(__m512i a, __m512i b, int imm)
{
    return (__m512i){{a.q[TWO(imm, 0)], a.q[TWO(imm, 1)], b.q[TWO(imm, 2)], b.q[TWO(imm, 3)]}};
}

INTRINSIC(__m512i) _mm512_shuffle_i32x4(__m512i a, __m512i b, int imm)
{
    return _mm512_shuffle_i64x2(a, b, imm);
}

INTRINSIC(__m512i) _mm512_permutex_epi64(__m512i a, int imm)
{
    __m512i r;
    EACH(i, 8) r.u64[i] = a.u64[i / 4 * 4 + TWO(imm, i % 4)];
    return r;
}

INTRINSIC(__m512i) _mm512_permutexvar_epi32(__m512i index, __m512i a)
{
    __m512i r;
    EACH(i, 16) r.u32[i] = a.u32[index.u32[i] % 16];
    return r;
}

INTRINSIC(__m512i) _mm512_permutexvar_epi64(__m512i index, __m512i a)
{
    __m512i r;
    EACH(i, 8) r.u64[i] = a.u64[index.u64[i] % 8];
    return r;
}

/* Constants, and parts. */
INTRINSIC(__m512i) _mm512_setzero_si512(void)
{
    __m512i r;
    memset(&r, 0, sizeof(r));
    return r;
}

INTRINSIC(__m512i) _mm512_set1_epi32(int x)
{
    __m512i r;
    EACH(i, 4) r.q[i] = _mm_set1_epi32(x);
    return r;
}

INTRINSIC(__m512i) _mm512_set1_epi64(long long x)
{
    __m512i r;
    EACH(i, 4) r.q[i] = _mm_set1_epi64x(x);
    return r;
}

INTRINSIC(__m512i)
_mm512_set_epi32(int x15, int x14, int x13, int x12, int x11, int x10, int x9, int x8, int x7,
                 int x6, int x5, int x4, int x3, int x2, int x1, int x0)
{
    return (__m512i){{_mm_set_epi32(x3, x2, x1, x0), _mm_set_epi32(x7, x6, x5, x4),
                      _mm_set_epi32(x11, x10, x9, x8), _mm_set_epi32(x15, x14, x13, x12)}};
}

INTRINSIC(__m512i) _mm512_broadcast_i32x4(__m128i a)
{
    return (__m512i){{a, a, a, a}};
}

INTRINSIC(__m512i) _mm512_castsi128_si512(__m128i a)
{
    return (__m512i){{a, UNDEFINED, UNDEFINED, UNDEFINED}};
}

INTRINSIC(__m512i) _mm512_castsi256_si512(__m256i a)
{
    return (__m512i){{a.q[0], a.q[1], UNDEFINED, UNDEFINED}};
}

INTRINSIC(__m128i) _mm512_castsi512_si128(__m512i a)
{
    return a.q[0];
}

INTRINSIC(__m256i) _mm512_castsi512_si256(__m512i a)
{
    return (__m256i){{a.q[0], a.q[1]}};
}

INTRINSIC(__m128i) _mm512_extracti32x4_epi32(__m512i a, int imm)
{
    return a.q[imm & 3];
}

INTRINSIC(__m256i) _mm512_extracti64x4_epi64(__m512i a, int imm)
{
    return (__m256i){{a.q[2 * (imm & 1)], a.q[2 * (imm & 1) + 1]}};
}

INTRINSIC(__m512i) _mm512_inserti32x4(__m512i a, __m128i b, int imm)
{
    a.q[imm & 3] = b;
    return a;
}

INTRINSIC(__m512i) _mm512_inserti64x4(__m512i a, __m256i b, int imm)
{
    a.q[2 * (imm & 1)] = b.q[0];
    a.q[2 * (imm & 1) + 1] = b.q[1];
    return a;
}

/* 256 bits. */
INTRINSIC(__m256i) _mm256_xor_si256(__m256i a, __m256i b)
{
    return (__m256i){{_mm_xor_si128(a.q[0], b.q[0]), _mm_xor_si128(a.q[1], b.q[1])}};
}

INTRINSIC(__m256i) _mm256_set_m128i(__m128i high, __m128i low)
{
    return (__m256i){{low, high}};
}

INTRINSIC(__m128i) _mm256_castsi256_si128(__m256i a)
{
    return a.q[0];
}

INTRINSIC(__m128i) _mm256_extracti128_si256(__m256i a, int imm)
{
    return a.q[imm & 1];
}

/* Masks. */
INTRINSIC(uint64_t) _bzhi_u64(uint64_t x, unsigned int n)
{
    return (n & 0xff) < 64 ? x & ((UINT64_C(1) << (n & 0xff)) - 1) : x;
}

INTRINSIC(__m512i) _mm512_mask_mov_epi64(__m512i other, __mmask8 k, __m512i a)
{
    EACH(i, 8) a.u64[i] = (a.u64[i] & ALL_IF(k, i)) | (other.u64[i] & ~ALL_IF(k, i));
    return a;
}

INTRINSIC(__m512i) _mm512_maskz_mov_epi64(__mmask8 k, __m512i a)
{
    return _mm512_mask_mov_epi64(_mm512_setzero_si512(), k, a);
}

INTRINSIC(__m512i) _mm512_maskz_mov_epi8(__mmask64 k, __m512i a)
{
    EACH(i, 64) a.u8[i] &= (uint8_t)ALL_IF(k, i);
    return a;
}

INTRINSIC(__m512i) _mm512_maskz_and_epi64(__mmask8 k, __m512i a, __m512i b)
{
    return _mm512_maskz_mov_epi64(k, _mm512_and_si512(a, b));
}

INTRINSIC(__m512i) _mm512_mask_add_epi64(__m512i other, __mmask8 k, __m512i a, __m512i b)
{
    return _mm512_mask_mov_epi64(other, k, _mm512_add_epi64(a, b));
}

INTRINSIC(__m512i) _mm512_maskz_set1_epi64(__mmask8 k, long long x)
{
    return _mm512_maskz_mov_epi64(k, _mm512_set1_epi64(x));
}

INTRINSIC(__m512i) _mm512_maskz_broadcast_i32x4(__mmask16 k, __m128i a)
{
    __m512i r = _mm512_broadcast_i32x4(a);
    EACH(i, 16) r.u32[i] &= (uint32_t)ALL_IF(k, i);
    return r;
}

/* A bit a lane; comparisons are of numbers without sign. */
#define TO_MASK(name, condition)                            \
    INTRINSIC(__mmask8) name(__m512i a, __m512i b)          \
    {                                                       \
        unsigned int k = 0;                                 \
        EACH(i, 8) k |= (unsigned int)((condition)&1) << i; \
        return (__mmask8)k;                                 \
    }
/* The borrow of x - y: no branch. */
#define LESS(x, y) (((~(x) & (y)) | (~((x) ^ (y)) & ((x) - (y)))) >> 63)
TO_MASK(_mm512_cmplt_epu64_mask, LESS(a.u64[i], b.u64[i]))
TO_MASK(_mm512_cmpge_epu64_mask, ~LESS(a.u64[i], b.u64[i]))
TO_MASK(_mm512_cmple_epu64_mask, ~LESS(b.u64[i], a.u64[i]))
TO_MASK(_mm512_test_epi64_mask, LESS(UINT64_C(0), a.u64[i] & b.u64[i]))
#undef TO_MASK
#undef LESS

/* Memory. */
INTRINSIC(__m512i) _mm512_loadu_si512(const void *p)
{
    __m512i r;
    memcpy(&r, p, sizeof(r));
    return r;
}

INTRINSIC(void) _mm512_storeu_si512(void *p, __m512i a)
{
    memcpy(p, &a, sizeof(a));
}

/* p itself may point where nothing is. */
INTRINSIC(const uint8_t *) emulate_at(const void *p, size_t at)
{
    return (const uint8_t *)((uintptr_t)p + at);
}

INTRINSIC(__m512i) _mm512_maskz_loadu_epi8(__mmask64 k, const void *p)
{
    __m512i r = _mm512_setzero_si512();
    EACH(i, 64) if (k >> i & 1) r.u8[i] = *emulate_at(p, (size_t)i);
    return r;
}

INTRINSIC(void) _mm512_mask_storeu_epi8(void *p, __mmask64 k, __m512i a)
{
    EACH(i, 64) if (k >> i & 1) * (uint8_t *)((uintptr_t)p + (size_t)i) = a.u8[i];
}

INTRINSIC(__m128i) _mm_maskz_loadu_epi8(__mmask16 k, const void *p)
{
    return _mm512_maskz_loadu_epi8(k, p).q[0];
}

/* Reads as many words as bits are set, one after the other. */
INTRINSIC(__m512i) _mm512_maskz_expandloadu_epi64(__mmask8 k, const void *p)
{
    __m512i r = _mm512_setzero_si512();
    size_t at = 0;
    EACH(i, 8)
    {
        if (!(k >> i & 1))
            continue;
        memcpy(&r.u64[i], emulate_at(p, at), 8);
        at += 8;
    }
    return r;
}

#undef UNDEFINED
#undef EACH
#undef ALL_IF
#undef TWO
#undef INTRINSIC

#endif
