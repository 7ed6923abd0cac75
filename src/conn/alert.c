/* SPDX-License-Identifier: BSD-3-Clause */

/* Alerts sent and received: RFC 8446 section 6. */

#include "conn/conn.h"
#include "handshake/config.h"

/* RFC 8446 section 5.1: one at a time, in a record of its own. [8446 5.1-8] */
static void queue_alert(struct lks_conn *conn, uint8_t level, uint8_t description)
{
    conn->alert_message[0] = level;
    conn->alert_message[1] = description;
    conn->alert = OWN_QUEUED;
    if (conn->update == OWN_QUEUED)
        conn->update = OWN_NONE; /* nothing comes after it that a new key would protect */
}

void conn_set_failed(struct lks_conn *conn, enum lks_status status)
{
    conn->failed = (uint16_t)lks_bare(status);
    conn->reason = (uint8_t)lks_reason_of(status);
    conn_trace(conn, LKS_TRACED_FAILED, 0);
}

enum lks_status conn_fail(struct lks_conn *conn, enum lks_status status)
{
    if (conn->failed)
        return (enum lks_status)conn->failed;
    conn_set_failed(conn, status);
    status = lks_bare(status);
    /* A fatal alert takes the place of a close_notify that has not left; behind one that has,
     * nothing may follow. [8446 6-3 6.2-1 6.2-3] [5246 7.2.2-3] */
    if (status != LKS_PEER_ALERT && conn->alert != OWN_SEALING && !conn->close_sent)
        queue_alert(conn, ALERT_FATAL, lks_status_alert(status));
    return status;
}

/* Behind the alert no Finished may come, and without it no handshake gets done. Application data go
 * under a key that is there once it is said. */
static bool finished_is_said(const struct lks_conn *conn)
{
    return conn->established || conn->handshake->seal_key == &conn->seal_key;
}

/*
 * RFC 8446 section 6.1: a close_notify, unless an error alert was sent. user_canceled may stand in
 * front of it where a handshake is given up, but says nothing that the handshake's state does not,
 * and there are peers that take it for an error. [8446 6.1-3]
 */
void lks_conn_close(struct lks_conn *conn)
{
    if (conn_is_misused(conn) || conn->close_wanted || conn->failed)
        return;
    conn->close_wanted = true;
    conn->given_up = !finished_is_said(conn);
    queue_alert(conn, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
}

/*
 * A peer may answer each record that it got from us with one that moves nothing: a client that only
 * receives asks for new keys behind each one that it reads, until ours come (Java), and those may
 * be as many as were on their way to it. So what we send earns it that many. Data of its own make
 * up for as many as it likes.
 */
enum lks_status conn_count_idle(struct lks_conn *conn)
{
    if (conn->num_earned) {
        conn->num_earned--;
        return LKS_OK;
    }
    return ++conn->num_idle > IDLE_RECORDS_MAX
               ? lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_IDLE_RECORDS)
               : LKS_OK;
}

static enum lks_status count_warning(struct lks_conn *conn)
{
    return ++conn->num_warnings > WARNINGS_MAX
               ? lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_ALERT_WARNINGS)
               : LKS_OK;
}

/* TLS 1.2's alerts have levels. A server may send one before its hello says which version it is. */
static bool knows_levels(const struct lks_conn *conn)
{
    return conn->tls12 ||
           (conn->role == LKS_CLIENT && !conn->established &&
            !lks_hs_version(conn->handshake->hs) && lks_config_speaks(conn->config, LKS_TLS_1_2));
}

enum lks_status conn_alert(struct lks_conn *conn, const uint8_t *content, size_t len)
{
    /* RFC 8446 section 5.4: no empty alerts. Section 5.1: one alert a record, and a whole one.
     * [8446 5.1-8 5.4-2] */
    if (len == 0)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_ALERT_EMPTY);
    if (len != 2)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_ALERT_LENGTH);
    if (knows_levels(conn) && content[1] != ALERT_CLOSE_NOTIFY) {
        /* RFC 5246 section 7.2: a warning, such as unrecognized_name, ends nothing. */
        if (content[0] == ALERT_WARNING)
            return count_warning(conn);
        if (content[0] != ALERT_FATAL)
            return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_ALERT_LEVEL);
    }
    /* Section 6: the level says nothing. What is not a closure alert, unknown ones included, is an
     * error. [8446 6-3 6-4] */
    switch (content[1]) {
    case ALERT_CLOSE_NOTIFY:
        conn->close_received = true;
        return LKS_OK;
    case ALERT_USER_CANCELED: /* a close_notify follows */
        return count_warning(conn);
    default:
        conn->peer_alert = content[1];
        return LKS_PEER_ALERT;
    }
}
