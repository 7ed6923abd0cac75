/* SPDX-License-Identifier: BSD-3-Clause */

/* What goes to the peer: the connection's own records, and the application's. */

#include <string.h>

#include "conn/conn.h"
#include "handshake/config.h"
#include "record/key.h"
#include "record/spans.h"

/* One of the connection's own records: bytes of pieces[piece…], or a message of its own. */
struct own_record {
    struct lks_key *key;
    uint8_t type;
    size_t len;
    uint32_t piece;
    size_t offset;
};

static struct lks_key *seal_key_now(struct lks_conn *conn)
{
    return conn->handshake ? conn->handshake->seal_key : &conn->seal_key;
}

/* Where in the handshake's pieces its next record starts. */
struct handshake_walk {
    uint32_t piece;
    size_t offset;
    uint32_t num_records; /* before it */
};

static struct handshake_walk handshake_walk_of(const struct lks_conn *conn)
{
    return (struct handshake_walk){.offset = conn->handshake ? conn->handshake->piece_offset : 0};
}

static bool handshake_walk_at_end(const struct lks_conn *conn, const struct handshake_walk *at)
{
    return !conn->handshake || at->piece == conn->handshake->num_pieces;
}

/*
 * The handshake's next record of this turn; steps behind it. Pieces under one key and of one type
 * share records: RFC 8446 section 5.1. False at the end, or when so many go first. [8446 5.1-6]
 */
static bool next_handshake_record(const struct lks_conn *conn, struct own_record *r,
                                  struct handshake_walk *at)
{
    const struct conn_handshake *h = conn->handshake;
    if (handshake_walk_at_end(conn, at) ||
        at->num_records == (conn->one_by_one ? 1 : LKS_OWN_RECORDS_MAX))
        return false;
    const struct conn_piece *p = &h->pieces[at->piece];
    *r = (struct own_record){p->key, p->type, 0, at->piece, at->offset};
    const size_t max =
        lks_key_is_set(r->key) ? lks_conn_record_max(conn) : LKS_RECORD_PLAINTEXT_MAX;
    while (at->piece < h->num_pieces && r->len < max) {
        p = &h->pieces[at->piece];
        if (p->key != r->key || p->type != r->type)
            break;
        size_t n = p->len - at->offset, room = max - r->len;
        n = n < room ? n : room;
        r->len += n;
        at->offset += n;
        if (at->offset == p->len) {
            at->offset = 0;
            at->piece++;
        }
    }
    at->num_records++;
    return true;
}

/* What comes behind the last record of the walk is left for the next turn. */
static void handshake_drop(struct conn_handshake *h, const struct handshake_walk *at)
{
    h->num_pieces -= at->piece;
    memmove(h->pieces, h->pieces + at->piece, h->num_pieces * sizeof(h->pieces[0]));
    h->piece_offset = at->offset;
}

/* Whether a KeyUpdate is on its way, behind which the next key is not there yet. */
static bool update_in_batch(const struct lks_conn *conn)
{
    return conn->update == OWN_SEALING;
}

size_t lks_conn_own_len(const struct lks_conn *conn)
{
    const struct conn_handshake *h = conn->handshake;
    struct handshake_walk at = handshake_walk_of(conn);
    struct own_record r;
    size_t len = 0;
    if (update_in_batch(conn) || conn->close_sent || conn->seal_failed)
        return 0;
    while (next_handshake_record(conn, &r, &at))
        len += lks_key_record_len(r.key, r.len);
    if (!handshake_walk_at_end(conn, &at))
        return len;
    if (conn->update == OWN_QUEUED)
        len += lks_key_record_len(&conn->seal_key, conn_update_message(conn).len);
    if (conn->alert == OWN_QUEUED)
        len += lks_key_record_len(h ? h->seal_key : &conn->seal_key, sizeof(conn->alert_message));
    return len;
}

/* Takes len bytes from a list into the batch's spans. False if either has too few. */
static bool take_spans(struct lks_batch *batch, struct span_walk *from, size_t len)
{
    while (len) {
        uint8_t *data = NULL;
        size_t n = span_walk_piece(from, &data);
        n = n < len ? n : len;
        if (!n || batch->num_spans == batch->max_spans)
            return false;
        batch->spans[batch->num_spans++] = (struct lks_span){data, n};
        span_walk_step(from, n);
        len -= n;
    }
    return true;
}

