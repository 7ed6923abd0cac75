/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/certificate/verify.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "handshake/config.h"
#include "handshake/errors.h"
#include "handshake/exchange/hash.h"

#define STATUS_TYPE_OCSP 1u
#define EXTENSIONS_MAX   64

/* What an entry's extensions hold; nothing points to what the list does not own. */
struct entry {
    struct lks_reader der, ocsp, sct;
};

/* CertificateStatus, RFC 6066 section 8. [8446 4.4.2.1-1] */
static enum lks_status read_status(struct entry *e, struct lks_reader data)
{
    uint8_t type;
    if (!lks_read_u8(&data, &type) || type != STATUS_TYPE_OCSP ||
        !lks_read_vec24(&data, &e->ocsp) || data.len || !e->ocsp.len)
        return lks_because(LKS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE, LKS_WHY_OCSP_MALFORMED);
    return LKS_OK;
}

/* SignedCertificateTimestampList, RFC 6962 section 3.3: passed on, so only its form is looked at.
 */
static enum lks_status read_sct(struct entry *e, struct lks_reader data)
{
    struct lks_reader list, one;
    e->sct = data;
    if (!lks_read_vec16(&data, &list) || data.len || !list.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SCT_MALFORMED);
    while (list.len)
        if (!lks_read_vec16(&list, &one) || !one.len)
            return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SCT_MALFORMED);
    return LKS_OK;
}

static enum lks_status read_entry(struct entry *e, struct lks_reader *list,
                                  const lks_extension_set *offered)
{
    struct lks_extension_block block = {.place = LKS_IN_CERTIFICATE,
                                        .offered = offered ? *offered : 0};
    memset(e, 0, sizeof(*e));
    if (!lks_read_vec24(list, &e->der) || !e->der.len ||
        (offered && !lks_read_vec16(list, &block.rest)))
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_CERTIFICATE_MALFORMED);
    enum lks_status status = LKS_OK;
    while (!status && block.rest.len) {
        struct lks_reader data;
        uint16_t type;
        status = lks_extension_next(&block, &type, &data);
        if (!status && type == LKS_EXT_STATUS_REQUEST)
            status = read_status(e, data);
        else if (!status && type == LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP)
            status = read_sct(e, data);
    }
    return status;
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
static enum lks_status parse(X509 **out, struct lks_reader der)
{
    const uint8_t *end = der.data;
    *out = d2i_X509(NULL, &end, (long)der.len);
    if (*out && end == der.data + der.len)
        return LKS_OK;
    X509_free(*out);
    *out = NULL;
    return lks_errors_cause(lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_NOT_X509));
}

static enum lks_status add_certificate(struct lks_peer *peer, struct lks_reader der)
{
    LKS_OWN_ERRORS;
    X509 *x509;
    enum lks_status status = parse(&x509, der);
    if (!status && !X509_get0_pubkey(x509)) { /* of an unknown kind, or it found no memory */
        X509_free(x509);
        status = parse(&x509, der);
    }
    if (status)
        return status;
    if (!sk_X509_push(peer->chain, x509)) {
        X509_free(x509);
        return LKS_NO_MEMORY;
    }
    return LKS_OK;
}

static enum lks_status set_leaf(struct lks_peer *peer, const struct entry *e)
{
    LKS_OWN_ERRORS;
    peer->leaf = sk_X509_value(peer->chain, 0);
    peer->key = X509_get0_pubkey(peer->leaf);
    if (!peer->key)
        return lks_because(LKS_ALERT_UNSUPPORTED_CERTIFICATE, LKS_WHY_KEY_UNKNOWN);
    return copy_out(&peer->der, &peer->der_len, e->der) &&
                   copy_out(&peer->ocsp, &peer->ocsp_len, e->ocsp) &&
                   copy_out(&peer->sct, &peer->sct_len, e->sct) &&
                   EVP_Digest(e->der.data, e->der.len, peer->digest, NULL,
                              lks_hash_of(lks_suite_find(0x1301)), NULL)
               ? LKS_OK
               : LKS_NO_MEMORY;
}

