/* SPDX-License-Identifier: BSD-3-Clause */

/* Questions to the application, <lockstep/callbacks.h>: what they tell, and the answers. */

#include "conn/conn.h"
#include "handshake/ask.h"

static enum lks_status go_on(struct lks_conn *conn, enum lks_event *event)
{
    enum lks_status status = conn_handshake_go_on(conn, event);
    return status ? conn_fail(conn, status) : LKS_OK;
}

/* Whether a question may be answered so; why not. */
static enum lks_status check(const struct lks_ask *ask, bool fits, enum lks_event *event)
{
    *event = LKS_EVENT_NONE;
    if (!fits || ask->answered)
        return LKS_BAD_ARGUMENT;
    return !ask->conn || ask->conn->failed || ask->conn->given_up ? LKS_CLOSED : LKS_OK;
}

/* The handshake goes on with an answer, now or when the callback is back. */
static enum lks_status answered(const struct lks_ask *ask, enum lks_event *event)
{
    return ask->conn->inside ? LKS_OK : go_on(ask->conn, event);
}

static enum lks_status refuse(struct lks_ask *ask, enum lks_status status, enum lks_event *event)
{
    const enum lks_reason reason = LKS_WHY_SIGNER_FAILED;
    lks_ask_settle(ask,
                   lks_because(ask->kind == LKS_ASK_SIGNATURE ? LKS_INTERNAL : status, reason));
    return answered(ask, event);
}

enum lks_status lks_answer_failure(struct lks_ask *ask, enum lks_status alert,
                                   enum lks_event *event)
{
    enum lks_event ignored;
    event = event ? event : &ignored;
    const bool is_alert =
        alert == LKS_INTERNAL ||
        (alert >= LKS_ALERT_BASE && lks_status_alert(alert) == alert - LKS_ALERT_BASE);
    enum lks_status status = check(ask, ask && is_alert, event);
    return status ? status : refuse(ask, alert, event);
}

enum lks_status lks_answer_signature(struct lks_ask *ask, const uint8_t *sig, size_t sig_len,
                                     enum lks_event *event)
{
    enum lks_event ignored;
    event = event ? event : &ignored;
    enum lks_status status = check(ask, ask && ask->kind == LKS_ASK_SIGNATURE, event);
    if (status)
        return status;
    lks_ask_settle_signature(ask, sig, sig_len);
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
