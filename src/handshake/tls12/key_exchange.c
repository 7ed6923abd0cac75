/* SPDX-License-Identifier: BSD-3-Clause */

/* ServerKeyExchange and ClientKeyExchange, RFC 5246 sections 7.4.3 and 7.4.7, of ECDHE (RFC 8422),
 * DHE (RFC 7919) and RSA. */

#include <string.h>

#include "base/ct.h"
#include "handshake/core.h"

#define NAMED_CURVE 3u /* ECCurveType, RFC 8422 section 5.4 */
#define SECP256R1   0x0017u

/* RFC 7919 section 4: what a client says of prime fields stands in supported_groups, too. */
static bool names_prime_fields(struct lks_reader groups)
{
    uint16_t number;
    while (lks_read_u16(&groups, &number))
        if (number >= 0x0100 && number <= 0x01ff)
            return true;
    return false;
}

/* Who does not say which groups it knows knows P-256, and takes any prime field. */
const struct lks_group *lks_tls12_choose_group(const struct lks_config *config,
                                               const struct lks_client_hello *hello,
                                               enum lks_key_exchange kx)
{
    const bool prime_field = kx == LKS_KX_DHE;
    const bool any = prime_field ? !names_prime_fields(hello->groups) : !hello->has_groups;
    for (const struct lks_group *const *g = config->policy->groups; *g; g++) {
        if (prime_field ? !lks_group_is_prime_field(*g) : !lks_group_is_curve(*g))
            continue;
        if (any ? prime_field || (*g)->number == SECP256R1
                : lks_list_has_u16(hello->groups, (*g)->number))
            return *g;
    }
    return NULL;
}

/* ServerECDHParams, or ServerDHParams. */
static bool write_params(struct lks_writer *w, const struct lks_group *group, const uint8_t *share)
{
    uint8_t prime[LKS_SHARE_MAX];
    const uint16_t len = group->server_share_len;
    if (lks_group_is_curve(group)) {
        lks_write_u8(w, NAMED_CURVE);
        lks_write_u16(w, group->number);
        lks_write_u8(w, (uint8_t)len);
    } else {
        if (!lks_group_prime(group, prime))
            return false;
        lks_write_u16(w, len);
        lks_write_bytes(w, prime, len);
        lks_write_u16(w, 1);
        lks_write_u8(w, 2); /* the generator */
        lks_write_u16(w, len);
    }
    lks_write_bytes(w, share, len);
    return !w->failed;
}

/* What a ServerKeyExchange signs: both randoms and the parameters. */
#define CONTENT_MAX (64u + LKS_KX_PARAMS_MAX)

static size_t signed_content(const struct lks_hs *hs, struct lks_reader params,
                             uint8_t content[CONTENT_MAX])
{
    memcpy(content, hs->client_random, 32);
    memcpy(content + 32, hs->tls12.server_random, 32);
    memcpy(content + 64, params.data, params.len);
    return 64 + params.len;
}

/* [5246 7.4.3-2] The scheme is the client's first that fits the key. */
enum lks_status lks_server_key_exchange_sign(struct lks_hs *hs,
                                             enum lks_status (*resume)(struct lks_hs *hs,
                                                                       struct lks_pkey_job *job))
{
    struct lks_tls12 *t = &hs->tls12;
    uint8_t share[LKS_SHARE_MAX], content[CONTENT_MAX];
    struct lks_writer w = lks_writer_of(t->params, sizeof(t->params));
    enum lks_status status = lks_group_generate(hs->group, &t->key, share);
    if (status)
        return status;
    if (!write_params(&w, hs->group, share))
        return LKS_INTERNAL;
    t->params_len = w.len;
    size_t content_len = signed_content(hs, lks_reader_of(t->params, t->params_len), content);
    return lks_hs_sign(hs, content, content_len, resume);
}

