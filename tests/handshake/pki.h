/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_HANDSHAKE_PKI_H
#define LKS_TESTS_HANDSHAKE_PKI_H

/* Certificates made in the test, with whatever is wrong about them. */

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#define PKI_NOW 1750000000 /* what the tests take for the time */

enum pki_key {
    PKI_P256,
    PKI_P384,
    PKI_P521,
    PKI_P224,
    PKI_ED25519,
    PKI_RSA_2048,
    PKI_RSA_1024,
    PKI_RSA_PSS,
    /* RSASSA-PSS with parameters: hash, hash of MGF1, length of the salt at least */
    PKI_PSS_SHA256,     /* SHA-256, SHA-256, 32 */
    PKI_PSS_SHA384,     /* SHA-384, SHA-384, 20 */
    PKI_PSS_LONG_SALT,  /* SHA-256, SHA-256, 33 */
    PKI_PSS_OTHER_MGF1, /* SHA-256, SHA-1, 20 */
    PKI_PSS_SHA1,       /* SHA-1, SHA-1, 20 */
    PKI_P256_EXPLICIT,  /* with the curve's parameters in place of its name */
    PKI_NUM_KEYS
};

/* The test's own key of a kind, made once. */
EVP_PKEY *pki_key(enum pki_key kind);
void pki_free(void);

struct pki {
    const char *subject; /* CN */
    const char *san, *eku, *usage, *constraints, *comment,
        *feature;       /* as in openssl.cnf; NULL: none */
    int twice, damaged; /* NIDs of extensions, of those above; 0: none */
    bool ca;
    bool v1; /* X.509 version 1, which has no extensions */
    enum pki_key key;
    int64_t begin, end;   /* seconds from PKI_NOW; both 0: an hour ago, a day from now */
    const EVP_MD *digest; /* NULL: SHA-256, or none for Ed25519 */
};

/* A certificate signed by the issuer's key; issuer NULL: by itself. Aborts if it cannot be made. */
X509 *pki_make(const struct pki *what, X509 *issuer, enum pki_key issuer_key);

struct pki_crl {
    X509 *issuer; /* whose name it has; signed with that key */
    enum pki_key key;
    X509 *revoked; /* NULL: none */
    int64_t begin,
        end; /* seconds from PKI_NOW; both 0: an hour ago, a day from now; end -1: none */
    bool is_delta;
    bool is_odd;        /* a critical extension that nobody knows */
    bool has_odd_entry; /* the same in what it lists */
    bool names_other;   /* an AuthorityKeyIdentifier with another certificate's serial number */
};
X509_CRL *pki_crl(const struct pki_crl *what);

/* Writes a CertificateEntry without extensions; returns its length. */
size_t pki_entry(uint8_t *out, size_t cap, X509 *cert);

#endif
