/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_NET_TCP_FLOW_H
#define LKS_NET_TCP_FLOW_H

/*
 * What TCP remembers, and which of its files does what.
 *
 * A connection is a `half_open` until its handshake is done, a `flow`, and a `time_waiting` when it
 * is over. A flow that is idle is its 240 bytes and nothing else: what belongs to data on their way
 * (the send queue, the segments in flight and what is thought of them) is a `flight`, taken from a
 * pool when there are data and put back when all are acknowledged; what has arrived out of order is
 * a `reassembly`, likewise.
 */

#include "net/flow_table.h"
#include "net/ip.h"
#include "net/pool.h"
#include "net/tcp.h"
#include "net/tcp_cc.h"
#include "net/tcp_option.h"
#include "net/tcp_ports.h"
#include "net/tcp_sent.h"
#include "net/tcp_seq.h"
#include "net/timer_wheel.h"

/* Times that are compared in 32 bits are ticks (64 us, so 38 hours either way) or microseconds. */
#define TCP_TICK_SHIFT 6u
#define TCP_MS         1000u
#define TCP_S          1000000u

#define TCP_MSS_MIN         FLOW_MIN_MSS
#define TCP_MSS_DEFAULT_4   536u /* RFC 9293 3.7.1: where the peer says nothing */
#define TCP_MSS_DEFAULT_6   1220u
#define TCP_MTU_MIN_4       552u
#define TCP_MTU_MIN_6       1280u
#define TCP_RTO_FIRST       TCP_S
#define TCP_RTO_AFTER_SYN   (3 * TCP_S) /* was lost: RFC 6298 5.7 */
#define TCP_RTO_MIN         (200 * TCP_MS)
#define TCP_RTO_MAX         (60 * TCP_S)
#define TCP_DELAYED_ACK     (40 * TCP_MS)
#define TCP_OVERRIDE        TCP_S          /* for data that wait for a window worth a segment */
#define TCP_PEER_ACK_DELAY  (200 * TCP_MS) /* what a peer may hold one back: RFC 8985 7.2 */
#define TCP_GIVE_UP         (600 * TCP_S)  /* without progress: R2 of RFC 9293 3.8.3 */
#define TCP_CONNECT_TRIES   6u             /* SYNs: 63 s */
#define TCP_TIME_WAIT       (60 * TCP_S)
#define TCP_DETACHED        (60 * TCP_S)
#define TCP_DETACHED_STALL  (20 * TCP_S) /* in which no buffer came back */
#define TCP_KEEPALIVE       (7200 * (uint64_t)TCP_S)
#define TCP_KEEPALIVE_GAP   (75 * TCP_S)
#define TCP_KEEPALIVE_TRIES 9u
#define TCP_CHALLENGE_GAP   (500 * TCP_MS)
#define TCP_MTU_AGE         10u    /* minutes */
#define TCP_WINDOW_FIRST    65535u /* or less where buffers are promised already, */
#define TCP_WINDOW_LEAST    5840u  /* but never less than four segments */
#define TCP_WINDOW_MAX      (6u << 20)
#define TCP_OUR_SCALE       7u    /* shows 8 MB */
#define TCP_BURST           16u   /* packets a flow and turn */
#define TCP_CRUMB_MAX       512u  /* payload that is copied into a buffer that has room for it */
#define TCP_BUFFER_LEN      2048u /* what a buffer is taken for where windows follow buffers */

enum tcp_flags {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80,
};

enum tcp_state { /* RFC 9293 3.3.2, of those that a flow can be in */
                 TCP_SYN_SENT,
                 TCP_SYN_RECEIVED, /* of a simultaneous open only */
                 TCP_ESTABLISHED,
                 TCP_FIN_WAIT_1,
                 TCP_FIN_WAIT_2,
                 TCP_CLOSE_WAIT,
                 TCP_CLOSING,
                 TCP_LAST_ACK,
                 TCP_STATE_NONE, /* freed, but still in the list of flows that are ready */
};

