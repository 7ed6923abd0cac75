/* SPDX-License-Identifier: BSD-3-Clause */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "common/test.h"
#include "net/tcp.h"
#include "net/tcp_option.h"
#include "wire.h"

#define OURS         2u
#define PEER         9u
#define PORT         80u
#define PEER_PORT    40000u
#define PEER_ISN     1000000u
#define PACKETS_MAX  256u
#define PACKET_BYTES 9200u

struct packet { /* that the instance sent */
    uint64_t at_us;
    uint32_t seq, ack, len;
    uint16_t window;
    uint8_t flags, ecn;
    struct tcp_options options;
};

struct player {
    const char *name;
    uint32_t line;
    bool is_wrong;
    bool is_v6;
    struct net *net;
    struct flow *flow;
    uint64_t now_us, line_us; /* now; when the line before was over */
    uint32_t iss, last_ts;
    uint16_t our_port;
    struct packet packets[PACKETS_MAX]; /* sent, not yet expected */
    uint32_t num_packets;
    uint64_t got;
    uint32_t num_handed;                   /* buffers, since the script asked */
    struct rte_mbuf *burst[NET_BURST_MAX]; /* that the peer has sent, to arrive with the next */
    uint16_t num_burst;
    bool is_up, has_fin, is_over;
    enum flow_end why;
};

static void complain(struct player *p, const char *what, const char *line)
{
    if (!p->is_wrong)
        LKS_CHECK(false, "%s, IPv%d, line %u: %s: %s", p->name, p->is_v6 ? 6 : 4, p->line, line,
                  what);
    p->is_wrong = true;
}

/* ---- the user ---- */

static void *on_accepted(void *user, struct flow *flow, const struct net_addr *peer,
                         const struct net_addr *local)
{
    struct player *p = user;
    (void)peer;
    (void)local;
    p->flow = flow;
    p->is_up = true;
    return p;
}

static void on_connected(void *user)
{
    ((struct player *)user)->is_up = true;
}

static void on_received(void *user, struct rte_mbuf *chain)
{
    ((struct player *)user)->got += chain->pkt_len;
    ((struct player *)user)->num_handed += chain->nb_segs;
    rte_pktmbuf_free(chain);
}

static void on_fin(void *user)
{
    ((struct player *)user)->has_fin = true;
}

static void on_sent(void *user, uint32_t bytes)
{
    (void)user;
    (void)bytes;
}

static void on_ended(void *user, enum flow_end why)
{
    struct player *p = user;
    p->is_over = true;
    p->why = why;
    p->flow = NULL;
}

static const struct flow_events events = {
    on_accepted, on_connected, on_received, on_fin, on_sent, on_ended,
};

static void queue_bytes(struct player *p, uint32_t len)
{
    while (len) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(wire_pools.app);
        if (!m)
            abort();
        const uint16_t piece = (uint16_t)RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(m));
        memset(rte_pktmbuf_append(m, piece), 'x', piece);
        flow_send(p->flow, m);
        len -= piece;
    }
}

/* ---- the wire ---- */

static void note_packet(struct player *p, const uint8_t *bytes, size_t len)
{
    struct wire_header header;
    struct rte_tcp_hdr tcp;
    memcpy(&header, bytes, sizeof(header));
    memcpy(&tcp, bytes + sizeof(header), sizeof(tcp));
    const uint32_t tcp_len = (tcp.data_off >> 4) * 4u;
    if (p->num_packets == PACKETS_MAX)
        abort();
    struct packet *packet = &p->packets[p->num_packets++];
    *packet = (struct packet){
        .at_us = p->now_us,
        .seq = rte_be_to_cpu_32(tcp.sent_seq),
        .ack = rte_be_to_cpu_32(tcp.recv_ack),
        .len = (uint32_t)(len - sizeof(header)) - tcp_len,
        .window = rte_be_to_cpu_16(tcp.rx_win),
        .flags = tcp.tcp_flags,
        .ecn = (uint8_t)header.ecn,
    };
    tcp_options_read(&packet->options, bytes + sizeof(header) + sizeof(tcp),
                     tcp_len - (uint32_t)sizeof(tcp), tcp.tcp_flags & RTE_TCP_SYN_FLAG);
    if (packet->flags & RTE_TCP_SYN_FLAG)
        p->iss = packet->seq;
    if (packet->options.has_ts)
        p->last_ts = packet->options.ts_value;
    p->our_port = rte_be_to_cpu_16(tcp.src_port);
}