enum lks_status lks_server_key_exchange_write(struct lks_hs *hs, const struct lks_pkey_job *job)
{
    struct lks_writer *w = &hs->out;
    enum lks_status status = lks_message_reserve(hs, 16 + hs->tls12.params_len + job->sign.sig_len);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_SERVER_KEY_EXCHANGE);
    lks_write_bytes(w, hs->tls12.params, hs->tls12.params_len);
    lks_write_u16(w, hs->scheme->number);
    size_t sig = lks_write_open(w, 2);
    lks_write_bytes(w, job->sign.sig, job->sign.sig_len);
    lks_write_close(w, sig, 2);
    return lks_message_end(hs, message);
}

static const struct lks_group *group_of_config(const struct lks_hs *hs, uint16_t number)
{
    for (const struct lks_group *const *g = hs->config->policy->groups; *g; g++)
        if ((*g)->number == number && lks_group_is_curve(*g))
            return *g;
    return NULL;
}

/* A number of a prime field, which may have come without leading zeros, in all its length. */
static bool pad_number(uint8_t *out, size_t out_len, struct lks_reader number)
{
    if (number.len > out_len)
        return false;
    memset(out, 0, out_len - number.len);
    memcpy(out + out_len - number.len, number.data, number.len);
    return true;
}

static enum lks_status read_curve_params(struct lks_hs *hs, struct lks_reader *body)
{
    struct lks_tls12 *t = &hs->tls12;
    struct lks_reader share;
    uint8_t type;
    uint16_t number;
    if (!lks_read_u8(body, &type))
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_KX_MALFORMED);
    if (type != NAMED_CURVE) /* explicit curves have another form altogether */
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_CURVE_EXPLICIT);
    if (!lks_read_u16(body, &number) || !lks_read_vec8(body, &share) || !share.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_KX_MALFORMED);
    hs->group = group_of_config(hs, number);
    if (!hs->group || share.len != hs->group->server_share_len)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_CURVE_NOT_OFFERED);
    memcpy(t->params, share.data, share.len);
    t->params_len = share.len;
    return LKS_OK;
}

static enum lks_status read_prime_params(struct lks_hs *hs, struct lks_reader *body)
{
    struct lks_tls12 *t = &hs->tls12;
    struct lks_reader prime, generator, share;
    if (!lks_read_vec16(body, &prime) || !lks_read_vec16(body, &generator) ||
        !lks_read_vec16(body, &share) || !prime.len || !generator.len || !share.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_KX_MALFORMED);
    /* RFC 7919 section 3: a group that nobody vouches for is refused. */
    hs->group = lks_group_of_prime(prime.data, prime.len, generator.data, generator.len);
    if (!hs->group)
        return lks_because(LKS_ALERT_INSUFFICIENT_SECURITY, LKS_WHY_PRIME_UNKNOWN);
    t->params_len = hs->group->server_share_len;
    return pad_number(t->params, t->params_len, share)
               ? LKS_OK
               : lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SHARE_LENGTH);
}

enum lks_status lks_server_key_exchange_read(struct lks_hs *hs, struct lks_reader body)
{
    uint8_t content[CONTENT_MAX];
    struct lks_reader params = body, sig;
    uint16_t number;
    enum lks_status status = hs->suite->key_exchange == LKS_KX_ECDHE ? read_curve_params(hs, &body)
                                                                     : read_prime_params(hs, &body);
    if (status)
        return status;
    params.len -= body.len;
    if (!lks_read_u16(&body, &number) || !lks_read_vec16(&body, &sig) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_KX_MALFORMED);
    const struct lks_sign_scheme *scheme =
        lks_policy_scheme(hs->config->policy, number, LKS_TLS_1_2);
    if (!scheme || params.len > LKS_KX_PARAMS_MAX) /* one that we offered */
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SCHEME_NOT_OFFERED);
    size_t content_len = signed_content(hs, params, content);
    status = lks_sign_verify(scheme, hs->peer->key, content, content_len, sig.data, sig.len);
    hs->peer_scheme = status ? 0 : number;
    return status;
}

enum lks_status lks_client_key_exchange_start(struct lks_hs *hs,
                                              enum lks_status (*resume)(struct lks_hs *hs,
                                                                        struct lks_pkey_job *job))
{
    struct lks_pkey_job *job;
    if (hs->suite->key_exchange == LKS_KX_RSA)
        return resume(hs, NULL); /* cheap: the public exponent is small */
    enum lks_status status =
        lks_pkey_agree(&job, hs->group, NULL, hs->tls12.params, hs->tls12.params_len);
    return status ? status : lks_hs_start_job(hs, job, resume);
}

