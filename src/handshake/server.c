/* SPDX-License-Identifier: BSD-3-Clause */

/* The server's side of a TLS 1.3 handshake: what it chooses, and in which order it answers. */

#include <stdlib.h>
#include <string.h>

#include "handshake/certificate/certificate.h"
#include "handshake/certificate/host.h"
#include "handshake/cookie.h"
#include "handshake/core.h"
#include "handshake/exchange/exchange.h"
#include "handshake/resumption/standing.h"

/* Our first suite that the client has, too. [8446 4.1.2-9] */
static const struct lks_suite *choose_suite(const struct lks_hs *hs,
                                            const struct lks_client_hello *hello)
{
    for (const struct lks_suite *const *s = hs->config->policy->suites; *s; s++)
        if ((*s)->version == LKS_TLS_1_3 && lks_list_has_u16(hello->suites, (*s)->number))
            return *s;
    return NULL;
}

static bool find_share(const struct lks_client_hello *hello, uint16_t group,
                       struct lks_reader *share)
{
    struct lks_reader list = hello->key_shares;
    uint16_t number;
    while (lks_read_u16(&list, &number) && lks_read_vec16(&list, share))
        if (number == group)
            return true;
    return false;
}

/* Our first group that the client sent a share of; failing that, our first that it knows: then the
 * share is missing. [8446 4.2.8-9] */
static const struct lks_group *choose_group(const struct lks_hs *hs,
                                            const struct lks_client_hello *hello,
                                            struct lks_reader *share)
{
    const struct lks_group *known = NULL;
    *share = lks_reader_of(NULL, 0);
    for (const struct lks_group *const *g = hs->config->policy->groups; *g; g++) {
        if (!lks_list_has_u16(hello->groups, (*g)->number))
            continue;
        if (find_share(hello, (*g)->number, share))
            return *g;
        if (!known)
            known = *g;
    }
    *share = lks_reader_of(NULL, 0);
    return known;
}

/* RFC 8446 section 4.2.8: each share is of a group in supported_groups, in the same order, so none
 * comes twice. [8446 4.2.8-1 4.2.8-3] */
static bool shares_are_in_order(const struct lks_client_hello *hello)
{
    struct lks_reader groups = hello->groups, list = hello->key_shares, share;
    uint16_t number, group;
    while (lks_read_u16(&list, &number) && lks_read_vec16(&list, &share)) {
        do {
            if (!lks_read_u16(&groups, &group))
                return false;
        } while (group != number);
    }
    return true;
}

/* The certificate of a handshake in full, which a session must stand on, too. */
static void choose_certificate(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    const struct lks_wish wish = {.name = hello->server_name,
                                  .name_must_match = hs->config->policy->sni_required,
                                  .schemes = hello->schemes,
                                  .cert_schemes = hello->cert_schemes,
                                  .any_scheme = !hello->has_schemes};
    hs->certificate = lks_config_choose(hs->config, &wish, &hs->scheme);
    hs->names_server = hs->certificate && hs->server_name &&
                       lks_certificate_answers(hs->certificate, hs->server_name);
}

static enum lks_status need_certificate(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    /* Section 9.2: without a PSK all three MUST be there. [8446 4.2.3-3 9.2-12] */
    if (!hello->has_groups || !hello->has_key_shares || !hello->has_schemes)
        return lks_because(LKS_ALERT_MISSING_EXTENSION, LKS_WHY_HELLO_INCOMPLETE);
    /* Section 9.2: a server may insist on a name. */
    if (hs->config->policy->sni_required && !hello->server_name.len)
        return lks_because(LKS_ALERT_MISSING_EXTENSION, LKS_WHY_NAME_MISSING);
    hs->compression =
        lks_compression_choose(hs->config->identities->compressions, hello->compressions);
    /* Section 4.4.2: an empty list is no answer. [8446 4.1.1-4 4.4.2-12] */
    if (!hs->certificate)
        return lks_no_certificate(hs->config, hello->server_name);
    const bool staples = hello->has_status &&
                         lks_certificate_staples(hs->certificate, lks_config_now_ms(hs->config));
    hs->entry_extensions =
        (staples ? LKS_PEER_ASKED_STATUS : 0) | (hello->has_sct ? LKS_PEER_ASKED_SCT : 0);
    lks_standing_on_certificate(hs);
    return LKS_OK;
}

