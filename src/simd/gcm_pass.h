/* SPDX-License-Identifier: BSD-3-Clause */

/* The next vectors of a message, enciphered and hashed, for gcm_tmpl.h, which includes this: passes
 * in the middle of text in one piece, and those that know where a message or a piece ends. */

/* The text's last bytes: what lies in one piece, and maybe the last of them elsewhere. */
INLINE VEC load_tail(const struct message *m, unsigned int i, ptrdiff_t from, ptrdiff_t to)
{
    const uint8_t *p = (const uint8_t *)(m->src + VEC_LEN * i + (uintptr_t)from);
    if (!m->seg_at)
        return vec_load_tail(p, (size_t)from, (size_t)to);
    return vec_xor(vec_load_tail(p, (size_t)from, (size_t)to - 1),
                   vec_load_byte(m->seg->src, (size_t)to - 1));
}

/* Where the powers lie for a vector that has to_go vectors to its group's end, itself included. */
INLINE const uint8_t *powers_at(const struct message *m, const struct pass p, unsigned int to_go)
{
    return p.has_table ? m->table_end - VEC_LEN * to_go
                       : m->keys + POWER_AT(p.rounds, VEC_BLOCKS * to_go);
}

INLINE void multiply_power(struct message *m, const struct pass p, VEC x, unsigned int to_go)
{
    const uint8_t *at = powers_at(m, p, to_go);
    VEC power = vec_load(at);
    multiply_add(&m->sum, x, power, p.has_table ? vec_load(at + TABLE_LEN) : half_sums(power));
}

/* Closes a group: one block, to add to the next vector. */
INLINE void fold_group(struct message *m)
{
    __m128i block = vec_fold(vec_reduce(m->sum));
    m->sum = (struct products){vec_zero(), vec_zero(), vec_zero()};
    m->carry = vec_first(block);
}

/* GHASH of as many vectors of ciphertext as a pass has, in one or more groups, cut into steps of a
 * few instructions that go between AES rounds. A group is a fold, which closes the one before, and
 * its vectors; the first of these comes last, since it waits for the carry. */
#define PART_STEPS    4u /* of a fold or a vector */
#define HASH_STEPS(p) (PART_STEPS * ((p).num_vecs + (p).num_vecs / (p).group))

struct hashing {
    const uint8_t *cipher;
    VEC x, half_sums;
};

INLINE void fold_step(struct message *m, unsigned int step)
{
    if (step == 0)
        reduce_begin(&m->sum);
    if (step == 1 || step == 2)
        m->sum.low = reduce_step(m->sum.low);
    if (step == 3) {
        m->carry = vec_first(vec_fold(vec_xor(m->sum.low, m->sum.high)));
        m->sum = (struct products){vec_zero(), vec_zero(), vec_zero()};
    }
}

/* A vector that has to_go vectors to its group's end, itself included. */
INLINE void multiply_step(struct message *m, const struct pass p, struct hashing *h, unsigned int i,
                          unsigned int step)
{
    const uint8_t *power = powers_at(m, p, p.group - i % p.group);
    if (step == 0) {
        h->x = vec_shuffle(vec_load(h->cipher + VEC_LEN * i), vec_repeat(reverse_mask()));
        if (i % p.group == 0)
            h->x = vec_xor(h->x, m->carry);
        h->half_sums = half_sums(h->x);
    }
    if (step == 1) {
        m->sum.mid = vec_xor(m->sum.mid, vec_clmul(h->half_sums,
                                                   p.has_table ? vec_load(power + TABLE_LEN)
                                                               : half_sums(vec_load(power)),
                                                   0x00));
        vec_pin(m->sum.mid);
    }
    if (step == 2) {
        m->sum.low = vec_xor(m->sum.low, vec_clmul(h->x, vec_load(power), 0x00));
        vec_pin(m->sum.low);
    }
    if (step == 3) {
        m->sum.high = vec_xor(m->sum.high, vec_clmul(h->x, vec_load(power), 0x11));
        vec_pin(m->sum.high);
    }
}

INLINE void hash_step(struct message *m, const struct pass p, struct hashing *h, unsigned int at)
{
    const unsigned int part = at / PART_STEPS, step = at % PART_STEPS;
    const unsigned int group = part / (p.group + 1), n = part % (p.group + 1);
    if (n == 0)
        fold_step(m, step);
    else
        multiply_step(m, p, h, group * p.group + n % p.group, step);
}

/* Key stream but for the last round. In the same breath, if hash, as many vectors of ciphertext at
 * hash are hashed: two chains of instructions that do not wait for each other. */
