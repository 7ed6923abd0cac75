/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_SESSION_H
#define LOCKSTEPD_SESSION_H

/*
 * One client's TLS connection and the plaintext connection to a backend that belongs to it. What
 * comes from the client waits in `in` until it is opened, then in `to_backend`; what comes from the
 * backend waits in `from_backend` until it is sealed, then in `to_client` until TCP takes it. TCP's
 * windows stay closed by as much as waits, so each side is held back by the other. Which of the two
 * directions an end ends is a table in docs/ARCHITECTURE.md, "How a session ends".
 */

#include <lockstep/conn.h>

#include "chain.h"
#include "counters.h"
#include "port.h"
#include "snapshot.h"
#include "stack.h"

struct session {
    struct lks_conn *tls;             /* NULL: this session is free */
    struct sessions *all;             /* that it is one of: TCP's callbacks have but one user */
    struct view *view;                /* that it began with */
    const struct snapshot_site *site; /* whose it is; the client's hello may change it */
    struct net_addr client_addr, local_addr;
    uint32_t server; /* of the view's snapshot; VIEW_NO_SERVER: none yet */
    uint64_t tried;  /* a bit for each server of the site's pool that gave no connection */
    struct flow *client, *backend;
    struct chain in;                          /* records, or parts of them */
    struct chain to_backend;                  /* plaintext */
    struct chain from_backend;                /* plaintext */
    struct chain to_client;                   /* records that TCP has no room for yet */
    uint32_t sealing;                         /* of from_backend: how much the seal batch has */
    uint32_t client_unacked, backend_unacked; /* bytes that TCP has; acknowledgements will come */
    uint32_t deadline_s;                      /* when it has idled too long */
    uint32_t drain_until_s;                   /* 0: nothing of it is thrown away yet */
    uint32_t wanted;                          /* bytes in `in` that make looking at it worthwhile */
    uint8_t end;                              /* enum session_end, once is_over */
    uint8_t orderly_end;                      /* what it will be if nothing fails: END_CLEAN is 0 */
    uint8_t client_end;                       /* once the client's flow is gone */
    uint8_t cut_end; /* once the answer was cut: END_BACKEND_RESET, END_NO_MEMORY, END_SHUTDOWN */
    uint8_t alerts[2], num_alerts; /* descriptions of those in to_client */
    bool is_ready;                 /* in the worker's list of sessions to look at */
    bool is_over;                  /* to be freed at the end of this poll */
    bool is_starved;               /* waits for buffers */
    bool established, tls_failed;
    bool client_fin;  /* no more will come from it */
    bool client_shut; /* all that it gets has been given to TCP, and FIN */
    bool backend_connected, backend_fin, backend_shut;
    struct session *next; /* ready, or free */
};

struct session_config {
    struct view_slot *slot; /* where views come from, the first one being there, and go to */
    struct port *port;
    struct net *net;
    uint32_t max_sessions;
};

/* All sessions of this worker. */
struct sessions {
    struct session_config config;
    struct view *view; /* for new ones */
    struct session *all, *free_list;
    struct session *ready, **ready_end; /* in the order they became so */
    struct counters *counters;
    bool any_starved;
    uint32_t now_s;
};

/* 0, or -1: no memory, and no view is taken. */
int sessions_init(struct sessions *all, const struct session_config *config,
                  struct counters *counters);
/* Between two polls: takes a newer view, if there is one, for the sessions to come. */
void sessions_take_view(struct sessions *all);
/* Has all of them end in good order, as far as they are not about to. */
void sessions_dismiss(struct sessions *all);
/* The same at once: the worker frees them. */
void sessions_end(struct sessions *all);
/* Frees what sessions_init() made, and gives the view back. */
void sessions_free(struct sessions *all);

/* For flow_listen(); its user is struct sessions. */
extern const struct flow_events session_client_events;

/* Asks the worker to look at a session in the next poll (or this one, if it comes before). */
void session_ready(struct sessions *all, struct session *s);

/* The same, once there may be buffers again: what a session does that found none. */
void session_starve(struct sessions *all, struct session *s);

/* Ends a session at the end of this poll. */
void session_over(struct session *s, enum session_end why);

/* The TLS connection has failed: what it still has to say, an alert, goes, and nothing else. */
void session_fail_tls(struct session *s);

/* Connects to the backend once the handshake is done. */
void session_connect_backend(struct sessions *all, struct session *s);

/* Whether what comes from the client has nowhere to go. */
bool session_is_deaf(const struct session *s);

/* Whether the last that the client is to hear has been sealed or is being so: close_notify is next.
 */
bool session_has_said_all(const struct session *s);

/* Takes sealed records, to be sent by session_move(). */
void session_send(struct session *s, struct rte_mbuf *records);

/* Moves what can be moved between the queues and TCP, and ends directions that are done. */
void session_move(struct sessions *all, struct session *s);

/* Frees a session that is over. */
void session_free(struct sessions *all, struct session *s);

/* Once a second: those that have idled too long. */
void sessions_second(struct sessions *all);

#endif
