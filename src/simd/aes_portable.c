/* SPDX-License-Identifier: BSD-3-Clause */
#include "simd/aes_portable.h"

#include <string.h>

#include "base/bytes.h"
#include "base/ct.h"

/* The S-box on planes; q[0] is the least significant bit. Variables are named as in the paper. */
static void sub_bytes(uint64_t q[8])
{
    uint64_t x0 = q[7], x1 = q[6], x2 = q[5], x3 = q[4], x4 = q[3], x5 = q[2], x6 = q[1], x7 = q[0];

    /* Top linear layer. */
    uint64_t y14 = x3 ^ x5, y13 = x0 ^ x6, y9 = x0 ^ x3, y8 = x0 ^ x5, t0 = x1 ^ x2;
    uint64_t y1 = t0 ^ x7, y4 = y1 ^ x3, y12 = y13 ^ y14, y2 = y1 ^ x0, y5 = y1 ^ x6;
    uint64_t y3 = y5 ^ y8, t1 = x4 ^ y12, y15 = t1 ^ x5, y20 = t1 ^ x1, y6 = y15 ^ x7;
    uint64_t y10 = y15 ^ t0, y11 = y20 ^ y9, y7 = x7 ^ y11, y17 = y10 ^ y11, y19 = y10 ^ y8;
    uint64_t y16 = t0 ^ y11, y21 = y13 ^ y16, y18 = x0 ^ y16;

    /* Inversion in GF(2^4)^2. */
    uint64_t t2 = y12 & y15, t3 = y3 & y6, t4 = t3 ^ t2, t5 = y4 & x7, t6 = t5 ^ t2;
    uint64_t t7 = y13 & y16, t8 = y5 & y1, t9 = t8 ^ t7, t10 = y2 & y7, t11 = t10 ^ t7;
    uint64_t t12 = y9 & y11, t13 = y14 & y17, t14 = t13 ^ t12, t15 = y8 & y10, t16 = t15 ^ t12;
    uint64_t t17 = t4 ^ t14, t18 = t6 ^ t16, t19 = t9 ^ t14, t20 = t11 ^ t16;
    uint64_t t21 = t17 ^ y20, t22 = t18 ^ y19, t23 = t19 ^ y21, t24 = t20 ^ y18;
    uint64_t t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26, t28 = t25 & t27, t29 = t28 ^ t22;
    uint64_t t30 = t23 ^ t24, t31 = t22 ^ t26, t32 = t31 & t30, t33 = t32 ^ t24, t34 = t23 ^ t33;
    uint64_t t35 = t27 ^ t33, t36 = t24 & t35, t37 = t36 ^ t34, t38 = t27 ^ t36, t39 = t29 & t38;
    uint64_t t40 = t25 ^ t39, t41 = t40 ^ t37, t42 = t29 ^ t33, t43 = t29 ^ t40, t44 = t33 ^ t37;
    uint64_t t45 = t42 ^ t41;
    uint64_t z0 = t44 & y15, z1 = t37 & y6, z2 = t33 & x7, z3 = t43 & y16, z4 = t40 & y1;
    uint64_t z5 = t29 & y7, z6 = t42 & y11, z7 = t45 & y17, z8 = t41 & y10, z9 = t44 & y12;
    uint64_t z10 = t37 & y3, z11 = t33 & y4, z12 = t43 & y13, z13 = t40 & y5, z14 = t29 & y2;
    uint64_t z15 = t42 & y9, z16 = t45 & y14, z17 = t41 & y8;

    /* Bottom linear layer and the affine constant. */
    uint64_t t46 = z15 ^ z16, t47 = z10 ^ z11, t48 = z5 ^ z13, t49 = z9 ^ z10, t50 = z2 ^ z12;
    uint64_t t51 = z2 ^ z5, t52 = z7 ^ z8, t53 = z0 ^ z3, t54 = z6 ^ z7, t55 = z16 ^ z17;
    uint64_t t56 = z12 ^ t48, t57 = t50 ^ t53, t58 = z4 ^ t46, t59 = z3 ^ t54, t60 = t46 ^ t57;
    uint64_t t61 = z14 ^ t57, t62 = t52 ^ t58, t63 = t49 ^ t58, t64 = z4 ^ t59, t65 = t61 ^ t62;
    uint64_t t66 = z1 ^ t63, s0 = t59 ^ t63, s6 = t56 ^ ~t62, s7 = t48 ^ ~t60, t67 = t64 ^ t65;
    uint64_t s3 = t53 ^ t66, s4 = t51 ^ t66, s5 = t47 ^ t65, s1 = t64 ^ ~s3, s2 = t55 ^ ~t67;

    q[7] = s0, q[6] = s1, q[5] = s2, q[4] = s3, q[3] = s4, q[2] = s5, q[1] = s6, q[0] = s7;
}

