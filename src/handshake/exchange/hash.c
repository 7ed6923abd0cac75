/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/exchange/hash.h"

#include <pthread.h>
#include <string.h>

#include "base/ct.h"
#include "base/writer.h"

static EVP_MD *sha256, *sha384;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
}

const EVP_MD *lks_hash_of(const struct lks_suite *suite)
{
    pthread_once(&fetched, fetch);
    return suite->hash_len == 48 ? sha384 : sha256;
}

static bool digest(EVP_MD_CTX *ctx, const EVP_MD *md, const uint8_t *pad, size_t pad_len,
                   const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, uint8_t *out)
{
    return EVP_DigestInit_ex2(ctx, md, NULL) && EVP_DigestUpdate(ctx, pad, pad_len) &&
           EVP_DigestUpdate(ctx, a, a_len) && EVP_DigestUpdate(ctx, b, b_len) &&
           EVP_DigestFinal_ex(ctx, out, NULL);
}

enum lks_status lks_hmac(const EVP_MD *md, const uint8_t *key, size_t key_len, const uint8_t *a,
                         size_t a_len, const uint8_t *b, size_t b_len, uint8_t *out)
{
    const size_t block_len = (size_t)EVP_MD_get_block_size(md);
    const size_t hash_len = (size_t)EVP_MD_get_size(md);
    uint8_t pad[LKS_HASH_BLOCK_MAX] = {0}, inner[LKS_HASH_MAX];
    if (key_len > block_len || block_len > sizeof(pad))
        return LKS_INTERNAL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        return LKS_NO_MEMORY;
    memcpy(pad, key, key_len);
    for (size_t i = 0; i < block_len; i++)
        pad[i] ^= 0x36;
    bool ok = digest(ctx, md, pad, block_len, a, a_len, b, b_len, inner);
    for (size_t i = 0; i < block_len; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    ok = ok && digest(ctx, md, pad, block_len, inner, hash_len, NULL, 0, out);
    EVP_MD_CTX_free(ctx);
    lks_wipe(pad, sizeof(pad));
    lks_wipe(inner, sizeof(inner));
    return ok ? LKS_OK : LKS_NO_MEMORY;
}

enum lks_status lks_hkdf_expand_label(const EVP_MD *md, const uint8_t *secret, const char *label,
                                      const uint8_t *context, size_t context_len, uint8_t *out,
                                      size_t out_len)
{
    const size_t hash_len = (size_t)EVP_MD_get_size(md);
    uint8_t bytes[2 + 1 + 255 + 1 + 255], block[LKS_HASH_MAX + sizeof(bytes) + 1];
    struct lks_writer info = lks_writer_of(bytes, sizeof(bytes));
    lks_write_u16(&info, (uint16_t)out_len);
    size_t mark = lks_write_open(&info, 1);
    lks_write_bytes(&info, "tls13 ", 6);
    lks_write_bytes(&info, label, strlen(label));
    lks_write_close(&info, mark, 1);
    mark = lks_write_open(&info, 1);
    lks_write_bytes(&info, context, context_len);
    lks_write_close(&info, mark, 1);
    if (info.failed || out_len > 255 * hash_len)
        return LKS_INTERNAL;

    /* T(i) = HMAC(secret, T(i-1) | info | i), RFC 5869 section 2.3. */
    uint8_t previous[LKS_HASH_MAX];
    size_t previous_len = 0;
    enum lks_status status = LKS_OK;
    for (uint8_t i = 1; out_len && !status; i++) {
        memcpy(block, bytes, info.len);
        block[info.len] = i;
        status =
            lks_hmac(md, secret, hash_len, previous, previous_len, block, info.len + 1, previous);
        previous_len = hash_len;
        size_t n = out_len < hash_len ? out_len : hash_len;
        memcpy(out, previous, n);
        out += n;
        out_len -= n;
    }
    lks_wipe(previous, sizeof(previous));
    return status;
}
