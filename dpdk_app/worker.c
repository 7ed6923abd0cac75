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

#include "clock.h"

#define BATCH_OPS       256u
#define BATCH_SPANS     8192u
#define SESSION_SPANS   1024u /* of one session's queue that one look at it covers */
#define EMPTY_POLLS     64u
#define FREED_A_POLL    256u /* sessions: TCP has room for so many frames of both their ends */
#define LAST_SENDS      64u  /* for what is left at the end, on a port that takes it */
#define STARVED_US      5000u
#define LINE            64u /* bytes that no two workers share */
#define RECORD_SEGMENTS 11u /* full segments in a long record: the most that 2^14 bytes allow */
#define CLONES_LEAST    (2u * BATCH_OPS) /* a batch takes one an op */

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
    const char *to_say; /* a line for people; NULL: none */
    bool said_no_route;
    const char *tls_failure, *said_failure; /* why a client's TLS failed, last; the one said */
    struct lks_engine *engine;
    struct lks_batch batch; /* the open batch, then the seal batch */
    struct session *op_session[BATCH_OPS];
    struct sealed sealed[BATCH_OPS];
    uint32_t num_sealed;
    struct session **now; /* sessions of this poll; they may become ready again meanwhile */
    uint32_t num_now;
    bool is_low; /* on buffers to send with */
    bool is_low_on_clones;
    uint64_t now_us, last_fed_us;
    struct stack_turn turn;
    struct lks_op ops[BATCH_OPS];
    struct lks_span spans[BATCH_SPANS];
};

struct worker *worker_new(const struct worker_config *config, char *error, unsigned int error_len)
{
    struct worker *w = aligned_alloc(LINE, RTE_ALIGN_CEIL(sizeof(*w), LINE));
    if (w)
        memset(w, 0, sizeof(*w));
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
    w->now_us = clock_us();
    w->turn.timed_us = w->now_us;
    w->sessions.now_s = (uint32_t)(w->now_us / 1000000);
    w->batch = (struct lks_batch){
        .ops = w->ops, .spans = w->spans, .max_ops = BATCH_OPS, .max_spans = BATCH_SPANS};
    return w;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    sessions_free(&w->sessions);
    lks_engine_free(w->engine);
    free(w->now);
    free(w);
}

struct sessions *worker_sessions(struct worker *w)
{
    return &w->sessions;
}

void worker_get_report(const struct worker *w, struct report *report)
{
    report->app = w->counters;
    flow_get_counters(w->config.sessions.net, &report->tcp);
    net_get_counters(w->config.sessions.net, &report->net);
    port_get_counters(w->config.sessions.port, &report->port);
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

/* No complete record is in what lks_conn_open() was shown of the queue. */
static void want_more(struct worker *w, struct session *s, uint32_t wanted, bool was_cut)
{
    if (!was_cut || wanted > chain_len(&s->in))
        s->wanted = wanted;
    else if (join(w, s, wanted))
        session_ready(&w->sessions, s);
    else
        session_starve(&w->sessions, s);
}

static void fail_tls(struct worker *w, struct session *s)
{
    w->tls_failure = lks_conn_reason(s->tls);
    session_fail_tls(s);
}

/* Puts a session's complete records into the open batch. */
static void open_session(struct worker *w, struct session *s)
{
    struct lks_span spans[SESSION_SPANS];
    const uint32_t len = chain_len(&s->in), first_op = w->batch.num_ops;
    size_t taken = 0, wanted = 0;
    if (!len || s->tls_failed || s->is_over)
        return;
    if (w->is_low_on_clones) {
        session_starve(&w->sessions, s);
        return;
    }
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
    if (status == LKS_WANT_ROOM || (cut && taken)) {
        session_ready(&w->sessions, s); /* the rest in the next poll */
    } else if (status == LKS_WANT_DATA) {
        want_more(w, s, (uint32_t)wanted, cut);
    } else if (status != LKS_OK && status != LKS_CLOSED) {
        w->counters.bad_records += status != LKS_PEER_ALERT;
        fail_tls(w, s);
    }
}

/* Acts on one opened record, whose bytes are at the front of the session's queue. */
static void act(struct worker *w, struct session *s, const struct lks_op *op)
{
    enum lks_event event = LKS_EVENT_NONE;
    const uint32_t len = op_record_len(op);
    const size_t content_at = lks_op_content_at(op);
    enum lks_status status = lks_conn_opened(s->tls, op, &event);
    if (s->tls_failed)
        return; /* it lay behind what was wrong */
    if (status) {
        w->counters.bad_records += op->status != LKS_OK;
        fail_tls(w, s);
        return;
    }
    if (event == LKS_EVENT_DEFERRED) {
        w->counters.deferred++;
        s->wanted = 0;
        session_ready(&w->sessions, s);
        return;
    }
    struct rte_mbuf *record = chain_cut(&s->in, len, w->config.sessions.port->clones);
    const bool is_data = event == LKS_EVENT_DATA || event == LKS_EVENT_EARLY_DATA;
    uint32_t kept = is_data ? op->len : 0;
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
        w->counters.handshakes_resumed += info.resumed;
        w->counters.hello_retries += info.hello_retried;
        session_connect_backend(&w->sessions, s);
    }
}

