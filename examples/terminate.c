/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * TLS terminated on mbufs: what a poll loop does between your own TCP and your own service. All
 * connections' records are opened with one call, where they lie in the mbufs that they came in, and
 * the plaintext goes on in these; answers are sealed with another call, into fresh mbufs that are
 * laid out as TCP segments. The kernel's sockets stand in for your TCP, and the service sends back
 * what it is asked:
 *
 *     terminate --no-huge --no-pci --no-shconf -m 64 -- PORT CERT KEY
 *     curl https://localhost:PORT/
 *
 * It listens on 127.0.0.1; with PORT 0 on any that is free, and says which. SIGTERM ends it.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <lockstep/conn.h>
#include <lockstep/dpdk.h>

#define CONNS_MAX 64 /* more wait in the listener's queue */
#define SEG_LEN   1448
#define CHAIN_MAX 40000 /* bytes of each kind, beyond which a connection waits */
#define SPANS_MAX 96    /* of a chain: LKS_OWN_RECORDS_MAX of the longest records lie in fewer */
#define OPEN_MAX  8     /* records of one connection in a burst, to open */
#define SEAL_MAX  (LKS_OWN_RECORDS_MAX + 3)
#define NUM_MBUFS (CONNS_MAX * 4 * SPANS_MAX / 2) /* for all, whatever they do */
#define SILENCE_S 30
#define GOODBYE_S 5

struct conn {
    int fd;
    struct lks_conn *tls;
    struct rte_mbuf *in;    /* as it came */
    struct rte_mbuf *plain; /* the service's answer */
    struct rte_mbuf *out;   /* records */
    time_t deadline;
    bool has_head;        /* the answer's is in plain */
    bool said_all;        /* the service */
    bool failed;          /* what still comes is thrown away */
    bool fin_sent, ended; /* TCP's ends, ours and theirs */
};

static struct conn conns[CONNS_MAX];
static unsigned int num_conns;
static struct rte_mempool *pool, *clones;
static struct lks_config *config;
static struct lks_engine *engine;
static struct lks_op open_ops[CONNS_MAX * OPEN_MAX], seal_ops[CONNS_MAX * SEAL_MAX];
static struct lks_span open_spans[CONNS_MAX * SPANS_MAX], seal_spans[CONNS_MAX * 2 * SPANS_MAX];
static struct lks_batch opening = {
    .ops = open_ops, .spans = open_spans, .max_spans = CONNS_MAX * SPANS_MAX};
static struct lks_batch sealing = {.ops = seal_ops,
                                   .spans = seal_spans,
                                   .max_ops = CONNS_MAX * SEAL_MAX,
                                   .max_spans = CONNS_MAX * 2 * SPANS_MAX};
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void must(bool ok, const char *what, const char *why)
{
    if (ok)
        return;
    fprintf(stderr, "terminate: %s: %s\n", what, why);
    exit(1);
}

static uint32_t chain_len(const struct rte_mbuf *chain)
{
    return chain ? rte_pktmbuf_pkt_len(chain) : 0;
}

static void append(struct rte_mbuf **chain, struct rte_mbuf *m)
{
    if (!*chain)
        *chain = m;
    else
        must(rte_pktmbuf_chain(*chain, m) == 0, "a chain", "too long"); /* CHAIN_MAX is far less */
}

static void drop_front(struct rte_mbuf **chain, uint32_t len)
{
    *chain = lks_mbuf_trim(*chain, len, chain_len(*chain) - len);
}

static void free_chain(struct rte_mbuf **chain)
{
    rte_pktmbuf_free(*chain);
    *chain = NULL;
}

static void fail(struct conn *c, enum lks_status status)
{
    if (!c->failed)
        fprintf(stderr, "connection %d: %s: %s\n", c->fd, lks_status_name(status),
                lks_conn_reason(c->tls));
    c->failed = true;
    free_chain(&c->plain);
}

/* --- TCP's stand-in --- */

