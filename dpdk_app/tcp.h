/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_TCP_H
#define LOCKSTEPD_TCP_H

/*
 * TCP as lockstepd sees it: connections that hand over received bytes as mbufs, uncopied, and take
 * mbufs to send, which they keep until the peer has acknowledged them. Whatever stack is behind it
 * (lwIP, tcp_lwip.c) stays behind it. One stack a process; all calls and callbacks on one lcore.
 */

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;
struct tcp_conn;

struct tcp_addr {
    uint32_t ip_be; /* IPv4, network order */
    uint16_t port;  /* host order */
};

enum tcp_end {
    TCP_END_RESET,       /* the peer sent RST */
    TCP_END_TIMEOUT,     /* retransmissions were not answered */
    TCP_END_REFUSED,     /* connect: RST to our SYN */
    TCP_END_UNREACHABLE, /* connect: no answer to ARP or SYN */
    TCP_END_NO_MEMORY,
};

/* Called from tcp_input() and tcp_timers() only. In none of them may the connection be freed by
 * other means than tcp_close() and tcp_abort(). */
struct tcp_events {
    /* A listener got a connection. Return the connection's user pointer, NULL to refuse it. */
    void *(*accepted)(void *listener_user, struct tcp_conn *conn, const struct tcp_addr *peer);
    void (*connected)(void *user);
    /* In-order bytes, trimmed to the payload; the chain is the callee's. The window stays closed by
     * as many bytes until tcp_consumed(). */
    void (*received)(void *user, struct rte_mbuf *chain);
    /* The peer's FIN, after its last byte. */
    void (*received_fin)(void *user);
    /* bytes more were acknowledged: room to send. */
    void (*sent)(void *user, uint32_t bytes);
    /* The connection is gone and its handle invalid. Not called after tcp_close() or tcp_abort().
     */
    void (*ended)(void *user, enum tcp_end why);
};

struct tcp_config {
    uint16_t port_id, queue_id;
    uint32_t ip_be, netmask_be, gateway_be; /* gateway 0: none */
    uint16_t mtu;
    uint32_t max_conns;
    struct rte_mempool *pool; /* for packets to send */
};

struct tcp_counters {
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
    uint64_t rx_dropped; /* malformed, not for us, or no memory */
    uint64_t tx_queued;  /* packets that waited because the port was full: never dropped */
    uint64_t retransmits;
    uint32_t conns; /* now */
};

/* 0, or -1 with one line in error. */
int tcp_init(const struct tcp_config *config, char *error, unsigned int error_len);
int tcp_listen(const struct tcp_addr *addr, const struct tcp_events *events, void *listener_user,
               char *error, unsigned int error_len);
void tcp_unlisten_all(void);

/* Starts to connect; `connected` or `ended` follows, never from within. NULL: no memory. */
struct tcp_conn *tcp_connect(const struct tcp_addr *to, const struct tcp_events *events,
                             void *user);

/* Hands received packets to the stack, which takes all of them (ARP, ICMP and TCP; it answers the
 * first two itself). */
void tcp_input(struct rte_mbuf **packets, uint16_t num_packets);

/* Bytes that tcp_send() takes now without growing past the connection's send queue limit. */
uint32_t tcp_send_room(const struct tcp_conn *conn);

/* Queues a chain (any number of segments, pkt_len at most tcp_send_room()); it now belongs to the
 * connection and is freed when acknowledged. Nothing is sent before tcp_flush(). false: no memory,
 * the chain is still the caller's. */
bool tcp_send(struct tcp_conn *conn, struct rte_mbuf *chain);

/* bytes of those received have been dealt with: opens the window again. */
void tcp_consumed(struct tcp_conn *conn, uint32_t bytes);

/* FIN behind all that is queued; receiving goes on. */
void tcp_shutdown(struct tcp_conn *conn);

/* Ends our interest: FIN if not yet sent, then the stack finishes by itself; bytes that still come
 * in are answered as RFC 9293 asks. The handle is invalid afterwards. */
void tcp_close(struct tcp_conn *conn);

/* RST. The handle is invalid afterwards. */
void tcp_abort(struct tcp_conn *conn);

/* Largest payload of one segment to this peer. */
uint16_t tcp_mss(const struct tcp_conn *conn);

/* Builds packets of all that may be sent now and puts them on the port. */
void tcp_flush(void);

/* Runs what is due; call once a poll. Returns microseconds until the next timer. */
uint32_t tcp_timers(void);

void tcp_get_counters(struct tcp_counters *counters);

#endif