static void fetch_output(struct player *p)
{
    static uint8_t bytes[WIRE_FRAME_MAX];
    struct rte_mbuf *frames[32];
    uint16_t num;
    while ((num = net_output(p->net, frames, 32, p->now_us))) {
        for (uint16_t i = 0; i < num; i++) {
            size_t len;
            for (uint32_t cut = 0; (len = wire_bytes(bytes, frames[i], cut)); cut++)
                note_packet(p, bytes, len);
            rte_pktmbuf_free(frames[i]);
        }
    }
}

/* Lets time pass, with timers and output on the way; stops early at a packet if asked. */
static void pass(struct player *p, uint64_t until_us, bool stop_at_packet)
{
    for (;;) {
        const uint64_t next = net_timers(p->net, p->now_us);
        fetch_output(p);
        if (p->now_us >= until_us || (stop_at_packet && p->num_packets))
            return;
        const uint64_t due = RTE_MIN(net_timers(p->net, p->now_us), next);
        p->now_us = RTE_MIN(RTE_MAX(due, p->now_us + 1), until_us);
    }
}

/* ---- words ---- */

static const char *next_word(char **rest)
{
    char *word = strtok_r(NULL, " \t", rest);
    return word ? word : "";
}

static uint8_t flags_of(const char *word)
{
    uint8_t flags = 0;
    for (; *word; word++) {
        flags |= *word == 'S'   ? RTE_TCP_SYN_FLAG
                 : *word == 'F' ? RTE_TCP_FIN_FLAG
                 : *word == 'R' ? RTE_TCP_RST_FLAG
                 : *word == 'P' ? RTE_TCP_PSH_FLAG
                 : *word == 'E' ? RTE_TCP_ECE_FLAG
                 : *word == 'C' ? RTE_TCP_CWR_FLAG
                                : RTE_TCP_ACK_FLAG;
    }
    return flags;
}

static uint32_t number(const char *word)
{
    return (uint32_t)strtoll(word, NULL, 10);
}

/* What both directions have in common; `from` is where the sender's numbers count from. */
struct line {
    uint8_t flags;
    uint32_t seq, len, ack;
    bool has_window, is_ce, is_bad, has_more, wants_ect, wants_no_ect, wants_psh, wants_no_psh,
        wants_no_ts, wants_no_sack, has_echo;
    uint32_t window, echo;
    struct tcp_options options;
};

static void read_packet(struct line *line, char **rest)
{
    *line = (struct line){.flags = flags_of(next_word(rest)), .window = 65535};
    const char *word = next_word(rest);
    line->seq = number(word);
    line->len = strchr(word, ':') ? number(strchr(word, ':') + 1) : 0;
    if (line->flags & RTE_TCP_ACK_FLAG)
        line->ack = number(next_word(rest));
    struct tcp_options *o = &line->options;
    while (*(word = next_word(rest))) {
        if (!strcmp(word, "win")) {
            line->has_window = true;
            line->window = number(next_word(rest));
        } else if (!strcmp(word, "mss")) {
            o->has_mss = true;
            o->mss = (uint16_t)number(next_word(rest));
        } else if (!strcmp(word, "sackok")) {
            o->has_sack_ok = true;
        } else if (!strcmp(word, "scale")) {
            o->has_scale = true;
            o->scale = (uint8_t)number(next_word(rest));
        } else if (!strcmp(word, "ts")) {
            o->has_ts = true;
        } else if (!strcmp(word, "tsval")) {
            o->has_ts = true;
            o->ts_value = number(next_word(rest));
        } else if (!strcmp(word, "tsecr")) {
            line->has_echo = true;
            line->echo = number(next_word(rest));
        } else if (!strcmp(word, "ce")) {
            line->is_ce = true;
        } else if (!strcmp(word, "bad")) {
            line->is_bad = true;
        } else if (!strcmp(word, "more")) {
            line->has_more = true;
        } else if (!strcmp(word, "ect")) {
            line->wants_ect = true;
        } else if (!strcmp(word, "-ect")) {
            line->wants_no_ect = true;
        } else if (!strcmp(word, "psh")) {
            line->wants_psh = true;
        } else if (!strcmp(word, "-psh")) {
            line->wants_no_psh = true;
        } else if (!strcmp(word, "-ts")) {
            line->wants_no_ts = true;
        } else if (!strcmp(word, "-sack")) {
            line->wants_no_sack = true;
        } else if (!strcmp(word, "sack") && o->num_sacks < TCP_SACKS_MAX) {
            word = next_word(rest);
            o->sacks[o->num_sacks++] =
                (struct tcp_sack){number(word), number(strchr(word + 1, '-') + 1)};
        } else {
            printf("what is \"%s\"?\n", word);
            abort();
        }
    }
}

