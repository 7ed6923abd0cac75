/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/address_text.h"
#include "port.h"

/* What an option's value is. */
enum kind {
    KIND_TEXT,   /* goes to `at` as it is */
    KIND_NUMBER, /* from low to high, to `at` */
    KIND_FLAG,   /* has none: a bool at `at` */
    KIND_OTHER,  /* parse_other() knows */
};

#define AT(member) offsetof(struct options, member)

static const struct known {
    const char *name;
    enum kind kind;
    size_t at;
    uint64_t low, high;
    bool is_list;
} known[] = {
    {"target", KIND_OTHER, 0, 0, 0, false},
    {"address", KIND_OTHER, 0, 0, 0, true},
    {"gateway", KIND_OTHER, 0, 0, 0, true},
    {"port", KIND_NUMBER, AT(port_id), 0, 65535, false},
    {"mtu", KIND_NUMBER, AT(mtu), PORT_MTU_MIN, PORT_MTU_MAX, false},
    {"vlan", KIND_NUMBER, AT(vlan), 1, 4094, false},
    {"mbufs", KIND_NUMBER, AT(mbufs), 1024, 1u << 24, false},
    {"connections", KIND_NUMBER, AT(connections), 1, 1000000, false},
    {"per-connection", KIND_OTHER, 0, 0, 0, false},
    {"rate", KIND_NUMBER, AT(rate), 1, 100000000, false},
    {"arrivals", KIND_OTHER, 0, 0, 0, false},
    {"duration", KIND_NUMBER, AT(duration_s), 1, 86400, false},
    {"warmup", KIND_NUMBER, AT(warmup_s), 1, 86400, false},
    {"requests", KIND_NUMBER, AT(max_requests), 1, UINT64_MAX / 2, false},
    {"timeout", KIND_NUMBER, AT(timeout_s), 1, 3600, false},
    {"resume", KIND_NUMBER, AT(resume_percent), 0, 100, false},
    {"method", KIND_TEXT, AT(method), 0, 0, false},
    {"path", KIND_TEXT, AT(path), 0, 0, false},
    {"host", KIND_TEXT, AT(host), 0, 0, false},
    {"header", KIND_OTHER, 0, 0, 0, true},
    {"body", KIND_NUMBER, AT(body_len), 0, 1000000000000, false},
    {"server-name", KIND_TEXT, AT(server_name), 0, 0, false},
    {"tls", KIND_OTHER, 0, 0, 0, false},
    {"suites", KIND_TEXT, AT(suites), 0, 0, false},
    {"groups", KIND_TEXT, AT(groups), 0, 0, false},
    {"alpn", KIND_TEXT, AT(alpn), 0, 0, false},
    {"ca", KIND_TEXT, AT(ca), 0, 0, false},
    {"insecure", KIND_FLAG, AT(is_insecure), 0, 0, false},
    {"cert", KIND_TEXT, AT(cert), 0, 0, false},
    {"key", KIND_TEXT, AT(key), 0, 0, false},
    {"key-log", KIND_TEXT, AT(key_log), 0, 0, false},
    {"serve", KIND_OTHER, 0, 0, 0, false},
    {"serve-size", KIND_NUMBER, AT(serve_size), 0, 1000000000000, false},
    {"serve-connections", KIND_NUMBER, AT(serve_connections), 1, 1000000, false},
    {"json", KIND_TEXT, AT(json), 0, 0, false},
    {"idle", KIND_OTHER, 0, 0, 0, false},
    {"version", KIND_FLAG, AT(version), 0, 0, false},
    {"help", KIND_FLAG, AT(help), 0, 0, false},
};
#define NUM_KNOWN (sizeof(known) / sizeof(known[0]))

int options_fail(char *error, unsigned int error_len, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(error, error_len, fmt, args);
    va_end(args);
    return -1;
}

/* Whether it may stand in a request's head: printable ASCII, and blanks where they are allowed. */
static bool is_plain(const char *text, bool has_blanks)
{
    for (; *text; text++)
        if (*text < (has_blanks ? ' ' : '!') || *text > '~')
            return false;
    return true;
}

