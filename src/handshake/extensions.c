/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/extensions.h"

#include <stddef.h>

#define CH  LKS_IN_CLIENT_HELLO
#define SH  LKS_IN_SERVER_HELLO
#define HRR LKS_IN_HELLO_RETRY_REQUEST
#define EE  LKS_IN_ENCRYPTED_EXTENSIONS
#define CT  LKS_IN_CERTIFICATE
#define CR  LKS_IN_CERTIFICATE_REQUEST
#define NST LKS_IN_NEW_SESSION_TICKET
#define S12 LKS_IN_TLS12_SERVER_HELLO

/* The table of RFC 8446 section 4.2, and what later documents add to it. A row's place is its bit
 * in a set. What TLS 1.2 has in its ServerHello is mostly elsewhere in TLS 1.3.
 * [8446 4.2-3 4.3.1-2] */
static const struct {
    uint16_t type;
    uint8_t places;
} rows[] = {
    {LKS_EXT_SERVER_NAME, CH | EE | S12},
    {LKS_EXT_MAX_FRAGMENT_LENGTH, CH | EE | S12},
    {LKS_EXT_STATUS_REQUEST, CH | CR | CT | S12},
    {LKS_EXT_SUPPORTED_GROUPS, CH | EE | S12}, /* not in RFC 8422, but some servers say it */
    {LKS_EXT_EC_POINT_FORMATS, CH | S12},
    {LKS_EXT_SIGNATURE_ALGORITHMS, CH | CR},
    {LKS_EXT_USE_SRTP, CH | EE},
    {LKS_EXT_HEARTBEAT, CH | EE},
    {LKS_EXT_ALPN, CH | EE | S12},
    {LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP, CH | CR | CT | S12},
    {LKS_EXT_CLIENT_CERTIFICATE_TYPE, CH | EE},
    {LKS_EXT_SERVER_CERTIFICATE_TYPE, CH | EE},
    {LKS_EXT_PADDING, CH},
    {LKS_EXT_ENCRYPT_THEN_MAC, CH | S12},
    {LKS_EXT_EXTENDED_MASTER_SECRET, CH | S12},
    {LKS_EXT_COMPRESS_CERTIFICATE, CH | CR},
    {LKS_EXT_RECORD_SIZE_LIMIT, CH | EE | S12},
    {LKS_EXT_SESSION_TICKET, CH | S12},
    {LKS_EXT_PRE_SHARED_KEY, CH | SH},
    {LKS_EXT_EARLY_DATA, CH | EE | NST},
    {LKS_EXT_SUPPORTED_VERSIONS, CH | SH | HRR},
    {LKS_EXT_COOKIE, CH | HRR},
    {LKS_EXT_PSK_KEY_EXCHANGE_MODES, CH},
    {LKS_EXT_CERTIFICATE_AUTHORITIES, CH | CR},
    {LKS_EXT_OID_FILTERS, CR},
    {LKS_EXT_POST_HANDSHAKE_AUTH, CH},
    {LKS_EXT_SIGNATURE_ALGORITHMS_CERT, CH | CR},
    {LKS_EXT_KEY_SHARE, CH | SH | HRR},
    {LKS_EXT_RENEGOTIATION_INFO, CH | S12},
};

#define NUM_ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(NUM_ROWS <= 64, "a set has a bit for each row");

static size_t find(uint16_t type)
{
    size_t i = 0;
    while (i < NUM_ROWS && rows[i].type != type)
        i++;
    return i;
}

lks_extension_set lks_extension_bit(uint16_t type)
{
    size_t i = find(type);
    return i < NUM_ROWS ? UINT64_C(1) << i : 0;
}

bool lks_extension_may_be_in(uint16_t type, enum lks_extension_place place)
{
    size_t i = find(type);
    return i == NUM_ROWS || rows[i].places & place;
}

enum lks_status lks_extension_next(struct lks_extension_block *block, uint16_t *type,
                                   struct lks_reader *body)
{
    if (!lks_read_u16(&block->rest, type) || !lks_read_vec16(&block->rest, body))
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_EXTENSIONS_MALFORMED);
    const bool answers = (block->place & (CH | CR | NST)) == 0;
    lks_extension_set bit = lks_extension_bit(*type);
    /* A cookie is the one that a server may send unasked. [8446 4.2-2] */
    const bool unasked = block->place == HRR && *type == LKS_EXT_COOKIE;
    /* Section 4.2: in the wrong message, or twice. [8446 4.2-3 4.2-5 4.3.1-2] [5246 7.4.1.4-3] */
    if (!lks_extension_may_be_in(*type, block->place))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_EXTENSION_MISPLACED);
    if (block->seen & bit)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_EXTENSION_TWICE);
    if (answers && !(block->offered & bit) && !unasked)
        return lks_because(LKS_ALERT_UNSUPPORTED_EXTENSION, LKS_WHY_EXTENSION_UNASKED);
    block->seen |= bit;
    return LKS_OK;
}
