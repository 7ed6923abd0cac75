/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Poly1305 (RFC 8439 section 2.5) on AVX-512 IFMA: eight 64-bit lanes, numbers in limbs of 44, 44
 * and 42 bits. A lane is a block of one message (streams) or a message of its own (lanes); the
 * multiplication is the same for both. Needs AVX-512F, -VL, -BW and IFMA.
 *
 * Products: the instructions give bits 0…51 and 52…103 of each. The upper half counts 2^52, which
 * is 2^8 of the next limb (and above the top limb 2^10 * 2^130 = 2^10 * 5). Limbs beyond the top
 * come back in multiplied by 2^132 = 4 * 2^130 = 20: so s1 = 20 r1 and s2 = 20 r2.
 * Limbs stay below 2^48 and s below 2^49, so that operands never reach 2^52.
 *
 * Streams: with eight lanes a message of n blocks is summed by Horner's rule in r^8, where the last
 * group of eight is multiplied by r^8, r^7, … r instead and the lanes are added. A first group of
 * less than eight blocks stands at the end of its vector, as if the message began with zeros.
 * Loading two vectors of four blocks and taking their words apart puts blocks 0 … 7 into lanes
 * 0, 2, 4, 6, 1, 3, 5, 7.
 */

#include <immintrin.h>
#include <string.h>

#define POLY_STEP_LEN 128u

struct limbs {
    __m512i l[3];
};

struct factor {
    __m512i r[3], s1, s2;
};

struct poly {
    struct factor r8, descending; /* r^8 everywhere; r^8 … r by block */
    struct limbs sum;             /* in all lanes the same */
    __m512i pad_low, pad_high;
};

#define poly_word(x)  _mm512_set1_epi64((long long)(x))
#define POLY_MASK44   poly_word(0xfffffffffff)
#define POLY_MASK42   poly_word(0x3ffffffffff)
#define POLY_ABOVE128 (UINT64_C(1) << 40) /* 2^128 in the top limb */

INLINE struct factor make_factor(struct limbs r)
{
    struct factor f = {{r.l[0], r.l[1], r.l[2]}, r.l[1], r.l[2]};
    f.s1 = _mm512_add_epi64(_mm512_slli_epi64(r.l[1], 4), _mm512_slli_epi64(r.l[1], 2));
    f.s2 = _mm512_add_epi64(_mm512_slli_epi64(r.l[2], 4), _mm512_slli_epi64(r.l[2], 2));
    return f;
}

/* Moves what exceeds the limbs upwards; high[i] counts 2^52 of limb i. */
INLINE struct limbs carry(const __m512i low[3], const __m512i high[3])
{
    struct limbs h;
    __m512i mid = _mm512_add_epi64(low[1], _mm512_slli_epi64(high[0], 8));
    __m512i top = _mm512_add_epi64(low[2], _mm512_slli_epi64(high[1], 8));
    mid = _mm512_add_epi64(mid, _mm512_srli_epi64(low[0], 44));
    top = _mm512_add_epi64(top, _mm512_srli_epi64(mid, 44));
    __m512i over = _mm512_add_epi64(_mm512_slli_epi64(high[2], 10), _mm512_srli_epi64(top, 42));
    over = _mm512_add_epi64(over, _mm512_slli_epi64(over, 2));
    over = _mm512_add_epi64(over, _mm512_and_si512(low[0], POLY_MASK44));
    h.l[0] = _mm512_and_si512(over, POLY_MASK44);
    h.l[1] = _mm512_add_epi64(_mm512_and_si512(mid, POLY_MASK44), _mm512_srli_epi64(over, 44));
    h.l[2] = _mm512_and_si512(top, POLY_MASK42);
    return h;
}

#define madd_low(sum, a, b)  _mm512_madd52lo_epu64(sum, a, b)
#define madd_high(sum, a, b) _mm512_madd52hi_epu64(sum, a, b)

INLINE struct limbs multiply(struct limbs h, const struct factor *f)
{
    const __m512i factors[3][3] = {
        {f->r[0], f->s2, f->s1}, {f->r[1], f->r[0], f->s2}, {f->r[2], f->r[1], f->r[0]}};
    __m512i low[3], high[3];
    UNROLL for (int i = 0; i < 3; i++)
    {
        low[i] = high[i] = _mm512_setzero_si512();
        UNROLL for (int j = 0; j < 3; j++)
        {
            low[i] = madd_low(low[i], h.l[j], factors[i][j]);
            high[i] = madd_high(high[i], h.l[j], factors[i][j]);
        }
    }
    return carry(low, high);
}