/* Zeros behind len bytes of application data, as the configuration has it. */
static uint16_t padding_of(const struct lks_conn *conn, const struct lks_key *key, size_t len)
{
    const struct lks_config *config = conn->config;
    const size_t size = config->policy->padding_size, max = lks_conn_record_max(conn);
    size_t padded = len;
    if (!lks_key_hides_type(key))
        return 0;
    if (config->policy->padding == LKS_PADDING_MULTIPLE)
        padded = (len + size - 1) / size * size;
    else if (config->policy->padding == LKS_PADDING_AT_LEAST && len < size)
        padded = size;
    padded = padded < max ? padded : max;
    return padded > len ? (uint16_t)(padded - len) : 0;
}

static bool add_own_op(struct lks_conn *conn, struct lks_batch *batch, struct lks_key *key,
                       uint8_t type, struct span_walk *src, size_t len, struct span_walk *dst)
{
    if (conn_batch_is_full(batch))
        return false;
    struct lks_op *op = &batch->ops[batch->num_ops];
    memset(op, 0, sizeof(*op));
    op->key = key;
    op->type = type;
    op->user = conn;
    if (type == LKS_TYPE_APPLICATION_DATA)
        op->pad_len = padding_of(conn, key, len);
    op->src = batch->spans + batch->num_spans;
    if (!take_spans(batch, src, len))
        return false;
    op->num_src = (uint32_t)(batch->spans + batch->num_spans - op->src);
    op->dst = batch->spans + batch->num_spans;
    if (!take_spans(batch, dst, lks_key_record_len(key, len + op->pad_len)))
        return false;
    op->num_dst = (uint32_t)(batch->spans + batch->num_spans - op->dst);
    conn_ops_send(&conn->sealing, batch);
    return true;
}

static bool add_handshake_ops(struct lks_conn *conn, struct lks_batch *batch, struct span_walk *dst,
                              struct handshake_walk *at)
{
    const struct conn_handshake *h = conn->handshake;
    struct own_record r;
    while (next_handshake_record(conn, &r, at)) {
        struct lks_span src[PIECES_MAX];
        uint32_t num_src = 0;
        for (size_t i = r.piece, have = 0; have < r.len; i++) {
            src[num_src++] = conn_source(h->pieces[i].data, h->pieces[i].len);
            have += h->pieces[i].len - (i == r.piece ? r.offset : 0);
        }
        struct span_walk src_walk = {src, num_src, r.offset};
        if (!add_own_op(conn, batch, r.key, r.type, &src_walk, r.len, dst))
            return false;
    }
    return true;
}

static bool add_message_op(struct lks_conn *conn, struct lks_batch *batch, struct lks_key *key,
                           uint8_t type, const uint8_t *message, size_t len, struct span_walk *dst)
{
    struct lks_span src = conn_source(message, len);
    struct span_walk walk = span_walk_of(&src, 1);
    return add_own_op(conn, batch, key, type, &walk, len, dst);
}

static bool add_all_ops(struct lks_conn *conn, struct lks_batch *batch, struct span_walk *dst,
                        struct handshake_walk *at)
{
    if (!add_handshake_ops(conn, batch, dst, at))
        return false;
    if (!handshake_walk_at_end(conn, at))
        return true;
    const struct conn_message update = conn_update_message(conn);
    if (conn->update == OWN_QUEUED &&
        !add_message_op(conn, batch, &conn->seal_key, update.type, update.data, update.len, dst))
        return false;
    return conn->alert != OWN_QUEUED ||
           add_message_op(conn, batch, seal_key_now(conn), LKS_TYPE_ALERT, conn->alert_message,
                          sizeof(conn->alert_message), dst);
}

static bool is_seal_key(const struct lks_conn *conn, const struct lks_key *key)
{
    const struct conn_handshake *h = conn->handshake;
    return key == &conn->seal_key ||
           (h && (key == &h->plain_key || key == &h->handshake_key || key == &h->early_key));
}

