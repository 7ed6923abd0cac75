/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_LOAD_H
#define LOCKSTEP_LOAD_LOAD_H

/*
 * The generator: many clients on one lcore, whose records are sealed and opened together, as
 * lockstepd does it. An operation is a request and its answer, or where a connection makes none the
 * connection up to the end of its handshake. In a closed loop a client begins its next one when it
 * has done the last; in an open loop operations are due at a rate, whatever the server does, and
 * wait for a client that is free.
 */

#include <signal.h>
#include <sys/queue.h>

#include <lockstep/conn.h>

#include "chain.h"
#include "counts.h"
#include "http.h"
#include "port.h"
#include "schedule.h"
#include "stack.h"
#include "tickets.h"

#define LOAD_BATCH_OPS   256u
#define LOAD_BATCH_SPANS 8192u
#define LOAD_SPANS       1024u /* of one client's bytes that one look covers */
#define LOAD_ALL         UINT64_MAX

enum client_state {
    CLIENT_FREE,       /* in load.free */
    CLIENT_RESTING,    /* in load.resting: its connection has failed, the next may wait */
    CLIENT_CONNECTING, /* TCP */
    CLIENT_SHAKING,    /* TLS */
    CLIENT_IDLE,       /* in load.idle */
    CLIENT_ASKING,     /* until the answer is whole */
    CLIENT_CLOSING,    /* our close_notify or alert is to go, then what the server does */
};

struct load;

struct client {
    TAILQ_ENTRY(client) list; /* as its state says */
    struct client *next_ready;
    struct load *load;
    struct lks_conn *tls;
    struct flow *flow;  /* NULL: it is gone */
    struct chain in;    /* records, or parts of them */
    struct chain out;   /* records that TCP has no room for yet */
    uint64_t begun_ns;  /* the connection, then the handshake */
    uint64_t due_ns;    /* the operation */
    uint64_t until_us;  /* its time limit, or the end of its rest */
    uint64_t num_asked; /* requests on this connection */
    uint64_t asked;     /* bytes of the request that are sealed, or in the batch */
    uint32_t wanted;    /* bytes in `in` that make looking at it worthwhile */
    uint32_t unacked;   /* bytes that TCP has; acknowledgements will come */
    uint8_t state;      /* enum client_state */
    bool has_operation; /* that was begun, and is neither done nor failed */
    bool has_failed;    /* what still comes is nobody's */
    bool is_ready, is_over, is_starved;
    bool fin, shut; /* no more will come; FIN was given to TCP */
    bool is_lost;   /* by RST or silence, not in good order */
    struct http_reader answer;
};

TAILQ_HEAD(client_list, client);

struct load_config {
    struct lks_config *tls;
    const struct port *port;
    struct net *net;
    struct net_addr target;
    const struct net_ip *sources; /* addresses of ours, taken in turn */
    uint32_t num_sources;
    const char *server_name;
    const char *head; /* of each request */
    uint32_t head_len;
    uint64_t body_len; /* bytes behind it */
    bool is_head;      /* answers have no body */
    uint32_t num_clients;
    uint64_t per_connection;     /* requests: 0: none, LOAD_ALL: as many as the server likes */
    uint32_t resume_percent;     /* of connections that offer a session, once there is one */
    uint64_t rate;               /* operations a second; 0: a closed loop */
    bool is_poisson;             /* they come at random */
    uint64_t max_operations;     /* LOAD_ALL: no limit */
    uint64_t warmup_ns, time_ns; /* counted is what comes behind the first, for the second */
    uint64_t timeout_us;         /* of an operation, and of a connection's beginning */
};

/* What is to be sent, once the seal batch has run. */
struct load_sealed {
    struct client *client;
    struct rte_mbuf *chain;
    uint32_t num_ops;
};

struct load {
    struct load_config config;
    struct client *clients;
    struct client_list free, resting, idle;
    struct client *ready, **ready_end; /* in the order in which they became so */
    struct client **now;               /* those of this poll; they may become ready meanwhile */
    uint32_t num_now;
    uint32_t num_open; /* clients with a connection */
    uint32_t next_source;
    uint32_t resume_sum; /* of percents: a session is due when it is 100 */
    uint64_t outstanding;
    uint64_t all_begun; /* operations, those of the warm-up included */
    struct schedule schedule;
    struct tickets tickets;
    struct counts counts;
    bool is_warm; /* what comes now counts */
    bool is_over; /* its time: nothing new is begun */
    bool any_starved;
    bool is_low; /* on buffers to send with */
    uint64_t now_us, fed_us, looked_us;
    uint64_t start_ns, end_ns; /* of what is counted */
    uint64_t start_cycles, end_cycles;
    uint64_t done_ns; /* when the last operation was */
    struct lks_engine *engine;
    struct lks_batch batch;
    struct load_sealed sealed[LOAD_BATCH_OPS];
    uint32_t num_sealed;
    struct lks_op ops[LOAD_BATCH_OPS];
    struct lks_span spans[LOAD_BATCH_SPANS];
};

/* NULL: *error says why. Nothing begins before load_start(). */
struct load *load_new(const struct load_config *config, char *error, unsigned int error_len);
void load_free(struct load *l); /* NULL: nothing */
void load_start(struct load *l);

/* One turn: what came was received before, what is to go is sent after. Returns whether there was
 * anything to do. */
bool load_turn(struct load *l, uint64_t now_us);
/* The cycles of a whole poll, and whether it had work. */
void load_count_poll(struct load *l, uint64_t cycles, bool was_busy);
/* Begins nothing more. */
void load_stop(struct load *l);
/* Whether all operations have ended, and all connections. */
bool load_is_done(const struct load *l);

/* ---- client.c: between TCP and the batches ---- */

/* Asks load_turn() to look at a client in this turn or the next. */
void client_ready(struct load *l, struct client *c);
/* The same, once there may be buffers again. */
void client_starve(struct load *l, struct client *c);
/* Connects one that is free. has_operation: with an operation that is due since then. */
void client_connect(struct load *l, struct client *c, bool has_operation, uint64_t due_ns);
/* An operation of one that is idle. */
void client_begin(struct load *l, struct client *c, uint64_t due_ns);
void client_established(struct load *l, struct client *c);
/* len bytes of the answer. */
void client_hear(struct load *l, struct client *c, const uint8_t *data, size_t len);
/* What fails, and why; it has failed already: nothing. */
void client_fail(struct load *l, struct client *c, enum load_error error, const char *why);
/* TLS says that it is over. */
void client_fail_tls(struct load *l, struct client *c);
/* The connection is to end in good order. */
void client_end(struct load *l, struct client *c);
/* Gives TCP what is sealed, and finds out whether it is over. */
void client_move(struct load *l, struct client *c);
/* Its time is up. */
void client_late(struct load *l, struct client *c);
/* Frees what it has. */
void client_release(struct load *l, struct client *c);

#endif