/* Adds blocks, given as two words each, in the lanes of active. */
INLINE struct limbs add_blocks(struct limbs h, __m512i low, __m512i high, __mmask8 active)
{
    __m512i mid = _mm512_or_si512(_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20));
    __m512i top = _mm512_or_si512(_mm512_srli_epi64(high, 24), poly_word(POLY_ABOVE128));
    h.l[0] = _mm512_add_epi64(h.l[0], _mm512_maskz_and_epi64(active, low, POLY_MASK44));
    h.l[1] = _mm512_add_epi64(h.l[1], _mm512_maskz_and_epi64(active, mid, POLY_MASK44));
    h.l[2] = _mm512_add_epi64(h.l[2], _mm512_maskz_mov_epi64(active, top));
    return h;
}

INLINE struct limbs add_group(struct limbs h, const uint8_t *bytes)
{
    __m512i a = _mm512_loadu_si512((const void *)bytes);
    __m512i b = _mm512_loadu_si512((const void *)(bytes + 64));
    return add_blocks(h, _mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b), 0xff);
}

/* r of the one-time keys' first words, clamped (RFC 8439 section 2.5). */
INLINE struct limbs clamp(__m512i low, __m512i high)
{
    struct limbs r = {{_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}};
    low = _mm512_and_si512(low, poly_word(0x0ffffffc0fffffff));
    high = _mm512_and_si512(high, poly_word(0x0ffffffc0ffffffc));
    r = add_blocks(r, low, high, 0xff);
    r.l[2] = _mm512_sub_epi64(r.l[2], poly_word(POLY_ABOVE128));
    return r;
}

INLINE struct limbs blend(__mmask8 which, struct limbs a, struct limbs b)
{
    UNROLL for (int i = 0; i < 3; i++) a.l[i] = _mm512_mask_mov_epi64(a.l[i], which, b.l[i]);
    return a;
}

INLINE struct limbs all_lanes_sum(struct limbs h)
{
    UNROLL for (int i = 0; i < 3; i++)
    {
        __m512i v = h.l[i];
        v = _mm512_add_epi64(v, _mm512_shuffle_i64x2(v, v, 0x4e));
        v = _mm512_add_epi64(v, _mm512_shuffle_i64x2(v, v, 0xb1));
        h.l[i] = _mm512_add_epi64(v, _mm512_permutex_epi64(v, 0xb1));
    }
    return h;
}

/* The powers' lanes by block are 8 7 6 5 4 3 2 1, hence 8 4 7 3 6 2 5 1 by lane. */
INLINE void poly_begin(struct poly *p, const uint8_t one_time_key[32])
{
    uint64_t words[4];
    memcpy(words, one_time_key, sizeof(words));
    struct limbs r = clamp(poly_word(words[0]), poly_word(words[1]));
    struct factor f = make_factor(r);
    struct limbs square = multiply(r, &f), fourth, powers;
    f = make_factor(square);
    struct limbs cube_and_fourth = multiply(blend(0x33, r, square), &f);
    fourth = cube_and_fourth; /* in lanes 0, 1, 4, 5, the cube in the others */
    UNROLL for (int i = 0; i < 3; i++) fourth.l[i] =
        _mm512_permutexvar_epi64(_mm512_setzero_si512(), fourth.l[i]);
    powers = blend(0x0f, r, cube_and_fourth); /* 4 4 3 3 by lane, … */
    powers = blend(0x30, powers, square);     /* … 2 2 1 1 */
    f = make_factor(fourth);
    powers = blend(0x55, powers, multiply(powers, &f)); /* + 4 in the even lanes */
    p->descending = make_factor(powers);
    UNROLL for (int i = 0; i < 3; i++) fourth.l[i] =
        _mm512_permutexvar_epi64(_mm512_setzero_si512(), powers.l[i]);
    p->r8 = make_factor(fourth);
    UNROLL for (int i = 0; i < 3; i++) p->sum.l[i] = _mm512_setzero_si512();
    p->pad_low = poly_word(words[2]);
    p->pad_high = poly_word(words[3]);
}

