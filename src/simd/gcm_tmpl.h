/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AES-GCM over vectors of any width.
 *
 * The file that includes this defines, besides including <immintrin.h>:
 *   GCM_ISA        name of the tier, unquoted                     aesni    vaes256    vaes512
 *   VEC            vector type                                    __m128i  __m256i    __m512i
 *   VEC_BLOCKS     AES blocks in a vector                         1        2          4
 *   GCM_LANES_MAX  row's lanes_max_len, measured; 0: no lanes
 *   vec_load/vec_store(p[, v])   unaligned
 *   vec_load_part(p, from, to)   bytes from … to of a vector out of memory, p where the first of
 *                                them lies; the others are 0
 *   vec_store_part(p, v, from, to), vec_keep(v, from, to)   likewise
 *   vec_load_head(p, from), vec_store_head(p, v, from)   to the vector's end; from is a multiple of
 *                                16, and not 0
 *   vec_load_tail(p, from, to), vec_store_tail(p, v, from, to)   as the parts; up to two blocks a
 *                                vector from is 0 and to at most 16
 *   vec_load_byte(p, at)         one byte to that place, which is one of a tail
 *   vec_xor(a, b), vec_xor3(a, b, c), vec_zero()
 *   vec_aesenc(v, k), vec_aesenclast(v, k), vec_clmul(a, b, imm)
 *   vec_shuffle(v, m)   bytes within each block, by the vector m
 *   vec_swap(v)         the 64-bit halves of each block
 *   vec_add32(a, b)     32-bit lanes
 *   vec_repeat(block)   the __m128i in every block
 *   vec_place(block, i) the __m128i in block i, zero in the others
 *   vec_first(block)    the __m128i in the first block, zero in the others
 *   vec_fold(v)         xor of all blocks, as __m128i
 *   vec_fold_each(v)    v[VEC_BLOCKS] to one vector: block i is the xor of all blocks of v[i]
 *   vec_count()         the vector with block i's last word (byte-reversed form) i, else 0
 * and is compiled with AES-NI, PCLMULQDQ, SSSE3 and SSE4.1, plus for ymm AVX2, VAES and VPCLMULQDQ,
 * plus for zmm AVX-512F, -BW and -DQ. It defines the rows lks_aes_{128,256}_gcm_<GCM_ISA>.
 *
 * Mathematics. GHASH numbers the bits of a block from the other end than clmul does. Reversing the
 * bytes of each block turns it into POLYVAL (RFC 8452, appendix A):
 *     GHASH(H, X1, …) = rev(POLYVAL(x rev(H), rev(X1), …)),
 * whose product a b x^-128 is a Montgomery multiplication and needs no shift: two clmul by the
 * constant 0xc2 << 56 fold the lower half of a 256-bit product into the upper one. "Powers of H"
 * are those of x rev(H) under that product. n blocks are summed as X1 H^n + X2 H^n-1 + … + Xn H
 * with one reduction in the end. A product is three clmul (Karatsuba): a carry-less multiplication
 * costs as much as four AES rounds.
 *
 * Slots. A message is a row of blocks that ends where a vector ends:
 *
 *     |  -     J0   text  text | text  text  text  text | text  text  text  length |
 *
 * J0's slot is enciphered like the text's, for the tag; in its place the additional data are
 * hashed. So the rest of a message is no matter of its own: what is not a multiple of a vector
 * stands in front, and GHASH's last power is always H^1.
 *
 * Key state: round keys, then the powers H^8 … H^1 (AES-256: H^4 … H^1, lest keys grow).
 * Descending, so that n blocks multiply with n neighbours, and last, so that "the end of the
 * powers" names them all. Long messages need more powers than a small key should hold, so they make
 * their own table on the stack.
 */

#include <string.h>

#include <lockstep/engine.h>

#include "base/ct.h"
#include "simd/aead.h"
#include "simd/aead_rows.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

