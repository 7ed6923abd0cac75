/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A connection with a buffer a direction. Records are opened where they lie in the one, and read
 * from there; the other has sealed records that wait to be drained. As long as there is something
 * to be read nothing more is opened, and what has no whole record's room is not sealed: that is all
 * there is to back pressure.
 */

#include <lockstep/stream.h>

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "conn/conn.h"
#include "handshake/config.h"
#include "record/record.h"

/* Records that are opened or sealed together. */
#define OPS_MAX 16u
/* A record to open lies in one span; one to seal comes from one and goes to one, but for the
 * handshake's, of which there is one at a time, and two messages of the connection's own. */
#define SPANS_MAX (PIECES_MAX + 1u + 2u * OPS_MAX)

/* The longest record there is: TLS 1.2's, RFC 5246 section 6.2.3. */
#define IN_CAP (LKS_RECORD_HEADER_LEN + 16384u + 2048u)
/* The longest that we make, with a MAC and its padding, and a KeyUpdate and an alert behind it. */
#define OUT_CAP (LKS_RECORD_PLAINTEXT_MAX + 512u)

/* Application data of an opened record. */
struct plaintext {
    uint32_t at; /* in in[] */
    uint32_t len;
};

struct lks_stream {
    struct lks_conn *conn;
    struct lks_engine *engine;
    struct lks_engine *own_engine; /* to be freed; NULL: it is shared */
    struct lks_batch batch;
    struct lks_op ops[OPS_MAX];
    struct lks_span spans[SPANS_MAX];

    struct plaintext plain[OPS_MAX]; /* of the last batch */
    uint32_t num_plain, plain_read;
    uint32_t in_begin, in_end; /* what is not opened yet, in in[] */
    size_t in_wanted;          /* fewer bytes than that are no whole record */
    uint32_t out_begin, out_end;
    bool in_ended; /* the transport */
    bool pauses;   /* the caller is to see that the connection is established */

    uint8_t in[IN_CAP];
    uint8_t out[OUT_CAP];
};

enum lks_status lks_stream_new(struct lks_stream **out, struct lks_config *config,
                               enum lks_role role, const struct lks_conn_options *options,
                               struct lks_engine *engine)
{
    if (!out)
        return LKS_BAD_ARGUMENT;
    *out = NULL;
    if (!conn_may_be(config, role))
        return LKS_BAD_ARGUMENT;
    if (role == LKS_SERVER ? config->policy->max_early != 0 : options && options->early_data)
        return LKS_UNSUPPORTED;
    struct lks_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return LKS_NO_MEMORY;
    enum lks_status status = LKS_OK;
    if (!engine)
        status = lks_engine_new(&s->own_engine, OPS_MAX);
    if (!status)
        status = lks_conn_new(&s->conn, config, role, options);
    if (status) {
        lks_stream_free(s);
        return status;
    }
    s->engine = engine ? engine : s->own_engine;
    s->batch = (struct lks_batch){.ops = s->ops, .spans = s->spans, .max_spans = SPANS_MAX};
    s->conn->one_by_one = true; /* so that they have room in out[] */
    s->in_wanted = 1;
    *out = s;
    return LKS_OK;
}

void lks_stream_free(struct lks_stream *s)
{
    if (!s || (s->conn && conn_is_misused(s->conn)))
        return;
    lks_conn_free(s->conn);
    lks_engine_free(s->own_engine);
    lks_wipe(s, sizeof(*s));
    free(s);
}

struct lks_conn *lks_stream_conn(struct lks_stream *s)
{
    return s ? s->conn : NULL;
}

static bool has_plaintext(const struct lks_stream *s)
{
    return s->plain_read != s->num_plain;
}

static uint32_t in_len(const struct lks_stream *s)
{
    return s->in_end - s->in_begin;
}

static void begin_batch(struct lks_stream *s, uint32_t max_ops)
{
    lks_batch_reset(&s->batch);
    s->batch.max_ops = max_ops < OPS_MAX ? max_ops : OPS_MAX;
}

/* What an op of the open batch was. Returns how many bytes of it are to be given to the connection
 * again. What is not for the caller is of no use to anybody any more. */
static size_t act(struct lks_stream *s, const struct lks_op *op)
{
    const uint8_t *content = op->src->data + lks_op_content_at(op);
    enum lks_event event = LKS_EVENT_NONE;
    if (!lks_conn_opened(s->conn, op, &event) && event == LKS_EVENT_DATA) {
        s->plain[s->num_plain++] = (struct plaintext){(uint32_t)(content - s->in), op->len};
        return 0;
    }
    if (event == LKS_EVENT_DEFERRED)
        return op->src->len;
    s->pauses |= event == LKS_EVENT_ESTABLISHED;
    lks_wipe(op->src->data, op->src->len);
    return 0;
}

