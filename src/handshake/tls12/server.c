/* SPDX-License-Identifier: BSD-3-Clause */

/* The server's side of a TLS 1.2 handshake: what it chooses, and in which order it answers. */

#include <string.h>

#include "handshake/resumption/standing.h"

/* Whether both sides can do a suite, certificates aside. [5246 7.4.1.2-2 7.4.3-3] */
static bool is_common(const struct lks_hs *hs, const struct lks_client_hello *hello,
                      const struct lks_suite *suite)
{
    if (suite->version != LKS_TLS_1_2 || !lks_list_has_u16(hello->suites, suite->number))
        return false;
    if (suite->key_exchange == LKS_KX_RSA)
        return true;
    /* [5246 7.4.1.4.1-3]: who names no signatures means SHA-1, which we don't sign with. */
    return hello->has_schemes &&
           lks_tls12_choose_group(hs->config, hello, suite->key_exchange) != NULL;
}

/* The certificate of a handshake in full, which a session must stand on, too: for suites that sign;
 * in want of one, a key that decrypts. */
static void choose_certificate(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    struct lks_wish wish = {.is_tls12 = true,
                            .name = hello->server_name,
                            .name_must_match = hs->config->policy->sni_required,
                            .schemes = hello->schemes,
                            .cert_schemes = hello->cert_schemes,
                            .curves = hello->groups};
    bool decrypts = false;
    for (const struct lks_suite *const *s = hs->config->policy->suites; *s; s++) {
        if (!is_common(hs, hello, *s))
            continue;
        if ((*s)->key_exchange == LKS_KX_RSA)
            decrypts = true;
        else
            wish.kinds |= (unsigned int)(*s)->auth;
    }
    if (wish.kinds)
        hs->certificate = lks_config_choose(hs->config, &wish, &hs->scheme);
    wish.signs_nothing = true;
    if (!hs->certificate && decrypts)
        hs->certificate = lks_config_choose(hs->config, &wish, &hs->scheme);
    hs->names_server = hs->certificate && hs->server_name &&
                       lks_certificate_answers(hs->certificate, hs->server_name);
}

/* Whether the certificate that was chosen serves a suite. */
static bool fits_certificate(const struct lks_hs *hs, const struct lks_suite *suite)
{
    const struct lks_certificate *c = hs->certificate;
    if (suite->key_exchange == LKS_KX_RSA)
        return c->decrypts;
    return hs->scheme && c->auth & (unsigned int)suite->auth;
}

static enum lks_status choose_suite(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    if (!hs->certificate)
        return lks_no_certificate(hs->config, hello->server_name);
    lks_standing_on_certificate(hs);
    for (const struct lks_suite *const *s = hs->config->policy->suites; *s && !hs->suite; s++)
        if (is_common(hs, hello, *s) && fits_certificate(hs, *s))
            hs->suite = *s;
    if (!hs->suite)
        return lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_NO_SUITE);
    if (hs->suite->key_exchange != LKS_KX_RSA)
        hs->group = lks_tls12_choose_group(hs->config, hello, hs->suite->key_exchange);
    hs->tls12.sends_status =
        hello->has_status &&
        lks_certificate_staples(hs->certificate, lks_config_now_ms(hs->config));
    hs->tls12.sends_sct = hello->has_sct && hs->certificate->sct;
    return LKS_OK;
}

/* RFC 7366 section 3: an answer only where the suite has a MAC; the key schedule begins, and the
 * transcript. */
static enum lks_status begin(struct lks_hs *hs, const struct lks_client_hello *hello,
                             const struct lks_incoming *in)
{
    hs->tls12.encrypt_then_mac = hello->has_encrypt_then_mac && lks_suite_has_mac(hs->suite);
    hs->tls12.keeps_messages = hs->config->policy->client_auth && !hs->tls12.resumed;
    enum lks_status status = lks_alpn_choose(hs, hello);
    if (!status)
        status = lks_schedule_begin(&hs->schedule, hs->suite);
    if (!status)
        status = lks_transcript_add(hs, in->message.data, in->message.len);
    return status ? status : lks_tls12_server_hello_write(hs);
}

/* The end of the first flight. */
static enum lks_status finish_flight(struct lks_hs *hs)
{
    enum lks_status status = LKS_OK;
    if (hs->config->policy->client_auth)
        status = lks_tls12_certificate_request_write(hs);
    if (!status)
        status = lks_message_end(hs, lks_message_begin(hs, LKS_MSG_SERVER_HELLO_DONE));
    lks_event_send(hs);
    hs->state = hs->config->policy->client_auth ? LKS_STATE_12_CERTIFICATE
                                                : LKS_STATE_12_CLIENT_KEY_EXCHANGE;
    return status;
}

