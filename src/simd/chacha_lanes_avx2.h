/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ChaCha20-Poly1305 of eight records of different keys at once on AVX2. Included after
 * poly1305_scalar.h and chacha_tmpl.h.
 *
 * ChaCha20: lane i of a pass is the next block of record i, first the one-time key's, then the
 * text's. A record with fewer blocks than the longest joins later, so that all end together; its
 * lane computes blocks that nobody uses until then.
 *
 * Poly1305: what a pass has made of a record, 64 bytes of cipher text or less, is kept in chunk[i]
 * and hashed between the rounds of the next pass: a block of each of the eight records, whose
 * chains do not wait for each other, behind the quarter rounds of two double rounds. That makes
 * five blocks a pass, as many as the last chunk has with the lengths behind it. The last chunk is
 * hashed in the first pass of the next eight records, so that only a burst's last stands alone.
 * Lanes in which no record has begun are hashed, too: with r = 0 their sums stay 0.
 */

#define LANES         8u
#define LANES_MAX_LEN 2048u
#define CHUNK_BLOCKS  5u
#define CHUNK_LEN     (16u * (CHUNK_BLOCKS + 1u))
#define NOT_BEGUN     UINT32_MAX

struct lanes {
    _Alignas(32) uint8_t key_stream[LANES][64];
    /* The padding's store may reach beyond the end. */
    _Alignas(32) uint8_t chunk[LANES][CHUNK_LEN];
    __m256i words[16];          /* words[w]: word w of every record's first block */
    uint32_t skip[LANES];       /* passes until a record joins */
    uint32_t num_blocks[LANES]; /* in chunk, yet to be hashed, or NOT_BEGUN */
    struct poly poly[LANES];
    struct {
        const struct lks_seg *seg; /* next text, from byte at on */
        size_t at;
        uint32_t left;
    } text[LANES];
    struct lks_aead_job *const *jobs; /* which poly[] belongs to */
    uint32_t num_jobs;
};

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

/* How many blocks are to be hashed in every lane. */
INLINE uint32_t common_blocks(const struct lanes *l)
{
    uint32_t least = NOT_BEGUN;
    for (uint32_t i = 0; i < LANES; i++)
        least = l->num_blocks[i] < least ? l->num_blocks[i] : least;
    return least == NOT_BEGUN ? 0 : least;
}

/* Lane i's block; bytes is lane 0's. The sum stays in memory: eight of them in registers, or copied
 * to the stack as the compiler would, leave none for the rounds. */
INLINE void hash_block(struct poly *poly, const uint8_t *bytes, uint32_t i)
{
    volatile struct limbs *sum = &poly[i].sum;
    struct limbs s = {{sum->h[0], sum->h[1], sum->h[2]}, sum->over};
    s = poly_block(&poly[i], s, bytes + CHUNK_LEN * i);
    sum->h[0] = s.h[0], sum->h[1] = s.h[1], sum->h[2] = s.h[2], sum->over = s.over;
}

/* Lest the compiler keeps the addresses of all lanes, too. */
#define ONLY_ADDRESSES(a, b) __asm__("" : "+r"(a), "+r"(b))

/* The blocks that only some lanes have. */
static void hash_rest(struct lanes *l, uint32_t common)
{
    for (uint32_t i = 0; i < LANES; i++)
        if (l->num_blocks[i] != NOT_BEGUN) {
            poly_blocks(&l->poly[i], l->chunk[i] + 16 * common, l->num_blocks[i] - common);
            l->num_blocks[i] = 0;
        }
}

INLINE void lanes_rounds(struct lanes *l, VEC *x, uint32_t common)
{
    for (uint32_t at = 0; at < common; at++) {
        struct poly *poly = l->poly;
        const uint8_t *bytes = l->chunk[0] + 16 * at;
        ONLY_ADDRESSES(poly, bytes);
        UNROLL for (uint32_t i = 0; i < LANES; i++)
        {
            part_of_double_round(x, i % POLY_STEPS);
            hash_block(poly, bytes, i);
        }
    }
    for (uint32_t at = common; at < CHUNK_BLOCKS; at++) {
        double_round(x);
        double_round(x);
    }
}

