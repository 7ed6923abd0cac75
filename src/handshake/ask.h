/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_ASK_H
#define LKS_HANDSHAKE_ASK_H

/*
 * Questions to the application, <lockstep/callbacks.h>. One belongs to two: the handshake, until it
 * has taken the answer or is gone, and the application, until it frees it. It has copies of all
 * that it tells, so that it may be read on other threads and outlive the handshake.
 */

#include <lockstep/callbacks.h>

#include "base/reader.h"
#include "handshake/pkey.h"
#include "handshake/policy.h"

struct lks_hs;

enum lks_ask_kind {
    LKS_ASK_SIGNATURE,
};

struct lks_ask {
    enum lks_ask_kind kind;
    unsigned int num_owners;
    struct lks_conn *conn; /* that waits; NULL: none does any more */
    bool answered;
    enum lks_status status; /* the answer: LKS_OK, or why not */
    struct {                /* of a signature: */
        struct lks_pkey_job *job;
        void *key;
        uint8_t *certificate;
        size_t certificate_len;
    } sign;
};

/* Keeps an answer: a bare status, or one with a reason. */
void lks_ask_settle(struct lks_ask *ask, enum lks_status status);
/* The same of a signature, whatever it is. */
void lks_ask_settle_signature(struct lks_ask *ask, const uint8_t *sig, size_t sig_len);

/* One owner less. */
void lks_ask_leave(struct lks_ask *ask);
/* The handshake's share: nobody waits any more. */
void lks_ask_forget(struct lks_ask *ask);

/* Has content signed with the key of hs->certificate, here or elsewhere, and returns what a handler
 * returns that ends in that; resume finds the signature in the job. */
LKS_MUST_CHECK enum lks_status
lks_hs_sign(struct lks_hs *hs, const uint8_t *content, size_t content_len,
            enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job));

/* Takes the answer that hs->ask has. */
LKS_MUST_CHECK enum lks_status lks_hs_take_answer(struct lks_hs *hs);

#endif
