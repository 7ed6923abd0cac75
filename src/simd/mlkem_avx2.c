/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ML-KEM-768 on AVX2: sixteen coefficients a vector, four Keccak states side by side.
 *
 * A polynomial is sixteen vectors. In natural order row r holds coefficients 16r to 16r + 15, and
 * the transform's first four layers, whose butterflies are 128, 64, 32 and 16 apart, add and
 * subtract whole rows. Then the 16 by 16 matrix is transposed: now row c holds coefficients c,
 * 16 + c, 32 + c, …, the layers at distances 8, 4 and 2 take whole rows, too, with another zeta in
 * each lane, and so does the product of pairs, whose two coefficients are rows c and c + 1. That is
 * the lane order, and no shuffle is needed but for the transposition.
 */

#include <immintrin.h>
#include <stddef.h>

#include "base/bytes.h"
#include "simd/mlkem_lane_zetas.h"
#include "simd/mlkem_rows.h"

#define ROWS 16

static inline __m256i load(const void *p)
{
    return _mm256_load_si256((const __m256i *)p);
}

static inline void store(void *p, __m256i v)
{
    _mm256_store_si256((__m256i *)p, v);
}

/* a * b * 2^-16 modulo q, |.| < q for |a * b| < q * 2^15: Montgomery's reduction on high halves. */
static inline __m256i multiply(__m256i a, __m256i b)
{
    const __m256i q = _mm256_set1_epi16(MLKEM_Q), inverse = _mm256_set1_epi16(MLKEM_Q_INVERSE);
    __m256i t = _mm256_mullo_epi16(_mm256_mullo_epi16(a, b), inverse);
    return _mm256_sub_epi16(_mm256_mulhi_epi16(a, b), _mm256_mulhi_epi16(t, q));
}

/* The same by a factor that comes with its product with q^-1, which is ready sooner. */
static inline __m256i multiply_by(__m256i a, __m256i b, __m256i b_inverse)
{
    const __m256i q = _mm256_set1_epi16(MLKEM_Q);
    __m256i t = _mm256_mullo_epi16(a, b_inverse);
    return _mm256_sub_epi16(_mm256_mulhi_epi16(a, b), _mm256_mulhi_epi16(t, q));
}

static inline __m256i times_inverse(__m256i b)
{
    return _mm256_mullo_epi16(b, _mm256_set1_epi16(MLKEM_Q_INVERSE));
}

/* Barrett's: a less the nearest multiple of q. */
static inline __m256i reduce(__m256i a)
{
    __m256i t = _mm256_mulhi_epi16(a, _mm256_set1_epi16(MLKEM_BARRETT));
    t = _mm256_srai_epi16(_mm256_add_epi16(t, _mm256_set1_epi16(1 << 9)), 10);
    return _mm256_sub_epi16(a, _mm256_mullo_epi16(t, _mm256_set1_epi16(MLKEM_Q)));
}

static void poly_small(struct poly *p)
{
    for (int r = 0; r < ROWS; r++)
        store(p->c + 16 * r, reduce(load(p->c + 16 * r)));
}

static void poly_lift(struct poly *p)
{
    for (int r = 0; r < ROWS; r++)
        store(p->c + 16 * r, reduce(multiply(load(p->c + 16 * r), _mm256_set1_epi16(MLKEM_LIFT))));
}

