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
#include "handshake/resumption/session_cache.h"

struct lks_hs;

enum lks_ask_kind {
    LKS_ASK_SIGNATURE,
    LKS_ASK_HELLO,
    LKS_ASK_PEER,
    LKS_ASK_SESSION,
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
    struct lks_hello *hello;   /* of a ClientHello, with its lists; and the answer: */
    struct lks_config *config; /* NULL: none other */
    struct {                   /* of a peer's certificates: */
        char *name;
        uint8_t *chain, *ocsp; /* each behind its uint24 length; NULL: no response */
        size_t chain_len, ocsp_len;
        uint64_t until_ms; /* the answer */
    } peer;
    struct { /* of a session: */
        uint8_t id[LKS_CACHE_ID_LEN];
        uint8_t *bytes; /* the answer, of LKS_STORED_MAX at most; NULL: nothing is there */
        size_t len;
    } session;
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

/* A ClientHello came: LKS_OK where nobody is to be asked, or was already; LKS_WANT_ANSWER: the
 * handler is to come again with the same message. */
struct lks_client_hello;
LKS_MUST_CHECK enum lks_status
lks_hs_ask_hello(struct lks_hs *hs, const struct lks_client_hello *hello, struct lks_reader body);

/* Verifies hs->peer as the policy says. LKS_OK may mean that hs->ask waits: nothing goes on before
 * that. */
LKS_MUST_CHECK enum lks_status lks_hs_verify_peer(struct lks_hs *hs);

/* Asks the memory's store, once a handshake: LKS_WANT_ANSWER, the handler is to come again. LKS_OK:
 * what it gave is in hs->stored, NULL: nothing. */
LKS_MUST_CHECK enum lks_status lks_hs_ask_session(struct lks_hs *hs, struct lks_reader id);

/* Takes the answer that hs->ask has. */
LKS_MUST_CHECK enum lks_status lks_hs_take_answer(struct lks_hs *hs);

#endif
