/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The poll loop: rx, tcp, open, act, seal, tcp, tx, timers. All connections that have work in a
 * poll share one open batch and one seal batch.
 */

#include "worker.h"

#include <rte_cycles.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lockstep/dpdk.h>

#include "frame.h"

#define RX_BURST        256u
#define BATCH_OPS       256u
#define BATCH_SPANS     8192u
#define SESSION_SPANS   1024u /* of one session's queue that one look at it covers */
#define EMPTY_POLLS     64u
#define STARVED_US      5000u
#define RECORD_SEGMENTS 11u /* full segments in a long record: the most that 2^14 bytes allow */

/* A chain of records to send once the seal batch has run. */
struct sealed {
    struct session *session;
    struct rte_mbuf *chain;
    uint32_t num_ops;
};

struct worker {
    struct worker_config config;
    struct sessions sessions;
    struct counters counters;
    struct lks_engine *engine;
    struct lks_batch batch; /* the open batch, then the seal batch */
    struct session *op_session[BATCH_OPS];
    struct sealed sealed[BATCH_OPS];
    uint32_t num_sealed;
    struct session **now; /* sessions of this poll; they may become ready again meanwhile */
    uint32_t num_now;
    bool is_low; /* on buffers to send with */
    bool any_starved;
    uint64_t last_fed_us;
    struct lks_op ops[BATCH_OPS];
    struct lks_span spans[BATCH_SPANS];
};

struct worker *worker_new(const struct worker_config *config, char *error, unsigned int error_len)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (w)
        w->now = calloc(config->sessions.max_sessions, sizeof(struct session *));
    if (!w || !w->now || sessions_init(&w->sessions, &config->sessions, &w->counters)) {
        snprintf(error, error_len, "no memory for %u sessions; lower --max-connections",
                 config->sessions.max_sessions);
        if (w)
            free(w->now);
        free(w);
        return NULL;
    }
    enum lks_status status = lks_engine_new(&w->engine, BATCH_OPS);
    if (status) {
        char text[512]; /* one line: what is wrong */
        lks_engine_describe(text, sizeof(text));
        snprintf(error, error_len, "%s",
                 status == LKS_BAD_CONFIG ? text : "no memory for the engine");
        worker_free(w);
        return NULL;
    }
    w->config = *config;
    w->batch = (struct lks_batch){
        .ops = w->ops, .spans = w->spans, .max_ops = BATCH_OPS, .max_spans = BATCH_SPANS};
    return w;
}

void worker_free(struct worker *w)
{
    sessions_free(&w->sessions);
    flow_flush();
    lks_engine_free(w->engine);
    free(w->now);
    free(w);
}

struct sessions *worker_sessions(struct worker *w)
{
    return &w->sessions;
}

static uint32_t op_record_len(const struct lks_op *op)
{
    uint32_t len = 0;
    for (uint32_t i = 0; i < op->num_src; i++)
        len += (uint32_t)op->src[i].len;
    return len;
}

/* The front of a queue in one piece: for records that lie in more mbufs than a batch has spans. */
static bool join(struct worker *w, struct session *s, uint32_t len)
{
    struct rte_mbuf *joined = lks_mbuf_alloc(w->config.sessions.port->tx_pool, len, 2048);
    if (!joined)
        return false;
    uint32_t at = 0;
    for (struct rte_mbuf *m = joined; m; m = m->next) {
        const uint8_t *p =
            rte_pktmbuf_read(s->in.head, at, m->data_len, rte_pktmbuf_mtod(m, uint8_t *));
        if (p != rte_pktmbuf_mtod(m, uint8_t *))
            memcpy(rte_pktmbuf_mtod(m, uint8_t *), p, m->data_len);
        at += m->data_len;
    }
    struct chain rest = s->in;
    chain_drop(&rest, len);
    s->in = (struct chain){0};
    chain_append(&s->in, joined);
    if (rest.head && chain_append(&s->in, rest.head))
        s->in.tail = rest.tail;
    return true;
}

static void fail_tls(struct worker *w, struct session *s, enum lks_status status)
{
    if (s->tls_failed)
        return;
    s->tls_failed = true;
    chain_free(&s->in);
    if (status != LKS_PEER_ALERT)
        w->counters.alerts_sent[lks_status_alert(status)]++;
}