/* Rows become columns: pairs of 16, 32 and 64 bits change places, then halves. */
static void transpose(struct poly *p)
{
    __m256i a[ROWS], b[ROWS];
    for (int r = 0; r < ROWS; r += 2) {
        __m256i x = load(p->c + 16 * r), y = load(p->c + 16 * (r + 1));
        a[r] = _mm256_unpacklo_epi16(x, y);
        a[r + 1] = _mm256_unpackhi_epi16(x, y);
    }
    for (int r = 0; r < ROWS; r += 4) {
        for (int i = 0; i < 2; i++) {
            b[r + 2 * i] = _mm256_unpacklo_epi32(a[r + i], a[r + 2 + i]);
            b[r + 2 * i + 1] = _mm256_unpackhi_epi32(a[r + i], a[r + 2 + i]);
        }
    }
    for (int r = 0; r < ROWS; r += 8) {
        for (int i = 0; i < 4; i++) {
            a[r + 2 * i] = _mm256_unpacklo_epi64(b[r + i], b[r + 4 + i]);
            a[r + 2 * i + 1] = _mm256_unpackhi_epi64(b[r + i], b[r + 4 + i]);
        }
    }
    for (int i = 0; i < 8; i++) {
        store(p->c + 16 * i, _mm256_permute2x128_si256(a[i], a[8 + i], 0x20));
        store(p->c + 16 * (8 + i), _mm256_permute2x128_si256(a[i], a[8 + i], 0x31));
    }
}

static void poly_to_lanes(struct poly *p)
{
    transpose(p);
}

static void poly_from_lanes(struct poly *p)
{
    transpose(p);
}

/* One layer: rows that are a distance apart. Each group of rows has a zeta, or lanes of them. */
static inline __attribute__((always_inline)) void layer(struct poly *p, int distance, bool lanes,
                                                        const int16_t *zetas, bool inverse)
{
    for (int group = 0; group < ROWS / (2 * distance); group++) {
        __m256i zeta = lanes ? load(zetas + 16 * group) : _mm256_set1_epi16(zetas[group]);
        __m256i zeta_inverse = times_inverse(zeta);
        for (int r = 2 * distance * group; r < 2 * distance * group + distance; r++) {
            __m256i x = load(p->c + 16 * r), y = load(p->c + 16 * (r + distance));
            if (inverse) {
                store(p->c + 16 * r, _mm256_add_epi16(x, y));
                y = multiply_by(_mm256_sub_epi16(y, x), zeta, zeta_inverse);
                store(p->c + 16 * (r + distance), y);
            } else {
                y = multiply_by(y, zeta, zeta_inverse);
                store(p->c + 16 * r, _mm256_add_epi16(x, y));
                store(p->c + 16 * (r + distance), _mm256_sub_epi16(x, y));
            }
        }
    }
}

/* Seven layers add less than q each, so nothing is reduced in between. */
static void poly_ntt(struct poly *p)
{
    layer(p, 8, false, mlkem_zetas + 1, false);
    layer(p, 4, false, mlkem_zetas + 2, false);
    layer(p, 2, false, mlkem_zetas + 4, false);
    layer(p, 1, false, mlkem_zetas + 8, false);
    transpose(p);
    layer(p, 8, true, mlkem_lane_zetas[0], false);
    layer(p, 4, true, mlkem_lane_zetas[1], false);
    layer(p, 2, true, mlkem_lane_zetas[3], false);
    poly_small(p);
}

/* A layer doubles, and four from small stay below 2^15. */
static void poly_inverse(struct poly *p)
{
    layer(p, 2, true, mlkem_lane_inverse_zetas[3], true);
    layer(p, 4, true, mlkem_lane_inverse_zetas[1], true);
    layer(p, 8, true, mlkem_lane_inverse_zetas[0], true);
    poly_small(p);
    transpose(p);
    layer(p, 1, false, mlkem_inverse_zetas + 8, true);
    layer(p, 2, false, mlkem_inverse_zetas + 4, true);
    layer(p, 4, false, mlkem_inverse_zetas + 2, true);
    layer(p, 8, false, mlkem_inverse_zetas + 1, true);
    for (int r = 0; r < ROWS; r++)
        store(p->c + 16 * r, multiply(load(p->c + 16 * r), _mm256_set1_epi16(MLKEM_UNSCALE)));
}

