/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_PKEY_H
#define LKS_HANDSHAKE_PKEY_H

/*
 * A piece of public-key work that a handshake waits for. It holds copies or references of its own
 * of all that it works on, so that it can run on another thread, and outlive its connection.
 */

#include <openssl/evp.h>

#include <lockstep/conn.h>

#include "handshake/group.h"
#include "handshake/sign.h"

#define LKS_SIGNED_MAX 1280u /* bytes to sign */

struct lks_pkey_job {
    enum lks_status (*run)(struct lks_pkey_job *job);
    enum lks_status status; /* LKS_WANT_PKEY until it ran */
    union {
        struct {
            const struct lks_sign_scheme *scheme;
            EVP_PKEY *key;
            size_t content_len, sig_len;
            uint8_t content[LKS_SIGNED_MAX];
            uint8_t sig[LKS_SIGNATURE_MAX];
        } sign;
        struct {
            const struct lks_group *group;
            struct lks_group_key *own; /* NULL: made here, and its share left in share */
            size_t peer_share_len;
            uint8_t peer_share[LKS_SHARE_MAX];
            uint8_t share[LKS_SHARE_MAX];
            uint8_t secret[LKS_SHARED_SECRET_MAX]; /* group->secret_len bytes */
        } agree;
    };
};

/* A signature over content, of at most LKS_SIGNED_MAX bytes. */
LKS_MUST_CHECK enum lks_status lks_pkey_sign(struct lks_pkey_job **out,
                                             const struct lks_sign_scheme *scheme, EVP_PKEY *key,
                                             const uint8_t *content, size_t content_len);

/* Key agreement. own: the key whose share the peer has, which becomes the job's, also on failure;
 * or NULL: answer the peer's share with one of our own. */
LKS_MUST_CHECK enum lks_status lks_pkey_agree(struct lks_pkey_job **out,
                                              const struct lks_group *group,
                                              struct lks_group_key *own, const uint8_t *peer_share,
                                              size_t peer_share_len);

#endif