/* Whether the batch may take more ops: none are in another one, nor lost with what it held. */
static bool takes_ops(const struct lks_conn *conn, const struct lks_batch *batch)
{
    if (!conn_ops_under_way(&conn->sealing))
        return true;
    const struct lks_op *newest = conn_ops_newest(&conn->sealing, batch);
    return newest && is_seal_key(conn, newest->key);
}

enum lks_status lks_conn_seal_own(struct lks_conn *conn, const struct lks_span *dst,
                                  uint32_t num_dst, struct lks_batch *batch)
{
    const uint32_t num_ops = batch->num_ops, num_spans = batch->num_spans;
    const struct conn_ops sealing = conn->sealing;
    const size_t len = lks_conn_own_len(conn);
    struct span_walk walk = span_walk_of(dst, num_dst);
    struct handshake_walk at = handshake_walk_of(conn);
    if (conn->inside)
        return LKS_INSIDE;
    if (!takes_ops(conn, batch))
        return LKS_BAD_ARGUMENT;
    if (!len)
        return LKS_OK;
    if (spans_len(dst, num_dst) < len)
        return LKS_NO_ROOM;
    if (!add_all_ops(conn, batch, &walk, &at)) {
        batch->num_ops = num_ops;
        batch->num_spans = num_spans;
        conn->sealing = sealing;
        return LKS_WANT_ROOM;
    }
    const bool is_all = handshake_walk_at_end(conn, &at);
    if (conn->handshake)
        handshake_drop(conn->handshake, &at);
    if (is_all && conn->update == OWN_QUEUED)
        conn->update = OWN_SEALING;
    if (is_all && conn->alert == OWN_QUEUED)
        conn->alert = OWN_SEALING;
    return LKS_OK;
}

static bool own_queued(const struct lks_conn *conn)
{
    return conn->update != OWN_NONE || conn->alert != OWN_NONE ||
           (conn->handshake && conn->handshake->num_pieces);
}

/* Whether what a client sends now are 0-RTT data. */
static bool sends_early_data(const struct lks_conn *conn)
{
    const struct conn_handshake *h = conn->handshake;
    return !conn->established && h && h->seal_key == &h->early_key;
}

uint32_t lks_conn_early_data_left(const struct lks_conn *conn)
{
    if (!conn || !sends_early_data(conn) || conn->failed || conn->close_wanted)
        return 0;
    return lks_hs_early_data_max(conn->handshake->hs) - conn->handshake->early_data_len;
}

/* Nothing is said to a client that has yet to show its certificate. */
static bool asks_client(const struct lks_conn *conn)
{
    return conn->config->policy->client_auth != LKS_CLIENT_AUTH_OFF;
}

/* A server that has sent its Finished, under TLS 1.3: RFC 8446 section 4.4.4. The application may
 * have chosen another configuration since it was allowed. */
static bool may_send_half_rtt(const struct lks_conn *conn)
{
    const struct conn_handshake *h = conn->handshake;
    return !conn->established && h && h->half_rtt && !conn->tls12 &&
           h->seal_key == &conn->seal_key && !asks_client(conn);
}

enum lks_status lks_conn_allow_half_rtt(struct lks_conn *conn)
{
    if (!conn || conn->role != LKS_SERVER || conn->established)
        return LKS_BAD_ARGUMENT;
    if (conn->inside)
        return LKS_INSIDE;
    if (conn->failed)
        return (enum lks_status)conn->failed;
    if (asks_client(conn))
        return LKS_UNSUPPORTED;
    conn->handshake->half_rtt = true;
    return LKS_OK;
}

/* RFC 8446 section 5.1: application data go under a key that protects them. [8446 5.1-15] */
static const struct lks_key *data_key(const struct lks_conn *conn)
{
    return sends_early_data(conn) ? &conn->handshake->early_key : &conn->seal_key;
}

/* RFC 8446: not before there are keys, behind the answer to a KeyUpdate, not behind an error.
 * [8446 2-2 4.6.3-5 5.1-15 6-1] [5246 7.3-3] */
bool lks_conn_can_seal(const struct lks_conn *conn)
{
    return (conn->established || lks_conn_early_data_left(conn) || may_send_half_rtt(conn)) &&
           !conn->failed && !conn->close_wanted && !own_queued(conn);
}

