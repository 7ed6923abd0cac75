/* SPDX-License-Identifier: BSD-3-Clause */

/* A client's tickets: NewSessionTicket as it comes in, and the session for the application. */

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "conn/conn.h"
#include "handshake/config.h"

enum lks_status conn_tickets_begin(struct lks_conn *conn)
{
    struct conn_tickets *t = calloc(1, sizeof(*t));
    if (!t)
        return LKS_NO_MEMORY;
    conn->kept->tickets = t;
    if (conn->tls12) { /* its tickets came in the handshake */
        struct lks_writer out = lks_writer_of(t->session, sizeof(t->session));
        lks_hs_tls12_session(conn->handshake->hs, &out);
        t->session_len = out.failed ? 0 : out.len;
        return LKS_OK;
    }
    return lks_ticket_base(conn->handshake->hs, &t->base);
}

void conn_tickets_free(struct lks_conn *conn)
{
    struct conn_tickets *t = conn_tickets(conn);
    if (t)
        lks_wipe(t, sizeof(*t));
    free(t);
}

/* What the whole message says, in place of an older ticket. */
static enum lks_status take_ticket(struct lks_conn *conn, enum lks_event *event)
{
    struct conn_tickets *t = conn_tickets(conn);
    struct lks_writer out = lks_writer_of(t->session, sizeof(t->session));
    t->session_len = 0;
    conn_enter(conn); /* the clock may be the application's */
    const uint64_t now_ms = lks_policy_now_ms(conn->config->policy);
    enum lks_status status = conn_leave(conn, LKS_OK);
    if (!status)
        status = lks_new_session_ticket_read(&out, &t->base, lks_reader_of(t->body, t->body_len),
                                             now_ms);
    if (!status && !out.failed)
        t->session_len = out.len;
    if (t->session_len) {
        *event = LKS_EVENT_SESSION;
        conn_trace(conn, LKS_TRACED_SESSION_CAME, 0);
    }
    return status;
}

/* Whether a body is kept is said once, for all of its pieces. */
void conn_tickets_header(struct lks_conn *conn)
{
    struct conn_tickets *t = conn_tickets(conn);
    if (t)
        t->keeps_body = conn->skip_len <= sizeof(t->body);
}

/* Some bytes of a body of which conn->skip_len are to come. */
enum lks_status conn_tickets_body(struct lks_conn *conn, const uint8_t *data, size_t len,
                                  enum lks_event *event)
{
    struct conn_tickets *t = conn_tickets(conn);
    if (!t)
        return LKS_OK;
    if (t->keeps_body) {
        memcpy(t->body + t->body_len, data, len);
        t->body_len += (uint32_t)len;
    }
    if (len < conn->skip_len)
        return LKS_OK;
    enum lks_status status = t->keeps_body ? take_ticket(conn, event) : LKS_OK;
    t->body_len = 0;
    return status;
}

enum lks_status lks_conn_take_session(struct lks_conn *conn, uint8_t *buf, size_t cap, size_t *len)
{
    struct conn_tickets *t = conn_tickets(conn);
    *len = t && !conn->inside ? t->session_len : 0;
    if (conn->inside)
        return LKS_INSIDE;
    if (!*len)
        return LKS_WANT_DATA;
    if (cap < *len)
        return LKS_NO_ROOM;
    memcpy(buf, t->session, *len);
    lks_wipe(t->session, *len);
    t->session_len = 0;
    return LKS_OK;
}
