/* SPDX-License-Identifier: BSD-3-Clause */

/* AES-CCM's kernels beside libcrypto where records do not lead: additional data of any length,
 * whose encoding changes at 0xff00 bytes, and texts that end anywhere. */

#include <lockstep/engine.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "simd/aead.h"
#include "test_record.h"

#define AAD_MAX  0x10001u
#define TEXT_MAX 100u

static uint8_t aad[AAD_MAX], text[TEXT_MAX], key[32], nonce[12];

static void evp_seal(const struct lks_aead *row, int aad_len, int len, uint8_t *out)
{
    const EVP_CIPHER *cipher = row->key_len == 16 ? EVP_aes_128_ccm() : EVP_aes_256_ccm();
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    if (!ctx || EVP_EncryptInit_ex(ctx, cipher, NULL, NULL, NULL) <= 0 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) <= 0 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, row->tag_len, NULL) <= 0 ||
        EVP_EncryptInit_ex(ctx, NULL, NULL, key, nonce) <= 0 ||
        EVP_EncryptUpdate(ctx, NULL, &n, NULL, len) <= 0 ||
        (aad_len && EVP_EncryptUpdate(ctx, NULL, &n, aad, aad_len) <= 0) ||
        EVP_EncryptUpdate(ctx, out, &n, text, len) <= 0 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, row->tag_len, out + len) <= 0)
        abort();
    EVP_CIPHER_CTX_free(ctx);
}

static bool agrees(const struct lks_aead *row, uint32_t aad_len, uint32_t len)
{
    _Alignas(64) uint8_t state[LKS_KEY_STATE_MAX];
    uint8_t want[TEXT_MAX + 16], got[TEXT_MAX], tag[16];
    struct lks_seg seg = {text, got, len};
    struct lks_aead_job job = {.state = state,
                               .aad = aad,
                               .segs = &seg,
                               .num_segs = len != 0,
                               .len = len,
                               .aad_len = aad_len,
                               .tag = tag};
    memcpy(job.nonce, nonce, 12);
    row->init(state, key);
    evp_seal(row, (int)aad_len, (int)len, want);
    row->seal(&job);
    if ((len && memcmp(got, want, len) != 0) || memcmp(tag, want + len, row->tag_len) != 0)
        return false;
    seg.src = want;
    row->open(&job);
    return job.ok && (!len || memcmp(got, text, len) == 0);
}

static void test_additional_data(void)
{
    static const uint32_t more[] = {255, 0xfeff, 0xff00, 0xff01, 0x10000, AAD_MAX};
    uint64_t seed = 7;
    lks_test_fill(&seed, aad, sizeof(aad));
    lks_test_fill(&seed, text, sizeof(text));
    lks_test_fill(&seed, key, sizeof(key));
    lks_test_fill(&seed, nonce, sizeof(nonce));
    for (unsigned int id = LKS_AES_128_CCM; id <= LKS_AES_256_CCM_8; id++)
        for (const struct lks_aead *const *row = lks_aead_rows(id); *row; row++) {
            if (!lks_aead_usable(*row))
                continue;
            for (uint32_t n = 0; n < 50 + sizeof(more) / sizeof(more[0]); n++) {
                const uint32_t aad_len = n < 50 ? n : more[n - 50];
                for (uint32_t len = 0; len <= TEXT_MAX; len += 1 + len / 20 * 7)
                    LKS_CHECK(agrees(*row, aad_len, len),
                              "%s %s: %u of additional data, %u of text", (*row)->name, (*row)->isa,
                              aad_len, len);
            }
        }
}

/* RFC 9147 section 4.5.3: 2^23 records under a CCM key. */
static void test_limit(void)
{
    struct lks_key seal = {0};
    CU_ASSERT_EQUAL(lks_key_init(&seal, LKS_TLS_1_3, LKS_AES_128_CCM_8, LKS_SEAL, key, nonce),
                    LKS_OK);
    CU_ASSERT_EQUAL(seal.aead->max_records, 1u << 23);
    CU_ASSERT_EQUAL(lks_key_record_len(&seal, 100), 5 + 100 + 1 + 8);
    CU_ASSERT_EQUAL(lks_key_init(&seal, LKS_TLS_1_2, LKS_AES_256_CCM, LKS_SEAL, key, nonce),
                    LKS_OK);
    CU_ASSERT_EQUAL(lks_key_record_len(&seal, 100), 5 + 8 + 100 + 16);
}

const struct lks_test ccm_tests[] = {
    {"additional data of any length beside libcrypto", test_additional_data},
    {"limits and lengths", test_limit},
    {0},
};