enum flow_flag {
    FLOW_SACK = 1u << 0, /* negotiated: as the three below, which half_open has, too */
    FLOW_TS = 1u << 1,
    FLOW_SCALE = 1u << 2,
    FLOW_ECN = 1u << 3,
    FLOW_READY = 1u << 4,     /* in the list of flows that may have something to send */
    FLOW_ACK_NOW = 1u << 5,   /* owes an acknowledgement */
    FLOW_ACK_LATER = 1u << 6, /* at delayed_ack_at */
    FLOW_PROBE = 1u << 7,     /* is to ask the peer for an acknowledgement */
    FLOW_FIN = 1u << 8,       /* user: no more will be sent */
    FLOW_FIN_SENT = 1u << 9,
    FLOW_FIN_RECEIVED = 1u << 10,
    FLOW_ECE = 1u << 11, /* congestion was seen: says so until the peer's CWR */
    FLOW_CWR = 1u << 12, /* has slowed down: says so with the next data */
    FLOW_REORDERS = 1u << 13,
    FLOW_DETACHED = 1u << 14,
    FLOW_GONE = 1u << 15,       /* freed when the segment or timer at hand has been dealt with */
    FLOW_SOFT_ERROR = 1u << 16, /* ICMP says that segments do not arrive, none has since */
    FLOW_PACED = 1u << 17,      /* waits for flight->pace_us */
    FLOW_SYN_LOST = 1u << 18,   /* its SYN, or SYN-ACK, had to be sent again */
    FLOW_LOW_MTU = 1u << 19,    /* the path's MTU was lowered: asked for again after a while */
    FLOW_REPAIRED = 1u << 22,   /* all was acknowledged, perhaps since a tail loss probe came */
    FLOW_PROBED = 1u << 21,     /* no round trip was measured since the last tail loss probe */
    FLOW_SYN = 1u << 20,        /* its SYN, or SYN-ACK, is to be sent */
};

enum flight_timer { TIMER_NO, TIMER_REORDER, TIMER_TAIL_PROBE, TIMER_RTO, TIMER_WINDOW_PROBE };

enum recovery { /* why the congestion window is what it is */
                RECOVERY_NO,
                RECOVERY_ECN,  /* being reduced without a loss */
                RECOVERY_FAST, /* being reduced, losses being repaired */
                RECOVERY_RTO,  /* slow start after a timeout */
};

struct flight {
    /* The send queue: a chain of what is not acknowledged, and in it the first byte never sent. */
    struct rte_mbuf *head, *tail, *unsent_mbuf;
    uint32_t head_offset, unsent_offset;
    uint32_t unsent; /* bytes */
    uint32_t num_buffers;

    /* RACK-TLP (RFC 8985) */
    uint32_t rack_sent_us, rack_end, rack_rtt_us, rack_fack;
    uint32_t dsack_round; /* the reordering window is not widened again before this */
    uint32_t probe_end;   /* of a tail loss probe: snd_nxt when it was sent */
    uint8_t reorder_mult, reorder_persist;
    bool probe_out, probe_resent; /* a probe is not answered yet; it was a retransmission */
    bool rack_valid;
    bool tail_is_ours; /* the send queue's last buffer was filled by us */
    bool force;        /* one segment goes out whatever the windows say */

    uint8_t recovery;
    bool frto; /* the timeout may have been spurious: RFC 5682 3.1 */
    bool frto_asked;
    uint8_t frto_new;  /* segments of new data to send first, to find out */
    uint32_t recover;  /* recovery is over when this is acknowledged */
    uint32_t dup_acks; /* in a row; peers without SACK only */
    uint32_t undo_cwnd, undo_ssthresh;
    uint32_t undo_resent; /* retransmissions that no D-SACK has called needless */
    uint32_t resent_ts;   /* timestamp of the first retransmission since recovery began */
    bool undo_possible;

    uint8_t timer;
    uint8_t backoff; /* timeouts in a row */
    uint8_t probes;  /* window probes in a row that only made us wait longer */
    uint32_t timer_at;
    uint32_t progress_at; /* tick: when the peer last acknowledged something new */
    uint32_t freed_at;    /* tick: when a buffer last came back, which a few bytes do not bring */
    uint64_t pace_us;

    struct cc_state cc;
    struct sent sent;
};

#define REASSEMBLY_RANGES 96u
struct range {
    uint32_t from, to;
    struct rte_mbuf *head, *tail; /* head's pkt_len and nb_segs are the range's */
};

struct reassembly {
    uint16_t num_ranges, num_buffers;
    bool has_dsack, has_fin;
    uint32_t fin_seq;
    struct tcp_sack dsack;          /* bytes that came twice, to be told */
    uint32_t recent[TCP_SACKS_MAX]; /* a sequence number in each, the latest first */
    uint8_t num_recent;
    struct range ranges[REASSEMBLY_RANGES]; /* in order */
};

