/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ChaCha20-Poly1305 of eight short records of different keys at once. Included after
 * poly1305_ifma.h and chacha_tmpl.h in their zmm form.
 *
 * ChaCha20: each pass computes 16 blocks, and which record and block number stands in which lane is
 * free. The blocks are dealt out by number: block 0 (the one-time key) of all eight records, block
 * 1 of all eight, and so on, so that eight records of up to 64 bytes are exactly one pass. The
 * words of the eight inputs lie in vectors (words[w], records 0 … 7 twice) from which a pass picks
 * by permutation.
 *
 * Poly1305: lane i is record i. What it hashes (additional data, cipher text, lengths, each padded)
 * is gathered in hashed[i], its end at the same place in all records: a record with fewer blocks
 * joins later, until when its lane stays zero. 64 bytes of each record are turned into the words of
 * four blocks for all lanes at a time.
 */

#define LANES         8u
#define LANES_MAX_LEN 512u
#define KEY_STREAM    (LANES_MAX_LEN + 128u)      /* one-time key's block, text, room to read on */
#define HASHED_MAX    (LANES_MAX_LEN + 16u + 16u) /* additional data and lengths */

struct lanes {
    _Alignas(64) uint8_t key_stream[LANES][KEY_STREAM];
    /* The first 48 bytes round up to whole loads; 64 more take what stores write beyond the end. */
    _Alignas(64) uint8_t hashed[LANES][HASHED_MAX + 48u + 64u];
    __m512i words[16];
    uint32_t record[LANES * (KEY_STREAM / 64u)]; /* of each ChaCha block to compute */
    uint32_t number[LANES * (KEY_STREAM / 64u)];
    uint32_t num_blocks; /* of ChaCha, rounded up to whole passes */
    uint64_t first[LANES];
    uint32_t num_steps; /* of Poly1305, a multiple of 4 */
};