size_t lks_conn_record_max(const struct lks_conn *conn)
{
    return conn->send_limit - 1u; /* the limit counts the type [8449 4-4] */
}

size_t lks_conn_record_len(const struct lks_conn *conn, size_t len)
{
    const struct lks_key *key = data_key(conn);
    return lks_key_record_len(key, len + padding_of(conn, key, len));
}

enum lks_status lks_conn_seal(struct lks_conn *conn, const struct lks_span *src, uint32_t num_src,
                              const struct lks_span *dst, uint32_t num_dst, struct lks_batch *batch)
{
    const uint32_t num_spans = batch->num_spans;
    if (conn->inside)
        return LKS_INSIDE;
    if (conn->failed)
        return (enum lks_status)conn->failed;
    if (conn->close_wanted)
        return LKS_CLOSED;
    if (!takes_ops(conn, batch))
        return LKS_BAD_ARGUMENT;
    if (!lks_conn_can_seal(conn))
        return LKS_WANT_ROOM;
    size_t len = spans_len(src, num_src);
    if (len > lks_conn_record_max(conn))
        return LKS_BAD_ARGUMENT;
    if (spans_len(dst, num_dst) < lks_conn_record_len(conn, len))
        return LKS_NO_ROOM;
    struct span_walk src_walk = span_walk_of(src, num_src), dst_walk = span_walk_of(dst, num_dst);
    const bool is_early = sends_early_data(conn);
    if (is_early && len > lks_conn_early_data_left(conn))
        return LKS_WANT_ROOM;
    struct lks_key *key = is_early ? &conn->handshake->early_key : &conn->seal_key;
    if (add_own_op(conn, batch, key, LKS_TYPE_APPLICATION_DATA, &src_walk, len, &dst_walk)) {
        if (is_early)
            conn->handshake->early_data_len += (uint32_t)len;
        return LKS_OK;
    }
    batch->num_spans = num_spans;
    return LKS_WANT_ROOM;
}

/*
 * RFC 8446 section 5.5: a new key before the limit of this one. TLS 1.2 has none, as nobody
 * renegotiates here, and the limits are its AEADs', too: nothing more can be sent, and what was is
 * no whole answer. So it ends as an error that both sides see, internal_error here; a close_notify
 * would say that it was all. [8446 5.5-3] [5246 6.1-5]
 */
static void replace_seal_key(struct lks_conn *conn)
{
    if (conn->tls12)
        (void)conn_fail(conn, LKS_SEQ_EXHAUSTED); /* the record at hand is a good one */
    else
        conn_queue_update(conn, false);
}

/* What was sealed, and is in turn. */
static enum lks_status sealed(struct lks_conn *conn, const struct lks_op *op)
{
    switch (op->type) {
    case LKS_TYPE_APPLICATION_DATA:
        conn_data_went(conn);
        conn_ops_count(&conn->sealing, spans_len(op->src, op->num_src));
        if (op->key == &conn->seal_key && lks_key_wants_update(op->key))
            replace_seal_key(conn);
        return LKS_OK;
    case LKS_TYPE_ALERT:
        if (op->src->data == conn_update_message(conn).data) { /* no_renegotiation */
            conn->update = OWN_NONE;
            return LKS_OK;
        }
        conn->alert = OWN_NONE;
        conn->close_sent = true;
        return LKS_OK;
    default:
        return op->src->data == conn_update_message(conn).data ? conn_update_seal_key(conn)
                                                               : LKS_OK;
    }
}

enum lks_status lks_conn_sealed(struct lks_conn *conn, const struct lks_op *op)
{
    if (conn->inside)
        return LKS_INSIDE;
    const bool is_ours = is_seal_key(conn, op->key) && conn_ops_take_back(&conn->sealing, op);
    enum lks_status status = is_ours ? (enum lks_status)op->status : LKS_BAD_ARGUMENT;
    if (conn->seal_failed)
        return status ? status : (enum lks_status)conn->failed;
    if (!status)
        status = sealed(conn, op);
    if (status) {
        /* No alert: it would come behind a gap, or there is no key for one. */
        conn->seal_failed = true;
        if (!conn->failed)
            conn_set_failed(conn, status);
        return status;
    }
    conn_handshake_release(conn);
    return LKS_OK;
}