/* Into the last mbuf while it has room, so that crumbs do not take one each. */
static void receive(struct conn *c)
{
    while (!c->ended && chain_len(c->in) < CHAIN_MAX) {
        struct rte_mbuf *m = c->in ? rte_pktmbuf_lastseg(c->in) : NULL;
        const bool is_new = !m || !rte_pktmbuf_tailroom(m);
        if (is_new && !(m = rte_pktmbuf_alloc(pool)))
            return; /* when others have gone */
        ssize_t n = recv(c->fd, rte_pktmbuf_mtod_offset(m, void *, m->data_len),
                         rte_pktmbuf_tailroom(m), 0);
        if (n > 0)
            rte_pktmbuf_append(is_new ? m : c->in, (uint16_t)n);
        if (n > 0 && is_new)
            append(&c->in, m);
        else if (is_new)
            rte_pktmbuf_free(m);
        if (n <= 0) {
            c->ended = n == 0 || (errno != EAGAIN && errno != EINTR);
            return;
        }
    }
}

static void transmit(struct conn *c)
{
    struct iovec parts[SPANS_MAX];
    struct msghdr message = {.msg_iov = parts};
    for (const struct rte_mbuf *m = c->out; m && message.msg_iovlen < SPANS_MAX; m = m->next)
        parts[message.msg_iovlen++] = (struct iovec){rte_pktmbuf_mtod(m, void *), m->data_len};
    ssize_t n = c->out ? sendmsg(c->fd, &message, MSG_NOSIGNAL) : 0;
    if (n > 0) {
        c->deadline = time(NULL) + SILENCE_S;
        drop_front(&c->out, (uint32_t)n);
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        free_chain(&c->out); /* nobody is there */
        c->ended = c->fin_sent = true;
    }
}

/* --- the service: it answers with what it is asked, mbufs and all --- */

static void serve(struct conn *c, struct rte_mbuf *asked)
{
    static const char head[] = "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n";
    char bytes[4];
    if (!c->has_head) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        if (!m) {
            rte_pktmbuf_free(asked);
            fail(c, LKS_NO_MEMORY);
            return;
        }
        memcpy(rte_pktmbuf_append(m, sizeof(head) - 1), head, sizeof(head) - 1);
        append(&c->plain, m);
        c->has_head = true;
    }
    append(&c->plain, asked);
    const char *last = rte_pktmbuf_read(c->plain, chain_len(c->plain) - 4, 4, bytes);
    c->said_all |= memcmp(last, "\r\n\r\n", 4) == 0;
}

/* --- TLS --- */

/* Shows a connection what has come; records become ops of the batch that all share. */
static void add_records(struct conn *c)
{
    struct lks_span in[SPANS_MAX];
    size_t taken = 0;
    const uint32_t first_op = opening.num_ops;
    if (c->failed)
        free_chain(&c->in);
    if (!c->in || (c->plain && (chain_len(c->plain) > CHAIN_MAX || c->plain->nb_segs > SPANS_MAX)))
        return;
    uint32_t num = lks_mbuf_spans(c->in, 0, chain_len(c->in), in, SPANS_MAX);
    opening.max_ops = first_op + OPEN_MAX; /* so that one with many leaves room for the others */
    enum lks_status status =
        lks_conn_open(c->tls, in, num < SPANS_MAX ? num : SPANS_MAX, &opening, &taken, NULL);
    /* What was dealt with at once came before the records that are in ops now. */
    for (uint32_t i = first_op; i < opening.num_ops; i++)
        for (uint32_t k = 0; k < opening.ops[i].num_src; k++)
            taken -= opening.ops[i].src[k].len;
    if (taken)
        drop_front(&c->in, (uint32_t)taken);
    if (status != LKS_OK && status != LKS_WANT_DATA && status != LKS_WANT_ROOM &&
        status != LKS_CLOSED)
        fail(c, status);
}

static struct conn *conn_of(const struct lks_op *op)
{
    for (struct conn *c = conns;; c++)
        if (c->tls == op->user)
            return c;
}

/* A record has been opened: it leaves the chain, and what it carried goes on in the same mbufs. */
static void act(const struct lks_op *op)
{
    struct conn *c = conn_of(op);
    struct rte_mbuf *record;
    enum lks_event event;
    uint32_t record_len = 0;
    const uint32_t content_at = (uint32_t)lks_op_content_at(op);
    for (uint32_t k = 0; k < op->num_src; k++)
        record_len += (uint32_t)op->src[k].len;
    enum lks_status status = lks_conn_opened(c->tls, op, &event);
    if (status == LKS_OK && event == LKS_EVENT_DEFERRED)
        return; /* it stays where it is, for the next turn */
    if (status == LKS_OK && !c->failed)
        status = lks_mbuf_cut(&c->in, record_len, clones, &record);
    if (status != LKS_OK || c->failed)
        fail(c, status);
    else if (event == LKS_EVENT_DATA && !c->said_all)
        serve(c, lks_mbuf_trim(record, content_at, op->len));
    else
        rte_pktmbuf_free(record);
    c->said_all |= event == LKS_EVENT_CLOSED;
}

