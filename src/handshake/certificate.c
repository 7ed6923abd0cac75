/* SPDX-License-Identifier: BSD-3-Clause */

/* Certificate, RFC 8446 section 4.4.2, CertificateRequest, section 4.3.2, and CertificateVerify,
 * section 4.4.3. */

#include <string.h>

#include "handshake/core.h"

enum lks_status lks_certificate_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    const struct lks_certificate *ours = hs->certificate;
    enum lks_status status = lks_message_reserve(hs, ours ? ours->entries_len + 64 : 64);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_CERTIFICATE);
    lks_write_u8(w, 0); /* certificate_request_context: none asked, or an empty one */
    size_t list = lks_write_open(w, 3);
    if (ours)
        lks_write_bytes(w, ours->entries, ours->entries_len);
    lks_write_close(w, list, 3);
    return lks_message_end(hs, message);
}

/* What is signed: 64 blanks, the context string with its zero byte, the transcript's hash. */
#define CONTEXT_LEN 34u
#define CONTENT_LEN (64u + CONTEXT_LEN)

static enum lks_status signed_content(const struct lks_hs *hs, enum lks_role signer,
                                      uint8_t content[CONTENT_LEN + LKS_HASH_MAX])
{
    static const char contexts[][CONTEXT_LEN] = {
        [LKS_SERVER] = "TLS 1.3, server CertificateVerify",
        [LKS_CLIENT] = "TLS 1.3, client CertificateVerify",
    };
    memset(content, ' ', 64);
    memcpy(content + 64, contexts[signer], CONTEXT_LEN);
    return lks_schedule_hash(&hs->schedule, content + CONTENT_LEN);
}

enum lks_status lks_certificate_verify_sign(struct lks_hs *hs,
                                            enum lks_status (*resume)(struct lks_hs *hs,
                                                                      struct lks_pkey_job *job))
{
    uint8_t content[CONTENT_LEN + LKS_HASH_MAX];
    struct lks_pkey_job *job;
    enum lks_status status = signed_content(hs, hs->role, content);
    if (!status)
        status = lks_pkey_sign(&job, hs->scheme, hs->certificate->key, content,
                               CONTENT_LEN + hs->suite->hash_len);
    return status ? status : lks_hs_start_job(hs, job, resume);
}

enum lks_status lks_certificate_verify_write(struct lks_hs *hs, const struct lks_pkey_job *job)
{
    struct lks_writer *w = &hs->out;
    size_t message = lks_message_begin(hs, LKS_MSG_CERTIFICATE_VERIFY);
    lks_write_u16(w, hs->scheme->number);
    size_t body = lks_write_open(w, 2);
    lks_write_bytes(w, job->sign.sig, job->sign.sig_len);
    lks_write_close(w, body, 2);
    return lks_message_end(hs, message);
}

/* Extensions of a CertificateRequest: only that they are there. */
static enum lks_status skip_extensions(struct lks_reader list, lks_extension_set *seen)
{
    struct lks_extension_block block = {.rest = list, .place = LKS_IN_CERTIFICATE_REQUEST};
    enum lks_status status = LKS_OK;
    while (!status && block.rest.len) {
        uint16_t type;
        struct lks_reader body;
        status = lks_extension_next(&block, &type, &body);
    }
    *seen = block.seen;
    return status;
}

enum lks_status lks_certificate_read(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_reader context, list;
    if (!lks_read_vec8(&body, &context) || !lks_read_vec24(&body, &list) || body.len ||
        context.len || !list.len) /* section 4.4.2.4: a server's that is empty: decode_error */
        return LKS_ALERT_DECODE_ERROR;
    enum lks_status status = lks_peer_read(&hs->peer, list, 0);
    return status ? status : lks_peer_verify(hs->peer, hs->config, LKS_SERVER, hs->peer_name);
}

enum lks_status lks_certificate_request_read(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_reader context, extensions;
    lks_extension_set seen;
    if (!lks_read_vec8(&body, &context) || !lks_read_vec16(&body, &extensions) || body.len)
        return LKS_ALERT_DECODE_ERROR;
    if (context.len) /* section 4.3.2: empty, in the handshake */
        return LKS_ALERT_ILLEGAL_PARAMETER;
    enum lks_status status = skip_extensions(extensions, &seen);
    if (!status && !(seen & lks_extension_bit(LKS_EXT_SIGNATURE_ALGORITHMS)))
        return LKS_ALERT_MISSING_EXTENSION;
    hs->certificate_requested = true;
    return status;
}

enum lks_status lks_certificate_verify_read(struct lks_hs *hs, struct lks_reader body)
{
    uint8_t content[CONTENT_LEN + LKS_HASH_MAX];
    uint16_t number;
    struct lks_reader sig;
    if (!lks_read_u16(&body, &number) || !lks_read_vec16(&body, &sig) || body.len)
        return LKS_ALERT_DECODE_ERROR;
    const struct lks_sign_scheme *scheme = lks_sign_find(number);
    if (!scheme) /* section 4.4.3: one that we offered */
        return LKS_ALERT_ILLEGAL_PARAMETER;
    enum lks_status status =
        signed_content(hs, hs->role == LKS_CLIENT ? LKS_SERVER : LKS_CLIENT, content);
    return status ? status
                  : lks_sign_verify(scheme, hs->peer->key, content,
                                    CONTENT_LEN + hs->suite->hash_len, sig.data, sig.len);
}
