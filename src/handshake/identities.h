/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_IDENTITIES_H
#define LKS_HANDSHAKE_IDENTITIES_H

/* Inside struct lks_identities: read-only once they are frozen. */

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <time.h>

#include <lockstep/identities.h>

#include "handshake/certificate/compress.h"
#include "handshake/certificate/verify.h"
#include "handshake/part.h"

struct lks_certificate {
    struct lks_certificate *next;
    EVP_PKEY *key;    /* public, where is_remote */
    bool is_remote;   /* who signs is asked, */
    void *remote_key; /* and told this */
    /* What key and leaf can be used for; known from the start, since libcrypto may have no memory
     * to tell it in a handshake. */
    uint32_t schemes;        /* lks_sign_bit() of those that it signs under */
    unsigned int auth;       /* of TLS 1.2's suites, enum lks_auth */
    uint16_t curve;          /* NamedGroup; 0: it is on none */
    bool may_sign, decrypts; /* as its key usage says; the latter in RSA key exchange */
    char **names;            /* DNS names of the leaf in canonical form (host.h), NULL at the end */
    uint8_t digest[32];      /* SHA-256 of the leaf */
    STACK_OF(X509) * chain;
    /* CertificateEntry list of RFC 8446 section 4.4.2, as it stands in the message if it has no
     * extensions; those of the leaf go in at leaf_len */
    uint8_t *entries;
    size_t entries_len, leaf_len;
    uint8_t *ocsp, *sct; /* OCSPResponse, SignedCertificateTimestampList; NULL: none */
    size_t ocsp_len, sct_len;
    uint64_t ocsp_until_ms; /* Unix time: its nextUpdate */
    char *source;           /* for messages */
    bool has_address;       /* names an IP address */
    /* CompressedCertificate, by algorithm and by extensions of the leaf (LKS_PEER_ASKED_…) */
    struct {
        uint8_t *data; /* NULL: not worth it */
        size_t len;
    } compressed[LKS_COMPRESSIONS_MAX][LKS_PEER_ASKED_NUM];
};

/* An external pre-shared key. */
struct lks_psk {
    uint8_t identity_len, key_len, hash_len;
    uint8_t identity[255];
    uint8_t key[64];
    uint8_t digest[32]; /* of identity and key: names it in sessions */
};

#define LKS_PSKS_MAX 8u

struct lks_identities {
    struct lks_part part;
    struct lks_certificate *certificates; /* in the order they were added */
    const struct lks_compression *compressions[LKS_COMPRESSIONS_MAX + 1];
    uint32_t num_psks;
    struct lks_psk *psks;     /* LKS_PSKS_MAX, or NULL */
    uint64_t (*now_ms)(void); /* Unix time in milliseconds */
    time_t verify_time;       /* of tests, instead of now; 0: now */
};

/* What certificates are held against when they are set: the time, or the tests'. */
static inline uint64_t lks_identities_now_ms(const struct lks_identities *identities)
{
    return identities->verify_time ? UINT64_C(1000) * (uint64_t)identities->verify_time
                                   : identities->now_ms();
}

#endif
