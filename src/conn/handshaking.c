/* SPDX-License-Identifier: BSD-3-Clause */

/* The handshake's events become pieces to send and keys. */

#include "conn/conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "handshake/config.h"

/* RFC 8446 section 5.1: no empty fragments. [8446 5.1-7] [5246 6.2.1-2] */
static enum lks_status queue_piece(struct conn_handshake *h, uint8_t type, const uint8_t *data,
                                   size_t len)
{
    if (len == 0)
        return LKS_OK;
    if (h->num_pieces == PIECES_MAX)
        return LKS_INTERNAL;
    h->pieces[h->num_pieces++] = (struct conn_piece){h->seal_key, data, len, type};
    return LKS_OK;
}

/* In place of the key before, which is wiped. */
static enum lks_status install(struct lks_key *key, enum lks_dir dir,
                               const struct lks_hs_event *event)
{
    lks_key_wipe(key);
    return lks_key_init(key, event->suite->version, event->key.aead, dir, event->key.key,
                        event->key.iv);
}

static enum lks_status set_seal_key(struct lks_conn *conn, const struct lks_hs_event *event)
{
    struct conn_handshake *h = conn->handshake;
    if (event->level == LKS_LEVEL_APPLICATION) {
        h->seal_key = &conn->seal_key;
        conn->suite_row = (uint8_t)(event->suite - lks_suite_rows());
        memcpy(conn->seal_secret, event->secret, sizeof(conn->seal_secret));
    } else if (event->level == LKS_LEVEL_EARLY) {
        h->seal_key = &h->early_key;
    } else if (event->level == LKS_LEVEL_PLAIN) {
        h->seal_key = &h->plain_key;
        return LKS_OK;
    } else {
        h->seal_key = &h->handshake_key;
    }
    return install(h->seal_key, LKS_SEAL, event);
}

static enum lks_status set_open_key(struct lks_conn *conn, const struct lks_hs_event *event)
{
    /* RFC 8446 section 5.1: a message may not go on across a change of keys. [8446 5.1-4] */
    if (lks_hs_mid_message(conn->handshake->hs))
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_KEY_CHANGE_MID_MESSAGE);
    if (event->level == LKS_LEVEL_APPLICATION)
        memcpy(conn->open_secret, event->secret, sizeof(conn->open_secret));
    return install(&conn->open_key, LKS_OPEN, event);
}

static uint8_t row_of_group(uint16_t number)
{
    const struct lks_group *group = number ? lks_group_find(number) : NULL;
    return group ? (uint8_t)(1 + group - lks_group_rows()) : 0;
}

static uint8_t row_of_alpn(const struct lks_config *config, const char *alpn)
{
    for (size_t i = 0; config->policy->alpn[i]; i++)
        if (config->policy->alpn[i] == alpn)
            return (uint8_t)(i + 1);
    return 0;
}

static enum lks_status set_established(struct lks_conn *conn, const struct lks_hs_event *event)
{
    uint8_t digest[32];
    struct lks_conn_info info = {.alpn = "", .group_name = ""};
    lks_hs_get_info(conn->handshake->hs, &info);
    conn->group_row = row_of_group(info.group);
    conn->alpn_row = row_of_alpn(conn->config, info.alpn);
    conn->hello_retried = info.hello_retried;
    conn->resumed = info.resumed;
    conn->external_psk = info.external_psk;
    conn->early_data = info.early_data;
    memcpy(conn->exporter_secret, event->secret, sizeof(conn->exporter_secret));
    conn->has_exporter =
        !conn->tls12 ||
        lks_hs_tls12_exporter(conn->handshake->hs, conn->client_random, conn->server_random);
    conn->num_idle = 0;
    conn->handshake->keeps_peer = lks_hs_peer_digest(conn->handshake->hs, digest);
    conn->established = true;
    conn_enter(conn); /* the clock may be the application's */
    const enum lks_status status = conn_leave(conn, conn_keep(conn));
    if (status)
        return status;
    conn_trace(conn, LKS_TRACED_ESTABLISHED, 0);
    if (conn->tls12 && conn_tickets(conn) && conn_tickets(conn)->session_len)
        conn_trace(conn, LKS_TRACED_SESSION_CAME, 0);
    return (enum lks_status)conn->failed;
}