static enum lks_status signed_params(struct lks_hs *hs, struct lks_pkey_job *job)
{
    enum lks_status status = lks_server_key_exchange_write(hs, job);
    return status ? status : finish_flight(hs);
}

static enum lks_status handshake_in_full(struct lks_hs *hs, const struct lks_client_hello *hello,
                                         const struct lks_incoming *in)
{
    enum lks_status status = choose_suite(hs, hello);
    if (!status)
        status = lks_tls12_begin_session(hs, hello);
    if (!status)
        status = begin(hs, hello, in);
    if (!status)
        status = lks_tls12_certificate_write(hs);
    if (!status && hs->tls12.sends_status)
        status = lks_certificate_status_write(hs);
    if (status)
        return status;
    return hs->suite->key_exchange == LKS_KX_RSA ? finish_flight(hs)
                                                 : lks_server_key_exchange_sign(hs, signed_params);
}

/* The server ends first: RFC 5246 section 7.3, figure 2. [5246 7.3-4] */
static enum lks_status take_up_session(struct lks_hs *hs, const struct lks_client_hello *hello,
                                       const struct lks_incoming *in)
{
    enum lks_status status = begin(hs, hello, in);
    if (!status)
        status = lks_tls12_keys(hs);
    if (!status)
        status = lks_tls12_finished_write(hs);
    lks_event_send(hs);
    if (!status)
        lks_config_log_secret(hs->config, "CLIENT_RANDOM", hs->client_random, hs->tls12.master,
                              LKS_MASTER_LEN);
    hs->state = LKS_STATE_12_CHANGE_CIPHER_SPEC;
    return status;
}

enum lks_status lks_tls12_server_client_hello(struct lks_hs *hs,
                                              const struct lks_client_hello *hello,
                                              const struct lks_incoming *in)
{
    hs->version = LKS_TLS_1_2;
    hs->skip_early_data = false;
    enum lks_status status = lks_tls12_client_hello_check(hs, hello);
    if (status)
        return status;
    choose_certificate(hs, hello);
    status = lks_tls12_resume(hs, hello);
    if (status)
        return status;
    /* RFC 6066 section 3: a resumed session acknowledges no name. */
    hs->names_server &= !hs->tls12.resumed;
    return hs->tls12.resumed ? take_up_session(hs, hello, in) : handshake_in_full(hs, hello, in);
}

enum lks_status lks_tls12_server_certificate(struct lks_hs *hs, const struct lks_incoming *in)
{
    enum lks_status status = lks_tls12_certificate_read(hs, in->body);
    hs->state = LKS_STATE_12_CLIENT_KEY_EXCHANGE;
    return status ? status : lks_transcript_add(hs, in->message.data, in->message.len);
}

/* [5246 7.4.7-1 7.4.8-1] */
static enum lks_status agreed(struct lks_hs *hs, struct lks_pkey_job *job)
{
    enum lks_status status = lks_client_key_exchange_finish(hs, job);
    hs->state = hs->peer ? LKS_STATE_12_CERTIFICATE_VERIFY : LKS_STATE_12_CHANGE_CIPHER_SPEC;
    return status ? status : lks_tls12_keys(hs);
}

enum lks_status lks_tls12_server_client_key_exchange(struct lks_hs *hs,
                                                     const struct lks_incoming *in)
{
    /* RFC 7627 section 3: the session's hash ends with this message. */
    enum lks_status status = lks_transcript_add(hs, in->message.data, in->message.len);
    return status ? status : lks_client_key_exchange_read(hs, in->body, agreed);
}

enum lks_status lks_tls12_server_certificate_verify(struct lks_hs *hs,
                                                    const struct lks_incoming *in)
{
    enum lks_status status = lks_tls12_certificate_verify_read(hs, in->body);
    hs->state = LKS_STATE_12_CHANGE_CIPHER_SPEC;
    return status ? status : lks_transcript_add(hs, in->message.data, in->message.len);
}

enum lks_status lks_tls12_server_finished(struct lks_hs *hs, const struct lks_incoming *in)
{
    enum lks_status status = lks_tls12_finished_verify(hs, in->body);
    if (!status)
        status = lks_transcript_add(hs, in->message.data, in->message.len);
    if (!status && !hs->tls12.resumed)
        status = lks_tls12_ticket_write(hs);
    if (!status && !hs->tls12.resumed)
        status = lks_tls12_finished_write(hs);
    if (status)
        return status; /* [5246 7.2-1]: the session is kept only now */
    lks_tls12_cache_session(hs);
    lks_event_done(hs);
    return LKS_OK;
}
