/* SPDX-License-Identifier: BSD-3-Clause */

/* The client's side of a TLS 1.2 handshake. */

#include <string.h>

#include "handshake/certificate/certificate.h"
#include "handshake/resumption/standing.h"

/* RFC 8446 section 4.1.3, appendices D.1 and D.3: TLS 1.2 was not forced upon us, and fits what we
 * sent. [8446 4.1.3-13 4.1.4-10 D.1-1 D.3-1 D.5-3 D.5-8] */
static enum lks_status check_version(const struct lks_hs *hs, const struct lks_server_hello *hello)
{
    if (lks_config_speaks(hs->config, LKS_TLS_1_3) && lks_server_hello_is_downgrade(hello))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_DOWNGRADE);
    if (hs->retried) /* the HelloRetryRequest said TLS 1.3 */
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SERVER_VERSION);
    if (hello->legacy_version != LKS_TLS_1_2 || !lks_config_speaks(hs->config, LKS_TLS_1_2) ||
        hs->early.offered)
        return lks_because(LKS_ALERT_PROTOCOL_VERSION, LKS_WHY_SERVER_VERSION);
    return LKS_OK;
}

/* The server takes up our session where it repeats its ID, or the one sent with a ticket. A random
 * ID, for the looks of it, says nothing that could be repeated. */
static enum lks_status check_session(struct lks_hs *hs, const struct lks_server_hello *hello)
{
    struct lks_tls12 *t = &hs->tls12;
    const bool same = hs->session_id_len && hello->session_id.len == hs->session_id_len &&
                      memcmp(hello->session_id.data, hs->session_id, hs->session_id_len) == 0;
    memcpy(t->session_id, hello->session_id.data, hello->session_id.len);
    t->session_id_len = (uint8_t)hello->session_id.len;
    t->resumed = same;
    if (!same)
        return LKS_OK; /* [5246 7.4.1.3-2] */
    if (!lks_tls12_has_session(hs) || hs->session->session.suite != hs->suite->number)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SESSION_NOT_OFFERED);
    return lks_standing_inherit(hs, &hs->session->session);
}

/* What the answers say together. */
static enum lks_status check_answers(const struct lks_hs *hs)
{
    const struct lks_tls12 *t = &hs->tls12;
    if (!t->renegotiation_info) /* [5746 4.1-1] */
        return lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_NO_SECURE_RENEGOTIATION);
    if (t->resumed && !t->extended_master) /* [7627 5.3-6]: our sessions all have one */
        return lks_because(LKS_ALERT_HANDSHAKE_FAILURE, LKS_WHY_RESUMED_WITHOUT_EMS);
    if (t->encrypt_then_mac && !lks_suite_has_mac(hs->suite)) /* RFC 7366 section 3 */
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_ENCRYPT_THEN_MAC);
    return LKS_OK;
}

static enum lks_status take_up_session(struct lks_hs *hs)
{
    memcpy(hs->tls12.master, hs->session->session.secret, LKS_MASTER_LEN);
    lks_config_log_secret(hs->config, "CLIENT_RANDOM", hs->client_random, hs->tls12.master,
                          LKS_MASTER_LEN);
    hs->state =
        hs->tls12.sends_ticket ? LKS_STATE_12_NEW_SESSION_TICKET : LKS_STATE_12_CHANGE_CIPHER_SPEC;
    return lks_tls12_keys(hs);
}

enum lks_status lks_tls12_client_server_hello(struct lks_hs *hs,
                                              const struct lks_server_hello *hello,
                                              const struct lks_incoming *in)
{
    enum lks_status status = check_version(hs, hello);
    if (status)
        return status;
    const struct lks_suite *suite = lks_config_suite(hs->config, hello->suite);
    if (!suite || suite->version != LKS_TLS_1_2 || hello->compression)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SUITE_NOT_OFFERED);
    hs->version = LKS_TLS_1_2;
    hs->suite = suite;
    status = lks_tls12_server_hello_read(hs, hello);
    if (!status)
        status = check_session(hs, hello);
    if (!status)
        status = check_answers(hs);
    if (!status)
        status = lks_schedule_begin(&hs->schedule, suite);
    hs->tls12.keeps_messages = hs->config->identities->certificates && !hs->tls12.resumed;
    if (!status)
        status = lks_transcript_add(hs, hs->hello.data, hs->hello.len);
    if (!status)
        status = lks_transcript_add(hs, in->message.data, in->message.len);
    hs->state = LKS_STATE_12_CERTIFICATE;
    return !status && hs->tls12.resumed ? take_up_session(hs) : status;
}

/* What follows the server's certificate, and its status if there is one. */
static enum lks_hs_state behind_certificate(const struct lks_hs *hs)
{
    return hs->suite->key_exchange == LKS_KX_RSA ? LKS_STATE_12_CERTIFICATE_REQUEST
                                                 : LKS_STATE_12_SERVER_KEY_EXCHANGE;
}