/* Our close_notify is in a batch or gone: nothing follows it. */
static bool has_closed(const struct lks_conn *conn)
{
    return conn->close_sent || conn->alert == OWN_SEALING;
}

static enum lks_status act(struct lks_conn *conn, const struct lks_hs_event *event)
{
    static const uint8_t ccs[] = {1};
    struct conn_handshake *h = conn->handshake;
    switch (event->kind) {
    case LKS_HS_SEND: /* tickets, where we closed first */
        return has_closed(conn) ? LKS_OK
                                : queue_piece(h, LKS_TYPE_HANDSHAKE, event->data, event->len);
    case LKS_HS_CCS: {
        /* RFC 8446 section 5: never protected. TLS 1.2's is sent before there are keys. */
        struct lks_key *now = h->seal_key;
        h->seal_key = &h->plain_key;
        enum lks_status status = queue_piece(h, LKS_TYPE_CHANGE_CIPHER_SPEC, ccs, sizeof(ccs));
        h->seal_key = now;
        return status;
    }
    case LKS_HS_SEAL_KEY:
        return set_seal_key(conn, event);
    case LKS_HS_OPEN_KEY:
        return set_open_key(conn, event);
    case LKS_HS_DONE:
        return set_established(conn, event);
    case LKS_HS_RETRIED:
        conn_trace(conn, LKS_TRACED_RETRIED, 0);
        return (enum lks_status)conn->failed;
    case LKS_HS_TICKETS:
        if (!has_closed(conn))
            conn_trace(conn, LKS_TRACED_TICKETS_SENT, (uint32_t)event->len);
        return (enum lks_status)conn->failed;
    }
    return LKS_INTERNAL;
}

enum lks_status conn_handshake_pump(struct lks_conn *conn)
{
    struct conn_handshake *h = conn->handshake;
    struct lks_hs_event event;
    enum lks_status status = LKS_OK;
    conn->tls12 = lks_hs_version(h->hs) == LKS_TLS_1_2;
    while (!status && lks_hs_next_event(h->hs, &event)) {
        status = act(conn, &event);
        h->hello_done = true;
    }
    lks_wipe(&event, sizeof(event));
    lks_hs_record_size_limits(h->hs, &conn->send_limit, &conn->accept_limit);
    return status;
}

/* The application may have chosen another configuration. */
static void take_config(struct lks_conn *conn)
{
    struct lks_config *config = lks_hs_config(conn->handshake->hs);
    if (config == conn->config)
        return;
    lks_config_free(conn->config);
    conn->config = lks_config_ref(config);
}

/* Acts on where a step of the handshake has got to. */
static enum lks_status after_step(struct lks_conn *conn, enum lks_status status,
                                  enum lks_event *event)
{
    const bool waits = status == LKS_WANT_PKEY || status == LKS_WANT_ANSWER;
    take_config(conn);
    if (status == LKS_INSIDE)
        return status;
    if (status != LKS_OK && status != LKS_WANT_DATA && !waits)
        return lks_because(status, lks_hs_reason(conn->handshake->hs));
    /* TLS 1.2's change_cipher_spec has its place, which is not in front of a hello. */
    if (conn->handshake->num_ccs && lks_hs_version(conn->handshake->hs) == LKS_TLS_1_2)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_CCS_MISPLACED);
    /* A client's stands in front of its second hello, RFC 8446 appendix D.4, which may be the first
     * that this connection gets: then it has our cookie. [8446 4.2.2-3
     * 5-3] */
    if (conn->handshake->ccs_first && !lks_hs_mid_message(conn->handshake->hs) &&
        !lks_hs_is_retried(conn->handshake->hs))
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_CCS_MISPLACED);
    const bool has_job = status == LKS_WANT_PKEY;
    conn->handshake->waits = waits ? (uint8_t)status : LKS_OK;
    status = conn_handshake_pump(conn);
    if (status)
        return status;
    if (conn->established)
        *event = LKS_EVENT_ESTABLISHED;
    else if (has_job)
        *event = LKS_EVENT_PKEY;
    conn_handshake_release(conn);
    return LKS_OK;
}

