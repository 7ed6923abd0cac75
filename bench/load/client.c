/* SPDX-License-Identifier: BSD-3-Clause */

/* A client's connection: what TCP tells of it, what it is to do next, and how it ends. */

#include <string.h>

#include <lockstep/conn.h>

#include "clock.h"
#include "load.h"

#define CLOSING_US 2000000u /* for the server's answer to our close_notify */
#define REST_US    100000u  /* after a failure, lest a server that refuses all is stormed */

void client_ready(struct load *l, struct client *c)
{
    if (c->is_ready)
        return;
    c->is_ready = true;
    c->next_ready = NULL;
    *l->ready_end = c;
    l->ready_end = &c->next_ready;
}

void client_starve(struct load *l, struct client *c)
{
    c->is_starved = l->any_starved = true;
}

/* It ends with this turn. */
static void over(struct client *c)
{
    c->is_over = true;
    client_ready(c->load, c);
}

static void close_now(struct client *c)
{
    struct load *l = c->load;
    if (c->state == CLIENT_IDLE)
        TAILQ_REMOVE(&l->idle, c, list);
    c->state = CLIENT_CLOSING;
    c->until_us = l->now_us + CLOSING_US;
    if (c->tls)
        lks_conn_close(c->tls);
    client_ready(l, c);
}

/* ---- operations ---- */

static void operation_begins(struct load *l, struct client *c, uint64_t due_ns)
{
    c->has_operation = true;
    c->due_ns = due_ns;
    l->counts.begun++;
    l->all_begun++;
    l->outstanding++;
}

static void operation_done(struct load *l, struct client *c)
{
    const uint64_t now_ns = clock_ns();
    c->has_operation = false;
    l->outstanding--;
    l->done_ns = now_ns;
    if (l->is_over)
        l->counts.late++;
    else
        l->counts.done++;
    histogram_add(&l->counts.operation, now_ns > c->due_ns ? now_ns - c->due_ns : 0);
}

static void ask(struct load *l, struct client *c)
{
    c->state = CLIENT_ASKING;
    c->asked = 0;
    c->until_us = l->now_us + l->config.timeout_us;
    http_begin(&c->answer, l->config.is_head ? HTTP_ANSWER_TO_HEAD : HTTP_ANSWER);
    client_ready(l, c);
}

void client_begin(struct load *l, struct client *c, uint64_t due_ns)
{
    TAILQ_REMOVE(&l->idle, c, list);
    operation_begins(l, c, due_ns);
    ask(l, c);
}

static void be_idle(struct load *l, struct client *c)
{
    c->state = CLIENT_IDLE;
    TAILQ_INSERT_TAIL(&l->idle, c, list);
}

static void answered(struct load *l, struct client *c)
{
    const bool is_sent = c->asked == l->config.head_len + l->config.body_len;
    l->counts.statuses[c->answer.status]++;
    l->counts.body_bytes += c->answer.body_len;
    operation_done(l, c);
    c->num_asked++;
    if (c->answer.keeps && is_sent && c->num_asked < l->config.per_connection &&
        !lks_conn_close_received(c->tls))
        be_idle(l, c);
    else
        close_now(c);
}

void client_hear(struct load *l, struct client *c, const uint8_t *data, size_t len)
{
    size_t taken;
    if (!len || c->has_failed)
        return;
    if (c->state == CLIENT_CLOSING) /* who sends on does not know yet */
        return;
    if (c->state != CLIENT_ASKING) {
        client_fail(l, c, LOAD_HTTP, "bytes came that no request had asked for");
        return;
    }
    const enum http_result result = http_read(&c->answer, data, len, &taken);
    if (result == HTTP_BAD)
        client_fail(l, c, LOAD_HTTP, c->answer.wrong);
    else if (result == HTTP_DONE && taken < len)
        client_fail(l, c, LOAD_HTTP, "the answer is longer than it says");
    else if (result == HTTP_DONE)
        answered(l, c);
}

void client_established(struct load *l, struct client *c)
{
    struct lks_conn_info info;
    const uint64_t now_ns = clock_ns(), took_ns = now_ns - c->begun_ns;
    lks_conn_get_info(c->tls, &info);
    counts_handshake(&l->counts, &info, l->is_over);
    histogram_add(info.resumed ? &l->counts.resumed_handshake : &l->counts.full_handshake, took_ns);
    if (l->config.per_connection && *info.alpn && strncmp(info.alpn, "http/1.", 7) != 0) {
        client_fail(l, c, LOAD_HTTP, "ALPN chose a protocol that is not HTTP/1.1");
    } else if (!l->config.per_connection) {
        operation_done(l, c);
        close_now(c);
    } else if (c->has_operation) {
        c->due_ns = l->config.rate ? c->due_ns : now_ns; /* of a closed loop: now */
        ask(l, c);
    } else {
        be_idle(l, c);
    }
}

