/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "proxy.h"

/* Silence after which it is over: of a client that has all, or of a backend that takes the rest. */
#define CLOSING_TIMEOUT_S 10u

/* A client that goes on sending what nobody takes is listened to for a while, since a reset of ours
 * would overtake the answer: so long in silence, and so long in all. */
#define DRAIN_SILENCE_S 5u
#define DRAIN_MAX_S     30u

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
    all->view = atomic_exchange(&config->slot->newer, NULL);
    for (uint32_t i = config->max_sessions; i-- > 0;) {
        all->all[i].next = all->free_list;
        all->free_list = &all->all[i];
    }
    return 0;
}

/* A session has a view no more. */
static void leave_view(struct sessions *all, struct session *s)
{
    view_leave(s->view, s->server);
    if (!--s->view->num_sessions && s->view != all->view)
        view_done(all->config.slot, s->view);
}

void sessions_take_view(struct sessions *all)
{
    if (!atomic_load_explicit(&all->config.slot->newer, memory_order_relaxed))
        return;
    struct view *before = all->view;
    all->view = atomic_exchange(&all->config.slot->newer, NULL);
    if (!before->num_sessions)
        view_done(all->config.slot, before);
}

void sessions_end(struct sessions *all)
{
    for (uint32_t i = 0; i < all->config.max_sessions; i++) {
        if (all->all[i].tls)
            session_over(&all->all[i], END_SHUTDOWN);
    }
}