/* Room for len bytes of records behind what is to be sent, as spans. 0: none now. */
static uint32_t make_room(struct conn *c, size_t len, struct lks_span *room,
                          struct rte_mbuf **fresh)
{
    if (!len || chain_len(c->out) > CHAIN_MAX)
        return 0;
    *fresh = lks_mbuf_alloc(pool, (uint32_t)len, SEG_LEN);
    return *fresh ? lks_mbuf_spans(*fresh, 0, (uint32_t)len, room, SPANS_MAX) : 0;
}

/* What the connection itself has to say, handshake and alerts, goes first; then a record's worth of
 * the answer, of which sealed_len says how much. */
static void add_answers(struct conn *c, uint32_t *sealed_len)
{
    struct lks_span from[SPANS_MAX], room[SPANS_MAX];
    struct rte_mbuf *fresh;
    *sealed_len = 0;
    const size_t own_len = lks_conn_own_len(c->tls);
    uint32_t num = make_room(c, own_len, room, &fresh);
    if (num && lks_conn_seal_own(c->tls, room, num, &sealing) == LKS_OK)
        append(&c->out, fresh);
    else if (num)
        rte_pktmbuf_free(fresh);
    uint32_t len = chain_len(c->plain);
    if (!len && c->said_all)
        lks_conn_close(c->tls); /* close_notify goes in the next turn */
    if (!len || !lks_conn_can_seal(c->tls))
        return;
    const size_t max = lks_conn_record_max(c->tls);
    len = len < max ? len : (uint32_t)max;
    uint32_t num_from = lks_mbuf_spans(c->plain, 0, len, from, SPANS_MAX);
    if (num_from > SPANS_MAX) { /* many small ones: as much as lies in so many */
        num_from = SPANS_MAX;
        len = 0;
        for (uint32_t i = 0; i < SPANS_MAX; i++)
            len += (uint32_t)from[i].len;
    }
    num = make_room(c, lks_conn_record_len(c->tls, len), room, &fresh);
    if (num && lks_conn_seal(c->tls, from, num_from, room, num, &sealing) == LKS_OK) {
        append(&c->out, fresh);
        *sealed_len = len;
    } else if (num) {
        rte_pktmbuf_free(fresh);
    }
}

/* One burst of records for all connections, in each direction. */
static void turn_tls(void)
{
    static uint32_t sealed_len[CONNS_MAX];
    lks_batch_reset(&opening);
    for (unsigned int i = 0; i < num_conns; i++)
        add_records(&conns[i]);
    lks_engine_process(engine, opening.ops, opening.num_ops);
    for (uint32_t i = 0; i < opening.num_ops; i++)
        act(&opening.ops[i]);

    lks_batch_reset(&sealing);
    for (unsigned int i = 0; i < num_conns; i++)
        add_answers(&conns[i], &sealed_len[i]);
    lks_engine_process(engine, sealing.ops, sealing.num_ops);
    for (uint32_t i = 0; i < sealing.num_ops; i++) {
        struct conn *c = conn_of(&sealing.ops[i]);
        enum lks_status status = lks_conn_sealed(c->tls, &sealing.ops[i]);
        if (status != LKS_OK) { /* what is in out may be in the clear */
            free_chain(&c->out);
            fail(c, status);
        }
    }
    for (unsigned int i = 0; i < num_conns; i++)
        if (sealed_len[i] && conns[i].plain)
            drop_front(&conns[i].plain, sealed_len[i]);
}

/* --- connections come and go --- */

static void accept_one(int listener)
{
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct conn *c = &conns[num_conns];
    if (fd < 0)
        return;
    memset(c, 0, sizeof(*c));
    c->fd = fd;
    c->deadline = time(NULL) + SILENCE_S;
    if (lks_conn_new(&c->tls, config, LKS_SERVER, NULL) == LKS_OK)
        num_conns++;
    else
        close(fd);
}

