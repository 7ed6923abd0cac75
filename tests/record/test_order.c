/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Several ops of one key and direction in a burst are done in order, sequence numbers right,
 * wherever they stand, whether they go to lanes or stream, and whatever happens to one of them.
 *
 * A burst is written as a script: a letter for the key, which opens if it is a capital, and one for
 * the kind of op. "as As" seals a short record under key a and opens one under key A, the other
 * direction of the same connection.
 */

#include <stdio.h>
#include <string.h>

#include "simd/aead.h"
#include "slots.h"
#include "test_record.h"

enum { KEYS = 9, OPS_MAX = 40, FIRST_SEQ = 3 };

/* Kinds: short (lanes), long (streams), zero bytes, handshake (sealed: like short; opened: it may
 * change the key), forged, Forged long one, room too short, overlong. */
static const char kinds[] = "slzhfFro";

static struct key_of_script {
    struct reference_key secrets;
    struct lks_key key;
    uint64_t seq; /* of the next record that is good */
    bool stopped;
} script_keys[2][KEYS];

static struct slot slots[OPS_MAX];
static struct lks_engine *engine;

/* What each op would come to if it were not deferred. */
static struct plan {
    struct key_of_script *key;
    enum lks_status status;
    enum leaves leaves;
} plans[OPS_MAX];

static size_t len_of(char kind, uint32_t i)
{
    static const size_t shorts[] = {40, 1, 64, 40, 255, 33, 40, 100};
    switch (kind) {
    case 'z':
        return 0;
    case 'l':
    case 'F':
        return 2500 + 16 * i;
    case 'o':
        return LKS_RECORD_PLAINTEXT_MAX + 400; /* even with a MAC the header shows it */
    default:
        return shorts[i % 8];
    }
}

/* Spoils an op as its kind says. */
static struct plan spoil(struct slot *s, struct key_of_script *k, char kind)
{
    const bool opens = k->key.dir == LKS_OPEN;
    if ((kind == 'f' || kind == 'F') && opens && k->key.aead) {
        s->memory[s->src_at + s->record_len - 1] ^= 4;
        return (struct plan){k, LKS_BAD_TAG, WIPED};
    }
    if (kind == 'r' && s->op.num_dst && (!opens || s->text_len)) {
        s->dst[0] = (struct lks_span){s->memory + s->out_at, 0};
        s->op.num_dst = 1;
        return (struct plan){k, LKS_NO_ROOM, NOTHING_DONE};
    }
    if (kind == 'o')
        return (struct plan){k, LKS_RECORD_OVERFLOW, NOTHING_DONE};
    return (struct plan){k, LKS_OK, RESULT};
}

/* What becomes of an op, and of those of its key behind it. */
static void add_op(uint32_t i, char letter, char kind)
{
    const bool opens = letter < 'a';
    struct key_of_script *k = &script_keys[opens][(letter | 0x20) - 'a'];
    const uint8_t type = kind == 'h' ? LKS_TYPE_HANDSHAKE : LKS_TYPE_APPLICATION_DATA;
    struct slot *s = &slots[i];
    slot_make(s, &k->secrets, &k->key, k->seq, len_of(kind, i), 0, type,
              (enum layout)((i + opens) % NUM_LAYOUTS));
    plans[i] = spoil(s, k, kind);
    if (opens && k->stopped) {
        slot_expect(s, LKS_DEFERRED, NOTHING_DONE);
        return;
    }
    slot_expect(s, plans[i].status, plans[i].leaves);
    k->seq += k->key.aead && plans[i].status == LKS_OK;
    k->stopped |= opens && (plans[i].status || kind == 'h');
}

/* The first of each key's deferred ops is submitted again: now it is its turn. */
static bool run_deferred(uint32_t num, const char *script)
{
    struct slot *again[OPS_MAX];
    char words[300];
    uint32_t num_again = 0;
    for (uint32_t i = 0; i < num; i++) {
        if (slots[i].status != LKS_DEFERRED || !plans[i].key->stopped)
            continue;
        plans[i].key->stopped = false;
        slot_expect(&slots[i], plans[i].status, plans[i].leaves);
        again[num_again++] = &slots[i];
    }
    snprintf(words, sizeof(words), "%s, deferred ones again", script);
    return !num_again || slots_run(engine, again, num_again, words);
}