static void open_all(struct worker *w)
{
    lks_batch_reset(&w->batch);
    if (w->num_now)
        w->is_low_on_clones =
            rte_mempool_avail_count(w->config.sessions.port->clones) < CLONES_LEAST;
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
        lks_mbuf_alloc(w->config.sessions.port->tx_pool, len, stack_segment_len(s->client));
    if (chain)
        *num_spans = lks_mbuf_spans(chain, 0, len, spans, SESSION_SPANS);
    else
        session_starve(&w->sessions, s); /* acknowledgements will free buffers: feed_starved() */
    return chain;
}

_Static_assert(LKS_OWN_RECORDS_MAX *(LKS_RECORD_CIPHERTEXT_MAX + LKS_RECORD_HEADER_LEN) <=
                   SESSION_SPANS * (STACK_SEGMENT_LEN / 2),
               "all that a connection itself says at once lies in so many buffers");

/* What lks_conn_seal() and its like added to the batch, or that they could not. */
static bool add_sealed(struct worker *w, struct session *s, enum lks_status status,
                       struct rte_mbuf *chain, uint32_t num_ops)
{
    if (!status) {
        w->sealed[w->num_sealed++] = (struct sealed){s, chain, num_ops};
        return true;
    }
    rte_pktmbuf_free(chain);
    if (status == LKS_WANT_ROOM)
        session_ready(&w->sessions, s); /* the batch is full: in the next poll */
    else
        session_over(s, END_TLS_ERROR);
    return false;
}

/* The connection's own records: handshake, alerts, KeyUpdate. However many they are, they go
 * together; what TCP has no room for waits in the session. */
static bool seal_own(struct worker *w, struct session *s, uint32_t *room)
{
    struct lks_span dst[SESSION_SPANS];
    uint32_t len = (uint32_t)lks_conn_own_len(s->tls), first = w->batch.num_ops, num_dst;
    if (!len)
        return true;
    struct rte_mbuf *chain = new_chain(w, s, len, dst, &num_dst);
    if (!chain)
        return false;
    enum lks_status status = lks_conn_seal_own(s->tls, dst, num_dst, &w->batch);
    if (!add_sealed(w, s, status, chain, w->batch.num_ops - first))
        return false;
    *room -= len < *room ? len : *room;
    if (lks_conn_own_len(s->tls))
        session_ready(&w->sessions, s); /* for what comes behind these */
    return true;
}

/*
 * How much of what waits goes into the next record: a long one fills whole segments. One that finds
 * no room waits for acknowledgements, unless there are none to come: then it is as short as the
 * room. 0: not now.
 */
