/* SPDX-License-Identifier: BSD-3-Clause */
#include "reference.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "common/test.h"

static void must(int ok)
{
    if (ok <= 0)
        abort();
}

static bool is_ccm(const struct reference_key *key)
{
    return key->aead >= LKS_AES_128_CCM && key->aead <= LKS_AES_256_CCM_8;
}

size_t reference_tag_len(const struct reference_key *key)
{
    if (key->aead == LKS_AEAD_NULL)
        return 0;
    return key->aead == LKS_AES_128_CCM_8 || key->aead == LKS_AES_256_CCM_8 ? 8 : 16;
}

static const EVP_CIPHER *evp_of(enum lks_aead_id aead)
{
    switch (aead) {
    case LKS_AES_128_GCM:
        return EVP_aes_128_gcm();
    case LKS_AES_256_GCM:
        return EVP_aes_256_gcm();
    case LKS_AES_128_CCM:
    case LKS_AES_128_CCM_8:
        return EVP_aes_128_ccm();
    case LKS_AES_256_CCM:
    case LKS_AES_256_CCM_8:
        return EVP_aes_256_ccm();
    default:
        return EVP_chacha20_poly1305();
    }
}

static void evp_seal(const struct reference_key *key, const uint8_t nonce[12], const uint8_t *aad,
                     int aad_len, const uint8_t *text, int len, uint8_t *out)
{
    const int tag_len = (int)reference_tag_len(key);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    must(ctx && EVP_EncryptInit_ex(ctx, evp_of(key->aead), NULL, NULL, NULL));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL));
    must(!is_ccm(key) || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, tag_len, NULL));
    must(EVP_EncryptInit_ex(ctx, NULL, NULL, key->key, nonce));
    must(!is_ccm(key) || EVP_EncryptUpdate(ctx, NULL, &n, NULL, len)); /* CCM knows it before */
    must(EVP_EncryptUpdate(ctx, NULL, &n, aad, aad_len));
    must((!len && !is_ccm(key)) || EVP_EncryptUpdate(ctx, out, &n, text, len));
    must(EVP_EncryptFinal_ex(ctx, out + len, &n));
    must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, tag_len, out + len));
    EVP_CIPHER_CTX_free(ctx);
}

static size_t put_header(uint8_t *record, uint8_t type, size_t fragment)
{
    const uint8_t header[] = {type, 3, 3, (uint8_t)(fragment >> 8), (uint8_t)fragment};
    memcpy(record, header, sizeof(header));
    return sizeof(header) + fragment;
}

