/* SPDX-License-Identifier: BSD-3-Clause */

/* GHASH's field for the kernels of gcm_tmpl.h, which includes this and explains the mathematics. */

/* Products before reduction, added up: low and high halves' products, and Karatsuba's third, the
 * product of the halves' sums. */
struct products {
    VEC low, mid, high;
};

/* The sum of a block's halves, in either half. */
INLINE VEC half_sums(VEC v)
{
    return vec_xor(v, vec_swap(v));
}

INLINE void multiply_add(struct products *sum, VEC a, VEC b, VEC b_half_sums)
{
    sum->low = vec_xor(sum->low, vec_clmul(a, b, 0x00));
    sum->high = vec_xor(sum->high, vec_clmul(a, b, 0x11));
    sum->mid = vec_xor(sum->mid, vec_clmul(half_sums(a), b_half_sums, 0x00));
}

/* Puts the middle products where they belong. */
INLINE void reduce_begin(struct products *p)
{
    const VEC up = vec_repeat(_mm_set_epi64x(0x0706050403020100, -1));
    const VEC down = vec_repeat(_mm_set_epi64x(-1, 0x0f0e0d0c0b0a0908));
    const VEC mid = vec_xor3(p->mid, p->low, p->high);
    p->low = vec_xor(p->low, vec_shuffle(mid, up));
    p->high = vec_xor(p->high, vec_shuffle(mid, down));
}

/* Half of low is folded into the other; twice, and it can be added to high. */
INLINE VEC reduce_step(VEC low)
{
    const VEC poly = vec_repeat(_mm_set_epi64x((long long)0xc200000000000000u, 1));
    return vec_xor(vec_swap(low), vec_clmul(low, poly, 0x10));
}

/* Each block reduced by itself. */
INLINE VEC vec_reduce(struct products p)
{
    reduce_begin(&p);
    return vec_xor(p.high, reduce_step(reduce_step(p.low)));
}

INLINE __m128i block_multiply_kara(__m128i a, __m128i b, __m128i *low, __m128i *high)
{
    *low = _mm_clmulepi64_si128(a, b, 0x00);
    *high = _mm_clmulepi64_si128(a, b, 0x11);
    return _mm_clmulepi64_si128(_mm_xor_si128(a, _mm_shuffle_epi32(a, 0x4e)),
                                _mm_xor_si128(b, _mm_shuffle_epi32(b, 0x4e)), 0x00);
}

INLINE __m128i block_reduce(__m128i low, __m128i mid, __m128i high)
{
    const __m128i poly = _mm_set_epi64x((long long)0xc200000000000000u, 1);
    mid = _mm_xor_si128(mid, _mm_xor_si128(low, high));
    low = _mm_xor_si128(low, _mm_slli_si128(mid, 8));
    high = _mm_xor_si128(high, _mm_srli_si128(mid, 8));
    low = _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, poly, 0x10));
    return _mm_xor_si128(
        high, _mm_xor_si128(_mm_shuffle_epi32(low, 0x4e), _mm_clmulepi64_si128(low, poly, 0x10)));
}

INLINE __m128i block_multiply(__m128i a, __m128i b)
{
    __m128i low, high, mid = block_multiply_kara(a, b, &low, &high);
    return block_reduce(low, mid, high);
}