/* A block of key stream for every lane, and meanwhile the chunks' hash. */
static void lanes_pass(struct lanes *l, uint32_t pass)
{
    const uint32_t common = common_blocks(l);
    VEC x[16];
    l->words[12] = _mm256_sub_epi32(vec_set32(pass), vec_load(l->skip));
    UNROLL for (int i = 0; i < 16; i++) x[i] = l->words[i];
    lanes_rounds(l, x, common);
    UNROLL for (int i = 0; i < 16; i++) x[i] = vec_add32(x[i], l->words[i]);
    transpose(x);
    UNROLL for (unsigned int i = 0; i < LANES; i++)
    {
        vec_store(l->key_stream[i], x[2 * i]);
        vec_store(l->key_stream[i] + 32, x[2 * i + 1]);
    }
    hash_rest(l, common);
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
INLINE void lanes_piece(uint8_t *hashed, const uint8_t *key, uint8_t *dst, const uint8_t *src,
                        size_t left, bool opening)
{
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

/* Behind the text's len bytes in chunk, padded. */
INLINE void put_lengths(struct lanes *l, uint32_t i, const struct lks_aead_job *job, uint32_t len)
{
    const uint64_t lengths[2] = {job->aad_len, job->len};
    const uint32_t blocks = (len + 15) / 16;
    _mm_storeu_si128((__m128i *)(void *)(l->chunk[i] + len), _mm_setzero_si128());
    memcpy(l->chunk[i] + 16 * blocks, lengths, 16);
    l->num_blocks[i] = blocks + 1;
}

/* Record i's first block of key stream is there. */
INLINE void lanes_begin(struct lanes *l, uint32_t i, const struct lks_aead_job *job)
{
    const uint32_t len = job->aad_len;
    poly_begin(&l->poly[i], l->key_stream[i]);
    _mm_store_si128((__m128i *)(void *)l->chunk[i], _mm_setzero_si128());
    if (len)
        memcpy(l->chunk[i], job->aad, len);
    l->num_blocks[i] = (len + 15) / 16;
    l->text[i].seg = job->segs;
    l->text[i].at = 0;
    l->text[i].left = job->len;
    if (!job->len)
        put_lengths(l, i, job, 16 * l->num_blocks[i]);
}

/* Enciphers 64 bytes that lie in one piece and are not the last. */
INLINE void lanes_whole(struct lanes *l, uint32_t i, bool opening)
{
    const size_t at = l->text[i].at;
    const uint8_t *src = l->text[i].seg->src + at;
    uint8_t *dst = l->text[i].seg->dst + at;
    VEC in0 = vec_load(src), in1 = vec_load(src + 32);
    VEC out0 = vec_xor(in0, vec_load(l->key_stream[i]));
    VEC out1 = vec_xor(in1, vec_load(l->key_stream[i] + 32));
    vec_store(dst, out0);
    vec_store(dst + 32, out1);
    vec_store(l->chunk[i], opening ? in0 : out0);
    vec_store(l->chunk[i] + 32, opening ? in1 : out1);
    l->text[i].at = at + 64;
    l->text[i].left -= 64;
    l->num_blocks[i] = 4;
}

/* Enciphers record i's next 64 bytes, or what is left. */
INLINE void lanes_text(struct lanes *l, uint32_t i, const struct lks_aead_job *job, bool opening)
{
    const uint32_t len = l->text[i].left < 64 ? l->text[i].left : 64;
    const struct lks_seg *seg = l->text[i].seg;
    size_t at = l->text[i].at, n;
    for (uint32_t done = 0; done < len; done += (uint32_t)n) {
        if (at == seg->len) {
            seg++;
            at = 0;
        }
        n = seg->len - at < len - done ? seg->len - at : len - done;
        lanes_piece(l->chunk[i] + done, l->key_stream[i] + done, seg->dst + at, seg->src + at, n,
                    opening);
        at += n;
    }
    l->text[i].seg = seg;
    l->text[i].at = at;
    l->text[i].left -= len;
    l->num_blocks[i] = 4;
    if (!l->text[i].left)
        put_lengths(l, i, job, len);
}

/* The tags of the records whose last chunk is hashed; no lane has a record afterwards. */
INLINE void lanes_tags(struct lanes *l, bool opening)
{
    for (uint32_t i = 0; i < l->num_jobs; i++) {
        uint8_t tag[16];
        poly_end(&l->poly[i], tag);
        lks_aead_finish_lane(l->jobs[i], tag, opening);
    }
    l->num_jobs = 0;
    memset(l->poly, 0, sizeof(l->poly));
    memset(l->num_blocks, 0xff, sizeof(l->num_blocks)); /* NOT_BEGUN */
}

/* num records, up to their last chunks' hash. */
INLINE void lanes_group(struct lanes *l, struct lks_aead_job *const *jobs, uint32_t num,
                        bool opening)
{
    uint32_t last = 0;
    lanes_load(l, jobs, num);
    for (uint32_t i = 0; i < num; i++)
        last = jobs[i]->len > last ? jobs[i]->len : last;
    last = (last + 63) / 64;
    for (uint32_t i = 0; i < LANES; i++)
        l->skip[i] = i < num ? last - (jobs[i]->len + 63) / 64 : last + 1;
    for (uint32_t pass = 0; pass <= last; pass++) {
        lanes_pass(l, pass);
        if (!pass)
            lanes_tags(l, opening);
        for (uint32_t i = 0; i < num; i++)
            if (pass < l->skip[i])
                continue;
            else if (pass == l->skip[i])
                lanes_begin(l, i, jobs[i]);
            else if (l->text[i].left > 64 && l->text[i].seg->len - l->text[i].at >= 64)
                lanes_whole(l, i, opening);
            else
                lanes_text(l, i, jobs[i], opening);
    }
    l->jobs = jobs;
    l->num_jobs = num;
}

static void lanes_end(struct lanes *l, bool opening)
{
    const uint32_t common = common_blocks(l);
    for (uint32_t at = 0; at < common; at++) {
        struct poly *poly = l->poly;
        const uint8_t *bytes = l->chunk[0] + 16 * at;
        ONLY_ADDRESSES(poly, bytes);
        UNROLL for (uint32_t i = 0; i < LANES; i++) hash_block(poly, bytes, i);
    }
    hash_rest(l, common);
    lanes_tags(l, opening);
    lks_wipe(l->key_stream, sizeof(l->key_stream));
    lks_wipe(l->words, sizeof(l->words));
    lks_wipe(l->poly, sizeof(l->poly));
}

/* The longest record, by their number, for which a group beats as many streams; measured. A group
 * costs what its longest record costs, however few there are. */
INLINE bool lanes_pay(struct lks_aead_job *const *jobs, uint32_t num)
{
    static const uint16_t longest[LANES + 1] = {0, 0, 0, 32, 96, 160, 384, 768, LANES_MAX_LEN};
    bool pay = num > 1;
    for (uint32_t i = 0; i < num; i++)
        pay = pay && jobs[i]->len <= longest[num];
    return pay;
}

INLINE void run_lanes(struct lks_aead_job *const *jobs, size_t num_jobs, bool opening)
{
    struct lanes l;
    l.num_jobs = 0;
    lanes_tags(&l, opening);
    for (size_t at = 0; at < num_jobs; at += LANES) {
        uint32_t num = num_jobs - at < LANES ? (uint32_t)(num_jobs - at) : LANES;
        if (lanes_pay(jobs + at, num)) {
            lanes_group(&l, jobs + at, num, opening);
            continue;
        }
        for (uint32_t i = 0; i < num; i++)
            (opening ? open : seal)(jobs[at + i]);
    }
    lanes_end(&l, opening);
}

static void seal_lanes(struct lks_aead_job *const *jobs, size_t num_jobs)
{
    run_lanes(jobs, num_jobs, false);
}

static void open_lanes(struct lks_aead_job *const *jobs, size_t num_jobs)
{
    run_lanes(jobs, num_jobs, true);
}