static void drop(unsigned int i)
{
    struct conn *c = &conns[i];
    lks_conn_free(c->tls); /* no op of its own is under way between two turns */
    free_chain(&c->in);
    free_chain(&c->plain);
    free_chain(&c->out);
    close(c->fd);
    *c = conns[--num_conns];
}

/* Our end of TCP, behind close_notify or an alert; and whether there is nothing more to come. */
static bool is_over(struct conn *c)
{
    const bool has_more = c->out || lks_conn_own_len(c->tls) || (c->plain && !c->failed);
    if (!has_more && !c->fin_sent && (c->failed || lks_conn_close_sent(c->tls))) {
        shutdown(c->fd, SHUT_WR);
        c->fin_sent = true;
        c->deadline = time(NULL) + GOODBYE_S;
    }
    return (c->ended && !has_more) || c->deadline <= time(NULL);
}

static int listen_on(const char *port)
{
    const int on = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
             !bind(fd, (struct sockaddr *)&addr, sizeof(addr)) && !listen(fd, 128) &&
             !getsockname(fd, (struct sockaddr *)&addr, &len),
         "cannot listen", strerror(errno));
    printf("port %u\n", ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

/* Until a socket can go on, or this time is over. Your own TCP needs none of this. */
static void wait_for_sockets(int listener, int ms)
{
    struct pollfd polled[CONNS_MAX + 1];
    for (unsigned int i = 0; i < num_conns; i++) {
        const struct conn *c = &conns[i];
        const bool wants_in = !c->ended && chain_len(c->in) < CHAIN_MAX;
        polled[i] =
            (struct pollfd){c->fd, (short)((wants_in ? POLLIN : 0) | (c->out ? POLLOUT : 0)), 0};
        if (!polled[i].events)
            polled[i].fd = -1; /* lest the peer's reset is told again and again */
    }
    polled[num_conns] = (struct pollfd){num_conns < CONNS_MAX ? listener : -1, POLLIN, 0};
    poll(polled, num_conns + 1, ms);
    if (polled[num_conns].revents)
        accept_one(listener);
}

static void begin(char **args)
{
    struct lks_error err;
    struct lks_policy *policy;
    struct lks_identities *identities;
    struct lks_memory *memory;
    pool = rte_pktmbuf_pool_create("packets", NUM_MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                   SOCKET_ID_ANY);
    clones = rte_pktmbuf_pool_create("clones", NUM_MBUFS, 0, 0, 0, SOCKET_ID_ANY);
    must(pool && clones, "cannot begin", "no memory for packets");
    must(!lks_policy_new(&policy) && !lks_identities_new(&identities) && !lks_memory_new(&memory) &&
             !lks_engine_new(&engine, CONNS_MAX * SEAL_MAX),
         "cannot begin", "no memory");
    must(!lks_identities_add_certificate(identities, lks_from_file(args[1]), lks_from_file(args[2]),
                                         &err),
         "certificate", err.text);
    must(!lks_config_new(&config, policy, identities, memory, &err), "cannot begin", err.text);
    lks_policy_free(policy);
    lks_identities_free(identities);
    lks_memory_free(memory);
}

int main(int argc, char **argv)
{
    const struct sigaction on_stop = {.sa_handler = on_signal};
    const int num_eal = rte_eal_init(argc, argv);
    must(num_eal >= 0, "EAL", "see above");
    must(argc - num_eal == 4, "usage", "terminate EAL-OPTIONS -- PORT CERT KEY");
    begin(argv + num_eal + 1);
    sigaction(SIGTERM, &on_stop, NULL);
    sigaction(SIGINT, &on_stop, NULL);
    const int listener = listen_on(argv[num_eal + 1]);
    for (bool moves = false; !stopped;) {
        wait_for_sockets(listener, moves ? 0 : 1000);
        for (unsigned int i = 0; i < num_conns; i++)
            receive(&conns[i]);
        turn_tls();
        moves = opening.num_ops || sealing.num_ops;
        for (unsigned int i = num_conns; i-- > 0;) {
            transmit(&conns[i]);
            if (is_over(&conns[i]))
                drop(i);
        }
    }
    while (num_conns)
        drop(0);
    lks_engine_free(engine);
    lks_config_free(config);
    close(listener);
    rte_eal_cleanup();
    return 0;
}