INLINE void encrypt_counters(struct message *m, const struct pass p, VEC block[PASS_MAX],
                             const uint8_t *hash)
{
    const VEC reverse = vec_repeat(reverse_mask());
    const VEC step = vec_repeat(_mm_set_epi32(0, 0, 0, VEC_BLOCKS));
    const unsigned int num = p.num_vecs * (p.rounds - 1);
    struct hashing h = {.cipher = hash};
    const uint8_t *keys = m->keys;
    __asm__("" : "+r"(keys)); /* lest the compiler loads them once for all kinds of pass */
    VEC key = vec_repeat(block_load(keys));
    UNROLL for (unsigned int i = 0; i < p.num_vecs; i++)
    {
        block[i] = vec_xor(vec_shuffle(m->counter, reverse), key);
        m->counter = vec_add32(m->counter, step);
        if (hash)
            vec_pin(block[i]);
    }
    UNROLL for (unsigned int round = 1; round < p.rounds; round++)
    {
        key = vec_repeat(block_load(keys + KEY_AT(round)));
        UNROLL for (unsigned int i = 0; i < p.num_vecs; i++)
        {
            const unsigned int n = p.num_vecs * (round - 1) + i;
            block[i] = vec_aesenc(block[i], key);
            if (!hash)
                continue;
            vec_pin(block[i]);
            if ((n + 1) * HASH_STEPS(p) / num != n * HASH_STEPS(p) / num)
                hash_step(m, p, &h, n * HASH_STEPS(p) / num);
        }
    }
}

/* Whole vectors in one piece, in the middle of a message. They, or as many before them, are hashed
 * meanwhile. */
INLINE void middle_pass(struct message *m, const struct pass p, bool hash)
{
    const VEC last_key = vec_repeat(block_load(m->keys + KEY_AT(p.rounds)));
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
    struct hashing h = {.cipher = (const uint8_t *)(m->dst - VEC_LEN * p.num_vecs)};
    UNROLL for (unsigned int part = 0; part < HASH_STEPS(p) / PART_STEPS; part++)
        UNROLL for (unsigned int step = 0; step < PART_STEPS; step++)
            hash_step(m, p, &h, PART_STEPS * part + step);
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
INLINE VEC cipher_vec(struct message *m, const struct pass p, unsigned int i, VEC last_round)
{
    const VEC last_key = vec_repeat(block_load(m->keys + KEY_AT(p.rounds)));
    const struct slots s = slots_of(m, p, i);
    const uint8_t *src = (const uint8_t *)(m->src + VEC_LEN * i + (uintptr_t)s.from);
    uint8_t *dst = (uint8_t *)(m->dst + VEC_LEN * i + (uintptr_t)s.from);
    VEC in = p.in_pieces ? vec_load(m->pieces->in[i])
             : s.ends    ? load_tail(m, i, s.from, s.to)
             : s.first   ? vec_load_head(src, (size_t)s.from)
                         : vec_load(src);
    VEC out = vec_aesenclast(last_round, vec_xor(last_key, in));
    if (p.in_pieces)
        vec_store(m->pieces->out[i], out);
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
    const unsigned int num_text = p.num_vecs - (VEC_BLOCKS == 1 && p.last); /* vectors */
    VEC block[PASS_MAX], hashed[PASS_MAX];
    if (p.in_pieces)
        find_vectors(m->pieces, num_text, p.first ? m->begin : 0,
                     p.last ? m->end - (ptrdiff_t)(VEC_LEN * (num_text - 1)) : VEC_LEN);
    if (!p.first)
        fold_group(m);
    encrypt_counters(m, p, block, NULL);
    UNROLL for (unsigned int i = 0; i < p.num_vecs; i++)
    {
        if (i == num_text)
            hashed[i] = vec_zero(); /* the lengths alone */
        else
            hashed[i] = cipher_vec(m, p, i, block[i]);
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
        multiply_power(m, p, x, (p.num_vecs - i - 1) % p.group + 1);
    }
    if (p.in_pieces)
        give_vectors(m->pieces, num_text, p.first ? m->begin : 0,
                     p.last ? m->end - (ptrdiff_t)(VEC_LEN * (num_text - 1)) : VEC_LEN);
    m->src += VEC_LEN * p.num_vecs;
    m->dst += VEC_LEN * p.num_vecs;
    m->begin = 0;
    m->end -= (ptrdiff_t)(VEC_LEN * p.num_vecs);
    m->left -= p.num_vecs;
}
