/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Short records of different keys, a record a lane, for gcm_tmpl.h, which includes this. All lanes
 * have the same number of blocks:
 *
 *     lane 0 | J0  text 1  text 2 … text n |     hashed: additional data, text 1 … n, lengths
 *     lane 1 | J0  text 1  text 2 … text n |
 *
 * Each lane has its own round keys and powers of H, fetched a block at a time. A chunk is as much
 * text as the powers allow in one reduction, the lengths included; the first chunk of a record has
 * what is left over.
 */

#define CHUNK_BLOCKS 7u /* of text in a pass */
#define GROUP_BLOCKS (NEAR_POWERS - 1u)

_Static_assert(offsetof(struct lks_aead_job, aad_len) == offsetof(struct lks_aead_job, len) + 4,
               "both lengths are loaded at once");

/* Where the lanes' bytes are. */
struct lanes {
    const uint8_t *keys[VEC_BLOCKS], *src[VEC_BLOCKS];
    uint8_t *dst[VEC_BLOCKS];
};

/* What else the records have. It stays in memory, lest the compiler keeps in registers what is
 * needed once. */
struct lanes_ends {
    VEC counter; /* of the next block, in network order */
    VEC aad, lengths, carry;
    VEC tail, tail_mask; /* the text's last block, and what is text of it */
    VEC tag_mask;
    uint32_t rest[VEC_BLOCKS]; /* bytes in the last block */
};

INLINE VEC lanes_load(const uint8_t *const *p, ptrdiff_t at)
{
    __m128i blocks[VEC_BLOCKS];
    UNROLL for (unsigned int i = 0; i < VEC_BLOCKS; i++) blocks[i] = block_load(p[i] + at);
    return vec_join(blocks);
}

INLINE void lanes_store(uint8_t *const *p, ptrdiff_t at, VEC v)
{
    __m128i blocks[VEC_BLOCKS];
    vec_split(blocks, v);
    UNROLL for (unsigned int i = 0; i < VEC_BLOCKS; i++) block_store(p[i] + at, blocks[i]);
}

#include "simd/gcm_schedule.h"

INLINE VEC lanes_round_key(const struct lanes *l, const struct schedule *s, unsigned int round)
{
    return LANES_MAKE_KEYS ? s->round[round] : lanes_load(l->keys, KEY_AT(round));
}

/* The last block of a record's text, at bytes from its front; what is behind it does not matter. */
INLINE __m128i lane_tail(const struct lks_aead_job *job, size_t at, bool opening)
{
    const struct lks_seg *seg = job->segs;
    if (opening)
        return block_load(seg->src + at); /* the tag lies behind */
    const size_t rest = seg->len - at;
    __m128i v = at ? block_move(block_load(seg->src + at + rest - 16), block_moves + 32 - rest)
                   : load_short(seg->src, rest);
    return job->num_segs == 1 ? v : _mm_xor_si128(v, block_load_byte(seg[1].src, rest));
}

INLINE void lanes_begin(struct lanes *l, struct lanes_ends *e, struct lks_aead_job *const *jobs,
                        uint32_t num_blocks, bool opening)
{
    /* SP 800-38D section 7.1: J0 is the nonce and a one; a record's counter stays below 256. */
    const __m128i nonce_bytes = _mm_set_epi32(0, -1, -1, -1);
    __m128i nonce[VEC_BLOCKS], aad[VEC_BLOCKS], len[VEC_BLOCKS], tail[VEC_BLOCKS], mask[VEC_BLOCKS];
    UNROLL for (unsigned int i = 0; i < VEC_BLOCKS; i++)
    {
        const struct lks_aead_job *job = jobs[i];
        const uint32_t at = 16 * (num_blocks - 1);
        l->keys[i] = job->state;
        l->src[i] = job->segs->src;
        l->dst[i] = job->segs->dst;
        e->rest[i] = job->len - at;
        nonce[i] = block_load(job->nonce);
        aad[i] = block_load(job->aad);
        len[i] = _mm_cvtepu32_epi64(_mm_loadl_epi64((const __m128i *)(const void *)&job->len));
        tail[i] = lane_tail(job, at, opening);
        mask[i] = block_load(vec_masks + 64 - (job->len - at));
    }
    e->counter = vec_xor(vec_and(vec_join(nonce), vec_repeat(nonce_bytes)),
                         vec_repeat(_mm_set_epi32(0x01000000, 0, 0, 0)));
    e->aad = vec_join(aad);
    e->lengths = vec_shift3(vec_join(len));
    e->tail = vec_join(tail);
    e->tail_mask = vec_join(mask);
    __asm__ volatile("" : : "r"(e) : "memory");
}

/* Opening: the text's last block where no byte behind it may be written; before: the one before. */
INLINE void lanes_store_tail(const struct lanes *l, const struct lanes_ends *e, size_t at, VEC v,
                             VEC before, bool has_before)
{
    __m128i last[VEC_BLOCKS], prior[VEC_BLOCKS];
    vec_split(last, v);
    vec_split(prior, before);
    UNROLL for (unsigned int i = 0; i < VEC_BLOCKS; i++)
    {
        const uint32_t rest = e->rest[i];
        uint8_t *dst = l->dst[i] + at;
        if (has_before)
            block_store(dst + rest - 16,
                        _mm_xor_si128(block_move(prior[i], block_moves + 16 + rest),
                                      block_move(last[i], block_moves + rest)));
        else if (rest == 16)
            block_store(dst, last[i]);
        else
            store_short(dst, last[i], rest);
    }
}

INLINE void lanes_multiply(struct products *sum, const struct lanes *l, VEC x, ptrdiff_t power_at)
{
    const VEC power = lanes_load(l->keys, power_at);
    multiply_add(sum, x, power, half_sums(power));
}

