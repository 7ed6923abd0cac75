/* SPDX-License-Identifier: BSD-3-Clause */
#include "record/protection.h"

#include <stddef.h>

static const struct lks_protection plaintext = {.is_plaintext = true};
static const struct lks_protection tls13 = {.hides_type = true};
/* [5288 3-1] */
static const struct lks_protection tls12_explicit_nonce = {.explicit_nonce_len = 8};
/* [7905 2-2] */
static const struct lks_protection tls12_implicit_nonce = {.explicit_nonce_len = 0};
static const struct lks_protection tls12_with_mac = {.has_mac = true, .explicit_nonce_len = 16};

const struct lks_protection *lks_protection_of(enum lks_version version, enum lks_aead_id aead)
{
    static const struct lks_protection *const tls12[LKS_NUM_AEADS] = {
        [LKS_AEAD_NULL] = &plaintext,
        [LKS_AES_128_GCM] = &tls12_explicit_nonce,
        [LKS_AES_256_GCM] = &tls12_explicit_nonce,
        [LKS_CHACHA20_POLY1305] = &tls12_implicit_nonce,
        [LKS_AES_128_CCM] = &tls12_explicit_nonce,
        [LKS_AES_128_CCM_8] = &tls12_explicit_nonce,
        [LKS_AES_256_CCM] = &tls12_explicit_nonce,
        [LKS_AES_256_CCM_8] = &tls12_explicit_nonce,
    };
    if ((unsigned int)aead >= LKS_NUM_ALGORITHMS)
        return NULL;
    if (aead >= LKS_NUM_AEADS)
        return version == LKS_TLS_1_2 ? &tls12_with_mac : NULL;
    if (version == LKS_TLS_1_2)
        return tls12[aead];
    return aead == LKS_AEAD_NULL ? &plaintext : &tls13;
}
