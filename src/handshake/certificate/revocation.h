/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_REVOCATION_H
#define LKS_HANDSHAKE_REVOCATION_H

/*
 * A policy's CRLs, RFC 5280 section 5. libcrypto looks each certificate of a chain up in them when
 * it verifies one, and checks the signature of the CRL that it uses. When a session is resumed
 * there is no chain to verify; what there is are the serial numbers in it. So a CRL that one of the
 * trusted certificates has signed, which is known when both are there, is asked for these: it may
 * be newer than the session. Of any other only a chain can tell whether it is genuine, so a session
 * stands on all of those as they were: lks_revocation.bound.
 */

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include <lockstep/status.h>

#include "base/reader.h"
#include "base/writer.h"

struct lks_policy;

#define LKS_ISSUER_KEY_LEN 16u

struct lks_crl {
    X509_CRL *crl;
    char *source;      /* for messages, with */
    unsigned int line; /* 0: it was DER */
    uint64_t from_ms, until_ms;
    uint8_t digest[32];
    uint32_t name;                   /* a hash of its issuer's */
    uint8_t key[LKS_ISSUER_KEY_LEN]; /* of the trusted certificate that signed it, and */
    bool by_serial;                  /* there is one */
    bool is_strange;                 /* of that name there are some, but none has signed it */
};

struct lks_revocation {
    struct lks_crl *crls;
    size_t num;
    STACK_OF(X509_CRL) * all; /* the same; NULL: none */
    bool takes_missing, takes_expired;
    uint8_t digest[32],
        bound[32]; /* of all, in any order, and of those that no serial is enough for
                    */
};

void lks_revocation_free(struct lks_revocation *r);

/* Finds out which CRLs the policy's trusted certificates have signed: when either has changed. */
LKS_MUST_CHECK enum lks_status lks_revocation_settle(struct lks_policy *policy);

/* Has a chain verified with the CRLs, if there are any. */
void lks_revocation_set_up(X509_STORE_CTX *ctx, const struct lks_revocation *r);

/* What is to be looked up again, of each certificate of a verified chain but its end, which is
 * trusted as it is; and whether a chain with that would still verify. A writer that fails had no
 * room. */
LKS_MUST_CHECK enum lks_status lks_revocation_write_ids(struct lks_writer *w,
                                                        const STACK_OF(X509) * verified);
bool lks_revocation_admits(const struct lks_revocation *r, struct lks_reader ids, uint64_t now_ms);

/* Unix time in milliseconds from which on CRLs would be missing for a chain; UINT64_MAX: never. */
uint64_t lks_revocation_until_ms(const struct lks_revocation *r, const STACK_OF(X509) * verified);

#endif