/* The products of blocks that end before the lengths or as much as left before a carry. */
INLINE struct products lanes_group(const struct lanes *l, const VEC *block, unsigned int num,
                                   unsigned int left, VEC carry, bool has_carry)
{
    struct products sum = {vec_zero(), vec_zero(), vec_zero()};
    UNROLL for (unsigned int i = num; i-- > 0;) /* the first one last: it waits for the carry */
    {
        VEC x = vec_shuffle(block[i], vec_repeat(reverse_mask()));
        if (i == 0 && has_carry)
            x = vec_xor(x, carry);
        lanes_multiply(&sum, l, x, (ptrdiff_t)POWER_AT(0u, num - i) - 16 * (ptrdiff_t)left);
    }
    return sum;
}

/* The next num of left blocks of text, which begin at; with first J0 and the additional data before
 * them. Returns what is to be reduced; the lengths are still missing. */
INLINE struct products lanes_chunk(const struct lanes *l, const struct schedule *s,
                                   struct lanes_ends *e, unsigned int rounds, unsigned int num,
                                   size_t at, uint32_t left, bool first, bool opening)
{
    const VEC one = vec_repeat(_mm_set_epi32(0x01000000, 0, 0, 0));
    const bool ends = left == num;
    const unsigned int j0 = first; /* blocks in front of the text */
    VEC block[PASS_MAX], before = vec_zero(), counter = e->counter;
    VEC key = lanes_round_key(l, s, 0);
    UNROLL for (unsigned int i = 0; i < num + j0; i++)
    {
        block[i] = vec_xor(counter, key);
        counter = vec_add32(counter, one);
    }
    e->counter = counter;
    UNROLL for (unsigned int round = 1; round < rounds; round++)
    {
        key = lanes_round_key(l, s, round);
        UNROLL for (unsigned int i = 0; i < num + j0; i++) block[i] = vec_aesenc(block[i], key);
    }
    key = lanes_round_key(l, s, rounds);
    if (first)
        e->tag_mask = vec_aesenclast(block[0], key);
    UNROLL for (unsigned int i = 0; i < num; i++)
    {
        const bool is_tail = i + 1 == num && ends;
        const VEC in = is_tail ? e->tail : lanes_load(l->src, at + 16 * i);
        const VEC out = vec_aesenclast(block[i + j0], vec_xor(key, in));
        if (opening && is_tail)
            lanes_store_tail(l, e, at + 16 * i, out, before, i > 0);
        else
            lanes_store(l->dst, at + 16 * i, out);
        before = out;
        block[i + j0] = opening ? in : out;
        if (is_tail)
            block[i + j0] = vec_and(block[i + j0], e->tail_mask);
    }
    if (first)
        block[0] = e->aad;
    const unsigned int split = num + j0 > GROUP_BLOCKS ? num + j0 - GROUP_BLOCKS : 0;
    if (split)
        e->carry = vec_reduce(lanes_group(l, block, split, 0, e->carry, !first));
    return lanes_group(l, block + split, num + j0 - split, ends, e->carry, !first || split);
}

/* As many records as a vector has blocks; the vector of their tags. */
INLINE VEC lanes_run(struct lks_aead_job *const *jobs, const struct schedule *s,
                     uint32_t num_blocks, uint32_t first_num, unsigned int rounds, bool opening)
{
    const VEC reverse = vec_repeat(reverse_mask());
    struct lanes l;
    struct lanes_ends e;
    struct products sum;
    lanes_begin(&l, &e, jobs, num_blocks, opening);
#define FIRST_CHUNK(num)                                                             \
    case num:                                                                        \
        if (num < CHUNK_BLOCKS)                                                      \
            sum = lanes_chunk(&l, s, &e, rounds, num, 0, num_blocks, true, opening); \
        break
    switch (first_num) {
        FIRST_CHUNK(1);
        FIRST_CHUNK(2);
        FIRST_CHUNK(3);
        FIRST_CHUNK(4);
        FIRST_CHUNK(5);
        FIRST_CHUNK(6);
    default:
        FIRST_CHUNK(0);
    }
#undef FIRST_CHUNK
    for (uint32_t done = first_num; done < num_blocks; done += CHUNK_BLOCKS) {
        e.carry = vec_reduce(sum);
        sum = lanes_chunk(&l, s, &e, rounds, CHUNK_BLOCKS, 16 * (size_t)done, num_blocks - done,
                          false, opening);
    }
    lanes_multiply(&sum, &l, e.lengths, POWER_AT(rounds, 1u));
    return vec_xor(vec_shuffle(vec_reduce(sum), reverse), e.tag_mask);
}

INLINE void lanes_end(struct lks_aead_job *const *jobs, VEC tags, bool opening)
{
    __m128i tag[VEC_BLOCKS];
    vec_split(tag, tags);
    UNROLL for (unsigned int i = 0; i < VEC_BLOCKS; i++)
        lks_aead_finish_lane(jobs[i], &tag[i], opening);
}

/* Whether the next records can be lanes of a vector; of how many blocks. */
INLINE uint32_t lanes_fit(struct lks_aead_job *const *jobs, size_t num_jobs)
{
    const uint32_t num_blocks = (jobs[0]->len + 15) / 16;
    if (num_jobs < VEC_BLOCKS || num_blocks > GCM_LANES_BLOCKS)
        return 0;
    bool fit = true;
    UNROLL for (unsigned int i = 0; i < VEC_BLOCKS; i++) fit &=
        jobs[i]->is_record & ((jobs[i]->len + 15) / 16 == num_blocks);
    return fit ? num_blocks : 0;
}
