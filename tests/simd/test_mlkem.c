/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ML-KEM-768: the vectors folder's tests (FIPS 203's own, Wycheproof, CCTV) through every row that
 * this CPU can run, every row against the portable one, and what a wrong ciphertext gives.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "common/test.h"
#include "simd/mlkem.h"
#include "simd/mlkem_rows.h"

#define FIELD_MAX 4096u

/* One test of a file: its fields as bytes. */
struct fields {
    int number;
    bool is_valid;
    uint8_t seed[FIELD_MAX], ek[FIELD_MAX], dk[FIELD_MAX], coins[FIELD_MAX], cipher[FIELD_MAX],
        secret[FIELD_MAX];
    size_t seed_len, ek_len, dk_len, coins_len, cipher_len, secret_len;
};

typedef void check_fields(const struct lks_mlkem *row, const struct fields *f);

static size_t json_hex(json_t *object, const char *name, uint8_t *out)
{
    const char *hex = json_string_value(json_object_get(object, name));
    return hex ? lks_test_hex(hex, out, FIELD_MAX) : 0;
}

static void check_file(const char *file, unsigned int wanted, check_fields *check)
{
    static struct fields f;
    const char *path = lks_test_vector_path(file);
    if (!path)
        LKS_SKIP("the vectors folder is not there");
    json_t *all = json_load_file(path, 0, NULL), *group, *test;
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    size_t i, j;
    unsigned int num = 0;
    json_array_foreach(json_object_get(all, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            f.number = (int)json_integer_value(json_object_get(test, "tcId"));
            f.is_valid = strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;
            f.seed_len = json_hex(test, "seed", f.seed);
            f.ek_len = json_hex(test, "ek", f.ek);
            f.dk_len = json_hex(test, "dk", f.dk);
            f.coins_len = json_hex(test, "m", f.coins);
            f.cipher_len = json_hex(test, "c", f.cipher);
            f.secret_len = json_hex(test, "K", f.secret);
            for (const struct lks_mlkem *const *row = lks_mlkem_rows(); *row; row++)
                if (lks_mlkem_usable(*row))
                    check(*row, &f);
            num++;
        }
    }
    json_decref(all);
    LKS_CHECK(num >= wanted, "%u tests in %s", num, file);
}

static void check_generated(const struct lks_mlkem *row, const struct fields *f)
{
    uint8_t ek[LKS_MLKEM_EK_LEN], dk[LKS_MLKEM_DK_LEN];
    CU_ASSERT_TRUE_FATAL(f->seed_len == LKS_MLKEM_SEED_LEN && f->is_valid);
    row->generate(ek, dk, f->seed);
    LKS_CHECK(f->ek_len == sizeof(ek) && memcmp(ek, f->ek, sizeof(ek)) == 0, "%s: %d", row->isa,
              f->number);
    if (f->dk_len)
        LKS_CHECK(f->dk_len == sizeof(dk) && memcmp(dk, f->dk, sizeof(dk)) == 0, "%s: %d", row->isa,
                  f->number);
    LKS_CHECK(row->check_dk(dk), "%s: %d", row->isa, f->number);
}

static void vectors_generate(void)
{
    check_file("mlkem/mlkem_768_keygen_seed_test.json", 100, check_generated);
}

/* A key of another length is the caller's to refuse. */
static void check_encapsulated(const struct lks_mlkem *row, const struct fields *f)
{
    uint8_t cipher[LKS_MLKEM_CIPHER_LEN], secret[LKS_MLKEM_SECRET_LEN];
    CU_ASSERT_TRUE_FATAL(f->coins_len == LKS_MLKEM_COINS_LEN);
    if (f->ek_len != LKS_MLKEM_EK_LEN) {
        LKS_CHECK(!f->is_valid, "%d", f->number);
        return;
    }
    bool ok = row->encapsulate(cipher, secret, f->ek, f->coins);
    LKS_CHECK(ok == f->is_valid, "%s: %d", row->isa, f->number);
    if (!ok || !f->is_valid)
        return;
    LKS_CHECK(memcmp(cipher, f->cipher, sizeof(cipher)) == 0 && f->cipher_len == sizeof(cipher) &&
                  memcmp(secret, f->secret, sizeof(secret)) == 0,
              "%s: %d", row->isa, f->number);
}

static void vectors_encapsulate(void)
{
    check_file("mlkem/mlkem_768_encaps_test.json", 265, check_encapsulated);
}