/* All keys of a format, or each of another one from there on. */
static void make_keys(size_t format, size_t num_formats, bool are_mixed)
{
    for (size_t dir = 0; dir < 2; dir++)
        for (size_t i = 0; i < KEYS; i++) {
            struct key_of_script *k = &script_keys[dir][i];
            k->secrets = formats[(format + (are_mixed ? i : 0)) % num_formats];
            k->secrets.key[0] ^= (uint8_t)(1 + i);
            k->secrets.key[1] ^= (uint8_t)dir;
            reference_lks_key(&k->secrets, dir ? LKS_OPEN : LKS_SEAL, &k->key);
        }
}

static void wipe_keys(void)
{
    for (size_t i = 0; i < KEYS; i++) {
        lks_key_wipe(&script_keys[0][i].key);
        lks_key_wipe(&script_keys[1][i].key);
    }
}

static bool run_script(const char *script, const char *about)
{
    struct slot *burst[OPS_MAX];
    char words[256];
    uint32_t num = 0;
    for (size_t i = 0; i < (size_t)2 * KEYS; i++) {
        struct key_of_script *k = &script_keys[0][0] + i;
        k->seq = k->key.seq = k->key.aead ? FIRST_SEQ : 0;
        k->stopped = false;
    }
    for (const char *at = script; *at; at += at[2] ? 3 : 2, num++) {
        add_op(num, at[0], at[1]);
        burst[num] = &slots[num];
    }
    for (uint32_t i = 0; i < num; i++)
        slots[i].key_seq = plans[i].key->seq;
    snprintf(words, sizeof(words), "\"%s\"%s", script, about);
    return slots_run(engine, burst, num, words) && run_deferred(num, words);
}

/* A key's ops side by side, apart, so that a vector of lanes ends between them, with others of
 * their length and without. */
static const char *const scripts[] = {
    "as as",
    "As As",
    "as as as",
    "As As As",
    "As Af As",
    "As Af As As bs Bs",
    "Af As As",
    "as af as",
    "as ar as",
    "as ao as",
    "As Ar As",
    "As Ao As",
    "as As as As",
    "As as Ah as As as",
    "Ah As As",
    "as al as",
    "al as al as",
    "As Al As",
    "Al As Al As",
    "Al AF As Al",
    "As AF Al As",
    "as az as",
    "As Az As",
    "az Az az Az",
    "Az Af Az",
    "as as as as as as as as as",
    "As As As As As As As As As",
    "as bs cs ds es fs gs as",
    "As Bs Cs Ds Es Fs Gs As",
    "as bs cs ds es fs gs hs as bs cs ds es fs gs hs",
    "As Bs Cs Ds Es Fs Gs Hs As Bs Cs Ds Es Fs Gs Hs",
    "As Bs Cf Ds As Bs Cs Ds As Bs Cs Ds",
    "As As Bs Cs Cs Cs Ds Ds Bs As",
    "al bs cl ds al bs cl ds as bl cs dl",
    "Al Bs Cl Ds Al Bs CF Ds As Bl Cs Dl",
    "as As bl Bl cz Cz as Af bl BF cz Cf as As bl Bl cz Cz",
    "As bs As bs Ah bs As bs Bf as Bs as",
    "Az as Az As as az Ah As az Bz bl Bz",
};

static void test_scripts(void)
{
    const size_t num_formats = formats_init();
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, OPS_MAX), LKS_OK);
    for (size_t f = 0; f < num_formats; f++)
        for (int are_mixed = 0; are_mixed < 2; are_mixed++) {
            make_keys(f, num_formats, are_mixed);
            for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
                char about[96];
                snprintf(about, sizeof(about), " of %s%s", format_name(&formats[f]),
                         are_mixed ? " and others" : "");
                if (!run_script(scripts[i], about))
                    break;
            }
            wipe_keys();
        }
    lks_engine_free(engine);
}

/* Scripts at random: few keys, so that each has several ops, more good ones than bad ones. */
static void test_random_scripts(void)
{
    const size_t num_formats = formats_init();
    const uint64_t num_seeds = lks_test_is_quick() ? 10 : 60;
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, OPS_MAX), LKS_OK);
    for (size_t f = 0; f < num_formats; f++) {
        make_keys(f, num_formats, f % 3 == 0);
        for (uint64_t seed = 0; seed < num_seeds; seed++) {
            uint64_t random = seed * 97 + f;
            const uint32_t num = 2 + (uint32_t)(lks_test_random(&random) % 10);
            const uint32_t num_keys = 1 + (uint32_t)(lks_test_random(&random) % 3);
            char script[3 * OPS_MAX] = "", about[96];
            for (uint32_t i = 0; i < num; i++) {
                const uint64_t pick = lks_test_random(&random);
                script[3 * i] = (char)((pick & 1 ? 'a' : 'A') + (pick >> 1 & 0xff) % num_keys);
                script[3 * i + 1] = pick >> 9 & 3 ? 's' : kinds[(pick >> 11) % (sizeof(kinds) - 1)];
                script[3 * i + 2] = i + 1 < num ? ' ' : '\0';
            }
            snprintf(about, sizeof(about), " (seed %llu) of %s", (unsigned long long)seed,
                     format_name(&formats[f]));
            if (!run_script(script, about))
                break;
        }
        wipe_keys();
    }
    lks_engine_free(engine);
}