/* ---- how it ends ---- */

void client_end(struct load *l, struct client *c)
{
    (void)l;
    if (c->state != CLIENT_CLOSING)
        close_now(c);
}

/* Connections that nobody waits for any more fail in silence. */
void client_fail(struct load *l, struct client *c, enum load_error error, const char *why)
{
    if (c->has_failed)
        return;
    c->has_failed = true;
    if (c->has_operation || !l->is_over)
        counts_error(&l->counts, error, why);
    if (c->has_operation) {
        c->has_operation = false;
        l->counts.failed++;
        l->outstanding--;
        l->done_ns = clock_ns();
    }
    close_now(c);
}

void client_fail_tls(struct load *l, struct client *c)
{
    struct lks_conn_info info;
    lks_conn_get_info(c->tls, &info);
    if (info.peer_alert != 0xff)
        client_fail(l, c, LOAD_ALERT,
                    lks_status_name((enum lks_status)(LKS_ALERT_BASE + info.peer_alert)));
    else
        client_fail(l, c, LOAD_TLS, lks_conn_reason(c->tls));
}

void client_late(struct load *l, struct client *c)
{
    if (c->state == CLIENT_CONNECTING)
        client_fail(l, c, LOAD_TIMEOUT, "TCP did not connect in time");
    else if (c->state == CLIENT_SHAKING)
        client_fail(l, c, LOAD_TIMEOUT, "the handshake was not done in time");
    else if (c->state == CLIENT_ASKING)
        client_fail(l, c, LOAD_TIMEOUT, "the answer was not whole in time");
    over(c);
}

/* No more comes: FIN, RST, or close_notify. */
static void input_ends(struct load *l, struct client *c)
{
    const bool is_told = lks_conn_close_received(c->tls);
    switch (c->state) {
    case CLIENT_ASKING:
        if (is_told && http_end(&c->answer) == HTTP_DONE)
            answered(l, c);
        else if (c->is_lost)
            client_fail(l, c, LOAD_RESET, "the server reset the connection within an answer");
        else
            client_fail(l, c, LOAD_CUT,
                        is_told ? "close_notify came before the answer was whole"
                                : "the server ended TCP before the answer was whole");
        break;
    case CLIENT_IDLE:
        l->counts.closed_idle++;
        close_now(c);
        break;
    default: /* the handshake */
        client_fail(l, c, c->is_lost ? LOAD_RESET : LOAD_CUT,
                    c->is_lost ? "the server reset the connection within the handshake"
                               : "the server ended the connection within the handshake");
    }
}

static void judge(struct load *l, struct client *c)
{
    const uint32_t waiting = chain_len(&c->in);
    const bool is_told = lks_conn_close_received(c->tls);
    if (!c->has_failed && waiting && waiting >= c->wanted)
        return; /* not looked at yet */
    if (c->state != CLIENT_CLOSING && c->state != CLIENT_CONNECTING && (c->fin || is_told))
        input_ends(l, c);
    if (c->state == CLIENT_CLOSING &&
        (!c->flow || (c->shut && (c->fin || is_told || c->has_failed))))
        over(c);
}

/* Gives what is sealed to TCP, as far as it has room. */
static void move_out(struct load *l, struct client *c)
{
    while (c->flow && c->out.head) {
        const uint32_t room = flow_send_room(c->flow);
        const uint32_t len = chain_len(&c->out) < room ? chain_len(&c->out) : room;
        struct rte_mbuf *front = len ? chain_cut(&c->out, len, l->config.port->clones) : NULL;
        if (!front) {
            if (!c->unacked)
                client_starve(l, c);
            return;
        }
        flow_send(c->flow, front);
        c->unacked += len;
    }
}

void client_move(struct load *l, struct client *c)
{
    if (c->is_over || !c->tls)
        return;
    move_out(l, c);
    if (c->has_failed) /* nobody reads it */
        chain_free(&c->in);
    if (c->state == CLIENT_CLOSING && c->flow && !c->shut && !c->out.head &&
        !lks_conn_own_len(c->tls) && (c->has_failed || lks_conn_close_sent(c->tls))) {
        flow_shutdown(c->flow);
        c->shut = true;
    }
    judge(l, c);
}