/* dk or seed, then a ciphertext. */
static void check_decapsulated(const struct lks_mlkem *row, const struct fields *f)
{
    uint8_t ek[LKS_MLKEM_EK_LEN], dk[LKS_MLKEM_DK_LEN], secret[LKS_MLKEM_SECRET_LEN];
    if (f->cipher_len != LKS_MLKEM_CIPHER_LEN ||
        (f->dk_len ? f->dk_len != sizeof(dk) : f->seed_len != LKS_MLKEM_SEED_LEN)) {
        LKS_CHECK(!f->is_valid, "%d", f->number);
        return;
    }
    if (f->dk_len)
        memcpy(dk, f->dk, sizeof(dk));
    else
        row->generate(ek, dk, f->seed);
    if (f->ek_len && !f->dk_len)
        LKS_CHECK(memcmp(ek, f->ek, sizeof(ek)) == 0, "%s: %d", row->isa, f->number);
    bool ok = row->check_dk(dk);
    LKS_CHECK(ok == f->is_valid, "%s: %d", row->isa, f->number);
    row->decapsulate(secret, dk, f->cipher);
    if (ok && f->secret_len)
        LKS_CHECK(memcmp(secret, f->secret, sizeof(secret)) == 0, "%s: %d", row->isa, f->number);
}

static void vectors_decapsulate(void)
{
    check_file("mlkem/mlkem_768_test.json", 193, check_decapsulated);
}

static void vectors_decapsulate_dk(void)
{
    check_file("mlkem/mlkem_768_semi_expanded_decaps_test.json", 9, check_decapsulated);
}

static unsigned int effort(unsigned int full)
{
    return lks_test_is_quick() ? full / 20 : full;
}

/* Room for an output with canaries around it, at any alignment. */
struct framed {
    uint8_t before[64], bytes[LKS_MLKEM_DK_LEN + 64], after[64];
};

static uint8_t *framed(struct framed *f, size_t offset)
{
    memset(f, 0xa5, sizeof(*f));
    return f->bytes + offset;
}

static bool is_framed(const struct framed *f, size_t offset, size_t len)
{
    const uint8_t *all = (const uint8_t *)f;
    const size_t begin = sizeof(f->before) + offset;
    for (size_t i = 0; i < sizeof(*f); i++)
        if ((i < begin || i >= begin + len) && all[i] != 0xa5)
            return false;
    return true;
}

/* The same from a row and from the portable one; what is written stays in its bounds. */
static void check_pair(const struct lks_mlkem *row, uint64_t *state, unsigned int number)
{
    static struct framed ek_frame, dk_frame, cipher_frame, secret_frame;
    uint8_t seed[LKS_MLKEM_SEED_LEN], coins[LKS_MLKEM_COINS_LEN], ek[LKS_MLKEM_EK_LEN],
        dk[LKS_MLKEM_DK_LEN], cipher[LKS_MLKEM_CIPHER_LEN], secret[2][LKS_MLKEM_SECRET_LEN];
    const size_t offset = number % 64;
    lks_test_fill(state, seed, sizeof(seed));
    lks_test_fill(state, coins, sizeof(coins));
    uint8_t *ek2 = framed(&ek_frame, offset), *dk2 = framed(&dk_frame, offset),
            *cipher2 = framed(&cipher_frame, offset), *secret2 = framed(&secret_frame, offset);
    lks_mlkem_portable.generate(ek, dk, seed);
    row->generate(ek2, dk2, seed);
    LKS_CHECK(memcmp(ek, ek2, sizeof(ek)) == 0 && memcmp(dk, dk2, sizeof(dk)) == 0, "key %u",
              number);
    CU_ASSERT_TRUE(lks_mlkem_portable.encapsulate(cipher, secret[0], ek, coins));
    CU_ASSERT_TRUE(row->encapsulate(cipher2, secret2, ek2, coins));
    LKS_CHECK(memcmp(cipher, cipher2, sizeof(cipher)) == 0 && memcmp(secret[0], secret2, 32) == 0,
              "encapsulation %u", number);
    lks_mlkem_portable.decapsulate(secret[1], dk, cipher2);
    LKS_CHECK(memcmp(secret[0], secret[1], 32) == 0, "decapsulation %u", number);
    row->decapsulate(secret2, dk2, cipher);
    LKS_CHECK(memcmp(secret[0], secret2, 32) == 0, "decapsulation %u", number);

    uint64_t at = lks_test_random(state);
    cipher[at % sizeof(cipher)] ^= (uint8_t)(1u << (at >> 32) % 8);
    lks_mlkem_portable.decapsulate(secret[1], dk, cipher);
    row->decapsulate(secret2, dk2, cipher);
    LKS_CHECK(memcmp(secret[1], secret2, 32) == 0, "rejection %u", number);
    LKS_CHECK(memcmp(secret[0], secret2, 32) != 0, "rejection %u gives the secret", number);
    LKS_CHECK(is_framed(&ek_frame, offset, sizeof(ek)) &&
                  is_framed(&dk_frame, offset, sizeof(dk)) &&
                  is_framed(&cipher_frame, offset, sizeof(cipher)) &&
                  is_framed(&secret_frame, offset, 32),
              "bounds, %u", number);
}

static void check_tier(const char *isa)
{
    for (const struct lks_mlkem *const *row = lks_mlkem_rows(); *row; row++) {
        if (strcmp((*row)->isa, isa) != 0)
            continue;
        if (!lks_mlkem_usable(*row))
            LKS_SKIP("the CPU lacks it");
        uint64_t seed = 203, state = seed;
        for (unsigned int i = 0; i < effort(1000); i++)
            check_pair(*row, &state, i);
        return;
    }
    LKS_SKIP("not built");
}

