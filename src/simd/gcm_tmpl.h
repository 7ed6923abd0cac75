/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AES-GCM over vectors of any width.
 *
 * The file that includes this defines, besides including <immintrin.h>:
 *   GCM_ISA        name of the tier, unquoted                     aesni    vaes256    vaes512
 *   VEC            vector type                                    __m128i  __m256i    __m512i
 *   VEC_BLOCKS     AES blocks in a vector                         1        2          4
 *   GCM_LANES_BLOCKS   longest text of records that share vectors, in blocks, at most 250
 *   GCM_LANES_MAX  row's lanes_max_len, measured; 0: no lanes
 *   vec_load/vec_store(p[, v])   unaligned
 *   vec_load_tail(p, from, to)   bytes from … to of a vector out of memory, p where the first of
 *                                them lies; the others are 0. Up to two blocks a vector from is 0
 *                                and to at most 16
 *   vec_store_tail(p, v, from, to), vec_keep(v, from, to)   likewise, the latter of any bytes
 *   vec_load_head(p, from), vec_store_head(p, v, from)   to the vector's end; from is a multiple of
 *                                16, and not 0
 *   vec_load_byte(p, at)         one byte to that place, which is one of a tail
 *   vec_xor(a, b), vec_xor3(a, b, c), vec_zero()
 *   vec_pin(v)          the compiler keeps the order in which pinned vectors are made; or nothing
 *   vec_aesenc(v, k), vec_aesenclast(v, k), vec_clmul(a, b, imm)
 *   vec_shuffle(v, m)   bytes within each block, by the vector m
 *   vec_and(a, b), vec_shift3(v)   the latter: 64-bit lanes, times eight
 *   vec_join(blocks)    __m128i[VEC_BLOCKS] as a vector
 *   vec_split(blocks, v)   the opposite
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
 * Key state, in the order in which short records need it, since each line of a cold key costs
 * about as much as a short record's arithmetic:
 *     round key 0 | H^4 H^3 H^2 H^1 | round keys 1, 2, … | AES-128: H^8 H^7 H^6 H^5
 * The engine's key puts its own fields before the first, so that these and the lines of 64 bytes
 * fall together. Powers descend, so that n blocks multiply with n neighbours. Long messages need
 * more than a small key should hold, so they make their own table on the stack.
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
#define NEAR_POWERS          4u
#define KEY_AT(round)        ((round) ? 16u * (NEAR_POWERS + (round)) : 0u)
#define POWER_AT(rounds, k) \
    (16u * ((k) <= NEAR_POWERS ? 1u + NEAR_POWERS - (k) : 1u + NEAR_POWERS + (rounds) + 8u - (k)))
#define STATE_LEN(rounds) (KEYS_LEN(rounds) + 16u * STATE_POWERS(rounds))
#define PASS_MAX          8u /* vectors in flight */
#define POWERS_MAX        (PASS_MAX * VEC_BLOCKS)
#define FRAME_LEN         (1024u + 1376u * VEC_BLOCKS) /* of a call on the stack, at most */
#define TABLE_LEN         (16u * POWERS_MAX) /* the powers, and as much for their half sums */

/* With one lane, loading a round key is cheaper than making it. */
#define LANES_MAKE_KEYS (VEC_BLOCKS > 1)
/* What records in lanes then need of the state. */
#define NEAR_STATE_LEN(rounds) (16u * (KEY_BLOCKS(rounds) + NEAR_POWERS))

#define block_load(p)     _mm_loadu_si128((const __m128i *)(const void *)(p))
#define block_store(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)

INLINE __m128i reverse_mask(void)
{
    return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

#include "simd/gcm_field.h"
#include "simd/gcm_keys.h"
#include "simd/gcm_lanes.h"
#include "simd/gcm_message.h"
#include "simd/gcm_pieces.h"

#include "simd/gcm_pass.h"

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
    make_table(m, table, p.rounds, num_powers);
    p.has_table = true;
    p.group = 4;
    first_pass(m, p);
    later_passes(m, p, 8, has_middle);
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
        struct pieces *pieces = m->pieces;
        const struct lks_seg *seg = pieces->seg;
        size_t num = (seg->len - pieces->seg_at) / (8 * VEC_LEN);
        if (num > (m->left - 1) / 8)
            num = (m->left - 1) / 8;
        if (!num) {
            PASS(4);
            continue;
        }
        m->src = (uintptr_t)seg->src + pieces->seg_at;
        m->dst = (uintptr_t)seg->dst + pieces->seg_at;
        pieces->seg_at += num * 8 * VEC_LEN;
        p.num_vecs = 8;
        p.group = middle_group;
        middle(m, p, (uint32_t)num);
        p.group = group;
    }
    p.last = true;
    PASS(4);
}

