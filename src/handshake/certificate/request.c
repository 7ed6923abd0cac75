/* SPDX-License-Identifier: BSD-3-Clause */

/* CertificateRequest, RFC 8446 section 4.3.2. */

#include "handshake/certificate/certificate.h"
#include "handshake/core.h"

static size_t begin_extension(struct lks_writer *w, uint16_t type)
{
    lks_write_u16(w, type);
    return lks_write_open(w, 2);
}

enum lks_status lks_certificate_request_write(struct lks_hs *hs)
{
    const struct lks_config *config = hs->config;
    struct lks_writer *w = &hs->out;
    enum lks_status status = lks_message_reserve(hs, config->policy->authorities_len + 512);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_CERTIFICATE_REQUEST);
    /* Section 4.3.2: there is one in a connection. [8446 4.3.2-2] */
    lks_write_u8(w, 0); /* certificate_request_context: empty, in the handshake */
    size_t extensions = lks_write_open(w, 2), extension;
    /* Section 4.3.2: it MUST be there. [8446 4.3.2-4] */
    extension = begin_extension(w, LKS_EXT_SIGNATURE_ALGORITHMS);
    lks_sign_write_schemes(w, config->policy->schemes, false);
    lks_write_close(w, extension, 2);
    extension = begin_extension(w, LKS_EXT_SIGNATURE_ALGORITHMS_CERT);
    lks_sign_write_cert_schemes(w);
    lks_write_close(w, extension, 2);
    if (config->policy->sends_authorities && config->policy->authorities_len) {
        extension = begin_extension(w, LKS_EXT_CERTIFICATE_AUTHORITIES);
        size_t list = lks_write_open(w, 2);
        lks_write_bytes(w, config->policy->authorities, config->policy->authorities_len);
        lks_write_close(w, list, 2);
        lks_write_close(w, extension, 2);
    }
    if (config->policy->compressions[0]) {
        extension = begin_extension(w, LKS_EXT_COMPRESS_CERTIFICATE);
        lks_compressions_write(w, config->policy->compressions);
        lks_write_close(w, extension, 2);
    }
    status = lks_hs_grease(hs);
    lks_write_close(w, extensions, 2);
    return status ? status : lks_message_end(hs, message);
}

static bool read_authorities(struct lks_reader body, struct lks_reader *list)
{
    struct lks_reader at, one;
    if (!lks_read_vec16(&body, list) || body.len || !list->len)
        return false;
    for (at = *list; at.len;)
        if (!lks_read_vec16(&at, &one) || !one.len)
            return false;
    return true;
}

static bool read_extension(struct lks_hs *hs, struct lks_wish *wish, uint16_t type,
                           struct lks_reader body)
{
    struct lks_reader list;
    switch (type) {
    case LKS_EXT_SIGNATURE_ALGORITHMS:
        return lks_read_u16_list(body, &wish->schemes);
    case LKS_EXT_SIGNATURE_ALGORITHMS_CERT:
        return lks_read_u16_list(body, &wish->cert_schemes);
    case LKS_EXT_CERTIFICATE_AUTHORITIES:
        return read_authorities(body, &wish->authorities);
    case LKS_EXT_COMPRESS_CERTIFICATE:
        if (!lks_compressions_read(body, &list))
            return false;
        hs->compression = lks_compression_choose(hs->config->identities->compressions, list);
        return true;
    default: /* RFC 8446 sections 4.3.2 and 4.2.5: ignored; we know no filter [8446 4.2.5-2 4.3.2-5]
              */
        return true;
    }
}

/* What the server wants decides which certificate it gets; one that suits may not be there.
 * [8446 4.4.2-3 4.4.3-5] */
enum lks_status lks_certificate_request_read(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_reader context, extensions;
    struct lks_wish wish = {.chain_must_suit = true}; /* section 4.4.2.3 [8446 4.4.2.3-1] */
    if (!lks_read_vec8(&body, &context) || !lks_read_vec16(&body, &extensions) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_REQUEST_MALFORMED);
    /* Section 4.3.2: empty, in the handshake. [8446 4.3.2-2] */
    if (context.len)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_CERTIFICATE_CONTEXT);
    struct lks_extension_block block = {.rest = extensions, .place = LKS_IN_CERTIFICATE_REQUEST};
    while (block.rest.len) {
        uint16_t type;
        struct lks_reader extension;
        enum lks_status status = lks_extension_next(&block, &type, &extension);
        if (status)
            return status;
        if (!read_extension(hs, &wish, type, extension))
            return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_REQUEST_MALFORMED);
    }
    /* Section 4.3.2: it MUST be there. [8446 4.3.2-4] */
    if (!wish.schemes.len)
        return lks_because(LKS_ALERT_MISSING_EXTENSION, LKS_WHY_REQUEST_SCHEMES);
    hs->certificate_requested = true;
    hs->certificate = lks_config_choose(hs->config, &wish, &hs->scheme);
    return LKS_OK;
}
