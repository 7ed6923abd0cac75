/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_SUITE_H
#define LKS_HANDSHAKE_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/engine.h>

#define LKS_HASH_MAX        48u
#define LKS_TRAFFIC_KEY_MAX 32u
#define LKS_MASTER_LEN      48u

/* How TLS 1.2's suites agree on a pre-master secret, RFC 5246 section 7.4.3. */
enum lks_key_exchange {
    LKS_KX_NONE, /* TLS 1.3: not the suite's */
    LKS_KX_ECDHE,
    LKS_KX_DHE,
    LKS_KX_RSA,
};

/* What kind of certificate they go with: bits of a set. */
enum lks_auth {
    LKS_AUTH_ANY, /* TLS 1.3: not the suite's */
    LKS_AUTH_ECDSA = 1,
    LKS_AUTH_RSA = 2,
};

/* A cipher suite, as a const row. */
struct lks_suite {
    uint16_t number;  /* on the wire */
    const char *name; /* by RFC 8446 appendix B.4, or the registry's */
    enum lks_version version;
    enum lks_aead_id aead; /* of its records; with a MAC, the one without RFC 7366 */
    uint8_t key_len;       /* the cipher's */
    uint8_t hash_len;
    const char *hash_name; /* for libcrypto */
    bool by_default;       /* offered and taken unless the configuration names suites. CCM_8 is not:
                              a tag of 8 bytes, which IANA's registry does not recommend. Nor is RSA
                              key exchange, and what has a MAC. */
    enum lks_key_exchange key_exchange;
    enum lks_auth auth;
};

/* Keys of one direction's records, as lks_key_init() takes them. */
struct lks_record_key {
    enum lks_aead_id aead;
    uint8_t key[LKS_TRAFFIC_KEY_MAX + LKS_HASH_MAX]; /* the cipher's, then the MAC's */
    uint8_t iv[12];
};

/* Whether it is a block cipher with a MAC, and then what RFC 7366's encrypt-then-MAC makes of it.
 */
bool lks_suite_has_mac(const struct lks_suite *suite);
enum lks_aead_id lks_suite_encrypt_then_mac(const struct lks_suite *suite);

/* NULL if we have none of that number. */
const struct lks_suite *lks_suite_find(uint16_t number);
/* All rows, in our order of preference, ended by one whose name is NULL. */
const struct lks_suite *lks_suite_rows(void);

/* [sender]_write_key and _iv of a traffic secret (suite->hash_len bytes), RFC 8446 section 7.3.
 * key takes suite->key_len bytes, iv 12. Of TLS 1.3, as the two functions below. */
LKS_MUST_CHECK enum lks_status lks_tls13_traffic_key(const struct lks_suite *suite,
                                                     const uint8_t *secret, uint8_t *key,
                                                     uint8_t *iv);

/* application_traffic_secret_N+1 in place of N, RFC 8446 section 7.2. */
LKS_MUST_CHECK enum lks_status lks_tls13_next_secret(const struct lks_suite *suite,
                                                     uint8_t *secret);

/* TLS-Exporter, RFC 8446 section 7.5, of an exporter_master_secret. */
LKS_MUST_CHECK enum lks_status lks_tls13_exporter(const struct lks_suite *suite,
                                                  const uint8_t *secret, uint8_t *out,
                                                  size_t out_len, const char *label,
                                                  const uint8_t *context, size_t context_len);

/* The same of TLS 1.2, RFC 5705, of the master secret (48 bytes) and both randoms. */
LKS_MUST_CHECK enum lks_status
lks_tls12_exporter(const struct lks_suite *suite, const uint8_t *master,
                   const uint8_t client_random[32], const uint8_t server_random[32], uint8_t *out,
                   size_t out_len, const char *label, const uint8_t *context, size_t context_len);

#endif
