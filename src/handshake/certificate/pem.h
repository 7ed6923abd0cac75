/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_PEM_H
#define LKS_HANDSHAKE_PEM_H

/* Certificates in PEM, our own and those to trust. */

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/reader.h"

enum lks_pem_kind {
    LKS_PEM_END, /* or damage: libcrypto's error says PEM_R_NO_START_LINE, or not */
    LKS_PEM_CERTIFICATE,
    LKS_PEM_TRUSTED, /* OpenSSL's TRUSTED CERTIFICATE, with settings of whom to trust for what */
    LKS_PEM_CRL,
    LKS_PEM_KEY, /* a private one */
    LKS_PEM_OTHER,
};

struct lks_pem {
    struct lks_reader all;
    BIO *bio;          /* over all */
    size_t at;         /* where the line begins, */
    unsigned int line; /* with this number, from 1, on which the block begins that was read last */
    X509_CRL *crl;     /* of that block, until the next one; NULL: damaged, or no CRL */
};

/* The bytes stay the caller's. false: no memory. Free it in any case. */
bool lks_pem_open(struct lks_pem *pem, struct lks_reader all);
void lks_pem_close(struct lks_pem *pem);

/* The next block. *x: a CERTIFICATE, the caller's; NULL: damaged, or no certificate. */
enum lks_pem_kind lks_pem_next(struct lks_pem *pem, X509 **x);

/* On which line the first block begins whose first line has that in it; 0: none does. */
unsigned int lks_pem_find(struct lks_reader all, const char *what);

/* Whether a key has its curve's parameters in place of its name. */
bool lks_has_explicit_curve(const EVP_PKEY *key);

#endif