static void swap_bits(uint64_t *a, uint64_t *b, uint64_t mask, unsigned int by)
{
    uint64_t t = (*a >> by ^ *b) & mask;
    *b ^= t;
    *a ^= t << by;
}

/* Transposes the 8x8 bits that the same byte of the eight words makes; its own inverse. */
static void transpose(uint64_t q[8])
{
    for (int i = 0; i < 8; i += 2)
        swap_bits(&q[i], &q[i + 1], 0x5555555555555555u, 1);
    for (int i = 0; i < 8; i += i % 4 ? 3 : 1)
        swap_bits(&q[i], &q[i + 2], 0x3333333333333333u, 2);
    for (int i = 0; i < 4; i++)
        swap_bits(&q[i], &q[i + 4], 0x0f0f0f0f0f0f0f0fu, 4);
}

/* The even bytes of a word, in its lower half; and back. */
static uint64_t gather_even(uint64_t x)
{
    x &= 0x00ff00ff00ff00ffu;
    x = (x | x >> 8) & 0x0000ffff0000ffffu;
    return (x | x >> 16) & 0x00000000ffffffffu;
}

static uint64_t scatter_even(uint64_t x)
{
    x = (x | x << 16) & 0x0000ffff0000ffffu;
    return (x | x << 8) & 0x00ff00ff00ff00ffu;
}

/* Word b gets the even bytes of block b, word 4 + b the odd ones: then byte j of the eight words
 * are the byte positions 2j and 2j + 1 of all blocks, in the order that the planes want. */
static void planes_of(uint64_t q[8], const uint8_t *blocks)
{
    for (int b = 0; b < 4; b++) {
        uint64_t low = load_le64(blocks + 16 * b), high = load_le64(blocks + 16 * b + 8);
        q[b] = gather_even(low) | gather_even(high) << 32;
        q[4 + b] = gather_even(low >> 8) | gather_even(high >> 8) << 32;
    }
    transpose(q);
}

static void blocks_of(uint8_t *blocks, uint64_t q[8])
{
    transpose(q);
    for (int b = 0; b < 4; b++) {
        uint64_t even = q[b], odd = q[4 + b];
        store_le64(blocks + 16 * b,
                   scatter_even(even & 0xffffffffu) | scatter_even(odd & 0xffffffffu) << 8);
        store_le64(blocks + 16 * b + 8, scatter_even(even >> 32) | scatter_even(odd >> 32) << 8);
    }
}

static uint64_t rotate_right(uint64_t x, unsigned int by)
{
    return x >> by | x << (64 - by);
}

static void shift_rows(uint64_t q[8])
{
    for (int k = 0; k < 8; k++) {
        uint64_t x = q[k];
        q[k] = (x & 0x000f000f000f000fu) | rotate_right(x & 0x00f000f000f000f0u, 16) |
               rotate_right(x & 0x0f000f000f000f00u, 32) |
               rotate_right(x & 0xf000f000f000f000u, 48);
    }
}

/* Row r of every column becomes what row r + 1 was. */
static uint64_t next_row(uint64_t x)
{
    return (x >> 4 & 0x0fff0fff0fff0fffu) | (x << 12 & 0xf000f000f000f000u);
}

/* b_r = 2 (a_r + a_r+1) + a_r+1 + a_r+2 + a_r+3, where doubling moves each plane up by one and
 * folds plane 7 back by the polynomial x^8 = x^4 + x^3 + x + 1. */
static void mix_columns(uint64_t q[8])
{
    uint64_t sum[8], rest[8];
    for (int k = 0; k < 8; k++) {
        uint64_t a1 = next_row(q[k]);
        sum[k] = q[k] ^ a1;
        rest[k] = a1 ^ next_row(next_row(sum[k]));
    }
    for (int k = 0; k < 8; k++) {
        uint64_t doubled = k ? sum[k - 1] : sum[7];
        if (k == 1 || k == 3 || k == 4)
            doubled ^= sum[7];
        q[k] = doubled ^ rest[k];
    }
}

static void add_round_key(uint64_t q[8], const uint64_t key[8])
{
    for (int k = 0; k < 8; k++)
        q[k] ^= key[k];
}

void lks_aes_portable_encrypt4(const struct lks_aes_planes *planes, uint8_t *blocks)
{
    uint64_t q[8];
    planes_of(q, blocks);
    add_round_key(q, planes->key[0]);
    for (unsigned int round = 1; round < planes->num_rounds; round++) {
        sub_bytes(q);
        shift_rows(q);
        mix_columns(q);
        add_round_key(q, planes->key[round]);
    }
    sub_bytes(q);
    shift_rows(q);
    add_round_key(q, planes->key[planes->num_rounds]);
    blocks_of(blocks, q);
}

