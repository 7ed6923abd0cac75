/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/dpdk.h>

#include "chain.h"
#include "http.h"

#define HEAD_MAX    256u
#define PIECE_MAX   16384u /* of an answer that is made at once */
#define PIECE_SPANS 23u    /* of the smallest buffers */
#define PIECES      16u    /* of one connection before others get a turn */
#define STARVED_US  5000u
#define READ_SPANS  64u

_Static_assert(PIECE_MAX <= PIECE_SPANS * (STACK_SEGMENT_LEN / 2),
               "a piece lies in so many buffers");

struct guest {
    struct backend *backend;
    struct flow *flow;  /* NULL: not in use */
    struct guest *next; /* ready, or free */
    struct chain in;
    uint64_t left;    /* of the answer, its head included */
    uint32_t unacked; /* bytes that TCP has */
    bool ends;        /* FIN goes behind this answer */
    bool is_ready, is_starved, fin;
    struct http_reader request;
};

struct backend {
    struct backend_config config;
    struct backend_counts counts;
    struct guest *guests, *free_list, *ready;
    char head[HEAD_MAX];
    uint32_t head_len;
    bool any_starved;
    uint64_t fed_us;
    uint8_t filler[PIECE_MAX];
};

struct backend *backend_new(const struct backend_config *config)
{
    struct backend *b = calloc(1, sizeof(*b));
    if (!b)
        return NULL;
    b->config = *config;
    b->guests = calloc(config->max_connections, sizeof(*b->guests));
    if (!b->guests) {
        free(b);
        return NULL;
    }
    for (uint32_t i = config->max_connections; i-- > 0;) {
        b->guests[i].next = b->free_list;
        b->free_list = &b->guests[i];
    }
    b->head_len =
        (uint32_t)snprintf(b->head, sizeof(b->head),
                           "HTTP/1.1 200 OK\r\nServer: lockstep-load\r\nContent-Type: "
                           "application/octet-stream\r\nContent-Length: %" PRIu64 "\r\n\r\n",
                           config->answer_len);
    memset(b->filler, 'x', sizeof(b->filler));
    return b;
}

static void leave(struct guest *g)
{
    struct backend *b = g->backend;
    chain_free(&g->in);
    g->flow = NULL;
    if (g->is_ready)
        return; /* in the list; backend_turn() frees it there */
    g->next = b->free_list;
    b->free_list = g;
}

void backend_free(struct backend *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; i < b->config.max_connections; i++) {
        if (b->guests[i].flow)
            flow_abort(b->guests[i].flow);
        chain_free(&b->guests[i].in);
    }
    free(b->guests);
    free(b);
}

static void ready(struct guest *g)
{
    if (g->is_ready)
        return;
    g->is_ready = true;
    g->next = g->backend->ready;
    g->backend->ready = g;
}

/* ---- what TCP tells ---- */

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    struct backend *b = user;
    struct guest *g = b->free_list;
    (void)peer;
    (void)local;
    b->counts.connections++;
    if (!g) {
        b->counts.refused++;
        return NULL;
    }
    b->free_list = g->next;
    *g = (struct guest){.backend = b, .flow = flow};
    http_begin(&g->request, HTTP_REQUEST);
    return g;
}

static void on_connected(void *user)
{
    (void)user; /* it never connects */
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    struct guest *g = user;
    const uint32_t len = chain->pkt_len;
    if (g->ends || !chain_append_received(&g->in, chain)) {
        rte_pktmbuf_free(chain);
        flow_consumed(g->flow, len);
        g->ends = true;
    }
    ready(g);
}

static void on_fin(void *user)
{
    struct guest *g = user;
    g->fin = true;
    ready(g);
}

static void on_sent(void *user, uint32_t bytes)
{
    struct guest *g = user;
    g->unacked -= bytes < g->unacked ? bytes : g->unacked;
    if (g->left)
        ready(g);
}

static void on_ended(void *user, enum flow_end why)
{
    (void)why;
    leave(user);
}

static const struct flow_events events = {
    on_accepted, on_connected, on_received, on_fin, on_sent, on_ended, 0};

int backend_listen(struct backend *b, const struct net_addr *addr, char *error,
                   unsigned int error_len)
{
    return flow_listen(b->config.net, addr, &events, b, error, error_len);
}