/* RFC 5246 section 8.1.2: without leading zeros in a prime field; RFC 8422 section 5.10: with them
 * on a curve. The key is used once, so the time this takes tells about one secret only. */
static enum lks_status set_master(struct lks_hs *hs, const struct lks_pkey_job *job)
{
    const uint8_t *secret = job->agree.secret;
    size_t len = hs->group->secret_len;
    while (hs->suite->key_exchange == LKS_KX_DHE && len > 1 && !*secret) {
        secret++;
        len--;
    }
    return lks_tls12_master(hs, secret, len);
}

static enum lks_status write_rsa(struct lks_hs *hs, uint8_t premaster[LKS_PREMASTER_LEN])
{
    uint8_t encrypted[LKS_RSA_MAX];
    size_t len = sizeof(encrypted);
    enum lks_status status =
        lks_rsa_encrypt(premaster, encrypted, &len, hs->peer->key, LKS_TLS_1_2);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_CLIENT_KEY_EXCHANGE);
    lks_write_u16(&hs->out, (uint16_t)len);
    lks_write_bytes(&hs->out, encrypted, len);
    return lks_message_end(hs, message);
}

enum lks_status lks_client_key_exchange_write(struct lks_hs *hs, const struct lks_pkey_job *job)
{
    if (!job) {
        uint8_t premaster[LKS_PREMASTER_LEN];
        enum lks_status status = write_rsa(hs, premaster);
        if (!status)
            status = lks_tls12_master(hs, premaster, sizeof(premaster));
        lks_wipe(premaster, sizeof(premaster));
        return status;
    }
    const uint16_t len = hs->group->client_share_len;
    const unsigned int prefix = hs->suite->key_exchange == LKS_KX_ECDHE ? 1 : 2;
    size_t message = lks_message_begin(hs, LKS_MSG_CLIENT_KEY_EXCHANGE);
    lks_write_uint(&hs->out, len, prefix);
    lks_write_bytes(&hs->out, job->agree.share, len);
    enum lks_status status = lks_message_end(hs, message);
    return status ? status : set_master(hs, job);
}

static enum lks_status start_agreement(struct lks_hs *hs, struct lks_reader number,
                                       struct lks_pkey_job **job)
{
    struct lks_tls12 *t = &hs->tls12;
    uint8_t share[LKS_SHARE_MAX];
    struct lks_group_key *key = t->key;
    t->key = NULL;
    if (hs->suite->key_exchange == LKS_KX_ECDHE)
        return lks_pkey_agree(job, hs->group, key, number.data, number.len);
    if (!pad_number(share, hs->group->client_share_len, number)) {
        lks_group_key_free(key);
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SHARE_LENGTH);
    }
    return lks_pkey_agree(job, hs->group, key, share, hs->group->client_share_len);
}

enum lks_status lks_client_key_exchange_read(struct lks_hs *hs, struct lks_reader body,
                                             enum lks_status (*resume)(struct lks_hs *hs,
                                                                       struct lks_pkey_job *job))
{
    const bool curve = hs->suite->key_exchange == LKS_KX_ECDHE;
    struct lks_reader value;
    if (!lks_read_vec(&body, &value, curve ? 1 : 2) || body.len || !value.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_CLIENT_KX_MALFORMED);
    struct lks_pkey_job *job;
    enum lks_status status = hs->suite->key_exchange == LKS_KX_RSA
                                 ? lks_pkey_decrypt(&job, hs->certificate->key,
                                                    hs->tls12.client_version, value.data, value.len)
                                 : start_agreement(hs, value, &job);
    return status ? status : lks_hs_start_job(hs, job, resume);
}

enum lks_status lks_client_key_exchange_finish(struct lks_hs *hs, const struct lks_pkey_job *job)
{
    return hs->suite->key_exchange == LKS_KX_RSA
               ? lks_tls12_master(hs, job->decrypt.premaster, sizeof(job->decrypt.premaster))
               : set_master(hs, job);
}
