/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_SESSION_H
#define LOCKSTEPD_SESSION_H

/*
 * One client's TLS connection and the plaintext connection to a backend that belongs to it. What
 * comes from the client waits in `in` until it is opened, then in `to_backend`; what comes from the
 * backend waits in `from_backend` until it is sealed. TCP's windows stay closed by as much as
 * waits, so each side is held back by the other.
 */

#include <lockstep/conn.h>

#include "chain.h"
#include "counters.h"
#include "port.h"
#include "tcp.h"

struct session {
    struct lks_conn *tls; /* NULL: this session is free */
    struct flow *client, *backend;
    struct chain in;           /* records, or parts of them */
    struct chain to_backend;   /* plaintext */
    struct chain from_backend; /* plaintext */
    uint32_t sealing;          /* of from_backend: how much the seal batch has */
    uint32_t deadline_s;       /* when it has idled too long */
    uint32_t wanted;           /* bytes in `in` that make looking at it worthwhile */
    uint8_t end;               /* enum session_end, once is_over */
    uint8_t orderly_end;       /* what it will be if nothing fails: END_CLEAN is 0 */
    bool is_ready;             /* in the worker's list of sessions to look at */
    bool is_over;              /* to be freed at the end of this poll */
    bool established, backend_connected, tls_failed;
    bool client_fin, backend_fin, backend_shut;
    bool is_starved;      /* found no buffers to seal into */
    struct session *next; /* ready, or free */
};

struct session_config {
    struct lks_config *tls;
    struct port *port;
    struct flow_addr backend;
    uint32_t max_sessions;
    uint32_t handshake_timeout_s, idle_timeout_s;
};

/* All sessions of this worker. */
struct sessions {
    struct session_config config;
    struct session *all, *free_list;
    struct session *ready, **ready_end; /* in the order they became so */
    struct counters *counters;
    uint32_t now_s;
};

/* 0, or -1: no memory. */
int sessions_init(struct sessions *all, const struct session_config *config,
                  struct counters *counters);
/* Ends all of them, and frees what sessions_init() made. */
void sessions_free(struct sessions *all);

/* For flow_listen(); its user is struct sessions. */
extern const struct flow_events session_client_events;

/* Asks the worker to look at a session in the next poll (or this one, if it comes before). */
void session_ready(struct sessions *all, struct session *s);

/* Ends a session at the end of this poll. */
void session_over(struct session *s, enum session_end why);

/* Connects to the backend once the handshake is done. */
void session_connect_backend(struct sessions *all, struct session *s);

/* Moves what can be moved between the queues and TCP, and ends directions that are done. */
void session_move(struct sessions *all, struct session *s);

/* Frees a session that is over. */
void session_free(struct sessions *all, struct session *s);

/* Once a second: those that have idled too long. */
void sessions_second(struct sessions *all);

#endif
