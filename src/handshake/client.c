/* SPDX-License-Identifier: BSD-3-Clause */

/* The client's side of a TLS 1.3 handshake. */

#include <stdlib.h>
#include <string.h>

#include "handshake/certificate/certificate.h"
#include "handshake/certificate/host.h"
#include "handshake/core.h"
#include "handshake/exchange/exchange.h"
#include "handshake/resumption/psk.h"
#include "handshake/server_hello.h"

/* The name that the certificate must have; and unless it is an address, what RFC 6066 section 3
 * lets stand in server_name. */
static enum lks_status set_server_name(struct lks_hs *hs, const char *name)
{
    uint8_t address[16];
    char host[LKS_HOST_MAX + 1], text[LKS_ADDRESS_TEXT_MAX];
    if (!name)
        return LKS_OK;
    const bool is_address = lks_host_address(address, text, name) != 0;
    if (!is_address && (!lks_host_fold(host, lks_reader_of((const uint8_t *)name, strlen(name))) ||
                        !lks_host_is_valid(host)))
        return LKS_BAD_ARGUMENT;
    hs->peer_name = strdup(is_address ? text : host);
    hs->server_name = is_address ? NULL : strdup(host);
    return hs->peer_name && (is_address || hs->server_name) ? LKS_OK : LKS_NO_MEMORY;
}

#define X25519 0x001du

/* A share of our first group, and of X25519 for servers that do not know that one.
 * [8446 4.2.8-1 4.2.8-3] */
static void choose_shares(struct lks_hs *hs)
{
    size_t num = 0;
    for (const struct lks_group *const *g = hs->config->policy->groups; *g; g++)
        if (num < LKS_KEY_SHARES_MAX && (!num || (*g)->number == X25519))
            hs->shares[num++].group = *g;
}

/* RFC 8446 section 4.1.2: the first message is ours, a ClientHello. [8446 4.1.2-1] */
enum lks_status lks_client_start(struct lks_hs *hs, const struct lks_conn_options *options)
{
    enum lks_status status = set_server_name(hs, options->server_name);
    if (!status)
        status = lks_hs_random(hs, hs->client_random, sizeof(hs->client_random));
    if (!status && !hs->config->policy->no_compat && lks_config_speaks(hs->config, LKS_TLS_1_3)) {
        /* Section 4.1.2: fresh 32 bytes; otherwise it stays empty. [8446 4.1.2-7 4.1.2-8] */
        /* RFC 8446 appendix D.4: a session id that is not empty, so that it looks like TLS 1.2. */
        hs->session_id_len = sizeof(hs->session_id);
        hs->compat = true;
        status = lks_hs_random(hs, hs->session_id, sizeof(hs->session_id));
    }
    choose_shares(hs);
    if (!status && options->session)
        status = lks_client_session_keep(hs, options->session, options->session_len);
    if (!status)
        status = lks_tls12_set_session_id(hs);
    /* RFC 8446 appendix E.5: only where it is asked for. [8446 E.5-3] */
    hs->early.offered = options->early_data && lks_early_data_may_offer(hs);
    if (!status)
        status = lks_client_hello_write(hs);
    lks_event_send(hs);
    if (!status && hs->early.offered)
        status = lks_early_data_begin(hs);
    hs->state = LKS_STATE_SERVER_HELLO;
    return status;
}

static bool sent_share_of(const struct lks_hs *hs, uint16_t group)
{
    for (size_t i = 0; i < LKS_KEY_SHARES_MAX && hs->shares[i].group; i++)
        if (hs->shares[i].group->number == group)
            return true;
    return false;
}

static const struct lks_group *group_of_config(const struct lks_hs *hs, uint16_t number)
{
    for (const struct lks_group *const *g = hs->config->policy->groups; *g; g++)
        if ((*g)->number == number)
            return *g;
    return NULL;
}

static const struct lks_suite *suite_of_config(const struct lks_hs *hs, uint16_t number)
{
    const struct lks_suite *suite = lks_config_suite(hs->config, number);
    return suite && suite->version == LKS_TLS_1_3 ? suite : NULL;
}

