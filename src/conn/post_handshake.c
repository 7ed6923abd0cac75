/* SPDX-License-Identifier: BSD-3-Clause */

/* Messages after the handshake: TLS 1.3's KeyUpdate, RFC 8446 section 4.6.3, and tickets; TLS 1.2's
 * renegotiation, which is refused. */

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

struct conn_message conn_update_message(const struct lks_conn *conn)
{
    static const uint8_t updates[][KEY_UPDATE_LEN] = {
        {HANDSHAKE_KEY_UPDATE, 0, 0, 1, UPDATE_NOT_REQUESTED},
        {HANDSHAKE_KEY_UPDATE, 0, 0, 1, UPDATE_REQUESTED}};
    static const uint8_t refusal[] = {ALERT_WARNING, ALERT_NO_RENEGOTIATION};
    if (conn->tls12)
        return (struct conn_message){refusal, sizeof(refusal), LKS_TYPE_ALERT};
    return (struct conn_message){updates[conn->update_asks], KEY_UPDATE_LEN, LKS_TYPE_HANDSHAKE};
}

void conn_queue_update(struct lks_conn *conn, bool request_peer)
{
    if (conn->update != OWN_NONE || conn->close_wanted || conn->failed)
        return;
    /* One request at a time: the answer to an earlier one is still to come. */
    request_peer = request_peer && !conn->update_asked;
    conn->update_asks = request_peer;
    conn->update_asked |= request_peer;
    conn->update = OWN_QUEUED;
}

enum lks_status lks_conn_update_key(struct lks_conn *conn, bool request_peer)
{
    if (conn->inside)
        return LKS_INSIDE;
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
    const enum lks_status status =
        next_key(&conn->seal_key, LKS_SEAL, conn_suite(conn), conn->seal_secret);
    if (!status)
        conn_trace(conn, LKS_TRACED_SEAL_UPDATE, conn->num_seal_updates);
    return status;
}

static enum lks_status receive_update(struct lks_conn *conn, uint8_t request)
{
    /* Section 4.6.3: any other value MUST end the connection with illegal_parameter. [8446 4.6.3-4]
     */
    if (request != UPDATE_NOT_REQUESTED && request != UPDATE_REQUESTED)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_UPDATE_VALUE);
    /* The answer to a request of ours is no more than we asked for. */
    enum lks_status status = conn->update_asked ? LKS_OK : conn_count_idle(conn);
    if (!status)
        /* Section 4.6.3: here and nowhere else. [8446 4.6.3-3 4.6.3-7] */
        status = next_key(&conn->open_key, LKS_OPEN, conn_suite(conn), conn->open_secret);
    if (status)
        return status;
    conn->update_asked = false;
    conn->num_open_updates++;
    conn_skip_body(conn, 0);
    /* Section 4.6.3: nothing of the application's is sealed before it. [8446 4.6.3-5] */
    if (request == UPDATE_REQUESTED)
        conn_queue_update(conn, false);
    conn_trace(conn, LKS_TRACED_OPEN_UPDATE, conn->num_open_updates);
    return LKS_OK;
}

static uint32_t body_len(const struct lks_conn *conn)
{
    const uint8_t *m = conn->message;
    return (uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3];
}

/* TLS 1.3's header: whether such a message may come, and how long it is.
 * [8446 4.1.2-3 4.5-3 4.6.2-5] */
static enum lks_status check_tls13(struct lks_conn *conn)
{
    const uint32_t len = body_len(conn);
    if (conn->message[0] == HANDSHAKE_KEY_UPDATE)
        return len == 1 ? LKS_OK : lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_UPDATE_LENGTH);
    if (conn->message[0] == HANDSHAKE_NEW_SESSION_TICKET && conn->role == LKS_CLIENT) {
        if (!len)
            return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_TICKET_MALFORMED);
        conn_skip_body(conn, len);
        conn_tickets_header(conn);
        return conn_count_idle(conn);
    }
    return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_POST_HANDSHAKE);
}

/* Of a ClientHello that starts over; it is only dropped. */
#define HELLO_MAX 65536u

/* TLS 1.2's: a server's HelloRequest, a client's ClientHello, which are refused. A refusal on its
 * way answers for all that came meanwhile. [5746 4.2-1] [8446 4.1.2-4] */
static enum lks_status check_tls12(struct lks_conn *conn)
{
    const uint32_t len = body_len(conn);
    const uint8_t wanted =
        conn->role == LKS_CLIENT ? HANDSHAKE_HELLO_REQUEST : HANDSHAKE_CLIENT_HELLO;
    if (conn->message[0] != wanted)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_POST_HANDSHAKE);
    if (conn->role == LKS_CLIENT ? len != 0 : len > HELLO_MAX)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_RENEGOTIATION_LENGTH);
    conn_skip_body(conn, len);
    conn_queue_update(conn, false);
    return conn_count_idle(conn);
}

enum lks_status conn_post_handshake(struct lks_conn *conn, const uint8_t *data, size_t len,
                                    enum lks_event *event)
{
    while (len) {
        enum lks_status status = LKS_OK;
        if (conn_skips_body(conn)) {
            const size_t n = len < conn->skip_len ? len : conn->skip_len;
            status = conn->tls12 ? LKS_OK : conn_tickets_body(conn, data, n, event);
            conn->skip_len -= (uint32_t)n;
            data += n;
            len -= n;
        } else if (conn->message_len == HANDSHAKE_HEADER_LEN) { /* a KeyUpdate's */
            /* Section 5.1: a change of keys is where a record ends. [8446 5.1-4] */
            return len == 1
                       ? receive_update(conn, *data)
                       : lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_KEY_CHANGE_MID_MESSAGE);
        } else {
            conn->message[conn->message_len++] = *data++;
            len--;
            if (conn->message_len == HANDSHAKE_HEADER_LEN)
                status = conn->tls12 ? check_tls12(conn) : check_tls13(conn);
        }
        if (status)
            return status;
    }
    return LKS_OK;
}