/* The inverse of the S-box's affine map: bit i is the sum of bits i + 2, i + 5 and i + 7 of the
 * byte less the map's constant. */
static void undo_affine(uint64_t q[8])
{
    uint64_t p[8];
    for (int k = 0; k < 8; k++)
        p[k] = q[(k + 2) % 8] ^ q[(k + 5) % 8] ^ q[(k + 7) % 8];
    for (int k = 0; k < 8; k++)
        q[k] = k == 0 || k == 2 ? ~p[k] : p[k];
}

/* The S-box is the map after an inversion, which is its own inverse: so map back, S-box, map back.
 */
static void inverse_sub_bytes(uint64_t q[8])
{
    undo_affine(q);
    sub_bytes(q);
    undo_affine(q);
}

static void inverse_shift_rows(uint64_t q[8])
{
    for (int k = 0; k < 8; k++) {
        uint64_t x = q[k];
        q[k] = (x & 0x000f000f000f000fu) | rotate_right(x & 0x00f000f000f000f0u, 48) |
               rotate_right(x & 0x0f000f000f000f00u, 32) |
               rotate_right(x & 0xf000f000f000f000u, 16);
    }
}

/* The inverse matrix is MixColumns' times one that adds 4 (a_r + a_r+2) to each row. */
static void inverse_mix_columns(uint64_t q[8])
{
    uint64_t sum[8];
    for (int k = 0; k < 8; k++)
        sum[k] = q[k] ^ next_row(next_row(q[k]));
    for (int k = 0; k < 8; k++)
        q[k] ^= sum[(k + 6) % 8]; /* times x^2; the planes that leave at the top come back: */
    const uint64_t x8 = sum[6], x9 = sum[7];
    q[1] ^= x8;
    q[3] ^= x8;
    q[4] ^= x8;
    q[2] ^= x9;
    q[4] ^= x9;
    q[5] ^= x9;
    mix_columns(q);
}

void lks_aes_portable_decrypt4(const struct lks_aes_planes *planes, uint8_t *blocks)
{
    uint64_t q[8];
    planes_of(q, blocks);
    add_round_key(q, planes->key[planes->num_rounds]);
    for (unsigned int round = planes->num_rounds; round-- > 1;) {
        inverse_shift_rows(q);
        inverse_sub_bytes(q);
        add_round_key(q, planes->key[round]);
        inverse_mix_columns(q);
    }
    inverse_shift_rows(q);
    inverse_sub_bytes(q);
    add_round_key(q, planes->key[0]);
    blocks_of(blocks, q);
}

void lks_aes_portable_load(struct lks_aes_planes *planes, const uint8_t *round_keys,
                           unsigned int num_rounds)
{
    uint8_t copies[64];
    planes->num_rounds = num_rounds;
    for (unsigned int round = 0; round <= num_rounds; round++) {
        for (int b = 0; b < 4; b++)
            memcpy(copies + 16 * b, round_keys + 16 * round, 16);
        planes_of(planes->key[round], copies);
    }
    lks_wipe(copies, sizeof(copies));
}

static void sub_word(uint8_t word[4])
{
    uint8_t blocks[64] = {0};
    uint64_t q[8];
    memcpy(blocks, word, 4);
    planes_of(q, blocks);
    sub_bytes(q);
    blocks_of(blocks, q);
    memcpy(word, blocks, 4);
    lks_wipe(blocks, sizeof(blocks));
}

void lks_aes_portable_expand(uint8_t *round_keys, const uint8_t *key, unsigned int key_len)
{
    unsigned int num_bytes = 16 * (key_len / 4 + 7);
    uint8_t word[4], rcon = 1;
    memcpy(round_keys, key, key_len);
    for (unsigned int at = key_len; at < num_bytes; at += 4) {
        memcpy(word, round_keys + at - 4, 4);
        if (at % key_len == 0) {
            uint8_t first = word[0];
            memmove(word, word + 1, 3);
            word[3] = first;
            sub_word(word);
            word[0] ^= rcon;
            rcon = (uint8_t)(rcon << 1 ^ (rcon >> 7) * 0x1b);
        } else if (key_len == 32 && at % 32 == 16) {
            sub_word(word);
        }
        for (int i = 0; i < 4; i++)
            round_keys[at + i] = round_keys[at - key_len + i] ^ word[i];
    }
    lks_wipe(word, sizeof(word));
}
