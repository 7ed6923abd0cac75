/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Poly1305's last reduction: a sum that is 0 … 4 modulo p = 2^130 - 5 may stand as p … 2^130 - 1
 * until p is taken away. Random messages get there once in 2^128 times, so these are made to: the
 * text's last block is solved for, by libcrypto's numbers.
 */
#include <lockstep/engine.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/bytes.h"
#include "common/test.h"
#include "simd/aead.h"

enum { TEXT_MAX = 4096, LANES_MAX = 8 };

static BN_CTX *ctx;
static BIGNUM *p;

/* RFC 8439 section 2.6: the one-time key is the key stream's block 0. */
static void one_time_key(uint8_t out[32], const uint8_t key[32], const uint8_t nonce[12])
{
    uint8_t iv[16] = {0}; /* counter, nonce */
    const uint8_t zeros[32] = {0};
    int len = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    memcpy(iv + 4, nonce, 12);
    CU_ASSERT_FATAL(cipher && EVP_EncryptInit_ex(cipher, EVP_chacha20(), NULL, key, iv) == 1 &&
                    EVP_EncryptUpdate(cipher, out, &len, zeros, 32) == 1 && len == 32);
    EVP_CIPHER_CTX_free(cipher);
}

static void must(int ok)
{
    CU_ASSERT_FATAL(ok == 1);
}

/* sum = (sum + block) r; section 2.5. */
static void add_block(BIGNUM *sum, const uint8_t block[16], const BIGNUM *r)
{
    BIGNUM *n = BN_lebin2bn(block, 16, NULL);
    CU_ASSERT_FATAL(n != NULL);
    must(BN_set_bit(n, 128));
    must(BN_mod_add(sum, sum, n, p, ctx));
    must(BN_mod_mul(sum, sum, r, p, ctx));
    BN_free(n);
}

/* Sets the last 16 bytes of text, len of them, a multiple of 16, so that the sum is as wanted;
 * false if no block does that: three times in four. tag: what section 2.5 makes of it. */
static bool solve(uint8_t *text, uint32_t len, unsigned int wanted, const uint8_t one_time[32],
                  uint8_t tag[16])
{
    uint8_t clamped[16], lengths[16] = {0};
    memcpy(clamped, one_time, 16);
    for (unsigned int i = 0; i < 16; i++)
        clamped[i] &= i % 4 == 3 ? 0x0f : i && i % 4 == 0 ? 0xfc : 0xff;
    store_le64(lengths + 8, len);
    BIGNUM *r = BN_lebin2bn(clamped, 16, NULL), *sum = BN_new(), *need = BN_new();
    BIGNUM *inverse = BN_mod_inverse(NULL, r, p, ctx), *last = BN_lebin2bn(lengths, 16, NULL);
    BIGNUM *s = BN_lebin2bn(one_time + 16, 16, NULL);
    CU_ASSERT_FATAL(r && sum && need && inverse && last && s);
    BN_zero(sum);
    for (uint32_t at = 0; at + 16 < len; at += 16)
        add_block(sum, text + at, r);
    /* need = (wanted / r - lengths) / r - sum */
    must(BN_set_bit(last, 128));
    must(BN_set_word(need, wanted));
    must(BN_mod_mul(need, need, inverse, p, ctx));
    must(BN_mod_sub(need, need, last, p, ctx));
    must(BN_mod_mul(need, need, inverse, p, ctx));
    must(BN_mod_sub(need, need, sum, p, ctx));
    const bool found = BN_num_bits(need) == 129;
    if (found) {
        must(BN_clear_bit(need, 128));
        CU_ASSERT_FATAL(BN_bn2lebinpad(need, text + len - 16, 16) == 16);
        must(BN_add_word(s, wanted));
        must(BN_is_bit_set(s, 128) ? BN_mask_bits(s, 128) : 1);
        CU_ASSERT_FATAL(BN_bn2lebinpad(s, tag, 16) == 16);
    }
    BN_free(r), BN_free(sum), BN_free(need), BN_free(inverse), BN_free(last), BN_free(s);
    return found;
}

/* Opens the text as a stream, or as all lanes. */
static bool opens(const struct lks_aead *row, const uint8_t *key, const uint8_t *nonce,
                  const uint8_t *cipher, uint32_t len, const uint8_t tag[16], bool in_lanes)
{
    static _Alignas(64) uint8_t state[LKS_KEY_STATE_MAX];
    static uint8_t text[LANES_MAX][TEXT_MAX], tags[LANES_MAX][16];
    struct lks_aead_job jobs[LANES_MAX], *pointers[LANES_MAX];
    struct lks_seg segs[LANES_MAX];
    const uint32_t num = in_lanes ? row->num_lanes : 1;
    bool ok = num <= LANES_MAX;
    row->init(state, key);
    for (uint32_t i = 0; ok && i < num; i++) {
        memcpy(text[i], cipher, len);
        segs[i] = (struct lks_seg){text[i], text[i], len};
        memcpy(tags[i], tag, 16);
        jobs[i] = (struct lks_aead_job){
            .state = state, .segs = &segs[i], .num_segs = 1, .len = len, .tag = tags[i]};
        memcpy(jobs[i].nonce, nonce, 12);
        pointers[i] = &jobs[i];
    }
    if (ok && in_lanes)
        row->open_lanes(pointers, num);
    else if (ok)
        row->open(pointers[0]);
    for (uint32_t i = 0; ok && i < num; i++)
        ok = jobs[i].ok;
    return ok;
}

static void check_rows(const uint8_t *key, const uint8_t *nonce, const uint8_t *cipher,
                       uint32_t len, const uint8_t tag[16], unsigned int sum)
{
    for (const struct lks_aead *const *row = lks_aead_rows(LKS_CHACHA20_POLY1305); *row; row++) {
        if (!lks_aead_usable(*row))
            continue;
        LKS_CHECK(opens(*row, key, nonce, cipher, len, tag, false), "%s: %u bytes, sum %u",
                  (*row)->isa, len, sum);
        if (len <= (*row)->lanes_max_len)
            LKS_CHECK(opens(*row, key, nonce, cipher, len, tag, true),
                      "%s in lanes: %u bytes, sum %u", (*row)->isa, len, sum);
    }
}

/* 5 and 6 are sums that need nothing. */
static void test_last_reduction(void)
{
    static const uint32_t lens[] = {16, 32, 64, 112, 128, 144, 512, 1024, 2048, 4096};
    uint64_t seed = 1;
    for (unsigned int sum = 0; sum < 7; sum++)
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
            uint8_t key[32], nonce[12], cipher[TEXT_MAX], one_time[32], tag[16];
            do {
                lks_test_fill(&seed, key, sizeof(key));
                lks_test_fill(&seed, nonce, sizeof(nonce));
                lks_test_fill(&seed, cipher, lens[i]);
                one_time_key(one_time, key, nonce);
            } while (!solve(cipher, lens[i], sum, one_time, tag));
            check_rows(key, nonce, cipher, lens[i], tag, sum);
        }
}

int main(void)
{
    static const struct lks_test tests[] = {{"last reduction", test_last_reduction}, {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"poly1305", tests}, {NULL, NULL}};
    ctx = BN_CTX_new();
    p = BN_new();
    if (!ctx || !p || !BN_set_bit(p, 130) || !BN_sub_word(p, 5))
        return 1;
    int rc = lks_test_run("simd-poly1305", suites);
    BN_free(p);
    BN_CTX_free(ctx);
    return rc;
}
