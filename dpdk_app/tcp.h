/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_TCP_H
#define LOCKSTEPD_TCP_H

/*
 * TCP as lockstepd sees it: connections that hand over received bytes as mbufs, uncopied, and take
 * mbufs to send, which they keep until the peer has acknowledged them. Whatever stack is behind it
 * (lwIP, tcp_lwip.c) stays behind it. A connection is called a flow here, since lwIP's names are
 * taken. One stack a process; all calls and callbacks on one lcore.
 */

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct port;
struct flow;

struct flow_addr {
    uint32_t ip_be; /* IPv4, network order */
    uint16_t port;  /* host order */
};

enum flow_end {
    FLOW_END_RESET,       /* the peer sent RST */
    FLOW_END_TIMEOUT,     /* retransmissions were not answered */
    FLOW_END_REFUSED,     /* connect: RST to our SYN */
    FLOW_END_UNREACHABLE, /* connect: no answer to ARP or SYN */
    FLOW_END_NO_MEMORY,   /* received bytes were lost for want of buffers, or it held too many */
    FLOW_END_CLOSED,      /* both directions are finished */
    FLOW_NUM_ENDS,
};

/* Called from flow_input() and flow_timers() only; flow_close() and flow_abort() may be called in
 * them. */
struct flow_events {
    /* A listener got a connection. Return the connection's user pointer, NULL to refuse it. */
    void *(*accepted)(void *listener_user, struct flow *flow, const struct flow_addr *peer);
    void (*connected)(void *user);
    /* In-order bytes, trimmed to the payload; the chain is the callee's. The window stays closed by
     * as many bytes until flow_consumed(). */
    void (*received)(void *user, struct rte_mbuf *chain);
    /* The peer's FIN, after its last byte. */
    void (*received_fin)(void *user);
    /* bytes more were acknowledged: room to send. */
    void (*sent)(void *user, uint32_t bytes);
    /* The connection is gone and its handle invalid. Not called after flow_close() or flow_abort().
     */
    void (*ended)(void *user, enum flow_end why);
};

struct flow_config {
    struct port *port;                      /* started */
    uint32_t ip_be, netmask_be, gateway_be; /* gateway 0: none */
    uint32_t max_flows; /* that have users; those closed have places of their own */
};

struct flow_counters {
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
    uint64_t rx_dropped;  /* malformed, not for us, or no memory */
    uint64_t rx_cut;      /* longer than the port's buffers */
    uint64_t tx_waited;   /* packets that waited because the port was full */
    uint64_t tx_dropped;  /* packets that the port did not take */
    uint64_t tx_too_long; /* packets longer than the port's MTU */
    uint64_t tx_no_route; /* packets to who is not on the port's network, without a gateway */
    uint64_t retransmits;
    uint64_t ended_for_buffers; /* flows reset because buffers ran short and they held most */
    uint64_t ended_detached;  /* flows reset whose users had gone, and whose peers did not finish */
    uint32_t flows, detached; /* now */
};

/* Less than this is not believed of a peer's MSS. */
#define FLOW_MIN_MSS 216u

/* The room of a flow that has nothing queued, at least: a record, and one under way. */
#define FLOW_MIN_ROOM (32u * 1024u)

/* 0, or -1 with one line in error. */
int flow_init(const struct flow_config *config, char *error, unsigned int error_len);
int flow_listen(const struct flow_addr *addr, const struct flow_events *events, void *listener_user,
                char *error, unsigned int error_len);
void flow_unlisten_all(void);

/* Starts to connect; `connected` or `ended` follows, never from within. NULL: no memory. */
struct flow *flow_connect(const struct flow_addr *to, const struct flow_events *events, void *user);

/* Hands received packets to the stack, which takes all of them (ARP, ICMP and TCP; it answers the
 * first two itself). */
void flow_input(struct rte_mbuf **packets, uint16_t num_packets);

/* Bytes that may be queued now: what is left of this flow's share of the buffers that all flows
 * have, and of the bytes that fit into it. So what was sent in short segments leaves less room, and
 * a peer's MSS neither more nor less. FLOW_MIN_ROOM at least where nothing is queued. `sent` says
 * when to ask again. 0: connecting, shut down, or full. */
uint32_t flow_send_room(const struct flow *flow);

/* Queues a chain of any number of segments; it now belongs to the flow and is freed when
 * acknowledged. pkt_len should be at most flow_send_room(), or others go short, but a longer one is
 * taken, too. Nothing is sent before flow_flush(). false: connecting, shut down or ended; the chain
 * is still the caller's. */
bool flow_send(struct flow *flow, struct rte_mbuf *chain);

/* bytes of those received have been dealt with: opens the window again. */
void flow_consumed(struct flow *flow, uint32_t bytes);

/* FIN behind all that is queued; receiving goes on. */
void flow_shutdown(struct flow *flow);

/* Ends our interest: FIN if not yet sent, then the stack finishes by itself; bytes that still come
 * in are answered as RFC 9293 asks. The handle is invalid afterwards. A peer that does not let it
 * finish is reset: after 20 s in which no buffer came back, after a minute in any case, and at once
 * where it is the oldest of more than a quarter of max_flows. */
void flow_close(struct flow *flow);

/* RST. The handle is invalid afterwards. */
void flow_abort(struct flow *flow);

/* Largest payload of one segment to this peer; at least FLOW_MIN_MSS. */
uint16_t flow_mss(const struct flow *flow);

/* Builds packets of all that may be sent now and puts them on the port. */
void flow_flush(void);

/* Runs what is due; call once a poll. Returns microseconds until the next timer. */
uint32_t flow_timers(void);

void flow_get_counters(struct flow_counters *counters);

#endif