/* Key stream and powers of H that a call has left below its caller on the stack: the compiler's
 * spills, and tables. Once a burst, so that it costs a short record next to nothing; deep if a
 * message was in pieces, whose frame lies below. Long enough for every tier's frames: tests/simd
 * holds that. */
static __attribute__((noinline)) void wipe_stack(bool deep)
{
    uint8_t below[2 * FRAME_LEN] __attribute__((aligned(64)));
    for (unsigned int at = deep ? 0 : FRAME_LEN; at < sizeof(below); at += VEC_LEN)
        vec_store(below + at, vec_zero());
    __asm__ volatile("" : : "r"(below) : "memory");
}

/* Text in pieces: a vector is put together from as many as it takes. */
INLINE struct products run_in_pieces(const struct lks_aead_job *job, unsigned int rounds,
                                     bool opening)
{
    uint8_t table[2 * TABLE_LEN] __attribute__((aligned(64)));
    struct pieces pieces;
    struct message m;
    struct pass p = {.rounds = rounds, .opening = opening, .in_pieces = true};
    begin(&m, job, rounds);
    pieces.seg = job->segs;
    pieces.seg_at = 0;
    m.pieces = &pieces;
    m.src = m.dst = 0;
    if (m.left <= GCM_SHORT_VECS(rounds)) {
        const unsigned int num_powers = STATE_POWERS(rounds) / VEC_BLOCKS;
        p.group = num_powers < 4 ? num_powers : 4;
        run_piece_passes(&m, p, num_powers);
        return end(&m);
    }
    make_table(&m, table, rounds, POWERS_MAX);
    p.has_table = true;
    p.group = 4;
    run_piece_passes(&m, p, 8);
    return end(&m);
}

/* Out of the way of what is usual. */
#define PIECES_FUNCTION(name, rounds, opening)                                            \
    static __attribute__((noinline)) struct products name(const struct lks_aead_job *job) \
    {                                                                                     \
        return run_in_pieces(job, rounds, opening);                                       \
    }
PIECES_FUNCTION(seal_pieces_128, 10, false)
PIECES_FUNCTION(open_pieces_128, 10, true)
PIECES_FUNCTION(seal_pieces_256, 14, false)
PIECES_FUNCTION(open_pieces_256, 14, true)

INLINE struct products run_pieces(const struct lks_aead_job *job, unsigned int rounds, bool opening)
{
    if (rounds == 10)
        return opening ? open_pieces_128(job) : seal_pieces_128(job);
    return opening ? open_pieces_256(job) : seal_pieces_256(job);
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

/* Those at the front that lanes_fit() refuses; how many. */
INLINE unsigned int run_apart(struct lks_aead_job *const *jobs, size_t num_jobs,
                              unsigned int rounds, bool opening)
{
    uint8_t tags[VEC_LEN];
    const unsigned int num = num_jobs < VEC_BLOCKS ? (unsigned int)num_jobs : VEC_BLOCKS;
    run_together(jobs, tags, num, (struct pass){.rounds = rounds, .opening = opening});
    for (unsigned int i = 0; i < num; i++)
        lks_aead_finish_lane(jobs[i], tags + 16 * i, opening);
    return num;
}

/* Whether a message was in pieces. */
INLINE bool run_lanes(struct lks_aead_job *const *jobs, size_t num_jobs, unsigned int rounds,
                      bool opening)
{
    uint32_t last_blocks = 0, first_num = 0;
    bool has_pieces = false;
    struct schedules schedules = {.num_left = 0};
    for (size_t at = 0; at < num_jobs;) {
        const struct schedule *schedule = NULL;
        const uint32_t num_blocks = lanes_fit(jobs + at, num_jobs - at);
        if (!num_blocks) {
            const unsigned int num = run_apart(jobs + at, num_jobs - at, rounds, opening);
            for (unsigned int i = 0; i < num; i++)
                has_pieces |= is_in_pieces(jobs[at + i]);
            at += num;
            schedules.num_left = 0;
            continue;
        }
        if (num_blocks != last_blocks) {
            last_blocks = num_blocks;
            first_num = num_blocks % CHUNK_BLOCKS;
        }
        if (LANES_MAKE_KEYS)
            schedule = next_schedule(&schedules, jobs + at, num_jobs - at, rounds);
        lanes_end(jobs + at, lanes_run(jobs + at, schedule, num_blocks, first_num, rounds, opening),
                  opening);
        at += VEC_BLOCKS;
    }
    return has_pieces;
}

INLINE __m128i encrypt_block(const uint8_t *state, unsigned int rounds, __m128i block)
{
    block = _mm_xor_si128(block, block_load(state));
    for (unsigned int i = 1; i < rounds; i++)
        block = _mm_aesenc_si128(block, block_load(state + KEY_AT(i)));
    return _mm_aesenclast_si128(block, block_load(state + KEY_AT(rounds)));
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
        block_store(state + POWER_AT(rounds, k), power);
        power = block_multiply(power, h);
    }
}