struct flow {
    struct flow_key key; /* first: see flow_table.h */
    struct tcp *tcp;
    struct flight *flight;
    struct reassembly *reassembly;
    uint32_t flags;
    uint8_t state;
    uint8_t snd_scale, rcv_scale;
    uint8_t tries; /* SYNs, or keepalives, without an answer */
    /* RFC 9293 3.3.1's variables; a window of theirs is [snd_una, snd_una + snd_wnd), of ours
     * [rcv_nxt, rcv_edge). */
    uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1;
    uint32_t rcv_nxt, rcv_edge;
    uint32_t ack_sent; /* the last acknowledgement: RFC 7323's Last.ACK.sent */
    uint32_t ts_recent, ts_offset;
    /* What we can take, and how that grows: bytes consumed in a round trip are watched. */
    uint32_t rcv_limit, rcv_unread;
    uint32_t tune_seq;
    union {
        uint32_t tune_at;
        uint32_t detached_at; /* tick */
    };
    uint16_t rcv_buffers;        /* of rcv_unread, about */
    uint16_t rcv_promised;       /* buffers that the open window may take */
    uint16_t rcv_mss;            /* the largest segment seen */
    uint16_t peer_mss, mtu, mss; /* mss: payload of a full segment to the peer */
    uint16_t snd_wnd_max;        /* as the header has it */
    uint16_t challenge_at;       /* in 2^16 us */
    uint8_t mtu_at;              /* in minutes */
    uint8_t dup_acks_owed : 4;
    uint8_t quick_acks : 4; /* segments to be acknowledged at once when a flow is young */
    uint16_t snd_wraps, timeouts;
    uint8_t way; /* to the peer: enum ip_way */

    uint32_t srtt_us, rttvar_us, min_rtt_us, min_rtt_at;
    uint32_t cwnd, ssthresh, w_max;

    struct timer timer;
    uint32_t delayed_ack_at, life_at; /* ticks; life_at: keepalive, or a detached flow's end */
    uint32_t heard_at, sent_at;       /* ticks: the peer's last segment, our last data */
    uint32_t next_ready;

    const struct flow_events *events; /* NULL: detached */
    union {
        void *user;
        struct {
            uint32_t next, prev; /* detached earlier and later ones */
        } detached;
    };
    uint32_t rcv_first; /* number of the first byte received */
    uint16_t rcv_wraps;
    uint16_t read_at; /* in 2^16 us: when the user last gave a buffer back, or got the first */
    uint32_t snd_iss, retransmits;
};
_Static_assert(sizeof(struct flow) + FLOW_TABLE_ITEM_LEN <= 256, "what an idle flow costs");

/* Connections that only wait, in order of their deadlines: all in a list wait equally long. */
struct waiting {
    struct flow_key key; /* first */
    uint32_t next, prev;
    uint32_t due; /* tick */
};

struct waiting_list {
    uint32_t first, last;
};

struct half_open {
    struct waiting waiting; /* first */
    uint32_t irs, iss, ts_recent, ts_offset, sent_us;
    uint16_t mss, window, our_window;
    uint16_t challenge_at; /* in 2^16 us */
    uint8_t scale, tries;
    uint8_t listener;
    uint8_t flags; /* enum flow_flag's negotiated ones */
};

struct time_waiting {
    struct waiting waiting; /* first */
    uint32_t rcv_nxt, snd_nxt, ts_recent, ts_offset;
    uint16_t window;
    bool has_ts;
};

enum table_kind { KIND_FLOW, KIND_HALF_OPEN, KIND_TIME_WAITING };

#define TCP_LISTENERS_MAX   64u
#define TCP_HALF_OPEN_TRIES 4u /* SYN-ACKs, after 1, 2, 4 and 8 s */

struct listener {
    struct net_addr addr;
    const struct flow_events *events;
    void *user;
};

struct tcp {
    struct net *net;
    uint64_t now_us;
    uint32_t tick; /* now */
    const struct cc_row *cc;
    struct rte_mempool *header_pool, *clone_pool;
    uint32_t offloads;
    uint16_t link_mtu;
    uint16_t max_pieces; /* mbufs of a frame */
    uint16_t piece_room; /* bytes of header or payload that one of ours holds */
    uint16_t mss_max;    /* what that lets through */