static enum lks_status agree_on_group(struct lks_hs *hs, const struct lks_client_hello *hello,
                                      struct lks_reader *share)
{
    if (!hello->has_groups || !hello->has_key_shares)
        return lks_because(LKS_ALERT_MISSING_EXTENSION, LKS_WHY_HELLO_INCOMPLETE);
    if (!shares_are_in_order(hello))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SHARES_ORDER);
    hs->group = choose_group(hs, hello, share);
    /* Section 4.1.1: no group in common. [8446 4.1.1-1] */
    return hs->group ? LKS_OK : lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_NO_GROUP);
}

/* Everything that is chosen from a ClientHello. *share: empty where a HelloRetryRequest must ask.
 */
static enum lks_status choose(struct lks_hs *hs, const struct lks_client_hello *hello,
                              struct lks_reader *share)
{
    enum lks_status status = lks_record_size_limit_asked(hs, hello);
    if (status)
        return status;
    /* Section 9.2: the one goes with the other. [8446 9.2-12] */
    if (hello->has_groups != hello->has_key_shares)
        return lks_because(LKS_ALERT_MISSING_EXTENSION, LKS_WHY_HELLO_INCOMPLETE);
    if (!hs->retried) /* section 4.1.4: else it stays [8446 4.1.4-8] */
        hs->suite = choose_suite(hs, hello);
    /* Section 4.1.1: nothing in common. [8446 4.1.1-4] */
    if (!hs->suite)
        return lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_NO_SUITE);
    choose_certificate(hs, hello);
    status = lks_psk_choose(hs, hello);
    if (status)
        return status;
    /* RFC 6066 section 3: a resumed session acknowledges no name. */
    hs->names_server &= !hs->psk.used;
    if (!hs->psk.used)
        status = need_certificate(hs, hello);
    if (hs->psk.used && hs->psk.without_dhe)
        hs->group = NULL; /* a HelloRetryRequest of another machine may have named one */
    else if (!status)
        status = agree_on_group(hs, hello, share);
    return status ? status : lks_alpn_choose(hs, hello);
}

/* The name of a second hello is that of the first, which may have come to another server. */
static enum lks_status keep_name(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    char host[LKS_HOST_MAX + 1];
    if (hs->server_name || !lks_host_fold(host, hello->server_name) || !host[0])
        return LKS_OK;
    hs->server_name = strdup(host);
    return hs->server_name ? LKS_OK : LKS_NO_MEMORY;
}

bool lks_hs_name_is_odd(const struct lks_hs *hs, const struct lks_client_hello *hello)
{
    return hello->server_name.len && !hs->server_name;
}

static bool wants_tickets(const struct lks_hs *hs, const struct lks_client_hello *hello)
{
    bool without_dhe;
    return !lks_hs_name_is_odd(hs, hello) && lks_psk_mode_allowed(hs, hello, &without_dhe);
}

/* Asks for a share of hs->group, with a cookie that knows how to go on. [8446 4.1.1-3] */
static enum lks_status send_retry(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    uint8_t bytes[LKS_COOKIE_MAX];
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    struct lks_cookie cookie = {
        .suite = hs->suite->number, .group = hs->group->number, .hash_len = hs->suite->hash_len};
    enum lks_status status = lks_client_hello_digest(hello, cookie.digest);
    if (!status)
        status = lks_schedule_hash(&hs->schedule, cookie.hash);
    if (!status)
        status = lks_cookie_write(&w, hs->config, &cookie);
    if (!status)
        status = lks_hello_retry_request_write(hs, lks_reader_of(bytes, w.len));
    if (status)
        return status;
    lks_event_send(hs);
    if (hs->compat)
        lks_event_ccs(hs);
    hs->state = LKS_STATE_SECOND_CLIENT_HELLO;
    lks_event_told(hs, LKS_HS_RETRIED, 0);
    return LKS_OK;
}

