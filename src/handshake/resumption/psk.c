/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/resumption/psk.h"

#include "base/ct.h"
#include "handshake/exchange/hash.h"

enum lks_status lks_psk_set(struct lks_schedule *s, const uint8_t *psk, size_t psk_len)
{
    const uint8_t zeros[LKS_HASH_MAX] = {0};
    return lks_hmac(s->md, zeros, s->suite->hash_len, psk, psk_len, NULL, 0, s->secret);
}

enum lks_status lks_psk_set_none(struct lks_schedule *s)
{
    const uint8_t zeros[LKS_HASH_MAX] = {0};
    return lks_psk_set(s, zeros, s->suite->hash_len);
}

/* finished_key of the binder_key: Derive-Secret(early secret, label, ""). */
static enum lks_status binder_key(const struct lks_schedule *s, bool external, uint8_t *out)
{
    const size_t hash_len = s->suite->hash_len;
    uint8_t empty_hash[LKS_HASH_MAX], key[LKS_HASH_MAX];
    if (!EVP_DigestInit_ex2(s->scratch, s->md, NULL) ||
        !EVP_DigestFinal_ex(s->scratch, empty_hash, NULL))
        return LKS_NO_MEMORY;
    enum lks_status status =
        lks_hkdf_expand_label(s->md, s->secret, external ? "ext binder" : "res binder", empty_hash,
                              hash_len, key, hash_len);
    if (!status)
        status = lks_hkdf_expand_label(s->md, key, "finished", NULL, 0, out, hash_len);
    lks_wipe(key, sizeof(key));
    return status;
}

enum lks_status lks_psk_binder(const struct lks_schedule *s, bool external, const uint8_t *hello,
                               size_t hello_len, uint8_t *out)
{
    const size_t hash_len = s->suite->hash_len;
    uint8_t key[LKS_HASH_MAX], hash[LKS_HASH_MAX];
    enum lks_status status = binder_key(s, external, key);
    if (!status && (!EVP_MD_CTX_copy_ex(s->scratch, s->transcript) ||
                    !EVP_DigestUpdate(s->scratch, hello, hello_len) ||
                    !EVP_DigestFinal_ex(s->scratch, hash, NULL)))
        status = LKS_NO_MEMORY;
    if (!status)
        status = lks_hmac(s->md, key, hash_len, hash, hash_len, NULL, 0, out);
    lks_wipe(key, sizeof(key));
    return status;
}

enum lks_status lks_psk_of_ticket(const struct lks_suite *suite, const uint8_t *resumption_master,
                                  const uint8_t *nonce, size_t nonce_len, uint8_t *out)
{
    const EVP_MD *md = lks_hash_of(suite);
    if (!md)
        return LKS_INTERNAL;
    return lks_hkdf_expand_label(md, resumption_master, "resumption", nonce, nonce_len, out,
                                 suite->hash_len);
}