    struct flow *current; /* whose segment or timer is being dealt with */
    struct flow_table table;
    struct timer_wheel wheel;
    struct pool flows, half_opens, time_waitings, flights, reassemblies, rings[SENT_CLASSES];
    uint32_t ready_first, ready_last;
    struct waiting_list half_open_lists[TCP_HALF_OPEN_TRIES], time_wait_list;
    struct listener listeners[TCP_LISTENERS_MAX];
    uint32_t num_listeners;

    uint32_t max_detached, max_buffers, keepalive_ticks;
    uint32_t num_buffers, num_detached;     /* held by flows; closed ones */
    uint32_t num_sending;                   /* of num_buffers: in send queues */
    uint32_t detached_first, detached_last; /* in the order in which they were closed */
    uint32_t num_promised;                  /* buffers that windows of all flows may still take */
    uint32_t evict_next, evict_worst;       /* tcp_evict.c */
    uint64_t cookie_sent_us;                /* 0: never */
    uint64_t reset_window_us;
    uint32_t resets_in_window;
    struct siphash_key secret;
    struct port_picker ports;
    struct flow_counters counters;
};

/* A received segment, its numbers in host order. */
struct segment_in {
    struct rte_mbuf *packet; /* the payload, once the header is off; NULL when it was taken */
    const struct ip_in *ip;
    struct flow_key key;
    uint64_t hash;
    uint32_t likely; /* handle: what is fetched ahead */
    uint32_t seq, ack;
    uint32_t len;     /* payload */
    uint32_t largest; /* segment of it, where several were joined */
    uint16_t window;  /* not scaled */
    uint8_t flags;
    struct tcp_options options;
};

/* A segment to be sent, without its payload. */
struct segment_out {
    const struct flow_key *key;
    uint32_t seq, ack;
    uint16_t window;
    uint8_t flags, ecn;
    uint8_t way; /* enum ip_way */
    struct tcp_options options;
};

/* Timers of things that are no flows return in how many ticks the next is due. */
#define TCP_NO_DEADLINE 0xffffffffu

/* ---- the clock ---- */

static inline void tcp_set_now(struct tcp *tcp, uint64_t now_us)
{
    tcp->now_us = now_us;
    tcp->tick = (uint32_t)(now_us >> TCP_TICK_SHIFT);
}

/* The tick at which that is over. */
static inline uint32_t tcp_ticks(const struct tcp *tcp, uint64_t from_now_us)
{
    return (uint32_t)((tcp->now_us + from_now_us + (1u << TCP_TICK_SHIFT) - 1) >> TCP_TICK_SHIFT);
}

/* [7323 4.1-1 5.4-1] */
static inline uint32_t tcp_timestamp(const struct tcp *tcp, uint32_t offset)
{
    return (uint32_t)(tcp->now_us / TCP_MS) + offset;
}

/* ---- buffers ---- */

static inline uint32_t tcp_free_buffers(const struct tcp *tcp)
{
    return tcp->num_buffers < tcp->max_buffers ? tcp->max_buffers - tcp->num_buffers : 0;
}

static inline uint32_t tcp_left_for_sending(const struct tcp *tcp)
{
    const uint32_t most = tcp->max_buffers / 2;
    return tcp->num_sending < most ? most - tcp->num_sending : 0;
}

static inline uint32_t tcp_left_for_receiving(const struct tcp *tcp)
{
    const uint32_t most = tcp->max_buffers / 2, held = tcp->num_buffers - tcp->num_sending;
    return held < most ? least(most - held, tcp_free_buffers(tcp)) : 0;
}

/* Received ones. */
static inline void flow_count_buffers(struct flow *flow, int32_t more)
{
    flow->tcp->num_buffers += (uint32_t)more;
}

static inline void flow_count_sending(struct flow *flow, int32_t more)
{
    flow->tcp->num_sending += (uint32_t)more;
    flow_count_buffers(flow, more);
}

/* ---- turns ---- */

static inline void flow_begin(struct flow *flow)
{
    flow->tcp->current = flow;
}

/* [9293 3.10.7.4-1] */
static inline void flow_ready(struct flow *flow)
{
    struct tcp *tcp = flow->tcp;
    if (flow->flags & (FLOW_READY | FLOW_GONE))
        return;
    const uint32_t index = pool_index(&tcp->flows, flow);
    flow->flags |= FLOW_READY;
    flow->next_ready = POOL_NONE;
    if (tcp->ready_last == POOL_NONE)
        tcp->ready_first = index;
    else
        ((struct flow *)pool_item(&tcp->flows, tcp->ready_last))->next_ready = index;
    tcp->ready_last = index;
}