/* RFC 8446 section 4.1.2: after a HelloRetryRequest all but some extensions stays as it was, the
 * one share is of the group we named, and there is no early data. [8446 4.1.2-2 4.2.8-7 4.2.10-5]
 */
static enum lks_status check_second_hello(const struct lks_client_hello *hello,
                                          const struct lks_cookie *cookie)
{
    uint8_t digest[32];
    struct lks_reader share, rest = hello->key_shares;
    uint16_t number;
    enum lks_status status = lks_client_hello_digest(hello, digest);
    if (status)
        return status;
    if (!hello->has_key_shares)
        return lks_because(LKS_ALERT_MISSING_EXTENSION, LKS_WHY_SECOND_HELLO_DIFFERS);
    if (memcmp(digest, cookie->digest, sizeof(digest)) || hello->has_early_data ||
        !lks_read_u16(&rest, &number) || number != cookie->group ||
        !lks_read_vec16(&rest, &share) || rest.len)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SECOND_HELLO_DIFFERS);
    return LKS_OK;
}

/* What a cookie names, if this machine has it, too: another one that has our key may be configured
 * otherwise, for which the client can do nothing. */
static enum lks_status take_cookie(struct lks_hs *hs, const struct lks_cookie *cookie)
{
    const struct lks_suite *suite = lks_config_suite(hs->config, cookie->suite);
    hs->suite = suite && suite->version == LKS_TLS_1_3 ? suite : NULL;
    hs->group = NULL;
    for (const struct lks_group *const *g = hs->config->policy->groups; *g && !hs->group; g++)
        if ((*g)->number == cookie->group)
            hs->group = *g;
    return hs->suite && hs->group && hs->suite->hash_len == cookie->hash_len
               ? LKS_OK
               : lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_COOKIE_OTHER_CONFIG);
}

/*
 * A ClientHello with a cookie of ours answers a HelloRetryRequest, whether it was this connection
 * that sent it or one that is gone. What went before is in the cookie, and the HelloRetryRequest is
 * written again, for the transcript alone.
 */
static enum lks_status go_on_from_cookie(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    struct lks_cookie cookie;
    enum lks_status status = lks_cookie_read(&cookie, hs->config, hello->cookie);
    if (!status)
        status = check_second_hello(hello, &cookie);
    if (!status)
        status = take_cookie(hs, &cookie);
    if (status)
        return status;
    hs->retried = true;
    lks_schedule_wipe(&hs->schedule);
    status = lks_schedule_begin(&hs->schedule, hs->suite);
    if (!status)
        status = lks_schedule_retry(&hs->schedule, cookie.hash);
    if (!status)
        status = lks_hello_retry_request_write(hs, hello->cookie);
    hs->out.len = hs->out_marked;
    return status;
}

/* CertificateVerify (a PSK does without) and Finished, and the application traffic keys. [8446
 * 4-1 4.4.4-2] */
static enum lks_status finish_flight(struct lks_hs *hs, struct lks_pkey_job *signature)
{
    enum lks_status status = signature ? lks_certificate_verify_write(hs, signature) : LKS_OK;
    if (!status)
        status = lks_finished_write(hs, hs->server_handshake_secret);
    if (!status)
        status = lks_secrets_application(hs);
    if (!status)
        status = lks_event_key(hs, LKS_HS_SEAL_KEY, LKS_LEVEL_APPLICATION, hs->server_app_secret);
    /* Section 4.3.2: with a PSK there is no CertificateRequest. [8446 4.3.2-6] */
    if (hs->early.taken)
        hs->state = LKS_STATE_END_OF_EARLY_DATA;
    else
        hs->state = hs->config->policy->client_auth && signature ? LKS_STATE_CERTIFICATE
                                                                 : LKS_STATE_FINISHED;
    return status;
}

