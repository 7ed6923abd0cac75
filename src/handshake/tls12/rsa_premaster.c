/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/tls12/rsa_premaster.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "base/ct.h"
#include "handshake/errors.h"

static enum lks_status encrypt(const uint8_t premaster[LKS_PREMASTER_LEN], uint8_t *encrypted,
                               size_t *len, EVP_PKEY *key)
{
    size_t room = *len;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
              EVP_PKEY_encrypt(ctx, encrypted, &room, premaster, LKS_PREMASTER_LEN) > 0;
    EVP_PKEY_CTX_free(ctx);
    if (!ok)
        return lks_errors_cause(LKS_INTERNAL);
    *len = room;
    return LKS_OK;
}

enum lks_status lks_rsa_encrypt(uint8_t premaster[LKS_PREMASTER_LEN], uint8_t *encrypted,
                                size_t *len, EVP_PKEY *key, uint16_t version)
{
    LKS_OWN_ERRORS;
    if (RAND_bytes(premaster, LKS_PREMASTER_LEN) != 1)
        return lks_errors_cause(LKS_INTERNAL);
    premaster[0] = (uint8_t)(version >> 8); /* [5246 7.4.7.1-1] */
    premaster[1] = (uint8_t)version;
    enum lks_status status = encrypt(premaster, encrypted, len, key);
    return lks_errors_doubt(status) ? encrypt(premaster, encrypted, len, key) : status;
}

/*
 * 0 | 2 | at least eight bytes that are not zero | 0 | the secret. With a secret of one length only
 * one byte may be the zero, so all is known of where things stand, and nothing is searched for.
 */
void lks_rsa_unpad(uint8_t premaster[LKS_PREMASTER_LEN], const uint8_t *block, size_t k,
                   uint16_t version)
{
    const size_t secret_at = k - LKS_PREMASTER_LEN;
    const uint8_t *secret = block + secret_at;
    uint32_t good = lks_ct_is_zero(block[0]) & lks_ct_eq(block[1], 2);
    for (size_t i = 2; i < secret_at - 1; i++)
        good &= ~lks_ct_is_zero(block[i]);
    good &= lks_ct_is_zero(block[secret_at - 1]);
    good &= lks_ct_eq(secret[0], version >> 8) & lks_ct_eq(secret[1], version & 0xff);
    for (size_t i = 0; i < LKS_PREMASTER_LEN; i++)
        premaster[i] = (uint8_t)lks_ct_select(good, secret[i], premaster[i]);
}

/* RSA itself, without padding: what it gives says nothing about the padding. libcrypto blinds it.
 */
static bool decrypt_raw(uint8_t *block, size_t k, EVP_PKEY *key, const uint8_t *encrypted)
{
    size_t len = k;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = ctx && EVP_PKEY_decrypt_init(ctx) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 &&
              EVP_PKEY_decrypt(ctx, block, &len, encrypted, k) > 0 && len == k;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* Whether a number is below the modulus, which everybody can see; false, too, for want of memory
 * (then *known is). */
static bool is_below(const uint8_t *encrypted, size_t k, const EVP_PKEY *key, bool *known)
{
    BIGNUM *n = NULL, *c = BN_bin2bn(encrypted, (int)k, NULL);
    *known = c && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
    const bool below = *known && BN_cmp(c, n) < 0;
    BN_free(n);
    BN_free(c);
    return below;
}

/* What failed halfway, for want of memory, may have left the key's blinding at odds with itself,
 * until there is another one: what comes of it is then wrong, and never twice the same. */
static bool decrypt_again(uint8_t *block, size_t k, EVP_PKEY *key, const uint8_t *encrypted)
{
    uint8_t other[LKS_RSA_MAX];
    bool same = false;
    for (unsigned int i = 0; i < LKS_BLINDING_USES && !same; i++)
        same = decrypt_raw(other, k, key, encrypted) && decrypt_raw(block, k, key, encrypted) &&
               lks_ct_memeq(block, other, k);
    lks_wipe(other, sizeof(other));
    return same;
}

/* [5246 7.4.7.1-2 7.4.7.1-3] The random secret is made before anything is known. What is no number
 * below the modulus is as good as any wrong padding; another one fails for want of memory only. */
enum lks_status lks_rsa_decrypt(uint8_t premaster[LKS_PREMASTER_LEN], EVP_PKEY *key,
                                uint16_t version, const uint8_t *encrypted, size_t encrypted_len)
{
    LKS_OWN_ERRORS;
    uint8_t block[LKS_RSA_MAX] = {0};
    const int size = EVP_PKEY_get_size(key);
    const size_t k = size > 0 ? (size_t)size : 0;
    if (k < LKS_PREMASTER_LEN + 11 || k > LKS_RSA_MAX ||
        RAND_bytes(premaster, LKS_PREMASTER_LEN) != 1)
        return LKS_INTERNAL;
    if (encrypted_len != k || !decrypt_raw(block, k, key, encrypted)) {
        bool known = true;
        const bool below = encrypted_len == k && is_below(encrypted, k, key, &known);
        if ((below || !known) && !decrypt_again(block, k, key, encrypted))
            return LKS_NO_MEMORY;
        if (!below && known)
            block[0] = 1;
    }
    lks_ct_secret(block, sizeof(block));
    lks_rsa_unpad(premaster, block, k, version);
    lks_wipe(block, sizeof(block));
    return LKS_OK;
}
