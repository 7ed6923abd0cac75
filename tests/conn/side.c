/* SPDX-License-Identifier: BSD-3-Clause */
#include "side.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/test.h"

void buffer_add(struct buffer *b, const void *data, size_t len)
{
    if (b->len + len > b->cap) {
        b->cap = 2 * (b->len + len);
        b->data = realloc(b->data, b->cap);
        if (!b->data)
            abort();
    }
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

void buffer_drop(struct buffer *b, size_t len)
{
    if (len)
        memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    memset(b, 0, sizeof(*b));
}

/* Also outside of CUnit: what the contract promises and what this file may rely on. */
static void require(bool cond, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void require(bool cond, const char *fmt, ...)
{
    if (cond)
        return;
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

static void batch_init(struct lks_batch *batch, uint32_t max_ops, uint32_t max_spans)
{
    memset(batch, 0, sizeof(*batch));
    batch->ops = calloc(max_ops, sizeof(*batch->ops));
    batch->spans = calloc(max_spans, sizeof(*batch->spans));
    batch->max_ops = max_ops;
    batch->max_spans = max_spans;
    if (!batch->ops || !batch->spans)
        abort();
}

void loop_init(struct poll_loop *loop, uint32_t max_ops, uint32_t max_spans)
{
    memset(loop, 0, sizeof(*loop));
    if (lks_engine_new(&loop->engine, max_ops))
        abort();
    batch_init(&loop->open, max_ops, max_spans);
    batch_init(&loop->seal, max_ops, max_spans);
    loop->random = 1;
}

void loop_free(struct poll_loop *loop)
{
    lks_engine_free(loop->engine);
    free(loop->open.ops);
    free(loop->open.spans);
    free(loop->seal.ops);
    free(loop->seal.spans);
}

void side_init_as(struct side *s, struct lks_config *config, enum lks_role role,
                  const struct lks_conn_options *options)
{
    memset(s, 0, sizeof(*s));
    s->delivered = SIZE_MAX;
    s->record_max = LKS_RECORD_PLAINTEXT_MAX;
    if (lks_conn_new(&s->conn, config, role, options))
        abort();
}

void side_init(struct side *s, struct lks_config *config)
{
    side_init_as(s, config, LKS_SERVER, NULL);
}

void side_free(struct side *s)
{
    lks_conn_free(s->conn);
    buffer_free(&s->wire_in);
    buffer_free(&s->wire_out);
    buffer_free(&s->received);
    buffer_free(&s->received_early);
    buffer_free(&s->to_send);
}

/* Cuts bytes into spans of random lengths, empty ones among them. The caller frees. */
static struct lks_span *cut(struct poll_loop *loop, uint8_t *data, size_t len, uint32_t *num)
{
    struct lks_span *spans = malloc((2 * len + 2) * sizeof(*spans));
    *num = 0;
    if (!spans)
        abort();
    while (len) {
        size_t n = len;
        if (loop->span_max) {
            n = lks_test_random(&loop->random) % (loop->span_max + 1);
            n = n < len ? n : len;
            if (!n && *num && !spans[*num - 1].len)
                n = 1;
        }
        spans[(*num)++] = (struct lks_span){data, n};
        data += n;
        len -= n;
    }
    return spans;
}

static size_t op_len(const struct lks_op *op)
{
    size_t len = 0;
    for (uint32_t i = 0; i < op->num_src; i++)
        len += op->src[i].len;
    return len;
}

static void take_data(struct buffer *into, const struct lks_op *op)
{
    size_t skip = lks_op_content_at(op), len = op->len;
    for (uint32_t i = 0; len; i++) {
        struct lks_span span = op->src[i];
        size_t n = span.len < skip ? span.len : skip;
        skip -= n;
        span.data += n;
        span.len -= n;
        n = span.len < len ? span.len : len;
        buffer_add(into, span.data, n);
        len -= n;
    }
}

static struct side *side_of(struct side **sides, const struct lks_op *op)
{
    for (;; sides++)
        if ((*sides)->conn == op->user)
            return *sides;
}

static bool open_turn(struct poll_loop *loop, struct side **sides, uint32_t num_sides)
{
    struct lks_span **spans = calloc(num_sides, sizeof(*spans));
    size_t *taken = calloc(num_sides, sizeof(*taken));
    bool progress = false;
    lks_batch_reset(&loop->open);
    for (uint32_t i = 0; i < num_sides; i++) {
        struct side *s = sides[i];
        size_t len = s->delivered < s->wire_in.len ? s->delivered : s->wire_in.len, wanted;
        uint32_t num;
        spans[i] = cut(loop, s->wire_in.data, len, &num);
        if (s->end)
            continue;
        enum lks_status status =
            lks_conn_open(s->conn, spans[i], num, &loop->open, &taken[i], &wanted);
        if (status == LKS_WANT_DATA)
            require(wanted > len - taken[i], "wanted %zu of %zu", wanted, len - taken[i]);
        if (status != LKS_OK && status != LKS_WANT_DATA && status != LKS_WANT_ROOM &&
            status != LKS_CLOSED && status != LKS_WANT_PKEY && status != LKS_WANT_ANSWER)
            s->end = status;
        progress |= taken[i] || s->end;
    }
    loop->num_ops += loop->open.num_ops;
    if (loop->open.num_ops > loop->max_fill)
        loop->max_fill = loop->open.num_ops;
    lks_engine_process(loop->engine, loop->open.ops, loop->open.num_ops);
    for (uint32_t i = 0; i < loop->open.num_ops; i++) {
        const struct lks_op *op = &loop->open.ops[i];
        struct side *s = side_of(sides, op);
        enum lks_event event;
        enum lks_status status = lks_conn_opened(s->conn, op, &event);
        if (status) {
            s->end = status;
            continue;
        }
        s->num_empty += !op->status && op->type == LKS_TYPE_APPLICATION_DATA && !op->len;
        if (event == LKS_EVENT_DATA)
            take_data(&s->received, op);
        if (event == LKS_EVENT_EARLY_DATA)
            take_data(&s->received_early, op);
        if (event == LKS_EVENT_ESTABLISHED) {
            size_t len;
            s->established = true;
            s->peer_certificate = lks_conn_peer_certificate(s->conn, &len) != NULL;
            if (!lks_conn_take_session(s->conn, s->session, sizeof(s->session), &len))
                s->session_len = len; /* TLS 1.2's is there now */
        }
        s->closed |= event == LKS_EVENT_CLOSED;
        if (event == LKS_EVENT_SESSION)
            require(
                !lks_conn_take_session(s->conn, s->session, sizeof(s->session), &s->session_len),
                "a session");
        if (event == LKS_EVENT_DEFERRED) {
            s->num_deferred++;
            for (uint32_t k = 0; k < num_sides; k++)
                if (sides[k] == s)
                    taken[k] -= op_len(op);
        }
    }
    for (uint32_t i = 0; i < num_sides; i++) {
        buffer_drop(&sides[i]->wire_in, taken[i]);
        if (sides[i]->delivered != SIZE_MAX)
            sides[i]->delivered -= taken[i];
        free(spans[i]);
    }
    free(spans);
    free(taken);
    return progress;
}

/* For AddressSanitizer an allocation of over 128 KB is a mapping, which takes a hundred times as
 * long. */
#define OUT_ROOM (96u << 10)

/* Queues one side's output behind *at of its out buffer. */
static void seal_side(struct poll_loop *loop, struct side *s, uint8_t *out, size_t *at)
{
    size_t own = lks_conn_own_len(s->conn);
    if (own) {
        struct lks_span dst[2] = {{out + *at, own / 3}, {out + *at + own / 3, own - own / 3}};
        if (lks_conn_seal_own(s->conn, dst, 2, &loop->seal))
            return;
        *at += own;
    }
    while (s->to_send.len && !s->end) {
        size_t max = s->record_max ? s->record_max
                                   : 1 + lks_test_random(&loop->random) % LKS_RECORD_PLAINTEXT_MAX;
        max = max < lks_conn_record_max(s->conn) ? max : lks_conn_record_max(s->conn);
        size_t len = s->to_send.len < max ? s->to_send.len : max;
        size_t record_len = lks_conn_record_len(s->conn, len);
        if (*at + record_len > OUT_ROOM)
            return;
        /* The plaintext stays where it is until the batch is done. */
        struct lks_span src = {malloc(len), len}, dst = {out + *at, record_len};
        memcpy(src.data, s->to_send.data, len);
        if (lks_conn_seal(s->conn, &src, 1, &dst, 1, &loop->seal)) {
            free(src.data);
            return;
        }
        buffer_drop(&s->to_send, len);
        *at += record_len;
    }
}

static bool seal_turn(struct poll_loop *loop, struct side **sides, uint32_t num_sides)
{
    uint8_t **out = calloc(num_sides, sizeof(*out));
    size_t *len = calloc(num_sides, sizeof(*len));
    bool progress = false;
    lks_batch_reset(&loop->seal);
    for (uint32_t i = 0; i < num_sides; i++) {
        out[i] = malloc(OUT_ROOM);
        seal_side(loop, sides[i], out[i], &len[i]);
    }
    for (uint32_t i = 0; i < loop->seal.num_ops; i++) {
        const struct lks_op *op = &loop->seal.ops[i];
        require(op_len(op), "an empty record of type %u", op->type);
    }
    uint32_t num_ok = lks_engine_process(loop->engine, loop->seal.ops, loop->seal.num_ops);
    require(num_ok == loop->seal.num_ops, "sealed %u of %u", num_ok, loop->seal.num_ops);
    for (uint32_t i = 0; i < loop->seal.num_ops; i++) {
        const struct lks_op *op = &loop->seal.ops[i];
        enum lks_status status = lks_conn_sealed(op->user, op);
        require(!status, "sealed: %s", lks_status_name(status));
        if (op->type == LKS_TYPE_APPLICATION_DATA)
            free(op->src->data);
    }
    for (uint32_t i = 0; i < num_sides; i++) {
        buffer_add(&sides[i]->wire_out, out[i], len[i]);
        progress |= len[i] != 0;
        free(out[i]);
    }
    free(out);
    free(len);
    return progress;
}

bool loop_poll(struct poll_loop *loop, struct side **sides, uint32_t num_sides)
{
    bool opened = open_turn(loop, sides, num_sides);
    return seal_turn(loop, sides, num_sides) || opened;
}

void loopback_init(struct loopback *l, struct lks_config *client, struct lks_config *server,
                   const struct lks_conn_options *options)
{
    memset(l, 0, sizeof(*l));
    loop_init(&l->loop, 64, 8192);
    side_init_as(&l->client, client, LKS_CLIENT, options);
    side_init_as(&l->server, server, LKS_SERVER, NULL);
}

void loopback_free(struct loopback *l)
{
    side_free(&l->client);
    side_free(&l->server);
    loop_free(&l->loop);
}

static bool carry(struct side *from, struct side *to)
{
    size_t len = from->wire_out.len;
    buffer_add(&to->wire_in, from->wire_out.data, len);
    buffer_drop(&from->wire_out, len);
    return len != 0;
}

bool loopback_turn(struct loopback *l)
{
    struct side *sides[] = {&l->client, &l->server};
    bool moved = loop_poll(&l->loop, sides, 2);
    moved |= carry(&l->client, &l->server);
    moved |= carry(&l->server, &l->client);
    return moved;
}

void loopback_run(struct loopback *l)
{
    while (loopback_turn(l))
        ;
}

bool loopback_visit(struct lks_config *client, struct lks_config *server,
                    const struct lks_conn_options *options, uint8_t *session, size_t *len,
                    bool (*answer)(struct loopback *l))
{
    struct lks_conn_options with = *options;
    struct lks_conn_info ours, theirs;
    struct loopback l;
    with.session = *len ? session : NULL;
    with.session_len = *len;
    loopback_init(&l, client, server, &with);
    do
        loopback_run(&l);
    while (answer && answer(&l));
    LKS_CHECK(l.client.established && l.server.established, "%s, %s",
              lks_conn_reason(l.client.conn), lks_conn_reason(l.server.conn));
    lks_conn_get_info(l.client.conn, &ours);
    lks_conn_get_info(l.server.conn, &theirs);
    CU_ASSERT_EQUAL(ours.resumed, theirs.resumed);
    *len = l.client.session_len;
    memcpy(session, l.client.session, *len);
    loopback_free(&l);
    return ours.resumed;
}
