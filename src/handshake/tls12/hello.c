/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2's side of the hellos: RFC 5246 sections 7.4.1.2 and 7.4.1.3, and the extensions that TLS
 * 1.3 has elsewhere or not at all. */

#include <stdlib.h>
#include <string.h>

#include "handshake/core.h"

#define FALLBACK_SCSV      0x5600u /* RFC 7507 */
#define RENEGOTIATION_SCSV 0x00ffu /* RFC 5746 section 3.3 */
#define UNCOMPRESSED       0u      /* ECPointFormat, RFC 8422 section 5.1.2 */

enum lks_status lks_tls12_client_hello_check(struct lks_hs *hs,
                                             const struct lks_client_hello *hello)
{
    struct lks_tls12 *t = &hs->tls12;
    /* RFC 8446 section 4.1.2: other methods may stand beside it. [8446 4.1.2-12] */
    if (!hello->has_null_compression) /* [5246 7.4.1.2-5] */
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_NULL_COMPRESSION);
    /* RFC 7507 section 3: it would have spoken a higher version, and so would we. */
    if (lks_list_has_u16(hello->suites, FALLBACK_SCSV) &&
        lks_config_speaks(hs->config, LKS_TLS_1_3))
        return lks_because(LKS_ALERT_INAPPROPRIATE_FALLBACK, LKS_WHY_FALLBACK);
    /* [5746 3.6-1 3.6-3]: this is the first handshake. */
    if (hello->renegotiated.len)
        return lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_RENEGOTIATION_INFO);
    t->renegotiation_info =
        hello->has_renegotiation_info || lks_list_has_u16(hello->suites, RENEGOTIATION_SCSV);
    /* RFC 8422 section 5.1.2: uncompressed is always among them. */
    if (hello->has_point_formats &&
        !memchr(hello->point_formats.data, UNCOMPRESSED, hello->point_formats.len))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_POINT_FORMATS);
    t->point_formats = hello->has_point_formats;
    t->extended_master = hello->has_extended_master_secret;
    t->client_version = hello->legacy_version;
    return lks_record_size_limit_asked(hs, hello);
}

static void write_empty(struct lks_writer *w, uint16_t type)
{
    lks_write_u16(w, type);
    lks_write_u16(w, 0);
}

/* One byte of content. */
static void write_byte(struct lks_writer *w, uint16_t type, uint8_t byte)
{
    lks_write_u16(w, type);
    lks_write_u16(w, 1);
    lks_write_u8(w, byte);
}

static void write_point_formats(struct lks_writer *w)
{
    lks_write_u16(w, LKS_EXT_EC_POINT_FORMATS);
    lks_write_u16(w, 2);
    lks_write_u8(w, 1);
    lks_write_u8(w, UNCOMPRESSED);
}

/* [5246 7.4.1.4-1]: answers only. [5246 7.4.1.4.1-5] */
static void write_extensions(struct lks_hs *hs)
{
    const struct lks_tls12 *t = &hs->tls12;
    const struct lks_certificate *c = hs->certificate;
    struct lks_writer *w = &hs->out;
    if (t->renegotiation_info) /* [5746 3.6-4 4.3-1] */
        write_byte(w, LKS_EXT_RENEGOTIATION_INFO, 0);
    if (t->extended_master) /* [7627 5.2-2 5.2-3 5.3-4] */
        write_empty(w, LKS_EXT_EXTENDED_MASTER_SECRET);
    if (t->encrypt_then_mac) /* [7366 2-2 3-1] */
        write_empty(w, LKS_EXT_ENCRYPT_THEN_MAC);
    if (hs->names_server) /* RFC 6066 section 3 */
        write_empty(w, LKS_EXT_SERVER_NAME);
    if (t->point_formats && hs->suite->key_exchange == LKS_KX_ECDHE)
        write_point_formats(w);
    if (t->sends_ticket)
        write_empty(w, LKS_EXT_SESSION_TICKET);
    if (t->sends_status)
        write_empty(w, LKS_EXT_STATUS_REQUEST);
    if (t->sends_sct) { /* RFC 6962 section 3.3.1 */
        lks_write_u16(w, LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP);
        size_t body = lks_write_open(w, 2);
        lks_write_bytes(w, c->sct, c->sct_len);
        lks_write_close(w, body, 2);
    }
    if (hs->peer_record_size_limit) /* only to who sent its own */
        lks_record_size_limit_write(hs, LKS_TLS_1_2);
    lks_alpn_write(hs);
}

/* RFC 8446 section 4.1.3: so that a client of TLS 1.3 sees that somebody took it down.
 * [8446 4.1.3-2 4.1.3-10] [5246 7.4.1.3-1] */
static enum lks_status make_random(struct lks_hs *hs)
{
    static const uint8_t downgrade[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
    enum lks_status status = lks_hs_random(hs, hs->tls12.server_random, 32);
    if (lks_config_speaks(hs->config, LKS_TLS_1_3))
        memcpy(hs->tls12.server_random + 24, downgrade, sizeof(downgrade));
    return status;
}

enum lks_status lks_tls12_server_hello_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    enum lks_status status = make_random(hs);
    if (!status && hs->certificate)
        status = lks_message_reserve(hs, 1024 + hs->certificate->sct_len);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_SERVER_HELLO);
    /* RFC 8446 section 4.2.1: here, and not in supported_versions. [8446 4.2.1-6 D.5-7] */
    lks_write_u16(w, LKS_TLS_1_2);
    lks_write_bytes(w, hs->tls12.server_random, 32);
    lks_write_u8(w, hs->tls12.session_id_len);
    lks_write_bytes(w, hs->tls12.session_id, hs->tls12.session_id_len);
    lks_write_u16(w, hs->suite->number);
    lks_write_u8(w, 0); /* compression_method */
    size_t extensions = lks_write_open(w, 2);
    write_extensions(hs);
    if (w->len == extensions)
        w->len -= 2; /* a client without extensions gets none, not an empty list */
    else
        lks_write_close(w, extensions, 2);
    return lks_message_end(hs, message);
}

