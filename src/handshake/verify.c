/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/verify.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/config.h"

#define EXT_STATUS_REQUEST 5u
#define EXT_SCT            18u
#define STATUS_TYPE_OCSP   1u

/* Keys and digests of 112 bits of security and more: RSA from 2048 bits, no SHA-1. */
#define AUTH_LEVEL 2

/* What an entry's extensions hold; nothing points to what the list does not own. */
struct entry {
    struct lks_reader der, ocsp, sct;
    bool has_status, has_sct;
};

/* CertificateStatus, RFC 6066 section 8. */
static enum lks_status read_status(struct entry *e, struct lks_reader data)
{
    uint8_t type;
    if (!lks_read_u8(&data, &type) || type != STATUS_TYPE_OCSP ||
        !lks_read_vec24(&data, &e->ocsp) || data.len || !e->ocsp.len)
        return LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE;
    return LKS_OK;
}

/* SignedCertificateTimestampList, RFC 6962 section 3.3: passed on, so only its form is looked at.
 */
static enum lks_status read_sct(struct entry *e, struct lks_reader data)
{
    struct lks_reader list, one;
    e->sct = data;
    if (!lks_read_vec16(&data, &list) || data.len || !list.len)
        return LKS_ALERT_DECODE_ERROR;
    while (list.len)
        if (!lks_read_vec16(&list, &one) || !one.len)
            return LKS_ALERT_DECODE_ERROR;
    return LKS_OK;
}

/* RFC 8446 section 4.2: nothing twice, nothing that was not asked for. */
static enum lks_status read_extension(struct entry *e, uint16_t type, struct lks_reader data,
                                      unsigned int asked)
{
    bool *seen;
    if (type == EXT_STATUS_REQUEST && (asked & LKS_PEER_ASKED_STATUS))
        seen = &e->has_status;
    else if (type == EXT_SCT && (asked & LKS_PEER_ASKED_SCT))
        seen = &e->has_sct;
    else
        return LKS_ALERT_UNSUPPORTED_EXTENSION;
    if (*seen)
        return LKS_ALERT_ILLEGAL_PARAMETER;
    *seen = true;
    return type == EXT_SCT ? read_sct(e, data) : read_status(e, data);
}

static enum lks_status read_entry(struct entry *e, struct lks_reader *list, unsigned int asked)
{
    struct lks_reader extensions, data;
    uint16_t type;
    memset(e, 0, sizeof(*e));
    if (!lks_read_vec24(list, &e->der) || !e->der.len || !lks_read_vec16(list, &extensions))
        return LKS_ALERT_DECODE_ERROR;
    while (extensions.len) {
        if (!lks_read_u16(&extensions, &type) || !lks_read_vec16(&extensions, &data))
            return LKS_ALERT_DECODE_ERROR;
        enum lks_status status = read_extension(e, type, data, asked);
        if (status)
            return status;
    }
    return LKS_OK;
}

static bool copy_out(uint8_t **out, size_t *out_len, struct lks_reader from)
{
    if (!from.len)
        return true;
    *out = malloc(from.len);
    if (!*out)
        return false;
    memcpy(*out, from.data, from.len);
    *out_len = from.len;
    return true;
}

/* A certificate is all of its cert_data. */
static enum lks_status add_certificate(struct lks_peer *peer, struct lks_reader der)
{
    const uint8_t *end = der.data;
    X509 *x509 = d2i_X509(NULL, &end, (long)der.len);
    ERR_clear_error();
    if (!x509 || end != der.data + der.len) {
        X509_free(x509);
        return LKS_ALERT_BAD_CERTIFICATE;
    }
    if (!sk_X509_push(peer->chain, x509)) {
        X509_free(x509);
        return LKS_NO_MEMORY;
    }
    return LKS_OK;
}

static enum lks_status set_leaf(struct lks_peer *peer, const struct entry *e)
{
    peer->leaf = sk_X509_value(peer->chain, 0);
    peer->key = X509_get0_pubkey(peer->leaf);
    ERR_clear_error();
    if (!peer->key)
        return LKS_ALERT_UNSUPPORTED_CERTIFICATE;
    return copy_out(&peer->ocsp, &peer->ocsp_len, e->ocsp) &&
                   copy_out(&peer->sct, &peer->sct_len, e->sct)
               ? LKS_OK
               : LKS_NO_MEMORY;
}