/* Puts a session's complete records into the open batch. */
static void open_session(struct worker *w, struct session *s)
{
    struct lks_span spans[SESSION_SPANS];
    const uint32_t len = chain_len(&s->in), first_op = w->batch.num_ops;
    size_t taken = 0, wanted = 0;
    if (!len || s->tls_failed || s->is_over)
        return;
    uint32_t num = lks_mbuf_spans(s->in.head, 0, len, spans, SESSION_SPANS);
    bool cut = num > SESSION_SPANS;
    enum lks_status status =
        lks_conn_open(s->tls, spans, cut ? SESSION_SPANS : num, &w->batch, &taken, &wanted);
    uint32_t direct = (uint32_t)taken; /* what was dealt with at once comes before the ops */
    for (uint32_t i = first_op; i < w->batch.num_ops; i++) {
        w->op_session[i] = s;
        direct -= op_record_len(&w->batch.ops[i]);
    }
    if (direct) {
        chain_drop(&s->in, direct);
        if (s->client)
            flow_consumed(s->client, direct);
    }
    s->wanted = 0;
    if (status == LKS_WANT_DATA && cut && wanted <= len - taken && !taken) {
        if (join(w, s, (uint32_t)wanted))
            session_ready(&w->sessions, s);
        else
            session_over(s, END_NO_MEMORY);
    } else if (status == LKS_WANT_DATA && !cut) {
        s->wanted = (uint32_t)wanted;
    } else if (status == LKS_WANT_ROOM || cut) {
        session_ready(&w->sessions, s); /* the rest in the next poll */
    } else if (status != LKS_OK && status != LKS_WANT_DATA && status != LKS_CLOSED) {
        fail_tls(w, s, status);
    }
}

/* Acts on one opened record, whose bytes are at the front of the session's queue. */
static void act(struct worker *w, struct session *s, const struct lks_op *op)
{
    enum lks_event event = LKS_EVENT_NONE;
    const uint32_t len = op_record_len(op);
    const size_t content_at = lks_op_content_at(op);
    enum lks_status status = lks_conn_opened(s->tls, op, &event);
    if (status) {
        w->counters.bad_records++;
        fail_tls(w, s, status);
        return;
    }
    if (s->tls_failed)
        return;
    if (event == LKS_EVENT_DEFERRED) {
        w->counters.deferred++;
        session_ready(&w->sessions, s);
        return;
    }
    struct rte_mbuf *record = chain_cut(&s->in, len, w->config.sessions.port->clones);
    uint32_t kept = event == LKS_EVENT_DATA ? op->len : 0;
    if (!record) {
        session_over(s, END_NO_MEMORY);
        return;
    }
    w->counters.records_opened++;
    w->counters.bytes_opened += kept;
    record = lks_mbuf_trim(record, (uint32_t)content_at, kept);
    if (s->client)
        flow_consumed(s->client, len - kept);
    if (record && !chain_append_record(&s->to_backend, record, w->config.sessions.port->tx_pool)) {
        rte_pktmbuf_free(record);
        session_over(s, END_NO_MEMORY);
    }
    if (event == LKS_EVENT_ESTABLISHED) {
        struct lks_conn_info info;
        lks_conn_get_info(s->tls, &info);
        w->counters.handshakes++;
        w->counters.hello_retries += info.hello_retried;
        session_connect_backend(&w->sessions, s);
    }
}

static void open_all(struct worker *w)
{
    lks_batch_reset(&w->batch);
    for (uint32_t i = 0; i < w->num_now; i++)
        open_session(w, w->now[i]);
    if (!w->batch.num_ops)
        return;
    lks_engine_process(w->engine, w->batch.ops, w->batch.num_ops);
    w->counters.open_batches++;
    w->counters.open_ops += w->batch.num_ops;
    for (uint32_t i = 0; i < w->batch.num_ops; i++)
        act(w, w->op_session[i], &w->batch.ops[i]);
}

/* A fresh chain and its spans; NULL: no buffers now. */
static struct rte_mbuf *new_chain(struct worker *w, struct session *s, uint32_t len,
                                  struct lks_span *spans, uint32_t *num_spans)
{
    struct rte_mbuf *chain =
        lks_mbuf_alloc(w->config.sessions.port->tx_pool, len, flow_mss(s->client));
    if (!chain)
        return NULL;
    *num_spans = lks_mbuf_spans(chain, 0, len, spans, SESSION_SPANS);
    if (*num_spans <= SESSION_SPANS)
        return chain;
    rte_pktmbuf_free(chain);
    return NULL;
}

static void add_sealed(struct worker *w, struct session *s, struct rte_mbuf *chain,
                       uint32_t num_ops)
{
    w->sealed[w->num_sealed++] = (struct sealed){s, chain, num_ops};
}

