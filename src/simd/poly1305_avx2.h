/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Poly1305 (RFC 8439 section 2.5) on AVX2: four 64-bit lanes, numbers in five limbs of 26 bits. A
 * lane is a block of one message (streams) or a message of its own (lanes); the multiplication is
 * the same for both.
 *
 * Products: what leaves at 2^130 comes in below times 5, so s[i] = 5 r[i]. Limbs are below 2^27
 * after a multiplication; the sum of four and a block stays below 2^30, five products with s below
 * 2^61.
 *
 * Streams: with four lanes a message of n blocks is summed by Horner's rule in r^4, where the last
 * group of four is multiplied by r^4, r^3, r^2, r instead and the lanes are added. A first group of
 * less than four blocks stands at the end of its vectors, as if the message began with zeros.
 * Loading two vectors of two blocks and taking their words apart puts blocks 0 … 3 into lanes
 * 0, 2, 1, 3.
 */

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define POLY_STEP_LEN 64u

struct limbs {
    __m256i l[5];
};

struct factor {
    __m256i r[5], s[5]; /* s[0] is not used */
};

struct poly {
    struct factor r4, descending; /* r^4 everywhere; r^4 … r by block */
    struct limbs sum;             /* in all lanes the same */
    uint64_t pad[2];
};

#define poly_word(x)  _mm256_set1_epi64x((long long)(x))
#define POLY_MASK26   poly_word(0x3ffffff)
#define POLY_ABOVE128 poly_word(UINT64_C(1) << 24) /* 2^128 in the top limb */
#define POLY_EACH     for (int i = 0; i < 5; i++)

INLINE __m256i times5(__m256i x)
{
    return _mm256_add_epi64(x, _mm256_slli_epi64(x, 2));
}

INLINE struct factor make_factor(struct limbs r)
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
INLINE struct limbs carry(struct limbs d)
{
    carry_up(d.l, 0), carry_up(d.l, 3);
    carry_up(d.l, 1), carry_up(d.l, 4);
    carry_up(d.l, 2), carry_up(d.l, 0);
    carry_up(d.l, 3);
    return d;
}

INLINE struct limbs multiply(struct limbs h, const struct factor *f)
{
    struct limbs d;
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
INLINE struct limbs add_blocks(struct limbs h, __m256i low, __m256i high, __m256i above128)
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

INLINE struct limbs add_group(struct limbs h, const uint8_t *bytes)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32));
    return add_blocks(h, _mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b), POLY_ABOVE128);
}

INLINE struct limbs no_limbs(void)
{
    struct limbs h;
    UNROLL POLY_EACH h.l[i] = _mm256_setzero_si256();
    return h;
}

/* r of the one-time keys' first words, clamped (RFC 8439 section 2.5). */
INLINE struct limbs clamp(__m256i low, __m256i high)
{
    low = _mm256_and_si256(low, poly_word(0x0ffffffc0fffffff));
    high = _mm256_and_si256(high, poly_word(0x0ffffffc0ffffffc));
    return add_blocks(no_limbs(), low, high, _mm256_setzero_si256());
}

/* The powers' lanes by block are 4 3 2 1, hence 4 2 3 1 by lane. */
INLINE void poly_begin(struct poly *p, const uint8_t one_time_key[32])
{
    uint64_t words[4];
    memcpy(words, one_time_key, sizeof(words));
    struct limbs r = clamp(poly_word(words[0]), poly_word(words[1])), powers;
    struct factor f = make_factor(r);
    struct limbs square = multiply(r, &f);
    f = make_factor(square);
    UNROLL POLY_EACH powers.l[i] = _mm256_blend_epi32(square.l[i], r.l[i], 0xf0);
    powers = multiply(powers, &f); /* 4 4 3 3 */
    UNROLL POLY_EACH square.l[i] = _mm256_blend_epi32(square.l[i], r.l[i], 0xf0);
    UNROLL POLY_EACH powers.l[i] = _mm256_blend_epi32(powers.l[i], square.l[i], 0xcc);
    p->descending = make_factor(powers);
    UNROLL POLY_EACH powers.l[i] = _mm256_permute4x64_epi64(powers.l[i], 0);
    p->r4 = make_factor(powers);
    p->sum = no_limbs();
    memcpy(p->pad, words + 2, sizeof(p->pad));
}