/* ---- lines ---- */

static void peer_sends(struct player *p, char **rest)
{
    static uint8_t bytes[PACKET_BYTES + 256];
    struct line line;
    read_packet(&line, rest);
    struct wire_header header = {wire_host(p->is_v6, PEER), wire_host(p->is_v6, OURS),
                                 line.is_ce ? IP_ECN_CE : 0};
    for (uint32_t i = 0; i < line.options.num_sacks; i++) {
        line.options.sacks[i].from += p->iss;
        line.options.sacks[i].to += p->iss;
    }
    line.options.ts_echo = line.has_echo ? p->last_ts + line.echo : p->last_ts;
    uint8_t options[TCP_OPTIONS_MAX];
    const uint32_t options_len = tcp_options_write(options, &line.options);
    const struct rte_tcp_hdr tcp = {
        .src_port = rte_cpu_to_be_16(p->our_port == PORT ? PEER_PORT : PORT),
        .dst_port = rte_cpu_to_be_16(p->our_port),
        .sent_seq = rte_cpu_to_be_32(PEER_ISN + line.seq),
        .recv_ack = rte_cpu_to_be_32(line.flags & RTE_TCP_ACK_FLAG ? p->iss + line.ack : 0),
        .data_off = (uint8_t)((sizeof(tcp) + options_len) / 4 << 4),
        .tcp_flags = line.flags,
        .rx_win = rte_cpu_to_be_16((uint16_t)line.window),
    };
    size_t at = sizeof(header) + sizeof(tcp);
    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + sizeof(header), &tcp, sizeof(tcp));
    memcpy(bytes + at, options, options_len);
    memset(bytes + at + options_len, 'y', line.len);
    at += options_len + line.len;
    wire_checksum(bytes, at);
    bytes[at - 1] ^= line.is_bad;
    p->burst[p->num_burst++] = wire_frame(wire_pools.received, bytes, at);
    if (line.has_more)
        return;
    net_input(p->net, p->burst, p->num_burst, p->now_us);
    p->num_burst = 0;
    fetch_output(p);
}

static void peer_gets(struct player *p, char **rest, uint64_t wait_us, const char *text)
{
    struct line line;
    char what[256];
    read_packet(&line, rest);
    pass(p, p->line_us + wait_us + wait_us / 50 + 2000, true);
    if (!p->num_packets) {
        complain(p, "no packet came", text);
        return;
    }
    const struct packet packet = p->packets[0];
    memmove(p->packets, p->packets + 1, --p->num_packets * sizeof(packet));
    const uint64_t took = packet.at_us - p->line_us;
    const uint8_t compared = (uint8_t)~RTE_TCP_PSH_FLAG;
    const uint32_t echo = packet.options.ts_echo;
    bool is_right = (packet.flags & compared) == (line.flags & compared) &&
                    packet.seq == p->iss + line.seq && packet.len == line.len &&
                    (!(line.flags & RTE_TCP_ACK_FLAG) || packet.ack == PEER_ISN + line.ack) &&
                    (!line.has_window || packet.window == line.window) &&
                    (!line.options.has_mss || packet.options.mss == line.options.mss) &&
                    (!line.options.has_sack_ok || packet.options.has_sack_ok) &&
                    (!line.options.has_scale || packet.options.scale == line.options.scale) &&
                    (!line.options.has_ts || packet.options.has_ts) &&
                    (!line.wants_no_ts || !packet.options.has_ts) &&
                    (!line.wants_no_sack || !packet.options.has_sack_ok) &&
                    (!line.has_echo || echo == line.echo) &&
                    (!line.wants_ect || packet.ecn == IP_ECN_ECT0) &&
                    (!line.wants_no_ect || packet.ecn == IP_ECN_NOT) &&
                    (!line.wants_psh || packet.flags & RTE_TCP_PSH_FLAG) &&
                    (!line.wants_no_psh || !(packet.flags & RTE_TCP_PSH_FLAG)) &&
                    (!line.options.num_sacks || packet.options.num_sacks == line.options.num_sacks);
    for (uint32_t i = 0; is_right && i < line.options.num_sacks; i++)
        is_right = packet.options.sacks[i].from == PEER_ISN + line.options.sacks[i].from &&
                   packet.options.sacks[i].to == PEER_ISN + line.options.sacks[i].to;
    snprintf(what, sizeof(what),
             "got flags %02x %d:%u ack %d win %u echo %u, %u blocks (%d-%d), after %.3f ms",
             packet.flags, (int)(packet.seq - p->iss), packet.len, (int)(packet.ack - PEER_ISN),
             packet.window, echo, packet.options.num_sacks,
             (int)(packet.options.sacks[0].from - PEER_ISN),
             (int)(packet.options.sacks[0].to - PEER_ISN), (double)took / 1000);
    if (!is_right || took + 2000 + wait_us / 50 < wait_us)
        complain(p, what, text);
}

