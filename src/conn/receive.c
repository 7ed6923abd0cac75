/* SPDX-License-Identifier: BSD-3-Clause */

/* From the peer's bytes to ops, and from opened ops to what they mean. */

#include <string.h>

#include "conn/conn.h"
#include "record/spans.h"
#include "simd/aead.h"

/* Where lks_conn_open() stands in the peer's bytes. */
struct intake {
    const struct lks_span *in;
    uint32_t num_in;
    struct lks_frame_pos start, end; /* of the record at hand */
    struct lks_frame frame;
};

static struct span_walk walk_fragment(const struct intake *at)
{
    struct span_walk walk = {at->in + at->start.span, at->num_in - at->start.span,
                             at->start.offset};
    span_walk_skip(&walk, LKS_RECORD_HEADER_LEN);
    return walk;
}

/* In how many spans the record at hand lies. */
static uint32_t num_pieces(const struct intake *at)
{
    struct span_walk walk = {at->in + at->start.span, at->num_in - at->start.span,
                             at->start.offset};
    uint32_t num = 0;
    for (size_t len = at->frame.len, n; len; len -= n, num++) {
        uint8_t *data;
        n = span_walk_piece(&walk, &data);
        n = n < len ? n : len;
        span_walk_step(&walk, n);
    }
    return num;
}

/* Adds an op for the record at hand, with a copy of the part of the spans that it lies in. */
static enum lks_status add_op(struct lks_conn *conn, struct lks_batch *batch,
                              const struct intake *at)
{
    struct lks_span *first = batch->spans + batch->num_spans, *span = first;
    const struct lks_span *end = batch->spans + batch->max_spans;
    struct span_walk walk = {at->in + at->start.span, at->num_in - at->start.span,
                             at->start.offset};
    if (conn_batch_is_full(batch))
        return LKS_WANT_ROOM;
    for (size_t len = at->frame.len; len;) {
        uint8_t *data = NULL;
        size_t n = span_walk_piece(&walk, &data);
        n = n < len ? n : len;
        if (span == end)
            return num_pieces(at) > batch->max_spans ? LKS_NO_ROOM : LKS_WANT_ROOM;
        *span++ = (struct lks_span){data, n};
        span_walk_step(&walk, n);
        len -= n;
    }
    struct lks_op *op = &batch->ops[batch->num_ops];
    memset(op, 0, sizeof(*op));
    op->key = &conn->open_key;
    op->src = first;
    op->num_src = (uint32_t)(span - first);
    op->user = conn;
    batch->num_spans += op->num_src;
    conn_ops_send(&conn->opening, batch);
    return LKS_OK;
}

/*
 * RFC 8446 section 5: between the first ClientHello and the peer's Finished, a change_cipher_spec
 * of a single byte 1 is dropped; any other ends the connection with unexpected_message. One that
 * comes earlier belongs to a second ClientHello, if to anything: conn_handshake_input() looks.
 * Section 5.1: no record of another type comes in the middle of a message. [8446 5-1 5-2 5-3 5.1-2]
 */
static enum lks_status take_ccs(struct lks_conn *conn, const struct intake *at)
{
    struct conn_handshake *h = conn->handshake;
    uint8_t value;
    if (!conn->established && lks_hs_mid_message(h->hs))
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_MESSAGE_INTERRUPTED);
    if (conn->established || at->frame.len != LKS_RECORD_HEADER_LEN + 1 || h->num_ccs == CCS_MAX)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_CCS_MISPLACED);
    h->ccs_first |= !h->hello_done;
    struct span_walk walk = walk_fragment(at);
    span_walk_read(&walk, &value, 1);
    h->num_ccs++;
    return value == 1 ? LKS_OK : lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_CCS_VALUE);
}

/* A client that cannot use our ServerHello has no keys to say so with. Anybody on the path can
 * forge such an alert, as they can a TCP reset; once a record under the keys came, none is taken.
 */
static enum lks_status take_plain_alert(struct lks_conn *conn, const struct intake *at)
{
    uint8_t content[2] = {0};
    size_t len = at->frame.len - LKS_RECORD_HEADER_LEN;
    struct span_walk walk = walk_fragment(at);
    span_walk_read(&walk, content, len < 2 ? len : 2);
    return conn_alert(conn, content, len);
}

/*
 * RFC 8446 section 4.2.10: early data that we refused is skipped, up to a limit. Behind a
 * HelloRetryRequest it is known by its outer type, until the second ClientHello brings the
 * handshake's keys: what comes under these is no early data. Else it is known by not opening under
 * them, until a record does. [8446 4.2.10-4 4.2.10-9]
 */