/* What ServerHello and HelloRetryRequest have in common: RFC 8446 sections 4.1.3, 4.1.4, 4.2.1.
 * [8446 4.1.3-4 4.1.3-5 4.1.3-6 4.1.4-3 4.1.4-7 4.1.4-10 4.2.1-11] */
static enum lks_status check_hello(const struct lks_hs *hs, const struct lks_server_hello *hello)
{
    /* Section 4.2.1: legacy_version does not count beside supported_versions. Section 4.1.4 has it
     * checked in a HelloRetryRequest. [8446 4.1.4-3 4.2.1-10] */
    if (hello->legacy_version <= LKS_SSL_3) /* appendix D.5 [8446 D.5-8] */
        return lks_because(LKS_ALERT_PROTOCOL_VERSION, LKS_WHY_SERVER_SSL3);
    if (hello->is_retry && hello->legacy_version != 0x0303)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_RETRY_VERSION);
    if (hello->version != LKS_TLS_1_3)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SERVER_VERSION);
    if (hello->compression || hello->session_id.len != hs->session_id_len ||
        memcmp(hello->session_id.data, hs->session_id, hs->session_id_len))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SERVER_ECHO);
    const struct lks_suite *suite = suite_of_config(hs, hello->suite);
    /* Section 4.1.4: the suite of a HelloRetryRequest stays. [8446 4.1.3-5 4.1.4-7 4.1.4-9] */
    if (!suite || (hs->retried && suite != hs->suite))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SUITE_NOT_OFFERED);
    return LKS_OK;
}

/* The hello that the server asked for: RFC 8446 section 4.1.2. [8446 4.2.2-1] */
static enum lks_status keep_cookie(struct lks_hs *hs, struct lks_reader cookie)
{
    if (!cookie.len)
        return LKS_OK;
    hs->cookie = malloc(cookie.len);
    if (!hs->cookie)
        return LKS_NO_MEMORY;
    memcpy(hs->cookie, cookie.data, cookie.len);
    hs->cookie_len = cookie.len;
    return LKS_OK;
}

/* RFC 8446 section 4.2.8: one share, of the group that was asked for. [8446 4.2.8-7 4.2.8-10] */
static void replace_shares(struct lks_hs *hs, const struct lks_group *group)
{
    for (size_t i = 0; i < LKS_KEY_SHARES_MAX; i++)
        lks_group_key_free(hs->shares[i].key);
    memset(hs->shares, 0, sizeof(hs->shares));
    hs->shares[0].group = group;
    hs->key_shares.len = 0;
}

/* HelloRetryRequest, section 4.1.4: what it asks for must be something that we can give, and that
 * the first hello lacked. [8446 4.1.4-4 4.1.4-5 4.1.4-6 4.2.8-5] */
static enum lks_status retry(struct lks_hs *hs, const struct lks_server_hello *hello,
                             const struct lks_incoming *in)
{
    if (hs->retried)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_RETRY_AGAIN);
    if (hello->has_key_share) {
        const struct lks_group *group = group_of_config(hs, hello->group);
        if (!group || sent_share_of(hs, hello->group))
            return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_RETRY_GROUP);
        replace_shares(hs, group);
    } else if (!hello->cookie.len) {
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_RETRY_NOTHING);
    }
    uint8_t hash[LKS_HASH_MAX];
    hs->retried = true;
    enum lks_status status = keep_cookie(hs, hello->cookie);
    if (!status)
        status = lks_schedule_hash(&hs->schedule, hash);
    if (!status)
        status = lks_schedule_retry(&hs->schedule, hash);
    if (!status)
        status = lks_schedule_add(&hs->schedule, in->message.data, in->message.len);
    if (status)
        return status;
    if (hs->early.offered) /* they are lost [8446 4.2.10-12] */
        lks_event_plain(hs);
    else if (hs->compat) /* appendix D.4: before the second flight */
        lks_event_ccs(hs);
    status = lks_client_hello_write(hs);
    lks_event_told(hs, LKS_HS_RETRIED, 0);
    hs->state = LKS_STATE_SECOND_SERVER_HELLO;
    return status;
}

