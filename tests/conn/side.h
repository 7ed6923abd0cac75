/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_CONN_SIDE_H
#define LKS_TESTS_CONN_SIDE_H

/*
 * Lockstep's side of connections in tests, without sockets: wire bytes go in and out of buffers,
 * and all connections of a poll share one open and one seal batch. How bytes are cut (into spans,
 * records and deliveries) and how large the batches are is the test's to choose.
 */

#include <lockstep/conn.h>

#include "configs.h"

struct buffer {
    uint8_t *data;
    size_t len, cap;
};

void buffer_add(struct buffer *b, const void *data, size_t len);
void buffer_drop(struct buffer *b, size_t len); /* from the front */
void buffer_free(struct buffer *b);

struct side {
    struct lks_conn *conn;
    struct buffer wire_in; /* from the peer, not taken yet */
    size_t delivered;      /* so much of wire_in has "arrived"; SIZE_MAX: all */
    struct buffer wire_out;
    struct buffer received, to_send; /* application data */
    struct buffer received_early;
    size_t sent_early;   /* for who sends early data to note */
    size_t record_max;   /* of application data to send in one record; 0: random */
    enum lks_status end; /* LKS_OK while the connection lives */
    bool established, closed;
    bool peer_certificate; /* the peer showed one */
    uint32_t num_deferred;
    uint32_t num_empty;               /* records of application data that came without any */
    uint8_t session[LKS_SESSION_MAX]; /* the last one that came */
    size_t session_len;
};

struct poll_loop {
    struct lks_engine *engine;
    struct lks_batch open, seal;
    size_t span_max;   /* longest span that input is cut into; 0: one span */
    uint64_t random;   /* state */
    uint32_t num_ops;  /* processed so far, and */
    uint32_t max_fill; /* the most in one open batch */
};

void loop_init(struct poll_loop *loop, uint32_t max_ops, uint32_t max_spans);
void loop_free(struct poll_loop *loop);

void side_init(struct side *s, struct lks_config *config); /* a server */
void side_init_as(struct side *s, struct lks_config *config, enum lks_role role,
                  const struct lks_conn_options *options);
void side_free(struct side *s);

/* Two sides that talk to each other. */
struct loopback {
    struct poll_loop loop;
    struct side client, server;
};
/* The configurations stay the caller's. */
void loopback_init(struct loopback *l, struct lks_config *client, struct lks_config *server,
                   const struct lks_conn_options *options);
void loopback_free(struct loopback *l);
/* Carries what each side has sent to the other, and lets both have a turn in shared batches. */
bool loopback_turn(struct loopback *l);
/* Until nothing moves any more. */
void loopback_run(struct loopback *l);
/* A handshake with these options and a session (len 0: none) whose place the next one takes. answer
 * gives what callbacks still wait for, if anything; NULL: nobody is asked. Whether it was resumed.
 */
bool loopback_visit(struct lks_config *client, struct lks_config *server,
                    const struct lks_conn_options *options, uint8_t *session, size_t *len,
                    bool (*answer)(struct loopback *l));

/* One turn: opens what arrived, acts, seals what is to go, all of it in one batch each. Returns
 * whether anything happened. */
bool loop_poll(struct poll_loop *loop, struct side **sides, uint32_t num_sides);

#endif
