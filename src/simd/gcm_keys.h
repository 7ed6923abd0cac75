/* SPDX-License-Identifier: BSD-3-Clause */

/* AES round keys for the kernels of gcm_tmpl.h and ccm_tmpl.h, which include this. */

/* Round keys by aeskeygenassist (Gueron, "Intel AES New Instructions", 2010). */
INLINE __m128i expand_step(__m128i key, __m128i assist)
{
    for (int i = 0; i < 3; i++)
        key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    return _mm_xor_si128(key, assist);
}

#define ASSIST(key, rcon, lane) _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, rcon), lane)

INLINE void expand_128(uint8_t *round_keys, const uint8_t *key)
{
    __m128i k = block_load(key);
    block_store(round_keys, k);
#define STEP(i, rcon)                          \
    k = expand_step(k, ASSIST(k, rcon, 0xff)); \
    block_store(round_keys + 16 * (i), k)
    STEP(1, 0x01);
    STEP(2, 0x02);
    STEP(3, 0x04);
    STEP(4, 0x08);
    STEP(5, 0x10);
    STEP(6, 0x20);
    STEP(7, 0x40);
    STEP(8, 0x80);
    STEP(9, 0x1b);
    STEP(10, 0x36);
#undef STEP
}

INLINE void expand_256(uint8_t *round_keys, const uint8_t *key)
{
    __m128i even = block_load(key), odd = block_load(key + 16);
    block_store(round_keys, even);
    block_store(round_keys + 16, odd);
#define STEP_EVEN(i, rcon)                             \
    even = expand_step(even, ASSIST(odd, rcon, 0xff)); \
    block_store(round_keys + 16 * (i), even)
#define STEP_ODD(i)                                \
    odd = expand_step(odd, ASSIST(even, 0, 0xaa)); \
    block_store(round_keys + 16 * (i), odd)
    STEP_EVEN(2, 0x01);
    STEP_ODD(3);
    STEP_EVEN(4, 0x02);
    STEP_ODD(5);
    STEP_EVEN(6, 0x04);
    STEP_ODD(7);
    STEP_EVEN(8, 0x08);
    STEP_ODD(9);
    STEP_EVEN(10, 0x10);
    STEP_ODD(11);
    STEP_EVEN(12, 0x20);
    STEP_ODD(13);
    STEP_EVEN(14, 0x40);
#undef STEP_EVEN
#undef STEP_ODD
}
