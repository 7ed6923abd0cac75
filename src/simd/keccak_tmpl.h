/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Keccak-f[1600] (FIPS 202 section 3.3) over words of any width: a word of 64 bits is one state, a
 * vector of n such words is n states side by side.
 *
 * Who includes this defines, and has undefined again afterwards,
 *     KECCAK_F                  the function's name: static void KECCAK_F(KECCAK_WORD state[25])
 *     KECCAK_WORD               the type of a word
 *     KECCAK_XOR(a, b)
 *     KECCAK_ANDNOT(a, b)       ~a & b
 *     KECCAK_ROTATE(a, n)       left, 0 < n < 64, n constant
 *     KECCAK_ALL(c)             a 64-bit constant in all lanes
 */

#define XOR5(a, b, c, d, e) KECCAK_XOR(KECCAK_XOR(KECCAK_XOR(a, b), KECCAK_XOR(c, d)), e)
/* Lane i of the state before, with theta applied and rotated by n (rho). */
#define LANE(i, n) KECCAK_ROTATE(KECCAK_XOR(from[i], d[(i) % 5]), n)
/* Chi over one plane. */
#define PLANE(y)                                                 \
    do {                                                         \
        to[5 * (y) + 0] = KECCAK_XOR(b0, KECCAK_ANDNOT(b1, b2)); \
        to[5 * (y) + 1] = KECCAK_XOR(b1, KECCAK_ANDNOT(b2, b3)); \
        to[5 * (y) + 2] = KECCAK_XOR(b2, KECCAK_ANDNOT(b3, b4)); \
        to[5 * (y) + 3] = KECCAK_XOR(b3, KECCAK_ANDNOT(b4, b0)); \
        to[5 * (y) + 4] = KECCAK_XOR(b4, KECCAK_ANDNOT(b0, b1)); \
    } while (0)

#define KECCAK_JOIN_(a, b) a##b
#define KECCAK_JOIN(a, b)  KECCAK_JOIN_(a, b)
#define KECCAK_ROUND       KECCAK_JOIN(KECCAK_F, _round)

/* Pi is in which lanes make a plane. */
static inline __attribute__((always_inline)) void
KECCAK_ROUND(KECCAK_WORD *restrict to, const KECCAK_WORD *restrict from, uint64_t constant)
{
    KECCAK_WORD c[5], d[5], b0, b1, b2, b3, b4;
    c[0] = XOR5(from[0], from[5], from[10], from[15], from[20]);
    c[1] = XOR5(from[1], from[6], from[11], from[16], from[21]);
    c[2] = XOR5(from[2], from[7], from[12], from[17], from[22]);
    c[3] = XOR5(from[3], from[8], from[13], from[18], from[23]);
    c[4] = XOR5(from[4], from[9], from[14], from[19], from[24]);
    d[0] = KECCAK_XOR(c[4], KECCAK_ROTATE(c[1], 1));
    d[1] = KECCAK_XOR(c[0], KECCAK_ROTATE(c[2], 1));
    d[2] = KECCAK_XOR(c[1], KECCAK_ROTATE(c[3], 1));
    d[3] = KECCAK_XOR(c[2], KECCAK_ROTATE(c[4], 1));
    d[4] = KECCAK_XOR(c[3], KECCAK_ROTATE(c[0], 1));

    b0 = KECCAK_XOR(from[0], d[0]);
    b1 = LANE(6, 44);
    b2 = LANE(12, 43);
    b3 = LANE(18, 21);
    b4 = LANE(24, 14);
    PLANE(0);
    to[0] = KECCAK_XOR(to[0], KECCAK_ALL(constant));
    b0 = LANE(3, 28);
    b1 = LANE(9, 20);
    b2 = LANE(10, 3);
    b3 = LANE(16, 45);
    b4 = LANE(22, 61);
    PLANE(1);
    b0 = LANE(1, 1);
    b1 = LANE(7, 6);
    b2 = LANE(13, 25);
    b3 = LANE(19, 8);
    b4 = LANE(20, 18);
    PLANE(2);
    b0 = LANE(4, 27);
    b1 = LANE(5, 36);
    b2 = LANE(11, 10);
    b3 = LANE(17, 15);
    b4 = LANE(23, 56);
    PLANE(3);
    b0 = LANE(2, 62);
    b1 = LANE(8, 55);
    b2 = LANE(14, 39);
    b3 = LANE(15, 41);
    b4 = LANE(21, 2);
    PLANE(4);
}

static void KECCAK_F(KECCAK_WORD state[25])
{
    static const uint64_t constants[24] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
        0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
    KECCAK_WORD other[25];
    for (int i = 0; i < 24; i += 2) {
        KECCAK_ROUND(other, state, constants[i]);
        KECCAK_ROUND(state, other, constants[i + 1]);
    }
}

#undef XOR5
#undef LANE
#undef PLANE
#undef KECCAK_ROUND
#undef KECCAK_JOIN
#undef KECCAK_JOIN_
#undef KECCAK_F
#undef KECCAK_WORD
#undef KECCAK_XOR
#undef KECCAK_ANDNOT
#undef KECCAK_ROTATE
#undef KECCAK_ALL
