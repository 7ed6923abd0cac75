/* SPDX-License-Identifier: BSD-3-Clause */
#include "slots.h"

#include <stdio.h>
#include <string.h>

#include "common/test.h"
#include "simd/aead.h"

#define SLOTS_MAX 64u
#define GUARD     0xc5

struct reference_key formats[2 * LKS_NUM_ALGORITHMS];
static uint64_t random_state = 1;

size_t formats_init(void)
{
    size_t num = 0;
    for (unsigned int id = 0; id < LKS_NUM_ALGORITHMS; id++)
        for (unsigned int version = LKS_TLS_1_2; version <= LKS_TLS_1_3; version++) {
            if (id >= LKS_NUM_AEADS && version == LKS_TLS_1_3)
                continue;
            struct reference_key *f = &formats[num++];
            f->version = (enum lks_version)version;
            f->aead = (enum lks_aead_id)id;
            lks_test_fill(&random_state, f->key, sizeof(f->key));
            lks_test_fill(&random_state, f->iv, sizeof(f->iv));
        }
    return num;
}

const char *format_name(const struct reference_key *secrets)
{
    static char name[64];
    const struct lks_aead *row = *lks_aead_rows(secrets->aead);
    snprintf(name, sizeof(name), "TLS 1.%d %s", secrets->version == LKS_TLS_1_2 ? 2 : 3,
             row ? row->name : "plaintext");
    return name;
}

/* A list of spans of len bytes: one, or three with empty ones around and between. */
static uint32_t cut(struct lks_span *spans, uint8_t *data, size_t len, size_t first, bool in_pieces)
{
    uint32_t num = 0;
    if (!in_pieces) {
        spans[0] = (struct lks_span){data, len};
        return 1;
    }
    const size_t second = len - len / 4;
    first = first < second ? first : second;
    spans[num++] = (struct lks_span){NULL, 0};
    spans[num++] = (struct lks_span){data, first};
    spans[num++] = (struct lks_span){data + first, 0};
    spans[num++] = (struct lks_span){data + first, second - first};
    spans[num++] = (struct lks_span){data + second, len - second};
    spans[num++] = (struct lks_span){NULL, 0};
    return num;
}

static bool is_in_place(enum layout layout)
{
    return layout == IN_PLACE || layout == SAME || layout == PIECES_IN_PLACE;
}

/* Where source and result lie in memory, with guards around. */
static void place(struct slot *s, size_t src_len, size_t out_len, size_t src_in_out)
{
    if (is_in_place(s->layout)) {
        s->out_at = SLOT_GUARD;
        s->src_at = s->out_at + src_in_out;
        s->used = 2 * SLOT_GUARD + (src_len > out_len ? src_len : out_len);
    } else {
        s->src_at = SLOT_GUARD;
        s->out_at = 2 * SLOT_GUARD + src_len;
        s->used = 3 * SLOT_GUARD + src_len + out_len;
    }
    memset(s->memory, GUARD, s->used);
}

static void lay_out_seal(struct slot *s)
{
    const bool in_pieces = s->layout >= PIECES;
    place(s, s->len, s->record_len, s->prefix);
    memcpy(s->memory + s->src_at, s->content, s->len);
    s->op.num_src = cut(s->src, s->memory + s->src_at, s->len, s->len / 3, in_pieces);
    s->op.num_dst =
        cut(s->dst, s->memory + s->out_at, s->record_len, 3 + s->record_len / 2, in_pieces);
    s->op.type = s->type;
    s->op.pad_len = (uint16_t)s->pad_len;
}

static void lay_out_open(struct slot *s)
{
    const bool in_pieces = s->layout >= PIECES;
    place(s, s->record_len, s->text_len, 0);
    if (is_in_place(s->layout))
        s->out_at += s->prefix;
    memcpy(s->memory + s->src_at, s->record, s->record_len);
    s->op.num_src = cut(s->src, s->memory + s->src_at, s->record_len, 3, in_pieces);
    if (s->layout != IN_PLACE)
        s->op.num_dst = cut(s->dst, s->memory + s->out_at, s->text_len, s->text_len / 5, in_pieces);
}