/* Whether EncryptedExtensions may still say that our early data are taken. */
static bool may_go_on_early(const struct lks_hs *hs)
{
    return hs->early.offered && !hs->retried && hs->psk.used;
}

/* The handshake traffic keys. Ours come with a change_cipher_spec in front of the flight. job is
 * NULL where a PSK does without a key exchange. */
static enum lks_status agreed(struct lks_hs *hs, struct lks_pkey_job *job)
{
    enum lks_status status =
        lks_secrets_handshake(hs, job ? job->agree.secret : NULL, job ? hs->group->secret_len : 0);
    if (!status)
        status =
            lks_event_key(hs, LKS_HS_OPEN_KEY, LKS_LEVEL_HANDSHAKE, hs->server_handshake_secret);
    if (status)
        return status;
    if (hs->compat && !hs->retried && !hs->early.offered)
        lks_event_ccs(hs);
    hs->state = LKS_STATE_ENCRYPTED_EXTENSIONS;
    if (may_go_on_early(hs))
        return LKS_OK;
    return lks_event_key(hs, LKS_HS_SEAL_KEY, LKS_LEVEL_HANDSHAKE, hs->client_handshake_secret);
}

static enum lks_status agree(struct lks_hs *hs, const struct lks_server_hello *hello)
{
    struct lks_group_key *key = NULL;
    if (!hello->has_key_share && hs->psk.used && hs->config->policy->psk_ke)
        return agreed(hs, NULL);
    /* A key exchange that was not on offer, or none where there has to be one.
     * [8446 4.2.9-7 4.2.11-6] */
    if (hs->psk.used && hello->has_key_share && hs->config->policy->no_psk_dhe_ke)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_PSK_MODE);
    if (!hello->has_key_share)
        return hs->psk.used
                   ? lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_PSK_MODE)
                   : lks_because(LKS_ALERT_MISSING_EXTENSION, LKS_WHY_SERVER_SHARE_MISSING);
    for (size_t i = 0; i < LKS_KEY_SHARES_MAX && hs->shares[i].group; i++) {
        if (hs->shares[i].group->number != hello->group)
            continue;
        hs->group = hs->shares[i].group;
        key = hs->shares[i].key;
        hs->shares[i].key = NULL;
    }
    if (!key) /* section 4.2.8: a group that we sent a share of [8446 4.2.8-10] */
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SERVER_SHARE_GROUP);
    struct lks_pkey_job *job;
    enum lks_status status =
        lks_pkey_agree(&job, hs->group, key, hello->share.data, hello->share.len);
    return status ? status : lks_hs_start_job(hs, job, agreed);
}

enum lks_status lks_client_server_hello(struct lks_hs *hs, const struct lks_incoming *in)
{
    struct lks_server_hello hello;
    enum lks_status status = lks_server_hello_read(&hello, in->body, hs->offered);
    if (!status && !hello.has_version && !hello.is_retry)
        return lks_tls12_client_server_hello(hs, &hello, in);
    if (!status)
        status = check_hello(hs, &hello);
    if (status)
        return status;
    hs->version = LKS_TLS_1_3;
    if (!hs->retried) { /* now the hash is known */
        hs->suite = suite_of_config(hs, hello.suite);
        status = lks_schedule_begin(&hs->schedule, hs->suite);
        if (!status)
            status = lks_schedule_add(&hs->schedule, hs->hello.data, hs->hello.len);
    }
    if (status)
        return status;
    if (hello.is_retry)
        return retry(hs, &hello, in);
    if (hello.has_psk)
        status = lks_psk_offer_taken(hs, hello.psk);
    else
        status = lks_psk_set_none(&hs->schedule);
    if (!status)
        status = lks_schedule_add(&hs->schedule, in->message.data, in->message.len);
    return status ? status : agree(hs, &hello);
}

