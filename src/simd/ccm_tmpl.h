/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AES-CCM of several messages at once, over vectors of any width.
 *
 * The file that includes this defines, besides including <immintrin.h>:
 *   CCM_ISA        name of the tier, unquoted                     aesni    vaes256
 *   VEC            vector type                                    __m128i  __m256i
 *   VEC_BLOCKS     messages in a vector                           1        2
 *   CCM_VECS       vectors in flight, at most 6, measured: two registers each, and one for a key
 *   CCM_LANES_MAX  row's lanes_max_len
 *   vec_load/vec_store(p[, v])   aligned
 *   vec_load_blocks(p)           the same by blocks, which were stored one by one just now
 *   vec_gather(p, at)            16 bytes from p[0] + at, p[1] + at, … side by side
 *   vec_scatter(p, at, v)        and to there
 *   vec_xor(a, b), vec_and(a, b), vec_add32(a, b), vec_repeat(block), vec_zero()
 *   vec_aesenc(v, k), vec_aesenclast(v, k)
 *   vec_shuffle(v, m)            bytes within each block, by the vector m
 * and is compiled with AES-NI, SSSE3 and SSE4.1, plus for ymm AVX2 and VAES. It defines the rows
 * lks_aes_{128,256}_ccm{,_8}_<CCM_ISA>.
 *
 * CBC-MAC is a chain: each block of a message waits for the one before, ten times the latency of an
 * AES round, in each of which a processor could have begun eight others. So a lane is a message,
 * as many run in lockstep as registers hold, and in the same breath each lane's MAC block is joined
 * by the next block of its key stream, under the same round key. A message is these steps:
 *
 *     MAC         B0    additional data …   text 1   text 2   …   text n
 *     key stream  A1          A1             A2       A3      …     A0
 *
 * Text i is enciphered before step i with what the step before left, so that sealing and opening
 * are the same but for which of the two is the MAC's; the last step leaves A0, the tag's mask.
 * Steps on whole blocks in one piece, all lanes', run in a loop of their own (text_steps()); for
 * what else there is, each lane puts its block together first (prepare_step()). A lane whose
 * message ends takes the next one. Without a next one there are fewer lanes, and one lane is a
 * stream.
 *
 * Key state: the round keys. They are copied side by side for the lanes.
 */

#include <string.h>

#include <lockstep/engine.h>

#include "base/ct.h"
#include "simd/aead.h"
#include "simd/aead_rows.h"
#include "simd/ccm_blocks.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

#define LANES         (VEC_BLOCKS * CCM_VECS)
#define ROUNDS_MAX    14u
#define KEYS_LEN(rds) (16u * ((rds) + 1u))

#define block_load(p)     _mm_loadu_si128((const __m128i *)(const void *)(p))
#define block_store(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)

#include "simd/gcm_keys.h"

/* The message of a lane, and how far it is. */
struct lane {
    struct lks_aead_job *job;
    const struct lks_seg *seg;
    size_t seg_at;
    uint32_t aad_at;
    uint32_t text_left;
    bool has_begun, is_last; /* the step before was B0's; is the last one */
};

/* Vector i holds lanes i * VEC_BLOCKS and on. */
struct lanes {
    VEC mac[CCM_VECS], stream[CCM_VECS];
    VEC counter[CCM_VECS]; /* bytes reversed: a 32-bit add counts */
    VEC keys[ROUNDS_MAX + 1][CCM_VECS];
    const uint8_t *src[LANES]; /* of whole blocks in one piece */
    uint8_t *dst[LANES];
    struct lane lane[LANES];
    uint8_t block[16]; /* where pieces of text are joined */
    unsigned int num, rounds, tag_len;
    bool opening;
};

/* The __m128i of a lane in an array of vectors. */
INLINE uint8_t *of_lane(VEC *vectors, unsigned int i)
{
    return (uint8_t *)vectors + 16 * i;
}