static enum lks_status read_sct(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_tls12 *t = &hs->tls12;
    if (!body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SCT_MALFORMED);
    t->sct = malloc(body.len);
    if (!t->sct)
        return LKS_NO_MEMORY;
    memcpy(t->sct, body.data, body.len);
    t->sct_len = body.len;
    return LKS_OK;
}

static enum lks_status read_empty(bool *seen, struct lks_reader body)
{
    *seen = true;
    return body.len ? lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_HELLO_MALFORMED) : LKS_OK;
}

/* RFC 8422 section 5.2: one that leaves out the uncompressed format is illegal. */
static enum lks_status read_point_formats(struct lks_reader body)
{
    struct lks_reader list;
    if (!lks_read_vec8(&body, &list) || body.len || !list.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_HELLO_MALFORMED);
    return memchr(list.data, UNCOMPRESSED, list.len)
               ? LKS_OK
               : lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_POINT_FORMATS);
}

/* [5746 3.4-2 3.4-3] */
static enum lks_status read_renegotiation_info(struct lks_hs *hs, struct lks_reader body)
{
    hs->tls12.renegotiation_info = true;
    return body.len == 1 && body.data[0] == 0
               ? LKS_OK
               : lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_RENEGOTIATION_INFO);
}

static enum lks_status read_extension(struct lks_hs *hs, uint16_t type, struct lks_reader body)
{
    struct lks_tls12 *t = &hs->tls12;
    switch (type) {
    case LKS_EXT_SERVER_NAME:
        return read_empty(&hs->names_server, body);
    case LKS_EXT_STATUS_REQUEST:
        return read_empty(&t->sends_status, body);
    case LKS_EXT_SESSION_TICKET:
        return read_empty(&t->sends_ticket, body);
    case LKS_EXT_EXTENDED_MASTER_SECRET:
        return read_empty(&t->extended_master, body);
    case LKS_EXT_ENCRYPT_THEN_MAC:
        return read_empty(&t->encrypt_then_mac, body);
    case LKS_EXT_EC_POINT_FORMATS:
        return read_point_formats(body);
    case LKS_EXT_RENEGOTIATION_INFO:
        return read_renegotiation_info(hs, body);
    case LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP:
        return read_sct(hs, body);
    case LKS_EXT_ALPN:
        return lks_alpn_read(hs, body);
    case LKS_EXT_SUPPORTED_GROUPS: /* nothing follows from it */
        return LKS_OK;
    case LKS_EXT_RECORD_SIZE_LIMIT:
        return lks_record_size_limit_read(hs, body);
    default:
        return lks_because(LKS_ALERT_UNSUPPORTED_EXTENSION, LKS_WHY_EXTENSION_UNASKED);
    }
}

/* [5246 7.4.1.4-2 7.4.1.4-3] */
enum lks_status lks_tls12_server_hello_read(struct lks_hs *hs, const struct lks_server_hello *hello)
{
    memcpy(hs->tls12.server_random, hello->random, 32);
    return lks_hs_read_answers(hs, hello->extensions, LKS_IN_TLS12_SERVER_HELLO, read_extension);
}

/* session_ticket, RFC 5077 section 3.2: empty where a new one is wanted. */
static void write_session_ticket(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    const bool has_ticket = lks_tls12_has_session(hs) && !hs->session->by_id;
    if (!has_ticket && !hs->config->policy->num_tickets)
        return;
    hs->offered |= lks_extension_bit(LKS_EXT_SESSION_TICKET);
    lks_write_u16(w, LKS_EXT_SESSION_TICKET);
    size_t body = lks_write_open(w, 2);
    if (has_ticket)
        lks_write_bytes(w, hs->session->ticket, hs->session->ticket_len);
    lks_write_close(w, body, 2);
}

static bool offers_mac(const struct lks_config *config)
{
    for (const struct lks_suite *const *s = config->policy->suites; *s; s++)
        if (lks_suite_has_mac(*s))
            return true;
    return false;
}

/* [5746 3.4-1] [7627 5.2-1 5.3-1] [7366 2-1] */
void lks_tls12_client_extensions_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    hs->offered |= lks_extension_bit(LKS_EXT_RENEGOTIATION_INFO) |
                   lks_extension_bit(LKS_EXT_EXTENDED_MASTER_SECRET) |
                   lks_extension_bit(LKS_EXT_EC_POINT_FORMATS);
    write_byte(w, LKS_EXT_RENEGOTIATION_INFO, 0);
    write_empty(w, LKS_EXT_EXTENDED_MASTER_SECRET);
    write_point_formats(w);
    if (offers_mac(hs->config)) {
        hs->offered |= lks_extension_bit(LKS_EXT_ENCRYPT_THEN_MAC);
        write_empty(w, LKS_EXT_ENCRYPT_THEN_MAC);
    }
    write_session_ticket(hs);
}
