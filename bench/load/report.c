/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <inttypes.h>

static const struct {
    const char *text, *name;
    uint32_t millionths;
} percentiles[] = {
    {"50 %", "p50", 500000},     {"90 %", "p90", 900000},       {"99 %", "p99", 990000},
    {"99.9 %", "p99.9", 999000}, {"99.99 %", "p99.99", 999900},
};
#define NUM_PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

static double seconds(const struct load *l)
{
    return l->end_ns > l->start_ns ? (double)(l->end_ns - l->start_ns) / 1e9 : 0;
}

static double per_second(const struct load *l, uint64_t num)
{
    const double s = seconds(l);
    return s > 0 ? (double)num / s : 0;
}

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : 0;
}

/* Of the time that was measured. */
static double busy_share(const struct load *l)
{
    return ratio(l->counts.busy_cycles, l->end_cycles - l->start_cycles);
}

bool report_is_good(const struct report *r)
{
    const struct counts *c = r->load ? &r->load->counts : NULL;
    if (!c)
        return true;
    for (uint32_t i = 0; i < LOAD_NUM_ERRORS; i++)
        if (c->errors[i])
            return false;
    return !c->failed && !c->never_begun;
}

/* ---- for people ---- */

static void line(FILE *to, const char *name, uint64_t value)
{
    fprintf(to, "  %-28s %" PRIu64 "\n", name, value);
}

/* Those that were late are counted, and not in the rate. */
static void line_rate(FILE *to, const char *name, const struct load *l, uint64_t value,
                      uint64_t late)
{
    fprintf(to, "  %-28s %-12" PRIu64 " %.1f a second\n", name, value, per_second(l, value - late));
}

static void print_times(FILE *to, const char *name, const struct histogram *h)
{
    if (!h->num)
        return;
    fprintf(to, "  %-22s %10.3f %10.3f", name, (double)h->min / 1e6, histogram_mean(h) / 1e6);
    for (size_t i = 0; i < NUM_PERCENTILES; i++)
        fprintf(to, " %10.3f", (double)histogram_at(h, percentiles[i].millionths) / 1e6);
    fprintf(to, " %10.3f\n", (double)h->max / 1e6);
}

static void print_latency(FILE *to, const struct load *l)
{
    const struct counts *c = &l->counts;
    fprintf(to, "milliseconds (percentiles are at most 0.8 %% too high)\n  %-22s %10s %10s", "",
            "least", "mean");
    for (size_t i = 0; i < NUM_PERCENTILES; i++)
        fprintf(to, " %10s", percentiles[i].text);
    fprintf(to, " %10s\n", "most");
    print_times(to, l->config.per_connection ? "request" : "connection", &c->operation);
    print_times(to, "TCP's handshake", &c->connect);
    print_times(to, "full handshake", &c->full_handshake);
    print_times(to, "resumed handshake", &c->resumed_handshake);
}

static void print_errors(FILE *to, const struct counts *c)
{
    for (uint32_t i = 0; i < c->num_reasons; i++)
        fprintf(to, "  %-12s %-10" PRIu64 " %s\n", load_error_name(c->reasons[i].error),
                c->reasons[i].num, c->reasons[i].why);
}