/* RFC 8446 section 5.2: the header is the additional data; 5.3: the nonce. */
static size_t seal_tls13(const struct reference_key *key, uint64_t seq, uint8_t type,
                         const uint8_t *content, size_t len, size_t pad_len, uint8_t *record)
{
    static uint8_t inner[RECORD_MAX];
    uint8_t nonce[12];
    memcpy(inner, content, len);
    inner[len] = type;
    memset(inner + len + 1, 0, pad_len);
    memcpy(nonce, key->iv, 12);
    for (int i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(seq >> 8 * i);
    const size_t record_len = put_header(record, 23, len + 1 + pad_len + reference_tag_len(key));
    evp_seal(key, nonce, record, 5, inner, (int)(len + 1 + pad_len), record + 5);
    return record_len;
}

/* RFC 5246 section 6.2.3.3, with the nonce of RFC 5288 and RFC 6655 (salt, then the sequence number
 * in the open) or RFC 7905's. */
static size_t seal_tls12(const struct reference_key *key, uint64_t seq, uint8_t type,
                         const uint8_t *content, size_t len, uint8_t *record)
{
    const size_t prefix = reference_prefix(key);
    uint8_t number[8], aad[13], nonce[12];
    for (int i = 0; i < 8; i++)
        number[i] = (uint8_t)(seq >> (56 - 8 * i));
    memcpy(aad, number, 8);
    put_header(aad + 8, type, len);
    memcpy(nonce, key->iv, 12);
    const size_t record_len = put_header(record, type, prefix - 5 + len + reference_tag_len(key));
    for (int i = 0; i < 8; i++)
        nonce[4 + i] = prefix > 5 ? number[i] : (uint8_t)(nonce[4 + i] ^ number[i]);
    if (prefix > 5)
        memcpy(record + 5, number, 8);
    evp_seal(key, nonce, aad, 13, content, (int)len, record + prefix);
    return record_len;
}

struct mac_suite {
    const EVP_CIPHER *cipher;
    const EVP_MD *md;
    size_t key_len, mac_len;
    bool etm;
};

static struct mac_suite mac_suite_of(const struct reference_key *key)
{
    const bool etm = key->aead >= LKS_AES_128_CBC_SHA_ETM;
    const int which = (int)key->aead - (etm ? LKS_AES_128_CBC_SHA_ETM : LKS_AES_128_CBC_SHA);
    const bool is_128 = which == 0 || which == 2;
    const EVP_MD *md = which < 2 ? EVP_sha1() : which < 4 ? EVP_sha256() : EVP_sha384();
    return (struct mac_suite){is_128 ? EVP_aes_128_cbc() : EVP_aes_256_cbc(), md, is_128 ? 16 : 32,
                              (size_t)EVP_MD_get_size(md), etm};
}

static void evp_cbc(const struct mac_suite *suite, const uint8_t *key, const uint8_t *iv,
                    uint8_t *text, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    must(ctx && EVP_EncryptInit_ex(ctx, suite->cipher, NULL, key, iv));
    must(EVP_CIPHER_CTX_set_padding(ctx, 0));
    must(EVP_EncryptUpdate(ctx, text, &n, text, (int)len));
    EVP_CIPHER_CTX_free(ctx);
}

/* HMAC over seq, type, version, a length and a text. */
static void put_mac(const struct mac_suite *suite, const struct reference_key *key, uint64_t seq,
                    uint8_t type, size_t said_len, const uint8_t *text, size_t len, uint8_t *mac)
{
    static uint8_t all[RECORD_MAX];
    for (int i = 0; i < 8; i++)
        all[i] = (uint8_t)(seq >> (56 - 8 * i));
    put_header(all + 8, type, said_len);
    memcpy(all + 13, text, len);
    must(HMAC(suite->md, key->key + suite->key_len, (int)suite->mac_len, all, 13 + len, mac,
              NULL) != NULL);
}

static void put_iv(const struct mac_suite *suite, const struct reference_key *key, uint64_t seq,
                   uint8_t type, size_t len, uint8_t *iv)
{
    static const uint8_t zero[16];
    uint8_t mask[64];
    must(HMAC(suite->md, key->key + suite->key_len, (int)suite->mac_len, (const uint8_t *)"IV mask",
              7, mask, NULL) != NULL);
    memset(iv, 0, 3);
    for (int i = 0; i < 8; i++)
        iv[3 + i] = (uint8_t)(seq >> (56 - 8 * i));
    put_header(iv + 11, type, len);
    for (int i = 0; i < 16; i++)
        iv[i] ^= mask[i];
    evp_cbc(suite, key->key, zero, iv, 16);
}

size_t reference_seal_mac(const struct reference_key *key, uint64_t seq, uint8_t type,
                          const uint8_t *content, size_t len, size_t padding, uint8_t *record)
{
    const struct mac_suite suite = mac_suite_of(key);
    uint8_t iv[16], *text = record + 21;
    size_t at = len;
    memmove(text, content, len);
    put_iv(&suite, key, seq, type, len, record + 5);
    memcpy(iv, record + 5, 16);
    if (!suite.etm) {
        put_mac(&suite, key, seq, type, len, text, len, text + at);
        at += suite.mac_len;
    }
    memset(text + at, (int)padding, padding + 1);
    at += padding + 1;
    evp_cbc(&suite, key->key, iv, text, at);
    if (suite.etm) {
        put_mac(&suite, key, seq, type, 16 + at, record + 5, 16 + at, text + at);
        at += suite.mac_len;
    }
    return put_header(record, type, 16 + at);
}

size_t reference_suffix(const struct reference_key *key)
{
    if (key->aead < LKS_NUM_AEADS)
        return reference_tag_len(key);
    const struct mac_suite suite = mac_suite_of(key);
    return suite.etm ? suite.mac_len : 0;
}

size_t reference_prefix(const struct reference_key *key)
{
    if (key->aead >= LKS_NUM_AEADS)
        return 21;
    return key->version == LKS_TLS_1_2 && key->aead != LKS_AEAD_NULL &&
                   key->aead != LKS_CHACHA20_POLY1305
               ? 13
               : 5;
}

size_t reference_seal(const struct reference_key *key, uint64_t seq, uint8_t type,
                      const uint8_t *content, size_t len, size_t pad_len, uint8_t *record)
{
    if (key->aead == LKS_AEAD_NULL) {
        memcpy(record + 5, content, len);
        return put_header(record, type, len);
    }
    if (key->aead >= LKS_NUM_AEADS) {
        const struct mac_suite suite = mac_suite_of(key);
        const size_t inside = suite.etm ? 0 : suite.mac_len;
        return reference_seal_mac(key, seq, type, content, len, 15 - (len + inside) % 16, record);
    }
    if (key->version == LKS_TLS_1_2)
        return seal_tls12(key, seq, type, content, len, record);
    return seal_tls13(key, seq, type, content, len, pad_len, record);
}

void reference_lks_key(const struct reference_key *key, enum lks_dir dir, struct lks_key *out)
{
    memset(out, 0, sizeof(*out));
    CU_ASSERT_EQUAL_FATAL(lks_key_init(out, key->version, key->aead, dir, key->key, key->iv),
                          LKS_OK);
}
