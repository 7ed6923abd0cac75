/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Whatever can be wrong with an op: its own status, nothing of plaintext, and its neighbours in the
 * burst as if it were not there. A table of causes runs for every version and algorithm, every
 * layout, as short as goes to lanes and as long as streams, at every place of a burst.
 */

#include <stdio.h>
#include <string.h>

#include "simd/aead.h"
#include "slots.h"
#include "test_record.h"

enum { BURST = 8, LONG = 3000, SEQ = 5 };

#define MAX_CONTENT LKS_RECORD_PLAINTEXT_MAX

static struct slot slots[BURST]; /* the last one is the bad one */
static struct lks_key keys[BURST], bad_keys[2], wiped;
static struct lks_engine *engine;

static uint8_t *record_of(struct slot *s)
{
    return s->memory + s->src_at;
}

static bool is_tls13(const struct slot *s)
{
    return s->secrets->version == LKS_TLS_1_3 && s->key->aead;
}

static bool has_mac(const struct slot *s)
{
    return s->key->aead && s->key->aead->has_mac;
}

/* Opening with other bytes of a record in the source, which ends len bytes in; its header says so
 * unless it is a lie. */
static void shorten(struct slot *s, size_t len, bool is_lie)
{
    s->src[0] = (struct lks_span){record_of(s), len};
    s->op.num_src = 1;
    if (is_lie)
        return;
    record_of(s)[3] = (uint8_t)((len - 5) >> 8);
    record_of(s)[4] = (uint8_t)(len - 5);
}

/* Each spoils a good op and returns whether there is such a cause for it. */
static bool nothing(struct slot *s)
{
    (void)s;
    return true;
}

static bool forge_tag(struct slot *s)
{
    record_of(s)[s->record_len - 1] ^= 0x80;
    return s->key->aead;
}

static bool forge_text(struct slot *s)
{
    record_of(s)[s->prefix] ^= 1;
    return s->key->aead;
}

static bool forge_last_of_text(struct slot *s)
{
    record_of(s)[s->prefix + s->text_len - 1] ^= 1;
    return s->key->aead && s->text_len;
}

static bool forge_nonce(struct slot *s)
{
    record_of(s)[5] ^= 1;
    return s->prefix > 5;
}

static bool forge_version(struct slot *s)
{
    record_of(s)[2] ^= 1;
    return s->key->aead;
}

static bool forge_type(struct slot *s)
{
    record_of(s)[0] = LKS_TYPE_ALERT;
    return s->key->aead && !is_tls13(s);
}

static bool skip_a_number(struct slot *s)
{
    s->key->seq++;
    return s->key->aead;
}

static bool other_type(struct slot *s)
{
    record_of(s)[0] = LKS_TYPE_HANDSHAKE;
    return is_tls13(s);
}

static bool header_says_more(struct slot *s)
{
    record_of(s)[4]++;
    return record_of(s)[4];
}

static bool header_says_less(struct slot *s)
{
    return record_of(s)[4]--;
}

static bool source_ends_early(struct slot *s)
{
    shorten(s, s->record_len - 1, true);
    return true;
}

static bool source_goes_on(struct slot *s)
{
    s->src[s->op.num_src++] = (struct lks_span){s->memory, 1};
    return true;
}

static bool source_is_part_of_header(struct slot *s)
{
    shorten(s, s->len % 5, true);
    return true;
}

static bool no_source(struct slot *s)
{
    s->op.num_src = 0;
    s->op.src = NULL;
    return true;
}

static bool only_empty_sources(struct slot *s)
{
    s->src[0] = s->src[1] = (struct lks_span){NULL, 0};
    s->op.num_src = 2;
    return true;
}

static bool no_room_for_tag(struct slot *s)
{
    const size_t suffix = reference_suffix(s->secrets);
    shorten(s, s->prefix + suffix + is_tls13(s) - !has_mac(s), false);
    return s->key->aead;
}

