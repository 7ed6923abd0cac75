/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ML-KEM in constant time: seeds, decapsulation keys and coins are marked; the encapsulation key
 * and the ciphertext are what the peer sees.
 */

#include <string.h>
#include <valgrind/memcheck.h>

#include "base/ct.h"
#include "simd/mlkem.h"
#include "test_ct.h"

static void test_row(const struct lks_mlkem *row)
{
    static uint8_t seed[LKS_MLKEM_SEED_LEN], coins[LKS_MLKEM_COINS_LEN], ek[LKS_MLKEM_EK_LEN],
        dk[LKS_MLKEM_DK_LEN], cipher[LKS_MLKEM_CIPHER_LEN], secret[2][LKS_MLKEM_SECRET_LEN];
    uint64_t random = 7;
    for (unsigned int i = 0; i < 4; i++) {
        lks_test_fill(&random, seed, sizeof(seed));
        lks_test_fill(&random, coins, sizeof(coins));
        lks_ct_secret(seed, sizeof(seed));
        lks_ct_secret(coins, sizeof(coins));
        row->generate(ek, dk, seed);
        LKS_CHECK(num_secret(ek, 1152) == 1152, "%s: the key comes of the seed", row->isa);
        lks_ct_public(ek, sizeof(ek), "the peer gets it");
        CU_ASSERT_TRUE(row->encapsulate(cipher, secret[0], ek, coins));
        LKS_CHECK(num_secret(cipher, sizeof(cipher)) == sizeof(cipher), "%s: the ciphertext",
                  row->isa);
        lks_ct_secret(dk, sizeof(dk));
        row->decapsulate(secret[1], dk, cipher);
        LKS_CHECK(num_secret(secret[0], 32) == 32 && num_secret(secret[1], 32) == 32,
                  "%s: the secrets", row->isa);
        LKS_CHECK(memcmp(secret[0], secret[1], 32) == 0, "%s", row->isa);

        /* Rejected in silence: nothing tells which of the two secrets it is. */
        cipher[i * 300] ^= 1;
        lks_ct_secret(dk, sizeof(dk));
        row->decapsulate(secret[1], dk, cipher);
        LKS_CHECK(num_secret(secret[1], 32) == 32, "%s: the other secret", row->isa);
        LKS_CHECK(memcmp(secret[0], secret[1], 32) != 0, "%s", row->isa);
        lks_ct_public(dk, sizeof(dk), "the test is done with it");
        CU_ASSERT_TRUE(row->check_dk(dk));
    }
}

static void test_tier(const char *isa)
{
    if (!RUNNING_ON_VALGRIND)
        LKS_SKIP("not under valgrind");
    for (const struct lks_mlkem *const *row = lks_mlkem_rows(); *row; row++) {
        if (strcmp((*row)->isa, isa) != 0)
            continue;
        if (!lks_mlkem_usable(*row))
            LKS_SKIP("valgrind's CPU lacks it");
        test_row(*row);
        return;
    }
    LKS_SKIP("not built");
}

static void test_portable(void)
{
    test_tier("portable");
}

static void test_avx2(void)
{
    test_tier("avx2");
}

const struct lks_test mlkem_tests[] = {
    {"portable", test_portable},
    {"avx2", test_avx2},
    {NULL, NULL},
};