/* A run of whole groups: begins with the sum in block 0's lane, ends in the lanes' sum. */
INLINE struct limbs poly_run_begin(const struct poly *p)
{
    struct limbs h;
    UNROLL for (int i = 0; i < 3; i++) h.l[i] = _mm512_maskz_mov_epi64(1, p->sum.l[i]);
    return h;
}

INLINE struct limbs poly_run_step(const struct poly *p, struct limbs h, const uint8_t *bytes,
                                  bool last)
{
    return multiply(add_group(h, bytes), last ? &p->descending : &p->r8);
}

INLINE void poly_run_end(struct poly *p, struct limbs h)
{
    p->sum = all_lanes_sum(h);
}

/* num_blocks whole blocks. */
static void poly_blocks(struct poly *p, const uint8_t *bytes, size_t num_blocks)
{
    if (!num_blocks)
        return;
    unsigned int few = (unsigned int)(num_blocks - 1) % 8 + 1, skip = 8 - few;
    unsigned int words = 0xffffu << 2 * skip;
    __mmask8 first = (__mmask8)words, second = (__mmask8)(words >> 8);
    __m512i a = _mm512_maskz_expandloadu_epi64(first, bytes);
    __m512i b = _mm512_maskz_expandloadu_epi64(second, bytes + (skip < 4 ? 16 * (4 - skip) : 0));
    __m512i ones = _mm512_unpacklo_epi64(_mm512_maskz_set1_epi64(first, 1),
                                         _mm512_maskz_set1_epi64(second, 1));
    unsigned int lane = skip < 4 ? 2 * skip : 2 * skip - 7;
    struct limbs h;
    UNROLL for (int i = 0; i < 3; i++) h.l[i] =
        _mm512_maskz_mov_epi64((__mmask8)(1u << lane), p->sum.l[i]);
    h = add_blocks(h, _mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b),
                   _mm512_test_epi64_mask(ones, ones));
    for (num_blocks -= few, bytes += 16 * few; num_blocks; num_blocks -= 8, bytes += 128)
        h = add_group(multiply(h, &p->r8), bytes);
    p->sum = all_lanes_sum(multiply(h, &p->descending));
}

/* sum mod 2^130 - 5, + pad mod 2^128: the tags' two words, lane by lane. */
INLINE void finish_lanes(struct limbs h, __m512i pad_low, __m512i pad_high, __m512i tag[2])
{
    const __m512i none[3] = {_mm512_setzero_si512(), _mm512_setzero_si512(),
                             _mm512_setzero_si512()};
    struct limbs g;
    h = carry(h.l, none);
    h = carry(h.l, none);
    /* h - p = h + 5 - 2^130 if that is not negative */
    g.l[0] = _mm512_add_epi64(h.l[0], poly_word(5));
    g.l[1] = _mm512_add_epi64(h.l[1], _mm512_srli_epi64(g.l[0], 44));
    g.l[2] = _mm512_add_epi64(h.l[2], _mm512_srli_epi64(g.l[1], 44));
    __mmask8 reached = _mm512_cmpge_epu64_mask(g.l[2], poly_word(UINT64_C(1) << 42));
    g.l[0] = _mm512_and_si512(g.l[0], POLY_MASK44);
    g.l[1] = _mm512_and_si512(g.l[1], POLY_MASK44);
    h = blend(reached, h, g);
    __m512i low = _mm512_or_si512(h.l[0], _mm512_slli_epi64(h.l[1], 44));
    __m512i high = _mm512_or_si512(_mm512_srli_epi64(h.l[1], 20), _mm512_slli_epi64(h.l[2], 24));
    tag[0] = _mm512_add_epi64(low, pad_low);
    __mmask8 over = _mm512_cmplt_epu64_mask(tag[0], low);
    tag[1] = _mm512_add_epi64(high, pad_high);
    tag[1] = _mm512_mask_add_epi64(tag[1], over, tag[1], poly_word(1));
}

INLINE void poly_end(struct poly *p, uint8_t out[16])
{
    __m512i tag[2];
    finish_lanes(p->sum, p->pad_low, p->pad_high, tag);
    __m128i both =
        _mm_unpacklo_epi64(_mm512_castsi512_si128(tag[0]), _mm512_castsi512_si128(tag[1]));
    _mm_storeu_si128((__m128i *)(void *)out, both);
}