void slot_make(struct slot *s, const struct reference_key *secrets, struct lks_key *key,
               uint64_t seq, size_t len, size_t pad_len, uint8_t type, enum layout layout)
{
    s->secrets = secrets;
    s->key = key;
    s->seq = seq;
    s->layout = layout;
    s->type = type;
    s->len = len;
    s->pad_len = pad_len;
    lks_test_fill(&random_state, s->content, len);
    s->prefix = reference_prefix(secrets);
    s->record_len = reference_seal(secrets, seq, type, s->content, len, pad_len, s->record);
    s->text_len = s->record_len - s->prefix - reference_suffix(secrets);
    s->op = (struct lks_op){.key = key, .src = s->src, .dst = s->dst, .user = s};
    if (key->dir == LKS_SEAL)
        lay_out_seal(s);
    else
        lay_out_open(s);
    slot_expect(s, LKS_OK, RESULT);
}

void slot_expect(struct slot *s, enum lks_status status, enum leaves leaves)
{
    s->status = status;
    s->key_seq = s->key->seq;
    if (s->key->aead && (leaves == RESULT || (leaves == WIPED && status == LKS_RECORD_OVERFLOW)))
        s->key_seq = s->seq + 1;
    memcpy(s->before, s->memory, s->used);
    memcpy(s->want, s->memory, s->used);
    uint8_t *out = s->want + s->out_at;
    if (leaves == WIPED)
        memset(out, 0, s->text_len);
    if (leaves != RESULT)
        return;
    if (s->key->dir == LKS_SEAL) {
        memcpy(out, s->record, s->record_len);
        return;
    }
    if (!s->key->aead && s->layout == IN_PLACE)
        return; /* it lies there already */
    memcpy(out, s->content, s->len);
    if (s->secrets->version == LKS_TLS_1_3 && s->key->aead) {
        out[s->len] = s->type;
        memset(out + s->len + 1, 0, s->pad_len);
    }
}

void slot_reset(struct slot *s)
{
    memcpy(s->memory, s->before, s->used);
    s->key->seq = s->key->aead ? s->seq : 0;
}

/* What differs of an op, in words; NULL if it is as it should be. */
static const char *difference(const struct slot *s, const struct lks_op *op)
{
    static char text[160];
    const bool ok = s->status == LKS_OK;
    const size_t len = !ok ? 0 : s->key->dir == LKS_SEAL ? s->record_len : s->len;
    if (op->status != s->status)
        snprintf(text, sizeof(text), "%s, not %s", lks_status_name((enum lks_status)op->status),
                 lks_status_name(s->status));
    else if (op->len != len || (ok && op->type != s->type))
        snprintf(text, sizeof(text), "length %u, type %u", op->len, op->type);
    else if (op->src != s->op.src || op->dst != s->op.dst || op->user != s->op.user ||
             op->num_src != s->op.num_src || op->num_dst != s->op.num_dst || op->key != s->op.key)
        snprintf(text, sizeof(text), "what is the caller's was changed");
    else if (s->key->seq != s->key_seq || s->key->engine_count)
        snprintf(text, sizeof(text), "sequence number %llu, not %llu",
                 (unsigned long long)s->key->seq, (unsigned long long)s->key_seq);
    else if (memcmp(s->memory, s->want, s->used) != 0) {
        size_t i = 0;
        while (s->memory[i] == s->want[i])
            i++;
        snprintf(text, sizeof(text), "byte %td from the result's first is %02x, not %02x",
                 (ptrdiff_t)i - (ptrdiff_t)s->out_at, s->memory[i], s->want[i]);
    } else {
        return NULL;
    }
    return text;
}

bool slots_run(struct lks_engine *engine, struct slot *const *slots, uint32_t num,
               const char *words)
{
    struct lks_op ops[SLOTS_MAX];
    uint32_t num_ok = 0;
    CU_ASSERT_FATAL(num <= SLOTS_MAX);
    for (uint32_t i = 0; i < num; i++) {
        ops[i] = slots[i]->op;
        ops[i].len = 77;
        ops[i].status = 0xffff;
        num_ok += slots[i]->status == LKS_OK;
    }
    bool good = LKS_CHECK(lks_engine_process(engine, ops, num) == num_ok, "%s: the count", words);
    for (uint32_t i = 0; i < num; i++) {
        const struct slot *s = slots[i];
        const char *what = difference(s, &ops[i]);
        if (what)
            good = LKS_CHECK(false, "%s: op %u of %zu bytes, layout %d, %s: %s", words, i, s->len,
                             (int)s->layout, format_name(s->secrets), what);
    }
    return good;
}