/* A run of whole groups: begins with the sum in block 0's lane, ends in the lanes' sum. */
INLINE struct limbs poly_run_begin(const struct poly *p)
{
    struct limbs h;
    UNROLL POLY_EACH h.l[i] = _mm256_blend_epi32(_mm256_setzero_si256(), p->sum.l[i], 0x03);
    return h;
}

INLINE struct limbs poly_run_step(const struct poly *p, struct limbs h, const uint8_t *bytes,
                                  bool last)
{
    return multiply(add_group(h, bytes), last ? &p->descending : &p->r4);
}

INLINE void poly_run_end(struct poly *p, struct limbs h)
{
    UNROLL POLY_EACH
    {
        __m256i v = h.l[i];
        v = _mm256_add_epi64(v, _mm256_permute4x64_epi64(v, 0x4e));
        p->sum.l[i] = _mm256_add_epi64(v, _mm256_shuffle_epi32(v, 0x4e));
    }
}

/* num blocks, 1 … 4, at the end of a group, and the sum in the lane of the first. */
INLINE struct limbs first_group(const struct poly *p, const uint8_t *bytes, size_t num)
{
    /* By words; those of a group with less blocks begin further in. */
    static const int64_t present[16] = {0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1};
    static const uint8_t lane_of_first[5] = {0, 3, 1, 2, 0};
    const int64_t *mask = present + 2 * num;
    __m256i in_a = _mm256_loadu_si256((const __m256i *)(const void *)mask);
    __m256i in_b = _mm256_loadu_si256((const __m256i *)(const void *)(mask + 4));
    uint64_t words[8] = {0};
    memcpy(words + 2 * (4 - num), bytes, 16 * num);
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)words);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(words + 4));
    __m256i lanes = _mm256_set_epi64x(3, 2, 1, 0);
    __m256i first = _mm256_cmpeq_epi64(lanes, poly_word(lane_of_first[num]));
    struct limbs h;
    UNROLL POLY_EACH h.l[i] = _mm256_and_si256(first, p->sum.l[i]);
    return add_blocks(h, _mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b),
                      _mm256_and_si256(POLY_ABOVE128, _mm256_unpacklo_epi64(in_a, in_b)));
}

/* num_blocks whole blocks. */
static void poly_blocks(struct poly *p, const uint8_t *bytes, size_t num_blocks)
{
    if (!num_blocks)
        return;
    size_t few = (num_blocks - 1) % 4 + 1;
    struct limbs h = few == 4 ? add_group(poly_run_begin(p), bytes) : first_group(p, bytes, few);
    for (num_blocks -= few, bytes += 16 * few; num_blocks; num_blocks -= 4, bytes += 64)
        h = add_group(multiply(h, &p->r4), bytes);
    poly_run_end(p, multiply(h, &p->descending));
}

/* sum mod 2^130 - 5, + pad mod 2^128: the tags' two words, lane by lane. */
INLINE void finish_lanes(struct limbs h, __m256i pad_low, __m256i pad_high, __m256i tag[2])
{
    const __m256i mask32 = poly_word(0xffffffff);
    struct limbs g;
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

INLINE void poly_end(struct poly *p, uint8_t out[16])
{
    __m256i tag[2];
    finish_lanes(p->sum, poly_word(p->pad[0]), poly_word(p->pad[1]), tag);
    __m128i both =
        _mm_unpacklo_epi64(_mm256_castsi256_si128(tag[0]), _mm256_castsi256_si128(tag[1]));
    _mm_storeu_si128((__m128i *)(void *)out, both);
}
