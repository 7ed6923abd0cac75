/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_PEM_H
#define LKS_HANDSHAKE_PEM_H

/* Certificates of PEM files, our own and those to trust. */

#include <openssl/x509.h>
#include <stdbool.h>

enum lks_pem {
    LKS_PEM_END, /* or damage: libcrypto's error says PEM_R_NO_START_LINE, or not */
    LKS_PEM_CERTIFICATE,
    LKS_PEM_TRUSTED, /* OpenSSL's TRUSTED CERTIFICATE, with settings of whom to trust for what */
    LKS_PEM_CRL,
    LKS_PEM_KEY, /* a private one */
    LKS_PEM_OTHER,
};

/* The next block of a file. *x: a CERTIFICATE, the caller's; NULL: damaged, or no certificate. */
enum lks_pem lks_pem_next(BIO *bio, X509 **x);

/* In which line of a text its block of this number begins, from 1 on; 0: there is none. */
unsigned int lks_pem_line(const char *text, size_t len, unsigned int number);

/* Whether a key has its curve's parameters in place of its name. */
bool lks_has_explicit_curve(const EVP_PKEY *key);

#endif
