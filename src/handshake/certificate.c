/* SPDX-License-Identifier: BSD-3-Clause */

/* Certificate, RFC 8446 section 4.4.2, and CertificateVerify, section 4.4.3. */

#include <string.h>

#include "handshake/core.h"

enum lks_status lks_certificate_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t message = lks_message_begin(hs, LKS_MSG_CERTIFICATE);
    lks_write_u8(w, 0); /* certificate_request_context: none asked */
    size_t list = lks_write_open(w, 3);
    lks_write_bytes(w, hs->certificate->entries, hs->certificate->entries_len);
    lks_write_close(w, list, 3);
    return lks_message_end(hs, message);
}

/* What is signed: 64 blanks, the context string, a zero byte, the transcript's hash. */
#define CONTEXT    "TLS 1.3, server CertificateVerify"
#define SIGNED_MAX (64 + sizeof(CONTEXT) + LKS_HASH_MAX)

enum lks_status lks_certificate_verify_write(struct lks_hs *hs)
{
    uint8_t content[SIGNED_MAX], sig[LKS_SIGNATURE_MAX];
    size_t sig_len = sizeof(sig);
    memset(content, ' ', 64);
    memcpy(content + 64, CONTEXT, sizeof(CONTEXT)); /* with its zero byte */
    enum lks_status status = lks_schedule_hash(&hs->schedule, content + 64 + sizeof(CONTEXT));
    if (!status)
        status = lks_sign(hs->scheme, hs->certificate->key, content,
                          64 + sizeof(CONTEXT) + hs->suite->hash_len, sig, &sig_len);
    if (status)
        return status;
    struct lks_writer *w = &hs->out;
    size_t message = lks_message_begin(hs, LKS_MSG_CERTIFICATE_VERIFY);
    lks_write_u16(w, hs->scheme->number);
    size_t body = lks_write_open(w, 2);
    lks_write_bytes(w, sig, sig_len);
    lks_write_close(w, body, 2);
    return lks_message_end(hs, message);
}