/* ServerHello, the handshake traffic keys that it makes possible, and the flight as far as what is
 * to be signed. agreed is NULL where a PSK does without a key exchange. [8446
 * 4-1 4.2.9-6 4.2.11.3-1] */
static enum lks_status begin_flight(struct lks_hs *hs, struct lks_pkey_job *agreed)
{
    enum lks_status status = lks_server_hello_write(hs, agreed ? agreed->agree.share : NULL);
    if (!status)
        status = lks_secrets_handshake(hs, agreed ? agreed->agree.secret : NULL,
                                       agreed ? hs->group->secret_len : 0);
    if (status)
        return status;
    lks_event_send(hs);
    if (hs->compat && !hs->retried) /* appendix D.4: after the first of our hellos [8446 D.4-1] */
        lks_event_ccs(hs);
    status = lks_event_key(hs, LKS_HS_SEAL_KEY, LKS_LEVEL_HANDSHAKE, hs->server_handshake_secret);
    if (!status && hs->early.taken)
        status = lks_event_key(hs, LKS_HS_OPEN_KEY, LKS_LEVEL_EARLY, hs->client_early_secret);
    else if (!status)
        status =
            lks_event_key(hs, LKS_HS_OPEN_KEY, LKS_LEVEL_HANDSHAKE, hs->client_handshake_secret);
    if (!status)
        /* Section 4.3.1: at once. [8446 4.3.1-1] */
        status = lks_encrypted_extensions_write(hs);
    /* Section 4.3.2: no CertificateRequest, either. [8446 4.3.2-6 E.1-1] */
    if (!status && hs->psk.used)
        return finish_flight(hs, NULL);
    if (!status && hs->config->policy->client_auth)
        /* Section 4.3.2: behind EncryptedExtensions. [8446 4.3.2-1] */
        status = lks_certificate_request_write(hs);
    if (!status)
        /* Section 4.4.2: unless a PSK authenticates us, which returned above.
         * [8446 4.4.2-1 4.4.3-1] */
        status = lks_certificate_write(hs);
    return status ? status : lks_certificate_verify_sign(hs, finish_flight);
}

static void keep_hello(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    memcpy(hs->client_random, hello->random, sizeof(hello->random));
    memcpy(hs->session_id, hello->session_id.data, hello->session_id.len);
    hs->session_id_len = (uint8_t)hello->session_id.len;
    hs->compat = hello->session_id.len != 0;
    hs->skip_early_data |= hello->has_early_data;
}

/* The job that makes our share and the secret. */
static enum lks_status answer_share(struct lks_hs *hs, struct lks_pkey_job **job,
                                    struct lks_reader share)
{
    const struct lks_hooks *hooks = hs->config->policy->hooks;
    struct lks_group_key *key;
    uint8_t ours[LKS_SHARE_MAX];
    if (!hooks || !hooks->generate)
        return lks_pkey_agree(job, hs->group, NULL, share.data, share.len);
    enum lks_status status = hooks->generate(hooks->user, hs->group, &key, ours);
    if (!status)
        status = lks_pkey_agree(job, hs->group, key, share.data, share.len);
    if (!status)
        memcpy((*job)->agree.share, ours, hs->group->server_share_len);
    return status;
}

/* Our highest that the client has, too. Section 4.2.1: without supported_versions it speaks TLS 1.2
 * at most, whatever legacy_version says.
 * [8446 4.2.1-2 4.2.1-3 4.2.1-4 4.2.1-5 D.2-2 D.2-3] */
static enum lks_status choose_version(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    const bool has_13 = lks_list_has_u16(hello->versions, LKS_TLS_1_3);
    /* Appendix D.5. [8446 D.5-3 D.5-8] */
    if (hello->legacy_version <= LKS_SSL_3)
        return lks_because(LKS_ALERT_PROTOCOL_VERSION, LKS_WHY_CLIENT_SSL3);
    const bool has_12 = hello->has_versions ? lks_list_has_u16(hello->versions, LKS_TLS_1_2)
                                            : hello->legacy_version >= LKS_TLS_1_2;
    if (has_13 && lks_config_speaks(hs->config, LKS_TLS_1_3))
        hs->version = LKS_TLS_1_3;
    else if (has_12 && lks_config_speaks(hs->config, LKS_TLS_1_2) &&
             hs->state == LKS_STATE_CLIENT_HELLO)
        hs->version = LKS_TLS_1_2;
    else
        return lks_because(LKS_ALERT_PROTOCOL_VERSION, LKS_WHY_NO_VERSION);
    return LKS_OK;
}

