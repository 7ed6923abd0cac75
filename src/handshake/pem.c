/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/pem.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <string.h>

static bool ends_in(const char *name, const char *end)
{
    const size_t len = strlen(name), end_len = strlen(end);
    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

static enum lks_pem kind_of(const char *name)
{
    if (strcmp(name, PEM_STRING_X509_CRL) == 0)
        return LKS_PEM_CRL;
    if (ends_in(name, "PRIVATE KEY"))
        return LKS_PEM_KEY;
    if (strcmp(name, PEM_STRING_X509_TRUSTED) == 0)
        return LKS_PEM_TRUSTED;
    return strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0
               ? LKS_PEM_CERTIFICATE
               : LKS_PEM_OTHER;
}

enum lks_pem lks_pem_next(BIO *bio, X509 **x)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    *x = NULL;
    if (!PEM_read_bio(bio, &name, &header, &data, &len))
        return LKS_PEM_END;
    const enum lks_pem kind = kind_of(name);
    const unsigned char *end = data;
    if (kind == LKS_PEM_CERTIFICATE)
        *x = d2i_X509(NULL, &end, len);
    if (*x && end != data + len) {
        X509_free(*x);
        *x = NULL;
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, (size_t)len); /* it may be a private key */
    return kind;
}

unsigned int lks_pem_line(const char *text, size_t len, unsigned int number)
{
    static const char begin[] = "-----BEGIN ";
    unsigned int line = 1;
    for (const char *end = text + len, *next; text < end; text = next, line++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        next = newline ? newline + 1 : end;
        if ((size_t)(next - text) >= sizeof(begin) - 1 &&
            memcmp(text, begin, sizeof(begin) - 1) == 0 && --number == 0)
            return line;
    }
    return 0;
}

/* RFC 8422 section 5.1.1: curves have names. */
bool lks_has_explicit_curve(const EVP_PKEY *key)
{
    int is_explicit = 0;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                  &is_explicit) &&
           is_explicit;
}