/* offered: NULL where entries have no extensions. */
static enum lks_status read_list(struct lks_peer *peer, struct lks_reader list,
                                 const lks_extension_set *offered)
{
    for (unsigned int i = 0; i == 0 || list.len; i++) {
        struct entry e;
        enum lks_status status = read_entry(&e, &list, offered);
        if (!status)
            status = add_certificate(peer, e.der);
        if (!status && i == 0)
            status = set_leaf(peer, &e);
        if (status)
            return status;
    }
    return LKS_OK;
}

static enum lks_status read_peer(struct lks_peer **out, struct lks_reader list,
                                 const lks_extension_set *offered)
{
    struct lks_peer *peer = calloc(1, sizeof(*peer));
    enum lks_status status = LKS_NO_MEMORY;
    if (peer && (peer->chain = sk_X509_new_null()) != NULL)
        status = read_list(peer, list, offered);
    if (status) {
        lks_peer_free(peer);
        peer = NULL;
    }
    *out = peer;
    return status;
}

enum lks_status lks_peer_read(struct lks_peer **out, struct lks_reader list,
                              lks_extension_set offered)
{
    return read_peer(out, list, &offered);
}

enum lks_status lks_peer_read_tls12(struct lks_peer **out, struct lks_reader list)
{
    return read_peer(out, list, NULL);
}

enum lks_status lks_peer_set_status(struct lks_peer *peer, struct lks_reader body)
{
    struct entry e = {0};
    enum lks_status status = read_status(&e, body);
    if (status)
        return status;
    return copy_out(&peer->ocsp, &peer->ocsp_len, e.ocsp) ? LKS_OK : LKS_NO_MEMORY;
}

enum lks_status lks_peer_set_sct(struct lks_peer *peer, struct lks_reader list)
{
    struct entry e = {0};
    enum lks_status status = list.len ? read_sct(&e, list) : LKS_OK;
    if (status)
        return status;
    return copy_out(&peer->sct, &peer->sct_len, e.sct) ? LKS_OK : LKS_NO_MEMORY;
}

enum lks_status lks_certificate_write_der(struct lks_writer *w, const X509 *x509)
{
    const int len = i2d_X509(x509, NULL);
    if (len <= 0)
        return LKS_NO_MEMORY;
    lks_write_u24(w, (uint32_t)len);
    uint8_t *at = lks_write_room(w, (size_t)len);
    return !at || i2d_X509(x509, &at) == len ? LKS_OK : LKS_NO_MEMORY;
}

static void forget_verified(struct lks_peer *peer)
{
    sk_X509_pop_free(peer->verified, X509_free);
    peer->verified = NULL;
}

void lks_peer_free(struct lks_peer *peer)
{
    if (!peer)
        return;
    sk_X509_pop_free(peer->chain, X509_free);
    forget_verified(peer);
    free(peer->der);
    free(peer->ocsp);
    free(peer->sct);
    free(peer);
}

/* RFC 8446 section 6.2; MD5 is one of libcrypto's weak signatures, section 4.4.2.4.
 * [8446 4.4.2.2-6 4.4.2.4-2] */
