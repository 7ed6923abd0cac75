/* SPDX-License-Identifier: BSD-3-Clause */
#include "record/protection.h"

#include <stddef.h>
#include <string.h>

static const struct lks_protection plaintext = {.is_plaintext = true};
static const struct lks_protection tls13 = {.hides_type = true};
static const struct lks_protection tls12_explicit_nonce = {.explicit_nonce_len = 8};
static const struct lks_protection tls12_implicit_nonce = {.explicit_nonce_len = 0};

const struct lks_protection *lks_protection_of(enum lks_version version, enum lks_aead_id aead)
{
    static const struct lks_protection *const tls12[LKS_NUM_AEADS] = {
        [LKS_AEAD_NULL] = &plaintext,
        [LKS_AES_128_GCM] = &tls12_explicit_nonce,
        [LKS_AES_256_GCM] = &tls12_explicit_nonce,
        [LKS_CHACHA20_POLY1305] = &tls12_implicit_nonce,
    };
    if ((unsigned int)aead >= LKS_NUM_AEADS)
        return NULL;
    if (version == LKS_TLS_1_2)
        return tls12[aead];
    return aead == LKS_AEAD_NULL ? &plaintext : &tls13;
}

static void store_seq(uint8_t out[8], uint64_t seq)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(seq >> 8 * (7 - i));
}

void lks_protection_nonce(const struct lks_protection *row, const uint8_t iv[12], uint64_t seq,
                          const uint8_t *explicit_nonce, uint8_t nonce[12])
{
    memcpy(nonce, iv, 12);
    if (row->explicit_nonce_len) {
        memcpy(nonce + 4, explicit_nonce, 8);
        return;
    }
    uint8_t number[8];
    store_seq(number, seq);
    for (int i = 0; i < 8; i++)
        nonce[4 + i] ^= number[i];
}

uint32_t lks_protection_aad(const struct lks_protection *row,
                            const uint8_t header[LKS_RECORD_HEADER_LEN], uint64_t seq,
                            uint32_t text_len, uint8_t aad[LKS_AAD_MAX])
{
    if (row->hides_type) {
        memcpy(aad, header, LKS_RECORD_HEADER_LEN);
        return LKS_RECORD_HEADER_LEN;
    }
    store_seq(aad, seq);
    memcpy(aad + 8, header, 3);
    aad[11] = (uint8_t)(text_len >> 8);
    aad[12] = (uint8_t)text_len;
    return 13;
}