static const char *const end_names[FLOW_NUM_ENDS] = {"reset",       "timeout",  "refused",
                                                     "unreachable", "nomemory", "closed"};

static bool counter_is(struct player *p, const char *name, uint64_t wanted)
{
    struct flow_counters c;
    flow_get_counters(p->net, &c);
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"retransmits", c.retransmits},
        {"timeouts", c.timeouts},
        {"spurious", c.spurious_timeouts},
        {"probes", c.tail_probes},
        {"challenges", c.challenge_acks},
        {"resets_out", c.resets_out},
        {"cookies_good", c.syn_cookies_good},
        {"cookies_sent", c.syn_cookies_sent},
        {"cookies_bad", c.syn_cookies_bad},
        {"paws", c.paws_dropped},
        {"bad_checksum", c.bad_checksum},
        {"time_wait", c.time_wait},
        {"flows", c.flows},
        {"half_open", c.half_open},
        {"detached", c.detached},
        {"keepalives", c.keepalives},
        {"reused", c.time_wait_reused},
        {"lowered", c.path_mtu_lowered},
        {"black_holes", c.black_holes},
        {"buffers", c.buffers},
        {"syns_dropped", c.syns_dropped},
        {"soft_errors", c.soft_errors},
        {"hard_errors", c.hard_errors},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (!strcmp(all[i].name, name))
            return all[i].value == wanted ||
                   (printf("%s is %llu\n", name, (unsigned long long)all[i].value) && false);
    }
    printf("no counter %s\n", name);
    return false;
}

static bool error_comes(struct player *p, const char *verb, char **rest)
{
    struct ip_error_info error = {.from = wire_host(p->is_v6, OURS),
                                  .to = wire_host(p->is_v6, PEER),
                                  .from_port = p->our_port,
                                  .to_port = p->our_port == PORT ? PEER_PORT : PORT,
                                  .seq = p->iss + number(next_word(rest)),
                                  .kind = !strcmp(verb, "toobig") ? IP_ERROR_TOO_BIG
                                          : !strcmp(verb, "hard") ? IP_ERROR_HARD
                                                                  : IP_ERROR_SOFT};
    error.mtu = error.kind == IP_ERROR_TOO_BIG ? (uint16_t)number(next_word(rest)) : 0;
    tcp_error(wire_tcp(p->net), &error, p->now_us);
    fetch_output(p);
    return true;
}

/* What the user does; false: no such word. */
static bool user_does(struct player *p, const char *verb, char **rest)
{
    const struct net_addr ours = {wire_host(p->is_v6, OURS), PORT},
                          peer = {wire_host(p->is_v6, PEER), PORT};
    char error[128];
    if (!strcmp(verb, "listen")) {
        flow_listen(p->net, &ours, &events, p, error, sizeof(error));
        p->our_port = PORT;
    } else if (!strcmp(verb, "unlisten")) {
        flow_unlisten_all(p->net);
    } else if (!strcmp(verb, "connect")) {
        p->flow = flow_connect(p->net, &peer, NULL, &events, p);
    } else if (!strcmp(verb, "send")) {
        queue_bytes(p, number(next_word(rest)));
        if (!strcmp(next_word(rest), "fin"))
            flow_shutdown(p->flow);
    } else if (!strcmp(verb, "read")) {
        flow_consumed(p->flow, number(next_word(rest)));
    } else if (!strcmp(verb, "shutdown")) {
        flow_shutdown(p->flow);
    } else if (!strcmp(verb, "close")) {
        flow_close(p->flow);
        p->flow = NULL;
    } else if (!strcmp(verb, "abort")) {
        flow_abort(p->flow);
        p->flow = NULL;
    } else if (!strcmp(verb, "mtu")) {
        wire_set_mtu(p->net, (uint16_t)number(next_word(rest)));
    } else {
        return false;
    }
    fetch_output(p);
    return true;
}