/* Every version, algorithm and direction in one burst: more kinds than the engine groups. */
static void test_every_kind(void)
{
    static struct key_of_script all[2 * 2 * LKS_NUM_ALGORITHMS];
    static struct slot many[2 * 2 * LKS_NUM_ALGORITHMS];
    struct slot *burst[2 * 2 * LKS_NUM_ALGORITHMS];
    static const size_t lens[] = {40, 300, 17, 0, 64, 1000};
    const size_t num = 2 * formats_init();
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, (uint32_t)num), LKS_OK);
    for (uint32_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < num; i++) {
            struct key_of_script *k = &all[i];
            k->secrets = formats[i / 2];
            reference_lks_key(&k->secrets, i % 2 ? LKS_OPEN : LKS_SEAL, &k->key);
            slot_make(&many[i], &k->secrets, &k->key, 0, lens[(i + round) % 6], 0,
                      LKS_TYPE_APPLICATION_DATA, (enum layout)((i + round) % NUM_LAYOUTS));
            if (round == 3 && i % 4 == 1 && k->key.aead) { /* some of them forged */
                many[i].memory[many[i].src_at + many[i].record_len - 1] ^= 1;
                slot_expect(&many[i], LKS_BAD_TAG, WIPED);
            }
            burst[i] = &many[i];
        }
        slots_run(engine, burst, (uint32_t)num, "every kind at once");
        for (size_t i = 0; i < num; i++)
            lks_key_wipe(&all[i].key);
    }
    lks_engine_free(engine);
}

/* Eight records of as many keys, valid and forged in every combination, lengths at random: of the
 * same number of blocks, or of 0 to 8 of them and a part. */
static void test_every_mask(void)
{
    enum { RECORDS = 8 };
    const size_t num_formats = formats_init();
    CU_ASSERT_EQUAL_FATAL(lks_engine_new(&engine, RECORDS), LKS_OK);
    for (size_t f = 0; f < num_formats; f++) {
        uint64_t random = f;
        struct slot *burst[RECORDS];
        make_keys(f, num_formats, false);
        for (uint32_t mask = 0; mask < 256; mask += lks_test_is_quick() ? 5 : 1) {
            const uint64_t seed = random;
            char words[128];
            const uint64_t blocks = lks_test_random(&random) % 9;
            for (uint32_t i = 0; i < RECORDS; i++) {
                struct key_of_script *k = &script_keys[LKS_OPEN][i];
                const uint64_t pick = lks_test_random(&random);
                const size_t len = (size_t)((mask % 2 ? blocks : (pick >> 8) % 9) * 16 + pick % 16);
                k->key.seq = k->key.aead ? mask : 0;
                slot_make(&slots[i], &k->secrets, &k->key, mask, len, 0, LKS_TYPE_APPLICATION_DATA,
                          (enum layout)(seed % 3 ? 0 : (pick >> 16) % NUM_LAYOUTS));
                if (mask >> i & 1 && k->key.aead) {
                    const size_t from = slots[i].prefix, room = slots[i].record_len - from;
                    slots[i].memory[slots[i].src_at + from + (pick >> 24) % room] ^= 0x20;
                    slot_expect(&slots[i], LKS_BAD_TAG, WIPED);
                }
                burst[i] = &slots[i];
            }
            snprintf(words, sizeof(words), "%s, forged %02x, seed %llu", format_name(&formats[f]),
                     mask, (unsigned long long)seed);
            if (!slots_run(engine, burst, RECORDS, words))
                break;
        }
        wipe_keys();
    }
    lks_engine_free(engine);
}

const struct lks_test order_tests[] = {
    {"several ops of one key", test_scripts},
    {"several ops of one key, at random", test_random_scripts},
    {"every kind of key at once", test_every_kind},
    {"valid and forged in every combination", test_every_mask},
    {0},
};