INLINE __m128i load_block(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

INLINE uint32_t hashed_blocks(const struct lks_aead_job *job)
{
    return (job->aad_len ? 1u : 0u) + (job->len + 15u) / 16u + 1u;
}

/* words[w]: word w of every record's first block. */
static void lanes_load(struct lanes *l, struct lks_aead_job *const *jobs, size_t num)
{
    const __m128i constants = _mm_set_epi32(0x6b206574, 0x79622d32, 0x3320646e, 0x61707865);
    __m512i x[16];
    UNROLL for (size_t i = 0; i < LANES; i++)
    {
        const struct lks_aead_job *job = jobs[i < num ? i : 0];
        __m512i row = _mm512_castsi128_si512(constants);
        uint8_t nonce[16] = {0};
        memcpy(nonce + 4, job->nonce, 12);
        row = _mm512_inserti32x4(row, load_block(job->state), 1);
        row = _mm512_inserti32x4(row, load_block(job->state + 16), 2);
        x[i] = x[8 + i] = _mm512_inserti32x4(row, load_block(nonce), 3);
    }
    transpose(x);
    UNROLL for (int i = 0; i < 16; i++) l->words[i] = x[i];
}

static void lanes_plan(struct lanes *l, struct lks_aead_job *const *jobs, size_t num)
{
    uint32_t n = 0, last = 0, steps = 0, blocks[LANES];
    for (uint32_t i = 0; i < num; i++) {
        blocks[i] = (jobs[i]->len + 63) / 64;
        last = blocks[i] > last ? blocks[i] : last;
        steps = hashed_blocks(jobs[i]) > steps ? hashed_blocks(jobs[i]) : steps;
    }
    for (uint32_t number = 0; number <= last; number++)
        for (uint32_t i = 0; i < num; i++) {
            l->record[n] = i;
            l->number[n] = number;
            n += number <= blocks[i];
        }
    for (; n % VEC_LANES; n++) { /* spare lanes repeat a block that is needed anyway */
        l->record[n] = 0;
        l->number[n] = 0;
    }
    l->num_blocks = n;
    l->num_steps = (steps + 3) / 4 * 4;
    for (uint32_t i = 0; i < LANES; i++)
        l->first[i] = i < num ? l->num_steps - hashed_blocks(jobs[i]) : l->num_steps;
}

INLINE void pick_input(VEC *x, const struct lanes *l, uint32_t at)
{
    __m512i record = vec_load(l->record + at);
    UNROLL for (int i = 0; i < 16; i++) x[i] =
        i < 4 ? l->words[i] : _mm512_permutexvar_epi32(record, l->words[i]);
    x[12] = vec_load(l->number + at);
}

static void lanes_key_stream(struct lanes *l)
{
    for (uint32_t at = 0; at < l->num_blocks; at += VEC_LANES) {
        VEC x[16], input[16];
        pick_input(x, l, at);
        for (int i = 0; i < 10; i++)
            double_round(x);
        pick_input(input, l, at);
        UNROLL for (int i = 0; i < 16; i++) x[i] = vec_add32(x[i], input[i]);
        transpose(x);
        UNROLL for (unsigned int i = 0; i < VEC_LANES; i++)
            vec_store(&l->key_stream[l->record[at + i]][64 * l->number[at + i]], x[i]);
    }
}

INLINE __mmask64 bytes_mask(size_t len)
{
    return len >= 64 ? ~UINT64_C(0) : ~(~UINT64_C(0) << len);
}

/* Enciphers a record and puts together what is hashed of it. */
INLINE void lanes_text(struct lanes *l, const struct lks_aead_job *job, uint32_t i, bool opening)
{
    const uint8_t *key = l->key_stream[i] + 64;
    uint8_t *hashed = l->hashed[i] + 16 * l->first[i];
    uint64_t lengths[2] = {job->aad_len, job->len};
    if (job->aad_len) {
        __mmask16 mask = (__mmask16)bytes_mask(job->aad_len);
        _mm_storeu_si128((__m128i *)(void *)hashed, _mm_maskz_loadu_epi8(mask, job->aad));
        hashed += 16;
    }
    for (uint32_t s = 0; s < job->num_segs; s++) {
        const struct lks_seg *seg = &job->segs[s];
        for (size_t at = 0; at < seg->len; at += 64) {
            size_t n = seg->len - at < 64 ? seg->len - at : 64;
            __mmask64 mask = bytes_mask(n);
            __m512i in = _mm512_maskz_loadu_epi8(mask, seg->src + at);
            __m512i out = _mm512_maskz_mov_epi8(mask, vec_xor(in, vec_load(key)));
            vec_store(hashed, opening ? in : out);
            _mm512_mask_storeu_epi8(seg->dst + at, mask, out);
            key += n;
            hashed += n;
        }
    }
    _mm_storeu_si128((__m128i *)(void *)hashed, _mm_setzero_si128()); /* pads the last block */
    hashed += (16 - job->len % 16) % 16;
    memcpy(hashed, lengths, 16);
}

/* Eight times eight words: rows become columns. */
INLINE void transpose_words(__m512i v[8])
{
    __m512i t[8];
    UNROLL for (int i = 0; i < 8; i += 2)
    {
        t[i] = vec_low64(v[i], v[i + 1]);      /* words 0 2 4 6 of two rows */
        t[i + 1] = vec_high64(v[i], v[i + 1]); /* 1 3 5 7 */
    }
    UNROLL for (int odd = 0; odd < 2; odd++)
    {
        __m512i a = _mm512_shuffle_i64x2(t[odd], t[2 + odd], 0x88);
        __m512i b = _mm512_shuffle_i64x2(t[odd], t[2 + odd], 0xdd);
        __m512i c = _mm512_shuffle_i64x2(t[4 + odd], t[6 + odd], 0x88);
        __m512i d = _mm512_shuffle_i64x2(t[4 + odd], t[6 + odd], 0xdd);
        v[odd] = _mm512_shuffle_i64x2(a, c, 0x88);
        v[4 + odd] = _mm512_shuffle_i64x2(a, c, 0xdd);
        v[2 + odd] = _mm512_shuffle_i64x2(b, d, 0x88);
        v[6 + odd] = _mm512_shuffle_i64x2(b, d, 0xdd);
    }
}

static void lanes_tags(const struct lanes *l, uint64_t tags[2][LANES])
{
    __m512i v[8], tag[2], pad_low, pad_high;
    UNROLL for (int i = 0; i < 8; i++) v[i] = vec_load(l->key_stream[i]);
    transpose_words(v);
    pad_low = v[2];
    pad_high = v[3];
    const struct factor r = make_factor(clamp(v[0], v[1]));
    const __m512i first = vec_load(l->first);
    struct limbs h = {{_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}};
    for (uint32_t step = 0; step < l->num_steps; step += 4) {
        UNROLL for (int i = 0; i < 8; i++) v[i] = vec_load(l->hashed[i] + 16 * step);
        transpose_words(v);
        UNROLL for (uint32_t i = 0; i < 4; i++)
        {
            __mmask8 active = _mm512_cmple_epu64_mask(first, poly_word(step + i));
            h = multiply(add_blocks(h, v[2 * i], v[2 * i + 1], active), &r);
        }
    }
    finish_lanes(h, pad_low, pad_high, tag);
    vec_store(tags[0], tag[0]);
    vec_store(tags[1], tag[1]);
}

static void lanes_wipe(struct lanes *l)
{
    for (uint32_t at = 0; at < l->num_blocks; at++)
        vec_store(&l->key_stream[l->record[at]][64 * l->number[at]], _mm512_setzero_si512());
    UNROLL for (int i = 4; i < 12; i++) l->words[i] = _mm512_setzero_si512();
    __asm__ volatile("" : : "r"(l) : "memory");
}

INLINE void run_lanes(struct lks_aead_job *const *jobs, size_t num_jobs, bool opening)
{
    struct lanes l;
    for (size_t at = 0; at < num_jobs; at += LANES) {
        uint32_t num = num_jobs - at < LANES ? (uint32_t)(num_jobs - at) : LANES;
        uint64_t tags[2][LANES];
        lanes_load(&l, jobs + at, num);
        lanes_plan(&l, jobs + at, num);
        lanes_key_stream(&l);
        for (uint32_t i = 0; i < num; i++)
            lanes_text(&l, jobs[at + i], i, opening);
        lanes_tags(&l, tags);
        for (uint32_t i = 0; i < num; i++) {
            uint64_t tag[2] = {tags[0][i], tags[1][i]};
            lks_aead_finish_lane(jobs[at + i], tag, opening);
        }
        lanes_wipe(&l);
    }
}

static void seal_lanes(struct lks_aead_job *const *jobs, size_t num_jobs)
{
    run_lanes(jobs, num_jobs, false);
}

static void open_lanes(struct lks_aead_job *const *jobs, size_t num_jobs)
{
    run_lanes(jobs, num_jobs, true);
}