/* One batch of what has come. Returns whether the connection dealt with any of it. */
static bool open_batch(struct lks_stream *s)
{
    const struct lks_span in = {s->in + s->in_begin, in_len(s)};
    size_t taken, wanted, deferred = 0;
    begin_batch(s, lks_engine_max_ops(s->engine)); /* what one record says goes for the next */
    const enum lks_status status = lks_conn_open(s->conn, &in, 1, &s->batch, &taken, &wanted);
    s->num_plain = s->plain_read = 0;
    if (s->batch.num_ops)
        lks_engine_process(s->engine, s->ops, s->batch.num_ops);
    for (uint32_t i = 0; i < s->batch.num_ops; i++)
        deferred += act(s, &s->ops[i]);
    s->in_begin += (uint32_t)(taken - deferred);
    s->in_wanted = status == LKS_WANT_DATA && !deferred ? wanted : 1;
    return taken != deferred;
}

/* Opens what has come until there is something to be read. */
static void open_more(struct lks_stream *s)
{
    while (!has_plaintext(s) && !s->pauses && in_len(s) >= s->in_wanted && open_batch(s))
        ;
    if (!has_plaintext(s) && s->in_begin == s->in_end)
        s->in_begin = s->in_end = 0;
}

/* Copies what fits. With nothing to be read there is no whole record in in[], and it gets room for
 * the rest of the one that it has. */
static size_t take_in(struct lks_stream *s, const uint8_t *bytes, size_t len)
{
    if (len > IN_CAP - s->in_end && s->in_begin && !has_plaintext(s)) {
        memmove(s->in, s->in + s->in_begin, in_len(s));
        s->in_end = in_len(s);
        s->in_begin = 0;
    }
    const size_t room = IN_CAP - s->in_end, n = len < room ? len : room;
    memcpy(s->in + s->in_end, bytes, n);
    s->in_end += (uint32_t)n;
    return n;
}

/* Nothing more comes of what is fed. */
static enum lks_status feed_end(const struct lks_stream *s)
{
    const enum lks_status failed = lks_conn_status(s->conn);
    return failed ? failed : s->in_ended || lks_conn_close_received(s->conn) ? LKS_CLOSED : LKS_OK;
}

enum lks_status lks_stream_feed(struct lks_stream *s, const uint8_t *bytes, size_t len,
                                size_t *taken)
{
    if (!s || !taken || (!bytes && len))
        return LKS_BAD_ARGUMENT;
    *taken = 0;
    if (s->conn->inside)
        return LKS_INSIDE;
    s->pauses = false;
    for (size_t n = 1; n && !feed_end(s); *taken += n) {
        open_more(s);
        n = *taken < len ? take_in(s, bytes + *taken, len - *taken) : 0;
    }
    const enum lks_status status = feed_end(s);
    if (status) {
        *taken = len;
        return status;
    }
    if (s->conn->handshake && s->conn->handshake->waits)
        return (enum lks_status)s->conn->handshake->waits;
    return *taken == len ? LKS_OK : LKS_WANT_ROOM;
}

enum lks_status lks_stream_read(struct lks_stream *s, uint8_t *data, size_t cap, size_t *len)
{
    if (!s || !len || (!data && cap))
        return LKS_BAD_ARGUMENT;
    *len = 0;
    if (s->conn->inside)
        return LKS_INSIDE;
    s->pauses = false;
    open_more(s);
    while (*len < cap && has_plaintext(s)) {
        struct plaintext *p = &s->plain[s->plain_read];
        const size_t room = cap - *len, n = p->len < room ? p->len : room;
        memcpy(data + *len, s->in + p->at, n);
        lks_wipe(s->in + p->at, n);
        *len += n;
        p->at += (uint32_t)n;
        p->len -= (uint32_t)n;
        s->plain_read += p->len == 0;
        open_more(s);
    }
    if (*len || has_plaintext(s))
        return LKS_OK;
    if (lks_conn_status(s->conn))
        return lks_conn_status(s->conn);
    if (lks_conn_close_received(s->conn))
        return LKS_CLOSED;
    return s->in_ended ? LKS_TRUNCATED : LKS_WANT_DATA;
}

/* Room for len bytes behind what waits to be drained. That is moved to the front once so much was
 * drained that no byte is moved more often than it is drained. */
static bool has_room(struct lks_stream *s, size_t len)
{
    const uint32_t waiting = s->out_end - s->out_begin;
    if (len > OUT_CAP - s->out_end && waiting <= s->out_begin) {
        memcpy(s->out, s->out + s->out_begin, waiting);
        s->out_begin = 0;
        s->out_end = waiting;
    }
    return len <= OUT_CAP - s->out_end;
}

