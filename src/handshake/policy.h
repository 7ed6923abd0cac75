/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_POLICY_H
#define LKS_HANDSHAKE_POLICY_H

/* Inside struct lks_policy: read-only once it is frozen. */

#include <openssl/x509.h>
#include <time.h>

#include <lockstep/callbacks.h>
#include <lockstep/policy.h>

#include "base/writer.h"
#include "handshake/certificate/compress.h"
#include "handshake/certificate/revocation.h"
#include "handshake/certificate/sign.h"
#include "handshake/exchange/group.h"
#include "handshake/names.h"
#include "handshake/part.h"
#include "handshake/suite.h"

/* RFC 8449 section 4: the least, and what TLS 1.3 allows at most. */
#define LKS_RECORD_SIZE_LIMIT_MIN 64u
#define LKS_RECORD_SIZE_LIMIT_MAX 16385u

#define LKS_TICKETS_MAX 4u

/*
 * What tests put in the place of chance, and of messages that a handshake is free to word as it
 * likes, to reproduce one byte for byte. There is no way to set it from outside. user is handed on;
 * a function that is NULL takes nothing's place.
 */
struct lks_hooks {
    void *user;
    void (*random)(void *user, uint8_t *out, size_t len);
    /* A key of the group, and its share: whichever side's. */
    enum lks_status (*generate)(void *user, const struct lks_group *group,
                                struct lks_group_key **key, uint8_t *share);
    /* May put another message, header included, in the place of the one that begins there. */
    void (*message)(void *user, struct lks_writer *w, size_t begin);
    bool takes_any_peer; /* whoever signed its certificate */
};

/* A callback that is asked, callbacks.h. */
struct lks_asker {
    void (*ask)(void *user, struct lks_conn *conn, struct lks_ask *ask); /* NULL: none */
    void *user;
};

struct lks_policy {
    struct lks_part part;
    char *alpn[LKS_LIST_MAX + 1]; /* NULL at the end */
    const struct lks_suite *suites[LKS_LIST_MAX + 1];
    const struct lks_group *groups[LKS_LIST_MAX + 1];
    const struct lks_sign_scheme *schemes[LKS_LIST_MAX + 1];              /* TLS 1.2's rows */
    const struct lks_compression *compressions[LKS_COMPRESSIONS_MAX + 1]; /* of the peer's */
    int key_log; /* a file descriptor; -1: none */
    void (*key_log_queue)(void *user, const char *line, size_t len); /* NULL: written at once */
    void *key_log_user;
    struct lks_asker signer, hello, verifier;
    enum lks_verify verifies;
    uint64_t (*clock)(void *user); /* NULL: now_ms */
    void *clock_user;
    void (*trace)(void *user, const struct lks_conn *conn, const struct lks_trace *row);
    void *trace_user;
    const struct lks_hooks *hooks; /* tests only */
    uint64_t (*now_ms)(void);      /* Unix time in milliseconds */
    time_t verify_time;            /* of tests, instead of now; 0: now */
    uint16_t min_version, max_version;
    uint16_t record_size_limit;
    uint16_t padding_size;
    enum lks_padding padding;
    enum lks_keep keep;            /* of a handshake, once it is done */
    bool defers_pkey;              /* a handshake stops for public-key work */
    bool no_compat;                /* a client's hello does without RFC 8446's appendix D.4 */
    bool greases;                  /* RFC 8701 */
    X509_STORE *trust;             /* NULL: nobody */
    STACK_OF(X509) * anchors;      /* each certificate that is trusted, */
    uint8_t (*anchor_digests)[32]; /* its SHA-256, in the same order, */
    uint8_t trust_digest[32];      /* and one of them all, in any order; zeros: nobody */
    struct lks_revocation revocation;
    uint8_t *authorities; /* names of those trusted, as in certificate_authorities; or NULL */
    size_t authorities_len;
    enum lks_ocsp ocsp;
    bool asks_sct;
    enum lks_client_auth client_auth;
    bool sends_authorities; /* in CertificateRequest */
    enum lks_client_sessions client_sessions;
    bool sni_required; /* of a server's clients: a name that a certificate has */
    uint32_t num_tickets, lifetime_s;
    bool no_psk_dhe_ke, psk_ke;
    uint32_t max_early; /* bytes of early data; 0: none */
};

/* The system's clock, and the one that connections go by. */
uint64_t lks_system_time_ms(void);
static inline uint64_t lks_policy_now_ms(const struct lks_policy *policy)
{
    return policy->clock ? policy->clock(policy->clock_user) : policy->now_ms();
}

/* What peers' certificates are held against: the time, or the tests'. */
static inline uint64_t lks_policy_verify_ms(const struct lks_policy *policy)
{
    return policy->verify_time ? UINT64_C(1000) * (uint64_t)policy->verify_time
                               : lks_policy_now_ms(policy);
}

/* The row of a scheme in a version, if it is allowed; else NULL. */
const struct lks_sign_scheme *lks_policy_scheme(const struct lks_policy *policy, uint16_t number,
                                                enum lks_version version);

/* trust.c: the certificate that is trusted and has this SHA-256; NULL: none. */
X509 *lks_policy_find_anchor(const struct lks_policy *policy, const uint8_t digest[32]);
/* Gives up what is kept of whom it trusts. */
void lks_policy_forget_trust(struct lks_policy *policy);
/* Whether a CertificateRequest has room for so many bytes of names, if they are to be sent. */
bool lks_authorities_fit(enum lks_client_auth mode, bool send_authorities, size_t len);
#define LKS_AUTHORITIES_REMEDY                                                                \
    "more than 65023 bytes of names, which no CertificateRequest can carry; trust fewer, or " \
    "do not send the names"

#endif
