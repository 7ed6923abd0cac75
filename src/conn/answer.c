/* SPDX-License-Identifier: BSD-3-Clause */

/* Questions to the application, <lockstep/callbacks.h>: what they tell, and the answers. */

#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "handshake/ask.h"
#include "handshake/config.h"

static enum lks_status go_on(struct lks_conn *conn, enum lks_event *event)
{
    enum lks_status status = conn_handshake_go_on(conn, event);
    return status ? conn_fail(conn, status) : LKS_OK;
}

/* Whether a question may be answered so; why not. */
static enum lks_status check(const struct lks_ask *ask, bool fits, enum lks_event *event)
{
    if (event)
        *event = LKS_EVENT_NONE;
    if (!fits || ask->answered)
        return LKS_BAD_ARGUMENT;
    return !ask->conn || ask->conn->failed || ask->conn->given_up ? LKS_CLOSED : LKS_OK;
}

/* The handshake goes on with an answer, now or when the callback is back. */
static enum lks_status answered(const struct lks_ask *ask, enum lks_event *event)
{
    enum lks_event ignored;
    return ask->conn->inside ? LKS_OK : go_on(ask->conn, event ? event : &ignored);
}

static enum lks_status refuse(struct lks_ask *ask, enum lks_status status, enum lks_event *event)
{
    if (ask->kind == LKS_ASK_SESSION) /* then in full */
        return lks_answer_session(ask, NULL, 0, event);
    if (ask->kind == LKS_ASK_SIGNATURE)
        status = lks_because(LKS_INTERNAL, LKS_WHY_SIGNER_FAILED);
    else
        status = lks_because(status, ask->kind == LKS_ASK_HELLO ? LKS_WHY_HELLO_REFUSED
                                                                : LKS_WHY_PEER_REFUSED);
    lks_ask_settle(ask, status);
    return answered(ask, event);
}

enum lks_status lks_answer_failure(struct lks_ask *ask, enum lks_status alert,
                                   enum lks_event *event)
{
    const bool is_alert =
        alert == LKS_INTERNAL ||
        (alert >= LKS_ALERT_BASE && lks_status_alert(alert) == alert - LKS_ALERT_BASE);
    enum lks_status status = check(ask, ask && is_alert, event);
    return status ? status : refuse(ask, alert, event);
}

enum lks_status lks_answer_signature(struct lks_ask *ask, const uint8_t *sig, size_t sig_len,
                                     enum lks_event *event)
{
    enum lks_status status = check(ask, ask && ask->kind == LKS_ASK_SIGNATURE, event);
    if (status)
        return status;
    lks_ask_settle_signature(ask, sig, sig_len);
    return answered(ask, event);
}

enum lks_status lks_answer_hello(struct lks_ask *ask, struct lks_config *config,
                                 enum lks_event *event)
{
    enum lks_status status = check(ask, ask && ask->kind == LKS_ASK_HELLO, event);
    if (!status && config)
        status = lks_config_check(config, LKS_SERVER, NULL);
    /* A stream could not tell early data from others. */
    if (!status && config && config->policy->max_early && ask->conn->one_by_one)
        status = LKS_UNSUPPORTED;
    if (status)
        return status;
    ask->config = config ? lks_config_ref(config) : NULL;
    lks_ask_settle(ask, LKS_OK);
    return answered(ask, event);
}

enum lks_status lks_answer_peer(struct lks_ask *ask, uint64_t until_ms, enum lks_event *event)
{
    enum lks_status status = check(ask, ask && ask->kind == LKS_ASK_PEER, event);
    if (status)
        return status;
    ask->peer.until_ms = until_ms;
    lks_ask_settle(ask, LKS_OK);
    return answered(ask, event);
}

/* What is longer than anything that was ever put is nothing of ours. */
enum lks_status lks_answer_session(struct lks_ask *ask, const uint8_t *bytes, size_t len,
                                   enum lks_event *event)
{
    enum lks_status status = check(ask, ask && ask->kind == LKS_ASK_SESSION, event);
    if (status)
        return status;
    len = bytes ? (len < LKS_STORED_MAX ? len : LKS_STORED_MAX) : 0;
    ask->session.bytes = len ? malloc(len) : NULL;
    if (ask->session.bytes) { /* or in full, too */
        memcpy(ask->session.bytes, bytes, len);
        ask->session.len = len;
    }
    lks_ask_settle(ask, LKS_OK);
    return answered(ask, event);
}

struct lks_conn *lks_ask_conn(const struct lks_ask *ask)
{
    return ask && !ask->answered ? ask->conn : NULL;
}

void lks_ask_free(struct lks_ask *ask)
{
    if (ask && !ask->answered)
        (void)!lks_answer_failure(ask, LKS_INTERNAL, NULL);
    lks_ask_leave(ask);
}

static bool signs(const struct lks_ask *ask)
{
    return ask && ask->kind == LKS_ASK_SIGNATURE;
}

const uint8_t *lks_ask_content(const struct lks_ask *ask, size_t *len)
{
    *len = signs(ask) ? ask->sign.job->sign.content_len : 0;
    return *len ? ask->sign.job->sign.content : NULL;
}

uint16_t lks_ask_scheme(const struct lks_ask *ask)
{
    return signs(ask) ? ask->sign.job->sign.scheme->number : 0;
}

void *lks_ask_key(const struct lks_ask *ask)
{
    return signs(ask) ? ask->sign.key : NULL;
}

const uint8_t *lks_ask_certificate(const struct lks_ask *ask, size_t *len)
{
    *len = signs(ask) ? ask->sign.certificate_len : 0;
    return *len ? ask->sign.certificate : NULL;
}

const struct lks_hello *lks_ask_hello(const struct lks_ask *ask)
{
    return ask ? ask->hello : NULL;
}

const uint8_t *lks_ask_peer_chain(const struct lks_ask *ask, uint32_t n, size_t *len)
{
    struct lks_reader chain = {0}, der = {0};
    if (ask)
        chain = lks_reader_of(ask->peer.chain, ask->peer.chain_len);
    while (lks_read_vec24(&chain, &der) && n--)
        der.len = 0;
    *len = der.len;
    return der.len ? der.data : NULL;
}

const char *lks_ask_peer_name(const struct lks_ask *ask)
{
    return ask && ask->peer.name ? ask->peer.name : "";
}

const uint8_t *lks_ask_ocsp_response(const struct lks_ask *ask, size_t *len)
{
    *len = ask ? ask->peer.ocsp_len : 0;
    return *len ? ask->peer.ocsp : NULL;
}

const uint8_t *lks_ask_session_id(const struct lks_ask *ask, size_t *len)
{
    const bool asks = ask && ask->kind == LKS_ASK_SESSION;
    *len = asks ? sizeof(ask->session.id) : 0;
    return asks ? ask->session.id : NULL;
}
