/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Poly1305 (RFC 8439 section 2.5) on AVX2: four 64-bit lanes, numbers in five limbs of 26 bits. A
 * lane is a message of its own.
 *
 * Products: what leaves at 2^130 comes in below times 5, so s[i] = 5 r[i]. Limbs are below 2^27
 * after a multiplication; the sum of four and a block stays below 2^30, five products with s below
 * 2^61.
 */

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

struct limbs4 {
    __m256i l[5];
};

struct factor {
    __m256i r[5], s[5]; /* s[0] is not used */
};

#define poly_word(x)  _mm256_set1_epi64x((long long)(x))
#define POLY_MASK26   poly_word(0x3ffffff)
#define POLY_ABOVE128 poly_word(UINT64_C(1) << 24) /* 2^128 in the top limb */
#define POLY_EACH     for (int i = 0; i < 5; i++)

INLINE __m256i times5(__m256i x)
{
    return _mm256_add_epi64(x, _mm256_slli_epi64(x, 2));
}

INLINE struct factor make_factor(struct limbs4 r)
{
    struct factor f;
    UNROLL POLY_EACH f.r[i] = r.l[i];
    UNROLL POLY_EACH f.s[i] = times5(r.l[i]);
    return f;
}

/* Moves what exceeds limb i to the limb above it. */
INLINE void carry_up(__m256i *d, int i)
{
    __m256i over = _mm256_srli_epi64(d[i], 26);
    d[i] = _mm256_and_si256(d[i], POLY_MASK26);
    d[(i + 1) % 5] = _mm256_add_epi64(d[(i + 1) % 5], i == 4 ? times5(over) : over);
}

/* From two places at once, so that half as many steps wait for each other. */
INLINE struct limbs4 carry(struct limbs4 d)
{
    carry_up(d.l, 0), carry_up(d.l, 3);
    carry_up(d.l, 1), carry_up(d.l, 4);
    carry_up(d.l, 2), carry_up(d.l, 0);
    carry_up(d.l, 3);
    return d;
}

INLINE struct limbs4 multiply(struct limbs4 h, const struct factor *f)
{
    struct limbs4 d;
    UNROLL POLY_EACH d.l[i] = _mm256_mul_epu32(h.l[0], f->r[i]);
    UNROLL for (int j = 1; j < 5; j++)
    {
        UNROLL POLY_EACH
        {
            __m256i factor = i >= j ? f->r[i >= j ? i - j : 0] : f->s[i < j ? 5 + i - j : 0];
            d.l[i] = _mm256_add_epi64(d.l[i], _mm256_mul_epu32(h.l[j], factor));
        }
    }
    return carry(d);
}

/* Adds blocks, given as two words each; above128 is what every block has on top. */
INLINE struct limbs4 add_blocks(struct limbs4 h, __m256i low, __m256i high, __m256i above128)
{
    __m256i mid = _mm256_or_si256(_mm256_srli_epi64(low, 52), _mm256_slli_epi64(high, 12));
    __m256i part[5] = {_mm256_and_si256(low, POLY_MASK26),
                       _mm256_and_si256(_mm256_srli_epi64(low, 26), POLY_MASK26),
                       _mm256_and_si256(mid, POLY_MASK26),
                       _mm256_and_si256(_mm256_srli_epi64(high, 14), POLY_MASK26),
                       _mm256_or_si256(_mm256_srli_epi64(high, 40), above128)};
    UNROLL POLY_EACH h.l[i] = _mm256_add_epi64(h.l[i], part[i]);
    return h;
}

INLINE struct limbs4 no_limbs(void)
{
    struct limbs4 h;
    UNROLL POLY_EACH h.l[i] = _mm256_setzero_si256();
    return h;
}

/* r of the one-time keys' first words, clamped (RFC 8439 section 2.5). */
INLINE struct limbs4 clamp(__m256i low, __m256i high)
{
    low = _mm256_and_si256(low, poly_word(0x0ffffffc0fffffff));
    high = _mm256_and_si256(high, poly_word(0x0ffffffc0ffffffc));
    return add_blocks(no_limbs(), low, high, _mm256_setzero_si256());
}

/* sum mod 2^130 - 5, + pad mod 2^128: the tags' two words, lane by lane. */
INLINE void finish_lanes(struct limbs4 h, __m256i pad_low, __m256i pad_high, __m256i tag[2])
{
    const __m256i mask32 = poly_word(0xffffffff);
    struct limbs4 g;
    h = carry(carry(h));
    UNROLL for (int i = 0; i < 5; i++) carry_up(h.l, i);
    /* h - p = h + 5 - 2^130 if that is not negative */
    g = h;
    g.l[0] = _mm256_add_epi64(g.l[0], poly_word(5));
    UNROLL for (int i = 0; i < 4; i++) carry_up(g.l, i);
    __m256i reached = _mm256_sub_epi64(_mm256_setzero_si256(), _mm256_srli_epi64(g.l[4], 26));
    g.l[4] = _mm256_and_si256(g.l[4], POLY_MASK26);
    UNROLL POLY_EACH h.l[i] = _mm256_blendv_epi8(h.l[i], g.l[i], reached);
    __m256i low = _mm256_or_si256(_mm256_or_si256(h.l[0], _mm256_slli_epi64(h.l[1], 26)),
                                  _mm256_slli_epi64(h.l[2], 52));
    __m256i high = _mm256_or_si256(
        _mm256_or_si256(_mm256_srli_epi64(h.l[2], 12), _mm256_slli_epi64(h.l[3], 14)),
        _mm256_slli_epi64(h.l[4], 40));
    /* The carry from the lower word to the upper one, by halves. */
    __m256i half =
        _mm256_add_epi64(_mm256_and_si256(low, mask32), _mm256_and_si256(pad_low, mask32));
    half = _mm256_add_epi64(_mm256_srli_epi64(half, 32), _mm256_srli_epi64(low, 32));
    half = _mm256_add_epi64(half, _mm256_srli_epi64(pad_low, 32));
    tag[0] = _mm256_add_epi64(low, pad_low);
    tag[1] = _mm256_add_epi64(_mm256_add_epi64(high, pad_high), _mm256_srli_epi64(half, 32));
}
