/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CONFIG_H
#define LKS_HANDSHAKE_CONFIG_H

/* Inside struct lks_config: read-only once connections use it. */

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <time.h>

#include <lockstep/config.h>

#include "base/reader.h"
#include "base/writer.h"
#include "handshake/certificate_compress.h"
#include "handshake/group.h"
#include "handshake/resumption.h"
#include "handshake/sign.h"
#include "handshake/suite.h"
#include "handshake/verify.h"

#define LKS_LIST_MAX 48u

/* RFC 8449 section 4: the least, and what TLS 1.3 allows at most. */
#define LKS_RECORD_SIZE_LIMIT_MIN 64u
#define LKS_RECORD_SIZE_LIMIT_MAX 16385u

struct lks_certificate {
    struct lks_certificate *next;
    EVP_PKEY *key;
    char **names;       /* DNS names of the leaf in canonical form (host.h), NULL at the end */
    uint8_t digest[32]; /* SHA-256 of the leaf */
    STACK_OF(X509) * chain;
    /* CertificateEntry list of RFC 8446 section 4.4.2, as it stands in the message if it has no
     * extensions; those of the leaf go in at leaf_len */
    uint8_t *entries;
    size_t entries_len, leaf_len;
    uint8_t *ocsp, *sct; /* OCSPResponse, SignedCertificateTimestampList; NULL: none */
    size_t ocsp_len, sct_len;
    uint64_t ocsp_until_ms; /* Unix time: its nextUpdate */
    char *file;             /* for messages */
    bool has_address;       /* names an IP address */
    /* CompressedCertificate, by algorithm and by extensions of the leaf (LKS_PEER_ASKED_…) */
    struct {
        uint8_t *data; /* NULL: not worth it */
        size_t len;
    } compressed[LKS_COMPRESSIONS_MAX][LKS_PEER_ASKED_NUM];
};

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

struct lks_config {
    atomic_uint num_refs;
    struct lks_resumption resumption;
    struct lks_certificate *certificates; /* in the order they were added */
    char *alpn[LKS_LIST_MAX + 1];         /* NULL at the end */
    const struct lks_suite *suites[LKS_LIST_MAX + 1];
    const struct lks_group *groups[LKS_LIST_MAX + 1];
    int key_log; /* a file descriptor; -1: none */
    void (*key_log_queue)(void *user, const char *line, size_t len); /* NULL: written at once */
    void *key_log_user;
    const struct lks_hooks *hooks; /* tests only */
    uint16_t min_version, max_version;
    uint16_t record_size_limit;
    uint16_t padding_size;
    enum lks_padding padding;
    uint8_t cookie_key[32];
    enum lks_keep keep; /* of a handshake, once it is done */
    bool defers_pkey;   /* a handshake stops for public-key work */
    bool no_compat;     /* a client's hello does without RFC 8446's appendix D.4 */
    bool greases;       /* RFC 8701 */
    X509_STORE *trust;  /* NULL: nobody */
    time_t verify_time; /* of tests, instead of now; 0: now */
    enum lks_ocsp ocsp;
    bool asks_sct;
    enum lks_client_auth client_auth;
    bool sends_authorities; /* in CertificateRequest */
    bool sni_required;      /* of a server's clients: a name that a certificate has */
    uint8_t (*anchors)[32]; /* SHA-256 of each certificate that is trusted */
    size_t num_anchors;
    uint8_t *authorities; /* names of those trusted, as in certificate_authorities; or NULL */
    size_t authorities_len;
    const struct lks_compression *compressions[LKS_COMPRESSIONS_MAX + 1];
};

/* Whether a version is within what was configured, and there is a suite for it. */
bool lks_config_speaks(const struct lks_config *config, enum lks_version version);

/* The row of a suite that is configured, of a version that is spoken; NULL: none. */
const struct lks_suite *lks_config_suite(const struct lks_config *config, uint16_t number);

/* Whether a CertificateRequest can name all whom it is to name. */
bool lks_config_authorities_fit(const struct lks_config *config);

/* Another reference; give it up with lks_config_free(). */
struct lks_config *lks_config_ref(struct lks_config *config);

/* What a peer says about the certificate that it would like. Lists are without their length
 * prefix, and empty where there is none. */
struct lks_wish {
    struct lks_reader name;         /* of SNI */
    struct lks_reader schemes;      /* signature_algorithms */
    struct lks_reader cert_schemes; /* signature_algorithms_cert */
    struct lks_reader authorities;  /* DistinguishedNames of CAs */
    bool name_must_match;           /* no other certificate will do */
    bool chain_must_suit;           /* a client's, RFC 8446 section 4.4.2.3 */
    /* In TLS 1.2: */
    bool is_tls12;
    unsigned int kinds;       /* enum lks_auth: of which one the key has to be */
    struct lks_reader curves; /* NamedGroups for keys on elliptic curves; empty: any */
    bool signs_nothing;       /* schemes do not matter: RSA key exchange */
    /* Of a client that resumes and names no schemes: */
    bool any_scheme;
};

/*
 * The first certificate that matches the name (exact before wildcard, RFC 6125 section 6.4.3), may
 * and can sign with one of the schemes, and whose chain was signed with what the peer knows; where
 * there is none and the chain need not suit, whatever it was signed with, but SHA-1 last, and only
 * where the peer knows it; else, for any name. Only the authorities' own where they are named.
 * NULL: none. *scheme is the peer's first that fits.
 */
const struct lks_certificate *lks_config_choose(const struct lks_config *config,
                                                const struct lks_wish *wish,
                                                const struct lks_sign_scheme **scheme);

/* Whether key and leaf, which may restrict it further, sign under a scheme. */
bool lks_certificate_signs(const struct lks_certificate *certificate,
                           const struct lks_sign_scheme *scheme);

/* Whether a canonical host name is one of its leaf's, wildcards included. */
bool lks_certificate_answers(const struct lks_certificate *certificate, const char *host);

/* The alert where that is NULL: unrecognized_name (RFC 6066 section 3) if the name is why. */
enum lks_status lks_no_certificate(const struct lks_config *config, struct lks_reader name);

/* Whether it has an OCSP response that is still good. */
bool lks_certificate_staples(const struct lks_certificate *certificate, uint64_t now_ms);

/* What certificates are held against: the time, or the tests'. */
uint64_t lks_config_now_ms(const struct lks_config *config);

/* What kind of TLS 1.2's suites a key is for; 0: none. */
unsigned int lks_auth_of(const EVP_PKEY *key);
/* Whether it serves RSA key exchange. */
bool lks_certificate_decrypts(const struct lks_certificate *c);

/* Writes one line of the NSS key log format, if that is on. */
void lks_config_log_secret(const struct lks_config *config, const char *label,
                           const uint8_t random[32], const uint8_t *secret, size_t secret_len);

#endif
