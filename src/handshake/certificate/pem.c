/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/certificate/pem.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <string.h>

static bool ends_in(const char *name, const char *end)
{
    const size_t len = strlen(name), end_len = strlen(end);
    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

static enum lks_pem_kind kind_of(const char *name)
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

bool lks_pem_open(struct lks_pem *pem, struct lks_reader all)
{
    *pem = (struct lks_pem){.all = all, .line = 1};
    pem->bio = all.len <= INT_MAX ? BIO_new_mem_buf(all.data, (int)all.len) : NULL;
    return pem->bio != NULL;
}

void lks_pem_close(struct lks_pem *pem)
{
    BIO_free(pem->bio);
    X509_CRL_free(pem->crl);
}

/* Goes to the next line that begins a block, if there is one. */
static bool seek(struct lks_pem *pem)
{
    static const char begin[] = "-----BEGIN ";
    while (pem->at < pem->all.len) {
        const uint8_t *line = pem->all.data + pem->at;
        const size_t left = pem->all.len - pem->at;
        if (left >= sizeof(begin) - 1 && memcmp(line, begin, sizeof(begin) - 1) == 0)
            return true;
        const uint8_t *end = memchr(line, '\n', left);
        if (!end)
            return false;
        pem->at += (size_t)(end - line) + 1;
        pem->line++;
    }
    return false;
}

static void skip_to(struct lks_pem *pem, size_t at)
{
    for (; pem->at < at; pem->at++)
        pem->line += pem->all.data[pem->at] == '\n';
}

enum lks_pem_kind lks_pem_next(struct lks_pem *pem, X509 **x)
{
    skip_to(pem, pem->all.len - BIO_pending(pem->bio));
    seek(pem);
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    *x = NULL;
    X509_CRL_free(pem->crl);
    pem->crl = NULL;
    if (!PEM_read_bio(pem->bio, &name, &header, &data, &len))
        return LKS_PEM_END;
    const enum lks_pem_kind kind = kind_of(name);
    const unsigned char *end = data;
    if (kind == LKS_PEM_CERTIFICATE)
        *x = d2i_X509(NULL, &end, len);
    if (*x && end != data + len) {
        X509_free(*x);
        *x = NULL;
    }
    if (kind == LKS_PEM_CRL)
        pem->crl = d2i_X509_CRL(NULL, &end, len);
    if (pem->crl && end != data + len) {
        X509_CRL_free(pem->crl);
        pem->crl = NULL;
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, (size_t)len); /* it may be a private key */
    return kind;
}

unsigned int lks_pem_find(struct lks_reader all, const char *what)
{
    const size_t what_len = strlen(what);
    struct lks_pem pem = {.all = all, .line = 1};
    while (seek(&pem)) {
        const uint8_t *line = all.data + pem.at, *end = memchr(line, '\n', all.len - pem.at);
        const size_t len = end ? (size_t)(end - line) + 1 : all.len - pem.at;
        if (memmem(line, len, what, what_len))
            return pem.line;
        skip_to(&pem, pem.at + len);
    }
    return 0;
}

/* RFC 8422 section 5.1.1: curves have names. */
bool lks_has_explicit_curve(const EVP_PKEY *key)
{
    int is_explicit = 0;
    return EVP_PKEY_get_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                  &is_explicit) &&
           is_explicit;
}
