/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#include <inttypes.h>

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

void counters_print(FILE *to, const struct report *report)
{
    const struct counters *c = &report->app;
    const struct flow_counters *tcp = &report->tcp;
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
    line(to, "rx_packets", tcp->rx_packets);
    line(to, "rx_bytes", tcp->rx_bytes);
    line(to, "rx_dropped", tcp->rx_dropped);
    line(to, "rx_cut", tcp->rx_cut);
    line(to, "tx_packets", tcp->tx_packets);
    line(to, "tx_bytes", tcp->tx_bytes);
    line(to, "tx_waited", tcp->tx_waited);
    line(to, "tx_dropped", tcp->tx_dropped);
    line(to, "tx_too_long", tcp->tx_too_long);
    line(to, "tx_no_route", tcp->tx_no_route);
    line(to, "tcp_retransmits", tcp->retransmits);
    line(to, "tcp_connections_now", tcp->flows);
    line(to, "tcp_detached_now", tcp->detached);
    line(to, "tcp_ended_for_buffers", tcp->ended_for_buffers);
    line(to, "tcp_ended_detached", tcp->ended_detached);
    line(to, "key_log_dropped", report->key_log_dropped);
    line(to, "polls", c->polls);
    line(to, "polls_busy", c->busy_polls);
    fflush(to);
}
