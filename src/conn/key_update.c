/* SPDX-License-Identifier: BSD-3-Clause */

/* Messages after the handshake: KeyUpdate, RFC 8446 section 4.6.3, and what a client drops. */

#include <string.h>

#include "base/ct.h"
#include "conn/conn.h"

enum { UPDATE_NOT_REQUESTED, UPDATE_REQUESTED };

static enum lks_status next_key(struct lks_key *key, enum lks_dir dir,
                                const struct lks_suite *suite, uint8_t *secret)
{
    enum lks_status status = lks_tls13_next_secret(suite, secret);
    lks_key_wipe(key);
    return status ? status : conn_set_key(key, dir, suite, secret);
}

void conn_queue_update(struct lks_conn *conn, bool request_peer)
{
    if (conn->update != OWN_NONE || conn->close_wanted || conn->failed)
        return;
    /* One request at a time: the answer to an earlier one is still to come. */
    request_peer = request_peer && !conn->update_asked;
    const uint8_t message[KEY_UPDATE_LEN] = {
        HANDSHAKE_KEY_UPDATE, 0, 0, 1, request_peer ? UPDATE_REQUESTED : UPDATE_NOT_REQUESTED};
    memcpy(conn->update_message, message, sizeof(message));
    conn->update_asked |= request_peer;
    conn->update = OWN_QUEUED;
}

enum lks_status lks_conn_update_key(struct lks_conn *conn, bool request_peer)
{
    if (conn->failed)
        return (enum lks_status)conn->failed;
    if (conn->close_wanted)
        return LKS_CLOSED;
    if (conn->tls12)
        return LKS_UNSUPPORTED;
    if (!conn->established || conn->update != OWN_NONE)
        return LKS_WANT_ROOM;
    conn_queue_update(conn, request_peer);
    return LKS_OK;
}

/* RFC 8446 section 4.6.3: the KeyUpdate was sealed, under the old key. [8446 4.6.3-2 4.6.3-6] */
enum lks_status conn_update_seal_key(struct lks_conn *conn)
{
    conn->update = OWN_NONE;
    conn->num_seal_updates++;
    return next_key(&conn->seal_key, LKS_SEAL, conn->suite, conn->seal_secret);
}

static enum lks_status receive_update(struct lks_conn *conn)
{
    uint8_t request = conn->message[HANDSHAKE_HEADER_LEN];
    /* Section 4.6.3: any other value MUST end the connection with illegal_parameter. [8446 4.6.3-4]
     */
    if (request != UPDATE_NOT_REQUESTED && request != UPDATE_REQUESTED)
        return LKS_ALERT_ILLEGAL_PARAMETER;
    /* The answer to a request of ours is no more than we asked for. */
    enum lks_status status = conn->update_asked ? LKS_OK : conn_count_idle(conn);
    if (!status)
        /* Section 4.6.3: here and nowhere else. [8446 4.6.3-3 4.6.3-7] */
        status = next_key(&conn->open_key, LKS_OPEN, conn->suite, conn->open_secret);
    if (status)
        return status;
    conn->update_asked = false;
    conn->num_open_updates++;
    conn->message_len = 0;
    /* Section 4.6.3: nothing of the application's is sealed before it. [8446 4.6.3-5] */
    if (request == UPDATE_REQUESTED)
        conn_queue_update(conn, false);
    return LKS_OK;
}

/* The header of a message that is all there: whether it may come, and how long it is.
 * [8446 4.1.2-3 4.5-3 4.6.2-5] */
static enum lks_status check_header(struct lks_conn *conn)
{
    const uint8_t *m = conn->message;
    uint32_t len = (uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3];
    if (m[0] == HANDSHAKE_KEY_UPDATE)
        return len == 1 ? LKS_OK : LKS_ALERT_DECODE_ERROR;
    if (m[0] == HANDSHAKE_NEW_SESSION_TICKET && conn->role == LKS_CLIENT) {
        if (!len)
            return LKS_ALERT_DECODE_ERROR;
        conn->skip_len = len;
        conn->message_len = 0;
        conn_tickets_header(conn);
        return conn_count_idle(conn);
    }
    return LKS_ALERT_UNEXPECTED_MESSAGE;
}

enum lks_status conn_post_handshake(struct lks_conn *conn, const uint8_t *data, size_t len,
                                    enum lks_event *event)
{
    if (conn->tls12)
        return conn_refuse_renegotiation(conn, data, len);
    while (len) {
        if (conn->skip_len) {
            size_t n = len < conn->skip_len ? len : conn->skip_len;
            enum lks_status ticket = conn_tickets_body(conn, data, n, event);
            if (ticket)
                return ticket;
            conn->skip_len -= (uint32_t)n;
            data += n;
            len -= n;
            continue;
        }
        conn->message[conn->message_len++] = *data++;
        len--;
        enum lks_status status = LKS_OK;
        if (conn->message_len == HANDSHAKE_HEADER_LEN)
            status = check_header(conn);
        else if (conn->message_len == KEY_UPDATE_LEN)
            /* Section 5.1: a change of keys is where a record ends. [8446 5.1-4] */
            status = len ? LKS_ALERT_UNEXPECTED_MESSAGE : receive_update(conn);
        if (status)
            return status;
    }
    return LKS_OK;
}