/* tcp.c: flows */
/* Between flow_begin() and this the flow stays in memory, whatever its user does. */
void flow_done(struct flow *flow);
struct flow *flow_new(struct tcp *tcp, const struct flow_key *key, uint64_t hash);
void flow_free(struct flow *flow);
/* The user hears why; the flow is gone. */
void flow_finish(struct flow *flow, enum flow_end why);
/* Moves the flow's timer to the first of its deadlines: who deals with a segment or timer, or gives
 * a turn, does it once, at the end. */
void flow_set_timer(struct flow *flow);
struct flight *flow_flight(struct flow *flow);
/* Puts it back if nothing is left in it. */
void flow_drop_flight(struct flow *flow);
void flow_update_mss(struct flow *flow);
uint32_t tcp_ts_offset(const struct tcp *tcp, const struct flow_key *key);
uint32_t tcp_initial_seq(const struct tcp *tcp, const struct flow_key *key);
/* Of what is kept for flows that have little to send with, what one may hold. */
uint32_t tcp_share(const struct tcp *tcp);
/* Whether a challenge may be answered that was answered last at *at; notes that it was. */
bool tcp_may_challenge(struct tcp *tcp, uint16_t *at);
uint16_t tcp_never_challenged(const struct tcp *tcp);
/* Now in 2^16 us, for times that are compared in 16 bits. */
static inline uint16_t tcp_now_16(const struct tcp *tcp)
{
    return (uint16_t)(tcp->now_us >> 16);
}
/* [9293 3.7.1-2] */
static inline uint16_t tcp_default_mss(const struct flow_key *key)
{
    return net_ip_is_v4(&key->peer) ? TCP_MSS_DEFAULT_4 : TCP_MSS_DEFAULT_6;
}

/* tcp_in.c */
bool tcp_seq_acceptable(uint32_t seq, uint32_t len, uint32_t nxt, uint32_t edge);
void flow_segment(struct flow *flow, struct segment_in *in);

/* tcp_syn_sent.c */
void flow_established(struct flow *flow, const struct segment_in *in);
void flow_syn_sent_segment(struct flow *flow, struct segment_in *in);

/* tcp_ack.c */
/* Returns whether the segment is to be looked at further. */
bool flow_acked(struct flow *flow, const struct segment_in *in);
void flow_rtt_sample(struct flow *flow, uint32_t rtt_us);

/* tcp_receive.c */
void flow_receive(struct flow *flow, struct segment_in *in);
void flow_receive_release(struct flow *flow);
void flow_drop_out_of_order(struct flow *flow);          /* all of it */
uint32_t flow_received_buffers(const struct flow *flow); /* unread ones, and out of order */
void flow_came_twice(struct flow *flow, uint32_t from, uint32_t to);
/* The window to show now; what is shown is promised. */
uint16_t flow_window(struct flow *flow);
/* Of a new connection. */
uint16_t tcp_first_window(const struct tcp *tcp);
/* Brings what is set aside for the flow's window up to date. */
void flow_set_aside(struct flow *flow);
void flow_fill_sacks(struct flow *flow, struct tcp_options *options);

/* tcp_out.c: returns whether there is more to send at once */
bool flow_output(struct flow *flow);
void flow_challenge(struct flow *flow);

/* tcp_packet.c */
struct rte_mbuf *tcp_packet_make(struct tcp *tcp, const struct segment_out *out);
bool tcp_packet_attach(struct tcp *tcp, struct rte_mbuf *packet, struct rte_mbuf *from,
                       uint32_t offset, uint32_t len);
void tcp_packet_send(struct tcp *tcp, struct rte_mbuf *packet, const struct segment_out *out,
                     uint16_t segment_len);
bool tcp_send_control(struct tcp *tcp, const struct segment_out *out);
void tcp_send_reset(struct tcp *tcp, const struct segment_in *in);
void flow_send_reset(struct flow *flow);

/* tcp_loss.c, tcp_rto.c */
/* RFC 6675's pipe: duplicates without blocks say that one segment each has left the network.
 * [5681 3.2-3] [6675 4-2] */