/* ---- requests and answers ---- */

static void end(struct guest *g)
{
    g->ends = true;
    chain_free(&g->in);
}

/* Reads on, up to the end of one request. */
static void read_request(struct guest *g)
{
    struct backend *b = g->backend;
    struct lks_span spans[READ_SPANS];
    enum http_result result = HTTP_MORE;
    while (result == HTTP_MORE && g->in.head) {
        const uint32_t num = lks_mbuf_spans(g->in.head, 0, chain_len(&g->in), spans, READ_SPANS);
        size_t taken = 0, all = 0;
        for (uint32_t i = 0; i < num && i < READ_SPANS && result == HTTP_MORE; i++, all += taken)
            result = http_read(&g->request, spans[i].data, spans[i].len, &taken);
        chain_drop(&g->in, (uint32_t)all);
        flow_consumed(g->flow, (uint32_t)all);
    }
    if (result == HTTP_BAD) {
        b->counts.bad_requests++;
        end(g);
    } else if (result == HTTP_DONE) {
        b->counts.requests++;
        g->left = b->head_len + b->config.answer_len;
        g->ends = !g->request.keeps;
        http_begin(&g->request, HTTP_REQUEST);
    }
}

static void copy_into(const struct guest *g, const struct lks_span *to, uint32_t num)
{
    const struct backend *b = g->backend;
    uint64_t at = b->head_len + b->config.answer_len - g->left;
    for (uint32_t i = 0; i < num; i++) {
        size_t done = 0;
        if (at < b->head_len) {
            done = b->head_len - at < to[i].len ? (size_t)(b->head_len - at) : to[i].len;
            memcpy(to[i].data, b->head + at, done);
        }
        memcpy(to[i].data + done, b->filler, to[i].len - done);
        at += to[i].len;
    }
}

/* The next piece of an answer. false: not now. */
static bool send_piece(struct guest *g)
{
    struct lks_span spans[PIECE_SPANS];
    const uint32_t room = flow_send_room(g->flow);
    uint32_t len = room < PIECE_MAX ? room : PIECE_MAX;
    len = g->left < len ? (uint32_t)g->left : len;
    struct rte_mbuf *chain = NULL;
    if (len && !port_is_low(g->backend->config.port))
        chain = lks_mbuf_alloc(g->backend->config.port->tx_pool, len, stack_segment_len(g->flow));
    if (!chain) {
        if (!g->unacked || len)
            g->is_starved = g->backend->any_starved = true;
        return false;
    }
    copy_into(g, spans, lks_mbuf_spans(chain, 0, len, spans, PIECE_SPANS));
    flow_send(g->flow, chain);
    g->left -= len;
    g->unacked += len;
    g->backend->counts.bytes += len;
    return true;
}

/* One request after the other, each answered before the next is read: what comes meanwhile keeps
 * TCP's window shut. */
static void serve(struct guest *g)
{
    uint32_t num = 0;
    for (;;) {
        while (g->left && num < PIECES && send_piece(g))
            num++;
        if (g->left) {
            if (num == PIECES)
                ready(g);
            return;
        }
        if (g->ends || !g->in.head)
            break;
        read_request(g);
    }
    if (g->ends || g->fin) {
        flow_close(g->flow);
        leave(g);
    }
}

static void feed_starved(struct backend *b, uint64_t now_us)
{
    if (!b->any_starved || now_us - b->fed_us < STARVED_US)
        return;
    b->fed_us = now_us;
    b->any_starved = false;
    for (uint32_t i = 0; i < b->config.max_connections; i++) {
        if (b->guests[i].flow && b->guests[i].is_starved)
            ready(&b->guests[i]);
        b->guests[i].is_starved = false;
    }
}

bool backend_turn(struct backend *b, uint64_t now_us)
{
    struct guest *g = b->ready, *next;
    const bool was_busy = g != NULL;
    b->ready = NULL;
    for (; g; g = next) {
        next = g->next;
        g->is_ready = false;
        if (g->flow)
            serve(g);
        else
            leave(g);
    }
    feed_starved(b, now_us);
    return was_busy;
}

const struct backend_counts *backend_counts(const struct backend *b)
{
    return &b->counts;
}
