/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RSA key exchange of TLS 1.2 under secret marking: once a block has been decrypted, nothing
 * may branch on it, whatever its padding is. What libcrypto does to decrypt it isn't marked, as its
 * big numbers are of secret lengths for a moment; it blinds them instead.
 */
#include "ct/test_ct.h"

#include <string.h>

#include <openssl/rsa.h>
#include <valgrind/valgrind.h>

#include "base/ct.h"
#include "handshake/tls12/rsa_premaster.h"

#define VERSION  0x0303
#define BLOCK    256u
#define KEY_BITS 1024

static uint64_t random_state = 11;

/* Right but for one thing, if any. */
static const struct {
    const char *name;
    uint32_t at;
    uint8_t value;
    bool good;
} blocks[] = {
    {"right", 1, 2, true},
    {"first byte", 0, 1, false},
    {"block type", 1, 1, false},
    {"zero in the first byte of padding", 2, 0, false},
    {"zero in the last byte of padding", BLOCK - LKS_PREMASTER_LEN - 2, 0, false},
    {"no zero before the secret", BLOCK - LKS_PREMASTER_LEN - 1, 7, false},
    {"major version", BLOCK - LKS_PREMASTER_LEN, 2, false},
    {"minor version", BLOCK - LKS_PREMASTER_LEN + 1, 2, false},
};

static void make_block(uint8_t block[], size_t k)
{
    lks_test_fill(&random_state, block, k);
    for (size_t i = 2; i < k; i++)
        block[i] |= 1;
    block[0] = 0;
    block[1] = 2;
    block[k - LKS_PREMASTER_LEN - 1] = 0;
    block[k - LKS_PREMASTER_LEN] = VERSION >> 8;
    block[k - LKS_PREMASTER_LEN + 1] = VERSION & 0xff;
}

static void test_unpad(void)
{
    if (!RUNNING_ON_VALGRIND)
        LKS_SKIP("not under valgrind");
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        uint8_t block[BLOCK], secret[LKS_PREMASTER_LEN], random[LKS_PREMASTER_LEN],
            premaster[LKS_PREMASTER_LEN];
        make_block(block, sizeof(block));
        block[blocks[i].at] = blocks[i].value;
        memcpy(secret, block + sizeof(block) - sizeof(secret), sizeof(secret));
        lks_test_fill(&random_state, random, sizeof(random));
        memcpy(premaster, random, sizeof(premaster));
        lks_ct_secret(block, sizeof(block));
        lks_rsa_unpad(premaster, block, sizeof(block), VERSION);
        LKS_CHECK(num_secret(premaster, sizeof(premaster)) == sizeof(premaster),
                  "%s: also which of the two it is stays secret", blocks[i].name);
        LKS_CHECK(!memcmp(premaster, blocks[i].good ? secret : random, sizeof(premaster)), "%s",
                  blocks[i].name);
    }
}

static void encrypt_block(EVP_PKEY *key, const uint8_t *block, size_t k, uint8_t *encrypted)
{
    size_t len = k;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    CU_ASSERT_FATAL(ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
                    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 &&
                    EVP_PKEY_encrypt(ctx, encrypted, &len, block, k) > 0 && len == k);
    EVP_PKEY_CTX_free(ctx);
}

/* The same through a key: lks_rsa_decrypt() marks what libcrypto hands back, by itself. */
static void test_decrypt(void)
{
    if (!RUNNING_ON_VALGRIND)
        LKS_SKIP("not under valgrind");
    const size_t k = KEY_BITS / 8;
    EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    for (int wrong = 0; wrong < 4; wrong++) {
        uint8_t block[KEY_BITS / 8], encrypted[KEY_BITS / 8], premaster[LKS_PREMASTER_LEN];
        make_block(block, k);
        if (wrong == 1)
            block[1] = 1;
        else if (wrong == 2)
            block[k - LKS_PREMASTER_LEN + 1] = 2;
        encrypt_block(key, block, k, encrypted);
        if (wrong == 3)
            memset(encrypted, 0xff, k); /* not below the modulus */
        CU_ASSERT_EQUAL(lks_rsa_decrypt(premaster, key, VERSION, encrypted, k), LKS_OK);
        LKS_CHECK(num_secret(premaster, sizeof(premaster)) == sizeof(premaster), "block %d", wrong);
        LKS_CHECK(!memcmp(premaster, block + k - sizeof(premaster), sizeof(premaster)) == !wrong,
                  "block %d: the secret, or a random one", wrong);
    }
    EVP_PKEY_free(key);
}

const struct lks_test rsa_tests[] = {
    {"unpad", test_unpad},
    {"decrypt", test_decrypt},
    {NULL, NULL},
};
