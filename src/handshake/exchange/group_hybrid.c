/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * ML-KEM-768 beside a Diffie-Hellman group, draft-ietf-tls-ecdhe-mlkem: each share and the secret
 * is ML-KEM's, then the other's. Who breaks one of them has nothing yet.
 */

#include <openssl/rand.h>
#include <stdlib.h>

#include "base/ct.h"
#include "handshake/exchange/group_kind.h"
#include "simd/mlkem.h"

static const struct lks_group *other_of(const struct lks_group *group)
{
    return (const struct lks_group *)group->params;
}

static enum lks_status hybrid_generate(struct lks_group_key *key, uint8_t *share)
{
    const struct lks_mlkem *mlkem = lks_mlkem_best();
    uint8_t seed[LKS_MLKEM_SEED_LEN];
    if (!mlkem || RAND_priv_bytes(seed, sizeof(seed)) != 1)
        return LKS_INTERNAL;
    key->dk = malloc(LKS_MLKEM_DK_LEN);
    if (key->dk)
        mlkem->generate(share, key->dk, seed);
    lks_wipe(seed, sizeof(seed));
    return key->dk ? lks_group_generate(other_of(key->group), &key->other, share + LKS_MLKEM_EK_LEN)
                   : LKS_NO_MEMORY;
}

static enum lks_status hybrid_finish(const struct lks_group_key *key, const uint8_t *peer_share,
                                     uint8_t *secret)
{
    const struct lks_mlkem *mlkem = lks_mlkem_best();
    if (!mlkem)
        return LKS_INTERNAL;
    mlkem->decapsulate(secret, key->dk, peer_share);
    return lks_group_finish(key->other, peer_share + LKS_MLKEM_CIPHER_LEN,
                            other_of(key->group)->server_share_len, secret + LKS_MLKEM_SECRET_LEN);
}

static enum lks_status hybrid_respond(const struct lks_group *group, const uint8_t *peer_share,
                                      uint8_t *share, uint8_t *secret)
{
    const struct lks_mlkem *mlkem = lks_mlkem_best();
    const struct lks_group *other = other_of(group);
    uint8_t coins[LKS_MLKEM_COINS_LEN];
    if (!mlkem || RAND_priv_bytes(coins, sizeof(coins)) != 1)
        return LKS_INTERNAL;
    bool ok = mlkem->encapsulate(share, secret, peer_share, coins);
    lks_wipe(coins, sizeof(coins));
    if (!ok)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SHARE_INVALID);
    return lks_group_respond(other, peer_share + LKS_MLKEM_EK_LEN, other->client_share_len,
                             share + LKS_MLKEM_CIPHER_LEN, secret + LKS_MLKEM_SECRET_LEN);
}

static void hybrid_clear(struct lks_group_key *key)
{
    if (key->dk)
        lks_wipe(key->dk, LKS_MLKEM_DK_LEN);
    free(key->dk);
    lks_group_key_free(key->other);
}

const struct lks_group_kind lks_group_hybrid = {hybrid_generate, hybrid_finish, hybrid_respond,
                                                hybrid_clear};