/* The connection's own records: handshake, alerts, KeyUpdate. */
static bool seal_own(struct worker *w, struct session *s)
{
    struct lks_span dst[SESSION_SPANS];
    uint32_t len = (uint32_t)lks_conn_own_len(s->tls), first = w->batch.num_ops, num_dst;
    if (!len)
        return true;
    if (len > flow_send_room(s->client))
        return false; /* on_client_sent() will ask again */
    struct rte_mbuf *chain = new_chain(w, s, len, dst, &num_dst);
    if (!chain || lks_conn_seal_own(s->tls, dst, num_dst, &w->batch)) {
        rte_pktmbuf_free(chain);
        session_ready(&w->sessions, s);
        return false;
    }
    add_sealed(w, s, chain, w->batch.num_ops - first);
    if (lks_conn_own_len(s->tls))
        session_ready(&w->sessions, s); /* for what comes behind these */
    return true;
}

/* How much of what waits goes into the next record: a long one fills whole segments. */
static uint32_t choose_record(const struct session *s, uint32_t waiting)
{
    uint32_t overhead = (uint32_t)lks_conn_record_len(s->tls, 0);
    uint32_t whole = RECORD_SEGMENTS * flow_mss(s->client) - overhead;
    uint32_t most = (uint32_t)lks_conn_record_max(s->tls);
    most = whole < most ? whole : most;
    return waiting < most ? waiting : most;
}

static bool seal_data(struct worker *w, struct session *s, uint32_t *room)
{
    struct lks_span src[SESSION_SPANS], dst[SESSION_SPANS];
    uint32_t waiting = chain_len(&s->from_backend) - s->sealing, num_dst;
    uint32_t len = choose_record(s, waiting);
    if (!len || !lks_conn_can_seal(s->tls))
        return false;
    if (w->is_low) {
        s->is_starved = w->any_starved =
            true; /* acknowledgements will free buffers: feed_starved() */
        return false;
    }
    uint32_t num_src = lks_mbuf_spans(s->from_backend.head, s->sealing, len, src, SESSION_SPANS);
    while (num_src > SESSION_SPANS) { /* the backend sent crumbs: a shorter record */
        len /= 2;
        num_src = lks_mbuf_spans(s->from_backend.head, s->sealing, len, src, SESSION_SPANS);
    }
    uint32_t record_len = (uint32_t)lks_conn_record_len(s->tls, len);
    if (record_len > *room)
        return false;
    struct rte_mbuf *chain = new_chain(w, s, record_len, dst, &num_dst);
    if (!chain || lks_conn_seal(s->tls, src, num_src, dst, num_dst, &w->batch)) {
        rte_pktmbuf_free(chain);
        session_ready(&w->sessions, s); /* no buffers, or the batch is full */
        return false;
    }
    *room -= record_len;
    s->sealing += len;
    add_sealed(w, s, chain, 1);
    w->counters.bytes_sealed += len;
    return true;
}

/* Half of the batch is the most that one session takes while others wait. */
static void seal_session(struct worker *w, struct session *s)
{
    if (!s->client || s->is_over)
        return;
    if (w->num_sealed == BATCH_OPS) {
        session_ready(&w->sessions, s); /* the batch is full: in the next poll */
        return;
    }
    if (!seal_own(w, s))
        return;
    uint32_t room = flow_send_room(s->client);
    for (uint32_t i = 0; w->num_sealed < BATCH_OPS && i < BATCH_OPS / 2; i++)
        if (!seal_data(w, s, &room))
            return;
    session_ready(&w->sessions, s);
}

/* Sends a chain of records and tells the connection about each. */
static void send_sealed(struct worker *w, const struct sealed *sealed, const struct lks_op *ops)
{
    struct session *s = sealed->session;
    enum lks_status status = LKS_OK;
    for (uint32_t i = 0; i < sealed->num_ops; i++) {
        enum lks_status one = lks_conn_sealed(s->tls, &ops[i]);
        status = status ? status : one;
    }
    w->counters.records_sealed += sealed->num_ops;
    if (status) {
        rte_pktmbuf_free(sealed->chain);
        session_over(s, END_TLS_ERROR);
    } else if (!s->client || !flow_send(s->client, sealed->chain)) {
        rte_pktmbuf_free(sealed->chain);
        session_over(s, END_NO_MEMORY);
    }
}

