/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#include <inttypes.h>
#include <stddef.h>

static const char *const end_names[NUM_ENDS] = {
    [END_CLEAN] = "clean",
    [END_CLIENT_RESET] = "client_reset",
    [END_CLIENT_TRUNCATED] = "client_truncated",
    [END_CLIENT_ALERT] = "client_alert",
    [END_TLS_ERROR] = "tls_error",
    [END_HANDSHAKE_TIMEOUT] = "handshake_timeout",
    [END_IDLE_TIMEOUT] = "idle_timeout",
    [END_BACKEND_UNREACHABLE] = "backend_unreachable",
    [END_BACKEND_RESET] = "backend_reset",
    [END_NO_MEMORY] = "no_memory",
    [END_SHUTDOWN] = "shutdown",
};

static void line(FILE *to, const char *name, uint64_t value)
{
    fprintf(to, "  %-28s %" PRIu64 "\n", name, value);
}

static void average(FILE *to, const char *name, uint64_t sum, uint64_t num)
{
    fprintf(to, "  %-28s %.2f\n", name, num ? (double)sum / (double)num : 0);
}

/* Frames that came for nothing. */
static uint64_t num_dropped(const struct report *report)
{
    const struct net_counters *n = &report->net;
    return n->rx_not_ours + n->rx_malformed + n->rx_bad_checksum + n->rx_bad_source +
           n->rx_fragments_dropped + n->rx_no_memory + report->tcp.bad_segments +
           report->tcp.bad_checksum;
}

static void print_tcp(FILE *to, const struct flow_counters *tcp)
{
    line(to, "tcp_retransmits", tcp->retransmits);
    line(to, "tcp_timeouts", tcp->timeouts);
    line(to, "tcp_timeouts_spurious", tcp->spurious_timeouts);
    line(to, "tcp_out_of_order", tcp->out_of_order);
    line(to, "tcp_out_of_order_dropped", tcp->out_of_order_dropped);
    line(to, "tcp_resets_in", tcp->resets_in);
    line(to, "tcp_resets_out", tcp->resets_out);
    line(to, "tcp_syn_cookies_sent", tcp->syn_cookies_sent);
    line(to, "tcp_syn_cookies_good", tcp->syn_cookies_good);
    line(to, "tcp_syns_dropped", tcp->syns_dropped);
    line(to, "tcp_window_dropped", tcp->window_dropped);
    line(to, "tcp_window_probes", tcp->zero_window_probes);
    line(to, "tcp_path_mtu_lowered", tcp->path_mtu_lowered + tcp->black_holes);
    line(to, "tcp_no_ports", tcp->no_ports);
    line(to, "tcp_connections_now", tcp->flows);
    line(to, "tcp_half_open_now", tcp->half_open);
    line(to, "tcp_detached_now", tcp->detached);
    line(to, "tcp_time_wait_now", tcp->time_wait);
    line(to, "tcp_buffers_now", tcp->buffers);
    line(to, "tcp_ended_for_buffers", tcp->ended_for_buffers);
    line(to, "tcp_ended_detached", tcp->ended_detached_deadline + tcp->detached_limit);
}

static void print_net(FILE *to, const struct report *report)
{
    const struct net_counters *n = &report->net;
    line(to, "rx_packets", n->rx_frames);
    line(to, "rx_bytes", n->rx_bytes);
    line(to, "rx_dropped", num_dropped(report));
    line(to, "rx_cut", report->port.rx_cut + n->rx_cut);
    line(to, "rx_handed_on", n->handed_on);
    line(to, "rx_handed_on_lost", report->port.hand_lost);
    line(to, "tx_packets", n->tx_frames);
    line(to, "tx_bytes", n->tx_bytes);
    line(to, "tx_waited", report->port.tx_waited);
    line(to, "tx_dropped", report->port.tx_dropped);
    line(to, "tx_too_long", report->port.tx_too_long);
    line(to, "tx_no_route", n->no_route);
    print_tcp(to, &report->tcp);
}

/* Structures, or parts of them, that are numbers of 64 bits throughout. */
static void add(void *sum, const void *more, size_t len)
{
    uint64_t *to = sum;
    const uint64_t *from = more;
    for (size_t i = 0; i < len / sizeof(*to); i++)
        to[i] += from[i];
}

void counters_add(struct report *sum, const struct report *report)
{
    add(&sum->app, &report->app, sizeof(sum->app));
    add(&sum->net, &report->net, sizeof(sum->net));
    add(&sum->port, &report->port, sizeof(sum->port));
    add(&sum->tcp, &report->tcp, offsetof(struct flow_counters, flows));
    sum->tcp.flows += report->tcp.flows;
    sum->tcp.half_open += report->tcp.half_open;
    sum->tcp.detached += report->tcp.detached;
    sum->tcp.time_wait += report->tcp.time_wait;
    sum->tcp.buffers += report->tcp.buffers;
    sum->key_log_dropped += report->key_log_dropped;
    sum->reloads += report->reloads;
    sum->reloads_failed += report->reloads_failed;
}

static void print_worker(FILE *to, uint32_t worker, const struct report *report)
{
    const struct counters *c = &report->app;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"connections", c->connections},
        {"connections_now", c->sessions},
        {"handshakes", c->handshakes},
        {"handshakes_resumed", c->handshakes_resumed},
        {"bytes_opened", c->bytes_opened},
        {"bytes_sealed", c->bytes_sealed},
        {"rx_packets", report->net.rx_frames},
        {"rx_handed_on", report->net.handed_on},
        {"tcp_path_mtu_lowered", report->tcp.path_mtu_lowered},
        {"busy_polls", c->busy_polls},
    };
    char name[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(name, sizeof(name), "worker_%u_%s", worker, rows[i].name);
        line(to, name, rows[i].value);
    }
}

void counters_print(FILE *to, const struct report *report, const struct report *const *each,
                    uint32_t num_each)
{
    const struct counters *c = &report->app;
    char name[64];
    fprintf(to, "lockstepd counters\n");
    line(to, "connections", c->connections);
    line(to, "connections_now", c->sessions);
    line(to, "connections_refused", c->refused);
    line(to, "handshakes", c->handshakes);
    line(to, "handshakes_resumed", c->handshakes_resumed);
    line(to, "handshake_failures", c->handshake_failures);
    line(to, "hello_retries", c->hello_retries);
    line(to, "records_opened", c->records_opened);
    line(to, "bytes_opened", c->bytes_opened);
    line(to, "records_sealed", c->records_sealed);
    line(to, "bytes_sealed", c->bytes_sealed);
    line(to, "records_bad", c->bad_records);
    line(to, "records_deferred", c->deferred);
    average(to, "open_batch_fill", c->open_ops, c->open_batches);
    average(to, "seal_batch_fill", c->seal_ops, c->seal_batches);
    for (unsigned int i = 0; i < NUM_ENDS; i++) {
        snprintf(name, sizeof(name), "ended_%s", end_names[i]);
        line(to, name, c->ended[i]);
    }
    for (unsigned int i = 0; i < 256; i++) {
        snprintf(name, sizeof(name), "alert_sent_%u", i);
        if (c->alerts_sent[i])
            line(to, name, c->alerts_sent[i]);
    }
    print_net(to, report);
    line(to, "key_log_dropped", report->key_log_dropped);
    line(to, "reloads", report->reloads);
    line(to, "reloads_failed", report->reloads_failed);
    for (uint32_t i = 0; i < num_each; i++)
        if (each[i])
            print_worker(to, i, each[i]);
    line(to, "polls", c->polls);
    line(to, "polls_busy", c->busy_polls);
    fflush(to);
}