void client_release(struct load *l, struct client *c)
{
    const bool rests = c->has_failed;
    if (!rests)
        tickets_put(&l->tickets, c->tls);
    if (c->flow && c->shut)
        flow_close(c->flow);
    else if (c->flow)
        flow_abort(c->flow);
    chain_free(&c->in);
    chain_free(&c->out);
    lks_conn_free(c->tls);
    l->num_open--;
    *c = (struct client){.load = l, .state = rests ? CLIENT_RESTING : CLIENT_FREE};
    c->until_us = l->now_us + REST_US;
    if (rests)
        TAILQ_INSERT_TAIL(&l->resting, c, list);
    else
        TAILQ_INSERT_TAIL(&l->free, c, list);
}

/* ---- what TCP tells ---- */

static void on_connected(void *user)
{
    struct client *c = user;
    const uint64_t now_ns = clock_ns();
    c->load->counts.connected++;
    histogram_add(&c->load->counts.connect, now_ns - c->begun_ns);
    c->begun_ns = now_ns;
    c->state = CLIENT_SHAKING;
    client_ready(c->load, c);
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    struct client *c = user;
    const uint32_t len = chain->pkt_len;
    if (c->has_failed || !chain_append_received(&c->in, chain)) {
        rte_pktmbuf_free(chain);
        flow_consumed(c->flow, len);
        client_fail(c->load, c, LOAD_OWN, "what came lies in too many buffers");
        return;
    }
    if (chain_len(&c->in) >= c->wanted)
        client_ready(c->load, c);
}

static void on_fin(void *user)
{
    struct client *c = user;
    c->fin = true;
    client_ready(c->load, c);
}

static void on_sent(void *user, uint32_t bytes)
{
    struct client *c = user;
    c->unacked -= bytes < c->unacked ? bytes : c->unacked;
    if (c->out.head || c->state == CLIENT_ASKING || c->state == CLIENT_CLOSING)
        client_ready(c->load, c);
}

/* Whether that is an error shows when what has come is opened: judge(). */
static void on_ended(void *user, enum flow_end why)
{
    struct client *c = user;
    c->flow = NULL;
    c->fin = true;
    c->is_lost = why != FLOW_END_CLOSED;
    chain_free(&c->out);
    if (why == FLOW_END_NO_MEMORY)
        client_fail(c->load, c, LOAD_OWN, "TCP took the connection's buffers for others");
    else if (why == FLOW_END_REFUSED)
        client_fail(c->load, c, LOAD_REFUSED, "nobody listens there");
    else if (c->state == CLIENT_CONNECTING)
        client_fail(c->load, c, LOAD_UNREACHABLE, "no answer, or no way there");
    client_ready(c->load, c);
}

static const struct flow_events events = {
    .connected = on_connected,
    .received = on_received,
    .received_fin = on_fin,
    .sent = on_sent,
    .ended = on_ended,
    .unread_least = FLOW_UNREAD_RECORD,
};

/* A session for so many of a hundred connections, evenly. */
static struct ticket *choose_ticket(struct load *l)
{
    l->resume_sum += l->config.resume_percent;
    if (l->resume_sum < 100)
        return NULL;
    l->resume_sum -= 100;
    return tickets_take(&l->tickets);
}

/* NULL: no memory. */
static struct lks_conn *new_tls(struct load *l)
{
    struct lks_conn *tls = NULL;
    struct ticket *ticket = choose_ticket(l);
    const struct lks_conn_options options = {.server_name = l->config.server_name,
                                             .session = ticket ? ticket->bytes : NULL,
                                             .session_len = ticket ? ticket->len : 0};
    if (lks_conn_new(&tls, l->config.tls, LKS_CLIENT, &options))
        tls = NULL;
    l->counts.offered += ticket && tls;
    if (ticket)
        tickets_wipe(ticket);
    return tls;
}

void client_connect(struct load *l, struct client *c, bool has_operation, uint64_t due_ns)
{
    TAILQ_REMOVE(&l->free, c, list);
    const struct net_ip *from = &l->config.sources[l->next_source++ % l->config.num_sources];
    *c = (struct client){.load = l, .state = CLIENT_CONNECTING};
    c->until_us = l->now_us + l->config.timeout_us;
    if (has_operation)
        operation_begins(l, c, due_ns);
    l->num_open++;
    l->counts.connections++;
    c->begun_ns = clock_ns();
    c->tls = new_tls(l);
    if (c->tls)
        c->flow = flow_connect(l->config.net, &l->config.target, from, &events, c);
    if (c->flow) {
        lks_conn_set_user(c->tls, c);
        return;
    }
    client_fail(l, c, LOAD_OWN,
                c->tls ? "no port, no place or no way for another connection"
                       : "no memory for another connection");
    over(c);
}