static enum lks_status read_list(struct lks_peer *peer, struct lks_reader list, unsigned int asked)
{
    for (unsigned int i = 0; i == 0 || list.len; i++) {
        struct entry e;
        enum lks_status status = read_entry(&e, &list, asked);
        if (!status)
            status =
                i < LKS_PEER_CHAIN_MAX ? add_certificate(peer, e.der) : LKS_ALERT_BAD_CERTIFICATE;
        if (!status && i == 0)
            status = set_leaf(peer, &e);
        if (status)
            return status;
    }
    return LKS_OK;
}

enum lks_status lks_peer_read(struct lks_peer **out, struct lks_reader list, unsigned int asked)
{
    struct lks_peer *peer = calloc(1, sizeof(*peer));
    enum lks_status status = LKS_NO_MEMORY;
    if (peer && (peer->chain = sk_X509_new_null()) != NULL)
        status = read_list(peer, list, asked);
    if (status) {
        lks_peer_free(peer);
        peer = NULL;
    }
    *out = peer;
    return status;
}

void lks_peer_free(struct lks_peer *peer)
{
    if (!peer)
        return;
    sk_X509_pop_free(peer->chain, X509_free);
    free(peer->ocsp);
    free(peer->sct);
    free(peer);
}

/* RFC 8446 section 6.2. */
static enum lks_status status_of(int error)
{
    switch (error) {
    case X509_V_OK:
        return LKS_OK;
    case X509_V_ERR_OUT_OF_MEM:
        return LKS_NO_MEMORY;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return LKS_ALERT_CERTIFICATE_EXPIRED;
    case X509_V_ERR_CERT_REVOKED:
        return LKS_ALERT_CERTIFICATE_REVOKED;
    case X509_V_ERR_INVALID_PURPOSE:
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        return LKS_ALERT_UNSUPPORTED_CERTIFICATE;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
        return LKS_ALERT_UNKNOWN_CA;
    default:
        return LKS_ALERT_BAD_CERTIFICATE;
    }
}

/* RFC 9525: subjectAltName only, wildcards for a whole label only. */
static bool set_name(X509_VERIFY_PARAM *param, const char *name)
{
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name))
        return true;
    ERR_clear_error();
    return X509_VERIFY_PARAM_set1_host(param, name, 0);
}

static bool set_up(X509_STORE_CTX *ctx, const struct lks_peer *peer,
                   const struct lks_config *config, enum lks_role role, const char *name)
{
    if (!X509_STORE_CTX_init(ctx, config->trust, peer->leaf, peer->chain) ||
        !X509_STORE_CTX_set_default(ctx, role == LKS_SERVER ? "ssl_server" : "ssl_client"))
        return false;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_depth(param, LKS_PEER_CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    /* What is in the trust file is trusted, a root or not. */
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    if (config->verify_time)
        X509_VERIFY_PARAM_set_time(param, config->verify_time);
    return role == LKS_CLIENT || set_name(param, name);
}

enum lks_status lks_peer_verify(const struct lks_peer *peer, const struct lks_config *config,
                                enum lks_role role, const char *name)
{
    if (role == LKS_SERVER && (!name || !*name))
        return LKS_ALERT_BAD_CERTIFICATE; /* a server that is not named is nobody */
    if (!config->trust)
        return LKS_ALERT_UNKNOWN_CA;
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!ctx)
        return LKS_NO_MEMORY;
    enum lks_status status = LKS_NO_MEMORY;
    if (set_up(ctx, peer, config, role, name)) {
        int verified = X509_verify_cert(ctx), error = X509_STORE_CTX_get_error(ctx);
        status = verified > 0 ? LKS_OK : status_of(error);
        if (verified <= 0 && !status)
            status = LKS_ALERT_BAD_CERTIFICATE;
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    /* RFC 8446 section 4.4.2.2: digitalSignature, if key usage is said. */
    if (!status && !(X509_get_key_usage(peer->leaf) & X509v3_KU_DIGITAL_SIGNATURE))
        status = LKS_ALERT_UNSUPPORTED_CERTIFICATE;
    return status;
}
