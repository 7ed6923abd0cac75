/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <stdlib.h>
#include <string.h>

/* A client that has got our close_notify, or our alert, should go soon. */
#define CLOSING_TIMEOUT_S 10u

/* TCP's callbacks have one user pointer, so a session has to find the sessions it belongs to. */
static struct sessions *owner;

int sessions_init(struct sessions *all, const struct session_config *config,
                  struct counters *counters)
{
    memset(all, 0, sizeof(*all));
    all->config = *config;
    all->counters = counters;
    all->ready_end = &all->ready;
    all->all = calloc(config->max_sessions, sizeof(*all->all));
    if (!all->all)
        return -1;
    for (uint32_t i = config->max_sessions; i-- > 0;) {
        all->all[i].next = all->free_list;
        all->free_list = &all->all[i];
    }
    owner = all;
    return 0;
}

void sessions_free(struct sessions *all)
{
    for (uint32_t i = 0; i < all->config.max_sessions; i++) {
        if (!all->all[i].tls)
            continue;
        session_over(&all->all[i], END_SHUTDOWN);
        session_free(all, &all->all[i]);
    }
    free(all->all);
}

void session_ready(struct sessions *all, struct session *s)
{
    if (s->is_ready)
        return;
    s->is_ready = true;
    s->next = NULL;
    *all->ready_end = s;
    all->ready_end = &s->next;
}

void session_over(struct session *s, enum session_end why)
{
    if (s->is_over)
        return;
    s->is_over = true;
    s->end = (uint8_t)why;
    session_ready(owner, s);
}

static void touch(struct session *s)
{
    if (s->established)
        s->deadline_s = owner->now_s + owner->config.idle_timeout_s;
}

static void *on_accepted(void *user, struct flow *flow, const struct flow_addr *peer)
{
    struct sessions *all = user;
    struct session *s = all->free_list;
    (void)peer;
    all->counters->connections++;
    if (!s) {
        all->counters->refused++;
        return NULL;
    }
    struct session *next = s->next;
    memset(s, 0, sizeof(*s));
    if (lks_conn_new(&s->tls, all->config.tls, LKS_SERVER, NULL)) {
        s->next = next;
        all->counters->refused++;
        return NULL;
    }
    all->free_list = next;
    all->counters->sessions++;
    s->client = flow;
    s->deadline_s = all->now_s + all->config.handshake_timeout_s;
    return s;
}

static void on_client_bytes(void *user, struct rte_mbuf *chain)
{
    struct session *s = user;
    if (!chain_append_received(&s->in, chain)) {
        rte_pktmbuf_free(chain);
        session_over(s, END_NO_MEMORY);
        return;
    }
    touch(s);
    if (chain_len(&s->in) >= s->wanted)
        session_ready(owner, s);
}

static void on_client_fin(void *user)
{
    struct session *s = user;
    s->client_fin = true;
    session_ready(owner, s);
}

static void on_client_sent(void *user, uint32_t bytes)
{
    struct session *s = user;
    (void)bytes;
    touch(s);
    if (s->from_backend.head || s->tls_failed || s->backend_fin || lks_conn_own_len(s->tls))
        session_ready(owner, s);
}

static void on_client_ended(void *user, enum flow_end why)
{
    struct session *s = user;
    s->client = NULL;
    session_over(s, why == FLOW_END_CLOSED      ? END_CLEAN
                    : why == FLOW_END_NO_MEMORY ? END_NO_MEMORY
                                                : END_CLIENT_RESET);
}

static void on_client_connected(void *user)
{
    (void)user; /* we never connect to clients */
}

const struct flow_events session_client_events = {
    .accepted = on_accepted,
    .connected = on_client_connected,
    .received = on_client_bytes,
    .received_fin = on_client_fin,
    .sent = on_client_sent,
    .ended = on_client_ended,
};

static void on_backend_connected(void *user)
{
    struct session *s = user;
    s->backend_connected = true;
    session_ready(owner, s);
}

static void on_backend_bytes(void *user, struct rte_mbuf *chain)
{
    struct session *s = user;
    if (!chain_append_received(&s->from_backend, chain)) {
        rte_pktmbuf_free(chain);
        session_over(s, END_NO_MEMORY);
        return;
    }
    touch(s);
    session_ready(owner, s);
}

static void on_backend_fin(void *user)
{
    struct session *s = user;
    s->backend_fin = true;
    session_ready(owner, s);
}

static void on_backend_sent(void *user, uint32_t bytes)
{
    struct session *s = user;
    (void)bytes;
    touch(s);
    if (s->to_backend.head)
        session_ready(owner, s);
}

/* A backend that is not there gives the client an orderly end; one that resets in the middle of an
 * answer must not: what the client has got would pass for the whole. */
