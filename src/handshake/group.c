/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/group.h"

#include <openssl/evp.h>
#include <stdbool.h>

static const struct lks_group rows[] = {
    {0x001d, "x25519", 32, 32, NULL},
    {0x0017, "secp256r1", 65, 32, "P-256"},
    {0x0018, "secp384r1", 97, 48, "P-384"},
    {0},
};

const struct lks_group *lks_group_rows(void)
{
    return rows;
}

const struct lks_group *lks_group_find(uint16_t number)
{
    for (const struct lks_group *row = rows; row->name; row++)
        if (row->number == number)
            return row;
    return NULL;
}

static EVP_PKEY *generate(const struct lks_group *group)
{
    return group->curve ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", group->curve)
                        : EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
}

static bool write_share(const struct lks_group *group, EVP_PKEY *key, uint8_t *share)
{
    size_t len = group->share_len;
    if (!group->curve)
        return EVP_PKEY_get_raw_public_key(key, share, &len) && len == group->share_len;
    return EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", share, len, &len) &&
           len == group->share_len;
}

/* The peer's public key; libcrypto checks that a point is on the curve. */
static EVP_PKEY *read_share(const struct lks_group *group, EVP_PKEY *ours, const uint8_t *share,
                            size_t len)
{
    if (len != group->share_len)
        return NULL;
    if (!group->curve)
        return EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, share, len);
    EVP_PKEY *peer = EVP_PKEY_new();
    if (share[0] == 4 && peer && EVP_PKEY_copy_parameters(peer, ours) > 0 &&
        EVP_PKEY_set1_encoded_public_key(peer, share, len) > 0)
        return peer;
    EVP_PKEY_free(peer);
    return NULL;
}

static bool derive(const struct lks_group *group, EVP_PKEY *ours, EVP_PKEY *peer, uint8_t *secret)
{
    size_t len = group->secret_len;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    bool ok = ctx && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_derive_set_peer(ctx, peer) > 0 &&
              EVP_PKEY_derive(ctx, secret, &len) > 0 && len == group->secret_len;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

enum lks_status lks_group_respond(const struct lks_group *group, const uint8_t *peer_share,
                                  size_t peer_share_len, uint8_t *share, uint8_t *secret)
{
    EVP_PKEY *ours = generate(group);
    if (!ours)
        return LKS_INTERNAL;
    enum lks_status status = LKS_OK;
    EVP_PKEY *peer = read_share(group, ours, peer_share, peer_share_len);
    if (!peer || !derive(group, ours, peer, secret))
        status = LKS_ALERT_ILLEGAL_PARAMETER; /* X25519's all-zero secret fails in derive() */
    else if (!write_share(group, ours, share))
        status = LKS_INTERNAL;
    EVP_PKEY_free(peer);
    EVP_PKEY_free(ours);
    return status;
}