static void print_load(FILE *to, const struct load *l)
{
    const struct counts *c = &l->counts;
    fprintf(to, "lockstep-load: %.3f s, %s, %u connections\n", seconds(l),
            l->config.rate ? "open loop" : "closed loop", l->config.num_clients);
    line_rate(to, l->config.per_connection ? "answers" : "connections done", l, c->done, 0);
    if (c->late)
        line(to, "done after the end", c->late);
    line(to, "failed", c->failed);
    if (l->config.rate)
        line(to, "due, but never begun", c->never_begun);
    line_rate(to, "full handshakes", l, c->full, c->late_full);
    line_rate(to, "resumed handshakes", l, c->resumed, c->late_resumed);
    line(to, "sessions offered", c->offered);
    line_rate(to, "connections begun", l, c->connections, 0);
    line(to, "ended idle by the server", c->closed_idle);
    fprintf(to, "  %-28s %.3f MB a second\n", "plaintext received",
            per_second(l, c->opened_bytes) / 1e6);
    fprintf(to, "  %-28s %.3f MB a second\n", "plaintext sent",
            per_second(l, c->sealed_bytes) / 1e6);
    for (uint32_t i = 0; i < COUNTS_STATUSES; i++)
        if (c->statuses[i])
            fprintf(to, "  status %-21u %" PRIu64 "\n", i, c->statuses[i]);
    for (uint32_t i = 0; i < c->num_agreed; i++)
        fprintf(to, "  %-10" PRIu64 " %s\n", c->agreed[i].num, c->agreed[i].text);
    print_latency(to, l);
    if (c->num_reasons)
        fprintf(to, "errors\n");
    print_errors(to, c);
    fprintf(to, "the generator itself\n  %-28s %.1f %% of its core%s\n", "busy",
            busy_share(l) * 100,
            busy_share(l) > 0.9 ? ": the figures may be its own limit, not the server's" : "");
    fprintf(to, "  %-28s %.2f opened, %.2f sealed\n", "records in a batch",
            ratio(c->open_ops, c->open_batches), ratio(c->seal_ops, c->seal_batches));
}

void report_print(FILE *to, const struct report *r)
{
    if (r->load)
        print_load(to, r->load);
    if (r->backend) {
        fprintf(to, "backend\n");
        line(to, "connections", r->backend->connections);
        line(to, "refused", r->backend->refused);
        line(to, "requests", r->backend->requests);
        line(to, "bad requests", r->backend->bad_requests);
        line(to, "bytes", r->backend->bytes);
    }
    fprintf(to, "the network\n");
    line(to, "packets received", r->net.rx_frames);
    line(to, "packets sent", r->net.tx_frames);
    line(to, "retransmits", r->tcp.retransmits);
    line(to, "timeouts", r->tcp.timeouts);
    line(to, "packets dropped here",
         r->port.tx_dropped + r->port.tx_too_long + r->port.rx_cut + r->net.rx_no_memory);
}

/* ---- JSON ---- */

/* What is written is ours or the library's: words in ASCII. A quote would break it all the same. */
static void json_text(FILE *to, const char *text)
{
    putc('"', to);
    for (; *text; text++)
        if (*text >= ' ' && *text <= '~' && *text != '"' && *text != '\\')
            putc(*text, to);
        else
            fprintf(to, "\\u%04x", (unsigned int)(unsigned char)*text);
    putc('"', to);
}

static void json_number(FILE *to, const char *name, uint64_t value)
{
    fprintf(to, "\"%s\": %" PRIu64 ", ", name, value);
}

static void json_times(FILE *to, const char *name, const struct histogram *h, const char *end)
{
    fprintf(to, "    \"%s\": {\"num\": %" PRIu64 ", \"min\": %" PRIu64 ", \"mean\": %.0f", name,
            h->num, h->min, histogram_mean(h));
    for (size_t i = 0; i < NUM_PERCENTILES; i++)
        fprintf(to, ", \"%s\": %" PRIu64, percentiles[i].name,
                histogram_at(h, percentiles[i].millionths));
    fprintf(to, ", \"max\": %" PRIu64 "}%s\n", h->max, end);
}

static void json_errors(FILE *to, const struct counts *c)
{
    fprintf(to, "  \"errors\": {");
    for (uint32_t i = 0; i < LOAD_NUM_ERRORS; i++)
        fprintf(to, "%s\"%s\": %" PRIu64, i ? ", " : "", load_error_name(i), c->errors[i]);
    fprintf(to, "},\n  \"reasons\": [");
    for (uint32_t i = 0; i < c->num_reasons; i++) {
        fprintf(to, "%s{\"error\": \"%s\", \"num\": %" PRIu64 ", \"why\": ", i ? ", " : "",
                load_error_name(c->reasons[i].error), c->reasons[i].num);
        json_text(to, c->reasons[i].why);
        putc('}', to);
    }
    fprintf(to, "],\n");
}