static void seal_all(struct worker *w)
{
    lks_batch_reset(&w->batch);
    w->num_sealed = 0;
    w->is_low = port_is_low(w->config.sessions.port);
    for (uint32_t i = 0; i < w->num_now; i++)
        seal_session(w, w->now[i]);
    if (!w->num_sealed)
        return;
    lks_engine_process(w->engine, w->batch.ops, w->batch.num_ops);
    w->counters.seal_batches++;
    w->counters.seal_ops += w->batch.num_ops;
    const struct lks_op *op = w->batch.ops;
    for (uint32_t i = 0; i < w->num_sealed; op += w->sealed[i++].num_ops)
        send_sealed(w, &w->sealed[i], op);
    for (uint32_t i = 0; i < w->num_sealed; i++) {
        struct session *s = w->sealed[i].session;
        if (s->sealing) {
            chain_drop(&s->from_backend, s->sealing);
            if (s->backend)
                flow_consumed(s->backend, s->sealing);
            s->sealing = 0;
        }
    }
}

static void take_ready(struct worker *w)
{
    struct sessions *all = &w->sessions;
    w->num_now = 0;
    for (struct session *s = all->ready; s; s = s->next) {
        s->is_ready = false;
        w->now[w->num_now++] = s;
    }
    all->ready = NULL;
    all->ready_end = &all->ready;
}

/* Those that are over go; one may have become ready again meanwhile and is freed next time. */
static void free_over(struct worker *w)
{
    for (uint32_t i = 0; i < w->num_now; i++)
        if (w->now[i]->is_over && !w->now[i]->is_ready)
            session_free(&w->sessions, w->now[i]);
}

static uint16_t receive(struct worker *w)
{
    struct rte_mbuf *packets[RX_BURST];
    uint16_t num = port_receive(w->config.sessions.port, packets, RX_BURST);
    flow_input(packets, num);
    return num;
}

static void wait_a_little(const struct worker *w)
{
    if (w->config.idle == IDLE_YIELD)
        sched_yield();
    else if (w->config.idle == IDLE_SLEEP)
        usleep(w->config.idle_us);
}

/* Sessions that had to wait for buffers, all sessions' acknowledgements being what frees them. */
static void feed_starved(struct worker *w)
{
    uint64_t now_us = frame_now_us();
    if (now_us - w->last_fed_us < STARVED_US || port_is_low(w->config.sessions.port))
        return;
    w->last_fed_us = now_us;
    w->any_starved = false;
    for (uint32_t i = 0; i < w->config.sessions.max_sessions; i++) {
        struct session *s = &w->sessions.all[i];
        if (!s->is_starved)
            continue;
        s->is_starved = false;
        if (s->tls)
            session_ready(&w->sessions, s);
    }
}

/* A bad file is complained about once, and the keys stay. */
static void reload_ticket_keys(struct lks_config *tls)
{
    struct lks_error err;
    bool changed;
    enum lks_status status = lks_config_reload_ticket_keys(tls, &changed, &err);
    if (status == LKS_BAD_CONFIG)
        fprintf(stderr, "lockstepd: --ticket-keys: %s\n", err.text);
    else if (changed)
        printf("lockstepd: ticket keys read again\n");
    fflush(stdout);
}

static void every_second(struct worker *w, struct worker_signals *signals)
{
    uint32_t now_s = (uint32_t)(frame_now_us() / 1000000);
    if (signals->print) {
        signals->print = 0;
        counters_print(stdout, &w->counters);
    }
    if (now_s == w->sessions.now_s)
        return;
    w->sessions.now_s = now_s;
    sessions_second(&w->sessions);
    reload_ticket_keys(w->config.sessions.tls);
}

void worker_run(struct worker *w, struct worker_signals *signals)
{
    uint32_t num_empty = 0;
    while (!signals->stop) {
        uint16_t num_received = receive(w);
        take_ready(w);
        open_all(w);
        for (uint32_t i = 0; i < w->num_now; i++)
            session_move(&w->sessions, w->now[i]);
        seal_all(w);
        for (uint32_t i = 0; i < w->num_now; i++)
            session_move(&w->sessions, w->now[i]);
        free_over(w);
        flow_flush();
        flow_timers();
        if (w->any_starved)
            feed_starved(w);
        every_second(w, signals);

        w->counters.polls++;
        if (num_received || w->num_now) {
            w->counters.busy_polls++;
            num_empty = 0;
        } else if (++num_empty > EMPTY_POLLS) {
            wait_a_little(w);
        }
    }
    counters_print(stdout, &w->counters);
}