#define VEC_LEN              (16u * VEC_BLOCKS)
#define STATE_POWERS(rounds) ((rounds) == 10u ? 8u : 4u)
#define KEYS_LEN(rounds)     (16u * ((rounds) + 1u))
#define STATE_LEN(rounds)    (KEYS_LEN(rounds) + 16u * STATE_POWERS(rounds))
#define PASS_MAX             8u /* vectors in flight */
#define POWERS_MAX           (PASS_MAX * VEC_BLOCKS)
#define TABLE_LEN            (16u * POWERS_MAX) /* the powers, and as much for their half sums */

#define block_load(p)     _mm_loadu_si128((const __m128i *)(const void *)(p))
#define block_store(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)

INLINE __m128i reverse_mask(void)
{
    return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

#include "simd/gcm_field.h"
#include "simd/gcm_keys.h"

/* A message on its way. Its text, where it lies in one piece: src and dst are where the next
 * vector's first byte would be, so they may point before the text. */
struct message {
    const uint8_t *keys;
    const uint8_t *powers_end; /* H^k lies 16 k bytes before */
    VEC counter;               /* of the next vector, bytes reversed: a 32-bit add counts */
    struct products sum;       /* of this group */
    VEC carry;                 /* what the groups before make, to add to the next vector */
    VEC tag_mask;              /* J0's block where it lies */
    __m128i aad, lengths;      /* what the first and the last slot hash */
    uintptr_t src, dst;
    ptrdiff_t begin, end;      /* of the text, from the next vector's first byte */
    uint32_t left;             /* vectors */
    const struct lks_seg *seg; /* in pieces: where the text goes on; else the last */
    size_t seg_at;
};

/* How one pass differs from another; constants all. */
struct pass {
    unsigned int rounds, num_vecs;
    unsigned int group; /* vectors to a reduction: so many powers are there */
    bool opening;
    bool first, last; /* has the message's first, last vector */
    bool in_pieces;
    bool has_table; /* powers_end is that of a table with half sums */
};

/* Text in pieces into the bytes from … to of a vector that is zero elsewhere. */
INLINE VEC take_pieces(struct message *m, ptrdiff_t from, ptrdiff_t to)
{
    VEC v = vec_zero();
    if (from == 0 && to == VEC_LEN && m->seg->len - m->seg_at >= VEC_LEN) {
        m->seg_at += VEC_LEN;
        return vec_load(m->seg->src + m->seg_at - VEC_LEN);
    }
    while (from < to) {
        if (m->seg_at == m->seg->len)
            m->seg++, m->seg_at = 0;
        ptrdiff_t left = (ptrdiff_t)(m->seg->len - m->seg_at),
                  n = left < to - from ? left : to - from;
        v = vec_xor(v, vec_load_part(m->seg->src + m->seg_at, (size_t)from, (size_t)(from + n)));
        m->seg_at += (size_t)n;
        from += n;
    }
    return v;
}

/* Where the next bytes of text in pieces are to go. */
struct put {
    const struct lks_seg *seg;
    size_t seg_at;
};

INLINE void put_pieces(struct put *put, VEC v, ptrdiff_t from, ptrdiff_t to)
{
    if (from == 0 && to == VEC_LEN && put->seg->len - put->seg_at >= VEC_LEN) {
        put->seg_at += VEC_LEN;
        vec_store(put->seg->dst + put->seg_at - VEC_LEN, v);
        return;
    }
    while (from < to) {
        if (put->seg_at == put->seg->len)
            put->seg++, put->seg_at = 0;
        ptrdiff_t left = (ptrdiff_t)(put->seg->len - put->seg_at),
                  n = left < to - from ? left : to - from;
        vec_store_part(put->seg->dst + put->seg_at, v, (size_t)from, (size_t)(from + n));
        put->seg_at += (size_t)n;
        from += n;
    }
}

/* The text's last bytes: what lies in one piece, and maybe the last of them elsewhere. */
INLINE VEC load_tail(const struct message *m, unsigned int i, ptrdiff_t from, ptrdiff_t to)
{
    const uint8_t *p = (const uint8_t *)(m->src + VEC_LEN * i + (uintptr_t)from);
    if (!m->seg_at)
        return vec_load_tail(p, (size_t)from, (size_t)to);
    return vec_xor(vec_load_tail(p, (size_t)from, (size_t)to - 1),
                   vec_load_byte(m->seg->src, (size_t)to - 1));
}

/* A vector that has to_go vectors to its group's end, itself included. */
INLINE void multiply_power(struct message *m, VEC x, unsigned int to_go, bool has_table)
{
    const uint8_t *at = m->powers_end - VEC_LEN * to_go;
    VEC power = vec_load(at);
    multiply_add(&m->sum, x, power, has_table ? vec_load(at + TABLE_LEN) : half_sums(power));
}

/* Closes a group: one block, to add to the next vector. */
INLINE void fold_group(struct message *m)
{
    __m128i block = vec_fold(vec_reduce(m->sum));
    m->sum = (struct products){vec_zero(), vec_zero(), vec_zero()};
    m->carry = vec_first(block);
}

/* One vector of ciphertext out of a pass's, whose groups may be several. */
INLINE void hash_vec(struct message *m, const struct pass p, const uint8_t *cipher, unsigned int i)
{
    VEC x = vec_shuffle(vec_load(cipher + VEC_LEN * i), vec_repeat(reverse_mask()));
    if (i % p.group == 0)
        x = vec_xor(x, m->carry);
    multiply_power(m, x, p.group - i % p.group, p.has_table);
}

/* The n-th vector to hash: of each group the first one last, since it waits for the carry. */
INLINE unsigned int in_group_order(unsigned int n, unsigned int group)
{
    return n - n % group + (n + 1) % group;
}

/* Key stream but for the last round. In the same breath, if hash, as many vectors of ciphertext at
 * hash are a group of GHASH: two chains of instructions that do not wait for each other. */
INLINE void encrypt_counters(struct message *m, const struct pass p, VEC block[PASS_MAX],
                             const uint8_t *hash)
{
    const VEC reverse = vec_repeat(reverse_mask());
    const VEC step = vec_repeat(_mm_set_epi32(0, 0, 0, VEC_BLOCKS));
    const uint8_t *keys = m->keys;
    __asm__("" : "+r"(keys)); /* lest the compiler loads them once for all kinds of pass */
    VEC key = vec_repeat(block_load(keys));
    UNROLL for (unsigned int i = 0; i < p.num_vecs; i++)
    {
        block[i] = vec_xor(vec_shuffle(m->counter, reverse), key);
        m->counter = vec_add32(m->counter, step);
    }
    UNROLL for (unsigned int round = 1; round < p.rounds; round++)
    {
        key = vec_repeat(block_load(keys + 16 * round));
        UNROLL for (unsigned int i = 0; i < p.num_vecs; i++) block[i] = vec_aesenc(block[i], key);
        if (!hash || round > p.num_vecs)
            continue;
        if ((round - 1) % p.group == 0)
            fold_group(m);
        hash_vec(m, p, hash, in_group_order(round - 1, p.group));
    }
}

/* Whole vectors in one piece, in the middle of a message. They, or as many before them, are hashed
 * meanwhile. */
INLINE void middle_pass(struct message *m, const struct pass p, bool hash)
{
    const VEC last_key = vec_repeat(block_load(m->keys + 16 * p.rounds));
    const uint8_t *hash_at = (const uint8_t *)(p.opening ? m->src : m->dst - VEC_LEN * p.num_vecs);
    VEC block[PASS_MAX];
    encrypt_counters(m, p, block, hash ? hash_at : NULL);
    UNROLL for (unsigned int i = 0; i < p.num_vecs; i++)
    {
        VEC in = vec_load((const uint8_t *)(m->src + VEC_LEN * i));
        vec_store((uint8_t *)(m->dst + VEC_LEN * i),
                  vec_aesenclast(block[i], vec_xor(last_key, in)));
    }
    m->src += VEC_LEN * p.num_vecs;
    m->dst += VEC_LEN * p.num_vecs;
    m->end -= (ptrdiff_t)(VEC_LEN * p.num_vecs);
    m->left -= p.num_vecs;
}

INLINE void middle(struct message *m, const struct pass p, uint32_t num_passes)
{
    middle_pass(m, p, p.opening);
    for (uint32_t i = 1; i < num_passes; i++)
        middle_pass(m, p, true);
    if (p.opening)
        return;
    UNROLL for (unsigned int n = 0; n < p.num_vecs; n++)
    {
        const unsigned int i = in_group_order(n, p.group);
        if (n % p.group == 0)
            fold_group(m);
        hash_vec(m, p, (const uint8_t *)(m->dst - VEC_LEN * p.num_vecs), i);
    }
}

/* Where the text lies in one vector of a pass, and what else does. */
struct slots {
    bool first, ends; /* the text begins, ends here; constants */
    ptrdiff_t from, to;
};

INLINE struct slots slots_of(const struct message *m, const struct pass p, unsigned int i)
{
    struct slots s = {.first = p.first && i == 0, .from = 0, .to = VEC_LEN};
    s.ends = p.last && i + (VEC_BLOCKS == 1 ? 2 : 1) == p.num_vecs;
    if (s.first)
        s.from = m->begin;
    if (s.ends)
        s.to = m->end - (ptrdiff_t)(VEC_LEN * i);
    return s;
}

/* One vector of text, enciphered, for GHASH: the ciphertext and what stands around it. */
INLINE VEC cipher_vec(struct message *m, const struct pass p, unsigned int i, VEC last_round,
                      struct put *put)
{
    const VEC last_key = vec_repeat(block_load(m->keys + 16 * p.rounds));
    const struct slots s = slots_of(m, p, i);
    const uint8_t *src = (const uint8_t *)(m->src + VEC_LEN * i + (uintptr_t)s.from);
    uint8_t *dst = (uint8_t *)(m->dst + VEC_LEN * i + (uintptr_t)s.from);
    VEC in = p.in_pieces ? take_pieces(m, s.from, s.to)
             : s.ends    ? load_tail(m, i, s.from, s.to)
             : s.first   ? vec_load_head(src, (size_t)s.from)
                         : vec_load(src);
    VEC out = vec_aesenclast(last_round, vec_xor(last_key, in));
    if (p.in_pieces)
        put_pieces(put, out, s.from, s.to);
    else if (s.ends)
        vec_store_tail(dst, out, (size_t)s.from, (size_t)s.to);
    else if (s.first)
        vec_store_head(dst, out, (size_t)s.from);
    else
        vec_store(dst, out);
    VEC hashed = p.opening ? in : out;
    if (s.first || s.ends)
        hashed = vec_keep(hashed, (size_t)s.from, (size_t)s.to);
    if (s.first) {
        const size_t slot = (size_t)s.from / 16 - 1;
        m->tag_mask = vec_keep(out, 16 * slot, 16 * slot + 16);
        hashed = vec_xor(hashed, vec_place(m->aad, slot));
    }
    return hashed;
}

/* The next vectors of a message: enciphered, and their products added up. A pass is a group of
 * GHASH, or some whole ones. */
INLINE void pass(struct message *m, const struct pass p)
{
    const VEC reverse = vec_repeat(reverse_mask());
    struct put put = {m->seg, m->seg_at};
    VEC block[PASS_MAX], hashed[PASS_MAX];
    if (!p.first)
        fold_group(m);
    encrypt_counters(m, p, block, NULL);
    UNROLL for (unsigned int i = 0; i < p.num_vecs; i++)
    {
        if (VEC_BLOCKS == 1 && p.last && i == p.num_vecs - 1)
            hashed[i] = vec_zero(); /* the lengths alone */
        else
            hashed[i] = cipher_vec(m, p, i, block[i], &put);
        if (p.last && i == p.num_vecs - 1)
            hashed[i] = vec_xor(hashed[i], vec_place(m->lengths, VEC_BLOCKS - 1));
    }
    UNROLL for (unsigned int i = 0; i < p.num_vecs; i++)
    {
        VEC x = vec_shuffle(hashed[i], reverse);
        if (i && (p.num_vecs - i) % p.group == 0)
            fold_group(m);
        if (i ? (p.num_vecs - i) % p.group == 0 : !p.first)
            x = vec_xor(x, m->carry);
        multiply_power(m, x, (p.num_vecs - i - 1) % p.group + 1, p.has_table);
    }
    m->src += VEC_LEN * p.num_vecs;
    m->dst += VEC_LEN * p.num_vecs;
    m->begin = 0;
    m->end -= (ptrdiff_t)(VEC_LEN * p.num_vecs);
    m->left -= p.num_vecs;
}

/* A table of the powers H^num … H^1, which end at TABLE_LEN, and of their half sums, which end as
 * much behind. Each pass doubles what the key has, a vector at a time. */
INLINE void make_table(struct message *m, uint8_t table[2 * TABLE_LEN], unsigned int have,
                       unsigned int num)
{
    uint8_t *end = table + TABLE_LEN;
    for (unsigned int k = VEC_BLOCKS; k <= have; k += VEC_BLOCKS)
        vec_store(end - 16 * k, vec_load(m->powers_end - 16 * k));
    for (; have < num; have *= 2) {
        VEC by = vec_repeat(block_load(end - 16 * have));
        for (unsigned int k = VEC_BLOCKS; k <= have; k += VEC_BLOCKS) {
            struct products p = {vec_zero(), vec_zero(), vec_zero()};
            multiply_add(&p, vec_load(end - 16 * k), by, half_sums(by));
            vec_store(end - 16 * (have + k), vec_reduce(p));
        }
    }
    for (unsigned int k = VEC_BLOCKS; k <= num; k += VEC_BLOCKS)
        vec_store(end + TABLE_LEN - 16 * k, half_sums(vec_load(end - 16 * k)));
    m->powers_end = end;
}

INLINE void wipe_table(uint8_t table[2 * TABLE_LEN], unsigned int num)
{
    for (unsigned int k = VEC_BLOCKS; k <= num; k += VEC_BLOCKS) {
        vec_store(table + TABLE_LEN - 16 * k, vec_zero());
        vec_store(table + 2 * TABLE_LEN - 16 * k, vec_zero());
    }
    __asm__ volatile("" : : "r"(table) : "memory");
}

/* At most 16 bytes, and zeros behind them; no byte outside is touched. */
INLINE __m128i load_aad(const uint8_t *aad, uint32_t len)
{
    uint64_t low = 0, high = 0;
    uint32_t part;
    if (len > 8) {
        memcpy(&low, aad, 8);
        memcpy(&high, aad + len - 8, 8);
        high >>= 8 * (16 - len);
    } else if (len >= 4) {
        memcpy(&part, aad + len - 4, 4);
        low = (uint64_t)part << 8 * (len - 4);
        memcpy(&part, aad, 4);
        low |= part;
    } else {
        for (uint32_t i = 0; i < len; i++)
            low |= (uint64_t)aad[i] << 8 * i;
    }
    return _mm_set_epi64x((long long)high, (long long)low);
}

/* More than a block of additional data: the last one, which has a slot, with the hash of those
 * before it. */
static __attribute__((noinline)) __m128i hash_long_aad(const struct lks_aead_job *job, __m128i h)
{
    __m128i sum = _mm_setzero_si128();
    uint32_t at = 0;
    for (; job->aad_len - at > 16; at += 16)
        sum = block_multiply(
            _mm_xor_si128(sum, _mm_shuffle_epi8(block_load(job->aad + at), reverse_mask())), h);
    return _mm_xor_si128(load_aad(job->aad + at, job->aad_len - at),
                         _mm_shuffle_epi8(sum, reverse_mask()));
}

INLINE void begin(struct message *m, const struct lks_aead_job *job, unsigned int rounds)
{
    const uint32_t num_slots = (job->len + 15) / 16 + 2;
    const uint32_t num_vecs = (num_slots + VEC_BLOCKS - 1) / VEC_BLOCKS;
    const uint32_t first_slot = num_vecs * VEC_BLOCKS - num_slots;
    m->keys = job->state;
    m->powers_end = job->state + STATE_LEN(rounds);
    uint64_t nonce_low;
    uint32_t nonce_high;
    memcpy(&nonce_low, job->nonce, 8);
    memcpy(&nonce_high, job->nonce + 8, 4);
    __m128i j0 = _mm_set_epi64x(nonce_high, (long long)nonce_low); /* SP 800-38D section 7.1 */
    __m128i number = _mm_cvtsi32_si128((int)(1 - first_slot));
    m->counter = vec_add32(vec_repeat(_mm_add_epi32(_mm_shuffle_epi8(j0, reverse_mask()), number)),
                           vec_count());
    m->sum = (struct products){vec_zero(), vec_zero(), vec_zero()};
    m->lengths = _mm_set_epi64x((long long)__builtin_bswap64((uint64_t)job->len * 8),
                                (long long)__builtin_bswap64((uint64_t)job->aad_len * 8));
    m->tag_mask = vec_zero();
    m->carry = vec_zero();
    m->begin = (ptrdiff_t)(16 * (first_slot + 1));
    m->end = m->begin + (ptrdiff_t)job->len;
    m->left = num_vecs;
    m->aad = job->aad_len <= 16 ? load_aad(job->aad, job->aad_len)
                                : hash_long_aad(job, block_load(m->powers_end - 16));
}

/* Whether the text lies in one piece, but for a last byte: a record's content and its type. */
INLINE bool is_in_pieces(const struct lks_aead_job *job)
{
    const struct lks_seg *segs = job->segs;
    return job->num_segs != 1 &&
           (job->num_segs != 2 || segs[1].len != 1 || segs[0].dst + segs[0].len != segs[1].dst);
}

#define PASS(n)         \
    do {                \
        p.num_vecs = n; \
        pass(m, p);     \
    } while (0)

/* Leaves a multiple of four vectors. */
INLINE void first_pass(struct message *m, struct pass p)
{
    const unsigned int num = m->left % 4;
    p.first = true;
    if (num == 0)
        PASS(4);
    if (num == 1 && !(p.last && VEC_BLOCKS == 1)) /* no message is a lone xmm */
        PASS(1);
    if (num == 2)
        PASS(2);
    if (num == 3)
        PASS(3);
}

/* What lies behind the first pass, a multiple of four vectors. */
INLINE void later_passes(struct message *m, struct pass p, unsigned int middle_group,
                         bool has_middle)
{
    const unsigned int group = p.group;
    if (has_middle && m->left >= 12) {
        if (m->left % 8 == 0)
            PASS(4);
        p.num_vecs = 8;
        p.group = middle_group;
        middle(m, p, (m->left - 1) / 8);
        p.group = group;
    }
    while (m->left > 4)
        PASS(4);
    p.last = true;
    PASS(4);
}

/* With the key's own powers. */
INLINE void run_short(struct message *m, struct pass p)
{
    const unsigned int num_powers = STATE_POWERS(p.rounds) / VEC_BLOCKS;
    p.group = num_powers < 4 ? num_powers : 4;
    if (m->left <= 4) {
        p.last = true;
        first_pass(m, p);
        return;
    }
    first_pass(m, p);
    later_passes(m, p, num_powers, GCM_SHORT_VECS(p.rounds) > 15);
}

INLINE void run_long(struct message *m, struct pass p)
{
    uint8_t table[2 * TABLE_LEN] __attribute__((aligned(64)));
    const bool has_middle = m->left >= GCM_LONG_VECS;
    const unsigned int num_powers = VEC_BLOCKS * (has_middle ? 8 : 4);
    make_table(m, table, STATE_POWERS(p.rounds), num_powers);
    p.has_table = true;
    p.group = 4;
    first_pass(m, p);
    later_passes(m, p, 8, has_middle);
    wipe_table(table, num_powers);
}

/* The products of a message's last group, with J0's block added where it stays as it is. */
INLINE struct products end(const struct message *m)
{
    const VEC tag_mask = vec_shuffle(m->tag_mask, vec_repeat(reverse_mask()));
    struct products sum = m->sum;
    sum.high = vec_xor(sum.high, tag_mask);
    sum.mid = vec_xor(sum.mid, tag_mask);
    return sum;
}

INLINE void run_piece_passes(struct message *m, struct pass p, unsigned int middle_group)
{
    const unsigned int group = p.group;
    if (m->left <= 4) {
        p.last = true;
        first_pass(m, p);
        return;
    }
    first_pass(m, p);
    while (m->left > 4) {
        size_t num = (m->seg->len - m->seg_at) / (8 * VEC_LEN);
        if (num > (m->left - 1) / 8)
            num = (m->left - 1) / 8;
        if (!num) {
            PASS(4);
            continue;
        }
        m->src = (uintptr_t)m->seg->src + m->seg_at;
        m->dst = (uintptr_t)m->seg->dst + m->seg_at;
        m->seg_at += num * 8 * VEC_LEN;
        p.num_vecs = 8;
        p.group = middle_group;
        middle(m, p, (uint32_t)num);
        p.group = group;
    }
    p.last = true;
    PASS(4);
}

/* Text in pieces: a vector is put together from as many as it takes. */
static __attribute__((noinline)) struct products run_pieces(const struct lks_aead_job *job,
                                                            unsigned int rounds, bool opening)
{
    uint8_t table[2 * TABLE_LEN] __attribute__((aligned(64)));
    struct message m;
    struct pass p = {.rounds = rounds, .opening = opening, .in_pieces = true};
    begin(&m, job, rounds);
    m.seg = job->segs;
    m.seg_at = 0;
    m.src = m.dst = 0;
    if (m.left <= GCM_SHORT_VECS(rounds)) {
        const unsigned int num_powers = STATE_POWERS(rounds) / VEC_BLOCKS;
        p.group = num_powers < 4 ? num_powers : 4;
        run_piece_passes(&m, p, num_powers);
        return end(&m);
    }
    make_table(&m, table, STATE_POWERS(rounds), POWERS_MAX);
    p.has_table = true;
    p.group = 4;
    run_piece_passes(&m, p, 8);
    wipe_table(table, POWERS_MAX);
    return end(&m);
}

/* Enciphers a message. */
INLINE struct products run(const struct lks_aead_job *job, struct pass p)
{
    struct message m;
    if (is_in_pieces(job))
        return run_pieces(job, p.rounds, p.opening);
    begin(&m, job, p.rounds);
    m.seg_at = job->num_segs - 1;
    m.seg = job->segs + m.seg_at;
    m.src = (uintptr_t)job->segs->src - (uintptr_t)m.begin;
    m.dst = (uintptr_t)job->segs->dst - (uintptr_t)m.begin;
    if (m.left <= GCM_SHORT_VECS(p.rounds))
        run_short(&m, p);
    else
        run_long(&m, p);
    return end(&m);
}

/* Messages of as many keys as a vector has blocks: each fills its own vectors, which overlap in the
 * processor, and all tags are reduced together. */
INLINE void run_together(struct lks_aead_job *const *jobs, uint8_t tags[VEC_LEN],
                         unsigned int num_jobs, struct pass p)
{
    VEC low[VEC_BLOCKS], mid[VEC_BLOCKS], high[VEC_BLOCKS];
    UNROLL for (unsigned int i = 0; i < VEC_BLOCKS; i++) low[i] = mid[i] = high[i] = vec_zero();
    for (unsigned int i = 0; i < num_jobs; i++) {
        struct products sum = run(jobs[i], p);
        low[i] = sum.low;
        mid[i] = sum.mid;
        high[i] = sum.high;
    }
    struct products sum = {vec_fold_each(low), vec_fold_each(mid), vec_fold_each(high)};
    vec_store(tags, vec_shuffle(vec_reduce(sum), vec_repeat(reverse_mask())));
}

INLINE void run_lanes(struct lks_aead_job *const *jobs, size_t num_jobs, unsigned int rounds,
                      bool opening)
{
    for (size_t at = 0; at < num_jobs; at += VEC_BLOCKS) {
        unsigned int num = num_jobs - at < VEC_BLOCKS ? (unsigned int)(num_jobs - at) : VEC_BLOCKS;
        uint8_t tags[VEC_LEN];
        run_together(jobs + at, tags, num, (struct pass){.rounds = rounds, .opening = opening});
        for (unsigned int i = 0; i < num; i++)
            if (opening)
                lks_aead_finish_open(jobs[at + i], tags + 16 * i, 16);
            else
                memcpy(jobs[at + i]->tag, tags + 16 * i, 16);
    }
}

INLINE __m128i encrypt_block(const uint8_t *round_keys, unsigned int rounds, __m128i block)
{
    block = _mm_xor_si128(block, block_load(round_keys));
    for (unsigned int i = 1; i < rounds; i++)
        block = _mm_aesenc_si128(block, block_load(round_keys + 16 * i));
    return _mm_aesenclast_si128(block, block_load(round_keys + 16 * rounds));
}

/* H = E(K, 0), times x in POLYVAL's field (RFC 8452 section 3 and appendix A), and its powers. */
INLINE void store_powers(uint8_t *state, unsigned int rounds)
{
    __m128i h = _mm_shuffle_epi8(encrypt_block(state, rounds, _mm_setzero_si128()), reverse_mask());
    __m128i carries = _mm_srli_epi64(h, 63); /* of both halves */
    __m128i out = _mm_shuffle_epi32(carries, 0x4e);
    __m128i has_carry = _mm_sub_epi64(_mm_setzero_si128(), _mm_unpacklo_epi64(out, out));
    h = _mm_or_si128(_mm_add_epi64(h, h), _mm_slli_si128(carries, 8));
    h = _mm_xor_si128(h,
                      _mm_and_si128(has_carry, _mm_set_epi64x((long long)0xc200000000000000u, 1)));
    __m128i power = h;
    for (unsigned int k = 1; k <= STATE_POWERS(rounds); k++) {
        block_store(state + STATE_LEN(rounds) - 16 * k, power);
        power = block_multiply(power, h);
    }
}

/* The functions and the row of one key size. */
#define GCM_PASTE(a, b)    a##b
#define GCM_ROW(name, isa) GCM_PASTE(name, isa)
#define GCM_TEXT(isa)      #isa
#define GCM_NAME(isa)      GCM_TEXT(isa)

#define GCM_FUNCTIONS(bits, rounds)                                                           \
    static void init_##bits(uint8_t *state, const uint8_t *key)                               \
    {                                                                                         \
        expand_##bits(state, key);                                                            \
        store_powers(state, rounds);                                                          \
    }                                                                                         \
    static __attribute__((noinline)) void seal_lanes_##bits(struct lks_aead_job *const *jobs, \
                                                            size_t num_jobs)                  \
    {                                                                                         \
        run_lanes(jobs, num_jobs, rounds, false);                                             \
    }                                                                                         \
    static __attribute__((noinline)) void open_lanes_##bits(struct lks_aead_job *const *jobs, \
                                                            size_t num_jobs)                  \
    {                                                                                         \
        run_lanes(jobs, num_jobs, rounds, true);                                              \
    }                                                                                         \
    static void seal_##bits(struct lks_aead_job *job)                                         \
    {                                                                                         \
        seal_lanes_##bits(&job, 1);                                                           \
    }                                                                                         \
    static void open_##bits(struct lks_aead_job *job)                                         \
    {                                                                                         \
        open_lanes_##bits(&job, 1);                                                           \
    }                                                                                         \
    const struct lks_aead GCM_ROW(lks_aes_##bits##_gcm_, GCM_ISA) = {                         \
        .name = "aes_" #bits "_gcm",                                                          \
        .isa = GCM_NAME(GCM_ISA),                                                             \
        .id = LKS_AES_##bits##_GCM,                                                           \
        .key_len = bits / 8,                                                                  \
        .tag_len = 16,                                                                        \
        .state_len = STATE_LEN(rounds),                                                       \
        .max_records = LKS_GCM_MAX_RECORDS,                                                   \
        .init = init_##bits,                                                                  \
        .seal = seal_##bits,                                                                  \
        .open = open_##bits,                                                                  \
        .lanes_max_len = GCM_LANES_MAX,                                                       \
        .num_lanes = VEC_BLOCKS,                                                              \
        .seal_lanes = seal_lanes_##bits,                                                      \
        .open_lanes = open_lanes_##bits,                                                      \
    };

GCM_FUNCTIONS(128, 10)
GCM_FUNCTIONS(256, 14)
