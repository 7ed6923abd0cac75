/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_GROUP_KIND_H
#define LKS_HANDSHAKE_GROUP_KIND_H

/* Inside the groups: what a kind of group can do. Lengths of shares were checked before. */

#include <openssl/evp.h>

#include "base/reason.h"
#include "handshake/exchange/group.h"

struct lks_group_key {
    const struct lks_group *group;
    EVP_PKEY *pkey;              /* Diffie-Hellman */
    uint8_t *dk;                 /* hybrid: ML-KEM's decapsulation key, */
    struct lks_group_key *other; /* and the other half */
};

struct lks_group_kind {
    enum lks_status (*generate)(struct lks_group_key *key, uint8_t *share);
    enum lks_status (*finish)(const struct lks_group_key *key, const uint8_t *peer_share,
                              uint8_t *secret);
    enum lks_status (*respond)(const struct lks_group *group, const uint8_t *peer_share,
                               uint8_t *share, uint8_t *secret);
    /* Whatever of the key is neither the struct itself nor NULL. */
    void (*clear)(struct lks_group_key *key);
};

/* ML-KEM-768 beside the Diffie-Hellman group whose row is the parameter. */
extern const struct lks_group_kind lks_group_hybrid;

/* Diffie-Hellman over libcrypto: elliptic curves, X25519 and prime fields. */
extern const struct lks_group_kind lks_group_dh;
extern const struct lks_group_dh_params lks_group_x25519, lks_group_p256, lks_group_p384,
    lks_group_p521, lks_group_ffdhe2048, lks_group_ffdhe3072, lks_group_modp2048,
    lks_group_modp3072;

#endif