/* What must be so; false: it is not. */
static bool is_so(struct player *p, const char *verb, char **rest)
{
    struct flow_info info = {0};
    if (p->flow)
        flow_get_info(p->flow, &info);
    if (!strcmp(verb, "nothing"))
        return !p->num_packets;
    if (!strcmp(verb, "got"))
        return p->got == number(next_word(rest));
    if (!strcmp(verb, "handed")) {
        const uint32_t num = p->num_handed;
        p->num_handed = 0;
        return num == number(next_word(rest)) || (printf("handed %u\n", num) && false);
    }
    if (!strcmp(verb, "fin"))
        return p->has_fin;
    if (!strcmp(verb, "troubled"))
        return info.has_soft_error;
    if (!strcmp(verb, "untroubled"))
        return !info.has_soft_error;
    if (!strcmp(verb, "learned"))
        return wire_learned_mtu(p->net) == number(next_word(rest));
    if (!strcmp(verb, "up"))
        return p->is_up;
    if (!strcmp(verb, "down"))
        return !p->is_up;
    if (!strcmp(verb, "ended"))
        return p->is_over && !strcmp(end_names[p->why], next_word(rest));
    if (!strcmp(verb, "cwnd"))
        return info.cwnd == number(next_word(rest)) || (printf("cwnd %u\n", info.cwnd) && false);
    if (!strcmp(verb, "ssthresh"))
        return info.ssthresh == number(next_word(rest)) ||
               (printf("ssthresh %u\n", info.ssthresh) && false);
    if (!strcmp(verb, "mss"))
        return info.mss == number(next_word(rest)) || (printf("mss %u\n", info.mss) && false);
    if (!strcmp(verb, "counter")) {
        const char *name = next_word(rest);
        return counter_is(p, name, number(next_word(rest)));
    }
    printf("what is \"%s\"?\n", verb);
    return false;
}

static void do_line(struct player *p, const char *text)
{
    char copy[256], *rest;
    uint64_t wait_us = 0;
    snprintf(copy, sizeof(copy), "%s", text);
    if (strchr(copy, '#'))
        *strchr(copy, '#') = 0;
    const char *verb = strtok_r(copy, " \t", &rest);
    if (verb && *verb == '+') {
        wait_us = (uint64_t)(strtod(verb + 1, NULL) * 1000);
        verb = next_word(&rest);
    }
    if (!verb || !*verb)
        return;
    if (*verb == '>') {
        peer_gets(p, &rest, wait_us, text);
    } else {
        pass(p, p->line_us + wait_us, false);
        if (p->num_packets && strcmp(verb, "nothing") && *verb == '<' && wait_us)
            complain(p, "a packet came that no line awaits", text);
        if (*verb == '<')
            peer_sends(p, &rest);
        else if (!strcmp(verb, "toobig") || !strcmp(verb, "hard") || !strcmp(verb, "soft"))
            error_comes(p, verb, &rest);
        else if (!user_does(p, verb, &rest) && !is_so(p, verb, &rest))
            complain(p, "it is not so", text);
    }
    p->line_us = p->now_us;
}

static bool play(const char *name, const struct script_setup *setup, const char *text, bool is_v6)
{
    struct player *p = calloc(1, sizeof(*p));
    struct net_config config;
    struct net_address address;
    char error[128], line[256];
    if (!p)
        abort();
    const unsigned int in_use = wire_in_use();
    wire_config(&config, &address, is_v6, OURS);
    if (setup && setup->configure)
        setup->configure(&config);
    config.port.mtu = (uint16_t)(config.port.mtu + (is_v6 ? 20 : 0));
    *p = (struct player){
        .name = name, .is_v6 = is_v6, .now_us = config.now_us, .line_us = config.now_us};
    p->net = net_new(&config, error, sizeof(error));
    while (*text && !p->is_wrong) {
        const size_t len = strcspn(text, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)len, text);
        text += len + (text[len] == '\n');
        p->line++;
        do_line(p, line);
    }
    if (!p->is_wrong && p->num_packets)
        complain(p, "a packet is left that no line awaits", "the end");
    net_free(p->net);
    bool ok = !p->is_wrong;
    if (ok)
        ok = LKS_CHECK(wire_in_use() == in_use, "%s: %u mbufs were not given back", name,
                       wire_in_use() - in_use);
    free(p);
    return ok;
}

bool script_run(const char *name, const struct script_setup *setup, const char *text)
{
    return ((setup && setup->is_v6_only) || play(name, setup, text, false)) &&
           ((setup && setup->is_v4_only) || play(name, setup, text, true));
}
