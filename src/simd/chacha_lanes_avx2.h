/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ChaCha20-Poly1305 of eight short records of different keys at once on AVX2. Included after
 * poly1305_avx2.h and chacha_tmpl.h.
 *
 * ChaCha20: each pass computes eight blocks, and which record and block number stands in which lane
 * is free. The blocks are dealt out by number: block 0 (the one-time key) of all records, then
 * block 1 of all that have one, and so on, without a gap, so that a group with fewer or with
 * unequal records wastes at most the end of its last pass. The words of the eight inputs lie in
 * vectors (words[w], a record a lane) from which a pass picks by permutation.
 *
 * Poly1305: records 0 … 3 are the lanes of one sum, 4 … 7 those of another beside it. What is
 * hashed (additional data, cipher text, lengths, each padded) is gathered in hashed[i], its end at
 * the same place in all records: a record with fewer blocks joins later, its lane zero until then.
 * A group costs what its longest record costs, however few there are: few long ones stream.
 */

#define LANES         8u
#define LANES_MAX_LEN 1536u
#define KEY_STREAM    (LANES_MAX_LEN + 64u)       /* one-time key's block, text */
#define HASHED_MAX    (LANES_MAX_LEN + 16u + 16u) /* additional data and lengths */

struct lanes {
    _Alignas(32) uint8_t key_stream[LANES][KEY_STREAM];
    /* An odd number of blocks begins one block in; the padding's store may reach beyond the end. */
    _Alignas(32) uint8_t hashed[LANES][HASHED_MAX + 32u];
    __m256i words[16];
    uint32_t record[LANES * (KEY_STREAM / 64u)]; /* of each ChaCha block to compute */
    uint32_t number[LANES * (KEY_STREAM / 64u)];
    uint32_t num_blocks; /* of ChaCha, rounded up to whole passes */
    uint64_t first[LANES];
    uint32_t num_steps; /* of Poly1305, a multiple of 2 */
};

INLINE uint32_t hashed_blocks(const struct lks_aead_job *job)
{
    return (job->aad_len ? 1u : 0u) + (job->len + 15u) / 16u + 1u;
}

INLINE __m256i two_halves(const uint8_t *low, const uint8_t *high)
{
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)low)),
        _mm_loadu_si128((const __m128i *)(const void *)high), 1);
}

/* rows[i]: four words of records i and 4 + i; afterwards a word of all eight. */
INLINE void words_of_rows(__m256i *words, const __m256i rows[4])
{
    __m256i low01 = vec_low32(rows[0], rows[1]), high01 = vec_high32(rows[0], rows[1]);
    __m256i low23 = vec_low32(rows[2], rows[3]), high23 = vec_high32(rows[2], rows[3]);
    words[0] = vec_low64(low01, low23), words[1] = vec_high64(low01, low23);
    words[2] = vec_low64(high01, high23), words[3] = vec_high64(high01, high23);
}

/* words[w]: word w of every record's first block. */
static void lanes_load(struct lanes *l, struct lks_aead_job *const *jobs, size_t num)
{
    __m256i low[4], high[4], nonces[4], words[4];
    UNROLL for (size_t i = 0; i < 4; i++)
    {
        const struct lks_aead_job *a = jobs[i < num ? i : 0], *b = jobs[4 + i < num ? 4 + i : 0];
        uint8_t nonce[2][16] = {{0}};
        memcpy(nonce[0], a->nonce, 12);
        memcpy(nonce[1], b->nonce, 12);
        low[i] = two_halves(a->state, b->state);
        high[i] = two_halves(a->state + 16, b->state + 16);
        nonces[i] = two_halves(nonce[0], nonce[1]);
    }
    l->words[0] = vec_set32(0x61707865);
    l->words[1] = vec_set32(0x3320646e);
    l->words[2] = vec_set32(0x79622d32);
    l->words[3] = vec_set32(0x6b206574);
    words_of_rows(l->words + 4, low);
    words_of_rows(l->words + 8, high);
    words_of_rows(words, nonces);
    UNROLL for (int i = 0; i < 3; i++) l->words[13 + i] = words[i];
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
    l->num_steps = (steps + 1) / 2 * 2;
    for (uint32_t i = 0; i < LANES; i++)
        l->first[i] = i < num ? l->num_steps - hashed_blocks(jobs[i]) : l->num_steps;
}

