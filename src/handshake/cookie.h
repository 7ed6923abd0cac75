/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_COOKIE_H
#define LKS_HANDSHAKE_COOKIE_H

/*
 * The cookie of a HelloRetryRequest, RFC 8446 section 4.2.2: all that a server has to know of the
 * first ClientHello to go on with the second, so that it may have forgotten the first one. Not
 * secret, but under a MAC of the memory's key.
 */

#include "base/reader.h"
#include "base/writer.h"
#include "handshake/config.h"

struct lks_cookie {
    uint64_t time_s;
    uint16_t suite;     /* Who has the key may know others than we do, */
    uint16_t group;     /* of those that it can ask for, too. */
    uint8_t digest[32]; /* lks_client_hello_digest() of the first hello */
    uint8_t hash_len;
    uint8_t hash[LKS_HASH_MAX]; /* of all of it, by the suite's */
};

#define LKS_COOKIE_MAX (8u + 2 + 2 + 32 + LKS_HASH_MAX + 32)

LKS_MUST_CHECK enum lks_status lks_cookie_write(struct lks_writer *w,
                                                const struct lks_config *config,
                                                const struct lks_cookie *cookie);

/* LKS_ALERT_ILLEGAL_PARAMETER: nobody with our key made it, or not lately. */
LKS_MUST_CHECK enum lks_status lks_cookie_read(struct lks_cookie *cookie,
                                               const struct lks_config *config,
                                               struct lks_reader bytes);

#endif