static bool may_skip_early_data(const struct lks_conn *conn)
{
    const struct conn_handshake *h = conn->handshake;
    return !conn->established && h->hello_done && !h->opens_sealed &&
           lks_hs_early_data_to_skip(h->hs) &&
           !(lks_hs_is_retried(h->hs) && lks_key_is_set(&conn->open_key));
}

/* What the limit counts is content; how much of a record is padding, nobody but the client knows.
 */
static enum lks_status skip_early_data(struct lks_conn *conn, size_t record_len)
{
    struct conn_handshake *h = conn->handshake;
    if (record_len <= LKS_RECORD_OVERHEAD)
        return conn_count_idle(conn);
    const uint32_t len = (uint32_t)(record_len - LKS_RECORD_OVERHEAD);
    if (len > lks_hs_early_data_to_skip(h->hs) - h->early_data_skipped)
        return lks_because(LKS_BAD_TAG, LKS_WHY_EARLY_DATA_SKIPPED);
    h->early_data_skipped += len;
    return LKS_OK;
}

static enum lks_status take_sealed(struct lks_conn *conn, struct lks_batch *batch,
                                   const struct intake *at)
{
    if (lks_key_is_set(&conn->open_key))
        return add_op(conn, batch, at);
    return may_skip_early_data(conn)
               ? skip_early_data(conn, at->frame.len)
               : lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_RECORD_BEFORE_KEYS);
}

/* RFC 5246 section 7.1: one byte 1, where the handshake awaits it; then the next record is under
 * the new key. */
static enum lks_status take_ccs_of_tls12(struct lks_conn *conn, const struct intake *at)
{
    uint8_t value;
    if (conn->established || lks_key_is_set(&conn->open_key) ||
        at->frame.len != LKS_RECORD_HEADER_LEN + 1)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_CCS_MISPLACED);
    struct span_walk walk = walk_fragment(at);
    span_walk_read(&walk, &value, 1);
    return value == 1 ? conn_change_cipher_spec(conn)
                      : lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_CCS_VALUE);
}

/* Deals with the record at hand or makes an op of it. */
static enum lks_status take_record(struct lks_conn *conn, struct lks_batch *batch,
                                   const struct intake *at)
{
    const bool sealed = lks_key_is_set(&conn->open_key);
    if (conn->tls12) /* whose records say what they are */
        return at->frame.type == LKS_TYPE_CHANGE_CIPHER_SPEC ? take_ccs_of_tls12(conn, at)
                                                             : add_op(conn, batch, at);
    switch (at->frame.type) {
    case LKS_TYPE_CHANGE_CIPHER_SPEC:
        return take_ccs(conn, at);
    case LKS_TYPE_APPLICATION_DATA:
        return take_sealed(conn, batch, at);
    case LKS_TYPE_ALERT:
        if (sealed && conn->role == LKS_SERVER && !conn->established &&
            !conn->handshake->opens_sealed)
            return take_plain_alert(conn, at);
        break;
    default:
        break;
    }
    /* Section 5: nothing comes in the clear behind the keys. [8446 5-5] */
    return sealed ? lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_RECORD_UNPROTECTED)
                  : add_op(conn, batch, at);
}

static bool bytes_left(const struct intake *at)
{
    struct span_walk walk = {at->in + at->start.span, at->num_in - at->start.span,
                             at->start.offset};
    uint8_t *data;
    return span_walk_piece(&walk, &data) != 0;
}

#define TLS12_CIPHERTEXT_MAX (16384u + 2048u) /* [5246 6.2.3-1] */

/* Whether the record at hand may be early data, taken or to be skipped. The client sends them
 * before it can know our limit, which is in EncryptedExtensions. [8449 4-28] */
static bool may_be_early_data(const struct lks_conn *conn)
{
    return !conn->established && conn->role == LKS_SERVER &&
           (may_skip_early_data(conn) || lks_hs_early_data_max(conn->handshake->hs));
}

/* RFC 8446 section 5.2 leaves 256 bytes for what an AEAD adds. A peer that knows our limit keeps to
 * it with all that is encrypted, RFC 8449 section 4. [8446 5.1-12 5.2-1] */
static size_t fragment_max(const struct lks_conn *conn)
{
    if (may_be_early_data(conn))
        return LKS_RECORD_CIPHERTEXT_MAX;
    if (!lks_key_is_set(&conn->open_key))
        return LKS_RECORD_PLAINTEXT_MAX;
    if (conn->tls12)
        return TLS12_CIPHERTEXT_MAX;
    if (conn->accept_limit > LKS_RECORD_PLAINTEXT_MAX)
        return LKS_RECORD_CIPHERTEXT_MAX;
    return conn->accept_limit + lks_key_tag_len(&conn->open_key);
}

