/* SPDX-License-Identifier: BSD-3-Clause */

/* ML-KEM-768 in C: FIPS 203's own order of coefficients, one Keccak state at a time. */

#include <stddef.h>

#include "base/bytes.h"
#include "simd/mlkem_rows.h"
#include "simd/mlkem_zetas.h"

/* a * b * 2^-16 modulo q, |.| < q for |a * b| < q * 2^15. */
static inline int16_t multiply(int16_t a, int16_t b)
{
    int32_t product = (int32_t)a * b;
    int16_t t = (int16_t)((uint32_t)product * (uint32_t)MLKEM_Q_INVERSE);
    return (int16_t)((product - (int32_t)t * MLKEM_Q) >> 16);
}

static inline int16_t reduce(int16_t a)
{
    int16_t t = (int16_t)(((int32_t)MLKEM_BARRETT * a + (1 << 25)) >> 26);
    return (int16_t)(a - t * MLKEM_Q);
}

static void poly_small(struct poly *p)
{
    for (unsigned int i = 0; i < 256; i++)
        p->c[i] = reduce(p->c[i]);
}

static void poly_lift(struct poly *p)
{
    for (unsigned int i = 0; i < 256; i++)
        p->c[i] = reduce(multiply(p->c[i], MLKEM_LIFT));
}

/* Section 4.3, algorithm 9. A layer adds less than q to what coefficients may be, so that seven of
 * them need no reduction in between. */
static void poly_ntt(struct poly *p)
{
    unsigned int i = 1;
    for (unsigned int len = 128; len >= 2; len /= 2) {
        for (unsigned int start = 0; start < 256; start += 2 * len) {
            const int16_t zeta = mlkem_zetas[i++];
            for (unsigned int j = start; j < start + len; j++) {
                int16_t t = multiply(zeta, p->c[j + len]);
                p->c[j + len] = (int16_t)(p->c[j] - t);
                p->c[j] = (int16_t)(p->c[j] + t);
            }
        }
    }
    poly_small(p);
}

/* Algorithm 10. A layer doubles: four go from small to 2^15 at most, so reduce after three. */
static void poly_inverse(struct poly *p)
{
    unsigned int i = 127;
    for (unsigned int len = 2; len <= 128; len *= 2) {
        for (unsigned int start = 0; start < 256; start += 2 * len) {
            const int16_t zeta = mlkem_zetas[i--];
            for (unsigned int j = start; j < start + len; j++) {
                int16_t t = p->c[j];
                p->c[j] = (int16_t)(t + p->c[j + len]);
                p->c[j + len] = multiply(zeta, (int16_t)(p->c[j + len] - t));
            }
        }
        if (len == 8)
            poly_small(p);
    }
    for (i = 0; i < 256; i++)
        p->c[i] = multiply(p->c[i], MLKEM_UNSCALE);
}

static void poly_to_lanes(struct poly *p)
{
    (void)p;
}

static void poly_from_lanes(struct poly *p)
{
    (void)p;
}

/* Algorithms 11 and 12: products modulo X^2 - zeta and X^2 + zeta by turns. */
static void poly_dot(struct poly *r, const struct poly a[3], const struct poly b[3])
{
    for (unsigned int i = 0; i < 256; i += 2) {
        const int16_t z = mlkem_zetas[64 + i / 4];
        const int16_t zeta = (int16_t)(i % 4 ? -z : z);
        int16_t even = 0, odd = 0;
        for (unsigned int k = 0; k < 3; k++) {
            int16_t a0 = a[k].c[i], a1 = a[k].c[i + 1], b0 = b[k].c[i], b1 = b[k].c[i + 1];
            even = (int16_t)(even + multiply(a0, b0) + multiply(multiply(a1, b1), zeta));
            odd = (int16_t)(odd + multiply(a0, b1) + multiply(a1, b0));
        }
        r->c[i] = reduce(even);
        r->c[i + 1] = reduce(odd);
    }
}

/* Algorithm 8: a coefficient is the sum of two bits less the sum of two others. */
static void poly_noise(struct poly *p, const uint8_t bytes[128])
{
    for (unsigned int i = 0; i < 256; i += 8) {
        uint32_t bits = load_le32(bytes + i / 2);
        uint32_t sums = (bits & 0x55555555) + (bits >> 1 & 0x55555555);
        for (unsigned int j = 0; j < 8; j++, sums >>= 4)
            p->c[i + j] = (int16_t)((int16_t)(sums & 3) - (int16_t)(sums >> 2 & 3));
    }
}

#define MLKEM_ROW           lks_mlkem_portable
#define MLKEM_ISA           "portable"
#define KECCAK_LANES        1
#define keccak_lanes(words) keccak_f((uint64_t *)(words))
#include "simd/mlkem_tmpl.h"
