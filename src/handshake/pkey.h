/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_PKEY_H
#define LKS_HANDSHAKE_PKEY_H

/*
 * A piece of public-key work that a handshake waits for. It holds copies or references of its own
 * of all that it works on, so that it can run on another thread, and outlive its connection.
 */

#include <openssl/evp.h>

#include <lockstep/conn.h>

#include "handshake/certificate/sign.h"
#include "handshake/exchange/group.h"
#include "handshake/tls12/rsa_premaster.h"

struct lks_pkey_job {
    enum lks_status (*run)(struct lks_pkey_job *job);
    enum lks_status status; /* LKS_WANT_PKEY until it ran */
    union {
        struct {
            const struct lks_sign_scheme *scheme;
            EVP_PKEY *key;
            size_t content_len, sig_len;
            uint8_t *content; /* the job's */
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
        struct {
            EVP_PKEY *key;
            uint16_t version; /* that the pre-master secret must begin with */
            size_t encrypted_len;
            uint8_t encrypted[LKS_RSA_MAX];
            uint8_t premaster[LKS_PREMASTER_LEN];
        } decrypt;
    };
};

/* A signature over content, which is copied. */
LKS_MUST_CHECK enum lks_status lks_pkey_sign(struct lks_pkey_job **out,
                                             const struct lks_sign_scheme *scheme, EVP_PKEY *key,
                                             const uint8_t *content, size_t content_len);

/* Key agreement. own: the key whose share the peer has, which becomes the job's, also on failure;
 * or NULL: answer the peer's share with one of our own. */
LKS_MUST_CHECK enum lks_status lks_pkey_agree(struct lks_pkey_job **out,
                                              const struct lks_group *group,
                                              struct lks_group_key *own, const uint8_t *peer_share,
                                              size_t peer_share_len);

/*
 * Decryption of TLS 1.2's EncryptedPreMasterSecret, RFC 5246 section 7.4.7.1. What does not decrypt
 * to a pre-master secret of that version gives a random one, in the same time and with the same
 * status: who cannot decrypt it learns nothing but that Finished is wrong in the end.
 */
LKS_MUST_CHECK enum lks_status lks_pkey_decrypt(struct lks_pkey_job **out, EVP_PKEY *key,
                                                uint16_t version, const uint8_t *encrypted,
                                                size_t encrypted_len);

#endif