enum lks_status conn_handshake_input(struct lks_conn *conn, const uint8_t *data, size_t len,
                                     enum lks_event *event)
{
    conn_enter(conn);
    const enum lks_status status = lks_hs_input(conn->handshake->hs, data, len);
    return after_step(conn, conn_leave(conn, status), event);
}

enum lks_status conn_handshake_go_on(struct lks_conn *conn, enum lks_event *event)
{
    conn_enter(conn);
    const enum lks_status status = lks_hs_go_on(conn->handshake->hs);
    return after_step(conn, conn_leave(conn, status), event);
}

enum lks_status conn_change_cipher_spec(struct lks_conn *conn)
{
    enum lks_status status = lks_hs_change_cipher_spec(conn->handshake->hs);
    return status ? lks_because(status, lks_hs_reason(conn->handshake->hs))
                  : conn_handshake_pump(conn);
}

struct lks_pkey_job *lks_conn_take_pkey_job(struct lks_conn *conn)
{
    return conn->handshake && !conn->failed && !conn->given_up && !conn->inside
               ? lks_hs_take_job(conn->handshake->hs)
               : NULL;
}

enum lks_status lks_conn_pkey_done(struct lks_conn *conn, struct lks_pkey_job *job,
                                   enum lks_event *event)
{
    *event = LKS_EVENT_NONE;
    if (conn->inside)
        return LKS_INSIDE;
    if (conn->failed || conn->given_up || !conn->handshake) {
        lks_pkey_job_free(job);
        return conn->failed || conn->given_up ? (enum lks_status)conn->failed : LKS_BAD_ARGUMENT;
    }
    conn_enter(conn);
    enum lks_status status = conn_leave(conn, lks_hs_job_done(conn->handshake->hs, job));
    if (status == LKS_BAD_ARGUMENT)
        return status;
    status = after_step(conn, status, event);
    return status ? conn_fail(conn, status) : LKS_OK;
}

bool conn_handshake_is_over(const struct lks_conn *conn)
{
    const struct conn_handshake *h = conn->handshake;
    return !h || (conn->established && !h->num_pieces && !conn_ops_under_way(&conn->sealing));
}

void conn_handshake_release(struct lks_conn *conn)
{
    if (conn->handshake && !conn->handshake->keeps_peer && conn_handshake_is_over(conn))
        conn_handshake_free(conn);
}

const uint8_t *lks_conn_peer_certificate(const struct lks_conn *conn, size_t *len)
{
    struct lks_reader der = {0};
    if (conn->handshake)
        der = lks_hs_peer_certificate(conn->handshake->hs);
    *len = der.len;
    return der.len ? der.data : NULL;
}

const uint8_t *lks_conn_peer_scts(const struct lks_conn *conn, size_t *len)
{
    struct lks_reader scts = {0};
    if (conn->handshake)
        scts = lks_hs_peer_scts(conn->handshake->hs);
    *len = scts.len;
    return scts.len ? scts.data : NULL;
}

void conn_handshake_free(struct lks_conn *conn)
{
    struct conn_handshake *h = conn->handshake;
    if (!h)
        return;
    lks_hs_free(h->hs);
    lks_key_wipe(&h->plain_key);
    lks_key_wipe(&h->handshake_key);
    lks_key_wipe(&h->early_key);
    lks_wipe(h, sizeof(*h));
    free(h);
    conn->handshake = NULL;
}
