/* SPDX-License-Identifier: BSD-3-Clause */

/* record_size_limit, RFC 8449: in a ClientHello, and in EncryptedExtensions or TLS 1.2's
 * ServerHello. Its section 5 has a server that knows it ignore max_fragment_length; nothing here
 * reads that, and who answers with it to our client was not asked. [8449 5-2 5-3] */

#include "handshake/core.h"

/* Section 4: at least 64; at most what the version's records carry, which in TLS 1.3 includes the
 * content's type. [8449 4-13 4-20 4-24 4-26] */
void lks_record_size_limit_write(struct lks_hs *hs, enum lks_version version)
{
    const uint16_t most =
        version == LKS_TLS_1_3 ? LKS_RECORD_SIZE_LIMIT_MAX : LKS_RECORD_PLAINTEXT_MAX;
    const uint16_t limit = hs->config->policy->record_size_limit;
    lks_write_u16(&hs->out, LKS_EXT_RECORD_SIZE_LIMIT);
    lks_write_u16(&hs->out, 2);
    lks_write_u16(&hs->out, limit < most ? limit : most);
}

/* Section 4: less than 64 is illegal_parameter; more than the protocol allows is that, a server
 * must not mind. [8449 4-14 4-25] */
static enum lks_status keep(struct lks_hs *hs, uint16_t limit)
{
    hs->peer_record_size_limit = limit;
    return limit < LKS_RECORD_SIZE_LIMIT_MIN
               ? lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_RECORD_LIMIT_VALUE)
               : LKS_OK;
}

enum lks_status lks_record_size_limit_asked(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    return hello->has_record_size_limit ? keep(hs, hello->record_size_limit) : LKS_OK;
}

enum lks_status lks_record_size_limit_read(struct lks_hs *hs, struct lks_reader body)
{
    uint16_t limit;
    if (!lks_read_u16(&body, &limit) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_RECORD_LIMIT_MALFORMED);
    return keep(hs, limit);
}

/* Nothing of this comes from a session: a resumed connection has what its own hellos said. Whatever
 * the peer takes, no record is longer than the protocol has it. [8449 4-7 4-8 4-16 4-27] */
void lks_hs_record_size_limits(const struct lks_hs *hs, uint16_t *send, uint16_t *accept)
{
    *send = *accept = LKS_RECORD_SIZE_LIMIT_MAX;
    if (!hs->peer_record_size_limit)
        return;
    *accept = hs->config->policy->record_size_limit;
    if (hs->peer_record_size_limit < *send)
        *send = hs->peer_record_size_limit;
    /* TLS 1.2's records carry no inner type that would count. */
    *accept += hs->version == LKS_TLS_1_2 && *accept < LKS_RECORD_SIZE_LIMIT_MAX;
    *send += hs->version == LKS_TLS_1_2 && *send < LKS_RECORD_SIZE_LIMIT_MAX;
}