static bool parse_idle(const char *value, struct options *o)
{
    if (strcmp(value, "spin") == 0)
        o->idle = LOAD_IDLE_SPIN;
    else if (strcmp(value, "yield") == 0)
        o->idle = LOAD_IDLE_YIELD;
    else if (strncmp(value, "sleep:", 6) == 0 && number_parse(value + 6, 1, 1000000, &o->idle_us))
        o->idle = LOAD_IDLE_SLEEP;
    else
        return false;
    return true;
}

static int parse_header(struct options *o, const char *value, char *error, unsigned int error_len)
{
    if (o->num_headers == OPTIONS_HEADERS)
        return options_fail(error, error_len, "--header %s: one too many, there is room for %u",
                            value, OPTIONS_HEADERS);
    if (!is_plain(value, true) || *value == ':' || *value == ' ' || !strchr(value, ':'))
        return options_fail(error, error_len, "--header %s: write \"Name: value\", in ASCII",
                            value);
    o->headers[o->num_headers++] = value;
    return 0;
}

static int parse_other(struct options *o, const char *name, const char *value, char *error,
                       unsigned int error_len)
{
    if (strcmp(name, "target") == 0)
        return options_set_addr(&o->target, "target", value, error, error_len);
    if (strcmp(name, "serve") == 0)
        return options_set_addr(&o->serve, "serve", value, error, error_len);
    if (strcmp(name, "address") == 0)
        return options_add_addresses(o, value, error, error_len);
    if (strcmp(name, "gateway") == 0)
        return options_add_gateway(o, value, error, error_len);
    if (strcmp(name, "header") == 0)
        return parse_header(o, value, error, error_len);
    if (strcmp(name, "per-connection") == 0) {
        if (strcmp(value, "all") == 0)
            o->per_connection = UINT64_MAX;
        else if (!number_parse(value, 0, UINT64_MAX / 2, &o->per_connection))
            return options_fail(error, error_len,
                                "--per-connection %s: use a number of requests, 0 for handshakes "
                                "alone, or all",
                                value);
        return 0;
    }
    if (strcmp(name, "arrivals") == 0) {
        o->is_poisson = strcmp(value, "poisson") == 0;
        if (!o->is_poisson && strcmp(value, "even") != 0)
            return options_fail(error, error_len, "--arrivals %s: use even or poisson", value);
        return 0;
    }
    if (strcmp(name, "tls") == 0) {
        if (strcmp(value, "1.2") != 0 && strcmp(value, "1.3") != 0)
            return options_fail(error, error_len,
                                "--tls %s: use 1.2 or 1.3; without it both are offered", value);
        o->tls = value;
        return 0;
    }
    if (parse_idle(value, o)) /* --idle is the last one */
        return 0;
    return options_fail(error, error_len,
                        "--idle %s: use spin, yield or sleep:MICROSECONDS (1 to 1000000)", value);
}

static int parse_one(struct options *o, const struct known *k, const char *value, char *error,
                     unsigned int error_len)
{
    char *at = (char *)o + k->at;
    const bool yes = true;
    uint64_t number;
    switch (k->kind) {
    case KIND_FLAG:
        memcpy(at, &yes, sizeof(yes));
        return 0;
    case KIND_TEXT:
        memcpy(at, &value, sizeof(value));
        return 0;
    case KIND_NUMBER:
        if (!number_parse(value, k->low, k->high, &number))
            return options_fail(error, error_len,
                                "--%s %s: not a number from %" PRIu64 " to %" PRIu64, k->name,
                                value, k->low, k->high);
        memcpy(at, &number, sizeof(number));
        return 0;
    default:
        return parse_other(o, k->name, value, error, error_len);
    }
}

