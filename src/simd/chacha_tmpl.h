/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ChaCha20-Poly1305 (RFC 8439) streams over vectors of any width: one message at a time.
 *
 * The file that includes this has included <immintrin.h> and defines
 *   VEC             vector type                     __m256i (AVX2)   __m512i (AVX-512F, -BW)
 *   VEC_LANES       blocks in a pass                8                16
 *   vec_load, vec_store(p[, v])   unaligned
 *   vec_add32, vec_xor(a, b), vec_rotate(v, n)      32-bit lanes
 *   vec_set32(x), vec_count()                       x everywhere; 0, 1, 2, …
 *   vec_low32, vec_high32, vec_low64, vec_high64    unpack within 128 bits
 *   vec_gather_blocks(x)  x[4 g + i]: 16 bytes, number g of block 4 q + i, in 128-bit lane q;
 *                         afterwards the whole is the key stream in its order
 * and a Poly1305: struct poly with its struct limbs sum, poly_begin(), poly_blocks(), poly_end(),
 * and for what runs between the rounds POLY_STEP_LEN (a pass's bytes / 8 or / 32),
 * poly_run_begin(), poly_run_step(), poly_run_end().
 *
 * A vector is one word of the state of VEC_LANES consecutive blocks. The rounds leave the ports
 * of the multiplier free and Poly1305 is one long chain of latency, so each of eight double rounds
 * of a pass is followed by an eighth of Poly1305 over another pass's text, or with steps that
 * small, each half of a round by a step: the text of the pass before when sealing, the pass's own
 * when opening.
 *
 * Segments: a pass begins at a multiple of 64 bytes of the text, so Poly1305 has no partial block
 * there. The key stream that a segment leaves over is kept for the next.
 */

#define PASS_LEN (64u * VEC_LANES)
#define KEY_LEN  32u

/* Of Poly1305 after a double round. */
#define POLY_STEPS (PASS_LEN / 8 / POLY_STEP_LEN)

struct stream {
    _Alignas(64) uint8_t key_stream[PASS_LEN];
    struct poly poly;
    uint32_t input[16];
    uint32_t used; /* of key_stream */
    uint32_t fill; /* of block */
    uint8_t block[16];
    const uint8_t *late; /* text in whole blocks, before block's, yet to be hashed */
    uint32_t late_len;
};

/* Step by step over num columns from first on, so that neighbours in the code do not wait for each
 * other. */
INLINE void quarter_rounds(VEC *x, int shift, int first, int num)
{
#define A(i) x[i]
#define B(i) x[4 + ((i) + shift) % 4]
#define C(i) x[8 + ((i) + 2 * shift) % 4]
#define D(i) x[12 + ((i) + 3 * shift) % 4]
#define EACH for (int i = first; i < first + num; i++)
    UNROLL EACH A(i) = vec_add32(A(i), B(i));
    UNROLL EACH D(i) = vec_rotate(vec_xor(D(i), A(i)), 16);
    UNROLL EACH C(i) = vec_add32(C(i), D(i));
    UNROLL EACH B(i) = vec_rotate(vec_xor(B(i), C(i)), 12);
    UNROLL EACH A(i) = vec_add32(A(i), B(i));
    UNROLL EACH D(i) = vec_rotate(vec_xor(D(i), A(i)), 8);
    UNROLL EACH C(i) = vec_add32(C(i), D(i));
    UNROLL EACH B(i) = vec_rotate(vec_xor(B(i), C(i)), 7);
#undef A
#undef B
#undef C
#undef D
#undef EACH
}

/* One of the POLY_STEPS parts of a double round. */
INLINE void part_of_double_round(VEC *x, unsigned int part)
{
    if (POLY_STEPS == 1) {
        quarter_rounds(x, 0, 0, 4);
        quarter_rounds(x, 1, 0, 4);
    } else {
        quarter_rounds(x, part / 2, part % 2 * 2, 2);
    }
}

INLINE void double_round(VEC *x)
{
    UNROLL for (unsigned int part = 0; part < POLY_STEPS; part++) part_of_double_round(x, part);
}

/* From words of all blocks to blocks one after the other. */
INLINE void transpose(VEC *x)
{
    UNROLL for (int g = 0; g < 4; g++)
    {
        VEC *w = x + 4 * g;
        VEC low01 = vec_low32(w[0], w[1]), high01 = vec_high32(w[0], w[1]);
        VEC low23 = vec_low32(w[2], w[3]), high23 = vec_high32(w[2], w[3]);
        w[0] = vec_low64(low01, low23), w[1] = vec_high64(low01, low23);
        w[2] = vec_low64(high01, high23), w[3] = vec_high64(high01, high23);
    }
    vec_gather_blocks(x);
}

INLINE void load_input(VEC *x, const uint32_t input[16])
{
    UNROLL for (int i = 0; i < 16; i++) x[i] = vec_set32(input[i]);
    x[12] = vec_add32(x[12], vec_count());
}

/* The next VEC_LANES blocks of key stream, and meanwhile num_steps of Poly1305 over hashed, at most
 * a pass's bytes; last: these end the run. */
INLINE struct limbs next_pass(struct stream *s, VEC *x, struct limbs run, const uint8_t *hashed,
                              uint32_t num_steps, bool last)
{
    load_input(x, s->input);
    for (uint32_t first = 0; first < 8 * POLY_STEPS; first += POLY_STEPS) {
        UNROLL for (uint32_t part = 0; part < POLY_STEPS; part++)
        {
            const uint32_t step = first + part;
            part_of_double_round(x, part);
            if (step < num_steps)
                run = poly_run_step(&s->poly, run, hashed + POLY_STEP_LEN * step,
                                    last && step + 1 == num_steps);
        }
    }
    double_round(x);
    double_round(x);
    UNROLL for (int i = 0; i < 16; i++) x[i] = vec_add32(x[i], vec_set32(s->input[i]));
    x[12] = vec_add32(x[12], vec_count());
    s->input[12] += VEC_LANES;
    transpose(x);
    return run;
}

/* A pass into key_stream, and text that waits to be hashed. */
static void refill(struct stream *s)
{
    VEC x[16];
    struct limbs run;
    const uint32_t odd = s->late_len % POLY_STEP_LEN;
    poly_blocks(&s->poly, s->late, odd / 16);
    run = poly_run_begin(&s->poly);
    run = next_pass(s, x, run, s->late + odd, s->late_len / POLY_STEP_LEN, true);
    poly_run_end(&s->poly, run);
    s->late_len = 0;
    UNROLL for (unsigned int i = 0; i < 16; i++) vec_store(s->key_stream + sizeof(VEC) * i, x[i]);
    s->used = 0;
}

static void hash_late(struct stream *s)
{
    poly_blocks(&s->poly, s->late, s->late_len / 16);
    s->late_len = 0;
}

static void hash(struct stream *s, const uint8_t *bytes, size_t len)
{
    hash_late(s);
    if (s->fill) {
        size_t n = 16 - s->fill < len ? 16 - s->fill : len;
        memcpy(s->block + s->fill, bytes, n);
        bytes += n;
        len -= n;
        s->fill = (uint32_t)(s->fill + n);
        if (s->fill < 16)
            return;
        s->fill = 0;
        poly_blocks(&s->poly, s->block, 1);
    }
    poly_blocks(&s->poly, bytes, len / 16);
    s->fill = len % 16;
    memcpy(s->block, bytes + len - s->fill, s->fill);
}

/* Hashes bytes, at most a pass's, during the next pass or when more comes first. */
INLINE void hash_later(struct stream *s, const uint8_t *bytes, size_t len)
{
    if (s->fill || s->late_len) {
        hash(s, bytes, len);
        return;
    }
    s->fill = len % 16;
    s->late = bytes;
    s->late_len = (uint32_t)(len - s->fill);
    memcpy(s->block, bytes + s->late_len, s->fill);
}

static void hash_pad(struct stream *s)
{
    static const uint8_t zeros[16];
    if (s->fill)
        hash(s, zeros, 16 - s->fill);
}

/* RFC 8439 section 2.8: block 0 gives the one-time key, the text starts with block 1. */
static void begin(struct stream *s, const struct lks_aead_job *job)
{
    static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(s->input, constants, sizeof(constants));
    memcpy(s->input + 4, job->state, KEY_LEN);
    s->input[12] = 0;
    memcpy(s->input + 13, job->nonce, 12);
    s->fill = 0;
    s->late_len = 0;
    s->late = NULL;
    memset(&s->poly.sum, 0, sizeof(s->poly.sum));
    refill(s);
    s->used = 64;
    poly_begin(&s->poly, s->key_stream);
    if (job->aad_len)
        hash(s, job->aad, job->aad_len);
    hash_pad(s);
}

INLINE void xor_pass(const VEC *x, uint8_t *dst, const uint8_t *src)
{
    UNROLL for (unsigned int i = 0; i < 16; i++)
        vec_store(dst + sizeof(VEC) * i, vec_xor(x[i], vec_load(src + sizeof(VEC) * i)));
}

/* num whole passes, num > 0; a pass's text waits to be hashed, and afterwards the last one's. */
static void seal_passes(struct stream *s, uint8_t *dst, const uint8_t *src, size_t num)
{
    VEC x[16];
    struct limbs run = poly_run_begin(&s->poly);
    for (size_t i = 0; i < num; i++, dst += PASS_LEN, src += PASS_LEN) {
        run = next_pass(s, x, run, s->late, 8 * POLY_STEPS, i + 1 == num);
        xor_pass(x, dst, src);
        s->late = dst;
    }
    poly_run_end(&s->poly, run);
}

static void open_passes(struct stream *s, uint8_t *dst, const uint8_t *src, size_t num)
{
    VEC x[16];
    struct limbs run = poly_run_begin(&s->poly);
    for (size_t i = 0; i < num; i++) {
        run = next_pass(s, x, run, src + PASS_LEN * i, 8 * POLY_STEPS, i + 1 == num);
        xor_pass(x, dst + PASS_LEN * i, src + PASS_LEN * i);
    }
    poly_run_end(&s->poly, run);
}

/* len bytes of key_stream, which has as many. */
static void xor_left(struct stream *s, uint8_t *dst, const uint8_t *src, size_t len)
{
    const uint8_t *k = s->key_stream + s->used;
    size_t at = 0;
    for (; at + sizeof(VEC) <= len; at += sizeof(VEC))
        vec_store(dst + at, vec_xor(vec_load(src + at), vec_load(k + at)));
    for (; at + 8 <= len; at += 8) {
        uint64_t text, key;
        memcpy(&text, src + at, 8);
        memcpy(&key, k + at, 8);
        text ^= key;
        memcpy(dst + at, &text, 8);
    }
    for (; at < len; at++)
        dst[at] = src[at] ^ k[at];
    s->used += (uint32_t)len;
}

INLINE void run_segment(struct stream *s, const struct lks_seg *seg, bool opening)
{
    const uint8_t *src = seg->src;
    uint8_t *dst = seg->dst;
    size_t n;
    for (size_t left = seg->len; left; src += n, dst += n, left -= n) {
        const bool fresh = s->used == PASS_LEN;
        if (fresh && left >= PASS_LEN && (opening || s->late_len == PASS_LEN)) {
            n = left - left % PASS_LEN;
            if (opening)
                open_passes(s, dst, src, n / PASS_LEN);
            else
                seal_passes(s, dst, src, n / PASS_LEN);
            continue;
        }
        n = PASS_LEN - (fresh ? 0 : s->used);
        n = n < left ? n : left;
        if (opening && fresh)
            hash_later(s, src, n);
        else if (opening)
            hash(s, src, n);
        if (fresh)
            refill(s);
        xor_left(s, dst, src, n);
        if (!opening)
            hash_later(s, dst, n);
    }
}

static void end(struct stream *s, const struct lks_aead_job *job, uint8_t tag[16])
{
    uint64_t lengths[2] = {job->aad_len, job->len};
    hash_late(s);
    hash_pad(s);
    poly_blocks(&s->poly, (const uint8_t *)lengths, 1);
    poly_end(&s->poly, tag);
    lks_wipe(s, sizeof(*s));
}

static void init(uint8_t *state, const uint8_t *key)
{
    memcpy(state, key, KEY_LEN);
}

static void seal(struct lks_aead_job *job)
{
    struct stream s;
    begin(&s, job);
    for (uint32_t i = 0; i < job->num_segs; i++)
        run_segment(&s, &job->segs[i], false);
    end(&s, job, job->tag);
}

static void open(struct lks_aead_job *job)
{
    struct stream s;
    uint8_t tag[16];
    begin(&s, job);
    for (uint32_t i = 0; i < job->num_segs; i++)
        run_segment(&s, &job->segs[i], true);
    end(&s, job, tag);
    lks_aead_finish_open(job, tag, 16);
}