static bool no_room_for_nonce(struct slot *s)
{
    shorten(s, s->prefix - 1, false);
    return s->prefix > 5;
}

static bool not_whole_blocks(struct slot *s)
{
    shorten(s, s->record_len - 1, false);
    return has_mac(s);
}

static bool room_is_short(struct slot *s)
{
    if (!s->op.num_dst)
        return false;
    for (uint32_t i = s->op.num_dst; i-- > 0;)
        if (s->dst[i].len) {
            s->dst[i].len--;
            return true;
        }
    return false;
}

static bool only_empty_destinations(struct slot *s)
{
    const bool has_some = s->key->dir == LKS_SEAL || (s->op.num_dst && s->text_len);
    s->dst[0] = s->dst[1] = (struct lks_span){NULL, 0};
    s->op.num_dst = 2;
    return has_some;
}

static bool no_destination(struct slot *s)
{
    s->op.num_dst = 0;
    s->op.dst = NULL;
    return s->layout != IN_PLACE;
}

/* The same bytes, one off: the first of what is read is never what is first written. */
static bool result_is_ahead(struct slot *s)
{
    s->dst[0] = (struct lks_span){s->memory + s->out_at + 1, s->used - s->out_at - 1};
    s->op.num_dst = 1;
    return s->layout == SAME && s->len > 1;
}

static bool result_is_behind(struct slot *s)
{
    s->dst[0] = (struct lks_span){s->memory + s->out_at - 1, s->used - s->out_at};
    s->op.num_dst = 1;
    return s->layout == SAME && s->len;
}

static bool numbers_end(struct slot *s)
{
    s->key->seq = s->key->dir == LKS_OPEN ? UINT64_MAX
                  : s->key->aead          ? s->key->aead->max_records
                                          : 0;
    return s->key->aead;
}

static bool numbers_end_wholly(struct slot *s)
{
    s->key->seq = UINT64_MAX;
    return s->key->aead;
}

static bool no_key(struct slot *s)
{
    s->op.key = NULL;
    return true;
}

static bool wiped_key(struct slot *s)
{
    s->op.key = &wiped;
    return true;
}

static bool type_below(struct slot *s)
{
    s->op.type = LKS_TYPE_CHANGE_CIPHER_SPEC - 1;
    return true;
}

static bool type_above(struct slot *s)
{
    s->op.type = LKS_TYPE_APPLICATION_DATA + 1;
    return true;
}

static bool type_zero(struct slot *s)
{
    s->op.type = 0;
    return true;
}

static bool padding_of_tls12(struct slot *s)
{
    s->op.pad_len = 1;
    return !is_tls13(s);
}

static bool padding_is_too_long(struct slot *s)
{
    s->op.pad_len = (uint16_t)(MAX_CONTENT + 1 - s->len);
    return is_tls13(s);
}

static bool tls13_only(struct slot *s)
{
    return is_tls13(s);
}

static bool mac_only(struct slot *s)
{
    return has_mac(s);
}

static bool no_mac(struct slot *s)
{
    return !has_mac(s);
}