/* FIPS 203 algorithms 11 and 12: modulo X^2 - zeta and X^2 + zeta by turns. */
static void poly_dot(struct poly *r, const struct poly a[3], const struct poly b[3])
{
    for (int c = 0; c < ROWS; c += 2) {
        __m256i zeta = load(mlkem_lane_zetas[3 + c / 4]);
        if (c % 4)
            zeta = _mm256_sub_epi16(_mm256_setzero_si256(), zeta);
        __m256i even = _mm256_setzero_si256(), odd = even, high = even;
        for (int k = 0; k < 3; k++) {
            __m256i a0 = load(a[k].c + 16 * c), a1 = load(a[k].c + 16 * (c + 1));
            __m256i b0 = load(b[k].c + 16 * c), b1 = load(b[k].c + 16 * (c + 1));
            __m256i b0_inverse = times_inverse(b0), b1_inverse = times_inverse(b1);
            even = _mm256_add_epi16(even, multiply_by(a0, b0, b0_inverse));
            high = _mm256_add_epi16(high, multiply_by(a1, b1, b1_inverse));
            odd = _mm256_add_epi16(odd, multiply_by(a0, b1, b1_inverse));
            odd = _mm256_add_epi16(odd, multiply_by(a1, b0, b0_inverse));
        }
        store(r->c + 16 * c, reduce(_mm256_add_epi16(even, multiply(high, zeta))));
        store(r->c + 16 * (c + 1), reduce(odd));
    }
}

/* FIPS 203 algorithm 8. A nibble makes a coefficient: its low bits' sum less its high bits'. */
static void poly_noise(struct poly *p, const uint8_t bytes[128])
{
    const __m256i ones = _mm256_set1_epi8(0x55), twos = _mm256_set1_epi8(0x33);
    const __m256i low = _mm256_set1_epi8(0x0f), three = _mm256_set1_epi8(3);
    for (int i = 0; i < 4; i++) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(bytes + 32 * i));
        v = _mm256_add_epi8(_mm256_and_si256(v, ones),
                            _mm256_and_si256(_mm256_srli_epi16(v, 1), ones));
        /* 3 more than the difference, lest a nibble borrows from its neighbour. */
        v = _mm256_sub_epi8(_mm256_add_epi8(_mm256_and_si256(v, twos), twos),
                            _mm256_and_si256(_mm256_srli_epi16(v, 2), twos));
        __m256i even = _mm256_sub_epi8(_mm256_and_si256(v, low), three);
        __m256i odd = _mm256_sub_epi8(_mm256_and_si256(_mm256_srli_epi16(v, 4), low), three);
        __m256i first = _mm256_unpacklo_epi8(even, odd), second = _mm256_unpackhi_epi8(even, odd);
        int16_t *out = p->c + 64 * i;
        store(out, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(first)));
        store(out + 16, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(second)));
        store(out + 32, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(first, 1)));
        store(out + 48, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(second, 1)));
    }
}

static _Alignas(32) const uint8_t rotate_8[32] = {7,  0,  1,  2,  3,  4,  5,  6,  15, 8, 9,
                                                  10, 11, 12, 13, 14, 7,  0,  1,  2,  3, 4,
                                                  5,  6,  15, 8,  9,  10, 11, 12, 13, 14};

#define KECCAK_F            keccak_f_4
#define KECCAK_WORD         __m256i
#define KECCAK_XOR(a, b)    _mm256_xor_si256(a, b)
#define KECCAK_ANDNOT(a, b) _mm256_andnot_si256(a, b)
#define KECCAK_ROTATE(a, n) rotate(a, n)
#define KECCAK_ALL(c)       _mm256_set1_epi64x((long long)(c))
static inline __attribute__((always_inline)) __m256i rotate(__m256i a, int n)
{
    if (n == 8)
        return _mm256_shuffle_epi8(a, load(rotate_8));
    return _mm256_or_si256(_mm256_slli_epi64(a, n), _mm256_srli_epi64(a, 64 - n));
}
#include "simd/keccak_tmpl.h"

#define MLKEM_ROW           lks_mlkem_avx2
#define MLKEM_ISA           "avx2"
#define KECCAK_LANES        4
#define keccak_lanes(words) keccak_f_4((__m256i *)(words))
#include "simd/mlkem_tmpl.h"