void sessions_free(struct sessions *all)
{
    if (all->all)
        view_done(all->config.slot, all->view);
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

void session_starve(struct sessions *all, struct session *s)
{
    s->is_starved = all->any_starved = true;
}

void session_over(struct session *s, enum session_end why)
{
    if (s->is_over)
        return;
    s->is_over = true;
    s->end = (uint8_t)why;
    session_ready(s->all, s);
}

bool session_is_deaf(const struct session *s)
{
    return s->tls_failed || (s->established && !s->backend);
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Something moved: the time to be idle begins anew. */
static void touch(struct session *s)
{
    const uint32_t now_s = s->all->now_s, idle_s = s->view->snapshot->idle_timeout_s;
    if (s->client_shut && session_is_deaf(s)) {
        if (!s->drain_until_s)
            s->drain_until_s = now_s + DRAIN_MAX_S;
        s->deadline_s = at_most(now_s + at_most(DRAIN_SILENCE_S, idle_s), s->drain_until_s);
    } else if (s->established) {
        const bool ends = s->client_shut || !s->client || s->cut_end;
        s->deadline_s = now_s + (ends ? at_most(CLOSING_TIMEOUT_S, idle_s) : idle_s);
    }
}

/* Throws away what nobody takes: the window stays open. */
static void discard(struct chain *c, struct flow *from)
{
    const uint32_t len = chain_len(c);
    chain_free(c);
    if (from && len)
        flow_consumed(from, len);
}

/* The backend takes no more. */
static void lose_backend(struct session *s)
{
    s->backend = NULL;
    discard(&s->in, s->client);
    discard(&s->to_backend, s->client);
    s->wanted = 0;
    touch(s);
    session_ready(s->all, s);
}

void session_fail_tls(struct session *s)
{
    if (s->tls_failed)
        return;
    s->tls_failed = true;
    discard(&s->from_backend, s->backend);
    if (s->backend)
        flow_abort(s->backend);
    lose_backend(s);
}

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    struct sessions *all = user;
    const struct snapshot *snapshot = all->view->snapshot;
    const struct snapshot_frontend *frontend = snapshot_frontend(snapshot, local);
    struct session *s = all->free_list;
    all->counters->connections++;
    if (!s || !frontend) {
        all->counters->refused++;
        return NULL;
    }
    struct session *next = s->next;
    memset(s, 0, sizeof(*s));
    s->site = &frontend->sites[0];
    if (lks_conn_new(&s->tls, s->site->tls, LKS_SERVER, NULL)) {
        s->next = next;
        all->counters->refused++;
        return NULL;
    }
    lks_conn_set_user(s->tls, &s->site);
    all->free_list = next;
    all->counters->sessions++;
    s->all = all;
    s->view = all->view;
    s->view->num_sessions++;
    s->server = VIEW_NO_SERVER;
    s->client_addr = *peer;
    s->local_addr = *local;
    s->client = flow;
    s->deadline_s = all->now_s + snapshot->handshake_timeout_s;
    return s;
}

static void on_client_bytes(void *user, struct rte_mbuf *chain)
{
    struct session *s = user;
    if (session_is_deaf(s)) {
        struct chain lost = {chain, NULL};
        discard(&lost, s->client);
        if (s->client_shut) /* until then it has an answer to read, and that is what counts */
            touch(s);
        return;
    }
    if (!chain_append_received(&s->in, chain)) {
        rte_pktmbuf_free(chain);
        session_over(s, END_NO_MEMORY);
        return;
    }
    touch(s);
    if (chain_len(&s->in) >= s->wanted)
        session_ready(s->all, s);
}

static void on_client_fin(void *user)
{
    struct session *s = user;
    s->client_fin = true;
    session_ready(s->all, s);
}

static void on_client_sent(void *user, uint32_t bytes)
{
    struct session *s = user;
    s->client_unacked -= at_most(bytes, s->client_unacked);
    touch(s);
    if (s->from_backend.head || s->to_client.head || s->cut_end || s->tls_failed ||
        s->backend_fin || lks_conn_own_len(s->tls))
        session_ready(s->all, s);
}

/* Whether that is the end shows when what has come is opened: session_move(). */
static void on_client_ended(void *user, enum flow_end why)
{
    struct session *s = user;
    s->client = NULL;
    s->client_fin = true;
    s->client_end = why == FLOW_END_CLOSED      ? s->orderly_end
                    : why == FLOW_END_NO_MEMORY ? END_NO_MEMORY
                                                : END_CLIENT_RESET;
    chain_free(&s->to_client);
    discard(&s->from_backend, s->backend);
    touch(s);
    session_ready(s->all, s);
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
    .unread_least = FLOW_UNREAD_RECORD,
};

/* What its pool's servers want to hear first. It is as a window of ours alone would have it: the
 * client's has no part in it. */
static void introduce(struct session *s)
{
    uint8_t header[PROXY_HEADER_MAX];
    if (s->view->snapshot->pools[s->site->pool].proxy_protocol == PROXY_OFF)
        return;
    const uint16_t len = (uint16_t)proxy_header(header, &s->client_addr, &s->local_addr);
    struct rte_mbuf *m = rte_pktmbuf_alloc(s->all->config.port->tx_pool);
    char *to = m ? rte_pktmbuf_append(m, len) : NULL;
    if (!to || flow_send_room(s->backend) < len) {
        rte_pktmbuf_free(m);
        session_over(s, END_NO_MEMORY);
        return;
    }
    memcpy(to, header, len);
    flow_send(s->backend, m);
    s->backend_unacked += len;
}

static void on_backend_connected(void *user)
{
    struct session *s = user;
    s->backend_connected = true;
    introduce(s);
    session_ready(s->all, s);
}

static void on_backend_bytes(void *user, struct rte_mbuf *chain)
{
    struct session *s = user;
    if (!s->client) {
        struct chain lost = {chain, NULL};
        discard(&lost, s->backend);
        return;
    }
    if (!chain_append_received(&s->from_backend, chain)) {
        rte_pktmbuf_free(chain);
        session_over(s, END_NO_MEMORY);
        return;
    }
    touch(s);
    session_ready(s->all, s);
}

static void on_backend_fin(void *user)
{
    struct session *s = user;
    s->backend_fin = true;
    session_ready(s->all, s);
}

static void on_backend_sent(void *user, uint32_t bytes)
{
    struct session *s = user;
    s->backend_unacked -= at_most(bytes, s->backend_unacked);
    touch(s);
    if (s->to_backend.head)
        session_ready(s->all, s);
}

static bool connect_server(struct sessions *all, struct session *s);

/* A server that gave no connection is out; others of its pool are tried as often as that has it. */
static bool try_another(struct sessions *all, struct session *s)
{
    const struct snapshot_pool *pool = &s->view->snapshot->pools[s->site->pool];
    const bool is_tried = s->server != VIEW_NO_SERVER;
    if (is_tried)
        s->tried |= UINT64_C(1) << (s->server - pool->first);
    view_leave(s->view, s->server);
    s->server = VIEW_NO_SERVER;
    if (!is_tried || (uint32_t)__builtin_popcountll(s->tried) > pool->retries)
        return false;
    return connect_server(all, s);
}

/* A backend that is not there gives the client an orderly end, and so does one that has said all
 * and then takes no more. One that resets in the middle of an answer must not: what the client has
 * got would pass for the whole. */
static void on_backend_ended(void *user, enum flow_end why)
{
    struct session *s = user;
    const enum session_end memory = why == FLOW_END_NO_MEMORY ? END_NO_MEMORY : END_CLEAN;
    if (!s->backend_connected && !memory && try_another(s->all, s))
        return;
    if (!s->backend_connected) {
        s->orderly_end = (uint8_t)(memory ? memory : END_BACKEND_UNREACHABLE);
        s->backend_fin = true;
    } else if (!s->backend_fin) {
        s->cut_end = (uint8_t)(memory ? memory : END_BACKEND_RESET);
    }
    lose_backend(s);
}

static const struct flow_events backend_events = {
    .connected = on_backend_connected,
    .received = on_backend_bytes,
    .received_fin = on_backend_fin,
    .sent = on_backend_sent,
    .ended = on_backend_ended,
};

/* false: no server is left, no memory, or no way there. */
static bool connect_server(struct sessions *all, struct session *s)
{
    s->server = view_choose(s->view, s->site->pool, &s->client_addr.ip, s->tried);
    if (s->server == VIEW_NO_SERVER)
        return false;
    const struct net_addr *addr = &s->view->snapshot->servers[s->server].addr;
    s->backend = flow_connect(all->config.net, addr, NULL, &backend_events, s);
    return s->backend;
}

void session_connect_backend(struct sessions *all, struct session *s)
{
    s->established = true;
    touch(s);
    if (!connect_server(all, s))
        on_backend_ended(s, FLOW_END_NO_MEMORY);
}

/* Gives a queue to TCP as far as it has room. What does not fit waits for acknowledgements, or
 * where none are to come, for better times. Returns how many bytes it took. */
static uint32_t send_queue(struct sessions *all, struct session *s, struct chain *queue,
                           struct flow *to, uint32_t *unacked)
{
    uint32_t sent = 0;
    while (queue->head) {
        const uint32_t len = at_most(chain_len(queue), flow_send_room(to));
        struct rte_mbuf *front = len ? chain_cut(queue, len, all->config.port->clones) : NULL;
        if (!front) {
            if (!*unacked)
                session_starve(all, s);
            break;
        }
        flow_send(to, front);
        *unacked += len;
        sent += len;
    }
    return sent;
}

static void move_to_backend(struct sessions *all, struct session *s)
{
    if (!s->backend || !s->backend_connected)
        return;
    uint32_t len = send_queue(all, s, &s->to_backend, s->backend, &s->backend_unacked);
    if (len && s->client)
        flow_consumed(s->client, len);
}

static void move_to_client(struct sessions *all, struct session *s)
{
    if (!s->client)
        return;
    send_queue(all, s, &s->to_client, s->client, &s->client_unacked);
    if (s->to_client.head)
        return;
    while (s->num_alerts)
        all->counters->alerts_sent[s->alerts[--s->num_alerts]]++;
}

void session_send(struct session *s, struct rte_mbuf *records)
{
    if (s->client && chain_append(&s->to_client, records))
        return;
    rte_pktmbuf_free(records);
    session_over(s, END_NO_MEMORY);
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

bool session_has_said_all(const struct session *s)
{
    if (!s->established) /* a client that went before there was a handshake to speak of */
        return lks_conn_close_received(s->tls);
    return s->backend_fin && chain_len(&s->from_backend) == s->sealing;
}

/* What the backend has still to say goes to the client, then close_notify or our alert, then FIN.
 */
static void end_backend_direction(struct session *s)
{
    if (!s->client || s->client_shut || s->to_client.head || lks_conn_own_len(s->tls) ||
        !lks_conn_close_sent(s->tls))
        return;
    flow_shutdown(s->client);
    s->client_shut = true;
    touch(s);
}

static void end_failed(struct session *s)
{
    struct lks_conn_info info;
    lks_conn_get_info(s->tls, &info);
    if (info.peer_alert != 0xff)
        session_over(s, END_CLIENT_ALERT);
    else if (!s->client || (s->client_shut && s->client_fin))
        session_over(s, END_TLS_ERROR);
}

/* Ends the session where both directions are done, or one cannot go on that the other needs. */
static void end_session(struct session *s)
{
    const uint32_t waiting = chain_len(&s->in);
    const bool said_all = lks_conn_close_received(s->tls);
    const bool passed_on = session_is_deaf(s) || !s->established || s->backend_shut;
    if (s->tls_failed) {
        end_failed(s);
    } else if (waiting && waiting >= s->wanted) {
        return; /* not looked at yet */
    } else if (!s->client) {
        if (!said_all || passed_on)
            session_over(s, s->client_end);
    } else if (s->cut_end) { /* what there is of the answer goes first */
        if (!s->from_backend.head && !s->to_client.head && !s->client_unacked)
            session_over(s, s->cut_end);
    } else if (s->client_shut) {
        if (said_all ? passed_on : s->client_fin)
            session_over(s, s->orderly_end);
    } else if (s->client_fin && !said_all && !s->backend_fin) {
        session_over(s, END_CLIENT_TRUNCATED);
    }
}

void session_move(struct sessions *all, struct session *s)
{
    if (s->is_over)
        return;
    move_to_backend(all, s);
    move_to_client(all, s);
    end_client_direction(s);
    end_backend_direction(s);
    end_session(s);
}

/* lockstepd stops. What there is of an answer goes without close_notify, since it is not the whole.
 */
static void dismiss(struct session *s)
{
    if (!s->client || s->tls_failed || s->backend_fin || s->cut_end)
        return; /* it ends anyway */
    if (!s->established) {
        session_over(s, END_SHUTDOWN);
        return;
    }
    if (s->from_backend.head || s->to_client.head) {
        s->cut_end = END_SHUTDOWN;
    } else {
        s->orderly_end = END_SHUTDOWN;
        s->backend_fin = true;
    }
    if (s->backend)
        flow_abort(s->backend);
    lose_backend(s);
}

void sessions_dismiss(struct sessions *all)
{
    for (uint32_t i = 0; i < all->config.max_sessions; i++)
        if (all->all[i].tls && !all->all[i].is_over)
            dismiss(&all->all[i]);
}

/* Whether there is something of an answer that has not arrived. */
static bool has_more(const struct session *s)
{
    return s->established && (s->from_backend.head || s->to_client.head || s->client_unacked);
}

/* Both flows end: in good order where the direction did, else so that the other side notices. */
static void end_flows(struct session *s)
{
    const bool stops = s->end == END_SHUTDOWN;
    const bool cut = s->end == END_BACKEND_RESET || s->end == END_NO_MEMORY;
    if (s->client && ((stops && has_more(s)) || (cut && !s->client_shut)))
        flow_abort(s->client);
    else if (s->client)
        flow_close(s->client);
    if (s->backend && s->backend_shut && !stops)
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
    chain_free(&s->to_client);
    if (!s->established && s->end != END_SHUTDOWN)
        all->counters->handshake_failures++;
    lks_conn_free(s->tls);
    s->tls = NULL;
    leave_view(all, s);
    all->counters->ended[s->end]++;
    all->counters->sessions--;
    s->next = all->free_list;
    all->free_list = s;
}

/* What a session ends as that has had its time. */
static enum session_end late_end(const struct session *s)
{
    if (s->tls_failed)
        return END_TLS_ERROR;
    if (!s->client)
        return s->client_end;
    if (s->cut_end)
        return s->cut_end;
    if (s->client_shut && !s->client_unacked)
        return s->orderly_end;
    return s->established ? END_IDLE_TIMEOUT : END_HANDSHAKE_TIMEOUT;
}

void sessions_second(struct sessions *all)
{
    for (uint32_t i = 0; i < all->config.max_sessions; i++) {
        struct session *s = &all->all[i];
        if (s->tls && !s->is_over && s->deadline_s <= all->now_s)
            session_over(s, late_end(s));
    }
}