static inline uint32_t flow_in_flight(const struct flow *flow)
{
    const uint32_t left = flow->flight->dup_acks * flow->mss;
    return flow->flight->sent.flying > left ? flow->flight->sent.flying - left : 0;
}
uint32_t flow_rto_us(const struct flow *flow);
/* restart: the peer has acknowledged something, or the timer has fired. */
void flow_arm_loss_timer(struct flow *flow, bool restart);
void flow_loss_timer(struct flow *flow);
void loss_reordering_over(struct flow *flow);
struct loss_news { /* what an acknowledgement says of the segments in flight */
    struct cc_ack cc;
    uint32_t rtt_first_us; /* of the oldest segment; 0: none */
    struct tcp_sack dsack;
    bool has_dsack;
    bool new_data_acked;   /* the first in flight moved on */
    bool original_arrived; /* something that was sent once only, before the timeout */
    bool is_duplicate, ece;
};
void loss_segment_arrived(struct flow *flow, const struct segment *segment, struct loss_news *news,
                          const struct segment_in *in);
void loss_sacks(struct flow *flow, const struct segment_in *in, struct loss_news *news);
void loss_acked(struct flow *flow, const struct segment_in *in, struct loss_news *news);
uint32_t loss_reordering_window(const struct flow *flow);
void loss_too_big(struct flow *flow); /* segments in flight above the mss are lost */

/* tcp_listen.c, tcp_cookie.c */
void tcp_listen_segment(struct tcp *tcp, struct segment_in *in);
void half_open_segment(struct tcp *tcp, struct half_open *half, struct segment_in *in);
uint32_t half_open_timers(struct tcp *tcp); /* there are some */
void half_open_free(struct tcp *tcp, struct half_open *half);
void half_open_from_syn(struct tcp *tcp, struct half_open *half, const struct segment_in *in);
bool half_open_send_syn_ack(struct tcp *tcp, struct half_open *half);
void half_open_accept(struct tcp *tcp, const struct half_open *half, struct segment_in *in);
void cookie_answer(struct tcp *tcp, uint8_t listener, const struct segment_in *in);
bool cookie_accept(struct tcp *tcp, uint8_t listener, struct segment_in *in);
int tcp_find_listener(const struct tcp *tcp, const struct flow_key *key);

/* tcp_time_wait.c */
void time_wait_enter(struct flow *flow);
void time_wait_segment(struct tcp *tcp, struct time_waiting *waiting, struct segment_in *in);
uint32_t time_wait_timers(struct tcp *tcp); /* there are some */
void time_wait_free(struct tcp *tcp, struct time_waiting *waiting);

/* waiting.c */
void waiting_push(const struct pool *pool, struct waiting_list *list, struct waiting *waiting);
void waiting_remove(const struct pool *pool, struct waiting_list *list, struct waiting *waiting);

/* tcp_icmp.c */
void flow_age_mtu(struct flow *flow);
/* What ip_route() said of a new flow's path. */
void flow_set_mtu(struct flow *flow, uint16_t mtu);

/* tcp_evict.c */
/* Whether buffers may be low, or were when it looked last. While all that is held is this much less
 * than a half, neither what is sent nor what is received can have used up its half. */
static inline bool tcp_must_evict(const struct tcp *tcp)
{
    return tcp->num_buffers >= tcp->max_buffers / 2 - tcp->max_buffers / 16 || tcp->evict_next;
}
uint32_t tcp_evict(struct tcp *tcp);

/* tcp_detached.c: flows without users */
void flow_detach(struct flow *flow);
void detached_remove(struct flow *flow);
void detached_timer(struct flow *flow);

/* buffer.c: chains of mbufs */
void buffer_free(struct rte_mbuf *buffer);
void chain_free(struct rte_mbuf *chain);
/* Its buffers that become empty go, but for the last. */
struct rte_mbuf *chain_cut_front(struct rte_mbuf *chain, uint32_t len);
void chain_cut_back(struct rte_mbuf *chain, uint32_t len);
/* Without its empty buffers; NULL: all of them were. */
struct rte_mbuf *chain_without_empty(struct rte_mbuf *chain);
struct rte_mbuf *chain_tail(struct rte_mbuf *chain);
/* Copies the chain behind what is in tail, and frees it. False, and nothing happened, where there
 * is no room, or somebody else refers to tail. */
bool chain_absorb(struct rte_mbuf *tail, struct rte_mbuf *chain);

#endif
