/* SPDX-License-Identifier: BSD-3-Clause */

/* Text in pieces, for gcm_tmpl.h, which includes this: where the vectors of a pass are. One that
 * lies in its piece stays there; one that does not, or is not whole, has a slot, into which it is
 * gathered and out of which it is given back. */

struct pieces {
    const struct lks_seg *seg; /* where the text goes on */
    size_t seg_at;
    const uint8_t *in[4];
    uint8_t *out[4];
    uint8_t slots[4][VEC_LEN];
};

/* The next num vectors, the first from and the last to a byte. give: what find_vectors() found has
 * been enciphered. */
INLINE void walk_pieces(struct pieces *p, unsigned int num, ptrdiff_t from, ptrdiff_t to, bool give)
{
    const struct lks_seg *seg = p->seg;
    size_t seg_at = p->seg_at;
    for (unsigned int i = 0; i < num; i++, from = 0) {
        const ptrdiff_t end = i == num - 1 ? to : VEC_LEN;
        if (from < end && seg_at == seg->len)
            seg++, seg_at = 0;
        if (end - from == VEC_LEN && seg->len - seg_at >= VEC_LEN) {
            p->in[i] = seg->src + seg_at;
            p->out[i] = seg->dst + seg_at;
            seg_at += VEC_LEN;
            continue;
        }
        p->in[i] = p->out[i] = p->slots[i];
        if (!give)
            vec_store(p->slots[i], vec_zero()); /* for J0 */
        while (from < end) {
            if (seg_at == seg->len)
                seg++, seg_at = 0;
            const size_t left = seg->len - seg_at;
            const size_t len = left < (size_t)(end - from) ? left : (size_t)(end - from);
            if (give)
                copy_part(seg->dst + seg_at, p->slots[i] + from, len);
            else
                copy_part(p->slots[i] + from, seg->src + seg_at, len);
            seg_at += len;
            from += (ptrdiff_t)len;
        }
    }
    if (give)
        p->seg = seg, p->seg_at = seg_at;
}

static __attribute__((noinline)) void find_vectors(struct pieces *p, unsigned int num,
                                                   ptrdiff_t from, ptrdiff_t to)
{
    walk_pieces(p, num, from, to, false);
}

static __attribute__((noinline)) void give_vectors(struct pieces *p, unsigned int num,
                                                   ptrdiff_t from, ptrdiff_t to)
{
    walk_pieces(p, num, from, to, true);
}
