/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_TCP_H
#define LKS_NET_TCP_H

/*
 * TCP as its users see it: flows that hand over received bytes in order as mbufs, uncopied, and
 * take mbufs to send, which they keep until the peer has acknowledged them. A flow belongs to one
 * instance, and so to one lcore; all calls and callbacks happen there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct rte_mbuf;
struct net;
struct flow;

enum flow_end {
    FLOW_END_RESET,       /* the peer sent RST */
    FLOW_END_TIMEOUT,     /* retransmissions, probes or keepalives were not answered */
    FLOW_END_REFUSED,     /* connect: RST to our SYN */
    FLOW_END_UNREACHABLE, /* connect: no route, no neighbour, no answer, or ICMP says so */
    FLOW_END_NO_MEMORY,   /* ended by us, as the worst holder of buffers that ran low */
    FLOW_END_CLOSED,      /* both directions are finished */
    FLOW_NUM_ENDS,
};

/* Called from net_input() and net_timers() only, never from within another call of this header.
 * All calls of this header may be made in them; flow_close() and flow_abort() on the flow itself,
 * too. */
struct flow_events {
    /* A listener got a connection. Return the flow's user pointer, NULL to refuse it (RST). */
    void *(*accepted)(void *listener_user, struct flow *flow, const struct net_addr *peer,
                      const struct net_addr *local);
    void (*connected)(void *user);
    /* In-order bytes, trimmed to the payload; the chain is the callee's. The window stays closed by
     * as many bytes until flow_consumed(). Who keeps them joins short ones: for n unread bytes
     * n / 512 + 1 buffers are counted at most, also where each came in its own. */
    void (*received)(void *user, struct rte_mbuf *chain);
    /* The peer's FIN, after its last byte. */
    void (*received_fin)(void *user);
    /* bytes more were acknowledged: room to send. */
    void (*sent)(void *user, uint32_t bytes);
    /* The connection is gone and its handle invalid. Not called after flow_close() or flow_abort().
     */
    void (*ended)(void *user, enum flow_end why);
    /* So many bytes may be unread of any of these flows while there are buffers, however much is
     * promised to others: for who cannot read a part of them (FLOW_UNREAD_RECORD). 0: four
     * segments. */
    uint32_t unread_least;
};

/* 0, or -1 with one line in error. An address of all zeros (net_ip4(0) or ::) listens on all of
 * ours of that family. */
int flow_listen(struct net *net, const struct net_addr *addr, const struct flow_events *events,
                void *listener_user, char *error, size_t error_len);
/* No new connections; those that are there go on. */
void flow_unlisten_all(struct net *net);

/* Starts to connect; `connected` or `ended` follows, never from within. from NULL: our address is
 * chosen by route, the port so that answers come home to this instance (RSS). NULL: no memory, no
 * route, or all ports to that peer are taken. */
struct flow *flow_connect(struct net *net, const struct net_addr *to, const struct net_ip *from,
                          const struct flow_events *events, void *user);

/* Bytes that flow_send() takes now: what congestion window and the peer's window will let go soon,
 * plus one record (FLOW_RECORD_LEN), less what is queued, and less where buffers are short. No
 * event tells that there are buffers again: who found none, and has nothing under way, asks again
 * some milliseconds later. */
#define FLOW_RECORD_LEN 16640u
uint32_t flow_send_room(const struct flow *flow);

/* Queues a chain (any number of segments, pkt_len at most flow_send_room()); it now belongs to the
 * flow, which never writes to it, and is freed when acknowledged. Nothing leaves before
 * net_output(). */
void flow_send(struct flow *flow, struct rte_mbuf *chain);

/* The longest TLS record, with its header. */
#define FLOW_UNREAD_RECORD 18437u

/* bytes of those received have been dealt with: opens the window again. */
void flow_consumed(struct flow *flow, uint32_t bytes);

/* FIN behind all that is queued; receiving goes on. */
void flow_shutdown(struct flow *flow);

/* Ends our interest: FIN if not yet sent, then the instance finishes by itself, within a deadline;
 * bytes that still come in are answered with RST (RFC 9293 3.6.1). The handle is invalid
 * afterwards. */
void flow_close(struct flow *flow);

/* RST. The handle is invalid afterwards. */
void flow_abort(struct flow *flow);

/* Largest payload of one segment to this peer now (path MTU and options considered): for who lays
 * out records. It is never less than FLOW_MIN_MSS, whatever a peer says, nor more than the link's.
 */
#define FLOW_MIN_MSS 48u
uint16_t flow_mss(const struct flow *flow);

/* What one flow looks like from inside, for logs and tests. */
struct flow_info {
    struct net_addr local, peer;
    uint32_t srtt_us, rttvar_us, min_rtt_us, rto_us;
    uint32_t cwnd, ssthresh, in_flight, peer_window, our_window; /* bytes */
    uint32_t queued;                     /* bytes in its send queue, acknowledged ones excluded */
    uint32_t buffers;                    /* mbufs that it holds, sending and receiving */
    uint64_t bytes_sent, bytes_received; /* payload, once each */
    uint32_t retransmits, timeouts;
    uint16_t mss;
    uint8_t state;
    bool has_sack, has_timestamps, has_scale, has_ecn;
    bool has_soft_error; /* ICMP says that segments do not arrive; nothing was acknowledged since */
};
void flow_get_info(const struct flow *flow, struct flow_info *info);

struct flow_counters {
    uint64_t segments_in, segments_out, bytes_in, bytes_out;
    uint64_t retransmits, tail_probes, timeouts, spurious_timeouts;
    uint64_t out_of_order, out_of_order_dropped, dsacks_in, dsacks_out, sacks_in;
    uint64_t opened_passive, opened_active, refused, established_resets;
    uint64_t syn_cookies_sent, syn_cookies_good, syn_cookies_bad, syns_dropped;
    uint64_t resets_in, resets_out, resets_limited, challenge_acks;
    uint64_t bad_segments; /* impossible header or option lengths */
    uint64_t bad_checksum;
    uint64_t paws_dropped, window_dropped, old_acks, too_new_acks;
    uint64_t zero_window_probes, keepalives;
    uint64_t path_mtu_lowered, black_holes;
    uint64_t soft_errors, hard_errors; /* of ICMP: noted, and obeyed */
    uint64_t ended_for_buffers, ended_detached_deadline, detached_limit, time_wait_reused;
    uint64_t no_ports;
    uint32_t flows, half_open, detached, time_wait; /* now */
    uint32_t buffers;                               /* mbufs that flows hold now */
};
void flow_get_counters(const struct net *net, struct flow_counters *counters);

#endif