/* The next record, as far as this batch may go. LKS_OK: *at has it. */
static enum lks_status next_record(const struct lks_conn *conn, struct intake *at, size_t *wanted)
{
    const size_t max = fragment_max(conn);
    if (conn_ops_under_way(&conn->opening) && !conn->established)
        return LKS_WANT_ROOM; /* it may change keys and rules */
    if (conn->handshake && conn->handshake->waits)
        return (enum lks_status)conn->handshake->waits;
    at->end = at->start;
    enum lks_status status = lks_frame_next(at->in, at->num_in, max, &at->end, &at->frame);
    if (status == LKS_WANT_DATA)
        *wanted = at->frame.len;
    return status == LKS_ALERT_UNEXPECTED_MESSAGE ? lks_because(status, LKS_WHY_RECORD_TYPE)
                                                  : status;
}

/* Whether the batch may take more ops: none are in another one, nor lost with what it held. */
static bool takes_ops(const struct lks_conn *conn, const struct lks_batch *batch)
{
    if (!conn_ops_under_way(&conn->opening))
        return true;
    const struct lks_op *newest = conn_ops_newest(&conn->opening, batch);
    return newest && newest->key == &conn->open_key;
}

static bool ignores_input(const struct lks_conn *conn)
{
    return conn->close_received || conn->given_up;
}

enum lks_status lks_conn_open(struct lks_conn *conn, const struct lks_span *in, uint32_t num_in,
                              struct lks_batch *batch, size_t *taken, size_t *wanted)
{
    struct intake at = {in, num_in, {0}, {0}, {0}};
    size_t ignored;
    wanted = wanted ? wanted : &ignored;
    *wanted = LKS_RECORD_HEADER_LEN;
    *taken = 0;
    if (conn->inside)
        return LKS_INSIDE;
    if (!takes_ops(conn, batch))
        return conn_fail(conn, LKS_BAD_ARGUMENT);
    if (conn->handshake && conn->established && bytes_left(&at)) {
        conn->handshake->keeps_peer = false;
        conn_handshake_release(conn);
    }
    /* Section 6: nothing is taken behind an error, and nothing behind a close_notify counts, nor in
     * a handshake that we gave up. [8446 6-1 6.1-1 6.2-1] */
    while (!conn->failed && !ignores_input(conn) && bytes_left(&at)) {
        enum lks_status status = next_record(conn, &at, wanted);
        if (!status)
            status = take_record(conn, batch, &at);
        if (status == LKS_WANT_DATA || status == LKS_WANT_ROOM || status == LKS_WANT_PKEY ||
            status == LKS_WANT_ANSWER)
            return status;
        /* Records in front of a bad one come first: they may even change what is bad. */
        if (status && conn_ops_under_way(&conn->opening))
            return LKS_WANT_ROOM;
        if (status)
            return status == LKS_NO_ROOM ? status : conn_fail(conn, status);
        *taken += at.frame.len;
        at.start = at.end;
    }
    if (conn->failed)
        return (enum lks_status)conn->failed;
    if (!ignores_input(conn))
        return LKS_OK;
    *taken = spans_len(in, num_in);
    return LKS_CLOSED;
}

/* The content of an opened record in one piece: where it lies, or in flat. */
static const uint8_t *gather(const struct lks_op *op, uint8_t flat[LKS_RECORD_PLAINTEXT_MAX])
{
    struct span_walk walk = span_walk_of(op->src, op->num_src);
    uint8_t *data = flat;
    span_walk_skip(&walk, lks_op_content_at(op));
    if (span_walk_piece(&walk, &data) >= op->len)
        return data;
    span_walk_read(&walk, flat, op->len);
    return flat;
}

bool conn_mid_message(const struct lks_conn *conn)
{
    if (conn->established)
        return conn->message_len || conn_skips_body(conn);
    return lks_hs_mid_message(conn->handshake->hs);
}

static enum lks_status opened_handshake(struct lks_conn *conn, const struct lks_op *op,
                                        enum lks_event *event)
{
    uint8_t flat[LKS_RECORD_PLAINTEXT_MAX];
    if (op->len == 0)
        return lks_because(
            LKS_ALERT_UNEXPECTED_MESSAGE,
            LKS_WHY_HANDSHAKE_EMPTY); /* RFC 8446 sections 5.1 and 5.4 [8446 5.4-2] */
    const uint8_t *content = gather(op, flat);
    if (conn->established)
        return conn_post_handshake(conn, content, op->len, event);
    return conn_handshake_input(conn, content, op->len, event);
}

static enum lks_status opened_alert(struct lks_conn *conn, const struct lks_op *op,
                                    enum lks_event *event)
{
    uint8_t flat[LKS_RECORD_PLAINTEXT_MAX];
    enum lks_status status = conn_alert(conn, gather(op, flat), op->len);
    if (!status && conn->close_received) {
        *event = LKS_EVENT_CLOSED;
        conn_trace(conn, LKS_TRACED_CLOSED, 0);
    } else if (!status && conn_mid_message(conn)) {
        /* Section 5.1: not in the middle of a message. [8446 5.1-2] */
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_MESSAGE_INTERRUPTED);
    }
    return status;
}

