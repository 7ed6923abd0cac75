/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_SUITE_H
#define LKS_HANDSHAKE_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/engine.h>

#define LKS_HASH_MAX        48u
#define LKS_TRAFFIC_KEY_MAX 32u

/* A cipher suite, as a const row. */
struct lks_suite {
    uint16_t number;  /* on the wire */
    const char *name; /* by RFC 8446 appendix B.4 */
    enum lks_version version;
    enum lks_aead_id aead;
    uint8_t key_len;
    uint8_t hash_len;
    const char *hash_name; /* for libcrypto */
    bool by_default;       /* offered and taken unless the configuration names suites. CCM_8 is not:
                              a tag of 8 bytes, which IANA's registry does not recommend. */
};

/* NULL if we have none of that number. */
const struct lks_suite *lks_suite_find(uint16_t number);
/* All rows, in our order of preference, ended by one whose name is NULL. */
const struct lks_suite *lks_suite_rows(void);

/* [sender]_write_key and _iv of a traffic secret (suite->hash_len bytes), RFC 8446 section 7.3.
 * key takes suite->key_len bytes, iv 12. */
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

#endif