INLINE __m128i reverse_mask(void)
{
    return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/* Here and now in a register: the compiler would rather put it off, or load it twice. */
INLINE VEC in_register(VEC v)
{
    __asm__("" : "+x"(v));
    return v;
}

/* A round key of vector i, which two blocks want. */
INLINE VEC load_key(const struct lanes *l, unsigned int round, unsigned int i)
{
    return in_register(vec_load(&l->keys[round][i]));
}

INLINE void encrypt_rounds(const struct lanes *l, VEC mac[CCM_VECS], VEC stream[CCM_VECS],
                           const unsigned int num_vecs, const unsigned int from,
                           const unsigned int to)
{
    UNROLL for (unsigned int round = from; round < to; round++)
    {
        UNROLL for (unsigned int i = 0; i < num_vecs; i++)
        {
            VEC key = load_key(l, round, i);
            mac[i] = vec_aesenc(mac[i], key);
            stream[i] = vec_aesenc(stream[i], key);
        }
    }
}

/* All rounds but the first key's addition. */
INLINE void encrypt(const struct lanes *l, VEC mac[CCM_VECS], VEC stream[CCM_VECS],
                    const unsigned int num_vecs)
{
    encrypt_rounds(l, mac, stream, num_vecs, 1, 10);
    if (l->rounds == ROUNDS_MAX)
        encrypt_rounds(l, mac, stream, num_vecs, 10, ROUNDS_MAX);
    UNROLL for (unsigned int i = 0; i < num_vecs; i++)
    {
        VEC key = load_key(l, l->rounds, i);
        mac[i] = vec_aesenclast(mac[i], key);
        stream[i] = vec_aesenclast(stream[i], key);
    }
}

/* Steps on len bytes of every lane's text: whole blocks in one piece, and not a message's last. */
INLINE void text_steps_of(struct lanes *l, size_t len, const unsigned int num_vecs)
{
    const VEC reverse = vec_repeat(reverse_mask()), one = vec_repeat(_mm_set_epi32(0, 0, 0, 1));
    const VEC opening = vec_repeat(_mm_set1_epi32(l->opening ? -1 : 0));
    VEC mac[CCM_VECS], stream[CCM_VECS];
    UNROLL for (unsigned int i = 0; i < num_vecs; i++)
    {
        mac[i] = vec_load_blocks(&l->mac[i]);
        stream[i] = vec_load_blocks(&l->stream[i]);
    }
    for (size_t at = 0; at < len; at += 16) {
        UNROLL for (unsigned int i = 0; i < num_vecs; i++)
        {
            VEC key = load_key(l, 0, i), in = vec_gather(l->src + VEC_BLOCKS * i, at);
            VEC hashed = vec_xor(vec_and(stream[i], opening), vec_xor(in, key));
            mac[i] = in_register(vec_xor(mac[i], hashed));
            vec_scatter(l->dst + VEC_BLOCKS * i, at, vec_xor(in, stream[i]));
            VEC counter = vec_add32(vec_load(&l->counter[i]), one);
            vec_store(&l->counter[i], counter);
            stream[i] = in_register(vec_xor(vec_shuffle(counter, reverse), key));
        }
        encrypt(l, mac, stream, num_vecs);
    }
    UNROLL for (unsigned int i = 0; i < num_vecs; i++)
    {
        vec_store(&l->mac[i], mac[i]);
        vec_store(&l->stream[i], stream[i]);
    }
}

/* Encrypts what stands in mac and stream. */
INLINE void encrypt_of(struct lanes *l, const unsigned int num_vecs)
{
    VEC mac[CCM_VECS], stream[CCM_VECS];
    UNROLL for (unsigned int i = 0; i < num_vecs; i++)
    {
        VEC key = load_key(l, 0, i);
        mac[i] = vec_xor(vec_load_blocks(&l->mac[i]), key);
        stream[i] = vec_xor(vec_load_blocks(&l->stream[i]), key);
    }
    encrypt(l, mac, stream, num_vecs);
    UNROLL for (unsigned int i = 0; i < num_vecs; i++)
    {
        vec_store(&l->mac[i], mac[i]);
        vec_store(&l->stream[i], stream[i]);
    }
}

/* Either of these for as many vectors as have lanes; len == 0 is encrypt_of(). */
static __attribute__((noinline)) void run_steps(struct lanes *l, size_t len)
{
    switch ((l->num + VEC_BLOCKS - 1) / VEC_BLOCKS) {
#define CASE(n)                                      \
    case n:                                          \
        if (n > CCM_VECS)                            \
            break;                                   \
        if (len)                                     \
            text_steps_of(l, len, MIN(n, CCM_VECS)); \
        else                                         \
            encrypt_of(l, MIN(n, CCM_VECS));         \
        break;
#define MIN(a, b) ((a) < (b) ? (a) : (b))
        CASE(1u)
        CASE(2u)
        CASE(3u)
        CASE(4u)
        CASE(5u)
        CASE(6u)
#undef CASE
    }
}

/* A vector's lane without a message does what the one before does, with the same bytes. */
INLINE void pair_lanes(struct lanes *l)
{
    if (l->num % VEC_BLOCKS == 0)
        return;
    const unsigned int i = l->num;
    l->src[i] = l->src[i - 1];
    l->dst[i] = l->dst[i - 1];
    block_store(of_lane(l->mac, i), block_load(of_lane(l->mac, i - 1)));
    block_store(of_lane(l->stream, i), block_load(of_lane(l->stream, i - 1)));
    block_store(of_lane(l->counter, i), block_load(of_lane(l->counter, i - 1)));
    for (unsigned int round = 0; round <= l->rounds; round++)
        block_store(of_lane(l->keys[round], i), block_load(of_lane(l->keys[round], i - 1)));
}

/* Whole blocks of a lane's text from here on that lie in one piece and are not the last, in bytes.
 */
INLINE size_t whole_blocks(struct lanes *l, unsigned int i)
{
    struct lane *lane = &l->lane[i];
    if (!lane->has_begun || lane->aad_at < lane->job->aad_len)
        return 0;
    if (lane->seg_at == lane->seg->len)
        lane->seg++, lane->seg_at = 0;
    size_t len = lane->seg->len - lane->seg_at;
    len = len < lane->text_left ? len : lane->text_left - 1;
    l->src[i] = lane->seg->src + lane->seg_at;
    l->dst[i] = lane->seg->dst + lane->seg_at;
    return len / 16 * 16;
}

/* As many text steps as all lanes can take. */
INLINE bool text_steps(struct lanes *l)
{
    size_t len = SIZE_MAX;
    for (unsigned int i = 0; i < l->num && len; i++) {
        size_t n = whole_blocks(l, i);
        len = n < len ? n : len;
    }
    if (!len)
        return false;
    pair_lanes(l);
    run_steps(l, len);
    for (unsigned int i = 0; i < l->num; i++) {
        l->lane[i].seg_at += len;
        l->lane[i].text_left -= (uint32_t)len;
    }
    return true;
}

/* At most 16 bytes, and zeros behind them; no byte outside is touched. */
INLINE __m128i load_part(const uint8_t *p, size_t len)
{
    uint64_t low = 0, high = 0;
    uint32_t part;
    if (len == 16)
        return block_load(p);
    if (len > 8) {
        memcpy(&low, p, 8);
        memcpy(&high, p + len - 8, 8);
        high >>= 8 * (16 - len);
    } else if (len >= 4) {
        memcpy(&part, p + len - 4, 4);
        low = (uint64_t)part << 8 * (len - 4);
        memcpy(&part, p, 4);
        low |= part;
    } else {
        for (size_t i = 0; i < len; i++)
            low |= (uint64_t)p[i] << 8 * i;
    }
    return _mm_set_epi64x((long long)high, (long long)low);
}

/* ccm_put_block() without a way through memory. */
INLINE __m128i nonce_block(const struct lks_aead_job *job, uint8_t flags, uint32_t last)
{
    uint64_t low;
    uint32_t high;
    memcpy(&low, job->nonce, 8);
    memcpy(&high, job->nonce + 8, 4);
    __m128i nonce = _mm_slli_si128(_mm_set_epi64x(high, (long long)low), 1);
    return _mm_or_si128(nonce, _mm_set_epi32((int)__builtin_bswap32(last), 0, 0, flags));
}

/* The next block of additional data, with zeros behind their end. */
INLINE __m128i take_aad(struct lanes *l, struct lane *lane)
{
    const struct lks_aead_job *job = lane->job;
    const uint8_t *aad = job->aad + lane->aad_at;
    const uint32_t left = job->aad_len - lane->aad_at;
    if (!lane->aad_at && left < 15) { /* a record's */
        lane->aad_at = left;
        return _mm_or_si128(_mm_slli_si128(load_part(aad, left), 2),
                            _mm_cvtsi32_si128((int)(left << 8)));
    }
    if (lane->aad_at) {
        lane->aad_at += left < 16 ? left : 16;
        return load_part(aad, left < 16 ? left : 16);
    }
    const unsigned int begin = ccm_aad_prefix(l->block, job->aad_len);
    memcpy(l->block + begin, aad, 10);
    memcpy(l->block + 10, aad + 10 - begin, 6);
    lane->aad_at = 16 - begin;
    return block_load(l->block);
}

/* The next bytes of the text, put together out of their pieces. */
INLINE __m128i gather_text(struct lanes *l, const struct lane *lane, unsigned int len)
{
    const struct lks_seg *seg = lane->seg;
    size_t seg_at = lane->seg_at;
    block_store(l->block, _mm_setzero_si128());
    for (unsigned int at = 0, n; at < len; at += n, seg_at += n) {
        if (seg_at == seg->len)
            seg++, seg_at = 0;
        n = seg->len - seg_at < len - at ? (unsigned int)(seg->len - seg_at) : len - at;
        copy_below_32(l->block + at, seg->src + seg_at, n);
    }
    return block_load(l->block);
}

/* Puts them where they belong, and goes on behind them. */
INLINE void scatter_text(struct lanes *l, struct lane *lane, __m128i text, unsigned int len)
{
    block_store(l->block, text);
    for (unsigned int at = 0, n; at < len; at += n, lane->seg_at += n) {
        if (lane->seg_at == lane->seg->len)
            lane->seg++, lane->seg_at = 0;
        const size_t piece = lane->seg->len - lane->seg_at;
        n = piece < len - at ? (unsigned int)piece : len - at;
        copy_below_32(lane->seg->dst + lane->seg_at, l->block + at, n);
    }
    lane->text_left -= len;
}

/* Enciphers up to 16 bytes of text; returns what is the MAC's. */
INLINE __m128i take_text(struct lanes *l, struct lane *lane, __m128i stream)
{
    const unsigned int len = lane->text_left < 16 ? lane->text_left : 16;
    const bool in_one_piece = lane->seg->len - lane->seg_at >= len;
    __m128i in =
        in_one_piece ? load_part(lane->seg->src + lane->seg_at, len) : gather_text(l, lane, len);
    __m128i out = _mm_xor_si128(in, stream);
    scatter_text(l, lane, out, len);
    if (!l->opening)
        return in;
    const __m128i index = _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm_and_si128(out, _mm_cmpgt_epi8(_mm_set1_epi8((char)len), index));
}

/* A lane's next block for the MAC, and what counter goes with it. */
INLINE void prepare_step(struct lanes *l, unsigned int i)
{
    struct lane *lane = &l->lane[i];
    const struct lks_aead_job *job = lane->job;
    __m128i block, counter = block_load(of_lane(l->counter, i));
    if (!lane->has_begun) {
        block = nonce_block(job, ccm_first_flags(job, l->tag_len), job->len);
        lane->has_begun = true;
    } else if (lane->aad_at < job->aad_len) {
        block = take_aad(l, lane);
    } else {
        block = take_text(l, lane, block_load(of_lane(l->stream, i)));
        counter = _mm_add_epi32(counter, _mm_set_epi32(0, 0, 0, 1));
        block_store(of_lane(l->counter, i), counter);
    }
    lane->is_last = lane->aad_at == job->aad_len && !lane->text_left;
    if (lane->is_last) /* A0 */
        counter = _mm_and_si128(counter, _mm_set_epi32(-1, -1, -1, (int)0xff000000));
    block_store(of_lane(l->mac, i), _mm_xor_si128(block_load(of_lane(l->mac, i)), block));
    block_store(of_lane(l->stream, i), _mm_shuffle_epi8(counter, reverse_mask()));
}

INLINE void begin_lane(struct lanes *l, unsigned int i, struct lks_aead_job *job)
{
    l->lane[i] = (struct lane){.job = job, .seg = job->segs, .text_left = job->len};
    block_store(of_lane(l->counter, i),
                _mm_shuffle_epi8(nonce_block(job, CCM_LENGTH_LEN - 1, 1), reverse_mask()));
    block_store(of_lane(l->mac, i), _mm_setzero_si128());
    for (unsigned int round = 0; round <= l->rounds; round++)
        block_store(of_lane(l->keys[round], i), block_load(job->state + 16 * round));
}

INLINE void move_lane(struct lanes *l, unsigned int to, unsigned int from)
{
    if (to == from)
        return;
    l->lane[to] = l->lane[from];
    block_store(of_lane(l->mac, to), block_load(of_lane(l->mac, from)));
    block_store(of_lane(l->stream, to), block_load(of_lane(l->stream, from)));
    block_store(of_lane(l->counter, to), block_load(of_lane(l->counter, from)));
    for (unsigned int round = 0; round <= l->rounds; round++)
        block_store(of_lane(l->keys[round], to), block_load(of_lane(l->keys[round], from)));
}

INLINE void end_lane(struct lanes *l, unsigned int i)
{
    struct lks_aead_job *job = l->lane[i].job;
    block_store(l->block,
                _mm_xor_si128(block_load(of_lane(l->mac, i)), block_load(of_lane(l->stream, i))));
    if (l->opening)
        lks_aead_finish_open(job, l->block, l->tag_len);
    else
        copy_below_32(job->tag, l->block, l->tag_len);
}

/* The lanes' memory that holds keys, key stream or text. */
INLINE void wipe_lanes(struct lanes *l)
{
    UNROLL for (unsigned int i = 0; i < CCM_VECS; i++)
    {
        vec_store(&l->mac[i], vec_zero());
        vec_store(&l->stream[i], vec_zero());
    }
    for (unsigned int round = 0; round <= l->rounds; round++)
        UNROLL for (unsigned int i = 0; i < CCM_VECS; i++)
            vec_store(&l->keys[round][i], vec_zero());
    block_store(l->block, _mm_setzero_si128());
    __asm__ volatile("" : : "r"(l) : "memory");
}

/* The engine sorts jobs by length: the longest ones go first, so that lanes run out together. */
static __attribute__((noinline)) void run(struct lks_aead_job *const *jobs, size_t num_jobs,
                                          unsigned int rounds, unsigned int tag_len, bool opening)
{
    struct lanes l;
    l.rounds = rounds;
    l.tag_len = tag_len;
    l.opening = opening;
    for (l.num = 0; l.num < LANES && num_jobs; l.num++)
        begin_lane(&l, l.num, jobs[--num_jobs]);
    while (l.num) {
        if (text_steps(&l))
            continue;
        for (unsigned int i = 0; i < l.num; i++)
            prepare_step(&l, i);
        run_steps(&l, 0);
        for (unsigned int i = l.num; i-- > 0;) {
            if (!l.lane[i].is_last)
                continue;
            end_lane(&l, i);
            if (num_jobs)
                begin_lane(&l, i, jobs[--num_jobs]);
            else
                move_lane(&l, i, --l.num);
        }
    }
    wipe_lanes(&l);
}

/* The functions and the row of one key and tag length. */
#define CCM_PASTE(a, b)   a##b
#define CCM_NAME(a, b)    CCM_PASTE(a, b)
#define CCM_TEXT(isa)     #isa
#define CCM_ISA_TEXT(isa) CCM_TEXT(isa)

#define CCM_ROW(bits, num_rounds, suffix, SUFFIX, tag_length)                                \
    static void init_##bits##suffix(uint8_t *state, const uint8_t *key)                      \
    {                                                                                        \
        expand_##bits(state, key);                                                           \
    }                                                                                        \
    static void seal_lanes_##bits##suffix(struct lks_aead_job *const *jobs, size_t num_jobs) \
    {                                                                                        \
        run(jobs, num_jobs, num_rounds, tag_length, false);                                  \
    }                                                                                        \
    static void open_lanes_##bits##suffix(struct lks_aead_job *const *jobs, size_t num_jobs) \
    {                                                                                        \
        run(jobs, num_jobs, num_rounds, tag_length, true);                                   \
    }                                                                                        \
    static void seal_##bits##suffix(struct lks_aead_job *job)                                \
    {                                                                                        \
        run(&job, 1, num_rounds, tag_length, false);                                         \
    }                                                                                        \
    static void open_##bits##suffix(struct lks_aead_job *job)                                \
    {                                                                                        \
        run(&job, 1, num_rounds, tag_length, true);                                          \
    }                                                                                        \
    const struct lks_aead CCM_NAME(lks_aes_##bits##_##suffix##_, CCM_ISA) = {                \
        .name = "aes_" #bits "_" #suffix,                                                    \
        .isa = CCM_ISA_TEXT(CCM_ISA),                                                        \
        .id = LKS_AES_##bits##_##SUFFIX,                                                     \
        .key_len = bits / 8,                                                                 \
        .tag_len = tag_length,                                                               \
        .state_len = KEYS_LEN(num_rounds),                                                   \
        .max_records = LKS_CCM_MAX_RECORDS,                                                  \
        .init = init_##bits##suffix,                                                         \
        .seal = seal_##bits##suffix,                                                         \
        .open = open_##bits##suffix,                                                         \
        .lanes_max_len = CCM_LANES_MAX,                                                      \
        .num_lanes = LANES,                                                                  \
        .seal_lanes = seal_lanes_##bits##suffix,                                             \
        .open_lanes = open_lanes_##bits##suffix,                                             \
    };

CCM_ROW(128, 10, ccm, CCM, 16)
CCM_ROW(128, 10, ccm_8, CCM_8, 8)
CCM_ROW(256, 14, ccm, CCM, 16)
CCM_ROW(256, 14, ccm_8, CCM_8, 8)
