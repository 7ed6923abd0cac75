/* SPDX-License-Identifier: BSD-3-Clause */

/* All clients' records of a turn, opened together and sealed together, as dpdk_app/worker.c does
 * it. An answer is read where it was opened; a request is sealed from where it lies for all. */

#include "batch.h"

#include <lockstep/dpdk.h>

/* What request bodies are made of: one record's worth at least. */
static uint8_t filler[LKS_RECORD_PLAINTEXT_MAX];

static uint32_t op_record_len(const struct lks_op *op)
{
    uint32_t len = 0;
    for (uint32_t i = 0; i < op->num_src; i++)
        len += (uint32_t)op->src[i].len;
    return len;
}

/* ---- open ---- */

static void drop_front(struct client *c, uint32_t len)
{
    chain_drop(&c->in, len);
    if (c->flow)
        flow_consumed(c->flow, len);
}

/* Puts a client's complete records into the batch. */
static void open_client(struct load *l, struct client *c)
{
    struct lks_span spans[LOAD_SPANS];
    const uint32_t len = chain_len(&c->in), first_op = l->batch.num_ops;
    size_t taken = 0, wanted = 0;
    if (!len || c->has_failed || c->is_over)
        return;
    const uint32_t num = lks_mbuf_spans(c->in.head, 0, len, spans, LOAD_SPANS);
    const bool is_cut = num > LOAD_SPANS;
    const enum lks_status status =
        lks_conn_open(c->tls, spans, is_cut ? LOAD_SPANS : num, &l->batch, &taken, &wanted);
    uint32_t direct = (uint32_t)taken; /* what was dealt with at once comes before the ops */
    for (uint32_t i = first_op; i < l->batch.num_ops; i++)
        direct -= op_record_len(&l->batch.ops[i]);
    if (direct)
        drop_front(c, direct);
    c->wanted = 0;
    if (status == LKS_WANT_ROOM || (is_cut && taken))
        client_ready(l, c); /* the rest in the next turn */
    else if (status == LKS_WANT_DATA && (!is_cut || wanted > chain_len(&c->in)))
        c->wanted = (uint32_t)wanted;
    else if (status == LKS_WANT_DATA || status == LKS_NO_ROOM)
        client_fail(l, c, LOAD_OWN, "a record lies in too many buffers");
    else if (status != LKS_OK && status != LKS_CLOSED)
        client_fail_tls(l, c);
}

static void read_answer(struct load *l, struct client *c, const struct lks_op *op)
{
    struct lks_span spans[LOAD_SPANS];
    const uint32_t num =
        lks_mbuf_spans(c->in.head, (uint32_t)lks_op_content_at(op), op->len, spans, LOAD_SPANS);
    l->counts.opened_bytes += l->is_over ? 0 : op->len;
    for (uint32_t i = 0; i < num && i < LOAD_SPANS; i++)
        client_hear(l, c, spans[i].data, spans[i].len);
}

/* Acts on one opened record, whose bytes are at the front of its client's queue. What lies behind
 * one that failed stays where it is until no op names it any more. */
static void act(struct load *l, struct client *c, const struct lks_op *op)
{
    enum lks_event event = LKS_EVENT_NONE;
    const uint32_t len = op_record_len(op);
    const enum lks_status status = lks_conn_opened(c->tls, op, &event);
    if (c->has_failed)
        return;
    if (status) {
        client_fail_tls(l, c);
        return;
    }
    if (event == LKS_EVENT_DEFERRED) {
        c->wanted = 0;
        client_ready(l, c);
        return;
    }
    if (event == LKS_EVENT_DATA)
        read_answer(l, c, op);
    else if (event == LKS_EVENT_ESTABLISHED)
        client_established(l, c);
    if (!c->has_failed)
        drop_front(c, len);
}

void batch_open(struct load *l)
{
    lks_batch_reset(&l->batch);
    for (uint32_t i = 0; i < l->num_now; i++)
        open_client(l, l->now[i]);
    if (!l->batch.num_ops)
        return;
    lks_engine_process(l->engine, l->batch.ops, l->batch.num_ops);
    l->counts.open_batches++;
    l->counts.open_ops += l->batch.num_ops;
    for (uint32_t i = 0; i < l->batch.num_ops; i++)
        act(l, lks_op_user(&l->batch.ops[i]), &l->batch.ops[i]);
}

/* ---- seal ---- */

/* A fresh chain of TCP segments and its spans; NULL: no buffers now. */
static struct rte_mbuf *new_chain(struct load *l, struct client *c, uint32_t len,
                                  struct lks_span *spans, uint32_t *num_spans)
{
    struct rte_mbuf *chain =
        lks_mbuf_alloc(l->config.port->tx_pool, len, stack_segment_len(c->flow));
    if (chain)
        *num_spans = lks_mbuf_spans(chain, 0, len, spans, LOAD_SPANS);
    else
        client_starve(l, c);
    return chain;
}

/* What lks_conn_seal() and its like added to the batch, or that they could not. */
static bool add_sealed(struct load *l, struct client *c, enum lks_status status,
                       struct rte_mbuf *chain, uint32_t num_ops)
{
    if (!status) {
        l->sealed[l->num_sealed++] = (struct load_sealed){c, chain, num_ops};
        return true;
    }
    rte_pktmbuf_free(chain);
    if (status == LKS_WANT_ROOM)
        client_ready(l, c); /* the batch is full: in the next turn */
    else
        client_fail_tls(l, c);
    return false;
}

