/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_SCHEDULE_H
#define LKS_HANDSHAKE_SCHEDULE_H

/*
 * The key schedule of RFC 8446 section 7.1 and the transcript it hashes.
 */

#include <openssl/evp.h>

#include "handshake/suite.h"

struct lks_schedule {
    const struct lks_suite *suite;
    const EVP_MD *md;
    EVP_MD_CTX *transcript;
    EVP_MD_CTX *scratch;          /* for the transcript's value in between */
    uint8_t secret[LKS_HASH_MAX]; /* early, handshake, then master */
};

/* Begins with the suite that was chosen: early secret without PSK. Free with lks_schedule_wipe(),
 * also after a failure. */
LKS_MUST_CHECK enum lks_status lks_schedule_begin(struct lks_schedule *s,
                                                  const struct lks_suite *suite);
void lks_schedule_wipe(struct lks_schedule *s);

/* Whole handshake messages, header included. */
LKS_MUST_CHECK enum lks_status lks_schedule_add(struct lks_schedule *s, const uint8_t *message,
                                                size_t len);

/* Begins the transcript again with the hash of the first ClientHello: section 4.4.1's message_hash.
 */
LKS_MUST_CHECK enum lks_status lks_schedule_retry(struct lks_schedule *s, const uint8_t *hash);

/* Transcript-Hash of all messages so far; out has suite->hash_len bytes. */
LKS_MUST_CHECK enum lks_status lks_schedule_hash(const struct lks_schedule *s, uint8_t *out);

/* To the next secret, mixing in a shared secret (NULL: zeros). */
LKS_MUST_CHECK enum lks_status lks_schedule_advance(struct lks_schedule *s, const uint8_t *input,
                                                    size_t input_len);

/* Derive-Secret(current secret, label, messages so far). */
LKS_MUST_CHECK enum lks_status lks_schedule_derive(const struct lks_schedule *s, const char *label,
                                                   uint8_t *out);

/* verify_data of a Finished under a handshake traffic secret, section 4.4.4, for the messages so
 * far. */
LKS_MUST_CHECK enum lks_status lks_schedule_finished(const struct lks_schedule *s,
                                                     const uint8_t *traffic_secret, uint8_t *out);

#endif
