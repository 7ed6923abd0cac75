/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Poly1305 (RFC 8439 section 2.5) in the integer units of x86-64 with BMI2: what chacha_tmpl.h runs
 * between the rounds of vectors that leave these units free.
 *
 * Numbers are h[0] + 2^64 h[1] + 2^128 h[2] + over. Clamping makes r below 2^124 with r[1] a
 * multiple of four, so that 2^128 r[1] = 5/4 r[1] = s1 is whole. After a multiplication h[2] is
 * what is below 2^130, and over, what came in from above, times 5. Adding it waits for the next
 * step, whose block is added first: that shortens the chain from step to step. With h[2] at most 6
 * there no sum of a column's upper words exceeds 64 bits.
 */

#include <stdint.h>
#include <string.h>

#define POLY_STEP_LEN 16u

struct limbs {
    uint64_t h[3], over;
};

struct poly {
    uint64_t r[2], s1;
    uint64_t pad[2];
    struct limbs sum;
};

INLINE void poly_begin(struct poly *p, const uint8_t one_time_key[32])
{
    memset(p, 0, sizeof(*p));
    memcpy(p->r, one_time_key, 16);
    memcpy(p->pad, one_time_key + 16, 16);
    p->r[0] &= 0x0ffffffc0fffffff;
    p->r[1] &= 0x0ffffffc0ffffffc;
    p->s1 = p->r[1] + (p->r[1] >> 2);
}

/*
 * (sum + block + 2^128) r. In assembly since a compiler keeps carries out of the flags, and this
 * as one unit among its vector instructions.
 *
 *      column 0     column 1     column 2
 *      h0 r0        h0 r1        h2 r0
 *      h1 s1        h1 r0
 *                   h2 s1
 */
INLINE struct limbs poly_block(const struct poly *p, struct limbs s, const uint8_t *bytes)
{
    uint64_t block[2], low0, high0, low1, high1, high;
    memcpy(block, bytes, sizeof(block));
    __asm__("add %[block0], %[h0]\n\t"
            "adc %[block1], %[h1]\n\t"
            "adc $1, %[h2]\n\t"
            "add %[over], %[h0]\n\t"
            "adc $0, %[h1]\n\t"
            "adc $0, %[h2]\n\t"
            "mov %[h0], %%rdx\n\t"
            "mulx %[r0], %[low0], %[high0]\n\t"
            "mulx %[r1], %[low1], %[high1]\n\t"
            "mov %[h1], %%rdx\n\t"
            "mulx %[s1], %[h0], %[high]\n\t"
            "mulx %[r0], %[h1], %%rdx\n\t"
            "mov %[h2], %[over]\n\t"
            "imul %[s1], %[over]\n\t"
            "imul %[r0], %[h2]\n\t"
            "add %[low0], %[h0]\n\t"
            "adc %[high0], %[high]\n\t"
            "add %[low1], %[h1]\n\t"
            "adc %[high1], %%rdx\n\t"
            "add %[high], %[over]\n\t"
            "add %[over], %[h1]\n\t"
            "adc %%rdx, %[h2]\n\t"
            "mov %[h2], %[over]\n\t"
            "and $3, %[h2]\n\t"
            "shr $2, %[over]\n\t"
            "lea (%[over], %[over], 4), %[over]\n\t"
            : [h0] "+&r"(s.h[0]), [h1] "+&r"(s.h[1]), [h2] "+&r"(s.h[2]), [over] "+&r"(s.over),
              [low0] "=&r"(low0), [high0] "=&r"(high0), [low1] "=&r"(low1), [high1] "=&r"(high1),
              [high] "=&r"(high)
            : [block0] "rm"(block[0]), [block1] "rm"(block[1]), [r0] "m"(p->r[0]),
              [r1] "m"(p->r[1]), [s1] "m"(p->s1)
            : "cc", "rdx");
    return s;
}

INLINE struct limbs poly_run_step(const struct poly *p, struct limbs s, const uint8_t *bytes,
                                  bool last)
{
    (void)last;
    return poly_block(p, s, bytes);
}

INLINE struct limbs poly_run_begin(const struct poly *p)
{
    return p->sum;
}

INLINE void poly_run_end(struct poly *p, struct limbs s)
{
    p->sum = s;
}

static void poly_blocks(struct poly *p, const uint8_t *bytes, size_t num_blocks)
{
    struct limbs s = p->sum;
    for (size_t i = 0; i < num_blocks; i++)
        s = poly_block(p, s, bytes + 16 * i);
    p->sum = s;
}

/* sum mod 2^130 - 5, + pad mod 2^128. */
INLINE void poly_end(const struct poly *p, uint8_t out[16])
{
    __extension__ typedef unsigned __int128 wide;
    const struct limbs *s = &p->sum;
    wide low = (wide)s->h[1] << 64 | s->h[0], pad = (wide)p->pad[1] << 64 | p->pad[0];
    low += s->over;
    const uint64_t top = s->h[2] + (low < s->over);
    /* sum - (2^130 - 5) = sum + 5 - 2^130 if that is not negative; below 2^128 only the 5 shows. */
    const uint64_t reached = (top + (low + 5 < low)) >> 2;
    low += 5 * reached + pad;
    memcpy(out, &low, 16);
}