/* len: of the content, if the cause has one of its own. is_zeros: no type under the padding. */
static const struct cause {
    const char *name;
    enum lks_dir dir;
    enum lks_status status;
    enum leaves leaves;
    bool (*spoil)(struct slot *s);
    size_t len, pad_len;
    bool has_len, is_zeros;
} causes[] = {
    /* Nothing is wrong with these. */
    {"a good one", LKS_OPEN, LKS_OK, RESULT, nothing, 0, 0, false, false},
    {"a good one", LKS_SEAL, LKS_OK, RESULT, nothing, 0, 0, false, false},
    {"no content", LKS_OPEN, LKS_OK, RESULT, nothing, 0, 0, true, false},
    {"no content", LKS_SEAL, LKS_OK, RESULT, nothing, 0, 0, true, false},
    {"no content, no source", LKS_SEAL, LKS_OK, RESULT, no_source, 0, 0, true, false},
    {"no content, empty sources", LKS_SEAL, LKS_OK, RESULT, only_empty_sources, 0, 0, true, false},
    {"only padding", LKS_OPEN, LKS_OK, RESULT, tls13_only, 0, 33, true, false},
    {"only padding", LKS_SEAL, LKS_OK, RESULT, tls13_only, 0, 33, true, false},
    {"2^14 bytes", LKS_OPEN, LKS_OK, RESULT, nothing, MAX_CONTENT, 0, true, false},
    {"2^14 bytes", LKS_SEAL, LKS_OK, RESULT, nothing, MAX_CONTENT, 0, true, false},

    {"tag", LKS_OPEN, LKS_BAD_TAG, WIPED, forge_tag, 0, 0, false, false},
    {"tag of nothing", LKS_OPEN, LKS_BAD_TAG, WIPED, forge_tag, 0, 0, true, false},
    {"text", LKS_OPEN, LKS_BAD_TAG, WIPED, forge_text, 0, 0, false, false},
    {"text of 2^14 bytes", LKS_OPEN, LKS_BAD_TAG, WIPED, forge_text, MAX_CONTENT, 0, true, false},
    {"text's end", LKS_OPEN, LKS_BAD_TAG, WIPED, forge_last_of_text, 0, 0, false, false},
    {"nonce or IV", LKS_OPEN, LKS_BAD_TAG, WIPED, forge_nonce, 0, 0, false, false},
    {"version", LKS_OPEN, LKS_BAD_TAG, WIPED, forge_version, 0, 0, false, false},
    {"type", LKS_OPEN, LKS_BAD_TAG, WIPED, forge_type, 0, 0, false, false},
    {"sequence number", LKS_OPEN, LKS_BAD_TAG, WIPED, skip_a_number, 0, 0, false, false},
    {"all is zero", LKS_OPEN, LKS_ALERT_UNEXPECTED_MESSAGE, RESULT, tls13_only, 40, 9, true, true},

    {"not a protected record", LKS_OPEN, LKS_BAD_RECORD, NOTHING_DONE, other_type, 0, 0, false,
     false},
    {"header says more", LKS_OPEN, LKS_BAD_RECORD, NOTHING_DONE, header_says_more, 0, 0, false,
     false},
    {"header says less", LKS_OPEN, LKS_BAD_RECORD, NOTHING_DONE, header_says_less, 0, 0, false,
     false},
    {"source ends early", LKS_OPEN, LKS_BAD_RECORD, NOTHING_DONE, source_ends_early, 0, 0, false,
     false},
    {"source goes on", LKS_OPEN, LKS_BAD_RECORD, NOTHING_DONE, source_goes_on, 0, 0, false, false},
    {"part of a header", LKS_OPEN, LKS_BAD_RECORD, NOTHING_DONE, source_is_part_of_header, 0, 0,
     false, false},
    {"no source", LKS_OPEN, LKS_BAD_RECORD, NOTHING_DONE, no_source, 0, 0, false, false},
    {"empty sources", LKS_OPEN, LKS_BAD_RECORD, NOTHING_DONE, only_empty_sources, 0, 0, false,
     false},
    {"no room for a tag", LKS_OPEN, LKS_BAD_TAG, NOTHING_DONE, no_room_for_tag, 0, 0, false, false},
    {"no room for a nonce", LKS_OPEN, LKS_BAD_TAG, NOTHING_DONE, no_room_for_nonce, 0, 0, false,
     false},
    {"not whole blocks", LKS_OPEN, LKS_BAD_TAG, NOTHING_DONE, not_whole_blocks, 0, 0, false, false},

    {"2^14 + 1 bytes", LKS_OPEN, LKS_RECORD_OVERFLOW, NOTHING_DONE, no_mac, MAX_CONTENT + 1, 0,
     true, false},
    {"2^14 + 1 bytes, with a MAC", LKS_OPEN, LKS_RECORD_OVERFLOW, WIPED, mac_only, MAX_CONTENT + 1,
     0, true, false},
    {"far too many bytes, with a MAC", LKS_OPEN, LKS_RECORD_OVERFLOW, NOTHING_DONE, mac_only,
     MAX_CONTENT + 400, 0, true, false},
    {"2^14 + 1 bytes with padding", LKS_OPEN, LKS_RECORD_OVERFLOW, NOTHING_DONE, tls13_only,
     MAX_CONTENT - 20, 21, true, false},
    {"room is short", LKS_OPEN, LKS_NO_ROOM, NOTHING_DONE, room_is_short, 0, 0, false, false},
    {"empty destinations", LKS_OPEN, LKS_NO_ROOM, NOTHING_DONE, only_empty_destinations, 0, 0,
     false, false},
    {"result is ahead", LKS_OPEN, LKS_BAD_OVERLAP, NOTHING_DONE, result_is_ahead, 0, 0, false,
     false},
    {"result is behind", LKS_OPEN, LKS_BAD_OVERLAP, NOTHING_DONE, result_is_behind, 0, 0, false,
     false},
    {"numbers end", LKS_OPEN, LKS_SEQ_EXHAUSTED, NOTHING_DONE, numbers_end, 0, 0, false, false},
    {"no key", LKS_OPEN, LKS_BAD_ARGUMENT, NOTHING_DONE, no_key, 0, 0, false, false},
    {"wiped key", LKS_OPEN, LKS_BAD_ARGUMENT, NOTHING_DONE, wiped_key, 0, 0, false, false},

    {"type 19", LKS_SEAL, LKS_BAD_ARGUMENT, NOTHING_DONE, type_below, 0, 0, false, false},
    {"type 24", LKS_SEAL, LKS_BAD_ARGUMENT, NOTHING_DONE, type_above, 0, 0, false, false},
    {"type 0", LKS_SEAL, LKS_BAD_ARGUMENT, NOTHING_DONE, type_zero, 0, 0, false, false},
    {"padding", LKS_SEAL, LKS_BAD_ARGUMENT, NOTHING_DONE, padding_of_tls12, 0, 0, false, false},
    {"2^14 + 1 bytes", LKS_SEAL, LKS_RECORD_OVERFLOW, NOTHING_DONE, nothing, MAX_CONTENT + 1, 0,
     true, false},
    {"2^14 + 1 bytes with padding", LKS_SEAL, LKS_RECORD_OVERFLOW, NOTHING_DONE,
     padding_is_too_long, 0, 0, false, false},
    {"room is short", LKS_SEAL, LKS_NO_ROOM, NOTHING_DONE, room_is_short, 0, 0, false, false},
    {"room for nothing is short", LKS_SEAL, LKS_NO_ROOM, NOTHING_DONE, room_is_short, 0, 0, true,
     false},
    {"empty destinations", LKS_SEAL, LKS_NO_ROOM, NOTHING_DONE, only_empty_destinations, 0, 0,
     false, false},
    {"no destination", LKS_SEAL, LKS_NO_ROOM, NOTHING_DONE, no_destination, 0, 0, false, false},
    {"result is ahead", LKS_SEAL, LKS_BAD_OVERLAP, NOTHING_DONE, result_is_ahead, 0, 0, false,
     false},
    {"result is behind", LKS_SEAL, LKS_BAD_OVERLAP, NOTHING_DONE, result_is_behind, 0, 0, false,
     false},
    {"numbers end", LKS_SEAL, LKS_SEQ_EXHAUSTED, NOTHING_DONE, numbers_end, 0, 0, false, false},
    {"numbers end wholly", LKS_SEAL, LKS_SEQ_EXHAUSTED, NOTHING_DONE, numbers_end_wholly, 0, 0,
     false, false},
    {"no key", LKS_SEAL, LKS_BAD_ARGUMENT, NOTHING_DONE, no_key, 0, 0, false, false},
    {"wiped key", LKS_SEAL, LKS_BAD_ARGUMENT, NOTHING_DONE, wiped_key, 0, 0, false, false},
};

