/* SPDX-License-Identifier: BSD-3-Clause */
#include <lockstep/status.h>

struct status_row {
    enum lks_status status;
    uint16_t alert; /* to send; those from LKS_ALERT_BASE on carry their own */
    const char *name;
};

#define ALERT(n, name)                                               \
    {                                                                \
        LKS_ALERT_##n, LKS_ALERT_##n - LKS_ALERT_BASE, "alert_" name \
    }

static const struct status_row rows[] = {
    {LKS_OK, 80, "ok"},
    {LKS_WANT_DATA, 80, "want_data"},
    {LKS_WANT_PKEY, 80, "want_pkey"},
    {LKS_DEFERRED, 80, "deferred"},
    {LKS_WANT_ROOM, 80, "want_room"},
    {LKS_WANT_ANSWER, 80, "want_answer"},
    {LKS_BAD_TAG, 20, "bad_tag"},
    {LKS_RECORD_OVERFLOW, 22, "record_overflow"},
    {LKS_BAD_RECORD, 10, "bad_record"},
    {LKS_SEQ_EXHAUSTED, 80, "seq_exhausted"},
    {LKS_NO_ROOM, 80, "no_room"},
    {LKS_BAD_OVERLAP, 80, "bad_overlap"},
    {LKS_BAD_ARGUMENT, 80, "bad_argument"},
    {LKS_NOT_RUN, 80, "not_run"},
    {LKS_NO_MEMORY, 80, "no_memory"},
    {LKS_BAD_CONFIG, 80, "bad_config"},
    {LKS_UNSUPPORTED, 80, "unsupported"},
    {LKS_INTERNAL, 80, "internal"},
    {LKS_CLOSED, 80, "closed"},
    {LKS_PEER_ALERT, 80, "peer_alert"},
    {LKS_FROZEN, 80, "frozen"},
    {LKS_TRUNCATED, 80, "truncated"},
    {LKS_INSIDE, 80, "inside"},
    ALERT(UNEXPECTED_MESSAGE, "unexpected_message"),
    ALERT(BAD_RECORD_MAC, "bad_record_mac"),
    ALERT(RECORD_OVERFLOW, "record_overflow"),
    ALERT(HANDSHAKE_FAILURE, "handshake_failure"),
    ALERT(BAD_CERTIFICATE, "bad_certificate"),
    ALERT(UNSUPPORTED_CERTIFICATE, "unsupported_certificate"),
    ALERT(CERTIFICATE_REVOKED, "certificate_revoked"),
    ALERT(CERTIFICATE_EXPIRED, "certificate_expired"),
    ALERT(CERTIFICATE_UNKNOWN, "certificate_unknown"),
    ALERT(ILLEGAL_PARAMETER, "illegal_parameter"),
    ALERT(UNKNOWN_CA, "unknown_ca"),
    ALERT(ACCESS_DENIED, "access_denied"),
    ALERT(DECODE_ERROR, "decode_error"),
    ALERT(DECRYPT_ERROR, "decrypt_error"),
    ALERT(PROTOCOL_VERSION, "protocol_version"),
    ALERT(INSUFFICIENT_SECURITY, "insufficient_security"),
    ALERT(INTERNAL_ERROR, "internal_error"),
    ALERT(INAPPROPRIATE_FALLBACK, "inappropriate_fallback"),
    ALERT(MISSING_EXTENSION, "missing_extension"),
    ALERT(UNSUPPORTED_EXTENSION, "unsupported_extension"),
    ALERT(UNRECOGNIZED_NAME, "unrecognized_name"),
    ALERT(BAD_CERTIFICATE_STATUS_RESPONSE, "bad_certificate_status_response"),
    ALERT(UNKNOWN_PSK_IDENTITY, "unknown_psk_identity"),
    ALERT(CERTIFICATE_REQUIRED, "certificate_required"),
    ALERT(NO_APPLICATION_PROTOCOL, "no_application_protocol"),
};

static const struct status_row *find(enum lks_status status)
{
    for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].status == status)
            return &rows[i];
    return 0;
}

/* RFC 8446 section 6.2: the alert that the text names for a failure. [8446 6.2-3] [5246 1.2-1] */
uint8_t lks_status_alert(enum lks_status status)
{
    const struct status_row *row = find(status);
    return row ? (uint8_t)row->alert : 80;
}

bool lks_status_is_fatal(enum lks_status status)
{
    return status >= LKS_BAD_TAG && status != LKS_NO_ROOM && status != LKS_UNSUPPORTED &&
           status != LKS_CLOSED;
}

const char *lks_status_name(enum lks_status status)
{
    const struct status_row *row = find(status);
    return row ? row->name : "unknown";
}