/* The functions and the row of one key size. */
#define GCM_PASTE(a, b)    a##b
#define GCM_ROW(name, isa) GCM_PASTE(name, isa)
#define GCM_TEXT(isa)      #isa
#define GCM_NAME(isa)      GCM_TEXT(isa)

#define GCM_FUNCTIONS(bits, rounds)                                                         \
    static void init_##bits(uint8_t *state, const uint8_t *key)                             \
    {                                                                                       \
        uint8_t round_keys[KEYS_LEN(rounds)];                                               \
        expand_##bits(round_keys, key);                                                     \
        memcpy(state, round_keys, 16);                                                      \
        memcpy(state + KEY_AT(1), round_keys + 16, sizeof(round_keys) - 16);                \
        lks_wipe(round_keys, sizeof(round_keys));                                           \
        store_powers(state, rounds);                                                        \
    }                                                                                       \
    static __attribute__((noinline)) bool run_seal_##bits(struct lks_aead_job *const *jobs, \
                                                          size_t num_jobs)                  \
    {                                                                                       \
        return run_lanes(jobs, num_jobs, rounds, false);                                    \
    }                                                                                       \
    static __attribute__((noinline)) bool run_open_##bits(struct lks_aead_job *const *jobs, \
                                                          size_t num_jobs)                  \
    {                                                                                       \
        return run_lanes(jobs, num_jobs, rounds, true);                                     \
    }                                                                                       \
    static void seal_lanes_##bits(struct lks_aead_job *const *jobs, size_t num_jobs)        \
    {                                                                                       \
        wipe_stack(run_seal_##bits(jobs, num_jobs));                                        \
    }                                                                                       \
    static void open_lanes_##bits(struct lks_aead_job *const *jobs, size_t num_jobs)        \
    {                                                                                       \
        wipe_stack(run_open_##bits(jobs, num_jobs));                                        \
    }                                                                                       \
    static void seal_##bits(struct lks_aead_job *job)                                       \
    {                                                                                       \
        seal_lanes_##bits(&job, 1);                                                         \
    }                                                                                       \
    static void open_##bits(struct lks_aead_job *job)                                       \
    {                                                                                       \
        open_lanes_##bits(&job, 1);                                                         \
    }                                                                                       \
    const struct lks_aead GCM_ROW(lks_aes_##bits##_gcm_, GCM_ISA) = {                       \
        .name = "aes_" #bits "_gcm",                                                        \
        .isa = GCM_NAME(GCM_ISA),                                                           \
        .id = LKS_AES_##bits##_GCM,                                                         \
        .key_len = bits / 8,                                                                \
        .tag_len = 16,                                                                      \
        .state_len = STATE_LEN(rounds),                                                     \
        .near_len = LANES_MAKE_KEYS ? 16 * GCM_LANES_BLOCKS : 0,                            \
        .near_state_len = NEAR_STATE_LEN(rounds),                                           \
        .max_records = LKS_GCM_MAX_RECORDS,                                                 \
        .init = init_##bits,                                                                \
        .seal = seal_##bits,                                                                \
        .open = open_##bits,                                                                \
        .lanes_max_len = GCM_LANES_MAX,                                                     \
        .num_lanes = VEC_BLOCKS,                                                            \
        .seal_lanes = seal_lanes_##bits,                                                    \
        .open_lanes = open_lanes_##bits,                                                    \
    };

GCM_FUNCTIONS(128, 10)
GCM_FUNCTIONS(256, 14)