static void on_backend_ended(void *user, enum flow_end why)
{
    struct session *s = user;
    s->backend = NULL;
    if (!s->backend_connected) {
        s->orderly_end = END_BACKEND_UNREACHABLE;
        s->backend_fin = true;
        session_ready(owner, s);
    } else if (why != FLOW_END_CLOSED) {
        session_over(s, END_BACKEND_RESET);
    } else {
        session_ready(owner, s);
    }
}

static const struct flow_events backend_events = {
    .connected = on_backend_connected,
    .received = on_backend_bytes,
    .received_fin = on_backend_fin,
    .sent = on_backend_sent,
    .ended = on_backend_ended,
};

void session_connect_backend(struct sessions *all, struct session *s)
{
    s->established = true;
    touch(s);
    s->backend = flow_connect(&all->config.backend, &backend_events, s);
    if (!s->backend)
        on_backend_ended(s, FLOW_END_NO_MEMORY);
}

static void move_to_backend(struct sessions *all, struct session *s)
{
    uint32_t len = chain_len(&s->to_backend);
    if (!len || !s->backend || !s->backend_connected)
        return;
    uint32_t room = flow_send_room(s->backend);
    if (len > room)
        len = room;
    struct rte_mbuf *front = len ? chain_cut(&s->to_backend, len, all->config.port->clones) : NULL;
    if (!front)
        return;
    if (!flow_send(s->backend,
                   front)) { /* many small pieces: its queue is full before its bytes are */
        struct chain back = s->to_backend;
        s->to_backend = (struct chain){0};
        chain_append(&s->to_backend, front);
        if (back.head && chain_append(&s->to_backend, back.head))
            s->to_backend.tail = back.tail;
        return;
    }
    if (s->client)
        flow_consumed(s->client, len);
}

/* What the client has still to say goes to the backend, then FIN. */
static void end_client_direction(struct session *s)
{
    if (!lks_conn_close_received(s->tls) || s->to_backend.head || s->backend_shut)
        return;
    if (s->backend && s->backend_connected) {
        flow_shutdown(s->backend);
        s->backend_shut = true;
    }
}

/* What the backend has still to say goes to the client, then close_notify. */
static void end_backend_direction(struct sessions *all, struct session *s)
{
    if (!s->backend_fin || s->from_backend.head || !s->established)
        return;
    lks_conn_close(s->tls);
    if (s->deadline_s > all->now_s + CLOSING_TIMEOUT_S)
        s->deadline_s = all->now_s + CLOSING_TIMEOUT_S;
}

void session_move(struct sessions *all, struct session *s)
{
    if (s->is_over)
        return;
    move_to_backend(all, s);
    end_client_direction(s);
    end_backend_direction(all, s);
    bool all_sealed = !lks_conn_own_len(s->tls);
    if (s->tls_failed && all_sealed) {
        struct lks_conn_info info;
        lks_conn_get_info(s->tls, &info);
        session_over(s, info.peer_alert == 0xff ? END_TLS_ERROR : END_CLIENT_ALERT);
        return;
    }
    bool sent_close = lks_conn_close_sent(s->tls) && all_sealed;
    if (sent_close && s->client)
        flow_shutdown(s->client);
    uint32_t waiting = chain_len(&s->in);
    if (!s->client_fin || (waiting && waiting >= s->wanted))
        return; /* more may come, or is there and not looked at yet */
    if (sent_close || (lks_conn_close_received(s->tls) && s->backend_fin && !s->from_backend.head))
        session_over(s, s->orderly_end);
    else if (!lks_conn_close_received(s->tls))
        session_over(s, END_CLIENT_TRUNCATED);
}

/* Both flows end: in good order where the session did, else so that the other side notices. */
static void end_flows(struct session *s)
{
    bool cut = s->end == END_BACKEND_RESET || s->end == END_NO_MEMORY || s->end == END_SHUTDOWN;
    if (s->client && cut)
        flow_abort(s->client);
    else if (s->client)
        flow_close(s->client);
    if (s->backend && s->end == END_CLEAN)
        flow_close(s->backend);
    else if (s->backend)
        flow_abort(s->backend);
}

void session_free(struct sessions *all, struct session *s)
{
    end_flows(s);
    chain_free(&s->in);
    chain_free(&s->to_backend);
    chain_free(&s->from_backend);
    if (!s->established && s->end != END_SHUTDOWN)
        all->counters->handshake_failures++;
    lks_conn_free(s->tls);
    s->tls = NULL;
    all->counters->ended[s->end]++;
    all->counters->sessions--;
    s->next = all->free_list;
    all->free_list = s;
}

void sessions_second(struct sessions *all)
{
    for (uint32_t i = 0; i < all->config.max_sessions; i++) {
        struct session *s = &all->all[i];
        if (!s->tls || s->is_over || s->deadline_s > all->now_s)
            continue;
        if (lks_conn_close_sent(s->tls))
            session_over(s, s->orderly_end);
        else
            session_over(s, s->established ? END_IDLE_TIMEOUT : END_HANDSHAKE_TIMEOUT);
    }
}