enum { NUM_CAUSES = sizeof(causes) / sizeof(causes[0]) };

/* Good ops of other keys: both directions, most of them of the bad one's kind, so that they share
 * lanes with it; every layout. */
static void make_neighbours(const struct reference_key *format, size_t len, size_t num_formats)
{
    const size_t lens[BURST - 1] = {len, len, len, 0, 17, len + 40, 300};
    for (uint32_t i = 0; i < BURST - 1; i++) {
        const struct reference_key *own = i < 5 ? format : &formats[(len + 7 * i) % num_formats];
        reference_lks_key(own, i % 3 == 1 ? LKS_SEAL : LKS_OPEN, &keys[i]);
        keys[i].seq = keys[i].aead ? SEQ + i : 0;
        slot_make(&slots[i], own, &keys[i], SEQ + i, lens[i], 0, LKS_TYPE_APPLICATION_DATA,
                  (enum layout)(i % NUM_LAYOUTS));
    }
}

static bool run_cause(const struct cause *cause, const struct reference_key *format, size_t len,
                      enum layout layout, uint32_t at)
{
    struct slot *bad = &slots[BURST - 1], *burst[BURST];
    struct lks_key *key = &bad_keys[cause->dir];
    char words[128];
    key->seq = key->aead ? SEQ : 0;
    slot_make(bad, format, key, SEQ, cause->has_len ? cause->len : len, cause->pad_len,
              cause->is_zeros ? 0 : LKS_TYPE_APPLICATION_DATA, layout);
    if (cause->is_zeros) { /* the same, made of zeros */
        static uint8_t zeros[RECORD_MAX];
        memcpy(bad->content, zeros, bad->len);
        reference_seal(format, SEQ, 0, zeros, bad->len, cause->pad_len, bad->record);
        memcpy(record_of(bad), bad->record, bad->record_len);
    }
    if (!cause->spoil(bad))
        return true;
    slot_expect(bad, cause->status, cause->leaves);
    for (uint32_t i = 0, n = 0; i < BURST; i++)
        burst[i] = i == at ? bad : &slots[n++];
    for (uint32_t i = 0; i < BURST - 1; i++)
        slot_reset(&slots[i]);
    snprintf(words, sizeof(words), "%s: %s, bad one is op %u", format_name(format), cause->name,
             at);
    return slots_run(engine, burst, BURST, words);
}