static enum lks_status status_of(int error)
{
    switch (error) {
    case X509_V_OK:
        return LKS_OK;
    case X509_V_ERR_OUT_OF_MEM:
        return LKS_NO_MEMORY;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return lks_because(LKS_ALERT_CERTIFICATE_EXPIRED, LKS_WHY_EXPIRED);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return lks_because(LKS_ALERT_CERTIFICATE_EXPIRED, LKS_WHY_NOT_YET_VALID);
    case X509_V_ERR_CERT_REVOKED:
        return lks_because(LKS_ALERT_CERTIFICATE_REVOKED, LKS_WHY_REVOKED);
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return lks_because(LKS_ALERT_CERTIFICATE_UNKNOWN, LKS_WHY_CRL_MISSING);
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return lks_because(LKS_ALERT_CERTIFICATE_UNKNOWN, LKS_WHY_CRL_EXPIRED);
    case X509_V_ERR_CRL_NOT_YET_VALID:
        return lks_because(LKS_ALERT_CERTIFICATE_UNKNOWN, LKS_WHY_CRL_NOT_YET_VALID);
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
        return lks_because(LKS_ALERT_CERTIFICATE_UNKNOWN, LKS_WHY_CRL_UNFIT);
    case X509_V_ERR_INVALID_PURPOSE:
        return lks_because(LKS_ALERT_UNSUPPORTED_CERTIFICATE, LKS_WHY_PURPOSE);
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        return lks_because(LKS_ALERT_UNSUPPORTED_CERTIFICATE, LKS_WHY_CRITICAL_EXTENSION);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return lks_because(LKS_ALERT_UNKNOWN_CA, LKS_WHY_NO_ISSUER);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return lks_because(LKS_ALERT_UNKNOWN_CA, LKS_WHY_SELF_SIGNED);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return lks_because(LKS_ALERT_UNKNOWN_CA, LKS_WHY_SELF_SIGNED_ROOT);
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        return lks_because(LKS_ALERT_UNKNOWN_CA, LKS_WHY_CHAIN_TOO_LONG);
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
        return lks_because(LKS_ALERT_UNKNOWN_CA, LKS_WHY_NOT_A_CA);
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_NAME_MISMATCH);
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_ADDRESS_MISMATCH);
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_CHAIN_SIGNATURE);
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_WEAK);
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_NAME_CONSTRAINTS);
    default:
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_CHAIN_BAD);
    }
}

static bool set_up(X509_STORE_CTX *ctx, const struct lks_peer *peer,
                   const struct lks_config *config, enum lks_role role, const char *name)
{
    if (!X509_STORE_CTX_init(ctx, config->policy->trust, peer->leaf, peer->chain) ||
        !X509_STORE_CTX_set_default(ctx, role == LKS_SERVER ? "ssl_server" : "ssl_client"))
        return false;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)(lks_config_now_ms(config) / 1000));
    lks_revocation_set_up(ctx, &config->policy->revocation);
    return role == LKS_CLIENT || lks_verify_set_name(param, name);
}

uint64_t lks_asn1_time_ms(const ASN1_TIME *time)
{
    struct tm tm;
    const time_t seconds = ASN1_TIME_to_tm(time, &tm) ? timegm(&tm) : 0;
    return seconds > 0 ? UINT64_C(1000) * (uint64_t)seconds : 0;
}

/* What a session of this handshake will stand on. */
static bool keep_standing(struct lks_peer *peer, const struct lks_revocation *r)
{
    const int num = sk_X509_num(peer->verified);
    peer->until_ms = UINT64_MAX;
    for (int i = 0; i < num; i++) {
        const uint64_t end_ms =
            lks_asn1_time_ms(X509_get0_notAfter(sk_X509_value(peer->verified, i)));
        if (end_ms < peer->until_ms)
            peer->until_ms = end_ms;
    }
    peer->crls_until_ms = lks_revocation_until_ms(r, peer->verified);
    return X509_digest(sk_X509_value(peer->verified, num - 1), EVP_sha256(), peer->anchor_digest,
                       NULL) == 1;
}

/* RFC 5280 section 4.2: at most one of each; and libcrypto's parser takes those that it knows. More
 * than any certificate has are not compared with each other. */
bool lks_certificate_is_malformed(X509 *cert)
{
    const int num = X509_get_ext_count(cert);
    bool bad = num > EXTENSIONS_MAX || X509_get_extension_flags(cert) & EXFLAG_INVALID;
    for (int i = 0; i < num && !bad; i++) {
        const ASN1_OBJECT *type = X509_EXTENSION_get_object(X509_get_ext(cert, i));
        bad = X509_get_ext_by_OBJ(cert, type, i) >= 0;
    }
    return bad;
}

