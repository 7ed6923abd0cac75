/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/tls12/rsa_premaster.h"

#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "base/ct.h"
#include "handshake/errors.h"

enum lks_status lks_rsa_encrypt(uint8_t premaster[LKS_PREMASTER_LEN], uint8_t *encrypted,
                                size_t *len, EVP_PKEY *key, uint16_t version)
{
    LKS_OWN_ERRORS;
    if (RAND_bytes(premaster, LKS_PREMASTER_LEN) != 1)
        return lks_errors_cause(LKS_INTERNAL);
    premaster[0] = (uint8_t)(version >> 8); /* [5246 7.4.7.1-1] */
    premaster[1] = (uint8_t)version;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
              EVP_PKEY_encrypt(ctx, encrypted, len, premaster, LKS_PREMASTER_LEN) > 0;
    EVP_PKEY_CTX_free(ctx);
    return ok ? LKS_OK : lks_errors_cause(LKS_INTERNAL);
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

/*
 * RSA itself, without padding: what it gives says nothing about the padding. It fails only for a
 * number that is not below the modulus, which everybody can see, and then it is LKS_INTERNAL;
 * or for want of memory. libcrypto blinds it.
 */
static enum lks_status decrypt_raw(uint8_t *block, size_t k, EVP_PKEY *key,
                                   const uint8_t *encrypted, size_t encrypted_len)
{
    LKS_OWN_ERRORS;
    size_t len = k;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = encrypted_len == k && ctx && EVP_PKEY_decrypt_init(ctx) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 &&
              EVP_PKEY_decrypt(ctx, block, &len, encrypted, encrypted_len) > 0 && len == k;
    EVP_PKEY_CTX_free(ctx);
    return ok ? LKS_OK : lks_errors_cause(LKS_INTERNAL);
}

/* [5246 7.4.7.1-2 7.4.7.1-3] The random secret is made before anything is known. */
enum lks_status lks_rsa_decrypt(uint8_t premaster[LKS_PREMASTER_LEN], EVP_PKEY *key,
                                uint16_t version, const uint8_t *encrypted, size_t encrypted_len)
{
    uint8_t block[LKS_RSA_MAX] = {0};
    const int k = EVP_PKEY_get_size(key);
    if (k < (int)LKS_PREMASTER_LEN + 11 || k > (int)LKS_RSA_MAX ||
        RAND_bytes(premaster, LKS_PREMASTER_LEN) != 1)
        return LKS_INTERNAL;
    enum lks_status status = decrypt_raw(block, (size_t)k, key, encrypted, encrypted_len);
    if (lks_errors_doubt(status))
        status = decrypt_raw(block, (size_t)k, key, encrypted, encrypted_len);
    if (lks_errors_doubt(status)) {
        block[0] = 1; /* as good as any wrong padding */
        status = LKS_OK;
    }
    lks_ct_secret(block, sizeof(block));
    lks_rsa_unpad(premaster, block, (size_t)k, version);
    lks_wipe(block, sizeof(block));
    return status;
}