/* The connection's own records: handshake, alerts, KeyUpdate. */
static bool seal_own(struct load *l, struct client *c, uint32_t *room)
{
    struct lks_span dst[LOAD_SPANS];
    const uint32_t len = (uint32_t)lks_conn_own_len(c->tls), first = l->batch.num_ops;
    uint32_t num_dst;
    if (!len)
        return true;
    struct rte_mbuf *chain = new_chain(l, c, len, dst, &num_dst);
    if (!chain)
        return false;
    const enum lks_status status = lks_conn_seal_own(c->tls, dst, num_dst, &l->batch);
    if (!add_sealed(l, c, status, chain, l->batch.num_ops - first))
        return false;
    *room -= len < *room ? len : *room;
    if (lks_conn_own_len(c->tls))
        client_ready(l, c);
    return true;
}

/* The next len bytes of the request: of its head, then of its body. */
static uint32_t request_spans(const struct load *l, const struct client *c, uint32_t len,
                              struct lks_span spans[2])
{
    uint32_t num = 0, of_head = 0;
    if (c->asked < l->config.head_len) {
        const uint32_t left = l->config.head_len - (uint32_t)c->asked;
        of_head = left < len ? left : len;
        spans[num++] = (struct lks_span){(uint8_t *)(uintptr_t)l->config.head + c->asked, of_head};
    }
    if (len > of_head)
        spans[num++] = (struct lks_span){filler, len - of_head};
    return num;
}

/* One record of the request. It waits for room while acknowledgements are to come. */
static bool seal_request(struct load *l, struct client *c, uint32_t *room)
{
    struct lks_span src[2], dst[LOAD_SPANS];
    const uint64_t left = l->config.head_len + l->config.body_len - c->asked;
    uint32_t len = (uint32_t)lks_conn_record_max(c->tls), num_dst;
    if (c->state != CLIENT_ASKING || !left || !lks_conn_can_seal(c->tls))
        return false;
    if (l->is_low) {
        client_starve(l, c);
        return false;
    }
    len = left < len ? (uint32_t)left : len;
    len = len < sizeof(filler) ? len : (uint32_t)sizeof(filler);
    const uint32_t record_len = (uint32_t)lks_conn_record_len(c->tls, len);
    if (record_len > *room && c->unacked)
        return false;
    struct rte_mbuf *chain = new_chain(l, c, record_len, dst, &num_dst);
    if (!chain)
        return false;
    const uint32_t num_src = request_spans(l, c, len, src);
    if (!add_sealed(l, c, lks_conn_seal(c->tls, src, num_src, dst, num_dst, &l->batch), chain, 1))
        return false;
    c->asked += len;
    l->counts.sealed_bytes += l->is_over ? 0 : len;
    l->counts.requests += left == len;
    const bool fits = record_len <= *room;
    *room -= fits ? record_len : *room;
    return fits;
}

static void seal_client(struct load *l, struct client *c)
{
    uint32_t num = 0;
    if (!c->flow || c->is_over || c->out.head || c->state <= CLIENT_CONNECTING)
        return; /* what is sealed goes first */
    uint32_t room = flow_send_room(c->flow);
    if (!seal_own(l, c, &room))
        return;
    while (num < LOAD_BATCH_OPS / 2 && seal_request(l, c, &room))
        num++;
    if (num == LOAD_BATCH_OPS / 2)
        client_ready(l, c);
}

/* Tells the connection of each of a chain's records, and hands the chain on. */
static void take_sealed(struct load *l, const struct load_sealed *sealed, const struct lks_op *ops)
{
    struct client *c = sealed->client;
    enum lks_status status = LKS_OK;
    for (uint32_t i = 0; i < sealed->num_ops; i++) {
        const enum lks_status one = lks_conn_sealed(c->tls, &ops[i]);
        status = status ? status : one;
    }
    if (!status && chain_append(&c->out, sealed->chain))
        return;
    rte_pktmbuf_free(sealed->chain);
    if (status)
        client_fail_tls(l, c);
    else
        client_fail(l, c, LOAD_OWN, "what is to be sent lies in too many buffers");
}

void batch_seal(struct load *l)
{
    lks_batch_reset(&l->batch);
    l->num_sealed = 0;
    l->is_low = port_is_low(l->config.port);
    for (uint32_t i = 0; i < l->num_now; i++)
        seal_client(l, l->now[i]);
    if (!l->num_sealed)
        return;
    lks_engine_process(l->engine, l->batch.ops, l->batch.num_ops);
    l->counts.seal_batches++;
    l->counts.seal_ops += l->batch.num_ops;
    const struct lks_op *op = l->batch.ops;
    for (uint32_t i = 0; i < l->num_sealed; op += l->sealed[i++].num_ops)
        take_sealed(l, &l->sealed[i], op);
    for (uint32_t i = 0; i < l->num_sealed; i++) { /* TLS 1.2's key limit */
        struct client *c = l->sealed[i].client;
        if (lks_conn_status(c->tls) && !c->has_failed)
            client_fail_tls(l, c);
    }
}