/* A message that is read, added to the transcript, and followed by another one. */
static enum lks_status read_on(struct lks_hs *hs, const struct lks_incoming *in,
                               enum lks_hs_state next,
                               enum lks_status (*read)(struct lks_hs *hs, struct lks_reader body))
{
    enum lks_status status = read(hs, in->body);
    hs->state = next;
    return status ? status : lks_schedule_add(&hs->schedule, in->message.data, in->message.len);
}

enum lks_status lks_client_encrypted_extensions(struct lks_hs *hs, const struct lks_incoming *in)
{
    /* A PSK takes the place of certificates: RFC 8446 section 4.3.2. [8446 4.3.2-6 E.1-1] */
    enum lks_status status =
        read_on(hs, in, hs->psk.used ? LKS_STATE_FINISHED : LKS_STATE_CERTIFICATE_REQUEST,
                lks_encrypted_extensions_read);
    if (!status && hs->early.taken && !lks_early_data_fits_alpn(hs))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_EARLY_DATA_ALPN);
    if (status || !may_go_on_early(hs) || hs->early.taken)
        return status;
    return lks_event_key(hs, LKS_HS_SEAL_KEY, LKS_LEVEL_HANDSHAKE, hs->client_handshake_secret);
}

enum lks_status lks_client_certificate_request(struct lks_hs *hs, const struct lks_incoming *in)
{
    return read_on(hs, in, LKS_STATE_CERTIFICATE, lks_certificate_request_read);
}

enum lks_status lks_client_certificate(struct lks_hs *hs, const struct lks_incoming *in)
{
    return read_on(hs, in, LKS_STATE_CERTIFICATE_VERIFY,
                   in->message.data[0] == LKS_MSG_CERTIFICATE ? lks_certificate_read
                                                              : lks_compressed_certificate_read);
}

enum lks_status lks_client_certificate_verify(struct lks_hs *hs, const struct lks_incoming *in)
{
    return read_on(hs, in, LKS_STATE_FINISHED, lks_certificate_verify_read);
}

/* The end of the client's flight. [8446 4.4.2-4 4.4.4-2] */
static enum lks_status finish(struct lks_hs *hs)
{
    /* Section 4.5: if and only if the server takes early data. [8446 4.5-1] */
    enum lks_status status = hs->early.taken ? lks_early_data_end(hs) : LKS_OK;
    if (!status)
        status = lks_finished_write(hs, hs->client_handshake_secret);
    if (!status)
        status = lks_event_key(hs, LKS_HS_SEAL_KEY, LKS_LEVEL_APPLICATION, hs->client_app_secret);
    if (!status)
        status = lks_event_key(hs, LKS_HS_OPEN_KEY, LKS_LEVEL_APPLICATION, hs->server_app_secret);
    if (!status)
        lks_event_done(hs);
    return status;
}

static enum lks_status signed_ours(struct lks_hs *hs, struct lks_pkey_job *signature)
{
    enum lks_status status = lks_certificate_verify_write(hs, signature);
    return status ? status : finish(hs);
}

/* RFC 8446 section 4.4.2: a client without a certificate says so, and signs nothing.
 * [8446 4.4.2-3 4.4.2-4 4.4.3-1] */
static enum lks_status answer_request(struct lks_hs *hs)
{
    enum lks_status status = lks_certificate_write(hs);
    if (status)
        return status;
    return hs->certificate ? lks_certificate_verify_sign(hs, signed_ours) : finish(hs);
}

enum lks_status lks_client_finished(struct lks_hs *hs, const struct lks_incoming *in)
{
    enum lks_status status = lks_finished_verify(hs, in->body, hs->server_handshake_secret);
    if (!status)
        status = lks_schedule_add(&hs->schedule, in->message.data, in->message.len);
    if (!status)
        status = lks_secrets_application(hs);
    if (status)
        return status;
    /* Section 4.4.2: a Certificate if and only if it was asked for. [8446 4.4.2-2] */
    return hs->certificate_requested ? answer_request(hs) : finish(hs);
}