static void portable_tier(void)
{
    check_tier("portable");
}

static void avx2_tier(void)
{
    check_tier("avx2");
}

/* Implicit rejection, FIPS 203 section 6.3: every bit of the ciphertext counts, and the secret is
 * the same each time. */
static void every_bit_counts(void)
{
    for (const struct lks_mlkem *const *row = lks_mlkem_rows(); *row; row++) {
        uint8_t seed[LKS_MLKEM_SEED_LEN] = {1}, coins[LKS_MLKEM_COINS_LEN] = {2},
                ek[LKS_MLKEM_EK_LEN], dk[LKS_MLKEM_DK_LEN], cipher[LKS_MLKEM_CIPHER_LEN],
                secret[3][32];
        if (!lks_mlkem_usable(*row))
            continue;
        (*row)->generate(ek, dk, seed);
        CU_ASSERT_TRUE((*row)->encapsulate(cipher, secret[0], ek, coins));
        for (unsigned int bit = 0; bit<8 * sizeof(cipher); bit += effort(20)> 1 ? 1 : 97) {
            cipher[bit / 8] ^= (uint8_t)(1u << bit % 8);
            (*row)->decapsulate(secret[1], dk, cipher);
            LKS_CHECK(memcmp(secret[0], secret[1], 32) != 0, "%s: bit %u", (*row)->isa, bit);
            cipher[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        cipher[0] ^= 1;
        (*row)->decapsulate(secret[1], dk, cipher);
        (*row)->decapsulate(secret[2], dk, cipher);
        CU_ASSERT_EQUAL(memcmp(secret[1], secret[2], 32), 0);
    }
}

/* Sections 7.2 and 7.3. */
static void checks_of_keys(void)
{
    for (const struct lks_mlkem *const *row = lks_mlkem_rows(); *row; row++) {
        uint8_t seed[LKS_MLKEM_SEED_LEN] = {3}, coins[LKS_MLKEM_COINS_LEN] = {4},
                ek[LKS_MLKEM_EK_LEN], dk[LKS_MLKEM_DK_LEN], cipher[LKS_MLKEM_CIPHER_LEN],
                secret[32];
        if (!lks_mlkem_usable(*row))
            continue;
        (*row)->generate(ek, dk, seed);
        for (unsigned int i = 0; i < 768; i++) {
            uint8_t bad[LKS_MLKEM_EK_LEN];
            memcpy(bad, ek, sizeof(bad));
            uint8_t *two = bad + i / 2 * 3; /* coefficient i becomes q */
            if (i % 2) {
                two[1] = (uint8_t)((two[1] & 15) | (MLKEM_Q & 15) << 4);
                two[2] = MLKEM_Q >> 4;
            } else {
                two[0] = MLKEM_Q & 255;
                two[1] = (uint8_t)((two[1] & 0xf0) | MLKEM_Q >> 8);
            }
            LKS_CHECK(!(*row)->encapsulate(cipher, secret, bad, coins), "%s: coefficient %u",
                      (*row)->isa, i);
        }
        CU_ASSERT_TRUE((*row)->check_dk(dk));
        dk[1152 + 700] ^= 1; /* the encapsulation key in it */
        CU_ASSERT_FALSE((*row)->check_dk(dk));
        dk[1152 + 700] ^= 1;
        dk[2400 - 33] ^= 1; /* its hash */
        CU_ASSERT_FALSE((*row)->check_dk(dk));
    }
}

/* LOCKSTEP_ISA caps this choice, too. */
static void best_row(void)
{
    const struct lks_mlkem *best = lks_mlkem_best();
    if (lks_isa_cap() < 0) {
        CU_ASSERT_PTR_NULL(best);
        return;
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(best);
    printf("the best row: %s\n", best->isa);
    LKS_CHECK(lks_isa_rank(best->isa) <= lks_isa_cap(), "%s", best->isa);
    for (const struct lks_mlkem *const *row = lks_mlkem_rows(); *row && *row != best; row++)
        LKS_CHECK(!lks_mlkem_usable(*row) || lks_isa_rank((*row)->isa) > lks_isa_cap(), "%s",
                  (*row)->isa);
}

static const struct lks_test mlkem_tests[] = {
    {"vectors: generate", vectors_generate},
    {"vectors: encapsulate", vectors_encapsulate},
    {"vectors: decapsulate", vectors_decapsulate},
    {"vectors: decapsulate, given keys", vectors_decapsulate_dk},
    {"portable", portable_tier},
    {"avx2", avx2_tier},
    {"every bit counts", every_bit_counts},
    {"checks of keys", checks_of_keys},
    {"best row", best_row},
    {NULL, NULL},
};

static const struct lks_test_suite suites[] = {{"mlkem", mlkem_tests}, {NULL, NULL}};

int main(void)
{
    return lks_test_run("simd-mlkem", suites);
}