INLINE void pick_input(VEC *x, const struct lanes *l, uint32_t at)
{
    const __m256i record = vec_load(l->record + at);
    UNROLL for (int i = 0; i < 16; i++)
    {
        if (i < 4)
            x[i] = l->words[i];
        else if (i == 12)
            x[i] = vec_load(l->number + at);
        else
            x[i] = _mm256_permutevar8x32_epi32(l->words[i], record);
    }
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
        {
            uint8_t *block = &l->key_stream[l->record[at + i]][64 * l->number[at + i]];
            vec_store(block, x[2 * i]);
            vec_store(block + 32, x[2 * i + 1]);
        }
    }
}

/* One piece of 16 or fewer bytes; hashed takes what is cipher text. */
#define TEXT_PIECE(type)                                           \
    do {                                                           \
        type text, key_word;                                       \
        memcpy(&text, src, sizeof(text));                          \
        memcpy(&key_word, key, sizeof(text));                      \
        key_word ^= text;                                          \
        memcpy(dst, &key_word, sizeof(text));                      \
        memcpy(hashed, opening ? &text : &key_word, sizeof(text)); \
        src += sizeof(text), dst += sizeof(text);                  \
        key += sizeof(text), hashed += sizeof(text);               \
    } while (0)

/* Enciphers a piece of text and keeps its cipher text in hashed; no byte beside it is touched. */
INLINE void lanes_segment(uint8_t *hashed, const uint8_t *key, const struct lks_seg *seg,
                          bool opening)
{
    const uint8_t *src = seg->src;
    uint8_t *dst = seg->dst;
    size_t left = seg->len;
    for (; left >= 32; left -= 32, src += 32, dst += 32, key += 32, hashed += 32) {
        __m256i in = vec_load(src), out = vec_xor(in, vec_load(key));
        vec_store(dst, out);
        vec_store(hashed, opening ? in : out);
    }
    if (left & 16) {
        __m128i in = _mm_loadu_si128((const __m128i *)(const void *)src);
        __m128i out = _mm_xor_si128(in, _mm_loadu_si128((const __m128i *)(const void *)key));
        _mm_storeu_si128((__m128i *)(void *)dst, out);
        _mm_storeu_si128((__m128i *)(void *)hashed, opening ? in : out);
        src += 16, dst += 16, key += 16, hashed += 16;
    }
    if (left & 8)
        TEXT_PIECE(uint64_t);
    if (left & 4)
        TEXT_PIECE(uint32_t);
    if (left & 2)
        TEXT_PIECE(uint16_t);
    if (left & 1) {
        uint8_t text = *src;
        *dst = text ^ *key;
        *hashed = opening ? text : *dst;
    }
}

/* Enciphers a record and puts together what is hashed of it. */
INLINE void lanes_text(struct lanes *l, const struct lks_aead_job *job, uint32_t i, bool opening)
{
    const __m128i zero = _mm_setzero_si128();
    const uint8_t *key = l->key_stream[i] + 64;
    uint8_t *hashed = l->hashed[i] + 16 * l->first[i];
    uint64_t lengths[2] = {job->aad_len, job->len};
    if (job->aad_len) {
        _mm_storeu_si128((__m128i *)(void *)hashed, zero);
        memcpy(hashed, job->aad, job->aad_len);
        hashed += 16;
    }
    for (uint32_t s = 0; s < job->num_segs; s++) {
        lanes_segment(hashed, key, &job->segs[s], opening);
        key += job->segs[s].len;
        hashed += job->segs[s].len;
    }
    _mm_storeu_si128((__m128i *)(void *)hashed, zero); /* pads the last block */
    hashed += (16 - job->len % 16) % 16;
    memcpy(hashed, lengths, 16);
}

/* Four times four words: rows become columns. */
INLINE void transpose_words(__m256i v[4])
{
    __m256i even01 = vec_low64(v[0], v[1]), odd01 = vec_high64(v[0], v[1]);
    __m256i even23 = vec_low64(v[2], v[3]), odd23 = vec_high64(v[2], v[3]);
    v[0] = _mm256_permute2x128_si256(even01, even23, 0x20);
    v[1] = _mm256_permute2x128_si256(odd01, odd23, 0x20);
    v[2] = _mm256_permute2x128_si256(even01, even23, 0x31);
    v[3] = _mm256_permute2x128_si256(odd01, odd23, 0x31);
}

