/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_EXTENSIONS_H
#define LKS_HANDSHAKE_EXTENSIONS_H

/* Extensions: RFC 8446 section 4.2 and the registry. */

#include <stdbool.h>

#include <lockstep/status.h>

#include "base/reader.h"
#include "base/reason.h"

enum lks_extension {
    LKS_EXT_SERVER_NAME = 0,
    LKS_EXT_MAX_FRAGMENT_LENGTH = 1,
    LKS_EXT_STATUS_REQUEST = 5,
    LKS_EXT_SUPPORTED_GROUPS = 10,
    LKS_EXT_EC_POINT_FORMATS = 11,
    LKS_EXT_SIGNATURE_ALGORITHMS = 13,
    LKS_EXT_USE_SRTP = 14,
    LKS_EXT_HEARTBEAT = 15,
    LKS_EXT_ALPN = 16,
    LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP = 18,
    LKS_EXT_CLIENT_CERTIFICATE_TYPE = 19,
    LKS_EXT_SERVER_CERTIFICATE_TYPE = 20,
    LKS_EXT_PADDING = 21,
    LKS_EXT_ENCRYPT_THEN_MAC = 22,
    LKS_EXT_EXTENDED_MASTER_SECRET = 23,
    LKS_EXT_COMPRESS_CERTIFICATE = 27,
    LKS_EXT_RECORD_SIZE_LIMIT = 28,
    LKS_EXT_SESSION_TICKET = 35,
    LKS_EXT_PRE_SHARED_KEY = 41,
    LKS_EXT_EARLY_DATA = 42,
    LKS_EXT_SUPPORTED_VERSIONS = 43,
    LKS_EXT_COOKIE = 44,
    LKS_EXT_PSK_KEY_EXCHANGE_MODES = 45,
    LKS_EXT_CERTIFICATE_AUTHORITIES = 47,
    LKS_EXT_OID_FILTERS = 48,
    LKS_EXT_POST_HANDSHAKE_AUTH = 49,
    LKS_EXT_SIGNATURE_ALGORITHMS_CERT = 50,
    LKS_EXT_KEY_SHARE = 51,
    LKS_EXT_RENEGOTIATION_INFO = 0xff01,
};

/* The messages that have extensions. */
enum lks_extension_place {
    LKS_IN_CLIENT_HELLO = 1,
    LKS_IN_SERVER_HELLO = 2,
    LKS_IN_HELLO_RETRY_REQUEST = 4,
    LKS_IN_ENCRYPTED_EXTENSIONS = 8,
    LKS_IN_CERTIFICATE = 16,
    LKS_IN_CERTIFICATE_REQUEST = 32,
    LKS_IN_NEW_SESSION_TICKET = 64,
    LKS_IN_TLS12_SERVER_HELLO = 128,
};

/* A set of the extensions that we know: those of a message that was sent, say. */
typedef uint64_t lks_extension_set;

/* The one with this type; empty where we do not know it. */
lks_extension_set lks_extension_bit(uint16_t type);

/* Whether RFC 8446's table lets an extension stand in a message; true if we do not know it. */
bool lks_extension_may_be_in(uint16_t type, enum lks_extension_place place);

/* RFC 8701: one of the values that mean nothing, as chance has it. */
static inline uint16_t lks_grease(uint8_t random)
{
    return (uint16_t)(0x0a0a + 0x1010 * (random & 0x0f));
}

/* The block of a message, to be walked with lks_extension_next() while rest.len is not 0. */
struct lks_extension_block {
    struct lks_reader rest;
    enum lks_extension_place place;
    lks_extension_set offered; /* what may be answered; not looked at in a message that asks */
    lks_extension_set seen;
};

/*
 * The next extension of a block. Refuses, with the alert to send, what RFC 8446 section 4.2 wants
 * refused: a type that we know in the wrong message or twice, and in a message that answers
 * (ServerHello, HelloRetryRequest, EncryptedExtensions, Certificate) one that we did not offer.
 * Unknown ones in CertificateRequest and NewSessionTicket come out like all others: ignore them.
 */
LKS_MUST_CHECK enum lks_status lks_extension_next(struct lks_extension_block *block, uint16_t *type,
                                                  struct lks_reader *body);

#endif