/* Of the first num certificates. */
static bool any_is_malformed(STACK_OF(X509) * chain, int num)
{
    for (int i = 0; i < num; i++)
        if (lks_certificate_is_malformed(sk_X509_value(chain, i)))
            return true;
    return false;
}

static enum lks_status verify_chain(X509_STORE_CTX *ctx, struct lks_peer *peer,
                                    const struct lks_config *config, enum lks_role role,
                                    const char *name)
{
    if (!set_up(ctx, peer, config, role, name))
        return LKS_NO_MEMORY;
    if (X509_verify_cert(ctx) <= 0) {
        enum lks_status status = status_of(X509_STORE_CTX_get_error(ctx));
        /* libcrypto finds no issuer of what it cannot parse. */
        if (lks_bare(status) == LKS_ALERT_UNKNOWN_CA &&
            any_is_malformed(peer->chain, sk_X509_num(peer->chain)))
            return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_X509_MALFORMED);
        return status ? status : lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_CHAIN_BAD);
    }
    /* RFC 8446 section 4.4.2.2, RFC 5246 section 7.4.2: if key usage is said. [8446 4.4.2.2-3] */
    if (!(X509_get_key_usage(peer->leaf) &
          (peer->decrypts ? X509v3_KU_KEY_ENCIPHERMENT : X509v3_KU_DIGITAL_SIGNATURE)))
        return lks_because(LKS_ALERT_UNSUPPORTED_CERTIFICATE, LKS_WHY_KEY_USAGE);
    peer->verified = X509_STORE_CTX_get1_chain(ctx);
    if (!peer->verified || !keep_standing(peer, &config->policy->revocation))
        return LKS_NO_MEMORY;
    /* The last one is trusted as it is. */
    if (any_is_malformed(peer->verified, sk_X509_num(peer->verified) - 1))
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_X509_MALFORMED);
    if (role == LKS_SERVER && !lks_verify_constraints(peer->verified, name))
        return lks_because(LKS_ALERT_BAD_CERTIFICATE, LKS_WHY_NAME_CONSTRAINTS);
    return role == LKS_SERVER ? lks_peer_verify_status(peer, config) : LKS_OK;
}

static enum lks_status verify(struct lks_peer *peer, const struct lks_config *config,
                              enum lks_role role, const char *name)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!ctx)
        return LKS_NO_MEMORY;
    enum lks_status status = verify_chain(ctx, peer, config, role, name);
    X509_STORE_CTX_free(ctx);
    return lks_errors_cause(status);
}

/* The same certificates without what libcrypto keeps with them of its own failures. */
static bool renew(struct lks_peer *peer)
{
    STACK_OF(X509) *chain = sk_X509_deep_copy(peer->chain, X509_dup, X509_free);
    if (!chain)
        return false;
    forget_verified(peer);
    sk_X509_pop_free(peer->chain, X509_free);
    peer->chain = chain;
    peer->leaf = sk_X509_value(chain, 0);
    peer->key = X509_get0_pubkey(peer->leaf);
    return peer->key != NULL;
}

enum lks_status lks_peer_verify(struct lks_peer *peer, const struct lks_config *config,
                                enum lks_role role, const char *name)
{
    LKS_OWN_ERRORS;
    if (role == LKS_SERVER && (!name || !*name))
        return lks_because(
            LKS_ALERT_BAD_CERTIFICATE,
            LKS_WHY_NO_NAME_TO_VERIFY); /* a server that is not named is nobody [8446 C.5-1] */
    if (!config->policy->trust)
        return lks_because(LKS_ALERT_UNKNOWN_CA, LKS_WHY_NO_TRUST);
    enum lks_status status = verify(peer, config, role, name);
    if (lks_errors_doubt(status))
        status = renew(peer) ? lks_errors_settle(status, verify(peer, config, role, name))
                             : LKS_NO_MEMORY;
    return status;
}
