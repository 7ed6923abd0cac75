/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CONFIG_H
#define LKS_HANDSHAKE_CONFIG_H

/* Inside struct lks_config: read-only once connections use it. */

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <lockstep/config.h>

#include "base/reader.h"
#include "handshake/group.h"
#include "handshake/resumption.h"
#include "handshake/sign.h"
#include "handshake/suite.h"

#define LKS_LIST_MAX 16u

struct lks_certificate {
    struct lks_certificate *next;
    EVP_PKEY *key;
    char **names; /* DNS names of the leaf, lower case, NULL at the end */
    /* CertificateEntry list of RFC 8446 section 4.4.2, as it stands in the message */
    uint8_t *entries;
    size_t entries_len;
};

struct lks_config {
    atomic_uint num_refs;
    struct lks_resumption resumption;
    struct lks_certificate *certificates; /* in the order they were added */
    size_t entries_len_max;               /* over all of them */
    char *alpn[LKS_LIST_MAX + 1];         /* NULL at the end */
    const struct lks_suite *suites[LKS_LIST_MAX + 1];
    const struct lks_group *groups[LKS_LIST_MAX + 1];
    FILE *key_log;
    bool defers_pkey;   /* a handshake stops for public-key work */
    bool no_compat;     /* a client's hello does without RFC 8446's appendix D.4 */
    bool greases;       /* RFC 8701 */
    X509_STORE *trust;  /* NULL: nobody */
    time_t verify_time; /* of tests, instead of now; 0: now */
};

/* Another reference; give it up with lks_config_free(). */
struct lks_config *lks_config_ref(struct lks_config *config);

/*
 * The certificate for a client: the first that matches the SNI name (exact before wildcard, RFC
 * 6125 section 6.4.3) and can sign with one of the client's schemes; else the first added that can
 * sign. name may be empty. schemes is the client's list of 16-bit numbers. NULL: none can sign.
 */
const struct lks_certificate *lks_config_choose(const struct lks_config *config,
                                                struct lks_reader name, struct lks_reader schemes,
                                                const struct lks_sign_scheme **scheme);

/* Writes one line of the NSS key log format, if that is on. */
void lks_config_log_secret(const struct lks_config *config, const char *label,
                           const uint8_t random[32], const uint8_t *secret, size_t secret_len);

#endif