/* Block step of four records: two words each, zero where a record has not begun. */
INLINE struct limbs4 lanes_step(struct limbs4 h, const struct factor *r, __m256i low, __m256i high,
                                __m256i first, uint32_t step)
{
    __m256i active = _mm256_cmpgt_epi64(poly_word(step + 1), first);
    h = add_blocks(h, _mm256_and_si256(low, active), _mm256_and_si256(high, active),
                   _mm256_and_si256(active, POLY_ABOVE128));
    return multiply(h, r);
}

static void lanes_tags(const struct lanes *l, uint64_t tags[2][LANES])
{
    struct factor r[2];
    struct limbs4 h[2];
    __m256i v[4], pad[2][2], first[2], tag[2];
    UNROLL for (uint32_t g = 0; g < 2; g++)
    {
        UNROLL for (uint32_t i = 0; i < 4; i++) v[i] = vec_load(l->key_stream[4 * g + i]);
        transpose_words(v);
        r[g] = make_factor(clamp(v[0], v[1]));
        pad[g][0] = v[2];
        pad[g][1] = v[3];
        first[g] = vec_load(l->first + 4 * g);
        h[g] = no_limbs();
    }
    for (uint32_t step = 0; step < l->num_steps; step += 2)
        UNROLL for (uint32_t g = 0; g < 2; g++)
        {
            UNROLL for (uint32_t i = 0; i < 4; i++) v[i] =
                vec_load(l->hashed[4 * g + i] + 16 * step);
            transpose_words(v);
            h[g] = lanes_step(h[g], &r[g], v[0], v[1], first[g], step);
            h[g] = lanes_step(h[g], &r[g], v[2], v[3], first[g], step + 1);
        }
    UNROLL for (uint32_t g = 0; g < 2; g++)
    {
        finish_lanes(h[g], pad[g][0], pad[g][1], tag);
        vec_store(tags[0] + 4 * g, tag[0]);
        vec_store(tags[1] + 4 * g, tag[1]);
    }
    lks_wipe(r, sizeof(r));
}

static void lanes_wipe(struct lanes *l)
{
    for (uint32_t at = 0; at < l->num_blocks; at++) {
        uint8_t *block = &l->key_stream[l->record[at]][64 * l->number[at]];
        vec_store(block, _mm256_setzero_si256());
        vec_store(block + 32, _mm256_setzero_si256());
    }
    UNROLL for (int i = 4; i < 12; i++) l->words[i] = _mm256_setzero_si256();
    __asm__ volatile("" : : "r"(l) : "memory");
}

/* The longest record, by their number, for which a group beats as many streams; measured. */
INLINE bool lanes_pay(struct lks_aead_job *const *jobs, uint32_t num)
{
    static const uint16_t longest[LANES + 1] = {
        0, 0, 128, 640, 1280, LANES_MAX_LEN, LANES_MAX_LEN, LANES_MAX_LEN, LANES_MAX_LEN};
    bool pay = num > 1;
    for (uint32_t i = 0; i < num; i++)
        pay = pay && jobs[i]->len <= longest[num];
    return pay;
}

INLINE void run_lanes(struct lks_aead_job *const *jobs, size_t num_jobs, bool opening)
{
    struct lanes l;
    for (size_t at = 0; at < num_jobs; at += LANES) {
        uint32_t num = num_jobs - at < LANES ? (uint32_t)(num_jobs - at) : LANES;
        uint64_t tags[2][LANES];
        if (!lanes_pay(jobs + at, num)) {
            for (uint32_t i = 0; i < num; i++)
                (opening ? open : seal)(jobs[at + i]);
            continue;
        }
        lanes_load(&l, jobs + at, num);
        lanes_plan(&l, jobs + at, num);
        lanes_key_stream(&l);
        for (uint32_t i = 0; i < num; i++)
            lanes_text(&l, jobs[at + i], i, opening);
        lanes_tags(&l, tags);
        for (uint32_t i = 0; i < num; i++) {
            uint64_t tag[2] = {tags[0][i], tags[1][i]};
            if (opening)
                lks_aead_finish_open(jobs[at + i], (const uint8_t *)tag, 16);
            else
                memcpy(jobs[at + i]->tag, tag, 16);
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