static uint32_t choose_record(const struct session *s, uint32_t waiting, uint32_t room)
{
    const uint32_t overhead = (uint32_t)lks_conn_record_len(s->tls, 0);
    const uint32_t whole = RECORD_SEGMENTS * stack_segment_len(s->client);
    uint32_t len = (uint32_t)lks_conn_record_max(s->tls);
    if (whole > overhead && whole - overhead < len)
        len = whole - overhead;
    len = waiting < len ? waiting : len;
    uint32_t record_len = (uint32_t)lks_conn_record_len(s->tls, len);
    if (record_len > room && (s->client_unacked || s->sealing))
        return 0;
    while (record_len > room && len) { /* a second time if what is padded went up in steps */
        len -= record_len - room < len ? record_len - room : len;
        record_len = (uint32_t)lks_conn_record_len(s->tls, len);
    }
    return len;
}

/* The spans of the next record's plaintext; a shorter one where the backend sent crumbs. */
static uint32_t plaintext_spans(const struct session *s, struct lks_span *spans, uint32_t *len)
{
    for (;; *len /= 2) {
        uint32_t num = lks_mbuf_spans(s->from_backend.head, s->sealing, *len, spans, SESSION_SPANS);
        if (num <= SESSION_SPANS)
            return num;
    }
}

static bool seal_data(struct worker *w, struct session *s, uint32_t *room)
{
    struct lks_span src[SESSION_SPANS], dst[SESSION_SPANS];
    uint32_t waiting = chain_len(&s->from_backend) - s->sealing, num_dst;
    if (!waiting || !lks_conn_can_seal(s->tls))
        return false;
    if (w->is_low) {
        session_starve(&w->sessions, s);
        return false;
    }
    uint32_t len = choose_record(s, waiting, *room);
    if (!len) {
        if (!s->client_unacked && !s->sealing)
            session_starve(&w->sessions, s);
        return false;
    }
    uint32_t num_src = plaintext_spans(s, src, &len);
    uint32_t record_len = (uint32_t)lks_conn_record_len(s->tls, len);
    struct rte_mbuf *chain = new_chain(w, s, record_len, dst, &num_dst);
    if (!chain)
        return false;
    enum lks_status status = lks_conn_seal(s->tls, src, num_src, dst, num_dst, &w->batch);
    if (!add_sealed(w, s, status, chain, 1))
        return false;
    *room -= record_len < *room ? record_len : *room;
    s->sealing += len;
    w->counters.bytes_sealed += len;
    return true;
}

/* Half of the batch is the most that one session takes while others wait. */
static void seal_session(struct worker *w, struct session *s)
{
    if (!s->client || s->is_over || s->to_client.head)
        return; /* what is sealed goes first */
    uint32_t room = flow_send_room(s->client), num = 0;
    if (!seal_own(w, s, &room))
        return;
    while (num < BATCH_OPS / 2 && seal_data(w, s, &room))
        num++;
    if (num == BATCH_OPS / 2)
        session_ready(&w->sessions, s);
    if (!session_has_said_all(s))
        return;
    lks_conn_close(s->tls);
    seal_own(w, s, &room);
}

/* Alerts are counted when TCP has taken them. */
static void note_alert(struct session *s, const struct lks_op *op)
{
    if (op->type == LKS_TYPE_ALERT && op->src->len == 2 && s->num_alerts < sizeof(s->alerts))
        s->alerts[s->num_alerts++] = op->src->data[1];
}

/* Tells the connection about each of a chain's records, and sends the chain. */
static void send_sealed(struct worker *w, const struct sealed *sealed, const struct lks_op *ops)
{
    struct session *s = sealed->session;
    enum lks_status status = LKS_OK;
    for (uint32_t i = 0; i < sealed->num_ops; i++) {
        note_alert(s, &ops[i]);
        enum lks_status one = lks_conn_sealed(s->tls, &ops[i]);
        status = status ? status : one;
    }
    if (status) {
        rte_pktmbuf_free(sealed->chain);
        session_over(s, END_TLS_ERROR);
        return;
    }
    w->counters.records_sealed += sealed->num_ops;
    session_send(s, sealed->chain);
}