enum lks_status lks_server_client_hello(struct lks_hs *hs, const struct lks_incoming *in)
{
    struct lks_client_hello hello;
    struct lks_reader share = {0};
    enum lks_status status = lks_client_hello_parse(&hello, in->body);
    if (!status)
        status = lks_hs_ask_hello(hs, &hello, in->body);
    if (!status)
        status = choose_version(hs, &hello);
    if (!status)
        status = hs->version == LKS_TLS_1_2 ? hello.wrong_tls12 : hello.wrong_tls13;
    if (status)
        return status;
    keep_hello(hs, &hello);
    status = keep_name(hs, &hello);
    if (status)
        return status;
    if (hs->version == LKS_TLS_1_2)
        return lks_tls12_server_client_hello(hs, &hello, in);
    if (hello.cookie.len)
        status = go_on_from_cookie(hs, &hello);
    else if (hs->state == LKS_STATE_SECOND_CLIENT_HELLO)
        status = lks_because(LKS_ALERT_MISSING_EXTENSION,
                             LKS_WHY_COOKIE_MISSING); /* section 4.2.2: it MUST be there */
    if (!status)
        status = choose(hs, &hello, &share);
    if (status)
        return status;
    if (!hs->retried)
        status = lks_schedule_begin(&hs->schedule, hs->suite);
    hs->wants_tickets = wants_tickets(hs, &hello);
    if (!status)
        status = lks_psk_begin(hs, &hello, in);
    if (!status)
        status = lks_schedule_add(&hs->schedule, in->message.data, in->message.len);
    if (status)
        return status;
    const bool without_dhe = hs->psk.used && hs->psk.without_dhe;
    if (!without_dhe && !share.len) /* a second hello has one of the group that is known */
        return send_retry(hs, &hello);
    status = lks_early_data_decide(hs, &hello);
    if (status || without_dhe)
        return status ? status : begin_flight(hs, NULL);
    struct lks_pkey_job *job;
    status = answer_share(hs, &job, share);
    return status ? status : lks_hs_start_job(hs, job, begin_flight);
}

enum lks_status lks_server_certificate(struct lks_hs *hs, const struct lks_incoming *in)
{
    enum lks_status status = in->message.data[0] == LKS_MSG_CERTIFICATE
                                 ? lks_certificate_read(hs, in->body)
                                 : lks_compressed_certificate_read(hs, in->body);
    hs->state = hs->peer ? LKS_STATE_CERTIFICATE_VERIFY : LKS_STATE_FINISHED;
    return status ? status : lks_schedule_add(&hs->schedule, in->message.data, in->message.len);
}

enum lks_status lks_server_certificate_verify(struct lks_hs *hs, const struct lks_incoming *in)
{
    enum lks_status status = lks_certificate_verify_read(hs, in->body);
    hs->state = LKS_STATE_FINISHED;
    return status ? status : lks_schedule_add(&hs->schedule, in->message.data, in->message.len);
}

enum lks_status lks_server_finished(struct lks_hs *hs, const struct lks_incoming *in)
{
    enum lks_status status = lks_finished_verify(hs, in->body, hs->client_handshake_secret);
    if (status)
        return status;
    status = lks_event_key(hs, LKS_HS_OPEN_KEY, LKS_LEVEL_APPLICATION, hs->client_app_secret);
    if (!status)
        status = lks_schedule_add(&hs->schedule, in->message.data, in->message.len);
    if (!status)
        status = lks_new_session_tickets_write(hs);
    if (!status)
        lks_event_done(hs);
    return status;
}
