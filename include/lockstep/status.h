/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_STATUS_H
#define LOCKSTEP_STATUS_H

/* Why a call failed, and the alert that belongs to it. */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Symbols of the shared library; everything else is hidden. */
#define LKS_API        __attribute__((visibility("default")))
#define LKS_MUST_CHECK __attribute__((warn_unused_result))

/*
 * What every call that can fail returns. 0 is success and nothing else is.
 *
 * The values from LKS_ALERT_BASE on are fatal alerts of RFC 8446 section 6 that Lockstep wants to
 * send: LKS_ALERT_BASE + the alert's number on the wire. lks_status_alert() finds the alert that
 * belongs to any status.
 */
enum lks_status {
    LKS_OK = 0,

    /* Not errors: why a step stopped. */
    LKS_WANT_DATA = 1, /* the input ends before what was asked for does */
    LKS_WANT_PKEY = 2, /* a public-key job waits to be run */
    LKS_DEFERRED = 3, /* an op was left untouched; submit it again after acting on an earlier one */
    LKS_WANT_ROOM =
        4, /* nothing wrong, but the batch or the destination has no room for more now */
    LKS_WANT_ANSWER = 5, /* a question of a callback's must be answered first */

    /* A record could not be opened or sealed. */
    LKS_BAD_TAG = 16,         /* authentication failed; the output was wiped */
    LKS_RECORD_OVERFLOW = 17, /* longer than the protocol allows */
    LKS_BAD_RECORD = 18,      /* header, length or inner type make no sense for this key */
    LKS_SEQ_EXHAUSTED = 19,   /* the key's record limit is reached; nothing was sealed or opened */
    LKS_NO_ROOM = 20,         /* the destination spans are too short */
    LKS_BAD_OVERLAP = 21,     /* source and destination overlap without being the same bytes */
    LKS_BAD_ARGUMENT = 22,    /* the caller broke the call's contract */
    LKS_NOT_RUN = 23,         /* no engine has done this op: its bytes are as they were */

    /* The surroundings failed. */
    LKS_NO_MEMORY = 32,
    LKS_BAD_CONFIG = 33,  /* struct lks_error says what and how to remedy it */
    LKS_UNSUPPORTED = 34, /* not built in, or this CPU lacks it */
    LKS_INTERNAL = 35,    /* a library that we use failed where it should not */
    LKS_CLOSED = 36,      /* the connection has been closed in this direction */
    LKS_PEER_ALERT = 37,  /* the peer sent a fatal alert; none is to be sent back */
    LKS_FROZEN = 38,      /* connections may use it already: what changes goes into a new one */
    LKS_TRUNCATED = 39,   /* the transport ended, and the peer never said that it had sent all */
    LKS_INSIDE = 40,      /* not from within a callback: lockstep/callbacks.h */

    /* Fatal alerts to send, RFC 8446 section 6.2. */
    LKS_ALERT_BASE = 0x100,
    LKS_ALERT_UNEXPECTED_MESSAGE = LKS_ALERT_BASE + 10,
    LKS_ALERT_BAD_RECORD_MAC = LKS_ALERT_BASE + 20,
    LKS_ALERT_RECORD_OVERFLOW = LKS_ALERT_BASE + 22,
    LKS_ALERT_HANDSHAKE_FAILURE = LKS_ALERT_BASE + 40,
    LKS_ALERT_BAD_CERTIFICATE = LKS_ALERT_BASE + 42,
    LKS_ALERT_UNSUPPORTED_CERTIFICATE = LKS_ALERT_BASE + 43,
    LKS_ALERT_CERTIFICATE_REVOKED = LKS_ALERT_BASE + 44,
    LKS_ALERT_CERTIFICATE_EXPIRED = LKS_ALERT_BASE + 45,
    LKS_ALERT_CERTIFICATE_UNKNOWN = LKS_ALERT_BASE + 46,
    LKS_ALERT_ILLEGAL_PARAMETER = LKS_ALERT_BASE + 47,
    LKS_ALERT_UNKNOWN_CA = LKS_ALERT_BASE + 48,
    LKS_ALERT_ACCESS_DENIED = LKS_ALERT_BASE + 49,
    LKS_ALERT_DECODE_ERROR = LKS_ALERT_BASE + 50,
    LKS_ALERT_DECRYPT_ERROR = LKS_ALERT_BASE + 51,
    LKS_ALERT_PROTOCOL_VERSION = LKS_ALERT_BASE + 70,
    LKS_ALERT_INSUFFICIENT_SECURITY = LKS_ALERT_BASE + 71,
    LKS_ALERT_INTERNAL_ERROR = LKS_ALERT_BASE + 80,
    LKS_ALERT_INAPPROPRIATE_FALLBACK = LKS_ALERT_BASE + 86,
    LKS_ALERT_MISSING_EXTENSION = LKS_ALERT_BASE + 109,
    LKS_ALERT_UNSUPPORTED_EXTENSION = LKS_ALERT_BASE + 110,
    LKS_ALERT_UNRECOGNIZED_NAME = LKS_ALERT_BASE + 112,
    LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE = LKS_ALERT_BASE + 113,
    LKS_ALERT_UNKNOWN_PSK_IDENTITY = LKS_ALERT_BASE + 115,
    LKS_ALERT_CERTIFICATE_REQUIRED = LKS_ALERT_BASE + 116,
    LKS_ALERT_NO_APPLICATION_PROTOCOL = LKS_ALERT_BASE + 120,
};

/* The alert number of RFC 8446 section 6 that a failed call asks to be sent; 80 (internal_error)
 * where the failure is our own. Meaningless for LKS_OK and the "not errors" above. */
LKS_API uint8_t lks_status_alert(enum lks_status status);

/*
 * Whether a status of a call in lockstep/conn.h means that the connection is at its end: drop it,
 * once the alert is sent. False for LKS_OK, for what only says why a step stopped, LKS_CLOSED and
 * LKS_NO_ROOM among that, and for LKS_UNSUPPORTED. True for LKS_BAD_ARGUMENT and LKS_INSIDE, which
 * are mistakes in the program; some calls (lks_conn_seal(), say) leave the connection as it was all
 * the same, and lks_conn_status() tells.
 */
LKS_API bool lks_status_is_fatal(enum lks_status status);

/* A short name such as "bad_tag" or "alert_decode_error"; never NULL, static storage. */
LKS_API const char *lks_status_name(enum lks_status status);

/* A message for people about bad configuration: the file, line or key at fault, and the remedy.
 * The caller owns it; text is always terminated. Calls that fill one take NULL, too. */
struct lks_error {
    char text[2048];
};

#ifdef __cplusplus
}
#endif
#endif