static void seal_all(struct worker *w)
{
    lks_batch_reset(&w->batch);
    w->num_sealed = 0;
    if (w->num_now)
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
        /* TLS 1.2's key limit comes while records are sealed; its alert is still to be sent. */
        if (!s->is_over && lks_conn_status(s->tls))
            fail_tls(w, s);
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

/* Those that are over go, not so many at once that TCP has no room to tell their peers; one may
 * have become ready again meanwhile and is freed next time. */
static void free_over(struct worker *w)
{
    uint32_t num = 0;
    for (uint32_t i = 0; i < w->num_now; i++) {
        struct session *s = w->now[i];
        if (!s->is_over || s->is_ready)
            continue;
        if (num++ < FREED_A_POLL)
            session_free(&w->sessions, s);
        else
            session_ready(&w->sessions, s);
    }
}

/* The time is read once a poll. */
static uint32_t receive(struct worker *w)
{
    w->now_us = clock_us();
    return stack_receive(w->config.sessions.net, w->config.sessions.port, &w->turn, w->now_us);
}

static bool send_all(struct worker *w)
{
    return stack_send(w->config.sessions.net, w->config.sessions.port, w->now_us);
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
    if (w->now_us - w->last_fed_us < STARVED_US || port_is_low(w->config.sessions.port))
        return;
    w->last_fed_us = w->now_us;
    w->sessions.any_starved = false;
    for (uint32_t i = 0; i < w->config.sessions.max_sessions; i++) {
        struct session *s = &w->sessions.all[i];
        if (!s->is_starved)
            continue;
        s->is_starved = false;
        if (s->tls)
            session_ready(&w->sessions, s);
    }
}

/* A line about what was noticed, or NULL. Why TLS fails is said where it is not what was said last:
 * strangers make it fail as they like, so a line a second at most. */
static const char *news(struct worker *w)
{
    struct net_counters net;
    net_get_counters(w->config.sessions.net, &net);
    if (!w->said_no_route && net.no_route) {
        w->said_no_route = true;
        return "somebody who is not on the port's network gets no answer, since there is no "
               "--gateway of its family; tx_no_route counts the packets";
    }
    const char *line = port_news(w->config.sessions.port);
    if (!line && w->tls_failure != w->said_failure)
        line = w->said_failure = w->tls_failure;
    return line;
}

bool worker_poll(struct worker *w)
{
    sessions_take_view(&w->sessions);
    const uint32_t num_received = receive(w);
    take_ready(w);
    open_all(w);
    for (uint32_t i = 0; i < w->num_now; i++)
        session_move(&w->sessions, w->now[i]);
    seal_all(w);
    for (uint32_t i = 0; i < w->num_now; i++)
        session_move(&w->sessions, w->now[i]);
    free_over(w);
    stack_timers(w->config.sessions.net, &w->turn);
    const bool has_more = send_all(w);
    if (w->sessions.any_starved)
        feed_starved(w);
    if (w->now_us / 1000000 != w->sessions.now_s) {
        w->sessions.now_s = (uint32_t)(w->now_us / 1000000);
        sessions_second(&w->sessions);
        port_second(w->config.sessions.port);
        if (!w->to_say)
            w->to_say = news(w);
    }
    const bool was_busy = num_received || w->num_now || has_more;
    w->counters.polls++;
    w->counters.busy_polls += was_busy;
    return was_busy;
}

/* What the worker has to tell, and is asked, without waiting. */
static void mind_post(struct worker *w)
{
    struct post *post = w->config.post;
    unsigned int number;
    post_polled(post, w->counters.polls);
    if (w->to_say && post_say(post, w->to_say))
        w->to_say = NULL;
    if (post_is_asked(post, &number)) {
        worker_get_report(w, &post->report);
        post_answer(post, number);
    }
}

/* All sessions are over. */
static void free_all(struct worker *w)
{
    do {
        take_ready(w);
        free_over(w);
        for (uint32_t i = 0; i < LAST_SENDS && send_all(w); i++)
            continue;
    } while (w->counters.sessions);
}

void worker_run(struct worker *w, struct stop *stop)
{
    struct drain drain = {0};
    uint32_t num_empty = 0;
    while (!drain_is_over(&drain, stop)) {
        num_empty = worker_poll(w) ? 0 : num_empty + 1;
        if (num_empty > EMPTY_POLLS)
            wait_a_little(w);
        mind_post(w);
        drain_step(&drain, &w->sessions, stop, w->now_us);
    }
    free_all(w);
    worker_get_report(w, &w->config.post->last);
}
