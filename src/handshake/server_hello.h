/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_SERVER_HELLO_H
#define LKS_HANDSHAKE_SERVER_HELLO_H

#include <stdbool.h>

#include <lockstep/status.h>

#include "base/reader.h"
#include "handshake/extensions.h"

/* struct ServerHello, RFC 8446 section 4.1.3, taken apart. Readers point into the message. */
struct lks_server_hello {
    uint16_t legacy_version;
    uint16_t version; /* of supported_versions, if has_version */
    uint8_t random[32];
    struct lks_reader session_id;
    uint16_t suite;
    uint8_t compression;
    bool is_retry, has_version, has_key_share, has_psk;
    uint16_t psk;                 /* selected_identity */
    uint16_t group;               /* of key_share */
    struct lks_reader share;      /* empty in a HelloRetryRequest */
    struct lks_reader cookie;     /* empty: none */
    struct lks_reader extensions; /* all, not looked at where the version is older than TLS 1.3 */
};

/* Reads the body of a ServerHello (no handshake header) that answers a hello with these extensions.
 * Fails with the alert to send. */
LKS_MUST_CHECK enum lks_status lks_server_hello_read(struct lks_server_hello *hello,
                                                     struct lks_reader body,
                                                     lks_extension_set offered);

/* Whether the random says that the server would have spoken a higher version: section 4.1.3. */
bool lks_server_hello_is_downgrade(const struct lks_server_hello *hello);

#endif
