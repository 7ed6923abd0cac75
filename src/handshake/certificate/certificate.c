/* SPDX-License-Identifier: BSD-3-Clause */

/* Certificate, RFC 8446 section 4.4.2, CompressedCertificate, RFC 8879 section 4, and
 * CertificateVerify, RFC 8446 section 4.4.3. */

#include <stdlib.h>
#include <string.h>

#include "handshake/certificate/certificate.h"
#include "handshake/certificate/file.h"
#include "handshake/resumption/standing.h"

static const struct lks_certificate nothing; /* a client may have none: an empty list */

enum lks_status lks_certificate_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    const struct lks_certificate *ours = hs->certificate ? hs->certificate : &nothing;
    struct lks_reader compressed;
    const bool is_small =
        hs->compression && lks_certificate_find_compressed(ours, hs->compression->number,
                                                           hs->entry_extensions, &compressed);
    const size_t len = is_small ? compressed.len : lks_certificate_body_max(ours);
    enum lks_status status = lks_message_reserve(hs, LKS_MSG_HEADER_LEN + len);
    if (status)
        return status;
    size_t message =
        lks_message_begin(hs, is_small ? LKS_MSG_COMPRESSED_CERTIFICATE : LKS_MSG_CERTIFICATE);
    if (is_small)
        lks_write_bytes(w, compressed.data, compressed.len);
    else
        lks_certificate_write_body(w, ours, hs->entry_extensions);
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
    enum lks_status status = signed_content(hs, hs->role, content);
    return status ? status : lks_hs_sign(hs, content, CONTENT_LEN + hs->suite->hash_len, resume);
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

/* Section 4.4.2.4. [8446 4.4.2.4-1] */
static enum lks_status read_empty(const struct lks_hs *hs)
{
    if (hs->role == LKS_CLIENT)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_CERTIFICATE_MISSING);
    return hs->config->policy->client_auth == LKS_CLIENT_AUTH_REQUIRED
               ? lks_because(LKS_ALERT_CERTIFICATE_REQUIRED, LKS_WHY_CLIENT_CERTIFICATE_MISSING)
               : LKS_OK;
}

enum lks_status lks_certificate_read(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_reader context, list;
    if (!lks_read_vec8(&body, &context) || !lks_read_vec24(&body, &list) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_CERTIFICATE_MALFORMED);
    if (context.len) /* a server's has none, and what ours asked with is empty [8446 4.4.2-5] */
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_CERTIFICATE_CONTEXT);
    if (!list.len)
        return read_empty(hs);
    /* hs->offered: a client's extensions. CertificateRequest has none that ask for an answer.
     * [8446 4.4.2-6 4.4.2-7] */
    enum lks_status status = lks_peer_read(&hs->peer, list, hs->offered);
    if (!status && hs->config->policy->hooks && hs->config->policy->hooks->takes_any_peer) {
        hs->peer->until_ms = UINT64_MAX;
        if (hs->role == LKS_SERVER)
            return lks_standing_on_client(hs);
        lks_standing_set(hs, hs->peer->anchor_digest, hs->peer->until_ms);
        return LKS_OK;
    }
    return status ? status : lks_hs_verify_peer(hs);
}

enum lks_status lks_compressed_certificate_read(struct lks_hs *hs, struct lks_reader body)
{
    uint8_t *plain;
    size_t plain_len;
    if (!hs->config->policy->compressions[0]) /* nobody asked for one */
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_COMPRESSED_UNASKED);
    enum lks_status status =
        lks_compression_undo(&plain, &plain_len, body, hs->config->policy->compressions);
    if (status)
        return status;
    status = lks_certificate_read(hs, lks_reader_of(plain, plain_len));
    free(plain);
    return status;
}

enum lks_status lks_certificate_verify_read(struct lks_hs *hs, struct lks_reader body)
{
    uint8_t content[CONTENT_LEN + LKS_HASH_MAX];
    uint16_t number;
    struct lks_reader sig;
    if (!lks_read_u16(&body, &number) || !lks_read_vec16(&body, &sig) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_CERTIFICATE_VERIFY_MALFORMED);
    const struct lks_sign_scheme *scheme =
        lks_policy_scheme(hs->config->policy, number, LKS_TLS_1_3);
    if (!scheme) /* section 4.4.3: one that we offered [8446 4.4.3-7 4.4.3-8] */
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SCHEME_NOT_OFFERED);
    enum lks_status status =
        signed_content(hs, hs->role == LKS_CLIENT ? LKS_SERVER : LKS_CLIENT, content);
    if (!status)
        status = lks_sign_verify(scheme, hs->peer->key, content, CONTENT_LEN + hs->suite->hash_len,
                                 sig.data, sig.len);
    hs->peer_scheme = status ? 0 : number;
    return status;
}
