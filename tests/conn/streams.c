/* SPDX-License-Identifier: BSD-3-Clause */
#include "streams.h"

#include <stdlib.h>
#include <string.h>

#include "common/test.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

void duct_begin(struct duct *d, struct lks_config *client, struct lks_config *server,
                const struct lks_conn_options *options, struct lks_engine *engine)
{
    memset(d, 0, sizeof(*d));
    d->chunk = 1u << 16;
    d->wire_max = SIZE_MAX;
    d->seed = 1;
    must(!lks_stream_new(&d->client.stream, client, LKS_CLIENT, options, engine) &&
         !lks_stream_new(&d->server.stream, server, LKS_SERVER, NULL, engine));
}

static void end_free(struct stream_end *e)
{
    lks_stream_free(e->stream);
    buffer_free(&e->wire);
    buffer_free(&e->to_send);
    buffer_free(&e->received);
}

void duct_end(struct duct *d)
{
    end_free(&d->client);
    end_free(&d->server);
}

static size_t chunk(struct duct *d)
{
    return d->random ? lks_test_random(&d->seed) % (d->chunk + 1) : d->chunk;
}

bool stream_waits(enum lks_status status)
{
    return status == LKS_OK || status == LKS_WANT_DATA || status == LKS_WANT_ROOM ||
           status == LKS_WANT_PKEY || status == LKS_WANT_ANSWER;
}

static void note(enum lks_status *kept, enum lks_status status)
{
    if (stream_waits(*kept))
        *kept = status;
}

static bool drain(struct duct *d, struct stream_end *e)
{
    static uint8_t bytes[1u << 17];
    size_t len, cap = chunk(d);
    if (e->wire.len >= d->wire_max)
        return false;
    const enum lks_status status = lks_stream_drain(e->stream, bytes, cap, &len);
    note(&e->drain, status);
    LKS_CHECK(len <= cap && (status == LKS_OK ? len || !cap : len == 0), "drained %zu: %s", len,
              lks_status_name(status));
    buffer_add(&e->wire, bytes, len);
    return len != 0;
}

static bool feed(struct duct *d, struct stream_end *e, struct buffer *wire)
{
    size_t taken, len = chunk(d);
    len = len < wire->len ? len : wire->len;
    if (!wire->len) /* a call for nothing changes nothing, but costs time */
        return false;
    const enum lks_status status = lks_stream_feed(e->stream, wire->data, len, &taken);
    note(&e->feed, status);
    LKS_CHECK(taken <= len && (taken == len || status == LKS_WANT_ROOM || status == LKS_WANT_PKEY ||
                               status == LKS_WANT_ANSWER),
              "fed %zu of %zu: %s", taken, len, lks_status_name(status));
    buffer_drop(wire, taken);
    return taken != 0;
}

static bool read_some(struct duct *d, struct stream_end *e)
{
    static uint8_t bytes[1u << 17];
    size_t len, cap = chunk(d);
    if (e->is_deaf)
        return false;
    const enum lks_status status = lks_stream_read(e->stream, bytes, cap, &len);
    note(&e->read, status);
    LKS_CHECK(len <= cap && (status == LKS_OK ? len || !cap : len == 0), "read %zu: %s", len,
              lks_status_name(status));
    buffer_add(&e->received, bytes, len);
    return len != 0;
}

static bool write_some(struct duct *d, struct stream_end *e)
{
    size_t taken = 0, len = chunk(d);
    len = len < e->to_send.len ? len : e->to_send.len;
    if (len) {
        const enum lks_status status = lks_stream_write(e->stream, e->to_send.data, len, &taken);
        note(&e->write, status);
        LKS_CHECK(taken <= len && (status != LKS_OK || taken == len), "wrote %zu of %zu: %s", taken,
                  len, lks_status_name(status));
        buffer_drop(&e->to_send, taken);
    }
    if (e->ends_when_sent && !e->to_send.len)
        must(!lks_stream_end(e->stream, LKS_SEAL));
    return taken != 0;
}

bool duct_turn(struct duct *d)
{
    bool moved = false;
    const unsigned int first = (unsigned int)lks_test_random(&d->seed) % 8;
    for (unsigned int i = first; i < first + 8; i++) {
        struct stream_end *e = i & 1 ? &d->client : &d->server;
        struct stream_end *other = i & 1 ? &d->server : &d->client;
        switch (i / 2 % 4) {
        case 0:
            moved |= drain(d, e);
            break;
        case 1:
            moved |= feed(d, e, &other->wire);
            break;
        case 2:
            moved |= read_some(d, e);
            break;
        default:
            moved |= write_some(d, e);
        }
    }
    return moved;
}

void duct_run(struct duct *d)
{
    /* With random chunks some turns move nothing by chance. */
    for (unsigned int num_idle = 0; num_idle < (d->random ? 40 : 2);)
        num_idle = duct_turn(d) ? 0 : num_idle + 1;
}

void duct_establish(struct duct *d)
{
    duct_run(d);
    LKS_CHECK(lks_conn_is_established(lks_stream_conn(d->client.stream)) &&
                  lks_conn_is_established(lks_stream_conn(d->server.stream)),
              "chunks of %zu: client %s, server %s", d->chunk, lks_status_name(d->client.read),
              lks_status_name(d->server.read));
}

void duct_fill(struct duct *d, struct stream_end *from, size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    must(bytes);
    lks_test_fill(&d->seed, bytes, len);
    buffer_add(&from->to_send, bytes, len);
    free(bytes);
}

bool duct_arrived(const struct stream_end *to, const uint8_t *bytes, size_t len)
{
    return to->received.len == len && (!len || memcmp(to->received.data, bytes, len) == 0);
}