/* The option that a word names, --NAME or --NAME=VALUE; NUM_KNOWN: none. */
static size_t find(const char *word)
{
    const char *name = strcmp(word, "-h") == 0 ? "--help" : word;
    const size_t len = strcspn(name, "=");
    size_t i = 0;
    while (i < NUM_KNOWN && (strncmp(name, "--", 2) != 0 || strlen(known[i].name) != len - 2 ||
                             strncmp(name + 2, known[i].name, len - 2) != 0))
        i++;
    return i;
}

/* The value of the option in words[*at], in the same word or the next one; *at is then its last
 * word's. A value that begins with "--" has to stand behind "=". */
static int find_value(const char **value, const struct known *k, int *at, int argc, char **argv,
                      char *error, unsigned int error_len)
{
    const char *equals = strchr(argv[*at], '=');
    *value = equals ? equals + 1 : NULL;
    if (k->kind == KIND_FLAG)
        return equals
                   ? options_fail(error, error_len, "--%s takes no value; write it alone", k->name)
                   : 0;
    if (!equals && *at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0)
        *value = argv[++*at];
    if (*value && **value)
        return 0;
    return options_fail(error, error_len, "--%s: it needs a value (--help)", k->name);
}

static int check_client(const struct options *o, char *error, unsigned int error_len)
{
    if (o->warmup_s && o->max_requests != UINT64_MAX)
        return options_fail(error, error_len,
                            "--warmup with --requests: the first throws away what the second "
                            "counts; leave one out");
    if (o->is_poisson && !o->rate)
        return options_fail(error, error_len, "--arrivals poisson: there is no --rate to come at");
    if (!o->cert != !o->key)
        return options_fail(error, error_len, "--cert and --key belong together; name both");
    if (o->is_insecure && o->ca)
        return options_fail(error, error_len,
                            "--insecure with --ca: is the server to be verified? leave one out");
    if (!is_plain(o->method, false) || !is_plain(o->path, false) || *o->path != '/')
        return options_fail(error, error_len,
                            "--method %s --path %s: a path begins with '/', and neither has "
                            "blanks in it or other than ASCII",
                            o->method, o->path);
    if (o->host && !is_plain(o->host, false))
        return options_fail(error, error_len, "--host %s: not a host's name", o->host);
    return 0;
}

static int check(struct options *o, char *error, unsigned int error_len)
{
    if (!o->target.port && !o->serve.port)
        return options_fail(error, error_len,
                            "--target is missing: which server is to be loaded? (--help)");
    if (!o->method)
        o->method = o->body_len ? "POST" : "GET";
    if (!o->max_requests)
        o->max_requests = UINT64_MAX;
    else if (!o->duration_s) /* its requests end it; or at their rate that time */
        o->duration_s = o->rate ? o->max_requests / o->rate + o->timeout_s : 86400;
    if (!o->duration_s && o->target.port)
        o->duration_s = 10;
    const int bad = o->target.port ? check_client(o, error, error_len) : 0;
    return bad ? bad : options_check_addresses(o, error, error_len);
}

int options_parse(struct options *o, int argc, char **argv, char *error, unsigned int error_len)
{
    bool is_given[NUM_KNOWN] = {false};
    *o = (struct options){.mbufs = 32768,
                          .connections = 100,
                          .per_connection = UINT64_MAX,
                          .timeout_s = 10,
                          .path = "/",
                          .alpn = "http/1.1",
                          .serve_size = 1024,
                          .serve_connections = 4096,
                          .idle = LOAD_IDLE_YIELD};
    for (int at = 1; at < argc; at++) {
        const char *value;
        const size_t i = find(argv[at]);
        if (i == NUM_KNOWN)
            return options_fail(error, error_len, "%s: no such option (--help lists them)",
                                argv[at]);
        if (find_value(&value, &known[i], &at, argc, argv, error, error_len))
            return -1;
        if (is_given[i] && !known[i].is_list)
            return options_fail(error, error_len, "--%s is given twice; keep one of the two",
                                known[i].name);
        is_given[i] = true;
        if (parse_one(o, &known[i], value, error, error_len))
            return -1;
        if (o->help || o->version)
            return 0;
    }
    return check(o, error, error_len);
}