/* Seals what is in the batch, which begins at out_end. A shared engine may be small. */
static void seal_batch(struct lks_stream *s)
{
    struct lks_batch *batch = &s->batch;
    uint32_t done = 0;
    while (done < batch->num_ops) {
        lks_engine_process(s->engine, s->ops + done, batch->num_ops - done);
        while (done < batch->num_ops && s->ops[done].status != LKS_NOT_RUN)
            done++;
    }
    /* Behind one that failed they all do. */
    for (uint32_t i = 0; i < batch->num_ops; i++)
        if (!lks_conn_sealed(s->conn, &s->ops[i]))
            s->out_end += s->ops[i].len;
}

/* What the connection itself has to say, as far as there is room. */
static void seal_own(struct lks_stream *s)
{
    size_t len;
    while ((len = lks_conn_own_len(s->conn)) && has_room(s, len)) {
        const struct lks_span dst = {s->out + s->out_end, len};
        begin_batch(s, OPS_MAX);
        if (lks_conn_seal_own(s->conn, &dst, 1, &s->batch))
            return;
        seal_batch(s);
    }
}

/* Seals one batch of application data. Returns how many bytes that are. */
static size_t seal_data(struct lks_stream *s, const uint8_t *data, size_t len)
{
    const size_t max = lks_conn_record_max(s->conn);
    size_t at = 0, out = 0;
    begin_batch(s, OPS_MAX);
    while (at < len) {
        const struct lks_span src = conn_source(data + at, len - at < max ? len - at : max);
        const size_t record_len = lks_conn_record_len(s->conn, src.len);
        if (out ? record_len > OUT_CAP - s->out_end - out : !has_room(s, record_len))
            break;
        const struct lks_span dst = {s->out + s->out_end + out, record_len};
        if (lks_conn_seal(s->conn, &src, 1, &dst, 1, &s->batch))
            break;
        at += src.len;
        out += record_len;
    }
    const uint32_t begin = s->out_end;
    seal_batch(s);
    return s->out_end - begin == out ? at : 0;
}

/* Why not all that was written is taken. */
static enum lks_status write_end(const struct lks_stream *s)
{
    const enum lks_status failed = lks_conn_status(s->conn);
    if (failed)
        return failed;
    if (s->conn->close_wanted)
        return LKS_CLOSED;
    return s->in_ended && !s->conn->established ? LKS_TRUNCATED : LKS_OK;
}

enum lks_status lks_stream_write(struct lks_stream *s, const uint8_t *data, size_t len,
                                 size_t *taken)
{
    if (!s || !taken || (!data && len))
        return LKS_BAD_ARGUMENT;
    *taken = 0;
    if (s->conn->inside)
        return LKS_INSIDE;
    enum lks_status status;
    while (!(status = write_end(s)) && *taken < len) {
        seal_own(s);
        const size_t n = lks_conn_can_seal(s->conn) ? seal_data(s, data + *taken, len - *taken) : 0;
        *taken += n;
        if (!n)
            break;
    }
    if (status && *taken == 0)
        return status;
    return *taken == len ? LKS_OK : LKS_WANT_ROOM;
}

enum lks_status lks_stream_drain(struct lks_stream *s, uint8_t *bytes, size_t cap, size_t *len)
{
    if (!s || !len || (!bytes && cap))
        return LKS_BAD_ARGUMENT;
    *len = 0;
    if (s->conn->inside)
        return LKS_INSIDE;
    s->pauses = false;
    open_more(s); /* a public-key job may have come back */
    for (;;) {
        seal_own(s);
        const size_t waiting = s->out_end - s->out_begin, room = cap - *len;
        const size_t n = waiting < room ? waiting : room;
        if (!n)
            break;
        memcpy(bytes + *len, s->out + s->out_begin, n);
        *len += n;
        s->out_begin += (uint32_t)n;
        if (s->out_begin == s->out_end)
            s->out_begin = s->out_end = 0;
    }
    if (*len || s->out_begin != s->out_end)
        return LKS_OK;
    if (lks_conn_status(s->conn))
        return lks_conn_status(s->conn);
    return lks_conn_close_sent(s->conn) ? LKS_CLOSED : LKS_WANT_DATA;
}

enum lks_status lks_stream_end(struct lks_stream *s, enum lks_dir dir)
{
    if (!s || (dir != LKS_SEAL && dir != LKS_OPEN))
        return LKS_BAD_ARGUMENT;
    if (s->conn->inside)
        return LKS_INSIDE;
    if (dir == LKS_SEAL)
        lks_conn_close(s->conn);
    else
        s->in_ended = true;
    return LKS_OK;
}
