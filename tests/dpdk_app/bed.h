/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_DPDK_APP_BED_H
#define LKS_TESTS_DPDK_APP_BED_H

/*
 * lockstepd's worker and sessions over a double of TCP: the stack's and the port's functions
 * without a network, so that a test chooses segments, room, refusals, ends and their order, and the
 * time. Packet buffers, engine and TLS are the real ones; the client is one of ours.
 */

#include "chores.h"
#include "conn/side.h"
#include "port.h"
#include "worker.h"

#define BED_MBUFS 4095u /* in each pool */

/* What the double remembers of a flow; mss, room, refusals and holds are the test's to set. */
struct flow {
    const struct flow_events *events;
    void *user;
    uint16_t mss;
    uint32_t room;     /* bytes that may be unacknowledged */
    uint32_t refusals; /* for so many polls in which it is asked it has no room */
    uint32_t refused_in_poll;
    bool holds; /* keeps buffers until they are acknowledged, as TCP does */
    bool is_connecting, is_shut, is_closed, is_aborted;
    struct buffer sent; /* by lockstepd, not looked at yet */
    uint64_t num_sent;  /* bytes in all */
    uint32_t unacked, unconsumed;
    uint32_t num_sends, num_segments, longest_segment;
    uint64_t num_received; /* of num_sent: bytes in buffers that a port has filled */
    uint32_t sent_in_poll, shut_in_poll;
    struct rte_mbuf *held;
};

struct bed {
    struct port port;
    struct worker *worker;
    struct lks_config *server, *client;
    struct poll_loop loop; /* the client's */
    uint64_t now_us;
    uint32_t num_polls;
    struct flow *connected;   /* the last flow_connect()'s */
    bool no_connect;          /* flow_connect() fails */
    struct flow_counters tcp; /* what the doubles say that they counted */
    struct net_counters net;
    struct port_counters counted;
    const char *port_news; /* what port_news() says next */
    struct post *post;
    struct stop stop;
    struct drain drain; /* of bed_poll() */
    bool has_unlistened;
    struct chores *asks_again; /* SIGUSR1 comes while counters are gathered for another one */
    uint32_t seconds_to_run;
    uint32_t num_ended, most_ended; /* flows let go since TCP sent last, and the most */
};

extern struct bed bed;
extern uint32_t bed_max_sessions; /* as bed_start() finds it */

bool bed_eal(void); /* false: EAL does not start here */
/* suites NULL: the defaults. */
void bed_start(const char *suites);
/* Clients to come are served with this. */
void bed_serve(struct lks_config *config);
/* A newer view of what is served, for the worker to find; and those that it has given back, a list.
 */
struct view *bed_publish(void);
struct view *bed_views_back(void);
/* The backend expects a PROXY header. */
void bed_introduce(void);
/* Ends all, and checks that every buffer is back. */
void bed_stop(void);
void bed_poll(void); /* worker_poll(), and drain_step() as bed.stop has it */
/* Seconds pass, in which nothing comes. */
void bed_wait(uint32_t seconds);
/* worker_run(), a second a poll; all sessions are ended afterwards. */
void bed_run(uint32_t seconds);
/* worker_run() that is to stop at once; nobody answers meanwhile. */
void bed_end_sessions(void);
struct report bed_report(void);
/* Polls a hundred times and returns how many had work: 0 is a session that waits for TCP. */
uint32_t bed_busy_polls(void);
/* Takes all buffers of a pool, and gives them back. */
struct rte_mbuf **bed_hoard(struct rte_mempool *pool, unsigned int leave, unsigned int *num);
void bed_unhoard(struct rte_mbuf **all, unsigned int num);

/* What the other end of a flow does. Bytes come in segments of seg_len. */
void flow_says(struct flow *f, const void *data, size_t len, uint16_t seg_len);
void flow_says_fin(struct flow *f);
void flow_ends(struct flow *f, enum flow_end why);
void flow_acks(struct flow *f, uint32_t bytes); /* at most so many */
void flow_connects(struct flow *f);

/* A client and its backend. */
struct peer {
    struct side tls;
    struct flow *client, *backend;
    bool is_mute; /* its TCP acknowledges nothing by itself */
    bool is_deaf; /* and the backend's */
};

void peer_start(struct peer *p, const struct lks_conn_options *options);
void peer_free(struct peer *p);
/* Carries what the client's TLS has said to lockstepd, as TCP segments. */
void peer_speaks(struct peer *p);
/* One poll, with what came before and what follows of it. Returns whether anything moved. */
bool peer_turn(struct peer *p);
/* Until nothing moves any more. */
void peer_run(struct peer *p);
/* Handshake, and a backend that is connected. */
void peer_establish(struct peer *p, const struct lks_conn_options *options);
/* len bytes that a test knows again. */
const uint8_t *pattern(size_t len);
bool is_pattern(const struct buffer *b, size_t len);

const struct lks_test *move_tests(void);
const struct lks_test *end_tests(void);
const struct lks_test *drain_tests(void);
const struct lks_test *counter_tests(void);

#endif
