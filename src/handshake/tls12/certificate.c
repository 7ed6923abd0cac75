/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2's messages about certificates: Certificate, RFC 5246 section 7.4.2, CertificateStatus,
 * RFC 6066 section 8, CertificateRequest and CertificateVerify, RFC 5246 sections 7.4.4 and 7.4.8.
 */

#include "handshake/certificate/certificate.h"
#include "handshake/core.h"

#define STATUS_TYPE_OCSP 1u

/* ClientCertificateType, RFC 5246 section 7.4.4 and RFC 8422 section 5.5. */
#define RSA_SIGN   1u
#define ECDSA_SIGN 64u

/* The certificates alone, of entries as TLS 1.3 sends them without extensions. [5246 7.4.2-1] */
enum lks_status lks_tls12_certificate_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    struct lks_reader entries = {0}, der, extensions;
    if (hs->certificate)
        entries = lks_reader_of(hs->certificate->entries, hs->certificate->entries_len);
    enum lks_status status = lks_message_reserve(hs, LKS_MSG_HEADER_LEN + 3 + entries.len);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_CERTIFICATE);
    size_t list = lks_write_open(w, 3); /* [5246 1.2-2 7.4.6-1]: empty without one */
    while (lks_read_vec24(&entries, &der) && lks_read_vec16(&entries, &extensions)) {
        lks_write_u24(w, (uint32_t)der.len);
        lks_write_bytes(w, der.data, der.len);
    }
    lks_write_close(w, list, 3);
    return lks_message_end(hs, message);
}

/* A server's key must be what the suite says. */
static enum lks_status check_server_key(struct lks_hs *hs)
{
    if (!(lks_auth_of(hs->peer->key) & (unsigned int)hs->suite->auth))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_KEY_OF_SUITE);
    hs->peer->decrypts = hs->suite->key_exchange == LKS_KX_RSA;
    if (hs->peer->decrypts && EVP_PKEY_get_id(hs->peer->key) != EVP_PKEY_RSA)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_KEY_OF_SUITE);
    return lks_peer_set_sct(hs->peer, lks_reader_of(hs->tls12.sct, hs->tls12.sct_len));
}

/* Section 7.4.6: a server that insists says handshake_failure. */
static enum lks_status read_empty(const struct lks_hs *hs)
{
    if (hs->role == LKS_CLIENT)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_CERTIFICATE_MISSING);
    return hs->config->policy->client_auth == LKS_CLIENT_AUTH_REQUIRED
               ? lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_CLIENT_CERTIFICATE_MISSING)
               : LKS_OK;
}

/* A client verifies when it knows whether a CertificateStatus comes. */
enum lks_status lks_tls12_certificate_read(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_reader list;
    if (!lks_read_vec24(&body, &list) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_CERTIFICATE_MALFORMED);
    if (!list.len)
        return read_empty(hs);
    enum lks_status status = lks_peer_read_tls12(&hs->peer, list);
    if (status)
        return status;
    return hs->role == LKS_CLIENT ? check_server_key(hs) : lks_hs_verify_peer(hs);
}

enum lks_status lks_certificate_status_write(struct lks_hs *hs)
{
    const struct lks_certificate *c = hs->certificate;
    struct lks_writer *w = &hs->out;
    enum lks_status status = lks_message_reserve(hs, LKS_MSG_HEADER_LEN + 4 + c->ocsp_len);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_CERTIFICATE_STATUS);
    lks_write_u8(w, STATUS_TYPE_OCSP);
    lks_write_u24(w, (uint32_t)c->ocsp_len);
    lks_write_bytes(w, c->ocsp, c->ocsp_len);
    return lks_message_end(hs, message);
}

enum lks_status lks_certificate_status_read(struct lks_hs *hs, struct lks_reader body)
{
    return lks_peer_set_status(hs->peer, body);
}

enum lks_status lks_tls12_certificate_request_write(struct lks_hs *hs)
{
    const struct lks_config *config = hs->config;
    struct lks_writer *w = &hs->out;
    enum lks_status status = lks_message_reserve(hs, config->policy->authorities_len + 512);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_CERTIFICATE_REQUEST);
    lks_write_u8(w, 2);
    lks_write_u8(w, ECDSA_SIGN);
    lks_write_u8(w, RSA_SIGN);
    lks_sign_write_schemes(w, config->policy->schemes, true);
    size_t authorities = lks_write_open(w, 2);
    if (config->policy->sends_authorities)
        lks_write_bytes(w, config->policy->authorities, config->policy->authorities_len);
    lks_write_close(w, authorities, 2);
    return lks_message_end(hs, message);
}

static bool authorities_are_whole(struct lks_reader list)
{
    struct lks_reader one;
    while (list.len)
        if (!lks_read_vec16(&list, &one) || !one.len)
            return false;
    return true;
}

/* [5246 7.4.4-1] */
enum lks_status lks_tls12_certificate_request_read(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_reader types, authorities;
    struct lks_wish wish = {.is_tls12 = true};
    uint8_t type;
    if (!lks_read_vec8(&body, &types) || !types.len || !lks_read_vec16(&body, &wish.schemes) ||
        !wish.schemes.len || wish.schemes.len % 2 || !lks_read_vec16(&body, &authorities) ||
        body.len || !authorities_are_whole(authorities))
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_REQUEST_MALFORMED);
    while (lks_read_u8(&types, &type))
        wish.kinds |= type == ECDSA_SIGN ? LKS_AUTH_ECDSA : type == RSA_SIGN ? LKS_AUTH_RSA : 0;
    wish.authorities = authorities;
    hs->certificate_requested = true;
    hs->certificate = lks_config_choose(hs->config, &wish, &hs->scheme);
    return LKS_OK;
}

/* All messages so far are what is signed, by the scheme's hash and not the PRF's. [5246 7.4.8-2] */
enum lks_status lks_tls12_certificate_verify_sign(
    struct lks_hs *hs, enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job))
{
    hs->tls12.keeps_messages = false;
    return lks_hs_sign(hs, hs->tls12.messages, hs->tls12.messages_len, resume);
}

enum lks_status lks_tls12_certificate_verify_read(struct lks_hs *hs, struct lks_reader body)
{
    uint16_t number;
    struct lks_reader sig;
    if (!lks_read_u16(&body, &number) || !lks_read_vec16(&body, &sig) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_CERTIFICATE_VERIFY_MALFORMED);
    const struct lks_sign_scheme *scheme =
        lks_policy_scheme(hs->config->policy, number, LKS_TLS_1_2);
    if (!scheme)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SCHEME_NOT_OFFERED);
    hs->tls12.keeps_messages = false;
    enum lks_status status = lks_sign_verify(scheme, hs->peer->key, hs->tls12.messages,
                                             hs->tls12.messages_len, sig.data, sig.len);
    hs->peer_scheme = status ? 0 : number;
    return status;
}