enum lks_status lks_tls12_client_certificate(struct lks_hs *hs, const struct lks_incoming *in)
{
    enum lks_status status = lks_tls12_certificate_read(hs, in->body);
    if (!status && !hs->tls12.sends_status)
        status = lks_hs_verify_peer(hs);
    hs->state = hs->tls12.sends_status ? LKS_STATE_12_CERTIFICATE_STATUS : behind_certificate(hs);
    return status ? status : lks_transcript_add(hs, in->message.data, in->message.len);
}

enum lks_status lks_tls12_client_certificate_status(struct lks_hs *hs,
                                                    const struct lks_incoming *in)
{
    enum lks_status status = lks_certificate_status_read(hs, in->body);
    if (!status)
        status = lks_hs_verify_peer(hs);
    hs->state = behind_certificate(hs);
    return status ? status : lks_transcript_add(hs, in->message.data, in->message.len);
}

/* RFC 6066 section 8: a server that promised a CertificateStatus need not send it. */
static enum lks_status skip_status(struct lks_hs *hs)
{
    if (hs->state != LKS_STATE_12_CERTIFICATE_STATUS)
        return LKS_OK;
    hs->state = behind_certificate(hs);
    enum lks_status status = lks_hs_verify_peer(hs);
    hs->repeats = !status && hs->ask; /* nothing is answered before the application has */
    return hs->repeats ? LKS_WANT_ANSWER : status;
}

enum lks_status lks_tls12_client_server_key_exchange(struct lks_hs *hs,
                                                     const struct lks_incoming *in)
{
    enum lks_status status = skip_status(hs);
    if (status)
        return status;
    if (hs->state != LKS_STATE_12_SERVER_KEY_EXCHANGE)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_MESSAGE_UNEXPECTED);
    status = lks_server_key_exchange_read(hs, in->body);
    hs->state = LKS_STATE_12_CERTIFICATE_REQUEST;
    return status ? status : lks_transcript_add(hs, in->message.data, in->message.len);
}

enum lks_status lks_tls12_client_certificate_request(struct lks_hs *hs,
                                                     const struct lks_incoming *in)
{
    enum lks_status status = skip_status(hs);
    if (status)
        return status;
    if (hs->state != LKS_STATE_12_CERTIFICATE_REQUEST)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_MESSAGE_UNEXPECTED);
    status = lks_tls12_certificate_request_read(hs, in->body);
    hs->state = LKS_STATE_12_SERVER_HELLO_DONE;
    return status ? status : lks_transcript_add(hs, in->message.data, in->message.len);
}

/* change_cipher_spec and Finished end our flight. */
static enum lks_status finish_flight(struct lks_hs *hs)
{
    enum lks_status status = lks_tls12_finished_write(hs);
    lks_event_send(hs);
    hs->state =
        hs->tls12.sends_ticket ? LKS_STATE_12_NEW_SESSION_TICKET : LKS_STATE_12_CHANGE_CIPHER_SPEC;
    return status;
}

static enum lks_status signed_messages(struct lks_hs *hs, struct lks_pkey_job *job)
{
    enum lks_status status = lks_certificate_verify_write(hs, job);
    return status ? status : finish_flight(hs);
}

/* job is NULL with RSA key exchange. [5246 7.4.7-1 7.4.8-1] */
static enum lks_status agreed(struct lks_hs *hs, struct lks_pkey_job *job)
{
    enum lks_status status = lks_client_key_exchange_write(hs, job);
    if (!status)
        status = lks_tls12_keys(hs);
    if (status)
        return status;
    return hs->certificate ? lks_tls12_certificate_verify_sign(hs, signed_messages)
                           : finish_flight(hs);
}

enum lks_status lks_tls12_client_server_hello_done(struct lks_hs *hs, const struct lks_incoming *in)
{
    enum lks_status status = skip_status(hs);
    if (status)
        return status;
    if (hs->state != LKS_STATE_12_CERTIFICATE_REQUEST &&
        hs->state != LKS_STATE_12_SERVER_HELLO_DONE)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_MESSAGE_UNEXPECTED);
    status = lks_transcript_add(hs, in->message.data, in->message.len);
    if (!status && hs->certificate_requested) /* [5246 7.3-2] */
        status = lks_tls12_certificate_write(hs);
    return status ? status : lks_client_key_exchange_start(hs, agreed);
}

enum lks_status lks_tls12_client_new_session_ticket(struct lks_hs *hs,
                                                    const struct lks_incoming *in)
{
    enum lks_status status = lks_tls12_ticket_read(hs, in->body);
    hs->state = LKS_STATE_12_CHANGE_CIPHER_SPEC;
    return status ? status : lks_transcript_add(hs, in->message.data, in->message.len);
}

enum lks_status lks_tls12_client_finished(struct lks_hs *hs, const struct lks_incoming *in)
{
    enum lks_status status = lks_tls12_finished_verify(hs, in->body);
    if (!status)
        status = lks_transcript_add(hs, in->message.data, in->message.len);
    if (!status && hs->tls12.resumed)
        status = lks_tls12_finished_write(hs);
    if (!status)
        lks_event_done(hs);
    return status;
}
