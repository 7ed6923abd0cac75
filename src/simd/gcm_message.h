/* SPDX-License-Identifier: BSD-3-Clause */

/* A message of gcm_tmpl.h, which includes this: what is known of it, its first state, its powers.
 */

/* A message on its way. Its text, where it lies in one piece: src and dst are where the next
 * vector's first byte would be, so they may point before the text. */
struct message {
    const uint8_t *keys;
    const uint8_t *table_end; /* if there is one: H^k lies 16 k bytes before */
    VEC counter;              /* of the next vector, bytes reversed: a 32-bit add counts */
    struct products sum;      /* of this group */
    VEC carry;                /* what the groups before make, to add to the next vector */
    VEC tag_mask;             /* J0's block where it lies */
    __m128i aad, lengths;     /* what the first and the last slot hash */
    uintptr_t src, dst;
    ptrdiff_t begin, end;      /* of the text, from the next vector's first byte */
    uint32_t left;             /* vectors */
    const struct lks_seg *seg; /* the last */
    size_t seg_at;             /* 1 if that is the last byte, 0 else */
    struct pieces *pieces;     /* where the text is, if not in one */
};

/* How one pass differs from another; constants all. */
struct pass {
    unsigned int rounds, num_vecs;
    unsigned int group; /* vectors to a reduction: so many powers are there */
    bool opening;
    bool first, last; /* has the message's first, last vector */
    bool in_pieces;
    bool has_table;
};

/* A table of the powers H^num … H^1, which end at TABLE_LEN, and of their half sums, which end as
 * much behind. Each pass doubles what the key has, a vector at a time. */
INLINE void make_table(struct message *m, uint8_t table[2 * TABLE_LEN], unsigned int rounds,
                       unsigned int num)
{
    uint8_t *end = table + TABLE_LEN;
    unsigned int have = STATE_POWERS(rounds);
    for (unsigned int k = VEC_BLOCKS; k <= have; k += VEC_BLOCKS)
        vec_store(end - 16 * k, vec_load(m->keys + POWER_AT(rounds, k)));
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
    m->table_end = end;
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
                                : hash_long_aad(job, block_load(m->keys + POWER_AT(rounds, 1)));
}