static void run_format(const struct reference_key *format, size_t len, uint32_t num_formats)
{
    uint32_t at = (uint32_t)len;
    reference_lks_key(format, LKS_SEAL, &bad_keys[LKS_SEAL]);
    reference_lks_key(format, LKS_OPEN, &bad_keys[LKS_OPEN]);
    make_neighbours(format, len, num_formats);
    for (size_t c = 0; c < NUM_CAUSES; c++)
        for (int layout = IN_PLACE; layout < NUM_LAYOUTS; layout++)
            if (causes[c].dir == LKS_OPEN || layout != IN_PLACE)
                if (!run_cause(&causes[c], format, len, (enum layout)layout, at++ % BURST))
                    return;
    for (uint32_t i = 0; i < BURST - 1; i++)
        lks_key_wipe(&keys[i]);
    lks_key_wipe(&bad_keys[0]);
    lks_key_wipe(&bad_keys[1]);
}

/* [5246 6.2.1-1] */
static void test_causes(void)
{
    static const size_t lens[] = {40, 1, 16, 255, LONG};
    const size_t num_formats = formats_init();
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, BURST), LKS_OK);
    for (size_t f = 0; f < num_formats; f++)
        for (size_t i = 0; i < (lks_test_is_quick() ? 1 : sizeof(lens) / sizeof(lens[0])); i++)
            run_format(&formats[f], lens[i], (uint32_t)num_formats);
    lks_engine_free(engine);
}

const struct lks_test bad_tests[] = {
    {"every cause in a burst of others", test_causes},
    {0},
};