static void json_tables(FILE *to, const struct counts *c)
{
    const char *comma = "";
    fprintf(to, "  \"statuses\": {");
    for (uint32_t i = 0; i < COUNTS_STATUSES; i++) {
        if (!c->statuses[i])
            continue;
        fprintf(to, "%s\"%u\": %" PRIu64, comma, i, c->statuses[i]);
        comma = ", ";
    }
    fprintf(to, "},\n  \"agreed\": [");
    for (uint32_t i = 0; i < c->num_agreed; i++) {
        fprintf(to, "%s{\"num\": %" PRIu64 ", \"what\": ", i ? ", " : "", c->agreed[i].num);
        json_text(to, c->agreed[i].text);
        putc('}', to);
    }
    fprintf(to, "],\n");
}

static void json_load(FILE *to, const struct load *l)
{
    const struct counts *c = &l->counts;
    fprintf(to, "  \"seconds\": %.6f, \"loop\": \"%s\", \"operation\": \"%s\",\n  ", seconds(l),
            l->config.rate ? "open" : "closed",
            l->config.per_connection ? "request" : "connection");
    json_number(to, "begun", c->begun);
    json_number(to, "done", c->done);
    json_number(to, "late", c->late);
    json_number(to, "failed", c->failed);
    json_number(to, "never_begun", c->never_begun);
    fprintf(to, "\"done_per_second\": %.3f,\n  ", per_second(l, c->done));
    json_number(to, "requests", c->requests);
    json_number(to, "connections", c->connections);
    json_number(to, "connected", c->connected);
    json_number(to, "full_handshakes", c->full);
    json_number(to, "resumed_handshakes", c->resumed);
    json_number(to, "hello_retries", c->retried);
    json_number(to, "sessions_offered", c->offered);
    json_number(to, "closed_idle", c->closed_idle);
    json_number(to, "body_bytes", c->body_bytes);
    json_number(to, "opened_bytes", c->opened_bytes);
    json_number(to, "sealed_bytes", c->sealed_bytes);
    fprintf(to,
            "\n  \"full_handshakes_per_second\": %.3f, \"resumed_handshakes_per_second\": %.3f,\n"
            "  \"opened_bytes_per_second\": %.0f, \"sealed_bytes_per_second\": %.0f,\n",
            per_second(l, c->full - c->late_full), per_second(l, c->resumed - c->late_resumed),
            per_second(l, c->opened_bytes), per_second(l, c->sealed_bytes));
    json_tables(to, c);
    json_errors(to, c);
    fprintf(to, "  \"nanoseconds\": {\n");
    json_times(to, "operation", &c->operation, ",");
    json_times(to, "tcp_handshake", &c->connect, ",");
    json_times(to, "full_handshake", &c->full_handshake, ",");
    json_times(to, "resumed_handshake", &c->resumed_handshake, "");
    fprintf(to,
            "  },\n  \"generator\": {\"busy_share\": %.4f, \"polls\": %" PRIu64
            ", \"busy_polls\": %" PRIu64 ", \"open_batch\": %.3f, \"seal_batch\": %.3f},\n",
            busy_share(l), c->polls, c->busy_polls, ratio(c->open_ops, c->open_batches),
            ratio(c->seal_ops, c->seal_batches));
}

void report_json(FILE *to, const struct report *r)
{
    fprintf(to, "{\n");
    if (r->load)
        json_load(to, r->load);
    if (r->backend)
        fprintf(to,
                "  \"backend\": {\"connections\": %" PRIu64 ", \"refused\": %" PRIu64
                ", \"requests\": %" PRIu64 ", \"bad_requests\": %" PRIu64 ", \"bytes\": %" PRIu64
                "},\n",
                r->backend->connections, r->backend->refused, r->backend->requests,
                r->backend->bad_requests, r->backend->bytes);
    fprintf(to,
            "  \"network\": {\"rx_packets\": %" PRIu64 ", \"rx_bytes\": %" PRIu64
            ", \"tx_packets\": %" PRIu64 ", \"tx_bytes\": %" PRIu64 ", \"retransmits\": %" PRIu64
            ", \"timeouts\": %" PRIu64 ", \"dropped\": %" PRIu64 "}\n}\n",
            r->net.rx_frames, r->net.rx_bytes, r->net.tx_frames, r->net.tx_bytes,
            r->tcp.retransmits, r->tcp.timeouts,
            r->port.tx_dropped + r->port.tx_too_long + r->port.rx_cut + r->net.rx_no_memory);
}
