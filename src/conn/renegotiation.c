/* SPDX-License-Identifier: BSD-3-Clause */

/* What TLS 1.2 has in place of TLS 1.3's messages after the handshake: renegotiation, which is
 * refused. */

#include <string.h>

#include "conn/conn.h"

/* Of a ClientHello that starts over; it is only dropped. */
#define HELLO_MAX 65536u

/* One on its way answers for all that came meanwhile. [5746 4.2-1] [8446 4.1.2-4] */
static void queue_refusal(struct lks_conn *conn)
{
    if (conn->update != OWN_NONE || conn->close_wanted || conn->failed)
        return;
    conn->update = OWN_QUEUED;
}

/* The header of a message that is all there: a server's HelloRequest, a client's ClientHello. */
static enum lks_status check_header(struct lks_conn *conn)
{
    const uint8_t *m = conn->message;
    const uint32_t len = (uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3];
    const uint8_t wanted =
        conn->role == LKS_CLIENT ? HANDSHAKE_HELLO_REQUEST : HANDSHAKE_CLIENT_HELLO;
    if (m[0] != wanted)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_POST_HANDSHAKE);
    if (conn->role == LKS_CLIENT ? len != 0 : len > HELLO_MAX)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_RENEGOTIATION_LENGTH);
    conn_skip_body(conn, len);
    queue_refusal(conn);
    return conn_count_idle(conn);
}

enum lks_status conn_refuse_renegotiation(struct lks_conn *conn, const uint8_t *data, size_t len)
{
    while (len) {
        if (conn_skips_body(conn)) {
            size_t n = len < conn->skip_len ? len : conn->skip_len;
            conn->skip_len -= (uint32_t)n;
            data += n;
            len -= n;
            continue;
        }
        conn->message[conn->message_len++] = *data++;
        len--;
        if (conn->message_len < HANDSHAKE_HEADER_LEN)
            continue;
        enum lks_status status = check_header(conn);
        if (status)
            return status;
    }
    return LKS_OK;
}