/* RFC 8446 section 4.2.10: more than the ticket said MUST end the connection. */
static enum lks_status opened_early_data(struct lks_conn *conn, const struct lks_op *op,
                                         enum lks_event *event)
{
    struct conn_handshake *h = conn->handshake;
    const uint32_t max = lks_hs_early_data_max(h->hs);
    if (!max)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_EARLY_DATA_UNEXPECTED);
    if (conn_mid_message(conn))
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_MESSAGE_INTERRUPTED);
    if (op->len > max - h->early_data_len)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_EARLY_DATA_TOO_MUCH);
    h->early_data_len += (uint32_t)op->len;
    conn_ops_count(&conn->opening, op->len);
    if (op->len == 0)
        return conn_count_idle(conn);
    *event = LKS_EVENT_EARLY_DATA;
    return LKS_OK;
}

static enum lks_status opened_data(struct lks_conn *conn, const struct lks_op *op,
                                   enum lks_event *event)
{
    if (!conn->established)
        return opened_early_data(conn, op, event);
    /* Section 5.1: not in the middle of a message. [8446 5.1-2] */
    if (conn_mid_message(conn))
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_MESSAGE_INTERRUPTED);
    /* RFC 8446 section 5.5: the peer looks after its own limit, and under TLS 1.2 nobody can ask
     * for more; it is the engine that opens nothing beyond. [8446 5.5-3] */
    if (lks_key_wants_update(&conn->open_key) && !conn->update_asked && !conn->tls12)
        conn_queue_update(conn, true);
    conn_ops_count(&conn->opening, op->len);
    if (op->len == 0)
        return conn_count_idle(conn);
    conn_data_came(conn);
    *event = LKS_EVENT_DATA;
    return LKS_OK;
}

/* RFC 8449 section 4: what is protected keeps to our limit, but for early data. The length of TLS
 * 1.3's records was looked at before, where they cannot be early data. [8449 4-19 4-28] */
static bool exceeds_limit(const struct lks_conn *conn, const struct lks_op *op)
{
    const bool is_early = !conn->established && op->type == LKS_TYPE_APPLICATION_DATA;
    return lks_key_is_set(&conn->open_key) && !is_early && op->len + 1 > conn->accept_limit;
}

enum lks_status lks_conn_opened(struct lks_conn *conn, const struct lks_op *op,
                                enum lks_event *event)
{
    enum lks_status status = (enum lks_status)op->status;
    *event = LKS_EVENT_NONE;
    if (conn->inside)
        return LKS_INSIDE;
    if (op->key != &conn->open_key || !conn_ops_take_back(&conn->opening, op))
        status = LKS_BAD_ARGUMENT;
    if (status == LKS_BAD_ARGUMENT || status == LKS_NOT_RUN)
        return conn_fail(conn, status);
    if (conn->failed)
        return (enum lks_status)conn->failed;
    if (op->len && op->type != LKS_TYPE_ALERT)
        conn->num_warnings = 0;
    if (ignores_input(conn))
        return LKS_OK; /* whatever it is */
    if (status == LKS_DEFERRED) {
        *event = LKS_EVENT_DEFERRED;
        return LKS_OK;
    }
    if (status == LKS_BAD_TAG && may_skip_early_data(conn)) {
        status = skip_early_data(conn, spans_len(op->src, op->num_src));
        return status ? conn_fail(conn, status) : LKS_OK;
    }
    if (status == LKS_ALERT_UNEXPECTED_MESSAGE)
        status = lks_because(status, LKS_WHY_INNER_TYPE);
    if (!status && exceeds_limit(conn, op))
        status = lks_because(LKS_RECORD_OVERFLOW, LKS_WHY_RECORD_LIMIT_EXCEEDED);
    if (!status && conn->handshake)
        conn->handshake->opens_sealed |= lks_key_is_set(&conn->open_key);
    if (!status && op->type == LKS_TYPE_APPLICATION_DATA)
        status = opened_data(conn, op, event);
    else if (!status && op->type == LKS_TYPE_HANDSHAKE)
        status = opened_handshake(conn, op, event);
    else if (!status && op->type == LKS_TYPE_ALERT)
        status = opened_alert(conn, op, event);
    else if (!status)
        status = lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_INNER_TYPE); /* RFC 8446 section
                                                  5: also a protected CCS [8446 5-2 5-5] */
    /* A forged record is bad_record_mac, RFC 8446 section 5.2. [8446 5.2-3] [5246 6.2.3.3-3] [5288
     * 3-4] [7366 3-3] */
    return status ? conn_fail(conn, status) : LKS_OK;
}
