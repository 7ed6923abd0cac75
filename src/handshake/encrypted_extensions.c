/* SPDX-License-Identifier: BSD-3-Clause */

/* EncryptedExtensions, RFC 8446 section 4.3.1. */

#include "handshake/core.h"

/* RFC 8446 section 4.2: answers to what the ClientHello asked, and nothing else.
 * [8446 4.2-1 4.2.9-5] */
enum lks_status lks_encrypted_extensions_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t message = lks_message_begin(hs, LKS_MSG_ENCRYPTED_EXTENSIONS);
    size_t extensions = lks_write_open(w, 2);
    if (hs->names_server) { /* RFC 6066 section 3 */
        lks_write_u16(w, LKS_EXT_SERVER_NAME);
        lks_write_u16(w, 0);
    }
    if (hs->peer_record_size_limit) /* only to who sent its own */
        lks_record_size_limit_write(hs, LKS_TLS_1_3);
    lks_alpn_write(hs);
    if (hs->early.taken) {
        lks_write_u16(w, LKS_EXT_EARLY_DATA);
        lks_write_u16(w, 0);
    }
    lks_write_close(w, extensions, 2);
    return lks_message_end(hs, message);
}

static enum lks_status read_groups(struct lks_reader body)
{
    struct lks_reader list;
    return lks_read_vec16(&body, &list) && !body.len && list.len && list.len % 2 == 0
               ? LKS_OK
               : lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_ENCRYPTED_EXTENSIONS);
}

static enum lks_status read_extension(struct lks_hs *hs, uint16_t type, struct lks_reader body)
{
    switch (type) {
    case LKS_EXT_SERVER_NAME: /* RFC 6066 section 3: used, says nothing more */
        return body.len ? lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_ENCRYPTED_EXTENSIONS)
                        : LKS_OK;
    /* Section 4.2.7: nothing follows from it now. [8446 4.2.7-1] */
    case LKS_EXT_SUPPORTED_GROUPS: /* for later connections */
        return read_groups(body);
    case LKS_EXT_ALPN:
        return lks_alpn_read(hs, body);
    case LKS_EXT_EARLY_DATA:
        return body.len ? lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_ENCRYPTED_EXTENSIONS)
                        : lks_early_data_taken(hs);
    case LKS_EXT_RECORD_SIZE_LIMIT:
        return lks_record_size_limit_read(hs, body);
    default:
        return lks_because(LKS_ALERT_UNSUPPORTED_EXTENSION, LKS_WHY_EXTENSION_UNASKED);
    }
}

enum lks_status lks_encrypted_extensions_read(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_reader list;
    if (!lks_read_vec16(&body, &list) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_ENCRYPTED_EXTENSIONS);
    return lks_hs_read_answers(hs, list, LKS_IN_ENCRYPTED_EXTENSIONS, read_extension);
}
